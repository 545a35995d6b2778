"""External data in FROM: what is read, which values come out, and what is refused."""
import gzip
import json
import os
import tempfile

from ovatetest import shared_folder
from test_formats import check, same
from test_insert import run

EXTERN = "TABLE(EXTERN('%s', '%s')) EXTEND (%s)"


def inline(lines, form, columns):
    source = json.dumps({'type': 'inline', 'data': '\n'.join(lines)}).replace("'", "''")
    return EXTERN % (source, json.dumps(form), columns)


def local(form, columns, **source):
    return EXTERN % (json.dumps(dict(source, type='local')), json.dumps(form), columns)


def formats(server):
    csv = ['a,b', '1,2', 'x,y', ',5', '"q,""r",7']
    table = inline(csv, {'type': 'csv', 'findColumnsFromHeader': True}, 'a VARCHAR, b BIGINT')
    same(server.sql('SELECT * FROM ' + table)[1], [['1', 2], ['x', None], [None, 5], ['q,"r', 7]])
    same(server.sql('SELECT b + 1 FROM %s WHERE a = \'1\'' % table)[1], [[3]])
    tsv = inline(['1|2.5', '3|4'], {'type': 'tsv', 'delimiter': '|', 'columns': ['a', 'b']}, 'b DOUBLE, a BIGINT')
    same(server.sql('SELECT * FROM ' + tsv)[1], [[2.5, 1], [4.0, 3]])
    rows = ['{"a":[1,2],"b":"q","o":{"x":["t"]}}', '{"b":5,"c":1.5}']
    table = inline(rows, {'type': 'json'}, "a BIGINT ARRAY, b VARCHAR, c FLOAT, o TYPE('COMPLEX<json>')")
    same(server.sql("SELECT ARRAY_TO_STRING(a, '-'), b, c, JSON_VALUE(o, '$.x[0]') FROM " + table)[1],
         [['1-2', 'q', None, 't'], [None, '5', 1.5, None]])
    flat = {'type': 'json', 'flattenSpec': {'fields': [{'type': 'path', 'name': 'f', 'expr': '$.o.x[0]'}]}}
    same(server.sql('SELECT f FROM ' + inline(rows, flat, 'f VARCHAR'))[1], [['t'], [None]])


def signature(server):
    query = """SELECT * FROM TABLE(EXTERN(inputFormat => '{"type":"json"}', inputSource => '{"type":"inline","data":"{\\"a\\":1}"}',
               signature => '[{"name":"a","type":"long"},{"name":"b","type":"ARRAY<STRING>"}]'))"""
    same(server.sql(query)[1], [[1, None]])


def functions(server):
    same(server.sql("SELECT x, y * 2 AS z FROM TABLE(INLINE(data => ARRAY['1,2', '3,4'], format => 'csv')) (x VARCHAR, y BIGINT) "
                    'WHERE y > 2')[1], [['3', 8]])
    with tempfile.TemporaryDirectory(prefix='ovate-extern-') as folder:
        for i in range(3):
            with gzip.open(os.path.join(folder, 'part%d.csv.gz' % i), 'wt') as file:
                file.write('n\n' + ''.join('%d\n' % (i * 1000 + k) for k in range(1000)))
        table = "TABLE(LOCALFILES(baseDir => '%s', filter => '*.gz', format => 'csv', skipRows => 1)) (n BIGINT)" % folder
        same(server.sql('SELECT COUNT(*), SUM(n), MIN(n) FROM ' + table)[1], [[3000, 4498500, 0]])
        same(server.sql('SELECT n FROM ' + table + ' LIMIT 3')[1], [[0], [1], [2]])
        listed = server.sql('SELECT SUM(n) FROM TABLE(LOCALFILES(files => ARRAY[?], format => \'csv\', skipRows => 1)) (n BIGINT)',
                            parameters=[{'type': 'VARCHAR', 'value': os.path.join(folder, 'part0.csv.gz')}])[1]
        same(listed, [[499500]])
        url = 'http://127.0.0.1:%d/status/selfDiscovered/status' % server.port
        same(server.sql("SELECT s FROM TABLE(HTTP(uris => ARRAY['%s'], format => 'json')) (s TYPE('COMPLEX<json>'))" % url)[1], [[None]])


def refuse(server, query, *words):
    status, _, answer = server.post('/druid/v2/sql', {'query': query})
    check(status >= 400, answer)
    for word in words:
        check(word in json.loads(answer)['errorMessage'], (word, answer))


def refusals(server):
    refuse(server, 'SELECT 1 FROM ' + local({'type': 'json'}, 'a VARCHAR', files=['/no/such/file']), '/no/such/file')
    refuse(server, 'SELECT a FROM ' + inline(['{"a":[1]}'], {'type': 'json'}, 'a VARCHAR'), 'inline:1', 'VARCHAR ARRAY')
    broken = inline(['{"a":1}', '{oops', '{"a":2}'], {'type': 'json'}, 'a BIGINT')
    refuse(server, 'SELECT a FROM ' + broken, 'maxParseExceptions is 0', 'inline:2')
    same(server.sql('SELECT a FROM ' + broken, {'maxParseExceptions': -1})[1], [[1], [2]])
    refuse(server, 'SELECT 1 FROM ' + EXTERN % ('{"type":"inlin"}', '{"type":"json"}', 'a VARCHAR'), "did you mean 'inline'")
    refuse(server, 'SELECT 1 FROM ' + EXTERN % ('{', '{"type":"json"}', 'a VARCHAR'), 'inputSource')
    refuse(server, """SELECT 1 FROM TABLE(EXTERN('{"type":"inline","data":""}', '{"type":"json"}'))""", 'needs columns')
    refuse(server, """SELECT 1 FROM TABLE(EXTERN('{"type":"inline","data":""}', '{"type":"json"}', '[{"name":"a","type":"long"}]')) EXTEND (a BIGINT)""",
           'not from both')
    refuse(server, "SELECT 1 FROM TABLE(INLINE(data => 'x')) (a VARCHAR)", 'needs its parameter format')
    refuse(server, "SELECT 1 FROM TABLE(INLINE(dota => 'x', format => 'csv')) (a VARCHAR)", 'no parameter')
    refuse(server, "SELECT 1 FROM TABLE(NOSUCH('x')) (a VARCHAR)", 'NOSUCH')


def real_rows(server):
    """REPLACE from EXTERN gives what a batch task gives."""
    try:
        shared = shared_folder('data/druid/wikiticker-2015-09-12-sampled.json.gz')
    except SystemExit:  # the other tests of this program go on
        return
    table = local({'type': 'json'}, '"time" VARCHAR, channel VARCHAR, page VARCHAR, added BIGINT',
                  files=[os.path.join(shared, 'data/druid/wikiticker-2015-09-12-sampled.json.gz')])
    run(server, 'REPLACE INTO wikix OVERWRITE ALL SELECT TIME_PARSE("time") AS __time, channel, page, added FROM %s '
                'PARTITIONED BY HOUR CLUSTERED BY channel' % table)
    same(server.sql('SELECT COUNT(*), SUM(added), COUNT(DISTINCT channel), MIN(__time), MAX(__time) FROM wikix')[1],
         [[39244, 9385573, 51, '2015-09-12T00:46:58.771Z', '2015-09-12T23:59:59.200Z']])
    same(server.sql('SELECT COUNT(*), SUM(added) FROM ' + table)[1], [[39244, 9385573]])


def cases(server):
    for function in (formats, signature, functions, refusals, real_rows):
        yield function.__name__.replace('_', ' '), lambda function=function: function(server)
