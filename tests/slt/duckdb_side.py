"""DuckDB over the same CSV files, with the few Druid functions that standard SQL lacks as macros."""
import datetime
import decimal
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import tables  # noqa: E402
from ovatetest import module  # noqa: E402

TYPES = {'string': 'VARCHAR', 'long': 'BIGINT', 'double': 'DOUBLE', 'float': 'FLOAT'}

# Meanings taken from Druid's documentation; week starts Monday in both.
MACROS = """
CREATE MACRO TIME_FLOOR(t, p) AS CASE p
    WHEN 'PT1S' THEN date_trunc('second', t) WHEN 'PT1M' THEN date_trunc('minute', t) WHEN 'PT1H' THEN date_trunc('hour', t)
    WHEN 'P1D' THEN date_trunc('day', t)::TIMESTAMP WHEN 'P1W' THEN date_trunc('week', t)::TIMESTAMP
    WHEN 'P1M' THEN date_trunc('month', t)::TIMESTAMP WHEN 'P1Y' THEN date_trunc('year', t)::TIMESTAMP
    WHEN 'PT5M' THEN time_bucket(INTERVAL 5 MINUTE, t) WHEN 'PT6H' THEN time_bucket(INTERVAL 6 HOUR, t) END;
CREATE MACRO TIMESTAMP_TO_MILLIS(t) AS epoch_ms(t);
CREATE MACRO MV_TO_ARRAY(x) AS CASE WHEN x IS NULL THEN [NULL] ELSE string_split(x, '|') END;
CREATE MACRO EARLIEST_BY(x, t) AS first(x ORDER BY t);
CREATE MACRO LATEST_BY(x, t) AS last(x ORDER BY t);
CREATE MACRO MILLIS_TO_TIMESTAMP(n) AS make_timestamp(n * 1000);
"""


def plain(value):
    """A DuckDB value as Ovate's JSON shows it."""
    if isinstance(value, datetime.datetime):
        return value.strftime('%Y-%m-%dT%H:%M:%S.') + '%03dZ' % (value.microsecond // 1000)
    if isinstance(value, datetime.date):
        return value.strftime('%Y-%m-%dT00:00:00.000Z')
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() and value.as_tuple().exponent >= 0 else float(value)
    return value


def arguments(sql, at):
    """What stands between the bracket in front of `at` and the one that closes it, cut at its own commas; and where it ends."""
    depth, begin, found = 1, at, []
    while depth:
        c = sql[at]
        depth += (c in '([') - (c in ')]')
        if depth == 0 or (c == ',' and depth == 1):
            found.append(sql[begin:at].strip())
            begin = at + 1
        at = sql.index("'", at + 1) + 1 if c == "'" else at + 1
    return found, at


def side_by_side(sql):
    """UNNEST(a, b) AS u(x, y) in FROM as DuckDB says it: only lists of a SELECT list stand side by side there."""
    for hit in reversed(list(re.finditer(r'\bUNNEST\(', sql))):
        lists, end = arguments(sql, hit.end())
        names = re.match(r' AS (\w+)\(([\w, ]+)\)', sql[end:])
        if len(lists) < 2 or not names:
            continue
        items = ', '.join('UNNEST(%s) AS %s' % pair for pair in zip(lists, names[2].split(', ')))
        sql = '%sLATERAL (SELECT %s) AS %s%s' % (sql[:hit.start()], items, names[1], sql[end + names.end():])
    return sql


class Engine:
    def __init__(self, folder):
        self.folder = folder
        self.link = module('duckdb').connect()
        self.link.execute("SET TimeZone = 'UTC'; SET default_null_order = 'nulls_first_on_asc_last_on_desc'; SET integer_division = true")
        self.link.execute(MACROS)

    def load(self, name):
        path = tables.csv_path(name, self.folder)
        kinds = ', '.join("'%s': '%s'" % (column, TYPES[kind]) for column, kind in tables.COLUMNS[name])
        columns = ', '.join('"%s"' % column for column, _ in tables.COLUMNS[name])
        self.link.execute("""CREATE TABLE "%s" AS SELECT "time"::TIMESTAMPTZ::TIMESTAMP AS __time, %s FROM read_csv('%s', header = true,
            columns = {'time': 'VARCHAR', %s}, nullstr = '', allow_quoted_nulls = false)""" % (name, columns, path, kinds))

    def rows(self, record):
        return [[plain(value) for value in row] for row in self.link.execute(side_by_side(record.sql)).fetchall()]
