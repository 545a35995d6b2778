"""A producer that is faster than the store: lag grows on the broker, memory stays bounded, nothing is lost, and reading catches up."""
import copy
import re

from ovatetest import Server

MEMORY, ROWS = 2 << 20, 300000


def memory(world):
    told = world.server.request('GET', '/metrics')[2].decode()
    return sum(int(v) for v in re.findall(r'^ovate_stream_memory_bytes\{.*\} (\d+)$', told, re.M))


def case_faster_than_the_store(world):
    other = copy.copy(world)
    other.server = Server(args=['--stream-memory', '2MiB'])
    try:
        other.create('flood', 4)
        other.supervise('flood', taskCount=2)
        other.cluster.ask('start flood 0 %d lz4 0' % ROWS)
        most = lag = 0
        throttled = False

        def look():
            nonlocal most, lag, throttled
            status = other.status('flood')
            most, lag = max(most, memory(other)), max(lag, status['aggregateLag'])
            throttled |= any(t['throttled'] for t in status['activeTasks'])
            return other.figures('flood')[0] >= ROWS
        other.wait(look, 200)
        other.cluster.ask('wait')
        other.wait_rows('flood', range(ROWS))
        other.wait_caught_up('flood')
        print('lag of %d at most when looked at' % lag)  # by chance: it is told now and then
        assert throttled
        assert most <= MEMORY, most
    finally:
        other.server.close()
