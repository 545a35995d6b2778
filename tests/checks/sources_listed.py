#!/usr/bin/env python3
"""Every .c of a layer is named in its folder's CMakeLists.txt, so that nothing lies in the tree unbuilt."""
import os
import re

import tree

problems = []
for path in tree.layer_files('.c', '.y', '.re'):
    folder, name = os.path.split(path)
    lists, inside = [], folder
    while inside:  # the list may stand in a folder above
        candidate = os.path.join(inside, 'CMakeLists.txt')
        if os.path.exists(os.path.join(tree.ROOT, candidate)):
            lists.append((os.path.relpath(path, inside), tree.text(candidate)))
        inside = os.path.dirname(inside)
    stem = os.path.splitext(name)[0]
    if not any(re.search(r'(?<![\w/])%s(?!\w)|\b%s\b' % (re.escape(tail), re.escape(stem)), body) for tail, body in lists):
        problems.append('%s: not named in any CMakeLists.txt above it' % path)
tree.finish(problems, 'sources listed')
