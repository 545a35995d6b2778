#!/usr/bin/env python3
"""Random expressions over multi-value strings, in SQL and natively, against an evaluator of Druid's rules in Python.

    tests/http/random_multi.py [--count 2000] [--seed 1]

An expression is applied to each value of the multi-value columns that it reads, and to every combination of the values of both; a row without
values is one NULL. Trees and rows come from the seed alone, so a failure is repeated by its seed.
"""
import argparse
import collections
import itertools
import json
import os
import random
import sys
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'lib')]
import explained  # noqa: E402
from ovatetest import Counter, Server  # noqa: E402

TABLE = 'random_multi'
LISTS = ('tags', 'labels')
VALUES = ['a', 'b', 'Bc', 'ab', '10', 'zz']
# asked of the list as a whole, where a native function would be asked of each value
EXPLAINED = ('SELECT k, COUNT(tags) FROM %s GROUP BY k' % TABLE, 'SELECT COUNT(labels) FILTER (WHERE n > 1), COUNT(tags) FROM %s' % TABLE)
INTERVAL = '2024-01-01/2025-01-01'


def make_rows(r):
    rows = []
    for i in range(40):
        row = {'id': i, 'k': r.choice(['a', 'ab', 'k']), 'n': r.randint(0, 4)}
        for name in LISTS:
            some = [r.choice(VALUES + [None]) for _ in range(r.choice([0, 1, 1, 2, 3]))]
            row[name] = sorted(some, key=lambda v: (v is not None, v))
        rows.append(row)
    return rows


# ---- trees: (operator, arguments...), a kind each of text, number, condition ----

class Maker:
    def __init__(self, r):
        self.r = r
        self.lists = r.choice([('tags',), ('tags',), ('labels',), LISTS])

    def multi(self):
        return ('column', self.r.choice(self.lists))

    def text(self, depth):
        roll = self.r.random()
        if depth <= 0 or roll < 0.3:
            return ('column', 'k') if roll < 0.05 else self.multi()
        form = self.r.choice(['upper', 'concat', 'left', 'case', 'case', 'coalesce', 'nullif', 'print'])
        if form == 'upper':
            return ('upper', self.text(depth - 1))
        if form == 'concat':
            return ('concat', self.text(depth - 1), self.r.choice([self.text(depth - 1), ('literal', '-')]))
        if form == 'left':
            return ('left', self.text(depth - 1), ('literal', 1))
        if form == 'case':
            other = self.r.choice([self.text(depth - 1), ('literal', 'other'), ('literal', None)])
            return ('case', self.condition(depth - 1), self.text(depth - 1), other)
        if form == 'coalesce':
            return ('coalesce', ('nullif', self.multi(), ('literal', 'a')), self.r.choice([self.multi(), ('literal', 'none')]))
        if form == 'nullif':
            return ('nullif', self.multi(), ('literal', self.r.choice(VALUES)))
        return ('print', self.number(depth - 1))

    def number(self, depth):
        roll = self.r.random()
        if depth <= 0 or roll < 0.45:
            return ('length', self.text(depth - 1)) if roll < 0.8 else ('column', 'n')
        if roll < 0.7:
            return ('plus', self.number(depth - 1), self.r.choice([self.number(depth - 1), ('literal', 2)]))
        return ('case', self.condition(depth - 1), self.number(depth - 1), self.r.choice([('literal', 7), ('literal', None)]))

    def condition(self, depth):
        roll = self.r.random()
        if depth > 0 and roll < 0.3:
            return (self.r.choice(['and', 'or']), self.condition(depth - 1), self.condition(depth - 1))
        if depth > 0 and roll < 0.4:
            return ('not', self.condition(depth - 1))
        if roll < 0.65:
            return (self.r.choice(['=', '<>', '<', '>=']), self.text(depth - 1), ('literal', self.r.choice(VALUES)))
        if roll < 0.72:
            return ('=', self.multi(), self.r.choice([self.text(depth - 1), ('column', 'k')]))
        if roll < 0.84:
            return (self.r.choice(['=', '<', '>=']), ('length', self.multi()), self.r.choice([('literal', 1), ('literal', 2), ('column', 'n')]))
        return ('like', self.multi(), ('literal', self.r.choice(['a%', '%b', '_'])))


def columns(tree):
    """Names of the multi-value columns it reads."""
    if tree[0] in ('column', 'literal'):
        return {tree[1]} & set(LISTS) if tree[0] == 'column' else set()
    return set().union(*(columns(t) for t in tree[1:]))


# ---- the two languages ----

def quoted(v):
    return 'NULL' if v is None else str(v) if isinstance(v, int) else "'%s'" % v


def sql(tree):
    op, args = tree[0], tree[1:]
    if op == 'column':
        return args[0]
    if op == 'literal':
        return quoted(args[0])
    a = [sql(t) for t in args]
    if op in ('=', '<>', '<', '>=', 'and', 'or', 'plus', 'like'):
        return '(%s %s %s)' % (a[0], {'plus': '+'}.get(op, op.upper()), a[1])
    if op == 'case':
        return 'CASE WHEN %s THEN %s ELSE %s END' % tuple(a)
    if op == 'print':
        return 'CAST(%s AS VARCHAR)' % a[0]
    return '%s(%s)' % (op.upper(), ', '.join(a)) if op != 'not' else '(NOT %s)' % a[0]


def native(tree):
    op, args = tree[0], tree[1:]
    if op == 'column':
        return '"%s"' % args[0]
    if op == 'literal':
        return quoted(args[0]).lower() if args[0] is None else quoted(args[0])
    a = [native(t) for t in args]
    if op in ('=', '<>', '<', '>=', 'and', 'or', 'plus'):
        return '(%s %s %s)' % (a[0], {'plus': '+', '=': '==', '<>': '!=', 'and': '&&', 'or': '||'}.get(op, op), a[1])
    if op == 'nullif':
        return 'if((%s == %s), null, %s)' % (a[0], a[1], a[0])
    if op == 'print':
        return "cast(%s, 'STRING')" % a[0]
    if op == 'not':
        return '(!%s)' % a[0]
    return '%s(%s)' % ({'case': 'if', 'length': 'strlen', 'coalesce': 'nvl'}.get(op, op), ', '.join(a))


# ---- Druid's rules ----

def like(text, pattern):
    if pattern == '_':
        return len(text) == 1
    return text.startswith(pattern[:-1]) if pattern.endswith('%') else text.endswith(pattern[1:])


def negated(v):
    return None if v is None else not v


def value(tree, row):
    """Over one value of each column."""
    op, args = tree[0], tree[1:]
    if op == 'column':
        return row[args[0]]
    if op == 'literal':
        return args[0]
    if op == 'case':
        return value(args[1] if value(args[0], row) else args[2], row)
    v = [value(t, row) for t in args]
    if op == 'coalesce':
        return v[1] if v[0] is None else v[0]
    if op == 'nullif':
        return None if v[0] is not None and v[0] == v[1] else v[0]
    if op in ('and', 'or'):
        decides = op == 'or'
        return decides if decides in v else None if None in v else not decides
    if None in v:
        return None
    return {'upper': lambda: v[0].upper(), 'concat': lambda: v[0] + v[1], 'left': lambda: v[0][:v[1]], 'print': lambda: str(v[0]),
            'length': lambda: len(v[0]), 'plus': lambda: v[0] + v[1], 'not': lambda: not v[0], '=': lambda: v[0] == v[1],
            '<>': lambda: v[0] != v[1], '<': lambda: v[0] < v[1], '>=': lambda: v[0] >= v[1], 'like': lambda: like(v[0], v[1])}[op]()


def values(tree, row):
    """Over every combination."""
    names = sorted(columns(tree))
    return [value(tree, dict(row, **dict(zip(names, some)))) for some in itertools.product(*(row[n] or [None] for n in names))]


def one(tree, row):
    """The row's number."""
    all_ = values(tree, row)
    return all_[0] if len(all_) == 1 else None


def is_number(tree):
    return tree[0] in ('length', 'plus') or tree == ('column', 'n') or (tree[0] == 'literal' and isinstance(tree[1], int)) or (
        tree[0] == 'case' and is_number(tree[2]))


def holds(tree, row):
    """As a WHERE: parts of AND and OR for themselves, NOT and <> mean "of no value"."""
    op = tree[0]
    if op in ('and', 'or'):
        v = [holds(t, row) for t in tree[1:]]
        decides = op == 'or'
        return decides if decides in v else None if None in v else not decides
    if op == 'not':
        return negated(holds(tree[1], row))
    if tree[1][0] == 'case':  # its branches are tested
        case = tree[1]
        return holds((op, case[2] if holds(case[1], row) else case[3], tree[2]), row)
    if tree[2][0] == 'case':
        case = tree[2]
        return holds((op, tree[1], case[2] if holds(case[1], row) else case[3]), row)
    if op == '<>':
        return negated(holds(('=',) + tree[1:], row))
    if is_number(tree[1]) and tree[2][0] == 'literal':
        number = one(tree[1], row)
        return None if number is None else value((op, ('literal', number), tree[2]), row)
    v = values(tree, row)
    return True if True in v else None if None in v else False


# ---- queries ----

def shown(all_):
    """What a result has of these values; order is known of one list only, so lists are sorted."""
    return all_[0] if len(all_) == 1 else sorted(all_, key=lambda v: (v is not None, v))


def sorted_cell(cell, as_json):
    if as_json and isinstance(cell, str) and cell.startswith('['):
        cell = json.loads(cell)
    return sorted(cell, key=lambda v: (v is not None, v)) if isinstance(cell, list) else cell


class Asker:
    def __init__(self, server, rows):
        self.server, self.rows = server, rows

    def sql(self, text):
        """(status, rows)"""
        status, _, body = self.server.request('POST', '/druid/v2/sql', json.dumps({'query': text, 'resultFormat': 'array'}),
                                              {'Content-Type': 'application/json'})
        return status, json.loads(body)

    def scan(self, expression, filter_=None):
        query = {'queryType': 'scan', 'dataSource': TABLE, 'intervals': INTERVAL, 'columns': ['id', 'v'], 'resultFormat': 'compactedList',
                 'virtualColumns': [{'type': 'expression', 'name': 'v', 'expression': expression}]}
        if filter_:
            query['filter'] = {'type': 'expression', 'expression': filter_}
        status, _, body = self.server.request('POST', '/druid/v2', json.dumps(query), {'Content-Type': 'application/json'})
        answer = json.loads(body)
        return status, sorted((e for part in answer for e in part['events']), key=lambda e: e[0]) if status == 200 else answer

    def expect(self, what, got, wanted):
        return '' if got == wanted else '%s\n  got    %s\n  wanted %s' % (what, str(got)[:1500], str(wanted)[:1500])

    def selected(self, tree):
        text = 'SELECT id, %s FROM %s ORDER BY id' % (sql(tree), TABLE)
        status, got = self.sql(text)
        all_ = [values(tree, row) for row in self.rows]
        if is_number(tree) and any(len(v) > 1 for v in all_):
            return self.expect(text, status, 400)
        wanted = [[row['id'], shown(v)] for row, v in zip(self.rows, all_)]
        return self.expect(text, [[i, sorted_cell(c, True)] for i, c in got] if status == 200 else got, wanted)

    def grouped(self, tree):
        text = 'SELECT %s, COUNT(*), SUM(n) FROM %s GROUP BY 1' % (sql(tree), TABLE)
        status, got = self.sql(text)
        wanted = collections.defaultdict(lambda: [0, 0])
        for row in self.rows:
            for v in [one(tree, row)] if is_number(tree) else values(tree, row):
                wanted[v][0] += 1
                wanted[v][1] += row['n']
        return self.expect(text, {k: [c, s] for k, c, s in got} if status == 200 else got, dict(wanted))

    def summed(self, tree):
        if tree[0] == 'case':  # is a FILTER
            tree = ('plus', tree, ('literal', 0))
        text = 'SELECT SUM(%s), COUNT(%s) FROM %s' % (sql(tree), sql(tree), TABLE)
        status, got = self.sql(text)
        some = [v for v in (one(tree, row) for row in self.rows) if v is not None]
        return self.expect(text, got, [[sum(some) if some else None, len(some)]])

    def filtered(self, tree):
        text = 'SELECT id FROM %s WHERE %s ORDER BY id' % (TABLE, sql(tree))
        status, got = self.sql(text)
        return self.expect(text, got, [[row['id']] for row in self.rows if holds(tree, row)])

    def counted(self, tree):
        text = 'SELECT COUNT(CASE WHEN %s THEN id END), SUM(n) FILTER (WHERE %s) FROM %s' % (sql(tree), sql(tree), TABLE)
        status, got = self.sql(text)
        some = [row['n'] for row in self.rows if holds(tree, row)]
        return self.expect(text, got, [[len(some), sum(some) if some else None]])

    def scanned(self, tree):
        status, got = self.scan(native(tree))
        wanted = [[row['id'], shown([int(v) if isinstance(v, bool) else v for v in values(tree, row)])] for row in self.rows]
        return self.expect('native ' + native(tree), [[i, sorted_cell(c, False)] for i, c in got] if status == 200 else got, wanted)

    def kept(self, tree):
        status, got = self.scan('id', native(tree))
        wanted = [[row['id']] * 2 for row in self.rows if True in values(tree, row)]
        return self.expect('native filter ' + native(tree), got, wanted)


def check(asker, seed):
    """'' when the answer is right."""
    r = random.Random(seed)
    make = Maker(r)
    kind = r.choice(['text', 'number', 'condition'])
    tree = getattr(make, kind)(3)
    how = {'text': ['selected', 'grouped', 'scanned'], 'number': ['selected', 'grouped', 'summed', 'scanned'],
           'condition': ['filtered', 'filtered', 'counted', 'scanned', 'kept']}[kind]
    return getattr(asker, r.choice(how))(tree)


def load(server, rows):
    lines = [json.dumps(dict(row, time='2024-01-%02dT00:00:00Z' % (1 + row['id'] % 3))) for row in rows]
    server.ingest({'type': 'index_parallel', 'spec': {
        'dataSchema': {'dataSource': TABLE, 'timestampSpec': {'column': 'time', 'format': 'iso'},
                       'dimensionsSpec': {'dimensions': [{'type': 'long', 'name': 'id'}, 'k', {'type': 'long', 'name': 'n'}] + list(LISTS)},
                       'granularitySpec': {'segmentGranularity': 'DAY', 'rollup': False}},
        'ioConfig': {'type': 'index_parallel', 'inputSource': {'type': 'inline', 'data': '\n'.join(lines)}, 'inputFormat': {'type': 'json'}}}})
    server.wait_table(TABLE)


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument('--count', type=int, default=2000)
    words.add_argument('--seed', type=int, default=1)
    asked = words.parse_args()
    counter, rows = Counter(False), make_rows(random.Random(asked.seed))
    with Server() as server:
        load(server, rows)
        asker = Asker(server, rows)
        for seed in range(asked.seed, asked.seed + asked.count):
            why = check(asker, seed)
            counter.check('seed %d' % seed, not why, why)
        for sql in EXPLAINED:
            result, why = explained.compare(urllib.parse.urlsplit('http://127.0.0.1:%d' % server.port), sql, {})
            counter.check('the native query of ' + sql, result in ('same', 'none'), '%s %s' % (result, why))
    counter.finish()


if __name__ == '__main__':
    main()
