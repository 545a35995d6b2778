/*
 * Orders by results: an aggregator `expression` may say how its values compare, a post-aggregator that what is no finite number comes first.
 */
#include "query/native/native_plan_int.h"

/* The aggregator whose value before its end is column `*value` of a plan of the grouping; NULL: it has no order of its own. */
static const ovi_nagg *ordering(const ovi_ngroup *g, ov_slice name, const ov_plan *plan, uint32_t *value)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < plan->field_count; i++) /* the first columns without a name */
        if (plan->fields[i].name.n == 0) {
            at = i;
            break;
        }
    for (uint32_t i = 0; i < g->aggs.count; i++) {
        const ovi_nagg *agg = &g->aggs.list[i];
        if (agg->orders && ov_slice_eq(agg->name, name)) {
            *value = at;
            return agg;
        }
        at += agg->orders;
    }
    return NULL;
}

/* The place of the value in that column among all rows', as one more column. */
static ov_status place_of(ovi_nplanner *p, const ovi_nagg *agg, uint32_t value, const ov_plan **plan, ov_error *err)
{
    ov_window_call *call;
    OV_TRY(ov_arena_zalloc(p->arena, sizeof *call, &call, err));
    *call = (ov_window_call){.fn = OV_WINDOW_COMPARE, .argc = 1, .type = OV_T(OV_TYPE_LONG), .sql = OV_SQL_BIGINT};
    OV_TRY(ov_arena_alloc(p->arena, sizeof *call->args, &call->args, err));
    OV_TRY(ov_plan_column(p->cx, *plan, value, &call->args[0], err));
    OV_TRY(ovi_nagg_compare(p, agg, &call->compare, err));
    return ov_plan_window(p->arena, *plan, NULL, 0, NULL, 0, call, 1, plan, err);
}

/* The post-aggregator of that name says `"ordering": "numericFirst"`; other words are refused. */
static ov_status numbers_first(const ov_json *query, ov_slice name, bool *out, ov_error *err)
{
    const ov_json *list = ov_json_find(query, "postAggregations");
    *out = false;
    for (const ov_json *v = list && list->kind == OV_JSON_ARRAY ? list->first : NULL; v; v = v->next) {
        ov_slice own, order;
        OV_TRY(ov_json_need_str(v, "name", &own, err));
        if (!ov_slice_eq(own, name))
            continue;
        OV_TRY(ov_json_str(v, "ordering", (ov_slice){"", 0}, &order, err));
        *out = ov_slice_eq(order, OV_SLICE_LIT("numericFirst"));
        if (order.n && !*out)
            return ov_json_fail(ov_json_get(v, "ordering"), err, OV_INVALID, "expected numericFirst, or nothing");
    }
    return OV_OK;
}

/* 1 for a finite number, 0 for others, NULL for NULL. */
static ov_status whether_finite(ovi_nplanner *p, const ov_json *at, uint32_t column, const ov_plan **plan, ov_error *err)
{
    const ov_expr *sides[2];
    for (int i = 0; i < 2; i++)
        OV_TRY(ov_plan_column(p->cx, *plan, column, &sides[i], err));
    OV_TRY(ovi_ncall(p, at, "-", sides, 2, &sides[0], err));
    OV_TRY(ov_expr_i64(p->cx, OV_SQL_BIGINT, 0, &sides[1], err));
    OV_TRY(ovi_ncall(p, at, "=", sides, 2, &sides[0], err));
    OV_TRY(ovi_ncast(p, sides[0], OV_SQL_BIGINT, &sides[0], err));
    return ovi_nwiden(p, *plan, sides, 1, plan, err);
}

ov_status ovi_nresult_keys(ovi_nplanner *p, const ovi_ngroup *g, const ov_json *at, uint32_t column, const ov_plan **plan, uint32_t keys[2],
                           uint32_t *count, ov_error *err)
{
    ov_slice name = (*plan)->fields[column].name;
    uint32_t value;
    bool first;
    const ovi_nagg *agg = ordering(g, name, *plan, &value);
    *count = 1;
    keys[0] = column;
    if (agg) {
        OV_TRY(place_of(p, agg, value, plan, err));
        keys[0] = (*plan)->field_count - 1;
        return OV_OK;
    }
    OV_TRY(numbers_first(g->query, name, &first, err));
    if (!first || !ov_type_is_real((*plan)->fields[column].type))
        return OV_OK;
    OV_TRY(whether_finite(p, at, column, plan, err));
    keys[0] = (*plan)->field_count - 1;
    keys[1] = column;
    *count = 2;
    return OV_OK;
}
