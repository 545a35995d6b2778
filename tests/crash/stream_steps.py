"""Kills at every step of log append, group commit, merge, hand-over and compaction of pushed rows; run by steps.py."""
import http.client
import json
import os
import tempfile
import time

from keyed import KEYED, Keyed
from ovatetest import Server

POINTS = ['OV_FAULT_' + name for name in (
    'WAL_FILE', 'WAL_WRITTEN', 'WAL_SYNCED', 'STREAM_MERGED', 'STREAM_SEALED', 'COMMIT_PLACED', 'COMMIT_RENAMED', 'COMMIT_SYNCED',
    'COMMIT_WRITTEN', 'STREAM_PUBLISHED', 'STREAM_COMPACTED')]
TABLES, ROWS, MANY = ('plain', 'keyed'), 20, 16


class Pushes:
    """The same batches in the same order every time: some published one by one, so that segments are put together, then many, so that pieces are merged."""

    def __init__(self, few, chance):
        self.few, self.keyed = few, Keyed('keyed')
        self.bodies = []
        for number in range(few + MANY):
            plain = ''.join(json.dumps({'time': '2024-05-01T%02d:00:00Z' % (i % 24), 'batch': number, 'n': i}) + '\n' for i in range(ROWS))
            self.bodies.append({'plain': plain.encode(), 'keyed': self.keyed.batch(number, ROWS, chance)})
        self.rows = [[number, ROWS, ROWS * (ROWS - 1) // 2] for number in range(len(self.bodies))]
        self.winners = self.keyed.winners(range(len(self.bodies)))

    def push(self, server, number, acknowledged):
        for table in TABLES:
            status, _, answer = server.request('POST', '/v1/push/%s?batch=b%d' % (table, number), self.bodies[number][table])
            assert status == 200, (status, answer)
            acknowledged.add((table, number))

    def run(self, server, acknowledged):
        """Until the end, or until the server dies."""
        try:
            server.request('PUT', '/v1/streams/keyed', json.dumps(KEYED).encode())
            for number in range(len(self.bodies)):
                self.push(server, number, acknowledged)
                if number < self.few:
                    self.publish(server)
            self.wait(server, "SELECT COUNT(*) FROM sys.segments WHERE is_realtime = 1", MANY)
            self.publish(server)
            self.wait(server, "SELECT COUNT(*) FROM sys.segments WHERE datasource = 'plain' AND is_active = 1", self.few)
        except (OSError, http.client.HTTPException):
            if not server.dies():
                raise

    @staticmethod
    def publish(server):
        for table in TABLES:
            server.request('POST', '/v1/streams/%s/publish' % table)

    @staticmethod
    def wait(server, query, below):
        until = time.monotonic() + 10
        while time.monotonic() < until and server.value(query) >= below:
            time.sleep(0.02)

    def look(self, server, acknowledged):
        """What is wrong with what is there."""
        trouble = []
        if any(table == 'plain' for table, _ in acknowledged):
            rows = server.sql('SELECT batch, COUNT(*), SUM(n) FROM plain GROUP BY batch ORDER BY batch')[1]
            trouble += [row for row in rows if row not in self.rows]
            trouble += sorted({n for table, n in acknowledged if table == 'plain'} - {row[0] for row in rows})
        if any(table == 'keyed' for table, _ in acknowledged):
            trouble += self.keyed.look(server, {n for table, n in acknowledged if table == 'keyed'}, None)
        return trouble


def streams(matrix, few, chance):
    pushes = Pushes(few, chance)

    def one(env, what):
        with tempfile.TemporaryDirectory(prefix='ovate-steps-') as folder:
            data, acknowledged, server = os.path.join(folder, 'data'), set(), None
            try:
                server = Server(data=data, env=env)
                pushes.run(server, acknowledged)
            except RuntimeError:  # it died while it started
                pass
            if server and server.alive():
                server.close()
                return False
            with Server(data=data) as again:
                matrix.same(what + ', at once', pushes.look(again, acknowledged), [])
                again.request('PUT', '/v1/streams/keyed', json.dumps(KEYED).encode())
                for number in range(len(pushes.bodies)):
                    pushes.push(again, number, acknowledged)
                for published in (False, True):
                    rows = again.sql('SELECT batch, COUNT(*), SUM(n) FROM plain GROUP BY batch ORDER BY batch')[1]
                    matrix.same('%s, published: %s' % (what, published), (rows, pushes.keyed.read(again)), (pushes.rows, pushes.winners))
                    pushes.publish(again)
            return True
    matrix.each('stream', POINTS, one)
