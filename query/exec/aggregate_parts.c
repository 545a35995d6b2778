/*
 * Partitions on disk back into groups: as many at a time as there are workers, each handed on and forgotten before the
 * next ones are read.
 */
#include "query/exec/aggregate_spill.h"

#include "base/pool.h"

/* One partition to be merged: what several states left of it. */
typedef struct part_task {
    struct part_task *next;
    agg_parts **from;
    uint32_t from_count, part;
} part_task;

/* A task that is being worked on. */
typedef struct part_work {
    const part_task *task;
    agg_state state;
    agg_parts *deeper; /* what does not fit, one level down */
    ov_arena arena;    /* of a block */
    ov_status st;
    ov_error err;
} part_work;

typedef struct merger {
    const agg_spec *spec;
    ovi_spill *file;
    ov_arena arena; /* tasks */
    part_task *first;
    part_work *work;
    uint32_t pairs_of; /* the accumulator whose pairs are being counted; OVI_NONE: groups are merged */
    agg_parts *counts; /* where their counts go */
    agg_parts *made;   /* to be freed */
    agg_parts **from;  /* all of them, when groups are handed on */
    uint32_t from_count;
    ovi_sink *sink;
} merger;

/* ---- reading ---- */

static ov_status load_keys(part_work *w, const agg_spec *spec, const ov_batch *b, uint32_t **to, ov_error *err)
{
    uint32_t width = spec->layout.width;
    uint64_t *keys;
    OV_CHECK_DATA(b->cols > spec->layout.count || spec->acc_count == 0, err, "a block of groups lacks columns");
    OV_TRY(ov_arena_zalloc(&w->arena, ((size_t)b->rows + 1) * width * 8, &keys, err));
    OV_TRY(ov_arena_alloc(&w->arena, ((size_t)b->rows + 1) * 4, to, err));
    for (uint32_t k = 0; k < spec->layout.count; k++)
        OV_TRY(ovi_key_words(&w->state, spec, k, &b->col[k], keys, &w->arena, err));
    OV_TRY(ovi_groups_find(&w->state.groups, keys, b->rows, *to, err));
    for (uint32_t i = 0; i < spec->acc_count; i++)
        OV_TRY(ov_acc_reserve(&w->state.accs[i], w->state.groups.count, err));
    return OV_OK;
}

static ov_status load_groups(part_work *w, const agg_spec *spec, const ov_batch *b, ov_error *err)
{
    uint32_t *to;
    OV_TRY(load_keys(w, spec, b, &to, err));
    OV_CHECK_DATA(b->cols == spec->layout.count + spec->acc_count, err, "a block of groups lacks columns");
    for (uint32_t i = 0; i < spec->acc_count; i++) {
        ov_acc *a = &w->state.accs[i];
        const ov_vec *v = &b->col[spec->layout.count + i];
        if (spec->accs[i].sized) {
            for (uint32_t r = 0; r < b->rows; r++)
                a->n[to[r]] += ((const uint64_t *)v->data)[r];
            continue;
        }
        ov_cursor in = ov_cursor_make(v->c.s, "states of groups");
        OV_TRY(ovi_is_set(&spec->accs[i]) ? ov_acc_load_totals(a, to, b->rows, &in, err)
                                          : ov_acc_load(a, to, b->rows, 0, &in, err));
    }
    return OV_OK;
}

static ov_status load_pairs(part_work *w, const agg_spec *spec, uint32_t acc, const ov_batch *b, ov_error *err)
{
    uint32_t *to;
    OV_TRY(load_keys(w, spec, b, &to, err));
    ov_acc *a = &w->state.accs[acc];
    const ov_vec *v = &b->col[spec->layout.count];
    bool text = ov_distinct_of_text(&a->set);
    for (uint32_t r = 0; r < b->rows; r++) {
        if (text)
            OV_TRY(ov_distinct_add_str(&a->set, to[r], ((const ov_slice *)v->data)[r], a->n, err));
        else
            OV_TRY(ov_distinct_add(&a->set, to[r], ((const uint64_t *)v->data)[r], a->n, err));
    }
    return OV_OK;
}

/* What is merged so far goes one level down when there is no room for a block more. */
static ov_status load_list(merger *m, part_work *w, const ovi_blocks *list, ov_error *err)
{
    /* told to go to disk at once, one level deeper shows it all */
    uint32_t most = m->spec->exec->cx->options.spill_rows ? 1 : AGG_MOST_LEVELS - 1;
    for (uint32_t i = 0; i < list->count; i++) {
        ov_batch b;
        ov_arena_reset(&w->arena);
        if (w->deeper->level <= most && ovi_agg_due(&w->state, m->spec, list->at[i].rows))
            OV_TRY(ovi_agg_spill(&w->state, m->spec, m->file, w->deeper, &w->arena, err));
        OV_TRY(ovi_spill_read(m->file, &list->at[i], &w->arena, &b, err));
        if (m->pairs_of == OVI_NONE)
            OV_TRY(load_groups(w, m->spec, &b, err));
        else
            OV_TRY(load_pairs(w, m->spec, m->pairs_of, &b, err));
    }
    return OV_OK;
}

static ov_status run_task(merger *m, part_work *w, ov_error *err)
{
    const part_task *t = w->task;
    OV_TRY(ovi_agg_state_init(&w->state, m->spec, err));
    for (uint32_t i = 0; i < t->from_count; i++) {
        const agg_parts *p = t->from[i];
        OV_TRY(load_list(m, w, m->pairs_of == OVI_NONE ? &p->groups[t->part] : &p->pairs[m->pairs_of][t->part], err));
    }
    ov_arena_reset(&w->arena);
    return w->deeper->any ? ovi_agg_spill(&w->state, m->spec, m->file, w->deeper, &w->arena, err) : OV_OK;
}

static void work_on(void *arg, size_t item, unsigned worker)
{
    merger *m = arg;
    part_work *w = &m->work[item];
    (void)worker;
    w->st = run_task(m, w, &w->err);
}

/* ---- tasks ---- */

static uint64_t rows_of(const merger *m, agg_parts *const *from, uint32_t count, uint32_t part)
{
    uint64_t rows = 0;
    for (uint32_t i = 0; i < count; i++)
        rows += m->pairs_of == OVI_NONE ? from[i]->groups[part].rows : from[i]->pairs[m->pairs_of][part].rows;
    return rows;
}

static ov_status add_tasks(merger *m, agg_parts **from, uint32_t count, ov_error *err)
{
    for (uint32_t p = 0; count && p < AGG_PARTS; p++) {
        part_task *t;
        if (rows_of(m, from, count, p) == 0)
            continue;
        OV_TRY(ov_arena_alloc(&m->arena, sizeof(*t), &t, err));
        *t = (part_task){.next = m->first, .from = from, .from_count = count, .part = p};
        m->first = t;
    }
    return OV_OK;
}

/* The groups of a merged partition, or the counts of a set's. What did not fit becomes tasks. */
static ov_status hand_on(merger *m, part_work *w, ov_error *err)
{
    if (w->deeper->any) {
        agg_parts **from;
        OV_TRY(ov_arena_alloc(&m->arena, sizeof(*from), &from, err));
        from[0] = w->deeper;
        w->deeper = NULL;
        return add_tasks(m, from, 1, err);
    }
    if (m->pairs_of == OVI_NONE)
        return ovi_agg_emit(&w->state, m->spec, true, m->sink, err);
    ov_acc *a = &w->state.accs[m->pairs_of]; /* counts and totals stay, and go to their groups */
    if (m->spec->accs[m->pairs_of].sized)
        ov_distinct_reset(&a->set);
    else
        OV_TRY(ov_acc_total_sets(a, err));
    return ovi_agg_spill(&w->state, m->spec, m->file, m->counts, &w->arena, err);
}

/* Room for what a task may have to put one level down; kept from wave to wave while it is not needed. */
static ov_status spare_parts(merger *m, part_work *w, ov_error *err)
{
    if (!w->deeper) {
        OV_TRY(ovi_parts_make(m->spec, 0, &m->arena, &w->deeper, err));
        w->deeper->next = m->made;
        m->made = w->deeper;
    }
    w->deeper->level = w->task->from[0]->level + 1;
    return OV_OK;
}

/* The next tasks, one a worker at most, and what comes of them. */
static ov_status run_wave(merger *m, ov_error *err)
{
    const ovi_exec *x = m->spec->exec;
    uint32_t n = 0;
    ov_status st = OV_OK;
    for (; m->first && n < x->worker_count; n++, m->first = m->first->next) {
        part_work *w = &m->work[n];
        *w = (part_work){.task = m->first, .deeper = w->deeper, .err = OV_ERROR_INIT};
        OV_TRY(spare_parts(m, w, err));
    }
    for (uint32_t i = 0; i < n; i++)
        ov_arena_init(&m->work[i].arena, "groups", &x->cx->budget);
    ov_pool_each(x->cx->pool, x->worker_count, n, work_on, m);
    for (uint32_t i = 0; i < n; i++) {
        part_work *w = &m->work[i];
        if (st == OV_OK && w->st != OV_OK) {
            *err = w->err;
            st = w->st;
        }
        if (st == OV_OK)
            st = hand_on(m, w, err);
        ovi_agg_state_fini(&w->state, m->spec);
        ov_arena_fini(&w->arena);
    }
    return st;
}

static ov_status merge_all(merger *m, agg_parts **from, uint32_t count, ov_error *err)
{
    ov_status st;
    ov_arena_init(&m->arena, "partitions", &m->spec->exec->cx->budget);
    OV_TRY_OUT(st, ov_arena_zalloc(&m->arena, m->spec->exec->worker_count * sizeof(*m->work), &m->work, err));
    OV_TRY_OUT(st, add_tasks(m, from, count, err));
    while (m->first && st == OV_OK && !(m->sink && ovi_done(m->sink)))
        st = run_wave(m, err);
out:
    for (agg_parts *p = m->made; p; p = p->next)
        ovi_parts_free(p, m->spec);
    ov_arena_fini(&m->arena);
    return st;
}

/* ---- the whole ---- */

static ov_status count_sets(const agg_spec *spec, ovi_spill *file, agg_parts **from, uint32_t count, agg_parts *counts,
                            ov_error *err)
{
    for (uint32_t i = 0; i < spec->acc_count; i++) {
        merger m = {.spec = spec, .file = file, .pairs_of = i, .counts = counts};
        if (ovi_is_set(&spec->accs[i]))
            OV_TRY(merge_all(&m, from, count, err));
    }
    return OV_OK;
}

static ov_status merge_into(void *self, ovi_sink *sink, ov_error *err)
{
    merger *m = self;
    m->sink = sink;
    return merge_all(m, m->from, m->from_count, err);
}

ov_status ovi_agg_emit_parts(const agg_spec *spec, ovi_spill *file, agg_parts **from, uint32_t count, ovi_sink *sink,
                             ov_error *err)
{
    ov_arena *arena = &spec->exec->arena;
    agg_parts **all;
    OV_TRY(ov_arena_alloc(arena, ((size_t)count + 1) * sizeof(*all), &all, err));
    merger m = {.spec = spec, .file = file, .pairs_of = OVI_NONE, .from = all, .from_count = count + 1};
    memcpy(all, from, count * sizeof(*all));
    OV_TRY(ovi_parts_make(spec, 0, arena, &all[count], err));
    ov_status st = count_sets(spec, file, from, count, all[count], err);
    if (st == OV_OK)
        st = ovi_agg_in_order(spec, sink, merge_into, &m, err);
    ovi_parts_free(all[count], spec);
    return st;
}
