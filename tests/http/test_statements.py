"""Asynchronous statements: their life, their pages, their refusals, and what a restart leaves of them."""
import json
import os
import time

from test_formats import check, same

PATH = '/druid/v2/sql/statements'


def start(server, sql, context=None, **fields):
    status, _, answer = server.post(PATH, dict(fields, query=sql, context=dict(context or {}, executionMode='ASYNC')))
    check(status == 200, answer)
    first = json.loads(answer)
    check(first['state'] in ('ACCEPTED', 'RUNNING', 'SUCCESS', 'FAILED') and first['queryId'].startswith('query-'), first)
    return first


def finish(server, query_id, seconds=60):
    until = time.monotonic() + seconds
    while True:
        state = server.get_json(PATH + '/' + query_id)
        if state['state'] in ('SUCCESS', 'FAILED') or time.monotonic() > until:
            return state
        time.sleep(0.01)


def results(server, query_id, words=''):
    status, _, answer = server.request('GET', PATH + '/%s/results%s' % (query_id, words))
    check(status == 200, answer)
    return answer.decode()


def select(server):
    first = start(server, "SELECT k, n, TIMESTAMP '2024-01-01' AS t, ARRAY[n, 2] AS a FROM (VALUES ('a', 1), ('b', 2)) AS v(k, n)")
    same(first['schema'], [{'name': 'k', 'type': 'CHAR', 'nativeType': 'STRING'},
                           {'name': 'n', 'type': 'INTEGER', 'nativeType': 'LONG'},
                           {'name': 't', 'type': 'TIMESTAMP', 'nativeType': 'LONG'},
                           {'name': 'a', 'type': 'ARRAY', 'nativeType': 'ARRAY<LONG>'}])
    done = finish(server, first['queryId'])
    same((done['state'], done['queryId'], done['createdAt']), ('SUCCESS', first['queryId'], first['createdAt']))
    result = done['result']
    same((result['numTotalRows'], result['dataSource'], [page['numRows'] for page in result['pages']]), (2, '__query_select', [2]))
    same(result['sampleRecords'][0][:3], ['a', 1, 1704067200000])
    want = [{'k': 'a', 'n': 1, 't': '2024-01-01T00:00:00.000Z', 'a': '[1,2]'}, {'k': 'b', 'n': 2, 't': '2024-01-01T00:00:00.000Z', 'a': '[2,2]'}]
    same(json.loads(results(server, first['queryId'])), want)
    same(json.loads(results(server, first['queryId'], '?page=0&resultFormat=object')), want)
    same(results(server, first['queryId'], '?resultFormat=csv'), 'a,1,2024-01-01T00:00:00.000Z,"[1,2]"\nb,2,2024-01-01T00:00:00.000Z,"[2,2]"\n\n')
    check('counters' in server.get_json(PATH + '/%s?detail=true' % first['queryId']))
    same(server.request('DELETE', PATH + '/' + first['queryId'])[0], 200)


def pages(server):
    values = ', '.join("(%d, 'text %d', %s)" % (i, i % 7, 'NULL' if i % 5 == 0 else i / 4) for i in range(2500))
    query = "SELECT n, CASE WHEN n = 3 THEN NULL ELSE s END AS s, d, ARRAY[s, NULL] AS a FROM (VALUES %s) AS v(n, s, d)" % values
    first = start(server, query, {'rowsPerPage': 1000}, resultFormat='array')
    done = finish(server, first['queryId'])
    same([(page['id'], page['numRows']) for page in done['result']['pages']], [(0, 1000), (1, 1000), (2, 500)])
    whole = json.loads(results(server, first['queryId']))
    same(whole, server.sql(query)[1])
    parts = [json.loads(results(server, first['queryId'], '?page=%d' % i)) for i in range(3)]
    same(sum(parts, []), whole)
    status, _, answer = server.request('GET', PATH + '/%s/results?page=3' % first['queryId'])
    same((status, json.loads(answer)['errorMessage']), (400, 'Page number [3] is out of the range of results'))
    status, _, answer = server.request('GET', PATH + '/%s/results?page=-1' % first['queryId'])
    same(status, 400)
    empty = finish(server, start(server, 'SELECT 1 AS a FROM (VALUES (1)) AS v(a) WHERE a > 1')['queryId'])
    same((empty['state'], empty['result']['numTotalRows'], empty['result']['pages']), ('SUCCESS', 0, []))
    same(json.loads(results(server, empty['queryId'])), [])


def insert(server):
    first = start(server, "REPLACE INTO stmt OVERWRITE ALL SELECT TIMESTAMP '2024-01-01' AS __time, 7 AS n PARTITIONED BY DAY")
    done = finish(server, first['queryId'])
    same((done['state'], done['result']['dataSource'], done['result']['numTotalRows']), ('SUCCESS', 'stmt', 1))
    check('schema' not in done and done['result']['totalSizeInBytes'] > 100, done)
    ranges = finish(server, start(server, "REPLACE INTO stmt OVERWRITE ALL SELECT TIMESTAMP '2024-01-01' AS __time, n, s "
                                  "FROM (VALUES (3, 'a'), (4, 'b')) AS v(n, s) PARTITIONED BY DAY CLUSTERED BY s", {'rowsPerSegment': 1})['queryId'])
    for task, spec in ((done, 'NumberedShardSpec'), (ranges, 'DimensionRangeShardSpec')):
        report = server.get_json('/druid/indexer/v1/task/%s/reports' % task['queryId'])
        same(report['multiStageQuery']['payload']['segmentReport']['shardSpec'], spec)
    same(results(server, first['queryId']), '')
    same(server.value('SELECT SUM(n) FROM stmt'), 7)
    listed = server.get_json('/druid/indexer/v1/tasks?type=query_controller')
    check(first['queryId'] in [task['id'] for task in listed])
    failed = finish(server, start(server, 'INSERT INTO stmt SELECT CAST(NULL AS TIMESTAMP) AS __time PARTITIONED BY DAY')['queryId'])
    same((failed['state'], failed['errorDetails']['errorCode']), ('FAILED', 'InsertTimeNull'))
    status, _, answer = server.request('GET', PATH + '/%s/results' % failed['queryId'])
    same((status, 'failed. Check the status api' in json.loads(answer)['errorMessage']), (400, True))


def refusals(server):
    status, _, answer = server.post(PATH, {'query': 'SELECT 1'})
    same((status, json.loads(answer)['errorMessage']),
         (400, 'Execution mode is not provided to the sql statement api. Please set [executionMode] to [ASYNC] in the query context'))
    status, _, answer = server.post(PATH, {'query': 'SELECT 1', 'context': {'executionMode': 'SYNC'}})
    check(status == 400 and 'does not support the provided execution mode [SYNC]' in json.loads(answer)['errorMessage'], answer)
    status, _, answer = server.post(PATH, {'query': "SET executionMode = 'SYNC'; SELECT 1", 'context': {'executionMode': 'ASYNC'}})
    check(status == 400 and 'does not support the provided execution mode [SYNC]' in json.loads(answer)['errorMessage'], answer)
    status, _, answer = server.post(PATH, {'query': "SET executionMode = 'async'; SELECT 1 AS a"})
    same((status, finish(server, json.loads(answer)['queryId'])['state']), (200, 'SUCCESS'))
    first = finish(server, start(server, "SELECT 'x' AS a, 1 AS n")['queryId'])
    same(results(server, first['queryId'], '?resultFormat=csv&header=true'), 'a,n\nx,1\n\n')
    same(json.loads(results(server, first['queryId'], '?resultFormat=array&header=true&sqlTypesHeader=true')), [['a', 'n'], ['CHAR', 'INTEGER'], ['x', 1]])
    status, _, answer = server.post(PATH, {'query': 'SELECT nosuch', 'context': {'executionMode': 'ASYNC'}})
    same((status, json.loads(answer)['error']), (400, 'druidException'))
    for method, path in (('GET', '/query-nosuch'), ('GET', '/query-nosuch/results'), ('DELETE', '/query-nosuch')):
        status, _, answer = server.request(method, PATH + path)
        same((status, json.loads(answer)['errorCode']), (404, 'notFound'))
        check('Query [query-nosuch] was not found.' in json.loads(answer)['errorMessage'], answer)
    same(server.get_json(PATH + '/enabled'), {'enabled': True})
    status, _, answer = server.post('/druid/v2/sql/task', {'query': 'EXPLAIN PLAN FOR SELECT 1 AS a'})
    same((status, 'PLAN' in json.loads(answer)[0]), (200, True))


def cancel(server):
    """A sort of many rows takes a while; the statement is told to stop and says so."""
    numbers = "TABLE(INLINE(data => ARRAY['%s'], format => 'csv')) (n BIGINT)" % "','".join(map(str, range(300)))
    query = 'SELECT SUM(a.n * b.n * c.n) AS s FROM %s AS a CROSS JOIN %s AS b CROSS JOIN %s AS c CROSS JOIN %s AS d' % ((numbers,) * 4)
    first = start(server, query)
    begun = time.monotonic()
    same(server.request('DELETE', PATH + '/' + first['queryId'])[0], 202)
    done = finish(server, first['queryId'])
    same((done['state'], done['errorDetails']['errorCode']), ('FAILED', 'Canceled'))
    check(time.monotonic() - begun < 20, 'it took %.1f s to stop' % (time.monotonic() - begun))


def restart(server):
    kept = finish(server, start(server, "SELECT 'kept' AS a", {'sqlTimeZone': 'Asia/Kolkata'})['queryId'])
    server.stop()
    server.start()
    again = server.get_json(PATH + '/' + kept['queryId'])
    same((again['state'], again['result']), ('SUCCESS', kept['result']))
    same(json.loads(results(server, kept['queryId'])), [{'a': 'kept'}])
    os.unlink(os.path.join(server.data, 'results', kept['queryId'] + '.ovr'))
    status, _, answer = server.request('GET', PATH + '/%s/results' % kept['queryId'])
    same((status, 'no longer present' in json.loads(answer)['errorMessage']), (404, True))


def half_written(server):
    """What a killed SELECT left of its result goes at the next start."""
    folder = os.path.join(server.data, 'results')
    os.makedirs(folder, exist_ok=True)
    left = os.path.join(folder, 'query-of-somebody.ovr.part')
    with open(left, 'w', encoding='utf-8') as file:
        file.write('x')
    server.stop()
    server.start()
    check(not os.path.exists(left), 'it is still there')


def cases(server):
    for function in (select, pages, insert, refusals, cancel, restart, half_written):
        yield function.__name__, lambda function=function: function(server)
