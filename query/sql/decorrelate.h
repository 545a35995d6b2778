/*
 * Plans that read columns of the query around them, made plans that can be joined to it.
 *
 * Names: Neumann and Kemper, "Unnesting Arbitrary Queries", BTW 2015. A plan I that reads values v of each row of O is
 * what I' with the columns v beside its own gives where they are equal to the row's: O joined with I' on v. I' is I over
 * the different v of O (its *domain*), pushed down to where they are read; and where a filter says "column = v", the column
 * itself is v and no domain is needed.
 */
#pragma once

#include "query/sql/bind_int.h"

/* The values of O that a sub-query reads. */
typedef struct ovi_sql_outer_reads {
    ovi_sql_binder *b;
    const ov_ast *at;             /* the sub-query, for sentences */
    const uint32_t *refs;         /* numbers of the references: column OVI_SQL_OUTER_BASE + number */
    const ov_expr *const *values; /* what each is, over `around`; of a list, bytes that are equal as lists are (plan_build.h) */
    const ov_expr *const *whole;  /* what the sub-query reads */
    const ov_expr *const *arrays; /* of a list, the array whose bytes values[i] is; else NULL */
    const bool *multi;            /* the sub-query reads a multi-value string, whatever the value is */
    uint32_t count;
    const ov_plan *around;        /* O */
    const ov_plan *domain;        /* the different values, made when needed */
} ovi_sql_outer_reads;

/* I': the plan's columns, then one for each value. */
typedef struct ovi_sql_dependent {
    const ov_plan *plan;
    uint32_t width; /* of the plan it was */
    bool *equal;    /* it was compared by =: rows where it is NULL are nobody's */
} ovi_sql_dependent;

/* Whether e or the plan reads any of the values. */
bool ovi_sql_reads_outer(const ovi_sql_outer_reads *r, const ov_expr *e);
bool ovi_sql_plan_reads_outer(const ovi_sql_outer_reads *r, const ov_plan *plan);

OV_CHECKED ov_status ovi_sql_decorrelate(ovi_sql_outer_reads *r, const ov_plan *plan, ovi_sql_dependent *out,
                                         ov_error *err);

/* A grouping without keys, grouped by the values it reads: a column for each value, then its calls. Values for which there
 * are no rows have no group. */
OV_CHECKED ov_status ovi_sql_group_by_outer(ovi_sql_outer_reads *r, const ov_plan *aggregate, ovi_sql_dependent *out,
                                            ov_error *err);

/* e with the values read from columns `first`, `first` + 1, ... of `in`. */
OV_CHECKED ov_status ovi_sql_read_from(const ovi_sql_outer_reads *r, const ov_expr *e, const ov_plan *in,
                                       uint32_t first, const ov_expr **out, ov_error *err);
/* *e, a text or an array of texts, as a multi-value string. */
OV_CHECKED ov_status ovi_sql_as_multi(ovi_sql_binder *b, const ov_ast *at, const ov_expr **e, ov_error *err);
/* left = right where both are values of the same row: equal, or both NULL unless `equal` says that NULL is nobody's. */
OV_CHECKED ov_status ovi_sql_same_value(const ovi_sql_outer_reads *r, const ov_expr *left, const ov_expr *right,
                                        bool equal, const ov_expr **out, ov_error *err);
