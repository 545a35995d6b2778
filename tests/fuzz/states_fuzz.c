/*
 * States of aggregates from anywhere, as they come back from disk: the first byte picks the aggregate, the rest are states. Loading
 * ends in states that can be emitted, saved and loaded again to the same bytes, or in a sentence. Seeds in
 * tests/fuzz/states_corpus.
 */
#include <stdlib.h>

#include "query/agg/acc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { GROUPS = 2 };

static const struct {
    const char *name;
    uint8_t type;
    bool distinct;
} calls[] = {
    {"COUNT", OV_TYPE_LONG, false},      {"COUNT", OV_TYPE_STRING, true},   {"SUM", OV_TYPE_DOUBLE, true},
    {"MIN", OV_TYPE_STRING, false},      {"MAX", OV_TYPE_ARRAY, false},     {"ANY_VALUE", OV_TYPE_LONG, false},
    {"VAR_POP", OV_TYPE_DOUBLE, false},  {"BIT_XOR", OV_TYPE_LONG, false},  {"ARRAY_AGG", OV_TYPE_LONG, false},
    {"ARRAY_AGG", OV_TYPE_STRING, true}, {"ARRAY_AGG", OV_TYPE_DOUBLE, true}, {"ARRAY_CONCAT_AGG", OV_TYPE_ARRAY, false},
};

static void must(bool ok)
{
    if (!ok)
        abort();
}

static ov_status load(const ov_agg_call *call, ov_slice bytes, ov_budget *budget, ov_acc *a, ov_error *err)
{
    static const uint32_t groups[GROUPS] = {0, 1};
    ov_acc_spec spec = ov_acc_spec_of(call);
    ov_cursor in = ov_cursor_make(bytes, "states");
    OV_TRY(ov_acc_init(a, &spec, false, budget, err));
    OV_TRY(ov_acc_reserve(a, GROUPS, err));
    return ov_acc_load(a, groups, GROUPS, 0, &in, err);
}

/* Saved, loaded and saved again. */
static void round_trip(const ov_agg_call *call, const ov_acc *a, ov_budget *budget)
{
    static const uint32_t groups[GROUPS] = {0, 1};
    ov_error err = OV_ERROR_INIT;
    ov_buf first, second;
    ov_acc again;
    ov_buf_init(&first);
    ov_buf_init(&second);
    must(ov_acc_save(a, groups, GROUPS, 0, &first, &err) == OV_OK);
    must(load(call, ov_buf_slice(&first), budget, &again, &err) == OV_OK);
    must(ov_acc_save(&again, groups, GROUPS, 0, &second, &err) == OV_OK);
    must(first.n == second.n && (first.n == 0 || memcmp(first.p, second.p, first.n) == 0));
    ov_acc_fini(&again);
    ov_buf_fini(&first);
    ov_buf_fini(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t groups[GROUPS] = {0, 1};
    ov_error err = OV_ERROR_INIT;
    ov_budget budget;
    ov_arena arena;
    ov_agg_call call;
    const ov_expr *arg;
    ov_acc a;
    ov_vec v;
    if (size == 0)
        return 0;
    size_t k = data[0] % OV_COUNT_OF(calls);
    ov_type type = {.id = calls[k].type, .elem = calls[k].type == OV_TYPE_ARRAY ? OV_TYPE_STRING : 0};
    ov_sqltype sql = type.id == OV_TYPE_LONG     ? OV_SQL_BIGINT
                     : type.id == OV_TYPE_DOUBLE ? OV_SQL_DOUBLE
                     : type.id == OV_TYPE_ARRAY  ? OV_SQL_ARRAY
                                                 : OV_SQL_VARCHAR;
    ov_budget_init(&budget, "fuzz", 64 << 20, NULL);
    ov_arena_init(&arena, "fuzz", &budget);
    ov_expr_ctx cx = {.arena = &arena};
    must(ov_expr_column(&cx, 0, type, sql, true, &arg, &err) == OV_OK);
    must(ov_agg_bind(&cx, ov_slice_cstr(calls[k].name), &arg, 1, calls[k].distinct, NULL, 0, 0, &call, &err) == OV_OK);
    ov_status st = load(&call, ov_slice_make((const char *)data + 1, size - 1), &budget, &a, &err);
    must(st == OV_OK || err.text[0]);
    if (st == OV_OK) {
        st = ov_acc_emit(&a, &call, groups, GROUPS, &arena, &v, &err);
        must(st == OV_OK || err.text[0]);
        round_trip(&call, &a, &budget);
    }
    ov_acc_fini(&a);
    ov_arena_fini(&arena);
    must(budget.used == 0);
    return 0;
}
