"""What must hold of a statement's answer: the checks of the random queries.

Each check gets a Bench (servers and DuckDB over the same tables) and a Query, and returns None or words that show the
mismatch. Rows are bags: order-insensitive, doubles to nine digits, whole numbers and doubles apart.
"""
import collections
import json
import math
import random
import urllib.parse

import duckdb_side
import explained
from ovatetest import SqlError
from sql_nodes import Call, Query, To, comparable, is_plain_select, is_shaky, walk

CONTEXT = {'sqlStringifyArrays': False}


class Refused(Exception):
    """The statement was refused by the engine under test."""


def cell(value):
    if isinstance(value, float):
        if math.isnan(value):
            return 'NaN'
        # a deviation of equal values may be 1e-15; ones that end in 5 at the tenth digit are 4.9 elsewhere
        return ('%.9g' % (value * (1 + 4e-13))) + 'f' if abs(value) > 1e-12 else '0f'
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


def answer(server, sql, context=None, parameters=None):
    """Rows of a statement; Refused for 400 and 501, anything else is a failure of its own."""
    try:
        return server.sql(sql, dict(CONTEXT, **(context or {})), **({'parameters': parameters} if parameters else {}))[1]
    except SqlError as error:
        if error.status in (400, 501):
            raise Refused(error.fields.get('errorMessage', error.body))
        raise


class Bench:
    """Servers and DuckDB with the same tables. names: where rows were left out, the table that stands for another. again: the other
    server is asked twice, for it keeps what it made."""

    def __init__(self, plain, other=None, duck=None, other_name='', again=False):
        self.plain, self.other, self.duck, self.other_name, self.again, self.names = plain, other, duck, other_name, again, {}
        self.counts = collections.Counter()
        self.kept = None  # the last statement and what the plain server answered

    def rows(self, query, server=None):
        return self.sent(query.write(To(names=self.names)), query.context, server)

    def sent(self, sql, context, server=None):
        if server is not None and server is not self.plain:
            return answer(server, sql, context)
        if self.kept is None or self.kept[0] != sql:
            try:
                self.kept = sql, answer(self.plain, sql, context)
            except Refused as error:
                self.kept = sql, error
        if isinstance(self.kept[1], Refused):
            raise self.kept[1]
        return self.kept[1]

    def inner(self, query):
        """The statement as a table w in FROM."""
        return '(%s) AS w' % query.write(To(names=self.names))


def against_duckdb(bench, query):
    """None also where DuckDB refuses: overflows and its own limits."""
    if bench.duck is None or not comparable(query):
        return None
    if query.order and any(item.type in ('longs', 'strings') for item in query.items):
        return None  # NULL in arrays is small in Druid, large in DuckDB
    try:
        rows = bench.duck.execute(query.write(To(True, bench.names))).fetchall()
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
    if trouble is None and query.order and not any(name in query.write() for name in ('VAR_POP(', 'STDDEV_POP(', 'AVG(')):  # equal ones may differ in the last digit
        kept = [n for n, _ in query.order]
        a, b = [[cell(row[n]) for n in kept] for row in got], [[cell(row[n]) for n in kept] for row in want]
        if a != b:
            trouble = 'order differs: %s' % next((i, x, y) for i, (x, y) in enumerate(zip(a, b)) if x != y).__repr__()
    return trouble


def other_setting(bench, query):
    """The same answer, or a refusal, from a server under another setting whose rows lie in another way."""
    if bench.other is None or is_shaky(query):
        return None
    found = []
    for server in [bench.plain, bench.other] + [bench.other] * bench.again:
        try:
            found.append(bag(bench.rows(query, server)))
        except Refused as error:
            found.append('refused: %s' % error)
    refused = [isinstance(one, str) for one in found]
    if any(refused):
        return None if all(refused) else 'plain %.300s\n%s %.300s' % (found[0], bench.other_name, ' again '.join(map(str, found[1:])))
    return unlike('plain', found[0], bench.other_name, found[1]) or unlike('plain', found[0], bench.other_name + ' again', found[-1])


def derived(query, items, where):
    """Another statement over the same FROM."""
    made = Query(query.source)
    made.items, made.where, made.ctes, made.context = items, where, query.ctes, query.context
    return made


def tlp(bench, query):
    """TLP: the rows for which the condition is true, false and unknown are all the rows there are; so are their counts, sums and extremes."""
    whole = is_plain_select(query)
    if query.where is None or not (whole or adds_up(query)):
        return None
    p = query.where
    try:
        parts = [bench.rows(parted(query, where)) for where in [None] + [Call('bool', t, [p]) for t in ('{0}', 'NOT ({0})', '({0}) IS NULL')]]
    except Refused:
        return None
    if whole:
        return unlike('parts', sum(map(bag, parts[1:]), collections.Counter()), 'whole', bag(parts[0]))
    return unlike('parts', bag(added(query, parts[1] + parts[2] + parts[3])), 'whole', bag(added(query, parts[0])))


def parted(query, where):
    made = derived(query, query.items, where)
    made.groups = query.groups
    return made


ADDED = {('long', 'COUNT(*)'): 'sum', ('long', 'COUNT({0})'): 'sum', ('long', 'SUM({0})'): 'sum', ('huge', 'SUM({0})'): 'sum',
         ('long', 'MIN({0})'): min, ('long', 'MAX({0})'): max, ('huge', 'MIN({0})'): min, ('huge', 'MAX({0})'): max,
         ('double', 'MIN({0})'): min, ('double', 'MAX({0})'): max, ('time', 'MIN({0})'): min, ('time', 'MAX({0})'): max}


def adds_up(query):
    """A grouping whose aggregates follow from those of its parts."""
    return not (query.grouping or query.having or query.distinct or query.more or query.limit is not None or query.offset is not None) and all(
        item in query.groups or (item.type, item.text) in ADDED for item in query.items) and any(item not in query.groups for item in query.items)


def added(query, rows):
    """The groups of several answers put together. Times are text with the years that tables have; sums wrap around."""
    groups = {}
    for row in rows:
        key = tuple(cell(value) for item, value in zip(query.items, row) if item in query.groups)
        values = [(ADDED[item.type, item.text], value) for item, value in zip(query.items, row) if item not in query.groups]
        groups[key] = [both(how, a, value) for a, (how, value) in zip(groups[key], values)] if key in groups else [value for _, value in values]
    return [list(key) + values for key, values in groups.items()]


def both(how, a, b):
    if a is None or b is None:
        return b if a is None else a
    return (a + b + 2**63) % 2**64 - 2**63 if how == 'sum' else how(a, b)


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
    result, why = explained.compare(where, query.write(To(names=bench.names)), query.context)
    bench.counts['asked as native queries'] += result == 'same'
    return why if result == 'differs' else None


def as_parameters(bench, query):
    """The same rows when the literals are parameters."""
    values = []
    sql = query.write(To(names=bench.names, parameters=values))
    if not values or any(isinstance(node, Query) and isinstance(node.grouping, list) for node in walk(query)):  # keys are written several times
        return None
    try:
        rows = bench.rows(query)
    except Refused:
        return None
    bench.counts['asked with parameters'] += 1
    try:
        return unlike('with literals', bag(rows), 'with parameters', bag(answer(bench.plain, sql, query.context, values)))
    except Refused as error:
        return 'refused with parameters: %s\n%s\n%s' % (error, sql, json.dumps(values))


def narrowed(bench, query):
    """A condition around the statement, on one of its columns, picks those of its rows; some columns are not asked for."""
    try:
        rows = bench.rows(query)
    except Refused:
        return None
    r = random.Random(query.write())
    places = [n for n, item in enumerate(query.items) if item.type in ('long', 'huge', 'string', 'time')]
    if not places:
        return None
    at = r.choice(places)
    value = r.choice(rows)[at] if rows else None
    if value is None:
        condition, keeps = 'w.c%d IS NULL' % at, lambda v: v is None
    elif not isinstance(value, (int, str)) or isinstance(value, bool) or (query.items[at].type == 'time' and (len(value) != 24 or value[0] not in '12')):
        return None
    else:
        how = r.choice(['=', '<>'] if query.items[at].type == 'string' else ['=', '<', '>='])
        type = query.items[at].type
        literal = "'%s'" % value.replace("'", "''") if type == 'string' else str(value) if type != 'time' else "TIMESTAMP '%s'" % value[:-1].replace('T', ' ')
        if type == 'time' and query.context:
            return None
        condition = 'w.c%d %s %s' % (at, how, literal)
        keeps = lambda v: v is not None and {'=': v == value, '<>': v != value, '<': how == '<' and v < value, '>=': how == '>=' and v >= value}[how]
    shown = sorted(r.sample(range(len(query.items)), r.randint(1, len(query.items))))
    sql = 'SELECT %s FROM %s WHERE %s' % (', '.join('w.c%d' % n for n in shown), bench.inner(query), condition)
    bench.counts['narrowed'] += 1
    try:
        got = bag(answer(bench.plain, sql, query.context))
        count = answer(bench.plain, 'SELECT COUNT(*) FROM ' + bench.inner(query), query.context)[0][0]
    except Refused as error:
        return 'refused as a table: %s\n%s' % (error, sql)
    if count != len(rows):
        return 'COUNT(*) over the statement is %d, it has %d rows' % (count, len(rows))
    words = unlike('narrowed', got, 'picked', bag([row[n] for n in shown] for row in rows if keeps(row[at])))
    return words and '%s\n%s' % (words, sql)


# The first two for every statement, the others in turn.
CHECKS = {'duckdb': against_duckdb, 'setting': other_setting, 'tlp': tlp, 'norec': norec, 'limit': limit_pushed, 'native': as_native,
          'parameters': as_parameters, 'narrowed': narrowed}
