"""Servers on loopback that behave like the sources: paging, ETags, limits, 202, redirects, cut and slow bodies.

A Double answers from `handle(request)`; `faults` are tried first: each is a function that gets the request and returns an answer
or None, so a test scripts what goes wrong and when. Every request is kept in `seen`. Standard library only.
"""
import gzip
import hashlib
import http.server
import json
import threading
import time
import urllib.parse


class Request:
    def __init__(self, method, target, headers, number):
        parts = urllib.parse.urlsplit(target)
        self.method, self.target, self.headers, self.number = method, target, headers, number
        self.path = urllib.parse.unquote(parts.path)
        self.raw_path, self.raw_query = parts.path, parts.query
        self.query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))

    def header(self, name):
        return self.headers.get(name)


class Answer:
    """status, headers, body; cut: send only so many bytes of what Content-Length promises; pause: seconds before the body."""

    def __init__(self, status=200, body=b'', headers=None, cut=None, pause=0, encode=False):
        if not isinstance(body, (bytes, bytearray)):
            body = json.dumps(body).encode()
        self.status, self.body, self.headers, self.cut, self.pause = status, bytes(body), dict(headers or {}), cut, pause
        if encode:
            self.body = gzip.compress(self.body, mtime=0)
            self.headers['Content-Encoding'] = 'gzip'


class Double:
    def __init__(self):
        self.seen, self.faults, self.lock = [], [], threading.Lock()
        double = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'
            wbufsize = -1  # head and body in one packet: small ones would wait for the other side's acknowledgement

            def do_GET(self):
                with double.lock:
                    request = Request(self.command, self.path, self.headers, len(double.seen))
                    double.seen.append(request)
                    answer = None
                    for fault in double.faults:
                        answer = fault(request)
                        if answer:
                            break
                    answer = answer or double.handle(request)
                if answer.pause:
                    time.sleep(answer.pause)
                try:
                    self.send_response(answer.status)
                    for name, value in answer.headers.items():
                        self.send_header(name, value)
                    if answer.status not in (204, 304):
                        self.send_header('Content-Length', str(len(answer.body)))
                    self.end_headers()
                    if answer.status not in (204, 304):
                        self.wfile.write(answer.body if answer.cut is None else answer.body[:answer.cut])
                    if answer.cut is not None:
                        self.wfile.flush()
                        self.close_connection = True
                        self.connection.close()
                except OSError:
                    pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
                with double.lock:
                    double.take(body)
                self.do_GET()

            def log_message(self, *words):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request, client_address):
                pass

        self.server = Server(('127.0.0.1', 0), Handler)
        self.url = 'http://127.0.0.1:%d' % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.server.shutdown()
        self.server.server_close()

    def handle(self, request):
        return Answer(404, {'message': 'Not Found'})

    def take(self, body):
        """What was posted, before it is answered."""

    def count(self):
        with self.lock:
            return len(self.seen)

    def once(self, answer, when=lambda request: True, times=1):
        """Answer the next `times` requests that match so."""
        left = [times]

        def fault(request):
            if left[0] and when(request):
                left[0] -= 1
                return answer
            return None
        self.faults.append(fault)


def etag_of(body):
    return 'W/"%s"' % hashlib.sha256(body).hexdigest()[:32]


class GitHub(Double):
    """Repositories with issues; Link paging by id, ETags per token, a budget per token."""

    def __init__(self, budget=None):
        self.repos, self.budget, self.used = {}, budget, {}
        self.reset_after = 2
        super().__init__()

    def add_issues(self, repo, numbers, day='2024-03-01'):
        kept = self.repos.setdefault(repo, [])
        for n in numbers:
            kept.append({'id': 1000 + n, 'number': n, 'title': 'issue %d of %s' % (n, repo), 'state': 'open',
                         'user': {'login': 'user%d' % (n % 7), 'id': n % 7, 'type': 'Bot' if n % 7 == 3 else 'User'},
                         'labels': [{'name': 'bug'}, {'name': 'l%d' % (n % 3)}], 'assignees': [], 'comments': n % 5,
                         'created_at': '%sT%02d:%02d:%02dZ' % (day, n // 3600 % 24, n // 60 % 60, n % 60),
                         'updated_at': '%sT%02d:%02d:%02dZ' % (day, n // 3600 % 24, n // 60 % 60, n % 60),
                         'closed_at': None, 'body': 'text\nof it \u00e9 \U0001f600', 'author_association': 'NONE'})

    def limits(self, request):
        if self.budget is None:
            return None, {}
        token = request.header('Authorization') or ''
        used = self.used.get(token, [0, time.time() + self.reset_after])
        if time.time() >= used[1]:
            used = [0, time.time() + self.reset_after]
        self.used[token] = used
        left = self.budget - used[0]
        headers = {'X-RateLimit-Limit': str(self.budget), 'X-RateLimit-Remaining': str(max(left - 1, 0)),
                   'X-RateLimit-Reset': str(int(used[1]) + 1), 'X-RateLimit-Resource': 'core'}
        if left <= 0:
            headers['X-RateLimit-Remaining'] = '0'
            return Answer(403, {'message': 'API rate limit exceeded'}, headers), headers
        return None, headers

    def handle(self, request):
        refused, headers = self.limits(request)
        if refused:
            return refused
        parts = request.path.strip('/').split('/')
        answer = Answer(404, {'message': 'Not Found'}, headers)
        if parts[0] == 'repos' and len(parts) == 4:
            answer = self.listing(request, '/'.join(parts[1:3]), parts[3])
        elif parts[0] == 'repositories' and len(parts) == 3:
            names = sorted(self.repos)
            answer = self.listing(request, names[int(parts[1])], parts[2])
        answer.headers.update(headers)
        if answer.status == 200:
            tag = etag_of(answer.body + (request.header('Authorization') or '').encode())
            answer.headers['ETag'] = tag
            if request.header('If-None-Match') == tag:
                return Answer(304, b'', answer.headers)
        if answer.status in (200, 304) and self.budget is not None and answer.status == 200:
            self.used[request.header('Authorization') or ''][0] += 1
        return answer

    def listing(self, request, repo, what):
        if repo not in self.repos or what != 'issues':
            return Answer(404, {'message': 'Not Found'})
        rows = sorted(self.repos[repo], key=lambda r: (r['updated_at'], r['number']))
        since = request.query.get('since')
        if since:
            rows = [r for r in rows if r['updated_at'] >= since]
        size, page = int(request.query.get('per_page', 30)), int(request.query.get('page', 1))
        part = rows[(page - 1) * size:page * size]
        headers = {'Content-Type': 'application/json; charset=utf-8'}
        if page * size < len(rows):
            query = dict(request.query, page=str(page + 1))
            number = sorted(self.repos).index(repo)
            headers['Link'] = '<%s/repositories/%d/issues?%s>; rel="next", <%s/x?page=9>; rel="last"' % (
                self.url, number, urllib.parse.urlencode(query), self.url)
        return Answer(200, part, headers)


class Archive(Double):
    """GH Archive: files by name; those that are not there are 404."""

    def __init__(self):
        self.files = {}
        super().__init__()

    def handle(self, request):
        body = self.files.get(request.path.strip('/'))
        if body is None:
            return Answer(404, b'<html>Not Found</html>', {'Content-Type': 'text/html'})
        tag = '"%s"' % hashlib.md5(body).hexdigest()
        if request.header('If-None-Match') == tag:
            return Answer(304, b'', {'ETag': tag})
        return Answer(200, body, {'Content-Type': 'application/gzip', 'ETag': tag})


class StackExchange(Double):
    """Always gzip; backoff; throttling inside a 400."""

    def __init__(self, count):
        self.items = [{'question_id': n, 'title': 'q%d' % n, 'tags': ['c', 'druid'], 'owner': {'user_id': n % 5, 'reputation': n},
                       'view_count': n, 'answer_count': 1, 'score': 2, 'is_answered': n % 2 == 0, 'creation_date': 1700000000 + n,
                       'last_activity_date': 1700000000 + n} for n in range(1, count + 1)]
        self.backoff_on = set()
        super().__init__()

    def handle(self, request):
        page, size = int(request.query.get('page', 1)), int(request.query.get('pagesize', 30))
        low = int(request.query.get('min', 0))
        rows = [q for q in self.items if q['last_activity_date'] >= low]
        part = rows[(page - 1) * size:page * size]
        body = {'items': part, 'has_more': page * size < len(rows), 'quota_max': 300, 'quota_remaining': 250}
        if page in self.backoff_on:
            body['backoff'] = 1
        return Answer(200, body, {'Content-Type': 'application/json'}, encode=True)


class Seoul(Double):
    """Offsets in the path, the key there too; at most 1,000 rows; errors with status 200."""

    def __init__(self, stations):
        self.stations = stations
        super().__init__()

    def handle(self, request):
        key, kind, name, first, last = request.path.strip('/').split('/')[:5]
        first, last = int(first), int(last)
        if key != 'seoul-key':
            return Answer(200, {'RESULT': {'CODE': 'INFO-100', 'MESSAGE': 'bad key'}})
        if last - first >= 1000:
            return Answer(200, {'RESULT': {'CODE': 'ERROR-336', 'MESSAGE': 'too many rows'}})
        rows = self.stations[first - 1:last]
        if not rows:
            return Answer(200, {'RESULT': {'CODE': 'INFO-200', 'MESSAGE': 'no data'}})
        return Answer(200, {'rentBikeStatus': {'list_total_count': len(rows), 'RESULT': {'CODE': 'INFO-000', 'MESSAGE': 'ok'}, 'row': rows}})


class S3(Double):
    """One bucket; checks Signature Version 4 the way a store does; lists in pages."""

    def __init__(self, access='AKIATEST', secret='s3/secret+key', region='eu-test-1', page=2):
        self.objects, self.access, self.secret, self.region, self.page = {}, access, secret, region, page
        super().__init__()

    def signature_wrong(self, request):
        import hmac
        auth = request.header('Authorization') or ''
        if not auth.startswith('AWS4-HMAC-SHA256 '):
            return 'no signature'
        parts = dict(p.strip().split('=', 1) for p in auth[17:].split(','))
        date = request.header('x-amz-date')
        scope = '%s/%s/s3/aws4_request' % (date[:8], self.region)
        if parts['Credential'] != '%s/%s' % (self.access, scope):
            return 'credential'
        names = parts['SignedHeaders'].split(';')
        quote = lambda text: urllib.parse.quote(text, safe='-_.~')
        query = '&'.join('%s=%s' % (quote(k), quote(v)) for k, v in sorted(
            urllib.parse.parse_qsl(request.raw_query, keep_blank_values=True)))
        path = '/'.join(quote(p) for p in urllib.parse.unquote(request.raw_path).split('/'))
        values = {n: ' '.join((request.header(n) or '').split()) for n in names}
        canonical = '\n'.join(['GET', path, query] + ['%s:%s' % (n, values[n]) for n in names] +
                              ['', ';'.join(names), request.header('x-amz-content-sha256')])
        text = '\n'.join(['AWS4-HMAC-SHA256', date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = ('AWS4' + self.secret).encode()
        for word in scope.split('/'):
            key = hmac.new(key, word.encode(), hashlib.sha256).digest()
        return '' if hmac.new(key, text.encode(), hashlib.sha256).hexdigest() == parts['Signature'] else 'signature'

    def handle(self, request):
        wrong = self.signature_wrong(request)
        if wrong:
            return Answer(403, '<Error><Code>SignatureDoesNotMatch</Code><Message>%s</Message></Error>' % wrong)
        if request.query.get('list-type') == '2':
            return self.listing(request)
        key = request.path[len('/bucket/'):]
        if key not in self.objects:
            return Answer(404, b'<Error><Code>NoSuchKey</Code></Error>')
        return Answer(200, self.objects[key], {'ETag': '"%s"' % hashlib.md5(self.objects[key]).hexdigest()})

    def listing(self, request):
        keys = sorted(k for k in self.objects if k.startswith(request.query.get('prefix', '')))
        at = int(request.query.get('continuation-token', '0').split('=')[-1])
        part = keys[at:at + self.page]
        more = at + self.page < len(keys)
        rows = ''.join('<Contents><Key>%s</Key><LastModified>2024-01-01T00:00:00.000Z</LastModified><ETag>&quot;%s&quot;</ETag>'
                       '<Size>%d</Size></Contents>' % (urllib.parse.quote(k), hashlib.md5(self.objects[k]).hexdigest(), len(self.objects[k]))
                       for k in part)
        token = '<NextContinuationToken>a/b==%d</NextContinuationToken>' % (at + self.page) if more else ''
        body = ('<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name>'
                '<EncodingType>url</EncodingType><KeyCount>%d</KeyCount><IsTruncated>%s</IsTruncated>%s%s</ListBucketResult>'
                % (len(part), 'true' if more else 'false', token, rows))
        return Answer(200, body.encode(), {'Content-Type': 'application/xml'})
