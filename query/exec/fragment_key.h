/*
 * What an AGGREGATE over a SCAN computes of a segment, as bytes: equal bytes, equal groups and states, in any query of this
 * process. Two parts: the fragment (keys, aggregates, stages, columns), and for each segment which of its rows take part.
 * A join is a stage of the rows that stream; what it keeps of the other side is said by its plan and all its segments.
 */
#pragma once

#include "query/plan/plan.h"

typedef struct ovi_fragment {
    const ov_plan *scan;
    ov_slice key;       /* of all but rows */
    ov_slice filter;    /* what rows whose time is not known to be right must pass, */
    ov_slice residual;  /* and those whose time is; has_residual: its times are taken out of it */
    bool has_residual;
    bool joined;        /* rows are no longer those of the segment, one by one */
} ovi_fragment;

/* *is: the node is an AGGREGATE over FILTERs, PROJECTs and JOINs over a SCAN that always gives the same of the same rows. */
OV_CHECKED ov_status ovi_fragment_of(const ov_plan *node, ov_slice session, const ov_snapshot *snapshot, ov_arena *out, ovi_fragment *f,
                                     bool *is, ov_error *err);
/* The SCAN whose rows stream up to the AGGREGATE; NULL: there is none. */
const ov_plan *ovi_fragment_scan(const ov_plan *node);
/* The key of one segment; false: no row takes part, or it has none that lasts (rows in memory, segments that newer ones hide
 * in part). */
bool ovi_fragment_segment(const ovi_fragment *f, const ov_segment_entry *e, ov_buf *key);
