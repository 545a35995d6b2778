"""Metrics that are sketches: built and rolled up at ingestion, they hold what the rows themselves would have given."""
import base64
import json

from test_compact import compact
from test_formats import check, same
from test_insert import run

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
           metric('quantilesDoublesSketch', 'qx', 'x', k=1024), metric('HLLSketchBuild', 'hv', 's', stringEncoding='utf8')]
PLAIN = ['k', 's', {'type': 'string', 'name': 'm', 'multiValueHandling': 'ARRAY'}, {'type': 'long', 'name': 'u'}, {'type': 'double', 'name': 'x'}]


def need(server, *tables):
    """The tables are there: a case may be the only one that runs."""
    there = server.__dict__.setdefault('sketch_tables', set())
    for table in tables:
        if table not in there:
            server.ingest({'foldsketch': spec('foldsketch', METRICS, ROWS), 'sketchplain': spec('sketchplain', [], ROWS, False, PLAIN),
                           'folddruid': spec('folddruid', DRUID, ROWS)}[table])
            there.add(table)


def loaded(server):
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
                ('APPROX_COUNT_DISTINCT_DS_HLL_UTF8(hv)', 'APPROX_COUNT_DISTINCT_DS_HLL_UTF8(s)'),
                ('HLL_SKETCH_ESTIMATE(HLL_SKETCH_UNION(DS_HLL(hs), DS_HLL(hv)))',
                 "HLL_SKETCH_ESTIMATE(HLL_SKETCH_UNION(DS_HLL(s, 10, 'HLL_8'), DS_HLL(s, 12, 'HLL_4', 'utf8')))"),
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
    same(answer['aggregators']['hs'], dict(METRICS[2], type='HLLSketchMerge', fieldName='hs'))


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


DRUID = [{'type': 'count', 'name': 'n'}, metric('hyperUnique', 'hu', 'u'), metric('approxHistogram', 'ah', 'x', resolution=80),
         metric('fixedBucketsHistogram', 'fh', 'x', numBuckets=25, lowerLimit=0, upperLimit=100, outlierHandlingMode='overflow'),
         metric('variance', 'va', 'x'), metric('arrayOfDoublesSketch', 'tu', 's', metricColumns=['x', 'u']),
         metric('KllDoublesSketch', 'kx', 'x', k=1024), metric('KllFloatsSketch', 'fx', 'x', k=1024)]


def natively(server, table, aggregators, posts=(), **more):
    status, _, answer = server.post('/druid/v2', dict({
        'queryType': 'timeseries', 'dataSource': table, 'granularity': 'all', 'intervals': ['2024-01-01/2025-01-01'],
        'aggregations': aggregators, 'postAggregations': list(posts)}, **more))
    check(status == 200, answer)
    return json.loads(answer)[0]['result']


def druids(server):
    """Druid's own kinds: columns of them against the rows."""
    same([row[0] for row in server.sql("SELECT DATA_TYPE FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = 'folddruid' "
                                       "AND DATA_TYPE LIKE 'COMPLEX%' ORDER BY COLUMN_NAME")[1]],
         ['COMPLEX<%s>' % name for name in ('approximateHistogram', 'fixedBucketsHistogram', 'KllFloatsSketch', 'hyperUnique',
                                            'KllDoublesSketch', 'arrayOfDoublesSketch', 'variance')])
    sums = 'DS_TUPLE_DOUBLES_METRICS_SUM_ESTIMATE(DS_TUPLE_DOUBLES(%s))'
    for by_day in (True, False):
        for stored, of_rows in ((sums % 'tu', sums % 's, x, u'), ('ROUND(VAR_POP(va), 6)', 'ROUND(VAR_POP(x), 6)'),
                                ('ROUND(STDDEV(va), 6)', 'ROUND(STDDEV(x), 6)'),
                                ("APPROX_QUANTILE_FIXED_BUCKETS(fh, 0.3, 25, 0, 100, 'overflow')",
                                 "APPROX_QUANTILE_FIXED_BUCKETS(x, 0.3, 25, 0, 100, 'overflow')")):
            same(grouped(server, stored, 'folddruid', by_day), grouped(server, of_rows, 'sketchplain', by_day))
    for count in ('APPROX_COUNT_DISTINCT(hu)', 'APPROX_COUNT_DISTINCT_BUILTIN(hu)', 'COUNT(DISTINCT hu)'):
        for got, exact in zip(grouped(server, count, 'folddruid'), grouped(server, 'COUNT(DISTINCT u)', 'sketchplain')):
            same(got[:2], exact[:2])
            check(abs(got[2] - exact[2]) <= 0.08 * exact[2], (got, exact))
    median = server.value('SELECT APPROX_QUANTILE(ah, 0.5, 80) FROM folddruid')
    check(abs(median - server.value('SELECT APPROX_QUANTILE_DS(x, 0.5) FROM sketchplain')) < 3, median)
    same(natively(server, 'folddruid', [metric('KllDoublesSketch', 'k', 'kx', k=1024), metric('KllFloatsSketch', 'f', 'fx', k=1024)]),
         natively(server, 'sketchplain', [metric('KllDoublesSketch', 'k', 'x', k=1024), metric('KllFloatsSketch', 'f', 'x', k=1024)]))


def histogram_posts(server):
    """Post-aggregators over histograms; numbers by hand: x is 0, 0.25 ... 124.75, each three times."""
    posts = [{'type': 'min', 'name': 'min', 'fieldName': 'f'}, {'type': 'max', 'name': 'max', 'fieldName': 'a'},
             {'type': 'quantile', 'name': 'q', 'fieldName': 'f', 'probability': 0.5},
             {'type': 'quantiles', 'name': 'qs', 'fieldName': 'f', 'probabilities': [0.25, 0.75]},
             {'type': 'customBuckets', 'name': 'c', 'fieldName': 'a', 'breaks': [-1, 124.75]},
             {'type': 'equalBuckets', 'name': 'e', 'fieldName': 'a', 'numBuckets': 5},
             {'type': 'buckets', 'name': 'b', 'fieldName': 'a', 'bucketSize': 50, 'offset': 0}]
    got = natively(server, 'folddruid', [
        metric('approxHistogramFold', 'a', 'ah'), metric('approxHistogramFold', 'raw', 'ah', finalizeAsBase64Binary=True),
        metric('fixedBucketsHistogram', 'f', 'x', numBuckets=25, lowerLimit=0, upperLimit=125),
        metric('hyperUnique', 'h', 'hu', round=True), metric('varianceFold', 'v', 'va', estimator='population')], posts)
    same((got['min'], got['max']), ('Infinity', 124.75))
    got = natively(server, 'sketchplain', [
        metric('approxHistogram', 'a', 'x', resolution=80),
        metric('fixedBucketsHistogram', 'f', 'x', numBuckets=25, lowerLimit=0, upperLimit=125)], posts)
    same((got['min'], got['max'], got['q']), (0.0, 124.75, 62.5))
    same(got['qs'], {'probabilities': [0.25, 0.75], 'quantiles': [31.25, 93.75], 'min': 0.0, 'max': 124.75})
    same(got['c'], {'breaks': [-1.0, 124.75], 'counts': [1500.0]})
    same((len(got['e']['breaks']), got['e']['breaks'][-1], len(got['b']['counts'])), (6, 124.75, 3))
    check(abs(sum(got['e']['counts']) - 1500) < 0.01 and abs(sum(got['b']['counts']) - 1500) < 0.01, got)
    same(got['f'], '{lowerLimit=0.0, upperLimit=125.0, numBuckets=25, upperOutlierCount=0, lowerOutlierCount=0, missingValueCount=2, '
                   'histogram=[%s], outlierHandlingMode=ignore, count=1500, max=124.75, min=0.0}' % ', '.join(['60'] * 25))


def tuple_posts(server):
    """Post-aggregators over tuple sketches: 41 users, each with the sum of its x."""
    field = {'type': 'fieldAccess', 'fieldName': 't'}
    posts = [{'type': 'arrayOfDoublesSketchTo' + kind, 'name': kind, 'field': field}
             for kind in ('Estimate', 'EstimateAndBounds', 'NumEntries', 'Means', 'Variances', 'MetricsSumEstimate', 'Base64String')]
    posts += [{'type': 'arrayOfDoublesSketchTTest', 'name': 'test', 'fields': [field, field]},
              {'type': 'quantilesDoublesSketchToQuantile', 'name': 'least', 'fraction': 0, 'field':
               {'type': 'arrayOfDoublesSketchToQuantilesSketch', 'field': field, 'column': 1}},
              {'type': 'arrayOfDoublesSketchToEstimate', 'name': 'none', 'field':
               {'type': 'arrayOfDoublesSketchSetOp', 'operation': 'NOT', 'fields': [field, field]}}]
    by_user = server.sql('SELECT SUM(x) FROM sketchplain WHERE s > %r GROUP BY s' % '')[1]
    sums = [row[0] for row in by_user]
    mean = sum(sums) / 41
    for table, aggregator in (('folddruid', metric('arrayOfDoublesSketch', 't', 'tu', numberOfValues=2)),
                              ('sketchplain', metric('arrayOfDoublesSketch', 't', 's', metricColumns=['x', 'u']))):
        got = natively(server, table, [aggregator], posts)
        same((got['t'], got['Estimate'], got['NumEntries'], got['EstimateAndBounds'], got['none']), (41.0, 41.0, 41, [41.0] * 3, 0.0))
        check(abs(got['Means'][0] - mean) < 1e-9 and abs(got['MetricsSumEstimate'][0] - sum(sums)) < 1e-6, got)
        check(abs(got['Variances'][0] - sum((x - mean) ** 2 for x in sums) / 40) < 1e-6, got)
        same((got['test'], got['least']), ([1.0, 1.0], min(sums)))
        again = natively(server, table, [{'type': 'count', 'name': 'n'}], [
            {'type': 'arrayOfDoublesSketchToNumEntries', 'name': 'e', 'field':
             {'type': 'arrayOfDoublesSketchConstant', 'name': 'c', 'value': got['Base64String']}}])
        same(again['e'], 41)


def bloom_filters(server):
    for field, wanted in (('u', 613), ('s', 41), ('m', 5), ('x', 500)):
        made = natively(server, 'sketchplain', [{'type': 'bloom', 'name': 'b', 'field': field, 'maxNumEntries': 1000}])['b']
        bloom = {'type': 'bloom', 'dimension': field, 'bloomKFilter': made}
        same(natively(server, 'sketchplain', [{'type': 'count', 'name': 'n'}], filter=bloom), {'n': len(ROWS)})
        column = 'MV_TO_ARRAY(m)' if field == 'm' else field
        if field != 'm':
            same(server.sql("SELECT COUNT(DISTINCT %s) FROM sketchplain WHERE BLOOM_FILTER_TEST(%s, '%s')" % (column, column, made))[1],
                 [[wanted + (field == 's')]])
    few = server.value("SELECT BLOOM_FILTER(s, 100) FROM sketchplain WHERE s IN ('user1', 'user2')").strip('"')
    got = server.sql("SELECT s FROM sketchplain WHERE BLOOM_FILTER_TEST(s, '%s') GROUP BY s" % few)[1]
    check(['user1'] in got and ['user2'] in got and len(got) < 12, got)
    same(server.sql("SELECT BLOOM_FILTER_TEST('user1', '%s'), BLOOM_FILTER_TEST(NULL, '%s')" % (few, few))[1], [[True, False]])
    status, _, answer = server.post('/druid/v2/sql', {'query': "SELECT COUNT(*) FROM sketchplain WHERE BLOOM_FILTER_TEST(s, 'AAAA')"})
    check(status == 400 and b'bloom filter' in answer, answer)


KINDS = [metric('HLLSketchBuild', 'hl', 'u'), metric('thetaSketch', 'th', 'u'), metric('arrayOfDoublesSketch', 'tu', 's', metricColumns=['x']),
         metric('KllDoublesSketch', 'kd', 'x'), metric('KllFloatsSketch', 'kf', 'x'), metric('quantilesDoublesSketch', 'qu', 'x'),
         metric('hyperUnique', 'hu', 'u'), metric('approxHistogram', 'ah', 'x'), metric('fixedBucketsHistogram', 'fh', 'x', lowerLimit=0, upperLimit=100),
         metric('tDigestSketch', 'td', 'x'), metric('momentSketch', 'mo', 'x', k=8), metric('variance', 'va', 'x')]
FOLDS = [metric({'HLLSketchBuild': 'HLLSketchMerge', 'KllDoublesSketch': 'KllDoublesSketchMerge', 'KllFloatsSketch': 'KllFloatsSketchMerge',
                 'approxHistogram': 'approxHistogramFold', 'quantilesDoublesSketch': 'quantilesDoublesSketchMerge', 'momentSketch': 'momentSketchMerge',
                 'variance': 'varianceFold'}.get(m['type'], m['type']),
                m['name'], m['name'], **{k: v for k, v in m.items() if k not in ('type', 'name', 'fieldName', 'metricColumns')}) for m in KINDS]


def every_kind(server):
    """What is built at ingestion stays through compaction, SQL and its own bytes as input."""
    server.ingest(spec('sketch_kinds', KINDS, ROWS))
    want = natively(server, 'sketch_kinds', FOLDS)
    same(sorted(want), sorted(m['name'] for m in KINDS))
    for metrics in (KINDS, FOLDS):
        compact(server, 'sketch_kinds', granularitySpec={'segmentGranularity': 'MONTH', 'queryGranularity': 'MONTH', 'rollup': True}, metricsSpec=metrics)
        same(server.sql('SELECT COUNT(*) FROM sketch_kinds')[1], [[4]])
        close(natively(server, 'sketch_kinds', FOLDS), want)
    run(server, 'REPLACE INTO sketch_kinds_copy OVERWRITE ALL SELECT * FROM sketch_kinds PARTITIONED BY DAY')
    close(natively(server, 'sketch_kinds_copy', FOLDS), want)
    names = [m['name'] for m in KINDS]
    status, _, answer = server.post('/druid/v2', {'queryType': 'scan', 'dataSource': 'sketch_kinds', 'intervals': ['2024/2025'],
                                                  'resultFormat': 'compactedList', 'columns': names})
    same(status, 200)
    images = [dict(zip(names, row), t='2024-01-01T00:00:00Z', k='all') for row in json.loads(answer)[0]['events']]
    metrics = [dict(m, **{'th': {'isInputThetaSketch': True}, 'hu': {'isInputHyperUnique': True}}.get(m['name'], {})) for m in FOLDS]
    server.ingest(spec('sketch_kinds_again', metrics, images))
    same(server.sql('SELECT COUNT(*) FROM sketch_kinds_again')[1], [[1]])
    close(natively(server, 'sketch_kinds_again', FOLDS), want)


def cardinalities(server):
    """Values of several fields counted, each by itself or a row as one: hyperUnique sketches of them."""
    metrics = [{'type': 'cardinality', 'name': 'c', 'fields': ['u']}, {'type': 'cardinality', 'name': 'cm', 'fieldNames': ['m', 'k']},
               {'type': 'cardinality', 'name': 'cr', 'fields': [{'type': 'default', 'dimension': 'k'}, 's'], 'byRow': True}]
    server.ingest(spec('sketch_cardinalities', metrics, ROWS))
    rows = ROWS[:-2]
    want = {'c': len({row['u'] for row in rows}), 'cm': len({m for row in rows for m in row['m']} | set('abc') | {'none'}),
            'cr': len({(row['k'], row['s']) for row in rows}) + 1}  # a row without s, and one of which it is empty, are one
    fold = [metric('hyperUnique', m['name'], m['name']) for m in metrics]
    for _ in range(2):
        got = natively(server, 'sketch_cardinalities', fold)
        for name in want:
            check(abs(got[name] - want[name]) <= 0.08 * want[name], (name, got, want))
        compact(server, 'sketch_cardinalities', granularitySpec={'segmentGranularity': 'MONTH', 'queryGranularity': 'MONTH', 'rollup': True}, metricsSpec=metrics)
    status, _, answer = server.post('/druid/v2', {'queryType': 'segmentMetadata', 'dataSource': 'sketch_cardinalities', 'analysisTypes': ['aggregators']})
    same(status, 200)
    same(json.loads(answer)[0]['aggregators']['cr'], metric('hyperUnique', 'cr', 'cr'))


def close(got, want):
    """The numbers that do not depend on which sketches met first; of the rest that they are there."""
    for name in want:
        if isinstance(want[name], (int, float)):
            check(abs(got[name] - want[name]) <= 0.01 * abs(want[name]), (name, got, want))
        else:
            check(type(got[name]) is type(want[name]) and len(got[name]) > 0, (name, got, want))


def refused(server):
    for made, words in ((metric('HLLSketchBuild', 'h', 'u', lgK=30), 'metricsSpec[0].lgK: expected a number from 4 to 21, found 30'),
                        (metric('HLLSketchBuild', 'h', 'u', tgtHllType='HLL_5'), 'tgtHllType: expected one of HLL_4, HLL_6, HLL_8, found'),
                        (metric('quantilesDoublesSketch', 'q', 'x', k=100), "metricsSpec[0]: 'k' must be a power of two"),
                        ({'type': 'thetaSketch', 'name': 't'}, "'fieldName' is missing"),
                        (metric('fixedBucketsHistogram', 'f', 'x', lowerLimit=5, upperLimit=5), 'must be above the lower limit'),
                        (metric('arrayOfDoublesSketch', 't', 's', metricColumns=['x'], numberOfValues=2), "'numberOfValues' is 2"),
                        ({'type': 'bloom', 'name': 'b', 'field': 's', 'fieldName': 's'}, "'bloom' is an aggregator of queries"),
                        (metric('ddSketch', 's', 's'), 'is not supported at ingestion')):
        status, _, answer = server.post('/druid/indexer/v1/task', spec('sketchno', [made], ROWS[:1]))
        check(status in (400, 501) and words in answer.decode(), (words, answer))


def cases(server):
    for function, *tables in (
            (loaded, 'foldsketch'), (as_rows, 'foldsketch', 'sketchplain'), (types, 'foldsketch'), (native, 'foldsketch', 'sketchplain'), (again, 'foldsketch'),
            (druids, 'folddruid', 'sketchplain'), (histogram_posts, 'folddruid', 'sketchplain'), (tuple_posts, 'folddruid', 'sketchplain'),
            (bloom_filters, 'sketchplain'), (every_kind,), (cardinalities,), (refused,)):
        yield function.__name__, lambda function=function, tables=tables: (need(server, *tables), function(server))
