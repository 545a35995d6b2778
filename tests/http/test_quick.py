"""Small statements that come again: their plans are kept and the loop answers them; nobody can tell but by the metrics."""
import re

from test_formats import check, same
from test_tasks import inline

SQL = "SELECT COUNT(*) AS c, SUM(n) AS s FROM quick WHERE k = 'a'"


def rows(n):
    return ['{"t":"2024-01-01T00:%02d:00Z","k":"%s","n":%d}' % (i % 60, 'ab'[i % 2], i) for i in range(n)]


def metric(server, name):
    return float(re.search(r'^%s (\S+)$' % name, server.request('GET', '/metrics')[2].decode(), re.M).group(1))


def ask(server, sql=SQL, **more):
    more['context'] = dict({'useCache': False}, **more.get('context', {}))
    status, head, answer = server.post('/druid/v2/sql', dict({'query': sql, 'resultFormat': 'array'}, **more))
    return status, {k.lower(): v for k, v in dict(head).items()}, answer


def again(server):
    server.ingest(inline('quick', rows(100)))
    server.wait_table('quick')
    before, ok = metric(server, 'ovate_quick_queries_total'), metric(server, 'ovate_queries_total{outcome="ok"}')
    answers = [ask(server) for _ in range(60)]
    same({a[2] for a in answers}, {b'[[50,2450]]\n'})
    same({a[0] for a in answers}, {200})
    same(len({a[1]['x-druid-sql-query-id'] for a in answers}), 60)
    same({a[1]['x-druid-response-context'] for a in answers}, {'{}'})
    check(metric(server, 'ovate_quick_queries_total') > before, 'no query was answered by the loop')
    same(metric(server, 'ovate_queries_total{outcome="ok"}'), ok + 60)
    same(ask(server, context={'sqlQueryId': 'mine'})[1]['x-druid-sql-query-id'], 'mine')


def forms(server):
    for _ in range(5):
        same(ask(server, resultFormat='csv', header=True)[2], b'c,s\n50,2450\n\n')
        same(ask(server, resultFormat='object')[2], b'[{"c":50,"s":2450}]\n')
        same(ask(server, 'SELECT COUNT(*) FROM quick WHERE k = ?', parameters=[{'type': 'VARCHAR', 'value': 'b'}])[2], b'[[50]]\n')
        same(ask(server, 'SELECT COUNT(*) FROM quick WHERE k = ?', parameters=[{'type': 'VARCHAR', 'value': 'c'}])[2], b'[[0]]\n')
        same(ask(server, 'SELECT k FROM quick ORDER BY n', context={'sqlOuterLimit': 1})[2], b'[["a"]]\n')
        same(ask(server, 'SELECT k FROM quick ORDER BY n LIMIT 2')[2], b'[["a"],["b"]]\n')


def changes(server):
    for n in (20, 40, 60):
        server.ingest(inline('quick', rows(n)))
        for _ in range(10):
            same(ask(server)[2], b'[[%d,%d]]\n' % (n // 2, sum(range(0, n, 2))))
    server.request('DELETE', '/druid/coordinator/v1/datasources/quick')
    same(ask(server)[0], 400)


def errors(server):
    for _ in range(5):
        same(ask(server, 'SELECT no_such_column FROM events')[0], 400)
        same(ask(server, 'SELECT 1 / (n - n) FROM (VALUES (1)) AS t(n)')[0], ask(server, 'SELECT 1 / (n - n)  FROM (VALUES (1)) AS t(n)')[0])


def cases(server):
    for function in (again, forms, changes, errors):
        yield function.__name__, lambda f=function: f(server)
