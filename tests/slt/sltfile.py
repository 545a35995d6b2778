"""Reading, printing and comparing records of *.slt files; README.md describes the format."""
import json
import math
import re


class Record:
    """One record: `load TABLE`, or a query with its expected rows or error."""

    def __init__(self, kind, line):
        self.kind, self.line = kind, line
        self.table = self.sql = self.error = self.expected = None
        self.context, self.fields = {}, {}
        self.sorted = self.by_hand = False
        self.end = line  # last line of the record, for --fill


def read(path):
    """Yield the records of a file; its context directives apply to the queries that follow."""
    with open(path, encoding='utf-8') as file:
        lines = file.read().split('\n')
    context, at = {}, 0
    while at < len(lines):
        line = lines[at].rstrip()
        at += 1
        if not line or line.startswith('#'):
            continue
        word, _, rest = line.partition(' ')
        if word == 'context':
            context = json.loads(rest) if rest else {}
        elif word == 'load':
            record = Record('load', at)
            record.table = rest.strip()
            yield record
        elif word == 'query':
            record = Record('query', at)
            record.context = dict(context)
            options(path, record, rest)
            start = at
            while at < len(lines) and lines[at].strip() and lines[at].strip() != '----':
                at += 1
            record.sql, record.end = '\n'.join(lines[start:at]).rstrip(), at
            if at < len(lines) and lines[at].strip() == '----':
                start = at = at + 1
                while at < len(lines) and lines[at].strip():
                    at += 1
                record.expected, record.end = [row.rstrip() for row in lines[start:at]], at
            yield record
        else:
            raise SystemExit('%s:%d: a record starts with load, context or query, not %r' % (path, at, word))


def options(path, record, rest):
    while rest:
        word, _, rest = rest.partition(' ')
        if word == 'sorted':
            record.sorted = True
        elif word == 'hand':
            record.by_hand = True
        elif word == 'error':
            record.error, rest = rest.strip(), ''
        elif word == 'parameters':
            record.fields['parameters'], rest = json.loads(rest), ''
        elif word:
            raise SystemExit('%s:%d: unknown option %r of query' % (path, record.line, word))


# ---------------------------------------------------------------- values as text

NUMBER = re.compile(r'-?\d+(\.\d+)?([eE][-+]?\d+)?$')


def print_value(value):
    """A cell: numbers bare, text bare where it cannot be mistaken for anything else and as a JSON string otherwise."""
    if value is None:
        return 'NULL'
    if isinstance(value, bool):
        return 'true' if value else 'false'
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    text = str(value)
    plain = text and text == text.strip() and not NUMBER.match(text) and not re.search(r'[|"\\\n\r\t#]', text) \
        and text not in ('NULL', 'true', 'false', 'NaN', 'inf', '-inf', '----')
    return text if plain else json.dumps(text, ensure_ascii=False)


def print_rows(rows):
    return [' | '.join(print_value(value) for value in row) for row in rows]


def same_cell(want, got):
    """Equal text, or both doubles equal to eleven digits (sums are added in any order). 1 and 1.0 differ: one is whole, one is not."""
    if want == got:
        return True
    whole = re.compile(r'-?\d+$')
    if not (NUMBER.match(want) and NUMBER.match(got)) or whole.match(want) or whole.match(got):
        return False
    return math.isclose(float(want), float(got), rel_tol=1e-11, abs_tol=1e-300)


def difference(record, rows):
    """None when the answer is as expected, else words that show the first difference."""
    if record.expected is None:
        return 'the record has no expected answer'
    want = [re.split(r' \| ', row) for row in record.expected]
    got = [re.split(r' \| ', row) for row in print_rows(rows)]
    if record.sorted:
        want, got = sorted(want), sorted(got)
    for number, (a, b) in enumerate(zip(want, got), 1):
        if len(a) != len(b) or not all(map(same_cell, a, b)):
            return 'row %d: want %s\n       got  %s' % (number, ' | '.join(a), ' | '.join(b))
    if len(want) != len(got):
        more = got[len(want):] or want[len(got):]
        return 'want %d rows, got %d; the first without a partner: %s' % (len(want), len(got), ' | '.join(more[0]))
    return None


def rewrite(path, records):
    """Write the expected rows of records that had none into the file."""
    with open(path, encoding='utf-8') as file:
        lines = file.read().split('\n')
    for record in reversed([r for r in records if r.kind == 'query' and r.error is None]):
        if '----' not in [line.strip() for line in lines[record.line:record.end]]:
            lines[record.end:record.end] = ['----'] + (record.expected or [])
    with open(path, 'w', encoding='utf-8') as file:
        file.write('\n'.join(lines))
