"""Partial results of groupings by segment: found again when segments come, the same answers, only where the context allows it."""
import json

from ovatetest import Server
from test_formats import check, same
from test_quick import metric
from test_tasks import inline

OFF = {'useCache': False, 'populateCache': False}
STATEMENTS = (
    'SELECT COUNT(*), SUM(n), MIN(n), MAX(n), AVG(n) FROM parts',
    'SELECT k, COUNT(*), SUM(n), MAX(k), COUNT(DISTINCT n) FROM parts GROUP BY k ORDER BY 1',
    "SELECT k, n / 7, SUM(n) FILTER (WHERE n > 30), MIN(k) FILTER (WHERE k <> 'a') FROM parts WHERE n <> 5 GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT TIME_FLOOR(__time, 'PT1H'), SUM(n), VAR_POP(n), SUM(n * 0.5) FROM parts GROUP BY 1",
    "SELECT CASE WHEN n > 10 THEN UPPER(k) END, APPROX_COUNT_DISTINCT_DS_HLL(n), APPROX_COUNT_DISTINCT_DS_THETA(k) FROM parts GROUP BY 1",
    'SELECT k, EARLIEST(n), LATEST(n), ANY_VALUE(n), EARLIEST(k, 10), LATEST(n) FILTER (WHERE n > 20) FROM parts GROUP BY k ORDER BY 1',
    'SELECT EARLIEST_BY(k, MILLIS_TO_TIMESTAMP(n)), LATEST_BY(n, MILLIS_TO_TIMESTAMP(n % 7)), ANY_VALUE(k) FROM parts',
    'SELECT a, COUNT(*) FROM (SELECT k AS a, SUM(n) AS s FROM parts GROUP BY k, n) WHERE s > 3 GROUP BY a',
    "SELECT COUNT(*), SUM(n) FROM parts WHERE k IN ('a', 'c', 'zz') OR k IS NULL",
)
WINDOW = "SELECT k, SUM(n), COUNT(*) FROM parts WHERE __time >= TIMESTAMP '2024-01-%02d 06:00:00' AND __time < TIMESTAMP '2024-01-%02d 00:00:00' GROUP BY k"


def day(number):
    lines = []
    for i in range(200):
        k = '' if i % 5 == 0 else ',"k":"%s"' % 'abcd'[(i * number) % 4]
        lines.append('{"t":"2024-01-%02dT%02d:00:00Z","n":%d%s}' % (number, i % 24, (i * number) % 61, k))
    return lines


def append(server, number):
    spec = inline('parts', day(number), appendToExisting=True)
    spec['spec']['dataSchema']['granularitySpec']['segmentGranularity'] = 'DAY'
    server.ingest(spec)
    server.wait_table('parts')


def ask(server, statement, **context):
    status, _, answer = server.post('/druid/v2/sql', {'query': statement, 'resultFormat': 'array',
                                                      'context': dict({'useResultLevelCache': False}, **context)})
    same(status, 200)
    return json.loads(answer)


def counts(server):
    return metric(server, 'ovate_state_hits_total'), metric(server, 'ovate_state_misses_total')


def found(server, statement, **context):
    """The answer, which is also that of a run without kept states; how many segments were found, and how many not."""
    before = counts(server)
    answer = ask(server, statement, **context)
    after = counts(server)
    same(answer, ask(server, statement, **OFF))
    same(counts(server), after)
    return answer, after[0] - before[0], after[1] - before[1]


def segments_come(server):
    for number in (1, 2, 3):
        append(server, number)
    for statement in STATEMENTS:
        same(found(server, statement)[1:], (0, 3))
        same(found(server, statement)[1:], (3, 0))
    append(server, 4)
    for statement in STATEMENTS:
        same(found(server, statement)[1:], (3, 1))
        same(found(server, statement)[1:], (4, 0))
    native = {'queryType': 'groupBy', 'dataSource': 'parts', 'intervals': '2024/2025', 'granularity': 'all', 'dimensions': ['k'],
              'aggregations': [{'type': 'longSum', 'name': 's', 'fieldName': 'n'}], 'context': {'useResultLevelCache': False}}
    before, first = counts(server), server.post('/druid/v2', native)[2]
    same(server.post('/druid/v2', native)[2], first)
    check(counts(server)[0] >= before[0] + 4, 'a native query found nothing')


def windows_slide(server):
    same(found(server, WINDOW % (1, 4))[1:], (0, 3))
    same(found(server, WINDOW % (1, 4))[1:], (3, 0))
    same(found(server, WINDOW % (1, 5))[1:], (3, 1))
    same(found(server, WINDOW % (2, 5))[1:], (2, 1))  # the first day is another part of its segment now


def what_is_asked_is_told_apart(server):
    forms = ['SELECT k, %s FROM parts WHERE %s GROUP BY k' % (value, where)
             for value in ('SUM(n)', 'SUM(n + 1)', 'SUM(n) FILTER (WHERE n > 3)', 'MAX(n)', 'COUNT(n)', 'SUM(n / 2.0)')
             for where in ('n > 1', 'n > 2', 'n >= 2', "k <> 'a'", "k <> 'b'", 'n IN (1, 2)', 'n IN (1, 3)', "k IN ('a', 'bc')",
                           "k IN ('ab', 'c')")]
    for _ in range(2):
        for statement in forms:
            found(server, statement)
    zones = [{'sqlTimeZone': zone} for zone in ('UTC', 'Asia/Kolkata', 'America/Los_Angeles')]
    statement = "SELECT EXTRACT(HOUR FROM __time), COUNT(*) FROM parts WHERE n > 20 GROUP BY 1"
    answers = [ask(server, statement, **zone) for zone in zones]
    for zone, answer in zip(zones, answers):
        same(ask(server, statement, **zone), answer)
        same(ask(server, statement, **zone, **OFF), answer)
    for to in ('one', 'two'):
        server.post('/druid/coordinator/v1/lookups/config', {'__default': {'parts': {
            'version': to, 'lookupExtractorFactory': {'type': 'map', 'map': {'a': to}}}}})
        for _ in range(2):
            check(to in [row[0] for row in found(server, "SELECT LOOKUP(k, 'parts'), COUNT(*) FROM parts GROUP BY 1")[0]], to)


JOINS = (
    'SELECT c.name, COUNT(*), SUM(p.n), SUM(p.n * 0.5) FROM parts p JOIN parts_names c ON p.k = c.k GROUP BY 1 ORDER BY 1',
    'SELECT c.name, COUNT(*), MAX(c.weight) FROM parts p LEFT JOIN parts_names c ON p.k = c.k AND c.weight > 1 GROUP BY 1 ORDER BY 1',
    "SELECT p.n % 3, COUNT(*) FROM parts p JOIN parts_names c ON p.k = c.k AND p.n > c.weight WHERE c.name <> 'first' GROUP BY 1 ORDER BY 1",
    'SELECT COUNT(*), SUM(n) FROM parts WHERE k IN (SELECT k FROM parts_names WHERE weight > 1)',
    'SELECT COUNT(*), SUM(n) FROM parts WHERE k NOT IN (SELECT k FROM parts_names WHERE weight > 1)',
    'SELECT d.name, c.weight, COUNT(*) FROM parts p JOIN parts_names c ON p.k = c.k JOIN parts_names d ON d.weight = c.weight + 1 GROUP BY 1, 2 ORDER BY 1',
    'SELECT g.most, COUNT(*) FROM parts p JOIN (SELECT k, MAX(weight) AS most FROM parts_names GROUP BY k) g ON p.k = g.k GROUP BY 1 ORDER BY 1',
    "SELECT v.x, SUM(p.n) FROM parts p JOIN (VALUES ('a', 7), ('b', 8)) AS v (k, x) ON p.k = v.k GROUP BY 1 ORDER BY 1",
)


def append_names(server, *rows):
    spec = inline('parts_names', ['{"t":"2020-01-01","k":"%s","name":"%s","weight":%d}' % r for r in rows], appendToExisting=True)
    spec['spec']['dataSchema']['dimensionsSpec'] = {'dimensions': ['k', 'name', {'type': 'long', 'name': 'weight'}]}
    server.ingest(spec)
    server.wait_table('parts_names')


def joins(server):
    """What a segment gives above a join is another thing as soon as the other side is another."""
    append_names(server, ('a', 'first', 1), ('b', 'second', 2), ('zz', 'none', 3))

    def comes_again(statement, own):
        """The grouping above the join finds nothing, the one below it `own` segments; then all is found that has rows."""
        answer, hits, misses = found(server, statement)
        check(hits == own and misses >= 4, '%d, %d: %s' % (hits, misses, statement))
        _, hits, misses = found(server, statement)
        check(hits >= 2 and misses <= 2, '%d, %d: %s' % (hits, misses, statement))
        return answer
    for statement in JOINS:
        comes_again(statement, 0)
    for other in ('c.weight > 2', 'c.weight >= 1'):  # another condition is another join
        same(found(server, JOINS[1].replace('c.weight > 1', other))[1:], (0, 4))
    first = [ask(server, s) for s in JOINS]
    append_names(server, ('a', 'again', 2), ('c', 'third', 3))
    for statement, before in zip(JOINS[:-1], first):
        check(comes_again(statement, 'most' in statement) != before, statement)
    same(found(server, JOINS[-1])[1:], (4, 0))


def the_context_decides(server):
    for number, no in enumerate(({'useCache': False}, {'useCache': 'false'})):
        statement = 'SELECT COUNT(*) + %d, MAX(n) FROM parts' % number
        for _ in range(2):
            same(found(server, statement, **no)[1:], (0, 0))
    for number, no in enumerate(({'populateCache': False}, {'populateCache': 'false'})):
        statement = 'SELECT MAX(n + %d) FROM parts' % number
        for _ in range(2):
            same(found(server, statement, **no)[1:], (0, 4))


def what_is_not_kept(server):
    for statement in ('SELECT k, ARRAY_AGG(n) FROM parts GROUP BY k', 'SELECT STRING_AGG(k, \',\') FROM parts', 'SELECT COUNT(*) FROM sys.segments',
                      'SELECT p.k, COUNT(*) FROM parts p FULL JOIN parts q ON p.n = q.n AND q.n > 5 GROUP BY 1',
                      'SELECT q.k, ANY_VALUE(p.n) FROM parts p JOIN parts q ON p.n = q.n GROUP BY 1'):
        for _ in range(2):
            before = counts(server)
            ask(server, statement)
            same(counts(server), before)
    server.post('/v1/push/parts', {'t': '2024-01-01T00:00:00Z', '__time': '2024-01-01T00:00:00Z', 'k': 'a', 'n': 1})
    for statement in STATEMENTS:
        found(server, statement)  # what types columns have may be another thing now
        same(found(server, statement)[1:], (4, 0))


def stopped_half_way(server):
    for number in range(20):
        statement = 'SELECT k, n, COUNT(*), SUM(n + %d) FROM parts GROUP BY 1, 2 ORDER BY 1, 2' % number
        server.post('/druid/v2/sql', {'query': statement, 'context': {'timeout': 1}})
        found(server, statement)
        found(server, statement)


def from_disk(server):
    with Server(env={'OVATE_TEST_KEEP_STATES': '1', 'OVATE_TEST_SPILL_ROWS': '1'}) as other:
        for number in (1, 2, 3):
            append(other, number)
        append_names(other, ('a', 'first', 1), ('b', 'second', 2), ('a', 'again', 2))
        for _ in range(2):
            for statement in STATEMENTS + JOINS:
                found(other, statement)


def cases(server):
    parts = (segments_come, windows_slide, what_is_asked_is_told_apart, joins, the_context_decides, what_is_not_kept, stopped_half_way, from_disk)

    def all_parts():
        with Server(env={'OVATE_TEST_KEEP_STATES': '1'}) as own:
            for part in parts:
                try:
                    part(own)
                except Exception as trouble:
                    raise AssertionError('%s: %s' % (part.__name__.replace('_', ' '), trouble)) from trouble
    yield 'by segment', all_parts
