/*
 * Lists of a batch, and columns of their elements, for UNNEST.
 */
#pragma once

#include "base/bits.h"
#include "query/exec/exec_int.h"

static const uint32_t OVI_NO_ELEMENT = UINT32_MAX;

/* The lists of a batch, whatever their encoding. */
typedef struct ovi_unnest_list {
    const ov_vec *child;
    const uint32_t *offsets; /* list i is elements [offsets[i], offsets[i + 1]) */
    const uint32_t *codes;   /* row r has list codes[r]; NULL: list r */
    const uint64_t *valid;   /* of the lists */
    bool null_is_code_0;
    bool one;                /* all rows have the list 0 */
    bool plain;              /* rows are their own element */
    bool none;               /* all are NULL */
    uint32_t one_list[2];
} ovi_unnest_list;

/* The elements of row r. */
OV_INLINE void ovi_unnest_at(const ovi_unnest_list *l, uint32_t r, uint32_t *first, uint32_t *end)
{
    uint32_t i = l->one ? 0 : l->codes ? l->codes[r] : r;
    *first = *end = 0;
    if (l->plain) {
        *first = r;
        *end = r + 1;
        return;
    }
    if (l->none || (l->null_is_code_0 && i == 0) || (l->valid && !ov_bits_test(l->valid, i)))
        return;
    *first = l->offsets[i];
    *end = l->offsets[i + 1];
}

/* A dictionary with a NULL in front of the codes of another. */
typedef struct ovi_wider_domain {
    uint64_t of;
    ov_domain domain;
    struct ovi_wider_domain *next;
} ovi_wider_domain;

/* Elements of one list, by number. */
typedef struct ovi_unnest_picks {
    ovi_worker *down;        /* whose memory the columns are in */
    ovi_wider_domain *wider; /* made so far */
    uint32_t *elem;          /* OVI_NO_ELEMENT: there is none */
    uint32_t count;
    bool missing;            /* for some there is none */
} ovi_unnest_picks;

/* v: an array, a multi-value string or a plain value, which is its own element. */
OV_CHECKED ov_status ovi_unnest_lists(const ov_vec *v, ov_arena *scratch, ovi_unnest_list *out, ov_error *err);
OV_CHECKED ov_status ovi_unnest_elements(ovi_unnest_picks *s, const ovi_unnest_list *l, ov_type type, ov_vec *out, ov_error *err);
