/*
 * Quantiles sketches as bytes.
 *
 *   0 words of preamble (1: empty, 2)   4 k, 2 bytes        16 least item, 24 greatest
 *   1 version 3                         6 nothing           32 base buffer, then the full levels, lowest first
 *   2 family 8                          8 n
 *   3 flags
 *
 * Compact images hold what is used; updatable ones room for 2k items of the base buffer and for every level, once there is one.
 *
 * Source: the preamble table in DataSketches' documentation of classic quantiles sketches, checked against images of its Java and
 * C++ (tests/sketch).
 */
#include "sketch/quantiles.h"


enum {
    VERSION = 3,
    FAMILY = 8,
    HEAD_BYTES = 8,
    START = 32,
    IS_BIG_ENDIAN = 1,
    IS_READ_ONLY = 2,
    IS_EMPTY = 4,
    IS_COMPACT = 8,
    IS_ORDERED = 16,
};

/* Items that an updatable image has room for. */
static uint64_t updatable_items(unsigned k, uint64_t n)
{
    uint32_t levels = ovi_quantiles_level_count(n / (2 * (uint64_t)k)), most = 2 * OV_MIN(2u, k);
    if (levels)
        return (2 + (uint64_t)levels) * k;
    while (most < n)
        most *= 2;
    return most;
}

static uint64_t compact_items(unsigned k, uint64_t n)
{
    uint64_t full = 2 * (uint64_t)k;
    return n % full + (uint64_t)__builtin_popcountll(n / full) * k;
}

ov_status ov_quantiles_write(const ov_quantiles *s, bool compact, ov_buf *out, ov_error *err)
{
    char head[START] = {(char)(s->n ? 2 : 1), VERSION, FAMILY};
    uint32_t base = ovi_quantiles_base(s);
    uint64_t pattern = ovi_quantiles_levels(s);
    head[3] = (char)((s->n ? 0 : IS_EMPTY) | (compact ? IS_COMPACT | IS_READ_ONLY | IS_ORDERED : 0));
    ov_store_u16(head + 4, s->k);
    if (s->n) {
        ov_store_u64(head + 8, s->n);
        ov_store_f64(head + 16, s->min);
        ov_store_f64(head + 24, s->max);
    }
    ov_buf_add(out, head, s->n ? START : HEAD_BYTES);
    uint64_t items = s->n == 0 ? 0 : compact ? compact_items(s->k, s->n) : updatable_items(s->k, s->n);
    if (items == 0 || !ov_buf_reserve(out, items * sizeof(double)))
        return ov_buf_check(out, err);
    char *to = out->p + out->n;
    memset(to, 0, items * sizeof(double));
    if (compact) /* in place: the order of the base buffer means nothing */
        ovi_sort_doubles(s->items, base);
    memcpy(to, s->items, base * sizeof(double));
    to += (compact ? base : 2 * (size_t)s->k) * sizeof(double);
    for (uint32_t level = 0; pattern >> level; level++) {
        if (pattern >> level & 1)
            memcpy(to, ovi_quantiles_level(s, level), s->k * sizeof(double));
        if (!compact || pattern >> level & 1)
            to += s->k * sizeof(double);
    }
    out->n += items * sizeof(double);
    return OV_OK;
}

/* ---- reading ---- */

static ov_status corrupt(const char *what, ov_error *err)
{
    return ov_fail(err, OV_CORRUPT, "this is no quantiles sketch: %s", what);
}

static ov_status read_items(ov_slice image, ov_quantiles *s, bool compact, const ov_sketch_mem *mem, ov_error *err)
{
    const char *from = image.p + START;
    uint32_t base = ovi_quantiles_base(s);
    uint64_t pattern = ovi_quantiles_levels(s);
    if (pattern)
        OV_TRY(ovi_quantiles_reserve(s, ovi_quantiles_level_count(pattern), mem, err));
    else
        OV_TRY(mem->grow(mem->owner, &s->items, &s->cap, base * sizeof(double), err));
    memcpy(s->items, from, base * sizeof(double));
    from += (compact ? base : 2 * (size_t)s->k) * sizeof(double);
    for (uint32_t i = 0; i < base; i++)
        if (!(s->items[i] >= s->min && s->items[i] <= s->max))
            return corrupt("an item lies outside the least and the greatest one", err);
    for (uint32_t level = 0; pattern >> level; level++) {
        bool full = pattern >> level & 1;
        double *to = ovi_quantiles_level(s, level);
        if (full)
            memcpy(to, from, s->k * sizeof(double));
        if (full || !compact)
            from += s->k * sizeof(double);
        for (uint32_t i = 0; full && i < s->k; i++)
            if (!(to[i] >= (i ? to[i - 1] : s->min) && to[i] <= s->max))
                return corrupt("the items of a level do not ascend", err);
    }
    return OV_OK;
}

ov_status ov_quantiles_read(ov_slice image, ov_quantiles *s, const ov_sketch_mem *mem, ov_error *err)
{
    const char *p = image.p;
    ov_quantiles_init(s, OV_QUANTILES_DEFAULT_K);
    if (image.n == 0)
        return OV_OK;
    if (image.n < HEAD_BYTES)
        return corrupt("8 bytes or more are expected", err);
    unsigned flags = (unsigned char)p[3], k = ov_load_u16(p + 4);
    if (p[1] != VERSION || p[2] != FAMILY)
        return ov_fail(err, OV_CORRUPT, "this is no quantiles sketch: family %d, version %d are expected, found %u, %u", FAMILY,
                       VERSION, (unsigned char)p[2], (unsigned char)p[1]);
    if (flags & IS_BIG_ENDIAN || flags > (IS_ORDERED | 15u))
        return corrupt("its flags are of no known kind", err);
    if (!ov_quantiles_k_ok(k))
        return corrupt("k must be a power of two from 2 to 32768", err);
    ov_quantiles_init(s, k);
    if (flags & IS_EMPTY)
        return OV_OK;
    if (image.n < START || p[0] != 2)
        return corrupt("32 bytes are expected in front of its items", err);
    bool compact = flags & IS_COMPACT;
    uint64_t n = ov_load_u64(p + 8);
    s->min = ov_load_f64(p + 16);
    s->max = ov_load_f64(p + 24);
    if (n == 0 || n > UINT64_MAX / 4 || !(s->min <= s->max))
        return corrupt("its number of items, or their bounds, cannot be", err);
    uint64_t least = compact ? compact_items(k, n) : n < 2 * (uint64_t)k ? n : updatable_items(k, n);
    if ((image.n - START) / sizeof(double) < least)
        return ov_fail(err, OV_CORRUPT, "a quantiles sketch of k %u and %llu items has %llu bytes or more, found %zu", k,
                       (unsigned long long)n, (unsigned long long)(START + least * sizeof(double)), image.n);
    s->n = n;
    return read_items(image, s, compact, mem, err);
}

/* ---- as text ---- */

static void add_binary(ov_buf *out, uint64_t v)
{
    for (int i = v ? 63 - __builtin_clzll(v) : 0; i >= 0; i--)
        ov_buf_add_char(out, (char)('0' + (v >> i & 1)));
}

/* With commas between thousands. */
static void add_grouped(ov_buf *out, uint64_t v)
{
    if (v >= 1000) {
        add_grouped(out, v / 1000);
        ov_buf_addf(out, ",%03u", (unsigned)(v % 1000));
    } else {
        ov_buf_addf(out, "%u", (unsigned)v);
    }
}

static void add_count(ov_buf *out, const char *label, uint64_t v)
{
    ov_buf_addf(out, "    %-29s: ", label);
    add_grouped(out, v);
    ov_buf_add_char(out, '\n');
}

static void add_levels(ov_buf *out, uint64_t pattern)
{
    ov_buf_add_str(out, "\n### HeapUpdateDoublesSketch LEVELS ABOVE BASE BUF:\n");
    ov_buf_add_str(out, pattern ? "    Level |  Valid |  Weight\n" : "    <NONE>\n");
    for (uint32_t i = 0; pattern >> i; i++)
        ov_buf_addf(out, "%9u %8s %9llu\n", i, pattern >> i & 1 ? "T" : "F", 2ull << i);
    ov_buf_add_str(out, "### END LEVELS ABOVE BASE BUF\n");
}

void ov_quantiles_describe(const ov_quantiles *s, ov_buf *out)
{
    uint64_t pattern = ovi_quantiles_levels(s), retained = compact_items(s->k, s->n);
    uint64_t room = updatable_items(s->k, s->n);
    unsigned total = ovi_quantiles_level_count(pattern);
    ov_buf_add_str(out, "\n### Classic Quantiles HeapUpdateDoublesSketch SUMMARY: \n");
    ov_buf_addf(out, "    Empty                        : %s\n", s->n ? "false" : "true");
    ov_buf_add_str(out, "    Memory, Capacity bytes       : false, \n");
    ov_buf_addf(out, "    Estimation Mode              : %s\n", pattern ? "true" : "false");
    add_count(out, "K", s->k);
    add_count(out, "N", s->n);
    ov_buf_addf(out, "    Levels (Needed, Total, Valid): %u, %u, %d\n", total, total, __builtin_popcountll(pattern));
    ov_buf_add_str(out, "    Level Bit Pattern            : ");
    add_binary(out, pattern);
    ov_buf_add_char(out, '\n');
    add_count(out, "Base Buffer Count", ovi_quantiles_base(s));
    add_count(out, "Combined Buffer Capacity", room);
    add_count(out, "Retained Items", retained);
    add_count(out, "Preamble Bytes", s->n ? 16 : 8);
    add_count(out, "Compact Storage Bytes", s->n ? START + retained * sizeof(double) : HEAD_BYTES);
    add_count(out, "Updatable Storage Bytes", s->n ? START + room * sizeof(double) : HEAD_BYTES);
    ov_buf_addf(out, "    Normalized Rank Error        : %.3f%%\n", 100 * ov_quantiles_error(s->k, false));
    ov_buf_addf(out, "    Normalized Rank Error (PMF)  : %.3f%%\n", 100 * ov_quantiles_error(s->k, true));
    if (s->n)
        ov_buf_addf(out, "    Min Item                     : %12.6e\n    Max Item                     : %12.6e\n", s->min, s->max);
    else
        ov_buf_addf(out, "    Min Item                     : %12s\n    Max Item                     : %12s\n", "NaN", "NaN");
    ov_buf_add_str(out, "### END SKETCH SUMMARY\n");
    add_levels(out, pattern);
}
