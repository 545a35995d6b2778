/*
 * Result writers: batches in, bytes of one of Druid's five result formats out.
 *
 * Writers take vectors, not values: the text of a DICT entry, a RUN or a CONST is made once and then copied.
 * Framing and value forms are those of Druid's SQL API (docs/druid-compat.md): no white space between tokens,
 * a final line feed, timestamps with three fraction digits in the query's zone, doubles in Java's form.
 *
 * Threads: one at a time per encoder.
 */
#pragma once

#include "base/tz.h"
#include "query/plan/plan.h"

typedef enum ov_result_format {
    OV_FORMAT_OBJECT,
    OV_FORMAT_ARRAY,
    OV_FORMAT_OBJECT_LINES,
    OV_FORMAT_ARRAY_LINES,
    OV_FORMAT_CSV,
} ov_result_format;

typedef struct ov_encode_options {
    ov_result_format format;
    bool header, types_header, sql_types_header;
    bool stringify_arrays; /* arrays as text holding JSON, as Druid does by default */
    bool lists;            /* multi-value strings as lists, as in native answers */
    const ov_tz *tz;       /* timestamps print in it; NULL = UTC */
    ov_budget *budget;     /* pays for columns and kept texts; outlives the encoder; NULL: nobody */
    /* Takes what is there when it has so many bytes, in the midst of a batch: long rows are not all text at once. NULL:
     * nobody does. */
    ov_status (*full)(void *self, ov_error *err);
    void *full_self;
    size_t full_bytes;
} ov_encode_options;

typedef struct ov_encoder ov_encoder;

bool ov_result_format_find(ov_slice name, ov_result_format *out); /* any case */
const char *ov_result_format_name(ov_result_format format);

OV_CHECKED ov_status ov_encoder_create(const ov_encode_options *options, const ov_field *fields,
                                       uint32_t count, ov_encoder **out, ov_error *err);
/* Opening bracket and header records. */
void ov_encode_begin(ov_encoder *e, ov_buf *out);
OV_CHECKED ov_status ov_encode_rows(ov_encoder *e, const ov_batch *batch, ov_buf *out,
                                    ov_error *err);
void ov_encode_end(ov_encoder *e, ov_buf *out);
void ov_encoder_destroy(ov_encoder *e); /* NULL is fine */

/* One value as the JSON of the array format (text: without quotes), for the shell's tables. */
OV_CHECKED ov_status ov_encode_cell(const ov_encode_options *options, const ov_field *field,
                                    const ov_vec *v, uint32_t row, bool as_text, ov_buf *out,
                                    ov_error *err);

/* A cell of CSV: quoted where the text holds a comma, a quote or a line break. */
void ov_encode_csv_text(ov_buf *out, ov_slice s);
