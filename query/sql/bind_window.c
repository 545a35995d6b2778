/*
 * Window functions: f(...) OVER (...), bound where they stand.
 *
 * While a SELECT is bound each call becomes a column from OVI_SQL_WINDOW_BASE on, and is kept apart with what it
 * partitions and orders by, all over the same columns as the items around it. What becomes of them then is in
 * bind_window_plan.c.
 */
#include "query/sql/bind_int.h"

#include "base/hash.h"
#include "base/suggest.h"

typedef struct window_fn {
    const char *name;
    uint8_t fn; /* ov_window_fn */
    uint8_t min_args, max_args;
} window_fn;

static const window_fn functions[] = {
    {"ROW_NUMBER", OV_WINDOW_ROW_NUMBER, 0, 0},   {"RANK", OV_WINDOW_RANK, 0, 0},
    {"DENSE_RANK", OV_WINDOW_DENSE_RANK, 0, 0},   {"PERCENT_RANK", OV_WINDOW_PERCENT_RANK, 0, 0},
    {"CUME_DIST", OV_WINDOW_CUME_DIST, 0, 0},     {"NTILE", OV_WINDOW_NTILE, 1, 1},
    {"LAG", OV_WINDOW_LAG, 1, 3},                 {"LEAD", OV_WINDOW_LEAD, 1, 3},
    {"FIRST_VALUE", OV_WINDOW_FIRST_VALUE, 1, 1}, {"LAST_VALUE", OV_WINDOW_LAST_VALUE, 1, 1},
    {"NTH_VALUE", OV_WINDOW_NTH_VALUE, 2, 2},
};

static const window_fn *find_function(ov_slice name)
{
    for (size_t i = 0; i < OV_COUNT_OF(functions); i++)
        if (ov_slice_ieq(name, ov_slice_cstr(functions[i].name)))
            return &functions[i];
    return NULL;
}

uint32_t ov_sql_window_docs(const ov_function_doc **out)
{
    static const ov_function_doc docs[] = {{"CUME_DIST", "'CUME_DIST()'", true},
                                           {"DENSE_RANK", "'DENSE_RANK()'", true},
                                           {"FIRST_VALUE", "'FIRST_VALUE(<ANY>)'", true},
                                           {"LAG", "'LAG(<ANY>, [<INTEGER>, [<ANY>]])'", true},
                                           {"LAST_VALUE", "'LAST_VALUE(<ANY>)'", true},
                                           {"LEAD", "'LEAD(<ANY>, [<INTEGER>, [<ANY>]])'", true},
                                           {"NTH_VALUE", "'NTH_VALUE(<ANY>, <INTEGER>)'", true},
                                           {"NTILE", "'NTILE(<INTEGER>)'", true},
                                           {"PERCENT_RANK", "'PERCENT_RANK()'", true},
                                           {"RANK", "'RANK()'", true},
                                           {"ROW_NUMBER", "'ROW_NUMBER()'", true}};
    *out = docs;
    return (uint32_t)OV_COUNT_OF(docs);
}

bool ovi_sql_is_window_function(ov_slice name)
{
    return find_function(name) != NULL;
}

/* ---- OVER ---- */

/* The clauses of a window, its own or those of the named window it builds on. */
typedef struct clauses {
    const ov_ast *partition, *order, *frame;
} clauses;

static OV_CHECKED ov_status find_clauses(ovi_sql_names *n, const ov_ast *window, uint32_t depth, clauses *out,
                                         ov_error *err)
{
    const ov_ast *base = window->kids[OV_WINDOW_BASE], *named = n->windows->named, *def = NULL;
    clauses own = {window->kids[OV_WINDOW_PARTITION], window->kids[OV_WINDOW_ORDER], window->kids[OV_WINDOW_FRAME]};
    *out = own;
    if (!base)
        return OV_OK;
    ov_suggest near;
    char hint[OV_SUGGEST_BYTES];
    ov_suggest_init(&near, base->text);
    for (uint32_t i = 0; named && i < named->kid_count; i++) {
        ov_suggest_offer(&near, named->kids[i]->kids[0]->text);
        if (!def && ov_slice_eq(named->kids[i]->kids[0]->text, base->text))
            def = named->kids[i];
    }
    if (!def || depth > named->kid_count)
        return ovi_sql_fail_node(n->b, base, OV_INVALID, err, def ? NULL : ov_suggest_text(&near, hint),
                                 def ? "Window '" OV_SLICE_FMT "' builds on itself"
                                     : "Window '" OV_SLICE_FMT "' not found",
                                 OV_SLICE_ARG(base->text));
    OV_TRY(find_clauses(n, def->kids[1], depth + 1, out, err));
    const ov_ast *twice = own.partition ? own.partition : own.order && out->order ? own.order : NULL;
    if (!twice && out->frame && (own.order || own.frame))
        twice = own.order ? own.order : own.frame;
    if (twice)
        return ovi_sql_fail_node(n->b, twice, OV_INVALID, err, NULL,
                                 "Cannot override a clause of the window '" OV_SLICE_FMT "'",
                                 OV_SLICE_ARG(base->text));
    out->order = own.order ? own.order : out->order;
    out->frame = own.frame ? own.frame : out->frame;
    return OV_OK;
}

static OV_CHECKED ov_status refuse_multi(ovi_sql_names *n, const ov_ast *at, const ov_expr *e, ov_error *err)
{
    if (!e->type.multi)
        return OV_OK;
    return ovi_sql_fail_node(
        n->b, at, OV_UNSUPPORTED, err, NULL,
        "Window processing does not support multi-value strings; use UNNEST or MV_TO_ARRAY");
}

static OV_CHECKED ov_status bind_partition(ovi_sql_names *n, const ov_ast *list, ovi_sql_window *w, ov_error *err)
{
    uint32_t count = list ? list->kid_count : 0;
    OV_TRY(ov_arena_alloc(n->b->arena, ((size_t)count + 1) * sizeof *w->partition, &w->partition, err));
    for (uint32_t i = 0; i < count; i++) {
        const ov_expr *e;
        OV_TRY(ovi_sql_bind_expr(n, list->kids[i], &e, err));
        OV_TRY(refuse_multi(n, list->kids[i], e, err));
        if (e->kind != OV_EXPR_CONST)
            w->partition[w->partition_count++] = e;
    }
    return OV_OK;
}

static OV_CHECKED ov_status bind_order(ovi_sql_names *n, const ov_ast *list, ovi_sql_window *w, ov_error *err)
{
    uint32_t count = list ? list->kid_count : 0;
    OV_TRY(ov_arena_alloc(n->b->arena, ((size_t)count + 1) * sizeof *w->order, &w->order, err));
    OV_TRY(ov_arena_alloc(n->b->arena, ((size_t)count + 1) * sizeof *w->keys, &w->keys, err));
    for (uint32_t i = 0; i < count; i++) {
        const ov_expr *e;
        OV_TRY(ovi_sql_bind_expr(n, list->kids[i]->kids[0], &e, err));
        OV_TRY(refuse_multi(n, list->kids[i], e, err));
        if (e->kind == OV_EXPR_CONST)
            continue;
        w->order[w->order_count] = e;
        w->keys[w->order_count++] = ovi_sql_sort_key(list->kids[i], 0);
    }
    return OV_OK;
}

/* ---- frames ---- */

static bool is_unbounded(const ov_ast *bound, uint8_t op)
{
    return bound && bound->op == op;
}

static OV_CHECKED ov_status bind_rows(ovi_sql_names *n, const ov_ast *at, const ov_expr *e, ov_window_edge *out,
                                      ov_error *err)
{
    if (e->kind != OV_EXPR_CONST || e->constant.is_null || !ov_sqltype_is_integer((ov_sqltype)e->sql) ||
        e->constant.i < 0)
        return ovi_sql_fail_node(n->b, at, OV_INVALID, err, NULL,
                                 "Window frames take a whole number of rows or groups that is a literal and not negative");
    out->n = e->constant.i;
    return OV_OK;
}

static bool is_interval(const ov_expr *e)
{
    return e->sql == OV_SQL_INTERVAL_MS || e->sql == OV_SQL_INTERVAL_MONTH;
}

/* A distance in values of the sort key. */
static OV_CHECKED ov_status bind_distance(ovi_sql_names *n, const ov_ast *at, const ov_expr *e, const ovi_sql_window *w,
                                          ov_window_edge *out, ov_error *err)
{
    const ov_expr *key = w->order_count == 1 ? w->order[0] : NULL;
    bool time = key && (key->sql == OV_SQL_TIMESTAMP || key->sql == OV_SQL_DATE);
    bool number = key && !time && (ov_type_is_int(key->type) || ov_type_is_real(key->type));
    if (!time && !number)
        return ovi_sql_fail_node(n->b, at, OV_INVALID, err, NULL,
                                 "RANGE with a distance needs ORDER BY with one key, a number or a time");
    bool whole = ov_type_is_int(e->type), literal = e->kind == OV_EXPR_CONST && !e->constant.is_null;
    if (!literal || (time ? e->sql != OV_SQL_INTERVAL_MS : is_interval(e) || (!whole && !ov_type_is_real(e->type))))
        return ovi_sql_fail_node(n->b, at, OV_INVALID, err, NULL,
                                 time ? "The distance of RANGE over times is an interval of days or less: INTERVAL '1' DAY"
                                      : "The distance of RANGE over numbers is a literal number");
    if (whole ? e->constant.i < 0 : !(e->constant.f >= 0))
        return ovi_sql_fail_node(n->b, at, OV_INVALID, err, NULL, "The distance of RANGE is not negative");
    out->real = whole ? (double)e->constant.i : e->constant.f;
    if (whole)
        out->n = e->constant.i;
    else
        out->n = e->constant.f >= 9.2e18 ? INT64_MAX : (int64_t)e->constant.f; /* whole keys: the rest decides nothing */
    return OV_OK;
}

static OV_CHECKED ov_status bind_edge(ovi_sql_names *n, const ov_ast *bound, const ovi_sql_window *w, bool range,
                                      ov_window_edge *out, ov_error *err)
{
    const ov_expr *e;
    *out = (ov_window_edge){0};
    switch (bound->op) {
    case OV_BOUND_UNBOUNDED_PRECEDING:
    case OV_BOUND_UNBOUNDED_FOLLOWING:
        out->kind = OV_EDGE_PARTITION;
        return OV_OK;
    case OV_BOUND_CURRENT_ROW:
        out->kind = OV_EDGE_CURRENT;
        return OV_OK;
    default:
        break;
    }
    out->kind = bound->op == OV_BOUND_PRECEDING ? OV_EDGE_PRECEDING : OV_EDGE_FOLLOWING;
    OV_TRY(ovi_sql_bind_expr(n, bound->kids[0], &e, err));
    return range ? bind_distance(n, bound, e, w, out, err) : bind_rows(n, bound, e, out, err);
}

/* One bound stands for BETWEEN it AND CURRENT ROW, or BETWEEN CURRENT ROW AND it when it lies behind. */
static OV_CHECKED ov_status bind_frame(ovi_sql_names *n, const ov_ast *frame, const ovi_sql_window *w,
                                       ov_window_frame *out, ov_error *err)
{
    /* nothing said: up to the current row's peers when there is an order, else everything */
    *out = (ov_window_frame){.range = true, .from = {.kind = OV_EDGE_PARTITION}, .to = {.kind = OV_EDGE_CURRENT}};
    if (!frame)
        return OV_OK;
    const ov_ast *from = frame->kids[0], *to = frame->kids[1];
    out->range = frame->op != OV_FRAME_ROWS;
    out->groups = frame->op == OV_FRAME_GROUPS;
    if (!to && (from->op == OV_BOUND_FOLLOWING || from->op == OV_BOUND_UNBOUNDED_FOLLOWING)) {
        to = from;
        from = NULL;
    }
    if (is_unbounded(from, OV_BOUND_UNBOUNDED_FOLLOWING))
        return ovi_sql_fail_node(n->b, from, OV_INVALID, err, NULL,
                                 "UNBOUNDED FOLLOWING cannot be specified for the lower frame boundary");
    if (is_unbounded(to, OV_BOUND_UNBOUNDED_PRECEDING))
        return ovi_sql_fail_node(n->b, to, OV_INVALID, err, NULL,
                                 "UNBOUNDED PRECEDING cannot be specified for the upper frame boundary");
    if (from && to && from->op > to->op)
        return ovi_sql_fail_node(n->b, frame, OV_INVALID, err, NULL,
                                 "The upper frame boundary cannot lie before the lower one");
    out->from.kind = OV_EDGE_CURRENT;
    if (from)
        OV_TRY(bind_edge(n, from, w, frame->op == OV_FRAME_RANGE, &out->from, err));
    if (to)
        OV_TRY(bind_edge(n, to, w, frame->op == OV_FRAME_RANGE, &out->to, err));
    return OV_OK;
}

/* ---- calls ---- */

static OV_CHECKED ov_status bind_number(ovi_sql_names *n, const ov_ast *call, const ov_ast *arg, int64_t least,
                                        int64_t *out, ov_error *err)
{
    const ov_expr *e;
    OV_TRY(ovi_sql_bind_expr(n, arg, &e, err));
    if (e->kind != OV_EXPR_CONST || e->constant.is_null || !ov_sqltype_is_integer((ov_sqltype)e->sql) ||
        e->constant.i < least)
        return ovi_sql_fail_node(n->b, arg, OV_INVALID, err, NULL,
                                 "The argument of " OV_SLICE_FMT " is a literal whole number, at least %lld",
                                 OV_SLICE_ARG(call->text), (long long)least);
    *out = e->constant.i;
    return OV_OK;
}

static OV_CHECKED ov_status bind_value(ovi_sql_names *n, const ov_ast *list, const window_fn *fn, ov_window_call *call,
                                       ov_error *err)
{
    OV_TRY(ov_arena_alloc(n->b->arena, 2 * sizeof *call->args, &call->args, err));
    OV_TRY(ovi_sql_bind_expr(n, list->kids[0], &call->args[0], err));
    OV_TRY(refuse_multi(n, list->kids[0], call->args[0], err));
    const ov_expr *value = call->args[0];
    call->argc = 1;
    call->type = value->type;
    call->sql = value->sql;
    call->nullable = true;
    if ((fn->fn != OV_WINDOW_LAG && fn->fn != OV_WINDOW_LEAD) || list->kid_count < 3)
        return OV_OK;
    OV_TRY(ovi_sql_bind_expr(n, list->kids[2], &call->args[1], err));
    call->argc = 2;
    const ov_expr *other = call->args[1];
    if (other->sql == value->sql && ov_type_eq(other->type, value->type))
        return OV_OK;
    return ov_expr_cast(n->b->cx, other, (ov_sqltype)value->sql, value->type, list->kids[2]->pos,
                        list->kids[2]->end_pos, &call->args[1], err);
}

static OV_CHECKED ov_status bind_function(ovi_sql_names *n, const ov_ast *ast, const window_fn *fn, const clauses *over,
                                          ov_window_call *call, ov_error *err)
{
    const ov_ast *list = ast->kids[OV_CALL_ARGS];
    call->fn = fn->fn;
    if (list->kid_count < fn->min_args || list->kid_count > fn->max_args ||
        (list->kid_count && list->kids[0]->kind == OV_AST_STAR))
        return ovi_sql_fail_node(n->b, ast, OV_INVALID, err, NULL, "%s takes %s%u arguments", fn->name,
                                 fn->min_args < fn->max_args ? "up to " : "", fn->max_args);
    if (fn->fn >= OV_WINDOW_RANK && fn->fn <= OV_WINDOW_CUME_DIST && !over->order)
        return ovi_sql_fail_node(n->b, ast, OV_INVALID, err, NULL,
                                 "%s requires an ORDER BY clause in its window specification", fn->name);
    if (fn->fn < OV_WINDOW_FIRST_VALUE && over->frame)
        return ovi_sql_fail_node(n->b, over->frame, OV_INVALID, err, NULL, "ROWS, RANGE and GROUPS are not allowed with %s",
                                 fn->name);
    if (ast->kids[OV_CALL_FILTER])
        return ovi_sql_fail_node(n->b, ast, OV_INVALID, err, NULL, "FILTER applies to aggregates, not to %s", fn->name);
    call->type = OV_T(OV_TYPE_LONG);
    call->sql = OV_SQL_BIGINT;
    if (fn->fn == OV_WINDOW_PERCENT_RANK || fn->fn == OV_WINDOW_CUME_DIST) {
        call->type = OV_T(OV_TYPE_DOUBLE);
        call->sql = OV_SQL_DOUBLE;
    }
    if (fn->fn == OV_WINDOW_NTILE)
        return bind_number(n, ast, list->kids[0], 1, &call->n, err);
    if (fn->fn < OV_WINDOW_LAG)
        return OV_OK;
    OV_TRY(bind_value(n, list, fn, call, err));
    call->n = 1;
    if (list->kid_count > 1)
        OV_TRY(bind_number(n, ast, list->kids[1], fn->fn == OV_WINDOW_NTH_VALUE, &call->n, err));
    call->ignore_nulls = ast->flags & OV_AST_IGNORE_NULLS;
    return OV_OK;
}

static OV_CHECKED ov_status bind_aggregate(ovi_sql_names *n, const ov_ast *ast, ov_window_call *call, ov_error *err)
{
    ov_agg_call *agg;
    OV_TRY(ov_arena_alloc(n->b->arena, sizeof *agg, &agg, err));
    OV_TRY(ovi_sql_bind_agg_call(n, ast, agg, err));
    call->fn = OV_WINDOW_AGGREGATE;
    call->agg = agg;
    call->type = agg->type;
    call->sql = agg->sql;
    call->nullable = true; /* also COUNT may stand over no rows, but is 0 then */
    if (agg->fn->kind == OV_AGG_COUNT)
        call->nullable = agg->nullable;
    return OV_OK;
}

/* ---- collecting ---- */

static bool same_exprs(const ov_expr *const *a, const ov_expr *const *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!ov_expr_equal(a[i], b[i]))
            return false;
    return true;
}

static bool same_edge(const ov_window_edge *a, const ov_window_edge *b)
{
    return a->kind == b->kind && a->n == b->n && a->real == b->real;
}

bool ovi_sql_same_over(const ovi_sql_window *a, const ovi_sql_window *b)
{
    if (a->partition_count != b->partition_count || a->order_count != b->order_count ||
        !same_exprs(a->partition, b->partition, a->partition_count) ||
        !same_exprs(a->order, b->order, a->order_count))
        return false;
    for (uint32_t i = 0; i < a->order_count; i++)
        if (a->keys[i].descending != b->keys[i].descending || a->keys[i].nulls_first != b->keys[i].nulls_first)
            return false;
    return true;
}

static bool same_window(const ovi_sql_window *a, const ovi_sql_window *b)
{
    const ov_window_call *x = &a->call, *y = &b->call;
    if (x->fn != y->fn || x->n != y->n || x->ignore_nulls != y->ignore_nulls || x->argc != y->argc ||
        x->frame.range != y->frame.range || !same_edge(&x->frame.from, &y->frame.from) ||
        !same_edge(&x->frame.to, &y->frame.to))
        return false;
    if (x->agg && !ov_agg_call_equal(x->agg, y->agg))
        return false;
    return same_exprs(x->args, y->args, x->argc) && ovi_sql_same_over(a, b);
}

/* Of what mostly tells windows apart. */
static uint64_t hash_window(const ovi_sql_window *w)
{
    uint64_t h = ov_hash_u64((uint64_t)w->call.fn << 32 ^ (uint64_t)w->call.n);
    h = ov_hash_combine(h, (uint64_t)w->call.frame.from.n << 32 ^ (uint64_t)w->call.frame.to.n);
    if (w->call.agg)
        h = ov_hash_combine(h, ov_agg_call_hash(w->call.agg));
    h = ov_expr_hash_all(w->call.args, w->call.argc, h);
    h = ov_expr_hash_all(w->partition, w->partition_count, h);
    return ov_expr_hash_all(w->order, w->order_count, h);
}

static OV_CHECKED ov_status collect(ovi_sql_names *n, const ovi_sql_window *w, const ov_expr **out, ov_error *err)
{
    ovi_sql_windows *all = n->windows;
    uint64_t hash = hash_window(w);
    uint32_t i = all->count;
    OV_EACH_PLACE(&all->places, hash, place, slot)
        if (same_window(&all->list[place], w)) {
            i = place;
            break;
        }
    if (i == all->count) {
        OV_TRY(ov_arena_room(n->b->arena, &all->list, all->count, &all->capacity, 1, sizeof *all->list, err));
        OV_TRY(ov_places_add(&all->places, n->b->arena, hash, err));
        all->list[all->count++] = *w;
    }
    return ov_expr_column(n->b->cx, (uint32_t)OVI_SQL_WINDOW_BASE + i, w->call.type, (ov_sqltype)w->call.sql,
                          w->call.nullable, out, err);
}

bool ovi_sql_reads_window(const ov_expr *e)
{
    bool reads = e->kind == OV_EXPR_COLUMN && e->column >= (uint32_t)OVI_SQL_WINDOW_BASE &&
                 e->column < OVI_SQL_SUB_BASE;
    for (uint32_t i = 0; i < e->argc && !reads; i++)
        reads = ovi_sql_reads_window(e->args[i]);
    return reads;
}

ov_status ovi_sql_bind_over(ovi_sql_names *n, const ov_ast *ast, const ov_expr **out, ov_error *err)
{
    const window_fn *fn = find_function(ast->text);
    ovi_sql_window w = {.ast = ast};
    clauses over;
    if (n->in_window)
        return ovi_sql_fail_node(n->b, ast, OV_INVALID, err, NULL, "Window functions cannot be nested");
    if (n->in_aggregate)
        return ovi_sql_fail_node(n->b, n->in_aggregate, OV_INVALID, err, NULL,
                                 "Aggregate expressions cannot be nested; a window function is none of their arguments");
    if (!n->windows)
        return ovi_sql_fail_node(n->b, ast, OV_INVALID, err, NULL,
                                 "Windowed aggregate expression is illegal in %s clause", n->clause);
    if (!fn && !ov_agg_exists(ast->text))
        return ovi_sql_fail_node(n->b, ast, OV_INVALID, err, NULL,
                                 "'" OV_SLICE_FMT "' is neither a window function nor an aggregate: OVER does not apply",
                                 OV_SLICE_ARG(ast->text));
    if (ast->flags & OV_AST_DISTINCT)
        return ovi_sql_fail_node(n->b, ast, OV_INVALID, err, NULL, "DISTINCT is not supported for window functions");
    if (ast->flags & OV_AST_IGNORE_NULLS && (!fn || fn->fn < OV_WINDOW_LAG))
        return ovi_sql_fail_node(n->b, ast, OV_INVALID, err, NULL, "IGNORE NULLS does not apply to '" OV_SLICE_FMT "'",
                                 OV_SLICE_ARG(ast->text));
    OV_TRY(find_clauses(n, ast->kids[OV_CALL_OVER], 0, &over, err));
    ovi_sql_names inner = *n;
    inner.in_window = ast;
    inner.alias_use = OVI_SQL_NO_ALIASES;
    OV_TRY(bind_partition(&inner, over.partition, &w, err));
    OV_TRY(bind_order(&inner, over.order, &w, err));
    OV_TRY(bind_frame(&inner, over.frame, &w, &w.call.frame, err));
    if (fn)
        OV_TRY(bind_function(&inner, ast, fn, &over, &w.call, err));
    else
        OV_TRY(bind_aggregate(&inner, ast, &w.call, err));
    return collect(n, &w, out, err);
}
