"""The files of the project as the checks see them: what git tracks or would track, with their text."""
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAYERS = ('base', 'sketch', 'storage', 'query', 'ingest', 'server')
SOURCES = ('.c', '.h', '.re', '.y', '.def', '.inc')


def files(*suffixes):
    """Paths from the root, sorted; all of them without suffixes."""
    listed = subprocess.run(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'], cwd=ROOT,
                            capture_output=True, check=False)
    if listed.returncode == 0:
        paths = {p for p in listed.stdout.decode().split('\0') if p}
    else:  # a release archive: no git, and nothing but our files outside build/
        paths = {os.path.relpath(os.path.join(folder, name), ROOT) for folder, _, names in os.walk(ROOT)
                 if os.path.relpath(folder, ROOT).split(os.sep)[0] != 'build' for name in names}
    paths = {p for p in paths if os.path.isfile(os.path.join(ROOT, p))}
    return sorted(p for p in paths if not suffixes or p.endswith(suffixes))


def layer_files(*suffixes):
    return [p for p in files(*(suffixes or SOURCES)) if p.split('/')[0] in LAYERS]


def raw(path):
    with open(os.path.join(ROOT, path), 'rb') as file:
        return file.read()


def text(path):
    return raw(path).decode('utf-8', 'replace')


def finish(problems, what):
    """Print every problem as `path:line: words`, or one line that says what held; end the script."""
    for problem in problems:
        print(problem)
    print('%s: %s' % (what, '%d problems' % len(problems) if problems else 'ok'))
    sys.exit(1 if problems else 0)
