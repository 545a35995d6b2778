"""Whole answers that are kept: the same bytes without a run, never older than the data, and only where the context allows it."""
import json

from test_formats import check, same
from test_quick import metric, rows
from test_tasks import inline

SQL = "SELECT k, COUNT(*) AS c, SUM(n) AS s FROM answers GROUP BY k ORDER BY k"
SERIES = {'queryType': 'timeseries', 'dataSource': 'answers', 'intervals': '2024/2025', 'granularity': 'all',
          'aggregations': [{'type': 'count', 'name': 'c'}]}


def hits(server):
    return metric(server, 'ovate_answer_hits_total')


def sql(server, query=SQL, **more):
    return server.post('/druid/v2/sql', dict({'query': query, 'resultFormat': 'array'}, **more))


def twice(server, ask):
    """Answers of two equal requests, and whether the second one was a kept one."""
    first, before = ask()[2], hits(server)
    second = ask()[2]
    same(first, second)
    return second, hits(server) > before


def again(server):
    server.ingest(inline('answers', rows(100)))
    server.wait_table('answers')
    answer, kept = twice(server, lambda: sql(server))
    check(kept, 'the answer was not kept')
    same(json.loads(answer), [['a', 50, 2450], ['b', 50, 2500]])
    check(twice(server, lambda: server.post('/druid/v2', SERIES))[1], 'the native answer was not kept')
    check(twice(server, lambda: server.post('/druid/v2?pretty', SERIES))[1], 'the pretty answer was not kept')
    check(twice(server, lambda: sql(server, 'SELECT SUM(n) FROM answers WHERE n > (SELECT AVG(n) FROM answers)'))[1], 'sub-query')
    ids = {dict((k.lower(), v) for k, v in dict(sql(server)[1]).items())['x-druid-sql-query-id'] for _ in range(3)}
    same(len(ids), 3)


def forms_are_told_apart(server):
    for more, want in (({}, b'[["a",50,2450],["b",50,2500]]\n'), ({'resultFormat': 'csv'}, b'a,50,2450\nb,50,2500\n\n'),
                       ({'header': True}, b'[["k","c","s"],["a",50,2450],["b",50,2500]]\n'),
                       ({'context': {'sqlOuterLimit': 1}}, b'[["a",50,2450]]\n')):
        for _ in range(3):
            same(sql(server, **more)[2], want)
    for value in 'ab':
        for _ in range(2):
            same(json.loads(sql(server, 'SELECT MAX(k) FROM answers WHERE k = ?', parameters=[{'type': 'VARCHAR', 'value': value}])[2]), [[value]])
    for zone, hour in (('UTC', '00'), ('Asia/Tokyo', '09')):
        for _ in range(2):
            check(('T%s:00' % hour) in sql(server, 'SELECT MIN(__time) FROM answers', context={'sqlTimeZone': zone})[2].decode(), zone)


def the_context_decides(server):
    for no in ({'useCache': False}, {'useResultLevelCache': False}, {'useCache': 'false'}, {'useCache': False, 'populateCache': False}):
        check(not twice(server, lambda no=no: sql(server, context=no))[1], 'kept in spite of %s' % no)
    query = 'SELECT COUNT(*) + 1 FROM answers'
    check(not twice(server, lambda: sql(server, query, context={'populateResultLevelCache': False}))[1], 'populated')
    check(twice(server, lambda: sql(server, query, context={'sqlQueryId': 'x', 'priority': 3}))[1], 'ids and priorities change no answer')


def what_depends_on_the_moment(server):
    for query in ('SELECT COUNT(*) FROM answers WHERE __time < CURRENT_TIMESTAMP', 'SELECT COUNT(*) FROM sys.segments',
                  'SELECT COUNT(*) FROM answers WHERE n >= (SELECT COUNT(*) FROM sys.tasks) * 0', 'SELECT nobody FROM answers'):
        check(not twice(server, lambda query=query: sql(server, query))[1], query)


def never_older_than_the_data(server):
    for n in (10, 20, 30):
        server.ingest(inline('answers', rows(n)))
        for _ in range(3):
            same(json.loads(sql(server, 'SELECT COUNT(*) FROM answers')[2]), [[n]])
            same(json.loads(server.post('/druid/v2', SERIES)[2])[0]['result']['c'], n)
    server.post('/v1/push/answers', {'t': '2024-01-02T00:00:00Z', '__time': '2024-01-02T00:00:00Z', 'k': 'a', 'n': 1})
    same(json.loads(sql(server, 'SELECT COUNT(*) FROM answers')[2]), [[31]])
    lookup = lambda version, to: {'__default': {'spellings': {'version': 'v%d' % version, 'lookupExtractorFactory': {'type': 'map', 'map': {'a': to}}}}}  # noqa: E731
    for version, to in enumerate(('one', 'two', 'one', 'three')):
        server.post('/druid/coordinator/v1/lookups/config', lookup(version, to))
        for _ in range(2):
            same(json.loads(sql(server, "SELECT LOOKUP('a', 'spellings')")[2]), [[to]])
            same(json.loads(sql(server, "SELECT v FROM lookup.spellings WHERE k = 'a'")[2]), [[to]])
    server.request('DELETE', '/druid/coordinator/v1/lookups/config/__default/spellings')
    server.request('DELETE', '/druid/coordinator/v1/datasources/answers')
    same(sql(server)[2], sql(server, context={'useCache': False})[2])


def cases(server):
    for function in (again, forms_are_told_apart, the_context_decides, what_depends_on_the_moment, never_older_than_the_data):
        yield function.__name__.replace('_', ' '), lambda function=function: function(server)
