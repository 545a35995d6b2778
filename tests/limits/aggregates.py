#!/usr/bin/env python3
"""Every aggregate with more groups than memory: its groups, the memory it takes, its end when it is cancelled. README.md beside this file."""
import os
import sys
import tempfile
import threading
import time

import run
from run import Watch, ask, spilled
from ovatetest import Counter, Server, sanitized

MEMORY = 24 << 20
ROWS = '500k'
# Of each aggregate the first of these that it takes.
ARGUMENTS = ['stationName', '*', 'shared', "stationName, ','", 'shared, 0.5', 'stationName, __time', 'ARRAY[shared, rackTotCnt]', 'stationName, shared',
             'stationName, 10', 'shared, 0.5, 10, 0, 1000']
GROUPS = 'SELECT __time AS t0, MOD(shared, 50) AS k, %s AS a FROM t GROUP BY 1, 2'
ENDLESS = 'SELECT __time AS t0, stationId AS k, %s AS a FROM t, (VALUES 1, 2, 3, 4) GROUP BY 1, 2'


def calls(server):
    """(name, call) of every aggregate that the server lists; functions of windows stand there, too, and are none."""
    names = [row[0] for row in server.sql("SELECT ROUTINE_NAME FROM INFORMATION_SCHEMA.ROUTINES WHERE IS_AGGREGATOR = 'YES' ORDER BY 1")[1]]
    for name in names:
        if b'OVER clause is necessary' in ask(server, 'SELECT %s() FROM t' % name)[1]:
            continue
        texts = ['"%s"(%s)' % (name, given) if name.startswith('$') else '%s(%s)' % (name, given) for given in ARGUMENTS]
        yield name, next((text for text in texts if ask(server, 'SELECT %s FROM t WHERE shared < 0' % text)[0] == 200), None)


def groups(answer):
    """Status and the groups' keys: values of sketches may follow from the order of merges."""
    return answer[0], sorted(line.split(b',', 2)[:2] for line in answer[1].split(b'\n'))


def ends(server, name, call):
    """Seconds from a cancel in the midst to the end."""
    answer = []
    thread = threading.Thread(target=lambda: answer.append(ask(server, ENDLESS % call, name)))
    thread.start()
    time.sleep(0.3)
    began = time.monotonic()
    server.request('DELETE', '/druid/v2/sql/' + name.replace('$', '%24'))
    thread.join(60)
    return time.monotonic() - began if answer else 60


def main():
    count, slowest, measure = Counter(), (0, ''), not sanitized()
    with tempfile.TemporaryDirectory(prefix='ovate-aggregates-') as folder:
        run.make_rows(folder, ROWS if measure else '100k')
        data = folder + '/data'
        with Server(data) as server:
            server.ingest(run.spec(folder))
            server.wait_table('t')
            known = [(name, call) for name, call in calls(server) if not sys.argv[1:] or name in sys.argv[1:]]
        for name, call in known:
            if not count.check('%s takes one of the arguments above' % name, call):
                continue
            with Server(data, args=['--memory', '2GiB', '--query-memory', '1GiB']) as server:
                want = groups(ask(server, GROUPS % call))
            with Server(data, args=['--memory', '2GiB', '--query-memory', str(MEMORY)]) as server:
                watch = Watch(server.process.pid)
                watch.start()
                got = groups(ask(server, GROUPS % call))
                grown = watch.grown()
                time.sleep(0.2)  # counters follow the answer
                disk = spilled(server)
                end = ends(server, name, call)
            slowest = max(slowest, (end, name))
            if sys.argv[1:]:
                print('%-32s grew by %.1f MiB, %.0f MiB on disk, cancelled in %.0f ms' % (call, grown / 2**20, disk / 2**20, end * 1000))
            count.check('%s: same groups' % call, want[0] == 200 and got == want, '%d, %d lines, not %d, %d' % (got[0], len(got[1]), want[0], len(want[1])))
            count.check('%s ends when it is cancelled' % call, end < 5, '%.1f s' % end)
            if measure:
                count.check('%s: memory' % call, grown <= MEMORY * 1.1, 'grew by %.1f MiB' % (grown / 2**20))
    print('slowest end of a cancelled query: %.0f ms (%s)' % (slowest[0] * 1000, slowest[1]))
    count.finish()


if __name__ == '__main__':
    main()
