/*
 * A table of distinct strings: text to small number and back. Numbers count up from 1; 0 is NULL.
 *
 * Grouping and COUNT(DISTINCT) work on these numbers. Dictionary columns are translated code by code, once per
 * distinct value and domain, through an ov_strmap.
 *
 * Threads: one at a time.
 */
#pragma once

#include "base/arena.h"
#include "storage/vec.h"

typedef struct ov_strtab {
    ov_budget *budget;
    ov_slice *text;  /* by number; text[0] is NULL */
    uint32_t count;  /* numbers in use, NULL included: the next number */
    uint32_t cap;
    uint64_t *slots; /* hash in the high half, number in the low; 0 = free */
    uint32_t slot_count;
    ov_arena bytes;  /* of strings that were copied */
} ov_strtab;

OV_CHECKED ov_status ov_strtab_init(ov_strtab *t, ov_budget *budget, ov_error *err);
void ov_strtab_fini(ov_strtab *t);
/* copy: the bytes do not outlive the call. Otherwise they must outlive the table. */
OV_CHECKED ov_status ov_strtab_add(ov_strtab *t, ov_slice s, bool copy, uint32_t *number, ov_error *err);
/* The same of n strings; those that valid (NULL: all are) has no bit for get number 0. Places in a large table are fetched together, and a string
 * that repeats the one before is not looked up. */
OV_CHECKED ov_status ov_strtab_add_all(ov_strtab *t, const ov_slice *s, const uint64_t *valid, uint32_t n, bool copy, uint32_t *number,
                                       ov_error *err);
/* The numbers of all strings of src here: number[i] of src's number i. Texts that src only borrows are borrowed; those it
 * owns are copied unless `lent` says that src outlives t. Hashes are src's, so texts are not read unless two are equal. */
OV_CHECKED ov_status ov_strtab_take(ov_strtab *t, const ov_strtab *src, bool lent, uint32_t *number, ov_error *err);

/* The numbers here of the strings in src's slots [from, to), as ov_strtab_take gives them, without adding any:
 * OV_STRTAB_NONE for those that are not here. Any thread while nobody adds to either. */
#define OV_STRTAB_NONE UINT32_MAX
void ov_strtab_find_slots(const ov_strtab *t, const ov_strtab *src, size_t from, size_t to, uint32_t *number);

/* The number of s, 0 when it was never added. Any thread while nobody adds. */
uint32_t ov_strtab_find(const ov_strtab *t, ov_slice s);

/* Codes of the last few domains to numbers of one table. */
enum { OV_STRMAP_DOMAINS = 4 };
typedef struct ov_strmap {
    struct {
        uint64_t id;
        uint32_t count, cap;
        uint32_t *number_plus_1; /* 0: not translated yet */
    } domain[OV_STRMAP_DOMAINS];
    uint32_t next;
} ov_strmap;

void ov_strmap_fini(ov_strmap *m, ov_budget *budget);
/* The translation array of a domain; entries that are 0 go through ov_strmap_fill. */
OV_CHECKED ov_status ov_strmap_of(ov_strmap *m, ov_strtab *t, const ov_domain *d, uint32_t **number_plus_1,
                                  ov_error *err);
OV_CHECKED ov_status ov_strmap_fill(ov_strtab *t, const ov_domain *d, uint32_t code,
                                    uint32_t *number_plus_1, ov_error *err);
/* The same for n codes, some of which may be there already: number_plus_1 is the whole translation array. Places of new
 * texts in a large table are fetched together. */
OV_CHECKED ov_status ov_strmap_fill_all(ov_strtab *t, const ov_domain *d, const uint32_t *codes, uint32_t n,
                                        uint32_t *number_plus_1, ov_error *err);
