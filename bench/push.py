#!/usr/bin/env python3
"""Pushed rows: how long from an event until queries see it, at a steady rate with queries running; and how many a second at most.

    bench/push.py [--rate 50000] [--seconds 30] [--clients 4] [--flush-ms 100] [--ovate BIN]
    bench/push.py --replay-mb 1000          only how long a start takes over so large a log

Events arise evenly; each client collects its share for --flush-ms and pushes it as NDJSON. An event is queryable when its push is answered, which is
checked now and then by a count. Then the clients push as fast as they are answered, and the log is replayed. The load of the machine is
shown: other programs on it are in the figures.
"""
import argparse
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, 'tests', 'lib')]
from ovatetest import Server  # noqa: E402

QUERIES = ('SELECT COUNT(*) FROM clicks', 'SELECT page, COUNT(*), SUM(ms) FROM clicks GROUP BY page ORDER BY 2 DESC LIMIT 10',
           "SELECT FLOOR(__time TO MINUTE), COUNT(DISTINCT \"user\") FROM clicks WHERE country = 'KR' GROUP BY 1")


def bodies(rows, count=40):
    """Some bodies that are pushed in turn: seven columns, about 130 bytes a row."""
    made = []
    for b in range(count):
        lines = []
        for i in range(rows):
            n = (b * rows + i) * 2654435761 % 2**32
            lines.append('{"time":%d,"user":"u%05d","page":"/p/%d","country":"%s","ms":%d,"ok":%d,"agent":"agent/%d"}' % (
                1714521600000 + (b * rows + i) * 7, n % 50000, n >> 8 & 2047, ('KR', 'US', 'JP', 'DE')[n >> 20 & 3], n % 3000,
                n >> 5 & 1, n >> 12 & 63))
        made.append('\n'.join(lines).encode())
    return made


class Client(threading.Thread):
    def __init__(self, server, ready, rows, offset, every, until):
        super().__init__()
        self.server, self.ready, self.rows, self.offset, self.every, self.until = server, ready, rows, offset, every, until
        self.latencies, self.pushed, self.refused = [], 0, 0

    def run(self):
        link = http.client.HTTPConnection('127.0.0.1', self.server.port)
        turn, due = 0, time.monotonic() + self.offset
        while time.monotonic() < self.until:
            if self.every:
                time.sleep(max(0, due - time.monotonic()))
            link.request('POST', '/v1/push/clicks', self.ready[turn % len(self.ready)])
            reply = link.getresponse()
            reply.read()
            if reply.status == 429:
                self.refused += 1
                time.sleep(0.2)
                continue
            if reply.status != 200:
                raise RuntimeError('push: %d' % reply.status)
            end = time.monotonic()
            if self.every:  # the first event of the piece waited longest, the last one not at all
                self.latencies += [end - due + self.every * (1 - i / 10) for i in range(10)]
            self.pushed += self.rows
            turn += 1
            due += self.every or 0


def ask(server, until, times):
    link = http.client.HTTPConnection('127.0.0.1', server.port)
    turn = 0
    while time.monotonic() < until:
        start = time.monotonic()
        link.request('POST', '/druid/v2/sql', json.dumps({'query': QUERIES[turn % len(QUERIES)]}), {'Content-Type': 'application/json'})
        link.getresponse().read()
        times.append(time.monotonic() - start)
        turn += 1
        time.sleep(0.05)


def run_clients(server, asked, every, seconds):
    rows = int(asked.rate * asked.flush_ms / 1000 / asked.clients)
    ready, times = bodies(rows), []
    until = time.monotonic() + seconds
    clients = [Client(server, ready, rows, i * (every or 0) / asked.clients, every, until) for i in range(asked.clients)]
    reader = threading.Thread(target=ask, args=(server, until, times))
    start = time.monotonic()
    for thread in clients + [reader]:
        thread.start()
    for thread in clients + [reader]:
        thread.join()
    return clients, times, time.monotonic() - start


def replay(asked):
    """Rows of half a kilobyte that do not compress, none of them published, until the log has so many MB."""
    rows = 2000
    with tempfile.TemporaryDirectory(prefix='ovate-bench-') as data:
        server = Server(data=data, args=['--stream-memory', '8GiB', '--stream-age', '1000000'])
        pushed = 0
        while metric(server, 'ovate_wal_bytes') < asked.replay_mb * 1e6:
            body = ''.join('{"time":%d,"n":%d,"text":"%s"}\n' % (1714521600000 + i, pushed + i, os.urandom(250).hex()) for i in range(rows))
            server.request('POST', '/v1/push/clicks', body.encode())
            pushed += rows
        log = metric(server, 'ovate_wal_bytes')
        server.kill()
        start = time.monotonic()
        server.start()
        print('replay after kill -9: %.2f s until ready, %.0f MB of log, rows all there: %s; load %.1f' % (
            time.monotonic() - start, log / 1e6, server.value('SELECT COUNT(*) FROM clicks') == pushed, os.getloadavg()[0]))
        server.close()


def at(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def metric(server, name):
    return sum(float(v) for v in re.findall(r'^%s(?:\{.*\})? (\S+)$' % name, server.request('GET', '/metrics')[2].decode(), re.M))


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument('--rate', type=int, default=50000)
    words.add_argument('--seconds', type=float, default=30)
    words.add_argument('--clients', type=int, default=4)
    words.add_argument('--flush-ms', type=float, default=100)
    words.add_argument('--replay-mb', type=int)
    words.add_argument('--ovate')
    asked = words.parse_args()
    if asked.ovate:
        os.environ['OVATE_BIN'] = asked.ovate
    if asked.replay_mb:
        replay(asked)
        return
    with tempfile.TemporaryDirectory(prefix='ovate-bench-') as data:
        server = Server(data=data)
        clients, times, took = run_clients(server, asked, asked.flush_ms / 1000, asked.seconds)
        pushed, waits = sum(c.pushed for c in clients), sum((c.latencies for c in clients), [])
        seen = server.value('SELECT COUNT(*) FROM clicks')
        print('steady: %d rows in %.1f s (%d rows/s, %d bytes a row), all queryable: %s' % (
            pushed, took, pushed / took, len(bodies(100, 1)[0]) / 100, seen == pushed))
        print('  event to queryable: p50 %.0f ms, p99 %.0f ms, max %.0f ms (of which up to %.0f ms in the client)' % (
            at(waits, .5) * 1e3, at(waits, .99) * 1e3, max(waits) * 1e3, asked.flush_ms))
        print('  queries beside it: %d, p50 %.1f ms, p99 %.1f ms; plans found %d times; load %.1f' % (
            len(times), at(times, .5) * 1e3, at(times, .99) * 1e3, metric(server, 'ovate_plan_hits_total'), os.getloadavg()[0]))
        print('  log: %.0f MB, %d records in %d syncs; pieces %d, merges %d' % (
            metric(server, 'ovate_wal_bytes') / 1e6, metric(server, 'ovate_wal_records_total'),
            metric(server, 'ovate_wal_syncs_total'), metric(server, 'ovate_stream_pieces'), metric(server, 'ovate_stream_merges_total')))
        clients, _, took = run_clients(server, asked, None, asked.seconds / 2)
        print('as fast as it goes: %d rows/s (%d pushes refused with 429)' % (
            sum(c.pushed for c in clients) / took, sum(c.refused for c in clients)))
        rows, log = server.value('SELECT COUNT(*) FROM clicks'), metric(server, 'ovate_wal_bytes')
        server.kill()
        start = time.monotonic()
        server.start()
        print('replay after kill -9: %.2f s until ready, %.0f MB of log, rows all there: %s' % (
            time.monotonic() - start, log / 1e6, server.value('SELECT COUNT(*) FROM clicks') == rows))
        memory = subprocess.run(['grep', 'VmHWM', '/proc/%d/status' % server.process.pid], capture_output=True, text=True, check=False)
        print('memory after it:', memory.stdout.strip())
        server.close()


main()
