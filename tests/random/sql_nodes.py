"""Statements as trees, so that they can be written for two engines and made smaller.

A Call is an expression: a template with its arguments, and DuckDB's template where that engine spells it in another way.
A Query is one SELECT with its clauses; a Source is its FROM. Trees are changed in place by shrink.py.
"""


class Call:
    """text: a str.format template over args (verbatim without args). duck: DuckDB's template; None: the same; False: nothing to
    compare with. key: stands in GROUP BY, so it must not become a literal (that would mean a position)."""

    def __init__(self, type, text, args=(), duck=None, key=False):
        self.type, self.text, self.args, self.duck, self.key = type, text, list(args), duck, key

    def write(self, duck, names):
        text = self.duck if duck and self.duck else self.text
        return text.format(*[a.write(duck, names) for a in self.args]) if self.args else text

    def parts(self):
        return self.args

    def state(self):
        return (self.type, self.text, list(self.args), self.duck)

    def become(self, state):
        self.type, self.text, self.args, self.duck = state[0], state[1], list(state[2]), state[3]


class Source:
    """Tables and sub-queries with aliases, joined. first: (alias, table name or Query, columns); joins: (kind, item, on)."""

    def __init__(self, first):
        self.first, self.joins, self.unnests = first, [], []

    def write(self, duck, names):
        out = item_text(self.first, duck, names)
        for kind, item, on in self.joins:
            out += ' %s %s' % (kind, item_text(item, duck, names)) + (' ON ' + on.write(duck, names) if on else '')
        for alias, column, value in self.unnests:
            out += ' CROSS JOIN UNNEST(%s) AS %s(%s)' % (value.write(duck, names), alias, column)
        return out

    def parts(self):
        items = [self.first[1]] + [j[1][1] for j in self.joins]
        return [i for i in items if not isinstance(i, str)] + [j[2] for j in self.joins if j[2]] + [u[2] for u in self.unnests]


def item_text(item, duck, names):
    alias, what, columns = item
    if isinstance(what, str) and what.startswith('(VALUES'):
        return '%s AS %s(%s)' % (what, alias, ', '.join(name for name, _ in columns))
    inside = names.get(what, what) if isinstance(what, str) else '(%s)' % what.write(duck, names)
    return '%s AS %s' % (inside, alias)


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

    def write(self, duck=False, names={}):
        out = 'SELECT %s%s' % ('DISTINCT ' if self.distinct else '', ', '.join(
            i.write(duck, names) + ('' if self.bare else ' AS c%d' % n) for n, i in enumerate(self.items)))
        if self.source:
            out += ' FROM ' + self.source.write(duck, names)
        if self.where:
            out += ' WHERE ' + self.where.write(duck, names)
        if self.groups:
            keys = [g.write(duck, names) for g in self.groups]
            if isinstance(self.grouping, list):
                sets = ['(%s)' % ', '.join(keys[i] for i in one if i < len(keys)) for one in self.grouping]
                out += ' GROUP BY GROUPING SETS (%s)' % ', '.join(sets)
            else:
                out += ' GROUP BY %s' % ('%s(%s)' % (self.grouping, ', '.join(keys)) if self.grouping else ', '.join(keys))
        if self.having:
            out += ' HAVING ' + self.having.write(duck, names)
        if self.more:
            out = '%s %s %s' % (out, self.more[0], self.more[1].write(duck, names))
        if self.order:
            out += ' ORDER BY ' + ', '.join('%d %s' % (n + 1, way) for n, way in self.order)
        if self.limit is not None:
            out += ' LIMIT %d' % self.limit
        if self.offset is not None:
            out += ' OFFSET %d' % self.offset
        if self.ctes:
            out = 'WITH %s %s' % (', '.join('%s AS (%s)' % (name, query.write(duck, names)) for name, query in self.ctes), out)
        return out

    def parts(self):
        seen = list(self.items) + [p for p in (self.where, self.having) if p] + [g for g in self.groups if g not in self.items]
        return seen + ([self.source] if self.source else []) + ([self.more[1]] if self.more else []) + [q for _, q in self.ctes]


def walk(node):
    """The node and everything below it, outermost first."""
    yield node
    for part in node.parts():
        yield from walk(part)


def comparable(query):
    return all(node.duck is not False for node in walk(query) if isinstance(node, Call))


def tables_of(query):
    """Names of the tables a statement reads, in order of appearance."""
    found = []
    for node in walk(query):
        if isinstance(node, Source):
            found += [item[1] for item in [node.first] + [j[1] for j in node.joins] if isinstance(item[1], str)]
    return list(dict.fromkeys(found))
