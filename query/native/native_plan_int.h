/*
 * What the planner's files share: relations, scopes over them, and the pieces of a grouping.
 */
#pragma once

#include "base/period.h"
#include "query/native/native_expr.h"
#include "query/native/native_int.h"
#include "query/native/native_query.h"
#include "query/plan/plan_build.h"
#include "storage/metric.h"

enum {
    OVI_NATIVE_QUERY_DEPTH = 60,      /* data sources inside each other */
    OVI_NATIVE_EXPR_WEIGHT = 200000, /* nodes of one column once everything it names is written out */
    OVI_NATIVE_EXPR_HEIGHT = 400,    /* and levels */
};

/* A segment by name, as intervals of type `segments` give it. */
typedef struct ovi_npick {
    ov_interval interval;
    ov_slice version;
    uint32_t partition;
} ovi_npick;

typedef struct ovi_nplanner {
    const ov_native_env *env;
    ov_expr_ctx *cx;
    ov_arena *arena;
    uint32_t depth;
    const ovi_npick *picks; /* only these segments are read; NULL: all */
    uint32_t pick_count;
    const ov_segment_entry *only; /* only this one, and of it what lies in `clip`; NULL: all */
    const ov_json *base; /* the data source that both are about; NULL: every one */
    ov_interval clip;
} ovi_nplanner;

/* Rows with named columns: what a data source is. */
typedef struct ovi_nrel {
    const ov_plan *plan;
    bool known;                 /* false: no such datasource */
    bool everywhere;            /* rows may lie at any time: inline rows and sub-queries */
    const ov_interval *extents; /* otherwise: from the first to behind the last row, per segment */
    const ov_interval *chunks;  /* the segments' own intervals */
    uint32_t extent_count;
    ov_slice segment_id;        /* of the only segment; empty otherwise */
    bool of_group_by;           /* a groupBy without buckets: its rows belong to all times */
    int64_t group_time;
} ovi_nrel;

/* A column made of an expression: virtual columns, post-aggregators. */
typedef struct ovi_ndef {
    ov_slice name;
    const ov_json *json;
    const ov_expr *expr;
    const ov_expr *as_bound; /* the same, with what is made of single values of multi-value strings */
    uint32_t weight, height;
    uint8_t state; /* 0 not bound yet, 1 being bound, 2 bound */
} ovi_ndef;

/* What names mean over a plan. `base` is what expressions and filters take. */
typedef struct ovi_nscope {
    ov_native_scope base;
    ovi_nplanner *p;
    const ov_plan *plan;
    ovi_ndef *defs;
    uint32_t def_count;
    uint32_t weight; /* of the expression that is being bound */
    uint32_t height; /* of the highest column it names, and of itself */
    uint32_t own_height; /* of the expression bound last */
    uint32_t depth;  /* columns being bound because one names the other */
} ovi_nscope;

void ovi_nscope_init(ovi_nscope *s, ovi_nplanner *p, const ov_plan *plan);
/* Virtual columns of the query; duplicates are refused. */
OV_CHECKED ov_status ovi_nscope_virtual(ovi_nscope *s, const ov_json *list, ov_error *err);
/* A column was bound: its size and height; too large ones are refused. */
OV_CHECKED ov_status ovi_nscope_grown(ovi_nscope *s, ovi_ndef *d, ov_error *err);
/* The column as an ordinary value: times are numbers. A name that nobody has is a NULL text. */
OV_CHECKED ov_status ovi_nscope_value(ovi_nscope *s, ov_slice name, const ov_expr **out, ov_error *err);
/* A text of the expression language, at json for errors. */
OV_CHECKED ov_status ovi_nscope_expression(ovi_nscope *s, const ov_json *json, const ov_expr **out, ov_error *err);
/* __time as a TIMESTAMP; 1970-01-01 where there is none. */
OV_CHECKED ov_status ovi_nscope_time(ovi_nscope *s, const ov_expr **out, ov_error *err);

OV_CHECKED ov_status ovi_ncall(ovi_nplanner *p, const ov_json *at, const char *name, const ov_expr *const *args,
                               uint32_t argc, const ov_expr **out, ov_error *err);
OV_CHECKED ov_status ovi_ncast(ovi_nplanner *p, const ov_expr *e, ov_sqltype sql, const ov_expr **out, ov_error *err);
OV_CHECKED ov_status ovi_ntext(ovi_nplanner *p, const ov_expr *e, const ov_expr **out, ov_error *err);
OV_CHECKED ov_status ovi_nliteral(ovi_nplanner *p, const char *text, const ov_expr **out, ov_error *err);
/* LONG, DOUBLE, FLOAT, STRING, ARRAY<...> as a type name of JSON; the value as that type. */
OV_CHECKED ov_status ovi_nas_type(ovi_nplanner *p, const ov_json *at, ov_slice type, const ov_expr *e,
                                  const ov_expr **out, ov_error *err);
/* What Druid says of functions in JavaScript as long as druid.javascript.enabled is not set. */
ov_status ovi_nno_javascript(const ov_json *json, ov_error *err);
/* The JSON value as text. */
OV_CHECKED ov_status ovi_njson_text(ovi_nplanner *p, const ov_json *v, ov_slice *out, ov_error *err);
/* A failure's sentence with the path of v in front, unless it has one. */
ov_status ovi_nfail_at(const ov_json *v, ov_status st, ov_error *err);
/* The member that names an ordering: a text, or an object with it as `type`, which is what Druid's EXPLAIN prints. */
OV_CHECKED ov_status ovi_norder_name(const ov_json *json, const char *key, ov_slice dflt, ov_slice *out, ov_error *err);
/* The value as it sorts under Druid's ordering of that name: one or two keys. */
OV_CHECKED ov_status ovi_norder_keys(ovi_nplanner *p, const ov_json *at, ov_slice order, const ov_expr *e,
                                     const ov_expr *keys[2], uint32_t *count, ov_error *err);

/* ---- native_gran.c ---- */
/* The member `granularity`; absent: ALL, or an error when it must be there. */
OV_CHECKED ov_status ovi_ngran(ovi_nplanner *p, const ov_json *query, bool needed, const ov_gran **out, ov_error *err);
OV_CHECKED ov_status ovi_ngran_read(ovi_nplanner *p, const ov_json *v, const ov_gran **out, ov_error *err);
OV_CHECKED ov_status ovi_ngran_floor(ovi_nplanner *p, const ov_json *at, const ov_gran *g, const ov_expr *time,
                                     const ov_expr **out, ov_error *err);
/* The member `intervals`, condensed; absent: eternity when optional. */
OV_CHECKED ov_status ovi_nintervals(ovi_nplanner *p, const ov_json *query, bool needed, ov_interval **out,
                                    uint32_t *count, ov_error *err);
/* __time in one of them; NULL for eternity. */
OV_CHECKED ov_status ovi_nin_intervals(ovi_nscope *s, const ov_interval *list, uint32_t count, const ov_expr **out,
                                       ov_error *err);

/* ---- native_by_segment.c ---- */
/* The datasource that `at` names, with the segments the query reads; NULL when there is none. */
OV_CHECKED ov_status ovi_nfind(ovi_nplanner *p, const ov_json *at, ov_slice name, const ov_datasource **out, ov_error *err);
/* What intervals of type `segments` name; before anything else is planned. */
OV_CHECKED ov_status ovi_npicks(ovi_nplanner *p, const ov_json *query, ov_error *err);
/* A plan for each segment: `bySegment`. */
OV_CHECKED ov_status ovi_nplan_by_segment(ovi_nplanner *p, const ov_json *query, ov_native_query *out, ov_error *err);

/* ---- native_source.c ---- */
OV_CHECKED ov_status ovi_nsource(ovi_nplanner *p, const ov_json *source, ovi_nrel *out, ov_error *err);
/* One input of a union as columns of these types, which are found by name or by place; what is not there is NULL. */
OV_CHECKED ov_status ovi_nunion_side(ovi_nplanner *p, const ov_json *at, const ov_plan *in, const ov_field *fields, uint32_t count,
                                     bool by_name, const ov_plan **out, ov_error *err);

/* ---- native_extract.c, native_dim.c ---- */
OV_CHECKED ov_status ovi_nextract(ovi_nplanner *p, const ov_json *fn, const ov_expr *arg, const ov_expr **out,
                                  ov_error *err);
typedef struct ovi_ndim {
    ov_slice name;   /* output */
    ov_slice column; /* input; nothing where there is none of that name */
    const ov_expr *expr;
} ovi_ndim;
OV_CHECKED ov_status ovi_ndimension(ovi_nscope *s, const ov_json *spec, ovi_ndim *out, ov_error *err);

/* A search query ({"type":"contains",...}) as a condition on a text. */
OV_CHECKED ov_status ovi_native_search(const ov_json *spec, ov_expr_ctx *cx, const ov_expr *x, const ov_expr **out,
                                       ov_error *err);

/* ---- native_agg.c ---- */
typedef struct ovi_nagg ovi_nagg;
struct ovi_nagg {
    ov_slice name;
    const ov_json *json;
    const ov_json *groupings; /* `grouping`: its dimensions; no call then */
    uint32_t call;            /* of the calls */
    ov_sqltype sql;           /* what the result is cast to; OV_SQL_NULL: nothing */
    bool zero;                /* NULL shows as 0 */
    /* The value of `made_of` calls from `call` on; NULL: there is one call, whose value it is. */
    ov_status (*make)(ovi_nplanner *p, const ovi_nagg *agg, const ov_expr *const *calls, const ov_expr **out, ov_error *err);
    uint32_t made_of;
    bool estimate, round; /* a sketch, shown as its estimate */
    int64_t deviations;   /* ... and the bounds around it; 0: none */
    const char *shown;    /* ... or what this function of it gives; NULL: its number */
    int64_t shown_arg;    /* its second argument; 0: none */
    const ov_expr *folded; /* `expression`: a NULL of its value's type */
    const ov_native *compare; /* ... and how its values are ordered; NULL: as values are */
    bool orders; /* rows are ordered by it: its value before `final` is a column without a name behind the others */
    const ov_native *final; /* ... and what `finalize` makes of it; NULL: nothing */
    bool population;        /* a variance: by which estimator */
    uint32_t other;         /* ... and 1 + the call that has it by the other one, which only post-aggregators read; 0: no variance */
};

typedef struct ovi_naggs {
    ovi_nagg *list;
    uint32_t count, order_count, other_count; /* of those with `orders`, with `other` */
    ov_agg_call *calls;
    uint32_t call_count, call_capacity;
} ovi_naggs;

OV_CHECKED ov_status ovi_naggregators(ovi_nscope *s, const ov_json *query, ovi_naggs *out, ov_error *err);
/* Rows are to be ordered by the result of that name: marks its aggregator when that says how values compare. */
void ovi_nagg_orders(ovi_naggs *aggs, ov_slice name);
/* A BIGINT over columns 0 and 1, two values of the aggregator: `compare`. */
OV_CHECKED ov_status ovi_nagg_compare(ovi_nplanner *p, const ovi_nagg *agg, const ov_expr **out, ov_error *err);
/* The value that aggregator i shows, over the output of the AGGREGATE, whose calls start at column `first`. dims and
 * set say what `grouping` gives. */
OV_CHECKED ov_status ovi_nagg_result(ovi_nplanner *p, const ovi_naggs *aggs, uint32_t i, const ov_plan *grouped,
                                     uint32_t first, const ovi_ndim *dims, uint32_t dim_count, const uint8_t *set,
                                     const ov_expr **out, ov_error *err);

/* ---- native_sketch.c ---- */
/* Adds what a sketch aggregator says about sizes as constants behind args[0 .. *argc). */
OV_CHECKED ov_status ovi_nsketch_args(ovi_nplanner *p, const ov_json *json, ovi_nagg *agg, const ov_expr **args,
                                      uint32_t *argc, ov_error *err);
/* The first `count` numbers that a sketch is made with, as constants in the order of its function's arguments. */
OV_CHECKED ov_status ovi_nsketch_constants(ovi_nplanner *p, const ov_metric *metric, uint32_t count, const ov_expr **args,
                                           uint32_t *argc, ov_error *err);
/* The estimate of a sketch; what is none stays. */
OV_CHECKED ov_status ovi_nsketch_number(ovi_nplanner *p, const ov_json *json, const ov_expr *e, const ov_expr **out,
                                        ov_error *err);
/* Sketches become what their aggregators show: the last step, behind the post-aggregators. */
OV_CHECKED ov_status ovi_nsketch_final(ovi_nplanner *p, const ovi_naggs *aggs, const ov_plan *in, const ov_plan **out,
                                       ov_error *err);
typedef struct ovi_nsketch_post {
    ovi_nplanner *p;
    ov_status (*bind)(void *ctx, const ov_json *json, const ov_expr **out); /* any post-aggregator */
    ov_status (*by_name)(void *ctx, const ov_json *json, const ov_expr **out); /* what member fieldName names */
    void *ctx;
    ov_error *err;
} ovi_nsketch_post;
/* *found tells whether `type` is a post-aggregator over sketches. */
OV_CHECKED ov_status ovi_nsketch_post_bind(ovi_nsketch_post *b, ov_slice type, const ov_json *json, bool *found,
                                           const ov_expr **out);

/* The member `field`, which must be a sketch of that kind. */
/* The sketch of a kind ("thetaSketch") whose Base64 v is. */
OV_CHECKED ov_status ovi_nsketch_decode(ovi_nplanner *p, const ov_json *v, ov_slice kind, const ov_expr **out, ov_error *err);
OV_CHECKED ov_status ovi_nsketch_field(ovi_nsketch_post *b, const ov_json *json, ov_complex_id kind, const ov_expr **out);
/* ---- native_quantiles.c ---- */
/* The same for post-aggregators over quantiles sketches. */
OV_CHECKED ov_status ovi_nquantiles_post_bind(ovi_nsketch_post *b, ov_slice type, const ov_json *json, bool *found,
                                              const ov_expr **out);

/* ---- native_histogram.c, native_tuple.c ---- */
/* The same for post-aggregators over Druid's histograms; over tuple sketches. */
OV_CHECKED ov_status ovi_nhistogram_post_bind(ovi_nsketch_post *b, ov_slice type, const ov_json *json, bool *found,
                                              const ov_expr **out);
OV_CHECKED ov_status ovi_ntuple_post_bind(ovi_nsketch_post *b, ov_slice type, const ov_json *json, bool *found,
                                          const ov_expr **out);

/* ---- native_post.c ---- */
/* The plan with the query's post-aggregators as columns behind its own. Those of `in` from others on are the variances by the other estimator. */
OV_CHECKED ov_status ovi_npost(ovi_nplanner *p, const ov_json *query, const ovi_naggs *aggs, uint32_t others, const ov_plan *in,
                               const ov_plan **out, ov_error *err);

/* ---- native_group.c ---- */
/* What timeseries, topN and groupBy have in common: rows in the query's intervals that pass its filter. */
typedef struct ovi_ninput {
    ovi_nrel rel;
    ovi_nscope scope; /* over rel's plan, with virtual columns */
    const ov_plan *plan;
    ov_interval *intervals;
    uint32_t interval_count;
} ovi_ninput;
OV_CHECKED ov_status ovi_ninput_open(ovi_nplanner *p, const ov_json *query, bool intervals_needed, ovi_ninput *out,
                                     ov_error *err);

typedef struct ovi_ngroup {
    const ov_json *query;
    ovi_ninput *in;
    const ov_expr *bucket; /* NULL: one bucket */
    const ovi_ndim *dims;
    uint32_t dim_count;
    ovi_naggs aggs;
} ovi_ngroup;
/* [__time,] dimensions, aggregators, post-aggregators of `rows`, values that order rows. set: which dimensions group, NULL for all. */
OV_CHECKED ov_status ovi_ngroup_plan(ovi_nplanner *p, const ovi_ngroup *g, const ov_plan *rows, const uint8_t *set,
                                     const ov_plan **out, ov_error *err);
/* A plan with expressions added behind its columns, without names. */
OV_CHECKED ov_status ovi_nwiden(ovi_nplanner *p, const ov_plan *in, const ov_expr *const *more, uint32_t count,
                                const ov_plan **out, ov_error *err);
/* The time that the one bucket of granularity ALL shows. */
int64_t ovi_nall_time(const ovi_ninput *in);
OV_CHECKED ov_status ovi_nspans(ovi_nplanner *p, const ovi_ninput *in, const ov_interval **out, uint32_t *count,
                                ov_error *err);
/* A truth of the context: as such, or as a text, of which only "true" is true, as in Druid. */
OV_CHECKED ov_status ovi_ncontext_bool(const ov_json *query, const char *key, bool dflt, bool *out, ov_error *err);

OV_CHECKED ov_status ovi_nplan_timeseries(ovi_nplanner *p, const ov_json *query, ov_native_query *out, ovi_nrel *rel,
                                          ov_error *err);
OV_CHECKED ov_status ovi_nplan_topn(ovi_nplanner *p, const ov_json *query, ov_native_query *out, ovi_nrel *rel,
                                    ov_error *err);
/* ---- native_groupby.c ---- */
OV_CHECKED ov_status ovi_nplan_group_by(ovi_nplanner *p, const ov_json *query, ov_native_query *out, ovi_nrel *rel,
                                        ov_error *err);
/* ---- native_top.c ---- */
/* The first rows by these keys, the last of which is the dimension; of equal ones those that Druid shows. */
OV_CHECKED ov_status ovi_ntop_order(ovi_nplanner *p, const ovi_ngroup *g, const ov_plan *in, const ov_sort_key *keys, uint32_t key_count,
                                    uint64_t limit, const ov_plan **out, ov_error *err);
/* ---- native_order.c ---- */
/* By what rows are ordered when the query says: by the result in column `column` of *plan, a plan of that grouping. Columns are added behind
 * the others where the result has an order of its own. */
OV_CHECKED ov_status ovi_nresult_keys(ovi_nplanner *p, const ovi_ngroup *g, const ov_json *at, uint32_t column, const ov_plan **plan,
                                      uint32_t keys[2], uint32_t *count, ov_error *err);
/* ---- native_rows.c ---- */
OV_CHECKED ov_status ovi_nplan_scan(ovi_nplanner *p, const ov_json *query, ov_native_query *out, ovi_nrel *rel,
                                    ov_error *err);
OV_CHECKED ov_status ovi_nplan_search(ovi_nplanner *p, const ov_json *query, ov_native_query *out, ovi_nrel *rel,
                                      ov_error *err);
OV_CHECKED ov_status ovi_nplan_time_boundary(ovi_nplanner *p, const ov_json *query, ov_native_query *out, ovi_nrel *rel,
                                             ov_error *err);
/* ---- native_union.c ---- */
OV_CHECKED ov_status ovi_nplan_union(ovi_nplanner *p, const ov_json *query, ov_native_query *out, ovi_nrel *rel, ov_error *err);
/* ---- native_window.c ---- */
OV_CHECKED ov_status ovi_nplan_window(ovi_nplanner *p, const ov_json *query, ov_native_query *out, ovi_nrel *rel,
                                      ov_error *err);
/* ---- native_meta.c; see native_meta_int.h for columns ---- */
OV_CHECKED ov_status ovi_nplan_segment_metadata(ovi_nplanner *p, const ov_json *query, ov_native_query *out,
                                                ovi_nrel *rel, ov_error *err);
OV_CHECKED ov_status ovi_nplan_source_metadata(ovi_nplanner *p, const ov_json *query, ov_native_query *out,
                                               ovi_nrel *rel, ov_error *err);
/* ---- native_query.c ---- */
/* The query and its plans, optimised. */
OV_CHECKED ov_status ovi_nplan_whole(ovi_nplanner *p, const ov_json *query, ov_native_query *out, ov_error *err);
/* rel: what the query's rows are to a query around it. */
OV_CHECKED ov_status ovi_nplan_query(ovi_nplanner *p, const ov_json *query, ov_native_query *out, ovi_nrel *rel,
                                     ov_error *err);
