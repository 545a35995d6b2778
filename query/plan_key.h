/*
 * What of a request goes into its plan: the key under which plans are kept, and texts that live as long as they do; and what
 * partial results of segments depend on.
 *
 * Threads: any.
 */
#pragma once

#include "query/query.h"

/* Everything that goes into a plan but the catalog and lookups; false when that cannot be said in few bytes. */
bool ovi_plan_key(const ov_query_request *rq, ov_buf *key);
/* Plans point into the text of their statement and into its parameters, so one that may be kept has its own. */
OV_CHECKED ov_status ovi_plan_own_texts(const ov_query_request *rq, ov_arena *arena, ov_query_request *own, ov_error *err);
/* Where this query finds and keeps partial results of segments, and what its expressions mean depends on beside their
 * arguments: the zone, the lookups (their maps by number). *out stays as it is when there is no such place, or no plan. */
OV_CHECKED ov_status ovi_states_of(const ov_query_env *env, const ov_query_request *rq, const ov_planned *p, ov_arena *arena,
                                   ov_kept_states *out, ov_error *err);
