/*
 * The first touch of a block: pages against checksums, then the entry and its data against the
 * format, so that kernels may trust lanes, codes, run ends and validity bits without looking. One
 * bit per block remembers.
 */
#include "base/bits.h"
#include "storage/lane_kernels.h"
#include "storage/segment/ramps.h"
#include "storage/segment/segment_int.h"

ov_status ovi_block_peek(const ov_column *c, uint32_t b, const ov_block_entry **out, ov_error *err)
{
    OV_ASSERT(b < c->info.blocks);
    const ovi_span *index = &c->sections[OV_SECTION_BLOCK_INDEX];
    uint64_t at = (uint64_t)b * sizeof(ov_block_entry);
    OV_TRY(ovi_segment_touch(c->seg, c, index->offset + at, sizeof(ov_block_entry), err));
    *out = (const ov_block_entry *)ovi_section(c, OV_SECTION_BLOCK_INDEX) + b;
    return OV_OK;
}

/* Bytes the shape demands, or UINT64_MAX when the shape is impossible. */
static uint64_t bytes_of_shape(const ov_block_entry *e, uint32_t rows)
{
    switch (e->shape) {
    case OV_BLOCK_CONST:
        return e->runs == 0 && e->lane == 0 ? 0 : UINT64_MAX;
    case OV_BLOCK_FLAT:
        return e->runs == 0 ? ov_seg_pad64(rows) * e->lane : UINT64_MAX;
    case OV_BLOCK_RUN:
        if (e->runs == 0 || e->runs > rows)
            return UINT64_MAX;
        return ov_seg_align(2 * (uint64_t)e->runs) + ov_seg_pad64(e->runs) * e->lane;
    case OV_BLOCK_RAMP:
        return e->runs == 0 || e->runs > rows ? UINT64_MAX : ovi_ramps_bytes(e->runs, e->lane);
    default:
        return UINT64_MAX;
    }
}

static bool form_fits(const ov_column *c, const ov_block_entry *e)
{
    bool real = ov_type_is_real(c->info.type) && !c->info.dict;
    uint8_t lane = e->lane;
    bool lane_ok = e->shape == OV_BLOCK_CONST || lane == 1 || lane == 2 || lane == 4 || lane == 8;
    if (!lane_ok || (e->form != OV_FORM_DECIMAL && e->exponent != 0))
        return false;
    if (e->shape == OV_BLOCK_RAMP && (e->form != OV_FORM_INTEGER || c->info.dict || e->flags & OV_BLOCK_VALID))
        return false;
    switch (e->form) {
    case OV_FORM_INTEGER:
        return !real && (lane != 8 || (e->base == 0 && !c->info.dict));
    case OV_FORM_DECIMAL:
        return real && e->shape != OV_BLOCK_CONST && lane < 8 && e->exponent <= OV_SEG_MAX_EXPONENT;
    case OV_FORM_RAW:
        return real && (e->shape == OV_BLOCK_CONST ||
                        (e->base == 0 && lane == (c->info.type.id == OV_TYPE_FLOAT ? 4 : 8)) ||
                        (e->base == 0 && lane == 8));
    default:
        return false;
    }
}

static bool piece_fits(const ov_column *c, uint64_t at, uint64_t bytes, uint64_t align)
{
    uint64_t room = c->sections[OV_SECTION_BLOCK_DATA].bytes;
    return at % align == 0 && at <= room && bytes <= room - at;
}

/* Lanes of a FLAT block may lie in the midst of others'. */
static uint64_t data_align(const ov_block_entry *e)
{
    return e->shape == OV_BLOCK_FLAT ? e->lane : OV_SEG_ALIGN;
}

static uint64_t valid_bits(const ov_block_entry *e, uint32_t rows)
{
    return e->shape == OV_BLOCK_RUN ? e->runs : rows;
}

static ov_status check_entry(const ov_column *c, uint32_t b, const ov_block_entry *e, uint32_t rows,
                             ov_error *err)
{
    bool valid = e->flags & OV_BLOCK_VALID, some_null = e->nulls > 0 && e->nulls < rows;
    if (e->codec != 0)
        return ov_fail(err, OV_UNSUPPORTED,
                       "block %u uses codec %u, which this Ovate does not know", b, e->codec);
    OV_CHECK_DATA(e->nulls <= rows && e->zero == 0 && !(e->flags & ~OV_BLOCK_FLAGS), err,
                  "block %u has %u NULLs in %u rows, flags %u", b, e->nulls, rows, e->flags);
    OV_CHECK_DATA(form_fits(c, e), err,
                  "block %u has form %u in %u-byte lanes, which its type cannot have", b, e->form,
                  e->lane);
    OV_CHECK_DATA(bytes_of_shape(e, rows) == e->data_bytes, err,
                  "block %u of shape %u has %u bytes of data", b, e->shape, e->data_bytes);
    OV_CHECK_DATA(e->data_bytes == 0 || piece_fits(c, e->data, e->data_bytes, data_align(e)),
                  err,
                  "block %u has its data at %llu, outside", b, (unsigned long long)e->data);
    OV_CHECK_DATA(valid == (some_null && !c->info.dict) && (!valid || e->shape != OV_BLOCK_CONST),
                  err, "block %u has %u NULLs and %s validity bits", b, e->nulls,
                  valid ? "has" : "no");
    OV_CHECK_DATA(c->info.dict || e->nulls < rows || e->shape == OV_BLOCK_CONST, err,
                  "block %u is all NULL, but not constant", b);
    OV_CHECK_DATA(
        !valid || piece_fits(c, e->valid, ov_seg_align(ov_words(valid_bits(e, rows)) * 8), OV_SEG_ALIGN), err,
        "block %u has its validity bits at %llu, outside", b, (unsigned long long)e->valid);
    return OV_OK;
}

static ov_status check_runs(const ov_column *c, uint32_t b, const ov_block_entry *e, uint32_t rows,
                            ov_error *err)
{
    const uint16_t *ends = (const void *)ovi_block_data(c, e);
    uint32_t last = 0;
    for (uint32_t i = 0; i < e->runs; i++) {
        OV_CHECK_DATA(ends[i] > last, err, "run %u of block %u does not ascend", i, b);
        last = ends[i];
    }
    OV_CHECK_DATA(last == rows, err, "the runs of block %u cover %u of %u rows", b, last, rows);
    return OV_OK;
}

static ov_status check_valid(const ov_column *c, uint32_t b, const ov_block_entry *e, uint32_t rows,
                             ov_error *err)
{
    const uint64_t *valid = ovi_block_valid(c, e);
    const uint16_t *ends = (const void *)ovi_block_data(c, e);
    size_t bits = (size_t)valid_bits(e, rows);
    uint64_t nulls = rows - ov_bits_count(valid, rows);
    if (e->shape == OV_BLOCK_RUN) {
        nulls = 0;
        for (uint32_t i = 0; i < e->runs; i++)
            if (!ov_bits_test(valid, i))
                nulls += ends[i] - (i ? ends[i - 1] : 0);
    }
    OV_CHECK_DATA(nulls == e->nulls && (bits % 64 == 0 || valid[bits / 64] >> (bits % 64) == 0),
                  err, "the validity bits of block %u mark %llu rows, not %u, as NULL", b,
                  (unsigned long long)nulls, e->nulls);
    return OV_OK;
}

/* What integer lanes may hold: the bounds of the block, of the dictionary, or of exact doubles. */
static void limits_of(const ov_column *c, const ov_block_entry *e, __int128 *low, __int128 *high)
{
    bool bounds = e->flags & OV_BLOCK_BOUNDS;
    if (e->form == OV_FORM_DECIMAL) {
        *low = -((__int128)1 << 51);
        *high = (__int128)1 << 51;
    } else if (c->info.dict) {
        *low = e->nulls || !bounds ? 0 : OV_MAX(e->min, 0);
        *high = bounds ? OV_MIN(e->max, (int64_t)c->dict_count - 1) : 0;
    } else {
        *low = bounds ? e->min : 1;
        *high = bounds ? e->max : 0; /* rows without bounds: none may be read */
    }
}

static ov_status check_lanes(const ov_column *c, uint32_t b, const ov_block_entry *e, uint32_t rows,
                             ov_error *err)
{
    const ovi_lane_kernels *k = ovi_lane_kernels_now();
    uint32_t n = e->shape == OV_BLOCK_RUN ? e->runs : rows;
    __int128 low, high, min, max;
    const void *lanes = ovi_block_lanes(c, e);
    uint64_t unfolded[OV_BATCH_ROWS];
    if (e->form == OV_FORM_RAW)
        return OV_OK;
    if (e->shape == OV_BLOCK_RAMP) {
        ovi_ramps ramps = ovi_ramps_of(e, ovi_block_data(c, e));
        ovi_ramps_unfold(&ramps, rows, unfolded);
        lanes = unfolded;
    }
    if (e->shape == OV_BLOCK_CONST) {
        if (e->nulls == rows && !c->info.dict)
            return OV_OK;
        min = max = e->base;
    } else if (e->lane == 8) {
        ovi_scan scan;
        k->scan_i64(lanes, n, &scan);
        min = scan.min;
        max = scan.max;
    } else {
        uint64_t lane_min, lane_max;
        k->lane_bounds(lanes, e->lane, n, &lane_min, &lane_max);
        min = (__int128)e->base + lane_min;
        max = (__int128)e->base + lane_max;
    }
    limits_of(c, e, &low, &high);
    OV_CHECK_DATA(min >= low && max <= high, err,
                  "values of block %u pass its bounds or the dictionary", b);
    return OV_OK;
}

ov_status ovi_block_check(const ov_column *c, uint32_t b, const ov_block_entry *e, ov_error *err)
{
    uint32_t rows = ovi_block_rows(c, b);
    uint64_t data = c->sections[OV_SECTION_BLOCK_DATA].offset;
    OV_TRY(check_entry(c, b, e, rows, err));
    OV_TRY(ovi_segment_touch(c->seg, c, data + e->data, e->data_bytes, err));
    if (e->shape == OV_BLOCK_RUN || e->shape == OV_BLOCK_RAMP)
        OV_TRY(check_runs(c, b, e, rows, err));
    if (e->flags & OV_BLOCK_VALID) {
        OV_TRY(ovi_segment_touch(c->seg, c, data + e->valid,
                                 ov_seg_align(ov_words(valid_bits(e, rows)) * 8), err));
        OV_TRY(check_valid(c, b, e, rows, err));
    }
    return check_lanes(c, b, e, rows, err);
}

ov_status ovi_block_open(const ov_column *c, uint32_t b, const ov_block_entry **out, ov_error *err)
{
    uint64_t bit = UINT64_C(1) << (b % 64);
    if (OV_LIKELY(atomic_load_explicit(&c->checked[b / 64], memory_order_relaxed) & bit)) {
        *out = (const ov_block_entry *)ovi_section(c, OV_SECTION_BLOCK_INDEX) + b; /* its bytes were checked then */
        return OV_OK;
    }
    OV_TRY(ovi_block_peek(c, b, out, err));
    ov_status st = ovi_block_check(c, b, *out, err);
    if (st != OV_OK)
        return ovi_segment_blame(c->seg, c, st, err);
    atomic_fetch_or_explicit(&c->checked[b / 64], bit, memory_order_relaxed);
    return OV_OK;
}
