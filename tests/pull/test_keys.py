"""Keys of the sources that come with the program: whatever way a row comes twice, it is seen once; observations all stay."""
import datetime
import glob
import gzip
import json
import os
import time

from doubles import Answer, Archive, Double, GitHub, StackExchange
from pulltest import HERE, Folder, equal, want
from test_paging import issues
from test_sources import archive_spec, hour


def instant():
    """Now, as a literal; nothing else happens in its millisecond."""
    time.sleep(0.005)
    text = datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%d %H:%M:%S.%f')[:-3]
    time.sleep(0.005)
    return text


def case_every_source_declares_keys():
    found = {}
    for path in glob.glob(os.path.join(HERE, '..', '..', 'ingest', 'pull', 'sources', '*.json')):
        with open(path, encoding='utf-8') as file:
            source = json.load(file)
        if 'dataSource' not in source:
            continue  # files of any rows
        schema = source['dataSchema']
        columns = {d if isinstance(d, str) else d['name'] for d in schema['dimensionsSpec']['dimensions']} | {'__time'}
        keys = schema['keySpec']
        if source['name'] != 'github.events':  # has the keys of gharchive, and not all of its columns
            named = set(keys['columns']) | ({keys['version']} if 'version' in keys else set())
            want(named <= columns, '%s: no such column: %s' % (source['name'], named - columns))
        equal(found.setdefault(source['dataSource'], keys), keys, 'one datasource, one key: ' + source['name'])
    want(len(found) >= 20, found)


def case_newer_versions_supersede():
    with GitHub() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        hub.add_issues('a/b', range(1, 151))
        hub.add_issues('c/d', range(1, 31))
        spec = issues(hub, ['a/b', 'c/d'], archive=True)
        equal(folder.run(spec)['loaded'], 180, 'numbers repeat across repositories')
        index = glob.glob(os.path.join(folder.data, 'raw', '**', '*.ndjson'), recursive=True)[0]
        before = instant()
        hub.repos['a/b'][4].update(title='said better', state='closed', updated_at='2024-03-02T00:00:00Z')
        equal(folder.run(spec)['loaded'], 1, 'the one that changed')
        one = "SELECT title, state FROM gh_issue%s WHERE full_name = 'a/b' AND number = 5"
        then, now = [{'title': 'issue 5 of a/b', 'state': 'open'}], [{'title': 'said better', 'state': 'closed'}]
        equal(folder.sql(one % ''), now, 'the newest')
        equal(folder.sql(one % (" FOR SYSTEM_TIME AS OF TIMESTAMP '%s'" % before)), then, 'as it was')
        equal(folder.value('SELECT COUNT(*) FROM gh_issue'), 180, 'one row each')
        equal(folder.run(issues(hub, ['a/b', 'c/d'], replay=index, name='again'))['loaded'], 180, 'from the archive of the first run')
        equal(folder.sql(one % ''), now, 'an older version that comes late is not seen')
        equal(folder.value('SELECT COUNT(*) FROM gh_issue'), 180, 'and nothing is there twice')


class Pulls(Double):
    """Pull requests, the one that changed last first. Before the second page is answered, one that is on it changes."""

    def __init__(self, count):
        self.rows = [{'id': 7000 + n, 'number': n, 'title': 't', 'state': 'open', 'user': {'login': 'u', 'id': 1, 'type': 'User'},
                      'created_at': '2024-01-01T00:00:00Z', 'updated_at': '2024-01-01T00:%02d:%02dZ' % (n // 60, n % 60),
                      'base': {'ref': 'main', 'repo': {'id': 5}}} for n in range(1, count + 1)]
        self.shift = None
        super().__init__()

    def handle(self, request):
        page = int(request.query.get('page', 1))
        if page == 2 and self.shift:
            self.rows[self.shift - 1].update(title='changed', updated_at='2024-01-02T00:00:00Z')
            self.shift = None
        rows = sorted(self.rows, key=lambda r: r['updated_at'], reverse=True)
        more = {'Link': '<%s%s?page=%d>; rel="next"' % (self.url, request.path, page + 1)} if page * 100 < len(rows) else {}
        return Answer(200, rows[(page - 1) * 100:page * 100], more)


def case_a_page_that_shifts():
    """Pages, commits and runs that overlap: by the same name, and by another one, which remembers nothing."""
    with Pulls(250) as hub, Folder() as folder:
        hub.shift = 20
        spec = {'type': 'pull', 'source': 'github.pulls', 'baseUrl': hub.url, 'params': {'repo': 'a/b'}, 'commitPages': 1}
        count = 'SELECT COUNT(*) n, COUNT(DISTINCT number) d FROM gh_pull'
        folder.run(spec)
        equal(folder.sql(count), [{'n': 249, 'd': 249}], 'one moved to the front; the last of the first page came again')
        folder.run(spec)
        equal(folder.sql(count), [{'n': 250, 'd': 250}], 'it comes with the next run')
        equal(folder.run(dict(spec, name='other'))['loaded'], 250, 'all once more')
        equal(folder.sql(count), [{'n': 250, 'd': 250}], 'one row each')
        equal(folder.value('SELECT title FROM gh_pull WHERE number = 20'), 'changed', 'the newest')


def case_overlapping_intervals():
    """Two names, so neither knows what the other has read."""
    with Archive() as api, Folder() as folder:
        for h in range(6):
            api.files['2015-01-01-%d.json.gz' % h] = hour('2015-01-01T%02d' % h, start=h * 100)
        equal(folder.run(archive_spec(api, '2015-01-01T00/PT4H', name='one'))['loaded'], 12, 'hours 0 to 3')
        equal(folder.run(archive_spec(api, '2015-01-01T02/PT4H', name='two'))['loaded'], 12, 'hours 2 to 5')
        equal(folder.sql('SELECT COUNT(*) n, COUNT(DISTINCT event_id) d FROM gh_event'), [{'n': 18, 'd': 18}], 'six hours of three')


def case_events_of_both_sources():
    """The API's events and the archive's are the same; the archive's row has more columns and stays, whichever comes first."""
    class Events(Double):
        def handle(self, request):
            return Answer(200, [{'id': str(n), 'type': 'PushEvent', 'actor': {'id': 1, 'login': 'x'}, 'repo': {'id': 5, 'name': 'o/r'}, 'payload': {},
                                 'created_at': '2015-01-01T00:00:0%dZ' % (n % 10)} for n in (103, 102, 101)])
    for live_first in (True, False):
        with Archive() as files, Events() as api, Folder() as folder:
            files.files['2015-01-01-0.json.gz'] = hour('2015-01-01T00', start=100)
            runs = [{'type': 'pull', 'source': 'github.events', 'baseUrl': api.url, 'params': {'repo': 'o/r'}}, archive_spec(files, '2015-01-01T00/PT1H')]
            for spec in runs if live_first else reversed(runs):
                equal(folder.run(spec)['loaded'], 3, 'rows')
            equal(folder.sql('SELECT event_id, push_size FROM gh_event ORDER BY event_id'),
                  [{'event_id': n, 'push_size': 2 if n < 103 else None} for n in range(100, 104)], 'the union')


def case_events_without_ids():
    """Before 2015 events have no id: what they say tells them apart."""
    def old(head, **more):
        return json.dumps(dict({'type': 'PushEvent', 'actor': 'ann', 'actor_attributes': {'login': 'ann'}, 'created_at': '2014-06-01T01:05:30-07:00',
                                'url': 'https://example.org/o/r/compare/x', 'repository': {'id': 5, 'owner': 'o', 'name': 'r'},
                                'payload': {'head': head, 'ref': 'refs/heads/main', 'size': 1}}, **more))
    lines = [old('aa'), old('bb'), old('aa', repository={'id': 6, 'owner': 'o', 'name': 's'}), old('aa')]
    with Archive() as api, Folder() as folder:
        api.files['2014-06-01-8.json.gz'] = gzip.compress('\n'.join(lines).encode() + b'\n')
        for name in ('one', 'two'):
            equal(folder.run(archive_spec(api, '2014-06-01T08/PT1H', name=name))['loaded'], 4, name)
        equal(folder.value('SELECT COUNT(*) FROM gh_event'), 3, 'three that differ')


def case_observations_stay():
    """A repository fetched twice is two observations."""
    class Hub(Double):
        stars = 10

        def handle(self, request):
            return Answer(200, {'id': 5, 'full_name': 'o/r', 'name': 'r', 'stargazers_count': self.stars, 'owner': {'id': 7, 'login': 'o', 'type': 'User'}})
    with Hub() as hub, Folder() as folder:
        spec = {'type': 'pull', 'source': 'github.repo', 'baseUrl': hub.url, 'params': {'repo': 'o/r'}}
        for stars in (10, 12, 12):
            hub.stars = stars
            folder.run(spec)
        equal(folder.sql('SELECT stargazers FROM gh_repo_snapshot ORDER BY __time'), [{'stargazers': n} for n in (10, 12, 12)], 'a history')


def case_one_question_of_two_terms():
    with StackExchange(30) as api, Folder() as folder:
        spec = {'type': 'pull', 'source': 'stackexchange.questions', 'baseUrl': api.url, 'params': {'tagged': ['druid', 'c']}}
        equal(folder.run(spec)['loaded'], 60, 'both lists have it')
        equal(folder.value('SELECT COUNT(*) FROM so_question'), 30, 'one row each')
        api.items[3].update(last_activity_date=1700001000, score=9)
        folder.run(spec)
        equal(folder.sql('SELECT COUNT(*) n, MAX(score) s FROM so_question'), [{'n': 30, 's': 9}], 'the newest')


def case_weeks_of_authors_who_are_gone():
    """GitHub gives no id of a deleted account: each stays a row of its own, also with the same numbers."""
    def author(who, total, **week):
        return {'author': who, 'total': total, 'weeks': [dict({'w': 1704067200, 'a': 1, 'd': 0, 'c': 1}, **week)]}

    class Hub(Double):
        answer = [author(None, 5), author(None, 5), author(None, 8, a=3), author({'login': 'u', 'id': 7, 'type': 'User'}, 9)]

        def handle(self, request):
            return Answer(200, self.answer)
    with Hub() as hub, Folder() as folder:
        spec = {'type': 'pull', 'source': 'github.contributor_stats', 'baseUrl': hub.url, 'params': {'repo': 'o/r'}}
        folder.run(dict(spec, name='one'))
        equal(folder.run(dict(spec, name='one'))['loaded'], 0, 'nothing new')
        hub.answer[3] = author({'login': 'u', 'id': 7, 'type': 'User'}, 10, a=4, c=2)
        folder.run(dict(spec, name='two'))
        equal(folder.sql('SELECT author_id, author_total_commits t, commits c FROM gh_contributor_week ORDER BY 2'),
              [{'author_id': None, 't': 5, 'c': 1}] * 2 + [{'author_id': None, 't': 8, 'c': 1}, {'author_id': 7, 't': 10, 'c': 2}], 'rows')
