#!/usr/bin/env python3
"""Unmodified clients against the server: pydruid's native client, its DB-API and SQLAlchemy dialect, as Superset and Airflow use them.

Needs pydruid and sqlalchemy (tests/setup-venv.sh); skipped with a word where they cannot be installed.
"""
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'lib'), os.path.join(HERE, '..', 'slt')]
import tables  # noqa: E402
from ovatetest import Counter, Server, module  # noqa: E402

module('pydruid')
module('sqlalchemy')
from pydruid.client import PyDruid  # noqa: E402
from pydruid.db import connect  # noqa: E402
from pydruid.utils import aggregators  # noqa: E402
from pydruid.utils.filters import Bound, Dimension, Filter  # noqa: E402
from pydruid.utils.having import Aggregation  # noqa: E402
from pydruid.utils.postaggregator import Const, Field  # noqa: E402
from sqlalchemy import create_engine, func, inspect, select, table as sql_table, column, text  # noqa: E402


def db_api(counter, server):
    cursor = connect(host='127.0.0.1', port=server.port, path='/druid/v2/sql/', scheme='http').cursor()
    cursor.execute('SELECT s, l, d FROM tiny WHERE l BETWEEN 1 AND 2 ORDER BY l')
    counter.equal('dbapi rows', [tuple(row) for row in cursor], [('a', 1, 1.5), ('b', 2, -2.25)])
    counter.equal('dbapi names', [c[0] for c in cursor.description], ['s', 'l', 'd'])
    cursor.execute('SELECT COUNT(*) AS n FROM tiny WHERE s = %(who)s', {'who': "a"})
    counter.equal('dbapi parameters', [tuple(row) for row in cursor], [(3,)])
    cursor.execute("SELECT s FROM tiny WHERE s = 'nobody'")
    counter.equal('dbapi no rows', list(cursor), [])
    cursor.execute("SELECT s FROM tiny WHERE s LIKE '%\"%' OR s LIKE '%,%' OR s = '한글' ORDER BY __time")
    counter.equal('dbapi odd text', [row[0] for row in cursor], ['quoted, comma', 'say "hi"', '한글'])
    # Its tokenizer takes \" for an escaped quote whatever stands before it: a value ending in a backslash must not break it.
    cursor.execute("SELECT s || '\\' AS x, l FROM tiny WHERE l = 1")
    counter.equal('dbapi value that ends in a backslash', [tuple(row) for row in cursor], [('a\\', 1)])
    try:
        cursor.execute('SELECT nothing_here FROM tiny')
        list(cursor)
        counter.check('dbapi error', False, 'no error')
    except Exception as trouble:
        counter.check('dbapi error', 'nothing_here' in str(trouble), trouble)


def alchemy(counter, server):
    engine = create_engine('druid://127.0.0.1:%d/druid/v2/sql/' % server.port)
    with engine.connect() as link:
        counter.equal('alchemy ping', link.execute(text('SELECT 1')).scalar(), 1)
        tiny = sql_table('tiny', column('s'), column('l'))
        rows = link.execute(select(tiny.c.s, func.count().label('n')).where(tiny.c.s.in_(['a', 'b'])).group_by(tiny.c.s)
                            .order_by(tiny.c.s)).fetchall()
        counter.equal('alchemy group by', [tuple(row) for row in rows], [('a', 3), ('b', 1)])
        hours = link.execute(text(
            """SELECT TIME_FLOOR(CAST("__time" AS TIMESTAMP), 'PT1H') AS "__time", COUNT(*) AS "count" FROM "druid"."events"
               WHERE "__time" >= '2024-02-29 00:00:00.000000' AND "__time" < '2024-02-29 03:00:00.000000'
               GROUP BY TIME_FLOOR(CAST("__time" AS TIMESTAMP), 'PT1H') ORDER BY __time ASC LIMIT 10000""")).fetchall()
        counter.equal('superset chart', [row[0] for row in hours],
                      ['2024-02-29T0%d:00:00.000Z' % hour for hour in range(3)])
    look = inspect(engine)
    names = look.get_schema_names()
    counter.check('alchemy schemas', {'druid', 'sys'} <= set(names), names)
    counter.check('alchemy tables', {'tiny', 'events'} <= set(look.get_table_names()))
    counter.equal('alchemy columns', [c['name'] for c in look.get_columns('tiny')], ['__time', 's', 't', 'l', 'd', 'f'])


def native(counter, server):
    """Every query type of pydruid's own client, with its filters and aggregators."""
    client = PyDruid('http://127.0.0.1:%d' % server.port, 'druid/v2')
    year = '2000-01-01/2040-01-01'
    sums = {'n': aggregators.count('n'), 'l': aggregators.longsum('l')}
    whole = client.timeseries(datasource='tiny', granularity='all', intervals=year, aggregations=sums,
                              post_aggregations={'half': Field('l') / Const(2)}, filter=Dimension('s') == 'a').result
    expected = server.sql("SELECT COUNT(*), SUM(l) FROM tiny WHERE s = 'a'")[1][0]
    counter.equal('native timeseries', [[whole[0]['result']['n'], whole[0]['result']['l']]], [expected])
    counter.equal('native post-aggregator', whole[0]['result']['half'], expected[1] / 2)
    top = client.topn(datasource='tiny', granularity='all', intervals=year, dimension='s', metric='n', threshold=2,
                      aggregations={'n': aggregators.count('n')}, filter=~(Dimension('s') == None)).result  # noqa: E711
    counter.equal('native topN', [row['n'] for row in top[0]['result']],
                  [r[0] for r in server.sql('SELECT COUNT(*) FROM tiny WHERE s IS NOT NULL GROUP BY s ORDER BY 1 DESC LIMIT 2')[1]])
    groups = client.groupby(datasource='tiny', granularity='all', intervals=year, dimensions=['s'], aggregations=sums,
                            filter=Filter(type='in', dimension='s', values=['a', 'b']), having=Aggregation('n') > 1,
                            limit_spec={'type': 'default', 'limit': 10, 'columns': ['s']}).result
    counter.equal('native groupBy', [(row['version'], row['event']['s'], row['event']['n']) for row in groups], [('v1', 'a', 3)])
    scan = client.scan(datasource='tiny', granularity='all', intervals=year, columns=['s', 'l'], limit=3,
                       filter=Bound('l', '1', '2', False, False, ordering='numeric')).result
    counter.equal('native scan', sorted(row['l'] for part in scan for row in part['events']), [1, 2])
    columns = client.segment_metadata(datasource='tiny', intervals=year, merge=True).result[0]['columns']
    counter.equal('native segmentMetadata', {name: c['type'] for name, c in columns.items()},
                  {'__time': 'LONG', 's': 'STRING', 't': 'STRING', 'l': 'LONG', 'd': 'DOUBLE', 'f': 'FLOAT'})
    bounds = client.time_boundary(datasource='tiny').result[0]['result']
    counter.check('native timeBoundary', bounds['minTime'] <= bounds['maxTime'], bounds)
    try:
        client.select(datasource='tiny', granularity='all', intervals=year, dimensions=[], metrics=[],
                      paging_spec={'pagingIdentifiers': {}, 'threshold': 1})
        counter.check('native select', False, 'no error')
    except OSError as trouble:
        counter.check('native select', 'scan' in str(trouble), trouble)


def main():
    counter = Counter()
    with tempfile.TemporaryDirectory(prefix='ovate-clients-') as folder, Server() as server:
        for name in ('tiny', 'events'):
            server.ingest(tables.spec(name, folder)[0])
            server.wait_table(name)
        for part in (native, db_api, alchemy):
            try:
                part(counter, server)
            except Exception as trouble:  # a client's own exception is the finding
                counter.check(part.__name__, False, '%s: %s' % (type(trouble).__name__, trouble))
    counter.finish()


main()
