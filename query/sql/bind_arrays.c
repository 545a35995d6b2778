/*
 * Grouping and sorting by arrays: the executor's keys are plain values, so arrays go through it as bytes that keep equality and order
 * ($PACK_LIST) and are arrays again above it.
 */
#include "query/sql/bind_int.h"

/* *key as something that sorts and groups. */
static OV_CHECKED ov_status plain_key(ovi_sql_binder *b, const ov_expr **key, ov_error *err)
{
    const ov_expr *array = *key;
    if (array->type.id != OV_TYPE_ARRAY)
        return OV_OK;
    return ov_expr_call(b->cx, OV_SLICE_LIT("$PACK_LIST"), &array, 1, array->pos, array->end_pos, key, err);
}

static OV_CHECKED ov_status unpacked(ovi_sql_binder *b, const ov_expr *packed, ov_type type, const ov_expr **out,
                                     ov_error *err)
{
    const ov_expr *args[2] = {packed, NULL};
    OV_TRY(ov_expr_null(b->cx, OV_SQL_NULL, &args[1], err));
    OV_TRY(ov_expr_cast(b->cx, args[1], OV_SQL_ARRAY, type, packed->pos, packed->end_pos, &args[1], err));
    return ov_expr_call(b->cx, OV_SLICE_LIT("$UNPACK_LIST"), args, 2, packed->pos, packed->end_pos, out, err);
}

ov_status ovi_sql_group(ovi_sql_binder *b, const ov_plan *in, const ov_expr *const *keys, uint32_t key_count,
                        const ov_agg_call *calls, uint32_t call_count, const ov_plan **out, ov_error *err)
{
    const ov_expr **plain, **exprs;
    const ov_plan *grouped;
    bool arrays = false;
    OV_TRY(ov_arena_alloc(b->arena, (key_count + 1) * sizeof *plain, &plain, err));
    for (uint32_t i = 0; i < key_count; i++) {
        plain[i] = keys[i];
        OV_TRY(plain_key(b, &plain[i], err));
        arrays = arrays || plain[i] != keys[i];
    }
    OV_TRY(ov_plan_aggregate(b->arena, in, plain, key_count, calls, call_count, &grouped, err));
    if (!arrays) {
        *out = grouped;
        return OV_OK;
    }
    OV_TRY(ov_arena_alloc(b->arena, (grouped->field_count + 1) * sizeof *exprs, &exprs, err));
    for (uint32_t i = 0; i < grouped->field_count; i++) {
        OV_TRY(ov_plan_column(b->cx, grouped, i, &exprs[i], err));
        if (i < key_count && plain[i] != keys[i])
            OV_TRY(unpacked(b, exprs[i], keys[i]->type, &exprs[i], err));
    }
    return ov_plan_project(b->arena, grouped, exprs, NULL, grouped->field_count, out, err);
}

ov_status ovi_sql_sort(ovi_sql_binder *b, const ov_plan *in, const ov_sort_key *keys, uint32_t key_count, uint64_t limit,
                       uint64_t offset, const ov_plan **out, ov_error *err)
{
    const ov_expr **packed, **back;
    const ov_plan *plain, *sorted;
    ov_slice *names;
    bool arrays = false;
    OV_TRY(ov_arena_alloc(b->arena, (in->field_count + 1) * sizeof *packed, &packed, err));
    OV_TRY(ov_arena_alloc(b->arena, (in->field_count + 1) * sizeof *back, &back, err));
    OV_TRY(ov_arena_alloc(b->arena, (in->field_count + 1) * sizeof *names, &names, err));
    for (uint32_t i = 0; i < in->field_count; i++) {
        OV_TRY(ov_plan_column(b->cx, in, i, &packed[i], err));
        OV_TRY(plain_key(b, &packed[i], err));
        arrays = arrays || in->fields[i].type.id == OV_TYPE_ARRAY;
        names[i] = in->fields[i].name;
    }
    if (!arrays)
        return ov_plan_sort(b->arena, in, keys, key_count, limit, offset, out, err);
    OV_TRY(ov_plan_project(b->arena, in, packed, names, in->field_count, &plain, err));
    OV_TRY(ov_plan_sort(b->arena, plain, keys, key_count, limit, offset, &sorted, err));
    for (uint32_t i = 0; i < in->field_count; i++) {
        OV_TRY(ov_plan_column(b->cx, sorted, i, &back[i], err));
        if (in->fields[i].type.id == OV_TYPE_ARRAY)
            OV_TRY(unpacked(b, back[i], in->fields[i].type, &back[i], err));
    }
    return ov_plan_project(b->arena, sorted, back, names, in->field_count, out, err);
}
