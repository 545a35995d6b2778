/*
 * A bounds-checked reader over bytes we do not trust.
 *
 * Every read either moves past what it returns or fails with OV_CORRUPT and a sentence that names
 * `what`, the offset, what was needed and what was left; a failed read moves nothing. Values are
 * not judged here: use OV_CHECK_DATA.
 *
 * Threads: one at a time. Borrows: the bytes, and `what`, for the life of the cursor.
 */
#pragma once

#include "base/slice.h"
#include "base/status.h"

typedef struct ov_cursor {
    const char *start, *at, *end;
    const char *what; /* "segment directory", "gzip header" */
} ov_cursor;

static inline ov_cursor ov_cursor_make(ov_slice bytes, const char *what)
{
    return (ov_cursor){bytes.p, bytes.p, bytes.p + bytes.n, what};
}

static inline size_t ov_cursor_left(const ov_cursor *c)
{
    return (size_t)(c->end - c->at);
}

static inline size_t ov_cursor_offset(const ov_cursor *c)
{
    return (size_t)(c->at - c->start);
}

/* The next n bytes, borrowed. */
OV_CHECKED ov_status ov_cursor_bytes(ov_cursor *c, size_t n, ov_slice *out, ov_error *err);
OV_CHECKED ov_status ov_cursor_skip(ov_cursor *c, size_t n, ov_error *err);
/* Move to an absolute offset, which may be the end. */
OV_CHECKED ov_status ov_cursor_seek(ov_cursor *c, size_t offset, ov_error *err);

/* Little-endian. */
OV_CHECKED ov_status ov_cursor_u8(ov_cursor *c, uint8_t *out, ov_error *err);
OV_CHECKED ov_status ov_cursor_u16(ov_cursor *c, uint16_t *out, ov_error *err);
OV_CHECKED ov_status ov_cursor_u32(ov_cursor *c, uint32_t *out, ov_error *err);
OV_CHECKED ov_status ov_cursor_u64(ov_cursor *c, uint64_t *out, ov_error *err);
OV_CHECKED ov_status ov_cursor_i64(ov_cursor *c, int64_t *out, ov_error *err);

/* Big-endian, for foreign formats. */
OV_CHECKED ov_status ov_cursor_be_u32(ov_cursor *c, uint32_t *out, ov_error *err);

/* LEB128: 7 bits a byte, lowest first, at most 10 bytes; over-long forms of small numbers are
 * refused. */
OV_CHECKED ov_status ov_cursor_varint(ov_cursor *c, uint64_t *out, ov_error *err);
/* A varint length and that many bytes. */
OV_CHECKED ov_status ov_cursor_text(ov_cursor *c, ov_slice *out, ov_error *err);
