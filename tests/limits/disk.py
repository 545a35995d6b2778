#!/usr/bin/env python3
"""A disk that is really full: see README.md beside this file."""
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'lib'))
from ovatetest import Counter, Server, skip  # noqa: E402

SIZE, ROWS = 96 << 20, 2000


def body(batch):
    return ''.join('{"time":"2024-05-%02dT%02d:00:00Z","batch":%d,"n":%d,"text":"row %x"}\n' % (
        1 + i % 3, i % 24, batch, i, i * 2654435761 * (batch + 1) & 0xffffffffffff) for i in range(ROWS)).encode()


class Disk:
    """A tmpfs, and a file on it that takes up room."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix='ovate-disk-')
        mount = ['mount', '-t', 'tmpfs', '-o', 'size=%d' % SIZE, 'tmpfs', self.folder]
        if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
            os.rmdir(self.folder)
            skip('no disk of its own: mounting a tmpfs needs root')
        self.filler, self.data = os.path.join(self.folder, 'filler'), os.path.join(self.folder, 'data')

    def leave(self, room):
        """So many bytes are free."""
        with open(self.filler, 'ab') as file:
            free = os.statvfs(self.folder).f_bavail * os.statvfs(self.folder).f_frsize
            at = file.tell() + free - room
            os.truncate(self.filler, 0)
            os.posix_fallocate(file.fileno(), 0, max(at, 1))

    def close(self):
        subprocess.run(['umount', '-l', self.folder], check=False)
        os.rmdir(self.folder)


class Pushing:
    def __init__(self, server, counter):
        self.server, self.counter, self.batches = server, counter, 0

    def push(self):
        status, _, answer = self.server.request('POST', '/v1/push/disk_full?batch=b%d' % self.batches, body(self.batches))
        self.batches += status == 200
        return status, json.loads(answer)

    def until_refused(self, most=2000):
        for _ in range(most):
            status, answer = self.push()
            if status != 200:
                return status, answer
        return 200, {}

    def look(self, name):
        rows = self.server.sql('SELECT batch, COUNT(*), SUM(n) FROM disk_full GROUP BY batch ORDER BY batch')[1]
        want = [[b, ROWS, ROWS * (ROWS - 1) // 2] for b in range(self.batches)]
        self.counter.check(name, rows == want, (len(rows), self.batches))


def run(disk, counter):
    server = Server(data=disk.data, args=['--stream-age', '1'])
    pushing = Pushing(server, counter)
    try:
        late = {'diskWarn': 100, 'diskPause': 100, 'diskResume': 100}  # the guard would hold pushes back before the disk does
        counter.equal('settings', server.post('/ovate/v1/upkeep', late)[0], 200)
        for _ in range(5):
            counter.equal('there is room', pushing.push()[0], 200)
        disk.leave(1 << 20)
        status, answer = pushing.until_refused()
        counter.check('refused with the reason', status == 503 and 'No space left' in answer['error'], (status, answer))
        pushing.look('reads go on')
        counter.check('still refused', pushing.push()[0] in (429, 503))
        server.kill()
        server.start()
        pushing.look('a start on the full disk')
        disk.leave(40 << 20)
        counter.equal('room again', [pushing.push()[0] for _ in range(5)], [200] * 5)
        counter.equal('published', server.request('POST', '/v1/streams/disk_full/publish')[0], 200)
        pushing.look('all of it')
        server.kill()
        server.start()
        pushing.look('after another start')
    finally:
        server.close()


def main():
    disk, counter = Disk(), Counter()
    try:
        counter.run('a full disk', run, disk, counter)
    finally:
        disk.close()
    counter.finish()


main()
