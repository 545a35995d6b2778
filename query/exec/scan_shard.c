/*
 * Leaving out segments by their shard specs, before they are opened: a part of the filter about a partition dimension that
 * no row of the range or of the bucket can satisfy.
 */
#include "query/exec/scan.h"

enum { MOST_VALUES = 1000 }; /* longer IN lists are not hashed */

/* Values of one dimension in a range shard: low <= v <= high; p NULL: the value NULL, which is before all others. */
typedef struct bounds {
    bool has_low, has_high, open_high; /* open: v < high */
    ov_slice low, high;
} bounds;

static int compare(ov_slice a, ov_slice b)
{
    if (!a.p || !b.p)
        return (a.p != NULL) - (b.p != NULL);
    return ov_slice_cmp(a, b);
}

/* Tuples bound a dimension as long as those before it are the same in start and end. */
static bool bounds_of(const ov_shard *s, uint32_t dimension, bounds *out)
{
    for (uint32_t d = 0; d < dimension; d++)
        if (!s->start || !s->end || compare(s->start[d], s->end[d]) != 0)
            return false;
    *out = (bounds){.has_low = s->start != NULL, .has_high = s->end != NULL};
    if (s->start)
        out->low = s->start[dimension];
    if (s->end)
        out->high = s->end[dimension];
    out->open_high = dimension + 1 == s->dimension_count;
    return true;
}

static bool may_hold(const bounds *b, ov_slice v)
{
    if (b->has_low && compare(v, b->low) < 0)
        return false;
    int c = b->has_high ? compare(v, b->high) : -1;
    return c < 0 || (c == 0 && !b->open_high);
}

static bool may_compare(const bounds *b, ov_op op, ov_slice c)
{
    bool low = b->has_low && b->low.p;
    switch (op) {
    case OV_OP_EQ:
        return may_hold(b, c);
    case OV_OP_LT:
        return !low || compare(b->low, c) < 0;
    case OV_OP_LE:
        return !low || compare(b->low, c) <= 0;
    case OV_OP_GT:
        return !b->has_high || compare(b->high, c) > 0;
    case OV_OP_GE:
        return !b->has_high || compare(b->high, c) > 0 || (compare(b->high, c) == 0 && !b->open_high);
    default:
        return true;
    }
}

static bool is_text(const ov_expr *e)
{
    return e->kind == OV_EXPR_CONST && e->type.id == OV_TYPE_STRING && !e->type.multi && !e->constant.is_null;
}

/* The column itself, as text. */
static bool of_column(const ov_expr *e)
{
    return e->argc > 0 && e->args[0]->kind == OV_EXPR_COLUMN && e->args[0]->type.id == OV_TYPE_STRING;
}

static bool range_may_match(const bounds *b, const ov_expr *e)
{
    if (!of_column(e))
        return true;
    if (e->kind == OV_EXPR_IN) {
        if (e->set->type.id != OV_TYPE_STRING)
            return true;
        for (uint32_t i = 0; i < e->set->count; i++)
            if (may_hold(b, e->set->str[i]))
                return true;
        return false;
    }
    if (ov_expr_op(e) == OV_OP_IS_NULL)
        return may_hold(b, (ov_slice){0});
    return e->argc != 2 || !is_text(e->args[1]) || may_compare(b, ov_expr_op(e), e->args[1]->constant.s);
}

static uint32_t dimension_of(const ovi_scan *s, const ov_shard *shard, uint32_t column)
{
    ov_slice name = s->node->scan.datasource->columns[s->node->scan.columns[column]].name;
    if (s->node->scan.paths && s->node->scan.paths[column])
        return OVI_NO_COLUMN;
    for (uint32_t d = 0; d < shard->dimension_count; d++)
        if (ov_slice_eq(shard->dimensions[d], name))
            return d;
    return OVI_NO_COLUMN;
}

static bool range_excludes(const ovi_scan *s, const ov_shard *shard)
{
    for (uint32_t i = 0; i < s->filter_count; i++) {
        const conjunct *c = &s->filter[i];
        bounds b;
        uint32_t d = c->column == OVI_NO_COLUMN ? OVI_NO_COLUMN : dimension_of(s, shard, c->column);
        if (d != OVI_NO_COLUMN && bounds_of(shard, d, &b) && !range_may_match(&b, c->expr))
            return true;
    }
    return false;
}

/* ---- hashed ---- */

/* The only values of dimension d that the filter lets through; count 0: any. */
static uint32_t values_of(const ovi_scan *s, const ov_shard *shard, uint32_t d, const ov_slice **values, ov_slice *one)
{
    for (uint32_t i = 0; i < s->filter_count; i++) {
        const conjunct *c = &s->filter[i];
        const ov_expr *e = c->expr;
        if (c->column == OVI_NO_COLUMN || dimension_of(s, shard, c->column) != d || !of_column(e))
            continue;
        if (e->kind == OV_EXPR_IN && e->set->type.id == OV_TYPE_STRING) {
            *values = e->set->str;
            return e->set->count;
        }
        *values = one;
        *one = (ov_slice){0};
        if (ov_expr_op(e) == OV_OP_IS_NULL)
            return 1;
        if (ov_expr_op(e) == OV_OP_EQ && is_text(e->args[1])) {
            *one = e->args[1]->constant.s;
            return 1;
        }
    }
    return 0;
}

/* Several dimensions are known together only when each has one value. */
static bool hash_excludes(const ovi_scan *s, const ov_shard *shard)
{
    ov_slice tuple[OV_SHARD_MOST_DIMENSIONS], ones[OV_SHARD_MOST_DIMENSIONS];
    const ov_slice *values = NULL;
    uint32_t count = 0;
    ov_buf scratch;
    for (uint32_t d = 0; d < shard->dimension_count; d++) {
        count = values_of(s, shard, d, &values, &ones[d]);
        if (count == 0 || count > MOST_VALUES || (count > 1 && shard->dimension_count > 1))
            return false;
        tuple[d] = values[0];
    }
    ov_buf_init(&scratch);
    bool found = false;
    for (uint32_t i = 0; i < count && !found; i++) {
        if (shard->dimension_count == 1)
            tuple[0] = values[i];
        found = ov_shard_bucket(tuple, shard->dimension_count, shard->buckets, &scratch) == shard->bucket ||
                scratch.failed;
    }
    ov_buf_fini(&scratch);
    return !found;
}

bool ovi_shard_excludes(const ovi_scan *s, const ov_shard *shard)
{
    if (!shard || s->exec->cx->options.general_only)
        return false;
    return shard->kind == OV_SHARD_RANGE ? range_excludes(s, shard)
                                         : shard->kind == OV_SHARD_HASHED && hash_excludes(s, shard);
}
