/*
 * MV_FILTER_ONLY and MV_FILTER_NONE, MV_FILTER_PREFIX: the values of a multi-value string that pass. When none does the result is
 * NULL, which is what an empty multi-value string is. (MV_FILTER_REGEX is in fn_regex.c.)
 */
#include "query/expr/list_int.h"

ov_status ovi_bind_mv_filter(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_list_of(b, 0, OV_SQL_VARCHAR, err));
    OV_TRY(ovi_want_list_of(b, 1, OV_SQL_VARCHAR, err));
    ovi_result_multi(b);
    b->nullable = true;
    return OV_OK;
}

ov_status ovi_eval_mv_filter(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_list l;
    bool only = strcmp(c->e->fn->name, "MV_FILTER_ONLY") == 0;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_list_init(&l, c, OV_T(OV_TYPE_STRING), err));
    for (uint32_t k = 0; k < n; k++) {
        ovi_items items = ovi_items_of(&c->arg[0], rows[k]), wanted = ovi_items_of(&c->arg[1], rows[k]);
        for (uint32_t i = items.first; i < items.end; i++) {
            if (ovi_items_have(&wanted, items.vec, i) != only)
                continue;
            ovi_list_row(&l, rows[k]);
            OV_TRY(ovi_list_put(&l, items.vec, i, err));
        }
    }
    return ovi_list_finish(&l, out, err);
}

ov_status ovi_bind_mv_filter_prefix(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_list_of(b, 0, OV_SQL_VARCHAR, err));
    OV_TRY(ovi_want_text(b, 1, err));
    ovi_result_multi(b);
    b->nullable = true;
    return OV_OK;
}

ov_status ovi_eval_mv_filter_prefix(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_list l;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_list_init(&l, c, OV_T(OV_TYPE_STRING), err));
    for (uint32_t k = 0; k < n; k++) {
        ovi_items items = ovi_items_of(&c->arg[0], rows[k]);
        ov_slice prefix = ovi_str(&c->arg[1], rows[k]);
        for (uint32_t i = items.first; i < items.end; i++) {
            if (ov_vec_is_null(items.vec, i) || !ov_slice_starts(ov_vec_str(items.vec, i), prefix))
                continue;
            ovi_list_row(&l, rows[k]);
            OV_TRY(ovi_list_put(&l, items.vec, i, err));
        }
    }
    return ovi_list_finish(&l, out, err);
}
