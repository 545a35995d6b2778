/*
 * The binder and the optimiser: SQL in, printed plan out; and the sentences of what does not bind.
 * One datasource, `wiki`, and one system table are known; nothing is executed.
 */
#include "tests/unit/harness.h"

#include <stdio.h>

#include "query/sql/sql.h"
#include "tests/lib/sql_wiki.h"

typedef struct setup {
    ov_arena arena;
    ov_expr_ctx cx;
    ov_sql_env env;
} setup;

/* Parses, binds and, when asked, optimises; the plan's text goes to `text`. */
static ov_status plan_text(setup *s, const char *sql, bool optimise, ov_buf *text, ov_error *err)
{
    ov_sql_parsed parsed;
    ov_sql_statement statement;
    OV_TRY(ov_sql_parse(ov_slice_cstr(sql), &s->arena, &parsed, err));
    OV_TRY(ov_sql_plan(&s->env, &parsed, &statement, err));
    const ov_plan *plan = statement.plan;
    if (optimise)
        OV_TRY(ov_plan_optimize(&s->cx, plan, &plan, err));
    for (uint32_t i = 0; i < plan->field_count; i++)
        ov_buf_addf(text, "%s" OV_SLICE_FMT ":%s", i ? " " : "", OV_SLICE_ARG(plan->fields[i].name),
                    ov_sqltype_name((ov_sqltype)plan->fields[i].sql));
    ov_buf_add_char(text, '\n');
    return ov_plan_print(plan, text, err);
}

static void open_setup(setup *s)
{
    *s = (setup){.env = {.outer_limit = OV_NO_LIMIT,
                         .tables = {wiki_find, wiki_at, 1, NULL},
                         .systables = wiki_systables,
                         .systable_count = 1}};
    ov_arena_init(&s->arena, "test", NULL);
    s->cx.arena = &s->arena;
    s->cx.now_ms = 1577836800000; /* 2020-01-01 */
    s->env.cx = &s->cx;
}

static void check_plan(setup *s, const char *sql, bool optimise, const char *expected)
{
    ov_buf text;
    ov_error err = OV_ERROR_INIT;
    ov_buf_init(&text);
    if (plan_text(s, sql, optimise, &text, &err) != OV_OK)
        fail_msg("%s\n%s", sql, err.text);
    if (strcmp(ov_buf_cstr(&text), expected) != 0)
        fail_msg("%s\n--- expected:\n%s--- got:\n%s", sql, expected, ov_buf_cstr(&text));
    ov_buf_fini(&text);
    ov_arena_fini(&s->arena);
}

static void binds(const char *sql, const char *expected)
{
    setup s;
    open_setup(&s);
    check_plan(&s, sql, false, expected);
}

static void optimises(const char *sql, const char *expected)
{
    setup s;
    open_setup(&s);
    check_plan(&s, sql, true, expected);
}

/* The sentence, up to its hint; with its hint when `expected` has one. */
static void fails(const char *sql, ov_status status, const char *expected)
{
    setup s;
    ov_buf text;
    ov_error err = OV_ERROR_INIT;
    open_setup(&s);
    ov_buf_init(&text);
    ov_status st = plan_text(&s, sql, true, &text, &err);
    if (st == OV_OK)
        fail_msg("binds, but should not: %s\n%s", sql, ov_buf_cstr(&text));
    size_t n = strlen(expected);
    bool same = strncmp(err.text, expected, n) == 0 && (err.text[n] == 0 || strncmp(err.text + n, "; ", 2) == 0);
    if (st != status || !same)
        fail_msg("%s\nexpected: %s: %s\ngot:      %s: %s", sql, ov_status_name(status), expected,
                 ov_status_name(st), err.text);
    ov_buf_fini(&text);
    ov_arena_fini(&s.arena);
}

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

/* What Superset, plywood, the web console and others send, white space aside: all of it binds. */
static void statements_of_clients(void **state)
{
    (void)state;
    static const char *const statements[] = {
        "SELECT 1",
        "SELECT SCHEMA_NAME FROM INFORMATION_SCHEMA.SCHEMATA",
        "SELECT COUNT(*) > 0 AS exists_ FROM INFORMATION_SCHEMA.SCHEMATA WHERE SCHEMA_NAME = 'x'",
        "SELECT TIME_SHIFT(TIME_FLOOR(TIME_SHIFT(CAST(\"__time\" AS TIMESTAMP), 'P1D', 1), 'P1W'), "
        "'P1D', 5) AS "
        "\"__time\", SUM(\"added\") AS \"sum_added\" FROM \"druid\".\"wiki\" WHERE \"__time\" >= "
        "'2015-09-12 "
        "00:00:00.000000' AND (\"channel\" = 'a' OR \"channel\" = 'b') AND ( added > 1000 ) GROUP "
        "BY "
        "TIME_SHIFT(TIME_FLOOR(TIME_SHIFT(CAST(\"__time\" AS TIMESTAMP), 'P1D', 1), 'P1W'), 'P1D', "
        "5) ORDER BY "
        "\"sum_added\" DESC LIMIT 10000",
        "SELECT DISTINCT \"channel\" AS \"column_values\" FROM \"druid\".\"wiki\" LIMIT 10000",
        "SELECT COUNT(*) AS \"count\" FROM \"druid\".\"wiki\" WHERE \"page\" LIKE 'Talk:%' AND "
        "\"channel\" IN ('a') AND "
        "\"page\" <> 'Main' AND \"delta\" IS NULL LIMIT 10000",
        "SELECT \"t\".\"channel\" AS \"C\", COUNT(*) AS \"n\" FROM \"wiki\" AS t WHERE (TIMESTAMP "
        "'2015-09-12 "
        "00:00:00'<=\"t\".\"__time\" AND \"t\".\"__time\"<TIMESTAMP '2015-09-13 00:00:00') GROUP "
        "BY 1 HAVING "
        "100<COUNT(*) ORDER BY \"n\" DESC LIMIT 5",
        "SELECT COUNT(*) AS \"n\" FROM \"wiki\" AS t GROUP BY ()",
        "SELECT channel, COUNT(*) AS \"n\" FROM wiki GROUP BY 1 HAVING 100<\"n\"",
        "SELECT TIME_FLOOR(\"__time\",'PT1H',NULL,'Etc/UTC') AS \"T\", FLOOR(\"added\" / 100000) * "
        "100000 AS \"A\" FROM "
        "wiki GROUP BY 1, 2 ORDER BY \"T\" ASC",
        "SELECT MAX(__time) AS maxTime, MIN(__time) AS minTime FROM wiki",
        "SELECT page, COUNT(*) FILTER (WHERE added > 0) AS \"a\", SUM(\"added\") FILTER (WHERE "
        "channel = 'x') FROM wiki "
        "GROUP BY page ORDER BY 2 DESC, page ASC NULLS LAST LIMIT 50 OFFSET 50",
        "WITH w AS (SELECT * FROM wiki WHERE __time > CURRENT_TIMESTAMP - INTERVAL '1' DAY) SELECT "
        "COUNT(*) AS \"Count\" "
        "FROM w",
    };
    for (size_t i = 0; i < OV_COUNT_OF(statements); i++) {
        setup s;
        ov_buf text;
        ov_error err = OV_ERROR_INIT;
        open_setup(&s);
        ov_buf_init(&text);
        if (plan_text(&s, statements[i], true, &text, &err) != OV_OK)
            fail_msg("%s\n%s", statements[i], err.text);
        ov_buf_fini(&text);
        ov_arena_fini(&s.arena);
    }
}

static void outer_limit_and_parameters(void **state)
{
    (void)state;
    static const ov_param params[] = {{.sql = OV_SQL_VARCHAR, .s = OV_SLICE_LIT("a")},
                                      {.sql = OV_SQL_BIGINT, .i = 3}};
    setup s;
    open_setup(&s);
    s.env.params = params;
    s.env.param_count = 2;
    s.env.outer_limit = 2;
    check_plan(&s, "SELECT page FROM wiki WHERE channel = ? ORDER BY page LIMIT ?", true,
               "page:VARCHAR\n"
               "Project $1 AS page\n"
               "  Sort $1 limit=2\n"
               "    Scan wiki (channel, page) filter=($0 = 'a')\n");
    fails("SELECT ?", OV_INVALID, "Illegal use of dynamic parameter (line [1], column [8])");
}

/* A chain of WITH queries nests as deep as if it were written out. */
static void long_with(void **state)
{
    (void)state;
    ov_buf sql;
    ov_buf_init(&sql);
    ov_buf_add_str(&sql, "WITH w0 AS (SELECT page FROM wiki)");
    for (int i = 1; i < 5000; i++)
        ov_buf_addf(&sql, ", w%d AS (SELECT * FROM w%d)", i, i - 1);
    ov_buf_add_str(&sql, " SELECT COUNT(*) FROM w4999");
    setup s;
    ov_buf text;
    ov_error err = OV_ERROR_INIT;
    open_setup(&s);
    ov_buf_init(&text);
    assert_int_equal(plan_text(&s, ov_buf_cstr(&sql), true, &text, &err), OV_LIMIT);
    assert_non_null(strstr(err.text, "nested more than 1000 levels deep with its WITH queries in place"));
    ov_buf_fini(&text);
    ov_buf_fini(&sql);
    ov_arena_fini(&s.arena);
}

static void errors(void **state)
{
    (void)state;
    fails("SELECT * FROM nope", OV_INVALID, "Object 'nope' not found (line [1], column [15])");
    fails("SELECT * FROM wikis", OV_INVALID,
          "Object 'wikis' not found (line [1], column [15]); did you mean 'wiki'?");
    fails("SELECT * FROM INFORMATION_SCHEMA.nope", OV_INVALID,
          "Object 'nope' not found within 'INFORMATION_SCHEMA' (line [1], column [15])");
    fails("SELECT nope FROM wiki", OV_INVALID,
          "Column 'nope' not found in any table (line [1], column [8])");
    fails("SELECT chanel FROM wiki", OV_INVALID,
          "Column 'chanel' not found in any table (line [1], column [8]); did you mean 'channel'?");
    fails("SELECT x.page FROM wiki", OV_INVALID, "Table 'x' not found (line [1], column [8])");
    fails("SELECT CURRENT_USER", OV_INVALID,
          "Column 'CURRENT_USER' not found in any table (line [1], column [8])");
    fails("SELECT COUNT(*) FROM wiki WHERE added", OV_INVALID,
          "WHERE clause must be a condition (line [1], column [33])");
    fails("SELECT channel FROM wiki WHERE COUNT(*) > 1", OV_INVALID,
          "Aggregate expression is illegal in WHERE clause (line [1], column [32])");
    fails("SELECT COUNT(*) FROM wiki GROUP BY 1", OV_INVALID,
          "Aggregate expression is illegal in GROUP BY clause (line [1], column [8])");
    fails("SELECT channel, page, COUNT(*) FROM wiki GROUP BY channel", OV_INVALID,
          "Expression 'page' is not being grouped (line [1], column [17])");
    fails("SELECT SUM(COUNT(*)) FROM wiki", OV_INVALID,
          "Aggregate expressions cannot be nested (line [1], column [8])");
    fails("SELECT 9223372036854775808", OV_INVALID,
          "Numeric literal '9223372036854775808' out of range (line [1], column [8])");
    fails("SELECT DATE 'foo'", OV_INVALID,
          "Illegal DATE literal 'foo': not in format 'yyyy-MM-dd' (line [1], column [8])");
    fails("SELECT CAST(1 AS FOO)", OV_INVALID, "Unknown identifier 'FOO' (line [1], column [18])");
    fails("SELECT NOPE(1)", OV_INVALID,
          "No match found for function signature NOPE(<NUMERIC>) (line [1], column [8])");
    fails("SELECT 1 UNION ALL SELECT 1, 2", OV_INVALID,
          "Column count mismatch in UNION ALL (line [1], column [27])");
    fails("SELECT (SELECT page, added FROM wiki) FROM wiki", OV_INVALID,
          "Cannot apply '$SCALAR_QUERY' to a sub-query of 2 columns; it must have one (line [1], "
          "column [8])");
    fails("SELECT EXTRACT(FOO FROM __time) FROM wiki", OV_INVALID,
          "'FOO' is not a valid time frame (line [1], column [16])");
    fails("SELECT page FROM wiki ORDER BY 2", OV_INVALID,
          "Ordinal out of range (line [1], column [32])");
}

static void explain(void **state)
{
    (void)state;
    optimises("EXPLAIN PLAN FOR SELECT COUNT(*) c FROM wiki",
              "PLAN:VARCHAR RESOURCES:VARCHAR ATTRIBUTES:VARCHAR\n"
              "Values 1 x 3 ('[{\"query\":{\"queryType\":\"timeseries\",\"dataSource\":{\"type\":\"table\","
              "\"name\":\"wiki\"},\"intervals\":{\"type\":\"intervals\",\"intervals\":["
              "\"-146136543-09-08T08:23:32.096Z/146140482-04-24T15:36:27.903Z\"]},\"granularity\":{\"type\":"
              "\"all\"},\"aggregations\":[{\"type\":\"count\",\"name\":\"a0\"}],\"context\":{"
              "\"queryId\":\"\",\"sqlQueryId\":\"\"}},\"signature\":[{\"name\":\"a0\",\"type\":\"LONG\"}],"
              "\"columnMappings\":[{\"queryColumn\":\"a0\",\"outputColumn\":\"c\"}]}]', '[{\"name\":\"wiki\",\"type\":\"DATASOURCE\"}]', "
              "'{\"statementType\":\"SELECT\"}')\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(projections),
        cmocka_unit_test(joins), cmocka_unit_test(groups),
        cmocka_unit_test(subqueries),
        cmocka_unit_test(windows),
        cmocka_unit_test(time_ranges),
        cmocka_unit_test(outer_limit_and_parameters),
        cmocka_unit_test(long_with),
        cmocka_unit_test(errors),
        cmocka_unit_test(statements_of_clients),
        cmocka_unit_test(explain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
