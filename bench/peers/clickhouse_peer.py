"""ClickHouse in this process (the chdb package). Best layout: MergeTree ordered by station, then time, merged to one part."""
import json
import re
import time

PACKAGE = 'chdb'
COLUMNS = """__time DateTime('UTC') CODEC(Delta, LZ4), stationId LowCardinality(String), stationName LowCardinality(String),
    stationLatitude Float64, stationLongitude Float64, rackTotCnt Int64, parkingBikeTotCnt Int64, shared Int64"""


class Peer:
    name, dialect = 'ClickHouse', 'clickhouse'

    def __init__(self, folder, threads, memory):
        import chdb
        from chdb import session
        self.version = '%s (chdb %s)' % (chdb.query('SELECT version()', 'TabSeparated').bytes().decode().strip(), chdb.__version__)
        self.settings = 'max_threads = %d, MergeTree ORDER BY (stationId, __time), LowCardinality, OPTIMIZE FINAL' % threads
        self.path = folder + '/clickhouse'
        self.session = session.Session(self.path)
        self.session.query('SET max_threads = %d' % threads)
        self.threads = threads

    def load(self, table, csv):
        exists = self.rows("SELECT count() FROM system.tables WHERE database = 'bench' AND name = '%s'" % table)[0][0]
        if int(exists):
            return 0.0
        start = time.perf_counter()
        self.session.query('CREATE DATABASE IF NOT EXISTS bench')
        self.session.query('CREATE TABLE bench.loading (%s) ENGINE = MergeTree ORDER BY (stationId, __time)' % COLUMNS)
        self.session.query("INSERT INTO bench.loading SELECT * FROM file('%s', 'CSVWithNames') "
                           "SETTINGS date_time_input_format = 'best_effort', max_insert_threads = %d" % (csv, self.threads))
        self.session.query('OPTIMIZE TABLE bench.loading FINAL')
        self.session.query('RENAME TABLE bench.loading TO bench.%s' % table)
        return time.perf_counter() - start

    def text(self, sql, form):
        return self.session.query(sql.replace(' FROM ', ' FROM bench.', 1) if 'system.' not in sql else sql, form)

    def rows(self, sql):
        answer = self.text(sql + ' SETTINGS output_format_json_quote_64bit_integers = 0', 'JSONCompactEachRow').bytes().decode()
        return [[self.plain(value) for value in json.loads(line)] for line in answer.splitlines()]

    @staticmethod
    def plain(value):
        stamp = re.fullmatch(r'(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)', value) if isinstance(value, str) else None
        return '%sT%s.000Z' % stamp.groups() if stamp else value

    def run(self, sql):
        """The whole result in ClickHouse's binary columns."""
        return len(self.text(sql, 'Native').bytes())
