"""Bodies of SQL answers, byte by byte: five formats, header records, types, value rendering (docs: Druid's SQL API)."""
import json

QUERY = "SELECT s, l, d FROM tiny WHERE s IN ('a', 'b') AND l IS NOT NULL AND l < 7 ORDER BY __time"


def body(server, query=QUERY, **fields):
    status, headers, answer = server.post('/druid/v2/sql', dict(query=query, **fields))
    if status != 200:
        raise AssertionError('%d %s' % (status, answer[:300]))
    return headers, answer.decode()


def cases(server):
    want = {
        'object': '[{"s":"a","l":1,"d":1.5},{"s":"b","l":2,"d":-2.25}]\n',
        'array': '[["a",1,1.5],["b",2,-2.25]]\n',
        'objectLines': '{"s":"a","l":1,"d":1.5}\n{"s":"b","l":2,"d":-2.25}\n\n',
        'arrayLines': '["a",1,1.5]\n["b",2,-2.25]\n\n',
        'csv': 'a,1,1.5\nb,2,-2.25\n\n',
    }
    heads = {
        'object': '[{"s":null,"l":null,"d":null},', 'array': '[["s","l","d"],',
        'objectLines': '{"s":null,"l":null,"d":null}\n', 'arrayLines': '["s","l","d"]\n', 'csv': 's,l,d\n',
    }
    both = {
        'object': '[{"s":{"type":"STRING","sqlType":"VARCHAR"},"l":{"type":"LONG","sqlType":"BIGINT"},'
                  '"d":{"type":"DOUBLE","sqlType":"DOUBLE"}},',
        'array': '[["s","l","d"],["STRING","LONG","DOUBLE"],["VARCHAR","BIGINT","DOUBLE"],',
        'csv': 's,l,d\nSTRING,LONG,DOUBLE\nVARCHAR,BIGINT,DOUBLE\n',
    }
    empty = {'object': '[]\n', 'array': '[]\n', 'objectLines': '\n\n', 'arrayLines': '\n\n', 'csv': '\n'}
    none = 'SELECT s, l FROM tiny WHERE 1 = 0'

    for name, text in want.items():
        yield 'format ' + name, lambda n=name, t=text: same(body(server, resultFormat=n)[1], t)
        yield 'header ' + name, lambda n=name, t=text: same(body(server, resultFormat=n, header=True)[1][:len(heads[n])],
                                                            heads[n])
        yield 'empty ' + name, lambda n=name: same(body(server, none, resultFormat=n)[1], empty[n])
    for name, text in both.items():
        yield 'types ' + name, lambda n=name, t=text: same(
            body(server, resultFormat=n, header=True, typesHeader=True, sqlTypesHeader=True)[1][:len(t)], t)
    yield 'default is object', lambda: same(body(server)[1], want['object'])
    yield 'format in any case', lambda: same(body(server, resultFormat='ARRAYLINES')[1], want['arrayLines'])
    yield 'header of an empty result', lambda: same(body(server, none, resultFormat='array', header=True)[1],
                                                    '[["s","l"]]\n')
    yield 'header marks the answer', lambda: same(body(server, header=True)[0].get('x-druid-sql-header-included'), 'yes')
    yield 'types need a header', lambda: same(server.post('/druid/v2/sql', {
        'query': QUERY, 'typesHeader': True})[0], 400)
    yield 'csv quotes', lambda: same(
        body(server, "SELECT s FROM tiny WHERE s LIKE '%,%' OR s LIKE '%\"%' ORDER BY __time", resultFormat='csv')[1],
        '"quoted, comma"\n"say ""hi"""\n\n')
    yield 'csv NULL and empty', lambda: same(
        body(server, "SELECT s, l FROM tiny WHERE s IS NULL OR s = '' ORDER BY l", resultFormat='csv')[1],
        ',-5\n,9223372036854775807\n\n')
    yield 'csv single empty field', lambda: same(
        body(server, "SELECT s FROM tiny WHERE s = ''", resultFormat='csv')[1], '""\n\n')
    yield 'raw UTF-8', lambda: same(
        body(server, "SELECT s FROM tiny WHERE s = '한글'", resultFormat='array')[1], '[["한글"]]\n')
    yield 'long extremes', lambda: same(
        body(server, 'SELECT MIN(l), MAX(l) FROM tiny', resultFormat='array')[1],
        '[[-9223372036854775808,9223372036854775807]]\n')
    yield 'time has three digits', lambda: same(
        body(server, 'SELECT MIN(__time) FROM tiny', resultFormat='array')[1], '[["2024-01-01T00:00:00.000Z"]]\n')
    yield 'whole doubles keep a point', lambda: same(
        body(server, "SELECT d FROM tiny WHERE d = 3", resultFormat='array')[1], '[[3.0]]\n')
    yield 'control characters are escaped', lambda: same(
        json.loads(body(server, "SELECT 'a' || U&'\\0001' || U&'\\000A' || '\"\\' AS x", resultFormat='array')[1]),
        [['a\x01\n"\\']])
    yield 'query id is echoed', lambda: same(
        body(server, context={'sqlQueryId': 'my-id-1'})[0].get('x-druid-sql-query-id'), 'my-id-1')
    yield 'query id is made', lambda: check(len(body(server)[0].get('x-druid-sql-query-id', '')) >= 8)
    yield 'trailing slash', lambda: same(server.post('/druid/v2/sql/', {'query': 'SELECT 1 AS x'})[2], b'[{"x":1}]\n')
    yield 'query string ignored', lambda: same(server.post('/druid/v2/sql?x=1', {'query': 'SELECT 1 AS x'})[0], 200)
    yield 'text/plain is SQL', lambda: same(
        server.request('POST', '/druid/v2/sql', b'SELECT 1 AS x', {'Content-Type': 'text/plain'})[2], b'[{"x":1}]\n')
    yield 'charset is welcome', lambda: same(server.request(
        'POST', '/druid/v2/sql', b'{"query":"SELECT 1 AS x"}',
        {'Content-Type': 'application/json;charset=UTF-8'})[0], 200)


def same(got, want):
    check(got == want, 'want %r\ngot  %r' % (want, got))


def check(good, words=''):
    if not good:
        raise AssertionError(words)
