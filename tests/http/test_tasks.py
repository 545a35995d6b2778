"""Tasks and datasources over HTTP as Airflow, scripts and consoles use them; every row read is accounted for."""
import json
import time

from test_formats import check, same

ROWS = ['{"t":"2024-01-01T00:00:00Z","k":"a","n":1}', '{"t":"2024-01-01T01:00:00Z","k":"b","n":2}',
        '{"t":"2024-01-02T00:00:00Z","k":"a","n":3}']


def inline(name, lines, **io):
    return {'type': 'index_parallel', 'spec': {
        'dataSchema': {'dataSource': name, 'timestampSpec': {'column': 't', 'format': 'iso'},
                       'dimensionsSpec': {'dimensions': ['k', {'type': 'long', 'name': 'n'}]},
                       'granularitySpec': {'segmentGranularity': 'DAY', 'queryGranularity': 'NONE', 'rollup': False}},
        'ioConfig': dict({'type': 'index_parallel', 'inputSource': {'type': 'inline', 'data': '\n'.join(lines)},
                          'inputFormat': {'type': 'json'}}, **io),
        'tuningConfig': {'type': 'index_parallel'}}}


def life(server):
    status, _, answer = server.post('/druid/indexer/v1/task', inline('life', ROWS))
    same(status, 200)
    task = json.loads(answer)['task']
    check(task.startswith('index_parallel_life_'), task)
    state = server.wait_task(task)
    same((state['id'], state['status'], state['dataSource'], state['type']), (task, 'SUCCESS', 'life', 'index_parallel'))
    check(state['duration'] >= 0, state)
    same(server.get_json('/druid/indexer/v1/task/' + task)['payload']['spec']['dataSchema']['dataSource'], 'life')
    rows = server.get_json('/druid/indexer/v1/task/%s/reports' % task)['ingestionStatsAndErrors']['payload']['rowStats']
    same(rows['buildSegments']['processed'], 3)
    check(task in [t['id'] for t in server.get_json('/druid/indexer/v1/tasks?state=complete')])
    same(server.request('GET', '/druid/indexer/v1/task/%s/log' % task)[0], 200)
    same(server.value('SELECT SUM(n) FROM life'), 6)
    check('life' in server.get_json('/druid/coordinator/v1/datasources'))
    same(server.get_json('/druid/coordinator/v1/datasources/life/loadstatus?forceMetadataRefresh=true&interval=2024/2025'), {'life': 100.0})
    check('life' in server.get_json('/druid/v2/datasources'))
    same(server.value("SELECT COUNT(*) FROM sys.segments WHERE datasource = 'life'"), 2)


def replace_and_append(server):
    server.ingest(inline('change', ROWS))
    server.ingest(inline('change', ROWS, appendToExisting=True))
    same(server.sql('SELECT COUNT(*), SUM(n) FROM change')[1], [[6, 12]])
    # A run without append replaces exactly the days that got rows: the first day here.
    server.ingest(inline('change', ['{"t":"2024-01-01T05:00:00Z","k":"z","n":100}']))
    same(server.sql('SELECT k, n FROM change ORDER BY __time, n')[1], [['z', 100], ['a', 3], ['a', 3]])


def drop_existing(server):
    server.ingest(inline('tomb', ROWS))
    spec = inline('tomb', ['{"t":"2024-01-01T05:00:00Z","k":"z","n":100}'], dropExisting=True)
    spec['spec']['dataSchema']['granularitySpec']['intervals'] = ['2024-01-01/2024-01-03']
    server.ingest(spec)
    same(server.sql('SELECT k, n FROM tomb')[1], [['z', 100]])


def rejects(server):
    lines = ROWS + ['{"t":"2024-01-01T00:00:00Z","k":', 'not json', '{"t":"yesterday","k":"x","n":1}', '{"k":"no time"}']
    spec = inline('rejected', lines)
    spec['spec']['tuningConfig'].update(maxSavedParseExceptions=10, logParseExceptions=True)
    counts = server.ingest(spec)
    same((counts['processed'], counts['unparseable'], counts['thrownAway']), (3, 4, 0))


def outside_interval(server):
    spec = inline('window', ROWS)
    spec['spec']['dataSchema']['granularitySpec']['intervals'] = ['2024-01-02/2024-01-03']
    counts = server.ingest(spec)
    same((counts['processed'], counts['thrownAway'], counts['unparseable']), (1, 2, 0))


def too_many_rejects(server):
    spec = inline('strict', ROWS + ['not json'] * 3)
    spec['spec']['tuningConfig']['maxParseExceptions'] = 1
    task = json.loads(server.post('/druid/indexer/v1/task', spec)[2])['task']
    state = server.wait_task(task)
    same(state['status'], 'FAILED')
    check(state['errorMsg'], state)
    same(server.sql("SELECT COUNT(*) FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_NAME = 'strict'")[1], [[0]])


def drop(server):
    server.ingest(inline('gone', ROWS))
    server.wait_table('gone')
    same(server.request('DELETE', '/druid/coordinator/v1/datasources/gone')[0], 200)
    until = time.monotonic() + 10
    while 'gone' in server.get_json('/druid/coordinator/v1/datasources') and time.monotonic() < until:
        time.sleep(0.05)
    check('gone' not in server.get_json('/druid/coordinator/v1/datasources'), 'still listed')
    same(server.post('/druid/v2/sql', {'query': 'SELECT COUNT(*) FROM gone'})[0], 400)


def same_id_twice(server):
    spec = dict(inline('twice', ROWS), id='my_own_task')
    same(json.loads(server.post('/druid/indexer/v1/task', spec)[2])['task'], 'my_own_task')
    same(server.post('/druid/indexer/v1/task', spec)[0], 400)
    same(server.wait_task('my_own_task')['status'], 'SUCCESS')
    same(server.value('SELECT COUNT(*) FROM twice'), 3)


def restart(server):
    server.ingest(inline('kept', ROWS))
    before = {t['id']: t['status'] for t in server.get_json('/druid/indexer/v1/tasks?state=complete')}
    same(server.stop(), 0)
    server.start()
    same(server.value('SELECT SUM(n) FROM kept'), 6)
    after = {t['id']: t['status'] for t in server.get_json('/druid/indexer/v1/tasks?state=complete')}
    same({k: after.get(k) for k in before}, before)


def rollup(server):
    spec = inline('rolled', ROWS + ROWS)
    schema = spec['spec']['dataSchema']
    schema['granularitySpec'].update(queryGranularity='DAY', rollup=True)
    schema['dimensionsSpec'] = {'dimensions': ['k']}
    schema['metricsSpec'] = [{'type': 'count', 'name': 'rows'}, {'type': 'longSum', 'name': 'n', 'fieldName': 'n'},
                             {'type': 'longMax', 'name': 'm', 'fieldName': 'n'}]
    server.ingest(spec)
    same(server.sql('SELECT __time, k, "rows", n, m FROM rolled ORDER BY __time, k')[1],
         [['2024-01-01T00:00:00.000Z', 'a', 2, 2, 1], ['2024-01-01T00:00:00.000Z', 'b', 2, 4, 2],
          ['2024-01-02T00:00:00.000Z', 'a', 2, 6, 3]])


def types_change(server):
    """A column whose type differs between days is read as what holds every value."""
    def day(number, kind, values):
        lines = ['{"t":"2024-01-0%d","n":%s}' % (number, json.dumps(v)) for v in values]
        spec = inline('turns', lines)
        spec['spec']['dataSchema']['dimensionsSpec'] = {'dimensions': [{'type': kind, 'name': 'n'}]}
        server.ingest(spec)
    day(1, 'long', [1, 2, None])
    day(2, 'double', [2.5])
    same(server.sql('SELECT n FROM turns ORDER BY n')[1], [[None], [1.0], [2.0], [2.5]])
    day(3, 'string', ['x', '2'])
    day(4, 'long', [2])
    same(server.sql('SELECT n, COUNT(*) FROM turns GROUP BY n ORDER BY n')[1],
         [[None, 1], ['1', 1], ['2', 3], ['2.5', 1], ['x', 1]])


def lists_change(server):
    """A multi-value string beside numbers, arrays and documents of other days."""
    def day(number, kind, values):
        lines = ['{"t":"2024-01-0%d","n":%d,"v":%s}' % (number, 10 * number + i, json.dumps(v)) for i, v in enumerate(values)]
        spec = inline('bends', lines)
        spec['spec']['dataSchema']['dimensionsSpec'] = {'dimensions': [{'type': 'long', 'name': 'n'}, {'type': kind, 'name': 'v'}]}
        server.ingest(spec)

    def shown(what='v', where='TRUE'):
        return [row[0] for row in server.sql('SELECT %s FROM bends WHERE %s ORDER BY n' % (what, where), {'sqlStringifyArrays': False})[1]]
    day(1, 'string', [['1', 'x'], '2', None, ['y', None]])
    day(2, 'long', [1, 3, None])
    same(shown(), ['["1","x"]', '2', None, '[null,"y"]', '1', '3', None])
    same(shown('n', "v = '1'"), [10, 20])
    same(server.sql('SELECT v, COUNT(*) FROM bends GROUP BY v ORDER BY v')[1],
         [[None, 3], ['1', 2], ['2', 1], ['3', 1], ['x', 1], ['y', 1]])
    day(3, 'auto', [['1', 'z'], [], None])
    same(shown(), [['1', 'x'], ['2'], None, [None, 'y'], ['1'], ['3'], None, ['1', 'z'], [], None])
    same(shown('n', "ARRAY_CONTAINS(v, '1')"), [10, 20, 30])
    day(4, 'json', [{'a': 1}, 5, None])
    same(shown(), ['["1","x"]', '"2"', None, '[null,"y"]', '1', '3', None, '["1","z"]', '[]', None, '{"a":1}', '5', None])
    same(shown("COALESCE(JSON_VALUE(v, '$[1]'), JSON_VALUE(v, '$.a'))"), ['x', None, None, 'y', None, None, None, 'z', None, None, '1', None, None])


def cases(server):
    for function in (life, replace_and_append, drop_existing, rejects, outside_interval, too_many_rejects, drop,
                     same_id_twice, rollup, types_change, lists_change, restart):
        yield function.__name__.replace('_', ' '), lambda f=function: f(server)
