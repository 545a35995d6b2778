/*
 * Blocks as statistics and as vectors over the mapped bytes.
 */
#include "storage/segment/ramps.h"
#include "storage/segment/segment_int.h"

/* ---- statistics ---- */

/* Bounds of a DICT number block are codes; readers are told values. */
static ov_status translate_bounds(const ov_column *c, const ov_block_entry *e, ov_block_stats *s,
                                  ov_error *err)
{
    const ov_domain *d;
    OV_TRY(ov_column_domain(c, &d, err));
    OV_CHECK_DATA(e->min >= 0 && e->min <= e->max && e->max < d->count, err,
                  "a block's codes reach from %lld to %lld, but the dictionary has %u",
                  (long long)e->min, (long long)e->max, d->count);
    if (ov_type_is_real(c->info.type)) {
        s->fmin = ov_domain_f64(d, (uint32_t)e->min);
        s->fmax = ov_domain_f64(d, (uint32_t)e->max);
    } else {
        s->min = ov_domain_i64(d, (uint32_t)e->min);
        s->max = ov_domain_i64(d, (uint32_t)e->max);
    }
    return OV_OK;
}

static ov_status stats_of(const ov_column *c, uint32_t b, const ov_block_entry *e,
                          ov_block_stats *out, ov_error *err)
{
    bool number = ov_type_is_int(c->info.type) || ov_type_is_real(c->info.type);
    *out = (ov_block_stats){.rows = ovi_block_rows(c, b),
                            .nulls = e->nulls,
                            .has_bounds = e->flags & OV_BLOCK_BOUNDS,
                            .has_nan = e->flags & OV_BLOCK_NAN,
                            .has_sum = ov_type_is_int(c->info.type) && (e->flags & OV_BLOCK_SUM),
                            .sum = e->sum};
    OV_CHECK_DATA(out->nulls <= out->rows, err, "block %u has %u NULLs in %u rows", b, out->nulls,
                  out->rows);
    if (!out->has_bounds)
        return OV_OK;
    if (number && c->info.dict)
        return translate_bounds(c, e, out, err);
    if (ov_type_is_real(c->info.type)) {
        out->fmin = ov_f64_from_bits((uint64_t)e->min);
        out->fmax = ov_f64_from_bits((uint64_t)e->max);
    } else {
        out->min = e->min;
        out->max = e->max;
    }
    return OV_OK;
}

ov_status ov_column_block_stats(const ov_column *col, uint32_t b, ov_block_stats *out,
                                ov_error *err)
{
    const ov_block_entry *e;
    if (col->info.type.id == OV_TYPE_NULL) {
        uint32_t rows = ovi_block_rows(col, b);
        *out = (ov_block_stats){.rows = rows, .nulls = rows};
        return OV_OK;
    }
    OV_TRY(ovi_block_peek(col, b, &e, err));
    return ovi_segment_blame(col->seg, col, stats_of(col, b, e, out, err), err);
}

/* ---- vectors ---- */

/* One list as a vector of its own, for constants. */
static ov_status list_value(const ov_domain *d, uint32_t code, ov_arena *scratch,
                            const ov_vec **out, ov_error *err)
{
    uint32_t first, end;
    ov_vec *v;
    const ov_vec *elems = ov_vec_list(d->values, code, &first, &end);
    OV_TRY(ov_arena_alloc(scratch, sizeof *v, &v, err));
    *v = *elems; /* codes of elements: no validity words to shift */
    v->rows = end - first;
    v->data = (const char *)elems->data + (size_t)first * elems->lane;
    *out = v;
    return OV_OK;
}

static ov_status const_vec(const ov_column *c, const ov_block_entry *e, uint32_t rows,
                           ov_arena *scratch, ov_vec *out, ov_error *err)
{
    ov_type t = c->info.type;
    const ov_domain *d = NULL;
    bool real = ov_type_is_real(t), number = real || ov_type_is_int(t);
    *out = ov_vec_null(t, rows);
    if (c->info.dict) {
        OV_TRY(ov_column_domain(c, &d, err));
        out->dict = d;
        out->base = e->base;
    }
    if (e->nulls == rows)
        return OV_OK;
    uint32_t code = (uint32_t)e->base;
    out->is_null = false;
    if (real)
        out->c.f = d ? ov_domain_f64(d, code) : ov_f64_from_bits((uint64_t)e->base);
    else if (number)
        out->c.i = d ? ov_domain_i64(d, code) : e->base;
    else if (ov_type_is_list(t))
        return list_value(d, code, scratch, &out->c.list, err);
    else
        out->c.s = ov_domain_str(d, code);
    if (number && !real) {
        out->has_bounds = true;
        out->min = out->max = out->c.i;
    }
    return OV_OK;
}

/* Lanes as they lie: FLAT or DICT over n rows (the runs of RUN). */
static ov_status lanes_vec(const ov_column *c, const ov_block_entry *e, uint32_t n, ov_vec *out,
                           ov_error *err)
{
    *out = (ov_vec){.type = c->info.type,
                    .enc = OV_ENC_FLAT,
                    .lane = e->lane,
                    .rows = n,
                    .base = e->base,
                    .divisor = 1,
                    .data = ovi_block_lanes(c, e),
                    .valid = ovi_block_valid(c, e)};
    if (c->info.dict) {
        out->enc = OV_ENC_DICT;
        OV_TRY(ov_column_domain(c, &out->dict, err));
        out->has_bounds = true;
        out->min = e->nulls ? 0 : e->min;
        out->max = e->flags & OV_BLOCK_BOUNDS ? e->max : 0;
    } else if (e->form == OV_FORM_INTEGER) {
        out->raw = e->lane == 8;
        out->has_bounds = e->flags & OV_BLOCK_BOUNDS;
        out->min = e->min;
        out->max = e->max;
    } else if (e->form == OV_FORM_DECIMAL) {
        out->divisor = ov_seg_power10[e->exponent];
    } else {
        out->raw = true;
    }
    return OV_OK;
}

static ov_status run_vec(const ov_column *c, const ov_block_entry *e, uint32_t rows,
                         ov_arena *scratch, ov_vec *out, ov_error *err)
{
    ov_vec *child;
    OV_TRY(ov_arena_alloc(scratch, sizeof *child, &child, err));
    OV_TRY(lanes_vec(c, e, e->runs, child, err));
    *out = (ov_vec){.type = c->info.type,
                    .enc = OV_ENC_RUN,
                    .rows = rows,
                    .divisor = 1,
                    .run_end = (const void *)ovi_block_data(c, e),
                    .runs = e->runs,
                    .child = child,
                    .has_bounds = child->has_bounds,
                    .min = child->min,
                    .max = child->max};
    return OV_OK;
}

/* Unfolded into `scratch`; *ramps tells how the lanes go. */
static ov_status ramp_vec(const ov_column *c, const ov_block_entry *e, uint32_t rows, ov_arena *scratch, ov_vec *out,
                          const ovi_ramps **ramps, ov_error *err)
{
    ovi_ramps *r;
    void *lanes;
    OV_TRY(ov_arena_alloc(scratch, sizeof *r, &r, err));
    OV_TRY(ov_arena_lanes(scratch, (size_t)ov_seg_pad64(rows) * e->lane, &lanes, err));
    *r = ovi_ramps_of(e, ovi_block_data(c, e));
    ovi_ramps_unfold(r, rows, lanes);
    OV_TRY(lanes_vec(c, e, rows, out, err));
    out->data = lanes;
    *ramps = r;
    return OV_OK;
}

static ov_status read_block(const ov_column *c, uint32_t b, ov_arena *scratch, ov_vec *out,
                            ov_error *err)
{
    const ov_block_entry *e;
    const ovi_ramps *ramps = NULL;
    ov_block_stats *stats;
    uint32_t rows = ovi_block_rows(c, b);
    OV_TRY(ovi_block_open(c, b, &e, err));
    if (e->shape == OV_BLOCK_CONST)
        OV_TRY(const_vec(c, e, rows, scratch, out, err));
    else if (e->shape == OV_BLOCK_RUN)
        OV_TRY(run_vec(c, e, rows, scratch, out, err));
    else if (e->shape == OV_BLOCK_RAMP)
        OV_TRY(ramp_vec(c, e, rows, scratch, out, &ramps, err));
    else
        OV_TRY(lanes_vec(c, e, rows, out, err));
    OV_TRY(ov_arena_alloc(scratch, sizeof *stats, &stats, err));
    OV_TRY(stats_of(c, b, e, stats, err));
    stats->ramps = ramps;
    out->stats = stats;
    return OV_OK;
}

ov_status ov_column_read(const ov_column *col, uint32_t b, ov_arena *scratch, ov_vec *out,
                         ov_error *err)
{
    OV_ASSERT(b < col->info.blocks);
    if (col->info.type.id == OV_TYPE_NULL) {
        *out = ov_vec_null(col->info.type, ovi_block_rows(col, b));
        return OV_OK;
    }
    return ovi_segment_blame(col->seg, col, read_block(col, b, scratch, out, err), err);
}
