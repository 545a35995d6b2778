"""The tables of the SQL logic tests: a few hand-written rows, and generated ones that fill several blocks.

Each table is a CSV file and an ordinary ingestion spec, so a load goes the way any user's rows go.
"""
import csv
import json
import math
import os

HERE = os.path.dirname(os.path.abspath(__file__))

# columns after `time`, with their Druid types
COLUMNS = {
    'tiny': [('s', 'string'), ('t', 'string'), ('l', 'long'), ('d', 'double'), ('f', 'float')],
    'events': [('user', 'string'), ('country', 'string'), ('page', 'string'), ('tag', 'string'), ('added', 'long'),
               ('big', 'long'), ('price', 'double'), ('noise', 'double'), ('small', 'long'), ('nothing', 'string')],
    'multi': [('k', 'string'), ('tags', 'string'), ('n', 'long')],
    'lists': [('k', 'string'), ('tags', 'string'), ('n', 'long')],
    'rolled': [('k', 'string')],
    'jsons': [('k', 'string'), ('j', 'json')],
    'meters': [('meter', 'string'), ('watts', 'long'), ('volts', 'long'), ('grade', 'string')],
    'visits': [('place', 'string'), ('name', 'string'), ('area', 'string'), ('height', 'double'), ('level', 'long'), ('mostly', 'string'), ('n', 'long')],
    'shifts': [('device', 'string'), ('badge', 'string'), ('room', 'string'), ('floor', 'string'), ('n', 'long')],
    'nulls': [('k', 'string'), ('l', 'long'), ('d', 'double'), ('f', 'float'), ('s', 'string')],
}
EVENT_ROWS = 40_000


def mix(n):
    """A 64-bit mixer (splitmix64's finaliser): the same rows on every machine."""
    n = (n + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
    n = ((n ^ (n >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    n = ((n ^ (n >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    return n ^ (n >> 31)


def event_rows():
    """Skewed users, few countries (one of them the empty string), many pages, a tag in long runs, nulls in most columns; three days."""
    countries = ['KR', 'US', 'JP', 'DE', 'FR', '', 'BR', '대한민국', 'IN', 'NL', 'Ünïted', 'zz']
    for i in range(EVENT_ROWS):
        r = mix(i)
        millis = i * 6480 + (r & 1023)  # nearly even over three days, always rising
        user = 'u%03d' % (((r >> 10) % 500) * ((r >> 20) % 100) // 100)
        country = countries[(r >> 28) % 12] if (r >> 32) % 50 else None
        page = 'page/%d/%s' % ((r >> 36) % 15_000, 'abc'[(r >> 50) % 3])
        tag = 'tag%d' % (i // 5_000) if i // 5_000 != 3 else None
        added = (r >> 12) % 2_001 - 1_000 if (r >> 40) % 20 else None
        big = ((r >> 3) - (1 << 60)) if (r >> 44) % 10 else (r >> 1)
        price = ((r >> 16) % 100_000) / 100 if (r >> 52) % 25 else None
        noise = ((r >> 11) / (1 << 53) - 0.5) * 10.0 ** (r % 17 - 8)
        small = (i // 300) % 3 if (r >> 56) % 30 else None
        yield [stamp(millis), user, country, page, tag, added, big, price, repr(noise), small, None]


def meter_rows():
    """Two days of 20 meters, a reading a minute, slowly changing: loaded clustered by meter, so that times are not sorted."""
    for i in range(2 * 1440):
        for m in range(20):
            r = mix(i * 20 + m)
            if r % 50 == 0:
                continue
            watts = (i // 30 * (m + 3) + m) % 70
            yield [stamp(i * 60_000), 'm%02d' % (m * 7 % 20), watts, None if (r >> 8) % 90 == 0 else 220 + (r >> 16) % 20, 'abc'[(m + i // 700) % 3]]


def visit_rows():
    """Places by chance, two days: name, area, height and level follow from the place (some are missing), `mostly` only on the first day."""
    for i in range(30_000):
        r = mix(i)
        p = (r >> 8) % 300
        mostly = 'kind %d' % (p % 5) if i < 20_000 or r >> 40 & 15 else 'other'
        yield [stamp(i * 5_000), 'p%03d' % (p * 7 % 300), None if p % 31 == 0 else 'Place %d' % (p % 290), 'area %d' % (p % 9),
               None if p % 17 == 0 else math.sin(p) * 100, 10 ** 12 * (p % 40 + 1), mostly, r % 1000]


def stamp(millis):
    """Milliseconds after 2024-02-28T00:00:00Z (so the leap day is inside) as ISO text."""
    day, rest = divmod(millis, 86_400_000)
    seconds, millis = divmod(rest, 1000)
    date = ('2024-02-28', '2024-02-29', '2024-03-01', '2024-03-02')[day]
    return '%sT%02d:%02d:%02d.%03dZ' % (date, seconds // 3600, seconds // 60 % 60, seconds % 60, millis)


def null_rows():
    """Every mix of present and missing in five columns, twice over; 'k' tells the mix."""
    for i in range(64):
        bits = i % 32
        yield ['2024-01-%02dT00:00:00Z' % (1 + i % 28), 'k%d' % (i % 4) if bits & 1 else None,
               i - 20 if bits & 2 else None, (i - 20) / 4 if bits & 4 else None, i / 2 if bits & 8 else None,
               'v%d' % (i % 8) if bits & 16 else None]


def list_rows():
    """Zero to five tags in a row, some of them twice; few whole lists for half of the rows, many for the others."""
    for i in range(12_000):
        r = mix(i)
        count, few = (0, 1, 1, 2, 2, 3, 4, 5)[r % 8], (r >> 8) % 2
        tags = ['t%02d' % ((r >> (12 + 7 * j)) % (3 if few else 40)) for j in range(count)]
        yield [stamp(i * 21_600), 'k%d' % (i // 700 % 5), '|'.join(sorted(tags)) if tags else None, (r >> 50) % 1000 - 500]


def json_value(r, depth):
    """Numbers of every kind, texts that look like numbers, truth, null, lists, objects."""
    plain = (r % 23 - 5, r % 9 + 0.5, 'x%d' % (r % 5), str(r % 7), r % 3 == 0, None, -0.0, 1e300, 12345678901234567890, '', '2024-01-01',
             'q"é\n', '1.5', 2.0)
    if depth or r % 5:
        return plain[(r >> 8) % len(plain)]
    if r % 2:
        return [json_value(mix(r + i), 1) for i in range((r >> 4) % 4)]
    return {name: json_value(mix(r + i), 1) for i, name in enumerate(('a', 'b c', "d'e", '')[:1 + (r >> 5) % 4])}


def json_rows():
    """Objects whose paths are of one type, of several, in some rows only, twice in an object; values that are no objects."""
    for i in range(3_000):
        r = mix(i)
        o = {'n': r % 50 if r >> 8 & 15 else None, 'd': (r >> 12) % 40 / 4 + 0.125, 's': 's%d' % ((r >> 20) % 12),
             'mixed': json_value(r >> 3, 0), 'o': {'n': (r >> 16) % 9, 'p': json_value(mix(r), 1)}}
        if r >> 24 & 1:
            del o['d']
        if r >> 25 & 1:
            o['list'] = [(r >> 26) % 3, (r >> 28) % 5]
        if i % 1000 == 77:
            o['rare'] = 1
        text = json.dumps(o, ensure_ascii=bool(r >> 30 & 1))
        if i % 97 == 5:
            text = ('5', '"s1"', '[1, 2]', '{"twice": 1, "twice": 2, "t": {"a": 1}, "t": {"b": 2}}', 'null')[i // 97 % 5]
        yield [stamp(i * 86_400), 'k%d' % (r % 4), text]


def shift_rows():
    """A hundred devices in the same order at every tick. The badge follows from the device and the device from the badge; the room
    follows from the device within a day, but the next day they change places, so that segments of equal dictionaries disagree; on
    the fourth day some move at noon. The floor follows from the room."""
    for tick in range(4 * 60):
        day, hour = tick // 60, tick % 60
        for device in range(100):
            room = (device * 7 + day * 13 + (device % 9 == 0 and day == 3 and hour >= 30)) % 100
            r = mix(tick * 100 + device)
            yield [stamp(tick * 1_440_000), 'd%02d' % device, 'b%02d' % (99 - device), 'room %d' % room if room else None,
                   'floor %d' % (room // 12), r % 5 if (r >> 20) % 40 else None]


def csv_cell(value):
    """NULL is an empty cell, the empty string a quoted one."""
    if isinstance(value, str) and set(value) & set('",\n'):
        return '"%s"' % value.replace('"', '""')
    return '' if value is None else '""' if value == '' else str(value)


GENERATED = {'events': event_rows, 'jsons': json_rows, 'lists': list_rows, 'meters': meter_rows, 'nulls': null_rows,
             'shifts': shift_rows, 'visits': visit_rows}


def csv_path(name, folder):
    """The table's CSV file: written by hand under data/, or generated into `folder` once."""
    if name not in GENERATED:
        return os.path.join(HERE, 'data', name + '.csv')
    path = os.path.join(folder, name + '.csv')
    if not os.path.exists(path):
        with open(path + '.part', 'w', encoding='utf-8', newline='') as file:
            file.write(','.join(['time'] + [column for column, _ in COLUMNS[name]]) + '\n')
            file.writelines(','.join(map(csv_cell, row)) + '\n' for row in GENERATED[name]())
        os.rename(path + '.part', path)
    return path


def spec(name, folder):
    """(ingestion spec, number of rows) of a table."""
    path = csv_path(name, folder)
    with open(path, encoding='utf-8', newline='') as file:
        rows = sum(1 for _ in csv.reader(file)) - 1
    dimensions = [{'type': kind, 'name': column} for column, kind in COLUMNS[name]]
    made = {'type': 'index_parallel', 'spec': {
        'dataSchema': {
            'dataSource': name,
            'timestampSpec': {'column': 'time', 'format': 'iso'},
            'dimensionsSpec': {'dimensions': dimensions},
            'granularitySpec': {'segmentGranularity': 'DAY', 'queryGranularity': 'NONE', 'rollup': False}},
        'ioConfig': {
            'type': 'index_parallel',
            'inputSource': {'type': 'local', 'files': [path]},
            'inputFormat': {'type': 'csv', 'findColumnsFromHeader': True}},
        'tuningConfig': {'type': 'index_parallel'}}}
    if name in ('multi', 'lists'):
        made['spec']['ioConfig']['inputFormat']['listDelimiter'] = '|'
    if name == 'jsons':  # the cells are texts
        made['spec']['dataSchema']['transformSpec'] = {'transforms': [
            {'type': 'expression', 'name': 'j', 'expression': 'parse_json(j)'}]}
    if name == 'meters':
        dimensions.insert(1, {'type': 'long', 'name': '__time'})
        made['spec']['dataSchema']['dimensionsSpec']['forceSegmentSortByTime'] = False
    if name == 'rolled':
        made['spec']['dataSchema']['granularitySpec'].update(queryGranularity='HOUR', rollup=True)
        made['spec']['dataSchema']['metricsSpec'] = [{'type': 'count', 'name': 'rows'}] + [
            {'type': kind, 'name': column, 'fieldName': column[-1]} for kind, column in (
                ('longSum', 'sum_n'), ('longMin', 'min_n'), ('longMax', 'max_n'), ('doubleSum', 'sum_x'), ('doubleMin', 'min_x'))]
    return made, rows
