/*
 * Conditions on one column of a region of joins, said of every column that must be equal to it.
 */
#include <math.h>

#include "query/plan/opt_order.h"

/* column = column, of one type */
static bool is_equality(const ov_expr *e)
{
    return ov_expr_op(e) == OV_OP_EQ && e->argc == 2 && e->args[0]->kind == OV_EXPR_COLUMN &&
           e->args[1]->kind == OV_EXPR_COLUMN && ov_type_eq(e->args[0]->type, e->args[1]->type);
}

/* A comparison of a column with constants, which an index may answer. */
static bool is_simple(const ov_expr *e)
{
    ov_op op = ov_expr_op(e);
    if (op != OV_OP_EQ && op != OV_OP_IN && op != OV_OP_LT && op != OV_OP_LE && op != OV_OP_GT && op != OV_OP_GE)
        return false;
    for (uint32_t i = 1; i < e->argc; i++)
        if (e->args[i]->kind != OV_EXPR_CONST)
            return false;
    return e->argc > 0 && e->args[0]->kind == OV_EXPR_COLUMN;
}

static uint32_t root_of(uint32_t *same, uint32_t c)
{
    while (same[c] != c)
        c = same[c] = same[same[c]];
    return c;
}

static bool has_part(const ov_plan *scan, const ov_expr *e)
{
    const ov_expr *const *parts;
    uint32_t count = scan->scan.filter ? ovi_plan_conjuncts(&scan->scan.filter, &parts) : 0;
    for (uint32_t i = 0; i < count; i++)
        if (ov_expr_equal(parts[i], e))
            return true;
    return false;
}

static ov_status other_column(void *to, const ov_expr *column, const ov_expr **out, ov_error *err)
{
    (void)column, (void)err;
    *out = to;
    return OV_OK;
}

/* A part of input i's filter, for the scans of all columns that are equal to the one it reads. */
static OV_CHECKED ov_status spread_part(ovi_order_region *g, uint32_t i, const ov_expr *part, uint32_t *same, ov_error *err)
{
    uint32_t root = root_of(same, g->first[i] + part->args[0]->column);
    for (uint32_t k = 0; k < g->count; k++) {
        if (k == i || g->input[k]->kind != OV_PLAN_SCAN)
            continue;
        for (uint32_t c = 0; c < g->input[k]->field_count; c++) {
            const ov_expr *column, *there;
            if (root_of(same, g->first[k] + c) != root || !ov_type_eq(g->input[k]->fields[c].type, part->args[0]->type))
                continue;
            OV_TRY(ov_plan_column(g->cx, g->input[k], c, &column, err));
            OV_TRY(ov_expr_rewrite(g->cx, part, other_column, (void *)(uintptr_t)column, &there, err));
            if (has_part(g->input[k], there))
                continue;
            OV_TRY(ov_plan_filter(g->cx->arena, g->input[k], there, &g->input[k], err));
            OV_TRY(ovi_plan_push_filters(g->cx, g->input[k], &g->input[k], err));
            g->rows[k] = fmax(ovi_plan_guess_rows(g->cx, g->input[k]), 1);
        }
    }
    return OV_OK;
}

ov_status ovi_order_spread(ovi_order_region *g, ov_error *err)
{
    uint32_t *same, columns = g->columns.field_count, known = g->condition_count;
    OV_TRY(ov_arena_alloc(g->cx->arena, (columns + (size_t)1) * sizeof *same, &same, err));
    for (uint32_t c = 0; c < columns; c++)
        same[c] = c;
    for (uint32_t i = 0; i < known; i++)
        if (is_equality(g->conditions[i].e))
            same[root_of(same, g->conditions[i].e->args[0]->column)] =
                root_of(same, g->conditions[i].e->args[1]->column);
    for (uint32_t i = 0; i < g->count; i++) {
        const ov_expr *const *parts;
        if (g->input[i]->kind != OV_PLAN_SCAN || !g->input[i]->scan.filter)
            continue;
        uint32_t count = ovi_plan_conjuncts(&g->input[i]->scan.filter, &parts);
        for (uint32_t p = 0; p < count; p++)
            if (is_simple(parts[p]))
                OV_TRY(spread_part(g, i, parts[p], same, err));
    }
    return OV_OK;
}
