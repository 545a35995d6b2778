/*
 * Filters of scans taken apart: AND-ed parts, the column each one reads, and ranges of numbers.
 */
#include "query/exec/scan.h"

#include "base/bits.h"

static bool is_and(const ov_expr *e)
{
    return e->kind == OV_EXPR_CALL && strcmp(ov_expr_function(e), "AND") == 0;
}

static uint32_t count_parts(const ov_expr *e)
{
    if (!is_and(e))
        return 1;
    uint32_t n = 0;
    for (uint32_t i = 0; i < e->argc; i++)
        n += count_parts(e->args[i]);
    return n;
}

/* column OP constant over LONG: the inclusive range it stands for. */
static void find_range(conjunct *c)
{
    const ov_expr *e = c->expr;
    if (e->kind != OV_EXPR_CALL || e->argc != 2)
        return;
    const char *op = ov_expr_function(e);
    const ov_expr *col = e->args[0], *lit = e->args[1];
    bool flipped = col->kind == OV_EXPR_CONST;
    if (flipped) {
        col = e->args[1];
        lit = e->args[0];
    }
    if (col->kind != OV_EXPR_COLUMN || lit->kind != OV_EXPR_CONST || lit->constant.is_null ||
        !ov_type_is_int(col->type) || !ov_type_is_int(lit->type))
        return;
    int64_t v = lit->constant.i;
    bool less = op[0] == '<', more = op[0] == '>', open = op[1] == '\0';
    c->low = INT64_MIN;
    c->high = INT64_MAX;
    if (strcmp(op, "=") == 0) {
        c->low = c->high = v;
    } else if ((less || more) && (open || strcmp(op + 1, "=") == 0)) {
        bool upper = less != flipped; /* column < v, or v > column */
        if (open && (upper ? v == INT64_MIN : v == INT64_MAX))
            return;
        if (upper)
            c->high = open ? v - 1 : v;
        else
            c->low = open ? v + 1 : v;
    } else {
        return;
    }
    c->has_range = true;
}

static ov_status add_parts(const ov_expr *e, uint32_t columns, ov_arena *scratch, conjunct *list, uint32_t *count,
                           ov_error *err)
{
    if (is_and(e)) {
        for (uint32_t i = 0; i < e->argc; i++)
            OV_TRY(add_parts(e->args[i], columns, scratch, list, count, err));
        return OV_OK;
    }
    conjunct *c = &list[(*count)++];
    *c = (conjunct){.expr = e, .column = OVI_NO_COLUMN};
    uint64_t *used;
    OV_TRY(ov_arena_zalloc(scratch, (ov_words(columns) + 1) * 8, &used, err));
    ov_expr_columns(e, used, columns);
    if (e->deterministic && ov_bits_count(used, columns) == 1) {
        c->column = (uint32_t)ov_bits_next(used, columns, 0);
        find_range(c);
    }
    return OV_OK;
}

ov_status ovi_conjuncts(const ov_expr *filter, uint32_t columns, ov_arena *out, const conjunct **list,
                        uint32_t *count, ov_error *err)
{
    *count = 0;
    *list = NULL;
    if (!filter || ov_expr_is_true(filter))
        return OV_OK;
    conjunct *made;
    OV_TRY(ov_arena_zalloc(out, count_parts(filter) * sizeof(*made), &made, err));
    OV_TRY(add_parts(filter, columns, out, made, count, err));
    *list = made;
    return OV_OK;
}
