"""Clients that are programs of their own: they print a line a check, "ok      name" or "FAILED  name: what"."""
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'lib'))
from ovatetest import ROOT, skip  # noqa: E402


def drive(counter, name, command, env=None, seconds=120):
    """Run the client, count its lines; it must end well and say something."""
    done = subprocess.run(command, env=dict(os.environ, **(env or {})), capture_output=True, text=True, timeout=seconds, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith(('ok      ', 'FAILED  '))]
    for line in lines:
        counter.check(line[8:], line.startswith('ok'), line)
    counter.check('%s ends well' % name, done.returncode == 0 and lines, done.stderr[-2000:])


def large_client(name, packages):
    """The programs of a Python client of some hundred MB, from a folder below build/ that an earlier run filled. Filled only when
    OVATE_CLIENTS is `all`, as tests/clients/run sets it; skipped with a word otherwise."""
    folder = os.path.join(ROOT, 'build', 'clients', name)
    programs, ready, wanted = os.path.join(folder, 'bin'), os.path.join(folder, 'ready'), ' '.join(packages)
    if os.path.exists(ready) and open(ready, encoding='utf-8').read() == wanted:
        return programs
    if os.environ.get('OVATE_CLIENTS') != 'all':
        skip('%s takes minutes to install: tests/clients/run does it' % name)
    shutil.rmtree(folder, ignore_errors=True)
    for command in ([sys.executable, '-m', 'venv', folder], [os.path.join(programs, 'pip'), 'install', '-q', 'uv'],
                    [os.path.join(programs, 'uv'), 'pip', 'install', '-q', '--native-tls', '--python', os.path.join(programs, 'python'),
                     *packages]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            skip('%s could not be installed: %s' % (name, done.stderr.strip()[-300:]))
    with open(ready, 'w', encoding='utf-8') as file:
        file.write(wanted)
    return programs
