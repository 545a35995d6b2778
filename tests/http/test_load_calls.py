"""What loads data into a Druid, call for call: Airflow's hook, the script that posts a spec, the console's load-data steps.

The calls and what is read of each answer were recorded from the clients themselves (tests/clients runs those that are installed); here
they need no package. A client that reads only some members must find those, exactly; what it pastes into a log must be JSON.
"""
import json
import time

from test_formats import check, same
from test_tasks import ROWS, inline

HOOK = {'content-type': 'application/json'}
STATUS = ['id', 'groupId', 'type', 'createdTime', 'queueInsertionTime', 'statusCode', 'status', 'runnerStatusCode', 'duration', 'location', 'dataSource',
          'errorMsg']


def hook_submit(server, url, body):
    """POST of the text as it is given; any 2xx; the id stands under `task`, of a statement under `taskId`."""
    status, headers, answer = server.request('POST', url, body, HOOK)
    check(200 <= status < 300, (status, answer))
    same(headers['content-type'].split(';')[0], 'application/json')
    return json.loads(answer)


def hook_poll(server, url, wait=0.05, seconds=60):
    """The HTTP status is not looked at; anything but the three words is an exception in the hook."""
    seen, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        state = json.loads(server.request('GET', url)[2])
        same(list(state), ['task', 'status'])
        same(list(state['status']), STATUS)
        word = state['status']['status']
        check(word in ('RUNNING', 'SUCCESS', 'FAILED'), word)
        same(state['status']['statusCode'], word)
        seen.append(word)
        if word != 'RUNNING':
            return word, state['status'], seen
        time.sleep(wait)
    raise AssertionError('still running')


def hook_batch(server):
    task = hook_submit(server, '/druid/indexer/v1/task', json.dumps(inline('hook_batch', ROWS)))['task']
    check(set(task) <= set('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-'), 'the hook does not escape it: ' + task)
    word, status, _ = hook_poll(server, '/druid/indexer/v1/task/%s/status' % task)
    same((word, status['errorMsg'], status['runnerStatusCode']), ('SUCCESS', None, status['runnerStatusCode']))
    same(server.sql('SELECT COUNT(*), SUM(n) FROM hook_batch')[1], [[3, 6]])
    slashes = hook_submit(server, '/druid/indexer/v1/task/', json.dumps(inline('hook_batch', ROWS)))['task']
    same(hook_poll(server, '/druid/indexer/v1/task/%s/status/' % slashes)[0], 'SUCCESS')


def hook_statement(server):
    text = "REPLACE INTO hook_days OVERWRITE ALL SELECT TIME_FLOOR(__time, 'P1D') AS __time, k, COUNT(*) AS c FROM hook_batch GROUP BY 1, 2 PARTITIONED BY DAY"
    hook_batch(server)
    answer = hook_submit(server, '/druid/v2/sql/task', json.dumps({'query': text, 'context': {'maxNumTasks': 2}}))
    same(sorted(answer), ['state', 'taskId'])
    same(hook_poll(server, '/druid/indexer/v1/task/%s/status' % answer['taskId'])[0], 'SUCCESS')
    same(server.value('SELECT SUM(c) FROM hook_days'), 3)


def hook_gives_up(server):
    """Over time it posts to the URL it submitted to, for statements too, and reads nothing."""
    for url in ('/druid/indexer/v1/task', '/druid/v2/sql/task'):
        task = hook_submit(server, '/druid/indexer/v1/task', '{"type":"noop","runTime":60000}')['task']
        same(json.loads(server.request('GET', '/druid/indexer/v1/task/%s/status' % task)[2])['status']['status'], 'RUNNING')
        status, _, answer = server.request('POST', '%s/%s/shutdown' % (url, task))
        same((status, json.loads(answer)), (200, {'task': task}))
        same(hook_poll(server, '/druid/indexer/v1/task/%s/status' % task)[0], 'FAILED')


def hook_refused(server):
    broken = inline('hook_batch', ROWS)
    del broken['spec']['dataSchema']
    status, headers, answer = server.request('POST', '/druid/indexer/v1/task', json.dumps(broken), HOOK)
    same((status, headers['content-type'].split(';')[0], list(json.loads(answer))), (400, 'application/json', ['error']))
    poor = inline('hook_poor', ['no json'] * 5)
    poor['spec']['tuningConfig']['maxParseExceptions'] = 0
    word, status, _ = hook_poll(server, '/druid/indexer/v1/task/%s/status' % hook_submit(server, '/druid/indexer/v1/task', json.dumps(poor))['task'])
    check(word == 'FAILED' and status['errorMsg'], status)


def many_polls(server):
    """Hundreds of hooks ask every second: an answer is cheap."""
    task = hook_submit(server, '/druid/indexer/v1/task', '{"type":"noop","runTime":60000}')['task']
    began = time.monotonic()
    for _ in range(500):
        server.request('GET', '/druid/indexer/v1/task/%s/status' % task)
    check(time.monotonic() - began < 5, 'over 10 ms a poll')
    server.request('POST', '/druid/indexer/v1/task/%s/shutdown' % task)
    hook_poll(server, '/druid/indexer/v1/task/%s/status' % task)


def long_queue(server):
    """Lists of many waiting tasks are read in one go, and say of each whether it runs; the console's view too."""
    tasks = [hook_submit(server, '/druid/indexer/v1/task', '{"type":"noop","runTime":60000,"dataSource":"long_queue"}')['task'] for _ in range(400)]
    began = time.monotonic()
    waiting = [t for t in server.get_json('/druid/indexer/v1/pendingTasks') if t['dataSource'] == 'long_queue']
    check(time.monotonic() - began < 1, 'over a second for a list')
    check(len(waiting) >= 390 and {t['runnerStatusCode'] for t in waiting} == {'PENDING'}, len(waiting))
    seen = server.value("SELECT COUNT(*) FROM sys.tasks WHERE datasource = 'long_queue' AND status = 'RUNNING' AND runner_status = 'PENDING'")
    check(abs(seen - len(waiting)) <= 2, (seen, len(waiting)))
    server.request('POST', '/druid/indexer/v1/datasources/long_queue/shutdownAllTasks')
    same(hook_poll(server, '/druid/indexer/v1/task/%s/status' % tasks[0])[0], 'FAILED')
    same(hook_poll(server, '/druid/indexer/v1/task/%s/status' % tasks[-1])[0], 'FAILED')


def posting_script(server):
    """Post, wait by `statusCode`, then by the load status of the whole cluster."""
    task = hook_submit(server, '/druid/indexer/v1/task', json.dumps(inline('posted', ROWS)))['task']
    hook_poll(server, '/druid/indexer/v1/task/%s/status' % task)
    until = time.monotonic() + 20
    while server.get_json('/druid/coordinator/v1/loadstatus').get('posted', 0.0) < 100.0:
        check(time.monotonic() < until, 'not loaded')
        time.sleep(0.05)
    same(server.request('GET', '/druid/indexer/v1/task/%s/log' % task)[0], 200)


def console_batch(server):
    """Load data: sample with the text alone, with times, with columns; submit; follow the task, its report, the segments; query."""
    spec = inline('console_batch', ROWS)
    for step, form in (('connect', {'type': 'regex', 'pattern': '([\\s\\S]*)', 'columns': ['raw']}), ('parser', {'type': 'json'}),
                       ('timestamp', {'type': 'json'}), ('schema', {'type': 'json'})):
        asked = json.loads(json.dumps(dict(spec, samplerConfig={'numRows': 500, 'timeoutMs': 15000})))
        asked['spec']['ioConfig']['inputFormat'] = form
        if step in ('connect', 'parser'):
            asked['spec']['dataSchema'].update(timestampSpec={'column': '!!!_no_such_column_!!!', 'missingValue': '1970-01-01T00:00:00Z'}, dimensionsSpec={})
        status, _, answer = server.post('/druid/indexer/v1/sampler?for=' + step, asked)
        got = json.loads(answer)
        same((status, got['numRowsRead'], got['numRowsIndexed'], len(got['data'])), (200, 3, 3, 3))
        check({'logicalDimensions', 'physicalDimensions', 'logicalSegmentSchema'} <= set(got), list(got))
    task = hook_submit(server, '/druid/indexer/v1/task', json.dumps(spec))['task']
    same(hook_poll(server, '/druid/indexer/v1/task/%s/status' % task)[0], 'SUCCESS')
    payload = server.get_json('/druid/indexer/v1/task/%s/reports' % task)['ingestionStatsAndErrors']['payload']
    same((payload['ingestionState'], payload['rowStats']['buildSegments']['processed'], payload['errorMsg']), ('COMPLETED', 3, None))
    same(server.sql("SELECT \"segment_id\" IS NOT NULL, \"num_rows\", \"is_available\" FROM sys.segments WHERE datasource = 'console_batch' AND is_active = 1 "
                    'ORDER BY "start"')[1], [[True, 2, 1], [True, 1, 1]])
    same(server.sql("SELECT status, \"type\", datasource FROM sys.tasks WHERE task_id = '%s'" % task)[1], [['SUCCESS', 'index_parallel', 'console_batch']])


def console_statement(server):
    """Load data with SQL: a sampled EXTERN, then an asynchronous REPLACE that is followed by its statement and its report."""
    source = json.dumps({'type': 'inline', 'data': '\n'.join(ROWS)}).replace("'", "''")
    rows = "TABLE(EXTERN('%s', '{\"type\":\"json\"}')) EXTEND (\"t\" VARCHAR, \"k\" VARCHAR, \"n\" BIGINT)" % source
    same(server.sql('WITH "source" AS (SELECT * FROM %s) SELECT TIME_PARSE("t") AS "__time", "k", "n" FROM "source" LIMIT 2' % rows)[0], ['__time', 'k', 'n'])
    text = 'REPLACE INTO "console_sql" OVERWRITE ALL WITH "ext" AS (SELECT * FROM %s) SELECT TIME_PARSE("t") AS "__time", "k", "n" FROM "ext" PARTITIONED BY DAY' % rows
    status, _, answer = server.post('/druid/v2/sql/statements', {'query': text, 'context': {'executionMode': 'ASYNC', 'maxNumTasks': 2}})
    check(status == 200, answer)
    asked = json.loads(answer)['queryId']
    until = time.monotonic() + 30
    while server.get_json('/druid/v2/sql/statements/' + asked)['state'] not in ('SUCCESS', 'FAILED'):
        check(time.monotonic() < until, 'still under way')
        time.sleep(0.05)
    same(server.get_json('/druid/v2/sql/statements/' + asked)['state'], 'SUCCESS')
    report = server.get_json('/druid/indexer/v1/task/%s/reports' % asked)
    same(report['multiStageQuery']['payload']['status']['status'], 'SUCCESS')
    same(server.value('SELECT SUM(n) FROM console_sql'), 6)


def cases(server):
    for function in (hook_batch, hook_statement, hook_gives_up, hook_refused, many_polls, long_queue, posting_script, console_batch, console_statement):
        yield function.__name__.replace('_', ' '), lambda f=function: f(server)
