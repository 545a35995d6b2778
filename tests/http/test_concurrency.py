"""Queries beside ingestion: every answer is of one committed state, and the server answers while it loads."""
import json
import threading

from test_formats import check, same
from test_tasks import inline

ROWS = 500


def batch(number):
    return ['{"t":"2024-01-0%dT00:00:%02dZ","k":"b%d","n":%d}' % (1 + i % 3, i % 60, number, i) for i in range(ROWS)]


def watch(server, sql, look):
    """Ask `sql` again and again on connections of their own; returns the function that ends that and checks."""
    stop, troubles, asked = threading.Event(), [], [0]

    def ask():
        mine = server.another()
        while not stop.is_set():
            try:
                rows = mine.sql(sql)[1]
                asked[0] += 1
                if not look(rows):
                    troubles.append(rows)
            except Exception as trouble:
                troubles.append(repr(trouble))
    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()

    def end():
        stop.set()
        for thread in threads:
            thread.join(60)
        check(not troubles, 'of %d answers %d are wrong, the first: %.500s' % (asked[0], len(troubles), troubles[:1]))
        check(asked[0] > 10, 'only %d answers' % asked[0])
    return end


def replaced(server):
    """All three days are replaced in one commit: a query sees one batch whole, never a mixture."""
    server.ingest(inline('swap', batch(0)))
    server.wait_table('swap')
    end = watch(server, 'SELECT COUNT(*), COUNT(DISTINCT k), SUM(n) FROM swap',
                lambda rows: rows == [[ROWS, 1, ROWS * (ROWS - 1) // 2]])
    for number in range(1, 16):
        server.ingest(inline('swap', batch(number)))
    end()
    same(server.sql('SELECT DISTINCT k FROM swap')[1], [['b15']])


def appended(server):
    """Counts only grow, by whole batches, and no connection ever sees fewer rows than before."""
    server.ingest(inline('grow', batch(0)))
    server.wait_table('grow')
    end = watch(server, 'SELECT COUNT(*), SUM(n) FROM grow',
                lambda rows: rows[0][0] % ROWS == 0 and rows[0][1] == rows[0][0] // ROWS * (ROWS * (ROWS - 1) // 2))
    for number in range(1, 16):
        server.ingest(inline('grow', batch(number), appendToExisting=True))
    end()
    same(server.value('SELECT COUNT(*) FROM grow'), 16 * ROWS)


def side_by_side(server):
    """Eight tasks at once on eight datasources, all right."""
    tasks = [json.loads(server.post('/druid/indexer/v1/task', inline('side%d' % i, batch(i)))[2])['task'] for i in range(8)]
    same([server.wait_task(task)['status'] for task in tasks], ['SUCCESS'] * 8)
    for i in range(8):
        same(server.sql('SELECT COUNT(*), MIN(k) FROM side%d' % i)[1], [[ROWS, 'b%d' % i]])


def cases(server):
    for function in (replaced, appended, side_by_side):
        yield function.__name__.replace('_', ' '), lambda f=function: f(server)
