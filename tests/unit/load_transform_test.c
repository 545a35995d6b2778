/* Loads whose rows pass through a transformSpec, or come from a program instead of a file. */
#include "load_harness.h"

#include <stdlib.h>

#include "ingest/parse/transform.h"
#include "server/task_transform.h"

/* A stand-in for Druid's expressions: `loud` is `a` in capitals, `__time` is `t` plus one, rows with b = 2 go. */
static ov_status fake_compile(void *ctx, ov_slice json, ov_arena *out, void **program, ov_error *err)
{
    (void)out;
    if (!strstr(json.p, "upper"))
        return ov_fail(err, OV_INVALID, "no such function");
    *program = ctx;
    return OV_OK;
}

static uint32_t fake_inputs(const void *program, const ov_slice **names)
{
    static const ov_slice in[] = {{"a", 1}, {"b", 1}, {"t", 1}};
    (void)program;
    *names = in;
    return 3;
}

static uint32_t fake_outputs(const void *program, const ov_slice **names)
{
    static const ov_slice out[] = {{"loud", 4}, {"__time", 6}};
    (void)program;
    *names = out;
    return 2;
}

static uint32_t fake_inputs_of_metrics(const void *program, const ov_slice **names)
{
    (void)program;
    *names = NULL;
    return 0;
}

static ov_status fake_run(const void *program, const ov_field *in, ov_arena *scratch, ov_field *out, bool *keep,
                          ov_error *err)
{
    char *loud;
    (void)program;
    if (ov_slice_eq(in[0].text, OV_SLICE_LIT("boom")))
        return ov_fail(err, OV_INVALID, "the expression failed");
    OV_TRY(ov_arena_alloc(scratch, in[0].text.n + 1, &loud, err));
    for (size_t i = 0; i < in[0].text.n; i++)
        loud[i] = (char)(in[0].text.p[i] & ~0x20);
    out[0] = (ov_field){.kind = OV_FIELD_TEXT, .text = ov_slice_make(loud, in[0].text.n)};
    ov_slice time;
    OV_TRY(ov_arena_printf(scratch, &time, err, "%d", atoi(in[2].text.p) + 1));
    out[1] = (ov_field){.kind = OV_FIELD_INT, .text = time};
    *keep = !ov_slice_eq(in[1].text, OV_SLICE_LIT("2"));
    return OV_OK;
}

static void transforms_plug_in(void **state)
{
    (void)state;
    static int program;
    static const ov_transform_ops ops = {&program, fake_compile, fake_inputs, fake_outputs, fake_inputs_of_metrics, fake_run};
    const char *schema = "\"dimensionsSpec\":{\"dimensions\":[\"a\",\"loud\"]},"
                         "\"transformSpec\":{\"transforms\":[{\"type\":\"expression\",\"name\":\"loud\",\"expression\":\"upper(a)\"}]}"
                         PLAIN("day");
    ov_arena arena;
    ov_load_result r;
    ov_buf out;
    ov_error err = OV_ERROR_INIT;
    ov_load_env env = test_env();
    ov_arena_init(&arena, "test", NULL);
    ov_buf_init(&out);
    ov_slice rows = OV_SLICE_LIT("1,x,1\n2,y,2\n3,boom,3\n4,z,4\n");
    check_fails(load(schema, CSV, "", rows, &env, &arena, &r, &err), &err, OV_UNSUPPORTED, "spec.dataSchema.transformSpec");
    env.transforms = &ops;
    check_ok(load(schema, CSV, "", rows, &env, &arena, &r, &err), &err);
    print_result(&out, &r, true);
    assert_non_null(strstr(ov_buf_cstr(&out), "2 rows\n2|x|X\n5|z|Z\nread=4 loaded=2 rejected=1 filtered=1"));
    check_slice(r.rejects[0].reason, "the expression failed");
    remove_files(&r);
    ov_buf_fini(&out);
    ov_arena_fini(&arena);
}

/* Druid's expressions in a load: __time is the row's time, also where a transform moves it; jq fields and discovery. */
static void transforms_of_the_server(void **state)
{
    (void)state;
#define EXPR(name, text) "{\"type\":\"expression\",\"name\":\"" name "\",\"expression\":\"" text "\"}"
    const char *schema = "\"dimensionsSpec\":{\"dimensions\":[\"a\",\"at\",{\"type\":\"long\",\"name\":\"ms\"}]},"
                         "\"transformSpec\":{\"transforms\":[" EXPR("ms", "__time") "," EXPR("at", "timestamp_format(__time, 'HH')")
                         "," EXPR("__time", "timestamp_floor(__time, 'P1D')") "],"
                         "\"filter\":{\"type\":\"not\",\"field\":{\"type\":\"selector\",\"dimension\":\"a\",\"value\":\"no\"}}}"
                         PLAIN("day");
    const char *nested = "\"dimensionsSpec\":{\"dimensions\":[{\"type\":\"auto\",\"name\":\"v\"},{\"type\":\"long\",\"name\":\"x\"}]},"
                         "\"transformSpec\":{\"transforms\":[" EXPR("v", "json_value(o, '$.a[0]')") "]}" PLAIN("day");
    ov_arena arena;
    ov_load_result r;
    ov_buf out;
    ov_error err = OV_ERROR_INIT;
    ov_load_env env = test_env();
    env.transforms = &ov_transforms;
    ov_arena_init(&arena, "test", NULL);
    ov_buf_init(&out);
    ov_slice rows = OV_SLICE_LIT("1970-01-02T05:00:00Z,x,\n1970-01-02T06:00:00Z,no,\nsoon,y,\n");
    check_ok(load(schema, CSV, "", rows, &env, &arena, &r, &err), &err);
    print_result(&out, &r, true);
    assert_non_null(strstr(ov_buf_cstr(&out), "1 rows\n86400000|x|05|104400000\nread=3 loaded=1 rejected=1 filtered=1"));
    remove_files(&r);
    ov_buf_clear(&out);
    rows = OV_SLICE_LIT("{\"t\":1,\"o\":{\"a\":[7],\"b\":{\"c\":5}}}\n{\"t\":2,\"o\":{\"a\":[8]}}\n");
    check_ok(load(nested, "\"type\":\"json\",\"flattenSpec\":{\"fields\":[{\"type\":\"jq\",\"name\":\"x\",\"expr\":\".o.b.c\"}]}", "",
                  rows, &env, &arena, &r, &err), &err);
    assert_int_equal(r.segments[0].columns[1].type.id, OV_TYPE_LONG); /* what json_value found */
    print_result(&out, &r, true);
    assert_non_null(strstr(ov_buf_cstr(&out), "2 rows\n1|7|5\n2|8|"));
    remove_files(&r);
    check_fails(load(nested, "\"type\":\"json\",\"flattenSpec\":{\"fields\":[{\"type\":\"jq\",\"name\":\"x\",\"expr\":\".o | keys\"}]}",
                     "", rows, &env, &arena, &r, &err), &err, OV_UNSUPPORTED, "of jq only paths are read here");
    ov_buf_fini(&out);
    ov_arena_fini(&arena);
#undef EXPR
}

/* ---- rows made by a program ---- */

static void rows_of_a_program(void **state)
{
    (void)state;
    static const ov_build_column columns[] = {
        {.name = {"__time", 6}, .type = {.id = OV_TYPE_LONG}, .role = OV_ROLE_TIME},
        {.name = {"who", 3}, .type = {.id = OV_TYPE_STRING}, .role = OV_ROLE_DIMENSION, .indexed = true},
        {.name = {"n", 1}, .type = {.id = OV_TYPE_LONG}, .role = OV_ROLE_DIMENSION},
    };
    static const uint32_t sort[] = {0};
    ov_error err = OV_ERROR_INIT;
    ov_arena arena;
    ov_load_schema schema = {.datasource = OV_SLICE_LIT("made"), .columns = columns, .column_count = 3, .sort = sort,
                             .sort_count = 1, .max_parse_exceptions = UINT64_MAX, .max_saved_rejects = 5};
    ov_load_env env = test_env();
    ov_loader *l;
    ov_rows *rows;
    ov_load_result r;
    ov_buf out;
    ov_buf_init(&out);
    ov_arena_init(&arena, "test", NULL);
    check_ok(ov_gran_init_name(&schema.segment_gran, OV_SLICE_LIT("day"), &err), &err);
    check_ok(ov_gran_init_name(&schema.query_gran, OV_SLICE_LIT("none"), &err), &err);
    check_ok(ov_loader_create(&schema, &env, &l, &err), &err);
    for (int64_t split = 0; split < 20; split++) {
        check_ok(ov_loader_begin(l, &rows, &err), &err);
        ov_rows_put_i64(rows, 0, 7);
        ov_rows_put_str(rows, 1, split % 2 ? OV_SLICE_LIT("ann") : OV_SLICE_LIT("bob"));
        ov_rows_put_i64(rows, 2, split);
        ov_rows_end(rows);
        ov_rows_put_str(rows, 1, OV_SLICE_LIT("half a row"));
        if (split % 10 == 0)
            ov_rows_reject(rows, &(ov_reject){.file = OV_SLICE_LIT("x"), .reason = OV_SLICE_LIT("no")});
        else
            ov_rows_filter(rows);
        check_ok(ov_loader_submit(l, rows, &err), &err);
    }
    check_ok(ov_loader_finish(l, &arena, &r, &err), &err);
    ov_loader_destroy(l);
    print_result(&out, &r, true);
    const char *text = ov_buf_cstr(&out);
    assert_non_null(strstr(text, "20 rows\n7|bob|0\n7|ann|1\n7|bob|2\n7|ann|3\n")); /* as made */
    assert_non_null(strstr(text, "read=40 loaded=20 rejected=2 filtered=18"));
    assert_int_equal(r.reject_count, 2);
    remove_files(&r);
    ov_buf_fini(&out);
    ov_arena_fini(&arena);
    assert_int_equal(files_left(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transforms_plug_in),
        cmocka_unit_test(transforms_of_the_server),
        cmocka_unit_test(rows_of_a_program),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
