/*
 * A value beside its time: what Druid's first and last aggregators keep of many values.
 *
 *   image   time (i64) | 0 (u8) | value: i64, f32 or f64        a number
 *           time (i64) | 1 (u8)                                 a number that is NULL
 *           time (i64) | bytes (i32, -1: NULL) | UTF-8          text
 *
 * Little-endian, as Druid puts them between its processes; no bytes are no pair.
 */
#pragma once

#include "sketch/sketch.h"

typedef enum ov_pair_kind { OV_PAIR_LONG, OV_PAIR_FLOAT, OV_PAIR_DOUBLE, OV_PAIR_TEXT } ov_pair_kind;

typedef struct ov_pair {
    int64_t time;
    bool null; /* the value is */
    union {
        int64_t i;
        double f; /* a float's too */
        ov_slice s;
    };
} ov_pair;

/* Numbers that its table of functions goes by (ov_sketch_args): the first two are no members of any JSON. */
enum { OV_PAIR_LAST_PARAM, OV_PAIR_KIND_PARAM, OV_PAIR_BYTES_PARAM };

enum { OV_PAIR_DEFAULT_BYTES = 1024 }; /* that a text is cut to */

/* Trusts nothing; text is borrowed from the image. */
OV_CHECKED ov_status ov_pair_read(ov_slice image, ov_pair_kind kind, ov_pair *out, ov_error *err);
void ov_pair_write(const ov_pair *pair, ov_pair_kind kind, ov_buf *out);
/* {"lhs":time,"rhs":value}, as Druid shows it. */
void ov_pair_print(const ov_pair *pair, ov_pair_kind kind, ov_buf *out);
