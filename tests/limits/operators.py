#!/usr/bin/env python3
"""Every operator, kind of join and window function: within its memory, and its end when nobody wants it any more. README.md beside this file."""
import contextlib
import json
import os
import re
import socket
import sys
import tempfile
import threading
import time

import run
from run import ORDER, QUERIES, WIDE, ask
from ovatetest import ROOT, Counter, Server, sanitized

PAIRS = 'FROM (%s WHERE shared > 3) a %s JOIN (%s WHERE shared < 20) b ON a.__time = b.__time AND a.stationId = b.stationId'
# Kinds of joins that the statements of run.py have none of, so that there is one of each.
JOINS = {
    'join ' + kind: 'SELECT COUNT(*), SUM(a.shared), SUM(b.rackTotCnt), COUNT(a.w), COUNT(b.w) ' + PAIRS % (WIDE, kind, WIDE)
    for kind in ('INNER', 'LEFT', 'RIGHT')
}
EXISTS = 'EXISTS (SELECT 1 FROM (%s) b WHERE b.w = a.w AND b.__time = a.__time AND MOD(b.rackTotCnt, 3) = 1)' % WIDE
JOINS.update({
    'join semi': 'SELECT COUNT(*), MAX(w) FROM (%s) a WHERE %s' % (WIDE, EXISTS),
    'join anti': 'SELECT COUNT(*), MAX(w) FROM (%s) a WHERE NOT %s' % (WIDE, EXISTS),
    'join mark': 'SELECT COUNT(*), SUM(CASE WHEN %s THEN 1 ELSE 2 END), MAX(w) FROM (%s) a' % (EXISTS, WIDE),
    'join single': 'SELECT COUNT(*), SUM((SELECT b.n FROM (SELECT __time AS tm, stationId AS s, shared AS n FROM t GROUP BY 1, 2, 3) b '
                   'WHERE b.tm = a.__time AND b.s = a.stationId AND b.n = a.shared)) FROM t a',
})
# What a window function is given; the first that it takes.
ARGUMENTS = ['', 'stationName', '10', 'stationName, 3']
OTHERS = {
    'unnest alone': "SELECT COUNT(*), MAX(CONCAT(u, stationName)) FROM t CROSS JOIN UNNEST(ARRAY[stationId, stationName, 'x', 'y']) AS x(u)",
    'union all': 'SELECT COUNT(*), MAX(CONCAT(w, x)) FROM (SELECT w, stationId AS x FROM (%s) UNION ALL SELECT w, w FROM (%s))' % (WIDE, WIDE),
    'filter': 'SELECT COUNT(*) FROM (SELECT stationId, COUNT(*) AS n, __time AS tm FROM t GROUP BY 1, 3 LIMIT 900000) WHERE n < 2 OR stationId < %s'
              % "CAST(tm AS VARCHAR)",
    'rows out': 'SELECT * FROM t a CROSS JOIN (VALUES 1, 2, 3, 4) AS v(n)',
    'limit': 'SELECT stationName, shared FROM t WHERE shared > 2 LIMIT 100 OFFSET 700000',
}
ROWS = '1M'
PARTS = (0.3, 0.8)  # of the time that it takes when it is let run


def names_of(header, prefix):
    """The names of an enumeration of the engine, so that a new one has to be in a statement here."""
    with open(os.path.join(ROOT, 'query', 'plan', 'plan.h'), encoding='utf-8') as file:
        body = re.search(r'typedef enum %s \{(.*?)\}' % header, file.read(), re.S).group(1)
    return re.findall(r'^\s*%s([A-Z]+),' % prefix, body, re.M)


def windows(server):
    """A statement for each window function that the server lists."""
    found = {}
    for row in server.sql("SELECT ROUTINE_NAME FROM INFORMATION_SCHEMA.ROUTINES WHERE IS_AGGREGATOR = 'YES' ORDER BY 1")[1]:
        if b'OVER clause is necessary' not in ask(server, 'SELECT %s() FROM t' % row[0])[1]:
            continue
        forms = ['SELECT stationId, %s(%s) OVER (%s) AS a FROM t' % (row[0], given, ORDER) for given in ARGUMENTS]
        found['window ' + row[0]] = next((sql for sql in forms if ask(server, sql.replace('FROM t', 'FROM few'))[0] == 200), None)
    return found


def covered(count, server, statements):
    """Plans of all statements together hold every kind of node and of join; few has the columns of t, and a few rows."""
    plans = ''
    for name, sql in statements.items():
        status, answer = ask(server, 'EXPLAIN ANALYZE ' + re.sub(r'\bFROM t\b|\bJOIN t\b', lambda hit: hit.group(0)[:-1] + 'few', sql))
        count.check('%s: planned' % name, status == 200, answer[:300])
        plans += answer.decode()
    for node in names_of('ov_plan_kind', 'OV_PLAN_'):
        count.check('a statement with %s' % node, node == 'VALUES' or re.search(r'\W%s\W' % node.title(), plans))
    for kind in names_of('ov_join_kind', 'OV_JOINS_'):
        count.check('a statement with a join that is %s' % kind, 'Join %s' % kind.lower() in plans)


class Client(threading.Thread):
    """Sends a statement and reads its answer until told to leave."""

    def __init__(self, server, sql, query_id):
        super().__init__()
        self.left = threading.Event()
        body = json.dumps({'query': sql, 'resultFormat': 'arrayLines', 'context': {'sqlQueryId': query_id, 'useCache': False}}).encode()
        self.link = socket.create_connection(('127.0.0.1', server.port), timeout=300)
        self.link.sendall(b'POST /druid/v2/sql HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n'
                          b'Content-Length: %d\r\n\r\n' % len(body) + body)
        self.start()

    def run(self):
        try:
            while self.link.recv(1 << 20) and not self.left.is_set():
                pass
        except OSError:
            pass
        self.link.close()

    def leave(self):
        self.left.set()
        with contextlib.suppress(OSError):  # the answer was through
            self.link.shutdown(socket.SHUT_RDWR)


def ended(server, began):
    """Seconds from `began` until no query runs any more."""
    while run.running(server) and time.monotonic() - began < 60:
        time.sleep(0.001)
    return time.monotonic() - began


def ends(count, server, name, sql):
    """The slowest end, in seconds, of a DELETE and of a client that leaves; None where the statement was always through before."""
    began = time.monotonic()
    client = Client(server, sql, 'whole')
    client.join()
    whole = time.monotonic() - began
    slowest = {'delete': None, 'leave': None}
    for part in PARTS:
        for way in slowest:
            client = Client(server, sql, 'cut')
            time.sleep(whole * part)
            alive = run.running(server) > 0
            began = time.monotonic()
            if way == 'delete':
                server.request('DELETE', '/druid/v2/sql/cut')
            else:
                client.leave()
            took = ended(server, began)
            client.join(60)
            count.check('%s: ends when %s' % (name, 'it is cancelled' if way == 'delete' else 'its client leaves'), took < 5, '%.1f s' % took)
            if alive:
                slowest[way] = max(slowest[way] or 0, took)
    return slowest


def table(rows):
    print('%-34s %12s %12s' % ('slowest end in ms', 'DELETE', 'client left'))
    for name, found in rows:
        print('%-34s %12s %12s' % ((name,) + tuple('-' if found[way] is None else '%.0f' % (1000 * found[way]) for way in ('delete', 'leave'))))


def main():
    count, measure, rows = Counter(), not sanitized(), []
    with tempfile.TemporaryDirectory(prefix='ovate-operators-') as folder:
        run.make_rows(folder, ROWS if measure else '50k')
        data = folder + '/data'
        with Server(data) as server:
            server.ingest(run.spec(folder))
            server.wait_table('t')
            few = run.spec(folder)
            few['spec']['dataSchema'].update(dataSource='few', transformSpec={'filter': {'type': 'equals', 'column': 'stationId', 'matchValueType': 'STRING',
                                                                                          'matchValue': server.value('SELECT MIN(stationId) FROM t')}})
            server.ingest(few)
            server.wait_table('few')
            found = windows(server)
            for name, sql in found.items():
                count.check('%s takes one of the arguments above' % name, sql)
            external = "SELECT COUNT(*), MAX(stationName) FROM TABLE(LOCALFILES(files => ARRAY['%s/rows.csv'], format => 'csv')) " \
                       '(__time VARCHAR, stationId VARCHAR, stationName VARCHAR)' % folder
            added = {name: sql for name, sql in {**JOINS, **found}.items() if sql}
            statements = {**QUERIES, **added, **OTHERS, 'external rows': external, **run.ENDLESS}
            if not sys.argv[1:]:
                covered(count, server, {name: sql for name, sql in statements.items()})
        wanted = [name for name in statements if name in sys.argv[1:] or not sys.argv[1:]]
        if measure:
            run.memory(count, data, measure, sys.argv[1:], added)
        for setting, args in ((' in memory', ['--memory', '2GiB', '--query-memory', '1GiB']), (' on disk', ['--memory', '2GiB', '--query-memory', str(run.MEMORY)])):
            with Server(data, args=args + ['--result-cache', '0', '--segment-cache', '0']) as server:
                for name in wanted:
                    if name in run.ENDLESS and name != 'rows':
                        continue
                    rows.append((name + setting, ends(count, server, name, statements[name])))
    table(rows)
    count.finish()


if __name__ == '__main__':
    main()
