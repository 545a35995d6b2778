"""DuckDB in this process. Best layout: sorted by the columns that queries filter and group by, in DuckDB's own file format."""

PACKAGE = 'duckdb'
KINDS = {'text': 'VARCHAR', 'word': 'VARCHAR', 'long': 'BIGINT', 'int': 'INTEGER', 'short': 'SMALLINT', 'byte': 'SMALLINT',
         'double': 'DOUBLE', 'money': 'DECIMAL(15,2)', 'time': 'TIMESTAMP', 'day': 'DATE'}


class Peer:
    name, dialect = 'DuckDB', 'duckdb'

    def __init__(self, folder, threads, memory):
        import duckdb
        self.version = duckdb.__version__
        self.path = folder + '/duckdb.db'
        self.settings = 'threads = %d, memory_limit = %s' % (threads, memory)
        self.link = duckdb.connect(self.path, config={'threads': threads, 'memory_limit': memory})
        self.link.execute("SET TimeZone = 'UTC'; SET temp_directory = '%s/duckdb.tmp'" % folder)

    def close(self):
        self.link.close()

    def holds(self, table):
        return bool(self.link.execute('SELECT COUNT(*) FROM duckdb_tables() WHERE table_name = ?', [table.name]).fetchone()[0])

    def fill(self, table):
        """Load the table's file, sorted."""
        kinds = ', '.join("'%s': '%s'" % (name, KINDS[kind.rstrip('?')]) for name, kind in table.columns)
        order = ' ORDER BY ' + ', '.join(table.order) if table.order else ''
        self.link.execute('DROP TABLE IF EXISTS loading')
        how = "read_json('%s', format = 'newline_delimited', " if table.is_json() else \
            "read_csv('%s', auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"', "
        self.link.execute(('CREATE TABLE loading AS SELECT * FROM ' + how + 'columns = {%s})%s') % (table.file, kinds, order))
        self.link.execute('ALTER TABLE loading RENAME TO %s; CHECKPOINT' % table.name)

    @staticmethod
    def layout(table):
        return 'sorted by (%s)' % ', '.join(table.order) if table.order else 'as it comes'

    def rows(self, sql):
        return self.link.execute(sql).fetchall()

    def run(self, sql):
        """The whole result as columns in memory: no text is made, nothing crosses a socket."""
        return len(self.link.execute(sql).fetchnumpy())
