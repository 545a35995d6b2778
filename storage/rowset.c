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

void ov_rowset_and(ov_rowset *s, const ov_rowset *other)
{
    roaring_bitmap_and_inplace(s->r, other->r);
}

void ov_rowset_andnot(ov_rowset *s, const ov_rowset *other)
{
    roaring_bitmap_andnot_inplace(s->r, other->r);
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
