#!/usr/bin/env python3
"""`ovate ingest tail`: every line once, over rotation, truncation, restarts and kill -9, with and without a server."""
import gzip
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'lib')]
from ovatetest import Counter, Server, binary  # noqa: E402


def line(n):
    return '{"time":"2024-05-01T00:00:00Z","n":%d}\n' % n


def tail(data, *words, stdin=None, wait=True):
    command = [binary(), 'ingest', 'tail', *words, '--data', data]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if not wait:
        return process
    out, err = process.communicate(stdin or '', timeout=60)
    return process.returncode, out, err


def offline(data, table):
    """What a server over the folder would answer."""
    with Server(data=data) as server:
        return server.sql('SELECT COUNT(*), SUM(n) FROM %s' % table)[1][0]


def until(server, table, want, seconds=20):
    """The counts, once they are these, or what they are in the end."""
    end, got = time.monotonic() + seconds, None
    while time.monotonic() < end:
        try:
            got = server.sql('SELECT COUNT(*), SUM(n) FROM %s' % table)[1][0]
        except Exception:  # noqa: BLE001  the table comes with the first line
            got = None
        if got == want:
            break
        time.sleep(0.02)
    return got


def total(n):
    return [n, n * (n + 1) // 2]


def once(counter, folder, data):
    path = os.path.join(folder, 'once.log')
    with open(path, 'w', encoding='utf-8') as log:
        log.writelines(line(n) for n in range(1, 101))
    counter.equal('once', tail(data, path, '--datasource', 't', '--once')[:2], (0, '100 rows taken, 0 rejected\n'))
    counter.equal('again: nothing', tail(data, path, '--datasource', 't', '--once')[1], '0 rows taken, 0 rejected\n')
    with open(path, 'a', encoding='utf-8') as log:
        log.writelines(line(n) for n in range(101, 111))
        log.write('no json\n' + line(111)[:-1])  # its end is missing
    counter.equal('grown', tail(data, path, '--datasource', 't', '--once')[1], '11 rows taken, 1 rejected\n')
    counter.equal('rows', offline(data, 't'), total(111))
    counter.equal('stdin', tail(data, '-', '--datasource', 'u', stdin=line(1) + line(2))[1], '2 rows taken, 0 rejected\n')
    for _ in range(2):
        tail(data, '-', '--datasource', 'v', '--name', 'feed', stdin=line(1) + line(2))
    tail(data, '-', '--datasource', 'v', '--name', 'feed', stdin=line(1) + line(2) + line(3))
    counter.equal('named stdin', offline(data, 'v'), total(3))
    counter.check('other stdin', 'another one' in tail(data, '-', '--datasource', 'v', '--name', 'feed', stdin=line(1))[2])
    csv = os.path.join(folder, 'rows.csv')
    for part in (('time,n\n2024-05-01,1\n', 'w'), ('2024-05-01,2\n2024-05-01,3\n', 'a')):
        with open(csv, part[1], encoding='utf-8') as file:
            file.write(part[0])
        tail(data, csv, '--datasource', 'c', '--format', 'csv', '--once')
    counter.equal('csv with its header', offline(data, 'c'), total(3))
    counter.equal('no datasource', tail(data, path)[0], 2)
    code, out, err = tail(data, os.path.join(folder, 'nothing'), '--datasource', 't', '--once')
    counter.equal('no file', (code, out, 'there is no file' in err), (1, '0 rows taken, 0 rejected\n', True))
    counter.check('no file said', 'wants one FILE' in tail(data)[2])
    packed = os.path.join(folder, 'packed.log')
    with open(packed, 'wb') as log:
        log.write(gzip.compress(line(1).encode()))
    counter.check('compressed', 'is compressed' in tail(data, packed, '--datasource', 't', '--once')[2])
    told = subprocess.run([binary(), 'sql', '--data', data, '--format', 'csv', 'SELECT COUNT(*) AS n FROM t'], capture_output=True, text=True, check=False)
    counter.equal('no server was needed', told.stdout.split(), ['n', '111'])
    counter.check('a folder', 'regular' in tail(data, folder, '--datasource', 't', '--once')[2])


def followed(counter, folder, data):
    """Beside a server: rotated, truncated, killed."""
    path, n = os.path.join(folder, 'app.log'), 0

    def write(count, mode='a'):
        nonlocal n
        with open(path, mode, encoding='utf-8') as log:
            for _ in range(count):
                n += 1
                log.write(line(n))
    with Server(data=data) as server:
        write(50, 'w')
        process = tail(data, path, '--datasource', 'f', wait=False)
        counter.equal('follow', until(server, 'f', total(50)), total(50))
        write(50)
        counter.equal('grown', until(server, 'f', total(100)), total(100))
        os.rename(path, path + '.1')
        with open(path + '.1', 'a', encoding='utf-8') as log:
            n += 1
            log.write(line(n))  # written by a program that has not noticed
        write(20)
        counter.equal('rotated', until(server, 'f', total(n)), total(n))
        write(5, 'w')
        counter.equal('truncated', until(server, 'f', total(n)), total(n))
        process.kill()
        process.wait()
        write(30)
        os.rename(path, path + '.2')
        write(30)
        os.rename(path, path + '.3')
        with open(path + '.errors', 'w', encoding='utf-8') as other:
            other.write(line(1000000))  # another log, whose name begins alike
        write(30)
        process = tail(data, path, '--datasource', 'f', wait=False)
        counter.equal('rotated while nobody looked', until(server, 'f', total(n)), total(n))
        server.kill()
        write(40)
        server.start()
        counter.equal('the server died', until(server, 'f', total(n), 40), total(n))
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        counter.equal('the rest', tail(data, path, '--datasource', 'f', '--once')[0], 0)
        counter.equal('every line once', until(server, 'f', total(n)), total(n))
        for _ in range(6):  # killed at any moment
            process = tail(data, path, '--datasource', 'f', wait=False)
            for _ in range(20):
                write(200)
                time.sleep(0.004)
            process.kill()
            process.wait()
        tail(data, path, '--datasource', 'f', '--once')
        counter.equal('killed at any moment', until(server, 'f', total(n)), total(n))


def copied_and_emptied(counter, folder, data):
    """logrotate's copytruncate: lines that were not read before the file was emptied are in the copy."""
    path, n = os.path.join(folder, 'copied.log'), 0

    def write(count):
        nonlocal n
        with open(path, 'a', encoding='utf-8') as log:
            for _ in range(count):
                n += 1
                log.write(line(n))

    def rotate():
        for old in (2, 1):
            if os.path.exists('%s.%d' % (path, old)):
                os.rename('%s.%d' % (path, old), '%s.%d' % (path, old + 1))
        with open(path + '.4.gz', 'wb') as older:  # written last, and none of what is to be read
            older.write(gzip.compress(line(1).encode() * 20))
        shutil.copy(path, path + '.1')
        os.truncate(path, 0)
    with Server(data=data) as server:
        write(100)
        process = tail(data, path, '--datasource', 'copied', wait=False)
        counter.equal('copied: follow', until(server, 'copied', total(n)), total(n))
        for _ in range(5):  # whatever was read before
            write(300)
            rotate()
            write(20)
            counter.equal('copied: live', until(server, 'copied', total(n)), total(n))
        process.kill()
        process.wait()
        for _ in range(2):  # nobody looks
            write(50)
            rotate()
            write(50)
        process = tail(data, path, '--datasource', 'copied', wait=False)
        counter.equal('copied while nobody looked', until(server, 'copied', total(n)), total(n))
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def endless_line(counter, folder, data):
    """A line of 100 MB: passed over and said so, in a file that is complete, in one that grows, and from standard input."""
    path, text = os.path.join(folder, 'long.log'), line(1) + '{"n":"' + 'x' * (100 << 20) + '"}\n' + line(2)
    with open(path, 'w', encoding='utf-8') as log:
        log.write(text)
    code, out, err = tail(data, path, '--datasource', 'long', '--once')
    counter.equal('long line', (code, out, 'more than 32 MiB' in err), (0, '2 rows taken, 1 rejected\n', True))
    with open(path, 'a', encoding='utf-8') as log:
        log.write(line(3))
    counter.equal('behind it', tail(data, path, '--datasource', 'long', '--once')[1], '1 row taken, 0 rejected\n')
    counter.equal('long line, stdin', tail(data, '-', '--datasource', 'long_stdin', stdin=text)[1], '2 rows taken, 1 rejected\n')
    counter.equal('long line: rows', offline(data, 'long'), total(3))


def main():
    counter = Counter()
    for part in (once, followed, copied_and_emptied, endless_line):
        with tempfile.TemporaryDirectory(prefix='ovate-tail-') as folder:
            part(counter, folder, os.path.join(folder, 'data'))
    counter.finish()


main()
