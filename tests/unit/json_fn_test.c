/*
 * JSON: the reader of text (base/jsonr), paths, and the functions over COMPLEX<json>. Answers are Druid's where a recorded
 * one exists.
 */
#include "tests/unit/expr_lib.h"

#include "base/jsonr.h"

/* ---- the reader ---- */

static void read_texts(void **state)
{
    (void)state;
    static const struct {
        const char *text, *printed; /* printed starts with '!': what is expected, @ the byte */
    } rows[] = {
        {"1", "1"},
        {" -0 ", "0"},
        {"1.50", "1.5"},
        {"1e2", "100.0"},
        {"123456789012345678901234567890", "123456789012345678901234567890"},
        {"null", "null"},
        {"[ ]", "[]"},
        {"{ }", "{}"},
        {"[1, [2, {\"a\" : [ ] }], {}]", "[1,[2,{\"a\":[]}],{}]"},
        {"{\"a\\u0062\":\"\\u00e9\\n\\\"\"}", "{\"ab\":\"\xC3\xA9\\n\\\"\"}"},
        {"\"\\ud83d\\ude00\"", "\"\xF0\x9F\x98\x80\""},
        {"\"\\ud83d\"", "\"\xEF\xBF\xBD\""},
        {"", "!expected a value@0"},
        {"[1,]", "!expected a value@3"},
        {"[1 2]", "!expected ',' or ']'@3"},
        {"{\"a\":1 \"b\":2}", "!expected ',' or '}'@7"},
        {"{\"a\" 1}", "!expected ':'@5"},
        {"{a:1}", "!expected a key in quotes@1"},
        {"[1}", "!expected ',' or ']'@2"},
        {"01", "!expected nothing behind the value@1"},
        {"1.", "!expected a digit@2"},
        {"-", "!expected a digit@1"},
        {"tru", "!expected a value@0"},
        {"\"a", "!expected the closing quote@2"},
        {"\"\\x\"", "!expected one of"},
        {"\"\\u12g4\"", "!expected four hexadecimal digits"},
        {"\"\n\"", "!expected no control character"},
        {"[[[", "!expected a value@3"},
    };
    for (size_t i = 0; i < OV_COUNT_OF(rows); i++) {
        ov_jsonr_value v;
        const char *why = NULL;
        size_t pos = 0;
        ov_buf out;
        ov_buf_init(&out);
        if (ov_jsonr_read(ov_slice_cstr(rows[i].text), &v, &why, &pos))
            ov_jsonr_print(&v, &out);
        else
            ov_buf_addf(&out, "!%s@%zu", why, pos);
        const char *got = ov_buf_cstr(&out);
        if (rows[i].printed[0] == '!' ? strncmp(got, rows[i].printed, strlen(rows[i].printed)) != 0
                                      : strcmp(got, rows[i].printed) != 0)
            fail_msg("%s gives %s, not %s", rows[i].text, got, rows[i].printed);
        ov_buf_fini(&out);
    }
}

static void deep_texts(void **state)
{
    (void)state;
    ov_buf text;
    ov_jsonr_value v;
    ov_buf_init(&text);
    for (int levels = OV_JSONR_DEPTH; levels <= OV_JSONR_DEPTH + 1; levels++) {
        ov_buf_clear(&text);
        for (int i = 0; i < levels; i++)
            ov_buf_add_str(&text, i % 2 ? "{\"a\":" : "[");
        ov_buf_add_str(&text, "1");
        for (int i = levels; i-- > 0;)
            ov_buf_add_str(&text, i % 2 ? "}" : "]");
        assert_int_equal(ov_jsonr_read(ov_buf_slice(&text), &v, NULL, NULL), levels == OV_JSONR_DEPTH);
    }
    ov_buf_fini(&text);
}

/* ---- functions ---- */

typedef struct row {
    const char *text, *answer;
} row;

static void print_list(const ov_vec *v, ov_buf *out)
{
    uint32_t first, end;
    if (ov_vec_is_null(v, 0)) {
        ov_buf_add_str(out, "NULL");
        return;
    }
    const ov_vec *items = ov_vec_list(v, 0, &first, &end);
    for (uint32_t i = first; i < end; i++) {
        ov_buf_add_str(out, i == first ? "[" : " ");
        if (ov_vec_is_null(items, i))
            ov_buf_add_str(out, "NULL");
        else if (ov_type_is_int(items->type))
            ov_buf_add_i64(out, ov_vec_i64(items, i));
        else
            ov_buf_add_slice(out, ov_vec_str(items, i));
    }
    ov_buf_add_str(out, first == end ? "[]" : "]");
}

static void check_rows(const row *rows, size_t n)
{
    ov_error err = OV_ERROR_INIT;
    ov_arena arena;
    ov_eval *ev;
    ov_arena_init(&arena, "test", NULL);
    ov_expr_ctx cx = {.arena = &arena, .next_id = 1};
    check_ok(ov_tz_get(OV_SLICE_LIT("UTC"), &cx.tz, &err), &err);
    check_ok(ov_eval_create(NULL, NULL, &ev, &err), &err);
    for (size_t i = 0; i < n; i++) {
        const ov_expr *e;
        ov_buf got;
        ov_vec v;
        ov_batch one = {.rows = 1, .sel_rows = 1};
        ov_buf_init(&got);
        ov_status st = lib_parse(rows[i].text, &cx, NULL, &e, &err);
        if (st == OV_OK)
            st = ov_eval_expr(ev, e, &one, &v, &err);
        if (st != OV_OK)
            ov_buf_addf(&got, "! %s", err.text);
        else if (ov_type_is_list(e->type))
            print_list(&v, &got);
        else
            lib_print(e, &v, 0, &got);
        const char *text = ov_buf_cstr(&got);
        bool same = rows[i].answer[0] == '!' ? text[0] == '!' && strstr(text, rows[i].answer + 2)
                                             : strcmp(text, rows[i].answer) == 0;
        if (!same)
            fail_msg("%s\n    is     %s\n    wanted %s", rows[i].text, text, rows[i].answer);
        ov_buf_fini(&got);
        ov_eval_next_batch(ev);
    }
    ov_eval_destroy(ev);
    ov_arena_fini(&arena);
}

#define CHECK(rows) check_rows(rows, OV_COUNT_OF(rows))
#define DOC                                                                                                           \
    "PARSE_JSON('{\"a\":1,\"b\":\"x\",\"c\":[1,2.5,\"z\",null,{\"d\":true}],\"e\":{\"f\":null,\"g g\":[[1]]},"          \
    "\"h\":1.0,\"i\":false,\"j\":\"12\",\"k\":[]}')"

static void values(void **state)
{
    (void)state;
    static const row rows[] = {
        {"JSON_VALUE(" DOC ", '$.a')", "VARCHAR '1'"},
        {"JSON_VALUE(" DOC ", '$.a', 'BIGINT')", "BIGINT 1"},
        {"JSON_VALUE(" DOC ", '$.a', 'DOUBLE')", "DOUBLE 1.0"},
        {"JSON_VALUE(" DOC ", '$.a', 'BOOLEAN')", "BOOLEAN true"},
        {"JSON_VALUE(" DOC ", '$.a', 'VARCHAR ARRAY')", "[1]"},
        {"JSON_VALUE(" DOC ", '$.b', 'BIGINT')", "BIGINT NULL"},
        {"JSON_VALUE(" DOC ", '$.b', 'BOOLEAN')", "BOOLEAN NULL"},
        {"JSON_VALUE(" DOC ", '$.b', 'BIGINT ARRAY')", "[NULL]"},
        {"JSON_VALUE(" DOC ", '$.c')", "VARCHAR NULL"},
        {"JSON_VALUE(" DOC ", '$.c', 'VARCHAR ARRAY')", "NULL"},
        {"JSON_VALUE(" DOC ", '$.e[''g g''][0]', 'ARRAY<LONG>')", "[1]"},
        {"JSON_VALUE(" DOC ", '$.h')", "VARCHAR '1.0'"},
        {"JSON_VALUE(" DOC ", '$.h', 'BIGINT')", "BIGINT 1"},
        {"JSON_VALUE(" DOC ", '$.h', 'BIGINT ARRAY')", "[1]"},
        {"JSON_VALUE(" DOC ", '$.i')", "VARCHAR '0'"},
        {"JSON_VALUE(" DOC ", '$.i', 'BIGINT')", "BIGINT 0"},
        {"JSON_VALUE(" DOC ", '$.j', 'BIGINT')", "BIGINT 12"},
        {"JSON_VALUE(" DOC ", '$.c[2]')", "VARCHAR 'z'"},
        {"JSON_VALUE(" DOC ", '$.c[-1].d')", "VARCHAR '1'"},
        {"JSON_VALUE(" DOC ", '$.c[-6]')", "VARCHAR NULL"},
        {"JSON_VALUE(" DOC ", '$.c[9]')", "VARCHAR NULL"},
        {"JSON_VALUE(" DOC ", '$.e.f')", "VARCHAR NULL"},
        {"JSON_VALUE(" DOC ", '$.zz')", "VARCHAR NULL"},
        {"JSON_VALUE(" DOC ", '$.a.b')", "VARCHAR NULL"},
        {"JSON_VALUE('ABCD', '$')", "VARCHAR 'ABCD'"},
        {"JSON_VALUE(1234, '$.', 'INT')", "INTEGER 1234"},
        {"JSON_VALUE(NULL, '$')", "VARCHAR NULL"},
        {"JSON_VALUE('x', 'a')", "! JSONPath [a] is invalid, it must start with '$'"},
        {"JSON_VALUE('x', '$a')", "! path parts must be separated with '.'"},
        {"JSON_VALUE('x', '$.a[0,1]')", "! array specifier [0,1] should be a number"},
        {"JSON_VALUE('x', '$.a[0')", "! unterminated '['"},
        {"JSON_VALUE('x', '$', 'BLOB')", "! JSON_VALUE cannot return 'BLOB'"},
    };
    static const row quoted[] = {
        {"JSON_VALUE(PARSE_JSON('{\"x.y\":{\"a b\":7}}'), '$[''x.y''][''a b'']')", "VARCHAR '7'"},
        {"JSON_VALUE(PARSE_JSON('{\"a\":1,\"a\":2}'), '$.a')", "VARCHAR '2'"},
        {"JSON_VALUE(PARSE_JSON('{\"\\u0061\":1}'), '$.a')", "VARCHAR '1'"},
        {"JSON_VALUE('x', '$[''a')", "! unterminated '"},
        {"JSON_VALUE('x', '$[''a''x]')", "! closing ' must immediately precede ']'"},
    };
    CHECK(rows);
    CHECK(quoted);
}

static void queries(void **state)
{
    (void)state;
    static const row rows[] = {
        {"JSON_QUERY(" DOC ", '$.c')", "OTHER '[1,2.5,\"z\",null,{\"d\":true}]'"},
        {"JSON_QUERY(" DOC ", '$.b')", "OTHER '\"x\"'"},
        {"JSON_QUERY(" DOC ", '$.e.f')", "OTHER NULL"},
        {"JSON_QUERY(" DOC ", '$.h')", "OTHER '1.0'"},
        {"JSON_QUERY(1234, '$')", "OTHER '1234'"},
        {"JSON_QUERY(1234, '$.a')", "OTHER NULL"},
        {"JSON_QUERY_ARRAY(" DOC ", '$.c')", "[1 2.5 \"z\" NULL {\"d\":true}]"},
        {"JSON_QUERY_ARRAY(" DOC ", '$.a')", "[1]"},
        {"JSON_QUERY_ARRAY(" DOC ", '$.zz')", "NULL"},
        {"JSON_KEYS(" DOC ", '$')", "[a b c e h i j k]"},
        {"JSON_KEYS(" DOC ", '$.c')", "[0 1 2 3 4]"},
        {"JSON_KEYS(" DOC ", '$.k')", "[]"},
        {"JSON_KEYS(" DOC ", '$.a')", "NULL"},
        {"JSON_KEYS('ABCD', '$')", "NULL"},
        {"JSON_PATHS(" DOC ")",
         "[$.b $.c[2] $.c[3] $.e.f $.c[4].d $.e.g g[0] $.h $.i $.j $.k $.c[0] $.a $.c[1]]"},
        {"JSON_PATHS(5)", "[$]"},
        {"JSON_PATHS(CAST:VARCHAR(NULL))", "[$]"},
        {"JSON_PATHS(PARSE_JSON('{}'))", "[]"},
        {"JSON_PATHS(PARSE_JSON('[{},{\"a\":[]}]'))", "[$[1].a]"},
    };
    CHECK(rows);
}

static void making(void **state)
{
    (void)state;
    static const row rows[] = {
        {"JSON_OBJECT()", "OTHER '{}'"},
        {"JSON_OBJECT('a', 'A', 'b', 1, 'c', NULL)", "OTHER '{\"a\":\"A\",\"b\":1,\"c\":null}'"},
        {"JSON_OBJECT('x', 1, 'y', 2, 'x', 3)", "OTHER '{\"x\":3,\"y\":2}'"},
        {"JSON_OBJECT('\"k\"', PARSE_JSON('[1]'))", "OTHER '{\"\\\"k\\\"\":[1]}'"},
        {"JSON_OBJECT(1, 2)", "! field name must be a STRING"},
        {"JSON_OBJECT('a')", "! pairs of a key and a value"},
        {"JSON_MERGE(PARSE_JSON('{\"a\":1,\"b\":2}'), '{\"b\":3,\"c\":4}')", "OTHER '{\"a\":1,\"b\":3,\"c\":4}'"},
        {"JSON_MERGE('{\"a\":{\"x\":1}}', '{\"a\":{\"y\":2}}')", "OTHER '{\"a\":{\"y\":2}}'"},
        {"JSON_MERGE('[1]', '{}')", "! argument 1 is no JSON object"},
        {"TO_JSON_STRING('a\"b')", "VARCHAR '\"a\\\"b\"'"},
        {"TO_JSON_STRING(1234)", "VARCHAR '1234'"},
        {"TO_JSON_STRING(0.2)", "VARCHAR '0.2'"},
        {"TO_JSON_STRING(TRUE)", "VARCHAR '1'"},
        {"TO_JSON_STRING(NULL)", "VARCHAR NULL"},
        {"TO_JSON_STRING(TIMESTAMP '2022-01-01')", "VARCHAR '1640995200000'"},
        {"PARSE_JSON('{\"b\" : 1.0}')", "OTHER '{\"b\":1.0}'"},
        {"PARSE_JSON('null')", "OTHER NULL"},
        {"PARSE_JSON('{')", "! bad string input [{]: expected a key in quotes"},
        {"PARSE_JSON(5)", "! Cannot apply 'PARSE_JSON'"},
        {"TRY_PARSE_JSON('{')", "OTHER NULL"},
        {"TRY_PARSE_JSON('\"a\": 123')", "OTHER '\"a\"'"}, /* what follows the first value is not looked at */
        {"`=`(PARSE_JSON('{\"a\": 1}'), PARSE_JSON('{\"a\":1}'))", "BOOLEAN true"},
        {"`<`(PARSE_JSON('1'), PARSE_JSON('2'))", "! JSON_VALUE"},
    };
    CHECK(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_texts), cmocka_unit_test(deep_texts), cmocka_unit_test(values),
        cmocka_unit_test(queries),    cmocka_unit_test(making),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
