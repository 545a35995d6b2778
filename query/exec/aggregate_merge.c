/*
 * The end of AGGREGATE: workers' tables become one result.
 *
 * join    one table takes in another one: its groups are looked up, and most of them are new where there are many, so everything that the
 *         first has grows. The way where groups must come in order, and what the other is tested against
 * match   two tables stay apart. All workers look up groups of the second in the first, a stretch of them each; those that are found are
 *         added to their partners, which are no one else's, and the rest goes out of the second table as it is
 *
 * The last two tables' sets of which only the size is asked for are joined by neither way: what the first one lacks is counted, by all workers.
 *
 * With more than two workers, tables are joined in pairs, side by side, until two are left.
 */
#include "query/exec/aggregate.h"

#include "base/bits.h"

enum {
    STRETCH = 1 << 13, /* groups, or places of tables, that a worker takes at a time */
    ALONE = 4,         /* fewer stretches are done faster than helpers wake up */
};

static size_t stretches(size_t places)
{
    return (places + STRETCH - 1) / STRETCH;
}

static ov_status share_out(const agg_spec *spec, size_t places, ovi_piece_fn fn, void *self, ov_error *err)
{
    bool alone = stretches(places) < ALONE && !spec->exec->cx->options.workers;
    return ovi_share(spec->exec, stretches(places), alone, fn, self, err);
}

void ovi_keys_renumber(const ovi_key_layout *l, uint32_t *const *numbers, uint64_t *keys, uint32_t n, uint64_t *live)
{
    for (uint32_t k = 0; k < l->count; k++) {
        const ovi_key_field *f = &l->fields[k];
        for (uint32_t g = 0; numbers[k] && g < n; g++) {
            uint64_t *word = keys + (size_t)g * l->width + f->word;
            uint32_t number = numbers[k][*word >> f->shift & UINT32_MAX];
            *word = (*word & ~((uint64_t)UINT32_MAX << f->shift)) | (uint64_t)number << f->shift;
            if (live && number == OV_STRTAB_NONE)
                ov_bits_clear(live, g);
        }
    }
}

/* n of src's key rows from `at` on, with the numbers that texts have elsewhere. */
static void translate_keys(const agg_state *src, const agg_spec *spec, uint32_t *const *numbers, uint32_t at, uint32_t n,
                           uint64_t *keys, uint64_t *live)
{
    uint32_t width = spec->layout.width;
    memcpy(keys, src->groups.keys + (size_t)at * width, (size_t)n * width * 8);
    ovi_keys_renumber(&spec->layout, numbers, keys, n, live);
}

/* ---- what the smaller table has, looked up in the other one by all workers ---- */

typedef struct matching {
    const agg_spec *spec;
    agg_state *dst, *src;
    uint32_t **numbers; /* per text key: dst's number of each of src's texts */
    uint32_t *map;      /* dst's group of each of src's, or OVI_NO_GROUP */
    uint32_t *from, *to; /* by stretch of groups: those that have a partner, and behind them those without */
    uint32_t *found;     /* by stretch */
    /* of the part at hand */
    const ov_strtab *ours, *theirs;
    uint32_t *number;
    uint32_t acc;
    const ov_distinct *sets[2]; /* dst's and src's */
    uint32_t *partner;          /* dst's group of each of src's, as their sets number them */
    size_t ids;                 /* of dst's */
    uint64_t **counts;          /* by worker: what sets of dst's groups lack, by dst's ids */
} matching;

static ov_status find_strings(void *self, ovi_worker *w, size_t piece, ov_error *err)
{
    matching *m = self;
    size_t from = piece * STRETCH;
    (void)w, (void)err;
    ov_strtab_find_slots(m->ours, m->theirs, from, OV_MIN(from + STRETCH, (size_t)m->theirs->slot_count), m->number);
    return OV_OK;
}

/* The number that each of theirs has in ours, in memory of the run. */
static ov_status match_strings(matching *m, const ov_strtab *ours, const ov_strtab *theirs, uint32_t **number, ov_error *err)
{
    OV_TRY(ov_arena_alloc(&m->src->arena, (size_t)theirs->count * sizeof(**number), number, err));
    (*number)[0] = 0; /* NULL */
    m->ours = ours;
    m->theirs = theirs;
    m->number = *number;
    return share_out(m->spec, theirs->slot_count, find_strings, m, err);
}

/* Is the set that of the dense level? Then groups have other numbers in it. */
static bool stays_dense(const agg_state *s, uint32_t acc)
{
    return s->dense_sets.stay && s->dense_sets.stay[acc];
}

static const ov_distinct *set_of(const agg_state *s, uint32_t acc)
{
    return stays_dense(s, acc) ? &s->dense.accs[acc].set : &s->accs[acc].set;
}

/* The number that a group's values have in the set: groups without one get numbers behind all that are there. */
static uint32_t id_of(const agg_state *s, uint32_t acc, uint32_t group)
{
    if (!stays_dense(s, acc))
        return group;
    uint32_t id = group < s->dense_sets.groups ? s->dense_sets.id[group] : OVI_NONE; /* others came later */
    return id == OVI_NONE ? s->dense_sets.ids + group : id;
}

static uint32_t group_of(const agg_state *s, uint32_t acc, uint32_t id)
{
    if (!stays_dense(s, acc))
        return id;
    return id < s->dense_sets.ids ? s->dense_sets.group[id] : id - s->dense_sets.ids;
}

static ov_status match_ids(matching *m, ov_error *err)
{
    const agg_state *src = m->src, *dst = m->dst;
    uint32_t n = src->groups.count, ids = n + (stays_dense(src, m->acc) ? src->dense_sets.ids : 0);
    OV_TRY(ov_arena_alloc(&m->src->arena, ((size_t)ids + 1) * sizeof(*m->partner), &m->partner, err));
    m->ids = (size_t)dst->groups.count + (stays_dense(dst, m->acc) ? dst->dense_sets.ids : 0);
    for (uint32_t g = 0; g < n; g++) {
        OV_TRY(ov_budget_alive_at(&dst->budget, g + 1, err));
        m->partner[id_of(src, m->acc, g)] = m->map[g] == OVI_NO_GROUP ? OV_NO_PARTNER : id_of(dst, m->acc, m->map[g]);
    }
    return OV_OK;
}

static ov_status count_values(void *self, ovi_worker *w, size_t piece, ov_error *err)
{
    matching *m = self;
    size_t from = piece * STRETCH, to = OV_MIN(from + STRETCH, ov_distinct_places(m->sets[1]));
    uint64_t **mine = &m->counts[w->number];
    if (!*mine)
        OV_TRY(ov_array_grow(&m->dst->budget, mine, 0, m->ids * sizeof(**mine), err));
    ov_distinct_count_missing(m->sets[0], m->sets[1], m->partner, m->number, from, to, *mine);
    return OV_OK;
}

/* The sets of dst's groups are as large as those of both; they do not have the values. */
static ov_status count_sets(matching *m, ov_error *err)
{
    const ovi_exec *x = m->spec->exec;
    uint64_t *n = m->dst->accs[m->acc].n;
    ov_status st;
    m->sets[0] = set_of(m->dst, m->acc);
    m->sets[1] = set_of(m->src, m->acc);
    if (ov_distinct_used(m->sets[1]) == 0 || m->dst->groups.count == 0)
        return OV_OK;
    m->number = NULL;
    if (ov_distinct_of_text(m->sets[1]))
        OV_TRY(match_strings(m, m->sets[0]->strings, m->sets[1]->strings, &m->number, err));
    OV_TRY(match_ids(m, err));
    OV_TRY(ov_arena_zalloc(&m->src->arena, x->worker_count * sizeof(*m->counts), &m->counts, err));
    st = share_out(m->spec, ov_distinct_places(m->sets[1]), count_values, m, err);
    for (unsigned i = 0; i < x->worker_count; i++) {
        for (uint32_t id = 0; st == OV_OK && m->counts[i] && id < m->ids; id++) {
            if (m->counts[i][id])
                n[group_of(m->dst, m->acc, id)] += m->counts[i][id];
            st = ov_budget_alive_at(&m->dst->budget, id + 1, err);
        }
        ov_array_free(&m->dst->budget, &m->counts[i], m->ids * sizeof(**m->counts));
    }
    return st;
}

/* ---- join ---- */

/* dst's number of each of src's strings, key by key; keys that are no strings have none. */
static ov_status number_strings(agg_state *dst, const agg_state *src, const agg_spec *spec, uint32_t **numbers,
                                ov_error *err)
{
    ov_budget *budget = src->groups.budget;
    for (uint32_t k = 0; k < spec->layout.count; k++) {
        if (!ovi_key_is_text(&spec->layout, k))
            continue;
        OV_TRY(ov_array_grow(budget, &numbers[k], 0, (size_t)src->strings[k].count * 4, err));
        OV_TRY(ov_strtab_take(&dst->strings[k], &src->strings[k], true, numbers[k], err));
    }
    return OV_OK;
}

static ov_status merge_accs(agg_state *dst, agg_state *src, const agg_spec *spec, bool last, const uint32_t *from,
                            uint32_t *to, ov_error *err)
{
    matching m = {.spec = spec, .dst = dst, .src = src, .map = to};
    for (uint32_t i = 0; i < spec->acc_count; i++) {
        OV_TRY(ov_query_alive(spec->exec->cx, err));
        ov_acc_settle(&src->accs[i]);
        ov_acc_settle(&dst->accs[i]);
        OV_TRY(ov_acc_reserve(&dst->accs[i], dst->groups.count, err));
        m.acc = i;
        if (last && spec->accs[i].sized)
            OV_TRY(count_sets(&m, err));
        else
            OV_TRY(ov_acc_merge(&dst->accs[i], &src->accs[i], from, to, src->groups.count, to, err));
    }
    return OV_OK;
}

/* Strings of src stay with src, which lives as long as dst. last: only the sizes of sets are joined where more is not asked for. */
static ov_status join(agg_state *dst, agg_state *src, const agg_spec *spec, bool last, ov_error *err)
{
    enum { STEP_WORDS = 1 << 18 }; /* of keys between two questions whether to go on */
    ov_budget *budget = src->groups.budget;
    uint32_t n = src->groups.count, width = spec->layout.width, count = spec->layout.count;
    uint32_t step = OV_MIN(n, STEP_WORDS / OV_MAX(width, 1u) + 1), *to = NULL, **numbers = NULL;
    uint64_t *keys = NULL;
    ov_status st;
    if (n == 0)
        return OV_OK;
    size_t key_bytes = (size_t)step * width * 8, to_bytes = (size_t)n * 8, number_bytes = (count + (size_t)1) * sizeof(*numbers);
    OV_TRY_OUT(st, ov_array_grow(budget, &keys, 0, key_bytes, err));
    OV_TRY_OUT(st, ov_array_grow(budget, &to, 0, to_bytes, err));
    OV_TRY_OUT(st, ov_array_grow(budget, &numbers, 0, number_bytes, err));
    OV_TRY_OUT(st, number_strings(dst, src, spec, numbers, err));
    for (uint32_t at = 0; at < n; at += step) {
        uint32_t some = OV_MIN(n - at, step);
        OV_TRY_OUT(st, ov_query_alive(spec->exec->cx, err));
        translate_keys(src, spec, numbers, at, some, keys, NULL);
        OV_TRY_OUT(st, ovi_groups_find(&dst->groups, keys, some, to + at, err));
    }
    uint32_t *from = to + n;
    for (uint32_t i = 0; i < n; i++) {
        OV_TRY_OUT(st, ov_budget_alive_at(budget, i + 1, err));
        from[i] = i;
    }
    OV_TRY_OUT(st, merge_accs(dst, src, spec, last, from, to, err));
out:
    for (uint32_t k = 0; numbers && k < count; k++)
        if (numbers[k])
            ov_array_free(budget, &numbers[k], (size_t)src->strings[k].count * 4);
    if (numbers)
        ov_array_free(budget, &numbers, number_bytes);
    if (keys)
        ov_array_free(budget, &keys, key_bytes);
    if (to)
        ov_array_free(budget, &to, to_bytes);
    return st;
}

ov_status ovi_table_merge(agg_state *dst, agg_state *src, const agg_spec *spec, ov_error *err)
{
    return join(dst, src, spec, false, err);
}

/* ---- match ---- */

static ov_status find_groups(void *self, ovi_worker *w, size_t piece, ov_error *err)
{
    matching *m = self;
    uint32_t at = (uint32_t)(piece * STRETCH), n = OV_MIN(m->src->groups.count - at, (uint32_t)STRETCH), found = 0, rest = n;
    uint64_t *keys, *live;
    OV_TRY(ov_arena_alloc(&w->scratch, (size_t)n * m->spec->layout.width * 8, &keys, err));
    OV_TRY(ov_arena_alloc(&w->scratch, (ov_words(n) + 1) * 8, &live, err));
    ov_bits_fill(live, n, true);
    translate_keys(m->src, m->spec, m->numbers, at, n, keys, live);
    ovi_groups_lookup(&m->dst->groups, keys, live, n, m->map + at);
    for (uint32_t g = 0; g < n; g++) {
        if (m->map[at + g] == OVI_NO_GROUP) {
            m->from[at + --rest] = at + g;
            continue;
        }
        m->from[at + found] = at + g;
        m->to[at + found++] = m->map[at + g];
    }
    m->found[piece] = found;
    return OV_OK;
}

/* One accumulator's states of the groups of a stretch that have partners. */
static ov_status merge_found(void *self, ovi_worker *w, size_t piece, ov_error *err)
{
    matching *m = self;
    size_t at = piece * STRETCH;
    (void)w;
    if (m->found[piece] == 0)
        return OV_OK;
    return ov_acc_merge(&m->dst->accs[m->acc], &m->src->accs[m->acc], m->from + at, m->to + at, m->found[piece], m->map, err);
}

static ov_status match_acc(matching *m, uint32_t acc, ov_error *err)
{
    const agg_acc_spec *a = &m->spec->accs[acc];
    m->acc = acc;
    if (ov_acc_merges_apart(&a->acc))
        return share_out(m->spec, m->src->groups.count, merge_found, m, err);
    if (a->sized)
        return count_sets(m, err);
    if (ovi_is_set(a))
        return ov_acc_merge(&m->dst->accs[acc], &m->src->accs[acc], NULL, NULL, 0, m->map, err);
    for (size_t i = 0; i < stretches(m->src->groups.count); i++) {
        OV_TRY(ov_query_alive(m->spec->exec->cx, err));
        OV_TRY(merge_found(m, &m->spec->exec->workers[0], i, err));
    }
    return OV_OK;
}

/* from[] without those that have a partner. */
static ov_status those_left(const matching *m, uint32_t *count, ov_error *err)
{
    uint32_t n = m->src->groups.count, left = 0;
    for (uint32_t at = 0, i = 0; at < n; at += STRETCH, i++) {
        OV_TRY(ov_query_alive(m->spec->exec->cx, err));
        for (uint32_t g = at + m->found[i]; g < OV_MIN(at + STRETCH, n); g++)
            m->from[left++] = m->from[g];
    }
    *count = left;
    return OV_OK;
}

ov_status ovi_table_match(agg_state *dst, agg_state *src, const agg_spec *spec, uint32_t **rest, uint32_t *rest_count, ov_error *err)
{
    matching m = {.spec = spec, .dst = dst, .src = src};
    ov_arena *arena = &src->arena;
    size_t n = src->groups.count;
    OV_TRY(ov_arena_zalloc(arena, ((size_t)spec->layout.count + 1) * sizeof(*m.numbers), &m.numbers, err));
    OV_TRY(ov_arena_alloc(arena, (n + 1) * sizeof(*m.map), &m.map, err));
    OV_TRY(ov_arena_alloc(arena, (n + 1) * sizeof(*m.from), &m.from, err));
    OV_TRY(ov_arena_alloc(arena, (n + 1) * sizeof(*m.to), &m.to, err));
    OV_TRY(ov_arena_alloc(arena, (stretches(n) + 1) * sizeof(*m.found), &m.found, err));
    for (uint32_t k = 0; k < spec->layout.count; k++)
        if (ovi_key_is_text(&spec->layout, k))
            OV_TRY(match_strings(&m, &dst->strings[k], &src->strings[k], &m.numbers[k], err));
    OV_TRY(share_out(spec, n, find_groups, &m, err));
    for (uint32_t i = 0; i < spec->acc_count; i++)
        OV_TRY(match_acc(&m, i, err));
    *rest = m.from;
    return those_left(&m, rest_count, err);
}

/* ---- all of them ---- */

typedef struct joining {
    const agg_spec *spec;
    agg_state **tables;
    uint32_t count, half;
    bool last; /* sets are not joined */
} joining;

static ov_status empty_dense(void *self, ovi_worker *w, size_t i, ov_error *err)
{
    joining *j = self;
    (void)w;
    OV_TRY(j->last ? ovi_dense_end(j->tables[i], j->spec, err) : ovi_dense_flush(j->tables[i], j->spec, err));
    ov_accs_settle(j->tables[i]->accs, j->spec->acc_count);
    return OV_OK;
}

static ov_status join_pair(void *self, ovi_worker *w, size_t i, ov_error *err)
{
    joining *j = self;
    (void)w;
    return ovi_table_merge(j->tables[i], j->tables[i + j->half], j->spec, err);
}

/* What it takes to look everything up, about. */
static size_t size_of(const agg_state *s, const agg_spec *spec)
{
    size_t size = s->groups.count + s->dense.groups;
    for (uint32_t i = 0; i < spec->acc_count; i++)
        if (ovi_is_set(&spec->accs[i]))
            size += ov_distinct_used(&s->accs[i].set) + ov_distinct_used(&s->dense.accs[i].set); /* emptied or left there */
    return size;
}

ov_status ovi_tables_join(const agg_spec *spec, agg_state **tables, uint32_t count, uint32_t most, uint32_t *left, ov_error *err)
{
    joining j = {.spec = spec, .tables = tables, .last = count <= 2 && !spec->general};
    size_t size = 0;
    for (uint32_t i = 0; i < count; i++)
        size += size_of(tables[i], spec);
    bool alone = stretches(size) < ALONE && !spec->exec->cx->options.workers;
    OV_TRY(ovi_share(spec->exec, count, alone, empty_dense, &j, err));
    for (; count > 2; count = j.half) { /* a table in the middle may have nobody to join with */
        j.half = OV_MAX((count + 1) / 2, 2);
        OV_TRY(ovi_share(spec->exec, count - j.half, alone, join_pair, &j, err));
    }
    if (count == 2 && size_of(tables[0], spec) < size_of(tables[1], spec)) { /* the smaller one is looked up in the larger one */
        agg_state *smaller = tables[0];
        tables[0] = tables[1];
        tables[1] = smaller;
    }
    if (count == 2 && most == 1)
        OV_TRY(join(tables[0], tables[1], spec, !spec->general, err));
    *left = OV_MIN(count, most);
    return OV_OK;
}
