"""Descriptions that come with the program, against servers that behave like their APIs and, where there is real data, fed with it."""
import gzip
import json
import os
import re

from doubles import Answer, Archive, Double, GitHub, Seoul, StackExchange
from pulltest import HERE, Folder, equal, shared, want
from test_limits import QUICK


def case_all_descriptions_parse():
    with Folder() as folder:
        status, out, err = folder.command('ingest', 'sources')
        equal(status, 0, err)
        names = {s['name'] for s in json.loads(out)}
        want({'github.issues', 'gharchive', 'stackexchange.questions', 'steam.players', 'seoul.bikes', 's3'} <= names, names)


def case_stack_exchange():
    with StackExchange(250) as api, Folder({'K': 'se-key-123'}) as folder:
        api.backoff_on.add(1)
        throttled = Answer(400, {'error_id': 502, 'error_name': 'throttle_violation', 'error_message': 'too many requests'}, encode=True)
        api.once(throttled, when=lambda r: r.query.get('page') == '2')
        spec = {'type': 'pull', 'source': 'stackexchange.questions', 'baseUrl': api.url + '/2.3', 'params': {'tagged': 'druid'},
                'auth': {'token': 'env:K'}, 'limits': dict(QUICK, pool='se')}
        got = folder.run(spec)
        equal((got['loaded'], got['requests']), (250, 4), 'three pages, one throttled')
        equal(api.seen[0].query['key'], 'se-key-123', 'the key')
        equal(folder.sql('SELECT COUNT(*) n, SUM(is_answered) a, MAX(views) v, MIN(term) t FROM so_question'),
              [{'n': 250, 'a': 125, 'v': 250, 't': 'druid'}], 'rows')
        again = folder.run(spec)
        equal((again['loaded'], again['requests'], again['repeatedRows']), (0, 1, 1), 'from the last activity on')
        want('min=1700000250' in api.seen[-1].target, api.seen[-1].target)
        text = json.dumps(folder.sql('SELECT * FROM sys.lineage')) + folder.task_log()
        want('se-key-123' not in text, 'the key stays out of lineage and log')


def case_steam():
    class Steam(Double):
        def handle(self, request):
            if request.query.get('appid') == '999':
                return Answer(200, {'response': {'result': 42}})
            if 'Recently' in request.path:
                if request.query.get('key') != 'steam-key-1':
                    return Answer(403, b'<html>Forbidden</html>', {'Content-Type': 'text/html'})
                games = [] if request.query['steamid'] == '2' else [{'appid': 730, 'name': 'CS', 'playtime_2weeks': 5, 'playtime_forever': 50}]
                return Answer(200, {'response': {'games': games} if games else {}})
            return Answer(200, {'response': {'player_count': 1234, 'result': 1}})
    with Steam() as api, Folder({'K': 'steam-key-1', 'BAD': 'other-key'}) as folder:
        players = {'type': 'pull', 'source': 'steam.players', 'baseUrl': api.url, 'params': {'appid': ['730', '570'], 'game': 'x'}}
        equal(folder.run(players)['loaded'], 2, 'players')
        equal(folder.sql('SELECT SUM(player_count) n FROM steam_players'), [{'n': 2468}], 'sum')
        folder.fails(dict(players, params={'appid': '999'}), 'the source says 42')
        recent = {'type': 'pull', 'source': 'steam.recent', 'baseUrl': api.url, 'params': {'steamid': ['76561197960499900', '2']},
                  'auth': {'token': 'env:K'}}
        equal(folder.run(recent)['loaded'], 1, 'a private profile has no rows')
        equal(len(folder.value('SELECT user_hash FROM steam_recent_play')), 16, 'the id is hashed')
        folder.fails(dict(recent, auth={'token': 'env:BAD'}, name='other'), '403')


def case_steam_news():
    item = lambda n: {'gid': str(n), 'appid': 730, 'title': 't%d' % n, 'url': 'u', 'author': 'a', 'feedname': 'f', 'feedlabel': 'l', 'feed_type': 1,
                      'is_external_url': n % 2 == 0, 'date': 1700000000 + n, 'contents': 'c'}
    with Double() as api, Folder() as folder:
        news = [item(n) for n in range(9, 0, -1)]
        api.handle = lambda request: Answer(200, {'appnews': {'appid': int(request.query['appid']), 'newsitems': news, 'count': len(news)}})
        spec = {'type': 'pull', 'source': 'steam.news', 'baseUrl': api.url, 'params': {'appid': '730'}}
        equal(folder.run(spec)['loaded'], 9, 'news')
        news.insert(0, item(10))
        equal(folder.run(spec)['loaded'], 1, 'the new one')
        equal(folder.sql('SELECT COUNT(*) n, SUM(is_external) e, MAX(__time) t FROM steam_news'), [{'n': 10, 'e': 5, 't': '2023-11-14T22:13:30.000Z'}], 'rows')


def case_stack_exchange_counts():
    with Double() as api, Folder() as folder:
        api.handle = lambda request: Answer(200, {'total': {'druid': 3, 'c': 5}[request.query['tagged']]}, encode=True)
        spec = {'type': 'pull', 'source': 'stackexchange.count', 'baseUrl': api.url + '/2.3', 'params': {'tagged': ['druid', 'c']}}
        equal(folder.run(spec)['loaded'], 2, 'two numbers')
        equal({r.query['filter'] for r in api.seen}, {'total'}, 'no more than the number')
        folder.run(spec)
        equal(folder.sql('SELECT term, COUNT(*) n, MAX(total) t FROM so_count_daily GROUP BY term ORDER BY term'),
              [{'term': 'c', 'n': 2, 't': 5}, {'term': 'druid', 'n': 2, 't': 3}], 'a history')


def case_seoul_bikes():
    real = shared('data/seoul/realtimeList-snapshot.json.gz')
    stations = json.loads(gzip.open(real).read())['realtimeList'] if real else []
    while len(stations) < 2100:
        n = len(stations)
        stations.append({'stationId': 'ST-%d' % n, 'stationName': '%d. 이름 %d' % (n, n), 'rackTotCnt': '10', 'parkingBikeTotCnt': str(n % 11),
                         'shared': '50', 'stationLatitude': '37.5', 'stationLongitude': '127.1'})
    with Seoul(stations) as api, Folder({'K': 'seoul-key'}) as folder:
        spec = {'type': 'pull', 'source': 'seoul.bikes', 'baseUrl': api.url, 'auth': {'token': 'env:K'}}
        got = folder.run(spec)
        equal((got['loaded'], got['requests']), (2100, 3), 'three calls')
        equal(folder.sql('SELECT COUNT(DISTINCT __time) t, COUNT(DISTINCT station_id) s FROM seoulbike_status'),
              [{'t': 1, 's': len({s['stationId'] for s in stations})}],
              'one sweep has one instant')
        equal(folder.sql("SELECT station_no, station_name, bikes, is_empty, is_full, lat FROM seoulbike_status WHERE station_id = 'ST-2090'"),
              [{'station_no': 2090, 'station_name': '이름 2090', 'bikes': 0, 'is_empty': 1, 'is_full': 0, 'lat': 37.5}], 'a row')
        want('seoul-key' not in json.dumps(folder.sql('SELECT * FROM sys.lineage')) + folder.task_log(), 'the key in the path is hidden')
        folder.fails(dict(spec, name='bad', auth={'token': 'env:HOME'}), 'INFO-100', 'bad key')


def case_seoul_stations_recorded():
    pages = [shared('data/seoul/tbCycleStationInfo_%s.json.gz' % part) for part in ('1_1000', '1001_2000', '2001_3000', '3001_3156')]
    if not all(pages):
        print('skipped: no recorded pages of tbCycleStationInfo')
        return

    class Recorded(Double):
        def handle(self, request):
            first = int(request.path.split('/')[4])
            return Answer(200, gzip.open(pages[first // 1000]).read(), {'Content-Type': 'application/json'})
    with Recorded() as api, Folder({'K': 'seoul-key'}) as folder:
        got = folder.run({'type': 'pull', 'source': 'seoul.stations', 'baseUrl': api.url, 'auth': {'token': 'env:K'}})
        equal((got['read'], got['rejected'], got['requests']), (3156, 0, 4), 'recorded pages')
        equal(folder.value('SELECT COUNT(DISTINCT RENT_ID) FROM seoulbike_station'), 3156, 'stations')


def case_github_recorded():
    """Recorded answers of the real API through the descriptions: every list of these kinds loads without a reject."""
    real = shared('data/github-rest/replay.ndjson.gz')
    if not real:
        print('skipped: no recorded exchanges of GitHub')
        return
    kinds = {'issues': 'github.issues', 'pulls': 'github.pulls', 'commits': 'github.commits', 'releases': 'github.releases',
             'forks': 'github.forks', 'languages': 'github.languages', 'contributors': 'github.contributor_stats'}
    found = {}
    for line in gzip.open(real, 'rt', encoding='utf-8'):
        x = json.loads(line)
        parts = x['path'].strip('/').split('/')
        plain = len(parts) == 4 and parts[0] == 'repos' and parts[3] in kinds and parts[3] != 'contributors'
        stats = len(parts) == 5 and parts[3] == 'stats' and parts[4] == 'contributors'
        if x['method'] == 'GET' and x['status'] == 200 and x.get('body') and (plain or stats):
            found.setdefault((parts[-1], '/'.join(parts[1:3])), x['body'])

    class Recorded(Double):
        def handle(self, request):
            parts = request.path.strip('/').split('/')
            body = found.get((parts[-1], '/'.join(parts[1:3])))
            return Answer(200, body) if body is not None else Answer(404, {'message': 'Not Found'})
    with Recorded() as api, Folder() as folder:
        for kind, source in sorted(kinds.items()):
            repos = sorted(repo for what, repo in found if what == kind)
            if not repos:
                continue
            bodies = [found[(kind, repo)] for repo in repos]
            rows = [w for b in bodies for c in b for w in c['weeks'] if w['c']] if kind == 'contributors' else \
                list(bodies[0]) if kind == 'languages' else [r for b in bodies for r in b]
            timeless = sum(1 for r in rows if kind not in ('contributors', 'languages', 'commits') and not r.get('created_at'))
            got = folder.run({'type': 'pull', 'source': source, 'baseUrl': api.url, 'params': {'repo': repos}})
            equal((got['rejected'], got['loaded'] + got['repeatedRows']), (timeless, len(rows) - timeless), '%s %s' % (source, got['rejects'][:1]))


def hour(name, rows=3, start=1000):  # no two events of an archive have one id
    lines = [json.dumps({'id': str(start + i), 'type': 'PushEvent', 'actor': {'id': i, 'login': 'a%d' % i}, 'repo': {'id': 5, 'name': 'o/r'},
                         'payload': {'push_id': i, 'size': 2, 'distinct_size': 1}, 'public': True, 'created_at': name + ':00:0%dZ' % i})
             for i in range(rows)]
    return gzip.compress('\n'.join(lines).encode() + b'\n', mtime=0)


def archive_spec(api, interval, **more):
    return dict({'type': 'pull', 'source': 'gharchive', 'baseUrl': api.url, 'interval': interval, 'limits': dict(QUICK, pool='gha', retries=2)},
                **more)


def case_gharchive_hours():
    with Archive() as api, Folder() as folder:
        for h in range(24):
            api.files['2015-01-01-%d.json.gz' % h] = hour('2015-01-01T%02d' % h, start=h * 100)
        del api.files['2015-01-01-7.json.gz']
        whole = api.files['2015-01-01-9.json.gz']
        api.files['2015-01-01-9.json.gz'] = whole[:len(whole) // 2]
        api.files['2015-01-01-11.json.gz'] = b''
        spec = archive_spec(api, '2015-01-01/2015-01-02')
        err = folder.fails(spec, '3 of 24 series')
        want('2015-01-01-7' in err, err)
        equal(folder.value('SELECT COUNT(*) FROM gh_event'), 63, 'of the hours that are there')
        got = folder.run(dict(spec, onGap='record'))
        equal((got['gaps'], got['loaded'], got['requests']), (3, 0, 7), 'whole hours are not asked again')
        bad = folder.sql("SELECT \"start\", status, reason FROM sys.completeness WHERE status <> 'complete' ORDER BY \"start\"")
        equal([r['start'][11:13] for r in bad], ['07', '09', '11'], 'gaps')
        want('gzip' in bad[1]['reason'] and 'empty' in bad[2]['reason'], bad)
        api.files['2015-01-01-9.json.gz'] = whole
        equal(folder.run(dict(spec, onGap='record'))['loaded'], 3, 'the hour that came late')
        equal(folder.sql("SELECT COUNT(*) n FROM sys.completeness WHERE status = 'complete'"), [{'n': 22}], 'ledger')
        equal(folder.sql('SELECT SUM(push_size) s, MIN(era) e, COUNT(DISTINCT actor_login) a FROM gh_event'), [{'s': 132, 'e': 2, 'a': 3}], 'values')


def case_gharchive_eras_recorded():
    names = {'2014-06-01-8': '2014-06-01-timeline-300', '2015-01-01-15': '2015-01-01-15', '2021-07-21-6': '2021-07-21-sample-500'}
    with Archive() as api, Folder() as folder:
        for name, file in names.items():
            path = shared('data/gharchive/%s.json.gz' % file)
            if not path:
                print('skipped: no recorded hours of GH Archive')
                return
            api.files[name + '.json.gz'] = open(path, 'rb').read()
        for interval, rows, era in (('2014-06-01T08/PT1H', 300, 1), ('2015-01-01T15/PT1H', 11351, 2), ('2021-07-21T06/PT1H', 500, 2)):
            got = folder.run(archive_spec(api, interval))
            equal((got['loaded'], got['rejected']), (rows, 0), interval)
            got = folder.sql("SELECT COUNT(*) n, COUNT(actor_login) a, COUNT(DISTINCT type) > 5 t FROM gh_event WHERE era = %d AND "
                             "__time >= TIMESTAMP '%s 00:00:00' AND __time < TIMESTAMP '%s 00:00:00' + INTERVAL '1' DAY" % (era, interval[:10], interval[:10]))
            equal(got, [{'n': rows, 'a': rows, 't': True}], interval)
        want(folder.value("SELECT COUNT(*) FROM gh_event WHERE era = 1 AND repo_name LIKE '%/%'") > 250, 'names of old repositories')


def case_gharchive_third_era():
    """Since October 2025 pushes have no sizes and pull requests hardly more than a number: columns are NULL, nothing is rejected."""
    events = [{'id': '5%d' % n, 'type': kind, 'actor': {'id': 7, 'login': 'a'}, 'repo': {'id': 5, 'name': 'o/r'}, 'payload': load, 'public': True,
               'created_at': '2025-10-08T00:00:0%dZ' % n}
              for n, (kind, load) in enumerate((('PushEvent', {'push_id': 9, 'ref': 'refs/heads/main', 'head': 'a', 'before': 'b', 'repository_id': 5}),
                                                ('PullRequestEvent', {'action': 'merged', 'number': 3, 'pull_request': {'id': 4, 'number': 3, 'base': {'ref': 'x'}}}),
                                                ('IssuesEvent', {'action': 'opened', 'issue': {'number': 8, 'created_at': '2025-10-08T00:00:02Z', 'user': {'login': 'a'},
                                                                                               'labels': [{'name': 'bug'}, {'name': 'help'}]}})))]
    with Archive() as api, Folder() as folder:
        api.files['2025-10-08-0.json.gz'] = gzip.compress('\n'.join(map(json.dumps, events)).encode() + b'\n')
        got = folder.run(archive_spec(api, '2025-10-08T00/PT1H'))
        equal((got['loaded'], got['rejected']), (3, 0), got)
        equal(folder.sql('SELECT era, push_id, push_size, pr_merged, "number", opened_by, MV_LENGTH(labels) l FROM gh_event ORDER BY __time'), [
            {'era': 3, 'push_id': 9, 'push_size': None, 'pr_merged': None, 'number': None, 'opened_by': None, 'l': None},
            {'era': 3, 'push_id': None, 'push_size': None, 'pr_merged': None, 'number': 3, 'opened_by': None, 'l': None},
            {'era': 3, 'push_id': None, 'push_size': None, 'pr_merged': None, 'number': 8, 'opened_by': 'a', 'l': 2}], 'columns')


def case_inline_description():
    """Any paged API by description: cursor paging, a nested list, exploded rows, columns found by looking."""
    class Api(Double):
        def handle(self, request):
            at = int(request.query.get('after', '0'))
            rows = [{'name': 'n%d' % i, 'parts': [{'p': 'x', 'v': i}, {'p': 'y', 'v': -i}]} for i in range(at, min(at + 4, 10))]
            return Answer(200, {'data': {'list': rows}, 'next': str(at + 4) if at + 4 < 10 else None}, headers={'X-Got': request.header('X-Mine') or ''})
    with Api() as api, Folder() as folder:
        source = {'baseUrl': api.url, 'path': '/v1/things', 'headers': {'X-Mine': 'yes {kind}'}, 'params': {'kind': 'k'},
                  'paging': {'kind': 'cursor', 'param': 'after', 'next': '$.next'},
                  'rows': {'path': '$.data.list', 'explode': 'parts', 'add': {'kind': '{kind}'}},
                  'flattenSpec': {'useFieldDiscovery': True, 'fields': [{'type': 'path', 'name': 'v', 'expr': '$.parts.v'}]}}
        got = folder.run({'type': 'pull', 'source': source, 'dataSource': 'things'})
        equal((got['loaded'], got['requests']), (20, 3), 'exploded')
        equal(folder.sql('SELECT COUNT(*) n, SUM(v) s, MAX(v) m, MIN(kind) k FROM things'), [{'n': 20, 's': 0, 'm': 9, 'k': 'k'}], 'values')
        equal(api.seen[0].header('X-Mine'), 'yes k', 'header')


def case_for_each_over_sql():
    with GitHub() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        for repo in ('a/b', 'c/d', 'e/f'):
            hub.add_issues(repo, range(1, 6))
        rows = '\n'.join(json.dumps({'t': '2024-01-01', 'full_name': repo, 'stars': n}) for n, repo in enumerate(('a/b', 'c/d', 'e/f')))
        status, _, err = folder.ingest({'type': 'index_parallel', 'spec': {
            'dataSchema': {'dataSource': 'chosen', 'timestampSpec': {'column': 't'}, 'dimensionsSpec': {'dimensions': [
                'full_name', {'type': 'long', 'name': 'stars'}]}, 'granularitySpec': {'segmentGranularity': 'day'}},
            'ioConfig': {'type': 'index_parallel', 'inputSource': {'type': 'inline', 'data': rows}, 'inputFormat': {'type': 'json'}}}})
        equal(status, 0, err)
        spec = {'type': 'pull', 'source': 'github.issues', 'baseUrl': hub.url, 'auth': {'token': 'env:TOK'},
                'forEach': {'sql': 'SELECT full_name AS repo FROM chosen WHERE stars > 0'}}
        equal(folder.run(spec)['loaded'], 10, 'of two repositories')
        folder.fails(dict(spec, forEach={'sql': 'SELECT full_name AS other FROM chosen'}), 'other', 'no parameter')
        status, out, err = folder.ingest(spec, 'plan')
        plan = json.loads(out)
        equal((status, plan['series'], plan['requestsAtLeast'], plan['tokens']), (0, 2, 2, 1), err)


def case_plan_and_test_ask_little():
    with GitHub() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        hub.add_issues('a/b', range(1, 301))
        spec = {'type': 'pull', 'source': 'github.issues', 'baseUrl': hub.url, 'auth': {'token': 'env:TOK'},
                'params': {'repo': ['x/r%d' % n for n in range(12000)]}}
        plan = json.loads(folder.ingest(spec, 'plan')[1])
        equal((plan['series'], plan['requestsAtLeast'], plan['boundBy'], hub.count()), (12000, 12000, 'budget', 0), 'nothing is asked')
        want(7000 <= plan['seconds'] <= 7300, 'two windows of an hour: %s' % plan['seconds'])
        spec['params'] = {'repo': 'a/b'}
        status, out, err = folder.ingest(spec, 'test')
        rows = json.loads(out)['data']
        equal((status, hub.count(), rows[0]['parsed']['full_name'], os.path.exists(folder.data)), (0, 1, 'a/b', False), err)


def case_backfill_goes_on():
    with Archive() as api, Folder() as folder:
        for d, day in enumerate(('2015-01-01', '2015-01-02', '2015-01-03')):
            for h in range(24):
                api.files['%s-%d.json.gz' % (day, h)] = hour('%sT%02d' % (day, h), start=1000 * d + 10 * h)
        kept = api.files.pop('2015-01-02-5.json.gz')
        spec = archive_spec(api, '2015-01-01/2015-01-02')
        words = ('--from', '2015-01-01', '--to', '2015-01-04')
        status, out, err = folder.ingest(spec, 'backfill', words=words)
        want(status != 0 and '2015-01-02-5' in err and '2015-01-03T' not in out, 'stops at the gap: %s %s' % (out, err))
        api.files['2015-01-02-5.json.gz'] = kept
        before = api.count()
        equal(folder.ingest(spec, 'backfill', words=words)[0], 0, 'the same words go on')
        equal(api.count() - before, 25, 'only what was not loaded')
        equal(folder.value('SELECT COUNT(*) FROM gh_event'), 216, 'rows')


def case_every_source_has_its_example():
    """Each spec of docs/sources.md plans as it stands; every source has one."""
    path = os.path.join(HERE, '..', '..', 'docs', 'sources.md')
    with open(path, encoding='utf-8') as file:
        examples = [json.loads(text) for text in re.findall(r'```json\n(.*?)```', file.read(), re.DOTALL)]
    names = ('GITHUB_TOKEN', 'STACK_KEY', 'STEAM_KEY', 'SEOUL_KEY', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'THINGS_TOKEN')
    with Folder({name: 'a-secret-of-' + name.lower() for name in names}) as folder:
        for example in examples:
            if example.get('baseUrl', '').startswith('/'):
                example['baseUrl'] = folder.work
            status, out, err = folder.ingest(example, 'plan')
            want(status == 0 and json.loads(out)['dataSource'], '%s: %s' % (example, err))
        known = {source['name'] for source in json.loads(folder.command('ingest', 'sources')[1])}
    equal({e['source'] for e in examples if isinstance(e['source'], str)}, known, 'sources')
