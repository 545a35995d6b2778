#!/usr/bin/env python3
"""Differential tests over real files: Ovate and DuckDB load the same bytes and answer the same statements.

    run.py TABLE [--verbose]              load, compare with DuckDB and with the known answers written in TABLE.slt
    run.py TABLE --duckdb [--fill]        check (or write) the known answers with DuckDB alone

The files are not in this repository: OVATE_SHARED or a sibling folder `shared` holds them, else the tier is skipped.
Where the duckdb package is absent the known answers are still compared, and the runner says so.
"""
import argparse
import gzip
import os
import re
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, 'tests', 'lib'), os.path.join(ROOT, 'tests', 'slt')]
import sltfile  # noqa: E402
from duckdb_side import MACROS, plain  # noqa: E402
from duckdb_tables import TABLES  # noqa: E402
from ovatetest import Counter, Server, SqlError, load_json, shared_folder  # noqa: E402


def cleaned(path, file):
    """The name of `file`, which holds the text at `path` with U+FFFD for bytes that are no UTF-8."""
    with gzip.open(path, 'rb') as source:
        file.write(source.read().decode('utf-8', 'replace').encode())
    file.flush()
    return file.name


class Duck:
    def __init__(self, duckdb, table, shared):
        self.link = duckdb.connect()
        self.link.execute("SET TimeZone = 'UTC'; SET default_null_order = 'nulls_first_on_asc_last_on_desc';"
                          "SET integer_division = true")
        self.link.execute(MACROS)
        source = TABLES[table].sql.replace('@DATA@', os.path.join(shared, 'data'))
        with tempfile.NamedTemporaryFile(suffix='.tsv') as clean:
            source = re.sub(r'@CLEAN@/([^\']+)', lambda path: cleaned(os.path.join(shared, 'data', path[1]), clean), source)
            self.link.execute('CREATE TABLE "%s" AS %s' % (TABLES[table].datasource, source))

    def rows(self, sql):
        sql = sql.replace("'$1'", "'\\1'")  # a group in a replacement, as Java writes it
        return [[plain(value) for value in row] for row in self.link.execute(sql).fetchall()]


def spec_of(table, shared):
    """The published example spec, its baseDir made absolute."""
    spec = load_json(os.path.join(ROOT, 'docs', 'examples', TABLES[table].spec))
    source = spec['spec']['ioConfig']['inputSource']
    source['baseDir'] = os.path.join(shared, source['baseDir'])
    return spec


def duck_or_none(table, shared):
    try:
        import duckdb
    except ImportError:
        try:
            from ovatetest import module
            duckdb = module('duckdb')
        except SystemExit:
            return None
    return Duck(duckdb, table, shared)


def compare(counter, server, duck, table, records):
    for record in records:
        name = '%s.slt:%d' % (table, record.line)
        try:
            got = server.sql(record.sql, record.context)[1]
        except SqlError as error:
            counter.check(name, False, '%s\n%s' % (record.sql, error))
            continue
        if record.expected is not None:
            trouble = sltfile.difference(record, got)
            counter.check(name + ' known answer', trouble is None, '%s\n%s' % (record.sql, trouble))
        if duck and not record.by_hand:
            record.expected = sltfile.print_rows(duck.rows(record.sql))
            trouble = sltfile.difference(record, got)
            counter.check(name + ' against DuckDB', trouble is None, '%s\n%s' % (record.sql, trouble))


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument('table', choices=sorted(TABLES))
    words.add_argument('--duckdb', action='store_true')
    words.add_argument('--fill', action='store_true')
    words.add_argument('--verbose', action='store_true')
    asked = words.parse_args()
    shared, counter = shared_folder(TABLES[asked.table].needs), Counter(asked.verbose)
    path = os.path.join(HERE, asked.table + '.slt')
    records = [r for r in sltfile.read(path) if r.kind == 'query']
    duck = duck_or_none(asked.table, shared)
    if asked.duckdb:
        for record in records:
            got = duck.rows(record.sql) if not record.by_hand else None
            if record.expected is None and got is not None:
                record.expected = sltfile.print_rows(got)
            elif got is not None:
                trouble = sltfile.difference(record, got)
                counter.check('%s.slt:%d [duckdb]' % (asked.table, record.line), trouble is None, trouble)
        if asked.fill:
            sltfile.rewrite(path, records)
        counter.finish()
    if duck is None:
        print('no duckdb package (tests/setup-venv.sh installs it): known answers only')
    with Server() as server:
        counts = server.ingest(spec_of(asked.table, shared))
        counter.equal('rows loaded', (counts['processed'], counts['unparseable'], counts['thrownAway']),
                      (TABLES[asked.table].rows, 0, 0))
        server.wait_table(TABLES[asked.table].datasource)
        compare(counter, server, duck, asked.table, records)
    counter.finish()


main()
