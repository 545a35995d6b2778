"""Keys and versions: a datasource with keys against a dict, whatever way rows come, across restarts, merges and kill -9; AS OF."""
import json
import random
import threading
import time

from ovatetest import Server, SqlError
from test_formats import check, same

DAY = 86_400_000
START = 1_714_521_600_000  # 2024-05-01


def schema(name, version='v', retain=None):
    keys = {'columns': ['id', 'part']}
    if version:
        keys['version'] = version
    if retain:
        keys['retain'] = retain
    return {'dataSource': name, 'timestampSpec': {'column': 't', 'format': 'millis'},
            'dimensionsSpec': {'dimensions': [{'type': 'string', 'name': 'id'}, {'type': 'long', 'name': 'part'},
                                              {'type': 'long', 'name': 'v'}, {'type': 'string', 'name': 'x'}]},
            'keySpec': keys, 'granularitySpec': {'segmentGranularity': 'DAY'}}


def batch(name, rows, append=True, **changes):
    text = '\n'.join(json.dumps(r) for r in rows)
    return {'type': 'index_parallel', 'spec': {
        'dataSchema': dict(schema(name), **changes),
        'ioConfig': {'type': 'index_parallel', 'inputSource': {'type': 'inline', 'data': text},
                     'inputFormat': {'type': 'json'}, 'appendToExisting': append}}}


def push(server, name, rows, query=''):
    body = '\n'.join(json.dumps(r) for r in rows).encode()
    status, _, answer = server.request('POST', '/v1/push/%s%s' % (name, query), body)
    same(status, 200)
    return json.loads(answer)


class Model:
    """What must be there: the greatest version, of equal ones the last."""

    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.rows, self.number = {}, 0

    def make(self, count):
        made = []
        for _ in range(count):
            self.number += 1
            made.append({'t': START + self.dice.randrange(4) * DAY + self.dice.randrange(1000),
                         'id': self.dice.choice(['a', 'b', None, '7', 'ü', 'k%d' % self.dice.randrange(60)]),
                         'part': self.dice.choice([0, 1, None]), 'v': self.dice.randrange(8), 'x': 'x%d' % self.number})
        return made

    def take(self, rows):
        for r in rows:
            key = (r['id'], r['part'])
            if key not in self.rows or r['v'] >= self.rows[key]['v']:
                self.rows[key] = r

    def answer(self):
        return sorted(([r['t'], r['id'], r['part'], r['v'], r['x']] for r in self.rows.values()), key=lambda r: r[4])



def table(server, name, context=None, clause=''):
    rows = server.sql('SELECT TIMESTAMP_TO_MILLIS(__time), id, part, v, x FROM %s%s' % (name, clause), context)[1]
    return sorted(rows, key=lambda r: r[4])


def agrees(server, name, model):
    want = model.answer()
    same(table(server, name), want)
    same(server.value('SELECT COUNT(*) FROM ' + name), len(want))  # by the numbers that segments know
    counts = {}
    for row in want:
        counts[row[1]] = counts.get(row[1], 0) + 1
    same({k: n for k, n in server.sql('SELECT id, COUNT(*) FROM %s GROUP BY id' % name)[1]}, counts)
    same(server.value("SELECT COUNT(*) FROM %s WHERE id = 'a'" % name), counts.get('a', 0))


def declare(server, name, **more):
    spec = {'dataSchema': dict(schema(name), **more), 'inputFormat': {'type': 'json'}}
    return server.request('PUT', '/v1/streams/' + name, json.dumps(spec).encode())


def random_work(seed, steps):
    model = Model(seed)
    with Server(args=('--stream-age', '3600')) as server:
        same(declare(server, 'keyed')[0], 200)
        first = model.make(5)
        model.take(first)
        push(server, 'keyed', first)
        for step in range(steps):
            act = model.dice.randrange(12)
            rows = model.make(model.dice.choice([1, 3, 40, 200]))
            if act < 7:
                model.take(rows)
                push(server, 'keyed', rows)
            elif act < 9:
                model.take(rows)
                server.ingest(batch('keyed', rows))
            elif act == 9:
                same(server.request('POST', '/v1/streams/keyed/publish', b'')[0], 200)
            elif act == 10:
                server.kill()
                server.start()
            else:
                server.run_task({'type': 'compact', 'dataSource': 'keyed',
                                 'ioConfig': {'type': 'compact', 'inputSpec': {'type': 'interval', 'interval': '2024-05-01/2024-05-06'}}})
            if step % 4 == 3 or act >= 9:
                agrees(server, 'keyed', model)
        same(server.request('POST', '/v1/streams/keyed/publish', b'')[0], 200)
        agrees(server, 'keyed', model)
        server.kill()
        server.start()
        agrees(server, 'keyed', model)


def history(server):
    """Each state that was seen can be read again, through hand-over, restart and merging; native queries too."""
    model, seen = Model(77), []
    same(declare(server, 'past')[0], 200)
    for step in range(12):
        rows = model.make(30)
        model.take(rows)
        if step % 3 == 2:
            server.ingest(batch('past', rows))
        else:
            push(server, 'past', rows)
        time.sleep(0.01)
        seen.append((int(time.time() * 1000), model.answer()))
        time.sleep(0.01)
        if step == 7:
            same(server.request('POST', '/v1/streams/past/publish', b'')[0], 200)
    for _ in range(2):
        for at, want in seen:
            same(table(server, 'past', {'asOf': at}), want)
        at, want = seen[5]
        iso = time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(at // 1000)) + '.%03d' % (at % 1000)
        same(table(server, 'past', clause=" FOR SYSTEM_TIME AS OF TIMESTAMP '%s'" % iso), want)
        same(table(server, 'past', clause=' FOR SYSTEM_TIME AS OF %d AS p' % at), want)
        same(table(server, 'past'), seen[-1][1])
        query = {'queryType': 'timeseries', 'dataSource': 'past', 'granularity': 'all', 'intervals': ['2024-01-01/2025-01-01'],
                 'aggregations': [{'type': 'count', 'name': 'n'}], 'context': {'asOf': at}}
        same(json.loads(server.post('/druid/v2', query)[2])[0]['result']['n'], len(want))
        same(server.request('POST', '/v1/streams/past/publish', b'')[0], 200)
        server.kill()
        server.start()
    try:
        table(server, 'past', {'asOf': '2001-01-01'})
        check(False, 'read as of 2001')
    except SqlError as error:
        check('the earliest instant that can is' in str(error.body), error.body)


def later(server):
    """Keys declared for rows that are there collapse them; they hold for INSERT and pushes that say nothing."""
    plain = dict(schema('grown'))
    del plain['keySpec']
    rows = [{'t': START + i, 'id': 'k%d' % (i % 3), 'part': 1, 'v': i, 'x': 'first%d' % i} for i in range(9)]
    spec = batch('grown', rows)
    spec['spec']['dataSchema'] = dict(plain, granularitySpec={'segmentGranularity': 'DAY', 'rollup': False})
    server.ingest(spec)
    server.wait_table('grown')
    same(server.value('SELECT COUNT(*) FROM grown'), 9)
    same(declare(server, 'grown')[0], 200)
    same(server.sql('SELECT x FROM grown ORDER BY x')[1], [['first6'], ['first7'], ['first8']])
    push(server, 'grown', [{'t': START, 'id': 'k0', 'part': 1, 'v': 99, 'x': 'pushed'}])
    same(server.sql('SELECT x FROM grown ORDER BY x')[1], [['first7'], ['first8'], ['pushed']])
    status, _, answer = declare(server, 'grown', keySpec={'columns': ['x']})
    check(status >= 400 and b'other keys' in answer, answer)
    status, _, answer = declare(server, 'rolled', granularitySpec={'rollup': True})
    check(status == 400 and b'rolled up' in answer, answer)
    status, _, answer = declare(server, 'rolled', keySpec={'columns': []})
    check(status == 400 and b'columns' in answer, answer)


def replaced(server):
    """REPLACE begins anew in its time, whatever the versions were; what is marked unused takes no part."""
    one = {'t': START, 'id': 'r', 'part': 1, 'v': 5, 'x': 'old'}
    other = {'t': START + DAY, 'id': 's', 'part': 1, 'v': 5, 'x': 'stays'}
    server.ingest(batch('again', [one, other]))
    server.ingest(batch('again', [dict(one, v=1, x='new')], append=False))
    server.wait_table('again')
    same(server.sql('SELECT x FROM again ORDER BY x')[1], [['new'], ['stays']])
    server.ingest(batch('again', [dict(one, v=0, x='late'), dict(other, v=6, x='next')]))
    same(server.sql('SELECT x FROM again ORDER BY x')[1], [['new'], ['next']])


def marked(server):
    """Rows that come back with their segments meet the others in the same transaction: whoever looks sees one row a key."""
    old = {'t': START, 'id': 'r', 'part': 1, 'v': 5, 'x': 'old'}
    interval = {'interval': '2024-05-01/2024-05-02'}
    coordinator = '/druid/coordinator/v1/datasources/marked/'
    server.ingest(batch('marked', [old, dict(old, id='s', v=9, x='wins')]))
    server.wait_table('marked')
    same(server.post(coordinator + 'markUnused', interval)[0], 200)
    server.ingest(batch('marked', [dict(old, t=START + DAY, v=7, x='new'), dict(old, t=START + DAY, id='s', v=7, x='loses')]))
    same(declare(server, 'marked')[0], 200)
    push(server, 'marked', [dict(old, t=START + DAY, id='s', v=8, x='pushed')])  # over a published row, in memory
    server.kill()
    server.env['OVATE_FAULT'] = 'OV_FAULT_KEYS_MARKED:1:crash'
    server.start()
    same(server.sql('SELECT x FROM marked ORDER BY x')[1], [['new'], ['pushed']])
    try:
        server.post(coordinator + 'markUsed', interval)
    except OSError:  # where there are fault points
        del server.env['OVATE_FAULT']
        server.kill()
        server.start()
        same(server.sql('SELECT x FROM marked ORDER BY x')[1], [['new'], ['pushed']])
        same(server.post(coordinator + 'markUsed', interval)[0], 200)
    same(server.sql('SELECT x FROM marked ORDER BY x')[1], [['new'], ['wins']])
    same(server.value("SELECT SUM(num_rows) FROM sys.segments WHERE datasource = 'marked'"), 2)
    seen, stop, other = set(), threading.Event(), server.another()

    def look():
        while not stop.is_set():
            seen.add(other.value('SELECT COUNT(*) FROM marked'))
    looker = threading.Thread(target=look)
    looker.start()
    for _ in range(20):
        server.post(coordinator + 'markUnused', interval)
        server.post(coordinator + 'markUsed', interval)
    stop.set()
    looker.join()
    check(seen <= {1, 2}, seen)
    status, _, answer = server.post('/druid/v2', {'queryType': 'segmentMetadata', 'dataSource': 'marked', 'merge': True})
    column = json.loads(answer)[0]['columns']['x']
    same((status, column['cardinality'], column['minValue'], column['maxValue']), (200, 1, 'new', 'wins'))


def numbers(server):
    """Whole numbers beyond 2^53 are keys exactly, as LONG, DOUBLE and text."""
    big = 2 ** 53

    def typed(kind, rows):
        spec = batch('keyed_numbers', rows)
        spec['spec']['dataSchema']['dimensionsSpec']['dimensions'][0] = {'type': kind, 'name': 'id'}
        server.ingest(spec)
    typed('long', [{'t': START + i, 'id': n, 'part': 1, 'v': 1, 'x': 'long%d' % i} for i, n in enumerate((big, big + 1, big + 2, -2 ** 63))])
    server.wait_table('keyed_numbers')
    same(server.value('SELECT COUNT(*) FROM keyed_numbers'), 4)
    typed('double', [{'t': START, 'id': float(n), 'part': 1, 'v': 2, 'x': 'double'} for n in (big + 2, -2 ** 63, 2 ** 63)])
    same(server.sql('SELECT x FROM keyed_numbers ORDER BY x')[1], [['double']] * 3 + [['long0'], ['long1']])
    typed('string', [{'t': START, 'id': str(n), 'part': 1, 'v': 3, 'x': 'text'} for n in (big + 1, -2 ** 63)])
    same(server.sql('SELECT x FROM keyed_numbers ORDER BY x')[1], [['double']] * 2 + [['long0']] + [['text']] * 2)


def memory():
    """Tables of keys have a limit together: those that nobody uses give way, then the change is refused."""
    def rows(count, name):
        return [{'t': START, 'id': '%s%d' % (name, i), 'part': 1, 'v': 1, 'x': 'x'} for i in range(count)]
    with Server(args=('--keys-memory', '700000')) as server:  # 2^15 slots beside the 2^14 they grew from
        for name in ('keyed_first', 'keyed_second'):
            server.ingest(batch(name, rows(20000, 'a')))
            server.wait_table(name)
        server.ingest(batch('keyed_first', rows(10, 'b')))
        same(server.value('SELECT COUNT(*) FROM keyed_first'), 20010)
        state = server.run_task(batch('keyed_second', rows(40000, 'b')))
        check(state['status'] == 'FAILED' and '--keys-memory' in state['errorMsg'], state)
        same(server.value('SELECT COUNT(*) FROM keyed_second'), 20000)


def cases(_):
    def apart(work):  # with a server of its own: it is killed
        with Server() as server:
            work(server)
    for function in (history, later, replaced, marked, numbers):
        yield function.__name__, lambda f=function: apart(f)
    yield 'memory', memory
    for seed in range(3):
        yield 'random work %d' % seed, lambda s=seed: random_work(s, 60)
