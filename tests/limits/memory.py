#!/usr/bin/env python3
"""A load stays within its task's memory: a whole day of GH Archive, all fields kept, within 256 MiB.

    memory.py [--day]        without --day a third of the day, and half of the memory
"""
import gzip
import json
import os
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'lib'))
from ovatetest import Counter, Server, sanitized, shared_folder, skip  # noqa: E402

SOURCE = os.path.join('data', 'gharchive', '2015-01-01-15.json.gz')


def write_day(folder, hours):
    """One real hour again and again, its times shifted."""
    with gzip.open(os.path.join(shared_folder(SOURCE), SOURCE)) as file:
        text = file.read()
    for hour in range(hours):
        with open(os.path.join(folder, '2015-01-01-%d.json.gz' % hour), 'wb') as file:
            file.write(gzip.compress(text.replace(b'"created_at":"2015-01-01T15:', b'"created_at":"2015-01-01T%02d:' % hour), 1))
    return text.count(b'\n') * hours


def spec(folder):
    return {'type': 'index_parallel', 'spec': {
        'dataSchema': {'dataSource': 'day', 'timestampSpec': {'column': 'created_at', 'format': 'iso'},
                       'dimensionsSpec': {'useSchemaDiscovery': True},
                       'granularitySpec': {'segmentGranularity': 'DAY', 'queryGranularity': 'NONE', 'rollup': False}},
        'ioConfig': {'type': 'index_parallel', 'inputSource': {'type': 'local', 'baseDir': folder, 'filter': '*.json.gz'},
                     'inputFormat': {'type': 'json'}},
        'tuningConfig': {'type': 'index_parallel'}}}


class Watch(threading.Thread):
    """The most anonymous memory of a process."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak, self.over = pid, 0, False

    def run(self):
        while not self.over:
            with open('/proc/%d/status' % self.pid, encoding='ascii') as file:
                self.peak = max([self.peak] + [int(line.split()[1]) << 10 for line in file if line.startswith('RssAnon')])
            time.sleep(0.02)


def main():
    if sanitized():
        skip('memory is not what it is under sanitizers')
    day = '--day' in sys.argv[1:]
    memory, hours = (256 << 20, 24) if day else (128 << 20, 8)
    counter = Counter()
    with tempfile.TemporaryDirectory(prefix='ovate-day-') as folder, Server(args=['--task-memory', str(memory), '--threads', '2']) as server:
        rows = write_day(folder, hours)
        watch = Watch(server.process.pid)
        watch.start()
        state = server.run_task(spec(folder))
        watch.over = True
        watch.join()
        counter.equal('the task ends well', (state['status'], state['errorMsg']), ('SUCCESS', None))
        own = server.get_json('/druid/indexer/v1/task/%s/reports' % state['id'])['ingestionStatsAndErrors']['payload']['ovate']
        counter.equal('every row is there', server.value('SELECT COUNT(*) FROM "day"'), rows)
        counter.equal('every hour is there', server.value('SELECT COUNT(DISTINCT TIME_FLOOR(__time, \'PT1H\')) FROM "day"'), hours)
        counter.check('charged memory stays within %d MiB' % (memory >> 20), own['peakMemoryBytes'] <= memory, own['peakMemoryBytes'])
        # Blocks being parsed and what the allocator holds free are not charged (20 to 100 MiB, by chance): the process as a whole
        # keeps to the default ceiling.
        limit = 256 << 20
        counter.check('the process stays within %d MiB' % (limit >> 20), watch.peak <= limit, watch.peak)
        print('charged %d MiB, anonymous memory of the process %d MiB, %d rows' % (own['peakMemoryBytes'] >> 20, watch.peak >> 20, rows))
        compact = {'type': 'compact', 'dataSource': 'day', 'ioConfig': {'inputSpec': {'type': 'interval', 'interval': '2015-01-01/2015-01-02'}}}
        state = server.run_task(compact)
        counter.equal('compaction ends well', (state['status'], state['errorMsg']), ('SUCCESS', None))
        own = server.get_json('/druid/indexer/v1/task/%s/reports' % state['id'])['ingestionStatsAndErrors']['payload']['ovate']
        counter.check('so does compaction', own['peakMemoryBytes'] <= memory, own['peakMemoryBytes'])
        counter.equal('and no row is lost', server.value('SELECT COUNT(*) FROM "day"'), rows)
    counter.finish()


main()
