"""Native JSON queries over HTTP: shapes by type, empty buckets, errors with their place, cancel, ?pretty; and that what
EXPLAIN PLAN FOR prints gives the SQL query's rows."""
import json
import urllib.parse

import explained
from test_formats import check, same

ALL = '1000-01-01/3000-01-01'
YEAR = '2024-01-01/2025-01-01'
COUNT = [{'type': 'count', 'name': 'n'}]
LETTERS = {'type': 'inline', 'columnNames': ['__time', 'x', 'y'], 'columnTypes': ['LONG', 'STRING', 'LONG'],
           'rows': [[0, 'a', 1], [1, 'b', 2], [2, 'b', 3]]}


def ask(server, query, path='/druid/v2', status=200):
    got, headers, answer = server.post(path, query)
    check(got == status, 'want %d, got %d %s' % (status, got, answer[:400]))
    return headers, answer.decode()


def rows(server, **query):
    query.setdefault('dataSource', 'tiny')
    query.setdefault('intervals', ALL)
    return json.loads(ask(server, query)[1])


def place(server, words, status=400, **query):
    query.setdefault('dataSource', 'tiny')
    query.setdefault('intervals', ALL)
    body = json.loads(ask(server, query, status=status)[1])
    for name in ('error', 'errorMessage', 'errorClass', 'host'):
        check(name in body, 'no %s in %s' % (name, body))
    check(words in body['errorMessage'], body['errorMessage'])


def deep(levels):
    text = '{"type":"true"}'
    for _ in range(levels):
        text = '{"type":"not","field":' + text + '}'
    return '{"queryType":"timeseries","dataSource":"tiny","intervals":"2024/2025","granularity":"all","filter":' + text + '}'


def raw(server, body, status):
    got, _, answer = server.request('POST', '/druid/v2', body.encode(), {'Content-Type': 'application/json'})
    check(got == status, 'want %d, got %d %s' % (status, got, answer[:300]))
    return answer


SQL = """SELECT COUNT(*), SUM(l), MIN(d), MAX(d) FROM tiny
SELECT s, COUNT(*), SUM(l) FROM tiny GROUP BY s
SELECT s, COUNT(*) FROM tiny WHERE s IS NOT NULL GROUP BY s ORDER BY 2 DESC, 1 LIMIT 3
SELECT s, SUM(d) FROM tiny GROUP BY 1 ORDER BY 2 DESC LIMIT 2
SELECT TIME_FLOOR(__time, 'PT1H'), COUNT(*), AVG(d) FROM tiny GROUP BY 1
SELECT FLOOR(__time TO DAY), COUNT(*) FROM tiny GROUP BY 1 ORDER BY 1 DESC LIMIT 5
SELECT s, l, d FROM tiny WHERE l BETWEEN 1 AND 5 OR s LIKE 'a%' ORDER BY __time LIMIT 10
SELECT UPPER(s), l + 1, CASE WHEN l > 2 THEN 'big' ELSE 'small' END FROM tiny WHERE s IN ('a', 'b')
SELECT s, COUNT(*) FILTER (WHERE l > 1), COUNT(DISTINCT l) FROM tiny GROUP BY s HAVING COUNT(*) > 0
SELECT AVG(c) FROM (SELECT s, COUNT(*) AS c FROM tiny GROUP BY s)
SELECT a.s, b.l FROM tiny a JOIN tiny b ON a.s = b.s WHERE a.l > 1
SELECT DISTINCT s FROM tiny
SELECT s FROM tiny UNION ALL SELECT s FROM tiny
SELECT 1, 'x'
SELECT COUNT(*) FROM tiny WHERE NOT (s = 'a') AND __time >= TIMESTAMP '2024-01-01 00:00:00'
SELECT s, SUM(l) * 2 + COUNT(*) FROM tiny GROUP BY s ORDER BY 2
SELECT s, RANK() OVER (ORDER BY COUNT(*)), SUM(COUNT(*)) OVER () FROM tiny GROUP BY 1
SELECT s, l, LAG(l) OVER (PARTITION BY s ORDER BY l, d), SUM(l) OVER (PARTITION BY s ORDER BY l, d ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM tiny
SELECT s, NTILE(2) OVER (ORDER BY l, d), MAX(d) OVER (PARTITION BY s ORDER BY l RANGE UNBOUNDED PRECEDING) FROM tiny ORDER BY l, d, s LIMIT 5
SELECT s, FIRST_VALUE(l) OVER (PARTITION BY s ORDER BY l), 1 + DENSE_RANK() OVER (ORDER BY s) FROM tiny
SELECT r, SUM(l) FROM (SELECT l, CUME_DIST() OVER (ORDER BY s) r FROM tiny) GROUP BY r
SELECT s, l, COUNT(*) FROM tiny GROUP BY ROLLUP(s, l)
SELECT s, SUM(d) FROM tiny GROUP BY GROUPING SETS ((s, l), (s), ()) HAVING s = 'a' ORDER BY 2
SELECT s FROM tiny ORDER BY __time DESC
SELECT DISTINCT s FROM tiny ORDER BY s LIMIT 2
SELECT l, COUNT(*) FROM tiny GROUP BY l ORDER BY l DESC LIMIT 3
SELECT s FROM tiny WHERE l BETWEEN 1 AND 3 AND d > 0 AND s LIKE 'a%' AND d < 9
SELECT COUNT(*) FROM tiny WHERE l NOT BETWEEN 1 AND 3
SELECT s, COUNT(*) FROM (SELECT s, l FROM tiny UNION ALL SELECT s, l FROM tiny) GROUP BY s
SELECT EXTRACT(HOUR FROM __time), COUNT(*) FROM tiny GROUP BY 1
SELECT CAST(__time AS VARCHAR), l FROM tiny
SELECT ARRAY_AGG(s), ARRAY_AGG(l), ARRAY_AGG(DISTINCT d) FROM tiny
SELECT s, ARRAY_AGG(t, 2000) FILTER (WHERE l > 1) FROM tiny GROUP BY s
SELECT ARRAY_AGG(s), STRING_AGG(s, ','), BIT_OR(l) FROM tiny WHERE l IS NULL AND l = 1
SELECT s, STRING_AGG(t, ', '), STRING_AGG(DISTINCT CAST(l AS VARCHAR), '') FROM tiny GROUP BY s
SELECT s, BIT_AND(l), BIT_OR(l), BIT_XOR(l) FROM tiny GROUP BY s
SELECT s || CAST(l AS VARCHAR) || t, COUNT(*) FROM tiny GROUP BY 1
SELECT s FROM tiny WHERE s || t = 'ax'
SELECT s, t, COUNT(*), GROUPING(s), GROUPING(t, s) FROM tiny GROUP BY ROLLUP (s, t)
SELECT UPPER(s), GROUPING(UPPER(s)) AS g FROM tiny GROUP BY GROUPING SETS ((UPPER(s)), ()) ORDER BY 2, 1
SELECT s, VAR_POP(l), VAR_SAMP(d), STDDEV_POP(d), STDDEV(l) FROM tiny GROUP BY s
SELECT VARIANCE(l) FILTER (WHERE s = 'a'), STDDEV_SAMP(d) FILTER (WHERE s <> 'b') FROM tiny
SELECT s, APPROX_COUNT_DISTINCT_DS_HLL(t), APPROX_COUNT_DISTINCT_DS_THETA(l), APPROX_COUNT_DISTINCT_DS_HLL(l, 14, 'HLL_8') FROM tiny GROUP BY s
SELECT APPROX_QUANTILE_DS(d, 0.5), APPROX_QUANTILE_DS(l, 1, 64), APPROX_QUANTILE_DS(d, 0.25) FILTER (WHERE s = 'a') FROM tiny
SELECT s, DS_HLL(t), DS_THETA(l), DS_QUANTILES_SKETCH(d) FROM tiny GROUP BY s"""

TREES = (('SELECT a.s, b.l FROM tiny a JOIN tiny b ON a.s = b.s', ['DruidJoinQueryRel(condition=[=($', '  DruidQueryRel(', '  DruidQueryRel(']),
         ('SELECT AVG(c) FROM (SELECT s, COUNT(*) AS c FROM tiny GROUP BY s)', ['DruidOuterQueryRel(', '  DruidQueryRel(']),
         ('SELECT s FROM tiny UNION ALL SELECT s FROM tiny', ['DruidUnionRel(limit=[-1])', '  DruidQueryRel(', '  DruidQueryRel(']),
         ('SELECT x FROM (SELECT ARRAY[l, 1] AS a FROM tiny) t, UNNEST(a) u(x)', ['DruidCorrelateUnnestRel(', '  DruidQueryRel(',
                                                                              '  DruidUnnestRel(expr=[']),
         ('SELECT * FROM sys.segments', ['BindableTableScan(table=[[sys, segments]])']))


def tree(server, sql, heads):
    body = {'query': 'EXPLAIN PLAN FOR ' + sql, 'resultFormat': 'array', 'context': {'useNativeQueryExplain': False}}
    lines = json.loads(server.post('/druid/v2/sql', body)[2])[0][0].splitlines()
    check(len(lines) == len(heads) and all(l.startswith(h) for l, h in zip(lines, heads)), lines)


def explain(server, sql):
    result, why = explained.compare(urllib.parse.urlsplit('http://127.0.0.1:%d' % server.port), sql, {})
    check(result == 'same', '%s: %s %s' % (sql, result, why))


def cases(server):
    n = json.loads(server.post('/druid/v2/sql', {'query': 'SELECT COUNT(*) AS n FROM tiny'})[2])[0]['n']
    yield 'timeseries', lambda: same(
        [r['result'] for r in rows(server, queryType='timeseries', granularity='all', aggregations=COUNT)], [{'n': n}])
    yield 'headers', lambda: same(
        [ask(server, {'queryType': 'timeBoundary', 'dataSource': 'tiny', 'context': {'queryId': 'mine'}})[0].get(h)
         for h in ('x-druid-query-id', 'x-druid-response-context', 'content-type')], ['mine', '{}', 'application/json'])
    yield 'no line feed, no blanks', lambda: check(
        not any(c in ask(server, {'queryType': 'timeBoundary', 'dataSource': 'tiny'})[1] for c in ' \n'), 'white space')
    yield 'pretty', lambda: check(ask(server, {'queryType': 'timeBoundary', 'dataSource': 'tiny'}, '/druid/v2/?pretty')[1].startswith(
        '[ {\n  "timestamp" : "2024'), 'not as Jackson prints')
    yield 'pretty is the same JSON', lambda: same(*[json.loads(ask(server, {
        'queryType': 'scan', 'dataSource': 'tiny', 'intervals': ALL}, path)[1]) for path in ('/druid/v2', '/druid/v2?pretty')])

    def filled(skip, descending=False):
        got = rows(server, queryType='timeseries', intervals=YEAR, granularity='minute', aggregations=COUNT, descending=descending,
                   filter={'type': 'selector', 'dimension': 's', 'value': 'a'}, context={'skipEmptyBuckets': skip})
        return [(r['timestamp'], r['result']['n']) for r in got]
    yield 'empty buckets are filled', lambda: check(
        len(filled(False)) >= len(filled('true')) and [b for b in filled(False) if b[1]] == filled(True), filled(False))
    yield 'and backwards', lambda: same(filled(False)[::-1], filled(False, True))
    inner = {'queryType': 'timeseries', 'dataSource': 'tiny', 'intervals': YEAR, 'granularity': 'minute', 'aggregations': COUNT,
             'filter': {'type': 'selector', 'dimension': 's', 'value': 'a'}}
    yield 'and inside a query', lambda: same(rows(
        server, queryType='timeseries', granularity='all', dataSource={'type': 'query', 'query': inner}, aggregations=[
            {'type': 'count', 'name': 'n'}, {'type': 'longMin', 'name': 'least', 'fieldName': 'n'}])[0]['result'],
        {'n': len(filled(False)), 'least': min(b[1] for b in filled(False))})
    yield 'no such datasource', lambda: same(
        rows(server, queryType='timeseries', granularity='all', aggregations=COUNT, dataSource='nosuch'),
        [{'timestamp': '1000-01-01T00:00:00.000Z', 'result': {'n': 0}}])
    yield 'topN', lambda: same([len(r['result']) for r in rows(
        server, queryType='topN', granularity='all', dimension='s', metric='n', threshold=2, aggregations=COUNT)], [2])
    yield 'groupBy counts all rows', lambda: same(sum(r['event']['n'] for r in rows(
        server, queryType='groupBy', granularity='all', dimensions=['s'], aggregations=COUNT)), n)
    yield 'groupBy as arrays', lambda: same(sum(r[1] for r in rows(
        server, queryType='groupBy', granularity='all', dimensions=['s'], aggregations=COUNT, context={'resultAsArray': True})), n)
    yield 'scan in pieces', lambda: same(
        [len(p['events']) for p in rows(server, queryType='scan', batchSize=4, limit=6)], [4, 2])
    yield 'scan compacted', lambda: same(
        rows(server, queryType='scan', columns=['l', 'nosuch'], resultFormat='compactedList', order='ascending', limit=1)[0]['columns'],
        ['l', 'nosuch'])
    yield 'search', lambda: same(
        {v['value'] for r in rows(server, queryType='search', searchDimensions=['s'], query={'type': 'contains', 'value': 'quoted'})
         for v in r['result']}, {'quoted, comma'})
    yield 'limit 0 is none', lambda: same([len(rows(server, queryType=kind, granularity='all', limit=0, aggregations=COUNT, searchDimensions=['s'], query={'type': 'all'}))
                                           for kind in ('timeseries', 'scan', 'search')], [1, 1, 1])
    for kind in ('timeseries', 'scan', 'search'):
        yield 'a negative limit of ' + kind, lambda k=kind: place(server, 'limit: -1 is not between 0 and ', queryType=k, granularity='all', limit=-1,
                                                                  aggregations=COUNT, searchDimensions=['s'], query={'type': 'all'})
    yield 'segmentMetadata', lambda: same(
        rows(server, queryType='segmentMetadata', merge=True)[0]['numRows'], n)
    yield 'dataSourceMetadata', lambda: check(
        'maxIngestedEventTime' in rows(server, queryType='dataSourceMetadata')[0]['result'], 'no time')
    yield 'grand total', lambda: same(rows(
        server, queryType='timeseries', granularity='day', aggregations=COUNT, context={'grandTotal': True})[-1],
        {'timestamp': None, 'result': {'n': n}})

    yield 'unknown type', lambda: place(server, "queryType: unknown query type 'x'", queryType='x')
    yield 'unknown aggregator', lambda: place(server, 'aggregations[1].type', queryType='timeseries', granularity='all',
                                              aggregations=COUNT + [{'type': 'x', 'name': 'y'}])
    yield 'wrong type', lambda: place(server, 'intervals[0]', queryType='timeseries', granularity='all', intervals=[{}])
    yield 'sketches', lambda: same(rows(server, queryType='timeseries', granularity='all', dataSource=LETTERS, aggregations=[
        {'type': 'HLLSketchBuild', 'name': 'h', 'fieldName': 'x', 'round': True},
        {'type': 'thetaSketch', 'name': 't', 'fieldName': 'y'},
        {'type': 'HLLSketchBuild', 'name': 'g', 'fieldName': 'x', 'shouldFinalize': False},
        {'type': 'filtered', 'filter': {'type': 'selector', 'dimension': 'x', 'value': 'b'},
         'aggregator': {'type': 'thetaSketch', 'name': 'b', 'fieldName': 'y'}}], postAggregations=[
             {'type': 'HLLSketchEstimateWithBounds', 'name': 'p1', 'field': {'type': 'fieldAccess', 'fieldName': 'h'}},
             {'type': 'thetaSketchEstimate', 'name': 'p2', 'field': {
                 'type': 'thetaSketchSetOp', 'func': 'NOT', 'name': 'z', 'fields': [
                     {'type': 'fieldAccess', 'fieldName': 't'}, {'type': 'fieldAccess', 'fieldName': 'b'}]}},
             {'type': 'arithmetic', 'fn': '-', 'name': 'p3', 'fields': [
                 {'type': 'fieldAccess', 'fieldName': 't'}, {'type': 'constant', 'value': 1}]}])[0]['result'],
        {'h': 2, 't': 3.0, 'g': 'AgEHDAMIAgDhUv8P5RCeBg==', 'b': 2.0, 'p1': [2.000000004967054, 2.0, 2.000099863468538],
         'p2': 1.0, 'p3': 2.0})
    yield 'sketches order topN', lambda: same(rows(server, queryType='topN', granularity='all', dataSource=LETTERS, dimension='x',
                                                   threshold=1, metric='t', aggregations=[
        {'type': 'thetaSketch', 'name': 't', 'fieldName': 'y'}])[0]['result'], [{'x': 'b', 't': 2.0}])
    yield 'sketch sizes', lambda: place(server, 'lgK', queryType='timeseries', granularity='all', aggregations=[
        {'type': 'HLLSketchBuild', 'name': 'x', 'fieldName': 's', 'lgK': 30}])
    yield 'a wrong timeout', lambda: place(server, 'timeout', queryType='timeBoundary', context={'timeout': 'x'})
    yield 'deep filters', lambda: raw(server, deep(10000), 400)
    yield 'not so deep filters', lambda: raw(server, deep(90), 200)
    yield 'no JSON', lambda: raw(server, '{bad', 400)
    yield 'a list', lambda: raw(server, '[]', 400)
    yield 'a byte order mark', lambda: raw(server, '\ufeff{"queryType":"timeBoundary","dataSource":"tiny"}', 200)
    yield 'cancel of nobody', lambda: same(server.request('DELETE', '/druid/v2/nobody', b'', {})[0], 202)
    yield 'GET is refused', lambda: same(server.request('GET', '/druid/v2', b'', {})[0], 405)

    def etag():
        query = {'queryType': 'timeBoundary', 'dataSource': 'tiny'}
        tag = ask(server, query)[0]['etag']
        got, _, answer = server.request('POST', '/druid/v2', json.dumps(query).encode(),
                                        {'Content-Type': 'application/json', 'If-None-Match': tag})
        same((got, answer), (304, b''))
        for listed, want in (('"x", W/%s , "y"' % tag, 304), ('"x"', 200), (tag[:-2] + '"', 200)):
            same(server.request('POST', '/druid/v2', json.dumps(query).encode(), {
                'Content-Type': 'application/json', 'If-None-Match': listed})[0], want)
    yield 'ETag', etag

    def etag_lasts():
        query = {'queryType': 'timeBoundary', 'dataSource': 'tiny'}
        tag = ask(server, query)[0]['etag']
        server.stop()
        server.start()
        same(ask(server, query)[0]['etag'], tag)
    yield 'ETag after a restart', etag_lasts
    for sql, heads in TREES:
        yield 'tree of ' + heads[0].split('(')[0], lambda q=sql, h=heads: tree(server, q, h)
    window = dict(queryType='windowOperator', dataSource=LETTERS, outputSignature=[{'name': 'x', 'type': 'STRING'}, {'name': 'w', 'type': 'LONG'}])
    up = {'type': 'naiveSort', 'columns': [{'column': 'x', 'direction': 'ASC'}, {'column': 'y', 'direction': 'DESC'}]}
    by_x = {'type': 'naivePartition', 'partitionColumns': ['x']}
    run = lambda *ops, **more: rows(server, operatorDefinition=list(ops), **dict(window, **more))
    agg = lambda frame: {'type': 'window', 'processor': {'type': 'framedAgg', 'frame': frame, 'aggregations': [
        {'type': 'longSum', 'name': 'w', 'fieldName': 'y'}]}}
    yield 'window', lambda: same(run(up, by_x, {'type': 'window', 'processor': {'type': 'rowNumber', 'outputColumn': 'w'}}),
                                 [['a', 1], ['b', 1], ['b', 2]])
    yield 'window frame', lambda: same(run(up, by_x, agg({'type': 'rows', 'lowerOffset': None, 'upperOffset': 0})), [['a', 1], ['b', 3], ['b', 5]])
    yield 'window frame of older Druids', lambda: same(run(up, by_x, agg(
        {'peerType': 'ROWS', 'lowUnbounded': False, 'lowOffset': 0, 'uppUnbounded': True, 'uppOffset': 0})), [['a', 1], ['b', 5], ['b', 2]])
    yield 'window scan', lambda: same(run(up, by_x, agg({'type': 'unbounded'}), {
        'type': 'scan', 'filter': {'type': 'equals', 'column': 'x', 'matchValueType': 'STRING', 'matchValue': 'b'},
        'offsetLimit': {'offset': 1, 'limit': 1}}), [['b', 5]])
    yield 'window scan of a time', lambda: same(run({'type': 'scan', 'timeRange': '1970-01-01T00:00:00.001Z/2000-01-01'}, up, by_x, agg({'type': 'unbounded'})),
                                                [['b', 5], ['b', 5]])
    yield 'window scan of no time', lambda: place(server, 'operatorDefinition[0].timeRange', operatorDefinition=[
        {'type': 'scan', 'timeRange': 'yesterday'}], **window)
    yield 'unknown operator', lambda: place(server, 'operatorDefinition[0].type', operatorDefinition=[{'type': 'x'}], **window)
    yield 'unknown processor', lambda: place(server, "unknown processor 'x'", operatorDefinition=[
        {'type': 'window', 'processor': {'type': 'x'}}], **window)
    yield 'too many processors', lambda: place(server, 'more than 200', operatorDefinition=[up, {'type': 'window', 'processor': {
        'type': 'composing', 'processors': [{'type': 'rowNumber', 'outputColumn': 'w%d' % i} for i in range(300)]}}], **window)
    yield 'no such estimator', lambda: place(
        server, 'expected sample or population', queryType='timeseries', granularity='all',
        aggregations=[{'type': 'variance', 'name': 'v', 'fieldName': 'l', 'estimator': 'bogus'}])
    yield 'no such window column', lambda: place(server, "there is no column 'w'", operatorDefinition=[up], **window)
    for i, sql in enumerate(SQL.splitlines()):
        yield 'explained %d' % (i + 1), lambda q=sql: explain(server, q)
