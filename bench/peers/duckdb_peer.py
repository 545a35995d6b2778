"""DuckDB in this process. Best layout: one table sorted by station, then time, in DuckDB's own file format."""
import datetime
import time

PACKAGE = 'duckdb'
COLUMNS = {'__time': 'TIMESTAMP', 'stationId': 'VARCHAR', 'stationName': 'VARCHAR', 'stationLatitude': 'DOUBLE',
           'stationLongitude': 'DOUBLE', 'rackTotCnt': 'BIGINT', 'parkingBikeTotCnt': 'BIGINT', 'shared': 'BIGINT'}


class Peer:
    name, dialect = 'DuckDB', 'duckdb'

    def __init__(self, folder, threads, memory):
        import duckdb
        self.version = duckdb.__version__
        self.path = folder + '/duckdb.db'
        self.settings = 'threads = %d, memory_limit = %s, sorted by (stationId, __time)' % (threads, memory)
        self.link = duckdb.connect(self.path, config={'threads': threads, 'memory_limit': memory})
        self.link.execute("SET TimeZone = 'UTC'; SET temp_directory = '%s/duckdb.tmp'" % folder)

    def load(self, table, csv):
        """Seconds to load the file into a sorted table; 0 when a kept table is there."""
        if self.link.execute("SELECT COUNT(*) FROM duckdb_tables() WHERE table_name = ?", [table]).fetchone()[0]:
            return 0.0
        kinds = ', '.join("'%s': '%s'" % pair for pair in COLUMNS.items())
        start = time.perf_counter()
        self.link.execute("CREATE TABLE loading AS SELECT * FROM read_csv('%s', header = true, columns = {%s}) "
                          "ORDER BY stationId, __time" % (csv, kinds))
        self.link.execute('ALTER TABLE loading RENAME TO %s; CHECKPOINT' % table)
        return time.perf_counter() - start

    def rows(self, sql):
        return [[self.plain(value) for value in row] for row in self.link.execute(sql).fetchall()]

    @staticmethod
    def plain(value):
        return value.strftime('%Y-%m-%dT%H:%M:%S.000Z') if isinstance(value, datetime.datetime) else value

    def run(self, sql):
        """The whole result as columns in memory: no text is made, nothing crosses a socket."""
        return len(self.link.execute(sql).fetchnumpy())
