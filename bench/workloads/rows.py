"""Rows made by DuckDB's SQL from counters, the same on every machine: mixing is arithmetic, not DuckDB's own hash."""
import dataclasses
import os

# rnd(i, s): 0 .. 4294967290 from a counter below 2^32 and a small salt; unit: 0 .. 1; below: 0 .. n - 1; pick: one of a list
MACROS = """
CREATE OR REPLACE MACRO mix0(x, k) AS (xor(x, x >> 15) * k) % 4294967291;
CREATE OR REPLACE MACRO rnd(i, s) AS mix0(mix0(mix0((i::BIGINT + s::BIGINT * 7654321) % 4294967291, 1540483477), 1181783497), 974711);
CREATE OR REPLACE MACRO unit(i, s) AS rnd(i, s) / 4294967291.0::DOUBLE;
CREATE OR REPLACE MACRO below(i, s, n) AS (rnd(i, s) % (n)::BIGINT);
CREATE OR REPLACE MACRO pick(i, s, l) AS list_extract(l, (rnd(i, s) % len(l))::BIGINT + 1);
"""


def maker(folder, threads=None):
    """A DuckDB of its own for making rows, with the macros. Its package is installed when it is missing."""
    from peers import install
    install.venv_packages(['duckdb'])
    import duckdb
    link = duckdb.connect(config={'memory_limit': '4GB', **({'threads': threads} if threads else {})})
    link.execute("SET TimeZone = 'UTC'; SET temp_directory = '%s/making.tmp'" % folder)
    link.execute(MACROS)
    return link


def write(link, sql, path):
    """The rows of a SELECT as CSV with a header, in their order. A file that is there is complete."""
    link.execute("COPY (%s) TO '%s.part' (FORMAT csv, HEADER true)" % (sql, path))
    remember(path, link.fetchone()[0])
    os.rename(path + '.part', path)


def remember(path, count):
    with open(path + '.rows', 'w', encoding='utf-8') as file:
        file.write(str(count))
    return count


def counted(link, path):
    """How many rows a file has, as it was remembered or by reading it once."""
    if os.path.exists(path + '.rows'):
        with open(path + '.rows', encoding='utf-8') as file:
            return int(file.read())
    return remember(path, link.execute("SELECT COUNT(*) FROM read_csv('%s', header = true, all_varchar = true, delim = ',', quote = '\"', "
                                       "escape = '\"')" % path).fetchone()[0])


def as_json(table):
    """The table with its rows as NDJSON, written beside the CSV."""
    path = table.file.removesuffix('.csv') + '.ndjson'
    if not os.path.exists(path):
        number = {'double': 'DOUBLE', 'money': 'DECIMAL(15,2)'}
        kinds = ', '.join("'%s': '%s'" % (name, 'VARCHAR' if kind.rstrip('?') in ('text', 'word', 'time', 'day') else
                                          number.get(kind.rstrip('?'), 'BIGINT')) for name, kind in table.columns)
        maker(os.path.dirname(path)).execute(
            "COPY (SELECT * FROM read_csv('%s', auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"', columns = {%s})) "
            "TO '%s.part' (FORMAT json)" % (table.file, kinds, path))
        os.rename(path + '.part', path)
    return dataclasses.replace(table, file=path)
