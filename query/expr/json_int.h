/* What the JSON functions share: paths, arguments as JSON, and lists under construction. */
#pragma once

#include "query/expr/expr_int.h"
#include "query/expr/json_path.h"

/* What is prepared of a call with a path. */
typedef struct ovi_json_call {
    ovi_json_path path;
    ov_sqltype to; /* JSON_VALUE: of one value, or of the elements of a list */
    bool narrow;   /* FLOAT */
    const ov_tz *tz;
} ovi_json_call;

/* Argument i as COMPLEX<json>. */
ov_status ovi_want_json(ovi_bind *b, uint32_t i, ov_error *err);
/* A scalar as Druid prints it: strings without escapes, reals as Java does, truth as 1 and 0. Borrows v's text where it can. */
ov_status ovi_json_scalar_text(const ov_jsonr_value *v, ov_arena *out, ov_slice *text, ov_error *err);

/* A LIST vector row by row: rows in ascending order, those that are never opened are NULL. */
typedef struct ovi_list {
    ovi_call *c;
    ov_type elem;
    uint32_t *offsets;
    uint64_t *valid;
    uint32_t next_row, cap;
    ovi_result_lanes lanes; /* the elements so far; present unless cleared */
} ovi_list;
ov_status ovi_list_init(ovi_list *l, ovi_call *c, ov_type elem, ov_error *err);
void ovi_list_row(ovi_list *l, uint32_t row);
ov_status ovi_list_add(ovi_list *l, uint32_t *at, ov_error *err); /* room for one more element of the open row */
ov_status ovi_list_finish(ovi_list *l, ov_vec *out, ov_error *err);
