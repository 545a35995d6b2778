/*
 * Row sets of dictionary codes: inline ranges and strides, raw lists, roaring images; all bounded
 * before use.
 */
#include "storage/rowset_portable.h"
#include "storage/segment/segment_int.h"

/* Lists index their elements, everything else its values. */
static unsigned shift_of(const ov_column *c)
{
    return ov_type_is_list(c->info.type) ? OV_SECTION_ELEMENT : 0;
}

static ov_status load_entry(const ov_column *c, unsigned kind, uint32_t code, unsigned size,
                            void *out, ov_error *err)
{
    const ovi_span *s = &c->sections[kind];
    uint64_t at = s->offset + (uint64_t)code * size;
    OV_TRY(ovi_segment_touch(c->seg, c, at, size, err));
    *(const void **)out = c->seg->map.p + at;
    return OV_OK;
}

/* `bytes` of POSTING_DATA at `at`. */
static ov_status load_piece(const ov_column *c, uint32_t code, uint64_t at, uint64_t bytes,
                            void *out, ov_error *err)
{
    const ovi_span *s = &c->sections[OV_SECTION_POSTING_DATA + shift_of(c)];
    OV_CHECK_DATA(at <= s->bytes && bytes <= s->bytes - at, err,
                  "the row set of code %u lies outside", code);
    OV_TRY(ovi_segment_touch(c->seg, c, s->offset + at, bytes, err));
    *(const void **)out = c->seg->map.p + s->offset + at;
    return OV_OK;
}

static ov_status check_inline(const ov_column *c, uint32_t code, const ovi_posting *p,
                              ov_error *err)
{
    uint64_t last = p->first + (uint64_t)p->step * (p->count - 1);
    OV_CHECK_DATA(p->step > 0 && last < c->info.rows, err,
                  "the row set of code %u ends at row %llu of %u", code, (unsigned long long)last,
                  c->info.rows);
    return OV_OK;
}

static ov_status check_list(const ov_column *c, uint32_t code, const uint32_t *list, uint32_t n,
                            ov_error *err)
{
    uint32_t wrong = list[n - 1] >= c->info.rows;
    for (uint32_t i = 1; i < n; i++)
        wrong |= list[i] <= list[i - 1];
    OV_CHECK_DATA(!wrong, err, "the row list of code %u does not ascend below %u", code,
                  c->info.rows);
    return OV_OK;
}

static ov_status load_image(const ov_column *c, uint32_t code, uint64_t at, ovi_posting *p,
                            ov_error *err)
{
    const uint32_t *bytes;
    uint64_t count;
    OV_TRY(load_piece(c, code, at, 4, &bytes, err));
    p->image_bytes = *bytes;
    OV_TRY(load_piece(c, code, at + 4, p->image_bytes, &p->image, err));
    OV_TRY(ovi_portable_check(p->image, p->image_bytes, c->info.rows, &count, err));
    OV_CHECK_DATA(count == p->count, err, "the row set of code %u holds %llu rows, its count is %u",
                  code, (unsigned long long)count, p->count);
    return OV_OK;
}

static ov_status load_pieces(const ov_column *c, uint32_t code, uint64_t at, ovi_posting *p,
                             ov_error *err)
{
    const uint32_t *n;
    uint64_t next = 0, count = 0;
    OV_TRY(load_piece(c, code, at, 4, &n, err));
    p->piece_count = *n;
    OV_TRY(load_piece(c, code, at + 4, (uint64_t)*n * sizeof *p->pieces, &p->pieces, err));
    for (uint32_t i = 0; i < *n; i++) {
        const ov_posting_piece *piece = &p->pieces[i];
        OV_CHECK_DATA(piece->first >= next && piece->step > 0 && piece->rows > 0, err,
                      "piece %u of the row set of code %u does not ascend", i, code);
        next = piece->first + (uint64_t)piece->step * (piece->rows - 1) + 1;
        count += piece->rows;
        OV_CHECK_DATA(next <= c->info.rows, err,
                      "piece %u of the row set of code %u ends at row %llu of %u", i, code,
                      (unsigned long long)next - 1, c->info.rows);
    }
    OV_CHECK_DATA(count == p->count, err, "the row set of code %u holds %llu rows, its count is %u",
                  code, (unsigned long long)count, p->count);
    return OV_OK;
}

static ov_status get_posting(const ov_column *c, uint32_t code, ovi_posting *p, ov_error *err)
{
    const uint32_t *count;
    const uint64_t *entry;
    OV_TRY(load_entry(c, OV_SECTION_ROW_COUNTS + shift_of(c), code, 4, &count, err));
    OV_TRY(load_entry(c, OV_SECTION_POSTING_INDEX + shift_of(c), code, 8, &entry, err));
    *p = (ovi_posting){.kind = (ov_posting_kind)(*entry & 7), .count = *count};
    OV_CHECK_DATA(*count > 0 && *count <= c->info.rows, err, "code %u has %u rows of %u", code,
                  *count, c->info.rows);
    uint64_t at = *entry >> 3;
    switch (p->kind) {
    case OV_POSTING_RANGE:
    case OV_POSTING_STRIDE:
        p->first = (uint32_t)at;
        p->step = p->kind == OV_POSTING_RANGE ? 1 : (uint32_t)(*entry >> 35);
        return check_inline(c, code, p, err);
    case OV_POSTING_LIST:
        OV_TRY(load_piece(c, code, at * 4, (uint64_t)*count * 4, &p->list, err));
        return check_list(c, code, p->list, *count, err);
    case OV_POSTING_ROARING:
        return load_image(c, code, at * 4, p, err);
    case OV_POSTING_PIECES:
        return load_pieces(c, code, at * 4, p, err);
    }
    return ov_fail(err, OV_CORRUPT, "the row set of code %u has kind %u", code, p->kind);
}

ov_status ovi_posting_get(const ov_column *c, uint32_t code, ovi_posting *out, ov_error *err)
{
    uint32_t count = ov_type_is_list(c->info.type) ? c->elem_count : c->dict_count;
    if (!c->info.indexed || code >= count)
        return ov_fail(err, OV_INTERNAL, "column " OV_SLICE_FMT " has no row set for code %u",
                       OV_SLICE_ARG(c->info.name), code);
    return ovi_segment_blame(c->seg, c, get_posting(c, code, out, err), err);
}

static ov_status add_stride(uint32_t first, uint32_t step, uint32_t count, ov_rowset *set,
                            ov_error *err)
{
    uint32_t some[1024];
    if (step == 1)
        return ov_rowset_add_range(set, first, first + count, err);
    for (uint32_t at = 0; at < count;) {
        uint32_t n = OV_MIN(count - at, (uint32_t)OV_COUNT_OF(some));
        for (uint32_t i = 0; i < n; i++)
            some[i] = first + (at + i) * step;
        OV_TRY(ov_rowset_add_list(set, some, n, err));
        at += n;
    }
    return OV_OK;
}

ov_status ov_column_rows_of(const ov_column *col, uint32_t code, ov_rowset *set, ov_error *err)
{
    ovi_posting p;
    OV_TRY(ovi_posting_get(col, code, &p, err));
    switch (p.kind) {
    case OV_POSTING_RANGE:
    case OV_POSTING_STRIDE:
        return add_stride(p.first, p.step, p.count, set, err);
    case OV_POSTING_LIST:
        return ov_rowset_add_list(set, p.list, p.count, err);
    case OV_POSTING_PIECES:
        for (uint32_t i = 0; i < p.piece_count; i++)
            OV_TRY(add_stride(p.pieces[i].first, p.pieces[i].step, p.pieces[i].rows, set, err));
        return OV_OK;
    case OV_POSTING_ROARING:
        break;
    }
    return ov_rowset_add_portable(set, p.image, p.image_bytes, col->info.rows, err);
}

/* Rows of rank skip, skip + 1, ... of a roaring image. */
static ov_status list_image(const ov_column *c, const ovi_posting *p, uint32_t skip, uint32_t want,
                            uint32_t *rows, ov_error *err)
{
    ov_rowset *set;
    uint32_t first;
    OV_TRY(ov_rowset_create(&set, err));
    ov_status st = ov_rowset_add_portable(set, p->image, p->image_bytes, c->info.rows, err);
    if (st == OV_OK && ov_rowset_select(set, skip, &first))
        ov_rowset_list(set, first, rows, want);
    ov_rowset_destroy(set);
    return st;
}

/* Rows of rank skip, skip + 1, ... of pieces; there are at least skip + want. */
static void list_pieces(const ovi_posting *p, uint32_t skip, uint32_t want, uint32_t *rows)
{
    for (uint32_t i = 0, n = 0; n < want; i++) {
        const ov_posting_piece *piece = &p->pieces[i];
        for (uint32_t k = skip; k < piece->rows && n < want; k++)
            rows[n++] = piece->first + k * piece->step;
        skip = skip > piece->rows ? skip - piece->rows : 0;
    }
}

ov_status ov_column_row_list(const ov_column *col, uint32_t code, uint32_t skip, uint32_t cap,
                             uint32_t *rows, uint32_t *n, ov_error *err)
{
    ovi_posting p;
    OV_TRY(ovi_posting_get(col, code, &p, err));
    *n = p.count;
    if (skip >= p.count)
        return OV_OK;
    uint32_t want = OV_MIN(cap, p.count - skip);
    if (p.kind == OV_POSTING_ROARING)
        return list_image(col, &p, skip, want, rows, err);
    if (p.kind == OV_POSTING_PIECES)
        list_pieces(&p, skip, want, rows);
    else if (p.kind == OV_POSTING_LIST)
        memcpy(rows, p.list + skip, want * sizeof *rows);
    else
        for (uint32_t i = 0; i < want; i++)
            rows[i] = p.first + (skip + i) * p.step;
    return OV_OK;
}

/* ---- counting within a range ---- */

/* How many of first, first + step, ... (count of them) are below `row`. */
static uint32_t below_stride(uint32_t first, uint32_t step, uint32_t count, uint32_t row)
{
    return row <= first ? 0 : OV_MIN(count, (row - first - 1) / step + 1);
}

static uint32_t below_list(const uint32_t *list, uint32_t n, uint32_t row)
{
    uint32_t low = 0;
    while (low < n) {
        uint32_t mid = low + (n - low) / 2;
        if (list[mid] < row)
            low = mid + 1;
        else
            n = mid;
    }
    return low;
}

static uint32_t rows_below(const ovi_posting *p, uint32_t row)
{
    if (p->kind == OV_POSTING_LIST)
        return below_list(p->list, p->count, row);
    if (p->kind != OV_POSTING_PIECES)
        return below_stride(p->first, p->step, p->count, row);
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->piece_count && p->pieces[i].first < row; i++)
        n += below_stride(p->pieces[i].first, p->pieces[i].step, p->pieces[i].rows, row);
    return n;
}

ov_status ov_column_count_of(const ov_column *col, uint32_t code, uint32_t first, uint32_t end, uint64_t *n,
                             ov_error *err)
{
    ovi_posting p;
    OV_TRY(ovi_posting_get(col, code, &p, err));
    *n = p.count;
    if (first >= end || (first == 0 && end >= col->info.rows)) {
        *n = first >= end ? 0 : p.count;
        return OV_OK;
    }
    if (p.kind != OV_POSTING_ROARING) {
        *n = rows_below(&p, end) - rows_below(&p, first);
        return OV_OK;
    }
    ov_rowset *set;
    OV_TRY(ov_rowset_create(&set, err));
    ov_status st = ov_rowset_add_portable(set, p.image, p.image_bytes, col->info.rows, err);
    if (st == OV_OK) {
        ov_rowset_clip(set, first, end);
        *n = ov_rowset_count(set);
    }
    ov_rowset_destroy(set);
    return st;
}
