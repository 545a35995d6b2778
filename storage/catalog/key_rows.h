/*
 * Key and version values of a block of rows, whatever the columns' types and encodings; private to storage/catalog/key*.c.
 */
#pragma once

#include "storage/catalog/keys.h"

typedef struct ovi_key_rows {
    const ov_segment *seg; /* NULL: nothing is open */
    uint32_t block, rows, count;
    ov_vec vec[OV_KEY_COLUMNS + 2]; /* keys, version, __time */
    ov_arena arena;
} ovi_key_rows;

/* Zeroed first. Opens block b of the segment; what was open before is closed. OV_INVALID: a column that cannot be a key. */
OV_CHECKED ov_status ovi_key_rows_open(ovi_key_rows *k, const ov_key_spec *spec, const ov_segment *seg, uint32_t b,
                                       ov_error *err);
void ovi_key_rows_close(ovi_key_rows *k);
/* Of all rows of the block. OV_INVALID: a row with several values in a key column. */
OV_CHECKED ov_status ovi_key_rows_hash(ovi_key_rows *k, uint64_t *hash, ov_error *err);
bool ovi_key_rows_equal(const ovi_key_rows *a, uint32_t row_a, const ovi_key_rows *b, uint32_t row_b);
int ovi_key_rows_version(const ovi_key_rows *a, uint32_t row_a, const ovi_key_rows *b, uint32_t row_b);
