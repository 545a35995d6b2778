#!/usr/bin/env python3
"""Kill -9 while rows are pushed, merged and published: every acknowledged batch is there once, none twice, none in part.

    push.py [--rounds N] [--seed N]          (default rounds: OVATE_CRASH_ROUNDS, else 20; the reference run is 500)

Each round starts the server on the folder the last kill left and compares it with what clients were told. Then clients push
batches to three datasources, one of them with a spec that rolls up, one with keys (keyed.py), and the process dies: at a random moment, or
at one of the named fault points where the build has them. Batches that got no answer are pushed again in the next round, with
the same id.
"""
import argparse
import http.client
import json
import os
import random
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'lib')]
from keyed import KEYED, Keyed, tables_of  # noqa: E402
from ovatetest import Counter, Server  # noqa: E402

FAULTS = ('WAL_FILE', 'WAL_WRITTEN', 'WAL_SYNCED', 'STREAM_MERGED', 'STREAM_COMPACTED', 'STREAM_SEALED', 'COMMIT_PLACED', 'COMMIT_RENAMED', 'COMMIT_SYNCED',
          'COMMIT_WRITTEN', 'STREAM_PUBLISHED')
CLIENTS, SMALL_MEMORY, ROUND_SECONDS = 4, '4MiB', 1.5
SPEC = {'dataSchema': {'timestampSpec': {'column': 'time'}, 'dimensionsSpec': {'dimensions': ['batch']},
                       'metricsSpec': [{'type': 'count', 'name': 'rows'}, {'type': 'longSum', 'name': 'n', 'fieldName': 'n'}],
                       'granularitySpec': {'segmentGranularity': 'HOUR', 'queryGranularity': 'DAY', 'rollup': True}}}
TABLES = ('plain', 'rolled', 'keyed')


class Books:
    """What the clients know: the rows of each batch, which of them were acknowledged."""

    def __init__(self, chance):
        self.lock, self.chance = threading.Lock(), chance
        self.batches, self.acknowledged, self.open = {}, set(), []
        self.keyed = Keyed('keyed')

    def next(self):
        """A batch to push: one that got no answer, or a new one."""
        with self.lock:
            if self.open and self.chance.random() < 0.5:
                return self.open.pop()
            number = len(self.batches)
            table = TABLES[number % len(TABLES)]
            rows = self.chance.choice((1, 3, 10, 200, 2000))
            if table == 'keyed':
                self.batches[number] = (table, rows, self.keyed.batch(number, rows, self.chance))
                return number
            body = ''.join('{"time":"2024-05-%02dT%02d:00:00Z","batch":"b%d","n":%d,"text":"row %d"}\n' % (
                1 + i % 3, (number + i) % 24, number, i, i * 7919 % 1009) for i in range(rows))
            self.batches[number] = (table, rows, body.encode())
            return number

    def settle(self, number, good):
        with self.lock:
            if good:
                self.acknowledged.add(number)
            else:
                self.open.append(number)


def client(server, books, stop, trouble):
    link = http.client.HTTPConnection('127.0.0.1', server.port, timeout=30)
    while not stop.is_set():
        number = books.next()
        table, rows, body = books.batches[number]
        good = False
        try:
            link.request('POST', '/v1/push/%s?batch=b%d' % (table, number), body)
            reply = link.getresponse()
            answer = json.loads(reply.read())
            good = reply.status == 200
            if good and answer['rows'] != rows:
                trouble.append('batch %d: %r' % (number, answer))
            if not good and reply.status not in (429, 503):
                trouble.append('batch %d: %d %r' % (number, reply.status, answer))
        except (OSError, http.client.HTTPException, ValueError):
            link.close()
            stop.wait(0.01)
        books.settle(number, good)
    link.close()


def look(server, books, counter, name, quiet_ms=None):
    """Each batch is there whole or not at all, and every acknowledged one is. quiet_ms: an instant after what is there came, before what will."""
    have, broken, tables = {}, [], tables_of(server)
    for table, count in (('plain', 'COUNT(*)'), ('rolled', 'SUM("rows")')):
        if table not in tables:
            continue
        for batch, rows, total in server.sql('SELECT batch, %s, SUM(n) FROM %s GROUP BY batch' % (count, table))[1]:
            number = int(batch[1:])
            want = books.batches[number][1]
            have[number] = rows
            if (rows, total) != (want, want * (want - 1) // 2) or books.batches[number][0] != table:
                broken.append((table, batch, rows, total, want))
    keyed = {number for number in books.acknowledged if books.batches[number][0] == 'keyed'}
    if 'keyed' in tables:
        trouble = books.keyed.look(server, keyed, quiet_ms)
        counter.check(name + ': every key once, by its winner, and as it was', not trouble, trouble[:5])
    missing = books.acknowledged - set(have) - keyed
    counter.check(name + ': batches are whole and there once', not broken, broken[:5])
    counter.check(name + ': no acknowledged batch is missing', not missing, sorted(missing)[:5])


def one_round(number, data, books, counter, faults):
    fault = books.chance.choice(faults) if faults and books.chance.random() < 0.6 else None
    args = ['--stream-memory', SMALL_MEMORY, '--stream-age', '1']
    env = {'OVATE_FAULT': 'OV_FAULT_%s:%d:crash' % (fault, books.chance.randint(1, 20))} if fault else {}
    time.sleep(0.05)
    quiet_ms = int(time.time() * 1000)
    try:
        server = Server(data=data, args=args, env=env)
    except RuntimeError:  # each start came as far as the fault point, and no further
        if not fault:
            raise
        return
    try:
        look(server, books, counter, 'round %d' % number, quiet_ms)
    except (OSError, http.client.HTTPException):
        if not fault or not server.dies():  # a hand-over reached the fault point while we looked
            raise
    if number == 1:
        for table, spec in (('rolled', SPEC), ('keyed', KEYED)):
            server.request('PUT', '/v1/streams/' + table, json.dumps(spec).encode())
    stop, trouble = threading.Event(), []
    threads = [threading.Thread(target=client, args=(server, books, stop, trouble)) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + books.chance.uniform(0.02, ROUND_SECONDS)
    while time.monotonic() < until and server.alive():
        time.sleep(0.005)
    server.kill()
    stop.set()
    for thread in threads:
        thread.join()
    counter.check('round %d: answers' % number, not trouble, trouble[:5])


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument('--rounds', type=int, default=int(os.environ.get('OVATE_CRASH_ROUNDS', '20')))
    words.add_argument('--seed', type=int, default=20241122)
    asked = words.parse_args()
    counter, books = Counter(), Books(random.Random(asked.seed))
    with tempfile.TemporaryDirectory(prefix='ovate-push-') as folder:
        data = os.path.join(folder, 'data')
        for number in range(1, asked.rounds + 1):
            one_round(number, data, books, counter, FAULTS if number > 1 else ())
        server = Server(data=data)
        look(server, books, counter, 'end')
        while books.open:
            number = books.open.pop()
            status = server.request('POST', '/v1/push/%s?batch=b%d' % (books.batches[number][0], number), books.batches[number][2])[0]
            books.settle(number, status == 200)
        for table in TABLES:
            server.request('POST', '/v1/streams/%s/publish' % table)
        counter.check('all batches are acknowledged', len(books.acknowledged) == len(books.batches), len(books.batches))
        look(server, books, counter, 'published')
        winners = books.keyed.winners(n for n in books.batches if books.batches[n][0] == 'keyed')
        counter.equal('the winner of every key', books.keyed.read(server), winners)
        counter.check('nothing is left in memory', server.value('SELECT COUNT(*) FROM sys.segments WHERE is_realtime = 1') == 0)
        server.close()
        print('%d rounds, seed %d, %d batches' % (asked.rounds, asked.seed, len(books.batches)))
    counter.finish()


main()
