/*
 * Private to encode.c (results) and encode_cell.c (single values).
 */
#pragma once

#include "server/encode.h"

static inline bool ovi_is_csv(const ov_encode_options *o)
{
    return o->format == OV_FORMAT_CSV;
}

static inline bool ovi_is_object(const ov_encode_options *o)
{
    return o->format == OV_FORMAT_OBJECT || o->format == OV_FORMAT_OBJECT_LINES;
}

static inline bool ovi_is_lines(const ov_encode_options *o)
{
    return o->format == OV_FORMAT_OBJECT_LINES || o->format == OV_FORMAT_ARRAY_LINES;
}

/* The value at `row`; plain: without quotes, NULL as nothing. */
void ovi_add_cell(const ov_encode_options *o, const ov_field *f, const ov_vec *v, uint32_t row,
                  bool plain, ov_buf *out);
/* A CSV field, quoted when it must be. */
void ovi_add_csv_text(ov_buf *out, ov_slice s);
