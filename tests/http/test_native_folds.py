"""The aggregator `expression`: folds of numbers, texts and arrays, their beginnings and ends, and what is refused."""
import json

from test_formats import check, same
from test_native import ALL, LETTERS, ask, rows


def cases(server):
    fold = lambda status=200, **k: ask(server, dict(queryType='timeseries', granularity='all', intervals=ALL, dataSource=LETTERS, aggregations=[
        dict({'type': 'expression', 'name': 'v', 'initialValue': '0'}, **k)]), status=status)[1]
    folded = lambda want, **k: same(json.loads(fold(**k))[0]['result']['v'], want)
    yield 'fold of sums', lambda: folded(6, fields=['y'], fold='__acc + y')
    yield 'fold in the order of rows', lambda: folded(
        ['a', 'b', 'b'], fields=['x'], initialValue='ARRAY<STRING>[]', fold='array_append(__acc, x)', combine='array_concat(__acc, v)')
    yield 'fold of typed arrays', lambda: folded(
        [1, 2, 3], fields=['y'], initialValue='ARRAY<LONG>[]', fold='array_append(__acc, y)', combine='array_concat(__acc, v)')
    yield 'fold becomes DOUBLE', lambda: folded(9.0, fields=['y'], fold='__acc + y * 1.5')
    yield 'fold of texts', lambda: folded('-abb', fields=['x'], initialValue="'-'", fold='concat(t, x)', accumulatorIdentifier='t')
    yield 'fold and finalize', lambda: folded('s=3', fields=[], fold='__acc + 1', combine='__acc + v', finalize="concat('s=', o)")
    yield 'fold of nothing', lambda: folded(None, fields=['z'], fold='__acc + z', shouldAggregateNullInputs=False)
    yield 'fold of nothing is its beginning', lambda: folded(0, fields=['z'], fold='__acc + z', shouldAggregateNullInputs=False,
                                                             isNullUnlessAggregated=False)
    yield 'fold takes NULL in', lambda: folded(None, fields=['z'], fold='__acc + z')
    folds = lambda words, **k: check(words in fold(status=400, **k), fold(status=400, **k))
    yield 'fold too long', lambda: folds('maxSizeBytes (10)', fields=['x'], initialValue="'12345678'", fold='concat(__acc, x)', maxSizeBytes=10)
    yield 'fold without combine', lambda: folds("'combine' is missing", fields=['x', 'y'], fold='__acc + y')
    yield 'fold that begins with a name', lambda: folds('initialValue: expected a constant', fields=['y'], initialValue='y', fold='__acc + y')
    yield 'fold with a mistake', lambda: folds('aggregations[0].fold: expected', fields=['y'], fold='__acc + ')
    yield 'fold by groups', lambda: same(rows(server, queryType='groupBy', granularity='all', dataSource=LETTERS, dimensions=['x'], aggregations=[
        {'type': 'expression', 'name': 'v', 'fields': ['y'], 'initialValue': '0', 'fold': '__acc * 10 + y'}])[1]['event'], {'x': 'b', 'v': 23})
