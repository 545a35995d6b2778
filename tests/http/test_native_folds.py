"""The aggregator `expression`, lambdas in expressions, the filter `spatial`: values, and what is refused."""
import json

from test_formats import check, same
from test_native import ALL, LETTERS, ask, place, rows

LISTS = {'type': 'inline', 'columnNames': ['__time', 'x', 'y', 'a', 'm'], 'columnTypes': ['LONG', 'STRING', 'LONG', 'ARRAY<LONG>', 'STRING'],
         'rows': [[0, 'a', 1, [1, 2, 3], ['p', 'q']], [1, 'b', 2, [], 'r'], [2, 'b', 3, None, None]]}
LAMBDAS = (  # an expression over LISTS, its type, its values
    ('map(x -> x + 1, a)', 'ARRAY<LONG>', [[2, 3, 4], [], None]),
    ('map((z) -> z * y, a)', 'ARRAY<LONG>', [[1, 2, 3], [], None]),
    ('map(z -> concat(z, x), m)', 'STRING', [['pa', 'qa'], 'rb', None]),
    ('filter(z -> z > y, a)', 'ARRAY<LONG>', [[2, 3], None, None]),
    ('any(z -> z > 2, a)', 'LONG', [1, 0, 0]),
    ('all(z -> z > 0, a)', 'LONG', [1, 1, 0]),
    ('fold((z, acc) -> z + acc, a, 10)', 'LONG', [16, 10, None]),
    ('fold((z, acc) -> z * 0.5 + acc, a, 0)', 'DOUBLE', [3.0, 0.0, None]),
    ('fold((z, acc) -> array_append(acc, z + y), a, <LONG>[])', 'ARRAY<LONG>', [[2, 3, 4], [], None]),
    ('cartesian_map((u, v) -> concat(u, v), a, m)', 'ARRAY<STRING>', [['1p', '1q', '2p', '2q', '3p', '3q'], [], None]),
    ('cartesian_fold((u, v, acc) -> acc + u * strlen(v), a, m, 0)', 'LONG', [12, 0, None]),
    ('map(z -> fold((w, acc) -> acc + w * z, a, 0), a)', 'ARRAY<LONG>', [[6, 12, 18], [], None]),
    ("cast(a, 'ARRAY<STRING>')", 'ARRAY<STRING>', [['1', '2', '3'], [], None]),
    ("cast(x, 'string_array')", 'ARRAY<STRING>', [['a'], ['b'], ['b']]),
    ("cast(y, 'ARRAY<DOUBLE>')", 'ARRAY<DOUBLE>', [[1.0], [2.0], [3.0]]),
    ("cast(m, 'ARRAY<STRING>')", 'ARRAY<STRING>', [['p', 'q'], ['r'], None]),
    ("cast(if(y > 1, y, null), 'ARRAY<LONG>')", 'ARRAY<LONG>', [None, [2], [3]]),
    ('array_set_add(a, 2)', 'ARRAY<LONG>', [[1, 2, 3], [2], None]),
    ('array_set_add_all(a, [9, 1])', 'ARRAY<LONG>', [[1, 2, 3, 9], [1, 9], None]),
)
NO_LAMBDAS = (  # an expression that is refused, what is said
    ('map((x, y) -> x, a)', "'map' takes a lambda of 1 parameter"),
    ('map(a, a)', "'map' takes a lambda of 1 parameter"),
    ('fold((x, acc) -> [x], a, 0)', 'the accumulator is no array'),
    ('ARRAY<FOO>[1]', "arrays are of LONG, DOUBLE or STRING, not of 'FOO'"),
    ("cast(x, 'ARRAY<FOO>')", "expected 'LONG', 'DOUBLE', 'FLOAT', 'STRING' or 'ARRAY<...>' of these, found 'ARRAY<FOO>'"),
    ('nosuch(x -> x, a)', "the function 'nosuch' is not known"),
)


def scan(expression, kind):
    return dict(queryType='scan', dataSource=LISTS, columns=['v'], resultFormat='compactedList',
                virtualColumns=[{'type': 'expression', 'name': 'v', 'expression': expression, 'outputType': kind}])


def cases(server):
    fold = lambda status=200, **k: ask(server, dict(queryType='timeseries', granularity='all', intervals=ALL, dataSource=LETTERS, aggregations=[
        dict({'type': 'expression', 'name': 'v', 'initialValue': '0'}, **k)]), status=status)[1]
    folded = lambda want, **k: same(json.loads(fold(**k))[0]['result']['v'], want)
    yield 'fold of sums', lambda: folded(6, fields=['y'], fold='__acc + y')
    yield 'fold in the order of rows', lambda: folded(
        ['a', 'b', 'b'], fields=['x'], initialValue='ARRAY<STRING>[]', fold='array_append(__acc, x)', combine='array_concat(__acc, v)')
    yield 'fold of typed arrays', lambda: folded(
        [1, 2, 3], fields=['y'], initialValue='ARRAY<LONG>[]', fold='array_append(__acc, y)', combine='array_concat(__acc, v)')
    lists = lambda want, **k: folded(want, **dict(dict(fields=['y'], initialValue='ARRAY<LONG>[]', combine='array_concat(__acc, v)'), **k))
    yield 'fold of arrays by place', lambda: lists([0, 1, 2], fold='array_append(__acc, array_length(__acc))')
    yield 'fold of NULL is NULL', lambda: lists(None, initialValue='null', fold='array_append(__acc, y)')
    yield 'fold of lists', lambda: lists([1, 1, 3, 3], fold='array_concat(__acc, if(y == 2, null, array(y, y)))')
    yield 'fold of a set', lambda: lists([1, 7, 8, 9], initialValue='ARRAY<LONG>[9,1,9]', fold='array_set_add(__acc, 7 + y % 2)')
    yield 'fold of a set of lists', lambda: lists([0, 1, 2, 3], fold='array_set_add_all(__acc, array(y, 0))')
    yield 'fold that just fits', lambda: lists([0, 1], fold='array_set_add(__acc, y % 2)', maxSizeBytes=19)
    many = dict(queryType='timeseries', granularity='all', intervals=ALL, dataSource={
        'type': 'inline', 'columnNames': ['__time', 's'], 'columnTypes': ['LONG', 'STRING'],
        'rows': [[i, 'row number %d of many' % i] for i in range(20000)]})
    sized = lambda call: int(json.loads(ask(server, dict(many, aggregations=[
        {'type': 'expression', 'name': 'v', 'fields': ['s'], 'initialValue': 'ARRAY<STRING>[]', 'fold': call + '(__acc, s)', 'maxSizeBytes': 1 << 30,
         'combine': 'array_concat(__acc, v)', 'finalize': 'array_length(o)'}], context={'timeout': 20000}))[1])[0]['result']['v'])
    for call in ('array_append', 'array_set_add'):  # work by the square of the rows passes the time
        yield 'a long fold by ' + call, lambda c=call: same(sized(c), 20000)
    yield 'fold becomes DOUBLE', lambda: folded(9.0, fields=['y'], fold='__acc + y * 1.5')
    yield 'fold of texts', lambda: folded('-abb', fields=['x'], initialValue="'-'", fold='concat(t, x)', accumulatorIdentifier='t')
    yield 'fold and finalize', lambda: folded('s=3', fields=[], fold='__acc + 1', combine='__acc + v', finalize="concat('s=', o)")
    yield 'fold of nothing', lambda: folded(None, fields=['z'], fold='__acc + z', shouldAggregateNullInputs=False)
    yield 'fold of nothing is its beginning', lambda: folded(0, fields=['z'], fold='__acc + z', shouldAggregateNullInputs=False,
                                                             isNullUnlessAggregated=False)
    yield 'fold takes NULL in', lambda: folded(None, fields=['z'], fold='__acc + z')
    folds = lambda words, **k: check(words in fold(status=400, **k), fold(status=400, **k))
    yield 'a set too long', lambda: folds('maxSizeBytes (19)', fields=['y'], initialValue='ARRAY<LONG>[]', fold='array_set_add(__acc, y)', maxSizeBytes=19,
                                          combine='array_concat(__acc, v)')
    yield 'fold too long', lambda: folds('maxSizeBytes (10)', fields=['x'], initialValue="'12345678'", fold='concat(__acc, x)', maxSizeBytes=10)
    yield 'fold without combine', lambda: folds("'combine' is missing", fields=['x', 'y'], fold='__acc + y')
    yield 'fold that begins with a name', lambda: folds('initialValue: expected a constant', fields=['y'], initialValue='y', fold='__acc + y')
    yield 'fold with a mistake', lambda: folds('aggregations[0].fold: expected', fields=['y'], fold='__acc + ')
    yield 'fold by groups', lambda: same(rows(server, queryType='groupBy', granularity='all', dataSource=LETTERS, dimensions=['x'], aggregations=[
        {'type': 'expression', 'name': 'v', 'fields': ['y'], 'initialValue': '0', 'fold': '__acc * 10 + y'}])[1]['event'], {'x': 'b', 'v': 23})
    longest = lambda **k: dict(queryType='groupBy', granularity='all', intervals=ALL, dataSource=LETTERS, dimensions=['x'], aggregations=[
        {'type': 'filtered', 'name': 'v', 'filter': {'type': 'true'}, 'aggregator': {
            'type': 'expression', 'name': 'v', 'fields': ['y'], 'initialValue': '0', 'fold': '__acc * 10 + y', 'compare': 'o1 - o2'}}], **k)
    yield 'fold with an order that nobody asks for', lambda: same([r['event']['v'] for r in rows(server, **longest())], [1, 23])
    yield 'fold with a broken order', lambda: folds('aggregations[0].compare: expected', fields=['y'], fold='__acc + y', compare='o1 - ')
    for text, kind, want in LAMBDAS:
        yield text, lambda t=text, k=kind, w=want: same([r[0] for r in rows(server, **scan(t, k))[0]['events']], w)
    for text, words in NO_LAMBDAS:
        yield text, lambda t=text, w=words: place(server, w, **scan(t, 'LONG'))
    yield 'a list in a column of numbers', lambda: place(server, 'dataSource.rows[0][0]: expected a value of type LONG', queryType='scan', dataSource={
        'type': 'inline', 'columnNames': ['y'], 'columnTypes': ['LONG'], 'rows': [[[1]]]})
    points = {'type': 'inline', 'columnNames': ['__time', 'p'], 'columnTypes': ['LONG', 'STRING'],
              'rows': [[0, '1,1'], [1, '5,5'], [2, '2.5,0.5'], [3, 'x'], [4, None], [5, '9,1']]}
    near = lambda **b: dict(queryType='scan', dataSource=points, columns=['p'], resultFormat='compactedList', filter={
        'type': 'spatial', 'dimension': 'p', 'bound': b})
    found = lambda want, **b: same([r[0] for r in rows(server, **near(**b))[0]['events']], want)
    yield 'spatial: rectangle', lambda: found(['1,1', '2.5,0.5'], type='rectangular', minCoords=[0, 0], maxCoords=[3, 3])
    yield 'spatial: radius', lambda: found(['1,1', '2.5,0.5'], type='radius', coords=[1, 1], radius=1.6)
    yield 'spatial: polygon', lambda: found(['1,1', '2.5,0.5'], type='polygon', abscissa=[0, 6, 0], ordinate=[0, 0, 6])
    for words, bound in (("unknown bound 'zzz'", {'type': 'zzz'}), ('expected 2 to 2 numbers', {'type': 'rectangular', 'minCoords': [0, 0], 'maxCoords': [3]}),
                         ('bound.coords[0]', {'type': 'radius', 'coords': ['a'], 'radius': 1}),
                         ('found 0', {'type': 'polygon', 'abscissa': [], 'ordinate': []})):
        yield 'spatial: ' + words, lambda w=words, b=bound: place(server, w, **near(**b))
