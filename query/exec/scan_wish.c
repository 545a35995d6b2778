/*
 * Rows that joins above have no partner for, left out of a scan before its other columns are read.
 */
#include "query/exec/scan.h"

#include "base/bits.h"

enum {
    TRIED_ROWS = 1 << 16, /* before a wish is judged */
    SPARSE = 8,           /* of so many rows one is left: the others' places cost more than picking it out */
};

void ovi_scan_wishes(ovi_scan *s)
{
    ovi_key_wish list[OVI_MOST_WISHES];
    if (s->exec->cx->options.general_only)
        return;
    uint32_t count = ovi_wishes(s->sink, list);
    for (uint32_t i = 0; i < count; i++)
        if (ov_type_is_int(s->node->fields[list[i].column].type))
            s->wishes[s->wish_count++].wish = list[i];
}

bool ovi_scan_wish_pays(const scan_wish *wish)
{
    uint64_t asked = atomic_load_explicit(&wish->asked, memory_order_relaxed);
    uint64_t kept = atomic_load_explicit(&wish->kept, memory_order_relaxed);
    return asked < TRIED_ROWS || kept < asked - asked / 8;
}

bool ovi_scan_wish_is_strict(const scan_wish *wish)
{
    uint64_t asked = atomic_load_explicit(&wish->asked, memory_order_relaxed);
    return asked > TRIED_ROWS / 8 && atomic_load_explicit(&wish->kept, memory_order_relaxed) < asked / 4;
}

bool ovi_scan_wish_excludes(const scan_wish *wish, const scan_column *col, const ov_block_stats *stats)
{
    if (stats->nulls == stats->rows)
        return true;
    return stats->has_bounds && ov_type_is_int(col->info->type) && !ovi_keyset_meets(wish->wish.set, stats->min, stats->max);
}

ov_status ovi_scan_wish_keep(scan_wish *wish, ovi_worker *w, ov_batch *b, ov_error *err)
{
    ov_vec flat;
    uint64_t *sel;
    uint32_t words = (uint32_t)ov_words(b->rows);
    OV_TRY(ov_vec_flatten(&b->col[wish->wish.column], &w->scratch, &flat, err));
    OV_TRY(ov_arena_alloc(&w->scratch, ((size_t)words + 1) * 8, &sel, err));
    if (b->sel)
        ov_bits_copy(sel, b->sel, b->rows);
    else
        ov_bits_fill(sel, b->rows, true);
    for (uint32_t i = 0; flat.valid && i < words; i++)
        sel[i] &= flat.valid[i];
    ovi_keyset_keep(wish->wish.set, flat.data, b->rows, sel);
    uint32_t left = (uint32_t)ov_bits_count(sel, b->rows);
    atomic_fetch_add_explicit(&wish->asked, b->sel_rows, memory_order_relaxed);
    atomic_fetch_add_explicit(&wish->kept, left, memory_order_relaxed);
    b->sel = sel;
    b->sel_rows = left;
    return OV_OK;
}

bool ovi_scan_is_sparse(const ov_batch *b)
{
    return b->sel && b->sel_rows < b->rows / SPARSE;
}

ov_status ovi_scan_compact(const uint64_t *have, const uint32_t *rows, ovi_worker *w, ov_batch *b, ov_error *err)
{
    uint32_t n = b->sel_rows;
    for (uint32_t c = 0; c < b->cols; c++) {
        ov_vec whole = b->col[c];
        if (ov_bits_test(have, c))
            OV_TRY(ov_vec_gather(&whole, rows, n, &w->scratch, &b->col[c], err));
        else
            b->col[c] = ov_vec_null(whole.type, n);
    }
    b->sel = NULL;
    b->rows = n;
    return OV_OK;
}
