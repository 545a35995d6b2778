/*
 * Grouping and sorting by arrays and multi-value strings. The executor's keys are plain values. An array goes through a grouping as bytes that keep
 * equality and order ($PACK_LIST) and is an array again above it; rows are grouped by each value of a multi-value string, so they are unnested
 * below the grouping, those without a value as NULL. Both are sorted by such bytes, beside which they ride along themselves.
 */
#include "query/plan/plan_build.h"

static bool is_list(const ov_expr *e)
{
    return ov_type_is_list(e->type);
}

ov_status ov_plan_packed(ov_expr_ctx *cx, const ov_expr *list, const ov_expr **out, ov_error *err)
{
    return ov_expr_call(cx, OV_SLICE_LIT("$PACK_LIST"), &list, 1, list->pos, list->end_pos, out, err);
}

/* *key as something that groups; *in may get a column more. */
static OV_CHECKED ov_status plain_key(ov_expr_ctx *cx, const ov_plan **in, const ov_expr **key, ov_error *err)
{
    if (!is_list(*key))
        return OV_OK;
    if ((*key)->type.id == OV_TYPE_ARRAY)
        return ov_plan_packed(cx, *key, key, err);
    OV_TRY(ov_plan_unnest(cx->arena, *in, *key, ov_slice_make(NULL, 0), true, false, in, err));
    return ov_plan_column(cx, *in, (*in)->field_count - 1, key, err);
}

ov_status ov_plan_unpacked(ov_expr_ctx *cx, const ov_expr *bytes, const ov_expr *like, const ov_expr **out, ov_error *err)
{
    const ov_expr *args[2] = {bytes, NULL};
    OV_TRY(ov_plan_null_like(cx, like, &args[1], err));
    return ov_expr_call(cx, OV_SLICE_LIT("$UNPACK_LIST"), args, 2, bytes->pos, bytes->end_pos, out, err);
}

ov_status ov_plan_null_like(ov_expr_ctx *cx, const ov_expr *like, const ov_expr **out, ov_error *err)
{
    ov_expr *null;
    OV_TRY(ov_expr_null(cx, (ov_sqltype)like->sql, out, err));
    if (like->type.id != OV_TYPE_ARRAY)
        return OV_OK;
    OV_TRY(ov_arena_alloc(cx->arena, sizeof *null, &null, err));
    *null = **out;
    null->type = like->type;
    null->elem_sql = like->elem_sql;
    *out = null;
    return OV_OK;
}

ov_status ov_plan_group(ov_expr_ctx *cx, const ov_plan *in, const ov_expr *const *keys, uint32_t key_count,
                        const ov_agg_call *calls, uint32_t call_count, const ov_plan **out, ov_error *err)
{
    const ov_expr **plain, **exprs;
    const ov_plan *grouped;
    bool arrays = false;
    OV_TRY(ov_arena_alloc(cx->arena, (key_count + 1) * sizeof *plain, &plain, err));
    for (uint32_t i = 0; i < key_count; i++) {
        plain[i] = keys[i];
        OV_TRY(plain_key(cx, &in, &plain[i], err));
        arrays = arrays || keys[i]->type.id == OV_TYPE_ARRAY;
    }
    OV_TRY(ov_plan_aggregate(cx->arena, in, plain, key_count, calls, call_count, &grouped, err));
    if (!arrays) {
        *out = grouped;
        return OV_OK;
    }
    OV_TRY(ov_arena_alloc(cx->arena, (grouped->field_count + 1) * sizeof *exprs, &exprs, err));
    for (uint32_t i = 0; i < grouped->field_count; i++) {
        OV_TRY(ov_plan_column(cx, grouped, i, &exprs[i], err));
        if (i < key_count && keys[i]->type.id == OV_TYPE_ARRAY)
            OV_TRY(ov_plan_unpacked(cx, exprs[i], keys[i], &exprs[i], err));
    }
    return ov_plan_project(cx->arena, grouped, exprs, NULL, grouped->field_count, out, err);
}

/* All columns of `in`, then the bytes of each list that is a key; the keys read those. */
static OV_CHECKED ov_status add_packed(ov_expr_ctx *cx, const ov_plan *in, ov_sort_key *keys, uint32_t key_count, const ov_plan **out,
                                       ov_error *err)
{
    const ov_expr **exprs;
    ov_slice *names;
    uint32_t n = in->field_count;
    OV_TRY(ov_arena_alloc(cx->arena, ((size_t)n + key_count) * sizeof *exprs, &exprs, err));
    OV_TRY(ov_arena_zalloc(cx->arena, ((size_t)n + key_count) * sizeof *names, &names, err));
    for (uint32_t i = 0; i < n; i++) {
        OV_TRY(ov_plan_column(cx, in, i, &exprs[i], err));
        names[i] = in->fields[i].name;
    }
    for (uint32_t i = 0; i < key_count; i++) {
        if (!ov_type_is_list(in->fields[keys[i].column].type))
            continue;
        OV_TRY(ov_plan_packed(cx, exprs[keys[i].column], &exprs[n], err));
        keys[i].column = n++;
    }
    *out = in;
    return n == in->field_count ? OV_OK : ov_plan_project(cx->arena, in, exprs, names, n, out, err);
}

ov_status ov_plan_order(ov_expr_ctx *cx, const ov_plan *in, const ov_sort_key *keys, uint32_t key_count, uint64_t limit,
                       uint64_t offset, const ov_plan **out, ov_error *err)
{
    const ov_expr **back;
    const ov_plan *plain, *sorted;
    ov_slice *names;
    ov_sort_key *moved;
    OV_TRY(ov_arena_alloc(cx->arena, ((size_t)key_count + 1) * sizeof *moved, &moved, err));
    memcpy(moved, keys, key_count * sizeof *moved);
    OV_TRY(add_packed(cx, in, moved, key_count, &plain, err));
    OV_TRY(ov_plan_sort(cx->arena, plain, moved, key_count, limit, offset, &sorted, err));
    *out = sorted;
    if (plain == in)
        return OV_OK;
    OV_TRY(ov_arena_alloc(cx->arena, (in->field_count + (size_t)1) * sizeof *back, &back, err));
    OV_TRY(ov_arena_alloc(cx->arena, (in->field_count + (size_t)1) * sizeof *names, &names, err));
    for (uint32_t i = 0; i < in->field_count; i++) {
        OV_TRY(ov_plan_column(cx, sorted, i, &back[i], err));
        names[i] = in->fields[i].name;
    }
    return ov_plan_project(cx->arena, sorted, back, names, in->field_count, out, err);
}
