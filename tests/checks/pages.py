#!/usr/bin/env python3
"""Every folder of sources has a README.md, and it names each source of its own: a file that no page names is found by
nobody. A page may name many at once (`kafka_*.c`), and NAME.h is named by NAME.c; private headers, templates and instances for
instruction sets go with what they belong to."""
import fnmatch
import os
import re

import tree

SOURCES = ('.c', '.h', '.re', '.y', '.proto', '.py')
BY_KIND = {'tests/unit': ('_test.c', '.h'), 'tests/fuzz': ('_fuzz.c',)}  # many files of one shape: the page says the shape
COVERED = re.compile(r'(_int\.h|_tmpl\.h|_isa\.[ch]|_(base|v3|v4)\.c|__init__\.py)$')
ALONE = re.compile(r'^tests/clients/.')  # a client's script each, named by the page above


def stems(page):
    """Words of a page that may be file names, without their endings."""
    return {re.sub(r'\.\w+$', '', word) for word in re.findall(r'[\w*.-]*\w', page)}


problems = []
folders = {}
for path in tree.files(*SOURCES):
    folders.setdefault(os.path.dirname(path), []).append(os.path.basename(path))
for folder, files in sorted(folders.items()):
    page = os.path.join(folder, 'README.md')
    if ALONE.match(folder):
        continue
    if not os.path.exists(os.path.join(tree.ROOT, page)):
        problems.append('%s: no README.md says what lives here' % folder)
        continue
    words = stems(tree.text(page))
    wild = [word for word in words if '*' in word]
    for name in files:
        stem = name.rsplit('.', 1)[0]
        if stem in words or COVERED.search(name) or name.endswith(BY_KIND.get(folder, ())):
            continue
        if not any(fnmatch.fnmatchcase(stem, word) for word in wild):
            problems.append('%s: %s/README.md does not name it' % (os.path.join(folder, name), folder))
tree.finish(problems, 'pages')
