"""The grammar of the random queries: a Maker turns a seed and tables into one statement (sql_nodes.Query).

Types: long, huge (extreme longs: compared, never added), double, wild (NaN and its kin), string, bool, time, longs and strings
(arrays), multi, json. Where Druid and DuckDB spell a thing in two ways a Call has two templates; where they mean different
things it is marked as not comparable (duck=False) and only checks without a second engine see it. README.md lists those.
"""
import datetime
import random

from random_tables import EXTREME, PLAIN_WORDS, START, WORDS
from sql_nodes import Call, Query, Source

COMPARE = ['=', '=', '=', '<>', '<', '<=', '>', '>=']
SCALARS = ['long', 'double', 'string', 'time', 'huge']
NULLS = {'long': 'BIGINT', 'huge': 'BIGINT', 'double': 'DOUBLE', 'wild': 'DOUBLE', 'string': 'VARCHAR', 'bool': 'BOOLEAN', 'time': 'TIMESTAMP'}
PERIODS = {'PT1S': 'second', 'PT1M': 'minute', 'PT1H': 'hour', 'P1D': 'day', 'P1W': 'week', 'P1M': 'month', 'P3M': 'quarter', 'P1Y': 'year'}


# Druid counts UTF-16 units, DuckDB characters: not comparable where characters have two units.
UNITS = ('CHAR_LENGTH', 'STRPOS', 'SUBSTRING', 'LEFT', 'RIGHT', 'REVERSE', 'LPAD', 'RPAD', '({0} {not} LIKE', 'REGEXP_LIKE')


def quote(text):
    return "'%s'" % text.replace("'", "''")


# result type, template, argument types, DuckDB's template
FUNCTIONS = [
    ('long', '({0} + {1})', ('long', 'long'), None),
    ('long', '({0} - {1})', ('long', 'long'), None),
    ('long', '({0} * {1})', ('long', 'long'), None),
    ('long', '(- {0})', ('long',), None),
    ('long', 'ABS({0})', ('long',), None),
    ('long', '({0} / 7)', ('long',), None),
    ('long', 'MOD({0}, 5)', ('long',), '({0} % 5)'),
    ('long', 'SIGN({0})', ('long',), 'CAST(sign({0}) AS BIGINT)'),
    ('long', 'CHAR_LENGTH({0})', ('string',), 'length({0})'),
    ('long', 'STRPOS({0}, {1})', ('string', 'word'), 'strpos({0}, {1})'),
    ('long', 'EXTRACT({part} FROM {0})', ('time',), None),
    ('long', 'COALESCE({0}, {1})', ('long', 'long'), None),
    ('long', 'NULLIF({0}, {1})', ('long', 'long'), None),
    ('long', 'GREATEST({0}, {1})', ('long', 'long'), None),
    ('long', 'LEAST({0}, {1})', ('long', 'long'), None),
    ('long', 'BITWISE_AND({0}, {1})', ('long', 'long'), '({0} & {1})'),
    ('long', 'BITWISE_OR({0}, {1})', ('long', 'long'), '({0} | {1})'),
    ('long', 'CAST({0} AS BIGINT)', ('double',), 'CAST(trunc({0}) AS BIGINT)'),
    ('long', 'CASE WHEN {0} THEN 1 ELSE 0 END', ('bool',), None),
    ('long', 'ARRAY_LENGTH({0})', ('longs',), 'len({0})'),
    ('long', 'ARRAY_LENGTH({0})', ('strings',), 'len({0})'),
    ('long', 'ARRAY_OFFSET({0}, 1)', ('longs',), '({0})[2]'),
    ('long', 'ARRAY_ORDINAL({0}, 2)', ('longs',), '({0})[2]'),
    ('long', 'ARRAY_OFFSET_OF({0}, {1})', ('longs', 'number'), False),
    ('long', 'ARRAY_ORDINAL_OF({0}, {1})', ('strings', 'word'), False),
    ('long', "JSON_VALUE({0}, '$.a' RETURNING BIGINT)", ('json',), "CAST(({0})->>'$.a' AS BIGINT)"),
    ('long', 'MV_LENGTH({0})', ('multi',), False),
    ('long', 'TIMESTAMPDIFF(HOUR, {0}, {1})', ('time', 'time'), False),
    ('long', 'CAST({0} AS BIGINT)', ('string',), False),
    ('huge', 'COALESCE({0}, {1})', ('huge', 'huge'), None),
    ('huge', 'GREATEST({0}, {1})', ('huge', 'huge'), None),
    ('huge', '({0} + {1})', ('huge', 'huge'), False),
    ('huge', '({0} * {1})', ('huge', 'long'), False),
    ('huge', 'CAST({0} AS BIGINT)', ('wild',), False),
    ('double', '({0} + {1})', ('double', 'double'), None),
    ('double', '({0} - {1})', ('double', 'long'), None),
    ('double', '({0} * {1})', ('double', 'double'), None),
    ('double', '({0} / 4)', ('double',), '({0} / 4e0)'),
    ('double', 'ABS({0})', ('double',), None),
    ('double', 'FLOOR({0})', ('double',), None),
    ('double', 'CEIL({0})', ('double',), None),
    ('double', 'SQRT(ABS({0}))', ('double',), None),
    ('double', 'CAST({0} AS DOUBLE)', ('long',), None),
    ('double', 'COALESCE({0}, {1})', ('double', 'double'), None),
    ('double', 'NULLIF({0}, {1})', ('double', 'double'), None),
    ('double', 'GREATEST({0}, {1})', ('double', 'double'), None),
    ('double', 'LEAST({0}, {1})', ('double', 'double'), None),
    ('double', "JSON_VALUE({0}, '$.c.d' RETURNING DOUBLE)", ('json',), "CAST(({0})->>'$.c.d' AS DOUBLE)"),
    ('double', 'CAST({0} AS DOUBLE)', ('huge',), None),
    ('double', 'CAST({0} AS DOUBLE)', ('string',), False),
    ('double', 'SAFE_DIVIDE({0}, {1})', ('double', 'double'), False),  # a float's quotient prints as a float
    ('wild', '({0} + {1})', ('wild', 'wild'), False),
    ('wild', '({0} * {1})', ('wild', 'double'), False),
    ('string', 'UPPER({0})', ('string',), None),
    ('string', 'LOWER({0})', ('string',), None),
    ('string', '({0} || {1})', ('string', 'string'), None),
    ('string', 'CONCAT({0}, {1})', ('string', 'string'), '({0} || {1})'),
    ('string', 'SUBSTRING({0}, 2)', ('string',), None),
    ('string', 'SUBSTRING({0}, 1, 2)', ('string',), None),
    ('string', 'LEFT({0}, 2)', ('string',), None),
    ('string', 'RIGHT({0}, 2)', ('string',), None),
    ('string', 'TRIM({0})', ('string',), None),
    ('string', "TRIM(BOTH 'a' FROM {0})", ('string',), None),
    ('string', 'REVERSE({0})', ('string',), None),
    ('string', 'REPEAT({0}, 2)', ('string',), None),
    ('string', 'LPAD({0}, 5, {1})', ('string', 'pad'), None),
    ('string', 'RPAD({0}, 3, {1})', ('string', 'pad'), None),
    ('string', 'REPLACE({0}, {1}, {2})', ('string', 'pad', 'word'), None),
    ('string', 'COALESCE({0}, {1})', ('string', 'string'), None),
    ('string', 'NULLIF({0}, {1})', ('string', 'word'), None),
    ('string', 'CAST({0} AS VARCHAR)', ('long',), None),
    ('string', 'CAST({0} AS VARCHAR)', ('huge',), None),
    ('string', "REGEXP_EXTRACT({0}, '([a-z]+)', 1)", ('string',), "nullif(regexp_extract({0}, '([a-z]+)', 1), '')"),
    ('string', "ARRAY_TO_STRING({0}, '-')", ('strings',), False),
    ('string', 'ARRAY_OFFSET({0}, 0)', ('strings',), '({0})[1]'),
    ('string', "JSON_VALUE({0}, '$.b')", ('json',), "({0})->>'$.b'"),
    ('string', 'TIME_FORMAT({0}, \'yyyy-MM-dd HH\')', ('time',), "strftime({0}, '%Y-%m-%d %H')"),
    ('string', "MV_TO_STRING({0}, '+')", ('multi',), False),
    ('string', 'TO_JSON_STRING({0})', ('json',), False),
    ('string', 'CAST({0} AS VARCHAR)', ('double',), False),
    ('time', "TIME_FLOOR({0}, '{period}')", ('time',), "CAST(date_trunc('{unit}', {0}) AS TIMESTAMP)"),
    ('time', 'FLOOR({0} TO {UNIT})', ('time',), "CAST(date_trunc('{unit}', {0}) AS TIMESTAMP)"),
    ('time', "({0} + INTERVAL '2' HOUR)", ('time',), '({0} + INTERVAL 2 HOUR)'),
    ('time', 'TIMESTAMPADD(MINUTE, 5, {0})', ('time',), '({0} + INTERVAL 5 MINUTE)'),
    ('time', 'COALESCE({0}, {1})', ('time', 'time'), None),
    ('longs', 'ARRAY_APPEND({0}, {1})', ('longs', 'long'), False),
    ('longs', 'ARRAY_CONCAT({0}, {1})', ('longs', 'longs'), False),
    ('longs', 'ARRAY_SLICE({0}, 0, 2)', ('longs',), False),
    ('longs', 'ARRAY[{0}, {1}]', ('long', 'long'), '[{0}, {1}]'),
    ('longs', 'ARRAY_PREPEND({0}, {1})', ('long', 'longs'), False),
    ('longs', 'COALESCE({0}, {1})', ('longs', 'longs'), None),
    ('strings', 'ARRAY[{0}, {1}]', ('string', 'string'), '[{0}, {1}]'),
    ('strings', 'ARRAY_APPEND({0}, {1})', ('strings', 'string'), False),
    ('strings', 'CASE WHEN {0} THEN {1} ELSE {2} END', ('bool', 'strings', 'strings'), None),
    ('wild', '({0} / {1})', ('wild', 'wild'), False),
    ('wild', '(- {0})', ('wild',), False),
    ('wild', 'GREATEST({0}, {1})', ('wild', 'wild'), False),
    ('wild', 'COALESCE({0}, {1})', ('wild', 'wild'), False),
    ('huge', 'LEAST({0}, {1})', ('huge', 'huge'), None),
    ('huge', 'NULLIF({0}, {1})', ('huge', 'huge'), None),
    ('huge', '({0} - {1})', ('huge', 'huge'), False),
    ('huge', 'ABS({0})', ('huge',), False),
    ('huge', 'MOD({0}, 7)', ('huge',), '({0} % 7)'),
    ('huge', '({0} / 3)', ('huge',), None),
    ('strings', 'MV_TO_ARRAY({0})', ('multi',), False),
    ('strings', "STRING_TO_ARRAY({0}, 'b')", ('string',), False),
    ('bool', '({0} {cmp} {1})', ('long', 'long'), None),
    ('bool', '({0} {cmp} {1})', ('long', 'long'), None),
    ('bool', '({0} {cmp} {1})', ('long', 'double'), None),
    ('bool', '({0} {cmp} {1})', ('double', 'double'), None),
    ('bool', '({0} {cmp} {1})', ('huge', 'huge'), None),
    ('bool', '({0} {cmp} {1})', ('huge', 'long'), None),
    ('bool', '({0} {cmp} {1})', ('string', 'string'), None),
    ('bool', '({0} {cmp} {1})', ('string', 'word'), None),
    ('bool', '({0} {cmp} {1})', ('string', 'word'), None),
    ('bool', '({0} {cmp} {1})', ('time', 'time'), None),
    ('bool', '({0} {cmp} {1})', ('time', 'instant'), None),
    ('bool', '({0} {not} BETWEEN {1} AND {2})', ('time', 'instant', 'instant'), None),
    ('bool', '({0} {cmp} {1})', ('wild', 'wild'), False),
    ('bool', '({0} {cmp} {1})', ('wild', 'double'), False),
    ('bool', '({0} {cmp} {1})', ('longs', 'longs'), False),
    ('bool', '({0} = {1})', ('strings', 'strings'), False),
    ('bool', '({0} IS NULL)', ('any',), None),
    ('bool', '({0} IS NOT NULL)', ('any',), None),
    ('bool', '({0} IS {not} DISTINCT FROM {1})', ('string', 'string'), None),
    ('bool', '({0} IS {not} DISTINCT FROM {1})', ('long', 'long'), None),
    ('bool', '({0} {not} BETWEEN {1} AND {2})', ('long', 'long', 'long'), None),
    ('bool', '({0} {not} BETWEEN {1} AND {2})', ('double', 'double', 'double'), None),
    ('bool', '({0} {not} BETWEEN {1} AND {2})', ('string', 'word', 'word'), None),
    ('bool', '({0} {not} BETWEEN {1} AND {2})', ('time', 'time', 'time'), None),
    ('bool', '({0} {not} IN ({1}, {2}, {3}))', ('string', 'word', 'word', 'word'), None),
    ('bool', '({0} {not} IN ({1}, {2}, {3}))', ('long', 'number', 'number', 'number'), None),
    ('bool', '({0} {not} IN ({1}, NULL))', ('string', 'word'), None),
    ('bool', '({0} {not} LIKE {1})', ('string', 'pattern'), None),
    ('bool', 'REGEXP_LIKE({0}, {1})', ('string', 'regex'), 'regexp_matches({0}, {1})'),
    ('bool', 'CONTAINS_STRING({0}, {1})', ('string', 'word'), 'contains({0}, {1})'),
    ('bool', '({0} AND {1})', ('bool', 'bool'), None),
    ('bool', '({0} AND {1})', ('bool', 'bool'), None),
    ('bool', '({0} OR {1})', ('bool', 'bool'), None),
    ('bool', '({0} OR {1})', ('bool', 'bool'), None),
    ('bool', '(NOT {0})', ('bool',), None),
    ('bool', '({0} IS {not} TRUE)', ('bool',), None),
    ('bool', '({0} IS {not} FALSE)', ('bool',), None),
    ('bool', 'ARRAY_CONTAINS({0}, {1})', ('longs', 'number'), False),
    ('bool', 'ARRAY_CONTAINS({0}, {1})', ('strings', 'strings'), False),
    ('bool', 'SCALAR_IN_ARRAY({0}, {1})', ('long', 'longs'), False),
    ('bool', '({0} {not} IN ({1}, {2}))', ('huge', 'huge', 'huge'), None),
    ('bool', '({0} {not} BETWEEN {1} AND {2})', ('wild', 'wild', 'wild'), False),
    ('bool', '({0} IS {not} DISTINCT FROM {1})', ('wild', 'wild'), False),
    ('bool', '({0} {cmp} {1})', ('double', 'huge'), False),
    ('bool', 'ARRAY_OVERLAP({0}, {1})', ('strings', 'strings'), False),
    ('bool', 'MV_CONTAINS({0}, {1})', ('multi', 'word'), False),
]
BY_TYPE = {}
for one in FUNCTIONS:
    BY_TYPE.setdefault(one[0], []).append(one)

# result type, template, argument type (None: no argument), DuckDB's template
AGGREGATES = [
    ('long', 'COUNT(*)', None, None), ('long', 'COUNT(*)', None, None),
    ('long', 'COUNT({0})', 'any', None), ('long', 'COUNT(DISTINCT {0})', 'any', None),
    ('long', 'SUM({0})', 'long', None), ('double', 'SUM({0})', 'double', None),
    ('long', 'MIN({0})', 'long', None), ('long', 'MAX({0})', 'long', None),
    ('huge', 'MIN({0})', 'huge', None), ('huge', 'MAX({0})', 'huge', None),
    ('double', 'MIN({0})', 'double', None), ('double', 'MAX({0})', 'double', None),
    ('string', 'MIN({0})', 'string', None), ('string', 'MAX({0})', 'string', None),
    ('time', 'MIN({0})', 'time', None), ('time', 'MAX({0})', 'time', None),
    ('double', 'AVG({0})', 'double', None), ('double', 'VAR_POP({0})', 'double', None),
    ('long', 'SUM(DISTINCT {0})', 'long', None), ('double', 'AVG(DISTINCT {0})', 'double', None),
    ('longs', 'ARRAY_AGG(DISTINCT {0})', 'long', 'list(DISTINCT {0} ORDER BY {0})'),
    ('strings', 'ARRAY_AGG(DISTINCT {0})', 'string', 'list(DISTINCT {0} ORDER BY {0})'),
    ('long', 'BIT_AND({0})', 'long', None), ('long', 'BIT_OR({0})', 'long', None), ('long', 'BIT_XOR({0})', 'long', None),
    ('huge', 'SUM({0})', 'huge', False), ('wild', 'SUM({0})', 'wild', False),
    ('wild', 'MIN({0})', 'wild', False), ('wild', 'MAX({0})', 'wild', False), ('long', 'COUNT(DISTINCT {0})', 'wild', False),
    ('long', 'COUNT({0})', 'multi', False),
]


class Maker:
    def __init__(self, seed, tables):
        self.r = random.Random(seed)
        self.tables = tables
        self.aliases = 0
        self.free = self.r.random() < 0.3  # may use what DuckDB cannot answer
        self.astral = any(t.astral for t in tables)

    def pick(self, *choices):
        return self.r.choice(choices)

    def chance(self, p):
        return self.r.random() < p

    # ------------------------------------------------------------ expressions

    def column(self, type, scope):
        found = [(alias, name, kind) for alias, columns in scope for name, kind in columns
                 if kind == type or (type == 'any' and kind in SCALARS) or (type == 'any' and self.free)]
        if not found:
            return None
        alias, name, kind = self.r.choice(found)
        return Call(kind, '%s.%s' % (alias, name), duck=False if kind in ('wild', 'multi') else None)

    def literal(self, type):
        r = self.r
        if type == 'word' or type == 'string':
            return Call('string', quote(r.choice(WORDS if self.astral else PLAIN_WORDS)))
        if type == 'pad':
            return Call('string', quote(r.choice(['a', '*', 'ab', 'é'])))
        if type == 'pattern':
            return Call('string', quote(r.choice(['%', 'a%', '%b', '%a%', '_', '_b%', '', 'a_', '%ü%', '10', '__', "%'%"])))
        if type == 'regex':
            return Call('string', quote(r.choice(['a', '^a', 'b$', '^$', '[0-9]+', 'x.y', '(a|z)', '^.$'])))
        if type in ('long', 'number'):
            return Call('long', str(r.choice([0, 1, 2, 3, 5, 7, -1, -4, 9, 100, r.randint(-99999, 99999)])))
        if type == 'huge':
            return Call('huge', str(r.choice(EXTREME[1:])))
        if type in ('double', 'wild'):
            text = r.choice(['0e0', '1.5e0', '-2.25e0', '1e1', '3e-1', '-0e0', '%de-1' % r.randint(-99, 99)])
            return Call('double', text)
        if type == 'time':
            text = "TIMESTAMP '2024-%02d-%02d %02d:00:00'" % (r.choice([2, 2, 3, 4]), r.randint(1, 29), r.randint(0, 23))
            return Call('time', text)
        if type == 'instant':  # to the millisecond, among the rows
            at = datetime.datetime.fromtimestamp(0, datetime.timezone.utc) + datetime.timedelta(
                milliseconds=START + r.choice([0, 1, r.randrange(3600_000), r.randrange(86_400_000 * 3), r.randrange(86_400_000 * 40)]))
            return Call('time', "TIMESTAMP '%s.%03d'" % (at.strftime('%Y-%m-%d %H:%M:%S'), at.microsecond // 1000))
        if type == 'bool':
            return Call('bool', r.choice(['TRUE', 'FALSE', 'CAST(NULL AS BOOLEAN)']))
        if type == 'longs':
            return Call('longs', 'ARRAY[1, 2]', duck='[1, 2]')
        if type == 'strings':
            return Call('strings', "ARRAY['a', 'b']", duck="['a', 'b']")
        return None

    def value(self, type, depth, scope):
        if type in ('word', 'pattern', 'regex', 'pad', 'number', 'instant'):
            return self.literal(type)
        if type == 'any':
            type = self.r.choice(SCALARS if not self.free else SCALARS + ['wild'])
        roll = self.r.random()
        if type in ('multi', 'json') or (type != 'bool' and (depth <= 0 or roll < 0.5)):
            found = self.column(type, scope)
            if found and self.chance(0.85):
                return found
            made = self.literal(type)
            if made:
                return made
            return found or Call('string', 'CAST(NULL AS VARCHAR)')
        if type == 'bool' and depth <= 0 and self.chance(0.05):
            return self.literal(type)
        if roll < 0.55 and depth > 0:
            return self.case(type, depth - 1, scope)
        return self.call(type, depth - 1, scope)

    def case(self, type, depth, scope):
        branches = self.pick(1, 1, 2)
        args = []
        for _ in range(branches):
            args += [self.value('bool', depth - 1, scope), self.value(type, depth, scope)]
        text = 'CASE' + ''.join(' WHEN {%d} THEN {%d}' % (2 * i, 2 * i + 1) for i in range(branches))
        if self.chance(0.6):
            text += ' ELSE {%d}' % len(args)
            args.append(self.value(type, depth, scope))
        return Call(type, '(%s END)' % text, args)

    def call(self, type, depth, scope):
        choices = [f for f in BY_TYPE.get(type, []) if (self.free or f[3] is not False) and (depth >= 0 or 'bool' not in f[2])]
        for _ in range(12):  # a function whose arguments exist here
            if not choices:
                break
            kind, text, wanted, duck = self.r.choice(choices)
            if self.astral and text.startswith(UNITS):
                duck = False
            if all(w not in ('json', 'multi', 'longs', 'strings', 'wild', 'huge') or self.column(w, scope) for w in wanted):
                period = self.r.choice(sorted(PERIODS))
                words = {'cmp': self.r.choice(COMPARE), 'not': self.pick('', 'NOT'), 'period': period, 'unit': PERIODS[period],
                         'UNIT': PERIODS[period].upper(), 'part': self.pick('YEAR', 'MONTH', 'DAY', 'HOUR', 'MINUTE', 'DOW', 'DOY', 'WEEK', 'QUARTER')}
                if words['part'] == 'DOW':
                    words['part'] = 'ISODOW'
                for name, word in words.items():
                    text = text.replace('{%s}' % name, word)
                    duck = duck.replace('{%s}' % name, word) if duck else duck
                return Call(kind, text, [self.value(w, depth, scope) for w in wanted], duck)
        return self.column(type, scope) or self.literal(type) or Call(type, 'CAST(NULL AS %s)' % NULLS.get(type, 'VARCHAR'))

    def condition(self, depth, scope, outer=()):
        """A predicate, perhaps with a sub-query that may read the rows around it."""
        if depth > 0 and self.chance(0.12):
            return self.sub_condition(depth - 1, scope, outer)
        if depth > 0 and self.chance(0.3):
            return Call('bool', self.pick('({0} AND {1})', '({0} OR {1})'),
                        [self.condition(depth - 1, scope, outer), self.condition(depth - 1, scope, outer)])
        return self.value('bool', depth, scope)

    def sub_condition(self, depth, scope, outer):
        inner, inner_scope = self.source(0)
        query = Query(inner)
        query.bare = True
        wheres = [self.condition(depth - 1, inner_scope)] if self.chance(0.6) else []
        if self.chance(0.5):
            type = self.pick('string', 'long')
            a, b = self.column(type, inner_scope), self.column(type, scope)
            if a and b:
                wheres.append(Call('bool', '({0} = {1})' if self.chance(0.8) else '({0} < {1})', [a, b]))
        for one in wheres:
            query.where = one if query.where is None else Call('bool', '({0} AND {1})', [query.where, one])
        way = self.pick('in', 'exists', 'scalar')
        if way == 'exists':
            query.items = [Call('long', '1')]
            return Call('bool', self.pick('EXISTS ({0})', 'NOT EXISTS ({0})'), [query])
        if way == 'in':
            type = self.pick('string', 'long', 'double')
            query.items = [self.value(type, 0, inner_scope)]
            return Call('bool', self.pick('({0} IN ({1}))', '({0} NOT IN ({1}))'), [self.value(type, 1, scope), query])
        agg = self.aggregate(0, inner_scope, ['long', 'double'])
        query.items = [agg]
        return Call('bool', '({0} %s ({1}))' % self.r.choice(COMPARE), [self.value(agg.type, 1, scope), query])

    def aggregate(self, depth, scope, types=None):
        choices = [a for a in AGGREGATES if (self.free or a[3] is not False) and (types is None or a[0] in types)]
        while True:
            type, text, wanted, duck = self.r.choice(choices)
            if wanted in ('wild', 'multi', 'huge') and not self.column(wanted, scope):
                continue
            args = [] if wanted is None else [self.value(wanted, depth, scope)]
            if self.chance(0.15):
                text += ' FILTER (WHERE {%d})' % len(args)
                duck = duck + ' FILTER (WHERE {%d})' % len(args) if duck else duck
                args.append(self.value('bool', 1, scope))
            return Call(type, text, args, duck)

    def window(self, scope):
        """A window call whose answer does not depend on the order of equal rows: ordered by a row number of its own at the end."""
        ids = [(alias, columns) for alias, columns in scope if any(name == 'id' for name, _ in columns)]
        if not ids or len(ids) != len(scope):
            return None
        args, text = [], ''
        if self.chance(0.6):
            args.append(self.value(self.pick('string', 'long'), 0, scope))
            text = 'PARTITION BY {0} '
        keys = []
        if self.chance(0.6):
            args.append(self.column(self.pick('string', 'long', 'double'), scope) or self.literal('word'))
            keys.append('{%d} %s' % (len(args) - 1, self.pick('ASC', 'DESC')))
        keys += ['%s.id' % alias for alias, _ in ids]
        text += 'ORDER BY ' + ', '.join(keys)
        roll = self.r.random()
        if roll < 0.2:
            return self.peers(args, keys[:1] if len(keys) > len(ids) else [], ids, scope)
        if roll < 0.4:
            call, type = self.pick(('ROW_NUMBER()', 'long'), ('RANK()', 'long'), ('DENSE_RANK()', 'long'), ('NTILE(3)', 'long'),
                                   ('CUME_DIST()', 'double'), ('PERCENT_RANK()', 'double'))
            return Call(type, '%s OVER (%s)' % (call, text), args) if args else Call(type, '%s OVER (%s)' % (call, text))
        bounds = [self.pick('UNBOUNDED PRECEDING', '%d PRECEDING' % self.r.randint(0, 4), 'CURRENT ROW'),
                  self.pick('UNBOUNDED FOLLOWING', '%d FOLLOWING' % self.r.randint(0, 4), 'CURRENT ROW')]
        frame = '' if self.chance(0.4) else ' %s BETWEEN %s AND %s' % ('ROWS', bounds[0], bounds[1])
        type = self.pick('long', 'double', 'string')
        args.append(self.value(type, 1, scope))
        place = '{%d}' % (len(args) - 1)
        if roll < 0.55:
            call = self.pick('LAG(%s, 1)', 'LEAD(%s, 2)', 'LAG(%s)') % place
            frame = ''
        elif roll < 0.75:
            call = self.pick('FIRST_VALUE(%s)', 'LAST_VALUE(%s)', 'NTH_VALUE(%s, 2)') % place
        elif type == 'string':
            call = self.pick('COUNT(%s)', 'MIN(%s)', 'MAX(%s)') % place
            type = 'long' if call[0] == 'C' else type
        else:
            call = self.pick('SUM(%s)', 'COUNT(%s)', 'MIN(%s)', 'MAX(%s)', 'AVG(%s)') % place
            type = 'long' if call[0] == 'C' else type
            if call[0] == 'A' and type == 'long':
                call, type = 'SUM(%s)' % place, 'long'
        return Call(type, '%s OVER (%s%s)' % (call, text, frame), args)

    def peers(self, args, keys, ids, scope):
        """An aggregate whose frame takes whole peers or a distance of the key, so that the order among them does not matter."""
        partition = 'PARTITION BY {0} ' if len(args) > len(keys) else ''
        number = self.chance(0.5) or not keys
        if number:
            key = self.column('long', scope) or Call('long', '%s.id' % ids[0][0])
            del args[1 if partition else 0:]
            args.append(key)
            keys = ['{%d} %s' % (len(args) - 1, self.pick('ASC', 'DESC'))]
        unit = 'RANGE'
        far = lambda way: '%d %s' % (self.r.choice([0, 1, 3, 20]), way) if number else 'CURRENT ROW'
        frame = self.pick('', ' %s BETWEEN %s AND %s' % (unit, self.pick('UNBOUNDED PRECEDING', far('PRECEDING'), 'CURRENT ROW'),
                                                        self.pick('UNBOUNDED FOLLOWING', far('FOLLOWING'), 'CURRENT ROW')))
        type = self.pick('long', 'double', 'string')
        args.append(self.value(type, 1, scope))
        call = self.pick('COUNT({%d})', 'MIN({%d})', 'MAX({%d})') if type == 'string' else self.pick(
            'SUM({%d})', 'COUNT({%d})', 'MIN({%d})', 'MAX({%d})')
        return Call('long' if call[0] == 'C' else type, '%s OVER (%sORDER BY %s%s)' % (
            call.replace('{%d}', '{%d}' % (len(args) - 1)), partition, keys[0], frame), args)

    # ------------------------------------------------------------ queries

    def item(self, depth):
        self.aliases += 1
        alias = 't%d' % self.aliases
        if depth > 0 and self.chance(0.15):
            query = self.query(depth - 1, simple=True)
            columns = [('c%d' % n, i.type) for n, i in enumerate(query.items)]
            return (alias, query, columns)
        if self.chance(0.04):
            rows = ['(%s, %s, %s)' % (self.literal('long').text, self.pick("'a'", "'b'", "''", 'CAST(NULL AS VARCHAR)'), self.literal('double').text)
                    for _ in range(self.r.randint(1, 5))]
            return (alias, '(VALUES %s)' % ', '.join(rows), [('v', 'long'), ('w', 'string'), ('y', 'double')])
        table = self.r.choice(self.tables)
        return (alias, table.name, table.known())

    def many(self, what):
        """More rows than a join on columns of few values bears."""
        if not isinstance(what, str):
            return any(t.size > 150 for t in self.tables)
        return any(t.name == what and t.size > 150 for t in self.tables)

    def source(self, depth):
        """FROM, and the scope it makes: (alias, columns)."""
        first = self.item(depth)
        made, scope = Source(first), [(first[0], first[2])]
        many = self.many(first[1])
        for _ in range(self.r.choice([0, 0, 0, 0, 1, 1, 2]) if depth > 0 else 0):
            item = self.item(0)
            many |= self.many(item[1])
            kind = self.pick('JOIN', 'JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN', 'LEFT JOIN', 'JOIN' if many else 'CROSS JOIN')
            on = None
            if many:  # one partner at most, or there is no end to the rows
                if not all(any(c[0] == 'id' for c in columns) for columns in (scope[0][1], item[2])):
                    continue
                on = Call('bool', '({0} = {1})', [Call('long', '%s.id' % scope[0][0]), Call('long', '%s.id' % item[0])])
                made.joins.append((kind, item, on))
                scope.append((item[0], item[2]))
                continue
            if kind != 'CROSS JOIN':
                type = self.pick('string', 'long', 'long', 'time')
                a, b = self.column(type, scope), self.column(type, [(item[0], item[2])])
                if not a or not b or a.text.endswith('.r') or b.text.endswith('.r'):
                    a, b = Call('time', '%s.__time' % scope[0][0]), Call('time', '%s.__time' % item[0])
                    if not any(c[0] == '__time' for c in scope[0][1]):
                        continue
                far = self.chance(0.15) and kind in ('JOIN', 'LEFT JOIN')
                on = Call('bool', '({0} %s {1})' % self.pick('<', '>=', '<>') if far else '({0} = {1})', [a, b])
                if self.chance(0.3):
                    extra = self.value('bool', 1, scope + [(item[0], item[2])])
                    on = Call('bool', '({0} AND {1})', [on, extra])
            made.joins.append((kind, item, on))
            scope.append((item[0], item[2]))
        if self.chance(0.1):
            for _ in range(self.pick(1, 1, 1, 2)):
                self.unnest(made, scope)
        return made, scope

    def unnest(self, made, scope):
        """Of a column, of an expression over the tables in front, or of the values of a multi-value string."""
        type = self.pick('longs', 'strings')
        found = self.column(type, scope)
        if self.chance(0.3):
            found = self.call(type, 0, scope)
        elif self.free and self.chance(0.4) and self.column('multi', scope):
            found, type = Call('strings', 'MV_TO_ARRAY({0})', [self.column('multi', scope)], False), 'strings'
        if found and (found.args or not found.text.startswith('CAST')):
            self.aliases += 1
            made.unnests.append(('u%d' % self.aliases, 'e', found))
            scope.append(('u%d' % self.aliases, [('e', type[:-1])]))

    def query(self, depth, simple=False):
        source, scope = self.source(depth)
        query = Query(source)
        if self.chance(0.7):
            query.where = self.condition(2, scope)
        roll = self.r.random()
        if roll < 0.45:
            self.grouped(query, scope)
        else:
            for _ in range(self.r.randint(1, 4)):
                query.items.append(self.value(self.pick('long', 'double', 'string', 'string', 'time', 'bool', 'any'), 2, scope))
            if depth > 0 and self.chance(0.08):
                inner, inner_scope = self.source(0)
                scalar = Query(inner)
                scalar.bare, scalar.items = True, [self.aggregate(0, inner_scope, ['long', 'double'])]
                a, b = self.column('string', inner_scope), self.column('string', scope)
                if a and b and self.chance(0.6):
                    scalar.where = Call('bool', '({0} = {1})', [a, b])
                query.items.append(Call(scalar.items[0].type, '({0})', [scalar]))
            if not simple and self.chance(0.25):
                call = self.window(scope)
                if call:
                    query.items.append(call)
            averages = any(i.text.startswith('AVG(') for i in query.items)  # equal ones may differ in the last digit
            query.distinct = not averages and self.chance(0.12)
        if not simple and self.chance(0.08):
            other = Query(None)
            other.source, other_scope = self.source(0)
            other.items = [self.value(i.type, 1, other_scope) for i in query.items]
            if self.chance(0.5):
                other.where = self.condition(1, other_scope)
            query.more = (self.pick('UNION ALL', 'UNION', 'INTERSECT', 'EXCEPT'), other)
        if self.chance(0.35):
            self.ordered(query)
        return query

    def grouped(self, query, scope):
        for _ in range(self.r.choice([0, 1, 1, 1, 2, 2, 3])):
            key = self.value(self.pick('string', 'string', 'long', 'time', 'double', 'any'), self.pick(0, 0, 1), scope)
            if '.' not in key.write(False, {}) or not has_column(key):
                key = self.column('string', scope) or self.column('any', scope)
            if not key:
                continue
            key.key = True
            query.groups.append(key)
        query.items = list(query.groups)
        for _ in range(self.r.randint(0 if query.groups else 1, 3)):
            query.items.append(self.aggregate(1, scope))
        keys = [key.write(False, {}) for key in query.groups]
        if len(keys) > 1 and len(set(keys)) == len(keys) and self.chance(0.3):
            query.grouping = self.pick('ROLLUP', 'CUBE', [[0, 1], [0], []], [[1], [0]], [[0, 1], [0], [0], [1]])
            if self.chance(0.5):
                query.items.append(Call('long', 'GROUPING({0}, {1})', query.groups[:2]))
        if query.groups and not query.grouping and self.chance(0.15):
            agg = self.aggregate(0, scope, ['long', 'double'])
            query.items.append(self.pick(Call('long', 'RANK() OVER (ORDER BY {0} DESC)', [agg]),
                                         Call(agg.type, 'MAX({0}) OVER (PARTITION BY {1})', [agg, query.groups[0]]),
                                         Call('long', 'COUNT({0}) OVER ()', [agg])))
        if query.groups and self.chance(0.25):
            agg = self.aggregate(0, scope, ['long', 'double'])
            query.having = Call('bool', '({0} %s {1})' % self.r.choice(COMPARE), [agg, self.literal(agg.type)])

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
        if self.chance(0.9):
            return self.query(2)
        inner = self.query(1, simple=True)
        named = Named('w1', [('c%d' % n, i.type) for n, i in enumerate(inner.items)])
        self.tables = self.tables + [named, named]
        query = self.query(1)
        query.ctes = [('w1', inner)]
        return query


class Named:
    """What WITH names, among the tables."""

    def __init__(self, name, columns):
        self.name, self.columns, self.size = name, columns, 1000

    def known(self):
        return self.columns


def has_column(node):
    if not node.args:
        return '.' in node.text and node.text[0] in 'tu' and node.text[1:2].isdigit()
    return any(has_column(a) for a in node.args)
