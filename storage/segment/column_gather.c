/*
 * Values at scattered row numbers: block by block, a few lanes each, without opening whole blocks.
 */
#include "base/bits.h"
#include "storage/segment/ramps.h"
#include "storage/segment/segment_int.h"
#include "storage/vec_lanes.h"

/* Where the picked values go: codes in lanes of 1, 2 or 4 bytes, or int64_t/double. */
typedef struct target {
    void *data;
    uint8_t lane;
    uint64_t *valid; /* number columns with NULLs */
} target;

static void put(const target *t, uint32_t i, uint64_t bits)
{
    switch (t->lane) {
    case 1:
        ((uint8_t *)t->data)[i] = (uint8_t)bits;
        break;
    case 2:
        ((uint16_t *)t->data)[i] = (uint16_t)bits;
        break;
    case 4:
        ((uint32_t *)t->data)[i] = (uint32_t)bits;
        break;
    default:
        ((uint64_t *)t->data)[i] = bits;
        break;
    }
}

/* Value (as bits, or code) of lane `at` of an opened block. */
static uint64_t value_at(const ov_column *c, const ov_block_entry *e, const void *lanes,
                         uint32_t at)
{
    if (e->form == OV_FORM_RAW && e->lane == 4)
        return ov_f64_bits((double)((const float *)lanes)[at]);
    uint64_t value = (uint64_t)e->base + ovi_lane(lanes, e->lane, at);
    if (e->form == OV_FORM_DECIMAL)
        return ov_f64_bits((double)(int64_t)value / ov_seg_power10[e->exponent]);
    (void)c;
    return value;
}

static void pick_const(const ov_column *c, const ov_block_entry *e, uint32_t block_rows,
                       const target *t, uint32_t from, uint32_t end)
{
    bool null = !c->info.dict && e->nulls == block_rows;
    for (uint32_t i = from; i < end; i++) {
        put(t, i, (uint64_t)e->base);
        if (null)
            ov_bits_clear(t->valid, i);
    }
}

/* rows[from .. end) lie in this block, whose first row is `first`. */
static void pick_lanes(const ov_column *c, const ov_block_entry *e, const uint32_t *rows,
                       uint32_t first, const target *t, uint32_t from, uint32_t end)
{
    const void *lanes = ovi_block_lanes(c, e);
    const uint64_t *valid = ovi_block_valid(c, e);
    const uint16_t *ends = e->shape == OV_BLOCK_RUN ? (const void *)ovi_block_data(c, e) : NULL;
    uint32_t run = 0;
    for (uint32_t i = from; i < end; i++) {
        uint32_t at = rows[i] - first;
        if (ends) {
            while (ends[run] <= at)
                run++;
            at = run;
        }
        put(t, i, value_at(c, e, lanes, at));
        if (valid && !ov_bits_test(valid, at))
            ov_bits_clear(t->valid, i);
    }
}

static void pick_ramps(const ov_column *c, const ov_block_entry *e, const uint32_t *rows, uint32_t first, const target *t,
                       uint32_t from, uint32_t end)
{
    ovi_ramps ramps = ovi_ramps_of(e, ovi_block_data(c, e));
    uint32_t ramp = 0;
    for (uint32_t i = from; i < end; i++)
        put(t, i, (uint64_t)e->base + ovi_ramps_lane(&ramps, rows[i] - first, &ramp));
}

/*
 * Scattered rows are one cache miss after the other: a block entry, then a lane. Both are known well ahead, so they
 * are asked for ahead: entries ENTRY_AHEAD rows early, lanes LANE_AHEAD rows early, when their entry has come. An entry
 * that was never checked may give any address; asking for one is harmless, reading waits for the check.
 */
enum { LANE_AHEAD = 24, ENTRY_AHEAD = 64 };

/* Lanes of many blocks that are shared are few: they stay in the cache, and asking would take longer than reading. */
static bool stays_near(const ov_column *c)
{
    enum { NEAR_BYTES = 256 * 1024 };
    return c->sections[OV_SECTION_BLOCK_DATA].bytes <= NEAR_BYTES;
}

typedef struct lookahead {
    uint32_t entry, lane; /* next rows to ask for */
} lookahead;

static void ask_ahead(const ov_column *c, const uint32_t *rows, uint32_t n, uint32_t at, lookahead *a)
{
    const ov_block_entry *entries = ovi_section(c, OV_SECTION_BLOCK_INDEX);
    uintptr_t data = (uintptr_t)ovi_section(c, OV_SECTION_BLOCK_DATA);
    for (; a->entry < n && a->entry < at + ENTRY_AHEAD; a->entry++)
        __builtin_prefetch(&entries[rows[a->entry] / OV_BATCH_ROWS]);
    for (; a->lane < n && a->lane < at + LANE_AHEAD; a->lane++) {
        const ov_block_entry *e = &entries[rows[a->lane] / OV_BATCH_ROWS];
        if (e->shape == OV_BLOCK_FLAT)
            __builtin_prefetch((const void *)(data + e->data +
                                              (uintptr_t)(rows[a->lane] % OV_BATCH_ROWS) * e->lane));
    }
}

/* The entry of a block that was opened before, without a call; NULL: it must be opened. */
OV_INLINE const ov_block_entry *opened(const ov_column *c, const ov_block_entry *entries, uint32_t b)
{
    return atomic_load_explicit(&c->checked[b / 64], memory_order_relaxed) >> b % 64 & 1 ? &entries[b] : NULL;
}

/* rows[from ..) as long as they lie in plain blocks that were opened before: whole numbers and codes without NULLs.
 * Returns the first row that does not. */
OV_INLINE uint32_t pick_plain(const ov_column *c, const uint32_t *rows, uint32_t n, const target *t, uint8_t lane,
                              uint32_t from, lookahead *ahead)
{
    const ov_block_entry *entries = ovi_section(c, OV_SECTION_BLOCK_INDEX);
    const char *data = ovi_section(c, OV_SECTION_BLOCK_DATA);
    target to = *t;
    to.lane = lane; /* known where this is inlined */
    for (; from < n; from++) {
        uint32_t b = rows[from] / OV_BATCH_ROWS;
        if (from % 8 == 0)
            ask_ahead(c, rows, n, from, ahead);
        const ov_block_entry *e = opened(c, entries, b);
        if (!e || e->shape != OV_BLOCK_FLAT || e->form != OV_FORM_INTEGER || e->flags & OV_BLOCK_VALID)
            break;
        put(&to, from, (uint64_t)e->base + ovi_lane(data + e->data, e->lane, rows[from] % OV_BATCH_ROWS));
    }
    return from;
}

static uint32_t pick_plain_of(const ov_column *c, const uint32_t *rows, uint32_t n, const target *t, uint32_t from,
                              lookahead *ahead)
{
    switch (t->lane) {
    case 1:
        return pick_plain(c, rows, n, t, 1, from, ahead);
    case 2:
        return pick_plain(c, rows, n, t, 2, from, ahead);
    case 4:
        return pick_plain(c, rows, n, t, 4, from, ahead);
    default:
        return pick_plain(c, rows, n, t, 8, from, ahead);
    }
}

static ov_status pick_blocks(const ov_column *c, const uint32_t *rows, uint32_t n, const target *t,
                             ov_error *err)
{
    lookahead ahead = {0, 0};
    if (stays_near(c))
        ahead.entry = ahead.lane = n;
    for (uint32_t from = 0; from < n;) {
        from = pick_plain_of(c, rows, n, t, from, &ahead);
        if (from == n)
            break;
        ask_ahead(c, rows, n, from, &ahead);
        const ov_block_entry *e;
        uint32_t b = rows[from] / OV_BATCH_ROWS, first = b * (uint32_t)OV_BATCH_ROWS,
                 end = from + 1;
        OV_ASSERT(rows[from] < c->info.rows);
        while (end < n && rows[end] / OV_BATCH_ROWS == b)
            end++;
        OV_TRY(ovi_block_open(c, b, &e, err));
        if (e->shape == OV_BLOCK_CONST)
            pick_const(c, e, ovi_block_rows(c, b), t, from, end);
        else if (e->shape == OV_BLOCK_RAMP)
            pick_ramps(c, e, rows, first, t, from, end);
        else
            pick_lanes(c, e, rows, first, t, from, end);
        from = end;
    }
    return OV_OK;
}

ov_status ov_column_gather(const ov_column *col, const uint32_t *rows, uint32_t n, ov_arena *out,
                           ov_vec *vec, ov_error *err)
{
    const ov_domain *d = NULL;
    target t = {.lane = 8};
    if (col->info.type.id == OV_TYPE_NULL) {
        *vec = ov_vec_null(col->info.type, n);
        return OV_OK;
    }
    if (col->info.dict) {
        OV_TRY(ov_column_domain(col, &d, err));
        t.lane = d->count <= 1 << 8 ? 1 : d->count <= 1 << 16 ? 2 : 4;
    } else if (col->info.nulls > 0) {
        OV_TRY(ovi_words_alloc(out, n, true, &t.valid, err));
    }
    OV_TRY(ov_arena_lanes(out, ovi_padded(n) * t.lane, &t.data, err));
    OV_TRY(pick_blocks(col, rows, n, &t, err));
    *vec = ov_vec_flat(col->info.type, t.data, t.valid, n);
    if (d) {
        vec->enc = OV_ENC_DICT;
        vec->dict = d;
    }
    vec->lane = t.lane;
    vec->raw = !d;
    return OV_OK;
}
