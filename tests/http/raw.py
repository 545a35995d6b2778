"""A socket that says exactly what it is told: HTTP as no library would send it."""
import re
import socket
import time


class Raw:
    def __init__(self, port, timeout=20):
        self.link = socket.create_connection(('127.0.0.1', port), timeout=timeout)
        self.seen = b''

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.link.close()

    def send(self, data):
        self.link.sendall(data.encode() if isinstance(data, str) else data)

    def _more(self):
        try:
            part = self.link.recv(65536)
        except ConnectionResetError:
            part = b''
        self.seen += part
        return bool(part)

    def until(self, mark):
        """Bytes up to and with `mark`; shorter when the peer closed."""
        while mark not in self.seen and self._more():
            pass
        at = self.seen.find(mark)
        at = len(self.seen) if at < 0 else at + len(mark)
        taken, self.seen = self.seen[:at], self.seen[at:]
        return taken

    def exactly(self, count):
        while len(self.seen) < count and self._more():
            pass
        taken, self.seen = self.seen[:count], self.seen[count:]
        return taken

    def head(self):
        """(status, headers) of the next answer; status 0 when the peer closed instead."""
        lines = self.until(b'\r\n\r\n').decode('latin-1').split('\r\n')
        found = re.match(r'HTTP/1\.[01] (\d{3})', lines[0])
        if not found:
            return 0, {}
        return int(found.group(1)), {k.strip().lower(): v.strip() for k, _, v in (x.partition(':') for x in lines[1:] if x)}

    def answer(self, method='GET'):
        """(status, headers, body, complete) of the next answer, framed as its headers say."""
        status, headers = self.head()
        while status == 100:
            status, headers = self.head()
        if status in (0, 204, 304) or method == 'HEAD':
            return status, headers, b'', status != 0
        if headers.get('transfer-encoding', '').lower() == 'chunked':
            body = b''
            while True:
                line = self.until(b'\r\n')
                size = int(line.split(b';')[0] or b'0', 16) if line.endswith(b'\r\n') else -1
                if size < 0:
                    return status, headers, body, False
                if size == 0:
                    while self.until(b'\r\n') not in (b'\r\n', b''):  # trailers
                        pass
                    return status, headers, body, True
                chunk = self.exactly(size + 2)
                body += chunk[:-2]
                if len(chunk) < size + 2:
                    return status, headers, body, False
        if 'content-length' in headers:
            size = int(headers['content-length'])
            body = self.exactly(size)
            return status, headers, body, len(body) == size
        return status, headers, self.rest(), True

    def rest(self):
        """Everything until the peer closes."""
        while self._more():
            pass
        taken, self.seen = self.seen, b''
        return taken

    def closed_within(self, seconds):
        """True when the peer ends the connection in that time."""
        self.link.settimeout(seconds)
        until = time.monotonic() + seconds
        try:
            while time.monotonic() < until:
                if not self._more():
                    return True
        except TimeoutError:
            pass
        return False
