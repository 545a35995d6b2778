/*
 * Parsed rows on their way to the builders: one `ov_rows` holds the rows of one split of the input, column by
 * column, with a dictionary per string column, so that text is hashed once and travels on as codes.
 *
 * Fill it row by row: put the values that are there, in any order, then end the row. Columns not put are
 * NULL. What is not loaded is told too (reject, filter), so that read = loaded + rejected + filtered holds
 * for every split. Memory failures are sticky and come out when the split is submitted.
 *
 * Threads: one at a time per ov_rows. Bytes given are copied unless a comment says otherwise.
 */
#pragma once

#include "base/datetime.h"
#include "storage/vec.h"

typedef struct ov_rows ov_rows;

/* Why one row is not loaded, or was loaded with a value taken as NULL. */
typedef struct ov_reject {
    ov_slice file;   /* as the user named it; "inline" for text in the spec */
    uint64_t line;   /* of the file as decompressed, from 1; 0 when lines mean nothing */
    uint32_t column; /* character of that line, from 1; 0 when unknown */
    ov_slice field;  /* the field at fault, empty when the row as a whole is */
    ov_slice reason; /* what was expected and what was found */
    ov_slice value;  /* the text at fault, cut to OV_REJECT_VALUE_BYTES */
    ov_slice hint;   /* what to change, empty when nothing helps */
    bool loaded;     /* true: the row was loaded, this value as NULL */
    bool of_time;    /* it is the row's time that cannot be read */
} ov_reject;

enum { OV_REJECT_VALUE_BYTES = 400 };

/* Column numbers are those of ov_load_schema; 0 is __time. Each column at most once per row. */
void ov_rows_put_i64(ov_rows *r, uint32_t col, int64_t v);     /* LONG, also __time */
void ov_rows_put_str(ov_rows *r, uint32_t col, ov_slice text); /* STRING, COMPLEX: UTF-8, checked here; sketches: bytes */
/* Multi-value STRING and ARRAY<STRING>: items with p == NULL are NULL. An empty list of a multi-value string is NULL. */
void ov_rows_put_strs(ov_rows *r, uint32_t col, const ov_slice *items, uint32_t n);
/* ARRAY<LONG> and ARRAY<DOUBLE>; valid: one bit per item, NULL = all present. */
void ov_rows_put_i64s(ov_rows *r, uint32_t col, const int64_t *items, const uint64_t *valid, uint32_t n);
void ov_rows_put_f64s(ov_rows *r, uint32_t col, const double *items, const uint64_t *valid, uint32_t n);

/* The row is complete. __time must have been put. */
void ov_rows_end(ov_rows *r);
/* Forget what was put since the last end: the row is rejected (counted; sampled while there is room) ... */
void ov_rows_reject(ov_rows *r, const ov_reject *why);
/* ... or thrown away by a filter. */
void ov_rows_filter(ov_rows *r);
/* A value of the current row was taken as NULL because it could not be read as its column's type. */
void ov_rows_note(ov_rows *r, const ov_reject *why);

uint32_t ov_rows_count(const ov_rows *r); /* complete rows held */
size_t ov_rows_bytes(const ov_rows *r);   /* memory in use; submit at a few MiB */
