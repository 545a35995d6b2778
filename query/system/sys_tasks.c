/* sys.tasks: the catalog's tasks as they are now, newest first. */
#include "query/system/system_int.h"

#include <stdlib.h>

enum { MOST_TASKS = 100000 };

static const ov_field tasks_fields[] = {
    OVI_TEXT("task_id"),    OVI_TEXT("group_id"),      OVI_TEXT("type"),
    OVI_TEXT("datasource"), OVI_TEXT("created_time"),  OVI_TEXT("queue_insertion_time"),
    OVI_TEXT("status"),     OVI_TEXT("runner_status"), OVI_LONG("duration"),
    OVI_TEXT("location"),   OVI_TEXT("host"),          OVI_LONG("plaintext_port"),
    OVI_LONG("tls_port"),   OVI_TEXT("error_msg"),
};

static void task_row(ovi_table_writer *w, const ov_task_row *t, const ov_query_env *env)
{
    bool running = ov_slice_eq(t->state, OV_SLICE_LIT("RUNNING"));
    const char *runner = !running ? "NONE" : env->task ? env->task(env->task_self, t->id) : "RUNNING";
    const char *address = env->address ? env->address : "", *colon = strrchr(address, ':');
    ovi_cell_text(w, t->id);
    ovi_cell_text(w, t->group_id);
    ovi_cell_text(w, t->type);
    ovi_cell_text(w, t->datasource);
    ovi_cell_text(w, t->created);
    ovi_cell_text(w, t->created);
    ovi_cell_text(w, t->state);
    ovi_cell_str(w, runner);
    ovi_cell_i64(w, running ? 0 : t->duration_ms);
    ovi_cell_str(w, address[0] ? address : NULL);
    if (colon)
        ovi_cell_text(w, ov_slice_make(address, (size_t)(colon - address)));
    else
        ovi_cell_null(w);
    ovi_cell_i64(w, colon ? strtol(colon + 1, NULL, 10) : -1);
    ovi_cell_i64(w, -1);
    if (t->error_msg.n)
        ovi_cell_text(w, t->error_msg);
    else
        ovi_cell_null(w);
}

static ov_status tasks_rows(const ov_systable *table, ov_query_ctx *cx, const ov_result_sink *emit,
                            ov_error *err)
{
    const ovi_system *system = table->self;
    ov_slice any = {NULL, 0};
    ov_task_row *rows;
    uint32_t count;
    ov_arena arena;
    ovi_table_writer w;
    ov_arena_init(&arena, "sys.tasks", &cx->budget);
    ov_status st = ov_catalog_task_list(system->env->catalog, any, any, MOST_TASKS, &arena, &rows,
                                        &count, err);
    if (st == OV_OK) {
        ovi_syswriter_open(&w, table, cx, emit, err);
        for (uint32_t i = 0; i < count; i++)
            task_row(&w, &rows[i], system->env);
        st = ovi_syswriter_close(&w);
    }
    ov_arena_fini(&arena);
    return st;
}

const ov_systable ovi_tasks = {.schema = "sys",
                               .name = "tasks",
                               .fields = tasks_fields,
                               .field_count = OV_COUNT_OF(tasks_fields),
                               .rows = tasks_rows};
