#!/usr/bin/env python3
"""Druid's JDBC driver (Avatica), unmodified, in both wire forms: jdbc/Smoke.java says what it does.

Needs java and mvn, which fetches the driver; skipped with a word without them.
"""
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'lib'))
from ovatetest import ROOT, Counter, Server, skip  # noqa: E402

DRIVER = 'org.apache.calcite.avatica:avatica:1.25.0'
ROWS = 12345


def driver():
    """The jar, from the build folder when an earlier run left it there."""
    folder = os.path.join(ROOT, 'build', 'test-jars')
    jar = os.path.join(folder, '%s-%s.jar' % tuple(DRIVER.split(':')[1:]))
    if not os.path.exists(jar):
        if not shutil.which('mvn'):
            skip('the JDBC driver is not here, and there is no mvn to fetch it')
        subprocess.run(['mvn', '-q', '-B', 'dependency:copy', '-Dartifact=' + DRIVER, '-DoutputDirectory=' + folder],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=250, check=False)
    if not os.path.exists(jar):
        skip('mvn could not fetch the JDBC driver')
    return jar


def table():
    lines = '\n'.join('{"t":%d,"name":"n%d","n":%d}' % (1704067200000 + i * 1000, i % 7, i) for i in range(ROWS))
    return {'type': 'index_parallel', 'spec': {
        'dataSchema': {'dataSource': 'jdbc', 'timestampSpec': {'column': 't', 'format': 'millis'},
                       'dimensionsSpec': {'dimensions': ['name', {'type': 'long', 'name': 'n'}]},
                       'granularitySpec': {'segmentGranularity': 'DAY', 'rollup': False}},
        'ioConfig': {'type': 'index_parallel', 'inputSource': {'type': 'inline', 'data': lines}, 'inputFormat': {'type': 'json'}}}}


def restarted(server, jar, counter):
    """Lost.java says when; the server comes back at the same place."""
    with subprocess.Popen(['java', '-cp', jar, os.path.join(HERE, 'jdbc', 'Lost.java'), 'http://127.0.0.1:%d' % server.port, 'jdbc'],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as client:
        for line in client.stdout:
            if line.startswith('restart'):
                server.stop()
                server.start(server.port)
                client.stdin.write('done\n')
                client.stdin.flush()
            elif not line.startswith('--'):
                counter.check(line.rstrip()[8:], line.startswith('ok'), line)
        errors = client.stderr.read()
        counter.check('the driver lives through restarts', client.wait() == 0, errors[-2000:])


def main():
    if not shutil.which('java'):
        skip('there is no java')
    jar, counter = driver(), Counter()
    with Server() as server:
        server.ingest(table())
        server.wait_table('jdbc')
        done = subprocess.run(['java', '-cp', jar, os.path.join(HERE, 'jdbc', 'Smoke.java'), 'http://127.0.0.1:%d' % server.port,
                               'jdbc', str(ROWS)], capture_output=True, text=True, timeout=250, check=False)
        for line in done.stdout.splitlines():
            if not line.startswith('--'):
                counter.check(line[8:], line.startswith('ok'), line)
        counter.check('the driver ends well', done.returncode == 0, done.stderr[-2000:])
        restarted(server, jar, counter)
    counter.finish()


main()
