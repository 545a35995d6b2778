"""Native queries of single segments: bySegment in the context, intervals that name segments; data sources with a policy."""
from test_formats import check, same
from test_native import ALL, COUNT, ask, place, rows

WHOLE = dict(dataSource='tiny', intervals=ALL, granularity='all', aggregations=COUNT)


def apart(server, **query):
    return rows(server, context={'bySegment': True}, **dict(WHOLE, **query))


def sums(server):
    parts = apart(server, queryType='timeseries')
    whole = rows(server, queryType='timeseries', **WHOLE)
    check(parts, 'no segment')
    for p in parts:
        same(sorted(p), ['result', 'timestamp'])
        same(sorted(p['result']), ['interval', 'results', 'segment'])
        check(p['result']['segment'].startswith('tiny_'), p)
        same(p['timestamp'], p['result']['segment'].split('_')[1])
    same(sum(p['result']['results'][0]['result']['n'] for p in parts), whole[0]['result']['n'])
    return parts


def named(server):
    """Each segment asked for by its name answers what it answered by itself."""
    for part in sums(server):
        ends = part['result']['segment'].split('_')[1:]
        one = {'itvl': ends[0] + '/' + ends[1], 'ver': ends[2], 'part': int(ends[3]) if len(ends) > 3 else 0}
        ask_one = lambda s: rows(server, queryType='timeseries', **dict(WHOLE, intervals={'type': 'segments', 'segments': [s]}))
        same(ask_one(one), part['result']['results'])
        same(ask_one(dict(one, ver='2001-01-01T00:00:00.000Z'))[0]['result'], {'n': 0})


def cases(server):
    yield 'by segment', lambda: sums(server)
    yield 'segments by name', lambda: named(server)
    for kind, more in (('topN', {'dimension': 's', 'metric': 'n', 'threshold': 2}), ('groupBy', {'dimensions': ['s']}), ('scan', {'columns': ['s']}),
                       ('search', {'query': {'type': 'all'}}), ('timeBoundary', {}), ('segmentMetadata', {})):
        yield 'by segment: ' + kind, lambda k=kind, m=more: check(
            all(p['result']['results'] for p in apart(server, queryType=k, **m)), 'no results')
    yield 'by segment: a part', lambda: same(
        [p['result']['interval'] for p in apart(server, queryType='timeseries', intervals='1000/1001')], [])
    yield 'by segment of a query', lambda: place(server, 'bySegment', queryType='timeseries', granularity='all', context={'bySegment': True},
                                                 dataSource={'type': 'query', 'query': dict(WHOLE, queryType='groupBy', dimensions=['s'])})
    joined = {'type': 'join', 'left': 'tiny', 'right': {'type': 'query', 'query': dict(WHOLE, queryType='groupBy', dimensions=['s'])},
              'rightPrefix': 'j.', 'condition': 's == "j.s"', 'joinType': 'INNER'}
    yield 'by segment of a join', lambda: same(
        sum(p['result']['results'][0]['result']['n'] for p in apart(server, queryType='timeseries', dataSource=joined)),
        rows(server, queryType='timeseries', **dict(WHOLE, dataSource=joined))[0]['result']['n'])
    some = {'type': 'filter', 'base': 'tiny', 'filter': {'type': 'selector', 'dimension': 's', 'value': 'a'}}
    yield 'by segment of a filter', lambda: same(
        sum(p['result']['results'][0]['result']['n'] for p in apart(server, queryType='timeseries', dataSource=some)),
        rows(server, queryType='timeseries', **dict(WHOLE, dataSource=some))[0]['result']['n'])
    for words, segments in (('intervals.segments[0].itvl', [{'itvl': 'x', 'ver': 'v', 'part': 0}]), ('intervals.segments[0]: expected an object', [3]),
                            ("'ver' is missing", [{'itvl': '2024/2025'}]), ('part', [{'itvl': '2024/2025', 'ver': 'v', 'part': -1}])):
        yield 'wrong segments: ' + words, lambda w=words, s=segments: place(
            server, w, queryType='timeseries', granularity='all', intervals={'type': 'segments', 'segments': s})
    yield 'segments within', lambda: place(server, 'only the outermost query', 501, queryType='timeseries', granularity='all', dataSource={
        'type': 'query', 'query': dict(WHOLE, queryType='groupBy', dimensions=['s'], intervals={'type': 'segments', 'segments': []})})
    policy = lambda **p: dict(WHOLE, queryType='timeseries', dataSource={'type': 'restrict', 'base': 'tiny', 'policy': p})
    whole = dict(WHOLE, queryType='timeseries')
    yield 'restrict: nothing', lambda: same(rows(server, **policy(type='noRestriction')), rows(server, **whole))
    one = {'type': 'equals', 'column': 's', 'matchValueType': 'STRING', 'matchValue': 'a'}
    yield 'restrict: rows', lambda: same(rows(server, **policy(type='row', rowFilter=one))[0]['result'], rows(server, filter=one, **whole)[0]['result'])
    yield 'restrict: unknown', lambda: place(server, "policy.type: unknown policy 'x'", **policy(type='x'))
    compared = {'type': 'columnComparison', 'dimensions': ['s', {'type': 'extraction', 'dimension': 's', 'extractionFn': {'type': 'upper'}}]}
    yield 'columns compared', lambda: check(rows(server, filter=compared, **whole)[0]['result']['n'] > 0, 'none')
