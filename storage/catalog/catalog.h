/*
 * The catalog: which segments are live, which tasks ran, where incremental sources stand. The door to SQLite.
 *
 * One data folder has one catalog and one writing process:
 *
 *   DIR/catalog.db        SQLite, WAL, synchronous=FULL
 *   DIR/lock              flock'ed by the writer; holds its pid and, for a server, its address
 *   DIR/segments/<datasource, percent-encoded>/<start>_<end>_<version>_<partition>.ovs
 *   DIR/tmp/              files not yet published; emptied at open by the writer
 *
 * A commit is one SQLite transaction: new segments, segments marked unused, cursors, task state. Files are
 * synced before the transaction names them; files no row names are removed when the writer opens the folder.
 * After each commit a new immutable snapshot replaces the current one by pointer swap; queries pin one.
 *
 * Threads: all calls may come from any thread; writers are serialised inside.
 */
#pragma once

#include "base/buf.h"
#include "base/datetime.h"
#include "storage/catalog/dead.h"
#include "storage/catalog/segcache.h"
#include "storage/catalog/shard.h"
#include "storage/segment/segment.h"

typedef struct ov_catalog ov_catalog;
typedef struct ov_snapshot ov_snapshot;

typedef struct ov_schema_column {
    ov_slice name;
    ov_type type;
    uint8_t role; /* ov_column_role */
} ov_schema_column;

/* One segment as the catalog knows it. Slices live as long as the snapshot that lent it.
 * Interval, version and partition here are those that count: the commit settles them, and a segment file may
 * still name the ones its builder expected. */
typedef struct ov_segment_entry {
    ov_segment_info info;
    ov_slice id;         /* Druid's text form datasource_start_end_version[_partition] */
    ov_slice file;       /* path below DIR */
    const ov_schema_column *columns; /* schema at publish */
    uint32_t column_count;
    uint32_t core;       /* core partitions of its chunk */
    bool appended;       /* outside the core partition set */
    bool tombstone;      /* empties its chunk, has no file */
    bool visible;        /* answers somewhere: not overshadowed (timeline rules of druid-api 5.5) */
    bool partial;        /* visible, but newer versions hide rows outside `parts`: readers must keep
                            only rows whose __time lies in one of the parts */
    const ov_interval *parts; /* where it is visible: ascending, disjoint; its whole interval when not partial */
    uint32_t part_count;
    bool used;
    ov_slice shard_spec; /* JSON, as sys.segments shows it */
    const ov_shard *shard; /* what its rows have in common; NULL: nothing is known */
    ov_slice created;    /* ISO */
    ov_slice task_id;
    ov_segment_slot *slot; /* where the open segment is kept; see ov_snapshot_open. NULL for tombstones */
    ov_segment *live;    /* rows in memory (storage/catalog/live.h): the segment itself; no file, no slot. NULL otherwise */
    uint64_t place;      /* of rows in memory among each other: they come as they were pushed */
    const ov_dead *dead; /* rows that are superseded (storage/catalog/keys.h): nobody may see them. NULL: none */
    int64_t born_ms;     /* when its rows were committed, unless dead says more */
    bool past;           /* as it was at an instant (ov_snapshot_as_of) */
} ov_segment_entry;

typedef struct ov_datasource {
    ov_slice name;
    const ov_segment_entry *const *segments; /* visible ones with rows to read (no tombstones), by start, end, version,
                                                partition; behind them rows in memory by place */
    uint32_t segment_count;
    const ov_schema_column *columns; /* merged: the type that holds every segment's values (ov_type_wider), __time
                                        first, then in order of first sight */
    uint32_t column_count;
    uint64_t rows, bytes;       /* of `segments`; superseded rows are not counted; rows is an upper bound when any_partial */
    int64_t min_time, max_time; /* min > max when there are no rows; bounds, not exact where rows are superseded */
    bool any_partial;           /* some segment is `partial` */
} ov_datasource;

/* writer: take DIR/lock and clean up after a crash (OV_BUSY naming the holder when it is taken). Otherwise
 * read-only: sees commits of other processes at each ov_catalog_refresh. Creates DIR when writer. */
OV_CHECKED ov_status ov_catalog_open(const char *dir, bool writer, ov_catalog **out, ov_error *err);
/* Every snapshot must have been released. NULL is fine. */
void ov_catalog_close(ov_catalog *cat);
const char *ov_catalog_dir(const ov_catalog *cat);
/* Read-only catalogs: look for new commits. Writers: nothing to do. */
OV_CHECKED ov_status ov_catalog_refresh(ov_catalog *cat, ov_error *err);
/* Write the server's address into DIR/lock, and read it (out: "127.0.0.1:8888", empty when there is none). */
OV_CHECKED ov_status ov_catalog_set_address(ov_catalog *cat, const char *address, ov_error *err);
OV_CHECKED ov_status ov_catalog_holder(const char *dir, ov_buf *address, ov_error *err);

/* ---- snapshots ---- */
ov_snapshot *ov_catalog_snapshot(ov_catalog *cat); /* retained; never NULL */
void ov_snapshot_release(ov_snapshot *snap);
uint64_t ov_snapshot_version(const ov_snapshot *snap); /* grows with each commit, and with rows in memory */
uint32_t ov_snapshot_datasources(const ov_snapshot *snap);
const ov_datasource *ov_snapshot_datasource(const ov_snapshot *snap, uint32_t i); /* sorted by name */
const ov_datasource *ov_snapshot_find(const ov_snapshot *snap, ov_slice name);    /* NULL when none */
/* An entry of the catalog as rows in memory leave it, which may have superseded rows of it. */
const ov_segment_entry *ov_snapshot_shown(const ov_snapshot *snap, const ov_segment_entry *e);
/* All used segments of the catalog, visible or not, for sys.segments and the coordinator API; no rows in memory. */
uint32_t ov_snapshot_all(const ov_snapshot *snap, const ov_segment_entry *const **out);
/* The open segment behind an entry, retained; opened at first use and kept in a bounded cache. */
OV_CHECKED ov_status ov_snapshot_open(const ov_snapshot *snap, const ov_segment_entry *entry,
                                      ov_segment **out, ov_error *err);

/* ---- commit ---- */
/* How new segments meet those that are there.
 *   APPEND   A segment joins the chunk that answers for all of its rows (its interval becomes that chunk's), or starts
 *            a chunk where nothing answers. Rows that would lie in several existing chunks: OV_INVALID.
 *   REPLACE  One new version for every interval that got a segment or a tombstone; tombstones over
 *            nothing are left out. */
typedef enum ov_publish_mode {
    OV_PUBLISH_APPEND,
    OV_PUBLISH_REPLACE,
} ov_publish_mode;

typedef struct ov_new_segment {
    ov_segment_info info;
    const char *tmp_path; /* sealed and synced file below DIR/tmp; renamed into place by the commit. NULL for
                             tombstones */
    const ov_schema_column *columns;
    uint32_t column_count;
    bool tombstone;
    ov_slice shard; /* see shard.h; empty: numbered */
    /* Datasources with keys: the order in which its rows arrived, or with `moved` the number of the row that each one was.
     * NULL: as they lie. */
    const uint64_t *arrival;
} ov_new_segment;

struct ov_task_row;

/* What a commit tells for good: `kind` names the sort ("lineage", "completeness"), `key` what it is about (a URL, a source),
 * at_ms when. A later one of the same three replaces it. */
typedef struct ov_record {
    ov_slice kind, key;
    int64_t at_ms;
    ov_slice task_id; /* of the commit; ignored when written */
    ov_slice value;   /* JSON */
} ov_record;

typedef struct ov_commit {
    ov_slice task_id;
    ov_publish_mode mode;
    ov_new_segment *segments;     /* info.version and info.partition (APPEND: the interval too) are set by
                                     the commit; segments of one interval get partitions in list order */
    uint32_t segment_count;
    const ov_slice *cursor_keys;  /* cursors written in the same transaction */
    const ov_slice *cursor_values;
    const ov_slice *cursor_before; /* what each must still hold, empty = no cursor; NULL: no condition */
    uint32_t cursor_count;
    const ov_record *records; /* written in the same transaction */
    uint32_t record_count;
    const struct ov_task_row *task; /* as for ov_catalog_task_update, in the same transaction; NULL = none */
    /* Entries of a snapshot that the caller holds, all of one datasource, whose rows the new segments hold instead.
     *   APPEND   appended segments of one time chunk, which the new ones join: gone for good with this commit.
     *   REPLACE  they become unused. What else answers in the intervals of the new segments, which can only have been appended
     *            meanwhile, moves along into the new chunk.
     * OV_BUSY: they do not answer any more as they did, or what came meanwhile has no place in one new chunk. Then the whole work
     * is to be done again from a new snapshot. */
    const ov_segment_entry *const *inputs;
    uint32_t input_count;
    /* Datasources with keys: whose rows the new segments hold, nothing new; see storage/catalog/keys.h. NULL: new rows, or with `inputs`
     * those. */
    const struct ov_moved *moved;
    const struct ov_live_change *live; /* rows in memory that leave or join with this commit's snapshot; NULL = none */
    uint32_t live_count;
} ov_commit;

/* All or nothing: versions and partition numbers are settled under the writer's lock, files get their names, one
 * transaction names them. On failure the files are removed. info.version of the segments lives in `out`.
 * Errors   OV_INVALID (see APPEND), OV_NOT_FOUND (no such task), OV_BUSY (a cursor moved meanwhile: the same source was
 *          read by someone else), OV_LIMIT (disk full), OV_IO. When the system could not
 *          sync the transaction its fate is unknown until the folder is opened again: the catalog then
 *          refuses all further writes. */
OV_CHECKED ov_status ov_catalog_commit(ov_catalog *cat, const ov_commit *commit, ov_arena *out,
                                       ov_error *err);
/* A version for segments written now: ISO instant with milliseconds, later than any handed out before. */
OV_CHECKED ov_status ov_catalog_next_version(ov_catalog *cat, ov_arena *out, ov_slice *version,
                                             ov_error *err);
/* A fresh path below DIR/tmp. */
OV_CHECKED ov_status ov_catalog_tmp_path(ov_catalog *cat, ov_arena *out, ov_slice *path, ov_error *err);

/* Which segments of a datasource: those inside the span that meet every other condition given. */
typedef struct ov_segment_choice {
    ov_slice datasource;
    ov_interval span;
    const ov_slice *ids; /* NULL: any */
    uint32_t id_count;
    const ov_slice *versions; /* NULL: any */
    uint32_t version_count;
    bool has_unused_until; /* only such as became unused at that time or before; when is not known of those marked by older programs */
    int64_t unused_until;
    uint32_t most; /* so many, the oldest intervals first; 0: all */
} ov_segment_choice;

/* used/unused marks; *changed counts. Files of unused segments stay until killed. Marking used leaves out what would be hidden. */
OV_CHECKED ov_status ov_catalog_mark(ov_catalog *cat, const ov_segment_choice *which, bool used, uint32_t *changed,
                                     ov_error *err);
/* Remove unused segments for good: rows, then files as soon as no snapshot holds them. */
OV_CHECKED ov_status ov_catalog_kill(ov_catalog *cat, const ov_segment_choice *which, uint32_t *removed, ov_error *err);
/* How many unused segments there are, and the interval around them. */
OV_CHECKED ov_status ov_catalog_unused(ov_catalog *cat, const ov_segment_choice *which, uint32_t *count, ov_interval *around,
                                       ov_error *err);

/* Every datasource that has segments, used or not, by name. */
OV_CHECKED ov_status ov_catalog_datasource_names(ov_catalog *cat, ov_arena *out, ov_slice **names, uint32_t *count,
                                                 ov_error *err);

/* ---- cursors ---- */
OV_CHECKED ov_status ov_catalog_cursor_get(ov_catalog *cat, ov_slice key, ov_arena *out,
                                           ov_slice *value, ov_error *err); /* empty when there is none */

/* Cursors whose key starts with `prefix`, by key. */
typedef struct ov_cursor_row {
    ov_slice key, value;
} ov_cursor_row;
/* Takes away cursors whose key begins with `prefix` and that `drop` says are not needed any more, a bounded number in one
 * transaction: *more true when there may be others. */
typedef bool ov_cursor_drop(void *self, ov_slice key, ov_slice value);
OV_CHECKED ov_status ov_catalog_cursor_prune(ov_catalog *cat, ov_slice prefix, ov_cursor_drop *drop, void *self, bool *more,
                                             ov_error *err);
OV_CHECKED ov_status ov_catalog_cursor_list(ov_catalog *cat, ov_slice prefix, ov_arena *out, ov_cursor_row **rows,
                                            uint32_t *count, ov_error *err);

/* ---- records ---- */
/* Of one kind, by key and time; task_id may be empty for any. */
OV_CHECKED ov_status ov_catalog_record_list(ov_catalog *cat, ov_slice kind, ov_slice task_id, ov_arena *out,
                                            ov_record **rows, uint32_t *count, ov_error *err);

/* ---- tasks: durable before the POST is answered ----
 * Tasks found RUNNING when a writer opens the folder become FAILED ("the server stopped while this task ran"), unless
 * `restart` asks for another run: those stay RUNNING for the task runner to take up. */
typedef struct ov_task_row {
    ov_slice id, group_id, type, datasource;
    ov_slice created; /* ISO */
    ov_slice state;   /* RUNNING, SUCCESS, FAILED */
    ov_slice spec;    /* JSON as posted */
    ov_slice status;  /* JSON of status details: durations, error message, location */
    ov_slice report;  /* JSON, empty until there is one */
    int64_t created_ms, duration_ms; /* duration -1 while running */
    ov_slice error_msg;
    bool restart;
} ov_task_row;

OV_CHECKED ov_status ov_catalog_task_insert(ov_catalog *cat, const ov_task_row *row, ov_error *err); /* OV_EXISTS */
/* Everything that changes while a task lives: state, status, report, duration_ms, error_msg. OV_NOT_FOUND. */
OV_CHECKED ov_status ov_catalog_task_update(ov_catalog *cat, const ov_task_row *row, ov_error *err);
OV_CHECKED ov_status ov_catalog_task_get(ov_catalog *cat, ov_slice id, ov_arena *out,
                                         ov_task_row *row, ov_error *err); /* OV_NOT_FOUND */
/* Newest first, without spec and report (task_get has them); datasource and state may be empty for any; max 0: all. */
OV_CHECKED ov_status ov_catalog_task_list(ov_catalog *cat, ov_slice datasource, ov_slice state,
                                          uint32_t max, ov_arena *out, ov_task_row **rows,
                                          uint32_t *count, ov_error *err);
