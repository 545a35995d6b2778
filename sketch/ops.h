/*
 * Sketches behind one table of functions: how a state takes in values, images and its like, and how it becomes an image.
 *
 * For all who keep states without caring which sketch it is: roll-up at ingestion (storage/build/build_fold.c) and aggregates (query/agg). A
 * state is a head of head_bytes, all zero while nothing came, which is a sketch without values; blocks behind it come from the owner's
 * ov_sketch_mem. Sizes and words that a sketch is made with are numbers in the order of `params`, the same for all states that meet.
 */
#pragma once

#include "sketch/sketch.h"

enum { OV_SKETCH_MOST_PARAMS = 6 };

/* One number that a sketch is made with: a member of Druid's JSON, a constant of the SQL function. */
typedef struct ov_sketch_param {
    const char *name; /* NULL: whoever makes the sketch sets it */
    double least, most, dflt;
    const char *const *words; /* NULL at the end: the number of one of these, in any case; else NULL */
    bool whole;               /* a whole number */
    bool needed;              /* there is no default */
} ov_sketch_param;

typedef struct ov_sketch_args {
    double at[OV_SKETCH_MOST_PARAMS];
} ov_sketch_args;

/* FLOAT: a column of single floats, which only bloom filters tell apart. */
typedef enum ov_sketch_value_kind { OV_SKETCH_INT, OV_SKETCH_REAL, OV_SKETCH_FLOAT, OV_SKETCH_TEXT } ov_sketch_value_kind;

typedef struct ov_sketch_value {
    uint8_t kind; /* ov_sketch_value_kind */
    union {
        int64_t i;
        double f;
        ov_slice s;
    };
} ov_sketch_value;

/* What a sketch is fed. */
typedef enum ov_sketch_takes {
    OV_SKETCH_OF_ANY,     /* any value; each value of a list by itself */
    OV_SKETCH_OF_TEXTS,   /* the same, numbers by their text */
    OV_SKETCH_OF_NUMBERS, /* a number */
    OV_SKETCH_OF_TUPLES,  /* any value and numbers beside it */
    OV_SKETCH_OF_TIMED,   /* a value of the sketch's own type, its time in front of it */
} ov_sketch_takes;

typedef struct ov_sketch_ops {
    const char *name;
    uint32_t head_bytes;
    uint8_t takes; /* ov_sketch_takes */
    const ov_sketch_param *params;
    uint32_t param_count;
    /* Do the numbers fit together? NULL: each by itself says all. */
    ov_status (*check)(const ov_sketch_args *p, ov_error *err);
    /* The values of one row: one, or for tuples the key and its numbers, or the time and what it has. n 0: a row without a value, where that counts. */
    ov_status (*add)(void *head, const ov_sketch_args *p, const ov_sketch_value *v, uint32_t n, const ov_sketch_mem *mem,
                     ov_error *err);
    /* Takes in an image, trusting nothing; what is read of it may lie in scratch. several: it stands for equal ones. */
    ov_status (*put)(void *head, const ov_sketch_args *p, ov_slice image, bool several, const ov_sketch_mem *mem,
                     ov_arena *scratch, ov_error *err);
    /* Takes in another state of the same numbers, which is not zeroed. */
    ov_status (*merge)(void *head, const ov_sketch_args *p, const void *from, const ov_sketch_mem *mem, ov_error *err);
    /* Appends the image. result: the one to keep; else the one that loses least when it is put into a state again. */
    ov_status (*write)(const void *head, const ov_sketch_args *p, bool result, ov_arena *scratch, ov_buf *out, ov_error *err);
    /* Appends an image as JSON; out fails when it is none. NULL: it shows as Base64. */
    void (*print)(ov_slice image, ov_buf *out);
} ov_sketch_ops;

enum { OV_HLL_TEXT_PARAM = 2 }; /* of ov_hll_ops: text is hashed as UTF-16 (0), as Druid does unless told, or as UTF-8 (1) */

extern const ov_sketch_ops ov_hll_ops, ov_theta_ops, ov_quantiles_ops;                                   /* ops.c */
extern const ov_sketch_ops ov_kll_doubles_ops, ov_kll_floats_ops, ov_powers_ops, ov_tdigest_ops;         /* ops_numbers.c */
extern const ov_sketch_ops ov_hyper_ops, ov_bloom_ops, ov_histogram_ops, ov_buckets_ops, ov_moments_ops; /* ops_druid.c */
extern const ov_sketch_ops ov_tuple_ops;                                                                 /* ops_tuple.c */
extern const ov_sketch_ops ov_long_pair_ops, ov_float_pair_ops, ov_double_pair_ops, ov_text_pair_ops;     /* pair.c */

void ov_sketch_defaults(const ov_sketch_ops *ops, ov_sketch_args *out);
/* Has anything come? */
bool ov_sketch_is_begun(const ov_sketch_ops *ops, const void *head);
/* The hash of a value as DataSketches takes it, text in UTF-16 or UTF-8; false: empty text, which is no value. */
bool ov_sketch_hash(const ov_sketch_value *v, bool utf16, ov_hash128 *out);
/* The hash of a value as bloom filters take it. */
uint64_t ov_sketch_bloom_hash(const ov_sketch_value *v);
/* A number of any kind; false: text. */
bool ov_sketch_number(const ov_sketch_value *v, double *out);
