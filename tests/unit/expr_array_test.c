/*
 * Arrays: the constructor, the functions over them as constants and over columns in every encoding, comparisons. Answers are
 * Druid's (recorded ones where there are some).
 */
#include "tests/unit/expr_lib.h"

typedef struct row {
    const char *text, *answer;
} row;

static ov_arena arena;
static ov_error err;

static void check_rows(const row *rows, size_t n, const ov_batch *batch, const lib_column *columns, uint32_t at,
                       bool general)
{
    ov_arena_init(&arena, "test", NULL);
    ov_expr_ctx cx = {.arena = &arena, .next_id = 1};
    ov_eval *ev;
    check_ok(ov_eval_create(NULL, &(ov_eval_options){.general_only = general}, &ev, &err), &err);
    for (size_t i = 0; i < n; i++) {
        const ov_expr *e;
        ov_vec v;
        ov_buf got;
        ov_buf_init(&got);
        ov_status st = lib_parse(rows[i].text, &cx, columns, &e, &err);
        if (st == OV_OK)
            st = ov_eval_expr(ev, e, batch, &v, &err);
        if (st == OV_OK)
            lib_print(e, &v, at, &got);
        else
            ov_buf_addf(&got, "! %s", err.text);
        const char *text = ov_buf_cstr(&got);
        bool same = rows[i].answer[0] == '!' ? text[0] == '!' && strstr(text, rows[i].answer + 2)
                                             : strcmp(text, rows[i].answer) == 0;
        if (!same)
            print_error("%s, row %u\n    is     %s\n    wanted %s\n", rows[i].text, at, text, rows[i].answer);
        assert_true(same);
        ov_buf_fini(&got);
        ov_eval_next_batch(ev);
    }
    ov_eval_destroy(ev);
    ov_arena_fini(&arena);
}

static const ov_batch one = {.rows = 1, .sel_rows = 1};
#define CHECK(rows) check_rows(rows, OV_COUNT_OF(rows), &one, NULL, 0, false)

static void test_constructor(void **state)
{
    (void)state;
    static const row rows[] = {
        {"ARRAY(1, 2, 3)", "ARRAY [1,2,3]"},
        {"ARRAY('a', NULL)", "ARRAY [a,null]"},
        {"ARRAY(1.5, 2)", "ARRAY [1.5,2.0]"},
        {"ARRAY(1, NULL)", "ARRAY [1,null]"},
        {"ARRAY(TRUE, FALSE)", "ARRAY [1,0]"},
        {"ARRAY(TIMESTAMP '2015-01-01T00:00:00Z')", "ARRAY [1420070400000]"},
        {"ARRAY()", "ARRAY []"},
        {"ARRAY(NULL)", "ARRAY [null]"},
        {"ARRAY(1, 'a')", "ARRAY [1,a]"},
        {"ARRAY(TRUE, TIMESTAMP '2015-01-01T00:00:00Z')", "! no common type"},
        {"ARRAY_LENGTH(ARRAY(ARRAY(1), ARRAY(2)))", "INTEGER 2"},
        {"`=`(ARRAY(1, 2), ARRAY(1, 2))", "BOOLEAN true"},
        {"`=`(ARRAY(1, 2), ARRAY(1.0, 2.0))", "BOOLEAN true"},
        {"`<>`(ARRAY(1, 2), ARRAY(1, 2))", "BOOLEAN false"},
        {"`<`(ARRAY(1, 2, 3), ARRAY(1, 2, 4))", "BOOLEAN true"},
        {"`<`(ARRAY(1, 2), ARRAY(1, 2, 4))", "BOOLEAN true"},
        {"`=`(ARRAY(1, NULL), ARRAY(1, NULL))", "BOOLEAN true"},
        {"`<`(ARRAY(NULL, 1), ARRAY(-1))", "BOOLEAN true"},
        {"`=`(ARRAY(1), NULL)", "BOOLEAN NULL"},
        {"`=`(ARRAY(1), ARRAY('a'))", "BOOLEAN false"}, /* numbers beside texts are texts */
        {"`=`(ARRAY(1, NULL), ARRAY('1', NULL))", "BOOLEAN true"},
        {"`=`(ARRAY(1), 1)", "! Cannot apply '='"},
        {"`IS NULL`(ARRAY(1, 2, 3))", "BOOLEAN false"},
        {"IN(ARRAY(1), ARRAY(2), ARRAY(1))", "BOOLEAN true"},
        {"IN(ARRAY(1), ARRAY(2), ARRAY(3), NULL)", "BOOLEAN NULL"},
        {"IN(1, ARRAY(2), ARRAY(3))", "! Cannot apply '='"},
        {"IN('a', STRING_TO_MV('a,b', ','), 'x')", "BOOLEAN true"},
        {"`IS DISTINCT FROM`(ARRAY(1), ARRAY(2))", "BOOLEAN true"},
    };
    CHECK(rows);
}

static void test_functions(void **state)
{
    (void)state;
    static const row rows[] = {
        {"ARRAY_LENGTH(ARRAY(1, 2, 3))", "INTEGER 3"},
        {"ARRAY_LENGTH(NULL)", "INTEGER NULL"},
        {"ARRAY_LENGTH(STRING_TO_ARRAY('', 'x'))", "INTEGER 1"},
        {"ARRAY_LENGTH(1)", "INTEGER 1"},
        {"ARRAY_OFFSET(ARRAY(1, 2, 3), 1)", "INTEGER 2"},
        {"ARRAY_OFFSET(ARRAY(1, 2, 3), 3)", "INTEGER NULL"},
        {"ARRAY_OFFSET(ARRAY(1, 2, 3), -1)", "INTEGER NULL"},
        {"ARRAY_OFFSET(ARRAY(1, 2, 3), 9223372036854775807)", "INTEGER NULL"},
        {"ARRAY_ORDINAL(ARRAY(1, 2, 3), -9223372036854775807)", "INTEGER NULL"},
        {"ARRAY_ORDINAL(ARRAY('a', 'b', 'c'), 1)", "CHAR 'a'"},
        {"ARRAY_ORDINAL(ARRAY('a', 'b', 'c'), 0)", "CHAR NULL"},
        {"ARRAY_ORDINAL(ARRAY(0.5), 1)", "DECIMAL 0.5"},
        {"ARRAY_OFFSET(NULL, 1)", "VARCHAR NULL"},
        {"ARRAY_OFFSET_OF(ARRAY(1, 2, 3), 3)", "INTEGER 2"},
        {"ARRAY_OFFSET_OF(ARRAY(1, 2, 3), 9)", "INTEGER NULL"},
        {"ARRAY_OFFSET_OF(ARRAY(1, 2, 3), '1')", "INTEGER NULL"},
        {"ARRAY_OFFSET_OF(ARRAY(1, 2, 3), NULL)", "INTEGER NULL"},
        {"ARRAY_ORDINAL_OF(ARRAY(1, NULL, 3), NULL)", "INTEGER 2"},
        {"ARRAY_ORDINAL_OF(ARRAY('x', 'y'), 'y')", "INTEGER 2"},
        {"ARRAY_CONTAINS(ARRAY(1, 2, 3), 1)", "BOOLEAN true"},
        {"ARRAY_CONTAINS(ARRAY(1, 2, 3), '1')", "BOOLEAN true"},
        {"ARRAY_CONTAINS(ARRAY(1, 2, 3), NULL)", "BOOLEAN false"},
        {"ARRAY_CONTAINS(ARRAY(1, NULL), NULL)", "BOOLEAN true"},
        {"ARRAY_CONTAINS(ARRAY(1, 2, 3), ARRAY(1, 2))", "BOOLEAN true"},
        {"ARRAY_CONTAINS(ARRAY(1, 2, 3), ARRAY(3, 4))", "BOOLEAN false"},
        {"ARRAY_CONTAINS(ARRAY(1, 2, 3), ARRAY('1'))", "BOOLEAN true"},
        {"ARRAY_CONTAINS(ARRAY('1', '2'), 2)", "BOOLEAN true"},
        {"ARRAY_CONTAINS(NULL, 2)", "BOOLEAN NULL"},
        {"ARRAY_OVERLAP(ARRAY(1, 2), ARRAY(2, 3))", "BOOLEAN true"},
        {"ARRAY_OVERLAP(ARRAY(1, 2), ARRAY(3))", "BOOLEAN false"},
        {"ARRAY_OVERLAP(ARRAY(1, NULL), ARRAY(NULL, 3))", "BOOLEAN true"},
        {"SCALAR_IN_ARRAY(2, ARRAY(1, 2, 3))", "BOOLEAN true"},
        {"SCALAR_IN_ARRAY(9, ARRAY(1, 2, 3))", "BOOLEAN false"},
        {"SCALAR_IN_ARRAY(NULL, ARRAY(1, 2, 3))", "BOOLEAN NULL"},
        {"SCALAR_IN_ARRAY(NULL, ARRAY(1, NULL))", "BOOLEAN true"},
        {"SCALAR_IN_ARRAY('z', ARRAY('a', NULL))", "BOOLEAN false"},
        {"ARRAY_APPEND(ARRAY(1, 2), 3)", "ARRAY [1,2,3]"},
        {"ARRAY_APPEND(ARRAY(1, 2), NULL)", "ARRAY [1,2,null]"},
        {"ARRAY_APPEND(ARRAY('a'), 3)", "ARRAY [a,3]"},
        {"ARRAY_PREPEND(0, ARRAY(1, 2))", "ARRAY [0,1,2]"},
        {"ARRAY_CONCAT(ARRAY(1), ARRAY(2, 3))", "ARRAY [1,2,3]"},
        {"ARRAY_CONCAT(ARRAY(1), NULL)", "ARRAY [1]"},
        {"ARRAY_CONCAT(ARRAY(1), ARRAY('2', 'x'))", "ARRAY [1,2,null]"},
        {"ARRAY_SLICE(ARRAY(1, 2, 3), 1)", "ARRAY [2,3]"},
        {"ARRAY_SLICE(ARRAY(1, 2, 3), 0, 2)", "ARRAY [1,2]"},
        {"ARRAY_SLICE(ARRAY(1, 2, 3), 3)", "ARRAY []"},
        {"ARRAY_SLICE(ARRAY(1, 2, 3), 2, 5)", "ARRAY [3,null,null]"},
        {"ARRAY_SLICE(ARRAY(1, 2, 3), 2, 1)", "ARRAY NULL"},
        {"ARRAY_SLICE(ARRAY(1, 2, 3), -1)", "ARRAY NULL"},
        {"ARRAY_SLICE(ARRAY(1, 2, 3), 4)", "ARRAY NULL"},
        {"ARRAY_SLICE(ARRAY(1, 2, 3), 0, 9223372036854775807)", "! places behind the end"},
        {"ARRAY_TO_STRING(ARRAY(1, NULL, 3), '-')", "VARCHAR '1-null-3'"},
        {"ARRAY_TO_STRING(ARRAY(1.5, 2), ',')", "VARCHAR '1.5,2.0'"},
        {"ARRAY_TO_STRING(ARRAY('a'), ',')", "VARCHAR 'a'"},
        {"ARRAY_TO_STRING(ARRAY(NULL), ',')", "VARCHAR NULL"},
        {"STRING_TO_ARRAY('a,b,,c,,', ',')", "ARRAY [a,b,,c]"},
        {"STRING_TO_ARRAY('a1b22c', '[0-9]+')", "ARRAY [a,b,c]"},
        {"STRING_TO_ARRAY('abc', '')", "ARRAY [a,b,c]"},
        {"STRING_TO_ARRAY(',', ',')", "ARRAY []"},
        {"STRING_TO_ARRAY(',a', ',')", "ARRAY [,a]"},
        {"STRING_TO_ARRAY(NULL, ',')", "ARRAY NULL"},
        {"STRING_TO_ARRAY('a', '(')", "! An invalid pattern"},
        {"ARRAY_TO_MV(ARRAY(1, 2))", "VARCHAR [1,2]"},
        {"ARRAY_QUANTILE(ARRAY(1, 2, 3), 0.5)", "DOUBLE 2.0"},
        {"ARRAY_QUANTILE(ARRAY(3, 1), 0.25)", "DOUBLE 1.5"},
        {"ARRAY_QUANTILE(ARRAY(NULL), 0.5)", "DOUBLE NULL"},
    };
    CHECK(rows);
}

static void test_branches(void **state)
{
    (void)state;
    static const row rows[] = {
        {"COALESCE(NULL, ARRAY(1, 2))", "ARRAY [1,2]"},
        {"CASE(TRUE, ARRAY(1), ARRAY(2.5))", "ARRAY [1.0]"},
        {"CASE(FALSE, ARRAY(1))", "ARRAY NULL"},
        {"CASE(TRUE, ARRAY(1), ARRAY('a'))", "ARRAY [1]"},
        {"ARRAY_OFFSET(CASE(TRUE, ARRAY(1), ARRAY('a')), 0)", "VARCHAR '1'"},
        {"CASE(FALSE, 'x', STRING_TO_MV('a,b', ','))", "VARCHAR [a,b]"},
        {"COALESCE(STRING_TO_MV('a,b', ','), 'none')", "VARCHAR [a,b]"},
        {"NULLIF(ARRAY(1), ARRAY(1))", "ARRAY NULL"},
        {"NULLIF(ARRAY(1), ARRAY(2))", "ARRAY [1]"},
    };
    CHECK(rows);
    ov_arena_init(&arena, "test", NULL);
    ov_expr_ctx cx = {.arena = &arena, .next_id = 1};
    const ov_expr *e, *cast;
    ov_buf text;
    ov_buf_init(&text);
    check_ok(lib_parse("ARRAY('1', 'x', NULL)", &cx, NULL, &e, &err), &err);
    check_ok(ov_expr_cast(&cx, e, OV_SQL_ARRAY, (ov_type){.id = OV_TYPE_ARRAY, .elem = OV_TYPE_DOUBLE}, 0, 0, &cast, &err),
             &err);
    check_ok(ov_expr_print(cast, &text, &err), &err);
    check_slice(ov_buf_slice(&text), "ARRAY[1.0, NULL, NULL]");
    ov_buf_fini(&text);
    ov_arena_fini(&arena);
}

static void test_multi(void **state)
{
    (void)state;
    static const row rows[] = {
        {"STRING_TO_MV('a,b,c,a', ',')", "VARCHAR [a,b,c,a]"},
        {"MV_LENGTH(STRING_TO_MV('a,b,c,a', ','))", "INTEGER 4"},
        {"MV_LENGTH('x')", "INTEGER 1"},
        {"MV_OFFSET(STRING_TO_MV('a,b', ','), 0)", "VARCHAR 'a'"},
        {"MV_ORDINAL(STRING_TO_MV('a,b', ','), 0)", "VARCHAR NULL"},
        {"MV_OFFSET_OF(STRING_TO_MV('a,b', ','), 'b')", "INTEGER 1"},
        {"MV_ORDINAL_OF(STRING_TO_MV('a,b', ','), 'b')", "INTEGER 2"},
        {"MV_OFFSET_OF(STRING_TO_MV('a,1', ','), 1)", "INTEGER NULL"}, /* no text is a number */
        {"MV_OFFSET_OF(ARRAY(5, 1), 1)", "INTEGER 1"},
        {"MV_APPEND(ARRAY(5, 1), 'a')", "VARCHAR [5,1,null]"}, /* elements of the array's type */
        {"MV_CONCAT(ARRAY(5, 1), ARRAY('7'))", "VARCHAR [5,1,7]"},
        {"MV_OVERLAP(STRING_TO_MV('a,b', ','), ARRAY('c'))", "BOOLEAN false"},
        {"MV_OVERLAP(MV_APPEND(STRING_TO_MV('a', ','), NULL), ARRAY('c'))", "BOOLEAN false"},
        {"MV_OVERLAP(ARRAY('a', NULL), ARRAY('c'))", "BOOLEAN NULL"}, /* an array with a NULL does not know */
        {"MV_OVERLAP(ARRAY('a', NULL), ARRAY('a'))", "BOOLEAN true"},
        {"MV_CONTAINS(STRING_TO_MV('a,b', ','), 'a')", "BOOLEAN true"},
        {"MV_CONTAINS(STRING_TO_MV('a,b', ','), ARRAY('a', 'x'))", "BOOLEAN false"},
        {"MV_CONTAINS(CAST:VARCHAR(NULL), ARRAY('a'))", "BOOLEAN false"},
        {"MV_OVERLAP(STRING_TO_MV('a,b', ','), ARRAY('a', 'x'))", "BOOLEAN true"},
        {"MV_OVERLAP(CAST:VARCHAR(NULL), ARRAY('a'))", "BOOLEAN false"},
        {"MV_FILTER_ONLY(STRING_TO_MV('a,b,c,a', ','), ARRAY('a', 'b'))", "VARCHAR [a,b,a]"},
        {"MV_FILTER_ONLY(STRING_TO_MV('a,b', ','), ARRAY('x'))", "VARCHAR NULL"},
        {"MV_FILTER_NONE(STRING_TO_MV('a,b,c,a', ','), ARRAY('a'))", "VARCHAR [b,c]"},
        {"MV_FILTER_PREFIX(STRING_TO_MV('ab,b,ac', ','), 'a')", "VARCHAR [ab,ac]"},
        {"MV_FILTER_REGEX(STRING_TO_MV('ab,b,ac', ','), '^.$')", "VARCHAR [b]"},
        {"MV_APPEND(STRING_TO_MV('a,b', ','), 'q')", "VARCHAR [a,b,q]"},
        {"MV_APPEND(CAST:VARCHAR(NULL), 'q')", "VARCHAR NULL"},
        {"MV_APPEND('', 'q')", "VARCHAR [,q]"},
        {"MV_PREPEND('q', STRING_TO_MV('a,b', ','))", "VARCHAR [q,a,b]"},
        {"MV_CONCAT(STRING_TO_MV('a,b', ','), 'c')", "VARCHAR [a,b,c]"},
        {"MV_SLICE(STRING_TO_MV('a,b,c', ','), 1, 3)", "VARCHAR [b,c]"},
        {"MV_TO_STRING(STRING_TO_MV('a,b,c', ','), '|')", "VARCHAR 'a|b|c'"},
        {"MV_TO_ARRAY(STRING_TO_MV('a,b,c', ','))", "ARRAY [a,b,c]"},
        {"MV_TO_ARRAY('a')", "ARRAY [a]"},
        {"UPPER(STRING_TO_MV('a,b', ','))", "VARCHAR [A,B]"},
        {"`=`(STRING_TO_MV('a,b', ','), 'b')", "BOOLEAN true"},
    };
    CHECK(rows);
}

/* ---- columns ---- */

enum { ROWS = 4, COPIES = 100 };

static const lib_column columns[] = {
    {{.id = OV_TYPE_ARRAY, .elem = OV_TYPE_LONG}, OV_SQL_ARRAY},
    {{.id = OV_TYPE_STRING}, OV_SQL_VARCHAR},
    {{.id = OV_TYPE_STRING, .multi = 1}, OV_SQL_VARCHAR},
};

/* $0: [1,2]  NULL  []  [null,3]    $1: a  b  NULL  d    $2 as $1, a multi-value column without lists */
static const row over_columns[ROWS][19] = {
    {{"ARRAY_LENGTH($0)", "INTEGER 2"}, {"ARRAY_OFFSET($0, 1)", "BIGINT 2"}, {"ARRAY_CONTAINS($0, 2)", "BOOLEAN true"},
     {"ARRAY_APPEND($0, 7)", "ARRAY [1,2,7]"}, {"ARRAY_TO_STRING($0, ';')", "VARCHAR '1;2'"},
     {"`=`($0, ARRAY(1, 2))", "BOOLEAN true"}, {"ARRAY($1, 'x')", "ARRAY [a,x]"},
     {"SCALAR_IN_ARRAY($1, ARRAY('a', NULL))", "BOOLEAN true"}, {"ARRAY_TO_MV($0)", "VARCHAR [1,2]"},
     {"MV_LENGTH($2)", "INTEGER 1"}, {"MV_TO_ARRAY($2)", "ARRAY [a]"}, {"MV_APPEND($2, $1)", "VARCHAR [a,a]"},
     {"MV_FILTER_NONE($2, ARRAY('b'))", "VARCHAR [a]"}, {"ARRAY_CONCAT($0, ARRAY_LENGTH($0))", "ARRAY [1,2,2]"},
     {"MV_OVERLAP($2, ARRAY('b', NULL))", "BOOLEAN false"}, {"SCALAR_IN_ARRAY(1, $0)", "BOOLEAN true"},
     {"CASE(`=`($1, 'a'), $0, ARRAY(9))", "ARRAY [1,2]"},
     {"COALESCE($0, ARRAY(0))", "ARRAY [1,2]"},
     {"COALESCE($2, 'none')", "VARCHAR [a]"}},
    {{"ARRAY_LENGTH($0)", "INTEGER NULL"}, {"ARRAY_OFFSET($0, 1)", "BIGINT NULL"}, {"ARRAY_CONTAINS($0, 2)", "BOOLEAN NULL"},
     {"ARRAY_APPEND($0, 7)", "ARRAY NULL"}, {"ARRAY_TO_STRING($0, ';')", "VARCHAR NULL"},
     {"`=`($0, ARRAY(1, 2))", "BOOLEAN NULL"}, {"ARRAY($1, 'x')", "ARRAY [b,x]"},
     {"SCALAR_IN_ARRAY($1, ARRAY('a', NULL))", "BOOLEAN false"}, {"ARRAY_TO_MV($0)", "VARCHAR NULL"},
     {"MV_LENGTH($2)", "INTEGER 1"}, {"MV_TO_ARRAY($2)", "ARRAY [b]"}, {"MV_APPEND($2, $1)", "VARCHAR [b,b]"},
     {"MV_FILTER_NONE($2, ARRAY('b'))", "VARCHAR NULL"}, {"ARRAY_CONCAT($0, ARRAY_LENGTH($0))", "ARRAY NULL"},
     {"MV_OVERLAP($2, ARRAY('b', NULL))", "BOOLEAN true"}, {"SCALAR_IN_ARRAY(1, $0)", "BOOLEAN NULL"},
     {"CASE(`=`($1, 'a'), $0, ARRAY(9))", "ARRAY [9]"},
     {"COALESCE($0, ARRAY(0))", "ARRAY [0]"},
     {"COALESCE($2, 'none')", "VARCHAR [b]"}},
    {{"ARRAY_LENGTH($0)", "INTEGER 0"}, {"ARRAY_OFFSET($0, 1)", "BIGINT NULL"}, {"ARRAY_CONTAINS($0, 2)", "BOOLEAN false"},
     {"ARRAY_APPEND($0, 7)", "ARRAY [7]"}, {"ARRAY_TO_STRING($0, ';')", "VARCHAR ''"},
     {"`=`($0, ARRAY(1, 2))", "BOOLEAN false"}, {"ARRAY($1, 'x')", "ARRAY [null,x]"},
     {"SCALAR_IN_ARRAY($1, ARRAY('a', NULL))", "BOOLEAN true"}, {"ARRAY_TO_MV($0)", "VARCHAR []"},
     {"MV_LENGTH($2)", "INTEGER NULL"}, {"MV_TO_ARRAY($2)", "ARRAY NULL"}, {"MV_APPEND($2, $1)", "VARCHAR NULL"},
     {"MV_FILTER_NONE($2, ARRAY('b'))", "VARCHAR NULL"}, {"ARRAY_CONCAT($0, ARRAY_LENGTH($0))", "ARRAY [0]"},
     {"MV_OVERLAP($2, ARRAY('b', NULL))", "BOOLEAN true"}, {"SCALAR_IN_ARRAY(1, $0)", "BOOLEAN false"},
     {"CASE(`=`($1, 'a'), $0, ARRAY(9))", "ARRAY [9]"},
     {"COALESCE($0, ARRAY(0))", "ARRAY []"},
     {"COALESCE($2, 'none')", "VARCHAR [none]"}},
    {{"ARRAY_LENGTH($0)", "INTEGER 2"}, {"ARRAY_OFFSET($0, 1)", "BIGINT 3"}, {"ARRAY_CONTAINS($0, 2)", "BOOLEAN false"},
     {"ARRAY_APPEND($0, 7)", "ARRAY [null,3,7]"}, {"ARRAY_TO_STRING($0, ';')", "VARCHAR 'null;3'"},
     {"`=`($0, ARRAY(1, 2))", "BOOLEAN false"}, {"ARRAY($1, 'x')", "ARRAY [d,x]"},
     {"SCALAR_IN_ARRAY($1, ARRAY('a', NULL))", "BOOLEAN false"}, {"ARRAY_TO_MV($0)", "VARCHAR [null,3]"},
     {"MV_LENGTH($2)", "INTEGER 1"}, {"MV_TO_ARRAY($2)", "ARRAY [d]"}, {"MV_APPEND($2, $1)", "VARCHAR [d,d]"},
     {"MV_FILTER_NONE($2, ARRAY('b'))", "VARCHAR [d]"}, {"ARRAY_CONCAT($0, ARRAY_LENGTH($0))", "ARRAY [null,3,2]"},
     {"MV_OVERLAP($2, ARRAY('b', NULL))", "BOOLEAN false"}, {"SCALAR_IN_ARRAY(1, $0)", "BOOLEAN false"},
     {"CASE(`=`($1, 'a'), $0, ARRAY(9))", "ARRAY [9]"},
     {"COALESCE($0, ARRAY(0))", "ARRAY [null,3]"},
     {"COALESCE($2, 'none')", "VARCHAR [d]"}},
};

static void test_columns(void **state)
{
    (void)state;
    static int64_t numbers[64] = {1, 2, 0, 3};
    static uint64_t numbers_valid = 0xB, lists_valid = 0xD, texts_valid = 0xB;
    static const uint32_t starts[ROWS + 1] = {0, 2, 2, 2, 4};
    static ov_slice texts[64];
    static uint8_t codes[COPIES * ROWS + 64];
    texts[0] = OV_SLICE_LIT("a");
    texts[1] = OV_SLICE_LIT("b");
    texts[3] = OV_SLICE_LIT("d");
    for (uint32_t i = 0; i < COPIES * ROWS; i++)
        codes[i] = (uint8_t)(i % ROWS);
    ov_vec child = ov_vec_flat(OV_T(OV_TYPE_LONG), numbers, &numbers_valid, 4);
    ov_vec col[3] = {{.type = columns[0].type, .enc = OV_ENC_LIST, .rows = ROWS, .divisor = 1, .valid = &lists_valid,
                      .offsets = starts, .child = &child}};
    col[1] = col[2] = ov_vec_flat(OV_T(OV_TYPE_STRING), texts, &texts_valid, ROWS);
    ov_domain domain[3];
    ov_vec dict[3];
    for (int i = 0; i < 3; i++) {
        domain[i] = (ov_domain){.id = ov_domain_next_id(), .count = ROWS, .type = col[i].type, .unique = true,
                                .values = &col[i]};
        dict[i] = (ov_vec){.type = col[i].type, .enc = OV_ENC_DICT, .lane = 1, .rows = COPIES * ROWS, .divisor = 1,
                           .data = codes, .dict = &domain[i]};
    }
    ov_batch plain = {.rows = ROWS, .cols = 3, .col = col, .sel_rows = ROWS};
    ov_batch coded = {.rows = COPIES * ROWS, .cols = 3, .col = dict, .sel_rows = COPIES * ROWS};
    for (uint32_t r = 0; r < ROWS; r++)
        for (int general = 0; general < 2; general++) {
            check_rows(over_columns[r], 19, &plain, columns, r, general);
            check_rows(over_columns[r], 19, &coded, columns, (COPIES - 1) * ROWS + r, general);
        }
}

/* Constants fold into lists that are equal when their elements are. */
static void test_constants(void **state)
{
    (void)state;
    ov_arena_init(&arena, "test", NULL);
    ov_expr_ctx cx = {.arena = &arena, .next_id = 1};
    const ov_expr *a, *b, *c;
    ov_buf text;
    ov_buf_init(&text);
    check_ok(lib_parse("ARRAY_APPEND(ARRAY(1, 2), 3)", &cx, NULL, &a, &err), &err);
    check_ok(lib_parse("ARRAY(1, 2, 3)", &cx, NULL, &b, &err), &err);
    check_ok(lib_parse("ARRAY(1, 2, NULL)", &cx, NULL, &c, &err), &err);
    assert_int_equal(a->kind, OV_EXPR_CONST);
    assert_true(ov_expr_equal(a, b));
    assert_true(ov_expr_hash(a) == ov_expr_hash(b));
    assert_false(ov_expr_equal(a, c));
    check_ok(ov_expr_print(c, &text, &err), &err);
    check_slice(ov_buf_slice(&text), "ARRAY[1, 2, NULL]");
    ov_buf_fini(&text);
    ov_arena_fini(&arena);
}

/* Packed arrays have the order of the arrays, and come back as they were. */
static void test_packing(void **state)
{
    (void)state;
    static const char *const ascending[][8] = {
        {"ARRAY(NULL, 5)", "ARRAY(-9223372036854775807)", "ARRAY(-1)", "ARRAY(0)", "ARRAY(0, NULL)", "ARRAY(0, 1)", "ARRAY(1)",
         "ARRAY(255, 256)"},
        {"ARRAY(NULL, 0.5)", "ARRAY(-1e300)", "ARRAY(-1.5)", "ARRAY(0.0)", "ARRAY(0.0, -1.0)", "ARRAY(1e-300)", "ARRAY(1.0)",
         "ARRAY(1e300)"},
        {"ARRAY(NULL, 'a')", "ARRAY('')", "ARRAY('', '')", "ARRAY('a')", "ARRAY('a', NULL)", "ARRAY('a', 'a')",
         "ARRAY('ab')", "ARRAY('b')"},
    };
    ov_arena_init(&arena, "test", NULL);
    ov_expr_ctx cx = {.arena = &arena, .next_id = 1};
    for (size_t t = 0; t < OV_COUNT_OF(ascending); t++) {
        ov_slice before = {0};
        for (size_t i = 0; i < 8; i++) {
            const ov_expr *array, *args[2], *back;
            check_ok(lib_parse(ascending[t][i], &cx, NULL, &array, &err), &err);
            check_ok(ov_expr_call(&cx, OV_SLICE_LIT("$PACK_LIST"), &array, 1, 0, 0, &args[0], &err), &err);
            if (i > 0 && ov_slice_cmp(before, args[0]->constant.s) >= 0)
                fail_msg("%s does not come behind %s", ascending[t][i], ascending[t][i - 1]);
            before = args[0]->constant.s;
            check_ok(ov_expr_null(&cx, OV_SQL_NULL, &args[1], &err), &err);
            check_ok(ov_expr_cast(&cx, args[1], OV_SQL_ARRAY, array->type, 0, 0, &args[1], &err), &err);
            check_ok(ov_expr_call(&cx, OV_SLICE_LIT("$UNPACK_LIST"), args, 2, 0, 0, &back, &err), &err);
            const ov_expr *pair[2] = {array, back};
            check_ok(ov_expr_call(&cx, OV_SLICE_LIT("="), pair, 2, 0, 0, &back, &err), &err);
            assert_true(ov_expr_is_true(back));
        }
    }
    /* zeros inside texts */
    const ov_expr *text[2], *array, *args[2], *back;
    check_ok(ov_expr_str(&cx, OV_SQL_VARCHAR, ov_slice_make("\0a\0", 3), &text[0], &err), &err);
    check_ok(ov_expr_str(&cx, OV_SQL_VARCHAR, ov_slice_make("b", 1), &text[1], &err), &err);
    check_ok(ov_expr_call(&cx, OV_SLICE_LIT("ARRAY"), text, 2, 0, 0, &array, &err), &err);
    check_ok(ov_expr_call(&cx, OV_SLICE_LIT("$PACK_LIST"), &array, 1, 0, 0, &args[0], &err), &err);
    check_ok(ov_expr_null(&cx, OV_SQL_NULL, &args[1], &err), &err);
    check_ok(ov_expr_cast(&cx, args[1], OV_SQL_ARRAY, array->type, 0, 0, &args[1], &err), &err);
    check_ok(ov_expr_call(&cx, OV_SLICE_LIT("$UNPACK_LIST"), args, 2, 0, 0, &back, &err), &err);
    const ov_expr *pair[2] = {array, back};
    check_ok(ov_expr_call(&cx, OV_SLICE_LIT("="), pair, 2, 0, 0, &back, &err), &err);
    assert_true(ov_expr_is_true(back));
    ov_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constructor), cmocka_unit_test(test_functions), cmocka_unit_test(test_multi),
        cmocka_unit_test(test_branches),
        cmocka_unit_test(test_columns),     cmocka_unit_test(test_constants),
        cmocka_unit_test(test_packing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
