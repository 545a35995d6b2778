"""What the pull tests share: run a spec through the command line, ask the folder, hash its rows."""
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'lib')]
from ovatetest import binary  # noqa: E402


def shared(path):
    """A file of real data, or None."""
    full = os.path.join(os.environ.get('OVATE_SHARED') or os.path.join(HERE, '..', '..', '..', 'shared'), path)
    return full if os.path.exists(full) else None


def has_faults():
    """Release builds have no fault points."""
    with open(binary(), 'rb') as file:
        return b'OVATE_FAULT' in file.read()


class Folder:
    """A data folder and the program on it."""

    def __init__(self, env=None):
        self.work = tempfile.mkdtemp(prefix='ovate-pull-')
        self.data = os.path.join(self.work, 'data')
        self.env = dict(os.environ, no_proxy='127.0.0.1', **(env or {}))

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        shutil.rmtree(self.work, ignore_errors=True)

    def command(self, *words, env=None, seconds=120):
        run = subprocess.run([binary(), *words, '--data', self.data], env=dict(self.env, **(env or {})), capture_output=True,
                             timeout=seconds, check=False)
        return run.returncode, run.stdout.decode('utf-8', 'replace'), run.stderr.decode('utf-8', 'replace')

    def spec(self, value):
        path = os.path.join(self.work, 'spec.json')
        with open(path, 'w', encoding='utf-8') as file:
            json.dump(value, file)
        return path

    def ingest(self, spec, verb='run', env=None, seconds=120, words=()):
        return self.command('ingest', verb, self.spec(spec), *words, env=env, seconds=seconds)

    def run(self, spec, env=None):
        """A run that must succeed; its report's own part."""
        status, out, err = self.ingest(spec, env=env)
        if status != 0:
            raise AssertionError('ingest ended with %d: %s%s\n%s' % (status, out, err, self.task_log()))
        return self.report()

    def fails(self, spec, *words, env=None):
        status, out, err = self.ingest(spec, env=env)
        if status == 0:
            raise AssertionError('the run should have failed: ' + out)
        for word in words:
            if word not in err:
                raise AssertionError('%r is not in: %s' % (word, err))
        return err

    def report(self):
        """The `ovate` part of the newest task's report, with its id and state."""
        import sqlite3
        link = sqlite3.connect('file:%s?mode=ro' % os.path.join(self.data, 'catalog.db'), uri=True)
        row = link.execute('SELECT id, state, report, error_msg FROM tasks ORDER BY seq DESC LIMIT 1').fetchone()
        link.close()
        own = json.loads(row[2])['ingestionStatsAndErrors']['payload']['ovate']
        own.update(id=row[0], state=row[1], error=row[3])
        return own

    def task_log(self):
        folder = os.path.join(self.data, 'tasks')
        newest = max((os.path.join(folder, name) for name in os.listdir(folder)), key=os.path.getmtime) if os.path.isdir(folder) else ''
        return open(newest, encoding='utf-8', errors='replace').read() if newest else ''

    def sql(self, query):
        status, out, err = self.command('sql', '--format', 'jsonl', query)
        if status != 0:
            raise AssertionError('sql: ' + err)
        return [json.loads(line) for line in out.splitlines()]

    def value(self, query):
        return list(self.sql(query)[0].values())[0]

    def committed_series(self):
        """Repositories whose series is complete in the catalog as it lies there."""
        import sqlite3
        link = sqlite3.connect('file:%s?mode=ro' % os.path.join(self.data, 'catalog.db'), uri=True)
        found = link.execute("SELECT key, value FROM cursors WHERE key LIKE 'pull:%'").fetchall()
        link.close()
        done = [key for key, value in found if 'resume' not in json.loads(value)]
        return {urllib.parse.unquote(key.split('repo=')[1]) for key in done}

    def rows_hash(self, table, leave=('_collected_at',)):
        """Of all rows as a set, whatever segments they lie in."""
        rows = self.sql('SELECT * FROM "%s"' % table)
        lines = sorted(json.dumps({k: v for k, v in row.items() if k not in leave}, sort_keys=True) for row in rows)
        return len(lines), hashlib.sha256('\n'.join(lines).encode()).hexdigest()


def want(condition, text=''):
    if not condition:
        raise AssertionError(text)


def equal(got, wanted, what=''):
    if got != wanted:
        raise AssertionError('%s: want %.600r, got %.600r' % (what, wanted, got))
