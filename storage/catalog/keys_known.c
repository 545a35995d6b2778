/*
 * Segments that the index of keys names: published ones by file, pieces in memory by address.
 *
 * What a run finds out about them (entry, open segment, next state) it finds when a row leads there, and lists the segment,
 * so that its end forgets those alone.
 */
#include "storage/catalog/keys_int.h"

#include <stdlib.h>

ov_status ovi_key_list_add(ovi_key_list *l, uint32_t no, ov_error *err)
{
    OV_TRY(ov_list_room(NULL, &l->at, l->count, &l->cap, 1, sizeof *l->at, err));
    l->at[l->count++] = no;
    return OV_OK;
}

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

/* ---- entries ---- */

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

void ovi_key_forget_files(ovi_keys *k)
{
    ov_free(k->by_file);
    k->by_file = NULL;
    k->by_count = 0;
}

/* The entry of a segment in the snapshot, with what rows in memory superseded. */
static ov_status find_entry(const ovi_key_run *r, ovi_key_segment *s, ov_error *err)
{
    s->entry = NULL;
    if (s->live) {
        const ovi_datasource *shown = ovi_snapshot_state(r->snap, r->k->name);
        s->entry = shown ? ovi_live_find(shown, s->live) : NULL;
        return OV_OK;
    }
    const ovi_datasource *ds = ovi_keys_published(r);
    if (!ds || !s->file)
        return OV_OK;
    OV_TRY(sort_files(r->k, ds, err));
    ov_segment_entry key = {.file = ov_slice_cstr(s->file)};
    const ov_segment_entry *look = &key;
    const ov_segment_entry *const *at = bsearch(&look, r->k->by_file, r->k->by_count, sizeof look, cmp_file);
    const ov_segment_entry *const *shown =
        at ? bsearch(at, r->ds->segments, r->ds->segment_count, sizeof *at, ovi_entry_order) : NULL;
    s->entry = shown ? *shown : NULL;
    return OV_OK;
}

ov_status ovi_key_look(ovi_key_run *r, uint32_t no, ov_error *err)
{
    ovi_key_segment *s = &r->k->segs[no];
    if (s->looked || s->fresh)
        return OV_OK;
    OV_TRY(ovi_key_list_add(&r->touched, no, err));
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

/* ---- coming and going ---- */

ov_status ovi_key_name_segment(ovi_key_segment *s, ov_slice file, ov_error *err)
{
    s->file = ov_strndup(file.p, file.n);
    return s->file ? OV_OK : ov_fail_nomem(err, file.n);
}

ov_status ovi_key_add_segment(ovi_key_run *r, const ovi_key_source *src, uint32_t *no, ov_error *err)
{
    ovi_keys *k = r->k;
    OV_TRY(ov_list_room(NULL, &k->segs, k->seg_count, &k->seg_cap, 1, sizeof *k->segs, err));
    uint32_t rows = ov_segment_get_info(src->seg)->rows;
    if (ov_segment_is_rolled_up(src->seg))
        return ov_fail(err, OV_INVALID,
                       "datasource '" OV_SLICE_FMT "' has keys, and rows that are rolled up have none: load it with "
                       "\"rollup\": false",
                       OV_SLICE_ARG(k->name));
    OV_TRY(ovi_key_list_add(&r->touched, k->seg_count, err));
    ovi_key_segment *s = &k->segs[k->seg_count];
    *s = (ovi_key_segment){.live = src->live, .base = k->next_base, .rows = rows, .fresh = src->entry == NULL,
                           .looked = src->entry != NULL, .entry = src->entry, .seg = ov_segment_retain(src->seg),
                           .arrival = src->arrival, .born = src->born};
    if (src->dead && !src->entry)
        s->next = ov_dead_retain((ov_dead *)(uintptr_t)src->dead);
    k->next_base += rows;
    *no = k->seg_count++;
    return src->entry && !src->live ? ovi_key_name_segment(s, src->entry->file, err) : OV_OK;
}

static void forget(ovi_key_run *r, ovi_key_segment *s)
{
    ov_segment_release(s->seg);
    ov_array_free(&r->cat->keys_budget, &s->births, ovi_key_instants(s->rows));
    ov_free(s->lost.at);
    ov_dead_release(s->next);
    s->looked = s->fresh = false;
    s->entry = NULL;
    s->seg = NULL;
    s->lost = (ovi_key_list){0};
    s->next = NULL;
    s->arrival = NULL;
}

void ovi_key_forget(ovi_key_run *r)
{
    for (uint32_t i = 0; i < r->touched.count; i++)
        forget(r, &r->k->segs[r->touched.at[i]]);
    ov_free(r->touched.at);
    ov_free(r->losers.at);
    r->touched = r->losers = (ovi_key_list){0};
}

void ovi_key_remove_moved(ovi_key_run *r)
{
    ovi_keys *k = r->k;
    uint32_t kept = 0;
    for (uint32_t m = 0; m < r->moved->count; m++)
        k->segs[r->inputs[m].no].moved = true;
    for (uint32_t i = 0; i < k->seg_count; i++) {
        if (k->segs[i].moved)
            ov_free(k->segs[i].file);
        else
            k->segs[kept++] = k->segs[i];
    }
    k->seg_count = kept;
}

void ovi_key_drop_index(ovi_keys *k)
{
    for (uint32_t i = 0; i < k->seg_count; i++)
        ov_free(k->segs[i].file);
    ov_free(k->segs);
    ovi_key_forget_files(k);
    ovi_key_index_fini(&k->index);
    k->segs = NULL;
    k->seg_count = k->seg_cap = 0;
    k->next_base = 0;
    k->ready = false;
}

bool ovi_keys_let_go(ov_catalog *cat, const ovi_keys *but)
{
    bool some = false;
    ov_mutex_lock(&cat->keys_lock);
    ovi_keys *k = cat->keys;
    ov_mutex_unlock(&cat->keys_lock);
    for (; k; k = k->after) { /* new ones come in front, and none goes while the catalog is open */
        if (k == but || !ov_mutex_try(&k->lock))
            continue;
        some |= k->index.slots != NULL;
        ovi_key_drop_index(k);
        ov_mutex_unlock(&k->lock);
    }
    return some;
}
