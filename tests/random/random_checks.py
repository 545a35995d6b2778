"""What must hold of a statement's answer: the checks of the random queries.

Each check gets a Bench (servers and DuckDB over the same tables) and a Query, and returns None or words that show the
mismatch. Rows are bags: order-insensitive, doubles to nine digits, whole numbers and doubles apart.
"""
import collections
import math
import urllib.parse

import duckdb_side
import explained
from ovatetest import SqlError
from sql_nodes import Call, Query, comparable

CONTEXT = {'sqlStringifyArrays': False}


class Refused(Exception):
    """The statement was refused by the engine under test."""


def cell(value):
    if isinstance(value, float):
        if math.isnan(value):
            return 'NaN'
        # a variance of equal values may be 1e-33; ones that end in 5 at the tenth digit are 4.9 elsewhere
        return ('%.9g' % (value * (1 + 4e-13))) + 'f' if abs(value) > 1e-25 else '0f'
    if isinstance(value, (list, tuple)):
        return tuple(cell(v) for v in value)
    if isinstance(value, bool):
        return str(value).lower()
    return value


def bag(rows):
    return collections.Counter(tuple(cell(v) for v in row) for row in rows)


def unlike(first, got, second, want):
    if got == want:
        return None
    return 'only %s %s\nonly %s %s' % (first, sorted(map(repr, (got - want).items()))[:4], second, sorted(map(repr, (want - got).items()))[:4])


def answer(server, sql):
    """Rows of a statement; Refused for 400 and 501, anything else is a failure of its own."""
    try:
        return server.sql(sql, CONTEXT)[1]
    except SqlError as error:
        if error.status in (400, 501):
            raise Refused(error.fields.get('errorMessage', error.body))
        raise


class Bench:
    """Servers and DuckDB with the same tables. names: where rows were left out, the table that stands for another."""

    def __init__(self, plain, other=None, duck=None, other_name=''):
        self.plain, self.other, self.duck, self.other_name, self.names = plain, other, duck, other_name, {}
        self.counts = collections.Counter()

    def rows(self, query, server=None):
        return answer(server or self.plain, query.write(False, self.names))


def against_duckdb(bench, query):
    """None also where DuckDB refuses: overflows and its own limits."""
    if bench.duck is None or not comparable(query):
        return None
    if query.order and any(item.type in ('longs', 'strings') for item in query.items):
        return None  # NULL in arrays is small in Druid, large in DuckDB
    try:
        rows = bench.duck.execute(query.write(True, bench.names)).fetchall()
    except Exception as refused:
        bench.counts['refused by DuckDB: %.40s' % str(refused).split(':')[0]] += 1
        return None
    bench.counts['compared with DuckDB'] += 1
    want = [[duckdb_side.plain(v) for v in row] for row in rows]
    try:
        got = bench.rows(query)
    except Refused as error:
        return 'refused: %s' % error
    trouble = unlike('Ovate', bag(got), 'DuckDB', bag(want))
    if trouble is None and query.order and not any(name in query.write() for name in ('VAR_POP(', 'AVG(')):  # equal ones may differ in the last digit
        kept = [n for n, _ in query.order]
        a, b = [[cell(row[n]) for n in kept] for row in got], [[cell(row[n]) for n in kept] for row in want]
        if a != b:
            trouble = 'order differs: %s' % next((i, x, y) for i, (x, y) in enumerate(zip(a, b)) if x != y).__repr__()
    return trouble


def other_setting(bench, query):
    """The same answer, or a refusal, from a server under another setting whose rows lie in another way."""
    if bench.other is None:
        return None
    found = []
    for server in (bench.plain, bench.other):
        try:
            found.append(bag(bench.rows(query, server)))
        except Refused as error:
            found.append('refused: %s' % error)
    if isinstance(found[0], str) or isinstance(found[1], str):
        return None if isinstance(found[0], str) and isinstance(found[1], str) else 'plain %.300s\n%s %.300s' % (
            found[0], bench.other_name, found[1])
    return unlike('plain', found[0], bench.other_name, found[1])


def is_plain_select(query):
    return not (query.groups or query.distinct or query.more or query.limit is not None or query.offset is not None) \
        and not any(('OVER (' in i.text) or is_aggregate(i) for i in query.items)


def is_aggregate(call):
    return isinstance(call, Call) and call.text.startswith(('COUNT(', 'SUM(', 'MIN(', 'MAX(', 'AVG(', 'VAR_POP(', 'BIT_AND(', 'BIT_OR(', 'BIT_XOR(', 'ARRAY_AGG('))


def derived(query, items, where):
    """Another statement over the same FROM."""
    made = Query(query.source)
    made.items, made.where, made.ctes = items, where, query.ctes
    return made


def tlp(bench, query):
    """TLP: the rows for which the condition is true, false and unknown are all the rows there are."""
    if query.where is None or not is_plain_select(query):
        return None
    p = query.where
    try:
        whole = bag(bench.rows(derived(query, query.items, None)))
        pieces = [bag(bench.rows(derived(query, query.items, Call('bool', t, [p])))) for t in ('{0}', 'NOT ({0})', '({0}) IS NULL')]
    except Refused:
        return None
    return unlike('parts', sum(pieces, collections.Counter()), 'whole', whole)


def norec(bench, query):
    """NoREC: as many rows pass WHERE as the condition is true for, row by row."""
    if query.where is None:
        return None
    count = derived(query, [Call('long', 'COUNT(*)')], query.where)
    each = derived(query, [Call('long', 'COALESCE(SUM(CASE WHEN {0} THEN 1 ELSE 0 END), 0)', [query.where])], None)
    try:
        a, b = bench.rows(count), bench.rows(each)
    except Refused:
        return None
    return None if a == b else 'COUNT(*) WHERE p is %s, SUM of p over the rows %s' % (a, b)


def limit_pushed(bench, query):
    """LIMIT and OFFSET cut what the statement gives without them. With the first key alone in ORDER BY any of its rows may come,
    but its values in that order."""
    if query.limit is None or not query.order:
        return None
    limit, offset, order = query.limit, query.offset, query.order
    try:
        few = bench.rows(query)
        query.order = order[:1]
        loose = bench.rows(query)
        query.order, query.limit, query.offset = order, None, None
        rows = bench.rows(query)
    except Refused:
        return None
    finally:
        query.limit, query.offset, query.order = limit, offset, order
    cut, key = rows[offset or 0:][:limit], order[0][0]
    want, got = [cell(row[key]) for row in cut], [cell(row[key]) for row in loose]
    if want != got:
        return 'ORDER BY one key and LIMIT give %.300s\ncut from all %.300s' % (got, want)
    if bag(loose) - bag(rows):
        return 'with LIMIT there are rows that are not there without: %.300s' % list((bag(loose) - bag(rows)).items())[:3]
    return unlike('with LIMIT', bag(few), 'cut from all', bag(cut))


def as_native(bench, query):
    """What EXPLAIN PLAN FOR prints as a native query gives the same rows."""
    where = urllib.parse.urlsplit('http://127.0.0.1:%d' % bench.plain.port)
    result, why = explained.compare(where, query.write(False, bench.names), {})
    bench.counts['asked as native queries'] += result == 'same'
    return why if result == 'differs' else None


CHECKS = {'duckdb': against_duckdb, 'setting': other_setting, 'tlp': tlp, 'norec': norec, 'limit': limit_pushed, 'native': as_native}
