/*
 * Numbers with few distinct values that are no narrow integers: station coordinates, hashes used as
 * ids, prices with rounding errors. A dictionary then makes them 1 or 2 bytes a row, and gives them
 * everything else dictionaries give.
 */
#include "base/hash.h"
#include "storage/build/build_int.h"

enum {
    MAX_DISTINCT = 32768,
    TABLE_SLOTS = 2 * MAX_DISTINCT, /* at most half full; fits the second-level cache */
    ROWS_PER_VALUE = 8, /* fewer rows than this for each value: plain lanes are no larger */
};

typedef struct table {
    uint64_t keys[TABLE_SLOTS];
    uint32_t codes[TABLE_SLOTS]; /* 0 = empty; code 0 stands for NULL */
} table;

/* Half a byte saved a row is not worth a dictionary; half the bytes are. Time keeps its lanes: its
 * functions walk runs and bounds. */
static bool worth_trying(const ovi_column *c)
{
    uint64_t bytes = 0;
    if (c->def.role == OV_ROLE_TIME ||
        (c->def.type.id != OV_TYPE_LONG && c->def.type.id != OV_TYPE_DOUBLE))
        return false;
    for (uint32_t b = 0; b < c->block_count; b++) {
        bytes += c->blocks[b].entry.data_bytes;
        if (c->blocks[b].entry.flags & OV_BLOCK_NAN)
            return false;
    }
    return c->kind == OVI_INT ? bytes > c->rows * 6 : bytes * 2 > c->rows * 5;
}

/* The code of a value in order of arrival; 0 when the table is full. */
static uint32_t find(table *t, ovi_numdict *d, int64_t bits)
{
    size_t at = (size_t)ov_hash_u64((uint64_t)bits) & (TABLE_SLOTS - 1);
    for (; t->codes[at]; at = (at + 1) & (TABLE_SLOTS - 1))
        if (t->keys[at] == (uint64_t)bits)
            return t->codes[at];
    if (d->count > MAX_DISTINCT)
        return 0;
    t->keys[at] = (uint64_t)bits;
    t->codes[at] = d->count;
    d->values[d->count] = bits;
    return d->count++;
}

/* Codes of arrival of all rows; false when there are too many values, or -0.0 among them. */
static bool read_codes(const ovi_column *c, table *t, ovi_numdict *d)
{
    int64_t values[OV_BATCH_ROWS];
    uint64_t valid[OV_BATCH_WORDS];
    const int64_t minus_zero = INT64_MIN; /* as bits of a double */
    for (uint32_t b = 0; b < c->block_count; b++) {
        uint32_t rows = ovi_column_decode(c, b, values, valid), last = 0;
        uint32_t *codes = d->codes + (size_t)b * OV_BATCH_ROWS;
        for (uint32_t i = 0; i < rows; i++) {
            if (!(valid[i / 64] >> (i % 64) & 1)) {
                codes[i] = 0;
                continue;
            }
            if (last == 0 || d->values[last] != values[i])
                last = find(t, d, values[i]);
            if (last == 0 || (c->kind == OVI_REAL && values[i] == minus_zero))
                return false;
            codes[i] = last;
        }
    }
    return true;
}

/* From codes of arrival to codes in value order. */
static ov_status sort_codes(const ovi_column *c, ovi_numdict *d, ov_error *err)
{
    ovi_sorted sorted = {0};
    ov_slice *entries = NULL;
    int64_t *values = NULL;
    size_t entries_cap = 0, values_cap = 0;
    ov_status st = OV_OK;
    d->has_null = c->nulls > 0;
    OV_TRY_OUT(st, ovi_grow(&entries, &entries_cap, d->count, sizeof *entries, c->budget, err));
    OV_TRY_OUT(st, ovi_grow(&values, &values_cap, (size_t)ov_seg_pad64(d->count), sizeof *values,
                            c->budget, err));
    for (uint32_t i = 0; i < d->count; i++)
        entries[i] = ov_slice_make(&d->values[i], sizeof d->values[i]);
    ovi_dict dict = {.entries = entries, .count = d->count};
    OV_TRY_OUT(st, ovi_sort_values(&dict, c->kind == OVI_INT ? OVI_VALUE_INT : OVI_VALUE_REAL,
                                   d->has_null, c->budget, &sorted, err));
    for (size_t i = 0; i < c->rows; i++)
        d->codes[i] = sorted.rank[d->codes[i]];
    for (uint32_t i = 0; i < sorted.count; i++)
        values[i] = d->values[sorted.order[i]];
    if (d->has_null)
        values[0] = 0;
    d->count = sorted.count;
    ovi_shrink(&d->values, &d->values_cap, sizeof *d->values, c->budget);
    d->values = values;
    d->values_cap = values_cap;
    values = NULL;
    values_cap = 0;
out:
    ovi_shrink(&entries, &entries_cap, sizeof *entries, c->budget);
    ovi_shrink(&values, &values_cap, sizeof *values, c->budget);
    ovi_sorted_fini(&sorted, c->budget);
    return st;
}

ov_status ovi_numdict_try(const ovi_column *c, ovi_numdict *d, ov_error *err)
{
    table *t = NULL;
    size_t t_cap = 0;
    ov_status st = OV_OK;
    *d = (ovi_numdict){0};
    if (!worth_trying(c))
        return OV_OK;
    OV_TRY_OUT(st, ovi_grow(&t, &t_cap, sizeof *t, 1, c->budget, err));
    memset(t, 0, sizeof *t);
    OV_TRY_OUT(st, ovi_grow(&d->codes, &d->codes_cap, c->rows, sizeof *d->codes, c->budget, err));
    OV_TRY_OUT(st, ovi_grow(&d->values, &d->values_cap, MAX_DISTINCT + 1, sizeof *d->values,
                            c->budget, err));
    d->count = 1;
    if (!read_codes(c, t, d) || (uint64_t)d->count * ROWS_PER_VALUE > c->rows)
        ovi_numdict_fini(d, c->budget);
    else
        st = sort_codes(c, d, err);
out:
    ovi_shrink(&t, &t_cap, 1, c->budget);
    if (st != OV_OK)
        ovi_numdict_fini(d, c->budget);
    return st;
}

void ovi_numdict_fini(ovi_numdict *d, ov_budget *budget)
{
    ovi_shrink(&d->codes, &d->codes_cap, sizeof *d->codes, budget);
    ovi_shrink(&d->values, &d->values_cap, sizeof *d->values, budget);
    *d = (ovi_numdict){0};
}
