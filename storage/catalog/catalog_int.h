/*
 * Private to storage/catalog/catalog*.c: the catalog object, thin words around SQLite, and the immutable state of one
 * datasource that snapshots share.
 *
 * Locks, in this order: `write` (one change at a time, and all use of `db`), `live` (the published snapshot and what lies
 * on top of it; changes take it for their COMMIT), then `snap` (the pointer to the current snapshot). Readers of snapshots
 * take `snap` only for the moment of a retain.
 */
#pragma once

#include <sqlite3.h>
#include <stdatomic.h>
#include "base/thread.h"
#include "storage/catalog/catalog.h"
#include "storage/catalog/live.h"
#include "storage/catalog/timeline.h"
#include "storage/segment/segment_id.h"

typedef struct ovi_live_set ovi_live_set;
typedef struct ovi_keys ovi_keys;

/* New states of segments: of a piece, or of a published one by its number among the visible ones. */
typedef struct ovi_key_mark {
    const ov_segment *live;
    uint32_t visible;
    ov_dead *dead;
} ovi_key_mark;
typedef struct ovi_key_marks {
    ovi_key_mark *list;
    uint32_t count;
    bool flushed; /* those of published ones are in the published snapshot from now on */
} ovi_key_marks;

/* A file's state that the open transaction has written. */
typedef struct ovi_pending {
    ov_slice file;
    ov_dead *dead;
} ovi_pending;

/* All used segments of one datasource as of one commit; immutable, shared by the snapshots that did not change it. With
 * rows in memory on top it is a thin one that retains `base` and shows its entries. */
typedef struct ovi_datasource {
    _Atomic uint32_t refs;
    ov_segcache *cache;
    uint64_t change; /* the commit that made it */
    ov_arena arena;  /* everything it lends */
    ov_datasource pub;
    ov_segment_entry *entries; /* by start, end, version, partition */
    uint32_t entry_count;
    const ov_segment_entry **visible; /* pub.segments */
    ov_timeline timeline;             /* item numbers are entry numbers */
    struct ovi_datasource *base;      /* below the rows in memory; NULL: nothing published, or no rows in memory */
    ovi_live_set *live;               /* NULL: no rows in memory */
    const ov_segment_entry **pieces;  /* of the rows in memory, by address of their segment */
    uint32_t piece_count;
} ovi_datasource;

struct ov_snapshot {
    _Atomic uint32_t refs;
    ov_catalog *cat;
    uint64_t version;
    uint64_t change; /* of the database */
    ov_snapshot *published; /* below rows in memory, owns `all`; NULL when there are none */
    ov_segcache *cache;
    ovi_datasource **ds; /* by name; only those with used segments */
    uint32_t ds_count;
    const ov_segment_entry **all;
    uint32_t all_count;
};

/* Count and exclusive or of the checksums of some rows: equal digests mean that no row came or went unnoticed. */
typedef struct ovi_digest {
    int64_t all_count, all_sum;   /* every row of table segments of a datasource */
    int64_t used_count, used_sum; /* the used ones */
} ovi_digest;

enum { OVI_KEPT_STATEMENTS = 48 };
typedef struct ovi_kept {
    const char *sql;
    sqlite3_stmt *stmt;
    bool lent;
} ovi_kept;

struct ov_catalog {
    char *dir;
    bool writer;
    int lock_fd; /* -1 when not writer */
    ov_segcache *cache;
    _Atomic uint64_t tmp_names;
    int64_t opened_ms;

    ov_mutex write;
    sqlite3 *db;
    ovi_kept kept[OVI_KEPT_STATEMENTS];
    bool stopped; /* a sync failed: no more writes */
    ov_error stop_reason;
    ovi_digest delta; /* of rows changed since the last ovi_datasource_touch */
    bool has_marks;   /* the database has table marks */
    ovi_pending *pending; /* by file, while a change is open */
    uint32_t pending_count, pending_cap;

    ov_mutex declare;   /* one declaration of keys at a time; the outermost lock */
    ov_mutex keys_lock; /* a leaf: of the list and the declarations in it */
    ovi_keys *keys;
    ov_budget keys_budget; /* of the tables of keys together */

    ov_mutex live;          /* everything below but `current` */
    ov_snapshot *published; /* what the database says; changes under `write` too */
    ovi_live_set **live_sets;
    uint32_t live_set_count;
    uint64_t live_logged, live_late;

    ov_mutex snap;
    ov_snapshot *current; /* `published` with the rows in memory on top */

    ov_live_keeper keeper;
};

/* ---- catalog_db.c: SQLite with our errors; all under `write` ---- */
OV_CHECKED ov_status ovi_db_open(ov_catalog *cat, ov_error *err);
void ovi_db_close(ov_catalog *cat);
OV_CHECKED ov_status ovi_db_exec(ov_catalog *cat, const char *sql, ov_error *err);
/* `sql` is a literal: statements are kept by its address and used again. Give it back with ovi_db_done. */
OV_CHECKED ov_status ovi_db_prepare(ov_catalog *cat, const char *sql, sqlite3_stmt **out, ov_error *err);
void ovi_db_done(ov_catalog *cat, sqlite3_stmt *s); /* NULL is fine */
/* *row: there is one. Done means false. */
OV_CHECKED ov_status ovi_db_step(ov_catalog *cat, sqlite3_stmt *s, bool *row, ov_error *err);
/* Step a statement that gives no rows, then reset it. */
OV_CHECKED ov_status ovi_db_run(ov_catalog *cat, sqlite3_stmt *s, ov_error *err);
/* The first column of the first row as text, "" without one. */
OV_CHECKED ov_status ovi_db_text(ov_catalog *cat, const char *sql, char *out, size_t cap, ov_error *err);
/* What a new connection is told; a writer makes the tables, or brings them up to date (catalog_schema.c). */
OV_CHECKED ov_status ovi_db_set_up(ov_catalog *cat, ov_error *err);
void ovi_bind_str(sqlite3_stmt *s, int at, ov_slice text);
void ovi_bind_blob(sqlite3_stmt *s, int at, ov_slice bytes);
ov_slice ovi_column(sqlite3_stmt *s, int at); /* until the next step */
/* A whole number from table meta; all keys exist from the start, so a missing one is damage. */
OV_CHECKED ov_status ovi_meta_get(ov_catalog *cat, const char *key, int64_t *out, ov_error *err);
OV_CHECKED ov_status ovi_meta_set(ov_catalog *cat, const char *key, int64_t value, ov_error *err);
/* Start a change: takes `write`, refuses when stopped or read-only, begins a transaction. */
OV_CHECKED ov_status ovi_change_begin(ov_catalog *cat, ov_error *err);
/* End it: commit and make `next` (may be NULL) the current snapshot when st is OV_OK, else roll back and drop `next`; lets
 * go of `write`. *unsure (may be NULL): nobody can tell whether the transaction will be found after the next start. */
OV_CHECKED ov_status ovi_change_end(ov_catalog *cat, ov_status st, ov_snapshot *next, bool *unsure,
                                    ov_error *err);
/* The same; the next snapshot has these changes of rows in memory too. */
OV_CHECKED ov_status ovi_change_end_live(ov_catalog *cat, ov_status st, ov_snapshot *next, const ov_live_change *changes,
                                         uint32_t count, bool *unsure, ov_error *err);
/* The fault words for rows that do not hold what was written. */
ov_status ovi_db_damaged(ov_catalog *cat, ov_error *err, const char *fmt, ...) OV_PRINTF(3, 4);

/* ---- catalog_row.c: rows of table segments ---- */
typedef struct ovi_row {
    int64_t seq;
    ov_segment_id id;
    uint32_t core;
    bool tombstone, used;
    uint32_t rows;
    uint64_t bytes;
    int64_t min_time, max_time;
    ov_slice file, task_id, shard;
    int64_t schema, created_ms;
    int64_t sum; /* as stored */
} ovi_row;

/* The columns ovi_row_read expects, in order. */
#define OVI_ROW_COLUMNS                                                                            \
    "seq, datasource, start_ms, end_ms, version, partition, core, tombstone, used, rows, bytes, "  \
    "min_time, max_time, file, task_id, schema, created_ms, sum, shard"
/* Slices live until the next step; OV_CORRUPT when the row's checksum is wrong. */
OV_CHECKED ov_status ovi_row_read(ov_catalog *cat, sqlite3_stmt *s, ovi_row *out, ov_error *err);
OV_CHECKED ov_status ovi_row_copy(ov_arena *a, ovi_row *row, ov_error *err); /* slices into a */
OV_CHECKED ov_status ovi_row_insert(ov_catalog *cat, const ovi_row *row, ov_error *err);
OV_CHECKED ov_status ovi_row_set_used(ov_catalog *cat, ovi_row *row, bool used, ov_error *err);
/* When it became unused; *known false: an older program marked it. */
OV_CHECKED ov_status ovi_row_unused_since(ov_catalog *cat, const ovi_row *row, bool *known, int64_t *at_ms, ov_error *err);
/* With what lies beside it when the file goes too (ovi_marks_delete). */
OV_CHECKED ov_status ovi_row_delete(ov_catalog *cat, const ovi_row *row, ov_error *err);
/* Unused (or used) rows of a datasource inside the interval, copied into `out`. */
OV_CHECKED ov_status ovi_rows_select(ov_catalog *cat, ov_slice datasource, bool used, ov_interval span,
                                     ov_arena *out, ovi_row **rows, uint32_t *count, ov_error *err);
/* Number of a column list in table schemas, added when new. */
OV_CHECKED ov_status ovi_schema_intern(ov_catalog *cat, const ov_schema_column *columns,
                                       uint32_t count, int64_t *out, ov_error *err);
OV_CHECKED ov_status ovi_schema_read(ov_catalog *cat, int64_t schema, ov_arena *out,
                                     const ov_schema_column **columns, uint32_t *count,
                                     ov_error *err);

/* ---- catalog_digest.c: table datasources ---- */
typedef struct ovi_known {
    ov_slice name;
    int64_t change;
    ovi_digest digest;
} ovi_known;
/* A datasource changed: apply cat->delta to its row. Inside a change, after its rows and before ovi_snapshot_build. */
OV_CHECKED ov_status ovi_datasource_touch(ov_catalog *cat, ov_slice name, ov_error *err);
/* All datasources by name, checked against their digest. */
OV_CHECKED ov_status ovi_known_list(ov_catalog *cat, ov_arena *out, ovi_known **list, uint32_t *count,
                                    ov_error *err);
/* Do these used rows make up the digest? */
OV_CHECKED ov_status ovi_known_check_used(ov_catalog *cat, const ovi_known *known, const ovi_row *rows,
                                          uint32_t count, ov_error *err);
/* Read every row of segments, used or not, and every cursor, and compare all digests. */
OV_CHECKED ov_status ovi_digest_check_all(ov_catalog *cat, ov_error *err);

/* A row of a name, its bytes and their checksum; `sql` is a literal with a place for each. */
OV_CHECKED ov_status ovi_put_summed(ov_catalog *cat, const char *sql, ov_slice name, ov_slice bytes, int64_t sum, ov_error *err);

/* ---- catalog_load.c ---- */
/* The state of a datasource as the database has it now; *out NULL when it has no used segments. */
OV_CHECKED ov_status ovi_datasource_load(ov_catalog *cat, const ovi_known *known, ovi_datasource **out,
                                         ov_error *err);
void ovi_datasource_release(ovi_datasource *ds);
/* Columns of several segments as one list: the type that holds all values, in order of first sight, __time first. */
typedef struct ov_columns_merge {
    ov_arena *arena;
    ov_schema_column *columns;
    uint32_t count, cap;
} ov_columns_merge;
/* Starts with these (none: __time alone). */
OV_CHECKED ov_status ovi_columns_begin(ov_columns_merge *m, ov_arena *arena, const ov_schema_column *columns,
                                       uint32_t count, ov_error *err);
OV_CHECKED ov_status ovi_columns_add(ov_columns_merge *m, const ov_schema_column *columns, uint32_t count,
                                     ov_error *err);

/* Of pointers to entries: by start, end, version, partition; those of rows in memory behind them, by place. */
int ovi_entry_order(const void *pa, const void *pb);
/* ---- catalog_hold.c ---- */
typedef struct ovi_held {
    ov_slice *names;
    uint32_t count;
} ovi_held;
/* Before any lock: rows in memory of those of the datasources that have keys are published, and none come until let_go. */
OV_CHECKED ov_status ovi_hold(ov_catalog *cat, const ov_slice *names, uint32_t count, ov_arena *a, ovi_held *held, ov_error *err);
void ovi_let_go(ov_catalog *cat, ovi_held *held);

/* ---- catalog_keys.c; see keys_int.h for the rest ---- */
void ovi_pending_clear(ov_catalog *cat);
const ovi_pending *ovi_pending_find(const ov_catalog *cat, ov_slice file); /* NULL when there is none */

/* ---- catalog_snapshot.c ---- */
/* A snapshot like the current one but for datasources the database knows a newer change of; under `write`. */
OV_CHECKED ov_status ovi_snapshot_build(ov_catalog *cat, ov_snapshot **out, ov_error *err);
/* Make it the published one, with the rows in memory on top the current one; takes over the reference, also when it fails. */
OV_CHECKED ov_status ovi_snapshot_install(ov_catalog *cat, ov_snapshot *snap, ov_error *err);
ov_snapshot *ovi_snapshot_retain(ov_snapshot *snap);
ovi_datasource *ovi_snapshot_state(const ov_snapshot *snap, ov_slice name); /* NULL when none */

/* ---- catalog_live.c; under `live` ---- */
typedef struct ovi_live_next {
    ovi_live_set **sets;
    uint32_t set_count;
    uint64_t logged, late;
    ov_snapshot *current;
} ovi_live_next;
/* What will be shown once `published` is the published snapshot and the changes are done. */
OV_CHECKED ov_status ovi_live_prepare(ov_catalog *cat, ov_snapshot *published, const ov_live_change *changes,
                                      uint32_t count, ovi_live_next *next, ov_error *err);
void ovi_live_install(ov_catalog *cat, ovi_live_next *next); /* empties `next` */
void ovi_live_next_drop(ovi_live_next *next);                /* instead of that */
void ovi_live_set_release(ovi_live_set *set);
/* The entry of a piece in a state; NULL: it is not in it. */
const ov_segment_entry *ovi_live_find(const ovi_datasource *ds, const ov_segment *piece);

/* ---- catalog_recover.c ---- */
OV_CHECKED ov_status ovi_recover(ov_catalog *cat, ov_error *err);
/* Before a new catalog is made: OV_EXISTS when there are segments of a lost one, which recovery would delete. */
OV_CHECKED ov_status ovi_refuse_orphans(ov_catalog *cat, ov_error *err);

/* ---- catalog_files.c ---- */
/* segments/<datasource, percent-encoded> and the file in it, below DIR. */
void ovi_datasource_dir(ov_buf *out, ov_slice datasource);
void ovi_segment_file(ov_buf *out, const ov_segment_id *id);
OV_CHECKED ov_status ovi_lock_take(ov_catalog *cat, ov_error *err);

/* ---- catalog_version.c ---- */
/* Inside a change. */
OV_CHECKED ov_status ovi_version_next(ov_catalog *cat, ov_arena *out, ov_slice *version, ov_error *err);

/* ---- catalog_place.c: where new segments go ---- */
/* Settle interval, version, partition and core count of every segment; tombstones over nothing get keep = false.
 * Rows of table chunks are written. Inside a change. */
typedef struct ovi_placed {
    ov_new_segment *seg;
    uint32_t core;
    bool keep;
} ovi_placed;
OV_CHECKED ov_status ovi_place_segments(ov_catalog *cat, const ov_commit *commit, ov_arena *out,
                                        ovi_placed *placed, ov_error *err);

/* Next free partition of a chunk; numbers of killed segments do not come back while the chunk lives. */
OV_CHECKED ov_status ovi_next_partition(ov_catalog *cat, const ov_segment_id *id, uint32_t *out, ov_error *err);

/* ---- catalog_inputs.c: segments whose rows the new ones hold instead (ov_commit.inputs); inside a change ---- */
/* Once the segments are placed: do the inputs still answer as they did? */
OV_CHECKED ov_status ovi_inputs_check(ov_catalog *cat, const ov_commit *commit, ov_error *err);
/* Their rows go, and those of what came meanwhile move into the new chunks. */
OV_CHECKED ov_status ovi_inputs_leave(ov_catalog *cat, const ov_commit *commit, const ovi_placed *placed, ov_error *err);

/* ---- catalog_record.c ---- */
/* Inside a change. */
OV_CHECKED ov_status ovi_record_put(ov_catalog *cat, ov_slice task_id, const ov_record *r, ov_error *err);

/* ---- catalog_task.c ---- */
/* ov_catalog_task_update inside a change that is already open. */
OV_CHECKED ov_status ovi_task_update(ov_catalog *cat, const ov_task_row *row, ov_error *err);
/* RUNNING tasks without `restart` become FAILED. */
OV_CHECKED ov_status ovi_tasks_fail_lost(ov_catalog *cat, ov_error *err);

/* ---- catalog_cursor.c ---- */
OV_CHECKED ov_status ovi_cursor_set(ov_catalog *cat, ov_slice key, ov_slice value, ov_error *err);
/* OV_BUSY unless the cursor holds `want` (empty: does not exist). */
OV_CHECKED ov_status ovi_cursor_expect(ov_catalog *cat, ov_slice key, ov_slice want, ov_error *err);
/* ov_catalog_cursor_list under `write`. */
OV_CHECKED ov_status ovi_cursor_rows(ov_catalog *cat, ov_slice prefix, ov_arena *out, ov_cursor_row **rows,
                                     uint32_t *count, ov_error *err);
OV_CHECKED ov_status ovi_cursors_check(ov_catalog *cat, ov_error *err);
