/*
 * TIME_FLOOR of times that are not sorted keeps an encoding where one is there to be found, so that what is above works per
 * bucket or per run instead of per row:
 *
 *   one bucket       the bounds of the block say so: CONST, no time is read
 *   ramps            times at a fixed pace, and buckets of equal length: RUN, counted instead of compared
 *   long stretches   rows clustered by something else come in time order within it: RUN
 *   few buckets      of equal length: DICT, the code is the number of the bucket
 *
 * Otherwise the ordinary function is left to it. The domain of buckets is kept from batch to batch, so that codes stay
 * valid; it grows while batches overlap it and is made anew when they do not, as from one day's segment to the next.
 */
#include "query/expr/time_buckets.h"
#include "storage/segment/ramps.h"
#include "storage/segment/segment.h"

enum {
    RUN_LEAST = 16,          /* rows of a run on the average, below that codes are cheaper */
    RUN_TRY = 512,           /* rows after which that is asked */
    BUCKETS_MOST = 1 << 12,  /* of a domain */
};

/* ---- runs ---- */

/* Lanes as unsigned numbers: a value is base + lane. */
typedef struct lanes {
    const ov_vec *v;
    uint64_t base;
    size_t padded; /* lanes that may be read */
} lanes;

static int64_t lane_value(const lanes *l, size_t row)
{
    const ov_vec *v = l->v;
    switch (v->lane) {
    case 1:
        return (int64_t)(l->base + ((const uint8_t *)v->data)[row]);
    case 2:
        return (int64_t)(l->base + ((const uint16_t *)v->data)[row]);
    case 4:
        return (int64_t)(l->base + ((const uint32_t *)v->data)[row]);
    default:
        return (int64_t)(l->base + ((const uint64_t *)v->data)[row]);
    }
}

/* Bits of the 64 rows from `row` on whose value lies in [lo, lo + span], as lanes. */
static uint64_t in_stretch(const ov_eval *ev, const lanes *l, size_t row, uint64_t lo, uint64_t span)
{
    const ov_vec *v = l->v;
    uint64_t word = 0;
    switch (v->lane) {
    case 1:
        ev->k->range_u8((const uint8_t *)v->data + row, (uint8_t)lo, (uint8_t)span, 64, &word);
        break;
    case 2:
        ev->k->range_u16((const uint16_t *)v->data + row, (uint16_t)lo, (uint16_t)span, 64, &word);
        break;
    case 4:
        ev->k->range_u32((const uint32_t *)v->data + row, (uint32_t)lo, (uint32_t)span, 64, &word);
        break;
    default:
        ev->k->range_u64((const uint64_t *)v->data + row, lo, span, 64, &word);
        break;
    }
    return word;
}

/* The first row from `row` on whose value is not in [from, to), which holds the value of `row`. */
static size_t stretch_end(const ov_eval *ev, const lanes *l, size_t row, int64_t from, int64_t to)
{
    uint64_t most = l->v->lane == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * l->v->lane) - 1;
    uint64_t lo = (uint64_t)from - l->base, hi = (uint64_t)to - 1 - l->base;
    if (l->v->lane < 8) { /* lanes count up from the base, which may lie within the stretch */
        lo = from < (int64_t)l->base ? 0 : lo;
        hi = OV_MIN(hi, most);
    }
    for (; row + 64 <= l->padded; row += 64) {
        uint64_t out = ~in_stretch(ev, l, row, lo, hi - lo);
        if (out)
            return OV_MIN(row + (size_t)__builtin_ctzll(out), (size_t)l->v->rows);
    }
    while (row < l->v->rows && lane_value(l, row) >= from && lane_value(l, row) < to)
        row++;
    return OV_MIN(row, (size_t)l->v->rows);
}

/* Runs being found: most of them `most`. */
typedef struct runs {
    int64_t *value;
    uint16_t *end;
    uint32_t n, most;
} runs;

static ov_status runs_begin(ov_eval *ev, uint32_t rows, runs *r, ov_error *err)
{
    *r = (runs){.most = rows / RUN_LEAST};
    OV_TRY(ov_arena_lanes(&ev->mem, ((size_t)r->most + 64) * sizeof *r->value, &r->value, err));
    return ov_arena_alloc(&ev->mem, ((size_t)r->most + 1) * sizeof *r->end, &r->end, err);
}

static ov_status runs_vec(ov_eval *ev, const ov_expr *e, uint32_t rows, const runs *r, ov_vec *out, ov_error *err)
{
    ov_vec *child;
    OV_TRY(ov_arena_alloc(&ev->mem, sizeof *child, &child, err));
    *child = ov_vec_flat(e->type, r->value, NULL, r->n);
    *out = (ov_vec){
        .type = e->type, .enc = OV_ENC_RUN, .rows = rows, .divisor = 1, .run_end = r->end, .runs = r->n, .child = child};
    return OV_OK;
}

/* Buckets of one ramp, whose rows are [row, end) and whose first time is ms. False when they are too many. */
static bool floor_ramp(const ov_gran *gran, int64_t ms, int64_t slope, uint32_t row, uint32_t end, runs *r)
{
    int64_t start = ov_gran_floor(gran, ms);
    if (r->n == 0 || r->value[r->n - 1] != start) { /* else the last one goes on */
        if (r->n == r->most)
            return false;
        r->value[r->n++] = start;
    }
    uint64_t even = slope > 0 && gran->step % slope == 0 ? (uint64_t)(gran->step / slope) : 0; /* rows of a whole bucket */
    uint64_t next = end;
    if (slope > 0)
        next = row + (uint64_t)((start + gran->step - ms - 1) / slope) + 1;
    while (next < end) {
        if (r->n == r->most)
            return false;
        r->end[r->n - 1] = (uint16_t)next;
        if (even) {
            start += gran->step;
            next += even;
        } else {
            int64_t at = ms + (int64_t)(next - row) * slope;
            start = ov_gran_floor(gran, at);
            next += (uint64_t)((start + gran->step - at - 1) / slope) + 1;
        }
        r->value[r->n++] = start;
    }
    r->end[r->n - 1] = (uint16_t)end;
    return true;
}

/* *found is false when there are no ramps, or not such that go up, or their buckets hold too few rows. */
static ov_status count_runs(ov_eval *ev, const ov_expr *e, const ov_gran *gran, const ov_vec *v, ov_vec *out, bool *found,
                            ov_error *err)
{
    const ovi_ramps *ramps = v->stats ? v->stats->ramps : NULL;
    runs r;
    *found = false;
    if (!ramps || gran->kind != OV_GRAN_FIXED || !v->has_bounds || v->min < OV_TIME_MIN || v->max > OV_TIME_MAX)
        return OV_OK;
    OV_TRY(runs_begin(ev, v->rows, &r, err));
    lanes l = {v, v->raw ? 0 : (uint64_t)v->base, 0};
    for (uint32_t i = 0, row = 0; i < ramps->count; i++) {
        int64_t slope;
        if (!ovi_ramps_slope(ramps, i, &slope) || slope < 0 ||
            !floor_ramp(gran, lane_value(&l, row), slope, row, ramps->end[i], &r))
            return OV_OK;
        row = ramps->end[i];
    }
    *found = true;
    return runs_vec(ev, e, v->rows, &r, out, err);
}

/* *found is false when runs are too short. */
static ov_status find_runs(ov_eval *ev, const ov_expr *e, const ov_gran *gran, const ov_vec *v, ov_vec *out, bool *found,
                           ov_error *err)
{
    lanes l = {v, v->raw ? 0 : (uint64_t)v->base, ov_words(v->rows) * 64};
    runs r;
    ov_interval last = {0, 0};
    int64_t start = 0;
    *found = false;
    OV_TRY(runs_begin(ev, v->rows, &r, err));
    for (size_t row = 0; row < v->rows; r.n++) {
        if (r.n == r.most || (row >= RUN_TRY && r.n > row / RUN_LEAST))
            return OV_OK;
        int64_t ms = lane_value(&l, row);
        if (gran->kind == OV_GRAN_FIXED && r.n && ms >= last.end && ms - last.end < gran->step) { /* the next one, mostly */
            start = last.end;
            last = (ov_interval){start, start + gran->step};
        } else if (ms < last.start || ms >= last.end) {
            start = ov_gran_floor_in(gran, ms, &last);
        }
        bool holds = ms >= last.start && ms < last.end; /* not beyond the calendar */
        r.value[r.n] = start;
        row = holds ? stretch_end(ev, &l, row, last.start, last.end) : row + 1;
        r.end[r.n] = (uint16_t)row;
    }
    *found = true;
    return runs_vec(ev, e, v->rows, &r, out, err);
}

/* ---- buckets of equal length ---- */

struct ovi_buckets {
    uint32_t expr_id;
    ov_domain *domain;
    int64_t first; /* start of the bucket with code 0 */
    ovi_buckets *next;
};

static ov_status buckets_of(ov_eval *ev, uint32_t expr_id, ovi_buckets **out, ov_error *err)
{
    for (*out = ev->buckets; *out; *out = (*out)->next)
        if ((*out)->expr_id == expr_id)
            return OV_OK;
    OV_TRY(ov_arena_zalloc(&ev->keep, sizeof **out, out, err));
    (*out)->expr_id = expr_id;
    (*out)->next = ev->buckets;
    ev->buckets = *out;
    return OV_OK;
}

/* A domain with the buckets from `first` to `last`, and those it had when they overlap. */
static ov_status cover(ov_eval *ev, const ov_expr *e, int64_t step, int64_t first, int64_t last, ovi_buckets *b,
                       ov_error *err)
{
    if (b->domain) {
        int64_t end = b->first + (int64_t)(b->domain->count - 1) * step;
        if (first >= b->first && last <= end)
            return OV_OK;
        int64_t low = OV_MIN(first, b->first), high = OV_MAX(last, end);
        if (first <= end && last >= b->first && (high - low) / step < BUCKETS_MOST) {
            first = low;
            last = high;
        }
    }
    uint32_t n = (uint32_t)((last - first) / step) + 1;
    int64_t *start;
    ov_vec *values;
    OV_TRY(ov_arena_lanes(&ev->keep, ((size_t)n + 64) * sizeof *start, &start, err));
    OV_TRY(ov_arena_alloc(&ev->keep, sizeof *values, &values, err));
    OV_TRY(ov_arena_zalloc(&ev->keep, sizeof *b->domain, &b->domain, err));
    for (uint32_t i = 0; i < n; i++)
        start[i] = first + (int64_t)i * step;
    *values = ov_vec_flat(e->type, start, NULL, n);
    *b->domain = (ov_domain){
        .id = ov_domain_next_id(), .count = n, .type = e->type, .sorted = true, .unique = true, .values = values};
    b->first = first;
    return OV_OK;
}

static ov_status number_buckets(ov_eval *ev, const ov_expr *e, const ov_gran *gran, const ov_vec *v, ov_vec *out,
                                bool *found, ov_error *err)
{
    *found = false;
    if (!v->has_bounds || gran->kind != OV_GRAN_FIXED || v->min < OV_TIME_MIN || v->max > OV_TIME_MAX)
        return OV_OK;
    int64_t first = ov_gran_floor(gran, v->min), last = ov_gran_floor(gran, v->max), *at;
    uint64_t count = (uint64_t)(last - first) / (uint64_t)gran->step + 1;
    if (count > BUCKETS_MOST || count > v->rows || ev->keep.total_bytes > ev->keep_most)
        return OV_OK;
    ovi_buckets *b;
    uint16_t *code;
    OV_TRY(buckets_of(ev, e->id, &b, err));
    OV_TRY(cover(ev, e, gran->step, first, last, b, err));
    size_t padded = ov_words(v->rows) * 64;
    lanes l = {v, v->raw ? 0 : (uint64_t)v->base, padded};
    OV_TRY(ov_arena_lanes(&ev->mem, padded * sizeof *at, &at, err));
    OV_TRY(ov_arena_lanes(&ev->mem, padded * sizeof *code, &code, err));
    for (size_t i = 0; i < v->rows; i++)
        at[i] = lane_value(&l, i) - b->first;
    if (!ev->k->div_i64_const(at, gran->step, v->rows, at))
        return OV_OK;
    for (size_t i = 0; i < v->rows; i++)
        code[i] = (uint16_t)at[i];
    *out = (ov_vec){.type = e->type,
                    .enc = OV_ENC_DICT,
                    .lane = 2,
                    .rows = v->rows,
                    .divisor = 1,
                    .data = code,
                    .dict = b->domain,
                    .has_bounds = true,
                    .min = (first - b->first) / gran->step,
                    .max = (last - b->first) / gran->step};
    *found = true;
    return OV_OK;
}

ov_status ovi_floor_encoded(ov_eval *ev, const ov_expr *e, const ov_batch *batch, ov_vec *out, bool *done, ov_error *err)
{
    const ov_gran *gran = ov_expr_time_floor(e);
    *done = false;
    if (!gran || e->args[0]->kind != OV_EXPR_COLUMN)
        return OV_OK;
    const ov_vec *v = &batch->col[e->args[0]->column];
    if (v->enc != OV_ENC_FLAT || v->valid || v->rows < RUN_TRY || !ov_type_is_int(v->type) || gran->kind == OV_GRAN_NONE)
        return OV_OK;
    if (v->has_bounds) {
        ov_interval all;
        int64_t start = ov_gran_floor_in(gran, v->min, &all);
        if (v->min >= all.start && v->max < all.end) {
            *out = ov_vec_const_i64(e->type, start, batch->rows);
            *done = true;
            return OV_OK;
        }
    }
    OV_TRY(count_runs(ev, e, gran, v, out, done, err));
    if (!*done)
        OV_TRY(find_runs(ev, e, gran, v, out, done, err));
    return *done ? OV_OK : number_buckets(ev, e, gran, v, out, done, err);
}
