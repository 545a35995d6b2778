/*
 * What the tests of one operator share: two days of rows as two segments, three threads, and settings that force every path,
 * in memory and on disk.
 */
#pragma once

#include "tests/unit/exec_lib.h"

#include "base/spill.h"
#include "query/plan/plan_build.h"

static exec_table table;
static ov_pool *pool;
static ov_spill_area area;

/* One worker has nobody to race with, and the thread sanitizer makes every step ten times as long. */
#ifdef __SANITIZE_THREAD__
enum { ALONE = 3, LESS = 5, LEAST_ROWS = 7 };
#else
enum { ALONE = 1, LESS = 1, LEAST_ROWS = 1 };
#endif

static const ov_exec_options settings[] = {
    {.workers = ALONE, .general_only = true},
    {.workers = ALONE},
    {.workers = 4},
    {.workers = ALONE, .batch_rows = 7},
    {.workers = 3, .batch_rows = 64},
    {.workers = 2, .general_only = true, .batch_rows = LEAST_ROWS},
};

/* All goes to disk, or what has some rows, or what follows rows that were handed on already. */
static const ov_exec_options on_disk[] = {
    {.workers = ALONE, .spill_rows = LEAST_ROWS},
    {.workers = 3, .spill_rows = 30, .batch_rows = 7},
    {.workers = ALONE, .spill_rows = 60, .general_only = true, .batch_rows = 16},
    {.workers = 2, .spill_rows = 20, .batch_rows = LEAST_ROWS},
};

/* How many rows and sensors each day has; less for the thread sanitizer, so that tests end. */
static inline void open_two_days(uint32_t rows1, uint32_t sensors1, uint32_t rows2,
                                 uint32_t sensors2)
{
    ov_error err = OV_ERROR_INIT;
    static const uint32_t by_time[] = {COL_TIME, COL_SENSOR};
    exec_open(&table);
    check_ok(ov_pool_create(3, "test", &pool, &err), &err);
    exec_shape shape = {by_time, 2, false};
    ov_new_segment segs[2];
    exec_rows a = exec_make(&table.arena, rows1 / LESS, sensors1, 1, EXEC_START, 1);
    exec_rows b = exec_make(&table.arena, rows2 / LESS, sensors2, 7, EXEC_START + EXEC_DAY, 2);
    exec_segment(&table, &a, &shape, EXEC_START, EXEC_START + EXEC_DAY, &segs[0]);
    exec_segment(&table, &b, &shape, EXEC_START + EXEC_DAY, EXEC_START + 2 * EXEC_DAY, &segs[1]);
    exec_commit(&table, segs, 2);
    char dir[80];
    snprintf(dir, sizeof(dir), "%s/spill", table.dir);
    check_ok(ov_spill_area_open(&area, dir, 0, &err), &err);
    table.spill = &area;
}

static inline int close_two_days(void **state)
{
    (void)state;
    assert_int_equal(area.used, 0);
    ov_spill_area_close(&area);
    ov_pool_destroy(pool);
    exec_close(&table);
    return 0;
}

/* The last test: those before it did go to disk. */
static inline void went_to_disk(void **state)
{
    (void)state;
    assert_true(area.files > 0);
}
