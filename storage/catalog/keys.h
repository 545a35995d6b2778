/*
 * Keys and versions: a datasource whose rows are one per key.
 *
 * A declaration names the key columns, perhaps a version column, and how long superseded rows can be read. From then on
 * every commit collapses: of rows with one key the greatest version stays, of equal versions the one that arrived
 * last; the others are superseded in the same transaction (storage/catalog/dead.h), also late rows themselves, when
 * they meet a greater version. Rows in memory take part like published ones. docs/decisions/0006-keys.md has the argument.
 *
 *   one value   two values are the same when both are NULL, or equal as numbers (exactly, whatever their types), or equal
 *               texts; a whole number of 64 bits and the text that writes it are the same, so that a column that changed its
 *               type keeps its keys
 *   version     NULL, then numbers, then texts by bytes (ISO times sort); without a column all are equal
 *   arrival     by the instant of the commit, then by the order in it
 *   gone rows   what a REPLACE hides or somebody marks unused takes no part; when it comes back it is collapsed again
 *
 * Threads: any. Commits of one datasource with keys wait for each other; readers wait for nobody.
 */
#pragma once

#include "storage/catalog/catalog.h"

enum { OV_KEY_COLUMNS = 16 };
#define OV_KEY_RETAIN_MS (INT64_C(7) * 24 * 3600 * 1000) /* unless declared */

typedef struct ov_key_spec {
    const ov_slice *columns;
    uint32_t count;    /* 0: no keys */
    ov_slice version;  /* empty: arrival alone */
    int64_t retain_ms; /* how long superseded rows can be read; 0: not at all */
} ov_key_spec;

/* From now on the datasource has these keys; rows that are there collapse in the same commit. The same again does nothing,
 * a new retain_ms is taken over.
 * Errors   OV_EXISTS: it has other keys, and rows; OV_INVALID: rows that are there cannot have keys. */
OV_CHECKED ov_status ov_catalog_keys_declare(ov_catalog *cat, ov_slice datasource, const ov_key_spec *spec, ov_error *err);
/* Slices in `out`. count 0 when there are none. */
OV_CHECKED ov_status ov_catalog_keys_get(ov_catalog *cat, ov_slice datasource, ov_arena *out, ov_key_spec *spec,
                                         ov_error *err);

/* What the tables of keys of all datasources may take together, from the start without a limit; set before there are changes.
 * A change that needs more lets go of tables that nobody works with, and is refused (OV_LIMIT) when that is not enough. */
void ov_catalog_keys_memory(ov_catalog *cat, size_t most);
size_t ov_catalog_keys_used(const ov_catalog *cat);

/* The instant of rows that arrive now: never before one that was given out for the datasource. */
int64_t ov_keys_instant(ov_catalog *cat, ov_slice datasource);

/* Rows of a segment that arrive together, in this order (NULL: as they lie): those that others of them supersede; *out NULL:
 * there are none. For rows that are not committed yet. OV_INVALID: they cannot have the keys. */
OV_CHECKED ov_status ov_keys_losers(ov_catalog *cat, ov_slice datasource, ov_segment *seg, const uint64_t *arrival,
                                    ov_dead **out, ov_error *err);

/*
 * ---- merging: rows of some segments written anew ----
 *
 * Whoever puts segments of a datasource together (compaction, hand-over, pieces in memory) reads the rows that
 * ov_keys_kept leaves, writes them in any order into new segments, and tells with each new segment where its rows come from
 * (ov_moved). The commit looks at the inputs as they are at that moment: rows that were superseded while the
 * merge ran are superseded in the output, instants of coming and going move along, and the index of keys follows. So a
 * merge needs no lock, never fails for this and never loses an update. Datasources without keys need none of it, and may
 * pass it all the same.
 */

/* Bits of the rows of block b of an input that a merge must read, in `words` (OV_BATCH_WORDS); false: all `rows` of
 * it. Left out is what was superseded before `horizon` (ov_keys_horizon), which nobody can ask for. */
bool ov_keys_kept(const ov_segment_entry *input, int64_t horizon, uint32_t b, uint32_t rows, uint64_t *words);
/* The earliest instant of the datasource that can still be asked for; OV_DEAD_LONG_AGO without keys. */
int64_t ov_keys_horizon(ov_catalog *cat, ov_slice datasource);

/* Inputs of a merge, in the order in which their rows were numbered. */
typedef struct ov_moved {
    const ov_segment_entry *const *inputs; /* of a snapshot that the merge holds */
    uint32_t count;
} ov_moved;

/* ---- AS OF ---- */

/* The datasource as it was at instant t: rows that were superseded later, without those that came later. Lives in `out`;
 * the snapshot must be held. t in the future: as it is now.
 * Errors   OV_INVALID: it has no keys, or t is before the earliest instant that can be read, which the sentence names. */
OV_CHECKED ov_status ov_snapshot_as_of(const ov_snapshot *snap, const ov_datasource *ds, int64_t t, ov_arena *out,
                                       const ov_datasource **then, ov_error *err);
