"""writeExceptionBodyAsResponseRow: an answer that fails on its way ends as JSON, its error the last row; without it the stream is cut."""
import http.client
import json

from test_formats import check, same
from test_native import ALL

SQL = "SELECT REPEAT('\\\"}]{[,:', 40) AS a, small AS z FROM events UNION ALL SELECT 'y', 1 / (CASE WHEN small IS NULL THEN 0 ELSE small - small END) FROM events"
WHOLE = {'dataSource': 'events', 'intervals': ALL, 'queryType': 'scan', 'columns': ['__time', 'v'], 'virtualColumns': [
    {'type': 'expression', 'name': 'v', 'expression': "repeat('\\\\\\\"}]{[,:', 40)", 'outputType': 'STRING'}]}
FAILS = dict(WHOLE, virtualColumns=[{'type': 'expression', 'name': 'v', 'expression': '1 / (__time - __time)', 'outputType': 'LONG'}])


def sql(server, form, asked, query=SQL):
    return server.post('/druid/v2/sql', {'query': query, 'resultFormat': form, 'header': True, 'context': {'writeExceptionBodyAsResponseRow': asked}})


def cut(server, ask):
    try:
        ask()
    except http.client.IncompleteRead:
        return
    check(False, 'the answer came to an end')


def of_arrays(server, form):
    status, _, body = sql(server, form, True)
    rows = json.loads(body)
    same((status, rows[-1]['errorCode'], '/ by zero' in rows[-1]['errorMessage']), (200, 'invalidInput', True))
    check(body.endswith(b']\n') and len(rows) > 1000, len(rows))
    width = {len(row) for row in rows[:-1]}
    same(width, {2})


def of_lines(server, form):
    rows = sql(server, form, 'true')[2].split(b'\n')
    same(rows[-2:], [b'', b''])
    same(json.loads(rows[-3])['errorCode'], 'invalidInput')
    for row in rows[:-3]:
        same(len(json.loads(row)), 2)


def native(server, form, path):
    body = {'queryType': 'union', 'queries': [dict(WHOLE, resultFormat=form), dict(FAILS, resultFormat=form)]}
    body['context'] = {'writeExceptionBodyAsResponseRow': 'true'}
    status, _, answer = server.post('/druid/v2' + path, body)
    elements = json.loads(answer)
    same((status, '/ by zero' in elements[-1]['errorMessage']), (200, True))
    check(all('events' in e for e in elements[:-1]), [list(e) for e in elements])
    body['context'] = {}
    cut(server, lambda: server.post('/druid/v2' + path, body))


def clean(server):
    """What fails before anything has left is an error as ever."""
    status, _, body = sql(server, 'array', True, 'SELECT 1 / (small - small) FROM events WHERE small IS NOT NULL')
    same((status, json.loads(body)['errorCode']), (400, 'invalidInput'))


def cases(server):
    for form in ('object', 'array'):
        yield 'error row: ' + form, lambda f=form: of_arrays(server, f)
    for form in ('objectLines', 'arrayLines'):
        yield 'error row: ' + form, lambda f=form: of_lines(server, f)
    yield 'error row: csv is cut', lambda: cut(server, lambda: sql(server, 'csv', True))
    for asked in (False, 'false', None):
        yield 'error row: not asked for, %r' % asked, lambda a=asked: cut(server, lambda: sql(server, 'object', a))
    for form in ('list', 'compactedList'):
        for path in ('', '?pretty'):
            yield 'error row: native %s %s' % (form, path), lambda f=form, p=path: native(server, f, p)
    yield 'error row: clean errors', lambda: clean(server)
