/*
 * Dictionaries: built once per column under the segment's lock, then lent without one. What they
 * point to stays in the mapping.
 */
#include "base/bits.h"
#include "storage/lane_kernels.h"
#include "storage/segment/segment_int.h"
#include "storage/vec_lanes.h"

static ov_status check_offsets(const uint32_t *offsets, uint32_t count, uint64_t room,
                               ov_error *err)
{
    uint32_t wrong = offsets[0] != 0;
    for (uint32_t i = 0; i < count; i++)
        wrong |= offsets[i + 1] < offsets[i];
    OV_CHECK_DATA(!wrong && offsets[count] <= room, err,
                  "dictionary offsets do not ascend within %llu bytes", (unsigned long long)room);
    return OV_OK;
}

/* Validity words of `count` entries of which the first is NULL, when it is. */
static ov_status null_first(const ov_segment *seg, uint32_t count, bool has_null,
                            const uint64_t **valid, ov_error *err)
{
    uint64_t *words = NULL;
    if (has_null) {
        OV_TRY(ovi_words_alloc((ov_arena *)(uintptr_t)&seg->arena, count, true, &words, err));
        words[0] &= ~UINT64_C(1);
    }
    *valid = words;
    return OV_OK;
}

/* Equal dictionaries of other segments carry the same id (domain_share.h). */
static void share_identity(ov_domain *d, const ov_slice *parts, uint32_t count,
                           ovi_shared_domain **share)
{
    *share = ovi_domain_share(d, parts, count, &d->id);
}

static ov_status load_text(const ov_column *c, unsigned shift, ov_domain *d,
                           ovi_shared_domain **share, ov_error *err)
{
    static const uint32_t none[1];
    OV_TRY(ovi_section_load(c, OV_SECTION_VALUE_OFFSETS + shift, &d->offsets, err));
    OV_TRY(ovi_section_load(c, OV_SECTION_VALUE_BYTES + shift, &d->bytes, err));
    if (d->count == 0)
        d->offsets = none;
    if (!d->bytes)
        d->bytes = "";
    OV_TRY(check_offsets(d->offsets, d->count, c->sections[OV_SECTION_VALUE_BYTES + shift].bytes,
                         err));
    OV_CHECK_DATA(!d->has_null || d->count == 0 || d->offsets[1] == 0, err,
                  "the dictionary gives NULL a value");
    const ov_slice parts[] = {
        ov_slice_make(d->offsets, ((size_t)d->count + 1) * sizeof *d->offsets),
        ov_slice_make(d->bytes, d->offsets[d->count]),
    };
    share_identity(d, parts, 2, share);
    return OV_OK;
}

static ov_status load_numbers(const ov_column *c, unsigned shift, ov_domain *d, ov_vec *values,
                              ovi_shared_domain **share, ov_error *err)
{
    const void *data;
    const uint64_t *valid;
    OV_TRY(ovi_section_load(c, OV_SECTION_VALUE_NUMBERS + shift, &data, err));
    OV_TRY(null_first(c->seg, d->count, d->has_null && d->count > 0, &valid, err));
    *values = ov_vec_flat(d->type, data, valid, d->count);
    d->values = values;
    const ov_slice parts[] = {ov_slice_make(data, (size_t)d->count * 8)};
    share_identity(d, parts, 1, share);
    return OV_OK;
}

/* Distinct lists: offsets into element codes. */
static ov_status load_lists(ov_column *c, ov_domain *d, ov_error *err)
{
    static const uint32_t none[1];
    const uint32_t *offsets;
    const void *codes;
    const uint64_t *valid;
    uint64_t room = c->sections[OV_SECTION_VALUE_CODES].bytes / c->list_lane, low, high;
    OV_TRY(ovi_section_load(c, OV_SECTION_VALUE_OFFSETS, &offsets, err));
    OV_TRY(ovi_section_load(c, OV_SECTION_VALUE_CODES, &codes, err));
    if (d->count == 0)
        offsets = none;
    OV_TRY(check_offsets(offsets, d->count, room, err));
    uint32_t total = offsets[d->count];
    if (total > 0) {
        ovi_lane_kernels_now()->lane_bounds(codes, c->list_lane, total, &low, &high);
        OV_CHECK_DATA(high < c->elem_count, err, "list elements reach code %llu, but there are %u",
                      (unsigned long long)high, c->elem_count);
    }
    OV_CHECK_DATA(!d->has_null || d->count == 0 || offsets[1] == 0, err,
                  "the dictionary gives NULL elements");
    OV_TRY(null_first(c->seg, d->count, d->has_null && d->count > 0, &valid, err));
    c->list_child = (ov_vec){.type = c->elements.type,
                             .enc = OV_ENC_DICT,
                             .lane = c->list_lane,
                             .rows = total,
                             .divisor = 1,
                             .data = codes,
                             .dict = &c->elements};
    c->values = (ov_vec){.type = c->info.type,
                         .enc = OV_ENC_LIST,
                         .rows = d->count,
                         .divisor = 1,
                         .valid = valid,
                         .offsets = offsets,
                         .child = &c->list_child};
    d->values = &c->values;
    return OV_OK;
}

static ov_status load_elements(ov_column *c, ov_error *err)
{
    ov_type t = c->info.type;
    c->elements = (ov_domain){.id = ov_domain_next_id(),
                              .count = c->elem_count,
                              .type = OV_T(t.id == OV_TYPE_ARRAY ? t.elem : OV_TYPE_STRING),
                              .sorted = true,
                              .unique = true,
                              .has_null = c->flags & OV_COLUMN_ELEM_HAS_NULL};
    OV_TRY(ovi_section_load(c, OV_SECTION_ROW_COUNTS + OV_SECTION_ELEMENT, &c->elements.row_counts,
                            err));
    if (c->elements.type.id == OV_TYPE_STRING)
        return load_text(c, OV_SECTION_ELEMENT, &c->elements, &c->elem_share, err);
    return load_numbers(c, OV_SECTION_ELEMENT, &c->elements, &c->elem_values, &c->elem_share, err);
}

static ov_status load_domain(ov_column *c, ov_error *err)
{
    ov_domain *d = &c->domain;
    *d = (ov_domain){.id = ov_domain_next_id(),
                     .count = c->dict_count,
                     .type = c->info.type,
                     .sorted = true,
                     .unique = true,
                     .has_null = c->flags & OV_COLUMN_HAS_NULL};
    OV_TRY(ovi_section_load(c, OV_SECTION_ROW_COUNTS, &d->row_counts, err));
    if (ov_type_is_list(c->info.type)) {
        OV_TRY(load_elements(c, err));
        return load_lists(c, d, err);
    }
    if (ov_type_is_int(c->info.type) || ov_type_is_real(c->info.type))
        return load_numbers(c, 0, d, &c->values, &c->share, err);
    return load_text(c, 0, d, &c->share, err);
}

ov_status ov_column_domain(const ov_column *col, const ov_domain **out, ov_error *err)
{
    ov_column *c = (ov_column *)(uintptr_t)col; /* loading once is no change anybody can see */
    ov_segment *seg = (ov_segment *)(uintptr_t)col->seg;
    ov_status st = OV_OK;
    *out = &col->domain;
    if (OV_LIKELY(atomic_load_explicit(&c->has_domain, memory_order_acquire)))
        return OV_OK;
    if (!col->info.dict)
        return ov_fail(err, OV_INTERNAL, "column " OV_SLICE_FMT " has no dictionary",
                       OV_SLICE_ARG(col->info.name));
    ov_mutex_lock(&seg->lock);
    if (!atomic_load_explicit(&c->has_domain, memory_order_relaxed)) {
        st = ovi_segment_blame(seg, col, load_domain(c, err), err);
        atomic_store_explicit(&c->has_domain, st == OV_OK, memory_order_release);
    }
    ov_mutex_unlock(&seg->lock);
    return st;
}

ov_status ov_column_elements(const ov_column *col, const ov_domain **out, ov_error *err)
{
    const ov_domain *lists;
    if (!ov_type_is_list(col->info.type))
        return ov_fail(err, OV_INTERNAL, "column " OV_SLICE_FMT " holds no lists",
                       OV_SLICE_ARG(col->info.name));
    OV_TRY(ov_column_domain(col, &lists, err)); /* loads both */
    *out = &col->elements;
    return OV_OK;
}
