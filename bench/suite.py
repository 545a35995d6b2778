"""One workload: rows made, engines loaded, answers compared, queries timed. Gives everything as one dictionary for the report."""
import datetime
import importlib
import multiprocessing
import os
import platform
import signal
import subprocess
import sys
import time

from ovate_side import Ovate, bytes_below
from peers import install
from workloads import rows, shape

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
STATIONS = ('stations', 'clustered')
WORKLOADS = ('stations', 'clustered', 'commits', 'clickbench', 'clickbench_real', 'ssb', 'ssb_star', 'tpch')


def count(text):
    """250, 10k or 2M."""
    units = {'k': 1000, 'M': 1_000_000}
    return int(text[:-1]) * units[text[-1]] if text[-1:] in units else int(text)


def machine():
    model = 'unknown processor'
    with open('/proc/cpuinfo', encoding='utf-8') as file:
        model = next((line.split(':')[1].strip() for line in file if line.startswith('model name')), model)
    memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30
    return '%s, %d processors, %.0f GB, Linux %s' % (model, len(os.sched_getaffinity(0)), memory, platform.release())


def commit():
    """The commit of this tree, with a + when files of it were changed since."""
    def said(*words):
        return subprocess.run(['git', '-C', ROOT, *words], capture_output=True, text=True, check=False).stdout.strip()
    known = said('rev-parse', '--short=10', 'HEAD')
    return known + '+' * bool(known and said('status', '--porcelain', '--untracked-files=no', '--', '.', ':!bench/results')) or 'unknown'


def make(name, place, form):
    tables = importlib.import_module('workloads.' + name).make(place)
    return [rows.as_json(table) for table in tables] if form == 'json' else tables


def load(engines, tables, absent):
    """[(engine, facts)] of the engines that loaded; the others join `absent`."""
    loaded = []
    for engine in engines:
        try:
            took = engine.load(tables)
        except Exception as trouble:  # a peer's own failure, whatever its kind, is reported and not ours to handle
            if engine is engines[0]:
                raise
            engine.stop()
            absent.append([engine.name, ' '.join(str(trouble).split())[:300]])
            continue
        size = bytes_below(engine.path) if engine.path else 0
        print('%-14s %s, loaded in %s, %.1f MB on disk' % (engine.name, engine.version, '%.1f s' % took['seconds'] if took
                                                             else 'an earlier run', size / 1e6), flush=True)
        loaded.append((engine, dict(name=engine.name, version=engine.version, settings=engine.settings, load=took, bytes=size)))
    return loaded


def compare(engines, query):
    """'equal', or what differs; without a peer to compare with, how many rows."""
    try:
        mine = engines[0].rows(query.text('ovate', check=True))
    except RuntimeError as trouble:
        return 'FAILED: %s' % trouble
    said = []
    for peer in engines[1:]:
        if peer.dialect in query.absent:
            continue
        try:
            want = peer.rows(query.text(peer.dialect, check=True))
        except Exception as trouble:  # as above
            said.append('%s cannot: %s' % (peer.name, ' '.join(str(trouble).split())[:200]))
            continue
        trouble = shape.difference(query, want, mine)
        if trouble:
            return 'DIFFERENT from %s: %s' % (peer.name, trouble[:600])
        said.append('equal')
    cannot = [word for word in said if word != 'equal']
    return ('equal' if 'equal' in said else '%d rows' % len(mine)) + ''.join('; ' + word for word in cannot)


def busy():
    """Seconds that the processors have worked, all together."""
    with open('/proc/stat', encoding='ascii') as file:
        ticks = [int(word) for word in file.readline().split()[1:]]
    return (sum(ticks[:8]) - ticks[3] - ticks[4]) / os.sysconf('SC_CLK_TCK')


def settle():
    """Waits until the machine rests, 5 s at most: an engine that clears up after its query must not slow down the next one."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        before = busy()
        time.sleep(0.2)
        if busy() - before <= 0.01 * os.cpu_count():  # 5 % of the time
            return


def measure(engine, query, runs):
    """(first run, following runs) in seconds; ([], None) when the engine cannot. Queries of seconds are run three times."""
    if engine.dialect in query.absent:
        return None, []
    sql, times = query.text(engine.dialect), []
    try:
        while len(times) < (runs if not times or times[0] < 3 else min(runs, 3)) + 1:
            start = time.perf_counter()
            engine.run(sql)
            times.append(time.perf_counter() - start)
    except Exception:  # compare() has told what the matter is
        return None, []
    return times[0], times[1:]


def run(name, asked, folder):
    module = importlib.import_module('workloads.' + name)
    wanted_rows = asked.rows[0] if asked.rows else (module.QUICK if asked.quick else module.ROWS)
    facts = {'workload': name, 'title': module.TITLE, 'rows': wanted_rows, 'runs': asked.runs, 'date': datetime.date.today().isoformat(),
             'machine': machine(), 'commit': commit(), 'load_average': os.getloadavg()[0], 'threads': asked.threads,
             'command': 'bench/run ' + ' '.join(sys.argv[1:]), 'quick': asked.quick}
    folder = os.path.join(folder, '%s-%d' % (name, wanted_rows) + ('-json' if asked.format == 'json' else ''))
    os.makedirs(folder, exist_ok=True)
    start = time.perf_counter()
    try:
        with multiprocessing.get_context('fork').Pool(1, signal.signal, (signal.SIGTERM, signal.SIG_DFL)) as child:  # its memory would be counted with every process started later
            tables = child.apply(make, (name, shape.Place(folder, wanted_rows, asked.binary), asked.format))
    except (FileNotFoundError, ImportError) as trouble:
        print('%s is absent from this run: %s' % (module.TITLE, trouble))
        return None, folder
    facts['rows'] = sum(table.rows for table in tables)
    facts['format'], facts['file_bytes'] = asked.format, sum(os.path.getsize(table.file) for table in tables)
    print('%s: %s rows, %.0f MB of %s, made in %.1f s' % (module.TITLE, '{:,}'.format(facts['rows']), facts['file_bytes'] / 1e6, asked.format.upper(),
                                                            time.perf_counter() - start), flush=True)
    wanted = [peer for peer in asked.peers if peer not in install.ELASTIC or name in STATIONS]
    peers, facts['absent'] = install.peers(wanted, folder, asked.threads, asked.memory)
    facts['absent'] += [[peer, 'its queries are written for the stations only'] for peer in asked.peers if peer not in wanted]
    everyone = [Ovate(asked.binary, folder)] + peers
    try:
        loaded = load(everyone, tables, facts['absent'])
        for absent in facts['absent']:
            print('%s is absent from this run: %s' % tuple(absent))
        engines, facts['engines'] = [engine for engine, _ in loaded], [fact for _, fact in loaded]
        for engine in engines:
            engine.start()
        facts['queries'] = ask(module, tables, engines, asked)
        for engine, fact in loaded:
            fact['memory'] = engine.memory() if hasattr(engine, 'memory') else {}
    finally:
        for engine in everyone:
            engine.stop()
    return facts, folder


def ask(module, tables, engines, asked):
    entries = []
    for query in module.queries(tables) if hasattr(module, 'queries') else module.QUERIES:
        if asked.only and query.key not in asked.only:
            continue
        entry = {'key': query.key, 'about': query.about, 'sql': ' '.join(query.text('ovate').split()), 'first': [], 'times': [],
                 'answers': compare(engines, query)}
        if not asked.quick:
            for engine in engines:
                settle()
                first, times = measure(engine, query, asked.runs)
                entry['first'].append(first)
                entry['times'].append(times)
        best = ['%s %s' % (engine.name, '%.2f' % (min(times) * 1000) if times else 'cannot') for engine, times in zip(engines, entry['times'])]
        print('%-7s %-46s %s  %s' % (query.key, query.about[:46], '   '.join(best), entry['answers']), flush=True)
        entries.append(entry)
    return entries
