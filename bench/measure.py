#!/usr/bin/env python3
"""What else is measured beside queries: memory bandwidth and how much of it queries use, the start with many segments, small queries a
second, dashboards while rows are loaded, cold starts, and what caches of results give, which every other number does without. Writes
measures.json, which report_page.py puts into the page: each measure with its own date, commit and command; those that were not run stay.

    bench/measure.py                          all of them, 10 M station rows, 10,000 segments
    bench/measure.py start roofline --rows 1M
"""
import argparse
import contextlib
import datetime
import json
import os
import re
import signal
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
from peers.processes import die_with_parent, spent  # noqa: E402
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
            subprocess.run(words, stdout=file, check=True, preexec_fn=die_with_parent)
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


@contextlib.contextmanager
def serving(engine, caches=False):
    """A server for as long as the block lasts, however that ends."""
    try:
        engine.start(caches)
        yield engine
    finally:
        engine.stop()


def first_answer(engine, sql):
    """(seconds from starting the process to the last byte of an answer, processor seconds till then, memory)."""
    begun = time.perf_counter()
    with serving(engine):
        engine.run(sql)
        return time.perf_counter() - begun, spent(engine.process.pid), engine.memory()


def start(asked):
    """From exec to the first answer with many segments of an hour each, pages in memory and not."""
    engine, _ = loaded(asked, 'segments-%d' % asked.segments, asked.segments * 60, 'HOUR', 1)
    sql, facts = 'SELECT COUNT(*), SUM(parkingBikeTotCnt) FROM seoulbike', {'segments': asked.segments}
    for name in ('cold', 'warm'):
        runs = []
        for _ in range(5):
            if name == 'cold':
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
            with serving(engine):
                times[name] = suite.measure(engine, query, 5)
        facts.append({'key': query.key, 'about': query.about, 'first': times['warm'][0], 'dropped': times['cold'][0], 'best': min(times['warm'][1])})
    return {'rows': asked.rows, 'queries': facts}


def caches(asked):
    """Best of seven with the caches of results off, and on as they are by default (the first run fills them)."""
    engine, _ = loaded(asked, 'measure-%d' % asked.rows, asked.rows)
    bests = []
    for wanted in (False, True):
        with serving(engine, wanted):
            bests.append([min(suite.measure(engine, query, 7)[1]) for query in stations.QUERIES])
    return {'rows': asked.rows, 'queries': [{'key': query.key, 'about': query.about, 'off': off, 'on': on}
                                            for query, off, on in zip(stations.QUERIES, *bests)]}


def roofline(asked):
    """Bytes of columns each query reads, by EXPLAIN ANALYZE, against the bandwidth measured in the same run."""
    engine, _ = loaded(asked, 'measure-%d' % asked.rows, asked.rows)
    limit, facts = bandwidth()['bytes_per_second'], []
    with serving(engine):
        for query in stations.QUERIES:
            lines = [row[0] for row in engine.rows('EXPLAIN ANALYZE ' + query.text('ovate'))]
            read = next(int(line.split()[2]) for line in lines if line.startswith('Bytes read: '))
            best = min(suite.measure(engine, query, 7)[1])
            facts.append({'key': query.key, 'about': query.about, 'bytes': read, 'seconds': best, 'share': read / best / limit})
    return {'rows': asked.rows, 'bytes_per_second': limit, 'queries': facts}


def wrk(asked, engine, path, script, connections):
    """One load by wrk: answers a second, how long they take, whether any failed."""
    said = subprocess.run(['wrk', '-t1', '-c%d' % connections, '-d%ds' % asked.seconds, '--latency', '-s', script,
                           'http://127.0.0.1:%d%s' % (engine.port, path)], capture_output=True, text=True, check=True, preexec_fn=die_with_parent).stdout
    unit = {'us': 0.001, 'ms': 1, 's': 1000}
    places = {p: float(n) * unit[u] for p, n, u in re.findall(r'^\s+(50|90|99)%\s+([\d.]+)(us|ms|s)$', said, re.M)}
    return {'connections': connections, 'per_second': float(re.search(r'Requests/sec:\s+([\d.]+)', said)[1]), 'ms': places,
            'errors': bool(re.search('Non-2xx|Socket errors', said))}


def serve(asked):
    """Small queries a second and how long they take, by wrk; memory before and after."""
    install.commands('wrk')
    engine, _ = loaded(asked, 'measure-%d' % asked.rows, asked.rows)
    with serving(engine):
        idle = engine.memory()
        path, body = engine.link.sql(stations.QUERIES[1].text('ovate'), 'csv')
        script = os.path.join(asked.folder, 'small.lua')
        with open(script, 'w', encoding='utf-8') as file:
            file.write(WRK % body.decode())
        runs = [wrk(asked, engine, path, script, connections) for connections in (1, 16, 64)]
        after = engine.memory()
    return {'rows': asked.rows, 'runs': runs, 'memory': {'idle_mb': idle['now_mb'], 'loaded_mb': after['now_mb'], 'peak_mb': after['peak_mb']}}


def turns(engine, queries, over):
    """The queries in turn on one connection until it is over; how long they took."""
    times = []
    while not over():
        begun = time.perf_counter()
        engine.run(queries[len(times) % len(queries)])
        times.append(time.perf_counter() - begun)
    return spread(times)


def ingest(asked):
    """The eight queries in turn on one connection, alone and while the same server loads the same rows into another table; its memory."""
    engine, table = loaded(asked, 'measure-%d' % asked.rows, asked.rows)
    spec = table.druid_spec()
    spec['spec']['dataSchema']['dataSource'] = 'arriving'
    facts, queries = {'rows': asked.rows}, [query.text('ovate') for query in stations.QUERIES]
    with serving(engine):
        facts['memory'] = {'idle_mb': engine.memory()['now_mb']}
        end = time.monotonic() + 3
        facts['alone'] = turns(engine, queries, lambda: time.monotonic() > end)
        facts['memory']['queried_mb'] = engine.memory()['now_mb']
        _, task = druid_http.call('127.0.0.1', engine.port, 'POST', '/druid/indexer/v1/task', spec)
        begun, path = time.perf_counter(), '/druid/indexer/v1/task/%s/status' % task['task']
        over, states = threading.Event(), []

        def watch():
            while not states or states[-1] == 'RUNNING':
                states.append(druid_http.call('127.0.0.1', engine.port, 'GET', path)[1]['status']['statusCode'])
                time.sleep(0.05)
            over.set()
        threading.Thread(target=watch, daemon=True).start()
        facts['loading'] = turns(engine, queries, over.is_set)
        facts['seconds'] = time.perf_counter() - begun
        facts['memory']['peak_mb'] = engine.memory()['peak_mb']
        if states[-1] != 'SUCCESS' or engine.rows('SELECT COUNT(*) FROM arriving') != [[asked.rows]]:
            raise RuntimeError('the rows did not arrive: %s' % states[-1])
        druid_http.call('127.0.0.1', engine.port, 'DELETE', '/druid/coordinator/v1/datasources/arriving')
    return facts


MEASURES = {'bandwidth': lambda asked: bandwidth(), 'start': start, 'serve': serve, 'ingest': ingest, 'cold': cold, 'caches': caches,
            'roofline': roofline}


def kept(path):
    """What the file holds already. Measures of the time when all of a file had one date get that."""
    if not os.path.exists(path):
        return {}
    with open(path, encoding='utf-8') as file:
        facts = json.load(file)
    together = {key: facts.pop(key) for key in ('date', 'machine') if key in facts}
    return {name: {**together, **entry} for name, entry in facts.items()}


def keep(path, facts):
    with open(path + '.part', 'w', encoding='utf-8') as file:
        json.dump(facts, file, indent=1)
        file.write('\n')
    os.replace(path + '.part', path)


def words():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('what', nargs='*', metavar='WHAT', help='of %s; all' % ', '.join(MEASURES))
    parser.add_argument('--rows', type=suite.count, default=10_000_000)
    parser.add_argument('--segments', type=int, default=10_000)
    parser.add_argument('--seconds', type=int, default=5, help='of each load by wrk')
    parser.add_argument('--folder', default=os.path.join(ROOT, 'build', 'bench'))
    parser.add_argument('--binary', default=os.environ.get('OVATE_BIN') or os.path.join(ROOT, 'build', 'release', 'ovate'))
    parser.add_argument('--out', help='folder of the results; results/<date> beside this file')
    asked = parser.parse_args()
    if set(asked.what) - set(MEASURES):
        parser.error('unknown: %s' % ', '.join(sorted(set(asked.what) - set(MEASURES))))
    if not os.access(asked.binary, os.X_OK):
        sys.exit('bench/measure.py: no binary at %s: cmake --preset release && cmake --build --preset release' % asked.binary)
    return asked


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit('bench/measure.py was ended'))  # servers are stopped on this way out too
    asked, date = words(), datetime.date.today().isoformat()
    out = asked.out or os.path.join(HERE, 'results', date)
    os.makedirs(out, exist_ok=True)
    path, left_out = os.path.join(out, 'measures.json'), []
    for name in asked.what or MEASURES:
        load = os.getloadavg()[0]
        try:
            found = MEASURES[name](asked)
        except FileNotFoundError as trouble:  # a program that is not there
            left_out.append(name)
            print('%s is left out: %s' % (name, trouble))
            continue
        entry = {'date': date, 'machine': suite.machine(), 'commit': suite.commit(),
                 'command': ' '.join(['bench/measure.py', *sys.argv[1:]]), 'load_average': load, 'facts': found}
        print(name, json.dumps(entry), flush=True)
        keep(path, {**kept(path), name: entry})
    if left_out:
        sys.exit('left out: ' + ', '.join(left_out))


if __name__ == '__main__':
    main()
