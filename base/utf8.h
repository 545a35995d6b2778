/*
 * UTF-8 text, and the door to utf8proc (case mapping, display width).
 *
 * SQL counts as Java does: LENGTH and SUBSTRING in UTF-16 units. A cut that would split a surrogate
 * pair leaves the whole character out. Unless a comment says otherwise the input must be valid
 * UTF-8: text is repaired once, where it enters.
 *
 * Threads: all functions are pure.
 */
#pragma once

#include "base/buf.h"
#include "base/slice.h"

bool ov_utf8_valid(ov_slice s);
/* Bytes of the longest valid prefix. Any input. */
size_t ov_utf8_valid_prefix(ov_slice s);
/* Append s with every malformed sequence replaced by U+FFFD, the way Java and browsers do. Any
 * input. */
void ov_utf8_repair(ov_slice s, ov_buf *out);

/* Next code point; *at < end. U+FFFD and one byte for malformed input. */
uint32_t ov_utf8_next(const char **at, const char *end);
/* 1..4 bytes written; U+FFFD for what is no scalar value. */
size_t ov_utf8_put(uint32_t code_point, char out[4]);

/* The longest beginning of whole characters within that many bytes. */
static inline ov_slice ov_utf8_cut(ov_slice s, size_t most)
{
    size_t n = s.n > most ? most : s.n;
    while (n < s.n && n > 0 && ((unsigned char)s.p[n] & 0xC0) == 0x80)
        n--;
    return ov_slice_make(s.p, n);
}

const char *ov_utf8_past_ascii(const char *at, const char *end); /* the first byte from `at` on that is not ASCII, or end */
size_t ov_utf8_count(ov_slice s);  /* code points */
size_t ov_utf16_count(ov_slice s); /* UTF-16 units: LENGTH */

/* Units [start, start + count) as a part of s; clipped to it. */
ov_slice ov_utf16_sub(ov_slice s, size_t start, size_t count);
/* UTF-16 index of byte offset `at`, and the byte offset of unit `index` (s.n when past the end). */
size_t ov_utf16_index(ov_slice s, size_t at);
size_t ov_utf16_offset(ov_slice s, size_t index);

/* Append the mapped text (simple mapping plus the unconditional special cases, such as ß to SS). */
void ov_utf8_upper(ov_slice s, ov_buf *out);
void ov_utf8_lower(ov_slice s, ov_buf *out);
void ov_utf8_reverse(ov_slice s, ov_buf *out); /* by code point */

/* Columns on a terminal; control characters count 0. */
size_t ov_utf8_width(ov_slice s);
