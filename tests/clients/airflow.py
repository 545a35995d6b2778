#!/usr/bin/env python3
"""Airflow's Druid provider, unmodified: airflow/smoke.py says what it does. Needs tests/clients/run to install it."""
import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from letters import SPEC  # noqa: E402
from lines import HERE, drive, large_client  # noqa: E402
from ovatetest import Counter, Server  # noqa: E402

PACKAGES = ('apache-airflow==3.3.2', 'apache-airflow-providers-apache-druid==4.6.1')


def main():
    programs, counter = large_client('airflow', PACKAGES), Counter()
    with Server() as server, tempfile.TemporaryDirectory(prefix='ovate-airflow-') as home:
        drive(counter, 'airflow', [os.path.join(programs, 'python'), os.path.join(HERE, 'airflow', 'smoke.py'),
                                   'http://127.0.0.1:%d' % server.port, json.dumps(SPEC)], {'AIRFLOW_HOME': home}, 300)
    counter.finish()


main()
