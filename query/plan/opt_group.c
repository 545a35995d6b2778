/*
 * Groupings that ask for less: the last step before execution, over plans that are otherwise ready.
 *
 *   GROUP BY x, f(x)    rows that agree in x agree in f(x): it is computed once a group, above
 *   SUM(x + 3)          is SUM(x) + 3 * COUNT(x), and sums of x are shared, or known of whole blocks. Whole numbers only:
 *                       they wrap, so both are the same to the last bit
 */
#include "query/plan/opt_int.h"

#include "base/bits.h"

/* What a grouping becomes. */
typedef struct regroup {
    ov_expr_ctx *cx;
    const ov_plan *old;
    const ov_expr **keys;
    uint32_t key_count;
    ov_agg_call *aggs;
    uint32_t agg_count;
    uint32_t *place;     /* of each old key among the new ones; NO_PLACE: it is computed */
    const ov_expr **map; /* of each column of the input that is a key: where it is above; made when first asked for */
    const ov_expr **own; /* of each old aggregate: what is added for each value, as a constant; NULL: it stays */
    uint32_t *sum, *count; /* new aggregates of each old one */
} regroup;

enum { NO_PLACE = UINT32_MAX };

/* ---- keys ---- */

/* Columns of the input, a bit each. */
typedef struct key_columns {
    uint64_t *have;  /* keys so far whose equal values are the same value (zeros of fractions are not) */
    uint64_t *reads; /* room for those of one key */
    uint32_t n;
} key_columns;

static void note_key(key_columns *c, const ov_expr *e)
{
    if (e->kind == OV_EXPR_COLUMN && !ov_type_is_real(e->type) && !ov_type_is_list(e->type))
        ov_bits_set(c->have, e->column);
}

/* Is e known where the keys before it are? */
static bool follows(key_columns *c, const ov_expr *e)
{
    if (e->kind == OV_EXPR_COLUMN || e->kind == OV_EXPR_CONST || !e->deterministic || ov_type_is_list(e->type))
        return false;
    memset(c->reads, 0, (ov_words(c->n) + 1) * 8);
    ov_expr_columns(e, c->reads, c->n);
    if (!ov_bits_any(c->reads, c->n))
        return false;
    ov_bits_andnot(c->reads, c->have, c->n);
    return !ov_bits_any(c->reads, c->n);
}

/* *change when some key is computed from others. */
static OV_CHECKED ov_status split_keys(regroup *r, bool *change, ov_error *err)
{
    const ov_plan *old = r->old;
    uint32_t n = old->aggregate.key_count;
    key_columns columns = {.n = old->inputs[0]->field_count};
    OV_TRY(ov_arena_zalloc(r->cx->arena, (ov_words(columns.n) + 1) * 8, &columns.have, err));
    OV_TRY(ov_arena_zalloc(r->cx->arena, (ov_words(columns.n) + 1) * 8, &columns.reads, err));
    OV_TRY(ov_arena_alloc(r->cx->arena, ((size_t)n + 1) * sizeof *r->keys, &r->keys, err));
    OV_TRY(ov_arena_alloc(r->cx->arena, ((size_t)n + 1) * sizeof *r->place, &r->place, err));
    for (uint32_t k = 0; k < n; k++) {
        bool drop = follows(&columns, old->aggregate.keys[k]);
        note_key(&columns, old->aggregate.keys[k]);
        r->place[k] = drop ? NO_PLACE : r->key_count;
        if (!drop)
            r->keys[r->key_count++] = old->aggregate.keys[k];
        *change |= drop;
    }
    return OV_OK;
}

/* ---- sums ---- */

static bool is_whole(const ov_expr *e)
{
    return ov_type_is_int(e->type) && (e->sql == OV_SQL_BIGINT || e->sql == OV_SQL_INTEGER);
}

/* x of x + c, c + x, x - c; *c takes c in. NULL: e is none of them. */
static const ov_expr *without_constant(const ov_expr *e, uint64_t *c)
{
    if (e->kind != OV_EXPR_CALL || e->argc != 2 || !is_whole(e) || !is_whole(e->args[0]) || !is_whole(e->args[1]))
        return NULL;
    const char *name = ov_expr_function(e);
    bool plus = strcmp(name, "+") == 0, minus = strcmp(name, "-") == 0;
    const ov_expr *x = e->args[0], *by = e->args[1];
    if (plus && x->kind == OV_EXPR_CONST) {
        x = e->args[1];
        by = e->args[0];
    }
    if ((!plus && !minus) || by->kind != OV_EXPR_CONST || by->constant.is_null || x->kind == OV_EXPR_CONST)
        return NULL;
    *c += plus ? (uint64_t)by->constant.i : -(uint64_t)by->constant.i;
    return x;
}

/* The number of a call among the new ones, added unless it is there: a list of them is short or its calls are alike. */
static OV_CHECKED ov_status call_number(regroup *r, const char *name, const ov_expr *x, const ov_agg_call *like,
                                        uint32_t *number, ov_error *err)
{
    enum { LOOK_BACK = 4 };
    const ov_expr **args;
    ov_agg_call call;
    OV_TRY(ov_arena_alloc(r->cx->arena, sizeof *args, &args, err));
    args[0] = x;
    OV_TRY(ov_agg_bind(r->cx, ov_slice_cstr(name), args, 1, false, like->filter, like->pos, like->end_pos, &call, err));
    uint32_t first = r->agg_count > LOOK_BACK ? r->agg_count - LOOK_BACK : 0;
    for (*number = first; *number < r->agg_count; ++*number)
        if (ov_agg_call_equal(&r->aggs[*number], &call))
            return OV_OK;
    r->aggs[r->agg_count++] = call;
    return OV_OK;
}

static OV_CHECKED ov_status split_sums(regroup *r, bool *change, ov_error *err)
{
    uint32_t n = r->old->aggregate.agg_count;
    OV_TRY(ov_arena_alloc(r->cx->arena, (2 * (size_t)n + 1) * sizeof *r->aggs, &r->aggs, err));
    OV_TRY(ov_arena_zalloc(r->cx->arena, ((size_t)n + 1) * sizeof *r->own, &r->own, err));
    OV_TRY(ov_arena_zalloc(r->cx->arena, ((size_t)n + 1) * sizeof *r->sum, &r->sum, err));
    OV_TRY(ov_arena_zalloc(r->cx->arena, ((size_t)n + 1) * sizeof *r->count, &r->count, err));
    for (uint32_t i = 0; i < n; i++) {
        const ov_agg_call *call = &r->old->aggregate.aggs[i];
        const ov_expr *x = NULL, *next = call->argc == 1 ? call->args[0] : NULL;
        uint64_t c = 0;
        bool plain = call->fn->kind == OV_AGG_SUM && !call->distinct && !call->packed && call->param_count == 0;
        while (plain && next && (next = without_constant(next, &c)))
            x = next;
        if (!x) {
            r->sum[i] = r->agg_count;
            r->aggs[r->agg_count++] = *call;
            continue;
        }
        *change = true;
        OV_TRY(ov_expr_i64(r->cx, OV_SQL_BIGINT, (int64_t)c, &r->own[i], err));
        OV_TRY(call_number(r, "SUM", x, call, &r->sum[i], err));
        OV_TRY(call_number(r, "COUNT", x, call, &r->count[i], err));
    }
    return OV_OK;
}

/* ---- the projection above ---- */

static OV_CHECKED ov_status map_keys(regroup *r, const ov_plan *grouped, ov_error *err)
{
    const ov_plan *old = r->old;
    OV_TRY(ov_arena_zalloc(r->cx->arena, ((size_t)old->inputs[0]->field_count + 1) * sizeof *r->map, &r->map, err));
    for (uint32_t i = 0; i < old->aggregate.key_count; i++)
        if (old->aggregate.keys[i]->kind == OV_EXPR_COLUMN)
            OV_TRY(ov_plan_column(r->cx, grouped, r->place[i], &r->map[old->aggregate.keys[i]->column], err));
    return OV_OK;
}

static OV_CHECKED ov_status key_again(regroup *r, const ov_plan *grouped, uint32_t k, const ov_expr **out, ov_error *err)
{
    if (r->place[k] != NO_PLACE)
        return ov_plan_column(r->cx, grouped, r->place[k], out, err);
    if (!r->map)
        OV_TRY(map_keys(r, grouped, err));
    return ov_expr_rebase(r->cx, r->old->aggregate.keys[k], r->map, out, err);
}

static OV_CHECKED ov_status agg_again(const regroup *r, const ov_plan *grouped, uint32_t i, const ov_expr **out, ov_error *err)
{
    const ov_agg_call *call = &r->old->aggregate.aggs[i];
    const ov_expr *sum, *times[2], *both[2];
    OV_TRY(ov_plan_column(r->cx, grouped, r->key_count + r->sum[i], &sum, err));
    *out = sum;
    if (!r->own[i])
        return OV_OK;
    OV_TRY(ov_plan_column(r->cx, grouped, r->key_count + r->count[i], &times[0], err));
    times[1] = r->own[i];
    both[0] = sum;
    OV_TRY(ov_expr_call(r->cx, OV_SLICE_LIT("*"), times, 2, call->pos, call->end_pos, &both[1], err));
    OV_TRY(ov_expr_call(r->cx, OV_SLICE_LIT("+"), both, 2, call->pos, call->end_pos, out, err));
    return (*out)->sql == call->sql ? OV_OK : ov_expr_retype(r->cx, *out, (ov_sqltype)call->sql, out, err);
}

static OV_CHECKED ov_status regrouped(ov_expr_ctx *cx, const ov_plan *plan, const ov_plan **out, ov_error *err)
{
    regroup r = {.cx = cx, .old = plan};
    bool change = false;
    const ov_plan *grouped;
    const ov_expr **exprs;
    uint32_t keys = plan->aggregate.key_count;
    *out = plan;
    OV_TRY(split_keys(&r, &change, err));
    OV_TRY(split_sums(&r, &change, err));
    if (!change)
        return OV_OK;
    OV_TRY(ov_plan_aggregate(cx->arena, plan->inputs[0], r.keys, r.key_count, r.aggs, r.agg_count, &grouped, err));
    OV_TRY(ov_arena_alloc(cx->arena, ((size_t)plan->field_count + 1) * sizeof *exprs, &exprs, err));
    for (uint32_t i = 0; i < plan->field_count; i++)
        OV_TRY(i < keys ? key_again(&r, grouped, i, &exprs[i], err) : agg_again(&r, grouped, i - keys, &exprs[i], err));
    OV_TRY(ov_plan_project(cx->arena, grouped, exprs, NULL, plan->field_count, out, err));
    return ovi_plan_named_like(cx, *out, plan, out, err);
}

ov_status ov_plan_lighter_groups(ov_expr_ctx *cx, const ov_plan *in, const ov_plan **out, ov_error *err)
{
    OV_TRY(ovi_plan_each_input(cx, in, ov_plan_lighter_groups, out, err));
    if ((*out)->kind != OV_PLAN_AGGREGATE || (*out)->aggregate.set_count)
        return OV_OK;
    return regrouped(cx, *out, out, err);
}
