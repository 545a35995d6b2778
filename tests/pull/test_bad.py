"""Bad input: refused with its place, or counted with a reason; nothing else is touched."""
import gzip
import json
import os

from doubles import Answer, Archive, Double, GitHub
from pulltest import Folder, equal, want
from test_limits import QUICK
from test_paging import issues
from test_sources import archive_spec


def case_specs_are_refused():
    good = {'type': 'pull', 'source': 'github.issues', 'params': {'repo': 'a/b'}}
    inline = {'baseUrl': 'http://127.0.0.1:1', 'path': '/x'}
    cases = [
        (dict(good, sorce=1), "unknown key 'sorce'"),
        (dict(good, source='github.isues'), 'there is no source'),
        (dict(good, params={'rep': 'a/b'}), 'params.rep'),
        (dict(good, params={}), "needs a value for 'repo'"),
        (dict(good, params={'repo': []}), 'empty'),
        (dict(good, auth={'token': 'ghp_0123456789abcdef'}), 'env:NAME'),
        (dict(good, auth={'tokens': ['file:relative']}), 'file:/PATH'),
        (dict(good, baseUrl='file:///etc/passwd'), 'only http:// and https://'),
        (dict(good, baseUrl='ftp://host/x'), 'only http:// and https://'),
        (dict(good, baseUrl='http://user:pass@host/'), 'not allowed there'),
        (dict(good, baseUrl='http:///x'), 'no host'),
        (dict(good, limits={'slots': 0}), 'slots'),
        (dict(good, limits={'rate': '5 a minute'}), '30/PT1M'),
        (dict(good, limits={'timeout': 'P1M'}), 'no fixed length'),
        (dict(good, onGap='ignore'), 'onGap'),
        (dict(good, dataSource='a/b'), 'a/b'),
        (dict(good, interval='2024-01-02/2024-01-01'), 'interval'),
        ({'type': 'pull', 'source': 'gharchive'}, 'interval is missing'),
        ({'type': 'pull', 'source': dict(inline, kind='files'), 'dataSource': 'x'}, 'dataSchema.timestampSpec is missing'),
        ({'type': 'pull', 'source': dict(inline, path='/{nothing}'), 'dataSource': 'x'}, 'nothing gives a value to {nothing}'),
        ({'type': 'pull', 'source': dict(inline, path='/{open'), 'dataSource': 'x'}, "has no '}'"),
        ({'type': 'pull', 'source': dict(inline, headers={'Authorization': 'Bearer x'}), 'dataSource': 'x'}, 'secrets do not stand'),
        ({'type': 'pull', 'source': dict(inline, paging={'kind': 'cursor', 'param': 'c'}), 'dataSource': 'x'}, "'next' is missing"),
        ({'type': 'pull', 'source': dict(inline, rows={'path': '$..x'}), 'dataSource': 'x'}, 'rows.path'),
        ({'type': 'pull', 'source': dict(inline, colour=1), 'dataSource': 'x'}, "unknown key 'colour'"),
        ({'type': 'pull', 'source': inline}, 'dataSource is missing'),
        ({'type': 'pull', 'source': inline, 'dataSource': 'x', 'dataSchema': {'granularitySpec': {'segmentGranularity': 'fortnight'}}}, 'fortnight'),
    ]
    with Folder() as folder:
        for spec, words in cases:
            folder.fails(spec, words)
        want(not os.path.exists(os.path.join(folder.data, 'segments')) or not os.listdir(os.path.join(folder.data, 'segments')), 'nothing is left')


def case_secrets():
    with GitHub() as hub, Folder({'GOOD': 'secret-token-1', 'EMPTY': '', 'LINES': 'a\nb'}) as folder:
        hub.add_issues('a/b', range(1, 4))
        path = os.path.join(folder.work, 'token')
        with open(path, 'w', encoding='utf-8') as file:
            file.write('file-token-99\n')
        os.chmod(path, 0o644)
        folder.fails(issues(hub, 'a/b', auth={'token': 'file:' + path}), 'chmod 600')
        os.chmod(path, 0o600)
        folder.run(issues(hub, 'a/b', auth={'token': 'file:' + path}))
        equal(hub.seen[-1].header('Authorization'), 'Bearer file-token-99', 'from the file')
        os.symlink(path, path + '2')
        folder.fails(issues(hub, 'a/b', auth={'token': 'file:' + path + '2'}), 'token2')
        folder.fails(issues(hub, 'a/b', auth={'token': 'env:NOT_THERE'}), 'NOT_THERE')
        folder.fails(issues(hub, 'a/b', auth={'token': 'env:EMPTY'}), 'empty')
        folder.fails(issues(hub, 'a/b', auth={'token': 'env:LINES'}), 'control characters')
        hub.once(Answer(403, {'message': 'your token secret-token-1 is bad'}))
        err = folder.fails(issues(hub, 'a/b', auth={'token': 'env:GOOD'}, name='leak'), '***')
        text = err + folder.task_log() + json.dumps(folder.report()) + json.dumps(folder.sql('SELECT * FROM sys.tasks')) + \
            json.dumps(folder.sql('SELECT * FROM sys.completeness'))
        want('secret-token-1' not in text and 'file-token-99' not in text, 'no secret in any text')


def case_traversal():
    with GitHub() as hub, Folder({'TOK': 'x-token'}) as folder:
        for repo in ('../../admin', 'a/../../b', '..', 'a/b\x07'):
            folder.fails(issues(hub, repo), 'cannot be part of an address')
        equal(hub.count(), 0, 'nothing is asked')
        folder.fails(issues(hub, 'a/b?x=1#y'), '404')
        equal(hub.seen[0].raw_path, '/repos/a/b%3Fx%3D1%23y/issues', 'encoded')


def case_redirects():
    with GitHub() as hub, Double() as inside, Folder({'TOK': 'secret-token-1'}) as folder:
        hub.add_issues('new/name', range(1, 4))
        hub.add_issues('old/name', range(1, 2))
        moved = Answer(301, b'', {'Location': hub.url + '/repositories/0/issues?per_page=100'})
        hub.once(moved, when=lambda r: r.path == '/repos/old/name/issues', times=9)
        equal(folder.run(issues(hub, 'old/name'))['loaded'], 3, 'a renamed repository')
        away = Answer(302, b'', {'Location': inside.url.replace('127.0.0.1', '127.0.0.2') + '/secret'})
        hub.once(away, when=lambda r: 'evil' in r.path, times=9)
        folder.fails(issues(hub, 'evil/one', limits=dict(QUICK, pool='r1', retries=0)), 'private or local address')
        hub.once(Answer(302, b'', {'Location': 'file:///etc/passwd'}), when=lambda r: 'file' in r.path, times=9)
        folder.fails(issues(hub, 'file/one', limits=dict(QUICK, pool='r2', retries=0)), 'only http and https')
        loop = Answer(302, b'', {'Location': hub.url + '/repos/loop/one/issues'})
        hub.once(loop, when=lambda r: 'loop' in r.path, times=99)
        folder.fails(issues(hub, 'loop/one', limits=dict(QUICK, pool='r3', retries=0)), 'redirects')
        equal(inside.count(), 0, 'nobody inside was asked')


def case_header_of_its_own():
    """A token that is no Authorization would go along to other hosts."""
    with Double() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        hub.once(Answer(302, b'', {'Location': hub.url.replace('127.0.0.1', 'localhost') + '/taken'}), times=9)
        own = {'name': 'own', 'baseUrl': hub.url, 'path': '/rows', 'auth': {'header': 'X-Api-Key', 'value': '{token}'},
               'limits': dict(QUICK, pool='own', retries=0), 'dataSchema': {'timestampSpec': {'column': 't', 'format': 'iso'}}}
        folder.fails({'type': 'pull', 'source': own, 'dataSource': 'own', 'name': 'own', 'auth': {'token': 'env:TOK'}}, 'another host')
        equal([r.path for r in hub.seen], ['/rows'], 'the token does not leave')


def case_next_page_elsewhere():
    with GitHub() as hub, Double() as other, Folder({'TOK': 'secret-token-1'}) as folder:
        hub.once(Answer(200, [], {'Link': '<%s/steal>; rel="next"' % other.url}))
        folder.fails(issues(hub, 'a/b'), 'next page')
        equal(other.count(), 0, 'the token does not leave')


def case_bodies():
    bodies = [
        (b'<html>', 'no JSON'), (b'', 'no JSON'), (b'{"a":1', 'no JSON'), (b'[1,2]x', 'no JSON'), (b'{"rows":5}', 'an array was expected'),
        (b'null', 'an array was expected'), (b'[' * 5000, 'no JSON'), (b'\x00\x01', 'no JSON'),
    ]
    with GitHub() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        for n, (body, words) in enumerate(bodies):
            hub.faults.clear()
            hub.once(Answer(200, body))
            folder.fails(issues(hub, 'a/b', name='b%d' % n), words)


def case_invalid_text_and_doubled_keys():
    with GitHub() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        row = b'{"id":1,"id":2,"number":1,"title":"\xff\xfe broken \\ud800","created_at":"2024-01-01T00:00:00Z","updated_at":"2024-01-01T00:00:00Z"}'
        hub.once(Answer(200, b'[' + row + b']'))
        got = folder.run(issues(hub, 'a/b'))
        equal((got['loaded'], got['repairedTexts'] > 0), (1, True), 'repaired and counted')
        equal(folder.sql('SELECT issue_id FROM gh_issue'), [{'issue_id': 2}], 'the last of equal names')


def case_large_answers():
    with GitHub() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        bomb = Answer(200, b' ' * (200 << 20) + b'[]', encode=True)
        hub.once(bomb)
        folder.fails(issues(hub, 'a/b', name='bomb'), 'limit of 67108864 bytes')
        equal(hub.count(), 1, 'asked once')
        folder.fails(issues(hub, 'a/b', name='small', limits={'pool': 'small', 'maxBytes': 1}), 'limit of 1 bytes')


def case_large_files():
    with Archive() as api, Folder() as folder:
        line = b'{"id":"7","type":"PushEvent","created_at":"2015-01-01T00:00:00Z","pad":"' + b'x' * (100 << 20) + b'"}\n'
        api.files['2015-01-01-0.json.gz'] = gzip.compress(b'{"id":"1","created_at":"2015-01-01T00:00:00Z"}\n' + line +
                                                          b'{"id":"2","created_at":"2015-01-01T00:00:01Z"}\n', 1)
        api.files['2015-01-01-1.json.gz'] = gzip.compress(b'\n' * (300 << 20), 1)
        got = folder.run(archive_spec(api, '2015-01-01T00/PT1H'))
        equal((got['loaded'], got['rejected']), (2, 1), 'a line of 100 MB is rejected, its neighbours are not')
        folder.fails(archive_spec(api, '2015-01-01T01/PT1H', limits=dict(QUICK, pool='zip', maxBytes=100 << 20)), 'when decompressed')


def case_duplicate_ids():
    with GitHub() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        hub.add_issues('a/b', range(1, 4))
        folder.run(issues(hub, 'a/b', id='mine'))
        folder.fails(issues(hub, 'a/b', id='mine'), "already a task with the id 'mine'")


def case_damaged_state():
    with GitHub() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        import sqlite3
        hub.add_issues('a/b', range(1, 4))
        folder.run(issues(hub, 'a/b'))
        link = sqlite3.connect(os.path.join(folder.data, 'catalog.db'))
        link.execute("UPDATE cursors SET value = x'7b7d' WHERE key LIKE 'pull:%'")
        link.commit()
        link.close()
        folder.fails(issues(hub, 'a/b'), 'damaged')
