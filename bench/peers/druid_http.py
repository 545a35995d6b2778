"""Asking a server that speaks Druid's API over one kept connection, to the last byte; and a peer of such a server by its URL."""
import http.client
import json
import re
import socket
import time
import urllib.parse

from peers.asked import Asked

IDLE = 20  # seconds; servers close connections that were idle for long
CONTEXT = {'useApproximateCountDistinct': False, 'useApproximateTopN': False,
           'useCache': False, 'populateCache': False, 'useResultLevelCache': False, 'populateResultLevelCache': False}


class Link:
    """Hand-made framing: Python's HTTP client costs more than a small query."""

    def __init__(self, host, port):
        self.host, self.port = host, port
        self.connect()

    def connect(self):
        self.socket = socket.create_connection((self.host, self.port), timeout=600)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.used, self.buffer = time.monotonic(), bytearray()

    def close(self):
        self.socket.close()

    def _fill(self, least):
        """At least so many bytes in the buffer."""
        while len(self.buffer) < least:
            part = self.socket.recv(1 << 18)
            if not part:
                raise RuntimeError('the server closed the connection')
            self.buffer += part

    def _until(self, mark):
        """What comes before the mark; both leave the buffer."""
        while True:
            at = self.buffer.find(mark)
            if at >= 0:
                found = bytes(self.buffer[:at])
                del self.buffer[:at + len(mark)]
                return found
            self._fill(len(self.buffer) + 1)

    def _take(self, count):
        self._fill(count)
        taken = bytes(self.buffer[:count])
        del self.buffer[:count]
        return taken

    def post(self, path, body):
        """The body of the answer, to its last byte."""
        if time.monotonic() - self.used > IDLE:
            self.close()
            self.connect()
        self.socket.sendall(b'POST %s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n'
                            % (path.encode(), len(body)) + body)
        head = self._until(b'\r\n\r\n')
        size = re.search(rb'(?i)content-length:\s*(\d+)', head)
        if size:
            answer = self._take(int(size[1]))
        else:
            parts = []
            while True:
                count = int(self._until(b'\r\n').split(b';')[0], 16)
                if count == 0:
                    break
                parts.append(self._take(count))
                self._take(2)
            while self._until(b'\r\n'):  # trailers
                pass
            answer = b''.join(parts)
        self.used = time.monotonic()
        if not head.startswith(b'HTTP/1.1 200'):
            raise RuntimeError(answer[:600].decode('utf-8', 'replace'))
        return answer

    def json(self, path, body):
        return json.loads(self.post(path, body))

    @staticmethod
    def sql(sql, form):
        return '/druid/v2/sql', json.dumps({'query': sql, 'resultFormat': form, 'context': CONTEXT}).encode()

    def run(self, sql):
        return len(self.post(*self.sql(sql, 'csv')))

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
                                                                'context': CONTEXT}, timeout=900)
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
