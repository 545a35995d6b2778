/*
 * A set of whole numbers that lie close together: a bit for each number between the least and the greatest one, and for
 * each word of bits how many members come before it. Members are numbered 0, 1, 2 ... in ascending order, so the set
 * is also a table from members to numbers that takes a fifth of a byte for each number in its span, and a question
 * touches one or two cache lines.
 *
 * Memory is the budget's until fini. Threads: any may ask once ovi_keyset_rank has run.
 */
#pragma once

#include "base/bits.h"
#include "query/agg/strtab.h"

typedef struct ovi_keyset {
    ov_budget *budget;  /* NULL: there is no set */
    uint64_t min, span; /* members lie in [min, min + span), as 64-bit words that wrap */
    uint64_t *bits;     /* of member - min */
    uint32_t *before;   /* members before each word */
    uint32_t count;
} ovi_keyset;

#define OVI_NO_MEMBER UINT32_MAX

OV_CHECKED ov_status ovi_keyset_init(ovi_keyset *s, uint64_t min, uint64_t span, ov_budget *budget, ov_error *err);
void ovi_keyset_fini(ovi_keyset *s);

/* at: member - min, below span. */
static inline void ovi_keyset_add(ovi_keyset *s, uint64_t at)
{
    ov_bits_set(s->bits, at);
}
/* All members are there: numbers them. */
void ovi_keyset_rank(ovi_keyset *s);

/* Numbers of at[i], below span wherever live has bit i; OVI_NO_MEMBER elsewhere and for those who are no members. */
void ovi_keyset_find(const ovi_keyset *s, const uint64_t *at, const uint64_t *live, uint32_t rows, uint32_t *number);

/* Whether some member lies between these two, both included. */
bool ovi_keyset_meets(const ovi_keyset *s, int64_t low, int64_t high);

/* Clears bits of sel whose value is no member. */
void ovi_keyset_keep(const ovi_keyset *s, const int64_t *values, uint32_t rows, uint64_t *sel);
