/*
 * How many different values a frame has. Values get numbers, and each number is counted while its rows come into the
 * frame and leave it; frames move forward only, so each row comes and goes once a partition.
 */
#include "query/exec/window_run.h"

#include "query/agg/strtab.h"

/* The value as bytes that are equal for equal values. */
static ov_slice value_bytes(ov_type type, const void *value, uint64_t *bits)
{
    if (!ov_type_is_int(type) && !ov_type_is_real(type))
        return *(const ov_slice *)value;
    *bits = ov_type_is_int(type) ? *(const uint64_t *)value : ov_distinct_real(*(const double *)value);
    return ov_slice_make((const char *)bits, sizeof *bits);
}

static OV_CHECKED ov_status number_values(const win_chunk *k, const win_column *x, const uint64_t *mask, ov_strtab *numbers,
                                          uint32_t *out, ov_error *err)
{
    bool numeric = ov_type_is_int(x->type) || ov_type_is_real(x->type);
    size_t width = numeric ? 8 : sizeof(ov_slice);
    for (uint32_t i = 0; i < k->rows; i++) {
        uint64_t bits;
        OV_TRY(ovi_win_alive_at(k, i, err));
        out[i] = 0;
        if (!mask || ov_bits_test(mask, i))
            OV_TRY(ov_strtab_add(numbers, value_bytes(x->type, (const char *)x->data + i * width, &bits), numeric,
                                 &out[i], err));
    }
    return OV_OK;
}

/* counts: one a number, all zero. */
static OV_CHECKED ov_status count_frames(const win_chunk *k, const uint32_t *from, const uint32_t *to, const uint32_t *number,
                                         uint32_t *counts, int64_t *out, ov_error *err)
{
    uint32_t low = 0, high = 0;
    int64_t different = 0;
    for (uint32_t i = 0; i < k->rows; i++) {
        uint32_t end = OV_MAX(high, to[i]);
        OV_TRY(ovi_win_alive_at(k, i, err));
        for (; high < end; high++)
            different += number[high] && counts[number[high]]++ == 0;
        for (; low < from[i]; low++)
            different -= number[low] && --counts[number[low]] == 0;
        out[i] = from[i] < to[i] ? different : 0;
    }
    return OV_OK;
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
    OV_TRY_OUT(st, number_values(k, &x, mask, &numbers, number, err));
    OV_TRY_OUT(st, ov_arena_zalloc(k->arena, ((size_t)numbers.count + 1) * sizeof *counts, &counts, err));
    OV_TRY_OUT(st, count_frames(k, from, to, number, counts, out, err));
    c->how = WIN_RESULTS;
    c->results = out;
out:
    ov_strtab_fini(&numbers);
    return st;
}

/* ---- of a partition on disk ---- */

/* The numbers of all values, and how many rows of the frame have each. */
struct win_distinct {
    win_reader enter, leave;
    ov_strtab numbers;
    uint64_t *counts;
    uint32_t cap;
    uint64_t low, high;
    int64_t different;
};

ov_status ovi_win_distinct_open(win_run *run, const win_call *c, ov_arena *arena, win_distinct **out, ov_error *err)
{
    win_distinct *d;
    OV_TRY(ov_arena_zalloc(arena, sizeof *d, &d, err));
    *out = d;
    OV_TRY(ov_strtab_init(&d->numbers, &run->exec->cx->budget, err));
    OV_TRY(ovi_win_reader_open(&d->enter, run, c->args[0], c->filter, err));
    return ovi_win_reader_open(&d->leave, run, c->args[0], c->filter, err);
}

void ovi_win_distinct_close(win_distinct *d)
{
    if (!d)
        return;
    ov_array_free(d->numbers.budget, &d->counts, d->cap * sizeof *d->counts);
    ov_strtab_fini(&d->numbers);
    ovi_win_reader_close(&d->enter);
    ovi_win_reader_close(&d->leave);
}

static OV_CHECKED ov_status enter(win_distinct *d, const void *value, ov_error *err)
{
    uint64_t bits;
    uint32_t number;
    OV_TRY(ov_strtab_add(&d->numbers, value_bytes(d->enter.flat.type, value, &bits), true, &number, err));
    if (number >= d->cap) {
        uint32_t cap = OV_MAX(d->numbers.cap, 64u);
        OV_TRY(ov_array_grow(d->numbers.budget, &d->counts, d->cap * sizeof *d->counts, cap * sizeof *d->counts, err));
        d->cap = cap;
    }
    d->different += d->counts[number]++ == 0;
    return OV_OK;
}

static void leave(win_distinct *d, const void *value)
{
    uint64_t bits;
    uint32_t number = ov_strtab_find(&d->numbers, value_bytes(d->leave.flat.type, value, &bits));
    d->different -= --d->counts[number] == 0;
}

ov_status ovi_win_distinct_count(win_distinct *d, uint64_t from, uint64_t to, int64_t *out, ov_error *err)
{
    for (; d->high < to; d->high++) {
        OV_TRY(ovi_win_read(&d->enter, d->high, err));
        if (ovi_win_takes(&d->enter, d->high))
            OV_TRY(enter(d, ovi_win_value(&d->enter, d->high), err));
    }
    for (; d->low < from; d->low++) {
        OV_TRY(ovi_win_read(&d->leave, d->low, err));
        if (ovi_win_takes(&d->leave, d->low))
            leave(d, ovi_win_value(&d->leave, d->low));
    }
    *out = from < to ? d->different : 0;
    return OV_OK;
}
