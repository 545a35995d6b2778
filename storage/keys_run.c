/*
 * Rows against the index of keys.
 *
 * Each row's hash leads to the slots that may have its key. What the slot names is looked at: is it still visible, is the key
 * really the same, which one has the greater version or came later. The winner has the slot, the loser is superseded.
 */
#include "storage/keys_int.h"

#include <stdlib.h>
#include "base/bits.h"
#include "base/os.h"

/* ---- segments ---- */

uint32_t ovi_key_segment_of(const ovi_keys *k, uint64_t row)
{
    uint32_t lo = 0, hi = k->seg_count;
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (k->segs[mid].base <= row)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

static int cmp_info(const ov_segment_info *a, const ov_segment_info *b)
{
    if (a->start_ms != b->start_ms)
        return a->start_ms < b->start_ms ? -1 : 1;
    if (a->end_ms != b->end_ms)
        return a->end_ms < b->end_ms ? -1 : 1;
    int c = ov_slice_cmp(a->version, b->version);
    return c ? c : (a->partition > b->partition) - (a->partition < b->partition);
}

static int cmp_file(const void *a, const void *b)
{
    return ov_slice_cmp((*(const ov_segment_entry *const *)a)->file, (*(const ov_segment_entry *const *)b)->file);
}

/* Published segments by file: their versions may change (a compaction takes in what was appended meanwhile), files do not. */
static ov_status sort_files(ovi_keys *k, const ovi_datasource *ds, ov_error *err)
{
    if (k->by_file && k->by_state == ds && k->by_change == ds->change)
        return OV_OK;
    ov_free(k->by_file);
    k->by_count = ds->pub.segment_count;
    k->by_state = ds;
    k->by_change = ds->change;
    k->by_file = ov_malloc((k->by_count + 1u) * sizeof *k->by_file);
    if (!k->by_file)
        return ov_fail_nomem(err, k->by_count * sizeof *k->by_file);
    for (uint32_t i = 0; i < k->by_count; i++)
        k->by_file[i] = ds->pub.segments[i];
    if (k->by_count)
        qsort(k->by_file, k->by_count, sizeof *k->by_file, cmp_file);
    return OV_OK;
}

static const ov_segment_entry *find_at(const ovi_key_run *r, const ov_segment_info *info)
{
    uint32_t lo = 0, hi = r->ds->segment_count;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int c = cmp_info(&r->ds->segments[mid]->info, info);
        if (c == 0)
            return r->ds->segments[mid];
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

/* The entry of a segment in the snapshot, with what rows in memory superseded; a piece is known by its address. */
static ov_status find_entry(const ovi_key_run *r, ovi_key_segment *s, ov_error *err)
{
    s->entry = NULL;
    for (uint32_t i = 0; s->live && r->ds && i < r->ds->segment_count; i++)
        if (r->ds->segments[i]->live == s->live)
            s->entry = r->ds->segments[i];
    const ovi_datasource *ds = s->live ? NULL : ovi_keys_published(r);
    if (!ds || !s->file)
        return OV_OK;
    OV_TRY(sort_files(r->k, ds, err));
    ov_segment_entry key = {.file = ov_slice_cstr(s->file)};
    const ov_segment_entry *look = &key;
    const ov_segment_entry *const *at = bsearch(&look, r->k->by_file, r->k->by_count, sizeof look, cmp_file);
    if (at)
        s->entry = find_at(r, &(*at)->info);
    return OV_OK;
}

ov_status ovi_key_look(ovi_key_run *r, ovi_key_segment *s, ov_error *err)
{
    if (s->looked || s->fresh)
        return OV_OK;
    s->looked = true;
    OV_TRY(find_entry(r, s, err));
    if (!s->entry)
        return OV_OK;
    s->born = s->entry->born_ms;
    return ov_snapshot_open(r->snap, s->entry, &s->seg, err);
}

const ov_dead *ovi_key_state(const ovi_key_segment *s)
{
    return s->next ? s->next : s->entry ? s->entry->dead : NULL;
}

static void forget(ovi_key_segment *s)
{
    ov_segment_release(s->seg);
    ov_free(s->births);
    ov_free(s->lost);
    ov_dead_release(s->next);
    s->looked = s->fresh = false;
    s->entry = NULL;
    s->seg = NULL;
    s->births = NULL;
    s->lost = NULL;
    s->next = NULL;
    s->arrival = NULL;
    s->lost_count = s->lost_cap = 0;
}

static ov_status name_segment(ovi_key_segment *s, ov_slice file, ov_error *err)
{
    s->file = ov_strndup(file.p, file.n);
    return s->file ? OV_OK : ov_fail_nomem(err, file.n);
}

ov_status ovi_key_add_segment(ovi_key_run *r, const ovi_key_source *src, uint32_t *no, ov_error *err)
{
    ovi_keys *k = r->k;
    if (k->seg_count == k->seg_cap) {
        uint32_t cap = k->seg_cap ? k->seg_cap * 2 : 64;
        ovi_key_segment *bigger = ov_realloc(k->segs, cap * sizeof *bigger);
        if (!bigger)
            return ov_fail_nomem(err, cap * sizeof *bigger);
        k->segs = bigger;
        k->seg_cap = cap;
    }
    uint32_t rows = ov_segment_get_info(src->seg)->rows;
    if (ov_segment_is_rolled_up(src->seg))
        return ov_fail(err, OV_INVALID,
                       "datasource '" OV_SLICE_FMT "' has keys, and rows that are rolled up have none: load it with "
                       "\"rollup\": false",
                       OV_SLICE_ARG(k->name));
    ovi_key_segment *s = &k->segs[k->seg_count];
    *s = (ovi_key_segment){.live = src->live, .base = k->next_base, .rows = rows, .fresh = src->entry == NULL,
                           .looked = src->entry != NULL, .entry = src->entry, .seg = ov_segment_retain(src->seg),
                           .arrival = src->arrival, .born = src->born};
    if (src->dead && !src->entry)
        s->next = ov_dead_retain((ov_dead *)(uintptr_t)src->dead);
    k->next_base += rows;
    *no = k->seg_count++;
    return src->entry && !src->live ? name_segment(s, src->entry->file, err) : OV_OK;
}

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

static ov_status born_at(ovi_key_segment *s, uint32_t row, int64_t *out, ov_error *err)
{
    const ov_dead *d = ovi_key_state(s);
    if (!ov_dead_has_births(d)) {
        *out = s->born;
        return OV_OK;
    }
    if (!s->births) {
        s->births = ov_malloc(((size_t)s->rows + 1) * sizeof *s->births);
        if (!s->births)
            return ov_fail_nomem(err, s->rows * sizeof *s->births);
        ov_dead_birth_list(d, s->rows, s->born, s->births);
    }
    *out = s->births[row];
    return OV_OK;
}

/* Of two rows with one key: does the one that is looked at now stay? */
static ov_status new_wins(ovi_key_segment *a, uint32_t row, const ovi_key_rows *ra, ovi_key_segment *b, uint32_t old,
                          const ovi_key_rows *rb, bool *wins, ov_error *err)
{
    int c = ovi_key_rows_version(ra, row % OV_BATCH_ROWS, rb, old % OV_BATCH_ROWS);
    int64_t x, y;
    *wins = c > 0;
    if (c != 0)
        return OV_OK;
    OV_TRY(born_at(a, row, &x, err));
    OV_TRY(born_at(b, old, &y, err));
    if (x != y)
        *wins = x > y;
    else if (a->arrival && b->arrival)
        *wins = a->arrival[row] >= b->arrival[old];
    else
        *wins = true;
    return OV_OK;
}

static ov_status lose(ovi_key_segment *s, uint32_t row, ov_error *err)
{
    if (s->lost_count == s->lost_cap) {
        uint32_t cap = s->lost_cap ? s->lost_cap * 2 : 16;
        uint32_t *bigger = ov_realloc(s->lost, cap * sizeof *bigger);
        if (!bigger)
            return ov_fail_nomem(err, cap * sizeof *bigger);
        s->lost = bigger;
        s->lost_cap = cap;
    }
    s->lost[s->lost_count++] = row;
    return OV_OK;
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
        OV_TRY(ovi_key_look(r, &k->segs[o], err));
        if (!k->segs[o].seg)
            continue;
        OV_TRY(open_old(r, o, old, &other, err));
        if (!is_visible(r, &k->segs[o], other, old) ||
            !ovi_key_rows_equal(&r->fresh, row % OV_BATCH_ROWS, other, old % OV_BATCH_ROWS))
            continue;
        OV_TRY(new_wins(&k->segs[no], row, &r->fresh, &k->segs[o], old, other, &wins, err));
        if (!wins)
            return lose(&k->segs[no], row, err);
        ovi_key_put(slot, hash, k->segs[no].base + row);
        return lose(&k->segs[o], old, err);
    }
}

static ov_status take_block(ovi_key_run *r, uint32_t no, uint32_t b, ov_error *err)
{
    enum { AHEAD = 12 };
    ovi_key_rows *f = &r->fresh;
    ovi_keys *k = r->k;
    OV_TRY(ovi_key_rows_open(f, &k->spec, k->segs[no].seg, b, err));
    OV_TRY(ovi_key_rows_hash(f, r->hash, err));
    OV_TRY(ovi_key_index_room(&k->index, f->rows, err));
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
    for (uint32_t i = 0; i < r->k->seg_count; i++) {
        ovi_key_segment *s = &r->k->segs[i];
        ov_dead *next;
        if (s->lost_count == 0)
            continue;
        qsort(s->lost, s->lost_count, sizeof *s->lost, cmp_row);
        int64_t kept = r->k->spec.retain_ms > 0 ? at : OV_DEAD_LONG_AGO;
        OV_TRY(ov_dead_add(ovi_key_state(s), s->rows, kept, s->lost, s->lost_count, &next, err));
        ov_dead_release(s->next);
        s->next = next;
        s->lost_count = 0;
    }
    return OV_OK;
}

static ov_status take(ovi_key_run *r, const ovi_key_source *src, int64_t at, ov_error *err)
{
    uint32_t no;
    OV_TRY(ovi_key_add_segment(r, src, &no, err));
    for (uint32_t b = 0; (uint64_t)b * OV_BATCH_ROWS < r->k->segs[no].rows; b++)
        OV_TRY(take_block(r, no, b, err));
    return settle(r, at, err);
}

ov_status ovi_key_run_take(ovi_key_run *r, const ovi_key_source *src, ov_error *err)
{
    return take(r, src, src->born, err);
}

/* ---- the index from nothing ---- */

static void drop_index(ovi_keys *k)
{
    for (uint32_t i = 0; i < k->seg_count; i++) {
        forget(&k->segs[i]);
        ov_free(k->segs[i].file);
    }
    ov_free(k->segs);
    ovi_key_index_fini(&k->index);
    k->segs = NULL;
    k->seg_count = k->seg_cap = 0;
    k->next_base = 0;
    k->ready = false;
}

static int cmp_born(const void *a, const void *b)
{
    const ov_segment_entry *x = *(const ov_segment_entry *const *)a, *y = *(const ov_segment_entry *const *)b;
    return (x->born_ms > y->born_ms) - (x->born_ms < y->born_ms);
}

static ov_status snapshot_segment(ovi_key_run *r, const ov_segment_entry *e, ov_error *err)
{
    ov_segment *seg;
    OV_TRY(ov_snapshot_open(r->snap, e, &seg, err));
    ovi_key_source src = {.seg = seg, .live = e->live, .born = e->born_ms, .dead = e->dead, .entry = e};
    ov_status st = take(r, &src, r->at, err);
    ov_segment_release(seg);
    /* Nothing but what is superseded needs to stay open. */
    ovi_key_segment *s = &r->k->segs[r->k->seg_count - 1];
    if (st == OV_OK)
        s->born = e->born_ms;
    return st;
}

static ov_status build_index(ovi_key_run *r, ov_error *err)
{
    uint32_t n = r->ds ? r->ds->segment_count : 0;
    const ov_segment_entry **list = ov_calloc(n + 1u, sizeof *list);
    drop_index(r->k);
    if (!list)
        return ov_fail_nomem(err, n * sizeof *list);
    for (uint32_t i = 0; i < n; i++)
        list[i] = r->ds->segments[i];
    if (n)
        qsort(list, n, sizeof *list, cmp_born);
    ov_status st = OV_OK;
    for (uint32_t i = 0; i < n && st == OV_OK; i++)
        st = snapshot_segment(r, list[i], err);
    ov_free(list);
    r->k->ready = st == OV_OK;
    r->first_fresh = r->k->seg_count;
    return st;
}

/* ---- a run ---- */

static ov_status open_run(ovi_key_run *r, ov_error *err)
{
    r->hash = ov_malloc(OV_BATCH_ROWS * sizeof *r->hash);
    r->old = ov_calloc(OVI_KEY_OPEN, sizeof *r->old);
    if (!r->hash || !r->old)
        return ov_fail_nomem(err, OV_BATCH_ROWS * sizeof *r->hash);
    if (!r->k->ready)
        OV_TRY(build_index(r, err));
    r->first_fresh = r->k->seg_count;
    return OV_OK;
}

static void note_instant(ovi_keys *k, int64_t at)
{
    if (at > atomic_load(&k->last_ms))
        atomic_store(&k->last_ms, at);
}

ov_status ovi_key_run_open(ovi_key_run *r, ov_catalog *cat, ovi_keys *k, ov_error *err)
{
    memset(r, 0, sizeof *r);
    r->cat = cat;
    r->k = k;
    r->snap = ov_catalog_snapshot(cat);
    r->ds = ov_snapshot_find(r->snap, k->name);
    for (uint32_t i = 0; r->ds && i < r->ds->segment_count; i++)
        note_instant(k, r->ds->segments[i]->born_ms);
    r->at = OV_MAX(ov_now_ms(), atomic_load(&k->last_ms) + 1);
    ov_status st = open_run(r, err);
    if (st != OV_OK)
        ovi_key_run_close(r, false, NULL);
    return st;
}

/* Inputs of a merge have no rows in the index any more. */
static void remove_moved(ovi_key_run *r)
{
    ovi_keys *k = r->k;
    uint32_t kept = 0;
    for (uint32_t m = 0; m < r->moved->count; m++)
        k->segs[r->inputs[m].no].moved = true;
    for (uint32_t i = 0; i < k->seg_count; i++) {
        if (k->segs[i].moved) {
            forget(&k->segs[i]);
            ov_free(k->segs[i].file);
        } else {
            k->segs[kept++] = k->segs[i];
        }
    }
    r->first_fresh -= k->seg_count - kept;
    k->seg_count = kept;
}

static bool finish(ovi_key_run *r, const ov_slice *files)
{
    ovi_keys *k = r->k;
    ov_error ignored = OV_ERROR_INIT;
    if (r->moves_out)
        return false;
    if (r->moved) {
        if (ovi_key_run_follow(r, &ignored) != OV_OK)
            return false;
        remove_moved(r);
    }
    for (uint32_t i = r->first_fresh; i < k->seg_count; i++)
        if (!k->segs[i].live && name_segment(&k->segs[i], files[i - r->first_fresh], &ignored) != OV_OK)
            return false;
    return true;
}

void ovi_key_run_close(ovi_key_run *r, bool done, const ov_slice *files)
{
    ovi_keys *k = r->k;
    if (done)
        note_instant(k, r->at);
    bool keep = done && k->ready && finish(r, files);
    ovi_key_rows_close(&r->fresh);
    for (uint32_t i = 0; r->old && i < OVI_KEY_OPEN; i++)
        ovi_key_rows_close(&r->old[i]);
    ov_free(r->old);
    for (uint32_t i = 0; i < k->seg_count; i++)
        forget(&k->segs[i]);
    if (!keep)
        drop_index(k);
    ov_free(r->hash);
    ov_free(r->inputs);
    ov_snapshot_release(r->snap);
}

/* A run over keys of its own that hold nothing yet. */
ov_status ov_keys_losers(ov_catalog *cat, ov_slice datasource, ov_segment *seg, const uint64_t *arrival, ov_dead **out,
                         ov_error *err)
{
    ovi_keys own = {.name = datasource, .ready = true};
    ovi_key_run r = {.cat = cat, .k = &own};
    ovi_key_source src = {.seg = seg, .arrival = arrival};
    *out = NULL;
    ov_arena_init(&own.arena, "keys", NULL);
    ov_status st = ov_catalog_keys_get(cat, datasource, &own.arena, &own.spec, err);
    if (st == OV_OK && own.spec.count) {
        st = open_run(&r, err);
        if (st == OV_OK)
            st = ovi_key_run_take(&r, &src, err);
        if (st == OV_OK)
            *out = ov_dead_retain(own.segs[0].next);
        ovi_key_run_close(&r, false, NULL);
    }
    ov_arena_fini(&own.arena);
    return st;
}
