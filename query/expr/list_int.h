/* What the functions over arrays and multi-value strings share: the elements of a row, and types of elements. */
#pragma once

#include "query/expr/json_int.h"

/* Elements of one row of an argument: rows [first, end) of vec. A plain value is a list of itself, NULL has none. */
typedef struct ovi_items {
    const ov_vec *vec;
    uint32_t first, end;
} ovi_items;

ovi_items ovi_items_of(const ovi_arg *a, uint32_t r);
/* NULL equals NULL and is less than anything; numbers compare by value. Kinds are never mixed: binders see to that. */
int ovi_item_cmp(const ov_vec *a, uint32_t i, const ov_vec *b, uint32_t j);
/* Is element j of b among the items. */
bool ovi_items_have(const ovi_items *items, const ov_vec *b, uint32_t j);
ov_status ovi_list_put(ovi_list *l, const ov_vec *v, uint32_t i, ov_error *err);
ov_status ovi_list_put_all(ovi_list *l, const ovi_items *items, ov_error *err);
/* Rows whose argument i is NULL leave the call, as by the strict rule. */
ov_status ovi_call_strict(ovi_call *c, uint32_t i, ov_error *err);
/* Are values of the two types compared with each other: numbers with numbers, texts with texts. */
bool ovi_same_kind(ov_type a, ov_type b);

/* The elements an expression has when it is read as a list. */
ov_type ovi_elem_type(const ov_expr *e);
ov_sqltype ovi_elem_sql(const ov_expr *e);
/* Argument i must be an array, a text (one or several values) or NULL. */
ov_status ovi_want_list(ovi_bind *b, uint32_t i, ov_error *err);
/* Argument i as an element of an array of arrays: JSON. */
ov_status ovi_want_nested(ovi_bind *b, uint32_t i, ov_error *err);
/* The same with elements of a type. */
ov_status ovi_want_list_of(ovi_bind *b, uint32_t i, ov_sqltype elem, ov_error *err);
void ovi_result_array(ovi_bind *b, ov_type elem, ov_sqltype elem_sql);
void ovi_result_multi(ovi_bind *b);
