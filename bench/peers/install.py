"""Installs the peers' packages and tools into build/bench-venv and opens the peers. What cannot be had is reported, not hidden."""
import importlib
import importlib.util
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VENV = os.path.join(ROOT, 'build', 'bench-venv')
EMBEDDED = {'duckdb': 'duckdb_peer', 'clickhouse': 'clickhouse_peer'}
ELASTIC = 'elasticsearch', 'elasticsearch-text'
SERVERS = 'druid', *ELASTIC
KNOWN = [*EMBEDDED, *SERVERS]


def pip(*packages):
    if not os.path.isdir(os.path.join(VENV, 'lib')):
        subprocess.run([sys.executable, '-m', 'venv', VENV], check=False)
    subprocess.run([os.path.join(VENV, 'bin', 'pip'), 'install', '--quiet', '--disable-pip-version-check', '--retries', '1', *packages],
                   check=False, stdout=sys.stderr)


def venv_packages(packages):
    """Make the packages importable: from this Python if it has them, else from build/bench-venv, installing there."""
    missing = [p for p in packages if importlib.util.find_spec(p) is None]
    if not missing:
        return
    site = os.path.join(VENV, 'lib', 'python%d.%d' % sys.version_info[:2], 'site-packages')
    if site not in sys.path:
        sys.path.append(site)
    importlib.invalidate_caches()
    missing = [p for p in packages if importlib.util.find_spec(p) is None]
    if missing:
        pip(*missing)
        importlib.invalidate_caches()


def program(name):
    """Path of a command that a PyPI package of that name brings."""
    mine = os.path.join(VENV, 'bin', name)
    if not os.path.exists(mine) and not shutil.which(name):
        pip(name)
    found = mine if os.path.exists(mine) else shutil.which(name)
    if not found:
        raise FileNotFoundError('%s could not be installed' % name)
    return found


def commands(*names):
    """Debian's programs of these names are there, or are installed as scripts/packages.txt lists them for the benchmark."""
    missing = [name for name in names if not shutil.which(name)]
    if missing:
        subprocess.run([os.path.join(ROOT, 'scripts', 'install-packages.sh'), 'bench'], check=False, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    missing = [name for name in names if not shutil.which(name)]
    if missing:
        raise FileNotFoundError('%s: not installed (scripts/install-packages.sh bench, as root)' % ', '.join(missing))


def cache():
    """Where servers are kept between runs; other users must be able to read it, for some refuse to run as root."""
    return os.environ.get('OVATE_BENCH_CACHE') or ('/var/cache/ovate-bench' if os.geteuid() == 0 else
                                                   os.path.expanduser('~/.cache/ovate-bench'))


def opened(name, folder, threads, memory):
    if '=' in name:
        from peers.druid_http import ByUrl
        return ByUrl(*name.split('=', 1))
    if name in SERVERS:
        commands('mvn', 'java')
    if name == 'druid':
        from peers.druid import Druid
        return Druid(folder, threads, memory, cache())
    if name in ELASTIC:
        from peers import elasticsearch, elasticsearch_text
        return (elasticsearch.Elasticsearch if name == 'elasticsearch' else elasticsearch_text.Text)(folder, threads, memory, cache())
    from peers.embedded import Embedded
    return Embedded(EMBEDDED[name], folder, threads, memory)


def peers(names, folder, threads, memory):
    """(peers, absent): the peers asked for ("duckdb", "druid", "NAME=URL") and [name, reason] of those that cannot run."""
    there, absent = [], []
    for name in names:
        try:
            there.append(opened(name, folder, threads, memory))
        except Exception as trouble:  # whatever keeps a peer away is told in the report
            absent.append([name, ' '.join(str(trouble).split())[:300]])
    return there, absent
