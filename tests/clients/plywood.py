#!/usr/bin/env python3
"""plywood with its Druid requester, unmodified, what Turnilo is built on: plywood/smoke.js says what it does.

Needs node and npm, which fetches the packages; skipped with a word without them.
"""
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'lib'))
from ovatetest import ROOT, Counter, Server, skip  # noqa: E402

PACKAGES = ('plywood@0.33.3', 'plywood-druid-requester@3.0.2')


def packages():
    """The folder of node's modules, in the build folder when an earlier run left it there."""
    folder = os.path.join(ROOT, 'build', 'test-npm')
    modules = os.path.join(folder, 'node_modules')
    if not os.path.isdir(os.path.join(modules, 'plywood-druid-requester')):
        if not shutil.which('npm'):
            skip('plywood is not here, and there is no npm to fetch it')
        os.makedirs(folder, exist_ok=True)
        subprocess.run(['npm', 'install', '--prefix', folder, '--no-audit', '--no-fund', '--no-save', *PACKAGES], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=200, check=False)
    if not os.path.isdir(os.path.join(modules, 'plywood-druid-requester')):
        skip('npm could not fetch plywood')
    return modules


def table():
    lines = '\n'.join('{"t":"2024-01-%02dT00:00:00Z","k":"%s","n":%d}' % (i // 10 + 1, 'abc'[i % 3], i) for i in range(30))
    return {'type': 'index_parallel', 'spec': {
        'dataSchema': {'dataSource': 'plywood', 'timestampSpec': {'column': 't', 'format': 'iso'},
                       'dimensionsSpec': {'dimensions': ['k', {'type': 'long', 'name': 'n'}]},
                       'granularitySpec': {'segmentGranularity': 'DAY', 'rollup': False}},
        'ioConfig': {'type': 'index_parallel', 'inputSource': {'type': 'inline', 'data': lines}, 'inputFormat': {'type': 'json'}}}}


def main():
    if not shutil.which('node'):
        skip('there is no node')
    modules, counter = packages(), Counter()
    with Server() as server:
        server.ingest(table())
        server.wait_table('plywood')
        done = subprocess.run(['node', os.path.join(HERE, 'plywood', 'smoke.js'), 'http://127.0.0.1:%d' % server.port],
                              env=dict(os.environ, NODE_PATH=modules), capture_output=True, text=True, timeout=120, check=False)
        for line in done.stdout.splitlines():
            counter.check(line[8:], line.startswith('ok'), line)
        counter.check('plywood ends well', done.returncode == 0 and done.stdout, done.stderr[-2000:])
    counter.finish()


main()
