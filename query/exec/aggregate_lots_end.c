/*
 * The end of AGGREGATE by lots: texts of all workers get common numbers, groups of their tables are put in order of lots, and then all workers take
 * lot after lot.
 */
#include "query/exec/aggregate_lots.h"

enum {
    SOME = 2048,       /* groups, or values of sets, at a time */
    STRETCH = 1 << 13, /* places of a table of texts that a worker takes at a time */
};

/* What a worker's table has, by lot: those of lot p lie at start[p] .. start[p + 1]. */
typedef struct table_set {
    size_t start[OVI_LOTS + 1];
    uint32_t *group;
    uint64_t *value;
} table_set;

typedef struct table_lots {
    size_t start[OVI_LOTS + 1];
    uint32_t *group;
    uint16_t *lot;   /* by group */
    uint32_t *to;    /* by group: its number in the table of its lot; only where there are sets */
    table_set *sets; /* by accumulator */
} table_lots;

typedef struct lots_end {
    const agg_spec *spec;
    agg_state **from;
    uint32_t count;
    table_lots *tables;   /* as from */
    uint32_t ***numbers;  /* as from, by key: the common numbers of its texts; NULL: its own */
    ov_domain *domains;   /* per key: of texts by that number */
    agg_state *fold;      /* by worker: the table of the lot at hand, */
    lot_rows *rows;       /* rows on their way there */
    uint64_t before[OVI_LOTS + 1]; /* rows and groups in front of each lot */
    ovi_sink *sink;
    /* of the texts at hand */
    const ov_strtab *ours, *theirs;
    uint32_t *found;
} lots_end;

/* Counts by lot become places. */
static void to_starts(size_t start[OVI_LOTS + 1])
{
    size_t sum = 0;
    for (uint32_t p = 0; p <= OVI_LOTS; p++) {
        size_t n = start[p];
        start[p] = sum;
        sum += n;
    }
}

/* ---- tables ---- */

static ov_status order_groups(table_lots *t, agg_state *s, const agg_spec *spec, ov_arena *scratch, ov_error *err)
{
    uint32_t n = s->groups.count;
    size_t at[OVI_LOTS + 1];
    OV_TRY(ov_arena_alloc(&s->arena, ((size_t)n + 1) * sizeof(*t->lot), &t->lot, err));
    OV_TRY(ov_arena_alloc(&s->arena, ((size_t)n + 1) * sizeof(*t->group), &t->group, err));
    if (spec->has_sets)
        OV_TRY(ov_arena_alloc(&s->arena, ((size_t)n + 1) * sizeof(*t->to), &t->to, err));
    for (uint32_t from = 0; from < n; from += SOME) {
        ov_arena_mark mark = ov_arena_mark_get(scratch);
        ov_status st = ov_query_alive(spec->exec->cx, err);
        if (st == OV_OK)
            st = ovi_lots_find(s, spec, s->groups.keys + (size_t)from * spec->layout.width, OV_MIN(n - from, (uint32_t)SOME), scratch,
                               t->lot + from, err);
        ov_arena_rewind(scratch, mark);
        OV_TRY(st);
    }
    for (uint32_t g = 0; g < n; g++) {
        OV_TRY(ov_budget_alive_at(&s->budget, g + 1, err));
        t->start[t->lot[g]]++;
    }
    to_starts(t->start);
    memcpy(at, t->start, sizeof(at));
    for (uint32_t g = 0; g < n; g++) {
        OV_TRY(ov_budget_alive_at(&s->budget, g + 1, err));
        t->group[at[t->lot[g]]++] = g;
    }
    return OV_OK;
}

static ov_status order_set(const table_lots *t, table_set *to, const ov_distinct *set, ov_arena *arena, ov_error *err)
{
    size_t n = ov_distinct_used(set), step = 0, at[OVI_LOTS + 1];
    uint32_t group;
    uint64_t value;
    OV_TRY(ov_arena_alloc(arena, (n + 1) * sizeof(*to->group), &to->group, err));
    OV_TRY(ov_arena_alloc(arena, (n + 1) * sizeof(*to->value), &to->value, err));
    for (ov_distinct_at i = {0}; ov_distinct_next(set, &i, &group, &value);) {
        OV_TRY(ov_budget_alive_at(arena->budget, ++step, err));
        to->start[t->lot[group]]++;
    }
    to_starts(to->start);
    memcpy(at, to->start, sizeof(at));
    for (ov_distinct_at i = {0}; ov_distinct_next(set, &i, &group, &value);) {
        OV_TRY(ov_budget_alive_at(arena->budget, ++step, err));
        size_t place = at[t->lot[group]]++;
        to->group[place] = group;
        to->value[place] = value;
    }
    return OV_OK;
}

static ov_status order_table(void *self, ovi_worker *w, size_t i, ov_error *err)
{
    lots_end *e = self;
    const agg_spec *spec = e->spec;
    agg_state *s = e->from[i];
    table_lots *t = &e->tables[i];
    OV_TRY(ovi_dense_flush(s, spec, err));
    ov_accs_settle(s->accs, spec->acc_count);
    if (!s->lots)
        OV_TRY(ovi_lots_open(s, spec, err));
    OV_TRY(order_groups(t, s, spec, &w->scratch, err));
    OV_TRY(ov_arena_zalloc(&s->arena, ((size_t)spec->acc_count + 1) * sizeof(*t->sets), &t->sets, err));
    for (uint32_t k = 0; k < spec->acc_count; k++)
        if (ovi_is_set(&spec->accs[k]))
            OV_TRY(order_set(t, &t->sets[k], &s->accs[k].set, &s->arena, err));
    return OV_OK;
}

/* ---- texts ---- */

static ov_status find_texts(void *self, ovi_worker *w, size_t piece, ov_error *err)
{
    lots_end *e = self;
    size_t from = piece * STRETCH;
    (void)w, (void)err;
    ov_strtab_find_slots(e->ours, e->theirs, from, OV_MIN(from + STRETCH, (size_t)e->theirs->slot_count), e->found);
    return OV_OK;
}

/* The numbers of the i-th state's texts of key k that states before it have; OV_STRTAB_NONE for the others. */
static ov_status number_known(lots_end *e, uint32_t i, uint32_t k, uint32_t *number, uint32_t *found, ov_error *err)
{
    const ov_strtab *theirs = &e->from[i]->strings[k];
    memset(number, 0xff, (size_t)theirs->count * sizeof(*number));
    number[0] = 0; /* NULL */
    e->theirs = theirs;
    e->found = found;
    for (uint32_t v = 0; v < i; v++) {
        const uint32_t *common = e->numbers[v][k];
        e->ours = &e->from[v]->strings[k];
        OV_TRY(ovi_share(e->spec->exec, ((size_t)theirs->slot_count + STRETCH - 1) / STRETCH, false, find_texts, e, err));
        for (uint32_t t = 1; t < theirs->count; t++) {
            OV_TRY(ov_budget_alive_at(&e->from[i]->budget, t, err));
            if (found[t] != OV_STRTAB_NONE)
                number[t] = common ? common[found[t]] : found[t];
        }
    }
    return OV_OK;
}

/* Common numbers of the texts of key k: those of the first state, then what others have besides. */
static ov_status number_texts(lots_end *e, uint32_t k, ov_error *err)
{
    ov_type type = e->spec->layout.fields[k].type;
    const ov_strtab *first = &e->from[0]->strings[k];
    ov_arena *arena = &e->from[0]->arena;
    size_t all = 0;
    ov_slice *text;
    uint32_t next = first->count;
    if (e->count == 1)
        return ovi_text_domain(type, first->text, first->count, arena, &e->domains[k], err);
    for (uint32_t i = 0; i < e->count; i++)
        all += e->from[i]->strings[k].count;
    if (all > UINT32_MAX)
        return ov_fail(err, OV_LIMIT, "more than four thousand million distinct strings in one query");
    OV_TRY(ov_arena_alloc(arena, all * sizeof(*text), &text, err));
    for (uint32_t n = 0; n < first->count; n++) {
        OV_TRY(ov_budget_alive_at(arena->budget, n + 1, err));
        text[n] = first->text[n];
    }
    for (uint32_t i = 1; i < e->count; i++) {
        const ov_strtab *t = &e->from[i]->strings[k];
        uint32_t *number, *found;
        OV_TRY(ov_arena_alloc(&e->from[i]->arena, (size_t)t->count * sizeof(*number), &number, err));
        OV_TRY(ov_arena_alloc(&e->from[i]->arena, (size_t)t->count * sizeof(*found), &found, err));
        OV_TRY(number_known(e, i, k, number, found, err));
        for (uint32_t n = 1; n < t->count; n++) {
            OV_TRY(ov_budget_alive_at(arena->budget, n, err));
            if (number[n] == OV_STRTAB_NONE) {
                text[next] = t->text[n];
                number[n] = next++;
            }
        }
        e->numbers[i][k] = number;
    }
    return ovi_text_domain(type, text, next, arena, &e->domains[k], err);
}

/* ---- a lot ---- */

/* Groups `group` of a table into that of their lot. */
static ov_status add_groups(lots_end *e, agg_state *to, uint32_t i, const uint32_t *group, uint32_t n, ov_arena *scratch, ov_error *err)
{
    const agg_spec *spec = e->spec;
    agg_state *s = e->from[i];
    uint32_t width = spec->layout.width, *number;
    uint64_t *keys;
    OV_TRY(ov_arena_alloc(scratch, (size_t)n * width * 8, &keys, err));
    OV_TRY(ov_arena_alloc(scratch, (size_t)n * sizeof(*number), &number, err));
    for (uint32_t g = 0; g < n; g++)
        memcpy(keys + (size_t)g * width, s->groups.keys + (size_t)group[g] * width, (size_t)width * 8);
    ovi_keys_renumber(&spec->layout, e->numbers[i], keys, n, NULL);
    OV_TRY(ovi_groups_find(&to->groups, keys, n, number, err));
    for (uint32_t k = 0; k < spec->acc_count; k++) {
        OV_TRY(ov_acc_reserve(&to->accs[k], to->groups.count, err));
        if (!ovi_is_set(&spec->accs[k]))
            OV_TRY(ov_acc_merge(&to->accs[k], &s->accs[k], group, number, n, NULL, err));
    }
    for (uint32_t g = 0; spec->has_sets && g < n; g++)
        e->tables[i].to[group[g]] = number[g];
    return OV_OK;
}

static ov_status add_values(lots_end *e, agg_state *to, uint32_t i, uint32_t acc, uint32_t lot, ov_error *err)
{
    const table_lots *t = &e->tables[i];
    const table_set *set = &t->sets[acc];
    uint32_t group[SOME];
    for (size_t at = set->start[lot], end = set->start[lot + 1]; at < end; at += SOME) {
        size_t n = OV_MIN(end - at, (size_t)SOME);
        OV_TRY(ov_query_alive(e->spec->exec->cx, err));
        for (size_t v = 0; v < n; v++)
            group[v] = t->to[set->group[at + v]];
        OV_TRY(ov_distinct_add_pairs(&to->accs[acc].set, group, set->value + at, n, to->accs[acc].n, err));
    }
    return OV_OK;
}

/* What one state has of a lot. */
static ov_status add_state(lots_end *e, agg_state *to, uint32_t i, uint32_t lot, ovi_worker *w, ov_error *err)
{
    const agg_spec *spec = e->spec;
    const table_lots *t = &e->tables[i];
    for (size_t at = t->start[lot], end = t->start[lot + 1]; at < end; at += SOME) {
        OV_TRY(ovi_next_batch(w, err));
        OV_TRY(add_groups(e, to, i, t->group + at, (uint32_t)OV_MIN(end - at, (size_t)SOME), &w->scratch, err));
    }
    for (uint32_t k = 0; k < spec->acc_count; k++)
        if (ovi_is_set(&spec->accs[k]))
            OV_TRY(add_values(e, to, i, k, lot, err));
    OV_TRY(ovi_next_batch(w, err));
    return ovi_lots_add_chunks(to, spec, e->from[i]->lots->rows.lot[lot], i ? e->numbers[i] : NULL, &e->rows[w->number], &w->scratch, err);
}

static ov_status open_fold(agg_state *s, lot_rows *rows, const agg_spec *spec, ov_error *err)
{
    if (!s->ready) {
        OV_TRY(ovi_agg_state_init(s, spec, err));
        OV_TRY(ovi_lot_rows_make(spec, &s->arena, rows, err));
    }
    ovi_groups_clear(&s->groups);
    for (uint32_t k = 0; k < spec->acc_count; k++) {
        s->accs[k].sparse = true;
        ov_acc_reset(&s->accs[k]);
    }
    return OV_OK;
}

static ov_status do_lot(void *self, ovi_worker *w, size_t lot, ov_error *err)
{
    lots_end *e = self;
    agg_state *s = &e->fold[w->number];
    if (ovi_done(e->sink) || e->before[lot] == e->before[lot + 1])
        return OV_OK;
    OV_TRY(open_fold(s, &e->rows[w->number], e->spec, err));
    for (uint32_t i = 0; i < e->count; i++)
        OV_TRY(add_state(e, s, i, (uint32_t)lot, w, err));
    OV_TRY(ovi_lots_add_rest(s, e->spec, &e->rows[w->number], &w->scratch, err));
    ov_accs_settle(s->accs, e->spec->acc_count);
    return ovi_agg_emit_part(s, e->spec, e->domains, e->spec->exec->ordinal + e->before[lot], w, e->sink, err);
}

/* ---- all of them ---- */

static void count_rows(lots_end *e)
{
    uint64_t sum = 0;
    for (uint32_t p = 0; p <= OVI_LOTS; p++) {
        e->before[p] = sum;
        for (uint32_t i = 0; p < OVI_LOTS && i < e->count; i++)
            sum += e->from[i]->lots->rows.lot_rows[p] + e->tables[i].start[p + 1] - e->tables[i].start[p];
    }
}

static ov_status emit_all(void *self, ovi_sink *sink, ov_error *err)
{
    lots_end *e = self;
    ovi_exec *x = e->spec->exec;
    e->sink = sink;
    OV_TRY(ovi_share(x, e->count, false, order_table, e, err));
    for (uint32_t k = 0; k < e->spec->layout.count; k++)
        if (ovi_key_is_text(&e->spec->layout, k))
            OV_TRY(number_texts(e, k, err));
    count_rows(e);
    OV_TRY(ovi_share(x, OVI_LOTS, false, do_lot, e, err));
    x->ordinal += e->before[OVI_LOTS];
    return OV_OK;
}

ov_status ovi_lots_emit(const agg_spec *spec, agg_state **states, uint32_t count, ovi_sink *sink, ov_error *err)
{
    ovi_exec *x = spec->exec;
    ov_arena *arena = &states[0]->arena;
    size_t keys = (size_t)spec->layout.count + 1;
    lots_end *e;
    ov_status st;
    OV_TRY(ov_arena_zalloc(arena, sizeof(*e), &e, err));
    e->spec = spec;
    e->from = states;
    e->count = count;
    OV_TRY(ov_arena_zalloc(arena, count * sizeof(*e->tables), &e->tables, err));
    OV_TRY(ov_arena_zalloc(arena, count * sizeof(*e->numbers), &e->numbers, err));
    for (uint32_t i = 0; i < count; i++)
        OV_TRY(ov_arena_zalloc(arena, keys * sizeof(**e->numbers), &e->numbers[i], err));
    OV_TRY(ov_arena_zalloc(arena, keys * sizeof(*e->domains), &e->domains, err));
    OV_TRY(ov_arena_zalloc(arena, x->worker_count * sizeof(*e->fold), &e->fold, err));
    OV_TRY(ov_arena_zalloc(arena, x->worker_count * sizeof(*e->rows), &e->rows, err));
    st = ovi_agg_in_order(spec, sink, emit_all, e, err);
    for (unsigned i = 0; i < x->worker_count; i++)
        ovi_agg_state_fini(&e->fold[i], spec);
    return st;
}
