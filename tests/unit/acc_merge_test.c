/*
 * Accumulators of several workers: merged in any order, as they lie or by way of bytes, they come to what one accumulator
 * makes of all rows.
 */
#include "tests/unit/acc_lib.h"

static ov_arena plan_arena;
static ov_expr_ctx cx;

static ov_agg_call bind(const char *name, ov_type type, bool distinct)
{
    const ov_expr *args[2];
    ov_agg_call call;
    ov_sqltype sql = ov_type_is_int(type) ? OV_SQL_BIGINT : ov_type_is_real(type) ? OV_SQL_DOUBLE : OV_SQL_VARCHAR;
    if (type.id == OV_TYPE_ARRAY) {
        type.elem = OV_TYPE_LONG;
        sql = OV_SQL_ARRAY;
    }
    bool timed = strcmp(name, "EARLIEST") == 0 || strcmp(name, "LATEST") == 0;
    check_ok(ov_expr_column(&cx, 0, type, sql, true, &args[0], &err), &err);
    check_ok(ov_expr_column(&cx, 1, OV_T(OV_TYPE_LONG), OV_SQL_TIMESTAMP, true, &args[1], &err), &err);
    if (strcmp(name, "STRING_AGG") == 0) {
        check_ok(ov_expr_str(&cx, OV_SQL_CHAR, OV_SLICE_LIT(", "), &args[1], &err), &err);
        timed = true; /* two arguments as well */
    }
    check_ok(ov_agg_bind(&cx, ov_slice_cstr(name), args, timed ? 2 : 1, distinct, NULL, 0, 0, &call, &err), &err);
    return call;
}

static void print_value(const ov_vec *v, uint32_t i, ov_buf *out)
{
    uint32_t first, end;
    if (ov_vec_is_null(v, i)) {
        ov_buf_add_str(out, "NULL ");
    } else if (ov_type_is_list(v->type)) {
        const ov_vec *items = ov_vec_list(v, i, &first, &end);
        ov_buf_add_char(out, '[');
        for (; first < end; first++)
            print_value(items, first, out);
        ov_buf_add_str(out, "] ");
    } else if (ov_type_is_int(v->type)) {
        ov_buf_addf(out, "%lld ", (long long)ov_vec_i64(v, i));
    } else if (ov_type_is_real(v->type)) {
        ov_buf_addf(out, "%.10g ", ov_vec_f64(v, i));
    } else {
        ov_buf_add_slice(out, ov_vec_str(v, i));
        ov_buf_add_char(out, ' ');
    }
}

/* All results, one a line. */
static const char *results(ov_acc *a, const ov_agg_call *call)
{
    uint32_t *order = lanes(a->groups * 4 + 4);
    ov_vec v;
    ov_buf out;
    ov_slice text;
    for (uint32_t g = 0; g < a->groups; g++)
        order[g] = g;
    ov_buf_init(&out);
    ov_acc_settle(a);
    check_ok(ov_acc_emit(a, call, order, a->groups, &arena, &v, &err), &err);
    assert_true(ov_type_eq(v.type, call->type));
    for (uint32_t g = 0; g < a->groups; g++) {
        print_value(&v, g, &out);
        ov_buf_add_char(&out, '\n');
    }
    check_ok(ov_arena_copy(&arena, ov_buf_slice(&out), &text, &err), &err);
    ov_buf_fini(&out);
    return text.p;
}

static void open_acc(ov_acc *a, const ov_agg_call *call, bool general)
{
    ov_acc_spec spec = ov_acc_spec_of(call);
    check_ok(ov_acc_init(a, &spec, general, NULL, &err), &err);
    check_ok(ov_acc_reserve(a, GROUPS, &err), &err);
}

/* src into dst, as it lies or by way of bytes. */
static void take_in(ov_acc *dst, ov_acc *src, bool bytes)
{
    uint32_t *all = lanes(GROUPS * 4);
    for (uint32_t g = 0; g < GROUPS; g++)
        all[g] = g;
    ov_acc_settle(dst);
    ov_acc_settle(src);
    if (!bytes) {
        check_ok(ov_acc_merge(dst, src, all, all, GROUPS, all, &err), &err);
        return;
    }
    ov_buf out;
    ov_buf_init(&out);
    check_ok(ov_acc_save(src, all, GROUPS, 0, &out, &err), &err);
    ov_cursor in = ov_cursor_make(ov_buf_slice(&out), "states");
    check_ok(ov_acc_load(dst, all, GROUPS, 0, &in, &err), &err);
    assert_int_equal(ov_cursor_left(&in), 0);
    for (size_t cut = 0; cut < out.n; cut += 1 + out.n / 7) { /* bytes that end too early are an error */
        ov_cursor part = ov_cursor_make(ov_slice_make(out.p, cut), "states");
        ov_acc scrap;
        ov_acc_spec spec = {.kind = dst->kind, .type = dst->type, .call = dst->object.call};
        check_ok(ov_acc_init(&scrap, &spec, false, NULL, &err), &err);
        check_ok(ov_acc_reserve(&scrap, GROUPS, &err), &err);
        ov_error broken = OV_ERROR_INIT;
        assert_true(ov_acc_load(&scrap, all, GROUPS, 0, &part, &broken) != OV_OK);
        ov_acc_fini(&scrap);
    }
    ov_buf_fini(&out);
}

static const struct {
    const char *name;
    uint8_t type;
    bool distinct;
} calls[] = {
    {"COUNT", OV_TYPE_STRING, false},      {"COUNT", OV_TYPE_STRING, true},       {"COUNT", OV_TYPE_LONG, true},
    {"COUNT", OV_TYPE_DOUBLE, true},       {"SUM", OV_TYPE_LONG, false},          {"SUM", OV_TYPE_DOUBLE, false},
    {"AVG", OV_TYPE_LONG, false},          {"MIN", OV_TYPE_LONG, false},          {"MAX", OV_TYPE_DOUBLE, false},
    {"MIN", OV_TYPE_STRING, false},        {"MAX", OV_TYPE_STRING, false},        {"ANY_VALUE", OV_TYPE_STRING, false},
    {"ANY_VALUE", OV_TYPE_LONG, false},    {"EARLIEST", OV_TYPE_STRING, false},   {"EARLIEST", OV_TYPE_LONG, false},
    {"LATEST", OV_TYPE_DOUBLE, false},     {"LATEST", OV_TYPE_STRING, false},     {"ARRAY_AGG", OV_TYPE_STRING, false},
    {"ARRAY_AGG", OV_TYPE_LONG, false},    {"ARRAY_AGG", OV_TYPE_DOUBLE, false},  {"ARRAY_AGG", OV_TYPE_STRING, true},
    {"ARRAY_AGG", OV_TYPE_LONG, true},     {"ARRAY_AGG", OV_TYPE_DOUBLE, true},   {"STRING_AGG", OV_TYPE_STRING, false},
    {"STRING_AGG", OV_TYPE_STRING, true},  {"BIT_AND", OV_TYPE_LONG, false},      {"BIT_OR", OV_TYPE_LONG, false},
    {"BIT_XOR", OV_TYPE_LONG, false},      {"BIT_XOR", OV_TYPE_LONG, true},       {"VAR_POP", OV_TYPE_DOUBLE, false},
    {"STDDEV", OV_TYPE_DOUBLE, false},     {"VARIANCE", OV_TYPE_DOUBLE, true},    {"SUM", OV_TYPE_LONG, true},
    {"AVG", OV_TYPE_DOUBLE, true},         {"$SUM0", OV_TYPE_DOUBLE, false},      {"MIN", OV_TYPE_ARRAY, false},
    {"MAX", OV_TYPE_ARRAY, false},         {"ANY_VALUE", OV_TYPE_ARRAY, false},   {"LATEST", OV_TYPE_ARRAY, false},
    {"COUNT", OV_TYPE_ARRAY, true},        {"ARRAY_CONCAT_AGG", OV_TYPE_ARRAY, false},
    {"ARRAY_CONCAT_AGG", OV_TYPE_ARRAY, true},
};

/* Lists of numbers in a row or in a dictionary: arguments of what takes lists. */
static ov_vec some_lists(void)
{
    ov_vec *items = lanes(sizeof(*items));
    uint32_t *offsets = lanes((ROWS + 1) * 4);
    for (uint32_t i = 0; i < ROWS; i++) {
        uint32_t end = offsets[i] + (uint32_t)(rnd() % 3);
        offsets[i + 1] = OV_MIN(end, (uint32_t)ROWS);
    }
    *items = narrow(OV_T(OV_TYPE_LONG), 1, -100, 1, false);
    items->valid = some_bits(4);
    return (ov_vec){.type = {.id = OV_TYPE_ARRAY, .elem = OV_TYPE_LONG}, .enc = OV_ENC_LIST, .rows = ROWS, .divisor = 1,
                    .offsets = offsets, .valid = some_bits(5), .child = items};
}

/* What the call's argument is over the input: packed arrays are an expression. */
static ov_vec argument(const ov_agg_call *call, ov_eval *ev, ov_vec *input)
{
    ov_batch b = {.rows = ROWS, .cols = 1, .col = input, .sel_rows = ROWS};
    ov_vec out;
    check_ok(ov_eval_expr(ev, call->args[0], &b, &out, &err), &err);
    return out;
}

/* One accumulator row by row, against several that got batches each and are merged in any order. */
static void test_merging(void **state)
{
    (void)state;
    enum { BATCHES = 4, MOST = 3 };
    static const unsigned code_lanes[] = {1, 2, 4};
    ov_eval *ev;
    check_ok(ov_eval_create(NULL, NULL, &ev, &err), &err);
    for (int round = 0; round < 400; round++) {
        size_t k = rnd() % OV_COUNT_OF(calls);
        ov_agg_call call = bind(calls[k].name, OV_T(calls[k].type), calls[k].distinct);
        ov_acc want, part[MOST];
        bool real = calls[k].type == OV_TYPE_DOUBLE && strcmp(calls[k].name, "MAX") != 0;
        open_acc(&want, &call, true);
        for (int i = 0; i < MOST; i++)
            open_acc(&part[i], &call, false);
        for (uint64_t i = 0; i < BATCHES; i++) {
            ov_agg_rows rows = pieces((int)(rnd() % 5), code_lanes[rnd() % 3]);
            const uint64_t *mask = rnd() % 2 ? some_bits(3) : NULL;
            ov_vec x = calls[k].type == OV_TYPE_ARRAY ? some_lists()
                       : real                         ? raw(OV_T(OV_TYPE_DOUBLE), false)
                                                      : random_arg(OV_T(calls[k].type));
            if (calls[k].type == OV_TYPE_ARRAY)
                x = argument(&call, ev, &x);
            ov_vec time = narrow(OV_T(OV_TYPE_LONG), 1, 1000, 1, false);
            const ov_vec *args[2] = {&x, &time};
            rows.ordinal = i * ROWS;
            check_ok(ov_acc_update(&want, &rows, mask, args, &arena, &err), &err);
            check_ok(ov_acc_update(&part[rnd() % MOST], &rows, mask, args, &arena, &err), &err);
        }
        uint32_t first = (uint32_t)(rnd() % MOST);
        take_in(&part[first], &part[(first + 2) % MOST], rnd() % 2);
        take_in(&part[first], &part[(first + 1) % MOST], rnd() % 2);
        const char *a = results(&part[first], &call), *b = results(&want, &call);
        if (strcmp(a, b) != 0)
            fail_msg("%s over %u: merged states differ", calls[k].name, calls[k].type);
        assert_string_equal(results(&part[first], &call), a); /* emitting changes nothing */
        ov_acc_reset(&part[first]);
        ov_acc_fini(&want);
        open_acc(&want, &call, false); /* reset equals fresh */
        assert_string_equal(results(&part[first], &call), results(&want, &call));
        ov_acc_fini(&want);
        for (int i = 0; i < MOST; i++)
            ov_acc_fini(&part[i]);
        ov_arena_reset(&arena);
        ov_eval_next_batch(ev);
    }
    ov_eval_destroy(ev);
}

/* Large numbers that hardly differ: sums of squares would know nothing of their variance. */
static void test_stable_variance(void **state)
{
    (void)state;
    ov_agg_call call = bind("VAR_POP", OV_T(OV_TYPE_DOUBLE), false);
    double *v = lanes(ROWS * 8);
    for (uint32_t i = 0; i < ROWS; i++)
        v[i] = 1e9 + (double)(i % 2);
    ov_vec x = ov_vec_flat(OV_T(OV_TYPE_DOUBLE), v, NULL, ROWS), out;
    const ov_vec *arg = &x;
    for (int shape = 0; shape < 2; shape++) {
        ov_agg_rows rows = pieces(shape, 1);
        memset((void *)(uintptr_t)rows.codes, 0, ROWS);
        uint32_t group = rows.pieces[0].group;
        ov_acc a, b;
        open_acc(&a, &call, false);
        open_acc(&b, &call, false);
        for (int i = 0; i < 50; i++)
            check_ok(ov_acc_update(i % 2 ? &a : &b, &rows, NULL, &arg, &arena, &err), &err);
        take_in(&a, &b, false);
        check_ok(ov_acc_emit(&a, &call, &group, 1, &arena, &out, &err), &err);
        assert_true(ov_vec_f64(&out, 0) > 0.25 - 1e-9 && ov_vec_f64(&out, 0) < 0.25 + 1e-9);
        ov_acc_fini(&a);
        ov_acc_fini(&b);
    }
}

int main(void)
{
    ov_arena_init(&arena, "test", NULL);
    ov_arena_init(&plan_arena, "plan", NULL);
    cx = (ov_expr_ctx){.arena = &plan_arena};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merging),
        cmocka_unit_test(test_stable_variance),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ov_arena_fini(&plan_arena);
    ov_arena_fini(&arena);
    return failed;
}
