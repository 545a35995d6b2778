/*
 * How many different values a frame has. Values get numbers, and each number is counted while its rows come into the
 * frame and leave it; frames move forward only, so each row comes and goes once a partition.
 */
#include "query/exec/window.h"

#include "query/agg/strtab.h"

/* The value as bytes that are equal for equal values. */
static ov_slice value_bytes(const win_column *x, uint32_t row, uint64_t *bits)
{
    if (!ov_type_is_int(x->type) && !ov_type_is_real(x->type))
        return ((const ov_slice *)x->data)[row];
    *bits = ov_type_is_int(x->type) ? ((const uint64_t *)x->data)[row]
                                    : ov_distinct_real(((const double *)x->data)[row]);
    return ov_slice_make((const char *)bits, sizeof *bits);
}

static OV_CHECKED ov_status number_values(const win_column *x, const uint64_t *mask, ov_strtab *numbers, uint32_t rows,
                                          uint32_t *out, ov_error *err)
{
    bool numeric = ov_type_is_int(x->type) || ov_type_is_real(x->type);
    for (uint32_t i = 0; i < rows; i++) {
        uint64_t bits;
        out[i] = 0;
        if (!mask || ov_bits_test(mask, i))
            OV_TRY(ov_strtab_add(numbers, value_bytes(x, i, &bits), numeric, &out[i], err));
    }
    return OV_OK;
}

/* counts: one a number, all zero. */
static void count_frames(const win_chunk *k, const uint32_t *from, const uint32_t *to, const uint32_t *number,
                         uint32_t *counts, int64_t *out)
{
    uint32_t low = 0, high = 0;
    int64_t different = 0;
    for (uint32_t i = 0; i < k->rows; i++) {
        uint32_t end = OV_MAX(high, to[i]);
        for (; high < end; high++)
            different += number[high] && counts[number[high]]++ == 0;
        for (; low < from[i]; low++)
            different -= number[low] && --counts[number[low]] == 0;
        out[i] = from[i] < to[i] ? different : 0;
    }
}

ov_status ovi_win_prepare_distinct(const win_chunk *k, win_call *c, ov_error *err)
{
    uint32_t *from, *to, *number, *counts;
    const uint64_t *mask;
    win_column x;
    ov_strtab numbers;
    int64_t *out;
    ov_status st;
    OV_TRY(ovi_win_frames(k, &c->call->frame, &from, &to, err));
    OV_TRY(ovi_win_column(k, c->args[0], &x, err));
    OV_TRY(ovi_win_mask(k, c, &x, &mask, err));
    OV_TRY(ov_arena_alloc(k->arena, ((size_t)k->rows + 1) * sizeof *number, &number, err));
    OV_TRY(ov_arena_lanes(k->arena, ((size_t)k->rows + 64) * sizeof *out, &out, err));
    OV_TRY(ov_strtab_init(&numbers, &k->exec->cx->budget, err));
    OV_TRY_OUT(st, number_values(&x, mask, &numbers, k->rows, number, err));
    OV_TRY_OUT(st, ov_arena_zalloc(k->arena, ((size_t)numbers.count + 1) * sizeof *counts, &counts, err));
    count_frames(k, from, to, number, counts, out);
    c->how = WIN_RESULTS;
    c->results = out;
out:
    ov_strtab_fini(&numbers);
    return st;
}
