/*
 * Rows of a Parquet file as fields, a stretch of a row group at a time. Plain columns become plain fields; lists, maps and
 * structs become JSON text, so that flattenSpec and ARRAY and JSON columns see what they see of JSON input:
 *
 *   optional group xs (LIST) { repeated group list { optional int32 element } }   [1,null,3]
 *   optional group m (MAP) { repeated group key_value { key, value } }             {"k":"v"}
 *   times                                                                          milliseconds since 1970
 *   bytes that are no text                                                         Base64, or text when asked for
 *
 * Threads: one at a time per reader; files are shared.
 */
#pragma once

#include "ingest/parse/field.h"
#include "ingest/parse/parquet/leaf.h"

typedef struct ovi_pq_rows ovi_pq_rows;

/* Top-level columns of the file. */
uint32_t ovi_pq_columns(const ovi_pq_file *f);
ov_slice ovi_pq_column_name(const ovi_pq_file *f, uint32_t i);

/* Rows [first, first + count) of a group; columns whose `wanted` is false are not read. The file must outlive the reader. */
OV_CHECKED ov_status ovi_pq_rows_open(const ovi_pq_file *f, uint32_t group, uint64_t first, uint64_t count, const bool *wanted,
                                      bool bytes_are_text, ovi_pq_rows **out, ov_error *err);
void ovi_pq_rows_close(ovi_pq_rows *r); /* NULL is fine */
/* One field a top-level column (MISSING where it was not wanted); what is made for them comes from `scratch`, the rest lives
 * until the next call. *more false: there are no more rows. */
OV_CHECKED ov_status ovi_pq_rows_next(ovi_pq_rows *r, ov_arena *scratch, ov_field *fields, bool *more, ov_error *err);
