"""Sketches of numbers in native queries: quantiles sketches of every make, their post-aggregators, what each shows, what is refused."""
from test_formats import check, same
from test_native import place, rows
from test_sketch_ingest import ROWS, metric, spec

NUMBERS = {'type': 'inline', 'columnNames': ['v'], 'columnTypes': ['DOUBLE'], 'rows': [[3], [1], [2], [4], [None]]}
TENTHS = {'type': 'inline', 'columnNames': ['v'], 'columnTypes': ['DOUBLE'], 'rows': [[0.1], [0.2], [0.3]]}
WHOLE = dict(queryType='timeseries', granularity='all')
MAKES = ('quantilesDoublesSketch', 'KllDoublesSketch', 'KllFloatsSketch')


def result(server, make, posts, source=NUMBERS, **more):
    return rows(server, **WHOLE, dataSource=source, aggregations=[{'type': make, 'name': 'q', 'fieldName': 'v', **more}],
                postAggregations=posts)[0]['result']


def to(make, kind, **more):
    return {'type': make + 'To' + kind, 'name': kind, 'field': {'type': 'fieldAccess', 'fieldName': 'q'}, **more}


def every_make(server, make):
    got = result(server, make, [
        to(make, 'Quantile', fraction=0.5), to(make, 'Quantiles', fractions=[0, 1]), to(make, 'Rank', value=2),
        to(make, 'CDF', splitPoints=[1, 3]), to(make, 'Histogram', splitPoints=[2])], k=32)
    same(got, {'q': 4, 'Quantile': 2.0, 'Quantiles': [1.0, 4.0], 'Rank': 0.5, 'CDF': [0.25, 0.75, 1.0], 'Histogram': [2.0, 2.0]})
    same(result(server, make, [to(make, 'Histogram', numBins=3)])['Histogram'], [2.0, 1.0, 1.0])
    same(result(server, make, [to(make, 'String')])['String'].count('\n') > 15, True)
    place(server, 'postAggregations[0]', **WHOLE, dataSource=NUMBERS, postAggregations=[to(make, 'Quantile')],
          aggregations=[{'type': make, 'name': 'q', 'fieldName': 'v'}])
    place(server, 'aggregations[0].k', **WHOLE, aggregations=[{'type': make, 'name': 'q', 'fieldName': 'v', 'k': 1}])


def merged(server, make):
    """Sketches of an inner query, merged by the outer one under the name they have."""
    inner = {'queryType': 'groupBy', 'dataSource': NUMBERS, 'granularity': 'all', 'intervals': ['1000/3000'], 'dimensions': ['v'],
             'aggregations': [{'type': make, 'name': 'q', 'fieldName': 'v'}], 'context': {'finalize': False}}
    outer = dict(WHOLE, queryType='groupBy', dimensions=[], dataSource={'type': 'query', 'query': inner})
    got = rows(server, **outer, aggregations=[{'type': make + 'Merge', 'name': 'q'}],
               postAggregations=[to(make, 'Quantiles', fractions=[0.25, 0.5, 1])])[0]['event']
    same((got['q'], got['Quantiles']), (4, [1.0, 2.0, 4.0]))


def floats(server):
    """Floats print as such, and points are rounded to them."""
    make = 'KllFloatsSketch'
    got = result(server, make, [to(make, 'Quantile', fraction=0.5), to(make, 'Quantiles', fractions=[0, 1]),
                                to(make, 'Rank', value=0.1)], source=TENTHS)
    same((got['Quantile'], got['Quantiles'], got['Rank']), (0.2, [0.1, 0.3], 1 / 3))


def images(server):
    """As DataSketches' C++ writes them, once level 0 is sorted."""
    for make, want in (('KllDoublesSketch', 'BQEPAsgACAACAAAAAAAAAMgAAQDGAAAAmpmZmZmZuT+amZmZmZnJP5qZmZmZmbk/mpmZmZmZyT8='),
                       ('KllFloatsSketch', 'BQEPAsgACAACAAAAAAAAAMgAAQDGAAAAzczMPc3MTD7NzMw9zcxMPg==')):
        for order in ([[0.1], [0.2]], [[0.2], [0.1]]):
            got = result(server, make, [], source=dict(TENTHS, rows=order), **{})
            same(got['q'], 2)
            query = dict(WHOLE, dataSource=dict(TENTHS, rows=order), context={'finalize': False},
                         aggregations=[{'type': make, 'name': 'q', 'fieldName': 'v'}])
            same(rows(server, **query)[0]['result']['q'], want)


def digests(server):
    """As t-digest 3.2 has them; the sketch shows as its bytes."""
    def to(kind, **more):
        return {'type': kind + 'FromTDigestSketch', 'name': kind, 'field': {'type': 'fieldAccess', 'fieldName': 'q'}, **more}
    got = result(server, 'tDigestSketch', [to('quantile', fraction=0.5), to('quantiles', fractions=[0, 0.25, 1])], compression=50)
    same((got['quantile'], got['quantiles']), (2.5, [1.0, 1.5, 4.0]))
    same(got['q'], 'AAAAAT/wAAAAAAAAQBAAAAAAAABASQAAAAAAAAAAAAQ/8AAAAAAAAD/wAAAAAAAAP/AAAAAAAABAAAAAAAAAAD/wAAAAAAAAQAgAAAAAAAA/'
                   '8AAAAAAAAEAQAAAAAAAA')
    place(server, 'aggregations[0].compression', **WHOLE, aggregations=[
        {'type': 'tDigestSketch', 'name': 'q', 'fieldName': 'v', 'compression': 0}])
    same(server.sql("SELECT TDIGEST_QUANTILE(x, 0.5), TDIGEST_QUANTILE(x, 0.25, 50), "
                    "DS_GET_QUANTILES(TDIGEST_GENERATE_SKETCH(x), 0, 1) FROM (VALUES (3.0), (1.0), (2.0), (4.0), (NULL)) AS t(x)")[1],
         [[2.5, 1.5, '[1.0,4.0]']])


def moments(server):
    """Solved quantiles lie near; the sketch shows as its bytes."""
    field = {'type': 'fieldAccess', 'fieldName': 'q'}
    posts = [{'type': 'momentSketchSolveQuantiles', 'name': 'quantiles', 'field': field, 'fractions': [0, 0.5, 1]},
             {'type': 'momentSketchMin', 'name': 'min', 'field': field}, {'type': 'momentSketchMax', 'name': 'max', 'field': field}]
    many = {'type': 'inline', 'columnNames': ['v'], 'columnTypes': ['DOUBLE'], 'rows': [[i] for i in range(1001)]}
    for compress in (True, False):
        got = result(server, 'momentSketch', posts, source=many, k=10, compress=compress)
        check(abs(got['quantiles'][1] - 500) < 20 and got['quantiles'][0] < 5 and abs(got['quantiles'][2] - 1000) < 1e-6, got)
        check(abs(got['min']) < 1e-9 and abs(got['max'] - 1000) < 1e-9, got)
    got = result(server, 'momentSketch', posts, k=3, compress=False)
    same(got['q'], 'AAAAAwAAAAA/8AAAAAAAAEAQAAAAAAAAQBAAAAAAAABAJAAAAAAAAEA+AAAAAAAA')
    inner = {'queryType': 'groupBy', 'dataSource': NUMBERS, 'granularity': 'all', 'intervals': ['1000/3000'], 'dimensions': ['v'],
             'aggregations': [{'type': 'momentSketch', 'name': 'q', 'fieldName': 'v', 'k': 3, 'compress': False}]}
    outer = dict(WHOLE, queryType='groupBy', dimensions=[], dataSource={'type': 'query', 'query': inner})
    got = rows(server, **outer, aggregations=[{'type': 'momentSketchMerge', 'name': 'q', 'k': 3, 'compress': False}])[0]['event']
    same(got['q'], 'AAAAAwAAAAA/8AAAAAAAAEAQAAAAAAAAQBAAAAAAAABAJAAAAAAAAEA+AAAAAAAA')


def ingested(server):
    """Sketches in a metricsSpec: built and rolled up, then merged by the queries."""
    server.ingest(spec('foldnumbers', [metric('KllDoublesSketch', 'kd', 'x', k=2000), metric('KllFloatsSketch', 'kf', 'x', k=2000),
                                       metric('tDigestSketch', 'td', 'x', compression=200),
                                       metric('momentSketch', 'mo', 'x', k=10, compress=False)], ROWS))
    values = sorted(row['x'] for row in ROWS if 'x' in row)
    got = server.sql("SELECT kd IS NOT NULL, DS_GET_QUANTILE(kd, 1) <= %s, DS_GET_QUANTILE(td, 1) <= %s FROM foldnumbers "
                     "WHERE k = 'a'" % (values[-1], values[-1]))[1]
    same(got, [[True, True, True]] * 2)
    of = {'type': 'fieldAccess', 'fieldName': 'q'}
    body = dict(WHOLE, dataSource='foldnumbers', aggregations=[metric('KllDoublesSketch', 'q', 'kd', k=2000)],
                postAggregations=[to('KllDoublesSketch', 'Quantiles', fractions=[0, 0.5, 1])])
    want = [values[0], values[len(values) // 2 - 1], values[-1]]
    same(rows(server, **body)[0]['result'], {'q': len(values), 'Quantiles': want})
    body.update(aggregations=[metric('KllFloatsSketchMerge', 'kf', 'kf', k=2000)], postAggregations=[])
    same(rows(server, **body)[0]['result']['kf'], len(values))
    body.update(aggregations=[metric('tDigestSketch', 'q', 'td')], postAggregations=[
        {'type': 'quantileFromTDigestSketch', 'name': 'm', 'field': of, 'fraction': 0.5}])
    check(abs(rows(server, **body)[0]['result']['m'] - want[1]) < 1.5, rows(server, **body))
    body.update(aggregations=[metric('momentSketchMerge', 'q', 'mo', k=10, compress=False)], postAggregations=[
        {'type': 'momentSketchSolveQuantiles', 'name': 'm', 'field': of, 'fractions': [0.5]},
        {'type': 'momentSketchMax', 'name': 'max', 'field': of}])
    result = rows(server, **body)[0]['result']
    check(abs(result['m'][0] - want[1]) < 3 and abs(result['max'] - values[-1]) < 1e-9, result)


def cases(server):
    for make in MAKES:
        yield make, lambda m=make: every_make(server, m)
        yield make + 'Merge', lambda m=make: merged(server, m)
    yield 'floats', lambda: floats(server)
    yield 'images', lambda: images(server)
    yield 't-digests', lambda: digests(server)
    yield 'moments', lambda: moments(server)
    yield 'in a metricsSpec', lambda: ingested(server)
