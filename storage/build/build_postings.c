/*
 * Row sets from codes: one counting pass puts the rows of each code side by side, ascending by
 * nature; each list then takes the shortest of the four kinds, mostly without being looked at
 * twice.
 */
#include "base/bytes.h"
#include "storage/build/build_int.h"
#include "storage/rowset_portable.h"

/* Rows side by side by code: those of code c are rows[starts[c]] .. rows[starts[c + 1] - 1]. */
typedef struct grouped {
    uint64_t *starts;
    size_t starts_cap;
    uint32_t *rows;
    size_t rows_cap;
} grouped;

static void grouped_fini(grouped *g, ov_budget *budget)
{
    ovi_shrink(&g->starts, &g->starts_cap, sizeof *g->starts, budget);
    ovi_shrink(&g->rows, &g->rows_cap, sizeof *g->rows, budget);
}

/* Room for counts[c] rows of each code; starts[c] is where the next row of c goes. */
static ov_status grouped_init(grouped *g, const uint32_t *counts, uint32_t count, ov_budget *budget,
                              ov_error *err)
{
    uint64_t total = 0;
    *g = (grouped){0};
    OV_TRY(ovi_grow(&g->starts, &g->starts_cap, (size_t)count + 1, sizeof *g->starts, budget, err));
    for (uint32_t c = 0; c < count; c++) {
        g->starts[c] = total;
        total += counts[c];
    }
    g->starts[count] = total;
    return ovi_grow(&g->rows, &g->rows_cap, total, sizeof *g->rows, budget, err);
}

/* ---- one set ---- */

static uint64_t inline_posting(ov_posting_kind kind, uint32_t first, uint32_t step)
{
    return (uint64_t)kind | (uint64_t)first << 3 | (uint64_t)step << 35;
}

static bool is_stride(const uint32_t *rows, size_t n, uint32_t step)
{
    if ((uint64_t)rows[n - 1] - rows[0] != (uint64_t)step * (n - 1))
        return false;
    for (size_t i = 1; i < n; i++)
        if (rows[i] - rows[i - 1] != step)
            return false;
    return true;
}

static uint64_t put_list(ovi_writer *w, uint64_t section, const uint32_t *rows, size_t n)
{
    uint64_t at = ovi_writer_at(w) - section;
    ovi_writer_put(w, rows, n * sizeof *rows);
    return OV_POSTING_LIST | at / 4 << 3;
}

/* The longest stride that starts at rows[at]. */
static ov_posting_piece next_piece(const uint32_t *rows, size_t n, size_t at)
{
    ov_posting_piece p = {.first = rows[at], .step = 1, .rows = 1};
    if (at + 1 == n)
        return p;
    p.step = rows[at + 1] - rows[at];
    while (at + p.rows < n && rows[at + p.rows] - rows[at + p.rows - 1] == p.step)
        p.rows++;
    return p;
}

/* Writes the set as pieces when they take at most `limit` bytes. */
static bool put_pieces(ovi_writer *w, uint64_t section, const uint32_t *rows, size_t n,
                       size_t limit, uint64_t *posting)
{
    uint32_t pieces = 0;
    for (size_t at = 0; at < n; pieces++) {
        if (4 + (pieces + (size_t)1) * sizeof(ov_posting_piece) > limit)
            return false;
        at += next_piece(rows, n, at).rows;
    }
    *posting = OV_POSTING_PIECES | (ovi_writer_at(w) - section) / 4 << 3;
    ovi_writer_put(w, &pieces, sizeof pieces);
    for (size_t at = 0; at < n;) {
        ov_posting_piece p = next_piece(rows, n, at);
        ovi_writer_put(w, &p, sizeof p);
        at += p.rows;
    }
    return true;
}

static ov_status put_roaring(ovi_writer *w, uint64_t section, const uint32_t *rows, size_t n,
                             size_t bytes, ov_budget *budget, uint64_t *posting, ov_error *err)
{
    char *image = NULL;
    size_t cap = 0, padded = (bytes + 3) & ~(size_t)3;
    uint64_t at = ovi_writer_at(w) - section;
    OV_TRY(ovi_grow(&image, &cap, 4 + padded, 1, budget, err));
    ov_store_u32(image, (uint32_t)bytes);
    ovi_portable_write(rows, n, image + 4);
    memset(image + 4 + bytes, 0, padded - bytes);
    ovi_writer_put(w, image, 4 + padded);
    ovi_shrink(&image, &cap, 1, budget);
    *posting = OV_POSTING_ROARING | at / 4 << 3;
    return OV_OK;
}

static ov_status put_set(ovi_writer *w, uint64_t section, const uint32_t *rows, size_t n,
                         ov_budget *budget, uint64_t *posting, ov_error *err)
{
    if (rows[n - 1] - rows[0] == n - 1) {
        *posting = inline_posting(OV_POSTING_RANGE, rows[0], 0);
        return OV_OK;
    }
    uint32_t step = rows[1] - rows[0];
    if (step >= 2 && step <= OV_POSTING_MAX_STEP && is_stride(rows, n, step)) {
        *posting = inline_posting(OV_POSTING_STRIDE, rows[0], step);
        return OV_OK;
    }
    size_t roaring = ovi_portable_size(rows, n) + 4, list = n * sizeof *rows;
    if (put_pieces(w, section, rows, n, OV_MIN(roaring, list), posting))
        return OV_OK;
    if (list <= roaring) {
        *posting = put_list(w, section, rows, n);
        return OV_OK;
    }
    return put_roaring(w, section, rows, n, roaring - 4, budget, posting, err);
}

/* All sets of g, whose starts have moved to the ends by filling. */
static ov_status put_sets(ovi_writer *w, ovi_file_column *f, const grouped *g, uint32_t count,
                          uint16_t shift, ov_budget *budget, ov_error *err)
{
    uint64_t *index = NULL;
    size_t index_cap = 0;
    ov_status st = OV_OK;
    OV_TRY(ovi_grow(&index, &index_cap, count, sizeof *index, budget, err));
    ovi_section_begin(w, f, (uint16_t)(OV_SECTION_POSTING_DATA + shift));
    uint64_t section = ovi_writer_at(w);
    for (uint32_t c = 0; c < count; c++) {
        uint64_t from = c ? g->starts[c - 1] : 0;
        OV_TRY_OUT(
            st, put_set(w, section, g->rows + from, g->starts[c] - from, budget, &index[c], err));
    }
    ovi_section_end(w, f);
    ovi_section_put(w, f, (uint16_t)(OV_SECTION_POSTING_INDEX + shift), index,
                    count * sizeof *index);
out:
    ovi_shrink(&index, &index_cap, sizeof *index, budget);
    return st;
}

ov_status ovi_write_postings(ovi_writer *w, ovi_file_column *f, const uint32_t *codes,
                             uint32_t rows, const uint32_t *counts, uint32_t count,
                             ov_budget *budget, ov_error *err)
{
    grouped g;
    ov_status st = grouped_init(&g, counts, count, budget, err);
    if (st == OV_OK) {
        for (uint32_t row = 0; row < rows; row++)
            g.rows[g.starts[codes[row]]++] = row;
        st = put_sets(w, f, &g, count, 0, budget, err);
    }
    grouped_fini(&g, budget);
    return st;
}

/* ---- elements of lists ---- */

typedef struct elem_scan {
    const uint32_t *codes, *offsets, *elems;
    uint32_t rows;
    uint32_t
        *seen; /* by element: 1 + the last row that held it, so that doubles in a list count once */
} elem_scan;

/* Calls for each row and each distinct element of its list: counts, or rows where g is given. */
static void scan_elems(const elem_scan *s, uint32_t *counts, grouped *g)
{
    for (uint32_t row = 0; row < s->rows; row++) {
        uint32_t list = s->codes[row];
        for (uint32_t i = s->offsets[list]; i < s->offsets[list + 1]; i++) {
            uint32_t e = s->elems[i];
            if (s->seen[e] == row + 1)
                continue;
            s->seen[e] = row + 1;
            if (g)
                g->rows[g->starts[e]++] = row;
            else
                counts[e]++;
        }
    }
}

ov_status ovi_write_elem_postings(ovi_writer *w, ovi_file_column *f, const uint32_t *codes,
                                  uint32_t rows, const uint32_t *offsets, const uint32_t *elems,
                                  bool index, ov_budget *budget, ov_error *err)
{
    elem_scan s = {.codes = codes, .offsets = offsets, .elems = elems, .rows = rows};
    uint32_t *counts = NULL, count = f->elem_count;
    size_t counts_cap = 0, seen_cap = 0;
    grouped g = {0};
    ov_status st = OV_OK;
    OV_TRY_OUT(st, ovi_grow(&counts, &counts_cap, count, sizeof *counts, budget, err));
    OV_TRY_OUT(st, ovi_grow(&s.seen, &seen_cap, count, sizeof *s.seen, budget, err));
    if (count > 0) {
        memset(counts, 0, count * sizeof *counts);
        memset(s.seen, 0, count * sizeof *s.seen);
    }
    scan_elems(&s, counts, NULL);
    ovi_section_put(w, f, OV_SECTION_ROW_COUNTS + OV_SECTION_ELEMENT, counts,
                    count * sizeof *counts);
    if (index && count > 0) {
        OV_TRY_OUT(st, grouped_init(&g, counts, count, budget, err));
        memset(s.seen, 0, count * sizeof *s.seen);
        scan_elems(&s, NULL, &g);
        OV_TRY_OUT(st, put_sets(w, f, &g, count, OV_SECTION_ELEMENT, budget, err));
    }
out:
    ovi_shrink(&counts, &counts_cap, sizeof *counts, budget);
    ovi_shrink(&s.seen, &seen_cap, sizeof *s.seen, budget);
    grouped_fini(&g, budget);
    return st;
}
