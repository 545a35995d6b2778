"""compact tasks: what they make of time chunks, and that rows which come meanwhile stay."""
import json
import threading
import time

from test_formats import check, same
from test_tasks import inline
from test_upkeep import soon

I = '/druid/indexer/v1'


def rows_of(day, hours, k='a'):
    return [json.dumps({'t': '2024-01-%02dT%02d:10:00Z' % (day, h), 'k': k, 'n': h}) for h in hours]


def load(server, name, lines, gran='HOUR', **io):
    spec = inline(name, lines, **io)
    spec['spec']['dataSchema']['granularitySpec']['segmentGranularity'] = gran
    server.ingest(spec)


def chunks(server, name):
    return server.sql("SELECT \"start\", \"end\", COUNT(*), SUM(num_rows) FROM sys.segments WHERE datasource = '%s' AND is_active = 1 AND num_rows > 0 "
                      'GROUP BY 1, 2 ORDER BY 1' % name)[1]


def compact(server, name, interval='2024-01-01/2024-02-01', status='SUCCESS', **fields):
    task = dict({'type': 'compact', 'dataSource': name,
                 'ioConfig': {'type': 'compact', 'inputSpec': {'type': 'interval', 'interval': interval}}}, **fields)
    state = server.run_task(task)

    check(state['status'] == status, state)
    return state['errorMsg'] if status == 'FAILED' else server.get_json(I + '/task/%s/reports' % state['id'])['ingestionStatsAndErrors']['payload']


def put_together(server):
    load(server, 'many', rows_of(1, range(6)) + rows_of(2, range(3)))
    for h in range(3):
        load(server, 'many', rows_of(1, [h], 'b'), appendToExisting=True)
    same(len(chunks(server, 'many')), 9)
    before = server.sql('SELECT __time, k, n FROM many ORDER BY 1, 2, 3')[1]
    # Without a granularity every time chunk stays, with one segment.
    report = compact(server, 'many')
    same((report['ovate']['read'], report['ovate']['loaded'], report['ovate']['segmentsRead']), (12, 12, 12))
    same([c[2] for c in chunks(server, 'many')], [1] * 9)
    same(server.sql('SELECT __time, k, n FROM many ORDER BY 1, 2, 3')[1], before)
    # Days instead of hours; what was replaced is unused, not gone.
    compact(server, 'many', granularitySpec={'segmentGranularity': 'DAY'})
    same(chunks(server, 'many'), [['2024-01-01T00:00:00.000Z', '2024-01-02T00:00:00.000Z', 1, 9],
                                  ['2024-01-02T00:00:00.000Z', '2024-01-03T00:00:00.000Z', 1, 3]])
    same(server.sql('SELECT __time, k, n FROM many ORDER BY 1, 2, 3')[1], before)
    same(json.loads(server.post('/druid/coordinator/v1/datasources/many', {})[2])['numChangedSegments'], 0)
    # And back to hours.
    compact(server, 'many', granularitySpec={'segmentGranularity': 'HOUR'})
    same(len(chunks(server, 'many')), 9)
    same(server.sql('SELECT __time, k, n FROM many ORDER BY 1, 2, 3')[1], before)


def into_lists(server):
    """Plain values, multi-value strings, arrays and documents of one column become what queries read them as."""
    def day(name, number, kind, values):
        lines = [json.dumps({'t': '2024-01-%02d' % number, 'n': 10 * number + i, 'v': v}) for i, v in enumerate(values)]
        spec = inline(name, lines)
        spec['spec']['dataSchema']['dimensionsSpec'] = {'dimensions': [{'type': 'long', 'name': 'n'}, {'type': kind, 'name': 'v'}]}
        server.ingest(spec)

    kinds = {'auto': [['1', 'z'], [], None], 'long': [1, None], 'double': [2.5, None], 'string': [['1', 'x'], '2', None, ['y', None], ''],
             'json': [{'a': [1]}, 5, None, 'tx']}
    for name, parts in (('cla', 'string auto'), ('clb', 'auto string'), ('clc', 'long auto double'), ('cld', 'auto json string'),
                        ('cle', 'string long'), ('clf', 'double json'), ('clg', 'auto long json')):
        for number, kind in enumerate(parts.split(), 1):
            day(name, number, kind, kinds[kind])
        ask = lambda: server.sql('SELECT n, v FROM %s ORDER BY n' % name, {'sqlStringifyArrays': False})[1]
        before = ask()
        compact(server, name, granularitySpec={'segmentGranularity': 'MONTH'})
        same(len(chunks(server, name)), 1)
        same(ask(), before)
    same(server.value("SELECT COUNT(*) FROM clb WHERE ARRAY_CONTAINS(v, '1')"), 2)
    same(server.value("SELECT COUNT(*) FROM clg WHERE JSON_VALUE(v, '$.a[0]') = 1"), 1)


def into_sketches(server):
    """Columns become sketches with compaction, as if they had been loaded so."""
    lines = [json.dumps({'t': '2024-01-01T%02d:%02d:00Z' % (i % 3, i % 60), 'k': 'k%d' % (i % 2), 'u': 'user%d' % (i % 40),
                         'tags': ['a%d' % (i % 7), 'b'], 'n': i}) for i in range(600)]
    metrics = [{'type': 'longSum', 'name': 'sum', 'fieldName': 'n'}, {'type': 'HLLSketchBuild', 'name': 'users', 'fieldName': 'u'},
               {'type': 'thetaSketch', 'name': 'numbers', 'fieldName': 'n'}, {'type': 'HLLSketchBuild', 'name': 'tagged', 'fieldName': 'tags'},
               {'type': 'quantilesDoublesSketch', 'name': 'spread', 'fieldName': 'n'},
               {'type': 'arrayOfDoublesSketch', 'name': 'each', 'fieldName': 'u', 'metricColumns': ['n', 'none']}]

    def spec(name, rolled):
        s = inline(name, lines)
        schema = s['spec']['dataSchema']
        schema['dimensionsSpec'] = {'dimensions': ['k'] if rolled else ['k', 'u', 'tags', {'type': 'long', 'name': 'n'}]}
        schema['granularitySpec'] = {'segmentGranularity': 'DAY', 'queryGranularity': 'HOUR' if rolled else 'NONE', 'rollup': rolled}
        schema['metricsSpec'] = metrics if rolled else []
        return s
    server.ingest(spec('compact_rolled', True))
    server.ingest(spec('compact_raw', False))
    compact(server, 'compact_raw', granularitySpec={'segmentGranularity': 'DAY', 'queryGranularity': 'HOUR', 'rollup': True},
            dimensionsSpec={'dimensions': ['k']}, metricsSpec=metrics)
    asked = ('SELECT __time, k, "sum", APPROX_COUNT_DISTINCT_DS_HLL(users), APPROX_COUNT_DISTINCT_DS_THETA(numbers), '
             'APPROX_COUNT_DISTINCT_DS_HLL(tagged), APPROX_QUANTILE_DS(spread, 0.5), '
             'DS_TUPLE_DOUBLES_METRICS_SUM_ESTIMATE(DS_TUPLE_DOUBLES("each")) FROM %s GROUP BY 1, 2, 3 ORDER BY 1, 2')
    want = server.sql(asked % 'compact_rolled')[1]
    same(len(want), 6)
    same(server.sql(asked % 'compact_raw')[1], want)
    why = compact(server, 'compact_rolled', status='FAILED', metricsSpec=[{'type': 'HLLSketchBuild', 'name': 'again', 'fieldName': 'numbers'}])
    check('cannot make it' in why, why)


def roll_up(server):
    load(server, 'summed', rows_of(1, range(6)) + rows_of(1, range(6)) + rows_of(1, range(3), 'b'), 'DAY')
    report = compact(server, 'summed', granularitySpec={'rollup': True, 'queryGranularity': 'DAY'},
                     dimensionsSpec={'dimensions': ['k']},
                     metricsSpec=[{'type': 'count', 'name': 'rows'}, {'type': 'longSum', 'name': 'total', 'fieldName': 'n'},
                                  {'type': 'doubleMax', 'name': 'most', 'fieldName': 'n'}])
    same(report['ovate']['read'], 15)
    want = [['a', 12, 30, 5.0], ['b', 3, 3, 2.0]]
    same(server.sql('SELECT k, "rows", total, most FROM summed ORDER BY k')[1], want)
    meta = json.loads(server.post('/druid/v2', {'queryType': 'segmentMetadata', 'dataSource': 'summed', 'merge': True,
                                                'analysisTypes': ['rollup', 'queryGranularity', 'aggregators']})[2])[0]
    same((meta['rollup'], sorted(meta['aggregators'])), (True, ['most', 'rows', 'total']))
    # Rolled up rows are combined again, by the metrics they were made with.
    load(server, 'summed', rows_of(1, [7]), 'DAY', appendToExisting=True)
    compact(server, 'summed')
    same(server.value('SELECT SUM("rows") FROM summed'), 15)


def filters_and_dimensions(server):
    load(server, 'picked', rows_of(1, range(6)) + rows_of(2, range(3), 'b'), 'DAY')
    report = compact(server, 'picked', transformSpec={'filter': {'type': 'range', 'column': 'n', 'matchValueType': 'LONG', 'lower': 2}},
                     dimensionsSpec={'dimensions': [{'type': 'string', 'name': 'n'}, 'k']})
    same((report['ovate']['read'], report['ovate']['filtered'], report['ovate']['loaded']), (9, 4, 5))
    same(server.sql('SELECT k, n FROM picked ORDER BY n, k')[1], [['a', '2'], ['b', '2'], ['a', '3'], ['a', '4'], ['a', '5']])
    same(server.sql("SELECT DATA_TYPE FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = 'picked' AND COLUMN_NAME = 'n'")[1], [['VARCHAR']])
    compact(server, 'picked', dimensionsSpec={'dimensions': ['k', {'type': 'long', 'name': 'n'}]})
    same(server.sql("SELECT SUM(n), COUNT(*) FROM picked")[1], [[16, 5]])
    # A day whose rows all go is empty afterwards; nothing older shows again.
    compact(server, 'picked', transformSpec={'filter': {'type': 'selector', 'dimension': 'k', 'value': 'b'}})
    same(server.sql('SELECT k, n FROM picked')[1], [['b', 2]])


def partitions(server):
    lines = [json.dumps({'t': '2024-01-01T%02d:00:00Z' % (i % 24), 'k': 'key%03d' % (i % 100), 'n': i}) for i in range(2000)]
    load(server, 'divided', lines)
    for spec, kind in (({'type': 'hashed', 'numShards': 3, 'partitionDimensions': ['k']}, 'hashed'),
                       ({'type': 'range', 'partitionDimensions': ['k'], 'targetRowsPerSegment': 700}, 'range'),
                       ({'type': 'single_dim', 'partitionDimension': 'k', 'targetRowsPerSegment': 700}, 'single'),
                       ({'type': 'dynamic', 'maxRowsPerSegment': 900}, 'numbered')):
        compact(server, 'divided', granularitySpec={'segmentGranularity': 'DAY'}, tuningConfig={'type': 'index_parallel', 'partitionsSpec': spec})
        got = server.sql("SELECT shard_spec, num_rows FROM sys.segments WHERE datasource = 'divided' AND is_active = 1")[1]
        same((len(got), sum(r[1] for r in got)), (3, 2000))
        check(all(json.loads(r[0])['type'] in (kind, 'range') for r in got), got)
        same(server.sql('SELECT COUNT(*), SUM(n) FROM divided')[1], [[2000, 1999000]])
        same(server.sql("SELECT COUNT(*), SUM(n) FROM divided WHERE k = 'key042'")[1], [[20, 19840]])


def refusals(server):
    load(server, 'whole', rows_of(1, range(3)), 'DAY')
    same('reaches out' in compact(server, 'whole', '2024-01-01T01/2024-01-01T02', 'FAILED'), True)
    same('nothing to compact' in compact(server, 'whole', '2020-01-01/2020-01-02', 'FAILED'), True)
    same(server.value('SELECT COUNT(*) FROM whole'), 3)
    io = {'inputSpec': {'type': 'interval', 'interval': '2024-01-01T01/2024-01-02'}}
    for bad, word in (({}, 'ioConfig'), ({'ioConfig': {}}, 'inputSpec'), ({'ioConfig': {'inputSpec': {'type': 'all'}}}, 'all'),
                      ({'ioConfig': {'inputSpec': {'type': 'interval', 'interval': 'soon'}}}, 'soon'),
                      ({'ioConfig': io, 'granularitySpec': {'segmentGranularity': 'DAY'}}, 'aligned'),
                      ({'ioConfig': io, 'granularitySpec': {'segmentGranularity': 'DAILY'}}, 'granularitySpec.segmentGranularity'),
                      ({'ioConfig': io, 'metricsSpec': [{'type': 'sum', 'name': 'x'}]}, 'metricsSpec'),
                      ({'ioConfig': io, 'transformSpec': {'transforms': [{'type': 'expression', 'name': 'x', 'expression': '1'}]}}, 'transform'),
                      ({'ioConfig': io, 'tuningConfig': {'partitionsSpec': {'type': 'random'}}}, 'random')):
        status, _, answer = server.post(I + '/task', dict({'type': 'compact', 'dataSource': 'whole'}, **bad))
        check(status in (400, 501) and (word in answer.decode() or word == 'ioConfig'), (status, answer, bad))


def by_ids(server):
    load(server, 'named', rows_of(1, range(3)) + rows_of(2, range(3)), 'DAY')
    load(server, 'named', rows_of(1, [5]), 'DAY', appendToExisting=True)
    ids = [r[0] for r in server.sql("SELECT segment_id FROM sys.segments WHERE datasource = 'named' AND \"start\" = '2024-01-01T00:00:00.000Z'")[1]]
    same(len(ids), 2)
    spec = {'type': 'compact', 'dataSource': 'named', 'ioConfig': {'inputSpec': {'type': 'segments', 'segments': ids[:1]}}}
    same(server.run_task(spec)['status'], 'FAILED')  # the other one would be hidden
    spec['ioConfig']['inputSpec']['segments'] = ids
    same(server.run_task(spec)['status'], 'SUCCESS')
    same([c[2] for c in chunks(server, 'named')], [1, 1])
    same(server.value('SELECT COUNT(*) FROM named'), 7)
    same(server.run_task(spec)['status'], 'FAILED')  # they do not answer any more


def beside_appends(server):
    """Rows appended while the chunk is compacted again and again are all there, once."""
    load(server, 'busy', rows_of(1, range(24)), 'DAY')
    stop, failed = threading.Event(), []

    def append():
        other, n = server.another(), 0
        while not stop.is_set():
            n += 1
            state = other.run_task(inline('busy', [json.dumps({'t': '2024-01-01T%02d:30:00Z' % (n % 24), 'k': 'late', 'n': n})], appendToExisting=True))
            if state['status'] != 'SUCCESS':
                failed.append(state)
        failed.append(n)

    thread = threading.Thread(target=append)
    thread.start()
    for i in range(12):
        compact(server, 'busy', granularitySpec={'segmentGranularity': ('DAY', 'HOUR')[i % 4 == 3]} if i % 2 else {})
    stop.set()
    thread.join()
    appended = failed.pop()
    same(failed, [])
    same(server.sql("SELECT COUNT(*), COUNT(DISTINCT n), MAX(n) FROM busy WHERE k = 'late'")[1], [[appended, appended, appended]])
    same(server.value("SELECT COUNT(*) FROM busy WHERE k = 'a'"), 24)


def while_dropped(server):
    """What was dropped or replaced while it was compacted does not come back."""
    lines = [json.dumps({'t': '2024-01-01T%02d:00:00Z' % (i % 24), 'k': 'k%d' % i, 'n': i}) for i in range(20000)]
    for i in range(6):
        load(server, 'dropped', lines, 'DAY')
        status, _, answer = server.post(I + '/task', {'type': 'compact', 'dataSource': 'dropped',
                                                      'ioConfig': {'inputSpec': {'type': 'interval', 'interval': '2024-01-01/2024-01-02'}}})
        time.sleep(0.01 * i)
        same(server.request('DELETE', '/druid/coordinator/v1/datasources/dropped')[0], 200)
        server.wait_task(json.loads(answer)['task'])
        check('dropped' not in server.get_json('/druid/v2/datasources'), 'dropped rows are there')


def automatic(server):
    c = '/druid/coordinator/v1'
    load(server, 'auto', rows_of(1, range(6)) + rows_of(2, range(6)) + rows_of(3, range(6)) + rows_of(5, range(2)))
    config = {'dataSource': 'auto', 'skipOffsetFromLatest': 'P1D', 'granularitySpec': {'segmentGranularity': 'DAY'}, 'taskPriority': 30}
    same(server.post(c + '/config/compaction', config)[0], 200)
    shown = server.get_json(c + '/config/compaction/auto')
    same((shown['dataSource'], shown['taskPriority'], shown['inputSegmentSizeBytes'], shown['tuningConfig']), ('auto', 30, 100000000000000, None))
    check(shown in server.get_json(c + '/config/compaction')['compactionConfigs'])
    check(shown in server.get_json(I + '/compaction/config/datasources')['compactionConfigs'])

    def status():
        return server.get_json(c + '/compaction/status?dataSource=auto')['latestStatus'][0]
    soon(lambda: status()['intervalCountCompacted'] == 3)
    got = status()
    same((got['scheduleStatus'], got['intervalCountAwaitingCompaction'], got['intervalCountSkipped'], got['segmentCountSkipped']), ('RUNNING', 0, 1, 2))
    same(server.get_json(I + '/compaction/status/datasources/auto'), got)
    same(server.get_json(c + '/compaction/progress?dataSource=auto'), {'remainingSegmentSize': 0})
    # The latest day was left alone.
    same([x[2] for x in chunks(server, 'auto')], [1, 1, 1, 1, 1])
    same(server.value('SELECT COUNT(*) FROM auto'), 20)
    # What comes later makes its chunk wait again; the state of a chunk is its own.
    load(server, 'auto', rows_of(2, [3], 'late'), appendToExisting=True)
    same(status()['intervalCountAwaitingCompaction'], 1)
    check(server.get_json(c + '/compaction/progress?dataSource=auto')['remainingSegmentSize'] > 0)
    tasks = len(server.get_json(I + '/tasks?type=compact&datasource=auto'))
    same(server.post(c + '/compaction/compact', {})[0], 200)
    soon(lambda: status()['intervalCountAwaitingCompaction'] == 0)
    same(len(server.get_json(I + '/tasks?type=compact&datasource=auto')), tasks + 1)
    same(server.value('SELECT COUNT(*) FROM auto'), 21)
    # Another wish, all over again.
    finer = {'type': 'index_parallel', 'partitionsSpec': {'type': 'dynamic', 'maxRowsPerSegment': 4}}
    same(server.post(I + '/compaction/config/datasources/auto', dict(config, tuningConfig=finer))[0], 200)
    soon(lambda: [x[2] for x in chunks(server, 'auto')] == [2, 2, 2, 1, 1])
    # A bucket that reaches into what is skipped is skipped.
    same(server.post(I + '/compaction/config/datasources/auto', dict(config, granularitySpec={'segmentGranularity': 'MONTH'}))[0], 200)
    same((status()['intervalCountSkipped'], status()['segmentCountSkipped']), (1, 8))
    same(server.value('SELECT COUNT(*) FROM auto'), 21)
    history = server.get_json(c + '/config/compaction/auto/history')
    same((len(history), history[2]['compactionConfig']), (3, config))
    same(server.post(c + '/config/compaction/taskslots?ratio=0.5&max=3', {})[0], 200)
    got = server.get_json(I + '/compaction/config/cluster')
    same((got['compactionTaskSlotRatio'], got['maxCompactionTaskSlots'], got['engine']), (0.5, 3, 'native'))
    for bad in ({'dataSource': 'auto', 'skipOffsetFromLatest': 'soon'}, {'dataSource': 'auto', 'granularitySpec': {'segmentGranularity': 'DAILY'}},
                {'dataSource': 'auto', 'engine': 'none'}, [], {'dataSource': ''}):
        same(server.post(c + '/config/compaction', bad)[0], 400)
    same(server.request('DELETE', c + '/config/compaction/auto')[0], 200)
    same(server.request('DELETE', c + '/config/compaction/auto')[0], 404)
    same(server.request('GET', c + '/compaction/status?dataSource=auto')[0], 404)


def cases(server):
    for part in (put_together, roll_up, into_lists, into_sketches, filters_and_dimensions, partitions, refusals, by_ids, beside_appends, while_dropped, automatic):
        yield part.__name__.replace('_', ' '), lambda part=part: part(server)
