#!/usr/bin/env python3
"""Every analytic of docs/examples/analytics over real rows: Ovate, DuckDB and the answers that are written down agree.

    run.py [--only WORD] [--verbose]
    run.py --duckdb [--fill]             check (or write) the answers with DuckDB alone

Ovate gets its rows through the sources that come with the program, against servers on loopback, and through the specs of docs/examples;
DuckDB reads the same files, or rows made of them in real.py, and runs the same text. The files are not in this repository: OVATE_SHARED or a sibling folder `shared` holds them.
"""
import argparse
import glob
import json
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE] + [os.path.join(ROOT, 'tests', part) for part in ('lib', 'slt', 'diff', 'pull')]
import real  # noqa: E402
import sltfile  # noqa: E402
from doubles import Seoul  # noqa: E402
from duckdb_side import MACROS, plain  # noqa: E402
from duckdb_tables import TABLES  # noqa: E402
from ovatetest import Counter, Server, SqlError, load_json, module, shared_folder  # noqa: E402

EXAMPLES = os.path.join(ROOT, 'docs', 'examples')
NEEDS = ('data/commits', 'data/github-ranking', 'data/gharchive', 'data/github-rest', 'data/seoul', 'data/steam', 'data/stackoverflow', 'data/chain')
# tables that the published specs load: spec, and how many rows it must give
SPECS = {'commits.json': 2_100_603, 'github-ranking.json': 3_900_960, 'so-tag-years.json': 40_518, 'seoulbike-trips.json': 41_307,
         'ethereum-transactions.json': 448}
MORE_MACROS = """
CREATE OR REPLACE MACRO MV_TO_ARRAY(x) AS x;
CREATE OR REPLACE MACRO TIME_FLOOR(t, p) AS CASE p WHEN 'PT1M' THEN date_trunc('minute', t) WHEN 'PT1H' THEN date_trunc('hour', t)
    WHEN 'P1D' THEN date_trunc('day', t)::TIMESTAMP WHEN 'P1W' THEN date_trunc('week', t)::TIMESTAMP
    WHEN 'P1M' THEN date_trunc('month', t)::TIMESTAMP WHEN 'P3M' THEN date_trunc('quarter', t)::TIMESTAMP
    WHEN 'P1Y' THEN date_trunc('year', t)::TIMESTAMP END;
CREATE MACRO TIME_PARSE(t) AS TRY_CAST(t AS TIMESTAMPTZ)::TIMESTAMP;
CREATE MACRO TIME_EXTRACT(t, u) AS CASE u WHEN 'DOW' THEN isodow(t) WHEN 'HOUR' THEN hour(t) END;
CREATE OR REPLACE MACRO MILLIS_TO_TIMESTAMP(n) AS make_timestamp(n * 1000);
CREATE MACRO APPROX_QUANTILE_DS(x, q, k) AS quantile_disc(x::DOUBLE, q);
"""


class Analytic:
    def __init__(self, path):
        self.name = os.path.basename(path)[:-4]
        with open(path, encoding='utf-8') as file:
            self.sql = file.read()
        self.answer_path = os.path.join(HERE, 'answers', self.name + '.txt')

    def answer(self):
        if not os.path.exists(self.answer_path):
            return None
        with open(self.answer_path, encoding='utf-8') as file:
            return file.read().splitlines()

    def compare(self, expected, rows):
        record = sltfile.Record('query', 0)
        record.expected = expected
        return sltfile.difference(record, rows)


# ---------------------------------------------------------------- DuckDB

class Duck:
    def __init__(self, shared):
        data = os.path.join(shared, 'data')
        self.link = module('duckdb').connect()
        self.link.execute("SET TimeZone = 'UTC'; SET default_null_order = 'nulls_first_on_asc_last_on_desc'; SET integer_division = true")
        self.link.execute(MACROS + MORE_MACROS)
        for name in ('commits', 'github_ranking'):
            self.link.execute('CREATE TABLE "%s" AS %s' % (TABLES[name].datasource, TABLES[name].sql.replace('@DATA@', data)))
        self.link.execute("""CREATE TABLE so_tag_year AS SELECT make_timestamp(year, 1, 1, 0, 0, 0.0) AS __time, tag, number AS questions, year_total
            FROM read_csv('%s/stackoverflow/by_tag_year.csv.gz', header = true)""" % data)
        self.link.execute("""CREATE TABLE seoulbike_trip AS SELECT strptime(column02, '%%Y-%%m-%%d %%H:%%M') AS __time, column03 AS rent_station,
            column06 AS return_station, column08 AS minutes FROM read_csv('%s/seoul/trips_2018_sample_noheader.csv.gz', header = false,
            types = {'column02': 'VARCHAR'})""" % data)
        self.link.execute("""CREATE TABLE defi_tx AS SELECT make_timestamp(block_timestamp * 1000000) AS __time, from_address, to_address, gas, gas_price
            FROM read_json('%s/chain/ethereum_transactions.ndjson.gz', format = 'newline_delimited', columns = {block_timestamp: 'BIGINT',
            from_address: 'VARCHAR', to_address: 'VARCHAR', gas: 'BIGINT', gas_price: 'BIGINT'})""" % data)
        self.link.execute("""CREATE TABLE steam_players AS SELECT "DateTime"::TIMESTAMP AS __time, game, player_count
            FROM (UNPIVOT (SELECT * FROM read_csv('%s/steam/steamdb_daily_peak_players_top10_2011_2022.csv.gz', header = true)) ON COLUMNS(* EXCLUDE "DateTime")
            INTO NAME game VALUE player_count)""" % data)
        recorded = real.Recorded(data)
        self.table('gh_event', real.rows_of_events(data), real.EVENT_TYPES)
        self.table('gh_issue', real.rows_of_issues(recorded), {'labels': 'VARCHAR[]', 'assignees': 'VARCHAR[]', 'seconds_to_close': 'BIGINT'})
        self.table('gh_release', real.rows_of_releases(recorded), {'asset_downloads': 'VARCHAR[]'})
        self.table('gh_repo_snapshot', real.rows_of_repos(recorded), {})
        self.table('gh_language', real.rows_of_languages(recorded), {})
        self.table('gh_contributor_week', real.rows_of_weeks(recorded), {})
        self.link.execute('CREATE SCHEMA sys')
        self.table('sys.completeness', real.rows_of_completeness(data), {})
        self.table('seoulbike_status', real.rows_of_stations(data), {})

    def table(self, name, rows, types):
        columns = {}
        for row in rows:
            for key, value in row.items():
                if columns.get(key, 'VARCHAR') == 'VARCHAR':
                    columns[key] = types.get(key) or ('BIGINT' if isinstance(value, int) else 'VARCHAR')
        with tempfile.NamedTemporaryFile('w', suffix='.ndjson', encoding='utf-8') as file:
            for row in rows:
                file.write(json.dumps(row) + '\n')
            file.flush()
            kinds = ', '.join("'%s': '%s'" % pair for pair in columns.items())
            when = 'epoch_ms("__time")' if columns['__time'] == 'BIGINT' else '"__time"::TIMESTAMPTZ::TIMESTAMP'
            self.link.execute("""CREATE TABLE %s AS SELECT %s AS __time, * EXCLUDE (__time) FROM read_json('%s', format = 'newline_delimited',
                columns = {%s})""" % (name, when, file.name, kinds))

    def rows(self, sql):
        return [[plain(value) for value in row] for row in self.link.execute(sql).fetchall()]


# ---------------------------------------------------------------- Ovate

STEAM = """INSERT INTO steam_players
SELECT TIME_PARSE("DateTime", 'yyyy-MM-dd HH:mm:ss') AS __time, game, CAST(player_count AS BIGINT) AS player_count
FROM (SELECT * FROM TABLE(EXTERN('%s', '{"type":"csv","findColumnsFromHeader":true}')) EXTEND (%s))
UNPIVOT (player_count FOR game IN (%s))
PARTITIONED BY YEAR"""


def steam_insert(data):
    """The file has a column for each game; a row for each is what steam.players would give."""
    import gzip
    path = os.path.join(data, 'steam', 'steamdb_daily_peak_players_top10_2011_2022.csv.gz')
    with gzip.open(path, 'rt', encoding='utf-8-sig') as file:
        games = [name.strip().strip('"') for name in file.readline().split(',')][1:]
    columns = ', '.join('"%s" VARCHAR' % name for name in ['DateTime'] + games)
    source = json.dumps({'type': 'local', 'files': [path]})
    return STEAM % (source, columns, ', '.join('"%s" AS \'%s\'' % (name, name) for name in games))


def load_ovate(counter, server, shared):
    data = os.path.join(shared, 'data')
    for name, rows in SPECS.items():
        spec = load_json(os.path.join(EXAMPLES, name))
        source = spec['spec']['ioConfig']['inputSource']
        source['baseDir'] = os.path.join(shared, source['baseDir'])
        counts = server.ingest(spec)
        counter.equal('rows of ' + name, (counts['processed'], counts['unparseable'], counts['thrownAway']), (rows, 0, 0))
    status, _, body = server.post('/druid/v2/sql/task', {'query': steam_insert(data)})
    if status not in (200, 202):
        raise RuntimeError('the insert of players was refused: %s' % body[:600])
    state = server.wait_task(json.loads(body)['taskId'])
    counter.equal('players inserted', state['status'], 'SUCCESS')
    recorded = real.Recorded(data)
    with real.archive(data) as hours, real.Hub(recorded) as hub, Seoul(real.stations(data)) as bikes:
        for interval in real.INTERVALS:
            run(counter, server, {'source': 'gharchive', 'baseUrl': hours.url, 'interval': interval, 'onGap': 'record'})
        for source, kind in (('issues', 'issues'), ('releases', 'releases'), ('repo', 'repo'), ('languages', 'languages'),
                             ('contributor_stats', 'contributors')):
            run(counter, server, {'source': 'github.' + source, 'baseUrl': hub.url, 'params': {'repo': recorded.names(kind)}})
        run(counter, server, {'source': 'seoul.bikes', 'baseUrl': bikes.url, 'auth': {'token': 'env:BIKES'}})


def run(counter, server, spec):
    counter.equal('pull ' + spec['source'] + spec.get('interval', ''), server.run_task(dict(spec, type='pull')).get('status'), 'SUCCESS')


# ---------------------------------------------------------------- comparing

def check(counter, analytic, server, duck):
    expected = analytic.answer()
    if expected is None:
        counter.check(analytic.name, False, 'no answer is written down: run.py --duckdb --fill')
        return
    try:
        got = server.sql(analytic.sql)[1]
    except SqlError as error:
        counter.check(analytic.name, False, error)
        return
    trouble = analytic.compare(expected, got)
    counter.check(analytic.name + ' known answer', trouble is None, trouble)
    if duck:
        trouble = analytic.compare(sltfile.print_rows(duck.rows(analytic.sql)), got)
        counter.check(analytic.name + ' against DuckDB', trouble is None, trouble)


def fill(counter, analytics, duck):
    for analytic in analytics:
        try:
            rows = duck.rows(analytic.sql)
        except Exception as trouble:  # a dialect's error is what is to be seen
            counter.check(analytic.name, False, str(trouble)[:500])
            continue
        counter.check(analytic.name, bool(rows), 'no row at all')
        with open(analytic.answer_path, 'w', encoding='utf-8') as file:
            file.writelines(line + '\n' for line in sltfile.print_rows(rows))


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument('--only', default='')
    words.add_argument('--duckdb', action='store_true')
    words.add_argument('--fill', action='store_true')
    words.add_argument('--verbose', action='store_true')
    asked = words.parse_args()
    shared, counter = shared_folder(*NEEDS), Counter(asked.verbose)
    analytics = [Analytic(p) for p in sorted(glob.glob(os.path.join(EXAMPLES, 'analytics', '*.sql')))]
    analytics = [a for a in analytics if asked.only in a.name]
    if asked.duckdb:
        fill(counter, analytics, Duck(shared))
        counter.finish()
    try:
        duck = Duck(shared)
    except SystemExit:
        duck = None
        print('no duckdb package (tests/setup-venv.sh installs it): known answers only')
    with Server(env={'BIKES': 'seoul-key', 'no_proxy': '127.0.0.1'}) as server:
        load_ovate(counter, server, shared)
        for analytic in analytics:
            check(counter, analytic, server, duck)
    counter.finish()


main()
