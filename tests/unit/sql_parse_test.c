/*
 * The SQL parser: what parses, into which tree, and the words of its errors. Trees are compared
 * through their printed form; printing and parsing again must give an equal tree for everything
 * that parses.
 */
#include "tests/unit/harness.h"

#include <stdio.h>
#include <stdlib.h>

#include "query/sql/ast.h"

/* Parse, print, parse again, compare; the printed form in *printed (may be NULL). */
static ov_status round_trip(ov_slice sql, char *printed, size_t capacity, ov_error *err)
{
    ov_arena arena;
    ov_buf buf;
    ov_sql_parsed first, second;
    ov_arena_init(&arena, "test", NULL);
    ov_buf_init(&buf);
    ov_status st = ov_sql_parse(sql, &arena, &first, err);
    if (st == OV_OK) {
        ov_ast_print(first.script, &buf);
        st = ov_sql_parse(ov_buf_slice(&buf), &arena, &second, err);
        if (st != OV_OK)
            fail_msg("printed form does not parse: %s\n%s", ov_buf_cstr(&buf), err->text);
        if (!ov_ast_equal(first.script, second.script))
            fail_msg("printed form parses to something else: %s", ov_buf_cstr(&buf));
        if (printed)
            snprintf(printed, capacity, "%s", ov_buf_cstr(&buf));
    }
    ov_buf_fini(&buf);
    ov_arena_fini(&arena);
    return st;
}

static void parses_to(const char *sql, const char *expected)
{
    ov_error err = OV_ERROR_INIT;
    char printed[4096];
    if (round_trip(ov_slice_cstr(sql), printed, sizeof printed, &err) != OV_OK)
        fail_msg("%s\n%s", sql, err.text);
    if (expected)
        assert_string_equal(printed, expected);
}

static void fails_with(const char *sql, const char *start)
{
    ov_error err = OV_ERROR_INIT;
    if (round_trip(ov_slice_cstr(sql), NULL, 0, &err) == OV_OK)
        fail_msg("parses, but should not: %s", sql);
    if (strncmp(err.text, start, strlen(start)) != 0)
        fail_msg("%s\n  expected: %s\n  got:      %s", sql, start, err.text);
    assert_true(err.has_pos);
    assert_true(err.pos <= err.end_pos && err.end_pos <= strlen(sql));
}

static void expressions(void **state)
{
    (void)state;
    parses_to("SELECT 1 + 2 * 3 - -4", "SELECT ((1 + (2 * 3)) - (- 4))");
    parses_to("select a || b || c AS x", "SELECT (a || b || c) AS x");
    parses_to("SELECT a OR b AND NOT c = 1 OR d", "SELECT (a OR (b AND (NOT (c = 1))) OR d)");
    parses_to("SELECT x BETWEEN 1 AND 2 AND y", "SELECT ((x BETWEEN 1 AND 2) AND y)");
    parses_to("SELECT x NOT BETWEEN SYMMETRIC 2 AND 1", "SELECT (x NOT BETWEEN SYMMETRIC 2 AND 1)");
    parses_to("SELECT x LIKE 'a!%' ESCAPE '!' IS NOT TRUE",
              "SELECT ((x LIKE 'a!%' ESCAPE '!') IS NOT TRUE)");
    parses_to("SELECT a = 1 IS NULL", "SELECT ((a = 1) IS NULL)");
    parses_to("SELECT a IS NOT DISTINCT FROM b", "SELECT (a IS NOT DISTINCT FROM b)");
    parses_to("SELECT a NOT IN (1, 2), b IN (SELECT 1), (a, b) IN ((1, 2), (3, 4))",
              "SELECT (a NOT IN (1, 2)), (b IN (SELECT 1)), ((a, b) IN ((1, 2), (3, 4)))");
    parses_to("SELECT CASE a WHEN 1 THEN 'x' END, CASE WHEN a > 1 THEN 2 ELSE 3 END",
              "SELECT CASE a WHEN 1 THEN 'x' END, CASE WHEN (a > 1) THEN 2 ELSE 3 END");
    parses_to("SELECT ((SELECT 1)), EXISTS (SELECT 1)", "SELECT (SELECT 1), EXISTS (SELECT 1)");
    parses_to(
        "SELECT cast(a as varchar(10)), CAST(b AS double precision), CAST(c AS VARCHAR ARRAY)",
        "SELECT CAST(a AS VARCHAR(10)), CAST(b AS DOUBLE PRECISION), CAST(c AS VARCHAR ARRAY)");
    parses_to("SELECT ARRAY[1, 2][1], ROW(1, 2), \"a\"\"b\".c",
              "SELECT ARRAY[1, 2][1], (1, 2), \"a\"\"b\".c");
    parses_to("SELECT ?, a % 2, 1.5, .5, 1e3", "SELECT ?, (a % 2), 1.5, .5, 1e3");
}

static void literals(void **state)
{
    (void)state;
    parses_to("SELECT 'it''s', U&'\\00e9\\D83D\\DE00\\+01F600', U&'!0041' UESCAPE '!'",
              "SELECT 'it''s', '\xc3\xa9\xf0\x9f\x98\x80\xf0\x9f\x98\x80', 'A'");
    parses_to("SELECT TIMESTAMP '2000-01-01 00:00:00', DATE '2000-01-01', INTERVAL '1' DAY, "
              "INTERVAL -'1 02:03' DAY TO MINUTE, INTERVAL '1-2' YEAR TO MONTH",
              "SELECT TIMESTAMP '2000-01-01 00:00:00', DATE '2000-01-01', INTERVAL '1' DAY, "
              "INTERVAL -'1 02:03' DAY TO MINUTE, INTERVAL '1-2' YEAR TO MONTH");
    parses_to("SELECT {ts '2000-01-01 00:00:00'}, {d '2000-01-01'}, {fn UCASE('a')}",
              "SELECT TIMESTAMP '2000-01-01 00:00:00', DATE '2000-01-01', UCASE('a')");
    parses_to("SELECT true, FALSE, null -- comment\n /* and * another */",
              "SELECT TRUE, FALSE, NULL");
}

static void functions(void **state)
{
    (void)state;
    parses_to("SELECT COUNT(*), count(distinct a), SUM(a) FILTER (WHERE b > 1) s",
              "SELECT COUNT(*), count(DISTINCT a), SUM(a) FILTER (WHERE (b > 1)) AS s");
    parses_to("SELECT EXTRACT(DAY FROM t), FLOOR(t TO HOUR), CEIL(a), FLOOR(a / 10)",
              "SELECT EXTRACT(DAY FROM t), FLOOR(t TO HOUR), CEIL(a), FLOOR((a / 10))");
    parses_to("SELECT POSITION('a' IN b || 'c' FROM 2), TRIM(BOTH 'x' FROM a), TRIM(LEADING FROM "
              "a), TRIM(a)",
              "SELECT POSITION('a' IN (b || 'c') FROM 2), TRIM(BOTH 'x' FROM a), TRIM(LEADING FROM "
              "a), TRIM(a)");
    parses_to("SELECT SUBSTRING(a FROM 2 FOR 3), SUBSTRING(a, 2)",
              "SELECT SUBSTRING(a FROM 2 FOR 3), SUBSTRING(a, 2)");
    parses_to("SELECT JSON_VALUE(a, '$.b' RETURNING BIGINT), JSON_OBJECT(KEY 'a' VALUE b, 'c': d)",
              "SELECT JSON_VALUE(a, '$.b' RETURNING BIGINT), JSON_OBJECT(KEY 'a' VALUE b, KEY 'c' "
              "VALUE d)");
    parses_to("SELECT ARRAY_AGG(DISTINCT a ORDER BY b DESC), LEFT(a, 1), REPLACE(a, 'b', 'c'), "
              "TIMESTAMPADD(DAY, 1, t)",
              "SELECT ARRAY_AGG(DISTINCT a ORDER BY b DESC), LEFT(a, 1), REPLACE(a, 'b', 'c'), "
              "TIMESTAMPADD(DAY, 1, t)");
    parses_to(
        "SELECT RANK() OVER (PARTITION BY a ORDER BY b ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), "
        "LAG(a, 1) IGNORE NULLS OVER w FROM t WINDOW w AS (ORDER BY c RANGE UNBOUNDED PRECEDING)",
        "SELECT RANK() OVER (PARTITION BY a ORDER BY b ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), "
        "LAG(a, 1) IGNORE NULLS OVER (w) FROM t WINDOW w AS (ORDER BY c RANGE UNBOUNDED "
        "PRECEDING)");
}

static void queries(void **state)
{
    (void)state;
    parses_to(
        "SELECT DISTINCT a, t.* FROM druid.t AS t WHERE a = 1 GROUP BY 1, a HAVING COUNT(*) > 1 "
        "ORDER BY 2 DESC NULLS LAST, a ASC LIMIT 10 OFFSET 5;",
        "SELECT DISTINCT a, t.* FROM druid.t AS t WHERE (a = 1) GROUP BY 1, a HAVING (COUNT(*) > "
        "1) "
        "ORDER BY 2 DESC NULLS LAST, a LIMIT 10 OFFSET 5");
    parses_to("SELECT 1 OFFSET 2 ROWS FETCH NEXT 3 ROWS ONLY", "SELECT 1 LIMIT 3 OFFSET 2");
    parses_to(
        "SELECT a FROM t UNION ALL SELECT b FROM u UNION ALL (SELECT c FROM v LIMIT 1) ORDER BY 1",
        "SELECT a FROM t UNION ALL SELECT b FROM u UNION ALL (SELECT c FROM v LIMIT 1) ORDER BY 1");
    parses_to("SELECT 1 UNION SELECT 2 INTERSECT SELECT 3 EXCEPT SELECT 4",
              "(SELECT 1 UNION (SELECT 2 INTERSECT SELECT 3)) EXCEPT SELECT 4");
    parses_to("WITH x (a) AS (SELECT 1), y AS (VALUES (1, 2), (3, 4)) SELECT * FROM x, y",
              "WITH x (a) AS (SELECT 1), y AS (VALUES (1, 2), (3, 4)) SELECT * FROM x, y");
    parses_to("SELECT * FROM a JOIN b ON a.x = b.x LEFT OUTER JOIN c USING (y) NATURAL FULL JOIN d "
              "CROSS JOIN e",
              "SELECT * FROM a JOIN b ON (a.x = b.x) LEFT JOIN c USING (y) NATURAL FULL JOIN d "
              "CROSS JOIN e");
    parses_to("SELECT d FROM t CROSS JOIN UNNEST(MV_TO_ARRAY(tags)) AS u(d), LATERAL (SELECT 1) z, "
              "((SELECT 2)) y",
              "SELECT d FROM t CROSS JOIN UNNEST(MV_TO_ARRAY(tags)) AS u (d), LATERAL (SELECT 1) "
              "AS z, (SELECT 2) AS y");
    parses_to("SELECT * FROM TABLE(APPEND('a', 'b')), TABLE(EXTERN('{}', '{}')) EXTEND (c VARCHAR, "
              "n BIGINT) AS e, (a JOIN b ON TRUE)",
              "SELECT * FROM TABLE(APPEND('a', 'b')), TABLE(EXTERN('{}', '{}')) EXTEND (c VARCHAR, "
              "n BIGINT) AS e, (a JOIN b ON TRUE)");
    parses_to(
        "SELECT a FROM t GROUP BY GROUPING SETS ((a, b), (a), ()), ROLLUP(a, b), CUBE(c), ()",
        "SELECT a FROM t GROUP BY GROUPING SETS ((a, b), a, ()), ROLLUP (a, b), CUBE (c), ()");
    parses_to("SELECT floor, ceil, position, date, \"timestamp\", filter, \"left\", value, key, "
              "row FROM t AS first",
              NULL);
}

static void statements(void **state)
{
    (void)state;
    parses_to("SET a = 'x'; SET b = -1; EXPLAIN PLAN FOR SELECT 1",
              "SET a = 'x'; SET b = -1; EXPLAIN PLAN FOR SELECT 1");
    parses_to("EXPLAIN ANALYZE SELECT 1;", "EXPLAIN ANALYZE SELECT 1");
    parses_to("INSERT INTO t (a, b) SELECT 1, 2 PARTITIONED BY DAY CLUSTERED BY a, b DESC",
              "INSERT INTO t (a, b) SELECT 1, 2 PARTITIONED BY DAY CLUSTERED BY a, b DESC");
    parses_to("REPLACE INTO t OVERWRITE WHERE __time >= TIMESTAMP '2000-01-01' SELECT * FROM u "
              "PARTITIONED BY ALL TIME",
              "REPLACE INTO t OVERWRITE WHERE (__time >= TIMESTAMP '2000-01-01') SELECT * FROM u "
              "PARTITIONED BY ALL");
    parses_to("REPLACE INTO t OVERWRITE ALL SELECT 1 PARTITIONED BY FLOOR(__time TO DAY)",
              "REPLACE INTO t OVERWRITE ALL SELECT 1 PARTITIONED BY FLOOR(__time TO DAY)");
    parses_to("INSERT INTO EXTERN(local(exportPath => '/x')) AS CSV SELECT 1",
              "INSERT INTO EXTERN(local(exportPath => '/x')) AS CSV SELECT 1");
    parses_to("REPLACE INTO EXTERN(local(exportPath => '/x')) AS CSV SELECT 1 PARTITIONED BY ALL",
              "REPLACE INTO EXTERN(local(exportPath => '/x')) AS CSV SELECT 1 PARTITIONED BY ALL");
    parses_to("REPLACE INTO EXTERN(local(exportPath => '/x')) AS CSV OVERWRITE ALL SELECT 1 CLUSTERED BY a",
              "REPLACE INTO EXTERN(local(exportPath => '/x')) AS CSV OVERWRITE ALL SELECT 1 CLUSTERED BY a");
}

static void errors(void **state)
{
    (void)state;
    fails_with("", "Received an unexpected token [<EOF>] (line [0], column [0]); the statement is empty");
    fails_with("SELECT", "Received an unexpected token [<EOF>] (line [1], column [6]); the statement ends too early");
    fails_with("SELECT (1", "Received an unexpected token [<EOF>] (line [1], column [9]); the parenthesis at line 1, "
                            "column 8 is not closed");
    fails_with("SELECT count(*", "Received an unexpected token [<EOF>] (line [1], column [14]); the parenthesis at "
                                 "line 1, column 13 is not closed");
    fails_with("WITH a AS SELECT 1 SELECT 2", "Received an unexpected token [SELECT] (line [1], "
                                              "column [11]), acceptable options: [\"(\"]");
    fails_with("SELECT 1)", "Received an unexpected token [)] (line [1], column [9]); it closes what was not opened");
    fails_with("SELECT a b 1 FROM t", "Received an unexpected token [1] (line [1], column [12]); is a comma missing");
    fails_with("SELECT 1 FROM t CROSS 1", "Received an unexpected token [1] (line [1], column [23]), acceptable "
                                          "options: [\"JOIN\"]");
    fails_with("SELECT 1 FROM t WHERE a == 'b'",
               "Received an unexpected token [= =] (line [1], column [25]); equality is written");
    fails_with("SELECT\n  a\nFROM t\nGRUP BY 1",
               "Received an unexpected token [BY] (line [4], column [6]), ");
    fails_with("SELECT 1; SELECT 2", "Received an unexpected token [;] (line [1], column [9]); send one statement");
    fails_with("SELECT 1;;", "Received an unexpected token [;] (line [1], column [9]); send one statement");
    fails_with("SELECT # FROM t",
               "Lexical error at line 1, column 8.  Encountered: \"#\" (35), after : \"\"");
    fails_with(
        "SELECT \xe2\x98\x83 FROM t",
        "Lexical error at line 1, column 8.  Encountered: \"\\u2603\" (9731), after : \"\"");
    fails_with("/* open", "Lexical error at line 1, column 8.  Encountered: <EOF> after : \"\"");
    fails_with("SELECT 'open", "Lexical error at line 1, column ");
    fails_with("SELECT 1 AS 'x'", "Expecting alias, found character literal");
    fails_with("SELECT 1 FROM t LIMIT 1, 2",
               "'LIMIT start, count' is not allowed; write LIMIT count OFFSET start");
    fails_with("SELECT 1 FROM t OFFSET 1 LIMIT 2", "'OFFSET start LIMIT count' is not allowed");
    fails_with("SELECT U&'\\00'", "Unicode escape sequence starting at character 0 ");

    ov_error err = OV_ERROR_INIT;
    assert_int_not_equal(round_trip(OV_SLICE_LIT("SELECT a FRM t"), NULL, 0, &err), OV_OK);
    assert_non_null(strstr(err.text, "Did you mean [FROM] instead of [FRM]?"));
    assert_int_not_equal(round_trip(OV_SLICE_LIT("SLECT a FROM t"), NULL, 0, &err), OV_OK);
    assert_non_null(strstr(err.text, "Did you mean [SELECT] instead of [SLECT]?"));
}

/* Text made of `count` times `unit` between two ends. */
static ov_slice repeated(const char *before, const char *unit, size_t count, const char *after)
{
    ov_buf buf;
    ov_buf_init(&buf);
    ov_buf_add_str(&buf, before);
    for (size_t i = 0; i < count; i++)
        ov_buf_add_str(&buf, unit);
    ov_buf_add_str(&buf, after);
    return ov_buf_slice(&buf); /* freed by the caller with ov_free */
}

static void deep_and_long(void **state)
{
    (void)state;
    static const char *const deep[][3] = {
        {"SELECT ", "(", "1"},          {"SELECT ", "- ", "1"},     {"SELECT ", "NOT ", "a"},
        {"SELECT ", "f(", "1"},         {"", "SELECT (", "1"},      {"", "SELECT * FROM (", "1"},
        {"SELECT ", "CASE WHEN ", "1"}, {"SELECT ", "ARRAY[", "1"}, {"SELECT 1", " + 1", ""}};
    for (size_t i = 0; i < OV_COUNT_OF(deep); i++) {
        ov_slice sql = repeated(deep[i][0], deep[i][1], 10000, deep[i][2]);
        ov_error err = OV_ERROR_INIT;
        assert_int_equal(round_trip(sql, NULL, 0, &err), OV_LIMIT);
        assert_non_null(strstr(err.text, "nested"));
        ov_free((void *)(uintptr_t)sql.p);
    }
    static const char *const flat[][3] = {{"SELECT a IN (0", ", 12345", ")"},
                                          {"SELECT a = 'x'", " OR a = 'y'", ""},
                                          {"SELECT 'a'", " || 'b'", ""},
                                          {"SELECT 1", ", 'text of a column'", ""}};
    for (size_t i = 0; i < OV_COUNT_OF(flat); i++) {
        ov_slice sql = repeated(flat[i][0], flat[i][1], 1000000, flat[i][2]);
        ov_arena arena;
        ov_sql_parsed parsed;
        ov_error err = OV_ERROR_INIT;
        ov_arena_init(&arena, "test", NULL);
        assert_int_equal(ov_sql_parse(sql, &arena, &parsed, &err), OV_OK);
        ov_arena_fini(&arena);
        ov_free((void *)(uintptr_t)sql.p);
    }
}

/* Every word that keywords.def calls a NAME is one. */
static void keywords_as_names(void **state)
{
    (void)state;
    enum { RESERVED, NAME, CALL, NOCALL, TEXT, BRACKET };
    static const struct {
        const char *word;
        int use;
    } words[] = {
#define OV_SQL_KEYWORD(word, use) {#word, use},
#include "query/sql/keywords.def"
#undef OV_SQL_KEYWORD
    };
    for (size_t i = 0; i < OV_COUNT_OF(words); i++) {
        char sql[128];
        if (i)
            assert_true(strcmp(words[i - 1].word, words[i].word) < 0);
        snprintf(sql, sizeof sql, "SELECT a + %s FROM t", words[i].word);
        ov_error err = OV_ERROR_INIT;
        bool name = round_trip(ov_slice_cstr(sql), NULL, 0, &err) == OV_OK;
        bool literal = !strcmp(words[i].word, "NULL") || !strcmp(words[i].word, "TRUE") ||
                       !strcmp(words[i].word, "FALSE");
        bool expected = literal || (words[i].use != RESERVED && words[i].use != NOCALL);
        if (name != expected)
            fail_msg("%s: %s", words[i].word, err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions),   cmocka_unit_test(literals),
        cmocka_unit_test(functions),     cmocka_unit_test(queries),
        cmocka_unit_test(statements),    cmocka_unit_test(errors),
        cmocka_unit_test(deep_and_long), cmocka_unit_test(keywords_as_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
