"""A peer that runs inside the measuring process: loaded by a child process, then opened here."""
import dataclasses
import importlib
import json
import os
import subprocess
import sys

from peers import install

HERE = os.path.dirname(os.path.abspath(__file__))


class Embedded:
    def __init__(self, module, folder, threads, memory):
        self.module, self.folder, self.threads, self.limit = module, folder, threads, memory
        code = importlib.import_module('peers.' + module)
        install.venv_packages([code.PACKAGE])
        importlib.import_module(code.PACKAGE)
        self.kind = code.Peer
        self.name, self.dialect, self.peer, self.layout = code.Peer.name, code.Peer.dialect, None, ''

    def load(self, tables):
        """What loading took, {} when an earlier run had done it; the peer is open afterwards."""
        child = subprocess.Popen([sys.executable, os.path.join(HERE, 'loading.py'), self.module, self.folder, str(self.threads), self.limit],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        child.stdin.write(json.dumps([dataclasses.asdict(table) for table in tables]))
        child.stdin.close()
        said = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        if status:
            raise RuntimeError('loading ended with status %d' % status)
        seconds = json.loads(said.splitlines()[-1])
        self.peer = self.kind(self.folder, self.threads, self.limit)
        self.version, self.path = self.peer.version, self.peer.path
        self.settings = self.peer.settings + '; ' + '; '.join('%s %s' % (table.name, self.peer.layout(table)) for table in tables)
        return {'seconds': sum(seconds.values()), 'tables': seconds, 'cpu': usage.ru_utime + usage.ru_stime,
                'peak_mb': usage.ru_maxrss / 1024} if seconds else {}

    def start(self):
        pass

    def rows(self, sql):
        return self.peer.rows(sql)

    def run(self, sql):
        return self.peer.run(sql)

    def stop(self):
        if self.peer:
            self.peer.close()
