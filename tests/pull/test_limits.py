"""Limits, waits and failures: what is waited for, what is tried again, what is a gap."""
import json
import time

from doubles import Answer, GitHub
from ovatetest import Server
from pulltest import Folder, equal, want
from test_paging import issues

QUICK = {'backoff': 'PT0.05S', 'maxBackoff': 'PT0.2S', 'poll': 'PT0.05S'}


def run_with(fault, numbers=range(1, 151), times=1, **more):
    """One repository of two pages with one fault in the way; the report."""
    with GitHub() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        hub.add_issues('a/b', numbers)
        if fault:
            hub.once(fault, times=times)
        more.setdefault('limits', dict(QUICK, pool='limits-%s' % id(hub)))
        got = folder.run(issues(hub, 'a/b', **more))
        equal(folder.value('SELECT COUNT(DISTINCT number) FROM gh_issue'), len(numbers), 'rows')
        equal(folder.value('SELECT COUNT(*) FROM gh_issue'), len(numbers), 'no row twice')
        return got


def case_server_errors_are_tried_again():
    for status in (500, 502, 503, 408):
        equal(run_with(Answer(status, 'oops'), times=3)['requests'], 5, 'status %d' % status)


def case_cut_body_is_tried_again():
    got = run_with(Answer(200, b'[{"id":1,"updated_at":"2024-01-01T00:00:00Z","title":"xxxxxxxxxxxxx"}]', cut=20))
    equal(got['requests'], 3, 'requests')


def case_slow_body_times_out_and_is_tried_again():
    with GitHub() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        hub.add_issues('a/b', range(1, 5))
        hub.once(Answer(200, [], pause=3))
        got = folder.run(issues(hub, 'a/b', limits=dict(QUICK, pool='slow', timeout='PT0.5S')))
        equal((got['loaded'], got['requests']), (4, 2), 'after the time-out')


def case_retry_after_is_kept():
    start = time.monotonic()
    run_with(Answer(429, {'message': 'slow down'}, {'Retry-After': '1'}))
    want(time.monotonic() - start >= 1, 'one second was asked for')


def case_secondary_limit_waits():
    got = run_with(Answer(403, {'message': 'You have exceeded a secondary rate limit.'}))
    equal(got['requests'], 3, 'asked again')


def case_budget_parks_until_reset():
    with GitHub(budget=3) as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        hub.add_issues('a/b', range(1, 501))
        start = time.monotonic()
        got = folder.run(issues(hub, 'a/b', limits=dict(QUICK, pool='budget')))
        equal(got['loaded'], 500, 'all rows')
        want(time.monotonic() - start >= 1, 'the budget of three requests is used up before the end')
        refused = sum(1 for r in hub.seen) - 5
        want(refused <= 2, 'the reset was waited for, not probed: %d requests too many' % refused)


def case_two_tokens_share_the_work():
    with GitHub(budget=3) as hub, Folder({'T1': 'secret-token-1', 'T2': 'secret-token-2'}) as folder:
        hub.reset_after = 30
        hub.add_issues('a/b', range(1, 501))
        spec = issues(hub, 'a/b', limits=dict(QUICK, pool='tokens'), auth={'tokens': ['env:T1', 'env:T2']})
        start = time.monotonic()
        equal(folder.run(spec)['loaded'], 500, 'all rows')
        want(time.monotonic() - start < 15, 'the second token goes on where the first is used up')
        equal({r.header('Authorization') for r in hub.seen}, {'Bearer secret-token-1', 'Bearer secret-token-2'}, 'tokens')


def case_exactly_the_planned_calls():
    """Two tokens may do just what is to be done: no request is refused, and nobody waits for the reset."""
    class Hub(GitHub):
        def handle(self, request):
            refused, headers = self.limits(request)
            if refused:
                self.refused += 1
                return refused
            self.used[request.header('Authorization') or ''][0] += 1
            number = int(request.path.rsplit('r', 1)[1])
            return Answer(200, {'id': number, 'full_name': request.path[7:], 'name': 'r', 'owner': {'id': 7, 'login': 'o', 'type': 'User'}}, headers)
    for left in (0, 3):
        with Hub(budget=100) as hub, Folder({'A': 'token-one-1', 'B': 'token-two-2'}) as folder:
            hub.reset_after, hub.refused = 600, 0
            if left:
                hub.used['Bearer token-one-1'] = [100 - left, time.time() + 600]  # another program has used it
            spec = {'type': 'pull', 'source': 'github.repo', 'baseUrl': hub.url, 'auth': {'tokens': ['env:A', 'env:B']},
                    'limits': dict(QUICK, pool='exact', slots=16), 'params': {'repo': ['o/r%d' % n for n in range(100 + left if left else 200)]}}
            start = time.monotonic()
            got = folder.run(spec)
            equal((got['requests'], hub.count(), hub.refused), (100 + left if left else 200,) * 2 + (0,), 'calls')
            want(time.monotonic() - start < 20, 'nothing was waited for')


def case_no_limits_said_is_a_normal_case():
    got = run_with(Answer(429, {'message': 'x'}, {'X-RateLimit-Limit': '0', 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': '0'}))
    equal(got['requests'], 3, 'reset in the past: a short wait of our own')


def case_permission_is_no_limit():
    with GitHub() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        hub.add_issues('a/b', range(1, 5))
        hub.once(Answer(403, {'message': 'Resource not accessible'}), times=9)
        folder.fails(issues(hub, 'a/b'), 'Resource not accessible', '403')
        equal(hub.count(), 1, 'asked once')


def case_computing_is_polled():
    with GitHub() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        weeks = [{'w': 1704067200 + i * 604800, 'a': i, 'd': 1, 'c': i % 3} for i in range(6)]
        stats = [{'author': {'login': 'u', 'id': 7, 'type': 'User'}, 'total': 9, 'weeks': weeks}]
        hub.once(Answer(202, b''), times=2)
        hub.once(Answer(200, stats), times=1)
        spec = issues(hub, 'a/b', source='github.contributor_stats', limits=dict(QUICK, pool='poll'))
        got = folder.run(spec)
        equal((got['read'], got['loaded'], got['filtered'], got['requests']), (6, 4, 2, 3), 'zero weeks are left out')
        equal(folder.sql('SELECT SUM(additions) a, SUM(commits) c FROM gh_contributor_week'), [{'a': 12, 'c': 6}], 'sums')
        weeks[5].update(a=50, c=4)
        hub.once(Answer(200, stats), times=1)
        equal(folder.run(spec)['loaded'], 1, 'only the week that changed')


def case_gaps_and_policy():
    with GitHub() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        hub.add_issues('a/b', range(1, 5))
        spec = issues(hub, ['a/b', 'gone/away'])
        folder.fails(spec, '1 of 2 series', 'gone/away', '404')
        equal(folder.report()['state'], 'FAILED', 'by default')
        equal(folder.value('SELECT COUNT(*) FROM gh_issue'), 4, 'what is there is kept')
        got = folder.run(dict(spec, onGap='record'))
        equal((got['state'], got['gaps'], got['loaded']), ('SUCCESS', 1, 0), 'told, not hidden')
        rows = folder.sql("SELECT status, expected, received FROM sys.completeness ORDER BY status")
        equal(rows, [{'status': 'missing', 'expected': 1, 'received': 0}, {'status': 'partial', 'expected': 2, 'received': 1}], 'ledger')


def case_one_failure_leaves_the_others():
    with GitHub() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        for repo in ('a/a', 'b/b', 'c/c'):
            hub.add_issues(repo, range(1, 151))
        bad = Answer(500, {'message': 'broken'})
        hub.once(bad, when=lambda r: 'b/b' in r.path or ('/1/' in r.path and 'page=2' in r.target), times=50)
        spec = issues(hub, ['a/a', 'b/b', 'c/c'], limits=dict(QUICK, pool='one', retries=1))
        folder.fails(spec, '1 of 3 series failed', 'broken')
        equal(folder.value('SELECT COUNT(*) FROM gh_issue'), 300, 'of the others')
        hub.faults.clear()
        before = hub.count()
        equal(folder.run(spec)['loaded'], 150, 'the rest comes')
        equal(hub.count() - before, 4, 'two asked again at their cursor, one in full')


def case_failure_on_a_later_page_goes_on_there():
    with GitHub() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        hub.add_issues('a/b', range(1, 301))
        hub.once(Answer(500, 'x'), when=lambda r: 'page=2' in r.target, times=2)
        spec = issues(hub, 'a/b', limits=dict(QUICK, pool='later', retries=1))
        folder.fails(spec, '1 of 1 series failed')
        equal(folder.value('SELECT COUNT(*) FROM gh_issue'), 100, 'the first page is kept')
        hub.seen.clear()
        equal(folder.run(spec)['loaded'], 200, 'the rest')
        want('page=2' in hub.seen[0].target, 'the first page is not asked again')
        equal(folder.value('SELECT COUNT(DISTINCT number) FROM gh_issue'), 300, 'whole')


def case_retry_after_may_be_a_date():
    start = time.monotonic()
    then = time.strftime('%a, %d %b %Y %H:%M:%S GMT', time.gmtime(time.time() + 3))
    run_with(Answer(503, b'', {'Retry-After': then}))
    want(1.5 < time.monotonic() - start < 10, 'it was waited for')


class Slow(GitHub):
    """Notes when each request came; each takes a fifth of a second."""

    def __init__(self):
        self.came = []
        super().__init__()

    def handle(self, request):
        self.came.append(time.monotonic())
        return Answer(200, [{'id': 1, 'number': 1, 'created_at': '2024-01-01T00:00:00Z', 'updated_at': '2024-01-01T00:00:00Z'}], pause=0.2)

    def most_within(self, seconds):
        return max(sum(1 for other in self.came if at <= other < at + seconds) for at in self.came)


def case_slots_and_rates_of_a_pool():
    """Tasks that run at once share them: no more requests under way than slots, and in a stretch than the rate and what it saved up."""
    for limits, seconds, most, least in (({'slots': 3}, 0.19, 3, 1.2), ({'slots': 50, 'rate': '6/PT1S'}, 0.95, 12, 1.9)):
        with Slow() as hub, Folder({'TOK': 'secret-token-1'}) as folder, Server(folder.data, env=folder.env) as server:
            start, ids = time.monotonic(), []
            for task in range(2):
                spec = issues(hub, ['o/r%d' % (task * 10 + n) for n in range(10)], name='t%d' % task, limits=dict(QUICK, pool='shared', **limits))
                status, _, body = server.post('/druid/indexer/v1/task', spec)
                equal(status, 200, body)
                ids.append(json.loads(body)['task'])
            equal([server.wait_task(i)['status'] for i in ids], ['SUCCESS', 'SUCCESS'], limits)
            equal(len(hub.came), 20, 'requests')
            want(hub.most_within(seconds) <= most, '%s: %d at once' % (limits, hub.most_within(seconds)))
            want(time.monotonic() - start >= least, '%s: %.2f s' % (limits, time.monotonic() - start))


def case_so_many_series_may_fail():
    with GitHub() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        for repo in ('a/a', 'b/b', 'c/c'):
            hub.add_issues(repo, range(1, 6))
        hub.once(Answer(500, {'message': 'broken'}), when=lambda r: 'b/b' in r.path, times=99)
        spec = issues(hub, ['a/a', 'b/b', 'c/c'], limits=dict(QUICK, pool='may', retries=0))
        folder.fails(spec, '1 of 3 series failed')
        got = folder.run(dict(spec, maxFailures=1))
        equal((got['state'], got['failures']), ('SUCCESS', 1), 'told')
        want('broken' in got['firstFailure'], got)
        equal(folder.sql("SELECT status, expected, received FROM sys.completeness WHERE status = 'partial'"), [{'status': 'partial', 'expected': 3, 'received': 2}],
              'and in the ledger')
