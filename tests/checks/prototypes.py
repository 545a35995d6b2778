#!/usr/bin/env python3
"""Every public prototype says what its signature cannot.

Headers are read in paragraphs (blank lines part them). A paragraph that declares a function holds a comment: above the
function, or beside it, or one for a group that stands together. Private headers (_int.h) and templates are exempt.
"""
import re

import tree

PROTOTYPE = re.compile(r'^(?!typedef)[A-Za-z_][\w\s*(),]*\b(ov_\w+)\s*\((?!\s*\*)[^;{}]*\)[^;{}=]*;', re.M)
COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*', re.S)


def paragraphs(text):
    """(first line, text) of each paragraph; a blank line inside a comment or braces parts nothing."""
    start, lines, open_comment, depth = 1, [], False, 0
    for number, line in enumerate(text.splitlines() + [''], 1):
        bare = re.sub(r'/\*.*?\*/|//.*', '', line)
        if not line.strip() and not open_comment and depth == 0:
            if lines:
                yield start, '\n'.join(lines)
            start, lines = number + 1, []
            continue
        lines.append(line)
        open_comment = ('/*' in bare) or (open_comment and '*/' not in line)
        if not open_comment:
            depth = max(0, depth + bare.count('{') - bare.count('}'))


problems = []
for path in tree.layer_files('.h'):
    if path.endswith(('_int.h', '_tmpl.h')):
        continue
    for start, part in paragraphs(tree.text(path)):
        bare = COMMENT.sub(lambda hit: re.sub(r'[^\n]', ' ', hit.group(0)), part)
        bare = re.sub(r'^#.*(\\\n.*)*', '', bare, flags=re.M)
        found = PROTOTYPE.search(bare)
        if found and not COMMENT.search(part):
            problems.append('%s:%d: %s has no comment' % (path, start, found.group(1)))
tree.finish(problems, 'prototypes')
