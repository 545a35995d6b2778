/* What the tests of the log share: a folder, and records whose text says their number. */
#pragma once

#include "tests/unit/harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/fault.h"
#include "base/file.h"
#include "base/os.h"
#include "base/thread.h"
#include "storage/wal/wal.h"

static ov_error err;
#define OK(expr) check_ok(expr, &err)

/* ---- a folder, and records whose text says their number ---- */

typedef struct folder {
    char dir[64];
    ov_wal *wal;
    uint64_t seen, first; /* replayed records, and the number of the first */
} folder;

static inline size_t text_of(uint64_t n, char *out, size_t cap)
{
    size_t bytes = (size_t)(n * 7919 % 300);
    if (n % 13 == 0)
        bytes = 5000;
    size_t head = (size_t)snprintf(out, cap, "record %llu:", (unsigned long long)n);
    memset(out + head, 'a' + (int)(n % 26), bytes);
    return head + bytes;
}

static inline ov_status on_replay(void *self, const ov_wal_record *r, ov_error *e)
{
    folder *f = self;
    char want[8192];
    (void)e;
    size_t n = text_of(r->seq, want, sizeof want);
    if (!f->seen)
        f->first = r->seq;
    assert_int_equal(r->seq, f->first + f->seen);
    assert_int_equal(r->kind, r->seq % 3);
    assert_int_equal((uintptr_t)r->payload.p % OV_WAL_ALIGN, 0);
    assert_int_equal(r->payload.n, n);
    assert_memory_equal(r->payload.p, want, n);
    f->seen++;
    return OV_OK;
}

static inline ov_status try_open(folder *f, uint64_t file_bytes)
{
    err = (ov_error)OV_ERROR_INIT;
    f->seen = 0;
    f->wal = NULL;
    ov_wal_options o = {.dir = f->dir, .file_bytes = file_bytes, .self = f, .replay = on_replay};
    return ov_wal_open(&o, &f->wal, &err);
}

static inline void folder_init(folder *f)
{
    memset(f, 0, sizeof *f);
    strcpy(f->dir, "/tmp/ovate-wal-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
}

static inline void folder_fini(folder *f)
{
    ov_wal_close(f->wal);
    OK(ov_dir_remove_all(f->dir, &err));
}

static inline ov_status put(ov_wal *w, uint64_t n)
{
    char text[8192];
    ov_wal_entry e = {.part_count = 2, .kind = (uint32_t)(n % 3)};
    size_t bytes = text_of(n, text, sizeof text);
    e.parts[0] = ov_slice_make(text, bytes / 3);
    e.parts[1] = ov_slice_make(text + bytes / 3, bytes - bytes / 3);
    ov_status st = ov_wal_append(w, &e, &err);
    if (st == OV_OK)
        assert_int_equal(e.seq, n);
    return st;
}

static inline uint64_t next_of(ov_wal *w)
{
    ov_wal_view v;
    ov_wal_look(w, &v);
    return v.next_seq;
}
