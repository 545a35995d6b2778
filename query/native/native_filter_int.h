/* What the files of filters share: the filter being bound, and the pieces conditions are made of. */
#pragma once

#include "query/native/native_plan_int.h"

typedef struct ovi_filter_binder {
    ovi_nbind b;
    ov_error *err;
} ovi_filter_binder;

/* A function of the table; a failure names the JSON path of `at`. */
OV_CHECKED ov_status ovi_filter_apply(ovi_filter_binder *f, const ov_json *at, const char *name, const ov_expr **args, uint32_t argc, const ov_expr **out);
OV_CHECKED ov_status ovi_filter_apply2(ovi_filter_binder *f, const ov_json *at, const char *name, const ov_expr *a, const ov_expr *b, const ov_expr **out);
OV_CHECKED ov_status ovi_filter_truth(ovi_filter_binder *f, bool value, const ov_expr **out);
OV_CHECKED ov_status ovi_filter_text(ovi_filter_binder *f, ov_slice s, const ov_expr **out);
/* Any column, lists and nested ones too: by its name, and the one that member `key` names. */
OV_CHECKED ov_status ovi_filter_named(ovi_filter_binder *f, ov_slice name, const ov_expr **out);
OV_CHECKED ov_status ovi_filter_any_column(ovi_filter_binder *f, const ov_json *json, const char *key, const ov_expr **out);
/* The column that member `key` names, as a value; its extraction function done. */
OV_CHECKED ov_status ovi_filter_column(ovi_filter_binder *f, const ov_json *json, const char *key, const ov_expr **out);
bool ovi_filter_is_number(const ov_expr *e);
/* A text as a value of the column's kind; *out NULL when the column holds numbers and this is none. */
OV_CHECKED ov_status ovi_filter_value_like(ovi_filter_binder *f, const ov_expr *col, ov_slice s, const ov_expr **out);
/* A value as JSON has it, for the newer filters with matchValueType. */
/* The member that says of what type a filter's values are. */
OV_CHECKED ov_status ovi_filter_match_type(ovi_filter_binder *f, const ov_json *json, const char *key, ov_slice *out);
OV_CHECKED ov_status ovi_filter_match_value(ovi_filter_binder *f, const ov_json *v, ov_slice type, const ov_expr **out);
/* A number column and a text that is no number: nothing, but NULL stays unknown. */
OV_CHECKED ov_status ovi_filter_nothing(ovi_filter_binder *f, const ov_json *json, const ov_expr *col, const ov_expr **out);

/* The row has no value in the column that `key` names, or the extraction function makes none of it. */
OV_CHECKED ov_status ovi_filter_is_null(ovi_filter_binder *f, const ov_json *json, const char *key, const ov_expr **out);

/* native_filter_nested.c */
/* What filters of plain values see of `col`, which `at` names: a JSON value that is no object and no array is its text, other sketches and
 * objects are unknown. Arrays are refused. */
OV_CHECKED ov_status ovi_filter_plain(ovi_filter_binder *f, const ov_json *at, const ov_expr *col, const ov_expr **out);
/* The test of some text of a row, where a row may have several; of the value itself otherwise. */
typedef ov_status (*ovi_filter_test)(ovi_filter_binder *f, const ov_json *json, const ov_expr *x, const ov_expr **out);
OV_CHECKED ov_status ovi_filter_each(ovi_filter_binder *f, const ov_json *json, const ov_expr *col, ovi_filter_test test, const ov_expr **out);
/* The column is equal to a value of that type. */
OV_CHECKED ov_status ovi_filter_equal(ovi_filter_binder *f, const ov_json *json, const ov_expr *col, const ov_json *match, ov_slice type,
                                      const ov_expr **out);
OV_CHECKED ov_status ovi_filter_contains(ovi_filter_binder *f, const ov_json *json, const ov_expr **out);
OV_CHECKED ov_status ovi_filter_same(ovi_filter_binder *f, const ov_json *json, const ov_expr **out);
bool ovi_filter_is_array_type(ov_slice type);
bool ovi_filter_is_json(const ov_expr *e);

/* native_filter_range.c */
OV_CHECKED ov_status ovi_filter_bound(ovi_filter_binder *f, const ov_json *json, const ov_expr **out);
OV_CHECKED ov_status ovi_filter_range(ovi_filter_binder *f, const ov_json *json, const ov_expr **out);
OV_CHECKED ov_status ovi_filter_interval(ovi_filter_binder *f, const ov_json *json, const ov_expr **out);

/* native_filter_text.c */
OV_CHECKED ov_status ovi_filter_like(ovi_filter_binder *f, const ov_json *json, const ov_expr **out);
/* Of the column's own type: numbers and their texts are different values. */
OV_CHECKED ov_status ovi_filter_bloom(ovi_filter_binder *f, const ov_json *json, const ov_expr **out);
OV_CHECKED ov_status ovi_filter_regex(ovi_filter_binder *f, const ov_json *json, const ov_expr **out);
OV_CHECKED ov_status ovi_filter_search(ovi_filter_binder *f, const ov_json *json, const ov_expr **out);
/* A column as a text. */
OV_CHECKED ov_status ovi_filter_text_column(ovi_filter_binder *f, const ov_json *json, const ov_expr **out);

/* native_filter_spatial.c */
OV_CHECKED ov_status ovi_filter_spatial(ovi_filter_binder *f, const ov_json *json, const ov_expr **out);
