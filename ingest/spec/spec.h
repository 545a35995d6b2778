/*
 * Druid's batch ingestion spec (`index_parallel`, `index`) as a validated struct.
 *
 * Unknown fields are tolerated where Druid tolerates them; a field of the wrong type or a value that makes no
 * sense is refused with its JSON path, what was expected and what was found. What Druid has and Ovate has
 * not yet is OV_UNSUPPORTED and names the field.
 *
 * Source: Druid's docs/ingestion/{ingestion-spec,native-batch,input-sources,data-formats}.md.
 */
#pragma once

#include "base/arena.h"
#include "base/period.h"
#include "storage/catalog/keys.h"
#include "storage/catalog/shard.h"
#include "storage/metric.h"
#include "storage/types.h"

/* ---- timestampSpec ---- */
typedef struct ov_timestamp_spec {
    ov_slice column; /* "timestamp" */
    ov_slice format; /* "auto", "iso", "posix", "millis", "micro", "nano", "ruby" or a Joda pattern */
    bool has_missing;
    int64_t missing_ms; /* for rows without the column */
    bool guessed; /* nobody said which unit numbers have: years beyond 0 to 9999 are more likely another unit than a time */
} ov_timestamp_spec;

/* ---- dimensionsSpec ---- */
typedef enum ov_multi_order {
    OV_MULTI_SORTED_ARRAY, /* Druid's default */
    OV_MULTI_SORTED_SET,
    OV_MULTI_ARRAY,
} ov_multi_order;

typedef struct ov_dimension_spec {
    ov_slice name;
    ov_type type; /* NULL: `auto`, settled by looking at all rows */
    uint8_t multi_order; /* ov_multi_order, strings */
    bool bitmap;
    bool has_cast; /* auto with castToType: type is already the result */
} ov_dimension_spec;

typedef struct ov_dimensions_spec {
    ov_dimension_spec *list;
    uint32_t count;
    ov_slice *exclusions;
    uint32_t exclusion_count;
    bool include_all;      /* discover fields beyond the list */
    bool schema_discovery; /* ... with their types; else as strings */
    bool sort_by_time;     /* forceSegmentSortByTime */
} ov_dimensions_spec;

/* ---- metricsSpec ---- */
typedef struct ov_metric_spec {
    ov_slice name;
    ov_slice field; /* empty for count */
    ov_type type;
    uint8_t fold; /* ov_fold */
    bool is_count;
    const ov_metric *metric; /* a sketch; NULL: a number */
    ov_slice *more;          /* fields of the numbers that a tuple sketch keeps with each value; of the time of a first or last one */
    uint32_t more_count;
    bool made;      /* `field` is one of made_json */
    ov_slice when;  /* the field of made_json that says which rows count; empty: all do */
    ov_slice time_format; /* of times in text; empty: the values are no times */
    uint32_t most_bytes;  /* that a text is cut to */
} ov_metric_spec;

/* ---- granularitySpec ---- */
typedef struct ov_granularity_spec {
    ov_gran segment, query;
    ov_slice segment_json, query_json; /* as posted, for reports and segment metadata */
    bool rollup;
    ov_interval *intervals; /* condensed */
    uint32_t interval_count;
} ov_granularity_spec;

/* ---- ioConfig ---- */
typedef enum ov_input_kind {
    OV_INPUT_INLINE,
    OV_INPUT_LOCAL,
    OV_INPUT_HTTP,
} ov_input_kind;

typedef struct ov_input_spec {
    ov_input_kind kind;
    ov_slice data;     /* inline */
    ov_slice base_dir; /* local */
    ov_slice filter;   /* local: glob on the file name */
    ov_slice *names;   /* local: files; http: uris */
    uint32_t name_count;
    ov_slice user, password; /* http basic authentication, never printed */
    ov_slice *header_names, *header_values;
    uint32_t header_count;
} ov_input_spec;

typedef enum ov_format_kind {
    OV_INPUT_FORMAT_JSON,
    OV_INPUT_FORMAT_CSV,
    OV_INPUT_FORMAT_TSV,
    OV_INPUT_FORMAT_PARQUET,
} ov_format_kind;

typedef enum ov_flatten_kind {
    OV_FLATTEN_ROOT,
    OV_FLATTEN_PATH,
} ov_flatten_kind;

typedef struct ov_flatten_field {
    ov_flatten_kind kind;
    ov_slice name;
    ov_slice expr; /* root: field name; path: JSONPath */
} ov_flatten_field;

typedef struct ov_format_spec {
    ov_format_kind kind;
    /* json; parquet, but for the last */
    bool discover_fields; /* useFieldDiscovery */
    ov_flatten_field *fields;
    uint32_t field_count;
    bool keep_null_columns;
    bool newline_delimited; /* assumeNewlineDelimited */
    bool binary_as_string; /* parquet: bytes that are not said to be text are */
    /* csv, tsv */
    ov_slice *columns;
    uint32_t column_count;
    bool header; /* findColumnsFromHeader */
    uint32_t skip_rows;
    ov_slice delimiter; /* one byte or more */
    ov_slice list_delimiter;
    bool parse_numbers;
} ov_format_spec;

/* Rows have names of their own, and values inside values. */
static inline bool ov_format_nests(const ov_format_spec *f)
{
    return f->kind == OV_INPUT_FORMAT_JSON || f->kind == OV_INPUT_FORMAT_PARQUET;
}

typedef struct ov_spec {
    ov_slice task_type; /* "index_parallel" or "index" */
    ov_slice id, group_id; /* empty when not given */
    ov_slice context_json; /* "{}" when not given */
    ov_slice datasource;
    ov_timestamp_spec timestamp;
    ov_dimensions_spec dimensions;
    ov_metric_spec *metrics;
    uint32_t metric_count;
    ov_slice metrics_json; /* as posted */
    ov_granularity_spec granularity;
    ov_key_spec keys; /* keySpec (ours): what makes rows one; count 0: nothing */
    ov_slice transform_json; /* empty when there is no transform and no filter */
    /* Fields that metrics need made of a row: [{"name":...,"expression":...} or {"name":...,"filter":...}]; empty: none. A condition's field is 1 or
     * missing. They see what transforms made. */
    ov_slice made_json;
    ov_input_spec input;
    ov_format_spec format;
    bool append, drop; /* appendToExisting, dropExisting */
    /* tuningConfig */
    uint8_t partitions; /* ov_shard_kind: how rows of a time chunk are divided; NUMBERED for dynamic */
    ov_slice *partition_dimensions;
    uint32_t partition_count;
    uint32_t num_shards; /* hashed; 0: by max_rows_per_segment */
    uint32_t max_rows_per_segment;
    uint64_t max_bytes_in_memory; /* of open segments, which are sealed early when they pass it; 0: the default */
    uint64_t max_parse_exceptions; /* UINT64_MAX: no limit */
    uint32_t max_saved_parse_exceptions;
    bool log_parse_exceptions, report_parse_exceptions;
} ov_spec;

/* Only where the bytes are and how rows lie in them: the texts of an inputSource and an inputFormat. Errors name the path
 * inside of these. */
OV_CHECKED ov_status ov_spec_parse_input(ov_slice source, ov_slice format, ov_arena *out, ov_spec **spec,
                                         ov_error *err);

/* text: a task ({"type", "spec": {...}}). Everything lives in `out`.
 * Errors: OV_INVALID (err->pos for broken JSON), OV_UNSUPPORTED; the sentence starts with the JSON path. */
OV_CHECKED ov_status ov_spec_parse(ov_slice text, ov_arena *out, ov_spec **spec, ov_error *err);

struct ov_json;
/* The paths of a task's members that neither Druid nor we know, joined by commas; empty when there are none. */
OV_CHECKED ov_status ov_spec_ignored(const struct ov_json *task, ov_arena *out, ov_slice *names, ov_error *err);
/* Passwords and headers of inputs that stand in a task's document become OV_SPEC_HIDDEN, after it was read and before it is kept;
 * true: there were some. */
#define OV_SPEC_HIDDEN OV_SLICE_LIT("***")
bool ov_spec_hide_secrets(struct ov_json *doc);
