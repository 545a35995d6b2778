/*
 * Results that outlive their query: batches in a file, cut into pages, read back one page at a time.
 *
 *   "OVRESULT" version
 *   header: zone name, columns (name, type, SQL type)            length, checksum in front
 *   chunks: rows, then each column of them                       length, checksum in front
 *   index:  pages (rows, bytes, first chunk's place, chunks)     length, checksum in front
 *   place of the index                                           8 bytes at the end
 *
 * All numbers are little-endian. A chunk lies in one page. A column of a chunk is a word of validity per 64 rows and the
 * values of the rows that have one: 8 bytes a number, a length and bytes for text, and for lists the numbers of elements
 * followed by the elements as a column of their own.
 *
 * Threads: writer and reader are one thread's each.
 */
#pragma once

#include "base/file.h"
#include "query/exec/exec.h"

typedef struct ov_result_page {
    uint64_t rows, bytes; /* as they lie in the file */
    uint64_t at;
    uint32_t chunks;
} ov_result_page;

/* ---- writing ---- */
typedef struct ov_result_writer ov_result_writer;

/* The file appears under `path` when it is complete. rows_per_page >= 1; past max_bytes: OV_LIMIT. */
OV_CHECKED ov_status ov_result_writer_open(const char *path, const ov_field *fields, uint32_t count,
                                           const char *zone, uint64_t rows_per_page, uint64_t max_bytes,
                                           ov_result_writer **out, ov_error *err);
OV_CHECKED ov_status ov_result_writer_add(ov_result_writer *w, const ov_batch *batch, ov_error *err);
/* Synced and in its place; the pages live in `a`. */
OV_CHECKED ov_status ov_result_writer_finish(ov_result_writer *w, ov_arena *a, ov_result_page **pages,
                                             uint32_t *count, ov_error *err);
void ov_result_writer_close(ov_result_writer *w); /* removes what is not finished; NULL is fine */

/* ---- reading ---- */
typedef struct ov_result_file {
    ov_map map;
    ov_arena arena;
    const ov_field *fields;
    uint32_t field_count;
    ov_slice zone;
    const ov_result_page *pages;
    uint32_t page_count;
} ov_result_file;

/* Errors: OV_NOT_FOUND when it is not there, OV_CORRUPT. *out must be closed whatever comes out. */
OV_CHECKED ov_status ov_result_open(const char *path, ov_result_file *out, ov_error *err);
/* The batches of one page, in order. */
OV_CHECKED ov_status ov_result_read(const ov_result_file *f, uint32_t page, const ov_result_sink *sink,
                                    ov_error *err);
void ov_result_close(ov_result_file *f);
