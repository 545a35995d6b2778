"""Rows of a datasource with keys and versions, and what must be seen of them after a kill, now and as of earlier instants."""
import json

KEYS, MOMENTS = 300, 4
KEYED = {'dataSchema': {'timestampSpec': {'column': 'time'},
                        'dimensionsSpec': {'dimensions': [{'type': 'long', 'name': 'k'}, {'type': 'long', 'name': 'ver'}, 'batch']},
                        'keySpec': {'columns': ['k'], 'version': 'ver'}, 'granularitySpec': {'segmentGranularity': 'DAY', 'rollup': False}}}


def tables_of(server):
    return {row[0] for row in server.sql("SELECT TABLE_NAME FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = 'druid'")[1]}


class Moments:
    """The last few instants at which nothing was on its way, and what was seen as of them: it must be seen again."""

    def __init__(self, query):
        self.query, self.kept = query, []  # the query has a %s for the clause

    def look(self, server, quiet_ms):
        trouble = []
        for instant, rows in self.kept:
            now = self.read(server, instant)
            if now != rows:
                trouble.append(('as of %d' % instant, sorted(set(now) ^ set(rows))[:4]))
        if quiet_ms:
            self.kept = self.kept[-MOMENTS + 1:] + [(quiet_ms, self.read(server, quiet_ms))]
        return trouble

    def read(self, server, instant):
        return sorted(tuple(row) for row in server.sql(self.query % (' FOR SYSTEM_TIME AS OF %d' % instant))[1])


class Keyed:
    """Versions are unique and in no order of time, so which row of a key wins does not depend on who came first."""

    def __init__(self, table):
        self.table, self.rows = table, {}
        self.moments = Moments('SELECT k, ver, batch FROM ' + table + '%s')

    def batch(self, number, count, chance):
        luck = chance.randrange(1000)
        rows = [(chance.randrange(KEYS), (luck << 32) + number * 10000 + i, 'b%d' % number) for i in range(count)]
        self.rows[number] = rows
        return ''.join(json.dumps({'time': '2024-05-%02dT%02d:00:00Z' % (1 + k % 3, ver % 24), 'k': k, 'ver': ver, 'batch': batch}) + '\n'
                       for k, ver, batch in rows).encode()

    def winners(self, numbers):
        best = {}
        for number in numbers:
            for row in self.rows[number]:
                if row[0] not in best or row[1] > best[row[0]][1]:
                    best[row[0]] = row
        return best

    def read(self, server):
        return {row[0]: tuple(row) for row in server.sql('SELECT k, ver, batch FROM ' + self.table)[1]}

    def look(self, server, acknowledged, quiet_ms):
        """What is wrong. A batch that can be seen at all is there whole: no key of it has an older row."""
        rows = [tuple(row) for row in server.sql('SELECT k, ver, batch FROM ' + self.table)[1]]
        seen = {row[0]: row for row in rows}
        trouble = [] if len(seen) == len(rows) else ['%d rows of %d keys' % (len(rows), len(seen))]
        there = acknowledged | {int(row[2][1:]) for row in rows}
        trouble += [('never pushed', row) for row in rows if row not in self.rows[int(row[2][1:])]]
        trouble += [(seen.get(k), 'instead of', row) for k, row in self.winners(there).items() if k not in seen or seen[k][1] < row[1]]
        return trouble + self.moments.look(server, quiet_ms)
