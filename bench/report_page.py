#!/usr/bin/env python3
"""One page out of everything a folder of results holds: what was asked, what came out, how it grows, how far the machine's limit is.

    bench/report_page.py bench/results/DATE        writes README.md, growth.svg and roofline.svg there
"""
import glob
import json
import math
import os
import sys
from xml.sax.saxutils import escape

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import report  # noqa: E402

ORDER = ('stations', 'clustered', 'commits', 'clickbench', 'ssb', 'ssb_star', 'tpch')


def runs_of(folder):
    """Every run by workload and rows; the file names say both."""
    runs = []
    for path in glob.glob(os.path.join(folder, '*-*.json')):
        with open(path, encoding='utf-8') as file:
            run = json.load(file)
        if run.get('workload') in ORDER and run.get('queries') and run['queries'][0]['times']:
            runs.append((run, os.path.basename(path)[:-5]))
    return sorted(runs, key=lambda entry: (ORDER.index(entry[0]['workload']), entry[0]['rows']))


def ratios(run, peer=None):
    """How many times as fast as the faster embedded peer, or as one peer, for every query both answered."""
    names = [engine['name'] for engine in run['engines']]
    which = [n for n, name in enumerate(names) if n and (name == peer if peer else name in ('DuckDB', 'ClickHouse'))]
    found = []
    for query in run['queries']:
        others = [min(query['times'][n]) for n in which if query['times'][n]]
        if others and query['times'][0]:
            found.append(min(others) / min(query['times'][0]))
    return found


def summary(runs):
    out = ['## In one table', '', 'Times as fast as the faster of DuckDB and ClickHouse, both inside the measuring process, Ovate over HTTP: geometric '
           'mean over the queries, the least, and how many were slower. Then the same against each server.', '',
           '| workload | rows | load average | queries | mean | least | slower | servers |', '|---|--:|--:|--:|--:|--:|--:|---|']
    for run, stem in runs:
        against = ratios(run)
        servers = []
        for engine in run['engines'][1:]:
            times = ratios(run, engine['name']) if engine['name'] not in ('DuckDB', 'ClickHouse') else []
            if times:
                servers.append('%s: mean %.1f ×, least %.1f ×' % (engine['name'], report.mean(times), min(times)))
        out.append('| [%s](%s.md) | %s | %.1f | %d | %s | %s | %s | %s |' % (
            run['title'], stem, '{:,}'.format(run['rows']), run['load_average'], len(run['queries']),
            *(('%.2f ×' % report.mean(against), '%.2f ×' % min(against), sum(r < 1 for r in against)) if against else ('', '', '')),
            '; '.join(servers) or '; '.join('%s absent: %s' % tuple(a) for a in run['absent'])))
    different = ['%s %s' % (run['title'], query['key']) for run, _ in runs for query in run['queries']
                 if query['answers'].startswith(('DIFFERENT', 'FAILED'))]
    return out + ['', 'Answers were compared before anything was timed: ' + ('all equal.' if not different else 'not equal: ' + ', '.join(different))]


def seed_table(runs):
    """The eight station queries at every size, as the first table of the project had them."""
    out = []
    for run, _ in runs:
        if run['workload'] != 'stations':
            continue
        names = [engine['name'] for engine in run['engines']]
        out += ['', '### %s station rows, milliseconds, best of %d' % ('{:,}'.format(run['rows']), run['runs']), '',
                '| | ' + ' | '.join(names) + ' | Ovate is |', '|---|' + '--:|' * (len(names) + 1)]
        for query in run['queries']:
            times = report.ratio(query)
            out.append('| %s %s | %s | %s |' % (query['key'], query['about'], ' | '.join(report.best(t) for t in query['times']),
                                                '%.1f ×' % times if times else ''))
    return ['', '## Random access, grouping, scans'] + out if out else []


def loading(runs):
    out = ['', '## Loading', '', '| workload | engine | rows/s | CPU s | peak MB | MB on disk |', '|---|---|--:|--:|--:|--:|']
    for run, _ in runs:
        for engine in run['engines']:
            took = engine['load']
            if took:
                out.append('| %s, %s, %s | %s | %s | %s | %s | %.1f |' % (
                    run['title'], '{:,}'.format(run['rows']), run.get('format', 'csv').upper(), engine['name'],
                    '{:,.0f}'.format(run['rows'] / took['seconds']), '%.1f' % took['cpu'] if 'cpu' in took else '',
                    '%.0f' % took['peak_mb'] if 'peak_mb' in took else '', engine['bytes'] / 1e6))
    return out if len(out) > 6 else []


def others(measures):
    """Sentences and tables of measure.py's numbers."""
    out, facts = [], {name: entry['facts'] for name, entry in measures.items() if isinstance(entry, dict)}
    busy = {name: entry['load_average'] for name, entry in measures.items() if isinstance(entry, dict)}
    if 'start' in facts:
        s = facts['start']
        out += ['', '## Start', '', 'From exec to the last byte of the first answer over all of %s segments (load average %.1f): %.2f s with pages in memory, %.2f s '
                'after they were dropped; %.2f s of processor time; %.0f MB resident.' % (
                    '{:,}'.format(s['segments']), busy['start'], min(s['warm']['seconds']), min(s['cold']['seconds']), min(s['warm']['cpu']),
                    s['warm']['memory_mb'])]
    if 'serve' in facts:
        out += ['', '## Small queries', '', 'Query b by wrk, %s rows, load average %.1f; memory %.0f MB idle, %.0f MB after.' % (
            '{:,}'.format(facts['serve']['rows']), busy['serve'], facts['serve']['memory']['idle_mb'], facts['serve']['memory']['loaded_mb']), '',
                '| connections | a second | p50 ms | p90 ms | p99 ms |', '|--:|--:|--:|--:|--:|']
        out += ['| %d | %s | %.3f | %.2f | %.2f |' % (r['connections'], '{:,.0f}'.format(r['per_second']), r['ms']['50'], r['ms']['90'], r['ms']['99'])
                for r in facts['serve']['runs']]
    if 'ingest' in facts:
        f = facts['ingest']
        out += ['', '## Dashboards while rows are loaded', '', 'The eight queries in turn on one connection (load average %.1f): alone p50 %.2f ms, p99 %.1f ms; while the '
                'server loads %s rows in %.1f s p50 %.2f ms, p99 %.1f ms.' % (busy['ingest'], f['alone']['p50'], f['alone']['p99'], '{:,}'.format(f['rows']),
                                                                              f['seconds'], f['loading']['p50'], f['loading']['p99'])]
    if 'cold' in facts:
        out += ['', '## First queries, milliseconds', '', '| query | first after a start | first after the page cache was dropped | best of five |', '|---|--:|--:|--:|']
        out += ['| %s | %s | %s | %s |' % (q['key'], report.ms(q['first']), report.ms(q['dropped']), report.ms(q['best'])) for q in facts['cold']]
    if 'roofline' in facts:
        r = facts['roofline']
        out += ['', '## The roofline', '', 'Bytes of columns that a query reads (EXPLAIN ANALYZE), over its best time to the last byte of the answer, against %.1f GB/s, which all '
                'processors together read from memory in the same run (%s rows, load average %.1f). Zero bytes: answered from indexes and sums of '
                'blocks. Above 100 %%: blocks that come round are stored once and stay in cache.' % (
                    r['bytes_per_second'] / 1e9, '{:,}'.format(r['rows']), busy['roofline']), '',
                '| query | MB read | ms | GB/s | of the bandwidth |', '|---|--:|--:|--:|--:|']
        out += ['| %s %s | %.1f | %s | %.2f | %.0f %% |' % (q['key'], q['about'], q['bytes'] / 1e6, report.ms(q['seconds']), q['bytes'] / q['seconds'] / 1e9,
                                                         100 * q['share']) for q in r['queries']]
        out += ['', '![roofline](roofline.svg)']
    return out


def frame(width, height):
    return ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">' % (width, height),
            '<rect width="100%" height="100%" fill="white"/>']


def growth(runs):
    """Time against rows, a panel a query, both logarithmic, a line an engine; None with fewer than two sizes."""
    sizes = [run for run, _ in runs if run['workload'] == 'stations']
    if len(sizes) < 2:
        return None
    names = list(dict.fromkeys(engine['name'] for run in sizes for engine in run['engines']))
    lines = {}
    for run in sizes:
        for query in run['queries']:
            for engine, times in zip(run['engines'], query['times']):
                if times:
                    lines.setdefault(query['key'], {}).setdefault(engine['name'], []).append((run['rows'], min(times)))
    seen = [t for by_name in lines.values() for points in by_name.values() for _, t in points]
    low, high = math.floor(math.log10(min(seen))), math.ceil(math.log10(max(seen)))
    first, last = (math.log10(sizes[n]['rows']) for n in (0, -1))
    out = frame(960, 500)
    for n, name in enumerate(names):
        out.append('<rect x="%d" y="10" width="12" height="12" fill="%s"/><text x="%d" y="21">%s</text>' % (
            20 + n * 130, report.COLOURS[n % len(report.COLOURS)], 38 + n * 130, escape(name)))
    for number, (key, by_name) in enumerate(lines.items()):
        left, top, wide, tall = 50 + number % 4 * 230, 50 + number // 4 * 225, 170, 170
        out += ['<rect x="%d" y="%d" width="%d" height="%d" fill="none" stroke="#bbb"/>' % (left, top, wide, tall),
                '<text x="%d" y="%d" font-weight="bold">%s</text>' % (left + 4, top - 4, escape(key))]
        for power in range(low, high + 1):
            y = top + tall - (power - low) / (high - low) * tall
            out.append('<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="#eee"/><text x="%d" y="%.1f" text-anchor="end" font-size="9">%g ms</text>' % (
                left, y, left + wide, y, left - 3, y + 3, 10.0 ** power * 1000))
        for run in sizes:
            x = left + (math.log10(run['rows']) - first) / (last - first) * wide
            out.append('<text x="%.1f" y="%d" text-anchor="middle" font-size="9">%g M</text>' % (x, top + tall + 12, run['rows'] / 1e6))
        for name, points in by_name.items():
            colour = report.COLOURS[names.index(name) % len(report.COLOURS)]
            places = [(left + (math.log10(rows) - first) / (last - first) * wide, top + tall - (math.log10(t) - low) / (high - low) * tall)
                      for rows, t in points]
            out.append('<polyline fill="none" stroke="%s" stroke-width="2" points="%s"/>' % (colour, ' '.join('%.1f,%.1f' % p for p in places)))
            out += ['<circle cx="%.1f" cy="%.1f" r="2.5" fill="%s"/>' % (*p, colour) for p in places]
    return '\n'.join(out + ['</svg>', ''])


def roofline(facts):
    """Bars of bytes a second, and a line where memory ends."""
    limit = facts['bytes_per_second']
    rates = [q['bytes'] / q['seconds'] for q in facts['queries']]
    most = max([limit, *rates]) * 1.05
    out = frame(860, 60 + 26 * len(rates))
    for number, (query, rate) in enumerate(zip(facts['queries'], rates)):
        top = 40 + number * 26
        out.append('<text x="200" y="%d" text-anchor="end">%s %s</text><rect x="210" y="%d" width="%.1f" height="16" fill="%s"/><text x="%.1f" y="%d">%.2f GB/s</text>' % (
            top + 13, query['key'], escape(query['about'][:30]), top, max(1, rate / most * 560), report.COLOURS[0], 216 + rate / most * 560, top + 13, rate / 1e9))
    x = 210 + limit / most * 560
    return '\n'.join(out + ['<line x1="%.1f" y1="30" x2="%.1f" y2="%d" stroke="#c62828" stroke-width="2"/><text x="%.1f" y="24" text-anchor="middle" fill="#c62828">'
                            'memory: %.1f GB/s</text>' % (x, x, 45 + 26 * len(rates), x, limit / 1e9), '</svg>', ''])


def main():
    folder = sys.argv[1] if len(sys.argv) == 2 else sys.exit(__doc__)
    runs, measures = runs_of(folder), {}
    if os.path.exists(os.path.join(folder, 'measures.json')):
        with open(os.path.join(folder, 'measures.json'), encoding='utf-8') as file:
            measures = json.load(file)
    out = ['# Ovate beside its peers, %s' % os.path.basename(os.path.normpath(folder)), '']
    if runs:
        out += [runs[0][0]['machine'] + '. Every table is made by the command on its page; method and rows: [bench/README.md](../../README.md).', '']
        out += summary(runs) + seed_table(runs)
    curves = growth(runs)
    pictures = {'growth.svg': curves} if curves else {}
    if curves:
        out += ['', '## How time grows with rows', '', '![growth](growth.svg)']
    out += loading(runs) + others(measures)
    if 'roofline' in measures:
        pictures['roofline.svg'] = roofline(measures['roofline']['facts'])
    pictures['README.md'] = '\n'.join(out + [''])
    for name, text in pictures.items():
        with open(os.path.join(folder, name), 'w', encoding='utf-8') as file:
            file.write(text)
    print('written: ' + os.path.join(folder, 'README.md'))


main()
