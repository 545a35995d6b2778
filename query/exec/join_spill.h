/*
 * Joins on disk, private to the join's files: rows of both sides by partition, and the joins of the partitions.
 */
#pragma once

#include "query/exec/join.h"
#include "query/exec/spill_rows.h"

enum { OVI_JOIN_PART_BITS = 4, OVI_JOIN_PARTS = 1 << OVI_JOIN_PART_BITS, OVI_JOIN_MOST_LEVELS = 5 };

/* Rows of one side by a hash of their keys. */
struct ovi_join_spool {
    ovi_sink base;
    ovi_exec *exec;
    ovi_spill *file;
    const ov_expr *const *keys; /* over the side's columns */
    uint32_t key_count;
    const uint64_t *used; /* columns that are written; the others become NULL */
    ovi_blocks (*lists)[OVI_JOIN_PARTS]; /* per worker */
};

OV_CHECKED ov_status ovi_join_spool_init(ovi_join_spool *s, ovi_exec *x, ovi_spill *file, const ov_expr *const *keys,
                                         uint32_t key_count, const uint64_t *used, ov_error *err);
void ovi_join_spool_fini(ovi_join_spool *s);
/* The selected rows of b to their partitions. */
OV_CHECKED ov_status ovi_join_scatter(ovi_join_spool *s, ovi_worker *w, const ov_batch *b, ov_error *err);
/* All rows of the plan. */
OV_CHECKED ov_status ovi_join_spool_run(ovi_join_spool *s, const ov_plan *node, ov_error *err);
/* Joins partition by partition: sides[0] has the rows of inputs[0], sides[1] those of inputs[1]. */
OV_CHECKED ov_status ovi_join_parts(ovi_exec *x, const ov_plan *node, ovi_join_spool *sides, ovi_sink *sink,
                                    ov_error *err);
