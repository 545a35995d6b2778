/*
 * AGGREGATE: workers' states, the run.
 */
#include "query/exec/aggregate_first.h"
#include "query/exec/aggregate_kept.h"
#include "query/exec/aggregate_lots.h"

#include "base/bits.h"

typedef struct agg_sink {
    union {
        ovi_sink base;
        ovi_ordered ordered; /* rows must come in turn: some state folds them */
    };
    uint64_t delivered;
    agg_spec spec;
    agg_state *states; /* one per worker */
    agg_parts **parts; /* the same: what of it is on disk */
    ovi_spill spill;
    ovi_keeper *kept; /* NULL: nothing is kept by segment */
    const ovi_sink *next;
    agg_first first; /* only the first groups are looked at */
    bool lots;       /* groups may go through lots */
} agg_sink;

/* ---- states ---- */

static ov_status init_accs(const agg_spec *spec, ov_arena *arena, ov_budget *budget, ov_acc **accs, ov_error *err)
{
    OV_TRY(ov_arena_zalloc(arena, OV_MAX(spec->acc_count, 1) * sizeof(**accs), accs, err));
    for (uint32_t i = 0; i < spec->acc_count; i++)
        OV_TRY(ov_acc_init(&(*accs)[i], &spec->accs[i].acc, spec->general, budget, err));
    return OV_OK;
}

ov_status ovi_agg_state_init(agg_state *s, const agg_spec *spec, ov_error *err)
{
    ov_budget *budget = &s->budget;
    uint32_t n = OV_MAX(spec->layout.count, 1);
    *s = (agg_state){0};
    ov_budget_init(budget, "grouping", SIZE_MAX, &spec->exec->cx->budget);
    ov_arena_init(&s->arena, "aggregate", budget);
    s->ready = true;
    OV_TRY(ov_arena_zalloc(&s->arena, n * sizeof(*s->strings), &s->strings, err));
    OV_TRY(ov_arena_zalloc(&s->arena, n * sizeof(*s->maps), &s->maps, err));
    OV_TRY(ov_arena_zalloc(&s->arena, n * sizeof(*s->dense.keys), &s->dense.keys, err));
    OV_TRY(ov_arena_zalloc(&s->arena, n * sizeof(*s->dense.given), &s->dense.given, err));
    for (uint32_t k = 0; k < n; k++)
        s->dense.given[k].by = OVI_NONE;
    for (uint32_t k = 0; k < spec->layout.count; k++)
        if (ovi_key_is_text(&spec->layout, k))
            OV_TRY(ov_strtab_init(&s->strings[k], budget, err));
    OV_TRY(ovi_groups_init(&s->groups, spec->layout.width, budget, err));
    s->groups.by_number = !spec->general && ovi_is_one_text(&spec->layout);
    OV_TRY(ovi_groups_init(&s->dense.slow, spec->layout.width, budget, err));
    OV_TRY(init_accs(spec, &s->arena, budget, &s->accs, err));
    OV_TRY(init_accs(spec, &s->arena, budget, &s->dense.accs, err));
    for (uint32_t i = 0; i < spec->acc_count; i++)
        ov_acc_share(&s->dense.accs[i], &s->accs[i]);
    return OV_OK;
}

void ovi_agg_state_fini(agg_state *s, const agg_spec *spec)
{
    if (!s->ready)
        return;
    ov_budget *budget = &s->budget;
    ovi_lots_close(s, spec);
    for (uint32_t k = 0; s->strings && s->maps && k < spec->layout.count; k++) {
        if (!ovi_key_is_text(&spec->layout, k))
            continue;
        ov_strmap_fini(&s->maps[k], budget);
        if (s->strings[k].budget || s->strings[k].cap)
            ov_strtab_fini(&s->strings[k]);
    }
    if (s->groups.width)
        ovi_groups_fini(&s->groups);
    if (s->dense.slow.width)
        ovi_groups_fini(&s->dense.slow);
    for (uint32_t i = 0; i < spec->acc_count; i++) {
        if (s->accs && s->accs[i].budget)
            ov_acc_fini(&s->accs[i]);
        if (s->dense.accs && s->dense.accs[i].budget)
            ov_acc_fini(&s->dense.accs[i]);
    }
    ov_array_free(budget, &s->dense.mark, s->dense.mark_cap);
    ovi_pattern_free(&s->dense.pattern, budget);
    ovi_given_free(s, spec->layout.count);
    ov_arena_fini(&s->arena);
    s->ready = false;
}

void ovi_agg_state_drop(agg_state *s, const agg_spec *spec)
{
    if (!s->ready)
        return;
    ovi_lots_close(s, spec);
    ovi_groups_fini(&s->groups);
    ovi_groups_fini(&s->dense.slow);
    for (uint32_t k = 0; k < spec->acc_count; k++) {
        if (s->accs)
            ov_acc_fini(&s->accs[k]);
        if (s->dense.accs)
            ov_acc_fini(&s->dense.accs[k]);
    }
}

/* ---- rows ---- */

ov_status ovi_agg_update(const agg_spec *spec, ov_acc *accs, const agg_batch *in, const ov_agg_rows *rows,
                         ov_arena *scratch, ov_error *err)
{
    const ov_vec **args;
    OV_TRY(ov_arena_alloc(scratch, ((size_t)spec->most_args + 1) * sizeof(*args), &args, err));
    for (uint32_t i = 0; i < spec->acc_count; i++) {
        const agg_acc_spec *a = &spec->accs[i];
        const uint64_t *mask = a->filter == OVI_NONE ? in->b->sel : in->masks[a->filter];
        if (i % 16 == 15)
            OV_TRY(ov_query_alive(spec->exec->cx, err));
        for (uint32_t k = 0; k < a->argc; k++)
            args[k] = &in->args[a->args[k]];
        OV_TRY(ov_acc_update(&accs[i], rows, mask, a->argc ? args : NULL, scratch, err));
    }
    return OV_OK;
}

/* A batch on its way into the worker's state. */
typedef struct agg_adding {
    const agg_spec *spec;
    agg_state *state;
    bool lots; /* rows of the state may go to lots */
    agg_batch in;
} agg_adding;

static ov_status evaluate(void *self, ovi_worker *w, const ov_batch *b, ov_error *err)
{
    agg_adding *a = self;
    const agg_spec *spec = a->spec;
    agg_batch *in = &a->in;
    const ov_plan *node = spec->node;
    in->b = b;
    in->ordinal = w->ordinal;
    OV_TRY(ov_arena_alloc(&w->scratch, (node->aggregate.key_count + 1) * sizeof(ov_vec), &in->keys, err));
    OV_TRY(ov_arena_alloc(&w->scratch, (spec->arg_count + 1) * sizeof(ov_vec), &in->args, err));
    OV_TRY(ov_arena_alloc(&w->scratch, (spec->filter_count + 1) * sizeof(*in->masks), &in->masks, err));
    for (uint32_t i = 0; i < node->aggregate.key_count; i++)
        OV_TRY(ov_eval_expr(w->eval, node->aggregate.keys[i], b, &in->keys[i], err));
    for (uint32_t i = 0; i < spec->arg_count; i++)
        OV_TRY(ov_eval_expr(w->eval, spec->args[i], b, &in->args[i], err));
    for (uint32_t i = 0; i < spec->filter_count; i++) {
        uint64_t *mask;
        uint32_t rows;
        OV_TRY(ov_arena_alloc(&w->scratch, (ov_words(b->rows) + 1) * 8, &mask, err));
        OV_TRY(ov_eval_filter(w->eval, spec->filters[i], b, mask, NULL, &rows, err));
        in->masks[i] = mask;
    }
    return OV_OK;
}

static ov_status go_to_disk(agg_sink *a, unsigned number, ovi_worker *w, ov_error *err)
{
    return ovi_agg_spill(&a->states[number], &a->spec, &a->spill, a->parts[number], &w->scratch, err);
}

static ov_status add_rows(void *self, ovi_worker *w, const ov_batch *b, ov_error *err)
{
    agg_adding *a = self;
    bool taken = false;
    if (!a->spec->general && !a->state->dense.given_up)
        OV_TRY(ovi_dense_add(a->state, a->spec, &a->in, &w->scratch, &taken, err));
    a->state->rows += a->in.b->sel_rows;
    if (taken)
        return OV_OK;
    if (a->lots && a->state->lots && !b->weight)
        return ovi_lots_take(a->state, a->spec, &a->in, w, err);
    OV_TRY(ovi_table_add(a->state, a->spec, &a->in, &w->scratch, err));
    return a->lots && !a->state->lots ? ovi_lots_consider(a->state, a->spec, b->sel_rows, err) : OV_OK;
}

static ov_status agg_push(ovi_sink *sink, ovi_worker *w, const ov_batch *b, ov_error *err)
{
    agg_sink *a = (agg_sink *)sink;
    agg_state *s = &a->states[w->number];
    ov_batch some;
    if (a->first.on) {
        OV_TRY(ovi_first_cut(&a->first, w, b, &some, err));
        if (some.sel_rows == 0)
            return OV_OK;
        b = &some;
    }
    if (!s->ready)
        OV_TRY(ovi_agg_state_init(s, &a->spec, err));
    if (ovi_agg_due(s, &a->spec, b->sel_rows))
        OV_TRY(go_to_disk(a, w->number, w, err));
    if (a->kept)
        OV_TRY(ovi_kept_state(a->kept, w, b->sel_rows, &s, err));
    agg_adding adding = {.spec = &a->spec, .state = s, .lots = a->lots && s == &a->states[w->number]};
    OV_TRY(ovi_in_parts(w, b, evaluate, add_rows, &adding, err));
    return a->first.on ? ovi_first_learn(&a->first, &a->spec, s, w, err) : OV_OK;
}

/* ---- the run ---- */

static void agg_used(const ovi_sink *sink, uint64_t *columns, uint32_t count)
{
    const agg_sink *a = (const agg_sink *)sink;
    const ov_plan *node = a->spec.node;
    for (uint32_t i = 0; i < node->aggregate.key_count; i++)
        ov_expr_columns(node->aggregate.keys[i], columns, count);
    for (uint32_t i = 0; i < a->spec.arg_count; i++)
        ov_expr_columns(a->spec.args[i], columns, count);
    for (uint32_t i = 0; i < a->spec.filter_count; i++)
        ov_expr_columns(a->spec.filters[i], columns, count);
}

static bool agg_best(const ovi_sink *sink, const ovi_worker *w, ovi_best *out)
{
    (void)w;
    return ovi_first_best(&((const agg_sink *)sink)->first, out);
}

/* Who has no use for a key has none for the rows of its group. */
static uint32_t agg_wishes(const ovi_sink *sink, ovi_key_wish *list)
{
    const agg_sink *a = (const agg_sink *)sink;
    const ov_plan *node = a->spec.node;
    uint32_t count = ovi_wishes(a->next, list), n = 0;
    for (uint32_t i = 0; i < count; i++)
        if (list[i].column < node->aggregate.key_count &&
            node->aggregate.keys[list[i].column]->kind == OV_EXPR_COLUMN)
            list[n++] = (ovi_key_wish){node->aggregate.keys[list[i].column]->column, list[i].set};
    return n;
}

/* Equal rows may come once with a weight. */
static bool agg_weights(const ovi_sink *sink)
{
    const agg_sink *a = (const agg_sink *)sink;
    const ov_plan *node = a->spec.node;
    for (uint32_t i = 0; i < node->aggregate.key_count; i++)
        if (!node->aggregate.keys[i]->deterministic)
            return false;
    for (uint32_t i = 0; i < a->spec.arg_count; i++)
        if (!a->spec.args[i]->deterministic)
            return false;
    for (uint32_t i = 0; i < a->spec.filter_count; i++)
        if (!a->spec.filters[i]->deterministic)
            return false;
    for (uint32_t i = 0; i < a->spec.acc_count; i++)
        if (!ov_acc_by_weight(&a->spec.accs[i].acc))
            return false;
    return true;
}

/* Some state is on disk already, or all of them together would not fit. */
static bool needs_disk(const agg_sink *a)
{
    size_t own = 0, need = 0;
    uint64_t groups = 0;
    for (unsigned i = 0; i < a->spec.exec->worker_count; i++) {
        const agg_state *s = &a->states[i];
        if (a->parts[i]->any)
            return true;
        if (!s->ready)
            continue;
        own += atomic_load(&s->budget.used);
        groups += s->groups.count + (uint64_t)s->dense.groups + (s->lots ? s->lots->rows.rows : 0);
        need += ovi_agg_finish_bytes(s, &a->spec);
    }
    return ovi_spill_due(a->spec.exec, own, groups, need / a->spec.exec->worker_count);
}

static ov_status finish_on_disk(agg_sink *a, ovi_sink *sink, ov_error *err)
{
    ovi_worker *w = &a->spec.exec->workers[0];
    uint32_t count = 0;
    agg_parts **from;
    OV_TRY(ov_arena_alloc(&a->spec.exec->arena, a->spec.exec->worker_count * sizeof(*from), &from, err));
    for (unsigned i = 0; i < a->spec.exec->worker_count; i++) {
        if (a->states[i].ready) {
            OV_TRY(ovi_next_batch(w, err));
            OV_TRY(go_to_disk(a, i, w, err));
            ovi_agg_state_fini(&a->states[i], &a->spec);
        }
        if (a->parts[i]->any)
            from[count++] = a->parts[i];
    }
    return ovi_agg_emit_parts(&a->spec, &a->spill, from, count, sink, err);
}

static ov_status finish(agg_sink *a, ovi_sink *sink, ov_error *err)
{
    agg_spec *spec = &a->spec;
    agg_state **tables;
    uint32_t count = 0, rest_count = 0, *rest = NULL;
    if (needs_disk(a))
        return finish_on_disk(a, sink, err);
    OV_TRY(ov_arena_alloc(&spec->exec->arena, spec->exec->worker_count * sizeof(*tables), &tables, err));
    if (!a->states[0].ready)
        OV_TRY(ovi_agg_state_init(&a->states[0], spec, err));
    for (unsigned i = 0; i < spec->exec->worker_count; i++)
        if (a->states[i].ready)
            tables[count++] = &a->states[i];
    for (uint32_t i = 0; i < count; i++)
        if (tables[i]->lots)
            return ovi_lots_emit(spec, tables, count, sink, err);
    bool any_order = sink->unordered || spec->layout.count == 0;
    OV_TRY(ovi_tables_join(spec, tables, count, any_order && !spec->general ? 2 : 1, &count, err));
    if (count == 2)
        OV_TRY(ovi_table_match(tables[0], tables[1], spec, &rest, &rest_count, err));
    if (spec->layout.count == 0 && tables[0]->groups.count == 0) { /* no keys: one row, whatever came */
        uint64_t key = 0;
        uint32_t group;
        OV_TRY(ovi_groups_find(&tables[0]->groups, &key, 1, &group, err));
        for (uint32_t i = 0; i < spec->acc_count; i++)
            OV_TRY(ov_acc_reserve(&tables[0]->accs[i], 1, err));
    }
    if (count == 2)
        return ovi_agg_emit_apart(tables, rest, rest_count, spec, sink, err);
    return ovi_agg_emit(tables[0], spec, false, sink, err);
}

/* Strings of groups are lent to what is above until the run ends; states need not wait. */
static void free_states(agg_sink *a)
{
    for (unsigned i = 0; a->states && i < a->spec.exec->worker_count; i++)
        ovi_agg_state_drop(&a->states[i], &a->spec);
    ovi_kept_drop(a->kept);
}

static void free_all(void *sink)
{
    agg_sink *a = sink;
    for (unsigned i = 0; a->states && i < a->spec.exec->worker_count; i++)
        ovi_agg_state_fini(&a->states[i], &a->spec);
    for (unsigned i = 0; a->parts && i < a->spec.exec->worker_count; i++)
        ovi_parts_free(a->parts[i], &a->spec);
    ovi_kept_fini(a->kept);
    ovi_spill_fini(&a->spill);
}

/* Rows in the order of the input, on the calling thread: places are counted here, since batches may have waited. */
static ov_status agg_deliver(ovi_ordered *o, ovi_worker *w, const ov_batch *b, ov_error *err)
{
    agg_sink *a = (agg_sink *)o;
    uint64_t ordinal = w->ordinal;
    w->ordinal = a->delivered;
    a->delivered += b->rows;
    ov_status st = agg_push(&a->base, w, b, err);
    w->ordinal = ordinal;
    return st;
}

static ov_status look(ovi_sink *sink, ovi_worker *w, uint32_t i, uint64_t ordinal, bool *known, ov_error *err)
{
    return ovi_kept_look(((agg_sink *)sink)->kept, w, i, ordinal, known, err);
}

static ov_status enter(ovi_sink *sink, ovi_worker *w, uint32_t i, uint64_t rows, ov_error *err)
{
    return ovi_kept_enter(((agg_sink *)sink)->kept, w, i, rows, err);
}

static ov_status leave(ovi_sink *sink, ovi_worker *w, uint32_t i, uint64_t ordinal, uint32_t chunks, uint32_t of, ov_error *err)
{
    return ovi_kept_leave(((agg_sink *)sink)->kept, w, i, ordinal, chunks, of, err);
}

static const ovi_by_segment by_segment = {look, enter, leave};

ov_status ovi_run_aggregate(ovi_exec *x, const ov_plan *node, ovi_sink *sink, ov_error *err)
{
    agg_sink *a;
    OV_TRY(ov_arena_zalloc(&x->arena, sizeof(*a), &a, err));
    ovi_key_wish wishes[OVI_MOST_WISHES];
    a->base = (ovi_sink){
        .push = agg_push, .used = agg_used, .weights = agg_weights, .best = agg_best, .wishes = agg_wishes, .unordered = true};
    a->next = sink;
    for (uint32_t i = 0; i < node->aggregate.agg_count; i++) {
        ov_acc_spec acc = ov_acc_spec_of(&node->aggregate.aggs[i]);
        a->base.unordered = a->base.unordered && !ov_acc_by_order(&acc);
        a->base.ordered = a->base.ordered || ov_acc_in_turn(&acc);
    }
    if (a->base.ordered) {
        a->base.push = ovi_ordered_push;
        a->ordered.deliver = agg_deliver;
    }
    OV_TRY(ovi_agg_spec_make(x, node, &a->spec, err));
    a->spec.by_order = !a->base.unordered;
    OV_TRY(ov_arena_zalloc(&x->arena, x->worker_count * sizeof(*a->states), &a->states, err));
    OV_TRY(ov_arena_zalloc(&x->arena, x->worker_count * sizeof(*a->parts), &a->parts, err));
    for (unsigned i = 0; i < x->worker_count; i++)
        OV_TRY(ovi_parts_make(&a->spec, 0, &x->arena, &a->parts[i], err));
    ovi_spill_init(&a->spill, x);
    OV_TRY(ov_arena_on_exit(&x->arena, free_all, a, err));
    OV_TRY(ovi_first_open(&a->first, &a->spec, sink, err));
    if (!agg_wishes(&a->base, wishes) && !a->first.on) /* states of some groups only are of no use to other queries */
        OV_TRY(ovi_kept_open(&a->spec, a->states, a->parts, &a->spill, &a->kept, err));
    if (a->kept)
        a->base.by_segment = &by_segment;
    a->lots = !a->first.on && ovi_lots_serve(&a->spec);
    OV_TRY(ovi_run(x, node->inputs[0], &a->base, err));
    OV_TRY(finish(a, sink, err));
    free_states(a);
    return OV_OK;
}
