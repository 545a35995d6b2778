/*
 * Following a file that grows, like `tail -F`, in pieces of whole lines, with a place that survives restarts.
 *
 * The file may be renamed and made anew (rotation), or emptied and written again (truncation). A place is a text: which
 * file (its device and inode, and a checksum of its first bytes), and how far. From a place of a file that was renamed
 * meanwhile the rest of it is read first, then what came after it, then the file of that name. The same goes for one that was copied and then
 * emptied: the rest of the copy comes first.
 *
 * Threads: one at a time.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

typedef struct ov_tail ov_tail;

typedef struct ov_tail_piece {
    ov_slice text;   /* whole lines; valid until the next call */
    ov_slice header; /* the file's first line, when headers were asked for */
    ov_slice place;  /* behind the text */
} ov_tail_piece;

/* path "-": standard input. place: where to go on, empty: at the beginning. */
OV_CHECKED ov_status ov_tail_open(const char *path, bool with_header, ov_slice place, ov_tail **out, ov_error *err);
void ov_tail_close(ov_tail *t); /* NULL is fine */
/* The next lines, at most about max_bytes; empty text: nothing has come (*ended: and nothing will: the end of standard input).
 * `flush`: also a last line without its end. Lines of more than 32 MiB are passed over. Errors: OV_IO. */
OV_CHECKED ov_status ov_tail_next(ov_tail *t, size_t max_bytes, bool flush, ov_tail_piece *piece, bool *ended,
                                  ov_error *err);
/* Was there a file of the name, or is it standard input? */
bool ov_tail_is_there(const ov_tail *t);
/* Lines that were too long, so far. */
uint64_t ov_tail_passed_over(const ov_tail *t);
/* A sentence about the last change of files (rotated, truncated, lost), or a line that is missing, once; NULL when there was none. */
const char *ov_tail_news(ov_tail *t);
