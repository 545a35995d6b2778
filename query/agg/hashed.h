/*
 * Values as hashes, for sketches that count distinct ones: what all of them do with a batch before they differ.
 *
 * Every value that counts becomes one 64-bit word that depends on the value only, and the kind's `put` gets it with the row's group. Words of a dictionary
 * column are made once per code and domain.
 *
 * Source: Druid hashes whole numbers as 64 bits, others as doubles, each value of a list by itself, and counts neither NULL nor empty text.
 */
#pragma once

#include "query/agg/object.h"
#include "sketch/sketch.h"

typedef struct ov_hashing {
    bool utf16;                     /* text by its UTF-16, else by its UTF-8 */
    uint64_t (*word)(ov_hash128 h); /* 0: no value */
    ov_status (*put)(ov_object *o, uint32_t group, uint64_t word, ov_error *err);
} ov_hashing;

/* Words of the codes of the last few domains. */
enum { OV_HASHED_DOMAINS = 4 };
typedef struct ov_hashed {
    struct {
        uint64_t id;
        uint32_t count;
        uint64_t *words; /* 0: not made yet */
    } domain[OV_HASHED_DOMAINS];
    uint32_t next;
} ov_hashed;

/* open and close of an object whose `shared` is an ov_hashed. */
OV_CHECKED ov_status ov_hashed_open(ov_object *o, ov_error *err);
void ov_hashed_close(ov_object *o);
OV_CHECKED ov_status ov_hashed_add(ov_object *o, const ov_hashing *h, const ov_agg_rows *rows, const uint64_t *mask,
                                   const ov_vec *x, ov_arena *scratch, ov_error *err);
