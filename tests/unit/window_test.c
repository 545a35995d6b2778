/*
 * WINDOW against its definition (window_definition.h).
 * Random partitions, orders, frames and calls, over small and large partitions, under settings that force every path.
 */
#include "tests/unit/window_definition.h"

static int set_up(void **state)
{
    (void)state;
    open_two_days(30000, 200, 300, 30);
    return 0;
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
    for (uint32_t w = 0; w < (windows + LESS - 1) / LESS; w++) {
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
    for (uint32_t w = 0; w < 60 / LESS; w++) {
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
