/* How many rows a query reads, about: what tells large queries from small ones. */
#include "query/query_int.h"

/* Of a segment's rows those in [start, end), as if they were spread evenly over its time. */
static uint64_t share_of(const ov_segment_info *info, int64_t start, int64_t end)
{
    if (info->max_time < start || info->min_time >= end)
        return 0;
    double span = (double)info->max_time - (double)info->min_time + 1;
    double from = start > info->min_time ? (double)start - (double)info->min_time : 0;
    double to = end <= info->max_time ? (double)end - (double)info->min_time : span;
    return (uint64_t)((double)info->rows * (to - from) / span) + 1;
}

enum {
    WORTH_ASKING = 1 << 16, /* rows: indexes are not asked for fewer */
    ASKED = 8,              /* segments that are, spread over all */
};

/* Rows of one segment in the time ranges, about. */
static uint64_t rows_in_ranges(const ov_plan *node, const ov_segment_info *info)
{
    uint64_t share = 0;
    for (uint32_t r = 0; r < node->scan.range_count; r++)
        share += share_of(info, node->scan.ranges[r].start_ms, node->scan.ranges[r].end_ms);
    return OV_MIN(share, (uint64_t)info->rows);
}

/* The part that row indexes leave, by a few of the segments that are read. */
static double indexed_share(const ov_plan *node, const ov_snapshot *snapshot, const ov_datasource *ds, uint32_t read)
{
    uint32_t step = (read + ASKED - 1) / ASKED, at = 0;
    double all = 0, left = 0;
    for (uint32_t i = 0; i < ds->segment_count; i++) {
        const ov_segment_entry *entry = ds->segments[i];
        if (rows_in_ranges(node, &entry->info) == 0 || at++ % step)
            continue;
        all += (double)entry->info.rows;
        left += (double)ovi_query_rows_left(node, snapshot, entry);
    }
    return all > 0 ? left / all : 1;
}

/* Rows of segments in the time ranges that are looked at, about. */
static uint64_t scanned_rows(const ov_plan *node, const ov_snapshot *snapshot)
{
    const ov_datasource *ds = ov_plan_datasource(node, snapshot);
    uint64_t rows = 0;
    uint32_t read = 0;
    for (uint32_t i = 0; i < ds->segment_count; i++) {
        uint64_t share = rows_in_ranges(node, &ds->segments[i]->info);
        rows += share;
        read += share > 0;
    }
    if (rows < WORTH_ASKING || !node->scan.filter || node->scan.filter_is_ranges)
        return rows;
    return (uint64_t)((double)rows * indexed_share(node, snapshot, ds, read));
}

/* The first rows of a scan without a filter but on time: it ends when it has them. */
static bool ends_early(const ov_plan *limit)
{
    const ov_plan *node = limit->inputs[0];
    while (node->kind == OV_PLAN_PROJECT)
        node = node->inputs[0];
    return node->kind == OV_PLAN_SCAN && (!node->scan.filter || node->scan.filter_is_ranges);
}

static uint64_t plan_rows(const ov_plan *node, const ov_snapshot *snapshot)
{
    uint64_t rows = node->kind == OV_PLAN_SCAN ? scanned_rows(node, snapshot) : 0;
    if (node->kind == OV_PLAN_JOIN && node->join.key_count == 0) {
        uint64_t left = plan_rows(node->inputs[0], snapshot), right = plan_rows(node->inputs[1], snapshot);
        return __builtin_mul_overflow(left + 1, right + 1, &rows) ? UINT64_MAX : rows;
    }
    for (uint32_t i = 0; i < node->input_count; i++)
        if (__builtin_add_overflow(rows, plan_rows(node->inputs[i], snapshot), &rows))
            return UINT64_MAX;
    if (node->kind == OV_PLAN_LIMIT && ends_early(node) && node->limit.limit < rows)
        rows = OV_MIN(rows, node->limit.limit + OV_MIN(node->limit.offset, rows));
    return rows;
}

uint64_t ov_query_rows(const ov_query *q)
{
    uint64_t rows = q->planned->plan ? plan_rows(q->planned->plan, q->cx.snapshot) : 0;
    for (uint32_t i = 0; q->native.type == OV_NATIVE_UNION && i < q->native.part_count; i++) {
        const ov_plan *part = q->native.parts[i].query.plan;
        if (part && __builtin_add_overflow(rows, plan_rows(part, q->cx.snapshot), &rows))
            return UINT64_MAX;
    }
    return rows;
}
