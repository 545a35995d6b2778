/*
 * Rows in memory beside the published ones: immutable pieces that join and leave the catalog's snapshots.
 *
 * A piece is an open segment that no file and no row of the catalog stands for. It answers queries through the same readers
 * as every other segment. Pieces come and go by ov_live_change: a snapshot either has all of a change or nothing of it. A
 * change may be part of a commit (ov_commit.live): then rows leave memory in the very snapshot in which their
 * published segments appear, so that no query sees a row twice or not at all.
 *
 * Pieces lie outside of versions and time chunks: whatever is published meanwhile, they are there until they are
 * taken away.
 *
 * Threads: any. Nothing of this is durable; whoever adds pieces brings them back after a start.
 */
#pragma once

#include "storage/catalog/catalog.h"

typedef struct ov_live ov_live;

/* Takes over the reference to `seg`, also when it fails. `serial` makes the piece's id unique within its datasource; born_ms:
 * when its rows arrived. */
OV_CHECKED ov_status ov_live_create(ov_slice datasource, ov_segment *seg, uint32_t serial, int64_t born_ms, ov_live **out,
                                    ov_error *err);
/* Before anybody sees it: its rows come behind those of pieces with smaller places. No two that are seen together have the same. */
void ov_live_set_place(ov_live *live, uint64_t place);
ov_live *ov_live_retain(ov_live *live);
void ov_live_release(ov_live *live); /* NULL is fine */
const ov_segment_entry *ov_live_entry(const ov_live *live);

typedef struct ov_live_change {
    ov_slice datasource;
    ov_live *const *remove; /* those that are not there are passed over */
    uint32_t remove_count;
    ov_live *const *add;    /* retained by the catalog */
    uint32_t add_count;
    /* Number of the change that its source would hand out again after a crash, so that versions of snapshots
     * stay different over starts; 0: the rows are the same as before (merged pieces). Never less than one before it. */
    uint64_t logged;
    /* Datasources with keys. moved: the only piece of `add` holds the rows of these, as `arrival` says (keys.h). */
    const struct ov_moved *moved;
    const uint64_t *arrival;
    const struct ovi_key_marks *marks; /* the catalog's own */
} ov_live_change;

/* The next snapshot has all of these changes, each of another datasource; those that add rows to a datasource with keys come
 * alone. Waits for a transaction that is being synced, for nothing else; with keys, for other changes of the datasource
 * too. On failure nothing has changed. */
OV_CHECKED ov_status ov_catalog_live_change(ov_catalog *cat, const ov_live_change *changes, uint32_t count,
                                            ov_error *err);

/*
 * Whoever keeps rows in memory, as a catalog knows it. A commit or a mark that takes rows out of view asks it, in a datasource with keys, to publish
 * all it has first and to let nothing more in until it is done: a row in memory that a gone one superseded would otherwise come
 * back when the log is replayed, where nothing tells of the other any more.
 */
typedef struct ov_live_keeper {
    void *self;
    ov_status (*hold)(void *self, ov_slice datasource, ov_error *err); /* waits; on failure nothing is held */
    void (*let_go)(void *self, ov_slice datasource);
} ov_live_keeper;
/* Before anybody changes the catalog, and after everybody has; .self NULL: nobody keeps rows. */
void ov_catalog_set_keeper(ov_catalog *cat, ov_live_keeper keeper);
