/*
 * Accumulators: kernels of every instruction set against adding row by row, over every encoding of the argument,
 * shape of pieces and mask.
 */
#include "tests/unit/acc_lib.h"

#include "base/cpu.h"

static const ov_agg_kernels *tables[OV_ISA_COUNT];
static unsigned table_count;

static void find_tables(void)
{
    table_count = 0; /* every test finds them anew */
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
    ov_acc_settle(a);
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
    ov_acc_settle(&a);
    assert_int_equal(a.n[0], (uint64_t)TIMES + (uint64_t)TIMES * ROWS);
    assert_int_equal(a.v.i[0], ((int64_t)TIMES + (int64_t)TIMES * ROWS) * UINT16_MAX);
    assert_int_equal(a.n[63], TIMES);
    assert_int_equal(a.v.i[63], (int64_t)TIMES * UINT16_MAX);
    ov_acc_fini(&a);
}

/* Bytes that count rows of masked ramps are emptied in time, and left when groups grow too many for them. */
static void test_no_overflow_of_counts(void **state)
{
    (void)state;
    enum { TIMES = 700, FIRST = 13, FEW = 500, MANY = 100000 };
    uint64_t *mask = lanes(ROWS / 8 + 8);
    ov_bits_fill(mask, ROWS, true);
    ov_bits_clear(mask, FIRST + 70);
    ov_agg_piece ramp = {.from = FIRST, .to = FIRST + 300, .first = 100, .group = 7, .kind = OV_PIECE_RAMP};
    ov_agg_rows rows = {.rows = ROWS, .pieces = &ramp, .piece_count = 1, .code_lane = 1};
    ov_acc_spec spec = {.kind = OV_ACC_COUNT, .type = OV_T(OV_TYPE_LONG)};
    find_tables();
    for (unsigned t = 0; t < table_count; t++) {
        ov_acc a;
        check_ok(ov_acc_init(&a, &spec, false, NULL, &err), &err);
        a.k = tables[t];
        for (int i = 0; i < 2 * TIMES; i++) {
            check_ok(ov_acc_reserve(&a, i < TIMES ? FEW : MANY, &err), &err);
            check_ok(ov_acc_update(&a, &rows, mask, NULL, &arena, &err), &err);
        }
        ov_acc_settle(&a);
        for (uint32_t g = 0; g < MANY; g++)
            assert_int_equal(a.n[g], g < 107 || g >= 407 || g == 177 ? 0 : 2 * TIMES);
        ov_acc_fini(&a);
    }
}

int main(void)
{
    ov_arena_init(&arena, "test", NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_way),
        cmocka_unit_test(test_no_overflow), cmocka_unit_test(test_no_overflow_of_counts),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ov_arena_fini(&arena);
    return failed;
}
