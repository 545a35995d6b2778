"""What consoles and clients ask beside queries: datasources, segments, rules, load status, servers, supervisors."""
import http.client
import json
import threading
import time

from test_formats import check, same
from test_tasks import ROWS, inline

C = '/druid/coordinator/v1'
I = '/druid/indexer/v1'


def table(server, name):
    if name not in server.get_json('/druid/v2/datasources'):
        server.ingest(inline(name, ROWS))
        server.wait_table(name)
    return name


def empty(server, method, path, status, body=None):
    got = server.request(method, path, body)
    same((got[0], bytes(got[2]) if isinstance(got[2], (bytes, bytearray)) else got[2].encode()), (status, b''))


def text(server, path, status, want):
    got = server.request('GET', path)
    answer = got[2].decode() if isinstance(got[2], (bytes, bytearray)) else got[2]
    same((got[0], answer), (status, want))


def columns(server):
    t = table(server, 'shown')
    both = {'dimensions': ['k', 'n'], 'metrics': []}
    # Druid answers two empty lists for data older than two weeks; clients that fill pickers from it want the columns.
    for tail in ('', '/', '?interval=2024-01-01/2024-02-01', '?simple&interval=2024-01-01/2024-02-01'):
        same(server.get_json('/druid/v2/datasources/%s%s' % (t, tail)), both)
    same(server.get_json('/druid/v2/datasources/%s?interval=2015-01-01_2016-01-01' % t), {'dimensions': [], 'metrics': []})
    same(server.get_json('/druid/v2/datasources/%s?full' % t), {})
    same(server.get_json('/druid/v2/datasources/%s?simple' % t), {'dimensions': [], 'metrics': []})
    same(server.get_json('/druid/v2/datasources/%s?full&interval=2024-01-02/2024-01-03' % t),
         {'2024-01-02T00:00:00.000Z/2024-01-03T00:00:00.000Z': both})
    same(server.get_json('/druid/v2/datasources/nobody'), {'dimensions': [], 'metrics': []})
    same(server.get_json('/druid/v2/datasources/nobody/dimensions'), [])
    same(server.request('GET', '/druid/v2/datasources/%s?interval=soon' % t)[0], 400)


def candidates(server):
    t = table(server, 'shown')
    path = '/druid/v2/datasources/%s/candidates?intervals=' % t
    parts = server.get_json(path + '2024-01-01T12/2024-01-02T12')
    same([p['interval'] for p in parts], ['2024-01-01T12:00:00.000Z/2024-01-02T00:00:00.000Z',
                                          '2024-01-02T00:00:00.000Z/2024-01-02T12:00:00.000Z'])
    same(parts[0]['locations'][0]['type'], 'historical')
    same(server.get_json(path + '2015/2016'), [])
    query = {'queryType': 'timeseries', 'dataSource': {'type': 'table', 'name': t}, 'intervals': ['2024-01-01/2024-01-02'],
             'granularity': 'all'}
    for asked in (query, {'queryType': 'groupBy', 'dataSource': {'type': 'query', 'query': query}, 'intervals': '2000/3000'}):
        status, _, answer = server.post('/druid/v2/candidates', asked)
        same((status, len(json.loads(answer))), (200, 1))
    for bad in ({'queryType': 'scan'}, {'dataSource': t}, {'dataSource': t, 'intervals': [7]}, [],
                {'dataSource': {'type': 'lookup', 'lookup': 'x'}, 'intervals': '2000/3000'}):
        check(server.post('/druid/v2/candidates', bad)[0] in (400, 501), bad)


def datasources(server):
    t = table(server, 'shown')
    one = server.get_json(C + '/datasources/' + t)
    same((one['segments']['count'], one['segments']['minTime'], one['tiers']['_default_tier']['segmentCount']),
         (2, '2024-01-01T00:00:00.000Z', 2))
    same(one, server.get_json(C + '/datasources/%s?simple' % t))
    full = server.get_json(C + '/datasources/%s?full' % t)
    same((full['name'], len(full['segments']), full['segments'][0]['dimensions']), (t, 2, 'k,n'))
    check(full in server.get_json(C + '/datasources?full'), 'the list lacks it')
    check({'name': t, 'properties': one} in server.get_json(C + '/datasources?simple'), 'the list lacks it')
    same(full, server.get_json(C + '/metadata/datasources/' + t))
    empty(server, 'GET', C + '/datasources/nobody', 204)
    empty(server, 'GET', C + '/metadata/datasources/nobody', 404)
    same(server.get_json(C + '/datasources/%s/tiers' % t), ['_default_tier'])
    empty(server, 'GET', C + '/datasources/nobody/tiers', 204)


def unused(server):
    t = 'put_away'
    server.ingest(inline(t, ROWS))
    same(json.loads(server.request('DELETE', C + '/datasources/' + t)[2])['numChangedSegments'], 2)
    for path in (C + '/metadata/datasources', C + '/datasources', '/druid/v2/datasources'):
        check(t not in server.get_json(path), path)
    check(t in server.get_json(C + '/metadata/datasources?includeUnused'), 'not among the unused')
    same(json.loads(server.post(I + '/datasources/' + t, {})[2])['numChangedSegments'], 2)
    check(t in server.get_json(C + '/metadata/datasources'), 'not back')
    server.request('DELETE', I + '/datasources/' + t)
    empty(server, 'DELETE', C + '/datasources/%s/intervals/2024-01-01_2025-01-01' % t, 200)
    check(t not in server.get_json(C + '/metadata/datasources?includeUnused'), 'killed, and there')


def intervals(server):
    t = table(server, 'shown')
    first, second = '2024-01-01T00:00:00.000Z/2024-01-02T00:00:00.000Z', '2024-01-02T00:00:00.000Z/2024-01-03T00:00:00.000Z'
    path = C + '/datasources/%s/intervals' % t
    same(server.get_json(path), [second, first])
    same([(k, v['count']) for k, v in server.get_json(path + '?simple').items()], [(second, 1), (first, 1)])
    same([list(v.values())[0]['metadata']['interval'] for v in server.get_json(path + '?full').values()], [second, first])
    ids = server.get_json(path + '/2024-01-01_2024-01-02')
    same(len(ids), 1)
    check(ids[0].startswith(t + '_2024-01-01T00:00:00.000Z_2024-01-02T00:00:00.000Z_'), ids)
    same(list(server.get_json(path + '/2024-01-01_2024-01-02?simple')), [first])
    check(server.get_json(C + '/intervals')[first][t]['count'] == 1, 'all intervals')
    empty(server, 'GET', C + '/datasources/nobody/intervals', 204)


def segments(server):
    t = table(server, 'shown')
    ids = server.get_json(C + '/datasources/%s/segments' % t)
    full = server.get_json(C + '/datasources/%s/segments?full' % t)
    same([s['identifier'] for s in full], ids)
    same(server.get_json(C + '/metadata/datasources/%s/segments?full' % t), full)
    same(server.get_json(C + '/metadata/datasources/%s/segments/%s' % (t, ids[0])), full[0])
    same(server.get_json(C + '/datasources/%s/segments/%s' % (t, ids[0]))['metadata'], full[0])
    empty(server, 'GET', C + '/datasources/%s/segments/nothing' % t, 204)
    empty(server, 'GET', C + '/metadata/datasources/%s/segments/nothing' % t, 404)
    empty(server, 'GET', C + '/metadata/datasources/nobody/segments', 404)
    status, _, answer = server.post(C + '/metadata/datasources/%s/segments' % t, ['2024-01-02/2024-01-03'])
    same((status, json.loads(answer)), (200, [i for i in ids if '_2024-01-02T' in i and '_2024-01-03T' in i]))
    same(server.post(C + '/metadata/datasources/%s/segments' % t, {'interval': 1})[0], 400)
    same(server.post(C + '/metadata/datasources/%s/segments' % t, ['2000/2100', 'never'])[0], 400)  # though the first has them all
    same(server.get_json(C + '/metadata/segments?datasources=' + t), full)
    seen = server.get_json(C + '/metadata/segments?includeOvershadowedStatus&datasources=nobody&datasources=' + t)
    same([(s['overshadowed'], s['replicationFactor'], s['realtime']) for s in seen], [(False, 1, False)] * 2)
    same(sum(s['numRows'] for s in seen), 3)
    empty(server, 'GET', C + '/metadata/segments?includeRealtimeSegments', 400)


def load_status(server):
    t = table(server, 'shown')
    path = C + '/datasources/%s/loadstatus' % t
    text(server, path, 400, 'Invalid request. forceMetadataRefresh must be specified')
    # As in Druid the last two weeks are meant when no interval is named.
    none = 'No used segment found for the given datasource and interval'
    text(server, path + '?forceMetadataRefresh=true', 200, none)
    text(server, path + '?forceMetadataRefresh=true&interval=2014-01-01_2014-01-02', 200, none)
    path += '?forceMetadataRefresh=false&interval=2024-01-01/2024-02-01'
    same(server.get_json(path), {t: 100.0})
    same(server.get_json(path + '&simple'), {t: 0})
    same(server.get_json(path + '&full'), {'_default_tier': {t: 0}})
    empty(server, 'GET', C + '/datasources/nobody/loadstatus?forceMetadataRefresh=true', 204)
    same(server.get_json(C + '/loadstatus')[t], 100.0)
    same(server.get_json(C + '/loadstatus?simple')[t], 0)
    same(server.get_json(C + '/loadstatus?full')['_default_tier'][t], 0)
    for counters in server.get_json(C + '/loadqueue?simple').values():
        same(set(counters.values()), {0})
    for lists in server.get_json(C + '/loadqueue').values():
        same(lists, {'segmentsToLoad': [], 'segmentsToDrop': []})


def rules(server):
    shared = [{'tieredReplicants': {'_default_tier': 2}, 'useDefaultTierForNull': True, 'type': 'loadForever'}]
    same(server.get_json(C + '/rules')['_default'], shared)
    same(server.get_json(C + '/rules/unruled'), [])
    same(server.get_json(C + '/rules/unruled?full'), shared)
    own = [{'type': 'loadByPeriod', 'period': 'P1M', 'includeFuture': True, 'tieredReplicants': {'_default_tier': 1}},
           {'type': 'loadForever', 'tieredReplicants': {'_default_tier': 1}}]
    status, _, _ = server.request('POST', C + '/rules/ruled', json.dumps(own),
                                  {'Content-Type': 'application/json', 'X-Druid-Author': 'console', 'X-Druid-Comment': 'why'})
    same(status, 200)
    same(server.get_json(C + '/rules/ruled'), own)
    same(server.get_json(C + '/rules/ruled?full'), own + shared)
    same(server.get_json(C + '/rules')['ruled'], own)
    entry = server.get_json(C + '/rules/ruled/history')[0]
    same((entry['key'], entry['type'], entry['auditInfo']['author'], json.loads(entry['payload'])), ('ruled', 'rules', 'console', own))
    check(entry in server.get_json(C + '/rules/history?count=5'), 'not in the history of all')
    same(server.get_json(C + '/rules/history?count=0'), [])
    same(server.get_json(C + '/rules/history?interval=2014/2015'), [])
    for bad in ({}, [{}], [{'type': 'loadSometimes'}], [7], 'x'):
        same(server.post(C + '/rules/ruled', bad)[0], 400)
    server.stop()
    server.start()
    same(server.get_json(C + '/rules/ruled'), own)
    same(server.post(C + '/rules/ruled', [])[0], 200)
    same(server.get_json(C + '/rules/ruled?full'), shared)


def configuration(server):
    before = server.get_json(C + '/config')
    same((before['maxSegmentsToMove'], before['smartSegmentLoading']), (100, True))
    same(server.post(C + '/config', {'maxSegmentsToMove': 7})[0], 200)
    same(server.get_json(C + '/config'), dict(before, maxSegmentsToMove=7))
    same(server.get_json(C + '/config/history')[0]['type'], 'coordinator.config')
    same(server.post(C + '/config', [1])[0], 400)
    same(server.post(C + '/config', {'maxSegmentsToMove': 100})[0], 200)


def compaction(server):
    same(server.get_json(C + '/config/compaction')['compactionConfigs'], [])
    same(server.get_json(I + '/compaction/config/datasources'), {'compactionConfigs': []})
    same(server.get_json(C + '/compaction/status'), {'latestStatus': []})
    status, _, answer = server.request('GET', C + '/compaction/status?dataSource=shown')
    same((status, json.loads(answer)['error'], json.loads(answer)['errorMessage']), (404, 'druidException', 'Unknown DataSource'))
    empty(server, 'GET', C + '/config/compaction/shown', 404)
    empty(server, 'DELETE', C + '/config/compaction/shown', 404)
    same(server.post(C + '/config/compaction', {})[0], 400)


def cluster(server):
    map_of = server.get_json(C + '/cluster')
    same(sorted(map_of), ['broker', 'coordinator', 'historical', 'indexer', 'overlord', 'router'])
    same(map_of['broker'][0]['plaintextPort'], server.port)
    same(server.get_json(C + '/cluster/broker'), map_of['broker'])
    me = server.get_json(C + '/servers')[0]
    simple = server.get_json(C + '/servers?simple')
    same(sorted(s['type'] for s in simple), ['historical', 'indexer-executor'])
    same(set(simple[0]), {'host', 'tier', 'type', 'priority', 'currSize', 'maxSize'})
    full = server.get_json(C + '/servers/' + me)
    same(sorted(full['segments']), sorted(server.get_json(C + '/servers/%s/segments' % me)))
    empty(server, 'GET', C + '/servers/elsewhere:1', 404)
    for role in (C, I):
        same(server.get_json(role + '/isLeader'), {'leader': True})
        same(server.request('GET', role + '/leader')[0], 200)
    same(server.get_json(C + '/tiers'), ['_default_tier'])
    whole = server.get_json(C + '/tiers?simple')['_default_tier']
    held = server.get_json(C + '/tiers/_default_tier?simple')
    same(sum(chunk['size'] for chunks in held.values() for chunk in chunks.values()), whole['currSize'])
    same(sorted(server.get_json(C + '/tiers/_default_tier')), sorted(held))
    same(held['tiny'], server.get_json(C + '/datasources/tiny/intervals?simple'))
    same((server.get_json(C + '/tiers/other'), server.get_json(C + '/tiers/other?simple')), ([], {}))
    same((server.get_json('/druid/broker/v1/loadstatus'), server.get_json('/druid/historical/v1/loadstatus')),
         ({'inventoryInitialized': True}, {'cacheInitialized': True}))
    same([server.request('GET', '/druid/%s/v1/readiness' % part)[::2] for part in ('broker', 'historical')], [(200, b'')] * 2)


def overlord(server):
    t = table(server, 'shown')
    task = server.get_json(I + '/tasks?state=complete&datasource=' + t)[0]['id']
    same(len(server.get_json(I + '/task/%s/segments' % task)), 2)
    text(server, I + '/task/nobody/segments', 404, 'Cannot find any task with id: [nobody]')
    same(server.get_json(I + '/tasks?state=complete&max=0'), [])
    same(len(server.get_json(I + '/tasks?state=complete&max=1')), 1)
    same(server.get_json(I + '/tasks?state=complete&type=kill&datasource=' + t), [])
    same(server.get_json(I + '/tasks?createdTimeInterval=2014-01-01_2014-01-02'), [])
    same(server.request('GET', I + '/tasks?state=asleep')[0], 400)
    same(server.get_json(I + '/totalWorkerCapacity')['usedClusterCapacity'], 0)
    same(server.get_json(I + '/workers')[0]['worker']['category'], '_default_worker_category')
    same(json.loads(server.post(I + '/lockedIntervals/v2', {})[2]), {})


def supervisors(server):
    for tail in ('', '?full', '?state=true', '?system'):
        same(server.get_json(I + '/supervisor' + tail), [])
    same(server.get_json(I + '/supervisor/history'), {})
    for tail in ('', '/status', '/stats', '/history', '/health'):
        text(server, I + '/supervisor/nobody' + tail, 404, 'Cannot find any supervisor with id: [nobody]')
    same(server.post(I + '/supervisor/nobody/terminate', {})[0], 404)
    same(server.post(I + '/supervisor', {'type': 'kafka'})[0], 400)
    same(server.post(I + '/supervisor', {'type': 'kinesis'})[0], 501)
    kafka_supervisor(server)


def kafka_supervisor(server):
    spec = {'type': 'kafka', 'suspended': True,
            'spec': {'dataSchema': {'dataSource': 'from_kafka', 'timestampSpec': {'column': 'ts', 'format': 'auto'},
                                    'dimensionsSpec': {'dimensions': ['a']},
                                    'granularitySpec': {'segmentGranularity': 'DAY', 'rollup': False}},
                     'ioConfig': {'topic': 'events', 'consumerProperties': {'bootstrap.servers': '127.0.0.1:1'},
                                  'inputFormat': {'type': 'json'}}}}
    one = I + '/supervisor/from_kafka'
    same(json.loads(server.post(I + '/supervisor', spec)[2]), {'id': 'from_kafka'})
    same(server.get_json(I + '/supervisor'), ['from_kafka'])
    same(server.get_json(one), spec)
    full = server.get_json(I + '/supervisor?full')[0]
    same((full['state'], full['dataSource'], full['source'], full['spec']), ('SUSPENDED', 'from_kafka', 'events', spec))
    same('spec' in server.get_json(I + '/supervisor?state=true')[0], False)
    same(server.get_json(one + '/status')['payload']['state'], 'SUSPENDED')
    same(server.get_json(one + '/health'), {'healthy': True})
    rows = json.loads(server.post('/druid/v2/sql', {'query': 'SELECT supervisor_id, state, healthy, source, suspended, lag, lag_seconds '
                                                             'FROM sys.supervisors'})[2])
    same(rows, [{'supervisor_id': 'from_kafka', 'state': 'SUSPENDED', 'healthy': 1, 'source': 'events', 'suspended': 1, 'lag': 0,
                 'lag_seconds': 0.0}])
    same(json.loads(server.post(one + '/resume', {})[2])['suspended'], False)
    same(json.loads(server.post(one + '/suspend', {})[2])['suspended'], True)
    same(server.post(one + '/taskGroups/handoff', {})[0], 501)
    same(json.loads(server.post(one + '/terminate', {})[2]), {'id': 'from_kafka'})
    same(server.get_json(I + '/supervisor'), [])
    same(server.get_json(one + '/history')[0]['spec']['type'], 'NoopSupervisorSpec')


def unknown_paths(server):
    for path in (C + '/zzz', I + '/zzz', '/proxy/coordinator' + C + '/zzz'):
        empty(server, 'GET', path, 404)
    same(server.request('POST', C + '/cluster', '{}')[0], 405)


def grafana_start(server):
    """go-druid's health check, then the pickers, then panels as the plugin writes them."""
    status = server.get_json('/status/')
    check(all(isinstance(v, int) for v in status['memory'].values()) and status['version'], status)
    same(server.get_json('/status/health'), True)
    check(all(isinstance(v, str) for v in server.get_json('/status/properties').values()), 'a value that is no text')
    same(server.get_json('/status/selfDiscovered/status'), {'selfDiscovered': True})
    t = table(server, 'shown')
    check(t in server.get_json('/druid/v2/datasources'), 'not listed')
    same(server.get_json('/druid/v2/datasources/' + t)['dimensions'], ['k', 'n'])
    scan = {'queryType': 'scan', 'dataSource': {'type': 'table', 'name': t}, 'columns': ['k', 'n'], 'resultFormat': 'compactedList',
            'intervals': {'type': 'intervals', 'intervals': ['2024-01-01/2024-02-01']}}
    status, _, answer = server.post('/druid/v2', scan)
    same((status, [e for part in json.loads(answer) for e in part['events']]), (200, [['a', 1], ['b', 2], ['a', 3]]))
    sql = {'queryType': 'sql', 'query': 'SELECT k, n FROM shown WHERE n > 1 ORDER BY n', 'resultFormat': 'array', 'header': True}
    same(json.loads(server.post('/druid/v2/sql', sql)[2]), [['k', 'n'], ['b', 2], ['a', 3]])


def turnilo_start(server):
    """Version, names, then for every source its columns and its time."""
    check(server.get_json('/status')['version'], 'no version')
    t = table(server, 'shown')
    check(t in server.get_json('/druid/v2/datasources/'), 'not listed')
    columns_of = json.loads(server.post('/druid/v2/', {'queryType': 'segmentMetadata', 'dataSource': t, 'merge': True,
                                                       'analysisTypes': ['aggregators'], 'lenientAggregatorMerge': True})[2])[0]['columns']
    same({name: c['type'] for name, c in columns_of.items()}, {'__time': 'LONG', 'k': 'STRING', 'n': 'LONG'})
    check(all(c['errorMessage'] is None and c['size'] >= 0 for c in columns_of.values()), columns_of)
    bounds = {'queryType': 'timeBoundary', 'dataSource': t}
    same(json.loads(server.post('/druid/v2/', bounds)[2])[0]['result'],
         {'minTime': '2024-01-01T00:00:00.000Z', 'maxTime': '2024-01-02T00:00:00.000Z'})
    same(json.loads(server.post('/druid/v2/', dict(bounds, bound='maxTime'))[2])[0]['result'], {'maxTime': '2024-01-02T00:00:00.000Z'})
    query = {'queryType': 'timeseries', 'dataSource': t, 'intervals': '2024-01-01T00Z/2024-01-03T00Z',
             'granularity': {'type': 'period', 'period': 'P1D', 'timeZone': 'Etc/UTC'}, 'context': {'skipEmptyBuckets': 'true'},
             'aggregations': [{'type': 'longSum', 'name': 'n', 'fieldName': 'n'}]}
    same([r['result']['n'] for r in json.loads(server.post('/druid/v2/', query)[2])], [3, 3])


def console_start(server):
    """The capability probes of the web console."""
    same(server.post('/druid/v2/sql?capabilities', {'query': 'SELECT 1337', 'context': {'timeout': 15000}})[0], 200)
    for path in ('/status?capabilities', '/proxy/enabled?capabilities', '/druid/v2/sql/task/enabled?capabilities',
                 '/druid/v2/sql/engines?capabilities', '/proxy/coordinator/status?capabilities', '/proxy/overlord/status?capabilities'):
        same(server.request('GET', path)[0], 200)
    status, _, answer = server.post('/druid/v2/sql?capabilities-functions', {
        'query': 'SELECT "ROUTINE_NAME", "SIGNATURES", "IS_AGGREGATOR" FROM INFORMATION_SCHEMA.ROUTINES WHERE "SIGNATURES" IS NOT NULL',
        'resultFormat': 'array'})
    check(status == 200 and len(json.loads(answer)) > 100, answer[:200])


def sums_of_intervals(server):
    t = table(server, 'summed')
    get = lambda path: server.get_json('/druid/coordinator/v1/intervals/2024-01-01_2024-01-02' + path)
    day = '2024-01-01T00:00:00.000Z/2024-01-02T00:00:00.000Z'
    mine = get('?full')[day][t]
    same((mine['count'] > 0, sorted(mine)), (True, ['count', 'size']))
    by_chunk = get('?simple')
    check(day in by_chunk and by_chunk[day]['size'] >= mine['size'], by_chunk)
    same(get(''), {k: sum(c[k] for c in by_chunk.values()) for k in ('size', 'count')})
    same(server.request('GET', '/druid/coordinator/v1/intervals/zzz')[0], 400)
    same(server.get_json('/druid/indexer/v1/locks'), {})


def running_statements(server):
    """A statement is listed while it runs, and DELETE ends it."""
    statement = 'SELECT COUNT(*) FROM events a, events b WHERE a.added + b.added = 7 AND a.page <> b.page'
    mine = lambda: [q for q in server.get_json('/druid/v2/sql/queries')['queries'] if q['sqlQueryId'] == 'listed-while-it-runs']

    def ask():
        own = http.client.HTTPConnection('127.0.0.1', server.port)
        own.request('POST', '/druid/v2/sql', json.dumps({'query': statement, 'context': {'sqlQueryId': 'listed-while-it-runs'}}),
                    {'Content-Type': 'application/json'})
        own.getresponse().read()
        own.close()
    same(mine(), [])
    thread = threading.Thread(target=ask)
    thread.start()
    until = time.time() + 30
    while not mine() and thread.is_alive() and time.time() < until:
        time.sleep(0.01)
    found = mine()
    server.request('DELETE', '/druid/v2/sql/listed-while-it-runs')
    thread.join()
    check(found, 'the statement was not listed')
    same((found[0]['sql'], found[0]['state'], found[0]['engine']), (statement, 'RUNNING', 'native'))
    while mine() and time.time() < until:  # the last byte is sent a moment before the statement leaves the list
        time.sleep(0.01)
    same(mine(), [])


def cases(server):
    for part in (columns, candidates, datasources, unused, intervals, sums_of_intervals, running_statements, segments, load_status, rules, configuration, compaction, cluster, overlord,
                 supervisors, unknown_paths, grafana_start, turnilo_start, console_start):
        yield part.__name__.replace('_', ' '), lambda part=part: part(server)
