#!/usr/bin/env python3
"""Random SQL statements of one table whose native queries, as EXPLAIN PLAN FOR prints them, must give the same rows.

    tests/http/random_native.py [--count 5000] [--seed 1]

Statements come from the seed alone, so a failure is repeated by its seed. Statements without a native query are counted.
"""
import argparse
import os
import random
import sys
import tempfile
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'lib'), os.path.join(HERE, '..', 'slt')]
import explained  # noqa: E402
import tables  # noqa: E402
from ovatetest import Counter, Server  # noqa: E402

TEXT = {'tiny': ['s', 't'], 'nulls': ['k', 's']}
NUMBER = {'tiny': ['d'], 'nulls': ['l', 'd']}
WORDS = ["'a'", "'b'", "'x'", "'k1'", "'v3'", "''", "'10'"]
PERIODS = ['PT1H', 'P1D', 'PT15M', 'P1M', 'P1W']


class Maker:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.table = self.r.choice(['tiny', 'nulls'])

    def text(self, depth=1):
        name = self.r.choice(TEXT[self.table])
        if depth <= 0 or self.r.random() < 0.6:
            return name
        form = self.r.choice(['UPPER({})', 'LOWER({})', 'SUBSTRING({}, 1, 2)', 'REVERSE({})', 'LPAD({}, 4, \'*\')', 'COALESCE({}, \'none\')',
                              'REPLACE({}, \'a\', \'bb\')', 'CASE WHEN {} = \'a\' THEN \'x\' ELSE \'y\' END', 'REGEXP_EXTRACT({}, \'[0-9]+\')'])
        return form.format(name)

    def number(self, depth=1):
        roll = self.r.random()
        name = self.r.choice(NUMBER[self.table])
        if depth <= 0 or roll < 0.5:
            return name
        if roll < 0.7:
            return '(%s %s %d)' % (name, self.r.choice('+-*'), self.r.randint(1, 9))
        if roll < 0.85:
            return 'CHAR_LENGTH(%s)' % self.text(0)
        return self.r.choice(['ABS(%s)', 'FLOOR(%s)', 'CASE WHEN %s > 2 THEN 1 ELSE 0 END', 'SIGN(%s)']) % name

    def condition(self, depth=2):
        roll = self.r.random()
        if depth > 0 and roll < 0.25:
            return '(%s %s %s)' % (self.condition(depth - 1), self.r.choice(['AND', 'OR']), self.condition(depth - 1))
        if depth > 0 and roll < 0.32:
            return 'NOT (%s)' % self.condition(depth - 1)
        if roll < 0.5:
            return '%s %s %s' % (self.text(), self.r.choice(['=', '<>', '<', '>=']), self.r.choice(WORDS))
        if roll < 0.65:
            return '%s %s %s' % (self.number(), self.r.choice(['=', '<', '>=', '<>', '>']), self.r.choice(['0', '1', '2.5', '-3', '10']))
        if roll < 0.72:
            return '%s IS %sNULL' % (self.r.choice([self.text(), self.number()]), self.r.choice(['', 'NOT ']))
        if roll < 0.8:
            return '%s %sIN (%s)' % (self.text(), self.r.choice(['', 'NOT ']), ', '.join(self.r.sample(WORDS, 3)))
        if roll < 0.88:
            return '%s %sLIKE %s' % (self.text(), self.r.choice(['', 'NOT ']), self.r.choice(["'a%'", "'%1%'", "'_'", "'%'"]))
        if roll < 0.94:
            return '%s BETWEEN -2 AND 5' % self.number()
        return "__time >= TIMESTAMP '2024-01-01 0%d:00:00'" % self.r.randint(0, 9)

    def where(self):
        return ' WHERE ' + self.condition() if self.r.random() < 0.7 else ''

    def aggregate(self):
        call = self.r.choice(['COUNT(*)', 'COUNT(%s)' % self.text(), 'COUNT(DISTINCT %s)' % self.text(), 'SUM(%s)' % self.number(),
                              'MIN(%s)' % self.number(), 'MAX(%s)' % self.number(), 'AVG(%s)' % self.number()])
        if self.r.random() < 0.2 and not call.startswith('AVG'):
            call += ' FILTER (WHERE %s)' % self.condition(1)
        return call

    def key(self):
        roll = self.r.random()
        if roll < 0.25:
            return "TIME_FLOOR(__time, '%s')" % self.r.choice(PERIODS)
        return self.text() if roll < 0.75 else self.number()

    def statement(self):
        roll = self.r.random()
        if roll < 0.25:
            items = [self.r.choice([self.text(), self.number(), '__time']) for _ in range(self.r.randint(1, 4))]
            order = ' ORDER BY ' + self.r.choice(['__time', '__time DESC']) if self.r.random() < 0.3 else ''
            return 'SELECT %s FROM %s%s%s' % (', '.join(items), self.table, self.where(), order)
        calls = [self.aggregate() for _ in range(self.r.randint(1, 3))]
        if self.r.random() < 0.2:
            calls.append('%s + 1' % self.aggregate())
        if roll < 0.4:
            return 'SELECT %s FROM %s%s' % (', '.join(calls), self.table, self.where())
        keys = [self.key() for _ in range(self.r.choice([1, 1, 1, 2, 2, 3]))]
        places = ', '.join(str(i + 1) for i in range(len(keys)))
        tail = ' HAVING %s > %d' % (self.aggregate(), self.r.randint(0, 3)) if self.r.random() < 0.2 else ''
        if self.r.random() < 0.5:  # by every key at the end, so that the order is whole and a limit too
            tail += ' ORDER BY %d%s, %s' % (len(keys) + 1, self.r.choice(['', ' DESC']), places)
            tail += ' LIMIT %d' % self.r.randint(1, 6) if self.r.random() < 0.6 else ''
        return 'SELECT %s FROM %s%s GROUP BY %s%s' % (', '.join(keys + calls), self.table, self.where(), places, tail)


def check(server_url, seed, tally=None):
    """'' when the native query agrees or there is none."""
    sql = Maker(seed).statement()
    result, why = explained.compare(server_url, sql, {}, strict='GROUP BY' in sql and 'ORDER BY' in sql)
    if tally is not None:
        tally[result] = tally.get(result, 0) + 1
    return '' if result in ('same', 'none', 'refused') else '%s\n  %s: %s' % (sql, result, why)


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument('--count', type=int, default=5000)
    words.add_argument('--seed', type=int, default=1)
    asked = words.parse_args()
    counter, tally = Counter(False), {}
    with tempfile.TemporaryDirectory(prefix='ovate-random-') as folder, Server() as server:
        for name in ('tiny', 'nulls'):
            server.ingest(tables.spec(name, folder)[0])
            server.wait_table(name)
        where = urllib.parse.urlsplit('http://127.0.0.1:%d' % server.port)
        for seed in range(asked.seed, asked.seed + asked.count):
            why = check(where, seed, tally)
            counter.check('seed %d' % seed, not why, why)
    print(tally)
    counter.finish()


if __name__ == '__main__':
    main()
