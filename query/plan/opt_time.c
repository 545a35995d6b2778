/*
 * Time ranges out of the filter of a scan, so that segments and blocks outside are never opened.
 *
 * Every expression has a set of times outside of which it cannot be true; it is exact when inside
 * it is true as well and outside it is false. AND intersects, OR joins, NOT of an exact set is its complement (a row's
 * __time is never NULL). What the exact conjuncts do not say is the residual filter.
 */
#include "query/plan/opt_int.h"

enum { MOST_RANGES = 4096 }; /* more are not worth keeping apart */

typedef struct time_set {
    ov_time_range *list; /* ascending, disjoint */
    uint32_t count;
    bool exact;
} time_set;

typedef struct finder {
    ov_expr_ctx *cx;
    uint32_t time_column;
} finder;

static OV_CHECKED ov_status of_expr(const finder *f, const ov_expr *e, time_set *out,
                                    ov_error *err);

static OV_CHECKED ov_status one_range(const finder *f, int64_t start, int64_t end, bool exact,
                                      time_set *out, ov_error *err)
{
    OV_TRY(ov_arena_alloc(f->cx->arena, sizeof *out->list, &out->list, err));
    out->list[0] = (ov_time_range){start, end};
    out->count = start < end;
    out->exact = exact;
    return OV_OK;
}

static OV_CHECKED ov_status anything(const finder *f, time_set *out, ov_error *err)
{
    return one_range(f, INT64_MIN, INT64_MAX, false, out, err);
}

static OV_CHECKED ov_status intersect(const finder *f, time_set a, time_set b, time_set *out,
                                      ov_error *err)
{
    uint32_t i = 0, j = 0;
    OV_TRY(
        ov_arena_alloc(f->cx->arena, (a.count + b.count + 1) * sizeof *out->list, &out->list, err));
    out->count = 0;
    out->exact = a.exact && b.exact;
    while (i < a.count && j < b.count) {
        ov_time_range r = {OV_MAX(a.list[i].start_ms, b.list[j].start_ms),
                           OV_MIN(a.list[i].end_ms, b.list[j].end_ms)};
        if (r.start_ms < r.end_ms)
            out->list[out->count++] = r;
        if (a.list[i].end_ms < b.list[j].end_ms)
            i++;
        else
            j++;
    }
    return OV_OK;
}

/* Both together; ranges that touch become one. */
static OV_CHECKED ov_status join(const finder *f, time_set a, time_set b, time_set *out,
                                 ov_error *err)
{
    uint32_t i = 0, j = 0, n = 0;
    ov_time_range *list;
    OV_TRY(ov_arena_alloc(f->cx->arena, (a.count + b.count + 1) * sizeof *list, &list, err));
    while (i < a.count || j < b.count) {
        bool from_a = j == b.count || (i < a.count && a.list[i].start_ms <= b.list[j].start_ms);
        ov_time_range r = from_a ? a.list[i++] : b.list[j++];
        if (n && r.start_ms <= list[n - 1].end_ms)
            list[n - 1].end_ms = OV_MAX(list[n - 1].end_ms, r.end_ms);
        else
            list[n++] = r;
    }
    *out = (time_set){list, n, a.exact && b.exact};
    if (n <= MOST_RANGES)
        return OV_OK;
    return one_range(f, list[0].start_ms, list[n - 1].end_ms, false, out, err);
}

static OV_CHECKED ov_status complement(const finder *f, time_set a, time_set *out, ov_error *err)
{
    int64_t from = INT64_MIN;
    OV_TRY(ov_arena_alloc(f->cx->arena, (a.count + 1) * sizeof *out->list, &out->list, err));
    out->count = 0;
    out->exact = true;
    for (uint32_t i = 0; i < a.count; i++) {
        if (from < a.list[i].start_ms)
            out->list[out->count++] = (ov_time_range){from, a.list[i].start_ms};
        from = a.list[i].end_ms;
    }
    if (from < INT64_MAX)
        out->list[out->count++] = (ov_time_range){from, INT64_MAX};
    return OV_OK;
}

static int64_t after(int64_t ms)
{
    return ms == INT64_MAX ? INT64_MAX : ms + 1;
}

/* time OP ms */
static OV_CHECKED ov_status compared(const finder *f, ov_op op, int64_t ms, time_set *out,
                                     ov_error *err)
{
    switch (op) {
    case OV_OP_EQ:
        return one_range(f, ms, after(ms), true, out, err);
    case OV_OP_LT:
        return one_range(f, INT64_MIN, ms, true, out, err);
    case OV_OP_LE:
        return one_range(f, INT64_MIN, after(ms), true, out, err);
    case OV_OP_GT:
        return one_range(f, after(ms), INT64_MAX, true, out, err);
    case OV_OP_GE:
        return one_range(f, ms, INT64_MAX, true, out, err);
    case OV_OP_NE: {
        time_set equal;
        OV_TRY(one_range(f, ms, after(ms), true, &equal, err));
        return complement(f, equal, out, err);
    }
    default:
        return anything(f, out, err);
    }
}

/* FLOOR(time) OP ms, in terms of time itself: buckets are half-open and ascending. */
static OV_CHECKED ov_status floor_compared(const finder *f, ov_op op, const ov_gran *gran,
                                           int64_t ms, time_set *out, ov_error *err)
{
    if (ms <= OV_TIME_MIN || ms >= OV_TIME_MAX)
        return anything(f, out, err);
    int64_t floor = ov_gran_floor(gran, ms), next = ov_gran_next(gran, ms);
    bool starts = floor == ms;
    switch (op) {
    case OV_OP_EQ:
    case OV_OP_NE:
        OV_TRY(one_range(f, floor, starts ? next : floor, true, out, err));
        return op == OV_OP_NE ? complement(f, *out, out, err) : OV_OK;
    case OV_OP_LT:
        return one_range(f, INT64_MIN, starts ? floor : next, true, out, err);
    case OV_OP_LE:
        return one_range(f, INT64_MIN, next, true, out, err);
    case OV_OP_GT:
        return one_range(f, next, INT64_MAX, true, out, err);
    case OV_OP_GE:
        return one_range(f, starts ? floor : next, INT64_MAX, true, out, err);
    default:
        return anything(f, out, err);
    }
}

static bool is_time(const finder *f, const ov_expr *e)
{
    return e->kind == OV_EXPR_COLUMN && e->column == f->time_column;
}

static OV_CHECKED ov_status of_comparison(const finder *f, const ov_expr *e, time_set *out,
                                          ov_error *err)
{
    const ov_expr *left = e->args[0], *right = e->args[1];
    bool constant = e->argc == 2 && right->kind == OV_EXPR_CONST && !right->constant.is_null &&
                    ov_type_is_int(right->type) && ov_type_is_int(left->type);
    if (!constant)
        return anything(f, out, err);
    if (is_time(f, left))
        return compared(f, ov_expr_op(e), right->constant.i, out, err);
    const ov_gran *gran = ov_expr_time_floor(left);
    if (gran && is_time(f, left->args[0]))
        return floor_compared(f, ov_expr_op(e), gran, right->constant.i, out, err);
    return anything(f, out, err);
}

/* time IN (...): the set is sorted. */
static OV_CHECKED ov_status of_in(const finder *f, const ov_expr *e, time_set *out, ov_error *err)
{
    if (!is_time(f, e->args[0]) || !e->set->i64 || e->set->count == 0)
        return anything(f, out, err);
    const ov_inset *set = e->set;
    if (set->count > MOST_RANGES)
        return one_range(f, set->i64[0], after(set->i64[set->count - 1]), false, out, err);
    OV_TRY(ov_arena_alloc(f->cx->arena, set->count * sizeof *out->list, &out->list, err));
    out->count = 0;
    out->exact = !set->has_null; /* with a NULL it is unknown outside, and so is its negation */
    for (uint32_t i = 0; i < set->count; i++) {
        int64_t ms = set->i64[i];
        if (out->count && out->list[out->count - 1].end_ms == ms)
            out->list[out->count - 1].end_ms = after(ms);
        else
            out->list[out->count++] = (ov_time_range){ms, after(ms)};
    }
    return OV_OK;
}

static OV_CHECKED ov_status of_parts(const finder *f, const ov_expr *e, time_set *out,
                                     ov_error *err)
{
    OV_TRY(of_expr(f, e->args[0], out, err));
    for (uint32_t i = 1; i < e->argc; i++) {
        time_set part;
        OV_TRY(of_expr(f, e->args[i], &part, err));
        if (ov_expr_op(e) == OV_OP_AND)
            OV_TRY(intersect(f, *out, part, out, err));
        else
            OV_TRY(join(f, *out, part, out, err));
    }
    return OV_OK;
}

static OV_CHECKED ov_status of_expr(const finder *f, const ov_expr *e, time_set *out, ov_error *err)
{
    switch (ov_expr_op(e)) {
    case OV_OP_AND:
    case OV_OP_OR:
        return of_parts(f, e, out, err);
    case OV_OP_NOT:
        OV_TRY(of_expr(f, e->args[0], out, err));
        return out->exact ? complement(f, *out, out, err) : anything(f, out, err);
    case OV_OP_EQ:
    case OV_OP_NE:
    case OV_OP_LT:
    case OV_OP_LE:
    case OV_OP_GT:
    case OV_OP_GE:
        return of_comparison(f, e, out, err);
    case OV_OP_IN:
        return of_in(f, e, out, err);
    default:
        return anything(f, out, err);
    }
}

static bool find_time(const ov_plan *scan, uint32_t *column)
{
    for (*column = 0; *column < scan->field_count; ++*column)
        if (scan->fields[*column].type.id == OV_TYPE_LONG &&
            ov_slice_eq(scan->scan.datasource->columns[scan->scan.columns[*column]].name,
                        OV_SLICE_LIT("__time")))
            return true;
    return false;
}

static OV_CHECKED ov_status of_scan(ov_expr_ctx *cx, const ov_plan *plan, const ov_plan **out,
                                    ov_error *err)
{
    finder f = {.cx = cx};
    const ov_expr *const *parts, **rest;
    uint32_t rest_count = 0;
    time_set set;
    ov_plan *copy;
    *out = plan;
    if (!plan->scan.filter || !find_time(plan, &f.time_column))
        return OV_OK;
    uint32_t count = ovi_plan_conjuncts(&plan->scan.filter, &parts);
    OV_TRY(one_range(&f, INT64_MIN, INT64_MAX, true, &set, err));
    OV_TRY(ov_arena_alloc(cx->arena, count * sizeof *rest, &rest, err));
    for (uint32_t i = 0; i < count; i++) {
        time_set part;
        OV_TRY(of_expr(&f, parts[i], &part, err));
        if (!part.exact)
            rest[rest_count++] = parts[i];
        OV_TRY(intersect(&f, set, part, &set, err));
    }
    OV_TRY(ov_arena_alloc(cx->arena, sizeof *copy, &copy, err));
    *copy = *plan;
    copy->scan.ranges = set.list;
    copy->scan.range_count = set.count;
    copy->scan.filter_is_ranges = rest_count == 0;
    copy->scan.residual = NULL;
    if (rest_count && rest_count < count)
        OV_TRY(ovi_plan_and(cx, rest, rest_count, &copy->scan.residual, err));
    *out = copy;
    return OV_OK;
}

ov_status ovi_plan_time_ranges(ov_expr_ctx *cx, const ov_plan *in, const ov_plan **out,
                               ov_error *err)
{
    if (in->kind == OV_PLAN_SCAN)
        return of_scan(cx, in, out, err);
    return ovi_plan_each_input(cx, in, ovi_plan_time_ranges, out, err);
}

ov_status ov_plan_times_of(ov_expr_ctx *cx, const ov_expr *condition, uint32_t column,
                           const ov_time_range **ranges, uint32_t *count, bool *exact, ov_error *err)
{
    finder f = {.cx = cx, .time_column = column};
    time_set set;
    OV_TRY(of_expr(&f, condition, &set, err));
    *ranges = set.list;
    *count = set.count;
    *exact = set.exact;
    return OV_OK;
}
