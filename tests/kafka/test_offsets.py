"""Where reading goes on: gaps, resets, and what people do to supervisors."""
import time


def gap_of(world, name):
    def look():
        status = world.status(name)
        return status if status['gaps'] and status['detailedState'] == 'UNHEALTHY_TASKS' else None
    try:
        return world.wait(look)
    except AssertionError as trouble:
        raise AssertionError('%s has no gap: %r, %r' % (name, world.figures(name), world.status(name))) from trouble


def with_gap(world, name, **tuning):
    """Two partitions; the first 1,000 of 3,000 offsets in partition 0 go while nobody reads."""
    world.create(name, 2)
    world.cluster.ask('produce %s 0 1000 none 0' % name)
    world.supervise(name, tuning=tuning)
    world.wait_rows(name, range(1000))
    world.act(name, 'suspend')
    world.cluster.ask('produce %s 1000 5000 none 0' % name)
    world.cluster.ask('trim %s 0 1000' % name)
    world.act(name, 'resume')


LEFT = [*range(1000), *range(1001, 6000, 2), *range(2000, 6000, 2)]


def case_gap_stops(world):
    """auto.offset.reset is `error`: one partition stands still, the other one goes on, and a reset settles it."""
    with_gap(world, 'gap')
    gap = gap_of(world, 'gap')['gaps'][0]
    assert (gap['partition'], gap['wanted'], gap['low'], gap['high']) == (0, 500, 1000, 3000), gap
    world.wait_rows('gap', [*range(1000), *range(1001, 6000, 2)])
    status = world.status('gap')
    assert not status['healthy'] and status['minimumLag'] == {'0': 2500, '1': 0} and status['lagSeconds'] > 0, status
    lag = world.server.sql("SELECT state, lag, lag_seconds FROM sys.supervisors WHERE supervisor_id = 'gap'")[1][0]
    assert lag[:2] == ['UNHEALTHY_TASKS', 2500] and lag[2] > 0, lag
    body = {'type': 'kafka', 'partitions': {'type': 'end', 'stream': 'gap', 'partitionOffsetMap': {'0': 1000}}}
    world.act('gap', 'resetOffsets', body)
    world.wait_rows('gap', LEFT)
    world.wait(lambda: world.status('gap')['state'] == 'RUNNING')


def case_gap_goes_on(world):
    """With resetOffsetAutomatically the gap is recorded and passed over."""
    with_gap(world, 'gapauto', resetOffsetAutomatically=True)
    world.wait_rows('gapauto', LEFT)
    status = world.status('gapauto')
    gap = status['gaps'][0]
    assert status['healthy'] and (gap['wanted'], gap['resumedAt']) == (500, 1000), status
    assert 'ovate_kafka_gap_records_total{supervisor="gapauto"} 500\n' in world.server.request('GET', '/metrics')[2].decode()


def case_gap_to_the_end(world):
    """Whoever starts at the latest offset goes on there."""
    world.create('gaplate', 1)
    world.supervise('gaplate', tuning={'resetOffsetAutomatically': True}, useEarliestOffset=False)
    world.wait(lambda: world.status('gaplate')['activeTasks'][0]['currentOffsets'] == {'0': 0})
    world.cluster.ask('produce gaplate 0 100 none 0')
    world.wait_rows('gaplate', range(100))
    world.act('gaplate', 'suspend')
    world.cluster.ask('produce gaplate 100 900 none 0')
    world.cluster.ask('trim gaplate 0 500')
    world.act('gaplate', 'resume')
    world.wait(lambda: world.status('gaplate')['gaps'])
    world.cluster.ask('produce gaplate 1000 10 none 0')
    world.wait_rows('gaplate', [*range(100), *range(1000, 1010)])


def case_retention(world):
    """The broker itself drops what is too old."""
    world.create('aging', 1, 'segment.bytes=300000', 'retention.bytes=300000', 'file.delete.delay.ms=100')
    world.cluster.ask('produce aging 0 100 none 0')
    world.supervise('aging')
    world.wait_rows('aging', range(100))
    world.act('aging', 'suspend')
    world.cluster.ask('produce aging 100 19900 none 0')
    world.wait(lambda: int(world.cluster.ask('begins aging')[0]) > 100)  # a broker's first look comes half a minute after its start
    world.act('aging', 'resume')
    gap = gap_of(world, 'aging')['gaps'][0]
    assert gap['wanted'] == 100 and 100 < gap['low'] < 20000, gap
    world.act('aging', 'reset')
    world.wait_rows('aging', [*range(100), *range(gap['low'], 20000)])


def read_some(world, name, partitions=1):
    """A topic whose first 1,000 messages are read."""
    world.create(name, partitions)
    world.cluster.ask('produce %s 0 1000 none 0' % name)
    world.supervise(name)
    world.wait_rows(name, range(1000))


def case_topic_made_anew(world):
    """A topic that was deleted and made again has fewer offsets than were read: a gap too, not a silent start."""
    read_some(world, 'again')
    world.act('again', 'suspend')
    world.cluster.ask('delete again')
    time.sleep(1)
    world.create('again', 1)
    world.cluster.ask('produce again 5000 10 none 0')
    world.act('again', 'resume')
    gap_of(world, 'again')
    world.act('again', 'reset')
    world.wait_rows('again', [*range(1000), *range(5000, 5010)])


def case_suspend_and_tasks(world):
    """Suspended, nothing is read; with another taskCount the partitions go on where they were."""
    world.create('pause', 4)
    world.supervise('pause')
    world.cluster.ask('produce pause 0 10000 none 0')
    world.wait_rows('pause', range(10000))
    world.act('pause', 'suspend')
    world.cluster.ask('produce pause 10000 10000 none 0')
    time.sleep(0.5)
    assert world.status('pause')['state'] == 'SUSPENDED' and world.figures('pause')[0] == 10000
    world.supervise('pause', taskCount=3)
    world.wait_rows('pause', range(20000))
    assert [len(t['currentOffsets']) for t in world.status('pause')['activeTasks']] == [2, 1, 1]
    world.supervise('pause', taskCount=1)
    world.cluster.ask('produce pause 20000 1000 none 0')
    world.wait_rows('pause', range(21000))


def case_reset_reads_again(world):
    """A reset starts again at the earliest offset: rows are there twice, as asked."""
    read_some(world, 'twice', 2)
    world.act('twice', 'reset')
    world.wait(lambda: world.figures('twice') == (2000, 2 * sum(range(1000)), 1000))


def case_terminate(world):
    """Offsets stay: the same document again goes on."""
    read_some(world, 'ended')
    world.act('ended', 'terminate')
    assert world.server.request('GET', '/druid/indexer/v1/supervisor/ended/status')[0] == 404
    world.cluster.ask('produce ended 1000 1000 none 0')
    world.supervise('ended')
    world.wait_rows('ended', range(2000))
    assert len(world.server.get_json('/druid/indexer/v1/supervisor/ended/history')) == 3
