#!/usr/bin/env python3
"""Work between two looks at whether a query lives, from its text to its last row: see README.md beside this file."""
import os
import sys
import tempfile

import run
from run import many
from ovatetest import Counter, Server

MOST = 30000000  # basic blocks: a few tens of milliseconds of a release build
FROM = ' FROM t WHERE shared >= 0'
WIDE = {
    'aggregates': 'SELECT %s' % many('SUM(shared + #)', 1000) + FROM,
    'sets': 'SELECT %s' % many('COUNT(DISTINCT shared + #)', 1000) + FROM,
    'sets of text': 'SELECT %s' % many("COUNT(DISTINCT CONCAT(stationId, '#'))", 300) + FROM,
    'sets by group': 'SELECT stationId, %s' % many('COUNT(DISTINCT rackTotCnt + #)', 1000) + FROM + ' GROUP BY 1',
    'totals of sets': 'SELECT rackTotCnt, SUM(DISTINCT TIMESTAMP_TO_MILLIS(__time) + shared), AVG(DISTINCT shared)' + FROM + ' GROUP BY 1',
    'keys': 'SELECT %s, COUNT(*)' % many('shared + # AS k#', 1000) + FROM + ' GROUP BY ' + many('k#', 1000),
    'sort keys': 'SELECT %s FROM (SELECT * FROM t LIMIT 50000) ORDER BY ' % many('shared + # AS k#', 500) + many('k#', 500),
    'columns': 'SELECT %s' % many('shared + #', 1000) + ' FROM t LIMIT 20000',
    'windows': 'SELECT %s FROM (SELECT * FROM t LIMIT 50000)' % many('MAX(shared + #) OVER (PARTITION BY stationId ORDER BY __time ROWS 3 PRECEDING)', 200),
    'one array': 'SELECT ARRAY_LENGTH(ARRAY_AGG(stationName))' + FROM,
    'one text': "SELECT LENGTH(STRING_AGG(stationName, ','))" + FROM,
    'one set as an array': 'SELECT ARRAY_LENGTH(ARRAY_AGG(DISTINCT CONCAT(stationId, CAST(__time AS VARCHAR))))' + FROM,
    'a large partition': 'SELECT SUM(shared) OVER (), RANK() OVER (ORDER BY shared), MIN(stationName) OVER (ORDER BY shared ROWS 9 PRECEDING)' + FROM,
    'a large kept side': 'SELECT COUNT(*) FROM t a JOIN t b ON a.__time = b.__time AND a.stationId = b.stationId AND a.shared = b.shared',
    'a million literals': 'SELECT COUNT(*) FROM t WHERE shared IN (%s)' % ','.join(map(str, range(1000000))),
    'a million texts': 'SELECT COUNT(*) FROM t WHERE stationId IN (%s)' % ','.join("'%d'" % i for i in range(1000000)),
    'ten megabytes of conditions': 'SELECT COUNT(*) FROM t WHERE ' + ' OR '.join('shared = %d' % i for i in range(700000)),
}


def main():
    count = Counter()
    build = os.environ.get('OVATE_TEST_BUILD', '')
    with open(os.path.join(build, 'CMakeCache.txt'), encoding='utf-8') as cache:
        if 'OVATE_STEPS:BOOL=ON\n' not in cache.read():
            print('this build does not count steps (preset steps does)')
            sys.exit(77)
    names = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix='ovate-steps-') as folder:
        run.make_rows(folder, '500k')
        with Server(folder + '/data') as server:
            server.ingest(run.spec(folder))
            server.wait_table('t')
        settings = [('', ['--memory', '4GiB', '--query-memory', '3GiB'])]
        for setting, args in settings + [(' on disk', ['--memory', '2GiB', '--query-memory', '96MiB'])]:
            statements = dict(run.QUERIES)
            if not setting:
                statements.update(WIDE)
                statements.update({'planned ' + name: sql for name, sql in run.PLANNING.items()})
            with Server(folder + '/data', env={'OVATE_STEPS': str(MOST)}, args=args) as server:
                for name, sql in statements.items():
                    if names and name not in names:
                        continue
                    before = server.log().count('steps: ')
                    status, answer = run.ask(server, sql)
                    gaps = [line for line in server.log().splitlines() if line.startswith('steps: ')][before:]
                    count.check('%s%s: answered' % (name, setting), status == 200, '%d %.300r' % (status, answer))
                    count.check('%s%s: no gap' % (name, setting), not gaps, gaps[:3])
                if names:
                    print(server.log())
    count.finish()


if __name__ == '__main__':
    main()
