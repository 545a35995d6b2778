/*
 * Whole answers that are kept: the same question over the same state of the data is not asked again.
 *
 * The key is all that goes into an answer's bytes: what was asked, in which form, the number of the catalog's state, the
 * versions of all lookups. So nothing is ever stale, and nothing needs to be thrown away when data comes: answers of older
 * states are simply not found any more and make room as the least used. Not kept are answers that depend on the moment (the
 * time of day, random numbers, tables made on the spot) and those larger than what is sent in one piece.
 *
 * A request's context may say useResultLevelCache or populateResultLevelCache: false; useCache and populateCache: false mean
 * the same here.
 *
 * Threads: a use belongs to one request; the cache behind it to all.
 */
#pragma once

#include "base/blob_cache.h"
#include "query/query.h"
#include "server/app.h"

typedef struct ov_result_use {
    ov_blob_cache *cache;
    ov_buf key;
    uint64_t version;       /* of the catalog, and */
    ov_lookup_set *lookups; /* the lookups, retained, that the key names */
    bool looked;            /* both are known */
    bool reads, keeps;
} ov_result_use;

/* kind: what sort of question the key is of; context: of the request, may be NULL. */
void ov_result_use_begin(ov_result_use *u, ov_app *app, char kind, const ov_json *context);
void ov_result_use_end(ov_result_use *u);
/* The number of the catalog's state and the versions of the lookups, those of the key, for an ETag. */
void ov_result_use_state(ov_result_use *u, ov_app *app, ov_buf *out);
/* More of the key. */
void ov_result_use_add(ov_result_use *u, ov_slice text);
/* The members of the context that answers depend on. */
void ov_result_use_add_context(ov_result_use *u, const ov_json *context);
/* The kept answer, held for the caller; NULL: there is none, or it is not to be used. */
ov_blob *ov_result_use_find(ov_result_use *u);
/* What `q` answered, whole. */
void ov_result_use_keep(ov_result_use *u, const ov_query *q, ov_slice body);
