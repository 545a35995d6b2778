"""Asking a server that speaks Druid's API over one kept connection, to the last byte; and a peer of such a server by its URL."""
import http.client
import json
import re
import socket
import time
import urllib.parse

from peers.asked import Asked

IDLE = 20  # seconds; servers close connections that were idle for long
CACHES = 'useCache', 'populateCache', 'useResultLevelCache', 'populateResultLevelCache'
EXACT = {'useApproximateCountDistinct': False, 'useApproximateTopN': False}
UNCACHED, CACHED = ({**EXACT, **dict.fromkeys(CACHES, wanted)} for wanted in (False, True))


class Link:
    """Hand-made framing, and answers stay where they arrived: what Python's HTTP client does with them costs more than a small query."""

    def __init__(self, host, port, context=None):
        self.host, self.port, self.context, self.buffer = host, port, context or UNCACHED, bytearray(1 << 22)
        self.connect()

    def connect(self):
        self.socket = socket.create_connection((self.host, self.port), timeout=600)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.used, self.have = time.monotonic(), 0

    def close(self):
        self.socket.close()

    def _fill(self, least):
        """At least so many bytes in the buffer."""
        if least > len(self.buffer):
            self.buffer.extend(bytes(max(least, 2 * len(self.buffer)) - len(self.buffer)))
        with memoryview(self.buffer) as room:
            while self.have < least:
                count = self.socket.recv_into(room[self.have:])
                if not count:
                    raise RuntimeError('the server closed the connection')
                self.have += count

    def _behind(self, mark, start):
        """The place behind the next mark."""
        while True:
            at = self.buffer.find(mark, start, self.have)
            if at >= 0:
                return at + len(mark)
            self._fill(self.have + 1)

    def _ask(self, path, body):
        """Sends a request and waits for the last byte of its answer; the head and where in the buffer the parts of the body lie."""
        if time.monotonic() - self.used > IDLE:
            self.close()
            self.connect()
        self.have = 0
        self.socket.sendall(b'POST %s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n'
                            % (path.encode(), len(body)) + body)
        at = self._behind(b'\r\n\r\n', 0)
        head, parts = bytes(self.buffer[:at]), []
        size = re.search(rb'(?i)content-length:\s*(\d+)', head)
        if size:
            parts.append((at, at + int(size[1])))
            self._fill(parts[0][1])
        while not size:
            begin = self._behind(b'\r\n', at)
            count = int(bytes(self.buffer[at:begin]).split(b';')[0], 16)
            if count == 0:
                break
            parts.append((begin, begin + count))
            at = begin + count + 2
            self._fill(at)
        while not size:  # trailers
            at, begin = begin, self._behind(b'\r\n', begin)
            if begin == at + 2:
                break
        self.used = time.monotonic()
        return head, parts

    def post(self, path, body):
        """The body of the answer."""
        head, parts = self._ask(path, body)
        answer = b''.join(self.buffer[begin:end] for begin, end in parts)
        if not head.startswith(b'HTTP/1.1 200'):
            raise RuntimeError(answer[:600].decode('utf-8', 'replace'))
        return answer

    def size(self, path, body):
        """The length of the answer's body, all of which has arrived."""
        head, parts = self._ask(path, body)
        if not head.startswith(b'HTTP/1.1 200'):
            raise RuntimeError(bytes(self.buffer[:600]).decode('utf-8', 'replace'))
        return sum(end - begin for begin, end in parts)

    def json(self, path, body):
        return json.loads(self.post(path, body))

    def sql(self, sql, form):
        """Path and body of a query."""
        return '/druid/v2/sql', json.dumps({'query': sql, 'resultFormat': form, 'context': self.context}).encode()

    def run(self, sql):
        return self.size(*self.sql(sql, 'csv'))

    def rows(self, sql):
        return self.json(*self.sql(sql, 'array'))


def call(host, port, method, path, body=None, timeout=60):
    """(status, JSON or text) of a request off the measured path."""
    link = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        link.request(method, path, json.dumps(body) if body is not None else None, {'Content-Type': 'application/json'})
        answer = link.getresponse()
        text = answer.read().decode('utf-8', 'replace')
    finally:
        link.close()
    try:
        return answer.status, json.loads(text)
    except ValueError:
        return answer.status, text


def load_by_task(host, port, table, spec, patience=7200):
    """Hands an ingestion task to the server and waits until SQL counts all its rows; the seconds of the task until they are there."""
    start = time.perf_counter()
    status, answer = call(host, port, 'POST', '/druid/indexer/v1/task', spec)
    if status != 200:
        raise RuntimeError('the task for %s was refused: %s' % (table.name, str(answer)[:300]))
    while True:
        _, state = call(host, port, 'GET', '/druid/indexer/v1/task/%s/status' % answer['task'])
        word = state['status'].get('statusCode') or state['status'].get('status') if isinstance(state, dict) else 'UNKNOWN'
        if word == 'FAILED':
            raise RuntimeError('loading %s failed: %s' % (table.name, str(state['status'].get('errorMsg'))[:300]))
        if word == 'SUCCESS' and counted(host, port, table) == table.rows:
            return time.perf_counter() - start
        if time.perf_counter() - start > patience:
            raise RuntimeError('loading %s took more than %d s' % (table.name, patience))
        time.sleep(0.25)


def counted(host, port, table):
    status, answer = call(host, port, 'POST', '/druid/v2/sql', {'query': 'SELECT COUNT(*) FROM "%s"' % table.name, 'resultFormat': 'array',
                                                                'context': UNCACHED}, timeout=900)
    return answer[0][0] if status == 200 and answer else None


class ByUrl(Asked):
    """A server that runs already. Its tables are loaded through it unless they are there with as many rows."""
    dialect, path = 'druid', None

    def __init__(self, name, url):
        parts = urllib.parse.urlsplit(url if '//' in url else '//' + url)
        self.name, self.host, self.port, self.link = name, parts.hostname, parts.port or 8888, None
        self.settings = 'as it runs at %s:%d' % (self.host, self.port)
        status, answer = call(self.host, self.port, 'GET', '/status', timeout=10)
        self.version = str(answer.get('version', '?')) if status == 200 and isinstance(answer, dict) else '?'

    def load(self, tables):
        seconds = {table.name: load_by_task(self.host, self.port, table, table.druid_spec())
                   for table in tables if counted(self.host, self.port, table) != table.rows}
        return {'seconds': sum(seconds.values()), 'tables': seconds} if seconds else {}

    def start(self):
        self.link = Link(self.host, self.port)
