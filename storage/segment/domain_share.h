/*
 * One identity for equal dictionaries of different segments.
 *
 * Regular data has the same dictionary in segment after segment: the stations of a city, the repositories of an
 * organisation. When such dictionaries carry one domain id, the executor goes on adding to the same dense
 * table over all of them and decodes, merges and maps each distinct value once per query instead of once per segment.
 *
 * Equality is that of two 64-bit hashes of each part (XXH3 with seed 0 and with the process's seed), the lengths, the type
 * and the NULL flag.
 *
 * Threads: any.
 */
#pragma once

#include "storage/vec.h"

typedef struct ovi_shared_domain ovi_shared_domain;

/* The identity of these contents, counted; NULL when memory is out (the caller then makes an id of its own).
 * parts: what the values are made of, in a fixed order. */
ovi_shared_domain *ovi_domain_share(const ov_domain *d, const ov_slice *parts, uint32_t count,
                                    uint64_t *id);
void ovi_domain_unshare(ovi_shared_domain *s); /* NULL is fine */
