/*
 * Compaction: time chunks of a datasource written anew, as Druid's `compact` task does.
 *
 *   {"type": "compact", "dataSource",
 *    "ioConfig": {"inputSpec": {"type": "interval", "interval"} | {"type": "segments", "segments": [ids]},
 *                 "allowNonAlignedInterval": false},
 *    "granularitySpec": {"segmentGranularity", "queryGranularity", "rollup"}, "dimensionsSpec", "metricsSpec",
 *    "transformSpec": {"filter"}, "tuningConfig": {"partitionsSpec", ...}}
 *
 * transformSpec has a filter and nothing else, as in Druid; metrics that are sketches may be made of columns that are none. What is left out stays as it is: without segmentGranularity each time chunk keeps its interval, without dimensionsSpec and
 * metricsSpec all columns stay; rows are rolled up when all of them were, or when rollup says so.
 *
 * No lock is held. The commit sees whether what was read still answers (ov_commit.inputs); rows appended meanwhile move along,
 * and when segments were replaced or dropped meanwhile the task reads again.
 */
#pragma once

#include "base/json.h"
#include "ingest/load/merge.h"

typedef struct ovi_compact_plan {
    ov_slice datasource;
    ov_interval interval;
    const ov_slice *ids; /* NULL: what answers in the interval */
    uint32_t id_count;
    bool non_aligned;
    bool has_segment_gran, has_query_gran, has_rollup, has_metrics;
    const ov_json *doc;
    ov_spec *spec;  /* with the metrics given, or none */
    ov_slice state; /* ovi_compact_state */
} ovi_compact_plan;

/* Check a document; everything lives in `out`, the document too. */
OV_CHECKED ov_status ovi_compact_read(const ov_json *doc, const ov_transform_ops *transforms, ov_arena *out,
                                      ovi_compact_plan *plan, ov_error *err);
/* The spec of rows that were made with these metrics (a metricsSpec as text), where the document names none. */
OV_CHECKED ov_status ovi_compact_spec(const ovi_compact_plan *plan, ov_slice metrics, ov_arena *out, ov_spec **spec, ov_error *err);
/* What the document makes of a time chunk, in one form, to compare: {"granularitySpec", "dimensionsSpec", ...}. */
void ovi_compact_state(const ov_json *doc, ov_buf *out);

/* Records (ov_record) of kind OVI_COMPACTION_KIND say what a task made of its chunks: key is the task's id, the value the state. */
#define OVI_COMPACTION_KIND "compaction"

/* ---- compact_inputs.c ---- */
/* Inputs that become time chunks together. */
typedef struct ovi_compact_group {
    ov_interval span; /* of its chunks; where the granularity is given, of all inputs */
    uint32_t first, count;
} ovi_compact_group;

typedef struct ovi_compact_inputs {
    ov_snapshot *snapshot;
    const ov_segment_entry **entries; /* as ov_commit wants them */
    ovi_merge_input *inputs;
    uint32_t count, opened;
    ovi_compact_group *groups;
    uint32_t group_count;
    uint64_t rows, bytes;
} ovi_compact_inputs;

/* What answers now, open. OV_NOT_FOUND: nothing does; OV_INVALID: segments reach out of the interval, or ids that do not answer. */
OV_CHECKED ov_status ovi_compact_open(ov_catalog *catalog, const ovi_compact_plan *plan, ov_arena *out, ovi_compact_inputs *in,
                                      ov_error *err);
void ovi_compact_close(ovi_compact_inputs *in);
/* The metrics that the inputs of a group were made with, as a metricsSpec. */
OV_CHECKED ov_status ovi_compact_metrics(const ovi_compact_inputs *in, const ovi_compact_group *g, ov_arena *out, ov_slice *json,
                                         ov_error *err);
/* Were all of its rows folded, and is known how? */
bool ovi_compact_folded(const ovi_compact_inputs *in, const ovi_compact_group *g, const ov_spec *spec);
