/*
 * Tables that are made on the spot: INFORMATION_SCHEMA and sys. They are ordinary inputs of plans,
 * so all of SQL works on them.
 *
 * What they show is the query's snapshot of the catalog, the function tables and, for tasks, the
 * catalog now.
 */
#pragma once

#include "query/query.h"

/* All of them, those of env->systables in front (a name of theirs wins over ours), and a table for each lookup behind. Lives in
 * the arena, which must outlive neither env nor the lookups. */
OV_CHECKED ov_status ov_system_tables(const ov_query_env *env, const struct ov_lookup_set *lookups, ov_arena *arena,
                                      const ov_systable *const **out, uint32_t *count, ov_error *err);
