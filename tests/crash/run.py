#!/usr/bin/env python3
"""Kill -9 at random moments while rows are loaded: after each restart only whole commits are visible and nothing leaks.

    run.py [--rounds N] [--seed N]           (default rounds: OVATE_CRASH_ROUNDS, else 40; the reference run is 200)

Each round starts the server on the folder the last kill left, looks at what is there, starts a load and kills the
process group some random time later: sometimes while it starts, sometimes long after the commit. Odd rounds append a
batch to `appended`, even ones replace all of `replaced`; a third of the loads run as `ovate ingest run` without a server,
and half of the replacements that are left as REPLACE ... SELECT from EXTERN, with CLUSTERED BY.
"""
import argparse
import glob
import json
import os
import random
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'lib')]
from ovatetest import Counter, Server, binary  # noqa: E402

DAYS, ROWS_A_DAY = 3, 2000
ROWS = DAYS * ROWS_A_DAY


def write_batch(folder, batch):
    """A CSV of one batch: ROWS rows over DAYS days, each row naming its batch."""
    path = os.path.join(folder, 'batch-%d.csv' % batch)
    with open(path, 'w', encoding='utf-8') as file:
        file.write('time,batch,n,text\n')
        for i in range(ROWS):
            second = i % ROWS_A_DAY * 43
            file.write('2024-05-%02dT%02d:%02d:%02dZ,b%d,%d,text %d\n' % (
                1 + i // ROWS_A_DAY, second // 3600, second // 60 % 60, second % 60, batch, i, i * 7919 % 1009))
    return path


def spec(table, path, append):
    return {'type': 'index_parallel', 'spec': {
        'dataSchema': {'dataSource': table, 'timestampSpec': {'column': 'time', 'format': 'iso'},
                       'dimensionsSpec': {'dimensions': ['batch', {'type': 'long', 'name': 'n'}, 'text']},
                       'granularitySpec': {'segmentGranularity': 'DAY', 'queryGranularity': 'NONE', 'rollup': False}},
        'ioConfig': {'type': 'index_parallel', 'inputSource': {'type': 'local', 'files': [path]},
                     'inputFormat': {'type': 'csv', 'findColumnsFromHeader': True}, 'appendToExisting': append},
        'tuningConfig': {'type': 'index_parallel'}}}


def post(server, path, table, batch_path, by_sql):
    """The load as a task of the server; its id."""
    if not by_sql:
        return json.loads(server.post('/druid/indexer/v1/task', spec(table, batch_path, table == 'appended'))[2])['task']
    source = json.dumps({'type': 'local', 'files': [batch_path]})
    sql = """REPLACE INTO %s OVERWRITE ALL SELECT TIME_PARSE("time") AS __time, batch, n, "text" FROM TABLE(EXTERN('%s',
             '{"type":"csv","findColumnsFromHeader":true}')) EXTEND ("time" VARCHAR, batch VARCHAR, n BIGINT, "text" VARCHAR)
             PARTITIONED BY DAY CLUSTERED BY "text" """ % (table, source)
    return json.loads(server.post(path, {'query': sql, 'context': {'rowsPerSegment': 500}})[2])['taskId']


def tables_of(server):
    return {row[0] for row in server.sql("SELECT TABLE_NAME FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = 'druid'")[1]}


def look(server, counter, name, done):
    """What is visible is whole batches, and every batch whose success was reported is there. Returns the batches."""
    tables, seen = tables_of(server), set()
    if 'appended' in tables:
        rows = server.sql('SELECT batch, COUNT(*), SUM(n), COUNT(DISTINCT n) FROM appended GROUP BY batch')[1]
        broken = [row for row in rows if row[1:] != [ROWS, ROWS * (ROWS - 1) // 2, ROWS]]
        counter.check(name + ': whole batches', not broken, broken)
        seen = {row[0] for row in rows}
    counter.check(name + ': no reported batch is missing', done['appended'] <= seen, done['appended'] - seen)
    if 'replaced' in tables:
        rows = server.sql('SELECT batch, COUNT(*), SUM(n) FROM replaced GROUP BY batch')[1]
        counter.check(name + ': one whole replacement', [row[1:] for row in rows] == [[ROWS, ROWS * (ROWS - 1) // 2]], rows)
        newest = max((int(b[1:]) for b in done['replaced']), default=0)
        counter.check(name + ': the replacement is no older than a reported one', rows and int(rows[0][0][1:]) >= newest, rows)
    else:
        counter.check(name + ': replaced is there once reported', not done['replaced'])


def kill_command(command, after):
    """Start a command, kill it after that time; True when it ended well before."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        return process.wait(after) == 0
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False


def one_round(number, data, folder, chance, counter, done, typical):
    server = Server(data=data)
    look(server, counter, 'round %d' % number, done)
    table = 'appended' if number % 2 else 'replaced'
    task = spec(table, write_batch(folder, number), table == 'appended')
    after = chance.uniform(0, typical * 1.3)
    ended = False
    if chance.random() < 0.34:
        server.stop()
        path = os.path.join(folder, 'spec-%d.json' % number)
        with open(path, 'w', encoding='utf-8') as file:
            json.dump(task, file)
        ended = kill_command([binary(), 'ingest', 'run', path, '--data', data], after)
    else:
        accepted = post(server, '/druid/v2/sql/task', table, os.path.join(folder, 'batch-%d.csv' % number),
                        table == 'replaced' and chance.random() < 0.5)
        until = time.monotonic() + after
        while time.monotonic() < until and not ended:
            ended = server.get_json('/druid/indexer/v1/task/%s/status' % accepted)['status']['status'] == 'SUCCESS'
            time.sleep(0.001)
        server.kill()
    if ended:
        done[table].add('b%d' % number)
    os.unlink(os.path.join(folder, 'batch-%d.csv' % number))


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument('--rounds', type=int, default=int(os.environ.get('OVATE_CRASH_ROUNDS', '40')))
    words.add_argument('--seed', type=int, default=20241121)
    asked = words.parse_args()
    chance, counter, done = random.Random(asked.seed), Counter(), {'appended': set(), 'replaced': set()}
    with tempfile.TemporaryDirectory(prefix='ovate-crash-') as folder:
        data = os.path.join(folder, 'data')
        server = Server(data=os.path.join(folder, 'timing'))
        start = time.monotonic()
        server.ingest(spec('timing', write_batch(folder, 0), True))
        typical = time.monotonic() - start
        server.close()
        for number in range(1, asked.rounds + 1):
            one_round(number, data, folder, chance, counter, done, typical)
        server = Server(data=data)
        look(server, counter, 'end', done)
        held = server.value('SELECT COUNT(*) FROM sys.segments')
        files = glob.glob(os.path.join(data, 'segments', '**', '*.ovs'), recursive=True)
        counter.check('segment files are those of the catalog', len(files) == held, '%d files, %d in the catalog' % (len(files), held))
        left = [os.path.join(where, name) for where, _, names in os.walk(os.path.join(data, 'tmp')) for name in names]
        counter.check('no temporary file is left', not left, left[:5])
        server.close()
        bad = [path for path in files if subprocess.run([binary(), 'segment', 'verify', path], capture_output=True,
                                                        check=False).returncode]
        counter.check('every segment verifies', not bad, bad[:5])
        print('%d rounds, seed %d; loads that ended before the kill: %d' % (
            asked.rounds, asked.seed, sum(map(len, done.values()))))
    counter.finish()


main()
