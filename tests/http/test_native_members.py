"""Members of native queries: what is refused and where it is said to stand, what Druid takes in more than one form."""
import json

from test_formats import same
from test_native import ALL, place, rows
from test_native_rare import VALUES

SERIES = dict(queryType='timeseries', granularity='all', intervals=ALL, dataSource=VALUES, aggregations=[{'type': 'count', 'name': 'n'}])
SCAN = dict(queryType='scan', intervals=ALL, dataSource=VALUES)
TOP = dict(SERIES, queryType='topN', dimension='x', metric='n')
QUANTILES = {'type': 'quantilesDoublesSketch', 'name': 't', 'fieldName': 'y'}
FIELD = {'type': 'fieldAccess', 'fieldName': 't'}


def posted(kind, **more):
    return dict(SERIES, aggregations=[QUANTILES], postAggregations=[dict(more, type=kind, name='p')])


REFUSED = tuple((dict(SCAN, **{name: value}), '%s: expected an integer, found %s' % (name, value))
                for name, value in (('limit', 1.5), ('offset', 2.5), ('batchSize', 0.5))) + (
    (dict(SERIES, limit=1.5), 'limit: expected an integer, found 1.5'),
    (dict(SERIES, granularity={'type': 'duration', 'duration': 1.5}), 'granularity.duration: expected an integer, found 1.5'),
    (dict(TOP, threshold=0.5), 'threshold: expected a whole number from 1 to 2147483647'),
    (dict(TOP, threshold=1, context={'minTopNThreshold': 1.5}), 'context.minTopNThreshold: expected an integer, found 1.5'),
    (dict(SERIES, context={'timeout': 1.5}), 'context.timeout: expected milliseconds, 0 or more'),
    (dict(SERIES, context={'priority': 1.5}), 'context.priority: expected an integer, found 1.5'),
    (dict(SERIES, context={'maxMemoryBytes': 1.5}), 'context.maxMemoryBytes: expected an integer, found 1.5'),
    (dict(SERIES, context={'maxMemoryBytes': 1000}), 'of its limit of 1000'),
    (dict(SERIES, context={'skipEmptyBuckets': 5}), 'context.skipEmptyBuckets: expected true or false, found 5'),
    (dict(SERIES, context={'finalize': []}), 'context.finalize: expected true or false, found an array'),
    (dict(SERIES, filter={'type': 'or', 'fields': [None]}), 'filter.fields: expected at least one filter'),
    (dict(SERIES, filter={'type': 'range', 'column': 'y', 'matchValueType': 'BIGINT', 'lower': 1}), "filter.matchValueType: the type 'BIGINT'"),
    (dict(SERIES, filter={'type': 'arrayContainsElement', 'column': 'm', 'elementMatchValueType': 'ARRAY<X>', 'elementMatchValue': 1}),
     "filter.elementMatchValueType: the type 'ARRAY<X>'"),
    (posted('quantilesDoublesSketchToQuantile', field=FIELD, fraction=1.5), 'postAggregations[0].fraction: expected a part from 0 to 1, found 1.5'),
    (posted('quantilesDoublesSketchToQuantiles', field=FIELD, fractions=[1, 0, -1]), 'fractions[2]: expected a part from 0 to 1, found -1'),
    (posted('quantilesDoublesSketchToCDF', field=FIELD, splitPoints=[1, 2, 2]), 'splitPoints[2]: expected points that ascend, found 2'),
    (posted('quantilesDoublesSketchToHistogram', field=FIELD, splitPoints=['NaN']), 'splitPoints[0]: expected points that ascend, found NaN'),
    (posted('thetaSketchConstant', value='!'), 'postAggregations[0].value: expected the Base64 text of a COMPLEX<thetaSketch>'),
    (posted('arrayOfDoublesSketchConstant', value='AQMD'), 'postAggregations[0].value: expected the Base64 text of a COMPLEX<arrayOfDoublesSketch>'),
)


def counted(server, **condition):
    return rows(server, **dict(SERIES, filter=condition))[0]['result']['n']


def orderings(server):
    """A word, or what Druid's EXPLAIN prints."""
    for kind in ('numeric', 'lexicographic', 'strlen'):
        same(counted(server, type='bound', dimension='y', lower='2', ordering={'type': kind}), counted(server, type='bound', dimension='y', lower='2', ordering=kind))


def nothing_said(server):
    """null among the parts of AND and OR."""
    part = {'type': 'null', 'column': 'nowhere'}
    same([counted(server, type=t, fields=[None, part, None]) for t in ('and', 'or')], [counted(server, **part)] * 2)


def sets(server):
    """An OR of equalities is IN, NULL and its negation too."""
    parts = lambda dimension, *values: {'type': 'or', 'fields': [{'type': 'selector', 'dimension': dimension, 'value': v} for v in values]}
    for dimension, values in (('x', ['a', 'b']), ('x', ['b', None]), ('y', ['1', '9', 'z']), ('m', ['b', 'c']), ('nowhere', ['a', 'b']), ('__time', ['1', '2'])):
        same([counted(server, **f) for f in (parts(dimension, *values), {'type': 'not', 'field': parts(dimension, *values)})],
             [counted(server, **f) for f in ({'type': 'in', 'dimension': dimension, 'values': values},
                                             {'type': 'not', 'field': {'type': 'in', 'dimension': dimension, 'values': values}})])


def fractions(server):
    """The one number that was recorded from Druid: cut."""
    for threshold, shown in ((2.7, 2), (1.0, 1), ('2', 2)):
        same(len(rows(server, **dict(TOP, threshold=threshold))[0]['result']), shown)


def spaces(server):
    """Other bytes, another tag."""
    query = json.dumps(SERIES).encode()
    tags = [server.request('POST', '/druid/v2' + path, query, {'Content-Type': 'application/json'})[1]['etag'] for path in ('', '?pretty')]
    for path, tag, status in (('', tags[0], 304), ('?pretty', tags[1], 304), ('', tags[1], 200), ('?pretty', tags[0], 200)):
        same(server.request('POST', '/druid/v2' + path, query, {'Content-Type': 'application/json', 'If-None-Match': tag})[0], status)


def cases(server):
    for query, words in REFUSED:
        yield 'members: ' + words, lambda q=query, w=words: place(server, w, **q)
    for run in (orderings, nothing_said, sets, fractions, spaces):
        yield 'members: ' + run.__name__.replace('_', ' '), lambda r=run: r(server)
