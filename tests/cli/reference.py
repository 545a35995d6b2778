#!/usr/bin/env python3
"""The reference of functions: every function has an entry, every example gives its answer, docs/sql.md is up to date.

    reference.py [--verbose]
    reference.py --write          bring docs/sql.md up to date
"""
import argparse
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'lib')]
from ovatetest import ROOT, Counter, Server, SqlError, binary  # noqa: E402

PAGE = os.path.join(ROOT, 'docs', 'sql.md')
MARK = '<!-- From here on the page is what `ovate sql --functions` prints: tests/cli/reference.py --write -->\n'
ROWS = ("(VALUES (1, 'a', TIMESTAMP '2000-01-01 00:00:00'), (2, 'b', TIMESTAMP '2000-01-02 00:00:00'), "
        "(2, 'b', TIMESTAMP '2000-01-03 00:00:00'), (NULL, NULL, TIMESTAMP '2000-01-04 00:00:00')) AS t(x, y, __time)")


def printed(*words):
    return subprocess.run([binary(), 'sql', '--functions', *words], capture_output=True, text=True, timeout=60, check=True).stdout


def shown(value):
    """As the page writes an answer."""
    if value is None:
        return 'NULL'
    if isinstance(value, bool):
        return 'true' if value else 'false'
    return value if isinstance(value, str) else json.dumps(value)


def ask(server, entry):
    query = 'SELECT %s' % entry['example']
    if entry['aggregate'] or entry['category'] in ('Aggregates', 'Window functions'):
        query += ' FROM %s%s' % (ROWS, ' ORDER BY __time' if ' OVER ' in entry['example'] else '')
    try:
        return shown(server.sql(query)[1][0][0])
    except SqlError as error:
        return 'refused: %s' % error


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument('--verbose', action='store_true')
    words.add_argument('--write', action='store_true')
    asked = words.parse_args()
    with open(PAGE, encoding='utf-8') as file:
        page = file.read()
    head = page.split(MARK)[0]
    current = head + MARK + printed()
    if asked.write:
        with open(PAGE, 'w', encoding='utf-8') as file:
            file.write(current)
        return
    counter = Counter(asked.verbose)
    counter.check('docs/sql.md', MARK in page and page == current, 'the page is old: tests/cli/reference.py --write')
    entries = [json.loads(line) for line in printed('--format', 'jsonl').splitlines()]
    with Server() as server:
        for entry in entries:
            name = '%s: %s' % (entry['category'], entry['name'])
            counter.check(name + ' is described', bool(entry['about']), 'add it to query/reference/entries.def')
            if entry['example']:
                counter.equal(name, ask(server, entry), entry['answer'])
    counter.finish()


main()
