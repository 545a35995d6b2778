/* How many rows of a segment a filter leaves at most, as far as row indexes of text columns tell without reading rows. */
#include "query/query_int.h"

#include "storage/segment/segment.h"

enum { MOST_TEXTS = 1000 }; /* of a list: longer ones cost more than the answer is worth */

/* The sorted dictionary behind a column of the scan in this segment; NULL: none that knows its rows. */
static const ov_domain *counted(const ov_plan *scan, const ov_expr *column, const ov_segment *seg)
{
    const ov_domain *d;
    ov_error ignored = OV_ERROR_INIT;
    if (column->kind != OV_EXPR_COLUMN || (scan->scan.paths && scan->scan.paths[column->column]))
        return NULL;
    const ov_column *c = ov_segment_find(seg, scan->scan.datasource->columns[scan->scan.columns[column->column]].name);
    const ov_column_info *info = c ? ov_column_get_info(c) : NULL;
    if (!info || !info->dict || !info->indexed || info->type.id != OV_TYPE_STRING || info->type.multi)
        return NULL;
    return ov_column_domain(c, &d, &ignored) == OV_OK && d->sorted && d->row_counts ? d : NULL;
}

static uint64_t rows_of(const ov_domain *d, ov_slice text)
{
    bool exact;
    uint32_t code = ov_domain_lower_bound(d, text, &exact);
    return exact ? d->row_counts[code] : 0;
}

static uint64_t rows_equal(const ov_plan *scan, const ov_expr *e, const ov_segment *seg, uint64_t all)
{
    const ov_expr *text = e->args[1];
    const ov_domain *d = counted(scan, e->args[0], seg);
    if (!d || text->kind != OV_EXPR_CONST || text->type.id != OV_TYPE_STRING || text->constant.is_null)
        return all;
    return rows_of(d, text->constant.s);
}

static uint64_t rows_in(const ov_plan *scan, const ov_expr *e, const ov_segment *seg, uint64_t all)
{
    const ov_domain *d = counted(scan, e->args[0], seg);
    uint64_t rows = 0;
    if (!d || e->set->type.id != OV_TYPE_STRING || e->set->count > MOST_TEXTS)
        return all;
    for (uint32_t i = 0; i < e->set->count; i++)
        rows += rows_of(d, e->set->str[i]);
    return rows;
}

static uint64_t rows_left(const ov_plan *scan, const ov_expr *e, const ov_segment *seg, uint64_t all)
{
    uint64_t rows;
    switch (ov_expr_op(e)) {
    case OV_OP_AND:
        rows = all;
        for (uint32_t i = 0; i < e->argc; i++)
            rows = OV_MIN(rows, rows_left(scan, e->args[i], seg, all));
        return rows;
    case OV_OP_OR:
        rows = 0;
        for (uint32_t i = 0; i < e->argc && rows < all; i++)
            rows += rows_left(scan, e->args[i], seg, all);
        return OV_MIN(rows, all);
    case OV_OP_EQ:
        return rows_equal(scan, e, seg, all);
    case OV_OP_IN:
        return rows_in(scan, e, seg, all);
    default:
        return all;
    }
}

uint64_t ovi_query_rows_left(const ov_plan *scan, const ov_snapshot *snapshot, const ov_segment_entry *entry)
{
    ov_segment *seg;
    ov_error ignored = OV_ERROR_INIT;
    uint64_t all = entry->info.rows;
    if (!scan->scan.filter || ov_snapshot_open(snapshot, entry, &seg, &ignored) != OV_OK)
        return all; /* who runs the query tells why */
    uint64_t rows = rows_left(scan, scan->scan.filter, seg, all);
    ov_segment_release(seg);
    return rows;
}
