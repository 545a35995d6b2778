#!/usr/bin/env python3
"""What a comment or a page names is there: functions and types by our prefixes, files by a path. Comments outlive what they
speak of, and nothing else notices. A name that ends with _ stands for all that begin like it."""
import re

import tree

COMMENT = re.compile(r'/\*.*?\*/', re.S)
NAME = re.compile(r'\bovi?_[a-z0-9]\w*')
PATH = re.compile(r'(?<![\w/.<-])(?:(?:base|sketch|storage|query|ingest|server|tests|bench|scripts)/[\w./-]*\w\.(?:c|h|py|def|y|re|md)'
                  r'|docs/(?:decisions/|examples/)?[\w-]+\.md)\b')  # other folders of docs/ are Druid's
PLACEHOLDERS = {'ov_module_verb'}  # docs/style.md: how names are made

known, spoken = set(), []
for path in tree.files(*tree.SOURCES):
    text = tree.text(path)
    known.update(NAME.findall(COMMENT.sub(' ', text)))
    spoken.extend((path, text.count('\n', 0, hit.start()) + 1, hit.group(0)) for hit in COMMENT.finditer(text))
for path in tree.files('.md'):
    if not path.startswith(('CHANGELOG', 'bench/results/')):
        spoken.append((path, 1, tree.text(path)))

problems, files = [], set(tree.files())
for path, first, text in spoken:
    for hit in list(NAME.finditer(text)) + list(PATH.finditer(text)):
        name = hit.group(0)
        if '/' in name:
            there = name in files or '*' in name
        else:
            there = name in known or name in PLACEHOLDERS or (name.endswith('_') and any(k.startswith(name) for k in known))
        if not there:
            problems.append('%s:%d: there is no %s' % (path, first + text.count('\n', 0, hit.start()), name))
tree.finish(problems, 'mentions')
