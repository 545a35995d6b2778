#!/usr/bin/env python3
"""go-druid, unmodified, the library under Grafana's Druid plugin: godruid/main.go says what it does.

Needs go, which fetches the library; skipped with a word without it.
"""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from letters import SPEC  # noqa: E402
from lines import HERE, drive  # noqa: E402
from ovatetest import ROOT, Counter, Server, skip  # noqa: E402

LIBRARY = 'github.com/grafadruid/go-druid@v0.0.6'


def program():
    """The compiled client, in the build folder when an earlier run left it there."""
    folder = os.path.join(ROOT, 'build', 'test-go')
    path, source = os.path.join(folder, 'godruid'), os.path.join(HERE, 'godruid', 'main.go')
    if os.path.exists(path) and os.path.getmtime(path) > os.path.getmtime(source):
        return path
    if not shutil.which('go'):
        skip('there is no go to build the client with')
    os.makedirs(folder, exist_ok=True)
    shutil.copy(source, folder)
    with open(os.path.join(folder, 'go.mod'), 'w', encoding='utf-8') as file:
        file.write('module godruid\n')
    for command in (['go', 'get', LIBRARY], ['go', 'build', '-o', 'godruid', '.']):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            if command[1] == 'get':
                skip('go could not fetch %s' % LIBRARY)
            sys.exit(done.stderr)
    return path


def main():
    client, counter = program(), Counter()
    with Server() as server:
        server.ingest(SPEC)
        server.wait_table('letters')
        drive(counter, 'go-druid', [client, 'http://127.0.0.1:%d' % server.port])
    counter.finish()


main()
