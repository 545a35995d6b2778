"""Files that are listed: buckets, folders, pages of links; what was read is not read again."""
import gzip
import json
import os

from doubles import S3, Answer, Double
from pulltest import Folder, equal, want
from test_limits import QUICK

SCHEMA = {'timestampSpec': {'column': 't', 'format': 'iso'}, 'dimensionsSpec': {'dimensions': ['k', {'type': 'long', 'name': 'v'}]},
          'granularitySpec': {'segmentGranularity': 'day'}}


def lines(n, key='k', day='2024-01-01'):
    return ''.join(json.dumps({'t': day + 'T00:00:00Z', 'k': key, 'v': i}) + '\n' for i in range(n)).encode()


def bucket(store, **more):
    return dict({'type': 'pull', 'source': 's3', 'baseUrl': store.url + '/bucket', 'dataSource': 'objects', 'dataSchema': SCHEMA,
                 'params': {'prefix': 'in/', 'glob': '**/*.json*'}, 'limits': dict(QUICK, pool='s3'),
                 'auth': {'accessKey': 'env:AK', 'secretKey': 'env:SK', 'region': 'eu-test-1'}}, **more)


KEYS = {'AK': 'AKIATEST', 'SK': 's3/secret+key'}


def case_bucket():
    with S3() as store, Folder(KEYS) as folder:
        for name in ('in/a.json', 'in/b b+c=d.json', 'in/d\u00e9 &<x>.json.gz', 'in/deep/er/e.json', 'in/skip.txt', 'out/f.json', 'in/deep/'):
            store.objects[name] = gzip.compress(lines(10, name)) if name.endswith('gz') else lines(10, name)
        got = folder.run(bucket(store))
        equal((got['loaded'], got['series']), (40, 4), 'four objects; %s' % [r.target for r in store.seen])
        equal(folder.value('SELECT COUNT(DISTINCT k) FROM objects'), 4, 'keys')
        before = store.count()
        again = folder.run(bucket(store))
        equal((again['loaded'], store.count() - before), (0, 3), 'only the listing: three pages of it')
        store.objects['in/new.json'] = lines(5, 'new')
        equal(folder.run(bucket(store))['loaded'], 5, 'the new one')
        store.objects['in/a.json'] = lines(11, 'changed')
        folder.fails(bucket(store), 'has changed', 'onChange')
        equal(folder.run(bucket(store, onChange='ignore'))['loaded'], 0, 'ignored')
        equal(folder.run(bucket(store, onChange='append'))['loaded'], 11, 'read again')


def case_bucket_with_a_session():
    """The token of a session is sent, and signed with the rest."""
    with S3() as store, Folder(dict(KEYS, SESSION='session/token+1=')) as folder:
        store.objects['in/a.json'] = lines(3)
        spec = bucket(store)
        spec['auth'] = dict(spec['auth'], sessionToken='env:SESSION')
        equal(folder.run(spec)['loaded'], 3, 'rows')
        for request in store.seen:
            equal(request.header('x-amz-security-token'), 'session/token+1=', 'sent')
            want('x-amz-security-token' in request.header('Authorization'), 'signed')


def case_bucket_refusals():
    with S3() as store, Folder(dict(KEYS, BAD='wrong')) as folder:
        store.objects['in/a.json'] = lines(3)
        spec = bucket(store)
        spec['auth'] = dict(spec['auth'], secretKey='env:BAD')
        folder.fails(spec, 'listing', '403')
        store.once(Answer(503, b'<Error><Code>SlowDown</Code></Error>'), times=2)
        equal(folder.run(bucket(store))['loaded'], 3, 'SlowDown is waited for')
        store.once(Answer(200, b'<?xml version="1.0"?><ListBucketResult><Contents>'))
        folder.fails(bucket(store), 'no (whole) list')


def case_bucket_by_date():
    with S3() as store, Folder(KEYS) as folder:
        for day in (1, 2, 3):
            store.objects['raw/2024/01/%02d/part.json' % day] = lines(day, 'd', '2024-01-%02d' % day)
        spec = bucket(store, source='s3.daily', params={'prefix': 'raw/'}, interval='2024-01-02/2024-01-04')
        equal(folder.run(spec)['loaded'], 5, 'two of three days')


def case_folder():
    with Folder() as folder:
        root = os.path.join(folder.work, 'in')
        for name, n in (('2024/01/01/a.json', 4), ('2024/01/02/b.json.gz', 6), ('2024/01/02/c.txt', 9)):
            os.makedirs(os.path.dirname(os.path.join(root, name)), exist_ok=True)
            with open(os.path.join(root, name), 'wb') as file:
                file.write(gzip.compress(lines(n)) if name.endswith('gz') else lines(n))
        spec = {'type': 'pull', 'source': 'folder', 'baseUrl': root, 'dataSource': 'objects', 'dataSchema': SCHEMA, 'params': {'glob': '**/*.json*'}}
        equal(folder.run(spec)['loaded'], 10, 'two files')
        equal(folder.sql('SELECT DISTINCT url, "rows" FROM sys.lineage ORDER BY 2'), [{'url': os.path.join(root, name), 'rows': n} for name, n in (
            ('2024/01/01/a.json', 4), ('2024/01/02/b.json.gz', 6))], 'where the rows came from')
        equal(folder.run(spec)['loaded'], 0, 'read once')
        cut = os.path.join(root, '2024/01/03.json.gz')
        with open(cut, 'wb') as file:
            file.write(gzip.compress(lines(500))[:100])
        folder.fails(spec, '1 of 3 series', '03.json.gz')
        equal(folder.run(dict(spec, onGap='record'))['gaps'], 1, 'a file that was cut is a gap')
        os.unlink(cut)
        want(os.path.exists(os.path.join(root, '2024/01/01/a.json')), 'files of others stay')
        daily = dict(spec, source='folder.daily', interval='2024-01-02/2024-01-03', name='daily')
        equal(folder.run(daily)['loaded'], 6, 'a day')
        folder.fails(dict(spec, params={'prefix': '../'}, name='climb'), "'..'")
        folder.fails(dict(spec, baseUrl='file:///etc'), 'no folder')


def case_page_of_links():
    class Index(Double):
        def handle(self, request):
            if request.path == '/d/':
                return Answer(200, b'<a href="../">up</a><a href="a.json">a</a><a href="b.json">b</a><a href="http://evil/x.json">x</a>'
                              b'<a href="sub/">s</a><a href="../../etc/passwd">p</a>', {'Content-Type': 'text/html'})
            return Answer(200, lines(3, request.path))
    with Index() as api, Folder() as folder:
        spec = {'type': 'pull', 'source': 'http.index', 'baseUrl': api.url + '/d', 'dataSource': 'objects', 'dataSchema': SCHEMA}
        equal(folder.run(spec)['loaded'], 6, 'two files')
        equal(folder.run(spec)['loaded'], 0, 'read once')
