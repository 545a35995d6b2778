"""A peer that runs inside the measuring process: loaded by a child process, then opened here."""
import dataclasses
import importlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile

from peers import install
from peers.asked import Asked
from peers.processes import die_with_parent

HERE = os.path.dirname(os.path.abspath(__file__))


def reason(text):
    """Of what a program of Python said at its end, the error itself."""
    found = re.findall(r'(?m)^[\w.]*(?:Error|Exception)\b.*', text)
    return found[-1] if found else ' '.join(text.split())[-300:]


class Embedded(Asked):
    def __init__(self, module, folder, threads, memory):
        self.module, self.folder, self.threads, self.limit = module, folder, threads, memory
        code = importlib.import_module('peers.' + module)
        install.venv_packages([code.PACKAGE])
        if importlib.util.find_spec(code.PACKAGE) is None:
            raise ImportError('its package %s could not be installed' % code.PACKAGE)
        self.kind = code.Peer
        self.name, self.dialect, self.layout = code.Peer.name, code.Peer.dialect, ''

    def load(self, tables):
        """What loading took, {} when an earlier run had done it."""
        with tempfile.TemporaryFile('w+') as troubles:
            child = subprocess.Popen([sys.executable, os.path.join(HERE, 'loading.py'), self.module, self.folder, str(self.threads), self.limit],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=troubles, text=True, preexec_fn=die_with_parent)
            child.stdin.write(json.dumps([dataclasses.asdict(table) for table in tables]))
            child.stdin.close()
            said = child.stdout.read()
            _, status, usage = os.wait4(child.pid, 0)
            if status:
                troubles.seek(0)
                raise RuntimeError('loading ended with status %d: %s' % (os.waitstatus_to_exitcode(status), reason(troubles.read())))
        facts = json.loads(said.splitlines()[-1])
        seconds, self.version, self.path = facts['seconds'], facts['version'], facts['path']
        self.settings = facts['settings'] + '; ' + '; '.join('%s %s' % (table.name, self.kind.layout(table)) for table in tables)
        return {'seconds': sum(seconds.values()), 'tables': seconds, 'cpu': usage.ru_utime + usage.ru_stime,
                'peak_mb': usage.ru_maxrss / 1024} if seconds else {}

    def start(self):
        self.link = self.kind(self.folder, self.threads, self.limit)
