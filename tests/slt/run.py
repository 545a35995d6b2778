#!/usr/bin/env python3
"""SQL logic tests: run *.slt files against a server of their own and compare every answer.

    run.py [--setting NAME] [--only WORD] [--verbose] [FILE.slt ...]      against the binary (see settings.py)
    run.py --duckdb [FILE.slt ...]                                        check the expected answers with DuckDB
    run.py --duckdb --fill FILE.slt                                       write DuckDB's answers into empty records

README.md beside this file describes the format. Standard library only, plus duckdb where asked for.
"""
import argparse
import glob
import http.client
import json
import os
import re
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'lib'), HERE]
import keyed  # noqa: E402
import sltfile  # noqa: E402
import tables  # noqa: E402
from ovatetest import Counter, Server, SqlError  # noqa: E402
from settings import SETTINGS, load_changes  # noqa: E402


def run_record(counter, server, name, record):
    try:
        _, rows = server.sql(record.sql, record.context, **record.fields)
    except SqlError as error:
        message = '%d %s' % (error.status, error.fields.get('errorMessage', error.body))
        if record.error is None:
            counter.check(name, False, '%s\nrefused: %s' % (record.sql, message))
        else:
            counter.check(name, re.search(record.error, message, re.S) and error.status in (400, 501),
                          '%s\nwant an error like %r\ngot  %s' % (record.sql, record.error, message))
        return
    if record.error is not None:
        counter.check(name, False, '%s\nwant an error like %r, got %d rows' % (record.sql, record.error, len(rows)))
        return
    trouble = sltfile.difference(record, rows)
    counter.check(name, trouble is None, '%s\n%s' % (record.sql, trouble))


def pieces(text, has_header, lines_each):
    """A file's rows in order, so many lines at a time, each piece with the header."""
    lines = text.splitlines(keepends=True)
    header = lines.pop(0) if has_header else ''
    piece, quotes = [], 0
    for line in lines:
        piece.append(line)
        quotes += line.count('"')
        if len(piece) >= lines_each and quotes % 2 == 0:
            yield header + ''.join(piece)
            piece = []
    if piece:
        yield header + ''.join(piece)


def push_table(server, spec, lines_each):
    """The table of a batch spec as rows in memory. What is rolled up comes at once, for it is only then rolled up in full."""
    inner = spec['spec']
    form, source = inner['ioConfig']['inputFormat'], inner['ioConfig']['inputSource']
    name = inner['dataSchema']['dataSource']
    stream = {'dataSchema': inner['dataSchema'], 'inputFormat': form}
    status, _, answer = server.request('PUT', '/v1/streams/' + name, json.dumps(stream).encode())
    if status != 200:
        raise RuntimeError('stream refused: %d %s' % (status, answer[:600]))
    if inner['dataSchema'].get('granularitySpec', {}).get('rollup', True):
        lines_each = 1 << 30
    kind = {'Content-Type': {'csv': 'text/csv', 'tsv': 'text/tab-separated-values'}.get(form['type'], 'application/json')}
    rows = 0
    for path in source.get('files') or glob.glob(os.path.join(source.get('baseDir', ''), source.get('filter', ''))):
        with open(path, encoding='utf-8', newline='') as file:
            for body in pieces(file.read(), form.get('findColumnsFromHeader'), lines_each):
                status, _, answer = server.request('POST', '/v1/push/' + name, body.encode(), kind)
                if status != 200:
                    raise RuntimeError('push refused: %d %s' % (status, answer[:600]))
                rows += json.loads(answer)['rows']
    return rows


def against_server(files, setting, counter, only):
    with tempfile.TemporaryDirectory(prefix='ovate-slt-') as folder, Server(env=SETTINGS[setting].env) as server:
        loaded = set()
        for path in files:
            if SETTINGS[setting].push_rows and os.path.basename(path) == 'metadata.slt':
                continue  # tells of tasks and published segments
            for record in sltfile.read(path):
                if record.kind == 'load':
                    if record.table not in loaded:
                        spec, rows = tables.spec(record.table, folder)
                        spec, pushed = load_changes(spec, SETTINGS[setting]), SETTINGS[setting].push_rows
                        if SETTINGS[setting].keyed and keyed.has_keys(spec):
                            loads = keyed.load(server, spec, folder,
                                               pushed and (lambda one: push_table(server, one, pushed)))
                        else:
                            loads = push_table(server, spec, pushed) if pushed else server.ingest(spec)['processed']
                        counter.equal('%s: load %s' % (os.path.basename(path), record.table), loads, rows)
                        server.wait_table(record.table)
                        loaded.add(record.table)
                    continue
                if SETTINGS[setting].keyed and keyed.sees_key(record.sql):
                    continue
                name = '%s:%d [%s]' % (os.path.basename(path), record.line, setting)
                if only and only not in name and only not in record.sql:
                    continue
                try:
                    run_record(counter, server, name, record)
                    if SETTINGS[setting].again:
                        record.context = dict(record.context or {}, useResultLevelCache=False)
                        run_record(counter, server, name + ' again', record)
                except (OSError, http.client.HTTPException) as trouble:
                    counter.check(name, False, '%s\nno answer: %r; the log ends\n%s' % (record.sql, trouble, server.log()[-4000:]))
                    if not server.alive():
                        server.start()  # the other records still say something
        if SETTINGS[setting].again:
            hits = re.search(r'^ovate_state_hits_total (\d+)$', server.request('GET', '/metrics')[2].decode(), re.M)
            counter.check('states were found [%s]' % setting, only or int(hits.group(1)) > 0, 'no segment was answered by kept states')


def against_duckdb(files, fill, counter):
    import duckdb_side
    with tempfile.TemporaryDirectory(prefix='ovate-slt-') as folder:
        for path in files:
            records, changed = list(sltfile.read(path)), False
            engine = duckdb_side.Engine(folder)
            for record in records:
                if record.kind == 'load':
                    engine.load(record.table)
                elif record.by_hand or record.error is not None:
                    continue
                elif fill and record.expected is None:
                    record.expected, changed = sltfile.print_rows(engine.rows(record)), True
                else:
                    trouble = sltfile.difference(record, engine.rows(record))
                    counter.check('%s:%d [duckdb]' % (os.path.basename(path), record.line), trouble is None,
                                  '%s\n%s' % (record.sql, trouble))
            if changed:
                sltfile.rewrite(path, records)


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument('files', nargs='*')
    words.add_argument('--setting', default='plain', choices=sorted(SETTINGS))
    words.add_argument('--only', help='records whose place or SQL holds this')
    words.add_argument('--duckdb', action='store_true')
    words.add_argument('--fill', action='store_true')
    words.add_argument('--verbose', action='store_true')
    asked = words.parse_args()
    files = asked.files or sorted(glob.glob(os.path.join(HERE, '*.slt')))
    counter = Counter(asked.verbose)
    if asked.duckdb:
        against_duckdb(files, asked.fill, counter)
    else:
        against_server(files, asked.setting, counter, asked.only)
    counter.finish()


main()
