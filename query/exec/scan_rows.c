/*
 * Which rows of a segment the row indexes of its dictionary columns leave, in the cheapest form.
 *
 *   a number        nobody asks for more: postings are counted within the time range
 *   a list          one code decides: its posting, cut to the time range
 *   a set           several codes or columns: sets are united and intersected
 */
#include "query/exec/scan.h"

#include "base/bits.h"

static ov_status rows_of_truth(const scan_column *col, const verdict *v, ov_rowset *set, ov_error *err)
{
    uint32_t count = col->domain->count;
    for (uint32_t code = 0; (code = ov_truth_next(v->truth, code, count)) < count; code++)
        OV_TRY(ov_column_rows_of(col->col, code, set, err));
    return OV_OK;
}

static void destroy_rowset(void *set)
{
    ov_rowset_destroy(set);
}

static ov_status make_rowset(ovi_scan *s, ov_rowset **set, ov_error *err)
{
    OV_TRY(ov_rowset_create(set, err));
    ov_mutex_lock(&s->lock);
    ov_status st = ov_arena_on_exit(&s->exec->arena, destroy_rowset, *set, err);
    ov_mutex_unlock(&s->lock);
    return st;
}

static ov_status clip_to_ranges(scan_segment *seg, ov_error *err)
{
    if (seg->range_count == 1) {
        ov_rowset_clip(seg->rows, seg->ranges[0].first, seg->ranges[0].end);
        return OV_OK;
    }
    ov_rowset *in;
    OV_TRY(ov_rowset_create(&in, err));
    ov_status st = OV_OK;
    for (uint32_t i = 0; i < seg->range_count && st == OV_OK; i++)
        st = ov_rowset_add_range(in, seg->ranges[i].first, seg->ranges[i].end, err);
    if (st == OV_OK)
        ov_rowset_and(seg->rows, in);
    ov_rowset_destroy(in);
    return st;
}

static ov_status drop_superseded(scan_segment *seg, ov_error *err)
{
    ov_rowset *dead;
    OV_TRY(ov_rowset_create(&dead, err));
    ov_status st = ov_dead_rowset(seg->dead, dead, err);
    if (st == OV_OK)
        ov_rowset_andnot(seg->rows, dead);
    ov_rowset_destroy(dead);
    return st;
}

/* ---- one conjunct alone ---- */

/* It is the only one that is settled by an index now; n when there are several or none. */
static uint32_t only_indexed(const verdict *v, uint32_t n, uint64_t most)
{
    uint32_t found = n;
    for (uint32_t i = 0; i < n; i++) {
        if (!v[i].indexed || v[i].always || v[i].rows > most)
            continue;
        if (found != n)
            return n;
        found = i;
    }
    return found;
}

/* Rows of the codes within the ranges, by arithmetic on their postings. */
static ov_status count_rows(scan_segment *seg, const verdict *v, ov_error *err)
{
    const scan_column *col = &seg->columns[v->c->column];
    uint32_t codes = col->domain->count;
    for (uint32_t code = 0; (code = ov_truth_next(v->truth, code, codes)) < codes; code++)
        for (uint32_t i = 0; i < seg->range_count; i++) {
            uint64_t rows;
            OV_TRY(ov_column_count_of(col->col, code, seg->ranges[i].first, seg->ranges[i].end, &rows, err));
            seg->count += rows;
        }
    return OV_OK;
}

static const uint32_t *lower_bound(const uint32_t *rows, const uint32_t *end, uint32_t row)
{
    while (rows < end) {
        const uint32_t *mid = rows + (end - rows) / 2;
        if (*mid < row)
            rows = mid + 1;
        else
            end = mid;
    }
    return rows;
}

/* The list without superseded rows, in its place. */
static void keep_living(scan_segment *seg, uint32_t *list)
{
    uint64_t kept = 0;
    for (uint64_t i = 0; i < seg->count; i++)
        if (!ov_dead_has(seg->dead, list[i]))
            list[kept++] = list[i];
    seg->count = kept;
}

static ov_status list_rows(ovi_scan *s, scan_segment *seg, const verdict *v, ov_error *err)
{
    uint32_t *rows, n, all = (uint32_t)v->rows;
    ov_mutex_lock(&s->lock);
    ov_status st = ov_arena_alloc(&s->exec->arena, ((size_t)all + 1) * sizeof(*rows), &rows, err);
    ov_mutex_unlock(&s->lock);
    OV_TRY(st);
    OV_TRY(ov_column_row_list(seg->columns[v->c->column].col, v->last, 0, all, rows, &n, err));
    OV_CHECK_DATA(n == all, err, "code %u has %u rows in one place, %u in another", v->last, n, all);
    const uint32_t *first = lower_bound(rows, rows + n, seg->ranges[0].first);
    seg->list = first;
    seg->count = (uint64_t)(lower_bound(first, rows + n, seg->ranges[0].end) - first);
    if (seg->dead)
        keep_living(seg, rows + (first - rows));
    return OV_OK;
}

static void settle(scan_segment *seg, verdict *v)
{
    v->always = true;
    if (v->codes == 1) {
        seg->columns[v->c->column].fixed = true;
        seg->columns[v->c->column].fixed_code = v->last;
    }
}

/* ---- several ---- */

static ov_status intersect(ovi_scan *s, scan_segment *seg, verdict *v, uint32_t n, uint64_t most, ov_error *err)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!v[i].indexed || v[i].always || v[i].rows > most)
            continue;
        const scan_column *col = &seg->columns[v[i].c->column];
        if (!seg->rows) {
            OV_TRY(make_rowset(s, &seg->rows, err));
            OV_TRY(rows_of_truth(col, &v[i], seg->rows, err));
        } else {
            ov_rowset *other;
            OV_TRY(ov_rowset_create(&other, err));
            ov_status st = rows_of_truth(col, &v[i], other, err);
            if (st == OV_OK)
                ov_rowset_and(seg->rows, other);
            ov_rowset_destroy(other);
            OV_TRY(st);
        }
        settle(seg, &v[i]);
    }
    OV_TRY(clip_to_ranges(seg, err));
    if (seg->dead)
        OV_TRY(drop_superseded(seg, err));
    seg->count = ov_rowset_count(seg->rows);
    return OV_OK;
}

/* What follows from columns that have one value in all these rows has one value too. */
static ov_status fix_followers(const ovi_scan *s, scan_segment *seg, ov_error *err)
{
    for (uint32_t x = 0; x < s->node->field_count; x++) {
        const scan_column *by = &seg->columns[x];
        for (uint32_t c = 0; by->fixed && c < s->node->field_count; c++) {
            scan_column *col = &seg->columns[c];
            if (!col->fixed && col->domain && ov_bits_test(s->used, c))
                OV_TRY(ov_column_given(col->col, by->col, by->fixed_code, &col->fixed, &col->fixed_code, err));
        }
    }
    return OV_OK;
}

ov_status ovi_scan_rows(ovi_scan *s, scan_segment *seg, verdict *v, uint32_t n, uint64_t most, bool only_count,
                        ov_error *err)
{
    uint32_t one = only_indexed(v, n, most);
    bool by_postings = only_count && !seg->dead; /* postings count superseded rows too */
    if (one == n || (only_count && !by_postings) || (!only_count && (v[one].codes != 1 || seg->range_count != 1))) {
        OV_TRY(intersect(s, seg, v, n, most, err));
    } else {
        OV_TRY(only_count ? count_rows(seg, &v[one], err) : list_rows(s, seg, &v[one], err));
        settle(seg, &v[one]);
    }
    return fix_followers(s, seg, err);
}

uint32_t ovi_scan_rows_list(const scan_segment *seg, uint32_t from, uint32_t *rows, uint32_t cap)
{
    if (!seg->list)
        return ov_rowset_list(seg->rows, from, rows, cap);
    const uint32_t *end = seg->list + seg->count, *at = lower_bound(seg->list, end, from);
    uint32_t n = (uint32_t)OV_MIN((uint64_t)(end - at), (uint64_t)cap);
    memcpy(rows, at, n * sizeof(*rows));
    return n;
}
