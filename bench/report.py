"""A run's numbers as a Markdown page and a picture."""
import json
import math
import os
from xml.sax.saxutils import escape

COLOURS = ['#1565c0', '#ef6c00', '#6a1b9a', '#2e7d32']


def ms(seconds):
    value = seconds * 1000
    return '%.3f' % value if value < 1 else '%.2f' % value if value < 10 else '%.1f' % value if value < 100 else '%.0f' % value


def best(times):
    return ms(min(times)) if times else 'cannot'


def ratio(query):
    """How many times faster than the faster peer, None without one."""
    others = [min(times) for times in query['times'][1:] if times]
    return min(others) / min(query['times'][0]) if others and query['times'][0] else None


def mean(ratios):
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def markdown(run, picture):
    names = [engine['name'] for engine in run['engines']]
    out = ['# %s, %s rows, %s' % (run['title'], '{:,}'.format(run['rows']), run['date']), '',
           '%s, load average %.2f at the start.' % (run['machine'], run['load_average']), '', '    ' + run['command'], '',
           '| engine | version | settings | load s | rows/s | CPU s | peak MB | MB on disk |', '|---|---|---|--:|--:|--:|--:|--:|']
    for e in run['engines']:
        took = e['load']
        load = ('%.1f' % took['seconds'], '{:,.0f}'.format(run['rows'] / took['seconds']), '%.1f' % took['cpu'] if took.get('cpu') else '',
                '%.0f' % took['peak_mb'] if took.get('peak_mb') else '') if took else ('kept', '', '', '')
        out.append('| %s | %s | %s | %s | %s | %s | %s | %.1f |' % (e['name'], e['version'], e['settings'], *load, e['bytes'] / 1e6))
    out += [''] + ['%s is absent: %s.' % tuple(absent) for absent in run['absent']]
    out += ['', 'Milliseconds, best of %d after one first run; median beside it. Answers were compared first and are equal '
            'unless the last column says otherwise.' % run['runs'], '',
            '| query | ' + ' | '.join('%s best | median' % n for n in names) + ' | Ovate is | answers |',
            '|---|' + '--:|--:|' * len(names) + '--:|---|']
    ratios = []
    for q in run['queries']:
        cells = ['%s | %s' % (best(t), ms(sorted(t)[len(t) // 2]) if t else '') for t in q['times']]
        times = ratio(q)
        ratios += [times] if times else []
        out.append('| **%s** %s | %s | %s | %s |' % (q['key'], q['about'].replace('|', ' '), ' | '.join(cells),
                                                     '%.2f ×' % times if times else '', q['answers'].replace('|', ' ')))
    if ratios:
        out += ['', 'Geometric mean %.2f × the faster peer, least %.2f ×, %d of %d slower than it.' % (
            mean(ratios), min(ratios), sum(r < 1 for r in ratios), len(ratios))]
    out += ['', 'First runs, milliseconds: ' + '; '.join(
        '%s %s' % (n, ', '.join('%s %s' % (q['key'], ms(q['first'][i])) for q in run['queries'] if q['first'][i])) for i, n in enumerate(names))]
    out += ['', 'Memory after the queries: ' + ', '.join('%s %.0f MB' % (e['name'], e['memory']['now_mb']) for e in run['engines']
                                                        if e.get('memory')) + '.', '', '![times](%s)' % picture, '']
    return '\n'.join(out)


def write(run, folder):
    """The run's JSON, page and picture."""
    os.makedirs(folder, exist_ok=True)
    stem = os.path.join(folder, '%s-%d' % (run['workload'], run['rows']))
    for suffix, text in (('.json', json.dumps(run, indent=1, ensure_ascii=False) + '\n'), ('.svg', svg(run)),
                         ('.md', markdown(run, os.path.basename(stem) + '.svg'))):
        with open(stem + suffix, 'w', encoding='utf-8') as file:
            file.write(text)
    print('written: %s.md' % os.path.relpath(stem))


def svg(run):
    """Horizontal bars on a logarithmic scale, one group a query."""
    names = [engine['name'] for engine in run['engines']]
    bests = [[min(t) if t else None for t in q['times']] for q in run['queries']]
    seen = [seconds for times in bests for seconds in times if seconds]
    low, high = math.floor(math.log10(min(seen))), math.ceil(math.log10(max(seen)))
    left, width, bar = 210, 640, 13
    group = bar * len(names) + 12
    height = 60 + group * len(bests) + 30
    place = lambda s: left + (math.log10(s) - low) / (high - low) * width  # noqa: E731
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">'
           % (left + width + 90, height), '<rect width="100%" height="100%" fill="white"/>',
           '<text x="10" y="20" font-size="15">%s, %s rows: time to the last byte, best of %d (log scale, shorter is better)</text>'
           % (escape(run['title']), '{:,}'.format(run['rows']), run['runs'])]
    for i, name in enumerate(names):
        out.append('<rect x="%d" y="30" width="12" height="12" fill="%s"/><text x="%d" y="41">%s</text>' % (
            left + i * 130, COLOURS[i % len(COLOURS)], left + 18 + i * 130, escape(name)))
    for power in range(low, high + 1):
        x, label = place(10.0 ** power), '%g ms' % (10.0 ** power * 1000) if power < 0 else '%g s' % 10.0 ** power
        out.append('<line x1="%.1f" y1="52" x2="%.1f" y2="%d" stroke="#ddd"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>'
                   % (x, x, height - 26, x, height - 10, label))
    for i, (query, times) in enumerate(zip(run['queries'], bests)):
        top = 60 + i * group
        out.append('<text x="%d" y="%.1f" text-anchor="end">%s  %s</text>' % (
            left - 8, top + group / 2, query['key'], escape(query['about'][:34])))
        for j, seconds in enumerate(times):
            if not seconds:
                continue
            out.append('<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/><text x="%.1f" y="%d" font-size="10">%s</text>' % (
                left, top + j * bar, max(1.0, place(seconds) - left), bar - 2, COLOURS[j % len(COLOURS)],
                place(seconds) + 4, top + j * bar + 10, ms(seconds)))
    return '\n'.join(out + ['</svg>', ''])
