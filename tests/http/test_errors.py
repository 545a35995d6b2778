"""Refusals: status, body members that clients read, and a server that goes on."""
import json

from test_formats import check, same


def refused(server, status, path='/druid/v2/sql', body=None, raw=None, kind='application/json', method='POST'):
    data = raw if raw is not None else json.dumps(body).encode()
    got, _, answer = server.request(method, path, data, {'Content-Type': kind} if kind else {})
    check(got == status, 'want %d, got %d %s' % (status, got, answer[:300]))
    return answer


def members(server, query, category, status=400, words=''):
    answer = json.loads(refused(server, status, body={'query': query}))
    for name in ('error', 'errorMessage', 'category'):
        check(name in answer, 'no %s in %s' % (name, answer))
    same(answer['category'], category)
    check(words in answer['errorMessage'], answer['errorMessage'])
    return answer


def place(server):
    answer = members(server, 'SELECT no_such FROM tiny', 'INVALID_INPUT', words='no_such')
    context = answer.get('context', {})
    same((context.get('sourceType'), context.get('line'), context.get('column')), ('sql', '1', '8'))


def cases(server):
    yield 'syntax', lambda: members(server, 'SELECT FROM', 'INVALID_INPUT')
    yield 'unknown table', lambda: members(server, 'SELECT 1 FROM nowhere', 'INVALID_INPUT', words="nowhere")
    yield 'place of an unknown column', lambda: place(server)
    yield 'empty statement', lambda: refused(server, 400, body={'query': ''})
    yield 'only a comment', lambda: refused(server, 400, body={'query': '-- nothing'})
    yield 'no query', lambda: refused(server, 400, body={'resultFormat': 'array'})
    yield 'query is a number', lambda: refused(server, 400, body={'query': 7})
    yield 'not JSON', lambda: refused(server, 400, raw=b'{"query":')
    yield 'JSON cut in a string', lambda: refused(server, 400, raw=b'{"query":"SELECT 1')
    yield 'JSON array', lambda: refused(server, 400, raw=b'[1,2]')
    yield 'deep JSON', lambda: refused(server, 400, raw=b'[' * 100000)
    yield 'not UTF-8', lambda: refused(server, 400, raw=b'{"query":"SELECT \'\xff\xfe\'"}')
    yield 'unknown format', lambda: refused(server, 400, body={'query': 'SELECT 1', 'resultFormat': 'xml'})
    yield 'too few parameters', lambda: refused(server, 400, body={'query': 'SELECT ?'})
    yield 'bad parameter', lambda: refused(server, 400, body={
        'query': 'SELECT ?', 'parameters': [{'type': 'BIGINT', 'value': 'x'}]})
    yield 'null for a parameter', lambda: check(b'a NULL among the parameters is' in refused(server, 400, body={
        'query': 'SELECT ?', 'parameters': [None]}))
    yield 'a time zone that is a number', lambda: check(b'context.sqlTimeZone' in refused(server, 400, body={
        'query': 'SELECT 1', 'context': {'sqlTimeZone': 5}}))
    yield 'unknown content type', lambda: refused(server, 415, raw=b'<x/>', kind='text/xml')
    yield 'unknown path', lambda: refused(server, 404, path='/no/such/path', body={})
    yield 'wrong method', lambda: refused(server, 405, path='/druid/v2/sql', raw=b'', kind=None, method='PUT')
    yield 'cancel of an unknown query', lambda: refused(server, 404, path='/druid/v2/sql/no-such-id', raw=b'', kind=None,
                                                        method='DELETE')
    yield 'deep expression', lambda: refused(server, 400, body={'query': 'SELECT ' + '(' * 50000 + '1' + ')' * 50000})
    yield 'long statement', lambda: same(server.post('/druid/v2/sql', {
        'query': 'SELECT ' + ' + '.join(['1'] * 500) + ' AS x', 'resultFormat': 'array'})[2], b'[[500]]\n')
    yield 'rows that tie in many keys', lambda: same(server.post('/druid/v2/sql', {
        'query': 'SELECT y FROM (VALUES (1, 3), (1, 2), (2, 1), (1, 1)) t(x, y) ORDER BY %s, y' % ', '.join('x + %d' % i for i in range(100000)),
        'resultFormat': 'array'})[2], b'[[1],[2],[3],[1]]\n')
    yield 'timeout is honoured', lambda: check(server.post('/druid/v2/sql', {
        'query': 'SELECT 1 AS x', 'context': {'timeout': 1000}})[0] == 200)
    for key, value in (('timeout', 'x'), ('timeout', -1), ('timeout', 1.5), ('timeout', []), ('sqlOuterLimit', 'x'), ('maxMemoryBytes', 'x'),
                       ('priority', 'high'), ('sqlTimeZone', 'Mars/Phobos'), ('sqlTimeZone', 7), ('sqlTimeZone', ['UTC'])):
        yield 'context: %s of %r' % (key, value), lambda key=key, value=value: refused(server, 400, body={
            'query': 'SELECT 1', 'context': {key: value}})
    yield 'task: not JSON', lambda: refused(server, 400, path='/druid/indexer/v1/task', raw=b'{')
    yield 'task: unknown type', lambda: refused(server, 400, path='/druid/indexer/v1/task', body={'type': 'no_such'})
    yield 'task: no spec', lambda: refused(server, 400, path='/druid/indexer/v1/task', body={'type': 'index_parallel'})
    yield 'task: no data source', lambda: refused(server, 400, path='/druid/indexer/v1/task', body={
        'type': 'index_parallel', 'spec': {'dataSchema': {}, 'ioConfig': {'type': 'index_parallel'}}})
    yield 'task: unknown id', lambda: refused(server, 404, path='/druid/indexer/v1/task/none/status', raw=None, body=None,
                                              method='GET', kind=None)
    yield 'still up', lambda: same(server.sql('SELECT 1 AS x'), (['x'], [[1]]))
