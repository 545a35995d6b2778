#!/usr/bin/env python3
"""The segment format against its document.

    format_test.py golden TOOL    every file of tests/golden: both decoders agree with the rows beside it; broken files
                                  are refused by both, with the sentence beside them
    format_test.py random TOOL    files made now, of random columns: the decoder agrees with what went in
    format_test.py bless TOOL     rewrite tests/golden (only when the format changes on purpose)

TOOL is build/<preset>/tests/format/segment_make.
"""
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import break_segments  # noqa: E402
import decode  # noqa: E402

GOLDEN = os.path.join(HERE, '..', 'golden')
LARGE = 64 << 10  # rows of larger files are kept as a digest
failures = []


def check(condition, what):
    if not condition:
        print('FAIL: %s' % what)
        failures.append(what)


def canonical(rows):
    """One line a row, numbers printed by Python: 1.0 and 1 differ, 0.1 has one form."""
    return ''.join(repr(row) + '\n' for row in rows)


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def digest(rows):
    return hashlib.sha256(canonical(rows).encode('utf-8')).hexdigest()


def check_file(path, tool):
    """The decoder, the reader and the rows beside the file say the same."""
    base = path[:-len('.ovs')]
    got = list(decode.rows_of(path))
    dumped = lines(subprocess.run([tool, 'dump', path], capture_output=True, text=True, check=True).stdout)
    check(canonical(got) == canonical(dumped), '%s: decoder and reader differ' % path)
    if os.path.exists(base + '.sha256'):
        with open(base + '.sha256', encoding='ascii') as file:
            check(file.read().strip() == digest(got), '%s: rows differ from their digest' % path)
    else:
        with open(base + '.ndjson', encoding='utf-8') as file:
            check(canonical(got) == canonical(lines(file.read())), '%s: rows differ' % path)
    verdict = subprocess.run([tool, 'verify', path], capture_output=True, text=True, check=False)
    check(verdict.stdout == 'OV_OK\n', '%s: verify says %s' % (path, verdict.stdout))


def check_broken(path, tool):
    with open(path[:-len('.ovs')] + '.txt', encoding='utf-8') as file:
        want = file.read().strip()
    verdict = subprocess.run([tool, 'verify', path], capture_output=True, text=True, check=False)
    check(verdict.returncode == 1 and want in verdict.stdout, '%s: verify says %s not %s' % (path, verdict.stdout, want))


def names(folder):
    return sorted(os.path.join(folder, n) for n in os.listdir(folder) if n.endswith('.ovs'))


def golden(tool):
    for path in names(os.path.join(GOLDEN, 'segments')):
        check_file(path, tool)
    for path in names(os.path.join(GOLDEN, 'broken')):
        check_broken(path, tool)
    print('%d segments, %d broken ones' % (len(names(os.path.join(GOLDEN, 'segments'))),
                                           len(names(os.path.join(GOLDEN, 'broken')))))


def random(tool):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([tool, 'random', folder, os.environ.get('OVATE_SEED', '1'), '44'], check=True)
        for path in names(folder):
            check_file(path, tool)
        print('%d segments' % len(names(folder)))


def bless(tool):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([tool, 'golden', folder], check=True)
        to = os.path.join(GOLDEN, 'segments')
        shutil.rmtree(to, ignore_errors=True)
        os.makedirs(to)
        for path in names(folder):
            rows = path[:-len('.ovs')] + '.ndjson'
            name = os.path.basename(path)[:-len('.ovs')]
            shutil.copy(path, to)
            if os.path.getsize(rows) < LARGE:
                shutil.copy(rows, to)
                continue
            with open(rows, encoding='utf-8') as file, open(os.path.join(to, name + '.sha256'), 'w') as out:
                out.write(digest(lines(file.read())) + '\n')
    break_segments.write_all(os.path.join(GOLDEN, 'segments'), os.path.join(GOLDEN, 'broken'))


if __name__ == '__main__':
    {'golden': golden, 'random': random, 'bless': bless}[sys.argv[1]](sys.argv[2])
    sys.exit(1 if failures else 0)
