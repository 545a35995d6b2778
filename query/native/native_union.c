/*
 * The query type `union`: queries whose answers come one behind the other. As a data source it is the rows of all of them, columns meeting by their
 * place as in UNION ALL, under the names of the first.
 */
#include "query/native/native_plan_int.h"

enum { LEAST_QUERIES = 2, MOST_QUERIES = 1000 };

static ov_status read_queries(const ov_json *query, const ov_json **out, ov_error *err)
{
    OV_TRY(ov_json_need_arr(query, "queries", out, err));
    if ((*out)->count < LEAST_QUERIES || (*out)->count > MOST_QUERIES)
        return ov_json_fail(*out, err, OV_INVALID, "expected %d to %d queries, found %u", LEAST_QUERIES, MOST_QUERIES, (*out)->count);
    return OV_OK;
}

/* Each is planned as if it had been posted by itself. */
static ov_status plan_parts(ovi_nplanner *p, const ov_json *list, ov_native_query *out, ov_error *err)
{
    ov_native_part *parts;
    OV_TRY(ov_arena_zalloc(p->arena, list->count * sizeof *parts, &parts, err));
    *out = (ov_native_query){.type = OV_NATIVE_UNION, .parts = parts};
    for (const ov_json *v = list->first; v; v = v->next) {
        ov_native_query *q = &parts[out->part_count++].query;
        OV_TRY(ovi_nplan_whole(p, v, q, err));
        if (q->type == OV_NATIVE_UNION)
            return ov_json_fail(v, err, OV_INVALID, "a union of unions: list their queries in one");
    }
    return OV_OK;
}

/* Each field's type is the one that holds the values of all sides. */
static ov_status common_fields(ovi_nplanner *p, const ov_json *list, const ovi_nrel *rels, ov_field **out, ov_error *err)
{
    uint32_t columns = rels[0].plan->field_count, i = 0;
    OV_TRY(ov_arena_alloc(p->arena, (columns + (size_t)1) * sizeof **out, out, err));
    memcpy(*out, rels[0].plan->fields, columns * sizeof **out);
    for (const ov_json *v = list->first; v; v = v->next, i++) {
        const ov_plan *plan = rels[i].plan;
        if (plan->field_count != columns)
            return ov_json_fail(v, err, OV_INVALID, "the queries of a union have equally many columns: the first one has %u, this one %u",
                                columns, plan->field_count);
        for (uint32_t c = 0; c < columns; c++)
            (*out)[c].type = ov_type_wider((*out)[c].type, plan->fields[c].type);
    }
    return OV_OK;
}

static ov_status as_rows(ovi_nplanner *p, const ov_json *list, ovi_nrel *rel, ov_error *err)
{
    ovi_nrel *rels;
    const ov_plan **sides;
    ov_native_query ignored;
    ov_field *fields;
    uint32_t n = 0;
    OV_TRY(ov_arena_alloc(p->arena, list->count * sizeof *rels, &rels, err));
    OV_TRY(ov_arena_alloc(p->arena, list->count * sizeof *sides, &sides, err));
    for (const ov_json *v = list->first; v; v = v->next)
        OV_TRY(ovi_nplan_query(p, v, &ignored, &rels[n++], err));
    OV_TRY(common_fields(p, list, rels, &fields, err));
    n = 0;
    for (const ov_json *v = list->first; v; v = v->next, n++)
        OV_TRY(ovi_nunion_side(p, v, rels[n].plan, fields, rels[0].plan->field_count, false, &sides[n], err));
    *rel = (ovi_nrel){.known = true, .everywhere = true};
    return ov_plan_union(p->arena, sides, n, &rel->plan, err);
}

ov_status ovi_nplan_union(ovi_nplanner *p, const ov_json *query, ov_native_query *q, ovi_nrel *rel, ov_error *err)
{
    const ov_json *list;
    OV_TRY(read_queries(query, &list, err));
    if (p->depth == 0) {
        *rel = (ovi_nrel){0};
        return plan_parts(p, list, q, err);
    }
    *q = (ov_native_query){.type = OV_NATIVE_UNION};
    return as_rows(p, list, rel, err);
}
