/* transformSpec over rows of fields: kinds decided per row, json_value keeps what it finds, filters see the results. */
#include "tests/unit/harness.h"

#include "ingest/parse/transform.h"
#include "server/task_transform.h"

#include "base/buf.h"
#include "base/thread.h"

static ov_field field(const char *json)
{
    static const struct {
        const char *starts;
        ov_field_kind kind;
    } kinds[] = {{"{", OV_FIELD_OBJECT}, {"[", OV_FIELD_ARRAY},  {"\"", OV_FIELD_TEXT},
                 {"t", OV_FIELD_TRUE},   {"f", OV_FIELD_FALSE}, {"n", OV_FIELD_NULL}};
    ov_slice s = ov_slice_cstr(json);
    if (s.n == 0)
        return (ov_field){0};
    for (size_t i = 0; i < OV_COUNT_OF(kinds); i++)
        if (json[0] == kinds[i].starts[0]) {
            if (kinds[i].kind == OV_FIELD_TEXT)
                s = ov_slice_make(s.p + 1, s.n - 2);
            return (ov_field){.kind = (uint8_t)kinds[i].kind, .text = s};
        }
    return (ov_field){.kind = strchr(json, '.') ? OV_FIELD_REAL : OV_FIELD_INT, .text = s};
}

static void print_field(const ov_field *f, ov_buf *out)
{
    static const char *const names[] = {"missing", "null", "text ", "int ", "real ", "true", "false", "array ", "object ",
                                        "list "};
    ov_buf_add_str(out, names[f->kind]);
    if (f->kind == OV_FIELD_TEXT || f->kind == OV_FIELD_INT || f->kind == OV_FIELD_REAL || f->kind >= OV_FIELD_ARRAY)
        ov_buf_add_slice(out, f->text);
}

/* Runs `row`: one JSON value per input in the order x, y; the outputs joined with '|', or "-" when filtered. */
static void check_row(const void *program, const char *x, const char *y, const char *wanted)
{
    ov_error err = OV_ERROR_INIT;
    ov_arena scratch;
    const ov_slice *names;
    ov_field in[4], out[8];
    ov_buf got;
    bool keep;
    ov_arena_init(&scratch, "row", NULL);
    ov_buf_init(&got);
    uint32_t n = ov_transforms.inputs(program, &names);
    assert_true(n <= 2);
    for (uint32_t i = 0; i < n; i++)
        in[i] = field(ov_slice_eq(names[i], OV_SLICE_LIT("x")) ? x : y);
    uint32_t outs = ov_transforms.outputs(program, &names);
    memset(out, 0, sizeof out);
    if (ov_transforms.run(program, in, &scratch, out, &keep, &err) != OV_OK)
        ov_buf_addf(&got, "! %s", err.text);
    else if (!keep)
        ov_buf_add_char(&got, '-');
    else
        for (uint32_t i = 0; i < outs; i++) {
            ov_buf_add_str(&got, i ? "|" : "");
            print_field(&out[i], &got);
        }
    const char *text = ov_buf_cstr(&got);
    if (wanted[0] == '!' ? text[0] != '!' || !strstr(text, wanted + 2) : strcmp(text, wanted) != 0)
        fail_msg("x = %s, y = %s\n    is     %s\n    wanted %s", x, y, text, wanted);
    ov_buf_fini(&got);
    ov_arena_fini(&scratch);
}

static void *compiled(const char *spec, ov_arena *arena)
{
    ov_error err = OV_ERROR_INIT;
    void *program;
    check_ok(ov_transforms.compile(NULL, ov_slice_cstr(spec), arena, &program, &err), &err);
    return program;
}

#define EXPR(name, text) "{\"type\":\"expression\",\"name\":\"" name "\",\"expression\":\"" text "\"}"

static void kinds_per_row(void **state)
{
    (void)state;
    ov_arena arena;
    ov_arena_init(&arena, "test", NULL);
    void *p = compiled("{\"transforms\":[" EXPR("sum", "x + 1") "," EXPR("same", "x") "," EXPR("text", "concat(x, '!')") "]}",
                       &arena);
    check_row(p, "5", "", "int 6|int 5|text 5!");
    check_row(p, "2.5", "", "real 3.5|real 2.5|text 2.5!");
    check_row(p, "\"7\"", "", "int 8|text 7|text 7!");
    check_row(p, "\"a\"", "", "null|text a|text a!");
    check_row(p, "null", "", "null|null|null");
    check_row(p, "", "", "null|missing|null");
    check_row(p, "true", "", "int 2|int 1|text 1!");
    check_row(p, "5", "", "int 6|int 5|text 5!");
    check_row(p, "{\"a\":1}", "", "! ");
    ov_arena_fini(&arena);
}

static void json_values(void **state)
{
    (void)state;
    ov_arena arena;
    ov_arena_init(&arena, "test", NULL);
    void *p = compiled("{\"transforms\":[" EXPR("v", "json_value(x, '$[0]')") "," EXPR("q", "json_query(x, '$[1]')") ","
                       EXPR("n", "json_value(x, '$[0]') + 1") "," EXPR("o", "json_object('x', x, 'y', y)") "]}", &arena);
    check_row(p, "[1,{\"a\":\"\\u0041\"}]", "\"t\"",
              "int 1|object {\"a\":\"\\u0041\"}|int 2|object {\"x\":[1,{\"a\":\"\\u0041\"}],\"y\":\"t\"}");
    check_row(p, "[\"a\\u0041\",\"q\"]", "1.5", "text aA|text q|null|object {\"x\":[\"aA\",\"q\"],\"y\":1.5}");
    check_row(p, "[true]", "", "int 1|null|int 2|object {\"x\":[true],\"y\":null}");
    check_row(p, "[0.5,[2]]", "", "real 0.5|array [2]|real 1.5|object {\"x\":[0.5,[2]],\"y\":null}");
    check_row(p, "[[1]]", "", "null|null|null|object {\"x\":[[1]],\"y\":null}");
    check_row(p, "\"plain\"", "", "null|null|null|object {\"x\":\"plain\",\"y\":null}");
    ov_arena_fini(&arena);
}

/* Arrays of plain values are arrays to expressions, and several values, of which one may fit, to filters. */
static void arrays(void **state)
{
    (void)state;
    ov_arena arena;
    ov_arena_init(&arena, "test", NULL);
    void *p = compiled("{\"transforms\":[" EXPR("m", "map((e) -> concat(e, '!'), x)") "," EXPR("s", "array_to_string(x, '-')") ","
                       EXPR("n", "array_length(x)") "," EXPR("a", "array_contains(x, 'b')") "]}", &arena);
    check_row(p, "[\"b\",\"\\u0061\",null]", "", "array [\"b!\",\"a!\",null]|text b-a-null|int 3|int 1");
    check_row(p, "[1,2]", "", "array [\"1!\",\"2!\"]|text 1-2|int 2|int 0");
    check_row(p, "[1,0.5]", "", "array [\"1.0!\",\"0.5!\"]|text 1.0-0.5|int 2|int 0");
    check_row(p, "[]", "", "array []|text |int 0|int 0");
    check_row(p, "\"b\"", "", "array [\"b!\"]|text b|int 1|int 1");
    void *numbers = compiled("{\"transforms\":[" EXPR("d", "map((e) -> e * 2, x)") "," EXPR("h", "map((e) -> e / 4.0, x)") "]}", &arena);
    check_row(numbers, "[1,null,9223372036854775807]", "", "array [2,null,-2]|array [0.25,null,2.305843009213694E18]");
    check_row(numbers, "[1,9223372036854775808]", "", "array [2.0,1.8446744073709552E19]|array [0.25,2.305843009213694E18]");
    void *filter = compiled("{\"filter\":{\"type\":\"in\",\"dimension\":\"x\",\"values\":[\"b\",\"2\",\"true\"]}}", &arena);
    check_row(filter, "[\"a\",\"b\"]", "", "");
    check_row(filter, "[1,2]", "", "");
    check_row(filter, "[false,true]", "", "");
    check_row(filter, "[\"a\"]", "", "-");
    check_row(filter, "[]", "", "-");
    void *none = compiled("{\"filter\":{\"type\":\"selector\",\"dimension\":\"x\",\"value\":null}}", &arena);
    check_row(none, "[]", "", "");
    check_row(none, "[\"a\"]", "", "-");
    ov_arena_fini(&arena);
}

/* Transforms see raw fields, also those they shadow; the filter sees what they made. */
static void shadows_and_filter(void **state)
{
    (void)state;
    ov_arena arena;
    ov_arena_init(&arena, "test", NULL);
    void *p = compiled("{\"transforms\":[" EXPR("x", "upper(x)") "," EXPR("z", "concat(x, y)") "],"
                       "\"filter\":{\"type\":\"in\",\"dimension\":\"x\",\"values\":[\"A\",\"7\"]}}", &arena);
    check_row(p, "\"a\"", "\"b\"", "text A|text ab");
    check_row(p, "\"b\"", "\"b\"", "-");
    check_row(p, "7", "8", "text 7|text 78");
    check_row(p, "null", "8", "-");
    void *only = compiled("{\"transforms\":[],\"filter\":{\"type\":\"bound\",\"dimension\":\"x\",\"lower\":\"3\","
                          "\"ordering\":\"numeric\"}}", &arena);
    check_row(only, "10", "", "");
    check_row(only, "2", "", "-");
    check_row(only, "\"10\"", "", "");
    ov_arena_fini(&arena);
}

/* Fields of metrics see what transforms made, behind the filter; a condition is 1 or missing. */
static void fields_of_metrics(void **state)
{
    (void)state;
    ov_arena arena;
    ov_arena_init(&arena, "test", NULL);
    void *p = compiled("{\"transforms\":[" EXPR("x", "x * 10") "],\"filter\":{\"type\":\"selector\",\"dimension\":\"y\",\"value\":\"b\"},"
                       "\"metrics\":[{\"name\":\"m\",\"expression\":\"x + 1\"},"
                       "{\"name\":\"w\",\"filter\":{\"type\":\"range\",\"column\":\"x\",\"matchValueType\":\"LONG\",\"lower\":50}}]}",
                       &arena);
    check_row(p, "5", "\"b\"", "int 50|int 51|int 1");
    check_row(p, "4", "\"b\"", "int 40|int 41|missing");
    check_row(p, "null", "\"b\"", "null|null|missing");
    check_row(p, "[1]", "\"c\"", "! "); /* transforms run before the filter, fields of metrics do not */
    check_row(p, "5", "\"c\"", "-");
    void *json = compiled("{\"metrics\":[{\"name\":\"m\",\"expression\":\"json_value(x, '$[0]') + 1\"}]}", &arena);
    check_row(json, "[2]", "", "int 3");
    ov_arena_fini(&arena);
}

static void refusals(void **state)
{
    (void)state;
    static const struct {
        const char *spec, *why;
    } rows[] = {
        {"{\"transforms\":[{\"type\":\"lookup\"}]}", "transforms[0].type: the transform 'lookup' is not supported"},
        {"{\"transforms\":[{\"type\":\"expression\",\"name\":\"a\"}]}", "'expression' is missing"},
        {"{\"transforms\":[" EXPR("a", "x +") "]}", "transforms[0].expression: expected an expression"},
        {"{\"transforms\":[" EXPR("a", "nosuch(x)") "]}", "the function 'nosuch' is not known here"},
        {"{\"transforms\":[" EXPR("a", "x") "," EXPR("a", "y") "]}", "defined twice"},
        {"{\"metrics\":[{\"name\":\"a\",\"expression\":\"x +\"}]}", "metrics[0].expression: expected an expression"},
        {"{\"metrics\":[{\"name\":\"a\",\"filter\":{\"type\":\"what\"}}]}", "metrics[0].filter.type: unknown filter 'what'"},
        {"{\"filter\":{\"type\":\"and\",\"fields\":[{\"type\":\"what\"}]}}", "filter.fields[0].type: unknown filter 'what'"},
    };
    ov_arena arena;
    ov_arena_init(&arena, "test", NULL);
    for (size_t i = 0; i < OV_COUNT_OF(rows); i++) {
        ov_error err = OV_ERROR_INIT;
        void *program;
        assert_true(ov_transforms.compile(NULL, ov_slice_cstr(rows[i].spec), &arena, &program, &err) != OV_OK);
        if (!strstr(err.text, rows[i].why))
            fail_msg("\"%s\" does not contain \"%s\"", err.text, rows[i].why);
    }
    ov_arena_fini(&arena);
}

static void work(void *program)
{
    for (int i = 0; i < 200; i++) {
        check_row(program, "5", "", "int 6");
        check_row(program, "\"a\"", "", "null");
        check_row(program, "2.5", "", "real 3.5");
    }
}

static void many_threads(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    ov_arena arena;
    ov_thread threads[4] = {{0}};
    ov_arena_init(&arena, "test", NULL);
    void *p = compiled("{\"transforms\":[" EXPR("sum", "x + 1") "]}", &arena);
    for (int i = 0; i < 4; i++)
        check_ok(ov_thread_start(&threads[i], "row", work, p, &err), &err);
    for (int i = 0; i < 4; i++)
        ov_thread_join(&threads[i]);
    ov_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_per_row), cmocka_unit_test(json_values),
        cmocka_unit_test(arrays),  cmocka_unit_test(shadows_and_filter),
        cmocka_unit_test(fields_of_metrics),
        cmocka_unit_test(refusals),      cmocka_unit_test(many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
