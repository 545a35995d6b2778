"""Avatica's JSON form without a driver: what clients act on when things go wrong, and how frames follow each other."""
import json

from test_formats import check, same

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


def bad_bytes(server):
    for body in (b'', b'{', b'[]', b'{"request":"dance"}', b'{"request":"fetch","offset":-1}'):
        status, _, answer = server.request('POST', PATH, body, {'Content-Type': 'application/octet-stream'})
        same((status, json.loads(answer)['response']), (500, 'error'))
        status, _, answer = server.request('POST', '/druid/v2/sql/avatica-protobuf', body, {'Content-Type': 'application/octet-stream'})
        check(status == 500 and b'Responses$ErrorResponse' in answer, answer)
    same(server.request('GET', PATH)[0], 405)


def cases(server):
    for function in (unknown_connection, request_in_a_header, errors_leave_the_connection_usable, frames, properties, parameters, bad_bytes):
        yield function.__name__.replace('_', ' '), lambda f=function: f(server)
