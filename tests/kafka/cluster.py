"""A real Kafka cluster (KRaft, on loopback) for tests and the bench: jars through Maven, brokers that can be killed, a client.

Jars are kept in OVATE_KAFKA_CACHE, else in the user's cache folder; where java or mvn is missing the caller is skipped.
"""
import glob
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'lib')]
from ovatetest import skip  # noqa: E402

VERSION = '3.9.1'
POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>test</groupId><artifactId>broker</artifactId><version>1</version><dependencies><dependency>
<groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>%s</version></dependency></dependencies></project>"""
CLUSTER_ID = 'MkU3OEVBNTcwNTJENDM2Qk'
SETTINGS = """process.roles=%(roles)s
node.id=%(number)d
controller.quorum.voters=1@127.0.0.1:%(controller)d
listeners=%(listeners)s
advertised.listeners=PLAINTEXT://127.0.0.1:%(port)d
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=%(folder)s/log-%(number)d
num.recovery.threads.per.data.dir=2
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
transaction.max.timeout.ms=900000
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
log.retention.check.interval.ms=1000
"""


def jars():
    """The folder with the broker's jars; skips where it cannot be had."""
    for tool in ('java', 'mvn'):
        if not shutil.which(tool):
            skip('there is no %s for a Kafka broker' % tool)
    cache = os.environ.get('OVATE_KAFKA_CACHE') or os.path.join(
        os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache'), 'ovate-tests')
    folder = os.path.join(cache, 'kafka-' + VERSION)
    if os.path.exists(os.path.join(folder, 'complete')):
        return folder
    os.makedirs(folder, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        with open(os.path.join(work, 'pom.xml'), 'w', encoding='utf-8') as pom:
            pom.write(POM % VERSION)
        subprocess.run(['mvn', '-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=' + folder], cwd=work,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=400, check=False)
    if not glob.glob(os.path.join(folder, 'kafka_2.13-*.jar')):
        skip('mvn could not fetch the Kafka broker')
    with open(os.path.join(folder, 'complete'), 'w', encoding='utf-8'):
        return folder


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class Broker:
    """One process; the first one is the controller too."""

    def __init__(self, cluster, number):
        self.cluster, self.number, self.port, self.process = cluster, number, free_port(), None
        listeners = 'PLAINTEXT://127.0.0.1:%d' % self.port
        if number == 1:
            listeners += ',CONTROLLER://127.0.0.1:%d' % cluster.controller
        self.settings = os.path.join(cluster.folder, 'broker-%d.properties' % number)
        with open(self.settings, 'w', encoding='utf-8') as file:
            file.write(SETTINGS % {'roles': 'broker,controller' if number == 1 else 'broker', 'number': number, 'listeners': listeners,
                                   'controller': cluster.controller, 'port': self.port, 'folder': cluster.folder})
        subprocess.run(self.java() + ['kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', self.settings],
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, timeout=120)
        self.start()

    def java(self):
        return ['java', '-Xmx%s' % self.cluster.heap, '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=4', '-cp', self.cluster.classpath]

    def start(self):
        with open(self.settings + '.log', 'ab') as log:
            self.process = subprocess.Popen(self.java() + ['kafka.Kafka', self.settings], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until = time.monotonic() + 120
        while time.monotonic() < until and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(('127.0.0.1', self.port)) == 0:
                    return
            time.sleep(0.1)
        raise RuntimeError('the Kafka broker did not start')

    def kill(self, how=signal.SIGKILL):
        self.process.send_signal(how)
        self.process.wait(120)


class Cluster:
    def __init__(self, brokers=1, heap='512m'):
        self.heap, self.classpath = heap, os.path.join(jars(), '*')
        self.folder = tempfile.mkdtemp(prefix='ovate-kafka-')
        self.controller, self.brokers, self.client = free_port(), [], None
        try:
            for number in range(1, brokers + 1):
                self.brokers.append(Broker(self, number))
            self.client = self.new_client()
            self.ask('brokers %d' % brokers)
        except BaseException:
            self.close()
            raise

    def servers(self):
        return ','.join('127.0.0.1:%d' % b.port for b in self.brokers)

    def new_client(self):
        """The program of Client.java, for those who want one of their own."""
        command = ['java', '-Xmx512m', '-XX:+UseSerialGC', '-cp', self.classpath, os.path.join(HERE, 'Client.java'), self.servers()]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, bufsize=1)

    def ask(self, command):
        """The words of the answer behind "ok"."""
        self.client.stdin.write(command + '\n')
        self.client.stdin.flush()
        answer = self.client.stdout.readline().split()
        if not answer or answer[0] != 'ok':
            raise RuntimeError('%s: %s' % (command, ' '.join(answer) or 'the client ended'))
        return answer[1:]

    def close(self):
        for process in [self.client] + [b.process for b in self.brokers]:
            if process and process.poll() is None:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.close()
