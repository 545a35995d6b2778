/*
 * The deep check of a whole file: everything the file says twice is held against itself. Slow and simple on purpose;
 * nothing here is shared with the writer. Columns are judged in column_verify.c.
 */
#include <stdlib.h>
#include "base/bits.h"
#include "storage/segment/segment_int.h"
#include "storage/segment/verify_int.h"

/* ---- bytes between the parts ---- */

static int compare_spans(const void *a, const void *b)
{
    const ovi_span *x = a, *y = b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

static ov_status check_zero(const ov_segment *seg, uint64_t from, uint64_t end, ov_error *err)
{
    for (uint64_t at = from; at < end; at++)
        OV_CHECK_DATA(seg->map.p[at] == 0, err, "byte %llu between the sections is not zero",
                      (unsigned long long)at);
    return OV_OK;
}

/* Sections do not overlap, and what lies between them is padding. */
static ov_status check_gaps(const ov_segment *seg, uint64_t directory_bytes, ov_arena *a,
                            ov_error *err)
{
    ovi_span *spans;
    size_t n = 0;
    uint64_t at = 64;
    OV_TRY(ov_arena_alloc(a, (ovi_stored_columns(seg) * (size_t)OV_SECTION_COUNT + 1) * sizeof *spans,
                          &spans, err));
    for (uint32_t i = 0; i < ovi_stored_columns(seg); i++)
        for (unsigned k = 0; k < OV_SECTION_COUNT; k++)
            if (ovi_stored_column(seg, i)->sections[k].bytes)
                spans[n++] = ovi_stored_column(seg, i)->sections[k];
    spans[n++] = (ovi_span){.offset = seg->directory_offset, .bytes = directory_bytes};
    qsort(spans, n, sizeof *spans, compare_spans);
    for (size_t i = 0; i < n; i++) {
        OV_CHECK_DATA(spans[i].offset >= at, err, "sections overlap at %llu",
                      (unsigned long long)spans[i].offset);
        OV_TRY(check_zero(seg, at, spans[i].offset, err));
        at = spans[i].offset + spans[i].bytes;
    }
    return check_zero(seg, at, seg->paged_bytes, err);
}

/* ---- order of rows ---- */

/* A value as a number that orders as the format says; NULL is below all. */
typedef struct rank {
    bool present;
    uint64_t of;
} rank;

static rank rank_of(const ov_column *c, const ov_vec *v, uint32_t row)
{
    if (c->info.dict)
        return (rank){.present = true, .of = ov_vec_code(v, row)};
    if (ov_vec_is_null(v, row))
        return (rank){0};
    if (ov_type_is_int(c->info.type))
        return (rank){.present = true, .of = (uint64_t)ov_vec_i64(v, row) ^ UINT64_C(1) << 63};
    uint64_t bits = ov_f64_bits(ov_vec_f64(v, row));
    return (rank){.present = true, .of = bits >> 63 ? ~bits : bits | UINT64_C(1) << 63};
}

/* Rows that tie with their predecessor in all columns so far must not descend in this one. */
static ov_status check_order(const ov_column *c, uint64_t *ties, ov_arena *scratch, ov_error *err)
{
    rank last = {0};
    for (uint32_t b = 0; b < c->info.blocks; b++) {
        ov_arena_mark mark = ov_arena_mark_get(scratch);
        ov_vec v;
        OV_TRY(ov_column_read(c, b, scratch, &v, err));
        for (uint32_t i = 0; i < v.rows; i++) {
            size_t row = (size_t)b * OV_BATCH_ROWS + i;
            rank r = rank_of(c, &v, i);
            bool below = r.present != last.present ? !r.present : r.of < last.of;
            bool same = r.present == last.present && r.of == last.of;
            OV_CHECK_DATA(row == 0 || !ov_bits_test(ties, row) || !below, err,
                          "row %zu is out of the declared order in column " OV_SLICE_FMT, row,
                          OV_SLICE_ARG(c->info.name));
            if (!same)
                ov_bits_clear(ties, row);
            last = r;
        }
        ov_arena_rewind(scratch, mark);
    }
    return OV_OK;
}

static ov_status check_sorted(const ov_segment *seg, ov_arena *a, ov_error *err)
{
    uint64_t *ties;
    if (seg->sort_count == 0)
        return OV_OK;
    OV_TRY(ov_arena_alloc(a, ov_words(seg->info.rows) * 8, &ties, err));
    ov_bits_fill(ties, seg->info.rows, true);
    for (uint32_t i = 0; i < seg->sort_count; i++)
        if (seg->columns[seg->sort[i]].info.type.id != OV_TYPE_NULL)
            OV_TRY(check_order(&seg->columns[seg->sort[i]], ties, a, err));
    return OV_OK;
}

/* ---- the whole ---- */

static ov_status check_info(const ov_segment *seg, ov_error *err)
{
    const ov_segment_info *info = &seg->info;
    OV_CHECK_DATA(info->start_ms < info->end_ms, err, "the time chunk is empty");
    for (uint32_t i = 0; i < seg->column_count; i++) {
        const ov_column *c = &seg->columns[i];
        for (uint32_t j = 0; j < i; j++)
            OV_CHECK_DATA(!ov_slice_eq(seg->columns[j].info.name, c->info.name), err,
                          "two columns are named " OV_SLICE_FMT, OV_SLICE_ARG(c->info.name));
        if (c->info.role != OV_ROLE_TIME || info->rows == 0)
            continue;
        OV_CHECK_DATA(c->info.stats.min == info->min_time && c->info.stats.max == info->max_time,
                      err, "the segment says %lld to %lld, its time column %lld to %lld",
                      (long long)info->min_time, (long long)info->max_time,
                      (long long)c->info.stats.min, (long long)c->info.stats.max);
        OV_CHECK_DATA(info->min_time >= info->start_ms && info->max_time < info->end_ms, err,
                      "rows lie outside the time chunk");
    }
    OV_CHECK_DATA(info->rows > 0 || (info->min_time == 0 && info->max_time == -1), err,
                  "a segment without rows has times");
    return OV_OK;
}

static ov_status verify(const ov_segment *seg, ov_arena *a, ov_error *err)
{
    ov_seg_footer foot;
    OV_TRY(ovi_segment_touch(seg, NULL, 0, seg->paged_bytes, err));
    memcpy(&foot, seg->map.p + seg->map.n - sizeof foot, sizeof foot);
    OV_TRY(check_gaps(seg, foot.directory_bytes, a, err));
    OV_TRY(check_info(seg, err));
    for (uint32_t i = 0; i < ovi_stored_columns(seg); i++) {
        ov_arena scratch;
        const ov_column *c = ovi_stored_column(seg, i);
        ov_arena_init(&scratch, "verify", NULL);
        ov_status st = ovi_column_verify(c, &scratch, err);
        if (st == OV_OK && c->has_paths)
            st = ovi_paths_verify(c, &scratch, err);
        ov_arena_fini(&scratch);
        OV_TRY(ovi_segment_blame(seg, c, st, err));
    }
    return check_sorted(seg, a, err);
}

ov_status ov_segment_verify(const char *path, ov_error *err)
{
    ov_segment *seg;
    ov_arena a;
    OV_TRY(ov_segment_open(path, &seg, err));
    ov_arena_init(&a, "verify", NULL);
    ov_status st = ovi_segment_blame(seg, NULL, verify(seg, &a, err), err);
    ov_arena_fini(&a);
    ov_segment_release(seg);
    return st;
}
