"""TPC-H, scale 1 at six million lines: rows by tpchgen-cli (its rows are dbgen's), the 22 queries with the parameters of validation.

In Druid a table has one time: the day of shipping of a line, the day of an order. The other days of a line are text there, which
compares as days do; the peers have dates. Prices are DECIMAL(15,2) in the peers, doubles in Ovate.
"""
import dataclasses
import os
import subprocess
import sys

from peers import install
from workloads import rows
from workloads.shape import Query, Table

TITLE = 'TPC-H'
ROWS, QUICK = 6_000_000, 60_000
TABLES = {
    'lineitem': 'l_orderkey int, l_partkey int, l_suppkey int, l_linenumber int, l_quantity money, l_extendedprice money, '
                'l_discount money, l_tax money, l_returnflag word, l_linestatus word, l_shipdate day, l_commitdate day, '
                'l_receiptdate day, l_shipinstruct word, l_shipmode word, l_comment text',
    'orders': 'o_orderkey int, o_custkey int, o_orderstatus word, o_totalprice money, o_orderdate day, o_orderpriority word, '
              'o_clerk word, o_shippriority int, o_comment text',
    'customer': 'c_custkey int, c_name text, c_address text, c_nationkey int, c_phone text, c_acctbal money, c_mktsegment word, '
                'c_comment text',
    'part': 'p_partkey int, p_name text, p_mfgr word, p_brand word, p_type word, p_size int, p_container word, p_retailprice money, '
            'p_comment text',
    'partsupp': 'ps_partkey int, ps_suppkey int, ps_availqty int, ps_supplycost money, ps_comment text',
    'supplier': 's_suppkey int, s_name text, s_address text, s_nationkey int, s_phone text, s_acctbal money, s_comment text',
    'nation': 'n_nationkey int, n_name word, n_regionkey int, n_comment text',
    'region': 'r_regionkey int, r_name word, r_comment text',
}
TIMES = {'lineitem': 'l_shipdate', 'orders': 'o_orderdate'}


def make(place):
    missing = [name for name in TABLES if not os.path.exists(os.path.join(place.folder, name + '.csv'))]
    if missing:
        tool = install.program('tpchgen-cli')
        subprocess.run([tool, 'csv', '-s', '%g' % (place.rows / 6_000_000), '-o', place.folder, '--overwrite', '-T', ','.join(missing)],
                       check=True, stdout=sys.stderr)
    link, tables = rows.maker(place.folder), []
    for name, columns in TABLES.items():
        path = os.path.join(place.folder, name + '.csv')
        tables.append(Table(name, path, [tuple(c.split()) for c in columns.split(', ')], time=TIMES.get(name),
                            order=(TIMES[name],) if name in TIMES else (), granularity='YEAR' if name in TIMES else 'ALL',
                            rows=rows.counted(link, path), keep_time=name == 'lineitem'))
    return tables


PRICE = 'l_extendedprice * (1 - l_discount)'
QUERIES = [
    Query('01', 'pricing summary', """SELECT l_returnflag, l_linestatus, SUM(l_quantity), SUM(l_extendedprice), SUM({price}),
        SUM({price} * (1 + l_tax)), AVG(l_quantity), AVG(l_extendedprice), AVG(l_discount), COUNT(*) FROM lineitem
        WHERE @time(l_shipdate) <= DATE '1998-09-02' GROUP BY l_returnflag, l_linestatus ORDER BY l_returnflag, l_linestatus""", (0, 1)),
    Query('02', 'cheapest supplier', """SELECT s_acctbal, s_name, n_name, p_partkey, p_mfgr, s_address, s_phone, s_comment
        FROM part, supplier, partsupp, nation, region WHERE p_partkey = ps_partkey AND s_suppkey = ps_suppkey AND p_size = 15
        AND p_type LIKE '%BRASS' AND s_nationkey = n_nationkey AND n_regionkey = r_regionkey AND r_name = 'EUROPE'
        AND ps_supplycost = (SELECT MIN(ps_supplycost) FROM partsupp, supplier, nation, region WHERE p_partkey = ps_partkey
            AND s_suppkey = ps_suppkey AND s_nationkey = n_nationkey AND n_regionkey = r_regionkey AND r_name = 'EUROPE')
        ORDER BY s_acctbal DESC, n_name, s_name, p_partkey LIMIT 100""", (0, 2, 1, 3)),
    Query('03', 'shipping priority', """SELECT l_orderkey, SUM({price}) AS revenue, @time(o.o_orderdate) AS d, o_shippriority
        FROM customer, orders o, lineitem l WHERE c_mktsegment = 'BUILDING' AND c_custkey = o_custkey AND l_orderkey = o_orderkey
        AND @time(o.o_orderdate) < DATE '1995-03-15' AND @time(l.l_shipdate) > DATE '1995-03-15'
        GROUP BY l_orderkey, @time(o.o_orderdate), o_shippriority ORDER BY revenue DESC, d LIMIT 10""", (1, 2)),
    Query('04', 'priorities of late orders', """SELECT o_orderpriority, COUNT(*) FROM orders o WHERE @time(o.o_orderdate) >= DATE '1993-07-01'
        AND @time(o.o_orderdate) < DATE '1993-10-01' AND EXISTS (SELECT 1 FROM lineitem WHERE l_orderkey = o.o_orderkey
        AND l_commitdate < l_receiptdate) GROUP BY o_orderpriority ORDER BY o_orderpriority""", (0,)),
    Query('05', 'local suppliers', """SELECT n_name, SUM({price}) AS revenue FROM customer, orders o, lineitem, supplier, nation, region
        WHERE c_custkey = o_custkey AND l_orderkey = o_orderkey AND l_suppkey = s_suppkey AND c_nationkey = s_nationkey
        AND s_nationkey = n_nationkey AND n_regionkey = r_regionkey AND r_name = 'ASIA' AND @time(o.o_orderdate) >= DATE '1994-01-01'
        AND @time(o.o_orderdate) < DATE '1995-01-01' GROUP BY n_name ORDER BY revenue DESC""", (1,)),
    Query('06', 'forecast of revenue', """SELECT SUM(l_extendedprice * l_discount) FROM lineitem WHERE @time(l_shipdate) >= DATE '1994-01-01'
        AND @time(l_shipdate) < DATE '1995-01-01' AND l_discount BETWEEN 0.05 AND 0.07 AND l_quantity < 24"""),
    Query('07', 'volume shipped', """SELECT supp_nation, cust_nation, l_year, SUM(volume) FROM (SELECT n1.n_name AS supp_nation,
        n2.n_name AS cust_nation, EXTRACT(YEAR FROM @time(l.l_shipdate)) AS l_year, {price} AS volume
        FROM supplier, lineitem l, orders, customer, nation n1, nation n2 WHERE s_suppkey = l_suppkey AND o_orderkey = l_orderkey
        AND c_custkey = o_custkey AND s_nationkey = n1.n_nationkey AND c_nationkey = n2.n_nationkey
        AND ((n1.n_name = 'FRANCE' AND n2.n_name = 'GERMANY') OR (n1.n_name = 'GERMANY' AND n2.n_name = 'FRANCE'))
        AND @time(l.l_shipdate) BETWEEN DATE '1995-01-01' AND DATE '1996-12-31') AS shipping
        GROUP BY supp_nation, cust_nation, l_year ORDER BY supp_nation, cust_nation, l_year""", (0, 1, 2)),
    Query('08', 'share of a market', """SELECT o_year, SUM(CASE WHEN nation = 'BRAZIL' THEN volume ELSE 0 END) / SUM(volume)
        FROM (SELECT EXTRACT(YEAR FROM @time(o.o_orderdate)) AS o_year, {price} AS volume, n2.n_name AS nation
        FROM part, supplier, lineitem, orders o, customer, nation n1, nation n2, region WHERE p_partkey = l_partkey
        AND s_suppkey = l_suppkey AND l_orderkey = o_orderkey AND o_custkey = c_custkey AND c_nationkey = n1.n_nationkey
        AND n1.n_regionkey = r_regionkey AND r_name = 'AMERICA' AND s_nationkey = n2.n_nationkey
        AND @time(o.o_orderdate) BETWEEN DATE '1995-01-01' AND DATE '1996-12-31' AND p_type = 'ECONOMY ANODIZED STEEL') AS all_nations
        GROUP BY o_year ORDER BY o_year""", (0,)),
    Query('09', 'profit by product', """SELECT nation, o_year, SUM(amount) FROM (SELECT n_name AS nation,
        EXTRACT(YEAR FROM @time(o.o_orderdate)) AS o_year, {price} - ps_supplycost * l_quantity AS amount
        FROM part, supplier, lineitem, partsupp, orders o, nation WHERE s_suppkey = l_suppkey AND ps_suppkey = l_suppkey
        AND ps_partkey = l_partkey AND p_partkey = l_partkey AND o_orderkey = l_orderkey AND s_nationkey = n_nationkey
        AND p_name LIKE '%green%') AS profit GROUP BY nation, o_year ORDER BY nation, o_year DESC""", (0, 1)),
    Query('10', 'returned items', """SELECT c_custkey, c_name, SUM({price}) AS revenue, c_acctbal, n_name, c_address, c_phone, c_comment
        FROM customer, orders o, lineitem, nation WHERE c_custkey = o_custkey AND l_orderkey = o_orderkey
        AND @time(o.o_orderdate) >= DATE '1993-10-01' AND @time(o.o_orderdate) < DATE '1994-01-01' AND l_returnflag = 'R'
        AND c_nationkey = n_nationkey GROUP BY c_custkey, c_name, c_acctbal, c_phone, n_name, c_address, c_comment
        ORDER BY revenue DESC LIMIT 20""", (2,)),
    Query('11', 'important stock', """SELECT ps_partkey, SUM(ps_supplycost * ps_availqty) AS worth FROM partsupp, supplier, nation
        WHERE ps_suppkey = s_suppkey AND s_nationkey = n_nationkey AND n_name = 'GERMANY' GROUP BY ps_partkey
        HAVING SUM(ps_supplycost * ps_availqty) > (SELECT SUM(ps_supplycost * ps_availqty) * {fraction} FROM partsupp, supplier, nation
        WHERE ps_suppkey = s_suppkey AND s_nationkey = n_nationkey AND n_name = 'GERMANY') ORDER BY worth DESC""", (1,)),
    Query('12', 'shipping modes', """SELECT l_shipmode,
        SUM(CASE WHEN o_orderpriority = '1-URGENT' OR o_orderpriority = '2-HIGH' THEN 1 ELSE 0 END),
        SUM(CASE WHEN o_orderpriority <> '1-URGENT' AND o_orderpriority <> '2-HIGH' THEN 1 ELSE 0 END)
        FROM orders, lineitem WHERE o_orderkey = l_orderkey AND l_shipmode IN ('MAIL', 'SHIP') AND l_commitdate < l_receiptdate
        AND l_shipdate < l_commitdate AND l_receiptdate >= '1994-01-01' AND l_receiptdate < '1995-01-01'
        GROUP BY l_shipmode ORDER BY l_shipmode""", (0,)),
    Query('13', 'customers by orders', """SELECT c_count, COUNT(*) AS custdist FROM (SELECT c_custkey, COUNT(o_orderkey) AS c_count
        FROM customer LEFT JOIN orders ON c_custkey = o_custkey AND o_comment NOT LIKE '%special%requests%' GROUP BY c_custkey)
        AS c_orders GROUP BY c_count ORDER BY custdist DESC, c_count DESC""", (1, 0)),
    Query('14', 'promotion', """SELECT 100.00 * SUM(CASE WHEN p_type LIKE 'PROMO%' THEN {price} ELSE 0 END) / SUM({price})
        FROM lineitem l, part WHERE l_partkey = p_partkey AND @time(l.l_shipdate) >= DATE '1995-09-01'
        AND @time(l.l_shipdate) < DATE '1995-10-01'"""),
    Query('15', 'best supplier', """WITH revenue AS (SELECT l_suppkey AS supplier_no, ROUND(SUM({price}), 2) AS total FROM lineitem
        WHERE @time(l_shipdate) >= DATE '1996-01-01' AND @time(l_shipdate) < DATE '1996-04-01' GROUP BY l_suppkey)
        SELECT s_suppkey, s_name, s_address, s_phone, total FROM supplier, revenue WHERE s_suppkey = supplier_no
        AND total = (SELECT MAX(total) FROM revenue) ORDER BY s_suppkey""", (0,)),
    Query('16', 'suppliers of parts', """SELECT p_brand, p_type, p_size, COUNT(DISTINCT ps_suppkey) AS supplier_cnt FROM partsupp, part
        WHERE p_partkey = ps_partkey AND p_brand <> 'Brand#45' AND p_type NOT LIKE 'MEDIUM POLISHED%'
        AND p_size IN (49, 14, 23, 45, 19, 3, 36, 9) AND ps_suppkey NOT IN (SELECT s_suppkey FROM supplier
        WHERE s_comment LIKE '%Customer%Complaints%') GROUP BY p_brand, p_type, p_size
        ORDER BY supplier_cnt DESC, p_brand, p_type, p_size""", (3, 0, 1, 2)),
    Query('17', 'small quantities', """SELECT SUM(l_extendedprice) / 7.0 FROM lineitem, part WHERE p_partkey = l_partkey AND p_brand = 'Brand#23'
        AND p_container = 'MED BOX' AND l_quantity < (SELECT 0.2 * AVG(l_quantity) FROM lineitem WHERE l_partkey = p_partkey)"""),
    Query('18', 'large orders', """SELECT c_name, c_custkey, o_orderkey, @time(o.o_orderdate) AS d, o_totalprice, SUM(l_quantity)
        FROM customer, orders o, lineitem WHERE o_orderkey IN (SELECT l_orderkey FROM lineitem GROUP BY l_orderkey
        HAVING SUM(l_quantity) > 300) AND c_custkey = o_custkey AND o_orderkey = l_orderkey
        GROUP BY c_name, c_custkey, o_orderkey, @time(o.o_orderdate), o_totalprice ORDER BY o_totalprice DESC, d LIMIT 100""", (4, 3)),
    Query('19', 'discounted revenue', """SELECT SUM({price}) FROM lineitem, part WHERE p_partkey = l_partkey
        AND l_shipmode IN ('AIR', 'AIR REG') AND l_shipinstruct = 'DELIVER IN PERSON'
        AND ((p_brand = 'Brand#12' AND p_container IN ('SM CASE', 'SM BOX', 'SM PACK', 'SM PKG') AND l_quantity BETWEEN 1 AND 11
            AND p_size BETWEEN 1 AND 5)
        OR (p_brand = 'Brand#23' AND p_container IN ('MED BAG', 'MED BOX', 'MED PKG', 'MED PACK') AND l_quantity BETWEEN 10 AND 20
            AND p_size BETWEEN 1 AND 10)
        OR (p_brand = 'Brand#34' AND p_container IN ('LG CASE', 'LG BOX', 'LG PACK', 'LG PKG') AND l_quantity BETWEEN 20 AND 30
            AND p_size BETWEEN 1 AND 15))"""),
    Query('20', 'parts to promote', """SELECT s_name, s_address FROM supplier, nation WHERE s_suppkey IN (SELECT ps_suppkey FROM partsupp
        WHERE ps_partkey IN (SELECT p_partkey FROM part WHERE p_name LIKE 'forest%') AND ps_availqty > (SELECT 0.5 * SUM(l_quantity)
        FROM lineitem l WHERE l_partkey = ps_partkey AND l_suppkey = ps_suppkey AND @time(l.l_shipdate) >= DATE '1994-01-01'
        AND @time(l.l_shipdate) < DATE '1995-01-01')) AND s_nationkey = n_nationkey AND n_name = 'CANADA' ORDER BY s_name""", (0,)),
    Query('21', 'suppliers who kept orders waiting', """SELECT s_name, COUNT(*) AS numwait FROM supplier, lineitem l1, orders, nation
        WHERE s_suppkey = l1.l_suppkey AND o_orderkey = l1.l_orderkey AND o_orderstatus = 'F' AND l1.l_receiptdate > l1.l_commitdate
        AND EXISTS (SELECT 1 FROM lineitem l2 WHERE l2.l_orderkey = l1.l_orderkey AND l2.l_suppkey <> l1.l_suppkey)
        AND NOT EXISTS (SELECT 1 FROM lineitem l3 WHERE l3.l_orderkey = l1.l_orderkey AND l3.l_suppkey <> l1.l_suppkey
        AND l3.l_receiptdate > l3.l_commitdate) AND s_nationkey = n_nationkey AND n_name = 'SAUDI ARABIA'
        GROUP BY s_name ORDER BY numwait DESC, s_name LIMIT 100""", (1, 0)),
    Query('22', 'customers worth a call', """SELECT cntrycode, COUNT(*), SUM(c_acctbal) FROM (SELECT SUBSTRING(c_phone, 1, 2) AS cntrycode,
        c_acctbal FROM customer WHERE SUBSTRING(c_phone, 1, 2) IN ('13', '31', '23', '29', '30', '18', '17')
        AND c_acctbal > (SELECT AVG(c_acctbal) FROM customer WHERE c_acctbal > 0.00
        AND SUBSTRING(c_phone, 1, 2) IN ('13', '31', '23', '29', '30', '18', '17'))
        AND NOT EXISTS (SELECT 1 FROM orders WHERE o_custkey = c_custkey)) AS custsale GROUP BY cntrycode ORDER BY cntrycode""", (0,)),
]
for query in QUERIES:
    query.sql = query.sql.replace('{price}', PRICE)
    if query.key in ('08', '17'):  # its decimals keep four digits when divided, its sum of nothing is 0
        query.only['clickhouse'] = query.sql.replace('/ SUM(volume)', '/ toFloat64(SUM(volume))').replace('SELECT SUM', 'SELECT sumOrNull')


def queries(tables):
    """The fraction of query 11 falls with the scale."""
    fraction = '%.10f' % (0.0001 * 6_001_215 / tables[0].rows)
    return [dataclasses.replace(query, sql=query.sql.replace('{fraction}', fraction)) for query in QUERIES]
