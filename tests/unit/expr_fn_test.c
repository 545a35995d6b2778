/*
 * Scalar functions against tables of answers (expr_rows.h): numbers, casts, conditions, names.
 */
#include "query/expr/expr_int.h"
#include "tests/unit/expr_rows.h"

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
        {"CEIL(CAST:DOUBLE(-0.5))", "DOUBLE -0.0"},
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
        cmocka_unit_test(test_arithmetic),
        cmocka_unit_test(test_math),
        cmocka_unit_test(test_rounding),
        cmocka_unit_test(test_casts),
        cmocka_unit_test(test_logic),
        cmocka_unit_test(test_conditional),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
