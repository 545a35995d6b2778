/*
 * A bounded cache of byte strings under byte strings: what was not asked for longest goes first.
 *
 * Values never change and are shared: who got one keeps it until it lets go, also when the cache has dropped it. What a
 * key must say to be right (which query, which version of which data) is the caller's: the cache only compares bytes.
 *
 * Threads: any.
 */
#pragma once

#include <stdatomic.h>
#include "base/buf.h"
#include "base/slice.h"
#include "base/status.h"

typedef struct ov_blob_cache ov_blob_cache;

typedef struct ov_blob { /* read only */
    _Atomic uint32_t refs;
    size_t n;
    char p[];
} ov_blob;

typedef struct ov_blob_cache_stats {
    uint64_t hits, misses, stored, dropped; /* dropped: to make room */
    uint64_t bytes, entries;                /* now */
} ov_blob_cache_stats;

/* Room for `limit` bytes of keys and values, overheads included; one value may take an eighth of it. 0: keeps nothing. */
OV_CHECKED ov_status ov_blob_cache_create(size_t limit, ov_blob_cache **out, ov_error *err);
void ov_blob_cache_destroy(ov_blob_cache *c); /* NULL is fine; values that are held live on */

/* The value, held for the caller; NULL when there is none. */
ov_blob *ov_blob_cache_get(ov_blob_cache *c, ov_slice key);
void ov_blob_release(ov_blob *blob); /* NULL is fine */

/* Keep a copy of the value in place of what the key had. Nothing happens when it is too large or memory is short: a cache
 * owes nothing. */
void ov_blob_cache_put(ov_blob_cache *c, ov_slice key, ov_slice value);
/* Would a value of so many bytes be kept? */
bool ov_blob_cache_takes(const ov_blob_cache *c, size_t bytes);

/* Counts since it was made. */
void ov_blob_cache_stats_of(ov_blob_cache *c, ov_blob_cache_stats *out);

/* One part of a key: its length, then its bytes, so that no two lists of parts give the same key. */
void ov_key_add(ov_buf *key, ov_slice part);
