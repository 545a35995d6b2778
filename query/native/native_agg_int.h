/* What the files of aggregators share: the aggregator being bound, and a row of their table. */
#pragma once

#include "query/native/native_plan_int.h"

/* What the parts of one aggregator add up to while `filtered` ones are opened. */
typedef struct ovi_nagg_binder {
    ovi_nscope *s;
    ovi_naggs *aggs;
    ovi_nagg *agg;         /* being bound */
    bool finalize;
    const ov_expr *filter; /* of the `filtered` ones around it */
    ov_error *err;
} ovi_nagg_binder;

typedef struct ovi_nagg_kind {
    const char *name;
    ov_status (*bind)(ovi_nagg_binder *b, const struct ovi_nagg_kind *k, const ov_json *json);
    const char *fn; /* of query/agg */
    ov_sqltype sql; /* of argument and result */
} ovi_nagg_kind;

/* Room for one more call. */
OV_CHECKED ov_status ovi_nagg_room(ovi_nagg_binder *b, ov_agg_call **out);
/* One more call of an aggregate function. */
OV_CHECKED ov_status ovi_nagg_call(ovi_nagg_binder *b, const ov_json *json, const char *fn, const ov_expr **args, uint32_t argc,
                                   bool distinct, uint32_t *index);
/* The value of `fieldName` or `expression` as that type. */
OV_CHECKED ov_status ovi_nagg_argument(ovi_nagg_binder *b, const ov_json *json, ov_sqltype sql, const ov_expr **out);

/* ---- native_agg_sketch.c ---- */
OV_CHECKED ov_status ovi_nagg_cardinality(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json);
OV_CHECKED ov_status ovi_nagg_distinct(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json);
OV_CHECKED ov_status ovi_nagg_hyper_unique(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json);
OV_CHECKED ov_status ovi_nagg_sketch(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json);
OV_CHECKED ov_status ovi_nagg_sketch_merge(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json);
OV_CHECKED ov_status ovi_nagg_by_table(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json);
OV_CHECKED ov_status ovi_nagg_variance(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json);
/* ---- native_agg_list.c ---- */
/* What all values of a row's list come to, as k's aggregate takes one after the other. */
OV_CHECKED ov_status ovi_nagg_each(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json, const ov_expr **x);
/* The mean of all values of all rows' lists. */
OV_CHECKED ov_status ovi_nagg_mean(ovi_nagg_binder *b, const ov_json *json, const ov_expr *x);
/* A list's only element; NULL where there are none or several. */
OV_CHECKED ov_status ovi_nagg_only(ovi_nagg_binder *b, const ov_json *json, ov_sqltype sql, const ov_expr **x);
/* A JSON value that is no object and no list, as that type; other complex values are no number and no text. */
OV_CHECKED ov_status ovi_nagg_plain(ovi_nagg_binder *b, const ov_json *json, ov_sqltype sql, const ov_expr **x);
/* ---- native_agg_made.c ---- */
OV_CHECKED ov_status ovi_nagg_histogram(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json);
OV_CHECKED ov_status ovi_nagg_single(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json);
OV_CHECKED ov_status ovi_nagg_time(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json);
/* What a first or last value is before it is finished: two calls, the value and its time, as an object. */
OV_CHECKED ov_status ovi_nagg_pair(ovi_nplanner *p, const ovi_nagg *agg, const ov_expr *const *calls, const ov_expr **out, ov_error *err);
/* ---- native_fold.c ---- */
OV_CHECKED ov_status ovi_nagg_fold(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json);
/* What a fold shows of its value: an array again, `finalize` done. */
OV_CHECKED ov_status ovi_nagg_fold_result(ovi_nplanner *p, const ovi_nagg *agg, const ov_expr **value, ov_error *err);
