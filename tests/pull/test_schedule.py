"""Schedules: runs on time, waits, retries, overlaps, alerts; all of it survives the process."""
import json
import os
import re
import time

from doubles import Answer, Double, GitHub
from ovatetest import Server
from pulltest import Folder, equal, want
from test_paging import issues


def wait_for(what, seconds=20):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = what()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError('nothing after %d s' % seconds)


def put(server, schedule):
    status, _, body = server.post('/ovate/v1/schedules', schedule)
    equal(status, 200, body)


def runs(server, name, state=None):
    found = server.get_json('/ovate/v1/schedules/' + name)['runs']
    return [r for r in found if state is None or r['state'] == state]


class Slack(Double):
    def __init__(self):
        self.texts = []
        super().__init__()

    def handle(self, request):
        return Answer(200, b'ok')


def case_next_runs_are_shown():
    with Folder() as folder:
        path = folder.spec({'name': 'repo', 'task': {'type': 'noop'}, 'cron': '50 23,11 * * *', 'timeZone': 'Asia/Seoul'})
        status, out, err = folder.command('ingest', 'schedule', 'next', path)
        times = json.loads(out)['next']
        equal((status, len(times)), (0, 10), err)
        want(all(t[11:16] in ('11:50', '23:50') and t.endswith('+09:00') for t in times), times)
        bad = [({'cron': '* * * *'}, 'five fields'), ({'every': 'PT0S'}, 'every'), ({'cron': '0 * * * *', 'every': 'PT1H'}, 'either'),
               ({'cron': '0 * * * *', 'timeZone': 'Mars/Base'}, 'Mars/Base'), ({'cron': '0 * * * *', 'onOverlap': 'x'}, 'onOverlap'),
               ({'cron': '0 * * * *', 'notify': {'url': 'https://hooks/secret'}}, 'notify.url'), ({'cron': '0 * * * *', 'colour': 1}, 'colour'),
               ({'cron': '0 * * * *', 'name': 'a/b'}, 'letters'), ({'cron': '0 * * * *', 'task': {'type': 'nap'}}, "no task type 'nap'"),
               ({'cron': '0 * * * *', 'waitFor': [{'file': 'here'}]}, 'whole path')]
        for change, words in bad:
            path = folder.spec(dict({'name': 'x', 'task': {'type': 'noop'}}, **change))
            status, _, err = folder.command('ingest', 'schedule', 'next', path)
            want(status != 0 and words in err, '%s: %s' % (change, err))


def case_runs_on_time_and_after_a_restart():
    with GitHub() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        hub.add_issues('a/b', range(1, 11))
        with Server(folder.data, env=folder.env) as server:
            put(server, {'name': 'issues', 'every': 'PT1S', 'task': issues(hub, 'a/b')})
            wait_for(lambda: len(runs(server, 'issues', 'SUCCESS')) >= 2)
            hub.add_issues('a/b', range(11, 16))
            wait_for(lambda: server.value('SELECT COUNT(*) FROM gh_issue') == 15)
        with Server(folder.data, env=folder.env) as server:
            before = len(runs(server, 'issues', 'SUCCESS'))
            want(before >= 2, 'history is kept')
            wait_for(lambda: len(runs(server, 'issues', 'SUCCESS')) > before)
            equal(server.post('/ovate/v1/schedules/issues/pause', {})[0], 200, 'pause')
            time.sleep(0.7)
            kept = len(runs(server, 'issues'))
            time.sleep(2.2)
            equal(len(runs(server, 'issues')), kept, 'paused')
            ends = [r['end'] for r in runs(server, 'issues')]
            equal(len(set(ends)), len(ends), 'each stretch once')
            equal(server.value('SELECT COUNT(*) FROM gh_issue'), 15, 'no row twice')
            equal(server.request('DELETE', '/ovate/v1/schedules/issues')[0], 200, 'remove')
            equal(server.get_json('/ovate/v1/schedules'), [], 'none is left')


def case_retries_then_tells():
    with GitHub() as hub, Slack() as slack, Folder({'TOK': 'secret-token-1'}) as folder:
        slack.once(Answer(429, b'', {'Retry-After': '1'}))
        env = dict(folder.env, HOOK=slack.url + '/hook/secret-part')
        with Server(folder.data, env=env) as server:
            put(server, {'name': 'bad', 'every': 'PT2S', 'task': issues(hub, 'no/where'), 'retries': 2, 'retryDelay': 'PT0.1S', 'maxRetryDelay': 'PT0.3S',
                         'notify': {'url': 'env:HOOK', 'on': ['failure', 'success']}})
            failed = wait_for(lambda: runs(server, 'bad', 'FAILED'))
            equal(failed[-1]['attempt'], 3, 'three attempts')
            want('no/where' in failed[-1]['why'], failed[-1])
            server.post('/ovate/v1/schedules/bad/pause', {})
            wait_for(lambda: slack.count() >= 2)
            want('secret-part' not in server.log() + json.dumps(server.get_json('/ovate/v1/schedules')), 'the webhook stays secret')
        with Server(folder.data, env=env) as server:
            before = slack.count()
            put(server, {'name': 'good', 'every': 'PT1S', 'task': {'type': 'noop', 'runTime': 1}, 'notify': {'url': 'env:HOOK', 'on': ['success']}})
            wait_for(lambda: slack.count() > before)


class Hook(Slack):
    """Keeps what is told, as Slack would get it."""

    def take(self, body):
        self.texts.append(json.loads(body)['text'])


def case_what_is_told():
    """On success and failure, and once when nothing has succeeded for long."""
    with GitHub() as hub, Hook() as hook, Folder({'TOK': 'secret-token-1'}) as folder:
        hub.add_issues('a/b', range(1, 4))
        with Server(folder.data, env=dict(folder.env, HOOK=hook.url + '/h')) as server:
            put(server, {'name': 'told', 'every': 'PT2S', 'task': issues(hub, 'a/b', limits={'pool': 'told', 'retries': 0}),
                         'notify': {'url': 'env:HOOK', 'on': ['success', 'failure'], 'lag': 'PT5S'}})
            first = wait_for(lambda: hook.texts)[0]
            for line in ('Result: success', 'Schedule: told', 'Attempt: 1 of 1', 'Rows: 3 read, 3 loaded, 0 rejected', 'Log: /druid/indexer/v1/task/'):
                want(line in first, first)
            hub.once(Answer(500, {'message': 'out of order'}), times=99)
            wait_for(lambda: any('Result: late\nSchedule: told\nNo run has succeeded for' in text for text in hook.texts))
            want(any('Result: fail' in text and 'out of order' in text for text in hook.texts), hook.texts)
            server.post('/ovate/v1/schedules/told/pause', {})
            equal(sum('Result: late' in text for text in hook.texts), 1, 'once')


def case_overlap():
    with Folder() as folder, Server(folder.data, env=folder.env) as server:
        slow = {'type': 'noop', 'runTime': 3500}
        put(server, {'name': 'skips', 'every': 'PT1S', 'task': slow})
        wait_for(lambda: runs(server, 'skips', 'SKIPPED'))
        equal(len(runs(server, 'skips', 'RUNNING')), 1, 'one at a time')
        server.post('/ovate/v1/schedules/skips/pause', {})
        put(server, {'name': 'cancels', 'every': 'PT1S', 'onOverlap': 'cancel', 'task': dict(slow, runTime=60000)})
        ended = wait_for(lambda: runs(server, 'cancels', 'FAILED'))
        want('shutdown' in ended[-1]['why'], ended)
        server.post('/ovate/v1/schedules/cancels/pause', {})
        server.request('DELETE', '/ovate/v1/schedules/cancels')
        server.post('/druid/indexer/v1/datasources/none/shutdownAllTasks', {})


def case_waits():
    with Folder() as folder, Server(folder.data, env=folder.env) as server:
        quick = {'type': 'noop', 'runTime': 1}
        mark = os.path.join(folder.work, 'ready-2.txt')
        put(server, {'name': 'file', 'every': 'PT1S', 'onOverlap': 'queue', 'task': quick, 'waitFor': {'file': os.path.join(folder.work, 'ready-*.txt')}})
        put(server, {'name': 'second', 'every': 'PT1S', 'task': quick, 'waitFor': [{'schedule': 'file'}]})
        waiting = wait_for(lambda: runs(server, 'second', 'WAITING'))
        want('schedule file' in waiting[-1]['why'], waiting)
        equal(runs(server, 'file', 'SUCCESS'), [], 'nothing ran')
        open(mark, 'w', encoding='utf-8').close()
        wait_for(lambda: runs(server, 'file', 'SUCCESS') and runs(server, 'second', 'SUCCESS'))
        put(server, {'name': 'late', 'every': 'PT1S', 'task': quick, 'waitFor': [{'file': '/never/{interval.start|yyyy}/x'}], 'waitTimeout': 'PT1S'})
        failed = wait_for(lambda: runs(server, 'late', 'FAILED'))
        want('did not come in time' in failed[-1]['why'], failed)


def case_catch_up_and_interval():
    with Folder() as folder, Server(folder.data, env=folder.env) as server:
        start = time.strftime('%Y-%m-%dT00:00:00Z', time.gmtime(time.time() - 4 * 86400))
        data = '{"t":"{interval.start}","i":"{interval}"}'
        task = {'type': 'index_parallel', 'spec': {
            'dataSchema': {'dataSource': 'days', 'timestampSpec': {'column': 't'}, 'dimensionsSpec': {'dimensions': ['i']},
                           'granularitySpec': {'segmentGranularity': 'day'}},
            'ioConfig': {'type': 'index_parallel', 'inputSource': {'type': 'inline', 'data': data}, 'inputFormat': {'type': 'json'}}}}
        put(server, {'name': 'days', 'cron': '@daily', 'start': start, 'catchup': True, 'onOverlap': 'queue', 'maxActiveRuns': 2, 'task': task})
        wait_for(lambda: len(runs(server, 'days', 'SUCCESS')) == 5)
        equal(server.value('SELECT COUNT(*) FROM days'), 5, 'a run for each day')
        for when, interval in server.sql('SELECT __time, i FROM days')[1]:
            want(interval.startswith(when) and len(interval) == 49, 'its own interval: %s %s' % (when, interval))
        equal(server.post('/ovate/v1/schedules/days/run', {})[0], 200, 'trigger')
        wait_for(lambda: len(runs(server, 'days', 'SUCCESS')) == 6)


def case_stored_schedules_are_checked():
    with GitHub() as hub, Folder({'TOK': 'secret-token-1'}) as folder, Server(folder.data, env=folder.env) as server:
        good = {'name': 'x', 'every': 'PT1H', 'task': issues(hub, 'a/b')}
        start = time.strftime('%Y-%m-%dT%H:00:00Z', time.gmtime(time.time() - 3 * 86400))
        bad = [
            (dict(good, task=dict(issues(hub, 'a/b'), sorce=1)), "task: .*unknown key 'sorce'"),
            (dict(good, task=issues(hub, 'a/b', source='github.isues')), 'task: .*there is no source'),
            (dict(good, task={'type': 'index_parallel', 'spec': {}}), 'task: .*dataSchema'),
            (dict(good, task={'type': 'pull', 'source': 'gharchive', 'dataSource': '{interval.tsart}'}), 'interval.tsart'),
            (dict(good, task={'type': 'pull', 'source': 'gharchive', 'baseUrl': 'file:///etc'}), 'only http'),
            (dict(good, waitFor=[{'schedule': 'x'}]), r'waitFor\[0\]: the schedule waits for itself'),
            (dict(good, waitFor=[{'schedule': 'nobody'}]), r"waitFor\[0\]: there is no schedule 'nobody'"),
            (dict(good, every='PT1M', catchup=True, start='2011-02-12T00:00:00Z'), 'start: .*more than 10000 runs'),
            (dict(good, catchup=True, start=start, maxCatchup=5), 'start: .*more than 5 runs'),
            (dict(good, catchup=True, onOverlap='skip'), 'onOverlap.*queued'),
            (dict(good, maxCatchup=0), 'maxCatchup'),
        ]
        for schedule, words in bad:
            status, _, body = server.post('/ovate/v1/schedules', schedule)
            want(status == 400 and re.search(words, json.loads(body)['error']), '%s: %d %s' % (words, status, body))
        equal(server.get_json('/ovate/v1/schedules'), [], 'nothing is stored')
        equal((hub.count(), server.get_json('/druid/indexer/v1/tasks')), (0, []), 'nothing is asked, no task is left')


def case_catching_up_goes_on_after_a_stop():
    with Folder() as folder:
        start = time.strftime('%Y-%m-%dT%H:%M:00Z', time.gmtime(time.time() - 250 * 60))
        server = Server(folder.data, env=folder.env)
        put(server, {'name': 'minutes', 'every': 'PT1M', 'start': start, 'catchup': True, 'maxActiveRuns': 20, 'task': {'type': 'noop', 'runTime': 1}})
        shown = wait_for(lambda: (lambda s: s if s['behind'] else None)(server.get_json('/ovate/v1/schedules/minutes')))
        want(100 < shown['behind'] <= 251, shown['behind'])
        want(shown['next'][0] > time.strftime('%Y-%m-%dT%H:%M', time.gmtime()), 'the clock\'s own times come next: %s' % shown['next'])
        server.kill()
        with Server(folder.data, env=folder.env) as server:
            wait_for(lambda: server.get_json('/ovate/v1/schedules/minutes')['behind'] == 0, 60)
            wait_for(lambda: not runs(server, 'minutes', 'RUNNING'))
            ends = [r['end'] for r in runs(server, 'minutes')]
            equal((len(set(ends)), runs(server, 'minutes', 'FAILED')), (len(ends), []), 'each stretch once, and what was under way runs again')
            equal(server.value("SELECT COUNT(*) FROM sys.tasks WHERE status <> 'SUCCESS'"), 0, 'all of them')
            tasks = server.value("SELECT COUNT(*) FROM sys.tasks WHERE task_id LIKE 'minutes!_%' ESCAPE '!'")
            want(249 <= tasks <= 253, tasks)
            equal(server.value("SELECT COUNT(*) FROM sys.tasks WHERE task_id LIKE 'minutes!_%!_1' ESCAPE '!'"), 0, 'no second attempt')

def case_heartbeat():
    with Slack() as sink, Folder() as folder:
        with Server(folder.data, env=dict(folder.env, BEAT=sink.url + '/beat'), args=['--heartbeat', 'env:BEAT']):
            wait_for(lambda: sink.count() >= 1)
        equal(sink.seen[0].method, 'GET', 'asked, not told')
