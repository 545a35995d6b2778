/*
 * Results of accumulators as vectors.
 */
#include "query/agg/acc.h"

#include <math.h>

#include "base/utf8.h"
#include "query/expr/list_pack.h"

/* What a group's values come to, wherever they were kept. */
typedef struct summary {
    uint64_t n;
    int64_t i;  /* sum or bits of integers */
    double f;   /* sum or mean of reals */
    double m2;
} summary;

/* Druid's rule: one value varies by nothing, also as a sample. */
static double variance(const summary *s, ov_agg_kind kind)
{
    bool sample = kind == OV_AGG_VAR_SAMP || kind == OV_AGG_STDDEV_SAMP;
    double v = s->n == 1 ? 0 : s->m2 / (double)(sample ? s->n - 1 : s->n);
    return kind == OV_AGG_STDDEV_POP || kind == OV_AGG_STDDEV_SAMP ? sqrt(v) : v;
}

static bool is_null(const ov_agg_call *call, uint64_t n)
{
    ov_agg_kind kind = (ov_agg_kind)call->fn->kind;
    return n == 0 && kind != OV_AGG_COUNT && kind != OV_AGG_DISTINCT && kind != OV_AGG_SUM0;
}

static void number_of(const ov_agg_call *call, const summary *s, bool real, void *data, uint32_t i)
{
    ov_agg_kind kind = (ov_agg_kind)call->fn->kind;
    if (kind == OV_AGG_COUNT || kind == OV_AGG_DISTINCT)
        ((int64_t *)data)[i] = (int64_t)s->n;
    else if (kind == OV_AGG_AVG)
        ((double *)data)[i] = (real ? s->f : (double)s->i) / (double)s->n;
    else if (kind >= OV_AGG_VAR_POP && kind <= OV_AGG_STDDEV_SAMP)
        ((double *)data)[i] = variance(s, kind);
    else if (ov_type_is_int(call->type))
        ((int64_t *)data)[i] = s->i;
    else
        ((double *)data)[i] = s->f;
}

/* ---- states in typed columns ---- */

/* Text, complex values and packed arrays. */
static bool keeps_text(const ov_acc *a)
{
    bool kept = a->kind == OV_ACC_MIN || a->kind == OV_ACC_MAX || a->at;
    return kept && !ov_type_is_int(a->type) && !ov_type_is_real(a->type);
}

static ov_slice cut(ov_slice s, uint64_t most)
{
    return most ? ov_utf8_cut(s, (size_t)most) : s;
}

static void from_columns(const ov_acc *a, const ov_agg_call *call, uint32_t g, void *data, uint32_t i, bool *null)
{
    bool sums = a->kind != OV_ACC_COUNT && a->kind != OV_ACC_DISTINCT && !keeps_text(a);
    bool real = a->kind == OV_ACC_SUM_REAL || a->kind == OV_ACC_VARIANCE ||
                (a->kind != OV_ACC_SUM_LONG && ov_type_is_real(a->type));
    *null = is_null(call, a->n[g]) || (a->at && a->n[g] == 2);
    if (*null)
        return;
    if (keeps_text(a)) {
        ((ov_slice *)data)[i] = call->type.id == OV_TYPE_STRING ? cut(a->v.s[g], call->most_bytes) : a->v.s[g];
        return;
    }
    summary s = {.n = a->n[g]};
    if (sums && real)
        s.f = a->v.f[g];
    else if (sums)
        s.i = a->v.i[g];
    if (a->m2)
        s.m2 = a->m2[g];
    number_of(call, &s, real, data, i);
}

/* ---- sets ---- */

/* What the values of a set come to: SUM(DISTINCT x) and its like. */
static void from_set(const ov_acc *a, const ov_agg_call *call, const ov_set_totals *t, void *data, uint32_t i, bool *null)
{
    summary s = {.n = t->n, .i = call->fn->kind == OV_AGG_BIT_XOR ? t->bits : t->sum, .f = t->real, .m2 = t->m2};
    *null = is_null(call, t->n);
    if (!*null)
        number_of(call, &s, ov_type_is_real(a->type), data, i);
}

/* ---- vectors ---- */

typedef struct column {
    char *data;
    uint64_t *valid; /* NULL until the first NULL */
    uint32_t rows;
    size_t width;
} column;

static ov_status open_column(column *c, size_t width, uint32_t rows, ov_arena *out, ov_error *err)
{
    *c = (column){.rows = rows, .width = width};
    return ov_arena_lanes(out, (ov_words(rows) * 64 + 1) * width, &c->data, err);
}

static ov_status put_null(column *c, uint32_t i, ov_arena *out, ov_error *err)
{
    memset(c->data + i * c->width, 0, c->width);
    if (!c->valid) {
        OV_TRY(ov_arena_lanes(out, (ov_words(c->rows) + 1) * 8, &c->valid, err));
        ov_bits_fill(c->valid, c->rows, true);
    }
    ov_bits_clear(c->valid, i);
    return OV_OK;
}

static ov_status emit_sets(const ov_acc *a, const ov_agg_call *call, const uint32_t *order, column *c, ov_arena *out,
                           ov_error *err)
{
    size_t *offsets = NULL, at = 0;
    uint64_t *values = NULL;
    if (!a->totals)
        OV_TRY(ov_distinct_list(&a->set, a->groups, order, c->rows, out, &offsets, &values, err));
    for (uint32_t i = 0; i < c->rows; i++) {
        bool null;
        ov_set_totals own = {0};
        for (; offsets && at < offsets[i + 1]; at++) {
            OV_TRY(ov_budget_alive_at(a->budget, at + 1, err));
            ovi_totals_add(&own, ov_type_is_real(a->type), values[at]);
        }
        from_set(a, call, a->totals ? &a->totals[order[i]] : &own, c->data, i, &null);
        if (null)
            OV_TRY(put_null(c, i, out, err));
    }
    return OV_OK;
}

ov_status ov_acc_emit(const ov_acc *a, const ov_agg_call *call, const uint32_t *order, uint32_t n, ov_arena *out,
                      ov_vec *vec, ov_error *err)
{
    column c;
    if (a->kind == OV_ACC_OBJECT)
        return a->object.ops->emit(&a->object, call, order, n, out, vec, err);
    OV_TRY(open_column(&c, keeps_text(a) ? sizeof(ov_slice) : 8, n, out, err));
    if (a->kind == OV_ACC_DISTINCT && call->fn->kind != OV_AGG_DISTINCT) {
        OV_TRY(emit_sets(a, call, order, &c, out, err));
    } else {
        for (uint32_t i = 0; i < n; i++) {
            bool null;
            from_columns(a, call, order[i], c.data, i, &null);
            if (null)
                OV_TRY(put_null(&c, i, out, err));
        }
    }
    if (call->packed)
        return ov_list_unpack((const ov_slice *)(const void *)c.data, c.valid, n, call->type, out, vec, err);
    *vec = ov_vec_flat(call->type, c.data, c.valid, n);
    return OV_OK;
}
