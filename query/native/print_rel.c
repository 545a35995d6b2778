/*
 * The tree form of EXPLAIN (useNativeQueryExplain=false): one line a node of Druid's planner, each with its native query over a
 * placeholder (__join__, __subquery__, __correlate_unnest__), what it reads below it. A table on the left of a join or below
 * UNNEST shows all its columns, as there.
 */
#include "query/native/print_query.h"

#include "base/bits.h"
#include "query/exec/exec.h"

/* ---- names of rows ---- */

/* No two columns of one name: the next one gets a number behind it. */
static ov_status unique(ovi_printer *p, ov_slice *names, uint32_t count, ov_error *err)
{
    for (uint32_t i = 1; i < count; i++) {
        ov_slice wanted = names[i];
        bool taken = true;
        for (uint32_t n = 0; taken; n++) {
            taken = false;
            for (uint32_t k = 0; k < i && !taken; k++)
                taken = ov_slice_eq(names[k], names[i]);
            if (taken)
                OV_TRY(ov_arena_printf(p->arena, &names[i], err, OV_SLICE_FMT "%u", OV_SLICE_WHOLE(wanted), n));
        }
    }
    return OV_OK;
}

static ov_status row_names(ovi_printer *p, const ov_plan *plan, ov_slice **out, ov_error *err)
{
    ov_slice *part;
    uint32_t n = 0;
    OV_TRY(ov_arena_alloc(p->arena, (plan->field_count + (size_t)1) * sizeof **out, out, err));
    if (plan->kind == OV_PLAN_SCAN) {
        for (; n < plan->field_count; n++)
            (*out)[n] = plan->scan.datasource->columns[plan->scan.columns[n]].name;
        return OV_OK;
    }
    if (plan->kind != OV_PLAN_JOIN && plan->kind != OV_PLAN_UNNEST) {
        for (; n < plan->field_count; n++) {
            (*out)[n] = plan->fields[n].name;
            if (!(*out)[n].n)
                OV_TRY(ov_arena_printf(p->arena, &(*out)[n], err, "$f%u", n));
        }
        return unique(p, *out, n, err);
    }
    for (uint32_t s = 0; s < plan->input_count; s++) {
        OV_TRY(row_names(p, plan->inputs[s], &part, err));
        memcpy(*out + n, part, plan->inputs[s]->field_count * sizeof *part);
        n += plan->inputs[s]->field_count;
    }
    for (; n < plan->field_count; n++)
        (*out)[n] = OV_SLICE_LIT("$f0");
    return unique(p, *out, n, err);
}

/* ---- whole tables ---- */

static ov_status own_columns(ovi_printer *p, const ov_plan *plan, const ov_expr ***out, ov_error *err)
{
    OV_TRY(ov_arena_alloc(p->arena, (plan->field_count + (size_t)1) * sizeof **out, out, err));
    for (uint32_t i = 0; i < plan->field_count; i++)
        OV_TRY(ov_plan_column(p->cx, plan, i, &(*out)[i], err));
    return OV_OK;
}

static ov_status widen(ovi_printer *p, const ov_plan *plan, const ov_plan **out, const ov_expr ***map, ov_error *err);

/* The left side, or what is below UNNEST, with all columns of its table. */
static ov_status widen_input(ovi_printer *p, const ov_plan *in, const ov_plan **out, const ov_expr ***map, ov_error *err)
{
    bool table = in->kind == OV_PLAN_SCAN && !in->scan.filter;
    if (in->kind == OV_PLAN_JOIN || in->kind == OV_PLAN_UNNEST)
        return widen(p, in, out, map, err);
    if (!table) {
        *out = in;
        return own_columns(p, in, map, err);
    }
    OV_TRY(ov_plan_scan(p->arena, in->scan.datasource, out, err));
    OV_TRY(ov_arena_alloc(p->arena, (in->field_count + (size_t)1) * sizeof **map, map, err));
    for (uint32_t i = 0; i < in->field_count; i++)
        OV_TRY(ov_plan_column(p->cx, *out, in->scan.columns[i], &(*map)[i], err));
    return OV_OK;
}

/* The node over whole tables; map: where its columns are then. */
static ov_status widen(ovi_printer *p, const ov_plan *plan, const ov_plan **out, const ov_expr ***map, ov_error *err)
{
    const ov_plan *left, *made;
    const ov_expr **left_map, **keys;
    ov_plan *copy;
    uint32_t l = plan->inputs[0]->field_count;
    OV_TRY(widen_input(p, plan->inputs[0], &left, &left_map, err));
    if (plan->kind == OV_PLAN_UNNEST) {
        const ov_expr **lists;
        OV_TRY(ov_arena_alloc(p->arena, plan->unnest.list_count * sizeof *lists, &lists, err));
        for (uint32_t i = 0; i < plan->unnest.list_count; i++)
            OV_TRY(ov_expr_rebase(p->cx, plan->unnest.lists[i], left_map, &lists[i], err));
        OV_TRY(ov_plan_unnest_like(p->arena, plan, left, lists, &made, err));
    } else {
        OV_TRY(ov_plan_join(p->arena, (ov_join_kind)plan->join.kind, left, plan->inputs[1], NULL, &made, err));
    }
    OV_TRY(ov_arena_alloc(p->arena, (plan->field_count + (size_t)1) * sizeof **map, map, err));
    for (uint32_t i = 0; i < plan->field_count; i++) {
        if (i < l)
            (*map)[i] = left_map[i];
        else
            OV_TRY(ov_plan_column(p->cx, made, left->field_count + i - l, &(*map)[i], err));
    }
    OV_TRY(ov_arena_alloc(p->arena, sizeof *copy, &copy, err));
    *copy = *made;
    if (plan->kind == OV_PLAN_JOIN) {
        OV_TRY(ov_arena_alloc(p->arena, (plan->join.key_count + (size_t)1) * sizeof *keys, &keys, err));
        for (uint32_t i = 0; i < plan->join.key_count; i++)
            OV_TRY(ov_expr_rebase(p->cx, plan->join.left_keys[i], left_map, &keys[i], err));
        copy->join.left_keys = keys;
        copy->join.right_keys = plan->join.right_keys;
        copy->join.key_count = plan->join.key_count;
        copy->join.residual = NULL;
        if (plan->join.residual)
            OV_TRY(ov_expr_rebase(p->cx, plan->join.residual, *map, &copy->join.residual, err));
    }
    *out = copy;
    return OV_OK;
}

/* ---- sources ---- */

ov_status ovi_ptree_source(ovi_printer *p, const ov_plan *plan, ovi_prel *out, ov_error *err)
{
    const ov_plan *wide = plan;
    const ov_expr **map = NULL;
    ov_slice *names;
    bool join = plan->kind == OV_PLAN_JOIN, unnest = plan->kind == OV_PLAN_UNNEST;
    p->lost = p->lost || (join && plan->join.kind > OV_JOINS_FULL) || (unnest && (plan->unnest.ordinality || plan->unnest.list_count > 1));
    if (p->lost)
        return OV_OK;
    if (join || unnest)
        OV_TRY(widen(p, plan, &wide, &map, err));
    OV_TRY(row_names(p, wide, &names, err));
    OV_TRY(ovi_prel_plain(p, wide, names, out, err));
    if (map)
        out->exprs = map;
    out->source = join     ? OV_SLICE_LIT("{\"type\":\"table\",\"name\":\"__join__\"}")
                  : unnest ? OV_SLICE_LIT("{\"type\":\"table\",\"name\":\"__correlate_unnest__\"}")
                           : OV_SLICE_LIT("{\"type\":\"table\",\"name\":\"__subquery__\"}");
    p->below = (ovi_pbelow){.kind = join ? OVI_PBELOW_JOIN : unnest ? OVI_PBELOW_UNNEST : OVI_PBELOW_QUERY, .node = wide};
    return OV_OK;
}

/* ---- Calcite's words for conditions ---- */

static void add_rex(ovi_printer *p, const ov_expr *e, uint32_t shift, ov_slice correlate, const ov_slice *names, ov_buf *out)
{
    static const char *const known[][2] = {{"=", "="}, {"<>", "<>"}, {"<", "<"}, {"<=", "<="}, {">", ">"}, {">=", ">="},
                                           {"+", "+"}, {"-", "-"},   {"*", "*"}, {"AND", "AND"}, {"OR", "OR"}, {"NOT", "NOT"}};
    const char *name = NULL;
    if (e->kind == OV_EXPR_COLUMN && names)
        ov_buf_addf(out, OV_SLICE_FMT "." OV_SLICE_FMT, OV_SLICE_WHOLE(correlate), OV_SLICE_WHOLE(names[e->column]));
    else if (e->kind == OV_EXPR_COLUMN)
        ov_buf_addf(out, "$%u", shift + e->column);
    else if (e->kind == OV_EXPR_CONST && !e->constant.is_null && ov_type_is_int(e->type) && e->sql != OV_SQL_TIMESTAMP)
        ov_buf_add_i64(out, e->constant.i);
    else if (e->kind == OV_EXPR_CONST && !e->constant.is_null && e->type.id == OV_TYPE_STRING)
        ov_buf_addf(out, "'" OV_SLICE_FMT "'", OV_SLICE_WHOLE(e->constant.s));
    else if (e->kind == OV_EXPR_CALL)
        name = ov_expr_function(e);
    else
        p->lost = true;
    if (e->kind != OV_EXPR_CALL)
        return;
    bool plain = false;
    for (size_t i = 0; i < OV_COUNT_OF(known); i++)
        plain |= strcmp(name, known[i][0]) == 0;
    for (const char *c = name; !plain && *c; c++)
        p->lost = p->lost || !((*c >= 'A' && *c <= 'Z') || *c == '_' || (*c >= '0' && *c <= '9'));
    ov_buf_add_str(out, name);
    for (uint32_t i = 0; i < e->argc; i++) {
        ov_buf_add_str(out, i ? ", " : "(");
        add_rex(p, e->args[i], shift, correlate, names, out);
    }
    ov_buf_add_str(out, e->argc ? ")" : "()");
}

static void add_condition(ovi_printer *p, const ov_plan *join, ov_buf *out)
{
    uint32_t parts = join->join.key_count + (join->join.residual != NULL), left = join->inputs[0]->field_count;
    if (!parts)
        ov_buf_add_str(out, "true");
    ov_buf_add_str(out, parts > 1 ? "AND(" : "");
    for (uint32_t i = 0; i < join->join.key_count; i++) {
        ov_buf_add_str(out, i ? ", =(" : "=(");
        add_rex(p, join->join.left_keys[i], 0, (ov_slice){0}, NULL, out);
        ov_buf_add_str(out, ", ");
        add_rex(p, join->join.right_keys[i], left, (ov_slice){0}, NULL, out);
        ov_buf_add_char(out, ')');
    }
    if (join->join.residual) {
        ov_buf_add_str(out, join->join.key_count ? ", " : "");
        add_rex(p, join->join.residual, 0, (ov_slice){0}, NULL, out);
    }
    ov_buf_add_str(out, parts > 1 ? ")" : "");
}

/* ---- nodes ---- */

static void indent(uint32_t depth, ov_buf *out)
{
    while (depth--)
        ov_buf_add_str(out, "  ");
}

static ov_status add_query(ovi_printer *p, const ov_plan *plan, const ovi_pquery *one, ov_buf *out, ov_error *err)
{
    char type[48];
    uint32_t shown = 0;
    const uint64_t *first;
    OV_TRY(ovi_pfirst_names(p, one->columns, plan->field_count, &first, err));
    ov_buf_add_str(out, "query=[");
    ov_buf_add_slice(out, one->text);
    ov_buf_add_str(out, "], signature=[{");
    for (uint32_t i = 0; i < plan->field_count; i++) {
        if (!ov_bits_test(first, i))
            continue;
        ov_type t = plan->fields[i].type;
        t.multi = 0;
        ov_buf_addf(out, "%s" OV_SLICE_FMT ":%s", shown++ ? ", " : "", OV_SLICE_WHOLE(one->columns[i]),
                    t.id == OV_TYPE_NULL ? "STRING" : ov_type_name(t, type));
    }
    ov_buf_add_str(out, one->time_behind ? ", __time:LONG}])\n" : "}])\n");
    return OV_OK;
}

/* Only the columns that are read from above; all when none is. */
static ov_status used_part(ovi_printer *p, const ovi_pbelow *below, const ov_plan **out, ov_error *err)
{
    const ov_expr **exprs;
    ov_slice *names;
    uint32_t n = 0, count = below->node->field_count;
    *out = below->node;
    if (!below->used)
        return OV_OK;
    OV_TRY(ov_arena_alloc(p->arena, (count + (size_t)1) * sizeof *exprs, &exprs, err));
    OV_TRY(ov_arena_alloc(p->arena, (count + (size_t)1) * sizeof *names, &names, err));
    for (uint32_t i = 0; i < count; i++) {
        if (!ov_bits_test(below->used, i))
            continue;
        names[n] = below->node->fields[i].name;
        OV_TRY(ov_plan_column(p->cx, below->node, i, &exprs[n++], err));
    }
    if (n == 0 || n == count)
        return OV_OK;
    return ov_plan_project(p->arena, below->node, exprs, names, n, out, err);
}

static ov_status add_unnest(ovi_printer *p, const ov_plan *plan, const ovi_pquery *one, const ovi_pbelow *below, uint32_t depth,
                            ov_buf *out, ov_error *err)
{
    const ov_plan *node = below->node, *in = node->inputs[0];
    const ov_expr *list = node->unnest.lists[0];
    uint64_t *reads;
    ov_slice *names, correlate;
    bool more = false, multi = list->type.id == OV_TYPE_STRING;
    OV_TRY(row_names(p, in, &names, err));
    OV_TRY(ov_arena_zalloc(p->arena, (in->field_count / 64 + (size_t)1) * sizeof *reads, &reads, err));
    ov_expr_columns(list, reads, in->field_count);
    OV_TRY(ov_arena_printf(p->arena, &correlate, err, "$cor%u", ++p->correlations));
    ov_buf_addf(out, "DruidCorrelateUnnestRel(correlation=[" OV_SLICE_FMT "], joinType=[%s], requiredColumns=[{",
                OV_SLICE_WHOLE(correlate), node->unnest.outer != multi ? "left" : "inner");
    for (uint32_t i = 0; i < in->field_count; i++)
        if (ov_bits_test(reads, i)) {
            ov_buf_addf(out, "%s%u", more ? ", " : "", i);
            more = true;
        }
    ov_buf_add_str(out, "}], ");
    OV_TRY(add_query(p, plan, one, out, err));
    OV_TRY(ovi_ptree_print(p, in, depth + 1, out, err));
    indent(depth + 1, out);
    ov_buf_add_str(out, multi ? "DruidUnnestRel(expr=[MV_TO_ARRAY(" : "DruidUnnestRel(expr=[");
    add_rex(p, list, 0, correlate, names, out);
    ov_buf_add_str(out, multi ? ")], filter=[null])\n" : "], filter=[null])\n");
    return OV_OK;
}

ov_status ovi_ptree_print(ovi_printer *p, const ov_plan *plan, uint32_t depth, ov_buf *out, ov_error *err)
{
    static const char *const kinds[] = {
        [OV_JOINS_INNER] = "inner", [OV_JOINS_LEFT] = "left", [OV_JOINS_RIGHT] = "right", [OV_JOINS_FULL] = "full"};
    ovi_pquery one;
    const ov_plan *part;
    indent(depth, out);
    if (plan->kind == OV_PLAN_UNION) {
        ov_buf_add_str(out, "DruidUnionRel(limit=[-1])\n");
        for (uint32_t i = 0; i < plan->input_count; i++)
            OV_TRY(ovi_ptree_print(p, plan->inputs[i], depth + 1, out, err));
        return OV_OK;
    }
    p->below = (ovi_pbelow){0};
    OV_TRY(ovi_pquery_print(p, plan, &one, err));
    ovi_pbelow below = p->below;
    if (p->lost)
        return OV_OK;
    switch (below.kind) {
    case OVI_PBELOW_NOTHING:
        ov_buf_add_str(out, "DruidQueryRel(");
        OV_TRY(add_query(p, plan, &one, out, err));
        return OV_OK;
    case OVI_PBELOW_QUERY:
        OV_TRY(used_part(p, &below, &part, err));
        ov_buf_add_str(out, "DruidOuterQueryRel(");
        OV_TRY(add_query(p, plan, &one, out, err));
        return ovi_ptree_print(p, part, depth + 1, out, err);
    case OVI_PBELOW_JOIN:
        ov_buf_add_str(out, "DruidJoinQueryRel(condition=[");
        add_condition(p, below.node, out);
        ov_buf_addf(out, "], joinType=[%s], ", kinds[below.node->join.kind]);
        OV_TRY(add_query(p, plan, &one, out, err));
        OV_TRY(ovi_ptree_print(p, below.node->inputs[0], depth + 1, out, err));
        return ovi_ptree_print(p, below.node->inputs[1], depth + 1, out, err);
    case OVI_PBELOW_UNNEST:
        return add_unnest(p, plan, &one, &below, depth, out, err);
    }
    return OV_OK;
}

bool ovi_ptree_system(const ov_plan *plan, ov_buf *out)
{
    while (plan->kind == OV_PLAN_PROJECT) {
        for (uint32_t i = 0; i < plan->field_count; i++)
            if (plan->project.exprs[i]->kind != OV_EXPR_COLUMN || plan->project.exprs[i]->column != i)
                return false;
        plan = plan->inputs[0];
    }
    if (plan->kind != OV_PLAN_SYSTEM)
        return false;
    const ov_systable *t = plan->system.table;
    if (strcmp(t->schema, "EXTERNAL") == 0 || plan->field_count != t->field_count - t->unlisted)
        return false;
    for (uint32_t i = 0; i < plan->field_count; i++)
        if (plan->system.columns[i] != i)
            return false;
    ov_buf_addf(out, "BindableTableScan(table=[[%s, %s]])\n", t->schema, t->name);
    return true;
}
