"""ClickHouse in this process (the chdb package). Best layout: MergeTree in the order of the filters, merged to one part."""
import json

PACKAGE = 'chdb'
CACHES = 'use_query_cache', 'use_query_condition_cache'
KINDS = {'text': 'String', 'word': 'LowCardinality(String)', 'long': 'Int64', 'int': 'Int32', 'short': 'Int16', 'byte': 'Int16',
         'double': 'Float64', 'money': 'Decimal(15, 2)', 'time': "DateTime('UTC') CODEC(Delta, LZ4)", 'day': 'Date'}


class Peer:
    name, dialect = 'ClickHouse', 'clickhouse'

    def __init__(self, folder, threads, memory):
        import chdb
        from chdb import session
        self.version = '%s (chdb %s)' % (chdb.query('SELECT version()', 'TabSeparated').bytes().decode().strip(), chdb.__version__)
        self.settings = 'max_threads = %d, LowCardinality, OPTIMIZE FINAL, caches of results and of conditions off' % threads
        self.path = folder + '/clickhouse'
        self.session = session.Session(self.path)
        self.session.query('CREATE DATABASE IF NOT EXISTS bench')
        self.session.query('USE bench')
        self.session.query('SET max_threads = %d, join_use_nulls = 1' % threads)
        # results and what conditions left of a part are not kept from run to run, as Ovate's caches are off
        for name, in self.rows('SELECT name FROM system.settings WHERE name IN (%s)' % ', '.join("'%s'" % name for name in CACHES)):
            self.session.query('SET %s = 0' % name)
        self.threads = threads

    def close(self):
        self.session.close()

    def holds(self, table):
        return bool(int(self.rows("SELECT count() FROM system.tables WHERE database = 'bench' AND name = '%s'" % table.name)[0][0]))

    def fill(self, table):
        """Load the table's file into one merged part."""
        columns = ', '.join('`%s` %s' % (name, 'Nullable(%s)' % KINDS[kind[:-1]] if kind.endswith('?') else KINDS[kind])
                            for name, kind in table.columns)
        self.session.query('DROP TABLE IF EXISTS bench.loading')
        self.session.query('CREATE TABLE bench.loading (%s) ENGINE = MergeTree ORDER BY (%s)' % (columns, ', '.join(table.order)))
        self.session.query("INSERT INTO bench.loading SELECT * FROM file('%s', '%s') SETTINGS "
                           "date_time_input_format = 'best_effort', input_format_csv_trim_whitespaces = 0, max_insert_threads = %d" % (
                               table.file, 'JSONEachRow' if table.is_json() else 'CSVWithNames', self.threads))
        self.session.query('OPTIMIZE TABLE bench.loading FINAL')
        self.session.query('RENAME TABLE bench.loading TO bench.%s' % table.name)

    @staticmethod
    def layout(table):
        return 'MergeTree ORDER BY (%s)' % ', '.join(table.order)

    def rows(self, sql):
        answer = self.session.query(sql + ' SETTINGS output_format_json_quote_64bit_integers = 0', 'JSONCompactEachRow').bytes().decode()
        return [json.loads(line) for line in answer.splitlines()]

    def run(self, sql):
        """The whole result in ClickHouse's binary columns."""
        return len(self.session.query(sql, 'Native').bytes())
