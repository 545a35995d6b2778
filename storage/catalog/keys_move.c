/*
 * Rows that a merge has written anew.
 *
 * Each row of an output says which row of the inputs it was. Under the lock the inputs have their last state, so an output's
 * rows are superseded, and came and went, as those of the inputs did. Then the index is told where they are.
 */
#include "storage/catalog/keys_int.h"

#include <stdlib.h>
#include "base/bits.h"

bool ov_keys_kept(const ov_segment_entry *input, int64_t horizon, uint32_t b, uint32_t rows, uint64_t *words)
{
    const uint64_t *dead = ov_dead_block(input->dead, b);
    uint32_t base = b * OV_BATCH_ROWS;
    if (!dead)
        return false;
    ov_bits_fill(words, rows, true);
    ov_bits_andnot(words, dead, rows);
    /* Those that went lately are still read by queries about the past. */
    if (horizon != INT64_MAX)
        ov_dead_since(input->dead, horizon, base, base + rows, words);
    return ov_bits_count(words, rows) < rows;
}

/* ---- inputs ---- */

typedef struct wanted {
    const ov_segment_entry *entry;
    uint32_t input;
} wanted;

static int cmp_wanted(const void *pa, const void *pb)
{
    const ov_segment_entry *a = ((const wanted *)pa)->entry, *b = ((const wanted *)pb)->entry;
    uintptr_t x = (uintptr_t)a->live, y = (uintptr_t)b->live;
    if (x != y)
        return x < y ? -1 : 1;
    return x ? 0 : ov_slice_cmp(a->file, b->file);
}

/* One walk over what the index names, each sought among the inputs. */
static ov_status match_inputs(ovi_key_run *r, const wanted *list, uint32_t n, ov_error *err)
{
    for (uint32_t i = 0; i < r->first_fresh; i++) {
        const ovi_key_segment *s = &r->k->segs[i];
        ov_segment_entry key = {.live = (ov_segment *)(uintptr_t)s->live, .file = s->file ? ov_slice_cstr(s->file) : (ov_slice){0}};
        wanted look = {.entry = &key};
        const wanted *at = bsearch(&look, list, n, sizeof look, cmp_wanted);
        if (!at)
            continue;
        OV_TRY(ovi_key_look(r, i, err));
        if (s->entry)
            r->inputs[at->input].no = i;
    }
    return OV_OK;
}

static ov_status find_inputs(ovi_key_run *r, const ov_moved *from, ov_error *err)
{
    wanted *list = ov_malloc((from->count + 1u) * sizeof *list);
    if (!list)
        return ov_fail_nomem(err, from->count * sizeof *list);
    for (uint32_t i = 0; i < from->count; i++) {
        list[i] = (wanted){from->inputs[i], i};
        r->inputs[i].no = UINT32_MAX;
    }
    qsort(list, from->count, sizeof *list, cmp_wanted);
    ov_status st = match_inputs(r, list, from->count, err);
    ov_free(list);
    for (uint32_t i = 0; i < from->count && st == OV_OK; i++)
        if (r->inputs[i].no == UINT32_MAX)
            st = ov_fail(err, OV_BUSY, "segments of '" OV_SLICE_FMT "' went away while their rows were put together",
                         OV_SLICE_ARG(r->k->name));
    return st;
}

static ov_status open_input(ovi_key_run *r, ovi_moved_input *in, ov_error *err)
{
    const ovi_key_segment *s = &r->k->segs[in->no];
    const ov_dead *d = ovi_key_state(s);
    ov_budget *budget = &r->cat->keys_budget;
    in->born = s->born;
    if (ov_dead_has_births(d)) {
        OV_TRY(ov_array_grow(budget, &in->births, 0, ovi_key_instants(in->rows), err));
        ov_dead_birth_list(d, in->rows, in->born, in->births);
    }
    if (ov_dead_count(d)) {
        OV_TRY(ov_array_grow(budget, &in->deaths, 0, ovi_key_instants(in->rows), err));
        ov_dead_death_list(d, in->rows, in->deaths);
    }
    return OV_OK;
}

static ov_status open_inputs(ovi_key_run *r, const ov_moved *from, ov_error *err)
{
    uint64_t first = 0;
    r->inputs = ov_calloc(from->count + 1u, sizeof *r->inputs);
    if (!r->inputs)
        return ov_fail_nomem(err, from->count * sizeof *r->inputs);
    OV_TRY(find_inputs(r, from, err));
    for (uint32_t i = 0; i < from->count; i++) {
        ovi_moved_input *in = &r->inputs[i];
        in->first = first;
        in->rows = r->k->segs[in->no].rows;
        in->base = r->k->segs[in->no].base;
        first += in->rows;
        OV_TRY(open_input(r, in, err));
    }
    return OV_OK;
}

/* The input of row number `at`, which must be one. */
static const ovi_moved_input *input_of(const ovi_key_run *r, uint64_t at)
{
    uint32_t lo = 0, hi = r->moved->count;
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (r->inputs[mid].first <= at)
            lo = mid;
        else
            hi = mid;
    }
    const ovi_moved_input *in = &r->inputs[lo];
    OV_ASSERT(r->moved->count && at - in->first < in->rows);
    return in;
}

/* ---- the state of an output ---- */

typedef struct event {
    int64_t at;
    uint32_t row;
} event;

static int cmp_event(const void *a, const void *b)
{
    const event *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

typedef ov_status layer_fn(const ov_dead *base, uint32_t total, int64_t at, const uint32_t *rows, uint32_t n, ov_dead **out,
                           ov_error *err);

/* Events of one kind onto *d, instant by instant. */
static ov_status add_events(ov_dead **d, uint32_t total, event *list, uint32_t n, uint32_t *rows, layer_fn *add, ov_error *err)
{
    if (n)
        qsort(list, n, sizeof *list, cmp_event);
    for (uint32_t from = 0, to; from < n; from = to) {
        ov_dead *next;
        for (to = from; to < n && list[to].at == list[from].at; to++)
            rows[to - from] = list[to].row;
        OV_TRY(add(*d, total, list[from].at, rows, to - from, &next, err));
        ov_dead_release(*d);
        *d = next;
    }
    return OV_OK;
}

static ov_status fill(ovi_key_run *r, const ovi_key_source *to, event *list, uint32_t *rows, ov_dead **d, ov_error *err)
{
    uint32_t total = ov_segment_get_info(to->seg)->rows, n = 0;
    int64_t horizon = r->k->spec.retain_ms > 0 ? r->at - r->k->spec.retain_ms : INT64_MAX;
    int64_t births = ovi_keys_births_since(r->k, r->at);
    OV_TRY(ov_dead_born(NULL, total, OV_DEAD_LONG_AGO, NULL, 0, d, err));
    for (uint32_t i = 0; i < total; i++) {
        const ovi_moved_input *in = input_of(r, to->arrival[i]);
        int64_t born = in->births ? in->births[to->arrival[i] - in->first] : in->born;
        if (born >= births && born != OV_DEAD_LONG_AGO)
            list[n++] = (event){born, i};
    }
    OV_TRY(add_events(d, total, list, n, rows, ov_dead_born, err));
    n = 0;
    for (uint32_t i = 0; i < total; i++) {
        const ovi_moved_input *in = input_of(r, to->arrival[i]);
        int64_t died = in->deaths ? in->deaths[to->arrival[i] - in->first] : INT64_MAX;
        if (died != INT64_MAX)
            list[n++] = (event){died < horizon ? OV_DEAD_LONG_AGO : died, i};
    }
    return add_events(d, total, list, n, rows, ov_dead_add, err);
}

static ov_status move_one(ovi_key_run *r, const ovi_key_source *to, ov_error *err)
{
    uint32_t total = ov_segment_get_info(to->seg)->rows, no;
    if (ov_segment_is_rolled_up(to->seg))
        return ovi_key_add_segment(r, to, &no, err); /* which refuses it */
    if (!to->arrival)
        return ov_fail(err, OV_INTERNAL, "rows of a datasource with keys were put together without telling which");
    size_t n = (size_t)total + 1;
    event *list = NULL;
    uint32_t *rows = NULL;
    ov_dead *d = NULL;
    ov_budget *budget = &r->cat->keys_budget;
    ov_status st = ov_array_grow(budget, &list, 0, n * sizeof *list, err);
    if (st == OV_OK)
        st = ov_array_grow(budget, &rows, 0, n * sizeof *rows, err);
    if (st == OV_OK)
        st = fill(r, to, list, rows, &d, err);
    if (st == OV_OK) {
        ovi_key_source src = *to;
        src.dead = d;
        st = ovi_key_add_segment(r, &src, &no, err);
    }
    ov_dead_release(d);
    ov_array_free(budget, &list, n * sizeof *list);
    ov_array_free(budget, &rows, n * sizeof *rows);
    return st;
}

ov_status ovi_key_run_move(ovi_key_run *r, const ov_moved *from, const ovi_key_source *to, uint32_t count, ov_error *err)
{
    r->moved = from;
    ov_status st = open_inputs(r, from, err);
    for (uint32_t i = 0; i < count && st == OV_OK; i++)
        st = move_one(r, &to[i], err);
    for (uint32_t i = 0; r->inputs && i < from->count; i++) {
        ov_array_free(&r->cat->keys_budget, &r->inputs[i].births, ovi_key_instants(r->inputs[i].rows));
        ov_array_free(&r->cat->keys_budget, &r->inputs[i].deaths, ovi_key_instants(r->inputs[i].rows));
    }
    return st;
}

/* ---- the index ---- */

static bool follow_row(ovi_keys *k, uint64_t hash, uint64_t from, uint64_t to)
{
    uint64_t at = ovi_key_home(&k->index, (uint32_t)(hash >> 32));
    for (;; ovi_key_step(&k->index, &at)) {
        ovi_key_slot *slot = ovi_key_next(&k->index, hash, &at);
        if (ovi_key_place(slot) == 0)
            return false;
        if (ovi_key_place(slot) == from + 1) {
            ovi_key_put(slot, hash, to);
            return true;
        }
    }
}

ov_status ovi_key_run_follow(ovi_key_run *r, ov_error *err)
{
    ovi_keys *k = r->k;
    for (uint32_t s = r->first_fresh; s < k->seg_count; s++) {
        const ovi_key_segment *to = &k->segs[s];
        for (uint32_t b = 0; (uint64_t)b * OV_BATCH_ROWS < to->rows; b++) {
            OV_TRY(ovi_key_rows_open(&r->fresh, &k->spec, to->seg, b, err));
            OV_TRY(ovi_key_rows_hash(&r->fresh, r->hash, err));
            for (uint32_t i = 0; i < r->fresh.rows; i++) {
                uint32_t row = b * OV_BATCH_ROWS + i;
                if (ov_dead_has(to->next, row))
                    continue;
                const ovi_moved_input *in = input_of(r, to->arrival[row]);
                /* A merge may have changed keys (coarser times, fewer columns): then the index is made anew. */
                if (!follow_row(k, r->hash[i], in->base + (to->arrival[row] - in->first), to->base + row))
                    return ov_fail(err, OV_NOT_FOUND, "a row has another key than before");
            }
        }
    }
    return OV_OK;
}
