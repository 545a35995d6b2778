/*
 * What a load does with every row, worked out once from the spec (and from the fields that discovery found): which
 * fields to pick up, where the time is, which column gets which field and how it is converted.
 *
 * Fields of a row are numbered: first the roots (top-level names of an object, columns of a table), then what is
 * derived from them (JSON paths), then what transforms make.
 *
 * Threads: read-only once built.
 */
#pragma once

#include "ingest/load/load.h"
#include "ingest/parse/discover.h"
#include "ingest/parse/jsonpath.h"
#include "ingest/parse/timestamp.h"
#include "ingest/parse/transform.h"

typedef enum ovi_op {
    OVI_OP_STRING, /* single or multi-value */
    OVI_OP_LONG,
    OVI_OP_DOUBLE,
    OVI_OP_FLOAT,
    OVI_OP_JSON,
    OVI_OP_ARRAY,
    OVI_OP_ONE, /* the count metric */
    OVI_OP_SKETCH,
    OVI_OP_TEXT, /* one text, cut to most_bytes */
    OVI_OP_TIME, /* a LONG: a number, or a time in text */
} ovi_op;

/* What becomes of the fields of a metric that is a sketch. */
typedef struct ovi_sketch_source {
    const ov_metric *metric;
    uint32_t *more; /* fields behind the target's own: the numbers of a tuple, the time of a value */
    uint32_t more_count;
} ovi_sketch_source;

typedef struct ovi_target {
    uint32_t col;
    uint32_t field;
    uint8_t op;          /* ovi_op */
    uint8_t multi_order; /* ov_multi_order */
    uint8_t elem;        /* ARRAY: ov_type_id of the elements */
    bool conditional;    /* rows whose field `when` is missing bring nothing */
    uint32_t when;
    uint32_t most_bytes; /* TEXT */
    const ovi_sketch_source *sketch;
    const ov_timestamp *times; /* TIME */
} ovi_target;

/* Behind the fields of a plan there are two that no input has: one is always missing, the other is the row's time, once somebody wants it. */
enum { OVI_MISSING_FIELD, OVI_TIME_FIELD, OVI_OWN_FIELDS };

typedef struct ovi_derived {
    ov_slice name;
    uint32_t root;
    ov_jsonpath path; /* the first step, the root's name, is done when it is evaluated */
} ovi_derived;

typedef struct ovi_plan {
    const ov_spec *spec;
    ov_slice *roots;
    uint32_t root_count;
    ovi_derived *derived;
    uint32_t derived_count;
    uint32_t field_count;
    int64_t time_field; /* -1: no field, only missingValue */
    ov_timestamp ts;
    ovi_target *targets;
    uint32_t target_count;
    bool wants_time;    /* metrics read the row's time: the last field of all */
    bool blank_is_null; /* delimited formats: an empty cell is no number */
    bool only_single;   /* EXTERN: several values for a plain string are an error; other misfits are NULL without a word */
    /* transformSpec; ops NULL when there is none */
    const ov_transform_ops *transform;
    void *transform_program;
    uint32_t *transform_in; /* field numbers of its inputs */
    uint32_t transform_in_count, transform_out_count, transform_first;
    /* A transform that reads __time gets the row's time in milliseconds: where it stands among the inputs, or -1; and
     * where that time comes from, which a transform named __time does not change. */
    int64_t transform_time, raw_time_field;
    ov_timestamp raw_ts;
    ov_load_schema schema;
} ovi_plan;

/* Rows of these columns, without a time (column 0 is the epoch for all): for EXTERN. The spec has only input and format. */
OV_CHECKED ov_status ovi_plan_columns(const ov_spec *spec, const ov_build_column *columns, uint32_t count,
                                      ov_arena *out, ovi_plan **plan, ov_error *err);
/* Fields must be discovered before a plan can be built. */
bool ovi_plan_needs_discovery(const ov_spec *spec);
/* The plan of the discovery pass: no columns, all fields of the spec. */
OV_CHECKED ov_status ovi_plan_discovery(const ov_spec *spec, const ov_load_env *env, ov_arena *out,
                                        ovi_plan **plan, ov_error *err);
/* found: what discovery saw, in order of first sight; none when the spec lists everything. */
OV_CHECKED ov_status ovi_plan_build(const ov_spec *spec, const ov_load_env *env,
                                    const ovi_found *found, uint32_t found_count, ov_arena *out,
                                    ovi_plan **plan, ov_error *err);
