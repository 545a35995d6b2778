"""Native sketches and SQL's: the same numbers from the same rows."""
import json

from test_formats import check, same
from test_native import ALL, rows

FIELD = {'type': 'fieldAccess', 'fieldName': 'a'}
FIXED = {'numBuckets': 20, 'lowerLimit': 0, 'upperLimit': 100, 'outlierHandlingMode': 'overflow'}
PAIRS = (  # SQL, the native aggregator, its post-aggregator or none
    ('APPROX_QUANTILE(small, 0.25, 40)', {'type': 'approxHistogram', 'fieldName': 'small', 'resolution': 40}, {'type': 'quantile', 'fieldName': 'a', 'probability': 0.25}),
    ("APPROX_QUANTILE_FIXED_BUCKETS(small, 0.75, 20, 0, 100, 'overflow')", dict(FIXED, type='fixedBucketsHistogram', fieldName='small'),
     {'type': 'quantile', 'fieldName': 'a', 'probability': 0.75}),
    ('APPROX_QUANTILE_DS(small, 0.4, 64)', {'type': 'quantilesDoublesSketch', 'fieldName': 'small', 'k': 64},
     {'type': 'quantilesDoublesSketchToQuantile', 'field': FIELD, 'fraction': 0.4}),
    ('TDIGEST_QUANTILE(small, 0.5, 100)', {'type': 'tDigestSketch', 'fieldName': 'small', 'compression': 100},
     {'type': 'quantileFromTDigestSketch', 'field': FIELD, 'fraction': 0.5}),
    ('HLL_SKETCH_ESTIMATE(DS_HLL(country, 10))', {'type': 'HLLSketchBuild', 'fieldName': 'country', 'lgK': 10}, {'type': 'HLLSketchEstimate', 'field': FIELD}),
    ('APPROX_COUNT_DISTINCT_DS_HLL_UTF8(country, 6)', {'type': 'HLLSketchBuild', 'fieldName': 'country', 'lgK': 6, 'stringEncoding': 'utf8', 'round': True}, None),
    ('THETA_SKETCH_ESTIMATE(DS_THETA(big, 256))', {'type': 'thetaSketch', 'fieldName': 'big', 'size': 256}, {'type': 'thetaSketchEstimate', 'field': FIELD}),
    ('DS_TUPLE_DOUBLES_METRICS_SUM_ESTIMATE(DS_TUPLE_DOUBLES(country, small, 64))', {
        'type': 'arrayOfDoublesSketch', 'fieldName': 'country', 'nominalEntries': 64, 'metricColumns': ['small'], 'numberOfValues': 1},
     {'type': 'arrayOfDoublesSketchToMetricsSumEstimate', 'field': FIELD}),
    ('VAR_SAMP(small)', {'type': 'variance', 'fieldName': 'small'}, None),
    ('STDDEV_POP(small)', {'type': 'variance', 'fieldName': 'small', 'estimator': 'population'}, {'type': 'stddev', 'fieldName': 'a', 'estimator': 'population'}),
)

def pair(server, sql, aggregator, post):
    status, _, body = server.post('/druid/v2/sql', {'query': 'SELECT country, %s FROM events GROUP BY 1 ORDER BY 1' % sql, 'resultFormat': 'array'})
    check(status == 200, body)
    want = [[c, json.loads(v) if isinstance(v, str) and v[:1] == '[' else v] for c, v in json.loads(body)]  # lists come as texts
    got = rows(server, queryType='groupBy', dataSource='events', intervals=ALL, granularity='all', dimensions=['country'],
               aggregations=[dict(aggregator, name='a')], postAggregations=[dict(post, name='p')] if post else [])
    check(len(want) > 3, 'too few groups')
    same([[r['event']['country'], r['event']['p' if post else 'a']] for r in got], want)


def finalized(server):
    """sqlFinalizeOuterSketches of a context, a truth or a text; one plan is not taken for the other."""
    shown = lambda c: server.sql('SELECT DS_HLL(country), APPROX_COUNT_DISTINCT_DS_HLL(country) FROM events', c)[1][0]
    for yes in (True, 'true', 'TRUE'):
        text, number = shown({'sqlFinalizeOuterSketches': yes})
        same(text, str(number))
    for no in ({}, {'sqlFinalizeOuterSketches': False}, {'sqlFinalizeOuterSketches': 'false'}):
        check(shown(no)[0].startswith('"') and len(shown(no)[0]) > 20, no)


def cases(server):
    yield 'finalized outer sketches', lambda: finalized(server)
    for sql, aggregator, post in PAIRS:
        yield sql, lambda s=sql, a=aggregator, p=post: pair(server, s, a, p)
