/*
 * Every operator, every kind of join, every window function and every aggregate, one plan after the other, for tests that hold
 * for all of them. Aggregates come from their table, operators from the enumeration of plan nodes, so a new one is tested or
 * does not compile.
 */
#pragma once

#include "tests/unit/two_days.h"

#include "query/agg/acc.h"

enum { SOURCE_ROWS = 1500, BATCH = 250, BATCHES = SOURCE_ROWS / BATCH, SHAPES = 2 };
static const size_t plenty = (size_t)64 << 20; /* more than any plan here needs; small enough for small tables */
static uint32_t window_rows = 160; /* of windows with aggregates and frames of all kinds */

/* What a check may ask of a plan: it reads the whole of the source below; it goes to disk; its numbers are estimates, which may
 * differ with the order of merges. */
enum { PLAN_BY_SOURCE = 1, PLAN_SPILLS = 2, PLAN_LOOSE = 4 };
typedef void operators_check(const ov_plan *plan, unsigned flags, const char *what);

/* ---- a source that cancels ---- */

typedef struct source {
    ov_systable base;
    exec_rows rows;
    uint32_t rounds;    /* the rows come so many times, each time later */
    bool fresh;         /* and each time with other values */
    uint32_t cancel_at; /* batch before which the query is cancelled; UINT32_MAX: never */
    uint32_t taken_after; /* batches that were taken nevertheless */
} source;

static source from;

static ov_status source_rows(const ov_systable *t, ov_query_ctx *cx, const ov_result_sink *emit, ov_error *err)
{
    source *s = t->self;
    const exec_rows *r = &s->rows;
    for (uint32_t b = 0; b < BATCHES * s->rounds; b++) {
        uint32_t at = b % BATCHES * BATCH;
        int64_t time[BATCH + 64], n[BATCH + 64], m[BATCH + 64], round = b / BATCHES;
        ov_slice path[BATCH + 64];
        char text[BATCH][24];
        uint64_t valid[3][BATCH / 64 + 2] = {{0}};
        const uint64_t *all[] = {r->city_valid, r->m_valid, r->x_valid};
        for (uint32_t i = 0; i < BATCH; i++) {
            time[i] = r->time[at + i] + round * EXEC_DAY;
            n[i] = r->n[at + i] + (s->fresh ? round * 16 : 0);
            m[i] = r->m[at + i] + (s->fresh ? round : 0);
            path[i] = r->path[at + i];
            if (s->fresh) {
                snprintf(text[i], sizeof(text[i]), "%.*s/%d", (int)path[i].n, path[i].p, (int)round);
                path[i] = ov_slice_cstr(text[i]);
            }
            for (uint32_t v = 0; v < 3; v++)
                ov_bits_put(valid[v], i, ov_bits_test(all[v], at + i));
        }
        ov_vec col[EXEC_COLUMNS] = {
            ov_vec_flat(OV_T(OV_TYPE_LONG), time, NULL, BATCH),
            ov_vec_flat(OV_T(OV_TYPE_STRING), r->sensor + at, NULL, BATCH),
            ov_vec_flat(OV_T(OV_TYPE_STRING), r->city + at, valid[0], BATCH),
            ov_vec_flat(OV_T(OV_TYPE_STRING), r->kind + at, NULL, BATCH),
            ov_vec_flat(OV_T(OV_TYPE_LONG), n, NULL, BATCH),
            ov_vec_flat(OV_T(OV_TYPE_LONG), m, valid[1], BATCH),
            ov_vec_flat(OV_T(OV_TYPE_DOUBLE), r->x + at, valid[2], BATCH),
            ov_vec_flat(OV_T(OV_TYPE_STRING), path, NULL, BATCH),
        };
        ov_batch batch = {.rows = BATCH, .cols = EXEC_COLUMNS, .col = col, .sel_rows = BATCH};
        if (b == s->cancel_at)
            atomic_store(&cx->cancelled, true);
        ov_status st = emit->rows(emit->self, &batch, err);
        if (st != OV_OK)
            return st;
        s->taken_after += b >= s->cancel_at;
    }
    return OV_OK;
}

static int open_source(void **state)
{
    static ov_field fields[EXEC_COLUMNS];
    (void)state;
    open_two_days(3000, 200, 300, 30);
    for (uint32_t c = 0; c < EXEC_COLUMNS; c++)
        fields[c] = (ov_field){.name = ov_slice_cstr(exec_names[c]),
                               .type = exec_columns[c].type,
                               .sql = (uint8_t)exec_columns[c].sql,
                               .nullable = c != COL_TIME};
    from = (source){.base = {.schema = "", .name = "", .fields = fields, .field_count = EXEC_COLUMNS,
                             .rows = source_rows, .self = &from},
                    .rows = exec_make(&table.arena, SOURCE_ROWS, 100, 7, EXEC_START, 5),
                    .rounds = 1,
                    .cancel_at = UINT32_MAX};
    return 0;
}

static const ov_plan *input(void)
{
    ov_error err = OV_ERROR_INIT;
    const ov_plan *plan;
    check_ok(ov_plan_system(&table.arena, &from.base, &plan, &err), &err);
    return plan;
}

/* ---- answers ---- */

typedef struct answer {
    ov_status st;
    ov_buf text;
    ov_exec_stats stats;
    size_t peak;
    ov_query_ctx *cx;
    bool cancel; /* at the first rows */
    uint32_t calls;
} answer;

static void add_value(ov_buf *out, const ov_vec *v, uint32_t row)
{
    uint32_t first, end;
    if (ov_vec_is_null(v, row)) {
        ov_buf_add_str(out, "NULL");
    } else if (ov_type_is_list(v->type)) {
        const ov_vec *child = ov_vec_list(v, row, &first, &end);
        for (uint32_t i = first; i < end; i++) {
            add_value(out, child, i);
            ov_buf_add_char(out, ';');
        }
    } else if (ov_type_is_int(v->type)) {
        ov_buf_add_i64(out, ov_vec_i64(v, row));
    } else if (ov_type_is_real(v->type)) {
        ov_buf_add_double(out, ov_vec_f64(v, row));
    } else {
        ov_slice s = ov_vec_str(v, row);
        for (size_t i = 0; i < s.n; i++) /* states of sketches are bytes */
            ov_buf_add_char(out, s.p[i] == '\n' || s.p[i] == '|' || !s.p[i] ? '.' : s.p[i]);
    }
}

static ov_status take_rows(void *self, const ov_batch *b, ov_error *err)
{
    answer *a = self;
    (void)err;
    a->calls++;
    if (a->cancel) {
        atomic_store(&a->cx->cancelled, true);
        return OV_OK;
    }
    for (uint32_t i = 0; i < b->rows; i++) {
        if (b->sel && !ov_bits_test(b->sel, i))
            continue;
        for (uint32_t c = 0; c < b->cols; c++) {
            add_value(&a->text, &b->col[c], i);
            ov_buf_add_char(&a->text, '|');
        }
        ov_buf_add_char(&a->text, '\n');
    }
    return OV_OK;
}

static ov_status still_alive(void *cx, ov_error *err)
{
    return ov_query_alive(cx, err);
}

typedef ov_status rows_fn(void *self, const ov_batch *b, ov_error *err);

/* rows get the answer as self. */
static answer ask_into(const ov_plan *plan, ov_exec_options options, size_t budget, bool disk, bool cancel, rows_fn *rows)
{
    ov_error err = OV_ERROR_INIT;
    answer a = {.cx = calloc(1, sizeof(*a.cx)), .cancel = cancel};
    ov_query_ctx *cx = a.cx;
    ov_buf_init(&a.text);
    ov_budget_init(&cx->budget, "query", budget, NULL);
    cx->budget.alive = still_alive;
    cx->budget.alive_cx = cx;
    ov_arena_init(&cx->arena, "query", &cx->budget);
    cx->snapshot = table.snap;
    cx->pool = pool;
    cx->options = options;
    cx->spill = disk ? &area : NULL;
    from.taken_after = 0;
    ov_result_sink sink = {.rows = rows, .self = &a};
    a.st = ov_exec_run(plan, cx, &sink, &err);
    if (a.st != OV_OK)
        ov_buf_add_str(&a.text, err.text);
    ov_arena_fini(&cx->arena);
    memcpy(&a.stats, &cx->stats, sizeof(a.stats));
    a.peak = cx->budget.peak;
    assert_int_equal(cx->budget.used, 0);
    assert_int_equal(area.used, 0);
    free(cx);
    return a;
}

static inline answer ask(const ov_plan *plan, ov_exec_options options, size_t budget, bool disk, bool cancel)
{
    return ask_into(plan, options, budget, disk, cancel, take_rows);
}

/* ---- every aggregate ---- */

/* Arguments; of each aggregate the first few that it takes are tried, with and without DISTINCT. */
enum { MOST_ARGS = 6 };
static const char *const arguments[][MOST_ARGS] = {
    {"$7", "','", "20000"}, {"$7", "$0"}, {"$6", "0.5"}, {"$7"}, {"$6"}, {"$5"}, {NULL}, {"$4", "$0"}, {"$7", "','"},
    {"ARRAY($4, $5)"}, {"$6", "10", "0"}, {"$7", "$6"}, {"$7", "100"}, {"$6", "0.5", "10", "0", "1000"},
};

static bool bind_aggregate(ov_slice name, const char *const *texts, bool distinct, ov_agg_call *out)
{
    ov_error err = OV_ERROR_INIT;
    const ov_expr *args[MOST_ARGS];
    uint32_t n = 0;
    for (; n < MOST_ARGS && texts[n]; n++)
        if (lib_parse(texts[n], &table.cx, exec_columns, &args[n], &err) != OV_OK)
            return false;
    return ov_agg_bind(&table.cx, name, args, n, distinct, NULL, 0, 0, out, &err) == OV_OK;
}

static unsigned loose(const ov_agg_call *call)
{
    return call->fn->kind == OV_AGG_OBJECT ? PLAN_LOOSE : 0;
}

static void each_window_of(ov_agg_call *call, const char *what, operators_check *check)
{
    static const ov_window_frame frames[] = {
        {.range = true, .from = {.kind = OV_EDGE_PARTITION}, .to = {.kind = OV_EDGE_CURRENT}},
        {.from = {.kind = OV_EDGE_PRECEDING, .n = 20}, .to = {.kind = OV_EDGE_FOLLOWING, .n = 3}},
        {.from = {.kind = OV_EDGE_CURRENT}, .to = {.kind = OV_EDGE_PARTITION}},
        {.from = {.kind = OV_EDGE_PARTITION}, .to = {.kind = OV_EDGE_PARTITION}},
    };
    static const ov_sort_key keys[] = {{.column = COL_N}, {.column = COL_PATH}, {.column = COL_TIME}};
    ov_error err = OV_ERROR_INIT;
    const ov_plan *plan;
    bool set = ov_acc_spec_of(call).kind == OV_ACC_DISTINCT;
    if (set && call->fn->kind != OV_AGG_DISTINCT)
        return; /* DISTINCT is no word for windows */
    ov_window_call *calls = exec_lanes(&table.arena, OV_COUNT_OF(frames) * sizeof(*calls));
    uint32_t n = 0;
    for (uint32_t f = 0; f < OV_COUNT_OF(frames); f++)
        if (!set || f == 3) /* frames of sets only know how many values there are */
            calls[n++] = (ov_window_call){.fn = OV_WINDOW_AGGREGATE, .agg = call, .frame = frames[f], .type = call->type,
                                          .sql = call->sql, .nullable = true};
    check_ok(ov_plan_window(&table.arena, exec_limit(&table, input(), window_rows, 0), NULL, 0, keys, 3, calls, n, &plan, &err), &err);
    check(plan, PLAN_SPILLS | loose(call), what);
}

static void each_aggregate(operators_check *check)
{
    const ov_function_doc *docs;
    uint32_t count = ov_agg_docs(&docs);
    for (uint32_t d = 0; d < count; d++) {
        uint32_t bound = 0;
        for (size_t i = 0; i < 2 * OV_COUNT_OF(arguments); i++) {
            const char *const *args = arguments[i / 2];
            const char *keys[] = {"$7", "$4"};
            char what[120];
            ov_agg_call *call = exec_lanes(&table.arena, sizeof(*call));
            if (bound == SHAPES || !bind_aggregate(ov_slice_cstr(docs[d].name), args, i % 2, call))
                continue;
            bound++;
            snprintf(what, sizeof(what), "%s(%s%s, %s)", docs[d].name, i % 2 ? "DISTINCT " : "", args[0] ? args[0] : "",
                     args[0] && args[1] ? args[1] : "");
            for (uint32_t k = 0; k <= 2; k += 2) {
                ov_plan *plan = exec_aggregate(&table, input(), keys, k, NULL, 0);
                ov_field *fields = exec_lanes(&table.arena, (k + 1) * sizeof(*fields));
                memcpy(fields, plan->fields, k * sizeof(*fields));
                fields[k] = (ov_field){.type = call->type, .sql = call->sql, .nullable = true};
                plan->fields = fields;
                plan->field_count = k + 1;
                plan->aggregate.aggs = call;
                plan->aggregate.agg_count = 1;
                check(plan, PLAN_BY_SOURCE | (k > 0 ? PLAN_SPILLS : 0) | loose(call), what);
            }
            each_window_of(call, what, check);
        }
        if (!bound)
            fail_msg("%s takes none of the arguments above: add some that it takes", docs[d].name);
    }
}

/* ---- every operator ---- */

static const ov_expr *column_of(const ov_plan *plan, uint32_t c)
{
    ov_error err = OV_ERROR_INIT;
    const ov_expr *e;
    check_ok(ov_plan_column(&table.cx, plan, c, &e, &err), &err);
    return e;
}

static const ov_plan *join_of(ov_join_kind kind, const char *compare, uint32_t column, bool build_left, const ov_plan *left,
                              const ov_plan *right)
{
    ov_error err = OV_ERROR_INIT;
    const ov_plan *join, *out;
    const ov_expr *args[2], *on;
    check_ok(ov_plan_join(&table.arena, OV_JOINS_INNER, left, right, NULL, &join, &err), &err);
    args[0] = column_of(join, column);
    args[1] = column_of(join, left->field_count + column);
    check_ok(ov_expr_call(&table.cx, ov_slice_cstr(compare), args, 2, 0, 0, &on, &err), &err);
    check_ok(ov_plan_join(&table.arena, kind, left, right, on, &join, &err), &err);
    check_ok(ov_plan_optimize(&table.cx, join, &out, &err), &err);
    ov_plan *copy = exec_lanes(&table.arena, sizeof(*copy));
    *copy = *out;
    assert_int_equal(copy->kind, OV_PLAN_JOIN);
    copy->join.build_left = build_left;
    return copy;
}

static void each_join(operators_check *check)
{
    for (unsigned kind = OV_JOINS_INNER; kind <= OV_JOINS_MARK; kind++)
        for (unsigned left = 0; left < 2; left++) {
            char what[60];
            snprintf(what, sizeof(what), "join %u, left side kept %u", kind, left);
            check(join_of((ov_join_kind)kind, "=", COL_M, left, input(), input()), PLAN_BY_SOURCE | PLAN_SPILLS, what);
            check(join_of((ov_join_kind)kind, "<", COL_M, left, exec_limit(&table, input(), 200, 0),
                               exec_limit(&table, input(), 160, 0)), PLAN_SPILLS, what);
        }
    /* SINGLE: the other side has each key once */
    static const char *exprs[] = {"$5", "$7"}, *keys[] = {"$5"}, *aggs[] = {"COUNT()"};
    for (unsigned left = 0; left < 2; left++)
        check(join_of(OV_JOINS_SINGLE, "=", 0, left, exec_project(&table, input(), exprs, 2), exec_aggregate(&table, input(), keys, 1, aggs, 1)),
              PLAN_BY_SOURCE | PLAN_SPILLS, left ? "join single, left side kept" : "join single");
}

/* All of them by name, so that a new one does not compile before it stands here. */
static bool is_window_fn(unsigned fn)
{
    switch ((ov_window_fn)fn) {
    case OV_WINDOW_AGGREGATE:
    case OV_WINDOW_ROW_NUMBER:
    case OV_WINDOW_RANK:
    case OV_WINDOW_DENSE_RANK:
    case OV_WINDOW_PERCENT_RANK:
    case OV_WINDOW_CUME_DIST:
    case OV_WINDOW_NTILE:
    case OV_WINDOW_LAG:
    case OV_WINDOW_LEAD:
    case OV_WINDOW_FIRST_VALUE:
    case OV_WINDOW_LAST_VALUE:
    case OV_WINDOW_NTH_VALUE:
        return true;
    case OV_WINDOW_COMPARE: /* its expression is the caller's: tests/http/test_native_rare.py and kin */
        return false;
    }
    return false;
}

static void each_window(operators_check *check)
{
    static const ov_sort_key keys[] = {{.column = COL_N}, {.column = COL_PATH}, {.column = COL_TIME}};
    for (unsigned fn = OV_WINDOW_ROW_NUMBER; is_window_fn(fn); fn++) {
        ov_error err = OV_ERROR_INIT;
        const ov_plan *plan;
        char what[60];
        bool real = fn == OV_WINDOW_PERCENT_RANK || fn == OV_WINDOW_CUME_DIST;
        ov_window_call call = {.fn = (uint8_t)fn, .n = 3, .type = OV_T(real ? OV_TYPE_DOUBLE : OV_TYPE_LONG), .nullable = true,
                               .frame = {.to = {.kind = OV_EDGE_FOLLOWING, .n = 9}}};
        const ov_expr **args = exec_lanes(&table.arena, sizeof(*args));
        args[0] = column_of(input(), COL_PATH);
        if (fn >= OV_WINDOW_LAG) {
            call.args = args;
            call.argc = 1;
            call.type = args[0]->type;
        }
        snprintf(what, sizeof(what), "window function %u", fn);
        check_ok(ov_plan_window(&table.arena, input(), NULL, 0, keys, 3, &call, 1, &plan, &err), &err);
        check(plan, PLAN_BY_SOURCE | PLAN_SPILLS, what);
    }
}

static void each_operator(operators_check *check)
{
    static const char *keys[] = {"$7"}, *aggs[] = {"COUNT()"}, *exprs[] = {"UPPER($7)", "`+`($4, $5)"};
    static const int order[] = {COL_PATH, COL_M, COL_TIME};
    ov_error err = OV_ERROR_INIT;
    const ov_plan *plan, *both[2] = {input(), input()};
    for (unsigned kind = OV_PLAN_SCAN; kind <= OV_PLAN_WINDOW; kind++)
        switch ((ov_plan_kind)kind) {
        case OV_PLAN_VALUES: /* as many rows as the statement has */
            break;
        case OV_PLAN_SCAN:
            check(exec_scan(&table, INT64_MIN, INT64_MAX, "`>`($4, 3)"), 0, "scan");
            break;
        case OV_PLAN_SYSTEM:
            check(input(), PLAN_BY_SOURCE, "system");
            break;
        case OV_PLAN_FILTER:
            check_ok(ov_plan_filter(&table.arena, input(), exec_expr(&table, "`>`($4, 3)"), &plan, &err), &err);
            check(plan, PLAN_BY_SOURCE, "filter");
            break;
        case OV_PLAN_PROJECT:
            check(exec_project(&table, input(), exprs, 2), PLAN_BY_SOURCE, "project");
            break;
        case OV_PLAN_AGGREGATE:
            check(exec_aggregate(&table, input(), keys, 1, aggs, 1), PLAN_BY_SOURCE | PLAN_SPILLS, "aggregate");
            break;
        case OV_PLAN_SORT:
            check(exec_sort(&table, input(), order, 3, OV_NO_LIMIT, 0), PLAN_BY_SOURCE | PLAN_SPILLS, "sort");
            check(exec_sort(&table, input(), order, 3, 1000, 100), PLAN_BY_SOURCE | PLAN_SPILLS, "best rows");
            break;
        case OV_PLAN_LIMIT:
            check(exec_limit(&table, input(), 1490, 3), PLAN_BY_SOURCE, "limit");
            break;
        case OV_PLAN_UNION:
            check_ok(ov_plan_union(&table.arena, both, 2, &plan, &err), &err);
            check(plan, PLAN_BY_SOURCE, "union");
            break;
        case OV_PLAN_UNNEST:
            check_ok(ov_plan_unnest(&table.arena, input(), exec_expr(&table, "ARRAY($4, $5)"), OV_SLICE_LIT("u"), false, false,
                                    &plan, &err), &err);
            check(plan, PLAN_BY_SOURCE, "unnest");
            break;
        case OV_PLAN_JOIN:
            each_join(check);
            break;
        case OV_PLAN_WINDOW:
            each_window(check);
            break;
        }
}
