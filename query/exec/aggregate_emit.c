/*
 * Results of AGGREGATE: groups sorted by key, NULL first, as batches.
 */
#include "query/exec/aggregate.h"
#include "query/exec/sort_refs.h"

#include "base/bits.h"

typedef struct emitter {
    agg_state *s;
    const agg_spec *spec;
    uint32_t **rank;    /* per string key: number -> place in order */
    ov_domain *domains; /* per string key */
    uint32_t *order;    /* groups as they go out, */
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
    uint32_t n = e->s->groups.count;
    ovi_ref *refs;
    e->count = n;
    OV_TRY(ov_arena_alloc(arena, ((size_t)n + 1) * 4, &e->order, err));
    if (e->spec->layout.count == 0 || n < 2 || !sorted) {
        for (uint32_t i = 0; i < n; i++)
            e->order[i] = i;
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
    for (uint32_t g = 0; g < n; g++)
        e->order[g] = refs[g].item;
    OV_TRY(ov_query_alive(e->spec->exec->cx, err));
    ov_arena_rewind(arena, mark);
    return OV_OK;
}

/* ---- columns ---- */

static bool is_string(const agg_spec *spec, uint32_t k)
{
    ov_type t = spec->layout.fields[k].type;
    return !ov_type_is_int(t) && !ov_type_is_real(t);
}

/* The strings of a key as a domain: numbers are its codes. */
static ov_status make_domain(emitter *e, uint32_t k, ov_arena *arena, ov_error *err)
{
    const ov_strtab *t = &e->s->strings[k];
    ov_vec *values;
    uint64_t *valid;
    OV_TRY(ov_arena_alloc(arena, sizeof(*values), &values, err));
    OV_TRY(ov_arena_alloc(arena, (ov_words(t->count) + 1) * 8, &valid, err));
    ov_bits_fill(valid, t->count, true);
    ov_bits_clear(valid, 0);
    *values = ov_vec_flat(e->spec->layout.fields[k].type, t->text, valid, t->count);
    e->domains[k] = (ov_domain){.id = ov_domain_next_id(),
                                .count = t->count,
                                .type = e->spec->layout.fields[k].type,
                                .unique = true,
                                .has_null = true,
                                .values = values};
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
    bool text = is_string(spec, k);
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

static ov_status emit_batch(emitter *e, const uint32_t *order, uint32_t n, ovi_worker *w, ovi_sink *sink,
                            ov_error *err)
{
    const ov_plan *node = e->spec->node;
    uint32_t keys = node->aggregate.key_count, aggs = node->aggregate.agg_count;
    ov_batch b = {.rows = n, .cols = keys + aggs, .sel_rows = n};
    OV_TRY(ov_arena_alloc(&w->scratch, OV_MAX(b.cols, 1) * sizeof(ov_vec), &b.col, err));
    for (uint32_t k = 0; k < keys; k++) {
        if (k % 16 == 15)
            OV_TRY(ov_query_alive(e->spec->exec->cx, err));
        if (!e->lent && is_string(e->spec, k))
            OV_TRY(string_column(e, k, order, n, &w->scratch, &b.col[k], err));
        else
            OV_TRY(ovi_key_column(e->s, e->spec, k, order, n, &w->scratch, &b.col[k], err));
    }
    for (uint32_t i = 0; i < aggs; i++) {
        if (i % 16 == 15)
            OV_TRY(ov_query_alive(e->spec->exec->cx, err));
        OV_TRY(ov_acc_emit(&e->s->accs[e->spec->acc_of_call[i]], &node->aggregate.aggs[i], order, n, &w->scratch,
                           &b.col[keys + i], err));
    }
    ovi_count_rows(e->spec->exec, node, &b);
    return ovi_push(sink, w, &b, err);
}

static ov_status emit_all(emitter *e, ovi_sink *sink, ov_error *err)
{
    ovi_exec *x = e->spec->exec;
    ovi_worker *w = &x->workers[0];
    uint32_t n = e->count;
    for (uint32_t from = 0; from < n && !ovi_done(sink); from += x->batch_rows) {
        uint32_t part = OV_MIN(n - from, x->batch_rows);
        OV_TRY(ovi_next_batch(w, err));
        w->ordinal = x->ordinal;
        OV_TRY(emit_batch(e, e->order + from, part, w, sink, err));
        x->ordinal += part;
    }
    return OV_OK;
}

ov_status ovi_agg_emit(agg_state *s, const agg_spec *spec, bool lent, ovi_sink *sink, ov_error *err)
{
    emitter e = {.s = s, .spec = spec, .lent = lent};
    uint32_t keys = OV_MAX(spec->layout.count, 1);
    bool sorted = !sink->unordered;
    ovi_stop stop = ovi_stop_of(spec->exec->cx);
    for (uint32_t i = 0; i < spec->acc_count; i++) {
        OV_TRY(ov_query_alive(spec->exec->cx, err));
        OV_TRY(ov_acc_settle(&s->accs[i], err));
        /* the values of a batch's sets are found by a walk over all values: one walk for many batches */
        if (ovi_is_set(&spec->accs[i]) && !spec->accs[i].sized && s->groups.count > spec->exec->batch_rows)
            OV_TRY(ov_acc_total_sets(&s->accs[i], err));
    }
    OV_TRY(ov_arena_zalloc(&s->arena, keys * sizeof(*e.rank), &e.rank, err));
    OV_TRY(ov_arena_zalloc(&s->arena, keys * sizeof(*e.domains), &e.domains, err));
    for (uint32_t k = 0; k < spec->layout.count; k++) {
        if (!is_string(spec, k))
            continue;
        OV_TRY(ov_query_alive(spec->exec->cx, err));
        if (sorted)
            OV_TRY(rank_strings(&s->strings[k], &stop, &s->arena, &e.rank[k], err));
        if (!lent)
            OV_TRY(make_domain(&e, k, &s->arena, err));
    }
    OV_TRY(sort_groups(&e, sorted, sink->most, &s->arena, err));
    return emit_all(&e, sink, err);
}
