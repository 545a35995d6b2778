#!/usr/bin/env python3
"""Random joins and sub-queries over the small tables of the SQL logic tests, answered by Ovate and by DuckDB.

    tests/slt/random_queries.py [--count 300] [--seed 1] [--setting plain]

Statements come from the seed alone, so a failure is repeated by its seed. Rows are compared without their order.
"""
import argparse
import collections
import os
import random
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'lib'))
sys.path.insert(0, HERE)
import tables  # noqa: E402
from ovatetest import Counter, Server, SqlError, module  # noqa: E402
from settings import SETTINGS, load_changes  # noqa: E402

TEXT = {'tiny': ['s', 't'], 'nulls': ['k', 's']}
NUMBER = {'tiny': ['d'], 'nulls': ['l', 'd']}  # tiny.l overflows: an error there, wrapped here
WORDS = ["'a'", "'x'", "'k1'", "'v3'", "''"]


class Maker:
    """One statement. Scopes are the tables that names may mean, the innermost query's last."""

    def __init__(self, seed):
        self.r = random.Random(seed)
        self.aliases = 0

    def table(self):
        self.aliases += 1
        return 't%d' % self.aliases, self.r.choice(['tiny', 'nulls', 'nulls'])

    def column(self, scope, kinds):
        alias, table = self.r.choice(scope)
        return '%s.%s' % (alias, self.r.choice(kinds[table]))

    def number(self, scope):
        return self.r.choice([self.column(scope, NUMBER), str(self.r.randint(-20, 20)),
                              '%s + %d' % (self.column(scope, NUMBER), self.r.randint(-9, 9))])

    def comparison(self, inner, outer):
        """Something about the inner tables, perhaps with the outer ones."""
        other = outer if outer and self.r.random() < 0.6 else inner
        if self.r.random() < 0.5:
            right = self.column(other, TEXT) if self.r.random() < 0.7 else self.r.choice(WORDS)
            return '%s %s %s' % (self.column(inner, TEXT), self.r.choice(['=', '=', '=', '<>', '<']), right)
        return '%s %s %s' % (self.column(inner, NUMBER), self.r.choice(['=', '=', '<', '>=', '<>']), self.number(other))

    def condition(self, scope, outer, depth):
        """outer: scopes of the queries around."""
        roll = self.r.random()
        if depth <= 0 or roll < 0.45:
            return self.comparison(scope, outer)
        if roll < 0.55:
            return '(%s %s %s)' % (self.condition(scope, outer, depth - 1), self.r.choice(['AND', 'OR']),
                                   self.condition(scope, outer, depth - 1))
        if roll < 0.6:
            return 'NOT (%s)' % self.condition(scope, outer, depth - 1)
        around = scope + (outer if self.r.random() < 0.3 else [])
        negated = self.r.choice(['', '', 'NOT '])
        if roll < 0.75:
            return '%sEXISTS (%s)' % (negated, self.query(around, depth - 1, '1'))
        if roll < 0.9:
            kinds = self.r.choice([TEXT, NUMBER])
            return '%s %sIN (%s)' % (self.column(scope, kinds), negated, self.query(around, depth - 1, kinds))
        return '%s %s (%s)' % (self.number(scope), self.r.choice(['<', '>', '=']), self.scalar(around, depth - 1))

    def scalar(self, around, depth):
        call = self.r.choice(['COUNT(*)', 'COUNT({})', 'SUM({})', 'MIN({})', 'MAX({})', 'COUNT(*) * 2 - 1'])
        return self.query(around, depth, lambda scope: call.format(self.column(scope, NUMBER)))

    def source(self, depth):
        """FROM, and the tables it names."""
        scope = [self.table()]
        text, joined = '%s %s' % (scope[0][1], scope[0][0]), list(scope)
        for _ in range(self.r.choice([0, 0, 0, 1, 1, 2] if depth > 0 else [0, 0, 1])):
            new = self.table()
            if self.r.random() < 0.3:
                text += ', %s %s' % (new[1], new[0])
                scope.append(new)
                joined = [new]  # ON of what follows sees nothing in front of the comma
                continue
            kind = self.r.choice(['JOIN', 'JOIN', 'LEFT JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN'])
            on = self.comparison([new], joined) if self.r.random() < 0.2 else \
                '%s = %s' % ((self.column([new], TEXT), self.column(joined, TEXT)))
            if self.r.random() < 0.3:
                on += ' AND ' + self.comparison([new], joined)
            text += ' %s %s %s ON %s' % (kind, new[1], new[0], on)
            scope.append(new)
            joined.append(new)
        return text, scope

    def query(self, outer, depth, wanted):
        text, scope = self.source(depth)
        if callable(wanted):
            item = wanted(scope)
        else:
            item = wanted if isinstance(wanted, str) else self.column(scope, wanted)
        where = [self.comparison(scope, outer)] if outer else []
        for _ in range(self.r.choice([0, 1, 1])):
            where.append(self.condition(scope, outer, depth))
        commas = text.count(',')
        for i in range(commas):  # keep products small
            where.append('%s = %s' % (self.column([scope[-1]], TEXT), self.column([scope[0]], TEXT)))
        return 'SELECT %s FROM %s%s' % (item, text, ' WHERE ' + ' AND '.join(where) if where else '')

    def statement(self):
        text, scope = self.source(2)
        where = ' AND '.join(self.condition(scope, [], 2) for _ in range(self.r.choice([1, 1, 2])))
        if ',' in text:
            where += ' AND %s = %s' % (self.column([scope[-1]], TEXT), self.column([scope[0]], TEXT))
        roll = self.r.random()
        if roll < 0.3:
            key = self.column(scope, TEXT)
            having = ' HAVING COUNT(*) > (%s)' % self.query([], 0, 'COUNT(*) / 8') if self.r.random() < 0.2 else ''
            return 'SELECT %s, COUNT(*), SUM(%s) FROM %s WHERE %s GROUP BY %s%s' % (
                key, self.column(scope, NUMBER), text, where, key, having)
        items = [self.column(scope, TEXT), self.column(scope, NUMBER)]
        if roll < 0.6:
            items.append('(%s)' % self.scalar(scope, 1))
        elif roll < 0.8:
            items.append(self.condition(scope, [], 1))
        query = 'SELECT %s FROM %s WHERE %s' % (', '.join(items), text, where)
        if roll > 0.93:
            other, names = self.source(0)
            query += ' %s SELECT %s, %s FROM %s' % (self.r.choice(['UNION', 'INTERSECT', 'EXCEPT', 'UNION ALL']),
                                                    self.column(names, TEXT), self.column(names, NUMBER), other)
            query = query if len(items) == 2 else 'SELECT 1'
        return query


def cell(value):
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    return float('%.9g' % float(value))


def bag(rows):
    return collections.Counter(tuple(cell(value) for value in row) for row in rows)


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument('--count', type=int, default=300)
    words.add_argument('--seed', type=int, default=1)
    words.add_argument('--setting', default='plain', choices=sorted(SETTINGS))
    words.add_argument('--verbose', action='store_true')
    asked = words.parse_args()
    module('duckdb')
    import duckdb_side
    counter = Counter(asked.verbose)
    setting = SETTINGS[asked.setting]
    with tempfile.TemporaryDirectory(prefix='ovate-random-') as folder, Server(env=setting.env) as server:
        engine = duckdb_side.Engine(folder)
        for name in ('tiny', 'nulls'):
            server.ingest(load_changes(tables.spec(name, folder)[0], setting))
            server.wait_table(name)
            engine.load(name)
        for seed in range(asked.seed, asked.seed + asked.count):
            sql = Maker(seed).statement()
            try:
                want = bag([duckdb_side.plain(value) for value in row] for row in engine.link.execute(sql).fetchall())
            except Exception as refused:  # DuckDB's own limits: nothing to compare with
                counter.check('seed %d' % seed, 'Not implemented' in str(refused) or 'Binder' in str(refused),
                              '%s\nDuckDB: %s' % (sql, refused))
                continue
            try:
                got = bag(server.sql(sql)[1])
            except SqlError as error:
                counter.check('seed %d' % seed, False, '%s\nrefused: %s' % (sql, error.fields.get('errorMessage', error.body)))
                continue
            counter.check('seed %d' % seed, got == want, '%s\nonly Ovate  %s\nonly DuckDB %s' % (
                sql, list((got - want).items())[:4], list((want - got).items())[:4]))
    counter.finish()


if __name__ == '__main__':
    main()
