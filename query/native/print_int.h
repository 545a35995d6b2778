/*
 * What the printers share. A printer that meets something without a native form sets `lost` and goes on; the whole text
 * is thrown away at the end.
 */
#pragma once

#include "query/native/native_print.h"
#include "query/plan/plan_build.h"

/* In the tree form (useNativeQueryExplain=false) a query's source is printed below it. */
typedef struct ovi_pbelow {
    enum { OVI_PBELOW_NOTHING, OVI_PBELOW_QUERY, OVI_PBELOW_JOIN, OVI_PBELOW_UNNEST } kind;
    const ov_plan *node;
    uint64_t *used; /* columns of the node that the query reads; NULL: all */
} ovi_pbelow;

typedef struct ovi_printer {
    const ov_native_print *how;
    ov_expr_ctx *cx;
    ov_arena *arena;
    bool lost;
    ovi_pbelow below; /* tree form: what the query printed last stands over */
    uint32_t correlations; /* tree form: UNNESTs so far */
} ovi_printer;

/* Rows with named base columns, as one data source, filter and intervals; every column of the plan is an expression over
 * the base columns. */
typedef struct ovi_prel {
    ov_slice source;    /* JSON */
    const ov_plan *base;
    const ov_slice *names; /* of the base's columns */
    const ov_expr **exprs; /* of the plan's columns */
    const ov_expr *filter; /* over the base; NULL: none */
    const ov_time_range *ranges;
    uint32_t range_count;
    bool has_ranges;
} ovi_prel;

/* Virtual columns of one query, made as they are needed. */
typedef struct ovi_pcolumns {
    ovi_printer *p;
    const ovi_prel *rel;
    const ov_expr **exprs;
    ov_slice *names;
    uint32_t count, capacity;
    ov_places places; /* of exprs */
    uint32_t prefix;  /* underscores in front of v0, v1 ...; settled with the first */
    ov_buf text; /* of virtualColumns' elements */
} ovi_pcolumns;

/* Is `name` one of `names`, as far as they were noted; and notes the next. */
bool ovi_pname_known(const ov_places *places, const ov_slice *names, ov_slice name);
OV_CHECKED ov_status ovi_pname_note(ov_places *places, ov_arena *arena, ov_slice name, ov_error *err);
/* The name to use for e: a base column's own, or a virtual column's. */
OV_CHECKED ov_status ovi_pcolumn(ovi_pcolumns *c, const ov_expr *e, ov_slice *name, ov_error *err);
const char *ovi_ptype(const ov_expr *e, char buf[48]); /* "LONG" */

/* print_expr.c: the expression language. names: of the columns. */
void ovi_pexpr(ovi_printer *p, const ov_expr *e, const ov_slice *names, ov_buf *out);
/* print_filter.c */
OV_CHECKED ov_status ovi_pfilter(ovi_pcolumns *c, const ov_expr *e, ov_buf *out, ov_error *err);
/* print_fold.c: one aggregator's JSON for ARRAY_AGG, STRING_AGG and bits. */
OV_CHECKED ov_status ovi_pfold(ovi_pcolumns *c, const ov_agg_call *call, ov_slice name, ov_buf *out, ov_error *err);
/* print_agg.c: one aggregator's JSON; posts gets what AVG needs beside it. */
OV_CHECKED ov_status ovi_pagg(ovi_pcolumns *c, const ov_agg_call *call, ov_slice name, ov_buf *out, ov_buf *posts,
                              ov_error *err);
