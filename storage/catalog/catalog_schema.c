/* The catalog's tables: making them, knowing whose they are, bringing older ones up to date. */
#include "storage/catalog/catalog_int.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"

enum {
    CATALOG_SCHEMA = 4,          /* meta.schema_version this program reads and writes */
    CATALOG_APPLICATION = 0x4F564154, /* "OVAT" in the database header */
};
/* A whole-file structure check at each start is affordable below this size. */
static const int64_t CHECK_BYTES = 64 << 20;

#define RECORDS_SQL                                                                                \
    "CREATE TABLE records(kind TEXT NOT NULL, key TEXT NOT NULL, at_ms INTEGER NOT NULL, task_id TEXT NOT NULL," \
    " value TEXT NOT NULL, PRIMARY KEY(kind, key, at_ms)) WITHOUT ROWID;"                           \
    "CREATE INDEX records_by_task ON records(task_id, kind);"

/* Nothing that is read depends on this table, so catalogs of older programs simply get it. */
static const char UNUSED_SQL[] = "CREATE TABLE IF NOT EXISTS unused(seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL)";

#define MARKS_SQL                                                                                  \
    "CREATE TABLE marks(seq INTEGER PRIMARY KEY, file TEXT NOT NULL, body BLOB NOT NULL, sum INTEGER NOT NULL);" \
    "CREATE INDEX marks_by_file ON marks(file);"

static const char SCHEMA_SQL[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL, sum INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE datasources(name TEXT PRIMARY KEY, change INTEGER NOT NULL, all_count INTEGER NOT NULL,"
    " all_sum INTEGER NOT NULL, used_count INTEGER NOT NULL, used_sum INTEGER NOT NULL, sum INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE schemas(id INTEGER PRIMARY KEY, columns BLOB NOT NULL UNIQUE, sum INTEGER NOT NULL);"
    "CREATE TABLE segments(seq INTEGER PRIMARY KEY, datasource TEXT NOT NULL, start_ms INTEGER NOT NULL,"
    " end_ms INTEGER NOT NULL, version TEXT NOT NULL, partition INTEGER NOT NULL, core INTEGER NOT NULL,"
    " tombstone INTEGER NOT NULL, used INTEGER NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL,"
    " min_time INTEGER NOT NULL, max_time INTEGER NOT NULL, file TEXT NOT NULL, task_id TEXT NOT NULL,"
    " schema INTEGER NOT NULL, created_ms INTEGER NOT NULL, sum INTEGER NOT NULL,"
    " shard TEXT NOT NULL DEFAULT '', UNIQUE(datasource, start_ms, end_ms, version, partition));"
    "CREATE TABLE chunks(datasource TEXT, start_ms INTEGER, end_ms INTEGER, version TEXT,"
    " next_partition INTEGER NOT NULL, PRIMARY KEY(datasource, start_ms, end_ms, version)) WITHOUT ROWID;"
    "CREATE TABLE cursors(key TEXT PRIMARY KEY, value BLOB NOT NULL, sum INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE tasks(seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, group_id TEXT NOT NULL,"
    " type TEXT NOT NULL, datasource TEXT NOT NULL, created TEXT NOT NULL, created_ms INTEGER NOT NULL,"
    " state TEXT NOT NULL, restart INTEGER NOT NULL, duration_ms INTEGER NOT NULL, error_msg TEXT NOT NULL,"
    " spec TEXT NOT NULL, status TEXT NOT NULL, report TEXT NOT NULL);"
    "CREATE INDEX tasks_by_time ON tasks(created_ms);"
    "CREATE INDEX tasks_by_state ON tasks(state, created_ms);" RECORDS_SQL MARKS_SQL;

static ov_status create_schema(ov_catalog *cat, ov_error *err)
{
    char sql[80];
    snprintf(sql, sizeof(sql), "PRAGMA application_id = %d", CATALOG_APPLICATION);
    OV_TRY(ovi_db_exec(cat, "BEGIN IMMEDIATE", err));
    ov_status st = ovi_db_exec(cat, SCHEMA_SQL, err);
    if (st == OV_OK)
        st = ovi_db_exec(cat, sql, err);
    static const char *const zeros[] = {"change", "last_version", "datasources", "cursors", "marks"};
    for (size_t i = 0; i < OV_COUNT_OF(zeros) && st == OV_OK; i++)
        st = ovi_meta_set(cat, zeros[i], 0, err);
    if (st == OV_OK)
        st = ovi_meta_set(cat, "schema_version", CATALOG_SCHEMA, err);
    if (st == OV_OK)
        st = ovi_db_exec(cat, "COMMIT", err);
    if (st != OV_OK)
        return st;
    return ov_dir_sync(cat->dir, err);
}

static ov_status check_structure(ov_catalog *cat, ov_error *err)
{
    char text[256];
    OV_TRY(ovi_db_text(cat, "PRAGMA page_count", text, sizeof(text), err));
    int64_t pages = atoll(text);
    OV_TRY(ovi_db_text(cat, "PRAGMA page_size", text, sizeof(text), err));
    if (pages * atoll(text) > CHECK_BYTES)
        return OV_OK;
    OV_TRY(ovi_db_text(cat, "PRAGMA quick_check(1)", text, sizeof(text), err));
    if (strcmp(text, "ok") != 0)
        return ovi_db_damaged(cat, err, "%s", text);
    return OV_OK;
}

static ov_status check_identity(ov_catalog *cat, ov_error *err)
{
    char app[32];
    int64_t version;
    OV_TRY(ovi_db_text(cat, "PRAGMA application_id", app, sizeof(app), err));
    if (atoll(app) != CATALOG_APPLICATION)
        return ov_fail(err, OV_CORRUPT, "%s/catalog.db is a database of another program", cat->dir);
    OV_TRY(ovi_meta_get(cat, "schema_version", &version, err));
    if (version > CATALOG_SCHEMA)
        return ov_fail(err, OV_UNSUPPORTED,
                       "%s was written by a newer Ovate (catalog schema %lld, this program knows %d)",
                       cat->dir, (long long)version, CATALOG_SCHEMA);
    if (version == 1 && !cat->writer)
        return ov_fail(err, OV_UNSUPPORTED,
                       "%s was written by an older Ovate; start a server on it once, which brings it up to date", cat->dir);
    if (version < 1)
        return ovi_db_damaged(cat, err, "it names no schema version");
    cat->has_marks = version >= 4;
    return OV_OK;
}

/* Version 1 knew no shard specs, version 2 no records, version 3 no superseded rows. */
static ov_status upgrade_schema(ov_catalog *cat, ov_error *err)
{
    int64_t version;
    OV_TRY(ovi_meta_get(cat, "schema_version", &version, err));
    if (version == CATALOG_SCHEMA)
        return OV_OK;
    OV_TRY(ovi_db_exec(cat, "BEGIN IMMEDIATE", err));
    ov_status st = version > 1 ? OV_OK
                               : ovi_db_exec(cat, "ALTER TABLE segments ADD COLUMN shard TEXT NOT NULL DEFAULT ''", err);
    if (st == OV_OK && version < 3)
        st = ovi_db_exec(cat, RECORDS_SQL, err);
    if (st == OV_OK)
        st = ovi_db_exec(cat, MARKS_SQL, err);
    if (st == OV_OK)
        st = ovi_meta_set(cat, "marks", 0, err);
    if (st == OV_OK)
        st = ovi_meta_set(cat, "schema_version", CATALOG_SCHEMA, err);
    if (st == OV_OK)
        return ovi_db_exec(cat, "COMMIT", err);
    ov_error ignored = OV_ERROR_INIT;
    (void)!ovi_db_exec(cat, "ROLLBACK", &ignored);
    return st;
}

static ov_status set_up_writer(ov_catalog *cat, bool fresh, ov_error *err)
{
    char text[64];
    OV_TRY(ovi_db_text(cat, "PRAGMA journal_mode = WAL", text, sizeof(text), err));
    if (strcmp(text, "wal") != 0)
        return ov_fail(err, OV_IO, "%s/catalog.db: this file system does not allow SQLite's WAL mode",
                       cat->dir);
    OV_TRY(ovi_db_exec(cat, "PRAGMA synchronous = FULL", err));
    if (!fresh)
        OV_TRY(check_structure(cat, err));
    OV_TRY(fresh ? create_schema(cat, err) : upgrade_schema(cat, err));
    cat->has_marks = true;
    return ovi_db_exec(cat, UNUSED_SQL, err);
}

ov_status ovi_db_set_up(ov_catalog *cat, ov_error *err)
{
    char tables[64];
    OV_TRY(ovi_db_exec(cat, "PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF", err));
    OV_TRY(ovi_db_text(cat, "SELECT count(*) FROM sqlite_schema", tables, sizeof(tables), err));
    bool fresh = atoll(tables) == 0;
    if (!fresh)
        OV_TRY(check_identity(cat, err));
    else if (!cat->writer)
        return ov_fail(err, OV_NOT_FOUND, "%s holds no Ovate data yet", cat->dir);
    if (cat->writer && fresh)
        OV_TRY(ovi_refuse_orphans(cat, err));
    return cat->writer ? set_up_writer(cat, fresh, err) : OV_OK;
}
