/* Records: what a task has to tell for good beside its report (where bytes came from, which hours are whole), written
 * in the commit they belong to. */
#include "storage/catalog/catalog_int.h"

ov_status ovi_record_put(ov_catalog *cat, ov_slice task_id, const ov_record *r, ov_error *err)
{
    sqlite3_stmt *s;
    OV_TRY(ovi_db_prepare(cat, "INSERT OR REPLACE INTO records(kind, key, at_ms, task_id, value) VALUES(?,?,?,?,?)", &s,
                          err));
    ovi_bind_str(s, 1, r->kind);
    ovi_bind_str(s, 2, r->key);
    sqlite3_bind_int64(s, 3, r->at_ms);
    ovi_bind_str(s, 4, task_id);
    ovi_bind_str(s, 5, r->value);
    ov_status st = ovi_db_run(cat, s, err);
    ovi_db_done(cat, s);
    return st;
}

static ov_status copy_row(sqlite3_stmt *s, ov_arena *out, ov_record *r, ov_error *err)
{
    OV_TRY(ov_arena_copy(out, ovi_column(s, 0), &r->kind, err));
    OV_TRY(ov_arena_copy(out, ovi_column(s, 1), &r->key, err));
    r->at_ms = sqlite3_column_int64(s, 2);
    OV_TRY(ov_arena_copy(out, ovi_column(s, 3), &r->task_id, err));
    return ov_arena_copy(out, ovi_column(s, 4), &r->value, err);
}

static ov_status list(ov_catalog *cat, ov_slice kind, ov_slice task_id, ov_arena *out, ov_record **rows, uint32_t *count,
                      ov_error *err)
{
    sqlite3_stmt *s;
    bool row;
    int64_t version;
    uint32_t cap = 0;
    OV_TRY(ovi_meta_get(cat, "schema_version", &version, err));
    if (version < 3) /* a folder of an older program, opened for reading: there are none */
        return OV_OK;
    OV_TRY(ovi_db_prepare(cat, "SELECT kind, key, at_ms, task_id, value FROM records WHERE kind = ?1 AND"
                          " (?2 = '' OR task_id = ?2) ORDER BY key, at_ms", &s, err));
    ovi_bind_str(s, 1, kind);
    ovi_bind_str(s, 2, task_id.n ? task_id : OV_SLICE_LIT(""));
    ov_status st = ovi_db_step(cat, s, &row, err);
    while (st == OV_OK && row) {
        st = ov_arena_room(out, rows, *count, &cap, 1, sizeof **rows, err);
        if (st != OV_OK)
            break;
        st = copy_row(s, out, &(*rows)[*count], err);
        ++*count;
        if (st == OV_OK)
            st = ovi_db_step(cat, s, &row, err);
    }
    ovi_db_done(cat, s);
    return st;
}

ov_status ov_catalog_record_list(ov_catalog *cat, ov_slice kind, ov_slice task_id, ov_arena *out, ov_record **rows,
                                 uint32_t *count, ov_error *err)
{
    *rows = NULL;
    *count = 0;
    ov_mutex_lock(&cat->write);
    ov_status st = list(cat, kind, task_id, out, rows, count, err);
    ov_mutex_unlock(&cat->write);
    return st;
}
