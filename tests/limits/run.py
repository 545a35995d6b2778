#!/usr/bin/env python3
"""Budgets, cancels and bad input: see README.md beside this file."""
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'lib'))
from ovatetest import Counter, Server, binary, sanitized  # noqa: E402

MEMORY = 64 << 20
WIDE = "SELECT CONCAT(stationName, stationId, REPEAT(stationId, 8)) AS w, shared, rackTotCnt, stationId, __time FROM t"
ORDER = 'ORDER BY __time, stationId'
# One of each operator, and of each way an operator has past its memory. What comes out of each is the same rows in any order.
QUERIES = {
    'sort': 'SELECT __time, stationName, rackTotCnt, shared FROM t ORDER BY shared, stationName, __time',
    'best rows': 'SELECT __time, stationName, rackTotCnt, shared FROM t ORDER BY shared, stationName, __time LIMIT 400000 OFFSET 100000',
    'group': 'SELECT __time, stationId, COUNT(*), SUM(shared) FROM t GROUP BY 1, 2',
    'group by text': 'SELECT w, COUNT(*), MAX(__time), MIN(w), LATEST(rackTotCnt) FROM (SELECT CONCAT(stationId, CAST(__time AS VARCHAR)) AS w, '
                     '__time, rackTotCnt FROM t) GROUP BY 1',
    'group objects': 'SELECT COUNT(*), MAX(ARRAY_LENGTH(a)), MAX(s), SUM(h), SUM(th), SUM(b) FROM (SELECT __time, ARRAY_AGG(stationId) AS a, '
                     'STRING_AGG(stationId, \',\', 100000) AS s, APPROX_COUNT_DISTINCT_DS_HLL(stationId) AS h, '
                     'APPROX_COUNT_DISTINCT_DS_THETA(stationId) AS th, BIT_XOR(shared) AS b FROM t GROUP BY 1, MOD(rackTotCnt, 7))',
    'long rows': 'SELECT __time, ARRAY_AGG(stationId), STRING_AGG(stationId, \',\', 100000) FROM t GROUP BY __time, MOD(rackTotCnt, 7)',
    'grouping sets': 'SELECT __time, stationId, shared, COUNT(*) FROM t GROUP BY GROUPING SETS ((1, 2), (2, 3), (1, 3), ())',
    'sets': 'SELECT COUNT(DISTINCT CONCAT(stationId, CAST(__time AS VARCHAR))), COUNT(*) FROM t',
    'sets of groups': 'SELECT rackTotCnt, COUNT(DISTINCT CONCAT(stationId, CAST(__time AS VARCHAR))) FROM t GROUP BY 1',
    'totals of a set': 'SELECT SUM(DISTINCT x), AVG(DISTINCT x), VARIANCE(DISTINCT MOD(x, 700000)), COUNT(*) FROM (SELECT TIMESTAMP_TO_MILLIS(__time) * 10 + '
                       'CAST(SUBSTRING(stationId, 4) AS BIGINT) AS x FROM t)',
    'distinct': 'SELECT DISTINCT __time, stationId, shared FROM t',
    'join': 'SELECT COUNT(*), SUM(a.shared), SUM(b.n) FROM t a JOIN (SELECT __time AS tm, stationId, COUNT(*) AS n '
            'FROM t GROUP BY 1, 2) b ON a.__time = b.tm AND a.stationId = b.stationId',
    'full join': 'SELECT COUNT(*), SUM(a.shared), SUM(b.rackTotCnt), COUNT(a.w), COUNT(b.w) FROM (%s WHERE shared > 3) a FULL JOIN '
                 '(%s WHERE shared < 20) b ON a.__time = b.__time AND a.stationId = b.stationId' % (WIDE, WIDE),
    'join by one key': 'SELECT COUNT(NULLIF(a, \'\')), COUNT(NULLIF(b, \'\')) FROM (SELECT a.w AS a, b.w AS b FROM (%s) a JOIN (%s) b '
                       'ON MOD(a.shared, 1) = MOD(b.shared, 1) LIMIT 200000)' % (WIDE, WIDE),
    'half join': 'SELECT COUNT(*), MAX(w) FROM (%s) WHERE CONCAT(w, CAST(__time AS VARCHAR)) IN (SELECT CONCAT(w, CAST(__time AS VARCHAR)) '
                 'FROM (%s) WHERE MOD(rackTotCnt, 3) <> 1)' % (WIDE, WIDE),
    'nested loop': 'SELECT COUNT(NULLIF(a, \'\')), COUNT(NULLIF(b, \'\')) FROM (SELECT a.w AS a, b.w AS b FROM (%s) a JOIN (%s) b '
                   'ON a.shared < b.rackTotCnt LIMIT 200000)' % (WIDE, WIDE),
    'union': 'SELECT __time, stationId FROM t WHERE shared > 2 EXCEPT SELECT __time, stationId FROM t WHERE shared > 9',
    'unnest': 'SELECT u, __time, COUNT(*) FROM t CROSS JOIN UNNEST(ARRAY[stationId, stationName]) AS x(u) GROUP BY 1, 2',
    'window': 'SELECT stationId, SUM(shared) OVER (PARTITION BY stationId ORDER BY __time) AS r FROM t',
    'window ranks': 'SELECT stationId, ROW_NUMBER() OVER (%s) AS a, RANK() OVER (%s) AS b, SUM(shared) OVER (%s) AS c FROM t' % ((ORDER,) * 3),
    'window values': 'SELECT stationName, LAG(stationName) OVER (%s) AS a, LEAD(shared, 3) OVER (%s) AS b, FIRST_VALUE(stationId) OVER (%s) AS c, '
                     'LAST_VALUE(stationId) OVER (%s ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS d FROM t' % ((ORDER,) * 4),
    'window totals': 'SELECT stationId, NTILE(10) OVER (%s) AS a, CUME_DIST() OVER (ORDER BY __time) AS b, PERCENT_RANK() OVER (%s) AS c, '
                     'SUM(shared) OVER () AS d, MAX(stationName) OVER () AS e FROM t' % ((ORDER,) * 2),
    'window frames': 'SELECT stationId, MAX(shared) OVER (%s ROWS BETWEEN 5000 PRECEDING AND CURRENT ROW) AS a, '
                     'MIN(stationName) OVER (%s ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS b, '
                     'APPROX_COUNT_DISTINCT(stationId) OVER (%s ROWS BETWEEN 2000 PRECEDING AND 7 FOLLOWING) AS c, '
                     'MAX(shared) OVER (ORDER BY rackTotCnt) AS d FROM t' % ((ORDER,) * 3),
}
ENDLESS = {
    'nested loop': 'SELECT COUNT(*) FROM t a JOIN t b ON a.shared < b.rackTotCnt - 3',
    'regex': "SELECT COUNT(*) FROM t WHERE REGEXP_LIKE(CONCAT(stationName, CAST(__time AS VARCHAR), "
             "'aaaaaaaaaaaaaaaaaaaaa'), '(a+)+(a+)+[^b]*c$')",
    'rows': 'SELECT * FROM t',
}


def make_rows(folder, rows):
    """What spec() loads."""
    with open(folder + '/rows.csv', 'wb') as file:
        subprocess.run([binary(), 'bench', 'gen', '--rows', rows], stdout=file, check=True)


def spec(folder):
    dimensions = ['stationId', 'stationName'] + [{'type': 'double', 'name': n} for n in ('stationLatitude', 'stationLongitude')] + \
        [{'type': 'long', 'name': n} for n in ('rackTotCnt', 'parkingBikeTotCnt', 'shared')]
    return {'type': 'index_parallel', 'spec': {
        'dataSchema': {'dataSource': 't', 'timestampSpec': {'column': '__time', 'format': 'auto'},
                       'dimensionsSpec': {'dimensions': dimensions}, 'granularitySpec': {'segmentGranularity': 'ALL', 'rollup': False}},
        'ioConfig': {'type': 'index_parallel', 'inputSource': {'type': 'local', 'files': [folder + '/rows.csv']},
                     'inputFormat': {'type': 'csv', 'findColumnsFromHeader': True}}}}


def ask(server, sql, query_id='', timeout=300):
    """(status, bytes) of the answer; what was cut is (0, ...)."""
    body = {'query': sql, 'resultFormat': 'arrayLines', 'context': {'sqlQueryId': query_id} if query_id else {}}
    link = http.client.HTTPConnection('127.0.0.1', server.port, timeout=timeout)
    try:
        link.request('POST', '/druid/v2/sql', json.dumps(body).encode(), {'Content-Type': 'application/json'})
        reply = link.getresponse()
        return reply.status, reply.read()
    except http.client.HTTPException as trouble:
        return 0, str(trouble).encode()
    finally:
        link.close()


class Watch(threading.Thread):
    """The peak of a process's own memory."""

    def __init__(self, pid):
        super().__init__()
        self.pid, self.stop, self.first = pid, False, self.now(pid)
        self.peak = self.first

    @staticmethod
    def now(pid):
        with open('/proc/%d/status' % pid, encoding='utf-8') as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith('RssAnon'))

    def run(self):
        while not self.stop:
            self.peak = max(self.peak, self.now(self.pid))
            time.sleep(0.002)

    def grown(self):
        self.stop = True
        self.join()
        return self.peak - self.first


def metric(server, name):
    text = server.request('GET', '/metrics')[2].decode()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(name + ' '))


def spilled(server):
    return metric(server, 'ovate_spilled_bytes_total')


def running(server):
    return metric(server, 'ovate_queries_running')


def lines(answer):
    """The rows of an answer, whatever their order."""
    return answer[0], sorted(answer[1].split(b'\n'))


def memory(count, data, measure, names, statements=None):
    for name, sql in (statements or QUERIES).items():
        if names and name not in names:
            continue
        with Server(data, args=['--memory', '2GiB', '--query-memory', '1GiB']) as server:
            want = ask(server, sql)
        with Server(data, args=['--memory', '2GiB', '--query-memory', str(MEMORY)]) as server:
            watch = Watch(server.process.pid)
            watch.start()
            got = ask(server, sql)
            grown = watch.grown()
            time.sleep(0.2)  # counters follow the answer
            on_disk = spilled(server)
        count.check('%s: same answer' % name, want[0] == 200 and lines(got) == lines(want),
                    '%d, %d bytes, not %d, %d: %r' % (got[0], len(got[1]), want[0], len(want[1]), got[1][:300]))
        if names:
            print('%-16s grew by %.1f MiB, %.0f MiB on disk' % (name, grown / 2**20, on_disk / 2**20))
        if measure:
            count.check('%s: went to disk' % name, on_disk > 0)
            count.check('%s: memory' % name, grown <= MEMORY * 1.1, 'grew by %.1f MiB' % (grown / 2**20))


def cancels(count, data):
    slowest = (0, '')
    with Server(data, args=['--memory', '2GiB']) as server:
        for name, sql in list(QUERIES.items()) + list(ENDLESS.items()):
            for delay in (0.05, 0.3, 0.8):
                answer = []
                thread = threading.Thread(target=lambda: answer.append(ask(server, sql, name.replace(' ', '-'))))
                thread.start()
                time.sleep(delay)
                began = time.monotonic()
                server.request('DELETE', '/druid/v2/sql/' + name.replace(' ', '-'))
                thread.join(60)
                slowest = max(slowest, (time.monotonic() - began, name))
                count.check('%s ends when it is cancelled' % name, answer and time.monotonic() - began < 5, answer)
        count.equal('the server lives', server.value('SELECT 1'), 1)
    print('slowest end of a cancelled query: %.0f ms (%s)' % (slowest[0] * 1000, slowest[1]))


def places(count, data):
    with Server(data, args=['--max-queries', '1', '--max-waiting', '0']) as server:
        thread = threading.Thread(target=lambda: ask(server, ENDLESS['nested loop'], 'long'))
        thread.start()
        time.sleep(0.3)
        status, answer = ask(server, ENDLESS['nested loop'])
        count.equal('a second large query', (status, json.loads(answer)['category']), (429, 'CAPACITY_EXCEEDED'))
        count.equal('a small one', server.value('SELECT 1'), 1)
        count.equal('the first rows', len(server.sql('SELECT * FROM t LIMIT 3')[1]), 3)
        server.request('DELETE', '/druid/v2/sql/long')
        thread.join(60)
        slow_client(count, server)


def slow_client(count, server):
    """A query that waits for its client lends its place, and can be cancelled while it waits."""
    pairs = 'SELECT a.stationName, b.stationName FROM t a JOIN t b ON a.shared < b.rackTotCnt - 3'
    body = json.dumps({'query': pairs, 'context': {'sqlQueryId': 'slow'}}).encode()
    with socket.create_connection(('127.0.0.1', server.port)) as link:
        link.sendall(b'POST /druid/v2/sql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n'
                     % len(body) + body)
        until = time.monotonic() + 150
        status = 0
        while status != 200 and time.monotonic() < until:
            time.sleep(0.5)
            status = ask(server, 'SELECT COUNT(*) FROM (%s LIMIT 100000)' % pairs)[0]
        count.equal('another query while a client is slow', status, 200)
        began = time.monotonic()
        server.request('DELETE', '/druid/v2/sql/slow')
        while running(server) and time.monotonic() < began + 30:
            time.sleep(0.02)
        count.check('a query that waits for its client is cancelled', time.monotonic() < began + 10)


def bad_input(count, data):
    bomb = "SELECT COUNT(*) FROM t WHERE REGEXP_LIKE(CONCAT(stationId, '%s'), '(a|aa)+$')" % ('a' * 200 + 'b')
    cases = {
        'ten megabytes of conditions': 'SELECT COUNT(*) FROM t WHERE ' + ' OR '.join('shared = %d' % i for i in range(700000)),
        'ten megabytes of one text': "SELECT COUNT(*) FROM t WHERE stationId = '%s'" % ('x' * (10 << 20)),
        'ten thousand parentheses': 'SELECT ' + '(' * 10000 + '1' + ')' * 10000,
        'ten thousand functions': 'SELECT ' + 'ABS(' * 10000 + '1' + ')' * 10000,
        'ten thousand NOTs': 'SELECT ' + 'NOT ' * 10000 + 'TRUE',
        'ten thousand sub-queries': 'SELECT * FROM ' + '(SELECT * FROM ' * 10000 + 't' + ')' * 10000,
        'ten thousand CASEs': 'SELECT ' + 'CASE WHEN TRUE THEN ' * 10000 + '1' + ' END' * 10000,
        'a hundred thousand columns': 'SELECT ' + ', '.join('shared + %d' % i for i in range(100000)) + ' FROM t LIMIT 1',
        'a limit past all numbers': 'SELECT shared FROM t LIMIT 1 OFFSET 9223372036854775807',
        'a million literals': 'SELECT COUNT(*) FROM t WHERE shared IN (%s)' % ','.join(map(str, range(1000000))),
        'a pattern that backtracks': bomb,
        'an open string': "SELECT 'x",
        'division by zero': 'SELECT 1 / 0',
        'a cast that fails': "SELECT CAST('x' AS BIGINT)",
        'overflow': 'SELECT 9223372036854775807 + COUNT(*) FROM t',
    }
    with Server(data, args=['--memory', '1GiB', '--query-memory', '512MiB']) as server:
        for name, sql in cases.items():
            watch = Watch(server.process.pid)
            watch.start()
            status, answer = ask(server, sql)
            grown = watch.grown()
            count.check('%s: answered' % name, status in (200, 400, 501, 504), '%d %.300r' % (status, answer))
            count.check('%s: memory' % name, sanitized() or grown <= 600 << 20, 'grew by %.1f MiB' % (grown / 2**20))
            if not count.check('%s: the server lives' % name, server.alive()):
                return
        count.equal('the server answers', server.value('SELECT 1'), 1)


def many(text, count, between=', '):
    return between.join(text.replace('#', str(i)) for i in range(count))


FROM = ' FROM t WHERE shared > 100000'
PLANNING = {
    'aggregates': 'SELECT %s' % many('SUM(shared + #)', 20000) + FROM,
    'aggregates with filters': 'SELECT %s' % many('COUNT(*) FILTER (WHERE shared = #)', 20000) + FROM,
    'keys': 'SELECT %s' % many('shared + # AS k#', 20000) + FROM + ' GROUP BY ' + many('k#', 20000),
    'sort keys': 'SELECT %s' % many('shared + # AS k#', 20000) + FROM + ' ORDER BY ' + many('k#', 20000),
    'names': 'SELECT %s FROM (SELECT %s%s)' % (many('k#', 30000), many('shared + # AS k#', 30000), FROM),
    'one name': 'SELECT COUNT(*) FROM (SELECT %s%s)' % (many('shared + # AS k', 20000), FROM),
    'equal names': 'SELECT %s FROM t LIMIT 1' % many('shared', 100000),
    'windows': 'EXPLAIN PLAN FOR SELECT %s' % many('SUM(shared + #) OVER (PARTITION BY stationId)', 20000) + FROM,
    'subjects of an OR': 'SELECT COUNT(*) FROM t WHERE shared > 100000 AND (%s)' % many('rackTotCnt + # = 7 OR rackTotCnt + # = 8', 20000, ' OR '),
    'printed items': 'EXPLAIN PLAN FOR SELECT %s' % many('shared + #', 100000) + FROM,
    'printed aggregates': 'EXPLAIN PLAN FOR SELECT %s' % many('SUM(shared + #)', 100000) + FROM,
    'printed HAVING': 'EXPLAIN PLAN FOR SELECT stationId' + FROM + ' GROUP BY 1 HAVING ' + many('SUM(shared + #) > 0', 20000, ' AND '),
    'computed columns': 'SELECT %s FROM t LIMIT 1' % many('shared + #', 100000),
}


def planning(count, data):
    """Long statements are planned in one pass: bounds that only work by the square of their length passes."""
    with Server(data, args=['--memory', '2GiB', '--query-memory', '1GiB']) as server:
        for name, sql in PLANNING.items():
            began = time.monotonic()
            status, answer = ask(server, sql)
            count.check('%s: planned' % name, status == 200, '%d %.300r' % (status, answer))
            count.check('%s: soon' % name, time.monotonic() - began < 60, '%.1f s' % (time.monotonic() - began))
        large = "SELECT MAX(LENGTH(REPEAT(CONCAT(stationName, CAST(__time AS VARCHAR)), 30000))) FROM (SELECT * FROM t LIMIT 1000)"
        watch = Watch(server.process.pid)
        watch.start()
        status, answer = ask(server, large)
        grown = watch.grown()
        count.check('values larger than the memory', status == 200, '%d %.300r' % (status, answer))
        count.check('values larger than the memory: memory', sanitized() or grown <= 1100 << 20, 'grew by %.1f MiB' % (grown / 2**20))


def main():
    count = Counter()
    slow = sanitized()
    with tempfile.TemporaryDirectory(prefix='ovate-limits-') as folder:
        make_rows(folder, '200k' if slow else '1M')
        data = folder + '/data'
        with Server(data) as server:
            server.ingest(spec(folder))
            server.wait_table('t')
        memory(count, data, not slow, sys.argv[1:])
        if len(sys.argv) > 1:  # names of queries: only those
            count.finish()
            return
        cancels(count, data)
        places(count, data)
        bad_input(count, data)
        planning(count, data)
    count.finish()


if __name__ == '__main__':
    main()
