"""Random tables for the random queries: columns, rows, the ingestion spec that loads them, and the same rows in DuckDB.

A table depends on its seed alone. Values are picked so that engines can agree to the last digit where they should: `d` holds
multiples of an eighth, `f` whole numbers (products of floats print as floats), `l` is small enough for sums and products.
What engines legitimately differ in stands in columns of its own: `h` holds extreme longs (compared, never added), `x` NaN,
infinities and zeros of both signs, `m` lists of several values in one string column. Only checks that need no second engine
read `x`, `m` and `q` (JSON of any shape). A table in five has keys and comes in two loads: rows supersede each other, and the
grammar may ask for what was there in between.
"""
import json
import random

WORDS = ['', 'a', 'b', 'ab', 'abc', 'A', 'Ab', 'z', '10', '7.5', '-3', 'x%y', 'x_y', ' pad ', 'ünïcode', '대한', '😀', '😀b',
         'null', "it's", 'a\\b', 'long text that goes on for more than a block of thirty-two bytes', 'long text that goes on for less']
PLAIN_WORDS = [word for word in WORDS if all(ord(c) < 0x10000 for c in word)]
EXTREME = [-2**63, -2**63 + 1, -1, 0, 1, 2**53, 2**53 + 1, 2**62, 2**63 - 1]
WILD = ['NaN', 'Infinity', '-Infinity', -0.0, 0.0, 1e300, -1e300, 5e-324, 0.1, -0.1, 1.0, 2**53 + 0.0]

# name, type in the query grammar, type in DuckDB (None: DuckDB does not get it), dimension in the spec
COLUMNS = [
    ('id', 'long', 'BIGINT', {'type': 'long'}),
    ('l', 'long', 'BIGINT', {'type': 'long'}),
    ('k', 'long', 'BIGINT', {'type': 'long'}),
    ('h', 'huge', 'BIGINT', {'type': 'long'}),
    ('d', 'double', 'DOUBLE', {'type': 'double'}),
    ('f', 'double', 'DOUBLE', {'type': 'float'}),
    ('x', 'wild', None, {'type': 'double'}),
    ('s', 'string', 'VARCHAR', {'type': 'string'}),
    ('t', 'string', 'VARCHAR', {'type': 'string'}),
    ('r', 'string', 'VARCHAR', {'type': 'string'}),
    ('p', 'string', 'VARCHAR', {'type': 'string'}),
    ('al', 'longs', 'BIGINT[]', {'type': 'auto', 'castToType': 'ARRAY<LONG>'}),
    ('au', 'strings', 'VARCHAR[]', {'type': 'auto', 'castToType': 'ARRAY<STRING>'}),
    ('m', 'multi', None, {'type': 'string'}),
    ('j', 'json', 'JSON', {'type': 'json'}),
    ('q', 'mess', None, {'type': 'json'}),
]
VERSION = 'zv'  # of tables with keys
AUTO = {'string': 'STRING', 'long': 'LONG', 'double': 'DOUBLE'}
START = 1_709_100_000_000  # 2024-02-28T06:00Z: the leap day is near
# 'one' segment, 'many', 'clustered' by other columns than time, divided by a 'hashed' column or a 'range', 'auto' columns, in 'memory' as
# pushed, and 'keyed': superseded rows among the others.
LAYOUTS = ['one', 'many', 'clustered', 'plain', 'hashed', 'range', 'auto', 'memory', 'keyed']


class Table:
    def __init__(self, name, seed):
        r = random.Random('%s/%s' % (seed, name))
        self.astral = seed % 4 == 0  # characters of two UTF-16 units
        self.name = name
        self.columns = [c for c in COLUMNS if c[0] in ('id', 'l', 's', 'd') or r.random() < 0.75]
        self.size = r.choice([1, 3, 12, 40, 40, 150, 150, 700, 3000])
        self.segment_rows = r.choice([None, None, 5_000_000, 7 + self.size // 5])
        self.segments = r.choice(['DAY', 'HOUR', 'ALL', 'MONTH'])
        if self.size > 200 and self.segments == 'HOUR':
            self.segments = 'DAY'
        names, words = [c[0] for c in self.columns], WORDS if self.astral else PLAIN_WORDS
        self.rows = make_rows(r, self.size, names, words)
        self.keyed, self.between = r.random() < 0.2, None
        self.loads = [self.rows]
        if self.keyed:
            self.loads = keyed_loads(r, self.rows, make_rows(r, self.size, names, words))
            self.rows, self.before = seen(self.loads[0] + self.loads[1]), seen(self.loads[0])

    def known(self):
        """(name, type) of the columns the grammar may use."""
        return [('__time', 'time')] + [(c[0], c[1]) for c in self.columns]

    def spec(self, layout='plain', name=None, rows=None, keyed=False, append=False):
        """layout: 'plain', or how else the same rows may lie: see LAYOUTS."""
        dimensions = [dict(c[3], name=c[0]) for c in self.columns]
        tuning, segments = {'type': 'index_parallel'}, self.segments
        dimension_spec = {'dimensions': dimensions}
        if layout == 'one':
            segments = 'ALL'
        elif layout == 'many':
            tuning['partitionsSpec'] = {'type': 'dynamic', 'maxRowsPerSegment': max(1, self.size // 9)}
        elif layout == 'hashed' and not append:
            tuning = {'type': 'index_parallel', 'forceGuaranteedRollup': True,
                      'partitionsSpec': {'type': 'hashed', 'numShards': 3, 'partitionDimensions': ['s']}}
        elif layout == 'range' and not append:
            tuning = {'type': 'index_parallel', 'forceGuaranteedRollup': True,
                      'partitionsSpec': {'type': 'range', 'targetRowsPerSegment': max(1, self.size // 5), 'partitionDimensions': ['s', 'l']}}
        elif self.segment_rows:
            tuning['partitionsSpec'] = {'type': 'dynamic', 'maxRowsPerSegment': self.segment_rows}
        if layout == 'auto':
            dimension_spec['dimensions'] = [
                {'type': 'auto', 'name': d['name'], 'castToType': AUTO[d['type']]} if d['type'] in AUTO and d['name'] != 'm' else d for d in dimensions]
        if layout == 'clustered':
            first = [d for d in dimensions if d['name'] in ('s', 'k', 'r')]
            dimension_spec = {'dimensions': first + [{'type': 'long', 'name': '__time'}] + [d for d in dimensions if d not in first],
                              'forceSegmentSortByTime': False}
        schema = {'dataSource': name or self.name, 'timestampSpec': {'column': 'time', 'format': 'millis'}, 'dimensionsSpec': dimension_spec,
                  'granularitySpec': {'segmentGranularity': segments, 'queryGranularity': 'NONE', 'rollup': False}}
        if keyed:
            dimension_spec['dimensions'] = dimension_spec['dimensions'] + [{'type': 'long', 'name': VERSION}]
            schema['keySpec'] = {'columns': ['id'], 'version': VERSION}
        return {'type': 'index_parallel', 'spec': {
            'dataSchema': schema,
            'ioConfig': {'type': 'index_parallel', 'inputSource': {'type': 'inline', 'data': lines(self.rows if rows is None else rows)},
                         'inputFormat': {'type': 'json'}, 'appendToExisting': append},
            'tuningConfig': tuning}}

    def into_duckdb(self, link, folder, name=None, rows=None):
        name = name or self.name
        path = '%s/%s.json' % (folder, name)
        shown = [c for c in self.columns if c[2]]
        with open(path, 'w', encoding='utf-8') as file:
            for row in self.rows if rows is None else rows:
                made = {c[0]: row.get(c[0]) for c in shown}
                file.write(json.dumps(dict(made, time=row['time']), ensure_ascii=False) + '\n')
        kinds = ', '.join("'%s': '%s'" % (c[0], c[2]) for c in shown)
        link.execute('DROP TABLE IF EXISTS "%s"' % name)
        link.execute("""CREATE TABLE "%s" AS SELECT make_timestamp(time * 1000) AS __time, %s FROM read_json('%s',
            format = 'newline_delimited', columns = {'time': 'BIGINT', %s})""" % (name, ', '.join('"%s"' % c[0] for c in shown), path, kinds))


def lines(rows):
    return '\n'.join(json.dumps(row, ensure_ascii=False) for row in rows)


def keyed_loads(r, rows, others):
    """Two loads of a table with keys: what is there first, with keys that come twice or not yet, and what supersedes it or comes too late."""
    first = [dict(row, **{VERSION: r.randint(0, 2)}) for row in rows if r.random() < 0.8 for _ in range(r.choice([1, 1, 1, 2]))]
    second = [dict(row, id=r.randrange(len(rows)), **{VERSION: r.randint(0, 3)}) for row in others]
    return [first or [dict(rows[0], **{VERSION: 1})], second]


def seen(rows):
    """Of rows with one id the one with the greatest version, of equal ones the last."""
    best = {}
    for row in rows:
        if row['id'] not in best or row[VERSION] >= best[row['id']][VERSION]:
            best[row['id']] = row
    return list(best.values())


def make_rows(r, size, names, all_words):
    """Rising times over a few days, some of them equal; every column is dull (constant), in runs, few-valued or mixed, with or without NULLs."""
    day = 86_400_000
    span = r.choice([1, 3600_000, day, 3 * day, 40 * day])
    times = sorted(START + r.randrange(span) // r.choice([1, 1000]) for _ in range(size))
    words = r.sample(all_words, r.randint(2, len(all_words)))
    makers = {
        'l': lambda: r.randint(-9, 9) if r.random() < 0.7 else r.randint(-100_000, 100_000),
        'k': lambda: r.randint(0, 5),
        'h': lambda: r.choice(EXTREME),
        'd': lambda: r.randint(-80, 80) / 8,
        'f': lambda: r.randint(-40, 40) + 0.0,
        'x': lambda: r.choice(WILD),
        's': lambda: r.choice(words),
        't': lambda: r.choice(all_words),
        'r': lambda: 'r%d' % r.randint(0, 3),
        'p': lambda: 'p%04d' % r.randrange(size + 1),
        'al': lambda: [r.randint(-3, 3) if r.random() < 0.9 else None for _ in range(r.randint(0, 4))],
        'au': lambda: [r.choice(words[:5]) if r.random() < 0.9 else None for _ in range(r.randint(0, 4))],
        'm': lambda: r.choice([r.choice(words), [r.choice(words) for _ in range(r.randint(1, 4))]]),
        'j': lambda: {k: v for k, v in (('a', r.randint(-5, 5)), ('b', r.choice(all_words)), ('c', {'d': r.randint(-8, 8) / 8}),
                                        ('e', [r.randint(0, 3) for _ in range(2)])) if r.random() < 0.75},
        'q': lambda: messy(r, 2),
    }
    rows = [{'time': time, 'id': i} for i, time in enumerate(times)]
    for name in names:
        if name == 'id':
            continue
        make, way = makers[name], r.choice(['mixed', 'mixed', 'mixed', 'few', 'runs', 'constant'])
        missing = r.choice([0, 0.05, 0.3, 0.3, 0.9]) if r.random() < 0.95 else 1.0
        few = [make() for _ in range(3)]
        value = make()
        for i, row in enumerate(rows):
            if way == 'mixed':
                value = make()
            elif way == 'few':
                value = r.choice(few)
            elif way == 'runs' and r.random() < 0.1:
                value = None if r.random() < missing else make()
            if value is not None and (way in ('runs', 'constant') or r.random() >= missing):
                row[name] = value
    return rows


def messy(r, depth):
    """A JSON value in which paths hold other types from row to row."""
    roll = r.random()
    if depth > 0 and roll < 0.6:
        return {name: messy(r, depth - 1) for name in r.sample(['a', 'b', 'c', 'a b', ''], r.randint(0, 3))}
    if depth > 0 and roll < 0.75:
        return [messy(r, depth - 1) for _ in range(r.randint(0, 3))]
    return r.choice([None, True, False, 0, 1, -7, 2**53 + 1, 0.5, 1e300, '', 'x', '12', '1.5', 'ü'])
