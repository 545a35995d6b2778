"""What the Kafka tests share: one cluster, one server, supervisors, and waiting for what should come to pass."""
import http.client
import json
import time

from cluster import Cluster
from ovatetest import Server

PATH = '/druid/indexer/v1/supervisor'


class World:
    """A cluster and a server; both may be killed and started again."""

    def __init__(self, brokers=2):
        self.cluster = Cluster(brokers=brokers)
        self.server = Server()

    def close(self):
        try:
            self.server.close()
        finally:
            self.cluster.close()

    def create(self, topic, partitions=1, *settings):
        self.cluster.ask('create %s %d 1 %s' % (topic, partitions, ' '.join(settings)))

    def supervise(self, topic, tuning=None, schema=None, **io):
        """Rows of Client.java from the topic into a datasource of the same name, unless the schema says another."""
        name = (schema or {}).get('dataSource', topic)
        document = {'type': 'kafka', 'spec': {
            'dataSchema': dict({'dataSource': topic, 'timestampSpec': {'column': 'time', 'format': 'millis'},
                                'dimensionsSpec': {'useSchemaDiscovery': True},
                                'granularitySpec': {'segmentGranularity': 'DAY', 'rollup': False}}, **(schema or {})),
            'ioConfig': dict({'topic': topic, 'consumerProperties': {'bootstrap.servers': self.cluster.servers()},
                              'useEarliestOffset': True, 'inputFormat': {'type': 'json'}}, **io),
            'tuningConfig': dict({'type': 'kafka'}, **(tuning or {}))}}
        status, _, answer = self.server.post(PATH, document)
        assert (status, json.loads(answer)) == (200, {'id': name}), (status, answer)

    def act(self, name, act, body=None):
        status, _, answer = self.server.post('%s/%s/%s' % (PATH, name, act), body or {})
        assert status == 200, (status, answer)

    def status(self, name):
        return self.server.get_json('%s/%s/status' % (PATH, name))['payload']

    def figures(self, name):
        """Rows, the sum of their ids, and how many ids are there twice."""
        if not self.server.value("SELECT COUNT(*) FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = '%s' AND COLUMN_NAME = 'id'" % name):
            return 0, 0, 0
        rows, total = self.server.sql('SELECT COUNT(*), SUM(id) FROM "%s"' % name)[1][0]
        twice = self.server.value('SELECT COUNT(*) FROM (SELECT id FROM "%s" GROUP BY id HAVING COUNT(*) > 1)' % name)
        return rows, total, twice

    def wait(self, what, seconds=90):
        """Until what() is true; the last thing it said otherwise."""
        until, said = time.monotonic() + seconds, None
        while time.monotonic() < until:
            try:
                said = what()
                if said:
                    return said
            except (OSError, http.client.HTTPException) as trouble:
                said = trouble
            time.sleep(0.05)
        raise AssertionError('waited for %d s in vain; last: %r' % (seconds, said))

    def wait_rows(self, name, ids, seconds=90):
        """Exactly these ids, each once."""
        ids = list(ids)
        want = (len(ids), sum(ids), 0)
        try:
            self.wait(lambda: self.figures(name)[0] >= want[0], seconds)
        except AssertionError as trouble:
            raise AssertionError('%s: %r instead of %r; %r' % (name, self.figures(name), want, self.status(name))) from trouble
        assert self.figures(name) == want, (self.figures(name), want)

    def wait_caught_up(self, name, seconds=60):
        """All that is in the topic now is durable."""
        ends = [int(end) for end in self.cluster.ask('ends ' + self.status(name)['stream'])]

        def behind():
            status = self.status(name)
            at = {int(p): o for task in status['activeTasks'] for p, o in task['currentOffsets'].items()}
            return status['aggregateLag'] == 0 and all(at.get(p, -1) >= end for p, end in enumerate(ends))
        self.wait(behind, seconds)
