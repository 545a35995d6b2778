"""Installs the peers' packages into build/bench-venv and opens them. A peer that cannot be had is reported, not hidden."""
import importlib
import importlib.util
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KNOWN = {'duckdb': 'duckdb_peer', 'clickhouse': 'clickhouse_peer'}


def venv_packages(packages):
    """Make the packages importable: from this Python if it has them, else from build/bench-venv, installing there."""
    missing = [p for p in packages if importlib.util.find_spec(p) is None]
    if not missing:
        return
    venv = os.path.join(ROOT, 'build', 'bench-venv')
    site = os.path.join(venv, 'lib', 'python%d.%d' % sys.version_info[:2], 'site-packages')
    sys.path.append(site)
    importlib.invalidate_caches()
    missing = [p for p in packages if importlib.util.find_spec(p) is None]
    if missing:
        if not os.path.isdir(site):
            subprocess.run([sys.executable, '-m', 'venv', venv], check=False)
        subprocess.run([os.path.join(venv, 'bin', 'pip'), 'install', '--quiet', '--disable-pip-version-check', '--retries', '1',
                        *missing], check=False)
        importlib.invalidate_caches()


def peers(names, folder, threads, memory):
    """The peers asked for ("duckdb,clickhouse", "none"), each open on its own files in `folder`."""
    wanted = [name for name in names.split(',') if name not in ('', 'none')]
    for name in wanted:
        if name not in KNOWN:
            sys.exit('unknown peer %s; there are: %s' % (name, ', '.join(sorted(KNOWN))))
    modules = [importlib.import_module('peers.' + KNOWN[name]) for name in wanted]
    venv_packages([module.PACKAGE for module in modules])
    opened = []
    for module in modules:
        try:
            opened.append(module.Peer(folder, threads, memory))
        except ImportError as trouble:
            print('%s is absent from this run: %s' % (module.Peer.name, trouble))
    return opened
