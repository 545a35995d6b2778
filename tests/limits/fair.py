#!/usr/bin/env python3
"""Small queries beside heavy ones: everybody is answered, rightly; how long they waited is printed. README.md beside this file."""
import sys
import tempfile
import threading
import time

import run
from run import ask
from ovatetest import Counter, Server, sanitized

HEAVY = 'SELECT COUNT(*), SUM(a.shared * b.rackTotCnt) FROM (SELECT * FROM t LIMIT %d) a JOIN (SELECT * FROM t LIMIT %d) b ON a.shared < b.rackTotCnt + %%d'
SMALL = "SELECT COUNT(*), SUM(shared) FROM t WHERE stationId = '%s' AND shared >= %d"


class Load(threading.Thread):
    """Asks one statement after the other on its own connection until told to stop; each answer must be the expected one."""

    def __init__(self, server, statements, expected, once=False):
        super().__init__()
        self.server, self.statements, self.expected, self.once = server, statements, expected, once
        self.stop, self.took, self.wrong = threading.Event(), [], []
        self.start()

    def run(self):
        while not self.stop.is_set():
            for sql in self.statements:
                began = time.monotonic()
                answer = ask(self.server, sql)
                self.took.append(time.monotonic() - began)
                if answer != self.expected[sql]:
                    self.wrong.append((sql, answer))
                if self.stop.is_set() or self.once:
                    break
            if self.once:
                break

    def end(self):
        self.stop.set()
        self.join(300)


def figures(name, took):
    took = sorted(took)
    if took:
        print('%-46s %6d answers, median %7.1f ms, p99 %7.1f ms, slowest %7.1f ms'
              % ((name, len(took)) + tuple(1000 * took[min(len(took) - 1, int(len(took) * p))] for p in (0.5, 0.99, 1))))


def small_beside(count, server, name, heavy, clients, small, expected, seconds):
    """`clients` ask small statements while the heavy ones run."""
    loads = [Load(server, [sql], expected) for sql in heavy]
    time.sleep(0.5 if heavy else 0)
    mine = [Load(server, small[i % 7:] + small[:i % 7], expected) for i in range(clients)]
    time.sleep(seconds)
    for load in mine + loads:
        load.stop.set()
    for load in mine + loads:
        load.end()
    for load in mine + loads:
        count.check('%s: answers' % name, load.took and not load.wrong, load.wrong[:1])
    figures(name + ', small ones', [took for load in mine for took in load.took])
    figures(name + ', heavy ones', [took for load in loads for took in load.took])


def main():
    count, slow = Counter(), sanitized()
    rows, seconds = (2000, 2) if slow else (8000, 6)
    with tempfile.TemporaryDirectory(prefix='ovate-fair-') as folder:
        run.make_rows(folder, '50k' if slow else '500k')
        with Server(folder + '/data') as server:
            server.ingest(run.spec(folder))
            server.wait_table('t')
        with Server(folder + '/data', args=['--result-cache', '0', '--segment-cache', '0', '--max-waiting', '64']) as server:
            stations = [row[0] for row in server.sql('SELECT stationId FROM t GROUP BY 1 ORDER BY COUNT(*) DESC, 1 LIMIT 7')[1]]
            heavy = [HEAVY % (rows, rows // 4) % i for i in range(20)]
            small = [SMALL % (station, i) for i, station in enumerate(stations)]
            expected = {sql: ask(server, sql) for sql in heavy + small}
            for sql, answer in expected.items():
                count.check('answered alone', answer[0] == 200, (sql, answer))
            small_beside(count, server, 'alone: 4 clients', [], 4, small, expected, seconds / 2)
            small_beside(count, server, '4 clients beside 20 heavy', heavy, 4, small, expected, seconds)
            small_beside(count, server, '64 clients beside 1 heavy', heavy[:1], 64, small, expected, seconds)
            began = time.monotonic()
            loads = [Load(server, [sql], expected, once=True) for sql in heavy]
            for load in loads:
                load.join(600)
                count.check('20 heavy at once: answered', load.took and not load.wrong, load.wrong[:1])
            figures('20 heavy at once', [took for load in loads for took in load.took])
            print('all 20 within %.1f s' % (time.monotonic() - began))
    count.finish()


if __name__ == '__main__':
    sys.exit(main())
