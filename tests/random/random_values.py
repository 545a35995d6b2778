"""Random expressions: columns, literals and calls of a wanted type over what a scope holds.

Types: long, huge (extreme longs: compared, never added), double, wild (NaN and its kin), string, bool, time, longs and strings
(arrays), multi, json, mess (JSON of any shape). What means something else in DuckDB is marked (duck=False), and only a
statement that may use it (`free`) does.
"""
import datetime
import random

from random_functions import AGGREGATES, BY_TYPE, COMPARE, LISTED, NULLS, PERIODS, SCALARS, UNITS, ZONES
from random_tables import EXTREME, PLAIN_WORDS, START, WORDS
from sql_nodes import Call

OPAQUE = ('json', 'mess', 'multi', 'wild', 'longs', 'strings', 'huge')


def quote(text):
    return "'%s'" % text.replace("'", "''")


class Values:
    def __init__(self, seed, tables):
        self.r = random.Random(seed)
        self.tables = tables
        self.free = self.r.random() < 0.3  # may use what DuckDB cannot answer
        self.astral = any(t.astral for t in tables)
        self.single = set()  # aliases of tables whose ids differ

    def pick(self, *choices):
        return self.r.choice(choices)

    def chance(self, p):
        return self.r.random() < p

    def column(self, type, scope):
        found = [(alias, name, kind) for alias, columns in scope for name, kind in columns
                 if kind == type or (type == 'any' and kind in SCALARS) or (type == 'any' and self.free and kind != 'mess')]
        if not found:
            return None
        alias, name, kind = self.r.choice(found)
        return Call(kind, '%s.%s' % (alias, name), duck=False if kind in ('wild', 'multi', 'mess') else None)

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
            return Call('double', r.choice(['0e0', '1.5e0', '-2.25e0', '1e1', '3e-1', '-0e0', '%de-1' % r.randint(-99, 99)]))
        if type == 'time':
            return Call('time', "TIMESTAMP '2024-%02d-%02d %02d:00:00'" % (r.choice([2, 2, 3, 4]), r.randint(1, 29), r.randint(0, 23)))
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
        deeper = depth > 0 and self.chance(0.3)
        if type in ('json', 'mess') or (type == 'multi' and not deeper) or (type != 'bool' and (depth <= 0 or roll < 0.5)):
            found = self.column(type, scope)
            if found and (type in ('json', 'mess', 'multi') or self.chance(0.85)):
                return found
            return self.literal(type) or found or Call('string', 'CAST(NULL AS VARCHAR)')
        if type == 'bool' and depth <= 0 and self.chance(0.05):
            return self.literal(type)
        if roll < 0.55 and depth > 0 and type != 'multi':
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
            if all(w not in LISTED or self.column(w, scope) for w in wanted):
                for name, word in self.words().items():
                    text = text.replace('{%s}' % name, word)
                    duck = duck.replace('{%s}' % name, word) if duck else duck
                return Call(kind, text, [self.value(w, depth, scope) for w in wanted], duck)
        return self.column(type, scope) or self.literal(type) or Call(type, 'CAST(NULL AS %s)' % NULLS.get(type, 'VARCHAR'))

    def words(self):
        """What stands for the names in templates."""
        period = self.r.choice(sorted(PERIODS))
        return {'cmp': self.r.choice(COMPARE), 'not': self.pick('', 'NOT'), 'period': period, 'unit': PERIODS[period],
                'UNIT': PERIODS[period].upper(), 'zone': self.r.choice(ZONES), 'member': self.pick('a', 'b', 'a.b', 'b.a', 'c[0]', 'c[-1]'),
                'part': self.pick('YEAR', 'MONTH', 'DAY', 'HOUR', 'MINUTE', 'ISODOW', 'DOY', 'WEEK', 'QUARTER')}

    def aggregate(self, depth, scope, types=None):
        choices = [a for a in AGGREGATES if (self.free or a[3] is not False) and (types is None or a[0] in types)]
        rows = [alias for alias, columns in scope if alias in self.single and ('id', 'long') in columns] if len(scope) == 1 else []
        while True:
            type, text, wanted, duck = self.r.choice(choices)
            if wanted in OPAQUE and not self.column(wanted, scope) or '{row}' in text and not rows:
                continue
            if rows:
                text = text.replace('{row}', 'MILLIS_TO_TIMESTAMP(%s.id)' % rows[0])
            args = [] if wanted is None else [self.value(wanted, depth, scope)]
            if self.chance(0.15) and not text.startswith('ARRAY_LENGTH'):
                text += ' FILTER (WHERE {%d})' % len(args)
                duck = duck + ' FILTER (WHERE {%d})' % len(args) if duck else duck
                args.append(self.value('bool', 1, scope))
            return Call(type, text, args, duck, aggregate=True)
