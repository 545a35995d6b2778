"""The Star Schema Benchmark, scale 1 at six million lines: rows by its rules, its thirteen queries over one flat table.

Rules: 30,000 customers (two thirds of them buy), 2,000 suppliers and 200,000 parts a scale, ten cities a nation, 25 nations, five
regions, 40 brands in each of 25 categories, orders of one to seven lines from 1992-01-01 to 1998-08-02.
"""
import os

from workloads import rows
from workloads.shape import Query, Table

TITLE = 'SSB, flat'
ROWS, QUICK = 6_000_000, 60_000
LISTS = {
    'nations': ['ALGERIA', 'ARGENTINA', 'BRAZIL', 'CANADA', 'EGYPT', 'ETHIOPIA', 'FRANCE', 'GERMANY', 'INDIA', 'INDONESIA', 'IRAN',
                'IRAQ', 'JAPAN', 'JORDAN', 'KENYA', 'MOROCCO', 'MOZAMBIQUE', 'PERU', 'CHINA', 'ROMANIA', 'SAUDI ARABIA', 'VIETNAM',
                'RUSSIA', 'UNITED KINGDOM', 'UNITED STATES'],
    'regions': ['AFRICA', 'AMERICA', 'AMERICA', 'AMERICA', 'MIDDLE EAST', 'AFRICA', 'EUROPE', 'EUROPE', 'ASIA', 'ASIA', 'MIDDLE EAST',
                'MIDDLE EAST', 'ASIA', 'MIDDLE EAST', 'AFRICA', 'AFRICA', 'AFRICA', 'AMERICA', 'ASIA', 'EUROPE', 'MIDDLE EAST', 'ASIA',
                'EUROPE', 'EUROPE', 'AMERICA'],
    'segments': ['AUTOMOBILE', 'BUILDING', 'FURNITURE', 'HOUSEHOLD', 'MACHINERY'],
    'priorities': ['1-URGENT', '2-HIGH', '3-MEDIUM', '4-NOT SPECI', '5-LOW'],
    'modes': ['AIR', 'FOB', 'MAIL', 'RAIL', 'REG AIR', 'SHIP', 'TRUCK'],
    'colours': 'almond antique aquamarine azure beige bisque black blanched blue blush brown burlywood burnished chartreuse chiffon '
               'chocolate coral cornflower cornsilk cream cyan dark deep dim dodger drab firebrick floral forest frosted gainsboro '
               'ghost goldenrod green grey honeydew hot indian ivory khaki lace lavender lawn lemon light lime linen magenta maroon '
               'medium metallic midnight mint misty moccasin navajo navy olive orange orchid pale papaya peach peru pink plum powder '
               'puff purple red rose rosy royal saddle salmon sandy seashell sienna sky slate smoke snow spring steel tan thistle '
               'tomato turquoise violet wheat white yellow'.split(),
    'types': ['%s %s %s' % (a, b, c) for a in ('STANDARD', 'SMALL', 'MEDIUM', 'LARGE', 'ECONOMY', 'PROMO')
              for b in ('ANODIZED', 'BURNISHED', 'PLATED', 'POLISHED', 'BRUSHED') for c in ('TIN', 'NICKEL', 'BRASS', 'STEEL', 'COPPER')],
    'containers': ['%s %s' % (a, b) for a in ('SM', 'LG', 'MED', 'JUMBO', 'WRAP')
                   for b in ('CASE', 'BOX', 'BAG', 'JAR', 'PKG', 'PACK', 'CAN', 'DRUM')],
}
PEOPLE = """SELECT k + 1 AS {p}_{name}key, '{Name}#' || lpad((k + 1)::VARCHAR, 9, '0') AS {p}_name,
    'street ' || rnd(k, {s} + 1)::VARCHAR AS {p}_address, rpad(n.nation, 9, ' ')[1:9] || below(k, {s} + 2, 10)::VARCHAR AS {p}_city,
    n.nation AS {p}_nation, n.region AS {p}_region,
    (n.i + 10)::VARCHAR || '-' || (below(k, {s} + 3, 900) + 100)::VARCHAR || '-' || (below(k, {s} + 4, 9000) + 1000)::VARCHAR AS {p}_phone
    FROM range({n}) AS t(k) JOIN nations AS n ON n.i = below(k, {s}, 25)"""
PERSON = [('%s_name', 'text'), ('%s_address', 'text'), ('%s_city', 'word'), ('%s_nation', 'word'), ('%s_region', 'word'), ('%s_phone', 'text')]
LINE = [('lo_orderkey', 'int'), ('lo_linenumber', 'byte'), ('lo_custkey', 'int'), ('lo_partkey', 'int'), ('lo_suppkey', 'int'),
        ('lo_orderdate', 'day'), ('lo_orderpriority', 'word'), ('lo_shippriority', 'byte'), ('lo_quantity', 'byte'),
        ('lo_extendedprice', 'int'), ('lo_ordtotalprice', 'int'), ('lo_discount', 'byte'), ('lo_revenue', 'int'),
        ('lo_supplycost', 'int'), ('lo_tax', 'byte'), ('lo_commitdate', 'word'), ('lo_shipmode', 'word')]
CUSTOMER = [('c_custkey', 'int')] + [(name % 'c', kind) for name, kind in PERSON] + [('c_mktsegment', 'word')]
SUPPLIER = [('s_suppkey', 'int')] + [(name % 's', kind) for name, kind in PERSON]
PART = [('p_partkey', 'int'), ('p_name', 'word'), ('p_mfgr', 'word'), ('p_category', 'word'), ('p_brand1', 'word'), ('p_color', 'word'),
        ('p_type', 'word'), ('p_size', 'byte'), ('p_container', 'word')]
DATES = [('d_datekey', 'word'), ('d_year', 'short'), ('d_yearmonthnum', 'int'), ('d_yearmonth', 'word'), ('d_weeknuminyear', 'byte'),
         ('d_dayofweek', 'word'), ('d_month', 'word')]
FLAT = LINE + CUSTOMER[1:] + SUPPLIER[1:] + PART[1:] + DATES[1:]


def star(place):
    """A maker that holds the five tables."""
    scale = place.rows / 6_000_000
    people = {'customer': max(30, round(30_000 * scale)), 'supplier': max(20, round(2_000 * scale)), 'part': max(200, round(200_000 * min(1, scale)))}
    link = rows.maker(place.folder)
    for name, values in LISTS.items():
        link.execute('CREATE OR REPLACE MACRO %s() AS [%s]' % (name, ', '.join("'%s'" % value for value in values)))
    link.execute("CREATE TABLE nations AS SELECT i, nations()[i + 1] AS nation, regions()[i + 1] AS region FROM range(25) AS t(i)")
    link.execute("CREATE TABLE customer AS SELECT *, pick(c_custkey, 105, segments()) AS c_mktsegment FROM (%s) ORDER BY c_custkey" % PEOPLE.format(
        p='c', name='cust', Name='Customer', s=100, n=people['customer']))
    link.execute('CREATE TABLE supplier AS SELECT * FROM (%s) ORDER BY s_suppkey' % PEOPLE.format(
        p='s', name='supp', Name='Supplier', s=120, n=people['supplier']))
    link.execute("""CREATE TABLE part AS SELECT k + 1 AS p_partkey, pick(k, 141, colours()) || ' ' || pick(k, 142, colours()) AS p_name,
        'MFGR#' || m AS p_mfgr, 'MFGR#' || m || c AS p_category, 'MFGR#' || m || c || lpad((below(k, 145, 40) + 1)::VARCHAR, 2, '0') AS p_brand1,
        pick(k, 141, colours()) AS p_color, pick(k, 146, types()) AS p_type, below(k, 147, 50) + 1 AS p_size,
        pick(k, 148, containers()) AS p_container
        FROM (SELECT k, below(k, 143, 5) + 1 AS m, below(k, 144, 5) + 1 AS c FROM range(%d) AS t(k)) ORDER BY p_partkey""" % people['part'])
    link.execute("""CREATE TABLE dates AS SELECT strftime(d, '%Y-%m-%d') AS d_datekey, year(d) AS d_year, year(d) * 100 + month(d) AS d_yearmonthnum,
        strftime(d, '%b%Y') AS d_yearmonth, (dayofyear(d) - 1) // 7 + 1 AS d_weeknuminyear, dayname(d) AS d_dayofweek, monthname(d) AS d_month
        FROM (SELECT (DATE '1992-01-01' + i::INTEGER)::TIMESTAMP AS d FROM range(2557) AS t(i)) ORDER BY 1""")
    link.execute("""CREATE TABLE orders AS SELECT o, strftime(DATE '1992-01-01' + below(o, 151, 2406)::INTEGER, '%%Y-%%m-%%d') AS orderdate,
        (below(o, 152, %d) * 3 // 2) %% %d + 1 AS custkey, pick(o, 153, priorities()) AS priority, below(o, 154, 7) + 1 AS lines
        FROM range(%d) AS t(o)""" % (people['customer'], people['customer'], max(1, place.rows // 4)))
    link.execute("""CREATE TABLE lineorder AS
        WITH l AS (SELECT o * 8 + l AS k, l, orders.* FROM orders, LATERAL (SELECT unnest(range(lines)) AS l)),
        m AS (SELECT *, below(k, 161, %d) + 1 AS partkey, below(k, 162, 50) + 1 AS quantity, below(k, 163, 11) AS discount FROM l),
        n AS (SELECT *, quantity * (90000 + (partkey // 10) %% 20001 + 100 * (partkey %% 1000)) AS price FROM m)
        SELECT o * 4 + 1 AS lo_orderkey, l + 1 AS lo_linenumber, custkey AS lo_custkey, partkey AS lo_partkey,
            below(k, 164, %d) + 1 AS lo_suppkey, orderdate AS lo_orderdate, priority AS lo_orderpriority, 0 AS lo_shippriority,
            quantity AS lo_quantity, price AS lo_extendedprice, SUM(price) OVER (PARTITION BY o) AS lo_ordtotalprice,
            discount AS lo_discount, price * (100 - discount) // 100 AS lo_revenue, price // quantity * 6 // 10 AS lo_supplycost,
            below(k, 165, 9) AS lo_tax, strftime(orderdate::DATE + (below(k, 166, 61) + 30)::INTEGER, '%%Y-%%m-%%d') AS lo_commitdate,
            pick(k, 167, modes()) AS lo_shipmode
        FROM n""" % (people['part'], people['supplier']))
    return link


def make(place):
    path = os.path.join(place.folder, 'ssb_flat.csv')
    link = None
    if not os.path.exists(path):
        link = star(place)
        rows.write(link, """SELECT %s FROM lineorder JOIN customer ON lo_custkey = c_custkey JOIN supplier ON lo_suppkey = s_suppkey
            JOIN part ON lo_partkey = p_partkey JOIN dates ON lo_orderdate = d_datekey ORDER BY lo_orderkey, lo_linenumber"""
                   % ', '.join(name for name, _ in FLAT), path)
    return [Table('ssb_flat', path, FLAT, time='lo_orderdate', order=('lo_orderdate', 'lo_orderkey'), granularity='YEAR',
                  rows=rows.counted(link or rows.maker(place.folder), path))]


# Each query as (key, what is summed, columns, conditions on the line and the dimensions, order)
ASKED = [
    ('1.1', 'SUM(lo_extendedprice * lo_discount) AS revenue', '', 'd_year = 1993 AND lo_discount BETWEEN 1 AND 3 AND lo_quantity < 25', ''),
    ('1.2', 'SUM(lo_extendedprice * lo_discount) AS revenue', '', 'd_yearmonthnum = 199401 AND lo_discount BETWEEN 4 AND 6 '
     'AND lo_quantity BETWEEN 26 AND 35', ''),
    ('1.3', 'SUM(lo_extendedprice * lo_discount) AS revenue', '', 'd_weeknuminyear = 6 AND d_year = 1994 '
     'AND lo_discount BETWEEN 5 AND 7 AND lo_quantity BETWEEN 26 AND 35', ''),
    ('2.1', 'SUM(lo_revenue) AS revenue', 'd_year, p_brand1', "p_category = 'MFGR#12' AND s_region = 'AMERICA'", 'd_year, p_brand1'),
    ('2.2', 'SUM(lo_revenue) AS revenue', 'd_year, p_brand1', "p_brand1 BETWEEN 'MFGR#2221' AND 'MFGR#2228' AND s_region = 'ASIA'",
     'd_year, p_brand1'),
    ('2.3', 'SUM(lo_revenue) AS revenue', 'd_year, p_brand1', "p_brand1 = 'MFGR#2239' AND s_region = 'EUROPE'", 'd_year, p_brand1'),
    ('3.1', 'SUM(lo_revenue) AS revenue', 'c_nation, s_nation, d_year', "c_region = 'ASIA' AND s_region = 'ASIA' AND d_year >= 1992 "
     'AND d_year <= 1997', 'd_year, revenue DESC'),
    ('3.2', 'SUM(lo_revenue) AS revenue', 'c_city, s_city, d_year', "c_nation = 'UNITED STATES' AND s_nation = 'UNITED STATES' "
     'AND d_year >= 1992 AND d_year <= 1997', 'd_year, revenue DESC'),
    ('3.3', 'SUM(lo_revenue) AS revenue', 'c_city, s_city, d_year', "c_city IN ('UNITED KI1', 'UNITED KI5') "
     "AND s_city IN ('UNITED KI1', 'UNITED KI5') AND d_year >= 1992 AND d_year <= 1997", 'd_year, revenue DESC'),
    ('3.4', 'SUM(lo_revenue) AS revenue', 'c_city, s_city, d_year', "c_city IN ('UNITED KI1', 'UNITED KI5') "
     "AND s_city IN ('UNITED KI1', 'UNITED KI5') AND d_yearmonth = 'Dec1997'", 'd_year, revenue DESC'),
    ('4.1', 'SUM(lo_revenue - lo_supplycost) AS profit', 'd_year, c_nation', "c_region = 'AMERICA' AND s_region = 'AMERICA' "
     "AND p_mfgr IN ('MFGR#1', 'MFGR#2')", 'd_year, c_nation'),
    ('4.2', 'SUM(lo_revenue - lo_supplycost) AS profit', 'd_year, s_nation, p_category', "c_region = 'AMERICA' AND s_region = 'AMERICA' "
     "AND d_year IN (1997, 1998) AND p_mfgr IN ('MFGR#1', 'MFGR#2')", 'd_year, s_nation, p_category'),
    ('4.3', 'SUM(lo_revenue - lo_supplycost) AS profit', 'd_year, s_city, p_brand1', "s_nation = 'UNITED STATES' AND d_year IN (1997, 1998) "
     "AND p_category = 'MFGR#14'", 'd_year, s_city, p_brand1'),
]


def asked(source, joins):
    """The thirteen over one FROM; joins: conditions by the prefix of the dimension they reach."""
    queries = []
    for key, total, columns, where, order in ASKED:
        groups = [c.strip() for c in columns.split(',') if c]
        used = {name[:2] for name in (where + ' ' + columns).replace('(', ' ').split() if name[:2] in joins}
        tables = ', '.join([source] + [joins[p][0] for p in sorted(used)])
        conditions = ' AND '.join([joins[p][1] for p in sorted(used)] + [where])
        sql = 'SELECT %s FROM %s WHERE %s' % (', '.join(groups + [total]), tables, conditions)
        if groups:
            sql += ' GROUP BY %s ORDER BY %s' % (', '.join(groups), order)
        names = groups + [total.split()[-1]]
        keys = tuple(names.index(word.split()[0]) for word in order.split(', ')) if order else None
        queries.append(Query(key, ('%s by %s' % (names[-1], columns or 'nothing')), sql, keys))
    return queries


QUERIES = asked('ssb_flat', {})
