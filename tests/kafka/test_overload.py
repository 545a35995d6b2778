"""A producer that is faster than the store: lag grows on the broker, memory stays bounded, nothing is lost, and reading catches up."""
import copy
import re

from ovatetest import Server

MEMORY, ROWS = 256 << 10, 300000


def memory(world):
    told = world.server.request('GET', '/metrics')[2].decode()
    return sum(int(v) for v in re.findall(r'^ovate_stream_memory_bytes\{.*\} (\d+)$', told, re.M))


def case_faster_than_the_store(world):
    """So little memory that each hand-over is waited for, whatever the machine; who is held back has lag, and tells of it."""
    other = copy.copy(world)
    other.server = Server(args=['--stream-memory', '%d' % MEMORY])
    try:
        other.create('flood', 4)
        other.supervise('flood', taskCount=2)
        other.cluster.ask('start flood 0 %d lz4 0' % ROWS)
        seen = {'memory': 0, 'held': 0, 'lag': 0}

        def look():
            status = other.status('flood')
            seen['memory'] = max(seen['memory'], memory(other))
            if any(t['throttled'] for t in status['activeTasks']):
                seen['held'] += 1
                seen['lag'] = max(seen['lag'], status['aggregateLag'])
                assert status['aggregateLag'] > 0, status
            return other.figures('flood')[0] >= ROWS
        other.wait(look, 200)
        other.cluster.ask('wait')
        other.wait_rows('flood', range(ROWS))
        other.wait_caught_up('flood')
        print('held back in %(held)d looks, lag of up to %(lag)d, %(memory)d bytes in memory' % seen)
        assert seen['held'] and 0 < seen['memory'] <= MEMORY, seen
    finally:
        other.server.close()
