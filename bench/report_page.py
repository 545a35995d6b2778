#!/usr/bin/env python3
"""One page out of everything a folder of results holds, as an argument: what was asked, what came out, how it grows, how far the machine's
limit is, where Ovate is slower.

    bench/report_page.py bench/results/DATE        writes README.md and its pictures there, and each run's page and picture anew from its JSON
"""
import glob
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import pictures  # noqa: E402
import report  # noqa: E402
import report_beside  # noqa: E402

ORDER = ('stations', 'clustered', 'commits', 'clickbench', 'clickbench_real', 'ssb', 'ssb_star', 'tpch')
INSIDE = ('DuckDB', 'ClickHouse')  # the measuring process
# Five runs each in seconds, as they were published, on machines of their own: what the station queries were first asked of
PUBLISHED = {'Druid': {'a': (2.23, 0.82, 1.49, 1.19, 1.53), 'b': (1.62, 1.57, 2.49, 2.31, 0.55), 'c': (1.79, 1.63, 2.80, 1.62, 0.81),
                       'd': (1.53, 1.10, 1.76, 1.09, 1.59)},
             'Elasticsearch, text': {'a': (8.72, 4.87, 9.56, 8.39, 7.89), 'b': (10.16, 6.90, 5.36, 7.90, 6.60)}}
FOUR = {'a': 'random access', 'b': 'random access, count', 'c': 'group by', 'd': 'ranking'}


def runs_of(folder):
    """Every timed run of the folder and of folders in it, with its page's path without the suffix: by workload, rows and place."""
    runs = []
    for path in glob.glob(os.path.join(folder, '**', '*-*.json'), recursive=True):
        with open(path, encoding='utf-8') as file:
            run = json.load(file)
        if run.get('workload') in ORDER and run.get('queries') and run['queries'][0]['times']:
            runs.append((run, os.path.relpath(path, folder).removesuffix('.json')))
    return sorted(runs, key=lambda entry: (ORDER.index(entry[0]['workload']), entry[0]['rows'], entry[1].count('/'), entry[1]))


def ratios(run, peer=None):
    """[(query, how many times as fast as the faster embedded peer, or as one peer)] of every query both answered."""
    names = [engine['name'] for engine in run['engines']]
    which = [n for n, name in enumerate(names) if n and (name == peer if peer else name in INSIDE)]
    found = []
    for query in run['queries']:
        others = [min(query['times'][n]) for n in which if query['times'][n]]
        if others and query['times'][0]:
            found.append((query, min(others) / min(query['times'][0])))
    return found


def only(pairs):
    return [times for _, times in pairs]


def rows_words(count):
    return '%g M rows' % round(count / 1e6, 1) if count >= 1e5 else '{:,} rows'.format(count)


def opening(runs, measures):
    """The claim in numbers, and what stands behind them."""
    inside = [times for run, _ in runs for times in only(ratios(run))]
    out = []
    if inside:
        out += ['%d timed queries of %d runs beside DuckDB and ClickHouse: Ovate, over HTTP, takes the shortest time in %d of them, %.1f times as fast as the faster of '
                'the two in the geometric mean. The %d others are [listed](#where-ovate-is-slower).' % (
                    len(inside), sum(bool(ratios(run)) for run, _ in runs), sum(t >= 1 for t in inside), report.mean(inside), sum(t < 1 for t in inside)), '']
    machines = sorted({run['machine'] for run, _ in runs} | {entry['machine'] for entry in measures.values() if entry.get('machine')})
    return out + [
        'How to read the numbers:', '',
        '* One run is one command: it makes the rows, loads every engine, **compares all answers**, then times. A query whose answers differ fails the run.',
        '* Milliseconds to the last byte, best of five after a first run that is shown apart. Ovate, Druid and Elasticsearch answer over HTTP on one kept connection; '
        'DuckDB and ClickHouse run inside the measuring process and make no text, which favours them.',
        '* Caches of results are off everywhere.' + (' What they give is shown [apart](#caches-of-results).' if 'caches' in measures else ''),
        '* Peers have the layout that suits the queries best (sorted by what is filtered, narrow types, merged). Ovate has the defaults of a Druid table: rows in order of time, '
        'unless the workload says clustered. Versions and settings of each engine are on the page of each run.',
        '* Each page has the command that makes it, the machine, the commit and the load average at the start; the JSON beside it has every single time. '
        'Method and rows: [bench/README.md](../../README.md).', '',
        'Machines: %s.' % '; '.join(machines) if machines else '']


def summary(runs):
    out = ['', '## Everything in one table', '', 'Times as fast as the faster of DuckDB and ClickHouse: geometric mean over the queries, the least, and how many were slower; '
           'then the same against each server.', '',
           '| run | rows | commit | load average | queries | mean | least | slower | servers |', '|---|--:|---|--:|--:|--:|--:|--:|---|']
    for run, stem in runs:
        against = only(ratios(run))
        servers = []
        for engine in run['engines'][1:]:
            times = only(ratios(run, engine['name'])) if engine['name'] not in INSIDE else []
            if times:
                servers.append('%s: mean %.1f ×, least %.1f ×' % (engine['name'], report.mean(times), min(times)))
        servers += ['%s absent: %s' % (name, report.cell(reason)) for name, reason in run['absent']]
        out.append('| [%s](%s.md) | %s | %s | %.1f | %d | %s | %s | %s | %s |' % (
            run['title'], stem, '{:,}'.format(run['rows']), run.get('commit', ''), run['load_average'], len(run['queries']),
            *(('%.2f ×' % report.mean(against), '%.2f ×' % min(against), sum(r < 1 for r in against)) if against else ('', '', '')), '; '.join(servers)))
    different = ['%s %s' % (run['title'], query['key']) for run, _ in runs for query in run['queries']
                 if query['answers'].startswith(('DIFFERENT', 'FAILED'))]
    return out + ['', 'Answers were compared before anything was timed: ' + ('all equal.' if not different else '**not equal**: ' + ', '.join(different) + '.')]


def published(runs):
    """The first four station queries with all five runs, as they were published once and as they are here."""
    sizes = [(run, stem) for run, stem in runs if run['workload'] == 'stations']
    if not sizes:
        return []
    out = ['', '## The four queries it began with', '', 'A team kept readings of bike stations in Elasticsearch, the time as text (`timestamp.keyword`), where grouping and ranking ended in '
           'errors, and looked at Druid instead. It published five runs of four queries, in seconds, from machines of its own:', '',
           '| query | engine | five runs, s | mean, s |', '|---|---|---|--:|']
    for key, about in FOUR.items():
        for name, by_key in PUBLISHED.items():
            times = by_key.get(key)
            out.append('| **%s** %s | %s | %s | %s |' % (key, about, name, ' '.join('%.2f' % t for t in times) if times else 'error or out of time, all five',
                                                        '%.2f' % (sum(times) / len(times)) if times else ''))
    most = max(run['rows'] for run, _ in sizes)
    shown = [entry for entry in sizes if entry[0]['rows'] == most]
    with_druid = [entry for entry in sizes if any(engine['name'] not in ('Ovate', *INSIDE) for engine in entry[0]['engines'])]
    shown += [max(with_druid, key=lambda entry: len(entry[0]['engines']))] if with_druid and not any(entry in shown for entry in with_druid) else []
    for run, stem in shown:
        out += ['', 'The same table here, [%s](%s.md), **milliseconds**:' % (rows_words(run['rows']), stem), '',
                '| query | engine | first | five runs, ms | mean, ms |', '|---|---|--:|---|--:|']
        for query in run['queries']:
            for engine, first, times in zip(run['engines'], query['first'], query['times']):
                if query['key'] in FOUR:
                    out.append('| **%s** %s | %s | %s | %s | %s |' % (
                        query['key'], FOUR[query['key']], engine['name'], report.ms(first) if first else '',
                        ' '.join(map(report.ms, times)) if times else 'cannot', report.ms(sum(times) / len(times)) if times else ''))
    return out


def stations(runs):
    """The eight station queries at every size."""
    out = []
    for run, stem in runs:
        if run['workload'] not in ('stations', 'clustered'):
            continue
        names = [engine['name'] for engine in run['engines']]
        order = 'rows in order of time' if run['workload'] == 'stations' else 'rows clustered by station, as the peers\''
        out += ['', '### [%s](%s.md), %s' % (rows_words(run['rows']), stem, order), '',
                '| query | ' + ' | '.join(names) + ' | Ovate is |', '|---|' + '--:|' * (len(names) + 1)]
        for query in run['queries']:
            times = report.ratio(query)
            out.append('| **%s** %s | %s | %s |' % (query['key'], query['about'], ' | '.join(report.best(t) for t in query['times']),
                                                    '%.1f ×' % times if times else ''))
    return ['', '## Random access, grouping, scans', '', 'All eight station queries: a and b pick one station of 2,700, c and d count rows by station, e to h read '
            'columns of every row. Milliseconds, best of five.'] + out if out else []


def grown(runs):
    """What the picture of growth says, in words."""
    sizes = sorted((run for run, _ in runs if run['workload'] == 'stations'), key=lambda run: run['rows'])
    small, large = sizes[0], sizes[-1]
    out = ['', '## How time grows with rows', '', '![growth](growth.svg)', '', 'From %s to %s, %g times as many, best times grow by:' % (
        rows_words(small['rows']), rows_words(large['rows']), large['rows'] / small['rows']), '']
    names = [e['name'] for e in large['engines'] if e['name'] in [e['name'] for e in small['engines']]]

    def best(run, key, name):
        place = [e['name'] for e in run['engines']].index(name)
        return next((min(q['times'][place]) for q in run['queries'] if q['key'] == key and q['times'][place]), None)
    out += ['| query | ' + ' | '.join(names) + ' |', '|---|' + '--:|' * len(names)]
    for query in large['queries']:
        pairs = [(best(small, query['key'], name), best(large, query['key'], name)) for name in names]
        out.append('| **%s** %s | %s |' % (query['key'], query['about'], ' | '.join('%.3g ×' % (b / a) if a and b else '' for a, b in pairs)))
    return out


def slower(runs):
    """What a sceptic looks for: every query that a peer answers sooner."""
    lines = []
    for run, stem in runs:
        names = [engine['name'] for engine in run['engines']]
        for query in run['queries']:
            times = report.ratio(query)
            if times and times < 1:
                fastest = min((min(t), name) for t, name in zip(query['times'][1:], names[1:]) if t)
                lines.append((times, '| [%s](%s.md), %s | **%s** %s | %s | %s, %s | %.2f × |' % (
                    run['title'], stem, rows_words(run['rows']), query['key'], report.cell(query['about']), report.ms(min(query['times'][0])),
                    report.ms(fastest[0]), fastest[1], times)))
    if not lines:
        return ['', '## Where Ovate is slower', '', 'In none of the runs of this folder.']
    return ['', '## Where Ovate is slower', '', 'Every query of every run that a peer answers sooner, worst first:', '',
            '| run | query | Ovate ms | fastest peer ms | Ovate is |', '|---|---|--:|--:|--:|', *(line for _, line in sorted(lines))]


def loading(runs):
    out = ['', '## Loading, and bytes on disk', '', 'From the file to the last row that can be asked; sorting and merging of the peers are part of it. CPU and memory are those of the loading '
           'process, or of all of a server\'s.', '', '| run | engine | seconds | rows/s | CPU s | peak MB | MB on disk |', '|---|---|--:|--:|--:|--:|--:|']
    for run, stem in runs:
        for engine in run['engines']:
            took = engine['load']
            if took:
                out.append('| [%s](%s.md), %s, %s | %s | %.1f | %s | %s | %s | %.1f |' % (
                    run['title'], stem, rows_words(run['rows']), run.get('format', 'csv').upper(), engine['name'], took['seconds'],
                    '{:,.0f}'.format(run['rows'] / took['seconds']), '%.1f' % took['cpu'] if 'cpu' in took else '',
                    '%.0f' % took['peak_mb'] if 'peak_mb' in took else '', engine['bytes'] / 1e6))
    return out if out[-1][-2:] != ':|' else []


def missing(runs, measures):
    """What a whole folder has and this one has not, with the command that would make it."""
    sizes = {run['rows'] for run, _ in runs if run['workload'] == 'stations'}
    names = {engine['name'] for run, _ in runs if run['workload'] == 'stations' for engine in run['engines']}
    lacks = ['%s: `bench/run --workload %s`' % (name, name) for name in ORDER if name not in {run['workload'] for run, _ in runs}]
    lacks += ['stations at other sizes, for growth: `bench/run --workload stations --rows 1M,10M,100M`'] if len(sizes) < 2 else []
    lacks += ['%s: `bench/run --workload stations --peers duckdb,clickhouse,%s`' % (name, option) for name, option in
              (('Druid', 'druid'), ('Elasticsearch', 'elasticsearch'), ('Elasticsearch, text', 'elasticsearch-text')) if name not in names]
    lacks += ['%s: `bench/measure.py %s`' % (name, name) for name in report_beside.SECTIONS if name not in measures]
    return ['', '## What this folder does not have', '', *('* ' + line for line in lacks)] if lacks else []


def page(folder):
    """{file: text} of the page and its pictures."""
    runs, measures = runs_of(folder), report_beside.read(os.path.join(folder, 'measures.json'))
    stations_runs = [run for run, _ in runs if run['workload'] == 'stations']
    strips = [('%s, %s' % (run['title'], rows_words(run['rows'])), only(ratios(run)), report.mean(only(ratios(run)))) for run, _ in runs if ratios(run)]
    curves, files = pictures.growth(stations_runs), {}
    out = ['# Ovate beside its peers, %s' % os.path.basename(os.path.normpath(folder)), '', *opening(runs, measures)]
    if strips:
        files['ratios.svg'] = pictures.ratios(strips)
        out += ['', '![ratios](ratios.svg)', '', 'A dot is a query, the dark stroke the geometric mean of a run.']
    out += published(runs) + stations(runs)
    if curves:
        files['growth.svg'] = curves
        out += grown(runs)
    if 'roofline' in measures:
        files['roofline.svg'] = pictures.roofline(measures['roofline']['facts'])
    out += report_beside.roofline(measures) + summary(runs) + slower(runs) + loading(runs) + report_beside.others(measures) + missing(runs, measures)
    return {**files, 'README.md': '\n'.join([*out, ''])}


def write(folder):
    for name, text in page(folder).items():
        with open(os.path.join(folder, name), 'w', encoding='utf-8') as file:
            file.write(text)
    print('written: ' + os.path.relpath(os.path.join(folder, 'README.md')))


if __name__ == '__main__':
    if len(sys.argv) != 2 or not os.path.isdir(sys.argv[1]):
        sys.exit(__doc__)
    for one, path in runs_of(sys.argv[1]):
        report.write(one, os.path.dirname(os.path.join(sys.argv[1], path)))
    write(sys.argv[1])
