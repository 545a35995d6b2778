/*
 * Sums of powers, and their bytes, big-endian:
 *
 *   0 k, 4 bytes    4 compressed, 4 bytes    8 least, 16 greatest, 24 sums: 8 bytes each
 *
 * Source: Druid's momentsketch extension (docs/development/extensions-contrib/momentsketch-quantiles) and its bytes.
 */
#include "sketch/powers.h"

#include <float.h>

enum { HEAD_BYTES = 24 };

void ov_powers_init(ov_powers *s, unsigned k, bool compressed)
{
    *s = (ov_powers){.k = k, .compressed = compressed, .min = DBL_MAX, .max = -DBL_MAX};
}

static ov_status begin(ov_powers *s, const ov_sketch_mem *mem, ov_error *err)
{
    if (s->sum)
        return OV_OK;
    OV_TRY(mem->grow(mem->owner, &s->sum, &s->cap, s->k * sizeof(double), err));
    memset(s->sum, 0, s->k * sizeof(double));
    return OV_OK;
}

ov_status ov_powers_add(ov_powers *s, double x, const ov_sketch_mem *mem, ov_error *err)
{
    double y = s->compressed ? asinh(x) : x, power = 1, most = pow(y, s->k - 1);
    if (isnan(x))
        return OV_OK;
    if (!isfinite(most))
        return ov_fail(err, OV_INVALID, "a moments sketch of k %u cannot take %g: its powers are infinite", s->k, x);
    OV_TRY(begin(s, mem, err));
    s->min = fmin(s->min, y);
    s->max = fmax(s->max, y);
    for (uint32_t i = 0; i < s->k; i++) {
        s->sum[i] += power;
        power *= y;
    }
    return OV_OK;
}

ov_status ov_powers_merge(ov_powers *s, const ov_powers *from, const ov_sketch_mem *mem, ov_error *err)
{
    if (from->k < s->k)
        return ov_fail(err, OV_INVALID, "a moments sketch of k %u cannot take in one of k %u", s->k, from->k);
    if (from->compressed != s->compressed)
        return ov_fail(err, OV_INVALID, "a moments sketch that is %scompressed cannot take in one that is%s", s->compressed ? "" : "not ",
                       from->compressed ? "" : " not");
    if (!from->sum)
        return OV_OK;
    OV_TRY(begin(s, mem, err));
    s->min = fmin(s->min, from->min);
    s->max = fmax(s->max, from->max);
    for (uint32_t i = 0; i < s->k; i++) {
        s->sum[i] += from->sum[i];
        if (!isfinite(s->sum[i]))
            return ov_fail(err, OV_INVALID, "the sums of a moments sketch of k %u become infinite", s->k);
    }
    return OV_OK;
}

double ov_powers_min(const ov_powers *s)
{
    return s->compressed ? sinh(s->min) : s->min;
}

double ov_powers_max(const ov_powers *s)
{
    return s->compressed ? sinh(s->max) : s->max;
}

/* ---- bytes ---- */

ov_status ov_powers_write(const ov_powers *s, ov_buf *out, ov_error *err)
{
    char head[HEAD_BYTES];
    ov_store_be_u32(head, s->k);
    ov_store_be_u32(head + 4, s->compressed);
    ov_store_be_u64(head + 8, ov_f64_bits(s->min));
    ov_store_be_u64(head + 16, ov_f64_bits(s->max));
    ov_buf_add(out, head, sizeof(head));
    for (uint32_t i = 0; i < s->k; i++) {
        char sum[8];
        ov_store_be_u64(sum, ov_f64_bits(s->sum ? s->sum[i] : 0));
        ov_buf_add(out, sum, sizeof(sum));
    }
    return ov_buf_check(out, err);
}

static ov_status corrupt(const char *what, ov_error *err)
{
    return ov_fail(err, OV_CORRUPT, "this is no moments sketch: %s", what);
}

static double load_f64(const char *p)
{
    return ov_f64_from_bits(ov_load_be_u64(p));
}

ov_status ov_powers_read(ov_slice image, ov_powers *s, const ov_sketch_mem *mem, ov_error *err)
{
    const char *p = image.p;
    ov_powers_init(s, OV_POWERS_DEFAULT_K, true);
    if (image.n == 0)
        return OV_OK;
    if (image.n < HEAD_BYTES)
        return corrupt("24 bytes are expected in front of its sums", err);
    uint32_t k = ov_load_be_u32(p), compressed = ov_load_be_u32(p + 4);
    if (k < OV_POWERS_LEAST_K || k > OV_POWERS_MOST_K || compressed > 1)
        return corrupt("k must be from 2 to 64, and whether it is compressed 0 or 1", err);
    if (image.n < HEAD_BYTES + k * 8)
        return ov_fail(err, OV_CORRUPT, "a moments sketch of k %u has %u bytes, found %zu", k, HEAD_BYTES + k * 8, image.n);
    ov_powers_init(s, k, compressed);
    if (load_f64(p + HEAD_BYTES) == 0)
        return OV_OK;
    s->min = load_f64(p + 8);
    s->max = load_f64(p + 16);
    OV_TRY(begin(s, mem, err));
    for (uint32_t i = 0; i < k; i++) {
        s->sum[i] = load_f64(p + HEAD_BYTES + (size_t)i * 8);
        if (!isfinite(s->sum[i]))
            return corrupt("a sum is not finite", err);
    }
    if (!(s->sum[0] >= 1) || !isfinite(s->min) || !isfinite(s->max) || s->min > s->max)
        return corrupt("its count or its bounds cannot be", err);
    return OV_OK;
}
