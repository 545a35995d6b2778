#!/usr/bin/env python3
"""Kill at every step of fetch, parse, seal, commit, compaction, log append, merge and hand-over, run again: the rows are those of an undisturbed run.

    steps.py [--full] [--only WORD] [--point NAME] [--repos N] [--hours N] [--few N]

Each run arms one fault point (base/fault.def) at its n-th pass, which ends the process there as SIGKILL would, looks at what is
visible, runs the same thing again and compares. Four things are run: a pull of many repositories, each a commit of its own; a
batch load of many hours; the compaction of what that made; and pushes that are merged, handed over and put together (stream_steps.py).
--full goes through every pass of every point, more than 700 runs; without it the first and the third.
"""
import argparse
import json
import os
import random
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'lib'), os.path.join(HERE, '..', 'pull')]
from doubles import GitHub  # noqa: E402
from ovatetest import Counter, skip  # noqa: E402
from pulltest import Folder, has_faults  # noqa: E402
from stream_steps import streams  # noqa: E402
from test_paging import issues  # noqa: E402

LOAD = ['OV_FAULT_LOAD_PARSED', 'OV_FAULT_LOAD_SEALED', 'OV_FAULT_COMMIT_PLACED', 'OV_FAULT_COMMIT_RENAMED', 'OV_FAULT_COMMIT_SYNCED',
        'OV_FAULT_COMMIT_WRITTEN']
PULL = ['OV_FAULT_PULL_ANSWERED', 'OV_FAULT_PULL_SPOOLED', 'OV_FAULT_PULL_LOADED', 'OV_FAULT_PULL_COMMITTED'] + LOAD
COMPACT = ['OV_FAULT_COMPACT_SEALED'] + LOAD[1:]
MOST = 1000


class Matrix:
    def __init__(self, full, counter, point=''):
        self.full, self.counter, self.point, self.kills = full, counter, point, 0

    def each(self, name, points, one):
        """one(env, what) -> was it killed; the passes of a point end where nothing is killed any more."""
        for point in (p for p in points if self.point in p):
            met = 0
            for n in range(1, MOST) if self.full else (1, 3):
                what = '%s: %s:%d' % (name, point, n)
                try:
                    killed = one({'OVATE_FAULT': '%s:%d:crash' % (point, n)}, what)
                except Exception as e:  # pylint: disable=broad-except
                    self.counter.check(what, False, repr(e)[:1000])
                    break
                if not killed:
                    break
                met += 1
            self.kills += met
            self.counter.check('%s: %s is met' % (name, point), met > 0)
            if self.full:
                print('%s: %s: %d kills' % (name, point, met), flush=True)

    def same(self, what, got, wanted):
        self.counter.check(what, got == wanted, 'want %.300r, got %.300r' % (wanted, got))


def left_behind(folder):
    return os.listdir(os.path.join(folder.data, 'tmp'))


def run_again(matrix, stem, points, spec, table, secrets=None):
    """The spec undisturbed, then killed at each point and run again: the same rows, and nothing is left over."""
    with Folder(secrets) as folder:
        folder.run(spec)
        wanted = folder.rows_hash(table)

    def one(env, what):
        with Folder(secrets) as folder:
            killed = folder.ingest(spec, env=env)[0] != 0
            if killed:
                folder.run(spec)
                matrix.same(what, (folder.rows_hash(table), left_behind(folder)), (wanted, []))
            return killed
    matrix.each(stem, points, one)


def pulls(matrix, repos):
    names = ['o/r%d' % i for i in range(repos)]
    with GitHub() as hub:
        for i, repo in enumerate(names):
            hub.add_issues(repo, range(1, 3 + i))
        run_again(matrix, 'pull', PULL, issues(hub, names, commitSeries=1), 'gh_issue', {'TOK': 'secret-token-1'})


def hours_spec(hours):
    lines = [json.dumps({'t': '2024-03-%02dT%02d:%02d:00Z' % (1 + h // 24, h % 24, m), 'k': 'k%d' % (m % 3), 'n': h * 60 + m})
             for h in range(hours) for m in range(0, 60, 20)]
    return {'type': 'index_parallel', 'spec': {
        'dataSchema': {'dataSource': 'hours', 'timestampSpec': {'column': 't', 'format': 'iso'},
                       'dimensionsSpec': {'dimensions': ['k', {'type': 'long', 'name': 'n'}]},
                       'granularitySpec': {'segmentGranularity': 'HOUR', 'queryGranularity': 'NONE', 'rollup': False}},
        'ioConfig': {'type': 'index_parallel', 'inputSource': {'type': 'inline', 'data': '\n'.join(lines)}, 'inputFormat': {'type': 'json'}},
        'tuningConfig': {'type': 'index_parallel'}}}


def append_spec(hours):
    spec = hours_spec(hours)
    spec['spec']['ioConfig']['appendToExisting'] = True
    return spec


def loads(matrix, hours):
    run_again(matrix, 'load', LOAD, hours_spec(hours), 'hours')


def compactions(matrix, hours):
    compact = {'type': 'compact', 'dataSource': 'hours', 'ioConfig': {'inputSpec': {'type': 'interval', 'interval': '2024-03-01/2024-04-01'}}}
    count = "SELECT COUNT(*) AS n FROM sys.segments WHERE datasource = 'hours' AND is_active = 1"
    with Folder() as base:
        base.run(hours_spec(hours))
        base.run(append_spec(hours))
        wanted = base.rows_hash('hours')

        def one(env, what):
            with Folder() as folder:
                shutil.copytree(base.data, folder.data)
                killed = folder.ingest(compact, env=env)[0] != 0
                if killed:
                    matrix.same(what + ', at once', folder.rows_hash('hours'), wanted)
                    folder.run(compact)
                    matrix.same(what, (folder.rows_hash('hours'), folder.value(count), left_behind(folder)), (wanted, hours, []))
                return killed
        matrix.each('compaction', COMPACT, one)


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument('--full', action='store_true')
    words.add_argument('--only', default='', help='pulls, loads, compactions or streams')
    words.add_argument('--repos', type=int, default=0)
    words.add_argument('--hours', type=int, default=0)
    words.add_argument('--few', type=int, default=0, help='pushes that are published one by one')
    words.add_argument('--point', default='', help='only fault points whose name has this')
    asked = words.parse_args()
    if not has_faults():
        skip('this build has no fault points')
    counter = Counter()
    matrix = Matrix(asked.full, counter, asked.point)
    for run, size in ((pulls, asked.repos or (32 if asked.full else 4)), (loads, asked.hours or (48 if asked.full else 6)),
                      (compactions, asked.hours or (48 if asked.full else 6)), (streams, asked.few or (12 if asked.full else 9))):
        if asked.only in run.__name__:
            run(*((matrix, size, random.Random(8)) if run is streams else (matrix, size)))
    print('%d kills' % matrix.kills)
    counter.finish()


main()
