/*
 * Every operator, every kind of join, every window function and every aggregate: rows from disk are the rows from memory,
 * a cancel in the midst of the input or of the output ends it at once, and nothing is left behind. Aggregates come from
 * their table, operators from the enumeration of plan nodes, so a new one is tested or does not compile.
 */
#include "tests/unit/two_days.h"

#include "query/agg/acc.h"

enum { SOURCE_ROWS = 1500, BATCH = 250, BATCHES = SOURCE_ROWS / BATCH, FEW = 160, SHAPES = 2 };
static const size_t plenty = (size_t)64 << 20; /* more than any plan here needs; small enough for small tables */

/* ---- a source that cancels ---- */

typedef struct source {
    ov_systable base;
    exec_rows rows;
    uint32_t rounds;    /* the rows come so many times, each time later */
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
        int64_t time[BATCH + 64];
        uint64_t valid[3][BATCH / 64 + 2] = {{0}};
        const uint64_t *all[] = {r->city_valid, r->m_valid, r->x_valid};
        for (uint32_t i = 0; i < BATCH; i++) {
            time[i] = r->time[at + i] + (int64_t)(b / BATCHES) * EXEC_DAY;
            for (uint32_t v = 0; v < 3; v++)
                ov_bits_put(valid[v], i, ov_bits_test(all[v], at + i));
        }
        ov_vec col[EXEC_COLUMNS] = {
            ov_vec_flat(OV_T(OV_TYPE_LONG), time, NULL, BATCH),
            ov_vec_flat(OV_T(OV_TYPE_STRING), r->sensor + at, NULL, BATCH),
            ov_vec_flat(OV_T(OV_TYPE_STRING), r->city + at, valid[0], BATCH),
            ov_vec_flat(OV_T(OV_TYPE_STRING), r->kind + at, NULL, BATCH),
            ov_vec_flat(OV_T(OV_TYPE_LONG), r->n + at, NULL, BATCH),
            ov_vec_flat(OV_T(OV_TYPE_LONG), r->m + at, valid[1], BATCH),
            ov_vec_flat(OV_T(OV_TYPE_DOUBLE), r->x + at, valid[2], BATCH),
            ov_vec_flat(OV_T(OV_TYPE_STRING), r->path + at, NULL, BATCH),
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

static int set_up(void **state)
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

static answer ask(const ov_plan *plan, ov_exec_options options, size_t budget, bool disk, bool cancel)
{
    ov_error err = OV_ERROR_INIT;
    answer a = {.cx = calloc(1, sizeof(*a.cx)), .cancel = cancel};
    ov_query_ctx *cx = a.cx;
    ov_buf_init(&a.text);
    ov_budget_init(&cx->budget, "query", budget, NULL);
    ov_arena_init(&cx->arena, "query", &cx->budget);
    cx->snapshot = table.snap;
    cx->pool = pool;
    cx->options = options;
    cx->spill = disk ? &area : NULL;
    from.taken_after = 0;
    ov_result_sink sink = {.rows = take_rows, .self = &a};
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

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted lines; they lie in *copy. */
static uint32_t lines_of(const answer *a, char **copy, char ***out)
{
    uint32_t n = 0;
    char *rest = *copy = strdup(a->text.n ? ov_buf_cstr((ov_buf *)(uintptr_t)&a->text) : "");
    *out = calloc(a->text.n + 1, sizeof(**out));
    for (char *line; (line = strsep(&rest, "\n")) && rest;)
        (*out)[n++] = line;
    if (n)
        qsort(*out, n, sizeof(**out), by_text);
    return n;
}

/* Cells are equal, or numbers that are nearly so. loose: estimates, which may differ with the order of merges. */
static bool same_line(char *a, char *b, bool loose)
{
    while (a && b) {
        char *x = strsep(&a, "|"), *y = strsep(&b, "|"), *x_end, *y_end;
        if (!strcmp(x, y))
            continue;
        double p = strtod(x, &x_end), q = strtod(y, &y_end), off = p > q ? p - q : q - p;
        if (*x_end || *y_end || x == x_end || y == y_end) {
            if (!loose)
                return false;
        } else if (off > (loose ? 0.1 : 1e-9) * ((p < 0 ? -p : p) + (q < 0 ? -q : q))) {
            return false;
        }
    }
    return !a && !b;
}

static void same_answers(answer *want, answer *got, bool loose, const char *what)
{
    char **a, **b, *text[2];
    if (want->st != got->st)
        fail_msg("%s: %.300s; on disk: %.300s", what, ov_buf_cstr(&want->text), ov_buf_cstr(&got->text));
    uint32_t n = lines_of(want, &text[0], &a), m = lines_of(got, &text[1], &b);
    if (n != m)
        fail_msg("%s: %u rows, on disk %u", what, n, m);
    for (uint32_t i = 0; i < n; i++) {
        char *x = strdup(a[i]), *y = strdup(b[i]);
        if (!same_line(x, y, loose))
            fail_msg("%s: %.400s, on disk %.400s", what, a[i], b[i]);
        free(x);
        free(y);
    }
    free(a);
    free(b);
    free(text[0]);
    free(text[1]);
}

static const ov_exec_options disk_settings[] = {
    {.workers = 3, .spill_rows = 1, .batch_rows = 200},
    {.workers = 1, .spill_rows = 150},
};

static void check_cancel(const ov_plan *plan, bool by_source, const char *what)
{
    for (unsigned disk = 0; disk < 2; disk++) {
        ov_exec_options options = disk ? disk_settings[0] : (ov_exec_options){.workers = 3, .batch_rows = 200};
        answer a = ask(plan, options, plenty, disk, true);
        if (a.calls > 1 || (a.st != OV_CANCELLED && a.st != OV_OK && a.st != OV_LIMIT))
            fail_msg("%s: %u batches, status %d after a cancel at the first one", what, a.calls, (int)a.st);
        ov_buf_fini(&a.text);
        if (!by_source)
            continue;
        from.cancel_at = BATCHES / 2;
        a = ask(plan, options, plenty, disk, false);
        if (a.st != OV_CANCELLED || from.taken_after > 0)
            fail_msg("%s: %u batches were taken after a cancel, status %d", what, from.taken_after, (int)a.st);
        from.cancel_at = UINT32_MAX;
        ov_buf_fini(&a.text);
    }
}

/* by_source: the plan reads the whole of the source above. */
static void check_plan(const ov_plan *plan, bool by_source, bool spills, bool loose, const char *what)
{
    answer want = ask(plan, (ov_exec_options){.workers = 1}, plenty, false, false);
    for (size_t i = 0; i < OV_COUNT_OF(disk_settings); i++) {
        answer got = ask(plan, disk_settings[i], plenty, true, false);
        same_answers(&want, &got, loose, what);
        if (spills && got.st == OV_OK && !got.stats.spilled_bytes)
            fail_msg("%s did not go to disk", what);
        ov_buf_fini(&got.text);
    }
    ov_buf_fini(&want.text);
    check_cancel(plan, by_source, what);
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

static bool is_estimate(const ov_agg_call *call)
{
    return call->fn->kind == OV_AGG_OBJECT;
}

static void check_window_of(ov_agg_call *call, const char *what)
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
    check_ok(ov_plan_window(&table.arena, exec_limit(&table, input(), FEW, 0), NULL, 0, keys, 3, calls, n, &plan, &err), &err);
    check_plan(plan, false, true, is_estimate(call), what);
}

static void every_aggregate(void **state)
{
    (void)state;
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
                check_plan(plan, true, k > 0, is_estimate(call), what);
            }
            check_window_of(call, what);
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

static void check_joins(void)
{
    for (unsigned kind = OV_JOINS_INNER; kind <= OV_JOINS_MARK; kind++)
        for (unsigned left = 0; left < 2; left++) {
            char what[60];
            snprintf(what, sizeof(what), "join %u, left side kept %u", kind, left);
            check_plan(join_of((ov_join_kind)kind, "=", COL_M, left, input(), input()), true, true, false, what);
            check_plan(join_of((ov_join_kind)kind, "<", COL_M, left, exec_limit(&table, input(), 200, 0),
                               exec_limit(&table, input(), 160, 0)), false, true, false,
                       what);
        }
}

static void check_windows(void)
{
    static const ov_sort_key keys[] = {{.column = COL_N}, {.column = COL_PATH}, {.column = COL_TIME}};
    for (unsigned fn = OV_WINDOW_ROW_NUMBER; fn <= OV_WINDOW_NTH_VALUE; fn++) {
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
        check_plan(plan, true, true, false, what);
    }
}

static void every_operator(void **state)
{
    (void)state;
    static const char *keys[] = {"$7"}, *aggs[] = {"COUNT()"}, *exprs[] = {"UPPER($7)", "`+`($4, $5)"};
    static const int order[] = {COL_PATH, COL_M, COL_TIME};
    ov_error err = OV_ERROR_INIT;
    const ov_plan *plan, *both[2] = {input(), input()};
    for (unsigned kind = OV_PLAN_SCAN; kind <= OV_PLAN_WINDOW; kind++)
        switch ((ov_plan_kind)kind) {
        case OV_PLAN_VALUES: /* as many rows as the statement has */
            break;
        case OV_PLAN_SCAN:
            check_plan(exec_scan(&table, INT64_MIN, INT64_MAX, "`>`($4, 3)"), false, false, false, "scan");
            break;
        case OV_PLAN_SYSTEM:
            check_plan(input(), true, false, false, "system");
            break;
        case OV_PLAN_FILTER:
            check_ok(ov_plan_filter(&table.arena, input(), exec_expr(&table, "`>`($4, 3)"), &plan, &err), &err);
            check_plan(plan, true, false, false, "filter");
            break;
        case OV_PLAN_PROJECT:
            check_plan(exec_project(&table, input(), exprs, 2), true, false, false, "project");
            break;
        case OV_PLAN_AGGREGATE:
            check_plan(exec_aggregate(&table, input(), keys, 1, aggs, 1), true, true, false, "aggregate");
            break;
        case OV_PLAN_SORT:
            check_plan(exec_sort(&table, input(), order, 3, OV_NO_LIMIT, 0), true, true, false, "sort");
            check_plan(exec_sort(&table, input(), order, 3, 1000, 100), true, true, false, "best rows");
            break;
        case OV_PLAN_LIMIT:
            check_plan(exec_limit(&table, input(), 1490, 3), true, false, false, "limit");
            break;
        case OV_PLAN_UNION:
            check_ok(ov_plan_union(&table.arena, both, 2, &plan, &err), &err);
            check_plan(plan, true, false, false, "union");
            break;
        case OV_PLAN_UNNEST:
            check_ok(ov_plan_unnest(&table.arena, input(), exec_expr(&table, "ARRAY($4, $5)"), OV_SLICE_LIT("u"), false, false,
                                    &plan, &err), &err);
            check_plan(plan, true, false, false, "unnest");
            break;
        case OV_PLAN_JOIN:
            check_joins();
            break;
        case OV_PLAN_WINDOW:
            check_windows();
            break;
        }
}

/* ---- within a budget ---- */

/* Several times as many bytes of rows as the budget has: the answer comes, and the high-water mark stays below. */
static void within_budget(void **state)
{
    (void)state;
    static const char *keys[] = {"$0", "$7", "$5"}, *aggs[] = {"COUNT()", "MAX($7)", "COUNT(DISTINCT $1)"};
    static const int order[] = {COL_PATH, COL_M, COL_TIME};
    static const ov_sort_key by_time[] = {{.column = COL_TIME}, {.column = COL_PATH}};
    ov_error err = OV_ERROR_INIT;
    ov_agg_call *max = exec_lanes(&table.arena, sizeof(*max));
    *max = exec_agg(&table, "MAX($7)");
    ov_window_call calls[] = {
        {.fn = OV_WINDOW_NTILE, .n = 7, .type = OV_T(OV_TYPE_LONG)},
        {.fn = OV_WINDOW_AGGREGATE, .agg = max, .type = max->type, .frame = {.to = {.kind = OV_EDGE_PARTITION}}},
    };
    const char *texts[] = {"CONCAT($0, '/', $1, '/', $7)", "$4"};
    const ov_plan *window, *wide = exec_project(&table, input(), texts, 2);
    check_ok(ov_plan_window(&table.arena, input(), NULL, 0, by_time, 2, calls, 2, &window, &err), &err);
    const struct {
        const char *what;
        const ov_plan *plan;
    } all[] = {
        {"sort", exec_sort(&table, input(), order, 3, OV_NO_LIMIT, 0)},
        {"groups", exec_aggregate(&table, input(), keys, 3, aggs, 2)},
        {"a set", exec_aggregate(&table, input(), keys, 0, (const char *[]){"COUNT(DISTINCT CONCAT($0, $7))"}, 1)},
        {"join", join_of(OV_JOINS_FULL, "=", 0, false, wide, wide)},
        {"nested loop", join_of(OV_JOINS_FULL, "<", 0, false, exec_limit(&table, wide, 2, 0), wide)},
        {"window", window},
    };
    from.rounds = 160;
    for (size_t i = 0; i < OV_COUNT_OF(all); i++) {
        const size_t budget = (size_t)14 << 20;
        const char *count[] = {"COUNT()"};
        const ov_plan *plan = exec_aggregate(&table, all[i].plan, NULL, 0, count, 1);
        if (i != 2 && i != 5)
            plan = all[i].plan;
        answer want = ask(plan, (ov_exec_options){.workers = 2}, (size_t)1 << 30, false, false);
        answer got = ask(plan, (ov_exec_options){.workers = 2, .batch_rows = 1000}, budget, true, false);
        same_answers(&want, &got, false, all[i].what);
        assert_int_equal(got.st, OV_OK);
        if (want.peak <= budget || got.peak > budget || !got.stats.spilled_bytes)
            fail_msg("%s: %zu bytes at most, %zu with a budget of %zu, %llu on disk", all[i].what, want.peak, got.peak, budget,
                     (unsigned long long)got.stats.spilled_bytes);
        ov_buf_fini(&want.text);
        ov_buf_fini(&got.text);
    }
    from.rounds = 1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operator),
        cmocka_unit_test(every_aggregate),
        cmocka_unit_test(within_budget),
    };
    return cmocka_run_group_tests(tests, set_up, close_two_days);
}
