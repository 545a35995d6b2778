/*
 * Results of AGGREGATE as batches: groups sorted by key, NULL first, or in any order, by all workers. Groups that a sort above would drop are
 * not looked at further than that takes.
 */
#include "query/exec/aggregate.h"
#include "query/exec/sort_int.h"

#include "base/bits.h"

typedef struct emitter {
    agg_state *s;
    const agg_spec *spec;
    uint32_t **rank;    /* per string key: number -> place in order */
    ov_domain *domains; /* per string key */
    const uint32_t *order; /* groups as they go out, */
    uint32_t count;     /* so many */
    bool lent;          /* texts by value instead of as codes of a domain */
} emitter;

/* ---- order of groups ---- */

static bool text_less(const void *cx, const ovi_ref *a, const ovi_ref *b)
{
    const ov_slice *text = cx;
    return ov_slice_cmp(text[a->item], text[b->item]) < 0;
}

/* Places of the strings of one key: NULL is 0. */
static ov_status rank_strings(const ov_strtab *t, const ovi_stop *stop, ov_arena *out, uint32_t **rank,
                              ov_error *err)
{
    uint32_t n = t->count;
    ovi_ref *refs;
    OV_TRY(ov_arena_alloc(out, (size_t)n * 4, rank, err));
    ov_arena_mark mark = ov_arena_mark_get(out);
    OV_TRY(ov_arena_alloc(out, (size_t)n * 2 * sizeof(*refs), &refs, err));
    for (uint32_t i = 0; i + 1 < n; i++) {
        OV_TRY(ov_budget_alive_at(out->budget, i + 1, err));
        refs[i] = (ovi_ref){.key = ovi_order_text(t->text[i + 1].p, t->text[i + 1].n), .item = i + 1};
    }
    if (n > 1)
        ovi_sort_refs(refs, refs + n, n - 1, text_less, t->text, stop);
    (*rank)[0] = 0;
    for (uint32_t i = 0; i + 1 < n; i++) {
        OV_TRY(ov_budget_alive_at(out->budget, i + 1, err));
        (*rank)[refs[i].item] = i + 1;
    }
    ov_arena_rewind(out, mark);
    return OV_OK;
}

/* Order-preserving bits of one key of one group; NULL has 0 in `present`. */
static uint64_t key_order(const emitter *e, uint32_t k, uint32_t group, bool *present)
{
    const ovi_key_layout *l = &e->spec->layout;
    const ovi_key_field *f = &l->fields[k];
    const uint64_t *row = e->s->groups.keys + (size_t)group * l->width;
    *present = !ovi_key_is_null(l, k, row);
    if (!*present)
        return 0;
    uint64_t bits = row[f->word] >> f->shift;
    if (ov_type_is_int(f->type))
        return ovi_order_i64((int64_t)bits);
    if (ov_type_is_real(f->type)) {
        double v;
        memcpy(&v, &bits, sizeof(v));
        return ovi_order_f64(v);
    }
    return e->rank[k][(uint32_t)bits];
}

static bool group_less(const void *cx, const ovi_ref *a, const ovi_ref *b)
{
    const emitter *e = cx;
    for (uint32_t k = 0; k < e->spec->layout.count; k++) {
        bool has_a, has_b;
        uint64_t x = key_order(e, k, a->item, &has_a), y = key_order(e, k, b->item, &has_b);
        if (has_a != has_b)
            return has_b;
        if (x != y)
            return x < y;
    }
    return false;
}

/* The order of groups; when only the first `most` are looked at (0: all), those and a few more. */
static ov_status sort_groups(emitter *e, bool sorted, uint64_t most, ov_arena *arena, ov_error *err)
{
    uint32_t n = e->s->groups.count, *order;
    ovi_ref *refs;
    e->count = n;
    OV_TRY(ov_arena_alloc(arena, ((size_t)n + 1) * 4, &order, err));
    e->order = order;
    if (e->spec->layout.count == 0 || n < 2 || !sorted) {
        for (uint32_t i = 0; i < n; i++) {
            OV_TRY(ov_budget_alive_at(arena->budget, i + 1, err));
            order[i] = i;
        }
        return OV_OK;
    }
    ov_arena_mark mark = ov_arena_mark_get(arena);
    OV_TRY(ov_arena_alloc(arena, (size_t)n * 2 * sizeof(*refs), &refs, err));
    for (uint32_t g = 0; g < n; g++) {
        bool present;
        OV_TRY(ov_budget_alive_at(arena->budget, g + 1, err));
        uint64_t key = key_order(e, 0, g, &present);
        refs[g] = (ovi_ref){.key = present ? key : 0, .item = g};
    }
    ovi_stop stop = ovi_stop_of(e->spec->exec->cx);
    ovi_ref *spare = refs + n;
    if (most && most < n)
        e->count = n = (uint32_t)ovi_select_refs(refs, n, (size_t)most, &stop);
    ovi_sort_refs(refs, spare, n, group_less, e, &stop);
    for (uint32_t g = 0; g < n; g++) {
        OV_TRY(ov_budget_alive_at(arena->budget, g + 1, err));
        order[g] = refs[g].item;
    }
    OV_TRY(ov_query_alive(e->spec->exec->cx, err));
    ov_arena_rewind(arena, mark);
    return OV_OK;
}

/* ---- columns ---- */

ov_status ovi_text_domain(ov_type type, const ov_slice *text, uint32_t count, ov_arena *arena, ov_domain *domain, ov_error *err)
{
    ov_vec *values;
    uint64_t *valid;
    OV_TRY(ov_arena_alloc(arena, sizeof(*values), &values, err));
    OV_TRY(ov_arena_alloc(arena, (ov_words(count) + 1) * 8, &valid, err));
    ov_bits_fill(valid, count, true);
    ov_bits_clear(valid, 0);
    *values = ov_vec_flat(type, text, valid, count);
    *domain = (ov_domain){
        .id = ov_domain_next_id(), .count = count, .type = type, .unique = true, .has_null = true, .values = values};
    return OV_OK;
}

static ov_status string_column(const emitter *e, uint32_t k, const uint32_t *order, uint32_t n, ov_arena *out,
                               ov_vec *vec, ov_error *err)
{
    const ovi_key_layout *l = &e->spec->layout;
    uint32_t *codes;
    OV_TRY(ov_arena_lanes(out, ((size_t)n + 64) * 4, &codes, err));
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t *row = e->s->groups.keys + (size_t)order[i] * l->width;
        codes[i] = (uint32_t)(row[l->fields[k].word] >> l->fields[k].shift);
    }
    *vec = (ov_vec){.type = l->fields[k].type,
                    .enc = OV_ENC_DICT,
                    .lane = 4,
                    .rows = n,
                    .divisor = 1,
                    .data = codes,
                    .dict = &e->domains[k]};
    return OV_OK;
}

ov_status ovi_key_column(const agg_state *s, const agg_spec *spec, uint32_t k, const uint32_t *order, uint32_t n,
                         ov_arena *out, ov_vec *vec, ov_error *err)
{
    const ovi_key_layout *l = &spec->layout;
    bool text = ovi_key_is_text(&spec->layout, k);
    size_t width = text ? sizeof(ov_slice) : 8;
    uint64_t *valid = NULL;
    char *data;
    OV_TRY(ov_arena_lanes(out, ((size_t)n + 64) * width, &data, err));
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t *row = s->groups.keys + (size_t)order[i] * l->width;
        uint64_t bits = row[l->fields[k].word] >> l->fields[k].shift;
        if (text)
            ((ov_slice *)(void *)data)[i] = s->strings[k].text[(uint32_t)bits];
        else
            ((uint64_t *)(void *)data)[i] = bits;
        if (!ovi_key_is_null(l, k, row))
            continue;
        if (!valid) {
            OV_TRY(ov_arena_lanes(out, (ov_words(n) + 1) * 8, &valid, err));
            ov_bits_fill(valid, n, true);
        }
        ov_bits_clear(valid, i);
    }
    *vec = ov_vec_flat(l->fields[k].type, data, valid, n);
    return OV_OK;
}

static ov_status column_of(const emitter *e, uint32_t c, const uint32_t *order, uint32_t n, ovi_worker *w, ov_vec *vec, ov_error *err)
{
    const ov_plan *node = e->spec->node;
    uint32_t keys = node->aggregate.key_count;
    if (c % 16 == 15)
        OV_TRY(ov_query_alive(e->spec->exec->cx, err));
    if (c >= keys)
        return ov_acc_emit(&e->s->accs[e->spec->acc_of_call[c - keys]], &node->aggregate.aggs[c - keys], order, n, &w->scratch, vec, err);
    if (!e->lent && ovi_key_is_text(&e->spec->layout, c))
        return string_column(e, c, order, n, &w->scratch, vec, err);
    return ovi_key_column(e->s, e->spec, c, order, n, &w->scratch, vec, err);
}

/* Places of the groups in the order that is wanted of a column. */
static ov_status places_by(const emitter *e, const ov_sort_key *key, const uint32_t *order, uint32_t n, ovi_worker *w, uint64_t **places,
                           ov_error *err)
{
    ov_vec v;
    OV_TRY(ov_arena_alloc(&w->scratch, (size_t)n * 8, places, err));
    OV_TRY(column_of(e, key->column, order, n, w, &v, err));
    return ovi_sort_keys(&v, NULL, key, &w->scratch, *places, err);
}

/* The groups that may be among the best of the sink above, if it keeps only those. */
static ov_status may_be_best(const emitter *e, const ovi_sink *sink, ovi_worker *w, const uint32_t **order, uint32_t *n, ov_error *err)
{
    ovi_best best = {0};
    uint64_t *first, *next = NULL;
    uint32_t *kept, count = 0;
    if (e->spec->general || !ovi_wants_best(sink, w, &best) || !best.has_worst)
        return OV_OK;
    OV_TRY(ov_arena_alloc(&w->scratch, (size_t)*n * sizeof(*kept), &kept, err));
    const ov_sort_key key = {.column = best.column, .descending = best.descending, .nulls_first = best.nulls_first};
    OV_TRY(places_by(e, &key, *order, *n, w, &first, err));
    if (best.has_next) {
        const ov_sort_key second = {.column = best.next_column, .descending = best.next_descending, .nulls_first = best.next_nulls_first};
        OV_TRY(places_by(e, &second, *order, *n, w, &next, err));
    }
    for (uint32_t i = 0; i < *n; i++) {
        kept[count] = (*order)[i];
        count += first[i] < best.worst || (first[i] == best.worst && (!next || next[i] <= best.worst_next));
    }
    *order = kept;
    *n = count;
    return OV_OK;
}

static ov_status emit_batch(const emitter *e, const uint32_t *order, uint32_t n, ovi_worker *w, ovi_sink *sink, ov_error *err)
{
    const ov_plan *node = e->spec->node;
    uint32_t all = n;
    OV_TRY(may_be_best(e, sink, w, &order, &n, err));
    ov_batch b = {.rows = n, .cols = node->aggregate.key_count + node->aggregate.agg_count, .sel_rows = n};
    if (n < all && n == 0)
        return OV_OK;
    OV_TRY(ov_arena_alloc(&w->scratch, OV_MAX(b.cols, 1) * sizeof(ov_vec), &b.col, err));
    for (uint32_t c = 0; c < b.cols; c++)
        OV_TRY(column_of(e, c, order, n, w, &b.col[c], err));
    ovi_count_rows(e->spec->exec, node, &b);
    return ovi_push(sink, w, &b, err);
}

/* ---- all of them ---- */

typedef struct emitting {
    emitter e[2]; /* of one table or two */
    ovi_exec *exec;
    ovi_sink *sink;
    uint32_t batches; /* of the first */
} emitting;

static ov_status emit_piece(void *self, ovi_worker *w, size_t piece, ov_error *err)
{
    const emitting *m = self;
    bool second = piece >= m->batches;
    const emitter *e = &m->e[second];
    uint32_t step = m->exec->batch_rows, from = (uint32_t)(piece - (second ? m->batches : 0)) * step;
    if (ovi_done(m->sink))
        return OV_OK;
    w->ordinal = m->exec->ordinal + from + (second ? m->e[0].count : 0);
    return emit_batch(e, e->order + from, OV_MIN(e->count - from, step), w, m->sink, err);
}

/* Results of all accumulators may be made by several threads. */
static bool emits_apart(const agg_spec *spec)
{
    for (uint32_t i = 0; i < spec->acc_count; i++)
        if (spec->accs[i].acc.kind == OV_ACC_OBJECT || (ovi_is_set(&spec->accs[i]) && !spec->accs[i].sized))
            return false;
    return true;
}

static ov_status emit_all(emitting *m, ov_error *err)
{
    enum { ALONE = 4 }; /* fewer batches are done faster than helpers wake up */
    ovi_exec *x = m->exec;
    const emitter *e = m->e;
    uint32_t step = x->batch_rows;
    m->batches = e[0].count / step + (e[0].count % step > 0);
    size_t pieces = m->batches + (size_t)e[1].count / step + (e[1].count % step > 0);
    bool alone = m->sink->ordered || !m->sink->unordered || e->lent || !emits_apart(e->spec) || (pieces < ALONE && !x->cx->options.workers);
    OV_TRY(ovi_share(x, pieces, alone, emit_piece, m, err));
    x->ordinal += (uint64_t)e[0].count + e[1].count;
    return OV_OK;
}

static ov_status open_emitter(emitter *e, bool sorted, ov_error *err)
{
    const agg_spec *spec = e->spec;
    agg_state *s = e->s;
    uint32_t keys = OV_MAX(spec->layout.count, 1);
    ovi_stop stop = ovi_stop_of(spec->exec->cx);
    for (uint32_t i = 0; i < spec->acc_count; i++) {
        OV_TRY(ov_query_alive(spec->exec->cx, err));
        ov_acc_settle(&s->accs[i]);
        /* the values of a batch's sets are found by a walk over all values: one walk for many batches */
        if (ovi_is_set(&spec->accs[i]) && !spec->accs[i].sized && s->groups.count > spec->exec->batch_rows)
            OV_TRY(ov_acc_total_sets(&s->accs[i], err));
    }
    OV_TRY(ov_arena_zalloc(&s->arena, keys * sizeof(*e->rank), &e->rank, err));
    OV_TRY(ov_arena_zalloc(&s->arena, keys * sizeof(*e->domains), &e->domains, err));
    for (uint32_t k = 0; k < spec->layout.count; k++) {
        if (!ovi_key_is_text(&spec->layout, k))
            continue;
        OV_TRY(ov_query_alive(spec->exec->cx, err));
        if (sorted)
            OV_TRY(rank_strings(&s->strings[k], &stop, &s->arena, &e->rank[k], err));
        if (!e->lent)
            OV_TRY(ovi_text_domain(spec->layout.fields[k].type, s->strings[k].text, s->strings[k].count, &s->arena, &e->domains[k], err));
    }
    return OV_OK;
}

ov_status ovi_agg_emit(agg_state *s, const agg_spec *spec, bool lent, ovi_sink *sink, ov_error *err)
{
    emitting m = {.e = {{.s = s, .spec = spec, .lent = lent}}, .exec = spec->exec, .sink = sink};
    bool sorted = !sink->unordered;
    OV_TRY(open_emitter(&m.e[0], sorted, err));
    OV_TRY(sort_groups(&m.e[0], sorted, sink->most, &s->arena, err));
    return emit_all(&m, err);
}

ov_status ovi_agg_emit_apart(agg_state *const *tables, const uint32_t *rest, uint32_t rest_count, const agg_spec *spec, ovi_sink *sink,
                             ov_error *err)
{
    emitting m = {.e = {{.s = tables[0], .spec = spec}, {.s = tables[1], .spec = spec, .order = rest, .count = rest_count}},
                  .exec = spec->exec,
                  .sink = sink};
    OV_TRY(open_emitter(&m.e[0], false, err));
    OV_TRY(sort_groups(&m.e[0], false, 0, &tables[0]->arena, err));
    OV_TRY(open_emitter(&m.e[1], false, err));
    return emit_all(&m, err);
}

ov_status ovi_agg_emit_part(agg_state *s, const agg_spec *spec, ov_domain *domains, uint64_t ordinal, ovi_worker *w, ovi_sink *sink,
                            ov_error *err)
{
    emitter e = {.s = s, .spec = spec, .domains = domains};
    uint32_t step = spec->exec->batch_rows, *order;
    for (uint32_t from = 0; from < s->groups.count && !ovi_done(sink); from += step) {
        uint32_t n = OV_MIN(s->groups.count - from, step);
        OV_TRY(ovi_next_batch(w, err));
        OV_TRY(ov_arena_alloc(&w->scratch, (size_t)n * sizeof(*order), &order, err));
        for (uint32_t i = 0; i < n; i++)
            order[i] = from + i;
        w->ordinal = ordinal + from;
        OV_TRY(emit_batch(&e, order, n, w, sink, err));
    }
    return OV_OK;
}

/* A sort in between brings the order. */
ov_status ovi_agg_in_order(const agg_spec *spec, ovi_sink *sink, ovi_emit_fn emit, void *self, ov_error *err)
{
    ovi_exec *x = spec->exec;
    uint32_t n = spec->layout.count;
    ov_sort_key *keys;
    ov_status st;
    if (sink->unordered || n == 0)
        return emit(self, sink, err);
    OV_TRY(ov_arena_zalloc(&x->arena, n * sizeof(*keys), &keys, err));
    for (uint32_t k = 0; k < n; k++)
        keys[k] = (ov_sort_key){.column = k, .nulls_first = true};
    sort_sink s = {.exec = x,
                   .next = sink,
                   .cols = spec->node->field_count,
                   .keys = keys,
                   .key_count = n,
                   .keep = sink->most ? sink->most : OV_NO_LIMIT};
    s.base.unordered = true;
    OV_TRY_OUT(st, ovi_sort_begin(&s, err));
    OV_TRY_OUT(st, emit(self, &s.base, err));
    OV_TRY_OUT(st, ovi_sort_emit(&s, err));
out:
    ovi_sort_end(&s);
    return st;
}
