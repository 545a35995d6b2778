/*
 * The catalog's SQLite: opening, changes, and statements whose failures are sentences. Its tables: catalog_schema.c.
 *
 * WAL with synchronous=FULL: a committed transaction is on disk, readers in other processes never block the writer.
 * SQLite has no checksums, so rows that decide answers carry one, and digests over all rows of a kind (see
 * catalog_digest.c) catch rows that vanish.
 */
#include "storage/catalog/catalog_int.h"

#include <stdio.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"

enum { BUSY_MS = 10000 };

static const char *db_message(ov_catalog *cat)
{
    return cat->db ? sqlite3_errmsg(cat->db) : "out of memory";
}

/* The sentence for a failed call; `code` is SQLite's. */
static ov_status db_fail(ov_catalog *cat, int code, ov_error *err)
{
    const char *what = db_message(cat);
    switch (code & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
        return ovi_db_damaged(cat, err, "%s", what);
    case SQLITE_FULL:
        return ov_fail(err, OV_LIMIT, "%s/catalog.db: the disk is full; free some space and try again",
                       cat->dir);
    case SQLITE_NOMEM:
        return ov_fail(err, OV_NOMEM, "%s/catalog.db: out of memory", cat->dir);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ov_fail(err, OV_BUSY, "%s/catalog.db is locked by another process", cat->dir);
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return ov_fail(err, OV_DENIED, "%s/catalog.db cannot be written: %s", cat->dir, what);
    case SQLITE_CANTOPEN:
        return ov_fail(err, OV_IO, "%s/catalog.db cannot be opened: %s", cat->dir, what);
    case SQLITE_IOERR:
        return ov_fail(err, OV_IO, "%s/catalog.db: %s (%s)", cat->dir, what,
                       strerror(sqlite3_system_errno(cat->db)));
    default:
        return ov_fail(err, OV_INTERNAL, "%s/catalog.db: %s", cat->dir, what);
    }
}

ov_status ovi_db_damaged(ov_catalog *cat, ov_error *err, const char *fmt, ...)
{
    char what[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    return ov_fail(err, OV_CORRUPT,
                   "the catalog %s/catalog.db is damaged: %s. Restore the folder from a copy, or move "
                   "catalog.db and segments/ away and ingest again",
                   cat->dir, what);
}

ov_status ovi_db_exec(ov_catalog *cat, const char *sql, ov_error *err)
{
    int rc = sqlite3_exec(cat->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? OV_OK : db_fail(cat, rc, err);
}

ov_status ovi_db_prepare(ov_catalog *cat, const char *sql, sqlite3_stmt **out, ov_error *err)
{
    ovi_kept *slot = NULL;
    *out = NULL;
    for (size_t i = 0; i < OVI_KEPT_STATEMENTS; i++) {
        ovi_kept *k = &cat->kept[i];
        if (k->sql == sql && !k->lent) {
            k->lent = true;
            *out = k->stmt;
            return OV_OK;
        }
        if (!k->sql && !slot)
            slot = k;
    }
    int rc = sqlite3_prepare_v3(cat->db, sql, -1, slot ? SQLITE_PREPARE_PERSISTENT : 0, out, NULL);
    if (rc != SQLITE_OK)
        return db_fail(cat, rc, err);
    if (slot)
        *slot = (ovi_kept){sql, *out, true};
    return OV_OK;
}

void ovi_db_done(ov_catalog *cat, sqlite3_stmt *s)
{
    for (size_t i = 0; s && i < OVI_KEPT_STATEMENTS; i++) {
        if (cat->kept[i].stmt != s)
            continue;
        sqlite3_reset(s);
        sqlite3_clear_bindings(s);
        cat->kept[i].lent = false;
        return;
    }
    sqlite3_finalize(s);
}

ov_status ovi_db_step(ov_catalog *cat, sqlite3_stmt *s, bool *row, ov_error *err)
{
    int rc = sqlite3_step(s);
    *row = rc == SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? OV_OK : db_fail(cat, rc, err);
}

ov_status ovi_db_run(ov_catalog *cat, sqlite3_stmt *s, ov_error *err)
{
    bool row;
    ov_status st = ovi_db_step(cat, s, &row, err);
    sqlite3_reset(s);
    return st;
}

/* SQLite keeps NULL for a NULL pointer; our empty slices are empty text. */
void ovi_bind_str(sqlite3_stmt *s, int at, ov_slice text)
{
    sqlite3_bind_text64(s, at, text.n ? text.p : "", text.n, SQLITE_TRANSIENT, SQLITE_UTF8);
}

void ovi_bind_blob(sqlite3_stmt *s, int at, ov_slice bytes)
{
    sqlite3_bind_blob64(s, at, bytes.n ? bytes.p : "", bytes.n, SQLITE_TRANSIENT);
}

ov_slice ovi_column(sqlite3_stmt *s, int at)
{
    const void *p = sqlite3_column_blob(s, at);
    return ov_slice_make(p, p ? (size_t)sqlite3_column_bytes(s, at) : 0);
}

static int64_t meta_sum(const char *key, int64_t value)
{
    char text[96];
    int n = snprintf(text, sizeof(text), "%s=%lld", key, (long long)value);
    return (int64_t)ov_checksum(text, (size_t)n);
}

ov_status ovi_meta_get(ov_catalog *cat, const char *key, int64_t *out, ov_error *err)
{
    sqlite3_stmt *s;
    bool row;
    *out = 0;
    OV_TRY(ovi_db_prepare(cat, "SELECT value, sum FROM meta WHERE key = ?", &s, err));
    ovi_bind_str(s, 1, ov_slice_cstr(key));
    ov_status st = ovi_db_step(cat, s, &row, err);
    if (st == OV_OK && row)
        *out = sqlite3_column_int64(s, 0);
    if (st == OV_OK && (!row || sqlite3_column_int64(s, 1) != meta_sum(key, *out)))
        st = ovi_db_damaged(cat, err, "'%s' is missing or does not match its checksum", key);
    ovi_db_done(cat, s);
    return st;
}

ov_status ovi_meta_set(ov_catalog *cat, const char *key, int64_t value, ov_error *err)
{
    sqlite3_stmt *s;
    OV_TRY(ovi_db_prepare(cat, "INSERT OR REPLACE INTO meta(key, value, sum) VALUES(?, ?, ?)", &s, err));
    ovi_bind_str(s, 1, ov_slice_cstr(key));
    sqlite3_bind_int64(s, 2, value);
    sqlite3_bind_int64(s, 3, meta_sum(key, value));
    ov_status st = ovi_db_run(cat, s, err);
    ovi_db_done(cat, s);
    return st;
}

/* ---- opening ---- */

ov_status ovi_db_text(ov_catalog *cat, const char *sql, char *out, size_t cap, ov_error *err)
{
    sqlite3_stmt *s;
    bool row;
    OV_TRY(ovi_db_prepare(cat, sql, &s, err));
    ov_status st = ovi_db_step(cat, s, &row, err);
    const unsigned char *text = st == OV_OK && row ? sqlite3_column_text(s, 0) : NULL;
    snprintf(out, cap, "%s", text ? (const char *)text : "");
    ovi_db_done(cat, s);
    return st;
}

static ov_status connect(ov_catalog *cat, const char *name, int flags, ov_error *err)
{
    int rc = sqlite3_open_v2(name, &cat->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK)
        return db_fail(cat, rc, err);
    sqlite3_extended_result_codes(cat->db, 1);
    sqlite3_busy_timeout(cat->db, BUSY_MS);
    return OV_OK;
}

/* A reader that may not write into the folder cannot make the shared index of WAL mode. */
static bool cannot_share(ov_catalog *cat)
{
    int code = sqlite3_errcode(cat->db) & 0xFF;
    return code == SQLITE_CANTOPEN || code == SQLITE_READONLY;
}

/* Without a writer and its log the database stands still and can be read as it is. */
static ov_status open_frozen(ov_catalog *cat, const char *path, ov_error *err)
{
    uint64_t log_bytes = 0;
    ov_error ignored = OV_ERROR_INIT;
    ov_buf name;
    ov_buf_init(&name);
    ov_buf_addf(&name, "%s-wal", path);
    const char *text = ov_buf_cstr(&name);
    bool still = text && (ov_file_size(text, &log_bytes, &ignored) != OV_OK || log_bytes == 0);
    ov_buf_clear(&name);
    ov_buf_add_str(&name, "file:");
    for (const char *c = path; *c; c++) {
        if (ov_datasource_char_plain(*c) || *c == '/')
            ov_buf_add_char(&name, *c);
        else
            ov_buf_addf(&name, "%%%02X", (unsigned)(unsigned char)*c);
    }
    ov_buf_add_str(&name, "?immutable=1");
    text = ov_buf_cstr(&name);
    ov_status st = ov_buf_check(&name, err);
    if (st == OV_OK && !still)
        st = ov_fail(err, OV_DENIED,
                     "%s can only be read by someone who may write into it, or once its server has stopped", cat->dir);
    if (st == OV_OK) {
        ovi_db_close(cat);
        st = connect(cat, text, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err);
    }
    if (st == OV_OK)
        st = ovi_db_set_up(cat, err);
    ov_buf_fini(&name);
    return st;
}

ov_status ovi_db_open(ov_catalog *cat, ov_error *err)
{
    ov_buf path;
    ov_buf_init(&path);
    ov_buf_addf(&path, "%s/catalog.db", cat->dir);
    const char *text = ov_buf_cstr(&path);
    if (!text)
        return ov_buf_check(&path, err);
    ov_status st = OV_OK;
    if (!cat->writer && !ov_file_exists(text)) {
        st = ov_fail(err, OV_NOT_FOUND, "%s holds no Ovate data (there is no catalog.db in it)", cat->dir);
        goto out;
    }
    OV_TRY_OUT(st, connect(cat, text, cat->writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY,
                           err));
    st = ovi_db_set_up(cat, err);
    if (st != OV_OK && !cat->writer && cannot_share(cat))
        st = open_frozen(cat, text, err);
out:
    ov_buf_fini(&path);
    return st;
}

void ovi_db_close(ov_catalog *cat)
{
    for (size_t i = 0; i < OVI_KEPT_STATEMENTS; i++) {
        sqlite3_finalize(cat->kept[i].stmt);
        cat->kept[i] = (ovi_kept){0};
    }
    if (cat->db && sqlite3_close(cat->db) != SQLITE_OK)
        ov_log_error("catalog statements left open", ov_kv_str("dir", cat->dir));
    cat->db = NULL;
}

/* ---- changes ---- */

ov_status ovi_change_begin(ov_catalog *cat, ov_error *err)
{
    if (!cat->writer)
        return ov_fail(err, OV_DENIED, "%s is open for reading only", cat->dir);
    ov_mutex_lock(&cat->write);
    ov_status st = OV_OK;
    cat->delta = (ovi_digest){0};
    if (cat->stopped) {
        *err = cat->stop_reason;
        ov_error_context(err, "no more changes until the next start, after");
        st = err->code;
    } else {
        st = ovi_db_exec(cat, "BEGIN IMMEDIATE", err);
    }
    if (st != OV_OK)
        ov_mutex_unlock(&cat->write);
    return st;
}

/* Make `next` the published snapshot. */
static void show(ov_catalog *cat, ov_snapshot *next, ovi_live_next *shown)
{
    ov_snapshot *old = cat->published;
    cat->published = next;
    ovi_live_install(cat, shown);
    ov_snapshot_release(old);
}

ov_status ovi_change_end(ov_catalog *cat, ov_status st, ov_snapshot *next, bool *unsure, ov_error *err)
{
    return ovi_change_end_live(cat, st, next, NULL, 0, unsure, err);
}

ov_status ovi_change_end_live(ov_catalog *cat, ov_status st, ov_snapshot *next, const ov_live_change *changes,
                              uint32_t count, bool *unsure, ov_error *err)
{
    bool doubt = false;
    ovi_live_next shown = {0};
    if (next)
        ov_mutex_lock(&cat->live);
    if (st == OV_OK && next)
        st = ovi_live_prepare(cat, next, changes, count, &shown, err);
    if (st == OV_OK) {
        int rc = sqlite3_exec(cat->db, "COMMIT", NULL, NULL, NULL);
        if (rc != SQLITE_OK) {
            st = db_fail(cat, rc, err);
            /* A write or sync that failed leaves the log in a state only a new start can judge, and the kernel may
             * have thrown the dirty pages away: never try again on the same file. */
            doubt = (rc & 0xFF) == SQLITE_IOERR;
        }
    }
    if (doubt) {
        cat->stopped = true;
        cat->stop_reason = *err;
        ov_log_error("the catalog could not be synced; no more changes until the next start",
                     ov_kv_err(err));
    }
    if (st != OV_OK && !sqlite3_get_autocommit(cat->db)) {
        ov_error ignored = OV_ERROR_INIT;
        if (ovi_db_exec(cat, "ROLLBACK", &ignored) != OV_OK)
            ov_log_error("catalog rollback failed", ov_kv_err(&ignored));
    }
    if (unsure)
        *unsure = doubt;
    if (st == OV_OK && next) {
        show(cat, next, &shown);
    } else {
        ovi_live_next_drop(&shown);
        ov_snapshot_release(next);
    }
    if (next)
        ov_mutex_unlock(&cat->live);
    ov_mutex_unlock(&cat->write);
    return st;
}
