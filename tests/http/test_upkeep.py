"""What a server does on its own: retention rules, unused segments, kill tasks."""
import datetime
import json
import time

from test_formats import check, same
from test_tasks import inline

C = '/druid/coordinator/v1'
I = '/druid/indexer/v1'
NOW = datetime.datetime.now(datetime.timezone.utc)


def days(name, n):
    """A row for each of the last n days, today included; n says how old it is."""
    rows = [json.dumps({'t': (NOW - datetime.timedelta(days=i)).strftime('%Y-%m-%dT00:00:00Z'), 'k': 'a', 'n': i}) for i in range(n)]
    return inline(name, rows)


def soon(what, seconds=20):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if what():
            return
        time.sleep(0.05)
    raise AssertionError('it does not come about')


def count(server, name):
    found = server.sql("SELECT COUNT(*) FROM sys.segments WHERE datasource = '%s' AND is_active = 1" % name)[1]
    return found[0][0]


def rows(server, name):
    return server.value('SELECT COUNT(*) FROM %s' % name)


def rules_drop(server):
    server.ingest(days('aging', 6))
    server.ingest(days('unruled', 6))
    own = [{'type': 'loadByPeriod', 'period': 'P2D', 'tieredReplicants': {'_default_tier': 1}}, {'type': 'dropForever'}]
    same(server.post(C + '/rules/aging', own)[0], 200)
    same(server.get_json(C + '/rules/aging'), own)
    soon(lambda: rows(server, 'aging') == 3)  # two days back reach into the third
    same(rows(server, 'unruled'), 6)
    # Dropped segments are unused, not gone; nothing brings them back but marking them.
    same(server.post(C + '/rules/aging', [])[0], 200)
    time.sleep(0.3)
    same(rows(server, 'aging'), 3)
    same(json.loads(server.post(C + '/datasources/aging', {})[2])['numChangedSegments'], 3)
    same(rows(server, 'aging'), 6)
    check(server.get_json('/ovate/v1/upkeep')['segmentsDropped'] >= 3)
    # The rules of _default come last, and reach every datasource.
    same(server.post(C + '/rules/aging', [{'type': 'loadForever'}])[0], 200)
    same(server.post(C + '/rules/_default', [{'type': 'dropBeforeByPeriod', 'period': 'P2D'}, {'type': 'loadForever'}])[0], 200)
    soon(lambda: rows(server, 'unruled') == 3)
    same(rows(server, 'aging'), 6)
    same(server.post(C + '/rules/_default', [{'type': 'loadForever', 'tieredReplicants': {'_default_tier': 2}, 'useDefaultTierForNull': True}])[0], 200)


def rules_refused(server):
    status, _, answer = server.post(C + '/rules/aging', [{'type': 'dropForever'}, {'type': 'loadForever'}])
    same(status, 400)
    check('[1]' in json.loads(answer)['errorMessage'], answer)


def marking(server):
    server.ingest(days('marked', 4))
    versions = [r[0] for r in server.sql("SELECT DISTINCT version FROM sys.segments WHERE datasource = 'marked'")[1]]
    server.ingest(inline('marked', [json.dumps({'t': NOW.strftime('%Y-%m-%dT00:00:00Z'), 'k': 'z', 'n': 9})]))

    def change(verb, body):
        status, _, answer = server.post(I + '/datasources/marked/' + verb, body)
        same(status, 200)
        return json.loads(answer)['numChangedSegments']
    same(change('markUnused', {'interval': '2000/3000', 'versions': []}), 0)
    same(change('markUnused', {'interval': '2000/3000', 'versions': ['nobody']}), 0)
    same(change('markUnused', {'interval': '2000/3000', 'versions': versions}), 4)
    same(server.sql('SELECT k FROM marked')[1], [['z']])
    same(change('markUsed', {'interval': '2000/3000', 'versions': versions}), 3)  # what is hidden stays unused
    for bad in ({}, {'interval': '2000/3000', 'segmentIds': ['x']}, {'segmentIds': ['x'], 'versions': ['y']}, {'interval': 'soon'}):
        same(server.post(I + '/datasources/marked/markUnused', bad)[0], 400)


def kill(server):
    server.ingest(days('killed', 5))
    same(server.request('DELETE', C + '/datasources/killed')[0], 200)

    def run(**fields):
        task = dict({'type': 'kill', 'dataSource': 'killed', 'interval': '2000/3000'}, **fields)
        state = server.run_task(task)
        same(state['status'], 'SUCCESS')
        report = server.get_json(I + '/task/%s/reports' % state['id'])
        return report['ingestionStatsAndErrors']['payload']['ovate']
    same(run(versions=['nobody'])['segmentsKilled'], 0)
    same(run(maxUsedStatusLastUpdatedTime='2020-01-01T00:00:00Z')['segmentsKilled'], 0)
    got = run(limit=3, batchSize=2)
    same((got['segmentsKilled'], got['batches']), (3, 2))
    same(run(batchSize=1)['segmentsKilled'], 2)
    check('killed' not in server.get_json(C + '/metadata/datasources?includeUnused'))
    for bad in ({'limit': 0}, {'batchSize': 0}, {'versions': 'x'}, {'maxUsedStatusLastUpdatedTime': 'soon'}, {'limit': 2, 'markAsUnused': True}):
        same(server.post(I + '/task', dict({'type': 'kill', 'dataSource': 'killed', 'interval': '2000/3000'}, **bad))[0], 400)


def automatic_kill(server):
    server.ingest(days('aged', 5))
    same(server.request('DELETE', C + '/datasources/aged')[0], 200)
    asked = {'killOn': True, 'killDurationToRetain': 'P2D', 'killBufferPeriod': 'PT0S', 'killPeriod': 'PT1S'}
    same(server.post(C + '/config', {'killDataSourceWhitelist': ['aged']})[0], 200)
    status, _, answer = server.post('/ovate/v1/upkeep', asked)
    same((status, json.loads(answer)['settings']['killDurationToRetain']), (200, 'P2D'))

    def unused():
        return len(server.get_json(I + '/tasks?type=kill&datasource=aged&state=complete'))
    soon(unused)
    # Segments that end within the last two days are spared.
    same(json.loads(server.post(C + '/datasources/aged', {})[2])['numChangedSegments'], 3)
    same(server.post('/ovate/v1/upkeep', {'killOn': False})[0], 200)
    same(server.post(C + '/config', {'killDataSourceWhitelist': []})[0], 200)
    same(server.get_json('/ovate/v1/upkeep/history')[0]['type'], 'upkeep')
    for bad in ([], {'killOn': 'perhaps'}, {'killPeriod': 'P1Y'}, {'nothing': 1}):
        same(server.post('/ovate/v1/upkeep', bad)[0], 400)


def disk_guard(server):
    """Every disk is fuller than a thousandth of a percent: tasks wait, pushes are refused, queries go on."""
    server.ingest(days('guarded', 2))
    same(server.post('/ovate/v1/upkeep', {'diskWarn': 0.001, 'diskPause': 0.002, 'diskResume': 0.001})[0], 200)
    soon(lambda: server.get_json('/status/health?full')['disk']['ingestionPaused'])
    health = server.get_json('/status/health?full')
    same((health['healthy'], health['disk']['state'], health['schedules']['healthy']), (True, 'paused', True))
    same(server.get_json('/status/health'), True)
    check(b'ovate_ingestion_paused 1' in server.request('GET', '/metrics')[2])
    status, headers, answer = server.request('POST', '/v1/push/guarded', b'{"__time":"2024-01-01","n":1}')
    check(status == 429 and 'retry-after' in headers and b'ingestion is paused' in answer, answer)
    status, _, answer = server.post(I + '/task', days('guarded', 1))
    waits = json.loads(answer)['task']
    same(rows(server, 'guarded'), 2)
    same(server.run_task({'type': 'kill', 'dataSource': 'guarded', 'interval': '2000/2001'})['status'], 'SUCCESS')
    state = server.get_json(I + '/task/%s/status' % waits)['status']
    same((state['status'], state['runnerStatusCode']), ('RUNNING', 'PENDING'))
    same(server.post('/ovate/v1/upkeep', {'diskWarn': 99.9, 'diskPause': 100, 'diskResume': 100})[0], 200)
    same(server.wait_task(waits)['status'], 'SUCCESS')
    same(server.request('POST', '/v1/push/pushed_again', b'{"__time":"2024-01-01","n":1}')[0], 200)
    for bad in ({'diskWarn': 101}, {'diskPause': 50, 'diskWarn': 60}, {'diskResume': 0}, {'notify': 'http://here'}):
        same(server.post('/ovate/v1/upkeep', bad)[0], 400)
    same(server.post('/ovate/v1/upkeep', {'diskWarn': 85, 'diskPause': 92, 'diskResume': 90})[0], 200)


def cases(server):
    for part in (rules_drop, rules_refused, marking, kill, automatic_kill, disk_guard):
        yield part.__name__.replace('_', ' '), lambda part=part: part(server)
