/*
 * A column in another order, and rolled up: opened once, then pushed again value by value through
 * the same encoder that took the rows in. Only one column is open at a time.
 */
#include <math.h>
#include "base/bits.h"
#include "base/bytes.h"
#include "storage/build/build_int.h"

/* A column opened to one value per row. */
typedef struct opened {
    int64_t *values;
    size_t values_cap;
    uint64_t *valid; /* NULL when no row is NULL */
    size_t valid_cap;
} opened;

static ov_status open_column(const ovi_column *c, opened *o, ov_error *err)
{
    bool nulls = c->kind != OVI_CODE && c->nulls > 0;
    *o = (opened){0};
    OV_TRY(ovi_grow(&o->values, &o->values_cap, c->rows, sizeof *o->values, c->budget, err));
    if (nulls)
        OV_TRY(ovi_grow(&o->valid, &o->valid_cap, ov_words(c->rows), sizeof *o->valid, c->budget,
                        err));
    for (uint32_t b = 0; b < c->block_count; b++)
        ovi_column_decode(c, b, o->values + (size_t)b * OV_BATCH_ROWS,
                          nulls ? o->valid + (size_t)b * OV_BATCH_WORDS : NULL);
    return OV_OK;
}

static void close_column(const ovi_column *c, opened *o)
{
    ovi_shrink(&o->values, &o->values_cap, sizeof *o->values, c->budget);
    ovi_shrink(&o->valid, &o->valid_cap, sizeof *o->valid, c->budget);
}

/* ---- folding ---- */

static int64_t fold_ints(ov_fold fold, int64_t a, int64_t b)
{
    if (fold == OV_FOLD_MIN)
        return OV_MIN(a, b);
    if (fold == OV_FOLD_MAX)
        return OV_MAX(a, b);
    if (fold == OV_FOLD_ANY)
        return a;
    return (int64_t)((uint64_t)a + (uint64_t)b); /* wraps, as Java's long does */
}

/* As Java's Math.min and Math.max: NaN wins, -0.0 is below 0.0. */
static double fold_reals(ov_fold fold, double a, double b)
{
    if (fold == OV_FOLD_SUM)
        return a + b;
    if (fold == OV_FOLD_ANY)
        return a;
    if (isnan(a) || isnan(b))
        return NAN;
    if (a == b)
        return (fold == OV_FOLD_MIN) == (signbit(a) != 0) ? a : b;
    return (fold == OV_FOLD_MIN) == (a < b) ? a : b;
}

static double real_of(int64_t bits)
{
    return ov_f64_from_bits((uint64_t)bits);
}

/* The fold of rows perm[from] .. perm[end - 1]; false when all are NULL. */
static bool fold_group(const ovi_column *c, const opened *o, const ovi_order *order, uint32_t from,
                       uint32_t end, int64_t *out)
{
    bool any = false, real = c->kind == OVI_REAL;
    double sum = 0;
    for (uint32_t i = from; i < end; i++) {
        uint32_t row = order->perm ? order->perm[i] : i;
        if (o->valid && !ov_bits_test(o->valid, row))
            continue;
        if (!real)
            *out = any ? fold_ints((ov_fold)c->def.fold, *out, o->values[row]) : o->values[row];
        else
            sum = any ? fold_reals((ov_fold)c->def.fold, sum, real_of(o->values[row]))
                      : real_of(o->values[row]);
        any = true;
    }
    if (any && real) {
        if (c->def.type.id == OV_TYPE_FLOAT)
            sum = (double)(float)sum;
        *out = isnan(sum) ? INT64_C(0x7FF8000000000000) : (int64_t)ov_f64_bits(sum);
    }
    return any;
}

/* ---- the new sequence ---- */

/* Value i of the folded sequence; false when it is NULL. */
static bool value_at(const ovi_column *c, const opened *o, const ovi_order *order, uint32_t i,
                     int64_t *out)
{
    uint32_t at = order->starts[i];
    if (c->def.role == OV_ROLE_METRIC)
        return fold_group(c, o, order, at, order->starts[i + 1], out);
    uint32_t row = order->perm ? order->perm[at] : at;
    *out = o->values[row];
    return !o->valid || ov_bits_test(o->valid, row);
}

static ov_status push_all(ovi_column *c, const opened *o, const ovi_order *order, ov_error *err)
{
    int64_t values[1024];
    uint64_t valid[1024 / 64];
    if (!order->starts) {
        OV_TRY(ovi_column_push(c, o->values, o->valid, order->perm, order->rows, err));
        return ovi_column_flush(c, err);
    }
    for (uint32_t at = 0; at < order->rows;) {
        uint32_t n = OV_MIN(order->rows - at, (uint32_t)OV_COUNT_OF(values));
        bool nulls = false;
        ov_bits_fill(valid, n, true);
        for (uint32_t i = 0; i < n; i++)
            if (!value_at(c, o, order, at + i, &values[i])) {
                values[i] = 0;
                ov_bits_clear(valid, i);
                nulls = true;
            }
        OV_TRY(ovi_column_push(c, values, nulls ? valid : NULL, NULL, n, err));
        at += n;
    }
    return ovi_column_flush(c, err);
}

ov_status ovi_column_reorder(ovi_column *c, const ovi_order *order, ov_error *err)
{
    opened o;
    if (c->kind == OVI_NONE) {
        c->rows = c->nulls = order->rows;
        return OV_OK;
    }
    ov_status st = open_column(c, &o, err);
    if (st == OV_OK) {
        ov_arena_fini(&c->payload);
        c->block_count = 0;
        c->rows = c->nulls = 0;
        st = push_all(c, &o, order, err);
    }
    close_column(c, &o);
    return st;
}
