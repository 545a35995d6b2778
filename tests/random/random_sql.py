"""The grammar of the random queries: a Maker turns a seed and tables into one statement (sql_nodes.Query).

Expressions come from random_values.py, window calls from random_windows.py, functions from random_functions.py.
"""
from random_functions import COMPARE, ZONES
from random_values import Values
from random_windows import window
from sql_nodes import PLAIN, Append, Call, Past, Query, Source

MANY = 150  # rows of a table from which on a join needs a key that is found once


class Maker(Values):
    # ------------------------------------------------------------ conditions

    def condition(self, depth, scope):
        """A predicate, perhaps with a sub-query that may read the rows around it."""
        if depth > 0 and self.chance(0.12):
            return self.sub_condition(depth - 1, scope)
        if depth > 0 and self.chance(0.3):
            return Call('bool', self.pick('({0} AND {1})', '({0} OR {1})'), [self.condition(depth - 1, scope), self.condition(depth - 1, scope)])
        return self.value('bool', depth, scope)

    def inner_query(self, depth, scope):
        """A sub-query without items, half of them with a condition about the rows around."""
        inner, inner_scope = self.source(0)
        query = Query(inner)
        query.bare = True
        wheres = [self.condition(depth, inner_scope)] if self.chance(0.6) else []
        for _ in range(self.pick(0, 1, 1, 2) if self.chance(0.6) else 0):
            type = self.pick('string', 'long', 'long', 'time')
            a, b = self.column(type, inner_scope), self.column(type, scope)
            if a and b:
                wheres.append(Call('bool', '({0} = {1})' if self.chance(0.8) else '({0} < {1})', [a, b]))
        for one in wheres:
            query.where = one if query.where is None else Call('bool', '({0} AND {1})', [query.where, one])
        return query, inner_scope

    def sub_condition(self, depth, scope):
        query, inner_scope = self.inner_query(depth - 1, scope)
        way = self.pick('in', 'exists', 'scalar')
        if way == 'exists':
            query.items = [Call('long', '1')]
            return Call('bool', self.pick('EXISTS ({0})', 'NOT EXISTS ({0})'), [query])
        if way == 'in':
            type = self.pick('string', 'long', 'double')
            query.items = [self.value(type, 0, inner_scope)]
            if self.chance(0.15):
                query.groups, query.having = list(query.items), Call('bool', '(COUNT(*) > 1)', aggregate=True)
                query.groups[0].key = True
                if '.' not in query.groups[0].text:
                    query.groups, query.having = [], None
            return Call('bool', self.pick('({0} IN ({1}))', '({0} NOT IN ({1}))'), [self.value(type, 1, scope), query])
        agg = self.aggregate(0, inner_scope, ['long', 'double'])
        query.items = [agg]
        return Call('bool', '({0} %s ({1}))' % self.r.choice(COMPARE), [self.value(agg.type, 1, scope), query])

    # ------------------------------------------------------------ FROM

    def alias(self):
        self.aliases = getattr(self, 'aliases', 0) + 1
        return 't%d' % self.aliases

    def table(self):
        table = self.r.choice(self.tables)
        return table.name, table.known(), table.size, table

    def item(self, depth):
        """(alias, table or node, columns), and how many rows that may be at most, roughly."""
        roll = self.r.random()
        if depth > 0 and roll < 0.2:
            query = self.query(depth - 1, simple=True)
            return self.of_query(query), self.size_of(query)
        if roll < 0.24:
            rows = ['(%s, %s, %s)' % (self.literal('long').text, self.pick("'a'", "'b'", "''", 'CAST(NULL AS VARCHAR)'), self.literal('double').text)
                    for _ in range(self.r.randint(1, 5))]
            return (self.alias(), '(VALUES %s)' % ', '.join(rows), [('v', 'long'), ('w', 'string'), ('y', 'double')]), 5
        stored = [t for t in self.tables if not isinstance(t, Named)]
        if roll < 0.29 and len(stored) > 1:
            both = self.r.sample(stored, 2)
            columns = dict(both[0].known() + both[1].known())
            return (self.alias(), Append([t.name for t in both]), list(columns.items())), sum(t.size for t in both)
        name, columns, size, table = self.table()
        alias = self.alias()
        if getattr(table, 'between', None) and self.chance(0.4):
            self.single.add(alias)
            return (alias, Past(table), columns), size
        if table in stored:
            self.single.add(alias)
        return (alias, name, columns), size

    def size_of(self, query):
        return 1000 if query.source.joins else max(t.size for t in self.tables)

    def of_query(self, query):
        return (self.alias(), query, [('c%d' % n, i.type) for n, i in enumerate(query.items)])

    def lookup(self, type):
        """A sub-query with one row for each value of its first column, and that column; what stars have around them."""
        name, columns, _, _ = self.table()
        alias = self.alias()
        scope = [(alias, columns)]
        key = self.column(type, scope)
        if not key:
            return None
        query = Query(Source((alias, name, columns)))
        key.key = True
        query.groups, query.items = [key], [key] + [self.aggregate(0, scope) for _ in range(self.r.randint(0, 2))]
        if self.chance(0.6):
            query.where = self.value('bool', 1, scope)
        return self.of_query(query)

    def source(self, depth):
        """FROM, and the scope it makes: (alias, columns)."""
        first, rows = self.item(depth)
        made, scope = Source(first), [(first[0], first[2])]
        joins = self.r.choice([0, 0, 0, 1, 1, 2, 3]) if depth > 0 else self.r.choice([0] * 9 + [1])
        for _ in range(joins):
            item, size = self.item(depth - 1 if self.chance(0.3) else 0)
            kind = self.pick('JOIN', 'JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN', 'LEFT JOIN', 'CROSS JOIN')
            many = rows > MANY or size > MANY
            if self.chance(0.5 if many else 0.15):
                type = self.pick('string', 'long', 'long', 'time')
                item, a = self.lookup(type), self.value(type, self.pick(0, 0, 1), scope)
                if not item:
                    continue
                kind, on = 'JOIN' if kind == 'CROSS JOIN' else kind, Call('bool', '({0} = {1})', [a, Call(type, '%s.c0' % item[0])])
            elif many:  # one partner at most, or there is no end to the rows
                if not all(any(c[0] == 'id' for c in columns) for columns in (scope[0][1], item[2])) or item[0] not in self.single:
                    continue
                kind = 'JOIN' if kind == 'CROSS JOIN' else kind
                on = Call('bool', '({0} = {1})', [Call('long', '%s.id' % scope[0][0]), Call('long', '%s.id' % item[0])])
                rows = max(rows, size)
            else:
                on = None if kind == 'CROSS JOIN' else self.join_condition(kind, scope, item)
                rows = rows * size if on is None or '= ' not in on.text else max(rows, size) * 4
                if on is None and kind != 'CROSS JOIN':
                    continue
            if on and self.chance(0.3):
                on = Call('bool', '({0} AND {1})', [on, self.value('bool', 1, scope + [(item[0], item[2])])])
            made.joins.append((kind, item, on))
            scope.append((item[0], item[2]))
        if self.chance(0.06) and rows <= MANY:
            self.lateral(made, scope)
        if self.chance(0.1):
            for _ in range(self.pick(1, 1, 1, 2)):
                self.unnest(made, scope)
        return made, scope

    def join_condition(self, kind, scope, item):
        """Equalities of columns or of something made of them, now and then another comparison."""
        found = None
        for _ in range(self.pick(1, 1, 1, 2)):
            type = self.pick('string', 'long', 'long', 'time')
            a, b = self.column(type, scope), self.column(type, [(item[0], item[2])])
            if not a or not b or (a.text.endswith('.r') and b.text.endswith('.r')):
                if not any(c[0] == '__time' for c in scope[0][1]) or not any(c[0] == '__time' for c in item[2]):
                    return found
                a, b = Call('time', '%s.__time' % scope[0][0]), Call('time', '%s.__time' % item[0])
            if self.chance(0.15):
                a = self.call(a.type, 0, scope)
            far = self.chance(0.15) and kind in ('JOIN', 'LEFT JOIN')
            one = Call('bool', '({0} %s {1})' % self.pick('<', '>=', '<>') if far else '({0} = {1})', [a, b])
            found = one if found is None else Call('bool', '({0} AND {1})', [found, one])
        return found

    def lateral(self, made, scope):
        """A sub-query for each row in front: the first few that fit it, or a number of them."""
        query, inner_scope = self.inner_query(1, scope)
        query.bare = False
        if self.chance(0.5):
            query.items = [self.aggregate(0, inner_scope, ['long', 'double'])]
        else:
            query.items = [self.value(self.pick('long', 'string'), 1, inner_scope) for _ in range(2)]
            if self.chance(0.5):
                self.ordered(query)
        item = self.of_query(query)
        made.joins.append(('CROSS JOIN LATERAL', item, None))
        scope.append((item[0], item[2]))

    def unnest(self, made, scope):
        """Of a column, of an expression over the tables in front, or of the values of a multi-value string."""
        type = self.pick('longs', 'strings')
        found = self.column(type, scope)
        if self.chance(0.3):
            found = self.call(type, 0, scope)
        elif self.free and self.chance(0.4) and self.column('multi', scope):
            found, type = Call('strings', 'MV_TO_ARRAY({0})', [self.column('multi', scope)], False), 'strings'
        if found and (found.args or not found.text.startswith('CAST')):
            alias = 'u' + self.alias()[1:]
            made.unnests.append((alias, 'e', found))
            scope.append((alias, [('e', type[:-1])]))

    # ------------------------------------------------------------ queries

    def query(self, depth, simple=False):
        source, scope = self.source(depth)
        query = Query(source)
        if self.chance(0.7):
            query.where = self.condition(2, scope)
        if self.chance(0.45):
            self.grouped(query, scope)
        else:
            self.listed(query, scope, depth, simple)
        if self.chance(0.2 if simple else 0.08):
            self.combined(query, 'UNION ALL' if simple else self.pick('UNION ALL', 'UNION', 'INTERSECT', 'EXCEPT'))
        if self.chance(0.35):
            self.ordered(query)
        return query

    def listed(self, query, scope, depth, simple):
        for _ in range(self.r.randint(1, 4)):
            query.items.append(self.value(self.pick('long', 'double', 'string', 'string', 'time', 'bool', 'any'), 2, scope))
        if depth > 0 and self.chance(0.1):
            scalar, inner_scope = self.inner_query(0, scope)
            scalar.items = [self.aggregate(0, inner_scope, ['long', 'double'])]
            query.items.append(Call(scalar.items[0].type, '({0})', [scalar]))
        for _ in range(self.pick(1, 1, 2) if self.chance(0.1 if simple else 0.25) else 0):
            call = window(self, scope)
            if call:
                query.items.append(call)
        averages = any('AVG(' in i.text for i in query.items)  # equal ones may differ in the last digit
        query.distinct = not averages and self.chance(0.12)

    def combined(self, query, how):
        other = Query(None)
        other.source, other_scope = self.source(0)
        other.items = [self.value(i.type, 1, other_scope) for i in query.items]
        if self.chance(0.5):
            other.where = self.condition(1, other_scope)
        query.more = (how, other)

    def grouped(self, query, scope):
        for _ in range(self.r.choice([0, 1, 1, 1, 2, 2, 3])):
            key = self.value(self.pick('string', 'string', 'long', 'time', 'double', 'any'), self.pick(0, 0, 1), scope)
            if '.' not in key.write(PLAIN) or not has_column(key):
                key = self.column('string', scope) or self.column('any', scope)
            if not key:
                continue
            key.key = True
            query.groups.append(key)
        query.items = list(query.groups)
        for _ in range(self.r.randint(0 if query.groups else 1, 3)):
            query.items.append(self.combined_aggregate(scope) if self.chance(0.15) else self.aggregate(1, scope))
        keys = [key.write(PLAIN) for key in query.groups]
        if len(keys) > 1 and len(set(keys)) == len(keys) and self.chance(0.3):
            query.grouping = self.pick('ROLLUP', 'CUBE', [[0, 1], [0], []], [[1], [0]], [[0, 1], [0], [0], [1]])
            if self.chance(0.5):
                query.items.append(Call('long', 'GROUPING({0}, {1})', query.groups[:2], aggregate=True))
        if query.groups and not query.grouping and self.chance(0.15):
            agg = self.aggregate(0, scope, ['long', 'double'])
            query.items.append(self.pick(Call('long', 'RANK() OVER (ORDER BY {0} DESC)', [agg]),
                                         Call(agg.type, 'MAX({0}) OVER (PARTITION BY {1})', [agg, query.groups[0]]),
                                         Call('long', 'COUNT({0}) OVER ()', [agg])))
        if query.groups and self.chance(0.3):
            query.having = self.having(query, scope, 1)

    def combined_aggregate(self, scope):
        """An expression over aggregates."""
        if self.chance(0.5):
            return Call('long', self.pick('({0} + {1})', '({0} - {1})', 'COALESCE({0}, {1})', 'GREATEST({0}, {1})', 'CASE WHEN {0} > {1} THEN 1 ELSE 0 END'),
                        [self.aggregate(0, scope, ['long']), self.aggregate(0, scope, ['long'])])
        return Call('string', "COALESCE({0}, 'none')", [self.aggregate(0, scope, ['string'])])

    def having(self, query, scope, depth):
        roll = self.r.random()
        if depth > 0 and roll < 0.25:
            return Call('bool', self.pick('({0} AND {1})', '({0} OR {1})', '(NOT ({0} AND {1}))'),
                        [self.having(query, scope, 0), self.having(query, scope, 0)])
        if roll < 0.35:
            key = self.r.choice(query.groups)
            if key.type in ('string', 'long'):
                return Call('bool', '({0} %s {1})' % self.r.choice(COMPARE), [key, self.literal(key.type)])
            return Call('bool', '({0} IS NOT NULL)', [key])
        agg = self.aggregate(0, scope, ['long', 'double'])
        if roll < 0.5:
            return Call('bool', '({0} IS %sNULL)' % self.pick('', 'NOT '), [agg])
        if roll < 0.6:
            inner, inner_scope = self.source(0)
            scalar = Query(inner)
            scalar.bare, scalar.items = True, [self.aggregate(0, inner_scope, [agg.type])]
            return Call('bool', '({0} %s ({1}))' % self.r.choice(COMPARE), [agg, scalar])
        other = self.literal(agg.type) if roll < 0.9 else self.aggregate(0, scope, [agg.type])
        return Call('bool', '({0} %s {1})' % self.r.choice(COMPARE), [agg, other])

    def ordered(self, query):
        """ORDER BY every column, so that LIMIT means the same rows everywhere."""
        places = list(range(len(query.items)))
        self.r.shuffle(places)
        query.order = [(place, self.pick('ASC', 'DESC')) for place in places]
        if self.chance(0.6):
            query.limit = self.r.choice([0, 1, 2, 5, 10, 100])
            if self.chance(0.3):
                query.offset = self.r.choice([1, 3, 20])

    def statement(self):
        ctes = []
        for number in range(self.pick(1, 1, 2) if self.chance(0.12) else 0):
            inner = self.query(1, simple=True)
            ctes.append(('w%d' % number, inner))
            named = Named('w%d' % number, [('c%d' % n, i.type) for n, i in enumerate(inner.items)], self.size_of(inner))
            self.tables = self.tables + [named, named]
        query = self.query(1 if ctes else 2)
        query.ctes = ctes
        if self.free and self.chance(0.25):
            query.context = {'sqlTimeZone': self.r.choice(ZONES)}
        return query


class Named:
    """What WITH names, among the tables."""

    astral = False

    def __init__(self, name, columns, size):
        self.name, self.columns, self.size = name, columns, size

    def known(self):
        return self.columns


def has_column(node):
    if not node.args:
        return '.' in node.text and node.text[0] in 'tu' and node.text[1:2].isdigit()
    return any(has_column(a) for a in node.args)
