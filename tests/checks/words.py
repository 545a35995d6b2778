#!/usr/bin/env python3
"""No machine paths, no registry hosts, no private addresses, nothing left open: the tree builds the same anywhere."""
import re

import tree

REFUSED = (
    ('machine path', re.compile(r'(?:^|[^A-Za-z0-9_.{}])/(?:work|farm|root|home|Users|tmp/ovate)/', re.M)),
    ('registry host', re.compile(r'\b(?:pypi\.org|pythonhosted\.org|registry\.npmjs\.org|crates\.io|deb\.debian\.org|'
                                 r'proxy\.golang\.org|repo1?\.maven\.(?:org|apache\.org))')),
    ('private address', re.compile(r'\b(?:10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+):\d+')),
    ('left open', re.compile(r'\b(?:TO' + r'DO|FIX' + r'ME|XX' + r'X|HA' + r'CK)\b')),
)
TEXT = ('.c', '.h', '.re', '.y', '.def', '.inc', '.py', '.sh', '.md', '.txt', '.cmake', '.json', '.slt', '.yml', '.js',
        '.ts', '.css', '.html', '.sql', 'check.sh', 'demo.sh', '.ci/run', 'bench/run')

problems = []
for path in tree.files(*TEXT):
    text = tree.text(path)
    for what, pattern in REFUSED:
        for hit in pattern.finditer(text):
            problems.append('%s:%d: %s: %s' % (path, text.count('\n', 0, hit.end()) + 1, what, hit.group(0).strip()))
tree.finish(problems, 'words')
