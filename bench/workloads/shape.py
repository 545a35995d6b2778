"""What a workload is made of: tables, queries, dialects of SQL, and what makes two answers equal.

A workload is a module of this folder with
    TITLE, ROWS, QUICK          a line for the page; rows when nothing is asked for; rows of the smoke run
    make(place)                 writes the rows (place: shape.Place) and returns the tables
    QUERIES                     a list of Query, or queries(tables) where they depend on the rows
"""
import collections
import dataclasses
import datetime
import decimal
import math
import re

# Where rows are made: folder, how many, Ovate's binary (for `ovate bench gen`)
Place = collections.namedtuple('Place', 'folder rows binary')


@dataclasses.dataclass
class Table:
    """One file of rows: CSV with a header, or NDJSON where its name says so. Columns are (name, kind); kinds: text, word (text of few values), long, int, short, byte,
    double, money (two decimals), time (a second), day. A kind that ends in ? may be null."""
    name: str
    file: str
    columns: list
    time: str = None          # the column that is __time in Druid; None: the table has none
    order: tuple = ()         # what the peers sort by
    granularity: str = 'ALL'  # of Ovate's and Druid's segments
    rows: int = 0
    clustered: bool = False   # Ovate and Druid sort by `order` as well (forceSegmentSortByTime: false)
    segment_rows: int = 0     # of Ovate's and Druid's segments, where five million are not wanted;
    memory: str = None        # and that of Ovate's load, for wide rows: its default makes small segments of them
    keep_time: bool = False   # the time is a column of Ovate's and Druid's table too, as text

    def ovate_layout(self):
        """For the settings of a report: what differs from the defaults."""
        order = 'clustered by (%s)' % ', '.join(self.order) if self.clustered else 'in time order' if self.time else 'as it came'
        return '%s %s%s%s' % (self.name, order, ', segments of %d rows' % self.segment_rows if self.segment_rows else '',
                              ', loaded with --memory ' + self.memory if self.memory else '')

    def is_json(self):
        return self.file.endswith('.ndjson')

    def druid_dimensions(self):
        kinds = {'long': 'long', 'int': 'long', 'short': 'long', 'byte': 'long', 'double': 'double', 'money': 'double'}
        names = {name: kinds.get(kind.rstrip('?'), 'string') for name, kind in self.columns
                 if name != self.time or self.keep_time}
        if not self.clustered:
            return [{'type': kind, 'name': name} for name, kind in names.items()]
        first = ['__time' if name == self.time else name for name in self.order]
        names['__time'] = 'long'
        return [{'type': names[name], 'name': name} for name in first + [n for n in names if n not in first]]

    def druid_spec(self):
        """The task that loads the table into a server that speaks Druid's API."""
        dimensions = {'dimensions': self.druid_dimensions()}
        if self.clustered:
            dimensions['forceSegmentSortByTime'] = False
        tuning = {'type': 'index_parallel'}
        if self.segment_rows:
            tuning['partitionsSpec'] = {'type': 'dynamic', 'maxRowsPerSegment': self.segment_rows}
        return {'type': 'index_parallel', 'spec': {
            'dataSchema': {
                'dataSource': self.name, 'dimensionsSpec': dimensions,
                'timestampSpec': {'column': self.time or 'none', 'format': 'auto', 'missingValue': '2000-01-01T00:00:00Z'},
                'granularitySpec': {'segmentGranularity': self.granularity, 'queryGranularity': 'NONE', 'rollup': False}},
            'ioConfig': {'type': 'index_parallel', 'inputSource': {'type': 'local', 'files': [self.file]},
                         'inputFormat': {'type': 'json'} if self.is_json() else {'type': 'csv', 'findColumnsFromHeader': True}},
            'tuningConfig': tuning}}


@dataclasses.dataclass
class Query:
    """keys: the columns of the answer that ORDER BY sorts by, None where any order will do. check: another text for comparing
    answers where the timed one leaves the choice of rows free. only: texts of single dialects. Texts may say @hour(x), see DIALECTS."""
    key: str
    about: str
    sql: str
    keys: tuple = None
    check: str = None
    only: dict = dataclasses.field(default_factory=dict)
    absent: tuple = ()        # dialects that cannot say it

    def text(self, dialect, check=False):
        if dialect.startswith('elastic'):  # it has bodies of its own, by the key
            return self.key
        sql = self.only.get(dialect) or (self.check if check and self.check else self.sql)
        return translate(sql, dialect)


FLOORS = ('minute', 'hour', 'day', 'month', 'year')
PERIODS = {'minute': 'PT1M', 'hour': 'PT1H', 'day': 'P1D', 'month': 'P1M', 'year': 'P1Y'}
DIALECTS = {
    'ovate': dict({name: "TIME_FLOOR({0}, '%s')" % PERIODS[name] for name in FLOORS},
                  isodow='EXTRACT(DOW FROM {0})', characters='CHAR_LENGTH({0})', share='({0}) * 100.0', year_of='EXTRACT(YEAR FROM {0})'),
    'duckdb': dict({name: "date_trunc('%s', {0})" % name for name in FLOORS},
                   isodow='EXTRACT(isodow FROM {0})', characters='LENGTH({0})', share='({0}) * 100.0::DOUBLE', year_of='year({0})'),
    'clickhouse': dict({name: 'toStartOf%s({0})' % name.capitalize() for name in FLOORS},
                       isodow='toDayOfWeek({0})', characters='lengthUTF8({0})', share='({0}) * 100.0', year_of='toYear({0})'),
}
# a day or second that is __time in Druid: @time(l.l_shipdate) is l.__time there
DIALECTS['ovate']['time'] = lambda name: re.sub(r'\w+$', '__time', name)
DIALECTS['duckdb']['time'] = DIALECTS['clickhouse']['time'] = '{0}'.format
DIALECTS['druid'] = DIALECTS['ovate']


def translate(sql, dialect):
    """The text with @name(x) as the dialect says it, and literals of dates and times as ClickHouse wants them."""
    def said(at):
        how = DIALECTS[dialect][at[1]]
        return how(at[2]) if callable(how) else how.format(at[2])
    sql = re.sub(r'@(\w+)\(([^()]*)\)', said, sql)
    if dialect == 'clickhouse':
        sql = re.sub(r"\bTIMESTAMP ('[^']*')", r"toDateTime(\1, 'UTC')", sql)
        sql = re.sub(r"\bDATE ('[^']*')", r'toDate(\1)', sql)
    return sql


STAMP = re.compile(r'(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.000)?Z?')


def plain(value):
    """One value as every engine would say it: times as text (midnight as its day), decimals as doubles, no text as null."""
    if isinstance(value, (datetime.datetime, datetime.date)):
        value = value.strftime('%Y-%m-%d %H:%M:%S')
    elif isinstance(value, decimal.Decimal):
        value = float(value)
    if isinstance(value, str):
        stamp = STAMP.fullmatch(value)
        value = stamp[1] + ('' if stamp[2] == '00:00:00' else ' ' + stamp[2]) if stamp else value or None
    elif isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    return value


def close(a, b):
    if isinstance(a, float) or isinstance(b, float):
        return a is not None and b is not None and math.isclose(float(a), float(b), rel_tol=1e-9, abs_tol=1e-9)
    return a == b


def in_order(rows, fractions):
    """Rows sorted by what is compared exactly, then by what is not, so that the last digits of a double move no row."""
    exact = [i for i in range(len(rows[0])) if i not in fractions] if rows else []
    return sorted(rows, key=lambda row: ([str(row[i]) for i in exact], [float(row[i] or 0) for i in sorted(fractions)]))


def difference(query, want, got):
    """None when two answers are the same, else words. Where ORDER BY leaves ties any order of them will do, and a LIMIT or an
    OFFSET may cut the tied rows elsewhere: those are compared by their keys only."""
    want, got = ([[plain(value) for value in row] for row in rows] for rows in (want, got))
    if len(want) != len(got):
        return '%d rows against %d' % (len(want), len(got))
    if not want:
        return None
    if query.keys is not None:
        for number, (a, b) in enumerate(zip(want, got)):
            if not all(close(a[k], b[k]) for k in query.keys):
                return 'row %d: %r against %r' % (number, a, b)
        ends = ([want[-1]] if 'LIMIT' in query.sql else []) + ([want[0]] if 'OFFSET' in query.sql else [])
        cut = lambda row: any(all(close(row[k], end[k]) for k in query.keys) for end in ends)  # noqa: E731
        want, got = [row for row in want if not cut(row)], [row for row in got if not cut(row)]
    fractions = {i for row in want + got for i, value in enumerate(row) if isinstance(value, float)}
    for a, b in zip(in_order(want, fractions), in_order(got, fractions)):
        if len(a) != len(b) or not all(map(close, a, b)):
            return '%r against %r' % (a, b)
    return None if len(want) == len(got) else '%d rows beside the ties against %d' % (len(want), len(got))
