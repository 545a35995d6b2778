/* Tuple sketches as bytes; see sketch/tuple.h. Entries are written in order; those of Java come in the order of its hash table. */
#include "sketch/tuple.h"

enum { LONGS = 1, VERSION = 1, FAMILY = 9, COMPACT = 3, IS_EMPTY = 4, HAS_ENTRIES = 8, HEAD = 16, HEAD_OF_ENTRIES = 24 };

void ov_tuple_write(const ov_tuple_set *s, ov_buf *out)
{
    char head[HEAD_OF_ENTRIES] = {LONGS, VERSION, FAMILY, COMPACT};
    head[4] = (char)((s->seen ? 0 : IS_EMPTY) | (s->count ? HAS_ENTRIES : 0));
    head[5] = (char)s->width;
    ov_store_u16(head + 6, ov_sketch_seed_hash(OV_SKETCH_SEED));
    ov_store_u64(head + 8, s->theta);
    ov_store_u32(head + 16, s->count);
    ov_buf_add(out, head, s->count ? HEAD_OF_ENTRIES : HEAD);
    for (uint32_t i = 0; i < s->count; i++) {
        char word[8];
        ov_store_u64(word, s->hash[i]);
        ov_buf_add(out, word, sizeof(word));
    }
    for (size_t i = 0; i < (size_t)s->count * s->width; i++) {
        char word[8];
        ov_store_f64(word, s->values[i]);
        ov_buf_add(out, word, sizeof(word));
    }
}

static ov_status check_head(ov_slice image, ov_error *err)
{
    const uint8_t *p = (const uint8_t *)image.p;
    if (image.n < HEAD)
        return ov_fail(err, OV_CORRUPT, "tuple sketch: %d bytes are needed, %zu are there", HEAD, image.n);
    if (p[0] != LONGS || p[1] != VERSION || p[2] != FAMILY || p[3] != COMPACT)
        return ov_fail(err, OV_CORRUPT, "tuple sketch: it begins with %u %u %u %u, a compact one with %d %d %d %d", p[0], p[1],
                       p[2], p[3], LONGS, VERSION, FAMILY, COMPACT);
    if (ov_load_u16(p + 6) != ov_sketch_seed_hash(OV_SKETCH_SEED))
        return ov_fail(err, OV_CORRUPT, "tuple sketch: made with another seed than %d", OV_SKETCH_SEED);
    return p[5] ? OV_OK : ov_fail(err, OV_CORRUPT, "tuple sketch: its values have no numbers");
}

ov_status ov_tuple_read(ov_slice image, ov_arena *a, ov_tuple_set *out, ov_error *err)
{
    *out = (ov_tuple_set){.theta = OV_THETA_ALL};
    if (image.n == 0)
        return OV_OK;
    OV_TRY(check_head(image, err));
    const uint8_t *p = (const uint8_t *)image.p;
    out->width = p[5];
    out->seen = !(p[4] & IS_EMPTY);
    out->theta = ov_load_u64(p + 8);
    if (out->theta == 0 || out->theta > OV_THETA_ALL)
        return ov_fail(err, OV_CORRUPT, "tuple sketch: theta cannot be 0 or 2^63 and more");
    if (!(p[4] & HAS_ENTRIES))
        return OV_OK;
    uint32_t count = image.n < HEAD_OF_ENTRIES ? UINT32_MAX : ov_load_u32(p + 16);
    if (image.n - HEAD_OF_ENTRIES != (uint64_t)count * (1 + out->width) * 8)
        return ov_fail(err, OV_CORRUPT, "tuple sketch: %zu bytes do not hold %u entries of %u numbers", image.n, count, out->width);
    uint64_t *keys;
    double *values;
    size_t numbers = (size_t)count * out->width;
    OV_TRY(ov_arena_alloc(a, ((size_t)count + 1) * sizeof(*keys), &keys, err));
    OV_TRY(ov_arena_alloc(a, (numbers + 1) * sizeof(*values), &values, err));
    for (uint32_t i = 0; i < count; i++)
        keys[i] = ov_load_u64(p + HEAD_OF_ENTRIES + (size_t)i * 8);
    for (size_t i = 0; i < numbers; i++)
        values[i] = ov_f64_from_bits(ov_load_u64(p + HEAD_OF_ENTRIES + (count + i) * 8));
    OV_TRY(ovi_tuple_sorted(keys, values, count, out->width, a, out, err));
    for (uint32_t i = 0; i < count; i++)
        if (out->hash[i] == 0 || out->hash[i] >= out->theta || (i && out->hash[i] == out->hash[i - 1]))
            return ov_fail(err, OV_CORRUPT, "tuple sketch: a hash stands there twice, is 0 or is not below theta");
    out->seen = true;
    return OV_OK;
}

void ov_tuple_describe(const ov_tuple_set *s, ov_buf *out)
{
    ov_theta_set hashes = ov_tuple_hashes(s);
    ov_buf_add_str(out, "### ArrayOfDoublesCompactSketch SUMMARY: \n");
    ov_theta_describe_estimate(&hashes, out);
    ov_buf_addf(out, "   EstMode?                : %s\n   Empty?                  : %s\n"
                     "   Retained Entries        : %u\n   Seed Hash               : %x\n### END SKETCH SUMMARY\n",
                s->theta < OV_THETA_ALL && s->seen ? "true" : "false", s->seen ? "false" : "true", s->count,
                ov_sketch_seed_hash(OV_SKETCH_SEED));
}
