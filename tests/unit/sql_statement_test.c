/*
 * The binder on whole statements: what clients send, parameters, very long ones, EXPLAIN, and the sentences of what does
 * not bind (sql_plan_lib.h).
 */
#include "tests/unit/sql_plan_lib.h"

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
        cmocka_unit_test(statements_of_clients),
        cmocka_unit_test(outer_limit_and_parameters),
        cmocka_unit_test(long_with),
        cmocka_unit_test(errors),
        cmocka_unit_test(explain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
