#include "query/exec/aggregate_first.h"

#include "base/bits.h"

static uint64_t place(const agg_first *f, int64_t value)
{
    return ovi_order_place(ovi_order_i64(value), f->descending, f->nulls_first);
}

static uint64_t place_of_null(const agg_first *f)
{
    return f->nulls_first ? 0 : UINT64_MAX;
}

ov_status ovi_first_open(agg_first *f, const agg_spec *spec, const ovi_sink *sink, ov_error *err)
{
    const ov_plan *node = spec->node;
    ovi_best best = {0};
    if (spec->general || node->aggregate.key_count == 0)
        return OV_OK;
    if (ovi_wants_best(sink, &spec->exec->workers[0], &best) && best.keep && best.keep != OV_NO_LIMIT)
        *f = (agg_first){.key = best.column, .descending = best.descending, .nulls_first = best.nulls_first, .most = best.keep};
    else if (sink->most && !sink->unordered)
        *f = (agg_first){.nulls_first = true, .most = sink->most};
    if (f->most == 0 || f->key >= node->aggregate.key_count)
        return OV_OK;
    const ov_expr *key = node->aggregate.keys[f->key];
    f->on = key->kind == OV_EXPR_COLUMN && ov_type_is_int(key->type) && f->most < UINT32_MAX / 4;
    f->column = key->column;
    atomic_store(&f->worst, UINT64_MAX);
    return ov_arena_zalloc(&spec->exec->arena, spec->exec->worker_count * sizeof(*f->looked), &f->looked, err);
}

bool ovi_first_best(const agg_first *f, ovi_best *out)
{
    uint64_t worst = atomic_load_explicit(&f->worst, memory_order_relaxed);
    *out = (ovi_best){.column = f->column,
                      .descending = f->descending,
                      .nulls_first = f->nulls_first,
                      .has_worst = worst != UINT64_MAX,
                      .worst = worst};
    return f->on;
}

ov_status ovi_first_cut(const agg_first *f, ovi_worker *w, const ov_batch *b, ov_batch *out, ov_error *err)
{
    uint64_t worst = atomic_load_explicit(&f->worst, memory_order_relaxed), *sel;
    ov_vec flat;
    *out = *b;
    if (worst == UINT64_MAX || b->col[f->column].type.id == OV_TYPE_NULL)
        return OV_OK;
    OV_TRY(ov_vec_flatten(&b->col[f->column], &w->scratch, &flat, err));
    OV_TRY(ov_arena_zalloc(&w->scratch, (ov_words(b->rows) + 1) * 8, &sel, err));
    const int64_t *value = flat.data;
    for (uint32_t i = 0; i < b->rows; i++)
        sel[i / 64] |= (uint64_t)(place(f, value[i]) <= worst) << i % 64;
    for (uint32_t i = 0; flat.valid && i < b->rows; i++)
        if (!ov_bits_test(flat.valid, i) && place_of_null(f) <= worst)
            ov_bits_set(sel, i);
    if (b->sel)
        ov_bits_and(sel, b->sel, b->rows);
    out->sel = sel;
    out->sel_rows = (uint32_t)ov_bits_count(sel, b->rows);
    return OV_OK;
}

/* The worst of the best f->most groups, or a little more. */
static uint64_t worst_of(const agg_first *f, const agg_spec *spec, const agg_state *s, ovi_ref *refs)
{
    const ovi_key_layout *l = &spec->layout;
    uint32_t n = s->groups.count;
    uint64_t worst = 0;
    for (uint32_t g = 0; g < n; g++) {
        const uint64_t *row = s->groups.keys + (size_t)g * l->width;
        refs[g].key = ovi_key_is_null(l, f->key, row) ? place_of_null(f) : place(f, (int64_t)row[l->fields[f->key].word]);
    }
    ovi_stop stop = ovi_stop_of(spec->exec->cx);
    size_t first = ovi_select_refs(refs, n, (size_t)f->most, &stop);
    for (size_t i = 0; i < first; i++)
        worst = OV_MAX(worst, refs[i].key);
    return worst;
}

ov_status ovi_first_learn(agg_first *f, const agg_spec *spec, const agg_state *s, ovi_worker *w, ov_error *err)
{
    uint32_t *looked = &f->looked[w->number], n = s->groups.count;
    ovi_ref *refs;
    if (n < *looked) /* the others went to disk */
        *looked = 0;
    if (n <= f->most || n - *looked < *looked / 8 + f->most)
        return OV_OK;
    *looked = n;
    OV_TRY(ov_arena_alloc(&w->scratch, (size_t)n * sizeof(*refs), &refs, err));
    uint64_t worst = worst_of(f, spec, s, refs), now = atomic_load(&f->worst);
    while (worst < now && !atomic_compare_exchange_weak(&f->worst, &now, worst))
        ;
    return OV_OK;
}
