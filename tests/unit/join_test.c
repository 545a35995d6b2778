/*
 * JOIN against nested loops over text: every kind, both sides kept, keys of every type, NULLs, duplicates, empty
 * sides, residuals, self joins, joins over joins; under settings that force every path.
 */
#include "tests/unit/two_days.h"

static int set_up(void **state)
{
    (void)state;
    open_two_days(400, 20, 300, 15);
    return 0;
}

/* ---- the obvious way: rows as lines, cells between bars ---- */

typedef struct rows {
    char **line;
    uint32_t count, cap;
} rows;

static void add_row(rows *r, const char *text)
{
    if (r->count == r->cap) {
        r->cap = r->cap ? r->cap * 2 : 64;
        r->line = realloc(r->line, r->cap * sizeof(*r->line));
    }
    r->line[r->count++] = strdup(text);
}

static rows rows_of(const ov_plan *plan)
{
    rows r = {0};
    exec_result got = exec_run(&table, plan, (ov_exec_options){.workers = 1, .general_only = true}, pool);
    char *text = strdup(ov_buf_cstr(&got.text)), *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) && rest;)
        add_row(&r, line);
    free(text);
    ov_buf_fini(&got.text);
    return r;
}

static void free_rows(rows *r)
{
    for (uint32_t i = 0; i < r->count; i++)
        free(r->line[i]);
    free(r->line);
}

static void cell(const char *line, uint32_t c, char *out)
{
    for (; c; c--)
        line = strchr(line, '|') + 1;
    size_t n = strcspn(line, "|");
    memcpy(out, line, n);
    out[n] = 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What a join means: columns l[i] = r[i] for all keys, and, with less >= 0, left column less < right column less. */
typedef struct meaning {
    ov_join_kind kind;
    uint32_t keys, l[3], r[3];
    int less_left, less_right;
} meaning;

static bool meets(const meaning *m, const char *left, const char *right)
{
    char a[256], b[256];
    for (uint32_t k = 0; k < m->keys; k++) {
        cell(left, m->l[k], a);
        cell(right, m->r[k], b);
        bool numbers = m->l[k] == COL_X || m->r[k] == COL_X;
        if (!strcmp(a, "NULL") || !strcmp(b, "NULL") || (numbers ? atof(a) != atof(b) : strcmp(a, b) != 0))
            return false;
    }
    if (m->less_left < 0)
        return true;
    cell(left, (uint32_t)m->less_left, a);
    cell(right, (uint32_t)m->less_right, b);
    return strcmp(a, "NULL") && strcmp(b, "NULL") && atoll(a) < atoll(b);
}

static rows nested_loop(const meaning *m, const rows *left, const rows *right, uint32_t left_cols, uint32_t right_cols)
{
    rows out = {0};
    char buf[2048], nulls[2][256] = {"", ""};
    bool *found = calloc(right->count + 1, sizeof(*found));
    for (uint32_t s = 0; s < 2; s++)
        for (uint32_t c = 0; c < (s ? right_cols : left_cols); c++)
            strcat(nulls[s], c ? "|NULL" : "NULL");
    for (uint32_t i = 0; i < left->count; i++) {
        bool any = false;
        for (uint32_t k = 0; k < right->count; k++) {
            if (!meets(m, left->line[i], right->line[k]))
                continue;
            any = found[k] = true;
            if (ov_join_tests(m->kind))
                continue;
            snprintf(buf, sizeof(buf), "%s|%s", left->line[i], right->line[k]);
            add_row(&out, buf);
        }
        if (m->kind == OV_JOINS_MARK) {
            snprintf(buf, sizeof(buf), "%s|%d", left->line[i], any);
            add_row(&out, buf);
        } else if (any ? m->kind == OV_JOINS_SEMI : m->kind == OV_JOINS_ANTI) {
            add_row(&out, left->line[i]);
        }
        if (!any && (m->kind == OV_JOINS_LEFT || m->kind == OV_JOINS_FULL)) {
            snprintf(buf, sizeof(buf), "%s|%s", left->line[i], nulls[1]);
            add_row(&out, buf);
        }
    }
    for (uint32_t k = 0; k < right->count; k++)
        if (!found[k] && (m->kind == OV_JOINS_RIGHT || m->kind == OV_JOINS_FULL)) {
            snprintf(buf, sizeof(buf), "%s|%s", nulls[0], right->line[k]);
            add_row(&out, buf);
        }
    free(found);
    if (out.count)
        qsort(out.line, out.count, sizeof(*out.line), by_text);
    return out;
}

/* ---- plans ---- */

static const ov_expr *call(const char *name, const ov_expr *a, const ov_expr *b)
{
    ov_error err = OV_ERROR_INIT;
    const ov_expr *args[2] = {a, b}, *out;
    check_ok(ov_expr_call(&table.cx, ov_slice_cstr(name), args, 2, 0, 0, &out, &err), &err);
    return out;
}

static const ov_expr *column(const ov_plan *plan, uint32_t c)
{
    ov_error err = OV_ERROR_INIT;
    const ov_expr *e;
    check_ok(ov_plan_column(&table.cx, plan, c, &e, &err), &err);
    return e;
}

/* The join as the binder makes it and the optimiser takes it apart. */
static const ov_plan *make_join(const meaning *m, const ov_plan *left, const ov_plan *right, bool build_left)
{
    ov_error err = OV_ERROR_INIT;
    const ov_plan *join, *out;
    const ov_expr *condition = NULL;
    check_ok(ov_plan_join(&table.arena, OV_JOINS_INNER, left, right, NULL, &join, &err), &err);
    for (uint32_t k = 0; k <= m->keys; k++) {
        const ov_expr *part = NULL;
        if (k < m->keys)
            part = call("=", column(join, m->l[k]), column(join, left->field_count + m->r[k]));
        else if (m->less_left >= 0)
            part = call("<", column(join, (uint32_t)m->less_left),
                        column(join, left->field_count + (uint32_t)m->less_right));
        if (part)
            condition = condition ? call("AND", condition, part) : part;
    }
    check_ok(ov_plan_join(&table.arena, m->kind, left, right, condition, &join, &err), &err);
    check_ok(ov_plan_optimize(&table.cx, join, &out, &err), &err);
    assert_int_equal(out->kind, OV_PLAN_JOIN);
    assert_int_equal(out->join.key_count, m->keys);
    ov_plan *copy = exec_lanes(&table.arena, sizeof(*copy));
    *copy = *out;
    copy->join.build_left = build_left;
    return copy;
}

static void same_rows(const ov_plan *plan, const rows *want, ov_exec_options options, const char *what)
{
    exec_result got = exec_run(&table, plan, options, pool);
    rows r = {0};
    char *rest = strdup(ov_buf_cstr(&got.text)), *text = rest;
    for (char *line; (line = strsep(&rest, "\n")) && rest;)
        add_row(&r, line);
    if (r.count)
        qsort(r.line, r.count, sizeof(*r.line), by_text);
    if (r.count != want->count)
        fail_msg("%s: %u rows, want %u", what, r.count, want->count);
    for (uint32_t i = 0; i < r.count; i++)
        if (strcmp(r.line[i], want->line[i]) != 0)
            fail_msg("%s: row %u is %s, want %s", what, i, r.line[i], want->line[i]);
    free(text);
    free_rows(&r);
    ov_buf_fini(&got.text);
}

static void check_join(meaning m, const ov_plan *left, const ov_plan *right)
{
    rows l = rows_of(left), r = rows_of(right);
    for (unsigned kind = OV_JOINS_INNER; kind <= OV_JOINS_MARK; kind++) {
        m.kind = (ov_join_kind)kind;
        rows want = nested_loop(&m, &l, &r, left->field_count, right->field_count);
        for (unsigned build_left = 0; build_left < 2; build_left++) {
            const ov_plan *plan = make_join(&m, left, right, build_left);
            for (size_t i = 0; i < OV_COUNT_OF(settings); i++) {
                char what[100];
                snprintf(what, sizeof(what), "kind %u, build_left %u, setting %zu", kind, build_left, i);
                same_rows(plan, &want, settings[i], what);
            }
            for (size_t i = build_left; i < OV_COUNT_OF(on_disk); i += 2) {
                char what[100];
                snprintf(what, sizeof(what), "kind %u, build_left %u, on disk %zu", kind, build_left, i);
                same_rows(plan, &want, on_disk[i], what);
            }
        }
        free_rows(&want);
    }
    free_rows(&l);
    free_rows(&r);
}

#define OPEN INT64_MIN, INT64_MAX

static const ov_plan *some(const char *filter)
{
    ov_plan *scan = exec_scan(&table, OPEN, filter);
    scan->scan.residual = NULL; /* the optimiser's to find */
    return scan;
}

/* One row for each value of a column: unique keys on that side. */
static const ov_plan *distinct(const char *key, const char *filter)
{
    const char *keys[] = {key}, *aggs[] = {"COUNT()", "MAX($5)"};
    return exec_aggregate(&table, some(filter), keys, 1, aggs, 2);
}

/* ---- the matrix ---- */

static void test_keys(void **state)
{
    (void)state;
    const ov_plan *left = some("`<`($4, 4)"), *right = some("`>`($4, 10)");
    check_join((meaning){.keys = 1, .l = {COL_CITY}, .r = {COL_CITY}, .less_left = -1}, left, right);
    check_join((meaning){.keys = 1, .l = {COL_N}, .r = {COL_N}, .less_left = -1}, left, some("`=`($4, 3)"));
    check_join((meaning){.keys = 1, .l = {COL_X}, .r = {COL_X}, .less_left = -1}, left, left);
    check_join((meaning){.keys = 1, .l = {COL_X}, .r = {COL_N}, .less_left = -1}, left, right);
    check_join((meaning){.keys = 2, .l = {COL_CITY, COL_N}, .r = {COL_CITY, COL_N}, .less_left = -1}, left, left);
    check_join((meaning){.keys = 3, .l = {COL_SENSOR, COL_CITY, COL_TIME}, .r = {COL_SENSOR, COL_CITY, COL_TIME},
                         .less_left = -1}, some(NULL), left);
}

static void test_unique(void **state)
{
    (void)state;
    check_join((meaning){.keys = 1, .l = {COL_CITY}, .r = {0}, .less_left = -1}, some(NULL),
               distinct("$2", "`<`($4, 2)"));
    check_join((meaning){.keys = 1, .l = {COL_N}, .r = {0}, .less_left = -1}, some(NULL),
               distinct("$4", "`>`($4, 8)"));
    check_join((meaning){.keys = 1, .l = {COL_CITY}, .r = {0}, .less_left = COL_N, .less_right = 1}, some(NULL),
               distinct("$2", "`<`($4, 2)"));
}

/* Nearly all rows have one key: pieces of them meet the other side. */
static void test_one_key(void **state)
{
    (void)state;
    const ov_plan *left = some("`<`($4, 3)"), *right = some("`AND`(`>`($4, 10), `=`($3, 'k0'))");
    check_join((meaning){.keys = 1, .l = {COL_KIND}, .r = {COL_KIND}, .less_left = -1}, left, right);
    check_join((meaning){.keys = 1, .l = {COL_KIND}, .r = {COL_KIND}, .less_left = COL_M, .less_right = COL_M}, right, left);
}

static void test_residuals(void **state)
{
    (void)state;
    const ov_plan *left = some("`<`($4, 3)"), *right = some("`>`($4, 12)");
    check_join((meaning){.keys = 1, .l = {COL_CITY}, .r = {COL_CITY}, .less_left = COL_M, .less_right = COL_M}, left,
               right);
    check_join((meaning){.less_left = COL_M, .less_right = COL_M}, some("`=`($4, 1)"), some("`=`($4, 2)"));
    check_join((meaning){.less_left = -1}, some("`=`($4, 5)"), some("`=`($4, 7)"));
}

static void test_empty(void **state)
{
    (void)state;
    const ov_plan *none = some("`=`($1, 'nowhere')"), *few = some("`=`($4, 5)");
    meaning m = {.keys = 1, .l = {COL_CITY}, .r = {COL_CITY}, .less_left = -1};
    check_join(m, none, few);
    check_join(m, few, none);
    check_join(m, none, none);
    m.keys = 0;
    check_join(m, none, few);
    check_join(m, few, none);
}

static void test_three(void **state)
{
    (void)state;
    const ov_plan *left = some("`=`($4, 1)"), *mid = distinct("$2", NULL), *right = distinct("$1", NULL);
    for (unsigned first = OV_JOINS_INNER; first <= OV_JOINS_FULL; first++) {
        meaning m = {.kind = (ov_join_kind)first, .keys = 1, .l = {COL_CITY}, .r = {0}, .less_left = -1};
        const ov_plan *inner = make_join(&m, left, mid, first % 2);
        check_join((meaning){.keys = 1, .l = {COL_SENSOR}, .r = {0}, .less_left = -1}, inner, right);
    }
}

/* Scans leave out numbers that a join above has no partner for: of either side, through joins of every kind. */
static void test_wishes(void **state)
{
    (void)state;
    const ov_plan *left = some("`<`($4, 6)"), *mid = distinct("$4", "`<`($4, 4)"), *right = distinct("$4", "`>`($4, 1)");
    const uint32_t through[] = {COL_N, left->field_count}; /* the streaming side's key, the kept side's */
    for (unsigned first = OV_JOINS_INNER; first <= OV_JOINS_FULL; first++)
        for (size_t i = 0; i < OV_COUNT_OF(through); i++) {
            meaning m = {.kind = (ov_join_kind)first, .keys = 1, .l = {COL_N}, .r = {0}, .less_left = -1};
            const ov_plan *inner = make_join(&m, left, mid, (first + i) % 2);
            check_join((meaning){.keys = 1, .l = {through[i]}, .r = {0}, .less_left = -1}, inner, right);
        }
}

/* SINGLE is LEFT until some row has two partners. */
static void test_single(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    exec_result out;
    const ov_plan *left = some("`<`($4, 4)"), *one = distinct("$2", "`<`($4, 2)"), *many = some("`>`($4, 10)");
    meaning m = {.kind = OV_JOINS_LEFT, .keys = 1, .l = {COL_CITY}, .r = {0}, .less_left = -1};
    rows l = rows_of(left), r = rows_of(one), want = nested_loop(&m, &l, &r, left->field_count, one->field_count);
    for (unsigned build_left = 0; build_left < 2; build_left++)
        for (size_t i = 0; i < OV_COUNT_OF(settings); i++) {
            m = (meaning){.kind = OV_JOINS_SINGLE, .keys = 1, .l = {COL_CITY}, .r = {0}, .less_left = -1};
            same_rows(make_join(&m, left, one, build_left), &want, settings[i], "single");
            m.r[0] = COL_CITY;
            assert_int_equal(exec_try(&table, make_join(&m, left, many, build_left), settings[i], pool,
                                      (size_t)1 << 30, NULL, &out, &err),
                             OV_INVALID);
            assert_non_null(strstr(err.text, "more than one row"));
            ov_buf_fini(&out.text);
        }
    free_rows(&want);
    free_rows(&l);
    free_rows(&r);
}

/* What is above a join sees the same as above a table of its rows, in the same order each time. */
static void test_above(void **state)
{
    (void)state;
    meaning m = {.kind = OV_JOINS_LEFT, .keys = 1, .l = {COL_CITY}, .r = {COL_CITY}, .less_left = -1};
    const ov_plan *join = make_join(&m, some("`<`($4, 4)"), some("`>`($4, 10)"), false);
    const char *keys[] = {"$2", "$7"}, *aggs[] = {"COUNT()", "SUM($4)", "MAX($5)", "COUNT(DISTINCT $1)"};
    const ov_plan *plans[] = {exec_aggregate(&table, join, keys, 2, aggs, 4),
                              exec_sort(&table, join, (const int[]){COL_N}, 1, 500, 3),
                              exec_limit(&table, join, 100, 40), exec_limit(&table, join, 3, 0)};
    for (size_t p = 0; p < OV_COUNT_OF(plans); p++) {
        exec_result want = exec_run(&table, plans[p], settings[0], pool);
        for (size_t i = 1; i < OV_COUNT_OF(settings); i++) {
            exec_result got = exec_run(&table, plans[p], settings[i], pool);
            if (!ov_slice_eq(ov_buf_slice(&want.text), ov_buf_slice(&got.text)))
                fail_msg("plan %zu, setting %zu:\n--- want\n%.800s\n--- got\n%.800s", p, i, ov_buf_cstr(&want.text),
                         ov_buf_cstr(&got.text));
            ov_buf_fini(&got.text);
        }
        for (size_t i = 0; p == 0 && i < OV_COUNT_OF(on_disk); i++) { /* groups have an order of their own */
            exec_result got = exec_run(&table, plans[p], on_disk[i], pool);
            assert_string_equal(ov_buf_cstr(&want.text), ov_buf_cstr(&got.text));
            ov_buf_fini(&got.text);
        }
        ov_buf_fini(&want.text);
    }
}

/* ---- limits ---- */

static void test_budget(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    exec_result out;
    meaning m = {.keys = 1, .l = {COL_SENSOR}, .r = {COL_SENSOR}, .less_left = -1};
    const ov_plan *join = make_join(&m, some(NULL), some(NULL), false);
    bool refused = false;
    for (size_t budget = (size_t)64 << 20; budget > 1 << 16; budget /= 2) {
        ov_status st = exec_try(&table, join, (ov_exec_options){.workers = 1}, pool, budget, NULL, &out, &err);
        refused = refused || st == OV_LIMIT;
        if (st != OV_OK)
            assert_int_equal(st, OV_LIMIT);
        ov_buf_fini(&out.text);
    }
    assert_true(refused);
}

static ov_status cancel_rows(void *self, const ov_batch *b, ov_error *err)
{
    ov_query_ctx *cx = self;
    (void)b;
    (void)err;
    atomic_store(&cx->cancelled, true);
    return OV_OK;
}

static void test_cancel(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    meaning m = {.less_left = -1};
    meaning twice = m;
    const ov_plan *pairs = make_join(&m, some(NULL), some(NULL), false);
    const ov_plan *join = make_join(&twice, pairs, some(NULL), false); /* 343 million rows */
    ov_query_ctx *cx = calloc(1, sizeof(*cx));
    ov_budget_init(&cx->budget, "query", (size_t)1 << 30, NULL);
    ov_arena_init(&cx->arena, "query", &cx->budget);
    cx->snapshot = table.snap;
    cx->pool = pool;
    ov_result_sink sink = {.rows = cancel_rows, .self = cx};
    assert_int_equal(ov_exec_run(join, cx, &sink, &err), OV_CANCELLED);
    ov_arena_fini(&cx->arena);
    free(cx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),   cmocka_unit_test(test_unique), cmocka_unit_test(test_one_key),
        cmocka_unit_test(test_residuals),
        cmocka_unit_test(test_empty),  cmocka_unit_test(test_three), cmocka_unit_test(test_wishes), cmocka_unit_test(test_single),  cmocka_unit_test(test_above),
        cmocka_unit_test(test_budget), cmocka_unit_test(test_cancel), cmocka_unit_test(went_to_disk),
    };
    return cmocka_run_group_tests(tests, set_up, close_two_days);
}
