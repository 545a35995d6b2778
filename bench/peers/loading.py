"""Loads a workload's tables into a peer in a process of its own, so that its processor time and peak memory can be told.

    loading.py MODULE FOLDER THREADS MEMORY < tables as JSON      prints the seconds of every table it loaded, and the peer's version and settings
"""
import importlib
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from peers import install  # noqa: E402
from workloads.shape import Table  # noqa: E402


def main():
    module = importlib.import_module('peers.' + sys.argv[1])
    install.venv_packages([module.PACKAGE])
    peer, seconds = module.Peer(sys.argv[2], int(sys.argv[3]), sys.argv[4]), {}
    for entry in json.load(sys.stdin):
        table = Table(**entry)
        if not peer.holds(table):
            start = time.perf_counter()
            peer.fill(table)
            seconds[table.name] = time.perf_counter() - start
    peer.close()
    print(json.dumps({'seconds': seconds, 'version': peer.version, 'settings': peer.settings, 'path': peer.path}))


main()
