"""What every test tier that drives the binary shares: find it, start a server, send SQL, run tasks, skip, count.

A tier is a script that ctest runs with OVATE_BIN set. It ends with status 0 (all right), 1 (something failed)
or 77 (skipped, with one line `SKIP: reason`), and prints `N passed, M failed` last.
Standard library only.
"""
import contextlib
import copy
import functools
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIPPED = 77


def skip(reason):
    """End this script as skipped; ctest shows the reason."""
    print('SKIP: %s' % reason)
    sys.exit(SKIPPED)


def binary():
    """The ovate under test: OVATE_BIN, else the release build, else the sanitizer build."""
    found = os.environ.get('OVATE_BIN')
    if found:
        if not os.access(found, os.X_OK):
            sys.exit('OVATE_BIN names no program: %s' % found)
        return found
    for preset in ('release', 'dev', 'asan'):
        path = os.path.join(ROOT, 'build', preset, 'ovate')
        if os.access(path, os.X_OK):
            return path
    skip('no ovate binary: build one, or set OVATE_BIN')


@functools.lru_cache
def sanitized():
    """Built with a sanitizer of memory or threads: neither bytes nor seconds are what they are for users."""
    with open(binary(), 'rb') as file:
        program = file.read()
    return b'__asan_init' in program or b'__tsan_init' in program


def shared_folder(*needed):
    """The folder of real data (OVATE_SHARED or a sibling `shared`), holding every path in `needed`; else skip."""
    folder = os.environ.get('OVATE_SHARED') or os.path.join(os.path.dirname(ROOT), 'shared')
    for path in needed or ('data',):
        if not os.path.exists(os.path.join(folder, path)):
            skip('no real data: set OVATE_SHARED to the folder that holds %s' % path)
    return os.path.abspath(folder)


def module(name):
    """Import a package that only some machines have (duckdb, pydruid), also from the venv that check.sh made."""
    venv = os.path.join(ROOT, 'build', 'test-venv', 'lib')
    for python in sorted(os.listdir(venv)) if os.path.isdir(venv) else []:
        sys.path.append(os.path.join(venv, python, 'site-packages'))
    try:
        return __import__(name)
    except ImportError as trouble:
        skip('Python package %s is not installed (%s); tests/setup-venv.sh installs it' % (name, trouble))


def fill(value, places):
    """A spec with every `@NAME@` in its strings replaced from `places`."""
    if isinstance(value, dict):
        return {k: fill(v, places) for k, v in value.items()}
    if isinstance(value, list):
        return [fill(v, places) for v in value]
    if isinstance(value, str):
        return re.sub(r'@([A-Z_]+)@', lambda hit: str(places.get(hit.group(1), hit.group(0))), value)
    return value


def load_json(path):
    with open(path, encoding='utf-8') as file:
        return json.load(file)


class SqlError(Exception):
    def __init__(self, status, body):
        super().__init__('HTTP %d: %s' % (status, body[:600]))
        self.status, self.body = status, body
        try:
            self.fields = json.loads(body)
        except ValueError:
            self.fields = {}


class Server:
    """One `ovate server` on a port of its own, over a data folder of its own unless one is given."""

    def __init__(self, data=None, env=None, args=(), wait=60, prefix=()):
        self.own_data = data is None
        self.data = data or tempfile.mkdtemp(prefix='ovate-test-')
        self.env = dict(os.environ, **(env or {}))
        self.args, self.wait, self.prefix = list(args), wait, list(prefix)
        self.log_path = os.path.join(tempfile.gettempdir(), 'ovate-test-%d-%x.log' % (os.getpid(), id(self)))
        self.process = self.link = None
        self.start()

    def start(self, port=None):
        for attempt in range(5):  # the free port may be taken between our look and its bind
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(('127.0.0.1', port or 0))
                self.port = probe.getsockname()[1]
            with open(self.log_path, 'ab') as log:
                command = self.prefix + [binary(), 'server', '--data', self.data, '--port', str(self.port)] + self.args
                self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env)
            if self._healthy():
                return
            if self.process.poll() is None:
                self.kill()
        raise RuntimeError('server did not become healthy; its log:\n' + self.log())

    def _healthy(self):
        until = time.monotonic() + self.wait
        while time.monotonic() < until and self.process.poll() is None:
            try:
                if self.request('GET', '/status/health', timeout=2)[0] == 200:
                    return True
            except (OSError, http.client.HTTPException):
                time.sleep(0.02)
        return False

    def log(self):
        with contextlib.suppress(OSError):
            with open(self.log_path, encoding='utf-8', errors='replace') as file:
                return file.read()
        return ''

    def alive(self):
        return self.process.poll() is None

    def dies(self, seconds=10):
        """A connection broke: is it because the process is ending? Its sockets go before it does."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self):
        """Kill -9: no clean-up of any kind."""
        self._unlink()
        self.process.kill()
        self.process.wait()

    def stop(self, seconds=60):
        """SIGTERM; returns the exit status. A server that does not stop in time is a failure."""
        self._unlink()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise RuntimeError('server ignored SIGTERM for %d s; its log:\n%s' % (seconds, self.log()))
        return self.process.returncode

    def close(self):
        """Stop, check that it ended well, remove what it wrote."""
        try:
            status = self.stop()
            if status != 0:
                raise RuntimeError('server ended with status %s; its log:\n%s' % (status, self.log()[-6000:]))
        finally:
            if self.own_data:
                shutil.rmtree(self.data, ignore_errors=True)
        with contextlib.suppress(OSError):
            os.unlink(self.log_path)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is None:
            self.close()
            return
        with contextlib.suppress(Exception):
            self.close()

    # ------------------------------------------------------------ requests

    def _unlink(self):
        if self.link:
            self.link.close()
        self.link = None

    def request(self, method, path, body=None, headers=None, timeout=300):
        """(status, headers, bytes) over one kept connection; a fresh one is tried once if the kept one was closed."""
        for fresh in (False, True):
            kept = self.link is not None
            if not kept:
                self.link = http.client.HTTPConnection('127.0.0.1', self.port, timeout=timeout)
            try:
                self.link.request(method, path, body, headers or {})
                reply = self.link.getresponse()
                answer = reply.read()
                if reply.will_close:
                    self._unlink()
                return reply.status, {k.lower(): v for k, v in reply.getheaders()}, answer
            except (OSError, http.client.HTTPException):
                self._unlink()
                if fresh or not kept:
                    raise
        raise AssertionError('unreachable')

    def another(self):
        """The same server through a connection of its own, for another thread."""
        other = copy.copy(self)
        other.link = None
        return other

    def post(self, path, value, timeout=300):
        return self.request('POST', path, json.dumps(value).encode(), {'Content-Type': 'application/json'}, timeout)

    def get_json(self, path):
        status, _, answer = self.request('GET', path)
        if status != 200:
            raise RuntimeError('GET %s: %d %s' % (path, status, answer[:300]))
        return json.loads(answer)

    def sql(self, query, context=None, **fields):
        """(column names, rows) of one statement; SqlError when the server refuses it."""
        body = dict(query=query, resultFormat='array', header=True, context=context or {}, **fields)
        status, _, answer = self.post('/druid/v2/sql', body)
        text = answer.decode('utf-8')
        if status != 200:
            raise SqlError(status, text)
        rows = json.loads(text)
        return rows[0], rows[1:]

    def value(self, query):
        """The one value of a one-row, one-column answer."""
        return self.sql(query)[1][0][0]

    def run_task(self, spec, seconds=900):
        """Run a task to its end; returns its status, raises when it was not even taken."""
        status, _, answer = self.post('/druid/indexer/v1/task', spec)
        if status != 200:
            raise RuntimeError('task refused: %d %s' % (status, answer[:600].decode('utf-8', 'replace')))
        return self.wait_task(json.loads(answer)['task'], seconds)

    def ingest(self, spec, seconds=900):
        """Run a task to its end; returns its report's row counts, raises when it failed."""
        state = self.run_task(spec, seconds)
        task = state['id']
        if state['status'] != 'SUCCESS':
            raise RuntimeError('task %s %s: %s' % (task, state['status'], state.get('errorMsg')))
        report = self.get_json('/druid/indexer/v1/task/%s/reports' % task)
        return report['ingestionStatsAndErrors']['payload']['rowStats']['buildSegments']

    def wait_task(self, task, seconds=900):
        until, nap = time.monotonic() + seconds, 0.01
        while time.monotonic() < until:
            state = self.get_json('/druid/indexer/v1/task/%s/status' % task)['status']
            if state['status'] != 'RUNNING':
                return state
            time.sleep(nap)
            nap = min(nap * 1.5, 0.5)
        raise RuntimeError('task %s still runs after %d s' % (task, seconds))

    def wait_table(self, name, seconds=30):
        """Rows may become visible a moment after the task says SUCCESS."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.sql("SELECT COUNT(*) FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_NAME = '%s'" % name)[1][0][0]:
                return
            time.sleep(0.02)
        raise RuntimeError('datasource %s is not visible after %d s' % (name, seconds))


class Counter:
    """Counts cases, prints failures as they come, and the closing line."""

    def __init__(self, verbose=False):
        self.passed = self.failed = 0
        self.verbose = verbose

    def check(self, name, good, detail=''):
        if good:
            self.passed += 1
            if self.verbose:
                print('ok   %s' % name)
        else:
            self.failed += 1
            print('FAIL %s%s' % (name, '\n     ' + str(detail).replace('\n', '\n     ') if detail else ''))
        return good

    def equal(self, name, got, want):
        return self.check(name, got == want, 'want %.800r\ngot  %.800r' % (want, got))

    def run(self, name, function, *args):
        """Run one case; any exception is its failure."""
        try:
            function(*args)
            self.check(name, True)
        except Exception as trouble:  # a test runner reports whatever came
            self.check(name, False, '%s: %s' % (type(trouble).__name__, trouble))

    def finish(self):
        print('%d passed, %d failed' % (self.passed, self.failed))
        sys.exit(1 if self.failed else 0)
