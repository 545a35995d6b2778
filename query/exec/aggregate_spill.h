/*
 * Groupings larger than memory, private to the aggregate*.c files.
 *
 * A state that must go is cut into partitions by a hash of its keys' values, and appended to the partitions' lists of
 * blocks: key columns by value, then for every accumulator its states as bytes. At the end partitions are read back one by
 * one, merged and handed on; one that is still too large is cut again by the next bits of the hash.
 *
 * Sets of COUNT(DISTINCT), SUM(DISTINCT) and their like may be larger than memory in a single group. Their pairs of group and value are
 * partitioned by a hash of both, so each partition can say how many different values it has for each group and what they come to,
 * and that adds up (ov_set_totals).
 */
#pragma once

#include "query/exec/aggregate.h"
#include "query/exec/spill_rows.h"

enum { AGG_PART_BITS = 5, AGG_PARTS = 1 << AGG_PART_BITS, AGG_MOST_LEVELS = 6 };

/* What states left on disk, by partition of one level. */
typedef struct agg_parts {
    struct agg_parts *next; /* of those made by a merge */
    uint32_t level;
    bool any;
    ovi_blocks groups[AGG_PARTS];
    ovi_blocks (*pairs)[AGG_PARTS]; /* per accumulator; only those of sets are used */
} agg_parts;

OV_CHECKED ov_status ovi_parts_make(const agg_spec *spec, uint32_t level, ov_arena *arena, agg_parts **out,
                                    ov_error *err);
void ovi_parts_free(agg_parts *p, const agg_spec *spec);

/* Should the state go to disk before it takes n more rows? */
bool ovi_agg_due(const agg_state *s, const agg_spec *spec, uint32_t n);
/* What merging src into dst and sorting the groups takes, about. */
size_t ovi_agg_finish_bytes(const agg_state *s, const agg_spec *spec);
/* The state's groups to the partitions; the state is as new then. */
OV_CHECKED ov_status ovi_agg_spill(agg_state *s, const agg_spec *spec, ovi_spill *file, agg_parts *to,
                                   ov_arena *scratch, ov_error *err);
/* Merges what lies in `from` and hands it on: sorted by key unless the sink takes any order. */
OV_CHECKED ov_status ovi_agg_emit_parts(const agg_spec *spec, ovi_spill *file, agg_parts **from, uint32_t count,
                                        ovi_sink *sink, ov_error *err);
