/*
 * Collected values: the state behind ARRAY_AGG, ARRAY_CONCAT_AGG and STRING_AGG.
 *
 * A group holds its values as 64-bit words (numbers by their bits, text by its number in one table for all groups) and
 * *marks*: word `start` and those behind it came from the batch at this place of the input. Workers' states are merged
 * by putting words and marks behind each other; only results are put in order, so they are in the order of the
 * input however many workers there were. With DISTINCT a set of (group, word) pairs stands in front, and results come
 * sorted, NULL first.
 *
 * All values of a group become one value, so they must fit in memory together: going to disk helps with many groups only.
 */
#pragma once

#include "query/agg/distinct.h"
#include "query/agg/object.h"

typedef struct ov_collect_mark {
    uint64_t ordinal;
    uint32_t start;
} ov_collect_mark;

/* The head of one group. */
typedef struct ov_collect {
    uint64_t *words;
    uint64_t *nulls; /* bit per word; NULL while there is none */
    ov_collect_mark *marks;
    uint64_t bytes; /* of the values: 8 a number, text by its length */
    uint32_t n, cap;
    uint32_t mark_count, mark_cap;
    bool rows;     /* some row took part, even if it gave no value */
    bool has_null; /* DISTINCT: NULL is among the words */
} ov_collect;

/* What all groups share. */
typedef struct ov_collect_shared {
    ov_distinct set; /* its string table holds the text, its pairs are used by DISTINCT only */
    bool distinct;
    bool keeps_null;  /* NULL is a value */
    bool opens_lists; /* arguments are lists: their elements are the values */
    bool none_is_null; /* a list without elements is one NULL */
    uint64_t most_bytes; /* of one group; 0: no bound */
} ov_collect_shared;

/* What taking in or handing on one value is worth beside one turn of a plain loop: texts are hashed, looked up, copied. */
enum { OV_COLLECT_STEPS = 8 };

OV_CHECKED ov_status ov_collect_open(ov_object *o, ov_type value, bool keeps_null, bool opens_lists,
                                     uint64_t most_bytes, ov_error *err);
void ov_collect_close(ov_object *o);
void ov_collect_reset(ov_object *o);
OV_CHECKED ov_status ov_collect_add(ov_object *o, const ov_agg_rows *rows, const uint64_t *mask,
                                    const ov_vec *const *args, ov_arena *scratch, ov_error *err);
/* One value of a group, in order or as a member of its set. */
OV_CHECKED ov_status ov_collect_put(ov_object *o, uint32_t group, uint64_t word, bool null, uint64_t ordinal, ov_error *err);
OV_CHECKED ov_status ov_collect_merge(ov_object *dst, ov_object *src, const uint32_t *from, const uint32_t *to,
                                      size_t n, ov_error *err);
/* A group as bytes, and taken in from them (collect_image.c). */
OV_CHECKED ov_status ov_collect_write(const ov_object *o, uint32_t group, ov_buf *out, ov_error *err);
OV_CHECKED ov_status ov_collect_read(ov_object *o, uint32_t group, ov_cursor *in, ov_error *err);
/* st, with the reason in front of an OV_LIMIT why going to disk does not help. */
ov_status ov_collect_fits(const ov_object *o, ov_status st, ov_error *err);
/* The places of a group's words in the order in which results show them. */
OV_CHECKED ov_status ov_collect_order(const ov_object *o, uint32_t group, ov_arena *out, const uint32_t **order,
                                      ov_error *err);

static inline bool ov_collect_is_null(const ov_collect *c, uint32_t i)
{
    return c->nulls && ov_bits_test(c->nulls, i);
}
