"""A run's numbers as a Markdown page and a picture."""
import math
from xml.sax.saxutils import escape

COLOURS = ['#1565c0', '#ef6c00', '#6a1b9a', '#2e7d32']


def ms(seconds):
    value = seconds * 1000
    return '%.3f' % value if value < 1 else '%.2f' % value if value < 10 else '%.1f' % value if value < 100 else '%.0f' % value


def markdown(run, picture):
    names = [engine['name'] for engine in run['engines']]
    out = ['# Stations, %s rows, %s' % ('{:,}'.format(run['rows']), run['date']), '',
           run['machine'], '', '    ' + run['command'], '',
           '| engine | version | settings | load s | rows/s | MB on disk |', '|---|---|---|--:|--:|--:|']
    for e in run['engines']:
        load = ('%.1f' % e['load'], '{:,.0f}'.format(run['rows'] / e['load'])) if e['load'] else ('kept', '')
        out.append('| %s | %s | %s | %s | %s | %.1f |' % (e['name'], e['version'], e['settings'], *load, e['bytes'] / 1e6))
    out += ['', 'Milliseconds, best of %d after one first run; median beside it. Answers were compared first and are equal '
            'unless the last column says otherwise.' % run['runs'], '',
            '| query | ' + ' | '.join('%s best | median' % n for n in names) + ' | Ovate is | answers |',
            '|---|' + '--:|--:|' * len(names) + '--:|---|']
    for q in run['queries']:
        cells = ['%s | %s' % (ms(min(t)), ms(sorted(t)[len(t) // 2])) for t in q['times']]
        others = [min(t) for t in q['times'][1:]]
        ratio = '%.2f × the faster peer' % (min(others) / min(q['times'][0])) if others else ''
        out.append('| **%s** %s | %s | %s | %s |' % (q['key'], q['about'], ' | '.join(cells), ratio, q['answers']))
    out += ['', 'First runs, milliseconds: ' + '; '.join(
        '%s %s' % (n, ', '.join('%s %s' % (q['key'], ms(q['first'][i])) for q in run['queries'])) for i, n in enumerate(names))]
    out += ['', '![times](%s)' % picture, '']
    return '\n'.join(out)


def svg(run):
    """Horizontal bars on a logarithmic scale, one group a query."""
    names = [engine['name'] for engine in run['engines']]
    bests = [[min(t) for t in q['times']] for q in run['queries']]
    low = math.floor(math.log10(min(map(min, bests))))
    high = math.ceil(math.log10(max(map(max, bests))))
    left, width, bar = 210, 640, 13
    group = bar * len(names) + 12
    height = 60 + group * len(bests) + 30
    place = lambda s: left + (math.log10(s) - low) / (high - low) * width  # noqa: E731
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">'
           % (left + width + 90, height), '<rect width="100%" height="100%" fill="white"/>',
           '<text x="10" y="20" font-size="15">%s station rows: time to the last byte, best of %d (log scale, shorter is better)</text>'
           % ('{:,}'.format(run['rows']), run['runs'])]
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
            left - 8, top + group / 2, query['key'], escape(query['about'])))
        for j, seconds in enumerate(times):
            out.append('<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/><text x="%.1f" y="%d" font-size="10">%s</text>' % (
                left, top + j * bar, max(1.0, place(seconds) - left), bar - 2, COLOURS[j % len(COLOURS)],
                place(seconds) + 4, top + j * bar + 10, ms(seconds)))
    return '\n'.join(out + ['</svg>', ''])
