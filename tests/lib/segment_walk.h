/*
 * Calls everything a reader can call on a segment file, whatever its bytes say. Statuses are
 * dropped: the point is that nothing crashes and nothing is read outside the map.
 */
#pragma once

#include <stdlib.h>
#include "storage/segment/segment.h"

static inline void walk_blocks(const ov_column *c, ov_arena *a, ov_error *err)
{
    const ov_column_info *info = ov_column_get_info(c);
    for (uint32_t b = 0; b < info->blocks; b++) {
        ov_vec v, flat;
        ov_block_stats s;
        if (ov_column_block_stats(c, b, &s, err) != OV_OK)
            continue;
        if (ov_column_read(c, b, a, &v, err) == OV_OK && ov_vec_flatten(&v, a, &flat, err) == OV_OK)
            for (uint32_t i = 0; i < v.rows; i++)
                if (ov_vec_is_null(&v, i) != ov_vec_is_null(&flat, i))
                    abort();
        ov_arena_reset(a);
    }
}

static inline void walk_gather(const ov_column *c, ov_arena *a, ov_error *err)
{
    uint32_t rows[64], n = 0, count = ov_column_get_info(c)->rows;
    ov_vec v, flat;
    for (uint32_t row = 0; row < count && n < 64; row += count / 50 + 1)
        rows[n++] = row;
    if (n > 0 && ov_column_gather(c, rows, n, a, &v, err) == OV_OK &&
        ov_vec_flatten(&v, a, &flat, err) != OV_OK)
        err->code = OV_OK;
    ov_arena_reset(a);
}

static inline void walk_row_sets(const ov_column *c, uint32_t count, ov_error *err)
{
    uint32_t rows[32], n;
    for (uint32_t code = 0; code < count && code < 500; code++) {
        ov_rowset *set;
        if (ov_rowset_create(&set, err) != OV_OK)
            return;
        if (ov_column_rows_of(c, code, set, err) == OV_OK &&
            ov_rowset_count(set) > ov_column_get_info(c)->rows)
            abort();
        ov_rowset_destroy(set);
        if (ov_column_row_list(c, code, code % 3, 32, rows, &n, err) != OV_OK)
            err->code = OV_OK;
    }
}

static inline void walk_column(const ov_column *c, ov_error *err)
{
    const ov_column_info *info = ov_column_get_info(c);
    const ov_domain *d = NULL, *e = NULL;
    ov_arena a;
    ov_arena_init(&a, "walk", NULL);
    walk_blocks(c, &a, err);
    walk_gather(c, &a, err);
    if (info->dict && ov_column_domain(c, &d, err) == OV_OK) {
        ov_vec values;
        bool exact;
        if (ov_domain_values(d, &a, &values, err) == OV_OK && info->type.id == OV_TYPE_STRING &&
            !info->type.multi)
            ov_domain_lower_bound(d, OV_SLICE_LIT("key"), &exact);
        if (ov_type_is_list(info->type) && ov_column_elements(c, &e, err) == OV_OK)
            d = e;
        if (info->indexed)
            walk_row_sets(c, d->count, err);
    }
    ov_arena_fini(&a);
}

static inline void walk_given(const ov_segment *seg, ov_error *err)
{
    for (uint32_t i = 0; i < ov_segment_columns(seg); i++)
        for (uint32_t k = 0; k < ov_segment_columns(seg); k++) {
            const ov_column *c = ov_segment_column(seg, i), *by = ov_segment_column(seg, k);
            const ov_domain *d;
            bool known = true;
            if (!ov_column_get_info(c)->dict || ov_type_is_list(ov_column_get_info(c)->type) || ov_column_domain(c, &d, err) != OV_OK)
                continue;
            for (uint32_t code = 0, to = 0; known && code < 500; code++)
                if (ov_column_given(c, by, code, &known, &to, err) != OV_OK)
                    break;
                else if (known && to >= d->count)
                    abort();
        }
}

/* OV_OK when the file opened. */
static inline ov_status walk_segment(const char *path, ov_error *err)
{
    ov_segment *seg;
    uint32_t first, last;
    bool sorted;
    OV_TRY(ov_segment_open(path, &seg, err));
    for (uint32_t i = 0; i < ov_segment_columns(seg); i++)
        walk_column(ov_segment_column(seg, i), err);
    walk_given(seg, err);
    if (ov_segment_time_range(seg, 1000, 5000, &first, &last, &sorted, err) == OV_OK &&
        (first > last || last > ov_segment_get_info(seg)->rows))
        abort();
    ov_segment_release(seg);
    return OV_OK;
}
