"""Answers as gzip: who gets them, that the bytes are those of the plain answer, ETags, HEAD, streams that are cut or abandoned."""
import gzip
import json
import time
import zlib

from raw import Raw

LONG = "SELECT \"user\", page, added FROM events WHERE country = 'KR' LIMIT 40"
MANY = 'SELECT __time, "user", page, added, price FROM events ORDER BY __time, "user", page, added, price'
ENDLESS = 'SELECT a.page, a."user", b.page AS other FROM events a CROSS JOIN events b'


def same(got, want):
    if got != want:
        raise AssertionError('got %.300r, want %.300r' % (got, want))


def sql(server, query, takes='gzip', **fields):
    headers = {'Content-Type': 'application/json'}
    if takes is not None:
        headers['Accept-Encoding'] = takes
    status, got, body = server.request('POST', '/druid/v2/sql', json.dumps(dict(query=query, **fields)).encode(), headers)
    same(status, 200)
    return got, body


def cases(server):
    plain = sql(server, LONG, None)[1]

    def a_whole_one():
        head, body = sql(server, LONG)
        same((head['content-encoding'], head['vary'], head['content-length']), ('gzip', 'Accept-Encoding', str(len(body))))
        same(gzip.decompress(body), plain)
        same(len(body) < len(plain), True)
    yield 'a whole answer', a_whole_one

    def small():
        head, body = sql(server, 'SELECT 1 AS x')
        same(('content-encoding' in head, body), (False, b'[{"x":1}]\n'))
    yield 'a small answer stays plain', small

    for takes, packed in (('gzip', 1), ('GZIP', 1), ('x-gzip', 1), ('deflate, gzip;q=0.5', 1), ('br, *;q=0.1', 1), ('gzip, deflate, br, zstd', 1),
                          ('identity', 0), ('', 0), ('gzip;q=0', 0), ('gzip; q=0.000', 0), ('deflate', 0), ('*;q=0', 0),
                          ('identity, gzip;q=0.2', 0), ('gzipp', 0), (None, 0)):
        def offered(takes=takes, packed=packed):
            head, body = sql(server, LONG, takes)
            same(head.get('content-encoding'), 'gzip' if packed else None)
            same(head['vary'], 'Accept-Encoding')
            same(gzip.decompress(body) if packed else body, plain)
        yield 'offered: %s' % takes, offered

    def a_stream():
        want = sql(server, MANY, None)[1]
        head, body = sql(server, MANY)
        same((head['content-encoding'], head['transfer-encoding']), ('gzip', 'chunked'))
        same(gzip.decompress(body) == want and len(want) > 1 << 20, True)
        same(len(body) < len(want) // 2, True)
    yield 'a stream', a_stream

    def again_from_the_loop():
        for _ in range(4):  # kept plans are answered there
            same(gzip.decompress(sql(server, LONG)[1]), plain)
    yield 'statements that come again', again_from_the_loop

    def native():
        query = json.dumps({'queryType': 'scan', 'dataSource': 'events', 'limit': 50, 'columns': ['page', 'user'],
                            'intervals': '1000/3000'}).encode()
        ask = lambda **headers: server.request('POST', '/druid/v2', query, dict({'Content-Type': 'application/json'}, **headers))
        head, body = ask()[1:]
        packed_head, packed = ask(**{'Accept-Encoding': 'gzip'})[1:]
        same(gzip.decompress(packed), body)
        same(packed_head['etag'], head['etag'][:-1] + '--gzip"')
        for tag in (head['etag'], packed_head['etag']):
            for takes in ('gzip', 'identity'):
                status, got, body = ask(**{'Accept-Encoding': takes, 'If-None-Match': tag})
                same((status, body, 'content-encoding' in got), (304, b'', False))
    yield 'native queries and ETags', native

    def head():
        with Raw(server.port) as link:
            for method in ('GET', 'HEAD'):
                link.send('%s /druid/coordinator/v1/metadata/segments HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n' % method)
                status, got, body, complete = link.answer(method)
                if method == 'GET':
                    first = got
                same((status, complete, got['content-encoding'], got['content-length']), (200, True, 'gzip', first['content-length']))
    yield 'HEAD', head

    def http_1_0():
        with Raw(server.port) as link:
            text = json.dumps({'query': MANY})
            link.send('POST /druid/v2/sql HTTP/1.0\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s'
                      % (len(text), text))
            status, got, body, _ = link.answer()
            same((status, got['content-encoding'], 'transfer-encoding' in got), (200, 'gzip', False))
            same(gzip.decompress(body), sql(server, MANY, None)[1])
    yield 'HTTP/1.0', http_1_0

    def begin_endless(link, name):
        text = json.dumps({'query': ENDLESS, 'resultFormat': 'csv', 'context': {'sqlQueryId': name}})
        link.send('POST /druid/v2/sql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\n'
                  'Content-Length: %d\r\n\r\n%s' % (len(text), text))
        status, got = link.head()
        same((status, got['content-encoding']), (200, 'gzip'))

    def pieces_can_be_read():
        with Raw(server.port) as link:
            begin_endless(link, 'gzip-pieces')
            unzip, text = zlib.decompressobj(31), b''
            while len(text) < 100_000:  # long before its end, which is never
                size = int(link.until(b'\r\n'), 16)
                text += unzip.decompress(link.exactly(size + 2)[:-2])
            same(text.count(b'\n') > 100, True)
    yield 'pieces can be read as they come', pieces_can_be_read

    def cancelled():
        with Raw(server.port) as link:
            begin_endless(link, 'gzip-cancelled')
            same(server.request('DELETE', '/druid/v2/sql/gzip-cancelled', b'', {})[0], 202)
            link.seen = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n' + link.seen
            body, complete = link.answer()[2:]
            unzip = zlib.decompressobj(31)
            unzip.decompress(body)
            same((complete, unzip.eof), (False, False))
    yield 'cancelled in the middle', cancelled

    def left():
        with Raw(server.port) as link:
            begin_endless(link, 'gzip-left')
        until = time.monotonic() + 20
        while time.monotonic() < until:
            running = json.loads(server.request('GET', '/druid/v2/sql/queries', b'', {})[2])['queries']
            if not any('gzip-left' in json.dumps(q) for q in running):
                return
            time.sleep(0.05)
        raise AssertionError('still running')
    yield 'a client that leaves', left
