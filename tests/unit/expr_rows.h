/*
 * For tests of scalar functions: tables of constant expressions and what they print. Answers are Druid's (recorded ones where
 * there are some) or follow from the definition; where Druid has no such function the definition is that of PostgreSQL.
 */
#pragma once

#include "tests/unit/expr_lib.h"

typedef struct row {
    const char *text, *answer;
} row;

static void check_rows(const row *rows, size_t n, const char *zone)
{
    ov_error err = OV_ERROR_INIT;
    ov_arena arena;
    ov_arena_init(&arena, "test", NULL);
    ov_expr_ctx cx = {.arena = &arena, .now_ms = 1442018818771, .next_id = 1};
    check_ok(ov_tz_get(ov_slice_cstr(zone), &cx.tz, &err), &err);
    ov_eval *ev;
    check_ok(ov_eval_create(NULL, NULL, &ev, &err), &err);
    for (size_t i = 0; i < n; i++) {
        const ov_expr *e;
        ov_buf got;
        ov_buf_init(&got);
        ov_batch one = {.rows = 1, .sel_rows = 1};
        ov_vec v;
        ov_status st = lib_parse(rows[i].text, &cx, NULL, &e, &err);
        if (st == OV_OK)
            st = ov_eval_expr(ev, e, &one, &v, &err);
        if (st == OV_OK)
            lib_print(e, &v, 0, &got);
        else
            ov_buf_addf(&got, "! %s", err.text);
        const char *text = ov_buf_cstr(&got);
        bool same = rows[i].answer[0] == '!' ? strstr(text, rows[i].answer + 2) && text[0] == '!'
                                             : strcmp(text, rows[i].answer) == 0;
        if (!same)
            print_error("%s\n    is     %s\n    wanted %s\n", rows[i].text, text, rows[i].answer);
        assert_true(same);
        ov_buf_fini(&got);
        ov_eval_next_batch(ev);
    }
    ov_eval_destroy(ev);
    ov_arena_fini(&arena);
}

#define CHECK(rows) check_rows(rows, OV_COUNT_OF(rows), "UTC")
