/*
 * What lies below a grouping or a scan: a plan as one data source with filter and intervals. Filters and projections
 * dissolve into expressions over the source's columns; whatever else stands there becomes a query of its own.
 */
#include "query/native/print_query.h"

#include "base/bits.h"
#include "base/hash.h"

/* ---- columns ---- */

const char *ovi_ptype(const ov_expr *e, char buf[48])
{
    ov_type t = e->type;
    t.multi = 0;
    return t.id == OV_TYPE_NULL ? "STRING" : ov_type_name(t, buf);
}

ov_status ovi_pfirst_names(ovi_printer *p, const ov_slice *names, uint32_t count, const uint64_t **out, ov_error *err)
{
    ov_places places = {0};
    uint64_t *first;
    OV_TRY(ov_arena_zalloc(p->arena, (count / 64 + (size_t)1) * sizeof *first, &first, err));
    for (uint32_t i = 0; i < count; i++) {
        uint64_t hash = ov_hash_slice(names[i]);
        bool again = false;
        OV_EACH_PLACE(&places, hash, k, slot) {
            again = ov_slice_eq(names[k], names[i]);
            if (again)
                break;
        }
        if (!again)
            ov_bits_set(first, i);
        OV_TRY(ov_places_add(&places, p->arena, again ? ~hash : hash, err)); /* found as its first, not again */
    }
    *out = first;
    return OV_OK;
}

uint32_t ovi_punused(const ovi_prel *rel, char letter)
{
    uint32_t least = 0;
    for (uint32_t i = 0; i < rel->base->field_count; i++) {
        ov_slice s = rel->names[i];
        uint32_t lead = 0;
        while (lead < s.n && s.p[lead] == '_')
            lead++;
        if (s.n > lead + 1 && s.p[lead] == letter && s.p[lead + 1] >= '0' && s.p[lead + 1] <= '9')
            least = OV_MAX(least, lead + 1);
    }
    return least;
}

bool ovi_pname_known(const ov_places *places, const ov_slice *names, ov_slice name)
{
    OV_EACH_PLACE(places, ov_hash_slice(name), i, slot)
        if (ov_slice_eq(names[i], name))
            return true;
    return false;
}

ov_status ovi_pname_note(ov_places *places, ov_arena *arena, ov_slice name, ov_error *err)
{
    return ov_places_add(places, arena, ov_hash_slice(name), err);
}

ov_status ovi_pcolumn(ovi_pcolumns *c, const ov_expr *e, ov_slice *name, ov_error *err)
{
    char type[48];
    if (e->kind == OV_EXPR_COLUMN && c->rel->names[e->column].n) {
        *name = c->rel->names[e->column];
        return OV_OK;
    }
    uint32_t known = ov_expr_find(&c->places, c->exprs, e);
    if (known != OV_NO_PLACE) {
        *name = c->names[known];
        return OV_OK;
    }
    if (!c->count)
        c->prefix = ovi_punused(c->rel, 'v');
    OV_TRY(ov_expr_note(&c->places, c->p->arena, e, err));
    uint32_t cap = c->capacity;
    OV_TRY(ov_arena_room(c->p->arena, &c->names, c->count, &cap, 1, sizeof *c->names, err));
    OV_TRY(ov_arena_room(c->p->arena, &c->exprs, c->count, &c->capacity, 1, sizeof *c->exprs, err));
    ov_buf text;
    ov_buf_init(&text);
    for (uint32_t i = c->prefix; i > 0; i--)
        ov_buf_add_char(&text, '_');
    ov_status st = ov_arena_printf(c->p->arena, name, err, OV_SLICE_FMT "v%u", OV_SLICE_WHOLE(ov_buf_slice(&text)), c->count);
    ov_buf_clear(&text);
    if (st != OV_OK) {
        ov_buf_fini(&text);
        return st;
    }
    ovi_pexpr(c->p, e, c->rel->names, &text);
    ov_buf_addf(&c->text, "%s{\"type\":\"expression\",\"name\":", c->count ? "," : "");
    ov_json_quote(&c->text, *name);
    ov_buf_add_str(&c->text, ",\"expression\":");
    ov_json_quote(&c->text, ov_buf_slice(&text));
    ov_buf_addf(&c->text, ",\"outputType\":\"%s\"}", ovi_ptype(e, type));
    ov_buf_fini(&text);
    c->exprs[c->count] = e;
    c->names[c->count++] = *name;
    return OV_OK;
}

/* ---- sources ---- */

static ov_status keep(ovi_printer *p, ov_buf *text, ov_slice *out, ov_error *err)
{
    ov_status st = ov_buf_check(text, err);
    if (st == OV_OK)
        st = ov_arena_copy(p->arena, ov_buf_slice(text), out, err);
    ov_buf_fini(text);
    return st;
}

ov_status ovi_prel_plain(ovi_printer *p, const ov_plan *plan, const ov_slice *names, ovi_prel *out, ov_error *err)
{
    out->base = plan;
    out->names = names;
    OV_TRY(ov_arena_alloc(p->arena, (plan->field_count + (size_t)1) * sizeof *out->exprs, &out->exprs, err));
    for (uint32_t i = 0; i < plan->field_count; i++)
        OV_TRY(ov_plan_column(p->cx, plan, i, &out->exprs[i], err));
    return OV_OK;
}

static ov_status field_names(ovi_printer *p, const ov_plan *plan, ov_slice **out, ov_error *err)
{
    OV_TRY(ov_arena_alloc(p->arena, (plan->field_count + (size_t)1) * sizeof **out, out, err));
    for (uint32_t i = 0; i < plan->field_count; i++)
        (*out)[i] = plan->fields[i].name;
    return OV_OK;
}

static ov_status from_scan(ovi_printer *p, const ov_plan *plan, ovi_prel *out, ov_error *err)
{
    ov_buf text;
    ov_slice *names;
    const ov_datasource *ds = plan->scan.datasource;
    p->lost = p->lost || (ds->segment_count && ds->segments[0]->past); /* a native query has one instant for all its tables */
    OV_TRY(ov_arena_alloc(p->arena, (plan->field_count + (size_t)1) * sizeof *names, &names, err));
    for (uint32_t i = 0; i < plan->field_count; i++)
        names[i] = ds->columns[plan->scan.columns[i]].name;
    ov_buf_init(&text);
    ov_buf_add_str(&text, "{\"type\":\"table\",\"name\":");
    ov_json_quote(&text, ds->name);
    ov_buf_add_char(&text, '}');
    OV_TRY(keep(p, &text, &out->source, err));
    out->has_ranges = true;
    out->ranges = plan->scan.ranges;
    out->range_count = plan->scan.range_count;
    out->filter = plan->scan.residual ? plan->scan.residual : plan->scan.filter_is_ranges ? NULL : plan->scan.filter;
    return ovi_prel_plain(p, plan, names, out, err);
}

static ov_status from_values(ovi_printer *p, const ov_plan *plan, ovi_prel *out, ov_error *err)
{
    ov_buf text;
    ov_slice *names;
    char type[48];
    ov_places places = {0};
    OV_TRY(field_names(p, plan, &names, err));
    for (uint32_t i = 0; i < plan->field_count; i++) {
        if (names[i].n == 0 || ovi_pname_known(&places, names, names[i]))
            OV_TRY(ov_arena_printf(p->arena, &names[i], err, "EXPR$%u", i));
        OV_TRY(ovi_pname_note(&places, p->arena, names[i], err));
    }
    ov_buf_init(&text);
    ov_buf_add_str(&text, "{\"type\":\"inline\",\"columnNames\":[");
    for (uint32_t i = 0; i < plan->field_count; i++) {
        ov_buf_add_str(&text, i ? "," : "");
        ov_json_quote(&text, names[i]);
    }
    ov_buf_add_str(&text, "],\"columnTypes\":[");
    for (uint32_t i = 0; i < plan->field_count; i++) {
        ov_type t = plan->fields[i].type;
        p->lost = p->lost || ov_type_is_list(t) || t.id == OV_TYPE_COMPLEX;
        ov_buf_addf(&text, "%s\"%s\"", i ? "," : "", t.id == OV_TYPE_NULL ? "STRING" : ov_type_name(t, type));
    }
    ov_buf_add_str(&text, "],\"rows\":[");
    for (uint64_t r = 0; r < plan->values.row_count && !p->lost; r++) {
        ov_buf_add_str(&text, r ? ",[" : "[");
        for (uint32_t i = 0; i < plan->field_count; i++) {
            const ov_expr *e = plan->values.cells[r * plan->field_count + i];
            ov_buf_add_str(&text, i ? "," : "");
            if (e->kind != OV_EXPR_CONST)
                p->lost = true;
            else if (e->type.id == OV_TYPE_NULL || e->constant.is_null)
                ov_buf_add_str(&text, "null");
            else if (ov_type_is_int(e->type))
                ov_buf_add_i64(&text, e->constant.i);
            else if (ov_type_is_real(e->type))
                ov_json_add_double(&text, e->constant.f);
            else
                ov_json_quote(&text, e->constant.s);
        }
        ov_buf_add_char(&text, ']');
    }
    ov_buf_add_str(&text, "]}");
    p->lost = p->lost || plan->field_count == 0;
    OV_TRY(keep(p, &text, &out->source, err));
    return ovi_prel_plain(p, plan, names, out, err);
}

/* SELECT 1: a row of constants over a row of nothing. */
static ov_status constant_row(ovi_printer *p, const ov_plan *plan, const ov_plan **out, ov_error *err)
{
    const ov_plan *in = plan->inputs[0];
    *out = NULL;
    if (plan->kind != OV_PLAN_PROJECT || in->kind != OV_PLAN_VALUES || in->field_count || in->values.row_count != 1)
        return OV_OK;
    for (uint32_t i = 0; i < plan->field_count; i++)
        if (plan->project.exprs[i]->kind != OV_EXPR_CONST)
            return OV_OK;
    return ov_plan_values(p->arena, plan->fields, plan->field_count, plan->project.exprs, 1, out, err);
}

ov_status ovi_prel_query(ovi_printer *p, const ov_plan *plan, ovi_prel *out, ov_error *err)
{
    ovi_pquery inner;
    ov_buf text;
    if (p->how->rel)
        return ovi_ptree_source(p, plan, out, err);
    OV_TRY(ovi_pquery_print(p, plan, &inner, err));
    ov_buf_init(&text);
    ov_buf_add_str(&text, "{\"type\":\"query\",\"query\":");
    ov_buf_add_slice(&text, inner.text);
    ov_buf_add_char(&text, '}');
    OV_TRY(keep(p, &text, &out->source, err));
    return ovi_prel_plain(p, plan, inner.columns, out, err);
}

/* A plain table on the left, or a query; always a query on the right. */
static ov_status join_side(ovi_printer *p, const ov_plan *plan, bool right, ov_slice *source, const ov_slice **names,
                           ov_error *err)
{
    ovi_prel rel = {0};
    bool table = plan->kind == OV_PLAN_SCAN && plan->scan.filter == NULL;
    if (table && !right) {
        OV_TRY(from_scan(p, plan, &rel, err));
    } else if (plan->kind == OV_PLAN_JOIN && !right) {
        OV_TRY(ovi_prel_open(p, plan, &rel, err));
        p->lost = p->lost || rel.filter;
    } else {
        OV_TRY(ovi_prel_query(p, plan, &rel, err));
    }
    *source = rel.source;
    *names = rel.names;
    return OV_OK;
}

static ov_status join_condition(ovi_printer *p, const ov_plan *plan, const ov_slice *names, ov_slice *out, ov_error *err)
{
    const ov_expr **shift, **keys;
    uint32_t left = plan->inputs[0]->field_count, right = plan->inputs[1]->field_count;
    ov_buf text;
    OV_TRY(ov_arena_alloc(p->arena, (right + (size_t)1) * sizeof *shift, &shift, err));
    for (uint32_t i = 0; i < right; i++)
        OV_TRY(ov_plan_column(p->cx, plan, left + i, &shift[i], err));
    OV_TRY(ov_arena_alloc(p->arena, (plan->join.key_count + (size_t)1) * sizeof *keys, &keys, err));
    for (uint32_t i = 0; i < plan->join.key_count; i++)
        OV_TRY(ov_expr_rebase(p->cx, plan->join.right_keys[i], shift, &keys[i], err));
    ov_buf_init(&text);
    uint32_t parts = plan->join.key_count + (plan->join.residual != NULL);
    if (parts > 1)
        ov_buf_add_char(&text, '(');
    for (uint32_t i = 0; i < plan->join.key_count; i++) {
        ov_buf_add_str(&text, i ? " && (" : "(");
        ovi_pexpr(p, plan->join.left_keys[i], names, &text);
        ov_buf_add_str(&text, " == ");
        ovi_pexpr(p, keys[i], names, &text);
        ov_buf_add_char(&text, ')');
    }
    if (plan->join.residual) {
        ov_buf_add_str(&text, plan->join.key_count ? " && " : "");
        ovi_pexpr(p, plan->join.residual, names, &text);
    }
    if (parts == 0)
        ov_buf_add_char(&text, '1');
    if (parts > 1)
        ov_buf_add_char(&text, ')');
    return keep(p, &text, out, err);
}

/* How often j is already in front of the names below: j0., _j0., __j0. as Druid has it. */
static ov_slice prefix_of(ovi_printer *p, const ov_slice *names, uint32_t count)
{
    size_t most = 0;
    for (uint32_t i = 0; i < count; i++) {
        size_t n = 0;
        while (n < names[i].n && names[i].p[n] == '_')
            n++;
        if (ov_slice_starts(ov_slice_make(names[i].p + n, names[i].n - n), OV_SLICE_LIT("j0.")))
            most = OV_MAX(most, n + 1);
    }
    static const char text[] = "________________j0.";
    p->lost = p->lost || most > 16;
    return ov_slice_cstr(text + 16 - OV_MIN(most, (size_t)16));
}

static ov_status from_join(ovi_printer *p, const ov_plan *plan, ovi_prel *out, ov_error *err)
{
    static const char *const kinds[] = {
        [OV_JOINS_INNER] = "INNER", [OV_JOINS_LEFT] = "LEFT", [OV_JOINS_RIGHT] = "RIGHT", [OV_JOINS_FULL] = "FULL"};
    ov_slice left, right, *names;
    const ov_slice *left_names, *right_names;
    uint32_t l = plan->inputs[0]->field_count, r = plan->inputs[1]->field_count;
    if (plan->join.kind >= OV_COUNT_OF(kinds) || !kinds[plan->join.kind] || plan->field_count != l + r) {
        p->lost = true;
        return OV_OK;
    }
    OV_TRY(join_side(p, plan->inputs[0], false, &left, &left_names, err));
    OV_TRY(join_side(p, plan->inputs[1], true, &right, &right_names, err));
    if (p->lost)
        return OV_OK;
    ov_slice prefix = prefix_of(p, left_names, l);
    OV_TRY(ov_arena_alloc(p->arena, (l + r + (size_t)1) * sizeof *names, &names, err));
    memcpy(names, left_names, l * sizeof *names);
    for (uint32_t i = 0; i < r; i++)
        OV_TRY(ov_arena_printf(p->arena, &names[l + i], err, OV_SLICE_FMT OV_SLICE_FMT, OV_SLICE_WHOLE(prefix),
                               OV_SLICE_WHOLE(right_names[i])));
    ov_buf text;
    ov_slice condition;
    OV_TRY(join_condition(p, plan, names, &condition, err));
    ov_buf_init(&text);
    ov_buf_add_str(&text, "{\"type\":\"join\",\"left\":");
    ov_buf_add_slice(&text, left);
    ov_buf_add_str(&text, ",\"right\":");
    ov_buf_add_slice(&text, right);
    ov_buf_add_str(&text, ",\"rightPrefix\":");
    ov_json_quote(&text, prefix);
    ov_buf_add_str(&text, ",\"condition\":");
    ov_json_quote(&text, condition);
    ov_buf_addf(&text, ",\"joinType\":\"%s\"}", kinds[plan->join.kind]);
    OV_TRY(keep(p, &text, &out->source, err));
    return ovi_prel_plain(p, plan, names, out, err);
}

static ov_status from_unnest(ovi_printer *p, const ov_plan *plan, ovi_prel *out, ov_error *err)
{
    ovi_prel base = {0};
    ov_slice *names;
    ov_buf text, list;
    char type[48];
    const ov_plan *in = plan->inputs[0];
    const ov_expr *values = plan->unnest.lists[0];
    bool table = in->kind == OV_PLAN_SCAN && !in->scan.filter;
    if (plan->unnest.ordinality || plan->unnest.list_count > 1 || plan->unnest.outer != (values->type.id == OV_TYPE_STRING)) {
        p->lost = true;
        return OV_OK;
    }
    OV_TRY(table ? from_scan(p, in, &base, err) : ovi_prel_query(p, in, &base, err));
    if (p->lost)
        return OV_OK;
    OV_TRY(ov_arena_alloc(p->arena, (plan->field_count + (size_t)1) * sizeof *names, &names, err));
    memcpy(names, base.names, in->field_count * sizeof *names);
    names[in->field_count] = OV_SLICE_LIT("j0.unnest");
    for (uint32_t i = 0; i < in->field_count; i++)
        p->lost = p->lost || ov_slice_eq(names[i], names[in->field_count]);
    ov_buf_init(&list);
    ovi_pexpr(p, values, base.names, &list);
    ov_buf_init(&text);
    ov_buf_add_str(&text, "{\"type\":\"unnest\",\"base\":");
    ov_buf_add_slice(&text, base.source);
    ov_buf_add_str(&text, ",\"virtualColumn\":{\"type\":\"expression\",\"name\":\"j0.unnest\",\"expression\":");
    ov_json_quote(&text, ov_buf_slice(&list));
    ov_buf_addf(&text, ",\"outputType\":\"%s\"},\"unnestFilter\":null}", ovi_ptype(values, type));
    ov_buf_fini(&list);
    OV_TRY(keep(p, &text, &out->source, err));
    return ovi_prel_plain(p, plan, names, out, err);
}

/* Tables that are read as one: columns of the same names in the same order, nothing left out. */
static ov_status from_union(ovi_printer *p, const ov_plan *plan, ovi_prel *out, ov_error *err)
{
    ovi_prel first, one;
    ov_buf text;
    for (uint32_t i = 0; i < plan->input_count && !p->lost; i++) {
        OV_TRY(ovi_prel_open(p, plan->inputs[i], i ? &one : &first, err));
        if (p->lost)
            return OV_OK;
        const ovi_prel *rel = i ? &one : &first;
        p->lost = rel->base->kind != OV_PLAN_SCAN || rel->filter || rel->range_count != 1 || rel->ranges[0].start_ms != INT64_MIN ||
                  rel->ranges[0].end_ms != INT64_MAX;
        for (uint32_t k = 0; k < plan->field_count && !p->lost; k++)
            p->lost = rel->exprs[k]->kind != OV_EXPR_COLUMN ||
                      !ov_slice_eq(rel->names[rel->exprs[k]->column], first.names[first.exprs[k]->column]);
    }
    if (p->lost)
        return OV_OK;
    ov_buf_init(&text);
    ov_buf_add_str(&text, "{\"type\":\"union\",\"dataSources\":[");
    for (uint32_t i = 0; i < plan->input_count; i++) {
        const ov_plan *scan = plan->inputs[i];
        while (scan->kind != OV_PLAN_SCAN)
            scan = scan->inputs[0];
        ov_buf_add_str(&text, i ? ",{\"type\":\"table\",\"name\":" : "{\"type\":\"table\",\"name\":");
        ov_json_quote(&text, scan->scan.datasource->name);
        ov_buf_add_char(&text, '}');
    }
    ov_buf_add_str(&text, "]}");
    OV_TRY(keep(p, &text, &first.source, err));
    *out = first;
    return OV_OK;
}

/* ---- filters and projections ---- */

static ov_status through_filter(ovi_printer *p, const ov_plan *plan, ovi_prel *out, ov_error *err)
{
    const ov_expr *both[2], **args;
    OV_TRY(ov_expr_rebase(p->cx, plan->filter.predicate, out->exprs, &both[1], err));
    both[0] = out->filter;
    out->filter = both[1];
    if (!both[0])
        return OV_OK;
    OV_TRY(ov_arena_alloc(p->arena, sizeof both, &args, err));
    memcpy(args, both, sizeof both);
    return ov_expr_call(p->cx, OV_SLICE_LIT("AND"), args, 2, 0, 0, &out->filter, err);
}

static ov_status through_project(ovi_printer *p, const ov_plan *plan, ovi_prel *out, ov_error *err)
{
    const ov_expr **exprs;
    OV_TRY(ov_arena_alloc(p->arena, (plan->field_count + (size_t)1) * sizeof *exprs, &exprs, err));
    for (uint32_t i = 0; i < plan->field_count; i++)
        OV_TRY(ov_expr_rebase(p->cx, plan->project.exprs[i], out->exprs, &exprs[i], err));
    out->exprs = exprs;
    return OV_OK;
}

ov_status ovi_prel_open(ovi_printer *p, const ov_plan *plan, ovi_prel *out, ov_error *err)
{
    const ov_plan *row;
    *out = (ovi_prel){0};
    if (p->lost)
        return OV_OK;
    if (plan->input_count) {
        OV_TRY(constant_row(p, plan, &row, err));
        if (row)
            return from_values(p, row, out, err);
    }
    switch ((ov_plan_kind)plan->kind) {
    case OV_PLAN_FILTER:
    case OV_PLAN_PROJECT:
        OV_TRY(ovi_prel_open(p, plan->inputs[0], out, err));
        if (p->lost)
            return OV_OK;
        return plan->kind == OV_PLAN_FILTER ? through_filter(p, plan, out, err) : through_project(p, plan, out, err);
    case OV_PLAN_SCAN:
        return from_scan(p, plan, out, err);
    case OV_PLAN_VALUES:
        return from_values(p, plan, out, err);
    case OV_PLAN_JOIN:
        return p->how->rel ? ovi_ptree_source(p, plan, out, err) : from_join(p, plan, out, err);
    case OV_PLAN_UNNEST:
        return p->how->rel ? ovi_ptree_source(p, plan, out, err) : from_unnest(p, plan, out, err);
    case OV_PLAN_UNION:
        p->lost = p->lost || p->how->rel;
        return from_union(p, plan, out, err);
    case OV_PLAN_AGGREGATE:
    case OV_PLAN_SORT:
    case OV_PLAN_LIMIT:
    case OV_PLAN_WINDOW:
        return ovi_prel_query(p, plan, out, err);
    default:
        p->lost = true;
        return OV_OK;
    }
}
