#!/usr/bin/env python3
"""What well-known clients send over HTTP and need back, request by request, over the day of Wikipedia edits of Druid's tutorial.

The clients themselves are in the other files; here are the requests, headers and answers that each of them was seen to depend on, so that a
client that cannot be installed is looked after too. Needs the real data (OVATE_SHARED).
"""
import gzip
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'lib'))
from ovatetest import Counter, Server, fill, load_json, shared_folder  # noqa: E402

COUNT = [{'type': 'count', 'name': 'n'}]
YEAR = '2015/2016'
FIRST = '2015-09-12T00:46:58.771Z'
CHART = '''SELECT TIME_FLOOR(CAST("__time" AS TIMESTAMP), 'PT1H') AS "__time", COUNT(*) AS "count" FROM "druid"."wikipedia"
WHERE "__time" >= '2015-09-12 00:00:00.000000' AND "__time" < '2015-09-13 00:00:00.000000'
GROUP BY TIME_FLOOR(CAST("__time" AS TIMESTAMP), 'PT1H') ORDER BY __time ASC LIMIT 10000'''
COLUMNS = """SELECT COLUMN_NAME, JDBC_TYPE, IS_NULLABLE, COLUMN_DEFAULT FROM INFORMATION_SCHEMA.COLUMNS
WHERE TABLE_NAME = 'wikipedia' AND TABLE_SCHEMA = 'druid'"""
WEEKS = """SELECT TIME_SHIFT(TIME_FLOOR(TIME_SHIFT(CAST("__time" AS TIMESTAMP), 'P1D', 1), 'P1W'), 'P1D', 5) AS t FROM wikipedia LIMIT 1"""


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


class Page:
    """The server and the counter, and requests in a word."""

    def __init__(self, server, counter):
        self.server, self.counter = server, counter

    def ask(self, method, path, body=None, **headers):
        if body is not None:
            headers = dict({'Content-Type': 'application/json'}, **headers)
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        return Answer(*self.server.request(method, path, body, {k.replace('_', '-'): v for k, v in headers.items()}))

    def sql(self, query, path='/druid/v2/sql', **fields):
        return self.ask('POST', path, dict(query=query, **fields))

    def native(self, **query):
        return self.ask('POST', '/druid/v2', dict({'dataSource': 'wikipedia', 'intervals': YEAR}, **query))

    def avatica(self, request, **fields):
        return self.ask('POST', '/druid/v2/sql/avatica/', dict(fields, request=request), Content_Type='application/octet-stream')

    def equal(self, name, got, want):
        self.counter.equal(name, got, want)

    def check(self, name, good, detail=''):
        self.counter.check(name, good, detail)


def all_clients(p):
    for path in ('/druid/v2/sql', '/druid/v2/sql/'):
        p.equal('POST ' + path, p.sql('SELECT 1 AS x', path).json, [{'x': 1}])
    for path in ('/druid/v2', '/druid/v2/'):
        p.equal('POST ' + path, p.ask('POST', path, {'queryType': 'timeBoundary', 'dataSource': 'wikipedia'}).status, 200)
    for path in ('/druid/v2/datasources', '/druid/v2/datasources/'):
        p.equal('GET ' + path, p.ask('GET', path).json, ['wikipedia'])
    text = b'{"query":"SELECT 1 AS x"}'
    for header in ({'Content_Type': 'application/json;charset=UTF-8'}, {'Content_type': 'application/json'}, {'CONTENT_TYPE': 'application/json'}):
        p.equal('content type %s' % header, p.server.request('POST', '/druid/v2/sql', text, {
            k.replace('_', '-'): v for k, v in header.items()})[0], 200)
    long = b'{"query":"SELECT channel, page FROM wikipedia LIMIT 200"}'
    plain = p.ask('POST', '/druid/v2/sql', long, Accept_Encoding='identity')
    p.check('identity gets plain bytes', 'content-encoding' not in plain.headers, plain.headers)
    for takes in ('gzip, deflate', 'gzip, deflate, br, zstd', 'gzip, x-gzip, deflate', 'gzip'):
        packed = p.ask('POST', '/druid/v2/sql', long, Accept_Encoding=takes)
        p.equal(takes, (packed.headers['content-encoding'], gzip.decompress(packed.body)), ('gzip', plain.body))
    answer = p.sql('SELECT 1 AS x', header=True)
    p.equal('the header says that it is there', answer.headers['x-druid-sql-header-included'], 'yes')
    p.check('the id of a statement', answer.headers.get('x-druid-sql-query-id'))
    answer = p.native(queryType='timeBoundary')
    p.check('the id of a query', answer.headers.get('x-druid-query-id'))
    p.equal('the context of an answer', answer.headers['x-druid-response-context'], '{}')
    answer = p.sql('SELECT * FROM no_such_table')
    p.equal('an error', (answer.status, answer.json), (400, {
        'error': 'druidException', 'errorCode': 'invalidInput', 'persona': 'USER', 'category': 'INVALID_INPUT',
        'errorMessage': "Object 'no_such_table' not found (line [1], column [15])",
        'context': {'sourceType': 'sql', 'line': '1', 'column': '15', 'endLine': '1', 'endColumn': '27'}}))


def pydruid_and_superset(p):
    answer = p.native(queryType='select')
    p.check('select names scan', answer.status == 400 and answer.json['error'] == 'Unknown exception' and 'scan' in answer.json['errorMessage'],
            answer.body)
    p.equal('scan with a granularity', p.native(queryType='scan', granularity='all', limit=1).status, 200)
    ends = p.sql("SELECT DISTINCT page FROM wikipedia WHERE page LIKE '%\\'")
    p.check('a backslash at the end', ends.status == 200 and b'\\\\"' not in ends.body, ends.body)
    p.equal('arrays are text', p.sql('SELECT ARRAY[1, 2] AS a').json, [{'a': '[1,2]'}])
    p.equal('names of an empty result', p.sql('SELECT channel, added FROM wikipedia WHERE 1 = 0', header=True).json, [{'channel': None, 'added': None}])
    p.equal('a time zone', p.sql('SELECT __time FROM wikipedia ORDER BY __time LIMIT 1', context={'sqlTimeZone': 'Asia/Tokyo'}).json,
            [{'__time': '2015-09-12T09:46:58.771+09:00'}])
    p.equal('has_table', p.sql("SELECT COUNT(*) > 0 AS exists_ FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_NAME = 'x'").json, [{'exists_': False}])
    schemas = {row['SCHEMA_NAME'] for row in p.sql('SELECT SCHEMA_NAME FROM INFORMATION_SCHEMA.SCHEMATA').json}
    p.check('schemas', {'druid', 'lookup', 'sys', 'view', 'INFORMATION_SCHEMA'} <= schemas, schemas)
    columns = {row['COLUMN_NAME']: (row['JDBC_TYPE'], row['IS_NULLABLE'], row['COLUMN_DEFAULT']) for row in p.sql(COLUMNS).json}
    p.equal('columns', [columns[c] for c in ('__time', 'channel', 'added')], [(93, 'NO', ''), (12, 'YES', ''), (-5, 'YES', '')])
    chart = p.sql(CHART).json
    p.equal('a chart', (len(chart), sum(row['count'] for row in chart)), (24, 39244))
    p.equal('weeks that end on Saturday', p.sql(WEEKS).json, [{'t': '2015-09-12T00:00:00.000Z'}])
    p.equal('a filter box', len(p.sql('SELECT DISTINCT "channel" AS "column_values" FROM "druid"."wikipedia" LIMIT 10000').json), 51)


def airflow(p):
    p.equal('nothing to delete', (lambda a: (a.status, a.json['numChangedSegments']))(p.ask('DELETE', '/druid/coordinator/v1/datasources/none')), (200, 0))
    answer = p.ask('POST', '/druid/indexer/v1/task', {'type': 'index_parallel', 'spec': {}})
    p.check('a spec without dataSchema', answer.status == 400 and 'error' in answer.json, answer.body)
    task = p.ask('GET', '/druid/indexer/v1/completeTasks').json[0]['id']
    status = p.ask('GET', '/druid/indexer/v1/task/%s/status' % task).json
    p.equal('a task', (status['task'], status['status']['status'], sorted(status['status'])), (task, 'SUCCESS', sorted((
        'id', 'groupId', 'type', 'createdTime', 'queueInsertionTime', 'statusCode', 'status', 'runnerStatusCode', 'duration', 'location',
        'dataSource', 'errorMsg'))))


def avatica(p):
    error = p.avatica('prepareAndExecute', connectionId='none', statementId=1, sql='SELECT 1', maxRowCount=-1, maxRowsInFirstFrame=-1)
    p.equal('an unknown connection', (error.status, error.json['errorCode'], error.json['severity'], error.headers['content-type']),
            (500, 1, 'ERROR', 'application/json;charset=utf-8'))
    opened = p.avatica('openConnection', connectionId='page', info={})
    p.equal('open', (opened.status, opened.json['rpcMetadata']['response']), (200, 'rpcMetadata'))
    p.equal('sync', p.avatica('connectionSync', connectionId='page', connProps={'connProps': 'connPropsImpl', 'dirty': True}).status, 200)
    statement = p.avatica('createStatement', connectionId='page').json['statementId']
    frame = p.avatica('prepareAndExecute', connectionId='page', statementId=statement, sql='SELECT page FROM wikipedia', maxRowCount=-1,
                      maxRowsInFirstFrame=-1).json['results'][0]['firstFrame']
    p.equal('the first frame', (len(frame['rows']), frame['done']), (5000, False))
    fetch = lambda offset: p.avatica('fetch', connectionId='page', statementId=statement, offset=offset, fetchMaxRowCount=7)
    p.equal('a frame', len(fetch(5000).json['frame']['rows']), 100)
    p.equal('a frame from elsewhere', fetch(3).status, 500)
    p.equal('close the statement', p.avatica('closeStatement', connectionId='page', statementId=statement).status, 200)
    p.equal('properties', p.avatica('databaseProperties', connectionId='page').json['map'], {})
    p.equal('close', p.avatica('closeConnection', connectionId='page').status, 200)


def plywood(p):
    meta = p.ask('POST', '/druid/v2/', {'queryType': 'segmentMetadata', 'dataSource': 'wikipedia', 'merge': True,
                                        'analysisTypes': ['aggregators'], 'lenientAggregatorMerge': True}).json[0]
    p.equal('no intervals unless asked for', meta['intervals'], None)
    p.check('columns without errors', all(c['errorMessage'] is None and c['size'] >= 0 for c in meta['columns'].values()), meta['columns'])
    p.check('dimensions of old data', 'channel' in p.ask('GET', '/druid/v2/datasources/wikipedia').json['dimensions'])
    hours = p.native(queryType='timeseries', intervals='2015-09-12T00Z/2015-09-13T00Z', aggregations=COUNT,
                     granularity={'type': 'period', 'period': 'PT1H', 'timeZone': 'Etc/UTC'}, context={'skipEmptyBuckets': 'true'})
    p.equal('times of hours', len(hours.json), 24)
    top = p.native(queryType='topN', granularity='all', dimension='channel', metric='n', threshold=2, aggregations=COUNT,
                   filter={'type': 'bound', 'dimension': 'added', 'lower': 1000, 'ordering': 'numeric'})
    p.equal('a bound that is a number', len(top.json[0]['result']), 2)
    ordered = p.native(queryType='groupBy', granularity='all', dimensions=['channel'], aggregations=COUNT,
                       limitSpec={'type': 'default', 'columns': ['n'], 'limit': 1}, having={'type': 'filter', 'filter': {
                           'type': 'bound', 'dimension': 'n', 'lower': 10, 'ordering': 'numeric'}})
    p.check('limits by name, having as a filter', ordered.status == 200 and ordered.json[0]['event']['n'] >= 10, ordered.body)
    p.equal('cancel', p.ask('DELETE', '/druid/v2/nobody').status, 202)


def toolkit_cube_and_go(p):
    rows = p.sql('SELECT channel, COUNT(*) AS n FROM wikipedia GROUP BY 1 LIMIT 1', resultFormat='array', header=True, typesHeader=True,
                 sqlTypesHeader=True).json
    p.equal('three header rows', rows[:3], [['channel', 'n'], ['STRING', 'LONG'], ['VARCHAR', 'BIGINT']])
    p.equal('__time comes first', p.sql('SELECT * FROM wikipedia LIMIT 1', resultFormat='array', header=True).json[0][0], '__time')
    rows = p.sql('SELECT COUNT(*) AS n FROM wikipedia WHERE added > ?', parameters=[{'value': '1000', 'type': 'VARCHAR'}], header=True,
                 sqlTypesHeader=True, resultFormat='object').json
    p.check('parameters are text', rows[0] == {'n': {'sqlType': 'BIGINT'}} and rows[1]['n'] > 0, rows)
    status = p.ask('GET', '/status').json
    p.check('status', 'version' in status and all(isinstance(v, int) for v in status['memory'].values()), status)
    p.equal('health', p.ask('GET', '/status/health').json, True)
    p.check('properties are texts', all(isinstance(v, str) for v in p.ask('GET', '/status/properties').json.values()))
    p.equal('discovered', p.ask('GET', '/status/selfDiscovered/status').json, {'selfDiscovered': True})
    p.equal('SQL with a query type', p.sql('SELECT 1 AS x', queryType='sql', resultFormat='array', header=True).json, [['x'], [1]])
    answer = p.native(queryType='timeBoundary', dataSource={'type': 'table', 'name': 'wikipedia'}, intervals={'type': 'intervals', 'intervals': [YEAR]})
    p.equal('a table and intervals as objects', answer.status, 200)


def native_answers(p):
    series = dict(queryType='timeseries', granularity='all', aggregations=COUNT)
    top = dict(queryType='topN', granularity='all', dimension='channel', metric='n', threshold=1, aggregations=COUNT)
    groups = dict(queryType='groupBy', granularity='all', dimensions=['channel'], aggregations=COUNT)
    p.equal('the time of a series', p.native(**series).json[0]['timestamp'], FIRST)
    p.equal('the time of a topN', p.native(**top).json[0]['timestamp'], FIRST)
    group = p.native(**groups).json[0]
    p.equal('the time of groups', (group['timestamp'], group['version']), ('2015-01-01T00:00:00.000Z', 'v1'))
    p.equal('a series of nothing', p.native(dataSource='none', **series).json, [{'timestamp': '2015-01-01T00:00:00.000Z', 'result': {'n': 0}}])
    for query in (top, groups, dict(queryType='timeBoundary')):
        p.equal('%s of nothing' % query['queryType'], p.native(dataSource='none', **query).json, [])
    p.equal('one bound', p.native(queryType='timeBoundary', bound='minTime').json[0]['result'], {'minTime': FIRST})
    p.equal('the latest row', list(p.native(queryType='dataSourceMetadata').json[0]['result']), ['maxIngestedEventTime'])
    scan = p.native(queryType='scan', columns=['__time', 'page'], limit=1, resultFormat='compactedList').json
    p.equal('times of scan are numbers', scan[0]['events'][0][0], 1442018818771)
    distinct = p.native(**dict(series, aggregations=[{'type': 'cardinality', 'name': 'n', 'fields': ['user']}])).json[0]['result']['n']
    p.check('cardinality is a DOUBLE', isinstance(distinct, float), distinct)


def main():
    counter = Counter()
    shared = shared_folder('data/druid-golden/specs/wikipedia.json')
    with Server() as server:
        server.ingest(fill(load_json(os.path.join(shared, 'data', 'druid-golden', 'specs', 'wikipedia.json')), {'SHARED': shared}))
        server.wait_table('wikipedia')
        page = Page(server, counter)
        for part in (all_clients, pydruid_and_superset, airflow, avatica, plywood, toolkit_cube_and_go, native_answers):
            try:
                part(page)
            except (KeyError, IndexError, ValueError, TypeError) as trouble:
                counter.check(part.__name__, False, '%s: %s' % (type(trouble).__name__, trouble))
    counter.finish()


main()
