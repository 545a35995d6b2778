"""One commit, told truly: killed anywhere, by plan and by chance, the rows are the same; an archive gives the same segments; lineage leads to bytes."""
import glob
import hashlib
import json
import os
import random
import subprocess

from doubles import Answer, Archive, GitHub
from ovatetest import binary
from pulltest import Folder, equal, has_faults, want
from test_paging import issues
from test_sources import archive_spec, hour

POINTS = ('OV_FAULT_PULL_ANSWERED', 'OV_FAULT_PULL_SPOOLED', 'OV_FAULT_PULL_LOADED', 'OV_FAULT_PULL_COMMITTED', 'OV_FAULT_COMMIT_PLACED',
          'OV_FAULT_COMMIT_RENAMED', 'OV_FAULT_COMMIT_SYNCED', 'OV_FAULT_COMMIT_WRITTEN')
ROUNDS = int(os.environ.get('OVATE_PULL_CRASH_ROUNDS', '3'))
CHANCES = int(os.environ.get('OVATE_PULL_CHANCES', '8'))


def undisturbed(hub, spec):
    with Folder({'TOK': 'secret-token-1'}) as folder:
        folder.run(spec)
        return folder.rows_hash('gh_issue')


def case_killed_anywhere():
    """Kill at the n-th pass of every point, run again: no row lost, none twice, nothing asked again that was committed."""
    if not has_faults():
        print('skipped: this build has no fault points')
        return
    with GitHub() as hub:
        for n, repo in enumerate(('a/a', 'b/b', 'c/c')):
            hub.add_issues(repo, range(1, 120 + 90 * n))
        spec = issues(hub, ['a/a', 'b/b', 'c/c'], commitSeries=1, commitPages=2)
        wanted = undisturbed(hub, spec)
        kills = 0
        for point in POINTS:
            for n in range(1, ROUNDS + 1):
                with Folder({'TOK': 'secret-token-1'}) as folder:
                    hub.seen.clear()
                    status, _, _ = folder.ingest(spec, env={'OVATE_FAULT': '%s:%d:crash' % (point, n)})
                    kills += status != 0
                    done = folder.committed_series() if os.path.exists(os.path.join(folder.data, 'catalog.db')) else set()
                    hub.seen.clear()
                    folder.run(spec)
                    equal(folder.rows_hash('gh_issue'), wanted, '%s:%d' % (point, n))
                    for repo in done:
                        first = [r for r in hub.seen if r.path.startswith('/repos/%s/' % repo)]
                        want(all('since' in r.query for r in first), '%s:%d: %s was committed and is asked in full' % (point, n, repo))
                    equal(os.listdir(os.path.join(folder.data, 'tmp')), [], 'nothing is left behind')
        want(kills >= len(POINTS), 'the faults were met: %d' % kills)


def killed_by_chance(chance, folder, spec, points):
    """Run `spec` once; it dies at some pass of some fault point, or after some milliseconds. Did it?"""
    if points and chance.random() < 0.6:
        return folder.ingest(spec, env={'OVATE_FAULT': '%s:%d:crash' % (chance.choice(points), chance.randint(1, 9))})[0] != 0
    process = subprocess.Popen([binary(), 'ingest', 'run', folder.spec(spec), '--data', folder.data], env=folder.env,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(chance.uniform(0.01, 0.35))
        return False
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True


def case_killed_by_chance():
    """Up to three kills one after another, wherever they fall: pages with cursors, and files of hours with one that is missing."""
    points = POINTS if has_faults() else ()
    with GitHub() as hub, Archive() as api:
        for n, repo in enumerate(('a/a', 'b/b', 'c/c')):
            hub.add_issues(repo, range(1, 120 + 90 * n))
        for h in range(8):
            api.files['2015-01-01-%d.json.gz' % h] = hour('2015-01-01T%02d' % h, rows=9, start=h * 100)
        del api.files['2015-01-01-5.json.gz']
        specs = [('gh_issue', issues(hub, ['a/a', 'b/b', 'c/c'], commitSeries=1, commitPages=2)),
                 ('gh_event', archive_spec(api, '2015-01-01T00/PT8H', onGap='record', tuningConfig={'type': 'index_parallel'}, commitSeries=2))]
        wanted = {}
        for table, spec in specs:
            with Folder({'TOK': 'secret-token-1'}) as folder:
                folder.run(spec)
                wanted[table] = folder.rows_hash(table)
        kills = 0
        for seed in range(CHANCES):
            chance = random.Random(seed)
            table, spec = chance.choice(specs)
            with Folder({'TOK': 'secret-token-1'}) as folder:
                kills += sum(killed_by_chance(chance, folder, spec, points) for _ in range(chance.randint(1, 3)))
                folder.run(spec)
                equal(folder.rows_hash(table), wanted[table], 'seed %d, %s' % (seed, table))
                equal(os.listdir(os.path.join(folder.data, 'tmp')), [], 'seed %d: nothing is left behind' % seed)
        print('%d kills in %d rounds' % (kills, CHANCES))


def segment_sums(folder, table):
    files = sorted(glob.glob(os.path.join(folder.data, 'segments', table, '*')))
    return sorted(hashlib.sha256(open(path, 'rb').read()).hexdigest() for path in files)


def case_replay_gives_the_same_segments():
    with GitHub() as hub, Folder({'TOK': 'secret-token-1'}) as folder, Folder() as other:
        hub.add_issues('a/b', range(1, 251))
        hub.add_issues('c/d', range(1, 31), day='2024-02-03')
        spec = issues(hub, ['a/b', 'c/d'], archive=True)
        equal(folder.run(spec)['loaded'], 280, 'from the network')
        index = glob.glob(os.path.join(folder.data, 'raw', '**', '*.ndjson'), recursive=True)
        equal(len(index), 1, 'one archive')
        asked = hub.count()
        replay = issues(hub, ['a/b', 'c/d'], replay=index[0])
        equal(other.run(replay)['loaded'], 280, 'from the archive')
        equal(hub.count(), asked, 'nothing is asked')
        equal(segment_sums(other, 'gh_issue'), segment_sums(folder, 'gh_issue'), 'the same bytes')
        want('secret-token-1' not in open(index[0], encoding='utf-8').read(), 'no secret in the archive')
        data = index[0][:-7] + '.bin'
        with open(data, 'r+b') as file:
            file.seek(100)
            file.write(b'#')
        with Folder() as third:
            third.fails(replay, 'SHA-256 differs')


def case_replay_of_files():
    with Archive() as api, Folder() as folder, Folder() as other:
        for h in range(3):
            api.files['2015-01-01-%d.json.gz' % h] = hour('2015-01-01T%02d' % h, start=h * 100)
        spec = archive_spec(api, '2015-01-01T00/PT3H', archive=True)
        folder.run(spec)
        index = glob.glob(os.path.join(folder.data, 'raw', '**', '*.ndjson'), recursive=True)[0]
        equal(other.run(archive_spec(api, '2015-01-01T00/PT3H', replay=index))['loaded'], 9, 'rows')
        equal(segment_sums(other, 'gh_event'), segment_sums(folder, 'gh_event'), 'the same bytes')


def case_lineage_leads_to_bytes():
    with GitHub() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        hub.add_issues('a/b', range(1, 151))
        folder.run(issues(hub, 'a/b', archive=True))
        rows = folder.sql('SELECT * FROM sys.lineage ORDER BY url')
        equal((len(rows), sum(r['rows'] for r in rows)), (2, 150), 'two answers')
        for row in rows:
            path, span = row['range'].split('#')
            first, last = map(int, span.split('-'))
            body = open(os.path.join(folder.data, path), 'rb').read()[first:last]
            equal((hashlib.sha256(body).hexdigest(), len(body)), (row['sha256'], row['bytes']), 'the bytes themselves')
            want(row['etag'] and row['fetched_at'] and row['segment_id'].startswith('gh_issue_'), row)
        status, out, err = folder.command('lineage', rows[0]['segment_id'], '--format', 'jsonl')
        equal((status, len(out.splitlines())), (0, 2), err)


def case_counters_and_rejects():
    with GitHub() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        good = {'id': 1, 'number': 1, 'created_at': '2024-01-01T00:00:00Z', 'updated_at': '2024-01-01T00:00:00Z'}
        hub.once(Answer(200, [good, dict(good, id=2, created_at='never'), dict(good, id=3), good]))
        got = folder.run(issues(hub, 'a/b'))
        equal((got['read'], got['loaded'], got['rejected'], got['filtered']), (4, 2, 1, 1), 'read = loaded + rejected + filtered')
        rows = folder.sql('SELECT * FROM sys.rejects')
        equal(len(rows), 1, 'one reject')
        want('never' in rows[0]['reason'] + (rows[0]['value'] or ''), rows)


def case_a_first_answer_of_bad_rows_alone():
    """Nothing can be stored: the task fails, and the page is asked for again."""
    with GitHub() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        bad = {'id': 1, 'number': 1, 'created_at': 'never', 'updated_at': 'never'}
        hub.once(Answer(200, [bad, dict(bad, id=2)]))
        folder.fails(issues(hub, 'a/b'), 'all 2 rows were rejected')
        hub.once(Answer(200, [dict(bad, created_at='2024-01-01T00:00:00Z', updated_at='2024-01-01T00:00:00Z')]))
        equal(folder.run(issues(hub, 'a/b'))['loaded'], 1, 'the page was asked for again')


def case_two_tasks_over_one_series():
    """Whoever commits second is told, and loads nothing."""
    with GitHub() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        hub.add_issues('a/b', range(1, 51))
        spec = issues(hub, 'a/b')
        folder.run(spec)
        hub.add_issues('a/b', range(51, 61))
        from ovatetest import Server
        with Server(folder.data, env=dict(folder.env)) as server:
            hub.once(Answer(200, [], pause=0.5), when=lambda r: False)
            ids = []
            for _ in range(4):
                status, _, body = server.post('/druid/indexer/v1/task', spec)
                equal(status, 200, body)
                ids.append(json.loads(body)['task'])
            states = [server.wait_task(i) for i in ids]
            equal(server.value('SELECT COUNT(*) FROM gh_issue'), 60, 'no row twice: %s' % states)


