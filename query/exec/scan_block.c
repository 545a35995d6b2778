/*
 * What the statistics of a block say before anything of it is read.
 */
#include "query/exec/scan.h"

/* Conjuncts that block statistics do not settle; false when they say that no row matches. */
static ov_status check_filter(const ovi_scan *s, const scan_segment *seg, uint32_t block, const conjunct **rest,
                              uint32_t *rest_count, bool *skip, ov_error *err)
{
    *rest_count = 0;
    *skip = false;
    for (uint32_t i = 0; i < seg->rest_count; i++) {
        const conjunct *c = seg->rest[i];
        const scan_column *col = c->column == OVI_NO_COLUMN ? NULL : &seg->columns[c->column];
        bool settled = false;
        if (c->has_range && col && col->col && !ovi_is_derived(col) && !s->exec->cx->options.general_only) {
            ov_block_stats stats;
            OV_TRY(ov_column_block_stats(col->col, block, &stats, err));
            if (stats.nulls == stats.rows ||
                (stats.has_bounds && !col->info->dict && (c->high < stats.min || c->low > stats.max))) {
                *skip = true;
                return OV_OK;
            }
            settled = stats.has_bounds && !col->info->dict && stats.nulls == 0 && c->low <= stats.min &&
                      c->high >= stats.max;
        }
        if (!settled)
            rest[(*rest_count)++] = c;
    }
    return OV_OK;
}

/* Numbers of this block have no partner in a join above. */
static ov_status check_wishes(const ovi_scan *s, const scan_segment *seg, uint32_t block, bool *skip, ov_error *err)
{
    for (uint32_t i = 0; i < s->wish_count && !*skip; i++) {
        const scan_wish *wish = &s->wishes[i];
        const scan_column *col = &seg->columns[wish->wish.column];
        ov_block_stats stats;
        if (!col->col || ovi_is_derived(col))
            continue;
        OV_TRY(ov_column_block_stats(col->col, block, &stats, err));
        *skip = ovi_scan_wish_excludes(wish, col, &stats);
    }
    return OV_OK;
}

/* The sink keeps the best rows only, and this block has none of them. */
static ov_status check_best(const ovi_scan *s, const scan_segment *seg, uint32_t block, const ovi_worker *w, bool *skip,
                            ov_error *err)
{
    ovi_best best;
    if (!ovi_wants_best(s->sink, w, &best) || !best.has_worst)
        return OV_OK;
    const scan_column *col = &seg->columns[best.column];
    ov_block_stats stats;
    if (!col->col || col->cast || col->info->dict || !ov_type_is_int(col->info->type))
        return OV_OK;
    OV_TRY(ov_column_block_stats(col->col, block, &stats, err));
    *skip = stats.has_bounds &&
            ovi_scan_hopeless(s, w, best.column, stats.min, stats.max, stats.nulls > 0);
    return OV_OK;
}

ov_status ovi_scan_block(const ovi_scan *s, const scan_segment *seg, uint32_t block, const ovi_worker *w, const conjunct **rest,
                         uint32_t *rest_count, bool *skip, ov_error *err)
{
    OV_TRY(check_filter(s, seg, block, rest, rest_count, skip, err));
    if (!*skip)
        OV_TRY(check_best(s, seg, block, w, skip, err));
    return *skip ? OV_OK : check_wishes(s, seg, block, skip, err);
}
