/*
 * What an AGGREGATE computes: accumulators that calls share, arguments and filters that differ, how keys lie side by side, how many
 * dense groups pay.
 */
#include "query/exec/aggregate.h"

#include "base/hash.h"
#include "query/plan/plan_tables.h"

/* The number of e in a list; a new one unless something equal is there. */
static ov_status number_of(const ov_expr **list, uint32_t *count, ov_places *places, ov_arena *arena, const ov_expr *e,
                           uint32_t *number, ov_error *err)
{
    *number = e ? ov_expr_find(places, list, e) : OVI_NONE;
    if (!e || *number != OV_NO_PLACE)
        return OV_OK;
    OV_TRY(ov_expr_note(places, arena, e, err));
    *number = (*count)++;
    list[*number] = e;
    return OV_OK;
}

static bool same_args(const agg_acc_spec *a, const agg_acc_spec *b)
{
    return a->argc == b->argc && a->filter == b->filter &&
           (a->argc == 0 || memcmp(a->args, b->args, a->argc * sizeof(*a->args)) == 0);
}

/* Equal for accumulators of which one may serve the other. */
static uint64_t hash_acc(const agg_acc_spec *a)
{
    uint64_t h = ov_hash_u64(a->filter);
    for (uint32_t i = 0; i < a->argc; i++)
        h = ov_hash_combine(h, a->args[i]);
    return a->acc.kind == OV_ACC_OBJECT ? ov_hash_combine(h, ov_agg_call_hash(a->acc.call)) : h;
}

/* An accumulator that already gives what `want` needs, made wider perhaps; or a new one. */
static ov_status add_acc(agg_spec *spec, const agg_acc_spec *want, ov_places *places, ov_arena *arena, uint32_t *number,
                         ov_error *err)
{
    uint64_t hash = hash_acc(want);
    OV_EACH_PLACE(places, hash, i, slot) {
        agg_acc_spec *have = &spec->accs[i];
        if (!same_args(have, want))
            continue;
        *number = i;
        if (ov_acc_serves(&have->acc, &want->acc))
            return OV_OK;
        if (want->argc && ov_acc_serves(&want->acc, &have->acc)) {
            *have = *want;
            return OV_OK;
        }
    }
    OV_TRY(ov_places_add(places, arena, hash, err));
    *number = spec->acc_count++;
    spec->accs[*number] = *want;
    return OV_OK;
}

/* Every row of a group counts in it: its n tells whether a group exists. */
static bool counts_every_row(const agg_spec *spec, const agg_acc_spec *a)
{
    bool counts = a->acc.kind == OV_ACC_COUNT || a->acc.kind == OV_ACC_SUM_LONG || a->acc.kind == OV_ACC_SUM_REAL;
    return counts && a->filter == OVI_NONE && (a->argc == 0 || !spec->args[a->args[0]]->nullable);
}

static ov_status make_accs(agg_spec *spec, ov_arena *arena, ov_error *err)
{
    const ov_plan *node = spec->node;
    uint32_t calls = node->aggregate.agg_count;
    ov_places args = {0}, filters = {0}, accs = {0};
    size_t most = 0;
    for (uint32_t i = 0; i < calls; i++)
        most += node->aggregate.aggs[i].argc;
    OV_TRY(ov_arena_zalloc(arena, (most + 1) * sizeof(*spec->args), &spec->args, err));
    OV_TRY(ov_arena_zalloc(arena, ((size_t)calls + 1) * sizeof(*spec->filters), &spec->filters, err));
    OV_TRY(ov_arena_zalloc(arena, ((size_t)calls + 1) * sizeof(*spec->accs), &spec->accs, err));
    OV_TRY(ov_arena_zalloc(arena, ((size_t)calls + 1) * sizeof(*spec->acc_of_call), &spec->acc_of_call, err));
    spec->rows_acc = OVI_NONE;
    for (uint32_t i = 0; i < calls; i++) {
        const ov_agg_call *call = &node->aggregate.aggs[i];
        agg_acc_spec want = {.acc = ov_acc_spec_of(call), .argc = call->argc};
        OV_TRY(ov_arena_alloc(arena, ((size_t)call->argc + 1) * sizeof(*want.args), &want.args, err));
        for (uint32_t k = 0; k < call->argc; k++)
            OV_TRY(number_of(spec->args, &spec->arg_count, &args, arena, call->args[k], &want.args[k], err));
        OV_TRY(number_of(spec->filters, &spec->filter_count, &filters, arena, call->filter, &want.filter, err));
        OV_TRY(add_acc(spec, &want, &accs, arena, &spec->acc_of_call[i], err));
        spec->has_sets |= want.acc.kind == OV_ACC_DISTINCT;
        spec->most_args = OV_MAX(spec->most_args, call->argc);
    }
    for (uint32_t i = 0; i < spec->acc_count; i++)
        spec->accs[i].sized = spec->accs[i].acc.kind == OV_ACC_DISTINCT;
    for (uint32_t i = 0; i < calls; i++)
        spec->accs[spec->acc_of_call[i]].sized &= node->aggregate.aggs[i].fn->kind == OV_AGG_DISTINCT;
    for (uint32_t i = 0; i < spec->acc_count && spec->rows_acc == OVI_NONE; i++)
        if (counts_every_row(spec, &spec->accs[i]))
            spec->rows_acc = i;
    return OV_OK;
}

static ov_status make_layout(agg_spec *spec, ov_arena *arena, ov_error *err)
{
    uint32_t n = spec->node->aggregate.key_count;
    ov_type *types;
    bool *nullable;
    OV_TRY(ov_arena_alloc(arena, OV_MAX(n, 1) * sizeof(*types), &types, err));
    OV_TRY(ov_arena_alloc(arena, OV_MAX(n, 1) * sizeof(*nullable), &nullable, err));
    for (uint32_t i = 0; i < n; i++) {
        const ov_expr *key = spec->node->aggregate.keys[i];
        if (ov_type_is_list(key->type))
            return ov_fail_at(err, OV_UNSUPPORTED, key->pos, key->end_pos,
                              "GROUP BY on arrays and multi-value strings is not supported yet");
        types[i] = key->type;
        nullable[i] = key->nullable;
    }
    return ovi_key_layout_make(types, nullable, n, arena, &spec->layout, err);
}

/* Rows that may come: bounds how large arrays may be that must be cleared. */
static uint64_t rows_below(const ov_plan *node, const ov_snapshot *snapshot)
{
    if (node->kind == OV_PLAN_SCAN)
        return ov_plan_datasource(node, snapshot)->rows;
    uint64_t rows = node->kind == OV_PLAN_VALUES ? node->values.row_count : 0;
    for (uint32_t i = 0; i < node->input_count; i++)
        rows += rows_below(node->inputs[i], snapshot);
    if (node->kind == OV_PLAN_UNNEST) /* a guess at how long lists are */
        rows *= 4;
    return rows;
}

static void set_dense_limit(agg_spec *spec)
{
    enum { LEAST = 1 << 14, MOST_BYTES = 32 << 20 };
    uint64_t rows = rows_below(spec->node, spec->exec->cx->snapshot);
    size_t group_bytes = 1 + 32 * (size_t)spec->acc_count; /* a mark; n, v and what stands in front of them */
    size_t share = spec->exec->cx->budget.limit / 4 / spec->exec->worker_count;
    size_t room = OV_MIN(share, (size_t)MOST_BYTES) / group_bytes;
    /* many more groups than rows have are cleared and searched for nothing (7 M pairs that 10 M rows use 2,700 of:
     * hashing takes half the time) */
    spec->dense_limit = OV_MIN((uint64_t)OV_MAX(room, 64), OV_MAX(rows / 8, (uint64_t)LEAST));
    if (spec->exec->cx->options.dense_limit)
        spec->dense_limit = spec->exec->cx->options.dense_limit;
}

ov_status ovi_agg_spec_make(ovi_exec *x, const ov_plan *node, agg_spec *spec, ov_error *err)
{
    *spec = (agg_spec){.exec = x, .node = node, .general = x->cx->options.general_only};
    OV_TRY(make_accs(spec, &x->arena, err));
    OV_TRY(make_layout(spec, &x->arena, err));
    set_dense_limit(spec);
    return OV_OK;
}
