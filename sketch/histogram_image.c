/* The bytes of approximate histograms, as Druid writes and reads them; see sketch/histogram.h. */
#include "sketch/histogram.h"

enum { MOST_SHORT = 127 };

static void put_i32(ov_buf *out, int32_t v)
{
    char bytes[4];
    ov_store_be_u32(bytes, (uint32_t)v);
    ov_buf_add(out, bytes, sizeof(bytes));
}

static void put_f32(ov_buf *out, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof(bits));
    put_i32(out, (int32_t)bits);
}

static void put_i64(ov_buf *out, int64_t v)
{
    char bytes[8];
    ov_store_be_u64(bytes, (uint64_t)v);
    ov_buf_add(out, bytes, sizeof(bytes));
}

static void put_values(const ov_histogram *s, bool exact, ov_buf *out)
{
    for (uint32_t i = 0; i < s->bins; i++)
        for (int64_t k = 0; ov_histogram_is_exact(s, i) == exact && k < ov_histogram_count(s, i); k++)
            put_f32(out, s->positions[i]);
}

void ov_histogram_write(const ov_histogram *s, ov_buf *out)
{
    int64_t exact = 0;
    for (uint32_t i = 0; i < s->bins; i++)
        exact += ov_histogram_is_exact(s, i) ? ov_histogram_count(s, i) : 0;
    int64_t others = s->n - exact;
    uint64_t all = 16 + 12 * (uint64_t)s->bins, values = 3 + 4 * (uint64_t)s->n + (others ? 9 : 0);
    if (s->size <= INT16_MAX && exact <= MOST_SHORT && others <= MOST_SHORT && values < all) {
        char size[2];
        ov_store_be_u16(size, (uint16_t) - (int)s->size);
        ov_buf_add(out, size, sizeof(size));
        if (others) {
            ov_buf_add_char(out, (char)-others);
            put_values(s, false, out);
            put_f32(out, s->min);
            put_f32(out, s->max);
        }
        ov_buf_add_char(out, (char)exact);
        put_values(s, true, out);
        return;
    }
    put_i32(out, (int32_t)s->size);
    put_i32(out, -(int32_t)s->bins);
    for (uint32_t i = 0; i < s->bins; i++)
        put_f32(out, s->positions[i]);
    for (uint32_t i = 0; i < s->bins; i++)
        put_i64(out, s->counts[i]);
    put_f32(out, s->min);
    put_f32(out, s->max);
}

/* ---- reading ---- */

typedef struct reading {
    const char *p;
    size_t left;
} reading;

static const char *take(reading *r, size_t n)
{
    const char *at = r->p;
    if (r->left < n)
        return NULL;
    r->p += n;
    r->left -= n;
    return at;
}

static float f32_at(const char *p)
{
    uint32_t bits = ov_load_be_u32(p);
    float v;
    memcpy(&v, &bits, sizeof(v));
    return v;
}

static ov_status fail_short(ov_slice image, ov_error *err)
{
    return ov_fail(err, OV_CORRUPT, "an approximate histogram of %zu bytes ends early, goes on too long, or has bins out of order",
                   image.n);
}

static ov_status read_long(reading *r, ov_slice image, ov_histogram *s, const ov_sketch_mem *mem, ov_error *err)
{
    const char *head = take(r, 8);
    if (!head)
        return fail_short(image, err);
    int32_t size = (int32_t)ov_load_be_u32(head), bins = (int32_t)ov_load_be_u32(head + 4);
    bool full = bins >= 0;
    bins = full ? bins : bins == INT32_MIN ? INT32_MAX : -bins;
    if (size <= 0 || size > OV_HISTOGRAM_MOST_SIZE || bins > size)
        return ov_fail(err, OV_CORRUPT, "an approximate histogram says it has %d bins of %d", bins, size);
    size_t places = (size_t)(full ? size : bins);
    const char *positions = take(r, places * 4), *counts = take(r, places * 8), *ends = take(r, 8);
    if (!positions || !counts || !ends || r->left)
        return fail_short(image, err);
    ov_histogram_init(s, (uint32_t)size, -INFINITY, INFINITY);
    OV_TRY(ovi_histogram_begin(s, mem, err));
    s->min = f32_at(ends);
    s->max = f32_at(ends + 4);
    for (uint32_t i = 0; i < (uint32_t)bins; i++) {
        s->positions[i] = f32_at(positions + (size_t)i * 4);
        s->counts[i] = (int64_t)ov_load_be_u64(counts + (size_t)i * 8);
        s->bins++;
        if (!(i == 0 || s->positions[i] > s->positions[i - 1]) || isnan(s->positions[i]) || ov_histogram_count(s, i) == 0 ||
            ov_histogram_count(s, i) > OV_SKETCH_MOST_COUNT - s->n)
            return fail_short(image, err);
        s->n += ov_histogram_count(s, i);
    }
    return s->bins && !(s->min <= s->max) ? fail_short(image, err) : OV_OK;
}

/* `count` values in ascending order make bins in front of, between and on those that are there. */
static ov_status read_values(reading *r, ov_slice image, unsigned count, int64_t spread, ov_histogram *s, ov_error *err)
{
    for (unsigned i = 0; i < count; i++) {
        const char *p = take(r, 4);
        float v = p ? f32_at(p) : NAN;
        if (isnan(v))
            return fail_short(image, err);
        uint32_t at = ovi_histogram_find(s, v);
        s->n++;
        if (at < s->bins && s->positions[at] == v) {
            s->counts[at]++;
            continue;
        }
        if (s->bins == s->size)
            return fail_short(image, err);
        memmove(s->positions + at + 1, s->positions + at, (s->bins - at) * sizeof(float));
        memmove(s->counts + at + 1, s->counts + at, (s->bins - at) * sizeof(int64_t));
        s->positions[at] = v;
        s->counts[at] = 1 | spread;
        s->bins++;
    }
    return OV_OK;
}

static ov_status read_short(reading *r, ov_slice image, ov_histogram *s, const ov_sketch_mem *mem, ov_error *err)
{
    const char *head = take(r, 3);
    if (!head)
        return fail_short(image, err);
    int size = -(int)(int16_t)ov_load_be_u16(head), count = (signed char)head[2];
    if (size > INT16_MAX || count == INT8_MIN)
        return fail_short(image, err);
    ov_histogram_init(s, (uint32_t)size, -INFINITY, INFINITY);
    OV_TRY(ovi_histogram_begin(s, mem, err));
    if (count < 0) {
        OV_TRY(read_values(r, image, (unsigned)-count, OV_HISTOGRAM_SPREAD, s, err));
        const char *ends = take(r, 9);
        if (!ends)
            return fail_short(image, err);
        s->min = f32_at(ends);
        s->max = f32_at(ends + 4);
        count = (signed char)ends[8];
    }
    if (count < 0)
        return fail_short(image, err);
    bool all_exact = s->bins == 0;
    OV_TRY(read_values(r, image, (unsigned)count, 0, s, err));
    if (all_exact && s->bins) {
        s->min = s->positions[0];
        s->max = s->positions[s->bins - 1];
    }
    return r->left || (s->bins && !(s->min <= s->max)) ? fail_short(image, err) : OV_OK;
}

ov_status ov_histogram_read(ov_slice image, ov_histogram *s, const ov_sketch_mem *mem, ov_error *err)
{
    reading r = {image.p, image.n};
    *s = (ov_histogram){0};
    if (image.n == 0) {
        ov_histogram_init(s, OV_HISTOGRAM_DEFAULT_SIZE, -INFINITY, INFINITY);
        return OV_OK;
    }
    return (uint8_t)image.p[0] >> 7 ? read_short(&r, image, s, mem, err) : read_long(&r, image, s, mem, err);
}
