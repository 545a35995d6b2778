"""Metrics that are sketches: built and rolled up at ingestion, they hold what the rows themselves would have given."""
import base64
import json

from test_formats import check, same

ROWS = [{'t': '2024-01-%02dT%02d:00:00Z' % (1 + i % 2, i % 24), 'k': 'abc'[i % 7 % 3], 'u': i * 7919 % 613, 's': 'user%d' % (i % 41),
         'x': (i * 37 % 500) / 4, 'm': ['p%d' % (i % 5), 'p%d' % (i % 3)]} for i in range(1500)]
ROWS += [{'t': '2024-01-03T00:00:00Z', 'k': 'none'}, {'t': '2024-01-03T00:00:00Z', 'k': 'none', 'u': None, 's': '', 'm': []}]


def spec(name, metrics, rows, rollup=True, dimensions=('k',)):
    return {'type': 'index_parallel', 'spec': {
        'dataSchema': {'dataSource': name, 'timestampSpec': {'column': 't', 'format': 'iso'},
                       'dimensionsSpec': {'dimensions': list(dimensions)}, 'metricsSpec': metrics,
                       'granularitySpec': {'segmentGranularity': 'DAY', 'queryGranularity': 'DAY' if rollup else 'NONE',
                                           'rollup': rollup}},
        'ioConfig': {'type': 'index_parallel', 'inputFormat': {'type': 'json'},
                     'inputSource': {'type': 'inline', 'data': '\n'.join(json.dumps(row) for row in rows)}}}}


def metric(kind, name, field, **more):
    return dict({'type': kind, 'name': name, 'fieldName': field}, **more)


METRICS = [{'type': 'count', 'name': 'n'}, metric('HLLSketchBuild', 'hu', 'u'), metric('HLLSketchBuild', 'hs', 's', lgK=10, tgtHllType='HLL_8'),
           metric('HLLSketchBuild', 'hm', 'm'), metric('thetaSketch', 'tu', 'u'), metric('thetaSketch', 'ts', 's', size=32),
           metric('quantilesDoublesSketch', 'qx', 'x', k=1024)]
PLAIN = ['k', 's', {'type': 'string', 'name': 'm', 'multiValueHandling': 'ARRAY'}, {'type': 'long', 'name': 'u'}, {'type': 'double', 'name': 'x'}]


def loaded(server):
    server.ingest(spec('foldsketch', METRICS, ROWS))
    server.ingest(spec('sketchplain', [], ROWS, False, PLAIN))
    same(server.sql('SELECT COUNT(*), SUM(n) FROM foldsketch')[1], [[7, len(ROWS)]])


def grouped(server, values, table, by_day=True):
    keys = "TIME_FLOOR(__time, 'P1D'), k" if by_day else 'k'
    return server.sql('SELECT %s, %s FROM %s GROUP BY %s ORDER BY %s' % (keys, values, table, keys, keys))[1]


def as_rows(server):
    """What is stored is what a query over the rows makes; over several stored sketches too."""
    for by_day in (True, False):
        for stored, of_rows in (
                ('APPROX_COUNT_DISTINCT_DS_HLL(hu)', 'APPROX_COUNT_DISTINCT_DS_HLL(u)'),
                ('APPROX_COUNT_DISTINCT_DS_HLL(hs, 10)', 'APPROX_COUNT_DISTINCT_DS_HLL(s, 10)'),
                ('APPROX_COUNT_DISTINCT_DS_HLL(hm)', 'APPROX_COUNT_DISTINCT_DS_HLL(m)'),
                ('DS_THETA(tu)', 'DS_THETA(u)'), ('DS_THETA(ts, 32)', 'DS_THETA(s, 32)'),
                ('DS_GET_QUANTILES(DS_QUANTILES_SKETCH(qx, 1024), 0.0, 0.25, 0.5, 0.99, 1.0)',
                 'DS_GET_QUANTILES(DS_QUANTILES_SKETCH(x, 1024), 0.0, 0.25, 0.5, 0.99, 1.0)')):
            same(grouped(server, stored, 'foldsketch', by_day), grouped(server, of_rows, 'sketchplain', by_day))
    same(server.sql("SELECT n, HLL_SKETCH_ESTIMATE(hu), THETA_SKETCH_ESTIMATE(ts), qx IS NULL FROM foldsketch WHERE k = 'none'")[1],
         [[2, 0.0, 0.0, False]])


def types(server):
    want = {'n': 'LONG', 'hu': 'COMPLEX<HLLSketch>', 'tu': 'COMPLEX<thetaSketch>', 'qx': 'COMPLEX<quantilesDoublesSketch>'}
    status, _, answer = server.post('/druid/v2', {'queryType': 'segmentMetadata', 'dataSource': 'foldsketch', 'merge': True,
                                                  'analysisTypes': ['aggregators']})
    same(status, 200)
    answer = json.loads(answer)[0]
    check(answer.get('aggregators'), answer)
    same({name: answer['columns'][name]['type'] for name in want}, want)
    same(answer['aggregators']['hs'], METRICS[2])


def native(server):
    query = {'queryType': 'timeseries', 'granularity': 'all', 'intervals': ['2024-01-01/2025-01-01']}
    stored = dict(query, dataSource='foldsketch', aggregations=[
        metric('HLLSketchMerge', 'a', 'hu'), metric('thetaSketch', 'b', 'tu'), metric('quantilesDoublesSketch', 'c', 'qx', k=1024)])
    of_rows = dict(query, dataSource='sketchplain', aggregations=[
        metric('HLLSketchBuild', 'a', 'u'), metric('thetaSketch', 'b', 'u'), metric('quantilesDoublesSketch', 'c', 'x', k=1024)])
    same(server.post('/druid/v2', stored)[2], server.post('/druid/v2', of_rows)[2])


def again(server):
    """Sketches as Base64 are input too: what comes from one table, rolled up further, goes into another."""
    rows = server.sql('SELECT TIME_FORMAT(__time), hu, tu, qx FROM foldsketch')[1]
    rows = [dict(zip(('t', 'hu', 'tu', 'qx'), row[:1] + [image.strip('"') for image in row[1:]])) for row in rows] + [{'t': '2024-01-03T00:00:00Z', 'hu': None, 'tu': 'AAAA', 'qx': 'x'}]
    metrics = [metric('HLLSketchMerge', 'h', 'hu'), metric('thetaSketch', 't', 'tu', isInputThetaSketch=True),
               metric('quantilesDoublesSketch', 'q', 'qx', k=1024)]
    server.ingest(spec('sketchtwice', metrics, rows, True, ['none']))
    same(server.sql('SELECT HLL_SKETCH_ESTIMATE(h) > 0, t FROM sketchtwice ORDER BY __time')[1][:2],
         [[True, row[1]] for row in server.sql("SELECT TIME_FLOOR(__time, 'P1D'), DS_THETA(tu) FROM foldsketch GROUP BY 1 ORDER BY 1")[1][:2]])
    same(server.sql('SELECT APPROX_COUNT_DISTINCT_DS_HLL(h), APPROX_QUANTILE_DS(q, 0.3, 1024) FROM sketchtwice')[1],
         server.sql('SELECT APPROX_COUNT_DISTINCT_DS_HLL(hu), APPROX_QUANTILE_DS(qx, 0.3, 1024) FROM foldsketch')[1])
    check(base64.b64decode(rows[0]['hu'])[2] == 7, rows[0]['hu'])  # the serial format and family of HLL


def refused(server):
    for made, words in ((metric('HLLSketchBuild', 'h', 'u', lgK=30), 'metricsSpec[0].lgK: expected a number from 4 to 21, found 30'),
                        (metric('HLLSketchBuild', 'h', 'u', tgtHllType='HLL_5'), 'tgtHllType: expected one of HLL_4, HLL_6, HLL_8, found'),
                        (metric('quantilesDoublesSketch', 'q', 'x', k=100), "metricsSpec[0]: 'k' must be a power of two"),
                        ({'type': 'thetaSketch', 'name': 't'}, "'fieldName' is missing"),
                        (metric('stringFirst', 's', 's'), 'is not supported at ingestion yet')):
        status, _, answer = server.post('/druid/indexer/v1/task', spec('sketchno', [made], ROWS[:1]))
        check(status in (400, 501) and words in answer.decode(), (words, answer))


def cases(server):
    for function in (loaded, as_rows, types, native, again, refused):
        yield function.__name__, lambda function=function: function(server)
