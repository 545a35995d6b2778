/*
 * A place in a file that is followed: which file, and how far. As a text it goes with the lines before it and survives restarts.
 *
 * A file is known by device, inode and two checksums, of its first bytes and of those right before the place: one that was emptied and
 * written again is another one, and a copy of it that was made before (logrotate's copytruncate) is found by what it holds.
 *
 * Threads: any.
 */
#pragma once

#include <sys/stat.h>
#include "base/buf.h"

enum { OV_TAIL_HEAD = 256 };

typedef struct ov_tail_place {
    uint64_t dev, ino, offset;
    uint64_t head_bytes, head_hash; /* of its first bytes, as many as there were, at most OV_TAIL_HEAD */
    uint64_t last_hash;             /* of the last OV_TAIL_HEAD bytes before the offset; 0: not known */
    bool known;
} ov_tail_place;

/* From its text; empty: not known. OV_INVALID. */
OV_CHECKED ov_status ov_tail_place_read(ov_slice text, bool is_stdin, ov_tail_place *out, ov_error *err);
/* *out lies in `text`. */
OV_CHECKED ov_status ov_tail_place_print(const ov_tail_place *at, bool is_stdin, ov_buf *text, ov_slice *out, ov_error *err);

/* Checksum of the first bytes, so many or (0) as many as there are. */
uint64_t ov_tail_head(int fd, uint64_t want, uint64_t *n);
/* The bytes before an offset; how many. */
size_t ov_tail_last(int fd, uint64_t offset, char last[OV_TAIL_HEAD]);
/* Is the open file the one of the place, and still holds what was read of it? */
bool ov_tail_is_same(int fd, const struct stat *st, const ov_tail_place *at);
/* Does it hold the same up to the place, whichever file it is? */
bool ov_tail_is_copy(int fd, const struct stat *st, const ov_tail_place *at);
