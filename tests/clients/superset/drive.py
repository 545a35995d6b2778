"""A person's first hour in Superset, by its own REST API: log in, connect the database, add a dataset, read its columns, draw
charts of every kind over it, ask in SQL Lab. drive.py http://superset http://ovate; one line a check: "ok      name" or
"FAILED  name: what".
"""
import sys
import urllib.parse

import requests

HOME = sys.argv[1] + '/api/v1/'
OVATE = urllib.parse.urlparse(sys.argv[2])
session = requests.Session()


def check(name, got, want):
    print('ok      %s' % name if got == want else 'FAILED  %s: want %r, got %r' % (name, want, got))


def call(method, path, body=None, expected=(200, 201)):
    reply = session.request(method, HOME + path, json=body, timeout=120)
    if reply.status_code not in expected:
        raise RuntimeError('%s %s: %d %s' % (method, path, reply.status_code, reply.text[:800]))
    return reply.json()


def chart(dataset, name, want, order=None, **query):
    """One query of a chart; rows as lists of values in the order of the first row's columns."""
    full = {'columns': [], 'metrics': ['count'], 'filters': [], 'extras': {}, 'row_limit': 10000, 'orderby': order or []}
    full.update(query)
    try:
        answer = call('POST', 'chart/data', {'datasource': {'id': dataset, 'type': 'table'}, 'force': True, 'result_format': 'json',
                                             'result_type': 'full', 'queries': [full]})
        rows = [list(row.values()) for row in answer['result'][0]['data']]
        check('chart: ' + name, rows, want)
    except RuntimeError as trouble:
        print('FAILED  chart: %s: %s' % (name, trouble))


def charts(dataset):
    days = [1704067200000, 1704153600000, 1704240000000]
    total = {'expressionType': 'SIMPLE', 'column': {'column_name': 'n'}, 'aggregate': 'SUM', 'label': 'total'}
    own = {'expressionType': 'SQL', 'sqlExpression': 'SUM(n) * 1.0 / COUNT(*)', 'label': 'mean'}
    by_day = {'columnType': 'BASE_AXIS', 'sqlExpression': '__time', 'label': '__time', 'expressionType': 'SQL', 'timeGrain': 'P1D'}
    chart(dataset, 'big number', [[30]])
    chart(dataset, 'bars', [['a', 10], ['b', 10], ['c', 10]], columns=['k'], order=[['k', True]])
    chart(dataset, 'top 2 by a sum', [['c', 155], ['b', 145]], columns=['k'], metrics=[total], order=[[total, False]], row_limit=2)
    chart(dataset, 'own metric', [[14.5]], metrics=[own])
    chart(dataset, 'time series by day', [[day, 10] for day in days], columns=[by_day], order=[['__time', True]])
    chart(dataset, 'time range', [[20]], time_range='2024-01-02T00:00:00 : 2024-01-04T00:00:00', granularity='__time')
    chart(dataset, 'series limit', [['c', 10]], columns=['k'], series_columns=['k'], series_limit=1, series_limit_metric=total)
    for name, rule, want in (
            ('IN', {'col': 'k', 'op': 'IN', 'val': ['a', 'b']}, 20), ('not equal', {'col': 'k', 'op': '!=', 'val': 'a'}, 20),
            ('LIKE', {'col': 'k', 'op': 'LIKE', 'val': 'a%'}, 10), ('ILIKE', {'col': 'k', 'op': 'ILIKE', 'val': 'A%'}, 10),
            ('greater', {'col': 'n', 'op': '>', 'val': 19}, 10), ('IS NULL', {'col': 'k', 'op': 'IS NULL'}, 0)):
        chart(dataset, 'filter ' + name, [[want]], filters=[rule])
    chart(dataset, 'HAVING', [['c', 155]], columns=['k'], metrics=[total], extras={'having': 'SUM(n) > 150', 'where': 'n >= 0'})
    chart(dataset, 'raw rows', [['a', 0], ['b', 1]], columns=['k', 'n'], metrics=None, order=[['n', True]], row_limit=2)
    for grain in ('PT1S', 'PT5S', 'PT30S', 'PT1M', 'PT5M', 'PT10M', 'PT15M', 'PT30M', 'PT1H', 'PT6H', 'P1D', 'P1W', 'P1M', 'P3M', 'P1Y',
                  'P1W/1970-01-03T00:00:00Z', '1969-12-28T00:00:00Z/P1W'):
        first = {'P1W/1970-01-03T00:00:00Z': 1704499200000, '1969-12-28T00:00:00Z/P1W': 1703980800000}.get(grain, days[0])
        chart(dataset, 'grain ' + grain, [[first, 10]], columns=[dict(by_day, timeGrain=grain)], order=[['__time', True]], row_limit=1,
              time_range='2024-01-01T00:00:00 : 2024-01-02T00:00:00', granularity='__time')


def main():
    token = call('POST', 'security/login', {'username': 'admin', 'password': 'admin', 'provider': 'db'})['access_token']
    session.headers['Authorization'] = 'Bearer ' + token
    uri = 'druid://%s:%d/druid/v2/sql/' % (OVATE.hostname, OVATE.port)
    check('connection test', call('POST', 'database/test_connection', {'sqlalchemy_uri': uri, 'database_name': 'ovate'})['message'], 'OK')
    database = call('POST', 'database/', {'database_name': 'ovate', 'sqlalchemy_uri': uri, 'expose_in_sqllab': True})['id']
    check('schemas', 'druid' in call('GET', 'database/%d/schemas/' % database)['result'], True)
    tables = call('GET', 'database/%d/tables/?q=(schema_name:druid)' % database)['result']
    check('tables', [table['value'] for table in tables], ['letters'])
    dataset = call('POST', 'dataset/', {'database': database, 'schema': 'druid', 'table_name': 'letters'})['id']
    columns = call('GET', 'dataset/%d' % dataset)['result']['columns']
    check('columns', sorted((c['column_name'], c['type'], c['is_dttm']) for c in columns),
          [('__time', 'LONG', True), ('k', 'STRING', False), ('n', 'LONG', False)])  # pydruid's own names
    charts(dataset)
    answer = call('POST', 'sqllab/execute/', {'database_id': database, 'schema': 'druid', 'runAsync': False, 'queryLimit': 1000,
                                              'sql': 'SELECT k, COUNT(*) AS c FROM letters GROUP BY k ORDER BY k LIMIT 5'})
    check('SQL Lab', [list(row.values()) for row in answer['data']], [['a', 10], ['b', 10], ['c', 10]])
    broken = call('POST', 'sqllab/execute/', {'database_id': database, 'schema': 'druid', 'runAsync': False,
                                              'sql': 'SELECT nothing_here FROM letters'}, range(400, 600))
    check('SQL Lab, an error', 'nothing_here' in str(broken), True)
    virtual = call('POST', 'dataset/', {'database': database, 'schema': 'druid', 'table_name': 'by_day',
                                        'sql': 'SELECT TIME_FLOOR(__time, \'P1D\') AS day, k, COUNT(*) AS c FROM letters GROUP BY 1, 2'})['id']
    chart(virtual, 'of a virtual dataset', [['a', 10]], columns=['k'], metrics=[{
        'expressionType': 'SIMPLE', 'column': {'column_name': 'c'}, 'aggregate': 'SUM', 'label': 's'}], order=[['k', True]], row_limit=1)


main()
