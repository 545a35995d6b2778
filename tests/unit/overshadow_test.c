/*
 * Queries over partly overshadowed segments: a month, then one of its days replaced and another emptied. Rows of the
 * month in those days must not be seen, whatever the order of rows in the segment and whichever way the scan takes.
 */
#include "tests/unit/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include "base/file.h"
#include "ingest/task/task.h"
#include "query/query.h"

typedef struct fixture {
    char dir[64];
    ov_catalog *cat;
    ov_tasks *tasks;
    ov_budget budget;
    ov_arena arena;
} fixture;

static void fixture_init(fixture *f)
{
    ov_error err = OV_ERROR_INIT;
    memset(f, 0, sizeof(*f));
    strcpy(f->dir, "/tmp/ovate-shadow-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    ov_arena_init(&f->arena, "test", NULL);
    ov_budget_init(&f->budget, "test", SIZE_MAX, NULL);
    check_ok(ov_catalog_open(f->dir, true, &f->cat, &err), &err);
    ov_tasks_config config = {.catalog = f->cat, .workers = 1};
    check_ok(ov_tasks_create(&config, &f->tasks, &err), &err);
}

static void fixture_fini(fixture *f)
{
    ov_error err = OV_ERROR_INIT;
    ov_tasks_destroy(f->tasks);
    ov_catalog_close(f->cat);
    check_ok(ov_dir_remove_all(f->dir, &err), &err);
    ov_arena_fini(&f->arena);
}

/* Rows [first, end) of a sequence, one an hour from 2020-01-01, with `added` 1 and one of three pages. */
static void load(fixture *f, const char *granularity, const char *interval, bool by_time, bool drop, int first, int end)
{
    ov_error err = OV_ERROR_INIT;
    ov_slice id;
    ov_task_view v;
    ov_buf b;
    ov_buf_init(&b);
    ov_buf_addf(&b,
                "{\"type\":\"index_parallel\",\"spec\":{\"dataSchema\":{\"dataSource\":\"t\",\"timestampSpec\":{\"column\":\"t\","
                "\"format\":\"millis\"},\"dimensionsSpec\":{\"forceSegmentSortByTime\":%s,\"dimensions\":[\"page\",%s"
                "{\"type\":\"long\",\"name\":\"added\"}]},\"granularitySpec\":{\"segmentGranularity\":\"%s\",\"rollup\":false,"
                "\"intervals\":[\"%s\"]}},\"ioConfig\":{\"type\":\"index_parallel\",\"dropExisting\":%s,\"inputSource\":{\"type\":"
                "\"inline\",\"data\":\"",
                by_time ? "true" : "false", by_time ? "" : "{\"type\":\"long\",\"name\":\"__time\"},", granularity, interval,
                drop ? "true" : "false");
    for (int i = first; i < end; i++)
        ov_buf_addf(&b, "{\\\"t\\\":%lld,\\\"page\\\":\\\"p%d\\\",\\\"added\\\":1}\\n", 1577836800000ll + i * 3600000ll, i % 3);
    ov_buf_add_str(&b, "\"},\"inputFormat\":{\"type\":\"json\"}}}}");
    check_ok(ov_tasks_submit(f->tasks, ov_buf_slice(&b), &f->arena, &id, &err), &err);
    check_ok(ov_tasks_wait(f->tasks, id, 60000, &v, &err), &err);
    assert_string_equal(v.error, "");
    ov_buf_fini(&b);
}

static ov_status begin(void *self, const ov_field *fields, uint32_t count, ov_error *err)
{
    (void)self;
    (void)fields;
    (void)count;
    (void)err;
    return OV_OK;
}

static ov_status note_rows(void *arg, const ov_batch *batch, ov_error *err)
{
    (void)err;
    for (uint32_t r = 0; r < batch->rows; r++) {
        if (batch->sel && !(batch->sel[r / 64] >> (r % 64) & 1))
            continue;
        for (uint32_t c = 0; c < batch->cols; c++) {
            const ov_vec *v = &batch->col[c];
            if (ov_vec_is_null(v, r))
                ov_buf_add_str(arg, "null ");
            else if (v->type.id == OV_TYPE_STRING)
                ov_buf_addf(arg, OV_SLICE_FMT " ", OV_SLICE_ARG(ov_vec_str(v, r)));
            else
                ov_buf_addf(arg, "%lld ", (long long)ov_vec_i64(v, r));
        }
    }
    return OV_OK;
}

static void check_query(fixture *f, const char *sql, const char *want)
{
    for (int general = 0; general < 2; general++) {
        ov_error err = OV_ERROR_INIT;
        ov_query *q;
        ov_buf got;
        ov_buf_init(&got);
        ov_query_env env = {.catalog = f->cat, .budget = &f->budget, .options = {.general_only = general}, .address = ""};
        ov_query_request request = {.sql = ov_slice_cstr(sql), .outer_limit = OV_NO_LIMIT};
        check_ok(ov_query_open(&env, &request, &q, &err), &err);
        ov_result_sink sink = {.begin = begin, .rows = note_rows, .self = &got};
        check_ok(ov_query_run(q, &sink, &err), &err);
        ov_query_close(q);
        if (!ov_slice_eq(ov_buf_slice(&got), ov_slice_cstr(want)))
            fail_msg("%s gave %s, not %s", sql, ov_buf_cstr(&got), want);
        ov_buf_fini(&got);
    }
}

static void check_order(bool by_time)
{
    fixture f;
    fixture_init(&f);
    load(&f, "month", "2020-01-01/2020-02-01", by_time, false, 0, 31 * 24);
    check_query(&f, "SELECT COUNT(*) FROM t", "744 ");
    load(&f, "day", "2020-01-05/2020-01-06", by_time, false, 4 * 24, 4 * 24 + 2); /* one day replaced: 24 rows by 2 */
    check_query(&f, "SELECT COUNT(*) FROM t", "722 ");
    load(&f, "day", "2020-01-10/2020-01-12", by_time, true, 9 * 24, 9 * 24 + 1); /* another by 1, the next emptied */
    check_query(&f, "SELECT COUNT(*) FROM t", "675 ");
    check_query(&f, "SELECT SUM(added) FROM t", "675 ");
    check_query(&f, "SELECT page, COUNT(*) FROM t GROUP BY 1 ORDER BY 1", "p0 226 p1 225 p2 224 ");
    check_query(&f, "SELECT COUNT(*) FROM t WHERE page = 'p2'", "224 ");
    check_query(&f, "SELECT DISTINCT page FROM t ORDER BY 1", "p0 p1 p2 ");
    check_query(&f, "SELECT COUNT(*) FROM t WHERE __time >= TIMESTAMP '2020-01-05' AND __time < TIMESTAMP '2020-01-07'", "26 ");
    check_query(&f, "SELECT COUNT(*) FROM t WHERE __time >= TIMESTAMP '2020-01-11' AND __time < TIMESTAMP '2020-01-12'", "0 ");
    check_query(&f, "SELECT MIN(added), MAX(added), COUNT(DISTINCT page) FROM t WHERE __time < TIMESTAMP '2020-01-06'", "1 1 3 ");
    fixture_fini(&f);
}

static void test_sorted_by_time(void **state)
{
    (void)state;
    check_order(true);
}

static void test_clustered(void **state)
{
    (void)state;
    check_order(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sorted_by_time),
        cmocka_unit_test(test_clustered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
