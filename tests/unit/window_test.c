/*
 * WINDOW against its definition: for every row all rows of its partition are asked whether they are in the frame.
 * Random partitions, orders, frames and calls, over small and large partitions, under settings that force every path.
 */
#include "tests/unit/two_days.h"

static int set_up(void **state)
{
    (void)state;
    open_two_days(30000, 200, 300, 30);
    return 0;
}

/* ---- the input as cells ---- */

typedef struct cells {
    uint32_t rows;
    char **line;
    char *(*cell)[EXEC_COLUMNS]; /* NULL: is NULL */
} cells;

static cells cells_of(const ov_plan *plan)
{
    cells c = {0};
    exec_result got = exec_run(&table, plan, (ov_exec_options){.workers = 1, .general_only = true}, pool);
    char *text = strdup(ov_buf_cstr(&got.text)), *rest = text;
    c.cell = calloc(got.rows + 1, sizeof(*c.cell));
    c.line = calloc(got.rows + 1, sizeof(*c.line));
    for (char *line; (line = strsep(&rest, "\n")) && rest; c.rows++) {
        c.line[c.rows] = strdup(line);
        char *at = strdup(line), *first = at;
        for (uint32_t k = 0; k < EXEC_COLUMNS; k++) {
            char *value = strsep(&at, "|");
            c.cell[c.rows][k] = strcmp(value, "NULL") ? strdup(value) : NULL;
        }
        free(first);
    }
    free(text);
    ov_buf_fini(&got.text);
    return c;
}

static void free_cells(cells *c)
{
    for (uint32_t i = 0; i < c->rows; i++) {
        free(c->line[i]);
        for (uint32_t k = 0; k < EXEC_COLUMNS; k++)
            free(c->cell[i][k]);
    }
    free(c->line);
    free(c->cell);
}

static bool is_number(uint32_t column)
{
    return column == COL_TIME || column == COL_N || column == COL_M || column == COL_X;
}

static int compare(uint32_t column, const char *a, const char *b)
{
    if (!is_number(column))
        return strcmp(a, b);
    long double x = strtold(a, NULL), y = strtold(b, NULL);
    return (x > y) - (x < y);
}

/* ---- the definition ---- */

typedef struct definition {
    const cells *in;
    const ov_plan *plan;
    uint32_t *row; /* sorted */
} definition;

static const char *value(const definition *d, uint32_t at, uint32_t column)
{
    return d->in->cell[d->row[at]][column];
}

static int by_key(const ov_sort_key *key, const char *a, const char *b)
{
    if (!a || !b)
        return !a == !b ? 0 : (!a) == key->nulls_first ? -1 : 1;
    int c = compare(key->column, a, b);
    return key->descending ? -c : c;
}

static int by_order(const definition *d, uint32_t a, uint32_t b)
{
    for (uint32_t k = 0; k < d->plan->window.key_count; k++) {
        const ov_sort_key *key = &d->plan->window.keys[k];
        int c = by_key(key, value(d, a, key->column), value(d, b, key->column));
        if (c)
            return c;
    }
    return 0;
}

static bool same_partition(const definition *d, uint32_t a, uint32_t b)
{
    for (uint32_t k = 0; k < d->plan->window.partition_count; k++) {
        const char *x = value(d, a, d->plan->window.partition[k]), *y = value(d, b, d->plan->window.partition[k]);
        if (!x != !y || (x && strcmp(x, y)))
            return false;
    }
    return true;
}

static int sorted_order(const void *pa, const void *pb, void *self)
{
    const definition *d = self;
    uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;
    const definition raw = {d->in, d->plan, (uint32_t[]){a, b}};
    for (uint32_t k = 0; k < d->plan->window.partition_count; k++) {
        ov_sort_key key = {.column = d->plan->window.partition[k], .nulls_first = true};
        int c = by_key(&key, value(&raw, 0, key.column), value(&raw, 1, key.column));
        if (c)
            return c;
    }
    int c = by_order(&raw, 0, 1);
    return c ? c : (a > b) - (a < b);
}

/* Is row j at or behind (sign 1), at or before (sign -1) this edge of row i's frame? */
static bool inside(const definition *d, const ov_window_edge *e, bool range, uint32_t i, uint32_t j, int sign)
{
    if (e->kind == OV_EDGE_PARTITION)
        return true;
    int64_t n = e->kind == OV_EDGE_PRECEDING ? -e->n : e->kind == OV_EDGE_FOLLOWING ? e->n : 0;
    if (!range)
        return sign > 0 ? j >= (int64_t)i + n : j <= (int64_t)i + n;
    if (e->kind == OV_EDGE_CURRENT)
        return sign * by_order(d, j, i) >= 0;
    const ov_sort_key *key = &d->plan->window.keys[0];
    const char *x = value(d, i, key->column), *y = value(d, j, key->column);
    if (!x || !y)
        return sign * by_order(d, j, i) >= 0;
    long double by = (key->column == COL_X ? (long double)e->real : (long double)e->n);
    bool down = (e->kind == OV_EDGE_PRECEDING) != key->descending;
    long double target = strtold(x, NULL) + (down ? -by : by), got = strtold(y, NULL);
    return key->descending ? sign * (target - got) >= 0 : sign * (got - target) >= 0;
}

/* Rows of i's frame in order. */
static uint32_t frame_of(const definition *d, const ov_window_call *call, uint32_t i, uint32_t first, uint32_t end,
                         uint32_t *out)
{
    uint32_t n = 0;
    for (uint32_t j = first; j < end; j++)
        if (inside(d, &call->frame.from, call->frame.range, i, j, 1) &&
            inside(d, &call->frame.to, call->frame.range, i, j, -1))
            out[n++] = j;
    return n;
}

static void add_value(ov_buf *out, const char *text)
{
    ov_buf_add_str(out, text ? text : "NULL");
}

static void rank_value(const definition *d, const ov_window_call *call, uint32_t i, uint32_t first, uint32_t end,
                       ov_buf *out)
{
    int64_t before = 0, groups = 1, upto = 0, rows = end - first;
    for (uint32_t j = first; j < end; j++) {
        before += by_order(d, j, i) < 0;
        upto += by_order(d, j, i) <= 0;
        groups += j > first && j <= i && by_order(d, j - 1, j) != 0;
    }
    switch (call->fn) {
    case OV_WINDOW_ROW_NUMBER:
        ov_buf_add_i64(out, i - first + 1);
        return;
    case OV_WINDOW_RANK:
        ov_buf_add_i64(out, before + 1);
        return;
    case OV_WINDOW_DENSE_RANK:
        ov_buf_add_i64(out, groups);
        return;
    case OV_WINDOW_PERCENT_RANK:
        ov_buf_add_double(out, rows > 1 ? (double)before / (double)(rows - 1) : 0);
        return;
    case OV_WINDOW_CUME_DIST:
        ov_buf_add_double(out, (double)upto / (double)rows);
        return;
    default:
        break;
    }
    int64_t at = first, bucket = 0; /* NTILE: deal rows out, larger buckets first */
    for (; at <= i; bucket++)
        at += rows / call->n + (bucket < rows % call->n);
    ov_buf_add_i64(out, bucket);
}

/* Numbers of `rows` that count for IGNORE NULLS. */
static uint32_t counted(const definition *d, const ov_window_call *call, const uint32_t *rows, uint32_t n, uint32_t *out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < n; i++)
        if (!call->ignore_nulls || value(d, rows[i], call->args[0]->column))
            out[count++] = rows[i];
    return count;
}

static void other_value(const definition *d, const ov_window_call *call, uint32_t i, uint32_t first, uint32_t end,
                        uint32_t *rows, ov_buf *out)
{
    uint32_t column = call->args[0]->column, n = 0;
    int64_t at = 0;
    if (call->fn == OV_WINDOW_LAG || call->fn == OV_WINDOW_LEAD) {
        bool lag = call->fn == OV_WINDOW_LAG;
        if (call->n == 0) {
            add_value(out, value(d, i, column));
            return;
        }
        for (uint32_t j = lag ? first : i + 1; j < (lag ? i : end); j++)
            rows[n++] = j;
        n = counted(d, call, rows, n, rows);
        at = lag ? (int64_t)n - call->n : call->n - 1;
    } else {
        n = counted(d, call, rows, frame_of(d, call, i, first, end, rows), rows);
        at = call->fn == OV_WINDOW_LAST_VALUE ? (int64_t)n - 1 : call->fn == OV_WINDOW_NTH_VALUE ? call->n - 1 : 0;
    }
    if (at >= 0 && at < n)
        add_value(out, value(d, rows[at], column));
    else
        add_value(out, call->argc > 1 ? value(d, i, call->args[1]->column) : NULL);
}

static void aggregate(const definition *d, const ov_window_call *call, const uint32_t *rows, uint32_t n, ov_buf *out)
{
    const ov_agg_call *agg = call->agg;
    uint32_t column = agg->argc ? agg->args[0]->column : 0;
    const char *best = NULL;
    int64_t count = 0, sum = 0, different = 0;
    double real = 0;
    ov_buf joined;
    ov_buf_init(&joined);
    for (uint32_t i = 0; i < n; i++) {
        const char *v = value(d, rows[i], column);
        const char *pass = value(d, rows[i], COL_N); /* the filter is n > 7 */
        if ((agg->argc && !v) || (agg->filter && atoll(pass) <= 7))
            continue;
        ov_buf_addf(&joined, "%s%s", count ? "," : "", v);
        count++;
        sum = (int64_t)((uint64_t)sum + (uint64_t)strtoll(v, NULL, 10));
        real += strtod(v, NULL);
        int c = best ? compare(column, v, best) : 0;
        if (!best || (!strcmp(agg->fn->name, "MAX") ? c > 0 : c < 0))
            best = v;
        bool seen = strcmp(agg->fn->name, "APPROX_COUNT_DISTINCT") != 0;
        for (uint32_t j = 0; j < i && !seen; j++) {
            const char *w = value(d, rows[j], column);
            seen = w && !strcmp(v, w) && (!agg->filter || atoll(value(d, rows[j], COL_N)) > 7);
        }
        different += !seen;
    }
    if (!strcmp(agg->fn->name, "COUNT"))
        ov_buf_add_i64(out, count);
    else if (!strcmp(agg->fn->name, "APPROX_COUNT_DISTINCT"))
        ov_buf_add_i64(out, different);
    else if (!count)
        ov_buf_add_str(out, "NULL");
    else if (!strcmp(agg->fn->name, "AVG"))
        ov_buf_add_double(out, (column == COL_X ? real : (double)sum) / (double)count);
    else if (!strcmp(agg->fn->name, "STRING_AGG"))
        ov_buf_add_str(out, ov_buf_cstr(&joined));
    else if (strcmp(agg->fn->name, "SUM"))
        add_value(out, best);
    else if (column == COL_X)
        ov_buf_add_double(out, real);
    else
        ov_buf_add_i64(out, sum);
    ov_buf_fini(&joined);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char **defined(const cells *in, const ov_plan *plan)
{
    definition d = {in, plan, malloc((in->rows + 1) * sizeof(uint32_t))};
    uint32_t *rows = malloc((in->rows + 1) * sizeof(*rows)), end = 0;
    char **lines = calloc(in->rows + 1, sizeof(*lines));
    for (uint32_t i = 0; i < in->rows; i++)
        d.row[i] = i;
    qsort_r(d.row, in->rows, sizeof(*d.row), sorted_order, &d);
    for (uint32_t i = 0, first = 0; i < in->rows; i++) {
        ov_buf out;
        if (i == end) {
            first = i;
            while (end < in->rows && same_partition(&d, first, end))
                end++;
        }
        ov_buf_init(&out);
        ov_buf_add_str(&out, in->line[d.row[i]]);
        for (uint32_t c = 0; c < plan->window.call_count; c++) {
            const ov_window_call *call = &plan->window.calls[c];
            ov_buf_add_char(&out, '|');
            if (call->fn == OV_WINDOW_AGGREGATE)
                aggregate(&d, call, rows, frame_of(&d, call, i, first, end, rows), &out);
            else if (call->fn < OV_WINDOW_LAG)
                rank_value(&d, call, i, first, end, &out);
            else
                other_value(&d, call, i, first, end, rows, &out);
        }
        lines[i] = strdup(ov_buf_cstr(&out));
        ov_buf_fini(&out);
    }
    free(rows);
    free(d.row);
    qsort(lines, in->rows, sizeof(*lines), by_text);
    return lines;
}

static void check_window(const cells *in, char **expected, const ov_plan *plan, const ov_exec_options *options)
{
    exec_result got = exec_run(&table, plan, *options, pool);
    assert_int_equal(got.rows, in->rows);
    char *text = strdup(ov_buf_cstr(&got.text)), *rest = text;
    char **lines = calloc(in->rows + 1, sizeof(*lines));
    for (uint32_t i = 0; i < in->rows; i++)
        lines[i] = strsep(&rest, "\n");
    qsort(lines, in->rows, sizeof(*lines), by_text);
    for (uint32_t i = 0; i < in->rows; i++)
        if (strcmp(lines[i], expected[i])) {
            ov_buf shown;
            ov_error err = OV_ERROR_INIT;
            ov_buf_init(&shown);
            check_ok(ov_plan_print(plan, &shown, &err), &err);
            fail_msg("%sworkers %u batch %u general %d spill %u\nexpected %s\ngot      %s", ov_buf_cstr(&shown), options->workers,
                     options->batch_rows, options->general_only, options->spill_rows, expected[i], lines[i]);
        }
    free(lines);
    free(text);
    ov_buf_fini(&got.text);
}

/* ---- random windows ---- */

static const ov_expr *column(uint32_t c)
{
    ov_error err = OV_ERROR_INIT;
    const ov_expr *e;
    check_ok(ov_expr_column(&table.cx, c, exec_columns[c].type, exec_columns[c].sql, c != COL_TIME, &e, &err), &err);
    return e;
}

static ov_window_edge random_edge(uint64_t *seed, const ov_window_frame *frame, bool to, bool distances)
{
    ov_window_edge e = {.kind = (uint8_t)(exec_random(seed) % 4)};
    if (frame->range && !distances && e.kind > OV_EDGE_CURRENT)
        e.kind = OV_EDGE_CURRENT;
    if (to && e.kind < frame->from.kind && e.kind != OV_EDGE_PARTITION && frame->from.kind != OV_EDGE_PARTITION)
        e.kind = frame->from.kind == OV_EDGE_PRECEDING ? e.kind : OV_EDGE_FOLLOWING;
    if (e.kind > OV_EDGE_CURRENT)
        e.n = (int64_t)(exec_random(seed) % 6) * (int64_t)(exec_random(seed) % 8);
    e.real = (double)e.n;
    return e;
}

static ov_agg_call *random_aggregate(uint64_t *seed)
{
    static const struct {
        const char *name;
        int column;
    } all[] = {{"COUNT", -1},  {"COUNT", COL_M}, {"SUM", COL_N},    {"SUM", COL_M},
               {"SUM", COL_X}, {"AVG", COL_M},   {"MIN", COL_M},    {"MAX", COL_X},
               {"MIN", COL_CITY}, {"MAX", COL_CITY}, {"APPROX_COUNT_DISTINCT", COL_N},
               {"APPROX_COUNT_DISTINCT", COL_CITY}, {"APPROX_COUNT_DISTINCT", COL_X}, {"STRING_AGG", COL_KIND}};
    uint64_t pick = exec_random(seed) % OV_COUNT_OF(all);
    ov_error err = OV_ERROR_INIT;
    ov_agg_call *agg = exec_lanes(&table.arena, sizeof(*agg));
    const ov_expr *args[2], *filter = exec_random(seed) % 3 ? NULL : exec_expr(&table, "`>`($4, 7)");
    uint32_t argc = 0;
    if (all[pick].column >= 0)
        args[argc++] = column((uint32_t)all[pick].column);
    if (!strcmp(all[pick].name, "STRING_AGG"))
        check_ok(ov_expr_str(&table.cx, OV_SQL_CHAR, OV_SLICE_LIT(","), &args[argc++], &err), &err);
    check_ok(ov_agg_bind(&table.cx, ov_slice_cstr(all[pick].name), args, argc, false, filter, 0, 0, agg, &err), &err);
    return agg;
}

static ov_window_call random_call(uint64_t *seed, bool distances)
{
    static const uint32_t values[] = {COL_N, COL_M, COL_X, COL_CITY};
    ov_window_call call = {.fn = (uint8_t)(exec_random(seed) % (OV_WINDOW_NTH_VALUE + 1)),
                           .type = OV_T(OV_TYPE_LONG),
                           .sql = OV_SQL_BIGINT,
                           .nullable = true};
    if (exec_random(seed) % 2)
        call.fn = OV_WINDOW_AGGREGATE;
    call.frame.range = exec_random(seed) % 2;
    call.frame.from = random_edge(seed, &call.frame, false, distances);
    call.frame.to = random_edge(seed, &call.frame, true, distances);
    if (call.fn == OV_WINDOW_AGGREGATE) {
        call.agg = random_aggregate(seed);
        call.type = call.agg->type;
    } else if (call.fn == OV_WINDOW_PERCENT_RANK || call.fn == OV_WINDOW_CUME_DIST) {
        call.type = OV_T(OV_TYPE_DOUBLE);
    } else if (call.fn == OV_WINDOW_NTILE) {
        call.n = 1 + (int64_t)(exec_random(seed) % 9);
    } else if (call.fn >= OV_WINDOW_LAG) {
        call.args = exec_lanes(&table.arena, 2 * sizeof(*call.args));
        call.args[0] = column(values[exec_random(seed) % OV_COUNT_OF(values)]);
        call.argc = 1;
        call.n = (int64_t)(exec_random(seed) % 4) + (call.fn == OV_WINDOW_NTH_VALUE);
        if (call.fn <= OV_WINDOW_LEAD && call.args[0]->column != COL_CITY && exec_random(seed) % 2)
            call.args[call.argc++] = column(call.args[0]->column == COL_X ? COL_X : COL_N);
        call.ignore_nulls = exec_random(seed) % 2;
        call.type = call.args[0]->type;
    }
    return call;
}

static const ov_plan *random_window(uint64_t *seed, const ov_plan *input, bool small_partitions)
{
    static const uint32_t partitions[] = {COL_SENSOR, COL_KIND, COL_CITY, COL_N};
    static const uint32_t orders[] = {COL_N, COL_M, COL_X, COL_CITY, COL_TIME};
    uint32_t parts = small_partitions ? 1 : (uint32_t)(exec_random(seed) % 3), count = (uint32_t)(exec_random(seed) % 3);
    uint32_t *partition = exec_lanes(&table.arena, 4 * sizeof(*partition));
    ov_sort_key *keys = exec_lanes(&table.arena, 4 * sizeof(*keys));
    uint32_t calls = 1 + (uint32_t)(exec_random(seed) % 4);
    ov_window_call *list = exec_lanes(&table.arena, calls * sizeof(*list));
    ov_error err = OV_ERROR_INIT;
    const ov_plan *plan;
    for (uint32_t i = 0; i < parts; i++)
        partition[i] = small_partitions ? (uint32_t)COL_SENSOR : partitions[(exec_random(seed) + i) % 4];
    for (uint32_t i = 0; i < count; i++)
        keys[i] = (ov_sort_key){.column = orders[exec_random(seed) % OV_COUNT_OF(orders)],
                                .descending = exec_random(seed) % 2,
                                .nulls_first = exec_random(seed) % 2};
    bool distances = count == 1 && keys[0].column != COL_CITY;
    for (uint32_t i = 0; i < calls; i++)
        list[i] = random_call(seed, distances);
    check_ok(ov_plan_window(&table.arena, input, partition, parts, keys, count, list, calls, &plan, &err), &err);
    return plan;
}

static void check_all(const ov_plan *input, uint32_t windows, bool small_partitions, uint64_t seed)
{
    cells in = cells_of(input);
    for (uint32_t w = 0; w < windows; w++) {
        const ov_plan *plan = random_window(&seed, input, small_partitions);
        char **expected = defined(&in, plan);
        for (size_t s = 0; s < 2; s++)
            check_window(&in, expected, plan, &settings[(w * 2 + s) % OV_COUNT_OF(settings)]);
        check_window(&in, expected, plan, &on_disk[w % OV_COUNT_OF(on_disk)]);
        for (uint32_t i = 0; i < in.rows; i++)
            free(expected[i]);
        free(expected);
    }
    free_cells(&in);
}

static void random_windows(void **state)
{
    (void)state;
    check_all(exec_scan(&table, EXEC_START + EXEC_DAY, INT64_MAX, NULL), 150, false, 11);
    check_all(exec_scan(&table, EXEC_START + EXEC_DAY, INT64_MAX, "`=`($4, 3)"), 40, false, 5);
}

static void few_rows(void **state)
{
    (void)state;
    check_all(exec_scan(&table, INT64_MIN, INT64_MAX, "`=`($1, 'none')"), 8, false, 1);
    check_all(exec_limit(&table, exec_scan(&table, EXEC_START + EXEC_DAY, INT64_MAX, NULL), 1, 0), 20, false, 2);
    check_all(exec_limit(&table, exec_scan(&table, EXEC_START + EXEC_DAY, INT64_MAX, NULL), 3, 0), 30, false, 3);
}

/* Partitions that end within batches, and chunks of many of them. */
static void many_partitions(void **state)
{
    (void)state;
    check_all(exec_scan(&table, INT64_MIN, EXEC_START + EXEC_DAY, NULL), 3, true, 3);
}

/* Calls that only look back to the partition's start: partitions are cut into chunks, here after a few rows. */
static void cut_partitions(void **state)
{
    (void)state;
    uint64_t seed = 29;
    const ov_plan *scan = exec_scan(&table, EXEC_START + EXEC_DAY, INT64_MAX, NULL);
    cells in = cells_of(scan);
    for (uint32_t w = 0; w < 60; w++) {
        const ov_plan *random = random_window(&seed, scan, false), *plan;
        ov_window_call *calls = exec_lanes(&table.arena, 3 * sizeof(*calls));
        ov_error err = OV_ERROR_INIT;
        for (uint32_t c = 0; c < 3; c++) {
            calls[c] = (ov_window_call){.fn = (uint8_t)(OV_WINDOW_ROW_NUMBER + (w + c) % 3), .type = OV_T(OV_TYPE_LONG)};
            if (c == 0)
                continue;
            do
                calls[c].agg = random_aggregate(&seed);
            while (calls[c].agg->fn->kind == OV_AGG_DISTINCT || calls[c].agg->fn->kind == OV_AGG_OBJECT);
            calls[c].fn = OV_WINDOW_AGGREGATE;
            calls[c].type = calls[c].agg->type;
            calls[c].frame = (ov_window_frame){.range = exec_random(&seed) % 2, .to = {.kind = OV_EDGE_CURRENT}};
        }
        check_ok(ov_plan_window(&table.arena, scan, random->window.partition, random->window.partition_count,
                                random->window.keys, random->window.key_count, calls, 3, &plan, &err), &err);
        char **expected = defined(&in, plan);
        for (size_t s = 3; s < OV_COUNT_OF(settings); s++)
            if (settings[s].batch_rows < 64)
                check_window(&in, expected, plan, &settings[s]);
        check_window(&in, expected, plan, &on_disk[3]);
        for (uint32_t i = 0; i < in.rows; i++)
            free(expected[i]);
        free(expected);
    }
    free_cells(&in);
}

/* A window over a window whose order it can use, or not. */
static void stacked(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    uint64_t seed = 17;
    const ov_plan *scan = exec_scan(&table, EXEC_START + EXEC_DAY, INT64_MAX, NULL);
    static const uint32_t parts[] = {COL_KIND, COL_CITY};
    static const ov_sort_key keys[] = {{.column = COL_N}, {.column = COL_M, .descending = true}};
    cells in = cells_of(scan);
    for (uint32_t p = 0; p <= 2; p++)
        for (uint32_t k = 0; k <= 2; k++) {
            ov_window_call low = {.fn = OV_WINDOW_ROW_NUMBER, .type = OV_T(OV_TYPE_LONG)};
            ov_window_call high[2] = {{.fn = OV_WINDOW_RANK, .type = OV_T(OV_TYPE_LONG)}, random_call(&seed, false)};
            const ov_plan *lower, *upper, *alone;
            high[1].frame.range = true;
            high[1].frame.from = high[1].frame.to = (ov_window_edge){.kind = OV_EDGE_CURRENT};
            high[1].fn = OV_WINDOW_AGGREGATE;
            high[1].agg = random_aggregate(&seed);
            high[1].type = high[1].agg->type;
            check_ok(ov_plan_window(&table.arena, scan, parts, 2, keys, 2, &low, 1, &lower, &err), &err);
            check_ok(ov_plan_window(&table.arena, lower, parts, p, keys, k, high, 2, &upper, &err), &err);
            check_ok(ov_plan_window(&table.arena, scan, parts, p, keys, k, high, 2, &alone, &err), &err);
            /* the lower call's column goes, what is above must be as without it */
            ov_plan *drop = exec_node(&table, OV_PLAN_PROJECT, upper);
            const ov_expr **exprs = exec_lanes(&table.arena, (EXEC_COLUMNS + 2) * sizeof(*exprs));
            ov_field *fields = exec_lanes(&table.arena, (EXEC_COLUMNS + 2) * sizeof(*fields));
            for (uint32_t c = 0; c < EXEC_COLUMNS + 2; c++) {
                uint32_t from = c < EXEC_COLUMNS ? c : c + 1;
                check_ok(ov_plan_column(&table.cx, upper, from, &exprs[c], &err), &err);
                fields[c] = upper->fields[from];
            }
            drop->project.exprs = exprs;
            drop->fields = fields;
            drop->field_count = EXEC_COLUMNS + 2;
            char **expected = defined(&in, alone);
            check_window(&in, expected, drop, &settings[(p * 3 + k) % OV_COUNT_OF(settings)]);
            for (uint32_t i = 0; i < in.rows; i++)
                free(expected[i]);
            free(expected);
        }
    free_cells(&in);
}

/* No memory: a sentence, and nothing is lost (exec_try looks). Enough for the sort, not for the partition. */
static void budget(void **state)
{
    (void)state;
    uint64_t seed = 23;
    const ov_plan *scan = exec_scan(&table, INT64_MIN, INT64_MAX, NULL);
    for (size_t room = 1 << 16; room < (size_t)64 << 20; room *= 2) {
        const ov_plan *plan = random_window(&seed, scan, false);
        ov_error err = OV_ERROR_INIT;
        exec_result out;
        ov_status st = exec_try(&table, plan, settings[2], pool, room, NULL, &out, &err);
        assert_true(st == OV_OK || st == OV_LIMIT || st == OV_NOMEM);
        ov_buf_fini(&out.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_windows), cmocka_unit_test(few_rows), cmocka_unit_test(many_partitions),
        cmocka_unit_test(cut_partitions), cmocka_unit_test(stacked),   cmocka_unit_test(budget),
        cmocka_unit_test(went_to_disk),
    };
    return cmocka_run_group_tests(tests, set_up, close_two_days);
}
