/*
 * The binder and the optimiser, clause by clause: SQL in, printed plan out (sql_plan_lib.h).
 */
#include "tests/unit/sql_plan_lib.h"

static void projections(void **state)
{
    (void)state;
    binds("SELECT 1, 'x' AS a, 1.5, 1e3, 3000000000",
          "EXPR$0:INTEGER a:CHAR EXPR$2:DECIMAL EXPR$3:DOUBLE EXPR$4:BIGINT\n"
          "Project 1 AS EXPR$0, 'x' AS a, 1.5 AS EXPR$2, 1000.0 AS EXPR$3, 3000000000 AS EXPR$4\n"
          "  Values 1 x 0\n");
    binds("SELECT CAST('a' AS CHAR(3)) c, PI p", "c:CHAR p:DOUBLE\n"
                                                 "Project 'a  ' AS c, 3.141592653589793 AS p\n"
                                                 "  Values 1 x 0\n");
    binds("SELECT 1 a, 2 a, 3, 4", "a:INTEGER a:INTEGER EXPR$1:INTEGER EXPR$2:INTEGER\n"
                                   "Project 1 AS a, 2 AS a, 3 AS EXPR$1, 4 AS EXPR$2\n"
                                   "  Values 1 x 0\n");
    binds("SELECT *, w.page FROM druid.wiki w",
          "__time:TIMESTAMP channel:VARCHAR page:VARCHAR added:BIGINT delta:DOUBLE page:VARCHAR\n"
          "Project $0 AS __time, $1 AS channel, $2 AS page, $3 AS added, $4 AS delta, $2 AS page\n"
          "  Scan wiki (__time, channel, page, added, delta)\n");
    optimises("SELECT page, added + 1 FROM wiki WHERE channel = 'a' ORDER BY __time DESC LIMIT 5 "
              "OFFSET 2",
              "page:VARCHAR EXPR$1:BIGINT\n"
              "Project $2 AS page, ($3 + 1) AS EXPR$1\n"
              "  Sort $0 DESC limit=5 offset=2\n"
              "    Scan wiki (__time, channel, page, added) filter=($1 = 'a')\n");
    optimises(
        "SELECT page FROM wiki WHERE channel = 'b' OR added = 1 OR channel = 'a' OR channel = 'c'",
        "page:VARCHAR\n"
        "Project $1 AS page\n"
        "  Scan wiki (channel, page, added) filter=(($0 IN ('a', 'b', 'c')) OR ($2 = 1))\n");
    optimises("SELECT page FROM wiki ORDER BY added * 2, page",
              "page:VARCHAR\n"
              "Project $0 AS page\n"
              "  Sort $1, $0\n"
              "    Project $0 AS page, ($1 * 2) AS \n"
              "      Scan wiki (page, added)\n");
    optimises(
        "SELECT DISTINCT channel AS column_values FROM wiki ORDER BY 1 DESC NULLS FIRST LIMIT 10",
        "column_values:VARCHAR\n"
        "Sort $0 DESC NULLS FIRST limit=10\n"
        "  Aggregate keys=[$0] aggs=[]\n"
        "    Scan wiki (channel)\n");
}

static void joins(void **state)
{
    (void)state;
    optimises("SELECT a.page, b.added FROM wiki a, wiki b WHERE a.page = b.page AND a.channel = 'x' AND "
              "b.delta > a.added",
              "page:VARCHAR added:BIGINT\n"
              "Project $1 AS page, $4 AS added\n"
              "  Join inner keys=[$1 = $0] where=($5 > CAST($2 AS DOUBLE))\n"
              "    Scan wiki (channel, page, added) filter=($0 = 'x')\n"
              "    Scan wiki (page, added, delta)\n");
    optimises("SELECT a.page, b.n FROM wiki a LEFT JOIN (SELECT page, COUNT(*) n FROM wiki GROUP BY 1) b "
              "ON a.page = b.page AND b.n > 3 AND a.added > 1 WHERE a.__time >= '2020-01-01'",
              "page:VARCHAR n:BIGINT\n"
              "Project $1 AS page, $4 AS n\n"
              "  Join left keys=[$1 = $0] where=($2 > 1)\n"
              "    Scan wiki (__time, page, added) time=[2020-01-01T00:00:00.000Z/]\n"
              "    Filter ($1 > 3)\n"
              "      Aggregate keys=[$0] aggs=[COUNT(*)]\n"
              "        Scan wiki (page)\n");
    optimises("SELECT page FROM wiki w WHERE EXISTS (SELECT 1 FROM wiki v WHERE v.page = w.page)",
              "page:VARCHAR\n"
              "Join semi keys=[$0 = $0]\n"
              "  Scan wiki (page)\n"
              "  Scan wiki (page)\n");
    /* what a sub-query reads may be NULL; rows meet their group by a hash all the same */
    optimises("SELECT page, (SELECT COUNT(*) FROM UNNEST(ARRAY[w.page]) AS u(x)) FROM wiki w",
              "page:VARCHAR EXPR$1:BIGINT\n"
              "Project $0 AS page, COALESCE($2, 0) AS EXPR$1\n"
              "  Join left keys=[COALESCE($0, '') = COALESCE($0, '')] where=((($0 = $1) IS TRUE) OR (($0 IS NULL) AND ($1 IS NULL)))\n"
              "    Scan wiki (page)\n"
              "    Aggregate keys=[$0] aggs=[COUNT(*)]\n"
              "      Project $0 AS d0\n"
              "        Unnest ARRAY($0)\n"
              "          Join inner\n"
              "            Values 1 x 0\n"
              "            Aggregate keys=[$0] aggs=[]\n"
              "              Scan wiki (page)\n");
    optimises("SELECT COUNT(*) FROM wiki a, wiki b WHERE (a.page = b.page AND a.added = 1) OR "
              "(a.page = b.page AND b.added = 2)",
              "EXPR$0:BIGINT\n"
              "Aggregate keys=[] aggs=[COUNT(*)]\n"
              "  Join inner keys=[$0 = $0] where=(($1 = 1) OR ($3 = 2))\n"
              "    Scan wiki (page, added)\n"
              "    Scan wiki (page, added)\n");
    optimises("SELECT COUNT(*) FROM wiki a FULL JOIN wiki b USING (page) WHERE b.added = 1 AND a.added = 2",
              "EXPR$0:BIGINT\n"
              "Aggregate keys=[] aggs=[COUNT(*)]\n"
              "  Join inner keys=[$0 = $0]\n"
              "    Scan wiki (page, added) filter=($1 = 2)\n"
              "    Scan wiki (page, added) filter=($1 = 1)\n");
    optimises("SELECT * FROM (SELECT page, added FROM wiki) a NATURAL LEFT JOIN (SELECT page, delta FROM wiki) b",
              "page:VARCHAR added:BIGINT delta:DOUBLE\n"
              "Project $0 AS page, $1 AS added, $3 AS delta\n"
              "  Join left keys=[$0 = $0]\n"
              "    Scan wiki (page, added)\n"
              "    Scan wiki (page, delta)\n");
    optimises("SELECT b.*, s.SCHEMA_NAME FROM wiki b CROSS JOIN INFORMATION_SCHEMA.SCHEMATA s",
              "__time:TIMESTAMP channel:VARCHAR page:VARCHAR added:BIGINT delta:DOUBLE SCHEMA_NAME:VARCHAR\n"
              "Join inner\n"
              "  Scan wiki (__time, channel, page, added, delta)\n"
              "  System INFORMATION_SCHEMA.SCHEMATA\n");
    fails("SELECT page FROM wiki a JOIN wiki b ON a.page = b.page", OV_INVALID,
          "Column 'page' is ambiguous (line [1], column [8])");
    fails("SELECT 1 FROM wiki a JOIN wiki b USING (pgae)", OV_INVALID,
          "Column 'pgae' not found in the left side of the join (line [1], column [41])");
    fails("SELECT 1 FROM wiki JOIN wiki ON TRUE", OV_INVALID,
          "Duplicate relation name 'wiki' in FROM clause (line [1], column [25])");
}

static void groups(void **state)
{
    (void)state;
    optimises("SELECT channel, COUNT(*) c FROM wiki GROUP BY 1 ORDER BY 2 DESC LIMIT 5",
              "channel:VARCHAR c:BIGINT\n"
              "Sort $1 DESC limit=5\n"
              "  Aggregate keys=[$0] aggs=[COUNT(*)]\n"
              "    Scan wiki (channel)\n");
    optimises("SELECT COUNT(*), SUM(added) / COUNT(*), COUNT(DISTINCT page), "
              "MAX(added) FILTER (WHERE channel = 'a') FROM wiki",
              "EXPR$0:BIGINT EXPR$1:BIGINT EXPR$2:BIGINT EXPR$3:BIGINT\n"
              "Project $0 AS EXPR$0, ($1 / $0) AS EXPR$1, $2 AS EXPR$2, $3 AS EXPR$3\n"
              "  Aggregate keys=[] aggs=[COUNT(*), SUM($2), COUNT(DISTINCT $1), MAX($2) FILTER ($0 "
              "= 'a')]\n"
              "    Scan wiki (channel, page, added)\n");
    /* an alias that hides the column, as Superset writes it */
    optimises("SELECT TIME_FLOOR(CAST(\"__time\" AS TIMESTAMP), 'PT1H') AS \"__time\", COUNT(*) AS "
              "\"count\" FROM "
              "\"druid\".\"wiki\" WHERE \"__time\" >= '2015-09-12 00:00:00.000000' AND \"__time\" "
              "< '2015-09-13 "
              "00:00:00.000000' GROUP BY TIME_FLOOR(CAST(\"__time\" AS TIMESTAMP), 'PT1H') ORDER "
              "BY __time ASC LIMIT "
              "10000",
              "__time:TIMESTAMP count:BIGINT\n"
              "Sort $0 limit=10000\n"
              "  Aggregate keys=[TIME_FLOOR($0, 'PT1H')] aggs=[COUNT(*)]\n"
              "    Scan wiki (__time) time=[2015-09-12T00:00:00.000Z/2015-09-13T00:00:00.000Z]\n");
    optimises("SELECT UPPER(channel) AS u, SUM(added) FROM wiki GROUP BY u HAVING SUM(added) > 10 "
              "AND u <> 'X' "
              "ORDER BY SUM(added) DESC, u",
              "u:VARCHAR EXPR$1:BIGINT\n"
              "Sort $1 DESC, $0\n"
              "  Filter ($1 > 10)\n"
              "    Aggregate keys=[UPPER($0)] aggs=[SUM($1)]\n"
              "      Scan wiki (channel, added) filter=(UPPER($0) <> 'X')\n");
    optimises("SELECT SUM(added) AS added FROM wiki HAVING SUM(added) > 1 ORDER BY SUM(added)",
              "added:BIGINT\n"
              "Sort $0\n"
              "  Filter ($0 > 1)\n"
              "    Aggregate keys=[] aggs=[SUM($0)]\n"
              "      Scan wiki (added)\n");
    optimises("SELECT COUNT(*) FROM wiki GROUP BY ()", "EXPR$0:BIGINT\n"
                                                       "Aggregate keys=[] aggs=[COUNT(*)]\n"
                                                       "  Scan wiki ()\n");
    optimises("SELECT channel, page, COUNT(*), GROUPING(channel, page) FROM wiki GROUP BY "
              "ROLLUP(channel, page) ORDER BY 3",
              "channel:VARCHAR page:VARCHAR EXPR$2:BIGINT EXPR$3:BIGINT\n"
              "Sort $2\n"
              "  Union\n"
              "    Project $0 AS , $1 AS , $2 AS , 0 AS \n"
              "      Aggregate keys=[$0, $1] aggs=[COUNT(*)]\n"
              "        Scan wiki (channel, page)\n"
              "    Project $0 AS , NULL AS , $1 AS , 1 AS \n"
              "      Aggregate keys=[$0] aggs=[COUNT(*)]\n"
              "        Scan wiki (channel)\n"
              "    Project NULL AS , NULL AS , $0 AS , 3 AS \n"
              "      Aggregate keys=[] aggs=[COUNT(*)]\n"
              "        Scan wiki ()\n");
    optimises("SELECT COUNT(*) FROM wiki GROUP BY channel, GROUPING SETS ((page), ())",
              "EXPR$0:BIGINT\n"
              "Union\n"
              "  Project $2 AS \n"
              "    Aggregate keys=[$0, $1] aggs=[COUNT(*)]\n"
              "      Scan wiki (channel, page)\n"
              "  Project $1 AS \n"
              "    Aggregate keys=[$0] aggs=[COUNT(*)]\n"
              "      Scan wiki (channel)\n");
    optimises("SELECT LATEST(page), EARLIEST(page, 10) FROM wiki",
              "EXPR$0:VARCHAR EXPR$1:VARCHAR\n"
              "Aggregate keys=[] aggs=[LATEST($1, $0), EARLIEST($1, $0)]\n"
              "  Scan wiki (__time, page)\n");
}

static void subqueries(void **state)
{
    (void)state;
    optimises("WITH x AS (SELECT channel, SUM(added) s FROM wiki GROUP BY 1) "
              "SELECT AVG(s) FROM x WHERE channel LIKE 'a%' AND s > 1",
              "EXPR$0:DOUBLE\n"
              "Aggregate keys=[] aggs=[AVG($1)]\n"
              "  Filter ($1 > 1)\n"
              "    Aggregate keys=[$0] aggs=[SUM($1)]\n"
              "      Scan wiki (channel, added) filter=($0 LIKE 'a%')\n");
    optimises("SELECT t.a FROM (SELECT page, added FROM wiki LIMIT 3) AS t (a, b) WHERE b > 1",
              "a:VARCHAR\n"
              "Project $0 AS a\n"
              "  Filter ($1 > 1)\n"
              "    Limit limit=3\n"
              "      Scan wiki (page, added)\n");
    optimises("SELECT page FROM wiki UNION ALL SELECT 'x' ORDER BY 1 LIMIT 2",
              "page:VARCHAR\n"
              "Sort $0 limit=2\n"
              "  Union\n"
              "    Scan wiki (page)\n"
              "    Project 'x' AS EXPR$0\n"
              "      Values 1 x 0\n");
    binds("SELECT * FROM (VALUES (1, 'a'), (2.5, 'bb'), (NULL, NULL)) AS t (a, b)",
          "a:DECIMAL b:VARCHAR\n"
          "Project $0 AS a, $1 AS b\n"
          "  Values 3 x 2 (1.0, 'a') (2.5, 'bb') (NULL, NULL)\n");
    optimises("SELECT SCHEMA_NAME FROM INFORMATION_SCHEMA.SCHEMATA WHERE SCHEMA_NAME = 'druid'",
              "SCHEMA_NAME:VARCHAR\n"
              "Filter ($0 = 'druid')\n"
              "  System INFORMATION_SCHEMA.SCHEMATA\n");
    optimises("SELECT COUNT(*), MAX(delta) FROM TABLE(APPEND('wiki', 'wiki')) WHERE channel = 'a'",
              "EXPR$0:BIGINT EXPR$1:DOUBLE\n"
              "Aggregate keys=[] aggs=[COUNT(*), MAX($0)]\n"
              "  Union\n"
              "    Project $1 AS delta\n"
              "      Scan wiki (channel, delta) filter=($0 = 'a')\n"
              "    Project $1 AS delta\n"
              "      Scan wiki (channel, delta) filter=($0 = 'a')\n");
    optimises("SELECT page FROM wiki WHERE 1 = 0", "page:VARCHAR\nValues 0 x 1\n");
}

static void windows(void **state)
{
    (void)state;
    /* one node for one order, others below or above; named windows; calls in ORDER BY */
    binds("SELECT page, RANK() OVER w r, SUM(added) OVER (w ROWS 2 PRECEDING), COUNT(*) OVER () FROM wiki "
          "WINDOW w AS (PARTITION BY channel ORDER BY added DESC) ORDER BY ROW_NUMBER() OVER w",
          "page:VARCHAR r:BIGINT EXPR$2:BIGINT EXPR$3:BIGINT\n"
          "Project $2 AS page, $5 AS r, $6 AS EXPR$2, $8 AS EXPR$3\n"
          "  Sort $7\n"
          "    Window partition=[] order=[] calls=[COUNT(*) RANGE UNBOUNDED PRECEDING..CURRENT ROW]\n"
          "      Window partition=[$1] order=[$3 DESC] calls=[RANK(), SUM($3) ROWS 2 PRECEDING..CURRENT ROW, ROW_NUMBER()]\n"
          "        Scan wiki (__time, channel, page, added, delta)\n");
    /* over groups; expressions of keys; unread calls and columns go */
    optimises("SELECT channel, s FROM (SELECT channel, SUM(COUNT(*)) OVER (ORDER BY UPPER(channel)) s, "
              "LAG(MAX(added), 2, -1) OVER (ORDER BY channel) l FROM wiki GROUP BY channel)",
              "channel:VARCHAR s:BIGINT\n"
          "Project $0 AS channel, $3 AS s\n"
          "  Window partition=[] order=[$2] calls=[SUM($1) RANGE UNBOUNDED PRECEDING..CURRENT ROW]\n"
          "    Project $0 AS d0, $1 AS a0, UPPER($0) AS \n"
          "      Aggregate keys=[$0] aggs=[COUNT(*)]\n"
          "        Scan wiki (channel)\n");
    /* filters go below when they read partition columns only, limits never */
    optimises("SELECT page, n FROM (SELECT page, channel, ROW_NUMBER() OVER (PARTITION BY channel ORDER BY added) n "
              "FROM wiki) WHERE channel = 'a' AND n < 3 LIMIT 5",
              "page:VARCHAR n:BIGINT\n"
          "Project $1 AS page, $3 AS n\n"
          "  Limit limit=5\n"
          "    Filter ($3 < 3)\n"
          "      Window partition=[$0] order=[$2] calls=[ROW_NUMBER()]\n"
          "        Scan wiki (channel, page, added) filter=($0 = 'a')\n");
    optimises("SELECT page FROM (SELECT page, ROW_NUMBER() OVER (ORDER BY added) n FROM wiki)",
              "page:VARCHAR\n"
          "Scan wiki (page)\n");
    fails("SELECT RANK() OVER () FROM wiki", OV_INVALID,
          "RANK requires an ORDER BY clause in its window specification (line [1], column [8])");
    fails("SELECT page FROM wiki WHERE ROW_NUMBER() OVER () = 1", OV_INVALID,
          "Windowed aggregate expression is illegal in WHERE clause (line [1], column [29])");
    fails("SELECT SUM(RANK() OVER (ORDER BY page)) OVER () FROM wiki", OV_INVALID,
          "Window functions cannot be nested (line [1], column [12])");
    fails("SELECT SUM(RANK() OVER (ORDER BY page)) FROM wiki", OV_INVALID,
          "Aggregate expressions cannot be nested; a window function is none of their arguments (line [1], "
          "column [8])");
    fails("SELECT COUNT(DISTINCT page) OVER () FROM wiki", OV_INVALID,
          "DISTINCT is not supported for window functions (line [1], column [8])");
    fails("SELECT UPPER(page) OVER () FROM wiki", OV_INVALID,
          "'UPPER' is neither a window function nor an aggregate: OVER does not apply (line [1], column [8])");
    fails("SELECT RANK() FROM wiki", OV_INVALID,
          "OVER clause is necessary for window functions (line [1], column [8])");
    fails("SELECT SUM(added) OVER v FROM wiki WINDOW w AS (ORDER BY page)", OV_INVALID,
          "Window 'v' not found (line [1], column [24])");
    fails("SELECT SUM(added) OVER w FROM wiki WINDOW w AS (v), v AS (w)", OV_INVALID,
          "Window 'v' builds on itself (line [1], column [49])");
    fails("SELECT SUM(added) OVER (w PARTITION BY page) FROM wiki WINDOW w AS (ORDER BY page)", OV_INVALID,
          "Cannot override a clause of the window 'w' (line [1], column [40])");
    fails("SELECT SUM(added) OVER (ORDER BY page RANGE 1 PRECEDING) FROM wiki", OV_INVALID,
          "RANGE with a distance needs ORDER BY with one key, a number or a time (line [1], column [45])");
    fails("SELECT SUM(added) OVER (ORDER BY page ROWS -1 PRECEDING) FROM wiki", OV_INVALID,
          "Window frames take a whole number of rows or groups that is a literal and not negative (line [1], column [44])");
    fails("SELECT SUM(added) OVER (ROWS BETWEEN CURRENT ROW AND 1 PRECEDING) FROM wiki", OV_INVALID,
          "The upper frame boundary cannot lie before the lower one (line [1], column [38])");
    fails("SELECT NTILE(0) OVER () FROM wiki", OV_INVALID,
          "The argument of NTILE is a literal whole number, at least 1 (line [1], column [14])");
    fails("SELECT channel, SUM(added) OVER () FROM wiki GROUP BY channel", OV_INVALID,
          "Expression 'added' is not being grouped (line [1], column [17]); add it to GROUP BY, or put it into an aggregate such as MAX");
}

static void time_ranges(void **state)
{
    (void)state;
    optimises("SELECT page FROM wiki WHERE __time >= TIMESTAMP '2020-01-01' AND __time < TIMESTAMP "
              "'2020-02-01' AND "
              "added > 1",
              "page:VARCHAR\n"
              "Project $1 AS page\n"
              "  Scan wiki (__time, page, added) "
              "time=[2020-01-01T00:00:00.000Z/2020-02-01T00:00:00.000Z] "
              "filter=($2 > 1)\n");
    optimises("SELECT COUNT(*) FROM wiki WHERE __time < TIMESTAMP '2020-01-01' OR __time >= "
              "TIMESTAMP '2021-01-01'",
              "EXPR$0:BIGINT\n"
              "Aggregate keys=[] aggs=[COUNT(*)]\n"
              "  Scan wiki (__time) time=[/2020-01-01T00:00:00.000Z, 2021-01-01T00:00:00.000Z/]\n");
    optimises("SELECT COUNT(*) FROM wiki WHERE TIME_FLOOR(__time, 'P1M') = TIMESTAMP '2020-02-01'",
              "EXPR$0:BIGINT\n"
              "Aggregate keys=[] aggs=[COUNT(*)]\n"
              "  Scan wiki (__time) time=[2020-02-01T00:00:00.000Z/2020-03-01T00:00:00.000Z]\n");
    optimises("SELECT COUNT(*) FROM wiki WHERE (__time < TIMESTAMP '2020-01-01' AND added = 1) OR "
              "(__time < TIMESTAMP "
              "'2019-01-01' AND page = 'x')",
              "EXPR$0:BIGINT\n"
              "Aggregate keys=[] aggs=[COUNT(*)]\n"
              "  Scan wiki (__time, page, added) time=[/2020-01-01T00:00:00.000Z] filter=((($0 < "
              "TIMESTAMP "
              "2020-01-01T00:00:00.000Z) AND ($2 = 1)) OR (($0 < TIMESTAMP "
              "2019-01-01T00:00:00.000Z) AND ($1 = 'x')))\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(projections), cmocka_unit_test(joins),   cmocka_unit_test(groups),
        cmocka_unit_test(subqueries),  cmocka_unit_test(windows), cmocka_unit_test(time_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
