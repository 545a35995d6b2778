/*
 * Rows against the index of keys.
 *
 * Each row's hash leads to the slots that may have its key. What the slot names is looked at: is it still visible, is the key
 * really the same, which one has the greater version or came later. The winner has the slot, the loser is superseded.
 */
#include "storage/catalog/keys_int.h"

#include <stdlib.h>

/* ---- what an old row is ---- */

/* The block of a known row, opened. */
static ov_status open_old(ovi_key_run *r, uint32_t no, uint32_t row, ovi_key_rows **out, ov_error *err)
{
    uint32_t block = row / OV_BATCH_ROWS, way = (no * 31 + block) % OVI_KEY_OPEN;
    ovi_key_rows *o = &r->old[way];
    *out = o;
    if (o->seg && r->old_seg[way] == no && o->block == block)
        return OV_OK;
    r->old_seg[way] = no;
    return ovi_key_rows_open(o, &r->k->spec, r->k->segs[no].seg, block, err);
}

static bool lies_in(const ov_interval *list, uint32_t n, int64_t ms)
{
    for (uint32_t i = 0; i < n; i++)
        if (ov_interval_has(list[i], ms))
            return true;
    return false;
}

static bool may_be_hidden(const ovi_key_run *r, const ovi_key_segment *s)
{
    return r->hidden_count || (s->entry && s->entry->partial);
}

/* Does a query see the row, once the change is done? */
static bool is_visible(const ovi_key_run *r, const ovi_key_segment *s, const ovi_key_rows *rows, uint32_t row)
{
    if (ov_dead_has(ovi_key_state(s), row))
        return false;
    if (s->fresh || !may_be_hidden(r, s))
        return true;
    int64_t ms = ov_vec_i64(&rows->vec[rows->count + 1], row % OV_BATCH_ROWS);
    return (s->live || !lies_in(r->hidden, r->hidden_count, ms)) &&
           (!s->entry->partial || lies_in(s->entry->parts, s->entry->part_count, ms));
}

static ov_status born_at(ovi_key_run *r, ovi_key_segment *s, uint32_t row, int64_t *out, ov_error *err)
{
    const ov_dead *d = ovi_key_state(s);
    if (!ov_dead_has_births(d)) {
        *out = s->born;
        return OV_OK;
    }
    if (!s->births) {
        OV_TRY(ov_array_grow(&r->cat->keys_budget, &s->births, 0, ovi_key_instants(s->rows), err));
        ov_dead_birth_list(d, s->rows, s->born, s->births);
    }
    *out = s->births[row];
    return OV_OK;
}

/* Of two rows with one key: does the one that is looked at now stay? */
static ov_status new_wins(ovi_key_run *r, ovi_key_segment *a, uint32_t row, const ovi_key_rows *ra, ovi_key_segment *b, uint32_t old,
                          const ovi_key_rows *rb, bool *wins, ov_error *err)
{
    int c = ovi_key_rows_version(ra, row % OV_BATCH_ROWS, rb, old % OV_BATCH_ROWS);
    int64_t x, y;
    *wins = c > 0;
    if (c != 0)
        return OV_OK;
    OV_TRY(born_at(r, a, row, &x, err));
    OV_TRY(born_at(r, b, old, &y, err));
    if (x != y)
        *wins = x > y;
    else if (a->arrival && b->arrival)
        *wins = a->arrival[row] >= b->arrival[old];
    else
        *wins = true;
    return OV_OK;
}

static ov_status lose(ovi_key_run *r, uint32_t no, uint32_t row, ov_error *err)
{
    ovi_key_list *lost = &r->k->segs[no].lost;
    if (lost->count == 0)
        OV_TRY(ovi_key_list_add(&r->losers, no, err));
    return ovi_key_list_add(lost, row, err);
}

/* ---- one row ---- */

static ov_status take_row(ovi_key_run *r, uint32_t no, uint32_t row, uint64_t hash, ov_error *err)
{
    ovi_keys *k = r->k;
    uint64_t at = ovi_key_home(&k->index, (uint32_t)(hash >> 32));
    for (;; ovi_key_step(&k->index, &at)) {
        ovi_key_slot *slot = ovi_key_next(&k->index, hash, &at);
        ovi_key_rows *other;
        bool wins;
        if (ovi_key_place(slot) == 0) {
            ovi_key_put(slot, hash, k->segs[no].base + row);
            k->index.used++;
            return OV_OK;
        }
        uint64_t place = ovi_key_place(slot) - 1;
        uint32_t o = ovi_key_segment_of(k, place);
        uint64_t gap = place - k->segs[o].base;
        if (gap >= k->segs[o].rows) /* of a segment that is gone for good */
            continue;
        uint32_t old = (uint32_t)gap;
        OV_TRY(ovi_key_look(r, o, err));
        if (!k->segs[o].seg)
            continue;
        OV_TRY(open_old(r, o, old, &other, err));
        if (!is_visible(r, &k->segs[o], other, old) ||
            !ovi_key_rows_equal(&r->fresh, row % OV_BATCH_ROWS, other, old % OV_BATCH_ROWS))
            continue;
        OV_TRY(new_wins(r, &k->segs[no], row, &r->fresh, &k->segs[o], old, other, &wins, err));
        if (!wins)
            return lose(r, no, row, err);
        ovi_key_put(slot, hash, k->segs[no].base + row);
        return lose(r, o, old, err);
    }
}

/* Tables of other datasources give way before a change is refused. */
static ov_status make_room(ovi_key_run *r, uint64_t more, ov_error *err)
{
    ovi_keys *k = r->k;
    ov_error first = OV_ERROR_INIT;
    ov_status st = ovi_key_index_room(&k->index, more, &first);
    if (st == OV_LIMIT && ovi_keys_let_go(r->cat, k))
        st = ovi_key_index_room(&k->index, more, &first);
    if (st == OV_LIMIT)
        return ov_fail(err, OV_LIMIT,
                       "datasource '" OV_SLICE_FMT "' has %llu keys, and the table of more does not fit into the %zu MiB that "
                       "tables of keys may have together (--keys-memory)",
                       OV_SLICE_ARG(k->name), (unsigned long long)k->index.used, r->cat->keys_budget.limit >> 20);
    if (st != OV_OK)
        *err = first;
    return st;
}

static ov_status take_block(ovi_key_run *r, uint32_t no, uint32_t b, ov_error *err)
{
    enum { AHEAD = 12 };
    ovi_key_rows *f = &r->fresh;
    ovi_keys *k = r->k;
    OV_TRY(ovi_key_rows_open(f, &k->spec, k->segs[no].seg, b, err));
    OV_TRY(ovi_key_rows_hash(f, r->hash, err));
    OV_TRY(make_room(r, f->rows, err));
    for (uint32_t i = 0; i < f->rows; i++) {
        uint32_t row = b * OV_BATCH_ROWS + i;
        if (i + AHEAD < f->rows)
            __builtin_prefetch(&k->index.slots[ovi_key_home(&k->index, (uint32_t)(r->hash[i + AHEAD] >> 32))]);
        if (k->segs[no].entry || k->segs[no].next) {
            const ovi_key_segment *s = &k->segs[no];
            bool hidden = s->entry && s->entry->partial &&
                          !lies_in(s->entry->parts, s->entry->part_count, ov_vec_i64(&f->vec[f->count + 1], i));
            if (hidden || ov_dead_has(ovi_key_state(s), row))
                continue;
        }
        OV_TRY(take_row(r, no, row, r->hash[i], err));
    }
    return OV_OK;
}

/* ---- what was superseded becomes the state ---- */

static int cmp_row(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static ov_status settle(ovi_key_run *r, int64_t at, ov_error *err)
{
    int64_t kept = r->k->spec.retain_ms > 0 ? at : OV_DEAD_LONG_AGO;
    for (uint32_t i = 0; i < r->losers.count; i++) {
        ovi_key_segment *s = &r->k->segs[r->losers.at[i]];
        ov_dead *next;
        qsort(s->lost.at, s->lost.count, sizeof *s->lost.at, cmp_row);
        OV_TRY(ov_dead_add(ovi_key_state(s), s->rows, kept, s->lost.at, s->lost.count, &next, err));
        ov_dead_release(s->next);
        s->next = next;
        s->lost.count = 0;
    }
    r->losers.count = 0;
    return OV_OK;
}

ov_status ovi_key_run_take(ovi_key_run *r, const ovi_key_source *src, int64_t at, ov_error *err)
{
    uint32_t no;
    OV_TRY(ovi_key_add_segment(r, src, &no, err));
    for (uint32_t b = 0; (uint64_t)b * OV_BATCH_ROWS < r->k->segs[no].rows; b++)
        OV_TRY(take_block(r, no, b, err));
    return settle(r, at, err);
}
