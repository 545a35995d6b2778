/*
 * Native column types: what is stored and computed on. SQL's wider set (TIMESTAMP, DATE, BOOLEAN,
 * ...) is a way to print and to check these and lives in query/sqltype.h.
 *
 *   id          in a vector            on disk                         Druid's name
 *   LONG        int64_t                narrow lanes over a base        LONG
 *   DOUBLE      double                 scaled integers or raw          DOUBLE
 *   FLOAT       double (see below)     the same, 4-byte raw            FLOAT
 *   STRING      UTF-8 slice            sorted dictionary + codes       STRING
 *   ARRAY       list of elem           dictionary of whole lists       ARRAY<...>
 *   COMPLEX     bytes, meaning by name dictionary or blocks            COMPLEX<name>
 *   NULL        nothing                nothing                         (an all-null column)
 *
 * FLOAT values are float-rounded where they are stored and cast; what is computed from them is rounded when it is
 * printed, as in Druid.
 *
 * A multi-value string is STRING with `multi` set: its vectors hold lists of strings, like
 * ARRAY<STRING>, but SQL treats it by Druid's multi-value rules. ARRAY with `multi` set is what a native
 * scan shows of numbers that are made of one: a list of one is that number.
 */
#pragma once

#include "base/slice.h"

typedef enum ov_type_id {
    OV_TYPE_NULL = 0,
    OV_TYPE_LONG = 1,
    OV_TYPE_DOUBLE = 2,
    OV_TYPE_FLOAT = 3,
    OV_TYPE_STRING = 4,
    OV_TYPE_ARRAY = 5,
    OV_TYPE_COMPLEX = 6,
} ov_type_id;

/* Names of complex types are interned small integers so that a type stays a plain value. */
typedef enum ov_complex_id {
    OV_COMPLEX_NONE = 0,
    OV_COMPLEX_JSON = 1,
    OV_COMPLEX_OTHER = 2,
    /* sketches: bytes in the format of Apache DataSketches or of Druid; on disk the numbers stay as they are */
    OV_COMPLEX_HLL = 3,
    OV_COMPLEX_THETA = 4,
    OV_COMPLEX_TUPLE = 5,
    OV_COMPLEX_QUANTILES = 6,
    OV_COMPLEX_KLL_DOUBLES = 7,
    OV_COMPLEX_KLL_FLOATS = 8,
    OV_COMPLEX_TDIGEST = 9,
    OV_COMPLEX_HYPER_UNIQUE = 10,
    OV_COMPLEX_APPROX_HISTOGRAM = 11,
    OV_COMPLEX_FIXED_HISTOGRAM = 12,
    OV_COMPLEX_BLOOM = 13,
    OV_COMPLEX_MOMENTS = 14,
    OV_COMPLEX_VARIANCE = 15,
    /* a value and its time, of first and last aggregators (sketch/pair.h) */
    OV_COMPLEX_LONG_PAIR = 16,
    OV_COMPLEX_FLOAT_PAIR = 17,
    OV_COMPLEX_DOUBLE_PAIR = 18,
    OV_COMPLEX_TEXT_PAIR = 19,
    OV_COMPLEX_COUNT,
} ov_complex_id;

typedef struct ov_type {
    uint8_t id;      /* ov_type_id */
    uint8_t elem;    /* ARRAY: ov_type_id of the elements */
    uint8_t multi;   /* STRING: may hold several values in a row; ARRAY: one is written bare */
    uint8_t complex; /* COMPLEX: ov_complex_id */
} ov_type;

#define OV_T(type_id) ((ov_type){.id = (type_id)})

static inline bool ov_type_eq(ov_type a, ov_type b)
{
    return a.id == b.id && a.elem == b.elem && a.multi == b.multi && a.complex == b.complex;
}

/* Values that lie in a vector as int64_t. */
static inline bool ov_type_is_int(ov_type t)
{
    return t.id == OV_TYPE_LONG;
}

/* Values that lie in a vector as double. */
static inline bool ov_type_is_real(ov_type t)
{
    return t.id == OV_TYPE_DOUBLE || t.id == OV_TYPE_FLOAT;
}

/* Values that lie in a vector as lists. */
static inline bool ov_type_is_list(ov_type t)
{
    return t.id == OV_TYPE_ARRAY || (t.id == OV_TYPE_STRING && t.multi);
}

#define OV_T_COMPLEX(kind) ((ov_type){.id = OV_TYPE_COMPLEX, .complex = (kind)})

/* Complex values that are bytes, not text: printed by ov_metric_print (storage/metric.h). */
static inline bool ov_type_is_sketch(ov_type t)
{
    return t.id == OV_TYPE_COMPLEX && t.complex >= OV_COMPLEX_HLL;
}

/* ... and those of them that are a value and its time. */
static inline bool ov_type_is_pair(ov_type t)
{
    return t.id == OV_TYPE_COMPLEX && t.complex >= OV_COMPLEX_LONG_PAIR && t.complex <= OV_COMPLEX_TEXT_PAIR;
}

/* "LONG", "ARRAY<STRING>", "COMPLEX<json>": Druid's native names. `buf` lends the bytes of composed
 * names and must hold 48. */
const char *ov_type_name(ov_type t, char *buf);
/* The reverse; false when the text names no type. */
bool ov_type_parse(ov_slice name, ov_type *out);

/* The type that holds the values of both, where segments differ about a column: STRING tells any plain value, different numbers
 * are DOUBLE, JSON tells everything, an array what its elements and the other side do. Types that none unites: the newer. */
ov_type ov_type_wider(ov_type older, ov_type newer);
