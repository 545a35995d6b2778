/*
 * Plans that are kept: the same statement over the same columns is not parsed, bound and optimised again.
 *
 * A plan (ov_planned) is read-only once it is made, and counted: queries that run hold it, the cache holds it, the last one
 * frees it. It has its own copy of what it knows about datasources (ov_plan_tables), pins the lookups it was made from, and serves
 * queries that see the very same lookups and the same columns: rows that arrive leave it be. Found by the whole text of the statement and all else that goes into a
 * plan (query/plan_key.h); nothing is told by a hash alone. What depends on the moment (CURRENT_TIMESTAMP, sub-queries whose
 * rows became constants, tables made on the spot) is never kept: no result is.
 *
 * Each plan remembers what its runs cost, so that callers know which statements are quick before they run them.
 *
 * Threads: any.
 */
#pragma once

#include "base/buf.h"
#include "query/expr/lookup.h"
#include "query/plan/plan_tables.h"

typedef struct ov_plan_cache ov_plan_cache;

typedef struct ov_planned {
    _Atomic uint32_t refs;
    ov_budget budget; /* of the arena: below the query's while it is made, below `all` once it is kept */
    ov_arena arena;
    ov_expr_ctx expr;
    ov_plan_tables tables;
    _Atomic uint64_t fits;  /* version of a snapshot that it was found to fit; 0: none */
    ov_lookup_set *lookups; /* retained, may be NULL */
    const ov_plan *plan;
    bool of_the_moment;     /* sub-queries ran while it was made, */
    bool made_tables;       /* over tables made on the spot */
    _Atomic uint32_t cost_us; /* of a run, about; OV_COST_UNKNOWN before the first */

    /* the cache's own */
    struct ov_planned *next;           /* of its chain */
    struct ov_planned *older, *newer;  /* by last use */
    uint64_t hash;
    ov_slice key;
} ov_planned;

#define OV_COST_UNKNOWN UINT32_MAX

/* A run took so long. It is about the same work every time: the least time seen is the best estimate, what came on top was the
 * machine; but it rises slowly, should memory have become cold or rows more. */
void ov_planned_ran(ov_planned *p, int64_t micros);

/* An empty one with one count, its memory charged to `budget`; the snapshot must stay until it is detached or released. */
OV_CHECKED ov_status ov_planned_create(const ov_snapshot *snapshot, ov_lookup_set *lookups, ov_budget *budget, ov_planned **out,
                                       ov_error *err);
/* It is complete, and needs the snapshot no longer. */
void ov_planned_detach(ov_planned *p);
void ov_planned_release(ov_planned *p); /* NULL is fine */

/* `all`: pays for what is kept; most: bytes of it. */
OV_CHECKED ov_status ov_plan_cache_create(ov_budget *all, size_t most, ov_plan_cache **out, ov_error *err);
void ov_plan_cache_destroy(ov_plan_cache *c); /* NULL is fine */

/* A kept plan that fits these, with a count for the caller; NULL: there is none. */
ov_planned *ov_plan_cache_find(ov_plan_cache *c, ov_slice key, const ov_snapshot *snapshot, const ov_lookup_set *lookups);

/* Keep `p` under `key`, if it is worth it; whoever made it calls this once it is complete and before others see it.
 * From then on its memory is no longer the query's. */
void ov_plan_cache_keep(ov_plan_cache *c, ov_slice key, ov_planned *p);

typedef struct ov_plan_cache_counts {
    uint64_t hits, misses;
    uint32_t plans;
    size_t bytes;
} ov_plan_cache_counts;
/* Counts since it was made, and what is kept now. */
void ov_plan_cache_count(ov_plan_cache *c, ov_plan_cache_counts *out);
