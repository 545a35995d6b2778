"""HTTP/1.1 framing on raw sockets: keep-alive, chunks, limits, and requests that must be refused rather than guessed at."""
import json
import re
import threading
import time

from raw import Raw
from ovatetest import Server
from test_formats import check, same

SQL = b'{"query":"SELECT 1 AS x"}'
ROW = b'[{"x":1}]\n'


def post(body=SQL, head=b'', path=b'/druid/v2/sql'):
    return (b'POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n'
            % (path, len(body), head)) + body


def talk(server, data, want, body=None, ends=None):
    """Send bytes; the answer's status is one of `want`; `ends` says whether the connection must close after it."""
    with Raw(server.port) as raw:
        raw.send(data)
        status, headers, got, complete = raw.answer()
        check(status in want, 'want %s, got %d %r %r' % (want, status, headers, got[:200]))
        check(complete or status == 0, 'the answer is cut: %r' % got[:200])
        if body is not None:
            same(got, body)
        if ends:
            check(raw.closed_within(5), 'the connection stays open')
        return headers


def keep_alive(server):
    with Raw(server.port) as raw:
        for _ in range(5):
            raw.send(post())
            status, _, body, complete = raw.answer()
            same((status, body, complete), (200, ROW, True))


def pipelined(server):
    with Raw(server.port) as raw:
        raw.send(b'GET /status/health HTTP/1.1\r\nHost: x\r\n\r\n' + post() + post())
        same([raw.answer()[0] for _ in range(3)], [200, 200, 200])


def byte_by_byte(server):
    with Raw(server.port) as raw:
        for byte in post():
            raw.send(bytes([byte]))
        same(raw.answer()[2], ROW)


def chunked(server, parts, want, body=None):
    data = b''.join(parts)
    talk(server, b'POST /druid/v2/sql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
                 b'Transfer-Encoding: chunked\r\n\r\n' + data, want, body)


def head(first, *lines):
    return b'\r\n'.join((first,) + lines) + b'\r\n\r\n'


def unfinished_body_ends(server):
    """A body shorter than its length: the client leaves, the server goes on."""
    with Raw(server.port) as raw:
        raw.send(b'POST /druid/v2/sql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{')
    same(server.sql('SELECT 1 AS x')[1], [[1]])


LARGE = 'SELECT page, "user", country, big, noise, price FROM events ORDER BY noise'
# Twenty times as wide, so that no socket buffer holds the answer.
HUGE = 'SELECT %s FROM events' % ', '.join('page || \'%d\' AS p%d, noise + %d AS n%d' % (i, i, i, i) for i in range(20))


def slow_reader(server):
    """A client that does not read must not stop others; it gets every row once it reads."""
    with Raw(server.port, timeout=60) as raw:
        raw.send(post(json.dumps({'query': LARGE, 'resultFormat': 'array'}).encode()))
        time.sleep(1)
        same(server.sql('SELECT 1 AS x')[1], [[1]])
        status, _, body, complete = raw.answer()
        same((status, complete, len(json.loads(body))), (200, True, 40_000))


def running(server):
    """Queries that run now, by the server's own gauge."""
    text = server.request('GET', '/metrics')[2].decode()
    return int(float(re.search(r'^ovate_queries_running(?:{[^}]*})? (\S+)', text, re.M).group(1)))


def wait_idle(server, seconds=5):
    until = time.monotonic() + seconds
    while running(server) and time.monotonic() < until:
        time.sleep(0.02)
    same(running(server), 0)


def disconnect(server):
    """Fifty clients ask for much and leave at once; the server stays, answers, and ends their queries."""
    for _ in range(50):
        with Raw(server.port) as raw:
            raw.send(post(json.dumps({'query': LARGE}).encode()))
    same(server.sql('SELECT COUNT(*) FROM events')[1], [[40_000]])
    wait_idle(server)


def blocked_then_gone(server):
    """A query that waits for a client who does not read ends when that client leaves."""
    with Raw(server.port) as raw:
        raw.send(post(json.dumps({'query': HUGE}).encode()))
        time.sleep(0.5)
    wait_idle(server)


def cancelled(server):
    """DELETE ends a running query within moments; its answer is cut short, and that can be seen."""
    with Raw(server.port) as raw:
        raw.send(post(json.dumps({'query': HUGE, 'context': {'sqlQueryId': 'to-cancel'}}).encode()))
        time.sleep(0.5)
        same(server.request('DELETE', '/druid/v2/sql/to-cancel')[0], 202)
        status, _, body, complete = raw.answer()
        check(status != 200 or not complete or not body.endswith(b']\n'), 'the answer looks whole')
    wait_idle(server)
    same(server.request('DELETE', '/druid/v2/sql/to-cancel')[0], 404)


def many_at_once(server):
    answers = []

    def ask():
        with Raw(server.port) as raw:
            for _ in range(20):
                raw.send(post())
                answers.append(raw.answer()[2])
    threads = [threading.Thread(target=ask) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    same((len(answers), set(answers)), (640, {ROW}))


def cases(server):
    yield 'keep-alive', lambda: keep_alive(server)
    yield 'pipelined requests answer in order', lambda: pipelined(server)
    yield 'a request byte by byte', lambda: byte_by_byte(server)
    yield 'HTTP/1.0 closes', lambda: talk(server, b'GET /status/health HTTP/1.0\r\n\r\n', {200}, ends=True)
    yield 'Connection: close closes', lambda: talk(server, post(head=b'Connection: close\r\n'), {200}, ROW, ends=True)
    yield 'Expect: 100-continue', lambda: talk(server, post(head=b'Expect: 100-continue\r\n'), {200}, ROW)
    yield 'HEAD has no body', lambda: head_only(server)
    yield 'chunked body', lambda: chunked(server, [b'%x\r\n%s\r\n' % (len(SQL), SQL), b'0\r\n\r\n'], {200}, ROW)
    yield 'chunked body in small pieces', lambda: chunked(
        server, [b'1\r\n%c\r\n' % byte for byte in SQL] + [b'0\r\n\r\n'], {200}, ROW)
    yield 'chunk extension and trailer', lambda: chunked(
        server, [b'%x;a=b\r\n%s\r\n' % (len(SQL), SQL), b'0\r\nX-T: 1\r\n\r\n'], {200}, ROW)
    yield 'bad chunk size', lambda: chunked(server, [b'zz\r\n', SQL], {400})
    yield 'negative chunk size', lambda: chunked(server, [b'-5\r\n', SQL], {400})
    yield 'huge chunk size', lambda: chunked(server, [b'ffffffffffffffffff\r\n', SQL], {400, 413})
    # Ambiguous framing is how requests are smuggled past a proxy: refused, connection closed (RFC 9112, section 6).
    yield 'length and chunked together', lambda: talk(server, head(
        b'POST /druid/v2/sql HTTP/1.1', b'Host: x', b'Content-Length: 5', b'Transfer-Encoding: chunked') + b'0\r\n\r\n',
        {400}, ends=True)
    yield 'two different lengths', lambda: talk(server, head(
        b'POST /druid/v2/sql HTTP/1.1', b'Host: x', b'Content-Length: 5', b'Content-Length: 6') + b'123456', {400}, ends=True)
    yield 'length is no number', lambda: talk(server, head(
        b'POST /druid/v2/sql HTTP/1.1', b'Host: x', b'Content-Length: 5x') + b'12345', {400}, ends=True)
    yield 'length is negative', lambda: talk(server, head(
        b'POST /druid/v2/sql HTTP/1.1', b'Host: x', b'Content-Length: -1'), {400}, ends=True)
    yield 'length is absurd', lambda: talk(server, head(
        b'POST /druid/v2/sql HTTP/1.1', b'Host: x', b'Content-Length: 99999999999999999999'), {400, 413}, ends=True)
    yield 'length is over the limit', lambda: talk(server, head(
        b'POST /druid/v2/sql HTTP/1.1', b'Host: x', b'Content-Length: 99999999999'), {413}, ends=True)
    yield 'unknown transfer coding', lambda: talk(server, head(
        b'POST /druid/v2/sql HTTP/1.1', b'Host: x', b'Transfer-Encoding: gzip, chunked') + b'0\r\n\r\n', {400, 501}, ends=True)
    yield 'space before the colon', lambda: talk(server, head(
        b'GET /status/health HTTP/1.1', b'Host : x'), {400}, ends=True)
    yield 'folded header', lambda: talk(server, head(
        b'GET /status/health HTTP/1.1', b'Host: x', b'A: b', b' c'), {400}, ends=True)
    yield 'no Host', lambda: talk(server, head(b'GET /status/health HTTP/1.1', b'A: b'), {400}, ends=True)
    yield 'two Hosts', lambda: talk(server, head(b'GET /status/health HTTP/1.1', b'Host: a', b'Host: b'), {400}, ends=True)
    yield 'NUL in a header', lambda: talk(server, head(
        b'GET /status/health HTTP/1.1', b'Host: x', b'A: b\0c'), {400}, ends=True)
    yield 'bare LF line ends', lambda: talk(
        server, b'GET /status/health HTTP/1.1\nHost: x\n\n', {400}, ends=True)
    yield 'bad version', lambda: talk(server, head(b'GET / HTTP/9.9', b'Host: x'), {400, 505}, ends=True)
    yield 'no version', lambda: talk(server, b'GET /\r\n\r\n', {0, 400}, ends=True)
    yield 'noise', lambda: talk(server, bytes(range(256)) * 4 + b'\r\n\r\n', {0, 400}, ends=True)
    yield 'TLS hello on a plain port', lambda: talk(server, b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' + b'\0' * 64 + b'\r\n\r\n',
                                                    {0, 400}, ends=True)
    yield 'long request line', lambda: talk(server, b'GET /' + b'a' * 200_000 + b' HTTP/1.1\r\nHost: x\r\n\r\n',
                                            {0, 400, 414, 431}, ends=True)
    yield 'many headers', lambda: talk(server, head(
        b'GET /status/health HTTP/1.1', b'Host: x', *[b'H%d: v' % i for i in range(50_000)]), {0, 400, 431}, ends=True)
    yield 'percent signs in the path', lambda: talk(server, head(b'GET /%zz%00/../.. HTTP/1.1', b'Host: x'), {400, 404})
    yield 'unfinished body', lambda: unfinished_body_ends(server)
    yield 'a page of another site', lambda: talk(server, post(head=b'Sec-Fetch-Site: cross-site\r\n'), {403})
    yield 'a page of another site, older browsers', lambda: talk(server, post(head=b'Origin: http://evil.example\r\n'), {403})
    yield 'a page of its own', lambda: talk(server, post(head=b'Sec-Fetch-Site: same-origin\r\n'), {200}, body=ROW)
    yield 'a name of the internet', lambda: talk(server, head(
        b'GET /status/health HTTP/1.1', b'Host: evil.example'), {403})
    yield 'more connections than files', few_files
    yield 'slow reader', lambda: slow_reader(server)
    yield 'clients that leave', lambda: disconnect(server)
    yield 'a client that leaves without reading', lambda: blocked_then_gone(server)
    yield 'cancel by DELETE', lambda: cancelled(server)
    yield '32 clients at once', lambda: many_at_once(server)
    yield 'health', lambda: same(server.request('GET', '/status/health')[2].strip(), b'true')
    yield 'status', lambda: check('version' in server.get_json('/status'))
    yield 'metrics', lambda: check(b'ovate_' in server.request('GET', '/metrics')[2])

    yield 'stop with a request half sent', stop_half_sent


def few_files():
    """With few open files allowed fewer connections are taken; the others wait or are closed, and queries go on."""
    other = Server(prefix=['prlimit', '--nofile=64:64'])
    kept = [Raw(other.port, timeout=2) for _ in range(100)]
    time.sleep(0.5)
    for raw in kept:
        raw.__exit__()
    time.sleep(0.5)
    talk(other, post(), {200}, body=ROW)
    same(other.stop(), 0)
    other.close()


def stop_half_sent():
    """SIGTERM ends the server before anyone's patience does (containers are killed after 10 s)."""
    other = Server()
    with Raw(other.port) as raw:
        raw.send(post()[:-5])
        time.sleep(0.2)
        began = time.monotonic()
        same(other.stop(), 0)
        check(time.monotonic() - began < 10, 'stopped after %.1f s' % (time.monotonic() - began))
    check('msg="server stopping"' in other.log(), other.log()[-500:])
    other.close()


def head_only(server):
    with Raw(server.port) as raw:
        raw.send(b'HEAD /status/health HTTP/1.1\r\nHost: x\r\n\r\n')
        status, _, _, _ = raw.answer('HEAD')
        check(status in (200, 405), status)
        raw.send(b'GET /status/health HTTP/1.1\r\nHost: x\r\n\r\n')
        same(raw.answer()[0], 200)
