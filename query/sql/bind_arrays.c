/*
 * Grouping and sorting as the binder's files ask for it; lists are query/plan/plan_lists.c's business.
 */
#include "query/sql/bind_int.h"

ov_status ovi_sql_packed(ovi_sql_binder *b, const ov_expr *list, const ov_expr **out, ov_error *err)
{
    return ov_plan_packed(b->cx, list, out, err);
}

ov_status ovi_sql_unpacked(ovi_sql_binder *b, const ov_expr *bytes, const ov_expr *like, const ov_expr **out,
                           ov_error *err)
{
    return ov_plan_unpacked(b->cx, bytes, like, out, err);
}

ov_status ovi_sql_null_like(ovi_sql_binder *b, const ov_expr *like, const ov_expr **out, ov_error *err)
{
    return ov_plan_null_like(b->cx, like, out, err);
}

ov_status ovi_sql_group(ovi_sql_binder *b, const ov_plan *in, const ov_expr *const *keys, uint32_t key_count,
                        const ov_agg_call *calls, uint32_t call_count, const ov_plan **out, ov_error *err)
{
    return ov_plan_group(b->cx, in, keys, key_count, calls, call_count, out, err);
}

ov_status ovi_sql_sort(ovi_sql_binder *b, const ov_plan *in, const ov_sort_key *keys, uint32_t key_count, uint64_t limit,
                       uint64_t offset, const ov_plan **out, ov_error *err)
{
    return ov_plan_order(b->cx, in, keys, key_count, limit, offset, out, err);
}
