/*
 * Theta sketches as bytes, serial version 3.
 *
 *   0 longs before the hashes: 1 empty or one hash, 2 everything was kept, 3 theta stands there   3, 4 lg of nominal size and table (updatable)
 *   1 version 3   2 family: 3 compact, 2 updatable   5 flags   6 hash of the seed
 *   8 how many hashes, 12 sampling probability as a float   16 theta   then the hashes
 *
 * Source: DataSketches' preamble page, checked against images of its C++ and Java (tests/sketch). Bytes nobody reads are those of Java, which is
 * what Druid writes: an empty sketch has no seed hash, one hash has a flag of its own.
 */
#include "sketch/theta.h"

#include "base/numfmt.h"

enum {
    VERSION = 3,
    UPDATABLE = 2,
    COMPACT = 3,
    IS_READ_ONLY = 2,
    IS_EMPTY = 4,
    IS_COMPACT = 8,
    IS_ORDERED = 16,
    IS_SINGLE = 32,
    PLAIN = IS_READ_ONLY | IS_COMPACT | IS_ORDERED,
};

ov_status ov_theta_write(const ov_theta_set *s, ov_buf *out, ov_error *err)
{
    char head[24] = {0};
    bool all = s->theta == OV_THETA_ALL, empty = !s->seen || (all && s->count == 0), single = all && s->count == 1;
    unsigned longs = empty || single ? 1 : all ? 2 : 3;
    head[0] = (char)longs;
    head[1] = VERSION;
    head[2] = COMPACT;
    head[5] = (char)(PLAIN | (empty ? IS_EMPTY : 0) | (single ? IS_SINGLE : 0));
    ov_store_u16(head + 6, empty ? 0 : ov_sketch_seed_hash(OV_SKETCH_SEED));
    ov_store_u32(head + 8, s->count);
    ov_store_u32(head + 12, 0x3f800000); /* 1.0f */
    ov_store_u64(head + 16, s->theta);
    ov_buf_add(out, head, longs * 8);
    if (empty)
        return ov_buf_check(out, err);
    for (uint32_t i = 0; i < s->count; i++) {
        char word[8];
        ov_store_u64(word, s->hash[i]);
        ov_buf_add(out, word, sizeof(word));
    }
    return ov_buf_check(out, err);
}

static ov_status too_short(ov_slice image, size_t need, ov_error *err)
{
    return ov_fail(err, OV_CORRUPT, "theta sketch: %zu bytes are needed, %zu are there", need, image.n);
}

static ov_status check_head(ov_slice image, ov_error *err)
{
    if (image.n < 8)
        return too_short(image, 8, err);
    const uint8_t *p = (const uint8_t *)image.p;
    unsigned longs = p[0] & 63, family = p[2];
    if (family != COMPACT && family != UPDATABLE)
        return ov_fail(err, OV_CORRUPT, "theta sketch: the family is %u, %d or %d is right; this is no theta sketch", family,
                       COMPACT, UPDATABLE);
    if (p[1] != VERSION)
        return ov_fail(err, OV_UNSUPPORTED, "theta sketch: serial version %u is not supported, %d is", p[1], VERSION);
    if (longs < 1 || longs > 3 || (family == UPDATABLE && longs != 3))
        return ov_fail(err, OV_CORRUPT, "theta sketch: %u words before the hashes cannot be", longs);
    if (!(p[5] & IS_EMPTY) && ov_load_u16(p + 6) != ov_sketch_seed_hash(OV_SKETCH_SEED))
        return ov_fail(err, OV_CORRUPT, "theta sketch: made with another seed than %d", OV_SKETCH_SEED);
    if (family == UPDATABLE && (p[4] < 1 || p[4] > OV_THETA_MOST_LG_K + 1))
        return ov_fail(err, OV_CORRUPT, "theta sketch: a table of 2^%u hashes cannot be", p[4]);
    return image.n < longs * 8 ? too_short(image, longs * 8, err) : OV_OK;
}

/* n words of the image, zeros left out, in order and checked. */
static ov_status read_hashes(ov_slice image, size_t start, size_t n, size_t announced, ov_arena *a, ov_theta_set *out,
                             ov_error *err)
{
    uint64_t *v;
    size_t kept = 0;
    if ((image.n - start) / 8 < n)
        return too_short(image, start + n * 8, err);
    OV_TRY(ov_arena_alloc(a, (n + 1) * sizeof(*v), &v, err));
    for (size_t i = 0; i < n; i++) {
        uint64_t hash = ov_load_u64(image.p + start + i * 8);
        if (hash)
            v[kept++] = hash;
    }
    bool sorted = true;
    for (size_t i = 1; i < kept && sorted; i++)
        sorted = v[i - 1] < v[i];
    if (!sorted)
        ovi_theta_sort(v, kept);
    for (size_t i = 1; i < kept; i++)
        if (v[i] == v[i - 1])
            return ov_fail(err, OV_CORRUPT, "theta sketch: a hash stands there twice");
    if (kept != announced)
        return ov_fail(err, OV_CORRUPT, "theta sketch: %zu hashes, %zu are announced", kept, announced);
    if (kept && v[kept - 1] >= out->theta)
        return ov_fail(err, OV_CORRUPT, "theta sketch: a hash is not below theta");
    out->hash = v;
    out->count = (uint32_t)kept;
    return OV_OK;
}

ov_status ov_theta_read(ov_slice image, ov_arena *a, ov_theta_set *out, ov_error *err)
{
    *out = (ov_theta_set){.theta = OV_THETA_ALL};
    OV_TRY(check_head(image, err));
    const uint8_t *p = (const uint8_t *)image.p;
    unsigned longs = p[0] & 63;
    if (p[5] & IS_EMPTY)
        return OV_OK;
    out->seen = true;
    if (longs == 1)
        return read_hashes(image, 8, 1, 1, a, out, err);
    if (longs == 3)
        out->theta = ov_load_u64(p + 16);
    if (out->theta == 0 || out->theta > OV_THETA_ALL)
        return ov_fail(err, OV_CORRUPT, "theta sketch: theta cannot be 0 or 2^63 and more");
    uint32_t count = ov_load_u32(p + 8);
    return read_hashes(image, longs * 8, p[2] == UPDATABLE ? (size_t)1 << p[4] : count, count, a, out, err);
}

/* ---- as text ---- */

void ov_theta_describe_estimate(const ov_theta_set *s, ov_buf *out)
{
    ov_buf_add_str(out, "   Estimate                : ");
    ov_buf_add_double(out, ov_theta_estimate(s));
    ov_buf_add_str(out, "\n   Upper Bound, 95% conf   : ");
    ov_buf_add_double(out, ov_theta_bound(s, 2, true));
    ov_buf_add_str(out, "\n   Lower Bound, 95% conf   : ");
    ov_buf_add_double(out, ov_theta_bound(s, 2, false));
    ov_buf_add_str(out, "\n   Theta (double)          : ");
    ov_buf_add_double(out, (double)s->theta / (double)OV_THETA_ALL);
    ov_buf_addf(out, "\n   Theta (long)            : %llu\n", (unsigned long long)s->theta);
}

void ov_theta_describe(const ov_theta_set *s, ov_buf *out)
{
    bool single = s->seen && s->count == 1 && s->theta == OV_THETA_ALL;
    unsigned seed = ov_sketch_seed_hash(OV_SKETCH_SEED);
    ov_buf_addf(out, "\n### %s SUMMARY: \n", !s->seen ? "EmptyCompactSketch" : single ? "SingleItemSketch" : "HeapCompactSketch");
    ov_theta_describe_estimate(s, out);
    ov_buf_addf(out, "   Theta (long) hex        : %016llx\n   EstMode?                : %s\n   Empty?                  : %s\n"
                     "   Ordered?                : true\n   Retained Entries        : %u\n   Seed Hash               : %x | %u\n"
                     "### END SKETCH SUMMARY\n",
                (unsigned long long)s->theta, s->theta < OV_THETA_ALL && s->seen ? "true" : "false", s->seen ? "false" : "true", s->count,
                seed, seed);
}
