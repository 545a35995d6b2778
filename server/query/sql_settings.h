/*
 * Keys of the context that say how a statement runs as a task. They are looked at when it is sent, so that what is misspelt is
 * refused then and not hours later, and read when it runs.
 *
 * Source: Druid's docs/multi-stage-query/reference.md, "SQL query context parameters".
 */
#pragma once

#include "base/json.h"
#include "query/query.h"

typedef enum ov_sql_arrays { OV_SQL_ARRAYS, OV_SQL_ARRAYS_AS_MULTI, OV_SQL_ARRAYS_REFUSED } ov_sql_arrays;

typedef struct ov_sql_settings {
    uint32_t rows_per_segment;
    uint64_t rows_per_page;
    ov_sql_arrays arrays;   /* arrayIngestMode */
    bool sort_by_time;      /* forceSegmentSortByTime */
    bool fail_on_empty;     /* failOnEmptyInsert */
    ov_slice sort_order;    /* segmentSortOrder: "a,b" or ["a","b"]; empty: none */
} ov_sql_settings;

/*
 * What SET in front of the statement says, else the request's context, else the default.
 *
 * context  NULL for none
 * out      NULL: only look whether all is right. Lives in `a`, or as long as the query and the context.
 * Errors   OV_INVALID: a key has a value that it cannot have, also where it changes nothing here.
 */
OV_CHECKED ov_status ov_sql_settings_read(const ov_query *q, const ov_json *context, ov_arena *a, ov_sql_settings *out,
                                          ov_error *err);
/* One key, as text; NULL, as JSON has it, says nothing. */
OV_CHECKED ov_status ov_sql_setting_text(const ov_query *q, const ov_json *context, const char *key, ov_arena *a, bool *found,
                                         ov_slice *text, ov_error *err);
