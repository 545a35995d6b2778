#!/usr/bin/env python3
"""Every function that a header declares is used by the program: not only defined, and not only tested. What has no caller is
read, kept and trusted for nothing; worse, what was meant to be called may have been forgotten. A comment right above
that says "tests" marks what exists for them."""
import collections
import re

import tree

DECLARED = re.compile(r'\b(ovi?_[a-z0-9]\w*)\s*\(')
WORD = re.compile(r'\bovi?_[a-z0-9]\w*')
COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*', re.S)


def code(text):
    """The text with its comments blanked, line by line as it was."""
    return COMMENT.sub(lambda hit: re.sub(r'[^\n]', ' ', hit.group(0)), text)


uses = collections.Counter()
headers = {}
for path in tree.layer_files():
    body = tree.text(path)
    bare = code(body)
    uses.update(WORD.findall(bare))
    if path.endswith('.h'):
        headers[path] = (body.splitlines(), bare.splitlines())

problems = []
for path, (lines, bare) in sorted(headers.items()):
    for number, line in enumerate(bare):
        found = DECLARED.search(line)
        if not found or line.startswith((' ', '#', 'typedef')):
            continue
        name = found.group(1)
        inline = 'inline' in line or 'OV_INLINE' in line
        if uses[name] > (1 if inline else 2):
            continue
        above = number
        while above and lines[above - 1].strip() and above > number - 8:
            above -= 1
        if not re.search(r'\b[Tt]ests?\b', '\n'.join(lines[above:number + 1])):
            problems.append('%s:%d: nothing but tests calls %s' % (path, number + 1, name))
tree.finish(problems, 'unused')
