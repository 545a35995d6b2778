/*
 * The values of one page, decoded as many at a time as are asked for. Whole numbers, truths and times of INT96 come as
 * 64-bit numbers, fractions as doubles, bytes as slices.
 *
 * Slices point into the page, the dictionary or the decoder's own memory, and live until the next call.
 */
#pragma once

#include "ingest/parse/parquet/encoding.h"
#include "ingest/parse/parquet/meta.h"

typedef union ovi_pq_value {
    int64_t i;
    double f;
    ov_slice s;
} ovi_pq_value;

typedef enum ovi_pq_encoding {
    OVI_PQ_ENC_PLAIN = 0,
    OVI_PQ_ENC_PLAIN_DICTIONARY = 2,
    OVI_PQ_ENC_RLE = 3,
    OVI_PQ_ENC_BIT_PACKED = 4,
    OVI_PQ_ENC_DELTA = 5,
    OVI_PQ_ENC_DELTA_LENGTH = 6,
    OVI_PQ_ENC_DELTA_BYTES = 7,
    OVI_PQ_ENC_RLE_DICTIONARY = 8,
    OVI_PQ_ENC_SPLIT = 9,
} ovi_pq_encoding;

typedef struct ovi_pq_values {
    const ovi_pq_node *node;
    uint8_t encoding;
    const char *at, *end; /* PLAIN, DELTA_LENGTH: the next bytes; SPLIT: all of them */
    uint64_t index;       /* PLAIN truths: bit; SPLIT: number of the next value */
    uint64_t count;       /* SPLIT: values in the page */
    ovi_pq_rle codes;     /* dictionary, truths by runs */
    ovi_pq_delta numbers, lengths; /* DELTA; lengths of texts (DELTA_BYTES: of their ends) and, in `numbers`, of what
                                      they share with the one before */
    ov_buf last;          /* DELTA_BYTES: the text before */
    ov_arena made;        /* DELTA_BYTES, SPLIT: bytes of the last call, */
    size_t made_bytes;    /* so many */
    const ovi_pq_value *dictionary;
    uint32_t dictionary_count;
} ovi_pq_values;

void ovi_pq_values_init(ovi_pq_values *v, const ovi_pq_node *node);
void ovi_pq_values_fini(ovi_pq_values *v);
/* Values of a page that holds at most `most` of them. */
OV_CHECKED ov_status ovi_pq_values_start(ovi_pq_values *v, uint32_t encoding, ov_slice bytes, uint64_t most, ov_error *err);
OV_CHECKED ov_status ovi_pq_values_get(ovi_pq_values *v, uint32_t n, ovi_pq_value *out, ov_error *err);
