"""The sampler as the console's load-data steps and people use it: rows as read, as stored, and why not."""
import gzip
import http.server
import json
import os
import tempfile
import threading

from test_formats import check, same

PATH = '/druid/indexer/v1/sampler'
LINES = ('{"t":"2020-01-01","a":"x","n":{"y":[1,2]},"m":["q","p"],"f":1.5}\n'
         'not json\n'
         '{"t":"bad","a":"y"}\n'
         '{"t":"2020-01-02","z":null,"a":7}\n')
NO_TIME = {'column': '!!!_no_such_column_!!!', 'missingValue': '1970-01-01T00:00:00Z'}


def spec(source, form, time=None, rows=100, **schema):
    if isinstance(source, str):
        source = {'type': 'inline', 'data': source}
    return {'type': 'index_parallel', 'samplerConfig': {'numRows': rows, 'timeoutMs': 15000}, 'spec': {
        'type': 'index_parallel', 'tuningConfig': {'type': 'index_parallel'},
        'ioConfig': {'type': 'index_parallel', 'inputSource': source, 'inputFormat': form},
        'dataSchema': dict({'dataSource': 'sample', 'timestampSpec': time or {'column': 't', 'format': 'iso'}, 'dimensionsSpec': {},
                            'granularitySpec': {'rollup': False}}, **schema)}}


def sample(server, *args, **more):
    status, _, answer = server.post(PATH + '?for=test', spec(*args, **more))
    same((status, answer[:300] if status != 200 else b''), (200, b''))
    return json.loads(answer)


def raw_lines(server):
    """Connect: the text as it is, one column."""
    for form, name in (({'type': 'regex', 'pattern': '([\\s\\S]*)', 'listDelimiter': '56616469-6de2', 'columns': ['raw']}, 'raw'),
                       ({'type': 'lines'}, 'line')):
        got = sample(server, LINES, form, NO_TIME)
        same((got['numRowsRead'], got['numRowsIndexed']), (4, 4))
        same([row['input'][name] for row in got['data']], LINES.splitlines())
        same([row['parsed'] for row in got['data']], [{'__time': 0, name: line} for line in LINES.splitlines()])
    same(server.post(PATH, spec('x', {'type': 'regex', 'pattern': '(a)(b)', 'columns': ['a', 'b']}))[0], 400)


def rows_and_errors(server):
    got = sample(server, LINES, {'type': 'json'}, dimensionsSpec={'dimensions': ['a', {'type': 'float', 'name': 'f'}]})
    same((got['numRowsRead'], got['numRowsIndexed']), (4, 2))
    first, broken, untimed, last = got['data']
    same(first, {'input': {'a': 'x', 't': '2020-01-01', 'f': 1.5, 'n': {'y': [1, 2]}, 'm': ['q', 'p']},
                 'parsed': {'__time': 1577836800000, 'a': 'x', 'f': 1.5}})
    same((broken['unparseable'], 'input' in broken, 'parsed' in broken), (True, False, False))
    check('Line: 2' in broken['error'], broken)
    same((untimed['unparseable'], untimed['input']), (True, {'a': 'y', 't': 'bad'}))
    check('bad' in untimed['error'] and 'Line: 3' in untimed['error'], untimed)
    same(last['parsed'], {'__time': 1577923200000, 'a': '7', 'f': None})
    same(got['logicalSegmentSchema'], [{'name': '__time', 'type': 'LONG'}, {'name': 'a', 'type': 'STRING'}, {'name': 'f', 'type': 'FLOAT'}])
    same(got['logicalDimensions'],
         [{'type': 'string', 'name': 'a', 'multiValueHandling': 'SORTED_ARRAY', 'createBitmapIndex': True},
          {'type': 'float', 'name': 'f', 'multiValueHandling': 'SORTED_ARRAY', 'createBitmapIndex': False}])
    same(got['physicalDimensions'], got['logicalDimensions'])


def discovery(server):
    got = sample(server, LINES, {'type': 'json'}, NO_TIME)
    same([d['name'] for d in got['logicalDimensions']], ['t', 'a', 'm', 'f'])
    same(got['data'][0]['parsed']['m'], ['p', 'q'])
    typed = sample(server, LINES, {'type': 'json', 'keepNullColumns': True}, dimensionsSpec={'useSchemaDiscovery': True})
    same({c['name']: c['type'] for c in typed['logicalSegmentSchema']},
         {'__time': 'LONG', 'a': 'STRING', 'n': 'COMPLEX<json>', 'm': 'ARRAY<STRING>', 'f': 'DOUBLE', 'z': 'STRING'})
    same(typed['data'][0]['parsed'], {'__time': 1577836800000, 'a': 'x', 'n': {'y': [1, 2]}, 'm': ['q', 'p'], 'f': 1.5, 'z': None})
    same({d['type'] for d in typed['physicalDimensions']}, {'auto'})


def transforms(server):
    got = sample(server, LINES, {'type': 'json'}, NO_TIME, dimensionsSpec={'dimensions': ['a', 'b']},
                 transformSpec={'transforms': [{'type': 'expression', 'name': 'b', 'expression': "concat(a, '!')"}],
                                'filter': {'type': 'selector', 'dimension': 'a', 'value': 'x'}},
                 metricsSpec=[{'type': 'count', 'name': 'n'}, {'type': 'doubleSum', 'name': 's', 'fieldName': 'f'}])
    same((got['numRowsRead'], got['numRowsIndexed']), (4, 1))
    same(got['data'][0]['parsed'], {'__time': 0, 'a': 'x', 'b': 'x!', 'n': 1, 's': 1.5})
    same([sorted(row) for row in got['data'][2:]], [['input'], ['input']])  # filtered: neither stored nor at fault


def rows_sent_again(server):
    """Later steps send the rows of an earlier one as inline JSON; they come back the same."""
    first = sample(server, 't,a,b\n2020-01-01,"x, y",3\n2021,,\n', {'type': 'csv', 'findColumnsFromHeader': True})
    same([row['input'] for row in first['data']], [{'t': '2020-01-01', 'a': 'x, y', 'b': '3'}, {'t': '2021', 'a': None, 'b': None}])
    again = sample(server, '\n'.join(json.dumps(row['input']) for row in first['data']), {'type': 'json', 'keepNullColumns': True})
    same([row['input'] for row in again['data']], [row['input'] for row in first['data']])


def limits(server):
    lines = ''.join('{"t":%d,"i":%d}\n' % (i, i) for i in range(7000))
    for rows, want in ((0, 0), (1, 1), (500, 500), (9999, 5000)):
        got = sample(server, lines, {'type': 'json'}, {'column': 't', 'format': 'millis'}, rows=rows)
        same((got['numRowsRead'], len(got['data'])), (want, want))
        if want:
            same(got['data'][-1]['parsed'], {'__time': want - 1, 'i': str(want - 1)})


def files(server):
    with tempfile.TemporaryDirectory() as folder:
        with gzip.open(os.path.join(folder, 'a.json.gz'), 'wt') as out:
            out.write(LINES)
        with open(os.path.join(folder, 'b.json'), 'w', encoding='utf-8') as out:
            out.write('{"t":"2022","a":"second file"}\nbroken')
        got = sample(server, {'type': 'local', 'baseDir': folder, 'filter': '*.json*'}, {'type': 'json'})
        same((got['numRowsRead'], got['data'][4]['parsed']['a']), (6, 'second file'))
        check('Line: 2' in got['data'][5]['error'], got['data'][5])
        status, _, answer = server.post(PATH, spec({'type': 'local', 'baseDir': folder, 'filter': '*.csv'}, {'type': 'json'}))
        same(status, 400)
        check(json.loads(answer)['error'], answer)


def web(server):
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header('Content-Length', str(len(LINES)))
            self.end_headers()
            self.wfile.write(LINES.encode())

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), Page) as pages:
        threading.Thread(target=pages.serve_forever, daemon=True).start()
        uri = 'http://127.0.0.1:%d/rows.json' % pages.server_address[1]
        same(sample(server, {'type': 'http', 'uris': [uri]}, {'type': 'json'})['numRowsIndexed'], 2)
        pages.shutdown()
    check(not [f for f in os.listdir(os.path.join(server.data, 'tmp')) if f.endswith('.in')], 'a transfer was left behind')


def refusals(server):
    for body in ([], 'x', {}, {'type': 'kafka', 'spec': {}}, {'type': 'index', 'spec': {}}, spec('x', {'type': 'orc'}),
                 spec('x', {'type': 'csv'}), dict(spec('x', {'type': 'json'}), samplerConfig={'numRows': 'many'}),
                 dict(spec('x', {'type': 'json'}), samplerConfig=[]), spec({'type': 'inline'}, {'type': 'json'})):
        status, _, answer = server.post(PATH, body)
        same(status, 400)
        check(json.loads(answer)['error'], answer)
    same(server.request('POST', PATH, '')[0], 400)
    same(sample(server, '', {'type': 'json'})['data'], [])


def cases(server):
    for part in (raw_lines, rows_and_errors, discovery, transforms, rows_sent_again, limits, files, web, refusals):
        yield part.__name__.replace('_', ' '), lambda part=part: part(server)
