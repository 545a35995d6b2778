#include "tests/unit/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include "base/json.h"
#include "base/jsonw.h"

static ov_arena arena;
static ov_error err;

static int set_up(void **state)
{
    (void)state;
    ov_arena_init(&arena, "test", NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ov_arena_fini(&arena);
    return 0;
}

static ov_json *parse(const char *text)
{
    ov_json *v = NULL;
    check_ok(ov_json_parse(ov_slice_cstr(text), NULL, &arena, &v, &err), &err);
    return v;
}

static void check_print(const char *text, const char *want)
{
    ov_buf b;
    ov_buf_init(&b);
    ov_json_print(parse(text), &b);
    check_slice(ov_buf_slice(&b), want);
    ov_buf_fini(&b);
}

static void test_round_trip(void **state)
{
    (void)state;
    check_print(" { \"a\" : [ 1 , -2.5e0 , true , false , null , \"x\" ] , \"b\" : { } } ",
                "{\"a\":[1,-2.5e0,true,false,null,\"x\"],\"b\":{}}");
    check_print("\"\\u00e9\\ud83d\\ude00\\n\\\"\\/\\u0001\"", "\"é😀\\n\\\"/\\u0001\"");
    check_print("[]", "[]");
    check_print("\xEF\xBB\xBF{}", "{}");
    check_print("9223372036854775807", "9223372036854775807");
    check_print("-9223372036854775808", "-9223372036854775808");
    check_print("18446744073709551615", "18446744073709551615");
    check_print("9007199254740993", "9007199254740993");
}

static void test_kinds_and_places(void **state)
{
    (void)state;
    const char *text = "{\"a\":[10,{\"b\":9007199254740993}],\"c\":1.0}";
    const ov_json *v = parse(text);
    const ov_json *b = ov_json_get(ov_json_at(ov_json_get(v, "a"), 1), "b");
    assert_int_equal(b->kind, OV_JSON_INT);
    assert_true(b->i == 9007199254740993);
    assert_true(strncmp(text + b->pos, "9007199254740993", b->end_pos - b->pos) == 0);
    assert_int_equal(ov_json_get(v, "c")->kind, OV_JSON_DOUBLE);
    assert_null(ov_json_get(v, "d"));
    assert_null(ov_json_get(NULL, "d"));
    assert_null(ov_json_get(b, "d"));
    char path[64];
    assert_string_equal(ov_json_path(b, path, sizeof path), "a[1].b");
    assert_string_equal(ov_json_path(v, path, sizeof path), "the document");
    assert_string_equal(ov_json_path(b, path, 4), "a[1");
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } bad[] = {
        {"", "ends at line 1, column 1 where a value"},
        {"{", "a key in double quotes"},
        {"[1,]", "column 4: a value is expected"},
        {"{\"a\":1,}", "a key in double quotes"},
        {"[1 2]", "a comma or ]"},
        {"{\"a\" 1}", "a colon"},
        {"{a:1}", "a key in double quotes"},
        {"[01]", "leading zeros"},
        {"[1.]", "a digit"},
        {"[.5]", "a value"},
        {"[+1]", "a value"},
        {"[1e]", "a digit"},
        {"[-]", "a digit"},
        {"[1e999]", "too large"},
        {"tru", "a value"},
        {"nullx", "nothing behind"},
        {"{} {}", "nothing behind"},
        {"\"a", "closing quote"},
        {"\"\t\"", "control character"},
        {"\"\\x\"", "one of"},
        {"\"\\u12\"", "hexadecimal"},
        {"\"\\u0000\"", "other than"},
        {"\"\\ud800\"", "second half"},
        {"\"\\udc00\"", "first half"},
        {"\"\xff\"", "UTF-8"},
        {"\"\xed\xa0\x80\"", "UTF-8"},
        {"// x\n1", "a value"},
        {"{\"a\":1,\"b\":2,\"a\":3}", "a: the key appears twice"},
        {"[NaN]", "a value"},
        {"[\n\n  x]", "line 3, column 3"},
    };
    for (size_t i = 0; i < OV_COUNT_OF(bad); i++) {
        ov_json *v;
        check_fails(ov_json_parse(ov_slice_cstr(bad[i].text), NULL, &arena, &v, &err), &err,
                    OV_INVALID, bad[i].part);
    }
    assert_true(err.has_pos);
    assert_int_equal(err.pos, 5);
}

/* The last of repeated keys counts, few keys or many; what stands behind the value does not. */
static void test_lenient(void **state)
{
    (void)state;
    const ov_json_limits lenient = {.lenient = true};
    ov_json *v;
    check_ok(ov_json_parse(OV_SLICE_LIT("{\"a\":1,\"\":0,\"a\":{\"b\":1,\"b\":2},\"c\":3,\"a\":4} x {"), &lenient, &arena, &v, &err), &err);
    assert_int_equal(v->count, 3);
    assert_int_equal(ov_json_get(v, "a")->i, 4);
    assert_int_equal(ov_json_get(v, "c")->i, 3);
    ov_buf text;
    ov_buf_init(&text);
    for (int i = 0; i < 300; i++)
        ov_buf_addf(&text, "%c\"k%d\":%d", i ? ',' : '{', i % 100, i);
    ov_buf_add_char(&text, '}');
    check_ok(ov_json_parse(ov_buf_slice(&text), &lenient, &arena, &v, &err), &err);
    assert_int_equal(v->count, 100);
    assert_int_equal(ov_json_get(v, "k7")->i, 207);
    ov_buf_fini(&text);
}

static void test_limits(void **state)
{
    (void)state;
    char deep[2001];
    ov_json *v;
    memset(deep, '[', 1000);
    memset(deep + 1000, ']', 1000);
    deep[2000] = '\0';
    check_fails(ov_json_parse(ov_slice_cstr(deep), NULL, &arena, &v, &err), &err, OV_LIMIT,
                "[0][0][0][0] ...: the JSON text nests deeper than 100");
    check_fails(ov_json_parse(OV_SLICE_LIT("{\"q\": 1, \"a\\\"{,:b\": [[{}, 0], {\"x\": [[]]}]}"), &(ov_json_limits){.max_depth = 4}, &arena, &v, &err),
                &err, OV_LIMIT, "a\\\"{,:b[1].x[0] ...: the JSON text nests deeper than 4");
    ov_json_limits limits = {.max_depth = 5000};
    check_fails(ov_json_parse(ov_slice_cstr(deep), &limits, &arena, &v, &err), &err, OV_LIMIT,
                "900");
    check_ok(ov_json_parse((ov_slice){deep + 101, 1798}, &limits, &arena, &v, &err), &err);
    limits = (ov_json_limits){.max_bytes = 4};
    check_fails(ov_json_parse(OV_SLICE_LIT("[1,2]"), &limits, &arena, &v, &err), &err, OV_LIMIT,
                "limit of 4");
    ov_budget small;
    ov_budget_init(&small, "small", 16 << 10, NULL);
    ov_arena tight;
    ov_arena_init(&tight, "tight", &small);
    ov_buf b;
    ov_buf_init(&b);
    ov_buf_add_str(&b, "[0");
    for (int i = 1; i < 1000; i++)
        ov_buf_add_str(&b, ",0");
    ov_buf_add_str(&b, "]");
    check_fails(ov_json_parse(ov_buf_slice(&b), NULL, &tight, &v, &err), &err, OV_LIMIT, "small");
    ov_arena_fini(&tight);
    ov_buf_fini(&b);
}

static void test_many_keys(void **state)
{
    (void)state;
    ov_buf b;
    ov_buf_init(&b);
    for (int twice = 0; twice < 2; twice++) {
        ov_buf_clear(&b);
        ov_buf_add_char(&b, '{');
        for (int i = 0; i < 5000; i++)
            ov_buf_addf(&b, "\"k%d\":%d,", i, i);
        ov_buf_addf(&b, "\"k%d\":0}", twice ? 77 : 5000);
        ov_json *v;
        if (twice)
            check_fails(ov_json_parse(ov_buf_slice(&b), NULL, &arena, &v, &err), &err, OV_INVALID,
                        "k77: the key");
        else
            check_ok(ov_json_parse(ov_buf_slice(&b), NULL, &arena, &v, &err), &err);
    }
    ov_buf_fini(&b);
}

static void test_typed_members(void **state)
{
    (void)state;
    const ov_json *v = parse(
        "{\"s\":{\"n\":5,\"t\":\"6\",\"w\":7.0,\"f\":0.5,\"z\":null,\"y\":true,\"q\":\"false\","
        "\"big\":1e300,\"files\":[\"a\",12]}}");
    const ov_json *s;
    int64_t n;
    double d;
    bool b;
    ov_slice t;
    check_ok(ov_json_need_obj(v, "s", &s, &err), &err);
    check_ok(ov_json_i64(s, "n", 0, &n, &err), &err);
    assert_int_equal(n, 5);
    check_ok(ov_json_i64(s, "t", 0, &n, &err), &err);
    assert_int_equal(n, 6);
    check_ok(ov_json_need_i64(s, "w", &n, &err), &err);
    assert_int_equal(n, 7);
    check_ok(ov_json_i64(s, "z", 42, &n, &err), &err);
    assert_int_equal(n, 42);
    check_fails(ov_json_i64(s, "f", 0, &n, &err), &err, OV_INVALID,
                "s.f: expected an integer, found 0.5");
    check_fails(ov_json_i64(s, "big", 0, &n, &err), &err, OV_INVALID, "s.big: expected an integer");
    check_fails(ov_json_i64_in(s, "n", 0, 10, 20, &n, &err), &err, OV_INVALID,
                "s.n: 5 is not between 10 and 20");
    check_fails(ov_json_need_i64(s, "nope", &n, &err), &err, OV_INVALID,
                "s: 'nope' is missing (expected an integer)");
    check_ok(ov_json_f64(s, "n", 0, &d, &err), &err);
    assert_true(d == 5);
    check_ok(ov_json_bool(s, "q", true, &b, &err), &err);
    assert_false(b);
    check_fails(ov_json_bool(s, "n", true, &b, &err), &err, OV_INVALID,
                "expected true or false, found 5");
    check_ok(ov_json_str(s, "n", OV_SLICE_LIT(""), &t, &err), &err);
    check_slice(t, "5");
    check_ok(ov_json_str(s, "nope", OV_SLICE_LIT("dflt"), &t, &err), &err);
    check_slice(t, "dflt");
    const ov_json *files;
    check_ok(ov_json_need_arr(s, "files", &files, &err), &err);
    check_ok(ov_json_as_str(ov_json_at(files, 1), &t, &err), &err);
    check_slice(t, "12");
    check_fails(ov_json_as_bool(ov_json_at(files, 1), &b, &err), &err, OV_INVALID,
                "s.files[1]: expected");
    check_fails(ov_json_obj(s, "files", &files, &err), &err, OV_INVALID,
                "s.files: expected an object, found an array");
    check_fails(ov_json_need_str(files, "x", &t, &err), &err, OV_INVALID, "expected an object");
}

static void test_only(void **state)
{
    (void)state;
    static const char *const names[] = {"type", "inputSource", "inputFormat"};
    const ov_json *v = parse("{\"io\":{\"type\":\"x\",\"inputSorce\":1}}");
    check_fails(ov_json_only(ov_json_get(v, "io"), names, 3, &err), &err, OV_INVALID,
                "io: unknown key 'inputSorce'; did you mean 'inputSource'?");
    v = parse("{\"type\":1}");
    check_ok(ov_json_only(v, names, 3, &err), &err);
}

static void test_build(void **state)
{
    (void)state;
    ov_json *obj, *child, *copy;
    check_ok(ov_json_copy(&arena, parse("{\"a\":1,\"b\":[2.50,\"x\"],\"c\":null}"), &obj, &err),
             &err);
    check_ok(ov_json_new_str(&arena, OV_SLICE_LIT("new"), &child, &err), &err);
    check_ok(ov_json_set(&arena, obj, "c", child, &err), &err);
    check_ok(ov_json_new(&arena, OV_JSON_BOOL, &child, &err), &err);
    check_ok(ov_json_set(&arena, obj, "a", child, &err), &err);
    check_ok(ov_json_new(&arena, OV_JSON_OBJECT, &child, &err), &err);
    check_ok(ov_json_set(&arena, obj, "d", child, &err), &err);
    check_ok(ov_json_copy(&arena, obj, &copy, &err), &err);
    ov_buf b;
    ov_buf_init(&b);
    ov_json_print(copy, &b);
    check_slice(ov_buf_slice(&b), "{\"a\":false,\"b\":[2.50,\"x\"],\"c\":\"new\",\"d\":{}}");
    ov_buf_fini(&b);
}

static void test_quote(void **state)
{
    (void)state;
    ov_buf b;
    ov_buf_init(&b);
    ov_json_quote(&b, OV_SLICE_LIT("a\"b\\c\n\x01\x1f/é\xff\xe2\x82z"));
    check_slice(ov_buf_slice(&b), "\"a\\\"b\\\\c\\n\\u0001\\u001f/é\uFFFD\uFFFDz\"");
    ov_buf_fini(&b);
}

static void test_writer(void **state)
{
    (void)state;
    ov_buf b;
    ov_jsonw w;
    ov_buf_init(&b);
    ov_jsonw_init(&w, &b);
    ov_jsonw_open_object(&w, NULL);
    ov_jsonw_cstr(&w, "id", "x");
    ov_jsonw_open_array(&w, "rows");
    ov_jsonw_i64(&w, NULL, 1);
    ov_jsonw_f64(&w, NULL, 0.5);
    ov_jsonw_open_object(&w, NULL);
    ov_jsonw_close_object(&w);
    ov_jsonw_open_array(&w, NULL);
    ov_jsonw_close_array(&w);
    ov_jsonw_close_array(&w);
    ov_jsonw_time(&w, "at", 0);
    ov_jsonw_cstr(&w, "none", NULL);
    ov_jsonw_f64(&w, "nan", __builtin_nan(""));
    ov_jsonw_raw(&w, "raw", OV_SLICE_LIT("[1]"));
    ov_jsonw_key(&w, OV_SLICE_LIT("k"));
    ov_jsonw_bool(&w, NULL, true);
    ov_jsonw_close_object(&w);
    check_slice(ov_buf_slice(&b),
                "{\"id\":\"x\",\"rows\":[1,0.5,{},[]],\"at\":\"1970-01-01T00:00:00.000Z\","
                "\"none\":null,\"nan\":\"NaN\",\"raw\":[1],\"k\":true}");
    ov_buf_fini(&b);
}

/* Every cut and every changed byte of a document either parses or fails with a sentence. */
static void test_damaged(void **state)
{
    (void)state;
    const char text[] = "{\"a\":[1,-2.5e3,true,null,\"\\u00e9\\n\"],\"b\":{\"c\":\"é😀\"}}";
    char copy[sizeof text];
    ov_json *v;
    for (size_t i = 0; i < sizeof text; i++) {
        char *cut = malloc(i + 1); /* exact size: a read past the end is found by ASan */
        memcpy(cut, text, i);
        (void)!ov_json_parse((ov_slice){cut, i}, NULL, &arena, &v, &err);
        free(cut);
        for (int byte = 0; byte < 256; byte += 3) {
            memcpy(copy, text, sizeof text);
            copy[i] = (char)byte;
            if (ov_json_parse((ov_slice){copy, sizeof text - 1}, NULL, &arena, &v, &err) != OV_OK)
                assert_true(err.text[0] != '\0');
        }
        ov_arena_reset(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_kinds_and_places),
        cmocka_unit_test(test_refused),    cmocka_unit_test(test_lenient),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_many_keys),  cmocka_unit_test(test_typed_members),
        cmocka_unit_test(test_only),       cmocka_unit_test(test_build),
        cmocka_unit_test(test_quote),      cmocka_unit_test(test_writer),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
