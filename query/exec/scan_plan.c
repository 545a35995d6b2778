/*
 * Deciding how to read one segment: pruning by time, dictionaries and statistics, then the cheapest way.
 */
#include "query/exec/scan.h"

#include "base/bits.h"

enum {
    GATHER_FACTOR = 32, /* picking a row costs about as much as reading this many in a block */
    INDEX_FACTOR = 4,   /* a row set is worth making when it drops three quarters of the rows */
    LARGE_DOMAIN = OV_BATCH_ROWS, /* more texts take longer to look at than a block of rows */
};

/* ---- time ---- */

/* Sets seg->times. A partly overshadowed segment keeps only its visible parts, whatever the filter says. */
static ov_status cut_times(ovi_scan *s, scan_segment *seg, ov_error *err)
{
    const ov_segment_entry *e = seg->entry;
    const ov_time_range *ranges = s->node->scan.ranges;
    uint32_t count = s->node->scan.range_count, n = 0;
    seg->times = ranges;
    seg->time_count = count;
    if (!e->partial)
        return OV_OK;
    ov_time_range *cut;
    ov_mutex_lock(&s->lock);
    ov_status st = ov_arena_alloc(&s->exec->arena, ((size_t)count * e->part_count + 1) * sizeof(*cut), &cut, err);
    ov_mutex_unlock(&s->lock);
    OV_TRY(st);
    for (uint32_t p = 0; p < e->part_count; p++) {
        for (uint32_t i = 0; i < count; i++) {
            ov_time_range both = {OV_MAX(ranges[i].start_ms, e->parts[p].start),
                                  OV_MIN(ranges[i].end_ms, e->parts[p].end)};
            if (both.start_ms < both.end_ms)
                cut[n++] = both;
        }
    }
    seg->times = cut;
    seg->time_count = n;
    return OV_OK;
}

static bool misses_all_ranges(const scan_segment *seg, const ov_segment_info *info)
{
    for (uint32_t i = 0; i < seg->time_count; i++)
        if (info->max_time >= seg->times[i].start_ms && info->min_time < seg->times[i].end_ms)
            return false;
    return true;
}

static bool lies_in_one_range(const scan_segment *seg, const ov_segment_info *info)
{
    for (uint32_t i = 0; i < seg->time_count; i++)
        if (info->min_time >= seg->times[i].start_ms && info->max_time < seg->times[i].end_ms)
            return true;
    return false;
}

static void add_range(scan_segment *seg, uint32_t first, uint32_t end)
{
    if (first >= end)
        return;
    seg->ranges[seg->range_count++] = (row_range){first, end};
    seg->range_rows += end - first;
}

static bool in_times(const scan_segment *seg, int64_t ms)
{
    for (uint32_t i = 0; i < seg->time_count; i++)
        if (ms >= seg->times[i].start_ms && ms < seg->times[i].end_ms)
            return true;
    return false;
}

/* A row more; neighbours make one range. The list grows in the exec's arena. */
static ov_status add_row(ovi_scan *s, scan_segment *seg, uint32_t row, uint32_t *cap, ov_error *err)
{
    seg->range_rows++;
    if (seg->range_count && seg->ranges[seg->range_count - 1].end == row) {
        seg->ranges[seg->range_count - 1].end++;
        return OV_OK;
    }
    if (seg->range_count == *cap) {
        ov_mutex_lock(&s->lock); /* the arena is all workers' */
        ov_status st = ov_arena_room(&s->exec->arena, &seg->ranges, seg->range_count, cap, 1, sizeof(*seg->ranges), err);
        ov_mutex_unlock(&s->lock);
        OV_TRY(st);
    }
    seg->ranges[seg->range_count++] = (row_range){row, row + 1};
    return OV_OK;
}

/* Partly overshadowed and not sorted by time: look at every row's time. */
static ov_status look_at_times(ovi_scan *s, scan_segment *seg, ov_arena *scratch, ov_error *err)
{
    const ov_column *time = ov_segment_find(seg->seg, OV_SLICE_LIT("__time"));
    uint32_t row = 0, cap = seg->time_count + 1;
    OV_CHECK_DATA(time, err, "segment %s has no __time", ov_segment_path(seg->seg));
    for (uint32_t b = 0; b < ov_column_get_info(time)->blocks; b++) {
        ov_arena_mark mark = ov_arena_mark_get(scratch);
        ov_vec v, flat;
        OV_TRY(ov_column_read(time, b, scratch, &v, err));
        OV_TRY(ov_vec_flatten(&v, scratch, &flat, err));
        for (uint32_t i = 0; i < flat.rows; i++, row++)
            if (in_times(seg, ((const int64_t *)flat.data)[i]))
                OV_TRY(add_row(s, seg, row, &cap, err));
        ov_arena_rewind(scratch, mark);
    }
    return OV_OK;
}

/* Row ranges whose time is right; false when the segment is not sorted by time and rows must be looked at. */
static ov_status time_rows(ovi_scan *s, scan_segment *seg, ovi_worker *w, bool *exact, ov_error *err)
{
    const ov_segment_info *info = ov_segment_get_info(seg->seg);
    *exact = true;
    if (lies_in_one_range(seg, info)) {
        add_range(seg, 0, info->rows);
        return OV_OK;
    }
    for (uint32_t i = 0; i < seg->time_count; i++) {
        const ov_time_range *r = &seg->times[i];
        uint32_t first, end;
        bool sorted;
        OV_TRY(ov_segment_time_range(seg->seg, r->start_ms, r->end_ms, &first, &end, &sorted, err));
        if (!sorted) {
            seg->range_count = 0;
            seg->range_rows = 0;
            if (seg->entry->partial)
                return look_at_times(s, seg, &w->scratch, err);
            add_range(seg, 0, info->rows);
            *exact = false;
            return OV_OK;
        }
        add_range(seg, first, end);
    }
    return OV_OK;
}

/* ---- filters by dictionary and statistics ---- */

/* A column this segment does not have reads as NULL in all rows. */
static ov_status judge_absent(ovi_scan *s, ovi_worker *w, verdict *v, ov_error *err)
{
    ov_batch b = {.rows = 1, .cols = s->node->field_count, .sel_rows = 1};
    uint64_t is_true[1];
    uint32_t rows;
    OV_TRY(ov_arena_alloc(&w->scratch, OV_MAX(b.cols, 1) * sizeof(ov_vec), &b.col, err));
    for (uint32_t c = 0; c < b.cols; c++)
        b.col[c] = ov_vec_null(s->node->fields[c].type, 1);
    OV_TRY(ov_eval_filter(w->eval, v->c->expr, &b, is_true, NULL, &rows, err));
    v->never = rows == 0;
    v->always = rows != 0;
    return OV_OK;
}

/* What the truth of each code says about the segment. Rows are counted by the fewer codes, those that are true or the others. */
static void sum_truth(const scan_column *col, verdict *v)
{
    const ov_domain *d = col->domain;
    const uint8_t *last = memrchr(v->truth, 1, d->count);
    v->codes = ov_truth_count(v->truth, d->count, 1);
    v->last = last ? (uint32_t)(last - v->truth) : 0;
    v->never = v->codes == 0;
    v->always = v->codes == d->count;
    v->indexed = col->info->indexed && d->row_counts != NULL;
    if (!v->indexed || v->always)
        return;
    uint32_t code = 0;
    uint64_t rows = 0;
    if (v->codes <= d->count / 2) {
        for (; (code = ov_truth_next(v->truth, code, d->count)) < d->count; code++)
            rows += d->row_counts[code];
        v->rows = rows;
    } else {
        for (; (code = ov_truth_next_other(v->truth, code, d->count)) < d->count; code++)
            rows += d->row_counts[code];
        v->rows = col->info->rows - rows;
    }
}

static ov_status judge_codes(const scan_column *col, ovi_worker *w, verdict *v, ov_error *err)
{
    OV_TRY(ov_eval_codes(w->eval, v->c->expr, v->c->column, col->canon, &v->truth, err));
    v->of_codes = true;
    sum_truth(col, v);
    return OV_OK;
}

/* The same for a column whose values follow from the stored ones. */
static ov_status judge_derived(ovi_scan *s, const scan_column *col, ovi_worker *w, verdict *v, ov_error *err)
{
    const ov_domain *d = col->domain;
    ov_batch b = {.cols = s->node->field_count};
    uint8_t *truth;
    uint32_t *codes;
    uint64_t *is_true;
    OV_TRY(ov_arena_zalloc(&w->scratch, (size_t)d->count + 1, &truth, err));
    OV_TRY(ov_arena_lanes(&w->scratch, OV_BATCH_ROWS * sizeof(*codes), &codes, err));
    OV_TRY(ov_arena_alloc(&w->scratch, OV_BATCH_WORDS * 8, &is_true, err));
    OV_TRY(ov_arena_zalloc(&w->scratch, OV_MAX(b.cols, 1) * sizeof(ov_vec), &b.col, err));
    for (uint32_t from = 0; from < d->count; from += b.rows) {
        uint32_t matches;
        b.rows = b.sel_rows = OV_MIN(d->count - from, (uint32_t)OV_BATCH_ROWS);
        for (uint32_t i = 0; i < b.rows; i++)
            codes[i] = from + i;
        for (uint32_t c = 0; c < b.cols; c++)
            b.col[c] = ov_vec_null(s->node->fields[c].type, b.rows);
        ov_vec *x = &b.col[v->c->column];
        *x = (ov_vec){.type = col->info->type, .enc = OV_ENC_DICT, .lane = 4, .rows = b.rows, .divisor = 1,
                      .data = codes, .dict = col->canon};
        OV_TRY(ovi_scan_derive(col, NULL, b.rows, w, x, err));
        OV_TRY(ov_eval_filter(w->eval, v->c->expr, &b, is_true, NULL, &matches, err));
        for (uint32_t i = 0; i < b.rows; i++)
            truth[from + i] = ov_bits_test(is_true, i);
        ov_eval_next_batch(w->eval);
        OV_TRY(ov_query_alive(s->exec->cx, err));
    }
    v->truth = truth;
    sum_truth(col, v);
    return OV_OK;
}

static void judge_range(const ov_block_stats *stats, verdict *v)
{
    if (!stats->has_bounds)
        return;
    v->never = v->c->high < stats->min || v->c->low > stats->max;
    v->always = v->c->low <= stats->min && v->c->high >= stats->max && stats->nulls == 0;
}

static ov_status judge(ovi_scan *s, scan_segment *seg, ovi_worker *w, verdict *v, ov_error *err)
{
    if (v->c->column == OVI_NO_COLUMN)
        return OV_OK;
    const scan_column *col = &seg->columns[v->c->column];
    if (!col->col)
        return judge_absent(s, w, v, err);
    if (col->path && col->domain && !col->cast && !ov_type_is_list(s->node->fields[v->c->column].type))
        return judge_derived(s, col, w, v, err);
    if (ovi_is_derived(col))
        return OV_OK;
    if (col->domain && !ov_type_is_list(col->info->type)) {
        if (col->domain->count > LARGE_DOMAIN && ovi_scan_may_end_early(s, seg, w) &&
            !ov_eval_codes_is_cheap(v->c->expr, v->c->column, col->canon))
            return OV_OK; /* fewer texts may be looked at row by row */
        return judge_codes(col, w, v, err);
    }
    if (v->c->has_range)
        judge_range(&col->info->stats, v);
    return OV_OK;
}

/* ---- the way ---- */

/* What the segment says of all of its rows holds for those that are asked for. */
static bool is_whole(const scan_segment *seg)
{
    return !seg->dead && seg->range_rows == ov_segment_get_info(seg->seg)->rows;
}

static uint64_t rows_in_ranges(const scan_segment *seg)
{
    uint64_t rows = seg->range_rows;
    for (uint32_t i = 0; seg->dead && i < seg->range_count; i++)
        rows -= ov_dead_count_in(seg->dead, seg->ranges[i].first, seg->ranges[i].end);
    return rows;
}

static void set_rest(scan_segment *seg, const verdict *v, uint32_t n)
{
    seg->rest_count = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (v[i].always)
            continue;
        seg->rest_truth[seg->rest_count] = v[i].of_codes ? v[i].truth : NULL;
        seg->rest[seg->rest_count++] = v[i].c;
    }
}

/* The only column that the sink and the rest of the filter read, when it is a dictionary of counted codes. */
static bool one_code_column(const ovi_scan *s, const scan_segment *seg, uint32_t *column)
{
    uint32_t found = OVI_NO_COLUMN;
    for (uint32_t c = 0; c < s->node->field_count; c++)
        if (ov_bits_test(s->used, c)) {
            if (found != OVI_NO_COLUMN)
                return false;
            found = c;
        }
    for (uint32_t i = 0; i < seg->rest_count; i++) {
        if (seg->rest[i]->column == OVI_NO_COLUMN || (found != OVI_NO_COLUMN && seg->rest[i]->column != found))
            return false;
        found = seg->rest[i]->column;
    }
    if (found == OVI_NO_COLUMN)
        return false;
    const scan_column *col = &seg->columns[found];
    *column = found;
    return col->domain && col->domain->row_counts && !col->cast;
}

static void set_chunks(scan_segment *seg)
{
    uint32_t rows = ov_segment_get_info(seg->seg)->rows;
    if (seg->way == WAY_COUNT || seg->way == WAY_CODES) {
        seg->chunks = 1;
        return;
    }
    uint64_t step = (uint64_t)MORSEL_BLOCKS * OV_BATCH_ROWS;
    if (seg->way == WAY_BLOCKS && seg->range_rows <= step) /* a few blocks of it */
        step = OV_MAX(rows, 1);
    if (seg->way == WAY_GATHER) /* about four full batches a morsel */
        step = OV_MAX(step, (uint64_t)rows * 4 * OV_BATCH_ROWS / OV_MAX(seg->count, 1) / OV_BATCH_ROWS * OV_BATCH_ROWS);
    seg->chunk_rows = (uint32_t)OV_MIN(step, (uint64_t)UINT32_MAX / 2);
    seg->chunks = (uint32_t)(((uint64_t)rows + seg->chunk_rows - 1) / seg->chunk_rows);
}

/* Rows that lie side by side, as those of one value do where it is sorted by, are read as blocks and keep their encodings. */
static bool side_by_side(scan_segment *seg)
{
    if (!seg->list || seg->count == 0 || seg->list[seg->count - 1] - seg->list[0] + 1 != seg->count)
        return false;
    seg->ranges[0] = (row_range){seg->list[0], seg->list[seg->count - 1] + 1};
    seg->range_count = 1;
    seg->range_rows = seg->count;
    return true;
}

/* How many rows the row sets of at most `most` rows will leave together, were the columns independent of each other. */
static uint64_t rows_expected(const verdict *v, uint32_t n, uint64_t most, uint32_t rows)
{
    double left = rows;
    bool any = false;
    for (uint32_t i = 0; i < n; i++)
        if (v[i].indexed && !v[i].always && v[i].rows <= most) {
            left *= (double)v[i].rows / rows;
            any = true;
        }
    return any ? (uint64_t)left : UINT64_MAX;
}

static ov_status choose(ovi_scan *s, scan_segment *seg, verdict *v, uint32_t n, ov_error *err)
{
    uint64_t best = UINT64_MAX;
    uint32_t rows = ov_segment_get_info(seg->seg)->rows, indexed = 0, open = 0;
    for (uint32_t i = 0; i < n; i++) {
        open += !v[i].always;
        if (v[i].indexed && !v[i].always) {
            best = OV_MIN(best, v[i].rows);
            indexed++;
        }
    }
    set_rest(seg, v, n);
    bool counts = s->weights && s->used_count == 0;
    if (counts && open == 0) {
        seg->way = WAY_COUNT;
        seg->count = rows_in_ranges(seg);
        return OV_OK;
    }
    if (counts && open == 1 && indexed == 1 && is_whole(seg)) {
        seg->way = WAY_COUNT;
        seg->count = best;
        return OV_OK;
    }
    if (s->weights && is_whole(seg) && one_code_column(s, seg, &seg->code_column)) {
        seg->way = WAY_CODES;
        return OV_OK;
    }
    bool all_indexed = indexed == open && open > 0;
    uint64_t most = counts && all_indexed ? UINT64_MAX : rows / INDEX_FACTOR;
    if (rows_expected(v, n, most, rows) <= rows / GATHER_FACTOR || (counts && all_indexed)) {
        OV_TRY(ovi_scan_rows(s, seg, v, n, most, counts && all_indexed, err));
        set_rest(seg, v, n);
        seg->way = seg->count == 0                       ? WAY_OUT
                   : counts && seg->rest_count == 0 ? WAY_COUNT
                   : side_by_side(seg)              ? WAY_BLOCKS
                                                    : WAY_GATHER;
        return OV_OK;
    }
    seg->way = WAY_BLOCKS;
    return OV_OK;
}

/* A column whose numbers in this segment have no partner in a join above; or NULL in all of it. */
static bool nobody_wants(const ovi_scan *s, const scan_segment *seg)
{
    for (uint32_t i = 0; i < s->wish_count; i++) {
        const scan_column *col = &seg->columns[s->wishes[i].wish.column];
        if (!col->col || (!ovi_is_derived(col) && ovi_scan_wish_excludes(&s->wishes[i], col, &col->info->stats)))
            return true;
    }
    return false;
}

static ov_status plan_filtered(ovi_scan *s, scan_segment *seg, ovi_worker *w, ov_error *err)
{
    bool exact;
    OV_TRY(time_rows(s, seg, w, &exact, err));
    const conjunct *list = exact ? s->residual : s->filter;
    uint32_t n = exact ? s->residual_count : s->filter_count;
    verdict *v;
    if (seg->range_rows == 0 || nobody_wants(s, seg))
        return OV_OK;
    OV_TRY(ov_arena_zalloc(&w->scratch, (n + 1) * sizeof(*v), &v, err));
    for (uint32_t i = 0; i < n; i++) {
        v[i].c = &list[i];
        OV_TRY(judge(s, seg, w, &v[i], err));
        if (v[i].never)
            return OV_OK;
    }
    return choose(s, seg, v, n, err);
}

static ov_status plan_general(ovi_scan *s, scan_segment *seg, ovi_worker *w, ov_error *err)
{
    bool exact;
    if (seg->entry->partial)
        OV_TRY(time_rows(s, seg, w, &exact, err));
    else
        add_range(seg, 0, ov_segment_get_info(seg->seg)->rows);
    for (uint32_t i = 0; i < s->filter_count; i++)
        seg->rest[seg->rest_count++] = &s->filter[i];
    seg->way = seg->range_rows ? WAY_BLOCKS : WAY_OUT;
    return OV_OK;
}

ov_status ovi_scan_plan(ovi_scan *s, scan_segment *seg, ovi_worker *w, ov_error *err)
{
    ov_exec_stats *stats = &s->exec->cx->stats;
    bool general = s->exec->cx->options.general_only;
    const ov_segment_entry *e = seg->entry;
    seg->planned = true;
    seg->way = WAY_OUT;
    atomic_fetch_add_explicit(&stats->segments_total, 1, memory_order_relaxed);
    OV_TRY(cut_times(s, seg, err));
    if (!e->tombstone && e->info.rows && !ovi_shard_excludes(s, e->shard) && ((general && !e->partial) || !misses_all_ranges(seg, &e->info))) {
        OV_TRY(ovi_next_batch(w, err));
        OV_TRY(ovi_scan_open(s, seg, err));
        OV_TRY(general ? plan_general(s, seg, w, err) : plan_filtered(s, seg, w, err));
    }
    if (seg->way == WAY_OUT)
        atomic_fetch_add_explicit(&stats->segments_pruned, 1, memory_order_relaxed);
    else
        set_chunks(seg);
    if (seg->way == WAY_BLOCKS)
        OV_TRY(ovi_scan_order_blocks(s, seg, w, err));
    if (seg->way == WAY_COUNT || seg->way == WAY_CODES)
        atomic_fetch_add_explicit(&stats->segments_indexed, 1, memory_order_relaxed);
    return OV_OK;
}
