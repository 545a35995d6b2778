/*
 * Partial results by segment, private to the aggregate*.c files.
 *
 * What an AGGREGATE over a SCAN makes of one published segment never changes, so its groups are kept as bytes under a key of
 * segment and fragment (fragment_key.h). A query that comes upon such a segment takes the bytes in instead of reading it.
 *
 *      look     found: into the worker's state, and nobody reads the segment
 *      enter    rows go to a second state, which holds what the worker's pieces of this one segment make
 *      leave    that becomes bytes beside those of other workers' pieces, then joins the worker's state; with the last piece
 *               they are complete and kept
 *
 * Kept is what pays: reading took a millisecond, writing a small part of that. A few pieces in a row that did not pay end
 * it for the query, so a query that finds nothing loses next to nothing. What went to disk half-way, failed or
 * was cancelled is never complete.
 */
#pragma once

#include "query/exec/aggregate_spill.h"

typedef struct ovi_keeper ovi_keeper;

/* *out stays NULL where nothing may be kept. states, parts: one a worker. */
OV_CHECKED ov_status ovi_kept_open(const agg_spec *spec, agg_state *states, agg_parts **parts, ovi_spill *spill, ovi_keeper **out,
                                   ov_error *err);
/* All of these take NULL. */
void ovi_kept_drop(ovi_keeper *k); /* no more rows come; texts stay, as ovi_agg_state_drop leaves them */
void ovi_kept_fini(ovi_keeper *k);

/* See ovi_by_segment. */
OV_CHECKED ov_status ovi_kept_look(ovi_keeper *k, ovi_worker *w, uint32_t i, uint64_t ordinal, bool *known, ov_error *err);
OV_CHECKED ov_status ovi_kept_enter(ovi_keeper *k, ovi_worker *w, uint32_t i, uint64_t rows, ov_error *err);
OV_CHECKED ov_status ovi_kept_leave(ovi_keeper *k, ovi_worker *w, uint32_t i, uint64_t ordinal, uint32_t chunks, uint32_t of,
                                    ov_error *err);
/* Where n rows of the worker go: *s changes while it is in a segment that may be kept. */
OV_CHECKED ov_status ovi_kept_state(ovi_keeper *k, ovi_worker *w, uint32_t n, agg_state **s, ov_error *err);
