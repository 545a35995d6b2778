#!/usr/bin/env python3
"""Source files have names of their own, one subject's length, and nothing generated, binary or foreign is committed."""
import collections
import os
import re

import tree

BINARY_OK = re.compile(r'^(tests/golden/|tests/fuzz/|tests/format/|bench/results/|docs/.*\.png$)')
FOREIGN = re.compile(r'(^|/)(vendor|third_party|node_modules|dist)/|\.min\.(js|css)$')
GENERATED = re.compile(r'\.(o|a|so|pyc|orig|rej|zst|gz|parquet|db|sqlite)$|(^|/)(lempar\.c|compile_commands\.json|CMakeCache\.txt)$')
MOST_LINES = 500
ONE_GRAMMAR = {'query/sql/grammar.y'}  # the generator takes one file

problems = []
by_name = collections.defaultdict(list)
for path in tree.files():
    if path.endswith(('.c', '.h', '.re', '.y')):
        by_name[os.path.basename(path)].append(path)
    if FOREIGN.search(path):
        problems.append('%s: not ours' % path)
    body = tree.raw(path)
    if not BINARY_OK.match(path):
        if GENERATED.search(path):
            problems.append('%s: generated or packed files are not committed' % path)
        elif b'\0' in body[:65536]:
            problems.append('%s: binary' % path)
        if len(body) > 1 << 20:
            problems.append('%s: %d bytes; large files are generated, not committed' % (path, len(body)))
    lines = body.count(b'\n')
    if path.endswith(('.c', '.h', '.re', '.y', '.py', '.sh')) and lines > MOST_LINES and path not in ONE_GRAMMAR:
        problems.append('%s: %d lines: is it one subject?' % (path, lines))
for name, paths in sorted(by_name.items()):
    if len(paths) > 1:
        problems.append('%s: the same name as %s' % (paths[0], ', '.join(paths[1:])))
tree.finish(problems, 'names')
