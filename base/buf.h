/*
 * Growable bytes with sticky failure: writers append without checking and ask once, at the end.
 * After a failure appends do nothing. The bytes are the buffer's own and move when it grows.
 *
 * Threads: one at a time.
 */
#pragma once

#include "base/mem.h"
#include "base/slice.h"

typedef struct ov_buf {
    char *p;
    size_t n, cap;
    size_t limit; /* bytes; growing past it fails with OV_LIMIT; 0 = none */
    bool failed;
    ov_error err; /* why, when failed */
} ov_buf;

void ov_buf_init(ov_buf *b);
void ov_buf_fini(ov_buf *b);
void ov_buf_clear(ov_buf *b); /* n = 0, failure forgotten, memory kept */
void ov_buf_fail(ov_buf *b, const ov_error *why); /* as if an append had failed; the first failure stays */

/* Room for `more` bytes at b->p + b->n; false after a failure. The caller then moves n itself. */
bool ov_buf_reserve(ov_buf *b, size_t more);
void ov_buf_add(ov_buf *b, const void *bytes, size_t n);
void ov_buf_add_slice(ov_buf *b, ov_slice s);
void ov_buf_add_str(ov_buf *b, const char *text);
void ov_buf_add_char(ov_buf *b, char c);
void ov_buf_addf(ov_buf *b, const char *fmt, ...) OV_PRINTF(2, 3);
void ov_buf_add_i64(ov_buf *b, int64_t v);
void ov_buf_add_u64(ov_buf *b, uint64_t v);
/* Fixed-width numbers as bytes, for base/bytes.h and base/cursor.h to read. */
void ov_buf_add_raw32(ov_buf *b, uint32_t v);
void ov_buf_add_raw64(ov_buf *b, uint64_t v);

static inline ov_slice ov_buf_slice(const ov_buf *b)
{
    return ov_slice_make(b->p, b->n);
}

/* OV_OK, or the first failure of any append. */
OV_CHECKED ov_status ov_buf_check(const ov_buf *b, ov_error *err);
/* Appends a NUL (not counted) and lends the text; NULL after a failure. */
const char *ov_buf_cstr(ov_buf *b);
