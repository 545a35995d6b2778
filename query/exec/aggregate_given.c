/*
 * Keys that follow from another key of the dense level. A segment may know that a column's code gives another column's (storage,
 * GIVEN). A key that follows adds nothing to a group's number: its value is looked up when dense groups go to the table. Two
 * segments may disagree, so a layout is for one table of codes.
 */
#include "query/exec/aggregate.h"

enum { MOST_KEYS = 8 }; /* each is asked about each other one, once a segment */

static const ov_vec_origin *origin_of(const ov_vec *v)
{
    return v->enc == OV_ENC_DICT && v->origin && v->origin->dict == v->dict ? v->origin : NULL;
}

/* The buffer that the layout in use does not need. */
static uint32_t **spare(dense_given *g, const dense_key *key, uint32_t **cap)
{
    unsigned i = key->how == DENSE_GIVEN && key->table == g->buffer[0];
    *cap = &g->cap[i];
    return &g->buffer[i];
}

/* Whether key j gives key k; then g->table is what. */
static ov_status ask(agg_state *s, uint32_t k, uint32_t j, bool *known, ov_error *err)
{
    dense_given *g = &s->dense.given[k];
    const dense_key *key = &s->dense.keys[k];
    const ov_vec_origin *of = g->origin, *by = s->dense.given[j].origin;
    uint32_t *cap, **buffer = spare(g, key, &cap), n = by->dict->count;
    if (*cap < n) {
        OV_TRY(ov_array_grow(s->groups.budget, buffer, *cap * sizeof(**buffer), n * sizeof(**buffer), err));
        *cap = n;
    }
    OV_TRY(ov_column_given_codes(of->column, by->column, *buffer, n, known, err));
    if (!*known)
        return OV_OK;
    bool same = s->dense.on && key->how == DENSE_GIVEN && key->by == j && s->dense.keys[j].domain->id == by->dict->id &&
                memcmp(key->table, *buffer, n * sizeof(**buffer)) == 0;
    g->table = same ? key->table : *buffer;
    return OV_OK;
}

/* A new segment: who follows from whom. Who gives follows from nobody. */
static ov_status find(agg_state *s, uint32_t count, ov_error *err)
{
    dense_given *g = s->dense.given;
    bool gives[MOST_KEYS] = {false};
    for (uint32_t k = 0; k < count; k++)
        g[k].by = OVI_NONE;
    for (uint32_t k = 0; k < count; k++)
        for (uint32_t j = 0; j < count && g[k].by == OVI_NONE && !gives[k]; j++) {
            bool known = false;
            if (j == k || g[j].by != OVI_NONE || !g[k].origin || !g[j].origin || g[k].origin->rows != g[j].origin->rows)
                continue;
            OV_TRY(ask(s, k, j, &known, err));
            if (known) {
                g[k].by = j;
                gives[j] = true;
            }
        }
    return OV_OK;
}

ov_status ovi_given_keys(agg_state *s, const agg_spec *spec, const ov_vec *keys, ov_error *err)
{
    uint32_t count = spec->layout.count;
    bool known = true;
    if (count < 2 || count > MOST_KEYS)
        return OV_OK;
    for (uint32_t k = 0; k < count; k++) {
        const ov_vec_origin *origin = origin_of(&keys[k]);
        known = known && s->dense.given[k].origin == origin;
        s->dense.given[k].origin = origin;
    }
    return known ? OV_OK : find(s, count, err);
}

void ovi_given_free(agg_state *s, uint32_t count)
{
    for (uint32_t k = 0; s->dense.given && k < count; k++)
        for (unsigned i = 0; i < 2; i++)
            ov_array_free(s->groups.budget, &s->dense.given[k].buffer[i],
                          s->dense.given[k].cap[i] * sizeof(*s->dense.given[k].buffer[i]));
}
