/*
 * Accumulators: kernels of every instruction set against adding row by row, over every encoding of the argument,
 * shape of pieces and mask.
 */
#include "tests/unit/harness.h"

#include <stdlib.h>

#include "base/bits.h"
#include "base/cpu.h"
#include "query/agg/acc.h"

enum { ROWS = 700, GROUPS = 900 };

static uint64_t seed = 88172645463325252u;

static uint64_t rnd(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed >> 11;
}

static ov_arena arena, plan_arena;
static ov_error err = OV_ERROR_INIT;

static void *lanes(size_t bytes)
{
    void *p;
    check_ok(ov_arena_lanes(&arena, bytes + 512, &p, &err), &err);
    memset(p, 0, bytes + 512);
    return p;
}

static uint64_t *some_bits(unsigned one_in)
{
    uint64_t *w = lanes(ROWS / 8 + 8);
    for (uint32_t i = 0; i < ROWS; i++)
        ov_bits_put(w, i, i / 64 % 3 == 0 || rnd() % one_in != 0); /* whole words too */
    return w;
}

static ov_vec narrow(ov_type type, unsigned lane, int64_t base, double divisor, bool bounds)
{
    void *data = lanes(ROWS * lane);
    uint64_t low = UINT64_MAX, high = 0;
    for (uint32_t i = 0; i < ROWS; i++) {
        uint64_t v = rnd() & (lane == 8 ? 0xFFFFFFFFF : (UINT64_C(1) << 8 * lane) - 1);
        memcpy((char *)data + i * lane, &v, lane);
        low = OV_MIN(low, v);
        high = OV_MAX(high, v);
    }
    ov_vec v = {.type = type, .enc = OV_ENC_FLAT, .lane = (uint8_t)lane, .rows = ROWS, .base = base, .divisor = divisor,
                .data = data};
    if (bounds && ov_type_is_int(type)) {
        v.has_bounds = true;
        v.min = base + (int64_t)low;
        v.max = base + (int64_t)high;
    }
    return v;
}

static ov_vec raw(ov_type type, bool odd)
{
    ov_slice *s = lanes(ROWS * sizeof(ov_slice));
    int64_t *i64 = (int64_t *)s;
    double *f64 = (double *)s;
    for (uint32_t i = 0; i < ROWS; i++) {
        if (ov_type_is_int(type))
            i64[i] = odd ? (rnd() % 2 ? INT64_MIN : INT64_MAX) : (int64_t)rnd() - (INT64_C(1) << 40);
        else if (ov_type_is_real(type))
            f64[i] = odd && rnd() % 3 == 0 ? __builtin_nan("") : (double)((int64_t)(rnd() & 0xFFFFF) - 400000) / 4;
        else
            s[i] = (ov_slice){"abcdefghijklmnopqrstuvwxyz" + rnd() % 20, rnd() % 6};
    }
    return ov_vec_flat(type, s, NULL, ROWS);
}

/* A domain of `count` values, sorted or not, perhaps with NULL in front. */
static ov_vec dict(ov_type type, unsigned lane, bool sorted, bool null)
{
    enum { COUNT = 200 };
    ov_domain *d = lanes(sizeof(*d));
    ov_vec *values = lanes(sizeof(*values));
    ov_slice *s = lanes(COUNT * sizeof(ov_slice));
    uint64_t *valid = lanes(COUNT / 8 + 8);
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t v = sorted ? i : i * 7919 % COUNT;
        if (type.id == OV_TYPE_LONG) {
            ((int64_t *)s)[i] = (int64_t)v * 1000 - 50000;
        } else if (type.id == OV_TYPE_DOUBLE) {
            ((double *)s)[i] = (double)v / 4 - 10;
        } else {
            char *text = lanes(8);
            text[0] = (char)('a' + v / 26);
            text[1] = (char)('a' + v % 26);
            s[i] = ov_slice_make(text, 2);
        }
    }
    ov_bits_fill(valid, COUNT, true);
    ov_bits_put(valid, 0, !null);
    *values = ov_vec_flat(type, s, null ? valid : NULL, COUNT);
    *d = (ov_domain){.id = ov_domain_next_id(), .count = COUNT, .type = type, .sorted = sorted, .unique = true,
                     .has_null = null, .values = values};
    ov_vec v = {.type = type, .enc = OV_ENC_DICT, .lane = (uint8_t)lane, .rows = ROWS, .divisor = 1, .dict = d};
    void *codes = lanes(ROWS * lane);
    for (uint32_t i = 0; i < ROWS; i++) {
        uint64_t code = rnd() % COUNT;
        memcpy((char *)codes + i * lane, &code, lane);
    }
    v.data = codes;
    return v;
}

static ov_vec runs(ov_vec child)
{
    ov_vec *own = lanes(sizeof(*own));
    uint16_t *ends = lanes(ROWS * 2);
    uint32_t n = 0;
    for (uint32_t at = 0; at < ROWS;) {
        uint32_t more = 1 + (uint32_t)(rnd() % 40);
        at = OV_MIN(at + more, (uint32_t)ROWS);
        ends[n++] = (uint16_t)at;
    }
    *own = child;
    own->rows = n;
    own->has_bounds = false;
    return (ov_vec){.type = child.type, .enc = OV_ENC_RUN, .rows = ROWS, .divisor = 1, .run_end = ends, .runs = n,
                    .child = own};
}

/* Pieces of all kinds over the rows; codes hold rubbish where no code is looked at. */
static ov_agg_rows pieces(int shape, unsigned lane)
{
    ov_agg_piece *p = lanes(200 * sizeof(*p));
    uint8_t *codes = lanes(ROWS * lane);
    uint32_t n = 0;
    for (uint32_t i = 0; i < ROWS; i++) {
        uint32_t code = (uint32_t)(rnd() % (lane == 1 ? 100 : 200));
        memcpy(codes + i * lane, &code, lane);
    }
    for (uint32_t at = 0; at < ROWS;) {
        uint32_t more = shape < 3 ? ROWS : 1 + (uint32_t)(rnd() % 150), to = OV_MIN(at + more, (uint32_t)ROWS);
        uint8_t kind = (uint8_t)(shape < 3 ? (uint64_t)shape : rnd() % 3);
        uint32_t group = kind == OV_PIECE_ONE ? (uint32_t)(rnd() % GROUPS) : (uint32_t)(rnd() % 90);
        p[n++] = (ov_agg_piece){.from = at, .to = to, .group = group, .first = (uint32_t)(rnd() % 50), .kind = kind};
        at = to;
    }
    return (ov_agg_rows){.rows = ROWS, .pieces = p, .piece_count = n, .codes = codes, .code_lane = (uint8_t)lane};
}

static const ov_agg_kernels *tables[OV_ISA_COUNT];
static unsigned table_count;

static void find_tables(void)
{
    tables[table_count++] = &ov_agg_kernels_base;
#if defined(__x86_64__)
    if (ov_cpu_isa_detected() >= OV_ISA_V3)
        tables[table_count++] = &ov_agg_kernels_v3;
    if (ov_cpu_isa_detected() >= OV_ISA_V4)
        tables[table_count++] = &ov_agg_kernels_v4;
#endif
}

typedef struct update {
    ov_agg_rows rows;
    const uint64_t *mask;
    ov_vec x;
} update;

/* The states after these updates, as bits. */
static void states(ov_acc_kind kind, ov_type type, const update *list, int count, const ov_agg_kernels *k, bool count_star,
                   ov_acc *a)
{
    ov_acc_spec spec = {.kind = (uint8_t)kind, .type = type};
    check_ok(ov_acc_init(a, &spec, k == NULL, NULL, &err), &err);
    if (k)
        a->k = k;
    for (int i = 0; i < count; i++) {
        check_ok(ov_acc_reserve(a, GROUPS + 100u * (uint32_t)i, &err), &err);
        const ov_vec *x = &list[i].x;
        check_ok(ov_acc_update(a, &list[i].rows, list[i].mask, count_star ? NULL : &x, &arena, &err), &err);
    }
    check_ok(ov_acc_settle(a, &err), &err);
}

static void same_states(const ov_acc *a, const ov_acc *b, const char *what)
{
    assert_int_equal(a->groups, b->groups);
    for (uint32_t g = 0; g < a->groups; g++) {
        bool counts = a->kind != OV_ACC_MIN && a->kind != OV_ACC_MAX;
        if (counts ? a->n[g] != b->n[g] : (a->n[g] > 0) != (b->n[g] > 0))
            fail_msg("%s: group %u has %llu rows, not %llu", what, g, (unsigned long long)a->n[g],
                     (unsigned long long)b->n[g]);
        if (!a->n[g] || a->kind == OV_ACC_COUNT || a->kind == OV_ACC_DISTINCT)
            continue;
        if (a->kind == OV_ACC_SUM_LONG || ov_type_is_int(a->type)) {
            if (a->v.i[g] != b->v.i[g])
                fail_msg("%s: group %u is %lld, not %lld", what, g, (long long)a->v.i[g], (long long)b->v.i[g]);
        } else if (ov_type_is_real(a->type)) {
            bool nan = a->v.f[g] != a->v.f[g] && b->v.f[g] != b->v.f[g];
            if (!nan && a->v.f[g] != b->v.f[g])
                fail_msg("%s: group %u is %g, not %g", what, g, a->v.f[g], b->v.f[g]);
        } else if (!ov_slice_eq(a->v.s[g], b->v.s[g])) {
            fail_msg("%s: group %u differs", what, g);
        }
    }
}

static ov_vec random_arg(ov_type type)
{
    static const unsigned sizes[] = {1, 2, 4, 8};
    unsigned lane = sizes[rnd() % 4], small = sizes[rnd() % 3];
    switch (rnd() % 9) {
    case 0:
    case 1:
        if (ov_type_is_int(type))
            return narrow(type, lane, (int64_t)(rnd() % 3) * 100 - 100, 1, rnd() % 2);
        if (ov_type_is_real(type))
            return narrow(type, lane == 8 ? 4 : lane, (int64_t)(rnd() % 1000) - 500, 4, false);
        return raw(type, false);
    case 2:
        if (ov_type_is_int(type))
            return narrow(type, 1, (int64_t)(rnd() % 2), 1, true); /* fits a byte, or just not */
        return raw(type, true);
    case 3:
        return dict(type, small, rnd() % 2, rnd() % 2);
    case 4:
        return runs(raw(type, false));
    case 5:
        return rnd() % 2 ? ov_vec_null(type, ROWS)
               : ov_type_is_int(type)  ? ov_vec_const_i64(type, -7, ROWS)
               : ov_type_is_real(type) ? ov_vec_const_f64(type, 2.25, ROWS)
                                       : ov_vec_const_str(type, OV_SLICE_LIT("const"), ROWS);
    case 6: {
        ov_vec v = raw(type, ov_type_is_int(type));
        v.valid = some_bits(5);
        return v;
    }
    case 7: {
        ov_vec v = ov_type_is_int(type) ? narrow(type, small, 3, 1, false) : raw(type, false);
        v.valid = some_bits(3);
        return v;
    }
    default:
        return raw(type, false);
    }
}

static void test_every_way(void **state)
{
    (void)state;
    static const struct {
        ov_acc_kind kind;
        uint8_t type;
        const char *what;
    } kinds[] = {
        {OV_ACC_COUNT, OV_TYPE_LONG, "COUNT"},         {OV_ACC_COUNT, OV_TYPE_STRING, "COUNT of text"},
        {OV_ACC_SUM_LONG, OV_TYPE_LONG, "SUM"},        {OV_ACC_SUM_REAL, OV_TYPE_DOUBLE, "SUM of doubles"},
        {OV_ACC_MIN, OV_TYPE_LONG, "MIN"},             {OV_ACC_MAX, OV_TYPE_LONG, "MAX"},
        {OV_ACC_MIN, OV_TYPE_DOUBLE, "MIN of doubles"}, {OV_ACC_MAX, OV_TYPE_DOUBLE, "MAX of doubles"},
        {OV_ACC_MIN, OV_TYPE_STRING, "MIN of text"},   {OV_ACC_MAX, OV_TYPE_STRING, "MAX of text"},
        {OV_ACC_DISTINCT, OV_TYPE_LONG, "DISTINCT"},   {OV_ACC_DISTINCT, OV_TYPE_STRING, "DISTINCT text"},
        {OV_ACC_DISTINCT, OV_TYPE_DOUBLE, "DISTINCT doubles"}, {OV_ACC_BIT_AND, OV_TYPE_LONG, "BIT_AND"},
        {OV_ACC_BIT_OR, OV_TYPE_LONG, "BIT_OR"},       {OV_ACC_BIT_XOR, OV_TYPE_LONG, "BIT_XOR"},
    };
    static const unsigned code_lanes[] = {1, 2, 4};
    find_tables();
    for (int round = 0; round < 3000; round++) {
        size_t k = rnd() % OV_COUNT_OF(kinds);
        ov_type type = OV_T(kinds[k].type);
        update list[3];
        bool star = kinds[k].kind == OV_ACC_COUNT && rnd() % 2;
        for (int i = 0; i < 3; i++) {
            list[i].rows = pieces((int)(rnd() % 5), code_lanes[rnd() % 3]);
            list[i].mask = rnd() % 2 ? some_bits(rnd() % 2 ? 2 : 30) : NULL;
            list[i].x = random_arg(type);
            /* MIN and MAX ignore NaN and SUM of it is NaN in any order: leave NaN to MIN and MAX */
            if (kinds[k].kind == OV_ACC_SUM_REAL && list[i].x.enc == OV_ENC_FLAT && list[i].x.raw)
                list[i].x = raw(type, false);
        }
        ov_acc want, got;
        states(kinds[k].kind, type, list, 3, NULL, star, &want);
        for (unsigned t = 0; t < table_count; t++) {
            states(kinds[k].kind, type, list, 3, tables[t], star, &got);
            same_states(&got, &want, kinds[k].what);
            ov_acc_fini(&got);
        }
        ov_acc_fini(&want);
        ov_arena_reset(&arena);
    }
}

/* Packed words and ramps are emptied before they overflow. */
static void test_no_overflow(void **state)
{
    (void)state;
    uint16_t *big = lanes(ROWS * 2);
    for (uint32_t i = 0; i < ROWS; i++)
        big[i] = UINT16_MAX;
    ov_vec x = {.type = OV_T(OV_TYPE_LONG), .enc = OV_ENC_FLAT, .lane = 2, .rows = ROWS, .divisor = 1, .data = big};
    ov_agg_piece ramp = {.to = 64, .kind = OV_PIECE_RAMP}, codes = {.to = ROWS, .kind = OV_PIECE_CODES};
    uint8_t *zero = lanes(ROWS);
    ov_agg_rows by_ramp = {.rows = ROWS, .pieces = &ramp, .piece_count = 1, .codes = zero, .code_lane = 1};
    ov_agg_rows by_code = {.rows = ROWS, .pieces = &codes, .piece_count = 1, .codes = zero, .code_lane = 1};
    ov_acc a;
    ov_acc_spec spec = {.kind = OV_ACC_SUM_LONG, .type = x.type};
    const ov_vec *arg = &x;
    check_ok(ov_acc_init(&a, &spec, false, NULL, &err), &err);
    check_ok(ov_acc_reserve(&a, 64, &err), &err);
    enum { TIMES = 100000 };
    for (int i = 0; i < TIMES; i++)
        check_ok(ov_acc_update(&a, &by_ramp, NULL, &arg, &arena, &err), &err);
    for (int i = 0; i < TIMES; i++)
        check_ok(ov_acc_update(&a, &by_code, NULL, &arg, &arena, &err), &err);
    check_ok(ov_acc_settle(&a, &err), &err);
    assert_int_equal(a.n[0], (uint64_t)TIMES + (uint64_t)TIMES * ROWS);
    assert_int_equal(a.v.i[0], ((int64_t)TIMES + (int64_t)TIMES * ROWS) * UINT16_MAX);
    assert_int_equal(a.n[63], TIMES);
    assert_int_equal(a.v.i[63], (int64_t)TIMES * UINT16_MAX);
    ov_acc_fini(&a);
}

/* ---- merging, and states as bytes ---- */

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
    check_ok(ov_acc_settle(a, &err), &err);
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
    check_ok(ov_acc_settle(dst, &err), &err);
    check_ok(ov_acc_settle(src, &err), &err);
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
        cmocka_unit_test(test_every_way),
        cmocka_unit_test(test_no_overflow),
        cmocka_unit_test(test_merging),
        cmocka_unit_test(test_stable_variance),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ov_arena_fini(&plan_arena);
    ov_arena_fini(&arena);
    return failed;
}
