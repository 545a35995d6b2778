/*
 * Private: writes the bytes of one segment file front to back, hashing pages as they pass; to a file, or into memory.
 *
 * Writers append without checking; the first failure sticks, later appends do nothing, and
 * ovi_writer_finish reports it. Until finish succeeds nothing exists under the final name.
 *
 * Threads: one at a time.
 */
#pragma once

#include "storage/segment/format.h"

typedef struct ovi_writer {
    char *tmp_path, *path;
    int fd;
    char *buf;        /* bytes not yet written, from a page boundary on */
    size_t n;         /* of them filled */
    uint64_t flushed; /* file offset of buf[0] */
    uint64_t *hashes; /* one per finished page */
    size_t pages, pages_cap;
    ov_budget *budget;
    size_t charged;
    uint16_t minor;
    char *image; /* in memory: what a file would hold, at a multiple of 64; NULL for files */
    size_t image_n, image_cap;
    bool in_memory;
    bool failed;
    ov_error err;
} ovi_writer;

enum { OVI_WRITER_MAX_RESERVE = 1 << 17 };

/* Creates `path`.part and writes the header; minor: version of the format. */
OV_CHECKED ov_status ovi_writer_open(ovi_writer *w, const char *path, uint16_t minor, ov_budget *budget,
                                     ov_error *err);
/* The same into memory. */
OV_CHECKED ov_status ovi_writer_open_image(ovi_writer *w, uint16_t minor, ov_budget *budget, ov_error *err);
/* Offset of the next byte. */
uint64_t ovi_writer_at(const ovi_writer *w);
void ovi_writer_align(ovi_writer *w);
void ovi_writer_put(ovi_writer *w, const void *bytes, size_t n);
/* Room for n <= OVI_WRITER_MAX_RESERVE bytes to be filled in place and then counted by
 * ovi_writer_took. Never NULL: after a failure it is memory nobody reads. */
void *ovi_writer_reserve(ovi_writer *w, size_t n);
void ovi_writer_took(ovi_writer *w, size_t n);
/* Directory, page table, footer; for files: sync, rename. The size goes to *bytes; an image is w->image then, and whoever
 * takes it sets that to NULL. */
OV_CHECKED ov_status ovi_writer_finish(ovi_writer *w, ov_slice directory, uint64_t *bytes,
                                       ov_error *err);
/* Frees memory and removes what is left of an unfinished file. Fine on a zeroed writer and after
 * finish. */
void ovi_writer_fini(ovi_writer *w);
