"""Native queries that dashboards seldom send, and what they give: rare aggregators and post-aggregators, unions of queries, frames that count groups of
peers, a topN inside another query, the aggregators that segmentMetadata shows."""
import json

from test_formats import check, same
from test_native import ALL, COUNT, ask, place, rows
from test_tasks import inline

VALUES = {'type': 'inline', 'columnNames': ['__time', 'x', 'y', 'm', 't', 'w'], 'columnTypes': ['LONG', 'STRING', 'LONG', 'STRING', 'STRING', 'STRING'],
          'rows': [[0, 'a', 1, ['1', 'b'], '2020-01-02', ['1', '2']], [1, 'b', 2, 'b', '2019', '3'], [2, 'b', 3, None, 'no time', None],
                   [3, None, 9, ['c', 'a'], None, ['x', '40']]]}
AGGREGATORS = (  # an aggregator over VALUES and what it shows
    (dict(type='histogram', fieldName='y', breaks=[0, 1, 2.5, 5]),
     {'breaks': [0.0, 1.0, 2.5, 5.0], 'counts': [1.0, 1.0, 1.0], 'quantiles': [1.0, 9.0]}),
    (dict(type='histogram', fieldName='none', breaks=[0, 1]), {'breaks': [0.0, 1.0], 'counts': [0.0], 'quantiles': ['Infinity', '-Infinity']}),
    (dict(type='filtered', filter={'type': 'selector', 'dimension': 'x', 'value': 'a'}, aggregator={'type': 'singleValue', 'name': 'i', 'fieldName': 'y'}), 1),
    (dict(type='filtered', filter={'type': 'false'}, aggregator={'type': 'singleValue', 'name': 'i', 'fieldName': 'y', 'columnType': 'LONG'}), None),
    (dict(type='cardinality', fields=['x', 'm'], round=True), 4),  # a, b, 1, c
    (dict(type='cardinality', fields=['m', 'y'], round=True), 8),  # 1, b, c, a and four numbers: 1 is another value than '1'
    (dict(type='cardinality', fields=['m'], round=True), 4),
    (dict(type='cardinality', fields=['x', 'm'], byRow=True, round=True), 4),
    (dict(type='longSum', fieldName='m'), 1),  # each of a row's texts; what is no number is nothing
    (dict(type='doubleMax', fieldName='m'), 1.0),
    (dict(type='longMin', fieldName='m'), 1),
    (dict(type='longSum', fieldName='w'), 1 + 2 + 3 + 40),
    (dict(type='doubleMin', fieldName='w'), 1.0),
    (dict(type='floatMax', fieldName='w'), 40.0),
    (dict(type='distinctCount', fieldName='x'), 2),
    (dict(type='timeMin', fieldName='__time'), '1970-01-01T00:00:00.000Z'),
    (dict(type='timeMax', fieldName='t'), '2020-01-02T00:00:00.000Z'),
    (dict(type='timeMax', fieldName='t', timeFormat='yyyy'), '2019-01-01T00:00:00.000Z'),
    (dict(type='timeMin', fieldName='y', timeFormat='posix'), '1970-01-01T00:00:00.001Z'),
    (dict(type='stringLastFold', fieldName='x'), None),
    (dict(type='sketchBuild', fieldName='x'), 2.0),
)
REFUSED = (  # an aggregator, what is said
    (dict(type='singleValue', fieldName='y'), 'at most one row, found 4'),
    (dict(type='histogram', fieldName='y', breaks=[1, 1]), 'aggregations[0].breaks[1]: expected breaks that ascend'),
    (dict(type='histogram', fieldName='y', breaks=[]), 'aggregations[0].breaks: expected 1 to 1000'),
    (dict(type='thetaSketch', fieldName='x', size=1000), "aggregations[0]: 'size' must be a power of two"),
    (dict(type='thetaSketch', fieldName='x', size=8), 'aggregations[0].size: expected a number from 16 to 67108864, found 8'),
    (dict(type='arrayOfDoublesSketch', fieldName='x', metricColumns=['y'], nominalEntries=24), "aggregations[0]: 'nominalEntries' must be a power of two"),
    (dict(type='cardinality', fields=[]), 'aggregations[0].fields: expected at least one column'),
    (dict(type='timeMin', fieldName='m'), 'expected a column of numbers or texts'),
)
SERIES = dict(queryType='timeseries', granularity='all', intervals=ALL, dataSource=VALUES)


def aggregated(server, aggregator, **more):
    return rows(server, aggregations=[dict(aggregator, name='v')], **dict(SERIES, **more))[0]['result']


def theta_text(server):
    text = aggregated(server, dict(type='thetaSketch', fieldName='x'), postAggregations=[
        {'type': 'thetaSketchToString', 'name': 't', 'field': {'type': 'fieldAccess', 'fieldName': 'v'}}])['t']
    for line in ('### HeapCompactSketch SUMMARY:', 'Estimate                : 2.0', 'Theta (long) hex        : 7fffffffffffffff', 'Ordered?                : true',
                 'Retained Entries        : 2'):
        check(line in text, text)


def times_rewritten(server):
    """ICU's date patterns, lenient, unless `joda` says otherwise: those take the whole text and no 13th month."""
    def got(*texts, **fn):
        source = {'type': 'inline', 'columnNames': ['__time', 'd'], 'columnTypes': ['LONG', 'STRING'], 'rows': [[0, t] for t in texts]}
        dimension = {'type': 'extraction', 'dimension': 'd', 'outputName': 'e', 'extractionFn': dict({'type': 'time', 'timeFormat': 'MM/dd/yyyy'}, **fn)}
        answer = rows(server, queryType='groupBy', granularity='all', dataSource=source, dimensions=['d', dimension], context={'resultAsArray': True})
        return [dict(answer)[t] for t in texts]
    same(got('12/21/2012', '5/6/2012', 'foo', '', None, resultFormat='QQQ/yyyy'), ['Q4/2012', 'Q2/2012', 'foo', '', None])
    same(got('13/40/2012', '01/02/2012 rest', resultFormat='yyyy-MM-dd'), ['2013-02-09', '2012-01-02'])
    same(got('13/40/2012', '01/02/2012 rest', '01/02/2012', resultFormat='yyyy-MM-dd', joda=True), ['13/40/2012', '01/02/2012 rest', '2012-01-02'])
    same(got('1442018818771', timeFormat='yyyy', resultFormat='yy'), ['73'])
    wrong = {'type': 'extraction', 'dimension': 's', 'outputName': 'e', 'extractionFn': {'type': 'time', 'timeFormat': 'yyyy', 'resultFormat': 'b'}}
    place(server, "dimensions[0].extractionFn: the time format 'b' has an unknown letter", queryType='groupBy', granularity='all', dimensions=[wrong])


def deviations(server):
    """The root of the variance that was asked for, whatever the aggregator shows."""
    said = lambda e: {'estimator': e} if e else {}
    sample, population = 155 / 12, 155 / 16  # 1, 2, 3, 9: squares 38.75 in all
    def got(of, own, **more):
        variance = dict({'type': 'variance', 'name': 'v', 'fieldName': 'y'}, **said(of))
        part = {'type': 'filtered', 'name': 'w', 'filter': {'type': 'equals', 'column': 'x', 'matchValueType': 'STRING', 'matchValue': 'b'}, 'aggregator': variance}
        return dict(SERIES, aggregations=[part, variance], postAggregations=[
            {'type': 'fieldAccess', 'name': 'a', 'fieldName': 'v'}, dict({'type': 'stddev', 'name': 'd', 'fieldName': 'a'}, **said(own)),
            {'type': 'arithmetic', 'fn': '*', 'name': 'e', 'fields': [dict({'type': 'stddev', 'fieldName': 'v'}, **said(own)),
                                                                     {'type': 'constant', 'value': 2}]}], **more)
    for of, v in ((None, sample), ('population', population)):
        for own, d in ((None, sample), ('population', population)):
            r = rows(server, **got(of, own))[0]['result']
            check(sorted(r) == ['a', 'd', 'e', 'v', 'w'] and abs(r['v'] - v) < 1e-9 and abs(r['d'] - d ** 0.5) < 1e-9
                  and abs(r['e'] - 2 * d ** 0.5) < 1e-9, (of, own, r))
            deep = rows(server, queryType='groupBy', granularity='all', dimensions=['x'], intervals='1970/1971',
                        dataSource={'type': 'query', 'query': got(of, own, queryType='groupBy', dimensions=['x'])},
                        aggregations=[{'type': 'doubleMax', 'name': n, 'fieldName': n} for n in ('v', 'd')])
            same([r['event']['v'] for r in deep], [0.0, 0.0, 0.5 if not of else 0.25])
            same([r['event']['d'] ** 2 for r in deep][:2] + [round(deep[2]['event']['d'] ** 2, 9)], [0.0, 0.0, 0.25 if own else 0.5])


def locales(server):
    """Names and capitals are English ones; what would be others is refused, numbers are the same everywhere."""
    def dimension(**fn):
        return [{'type': 'extraction', 'dimension': '__time', 'outputName': 'e', 'extractionFn': fn}]
    def first(**fn):
        return rows(server, **dict(SERIES, queryType='groupBy', dimensions=dimension(**fn), context={'resultAsArray': True}))[0][0]
    same(first(type='timeFormat', format='EEEE MMM', locale='en-US'), 'Thursday Jan')
    same(first(type='timeFormat', format="yyyy-MM 'E'", locale='fr'), '1970-01 E')
    same(first(type='upper', locale='de'), '0')
    for fn in (dict(type='timeFormat', format='EEEE', locale='fr'), dict(type='timeFormat', format='d. MMM', locale='de-DE'), dict(type='upper', locale='tr')):
        place(server, 'dimensions[0].extractionFn.locale: ', status=501, **dict(SERIES, queryType='groupBy', dimensions=dimension(**fn)))


def corrupt_inline(server):
    for text in ('AAAA', 'no Base64!', 'AgMDAAAazJP/////'):
        source = {'type': 'inline', 'columnNames': ['__time', 's'], 'columnTypes': ['LONG', 'COMPLEX<thetaSketch>'], 'rows': [[0, None], [0, text]]}
        place(server, 'dataSource.rows[1][1]: expected the Base64 text of a COMPLEX<thetaSketch>', **dict(
            SERIES, dataSource=source, aggregations=[{'type': 'thetaSketch', 'name': 'x', 'fieldName': 's'}]))


def cases_of_search(server):
    """`case_sensitive` is what Druid's documentation writes, `caseSensitive` what Druid reads."""
    count = lambda **query: rows(server, aggregations=COUNT, **dict(SERIES, filter={'type': 'search', 'dimension': 'x', 'query': dict(query, type='contains')}))
    for key in ('caseSensitive', 'case_sensitive'):
        same([count(value='B', **{key: cased})[0]['result']['n'] for cased in (True, False, 'false')], [0, 2, 2])


def z_score(server):
    number = lambda v: {'type': 'constant', 'value': v}
    got = rows(server, postAggregations=[
        {'type': 'zscore2sample', 'name': 'z', 'successCount1': number(300), 'sample1Size': number(500), 'successCount2': number(450), 'sample2Size': number(600)},
        {'type': 'pvalue2tailedZtest', 'name': 'p', 'zScore': {'type': 'fieldAccess', 'fieldName': 'z'}},
        {'type': 'zscore2sample', 'name': 'no', 'successCount1': number(5), 'sample1Size': number(1), 'successCount2': number(1), 'sample2Size': number(6)},
    ], **SERIES)[0]['result']
    same((round(got['z'], 6), round(got['p'], 12), got['no']), (-5.328336, 9.9117e-08, None))


def union(server):
    one = dict(SERIES, aggregations=COUNT)
    two = dict(queryType='groupBy', granularity='all', intervals=ALL, dataSource=VALUES, dimensions=['x'], aggregations=COUNT)
    three = {'queryType': 'timeBoundary', 'dataSource': 'nothing of that name'}
    both = json.loads(ask(server, {'queryType': 'union', 'queries': [three, one, two]})[1])
    same(both, rows(server, **one) + rows(server, **two))
    scan = lambda column: dict(queryType='scan', intervals=ALL, dataSource=VALUES, columns=[column])
    grouped = rows(server, queryType='groupBy', granularity='all', dimensions=['x'], aggregations=COUNT, dataSource={
        'type': 'query', 'query': {'queryType': 'union', 'queries': [scan('x'), scan('y')]}})
    same({r['event']['x']: r['event']['n'] for r in grouped}, {None: 1, 'a': 1, 'b': 2, '1': 1, '2': 1, '3': 1, '9': 1})


def unions_refused(server):
    one = dict(SERIES, aggregations=COUNT)
    pair = {'queryType': 'union', 'queries': [one, one]}
    for words, query in (('queries: expected 2 to 1000', dict(pair, queries=[one])), ('queries[1]: a union of unions', dict(pair, queries=[one, pair])),
                         ("queries[1]: 'queryType' is missing", dict(pair, queries=[one, {}])), ("'queries' is missing", {'queryType': 'union'})):
        place(server, words, **query)
    scan = lambda *columns: dict(queryType='scan', intervals=ALL, dataSource=VALUES, columns=list(columns))
    place(server, 'equally many columns', queryType='scan', dataSource={
        'type': 'query', 'query': {'queryType': 'union', 'queries': [scan('x'), scan('x', 'y')]}})


def top_inside(server):
    top = dict(queryType='topN', granularity={'type': 'duration', 'duration': 2}, intervals='1970/1971', dataSource=VALUES, dimension='x', metric='n',
               threshold=1, aggregations=COUNT)
    got = rows(server, queryType='scan', dataSource={'type': 'query', 'query': top}, columns=['__time', 'x', 'n'], resultFormat='compactedList')
    same(got[0]['events'], [[0, 'a', 1], [2, None, 1]])


def groups_frame(server):
    frame = lambda low, high: dict(
        queryType='windowOperator', dataSource={'type': 'query', 'query': dict(queryType='scan', intervals=ALL, dataSource=VALUES, columns=['x', 'y'])},
        operatorDefinition=[{'type': 'naiveSort', 'columns': [{'column': 'x', 'direction': 'ASC'}]}, {'type': 'naivePartition', 'partitionColumns': []},
                            {'type': 'window', 'processor': {'type': 'framedAgg', 'frame': {'type': 'groups', 'lowerOffset': low, 'upperOffset': high,
                                                                                           'orderByColumns': ['x']},
                                                             'aggregations': [{'type': 'longSum', 'name': 's', 'fieldName': 'y'}]}}],
        outputSignature=[{'name': 'x', 'type': 'STRING'}, {'name': 's', 'type': 'LONG'}])
    same(rows(server, **frame(-1, 0)), [[None, 9], ['a', 10], ['b', 6], ['b', 6]])
    same(rows(server, **frame(1, 2)), [[None, 6], ['a', 5], ['b', None], ['b', None]])


def metadata(server):
    """Segments show their aggregators as they combine; where segments differ, as the strategy says."""
    def load(day, metrics):
        spec = inline('rare_metrics', ['{"t":"2024-01-0%dT00:00:00Z","k":"a","n":1}' % day], appendToExisting=True)
        schema = spec['spec']['dataSchema']
        schema['metricsSpec'] = metrics
        schema['granularitySpec'].update(segmentGranularity='DAY', rollup=True)
        server.ingest(spec)
    load(1, [{'type': 'count', 'name': 'c'}, {'type': 'longSum', 'name': 's', 'fieldName': 'n'}, {'type': 'thetaSketch', 'name': 't', 'fieldName': 'k', 'size': 64}])
    load(2, [{'type': 'count', 'name': 'c'}, {'type': 'longMax', 'name': 's', 'fieldName': 'n'}])
    server.wait_table('rare_metrics')
    got = lambda **k: [s['aggregators'] for s in rows(server, queryType='segmentMetadata', dataSource='rare_metrics', analysisTypes=['aggregators'], **k)]
    count = {'type': 'longSum', 'name': 'c', 'fieldName': 'c'}
    number = lambda kind: {'type': kind, 'name': 's', 'fieldName': 's'}
    theta = {'type': 'thetaSketch', 'name': 't', 'fieldName': 't', 'size': 64}
    same(got(), [{'c': count, 's': number('longSum'), 't': theta}, {'c': count, 's': number('longMax')}])
    same(got(merge=True), [None])
    same(got(merge=True, lenientAggregatorMerge=True), [{'c': count, 's': None, 't': theta}])
    same(got(merge=True, aggregatorMergeStrategy='earliest')[0]['s'], number('longSum'))
    same(got(merge=True, aggregatorMergeStrategy='latest')[0]['s'], number('longMax'))


def cases(server):
    for aggregator, want in AGGREGATORS:
        yield 'rare: ' + json.dumps(aggregator), lambda a=aggregator, w=want: same(aggregated(server, a)['v'], w)
    for aggregator, words in REFUSED:
        yield 'rare: ' + words, lambda a=aggregator, w=words: place(server, w, aggregations=[dict(a, name='v')], **SERIES)
    yield 'rare: not finished', lambda: same(
        [aggregated(server, dict(type=t, fieldName=f), context={'finalize': False})['v'] for t, f in (('timeMax', '__time'), ('longLast', 'y'))],
        [3, {'lhs': 3, 'rhs': 9}])
    for name, run in (('a theta sketch as text', theta_text), ('tests of two samples', z_score), ('times rewritten', times_rewritten),
                      ('cases of search', cases_of_search), ('locales', locales), ('deviations', deviations),
                      ('corrupt inline', corrupt_inline), ('union', union), ('unions refused', unions_refused),
                      ('topN inside', top_inside), ('frames of groups', groups_frame), ('aggregators of segments', metadata)):
        yield 'rare: ' + name, lambda r=run: r(server)
