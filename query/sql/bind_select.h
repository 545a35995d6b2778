/*
 * A SELECT while it is bound.
 */
#pragma once

#include "query/sql/bind_int.h"

typedef struct ovi_select_binding {
    ovi_sql_binder *b;
    const ov_ast *select, *query;
    ovi_sql_rel rel; /* FROM and WHERE */
    ovi_sql_grouping grouping;
    ovi_sql_aggs aggs;
    ovi_sql_windows windows;
    ovi_sql_subs subs; /* of all clauses but FROM and WHERE */
    bool grouped;
    ovi_sql_item *items;
    uint32_t item_count, item_capacity;
    ov_places by_name; /* of items, once all are there */
    const ov_expr **order; /* one per sort key */
    const ov_expr *having, *qualify;
    const ov_plan *base; /* what items and order are over, in the end */
} ovi_select_binding;

/* The keys of ORDER BY; NULL without. */
const ov_ast *ovi_select_order(const ovi_select_binding *s);
/* bind_select_end.c: projection, DISTINCT, sort, limit over base. */
OV_CHECKED ov_status ovi_select_finish(ovi_select_binding *s, const ov_plan **out, ov_error *err);
