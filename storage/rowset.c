#include "storage/rowset.h"

#include <roaring/roaring.h>
#include "base/bits.h"
#include "base/mem.h"
#include "storage/rowset_portable.h"

struct ov_rowset {
    roaring_bitmap_t *r;
};

ov_status ov_rowset_create(ov_rowset **out, ov_error *err)
{
    ov_rowset *s = ov_calloc(1, sizeof *s);
    if (s)
        s->r = roaring_bitmap_create();
    if (!s || !s->r) {
        ov_free(s);
        return ov_fail_nomem(err, sizeof *s);
    }
    *out = s;
    return OV_OK;
}

void ov_rowset_destroy(ov_rowset *s)
{
    if (!s)
        return;
    roaring_bitmap_free(s->r);
    ov_free(s);
}

ov_status ov_rowset_add_range(ov_rowset *s, uint32_t first, uint32_t end, ov_error *err)
{
    (void)err;
    if (first < end)
        roaring_bitmap_add_range_closed(s->r, first, end - 1);
    return OV_OK;
}

ov_status ov_rowset_add_list(ov_rowset *s, const uint32_t *rows, uint32_t n, ov_error *err)
{
    (void)err;
    roaring_bitmap_add_many(s->r, n, rows);
    return OV_OK;
}

void ov_rowset_or(ov_rowset *s, const ov_rowset *other)
{
    roaring_bitmap_or_inplace(s->r, other->r);
}

void ov_rowset_and(ov_rowset *s, const ov_rowset *other)
{
    roaring_bitmap_and_inplace(s->r, other->r);
}

void ov_rowset_andnot(ov_rowset *s, const ov_rowset *other)
{
    roaring_bitmap_andnot_inplace(s->r, other->r);
}

void ov_rowset_flip(ov_rowset *s, uint32_t rows)
{
    roaring_bitmap_flip_inplace(s->r, 0, rows);
}

void ov_rowset_clip(ov_rowset *s, uint32_t first, uint32_t end)
{
    if (first >= end) {
        roaring_bitmap_clear(s->r);
        return;
    }
    if (first > 0)
        roaring_bitmap_remove_range_closed(s->r, 0, first - 1);
    roaring_bitmap_remove_range_closed(s->r, end, UINT32_MAX);
}

uint64_t ov_rowset_count(const ov_rowset *s)
{
    return roaring_bitmap_get_cardinality(s->r);
}

bool ov_rowset_has(const ov_rowset *s, uint32_t row)
{
    return roaring_bitmap_contains(s->r, row);
}

/* ---- masks: a container's values straight into words ---- */

/* Sets the bits of the container's values v with low <= v < high at v - low + shift. */
static void mask_array(const array_container_t *c, uint32_t low, uint32_t high, size_t shift,
                       uint64_t *words)
{
    int32_t i = 0, end = c->cardinality;
    while (i < end) { /* first value >= low */
        int32_t mid = i + (end - i) / 2;
        if (c->array[mid] < low)
            i = mid + 1;
        else
            end = mid;
    }
    for (; i < c->cardinality && c->array[i] < high; i++)
        ov_bits_set(words, c->array[i] - low + shift);
}

static void mask_runs(const run_container_t *c, uint32_t low, uint32_t high, size_t shift,
                      uint64_t *words)
{
    for (int32_t i = 0; i < c->n_runs; i++) {
        uint32_t first = c->runs[i].value, end = first + c->runs[i].length + 1;
        if (first >= high)
            return;
        if (end > low)
            ov_bits_set_range(words, OV_MAX(first, low) - low + shift,
                              OV_MIN(end, high) - low + shift);
    }
}

static void mask_bitset(const bitset_container_t *c, uint32_t low, uint32_t high, size_t shift,
                        uint64_t *words)
{
    if (low % 64 == 0 && shift % 64 == 0) {
        size_t n = (high - low + 63) / 64;
        memcpy(words + shift / 64, c->array + low / 64, n * 8);
        if ((high - low) % 64)
            words[shift / 64 + n - 1] &= ov_low_bits((high - low) % 64);
        return;
    }
    for (size_t v = ov_bits_next(c->array, high, low); v < high;
         v = ov_bits_next(c->array, high, v + 1))
        ov_bits_set(words, v - low + shift);
}

uint32_t ov_rowset_mask(const ov_rowset *s, uint32_t first, uint32_t n, uint64_t *words)
{
    const roaring_array_t *ra = &s->r->high_low_container;
    memset(words, 0, ov_words(n) * 8);
    for (uint64_t at = first, end = (uint64_t)first + n; at < end;) {
        uint64_t stop = OV_MIN(end, (at | 0xffff) + 1);
        int32_t i = ra_get_index(ra, (uint16_t)(at >> 16));
        if (i >= 0) {
            uint8_t type = ra->typecodes[i];
            const void *c = container_unwrap_shared(ra->containers[i], &type);
            uint32_t low = (uint32_t)(at & 0xffff), high = (uint32_t)(low + (stop - at));
            size_t shift = (size_t)(at - first);
            if (type == ARRAY_CONTAINER_TYPE_CODE)
                mask_array(c, low, high, shift, words);
            else if (type == RUN_CONTAINER_TYPE_CODE)
                mask_runs(c, low, high, shift, words);
            else
                mask_bitset(c, low, high, shift, words);
        }
        at = stop;
    }
    return (uint32_t)ov_bits_count(words, n);
}

uint32_t ov_rowset_list(const ov_rowset *s, uint32_t from, uint32_t *rows, uint32_t cap)
{
    roaring_uint32_iterator_t it;
    roaring_init_iterator(s->r, &it);
    if (!roaring_move_uint32_iterator_equalorlarger(&it, from))
        return 0;
    return roaring_read_uint32_iterator(&it, rows, cap);
}

bool ov_rowset_select(const ov_rowset *s, uint32_t rank, uint32_t *row)
{
    return roaring_bitmap_select(s->r, rank, row);
}

/* ---- portable bytes ---- */

ov_status ov_rowset_add_portable(ov_rowset *s, const void *bytes, size_t n, uint32_t limit,
                                 ov_error *err)
{
    uint64_t count;
    OV_TRY(ovi_portable_check(bytes, n, limit, &count, err));
    roaring_bitmap_t *r = roaring_bitmap_portable_deserialize_safe(bytes, n);
    if (!r)
        return ov_fail_nomem(err, n);
    if (roaring_bitmap_is_empty(s->r)) {
        roaring_bitmap_free(s->r);
        s->r = r;
        return OV_OK;
    }
    roaring_bitmap_or_inplace(s->r, r);
    roaring_bitmap_free(r);
    return OV_OK;
}

size_t ov_rowset_portable_bytes(const ov_rowset *s)
{
    return roaring_bitmap_portable_size_in_bytes(s->r);
}

void ov_rowset_write_portable(const ov_rowset *s, void *out)
{
    roaring_bitmap_portable_serialize(s->r, out);
}
