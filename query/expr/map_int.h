/*
 * Private to map.c and map_truth.c: results over dictionaries, and batches of distinct values.
 */
#pragma once

#include "query/expr/expr_int.h"

/* What is known of an expression over a domain; new and empty when nothing is. */
OV_CHECKED ov_status ovi_map_known(ov_eval *ev, uint64_t domain, uint32_t expr, ovi_known **out, ov_error *err);
/* Whether a table for all codes is worth making, now that these rows were seen, too; bytes: what one value's result takes. */
bool ovi_map_pays(const ov_eval *ev, ovi_known *k, const ov_domain *d, const ov_batch *rows, size_t bytes);

/* A batch in which only `column` is there. */
OV_CHECKED ov_status ovi_map_batch(ov_eval *ev, uint32_t column, const ov_vec *v, ov_batch *out, ov_error *err);
/* Values first .. first + n of a domain, as a FLAT (or LIST) vector. */
OV_CHECKED ov_status ovi_map_some(ov_eval *ev, const ov_domain *d, uint32_t first, uint32_t n, ov_vec *out, ov_error *err);
/* Of `runs`, those that hold a selected row of batch. */
OV_CHECKED ov_status ovi_map_runs(ov_eval *ev, const ov_vec *v, const ov_batch *batch, ov_batch *runs, ov_error *err);
/* One row that stands for all, and whether it does. */
OV_CHECKED ov_status ovi_map_one(ov_eval *ev, const ov_expr *e, const ov_vec *v, ov_batch *out, ov_error *err);
bool ovi_map_is_constant(const ov_vec *v);

/* No table could be made, for `why`. That a value, not the machine, caused is no error yet: rows decide whether it matters. */
OV_CHECKED ov_status ovi_map_give_up(ov_eval *ev, ov_arena_mark mark, ovi_known *k, const ov_error *why, ov_error *err);
