"""Planted secrets are nowhere in what is written, logged or answered, however a source repeats what it was sent."""
import json
import os
import urllib.parse

from doubles import Answer, Double
from ovatetest import Server
from pulltest import Folder, equal, want
from test_bad_batch import batch
from test_limits import QUICK
from test_schedule import put, runs, wait_for

PLANTED = {'HEAD': 'ghp_PlantedHeader0123456789abcdef', 'QUERY': 'planted/query+key=77', 'PATH': 'planted-path-key-88',
           'AK': 'AKIAPLANTED99', 'SK': 'planted"s3\\secret/+66', 'SESSION': 'planted-session-55',
           'BASIC': 'planted-basic-44'}


def spellings(secret):
    quoted = json.dumps(secret)[1:-1]
    encoded = urllib.parse.quote(secret, safe='-_.~')
    return {secret, quoted, quoted.replace('/', '\\/'), encoded, encoded.lower()}


class Echo(Double):
    """Says back all it was sent: in rows, in links, in messages, long ones too, as HTML and as an address to go to."""

    def handle(self, request):
        sent = (request.header('Authorization') or '').split(' ')[-1] or request.query.get('key') or request.path.split('/')[1]
        if 'moved' in request.path:
            return Answer(302, b'', {'Location': 'http://127.0.0.2:1/' + urllib.parse.quote(sent, safe='')})
        if 'html' in request.path:
            return Answer(200, b'<html>you are ' + sent.encode(), {'Content-Type': 'text/html'})
        if 'refuse' in request.path:  # where the message is cut the secret is cut as well
            number = int(request.query.get('n', 0))
            return Answer(403, {'message': 'x' * (200 - number) + sent + ' may not; ' + sent})
        page = int(request.query.get('page', 1))
        rows = [{'id': page * 10 + i, 'said': 'key ' + sent + '!', 'created_at': '2024-01-01T00:00:00Z'} for i in range(3)]
        rows.append({'id': 'bad', 'said': sent, 'created_at': 'never ' + sent})
        head = {}
        if page < 3:
            target = request.target.split('?')[0] + '?' + urllib.parse.urlencode(dict(request.query, page=page + 1))
            head['Link'] = '<%s%s>; rel="next"' % (self.url, target)
        return Answer(200, rows, dict(head, ETag='"%d"' % page))


def source(url, path, **more):
    return dict({'name': 'echo', 'baseUrl': url, 'path': path, 'params': {'n': '0'}, 'query': {'n': '{n}'}, 'paging': {'kind': 'link'},
                 'answer': {'message': '$.message'}, 'limits': dict(QUICK, pool='echo-%s' % path, retries=0),
                 'dataSchema': {'timestampSpec': {'column': 'created_at', 'format': 'iso'}}}, **more)


def specs(url):
    """Each way in which a secret is sent; what comes back ends well, and badly."""
    ways = [('HEAD', '/%s', {'auth': {'header': 'Authorization', 'value': 'Bearer {token}'}}), ('QUERY', '/%s', {'auth': {'query': 'key'}}),
            ('PATH', '/{token}/%s', {})]
    for name, path, auth in ways:
        for what in ('rows', 'moved', 'html', 'refuse'):
            params = {'n': [str(n) for n in range(0, 200, 7)]} if what == 'refuse' else {}
            yield name, what, {'type': 'pull', 'source': source(url, path % what, **auth), 'dataSource': 'echo_' + name.lower(), 'params': params,
                               'name': name + what, 'auth': {'token': 'env:' + name}, 'archive': True}


def everything_served(server):
    """All that the server says of itself, its tasks and its tables."""
    yield server.log()
    paths = ['/status', '/status/health?full', '/status/properties', '/metrics', '/druid/indexer/v1/tasks', '/druid/indexer/v1/completeTasks',
             '/ovate/v1/schedules', '/ovate/v1/upkeep', '/druid/coordinator/v1/datasources?full', '/druid/indexer/v1/supervisor?full']
    for task in server.get_json('/druid/indexer/v1/tasks'):
        paths += ['/druid/indexer/v1/task/%s%s' % (task['id'], part) for part in ('', '/status', '/reports', '/log')]
    for path in paths:
        yield server.request('GET', path)[2].decode('utf-8', 'replace')
    tables = server.sql("SELECT TABLE_SCHEMA, TABLE_NAME FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA IN ('sys', 'druid')")[1]
    for schema, name in tables + [('sys', name) for name in ('lineage', 'rejects', 'completeness')]:
        yield json.dumps(server.sql('SELECT * FROM "%s"."%s"' % (schema, name)), ensure_ascii=False)


def check_nowhere(folder, server, secrets):
    texts = list(everything_served(server))
    server.stop()
    files = [os.path.join(root, name) for root, _, names in os.walk(folder.data) for name in names]
    want(any('/raw/' in name for name in files) and any('/tasks/' in name for name in files), files)
    bodies = [text.encode() for text in texts]
    for name in files:
        with open(name, 'rb') as file:
            bodies.append(file.read())
    for secret in secrets:
        for spelling in spellings(secret):
            for n, body in enumerate(bodies):
                at = body.find(spelling.encode())
                want(at < 0, '%r is in %s: %r' % (spelling, 'an answer' if n < len(texts) else files[n - len(texts)],
                                                  body[max(at - 150, 0):at + 100]))
            start = spelling[:12].encode()
            want(all(start not in body for body in bodies), 'the beginning of %r' % spelling)


def case_a_planted_secret_is_nowhere():
    with Echo() as echo, Double() as hooks, Folder(PLANTED) as folder:
        hooks.handle = lambda request: Answer(500, b'no')
        env = dict(folder.env, HOOK=hooks.url + '/hook/planted-hook-33', DEAD='http://127.0.0.1:1/planted-hook-22')
        with Server(folder.data, env=env, args=['--heartbeat', 'env:DEAD']) as server:
            put(server, {'name': 'fails', 'every': 'PT1S', 'task': {'type': 'pull', 'source': 'github.issues', 'baseUrl': echo.url, 'params': {'repo': 'refuse/it'},
                                                                     'auth': {'token': 'env:HEAD'}}, 'notify': {'url': 'env:HOOK', 'on': ['failure']}})
            for name, what, spec in specs(echo.url):
                before = echo.count()
                state = server.run_task(spec)
                equal(state['status'], 'SUCCESS' if what == 'rows' else 'FAILED', '%s %s: %s' % (name, what, state))
                for request in echo.seen[before:]:  # each page was asked with the secret itself; the schedule asks, too
                    said = (request.header('Authorization'), request.query.get('key'), request.path.split('/')[1])
                    want(request.path.startswith('/repos/') or any(PLANTED[name] in (word or '') for word in said), request.target)
                    want('***' not in request.target, request.target)
            for name in ('head', 'query', 'path'):
                equal(server.value('SELECT COUNT(*) FROM echo_%s' % name), 9, 'three pages')
                equal(server.value("SELECT DISTINCT said FROM echo_%s" % name), 'key ***!', 'what it says')
            wait_for(lambda: runs(server, 'fails', 'FAILED') and hooks.count())
            equal(server.post('/ovate/v1/schedules/fails/pause', {})[0], 200, 'pause')
            store = dict(type='pull', source='s3', dataSource='echo_s3',
                         auth={'accessKey': 'env:AK', 'secretKey': 'env:SK', 'sessionToken': 'env:SESSION', 'region': 'r'},
                         baseUrl=echo.url + '/html', dataSchema={'timestampSpec': {'column': 't', 'format': 'iso'}})
            equal(server.run_task(store)['status'], 'FAILED', 'no list')
            check_nowhere(folder, server, list(PLANTED.values()) + ['planted-hook-33', 'planted-hook-22'])


def case_a_replayed_archive_without_the_secret():
    """What stands in place of a secret leads from page to page as the secret did."""
    with Echo() as echo, Folder(PLANTED) as folder, Folder() as other:
        for name, what, spec in specs(echo.url):
            if what != 'rows':
                continue
            equal(folder.run(spec)['loaded'], 9, name)
            index = [os.path.join(root, file) for root, _, files in os.walk(os.path.join(folder.data, 'raw')) for file in files if file.endswith('.ndjson')]
            newest = max(index, key=os.path.getmtime)
            before = echo.count()
            equal(other.run(dict({k: v for k, v in spec.items() if k not in ('auth', 'archive')}, replay=newest))['loaded'], 9, name)
            equal(echo.count(), before, 'nothing is asked')


def case_secrets_of_batch_documents():
    """Druid's specs may hold a password; it is used, and not kept."""
    class Basic(Double):
        def handle(self, request):
            return Answer(200, b'{"t":"2024-01-01","k":"a"}\n') if request.header('Authorization') else Answer(401, b'who')
    with Basic() as api, Folder(PLANTED) as folder, Server(folder.data, env=folder.env) as server:
        source_of = lambda **more: dict({'type': 'http', 'uris': [api.url + '/f']}, **more)
        inline = [source_of(httpAuthenticationUsername='me', httpAuthenticationPassword=PLANTED['BASIC']),
                  source_of(httpAuthenticationUsername='me', httpAuthenticationPassword={'type': 'default', 'password': PLANTED['BASIC']}),
                  source_of(requestHeaders={'Authorization': 'Basic ' + PLANTED['BASIC'], 'Accept': 'x/y'})]
        for given in inline:
            state = server.run_task(batch(given))
            equal(state['status'], 'SUCCESS', state)
            kept = server.get_json('/druid/indexer/v1/task/' + state['id'])['payload']['spec']['ioConfig']['inputSource']
            want('***' in json.dumps(kept), kept)
            status, _, body = server.post('/druid/indexer/v1/task', dict(batch(kept)))
            want(status == 400 and b'not kept' in body, body)
            status, _, body = server.post('/druid/indexer/v1/task', batch(given, context={'restart': True}))
            want(status == 400 and b'environment' in body, body)
            status, _, body = server.post('/ovate/v1/schedules', {'name': 'b', 'every': 'PT1H', 'task': batch(given)})
            want(status == 400 and b'environment' in body, body)
        named = source_of(httpAuthenticationUsername='me', httpAuthenticationPassword={'type': 'environment', 'variable': 'BASIC'})
        equal(server.run_task(batch(named, context={'restart': True}))['status'], 'SUCCESS', 'a named one may be kept')
        status, _, body = server.post('/druid/indexer/v1/task', batch({'type': 'http', 'uris': ['http://me:%s@127.0.0.1/f' % PLANTED['BASIC']]}))
        want(status == 400 and PLANTED['BASIC'].encode() not in body, body)
        texts = list(everything_served(server))
        want(not any(PLANTED['BASIC'] in text for text in texts), 'nowhere in what is served')
