"""Airflow's Druid provider: its ingestion hook with a batch spec and with SQL, jobs that are refused and that fail, and its
DB-API hook. smoke.py http://host:port; one line a check: "ok      name" or "FAILED  name: what".
"""
import json
import os
import sys
import urllib.parse

where = urllib.parse.urlparse(sys.argv[1])
spec = json.loads(sys.argv[2])
os.environ['AIRFLOW_CONN_DRUID_INGEST_DEFAULT'] = json.dumps({
    'conn_type': 'http', 'host': where.hostname, 'port': where.port,
    'extra': {'endpoint': 'druid/indexer/v1/task', 'msq_endpoint': 'druid/v2/sql/task'}})
os.environ['AIRFLOW_CONN_DRUID_BROKER_DEFAULT'] = json.dumps({
    'conn_type': 'druid', 'host': where.hostname, 'port': where.port, 'extra': {'endpoint': 'druid/v2/sql'}})

from airflow.exceptions import AirflowException  # noqa: E402
from airflow.providers.apache.druid.hooks.druid import DruidDbApiHook, DruidHook, IngestionType  # noqa: E402


def check(name, got, want):
    print('ok      %s' % name if got == want else 'FAILED  %s: want %r, got %r' % (name, want, got))


def refused(work):
    try:
        work()
        return 'no error'
    except AirflowException as trouble:
        return str(trouble)


hook, broker = DruidHook(timeout=1), DruidDbApiHook()
hook.submit_indexing_job(json.dumps(spec))
check('batch job, rows', list(broker.get_first('SELECT COUNT(*) AS c, SUM(n) AS s FROM letters')), [30, 435])
check('batch job, groups', [tuple(row) for row in broker.get_records('SELECT k, COUNT(*) AS c FROM letters GROUP BY k ORDER BY k')],
      [('a', 10), ('b', 10), ('c', 10)])
hook.submit_indexing_job(json.dumps({
    'query': 'REPLACE INTO airflow_days OVERWRITE ALL SELECT TIME_FLOOR(__time, \'P1D\') AS __time, k, COUNT(*) AS c '
             'FROM letters GROUP BY 1, 2 PARTITIONED BY DAY', 'context': {'maxNumTasks': 2}}), IngestionType.MSQ)
check('SQL job, rows', [tuple(row) for row in broker.get_records('SELECT COUNT(*) AS n, SUM(c) AS s FROM airflow_days')], [(9, 30)])
check('a connection test', broker.test_connection()[0], True)
check('the URI', broker.get_uri(), 'druid://%s:%d/druid/v2/sql' % (where.hostname, where.port))
check('parameters', [tuple(row) for row in broker.get_records('SELECT COUNT(*) AS c FROM letters WHERE k = %(k)s', {'k': 'a'})], [(10,)])
broken = json.loads(json.dumps(spec))
del broken['spec']['dataSchema']
check('a spec without dataSchema', 'Did not get 200' in refused(lambda: hook.submit_indexing_job(json.dumps(broken))), True)
poor = json.loads(json.dumps(spec))
poor['spec']['dataSchema']['dataSource'] = 'airflow_poor'
poor['spec']['ioConfig']['inputSource']['data'] = 'no json\n' * 5
poor['spec']['tuningConfig'] = {'type': 'index_parallel', 'maxParseExceptions': 0}
check('a job that fails', refused(lambda: hook.submit_indexing_job(json.dumps(poor))), 'Druid indexing job failed, check console for more info')
