/*
 * Answers of native queries: batches of the query's plan in, the JSON of its type out, as Druid writes it: buckets with
 * their times, rows as objects or lists, buckets without rows where Druid shows them.
 *
 * Threads: one at a time per writer.
 */
#pragma once

#include "query/query.h"
#include "server/query/encode.h"

typedef struct ov_native_out ov_native_out;

/* Where the bytes go: `sheet` fills up, `flush` is called when there is enough of it and empties it. */
typedef struct ov_native_sink {
    ov_buf *sheet;
    ov_status (*flush)(void *self, ov_error *err);
    void *self;
    bool *elements; /* the answer's elements go into a list around it, which has some already or not; NULL: a list of its own */
} ov_native_sink;

OV_CHECKED ov_status ov_native_out_create(const ov_native_query *query, const ov_native_sink *sink, ov_native_out **out,
                                          ov_error *err);
/* The row that buckets without rows show, and grandTotal's row; batches of the plans `empty` and `total`. */
OV_CHECKED ov_status ov_native_out_empty(ov_native_out *w, const ov_batch *batch, ov_error *err);
OV_CHECKED ov_status ov_native_out_total(ov_native_out *w, const ov_batch *batch, ov_error *err);
/* Rows of the plan, in its order. */
OV_CHECKED ov_status ov_native_out_rows(ov_native_out *w, const ov_batch *batch, ov_error *err);
/* An answer that is a finished text. */
void ov_native_out_text(const ov_native_sink *sink, ov_slice text);
/* What is still owed, and the closing bracket; also the opening one when there were no rows. */
OV_CHECKED ov_status ov_native_out_end(ov_native_out *w, ov_error *err);
void ov_native_out_destroy(ov_native_out *w); /* NULL is fine */

/* ---- native_pretty.c: ?pretty ---- */
typedef struct ov_pretty {
    uint32_t depth; /* of objects */
    bool in_text, escaped, opened; /* opened: the last byte that counted opened a list or an object */
    char open;
    char kinds[256]; /* what is open: [ or { */
    uint32_t levels;
} ov_pretty;
/* JSON without white space, piece by piece, with Jackson's. */
void ov_pretty_add(ov_pretty *p, ov_slice json, ov_buf *out);
