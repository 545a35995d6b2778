#!/usr/bin/env python3
"""What else is measured beside queries: memory bandwidth and how much of it queries use, the start with many segments, small queries a
second, dashboards while rows are loaded, cold starts. Writes measures.json, which report_page.py puts into the page.

    bench/measure.py                          all of them, 10 M station rows, 10,000 segments
    bench/measure.py start roofline --rows 1M
"""
import argparse
import datetime
import json
import os
import re
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, HERE)
import suite  # noqa: E402
from ovate_side import Ovate  # noqa: E402
from peers import druid_http, install  # noqa: E402
from workloads import shape, stations  # noqa: E402

WRK = """wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = [==[%s]==]
"""


def spread(seconds):
    """Milliseconds at the usual places."""
    line = sorted(seconds)
    return {'count': len(line), **{name: 1000 * line[min(len(line) - 1, int(share * len(line)))] for name, share in
                                   (('p50', 0.5), ('p90', 0.9), ('p99', 0.99), ('max', 1))}}


def bandwidth():
    """Bytes a second that all processors read together: the largest number of an array far larger than any cache, best of seven."""
    install.venv_packages(['numpy'])
    import numpy
    cores = len(os.sched_getaffinity(0))
    arrays = [numpy.ones(1 << 26, numpy.int64) for _ in range(cores)]
    best = 0
    for _ in range(7):
        threads = [threading.Thread(target=array.max) for array in arrays]
        start = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        best = max(best, sum(array.nbytes for array in arrays) / (time.perf_counter() - start))
    return {'bytes_per_second': best, 'threads': cores}


def loaded(asked, name, rows, granularity='DAY', count=None):
    """Ovate with station rows in the folder of that name."""
    folder = os.path.join(asked.folder, name)
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, 'seoulbike.csv')
    if not os.path.exists(path):
        words = [asked.binary, 'bench', 'gen', '--rows', str(rows)] + (['--stations', str(count)] if count else [])
        with open(path + '.part', 'wb') as file:
            subprocess.run(words, stdout=file, check=True)
        os.rename(path + '.part', path)
    engine = Ovate(asked.binary, folder)
    table = shape.Table('seoulbike', path, stations.COLUMNS, time='__time', order=('stationId', '__time'), granularity=granularity, rows=rows)
    engine.load([table])
    return engine, table


def drop_cache(path):
    """Asks the kernel to forget the pages of every file below; written ones are written first."""
    for where, _, names in os.walk(path):
        for name in names:
            with open(os.path.join(where, name), 'rb') as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def first_answer(engine, sql):
    """(seconds from starting the process to the last byte of an answer, processor seconds till then, memory)."""
    start = time.perf_counter()
    engine.start()
    engine.run(sql)
    took = time.perf_counter() - start
    with open('/proc/%d/stat' % engine.process.pid, encoding='utf-8') as file:
        fields = file.read().rsplit(')', 1)[1].split()
    memory = engine.memory()
    engine.stop()
    return took, (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK'), memory


def start(asked):
    """From exec to the first answer with many segments of an hour each, pages in memory and not."""
    engine, _ = loaded(asked, 'segments-%d' % asked.segments, asked.segments * 60, 'HOUR', 1)
    sql, facts = 'SELECT COUNT(*), SUM(parkingBikeTotCnt) FROM seoulbike', {'segments': asked.segments}
    for name, cold in (('cold', True), ('warm', False)):
        runs = []
        for _ in range(5):
            if cold:
                drop_cache(engine.data)
            runs.append(first_answer(engine, sql))
        facts[name] = {'seconds': [run[0] for run in runs], 'cpu': [run[1] for run in runs], 'memory_mb': runs[-1][2]['now_mb']}
    return facts


def cold(asked):
    """The first run of each query in a server just started: pages in memory, and after they were dropped; then the best of five."""
    engine, _ = loaded(asked, 'measure-%d' % asked.rows, asked.rows)
    facts = []
    for query in stations.QUERIES:
        times = {}
        for name in ('warm', 'cold'):
            if name == 'cold':
                drop_cache(engine.data)
            engine.start()
            times[name] = suite.measure(engine, query, 5)
            engine.stop()
        facts.append({'key': query.key, 'first': times['warm'][0], 'dropped': times['cold'][0], 'best': min(times['warm'][1])})
    return facts


def roofline(asked):
    """Bytes of columns each query reads, by EXPLAIN ANALYZE, against the bandwidth measured in the same run."""
    engine, _ = loaded(asked, 'measure-%d' % asked.rows, asked.rows)
    engine.start()
    limit, facts = bandwidth()['bytes_per_second'], []
    for query in stations.QUERIES:
        lines = [row[0] for row in engine.rows('EXPLAIN ANALYZE ' + query.text('ovate'))]
        read = next(int(line.split()[2]) for line in lines if line.startswith('Bytes read: '))
        best = min(suite.measure(engine, query, 7)[1])
        facts.append({'key': query.key, 'about': query.about, 'bytes': read, 'seconds': best, 'share': read / best / limit})
    engine.stop()
    return {'rows': asked.rows, 'bytes_per_second': limit, 'queries': facts}


def serve(asked):
    """Small queries a second and how long they take, by wrk; memory before and after."""
    engine, _ = loaded(asked, 'measure-%d' % asked.rows, asked.rows)
    engine.start()
    facts, idle = {'rows': asked.rows, 'runs': []}, engine.memory()
    path, body = druid_http.Link.sql(stations.QUERIES[1].text('ovate'), 'csv')
    script = os.path.join(asked.folder, 'small.lua')
    with open(script, 'w', encoding='utf-8') as file:
        file.write(WRK % body.decode())
    for connections in (1, 16, 64):
        said = subprocess.run(['wrk', '-t1', '-c%d' % connections, '-d%ds' % asked.seconds, '--latency', '-s', script,
                               'http://127.0.0.1:%d%s' % (engine.port, path)], capture_output=True, text=True, check=True).stdout
        unit = {'us': 0.001, 'ms': 1, 's': 1000}
        places = {p: float(n) * unit[u] for p, n, u in re.findall(r'^\s+(50|90|99)%\s+([\d.]+)(us|ms|s)$', said, re.M)}
        facts['runs'].append({'connections': connections, 'per_second': float(re.search(r'Requests/sec:\s+([\d.]+)', said)[1]), 'ms': places,
                              'errors': bool(re.search('Non-2xx|Socket errors', said))})
    facts['memory'] = {'idle_mb': idle['now_mb'], 'loaded_mb': engine.memory()['now_mb'], 'peak_mb': engine.memory()['peak_mb']}
    engine.stop()
    return facts


def ingest(asked):
    """The eight queries in turn on one connection, alone and while the same server loads the same rows into another table."""
    engine, table = loaded(asked, 'measure-%d' % asked.rows, asked.rows)
    engine.start()
    spec = table.druid_spec()
    spec['spec']['dataSchema']['dataSource'] = 'arriving'
    facts, queries = {'rows': asked.rows}, [query.text('ovate') for query in stations.QUERIES]

    def turns(until):
        times = []
        while not until():
            begun = time.perf_counter()
            engine.run(queries[len(times) % len(queries)])
            times.append(time.perf_counter() - begun)
        return spread(times)

    end = time.monotonic() + 3
    facts['alone'] = turns(lambda: time.monotonic() > end)
    _, task = druid_http.call('127.0.0.1', engine.port, 'POST', '/druid/indexer/v1/task', spec)
    begun, path = time.perf_counter(), '/druid/indexer/v1/task/%s/status' % task['task']
    over = threading.Event()

    def watch():
        while druid_http.call('127.0.0.1', engine.port, 'GET', path)[1]['status']['statusCode'] == 'RUNNING':
            time.sleep(0.05)
        over.set()
    threading.Thread(target=watch, daemon=True).start()
    facts['loading'] = turns(over.is_set)
    facts['seconds'] = time.perf_counter() - begun
    druid_http.call('127.0.0.1', engine.port, 'DELETE', '/druid/coordinator/v1/datasources/arriving')
    engine.stop()
    return facts


MEASURES = {'bandwidth': lambda asked: bandwidth(), 'start': start, 'serve': serve, 'ingest': ingest, 'cold': cold, 'roofline': roofline}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('what', nargs='*', metavar='WHAT', help='of %s; all' % ', '.join(MEASURES))
    parser.add_argument('--rows', type=suite.count, default=10_000_000)
    parser.add_argument('--segments', type=int, default=10_000)
    parser.add_argument('--seconds', type=int, default=5, help='of each load by wrk')
    parser.add_argument('--folder', default=os.path.join(ROOT, 'build', 'bench'))
    parser.add_argument('--binary', default=os.environ.get('OVATE_BIN') or os.path.join(ROOT, 'build', 'release', 'ovate'))
    parser.add_argument('--out', help='folder of the results')
    asked = parser.parse_args()
    if set(asked.what) - set(MEASURES):
        parser.error('unknown: %s' % ', '.join(sorted(set(asked.what) - set(MEASURES))))
    date = datetime.date.today().isoformat()
    out = asked.out or os.path.join(HERE, 'results', date)
    os.makedirs(out, exist_ok=True)
    path, facts = os.path.join(out, 'measures.json'), {}
    if os.path.exists(path):
        with open(path, encoding='utf-8') as file:
            facts = json.load(file)
    facts.update(machine=suite.machine(), date=date)
    for name in asked.what or MEASURES:
        load = os.getloadavg()[0]
        try:
            facts[name] = {'load_average': load, 'facts': MEASURES[name](asked)}
        except FileNotFoundError as trouble:  # wrk
            print('%s is left out: %s' % (name, trouble))
            continue
        print(name, json.dumps(facts[name]), flush=True)
        with open(path, 'w', encoding='utf-8') as file:
            json.dump(facts, file, indent=1)


main()
