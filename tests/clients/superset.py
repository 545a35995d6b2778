#!/usr/bin/env python3
"""Superset, unmodified, asked by its own REST API: superset/drive.py says what. Needs tests/clients/run to install it."""
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from letters import SPEC  # noqa: E402
from lines import HERE, drive, large_client  # noqa: E402
from ovatetest import Counter, Server  # noqa: E402

# Beside Superset itself: what its release was made with, and what it imports without asking for it.
PACKAGES = ('apache-superset==6.1.0', 'pydruid[sqlalchemy]==0.6.9', 'flask-caching==2.3.1', 'cachetools', 'rich')


def set_up(superset, env):
    for command in (['db', 'upgrade'],
                    ['fab', 'create-admin', '--username', 'admin', '--firstname', 'a', '--lastname', 'b', '--email', 'a@example.org',
                     '--password', 'admin'], ['init']):
        done = subprocess.run([superset, *command], env=env, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode:
            sys.exit('superset %s: %s' % (' '.join(command), done.stderr[-2000:]))


def start(superset, env, log):
    """The running Superset and its address."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([superset, 'run', '-p', str(port), '--with-threads'], env=env, stdout=log, stderr=log)
    address = 'http://127.0.0.1:%d' % port
    until = time.monotonic() + 180
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(address + '/health', timeout=5):
                return process, address
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    process.kill()
    sys.exit('Superset did not start')


def main():
    programs, counter = large_client('superset', PACKAGES), Counter()
    superset = os.path.join(programs, 'superset')
    with Server() as server, tempfile.TemporaryDirectory(prefix='ovate-superset-') as home:
        server.ingest(SPEC)
        server.wait_table('letters')
        env = dict(os.environ, SUPERSET_HOME=home, FLASK_APP='superset',
                   SUPERSET_CONFIG_PATH=os.path.join(HERE, 'superset', 'superset_config.py'))
        set_up(superset, env)
        with open(os.path.join(home, 'log'), 'w', encoding='utf-8') as log:
            process, address = start(superset, env, log)
            try:
                drive(counter, 'superset', [os.path.join(programs, 'python'), os.path.join(HERE, 'superset', 'drive.py'), address,
                                            'http://127.0.0.1:%d' % server.port], None, 600)
            finally:
                process.kill()
                process.wait()
    counter.finish()


main()
