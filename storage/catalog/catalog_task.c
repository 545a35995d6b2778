/* Task rows: inserted before anyone is told, changed as the task goes, history afterwards. */
#include "storage/catalog/catalog_int.h"

#define LIST_COLUMNS                                                                               \
    "id, group_id, type, datasource, created, created_ms, state, restart, duration_ms, error_msg, " \
    "status"
#define TASK_COLUMNS LIST_COLUMNS ", spec, report"

static ov_status insert_row(ov_catalog *cat, const ov_task_row *t, ov_error *err)
{
    sqlite3_stmt *s;
    OV_TRY(ovi_db_prepare(
        cat, "INSERT OR IGNORE INTO tasks(" TASK_COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)", &s, err));
    ovi_bind_str(s, 1, t->id);
    ovi_bind_str(s, 2, t->group_id);
    ovi_bind_str(s, 3, t->type);
    ovi_bind_str(s, 4, t->datasource);
    ovi_bind_str(s, 5, t->created);
    sqlite3_bind_int64(s, 6, t->created_ms);
    ovi_bind_str(s, 7, t->state);
    sqlite3_bind_int64(s, 8, t->restart);
    sqlite3_bind_int64(s, 9, t->duration_ms);
    ovi_bind_str(s, 10, t->error_msg);
    ovi_bind_str(s, 11, t->status);
    ovi_bind_str(s, 12, t->spec);
    ovi_bind_str(s, 13, t->report);
    ov_status st = ovi_db_run(cat, s, err);
    ovi_db_done(cat, s);
    if (st == OV_OK && sqlite3_changes(cat->db) == 0)
        st = ov_fail(err, OV_EXISTS, "there is already a task with the id '" OV_SLICE_FMT "'",
                     OV_SLICE_ARG(t->id));
    return st;
}

ov_status ov_catalog_task_insert(ov_catalog *cat, const ov_task_row *row, ov_error *err)
{
    OV_TRY(ovi_change_begin(cat, err));
    return ovi_change_end(cat, insert_row(cat, row, err), NULL, NULL, err);
}

ov_status ovi_task_update(ov_catalog *cat, const ov_task_row *t, ov_error *err)
{
    sqlite3_stmt *s;
    OV_TRY(ovi_db_prepare(cat,
                          "UPDATE tasks SET state = ?, duration_ms = ?, error_msg = ?, status = ?,"
                          " report = ? WHERE id = ?",
                          &s, err));
    ovi_bind_str(s, 1, t->state);
    sqlite3_bind_int64(s, 2, t->duration_ms);
    ovi_bind_str(s, 3, t->error_msg);
    ovi_bind_str(s, 4, t->status);
    ovi_bind_str(s, 5, t->report);
    ovi_bind_str(s, 6, t->id);
    ov_status st = ovi_db_run(cat, s, err);
    ovi_db_done(cat, s);
    if (st == OV_OK && sqlite3_changes(cat->db) == 0)
        st = ov_fail(err, OV_NOT_FOUND, "there is no task '" OV_SLICE_FMT "'", OV_SLICE_ARG(t->id));
    return st;
}

ov_status ov_catalog_task_update(ov_catalog *cat, const ov_task_row *row, ov_error *err)
{
    OV_TRY(ovi_change_begin(cat, err));
    return ovi_change_end(cat, ovi_task_update(cat, row, err), NULL, NULL, err);
}

ov_status ovi_tasks_fail_lost(ov_catalog *cat, ov_error *err)
{
    return ovi_db_exec(cat,
                       "UPDATE tasks SET state = 'FAILED', duration_ms = max(duration_ms, 0),"
                       " error_msg = 'the server stopped while this task ran; nothing of it was published'"
                       " WHERE state = 'RUNNING' AND restart = 0",
                       err);
}

/* ---- reading ---- */

static ov_status read_row(sqlite3_stmt *s, ov_arena *out, ov_task_row *t, ov_error *err)
{
    *t = (ov_task_row){
        .created_ms = sqlite3_column_int64(s, 5),
        .restart = sqlite3_column_int64(s, 7) != 0,
        .duration_ms = sqlite3_column_int64(s, 8),
    };
    OV_TRY(ov_arena_copy(out, ovi_column(s, 0), &t->id, err));
    OV_TRY(ov_arena_copy(out, ovi_column(s, 1), &t->group_id, err));
    OV_TRY(ov_arena_copy(out, ovi_column(s, 2), &t->type, err));
    OV_TRY(ov_arena_copy(out, ovi_column(s, 3), &t->datasource, err));
    OV_TRY(ov_arena_copy(out, ovi_column(s, 4), &t->created, err));
    OV_TRY(ov_arena_copy(out, ovi_column(s, 6), &t->state, err));
    OV_TRY(ov_arena_copy(out, ovi_column(s, 9), &t->error_msg, err));
    OV_TRY(ov_arena_copy(out, ovi_column(s, 10), &t->status, err));
    if (sqlite3_column_count(s) == 11)
        return OV_OK;
    OV_TRY(ov_arena_copy(out, ovi_column(s, 11), &t->spec, err));
    return ov_arena_copy(out, ovi_column(s, 12), &t->report, err);
}

static ov_status get_row(ov_catalog *cat, ov_slice id, ov_arena *out, ov_task_row *t, ov_error *err)
{
    sqlite3_stmt *s;
    bool row;
    OV_TRY(ovi_db_prepare(cat, "SELECT " TASK_COLUMNS " FROM tasks WHERE id = ?", &s, err));
    ovi_bind_str(s, 1, id);
    ov_status st = ovi_db_step(cat, s, &row, err);
    if (st == OV_OK && row)
        st = read_row(s, out, t, err);
    else if (st == OV_OK)
        st = ov_fail(err, OV_NOT_FOUND, "there is no task '" OV_SLICE_FMT "'", OV_SLICE_ARG(id));
    ovi_db_done(cat, s);
    return st;
}

ov_status ov_catalog_task_get(ov_catalog *cat, ov_slice id, ov_arena *out, ov_task_row *row, ov_error *err)
{
    ov_mutex_lock(&cat->write);
    ov_status st = get_row(cat, id, out, row, err);
    ov_mutex_unlock(&cat->write);
    return st;
}

static ov_status list_rows(ov_catalog *cat, sqlite3_stmt *s, ov_arena *out, ov_task_row **rows,
                           uint32_t *count, ov_error *err)
{
    uint32_t cap = 0;
    for (;;) {
        bool row;
        OV_TRY(ovi_db_step(cat, s, &row, err));
        if (!row)
            return OV_OK;
        OV_TRY(ov_arena_room(out, rows, *count, &cap, 1, sizeof **rows, err));
        OV_TRY(read_row(s, out, &(*rows)[*count], err));
        ++*count;
    }
}

ov_status ov_catalog_task_list(ov_catalog *cat, ov_slice datasource, ov_slice state, uint32_t max,
                               ov_arena *out, ov_task_row **rows, uint32_t *count, ov_error *err)
{
    sqlite3_stmt *s;
    *rows = NULL;
    *count = 0;
    ov_mutex_lock(&cat->write);
    ov_status st = ovi_db_prepare(cat,
                                  "SELECT " LIST_COLUMNS " FROM tasks WHERE (?1 = '' OR datasource = ?1)"
                                  " AND (?2 = '' OR state = ?2) ORDER BY created_ms DESC, seq DESC LIMIT ?3",
                                  &s, err);
    if (st == OV_OK) {
        ovi_bind_str(s, 1, datasource);
        ovi_bind_str(s, 2, state);
        sqlite3_bind_int64(s, 3, max ? (int64_t)max : -1);
        st = list_rows(cat, s, out, rows, count, err);
        ovi_db_done(cat, s);
    }
    ov_mutex_unlock(&cat->write);
    return st;
}
