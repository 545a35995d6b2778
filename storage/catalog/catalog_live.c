/*
 * Which pieces of rows in memory each datasource has (live.c), and the snapshots that show them; see storage/catalog/live.h.
 *
 * The catalog keeps two snapshots: `published`, which is what the database says, and `current`, which is the same with
 * the pieces on top. Where there are none both are one. Putting pieces on top copies pointers, nothing else: a
 * datasource's entries, timeline and texts stay those of the published state, which the state on top retains.
 */
#include "storage/catalog/live.h"

#include <stdlib.h>
#include "storage/catalog/keys_int.h"

/* ---- all pieces of one datasource, immutable and counted ---- */

typedef struct live_item {
    ov_live *live;
    ov_dead *dead; /* its superseded rows; NULL: none */
} live_item;

struct ovi_live_set {
    _Atomic uint32_t refs;
    char *name;
    uint32_t name_bytes, count;
    ovi_key_mark *over; /* states of published segments that rows in memory superseded rows of; by number */
    uint32_t over_count;
    live_item list[]; /* in the order they were added */
};

static ov_slice set_name(const ovi_live_set *s)
{
    return ov_slice_make(s->name, s->name_bytes);
}

void ovi_live_set_release(ovi_live_set *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < s->count; i++) {
        ov_live_release(s->list[i].live);
        ov_dead_release(s->list[i].dead);
    }
    for (uint32_t i = 0; i < s->over_count; i++)
        ov_dead_release(s->over[i].dead);
    ov_free(s->over);
    ov_free(s->name);
    ov_free(s);
}

static ovi_live_set *find_set(ovi_live_set *const *sets, uint32_t n, ov_slice name)
{
    for (uint32_t i = 0; i < n; i++)
        if (ov_slice_eq(set_name(sets[i]), name))
            return sets[i];
    return NULL;
}

static bool is_in(const ov_live *l, ov_live *const *list, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (list[i] == l)
            return true;
    return false;
}

/* The state of a piece after the change. */
static ov_dead *state_of(const ov_live *l, ov_dead *before, const ovi_key_marks *marks)
{
    for (uint32_t i = 0; marks && i < marks->count; i++)
        if (marks->list[i].live == ov_live_entry(l)->live)
            return ov_dead_retain(marks->list[i].dead);
    return ov_dead_retain(before);
}

static int cmp_mark(const void *pa, const void *pb)
{
    const ovi_key_mark *a = pa, *b = pb;
    return (a->visible > b->visible) - (a->visible < b->visible);
}

/* Published segments: what was over them before and is not there anew, and what the change says. */
static ov_status change_over(ovi_live_set *s, const ovi_live_set *old, const ovi_key_marks *marks, ov_error *err)
{
    uint32_t before = old && !(marks && marks->flushed) ? old->over_count : 0, fresh = 0;
    uint32_t more = marks && !marks->flushed ? marks->count : 0;
    if (before + more == 0)
        return OV_OK;
    s->over = ov_calloc(before + more, sizeof *s->over);
    if (!s->over)
        return ov_fail_nomem(err, (before + more) * sizeof *s->over);
    for (uint32_t i = 0; i < more; i++)
        if (!marks->list[i].live)
            s->over[fresh++] = marks->list[i];
    if (fresh)
        qsort(s->over, fresh, sizeof *s->over, cmp_mark);
    s->over_count = fresh;
    for (uint32_t i = 0; i < before; i++)
        if (!fresh || !bsearch(&old->over[i], s->over, fresh, sizeof *s->over, cmp_mark))
            s->over[s->over_count++] = old->over[i];
    for (uint32_t i = 0; i < s->over_count; i++)
        ov_dead_retain(s->over[i].dead);
    if (s->over_count)
        qsort(s->over, s->over_count, sizeof *s->over, cmp_mark);
    return OV_OK;
}

/* *out NULL: nothing is left. */
static ov_status change_set(const ovi_live_set *old, const ov_live_change *c, ovi_live_set **out, ov_error *err)
{
    uint32_t room = (old ? old->count : 0) + c->add_count;
    ovi_live_set *s = ov_calloc(1, sizeof *s + room * sizeof s->list[0]);
    *out = NULL;
    if (!s)
        return ov_fail_nomem(err, sizeof *s + room * sizeof s->list[0]);
    atomic_init(&s->refs, 1);
    s->name = ov_strndup(c->datasource.p, c->datasource.n);
    s->name_bytes = (uint32_t)c->datasource.n;
    ov_status st = s->name ? change_over(s, old, c->marks, err) : ov_fail_nomem(err, c->datasource.n);
    if (st != OV_OK) {
        ovi_live_set_release(s);
        return st;
    }
    for (uint32_t i = 0; old && i < old->count; i++)
        if (!is_in(old->list[i].live, c->remove, c->remove_count))
            s->list[s->count++] = (live_item){ov_live_retain(old->list[i].live),
                                              state_of(old->list[i].live, old->list[i].dead, c->marks)};
    for (uint32_t i = 0; i < c->add_count; i++)
        s->list[s->count++] = (live_item){ov_live_retain(c->add[i]), state_of(c->add[i], NULL, c->marks)};
    if (s->count || s->over_count)
        *out = s;
    else
        ovi_live_set_release(s);
    return OV_OK;
}

/* ---- a datasource with its pieces on top ---- */

static int cmp_piece(const void *pa, const void *pb)
{
    uintptr_t a = (uintptr_t)(*(const ov_segment_entry *const *)pa)->live, b = (uintptr_t)(*(const ov_segment_entry *const *)pb)->live;
    return (a > b) - (a < b);
}

const ov_segment_entry *ovi_live_find(const ovi_datasource *ds, const ov_segment *piece)
{
    ov_segment_entry key = {.live = (ov_segment *)(uintptr_t)piece};
    const ov_segment_entry *look = &key;
    const ov_segment_entry *const *at =
        ds->piece_count ? bsearch(&look, ds->pieces, ds->piece_count, sizeof look, cmp_piece) : NULL;
    return at ? *at : NULL;
}

/* The entry as it is with these rows superseded. */
static ov_status with_dead(ovi_datasource *ds, const ov_segment_entry *e, const ov_dead *dead, const ov_segment_entry **out,
                           ov_error *err)
{
    ov_segment_entry *copy;
    *out = e;
    if (e->dead == dead)
        return OV_OK;
    OV_TRY(ov_arena_alloc(&ds->arena, sizeof *copy, &copy, err));
    *copy = *e;
    copy->dead = dead;
    ds->pub.rows -= ov_dead_count(dead) - ov_dead_count(e->dead);
    *out = copy;
    return OV_OK;
}

static ov_status list_visible(ovi_datasource *ds, const ov_datasource *base, const ovi_live_set *set, ov_error *err)
{
    ov_datasource *pub = &ds->pub;
    uint32_t published = base ? base->segment_count : 0;
    OV_TRY(ov_arena_alloc(&ds->arena, (published + set->count + 1) * sizeof *ds->visible, &ds->visible, err));
    OV_TRY(ov_arena_alloc(&ds->arena, (set->count + 1) * sizeof *ds->pieces, &ds->pieces, err));
    if (published)
        memcpy(ds->visible, base->segments, published * sizeof *ds->visible);
    for (uint32_t i = 0; i < set->over_count; i++) {
        uint32_t no = set->over[i].visible;
        if (no >= published)
            return ov_fail(err, OV_INTERNAL, "rows of a segment that is not there are superseded");
        OV_TRY(with_dead(ds, ds->visible[no], set->over[i].dead, &ds->visible[no], err));
    }
    for (uint32_t i = 0; i < set->count; i++) {
        const ov_segment_entry *e = ov_live_entry(set->list[i].live);
        pub->rows += e->info.rows;
        pub->bytes += e->info.bytes;
        pub->min_time = OV_MIN(pub->min_time, e->info.min_time);
        pub->max_time = OV_MAX(pub->max_time, e->info.max_time);
        OV_TRY(with_dead(ds, e, set->list[i].dead, &ds->pieces[i], err));
    }
    ds->piece_count = set->count;
    pub->segments = ds->visible;
    pub->segment_count = published + set->count;
    memcpy(ds->visible + published, ds->pieces, set->count * sizeof *ds->pieces);
    qsort(ds->visible + published, set->count, sizeof *ds->visible, ovi_entry_order);
    qsort(ds->pieces, ds->piece_count, sizeof *ds->pieces, cmp_piece);
    return OV_OK;
}

static ov_status merge_columns(ovi_datasource *ds, const ov_datasource *base, const ovi_live_set *set, ov_error *err)
{
    ov_columns_merge m;
    OV_TRY(ovi_columns_begin(&m, &ds->arena, base ? base->columns : NULL, base ? base->column_count : 0, err));
    for (uint32_t i = 0; i < set->count; i++) {
        const ov_segment_entry *e = ov_live_entry(set->list[i].live);
        OV_TRY(ovi_columns_add(&m, e->columns, e->column_count, err));
    }
    ds->pub.columns = m.columns;
    ds->pub.column_count = m.count;
    return OV_OK;
}

static ov_status put_on_top(ov_catalog *cat, ovi_datasource *base, ovi_live_set *set, ovi_datasource **out,
                            ov_error *err)
{
    ovi_datasource *ds = ov_calloc(1, sizeof *ds);
    if (!ds)
        return ov_fail_nomem(err, sizeof *ds);
    atomic_init(&ds->refs, 1);
    ov_arena_init(&ds->arena, "rows in memory", NULL);
    ds->cache = cat->cache;
    ds->live = set;
    atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
    if (base) {
        atomic_fetch_add_explicit(&base->refs, 1, memory_order_relaxed);
        ds->base = base;
        ds->change = base->change;
        ds->pub = base->pub;
        ds->timeline = base->timeline;
    } else {
        ds->pub = (ov_datasource){.min_time = INT64_MAX, .max_time = INT64_MIN};
    }
    ds->pub.name = set_name(set);
    ov_status st = list_visible(ds, base ? &base->pub : NULL, set, err);
    if (st == OV_OK)
        st = merge_columns(ds, base ? &base->pub : NULL, set, err);
    if (st != OV_OK) {
        ovi_datasource_release(ds);
        return st;
    }
    *out = ds;
    return OV_OK;
}

/* ---- snapshots ---- */

static int cmp_name(const void *pa, const void *pb)
{
    const ovi_datasource *a = *(ovi_datasource *const *)pa, *b = *(ovi_datasource *const *)pb;
    return ov_slice_cmp(a->pub.name, b->pub.name);
}

/* The state of a datasource with these pieces as it is shown now, if nothing changed about it. */
static ovi_datasource *shown(const ov_catalog *cat, const ovi_datasource *base, const ovi_live_set *set)
{
    ovi_datasource *ds = cat->current ? ovi_snapshot_state(cat->current, set_name(set)) : NULL;
    return ds && ds->base == base && ds->live == set ? ds : NULL;
}

static ov_status fill_states(ov_catalog *cat, ov_snapshot *snap, ovi_live_set *const *sets, uint32_t n, ov_error *err)
{
    const ov_snapshot *published = snap->published;
    snap->ds = ov_calloc(published->ds_count + n + 1u, sizeof *snap->ds);
    if (!snap->ds)
        return ov_fail_nomem(err, (published->ds_count + n + 1u) * sizeof *snap->ds);
    for (uint32_t i = 0; i < published->ds_count; i++) {
        ovi_datasource *ds = published->ds[i];
        if (find_set(sets, n, ds->pub.name))
            continue;
        atomic_fetch_add_explicit(&ds->refs, 1, memory_order_relaxed);
        snap->ds[snap->ds_count++] = ds;
    }
    for (uint32_t i = 0; i < n; i++) {
        ovi_datasource *base = ovi_snapshot_state(published, set_name(sets[i]));
        ovi_datasource *ds = shown(cat, base, sets[i]);
        if (ds)
            atomic_fetch_add_explicit(&ds->refs, 1, memory_order_relaxed);
        else
            OV_TRY(put_on_top(cat, base, sets[i], &ds, err));
        snap->ds[snap->ds_count++] = ds;
    }
    qsort(snap->ds, snap->ds_count, sizeof *snap->ds, cmp_name);
    return OV_OK;
}

/* `published` with these pieces on top; retains it. */
static ov_status build_current(ov_catalog *cat, ov_snapshot *published, ovi_live_set *const *sets, uint32_t n,
                               uint64_t logged, ov_snapshot **out, ov_error *err)
{
    if (n == 0 && published->version == published->change + logged) {
        *out = ovi_snapshot_retain(published);
        return OV_OK;
    }
    ov_snapshot *snap = ov_calloc(1, sizeof *snap);
    if (!snap)
        return ov_fail_nomem(err, sizeof *snap);
    atomic_init(&snap->refs, 1);
    snap->cat = cat;
    snap->cache = cat->cache;
    snap->published = ovi_snapshot_retain(published);
    snap->change = published->change;
    /* All only grow and every change of what is visible makes one of them grow: no two states have the same sum. */
    snap->version = published->change + logged;
    snap->all = published->all;
    snap->all_count = published->all_count;
    ov_status st = fill_states(cat, snap, sets, n, err);
    if (st != OV_OK) {
        ov_snapshot_release(snap);
        return st;
    }
    *out = snap;
    return OV_OK;
}

/* ---- changes; under `live` ---- */

void ovi_live_next_drop(ovi_live_next *next)
{
    for (uint32_t i = 0; i < next->set_count; i++)
        ovi_live_set_release(next->sets[i]);
    ov_free(next->sets);
    ov_snapshot_release(next->current);
    *next = (ovi_live_next){0};
}

static ov_status change_sets(const ov_catalog *cat, const ov_live_change *changes, uint32_t count, ovi_live_next *next,
                             ov_error *err)
{
    next->logged = cat->live_logged;
    next->late = cat->live_late;
    next->sets = ov_calloc(cat->live_set_count + count + 1u, sizeof(ovi_live_set *));
    if (!next->sets)
        return ov_fail_nomem(err, (cat->live_set_count + count + 1u) * sizeof(ovi_live_set *));
    for (uint32_t i = 0; i < count; i++) {
        ovi_live_set *set;
        OV_TRY(change_set(find_set(cat->live_sets, cat->live_set_count, changes[i].datasource), &changes[i], &set,
                          err));
        if (set)
            next->sets[next->set_count++] = set;
        /* Rows that come late, behind a greater number, are another state all the same. */
        next->late += changes[i].add_count && changes[i].logged && changes[i].logged <= cat->live_logged;
        next->logged = OV_MAX(next->logged, changes[i].logged);
    }
    for (uint32_t i = 0; i < cat->live_set_count; i++) {
        bool changed = false;
        for (uint32_t k = 0; k < count; k++)
            changed |= ov_slice_eq(set_name(cat->live_sets[i]), changes[k].datasource);
        if (changed)
            continue;
        atomic_fetch_add_explicit(&cat->live_sets[i]->refs, 1, memory_order_relaxed);
        next->sets[next->set_count++] = cat->live_sets[i];
    }
    return OV_OK;
}

ov_status ovi_live_prepare(ov_catalog *cat, ov_snapshot *published, const ov_live_change *changes, uint32_t count,
                           ovi_live_next *next, ov_error *err)
{
    *next = (ovi_live_next){0};
    ov_status st = change_sets(cat, changes, count, next, err);
    if (st == OV_OK)
        st = build_current(cat, published, next->sets, next->set_count, next->logged + next->late, &next->current,
                           err);
    if (st != OV_OK)
        ovi_live_next_drop(next);
    return st;
}

void ovi_live_install(ov_catalog *cat, ovi_live_next *next)
{
    ovi_live_set **sets = cat->live_sets;
    uint32_t n = cat->live_set_count;
    cat->live_sets = next->sets;
    cat->live_set_count = next->set_count;
    cat->live_logged = next->logged;
    cat->live_late = next->late;
    ov_mutex_lock(&cat->snap);
    ov_snapshot *old = cat->current;
    cat->current = next->current;
    ov_mutex_unlock(&cat->snap);
    *next = (ovi_live_next){.sets = sets, .set_count = n, .current = old};
    ovi_live_next_drop(next);
}
