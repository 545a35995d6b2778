/*
 * Emptying the dense level of AGGREGATE into its table: the keys of groups that exist by value, then their states.
 */
#include "query/exec/aggregate.h"

enum { FLUSH_ROWS = 1024 }; /* groups whose keys are looked up at a time */

/* The code that key k, which is no slow one, has in a group. */
static uint32_t code_of(const agg_dense *d, uint32_t k, uint32_t group)
{
    const dense_key *key = &d->keys[k], *by = key->how == DENSE_GIVEN ? &d->keys[key->by] : key;
    uint32_t code = group % d->fast_size;
    if (d->pattern.on)
        code = d->pattern.code_of[code];
    code = code / by->stride % by->card;
    return key->how == DENSE_GIVEN ? key->table[code] : code;
}

/* Texts of some groups get their numbers at once, so that what has to be looked up is fetched together. */
static ov_status number_texts(agg_state *s, const agg_spec *spec, const uint32_t *group, uint32_t n, ov_error *err)
{
    uint32_t code[FLUSH_ROWS], *map;
    for (uint32_t k = 0; k < spec->layout.count; k++) {
        const dense_key *key = &s->dense.keys[k];
        if (key->how == DENSE_SLOW || key->how == DENSE_RANGE || !ovi_key_is_text(&spec->layout, k))
            continue;
        for (uint32_t i = 0; i < n; i++)
            code[i] = code_of(&s->dense, k, group[i]);
        OV_TRY(ov_strmap_of(&s->maps[k], &s->strings[k], key->domain, &map, err));
        OV_TRY(ov_strmap_fill_all(&s->strings[k], key->domain, code, n, map, err));
    }
    return OV_OK;
}

/* The fast part of a group's key row; texts have numbers. */
static ov_status fast_words(agg_state *s, const agg_spec *spec, uint32_t group, uint64_t *row, ov_error *err)
{
    const ovi_key_layout *l = &spec->layout;
    for (uint32_t k = 0; k < l->count; k++) {
        const dense_key *key = &s->dense.keys[k];
        if (key->how == DENSE_SLOW)
            continue;
        uint32_t own = code_of(&s->dense, k, group);
        if (key->how == DENSE_RANGE) {
            if (key->null_slot && own == 0)
                ovi_key_set_null(l, k, row);
            else
                ovi_key_set(l, k, row, (uint64_t)key->low + own - key->null_slot);
        } else if (ov_type_is_int(l->fields[k].type) || ov_type_is_real(l->fields[k].type)) {
            if (ov_domain_is_null(key->domain, own))
                ovi_key_set_null(l, k, row);
            else if (ov_type_is_int(l->fields[k].type))
                ovi_key_set(l, k, row, (uint64_t)ov_domain_i64(key->domain, own));
            else
                ovi_key_set(l, k, row, ovi_key_real(ov_domain_f64(key->domain, own)));
        } else {
            uint32_t *map;
            OV_TRY(ov_strmap_of(&s->maps[k], &s->strings[k], key->domain, &map, err));
            ovi_key_set(l, k, row, map[own] - 1);
        }
    }
    return OV_OK;
}

static ov_status flush_part(agg_state *s, const agg_spec *spec, const uint32_t *from, uint32_t n, uint64_t *keys,
                            uint32_t *to, ov_error *err)
{
    agg_dense *d = &s->dense;
    uint32_t width = spec->layout.width;
    OV_TRY(ov_query_alive(spec->exec->cx, err));
    OV_TRY(number_texts(s, spec, from, n, err));
    for (uint32_t i = 0; i < n; i++) {
        uint64_t *row = keys + (size_t)i * width;
        memcpy(row, d->slow.keys + (size_t)(from[i] / d->fast_size) * width, (size_t)width * 8);
        OV_TRY(fast_words(s, spec, from[i], row, err));
    }
    return ovi_groups_find(&s->groups, keys, n, to, err);
}

static bool exists(const agg_state *s, const agg_spec *spec, uint32_t g)
{
    return spec->rows_acc == OVI_NONE ? s->dense.mark[g] : s->dense.accs[spec->rows_acc].n[g] != 0;
}

/* Finds the table groups of all dense groups that exist: from[i] -> to[i], and map over all of them. */
static ov_status flush_keys(agg_state *s, const agg_spec *spec, uint32_t *from, uint32_t *to, uint32_t *map,
                            uint64_t *keys, uint32_t *count, ov_error *err)
{
    uint32_t n = 0, done = 0;
    for (uint32_t g = 0; g < s->dense.groups; g++) {
        if (exists(s, spec, g))
            from[n++] = g;
        if (n - done == FLUSH_ROWS || (g + 1 == s->dense.groups && n > done)) {
            OV_TRY(flush_part(s, spec, from + done, n - done, keys, to + done, err));
            done = n;
        }
    }
    for (uint32_t i = 0; map && i < n; i++) {
        OV_TRY(ov_budget_alive_at(&s->budget, i + 1, err));
        map[from[i]] = to[i];
    }
    *count = n;
    return OV_OK;
}

/* The dense set takes in the smaller one of the table; groups of the table have their sizes. */
static ov_status leave_set(agg_state *s, ov_acc *table, ov_acc *dense, ov_error *err)
{
    uint32_t ids = s->dense_sets.ids, groups = s->groups.count, *map;
    uint64_t *fresh = NULL;
    size_t bytes = ((size_t)ids + groups) * sizeof(*fresh);
    ov_status st;
    OV_TRY(ov_acc_reserve(table, groups, err));
    OV_TRY(ov_arena_alloc(&s->arena, ((size_t)groups + 1) * sizeof(*map), &map, err));
    for (uint32_t g = 0; g < groups; g++) {
        OV_TRY(ov_budget_alive_at(&s->budget, g + 1, err));
        map[g] = s->dense_sets.id[g] == OVI_NONE ? ids + g : s->dense_sets.id[g];
    }
    OV_TRY(ov_array_grow(&s->budget, &fresh, 0, bytes, err));
    OV_TRY_OUT(st, ov_distinct_merge(&dense->set, &table->set, map, fresh, err));
    for (uint32_t g = 0; g < groups; g++) {
        OV_TRY_OUT(st, ov_budget_alive_at(&s->budget, g + 1, err));
        table->n[g] = fresh[map[g]] + (map[g] < ids ? dense->n[map[g]] : 0);
    }
    ov_distinct_reset(&table->set);
out:
    ov_array_free(&s->budget, &fresh, bytes);
    return st;
}

/* Larger sets of which only the size is asked for stay where they are. */
static ov_status leave_sets(agg_state *s, const agg_spec *spec, const uint32_t *from, const uint32_t *to, uint32_t n, ov_error *err)
{
    agg_dense *d = &s->dense;
    uint32_t groups = s->groups.count;
    OV_TRY(ov_arena_zalloc(&s->arena, (size_t)spec->acc_count * sizeof(*s->dense_sets.stay), &s->dense_sets.stay, err));
    OV_TRY(ov_arena_zalloc(&s->arena, ((size_t)d->groups + 1) * 4, &s->dense_sets.group, err));
    OV_TRY(ov_arena_alloc(&s->arena, ((size_t)groups + 1) * 4, &s->dense_sets.id, err));
    s->dense_sets.ids = d->groups;
    s->dense_sets.groups = groups;
    memset(s->dense_sets.id, 0xff, (size_t)groups * 4);
    for (uint32_t i = 0; i < n; i++) {
        OV_TRY(ov_budget_alive_at(&s->budget, i + 1, err));
        if (s->dense_sets.id[to[i]] != OVI_NONE) /* codes of equal values, as functions leave them: sets have to be joined */
            return OV_OK;
        s->dense_sets.group[from[i]] = to[i];
        s->dense_sets.id[to[i]] = from[i];
    }
    for (uint32_t k = 0; k < spec->acc_count; k++) {
        if (!spec->accs[k].sized || ov_distinct_used(&s->accs[k].set) > ov_distinct_used(&d->accs[k].set))
            continue;
        OV_TRY(leave_set(s, &s->accs[k], &d->accs[k], err));
        s->dense_sets.stay[k] = true;
    }
    return OV_OK;
}

static ov_status flush_groups(agg_state *s, const agg_spec *spec, bool last, uint32_t *buffer, uint64_t *keys, ov_error *err)
{
    agg_dense *d = &s->dense;
    uint32_t *from = buffer, *to = buffer + d->groups, n;
    uint32_t *map = spec->has_sets ? buffer + 2 * (size_t)d->groups : NULL;
    ov_accs_settle(d->accs, spec->acc_count);
    OV_TRY(flush_keys(s, spec, from, to, map, keys, &n, err));
    if (last && spec->has_sets)
        OV_TRY(leave_sets(s, spec, from, to, n, err));
    for (uint32_t i = 0; i < spec->acc_count; i++) {
        OV_TRY(ov_query_alive(spec->exec->cx, err));
        if (s->dense_sets.stay && s->dense_sets.stay[i])
            continue;
        ov_acc_settle(&s->accs[i]);
        OV_TRY(ov_acc_reserve(&s->accs[i], s->groups.count, err));
        OV_TRY(ov_acc_merge(&s->accs[i], &d->accs[i], from, to, n, map, err));
        ov_acc_reset(&d->accs[i]);
    }
    if (d->mark)
        memset(d->mark, 0, d->mark_cap);
    return OV_OK;
}

static ov_status empty(agg_state *s, const agg_spec *spec, bool last, ov_error *err)
{
    agg_dense *d = &s->dense;
    ov_budget *budget = s->groups.budget;
    uint32_t *buffer = NULL;
    uint64_t *keys = NULL;
    if (!d->on || d->groups == 0)
        return OV_OK;
    size_t bytes = (size_t)d->groups * 4 * 3, key_bytes = (size_t)FLUSH_ROWS * spec->layout.width * 8;
    ov_status st;
    OV_TRY_OUT(st, ov_array_grow(budget, &buffer, 0, bytes, err));
    OV_TRY_OUT(st, ov_array_grow(budget, &keys, 0, key_bytes, err));
    OV_TRY_OUT(st, flush_groups(s, spec, last, buffer, keys, err));
    ovi_groups_clear(&d->slow);
    d->groups = 0;
out:
    if (buffer)
        ov_array_free(budget, &buffer, bytes);
    if (keys)
        ov_array_free(budget, &keys, key_bytes);
    return st;
}

ov_status ovi_dense_flush(agg_state *s, const agg_spec *spec, ov_error *err)
{
    return empty(s, spec, false, err);
}

ov_status ovi_dense_end(agg_state *s, const agg_spec *spec, ov_error *err)
{
    return empty(s, spec, true, err);
}
