"""First, last, any and earliest values as metrics of ingestion, and metrics of some rows or of expressions: what is stored says what the rows
themselves would have said."""
import json

from ovatetest import Server
from test_compact import compact
from test_formats import check, same
from test_insert import run
from test_sketch_ingest import metric, natively, spec

KINDS = ('long', 'float', 'double', 'string')
ENDS = ('First', 'Last')
PAIRS = [metric(kind + end, kind + end, 's' if kind == 'string' else 'x') for kind in KINDS for end in ENDS]
# times meet within a minute, so that which row came first decides
ROWS = [{'t': '2024-01-%02dT%02d:%02d:00Z' % (1 + i % 3, i * 7 % 24, i * 13 % 4), 'k': 'abc'[i % 3], 'x': (i * 37 % 500) / 4 if i % 11 else None,
         's': 'text%d\u00e9' % (i * 31 % 200), 'w': i * 17 % 97} for i in range(600)]
PLAIN = ['k', 's', {'type': 'double', 'name': 'x'}, {'type': 'long', 'name': 'w'}]
VALUES = ', '.join("%s(%s)" % ({'First': 'EARLIEST', 'Last': 'LATEST'}[end], '%s') for kind in KINDS for end in ENDS)
OF_PAIRS = VALUES % tuple(kind + end for kind in KINDS for end in ENDS)
OF_ROWS = VALUES % tuple({'long': 'CAST(x AS BIGINT)', 'float': 'CAST(x AS FLOAT)', 'double': 'x', 'string': 's'}[kind] for kind in KINDS for _ in ENDS)


def need(server):
    if not server.__dict__.get('first_last'):
        server.ingest(spec('first_last_rolled', [{'type': 'count', 'name': 'n'}, metric('longLast', 'byw', 'x', timeColumn='w')] + PAIRS, ROWS))
        server.ingest(spec('first_last_rows', [], ROWS, False, PLAIN))
        server.first_last = True


def of_row(kind, row):
    """The value a metric of that kind takes of a row."""
    if kind == 'string':
        return row['s']
    return int(row['x']) if kind == 'long' and row['x'] is not None else row['x']


def model(key, rows=ROWS, when=lambda row: row['t']):
    """[[key, values ...] ...]: of equal times the first row is the first, and the last one the last."""
    groups = {}
    for row in rows:
        group = groups.setdefault(key(row), {})
        for kind in KINDS:
            for end in ENDS:
                kept = group.get((kind, end))
                if not kept or (when(row) < kept[0] if end == 'First' else when(row) >= kept[0]):
                    group[kind, end] = (when(row), of_row(kind, row))
    return [[*key, *(group[kind, end][1] for kind in KINDS for end in ENDS)] for key, group in sorted(groups.items())]


def of_keys(server, table, values=OF_PAIRS):
    return server.sql('SELECT k, %s FROM %s GROUP BY k ORDER BY k' % (values, table))[1]


def by_key(row):
    return (row['k'],)


def agree(server, table='first_last_rolled'):
    same(server.sql("SELECT TIME_FORMAT(__time, 'yyyy-MM-dd'), k, %s FROM %s GROUP BY 1, 2 ORDER BY 1, 2" % (OF_PAIRS, table))[1],
         model(lambda row: (row['t'][:10], row['k'])))
    same(of_keys(server, table), model(by_key))
    same(server.sql('SELECT %s FROM %s' % (OF_PAIRS, table))[1], model(lambda row: ()))


def as_rows(server):
    same(server.sql('SELECT COUNT(*), SUM(n) FROM first_last_rolled')[1], [[3, len(ROWS)]])
    agree(server)
    same(server.sql('SELECT k, LATEST(byw) FROM first_last_rolled GROUP BY k ORDER BY k')[1],
         [[row[0], row[2]] for row in model(by_key, when=lambda row: row['w'])])
    # without a time in sight the values still have their own
    same(server.sql('SELECT EARLIEST(stringFirst) FROM (SELECT stringFirst FROM first_last_rolled)')[1], [[ROWS[0]['s']]])


def native(server):
    """Native aggregators fold the pairs, and show them unless they are to finish."""
    fold = [metric(m['type'], m['name'], m['name']) for m in PAIRS]
    stored = natively(server, 'first_last_rolled', fold)
    same(list(stored.values()), model(lambda row: ())[0])
    raw = natively(server, 'first_last_rolled', fold, context={'finalize': False})
    same({name: pair['rhs'] for name, pair in raw.items()}, stored)
    same([pair['lhs'] for pair in raw.values()], [pair['lhs'] for pair in natively(server, 'first_last_rows', PAIRS, context={'finalize': False}).values()])
    plan = json.loads(server.sql('EXPLAIN PLAN FOR SELECT k, %s FROM first_last_rolled GROUP BY k' % OF_PAIRS)[1][0][0])[0]['query']
    same([a['type'] for a in plan['aggregations']], [m['type'] for m in PAIRS])
    status, _, answer = server.post('/druid/v2', plan)
    same(status, 200)
    same([list(row['event'].values()) for row in json.loads(answer)], model(by_key))


SMALL = [{'t': '2024-01-01T10:00:00Z', 'k': 'a', 'x': 1.5, 's': 'one', 'u': '2020-01-01', 'l': ['p', 'q']},
         {'t': '2024-01-01T09:00:00Z', 'k': 'a', 'x': 2.5, 's': 'two', 'u': '2021-01-01T00:00:01Z'},
         {'t': '2024-01-01T11:00:00Z', 'k': 'a', 'x': None, 's': None, 'u': 1000},
         {'t': '2024-01-01T11:00:00Z', 'k': 'a', 'x': 7, 's': 'ti\u00e9', 'u': 'never'}, {'t': '2024-01-01T11:00:00Z', 'k': 'b'}]


def shown(server):
    """By hand, as Druid stores and shows them: a number that is NULL has its place in time, a text has none."""
    server.ingest(spec('first_last_small', [
        metric('doubleFirst', 'd', 'x'), metric('longLast', 'i', 'x'), metric('stringLast', 's', 's', maxStringBytes=3), metric('floatLast', 'f', 'x'),
        metric('stringAny', 'sa', 's', maxStringBytes=2), metric('stringAny', 'la', 'l'), metric('longAny', 'ia', 'x'), metric('floatAny', 'fa', 'x'),
        metric('doubleAny', 'da', 'x'), metric('timeMin', 't0', '__time'), metric('timeMax', 'u1', 'u'), metric('timeMin', 'u0', 'u', timeFormat='iso'),
        metric('longMax', 't1', '__time')], SMALL))
    hour = 3_600_000
    nine = 1_704_067_200_000 + 9 * hour
    want = [{'__time': nine - 9 * hour, 'k': 'a', 'd': {'lhs': nine, 'rhs': 2.5}, 'i': {'lhs': nine + 2 * hour, 'rhs': 7},
             's': {'lhs': nine + 2 * hour, 'rhs': 'ti'}, 'f': {'lhs': nine + 2 * hour, 'rhs': 7.0}, 'sa': 'on', 'la': '["p","q"]', 'ia': 1, 'fa': 1.5,
             'da': 1.5, 't0': nine, 'u1': 1609459201000, 'u0': 1000, 't1': nine + 2 * hour},
            {'__time': nine - 9 * hour, 'k': 'b', 'd': {'lhs': nine + 2 * hour, 'rhs': None}, 'i': {'lhs': nine + 2 * hour, 'rhs': None},
             's': {'lhs': -2**62, 'rhs': None}, 'f': {'lhs': nine + 2 * hour, 'rhs': None}, 'sa': None, 'la': None, 'ia': None, 'fa': None, 'da': None,
             't0': nine + 2 * hour, 'u1': None, 'u0': None, 't1': nine + 2 * hour}]
    status, _, answer = server.post('/druid/v2', {'queryType': 'scan', 'dataSource': 'first_last_small', 'intervals': ['2024/2025']})
    same(status, 200)
    answer = json.loads(answer)[0]
    same(answer['events'], want)
    same({c['name']: c['type'] for c in answer['rowSignature'] if len(c['name']) == 1 and c['name'] != 'k'},
         {'d': 'COMPLEX<serializablePairLongDouble>', 'i': 'COMPLEX<serializablePairLongLong>', 's': 'COMPLEX<serializablePairLongString>',
          'f': 'COMPLEX<serializablePairLongFloat>'})
    same([json.loads(v) for v in server.sql('SELECT d, i, s FROM first_last_small ORDER BY k LIMIT 1')[1][0]], [want[0][c] for c in 'dis'])
    same(server.sql("SELECT COLUMN_NAME, DATA_TYPE FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = 'first_last_small' AND COLUMN_NAME IN ('s', 'sa', 't0') "
                    'ORDER BY 1')[1], [['s', 'COMPLEX<serializablePairLongString>'], ['sa', 'VARCHAR'], ['t0', 'BIGINT']])
    same(natively(server, 'first_last_small', [metric('timeMin', 'a', 't0'), metric('timeMax', 'b', 'u1'), metric('stringAny', 'c', 'sa')]),
         {'a': '2024-01-01T09:00:00.000Z', 'b': '2021-01-01T00:00:01.000Z', 'c': 'on'})
    status, _, answer = server.post('/druid/v2', {'queryType': 'segmentMetadata', 'dataSource': 'first_last_small', 'analysisTypes': ['aggregators']})
    same(status, 200)
    made = json.loads(answer)[0]['aggregators']
    same(made['s'], metric('stringLast', 's', 's', timeColumn='__time', maxStringBytes=3))
    same(made['d'], metric('doubleFirst', 'd', 'd', timeColumn='__time'))
    same(made['t0'], metric('timeMin', 't0', 't0'))


def refused_columns(server):
    for asked in ('SUM(d)', 'MAX(s)', 'd + 1', 'CAST(s AS VARCHAR)'):
        status, _, answer = server.post('/druid/v2/sql', {'query': 'SELECT %s FROM first_last_small' % asked})
        check(status in (400, 501), (asked, answer))


def compacted(server):
    """Stored pairs are folded again, and columns become pairs, as if they had been loaded so."""
    wide = {'segmentGranularity': 'MONTH', 'queryGranularity': 'MONTH', 'rollup': True}
    server.ingest(spec('first_last_again', [{'type': 'count', 'name': 'n'}] + PAIRS, ROWS))
    compact(server, 'first_last_again', granularitySpec=wide, metricsSpec=[{'type': 'count', 'name': 'n'}] + PAIRS)
    same(server.sql('SELECT COUNT(*) FROM first_last_again')[1], [[3]])
    same(of_keys(server, 'first_last_again'), model(by_key))
    anys = [metric('longAny', 'i', 'w'), metric('stringAny', 'sa', 's'), metric('timeMax', 't1', '__time')]
    server.ingest(spec('first_last_raw', [], ROWS, False, PLAIN))
    compact(server, 'first_last_raw', granularitySpec=wide, dimensionsSpec={'dimensions': ['k']}, metricsSpec=PAIRS + anys)
    same(of_keys(server, 'first_last_raw'), of_keys(server, 'first_last_rows', OF_ROWS))
    same(server.sql('SELECT COUNT(*), COUNT(i), COUNT(sa), MAX(MILLIS_TO_TIMESTAMP(t1)) FROM first_last_raw')[1],
         [[3, 3, 3, server.value('SELECT MAX(__time) FROM first_last_rows')]])
    why = compact(server, 'first_last_raw', status='FAILED', metricsSpec=[metric('longFirst', 'doubleFirst', 'x')])
    check('doubleFirst' in why, why)


def replaced(server):
    """Pairs go through SQL as they are."""
    run(server, 'REPLACE INTO first_last_copy OVERWRITE ALL SELECT * FROM first_last_rolled PARTITIONED BY DAY')
    agree(server, 'first_last_copy')


def streamed(_):
    """Rows in memory, merged there, after kill -9, handed over."""
    schema = {'dataSchema': {'timestampSpec': {'column': 't', 'format': 'iso'}, 'dimensionsSpec': {'dimensions': ['k']},
                             'metricsSpec': PAIRS + [metric('stringAny', 'sa', 's'), metric('timeMin', 't0', '__time')],
                             'granularitySpec': {'segmentGranularity': 'MONTH', 'queryGranularity': 'MONTH', 'rollup': True}}}
    with Server() as server:
        same(server.request('PUT', '/v1/streams/first_last_stream', json.dumps(schema).encode())[0], 200)
        for i in range(0, len(ROWS), 50):
            body = '\n'.join(json.dumps(row) for row in ROWS[i:i + 50]).encode()
            same(server.request('POST', '/v1/push/first_last_stream', body)[0], 200)
        same(of_keys(server, 'first_last_stream'), model(by_key))
        server.kill()
        server.start()
        same(of_keys(server, 'first_last_stream'), model(by_key))
        same(server.request('POST', '/v1/streams/first_last_stream/publish')[0], 200)
        same(of_keys(server, 'first_last_stream'), model(by_key))
        same(server.sql('SELECT COUNT(*), COUNT(sa), MIN(t0) > 0 FROM first_last_stream')[1], [[3, 3, True]])


def above(bound):
    return {'type': 'range', 'column': 'w', 'matchValueType': 'LONG', 'lower': bound, 'lowerOpen': True}


def filtered(inner, *bounds, **more):
    for bound in bounds:
        inner = dict({'type': 'filtered', 'filter': above(bound), 'aggregator': inner}, **more)
    return inner


def conditions(server):
    """Metrics of some rows, and of expressions over a row; both see what transforms made."""
    metrics = [{'type': 'count', 'name': 'n'}, filtered({'type': 'count', 'name': 'n50'}, 50), filtered(metric('longSum', 'inside', 'w'), 50, name='s50'),
               filtered(metric('stringFirst', 'f', 's'), 20, 60), filtered(metric('HLLSketchBuild', 'h', 'w'), 50),
               filtered(metric('doubleLast', 'd', 'x'), 1000), {'type': 'longSum', 'name': 'e', 'expression': 'w * 2 + 1'},
               {'type': 'doubleMax', 'name': 'm', 'expression': 'half + nvl(x, 0)'}, filtered({'type': 'floatSum', 'name': 'ef', 'expression': 'half'}, 90)]
    made = spec('first_last_some', metrics, ROWS)
    made['spec']['dataSchema']['transformSpec'] = {'transforms': [{'type': 'expression', 'name': 'half', 'expression': 'w / 2.0'}]}
    server.ingest(made)
    want = []
    for k in 'abc':
        rows = [row for row in ROWS if row['k'] == k]
        high = [row for row in rows if row['w'] > 50]
        first = min((row for row in high if row['w'] > 60), key=lambda row: row['t'])
        want.append([k, len(rows), len(high), sum(row['w'] for row in high), first['s'], len({row['w'] for row in high}), None,
                     sum(row['w'] * 2 + 1 for row in rows), max(row['w'] / 2 + (row['x'] or 0) for row in rows),
                     sum(row['w'] / 2 for row in rows if row['w'] > 90)])
    asked = ('SELECT k, SUM(n), SUM(n50), SUM(s50), EARLIEST(f), APPROX_COUNT_DISTINCT_DS_HLL(h), LATEST(d), SUM(e), MAX(m), SUM(ef) '
             'FROM first_last_some GROUP BY k ORDER BY k')
    same(server.sql(asked)[1], want)
    same(server.sql('SELECT COLUMN_NAME FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = \'first_last_some\'')[1],
         [[name] for name in ('__time', 'k', 'n', 'n50', 's50', 'f', 'h', 'd', 'e', 'm', 'ef')])
    compact(server, 'first_last_some', granularitySpec={'segmentGranularity': 'MONTH', 'queryGranularity': 'MONTH', 'rollup': True}, metricsSpec=metrics)
    same(server.sql(asked)[1], want)
    same(server.sql('SELECT COUNT(*) FROM first_last_some')[1], [[3]])
    why = compact(server, 'first_last_rows', status='FAILED', metricsSpec=metrics)
    check('are made when rows are loaded' in why, why)
    status, _, answer = server.post('/druid/v2', {'queryType': 'segmentMetadata', 'dataSource': 'first_last_some', 'analysisTypes': ['aggregators']})
    same(status, 200)
    shown = json.loads(answer)[0]['aggregators']
    same([shown[name] for name in ('n50', 's50', 'e')], [metric('longSum', name, name) for name in ('n50', 's50', 'e')])


def discovered(server):
    """Fields that are made for metrics are no dimensions, nor are those that their expressions read."""
    made = spec('first_last_found', [filtered({'type': 'count', 'name': 'n'}, 50), {'type': 'longSum', 'name': 'e', 'expression': 'w + 1'}], ROWS[:9], True, ())
    made['spec']['dataSchema']['dimensionsSpec'] = {'dimensionExclusions': ['x', 's']}
    server.ingest(made)
    same(server.sql('SELECT COLUMN_NAME FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = \'first_last_found\'')[1], [['__time'], ['k'], ['n'], ['e']])


def refused(server):
    for made, words in ((metric('stringFirst', 's', 's', maxStringBytes=0), 'maxStringBytes'),
                        (metric('longFirst', 's', 's', timeColumn=['w']), 'timeColumn'), ({'type': 'longLast', 'name': 'l'}, "'fieldName' is missing"),
                        (metric('timeMin', 't', 'u', timeFormat='yyyy-QQ'), 'timeFormat'), (metric('stringAny', 's', 's', maxStringBytes='much'), 'maxStringBytes'),
                        (metric('doubleMean', 'm', 'x'), "'doubleMean' is an aggregator of queries"),
                        (metric('cardinality', 'm', 'x'), "'fieldNames' is missing"),
                        ({'type': 'cardinality', 'name': 'm', 'fields': []}, 'at least one field'),
                        ({'type': 'cardinality', 'name': 'm', 'fields': [{'type': 'extraction', 'dimension': 'x'}]}, 'only fields as they are'),
                        ({'type': 'filtered', 'name': 'f', 'aggregator': {'type': 'count', 'name': 'n'}}, "'filter' is missing"),
                        ({'type': 'filtered', 'name': 'f', 'filter': above(1)}, "'aggregator' is missing"),
                        ({'type': 'filtered', 'filter': {'type': 'such'}, 'aggregator': {'type': 'count', 'name': 'n'}}, 'such'),
                        ({'type': 'longSum', 'name': 'n', 'expression': 'w +'}, 'expression'),
                        ({'type': 'longFirst', 'name': 'n', 'expression': 'w'}, 'only sums, minima and maxima'),
                        (metric('ddSketch', 'm', 'x'), 'is not supported at ingestion')):
        status, _, answer = server.post('/druid/indexer/v1/task', spec('first_last_no', [made], ROWS[:1]))
        check(status in (400, 501) and words in answer.decode(), (words, answer))


def cases(server):
    for function in (as_rows, native, shown, refused_columns, compacted, replaced, streamed, conditions, discovered, refused):
        yield function.__name__, lambda function=function: (need(server), function(server))
