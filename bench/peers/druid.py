"""Apache Druid as its normal services on this machine: ZooKeeper, coordinator with overlord, historical, broker, indexer, router.

Its jars come from Maven Central by mvn into the cache folder. Caches are off, the broker is asked directly (no router hop), one
segment a day of at most five million rows, as Druid's documentation advises.
"""
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time

from peers import druid_http
from peers.asked import Served
from peers.processes import Processes

VERSION = '33.0.0'
POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>ovate.bench</groupId><artifactId>druid-peer</artifactId><version>1</version>
<repositories>%s</repositories>
<dependencyManagement><dependencies><dependency><groupId>org.apache.druid</groupId><artifactId>druid</artifactId>
<version>%s</version><type>pom</type><scope>import</scope></dependency></dependencies></dependencyManagement>
<dependencies><dependency><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version>
<exclusions><exclusion><groupId>org.hyperic</groupId><artifactId>sigar</artifactId></exclusion></exclusions></dependency></dependencies>
</project>
"""
SERVICES = ('org.apache.druid', 'druid-services')
KAFKA = ('org.apache.druid.extensions', 'druid-kafka-indexing-service')
# Druid's pom names repositories of these ids; Maven must not ask them
NOWHERE = ''.join('<repository><id>%s</id><url>file:///nowhere</url><releases><enabled>false</enabled></releases><snapshots>'
                  '<enabled>false</enabled></snapshots></repository>' % name for name in ('sigar', 'cflt-public'))
COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies'
FLAGS = ['-Duser.timezone=UTC', '-Dfile.encoding=UTF-8', '-XX:+UseSerialGC', '-XX:+ExitOnOutOfMemoryError',
         '-Djava.util.logging.manager=org.apache.logging.log4j.jul.LogManager'] + \
        ['--add-exports=java.base/%s=ALL-UNNAMED' % p for p in ('jdk.internal.misc', 'jdk.internal.ref')] + \
        ['--add-opens=java.base/%s=ALL-UNNAMED' % p for p in ('java.nio', 'sun.nio.ch', 'java.io', 'java.lang', 'jdk.internal.ref',
                                                              'jdk.internal.misc')] + \
        ['--add-opens=jdk.management/com.sun.management.internal=ALL-UNNAMED']
LOGGING = """<Configuration status="WARN"><Appenders><Console name="Console" target="SYSTEM_OUT"><PatternLayout pattern="%d %p [%t] %c - %m%n"/>
</Console></Appenders><Loggers><Root level="warn"><AppenderRef ref="Console"/></Root></Loggers></Configuration>
"""
PORTS = {'zookeeper': 0, 'derby': 1, 'coordinator': 2, 'historical': 3, 'broker': 4, 'indexer': 5, 'router': 6}
# heap and direct memory in MB
MEMORY = {'coordinator': (384, 128), 'historical': (768, 500), 'broker': (768, 450), 'indexer': (2048, 400), 'router': (160, 160)}
BUFFERS = {'druid.processing.buffer.sizeBytes': '50MiB'}


def properties(threads):
    return {
        'coordinator': {'druid.coordinator.startDelay': 'PT1S', 'druid.coordinator.period': 'PT2S',
                        'druid.coordinator.asOverlord.enabled': 'true', 'druid.coordinator.asOverlord.overlordService': 'druid/overlord',
                        'druid.indexer.queue.startDelay': 'PT1S', 'druid.indexer.runner.type': 'httpRemote',
                        'druid.indexer.storage.type': 'metadata', 'druid.manager.segments.pollDuration': 'PT2S'},
        'historical': {**BUFFERS, 'druid.processing.numMergeBuffers': '4', 'druid.processing.numThreads': str(threads),
                       'druid.segmentCache.locations': '[{"path":"var/segment-cache","maxSize":"50g"}]',
                       'druid.historical.cache.useCache': 'false', 'druid.historical.cache.populateCache': 'false'},
        'broker': {**BUFFERS, 'druid.processing.numMergeBuffers': '4', 'druid.processing.numThreads': '1',
                   'druid.sql.planner.metadataRefreshPeriod': 'PT2S'},
        'indexer': {**BUFFERS, 'druid.processing.numMergeBuffers': '2', 'druid.processing.numThreads': '1',
                    'druid.worker.capacity': str(threads + 1), 'druid.worker.globalIngestionHeapLimitBytes': '800000000'},
        'router': {'druid.router.defaultBrokerServiceName': 'druid/broker', 'druid.router.coordinatorServiceName': 'druid/coordinator',
                   'druid.router.managementProxy.enabled': 'true'},
    }


def install(cache, part=SERVICES):
    """The folder of jars of the services or of an extension, filled by Maven when it is not there."""
    home = os.path.join(cache, 'druid-' + VERSION if part == SERVICES else '%s-%s' % (part[1], VERSION))
    lib = os.path.join(home, 'lib')
    if not os.path.exists(os.path.join(home, 'complete')):
        os.makedirs(home, exist_ok=True)
        with open(os.path.join(home, 'pom.xml'), 'w', encoding='utf-8') as file:
            file.write(POM % (NOWHERE, VERSION, *part, VERSION))
        print('installing %s %s by mvn, some minutes' % (part[1], VERSION), file=sys.stderr)
        done = subprocess.run(['mvn', '-q', '-B', COPY, '-DoutputDirectory=' + lib, '-DincludeScope=runtime'], cwd=home,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError('mvn could not fetch it: ' + (done.stdout + done.stderr)[-300:])
        with open(os.path.join(home, 'complete'), 'w', encoding='utf-8'):
            pass
    return lib


def free_ports(count):
    """The first of `count` ports in a row that nobody listens on."""
    for base in range(18080, 30000, 20):
        try:
            for port in range(base, base + count):
                with socket.socket() as probe:
                    probe.bind(('127.0.0.1', port))
            return base
        except OSError:
            continue
    raise RuntimeError('no free ports')


class Druid(Served):
    name, dialect = 'Druid', 'druid'

    def __init__(self, folder, threads, memory, cache, extensions=()):
        """extensions: names as KAFKA; their modules are found on the path of classes."""
        self.libs = [install(cache)] + [install(cache, extension) for extension in extensions]
        self.folder, self.threads = os.path.join(os.path.abspath(folder), 'druid'), threads
        self.path, self.version, self.link = os.path.join(self.folder, 'var', 'segments'), VERSION, None
        self.processes = Processes(signal.SIGKILL)  # asked to end without ZooKeeper, a coordinator waits for it for ever
        heap = sum(h for h, _ in MEMORY.values())
        self.settings = ('services of one machine, %d MB of heap, historical with %d threads; segments by the table\'s granularity, at most '
                         '5 M rows; no rollup; caches off; the broker asked over HTTP, one kept connection' % (heap, threads))

    def configure(self):
        base = free_ports(len(PORTS))
        self.ports = {name: base + n for name, n in PORTS.items()}
        common = {
            'druid.host': '127.0.0.1', 'druid.bindOnHost': 'true', 'druid.extensions.loadList': '[]',
            'druid.zk.service.host': '127.0.0.1:%d' % self.ports['zookeeper'], 'druid.metadata.storage.type': 'derby',
            'druid.metadata.storage.connector.connectURI': 'jdbc:derby://127.0.0.1:%d/%s/var/metadata.db;create=true' % (
                self.ports['derby'], self.folder),
            'druid.metadata.storage.connector.host': '127.0.0.1', 'druid.metadata.storage.connector.port': str(self.ports['derby']),
            'druid.storage.type': 'local', 'druid.storage.storageDirectory': 'var/segments', 'druid.indexer.logs.type': 'file',
            'druid.indexer.logs.directory': 'var/indexing-logs', 'druid.emitter': 'noop',
            'druid.selectors.indexing.serviceName': 'druid/overlord', 'druid.selectors.coordinator.serviceName': 'druid/coordinator',
            'druid.lookup.enableLookupSyncOnStartup': 'false'}
        for name, wanted in [('common', common), *properties(self.threads).items()]:
            folder = os.path.join(self.folder, 'conf', name)
            os.makedirs(folder, exist_ok=True)
            if name != 'common':
                wanted = {'druid.service': 'druid/' + name, 'druid.plaintextPort': str(self.ports[name]), **wanted}
            with open(os.path.join(folder, 'common.runtime.properties' if name == 'common' else 'runtime.properties'), 'w',
                      encoding='utf-8') as file:
                file.writelines('%s=%s\n' % pair for pair in wanted.items())
        with open(os.path.join(self.folder, 'conf', 'common', 'log4j2.xml'), 'w', encoding='utf-8') as file:
            file.write(LOGGING)
        with open(os.path.join(self.folder, 'conf', 'zoo.cfg'), 'w', encoding='utf-8') as file:
            file.write('dataDir=%s/var/zk\nclientPort=%d\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\ntickTime=2000\n' % (
                self.folder, self.ports['zookeeper']))
        os.makedirs(os.path.join(self.folder, 'var', 'tmp'), exist_ok=True)

    def java(self, name, heap, direct, classes, *words):
        path = ':'.join([os.path.join(self.folder, 'conf', 'common'), os.path.join(self.folder, 'conf', name), *(lib + '/*' for lib in self.libs)])
        self.processes.start(['java', '-Xms%dm' % heap, '-Xmx%dm' % heap, '-XX:MaxDirectMemorySize=%dm' % direct, *FLAGS,
                              '-Djava.io.tmpdir=' + os.path.join(self.folder, 'var', 'tmp'), '-cp', path, classes, *words],
                             self.folder, os.path.join(self.folder, name + '.log'))

    def wait(self, what, ready, patience=180):
        until = time.monotonic() + patience
        while time.monotonic() < until:
            if self.processes.ended():
                raise RuntimeError('a service ended while waiting for %s: %s' % (what, self.processes.last_words()))
            try:
                if ready():
                    return
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.5)
        raise RuntimeError('%s was not ready in %d s' % (what, patience))

    def serve(self):
        self.configure()
        self.java('zookeeper', 64, 64, 'org.apache.zookeeper.server.ZooKeeperServerMain', os.path.join(self.folder, 'conf', 'zoo.cfg'))
        self.wait('zookeeper', lambda: socket.create_connection(('127.0.0.1', self.ports['zookeeper']), 1).close() is None)
        for name, (heap, direct) in MEMORY.items():
            self.java(name, heap, direct, 'org.apache.druid.cli.Main', 'server', name)
            if name == 'coordinator':  # it runs the metadata store, which the others need
                self.ready(name)
        for name in MEMORY:
            self.ready(name)
        question = {'query': 'SELECT server_type, COUNT(*) FROM sys.servers GROUP BY 1'}
        self.wait('SQL', lambda: druid_http.call('127.0.0.1', self.ports['broker'], 'POST', '/druid/v2/sql', question)[0] == 200)

    def ready(self, name):
        self.wait(name, lambda: druid_http.call('127.0.0.1', self.ports[name], 'GET', '/status/selfDiscovered', timeout=5)[0] == 200)

    def load(self, tables):
        kept = os.path.join(self.folder, 'loaded')
        self.serve()
        if os.path.exists(kept):
            for table in tables:
                self.wait('the rows of ' + table.name, lambda t=table: druid_http.counted('127.0.0.1', self.ports['broker'], t) == t.rows, 600)
            return {}
        begun = self.processes.seconds()
        seconds = {table.name: druid_http.load_by_task('127.0.0.1', self.ports['router'], table, self.spec(table)) for table in tables}
        with open(kept, 'w', encoding='utf-8') as file:
            json.dump(seconds, file)
        spent = self.processes.seconds() - begun
        time.sleep(6)  # a broker may know the rows before it knows the columns
        return {'seconds': sum(seconds.values()), 'tables': seconds, 'cpu': spent, 'peak_mb': self.processes.megabytes()['peak_mb']}

    def spec(self, table):
        """The task with what makes it fast on one machine: files cut in parts that its workers read side by side."""
        spec = table.druid_spec()
        parts = cut(table, os.path.join(self.folder, 'rows'), self.threads if table.rows > 500_000 else 1)
        spec['spec']['ioConfig']['inputSource'] = {'type': 'local', 'files': parts}
        spec['spec']['tuningConfig'].update(partitionsSpec={'type': 'dynamic', 'maxRowsPerSegment': 5_000_000}, maxRowsInMemory=500_000,
                                            maxNumConcurrentSubTasks=len(parts), splitHintSpec={'type': 'maxSize', 'maxNumFiles': 1})
        return spec

    def start(self):
        self.link = druid_http.Link('127.0.0.1', self.ports['broker'])


def cut(table, folder, count):
    """The table's file as `count` files of about the same size, each with the header."""
    if count == 1:
        return [os.path.abspath(table.file)]
    os.makedirs(folder, exist_ok=True)
    size, paths = os.path.getsize(table.file), []
    with open(table.file, 'rb') as source:
        header = b'' if table.is_json() else source.readline()
        at = source.tell()
        for number in range(count):
            source.seek(max(at, size * (number + 1) // count))
            source.readline()
            end = source.tell() if number < count - 1 else size
            paths.append(os.path.join(folder, '%s-%d.%s' % (table.name, number, 'ndjson' if table.is_json() else 'csv')))
            with open(paths[-1], 'wb') as part:
                part.write(header)
                source.seek(at)
                while at < end:
                    at += part.write(source.read(min(1 << 24, end - at)))
    return paths
