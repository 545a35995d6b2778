/*
 * For tests of the binder and the optimiser: SQL in, printed plan or the sentence of what does not bind out.
 * One datasource, `wiki`, and one system table are known; nothing is executed.
 */
#pragma once

#include "tests/unit/harness.h"

#include <stdio.h>

#include "query/sql/sql.h"
#include "tests/lib/sql_wiki.h"

typedef struct setup {
    ov_arena arena;
    ov_expr_ctx cx;
    ov_sql_env env;
} setup;

/* Parses, binds and, when asked, optimises; the plan's text goes to `text`. */
static ov_status plan_text(setup *s, const char *sql, bool optimise, ov_buf *text, ov_error *err)
{
    ov_sql_parsed parsed;
    ov_sql_statement statement;
    OV_TRY(ov_sql_parse(ov_slice_cstr(sql), &s->arena, &parsed, err));
    OV_TRY(ov_sql_plan(&s->env, &parsed, &statement, err));
    const ov_plan *plan = statement.plan;
    if (optimise)
        OV_TRY(ov_plan_optimize(&s->cx, plan, &plan, err));
    for (uint32_t i = 0; i < plan->field_count; i++)
        ov_buf_addf(text, "%s" OV_SLICE_FMT ":%s", i ? " " : "", OV_SLICE_ARG(plan->fields[i].name),
                    ov_sqltype_name((ov_sqltype)plan->fields[i].sql));
    ov_buf_add_char(text, '\n');
    return ov_plan_print(plan, text, err);
}

static void open_setup(setup *s)
{
    *s = (setup){.env = {.outer_limit = OV_NO_LIMIT,
                         .tables = {wiki_find, wiki_at, 1, NULL},
                         .systables = wiki_systables,
                         .systable_count = 1}};
    ov_arena_init(&s->arena, "test", NULL);
    s->cx.arena = &s->arena;
    s->cx.now_ms = 1577836800000; /* 2020-01-01 */
    s->env.cx = &s->cx;
}

static void check_plan(setup *s, const char *sql, bool optimise, const char *expected)
{
    ov_buf text;
    ov_error err = OV_ERROR_INIT;
    ov_buf_init(&text);
    if (plan_text(s, sql, optimise, &text, &err) != OV_OK)
        fail_msg("%s\n%s", sql, err.text);
    if (strcmp(ov_buf_cstr(&text), expected) != 0)
        fail_msg("%s\n--- expected:\n%s--- got:\n%s", sql, expected, ov_buf_cstr(&text));
    ov_buf_fini(&text);
    ov_arena_fini(&s->arena);
}

static inline void binds(const char *sql, const char *expected)
{
    setup s;
    open_setup(&s);
    check_plan(&s, sql, false, expected);
}

static inline void optimises(const char *sql, const char *expected)
{
    setup s;
    open_setup(&s);
    check_plan(&s, sql, true, expected);
}

/* The sentence, up to its hint; with its hint when `expected` has one. */
static inline void fails(const char *sql, ov_status status, const char *expected)
{
    setup s;
    ov_buf text;
    ov_error err = OV_ERROR_INIT;
    open_setup(&s);
    ov_buf_init(&text);
    ov_status st = plan_text(&s, sql, true, &text, &err);
    if (st == OV_OK)
        fail_msg("binds, but should not: %s\n%s", sql, ov_buf_cstr(&text));
    size_t n = strlen(expected);
    bool same = strncmp(err.text, expected, n) == 0 && (err.text[n] == 0 || strncmp(err.text + n, "; ", 2) == 0);
    if (st != status || !same)
        fail_msg("%s\nexpected: %s: %s\ngot:      %s: %s", sql, ov_status_name(status), expected,
                 ov_status_name(st), err.text);
    ov_buf_fini(&text);
    ov_arena_fini(&s.arena);
}
