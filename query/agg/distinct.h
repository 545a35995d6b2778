/*
 * Sets of values per group, for exact COUNT(DISTINCT x).
 *
 * A value is a 64-bit number: integers as they are, doubles by their bits (one zero, one NaN), strings by their
 * number in a string table. The set holds (group, value) pairs. For dictionary columns a bitmap over
 * group x code in front of it stops what the set has seen already, so a row costs one bit test.
 *
 * Threads: one at a time.
 */
#pragma once

#include "query/agg/strtab.h"

typedef struct ov_distinct {
    ov_budget *budget;
    ov_type type;
    ov_strtab strings; /* of text and complex values */
    ov_strmap map;
    uint64_t *slots; /* pairs: value, group + 1 (0 = free) */
    size_t slot_count, used;
    /* seen[group * domain count + code] for the domain below; of small integers the domain is SMALL_DOMAIN */
    uint64_t *seen;
    size_t seen_words;
    uint64_t seen_domain;
    uint32_t seen_groups;
} ov_distinct;

OV_CHECKED ov_status ov_distinct_init(ov_distinct *d, ov_type type, ov_budget *budget, ov_error *err);
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
/* The value of a code that is not NULL. */
OV_CHECKED ov_status ov_distinct_code_value(ov_distinct *d, const ov_domain *dom, uint32_t code, uint64_t *value,
                                            ov_error *err);
/* The values of groups group[0..n), ascending (as numbers; strings by their numbers): those of group[i] are
 * values[offsets[i]] .. values[offsets[i + 1]]; no group twice. One pass over all pairs. groups: how many there are. */
OV_CHECKED ov_status ov_distinct_list(const ov_distinct *d, uint32_t groups, const uint32_t *group, uint32_t n,
                                      ov_arena *out, size_t **offsets, uint64_t **values, ov_error *err);
/* Adds the pairs of src with group g as map[g]. Strings of src must outlive d or are copied. */
OV_CHECKED ov_status ov_distinct_merge(ov_distinct *d, const ov_distinct *src, const uint32_t *map,
                                       uint64_t *n, ov_error *err);

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
