/*
 * The dense level of AGGREGATE: which keys give codes, and where each stretch of a batch goes.
 */
#include "query/exec/aggregate.h"

#include "base/bits.h"

enum {
    RAMP_LEAST = 32,    /* shorter ramps cost more than they save */
    THRASH_MOST = 8,    /* layouts in a row that saw too few rows: the table is better */
    /* A group of the dense level is cleared, looked at when it is emptied and touches memory for the first time: about an eighth of
     * what the table takes for a row. Rows go to the table until they would have paid for all groups; small levels stay near. */
    GROUPS_A_ROW = 8,
    CHEAP_GROUPS = 1 << 12,
};

/* ---- layout ---- */

/* What one key of this batch asks for. */
typedef struct wish {
    uint8_t how;
    const ov_domain *domain;
    uint32_t by;
    const uint32_t *table;
    int64_t low, high;
} wish;

static bool bounds_of(const ov_vec *v, const uint64_t *sel, int64_t *low, int64_t *high)
{
    if (v->enc == OV_ENC_CONST) {
        *low = *high = v->c.i;
        return !v->is_null;
    }
    if (v->has_bounds) {
        /* lanes count from base: codes must not start above it, or they could not be used as they lie */
        *low = v->enc == OV_ENC_FLAT && !v->raw ? OV_MIN(v->base, v->min) : v->min;
        *high = v->max;
        return true;
    }
    if (v->enc == OV_ENC_FLAT && !v->raw && v->lane <= 2) {
        *low = v->base;
        *high = v->base + (1 << 8 * v->lane) - 1;
        return true;
    }
    if (v->enc != OV_ENC_FLAT || !v->raw)
        return false;
    const int64_t *at = v->data;
    bool any = false;
    *low = INT64_MAX;
    *high = INT64_MIN;
    for (uint32_t i = 0; i < v->rows && !v->valid && !sel; i++) {
        *low = OV_MIN(*low, at[i]);
        *high = OV_MAX(*high, at[i]);
        any = true;
    }
    for (uint32_t i = 0; i < v->rows && (v->valid || sel); i++) {
        if ((v->valid && !ov_bits_test(v->valid, i)) || (sel && !ov_bits_test(sel, i)))
            continue;
        *low = OV_MIN(*low, at[i]);
        *high = OV_MAX(*high, at[i]);
        any = true;
    }
    return any;
}

static bool is_slow(const ov_vec *v)
{
    return v->enc == OV_ENC_CONST || (v->enc == OV_ENC_RUN && v->runs <= OV_MAX(v->rows / 16, 4));
}

/* false: this vector has no small domain. */
static bool wish_of(const ov_vec *v, const uint64_t *sel, const dense_key *have, bool on, wish *w)
{
    *w = (wish){.how = DENSE_SLOW};
    bool sticky = on && have->how == DENSE_RANGE && ov_type_is_int(v->type);
    if (is_slow(v) && !sticky && !(on && (have->how == DENSE_DICT || have->how == DENSE_GIVEN) && v->enc == OV_ENC_RUN && v->child->enc == OV_ENC_DICT))
        return true;
    if (v->enc == OV_ENC_RUN && v->child->enc == OV_ENC_DICT) {
        w->how = DENSE_DICT;
        w->domain = v->child->dict;
        return true;
    }
    if (v->enc == OV_ENC_DICT) {
        w->how = DENSE_DICT;
        w->domain = v->dict;
        return true;
    }
    if (!ov_type_is_int(v->type) || v->enc == OV_ENC_LIST)
        return false;
    w->how = DENSE_RANGE;
    if (v->enc == OV_ENC_CONST && v->is_null) {
        w->low = w->high = have->low;
        return sticky;
    }
    return v->enc == OV_ENC_RUN ? bounds_of(v->child, NULL, &w->low, &w->high)
                                : bounds_of(v, sel, &w->low, &w->high);
}

static bool fits(const dense_key *have, const wish *w)
{
    if (have->how != w->how)
        return false;
    if (w->how == DENSE_GIVEN && (have->by != w->by || have->table != w->table))
        return false;
    if (w->how == DENSE_DICT || w->how == DENSE_GIVEN)
        return have->domain->id == w->domain->id;
    if (w->how == DENSE_RANGE) {
        int64_t last = (int64_t)((uint64_t)have->low + have->card - 1 - have->null_slot);
        return w->low >= have->low && w->high <= last;
    }
    return true;
}

/* The layout for these wishes into keys; the product of the codes, or UINT64_MAX when far too large. */
static uint64_t plan_keys(const agg_spec *spec, const agg_dense *d, const wish *w, dense_key *keys)
{
    uint64_t size = 1;
    for (uint32_t k = 0; k < spec->layout.count; k++) {
        dense_key *key = &keys[k];
        *key = (dense_key){.how = w[k].how, .domain = w[k].domain, .by = w[k].by, .table = w[k].table};
        if (!ovi_key_is_fast(key))
            continue;
        uint64_t card;
        if (key->how == DENSE_DICT) {
            card = OV_MAX(w[k].domain->count, 1);
        } else {
            int64_t low = w[k].low, high = w[k].high;
            if (d->on && d->keys[k].how == DENSE_RANGE) { /* grow rather than move */
                low = OV_MIN(low, d->keys[k].low);
                high = OV_MAX(high, (int64_t)((uint64_t)d->keys[k].low + d->keys[k].card - 1 -
                                              d->keys[k].null_slot));
            }
            key->low = low;
            key->null_slot = spec->layout.fields[k].null_bit != 0;
            card = (uint64_t)high - (uint64_t)low;
            if (card > UINT32_MAX / 2)
                return UINT64_MAX;
            card += 1 + key->null_slot;
        }
        key->card = (uint32_t)card;
        key->stride = (uint32_t)size;
        if (size * card > UINT32_MAX / 2)
            return UINT64_MAX;
        size *= card;
    }
    return size;
}

static ov_status set_layout(agg_state *s, const agg_spec *spec, const dense_key *keys, uint64_t size, ov_error *err)
{
    agg_dense *d = &s->dense;
    if (d->on) {
        d->thrash = d->rows < d->fast_size ? d->thrash + 1 : 0;
        OV_TRY(ovi_dense_flush(s, spec, err));
    }
    memcpy(d->keys, keys, spec->layout.count * sizeof(*keys));
    d->on = true;
    d->pattern.on = false;
    d->pattern.tries = 0;
    d->fast_size = (uint32_t)size;
    d->rows = 0;
    d->given_up = d->thrash >= THRASH_MOST;
    return OV_OK;
}

/* So many groups are worth having for the rows seen so far. */
static bool pays(const agg_state *s, const agg_batch *in, uint64_t groups)
{
    return groups <= CHEAP_GROUPS || groups / GROUPS_A_ROW <= s->rows + in->b->sel_rows;
}

/* Makes the layout fit this batch; *ok is false when it cannot. */
static ov_status fit_layout(agg_state *s, const agg_spec *spec, const agg_batch *in, ov_arena *scratch, bool *ok,
                            ov_error *err)
{
    agg_dense *d = &s->dense;
    uint32_t n = spec->layout.count;
    wish *w;
    dense_key *keys;
    bool same = d->on;
    *ok = false;
    OV_TRY(ov_arena_alloc(scratch, OV_MAX(n, 1) * sizeof(*w), &w, err));
    OV_TRY(ovi_given_keys(s, spec, in->keys, err));
    for (uint32_t k = 0; k < n; k++) {
        const dense_given *g = &d->given[k];
        if (g->by != OVI_NONE)
            w[k] = (wish){.how = DENSE_GIVEN, .domain = g->origin->dict, .by = g->by, .table = g->table};
        else if (!wish_of(&in->keys[k], in->b->sel, &d->keys[k], d->on, &w[k]))
            return OV_OK;
        if (spec->by_order && w[k].domain && !w[k].domain->unique) /* codes of one value are groups of their own until the table is emptied */
            return OV_OK;
        same = same && fits(&d->keys[k], &w[k]);
    }
    *ok = true;
    if (same)
        return OV_OK;
    OV_TRY(ov_arena_alloc(scratch, OV_MAX(n, 1) * sizeof(*keys), &keys, err));
    uint64_t size = plan_keys(spec, d, w, keys);
    *ok = size <= spec->dense_limit && pays(s, in, size);
    return *ok ? set_layout(s, spec, keys, size, err) : OV_OK;
}

/* ---- codes of the fast keys ---- */

/* Adds stride * code of key k to sum. */
static ov_status add_codes(const dense_key *key, const ov_vec *v, ov_arena *scratch, uint32_t *sum, ov_error *err)
{
    uint32_t rows = v->rows, stride = key->stride;
    if (v->enc == OV_ENC_RUN && v->child->enc == OV_ENC_DICT) {
        for (uint32_t r = 0, i = 0; r < v->runs; r++)
            for (uint32_t code = ov_vec_code(v->child, r) * stride; i < v->run_end[r]; i++)
                sum[i] += code;
        return OV_OK;
    }
    if (key->how == DENSE_DICT) {
        const uint32_t *code;
        OV_TRY(ov_vec_codes32(v, scratch, &code, err));
        for (uint32_t i = 0; i < rows; i++)
            sum[i] += code[i] * stride;
        return OV_OK;
    }
    ov_vec flat;
    OV_TRY(ov_vec_flatten(v, scratch, &flat, err));
    const int64_t *x = flat.data;
    for (uint32_t i = 0; i < rows; i++) {
        bool null = flat.valid && !ov_bits_test(flat.valid, i);
        uint32_t code = null ? 0 : (uint32_t)((uint64_t)x[i] - (uint64_t)key->low) + key->null_slot;
        sum[i] += code * stride;
    }
    return OV_OK;
}

/* A single fast key whose lanes are its codes as they lie. */
static bool direct_codes(const dense_key *key, const ov_vec *v, agg_codes *out)
{
    *out = (agg_codes){.data = v->data, .lane = v->lane, .direct = true, .stored = v->stats != NULL};
    if (key->how == DENSE_DICT && v->enc == OV_ENC_DICT) {
        out->offset = (uint32_t)v->base;
        return true;
    }
    if (key->how == DENSE_RANGE && v->enc == OV_ENC_FLAT && !v->raw && v->lane <= 4 && !v->valid) {
        out->offset = (uint32_t)((uint64_t)v->base - (uint64_t)key->low) + key->null_slot;
        return true;
    }
    *out = (agg_codes){.lane = 1};
    return false;
}

/* Rows that are not selected may lie outside the bounds that were looked at: their codes must not be used as
 * they are. Only raw numbers without bounds have this. */
static void clamp_codes(uint32_t *sum, const agg_batch *in, uint32_t fast_size)
{
    for (uint32_t i = 0; i < in->b->rows; i++)
        if (sum[i] >= fast_size)
            sum[i] = 0;
}

static ov_status fast_codes(agg_state *s, const agg_spec *spec, const agg_batch *in, ov_arena *scratch, agg_codes *out,
                            ov_error *err)
{
    const agg_dense *d = &s->dense;
    uint32_t fast = 0, last = 0;
    *out = (agg_codes){.lane = 1};
    for (uint32_t k = 0; k < spec->layout.count; k++)
        if (ovi_key_is_fast(&d->keys[k])) {
            fast++;
            last = k;
        }
    if (fast == 0 || (fast == 1 && direct_codes(&d->keys[last], &in->keys[last], out)))
        return OV_OK;
    uint32_t *sum;
    OV_TRY(ov_arena_lanes(scratch, ((size_t)in->b->rows + 64) * 4, &sum, err));
    memset(sum, 0, (size_t)in->b->rows * 4);
    for (uint32_t k = 0; k < spec->layout.count; k++)
        if (ovi_key_is_fast(&d->keys[k]))
            OV_TRY(add_codes(&d->keys[k], &in->keys[k], scratch, sum, err));
    if (in->b->sel)
        clamp_codes(sum, in, d->fast_size);
    *out = (agg_codes){.data = sum, .lane = 4};
    return OV_OK;
}

/* ---- pieces ---- */

typedef struct piece_list {
    ov_agg_piece *at;
    uint32_t count;
    uint32_t *places; /* codes of rows that do not follow the pattern, as places; NULL when codes are places */
} piece_list;

static void add_codes_piece(const agg_pattern *p, const agg_codes *c, uint32_t from, uint32_t to, uint32_t group,
                            piece_list *list)
{
    ov_agg_piece *last = list->count ? &list->at[list->count - 1] : NULL;
    for (uint32_t i = from; list->places && i < to; i++)
        list->places[i] = p->place[ovi_code_at(c, i)];
    if (last && last->kind == OV_PIECE_CODES && last->to == from && last->group == group)
        last->to = to;
    else
        list->at[list->count++] = (ov_agg_piece){.from = from, .to = to, .group = group, .kind = OV_PIECE_CODES};
}

/* Cuts [from, to) into rows that follow the pattern and the rest. group: of place or code 0. */
static void add_pieces(agg_pattern *p, const agg_codes *c, uint32_t from, uint32_t to, uint32_t group,
                       piece_list *list)
{
    uint32_t codes_group = list->places ? group : group + c->offset;
    if (!p->on) {
        add_codes_piece(p, c, from, to, codes_group, list);
        return;
    }
    while (from < to) {
        uint32_t place, n = ovi_pattern_follow(p, c, from, to, &place);
        if (n >= OV_MIN(RAMP_LEAST, to - from) && n > 0) {
            list->at[list->count++] = (ov_agg_piece){
                .from = from, .to = from + n, .group = group, .first = place, .kind = OV_PIECE_RAMP};
        } else {
            n = OV_MIN(to - from, RAMP_LEAST);
            add_codes_piece(p, c, from, from + n, codes_group, list);
        }
        from += n;
    }
}

static ov_status make_pieces(agg_state *s, const agg_batch *in, const agg_codes *c, const agg_stretch *stretches,
                             uint32_t count, ov_arena *scratch, ov_agg_rows *rows, ov_error *err)
{
    agg_dense *d = &s->dense;
    piece_list list = {0};
    /* a piece has at least RAMP_LEAST rows, or ends with its stretch or with the pattern */
    size_t most = 2 * (size_t)count + 3 * (size_t)in->b->rows / RAMP_LEAST + 4;
    OV_TRY(ov_arena_alloc(scratch, most * sizeof(*list.at), &list.at, err));
    bool by_place = d->pattern.on && !d->pattern.identity && c->data;
    if (by_place)
        OV_TRY(ov_arena_lanes(scratch, ((size_t)in->b->rows + 64) * 4, &list.places, err));
    for (uint32_t i = 0, from = 0; i < count; from = stretches[i++].end) {
        uint32_t group = stretches[i].slow * d->fast_size;
        if (d->fast_size == 1 || !c->data)
            list.at[list.count++] =
                (ov_agg_piece){.from = from, .to = stretches[i].end, .group = group, .kind = OV_PIECE_ONE};
        else
            add_pieces(&d->pattern, c, from, stretches[i].end, group, &list);
    }
    *rows = (ov_agg_rows){.rows = in->b->rows,
                          .pieces = list.at,
                          .piece_count = list.count,
                          .codes = by_place ? list.places : c->data,
                          .code_lane = by_place ? 4 : c->lane,
                          .weight = in->b->weight,
                          .ordinal = in->ordinal};
    return OV_OK;
}

/* The one fast key, when it lies in few runs whose codes are groups as they are; else NULL. */
static const ov_vec *key_in_runs(const agg_dense *d, const agg_spec *spec, const agg_batch *in)
{
    const ov_vec *found = NULL;
    for (uint32_t k = 0; k < spec->layout.count; k++) {
        if (!ovi_key_is_fast(&d->keys[k]))
            continue;
        if (found || d->keys[k].how != DENSE_DICT)
            return NULL;
        found = &in->keys[k];
    }
    bool moved = d->pattern.on && !d->pattern.identity; /* groups are not where codes say */
    return found && found->enc == OV_ENC_RUN && is_slow(found) && !moved ? found : NULL;
}

/* A piece for each run of v within each stretch: no row's code is looked at. */
static ov_status make_run_pieces(const agg_state *s, const agg_batch *in, const ov_vec *v, const agg_stretch *stretches, uint32_t count,
                                 ov_arena *scratch, ov_agg_rows *rows, ov_error *err)
{
    ov_agg_piece *at;
    uint32_t n = 0;
    OV_TRY(ov_arena_alloc(scratch, ((size_t)count + v->runs) * sizeof(*at), &at, err));
    for (uint32_t i = 0, r = 0, from = 0; i < count; from = at[n++].to) {
        uint32_t to = OV_MIN(stretches[i].end, (uint32_t)v->run_end[r]);
        at[n] = (ov_agg_piece){.from = from,
                               .to = to,
                               .group = stretches[i].slow * s->dense.fast_size + ov_vec_code(v->child, r),
                               .kind = OV_PIECE_ONE};
        i += to == stretches[i].end;
        r += to == v->run_end[r];
    }
    *rows = (ov_agg_rows){
        .rows = in->b->rows, .pieces = at, .piece_count = n, .code_lane = 1, .weight = in->b->weight, .ordinal = in->ordinal};
    return OV_OK;
}

/* ---- adding a batch ---- */

static ov_status reserve(agg_state *s, const agg_spec *spec, uint32_t groups, ov_error *err)
{
    agg_dense *d = &s->dense;
    if (groups <= d->groups)
        return OV_OK;
    for (uint32_t i = 0; i < spec->acc_count; i++)
        OV_TRY(ov_acc_reserve(&d->accs[i], groups, err));
    if (spec->rows_acc == OVI_NONE && groups > d->mark_cap) {
        uint32_t cap = OV_MAX(groups, d->mark_cap + d->mark_cap / 2);
        OV_TRY(ov_array_grow(s->groups.budget, &d->mark, d->mark_cap, cap, err));
        d->mark_cap = cap;
    }
    d->groups = groups;
    return OV_OK;
}

static void mark_groups(agg_state *s, const agg_batch *in, const ov_agg_rows *rows)
{
    uint8_t *mark = s->dense.mark;
    const uint64_t *sel = in->b->sel;
    for (uint32_t p = 0; p < rows->piece_count; p++) {
        const ov_agg_piece *piece = &rows->pieces[p];
        if (piece->kind == OV_PIECE_ONE) {
            if (!sel || ov_bits_next(sel, piece->to, piece->from) < piece->to)
                mark[piece->group] = 1;
        } else if (piece->kind == OV_PIECE_RAMP && !sel) {
            memset(mark + piece->group + piece->first, 1, piece->to - piece->from);
        } else {
            for (uint32_t i = piece->from; i < piece->to; i++)
                if (!sel || ov_bits_test(sel, i))
                    mark[ov_agg_group(rows, piece, i)] = 1;
        }
    }
}

/* Most tuples of slow keys this batch can add. */
static uint64_t new_tuples(const agg_spec *spec, const agg_dense *d, const agg_batch *in)
{
    uint64_t n = 1;
    for (uint32_t k = 0; k < spec->layout.count; k++)
        if (d->keys[k].how == DENSE_SLOW && in->keys[k].enc == OV_ENC_RUN)
            n += in->keys[k].runs;
    return n;
}

static ov_status learn_pattern(agg_state *s, const agg_spec *spec, const agg_batch *in, const agg_codes *c,
                               ov_arena *scratch, ov_error *err)
{
    agg_dense *d = &s->dense;
    bool found;
    if (!c->data || in->b->weight)
        return OV_OK;
    OV_TRY(ovi_pattern_learn(d, c, in->b, s->groups.budget, scratch, &found, err));
    if (!found)
        return OV_OK;
    if (!d->pattern.identity) /* groups change places */
        OV_TRY(ovi_dense_flush(s, spec, err));
    d->pattern.on = true;
    return OV_OK;
}

ov_status ovi_dense_add(agg_state *s, const agg_spec *spec, const agg_batch *in, ov_arena *scratch, bool *taken,
                        ov_error *err)
{
    agg_dense *d = &s->dense;
    agg_codes c;
    agg_stretch *stretches;
    uint32_t count;
    ov_agg_rows rows;
    OV_TRY(fit_layout(s, spec, in, scratch, taken, err));
    if (!*taken)
        return OV_OK;
    uint64_t more = new_tuples(spec, d, in) * d->fast_size;
    if (d->groups + more > spec->dense_limit + d->fast_size) {
        if (more > spec->dense_limit + d->fast_size) {
            *taken = false;
            return OV_OK;
        }
        OV_TRY(ovi_dense_flush(s, spec, err));
    }
    if (d->groups > d->fast_size && !pays(s, in, d->groups + more)) {
        *taken = false;
        return OV_OK;
    }
    const ov_vec *runs = key_in_runs(d, spec, in);
    if (!runs) {
        OV_TRY(fast_codes(s, spec, in, scratch, &c, err));
        OV_TRY(learn_pattern(s, spec, in, &c, scratch, err));
    }
    OV_TRY(ovi_stretches(s, spec, in, scratch, &stretches, &count, err));
    OV_TRY(reserve(s, spec, d->slow.count * d->fast_size, err));
    if (runs)
        OV_TRY(make_run_pieces(s, in, runs, stretches, count, scratch, &rows, err));
    else
        OV_TRY(make_pieces(s, in, &c, stretches, count, scratch, &rows, err));
    d->rows += in->b->sel_rows;
    if (spec->rows_acc == OVI_NONE)
        mark_groups(s, in, &rows);
    return ovi_agg_update(spec, d->accs, in, &rows, scratch, err);
}
