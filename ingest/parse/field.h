/*
 * A value of a row as the reader of its format found it, before it becomes a column's value.
 *
 * Numbers stay literals: what becomes of them depends on the column (a long, a double, the text Druid would
 * print), and most columns of most rows are never asked for.
 *
 * Threads: plain values. Slices live until the reader moves to its next row.
 */
#pragma once

#include "base/arena.h"

typedef enum ov_field_kind {
    OV_FIELD_MISSING = 0, /* the row has no such field */
    OV_FIELD_NULL,
    OV_FIELD_TEXT,  /* text: decoded */
    OV_FIELD_INT,   /* text: -?digits, of any size */
    OV_FIELD_REAL,  /* text: a number with point or exponent */
    OV_FIELD_TRUE,
    OV_FIELD_FALSE,
    OV_FIELD_ARRAY,  /* text: JSON, checked */
    OV_FIELD_OBJECT, /* text: JSON, checked */
    OV_FIELD_LIST,   /* text: several values joined by the list delimiter of a delimited format */
} ov_field_kind;

typedef struct ov_field {
    uint8_t kind; /* ov_field_kind */
    ov_slice text;
} ov_field;

static inline bool ov_field_absent(const ov_field *f)
{
    return f->kind <= OV_FIELD_NULL;
}
