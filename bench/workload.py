"""The eight station queries, in the dialect of each engine, and what makes two answers equal.

The texts differ only in names of functions: Druid SQL for Ovate, standard SQL for DuckDB, and ClickHouse's bucket functions.
"""
import collections
import math

TABLE = 'seoulbike'
CUT = "TIMESTAMP '2023-03-08 00:00:00'"
FILTER = "WHERE __time >= %s AND stationId = 'ST-292'" % CUT

# key, what it shows, SQL with {hour} and {day}, columns that ORDER BY fixes (None: any order)
Query = collections.namedtuple('Query', 'key about sql ordered')

QUERIES = [
    Query('a', 'rows of one station since a day', 'SELECT stationId, stationLatitude, stationLongitude, stationName FROM {t} '
          + FILTER, False),
    Query('b', 'count of the same', 'SELECT COUNT(*) FROM {t} ' + FILTER, False),
    Query('c', 'rows per station', 'SELECT stationId, COUNT(*) FROM {t} GROUP BY stationId', False),
    Query('d', 'the 20 stations with most rows', 'SELECT stationId, COUNT(*) FROM {t} GROUP BY stationId '
          'ORDER BY COUNT(*) DESC LIMIT 20', True),
    Query('e', 'three aggregates per station', 'SELECT stationId, SUM(parkingBikeTotCnt), MAX(shared), '
          'AVG(parkingBikeTotCnt) FROM {t} GROUP BY stationId', False),
    Query('f', 'bikes per hour', 'SELECT {hour} AS h, SUM(parkingBikeTotCnt) FROM {t} GROUP BY {hour}', False),
    Query('g', 'empty stations, top 10', 'SELECT stationName, COUNT(*) FROM {t} WHERE parkingBikeTotCnt = 0 '
          'GROUP BY stationName ORDER BY COUNT(*) DESC LIMIT 10', True),
    Query('h', 'best days of stations, top 10', 'SELECT stationId, {day} AS d, AVG(parkingBikeTotCnt) FROM {t} '
          'GROUP BY stationId, {day} ORDER BY AVG(parkingBikeTotCnt) DESC LIMIT 10', True),
]

BUCKETS = {
    'ovate': {'hour': "TIME_FLOOR(__time, 'PT1H')", 'day': "TIME_FLOOR(__time, 'P1D')"},
    'duckdb': {'hour': "date_trunc('hour', __time)", 'day': "date_trunc('day', __time)"},
    'clickhouse': {'hour': 'toStartOfHour(__time)', 'day': 'toStartOfDay(__time)'},
}


def text(query, dialect):
    sql = query.sql.format(t=TABLE, **BUCKETS[dialect])
    return sql.replace("TIMESTAMP '2023-03-08 00:00:00'", "toDateTime('2023-03-08 00:00:00', 'UTC')") \
        if dialect == 'clickhouse' else sql


def close(a, b):
    if isinstance(a, float) or isinstance(b, float):
        return math.isclose(float(a), float(b), rel_tol=1e-9)
    return a == b


def as_text(row):
    """A row for comparing and sorting: doubles to nine digits, and 3.0 is 3 (JSON writers differ there)."""
    return tuple('%.9g' % v if isinstance(v, float) and v != int(v) else str(int(v)) if isinstance(v, float) else str(v)
                 for v in row)


def difference(query, want, got):
    """None when two answers are the same, else words. Equal sort keys may come in any order and cut any ties:
    of a LIMIT with ties only the values of the sort key are compared, and rows strictly above the last key."""
    if len(want) != len(got):
        return '%d rows against %d' % (len(want), len(got))
    if query.ordered:
        keys = [row[-1] for row in want]
        for number, (a, b) in enumerate(zip(keys, (row[-1] for row in got))):
            if not close(a, b):
                return 'row %d: %r against %r' % (number, want[number], got[number])
        last = keys[-1] if keys else None
        want = [row for row in want if not close(row[-1], last)]
        got = [row for row in got if not close(row[-1], last)]
    for a, b in zip(sorted(map(as_text, want)), sorted(map(as_text, got))):
        if a != b:
            return '%r against %r' % (a, b)
    return None if len(want) == len(got) else '%d rows above the ties against %d' % (len(want), len(got))
