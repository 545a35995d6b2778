"""Real rows of the sources, twice: as recorded answers that a server on loopback gives, and as plain rows made here, without Ovate.

Each function `rows_of_...` reads the recorded bytes with Python alone and returns dictionaries with the columns of the datasource;
DuckDB gets those. The server gives the same bytes to the sources that come with the program.
"""
import gzip
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'pull')]
from doubles import Answer, Archive, Double  # noqa: E402

# hour asked for: file that holds it; the hour after the first is missing on purpose (sys.completeness tells)
HOURS = {'2014-06-01-8': '2014-06-01-timeline-300', '2015-01-01-0': '2015-01-01-0', '2015-01-01-15': '2015-01-01-15',
         '2021-07-21-6': '2021-07-21-sample-500'}
INTERVALS = ('2014-06-01T08/PT2H', '2015-01-01T00/PT1H', '2015-01-01T15/PT1H', '2021-07-21T06/PT1H')


def at(data, *keys):
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def first(*values):
    return next((v for v in values if v is not None), None)


# ---------------------------------------------------------------- GH Archive

def event_row(e):
    load, pull, issue = e.get('payload'), at(e, 'payload', 'pull_request'), at(e, 'payload', 'issue')
    load = load if isinstance(load, dict) else {}
    old = e.get('repository') or {}
    login = at(e, 'actor', 'login') or at(e, 'actor_attributes', 'login')
    merged = at(pull, 'merged')
    return {
        '__time': e['created_at'], 'event_id': e.get('id'), 'type': e['type'], 'action': load.get('action'), 'actor_login': login,
        'is_bot': 1 if (login or '').endswith('[bot]') else 0, 'repo_id': first(at(e, 'repo', 'id'), old.get('id')),
        'repo_name': first(at(e, 'repo', 'name'), '%s/%s' % (old['owner'], old['name']) if old.get('name') else None),
        'org_login': first(at(e, 'org', 'login'), old.get('organization')),
        'number': first(load.get('number'), at(issue, 'number'), at(pull, 'number')),
        'push_size': load.get('size'), 'push_distinct_size': load.get('distinct_size'),
        'pr_merged': None if merged is None else int(merged), 'pr_additions': at(pull, 'additions'), 'pr_deletions': at(pull, 'deletions'),
        'pr_changed_files': at(pull, 'changed_files'), 'language': first(at(pull, 'base', 'repo', 'language'), old.get('language')),
        'forkee_id': at(load.get('forkee'), 'id'), 'opened_at': first(at(issue, 'created_at'), at(pull, 'created_at')),
        'opened_by': first(at(issue, 'user', 'login'), at(pull, 'user', 'login')), 'review_state': at(load.get('review'), 'state'),
    }


EVENT_TYPES = {'event_id': 'BIGINT', 'is_bot': 'BIGINT', 'repo_id': 'BIGINT', 'number': 'BIGINT', 'push_size': 'BIGINT',
               'push_distinct_size': 'BIGINT', 'pr_merged': 'BIGINT', 'pr_additions': 'BIGINT', 'pr_deletions': 'BIGINT',
               'pr_changed_files': 'BIGINT', 'forkee_id': 'BIGINT'}


def lines_of(path):
    with gzip.open(path, 'rt', encoding='utf-8', errors='replace') as file:
        return [json.loads(line) for line in file if line.strip()]


def rows_of_events(data):
    return [event_row(e) for file in HOURS.values() for e in lines_of(os.path.join(data, 'gharchive', file + '.json.gz'))]


def rows_of_completeness(data):
    """What sys.completeness must say of GH Archive's hours: those that are there, and the one that is not."""
    rows = [{'start': '2014-06-01T09:00:00.000Z', 'end': '2014-06-01T10:00:00.000Z', 'status': 'missing', 'rows': 0}]
    for hour, file in HOURS.items():
        day, number = hour.rsplit('-', 1)
        rows.append({'start': '%sT%02d:00:00.000Z' % (day, int(number)), 'end': '%sT%02d:00:00.000Z' % (day, int(number) + 1), 'status': 'complete',
                     'rows': len(lines_of(os.path.join(data, 'gharchive', file + '.json.gz')))})
    return [dict(row, __time=row['start'], source='gh_event:gharchive', datasource='gh_event') for row in rows]


def archive(data):
    api = Archive()
    for hour, file in HOURS.items():
        with open(os.path.join(data, 'gharchive', file + '.json.gz'), 'rb') as source:
            api.files[hour + '.json.gz'] = source.read()
    return api


# ---------------------------------------------------------------- recorded answers of GitHub

class Recorded:
    """Lists of recorded answers by kind and repository, each thing once, as it was last seen."""

    def __init__(self, data):
        self.lists, self.seen = {}, {}
        for x in lines_of(os.path.join(data, 'github-rest', 'replay.ndjson.gz')):
            if x['method'] == 'GET' and x['status'] == 200 and x.get('body'):
                self.take(x['path'].strip('/').split('/'), x['body'])
        for kind, key in (('issues', 'number'), ('releases', 'id'), ('repo', 'id')):
            for place, rows in list(self.lists.items()):
                if place[0] == kind:
                    newest = {}
                    for row in sorted(rows, key=lambda r: r.get('updated_at') or ''):
                        newest[row[key]] = row
                    self.lists[place] = sorted(newest.values(), key=lambda r: (r.get('updated_at') or '', r[key]))

    def take(self, parts, body):
        kind = parts[-1]
        if parts[-2:-1] == ['releases'] and kind.isdigit():  # one release, with its files
            kind, body = 'releases', [body]
        listing = isinstance(body, list) and body and isinstance(body[0], dict)
        if kind in ('issues', 'releases') and listing:
            for row in filter(None, body):
                name = re.search(r'/repos/([^/]+/[^/]+)/', row.get('url') or '')
                if name and row.get('created_at'):
                    self.lists.setdefault((kind, name.group(1)), []).append(row)
        elif parts[0] == 'repos' and len(parts) == 3 and 'stargazers_count' in body and body.get('created_at'):
            self.lists.setdefault(('repo', body['full_name']), []).append(body)
        elif parts[0] == 'repos' and kind in ('languages', 'contributors') and (kind == 'languages' or parts[-2] == 'stats'):
            self.lists.setdefault((kind, '/'.join(parts[1:3])), body)

    def names(self, kind):
        return sorted(name for k, name in self.lists if k == kind)

    def rows(self, kind):
        return [(name, row) for name in self.names(kind) for row in self.lists[kind, name]]


class Hub(Double):
    def __init__(self, recorded):
        self.recorded = recorded
        super().__init__()

    def handle(self, request):
        parts = request.path.strip('/').split('/')
        body = self.recorded.lists.get((parts[-1] if len(parts) > 3 else 'repo', '/'.join(parts[1:3])))
        if body is None:
            return Answer(404, {'message': 'Not Found'})
        return Answer(200, body[-1] if len(parts) == 3 else body)


def seconds_between(a, b):
    import datetime
    whole = [datetime.datetime.fromisoformat(t.replace('Z', '+00:00')) for t in (a, b)]
    return int((whole[1] - whole[0]).total_seconds())


def rows_of_issues(recorded):
    out = []
    for name, r in recorded.rows('issues'):
        out.append({'__time': r['created_at'], 'full_name': name, 'number': r['number'], 'is_pull': int(bool(at(r, 'pull_request', 'url'))),
                    'title': r['title'], 'state': r['state'], 'comments': r.get('comments'), 'updated_at': r['updated_at'], 'closed_at': r.get('closed_at'),
                    'labels': [x['name'] for x in r.get('labels') or []] or None,
                    'assignees': [x['login'] for x in r.get('assignees') or []] or None,
                    'seconds_to_close': seconds_between(r['created_at'], r['closed_at']) if r.get('closed_at') else None})
    return out


def rows_of_releases(recorded):
    return [{'__time': r['created_at'], 'full_name': name, 'tag_name': r['tag_name'], 'published_at': r['published_at'],
             'prerelease': int(r['prerelease']), 'asset_downloads': [str(x['download_count']) for x in r['assets']] or None}
            for name, r in recorded.rows('releases')]


def rows_of_repos(recorded):
    newest = [(name, recorded.lists['repo', name][-1]) for name in recorded.names('repo')]
    return [{'__time': '2024-01-01T00:00:00Z', 'full_name': name, 'license_spdx': at(r.get('license'), 'spdx_id'), 'stargazers': r['stargazers_count']}
            for name, r in newest]


def rows_of_languages(recorded):
    return [{'__time': '2024-01-01T00:00:00Z', 'full_name': name, 'language': language, 'bytes': size}
            for name in recorded.names('languages') for language, size in recorded.lists['languages', name].items()]


def rows_of_weeks(recorded):
    return [{'__time': week['w'] * 1000, 'full_name': name, 'author_login': at(r, 'author', 'login'), 'additions': week['a'],
             'deletions': week['d'], 'commits': week['c']}
            for name, r in recorded.rows('contributors') for week in r['weeks'] if week['c']]


# ---------------------------------------------------------------- Seoul

def stations(data):
    with gzip.open(os.path.join(data, 'seoul', 'realtimeList-snapshot.json.gz')) as file:
        return json.load(file)['realtimeList']


def rows_of_stations(data):
    out = []
    for s in stations(data):
        bikes, racks = int(s['parkingBikeTotCnt']), int(s['rackTotCnt'])
        out.append({'__time': '2024-01-01T00:00:00Z', 'station_id': s['stationId'], 'station_name': re.sub(r'^(\d+[.])?\s*', '', s['stationName']),
                    'racks': racks, 'bikes': bikes, 'shared_pct': int(s['shared']), 'is_empty': int(bikes == 0), 'is_full': int(bikes >= racks)})
    return out
