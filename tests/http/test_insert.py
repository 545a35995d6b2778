"""INSERT and REPLACE as tasks: what lands where, what is refused, and in which words."""
import json

from test_formats import check, same


def run(server, sql, context=None, expect='SUCCESS'):
    """The statement as a task, to its end: its status object."""
    status, _, answer = server.post('/druid/v2/sql/task', {'query': sql, 'context': context or {}})
    check(status == 202, answer)
    answer = json.loads(answer)
    same(answer['state'], 'RUNNING')
    state = server.wait_task(answer['taskId'])
    check((state['status'], state['type']) == (expect, 'query_controller'), state)
    return state


def refused(server, sql, words, path='/druid/v2/sql/task'):
    status, _, answer = server.post(path, {'query': sql})
    check(status == 400, answer)
    answer = json.loads(answer)
    if path.endswith('/task'):
        check(answer['state'] == 'FAILED' and answer['taskId'].startswith('query-'), answer)
        answer = answer['error']
    check(words in answer['errorMessage'], answer)


FOUR = """(VALUES ('2024-01-01T05:00:00Z', 'b', 1), ('2024-01-02T00:00:00Z', 'a', 2), ('2024-01-01T00:00:00Z', 'a', 3),
          ('2024-02-01T00:00:00Z', 'c', 4)) AS v(t, k, n)"""


def life(server):
    state = run(server, 'INSERT INTO ins SELECT TIME_PARSE(t) AS __time, k, n FROM %s PARTITIONED BY DAY' % FOUR)
    same(state['dataSource'], 'ins')
    same(server.sql('SELECT k, n FROM ins ORDER BY __time')[1], [['a', 3], ['b', 1], ['a', 2], ['c', 4]])
    same(server.value("SELECT COUNT(*) FROM sys.segments WHERE datasource = 'ins'"), 3)
    report = server.get_json('/druid/indexer/v1/task/%s/reports' % state['id'])['multiStageQuery']['payload']
    same(report['status']['status'], 'SUCCESS')
    same(report['counters']['1']['0']['segmentGenerationProgress']['rowsProcessed'], 4)
    run(server, "INSERT INTO ins (k, __time, n) SELECT 'z', TIMESTAMP '2024-01-01', 9 PARTITIONED BY ALL TIME")
    same(server.value('SELECT SUM(n) FROM ins'), 19)
    task = server.get_json('/druid/indexer/v1/task/' + state['id'])['payload']
    same((task['type'], task['spec']['destination']['segmentGranularity']), ('query_controller', 'DAY'))


def replace(server):
    run(server, 'REPLACE INTO rep OVERWRITE ALL SELECT TIME_PARSE(t) AS __time, k, n FROM %s PARTITIONED BY DAY' % FOUR)
    run(server, "REPLACE INTO rep OVERWRITE WHERE __time >= TIMESTAMP '2024-01-01' AND __time < TIMESTAMP '2024-02-01' "
                "SELECT __time, k, n * 10 AS n FROM rep WHERE k = 'a' AND n = 2 PARTITIONED BY DAY")
    same(server.sql('SELECT k, n FROM rep ORDER BY __time')[1], [['a', 20], ['c', 4]])
    state = run(server, "REPLACE INTO rep OVERWRITE WHERE __time >= TIMESTAMP '2024-01-01' AND __time < TIMESTAMP '2024-01-02' "
                        'SELECT __time, k, n FROM rep PARTITIONED BY DAY', expect='FAILED')
    check('outside of bounds specified by OVERWRITE WHERE' in state['errorMsg'], state)
    run(server, 'REPLACE INTO rep OVERWRITE ALL SELECT __time, n FROM rep PARTITIONED BY ALL')
    same(server.sql('SELECT * FROM rep ORDER BY __time')[1], [['2024-01-02T00:00:00.000Z', 20], ['2024-02-01T00:00:00.000Z', 4]])
    run(server, 'REPLACE INTO rep OVERWRITE ALL SELECT __time, n FROM rep PARTITIONED BY MONTH')
    same(server.value('SELECT SUM(n) FROM rep'), 24)
    run(server, 'REPLACE INTO rep OVERWRITE ALL SELECT * FROM rep WHERE n < 0 PARTITIONED BY DAY')
    same(server.value('SELECT COUNT(*) FROM rep'), 0)


def types(server):
    run(server, "REPLACE INTO typ OVERWRITE ALL SELECT TIMESTAMP '2024-01-01' AS __time, 's' AS s, 1 AS l, 1.5 AS d, "
                "CAST(0.1 AS FLOAT) AS f, TRUE AS b, CAST(NULL AS VARCHAR) AS nothing, ARRAY['y', 'x'] AS texts, "
                "ARRAY[2, 1] AS longs, ARRAY[0.5] AS doubles, STRING_TO_MV('q,p', ',') AS mv, "
                "ARRAY_TO_MV(ARRAY['m', 'n']) AS mv2, JSON_OBJECT('a': 1) AS j PARTITIONED BY ALL")
    found = server.sql("SELECT COLUMN_NAME, DATA_TYPE FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = 'typ'")[1]
    same(sorted(map(tuple, found)), sorted([
        ('__time', 'TIMESTAMP'), ('s', 'VARCHAR'), ('l', 'BIGINT'), ('d', 'DOUBLE'), ('f', 'FLOAT'), ('b', 'BIGINT'),
        ('nothing', 'VARCHAR'), ('texts', 'ARRAY'), ('longs', 'ARRAY'), ('doubles', 'ARRAY'),
        ('mv', 'VARCHAR'), ('mv2', 'VARCHAR'), ('j', 'COMPLEX<json>')]))
    same(server.sql("SELECT s, l, d, b, nothing, ARRAY_TO_STRING(texts, ','), ARRAY_TO_STRING(longs, ','), "
                    "MV_TO_STRING(mv, ','), MV_LENGTH(mv2), JSON_VALUE(j, '$.a') FROM typ")[1],
         [['s', 1, 1.5, 1, None, 'y,x', '2,1', 'q,p', 2, '1']])
    same(server.value("SELECT COUNT(*) FROM typ WHERE MV_CONTAINS(mv2, ARRAY['m', 'n'])"), 1)
    arrays = "REPLACE INTO typ2 OVERWRITE ALL SELECT TIMESTAMP '2024-01-01' AS __time, ARRAY%s AS a PARTITIONED BY ALL"
    run(server, arrays % "['u', 'v']", {'arrayIngestMode': 'mvd'})
    same(server.value('SELECT MV_LENGTH(a) FROM typ2'), 2)
    run(server, arrays % '[1]', {'arrayIngestMode': 'mvd'}, expect='FAILED')
    run(server, arrays % "['u']", {'arrayIngestMode': 'none'}, expect='FAILED')
    # a column of documents, arrays and plain values in different segments is a column of documents
    for day, value in enumerate(["PARSE_JSON('{\"x\":1}')", 'ARRAY[1, 2]', "ARRAY['s', NULL]", '5', "'tx'"], 1):
        run(server, "INSERT INTO typ3 SELECT TIMESTAMP '2024-01-0%d' AS __time, %s AS v PARTITIONED BY DAY" % (day, value))
    same(server.sql("SELECT TO_JSON_STRING(v), JSON_VALUE(v, '$[1]' RETURNING BIGINT), JSON_VALUE(v, '$.x') FROM typ3 ORDER BY __time")[1],
         [['{"x":1}', None, '1'], ['[1,2]', 2, None], ['["s",null]', None, None], ['5', None, None], ['"tx"', None, None]])

    # no text becomes a sketch: the segment is named, and may be left out
    run(server, "REPLACE INTO typ4 OVERWRITE ALL SELECT TIMESTAMP '2024-01-01' AS __time, 'x' AS u PARTITIONED BY DAY")
    run(server, "INSERT INTO typ4 SELECT TIMESTAMP '2024-01-02' AS __time, DS_HLL(n) AS u FROM (VALUES (1), (2)) AS v(n) PARTITIONED BY DAY")
    for query in ('SELECT COUNT(u) FROM typ4', 'SELECT * FROM typ4'):
        status, _, answer = server.post('/druid/v2/sql', {'query': query})
        check(status == 400 and b"column 'u' is STRING in segment typ4_2024-01-01T" in answer, answer)
    same(server.value("SELECT APPROX_COUNT_DISTINCT_DS_HLL(u) FROM typ4 WHERE __time >= TIMESTAMP '2024-01-02'"), 2)
    same(server.value('SELECT COUNT(*) FROM typ4'), 2)


def appended(server):
    """Tables that differ about a column are read together as segments of one are, by APPEND and by native unions."""
    values = {'plain': "'b'", 'many': "STRING_TO_MV('a,b', ',')", 'longs': '5', 'lists': "ARRAY['b', 'c']", 'docs': "JSON_OBJECT('a': 1)"}
    for name, value in values.items():
        run(server, "REPLACE INTO app_%s OVERWRITE ALL SELECT TIMESTAMP '2024-01-01' AS __time, %s AS v PARTITIONED BY ALL" % (name, value))

    def both(a, b, groups, rows):
        native = {'queryType': 'groupBy', 'dataSource': {'type': 'union', 'dataSources': ['app_' + a, 'app_' + b]}, 'intervals': '2000/3000',
                  'granularity': 'all', 'dimensions': ['v'], 'aggregations': [{'type': 'count', 'name': 'n'}]}
        status, _, body = server.post('/druid/v2', native)
        check(status == 200, body)
        same([[e['event']['v'], e['event']['n']] for e in json.loads(body)], groups)
        same([r[0] for r in server.sql("SELECT v FROM TABLE(APPEND('app_%s', 'app_%s'))" % (a, b), {'sqlStringifyArrays': False})[1]], rows)
    for turn in (lambda *x: x, lambda a, b, groups, rows: (b, a, groups, rows[::-1])):
        both(*turn('longs', 'many', [['5', 1], ['a', 1], ['b', 1]], ['5', '["a","b"]']))
        both(*turn('plain', 'many', [['a', 1], ['b', 2]], ['b', '["a","b"]']))
        both(*turn('many', 'lists', [['a', 1], ['b', 2], ['c', 1]], [['a', 'b'], ['b', 'c']]))
        both(*turn('longs', 'lists', [['5', 1], ['b', 1], ['c', 1]], [['5'], ['b', 'c']]))
        both(*turn('many', 'docs', [['["a","b"]', 1], ['{"a":1}', 1]], ['["a","b"]', '{"a":1}']))
        both(*turn('lists', 'docs', [['["b","c"]', 1], ['{"a":1}', 1]], ['["b","c"]', '{"a":1}']))


def clustered(server):
    values = ', '.join("('2024-01-%02dT%02d:00:00Z', 'k%d', %d)" % (1 + i % 2, i % 24, i * 7 % 10, i) for i in range(200))
    run(server, 'REPLACE INTO clu OVERWRITE ALL SELECT TIME_PARSE(t) AS __time, n, k FROM (VALUES %s) AS v(t, k, n) '
                'PARTITIONED BY DAY CLUSTERED BY k' % values, {'rowsPerSegment': 30})
    same(server.sql('SELECT COUNT(*), SUM(n), COUNT(DISTINCT k) FROM clu')[1], [[200, 19900, 10]])
    sizes = [row[0] for row in server.sql("SELECT num_rows FROM sys.segments WHERE datasource = 'clu' AND is_active = 1")[1]]
    check(len(sizes) >= 6 and max(sizes) <= 60, sizes)
    run(server, 'SET rowsPerSegment = 50; REPLACE INTO clu OVERWRITE ALL SELECT * FROM clu PARTITIONED BY ALL')
    sizes = [row[0] for row in server.sql("SELECT num_rows FROM sys.segments WHERE datasource = 'clu' AND is_active = 1")[1]]
    same(sizes, [50, 50, 50, 50])
    run(server, 'REPLACE INTO clu OVERWRITE ALL SELECT * FROM clu PARTITIONED BY ALL CLUSTERED BY n',
        {'segmentSortOrder': 'n', 'forceSegmentSortByTime': False})
    same([row[0] for row in server.sql('SELECT n FROM clu LIMIT 5')[1]], [0, 1, 2, 3, 4])
    # a key written like an item, over a column that is none of the result
    for items in ('-n AS m, k', 'k, -n AS m', '*, -n AS m', '-n AS m, *'):
        run(server, 'REPLACE INTO clm OVERWRITE ALL SELECT __time AS t, %s FROM clu PARTITIONED BY ALL CLUSTERED BY -n' % items,
            {'rowsPerSegment': 100})
        same(server.sql("SELECT COUNT(*), MIN(m), MAX(m), COUNT(DISTINCT k) FROM clm")[1], [[200, -199, 0, 10]])
    refused(server, 'INSERT INTO x SELECT -n AS m FROM clu PARTITIONED BY ALL CLUSTERED BY n', "Column 'n' not found")


def pruned(server, table, condition):
    """Rows that match, and how many of the table's segments were left out."""
    query = 'SELECT COUNT(*), SUM(n) FROM %s WHERE %s' % (table, condition)
    lines = [row[0] for row in server.sql('EXPLAIN ANALYZE ' + query)[1]]
    same([line.split(':')[0] for line in lines if line.startswith('Bytes read: ')], ['Bytes read'])
    words = [line for line in lines if line.startswith('Segments: ')][0].replace(',', '').split()
    return server.sql(query)[1][0], int(words[1]), int(words[3])


def ranges(server):
    """CLUSTERED BY strings divides each chunk into ranges, which leave segments out of queries; the answers stay."""
    values = ', '.join("('2024-01-%02d', %s, '%s', %d)" % (1 + i % 2, 'NULL' if i % 50 == 0 else "'k%02d'" % (i * 7 % 40), 'xyz'[i % 3], i)
                       for i in range(1200))
    source = 'SELECT TIME_PARSE(t) AS __time, k, l, n FROM (VALUES %s) AS v(t, k, l, n) PARTITIONED BY DAY' % values
    run(server, 'REPLACE INTO ran OVERWRITE ALL %s CLUSTERED BY k, l' % source, {'rowsPerSegment': 50})
    run(server, 'REPLACE INTO ranplain OVERWRITE ALL %s' % source)
    specs = [json.loads(row[0]) for row in server.sql("SELECT shard_spec FROM sys.segments WHERE datasource = 'ran'")[1]]
    same({spec['type'] for spec in specs}, {'range'})
    same(specs[0]['dimensions'], ['k', 'l'])
    for condition in ("k = 'k07'", "k IN ('k00', 'k39', 'nosuch')", "k < 'k03'", "k <= 'k03'", "k > 'k36'", "k >= 'k36'", 'k IS NULL',
                      "k BETWEEN 'k10' AND 'k12'", "k = 'k07' AND l = 'x'", "NOT (k > 'k02')", "k <> 'k07'", "k = 'k07' OR k = 'k08'",
                      "k IS NOT NULL AND n > 5", "k LIKE 'k1%'"):
        got, total, out = pruned(server, 'ran', condition)
        same(got, pruned(server, 'ranplain', condition)[0])
        check(total > 20 and (out > total // 2 or '<>' in condition or 'NOT NULL' in condition), (condition, total, out))


def in_turn(server):
    """Replacements of a table by what it holds do not lose each other's changes, however many are sent at once."""
    run(server, "REPLACE INTO turn OVERWRITE ALL SELECT TIMESTAMP '2024-01-01' AS __time, 0 AS n PARTITIONED BY DAY")
    tasks = []
    for i in range(6):
        sql = ('REPLACE INTO turn OVERWRITE ALL SELECT __time, n + 1 AS n FROM turn PARTITIONED BY DAY' if i % 3 else
               "INSERT INTO turn SELECT TIMESTAMP '2024-01-01' AS __time, 100 AS n PARTITIONED BY DAY")
        tasks.append(json.loads(server.post('/druid/v2/sql/task', {'query': sql})[2])['taskId'])
    for task in tasks:
        same(server.wait_task(task)['status'], 'SUCCESS')
    same(server.sql('SELECT n FROM turn ORDER BY n')[1], [[4], [102], [104]])


def refusals(server):
    for path, words in (('INSERT INTO', 'INSERT operations are not supported by requested SQL engine [native], consider using MSQ.'),
                        ('REPLACE INTO', 'REPLACE operations are not supported by the requested SQL engine [native].')):
        over = ' OVERWRITE ALL' if path.startswith('REPLACE') else ''
        refused(server, path + ' x' + over + ' SELECT 1 AS a PARTITIONED BY ALL', words, '/druid/v2/sql')
    refused(server, 'INSERT INTO "a/b" SELECT 1 AS a PARTITIONED BY ALL', "holds '/' (line [1], column [13])")
    refused(server, 'INSERT INTO x SELECT 1 AS a', 'requires a PARTITIONED BY to be explicitly defined')
    refused(server, 'INSERT INTO x SELECT 1 AS a PARTITIONED BY DAY', 'has no column __time')
    refused(server, 'INSERT INTO x SELECT 1 PARTITIONED BY ALL', 'requires columns to be named')
    refused(server, 'INSERT INTO x SELECT 1 AS a, 2 AS a PARTITIONED BY ALL', 'Duplicate field in SELECT: [a]')
    refused(server, 'INSERT INTO x SELECT 1 AS a PARTITIONED BY FORTNIGHT', 'Invalid granularity after PARTITIONED BY')
    refused(server, 'INSERT INTO sys.x SELECT 1 AS a PARTITIONED BY ALL', 'is not a Druid datasource')
    refused(server, 'INSERT INTO x SELECT 1 AS a PARTITIONED BY ALL CLUSTERED BY a DESC', 'cannot sort in descending order')
    refused(server, "INSERT INTO x SELECT 'a' AS __time PARTITIONED BY ALL", 'was the wrong type')
    refused(server, "REPLACE INTO x OVERWRITE WHERE __time > TIMESTAMP '2024-01-01' SELECT 1 AS a, CURRENT_TIMESTAMP AS __time "
                    'PARTITIONED BY DAY', 'not aligned with PARTITIONED BY granularity')
    refused(server, "REPLACE INTO x OVERWRITE WHERE k > 3 SELECT 1 AS k, CURRENT_TIMESTAMP AS __time PARTITIONED BY DAY", 'it sees __time alone')
    state = run(server, 'INSERT INTO x SELECT CAST(NULL AS TIMESTAMP) AS __time PARTITIONED BY DAY', expect='FAILED')
    check('null timestamp' in state['errorMsg'], state)
    report = server.get_json('/druid/indexer/v1/task/%s/reports' % state['id'])['multiStageQuery']['payload']
    same(report['status']['errorReport']['error']['errorCode'], 'InsertTimeNull')
    run(server, 'INSERT INTO x SELECT a FROM (VALUES (1)) AS v(a) WHERE a > 1 PARTITIONED BY ALL', {'failOnEmptyInsert': True}, expect='FAILED')
    check('x' not in server.get_json('/druid/v2/datasources'))


def context_keys(server):
    """A key of the context that is misspelt is refused when the statement is sent, also one that changes nothing here."""
    insert = "INSERT INTO inskeys SELECT TIMESTAMP '2024-01-01' AS __time, 'z' AS k PARTITIONED BY DAY"
    for key, value, words in (('rowsPerSegment', 0, "from 1 to 1000000000, not '0'"), ('rowsPerSegment', 'x', "not 'x'"),
                              ('rowsPerPage', -1, 'a whole number, 1 or more'), ('maxNumTasks', 'a', 'maxNumTasks must be'),
                              ('arrayIngestMode', 'bad', 'arrayIngestMode must be array, mvd or none'),
                              ('taskAssignment', 'most', "max or auto, not 'most'"), ('selectDestination', 'disk', 'taskReport or durableStorage'),
                              ('sqlJoinAlgorithm', 'hash', 'broadcast or sortMerge'), ('finalizeAggregations', 'maybe', 'true or false'),
                              ('clusterStatisticsMergeMode', 5, 'PARALLEL, SEQUENTIAL or AUTO'), ('indexSpec', 'x', 'an object'),
                              ('segmentSortOrder', {'a': 1}, 'names of columns'), ('failOnEmptyInsert', 1, 'true or false')):
        status, _, answer = server.post('/druid/v2/sql/task', {'query': insert, 'context': {key: value}})
        error = json.loads(answer)
        same((status, error['state'], error['error']['category']), (400, 'FAILED', 'INVALID_INPUT'))
        check(key in error['error']['errorMessage'] and words in error['error']['errorMessage'], answer)
    status, _, answer = server.post('/druid/v2/sql/task', {'query': "SET rowsPerSegment = 'x'; " + insert})
    check(status == 400 and 'rowsPerSegment must be' in json.loads(answer)['error']['errorMessage'], answer)
    check('inskeys' not in server.get_json('/druid/v2/datasources'))
    run(server, insert, {'rowsPerSegment': '100', 'maxNumTasks': 3, 'taskAssignment': 'AUTO', 'selectDestination': 'TASKREPORT',
                         'sqlJoinAlgorithm': 'sortMerge', 'indexSpec': {'bitmap': {'type': 'roaring'}}, 'finalizeAggregations': 'False',
                         'segmentSortOrder': ['__time', 'k'], 'arrayIngestMode': None, 'waitUntilSegmentsLoad': True})
    same(server.value('SELECT COUNT(*) FROM inskeys'), 1)


def explained(server):
    row = server.sql("EXPLAIN PLAN FOR REPLACE INTO t OVERWRITE ALL SELECT 1 AS a, 2 AS b PARTITIONED BY ALL CLUSTERED BY b")[1][0]
    same(json.loads(row[2]), {'statementType': 'REPLACE', 'targetDataSource': 't', 'partitionedBy': {'type': 'all'},
                              'clusteredBy': ['b'], 'replaceTimeChunks': 'all'})
    row = server.sql("EXPLAIN PLAN FOR INSERT INTO t SELECT n AS a FROM TABLE(INLINE(data => '1', format => 'csv')) (n BIGINT) "
                     'PARTITIONED BY ALL')[1][0]
    same(json.loads(row[1]), [{'name': 't', 'type': 'DATASOURCE'}, {'name': 'EXTERNAL', 'type': 'EXTERNAL'}])


def sketches(server):
    """Columns of sketches: built by a grouping, stored as bytes, merged by the same aggregates."""
    values = ', '.join("('2024-01-0%d', 'k%d', 'user %d')" % (1 + i % 3, i % 5, i) for i in range(2000))
    run(server, """REPLACE INTO sketched OVERWRITE ALL SELECT TIME_PARSE(d) AS __time, k, DS_HLL(u) AS h, DS_THETA(u) AS t
        FROM (VALUES %s) AS v(d, k, u) GROUP BY 1, 2 PARTITIONED BY DAY""" % values)
    same(server.sql("SELECT DATA_TYPE FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = 'sketched' AND COLUMN_NAME < 'u' "
                    "AND COLUMN_NAME > 'a' ORDER BY COLUMN_NAME")[1], [['COMPLEX<HLLSketch>'], ['VARCHAR'], ['COMPLEX<thetaSketch>']])
    same(server.sql('SELECT COUNT(*), APPROX_COUNT_DISTINCT_DS_THETA(t), ABS(APPROX_COUNT_DISTINCT_DS_HLL(h) - 2000) < 100 '
                    'FROM sketched')[1], [[15, 2000, True]])
    same(server.sql("SELECT k, THETA_SKETCH_ESTIMATE(t), HLL_SKETCH_ESTIMATE(h, TRUE) FROM sketched WHERE k = 'k1' "
                    "AND __time < TIMESTAMP '2024-01-02'")[1], [['k1', 133.0, 133.0]])
    same(server.sql('SELECT COUNT(*) FROM sketched WHERE h IS NULL')[1], [[0]])
    body = {'queryType': 'groupBy', 'dataSource': 'sketched', 'intervals': '2024/2025', 'granularity': 'all', 'dimensions': [],
            'aggregations': [{'type': 'thetaSketch', 'name': 't', 'fieldName': 't'}]}
    same(json.loads(server.post('/druid/v2', body)[2])[0]['event'], {'t': 2000.0})
    run(server, """REPLACE INTO sketched OVERWRITE ALL SELECT TIMESTAMP '2024-01-01' AS __time,
        COMPLEX_DECODE_BASE64('thetaSketch', 'AQMDAAA6zJNV0wc7TAHpHw==') AS t PARTITIONED BY ALL TIME""")
    same(server.sql('SELECT t FROM sketched')[1], [['"AQMDAAA6zJNV0wc7TAHpHw=="']])


def cases(server):
    for function in (sketches, life, replace, types, appended, clustered, ranges, in_turn, refusals, context_keys, explained):
        yield function.__name__, lambda function=function: function(server)
