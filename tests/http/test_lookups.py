"""Lookups: how they are asked for and kept, where maps come from, and what queries see of them."""
import json
import os
import tempfile
import time

from ovatetest import SqlError
from test_formats import check, same

CONFIG = '/druid/coordinator/v1/lookups/config'
INTROSPECT = '/druid/v1/lookups/introspect/'


def put(server, name, factory, version='v1'):
    status, _, answer = server.post('%s/__default/%s' % (CONFIG, name), {'version': version, 'lookupExtractorFactory': factory})
    return status, answer.decode()


def uri(path, poll=None, **parse):
    namespace = {'type': 'uri', 'uri': path, 'namespaceParseSpec': parse}
    return {'type': 'cachedNamespace', 'extractionNamespace': dict(namespace, **({'pollPeriod': poll} if poll else {}))}


def one_map(server):
    same(put(server, 'letters', {'type': 'map', 'map': {'a': 'Alpha', 'b': 'Beta', '1': 'one'}})[0], 202)
    same(server.sql("SELECT LOOKUP(x, 'letters'), LOOKUP(x, 'letters', 'none') FROM (VALUES ('a'), ('q'), (NULL)) AS t(x)")[1],
         [['Alpha', 'Alpha'], [None, 'none'], [None, 'none']])
    same(server.sql('SELECT * FROM lookup.letters ORDER BY k')[1], [['1', 'one'], ['a', 'Alpha'], ['b', 'Beta']])
    same(server.sql("SELECT LOOKUP(s, 'letters') AS w, COUNT(*) FROM tiny WHERE LOOKUP(s, 'letters') = 'Alpha' GROUP BY 1")[1], [['Alpha', 3]])
    same(server.sql("SELECT t.s, l.v FROM tiny t JOIN lookup.letters l ON t.s = l.k WHERE t.l = 2")[1], [['b', 'Beta']])
    try:
        server.sql("SELECT LOOKUP('a', 'lettres')")
        check(False, 'a name that is not there was answered')
    except SqlError as refused:
        check("did you mean 'letters'" in str(refused), refused)


def histories(server):
    """Values that hold from an instant on: what they were at a row's time, and what they are."""
    moves = {'ann': {'2020-01-01': 'Acme', '2023-05-01T12:00:00Z': 'Bolt'}, 'bob': 'Core'}
    same(put(server, 'firm', {'type': 'map', 'map': moves})[0], 202)
    asked = ("SELECT who, LOOKUP_AT(who, 'firm', t), LOOKUP_AT(who, 'firm', t, 'none'), LOOKUP(who, 'firm') FROM (VALUES "
             "('ann', TIMESTAMP '2019-06-01'), ('ann', TIMESTAMP '2020-01-01'), ('ann', TIMESTAMP '2023-05-01 11:59:59'), "
             "('ann', TIMESTAMP '2023-05-01 12:00:00'), ('bob', TIMESTAMP '1999-01-01'), ('eve', TIMESTAMP '2024-01-01')) AS v(who, t)")
    want = [['ann', None, 'none', 'Bolt'], ['ann', 'Acme', 'Acme', 'Bolt'], ['ann', 'Acme', 'Acme', 'Bolt'],
            ['ann', 'Bolt', 'Bolt', 'Bolt'], ['bob', 'Core', 'Core', 'Core'], ['eve', None, 'none', None]]
    same(server.sql(asked)[1], want)
    same(server.sql('SELECT * FROM lookup.firm ORDER BY k')[1], [['ann', 'Bolt'], ['bob', 'Core']])
    query = ("SELECT k, v, CAST(s AS TIMESTAMP) FROM (VALUES ('ann', 'Bolt', '2023-05-01 12:00:00'), ('bob', 'Core', NULL), "
             "('ann', 'Acme', '2020-01-01 00:00:00')) AS x(k, v, s)")
    same(put(server, 'firm', {'type': 'sql', 'query': query}, 'v2')[0], 202)
    same(server.sql(asked)[1], want)
    with tempfile.TemporaryDirectory(prefix='ovate-lookup-') as folder:
        path = os.path.join(folder, 'firms.csv')
        parse = {'format': 'csv', 'hasHeaderRow': True, 'keyColumn': 'k', 'valueColumn': 'v', 'sinceColumn': 's'}
        for text, status in (('k,v,s\nbob,Core,\nann,Bolt,2023-05-01T12:00:00Z\nann,Acme,2020-01-01\n', 202), ('k,v,s\nann,Bolt,soon\n', 400)):
            with open(path, 'w', encoding='utf-8') as file:
                file.write(text)
            got, answer = put(server, 'firm', uri('file:' + path, **parse), 'v%d' % status)
            check(got == status and (status == 202 or 'soon' in answer), (got, answer))
        same(server.sql(asked)[1], want)
    status, answer = put(server, 'firm', {'type': 'map', 'map': {'a': {'soon': 'x'}}}, 'v9')
    check(status == 400 and 'soon' in answer, answer)


def versions(server):
    same(put(server, 'turn', {'type': 'map', 'map': {'k': 'old'}}, 'v1')[0], 202)
    status, answer = put(server, 'turn', {'type': 'map', 'map': {'k': 'other'}}, 'v1')
    check(status == 400 and 'does not come after' in answer, answer)
    same(put(server, 'turn', {'type': 'map', 'map': {'k': 'new'}}, 'v2')[0], 202)
    same(server.value("SELECT LOOKUP('k', 'turn')"), 'new')
    same(server.get_json(INTROSPECT + 'turn/version'), {'version': 'v2'})
    same(server.get_json(CONFIG + '/__default/turn')['version'], 'v2')
    same(server.request('DELETE', CONFIG + '/__default/turn')[0], 202)
    same(server.request('DELETE', CONFIG + '/__default/turn')[0], 404)
    same(server.request('GET', INTROSPECT + 'turn')[0], 404)


def files(server):
    with tempfile.TemporaryDirectory(prefix='ovate-lookup-') as folder:
        path = os.path.join(folder, 'map')

        def write(text):
            with open(path + '.new', 'w', encoding='utf-8') as file:
                file.write(text)
            os.rename(path + '.new', path)
        write('code,name\nx,Ex\ny,"Why, then"\n')
        same(put(server, 'csv', uri('file:' + path, 'PT1S', format='csv', hasHeaderRow=True, keyColumn='code', valueColumn='name'))[0], 202)
        same(server.get_json(INTROSPECT + 'csv'), {'x': 'Ex', 'y': 'Why, then'})
        write('code,name\nz,Zed\n')
        until = time.monotonic() + 20
        while server.get_json(INTROSPECT + 'csv') != {'z': 'Zed'} and time.monotonic() < until:
            time.sleep(0.2)
        same(server.get_json(INTROSPECT + 'csv/keys'), ['z'])
        same(server.request('DELETE', CONFIG + '/__default/csv')[0], 202)
        write('{"a":"1","b":2}\n{"c":"3"}\n')
        same(put(server, 'simple', uri(path, format='simpleJson'))[0], 202)
        same(server.get_json(INTROSPECT + 'simple'), {'a': '1', 'b': '2', 'c': '3'})
        write('{"id":"a","n":"1"}\n')
        same(put(server, 'custom', uri(path, format='customJson', keyFieldName='id', valueFieldName='n'))[0], 202)
        same(server.get_json(INTROSPECT + 'custom/values'), ['1'])
        status, answer = put(server, 'gone', uri(os.path.join(folder, 'nothing'), format='csv', columns=['a', 'b']))
        check(status == 400 and 'nothing' in answer, answer)


def newest_files(server):
    """Of a folder's files the one that changed last, of those whose whole name matches."""
    with tempfile.TemporaryDirectory(prefix='ovate-lookup-') as folder:
        def write(name, value, age):
            path = os.path.join(folder, name)
            with open(path, 'w', encoding='utf-8') as file:
                file.write('k,%s\n' % value)
            os.utime(path, (time.time() - age, time.time() - age))
        write("it's-1.csv", 'first', 500)
        write("it's-2.csv", 'second', 400)
        write("it's-2.csv.old", 'other', 0)
        os.mkdir(os.path.join(folder, "it's-9.csv"))

        def space(pattern, prefix='file:' + folder, **more):
            return {'type': 'cachedNamespace', 'extractionNamespace': dict({
                'type': 'uri', 'uriPrefix': prefix, 'fileRegex': pattern, 'namespaceParseSpec': {'format': 'csv', 'columns': ['k', 'v']}}, **more)}
        same(put(server, 'newest', space(r"it's-\d\.csv|never", pollPeriod='PT1S'))[0], 202)
        same(server.value("SELECT LOOKUP('k', 'newest')"), 'second')
        write("it's-3.csv", 'third', 300)
        until = time.monotonic() + 20
        while server.value("SELECT LOOKUP('k', 'newest')") != 'third' and time.monotonic() < until:
            time.sleep(0.2)
        same(server.value("SELECT LOOKUP('k', 'newest')"), 'third')
        same(server.request('DELETE', CONFIG + '/__default/newest')[0], 202)
        for factory, word in ((space('x'), 'fileRegex'), (space('('), 'missing closing parenthesis'), (space('x', 's3://a/b'), 's3://a/b'),
                              (space('x', folder + '/nowhere'), 'nowhere')):
            status, answer = put(server, 'bad', factory)
            check(status == 400 or 's3' in word and status == 501, (status, answer))
            check(word in answer, answer)


def together(server):
    """Several in one request: all of them or none."""
    post = lambda **lookups: server.post(CONFIG, {'__default': {
        name: {'version': version, 'lookupExtractorFactory': {'type': 'map', 'map': {'k': value}}} for name, (version, value) in lookups.items()}})
    both = "SELECT LOOKUP('k', 'one') || LOOKUP('k', 'two')"
    same(post(one=('v1', 'a'), two=('v1', 'b'))[0], 202)
    same(server.value(both), 'ab')
    status, _, answer = post(one=('v2', 'c'), two=('v1', 'd'))
    check(status == 400 and b"'two'" in answer, answer)
    same((server.value(both), server.get_json(INTROSPECT + 'one/version')), ('ab', {'version': 'v1'}))
    same(server.get_json(CONFIG + '/__default/one')['version'], 'v1')
    same(post(one=('v2', 'c'), two=('v2', 'd'))[0], 202)
    same(server.value(both), 'cd')


def states(server):
    """How far lookups are: of all tiers, a tier, a lookup; of all nodes, a tier's, a node."""
    spec = {'version': 'v1', 'lookupExtractorFactory': {'type': 'map', 'map': {'a': 'b'}}}
    same(server.post(CONFIG, {'far': {'away': spec}})[0], 202)
    base = '/druid/coordinator/v1/lookups/'
    node = '127.0.0.1:%d' % server.port
    same(server.get_json(base + 'status')['far'], {'away': {'loaded': True}})
    same(server.get_json(base + 'status?detailed=true')['far'], {'away': {'loaded': True, 'pendingNodes': []}})
    same(server.get_json(base + 'status/far'), {'away': {'loaded': True}})
    same(server.get_json(base + 'status/far/away?detailed=true'), {'loaded': True, 'pendingNodes': []})
    state = {'current': {'away': spec}, 'toLoad': {}, 'toDrop': []}
    same(server.get_json(base + 'nodeStatus')['far'], {node: state})
    same(server.get_json(base + 'nodeStatus?detailed=false')['far'], {node: dict(state, current={'away': 'v1'})})
    same(server.get_json(base + 'nodeStatus/far'), {node: state})
    same(server.get_json(base + 'nodeStatus/far/' + node), state)
    for path in ('status/near', 'status/far/nothing', 'nodeStatus/far/other:1'):
        same(server.request('GET', base + path)[0], 404)
    same(server.request('DELETE', CONFIG + '/far')[0], 202)


def queries(server):
    same(put(server, 'counts', {'type': 'sql', 'query': 'SELECT s, CAST(COUNT(*) AS VARCHAR) FROM tiny GROUP BY s'})[0], 202)
    same(server.value("SELECT LOOKUP('a', 'counts')"), '3')
    for query, word in (('SELECT s FROM tiny', 'two columns'), ('SELECT s, l FROM tiny', 'VARCHAR'), ('SELECT x FROM tiny', "'x'")):
        status, answer = put(server, 'bad', {'type': 'sql', 'query': query})
        check(status == 400 and word in answer, answer)


def native(server):
    put(server, 'native', {'type': 'map', 'map': {'a': 'Alpha'}})
    rows = server.post('/druid/v2', {'queryType': 'scan', 'dataSource': {'type': 'lookup', 'lookup': 'native'}, 'intervals': '1000/3000',
                                     'resultFormat': 'compactedList'})[2]
    same(json.loads(rows)[0]['events'], [['a', 'Alpha']])
    answer = server.post('/druid/v2', {
        'queryType': 'topN', 'dataSource': 'tiny', 'intervals': '1000/3000', 'granularity': 'all', 'metric': 'n', 'threshold': 1,
        'aggregations': [{'type': 'count', 'name': 'n'}], 'dimension': {
            'type': 'extraction', 'dimension': 's', 'outputName': 'w', 'extractionFn': {'type': 'registeredLookup', 'lookup': 'native',
                                                                                        'retainMissingValue': True}}})[2]
    same(json.loads(answer)[0]['result'], [{'w': 'Alpha', 'n': 3}])


def restart(server):
    put(server, 'kept', {'type': 'map', 'map': {'a': 'still'}})
    server.stop()
    server.start()
    same(server.value("SELECT LOOKUP('a', 'kept')"), 'still')
    same(server.get_json('/druid/coordinator/v1/lookups/status/__default')['kept'], {'loaded': True})


def cases(server):
    for function in (one_map, versions, histories, files, newest_files, together, states, queries, native, restart):
        yield function.__name__.replace('_', ' '), lambda f=function: f(server)
