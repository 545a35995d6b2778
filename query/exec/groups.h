/*
 * The table of groups: packed keys to group numbers 0, 1, 2 ...
 *
 * A key is `width` 64-bit words. Numbers take a word, strings (as numbers of a string table) half a word, NULLs of
 * numbers one bit each, side by side in half words of their own.
 *
 * Threads: one at a time.
 */
#pragma once

#include "query/agg/strtab.h"

typedef struct ovi_key_field {
    ov_type type;
    uint8_t shift;     /* of a string number: 0 or 32 */
    uint32_t word;
    uint32_t null_bit; /* of a number that may be NULL: which one, from 1; 0 for all others */
} ovi_key_field;

typedef struct ovi_key_layout {
    ovi_key_field *fields;
    uint32_t count;
    uint32_t width;      /* words, at least 1 */
    uint32_t null_word;  /* where the null bits begin */
} ovi_key_layout;

/* types[i], nullable[i] of each key. */
OV_CHECKED ov_status ovi_key_layout_make(const ov_type *types, const bool *nullable, uint32_t count,
                                         ov_arena *out, ovi_key_layout *layout, ov_error *err);

typedef struct ovi_groups {
    ov_budget *budget;
    uint32_t width;
    uint64_t *keys; /* count x width */
    uint32_t count, cap;
    uint64_t *slots; /* hash in the high half, group + 1 in the low; by_number: group + 1 */
    uint32_t slot_count;
    bool by_number;  /* keys are numbers that somebody gives one after another: the slot of a key is the one with its number */
} ovi_groups;

OV_CHECKED ov_status ovi_groups_init(ovi_groups *g, uint32_t width, ov_budget *budget, ov_error *err);
void ovi_groups_fini(ovi_groups *g);
/* Group numbers of n keys (row-major); new ones are added. */
OV_CHECKED ov_status ovi_groups_find(ovi_groups *g, const uint64_t *keys, size_t n, uint32_t *group,
                                     ov_error *err);

/* The same without adding, of rows whose bit in live is set: OVI_NO_GROUP where there is none and for the other rows.
 * Any thread while nobody adds. */
#define OVI_NO_GROUP UINT32_MAX
void ovi_groups_lookup(const ovi_groups *g, const uint64_t *keys, const uint64_t *live, uint32_t n, uint32_t *group);

static inline uint64_t ovi_key_number(uint64_t bits)
{
    return bits;
}
/* Doubles that are equal have equal bits: one zero, one NaN. */
static inline uint64_t ovi_key_real(double v)
{
    uint64_t bits;
    v = v == 0 ? 0 : v != v ? __builtin_nan("") : v;
    memcpy(&bits, &v, sizeof(bits));
    return bits;
}
/* No groups; memory stays. */
void ovi_groups_clear(ovi_groups *g);
