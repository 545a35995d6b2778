"""INSERT INTO EXTERN: files that appear all at once below --export-dir, and what is refused."""
import csv
import json
import os
import shutil
import tempfile
import time
from urllib.parse import unquote

from ovatetest import Server
from test_formats import check, same
from test_insert import refused, run


def export(path, query, form='INSERT'):
    return "%s INTO EXTERN(local(exportPath => '%s')) AS CSV %s" % (form, path, query)


def manifest(folder):
    with open(folder + '/_symlink_format_manifest/druid_export_meta', encoding='utf-8') as file:
        same(file.read(), 'version: 1\n')
    with open(folder + '/_symlink_format_manifest/manifest', encoding='utf-8') as file:
        return [unquote(line[len('file:'):]) for line in file.read().splitlines()]


def read(path):
    with open(path, encoding='utf-8', newline='') as file:
        return list(csv.reader(file))


def whole(server, root):
    folder = root + '/a b/one'
    sql = """SELECT t AS "time, local", k, n, ARRAY[n, NULL] AS a FROM (VALUES (TIMESTAMP '2024-01-01', 'x,"y"', 1.5), (NULL, '', NULL)) v(t, k, n)"""
    state = run(server, export(root + '/./a b//one/', sql))
    same(state['dataSource'], '__query_select')
    name = folder + '/' + state['id'] + '-worker0-partition0.csv'
    same(manifest(folder), [name])
    with open(name, encoding='utf-8') as file:
        same(file.read(), '"time, local",k,n,a\n2024-01-01T00:00:00.000Z,"x,""y""",1.5,"[1.5,null]"\n,,,"[null,null]"\n')
    same(sorted(os.listdir(folder)), ['_symlink_format_manifest', os.path.basename(name)])
    same(os.listdir(root + '/.unfinished'), [])
    report = server.get_json('/druid/indexer/v1/task/%s/reports' % state['id'])['multiStageQuery']['payload']
    same(report['counters']['0']['0']['output']['rows'], [2])
    spec = server.get_json('/druid/indexer/v1/task/' + state['id'])['payload']['spec']['destination']
    same(spec, {'type': 'export', 'exportStorageProvider': {'type': 'local', 'exportPath': root + '/./a b//one/'}, 'resultFormat': 'csv'})


def pages(server, root):
    query = 'SELECT x FROM UNNEST(ARRAY[%s]) AS u(x) ORDER BY x DESC LIMIT 24' % ','.join(map(str, range(25)))
    run(server, export(root + '/pages', query), {'rowsPerPage': 10})
    files = [read(name) for name in manifest(root + '/pages')]
    same([len(rows) - 1 for rows in files], [10, 10, 4])
    same([rows[0] for rows in files], [['x']] * 3)
    same([int(row[0]) for rows in files for row in rows[1:]], list(range(24, 0, -1)))
    run(server, export(root + '/none', 'SELECT s FROM exported WHERE 1 = 0'))
    same([read(name) for name in manifest(root + '/none')], [[['s']]])
    answer = json.loads(server.post('/druid/v2/sql/statements', {
        'query': export(root + '/statement', query), 'context': {'executionMode': 'ASYNC'}})[2])
    server.wait_task(answer['queryId'])
    result = server.get_json('/druid/v2/sql/statements/' + answer['queryId'])['result']
    same(result['numTotalRows'], 24)
    same(result['totalSizeInBytes'], sum(os.path.getsize(name) for name in manifest(root + '/statement')))


def refusals(server, root):
    refused(server, export(root, 'SELECT 1'), 'below that of the server\'s option --export-dir')
    refused(server, export(root + 'x/y', 'SELECT 1'), 'below')
    refused(server, export(root + '/../y', 'SELECT 1'), 'below')
    refused(server, export('y', 'SELECT 1'), 'absolute path')
    refused(server, export(root + '/.unfinished/y', 'SELECT 1'), 'below')
    os.makedirs(root + '/full/sub')
    refused(server, export(root + '/full', 'SELECT 1'), 'only allowed to an empty path')
    refused(server, export(root + '/r', 'SELECT 1', form='REPLACE'), 'REPLACE operations do not support EXTERN')
    refused(server, export(root + '/r', 'OVERWRITE ALL SELECT 1', form='REPLACE'), 'REPLACE operations do not support EXTERN')
    refused(server, export(root + '/r', 'SELECT 1 PARTITIONED BY ALL'), 'do not support a PARTITIONED BY')
    refused(server, export(root + '/r', 'SELECT 1').replace(' CSV', ' PARQUET'), 'AS CSV is')
    refused(server, export(root + '/r', 'SELECT 1').replace(' AS CSV', ''), 'format of the files')
    refused(server, export(root + '/r', 'SELECT 1').replace('exportPath', 'path'), 'exportPath')
    refused(server, 'INSERT INTO t AS CSV SELECT 1', 'EXTERN destination')
    refused(server, export(root + '/r', 'SELECT 1'), 'not supported by requested SQL engine', path='/druid/v2/sql')


def nothing_left(server, root):
    state = run(server, export(root + '/failed', 'SELECT x, 1 / (x - 2) FROM (VALUES 1, 2) v(x)'), expect='FAILED')
    check('/ by zero' in state['errorMsg'], state)
    endless = 'SELECT CONCAT(a.s, b.s) FROM exported a, %s' % ', '.join('exported %s' % chr(98 + i) for i in range(12))
    answer = json.loads(server.post('/druid/v2/sql/task', {'query': export(root + '/endless', endless)})[2])
    until = time.monotonic() + 30
    folder = root + '/.unfinished/' + answer['taskId']
    while time.monotonic() < until and not os.path.exists(folder):
        time.sleep(0.01)
    server.post('/druid/indexer/v1/task/%s/shutdown' % answer['taskId'], {})
    same(server.wait_task(answer['taskId'])['status'], 'FAILED')
    same((os.path.exists(root + '/failed'), os.path.exists(root + '/endless'), os.listdir(root + '/.unfinished')), (False, False, []))


def two_at_once(server, root):
    states = []
    ids = [json.loads(server.post('/druid/v2/sql/task', {'query': export(root + '/two', 'SELECT s FROM exported')})[2]).get('taskId', '')
           for _ in range(2)]
    for task in ids:
        answer = server.request('GET', '/druid/indexer/v1/task/%s/status' % task)
        states.append(server.wait_task(task)['status'] if answer[0] == 200 else 'FAILED')
    check('SUCCESS' in states, states)
    same(len(manifest(root + '/two')), 1)


def option(server, root):
    with Server() as other:
        refused(other, export('/x/y', 'SELECT 1'), '--export-dir')
    os.makedirs(root + '/.unfinished/query-lost')
    with Server(args=['--export-dir', root]):
        check(not os.path.exists(root + '/.unfinished'), 'what a crash left is still there')


def cases(server):
    root = tempfile.mkdtemp(prefix='ovate-export-') + '/root'
    with Server(args=['--export-dir', root]) as other:
        run(other, "INSERT INTO exported SELECT TIMESTAMP '2024-01-01' AS __time, 't' || x AS s "
                   'FROM UNNEST(ARRAY[%s]) AS u(x) PARTITIONED BY ALL' % ','.join(map(str, range(50))))
        yield 'export', lambda: whole(other, root)
        yield 'export: rowsPerPage', lambda: pages(other, root)
        yield 'export: refusals', lambda: refusals(other, root)
        yield 'export: nothing is left of what fails', lambda: nothing_left(other, root)
        yield 'export: two to one folder', lambda: two_at_once(other, root)
    yield 'export: the option', lambda: option(server, root)
    shutil.rmtree(os.path.dirname(root))
