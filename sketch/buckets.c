#include "sketch/buckets.h"

#include "base/numfmt.h"

enum { VERSION = 1, FULL = 1, PAIRS = 2, HEADER = 71 };

ov_status ov_buckets_init(ov_buckets *s, double lower, double upper, uint32_t count, ov_buckets_outliers outliers,
                          const ov_sketch_mem *mem, ov_error *err)
{
    *s = (ov_buckets){.lower = lower, .upper = upper, .outliers = (uint8_t)outliers, .min = INFINITY, .max = -INFINITY};
    OV_TRY(mem->grow(mem->owner, &s->counts, &s->cap, count * sizeof(int64_t), err));
    memset(s->counts, 0, count * sizeof(int64_t));
    s->count = count;
    return OV_OK;
}

static void see(ov_buckets *s, double v)
{
    s->n++;
    s->max = OV_MAX(s->max, v);
    s->min = OV_MIN(s->min, v);
}

void ov_buckets_add(ov_buckets *s, double v)
{
    bool low = v < s->lower, out = low || v >= s->upper;
    if (isnan(v) || (out && s->outliers == OV_BUCKETS_IGNORE))
        return;
    if (out && s->outliers == OV_BUCKETS_OVERFLOW) {
        ++*(low ? &s->below : &s->above);
        return;
    }
    see(s, !out ? v : low ? s->lower : s->upper);
    uint32_t last = s->count - 1;
    s->counts[out ? (low ? 0 : last) : OV_MIN((uint32_t)((v - s->lower) / ov_buckets_width(s)), last)]++;
}

float ov_buckets_quantile(const ov_buckets *s, double p)
{
    double want = p * 100, before = 0, at = s->lower, width = ov_buckets_width(s);
    int64_t sum = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        sum += s->counts[i];
        double upto = 100.0 * (double)sum / (double)s->n, next = (i + 1) * width + s->lower;
        if (upto >= want)
            return (float)((want - before) / (upto - before) * (next - at) + at);
        before = upto;
        at = next;
    }
    return 0;
}

void ov_buckets_describe(const ov_buckets *s, ov_buf *out)
{
    static const char *const modes[] = {"ignore", "overflow", "clip"};
    ov_buf_add_str(out, "{lowerLimit=");
    ov_buf_add_double(out, s->lower);
    ov_buf_add_str(out, ", upperLimit=");
    ov_buf_add_double(out, s->upper);
    ov_buf_addf(out, ", numBuckets=%u, upperOutlierCount=%lld, lowerOutlierCount=%lld, missingValueCount=%lld, histogram=[",
                s->count, (long long)s->above, (long long)s->below, (long long)s->missing);
    for (uint32_t i = 0; i < s->count; i++)
        ov_buf_addf(out, "%s%lld", i ? ", " : "", (long long)s->counts[i]);
    ov_buf_addf(out, "], outlierHandlingMode=%s, count=%lld, max=", modes[s->outliers], (long long)s->n);
    ov_buf_add_double(out, s->max);
    ov_buf_add_str(out, ", min=");
    ov_buf_add_double(out, s->min);
    ov_buf_add_char(out, '}');
}

/* ---- images ---- */

static void put_i32(ov_buf *out, uint32_t v)
{
    char bytes[4];
    ov_store_be_u32(bytes, v);
    ov_buf_add(out, bytes, sizeof(bytes));
}

static void put_i64(ov_buf *out, int64_t v)
{
    char bytes[8];
    ov_store_be_u64(bytes, (uint64_t)v);
    ov_buf_add(out, bytes, sizeof(bytes));
}

static void put_f64(ov_buf *out, double v)
{
    put_i64(out, (int64_t)ov_f64_bits(v));
}

void ov_buckets_write(const ov_buckets *s, ov_buf *out)
{
    uint32_t used = 0;
    for (uint32_t i = 0; i < s->count; i++)
        used += s->counts[i] != 0;
    bool pairs = used < s->count / 2;
    ov_buf_add_char(out, VERSION);
    ov_buf_add_char(out, pairs ? PAIRS : FULL);
    put_f64(out, s->lower);
    put_f64(out, s->upper);
    put_i32(out, s->count);
    ov_buf_add_char(out, (char)s->outliers);
    put_i64(out, s->n);
    put_i64(out, s->below);
    put_i64(out, s->above);
    put_i64(out, s->missing);
    put_f64(out, s->max);
    put_f64(out, s->min);
    if (pairs)
        put_i32(out, used);
    for (uint32_t i = 0; i < s->count; i++) {
        if (pairs && s->counts[i] == 0)
            continue;
        if (pairs)
            put_i32(out, i);
        put_i64(out, s->counts[i]);
    }
}

static int64_t i64_at(const char *p)
{
    return (int64_t)ov_load_be_u64(p);
}

static double f64_at(const char *p)
{
    return ov_f64_from_bits(ov_load_be_u64(p));
}

static ov_status fail_image(ov_slice image, const char *what, ov_error *err)
{
    return ov_fail(err, OV_CORRUPT, "a fixed buckets histogram of %zu bytes: %s", image.n, what);
}

static ov_status read_counts(ov_slice image, ov_slice rest, bool pairs, ov_buckets *s, ov_error *err)
{
    const char *p = rest.p;
    if (!pairs) {
        if (rest.n != (size_t)s->count * 8)
            return fail_image(image, "its counts end early or late", err);
        for (uint32_t i = 0; i < s->count; i++)
            s->counts[i] = i64_at(p + (size_t)i * 8);
    } else {
        uint32_t used = rest.n < 4 ? UINT32_MAX : ov_load_be_u32(p);
        if (used > s->count || rest.n - 4 != (size_t)used * 12)
            return fail_image(image, "its counts end early or late", err);
        for (p += 4; used--; p += 12) {
            uint32_t at = ov_load_be_u32(p);
            if (at >= s->count)
                return fail_image(image, "it counts in a bucket that it does not have", err);
            s->counts[at] = i64_at(p + 4);
        }
    }
    for (uint32_t i = 0; i < s->count; i++)
        if (s->counts[i] < 0 || s->counts[i] > OV_SKETCH_MOST_COUNT)
            return fail_image(image, "a count is out of range", err);
    return OV_OK;
}

ov_status ov_buckets_read(ov_slice image, ov_buckets *s, const ov_sketch_mem *mem, ov_error *err)
{
    const char *p = image.p;
    *s = (ov_buckets){0};
    if (image.n < HEADER || p[0] != VERSION || (p[1] != FULL && p[1] != PAIRS))
        return fail_image(image, "it has no header of version 1", err);
    double lower = f64_at(p + 2), upper = f64_at(p + 10);
    uint32_t count = ov_load_be_u32(p + 18);
    if (!(upper > lower) || !isfinite(upper - lower) || count == 0 || count > OV_BUCKETS_MOST || (uint8_t)p[22] > OV_BUCKETS_CLIP)
        return fail_image(image, "its limits make no buckets", err);
    OV_TRY(ov_buckets_init(s, lower, upper, count, (ov_buckets_outliers)p[22], mem, err));
    s->n = i64_at(p + 23);
    s->below = i64_at(p + 31);
    s->above = i64_at(p + 39);
    s->missing = i64_at(p + 47);
    s->max = f64_at(p + 55);
    s->min = f64_at(p + 63);
    const int64_t *sums[] = {&s->n, &s->below, &s->above, &s->missing};
    for (size_t i = 0; i < OV_COUNT_OF(sums); i++)
        if (*sums[i] < 0 || *sums[i] > OV_SKETCH_MOST_COUNT)
            return fail_image(image, "a count is out of range", err);
    return read_counts(image, ov_slice_make(p + HEADER, image.n - HEADER), p[1] == PAIRS, s, err);
}
