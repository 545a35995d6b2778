"""Ovate as a user runs it: rows through `ovate ingest run`, queries over one kept HTTP connection."""
import json
import os
import signal
import socket
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
IDLE = 20  # seconds; a server closes connections that were idle for a minute
CONTEXT = {'useApproximateCountDistinct': False, 'useApproximateTopN': False,
           'useCache': False, 'populateCache': False, 'useResultLevelCache': False, 'populateResultLevelCache': False}


def bytes_below(path):
    """Size of a file, or of all files of a folder."""
    if os.path.isfile(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(where, name)) for where, _, names in os.walk(path) for name in names)


class Ovate:
    name, dialect = 'Ovate', 'ovate'

    def __init__(self, binary, folder):
        self.binary, self.data = binary, os.path.join(folder, 'ovate')
        self.path = os.path.join(self.data, 'segments')
        self.version = subprocess.run([binary, '--version'], capture_output=True, text=True, check=False).stdout.strip()
        self.settings = 'defaults; rows in time order; HTTP on 127.0.0.1, one kept connection, result caches off'
        self.process = self.link = None

    def load(self, tables):
        """What `ovate ingest run` took for all tables; {} when an earlier run left them."""
        if os.path.exists(self.data + '.loaded'):
            return {}
        seconds, cpu, peak = {}, 0, 0
        for table in tables:
            path = os.path.join(os.path.dirname(self.data), 'ovate-%s.json' % table.name)
            with open(path, 'w', encoding='utf-8') as file:
                json.dump(table.druid_spec(), file, indent=1)
            start = time.perf_counter()
            process = subprocess.Popen([self.binary, 'ingest', 'run', path, '--data', self.data], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            words = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            if status:
                raise SystemExit('ovate ingest run failed:\n' + words)
            seconds[table.name] = time.perf_counter() - start
            cpu, peak = cpu + usage.ru_utime + usage.ru_stime, max(peak, usage.ru_maxrss / 1024)
        with open(self.data + '.loaded', 'w', encoding='utf-8'):
            return {'seconds': sum(seconds.values()), 'tables': seconds, 'cpu': cpu, 'peak_mb': peak}

    def start(self):
        with socket.socket() as probe:
            probe.bind(('127.0.0.1', 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen([self.binary, 'server', '--data', self.data, '--port', str(self.port), '--result-cache', '0',
                                         '--segment-cache', '0'],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 60
        while time.monotonic() < until and self.process.poll() is None:
            try:
                return self._connect()
            except OSError:
                time.sleep(0.01)
        raise SystemExit('ovate server did not start')

    def _connect(self):
        self.link = socket.create_connection(('127.0.0.1', self.port), timeout=600)
        self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.used = time.monotonic()

    def memory(self):
        """Megabytes resident now and at most since the start."""
        with open('/proc/%d/status' % self.process.pid, encoding='utf-8') as file:
            lines = dict(line.split(':', 1) for line in file)
        return {'now_mb': int(lines['VmRSS'].split()[0]) / 1024, 'peak_mb': int(lines['VmHWM'].split()[0]) / 1024}

    def stop(self):
        if not self.process:
            return
        self.link.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def _more(self):
        part = self.link.recv(1 << 18)
        if not part:
            raise SystemExit('the server closed the connection')
        return part

    def _ask(self, sql, form):
        """The body of one answer, to its last byte. Hand-made framing: Python's HTTP client costs more than the query."""
        if time.monotonic() - self.used > IDLE:
            self.link.close()
            self._connect()
        body = json.dumps({'query': sql, 'resultFormat': form, 'context': CONTEXT}).encode()
        self.link.sendall(b'POST /druid/v2/sql HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n'
                          b'Content-Length: %d\r\n\r\n' % len(body) + body)
        seen = b''
        while b'\r\n\r\n' not in seen:
            seen += self._more()
        head, _, rest = seen.partition(b'\r\n\r\n')
        parts, length = [rest], len(rest)
        low = head.lower()
        if b'content-length:' in low:
            size = int(low.split(b'content-length:')[1].split(b'\r\n')[0])
            while length < size:
                parts.append(self._more())
                length += len(parts[-1])
            answer = b''.join(parts)
        else:
            tail = rest[-7:]
            while not tail.endswith(b'\r\n0\r\n\r\n') and not (length == 5 and tail == b'0\r\n\r\n'):
                parts.append(self._more())
                length += len(parts[-1])
                tail = (tail + parts[-1])[-7:]
            answer = b''.join(parts)
        self.used = time.monotonic()
        if not head.startswith(b'HTTP/1.1 200'):
            raise RuntimeError(answer[:600].decode('utf-8', 'replace'))
        return answer, b'chunked' in low

    def run(self, sql):
        return len(self._ask(sql, 'csv')[0])

    def rows(self, sql):
        answer, chunked = self._ask(sql, 'array')
        if chunked:
            body, at = [], 0
            while True:
                end = answer.index(b'\r\n', at)
                size = int(answer[at:end], 16)
                if size == 0:
                    break
                body.append(answer[end + 2:end + 2 + size])
                at = end + 2 + size + 2
            answer = b''.join(body)
        return json.loads(answer)
