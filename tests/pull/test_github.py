"""Each resource of GitHub that is a source: its pages, what is new in it, what is no answer, what is no repository any more."""
import gzip
import json
import time
import urllib.parse

from doubles import Answer, Double, etag_of
from pulltest import Folder, equal, shared, want
from test_limits import QUICK


def person(n):
    return {'login': 'u%d' % n, 'id': n, 'type': 'User'}


def when(n):
    return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(1704067200 + n * 3600))


class Lists(Double):
    """Path to rows, with Link paging and ETags; other paths are 404, those in `says` answer what it holds."""

    def __init__(self, **lists):
        self.lists, self.says = dict(lists), {}
        super().__init__()

    def handle(self, request):
        if request.path in self.says:
            return self.says[request.path]
        rows = self.lists.get(request.path)
        if rows is None:
            return Answer(404, {'message': 'Not Found'})
        if 'since' in request.query:
            rows = [row for row in rows if row['commit']['committer']['date'] >= request.query['since']]
        size, page = int(request.query.get('per_page', 30)), int(request.query.get('page', 1))
        part = rows[(page - 1) * size:page * size] if isinstance(rows, list) else rows
        if request.path.startswith('/search/'):
            part = {'total_count': len(rows), 'incomplete_results': False, 'items': part}
        head = {}
        if isinstance(rows, list) and page * size < len(rows):
            head['Link'] = '<%s%s?%s>; rel="next"' % (self.url, request.raw_path, urllib.parse.urlencode(dict(request.query, page=page + 1)))
        head['ETag'] = etag_of(json.dumps(part).encode())
        return Answer(304, b'', head) if request.header('If-None-Match') == head['ETag'] else Answer(200, part, head)


def spec(hub, what, **more):
    return dict({'type': 'pull', 'source': 'github.' + what, 'baseUrl': hub.url, 'auth': {'token': 'env:TOK'},
                 'limits': dict(QUICK, pool='gh-%s-%d' % (what, id(hub)), retries=2)}, **more)


def repository(n):
    return {'id': n, 'full_name': 'o/r%d' % n, 'name': 'r%d' % n, 'owner': person(7), 'stargazers_count': 5000 - n, 'forks': n, 'forks_count': n, 'size': 1,
            'open_issues': 0, 'fork': n % 2 == 1, 'archived': False, 'topics': ['a', 'b'], 'language': 'C', 'created_at': when(n), 'updated_at': when(n + 5),
            'license': {'key': 'mit', 'spdx_id': 'MIT', 'name': 'MIT License'} if n % 3 else None}


def case_search_by_stars_and_forks():
    """One page is the top 100; an answer that says that it is not whole is asked for again; a search gives a thousand at most."""
    rows = [repository(n) for n in range(1, 1201)]
    with Lists() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        hub.lists['/search/repositories'] = rows
        hub.once(Answer(200, {'total_count': 3, 'incomplete_results': True, 'items': rows[:3]}))
        one = spec(hub, 'search', params={'sort': ['stars', 'forks']}, limits=dict(QUICK, pool='gh-search-1', rate='1000/PT1S', maxPages=1))
        got = folder.run(one)
        equal((got['loaded'], got['requests']), (200, 3), 'two lists of a hundred')
        equal({(r.query['sort'], r.query['order'], r.query['q']) for r in hub.seen}, {('stars', 'desc', 'stars:>10000'), ('forks', 'desc', 'stars:>10000')}, 'asked')
        equal(folder.sql("SELECT selected_by, COUNT(*) n, SUM(is_fork) f, COUNT(license_spdx) l FROM gh_repo GROUP BY 1 ORDER BY 1"),
              [{'selected_by': 'forks', 'n': 100, 'f': 50, 'l': 67}, {'selected_by': 'stars', 'n': 100, 'f': 50, 'l': 67}], 'rows')
        before = hub.count()
        again = folder.run(one)
        equal((again['loaded'], again['unchanged'], hub.count() - before), (0, 2, 2), 'nothing has changed')
        rows[4].update(stargazers_count=9999, updated_at=when(2000))
        folder.run(one)
        equal(folder.sql('SELECT COUNT(*) n, MAX(stargazers) s FROM gh_repo'), [{'n': 200, 's': 9999}], 'the newest of each')
        all_of = spec(hub, 'search', name='all', limits=dict(QUICK, pool='gh-search-2', rate='1000/PT1S'))
        equal(folder.run(all_of)['requests'], 10, 'as far as a search goes')


def case_search_recorded():
    real = shared('data/github-rest/replay.ndjson.gz')
    if not real:
        print('skipped: no recorded exchanges of GitHub')
        return
    pages = {}
    for line in gzip.open(real, 'rt', encoding='utf-8'):
        x = json.loads(line)
        if x['path'] == '/search/repositories' and x['status'] == 200:
            pages.setdefault(urllib.parse.parse_qs(x['query'] or '').get('page', ['1'])[0], x['body'])

    class Recorded(Double):
        def handle(self, request):
            page = request.query.get('page', '1')
            more = {'Link': '<%s/search/repositories?page=2>; rel="next"' % self.url} if page == '1' and '2' in pages else {}
            return Answer(200, pages[page], more)
    with Recorded() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        got = folder.run(spec(hub, 'search'))
        rows = [r for body in pages.values() for r in body['items']]
        equal((got['loaded'], got['rejected']), (len({r['id'] for r in rows}), 0), got)
        equal(folder.value('SELECT MAX(stargazers) FROM gh_repo'), max(r['stargazers_count'] for r in rows), 'stars')


def case_licences():
    names = ('agpl-3.0', 'apache-2.0', 'bsd-2-clause', 'mit', 'mpl-2.0')
    with Lists() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        hub.lists['/licenses'] = [{'key': k, 'name': k.upper(), 'spdx_id': k.upper(), 'node_id': 'N', 'url': hub.url + '/licenses/' + k} for k in names]
        equal(folder.run(spec(hub, 'licenses'))['loaded'], 5, 'licences')
        equal(folder.run(spec(hub, 'licenses'))['unchanged'], 1, 'as they were')
        hub.lists['/licenses'][3]['name'] = 'MIT License'
        folder.run(spec(hub, 'licenses'))
        equal(folder.sql("SELECT COUNT(*) n, MAX(CASE WHEN key = 'mit' THEN name END) m FROM gh_license"), [{'n': 5, 'm': 'MIT License'}], 'one row each')


def case_projects_where_there_are_any():
    project = lambda n: {'id': n, 'number': n, 'title': 'p%d' % n, 'state': 'open', 'creator': person(n), 'created_at': when(n), 'updated_at': when(n)}
    with Lists() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        hub.lists['/orgs/a/projectsV2'] = [project(n) for n in range(1, 131)]
        got = folder.run(spec(hub, 'projects', params={'org': ['a', 'none']}))
        equal((got['state'], got['loaded'], got['requests'], got['gaps']), ('SUCCESS', 130, 3, 0), 'an organisation without projects is no gap')
        hub.lists['/orgs/a/projectsV2'][0].update(state='closed', updated_at=when(999))
        equal(folder.run(spec(hub, 'projects', params={'org': ['a', 'none']}))['loaded'], 1, 'the one that changed')
        equal(folder.sql('SELECT COUNT(*) n, COUNT(*) FILTER (WHERE state = \'closed\') c FROM gh_project'), [{'n': 130, 'c': 1}], 'rows')


def case_stars():
    """Oldest first, and the last page grows; a star that was taken back and given again is one row."""
    star = lambda n: {'starred_at': when(n), 'user': person(n)}
    with Lists() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        rows = hub.lists['/repos/o/r/stargazers'] = [star(n) for n in range(250)]
        one = spec(hub, 'stars', params={'repo': 'o/r'})
        equal(folder.run(one)['requests'], 3, 'pages')
        equal(hub.seen[0].header('Accept'), 'application/vnd.github.star+json', 'with their times')
        rows.append(star(250))
        rows.append(dict(star(300), user=person(3)))
        again = folder.run(one)
        equal((again['loaded'], again['unchanged']), (2, 2), 'the last page alone is new')
        equal(folder.sql('SELECT COUNT(*) n, COUNT(DISTINCT user_id) u FROM gh_star'), [{'n': 251, 'u': 251}], 'one row each')


def case_stars_recorded():
    real = shared('data/github-rest/replay.ndjson.gz')
    if not real:
        print('skipped: no recorded exchanges of GitHub')
        return
    with Lists() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        for line in gzip.open(real, 'rt', encoding='utf-8'):
            x = json.loads(line)
            if x['path'].endswith('/stargazers') and x['status'] == 200 and 'starred_at' in x['body'][0]:
                hub.lists.setdefault(x['path'], x['body'])
        repos = sorted(path[7:-11] for path in hub.lists)
        got = folder.run(spec(hub, 'stars', params={'repo': repos, 'per_page': '100'}))
        equal((got['loaded'], got['rejected']), (sum(len(rows) for rows in hub.lists.values()), 0), repos)


def case_commits_are_looked_at_again_for_a_week():
    commit = lambda n, h: {'sha': '%040x' % n, 'author': person(1), 'committer': person(2), 'parents': [{'sha': 'p'}] * (1 + n % 2),
                           'commit': {'author': {'name': 'A', 'email': 'a@example.org', 'date': when(h)}, 'committer': {'date': when(h)}, 'message': 'm\n\ntext',
                                      'verification': {'verified': True}}}
    with Lists() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        rows = [commit(n, n) for n in range(300)]
        hub.lists['/repos/o/r/commits'] = rows[::-1]
        hub.says['/repos/o/empty/commits'] = Answer(409, {'message': 'Git Repository is empty.'})
        one = spec(hub, 'commits', params={'repo': ['o/r', 'o/empty']})
        got = folder.run(one)
        equal((got['state'], got['loaded'], got['gaps']), ('SUCCESS', 300, 0), 'an empty repository has no commits')
        rows.append(commit(1000, 200))  # pushed late: its date is before the newest
        rows.sort(key=lambda r: r['commit']['committer']['date'])
        hub.lists['/repos/o/r/commits'] = rows[::-1]
        equal(folder.run(one)['loaded'], 1, 'the one that came late')
        equal([r.query['since'] for r in hub.seen if 'since' in r.query][0], when(299 - 7 * 24), 'since seven days before the newest')
        equal(folder.sql('SELECT COUNT(*) n, SUM(is_merge) m, MIN(author_email_domain) d FROM gh_commit'), [{'n': 301, 'm': 150, 'd': 'example.org'}], 'rows')
        want('a@example.org' not in json.dumps(folder.sql('SELECT * FROM gh_commit LIMIT 5')), 'addresses of people stay out')


def case_releases_languages_and_forks():
    release = lambda n: {'id': n, 'tag_name': 'v%d' % n, 'name': 'n', 'target_commitish': 'main', 'draft': False, 'prerelease': n % 2 == 0, 'author': person(1),
                         'created_at': when(n), 'published_at': when(n), 'body': 'x', 'assets': [{'name': 'a', 'download_count': n}, {'name': 'b', 'download_count': 1}]}
    fork = lambda n: {'id': n, 'full_name': 'u%d/r' % n, 'owner': person(n), 'stargazers_count': 0, 'pushed_at': when(n), 'created_at': when(n)}
    with Lists() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        hub.lists['/repos/o/r/releases'] = [release(n) for n in range(120, 0, -1)]
        hub.lists['/repos/o/r/forks'] = [fork(n) for n in range(120, 0, -1)]
        hub.lists['/repos/o/r/languages'] = {'C': 1000, 'Python': 20}
        for what, rows in (('releases', 120), ('forks', 120), ('languages', 2)):
            equal(folder.run(spec(hub, what, params={'repo': 'o/r'}))['loaded'], rows, what)
        hub.lists['/repos/o/r/releases'].insert(0, release(121))
        hub.lists['/repos/o/r/forks'].insert(0, fork(121))
        before = hub.count()
        for what in ('releases', 'forks'):
            equal(folder.run(spec(hub, what, params={'repo': 'o/r'}))['loaded'], 1, what + ', the new one')
        equal([r.path for r in hub.seen[before:]].count('/repos/o/r/forks'), 1, 'the first page reaches what is known')
        equal(folder.run(spec(hub, 'languages', params={'repo': 'o/r'}))['unchanged'], 1, 'languages as they were')
        for table, rows in (('gh_release', 121), ('gh_fork', 121), ('gh_language', 2)):
            equal(folder.value('SELECT COUNT(*) FROM %s' % table), rows, table)
        equal(folder.value("SELECT bytes FROM gh_language WHERE language = 'C'"), 1000, 'bytes')


def case_what_is_no_repository_any_more():
    """404, 410 and 451 are gaps, 204 is an empty answer; each by the policy of the task, and the ledger tells them apart."""
    with Lists() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        hub.lists['/repos/o/r/issues'] = []
        hub.says = {'/repos/o/%d/issues' % status: Answer(status, {'message': 'm%d' % status}) for status in (204, 410, 451)}
        repos = ['o/r', 'o/204', 'o/410', 'o/451', 'o/404']
        err = folder.fails(spec(hub, 'issues', params={'repo': repos}), '3 of 5 series')
        want('m410' in err, err)
        got = folder.run(spec(hub, 'issues', params={'repo': repos}, onGap='record'))
        equal((got['gaps'], got['loaded']), (3, 0), 'told')
        reasons = ' '.join(r['reason'] for r in folder.sql("SELECT reason FROM sys.completeness WHERE status = 'missing'"))
        want(all(word in reasons for word in ('m410', 'm451', '404')), reasons)


def case_statistics_with_odd_text():
    """Bytes that are no UTF-8, a doubled member: repaired, the last one counts, as in any row."""
    body = (b'[{"total":3, "author":{"login":"u\xff","login":"v\xfe","id":7,"type":"User"},"weeks":[{"w":1704067200,"a":5,"d":1,"c":2},'
            b'{"w":1704672000,"a":1,"d":0,"c":1}]}]')
    with Double() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        hub.handle = lambda request: Answer(200, b'{"C":1,"C\xff":2,"C":3}' if 'languages' in request.path else body)
        equal(folder.run(spec(hub, 'contributor_stats', params={'repo': 'o/r'}))['loaded'], 2, 'weeks')
        equal(folder.sql('SELECT author_login l, SUM(additions) a FROM gh_contributor_week GROUP BY 1'), [{'l': 'v\ufffd', 'a': 6}], 'the last of two')
        equal(folder.run(spec(hub, 'languages', params={'repo': 'o/r'}))['loaded'], 3, 'members')


def case_a_page_that_breaks_off_in_its_midst():
    """Rows of a page that could not be read to its end come with the next run: they are not taken for known."""
    issue = lambda n: {'id': n, 'number': n, 'title': 't', 'state': 'open', 'user': person(1), 'created_at': when(n), 'updated_at': when(n)}
    with Lists() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        rows = hub.lists['/repos/o/r/issues'] = [issue(n) for n in range(1, 201)]
        broken = json.dumps(rows[100:150])[:-1].encode() + b',' + b'[' * 1500 + b']' * 1500 + b']'
        hub.once(Answer(200, broken), when=lambda r: r.query.get('page') == '2')
        folder.fails(spec(hub, 'issues', params={'repo': 'o/r'}), 'o/r')
        equal(folder.value('SELECT COUNT(*) FROM gh_issue'), 100, 'the first page')
        equal(folder.run(spec(hub, 'issues', params={'repo': 'o/r'}))['loaded'], 100, 'the second')
