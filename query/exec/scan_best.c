/*
 * Scans below a sink that keeps the best rows only (ORDER BY ... LIMIT, the first groups): blocks of a segment that is not sorted by
 * the column in question are read in the order of their bounds, so that the worst row kept is soon good and the rest of the segment
 * can be left; and rows of a block that come behind it are dropped before the filter looks at them.
 */
#include "query/exec/scan.h"

#include "base/bits.h"

/* Whole numbers of the column as they are stored, with bounds for each block. */
static bool has_bounds(const scan_column *col)
{
    return col->col && !ovi_is_derived(col) && !col->info->dict && ov_type_is_int(col->info->type);
}

static bool wants_best(const ovi_scan *s, const ovi_worker *w, ovi_best *best)
{
    return !s->exec->cx->options.general_only && ovi_wants_best(s->sink, w, best);
}

bool ovi_scan_may_end_early(const ovi_scan *s, const scan_segment *seg, const ovi_worker *w)
{
    ovi_best best;
    return wants_best(s, w, &best) && best.keep != OV_NO_LIMIT && has_bounds(&seg->columns[best.column]);
}

/* ---- blocks ---- */

/* The place of the best row that the block can have. */
static uint64_t place_of(const ovi_best *best, const ov_block_stats *stats)
{
    if (stats->nulls && best->nulls_first)
        return 0;
    if (!stats->has_bounds)
        return UINT64_MAX;
    return ovi_order_place(ovi_order_i64(best->descending ? stats->max : stats->min), best->descending, best->nulls_first);
}

ov_status ovi_scan_order_blocks(ovi_scan *s, scan_segment *seg, ovi_worker *w, ov_error *err)
{
    enum { FEW = 3 };
    ovi_best best;
    if (seg->range_count != 1 || s->sink->ordered || !wants_best(s, w, &best) || !has_bounds(&seg->columns[best.column]))
        return OV_OK;
    const ov_column *col = seg->columns[best.column].col;
    uint32_t n = seg->columns[best.column].info->blocks;
    bool sorted = true;
    ovi_ref *refs, *tmp;
    OV_TRY(ov_arena_alloc(&w->scratch, ((size_t)n + 1) * sizeof(*refs), &refs, err));
    OV_TRY(ov_arena_alloc(&w->scratch, ((size_t)n + 1) * sizeof(*tmp), &tmp, err));
    for (uint32_t b = 0; b < n; b++) {
        ov_block_stats stats;
        OV_TRY(ov_column_block_stats(col, b, &stats, err));
        refs[b] = (ovi_ref){.key = place_of(&best, &stats), .item = b};
        sorted = sorted && (b == 0 || refs[b - 1].key <= refs[b].key);
    }
    if (n < FEW || sorted)
        return OV_OK;
    ovi_sort_refs(refs, tmp, n, NULL, NULL, NULL);
    ov_mutex_lock(&s->lock);
    ov_status st = ov_arena_alloc(&s->exec->arena, n * sizeof(*seg->order), &seg->order, err);
    ov_mutex_unlock(&s->lock);
    OV_TRY(st);
    for (uint32_t i = 0; i < n; i++)
        seg->order[i] = (scan_place){refs[i].key, refs[i].item};
    return OV_OK;
}

bool ovi_scan_is_past(const ovi_scan *s, const ovi_worker *w, uint64_t place)
{
    ovi_best best;
    return wants_best(s, w, &best) && best.has_worst && place > best.worst;
}

/* ---- rows ---- */

/* Values that may be as good as the worst row kept; one that only NULL stands beside is let through. */
static void values_of(const ovi_best *best, int64_t *low, int64_t *high)
{
    const uint64_t sign = UINT64_C(1) << 63;
    uint64_t worst = best->nulls_first ? OV_MAX(best->worst, 1) : best->worst >= UINT64_MAX - 1 ? UINT64_MAX : best->worst;
    *low = best->descending ? (int64_t)(~worst ^ sign) : INT64_MIN;
    *high = best->descending ? INT64_MAX : (int64_t)(worst ^ sign);
}

bool ovi_scan_best_column(const ovi_scan *s, const scan_segment *seg, const ovi_worker *w, uint32_t *column)
{
    ovi_best best;
    if (!wants_best(s, w, &best) || !best.has_worst || !has_bounds(&seg->columns[best.column]))
        return false;
    *column = best.column;
    return true;
}

ov_status ovi_scan_best_keep(const ovi_scan *s, ovi_worker *w, ov_batch *b, ov_error *err)
{
    ovi_best best;
    int64_t low, high;
    uint64_t *sel;
    if (!wants_best(s, w, &best))
        return OV_OK;
    const ov_vec *v = &b->col[best.column];
    values_of(&best, &low, &high);
    if (v->type.id == OV_TYPE_NULL || (v->has_bounds && v->min >= low && v->max <= high))
        return OV_OK;
    OV_TRY(ov_arena_alloc(&w->scratch, (ov_words(b->rows) + 1) * 8, &sel, err));
    OV_TRY(ov_eval_range(w->eval, v, low, high, best.nulls_first || best.worst == UINT64_MAX, sel, err));
    if (b->sel)
        ov_bits_and(sel, b->sel, b->rows);
    uint32_t left = (uint32_t)ov_bits_count(sel, b->rows);
    b->sel = left < b->rows ? sel : NULL;
    b->sel_rows = left;
    return OV_OK;
}
