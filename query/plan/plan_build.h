/*
 * Constructors of plan nodes: they derive the output schema, so that a node cannot disagree with
 * its input. Shared by the SQL planner, the native planner and the optimiser's passes.
 */
#pragma once

#include "query/plan/plan.h"

/* A node of this kind with room for its inputs; fields and union are the caller's to fill. */
OV_CHECKED ov_status ov_plan_new(ov_arena *arena, ov_plan_kind kind, uint32_t input_count,
                                 ov_plan **out, ov_error *err);
/* All columns of the datasource, no filter, all time. */
OV_CHECKED ov_status ov_plan_scan(ov_arena *arena, const ov_datasource *datasource,
                                  const ov_plan **out, ov_error *err);
OV_CHECKED ov_status ov_plan_system(ov_arena *arena, const ov_systable *table, const ov_plan **out,
                                    ov_error *err);
/* cells: row_count x field_count; fields is borrowed. */
OV_CHECKED ov_status ov_plan_values(ov_arena *arena, const ov_field *fields, uint32_t field_count,
                                    const ov_expr *const *cells, uint64_t row_count,
                                    const ov_plan **out, ov_error *err);
OV_CHECKED ov_status ov_plan_filter(ov_arena *arena, const ov_plan *in, const ov_expr *predicate,
                                    const ov_plan **out, ov_error *err);
/* names: one per expression, NULL for empty names. */
OV_CHECKED ov_status ov_plan_project(ov_arena *arena, const ov_plan *in,
                                     const ov_expr *const *exprs, const ov_slice *names,
                                     uint32_t count, const ov_plan **out, ov_error *err);
OV_CHECKED ov_status ov_plan_aggregate(ov_arena *arena, const ov_plan *in,
                                       const ov_expr *const *keys, uint32_t key_count,
                                       const ov_agg_call *aggs, uint32_t agg_count,
                                       const ov_plan **out, ov_error *err);
OV_CHECKED ov_status ov_plan_sort(ov_arena *arena, const ov_plan *in, const ov_sort_key *keys,
                                  uint32_t key_count, uint64_t limit, uint64_t offset,
                                  const ov_plan **out, ov_error *err);
OV_CHECKED ov_status ov_plan_limit(ov_arena *arena, const ov_plan *in, uint64_t limit,
                                   uint64_t offset, const ov_plan **out, ov_error *err);
/* Fields are those of the first input. */
OV_CHECKED ov_status ov_plan_union(ov_arena *arena, const ov_plan *const *inputs, uint32_t count,
                                   const ov_plan **out, ov_error *err);
/* No keys yet: `condition`, over the columns of both sides, is all residual. NULL: every row meets every row. */
OV_CHECKED ov_status ov_plan_join(ov_arena *arena, ov_join_kind kind, const ov_plan *left,
                                  const ov_plan *right, const ov_expr *condition,
                                  const ov_plan **out, ov_error *err);
/* The element's column is called `name`; its type follows from `list`. */
OV_CHECKED ov_status ov_plan_unnest(ov_arena *arena, const ov_plan *in, const ov_expr *list, ov_slice name,
                                    bool outer, bool ordinality, const ov_plan **out, ov_error *err);
/* Several lists side by side; at least one. names: one a list, then that of the place. */
OV_CHECKED ov_status ov_plan_unnest_zip(ov_arena *arena, const ov_plan *in, const ov_expr *const *lists, const ov_slice *names,
                                        uint32_t count, bool outer, bool ordinality, const ov_plan **out, ov_error *err);
/* The same over another input: as many lists, the same names. */
OV_CHECKED ov_status ov_plan_unnest_like(ov_arena *arena, const ov_plan *unnest, const ov_plan *in, const ov_expr *const *lists,
                                         const ov_plan **out, ov_error *err);
/* Fields are those of the input, then one a call. */
OV_CHECKED ov_status ov_plan_window(ov_arena *arena, const ov_plan *in, const uint32_t *partition,
                                    uint32_t partition_count, const ov_sort_key *keys,
                                    uint32_t key_count, const ov_window_call *calls,
                                    uint32_t call_count, const ov_plan **out, ov_error *err);
/* The same node over other inputs (as many as it had). */
OV_CHECKED ov_status ov_plan_with_inputs(ov_arena *arena, const ov_plan *plan,
                                         const ov_plan *const *inputs, const ov_plan **out,
                                         ov_error *err);

/* Column i of `in` as an expression. */
OV_CHECKED ov_status ov_plan_column(ov_expr_ctx *cx, const ov_plan *in, uint32_t i,
                                    const ov_expr **out, ov_error *err);

/* ---- plan_lists.c ---- */
/* AGGREGATE whose keys may be arrays, and multi-value strings: a row then counts for each of its values. */
OV_CHECKED ov_status ov_plan_group(ov_expr_ctx *cx, const ov_plan *in, const ov_expr *const *keys,
                                   uint32_t key_count, const ov_agg_call *calls,
                                   uint32_t call_count, const ov_plan **out, ov_error *err);
/* SORT whose keys may be lists. */
OV_CHECKED ov_status ov_plan_order(ov_expr_ctx *cx, const ov_plan *in, const ov_sort_key *keys,
                                   uint32_t key_count, uint64_t limit, uint64_t offset,
                                   const ov_plan **out, ov_error *err);
/* A list as bytes that compare and are equal as the lists are, and back, in the type of `like`. */
OV_CHECKED ov_status ov_plan_packed(ov_expr_ctx *cx, const ov_expr *list, const ov_expr **out,
                                    ov_error *err);
OV_CHECKED ov_status ov_plan_unpacked(ov_expr_ctx *cx, const ov_expr *bytes, const ov_expr *like,
                                      const ov_expr **out, ov_error *err);
/* NULL in the type of another expression. */
OV_CHECKED ov_status ov_plan_null_like(ov_expr_ctx *cx, const ov_expr *like, const ov_expr **out,
                                       ov_error *err);
