/*
 * One block of values into its narrowest readable form. Planning looks at the values and fills in
 * the entry; filling writes lanes straight to where they will stay.
 */
#include <math.h>
#include "base/bits.h"
#include "base/bytes.h"
#include "storage/build/build_int.h"
#include "storage/segment/ramps.h"

const double ov_seg_power10[OV_SEG_MAX_EXPONENT + 1] = {
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

enum { RUN_ROWS_MIN = 16 }; /* shorter runs on average are faster and not larger as plain lanes */

static uint8_t lane_for(uint64_t range)
{
    return range <= UINT8_MAX ? 1 : range <= UINT16_MAX ? 2 : range <= UINT32_MAX ? 4 : 8;
}

/* Lane and base of integers within [min, max]. Base 0 where that costs nothing: readers then skip
 * the addition. */
static void choose_lane(ov_block_entry *e, int64_t min, int64_t max)
{
    e->lane = lane_for((uint64_t)max - (uint64_t)min);
    bool plain = e->lane == 8 || (min >= 0 && lane_for((uint64_t)max) == e->lane);
    e->base = plain ? 0 : min;
}

static void set_shape(ovi_plan *p, uint32_t runs)
{
    ov_block_entry *e = &p->entry;
    uint64_t lanes = p->rows;
    e->shape = OV_BLOCK_FLAT;
    if ((uint64_t)runs * RUN_ROWS_MIN <= p->rows) {
        e->shape = OV_BLOCK_RUN;
        e->runs = (uint16_t)runs;
        lanes = runs;
        e->data_bytes = (uint32_t)ov_seg_align(2 * (uint64_t)runs);
    }
    e->data_bytes += (uint32_t)(ov_seg_pad64(lanes) * e->lane);
    if (p->valid)
        e->flags |= OV_BLOCK_VALID;
}

static uint64_t step_to(const int64_t *v, uint32_t i)
{
    return (uint64_t)v[i] - (uint64_t)v[i - 1];
}

/* Where the ramp that begins at `row` ends. */
static uint32_t ramp_end(const int64_t *v, uint32_t rows, uint32_t row)
{
    uint32_t end = row + 1;
    if (end == rows)
        return end;
    for (uint64_t step = step_to(v, end); end < rows && step_to(v, end) == step;)
        end++;
    return end;
}

/* Plain lanes that turn out to be ramps. Blocks that do not begin like that are left alone after a few rows. */
static void try_ramps(ovi_plan *p)
{
    enum { TRY = 8 };
    ov_block_entry *e = &p->entry;
    uint32_t most = p->rows / RUN_ROWS_MIN, ramps = 0;
    if (e->shape != OV_BLOCK_FLAT || p->valid)
        return;
    for (uint32_t row = 0; row < p->rows; ramps++) {
        if (ramps == most || (ramps >= TRY && ramps > row / TRY))
            return;
        row = ramp_end(p->values, p->rows, row);
    }
    e->shape = OV_BLOCK_RAMP;
    e->runs = (uint16_t)ramps;
    e->data_bytes = (uint32_t)ovi_ramps_bytes(ramps, e->lane);
}

static void set_const(ovi_plan *p, uint8_t form, int64_t base)
{
    p->entry.shape = OV_BLOCK_CONST;
    p->entry.form = form;
    p->entry.lane = 0;
    p->entry.exponent = 0;
    p->entry.base = base;
    p->valid = NULL;
}

static void plan_start(ovi_plan *p, const int64_t *values, const uint64_t *valid, uint32_t nulls,
                       uint32_t rows)
{
    memset(&p->entry, 0, sizeof p->entry);
    p->rows = rows;
    p->values = values;
    p->valid = nulls ? valid : NULL;
    p->entry.nulls = (uint16_t)nulls;
}

/* Rows that are NULL take the value of the row before (the first ones: of the first row present),
 * so that they neither widen the bounds nor break runs more than they must. */
static void fill_nulls(int64_t *values, const uint64_t *valid, uint32_t rows)
{
    int64_t last = values[ov_bits_next(valid, rows, 0)];
    for (uint32_t i = 0; i < rows; i++) {
        if (ov_bits_test(valid, i))
            last = values[i];
        else
            values[i] = last;
    }
}

static void set_nulls(int64_t *values, const uint64_t *valid, uint32_t rows, int64_t to)
{
    for (uint32_t i = 0; i < rows; i++)
        if (!ov_bits_test(valid, i))
            values[i] = to;
}

/* Runs of equal rows, where NULL equals NULL only. */
static uint32_t count_runs(const int64_t *values, const uint64_t *valid, uint32_t rows)
{
    if (!valid)
        return ovi_lane_kernels_now()->changes(values, rows) + 1;
    uint32_t runs = 1;
    for (uint32_t i = 1; i < rows; i++)
        runs += values[i] != values[i - 1] || ov_bits_test(valid, i) != ov_bits_test(valid, i - 1);
    return runs;
}

/* Sum of the present values when it fits; the scan's sum is right unless the bounds allow it to
 * have wrapped. */
static void set_sum(ovi_plan *p, const int64_t *values, const ovi_scan *scan)
{
    ov_block_entry *e = &p->entry;
    uint64_t reach = (uint64_t)OV_MAX(scan->max, scan->min == INT64_MIN ? INT64_MAX : -scan->min);
    if (!p->valid && reach <= (uint64_t)INT64_MAX / OV_BATCH_ROWS) {
        e->sum = (int64_t)scan->sum;
    } else {
        __int128 sum = 0;
        for (uint32_t i = 0; i < p->rows; i++)
            if (!p->valid || ov_bits_test(p->valid, i))
                sum += values[i];
        if (sum != (int64_t)sum)
            return;
        e->sum = (int64_t)sum;
    }
    e->flags |= OV_BLOCK_SUM;
}

void ovi_plan_ints(ovi_plan *p, int64_t *values, const uint64_t *valid, uint32_t nulls,
                   uint32_t rows)
{
    plan_start(p, values, valid, nulls, rows);
    ov_block_entry *e = &p->entry;
    if (nulls == rows) {
        set_const(p, OV_FORM_INTEGER, 0);
        return;
    }
    if (p->valid)
        fill_nulls(values, valid, rows);
    ovi_scan scan;
    ovi_lane_kernels_now()->scan_i64(values, rows, &scan);
    e->flags |= OV_BLOCK_BOUNDS;
    e->min = scan.min;
    e->max = scan.max;
    set_sum(p, values, &scan);
    if (scan.min == scan.max && !p->valid) {
        set_const(p, OV_FORM_INTEGER, scan.min);
        return;
    }
    choose_lane(e, scan.min, scan.max);
    if (p->valid)
        set_nulls(values, valid, rows, scan.min);
    set_shape(p, p->valid ? count_runs(values, p->valid, rows) : scan.changes + 1);
    try_ramps(p);
}

static uint32_t count_zeros(const int64_t *v, uint32_t rows)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < rows; i++)
        n += v[i] == 0;
    return n;
}

static int64_t smallest_but_zero(const int64_t *v, uint32_t rows)
{
    int64_t min = INT64_MAX;
    for (uint32_t i = 0; i < rows; i++)
        if (v[i] != 0 && v[i] < min)
            min = v[i];
    return min;
}

void ovi_plan_codes(ovi_plan *p, int64_t *codes, bool null_code, uint32_t rows)
{
    plan_start(p, codes, NULL, 0, rows);
    ov_block_entry *e = &p->entry;
    ovi_scan scan;
    ovi_lane_kernels_now()->scan_i64(codes, rows, &scan);
    bool nulls = null_code && scan.min == 0;
    if (nulls)
        e->nulls = (uint16_t)count_zeros(codes, rows);
    if (e->nulls < rows) {
        e->flags |= OV_BLOCK_BOUNDS;
        e->min = nulls ? smallest_but_zero(codes, rows) : scan.min;
        e->max = scan.max;
    }
    if (scan.min == scan.max) {
        set_const(p, OV_FORM_INTEGER, scan.min);
        return;
    }
    choose_lane(e, scan.min, scan.max);
    set_shape(p, scan.changes + 1);
}

/* ---- reals ---- */

static double real_of(int64_t bits)
{
    return ov_f64_from_bits((uint64_t)bits);
}

/* -0.0 is below 0.0 here, so that bounds do not depend on the order of rows. */
static bool real_below(double a, double b)
{
    return a < b || (a == b && signbit(a) && !signbit(b));
}

/* All present and no NaN: a vector loop finds the bounds. False when it is not so. */
static bool plain_bounds(ovi_plan *p, const int64_t *bits)
{
    if (p->valid)
        return false;
    ovi_lane_kernels_now()->real_bounds(bits, p->rows, &p->entry.min, &p->entry.max);
    if (isnan(real_of(p->entry.max)))
        return false;
    p->entry.flags |= OV_BLOCK_BOUNDS;
    return true;
}

static void real_bounds(ovi_plan *p, const int64_t *bits)
{
    if (plain_bounds(p, bits))
        return;
    ov_block_entry *e = &p->entry;
    double min = 0, max = 0;
    bool any = false;
    e->min = e->max = 0;
    for (uint32_t i = 0; i < p->rows; i++) {
        double v = real_of(bits[i]);
        if (p->valid && !ov_bits_test(p->valid, i))
            continue;
        if (isnan(v)) {
            e->flags |= OV_BLOCK_NAN;
            continue;
        }
        if (!any || real_below(v, min))
            min = v;
        if (!any || real_below(max, v))
            max = v;
        any = true;
    }
    if (!any)
        return;
    e->flags |= OV_BLOCK_BOUNDS;
    e->min = (int64_t)ov_f64_bits(min);
    e->max = (int64_t)ov_f64_bits(max);
}

/*
 * The smallest exponent that makes integers of all values. A few values spread over the block
 * decide where to start: most blocks that are no decimals at all fail there.
 */
static bool find_exponent(ovi_plan *p, const double *v, uint8_t *exponent)
{
    enum { SAMPLES = 64 };
    double sample[SAMPLES];
    int64_t ignored[SAMPLES];
    const ovi_lane_kernels *k = ovi_lane_kernels_now();
    for (size_t i = 0; i < SAMPLES; i++)
        sample[i] = v[(uint64_t)p->rows * i / SAMPLES];
    for (uint8_t e = 0; e <= OV_SEG_MAX_EXPONENT; e++) {
        if (!k->scale(sample, ov_seg_power10[e], SAMPLES, ignored))
            continue;
        if (k->scale(v, ov_seg_power10[e], p->rows, p->scaled)) {
            *exponent = e;
            return true;
        }
    }
    return false;
}

/* DECIMAL, when all values are and the lanes are narrower than the raw ones. */
static bool plan_decimal(ovi_plan *p, const int64_t *bits, uint8_t raw_lane)
{
    ov_block_entry *e = &p->entry;
    ovi_scan scan;
    uint8_t exponent = 0;
    if (!find_exponent(p, (const double *)(const void *)bits, &exponent))
        return false;
    ovi_lane_kernels_now()->scan_i64(p->scaled, p->rows, &scan);
    if (lane_for((uint64_t)scan.max - (uint64_t)scan.min) >= raw_lane)
        return false;
    e->form = OV_FORM_DECIMAL;
    e->exponent = exponent;
    choose_lane(e, scan.min, scan.max);
    e->flags |= OV_BLOCK_BOUNDS;
    double power = ov_seg_power10[exponent];
    e->min = (int64_t)ov_f64_bits((double)scan.min / power);
    e->max = (int64_t)ov_f64_bits((double)scan.max / power);
    set_sum(p, p->scaled, &scan);
    if (p->valid)
        set_nulls(p->scaled, p->valid, p->rows, e->base);
    p->values = p->scaled;
    return true;
}

void ovi_plan_reals(ovi_plan *p, int64_t *bits, const uint64_t *valid, uint32_t nulls,
                    uint32_t rows, bool is_float)
{
    plan_start(p, bits, valid, nulls, rows);
    ov_block_entry *e = &p->entry;
    if (nulls == rows) {
        set_const(p, OV_FORM_RAW, 0);
        return;
    }
    if (p->valid)
        fill_nulls(bits, valid, rows);
    uint32_t runs = count_runs(bits, p->valid, rows);
    if (runs == 1) {
        real_bounds(p, bits);
        set_const(p, OV_FORM_RAW, bits[0]);
        return;
    }
    uint8_t raw_lane = is_float ? 4 : 8;
    if (!plan_decimal(p, bits, raw_lane)) {
        real_bounds(p, bits);
        if (p->valid)
            set_nulls(bits, valid, rows, 0);
        e->form = OV_FORM_RAW;
        e->lane = raw_lane;
        e->base = 0;
    }
    set_shape(p, runs);
}

/* ---- filling ---- */

uint32_t ovi_plan_valid_bytes(const ovi_plan *p)
{
    if (!p->valid)
        return 0;
    uint64_t bits = p->entry.shape == OV_BLOCK_RUN ? p->entry.runs : p->rows;
    return (uint32_t)ov_seg_align(ov_words(bits) * 8);
}

static bool same_as_before(const ovi_plan *p, uint32_t i)
{
    return p->values[i] == p->values[i - 1] &&
           (!p->valid || ov_bits_test(p->valid, i) == ov_bits_test(p->valid, i - 1));
}

static void pack_raw(const ovi_plan *p, const int64_t *values, size_t n, void *lanes)
{
    if (p->entry.lane == 8)
        memcpy(lanes, values, n * 8);
    else
        for (size_t i = 0; i < n; i++)
            ((float *)lanes)[i] = (float)real_of(values[i]);
}

static void pack_lanes(const ovi_plan *p, const int64_t *values, size_t n, char *lanes)
{
    const ov_block_entry *e = &p->entry;
    if (e->form == OV_FORM_RAW)
        pack_raw(p, values, n, lanes);
    else
        ovi_lane_kernels_now()->pack(values, e->base, e->lane, n, lanes);
    memset(lanes + n * e->lane, 0, (size_t)(ov_seg_pad64(n) - n) * e->lane);
}

static void fill_ramps(const ovi_plan *p, void *data)
{
    const ov_block_entry *e = &p->entry;
    int64_t first[OV_BATCH_ROWS / RUN_ROWS_MIN], step[OV_BATCH_ROWS / RUN_ROWS_MIN];
    uint16_t *ends = data;
    uint32_t ramp = 0;
    size_t ends_bytes = (size_t)ov_seg_align(2 * (uint64_t)e->runs);
    size_t lanes_bytes = (size_t)ov_seg_pad64(e->runs) * e->lane;
    memset(ends, 0, ends_bytes);
    for (uint32_t row = 0; row < p->rows; ramp++) {
        first[ramp] = p->values[row];
        step[ramp] = row + 1 < p->rows ? (int64_t)step_to(p->values, row + 1) : 0;
        row = ramp_end(p->values, p->rows, row);
        ends[ramp] = (uint16_t)row;
    }
    OV_ASSERT(ramp == e->runs);
    pack_lanes(p, first, ramp, (char *)data + ends_bytes);
    char *steps = (char *)data + ends_bytes + lanes_bytes;
    ovi_lane_kernels_now()->pack(step, 0, e->lane, ramp, steps);
    memset(steps + (size_t)ramp * e->lane, 0, lanes_bytes - (size_t)ramp * e->lane);
}

static void fill_runs(const ovi_plan *p, void *data)
{
    const ov_block_entry *e = &p->entry;
    int64_t heads[OV_BATCH_ROWS / RUN_ROWS_MIN];
    uint16_t *ends = data;
    uint32_t run = 0;
    size_t ends_bytes = (size_t)ov_seg_align(2 * (uint64_t)e->runs);
    memset(ends, 0, ends_bytes);
    heads[0] = p->values[0];
    for (uint32_t i = 1; i < p->rows; i++)
        if (!same_as_before(p, i)) {
            ends[run++] = (uint16_t)i;
            heads[run] = p->values[i];
        }
    ends[run++] = (uint16_t)p->rows;
    OV_ASSERT(run == e->runs);
    pack_lanes(p, heads, run, (char *)data + ends_bytes);
}

void ovi_plan_fill(const ovi_plan *p, void *data)
{
    switch (p->entry.shape) {
    case OV_BLOCK_CONST:
        break;
    case OV_BLOCK_FLAT:
        pack_lanes(p, p->values, p->rows, data);
        break;
    case OV_BLOCK_RAMP:
        fill_ramps(p, data);
        break;
    default:
        fill_runs(p, data);
        break;
    }
}

void ovi_plan_fill_valid(const ovi_plan *p, void *valid)
{
    uint64_t *words = valid;
    memset(words, 0, ovi_plan_valid_bytes(p));
    if (p->entry.shape == OV_BLOCK_FLAT) {
        memcpy(words, p->valid, ov_words(p->rows) * 8);
        ov_bits_trim(words, p->rows);
        return;
    }
    uint32_t run = 0;
    for (uint32_t i = 0; i < p->rows; i++) {
        if (i > 0 && !same_as_before(p, i))
            run++;
        ov_bits_put(words, run, ov_bits_test(p->valid, i));
    }
}
