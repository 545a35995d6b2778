/*
 * The batch load: rows in, sealed segment files out. Nothing is published here; that is one catalog commit by
 * the task (see README.md).
 *
 *   ov_load_run      reads what a spec names, parses on all workers, and returns the sealed segments
 *   ov_loader_*      the machinery below it, for sources that make rows themselves (git history)
 *
 * Splits of the input are parsed side by side and handed to the builders in input order, so the segments do not
 * depend on the number of workers: rows equal in the sort order keep the order of the input. Each time
 * chunk has one open builder; it is sealed as a further partition when it holds maxRowsPerSegment rows, and the
 * largest is sealed early when all builders together pass the memory limit. Sealing runs beside parsing.
 *
 * On failure and on cancel every file already sealed is removed.
 */
#pragma once

#include <stdatomic.h>
#include "base/period.h"
#include "ingest/parse/rows.h"
#include "ingest/spec/spec.h"
#include "storage/build/segment_builder.h"

/* Published while the load runs; read from any thread. bytes and total_bytes count the input as stored
 * (compressed), total_bytes is 0 while unknown. */
typedef struct ov_load_progress {
    _Atomic uint64_t rows;     /* read so far */
    _Atomic uint64_t rejected; /* of them */
    _Atomic uint64_t bytes;
    _Atomic uint64_t total_bytes;
    _Atomic uint64_t segments; /* sealed so far */
} ov_load_progress;

typedef struct ov_load_env {
    const char *tmp_dir;   /* existing folder for sealed files: DIR/tmp of the catalog */
    const char *file_stem; /* unique per load, safe in a file name: files are tmp_dir/STEM-n.ovs */
    ov_slice version;      /* for ov_build_schema */
    const char *base_dir;  /* relative paths of a spec start here; NULL: the working directory */
    ov_budget *budget;     /* parent of the load's budget; NULL for none */
    size_t memory_bytes;   /* limit of all open builders together; 0: OV_LOAD_MEMORY_BYTES */
    uint32_t workers;      /* 0: one per core */
    const struct ov_disk_guard *disk; /* the load stands still while it says so; NULL: never */
    const _Atomic bool *cancel; /* polled between blocks and before a seal; NULL for never. Ends in OV_CANCELLED */
    ov_load_progress *progress; /* NULL: not wanted */
    const struct ov_transform_ops *transforms; /* Druid expressions for transformSpec; NULL: such specs are refused */
    bool arrival; /* the datasource has keys: segments come with the order in which their rows arrived */
    uint64_t arrival_from; /* the number of the first row */
} ov_load_env;

#define OV_LOAD_MEMORY_BYTES ((size_t)64 << 20)
/* Of a whole task. Its builders get a quarter: sealing and parsing need the rest. */
#define OV_TASK_MEMORY_BYTES ((size_t)256 << 20)

typedef struct ov_load_counters {
    uint64_t read;     /* rows and row-shaped pieces of the input: read = loaded + rejected + filtered, always */
    uint64_t loaded;
    uint64_t rejected; /* unreadable row or time stamp (Druid: unparseable) */
    uint64_t filtered; /* outside the intervals or by the transform's filter (Druid: thrownAway) */
    uint64_t with_errors; /* of the loaded: some value was taken as NULL (Druid: processedWithError) */
    uint64_t repaired;    /* texts with bytes that are not UTF-8, stored with U+FFFD in their place */
    uint64_t bytes;       /* of the input as stored */
    uint64_t text_bytes;  /* after decompression */
} ov_load_counters;

/* A sealed file, ready for ov_new_segment. columns are those the segment really has (multi settled). */
typedef struct ov_load_segment {
    const char *path;
    ov_segment_info info; /* version of the env, partition counted from 0 per chunk */
    const ov_build_column *columns;
    uint32_t column_count;
    ov_slice shard; /* storage/catalog/shard.h; empty: numbered */
    const uint64_t *arrival; /* per row, its number among all rows of the load; NULL unless asked for */
} ov_load_segment;

typedef struct ov_load_result {
    ov_load_counters counters;
    ov_load_segment *segments; /* by start, then partition */
    uint32_t segment_count;
    ov_reject *rejects; /* the first tuning.maxSavedParseExceptions ones in input order (at least 20) */
    uint32_t reject_count;
} ov_load_result;

/*
 * Run the whole load of a parsed spec. Everything in *result lives in `out`.
 *
 * Errors   OV_INVALID, OV_NOT_FOUND, OV_IO: input or spec; OV_LIMIT: more rejects than maxParseExceptions (the sentence
 *          names the last one), or memory; OV_CANCELLED. *result then still holds counters and rejects so far.
 * Threads  blocks the caller; starts env->workers threads. Loads may run side by side.
 */
OV_CHECKED ov_status ov_load_run(const ov_spec *spec, const ov_load_env *env, ov_arena *out,
                                 ov_load_result *result, ov_error *err);

/* Could this spec run: are its transforms and paths known? For a clear answer before a task is accepted. `transforms`
 * as in ov_load_env. OV_UNSUPPORTED, OV_INVALID. */
OV_CHECKED ov_status ov_load_check(const ov_spec *spec, const struct ov_transform_ops *transforms,
                                   ov_error *err);

/* ---- for sources that make rows themselves ---- */

typedef struct ov_loader ov_loader;

typedef struct ov_load_schema {
    ov_slice datasource;
    const ov_build_column *columns; /* [0] is __time; borrowed until destroy */
    uint32_t column_count;
    const uint32_t *sort; /* as ov_build_schema */
    uint32_t sort_count;
    ov_gran segment_gran;
    ov_gran query_gran;           /* __time is cut to it */
    const ov_interval *intervals; /* rows outside are filtered; count 0: all are in */
    uint32_t interval_count;
    bool rollup;
    ov_slice extra_json;
    uint32_t max_rows_per_segment;  /* 0: OV_LOAD_SEGMENT_ROWS */
    uint64_t max_parse_exceptions;  /* UINT64_MAX: no limit */
    uint32_t max_saved_rejects;
    /* Rows of each time chunk come ordered by columns 1 .. range_columns, which are plain strings: full segments are cut
     * where these change, and the result says which range each covers. 0: no such order. */
    uint32_t range_columns;
    struct ovi_partitioner *partitioner; /* divides the rows of chunks; NULL: by number alone */
    bool survey; /* no builders: rows are only shown to the partitioner */
    bool pulled; /* no builders: splits are taken out again in their order (ovi_loader_pull) */
} ov_load_schema;

enum { OV_LOAD_SEGMENT_ROWS = 5000000 };

OV_CHECKED ov_status ov_loader_create(const ov_load_schema *schema, const ov_load_env *env,
                                      ov_loader **out, ov_error *err);
/* The next split in input order, empty. Waits while too many are under way. */
OV_CHECKED ov_status ov_loader_begin(ov_loader *l, ov_rows **rows, ov_error *err);
/* The split is full; `rows` belongs to the loader again. Any thread. Reports an earlier failure of any split. */
OV_CHECKED ov_status ov_loader_submit(ov_loader *l, ov_rows *rows, ov_error *err);
/* Rows that somebody else made, in the schema's columns (col[0] is __time): the selected rows of the batch, which is only
 * borrowed. Not beside splits, and by one thread at a time; it seals what is full before it returns.
 * Errors   also OV_INVALID for a row without a time. */
OV_CHECKED ov_status ov_loader_add(ov_loader *l, const ov_batch *batch, ov_error *err);
/* Seal what is open and collect the result. All splits must have been submitted. */
OV_CHECKED ov_status ov_loader_finish(ov_loader *l, ov_arena *out, ov_load_result *result, ov_error *err);
/* Removes the files unless finish succeeded. NULL is fine. */
void ov_loader_destroy(ov_loader *l);
