/*
 * Estimates of rows and of distinct values, good enough to tell which join comes first and which side of it is kept in
 * memory. Numbers come from the catalog (rows, time bounds) and from one or two segments of a datasource (sizes of
 * dictionaries, bounds of numbers); where nothing is known, rules of thumb say something in between.
 */
#include <math.h>

#include "query/plan/opt_int.h"
#include "storage/catalog/catalog.h"

enum { SYSTEM_ROWS = 1000, SAMPLED_SEGMENTS = 2 };

typedef struct column_facts {
    double distinct; /* 0: unknown */
    bool has_range;
    double min, max;
} column_facts;

/* ---- columns of datasources ---- */

static void add_facts(const ov_segment *seg, ov_slice name, column_facts *f)
{
    const ov_column *column = ov_segment_find(seg, name);
    const ov_column_info *info = column ? ov_column_get_info(column) : NULL;
    const ov_domain *domain;
    ov_error ignored = OV_ERROR_INIT;
    if (!info)
        return;
    if (info->dict && ov_column_domain(column, &domain, &ignored) == OV_OK)
        f->distinct = fmax(f->distinct, (double)domain->count);
    if (!ov_type_is_int(info->type) || !info->stats.has_bounds)
        return;
    double min = (double)info->stats.min, max = (double)info->stats.max;
    f->min = f->has_range ? fmin(f->min, min) : min;
    f->max = f->has_range ? fmax(f->max, max) : max;
    f->has_range = true;
}

static column_facts facts_of(const ov_expr_ctx *cx, const ov_plan *scan, uint32_t column)
{
    const ov_datasource *d = scan->scan.datasource;
    ov_slice name = d->columns[scan->scan.columns[column]].name;
    column_facts f = {0};
    if (ov_slice_eq(name, OV_SLICE_LIT("__time")) && d->min_time <= d->max_time)
        return (column_facts){(double)d->rows, true, (double)d->min_time, (double)d->max_time};
    for (uint32_t i = 0; cx->snapshot && i < OV_MIN(d->segment_count, (uint32_t)SAMPLED_SEGMENTS); i++) {
        ov_segment *seg;
        ov_error ignored = OV_ERROR_INIT;
        if (ov_snapshot_open(cx->snapshot, d->segments[i * (d->segment_count - 1)], &seg, &ignored) != OV_OK)
            continue;
        add_facts(seg, name, &f);
        ov_segment_release(seg);
    }
    if (f.has_range && !f.distinct)
        f.distinct = f.max - f.min + 1;
    if (f.distinct)
        f.distinct = fmin(f.distinct, fmax((double)d->rows, 1));
    return f;
}

/* The column of a scan that a column of the plan is; NULL when it is computed. */
static const ov_plan *source_of(const ov_plan *plan, uint32_t *column)
{
    for (;;) {
        switch ((ov_plan_kind)plan->kind) {
        case OV_PLAN_SCAN:
            return plan;
        case OV_PLAN_PROJECT:
            if (plan->project.exprs[*column]->kind != OV_EXPR_COLUMN)
                return NULL;
            *column = plan->project.exprs[*column]->column;
            break;
        case OV_PLAN_AGGREGATE:
            if (*column >= plan->aggregate.key_count || plan->aggregate.keys[*column]->kind != OV_EXPR_COLUMN)
                return NULL;
            *column = plan->aggregate.keys[*column]->column;
            break;
        case OV_PLAN_FILTER:
        case OV_PLAN_SORT:
        case OV_PLAN_LIMIT:
            break;
        case OV_PLAN_JOIN:
            if (*column >= plan->inputs[0]->field_count) {
                if (ov_join_tests((ov_join_kind)plan->join.kind))
                    return NULL;
                *column -= plan->inputs[0]->field_count;
                plan = plan->inputs[1];
                continue;
            }
            break;
        default:
            return NULL;
        }
        plan = plan->inputs[0];
    }
}

double ov_plan_guess_distinct(const ov_expr_ctx *cx, const ov_plan *plan, const ov_expr *e)
{
    double rows = ovi_plan_guess_base(plan);
    uint32_t column = (uint32_t)OV_MAX(e->only_column, 0);
    if (e->kind == OV_EXPR_CONST)
        return 1;
    const ov_plan *scan = e->only_column >= 0 ? source_of(plan, &column) : NULL;
    column_facts f = {0};
    if (scan)
        f = facts_of(cx, scan, column);
    return f.distinct ? fmin(f.distinct, fmax(rows, 1)) : fmax(rows, 1);
}

/* ---- filters ---- */

static double constant_of(const ov_expr *e)
{
    return ov_type_is_real(e->type) ? e->constant.f : (double)e->constant.i;
}

static double share_of_range(const column_facts *f, const ov_expr *e)
{
    bool less = ov_expr_op(e) == OV_OP_LT || ov_expr_op(e) == OV_OP_LE;
    if (!f->has_range || e->args[1]->kind != OV_EXPR_CONST || e->args[1]->constant.is_null ||
        !(ov_type_is_int(e->args[1]->type) || ov_type_is_real(e->args[1]->type)))
        return 1.0 / 3;
    double share = (constant_of(e->args[1]) - f->min + 1) / (f->max - f->min + 1);
    share = fmin(fmax(less ? share : 1 - share, 0), 1);
    return fmax(share, 1e-6);
}

static double share_of(const ov_expr_ctx *cx, const ov_plan *scan, const ov_expr *e)
{
    double share = 1, distinct = 10;
    column_facts f = {0};
    if (e->argc && e->args[0]->kind == OV_EXPR_COLUMN)
        f = facts_of(cx, scan, e->args[0]->column);
    if (f.distinct)
        distinct = f.distinct;
    switch (ov_expr_op(e)) {
    case OV_OP_AND:
        for (uint32_t i = 0; i < e->argc; i++)
            share *= share_of(cx, scan, e->args[i]);
        return share;
    case OV_OP_OR:
        share = 0;
        for (uint32_t i = 0; i < e->argc; i++)
            share += share_of(cx, scan, e->args[i]);
        return fmin(share, 1);
    case OV_OP_NOT:
        return 1 - share_of(cx, scan, e->args[0]);
    case OV_OP_EQ:
        return 1 / distinct;
    case OV_OP_IN:
        return fmin(e->set->count / distinct, 1);
    case OV_OP_NE:
        return 1 - 1 / distinct;
    case OV_OP_LT:
    case OV_OP_LE:
    case OV_OP_GT:
    case OV_OP_GE:
        return share_of_range(&f, e);
    case OV_OP_IS_NULL:
        return 0.1;
    case OV_OP_IS_NOT_NULL:
        return 0.9;
    case OV_OP_LIKE:
        return 0.1;
    default:
        return 0.25;
    }
}

/* ---- rows ---- */

double ovi_plan_guess_base(const ov_plan *plan)
{
    double rows = 0;
    switch ((ov_plan_kind)plan->kind) {
    case OV_PLAN_SCAN:
        return (double)plan->scan.datasource->rows;
    case OV_PLAN_VALUES:
        return (double)plan->values.row_count;
    case OV_PLAN_SYSTEM:
        return SYSTEM_ROWS;
    default:
        break;
    }
    for (uint32_t i = 0; i < plan->input_count; i++)
        rows = fmax(rows, ovi_plan_guess_base(plan->inputs[i]));
    return rows;
}

static double groups_of(const ov_expr_ctx *cx, const ov_plan *plan)
{
    double rows = ovi_plan_guess_rows(cx, plan->inputs[0]), groups = 1;
    for (uint32_t i = 0; i < plan->aggregate.key_count && groups < rows; i++)
        groups *= ov_plan_guess_distinct(cx, plan->inputs[0], plan->aggregate.keys[i]);
    return fmin(groups, rows);
}

double ovi_plan_guess_join(const ov_expr_ctx *cx, const ov_plan *left, const ov_plan *right,
                           const ov_expr *const *left_keys, const ov_expr *const *right_keys, uint32_t count)
{
    double share = 1, most = fmax(fmin(ovi_plan_guess_base(left), ovi_plan_guess_base(right)), 1);
    for (uint32_t i = 0; i < count; i++)
        share /= fmin(ov_plan_guess_distinct(cx, left, left_keys[i]), ov_plan_guess_distinct(cx, right, right_keys[i]));
    return fmax(share, 1 / most);
}

static double joined_rows(const ov_expr_ctx *cx, const ov_plan *plan)
{
    ov_join_kind kind = (ov_join_kind)plan->join.kind;
    double l = ovi_plan_guess_rows(cx, plan->inputs[0]), r = ovi_plan_guess_rows(cx, plan->inputs[1]);
    if (kind == OV_JOINS_SEMI || kind == OV_JOINS_ANTI)
        return l / 2;
    if (kind == OV_JOINS_MARK || kind == OV_JOINS_SINGLE)
        return l;
    double rows = l * r;
    if (plan->join.key_count)
        rows *= ovi_plan_guess_join(cx, plan->inputs[0], plan->inputs[1], plan->join.left_keys, plan->join.right_keys,
                                    plan->join.key_count);
    if (plan->join.residual)
        rows /= 3;
    if (kind == OV_JOINS_LEFT || kind == OV_JOINS_FULL)
        rows = fmax(rows, l);
    if (kind == OV_JOINS_RIGHT || kind == OV_JOINS_FULL)
        rows = fmax(rows, r);
    return rows;
}

double ovi_plan_guess_rows(const ov_expr_ctx *cx, const ov_plan *plan)
{
    double rows = 0;
    switch ((ov_plan_kind)plan->kind) {
    case OV_PLAN_SCAN:
        rows = (double)plan->scan.datasource->rows;
        return plan->scan.filter ? rows * share_of(cx, plan, plan->scan.filter) : rows;
    case OV_PLAN_FILTER:
        return ovi_plan_guess_rows(cx, plan->inputs[0]) / 4;
    case OV_PLAN_AGGREGATE:
        return plan->aggregate.key_count ? groups_of(cx, plan) : 1;
    case OV_PLAN_SORT:
        return fmin(ovi_plan_guess_rows(cx, plan->inputs[0]), (double)plan->sort.limit);
    case OV_PLAN_LIMIT:
        return fmin(ovi_plan_guess_rows(cx, plan->inputs[0]), (double)plan->limit.limit);
    case OV_PLAN_JOIN:
        return joined_rows(cx, plan);
    case OV_PLAN_SYSTEM:
    case OV_PLAN_VALUES:
        return ovi_plan_guess_base(plan);
    default:
        for (uint32_t i = 0; i < plan->input_count; i++)
            rows += ovi_plan_guess_rows(cx, plan->inputs[i]);
        return rows;
    }
}
