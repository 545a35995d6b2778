/*
 * t-digests as bytes, big-endian: what MergingDigest's asBytes and asSmallBytes write.
 *
 *   0 kind 1     4 least, 12 greatest   20 compression, 8 bytes          28 cells, 4 bytes    32 weight, mean: 8 bytes each
 *   0 kind 2     4 least, 12 greatest   20 compression, 4 bytes, sizes   28 cells, 2 bytes    30 weight, mean: 4 bytes each
 *
 * Source: the bytes that t-digest 3.2 writes (tests/sketch).
 */
#include "sketch/tdigest.h"

enum {
    KIND_FULL = 1,
    KIND_SMALL = 2,
    FULL_HEAD = 32,
    SMALL_HEAD = 30,
};

static double load_f64(const char *p)
{
    return ov_f64_from_bits(ov_load_be_u64(p));
}

static double load_f32(const char *p)
{
    return (double)ov_f32_from_bits(ov_load_be_u32(p));
}

static void store_f64(char *p, double v)
{
    ov_store_be_u64(p, ov_f64_bits(v));
}

ov_status ov_tdigest_write(const ov_tdigest *s, ov_buf *out, ov_error *err)
{
    char head[FULL_HEAD];
    ov_store_be_u32(head, KIND_FULL);
    store_f64(head + 4, s->min);
    store_f64(head + 12, s->max);
    store_f64(head + 20, s->compression);
    ov_store_be_u32(head + 28, s->cells);
    ov_buf_add(out, head, sizeof(head));
    for (uint32_t i = 0; i < s->cells; i++) {
        char pair[16];
        store_f64(pair, s->cell[i].weight);
        store_f64(pair + 8, s->cell[i].mean);
        ov_buf_add(out, pair, sizeof(pair));
    }
    return ov_buf_check(out, err);
}

/* ---- reading ---- */

static ov_status corrupt(const char *what, ov_error *err)
{
    return ov_fail(err, OV_CORRUPT, "this is no t-digest: %s", what);
}

static ov_status read_cells(const char *p, bool small, ov_tdigest *s, ov_error *err)
{
    for (uint32_t i = 0; i < s->cells; i++, p += small ? 8 : 16) {
        ov_tdigest_cell *c = &s->cell[i];
        c->weight = small ? load_f32(p) : load_f64(p);
        c->mean = small ? load_f32(p + 4) : load_f64(p + 8);
        if (!(c->weight >= 1 && c->weight <= 0x1p53) || !(fabs(c->mean) <= OV_TDIGEST_MOST_VALUE))
            return corrupt("a cell has no weight, or a mean beyond 1e290", err);
        s->total += c->weight;
    }
    if (s->total > 0x1p53)
        return corrupt("it has more than 2^53 values", err);
    return OV_OK;
}

ov_status ov_tdigest_read(ov_slice image, ov_tdigest *s, const ov_sketch_mem *mem, ov_error *err)
{
    const char *p = image.p;
    ov_tdigest_init(s, OV_TDIGEST_DEFAULT_COMPRESSION);
    if (image.n == 0)
        return OV_OK;
    if (image.n < SMALL_HEAD)
        return corrupt("30 bytes or more are expected", err);
    uint32_t kind = ov_load_be_u32(p);
    bool small = kind == KIND_SMALL;
    if (kind != KIND_FULL && !small)
        return ov_fail(err, OV_CORRUPT, "this is no t-digest: kind 1 or 2 is expected, found %u", kind);
    if (!small && image.n < FULL_HEAD)
        return corrupt("32 bytes are expected in front of its cells", err);
    double compression = small ? load_f32(p + 20) : load_f64(p + 20);
    uint32_t cells = small ? ov_load_be_u16(p + 28) : ov_load_be_u32(p + 28);
    size_t head = small ? SMALL_HEAD : FULL_HEAD, width = small ? 8 : 16;
    if (!(compression >= OV_TDIGEST_LEAST_COMPRESSION && compression <= OV_TDIGEST_MOST_COMPRESSION))
        return corrupt("its compression is not from 1 to 10000", err);
    ov_tdigest_init(s, compression);
    if ((image.n - head) / width < cells)
        return ov_fail(err, OV_CORRUPT, "a t-digest of %u cells has %zu bytes or more, found %zu", cells, head + cells * width, image.n);
    if (cells == 0)
        return OV_OK;
    s->min = load_f64(p + 4);
    s->max = load_f64(p + 12);
    if (!isfinite(s->min) || !isfinite(s->max) || s->min > s->max)
        return corrupt("its bounds cannot be", err);
    OV_TRY(ovi_tdigest_reserve(s, cells, mem, err));
    s->cells = cells;
    return read_cells(p + head, small, s, err);
}
