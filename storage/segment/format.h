/*
 * Every constant and fixed-size record of a segment file. docs/segment-format.md is the normative
 * text; names and numbers here mirror it and change only with it.
 *
 * The records are read in place from the mapping: machines are little-endian (base/bytes.h
 * insists), sections are 64-byte aligned.
 */
#pragma once

#include <assert.h>
#include "base/bytes.h"
#include "storage/vec.h"

enum {
    OV_SEG_MAJOR = 1,
    OV_SEG_MINOR = 2, /* written where there are JSON columns or RAMP blocks; else 0 */
    OV_SEG_MINOR_PATHS = 1, /* sub-columns of JSON columns may follow the column entries */
    OV_SEG_ALIGN = 64,
    OV_SEG_PAGE_SHIFT = 14, /* written; readers take 12 to 20 */
    OV_SEG_PAGE_SHIFT_MIN = 12,
    OV_SEG_PAGE_SHIFT_MAX = 20,
    OV_SEG_BLOCK_SHIFT = 13,
    OV_SEG_MAX_EXPONENT = 15,
    OV_SEG_MAX_COLUMNS = 65535,
};
#define OV_SEG_MAX_ROWS (UINT32_MAX - 1)
#define OV_SEG_MAX_ENTRIES (UINT32_MAX - 1)
#define OV_SEG_HEAD_MAGIC "\x89OVSEG\r\n"
#define OV_SEG_FOOT_MAGIC "OVSEGEND"

static_assert(1 << OV_SEG_BLOCK_SHIFT == OV_BATCH_ROWS, "a block is a batch");

typedef struct ov_seg_header {
    char magic[8];
    uint16_t major, minor;
    uint8_t page_shift, block_shift;
    uint8_t zero[50];
} ov_seg_header;
static_assert(sizeof(ov_seg_header) == 64, "header");

typedef struct ov_seg_footer {
    uint64_t file_size;
    uint64_t directory_offset;
    uint64_t directory_bytes;
    uint64_t page_table_offset;
    uint64_t page_table_hash;
    uint16_t major, minor;
    uint8_t page_shift;
    uint8_t zero[3];
    uint64_t footer_hash; /* of the 48 bytes before it */
    char magic[8];
} ov_seg_footer;
static_assert(sizeof(ov_seg_footer) == 64, "footer");
static_assert(offsetof(ov_seg_footer, footer_hash) == 48, "footer hash");

typedef enum ov_section_kind {
    OV_SECTION_BLOCK_INDEX = 1,
    OV_SECTION_BLOCK_DATA = 2,
    OV_SECTION_VALUE_OFFSETS = 3,
    OV_SECTION_VALUE_BYTES = 4,
    OV_SECTION_VALUE_NUMBERS = 5,
    OV_SECTION_VALUE_CODES = 6,
    OV_SECTION_ROW_COUNTS = 7,
    OV_SECTION_POSTING_INDEX = 8,
    OV_SECTION_POSTING_DATA = 9,
    OV_SECTION_GIVEN = 10, /* optional */
    OV_SECTION_ELEMENT = 16, /* added to 3, 4, 5, 7, 8, 9: the element dictionary */
    OV_SECTION_COUNT = 32,
} ov_section_kind;

enum { OV_SECTION_OPTIONAL = 1 }; /* section flag: readers that do not know the kind may skip it */

enum { OV_DIRECTORY_ROLLUP = 1 };
enum { OV_PATHS_COMPLETE = 1 };

/* Flags of a column entry. */
enum {
    OV_COLUMN_DICT = 1,
    OV_COLUMN_INDEXED = 2,
    OV_COLUMN_HAS_NULL = 4,      /* dictionary code 0 is NULL */
    OV_COLUMN_ELEM_HAS_NULL = 8, /* element code 0 is NULL */
    OV_COLUMN_BOUNDS = 16,
    OV_COLUMN_NAN = 32,
    OV_COLUMN_SUM = 64,
    OV_COLUMN_FLAGS = 127,
};

typedef enum ov_block_shape {
    OV_BLOCK_CONST = 0,
    OV_BLOCK_FLAT = 1,
    OV_BLOCK_RUN = 2,
    OV_BLOCK_RAMP = 3,
} ov_block_shape;

typedef enum ov_block_form {
    OV_FORM_INTEGER = 0,
    OV_FORM_DECIMAL = 1,
    OV_FORM_RAW = 2,
} ov_block_form;

/* Flags of a block. */
enum {
    OV_BLOCK_BOUNDS = 1,
    OV_BLOCK_NAN = 2,
    OV_BLOCK_SUM = 4,
    OV_BLOCK_VALID = 8,
    OV_BLOCK_FLAGS = 15,
};

typedef struct ov_block_entry {
    uint8_t shape, form, lane, exponent, codec, flags;
    uint16_t nulls;
    uint16_t runs;
    uint16_t zero;
    uint32_t data_bytes;
    int64_t base;
    int64_t min, max; /* reals: bits of the double */
    int64_t sum;
    uint64_t data; /* offsets in BLOCK_DATA */
    uint64_t valid;
} ov_block_entry;
static_assert(sizeof(ov_block_entry) == 64, "block entry");

typedef enum ov_posting_kind {
    OV_POSTING_RANGE = 0,
    OV_POSTING_STRIDE = 1,
    OV_POSTING_LIST = 2,
    OV_POSTING_ROARING = 3,
    OV_POSTING_PIECES = 4,
} ov_posting_kind;

/* One piece of OV_POSTING_PIECES: first, first + step, ... `rows` rows. */
typedef struct ov_posting_piece {
    uint32_t first, step, rows;
} ov_posting_piece;
static_assert(sizeof(ov_posting_piece) == 12, "posting piece");

/* A column that gives this one's codes: a table of `codes` lanes, each the code here of that code there. */
typedef struct ov_given_entry {
    uint32_t column, codes;
    uint8_t lane, more; /* more: another entry follows */
    uint16_t zero;
    uint32_t offset; /* of the table, in the section */
} ov_given_entry;
static_assert(sizeof(ov_given_entry) == 16, "given entry");

enum { OV_POSTING_MAX_STEP = (1 << 29) - 1 };

/* 10^k for 0 <= k <= OV_SEG_MAX_EXPONENT: exact doubles. */
extern const double ov_seg_power10[OV_SEG_MAX_EXPONENT + 1];

static inline uint64_t ov_seg_align(uint64_t n)
{
    return (n + OV_SEG_ALIGN - 1) & ~(uint64_t)(OV_SEG_ALIGN - 1);
}

/* Entries rounded up to a multiple of 64, as lanes and numbers are padded. */
static inline uint64_t ov_seg_pad64(uint64_t n)
{
    return (n + 63) & ~(uint64_t)63;
}
