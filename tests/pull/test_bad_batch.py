"""Bad input of batch tasks, which share the readers with pulls: refused with its place or counted, and the folder goes on working."""
import gzip
import json
import os
import signal
import subprocess
import time

from doubles import Answer, Double, GitHub
from ovatetest import binary
from pulltest import Folder, equal, want
from test_limits import QUICK
from test_paging import issues


def batch(source, **more):
    return dict({'type': 'index_parallel', 'spec': {
        'dataSchema': {'dataSource': 'b', 'timestampSpec': {'column': 't'}, 'dimensionsSpec': {'dimensions': ['k']},
                       'granularitySpec': {'segmentGranularity': 'day'}},
        'ioConfig': {'type': 'index_parallel', 'inputSource': source, 'inputFormat': {'type': 'json'}}}}, **more)


def case_documents():
    """What is no document, or two of them, is refused with its place before anything runs."""
    text = json.dumps(batch({'type': 'inline', 'data': '{"t":"2024-01-01"}'}))
    cases = [(b'', 'a value is expected'), (b'[' * 100000, 'nests deeper'), (text.replace('"k"', '"\udcff"').encode('utf-8', 'surrogateescape'), 'UTF-8'),
             (text.replace('{"dataSource"', '{"dataSource": "a", "dataSource"').encode(), 'dataSource: the key appears twice'),
             (b'{"type":"index_parallel","spec":{}} x', 'line 1'), (b'[]', 'expected an object')]
    with Folder() as folder:
        for body, words in cases:
            path = os.path.join(folder.work, 'spec.json')
            with open(path, 'wb') as file:
                file.write(body)
            status, _, err = folder.command('ingest', 'run', path)
            want(status != 0 and words in err, '%r: %s' % (words, err))


def case_members_nobody_knows():
    """Druid passes over them, so do we; but the report says which."""
    with Folder() as folder:
        spec = batch({'type': 'inline', 'data': '{"t":"2024-01-01","k":"a"}'}, colour=1)
        spec['spec']['dataSchema']['granularitySpec']['rolup'] = False
        spec['spec']['tuningConfig'] = {'type': 'index_parallel', 'maxRowsPerSegmnt': 5, 'maxNumConcurrentSubTasks': 2}
        equal(folder.run(spec)['ignoredMembers'], 'colour, spec.dataSchema.granularitySpec.rolup, spec.tuningConfig.maxRowsPerSegmnt', 'named')
        want('ignoredMembers' not in folder.run(batch({'type': 'inline', 'data': '{"t":"2024-01-01","k":"a"}'})), 'nothing to name')


def case_places():
    """Only regular files below the folder that is named, and only http and https."""
    with Folder() as folder:
        inside = os.path.join(folder.work, 'in')
        os.mkdir(inside)
        os.mkfifo(os.path.join(inside, 'pipe.json'))
        cases = [({'type': 'http', 'uris': ['file:///etc/passwd']}, 'http or https'), ({'type': 'http', 'uris': ['gopher://127.0.0.1/x']}, 'http or https'),
                 ({'type': 'local', 'baseDir': inside, 'filter': '../../etc/pass*'}, 'no file'),
                 ({'type': 'local', 'baseDir': inside, 'filter': '*'}, 'only regular files'), ({'type': 'local', 'files': ['/dev/zero']}, 'only regular files'),
                 ({'type': 'local', 'files': [inside]}, 'is a folder')]
        for source, words in cases:
            folder.fails(batch(source), words)


def case_redirects_of_batch_input():
    with Double() as outside, Double() as inside, Folder() as folder:
        outside.handle = lambda request: Answer(302, b'', {'Location': away[0]})
        for away, words in ((['file:///etc/passwd'], 'only http and https'), (['%s/x' % inside.url.replace('127.0.0.1', '127.0.0.2')], 'private or local address'),
                            ([inside.url + '/x'], 'private or local address'), (['/again'], 'too many redirects')):
            folder.fails(batch({'type': 'http', 'uris': [outside.url + '/f']}), words)
        equal(inside.count(), 0, 'nobody inside was asked')


def case_bombs_and_long_rows():
    with Folder() as folder:
        bomb, rows = os.path.join(folder.work, 'bomb.json.gz'), os.path.join(folder.work, 'rows.json.gz')
        with gzip.open(bomb, 'wb', 9) as file:
            for _ in range(512):
                file.write(b' ' * (1 << 20))
        with gzip.open(rows, 'wb', 1) as file:
            file.write(b'{"t":"2024-01-01","k":"a"}\n{"t":"2024-01-01","k":"' + b'x' * (100 << 20) + b'"}\n{"t":"2024-01-01","k":"c","k":"d"}\n'
                       b'{"t":"2024-01-01","k":"\xff"}\n')
        status, out, err = folder.ingest(batch({'type': 'local', 'files': [bomb]}))
        want('0 loaded, 1 rejected' in out and 'longer than 32 MiB' in err, (status, out, err))
        status, out, err = folder.ingest(batch({'type': 'local', 'files': [rows]}))
        equal((status, '3 loaded, 1 rejected' in out, 'rows.json.gz:2:1' in err), (0, True, True), out + err)
        equal([row['k'] for row in folder.sql('SELECT k FROM b ORDER BY k')], ['a', 'd', '\ufffd'], 'the last of equal names; text is repaired')


def case_an_endless_row_can_be_stopped():
    """The reader of a row that does not end hears that the task is to stop."""
    with Folder() as folder:
        path = os.path.join(folder.work, 'endless.json')
        with open(path, 'wb') as file:
            file.truncate(1 << 40)  # zeros that take no room
        process = subprocess.Popen([binary(), 'ingest', 'run', folder.spec(batch({'type': 'local', 'files': [path]})), '--data', folder.data],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        start = time.monotonic()
        want(process.wait(30) != 0 and time.monotonic() - start < 10, 'it stops soon')
        folder.ingest(batch({'type': 'inline', 'data': '{"t":"2024-01-01","k":"x"}'}))
        equal(folder.value('SELECT COUNT(*) FROM b'), 1, 'and the folder goes on')


def case_clocks_of_limits_jump():
    """A reset long ago or nonsense is a short wait; one in a far year is no wait at all but a failure that says so."""
    with GitHub() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        hub.add_issues('a/b', range(1, 4))
        for n, reset in enumerate((str(int(time.time()) - 400 * 86400), '-5', 'soon', '1' + '0' * 30)):
            hub.faults.clear()
            hub.once(Answer(403, {'message': 'API rate limit exceeded'}, {'X-RateLimit-Remaining': '0', 'X-RateLimit-Limit': '60', 'X-RateLimit-Reset': reset}))
            equal(folder.run(issues(hub, 'a/b', name='n%d' % n, limits=dict(QUICK, pool='p%d' % n, maxWait='PT5S')))['loaded'], 3, reset)
        far = {'X-RateLimit-Remaining': '0', 'X-RateLimit-Limit': '60', 'X-RateLimit-Reset': str(int(time.time()) + 400 * 86400)}
        hub.once(Answer(403, {'message': 'API rate limit exceeded'}, far), times=9)
        start = time.monotonic()
        folder.fails(issues(hub, 'a/b', name='far', limits=dict(QUICK, pool='far', maxWait='PT5S')), 'rate limit exceeded')
        want(time.monotonic() - start < 20, 'it does not sleep a year')


def case_thousands_of_columns():
    """They load; more than the task's memory has room for are refused with a sentence, and what they take stays near it."""
    def wide(columns, path):
        with open(path, 'w', encoding='utf-8') as file:
            file.write('t,' + ','.join('c%d' % i for i in range(columns)) + '\n')
            for row in range(10):
                file.write('2024-01-01T00:00:%02dZ,' % row + ','.join(str(i * row % 97) for i in range(columns)) + '\n')
        spec = batch({'type': 'local', 'files': [path]})
        spec['spec']['dataSchema']['dimensionsSpec'] = {'useSchemaDiscovery': True}
        spec['spec']['ioConfig']['inputFormat'] = {'type': 'csv', 'findColumnsFromHeader': True}
        return spec
    with Folder() as folder:
        equal(folder.run(wide(5000, os.path.join(folder.work, 'w.csv')))['loaded'], 10, 'rows')
        equal(folder.value('SELECT SUM(c4999) FROM b'), sum(4999 * row % 97 for row in range(10)), 'the last column')
        folder.fails(wide(60000, os.path.join(folder.work, 'x.csv')), 'memory')
        sparse = os.path.join(folder.work, 's.json')
        with open(sparse, 'w', encoding='utf-8') as file:
            file.writelines('{"t":"2024-01-01","c%d":1}\n' % n for n in range(20000))
        spec = batch({'type': 'local', 'files': [sparse]})
        spec['spec']['dataSchema']['dimensionsSpec'] = {'useSchemaDiscovery': True}
        folder.fails(spec, 'rows of 20001 columns in a piece of the input')
        equal(folder.value('SELECT COUNT(*) FROM b'), 10, 'nothing of them')
