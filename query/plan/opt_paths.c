/*
 * JSON_VALUE with a constant path, of a column of a scan, becomes a column of the scan: in its filter, and in a
 * projection or grouping right above it. Segments that keep the path as a sub-column then read that one, with its
 * dictionary, row sets and bounds; others evaluate the text (query/exec/scan_plan.c).
 */
#include "base/bits.h"
#include "query/plan/opt_int.h"

enum { MAX_FOUND = 256 }; /* more calls than that in one query stay as they are */

typedef struct finder {
    ov_expr_ctx *cx;
    const ov_plan *scan;
    uint32_t count;
    const ov_expr *calls[MAX_FOUND];
    uint32_t parents[MAX_FOUND]; /* columns of the scan */
    ov_scan_path *paths[MAX_FOUND];
} finder;

/* ---- finding ---- */

static bool same_call(const ov_expr *a, const ov_expr *b)
{
    return ov_type_eq(a->type, b->type) && a->sql == b->sql && a->elem_sql == b->elem_sql && ov_expr_equal(a, b);
}

static OV_CHECKED ov_status add_call(finder *f, const ov_expr *e, uint32_t parent, ov_slice name, ov_error *err)
{
    ov_scan_path *p;
    OV_TRY(ov_arena_zalloc(f->cx->arena, sizeof *p, &p, err));
    p->name = name;
    OV_TRY(ov_expr_json_text(f->cx, e, &p->from_text, err));
    OV_TRY(ov_expr_json_stored(f->cx, e, OV_T(OV_TYPE_LONG), &p->from_long, err));
    OV_TRY(ov_expr_json_stored(f->cx, e, OV_T(OV_TYPE_DOUBLE), &p->from_double, err));
    OV_TRY(ov_expr_json_stored(f->cx, e, OV_T(OV_TYPE_STRING), &p->from_string, err));
    OV_TRY(ov_expr_json_stored(f->cx, e, (ov_type){.id = OV_TYPE_COMPLEX, .complex = OV_COMPLEX_JSON},
                               &p->from_json, err));
    f->calls[f->count] = e;
    f->parents[f->count] = parent;
    f->paths[f->count++] = p;
    return OV_OK;
}

/* The column that stands for e; *out stays NULL when e is none of those calls. */
static OV_CHECKED ov_status column_for(finder *f, const ov_expr *e, const ov_expr **out, ov_error *err)
{
    bool is;
    uint32_t parent, at = 0;
    ov_slice name;
    OV_TRY(ov_expr_json_path(e, f->cx->arena, &is, &parent, &name, err));
    if (!is)
        return OV_OK;
    while (at < f->count && !same_call(f->calls[at], e))
        at++;
    if (at == MAX_FOUND)
        return OV_OK;
    if (at == f->count)
        OV_TRY(add_call(f, e, parent, name, err));
    uint32_t column = f->scan->field_count + at;
    if (e->type.id == OV_TYPE_ARRAY)
        return ov_expr_array_column(f->cx, column, e->type, (ov_sqltype)e->elem_sql, true, out, err);
    return ov_expr_column(f->cx, column, e->type, (ov_sqltype)e->sql, true, out, err);
}

/* The tree with those calls replaced. Which columns its nodes read is set right by rebase(). */
static OV_CHECKED ov_status replace(finder *f, const ov_expr *e, const ov_expr **out, ov_error *err)
{
    const ov_expr *column = NULL, **args;
    bool changed = false;
    *out = e;
    if (e->argc == 0)
        return OV_OK;
    OV_TRY(column_for(f, e, &column, err));
    if (column) {
        *out = column;
        return OV_OK;
    }
    OV_TRY(ov_arena_alloc(f->cx->arena, e->argc * sizeof *args, &args, err));
    for (uint32_t i = 0; i < e->argc; i++) {
        OV_TRY(replace(f, e->args[i], &args[i], err));
        changed = changed || args[i] != e->args[i];
    }
    if (!changed)
        return OV_OK;
    ov_expr *copy;
    OV_TRY(ov_expr_copy(f->cx->arena, e, &copy, err));
    copy->args = args;
    *out = copy;
    return OV_OK;
}

static OV_CHECKED ov_status replace_filter(finder *f, ov_plan *scan, ov_error *err)
{
    if (scan->scan.filter)
        OV_TRY(replace(f, scan->scan.filter, &scan->scan.filter, err));
    return scan->scan.residual ? replace(f, scan->scan.residual, &scan->scan.residual, err) : OV_OK;
}

/* ---- the new scan ---- */

/* `scan`, whose filter is replaced already, with the columns of `used` (of the old ones and those found) and all its
 * filter reads. map[i]: where column i now is. */
static OV_CHECKED ov_status new_scan(finder *f, ov_plan *scan, uint64_t *used, const ov_expr ***map, ov_error *err)
{
    uint32_t old = f->scan->field_count, all = old + f->count, n = 0, *columns;
    ov_field *fields;
    const ov_scan_path **paths;
    if (scan->scan.filter)
        ov_expr_columns(scan->scan.filter, used, all);
    if (scan->scan.residual)
        ov_expr_columns(scan->scan.residual, used, all);
    OV_TRY(ov_arena_zalloc(f->cx->arena, (all + (size_t)1) * sizeof *fields, &fields, err));
    OV_TRY(ov_arena_zalloc(f->cx->arena, (all + (size_t)1) * sizeof *columns, &columns, err));
    OV_TRY(ov_arena_zalloc(f->cx->arena, (all + (size_t)1) * sizeof *paths, &paths, err));
    OV_TRY(ov_arena_zalloc(f->cx->arena, (all + (size_t)1) * sizeof **map, map, err));
    for (uint32_t i = 0; i < all; i++) {
        if (!ov_bits_test(used, i))
            continue;
        const ov_expr *call = i < old ? NULL : f->calls[i - old];
        fields[n] = call ? (ov_field){f->paths[i - old]->name, call->type, call->sql, true, call->elem_sql}
                         : f->scan->fields[i];
        columns[n] = f->scan->scan.columns[call ? f->parents[i - old] : i];
        paths[n++] = call ? f->paths[i - old] : NULL;
    }
    scan->fields = fields;
    scan->field_count = n;
    scan->scan.columns = columns;
    scan->scan.paths = paths;
    for (uint32_t i = 0, at = 0; i < all; i++)
        if (ov_bits_test(used, i))
            OV_TRY(ov_plan_column(f->cx, scan, at++, &(*map)[i], err));
    if (scan->scan.filter)
        OV_TRY(ov_expr_rebase(f->cx, scan->scan.filter, *map, &scan->scan.filter, err));
    return scan->scan.residual ? ov_expr_rebase(f->cx, scan->scan.residual, *map, &scan->scan.residual, err) : OV_OK;
}

static OV_CHECKED ov_status begin(finder **f, ov_expr_ctx *cx, const ov_plan *scan, ov_plan **copy, ov_error *err)
{
    OV_TRY(ov_arena_zalloc(cx->arena, sizeof **f, f, err));
    (*f)->cx = cx;
    (*f)->scan = scan;
    OV_TRY(ov_arena_alloc(cx->arena, sizeof **copy, copy, err));
    **copy = *scan;
    return replace_filter(*f, *copy, err);
}

static OV_CHECKED ov_status new_bits(finder *f, uint64_t **used, ov_error *err)
{
    return ov_arena_zalloc(f->cx->arena, (ov_words(f->scan->field_count + f->count) + (size_t)1) * 8, used, err);
}

/* A scan below a node that wants its columns as they are. */
static OV_CHECKED ov_status alone(ov_expr_ctx *cx, const ov_plan *plan, const ov_plan **out, ov_error *err)
{
    finder *f;
    ov_plan *scan;
    uint64_t *used;
    const ov_expr **map;
    ov_slice *names;
    *out = plan;
    OV_TRY(begin(&f, cx, plan, &scan, err));
    if (f->count == 0)
        return OV_OK;
    OV_TRY(new_bits(f, &used, err));
    ov_bits_set_range(used, 0, plan->field_count);
    OV_TRY(new_scan(f, scan, used, &map, err));
    OV_TRY(ov_arena_zalloc(cx->arena, (plan->field_count + (size_t)1) * sizeof *names, &names, err));
    for (uint32_t i = 0; i < plan->field_count; i++)
        names[i] = plan->fields[i].name;
    return ov_plan_project(cx->arena, scan, map, names, plan->field_count, out, err);
}

/* ---- nodes above ---- */

/* Every expression of the node, one after the other: counted first, then read into or written from `list`. */
static uint32_t expr_count(const ov_plan *plan)
{
    if (plan->kind == OV_PLAN_PROJECT)
        return plan->field_count;
    uint32_t n = plan->aggregate.key_count;
    for (uint32_t i = 0; i < plan->aggregate.agg_count; i++)
        n += plan->aggregate.aggs[i].argc + (plan->aggregate.aggs[i].filter != NULL);
    return n;
}

static void take_exprs(const ov_plan *plan, const ov_expr **list)
{
    if (plan->kind == OV_PLAN_PROJECT) {
        for (uint32_t i = 0; i < plan->field_count; i++)
            *list++ = plan->project.exprs[i];
        return;
    }
    for (uint32_t i = 0; i < plan->aggregate.key_count; i++)
        *list++ = plan->aggregate.keys[i];
    for (uint32_t i = 0; i < plan->aggregate.agg_count; i++) {
        const ov_agg_call *call = &plan->aggregate.aggs[i];
        for (uint32_t a = 0; a < call->argc; a++)
            *list++ = call->args[a];
        if (call->filter)
            *list++ = call->filter;
    }
}

static OV_CHECKED ov_status give_exprs(finder *f, ov_plan *plan, const ov_expr **list, ov_error *err)
{
    if (plan->kind == OV_PLAN_PROJECT) {
        plan->project.exprs = list;
        return OV_OK;
    }
    ov_agg_call *calls;
    OV_TRY(ov_arena_alloc(f->cx->arena, (plan->aggregate.agg_count + (size_t)1) * sizeof *calls, &calls, err));
    plan->aggregate.keys = list;
    list += plan->aggregate.key_count;
    for (uint32_t i = 0; i < plan->aggregate.agg_count; i++) {
        calls[i] = plan->aggregate.aggs[i];
        calls[i].args = list;
        list += calls[i].argc;
        if (calls[i].filter)
            calls[i].filter = *list++;
    }
    plan->aggregate.aggs = calls;
    return OV_OK;
}

static OV_CHECKED ov_status above(ov_expr_ctx *cx, const ov_plan *plan, const ov_plan **out, ov_error *err)
{
    finder *f;
    ov_plan *scan, *node;
    uint64_t *used;
    const ov_expr **list, **map;
    uint32_t n = expr_count(plan);
    *out = plan;
    OV_TRY(begin(&f, cx, plan->inputs[0], &scan, err));
    OV_TRY(ov_arena_alloc(cx->arena, (n + (size_t)1) * sizeof *list, &list, err));
    take_exprs(plan, list);
    for (uint32_t i = 0; i < n; i++)
        OV_TRY(replace(f, list[i], &list[i], err));
    if (f->count == 0)
        return OV_OK;
    OV_TRY(new_bits(f, &used, err));
    for (uint32_t i = 0; i < n; i++)
        ov_expr_columns(list[i], used, f->scan->field_count + f->count);
    OV_TRY(new_scan(f, scan, used, &map, err));
    for (uint32_t i = 0; i < n; i++)
        OV_TRY(ov_expr_rebase(cx, list[i], map, &list[i], err));
    OV_TRY(ov_plan_new(cx->arena, (ov_plan_kind)plan->kind, 1, &node, err));
    const ov_plan **inputs = node->inputs;
    *node = *plan;
    node->inputs = inputs;
    inputs[0] = scan;
    *out = node;
    return give_exprs(f, node, list, err);
}

ov_status ov_plan_json_paths(ov_expr_ctx *cx, const ov_plan *in, const ov_plan **out, ov_error *err)
{
    bool reads = in->kind == OV_PLAN_PROJECT || in->kind == OV_PLAN_AGGREGATE;
    if (in->kind == OV_PLAN_SCAN)
        return alone(cx, in, out, err);
    if (reads && in->inputs[0]->kind == OV_PLAN_SCAN)
        return above(cx, in, out, err);
    return ovi_plan_each_input(cx, in, ov_plan_json_paths, out, err);
}
