"""Statements as trees, so that they can be written for two engines and made smaller.

A Call is an expression: a template with its arguments, and DuckDB's template where that engine spells it in another way.
A Query is one SELECT with its clauses; a Source is its FROM, of tables by name, Past, Append and queries. All are written to a
To, which knows the engine. Trees are changed in place by shrink.py.
"""
import re

PLACE = re.compile(r'\{(\d+)\}')
NUMBER, FRACTION, TEXT, INSTANT = re.compile(r'-?\d+$'), re.compile(r'-?[\d.]+e-?\d+$'), re.compile(r"'.*'$", re.S), re.compile(r"TIMESTAMP '.*'$")


class To:
    """Where a statement is written to: DuckDB or not; other names for tables; a list that takes the literals as parameters."""

    def __init__(self, duck=False, names=None, parameters=None):
        self.duck, self.names, self.parameters = duck, names or {}, parameters

    def plain(self):
        """The same without parameters, for what stands in the text more than once."""
        return To(self.duck, self.names)

    def table(self, name):
        return self.names.get(name, name)

    def literal(self, text):
        """`?`, when literals go to the parameters and this is one that can."""
        if self.parameters is None:
            return text
        if NUMBER.match(text):
            value = ('BIGINT', int(text))
        elif FRACTION.match(text):
            value = ('DOUBLE', float(text))
        elif TEXT.match(text):
            value = ('VARCHAR', text[1:-1].replace("''", "'"))
        elif INSTANT.match(text):
            value = ('TIMESTAMP', text[11:-1])
        else:
            return text
        self.parameters.append({'type': value[0], 'value': value[1]})
        return '?'


PLAIN = To()


class Call:
    """text: a template over args ({0}, {1} ...) (verbatim without args). duck: DuckDB's template; None: the same; False: nothing to
    compare with. key: stands in GROUP BY, so it must not become a literal (that would mean a position)."""

    def __init__(self, type, text, args=(), duck=None, key=False, aggregate=False):
        self.type, self.text, self.args, self.duck, self.key, self.aggregate = type, text, list(args), duck, key, aggregate

    def write(self, to):
        text = self.duck if to.duck and self.duck else self.text
        if not self.args:
            return to.literal(text)
        # from left to right, as parameters are counted
        return PLACE.sub(lambda at: self.args[int(at.group(1))].write(to if text.count(at.group(0)) == 1 else to.plain()), text)

    def parts(self):
        return self.args

    def state(self):
        return (self.type, self.text, list(self.args), self.duck, self.aggregate)

    def become(self, state):
        self.type, self.text, self.args, self.duck, self.aggregate = state[0], state[1], list(state[2]), state[3], state[4]


class Past:
    """A table with keys, as it was between its two loads. DuckDB has that as a table of its own."""

    def __init__(self, table):
        self.table = table

    def write(self, to):
        return '%s_before' % self.table.name if to.duck else "%s FOR SYSTEM_TIME AS OF TIMESTAMP '%s'" % (self.table.name, self.table.between)

    def parts(self):
        return []

    def tables(self):
        return [self.table.name]


class Append:
    """TABLE(APPEND(...)): the rows of several tables, NULL in columns that one lacks."""

    def __init__(self, names):
        self.names = names

    def write(self, to):
        if to.duck:
            # OFFSET keeps conditions out of it: DuckDB 2.0.0 takes one on CASE with a constant NULL for true
            return '(%s OFFSET 0)' % ' UNION ALL BY NAME '.join('SELECT * FROM %s' % to.table(name) for name in self.names)
        return 'TABLE(APPEND(%s))' % ', '.join("'%s'" % to.table(name) for name in self.names)

    def parts(self):
        return []

    def tables(self):
        return list(self.names)


class Source:
    """Tables and sub-queries with aliases, joined. first: (alias, table name or node, columns); joins: (kind, item, on)."""

    def __init__(self, first):
        self.first, self.joins, self.unnests = first, [], []

    def write(self, to):
        out = item_text(self.first, to)
        for kind, item, on in self.joins:
            out += ' %s %s' % (kind, item_text(item, to)) + (' ON ' + on.write(to) if on else '')
        for alias, column, value in self.unnests:
            out += ' CROSS JOIN UNNEST(%s) AS %s(%s)' % (value.write(to), alias, column)
        return out

    def items(self):
        return [self.first[1]] + [j[1][1] for j in self.joins]

    def parts(self):
        return [i for i in self.items() if not isinstance(i, str)] + [j[2] for j in self.joins if j[2]] + [u[2] for u in self.unnests]


def item_text(item, to):
    alias, what, columns = item
    if isinstance(what, str):
        if what.startswith('(VALUES'):
            return '%s AS %s(%s)' % (what, alias, ', '.join(name for name, _ in columns))
        return '%s AS %s' % (to.table(what), alias)
    return '%s AS %s' % ('(%s)' % what.write(to) if isinstance(what, Query) else what.write(to), alias)


class Query:
    def __init__(self, source):
        self.source = source
        self.items = []        # Calls, named c0, c1, ...
        self.distinct = False
        self.where = None
        self.groups = []       # Calls, shared with items
        self.grouping = None   # None, 'ROLLUP', 'CUBE', or lists of places in groups
        self.having = None
        self.order = []        # (place in items, 'ASC' or 'DESC')
        self.limit = self.offset = None
        self.more = None       # (set operation, Query)
        self.bare = False      # items without names (sub-queries)
        self.ctes = []         # (name, Query) of WITH
        self.context = {}      # of the statement

    def write(self, to=PLAIN):
        ctes = ', '.join('%s AS (%s)' % (name, query.write(to)) for name, query in self.ctes)
        out = 'SELECT %s%s' % ('DISTINCT ' if self.distinct else '', ', '.join(
            i.write(to) + ('' if self.bare else ' AS c%d' % n) for n, i in enumerate(self.items)))
        if self.source:
            out += ' FROM ' + self.source.write(to)
        if self.where:
            out += ' WHERE ' + self.where.write(to)
        if self.groups:
            keys = [g.write(to.plain() if isinstance(self.grouping, list) else to) for g in self.groups]
            if isinstance(self.grouping, list):
                sets = ['(%s)' % ', '.join(keys[i] for i in one if i < len(keys)) for one in self.grouping]
                out += ' GROUP BY GROUPING SETS (%s)' % ', '.join(sets)
            else:
                out += ' GROUP BY %s' % ('%s(%s)' % (self.grouping, ', '.join(keys)) if self.grouping else ', '.join(keys))
        if self.having:
            out += ' HAVING ' + self.having.write(to)
        if self.more:
            out = '%s %s %s' % (out, self.more[0], self.more[1].write(to))
        if self.order:
            out += ' ORDER BY ' + ', '.join('%d %s' % (n + 1, way) for n, way in self.order)
        if self.limit is not None:
            out += ' LIMIT %d' % self.limit
        if self.offset is not None:
            out += ' OFFSET %d' % self.offset
        return 'WITH %s %s' % (ctes, out) if ctes else out

    def parts(self):
        seen = list(self.items) + [p for p in (self.where, self.having) if p] + [g for g in self.groups if g not in self.items]
        return seen + ([self.source] if self.source else []) + ([self.more[1]] if self.more else []) + [q for _, q in self.ctes]


def walk(node):
    """The node and everything below it, outermost first."""
    yield node
    for part in node.parts():
        yield from walk(part)


VARIANCES, SUMS, ROUNDED = ('VAR_POP(', 'VAR_SAMP(', 'STDDEV_POP(', 'STDDEV_SAMP('), ('AVG(', 'SUM('), ('SQRT(', 'AS DOUBLE)')


def is_shaky(query):
    """The last digit of an aggregate, which hangs on the order in which rows are added, decides about more than itself."""
    text = query.write()
    kinds = VARIANCES + (SUMS if any(name in text for name in ROUNDED) else ())
    own = sum(item.text.startswith(kinds) for item in query.items)
    return sum(map(text.count, kinds)) > (0 if query.limit is not None else own)


def comparable(query):
    return not query.context and not is_shaky(query) and all(node.duck is not False for node in walk(query) if isinstance(node, Call))


def is_plain_select(query):
    return not (query.groups or query.distinct or query.more or query.limit is not None or query.offset is not None or query.having) \
        and not any(has_window(i) or has_aggregate(i) for i in query.items)


def inside(call):
    """The calls of an expression, without those of sub-queries in it."""
    yield call
    for arg in call.args:
        if isinstance(arg, Call):
            yield from inside(arg)


def has_window(call):
    return any('OVER (' in c.text for c in inside(call))


def has_aggregate(call):
    return any(c.aggregate for c in inside(call))


def tables_of(query):
    """Names of the tables a statement reads, in order of appearance."""
    found = []
    for node in walk(query):
        if isinstance(node, Source):
            for item in node.items():
                found += [item] if isinstance(item, str) else item.tables() if isinstance(item, (Past, Append)) else []
    return list(dict.fromkeys(found))
