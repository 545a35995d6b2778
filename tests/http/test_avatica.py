"""Avatica's JSON form without a driver: what clients act on when things go wrong, and how frames follow each other."""
import json
import threading
import time

from raw import Raw
from test_formats import check, same
from test_framing import post, wait_idle

PATH = '/druid/v2/sql/avatica/'


def ask(server, request, **members):
    """Status and answer of one request."""
    status, _, answer = server.post(PATH, dict(members, request=request))
    return status, json.loads(answer)


def opened(server, name):
    same(ask(server, 'openConnection', connectionId=name, info={'user': 'u', 'sqlTimeZone': 'Asia/Seoul'})[0], 200)
    return ask(server, 'createStatement', connectionId=name)[1]['statementId']


def unknown_connection(server):
    for request in ('createStatement', 'fetch', 'getTables', 'databaseProperties', 'connectionSync'):
        status, answer = ask(server, request, connectionId='never opened', statementId=1, offset=0)
        same((status, answer['response'], answer['errorCode'], answer['severity']), (500, 'error', 1, 'ERROR'))
        check('rpcMetadata' in answer, answer)


def request_in_a_header(server):
    """Where some clients put it."""
    request = lambda **r: server.request('POST', PATH, b'', {'request': json.dumps(r)})
    same(request(request='openConnection', connectionId='by header', info={})[0], 200)
    status, _, answer = request(request='getTableTypes', connectionId='by header')
    same((status, json.loads(answer)['response']), (200, 'resultSet'))


def errors_leave_the_connection_usable(server):
    statement = opened(server, 'usable')
    status, answer = ask(server, 'prepareAndExecute', connectionId='usable', statementId=statement, sql='SELECT nothing_here')
    same((status, answer['errorCode'], answer['sqlState'], answer['severity']), (500, -1, '00000', 'UNKNOWN'))
    check('nothing_here' in answer['errorMessage'], answer)
    status, answer = ask(server, 'prepareAndExecute', connectionId='usable', statementId=statement, sql='SELECT 1, TIMESTAMP \'2024-01-01\'')
    same(answer['results'][0]['firstFrame'], {'offset': 0, 'done': True, 'rows': [[1, 1704067200000]]})
    same(ask(server, 'openConnection', connectionId='usable')[0], 500)
    status, answer = ask(server, 'executeBatch', connectionId='usable', statementId=statement)
    check(status == 500 and 'one by one' in answer['errorMessage'], answer)


def frames(server):
    statement = opened(server, 'frames')
    sql = 'SELECT x FROM UNNEST(ARRAY[%s]) AS t(x)' % ','.join(map(str, range(450)))
    answer = ask(server, 'prepareAndExecute', connectionId='frames', statementId=statement, sql=sql, maxRowsInFirstFrame=7)[1]
    frame = answer['results'][0]['firstFrame']
    rows = frame['rows']
    same((len(rows), frame['done']), (100, False))
    status, wrong = ask(server, 'fetch', connectionId='frames', statementId=statement, offset=99, fetchMaxRowCount=10)
    check(status == 500 and 'row 100' in wrong['errorMessage'], wrong)
    while not frame['done']:
        frame = ask(server, 'fetch', connectionId='frames', statementId=statement, offset=len(rows), fetchMaxRowCount=150)[1]['frame']
        same(frame['offset'], len(rows))
        rows += frame['rows']
    same(rows, [[n] for n in range(450)])
    same(ask(server, 'closeStatement', connectionId='frames', statementId=statement)[0], 200)
    gone = ask(server, 'fetch', connectionId='frames', statementId=statement, offset=0)[1]
    same((gone['missingStatement'], gone['frame']), (True, None))
    same(ask(server, 'execute', statementHandle={'connectionId': 'frames', 'id': 77})[1]['missingStatement'], True)


def lost_statements(server):
    """A client that lost its connection sends what it remembers of a prepared statement; rows that were not fetched are lost."""
    sql = 'SELECT x FROM UNNEST(ARRAY[1,2,3]) AS t(x) WHERE x < ? ORDER BY x'
    other = opened(server, 'lost')
    made = ask(server, 'prepare', connectionId='lost', sql=sql)[1]['statement']
    same(len({other, made['id'], ask(server, 'createStatement', connectionId='lost')[1]['statementId']}), 3)
    handle = {'connectionId': 'lost', 'id': made['id'], 'signature': made['signature']}
    run = lambda h: ask(server, 'execute', statementHandle=h, parameterValues=[{'type': 'LONG', 'value': 3}])[1]
    same(ask(server, 'closeConnection', connectionId='lost')[0], 200)
    same(run(handle)['errorCode'], 1)
    opened(server, 'lost')
    same(run(dict(handle, signature=None))['missingStatement'], True)
    for _ in range(2):
        same(run(handle)['results'][0]['firstFrame']['rows'], [[1], [2]])
    same(run(dict(handle, signature=None))['results'][0]['firstFrame']['rows'], [[1], [2]])
    same(run(dict(handle, signature=dict(made['signature'], sql='SELECT 1')))['missingStatement'], True)
    fresh = ask(server, 'createStatement', connectionId='lost')[1]['statementId']
    same(run(dict(handle, id=fresh))['missingStatement'], True)
    for request in ('fetch', 'syncResults'):
        status, answer = ask(server, request, connectionId='lost', statementId=fresh, offset=100, state={})
        check(status == 500 and 'execute it again' in answer['errorMessage'], answer)


def most_rows(server):
    """JDBC's setMaxRows, which is about all frames."""
    statement = opened(server, 'most')
    run = lambda **m: ask(server, 'prepareAndExecute', connectionId='most', statementId=statement, maxRowsInFirstFrame=-1,
                          sql='SELECT x FROM UNNEST(ARRAY[1,2,3]) AS t(x) ORDER BY x', **m)[1]['results'][0]['firstFrame']
    for name in ('maxRowCount', 'maxRowsTotal'):
        for most, rows in ((2, 2), (3, 3), (9, 3), (0, 3), (-1, 3)):
            frame = run(**{name: most})
            same((len(frame['rows']), frame['done']), (rows, True))


def infinities(server):
    """As numbers, which the driver wants in a column of numbers; there is none for NaN."""
    statement = opened(server, 'infinite')
    status, _, answer = server.post(PATH, {'request': 'prepareAndExecute', 'connectionId': 'infinite', 'statementId': statement,
                                           'sql': "SELECT 1e0/0e0, -1e0/0e0, CAST('Infinity' AS FLOAT), 2.5e0, 0e0/0e0"})
    check(status == 200 and b'"rows":[[1e999,-1e999,1e999,2.5,"NaN"]]' in answer, answer)


def properties(server):
    opened(server, 'props')
    first = ask(server, 'connectionSync', connectionId='props', connProps={'connProps': 'connPropsImpl', 'readOnly': True, 'dirty': True})[1]
    same(first['connProps'], {'connProps': 'connPropsImpl', 'autoCommit': None, 'readOnly': True, 'transactionIsolation': None,
                              'catalog': None, 'schema': None, 'dirty': True})
    second = ask(server, 'connectionSync', connectionId='props', connProps={'connProps': 'connPropsImpl', 'schema': 'druid'})[1]
    same((second['connProps']['readOnly'], second['connProps']['schema'], second['connProps']['dirty']), (True, 'druid', False))
    same(ask(server, 'closeConnection', connectionId='props')[0], 200)
    same(ask(server, 'closeConnection', connectionId='props')[0], 200)


def parameters(server):
    opened(server, 'values')
    made = ask(server, 'prepare', connectionId='values', sql='SELECT ? + 1, UPPER(?), ? IS NULL')[1]['statement']
    same([p['typeName'] for p in made['signature']['parameters']][:2], ['INTEGER', 'VARCHAR'])
    answer = ask(server, 'execute', statementHandle={'connectionId': 'values', 'id': made['id']}, parameterValues=[
        {'type': 'LONG', 'value': 41}, {'type': 'STRING', 'value': 'ab'}, {'type': 'OBJECT', 'value': None}])[1]
    same(answer['results'][0]['firstFrame']['rows'], [[42, 'AB', True]])
    status, answer = ask(server, 'execute', statementHandle={'connectionId': 'values', 'id': made['id']},
                         parameterValues=[{'type': 'LONG', 'value': 'x'}])
    same(status, 500)
    made = ask(server, 'prepare', connectionId='values', sql='SELECT x FROM UNNEST(ARRAY[5,6,7]) AS t(x) ORDER BY x LIMIT ? OFFSET ?')[1]['statement']
    same([p['typeName'] for p in made['signature']['parameters']], ['BIGINT', 'BIGINT'])
    answer = ask(server, 'execute', statementHandle={'connectionId': 'values', 'id': made['id']},
                 parameterValues=[{'type': 'LONG', 'value': 1}, {'type': 'INTEGER', 'value': 1}])[1]
    same(answer['results'][0]['firstFrame']['rows'], [[6]])


def clocks(server):
    """Times of parameters are on the clock of sqlTimeZone, as those of rows are; one plan is not taken for the other."""
    opened(server, 'clocks')  # in Seoul
    sql, clock = "SELECT TIMESTAMP '2024-01-01' = ?, DATE '2024-01-01' = ?, ARRAY_CONTAINS(?, TIMESTAMP '2024-01-01')", 1704067200000
    made = ask(server, 'prepare', connectionId='clocks', sql=sql)[1]['statement']
    run = lambda *values: ask(server, 'execute', statementHandle={'connectionId': 'clocks', 'id': made['id']}, parameterValues=values)[1]['results'][0]['firstFrame']['rows']
    times = {'type': 'ARRAY', 'componentType': 'JAVA_SQL_TIMESTAMP', 'value': [None, clock]}
    same(run({'type': 'JAVA_SQL_TIMESTAMP', 'value': clock}, {'type': 'JAVA_SQL_DATE', 'value': 19723}, times), [[True, True, True]])
    same(run({'type': 'JAVA_SQL_TIMESTAMP', 'value': clock + 1}, {'type': 'JAVA_SQL_DATE', 'value': 19724}, dict(times, value=[])), [[False, False, False]])
    told = lambda value: server.sql('SELECT ?', {'sqlTimeZone': 'Asia/Seoul', 'useCache': False}, parameters=[{'type': 'TIMESTAMP', 'value': value}])[1][0][0]
    for _ in range(2):
        same([told(v) for v in (clock, '2024-01-01 00:00:00', clock)],
             ['2024-01-01T09:00:00.000+09:00', '2024-01-01T00:00:00.000+09:00', '2024-01-01T09:00:00.000+09:00'])


def catalogs(server):
    """There is one, and a name of another finds nothing."""
    opened(server, 'catalogs')
    for request, least in (('getSchemas', 2), ('getTables', 5), ('getColumns', 20)):
        found = lambda **c: len(ask(server, request, connectionId='catalogs', **c)[1]['firstFrame']['rows'])
        check(found() >= least, request)
        same([found(catalog=c) for c in (None, 'druid', 'd%', '')], [found(), found(), 0, 0])


def many_connections(server):
    """The one of 1000 that has no statement and was used longest ago makes room; one with a statement never does."""
    statement = opened(server, 'busy')
    for i in range(1001):
        same(ask(server, 'openConnection', connectionId='many %d' % i)[0], 200)
    same(ask(server, 'createStatement', connectionId='many 0')[1]['errorCode'], 1)
    same(ask(server, 'createStatement', connectionId='many 1000')[0], 200)
    same(ask(server, 'prepareAndExecute', connectionId='busy', statementId=statement, sql='SELECT 1')[0], 200)
    for i in range(1001):
        same(ask(server, 'closeConnection', connectionId='many %d' % i)[0], 200)


LIST = 'UNNEST(ARRAY[%s])' % ','.join(map(str, range(400)))
ENDLESS = 'SELECT COUNT(*) FROM %s AS a(x), %s AS b(x), %s AS c(x), %s AS d(x) WHERE a.x + b.x < c.x * d.x' % (LIST, LIST, LIST, LIST)


def client_leaves(server):
    """Nobody is left for the answer: the query ends, and the statement runs the next one."""
    statement = opened(server, 'leaves')
    with Raw(server.port) as raw:
        request = dict(request='prepareAndExecute', connectionId='leaves', statementId=statement, sql=ENDLESS)
        raw.send(post(json.dumps(request).encode(), path=PATH.encode()))
        time.sleep(0.5)
    wait_idle(server)
    same(ask(server, 'prepareAndExecute', connectionId='leaves', statementId=statement, sql='SELECT 1')[0], 200)


def closed_while_it_runs(server):
    """Closing a statement or its connection ends the query that another thread of the client waits for."""
    for request in ('closeStatement', 'closeConnection'):
        statement, answers = opened(server, request), []
        run = threading.Thread(target=lambda s=statement, r=request, a=answers: a.append(
            ask(server, 'prepareAndExecute', connectionId=r, statementId=s, sql=ENDLESS)))
        run.start()
        time.sleep(0.5)
        same(ask(server, request, connectionId=request, statementId=statement)[0], 200)
        run.join(3)  # the first frame comes after five seconds at the latest
        check(answers and answers[0][0] == 500 and 'ancel' in answers[0][1]['errorMessage'], answers)
        wait_idle(server)


def bad_bytes(server):
    for body in (b'', b'{', b'[]', b'{"request":"dance"}', b'{"request":"fetch","offset":-1}'):
        status, _, answer = server.request('POST', PATH, body, {'Content-Type': 'application/octet-stream'})
        same((status, json.loads(answer)['response']), (500, 'error'))
        status, _, answer = server.request('POST', '/druid/v2/sql/avatica-protobuf', body, {'Content-Type': 'application/octet-stream'})
        check(status == 500 and b'Responses$ErrorResponse' in answer, answer)
    same(server.request('GET', PATH)[0], 405)


def cases(server):
    for function in (unknown_connection, request_in_a_header, errors_leave_the_connection_usable, frames, lost_statements, most_rows,
                     infinities, properties, parameters, clocks, catalogs, many_connections,
                     client_leaves, closed_while_it_runs, bad_bytes):
        yield function.__name__.replace('_', ' '), lambda f=function: f(server)
