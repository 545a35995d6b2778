/*
 * Input bytes in blocks that end where a row ends, so that workers can parse side by side.
 *
 * One caller at a time takes the next block; that part is kept short: decompress, find the last end of a
 * row, carry the rest over. What ends a row depends on the format:
 *
 *   lines    a line break (NDJSON, TSV)
 *   csv      a line break outside quotes
 *   objects  the closing brace of a top-level object (JSON over several lines, arrays of objects)
 *
 * Parquet is not cut by its bytes: a block is a stretch of rows of a row group (split_parquet.c).
 *
 * A JSON file is taken as one object per line when its first object ends on its first line.
 * Byte order marks, skipped rows and header lines of delimited files are dealt with here.
 */
#pragma once

#include "ingest/parse/input.h"
#include "ingest/parse/load_plan.h"
#include "ingest/parse/parquet/meta.h"

enum {
    OVI_BLOCK_BYTES = 4 << 20,
    OVI_ROW_MAX_BYTES = 32 << 20, /* a longer row is rejected */
};

/* Column names of one delimited file. */
typedef struct ovi_header {
    ov_slice *names;
    uint32_t count;
} ovi_header;

typedef struct ovi_block {
    char *text; /* n bytes and OVI_SCAN_PAD NULs */
    size_t n, cap;
    uint32_t file;
    uint64_t lines_before; /* line breaks of the file that no block holds, just before this one */
    uint64_t raw_bytes;    /* of the input as stored, since the block before */
    uint64_t text_bytes;
    bool multi_line;       /* JSON: objects may span lines */
    bool overlong;         /* text is the beginning of a row that is too long; the rest was skipped */
    const ovi_header *header;
    /* Parquet: no text, but rows of a row group; the file is held */
    ovi_pq_file *parquet;
    uint32_t group;
    uint64_t first, count;
} ovi_block;

typedef enum ovi_split_mode {
    OVI_SPLIT_LINES,
    OVI_SPLIT_CSV,
    OVI_SPLIT_OBJECTS,
} ovi_split_mode;

typedef struct ovi_splitter {
    ov_inputs *inputs;
    const ov_format_spec *format;
    ov_arena *arena; /* headers */
    uint32_t file;   /* being read, or the next one */
    ov_reader *reader;
    uint64_t raw_seen;
    ovi_split_mode mode;
    bool at_start; /* of the file */
    bool eof;
    bool skipping; /* inside a row that is too long */
    char *carry;   /* bytes behind the last block */
    size_t carry_n, carry_cap;
    uint64_t lines_before;
    ovi_header *header;
    ovi_pq_file *parquet; /* being read; the next block begins there: */
    uint32_t group;
    uint64_t row;
} ovi_splitter;

void ovi_splitter_init(ovi_splitter *s, ov_inputs *inputs, const ov_format_spec *format, ov_arena *arena);
void ovi_splitter_fini(ovi_splitter *s);
/* *more false at the end of all inputs. The block's memory is reused when it has some. */
OV_CHECKED ov_status ovi_splitter_next(ovi_splitter *s, ovi_block *block, bool *more, ov_error *err);
void ovi_block_fini(ovi_block *b);
/* ovi_splitter_next for Parquet. */
OV_CHECKED ov_status ovi_split_parquet(ovi_splitter *s, ovi_block *block, bool *more, ov_error *err);

/* One past the last end of a row in text, 0 when there is none. For tests. */
size_t ovi_last_row_end(ovi_split_mode mode, char delimiter, const char *text, size_t n);
/* One past the object that starts at text[at] ('{'), by braces and quotes alone; 0 when it does not end. */
size_t ovi_object_end(const char *text, size_t at, size_t n);
