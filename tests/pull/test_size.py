"""Sizes: a day of real events within the memory of a task, thousands of repositories in as many calls as planned."""
import gzip
import json
import os
import re
import subprocess
import sys
import time

from doubles import Answer, Archive, GitHub
from ovatetest import binary, sanitized
from pulltest import Folder, equal, shared, want
from test_limits import QUICK
from test_sources import archive_spec

REPOS = int(os.environ.get('OVATE_PULL_REPOS', '1000'))


def peak_of(folder, spec, words):
    """Run the spec in a process of its own; its peak resident memory in MiB, and its output."""
    script = 'import resource, subprocess, sys; r = subprocess.run(sys.argv[1:]); ' \
             'print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(r.returncode)'
    run = subprocess.run([sys.executable, '-c', script, binary(), 'ingest', 'run', folder.spec(spec), '--data', folder.data, *words], env=folder.env,
                         capture_output=True, check=False, timeout=600)
    want(run.returncode == 0, run.stderr.decode('utf-8', 'replace') + folder.task_log())
    lines = run.stdout.decode().splitlines()
    return int(lines[-1]) / 1024, lines[:-1]


def case_a_day_of_events_in_256_mib():
    """24 hours of GH Archive, each the real one with its instants moved and its ids made new, under --memory 256MiB: rows, and the process as a whole."""
    path = shared('data/gharchive/2015-01-01-15.json.gz')
    if not path:
        print('skipped: no recorded hours of GH Archive')
        return
    real = gzip.open(path).read()
    rows = real.count(b'\n') + (not real.endswith(b'\n'))
    with Archive() as api, Folder() as folder:
        for h in range(24):
            moved = real.replace(b'2015-01-01T15:', b'2015-01-01T%02d:' % h)
            moved = re.sub(rb'^{"id":"', b'{"id":"%d' % (h + 10), moved, flags=re.MULTILINE)
            api.files['2015-01-01-%d.json.gz' % h] = gzip.compress(moved, 1)
        start = time.monotonic()
        peak, _ = peak_of(folder, archive_spec(api, '2015-01-01/2015-01-02'), ('--memory', '256MiB'))
        seconds = time.monotonic() - start
        got = folder.report()
        equal((got['loaded'], got['rejected'], got['requests']), (24 * rows, 0, 24), 'a day')
        equal(folder.value('SELECT COUNT(DISTINCT TIME_FLOOR(__time, \'PT1H\')) FROM gh_event'), 24, 'hours')
        equal(folder.value('SELECT COUNT(*) FROM gh_event'), 24 * rows, 'events')
        print('%d rows, %.0f MB of JSON, %.1f s, peak %.0f MiB' % (24 * rows, 24 * len(real) / 1e6, seconds, peak))
        want(sanitized() or peak < 256, 'peak %.0f MiB' % peak)


def case_repositories_in_the_planned_calls():
    """Metadata of many repositories: as many calls as the plan says, then as many answers of 304, within the limits of two tokens."""
    class Hub(GitHub):
        def listing(self, request, repo, what):
            return Answer(404, {'message': 'Not Found'})

        def handle(self, request):
            refused, headers = self.limits(request)
            if refused:
                return refused
            number = int(request.path.rsplit('r', 1)[1])
            body = {'id': number, 'full_name': request.path[7:], 'name': 'r%d' % number, 'stargazers_count': number, 'forks_count': 1, 'size': 3,
                    'owner': {'id': 7, 'login': 'o', 'type': 'User'}, 'fork': False, 'archived': False}
            tag = '"%d"' % number
            headers['ETag'] = tag
            if request.header('If-None-Match') == tag:
                return Answer(304, b'', headers)
            self.used[request.header('Authorization') or ''][0] += 1
            return Answer(200, body, headers)
    with Hub(budget=REPOS // 2 + REPOS // 20 + 50) as hub, Folder({'A': 'token-one-1', 'B': 'token-two-2'}) as folder:
        hub.reset_after = 600
        spec = {'type': 'pull', 'source': 'github.repo', 'baseUrl': hub.url, 'auth': {'tokens': ['env:A', 'env:B']}, 'limits': dict(QUICK, pool='many'),
                'params': {'repo': ['o/r%d' % n for n in range(REPOS)]}}
        plan = json.loads(folder.ingest(spec, 'plan')[1])
        start = time.monotonic()
        got = folder.run(spec)
        seconds = time.monotonic() - start
        equal((plan['requestsAtLeast'], got['requests'], hub.count(), got['loaded']), (REPOS,) * 4, 'as planned')
        equal(folder.sql('SELECT COUNT(*) n, SUM(stargazers) s FROM gh_repo_snapshot'), [{'n': REPOS, 's': REPOS * (REPOS - 1) // 2}], 'rows')
        again = folder.run(spec)
        equal((again['requests'], again['unchanged'], again['loaded']), (REPOS, REPOS, 0), 'nothing has changed, and nothing of the budget is used')
        print('%d repositories in %d calls, %.1f s' % (REPOS, got['requests'], seconds))
