/*
 * Sets of values per group, for exact COUNT(DISTINCT x).
 *
 * A value is a 64-bit number: integers as they are, doubles by their bits (one zero, one NaN), strings by their
 * number in a string table. What a group has is
 *
 *   owner   of text: the group that had a value first, by the value's number. Values of many kinds (ids, hashes, addresses) are of
 *           one group only, so most rows end here, in an array that is written in order
 *   first   of numbers: the value that a group had first, by the group. Where groups are many most have one value or the same again and again
 *   seen    a bitmap over group x code of one dictionary, which stops what the set has already
 *   pairs   (group, value) of everything else
 *
 * Threads: one at a time.
 */
#pragma once

#include "query/agg/pairs.h"
#include "query/agg/strtab.h"

typedef struct ov_distinct {
    ov_budget *budget;
    ov_type type;
    ov_strtab *strings; /* of text and complex values: own, or another set's */
    ov_strtab own;
    ov_strmap map;
    uint32_t *owner; /* group + 1 by number of a string; 0: nobody's */
    uint32_t owner_cap, owned;     /* pairs that owner or first has */
    uint32_t owner_low, owner_end; /* numbers that have one lie in here */
    uint64_t *first;               /* marks of values; 0: none. The value whose mark is 0 is a pair */
    uint32_t first_cap, first_end; /* groups that have one lie in front of the end */
    ov_pairs pairs;
    /* seen[group * domain count + code] for the domain below; of small integers the domain is SMALL_DOMAIN */
    uint64_t *seen;
    size_t seen_words;
    uint64_t seen_domain;
    uint32_t seen_groups;
} ov_distinct;

/* A walk over all pairs of a set; starts as zeros. */
typedef struct ov_distinct_at {
    size_t place;
} ov_distinct_at;

OV_CHECKED ov_status ov_distinct_init(ov_distinct *d, ov_type type, ov_budget *budget, ov_error *err);
/* d, which is empty, numbers its strings as `with` does from now on. Both belong to one thread. */
void ov_distinct_share(ov_distinct *d, ov_distinct *with);
void ov_distinct_fini(ov_distinct *d);
void ov_distinct_reset(ov_distinct *d); /* forgets all pairs */
/* Adds a pair; *fresh tells whether it is new. */
OV_CHECKED ov_status ov_distinct_put(ov_distinct *d, uint32_t group, uint64_t value, bool *fresh, ov_error *err);
/* The same; n[group] grows when it is new. */
OV_CHECKED ov_status ov_distinct_add(ov_distinct *d, uint32_t group, uint64_t value, uint64_t *n,
                                     ov_error *err);
/* `count` pairs at once. */
OV_CHECKED ov_status ov_distinct_add_pairs(ov_distinct *d, const uint32_t *group, const uint64_t *value, size_t count,
                                           uint64_t *n, ov_error *err);
/* The same of texts, where codes[i] of dom may be NULL, which is none. groups: how many there are. */
OV_CHECKED ov_status ov_distinct_add_texts(ov_distinct *d, uint32_t groups, const uint32_t *group, const ov_domain *dom,
                                           const uint32_t *codes, uint32_t count, uint64_t *n, ov_error *err);
/* Adds a code of a domain that is not NULL. groups: how many there are. */
OV_CHECKED ov_status ov_distinct_add_code(ov_distinct *d, uint32_t groups, uint32_t group,
                                          const ov_domain *dom, uint32_t code, uint64_t *n, ov_error *err);
/* Marks a code as seen by a group, without adding anything; *seen tells whether it was, or false where marks do not fit
 * the memory for them. */
OV_CHECKED ov_status ov_distinct_seen(ov_distinct *d, uint32_t groups, uint32_t group, const ov_domain *dom, uint32_t code,
                                      bool *seen, ov_error *err);
/* Adds an integer 0 .. OV_DISTINCT_SMALL - 1. */
enum { OV_DISTINCT_SMALL = 1024 };
OV_CHECKED ov_status ov_distinct_add_small(ov_distinct *d, uint32_t groups, uint32_t group, uint32_t value,
                                           uint64_t *n, ov_error *err);
OV_CHECKED ov_status ov_distinct_add_str(ov_distinct *d, uint32_t group, ov_slice s, uint64_t *n,
                                         ov_error *err);
/* The values of groups group[0..n), ascending (as numbers; strings by their numbers): those of group[i] are
 * values[offsets[i]] .. values[offsets[i + 1]]; no group twice. One pass over all pairs. groups: how many there are. */
OV_CHECKED ov_status ov_distinct_list(const ov_distinct *d, uint32_t groups, const uint32_t *group, uint32_t n,
                                      ov_arena *out, size_t **offsets, uint64_t **values, ov_error *err);
/* Adds the pairs of src with group g as map[g], unless that is OV_NO_PARTNER. Strings of src must outlive d or are copied. */
#define OV_NO_PARTNER UINT32_MAX
OV_CHECKED ov_status ov_distinct_merge(ov_distinct *d, const ov_distinct *src, const uint32_t *map,
                                       uint64_t *n, ov_error *err);

/* What that would add to n, without adding any pair: of those at places [from, to) of src, of which there are ov_distinct_places.
 * numbers: of src's strings here (ov_strtab_find_slots). Any thread while nobody adds to either. */
size_t ov_distinct_places(const ov_distinct *src);
void ov_distinct_count_missing(const ov_distinct *d, const ov_distinct *src, const uint32_t *map, const uint32_t *numbers,
                               size_t from, size_t to, uint64_t *n);

/* The next pair; false when there is none. */
bool ov_distinct_next(const ov_distinct *d, ov_distinct_at *at, uint32_t *group, uint64_t *value);
/* How many pairs. */
static inline size_t ov_distinct_used(const ov_distinct *d)
{
    return d->pairs.used + d->owned;
}
/* Bytes that pairs take, and that n more may take besides (strings apart). */
size_t ov_distinct_bytes(const ov_distinct *d);
size_t ov_distinct_growth(const ov_distinct *d, size_t n);

/* Values are numbers of `strings`. */
static inline bool ov_distinct_of_text(const ov_distinct *d)
{
    return !ov_type_is_int(d->type) && !ov_type_is_real(d->type);
}

/* a comes behind b; NaN is the greatest. */
static inline bool ovi_real_above(double a, double b)
{
    return a > b || (a != a && b == b);
}

static inline uint64_t ov_distinct_real(double v)
{
    uint64_t bits;
    if (v == 0)
        v = 0;
    if (v != v)
        v = __builtin_nan("");
    memcpy(&bits, &v, sizeof(bits));
    return bits;
}
