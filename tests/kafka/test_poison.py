"""Messages that are no rows."""
import json
import time

BAD = ('no json', '{"id":1}', '{"time":1714521600000,"id":', '[1,2]')


def send(world, topic, *texts):
    for text in texts:
        world.cluster.ask('send %s 0 %s' % (topic, text))


def case_dead_letters(world):
    """They go to their datasource with their place; rows around them are kept; a server that dies doubles neither."""
    world.create('poison', 1)
    world.cluster.ask('produce poison 0 1000 none 0')
    send(world, 'poison', *BAD)
    world.cluster.ask('produce poison 1000 1000 none 0')
    world.supervise('poison', deadLetters={'dataSource': 'poison_dead'})
    world.wait_rows('poison', range(2000))

    def dead():
        return world.server.sql('SELECT topic, "partition", "offset", "value" FROM poison_dead ORDER BY "offset"')[1]
    want = [['poison', 0, 1000 + i, text] for i, text in enumerate(BAD)]
    world.wait(lambda: dead() == want)
    assert world.server.value("SELECT COUNT(*) FROM poison_dead WHERE reason = '' OR reason IS NULL") == 0
    errors = world.server.get_json('/druid/indexer/v1/supervisor/poison/parseErrors')
    assert [e['offset'] for e in errors] == [1000, 1001, 1002, 1003], errors
    world.server.kill()
    world.server.start()
    world.wait_rows('poison', range(2000))
    time.sleep(0.5)
    assert dead() == want, dead()


def case_dead_letters_survive(world):
    """Killed again and again while half of the messages are no rows: each is kept once."""
    world.create('mixed', 1)
    world.supervise('mixed', deadLetters={'dataSource': 'mixed_dead'})
    for turn in range(12):
        world.cluster.ask('produce mixed %d 2000 none 0' % (turn * 2000))
        send(world, 'mixed', *('bad %d %d' % (turn, i) for i in range(5)))
        if turn % 2:
            world.server.kill()
            world.server.start()
    world.wait_rows('mixed', range(24000))
    want = sorted('bad %d %d' % (turn, i) for turn in range(12) for i in range(5))
    world.wait(lambda: [row[0] for row in world.server.sql('SELECT "value" FROM mixed_dead ORDER BY 1')[1]] == want, 30)


def case_too_many(world):
    """Past maxParseExceptions reading stops until somebody resumes it."""
    world.create('strict', 1)
    world.supervise('strict', tuning={'maxParseExceptions': 2})
    world.cluster.ask('produce strict 0 100 none 0')
    send(world, 'strict', *BAD[:3])
    world.wait(lambda: not world.status('strict')['healthy'])
    world.cluster.ask('produce strict 100 100 none 0')
    time.sleep(0.5)
    assert world.figures('strict')[0] == 100
    world.act('strict', 'resume')
    world.wait_rows('strict', range(200))


def case_odd_times(world):
    """Times that no row can have, bytes that are no UTF-8, a value that is empty: counted or mended, nothing else is affected."""
    world.create('odd', 1)
    send(world, 'odd', json.dumps({'time': 9 * 10**18, 'id': 1}), json.dumps({'time': -9 * 10**18, 'id': 2}),
         json.dumps({'time': 'yesterday', 'id': 3}), json.dumps({'time': 1714521600000, 'id': 4}))
    world.supervise('odd')
    world.wait_rows('odd', [4])
    errors = world.server.get_json('/druid/indexer/v1/supervisor/odd/parseErrors')
    assert [e['offset'] for e in errors] == [0, 1, 2], errors
