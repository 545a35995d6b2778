/*
 * Which states of segments are looked for, made and kept.
 */
#include "query/exec/aggregate_kept.h"

#include "base/blob_cache.h"
#include "base/map_guard.h"
#include "base/os.h"
#include "query/exec/fragment_key.h"
#include "query/plan/plan_tables.h"

enum {
    LEAST_ROWS = 16384,     /* fewer are read faster than anything is written */
    LEAST_NS = 1000000,     /* of reading a whole segment */
    NS_A_STATE = 64,        /* of writing and merging a key or state, about */
    NS_A_BYTE = 24,         /* of objects and sets, which also begin anew: HLL sketches that became arrays */
    COST_SHARE = 16,        /* of the time of reading */
    BYTES_SHARE = 8,        /* of the segment's bytes */
    MOST_VAIN = 1,          /* pieces more than those that paid */
};

/* What a worker has of the segment it is in. */
typedef struct own_part {
    agg_state state;
    bool on;      /* rows go there */
    bool partial; /* some went to disk */
    int64_t began;
    ov_buf key; /* of the segment it looks for or keeps */
} own_part;

/* What is complete of a segment. */
typedef struct kept_segment {
    ov_buf bytes;
    uint32_t chunks;
    bool vain;
} kept_segment;

struct ovi_keeper {
    const agg_spec *spec;
    ov_query_ctx *cx;
    ovi_fragment fragment;
    const ov_datasource *datasource; /* of the fragment's scan */
    agg_state *states;
    agg_parts **parts;
    ovi_spill *spill;
    own_part *own; /* per worker */
    uint64_t map_events; /* faults of mapped files before the run: what was read since the next one is not trusted */
    ov_mutex lock; /* of what follows */
    kept_segment *segments;
    uint32_t segment_count;
    _Atomic int32_t vain; /* pieces that did not pay less those that did */
};

/* Typed states say where in the input their row stood, which is kept as the place in the segment, and means nothing above a join;
 * what is collected in order says it of every row, and is not kept. */
static bool may_be_kept(const agg_spec *spec, bool joined)
{
    for (uint32_t i = 0; i < spec->acc_count; i++) {
        const ov_acc_spec *acc = &spec->accs[i].acc;
        bool placed = acc->kind == OV_ACC_ANY || acc->kind == OV_ACC_EARLIEST || acc->kind == OV_ACC_LATEST;
        if ((acc->kind == OV_ACC_OBJECT && ov_acc_by_order(acc)) || (joined && placed))
            return false;
    }
    return true;
}

/* Some segment below may be large enough. */
static bool is_large(const agg_spec *spec)
{
    const ov_plan *scan = ovi_fragment_scan(spec->node);
    return scan && (ov_plan_datasource(scan, spec->exec->cx->snapshot)->rows >= LEAST_ROWS || spec->exec->cx->options.keep_states);
}

ov_status ovi_kept_open(const agg_spec *spec, agg_state *states, agg_parts **parts, ovi_spill *spill, ovi_keeper **out,
                        ov_error *err)
{
    ovi_exec *x = spec->exec;
    const ov_kept_states *use = &x->cx->kept;
    ovi_fragment f;
    ovi_keeper *k;
    bool is;
    *out = NULL;
    if (!use->cache || (!use->reads && !use->keeps) || spec->general || x->stats_count || !is_large(spec) || !may_be_kept(spec, false))
        return OV_OK;
    OV_TRY(ovi_fragment_of(spec->node, use->session, x->cx->snapshot, &x->arena, &f, &is, err));
    if (!is || !may_be_kept(spec, f.joined))
        return OV_OK;
    OV_TRY(ov_arena_zalloc(&x->arena, sizeof *k, &k, err));
    *k = (ovi_keeper){.spec = spec, .cx = x->cx, .fragment = f, .states = states, .parts = parts, .spill = spill,
                    .map_events = ov_map_guard_events()};
    k->datasource = ov_plan_datasource(f.scan, x->cx->snapshot);
    k->segment_count = k->datasource->segment_count;
    OV_TRY(ov_arena_zalloc(&x->arena, x->worker_count * sizeof *k->own, &k->own, err));
    OV_TRY(ov_arena_zalloc(&x->arena, ((size_t)k->segment_count + 1) * sizeof *k->segments, &k->segments, err));
    for (unsigned i = 0; i < x->worker_count; i++)
        ov_buf_init(&k->own[i].key);
    for (uint32_t i = 0; i < k->segment_count; i++)
        ov_buf_init(&k->segments[i].bytes);
    ov_mutex_init(&k->lock);
    *out = k;
    return OV_OK;
}

void ovi_kept_drop(ovi_keeper *k)
{
    for (unsigned i = 0; k && i < k->spec->exec->worker_count; i++)
        ovi_agg_state_drop(&k->own[i].state, k->spec);
}

void ovi_kept_fini(ovi_keeper *k)
{
    if (!k)
        return;
    for (unsigned i = 0; i < k->spec->exec->worker_count; i++) {
        ovi_agg_state_fini(&k->own[i].state, k->spec);
        ov_buf_fini(&k->own[i].key);
    }
    for (uint32_t i = 0; i < k->segment_count; i++)
        ov_buf_fini(&k->segments[i].bytes);
    ov_mutex_fini(&k->lock);
}

static const ov_segment_entry *entry_of(const ovi_keeper *k, uint32_t i)
{
    return k->datasource->segments[i];
}

/* Room for `groups` more in the worker's state: it goes to disk first when they would not fit. */
static ov_status make_room(ovi_keeper *k, ovi_worker *w, uint32_t groups, ov_error *err)
{
    agg_state *s = &k->states[w->number];
    if (!s->ready)
        return ovi_agg_state_init(s, k->spec, err);
    return ovi_agg_due(s, k->spec, groups) ? ovi_agg_spill(s, k->spec, k->spill, k->parts[w->number], &w->scratch, err) : OV_OK;
}

/* ---- look ---- */

static ov_blob *find(ovi_keeper *k, ov_buf *key, uint32_t i)
{
    if (!k->cx->kept.reads || !ovi_fragment_segment(&k->fragment, entry_of(k, i), key))
        return NULL;
    return ov_blob_cache_get(k->cx->kept.cache, ov_buf_slice(key));
}

ov_status ovi_kept_look(ovi_keeper *k, ovi_worker *w, uint32_t i, uint64_t ordinal, bool *known, ov_error *err)
{
    ov_blob *blob = find(k, &k->own[w->number].key, i);
    *known = false;
    if (!blob)
        return OV_OK;
    ov_status st = ovi_next_batch(w, err);
    if (st == OV_OK)
        st = make_room(k, w, (uint32_t)OV_MIN(blob->n / 8, (size_t)UINT32_MAX / 2), err);
    if (st == OV_OK)
        st = ovi_agg_read(&k->states[w->number], k->spec, ov_slice_make(blob->p, blob->n), ordinal, &w->scratch, err);
    ov_blob_release(blob);
    *known = st == OV_OK;
    return st;
}

/* ---- enter ---- */

ov_status ovi_kept_enter(ovi_keeper *k, ovi_worker *w, uint32_t i, uint64_t rows, ov_error *err)
{
    own_part *own = &k->own[w->number];
    const ov_segment_entry *e = entry_of(k, i);
    bool forced = k->cx->options.keep_states;
    own->on = k->cx->kept.keeps && !e->live && !e->past && !e->partial &&
              (forced || (rows >= LEAST_ROWS && atomic_load_explicit(&k->vain, memory_order_relaxed) <= MOST_VAIN));
    if (!own->on)
        return OV_OK;
    own->partial = false;
    own->began = ov_monotonic_ns();
    return own->state.ready ? OV_OK : ovi_agg_state_init(&own->state, k->spec, err);
}

ov_status ovi_kept_state(ovi_keeper *k, ovi_worker *w, uint32_t n, agg_state **s, ov_error *err)
{
    own_part *own = &k->own[w->number];
    if (!own->on)
        return OV_OK;
    *s = &own->state;
    if (!ovi_agg_due(&own->state, k->spec, n))
        return OV_OK;
    /* what was merged before lends its texts from here, so that goes first */
    agg_state *main = &k->states[w->number];
    own->partial = true;
    OV_TRY(ovi_agg_spill(main, k->spec, k->spill, k->parts[w->number], &w->scratch, err));
    return ovi_agg_spill(&own->state, k->spec, k->spill, k->parts[w->number], &w->scratch, err);
}

/* ---- leave ---- */

static size_t object_bytes(const agg_state *s, const agg_spec *spec)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < spec->acc_count; i++) {
        const ov_acc *a = &s->accs[i];
        if (a->kind == OV_ACC_OBJECT)
            bytes += a->object.heap.total_bytes;
        else if (a->kind == OV_ACC_DISTINCT)
            bytes += ov_distinct_used(&a->set) * 16;
    }
    return bytes;
}

/* Is it worth to write these groups, which took so long to make? */
static bool pays(const ovi_keeper *k, const agg_state *s, int64_t ns, uint32_t chunks, uint32_t of)
{
    const agg_spec *spec = k->spec;
    int64_t cost = (int64_t)s->groups.count * (1 + spec->layout.count + spec->acc_count) * NS_A_STATE +
                   (int64_t)object_bytes(s, spec) * NS_A_BYTE;
    return k->cx->options.keep_states || (ns * of >= (int64_t)LEAST_NS * chunks && cost <= ns / COST_SHARE);
}

/* More bytes of a segment; with the last ones they are complete. */
static ov_status add_piece(ovi_keeper *k, ov_buf *key, uint32_t i, ov_slice bytes, uint32_t chunks, uint32_t of, bool *paid,
                           ov_error *err)
{
    kept_segment *seg = &k->segments[i];
    const ov_segment_entry *e = entry_of(k, i);
    ov_blob_cache *cache = k->cx->kept.cache;
    size_t most = k->cx->options.keep_states ? SIZE_MAX : (size_t)(e->info.bytes / BYTES_SHARE);
    ov_mutex_lock(&k->lock);
    seg->chunks += chunks;
    seg->vain = seg->vain || ov_map_guard_events() != k->map_events || seg->bytes.n + bytes.n > most || !ov_blob_cache_takes(cache, seg->bytes.n + bytes.n);
    if (!seg->vain)
        ov_buf_add_slice(&seg->bytes, bytes);
    *paid = !seg->vain;
    if (*paid && seg->chunks == of && !seg->bytes.failed && ovi_fragment_segment(&k->fragment, e, key))
        ov_blob_cache_put(cache, ov_buf_slice(key), ov_buf_slice(&seg->bytes));
    ov_status st = ov_buf_check(&seg->bytes, err);
    if (seg->vain || seg->chunks == of) {
        ov_buf_fini(&seg->bytes);
        ov_buf_init(&seg->bytes);
    }
    ov_mutex_unlock(&k->lock);
    return st;
}

static void give_up(ovi_keeper *k, uint32_t i)
{
    ov_mutex_lock(&k->lock);
    k->segments[i].vain = true;
    ov_mutex_unlock(&k->lock);
}

/* The worker's groups of the segment are as if none had come; texts and what is known of dictionaries stay. */
static ov_status join(ovi_keeper *k, ovi_worker *w, agg_state *own, ov_error *err)
{
    OV_TRY(make_room(k, w, own->groups.count, err));
    OV_TRY(ovi_table_merge(&k->states[w->number], own, k->spec, err));
    ovi_groups_clear(&own->groups);
    for (uint32_t i = 0; i < k->spec->acc_count; i++)
        ov_acc_reset(&own->accs[i]);
    return OV_OK;
}

ov_status ovi_kept_leave(ovi_keeper *k, ovi_worker *w, uint32_t i, uint64_t ordinal, uint32_t chunks, uint32_t of, ov_error *err)
{
    own_part *own = &k->own[w->number];
    bool paid = false;
    if (!own->on)
        return OV_OK;
    own->on = false;
    int64_t ns = ov_monotonic_ns() - own->began;
    OV_TRY(ovi_next_batch(w, err));
    OV_TRY(ovi_dense_flush(&own->state, k->spec, err));
    if (!own->partial && pays(k, &own->state, ns, chunks, of)) {
        ov_buf bytes;
        ov_buf_init(&bytes);
        ov_status st = ovi_agg_write(&own->state, k->spec, ordinal, &w->scratch, &bytes, err);
        if (st == OV_OK)
            st = add_piece(k, &own->key, i, ov_buf_slice(&bytes), chunks, of, &paid, err);
        ov_buf_fini(&bytes);
        OV_TRY(st);
    } else {
        give_up(k, i);
    }
    atomic_fetch_add_explicit(&k->vain, paid ? -1 : 1, memory_order_relaxed);
    return join(k, w, &own->state, err);
}
