"""Native queries over lists, arrays of arrays and JSON: filters, aggregators of numbers, scalar_in_array, lookups of several texts a row; and orders
that an aggregator or post-aggregator makes itself."""
import json

from test_formats import same
from test_native import ALL, COUNT, place, rows
from test_tasks import inline

ROWS = {'type': 'inline', 'columnNames': ['__time', 'x', 'y', 'm', 'a', 'la', 'j', 'f'],
        'columnTypes': ['LONG', 'STRING', 'LONG', 'STRING', 'ARRAY<LONG>', 'ARRAY<STRING>', 'COMPLEX<json>', 'FLOAT'],
        'rows': [[0, 'a', 1, ['1', 'b'], [1, 2], ['a', 'c'], {'k': 1, 's': 'q'}, 0.1], [1, 'b', 2, 'b', [7], ['x'], 'str', 0.25],
                 [2, 'b', 3, None, None, None, 5, None], [3, None, 9, ['c', 'a'], [], ['b', None], [1, 2], 16777216]]}
LIST_TYPES = 'this filter does not support ARRAY types'
FILTERS = (  # a filter, the y of the rows that pass
    (dict(type='selector', dimension='j', value='str'), [2]),
    (dict(type='selector', dimension='j', value='5'), [3]),
    (dict(type='selector', dimension='j', value=None), []),
    (dict(type='not', field=dict(type='selector', dimension='j', value='str')), [3]),  # objects and lists are no text: unknown
    (dict(type='in', dimension='j', values=['str', '5', None]), [2, 3]),
    (dict(type='bound', dimension='j', lower='1'), [2, 3]),
    (dict(type='bound', dimension='j', lower='1', upper='9', ordering='numeric'), [3]),
    (dict(type='like', dimension='j', pattern='s%'), [2]),
    (dict(type='regex', dimension='j', pattern='^s'), [2]),
    (dict(type='search', dimension='j', query=dict(type='contains', value='T')), [2]),
    (dict(type='selector', dimension='j', value='STR', extractionFn={'type': 'upper'}), [2]),
    (dict(type='equals', column='j', matchValueType='STRING', matchValue='str'), [2]),
    (dict(type='equals', column='j', matchValueType='LONG', matchValue=5), [3]),
    (dict(type='equals', column='j', matchValueType='COMPLEX<json>', matchValue={'k': 1, 's': 'q'}), [1]),
    (dict(type='equals', column='j', matchValueType='ARRAY<LONG>', matchValue=[1, 2]), [9]),
    (dict(type='inType', column='j', matchValueType='STRING', sortedValues=['q', 'str']), [2]),
    (dict(type='range', column='j', matchValueType='LONG', lower=2), [3]),
    (dict(type='null', column='j'), []),
    (dict(type='columnComparison', dimensions=['j', 'x']), [9]),
    (dict(type='arrayContainsElement', column='j', elementMatchValueType='LONG', elementMatchValue=2), [9]),
    (dict(type='selector', dimension='a', value=None), [3]),
    (dict(type='equals', column='a', matchValueType='LONG', matchValue=7), []),  # a list is no number
    (dict(type='equals', column='a', matchValueType='ARRAY<LONG>', matchValue=[7]), [2]),
    (dict(type='equals', column='y', matchValueType='ARRAY<LONG>', matchValue=[2]), [2]),  # but a list of one is its one
    (dict(type='equals', column='y', matchValueType='ARRAY<LONG>', matchValue=[2, 3]), []),
    (dict(type='range', column='a', matchValueType='ARRAY<LONG>', lower=[1, 2], lowerOpen=True), [2]),
    (dict(type='range', column='a', matchValueType='LONG', lower=1), []),
    (dict(type='inType', column='a', matchValueType='ARRAY<LONG>', sortedValues=[[], [1, 2]]), [1, 9]),
    (dict(type='columnComparison', dimensions=['a', 'a']), [1, 2, 3, 9]),
    (dict(type='columnComparison', dimensions=['la', 'x']), [1, 9]),  # something in common
    (dict(type='columnComparison', dimensions=['m', 'x']), [2]),
    (dict(type='bound', dimension='m', lower='a', upper='a5'), [9]),  # one and the same value within both
    (dict(type='range', column='m', matchValueType='STRING', lower='a', upper='a5'), [9]),
    (dict(type='search', dimension='m', query=dict(type='fragment', values=['1', 'b'])), []),
    (dict(type='selector', dimension='f', value='0.1'), [1]),  # a FLOAT is compared with FLOATs
    (dict(type='in', dimension='f', values=['0.1', '0.25']), [1, 2]),
    (dict(type='equals', column='f', matchValueType='DOUBLE', matchValue=0.1), [1]),
    (dict(type='inType', column='f', matchValueType='DOUBLE', sortedValues=[0.1, 7]), [1]),
    (dict(type='bound', dimension='f', lower='0.1', upper='0.1', ordering='numeric'), [1]),
    (dict(type='range', column='f', matchValueType='DOUBLE', lower=0.1, upper=0.1), []),  # but for its own bounds
    (dict(type='not', field=dict(type='selector', dimension='f', value='0.1')), [2, 9]),
    (dict(type='interval', dimension='m', intervals=['1970-01-01T00:00:00.001/1970-01-01T00:00:00.002']), [1]),
)
REFUSED = tuple((dict(f, dimension='a'), f'filter.dimension: {LIST_TYPES}') for f in (
    dict(type='selector', value='1'), dict(type='in', values=['1']), dict(type='bound', lower='1'), dict(type='like', pattern='1'))) + (
    (dict(type='columnComparison', dimensions=['a']), 'filter.dimensions: expected 2 to 100 columns'),
    (dict(type='equals', column='j', matchValueType='NOTHING', matchValue=1), "filter.matchValueType: the type 'NOTHING'"))
AGGREGATORS = (  # type, column, what it shows
    ('longFirst', 'a', None), ('longLast', 'a', None), ('doubleAny', 'j', None), ('longSum', 'a', 10), ('doubleMax', 'a', 7.0), ('doubleMean', 'a', 10 / 3),
    ('doubleMean', 'm', 1.0), ('doubleMean', 'la', 0.0), ('longMin', 'j', 5), ('doubleMean', 'j', 5.0), ('longMax', 'm', 1), ('stringFirst', 'a', '[1,2]'),
)
EXPRESSIONS = (  # an expression, its values, the type
    ('scalar_in_array(y, a)', [1, 0, None, 0], 'LONG'),
    ('scalar_in_array(x, la)', [1, 0, None, 1], 'LONG'),
    ('scalar_in_array(x, m)', [0, 1, None, None], 'LONG'),
    ('scalar_in_array(y, array(y, 3))', [1, 1, 1, 1], 'LONG'),
    ('scalar_in_array(y, [])', [0, 0, 0, 0], 'LONG'),
    ('scalar_in_array(a, array(a))', [1, 1, 1, 1], 'LONG'),
    ('array(a, a)', [[[1, 2], [1, 2]], [[7], [7]], [None, None], [[], []]], 'ARRAY<COMPLEX<json>>'),
    ('[[y, 2], [y]]', [[[1, 2], [1]], [[2, 2], [2]], [[3, 2], [3]], [[9, 2], [9]]], 'ARRAY<COMPLEX<json>>'),
    ('map(v -> array(v, v + 1), a)', [[[1, 2], [2, 3]], [[7, 8]], None, []], 'ARRAY<COMPLEX<json>>'),
    ('array_length(array_offset(array(a, a), 0))', [2, 1, None, 0], 'LONG'),
    ("cast(array_offset(array(a, a), 0), 'ARRAY<LONG>')", [[1, 2], [7], None, []], 'ARRAY<LONG>'),
    ('array_offset_of([[y], [2]], [2])', [1, 0, 1, 1], 'LONG'),
    ("array_to_string([[y], [2]], ';')", ['[1];[2]', '[2];[2]', '[3];[2]', '[9];[2]'], 'STRING'),
    ('array(a, a) == array(a, a)', [1, 1, 1, 1], 'LONG'),
    ('concat(m, x)', [['1a', 'ba'], 'bb', None, [None, None]], 'STRING'),
)
LOOKUP = {'type': 'map', 'map': {'a': 'A', 'b': 'B'}}
EXTRACTIONS = (  # a function of m, how often each result is there
    (dict(type='lookup', lookup=LOOKUP), {None: 3, 'A': 1, 'B': 2}),
    (dict(type='lookup', lookup=LOOKUP, retainMissingValue=True), {None: 1, '1': 1, 'A': 1, 'B': 2, 'c': 1}),
    (dict(type='lookup', lookup=LOOKUP, replaceMissingValueWith='-'), {None: 1, '-': 2, 'A': 1, 'B': 2}),
    (dict(type='regex', expr='([ab])', replaceMissingValue=True, replaceMissingValueWith='-'), {None: 1, '-': 2, 'a': 1, 'b': 2}),
    (dict(type='cascade', extractionFns=[{'type': 'upper'}, {'type': 'stringFormat', 'format': '<%s>'}]), {None: 1, '<1>': 1, '<A>': 1, '<B>': 2, '<C>': 1}),
)
BAD_LOOKUPS = (
    (dict(type='lookup', lookup=LOOKUP, retainMissingValue=True, replaceMissingValueWith='-'), 'Cannot specify a [replaceMissingValueWith]'),
    (dict(type='lookup', lookup={'type': 'namespace'}), "lookup.type: unknown lookup 'namespace'; there is map"),
)
SUM = {'type': 'expression', 'name': 'e', 'fields': ['y'], 'initialValue': '0', 'fold': '__acc + y', 'combine': '__acc + e'}
SET = {'type': 'expression', 'name': 'e', 'fields': ['y'], 'initialValue': 'ARRAY<LONG>[]', 'fold': 'array_set_add(__acc, y)',
       'combine': 'array_set_add_all(__acc, e)', 'compare': 'array_length(o1) - array_length(o2)', 'finalize': "array_to_string(o, ';')"}
LONG = 'k' * 3000
FIELDS = (  # a nested-field column of a row {"a": {"b c": [4, [5, 6]]}, "kkk...": 7}, its value, the type
    (dict(path='$.a', expectedType='COMPLEX<json>'), {'b c': [4, [5, 6]]}, 'COMPLEX<json>'),
    (dict(path="$.a['b c'][1]", expectedType='ARRAY<LONG>'), [5, 6], 'ARRAY<LONG>'),
    (dict(path='.a."b c"[0]', useJqSyntax=True, expectedType='LONG'), 4, 'LONG'),
    (dict(path='.a.["b c"].[1].[0]', useJqSyntax=True, expectedType='DOUBLE'), 5.0, 'DOUBLE'),
    (dict(path='.a."b c".[1].[0]', useJqSyntax=True, expectedType='DOUBLE'), 5.0, 'DOUBLE'),
    (dict(pathParts=[{'type': 'field', 'field': LONG}], expectedType='LONG'), 7, 'LONG'),
)
JS = 'function(x) { return x; }'


def scan(server, **more):
    return rows(server, queryType='scan', intervals=ALL, dataSource=ROWS, resultFormat='compactedList', **more)


def passed(server, filter_):
    return [r[0] for part in scan(server, columns=['y'], filter=filter_) for r in part['events']]


def aggregated(server, type_, column):
    return rows(server, queryType='timeseries', granularity='all', intervals=ALL, dataSource=ROWS,
                aggregations=[{'type': type_, 'name': 'v', 'fieldName': column}])[0]['result']['v']


def column(server, text):
    part = scan(server, columns=['v'], virtualColumns=[{'type': 'expression', 'name': 'v', 'expression': text}])[0]
    return [r[0] for r in part['events']], part['rowSignature'][0]['type']


def group(server, dimension, **more):
    return rows(server, **dict(dict(queryType='groupBy', granularity='all', intervals=ALL, dataSource=ROWS, dimensions=[dimension], aggregations=COUNT,
                                    context={'resultAsArray': True}), **more))


def extracted(server, fn):
    return dict(group(server, {'type': 'extraction', 'dimension': 'm', 'outputName': 'o', 'extractionFn': fn}))


def orders(server):
    by = lambda direction: {'type': 'default', 'columns': [{'dimension': 'e', 'direction': direction}]}
    same([r[0] for r in group(server, 'x', aggregations=[dict(SUM, compare='o2 - o1')], limitSpec=by('descending'))], ['a', 'b', None])
    same(group(server, 'x', aggregations=[SET], limitSpec=by('descending')), [['b', '2;3'], [None, '9'], ['a', '1']])  # compared before they end
    same([r[:2] for r in group(server, 'x', dimensions=['x', 'y'], aggregations=[SET], subtotalsSpec=[['x'], []], limitSpec=by('descending'))],
         [[None, None], ['b', None], [None, None], ['a', None]])
    top = lambda aggregator, metric='e': [r['x'] for r in rows(server, queryType='topN', granularity='all', intervals=ALL, dataSource=ROWS, dimension='x',
                                                               metric=metric, threshold=2, aggregations=[aggregator])[0]['result']]
    same((top(SET), top(dict(SUM, compare='o2 - o1')), top(dict(SUM, compare='o2 - o1'), {'type': 'inverted', 'metric': 'e'})),
         (['b', None], ['a', 'b'], [None, 'b']))
    same(top({'type': 'filtered', 'filter': {'type': 'null', 'column': 'x'}, 'aggregator': dict(SUM, compare='o2 - o1')}), [None, 'a'])


def no_order(server):
    many = {'type': 'inline', 'columnNames': ['x'], 'columnTypes': ['LONG'], 'rows': [[i] for i in range(2000)]}
    query = dict(queryType='topN', granularity='all', intervals=ALL, dataSource=many, dimension='x', metric='e', threshold=2)
    by = lambda text: [dict(SUM, fields=['x'], fold='__acc + x', compare=text)]
    same([r['x'] for r in rows(server, aggregations=by('o2 - o1'), **query)[0]['result']], ['0', '1'])
    place(server, 'aggregations[0].compare: expected a number', aggregations=by('array(o1)'), **query)
    place(server, "'compare' is no order", aggregations=by('-1'), **query)


def nested_field(server, spec):
    rows_ = {'type': 'inline', 'columnNames': ['j'], 'columnTypes': ['COMPLEX<json>'], 'rows': [[{'a': {'b c': [4, [5, 6]]}, LONG: 7}]]}
    part = rows(server, queryType='scan', dataSource=rows_, resultFormat='compactedList', columns=['v'],
                virtualColumns=[dict(spec, type='nested-field', name='v', columnName='j')])[0]
    return part['events'][0][0], part['rowSignature'][0]['type']


def first_text(server):
    one = lambda **more: rows(server, queryType='timeseries', granularity='all', dataSource=ROWS, aggregations=[
        dict(more, type='stringAny', name='v', fieldName='m')])[0]['result']['v']
    same((one(), one(aggregateMultipleValues=False)), ('["1", "b"]', '1'))


def equal_metrics(server):
    """Equal values past the thousand that Druid keeps of a segment: the queue, fed in the order of the dimension."""
    names = ['%04d' % i for i in range(1500)]
    twice = {names[i] for i in (3, 700, 1100, 1300, 1499)}
    lines = [json.dumps({'t': '2024-01-01T00:00:00Z', 'k': d, 'n': 1}) for d in names for _ in range(2 if d in twice else 1)]
    server.ingest(inline('nested_ties', lines))
    server.wait_table('nested_ties')
    ask_ = dict(queryType='topN', granularity='all', dimension='k', metric='n', aggregations=COUNT, dataSource='nested_ties')
    top = lambda **more: [r['k'] for r in rows(server, **dict(ask_, threshold=8, **more))[0]['result']]
    same(top(), sorted(twice) + ['0004', '0005', '0006'])  # 1000 are in with 0999; 1100, 1300 and 1499 push 0000, 0001 and 0002 out; 0003 is better
    same(top(filter={'type': 'bound', 'dimension': 'k', 'upper': '0999'}), ['0003', '0700', '0000', '0001', '0002', '0004', '0005', '0006'])
    same(top(context={'minTopNThreshold': 2000}), sorted(twice) + ['0000', '0001', '0002'])
    same(top(metric={'type': 'inverted', 'metric': 'n'}), names[:3] + names[4:9])


def numeric_first(server):
    ratio = {'type': 'arithmetic', 'name': 'p', 'fn': 'quotient', 'fields': [{'type': 'fieldAccess', 'fieldName': 'n'}, {
        'type': 'arithmetic', 'fn': '-', 'name': 'z', 'fields': [{'type': 'fieldAccess', 'fieldName': 's'}, {'type': 'constant', 'value': 1}]}]}
    sums = COUNT + [{'type': 'longSum', 'name': 's', 'fieldName': 'y'}]
    by = {'type': 'default', 'columns': [{'dimension': 'p', 'direction': 'descending'}]}
    order = lambda post: [r[0] for r in group(server, 'x', aggregations=sums, postAggregations=[post], limitSpec=by)]
    same((order(ratio), order(dict(ratio, ordering='numericFirst'))), (['a', 'b', None], ['b', None, 'a']))
    place(server, 'postAggregations[0].ordering: expected numericFirst', queryType='groupBy', granularity='all', dataSource=ROWS, dimensions=['x'],
          aggregations=sums, postAggregations=[dict(ratio, ordering='no')], limitSpec=by)


def javascript(server):
    series = dict(queryType='timeseries', granularity='all', dataSource=ROWS)
    aggregator = {'type': 'javascript', 'name': 'v', 'fieldNames': ['y'], 'fnAggregate': JS, 'fnCombine': JS, 'fnReset': JS}
    fn = {'type': 'javascript', 'function': JS}
    for query, at in (
            (dict(aggregations=[aggregator]), 'aggregations[0].type'),
            (dict(aggregations=[{'type': 'filtered', 'filter': {'type': 'true'}, 'aggregator': aggregator}]), 'aggregations[0].aggregator.type'),
            (dict(filter={'type': 'not', 'field': dict(fn, dimension='x')}), 'filter.field.type'),
            (dict(aggregations=COUNT, postAggregations=[dict(fn, name='p', fieldNames=['n'])]), 'postAggregations[0].type'),
            (dict(queryType='groupBy', dimensions=[{'type': 'extraction', 'dimension': 'x', 'outputName': 'o', 'extractionFn': {
                'type': 'cascade', 'extractionFns': [{'type': 'upper'}, fn]}}]), 'dimensions[0].extractionFn.extractionFns[1].type'),
    ):
        place(server, f'{at}: JavaScript is disabled', **dict(series, **query))


def cases(server):
    for filter_, want in FILTERS:
        yield 'nested: ' + json.dumps(filter_), lambda f=filter_, w=want: same(passed(server, f), w)
    for filter_, words in REFUSED:
        yield 'nested: ' + words, lambda f=filter_, w=words: place(server, w, queryType='scan', dataSource=ROWS, filter=f)
    for type_, field, want in AGGREGATORS:
        yield f'nested: {type_} of {field}', lambda t=type_, f=field, w=want: same(aggregated(server, t, f), w)
    for text, values, type_ in EXPRESSIONS:
        yield 'nested: ' + text, lambda t=text, w=(values, type_): same(column(server, t), w)
    for fn, want in EXTRACTIONS:
        yield 'nested: ' + json.dumps(fn), lambda f=fn, w=want: same(extracted(server, f), w)
    for fn, words in BAD_LOOKUPS:
        yield 'nested: ' + words, lambda f=fn, w=words: place(server, w, queryType='groupBy', granularity='all', dataSource=ROWS, dimensions=[
            {'type': 'extraction', 'dimension': 'x', 'outputName': 'o', 'extractionFn': f}])
    for spec, want, type_ in FIELDS:
        yield 'nested: ' + json.dumps(spec)[:80], lambda s=spec, w=(want, type_): same(nested_field(server, s), w)
    for name, run in (('stringAny', first_text), ('equal metrics', equal_metrics), ('orders', orders), ('no order', no_order), ('numericFirst', numeric_first), ('javascript', javascript)):
        yield 'nested: ' + name, lambda r=run: r(server)
