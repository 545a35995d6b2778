#!/usr/bin/env python3
"""The command line: exit codes, output formats, ingest of specs and git clones, segment files. run.py [--verbose]"""
import csv
import glob
import io
import json
import os
import pty
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'lib'), os.path.join(HERE, '..', 'slt')]
import tables  # noqa: E402
from ovatetest import Counter, Server, binary  # noqa: E402

GIT_ENV = {'GIT_AUTHOR_NAME': 'Ann', 'GIT_AUTHOR_EMAIL': 'ann@one.example', 'GIT_COMMITTER_NAME': 'Cee',
           'GIT_COMMITTER_EMAIL': 'cee@two.example', 'GIT_CONFIG_GLOBAL': '/dev/null', 'GIT_CONFIG_SYSTEM': '/dev/null'}


def ovate(*words, stdin=None):
    """(status, output, complaints) of one command."""
    run = subprocess.run([binary(), *words], input=stdin, capture_output=True, text=True, timeout=300, check=False)
    return run.returncode, run.stdout, run.stderr


def exit_codes(counter, data):
    for name, words, want in (
            ('done', ['sql', '--data', data, '-c', 'SELECT 1'], 0),
            ('refused SQL', ['sql', '--data', data, '-c', 'SELEC 1'], 1),
            ('unknown column', ['sql', '--data', data, '-c', 'SELECT nope FROM tiny'], 1),
            ('unknown option', ['sql', '--no-such-option'], 2),
            ('unknown command', ['no-such-command'], 2),
            ('unknown format', ['sql', '--data', data, '--format', 'xml', '-c', 'SELECT 1'], 2),
            ('no server there', ['sql', '--url', 'http://127.0.0.1:1', '-c', 'SELECT 1'], 3),
            ('no such spec', ['ingest', 'run', '/no/such/spec.json', '--data', data], 3),
            ('no such segment', ['segment', 'verify', '/no/such/file.ovs'], 3),
            ('a folder as script', ['sql', '--data', data, '--file', '/'], 3),
            ('a size that is no number', ['server', '--memory', 'nan'], 2),
            ('a size past all sizes', ['server', '--memory', '1e18TB'], 2),
            ('generator without rows', ['bench', 'gen'], 2),
            ('a number of rows that is none', ['demo', '--rows', '10q'], 2),
            ('an option of another word: tail', ['ingest', 'run', '/no/such/spec.json', '--data', data, '--once'], 2),
            ('an option of another word: backfill', ['ingest', 'tail', '/no/such/file', '--datasource', 'x', '--dry-run'], 2),
            ('help', ['--help'], 0), ('help of a command', ['sql', '--help'], 0), ('version', ['--version'], 0)):
        status, out, complaints = ovate(*words)
        counter.check('exit code: ' + name, status == want, 'want %d, got %d\n%s%s' % (want, status, out, complaints))
        if want:
            counter.check('complaint on stderr, nothing on stdout: ' + name, complaints and not out, out)


def formats(counter, data):
    sql = "SELECT s, l FROM tiny WHERE s IN ('a', 'quoted, comma') OR s IS NULL ORDER BY __time"
    want = [['a', '1'], ['a', ''], ['quoted, comma', '9007199254740993'], ['', '-5'], ['a', '7']]
    for form in ('csv', 'tsv', 'json', 'jsonl', 'markdown', 'table'):
        status, out, complaints = ovate('sql', '--data', data, '--format', form, '-c', sql)
        counter.check('format %s: status, silence' % form, status == 0 and not complaints, complaints)
        if form == 'csv':
            counter.equal('format csv', list(csv.reader(io.StringIO(out))), [['s', 'l']] + want)
        elif form == 'tsv':
            counter.equal('format tsv', [line.split('\t') for line in out.splitlines()][0], ['s', 'l'])
            counter.equal('format tsv: lines', len(out.splitlines()), 6)
        elif form in ('json', 'jsonl'):
            rows = json.loads(out) if form == 'json' else [json.loads(line) for line in out.splitlines()]
            counter.equal('format ' + form, [(row['s'], row['l']) for row in rows],
                          [('a', 1), ('a', None), ('quoted, comma', 9007199254740993), (None, -5), ('a', 7)])
        else:
            counter.check('format ' + form, all(word in out for word in ('s', 'l', 'quoted, comma', '9007199254740993')), out)


def scripts(counter, data):
    status, out, complaints = ovate('sql', '--data', data, '-- what is asked\nSELECT 1 AS a')
    counter.check('a statement that begins with a comment is no option', (status, out) == (0, 'a\n1\n'), out + complaints)
    status, out, _ = ovate('sql', '--data', data, '--format', 'csv', stdin='SELECT 1 AS a;\nSELECT 2 AS b;\n')
    counter.equal('a script on standard input', (status, out.split()), (0, ['a', '1', 'b', '2']))
    status, out, _ = ovate('sql', '--data', data, '--format', 'csv', stdin='SELECT nope;\nSELECT 2 AS b;\n')
    counter.equal('a script stops at the first error', (status, out), (1, ''))
    odd = "SELECT ';' || '--' || '/*' || '''' || \"a\" AS x -- ;\nFROM (VALUES ('/' /* ; ' */)) AS t(\"a\")\n\n;SELECT 4 - - 2\n/ 2 AS y;;"
    status, out, complaints = ovate('sql', '--data', data, '--format', 'csv', stdin=odd)
    counter.equal('quotes and comments hide ends of statements', (status, out), (0, "x\n;--/*'/\ny\n5\n"))
    lines = 'SELECT 3 AS c\n' + (' ' * 39 + '\n') * 150000 + ';\n'  # each is looked at once
    status, out, complaints = ovate('sql', '--data', data, '--format', 'csv', stdin=lines)
    counter.check('a statement of many lines', status == 0 and out == 'c\n3\n', complaints)


def shell(counter, data):
    """On a terminal, in the plain C locale: text of any script is taken as it is typed."""
    master, slave = pty.openpty()
    env = {'PATH': os.environ.get('PATH', ''), 'TERM': 'dumb', 'LC_ALL': 'C'}
    run = subprocess.Popen([binary(), 'sql', '--data', data, '--format', 'csv'], stdin=slave, stdout=slave, stderr=slave, env=env)
    os.close(slave)
    os.write(master, "SELECT '\ud55c\uae00' || 'x' AS t;\n.schema nope\n.quit\n".encode())
    seen = b''
    try:
        while True:
            part = os.read(master, 4096)
            if not part:
                break
            seen += part
    except OSError:  # the other side is closed
        pass
    run.wait(20)
    os.close(master)
    seen = seen.decode('utf-8', 'replace')
    counter.check('shell: text beyond ASCII', '\n\ud55c\uae00x\r' in seen, seen)
    counter.check('shell: a table that is not there', 'there is no table nope' in seen, seen)


def rejects(counter, folder, data):
    """Bad lines are told with file, line and reason, and the good ones are loaded."""
    path = os.path.join(folder, 'some.csv')
    with open(path, 'w', encoding='utf-8') as file:
        file.write('time,k,n\n2024-01-01T00:00:00Z,a,1\nyesterday,b,2\n2024-01-01T00:00:01Z,c,3\n')
    spec = tables.spec('tiny', folder)[0]
    spec['spec']['dataSchema'].update(dataSource='some', dimensionsSpec={'dimensions': ['k', {'type': 'long', 'name': 'n'}]})
    spec['spec']['ioConfig']['inputSource'] = {'type': 'local', 'files': [path]}
    spec['spec']['tuningConfig']['maxSavedParseExceptions'] = 5
    name = os.path.join(folder, 'some.json')
    with open(name, 'w', encoding='utf-8') as file:
        json.dump(spec, file)
    status, out, complaints = ovate('ingest', 'run', name, '--data', data)
    counter.check('rejects: the load ends well', status == 0, complaints)
    counter.check('rejects: place and value are told', 'some.csv:3' in out + complaints and 'yesterday' in out + complaints,
                  out + complaints)
    counter.equal('rejects: the rest is loaded', ovate('sql', '--data', data, '--format', 'csv', '-c',
                                                       'SELECT COUNT(*) AS c, SUM(n) AS n FROM some')[1].split(), ['c,n', '2,4'])
    spec['spec']['tuningConfig']['maxParseExceptions'] = 0
    with open(name, 'w', encoding='utf-8') as file:
        json.dump(spec, file)
    status, out, complaints = ovate('ingest', 'run', name, '--data', data)
    counter.check('rejects: a failed task tells of no loaded rows', status == 1 and 'none loaded' in out, out + complaints)
    spec['spec']['ioConfig']['inputSource'] = 7
    with open(name, 'w', encoding='utf-8') as file:
        json.dump(spec, file)
    status, out, complaints = ovate('ingest', 'run', name, '--data', data)
    counter.check('a wrong spec names the place', status == 1 and 'inputSource' in complaints, complaints)


def segments(counter, folder, data):
    files = glob.glob(os.path.join(data, 'segments', 'tiny', '**', '*.ovs'), recursive=True)
    counter.check('segment files are where the tour says', len(files) > 0, os.listdir(data))
    status, _, complaints = ovate('segment', 'verify', *files)
    counter.check('segment verify: good', status == 0, complaints)
    status, out, _ = ovate('segment', 'inspect', files[0])
    counter.check('segment inspect names the columns', status == 0 and '__time' in out and ' s ' in out, out)
    parts = [int(n) for n in re.findall(r'(\d+) bytes +\d+ nulls', out)]
    whole = int(re.search(r'rows, (\d+) bytes', out).group(1))
    counter.check('segment inspect says what each column takes', parts and 0 < sum(parts) < whole, out)
    with open(files[0], 'rb') as file:
        body = bytearray(file.read())
    for where in (0, len(body) // 3, len(body) // 2, len(body) - 9):
        broken = bytearray(body)
        broken[where] ^= 4
        path = os.path.join(folder, 'broken.ovs')
        with open(path, 'wb') as file:
            file.write(broken)
        status, _, complaints = ovate('segment', 'verify', path)
        counter.check('segment verify: a flipped bit at %d' % where, status not in (0, -6, -11) and 'broken.ovs' in complaints,
                      '%d %s' % (status, complaints))


def git(folder, *words, when=1_700_000_000):
    stamp = '%d +0900' % when
    subprocess.run(['git', '-C', folder, *words], check=True, capture_output=True,
                   env=dict(os.environ, **GIT_ENV, GIT_AUTHOR_DATE=stamp, GIT_COMMITTER_DATE=stamp))


def write(folder, name, body):
    os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
    with open(os.path.join(folder, name), 'wb') as file:
        file.write(body)


def clones(counter, folder, data):
    """A clone with odd names, a binary, a merge and an empty commit; then two more commits and a second clone."""
    clone = os.path.join(folder, 'odd clone')
    os.makedirs(clone)
    git(clone, 'init', '-q', '-b', 'main')
    write(clone, 'src/deep/a.C', b'1\n2\n3\n')
    write(clone, 'tab\tname.txt', b'x\n')
    write(clone, 'pic.png', bytes(range(256)))
    git(clone, 'add', '.')
    git(clone, 'commit', '-q', '-m', 'first "quoted" \u2603\n\nbody', when=1_700_000_000)
    git(clone, 'checkout', '-q', '-b', 'side')
    write(clone, 'src/deep/a.C', b'1\nTWO\n3\n4\n')
    git(clone, 'commit', '-q', '-am', 'side', when=1_700_000_100)
    git(clone, 'checkout', '-q', 'main')
    git(clone, 'commit', '-q', '--allow-empty', '-m', 'empty', when=1_700_000_200)
    git(clone, 'merge', '-q', '--no-ff', '-m', 'merge', 'side', when=1_700_000_300)

    def ask(sql):
        status, out, complaints = ovate('sql', '--data', data, '--format', 'jsonl', '-c', sql)
        if status:
            raise RuntimeError(complaints)
        return [list(json.loads(line).values()) for line in out.splitlines()]

    def load(*paths):
        status, _, complaints = ovate('ingest', 'git', *paths, '--data', data)
        counter.check('git: ingest %d' % len(paths), status == 0, complaints)

    load(clone)
    counter.equal('git: commits', ask('SELECT subject, is_merge, files, additions, deletions, author, committer, '
                                      'author_email_domain FROM git_commits ORDER BY __time'),
                  [['first "quoted" ☃', 0, 3, 4, 0, 'Ann', 'Cee', 'one.example'],
                   ['side', 0, 1, 2, 1, 'Ann', 'Cee', 'one.example'], ['empty', 0, 0, 0, 0, 'Ann', 'Cee', 'one.example'],
                   ['merge', 1, 0, 0, 0, 'Ann', 'Cee', 'one.example']])
    counter.equal('git: changes', ask('SELECT path, extension, top_folder, additions, deletions FROM git_changes '
                                      'ORDER BY __time, path'),
                  [['pic.png', 'png', None, None, None], ['src/deep/a.C', 'c', 'src', 3, 0], ['tab\tname.txt', 'txt', None, 1, 0],
                   ['src/deep/a.C', 'c', 'src', 2, 1]])
    load(clone)
    counter.equal('git: again adds nothing', ask('SELECT COUNT(*) FROM git_commits'), [[4]])
    write(clone, 'new', b'1\n')
    git(clone, 'add', '.')
    git(clone, 'commit', '-q', '-m', 'later', when=1_700_000_400)
    load(clone)
    counter.equal('git: only the new commit', ask('SELECT COUNT(*), COUNT(DISTINCT sha) FROM git_commits'), [[5, 5]])
    status, _, complaints = ovate('ingest', 'git', folder + '/no-such-clone', '--data', data)
    counter.check('git: no such clone', status not in (0, 139, 134) and 'no-such-clone' in complaints, complaints)


def with_server(counter, data, folder):
    """While a server holds the folder, `ovate ingest` hands the task to it and `ovate sql --url` asks it."""
    with Server(data=data) as server:
        spec = dict(tables.spec('nulls', folder)[0], id='a?b#c%20d')
        name = os.path.join(folder, 'nulls.json')
        with open(name, 'w', encoding='utf-8') as file:
            json.dump(spec, file)
        status, _, complaints = ovate('ingest', 'run', name, '--data', data)
        counter.check('ingest beside a server', status == 0, complaints)
        server.wait_table('nulls')
        status, out, complaints = ovate('sql', '--url', 'http://127.0.0.1:%d' % server.port, '--format', 'csv', '-c',
                                        'SELECT COUNT(*) AS n FROM nulls')
        counter.equal('sql --url', (status, out.split()), (0, ['n', '64']))
        lines = os.path.join(folder, 'pushed.json')
        write(folder, 'pushed.json', b'{"time": "2024-05-01T12:00:00Z", "page": "/"}\n')
        status, out, complaints = ovate('ingest', 'tail', lines, '--datasource', 'cli_pushed', '--data', data, '--once')
        counter.check('ingest tail beside a server', (status, out) == (0, '1 row taken, 0 rejected\n'), out + complaints)
        status, out, complaints = ovate('sql', '--data', data, '-c', 'SELECT 1 AS x')
        counter.equal('sql beside a server is silent in a pipe', (status, out, complaints), (0, 'x\n1\n', ''))
        status, out, complaints = ovate('sql', '--data', data, '-c', 'SELECT 1 +')
        counter.check('a mistake beside a server is only that', status == 1 and '--url' not in complaints, complaints)
        status, out, complaints = ovate('sql', '--data', data, '-c', 'SELECT * FROM cli_pushed')
        counter.check('what a server has in memory is not seen beside it, and said so',
                      status == 1 and '--url http://127.0.0.1:%d' % server.port in complaints, complaints)
        status, _, complaints = ovate('server', '--data', data, '--port', '1')
        counter.check('a second server on the folder is refused', status == 3 or status == 1, complaints)


def main():
    counter = Counter('--verbose' in sys.argv)
    with tempfile.TemporaryDirectory(prefix='ovate-cli-') as folder:
        data = os.path.join(folder, 'data')
        name = os.path.join(folder, 'tiny.json')
        with open(name, 'w', encoding='utf-8') as file:
            json.dump(tables.spec('tiny', folder)[0], file)
        status, out, complaints = ovate('ingest', 'run', name, '--data', data)
        counter.check('ingest run', status == 0, out + complaints)
        for part, words in ((exit_codes, (data,)), (formats, (data,)), (scripts, (data,)), (shell, (data,)), (rejects, (folder, data)),
                            (segments, (folder, data)), (clones, (folder, data)), (with_server, (data, folder))):
            try:
                part(counter, *words)
            except Exception as trouble:  # the other parts still run
                counter.check(part.__name__, False, '%s: %s' % (type(trouble).__name__, trouble))
    counter.finish()


main()
