"""Rows pushed by HTTP: there in the next answer, once per batch, also after kill -9; refusals that say what to do."""
import gzip
import json
import threading

from ovatetest import Server
from test_formats import check, same

ROW = '{"time":"2024-05-01T00:00:00Z","k":"a","n":%d}\n'


def push(server, table, body, query='', kind=None):
    """(status, answer, headers)"""
    if isinstance(body, str):
        body = body.encode()
    status, headers, answer = server.request('POST', '/v1/push/' + table + query, body, {'Content-Type': kind} if kind else {})
    return status, json.loads(answer), headers


def formats(server):
    same(push(server, 'pushed', ROW % 1 + ROW % 2)[:2], (200, {'rows': 2, 'rejected': 0, 'duplicate': False}))
    same(server.sql('SELECT COUNT(*), SUM(n) FROM pushed')[1], [[2, 3]])
    same(push(server, 'pushed', '[{"timestamp":1714521600000,"n":3},{"timestamp":1714521600001,"n":4}]')[1]['rows'], 2)
    same(push(server, 'pushed', 'time,k,n\n2024-05-02,b,5\n', kind='text/csv; charset=utf-8')[1]['rows'], 1)
    same(push(server, 'pushed', gzip.compress((ROW % 6).encode()))[1]['rows'], 1)
    same(push(server, 'pushed', '{\n "time": "2024-05-01",\n "n": 7\n}\n')[1]['rows'], 1)
    same(server.sql('SELECT COUNT(*), SUM(n) FROM pushed')[1], [[7, 28]])
    status, answer, _ = push(server, 'pushed', ROW % 8 + 'nonsense\n{"n":1}\n{"time":"never","n":1}\n')
    same((status, answer['rows'], answer['rejected'], len(answer['reasons'])), (200, 1, 3, 3))
    same([r['line'] for r in answer['reasons']], [2, 3, 4])
    nested = '{"timestamp":0,"in":{"__time":"no"}}\n{"cut":{"__time":\n{"in":[{"__time":"no"}],"timestamp":1714521600000}\n'
    same(push(server, 'pushed_nested', nested)[1]['rows'], 2)  # the time is a member of the row, not of what is in it
    same(server.value('SELECT MAX(__time) FROM pushed_nested'), '2024-05-01T00:00:00.000Z')
    same('text/csv' in push(server, 'pushed_nested', 'time,n\n2024-05-01,1\n')[1]['hint'], True)
    same(server.sql("SELECT is_realtime, is_published, is_active FROM sys.segments WHERE datasource = 'pushed' GROUP BY 1, 2, 3")[1],
         [[1, 0, 1]])


def refusals(server):
    status, answer, _ = push(server, 'refused', gzip.compress((ROW % 6).encode() * 100)[:-20])
    same(status, 400)
    check('the body' in answer['error'], answer)
    same(push(server, '.hidden', ROW % 1)[0], 400)
    same(push(server, 'refused', ROW % 1, '?batch=')[0], 400)
    same(push(server, 'refused', ROW % 1, '?batch=' + 'x' * 600)[0], 400)
    same(push(server, 'refused', b'\x00\x01binary')[1]['rejected'], 1)  # a row that is none: counted
    blank = push(server, 'refused', b'{"a":\x00\x00}\n')[1]['reasons'][0]['value']
    check('\0' not in blank and blank.startswith('{"a":'), blank)  # strict readers of JSON take the answer
    same(push(server, 'refused', 'n\x00o'.encode('utf-16'))[0], 400)
    same(server.request('GET', '/v1/push/refused')[0], 405)
    same(server.request('GET', '/v1/streams/nobody')[0], 404)
    status, _, answer = server.request('PUT', '/v1/streams/refused', b'{"dataSchema":{"metricsSpec":7}}')
    same(status, 400)
    check('metricsSpec' in json.loads(answer)['error'], answer)


def odd_rows(server):
    """Times that are no times, bytes that are no text, lines without an end: each counted with its reason, the rest is stored."""
    far = ''.join('{"time":%s,"n":1}\n' % t for t in (10**17, -10**17, 9 * 10**18, '1e300', '"+3170843-11-07T09:46:40Z"', 1714521600000000))
    answer = push(server, 'odd', far + ROW % 1)[1]
    same((answer['rows'], answer['rejected'], {r['reason'] for r in answer['reasons']}),
         (1, 6, {"'time' is not in the years 0 to 9999, read as milliseconds or ISO"}))
    spec = {'dataSchema': {'timestampSpec': {'column': 'time', 'format': 'millis'}, 'dimensionsSpec': {'dimensions': ['n']}}}
    same(server.request('PUT', '/v1/streams/far', json.dumps(spec).encode())[0], 200)
    answer = push(server, 'far', far)[1]  # what Druid takes is taken where a spec says so
    same((answer['rows'], answer['rejected']), (3, 3))
    check('is out of range' in answer['reasons'][0]['reason'], answer)
    same(server.request('POST', '/v1/streams/far/publish')[0], 200)
    same(server.value("SELECT MAX(__time) FROM far"), '3170843-11-07T09:46:40.000Z')
    same(push(server, 'odd', b'{"time":1,"k":"a\xff\xfe\xc3","n":2}\n')[1]['rows'], 1)
    same(server.value('SELECT k FROM odd WHERE n = 2'), 'a\ufffd\ufffd\ufffd')
    answer = push(server, 'odd', b'{"time":1,"k":"' + b'x' * (100 << 20) + b'"}\n' + (ROW % 3).encode())[1]
    same((answer['rows'], answer['rejected'], answer['reasons'][0]['line']), (1, 1, 1))
    same(server.value('SELECT COUNT(*) FROM odd'), 3)


def batches(server):
    body = ''.join(ROW % i for i in range(10)) + 'bad\n'
    first = push(server, 'batched', body, '?batch=one')[1]
    same((first['rows'], first['rejected'], first['duplicate']), (10, 1, False))
    for _ in range(2):
        same(push(server, 'batched', body, '?batch=one')[1], {'rows': 10, 'rejected': 1, 'duplicate': True})
        same(push(server, 'batched', ROW % 1, '?batch=one')[0], 409)
        same(server.value('SELECT COUNT(*) FROM batched'), 10)
        same(server.request('POST', '/v1/streams/batched/publish')[0], 200)
    same(server.value("SELECT SUM(is_published) FROM sys.segments WHERE datasource = 'batched'"), 1)


def other_types(server):
    """A row of another shape changes the type of a column, not what can be asked."""
    push(server, 'shapes', '{"time":1,"u":"plain","n":7}\n{"time":2,"n":null}\n')
    push(server, 'shapes', '{"time":3,"u":{"a":1},"n":[1,2]}\n')
    want = [['"plain"', [7]], [None, None], ['{"a":1}', [1, 2]]]
    for _ in range(2):
        same(server.sql('SELECT u, n FROM shapes ORDER BY __time', context={'sqlStringifyArrays': False})[1], want)
        same(server.sql("SELECT JSON_VALUE(u, '$.a'), ARRAY_LENGTH(n) FROM shapes ORDER BY __time")[1], [[None, 1], [None, None], ['1', 2]])
        same(server.request('POST', '/v1/streams/shapes/publish')[0], 200)


def same_batch_at_once(server):
    """Clients that repeat too early: one is taken, all are told the same."""
    body, told = ''.join(ROW % i for i in range(500)), []

    def one():
        import http.client
        link = http.client.HTTPConnection('127.0.0.1', server.port)
        link.request('POST', '/v1/push/at_once?batch=b', body.encode())
        told.append(json.loads(link.getresponse().read()))
        link.close()
    threads = [threading.Thread(target=one) for _ in range(12)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    same(sorted(t['duplicate'] for t in told), [False] + [True] * 11)
    same({t['rows'] for t in told}, {500})
    same(server.value('SELECT COUNT(*) FROM at_once'), 500)


def declared(server):
    spec = {'dataSchema': {'timestampSpec': {'column': 'at', 'format': 'millis'}, 'dimensionsSpec': {'dimensions': ['k']},
                           'metricsSpec': [{'type': 'count', 'name': 'rows'}, {'type': 'doubleSum', 'name': 'x', 'fieldName': 'x'},
                                           {'type': 'HLLSketchBuild', 'name': 'users', 'fieldName': 'u'}],
                           'granularitySpec': {'segmentGranularity': 'HOUR', 'queryGranularity': 'MINUTE', 'rollup': True},
                           'transformSpec': {'filter': {'type': 'not', 'field': {'type': 'selector', 'dimension': 'k', 'value': 'no'}}}}}
    status, _, answer = server.request('PUT', '/v1/streams/declared', json.dumps(spec).encode())
    check(status == 200, answer)
    for part in range(20):
        rows = [{'at': 1714521600000 + part, 'k': 'ab'[i % 2], 'x': 0.5, 'u': 'user%d' % (part * 10 + i)} for i in range(10)]
        status, answer, _ = push(server, 'declared', '\n'.join(map(json.dumps, rows + [{'at': 1, 'k': 'no'}])))
        check(status == 200, answer)
        same((answer['rows'], answer['filtered']), (10, 1))
    query = 'SELECT k, SUM("rows"), SUM(x), ROUND(APPROX_COUNT_DISTINCT_DS_HLL(users)) FROM declared GROUP BY k ORDER BY k'
    want = [['a', 100, 50.0, 100], ['b', 100, 50.0, 100]]
    same(server.sql(query)[1], want)
    same(server.request('POST', '/v1/streams/declared/publish')[0], 200)
    same(server.sql(query)[1], want)
    same(server.sql('SELECT COUNT(*) FROM declared')[1], [[2]])
    same(server.get_json('/v1/streams/declared')['rowsInMemory'], 0)


def survives(_):
    with Server() as server:
        for i in range(30):
            push(server, 'kept', ROW % i, '?batch=b%d' % i)
        server.kill()
        server.start()
        same(server.sql('SELECT COUNT(*), SUM(n) FROM kept')[1], [[30, 435]])
        for i in range(30):
            check(push(server, 'kept', ROW % i, '?batch=b%d' % i)[1]['duplicate'])
        same(server.request('POST', '/v1/streams/kept/publish')[0], 200)
        server.kill()
        server.start()
        same(server.sql('SELECT COUNT(*), SUM(n) FROM kept')[1], [[30, 435]])
        check(push(server, 'kept', ROW % 3, '?batch=b3')[1]['duplicate'])
        server.stop()
        server.start()
        same(server.sql('SELECT COUNT(*), SUM(n) FROM kept')[1], [[30, 435]])


def back_pressure(_):
    with Server(args=['--stream-memory', '300KiB']) as server:
        body = ''.join('{"time":"2024-05-01","k":"%x","n":%d}\n' % (i * 2654435761 % 2**32, i) for i in range(1000))
        taken = refused = 0
        for _ in range(60):
            status, answer, headers = push(server, 'much', body)
            if status == 200:
                taken += answer['rows']
            else:
                same(status, 429)
                check(int(headers['retry-after']) >= 1, headers)
                refused += 1
        same(server.value('SELECT COUNT(*) FROM much'), taken)
        check(taken > 0, taken)
        same(server.request('POST', '/v1/streams/much/publish')[0], 200)
        same(server.value('SELECT COUNT(*) FROM much'), taken)
        check('ovate_push_refused_total %d' % refused in server.request('GET', '/metrics')[2].decode(), refused)


def repeated_without_room(_):
    """A batch that would not fit beside what is there is answered when it comes again."""
    with Server(args=['--stream-memory', '300KiB']) as server:
        body = ''.join(ROW % n for n in range(5000))
        same(push(server, 'repeated', body, '?batch=large')[1]['rows'], 5000)
        same(push(server, 'repeated', ROW % 1)[0], 200)
        same(push(server, 'repeated', body, '?batch=another')[0], 429)
        for sent in (body.encode(), gzip.compress(body.encode())):
            same(push(server, 'repeated', ROW % 1)[0], 200)
            same(push(server, 'repeated', sent, '?batch=large')[:2], (200, {'rows': 5000, 'rejected': 0, 'duplicate': True}))
            same(push(server, 'repeated', sent[:-40] + ROW.encode(), '?batch=large')[0], 400 if sent[:1] == b'\x1f' else 409)
        same(server.value('SELECT COUNT(*) FROM repeated'), 5003)


def replaced_and_dropped(server):
    """What replaces or drops a datasource means its rows in memory too."""
    push(server, 'gone', ROW % 1)
    task = json.loads(server.post('/druid/v2/sql/task', {'query': "REPLACE INTO gone OVERWRITE ALL SELECT __time, k, n + 10 AS n FROM gone "
                                                         "PARTITIONED BY DAY"})[2])['taskId']
    same(server.wait_task(task)['status'], 'SUCCESS')
    same(server.sql('SELECT COUNT(*), SUM(n) FROM gone')[1], [[1, 11]])
    push(server, 'gone', ROW % 2)
    same(server.sql('SELECT COUNT(*), SUM(n) FROM gone')[1], [[2, 13]])
    server.request('DELETE', '/druid/coordinator/v1/datasources/gone')
    same(server.sql("SELECT COUNT(*) FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_NAME = 'gone'")[1], [[0]])
    push(server, 'gone', ROW % 3)
    same(server.sql('SELECT COUNT(*), SUM(n) FROM gone')[1], [[1, 3]])


def cases(server):
    for function in (formats, refusals, odd_rows, batches, other_types, same_batch_at_once, declared, replaced_and_dropped, survives,
                     back_pressure, repeated_without_room):
        yield function.__name__.replace('_', ' '), lambda f=function: f(server)
