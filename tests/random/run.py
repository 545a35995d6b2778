#!/usr/bin/env python3
"""Random tables, random SQL: compared with DuckDB, with other engine settings and layouts, and with itself.

    tests/random/run.py [--count 2000] [--seed 1]      the size check.sh runs
    tests/random/run.py --nightly                      100,000 statements
    tests/random/run.py --repeat SEED.NUMBER           one statement again, as a failure prints it

Everything follows from the seed. README.md says what is compared and what is not.
"""
import argparse
import collections
import datetime
import json
import os
import random
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'lib'), os.path.join(HERE, '..', 'slt'), os.path.join(HERE, '..', 'http'), HERE]
import duckdb_side  # noqa: E402
import shrink  # noqa: E402
import sql_nodes  # noqa: E402
from ovatetest import Counter, Server, module  # noqa: E402
from random_checks import CHECKS, Bench, Refused  # noqa: E402
from random_sql import Maker  # noqa: E402
from random_tables import LAYOUTS, VERSION, Table, keyed_loads  # noqa: E402
from settings import SETTINGS  # noqa: E402

ROUND = 125  # statements over one set of tables
FORCED = [name for name in SETTINGS if SETTINGS[name].env]


def load(server, spec, rows, push=False):
    name = spec['spec']['dataSchema']['dataSource']
    counts = pushed(server, spec) if push else server.ingest(spec)['processed']
    if counts != rows:
        raise RuntimeError('%s: %d of %d rows were loaded' % (name, counts, rows))
    server.wait_table(name)


def pushed(server, spec):
    """The rows of a batch spec as rows in memory, a few hundred at once."""
    inner, name, rows = spec['spec'], spec['spec']['dataSchema']['dataSource'], 0
    stream = {'dataSchema': inner['dataSchema'], 'inputFormat': inner['ioConfig']['inputFormat']}
    bodies = inner['ioConfig']['inputSource']['data'].split('\n')
    calls = [('PUT', '/v1/streams/' + name, json.dumps(stream))] + [
        ('POST', '/v1/push/' + name, '\n'.join(bodies[at:at + 300])) for at in range(0, len(bodies), 300)]
    for method, path, body in calls:
        status, _, answer = server.request(method, path, body.encode(), {'Content-Type': 'application/json'})
        if status != 200:
            raise RuntimeError('%s: %d %.300s' % (path, status, answer))
        rows += json.loads(answer)['rows'] if method == 'POST' else 0
    return rows


def load_table(table, servers, layout):
    """Into the plain server and into the other one, where rows lie in another way. Tables with keys have a moment in between."""
    for number, rows in enumerate(table.loads):
        for server, how in zip(servers, ('plain', layout)):
            if how == 'keyed' and not table.keyed:
                for part, some in enumerate(keyed_loads(random.Random(table.name), table.rows, table.rows)):
                    # what the second load brings is the truth, under a version that wins
                    truth = [dict(row, **{VERSION: 9}) for row in table.rows] if part else some
                    load(server, table.spec('plain', None, truth, True, part > 0), len(truth))
            else:
                load(server, table.spec(how, None, rows, table.keyed, number > 0), len(rows), how == 'memory')
        if table.keyed and number == 0:
            time.sleep(0.005)
            table.between = datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%d %H:%M:%S.%f')[:-3]
            time.sleep(0.005)


class Round:
    """The tables of one seed on two servers and in DuckDB."""

    def __init__(self, seed, plain, duck, folder):
        r = random.Random(seed)
        self.seed, self.folder = seed, folder
        self.tables = [Table('q%d_%s' % (seed, name), seed) for name in 'abc'[:r.choice([1, 2, 2, 3])]]
        self.setting, self.layout = FORCED[seed % len(FORCED)], r.choice(LAYOUTS)
        self.other = Server(env=SETTINGS[self.setting].env)
        self.bench = Bench(plain, self.other, duck, '%s, %s' % (self.setting, self.layout), SETTINGS[self.setting].again)
        for table in self.tables:
            load_table(table, (plain, self.other), self.layout)
            if duck:
                table.into_duckdb(duck, folder)
            if duck and table.keyed:
                table.into_duckdb(duck, folder, table.name + '_before', table.before)

    def check(self, query, number):
        """(name of the check, words) of the first that fails, or None. DuckDB and the other setting always, the rest in turn."""
        turn = list(CHECKS)[2:]
        for name in ['duckdb', 'setting', turn[number % len(turn)]]:
            words = self.one_check(name, query)
            if words:
                return name, words
        return None

    def one_check(self, name, query):
        try:
            return CHECKS[name](self.bench, query)
        except Exception as trouble:  # 500, a broken connection: whatever it is, it is a finding
            dead = [server for server in (self.bench.plain, self.other) if not server.alive()]
            logs = ''.join('\nits log ends\n' + server.log()[-3000:] for server in dead)
            for server in dead:
                server.start()
            return '%s: %.400s%s' % ('crash' if dead else type(trouble).__name__, trouble, logs)

    def shrunk(self, query, name, words):
        """A smaller statement over fewer rows that fails the same check; its words."""
        kind = words[:7]  # refused stays refused, a crash stays a crash
        last = [words]

        def fails():
            found = self.one_check(name, query)
            if found and found[:7] == kind:
                last[0] = found
                return True
            return False
        shrink.shrink(query, fails)
        for table in self.tables:
            if table.name in sql_nodes.tables_of(query) and not table.keyed:
                self.drop_rows(table, fails)
        return last[0]

    def drop_rows(self, table, fails):
        kept = {}

        def still(rows):
            place = len(kept)
            name = '%s_%d' % (table.name, place)
            kept[place] = rows
            try:
                load(self.bench.plain, table.spec('plain', name, rows), len(rows))
                load(self.other, table.spec(self.layout, name, rows), len(rows), self.layout == 'memory')
                if self.bench.duck:
                    table.into_duckdb(self.bench.duck, self.folder, name, rows)
            except RuntimeError:
                return False
            before = self.bench.names.get(table.name)
            self.bench.names[table.name] = name
            if fails():
                return True
            if before:
                self.bench.names[table.name] = before
            else:
                del self.bench.names[table.name]
            return False
        table.few = shrink.fewer_rows(table.rows, still)

    def show(self, query, words):
        lines = [query.write(), words]
        for table in self.tables:
            few = getattr(table, 'few', None)
            if few and len(few) < 9 and table.name in sql_nodes.tables_of(query):
                used = [c for c in ['time'] + [c[0] for c in table.columns] if c == 'time' or '.%s' % c in lines[0]]
                lines += ['%s: %s' % (table.name, {c: row.get(c) for c in used}) for row in few]
            if few:
                del table.few
        self.bench.names.clear()
        return '\n'.join(lines)

    def close(self):
        self.other.close()
        left = self.bench.duck.execute("SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'q%'").fetchall() if self.bench.duck else []
        for name, in left:
            self.bench.duck.execute('DROP TABLE "%s"' % name)


def statement(tables, seed, number):
    return Maker('%d.%d' % (seed, number), tables).statement()


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument('--count', type=int, default=2000)
    words.add_argument('--nightly', action='store_true')
    words.add_argument('--seed', type=int, default=1)
    words.add_argument('--repeat', help='SEED.NUMBER of one statement')
    words.add_argument('--seconds', type=float, default=float('inf'), help='stop after so long')
    words.add_argument('--no-shrink', action='store_true')
    words.add_argument('--verbose', action='store_true')
    asked = words.parse_args()
    duck = module('duckdb').connect()
    duck.execute("SET TimeZone = 'UTC'; SET default_null_order = 'nulls_first_on_asc_last_on_desc'; SET integer_division = true; SET threads = 1")
    # DuckDB 2.0.0: wrong rows of STARTS_WITH(NULLIF(s, 'abc'), 'a'), and more rows than a LIMIT over a RIGHT JOIN without partners
    duck.execute("SET disabled_optimizers = 'statistics_propagation'")
    duck.execute(duckdb_side.MACROS)
    counter, count, until = Counter(asked.verbose), 100_000 if asked.nightly else asked.count, time.monotonic() + asked.seconds
    first, only = asked.seed, None
    if asked.repeat:
        first, only = map(int, asked.repeat.split('.'))
        count = 1
    counts = collections.Counter()
    with tempfile.TemporaryDirectory(prefix='ovate-random-') as folder, Server() as plain:
        for seed in range(first, first + (count + ROUND - 1) // ROUND):
            made = Round(seed, plain, duck, folder)
            for number in [only] if asked.repeat else range(min(ROUND, count - (seed - first) * ROUND)):
                query = statement(made.tables, seed, number)
                found = made.check(query, number)
                detail = ''
                if found:
                    text = found[1] if asked.no_shrink else made.shrunk(query, *found)
                    detail = '%s\nrepeat: tests/random/run.py --repeat %d.%d' % (made.show(query, text), seed, number)
                elif asked.repeat:
                    print(query.write())
                counter.check('%d.%d %s' % (seed, number, found[0] if found else ''), not found, detail)
                sys.stdout.flush()
                if time.monotonic() > until:
                    break
            counts += made.bench.counts
            made.close()
            if time.monotonic() > until:
                break
    print('; '.join('%d %s' % (n, what) for what, n in counts.most_common()))
    counter.finish()


if __name__ == '__main__':
    main()
