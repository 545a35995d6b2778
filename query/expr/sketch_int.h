/* Private to query/expr: what functions over sketches share (fn_sketch.c). */
#pragma once

#include "query/expr/expr_int.h"
#include "sketch/sketch.h"

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
