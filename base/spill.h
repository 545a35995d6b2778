/*
 * Bytes that do not fit into memory, on disk for a while.
 *
 * An area is a folder with a limit; a spill file is one operator's scratch space in it. The file has no name from
 * the moment it is open, so that nothing is left behind however the process ends. Its bytes count against the
 * area's limit until it is gone.
 *
 * Threads: an area may be used from any thread; any number of threads may append to and read from one file.
 */
#pragma once

#include <stdatomic.h>
#include "base/status.h"

typedef struct ov_spill_area {
    char *dir;
    uint64_t limit; /* bytes of all open files together */
    _Atomic uint64_t used, peak;
    _Atomic uint64_t written; /* since the area was opened */
    _Atomic uint64_t files;   /* opened so far */
    struct ov_later *later;   /* closes large files (later.h), for the system gives their pages back one by one; NULL: who closes does */
} ov_spill_area;

/* Makes the folder when it is not there. limit 0: half of what is free on its file system now. */
OV_CHECKED ov_status ov_spill_area_open(ov_spill_area *a, const char *dir, uint64_t limit, ov_error *err);
void ov_spill_area_close(ov_spill_area *a); /* no file may be open; a zeroed area is fine */

typedef struct ov_spill_file {
    ov_spill_area *area;
    int fd;
    _Atomic uint64_t size;
} ov_spill_file;

OV_CHECKED ov_status ov_spill_open(ov_spill_area *area, ov_spill_file *out, ov_error *err);
void ov_spill_close(ov_spill_file *f);
/* Where the bytes are goes to *offset. OV_LIMIT when the area or the disk is full. */
OV_CHECKED ov_status ov_spill_append(ov_spill_file *f, const void *from, size_t n, uint64_t *offset,
                                     ov_error *err);
OV_CHECKED ov_status ov_spill_read(const ov_spill_file *f, void *to, size_t n, uint64_t offset,
                                   ov_error *err);
