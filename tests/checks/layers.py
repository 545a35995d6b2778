#!/usr/bin/env python3
"""Includes point down the layers, never up or sideways, and are written from the root of the tree.

          server
         /      \\
      query    ingest        neither knows the other
         \\      /
         storage
            |
         sketch           algorithms over bytes
            |
          base
Headers that end in _int.h stay in their folder. bench/ and tests/ see everything; nothing includes them.
"""
import os
import re

import tree

MAY_SEE = {
    'base': {'base'},
    'sketch': {'base', 'sketch'},
    'storage': {'base', 'sketch', 'storage'},
    'query': {'base', 'sketch', 'storage', 'query'},
    'ingest': {'base', 'sketch', 'storage', 'ingest'},
    'server': {'base', 'sketch', 'storage', 'query', 'ingest', 'server'},
}


def generated(target):
    """A header that the build makes: from a grammar or messages beside it, or with _gen in its name."""
    source = target[:-len('.pb-c.h')] + '.proto' if target.endswith('.pb-c.h') else target[:-2] + '.y'
    return target.endswith('_gen.h') or os.path.exists(os.path.join(tree.ROOT, source))


problems = []
for path in [p for p in tree.files('.c', '.h') if p.startswith(('tests/', 'bench/'))]:
    for found in re.finditer(r'^#include "([^"]+)"', tree.text(path), re.M):
        if not any(os.path.exists(os.path.join(tree.ROOT, top, found.group(1))) for top in ('', os.path.dirname(path))) \
                and not generated(found.group(1)):
            problems.append('%s: no such header: %s' % (path, found.group(1)))
for path in tree.layer_files():
    layer, folder = path.split('/')[0], os.path.dirname(path)
    for number, line in enumerate(tree.text(path).splitlines(), 1):
        found = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if not found:
            continue
        target = found.group(1)
        place = '%s:%d: ' % (path, number)
        top = target.split('/')[0]
        if '/' not in target:
            if os.path.exists(os.path.join(tree.ROOT, folder, target)):
                problems.append(place + 'include "%s/%s" from the root, not "%s"' % (folder, target, target))
        elif top not in MAY_SEE[layer]:
            problems.append(place + '%s/ may not include %s' % (layer, target))
        elif target.endswith('_int.h') and os.path.dirname(target) != folder:
            problems.append(place + '%s is private to %s/' % (target, os.path.dirname(target)))
        elif not os.path.exists(os.path.join(tree.ROOT, target)) and not generated(target):
            problems.append(place + 'no such header: %s' % target)
tree.finish(problems, 'layers')
