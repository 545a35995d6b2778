#!/usr/bin/env python3
"""Every relative link in a Markdown page leads to a file of the tree, and every #part of one to a heading; every page
under docs/ that a comment in the sources names is there."""
import os
import re

import tree


def anchors(path):
    """Heading anchors as GitHub makes them."""
    bare = re.sub(r'^```.*?^```', '', tree.text(path), flags=re.M | re.S)
    titles = re.findall(r'^#+\s+(.*?)\s*$', bare, re.M)
    return {re.sub(r'[^\w\- ]', '', re.sub(r'[`*]', '', t)).lower().replace(' ', '-') for t in titles}


problems = []
for path in tree.files('.md'):
    text = re.sub(r'^```.*?^```', lambda hit: '\n' * hit.group(0).count('\n'), tree.text(path), flags=re.M | re.S)
    text = re.sub(r'`[^`\n]*`', '', text)
    for hit in re.finditer(r'\]\(([^)\s]+)(?:\s+"[^"]*")?\)', text):
        target, _, part = hit.group(1).partition('#')
        if re.match(r'[a-z]+:', target):
            continue
        place = '%s:%d: ' % (path, text.count('\n', 0, hit.start()) + 1)
        full = os.path.normpath(os.path.join(os.path.dirname(path), target)) if target else path
        if full.startswith('..') or not os.path.exists(os.path.join(tree.ROOT, full)):
            problems.append(place + 'no such file: %s' % target)
        elif part and full.endswith('.md') and part not in anchors(full):
            problems.append(place + 'no heading #%s in %s' % (part, full))
for path in tree.files('.c', '.h', '.re', '.y', '.def', '.py', '.sh', 'CMakeLists.txt'):
    text = tree.text(path)
    for hit in re.finditer(r'\bdocs/(?:decisions/)?[\w.-]+\.md\b', text):
        if not os.path.exists(os.path.join(tree.ROOT, hit.group(0))):
            problems.append('%s:%d: no such page: %s' % (path, text.count('\n', 0, hit.start()) + 1, hit.group(0)))
tree.finish(problems, 'links')
