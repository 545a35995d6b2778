#!/usr/bin/env python3
"""Kill -9 while a real Kafka topic is read: after every restart no message is there twice, at the end each is there once.

    kafka.py [--rounds N] [--seed N]          (default rounds: OVATE_CRASH_ROUNDS, else 20; the reference run is 250)

Every round writes some more messages, some of them no rows, while two readers take them into one datasource and one reader into
another, which has keys and a version; rows are merged, handed over and put together all the time, and the process dies: at a random moment, or at one of the named fault points where the build has them.
Skipped without java.
"""
import argparse
import os
import random
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'lib'), os.path.join(HERE, '..', 'kafka')]
from keyed import Moments, tables_of  # noqa: E402
from kafkatest import World  # noqa: E402
from ovatetest import Counter  # noqa: E402

FAULTS = ('KAFKA_DEAD', 'WAL_FILE', 'WAL_WRITTEN', 'WAL_SYNCED', 'STREAM_MERGED', 'STREAM_COMPACTED', 'STREAM_SEALED', 'COMMIT_PLACED',
          'COMMIT_RENAMED', 'COMMIT_SYNCED', 'COMMIT_WRITTEN', 'STREAM_PUBLISHED')
ARGS, MESSAGES, POISON, ROUND_SECONDS = ['--stream-memory', '4MiB', '--stream-age', '1'], 3000, 3, 1.2


def page_of(number):
    """As Client.java makes it."""
    return '/p/%d' % ((number * 2654435761 & 0xffffffff) >> 8 & 2047)


class Reading:
    def __init__(self, world, counter, chance):
        self.world, self.counter, self.chance = world, counter, chance
        self.moments = Moments('SELECT page, id FROM latest%s')
        self.sent = self.poison = self.at_fault = 0

    def send(self):
        for _ in range(POISON):
            self.world.cluster.ask('send t %d poison %d' % (self.poison % 4, self.poison))
            self.poison += 1
        self.world.cluster.ask('start t %d %d none 0' % (self.sent, MESSAGES))
        self.sent += MESSAGES

    def look(self, name, quiet_ms):
        rows, _, twice = self.world.figures('t')
        self.counter.check(name, twice == 0 and rows <= self.sent, (rows, twice, self.sent))
        if 'latest' not in tables_of(self.world.server):
            return
        pages, distinct = self.world.server.sql('SELECT COUNT(*), COUNT(DISTINCT page) FROM latest')[1][0]
        trouble = self.moments.look(self.world.server, quiet_ms)
        self.counter.check(name + ': every key once, and as it was', pages == distinct and not trouble, (pages, distinct, trouble[:3]))

    def round(self, number):
        server = self.world.server
        fault = self.chance.choice(FAULTS) if self.chance.random() < 0.6 else None
        server.env.pop('OVATE_FAULT', None)
        if fault:
            server.env['OVATE_FAULT'] = 'OV_FAULT_%s:%d:crash' % (fault, self.chance.randint(1, 4))
        quiet_ms = int(time.time() * 1000)
        try:
            server.start()
            self.look('round %d' % number, quiet_ms)
        except (OSError, RuntimeError):  # it died while it started, or while we looked
            if not fault or not server.dies():
                raise
        self.send()
        until = time.monotonic() + self.chance.uniform(0.05, ROUND_SECONDS)
        while time.monotonic() < until and server.alive():
            time.sleep(0.005)
        self.at_fault += not server.alive()
        server.kill()
        self.world.cluster.ask('wait')

    def end(self):
        self.world.server.env.pop('OVATE_FAULT', None)
        self.world.server.start()
        self.world.wait_rows('t', range(self.sent), 120)

        def dead():
            return [int(row[0].split()[1]) for row in self.world.server.sql('SELECT "value" FROM dead')[1]]
        self.world.wait(lambda: len(dead()) >= self.poison)
        self.counter.equal('dead letters', sorted(dead()), list(range(self.poison)))
        self.world.wait_caught_up('latest')
        winners = {page_of(number): number for number in range(self.sent)}
        for published in (False, True):
            self.counter.equal('the winner of every key', dict(self.world.server.sql('SELECT page, id FROM latest')[1]), winners)
            for table in () if published else ('t', 'dead', 'latest'):
                self.world.server.request('POST', '/v1/streams/%s/publish' % table)
        self.look('end', None)
        self.world.wait_rows('t', range(self.sent))


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument('--rounds', type=int, default=int(os.environ.get('OVATE_CRASH_ROUNDS', '20')))
    words.add_argument('--seed', type=int, default=20241122)
    asked = words.parse_args()
    counter, world = Counter(), World(brokers=1)
    world.server.args += ARGS
    reading = Reading(world, counter, random.Random(asked.seed))
    try:
        world.create('t', 4)
        world.supervise('t', taskCount=2, deadLetters={'dataSource': 'dead'})
        world.supervise('t', schema={'dataSource': 'latest', 'keySpec': {'columns': ['page'], 'version': 'id'}})
        world.server.kill()
        for number in range(1, asked.rounds + 1):
            reading.round(number)
        counter.run('every message once', reading.end)
    finally:
        world.close()
    print('%d rounds (%d of them ended at a fault point), seed %d, %d messages' % (asked.rounds, reading.at_fault, asked.seed, reading.sent))
    counter.finish()


main()
