/*
 * Byte streams that are pulled: files, memory, and decompressors on top of them (base/compress.h).
 *
 * Threads: one at a time per reader.
 */
#pragma once

#include "base/buf.h"
#include "base/slice.h"
#include "base/status.h"

typedef struct ov_reader ov_reader;

/* The table of one kind; a reader's struct starts with ov_reader. */
typedef struct ov_reader_ops {
    ov_status (*read)(ov_reader *r, void *to, size_t cap, size_t *got, ov_error *err);
    void (*close)(ov_reader *r); /* frees it */
} ov_reader_ops;

struct ov_reader {
    const ov_reader_ops *ops;
    uint64_t offset;     /* bytes handed out */
    uint64_t raw_offset; /* bytes taken from the lowest stream (the file): for progress */
};

/* 1..cap bytes, or *got = 0 at the end. After an error only ov_reader_close is allowed. */
OV_CHECKED ov_status ov_reader_read(ov_reader *r, void *to, size_t cap, size_t *got, ov_error *err);
/* Until cap bytes are there or the end. */
OV_CHECKED ov_status ov_reader_fill(ov_reader *r, void *to, size_t cap, size_t *got, ov_error *err);
void ov_reader_close(ov_reader *r); /* NULL is fine; closes what lies below as well */

OV_CHECKED ov_status ov_reader_open_file(const char *path, ov_reader **out, ov_error *err);
/* Borrows the bytes. */
OV_CHECKED ov_status ov_reader_open_mem(ov_slice bytes, ov_reader **out, ov_error *err);
