/* Printing whole queries; print_source.c, print_query.c and print_write.c call each other. */
#pragma once

#include "base/period.h"
#include "query/native/print_int.h"

typedef struct ovi_pquery {
    ov_slice text;           /* JSON */
    const ov_slice *columns; /* query column of each column of the plan */
    ov_slice signature;      /* JSON */
    bool time_behind;        /* the query has __time behind them */
} ovi_pquery;

/* Any plan as one query. */
OV_CHECKED ov_status ovi_pquery_print(ovi_printer *p, const ov_plan *plan, ovi_pquery *out, ov_error *err);
OV_CHECKED ov_status ovi_prel_open(ovi_printer *p, const ov_plan *plan, ovi_prel *out, ov_error *err);
/* The plan as a query that is a data source. */
OV_CHECKED ov_status ovi_prel_query(ovi_printer *p, const ov_plan *plan, ovi_prel *out, ov_error *err);
/* The plan's columns as they are, under these names. */
OV_CHECKED ov_status ovi_prel_plain(ovi_printer *p, const ov_plan *plan, const ov_slice *names, ovi_prel *out, ov_error *err);
/* How many underscores make v0, v1, ... (for 'v') unlike every column of the source: a query inside may have its own. */
uint32_t ovi_punused(const ovi_prel *rel, char letter);
/* A bit for each name that does not stand in front of itself. */
OV_CHECKED ov_status ovi_pfirst_names(ovi_printer *p, const ov_slice *names, uint32_t count, const uint64_t **out,
                                      ov_error *err);

/* What stands above a grouping or above plain rows. */
typedef struct ovi_ptop {
    const ov_plan *at;     /* where it ends */
    const ov_expr **exprs; /* output columns, over `at` */
    uint32_t count;
    const ov_expr **sort; /* over `at` */
    const ov_sort_key *sort_keys;
    uint32_t sort_count;
    uint64_t limit, offset;
    const ov_expr *having;
} ovi_ptop;

typedef struct ovi_ptexts {
    ov_buf dims, aggs, posts, filter, having, order, columns, types;
} ovi_ptexts;

/* One query being written. */
typedef struct ovi_pwrite {
    ovi_printer *p;
    ovi_ptop t;
    ovi_prel rel;
    ovi_pcolumns columns;
    ovi_ptexts parts;
    ov_slice *grouped; /* names of the grouping's columns: d0, a0 ... */
    uint32_t post_count;
    const ov_expr **posts;
    ov_places post_places;
    ov_slice *post_names;
    ov_slice *out; /* names of the output columns */
    bool series, has_bucket;
    bool time_behind; /* scan: __time is shown behind the plan's columns, because it is ordered by */
} ovi_pwrite;

/* print_query.c: the name of a value over the grouping's columns: one of them, or a post-aggregator. */
OV_CHECKED ov_status ovi_pwrite_result(ovi_pwrite *q, const ov_expr *e, ov_slice *name, ov_error *err);

/* print_write.c: members, and the types of groupings with what makes them possible. */
void ovi_padd_source(ovi_pwrite *q, ov_buf *b);
void ovi_padd_intervals(ovi_pwrite *q, ov_buf *b);
void ovi_padd_filter(ovi_pwrite *q, ov_buf *b);
void ovi_padd_list(ov_buf *b, const char *key, const ov_buf *items); /* nothing when there are no items */
OV_CHECKED ov_status ovi_padd_context(ovi_pwrite *q, bool buckets, ov_buf *b, ov_error *err);
bool ovi_pis_bucket(const ovi_pwrite *q, const ov_expr *key); /* TIME_FLOOR(__time, ...) */
bool ovi_pis_series(const ovi_pwrite *q);
bool ovi_pis_top(const ovi_pwrite *q);
bool ovi_pplain_nulls(const ovi_pwrite *q);
OV_CHECKED ov_status ovi_pwrite_series(ovi_pwrite *q, ov_buf *b, ov_error *err);
OV_CHECKED ov_status ovi_pwrite_top(ovi_pwrite *q, ov_buf *b, ov_error *err);
OV_CHECKED ov_status ovi_pwrite_group(ovi_pwrite *q, ov_buf *b, ov_error *err);

/* print_window.c */
const ov_plan *ovi_pwindow_at(const ov_plan *plan);
OV_CHECKED ov_status ovi_pwindow_write(ovi_pwrite *q, const ov_plan *plan, ov_buf *b, ov_error *err);

/* print_rel.c: the tree form. Sources under the names that Druid's placeholders have; what stands below goes to p->below. */
OV_CHECKED ov_status ovi_ptree_source(ovi_printer *p, const ov_plan *plan, ovi_prel *out, ov_error *err);
OV_CHECKED ov_status ovi_ptree_print(ovi_printer *p, const ov_plan *plan, uint32_t depth, ov_buf *out, ov_error *err);
/* sys.segments and its like, which no query reads: false when it is something else. */
bool ovi_ptree_system(const ov_plan *plan, ov_buf *out);
