/*
 * The timeline: which segments answer for which instants when versions overlap.
 *
 * Segments with the same interval and version form a chunk. A chunk is complete when its core partitions
 * 0 .. core-1 are all there; appended partitions lie outside the core set. For every instant the complete
 * chunk with the greatest version answers, so a newer chunk hides a whole older one or only a part of it.
 * Versions compare as text. Source: Druid's VersionedIntervalTimeline, druid-api 5.5.
 *
 *      v1   |-----------------|            chunk v1 keeps two parts,
 *      v2         |-----|                  chunk v2 keeps one
 *      who   1111  22222 111111
 *
 * Threads: pure; the result is read-only.
 */
#pragma once

#include "base/arena.h"
#include "base/datetime.h"

/* One segment in. */
typedef struct ov_timeline_item {
    ov_interval span; /* start < end */
    ov_slice version;
    uint32_t partition;
    uint32_t core; /* core partitions of its chunk; 0 = complete whatever is there */
} ov_timeline_item;

typedef struct ov_timeline_chunk {
    ov_interval span;
    ov_slice version;
    const uint32_t *items; /* numbers of its segments, by partition */
    uint32_t item_count;
    uint32_t core;            /* the greatest that any of its segments names */
    bool complete;
    const ov_interval *parts; /* where it answers: ascending, disjoint, not touching */
    uint32_t part_count;      /* 0 = overshadowed or incomplete */
} ov_timeline_chunk;

/* A stretch of time answered by one chunk. */
typedef struct ov_timeline_piece {
    ov_interval span;
    uint32_t chunk;
} ov_timeline_piece;

typedef struct ov_timeline {
    ov_timeline_chunk *chunks; /* by start, end, version */
    uint32_t chunk_count;
    ov_timeline_piece *pieces; /* ascending, disjoint */
    uint32_t piece_count;
} ov_timeline;

/* Versions are borrowed from `items`; everything else lives in `out`. Cost: n log n. */
OV_CHECKED ov_status ov_timeline_build(const ov_timeline_item *items, uint32_t count, ov_arena *out,
                                       ov_timeline *timeline, ov_error *err);
