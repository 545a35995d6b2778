#!/usr/bin/env python3
"""The benchmark's page and the file of measures, over made-up runs: no engine is started, nothing is timed."""
import json
import os
import sys
import tempfile
import unittest
import xml.etree.ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'bench'))
import measure  # noqa: E402
import report  # noqa: E402
import report_page  # noqa: E402
from peers.elasticsearch_text import BODIES, Text  # noqa: E402
from workloads import shape, stations  # noqa: E402


def run(rows, times, workload='stations', names=('Ovate', 'DuckDB', 'Druid')):
    """A run whose queries took times[n] of engine n; None: it cannot."""
    engines = [{'name': name, 'version': '1', 'settings': 'a|b', 'bytes': 10, 'memory': {},
                'load': {'seconds': 2.0, 'cpu': 1.0, 'peak_mb': 3} if name != 'Druid' else {}} for name in names]
    return {'workload': workload, 'title': 'Stations', 'rows': rows, 'runs': 5, 'date': '2026-01-01', 'machine': 'a machine', 'commit': 'abc', 'load_average': 0.5,
            'command': 'bench/run', 'absent': [['elasticsearch', 'no java']], 'engines': engines, 'format': 'csv',
            'queries': [{'key': query.key, 'about': query.about, 'sql': 'SELECT 1', 'answers': 'equal', 'first': [t and 2 * t for t in times],
                         'times': [[t] * 5 if t else [] for t in times]} for query in stations.QUERIES]}


class Page(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.TemporaryDirectory()
        self.addCleanup(self.place.cleanup)

    def page(self, *runs):
        for one in runs:
            report.write(one, self.place.name)
        return report_page.page(self.place.name)

    def test_growth_and_what_is_slower(self):
        files = self.page(run(1_000_000, (0.001, 0.01, 0.1)), run(100_000_000, (0.02, 0.01, None)))
        page = files['README.md']
        for name, text in files.items():
            if name.endswith('.svg'):
                xml.etree.ElementTree.fromstring(text)
        self.assertEqual(set(files), {'README.md', 'ratios.svg', 'growth.svg'})
        self.assertIn('shortest time in 8 of them', page)
        self.assertIn('| [Stations](stations-100000000.md), 100 M rows | **a** rows of one station since a day | 20.0 | 10.0, DuckDB | 0.50 × |', page)
        self.assertIn('| **a** rows of one station since a day | 20 × | 1 × |  |', page)
        self.assertIn('| **c** group by | Druid |  | cannot |  |', page)
        self.assertIn('error or out of time, all five', page)
        self.assertIn('elasticsearch absent: no java', page)
        self.assertIn('* caches: `bench/measure.py caches`', page)
        self.assertNotIn('](#caches-of-results)', page)

    def test_runs_of_folders_inside_and_a_folder_without_runs(self):
        self.assertIn('## What this folder does not have', report_page.page(self.place.name)['README.md'])
        report.write(run(1_000_000, (0.001, 0.01, 0.1)), os.path.join(self.place.name, 'druid'))
        self.assertIn('(druid/stations-1000000.md)', report_page.page(self.place.name)['README.md'])

    def test_measures_are_kept_each_with_its_date(self):
        path = os.path.join(self.place.name, 'measures.json')
        self.assertEqual(measure.kept(path), {})
        facts = {'queries': [{'key': 'a', 'about': 'x', 'bytes': 0, 'seconds': 0.001, 'share': 0.0}], 'rows': 10, 'bytes_per_second': 1e9}
        with open(path, 'w', encoding='utf-8') as file:
            json.dump({'date': '2026-01-01', 'machine': 'm', 'roofline': {'load_average': 1.0, 'facts': facts}}, file)
        caches = {'rows': 10, 'queries': [{'key': 'a', 'about': 'x', 'off': 0.002, 'on': 0.001}]}
        measure.keep(path, {**measure.kept(path), 'caches': {'date': '2026-02-02', 'machine': 'n', 'commit': 'abc', 'load_average': 2.0, 'facts': caches}})
        page = self.page(run(1_000_000, (0.001, 0.01, 0.1)))['README.md']
        self.assertIn('Measured 2026-01-01 at load average 1.0, commit not noted.', page)
        self.assertIn('Measured 2026-02-02 at load average 2.0, commit abc.', page)
        self.assertIn('](#caches-of-results)', page)
        self.assertIn('Machines: a machine; m; n.', page)

    def test_text_mapping(self):
        table = shape.Table('t', 't.csv', stations.COLUMNS, time='__time')
        self.assertEqual(Text.document(table, {'__time': '2023-03-07T22:20:00Z', 'shared': 1}), {'timestamp': '2023-03-07 22:20:00', 'shared': 1})
        self.assertNotIn('mappings', Text.index_of(table))
        for query in stations.QUERIES:
            self.assertEqual(query.key in BODIES, 'elastic_text' not in query.absent)
        for body, _ in BODIES.values():
            self.assertNotIn('__time', json.dumps(body))


if __name__ == '__main__':
    unittest.main()
