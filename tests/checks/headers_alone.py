#!/usr/bin/env python3
"""Each header compiles alone: it includes what it uses. Templates (_tmpl.h) are parameters first and exempt.

The compiler flags come from compile_commands.json of the build folder given as the first argument (default build/asan).
"""
import concurrent.futures
import json
import os
import shlex
import subprocess
import sys

import tree

build = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(tree.ROOT, 'build', 'asan'))


def flags_of(layer):
    """Include paths and definitions of any source of that layer."""
    with open(os.path.join(build, 'compile_commands.json'), encoding='utf-8') as file:
        for entry in json.load(file):
            words = shlex.split(entry['command'])
            if os.path.relpath(entry['file'], tree.ROOT).startswith(layer + '/'):
                kept, words = [], iter(words)
                for word in words:
                    if word in ('-isystem', '-I', '-include'):
                        kept += [word, next(words)]
                    elif word.startswith(('-I', '-D', '-std', '-m')):
                        kept.append(word)
                return kept
    return ['-I', tree.ROOT, '-I', os.path.join(build, 'generated'), '-D_GNU_SOURCE', '-std=gnu17']


def compile_alone(path):
    run = subprocess.run(['cc', '-fsyntax-only', '-Wall', '-x', 'c', *flags[path.split('/')[0]], '-'], cwd=tree.ROOT,
                         input='#include "%s"\n' % path, capture_output=True, text=True, check=False)
    return None if run.returncode == 0 else '%s: does not compile alone:\n%s' % (path, run.stderr.strip()[:1200])


headers = [p for p in tree.layer_files('.h') if not p.endswith('_tmpl.h')]
flags = {layer: flags_of(layer) for layer in {p.split('/')[0] for p in headers}}
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    tree.finish([p for p in pool.map(compile_alone, headers) if p], '%d headers alone' % len(headers))
