"""Every message once: over brokers and servers that die, codecs, transactions, partitions that come and move."""
import os
import time

MESSAGES = int(os.environ.get('OVATE_KAFKA_MESSAGES', '1000000'))


def case_1_restarts(world):
    """A million messages; the broker is killed five times while they are written and read, the server twice."""
    rate = MESSAGES / 25
    world.create('million', 4)
    world.supervise('million', taskCount=2)
    world.cluster.ask('start million 0 %d lz4 %d' % (MESSAGES, rate))
    for kill in range(5):
        time.sleep(2)
        world.cluster.brokers[kill % 2].kill()
        time.sleep(0.5)
        if kill % 2:
            world.server.kill()
            world.server.start()
        world.cluster.brokers[kill % 2].start()
    world.cluster.ask('wait')
    world.wait_rows('million', range(MESSAGES), 300)
    world.wait_caught_up('million')
    assert not world.status('million')['gaps'], world.status('million')['gaps']
    world.server.stop()
    world.server.start()
    world.wait_rows('million', range(MESSAGES))


def case_codecs(world):
    for codec in ('none', 'gzip', 'snappy', 'lz4', 'zstd'):
        name = 'codec_' + codec
        world.create(name, 2)
        world.cluster.ask('produce %s 0 20000 %s 0' % (name, codec))
        world.supervise(name)
        world.wait_rows(name, range(20000))


def case_transactions(world):
    """Aborted messages are never read, undecided ones not yet; the lag ends though marks of transactions are no messages."""
    world.create('deals', 1)
    world.supervise('deals')
    world.cluster.ask('transaction deals 0 1000 commit')
    world.cluster.ask('transaction deals 1000 1000 abort')
    world.cluster.ask('transaction deals 2000 1000 commit')
    world.wait_rows('deals', [*range(1000), *range(2000, 3000)])
    world.wait_caught_up('deals')
    world.cluster.ask('transaction deals 3000 1000 open')
    time.sleep(1)
    assert world.figures('deals')[0] == 2000
    world.supervise('deals', consumerProperties={'bootstrap.servers': world.cluster.servers(), 'isolation.level': 'read_uncommitted'})
    world.wait_rows('deals', [*range(1000), *range(2000, 4000)])


def case_partitions(world):
    """Partitions are added and moved to the other broker while they are read."""
    world.create('moving', 2)
    world.supervise('moving', taskCount=2)
    world.cluster.ask('produce moving 0 20000 none 0')
    other = world.cluster.new_client()
    other.stdin.write('start moving 20000 60000 none 15000\nmove moving 0 2\nmove moving 1 2\nmove moving 0 1\nwait\n')
    for _ in range(5):
        assert other.stdout.readline() == 'ok\n'
    other.kill()
    other.wait()
    world.cluster.ask('partitions moving 5')
    world.cluster.ask('produce moving 80000 20000 none 0')
    world.wait_rows('moving', range(100000))
    assert world.status('moving')['partitions'] == 5
    world.wait_caught_up('moving')


def case_killed_server(world):
    """The server dies ten times while it reads; with each start it goes on where rows are durable."""
    world.create('killed', 3)
    world.supervise('killed', taskCount=3)
    world.cluster.ask('start killed 0 150000 zstd 20000')
    for _ in range(10):
        time.sleep(0.4)
        world.server.kill()
        world.server.start()
    world.cluster.ask('wait')
    world.wait_rows('killed', range(150000))
