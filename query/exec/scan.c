/*
 * SCAN: segments and morsels given out to workers.
 *
 * Unordered (an aggregate or a sort is above): each worker takes whole segments while there are any, so that
 * its dense groups meet few dictionaries, then helps with chunks of segments others have begun.
 *
 * Ordered (the result or LIMIT is above): chunks are numbered in order; helpers may be at most WINDOW chunks ahead
 * of what has been delivered, fewer when memory is short, and keep their batches in the slot of their chunk.
 */
#include "query/exec/scan.h"
#include "query/exec/sort_refs.h"

#include "base/bits.h"
#include "base/pool.h"
#include "query/plan/plan_tables.h"

enum {
    ALONE_ROWS = 1 << 17, /* fewer rows are read faster than helpers wake up */
    WINDOW = 16,
    AHEAD_SHARE = 4, /* of the query's memory, for rows that are not yet due */
};

static void fail(ovi_exec *x, const ov_error *err)
{
    ov_mutex_lock(&x->lock);
    if (!atomic_load(&x->failed)) {
        x->err = *err;
        atomic_store(&x->failed, true);
    }
    ov_mutex_unlock(&x->lock);
}

static bool stopped(const ovi_scan *s)
{
    return atomic_load_explicit(&s->exec->failed, memory_order_relaxed) || ovi_done(s->sink);
}

static ov_status plan_once(ovi_scan *s, scan_segment *seg, ovi_worker *w, ov_error *err)
{
    ov_status st = OV_OK;
    ov_mutex_lock(&seg->lock);
    if (!seg->planned && s->apart) {
        st = s->apart->by_segment->look(s->apart, w, (uint32_t)(seg - s->segments), seg->ordinal, &seg->planned, err);
        if (st == OV_OK && seg->planned) /* without chunks: nobody reads it */
            atomic_fetch_add_explicit(&s->exec->cx->stats.segments_total, 1, memory_order_relaxed);
    }
    if (st == OV_OK && !seg->planned)
        st = ovi_scan_plan(s, seg, w, err);
    ov_mutex_unlock(&seg->lock);
    return st;
}

static bool take_chunk(scan_segment *seg, uint32_t *chunk)
{
    if (atomic_load_explicit(&seg->next_chunk, memory_order_relaxed) >= seg->chunks)
        return false;
    *chunk = atomic_fetch_add_explicit(&seg->next_chunk, 1, memory_order_relaxed);
    return *chunk < seg->chunks;
}

/* ---- the best rows only ---- */

/* Where __time is among the scan's columns; OVI_NO_COLUMN. */
static uint32_t time_column(const ovi_scan *s)
{
    const ov_datasource *ds = s->node->scan.datasource;
    for (uint32_t c = 0; c < s->node->field_count; c++)
        if (ov_slice_eq(ds->columns[s->node->scan.columns[c]].name, OV_SLICE_LIT("__time")))
            return c;
    return OVI_NO_COLUMN;
}

bool ovi_scan_hopeless(const ovi_scan *s, const ovi_worker *w, uint32_t column, int64_t low, int64_t high, bool nulls)
{
    ovi_best best;
    if (s->exec->cx->options.general_only || !ovi_wants_best(s->sink, w, &best) || best.column != column ||
        !best.has_worst || (nulls && best.nulls_first))
        return false;
    uint64_t bits = ovi_order_i64(best.descending ? high : low);
    return ovi_order_place(bits, best.descending, best.nulls_first) > best.worst;
}

/* ---- unordered ---- */

/* Rows that must be looked at one by one. */
static uint64_t rows_to_read(const scan_segment *seg)
{
    return seg->way == WAY_BLOCKS ? seg->range_rows : seg->way == WAY_GATHER ? seg->count : 0;
}

/* The next morsel of a segment, in rows of blocks. */
static uint64_t morsel_cost(const scan_segment *seg)
{
    enum { PICKED = 4 }; /* a row that is picked out */
    return seg->way == WAY_BLOCKS ? OV_MIN((uint64_t)seg->chunk_rows, seg->range_rows)
                                  : PICKED * (rows_to_read(seg) / OV_MAX(seg->chunks, 1));
}

static ov_status drain(ovi_scan *s, uint32_t i, ovi_worker *w, ov_error *err)
{
    scan_segment *seg = &s->segments[s->backwards ? s->segment_count - 1 - i : i];
    const ov_segment_info *info = &seg->entry->info;
    uint32_t chunk, taken = 0;
    if (ovi_scan_hopeless(s, w, s->time_column, info->min_time, info->max_time, false))
        return OV_OK; /* nobody else needs to look either, but may */
    OV_TRY(plan_once(s, seg, w, err));
    while (!stopped(s) && take_chunk(seg, &chunk)) {
        if (s->apart && taken == 0)
            OV_TRY(s->apart->by_segment->enter(s->apart, w, (uint32_t)(seg - s->segments), rows_to_read(seg), err));
        taken++;
        OV_TRY(ovi_scan_morsel(s, seg, s->backwards && !seg->order ? seg->chunks - 1 - chunk : chunk, w, err));
        if (ov_pool_should_leave(s->exec->cx->pool, w->number))
            break;
    }
    if (!s->apart || taken == 0)
        return OV_OK;
    return s->apart->by_segment->leave(s->apart, w, (uint32_t)(seg - s->segments), seg->ordinal, taken, seg->chunks, err);
}

static ov_status work_unordered(ovi_scan *s, ovi_worker *w, ov_error *err)
{
    uint32_t i;
    while (!stopped(s) && (i = atomic_fetch_add(&s->next_segment, 1)) < s->segment_count) {
        OV_TRY(drain(s, i, w, err));
        if (ov_pool_should_leave(s->exec->cx->pool, w->number))
            return OV_OK;
    }
    /* the largest pieces of work left are whole segments of others */
    for (i = 0; i < s->segment_count && !stopped(s); i++) {
        OV_TRY(drain(s, i, w, err));
        if (ov_pool_should_leave(s->exec->cx->pool, w->number))
            return OV_OK;
    }
    return OV_OK;
}

static void unordered_job(void *arg, unsigned worker)
{
    ovi_scan *s = arg;
    ov_error err = OV_ERROR_INIT;
    if (work_unordered(s, &s->exec->workers[worker], &err) != OV_OK)
        fail(s->exec, &err);
}

/* ---- ordered ---- */

typedef enum slot_state { SLOT_FREE, SLOT_BUSY, SLOT_READY } slot_state;

typedef struct ordered_scan {
    ovi_scan *s;
    ov_mutex lock;
    ov_cond moved;
    uint32_t segment;      /* of the next morsel */
    uint64_t next, due;    /* numbers of morsels: to be given out; to be delivered */
    bool empty;            /* none left to give out */
    ov_budget ahead;       /* what lies in slots */
    size_t largest;        /* most bytes there for each of its morsels so far */
    ovi_slot slots[WINDOW];
    uint8_t state[WINDOW];
} ordered_scan;

/* The segment of the next morsel, planned; NULL when there is none. Under the lock. */
static ov_status next_segment(ordered_scan *o, ovi_worker *w, scan_segment **seg, ov_error *err)
{
    ovi_scan *s = o->s;
    for (; o->segment < s->segment_count; o->segment++) {
        *seg = &s->segments[o->segment];
        if (!(*seg)->planned)
            OV_TRY(ovi_scan_plan(s, *seg, w, err));
        if (atomic_load_explicit(&(*seg)->next_chunk, memory_order_relaxed) < (*seg)->chunks)
            return OV_OK;
    }
    *seg = NULL;
    o->empty = true;
    return OV_OK;
}

/* The next morsel in order, under the lock. *found is false when there is none. */
static ov_status next_morsel(ordered_scan *o, ovi_worker *w, scan_segment **seg, uint32_t *chunk, bool *found,
                             ov_error *err)
{
    OV_TRY(next_segment(o, w, seg, err));
    *found = *seg && take_chunk(*seg, chunk);
    return OV_OK;
}

/* Runs morsel `number` into its slot, or straight on when it is due and this is the calling thread. */
static ov_status run_morsel(ordered_scan *o, ovi_worker *w, scan_segment *seg, uint32_t chunk, uint64_t number,
                            bool due, ov_error *err)
{
    ovi_slot *slot = &o->slots[number % WINDOW];
    w->slot = due ? NULL : slot;
    ov_status st = ovi_scan_morsel(o->s, seg, chunk, w, err);
    w->slot = NULL;
    ov_mutex_lock(&o->lock);
    o->largest = OV_MAX(o->largest, atomic_load(&o->ahead.used) / (size_t)(o->next - o->due));
    o->state[number % WINDOW] = due ? SLOT_FREE : SLOT_READY;
    if (due)
        o->due = number + 1;
    ov_cond_broadcast(&o->moved);
    ov_mutex_unlock(&o->lock);
    return st;
}

/* Whether a morsel that is not due must wait: slots are full, or with its rows they would take much of the query's
 * memory. What is due never waits for the calling thread, so slots are emptied. The first morsel is the calling thread's,
 * who hands rows on as they come: a LIMIT above a join may be reached long before the morsel ends. */
static bool too_far_ahead(const ordered_scan *o, bool caller)
{
    uint64_t ahead = o->next - o->due;
    size_t most = o->s->exec->cx->budget.limit / AHEAD_SHARE;
    if (caller && ahead == 0)
        return false;
    if (o->next == 0)
        return true;
    return ahead >= WINDOW || atomic_load(&o->ahead.used) > most || o->largest > most / (ahead + 1);
}

/* One step; *more is false when this worker has nothing left to do. Takes the lock and gives it back. */
static ov_status ordered_step(ordered_scan *o, ovi_worker *w, bool *more, ov_error *err)
{
    bool caller = w->number == 0, found = false;
    scan_segment *seg = NULL;
    uint32_t chunk = 0;
    *more = true;
    ov_mutex_lock(&o->lock);
    if (caller && o->due < o->next && o->state[o->due % WINDOW] == SLOT_READY) {
        uint64_t due = o->due;
        ov_mutex_unlock(&o->lock);
        ov_status st = ovi_slot_deliver(&o->slots[due % WINDOW], ovi_terminal(o->s->sink), w, err);
        ov_mutex_lock(&o->lock);
        o->state[due % WINDOW] = SLOT_FREE;
        o->due = due + 1;
        ov_cond_broadcast(&o->moved);
        ov_mutex_unlock(&o->lock);
        return st;
    }
    if (o->empty && (!caller || o->due == o->next)) {
        *more = false;
        ov_mutex_unlock(&o->lock);
        return OV_OK;
    }
    if (o->empty || too_far_ahead(o, caller)) {
        ov_cond_wait_ms(&o->moved, &o->lock, 20);
        ov_mutex_unlock(&o->lock);
        return ov_query_alive(o->s->exec->cx, err);
    }
    ov_status st = next_morsel(o, w, &seg, &chunk, &found, err);
    uint64_t number = o->next;
    bool due = caller && number == o->due;
    if (st == OV_OK && found) {
        o->next++;
        o->state[number % WINDOW] = SLOT_BUSY;
    }
    ov_mutex_unlock(&o->lock);
    return st == OV_OK && found ? run_morsel(o, w, seg, chunk, number, due, err) : st;
}

/* The calling thread alone, as long as morsels are so small that waking others, and keeping copies of what they make too
 * early, takes longer than doing their work. */
static ov_status work_alone(ordered_scan *o, ovi_worker *w, bool *more, ov_error *err)
{
    for (uint64_t rows = 0; *more && !stopped(o->s);) {
        scan_segment *seg;
        OV_TRY(next_segment(o, w, &seg, err));
        rows += seg ? morsel_cost(seg) : 0;
        if (rows > ALONE_ROWS)
            return OV_OK;
        OV_TRY(ordered_step(o, w, more, err));
    }
    *more = false;
    return OV_OK;
}

static void ordered_job(void *arg, unsigned worker)
{
    ordered_scan *o = arg;
    ovi_worker *w = &o->s->exec->workers[worker];
    ov_error err = OV_ERROR_INIT;
    bool more = true;
    while (more && !stopped(o->s)) {
        if (ordered_step(o, w, &more, &err) != OV_OK) {
            fail(o->s->exec, &err);
            break;
        }
        if (ov_pool_should_leave(o->s->exec->cx->pool, worker))
            break;
    }
    ov_mutex_lock(&o->lock);
    ov_cond_broadcast(&o->moved);
    ov_mutex_unlock(&o->lock);
}

static ov_status run_ordered(ovi_scan *s, unsigned workers, ov_error *err)
{
    ordered_scan *o;
    OV_TRY(ov_arena_zalloc(&s->exec->arena, sizeof(*o), &o, err));
    o->s = s;
    ov_mutex_init(&o->lock);
    ov_cond_init(&o->moved);
    ov_budget_init(&o->ahead, s->exec->cx->budget.name, SIZE_MAX, &s->exec->cx->budget);
    for (unsigned i = 0; i < WINDOW; i++)
        ovi_slot_init(&o->slots[i], &o->ahead);
    bool more = true;
    if (workers > 1 && !s->exec->cx->options.workers && work_alone(o, &s->exec->workers[0], &more, err) != OV_OK)
        fail(s->exec, err);
    else if (more)
        ov_pool_run(s->exec->cx->pool, workers, ordered_job, o);
    for (unsigned i = 0; i < WINDOW; i++)
        ov_arena_fini(&o->slots[i].arena);
    ov_cond_fini(&o->moved);
    ov_mutex_fini(&o->lock);
    return OV_OK;
}

/* ---- the run ---- */

static ov_status make_segments(ovi_scan *s, uint64_t *rows, ov_error *err)
{
    const ov_datasource *ds = ov_plan_datasource(s->node, s->exec->cx->snapshot);
    uint64_t ordinal = s->exec->ordinal;
    OV_TRY(ov_arena_zalloc(&s->exec->arena, OV_MAX(ds->segment_count, 1) * sizeof(*s->segments), &s->segments,
                           err));
    *rows = 0;
    for (uint32_t i = 0; i < ds->segment_count; i++) {
        scan_segment *seg = &s->segments[i];
        seg->entry = ds->segments[i];
        seg->ordinal = ordinal;
        ordinal += ds->segments[i]->info.rows;
        *rows += ds->segments[i]->info.rows;
        ov_mutex_init(&seg->lock);
    }
    s->segment_count = ds->segment_count;
    s->exec->ordinal = ordinal;
    return OV_OK;
}

static ov_status prepare(ovi_scan *s, ov_error *err)
{
    const ov_plan *node = s->node;
    ov_arena *arena = &s->exec->arena;
    uint32_t n = node->field_count;
    OV_TRY(ov_arena_zalloc(arena, (ov_words(n) + 1) * 8, &s->used, err));
    OV_TRY(ov_arena_zalloc(arena, ((size_t)n + 1) * CANON_DOMAINS * sizeof(*s->canon), &s->canon, err));
    OV_TRY(ov_arena_zalloc(arena, ((size_t)n + 1) * 4, &s->canon_next, err));
    s->sink->used(s->sink, s->used, n);
    s->time_column = time_column(s);
    ovi_best best;
    s->backwards = ovi_wants_best(s->sink, &s->exec->workers[0], &best) && best.column == s->time_column &&
                   best.descending && !s->exec->cx->options.general_only;
    s->used_count = (uint32_t)ov_bits_count(s->used, n);
    ovi_scan_wishes(s);
    s->weights = !s->exec->cx->options.general_only && s->sink->weights && s->sink->weights(s->sink);
    OV_TRY(ovi_conjuncts(node->scan.filter, n, arena, &s->filter, &s->filter_count, err));
    s->residual = s->filter;
    s->residual_count = s->filter_count;
    if (node->scan.filter_is_ranges)
        s->residual_count = 0;
    else if (node->scan.residual)
        OV_TRY(ovi_conjuncts(node->scan.residual, n, arena, &s->residual, &s->residual_count, err));
    return OV_OK;
}

ov_status ovi_run_scan(ovi_exec *x, const ov_plan *node, ovi_sink *sink, ov_error *err)
{
    ovi_scan *s;
    uint64_t rows;
    if (node->scan.range_count == 0 && !x->cx->options.general_only)
        return OV_OK;
    OV_TRY(ov_arena_zalloc(&x->arena, sizeof(*s), &s, err));
    s->exec = x;
    s->node = node;
    s->sink = sink;
    s->apart = ovi_terminal(sink)->by_segment ? ovi_terminal(sink) : NULL;
    ov_mutex_init(&s->lock);
    OV_TRY(prepare(s, err));
    OV_TRY(make_segments(s, &rows, err));
    unsigned workers = rows < ALONE_ROWS && !x->cx->options.workers ? 1 : x->worker_count;
    ov_pool *pool = x->cx->pool;
    if (sink->ordered)
        OV_TRY(run_ordered(s, workers, err));
    else
        ov_pool_run(pool, workers, unordered_job, s);
    for (uint32_t i = 0; i < s->segment_count; i++)
        ov_mutex_fini(&s->segments[i].lock);
    ov_mutex_fini(&s->lock);
    if (!atomic_load(&x->failed))
        return OV_OK;
    *err = x->err;
    return x->err.code;
}
