/*
 * Scalar functions against tables of answers. The answers are Druid's (recorded ones where there are some) or follow from the
 * definition; where Druid has no such function the definition is that of PostgreSQL.
 */
#include "query/expr/expr_int.h"
#include "tests/unit/expr_lib.h"

typedef struct row {
    const char *text, *answer;
} row;

static void check_rows(const row *rows, size_t n, const char *zone)
{
    ov_error err = OV_ERROR_INIT;
    ov_arena arena;
    ov_arena_init(&arena, "test", NULL);
    ov_expr_ctx cx = {.arena = &arena, .now_ms = 1442018818771, .next_id = 1};
    check_ok(ov_tz_get(ov_slice_cstr(zone), &cx.tz, &err), &err);
    ov_eval *ev;
    check_ok(ov_eval_create(NULL, NULL, &ev, &err), &err);
    for (size_t i = 0; i < n; i++) {
        const ov_expr *e;
        ov_buf got;
        ov_buf_init(&got);
        ov_batch one = {.rows = 1, .sel_rows = 1};
        ov_vec v;
        ov_status st = lib_parse(rows[i].text, &cx, NULL, &e, &err);
        if (st == OV_OK)
            st = ov_eval_expr(ev, e, &one, &v, &err);
        if (st == OV_OK)
            lib_print(e, &v, 0, &got);
        else
            ov_buf_addf(&got, "! %s", err.text);
        const char *text = ov_buf_cstr(&got);
        bool same = rows[i].answer[0] == '!' ? strstr(text, rows[i].answer + 2) && text[0] == '!'
                                             : strcmp(text, rows[i].answer) == 0;
        if (!same)
            print_error("%s\n    is     %s\n    wanted %s\n", rows[i].text, text, rows[i].answer);
        assert_true(same);
        ov_buf_fini(&got);
        ov_eval_next_batch(ev);
    }
    ov_eval_destroy(ev);
    ov_arena_fini(&arena);
}

#define CHECK(rows) check_rows(rows, OV_COUNT_OF(rows), "UTC")

static void test_arithmetic(void **state)
{
    (void)state;
    static const row rows[] = {
        {"`+`(1, 2)", "INTEGER 3"},
        {"`+`(9223372036854775807, 1)", "BIGINT -9223372036854775808"},
        {"`-`(5, 7)", "INTEGER -2"},
        {"`-`(5)", "INTEGER -5"},
        {"`*`(3, 1.5)", "DECIMAL 4.5"},
        {"`*`(CAST:BIGINT(3), CAST:DOUBLE(1.5))", "DOUBLE 4.5"},
        {"`/`(7, 2)", "INTEGER 3"},
        {"`/`(-7, 2)", "INTEGER -3"},
        {"`/`(7, 0)", "! / by zero"},
        {"`/`(7.0, 0)", "DECIMAL Infinity"},
        {"`/`(0.0, 0)", "DECIMAL NaN"},
        {"`/`(-9223372036854775808, -1)", "BIGINT -9223372036854775808"},
        {"MOD(-7, 3)", "INTEGER -1"},
        {"MOD(-7, -9223372036854775807)", "BIGINT -7"},
        {"MOD(-9223372036854775808, -1)", "INTEGER 0"},
        {"MOD(7, 0)", "! / by zero"},
        {"MOD(7.5, 2)", "DECIMAL 1.5"},
        {"`+`(1, NULL)", "INTEGER NULL"},
        {"`+`('5', 1)", "INTEGER 6"},
        {"`+`('x', 1)", "INTEGER NULL"},
        {"`+`('a', 'b')", "DOUBLE NULL"},
        {"`+`('1', '2')", "DOUBLE 3.0"},
        {"`+`(TRUE, 1)", "! Cannot apply '+'"},
        {"`*`(CAST:FLOAT(0.1), CAST:FLOAT(3))", "FLOAT 0.3"},
        {"DIV(7, 2)", "BIGINT 3"},
        {"DIV(-7, 2)", "BIGINT -3"},
        {"DIV(7.9, 2)", "BIGINT 3"},
        {"SAFE_DIVIDE(10, 4)", "INTEGER 2"},
        {"SAFE_DIVIDE(10, 0)", "INTEGER NULL"},
        {"SAFE_DIVIDE(10.0, 4)", "DECIMAL 2.5"},
        {"SAFE_DIVIDE(10.0, 0)", "DECIMAL NULL"},
        {"SAFE_DIVIDE(0, 0)", "INTEGER NULL"},
        {"SAFE_DIVIDE(0.0, 0.0)", "DECIMAL 0.0"},
    };
    CHECK(rows);
}

static void test_math(void **state)
{
    (void)state;
    static const row rows[] = {
        {"ABS(-1)", "INTEGER 1"},
        {"ABS(-2.5)", "DECIMAL 2.5"},
        {"ABS(NULL)", "NULL NULL"},
        {"ABS(CAST:FLOAT(2.5))", "FLOAT 2.5"},
        {"FLOOR(-2.5)", "DECIMAL -3.0"},
        {"FLOOR(-0.5)", "DECIMAL -1.0"},
        {"FLOOR(3)", "INTEGER 3"},
        {"CEIL(-0.5)", "DECIMAL 0.0"},
        {"CEIL(2.1)", "DECIMAL 3.0"},
        {"LN(10)", "DOUBLE 2.302585092994046"},
        {"LN(NULL)", "DOUBLE NULL"},
        {"LN(-1)", "DOUBLE NaN"},
        {"LOG10(1000)", "DOUBLE 3.0"},
        {"LOG(2, 8)", "DOUBLE 3.0"},
        {"EXP(0)", "DOUBLE 1.0"},
        {"SQRT(2)", "DOUBLE 1.4142135623730951"},
        {"POWER(2, 10)", "DOUBLE 1024.0"},
        {"POWER(2, -1)", "DOUBLE 0.5"},
        {"POWER(NULL, 2)", "DOUBLE NULL"},
        {"ATAN2(1, 1)", "DOUBLE 0.7853981633974483"},
        {"ACOS(0.5)", "DOUBLE 1.0471975511965979"},
        {"ATAN(-7.25)", "DOUBLE -1.433730152484709"},
        {"DEGREES(10)", "DOUBLE 572.9577951308232"},
        {"DEGREES(-7.25)", "DOUBLE -415.39440146984685"},
        {"PI()", "DOUBLE 3.141592653589793"},
        {"SIGN(-3.5)", "DECIMAL -1.0"},
        {"SIGN(7)", "INTEGER 1"},
        {"CBRT(27)", "DOUBLE 3.0"},
        {"BITWISE_AND(12, 10)", "BIGINT 8"},
        {"BITWISE_OR(12, 10)", "BIGINT 14"},
        {"BITWISE_XOR(12, 10)", "BIGINT 6"},
        {"BITWISE_COMPLEMENT(0)", "BIGINT -1"},
        {"BITWISE_SHIFT_LEFT(5, -1)", "BIGINT -9223372036854775808"},
        {"BITWISE_SHIFT_LEFT(2.7, 1)", "BIGINT 4"},
        {"BITWISE_SHIFT_RIGHT(12, 10)", "BIGINT 0"},
        {"BITWISE_SHIFT_RIGHT(-1, 3)", "BIGINT -1"},
        {"BITWISE_SHIFT_RIGHT(1, 64)", "BIGINT 1"},
        {"BITWISE_CONVERT_DOUBLE_TO_LONG_BITS(CAST:DOUBLE(1111111111))", "BIGINT 4742447145771073536"},
        {"BITWISE_CONVERT_LONG_BITS_TO_DOUBLE(4742447145771073536)", "DOUBLE 1.111111111E9"},
    };
    CHECK(rows);
}

static void test_casts(void **state)
{
    (void)state;
    static const row rows[] = {
        {"CAST:BIGINT('9223372036854775807')", "BIGINT 9223372036854775807"},
        {"CAST:BIGINT('9223372036854775808')", "BIGINT 9223372036854775807"},
        {"CAST:BIGINT('1e19')", "BIGINT 9223372036854775807"},
        {"CAST:BIGINT('007')", "BIGINT 7"},
        {"CAST:BIGINT('true')", "BIGINT 1"},
        {"CAST:BIGINT('NaN')", "BIGINT 0"},
        {"CAST:BIGINT('Infinity')", "BIGINT 9223372036854775807"},
        {"CAST:BIGINT('foo')", "BIGINT NULL"},
        {"CAST:BIGINT('')", "BIGINT NULL"},
        {"CAST:BIGINT(1.5)", "BIGINT 1"},
        {"CAST:BIGINT(-1.5)", "BIGINT -1"},
        {"CAST:BIGINT(2.5)", "BIGINT 2"},
        {"CAST:DOUBLE('1d')", "DOUBLE 1.0"},
        {"CAST:DOUBLE('.5')", "DOUBLE 0.5"},
        {"CAST:DOUBLE('5.')", "DOUBLE 5.0"},
        {"CAST:DOUBLE('x')", "DOUBLE NULL"},
        {"CAST:DOUBLE(9007199254740993)", "DOUBLE 9.007199254740992E15"},
        {"CAST:FLOAT(0.3)", "FLOAT 0.3"},
        {"CAST:FLOAT(1e39)", "FLOAT Infinity"},
        {"CAST:DECIMAL(1)", "DECIMAL 1.0"},
        {"CAST:VARCHAR(1)", "VARCHAR '1'"},
        {"CAST:VARCHAR(1e10)", "VARCHAR '1.0E10'"},
        {"CAST:VARCHAR(CAST:FLOAT(11.11111068725586))", "VARCHAR '11.11111068725586'"},
        {"CAST:VARCHAR(TRUE)", "VARCHAR '1'"},
        {"CAST:BOOLEAN(1)", "BOOLEAN true"},
        {"CAST:BOOLEAN(-5)", "BOOLEAN false"},
        {"CAST:BOOLEAN(0.5)", "BOOLEAN true"},
        {"CAST:BOOLEAN('true')", "BOOLEAN true"},
        {"CAST:BOOLEAN('FALSE')", "BOOLEAN false"},
        {"CAST:BOOLEAN('AAAA')", "BOOLEAN NULL"},
        {"CAST:BOOLEAN(NULL)", "BOOLEAN NULL"},
        {"CAST:TIMESTAMP(1)", "TIMESTAMP 1970-01-01T00:00:00.001Z"},
        {"CAST:TIMESTAMP(1e10)", "TIMESTAMP 1970-04-26T17:46:40.000Z"},
        {"CAST:TIMESTAMP('1')", "TIMESTAMP 0001-01-01T00:00:00.000Z"},
        {"CAST:TIMESTAMP('2015-09-12T01:02:03.456+09:00')", "TIMESTAMP 2015-09-11T16:02:03.456Z"},
        {"CAST:DATE('2015-09-12T01:02:03.456+09:00')", "DATE 2015-09-11T00:00:00.000Z"},
        {"CAST:TIMESTAMP('foo')", "! Illegal TIMESTAMP constant [CAST('foo'):TIMESTAMP(3) NOT NULL]"},
        {"CAST:DATE('2020-13-01')", "! Illegal DATE constant [CAST('2020-13-01'):DATE NOT NULL]"},
        {"CAST:VARCHAR(TIMESTAMP '2015-09-12T01:02:03.456Z')", "VARCHAR '2015-09-12 01:02:03'"},
        {"CAST:VARCHAR(DATE '2015-09-12')", "VARCHAR '2015-09-12'"},
        {"CAST:DOUBLE(TIMESTAMP '2015-09-12T01:02:03.456Z')", "DOUBLE 1.442019723456E12"},
        {"CAST:FLOAT(TIMESTAMP '2015-09-12T01:02:03.456Z')", "FLOAT 1.44201967E12"},
        {"CAST:BIGINT(TIMESTAMP '2015-06-01T12:00:00Z')", "BIGINT 1433160000000"},
        {"CAST:DATE(TIMESTAMP '2015-09-12T01:02:03.456Z')", "DATE 2015-09-12T00:00:00.000Z"},
        {"CAST:VARCHAR(NULL)", "VARCHAR NULL"},
    };
    CHECK(rows);
}

static void test_logic(void **state)
{
    (void)state;
    static const row rows[] = {
        {"AND(TRUE, NULL)", "BOOLEAN NULL"},
        {"AND(FALSE, NULL)", "BOOLEAN false"},
        {"AND(NULL, NULL)", "BOOLEAN NULL"},
        {"OR(TRUE, NULL)", "BOOLEAN true"},
        {"OR(FALSE, NULL)", "BOOLEAN NULL"},
        {"NOT(NULL)", "BOOLEAN NULL"},
        {"NOT(FALSE)", "BOOLEAN true"},
        {"NOT(1)", "! Cannot apply 'NOT' to arguments of type 'NOT<INTEGER>'. Supported form(s): 'NOT<BOOLEAN>'"},
        {"AND(1, 2)", "! Cannot apply 'AND' to arguments of type '<INTEGER> AND <INTEGER>'. Supported "
                      "form(s): '<BOOLEAN> AND <BOOLEAN>'"},
        {"AND('a', TRUE)", "! Cannot apply 'AND' to arguments of type '<CHAR(1)> AND <BOOLEAN>'"},
        {"`IS TRUE`(CAST:BOOLEAN(NULL))", "BOOLEAN false"},
        {"`IS NOT TRUE`(CAST:BOOLEAN(NULL))", "BOOLEAN true"},
        {"`IS FALSE`(FALSE)", "BOOLEAN true"},
        {"`IS NOT FALSE`(CAST:BOOLEAN(NULL))", "BOOLEAN true"},
        {"`IS NOT FALSE`(FALSE)", "BOOLEAN false"},
        {"`IS NULL`(NULL)", "BOOLEAN true"},
        {"`IS NOT NULL`('x')", "BOOLEAN true"},
        {"`IS DISTINCT FROM`(1, NULL)", "BOOLEAN true"},
        {"`IS NOT DISTINCT FROM`(NULL, NULL)", "BOOLEAN true"},
        {"`IS NOT DISTINCT FROM`(1, 1.0)", "BOOLEAN true"},
        {"`<`('a', 'b')", "BOOLEAN true"},
        {"`<`('a', 'B')", "BOOLEAN false"},
        {"`<`('10', '9')", "BOOLEAN true"},
        {"`<`(10, '9')", "BOOLEAN false"},
        {"`<`('10', 9)", "BOOLEAN false"},
        {"`=`(1, 1.0)", "BOOLEAN true"},
        {"`=`(1, '1.0')", "BOOLEAN true"},
        {"`=`(1.5, '1.5')", "BOOLEAN true"},
        {"`=`(TRUE, 'true')", "BOOLEAN true"},
        {"`=`(TRUE, 1)", "BOOLEAN true"},
        {"`>`(TRUE, FALSE)", "BOOLEAN true"},
        {"`=`(NULL, NULL)", "BOOLEAN NULL"},
        {"`=`(1, NULL)", "BOOLEAN NULL"},
        {"`!=`(1, 2)", "BOOLEAN true"},
        {"`>`(2, 1.5)", "BOOLEAN true"},
        {"`>`(9007199254740993, 9007199254740992.0)", "BOOLEAN true"},
        {"BETWEEN(2, 1, 3)", "BOOLEAN true"},
        {"`NOT BETWEEN`(2, 1, 3)", "BOOLEAN false"},
        {"BETWEEN(2, 3, 1)", "BOOLEAN false"},
        {"`BETWEEN SYMMETRIC`(2, 3, 1)", "BOOLEAN true"},
        {"IN(1, 1, 2)", "BOOLEAN true"},
        {"IN(3, 1, 2, NULL)", "BOOLEAN NULL"},
        {"IN(3, 1, 2)", "BOOLEAN false"},
        {"IN(NULL, 1, 2)", "BOOLEAN NULL"},
        {"IN('a', 'b', 'a')", "BOOLEAN true"},
        {"IN(1, '1', 'x')", "BOOLEAN true"},
        {"IN('1', 1.0, 2)", "BOOLEAN true"},
        {"IN(1, 1.5, 2.5)", "BOOLEAN false"},
    };
    CHECK(rows);
}

static void test_conditional(void **state)
{
    (void)state;
    static const row rows[] = {
        {"CASE(`=`(1, 1), 'a', 'b')", "CHAR 'a'"},
        {"CASE(NULL, 1, 2)", "INTEGER 2"},
        {"CASE(`=`(3, 1), 'x')", "CHAR NULL"},
        {"CASE(`=`(1, 2), 1, 2.5)", "DECIMAL 2.5"},
        {"CASE(TRUE, 1, 2.5)", "DECIMAL 1.0"},
        {"CASE(TRUE, 1, 'a')", "VARCHAR '1'"},
        {"CASE(FALSE, 1)", "INTEGER NULL"},
        {"CASE(TRUE, NULL, 1)", "INTEGER NULL"},
        {"COALESCE(NULL, 1, 2)", "INTEGER 1"},
        {"COALESCE(NULL, NULL)", "NULL NULL"},
        {"COALESCE(NULL, 'a')", "CHAR 'a'"},
        {"COALESCE('', 'a')", "VARCHAR ''"},
        {"COALESCE(1, 'a')", "VARCHAR '1'"},
        {"COALESCE(NULL, 1, 2.5)", "DECIMAL 1.0"},
        {"NVL(NULL, 1)", "INTEGER 1"},
        {"NVL('', 'a')", "VARCHAR ''"},
        {"IFNULL(NULL, 1)", "INTEGER 1"},
        {"NULLIF(1, 1)", "INTEGER NULL"},
        {"NULLIF(1, 2)", "INTEGER 1"},
        {"NULLIF('a', 'A')", "CHAR 'a'"},
        {"NULLIF(NULL, 1)", "NULL NULL"},
        {"NULLIF(1, NULL)", "INTEGER 1"},
        {"NULLIF(1, 1.0)", "INTEGER NULL"},
        {"NULLIF('1', 1)", "CHAR NULL"},
        {"IF(TRUE, 1, 2)", "INTEGER 1"},
        {"CASE(`=`(1, 0), `/`(1, 0), 5)", "INTEGER 5"},
        {"GREATEST(1, 2, 3)", "BIGINT 3"},
        {"GREATEST(1, 2.5)", "DOUBLE 2.5"},
        {"GREATEST('a', 'b')", "CHAR 'b'"},
        {"GREATEST(1, 'b')", "CHAR 'b'"},
        {"GREATEST(NULL, 1)", "BIGINT 1"},
        {"LEAST(3, NULL, 2)", "BIGINT 2"},
        {"LEAST(NULL, NULL)", "NULL NULL"},
    };
    CHECK(rows);
}

static void test_text(void **state)
{
    (void)state;
    static const row rows[] = {
        {"UPPER('straße')", "CHAR 'STRASSE'"},
        {"UPPER(NULL)", "NULL NULL"},
        {"UPPER(12)", "VARCHAR '12'"},
        {"UPPER(1.5)", "VARCHAR '1.5'"},
        {"UPPER(TRUE)", "VARCHAR '1'"},
        {"LOWER('  aB C')", "CHAR '  ab c'"},
        {"REVERSE('한글 テスト')", "VARCHAR 'トステ 글한'"},
        {"INITCAP('hELLO wORLD')", "VARCHAR 'Hello World'"},
        {"CONCAT('a', 1, 'b')", "VARCHAR 'a1b'"},
        {"CONCAT('a', NULL)", "VARCHAR NULL"},
        {"`||`('a', 'b')", "VARCHAR 'ab'"},
        {"`||`('a', NULL)", "VARCHAR NULL"},
        {"LENGTH('😀x')", "BIGINT 3"},
        {"LENGTH('')", "BIGINT 0"},
        {"SUBSTRING('abcdef', 3)", "VARCHAR 'cdef'"},
        {"SUBSTRING('abcdef', 2, 3)", "VARCHAR 'bcd'"},
        {"SUBSTRING('abcdef', -1, 4)", "VARCHAR 'ab'"},
        {"SUBSTRING('abcdef', 0)", "VARCHAR 'abcdef'"},
        {"SUBSTRING('abcdef', 7)", "VARCHAR ''"},
        {"SUBSTRING('abcdef', -9223372036854775808, 4)", "VARCHAR ''"},
        {"SUBSTRING('abcdef', 9223372036854775807, 9223372036854775807)", "VARCHAR ''"},
        {"LEFT('abcdef', 2)", "VARCHAR 'ab'"},
        {"LEFT('abcdef', 10)", "VARCHAR 'abcdef'"},
        {"LEFT('', 1)", "VARCHAR ''"},
        {"RIGHT('abcdef', 2)", "VARCHAR 'ef'"},
        {"RIGHT('abcdef', 0)", "VARCHAR ''"},
        {"RIGHT('abcdef', 10)", "VARCHAR 'abcdef'"},
        {"LPAD('ab', 5, 'xy')", "VARCHAR 'xyxab'"},
        {"LPAD('ab', 1, 'x')", "VARCHAR 'a'"},
        {"LPAD('ab', 5, '')", "VARCHAR 'ab'"},
        {"LPAD('ab', 5)", "VARCHAR '   ab'"},
        {"LPAD('', 3, 'xy')", "VARCHAR 'xyx'"},
        {"LPAD('ab', 5, NULL)", "VARCHAR NULL"},
        {"LPAD('a', -1, 'x')", "VARCHAR ''"},
        {"RPAD('ab', 5, 'xy')", "VARCHAR 'abxyx'"},
        {"RPAD('ab', 1, 'x')", "VARCHAR 'a'"},
        {"BTRIM('  a ')", "VARCHAR 'a'"},
        {"BTRIM('xxaxx', 'x')", "VARCHAR 'a'"},
        {"LTRIM('xyaxy', 'xy')", "VARCHAR 'axy'"},
        {"RTRIM('xyaxy', 'xy')", "VARCHAR 'xya'"},
        {"LTRIM('xxx', 'x')", "VARCHAR ''"},
        {"BTRIM('a', NULL)", "VARCHAR 'a'"},
        {"BTRIM('a', '')", "VARCHAR 'a'"},
        {"BTRIM('éaé', 'é')", "VARCHAR 'a'"},
        {"REPLACE('aXbX', 'X', 'yy')", "VARCHAR 'ayybyy'"},
        {"REPLACE('abc', '', '-')", "VARCHAR '-a-b-c-'"},
        {"REPLACE(NULL, 'a', 'b')", "VARCHAR NULL"},
        {"REPLACE('abc', 'b', '')", "VARCHAR 'ac'"},
        {"REPEAT('ab', 3)", "VARCHAR 'ababab'"},
        {"REPEAT('a', -1)", "VARCHAR NULL"},
        {"REPEAT('abc', 9223372036854775807)", "! more than 64 MiB"},
        {"PARSE_LONG('z', 36)", "BIGINT 35"},
        {"PARSE_LONG('z', 99)", "BIGINT NULL"},
        {"PARSE_LONG('-0')", "BIGINT 0"},
        {"PARSE_LONG('9223372036854775808')", "BIGINT NULL"},
        {"PARSE_LONG('-9223372036854775808')", "BIGINT -9223372036854775808"},
        {"PARSE_LONG('0xFF', 16)", "BIGINT 255"},
        {"ASCII('a')", "BIGINT 97"},
    };
    CHECK(rows);
}

static void test_like(void **state)
{
    (void)state;
    static const row rows[] = {
        {"LIKE('abc', 'abc')", "BOOLEAN true"},
        {"LIKE('abc', 'a%')", "BOOLEAN true"},
        {"LIKE('abc', '%c')", "BOOLEAN true"},
        {"LIKE('abc', '_b_')", "BOOLEAN true"},
        {"LIKE('abc', 'A%')", "BOOLEAN false"},
        {"LIKE('abc', '')", "BOOLEAN false"},
        {"LIKE('', '')", "BOOLEAN true"},
        {"LIKE('', '%')", "BOOLEAN true"},
        {"LIKE('abc', '__')", "BOOLEAN false"},
        {"LIKE('a%c', 'a%c')", "BOOLEAN true"},
        {"LIKE('axc', 'a.c')", "BOOLEAN false"},
        {"LIKE('a\\c', 'a\\c')", "BOOLEAN true"},
        {"LIKE('a%c', 'a\\%c', '\\')", "BOOLEAN true"},
        {"LIKE('abc', 'a\\%c', '\\')", "BOOLEAN false"},
        {"LIKE('abc', 'abc!', '!')", "! ends in its escape"},
        {"LIKE('aab', '%ab')", "BOOLEAN true"},
        {"LIKE('abab', '%ab%ab')", "BOOLEAN true"},
        {"LIKE('ab', '%ab%ab')", "BOOLEAN false"},
        {"LIKE('xaxbxc', '%a%b%')", "BOOLEAN true"},
        {"LIKE('xbxa', '%a%b%')", "BOOLEAN false"},
        {"LIKE('😀', '__')", "BOOLEAN true"},
        {"LIKE('é', '_')", "BOOLEAN true"},
        {"LIKE('aXbYc', 'a_b_c')", "BOOLEAN true"},
        {"LIKE('foobar', '%o_a%')", "BOOLEAN true"},
        {"LIKE('foobar', '%_r')", "BOOLEAN true"},
        {"LIKE(NULL, 'x')", "BOOLEAN NULL"},
        {"LIKE('x', NULL)", "BOOLEAN NULL"},
        {"`NOT LIKE`('abc', 'a%')", "BOOLEAN false"},
        {"LIKE(123, '1%')", "BOOLEAN true"},
    };
    CHECK(rows);
}

static void test_time(void **state)
{
    (void)state;
    static const row rows[] = {
        {"TIME_FLOOR(TIMESTAMP '2015-09-12T05:06:07.089Z', 'PT1H')", "TIMESTAMP 2015-09-12T05:00:00.000Z"},
        {"TIME_FLOOR(TIMESTAMP '2015-09-12T05:06:07.089Z', 'P1D', NULL, 'America/New_York')",
         "TIMESTAMP 2015-09-12T04:00:00.000Z"},
        {"TIME_FLOOR(TIMESTAMP '2015-09-12T05:06:07.089Z', 'PT1H', TIMESTAMP '2015-01-01T00:30:00Z')",
         "TIMESTAMP 2015-09-12T04:30:00.000Z"},
        {"TIME_FLOOR(TIMESTAMP '2015-09-12T05:06:07.089Z', 'P1W', TIMESTAMP '2015-01-04T00:00:00Z')",
         "TIMESTAMP 2015-09-06T00:00:00.000Z"},
        {"TIME_FLOOR(NULL, 'PT1H')", "TIMESTAMP NULL"},
        {"TIME_FLOOR(TIMESTAMP '2020-01-01', 'foo')", "! Invalid period['foo']"},
        {"TIME_FLOOR(TIMESTAMP '2020-01-01', 'PT1D')", "! Invalid period['PT1D']"},
        {"TIME_FLOOR(TIMESTAMP '2020-01-01', 'PT1H', NULL, 'Mars/Phobos')", "! Mars/Phobos"},
        {"TIME_CEIL(TIMESTAMP '2015-09-12T05:06:07.089Z', 'P1M')", "TIMESTAMP 2015-10-01T00:00:00.000Z"},
        {"TIME_SHIFT(TIMESTAMP '2015-01-31', 'P1M', 1)", "TIMESTAMP 2015-02-28T00:00:00.000Z"},
        {"TIME_SHIFT(TIMESTAMP '2015-11-01T12:00:00Z', 'P1D', -1)", "TIMESTAMP 2015-10-31T12:00:00.000Z"},
        {"TIME_EXTRACT(TIMESTAMP '2015-12-31T15:00:00Z', 'WEEK', 'Asia/Seoul')", "BIGINT 53"},
        {"TIME_EXTRACT(TIMESTAMP '2015-12-31T15:00:00Z', 'DOW', 'Asia/Seoul')", "BIGINT 5"},
        {"EXTRACT('HOUR', TIMESTAMP '2015-11-01T12:34:00Z')", "BIGINT 12"},
        {"EXTRACT('foo', TIMESTAMP '2015-11-01T12:34:00Z')", "! 'foo' is not a valid time frame"},
        {"DATE_TRUNC('day', TIMESTAMP '2020-12-31T23:59:59.999Z')", "TIMESTAMP 2020-12-31T00:00:00.000Z"},
        {"DATE_TRUNC('decade', TIMESTAMP '2025-12-31T23:59:59.999Z')", "TIMESTAMP 2020-01-01T00:00:00.000Z"},
        {"DATE_TRUNC('milliseconds', TIMESTAMP '2020-12-31T23:59:59.999Z')",
         "TIMESTAMP 2020-12-31T23:59:59.999Z"},
        {"DATE_TRUNC('foo', TIMESTAMP '2020-12-31')", "! Operator[DATE_TRUNC] cannot truncate to[foo]"},
        {"FLOOR(TIMESTAMP '1969-12-31T23:59:59.999Z', 'WEEK')", "TIMESTAMP 1969-12-29T00:00:00.000Z"},
        {"CEIL(TIMESTAMP '2016-02-29T12:34:56.789Z', 'QUARTER')", "TIMESTAMP 2016-04-01T00:00:00.000Z"},
        {"FLOOR(DATE '2016-02-29', 'MONTH')", "DATE 2016-02-01T00:00:00.000Z"},
        {"`+`(TIMESTAMP '2016-02-29', MS 86400000)", "TIMESTAMP 2016-03-01T00:00:00.000Z"},
        {"`+`(TIMESTAMP '2016-02-29', MONTHS 14)", "TIMESTAMP 2017-04-29T00:00:00.000Z"},
        {"`-`(TIMESTAMP '2016-02-29', MONTHS 12)", "TIMESTAMP 2015-02-28T00:00:00.000Z"},
        {"`+`(DATE '2015-01-31', MONTHS 1)", "DATE 2015-02-28T00:00:00.000Z"},
        {"`+`(DATE '2015-01-31', MS 3600000)", "DATE 2015-01-31T00:00:00.000Z"},
        {"`+`(`*`(MS 86400000, 3), DATE '2015-01-01')", "DATE 2015-01-04T00:00:00.000Z"},
        {"`+`(TIMESTAMP '2015-01-01', `*`(3, MS 3600000))", "TIMESTAMP 2015-01-01T03:00:00.000Z"},
        {"`+`(TIMESTAMP '2015-01-01', 5)", "! Cannot apply '+'"},
        {"TIMESTAMPADD('DAY', 1, TIMESTAMP '2015-11-01T12:00:00Z')", "TIMESTAMP 2015-11-02T12:00:00.000Z"},
        {"TIMESTAMPADD('MONTH', -1, TIMESTAMP '2015-03-31')", "TIMESTAMP 2015-02-28T00:00:00.000Z"},
        {"TIMESTAMPDIFF('DAY', TIMESTAMP '2015-01-01', TIMESTAMP '2015-01-03T23:00:00Z')", "INTEGER 2"},
        {"TIMESTAMPDIFF('MONTH', TIMESTAMP '2015-01-31', TIMESTAMP '2015-02-28')", "INTEGER 1"},
        {"TIMESTAMPDIFF('YEAR', TIMESTAMP '2015-01-01', TIMESTAMP '2013-01-01')", "INTEGER -2"},
        {"MILLIS_TO_TIMESTAMP(1442018818771)", "TIMESTAMP 2015-09-12T00:46:58.771Z"},
        {"MILLIS_TO_TIMESTAMP(1.5)", "TIMESTAMP 1970-01-01T00:00:00.001Z"},
        {"TIMESTAMP_TO_MILLIS(TIMESTAMP '1969-12-31T23:59:59.999Z')", "BIGINT -1"},
        {"TIME_PARSE('2015-01-02T25:00')", "TIMESTAMP NULL"},
        {"TIME_PARSE('2015-01-02T03:04:05+09:00')", "TIMESTAMP 2015-01-01T18:04:05.000Z"},
        {"TIME_PARSE('20150102', 'yyyyMMdd')", "TIMESTAMP 2015-01-02T00:00:00.000Z"},
        {"TIME_PARSE('03:04', 'HH:mm')", "TIMESTAMP 1970-01-01T03:04:00.000Z"},
        {"TIME_PARSE('2015-01-02 PM', 'yyyy-MM-dd a')", "TIMESTAMP 2015-01-02T12:00:00.000Z"},
        {"TIME_PARSE('2015-03-08 02:30:00', 'yyyy-MM-dd HH:mm:ss', 'America/New_York')", "TIMESTAMP NULL"},
        {"TIME_PARSE('2015-06-01', NULL, 'America/New_York')", "TIMESTAMP 2015-06-01T04:00:00.000Z"},
        {"TIME_FORMAT(TIMESTAMP '2015-01-02T03:04:05.678Z')", "VARCHAR '2015-01-02T03:04:05.678+00:00'"},
        {"`$TIME_FORMAT`(TIMESTAMP '2015-01-02T03:04:05.678Z')", "VARCHAR '2015-01-02T03:04:05.678Z'"},
        {"TIME_FORMAT(TIMESTAMP '2015-01-02T03:04:05.678Z', 'EEEE MMMM')", "VARCHAR 'Friday January'"},
        {"TIME_FORMAT(TIMESTAMP '2015-01-02T03:04:05.678Z', NULL, 'Asia/Seoul')",
         "VARCHAR '2015-01-02T12:04:05.678+09:00'"},
        {"TIME_FORMAT(CAST:TIMESTAMP(NULL), 'yyyy')", "VARCHAR NULL"},
        {"TIME_IN_INTERVAL(TIMESTAMP '2015-09-12T05:06:07Z', '2015-09-12/2015-09-13')", "BOOLEAN true"},
        {"TIME_IN_INTERVAL(TIMESTAMP '2015-09-12T05:06:07Z', '2015-09-12T05:06:07Z/PT1S')", "BOOLEAN true"},
        {"TIME_IN_INTERVAL(TIMESTAMP '2015-09-12T05:06:07Z', 'P1D/2015-09-13')", "BOOLEAN true"},
        {"TIME_IN_INTERVAL(TIMESTAMP '2015-09-12T05:06:07Z', '2015-09-12T05:06:07/2015-09-12T05:06:07')",
         "BOOLEAN false"},
        {"TIME_IN_INTERVAL(TIMESTAMP '2015-09-12', 'nope')", "! not an interval"},
        {"CURRENT_TIMESTAMP()", "TIMESTAMP 2015-09-12T00:46:58.771Z"},
        {"NOW()", "TIMESTAMP 2015-09-12T00:46:58.771Z"},
        {"CURRENT_DATE()", "DATE 2015-09-12T00:00:00.000Z"},
        {"LAST_DAY(TIMESTAMP '2016-02-03')", "DATE 2016-02-29T00:00:00.000Z"},
        {"YEAR(TIMESTAMP '2016-02-03')", "BIGINT 2016"},
        {"`>`(TIMESTAMP '2015-01-02', '2015-01-01')", "BOOLEAN true"},
        {"`>`(TIMESTAMP '2015-01-02', 'foo')", "! Illegal TIMESTAMP constant"},
    };
    CHECK(rows);
    static const row seoul[] = {
        {"CAST:TIMESTAMP('2015-03-08 02:30:00')", "TIMESTAMP 2015-03-07T17:30:00.000Z"},
        {"CAST:DATE('2015-06-01')", "DATE 2015-05-31T15:00:00.000Z"},
        {"CAST:VARCHAR(TIMESTAMP '2015-06-01T12:00:00')", "VARCHAR '2015-06-01 12:00:00'"},
        {"CAST:DATE(MILLIS_TO_TIMESTAMP(1433160000000))", "DATE 2015-05-31T15:00:00.000Z"},
        {"FLOOR(TIMESTAMP '2015-11-01T12:00:00', 'DAY')", "TIMESTAMP 2015-10-31T15:00:00.000Z"},
        {"EXTRACT('HOUR', TIMESTAMP '2015-11-01T12:00:00')", "BIGINT 12"},
        {"TIME_PARSE('2015-06-01T12:00')", "TIMESTAMP 2015-06-01T03:00:00.000Z"},
        {"`<`(TIMESTAMP '2015-09-12T12:00:00', '2015-09-12 15:00:00')", "BOOLEAN true"},
        {"TIME_IN_INTERVAL(TIMESTAMP '2015-09-12T00:00:00', '2015-09-12/P1D')", "BOOLEAN true"},
        {"TIME_FORMAT(TIMESTAMP '2015-11-01T12:00:00', 'HH:mm ZZ')", "VARCHAR '12:00 +09:00'"},
    };
    check_rows(seoul, OV_COUNT_OF(seoul), "Asia/Seoul");
}

static void test_rounding(void **state)
{
    (void)state;
    static const row rows[] = {
        {"ROUND(123.456, 0)", "DECIMAL 123.0"},
        {"ROUND(123.456, 2)", "DECIMAL 123.46"},
        {"ROUND(123.456, -2)", "DECIMAL 100.0"},
        {"ROUND(123.456, -3)", "DECIMAL 0.0"},
        {"ROUND(123.456, 20)", "DECIMAL 123.456"},
        {"ROUND(-123.456, 1)", "DECIMAL -123.5"},
        {"ROUND(2.675, 2)", "DECIMAL 2.68"},
        {"ROUND(0.5)", "DECIMAL 1.0"},
        {"ROUND(-0.5)", "DECIMAL -1.0"},
        {"ROUND(0.5, -1)", "DECIMAL 0.0"},
        {"ROUND(1234567, -1)", "INTEGER 1234570"},
        {"ROUND(1234567, -3)", "INTEGER 1235000"},
        {"ROUND(-1250, -2)", "INTEGER -1300"},
        {"ROUND(-1250, -3)", "INTEGER -1000"},
        {"ROUND(1234567, 20)", "INTEGER 1234567"},
        {"ROUND(1234567, -30)", "INTEGER 0"},
        {"ROUND(1e20, -3)", "DOUBLE 1.0E20"},
        {"ROUND(CAST:DOUBLE(1.005), 2)", "DOUBLE 1.01"},
        {"ROUND(CAST:DOUBLE('NaN'), 2)", "DOUBLE 0.0"},
        {"ROUND(CAST:DOUBLE('Infinity'))", "DOUBLE 1.7976931348623157E308"},
        {"ROUND(NULL, 1)", "BIGINT NULL"},
        {"ROUND(CAST:FLOAT(0.15), 1)", "FLOAT 0.2"},
        {"TRUNCATE(123.456, 1)", "DECIMAL 123.4"},
        {"TRUNCATE(-123.456, -1)", "DECIMAL -120.0"},
        {"TRUNCATE(2.675, 2)", "DECIMAL 2.67"},
        {"TRUNCATE(-0.5)", "DECIMAL 0.0"},
        {"TRUNC(1.987, 2)", "DECIMAL 1.98"},
        {"TRUNCATE(1234567, -2)", "INTEGER 1234500"},
        {"TRUNCATE(CAST:FLOAT(0.15), 2)", "FLOAT 0.15"},
        {"HUMAN_READABLE_BINARY_BYTE_FORMAT(1000)", "VARCHAR '1000 B'"},
        {"HUMAN_READABLE_BINARY_BYTE_FORMAT(1024, 0)", "VARCHAR '1 KiB'"},
        {"HUMAN_READABLE_BINARY_BYTE_FORMAT(-1500)", "VARCHAR '-1.46 KiB'"},
        {"HUMAN_READABLE_BINARY_BYTE_FORMAT(1000000, 0)", "VARCHAR '977 KiB'"},
        {"HUMAN_READABLE_BINARY_BYTE_FORMAT(1000000, 3)", "VARCHAR '976.563 KiB'"},
        {"HUMAN_READABLE_BINARY_BYTE_FORMAT(1234567890, 3)", "VARCHAR '1.150 GiB'"},
        {"HUMAN_READABLE_BINARY_BYTE_FORMAT(-9223372036854775808, 3)", "VARCHAR '-8.000 EiB'"},
        {"HUMAN_READABLE_DECIMAL_BYTE_FORMAT(-7.25)", "VARCHAR '-7 B'"},
        {"HUMAN_READABLE_DECIMAL_BYTE_FORMAT(1111111111)", "VARCHAR '1.11 GB'"},
        {"HUMAN_READABLE_DECIMAL_FORMAT(999)", "VARCHAR '999'"},
        {"HUMAN_READABLE_DECIMAL_FORMAT(1500, 0)", "VARCHAR '2 K'"},
        {"HUMAN_READABLE_DECIMAL_FORMAT(1048576, 3)", "VARCHAR '1.048 M'"},
        {"HUMAN_READABLE_DECIMAL_FORMAT(1234567890, 3)", "VARCHAR '1.234 G'"},
        {"HUMAN_READABLE_DECIMAL_FORMAT(9223372036854775807)", "VARCHAR '9.22 E'"},
        {"HUMAN_READABLE_DECIMAL_FORMAT(1, 4)", "! must be in the range of [0,3]"},
    };
    CHECK(rows);
}

static void test_search(void **state)
{
    (void)state;
    static const row rows[] = {
        {"CONTAINS_STRING('abc', 'b')", "BOOLEAN true"},
        {"CONTAINS_STRING('abc', '')", "BOOLEAN true"},
        {"CONTAINS_STRING('abc', 'B')", "BOOLEAN false"},
        {"ICONTAINS_STRING('aÉc', 'é')", "BOOLEAN true"},
        {"CONTAINS_STRING(NULL, 'b')", "BOOLEAN NULL"},
        {"STARTS_WITH('abc', 'ab')", "BOOLEAN true"},
        {"ENDS_WITH('abc', 'bc')", "BOOLEAN true"},
        {"POSITION('c', 'abcabc')", "INTEGER 3"},
        {"POSITION('c', 'abcabc', 4)", "INTEGER 6"},
        {"POSITION('x', 'abc')", "INTEGER 0"},
        {"POSITION('', 'abc')", "INTEGER 1"},
        {"POSITION('b', '😀b')", "INTEGER 3"},
        {"POSITION('b', 'ab', 9223372036854775807)", "INTEGER 0"},
        {"STRPOS('abc', 'c')", "BIGINT 3"},
        {"SPLIT_PART('a,b,c', ',', 2)", "VARCHAR 'b'"},
        {"SPLIT_PART('a,b,c', ',', -1)", "VARCHAR 'c'"},
        {"SPLIT_PART('a,b,c', ',', 4)", "VARCHAR ''"},
        {"SPLIT_PART('abc', '', 1)", "VARCHAR 'abc'"},
        {"SPLIT_PART('abc', ',', 0)", "! must not be zero"},
        {"CHR(233)", "VARCHAR 'é'"},
        {"CHR(55296)", "VARCHAR NULL"},
        {"DECODE_BASE64_UTF8('SGVsbG8=')", "VARCHAR 'Hello'"},
        {"DECODE_BASE64_UTF8('!')", "VARCHAR NULL"},
        {"REGEXP_EXTRACT('foobar', 'o+')", "VARCHAR 'oo'"},
        {"REGEXP_EXTRACT('foobar', '(o)(o)', 2)", "VARCHAR 'o'"},
        {"REGEXP_EXTRACT('foobar', 'x')", "VARCHAR NULL"},
        {"REGEXP_EXTRACT('foobar', '')", "VARCHAR ''"},
        {"REGEXP_EXTRACT('foobar', 'f(x)?', 1)", "VARCHAR NULL"},
        {"REGEXP_EXTRACT('foobar', '(?i)O+')", "VARCHAR 'oo'"},
        {"REGEXP_EXTRACT('a\nb', 'a.b')", "VARCHAR NULL"},
        {"REGEXP_EXTRACT('한글', '\\p{IsHangul}+')", "VARCHAR '한글'"},
        {"REGEXP_EXTRACT('ab1', '\\p{Alpha}+')", "VARCHAR 'ab'"},
        {"REGEXP_EXTRACT('abc', '(?<n>b)', 1)", "VARCHAR 'b'"},
        {"REGEXP_EXTRACT('foobar', '^bar')", "VARCHAR NULL"},
        {"REGEXP_EXTRACT('a', 'a', 1)", "! there is no group 1"},
        {"REGEXP_LIKE('foobar', 'oba')", "BOOLEAN true"},
        {"REGEXP_LIKE('foobar', '^o')", "BOOLEAN false"},
        {"REGEXP_LIKE('', '^$')", "BOOLEAN true"},
        {"REGEXP_LIKE(NULL, 'a')", "BOOLEAN NULL"},
        {"REGEXP_LIKE('a', '(')", "! An invalid pattern [(] was provided for the REGEXP_LIKE function"},
        {"REGEXP_LIKE('a', '[a-z&&[^b]]')", "! the intersection of character classes"},
        {"REGEXP_LIKE('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac', '(a|aa)+$')", "! backtracks too much"},
        {"REGEXP_REPLACE('foobar', 'o', '0')", "VARCHAR 'f00bar'"},
        {"REGEXP_REPLACE('foobar', '(o)(b)', '$2$1')", "VARCHAR 'foboar'"},
        {"REGEXP_REPLACE('foobar', 'x*', '-')", "VARCHAR '-f-o-o-b-a-r-'"},
        {"REGEXP_REPLACE('é', 'x*', '-')", "VARCHAR '-é-'"},
        {"REGEXP_REPLACE('foobar', 'z', 'y')", "VARCHAR 'foobar'"},
        {"REGEXP_REPLACE('foobar', 'o', '\\$')", "VARCHAR 'f$$bar'"},
        {"REGEXP_REPLACE('a1b22', '\\d+', '#')", "VARCHAR 'a#b#'"},
        {"REGEXP_REPLACE('ab', '(?<x>a)', '${x}${x}')", "VARCHAR 'aab'"},
        {"REGEXP_REPLACE('ab', 'a', '$1')", "! no group of the pattern"},
        {"IPV4_MATCH('10.1.2.3', '10.0.0.0/8')", "BOOLEAN true"},
        {"IPV4_MATCH('11.1.2.3', '10.0.0.0/8')", "BOOLEAN false"},
        {"IPV4_MATCH(167838211, '10.0.0.0/8')", "BOOLEAN true"},
        {"IPV4_MATCH('x', '10.0.0.0/8')", "BOOLEAN false"},
        {"IPV4_MATCH(NULL, '10.0.0.0/8')", "BOOLEAN false"},
        {"IPV4_MATCH('1.2.3.4', '1.2.3.4')", "BOOLEAN true"},
        {"IPV4_MATCH('1.2.3.4', 'nope')", "! no IPv4 address or CIDR block"},
        {"IPV6_MATCH('2001:db8::1', '2001:db8::/32')", "BOOLEAN true"},
        {"IPV6_MATCH('2001:db9::1', '2001:db8::/32')", "BOOLEAN false"},
        {"IPV4_PARSE('255.255.255.255')", "BIGINT 4294967295"},
        {"IPV4_PARSE('256.1.1.1')", "BIGINT NULL"},
        {"IPV4_PARSE('1.2.3')", "BIGINT NULL"},
        {"IPV4_PARSE(5)", "BIGINT 5"},
        {"IPV4_PARSE(1.5)", "BIGINT NULL"},
        {"IPV4_STRINGIFY(167838211)", "VARCHAR '10.1.2.3'"},
        {"IPV4_STRINGIFY(-1)", "VARCHAR NULL"},
    };
    CHECK(rows);
}

static void test_format(void **state)
{
    (void)state;
    static const row rows[] = {
        {"STRING_FORMAT('%s', 'a')", "VARCHAR 'a'"},
        /* what java.util.Formatter of Java 17 printed, or refused */
        {"STRING_FORMAT('%+s', 'a')", "VARCHAR '%+s; a'"},
        {"STRING_FORMAT('%#d', 1)", "VARCHAR '%#d; 1'"},
        {"STRING_FORMAT('%,e', 1.5)", "VARCHAR '%,e; 1.5'"},
        {"STRING_FORMAT('%8n', 1)", "VARCHAR '%8n; 1'"},
        {"STRING_FORMAT('%h', 1234567)", "VARCHAR '12d687'"},
        {"STRING_FORMAT('%H', 'abc')", "VARCHAR '17862'"},
        {"STRING_FORMAT('%#.0e', -2.25)", "VARCHAR '-2.e+00'"},
        {"STRING_FORMAT('%s-%s', 'a', 1)", "VARCHAR 'a-1'"},
        {"STRING_FORMAT('%05d', 42)", "VARCHAR '00042'"},
        {"STRING_FORMAT('%x', 255)", "VARCHAR 'ff'"},
        {"STRING_FORMAT('%X', 255)", "VARCHAR 'FF'"},
        {"STRING_FORMAT('%x', -1)", "VARCHAR 'ffffffffffffffff'"},
        {"STRING_FORMAT('%.2f', 1.005)", "VARCHAR '1.01'"},
        {"STRING_FORMAT('%e', 12345.678)", "VARCHAR '1.234568e+04'"},
        {"STRING_FORMAT('%,d', 1234567)", "VARCHAR '1,234,567'"},
        {"STRING_FORMAT('%-5s|', 'a')", "VARCHAR 'a    |'"},
        {"STRING_FORMAT('%5s|', 'a')", "VARCHAR '    a|'"},
        {"STRING_FORMAT('%%')", "VARCHAR '%%'"},
        {"STRING_FORMAT('%%%s', 1)", "VARCHAR '%1'"},
        {"STRING_FORMAT('%b', TRUE)", "VARCHAR 'true'"},
        {"STRING_FORMAT('%c', 65)", "VARCHAR '%c; 65'"},
        {"STRING_FORMAT('%o', 8)", "VARCHAR '10'"},
        {"STRING_FORMAT('%s', NULL)", "VARCHAR 'null'"},
        {"STRING_FORMAT('%s')", "VARCHAR '%s'"},
        {"STRING_FORMAT('%2$s %1$s', 'a', 'b')", "VARCHAR 'b a'"},
        {"STRING_FORMAT('%+d', 5)", "VARCHAR '+5'"},
        {"STRING_FORMAT('%(d', -5)", "VARCHAR '(5)'"},
        {"STRING_FORMAT('%s', 1.5)", "VARCHAR '1.5'"},
        {"STRING_FORMAT('%g', 0.0001)", "VARCHAR '0.000100000'"},
        {"STRING_FORMAT('%08.3f', 3.14159)", "VARCHAR '0003.142'"},
        {"STRING_FORMAT('%08.3f', -3.14159)", "VARCHAR '-003.142'"},
        {"STRING_FORMAT('%d', 'a')", "VARCHAR '%d; a'"},
        {"STRING_FORMAT('%q', 1)", "VARCHAR '%q; 1'"},
        {"STRING_FORMAT('%s %s', 1)", "VARCHAR '%s %s; 1'"},
        {"STRING_FORMAT('%.3s', 'abcdef')", "VARCHAR 'abc'"},
        {"STRING_FORMAT('%S', 'abc')", "VARCHAR 'ABC'"},
        {"STRING_FORMAT('%f', 1e22)", "VARCHAR '10000000000000000000000.000000'"},
        {"STRING_FORMAT('%.0f', 0.5)", "VARCHAR '1'"},
        {"STRING_FORMAT('%.1f', 9.96)", "VARCHAR '10.0'"},
        {"STRING_FORMAT('%.1e', 9.96)", "VARCHAR '1.0e+01'"},
        {"STRING_FORMAT(NULL, 1)", "VARCHAR NULL"},
        {"STRING_FORMAT('%99999999s', 1)", "VARCHAR '%99999999s; 1'"},
    };
    CHECK(rows);
}

static void test_names(void **state)
{
    (void)state;
    static const row rows[] = {
        {"NOPE(1)", "! No match found for function signature NOPE(<NUMERIC>)"},
        {"nope('x', TRUE)", "! No match found for function signature NOPE(<CHARACTER>, <BOOLEAN>)"},
        {"UPPERR('x')", "! did you mean 'UPPER'"},
        {"LENGTH(1, 2)", "! Invalid number of arguments to function 'LENGTH'. Was expecting 1 arguments"},
        {"time_floor(TIMESTAMP '2015-01-01T00:00:01Z', 'PT1M')", "TIMESTAMP 2015-01-01T00:00:00.000Z"},
    };
    CHECK(rows);
    for (uint32_t i = 1; i < ovi_function_count(); i++) /* names are found by binary search */
        if (strcmp(ovi_function_at(i - 1)->name, ovi_function_at(i)->name) >= 0)
            fail_msg("functions.def: %s stands before %s", ovi_function_at(i - 1)->name, ovi_function_at(i)->name);
    const ov_function_doc *docs;
    uint32_t n = ov_function_docs(&docs);
    assert_true(n > 115);
    for (uint32_t i = 1; i < n; i++)
        assert_true(strcmp(docs[i - 1].name, docs[i].name) < 0);
    for (uint32_t i = 0; i < n; i++) {
        assert_true(ov_function_exists(ov_slice_cstr(docs[i].name)));
        assert_true(strlen(docs[i].signatures) > 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arithmetic), cmocka_unit_test(test_math),
        cmocka_unit_test(test_casts),      cmocka_unit_test(test_logic),
        cmocka_unit_test(test_conditional), cmocka_unit_test(test_text),
        cmocka_unit_test(test_like),       cmocka_unit_test(test_time),
        cmocka_unit_test(test_names),      cmocka_unit_test(test_rounding),
        cmocka_unit_test(test_search),     cmocka_unit_test(test_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
