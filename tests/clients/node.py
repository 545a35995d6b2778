#!/usr/bin/env python3
"""Unmodified JavaScript clients; NAME/smoke.js says what each does.

    node.py plywood     with its Druid requester, what Turnilo is built on
    node.py cube        Cube's driver
    node.py toolkit     druid-query-toolkit, what the web console is built on

Needs node and npm, which fetches the packages; skipped with a word without them.
"""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from letters import SPEC  # noqa: E402
from lines import HERE, drive  # noqa: E402
from ovatetest import ROOT, Counter, Server, skip  # noqa: E402

PACKAGES = {
    'plywood': ('plywood@0.33.3', 'plywood-druid-requester@3.0.2'),
    'cube': ('@cubejs-backend/druid-driver@1.7.43',),
    'toolkit': ('druid-query-toolkit@1.2.2',),
}


def packages(client):
    """The folder of the client's modules, in the build folder when an earlier run left it there."""
    folder = os.path.join(ROOT, 'build', 'test-npm', client)
    modules = os.path.join(folder, 'node_modules')
    wanted = [os.path.join(modules, name.rsplit('@', 1)[0]) for name in PACKAGES[client]]
    if not all(os.path.isdir(path) for path in wanted):
        if not shutil.which('npm'):
            skip('%s is not here, and there is no npm to fetch it' % client)
        os.makedirs(folder, exist_ok=True)
        subprocess.run(['npm', 'install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--no-save', *PACKAGES[client]],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300, check=False)
    if not all(os.path.isdir(path) for path in wanted):
        skip('npm could not fetch %s' % client)
    return modules


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in PACKAGES:
        sys.exit('usage: node.py %s' % '|'.join(PACKAGES))
    client = sys.argv[1]
    if not shutil.which('node'):
        skip('there is no node')
    modules, counter = packages(client), Counter()
    with Server() as server:
        server.ingest(SPEC)
        server.wait_table('letters')
        drive(counter, client, ['node', os.path.join(HERE, client, 'smoke.js'), 'http://127.0.0.1:%d' % server.port], {'NODE_PATH': modules})
    counter.finish()


main()
