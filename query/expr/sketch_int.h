/* Private to query/expr: what functions over sketches share (fn_sketch.c). */
#pragma once

#include "query/expr/expr_int.h"
#include "sketch/kll.h"
#include "sketch/powers.h"
#include "sketch/quantiles.h"
#include "sketch/tdigest.h"

/* Argument i must be a sketch of this kind (or NULL). */
OV_CHECKED ov_status ovi_want_sketch(ovi_bind *b, uint32_t i, ov_complex_id kind, ov_error *err);
/* Argument i, when it is there, is a constant from `least` to `most`; otherwise *out stays. */
OV_CHECKED ov_status ovi_const_within(ovi_bind *b, uint32_t i, int64_t least, int64_t most, const char *what, int64_t *out,
                                      ov_error *err);
/* Arguments from `first` on, one at least, are sketches of this kind. */
OV_CHECKED ov_status ovi_want_sketches(ovi_bind *b, uint32_t first, ov_complex_id kind, ov_error *err);
/* (sketch): one value of that type. */
OV_CHECKED ov_status ovi_bind_of_sketch(ovi_bind *b, ov_complex_id kind, ov_sqltype result, ov_error *err);
/* (sketch [, deviations]): text of JSON; prepared is the number of deviations, an int64_t. */
OV_CHECKED ov_status ovi_bind_bounds_of(ovi_bind *b, ov_complex_id kind, ov_error *err);
void ovi_sketch_result(ovi_bind *b, ov_complex_id kind);
/* The result is text of JSON, as Druid prints what has no column type of its own. */
void ovi_json_text_result(ovi_bind *b);
/* Calls fn once a row that has a value; it appends the row's bytes to out. */
typedef ov_status (*ovi_sketch_row_fn)(ovi_call *c, uint32_t row, ov_arena *scratch, ov_buf *out, ov_error *err);
OV_CHECKED ov_status ovi_sketch_rows(ovi_call *c, ovi_sketch_row_fn fn, ov_vec *out, ov_error *err);
/* The same for numbers; they are whole when the call's type is LONG. */
typedef ov_status (*ovi_sketch_number_fn)(ovi_call *c, uint32_t row, ov_arena *scratch, double *out, ov_error *err);
OV_CHECKED ov_status ovi_sketch_numbers(ovi_call *c, ovi_sketch_number_fn fn, ov_vec *out, ov_error *err);
/* A number as JSON, NaN and infinities as text; a list of them. */
void ovi_add_number(double v, bool as_float, ov_buf *out);
void ovi_add_numbers(const double *v, uint32_t n, bool as_floats, ov_buf *out);

/* sketch_numbers.c: a sketch of numbers, of any make. */
typedef struct ovi_numbers {
    ov_complex_id make;
    union {
        ov_quantiles classic;
        ov_kll kll;
        ov_tdigest tdigest; /* settled */
        ov_powers powers;
    };
    ov_ranks ranks; /* of makes that keep items: classic, KLL */
    ov_powers_solved solved;
} ovi_numbers;

/* Argument 0 must be such a sketch (or NULL); ranks: of a make that keeps items. */
OV_CHECKED ov_status ovi_want_numbers(ovi_bind *b, bool ranks, ov_error *err);
/* Reads argument 0; everything in scratch. */
OV_CHECKED ov_status ovi_numbers_read(const ovi_call *c, uint32_t row, ov_arena *scratch, ovi_numbers *s, ov_error *err);
/* NaN when nothing is there. rank from 0 to 1. */
OV_CHECKED ov_status ovi_numbers_quantile(ovi_numbers *s, double rank, ov_arena *scratch, double *out, ov_error *err);
