"""The setting `keyed`: every table holds rows that keys have superseded, and must answer as if they had never been there.

The table is loaded twice. First come rows of the right shape with the wrong values under each key, some of them doubled; then the
true rows, each followed now and then by an older version that comes late. Two columns more are the key and the version.
"""
import copy
import os

KEY, VERSION = 'zz_key', 'zz_version'


def has_keys(spec):
    return not spec['spec']['dataSchema'].get('granularitySpec', {}).get('rollup', True)


def sees_key(sql):
    """Statements that list the columns of a table see those two as well."""
    text = ' '.join(sql.upper().split())
    return any(word in text for word in ('SELECT *', 'SELECT DISTINCT *', '.*', ', *', 'INFORMATION_SCHEMA', 'SYS.', 'PIVOT'))


def records(text):
    """The rows of a CSV text as they are written: an empty text and no text differ in nothing but their quotes."""
    row, quotes = '', 0
    for line in text.splitlines(keepends=True):
        row += line
        quotes += line.count('"')
        if quotes % 2 == 0:
            yield row.rstrip('\r\n')
            row = ''


def wrong_rows(rows):
    """Under the key of each row the values of another one; every fifth key twice."""
    for i in range(len(rows)):
        yield rows[(i * 7 + 3) % len(rows)], i, 1
        if i % 5 == 0:
            yield rows[(i * 11 + 5) % len(rows)], i, 1


def true_rows(rows):
    """Some come twice with one version, where the last counts; behind some comes an older one."""
    for i, row in enumerate(rows):
        if i % 7 == 0:
            yield rows[(i * 13 + 1) % len(rows)], i, 2
        yield row, i, 2
        if i % 3 == 0:
            yield rows[(i * 5 + 2) % len(rows)], i, 0


def specs(spec, folder):
    """The two loads of a table."""
    made = []
    source = spec['spec']['ioConfig']['inputSource']['files'][0]
    with open(source, encoding='utf-8', newline='') as file:
        header, *rows = records(file.read())
    for number, listed in enumerate((wrong_rows(rows), true_rows(rows))):
        path = os.path.join(folder, 'keyed-%d-%s' % (number, os.path.basename(source)))
        with open(path, 'w', encoding='utf-8', newline='') as file:
            file.write('%s,%s,%s\n' % (header, KEY, VERSION))
            file.writelines('%s,%d,%d\n' % row for row in listed)
        one = copy.deepcopy(spec)
        inner = one['spec']
        inner['ioConfig']['inputSource']['files'] = [path]
        inner['ioConfig']['appendToExisting'] = number == 1
        inner['dataSchema']['dimensionsSpec']['dimensions'] += [{'type': 'long', 'name': KEY}, {'type': 'long', 'name': VERSION}]
        inner['dataSchema']['keySpec'] = {'columns': [KEY], 'version': VERSION}
        made.append(one)
    return made


def load(server, spec, folder, push=None):
    """Rows that are there afterwards. push(spec): instead of a task; the second stream spec has the first rows published."""
    for one in specs(spec, folder):
        (push or server.ingest)(one)
        server.wait_table(one['spec']['dataSchema']['dataSource'])
    return server.sql('SELECT COUNT(*) FROM %s' % spec['spec']['dataSchema']['dataSource'])[1][0][0]
