#!/usr/bin/env python3
"""Rows from Kafka: how many a second are read, stored durably and queryable, from a topic that is full already.

    bench/kafka.py [--rows 10000000] [--partitions 4] [--tasks 2] [--codec lz4] [--declared] [--druid] [--ovate BIN]

One broker on loopback with the rows of tests/kafka/Client.java (eight columns, about 140 bytes of JSON); while it is filled
nothing is read. --declared names the columns in a dimensionsSpec, otherwise they are found in the rows. CPU time of both processes is
shown, because the broker takes its share of the machine. --druid: Apache Druid's Kafka ingestion reads the same topic
afterwards, with as many tasks; its services are those of bench/run (peers/druid.py) and the extension from Maven Central. Timed from the
moment its supervisor is accepted and, apart, from the moment the first rows can be queried.
"""
import argparse
import os
import shutil
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, 'tests', 'lib'), os.path.join(ROOT, 'tests', 'kafka'), os.path.join(ROOT, 'bench')]
from cluster import Cluster  # noqa: E402
from ovatetest import Server  # noqa: E402
from peers import druid, druid_http, install  # noqa: E402

COLUMNS = [{'type': 'long', 'name': 'id'}, 'user', 'page', 'country', {'type': 'long', 'name': 'ms'}, {'type': 'long', 'name': 'ok'}, 'agent']


def cpu(process):
    """Seconds of user and system time."""
    with open('/proc/%d/stat' % process.pid, encoding='ascii') as file:
        fields = file.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def memory(process):
    with open('/proc/%d/status' % process.pid, encoding='ascii') as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith('VmHWM'))


def document(cluster, asked):
    dimensions = {'dimensions': COLUMNS} if asked.declared else {'useSchemaDiscovery': True}
    return {'type': 'kafka', 'spec': {
        'dataSchema': {'dataSource': 'rows', 'timestampSpec': {'column': 'time', 'format': 'millis'}, 'dimensionsSpec': dimensions,
                       'granularitySpec': {'segmentGranularity': 'DAY', 'rollup': False}},
        'ioConfig': {'topic': 'rows', 'consumerProperties': {'bootstrap.servers': cluster.servers()}, 'useEarliestOffset': True,
                     'taskCount': asked.tasks, 'inputFormat': {'type': 'json'}},
        'tuningConfig': {'type': 'kafka'}}}


def measure(cluster, asked):
    server = Server()
    broker = cluster.brokers[0].process
    server.post('/druid/indexer/v1/supervisor', document(cluster, asked))
    start, used, broker_used, seen = time.monotonic(), cpu(server.process), cpu(broker), 0
    while seen < asked.rows:
        time.sleep(0.1)
        if server.get_json('/v1/streams'):
            seen = server.get_json('/v1/streams')[0]['rows']
    took = time.monotonic() - start
    rows, total = server.sql('SELECT COUNT(*), SUM(id) FROM rows')[1][0]
    good = (rows, total) == (asked.rows, asked.rows * (asked.rows - 1) // 2)
    print('%d rows in %.1f s: %d rows/s; each once: %s' % (rows, took, rows / took, good))
    used, broker_used = cpu(server.process) - used, cpu(broker) - broker_used
    print('  CPU: ovate %.1f s (%d rows a CPU second), the broker %.1f s; peak memory %.0f MiB' % (
        used, rows / used, broker_used, memory(server.process)))
    server.close()


def counted(host, port):
    """(rows, sum of their ids) that Druid shows."""
    question = {'query': 'SELECT COUNT(*), SUM(id) FROM "rows"', 'resultFormat': 'array', 'context': druid_http.UNCACHED}
    status, answer = druid_http.call(host, port, 'POST', '/druid/v2/sql', question)
    return tuple(answer[0]) if status == 200 and answer else (0, 0)


def measure_druid(cluster, asked):
    folder = tempfile.mkdtemp(prefix='ovate-bench-')
    peer = druid.Druid(folder, asked.tasks, None, install.cache(), [druid.KAFKA])
    try:
        peer.serve()
        broker = peer.ports['broker']
        status, answer = druid_http.call('127.0.0.1', peer.ports['router'], 'POST', '/druid/indexer/v1/supervisor', document(cluster, asked))
        if status != 200:
            raise RuntimeError('the supervisor was refused: %s' % str(answer)[:300])
        start, first, seen = time.monotonic(), None, (0, 0)
        while seen[0] < asked.rows and time.monotonic() - start < 1800:
            time.sleep(0.5)
            seen = counted('127.0.0.1', broker)
            if seen[0] and not first:
                first, first_rows = time.monotonic(), seen[0]
        took, reading = time.monotonic() - start, time.monotonic() - (first or start)
        good = seen == (asked.rows, asked.rows * (asked.rows - 1) // 2)
        print('Druid %s: %d rows in %.1f s: %d rows/s; since its first rows were seen %d rows/s; each once: %s' % (
            druid.VERSION, seen[0], took, seen[0] / took, (seen[0] - first_rows) / reading if first else 0, good))
        print('  peak memory %.0f MiB' % peer.memory()['peak_mb'])
    finally:
        peer.stop()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument('--rows', type=int, default=10_000_000)
    words.add_argument('--partitions', type=int, default=4)
    words.add_argument('--tasks', type=int, default=2)
    words.add_argument('--codec', default='lz4')
    words.add_argument('--declared', action='store_true')
    words.add_argument('--repeat', type=int, default=1)
    words.add_argument('--druid', action='store_true')
    words.add_argument('--ovate')
    asked = words.parse_args()
    if asked.ovate:
        os.environ['OVATE_BIN'] = asked.ovate
    with Cluster(heap='1g') as cluster:
        cluster.ask('create rows %d 1' % asked.partitions)
        cluster.ask('produce rows 0 %d %s 0' % (asked.rows, asked.codec))
        print('%d rows in %d partitions, %s, load of the machine %.1f' % (asked.rows, asked.partitions, asked.codec, os.getloadavg()[0]))
        for _ in range(asked.repeat):
            measure(cluster, asked)
        if asked.druid:
            measure_druid(cluster, asked)


main()
