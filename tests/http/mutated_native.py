#!/usr/bin/env python3
"""Native queries with something wrong in them: every answer is 200, a 4xx or a 501 with a sentence, never a crash, never a 500.

    mutated_native.py [--count N] [--seed N] [--url URL]

Starts from the queries below, and from those of real clients where OVATE_SHARED (or a sibling `shared`) holds them. Members go, are renamed,
get values of other types, of other queries, far too large or deep ones, bytes of sketches are turned. What is refused must say so in
`errorMessage`. Without --url a server of its own runs over tests/slt's tables."""
import argparse
import base64
import copy
import glob
import http.client
import json
import os
import random
import sys
import tempfile
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'lib'), os.path.join(HERE, '..', 'slt')]
import tables  # noqa: E402
from ovatetest import Counter, Server  # noqa: E402

ALL = '1000-01-01/3000-01-01'
BASE = {'dataSource': 'tiny', 'intervals': ALL, 'granularity': 'all'}
AGGREGATORS = [
    {'type': 'count', 'name': 'n'}, {'type': 'longSum', 'name': 'a', 'fieldName': 'l'}, {'type': 'doubleMax', 'name': 'b', 'expression': 'd * 2'},
    {'type': 'stringFirst', 'name': 'c', 'fieldName': 's', 'maxStringBytes': 8}, {'type': 'cardinality', 'name': 'e', 'fields': ['s', 'l'], 'byRow': True},
    {'type': 'filtered', 'filter': {'type': 'selector', 'dimension': 's', 'value': 'a'}, 'aggregator': {'type': 'count', 'name': 'f'}},
    {'type': 'HLLSketchBuild', 'name': 'g', 'fieldName': 's', 'lgK': 8}, {'type': 'thetaSketch', 'name': 'h', 'fieldName': 's', 'size': 64},
    {'type': 'quantilesDoublesSketch', 'name': 'i', 'fieldName': 'd', 'k': 32}, {'type': 'KllDoublesSketch', 'name': 'j', 'fieldName': 'd', 'k': 50},
    {'type': 'tDigestSketch', 'name': 'k', 'fieldName': 'd', 'compression': 100}, {'type': 'momentSketch', 'name': 'm', 'fieldName': 'd', 'k': 5},
    {'type': 'approxHistogram', 'name': 'o', 'fieldName': 'd', 'resolution': 20}, {'type': 'bloom', 'name': 'p', 'field': 's', 'maxNumEntries': 100},
    {'type': 'fixedBucketsHistogram', 'name': 'q', 'fieldName': 'd', 'numBuckets': 4, 'lowerLimit': 0, 'upperLimit': 9, 'outlierHandlingMode': 'overflow'},
    {'type': 'arrayOfDoublesSketch', 'name': 'r', 'fieldName': 's', 'nominalEntries': 64, 'metricColumns': ['d'], 'numberOfValues': 1},
    {'type': 'variance', 'name': 't', 'fieldName': 'd', 'estimator': 'population'}, {'type': 'hyperUnique', 'name': 'u', 'fieldName': 's', 'round': True},
    {'type': 'expression', 'name': 'v', 'fields': ['l'], 'initialValue': '0', 'fold': '__acc + l', 'combine': '__acc + v', 'finalize': 'o / 2'},
]
POSTS = [
    {'type': 'arithmetic', 'name': 'pa', 'fn': '/', 'fields': [{'type': 'fieldAccess', 'fieldName': 'a'}, {'type': 'constant', 'value': 2}]},
    {'type': 'expression', 'name': 'pb', 'expression': 'a + b'}, {'type': 'HLLSketchEstimate', 'name': 'pc', 'field': {'type': 'fieldAccess', 'fieldName': 'g'}},
    {'type': 'thetaSketchSetOp', 'name': 'pd', 'func': 'UNION', 'size': 64, 'fields': [{'type': 'fieldAccess', 'fieldName': 'h'}] * 2},
    {'type': 'quantilesDoublesSketchToQuantiles', 'name': 'pe', 'field': {'type': 'fieldAccess', 'fieldName': 'i'}, 'fractions': [0.1, 0.9]},
    {'type': 'doubleGreatest', 'name': 'pf', 'fields': [{'type': 'fieldAccess', 'fieldName': 'a'}, {'type': 'fieldAccess', 'fieldName': 'b'}]},
]
FILTER = {'type': 'and', 'fields': [
    {'type': 'or', 'fields': [{'type': 'selector', 'dimension': 's', 'value': 'a'}, {'type': 'in', 'dimension': 'l', 'values': [1, '2', None]}]},
    {'type': 'bound', 'dimension': 'l', 'lower': '0', 'upper': '900', 'upperStrict': True, 'ordering': 'numeric'},
    {'type': 'not', 'field': {'type': 'like', 'dimension': 's', 'pattern': 'z%'}}, {'type': 'expression', 'expression': 'l >= 0'},
    {'type': 'range', 'column': 'd', 'matchValueType': 'DOUBLE', 'lower': 0.5, 'upperOpen': True, 'upper': 1e9},
    {'type': 'interval', 'dimension': '__time', 'intervals': [ALL]}, {'type': 'regex', 'dimension': 's', 'pattern': '^[a-z]'},
    {'type': 'search', 'dimension': 's', 'query': {'type': 'contains', 'value': 'a', 'caseSensitive': False}}]}
VIRTUAL = [{'type': 'expression', 'name': 'v0', 'expression': "concat(s, 'x')", 'outputType': 'STRING'},
           {'type': 'expression', 'name': 'v1', 'expression': 'map(x -> x + l, [1, 2])', 'outputType': 'ARRAY<LONG>'}]
DIMENSIONS = ['s', {'type': 'default', 'dimension': 'l', 'outputName': 'ld', 'outputType': 'LONG'}, 'v0', {
    'type': 'extraction', 'dimension': 's', 'outputName': 'sx', 'extractionFn': {'type': 'substring', 'index': 0, 'length': 1}}]
QUERIES = [
    dict(BASE, queryType='timeseries', aggregations=AGGREGATORS, postAggregations=POSTS, filter=FILTER, context={'skipEmptyBuckets': True}),
    dict(BASE, queryType='timeseries', granularity={'type': 'period', 'period': 'P1D', 'timeZone': 'Asia/Seoul'}, aggregations=AGGREGATORS[:3],
         intervals='2024-01-01/2024-03-01', descending=True, limit=5, context={'grandTotal': True}),
    dict(BASE, queryType='topN', dimension=DIMENSIONS[3], metric={'type': 'inverted', 'metric': {'type': 'numeric', 'metric': 'a'}}, threshold=5,
         aggregations=AGGREGATORS[:4], postAggregations=POSTS[:1]),
    dict(BASE, queryType='groupBy', dimensions=DIMENSIONS, virtualColumns=VIRTUAL, aggregations=AGGREGATORS[:5], filter=FILTER, subtotalsSpec=[['s'], []],
         having={'type': 'and', 'havingSpecs': [{'type': 'greaterThan', 'aggregation': 'n', 'value': 0}, {'type': 'filter', 'filter': {'type': 'true'}}]},
         limitSpec={'type': 'default', 'limit': 9, 'offset': 1, 'columns': [{'dimension': 'n', 'direction': 'descending', 'dimensionOrder': 'numeric'}]}),
    dict(BASE, queryType='scan', columns=['__time', 's', 'v1'], virtualColumns=VIRTUAL, limit=4, offset=1, batchSize=2, resultFormat='compactedList',
         orderBy=[{'columnName': 's', 'order': 'ascending'}], filter=FILTER),
    dict(BASE, queryType='search', searchDimensions=['s'], query={'type': 'fragment', 'values': ['a', 'b']}, sort={'type': 'strlen'}, limit=3),
    dict(BASE, queryType='timeBoundary', bound='maxTime'), dict(BASE, queryType='dataSourceMetadata'),
    dict(BASE, queryType='segmentMetadata', merge=True, toInclude={'type': 'list', 'columns': ['s']}, analysisTypes=['size', 'cardinality', 'aggregators']),
    dict(BASE, queryType='groupBy', dimensions=['s', 'j.l'], aggregations=AGGREGATORS[:1], dataSource={
        'type': 'join', 'left': 'tiny', 'rightPrefix': 'j.', 'condition': 's == "j.s"', 'joinType': 'LEFT', 'right': {
            'type': 'query', 'query': dict(BASE, queryType='groupBy', dimensions=['s', 'l'])}}),
    dict(BASE, queryType='timeseries', aggregations=AGGREGATORS[:1], dataSource={
        'type': 'unnest', 'base': {'type': 'union', 'dataSources': ['tiny', 'tiny']}, 'virtualColumn': dict(VIRTUAL[1], name='u'),
        'unnestFilter': {'type': 'equals', 'column': 'u', 'matchValueType': 'LONG', 'matchValue': 3}}),
    dict(BASE, queryType='timeseries', aggregations=[{'type': 'HLLSketchMerge', 'name': 'g', 'fieldName': 'b'}], dataSource={
        'type': 'inline', 'columnNames': ['__time', 'b'], 'columnTypes': ['LONG', 'STRING'], 'rows': [[0, base64.b64encode(bytes(range(40))).decode()]]}),
    dict(BASE, queryType='windowOperator', outputSignature=[{'name': 's', 'type': 'STRING'}, {'name': 'w', 'type': 'LONG'}], operatorDefinition=[
        {'type': 'naiveSort', 'columns': [{'column': 's', 'direction': 'ASC'}]}, {'type': 'naivePartition', 'partitionColumns': ['s']},
        {'type': 'window', 'processor': {'type': 'framedAgg', 'frame': {'type': 'rows', 'lowerOffset': None, 'upperOffset': 0},
                                         'aggregations': [{'type': 'longSum', 'name': 'w', 'fieldName': 'l'}]}}],
         dataSource={'type': 'query', 'query': dict(BASE, queryType='scan', columns=['s', 'l'])}),
]


def real_queries():
    folder = os.environ.get('OVATE_SHARED') or os.path.join(HERE, '..', '..', '..', 'shared')
    found = []
    for path in glob.glob(os.path.join(folder, 'data', 'druid-golden', 'native.ndjson')):
        for line in open(path, encoding='utf-8'):
            body = json.loads(line).get('body')
            if isinstance(body, dict):
                found.append(dict(body, dataSource='tiny') if isinstance(body.get('dataSource'), str) else body)
    return found


def spots(value, path=()):
    """Every place in the query, as the keys that lead there."""
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from spots(inner, path + (key,))


def at(value, path):
    for key in path:
        value = value[key]
    return value


def deep(kind, levels):
    value = {'type': 'true'} if kind == 'filter' else []
    for _ in range(levels):
        value = {'type': 'not', 'field': value} if kind == 'filter' else [value]
    return value


def odd(rng, pool):
    """A value that is probably wrong where it is put."""
    return rng.choice((
        lambda: None, lambda: True, lambda: 0, lambda: -1, lambda: 2**63 - 1, lambda: 1e308, lambda: -0.5, lambda: '', lambda: 'zzz', lambda: '\x00\ud83d',
        lambda: 'x' * 5000, lambda: [], lambda: {}, lambda: [None], lambda: {'type': 'zzz'}, lambda: [[]], lambda: '__time', lambda: 's', lambda: 'd', lambda: 10**30,
        lambda: 'a' + '(' * rng.randrange(1, 3000), lambda: 'if(l > 0, s,', lambda: "fold((x, a) -> a + x, [1, 2], '0')", lambda: deep('filter', rng.randrange(1, 350)),
        lambda: deep('list', rng.randrange(1, 350)), lambda: base64.b64encode(bytes(rng.randrange(256) for _ in range(rng.randrange(60)))).decode(),
        lambda: copy.deepcopy(at(*pool(rng))), lambda: copy.deepcopy(at(*pool(rng)))))()


def mutate(rng, query, pool):
    query = copy.deepcopy(query)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        path = rng.choice([p for p in spots(query) if p])
        holder, key = at(query, path[:-1]), path[-1]
        kind = rng.randrange(5)
        if kind == 0 and isinstance(holder, dict) and key != 'queryType':
            del holder[key]
        elif kind == 1 and isinstance(holder, dict):
            holder[rng.choice(('zzz', 'type', 'fieldName', 'name', key + 's'))] = holder.pop(key)
        elif kind == 2 and isinstance(holder, list):
            holder.insert(rng.randrange(len(holder) + 1), copy.deepcopy(holder[key]))
        else:
            holder[key] = odd(rng, pool)
        if not [p for p in spots(query) if p]:
            break
    return query


def post(where, body):
    link = http.client.HTTPConnection(where.hostname, where.port, timeout=60)
    link.request('POST', '/druid/v2', body, {'Content-Type': 'application/json'})
    reply = link.getresponse()
    answer = reply.read()
    link.close()
    return reply.status, answer


def wrong(status, answer):
    """What is wrong with the answer to a wrong query; None: nothing."""
    if status == 200:
        return None
    if status not in (400, 404, 501, 504):
        return 'status %d %s' % (status, answer[:300])
    try:
        said = json.loads(answer).get('errorMessage')
    except ValueError:
        return 'no JSON: %s' % answer[:300]
    return None if isinstance(said, str) and said else 'no sentence: %s' % answer[:300]


def run(where, count, seed):
    rng = random.Random(seed)
    queries = QUERIES + real_queries()
    bad, kinds = 0, {}

    def pool(r):
        query = r.choice(queries)
        return query, r.choice(list(spots(query)))

    for i in range(count):
        query = mutate(rng, rng.choice(QUERIES if i % 2 else queries), pool)
        query.setdefault('context', {})
        if isinstance(query['context'], dict):
            query['context']['timeout'] = 20000
        body = json.dumps(query).encode('utf-8', 'surrogatepass')
        try:
            status, answer = post(where, body)
            why = wrong(status, answer)
        except (OSError, http.client.HTTPException) as error:
            status, why = 0, 'no answer: %r' % error
        kinds[status] = kinds.get(status, 0) + 1
        if why:
            bad += 1
            print('%s\n  %s' % (why, body[:3000].decode('utf-8', 'replace')))
            if status == 0 or bad > 20:
                break
    print('%d asked, %d wrong: %s' % (sum(kinds.values()), bad, ', '.join('%d x %d' % (n, s) for s, n in sorted(kinds.items()))))
    return bad


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument('--count', type=int, default=1000)
    words.add_argument('--seed', type=int, default=1)
    words.add_argument('--url', default='')
    args = words.parse_args()
    if args.url:
        sys.exit(1 if run(urllib.parse.urlsplit(args.url), args.count, args.seed) else 0)
    counter = Counter(False)
    with tempfile.TemporaryDirectory(prefix='ovate-mutated-') as folder, Server() as server:
        for name in ('tiny', 'nulls'):
            server.ingest(tables.spec(name, folder)[0])
            server.wait_table(name)
        bad = run(urllib.parse.urlsplit('http://127.0.0.1:%d' % server.port), args.count, args.seed)
        counter.check('mutated queries', bad == 0, '%d answers are wrong; see above' % bad)
        counter.check('the server lives', server.alive(), server.log()[-4000:])
    counter.finish()


if __name__ == '__main__':
    main()
