"""Pictures of runs as SVG: times a query, growth with rows, ratios of every workload, bytes a second against the memory's."""
import math
from xml.sax.saxutils import escape

COLOURS = {'Ovate': '#1565c0', 'DuckDB': '#e69f00', 'ClickHouse': '#7b1fa2', 'Druid': '#2e7d32', 'Elasticsearch': '#c2185b',
           'Elasticsearch, text': '#f48fb1'}
OTHERS = ['#00838f', '#6d4c41', '#616161']  # servers by URL


def ms(seconds):
    value = seconds * 1000
    return '%.3f' % value if value < 1 else '%.2f' % value if value < 10 else '%.1f' % value if value < 100 else '%.0f' % value


def unit(seconds):
    return '%g µs' % (seconds * 1e6) if seconds < 1e-3 else '%g ms' % (seconds * 1e3) if seconds < 1 else '%g s' % seconds


def colour(name, names):
    return COLOURS.get(name) or OTHERS[[n for n in names if n not in COLOURS].index(name) % len(OTHERS)]


class Sheet:
    """Shapes on white; what several pictures draw alike."""

    def __init__(self, width, height, title):
        self.out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="DejaVu Sans, Arial, sans-serif" '
                    'font-size="12" role="img" aria-label="%s">' % (width, height, width, height, escape(title, {'"': "'"})),
                    '<rect width="100%" height="100%" fill="white"/>']
        self.text(12, 22, title, size=15)

    def text(self, x, y, words, anchor='start', size=12, fill='#222', bold=False):
        self.out.append('<text x="%.1f" y="%.1f" text-anchor="%s" font-size="%d" fill="%s"%s>%s</text>' % (
            x, y, anchor, size, fill, ' font-weight="bold"' * bold, escape(words)))

    def line(self, x1, y1, x2, y2, stroke='#e0e0e0', width=1):
        self.out.append('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-width="%g"/>' % (x1, y1, x2, y2, stroke, width))

    def dot(self, x, y, fill, radius=4.5):
        self.out.append('<circle cx="%.1f" cy="%.1f" r="%g" fill="%s" stroke="white" stroke-width="0.8"/>' % (x, y, radius, fill))

    def bar(self, x, y, width, height, fill):
        self.out.append('<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>' % (x, y, width, height, fill))

    def legend(self, x, y, names):
        for name in names:
            self.dot(x, y - 4, colour(name, names))
            self.text(x + 9, y, name)
            x += 34 + 7.4 * len(name)

    def done(self):
        return '\n'.join([*self.out, '</svg>', ''])


def decades(values):
    """The powers of ten around the values."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def times(run):
    """A line a query: a dot for each engine's best time on a logarithmic scale; in words Ovate's time and the ratio to the fastest peer."""
    names = [engine['name'] for engine in run['engines']]
    bests = [[min(t) if t else None for t in query['times']] for query in run['queries']]
    seen = [seconds for row in bests for seconds in row if seconds]
    low, high = decades(seen)
    left, width, step, top = 290, 470, 22, 76
    bottom = top + step * len(bests)
    sheet = Sheet(left + width + 190, bottom + 34, '%s, %s rows: time to the last byte, best of %d' % (
        run['title'], '{:,}'.format(run['rows']), run['runs']))
    sheet.legend(left, 44, names)
    sheet.text(left + width + 90, 62, 'Ovate, ms', 'end', 11, '#555')
    if len(names) > 1:
        sheet.text(left + width + 175, 62, 'next takes', 'end', 11, '#555')

    def place(seconds):
        return left + (math.log10(seconds) - low) / (high - low) * width
    for power in range(low, high + 1):
        sheet.line(place(10.0 ** power), top - 8, place(10.0 ** power), bottom)
        sheet.text(place(10.0 ** power), bottom + 18, unit(10.0 ** power), 'middle', 11, '#555')
    for number, (query, row) in enumerate(zip(run['queries'], bests)):
        y = top + step * number + step / 2
        about = query['about'] if len(query['about']) <= 38 else query['about'][:37] + '…'
        sheet.text(left - 14, y + 4, '%s  %s' % (query['key'], about), 'end', 11)
        there = [seconds for seconds in row if seconds]
        if there:
            sheet.line(place(min(there)), y, place(max(there)), y, '#bdbdbd', 1.5)
        for name, seconds in reversed(list(zip(names, row))):
            if seconds:
                sheet.dot(place(seconds), y, colour(name, names))
        if row[0]:
            sheet.text(left + width + 90, y + 4, ms(row[0]), 'end', 11)
            others = [seconds for seconds in row[1:] if seconds]
            if others:
                ratio = min(others) / row[0]
                sheet.text(left + width + 175, y + 4, '%.3g ×' % ratio, 'end', 11, '#222' if ratio >= 1 else '#c62828', True)
    return sheet.done()


def growth(runs):
    """Time against rows, a panel a query, both logarithmic, a line an engine. None with fewer than two sizes."""
    lines, names, abouts = {}, [], {}
    for run in runs:
        for query in run['queries']:
            abouts[query['key']] = query['about']
            for engine, seconds in zip(run['engines'], query['times']):
                if seconds:
                    lines.setdefault(query['key'], {}).setdefault(engine['name'], {}).setdefault(run['rows'], min(seconds))
                    names += [engine['name']] if engine['name'] not in names else []
    sizes = sorted({run['rows'] for run in runs})
    if len(sizes) < 2:
        return None
    low, high = decades([s for by_name in lines.values() for points in by_name.values() for s in points.values()])
    first, last, wide, tall = math.log10(sizes[0]), math.log10(sizes[-1]), 200, 170
    sheet = Sheet(1010, 76 + (len(lines) + 3) // 4 * 235, 'Stations: time to the last byte as rows grow (both scales logarithmic)')
    sheet.legend(20, 48, names)
    for number, (key, by_name) in enumerate(lines.items()):
        left, top = 58 + number % 4 * 238, 90 + number // 4 * 235

        def place(rows, seconds, left=left, top=top):
            return left + (math.log10(rows) - first) / (last - first) * wide, top + tall - (math.log10(seconds) - low) / (high - low) * tall
        sheet.text(left, top - 8, '%s  %s' % (key, abouts[key]), size=11, bold=True)
        for power in range(low, high + 1):
            y = place(sizes[0], 10.0 ** power)[1]
            sheet.line(left, y, left + wide, y)
            if number % 4 == 0:
                sheet.text(left - 6, y + 3, unit(10.0 ** power), 'end', 10, '#555')
        for rows in sizes:
            x = place(rows, 10.0 ** low)[0]
            sheet.line(x, top, x, top + tall)
            sheet.text(x, top + tall + 15, '%g M' % (rows / 1e6), 'middle', 10, '#555')
        for name, points in reversed(by_name.items()):
            places = [place(rows, seconds) for rows, seconds in sorted(points.items())]
            sheet.out.append('<polyline fill="none" stroke="%s" stroke-width="2" points="%s"/>' % (
                colour(name, names), ' '.join('%.1f,%.1f' % p for p in places)))
            for x, y in places:
                sheet.dot(x, y, colour(name, names), 3.5)
    return sheet.done()


def ratios(rows):
    """A line a workload, a dot a query: how many times as fast as the fastest peer of it; the bar is the geometric mean. rows: [(title, ratios, mean)]."""
    low, high = decades([r for _, found, _ in rows for r in found])
    low = min(low, -1)
    left, width, step, top = 250, 560, 34, 62
    bottom = top + step * len(rows)
    sheet = Sheet(left + width + 90, bottom + 44, 'Every query: how many times as fast as the faster of DuckDB and ClickHouse')

    def place(ratio):
        return left + (math.log10(ratio) - low) / (high - low) * width
    sheet.bar(left, top - 12, place(1) - left, bottom - top + 12, '#fdecea')
    for power in range(low, high + 1):
        sheet.line(place(10.0 ** power), top - 12, place(10.0 ** power), bottom, '#c62828' if power == 0 else '#e0e0e0', 1.5 if power == 0 else 1)
        sheet.text(place(10.0 ** power), bottom + 18, '%g ×' % 10.0 ** power, 'middle', 11, '#555')
    sheet.text(place(1) - 8, top - 18, 'slower', 'end', 11, '#c62828')
    sheet.text(place(1) + 8, top - 18, 'faster', 'start', 11, '#555')
    for number, (title, found, mean) in enumerate(rows):
        y = top + step * number + step / 2 - 4
        sheet.text(left - 12, y + 4, title, 'end')
        for ratio in found:
            sheet.out.append('<circle cx="%.1f" cy="%.1f" r="4.5" fill="#1565c0" fill-opacity="0.45"/>' % (place(ratio), y))
        sheet.line(place(mean), y - 11, place(mean), y + 11, '#0d2f5e', 3)
        sheet.text(left + width + 80, y + 4, '%.3g ×' % mean, 'end', bold=True)
    return sheet.done()


def roofline(facts):
    """Bars of bytes a second, and a line where memory ends."""
    limit, step, top, left = facts['bytes_per_second'], 28, 58, 270
    rates = [query['bytes'] / query['seconds'] for query in facts['queries']]
    most = max([limit, *rates]) * 1.02
    sheet = Sheet(960, top + step * len(rates) + 20, 'Stations, %s rows: bytes read over time, against what memory gives' % '{:,}'.format(facts['rows']))
    for number, (query, rate) in enumerate(zip(facts['queries'], rates)):
        y = top + number * step
        sheet.text(left - 12, y + 13, '%s  %s' % (query['key'], query['about']), 'end', 11)
        if query['bytes']:
            sheet.bar(left, y, rate / most * 540, 18, COLOURS['Ovate'])
            sheet.text(left + rate / most * 540 + 6, y + 13, '%.1f GB/s, %.0f %%' % (rate / 1e9, 100 * query['share']), size=11)
        else:
            sheet.text(left + 6, y + 13, 'reads no column: answered from indexes, dictionaries and sums of blocks', size=11, fill='#777')
    x = left + limit / most * 540
    sheet.line(x, top - 8, x, top + step * len(rates), '#c62828', 2)
    sheet.text(x, top - 14, 'memory: %.1f GB/s' % (limit / 1e9), 'middle', 11, '#c62828')
    return sheet.done()
