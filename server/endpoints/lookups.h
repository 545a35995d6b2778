/*
 * The lookups of this server: what was asked for (kept in the catalog), and the maps that queries read.
 *
 * A lookup is read before the request that asks for it is answered; its specification is kept only when that went well. At the start
 * every lookup is read again; one that cannot be is tried again every minute and queries do without it until then. A thread reads those
 * with a pollPeriod anew.
 *
 * Threads: any.
 */
#pragma once

#include "base/json.h"
#include "query/expr/lookup.h"
#include "query/query.h"

typedef struct ov_lookup_store ov_lookup_store;

/* env->lookups is set; env must outlive the store. Reads what the catalog keeps. */
OV_CHECKED ov_status ov_lookup_store_open(ov_query_env *env, ov_lookup_store **out, ov_error *err);
void ov_lookup_store_close(ov_lookup_store *s); /* NULL is fine */

/* spec: {"version", "lookupExtractorFactory"}. OV_INVALID when the version is not later than the one there is. */
OV_CHECKED ov_status ov_lookup_store_put(ov_lookup_store *s, ov_slice tier, ov_slice name,
                                         const ov_json *spec, ov_error *err);
/* {tier: {name: spec}}: all of them, seen and kept at once, or none when one cannot be. */
OV_CHECKED ov_status ov_lookup_store_put_all(ov_lookup_store *s, const ov_json *tiers, ov_error *err);
/* name.p NULL: all of the tier. *found: there was one. */
OV_CHECKED ov_status ov_lookup_store_drop(ov_lookup_store *s, ov_slice tier, ov_slice name,
                                          bool *found, ov_error *err);
/* {tier: {name: spec}}, a copy in the arena. */
OV_CHECKED ov_status ov_lookup_store_config(ov_lookup_store *s, ov_arena *a, ov_json **out,
                                            ov_error *err);
