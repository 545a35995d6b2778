/*
 * KLL sketches as bytes.
 *
 *   0 words of preamble (2: empty or one item, 5)   4 k, 2 bytes        16 least k merged, 2 bytes
 *   1 version (1; 2: one item; 3: updatable)        6 m                 18 levels
 *   2 family 15                                     7 nothing           20 where levels begin, 4 bytes each;
 *   3 flags                                         8 n                    least, greatest item; items, lowest level first
 *
 * Levels begin where they would in an array of full capacity, free places first. One item stands at 8. Updatable images tell where the last level
 * ends too, and have the free places.
 *
 * Source: the layout in the documentation of DataSketches' KLL preamble, checked against images of its Java and C++ (tests/sketch).
 */
#include "sketch/kll.h"

#include "base/numfmt.h"

enum {
    FAMILY = 15,
    HEAD_BYTES = 8,
    START = 20,
    VERSION_FULL = 1,
    VERSION_ONE = 2,
    VERSION_UPDATABLE = 3,
    WORDS_SHORT = 2,
    WORDS_FULL = 5,
    IS_EMPTY = 1,
    IS_SORTED = 2,
    IS_ONE = 4,
};

static size_t item_bytes(bool floats)
{
    return floats ? sizeof(float) : sizeof(double);
}

static void add_item(ov_buf *out, double x, bool floats)
{
    char bytes[sizeof(double)];
    if (floats)
        ov_store_u32(bytes, ov_f32_bits((float)x));
    else
        ov_store_f64(bytes, x);
    ov_buf_add(out, bytes, item_bytes(floats));
}

static uint32_t retained(const ov_kll *s)
{
    return s->room - s->free;
}

/* Bytes of an image with n > 1: of all places, or of those that are used. */
static size_t full_bytes(const ov_kll *s, bool updatable)
{
    size_t items = 2 + (size_t)(updatable ? s->capacity : retained(s));
    return START + (s->levels + (size_t)updatable) * 4 + items * item_bytes(s->floats);
}

ov_status ov_kll_write(const ov_kll *s, ov_buf *out, ov_error *err)
{
    bool full = s->n > 1;
    char head[START] = {full ? WORDS_FULL : WORDS_SHORT, s->n == 1 ? VERSION_ONE : VERSION_FULL, FAMILY};
    head[3] = (char)((s->n ? 0 : IS_EMPTY) | (s->sorted ? IS_SORTED : 0) | (s->n == 1 ? IS_ONE : 0));
    ov_store_u16(head + 4, s->k);
    head[6] = (char)s->m;
    ov_store_u64(head + 8, s->n);
    ov_store_u16(head + 16, s->min_k);
    head[18] = (char)s->levels;
    ov_buf_add(out, head, full ? START : HEAD_BYTES);
    if (full) {
        uint32_t spare = s->capacity - s->room;
        for (unsigned i = 0; i < s->levels; i++) {
            char begin[4];
            ov_store_u32(begin, spare + ovi_kll_begin(s, i));
            ov_buf_add(out, begin, sizeof(begin));
        }
        add_item(out, s->min, s->floats);
        add_item(out, s->max, s->floats);
    }
    if (!s->floats && s->n)
        ov_buf_add(out, s->items + s->free, retained(s) * sizeof(double));
    for (uint32_t i = s->free; s->floats && i < s->room; i++)
        add_item(out, s->items[i], true);
    return ov_buf_check(out, err);
}

/* ---- reading ---- */

static ov_status corrupt(const char *what, ov_error *err)
{
    return ov_fail(err, OV_CORRUPT, "this is no KLL sketch: %s", what);
}

static double item_at(const char *p, size_t i, bool floats)
{
    return floats ? (double)ov_load_f32(p + 4 * i) : ov_load_f64(p + 8 * i);
}

static ov_status read_one(ov_slice image, ov_kll *s, const ov_sketch_mem *mem, ov_error *err)
{
    if (image.n < HEAD_BYTES + item_bytes(s->floats))
        return corrupt("its item is cut off", err);
    double x = item_at(image.p + HEAD_BYTES, 0, s->floats);
    return isnan(x) ? corrupt("its item is no number", err) : ov_kll_add(s, x, mem, err);
}

/* The ends of levels, from where the next ones begin; items lie behind one another from 0 on. */
static ov_status read_levels(const char *p, bool updatable, ov_kll *s, ov_error *err)
{
    uint32_t first = ov_load_u32(p), last = updatable ? ov_load_u32(p + 4 * (size_t)s->levels) : s->capacity, begin = first;
    uint64_t n = 0;
    for (unsigned i = 0; i < s->levels; i++) {
        uint32_t end = i + 1u < s->levels ? ov_load_u32(p + 4 * (i + (size_t)1)) : last;
        if (end < begin || end > last)
            return corrupt("its levels do not lie in order", err);
        if (end - begin > (s->n - n) >> i)
            return corrupt("its levels stand for more items than it has seen", err);
        n += (uint64_t)(end - begin) << i;
        s->ends[i] = end - first;
        begin = end;
    }
    if (n != s->n)
        return corrupt("its levels stand for fewer items than it has seen", err);
    if (last - first > s->capacity)
        return corrupt("it has more items than its levels may hold", err);
    s->room = last - first;
    return OV_OK;
}

static ov_status read_items(const char *p, ov_kll *s, ov_error *err)
{
    for (unsigned level = 0; level < s->levels; level++)
        for (uint32_t begin = ovi_kll_begin(s, level), i = begin; i < s->ends[level]; i++) {
            double x = s->items[i] = item_at(p, i, s->floats);
            bool ascends = i > begin && (level || s->sorted);
            if (!(x >= (ascends ? s->items[i - 1] : s->min) && x <= s->max))
                return corrupt("its items lie outside their bounds or do not ascend", err);
        }
    return OV_OK;
}

static ov_status read_full(ov_slice image, bool updatable, ov_kll *s, const ov_sketch_mem *mem, ov_error *err)
{
    const char *p = image.p;
    size_t width = item_bytes(s->floats);
    if (image.n < START)
        return corrupt("20 bytes are expected in front of its levels", err);
    s->n = ov_load_u64(p + 8);
    s->min_k = ov_load_u16(p + 16);
    s->levels = (uint8_t)p[18];
    if (s->n >> 60)
        return corrupt("its number of items cannot be", err);
    if (s->levels < 1 || s->levels > OV_KLL_MOST_LEVELS || s->min_k < s->m || s->min_k > s->k)
        return corrupt("its number of levels, or the least k that was merged, cannot be", err);
    size_t levels = s->levels + (size_t)updatable, items = START + (levels * 4) + 2 * width;
    if (image.n < items)
        return corrupt("its levels are cut off", err);
    s->capacity = ovi_kll_capacity(s->k, s->m, s->levels);
    OV_TRY(ovi_kll_reserve_levels(s, s->levels, mem, err));
    OV_TRY(read_levels(p + START, updatable, s, err));
    size_t skip = updatable ? ov_load_u32(p + START) : 0;
    if ((image.n - items) / width < skip + s->room)
        return ov_fail(err, OV_CORRUPT, "a KLL sketch with %u items has %zu bytes or more, found %zu", s->room,
                       items + (skip + s->room) * width, image.n);
    if (s->n == 0) {
        ov_kll_init(s, s->k, s->floats);
        return OV_OK;
    }
    s->min = item_at(p + START + levels * 4, 0, s->floats);
    s->max = item_at(p + START + levels * 4, 1, s->floats);
    OV_TRY(mem->grow(mem->owner, &s->items, &s->cap, s->room * sizeof(double), err));
    return read_items(p + items + skip * width, s, err);
}

ov_status ov_kll_read(ov_slice image, bool floats, ov_kll *s, const ov_sketch_mem *mem, ov_error *err)
{
    const char *p = image.p;
    ov_kll_init(s, OV_KLL_DEFAULT_K, floats);
    if (image.n == 0)
        return OV_OK;
    if (image.n < HEAD_BYTES)
        return corrupt("8 bytes or more are expected", err);
    unsigned words = (unsigned char)p[0], version = (unsigned char)p[1], flags = (unsigned char)p[3];
    unsigned k = ov_load_u16(p + 4), m = (unsigned char)p[6];
    if (p[2] != FAMILY)
        return ov_fail(err, OV_CORRUPT, "this is no KLL sketch: family %d is expected, found %u", FAMILY, (unsigned char)p[2]);
    if (flags > (IS_EMPTY | IS_SORTED | IS_ONE))
        return corrupt("its flags are of no known kind", err);
    if (m < 2 || m > 8 || m % 2 || k < m)
        return corrupt("m must be 2, 4, 6 or 8, and k not less", err);
    ov_kll_init(s, k, floats);
    s->m = (uint8_t)m;
    s->sorted = flags & IS_SORTED;
    if (words == WORDS_SHORT && version == VERSION_FULL && flags & IS_EMPTY)
        return OV_OK;
    if (words == WORDS_SHORT && version == VERSION_ONE && !(flags & IS_EMPTY))
        return read_one(image, s, mem, err);
    if (words == WORDS_FULL && (version == VERSION_UPDATABLE || (version == VERSION_FULL && !(flags & IS_EMPTY))))
        return read_full(image, version == VERSION_UPDATABLE, s, mem, err);
    return ov_fail(err, OV_CORRUPT, "this is no KLL sketch: version %u with %u words in front is of no known kind", version, words);
}

/* ---- as text ---- */

static void add_bound(ov_buf *out, const char *label, const ov_kll *s, double x)
{
    ov_buf_addf(out, "   %s Item               : ", label);
    if (s->n == 0)
        ov_buf_add_str(out, "NaN");
    else if (s->floats)
        ov_buf_add_float(out, (float)x);
    else
        ov_buf_add_double(out, x);
    ov_buf_add_char(out, '\n');
}

void ov_kll_describe(const ov_kll *s, ov_buf *out)
{
    size_t compact = s->n > 1 ? full_bytes(s, false) : HEAD_BYTES + s->n * item_bytes(s->floats);
    ov_buf_addf(out, "\n### KllKll%sSketch Summary:\n", s->floats ? "Floats" : "Doubles"); /* Kll twice, as there */
    ov_buf_addf(out, "   K                      : %u\n", s->k);
    ov_buf_addf(out, "   Dynamic min K          : %u\n", s->min_k);
    ov_buf_addf(out, "   M                      : %u\n", s->m);
    ov_buf_addf(out, "   N                      : %llu\n", (unsigned long long)s->n);
    ov_buf_addf(out, "   Epsilon                : %.3f%%\n", 100 * ov_kll_error(s->min_k, false));
    ov_buf_addf(out, "   Epsilon PMF            : %.3f%%\n", 100 * ov_kll_error(s->min_k, true));
    ov_buf_addf(out, "   Empty                  : %s\n", s->n ? "false" : "true");
    ov_buf_addf(out, "   Estimation Mode        : %s\n", s->levels > 1 ? "true" : "false");
    ov_buf_addf(out, "   Levels                 : %u\n", s->levels);
    ov_buf_addf(out, "   Level 0 Sorted         : %s\n", s->sorted ? "true" : "false");
    ov_buf_addf(out, "   Capacity Items         : %u\n", s->capacity);
    ov_buf_addf(out, "   Retained Items         : %u\n", retained(s));
    ov_buf_addf(out, "   Free Space             : %u\n", s->capacity - retained(s));
    ov_buf_add_str(out, "   ReadOnly               : false\n");
    ov_buf_addf(out, "   Updatable Storage Bytes: %zu\n", full_bytes(s, true));
    ov_buf_addf(out, "   Compact Storage Bytes  : %zu\n", compact);
    add_bound(out, "Min", s, s->min);
    add_bound(out, "Max", s, s->max);
    ov_buf_add_str(out, "### End sketch summary\n");
}
