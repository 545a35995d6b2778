/*
 * Data sources: tables, unions, inline rows, joins, filters, sub-queries. Each is a plan with named columns, and what is
 * known about the times of its rows, which timeseries needs for buckets without rows.
 */
#include "query/native/native_plan_int.h"

/* ---- tables ---- */

/* Where the datasource has rows: a stretch for each visible part of a segment. */
static ov_status find_extents(ovi_nplanner *p, const ov_datasource *ds, ovi_nrel *out, ov_error *err)
{
    ov_interval *extents, *chunks;
    size_t n = 0, room = 0;
    for (uint32_t i = 0; i < ds->segment_count; i++)
        room += ds->segments[i]->partial ? ds->segments[i]->part_count : 1;
    OV_TRY(ov_arena_alloc(p->arena, (room + 1) * sizeof *extents, &extents, err));
    OV_TRY(ov_arena_alloc(p->arena, (room + 1) * sizeof *chunks, &chunks, err));
    for (uint32_t i = 0; i < ds->segment_count; i++) {
        const ov_segment_entry *e = ds->segments[i];
        ov_interval rows = {e->info.min_time, e->info.max_time + 1}, whole = {e->info.start_ms, e->info.end_ms};
        if (e->info.min_time > e->info.max_time)
            continue;
        for (uint32_t k = 0; k < (e->partial ? e->part_count : 1); k++) {
            chunks[n] = e->partial ? e->parts[k] : whole;
            extents[n] = e->partial ? ov_interval_clip(rows, e->parts[k]) : rows;
            n += extents[n].start < extents[n].end;
        }
    }
    if (ds->segment_count == 1)
        out->segment_id = ds->segments[0]->id;
    out->extents = extents;
    out->chunks = chunks;
    out->extent_count = (uint32_t)n;
    return OV_OK;
}

static ov_status no_rows(ovi_nplanner *p, const ov_plan **out, ov_error *err)
{
    return ov_plan_values(p->arena, NULL, 0, NULL, 0, out, err);
}

static ov_status source_named(ovi_nplanner *p, const ov_json *v, ov_slice name, ovi_nrel *out, ov_error *err)
{
    const ov_datasource *ds;
    OV_TRY(ovi_nfind(p, v, name, &ds, err));
    *out = (ovi_nrel){.known = ds != NULL};
    if (!ds)
        return no_rows(p, &out->plan, err);
    OV_TRY(find_extents(p, ds, out, err));
    return ov_plan_scan(p->arena, ds, &out->plan, err);
}

static ov_status source_table(ovi_nplanner *p, const ov_json *v, ovi_nrel *out, ov_error *err)
{
    ov_slice name;
    OV_TRY(ov_json_need_str(v, "name", &name, err));
    return source_named(p, v, name, out, err);
}

/* A lookup that is not there has no rows, as in Druid. */
static ov_status source_lookup(ovi_nplanner *p, const ov_json *v, ovi_nrel *out, ov_error *err)
{
    ov_slice name;
    OV_TRY(ov_json_need_str(v, "lookup", &name, err));
    const ov_systable *table = p->env->lookup ? p->env->lookup(p->env->lookup_self, name) : NULL;
    *out = (ovi_nrel){.known = table != NULL, .everywhere = table != NULL};
    return table ? ov_plan_system(p->arena, table, &out->plan, err) : no_rows(p, &out->plan, err);
}

/* ---- unions ---- */

static int32_t field_named(const ov_plan *plan, ov_slice name)
{
    for (uint32_t i = 0; i < plan->field_count; i++)
        if (ov_slice_eq(plan->fields[i].name, name))
            return (int32_t)i;
    return -1;
}

/* All names of all sources in order of first sight, each with the type that holds every source's values. */
static ov_status union_fields(ovi_nplanner *p, const ovi_nrel *rels, uint32_t n, ov_field **fields, uint32_t *count,
                              ov_error *err)
{
    size_t room = 1;
    for (uint32_t i = 0; i < n; i++)
        room += rels[i].plan->field_count;
    OV_TRY(ov_arena_alloc(p->arena, room * sizeof **fields, fields, err));
    *count = 0;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t c = 0; c < rels[i].plan->field_count; c++) {
            const ov_field *f = &rels[i].plan->fields[c];
            uint32_t k = 0;
            while (k < *count && !ov_slice_eq((*fields)[k].name, f->name))
                k++;
            if (k == *count)
                (*fields)[(*count)++] = *f;
            else
                (*fields)[k].type = ov_type_wider((*fields)[k].type, f->type);
        }
    return OV_OK;
}

ov_status ovi_nunion_side(ovi_nplanner *p, const ov_json *at, const ov_plan *in, const ov_field *fields, uint32_t count,
                          bool by_name, const ov_plan **out, ov_error *err)
{
    const ov_expr **exprs;
    ov_slice *names;
    char type[48];
    OV_TRY(ov_arena_alloc(p->arena, (count + (size_t)1) * sizeof *exprs, &exprs, err));
    OV_TRY(ov_arena_alloc(p->arena, (count + (size_t)1) * sizeof *names, &names, err));
    for (uint32_t i = 0; i < count; i++) {
        int32_t c = by_name ? field_named(in, fields[i].name) : (int32_t)i;
        names[i] = fields[i].name;
        ov_sqltype sql = ov_sqltype_of_column(fields[i].name, fields[i].type);
        if (c >= 0)
            OV_TRY(ov_plan_column(p->cx, in, (uint32_t)c, &exprs[i], err));
        else
            OV_TRY(ov_expr_null_of(p->cx, sql, fields[i].type, &exprs[i], err));
        if (ov_type_eq(exprs[i]->type, fields[i].type))
            continue;
        ov_status st = ov_expr_widen(p->cx, exprs[i], sql, fields[i].type, &exprs[i], err);
        if (st != OV_OK && st != OV_INVALID && st != OV_UNSUPPORTED)
            return st;
        if (st != OV_OK)
            return ov_json_fail(at, err, OV_INVALID, "column '" OV_SLICE_FMT "' is %s here and %s in others: nothing holds both",
                                OV_SLICE_ARG(names[i]), ov_type_name(exprs[i]->type, type), ov_type_name(fields[i].type, (char[48]){0}));
    }
    return ov_plan_project(p->arena, in, exprs, names, count, out, err);
}

static ov_status union_extents(ovi_nplanner *p, const ovi_nrel *rels, uint32_t n, ovi_nrel *out, ov_error *err)
{
    ov_interval *extents, *chunks;
    size_t count = 0;
    for (uint32_t i = 0; i < n; i++)
        count += rels[i].extent_count;
    OV_TRY(ov_arena_alloc(p->arena, (count + 1) * sizeof *extents, &extents, err));
    OV_TRY(ov_arena_alloc(p->arena, (count + 1) * sizeof *chunks, &chunks, err));
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < rels[i].extent_count; k++) {
            extents[out->extent_count] = rels[i].extents[k];
            chunks[out->extent_count++] = rels[i].chunks[k];
        }
    out->extents = extents;
    out->chunks = chunks;
    return OV_OK;
}

static ov_status source_union(ovi_nplanner *p, const ov_json *v, ovi_nrel *out, ov_error *err)
{
    const ov_json *list;
    ovi_nrel *rels;
    const ov_plan **sides;
    ov_field *fields;
    uint32_t n = 0, count;
    OV_TRY(ov_json_need_arr(v, "dataSources", &list, err));
    if (list->count == 0)
        return ov_json_fail(list, err, OV_INVALID, "expected at least one data source");
    OV_TRY(ov_arena_alloc(p->arena, list->count * sizeof *rels, &rels, err));
    OV_TRY(ov_arena_alloc(p->arena, list->count * sizeof *sides, &sides, err));
    *out = (ovi_nrel){0};
    for (const ov_json *one = list->first; one; one = one->next) {
        OV_TRY(ovi_nsource(p, one, &rels[n], err));
        out->known = out->known || rels[n].known;
        out->everywhere = out->everywhere || rels[n].everywhere;
        n += rels[n].known;
    }
    if (n == 0)
        return no_rows(p, &out->plan, err);
    OV_TRY(union_fields(p, rels, n, &fields, &count, err));
    for (uint32_t i = 0; i < n; i++)
        OV_TRY(ovi_nunion_side(p, v, rels[i].plan, fields, count, true, &sides[i], err));
    OV_TRY(union_extents(p, rels, n, out, err));
    return ov_plan_union(p->arena, sides, n, &out->plan, err);
}

/* ---- inline rows ---- */

static ov_status cell(ovi_nplanner *p, const ov_json *v, const ov_field *f, const ov_expr **out, ov_error *err);

/* The elements of an array, or of a multi-value text, which may also be one plain value. */
static ov_status list_cell(ovi_nplanner *p, const ov_json *v, const ov_field *f, const ov_expr **out, ov_error *err)
{
    const ov_expr **items;
    uint32_t n = 0;
    bool one = v->kind != OV_JSON_ARRAY;
    ov_field elem = {.type = OV_T(f->type.id == OV_TYPE_ARRAY ? f->type.elem : OV_TYPE_STRING)};
    elem.sql = (uint8_t)ov_sqltype_of_column(f->name, elem.type);
    OV_TRY(ov_arena_alloc(p->arena, ((one ? 1 : v->count) + (size_t)1) * sizeof *items, &items, err));
    for (const ov_json *i = one ? v : v->first; i; i = one ? NULL : i->next)
        OV_TRY(cell(p, i, &elem, &items[n++], err));
    OV_TRY(ovi_ncall(p, v, "ARRAY", items, n, out, err));
    if (f->type.id == OV_TYPE_STRING)
        return ovi_ncall(p, v, "ARRAY_TO_MV", out, 1, out, err);
    if (!ov_type_eq((*out)->type, f->type))
        return ov_expr_cast(p->cx, *out, OV_SQL_ARRAY, f->type, 0, 0, out, err);
    return OV_OK;
}

/* JSON as it stands; sketches as the Base64 of their bytes. */
static ov_status complex_cell(ovi_nplanner *p, const ov_json *v, const ov_field *f, const ov_expr **out, ov_error *err)
{
    const ov_expr *args[1];
    ov_slice text;
    char buf[48];
    if (f->type.complex == OV_COMPLEX_JSON) {
        OV_TRY(ovi_njson_text(p, v, &text, err));
        OV_TRY(ov_expr_str(p->cx, OV_SQL_VARCHAR, text, &args[0], err));
        return ovi_ncall(p, v, "PARSE_JSON", args, 1, out, err);
    }
    const char *name = ov_type_name(f->type, buf);
    size_t front = strlen("COMPLEX<");
    if (strlen(name) <= front)
        return ov_json_fail(v, err, OV_INVALID, "values of type %s cannot be written inline", name);
    return ovi_nsketch_decode(p, v, ov_slice_make(name + front, strlen(name) - front - 1), out, err);
}

static ov_status cell(ovi_nplanner *p, const ov_json *v, const ov_field *f, const ov_expr **out, ov_error *err)
{
    ov_slice s;
    ov_sqltype sql = (ov_sqltype)f->sql;
    char type[48];
    bool list = ov_type_is_list(f->type);
    if (!v || v->kind == OV_JSON_NULL)
        return ov_expr_null_of(p->cx, sql, f->type, out, err);
    if (f->type.id == OV_TYPE_COMPLEX)
        return complex_cell(p, v, f, out, err);
    if (list && (v->kind == OV_JSON_ARRAY || f->type.multi))
        return list_cell(p, v, f, out, err);
    if (v->kind == OV_JSON_OBJECT || v->kind == OV_JSON_ARRAY || list)
        return ov_json_fail(v, err, OV_INVALID, "expected a value of type %s", ov_type_name(f->type, type));
    switch (v->kind) {
    case OV_JSON_INT:
        OV_TRY(ov_expr_i64(p->cx, OV_SQL_BIGINT, v->i, out, err));
        break;
    case OV_JSON_DOUBLE:
        OV_TRY(ov_expr_f64(p->cx, OV_SQL_DOUBLE, v->d, out, err));
        break;
    case OV_JSON_BOOL:
        OV_TRY(ov_expr_i64(p->cx, OV_SQL_BIGINT, v->boolean, out, err));
        break;
    default:
        OV_TRY(ov_json_as_str(v, &s, err));
        OV_TRY(ov_expr_str(p->cx, OV_SQL_VARCHAR, s, out, err));
        break;
    }
    if (sql == OV_SQL_TIMESTAMP) {
        OV_TRY(ovi_ncast(p, *out, OV_SQL_BIGINT, out, err));
        return ov_expr_retype(p->cx, *out, OV_SQL_TIMESTAMP, out, err);
    }
    return ovi_ncast(p, *out, sql, out, err);
}

static ov_status inline_fields(ovi_nplanner *p, const ov_json *v, ov_field **out, uint32_t *count, ov_error *err)
{
    const ov_json *names, *types;
    ov_slice text;
    ov_field *fields;
    uint32_t n = 0;
    OV_TRY(ov_json_need_arr(v, "columnNames", &names, err));
    OV_TRY(ov_json_arr(v, "columnTypes", &types, err));
    if (types && types->count != names->count)
        return ov_json_fail(types, err, OV_INVALID, "columnNames and columnTypes must be of the same length (%u and %u)",
                            names->count, types->count);
    OV_TRY(ov_arena_zalloc(p->arena, (names->count + (size_t)1) * sizeof *fields, &fields, err));
    const ov_json *type = types ? types->first : NULL;
    for (const ov_json *name = names->first; name; name = name->next, n++) {
        OV_TRY(ov_json_as_str(name, &fields[n].name, err));
        fields[n].type = OV_T(OV_TYPE_STRING);
        if (type && type->kind != OV_JSON_NULL) {
            OV_TRY(ov_json_as_str(type, &text, err));
            if (!ov_type_parse(text, &fields[n].type))
                return ov_json_fail(type, err, OV_INVALID, "'" OV_SLICE_FMT "' is no type; STRING, LONG, DOUBLE, FLOAT, "
                                    "ARRAY<...> and COMPLEX<...> are", OV_SLICE_ARG(text));
        }
        fields[n].sql = (uint8_t)ov_sqltype_of_column(fields[n].name, fields[n].type);
        fields[n].nullable = true;
        type = type ? type->next : NULL;
    }
    *out = fields;
    *count = n;
    return OV_OK;
}

/* Lists of a text column make it multi-value. */
static void find_multi(const ov_json *rows, ov_field *fields, uint32_t count)
{
    for (const ov_json *row = rows->first; row; row = row->next) {
        const ov_json *v = row->first;
        for (uint32_t i = 0; i < count && v; i++, v = v->next)
            if (v->kind == OV_JSON_ARRAY && fields[i].type.id == OV_TYPE_STRING)
                fields[i].type.multi = 1;
    }
}

static ov_status source_inline(ovi_nplanner *p, const ov_json *v, ovi_nrel *out, ov_error *err)
{
    const ov_json *rows;
    ov_field *fields = NULL;
    uint32_t count = 0;
    const ov_expr **cells;
    OV_TRY(inline_fields(p, v, &fields, &count, err));
    OV_TRY(ov_json_need_arr(v, "rows", &rows, err));
    find_multi(rows, fields, count);
    OV_TRY(ov_arena_alloc(p->arena, ((size_t)rows->count * count + 1) * sizeof *cells, &cells, err));
    size_t n = 0;
    for (const ov_json *row = rows->first; row; row = row->next) {
        OV_TRY(ov_json_expect(row, OV_JSON_ARRAY, err));
        if (row->count != count)
            return ov_json_fail(row, err, OV_INVALID, "expected %u values, one for each column, found %u", count,
                                row->count);
        const ov_json *value = row->first;
        for (uint32_t c = 0; c < count; c++, value = value->next)
            OV_TRY(cell(p, value, &fields[c], &cells[n++], err));
    }
    *out = (ovi_nrel){.known = true, .everywhere = true};
    return ov_plan_values(p->arena, fields, count, cells, rows->count, &out->plan, err);
}

/* ---- filters, sub-queries, joins ---- */

static ov_status filtered(ovi_nplanner *p, const ov_plan *in, const ov_json *filter, const ov_plan **out, ov_error *err)
{
    ovi_nscope scope;
    const ov_expr *condition;
    ovi_nscope_init(&scope, p, in);
    OV_TRY(ov_native_filter(filter, &scope.base, p->cx, &condition, err));
    return ov_plan_filter(p->arena, in, condition, out, err);
}

static ov_status source_filter(ovi_nplanner *p, const ov_json *v, ovi_nrel *out, ov_error *err)
{
    const ov_json *base, *filter;
    OV_TRY(ov_json_need(v, "base", &base, err));
    OV_TRY(ovi_nsource(p, base, out, err));
    OV_TRY(ov_json_obj(v, "filter", &filter, err));
    return filter ? filtered(p, out->plan, filter, &out->plan, err) : OV_OK;
}

/* {"base":...,"policy":{"type":"noRestriction"}} or {"type":"row","rowFilter":...} */
static ov_status source_restrict(ovi_nplanner *p, const ov_json *v, ovi_nrel *out, ov_error *err)
{
    const ov_json *base, *policy, *filter;
    ov_slice type;
    OV_TRY(ov_json_need(v, "base", &base, err));
    OV_TRY(ov_json_need_obj(v, "policy", &policy, err));
    OV_TRY(ov_json_need_str(policy, "type", &type, err));
    OV_TRY(ovi_nsource(p, base, out, err));
    if (ov_slice_eq(type, OV_SLICE_LIT("noRestriction")))
        return OV_OK;
    if (!ov_slice_eq(type, OV_SLICE_LIT("row")))
        return ov_json_fail(ov_json_get(policy, "type"), err, OV_INVALID, "unknown policy '" OV_SLICE_FMT "'; there are noRestriction and row",
                            OV_SLICE_ARG(type));
    OV_TRY(ov_json_need_obj(policy, "rowFilter", &filter, err));
    return filtered(p, out->plan, filter, &out->plan, err);
}

static ov_status source_query(ovi_nplanner *p, const ov_json *v, ovi_nrel *out, ov_error *err)
{
    const ov_json *query;
    ov_native_query inner;
    OV_TRY(ov_json_need_obj(v, "query", &query, err));
    return ovi_nplan_query(p, query, &inner, out, err);
}

/* The same columns under prefixed names. */
static ov_status prefixed(ovi_nplanner *p, const ov_plan *in, ov_slice prefix, const ov_plan **out, ov_error *err)
{
    const ov_expr **exprs;
    ov_slice *names;
    OV_TRY(ov_arena_alloc(p->arena, (in->field_count + (size_t)1) * sizeof *exprs, &exprs, err));
    OV_TRY(ov_arena_alloc(p->arena, (in->field_count + (size_t)1) * sizeof *names, &names, err));
    for (uint32_t i = 0; i < in->field_count; i++) {
        OV_TRY(ov_plan_column(p->cx, in, i, &exprs[i], err));
        ov_slice name = in->fields[i].name;
        OV_TRY(ov_arena_printf(p->arena, &names[i], err, OV_SLICE_FMT OV_SLICE_FMT, OV_SLICE_WHOLE(prefix),
                               OV_SLICE_WHOLE(name)));
    }
    return ov_plan_project(p->arena, in, exprs, names, in->field_count, out, err);
}

static ov_status join_kind(const ov_json *v, ov_join_kind *kind, ov_error *err)
{
    static const char *const names[] = {
        [OV_JOINS_INNER] = "INNER", [OV_JOINS_LEFT] = "LEFT", [OV_JOINS_RIGHT] = "RIGHT", [OV_JOINS_FULL] = "FULL"};
    ov_slice name;
    OV_TRY(ov_json_need_str(v, "joinType", &name, err));
    for (size_t i = 0; i < OV_COUNT_OF(names); i++)
        if (ov_slice_ieq(name, ov_slice_cstr(names[i]))) {
            *kind = (ov_join_kind)i;
            return OV_OK;
        }
    return ov_json_fail(ov_json_get(v, "joinType"), err, OV_INVALID,
                        "unknown join type '" OV_SLICE_FMT "'; there are INNER, LEFT, RIGHT and FULL", OV_SLICE_ARG(name));
}

static ov_status join_condition(ovi_nplanner *p, const ov_json *v, const ov_plan *both, const ov_expr **out,
                                ov_error *err)
{
    ovi_nscope scope;
    ov_slice text;
    const ov_native *tree;
    ovi_nscope_init(&scope, p, both);
    OV_TRY(ov_json_need_str(v, "condition", &text, err));
    ov_status st = ov_native_parse(text, p->arena, &tree, err);
    if (st == OV_OK)
        st = ov_native_bind_truth(tree, &scope.base, p->cx, out, err);
    return ovi_nfail_at(ov_json_get(v, "condition"), st, err);
}

static ov_status source_join(ovi_nplanner *p, const ov_json *v, ovi_nrel *out, ov_error *err)
{
    const ov_json *side, *filter;
    ovi_nrel right;
    ov_slice prefix;
    ov_join_kind kind = OV_JOINS_INNER;
    const ov_plan *both;
    const ov_expr *condition;
    OV_TRY(ov_json_need(v, "left", &side, err));
    OV_TRY(ovi_nsource(p, side, out, err));
    OV_TRY(ov_json_need(v, "right", &side, err));
    OV_TRY(ovi_nsource(p, side, &right, err));
    OV_TRY(ov_json_str(v, "rightPrefix", (ov_slice){"", 0}, &prefix, err));
    if (prefix.n == 0)
        return ov_json_fail(v, err, OV_INVALID, "'rightPrefix' is missing or empty (a text such as \"j.\" is expected)");
    OV_TRY(join_kind(v, &kind, err));
    OV_TRY(ov_json_obj(v, "leftFilter", &filter, err));
    if (filter)
        OV_TRY(filtered(p, out->plan, filter, &out->plan, err));
    OV_TRY(prefixed(p, right.plan, prefix, &right.plan, err));
    OV_TRY(ov_plan_join(p->arena, kind, out->plan, right.plan, NULL, &both, err));
    OV_TRY(join_condition(p, v, both, &condition, err));
    out->segment_id = (ov_slice){0};
    out->of_group_by = false;
    return ov_plan_join(p->arena, kind, out->plan, right.plan, condition, &out->plan, err);
}

/* A row for each element of a list; rows whose array is empty go. A single value is a list of one. */
static ov_status source_unnest(ovi_nplanner *p, const ov_json *v, ovi_nrel *out, ov_error *err)
{
    const ov_json *base, *filter;
    ov_json *query, *list, *copy;
    ovi_nscope scope;
    const ov_expr *values;
    const ov_json *column;
    ov_slice name;
    OV_TRY(ov_json_need(v, "base", &base, err));
    OV_TRY(ovi_nsource(p, base, out, err));
    OV_TRY(ov_json_need_obj(v, "virtualColumn", &column, err));
    OV_TRY(ov_json_need_str(column, "name", &name, err));
    /* the list is a virtual column of the base like any other */
    OV_TRY(ov_json_new(p->arena, OV_JSON_OBJECT, &query, err));
    OV_TRY(ov_json_new(p->arena, OV_JSON_ARRAY, &list, err));
    OV_TRY(ov_json_copy(p->arena, column, &copy, err));
    ov_json_append(list, copy);
    OV_TRY(ov_json_set(p->arena, query, "virtualColumns", list, err));
    ovi_nscope_init(&scope, p, out->plan);
    OV_TRY(ovi_nfail_at(column, ovi_nscope_virtual(&scope, query, err), err));
    OV_TRY(ovi_nscope_value(&scope, name, &values, err));
    bool text = values->type.id == OV_TYPE_STRING; /* a text without a value is one NULL */
    if (!ov_type_is_list(values->type))
        OV_TRY(ovi_ncall(p, column, "ARRAY", &values, 1, &values, err));
    OV_TRY(ov_plan_unnest(p->arena, out->plan, values, name, text, false, &out->plan, err));
    out->segment_id = (ov_slice){0};
    OV_TRY(ov_json_obj(v, "unnestFilter", &filter, err));
    return filter ? filtered(p, out->plan, filter, &out->plan, err) : OV_OK;
}

static const struct {
    const char *name;
    ov_status (*plan)(ovi_nplanner *p, const ov_json *v, ovi_nrel *out, ov_error *err);
} kinds[] = {
    {"filter", source_filter}, {"globalTable", source_table}, {"inline", source_inline}, {"join", source_join},
    {"lookup", source_lookup}, {"query", source_query},       {"restrict", source_restrict}, {"table", source_table},
    {"union", source_union},   {"unnest", source_unnest},
};

ov_status ovi_nsource(ovi_nplanner *p, const ov_json *v, ovi_nrel *out, ov_error *err)
{
    ov_slice type;
    if (v->kind == OV_JSON_STRING)
        return source_named(p, v, v->s, out, err);
    OV_TRY(ov_json_expect(v, OV_JSON_OBJECT, err));
    OV_TRY(ov_json_need_str(v, "type", &type, err));
    if (p->depth >= OVI_NATIVE_QUERY_DEPTH)
        return ov_json_fail(v, err, OV_LIMIT, "data sources lie inside each other more than %d deep", OVI_NATIVE_QUERY_DEPTH);
    for (size_t i = 0; i < OV_COUNT_OF(kinds); i++) {
        if (!ov_slice_eq(type, ov_slice_cstr(kinds[i].name)))
            continue;
        p->depth++;
        ov_status st = kinds[i].plan(p, v, out, err);
        p->depth--;
        return st;
    }
    return ov_json_fail(ov_json_get(v, "type"), err, OV_INVALID,
                        "unknown data source '" OV_SLICE_FMT
                        "'; there are table, union, inline, query, join, filter, unnest, lookup, restrict and globalTable",
                        OV_SLICE_ARG(type));
}
