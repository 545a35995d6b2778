/*
 * The slow part of dense groups: where tuples of slow keys change within a batch, and the number of each tuple. Work is per
 * stretch, which rows clustered by one thing and grouped by another have many of: all tuples are found in one go.
 */
#include "query/exec/aggregate.h"

#include "base/bits.h"

/* A slow key: words of each of its runs, computed once a batch. */
typedef struct slow_key {
    const uint64_t *words;   /* runs x width */
    const uint16_t *run_end; /* NULL: one value for all rows */
    uint32_t run;
} slow_key;

static ov_status open_keys(agg_state *s, const agg_spec *spec, const agg_batch *in, ov_arena *scratch, slow_key *keys,
                           uint32_t *count, uint32_t *most, ov_error *err)
{
    *count = 0;
    *most = 1;
    for (uint32_t k = 0; k < spec->layout.count; k++) {
        const ov_vec *v = &in->keys[k];
        uint64_t *words;
        if (s->dense.keys[k].how != DENSE_SLOW)
            continue;
        bool runs = v->enc == OV_ENC_RUN;
        ov_vec one = runs ? *v->child : *v;
        one.rows = runs ? v->runs : 1;
        OV_TRY(ov_arena_zalloc(scratch, (size_t)one.rows * spec->layout.width * 8, &words, err));
        OV_TRY(ovi_key_words(s, spec, k, &one, words, scratch, err));
        keys[(*count)++] = (slow_key){words, runs ? v->run_end : NULL, 0};
        *most += runs ? v->runs : 0;
    }
    return OV_OK;
}

/* The tuple that begins at the keys' places into row; keys move on past it. Returns where it ends. */
OV_INLINE uint32_t next_tuple(slow_key *keys, uint32_t count, uint32_t width, uint32_t rows, uint64_t *row)
{
    uint32_t end = rows;
    for (uint32_t w = 0; w < width; w++)
        row[w] = 0;
    for (uint32_t k = 0; k < count; k++) {
        for (uint32_t w = 0; w < width; w++)
            row[w] |= keys[k].words[(size_t)keys[k].run * width + w];
        if (keys[k].run_end)
            end = OV_MIN(end, (uint32_t)keys[k].run_end[keys[k].run]);
    }
    for (uint32_t k = 0; k < count; k++)
        if (keys[k].run_end && keys[k].run_end[keys[k].run] == end)
            keys[k].run++;
    return end;
}

OV_INLINE bool same_words(const uint64_t *a, const uint64_t *b, uint32_t width)
{
    uint64_t differs = 0;
    for (uint32_t w = 0; w < width; w++)
        differs |= a[w] ^ b[w];
    return differs == 0;
}

/* Ends into out, tuples one behind the other; how many. With constants for key_count and width the loops go. */
OV_INLINE uint32_t cut(const ov_batch *b, slow_key *keys, uint32_t key_count, uint32_t width, uint64_t *tuples,
                       agg_stretch *out)
{
    uint32_t n = 0;
    for (uint32_t at = 0, end; at < b->rows; at = end) {
        uint64_t *row = tuples + (size_t)n * width;
        end = next_tuple(keys, key_count, width, b->rows, row);
        if (n && same_words(row, row - width, width)) {
            out[n - 1].end = end; /* the same bucket goes on */
        } else if (b->sel && ov_bits_next(b->sel, end, at) >= end) {
            if (n) /* nobody is in it: it must not become a group; the piece before takes the rows along */
                out[n - 1].end = end;
        } else {
            out[n++].end = end;
        }
    }
    return n;
}

ov_status ovi_stretches(agg_state *s, const agg_spec *spec, const agg_batch *in, ov_arena *scratch, agg_stretch **out,
                        uint32_t *count, ov_error *err)
{
    uint32_t width = spec->layout.width, key_count, most, *group;
    uint64_t *tuples;
    slow_key *keys;
    OV_TRY(ov_arena_alloc(scratch, ((size_t)spec->layout.count + 1) * sizeof(*keys), &keys, err));
    OV_TRY(open_keys(s, spec, in, scratch, keys, &key_count, &most, err));
    OV_TRY(ov_arena_alloc(scratch, most * sizeof(**out), out, err));
    OV_TRY(ov_arena_alloc(scratch, most * sizeof(*group), &group, err));
    OV_TRY(ov_arena_alloc(scratch, ((size_t)most + 1) * width * 8, &tuples, err));
    if (key_count == 1 && width == 1)
        *count = cut(in->b, keys, 1, 1, tuples, *out);
    else
        *count = cut(in->b, keys, key_count, width, tuples, *out);
    OV_TRY(ovi_groups_find(&s->dense.slow, tuples, *count, group, err));
    for (uint32_t i = 0; i < *count; i++)
        (*out)[i].slow = group[i];
    return OV_OK;
}
