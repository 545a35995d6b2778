"""Ovate as a user runs it: rows through `ovate ingest run`, queries over one kept HTTP connection."""
import json
import os
import signal
import socket
import subprocess
import time

from peers.druid_http import CACHED, UNCACHED, Link
from peers.processes import die_with_parent, die_with_parent_alone

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)


def bytes_below(path):
    """Size of a file, or of all files of a folder."""
    if os.path.isfile(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(where, name)) for where, _, names in os.walk(path) for name in names)


class Ovate:
    name, dialect = 'Ovate', 'ovate'

    def __init__(self, binary, folder):
        self.binary, self.data = binary, os.path.join(folder, 'ovate')
        self.path = os.path.join(self.data, 'segments')
        self.version = subprocess.run([binary, '--version'], capture_output=True, text=True, check=False).stdout.strip()
        self.settings = 'defaults; HTTP on 127.0.0.1, one kept connection, result caches off'
        self.process = self.link = None

    def load(self, tables):
        """What `ovate ingest run` took for all tables; {} when an earlier run left them."""
        self.settings += '; ' + '; '.join(table.ovate_layout() for table in tables)
        if os.path.exists(self.data + '.loaded'):
            return {}
        seconds, cpu, peak = {}, 0, 0
        for table in tables:
            path = os.path.join(os.path.dirname(self.data), 'ovate-%s.json' % table.name)
            with open(path, 'w', encoding='utf-8') as file:
                json.dump(table.druid_spec(), file, indent=1)
            start = time.perf_counter()
            process = subprocess.Popen([self.binary, 'ingest', 'run', path, '--data', self.data] +
                                       (['--memory', table.memory] if table.memory else []), stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=die_with_parent)
            words = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            if status:
                raise SystemExit('ovate ingest run failed:\n' + words)
            seconds[table.name] = time.perf_counter() - start
            cpu, peak = cpu + usage.ru_utime + usage.ru_stime, max(peak, usage.ru_maxrss / 1024)
        with open(self.data + '.loaded', 'w', encoding='utf-8'):
            return {'seconds': sum(seconds.values()), 'tables': seconds, 'cpu': cpu, 'peak_mb': peak}

    def start(self, caches=False):
        """A server of its own; `caches`: with its caches of results as they are by default, and asked to use them."""
        with socket.socket() as probe:
            probe.bind(('127.0.0.1', 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen([self.binary, 'server', '--data', self.data, '--port', str(self.port)] +
                                        ([] if caches else ['--result-cache', '0', '--segment-cache', '0']), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent_alone)
        until = time.monotonic() + 60
        while time.monotonic() < until and self.process.poll() is None:
            try:
                self.link = Link('127.0.0.1', self.port, UNCACHED if not caches else CACHED)
                return
            except OSError:
                time.sleep(0.01)
        raise SystemExit('ovate server did not start')

    def memory(self):
        """Megabytes resident now and at most since the start."""
        with open('/proc/%d/status' % self.process.pid, encoding='utf-8') as file:
            lines = dict(line.split(':', 1) for line in file)
        return {'now_mb': int(lines['VmRSS'].split()[0]) / 1024, 'peak_mb': int(lines['VmHWM'].split()[0]) / 1024}

    def stop(self):
        if self.link:
            self.link.close()
        if not self.process:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = self.link = None

    def run(self, sql):
        return self.link.run(sql)

    def rows(self, sql):
        return self.link.rows(sql)
