"""The Star Schema Benchmark as a star: the line table and four dimensions joined in each query."""
import os

from workloads import rows, ssb
from workloads.shape import Table

TITLE = 'SSB, star'
ROWS, QUICK = ssb.ROWS, ssb.QUICK
JOINS = {'c_': ('customer', 'lo_custkey = c_custkey'), 's_': ('supplier', 'lo_suppkey = s_suppkey'),
         'p_': ('part', 'lo_partkey = p_partkey'), 'd_': ('dates', 'lo_datekey = d_datekey')}
# lo_orderdate becomes __time in Druid, which joins with no text: lo_datekey is the same day as the key of dates, a number
LINE = ssb.LINE + [('lo_datekey', 'int')]
DATES = [('d_datekey', 'int')] + ssb.DATES[1:]


def make(place):
    names = {'lineorder': LINE, 'customer': ssb.CUSTOMER, 'supplier': ssb.SUPPLIER, 'part': ssb.PART, 'dates': DATES}
    paths = {name: os.path.join(place.folder, name + '.csv') for name in names}
    link = None
    if not all(map(os.path.exists, paths.values())):
        link = ssb.star(place)
        for name, path in paths.items():
            wanted = {'lineorder': "*, strftime(lo_orderdate::DATE, '%Y%m%d')::INTEGER AS lo_datekey",
                      'dates': "* REPLACE (strftime(d_datekey::DATE, '%Y%m%d')::INTEGER AS d_datekey)"}.get(name, '*')
            rows.write(link, 'SELECT %s FROM %s ORDER BY 1, 2' % (wanted, name), path)
    link = link or rows.maker(place.folder)
    tables = [Table(name, paths[name], columns, rows=rows.counted(link, paths[name])) for name, columns in names.items()]
    tables[0].time, tables[0].order, tables[0].granularity = 'lo_orderdate', ('lo_orderdate', 'lo_orderkey'), 'YEAR'
    return tables


QUERIES = ssb.asked('lineorder', JOINS)
