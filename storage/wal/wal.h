/*
 * A write-ahead log: records that are durable once append returns, and are read again at the next start.
 *
 *   open (replays what is there) -> append* from any number of threads, trim* -> close
 *
 * Appends that come while another one is being synced are written together and share the next sync (group commit). One
 * of the waiting threads does the work for all; there is no thread of the log's own.
 *
 * A log is a folder of files DIR/<number of the first record, 20 digits>.wal:
 *
 *   file    header of 64 bytes | records
 *   record  header of 64 bytes | payload | zeros up to a multiple of 64
 *
 * Headers and payloads are under checksums. A record's header also says how much of its file was durable when it was
 * written. This tells a torn end from damage: broken bytes that a later record calls durable were acknowledged once,
 * and the log is refused with their place; other broken bytes at the end belong to appends that nobody was told of, and
 * are cut off. A file's header holds the length of the file before it, so that a file that vanished is noticed.
 *
 * A failed write (a full disk) fails the appends of its group and is taken back; the next append tries again. After a failed
 * sync nobody knows what the disk holds: the log takes nothing more until it is opened again.
 *
 * See docs/streams.md. Threads: any, but open and close.
 */
#pragma once

#include <stdatomic.h>
#include "base/slice.h"
#include "base/status.h"

typedef struct ov_wal ov_wal;

enum { OV_WAL_ALIGN = 64, OV_WAL_PARTS = 4 };
#define OV_WAL_MAX_RECORD_BYTES (UINT64_C(1) << 32)

/* One record on its way. The payload is the parts one after the other. */
typedef struct ov_wal_entry {
    ov_slice parts[OV_WAL_PARTS];
    uint32_t part_count;
    uint32_t kind; /* the caller's own */
    void *owner;   /* the caller's own */
    uint64_t seq;  /* set by append: 1, 2, 3, ... over all files */
    /* the log's */
    struct ov_wal_entry *next;
    bool done;
    ov_status status;
    ov_error *err;
} ov_wal_entry;

typedef struct ov_wal_record {
    uint64_t seq;
    uint32_t kind;
    ov_slice payload; /* valid during the call; at a multiple of 64 */
} ov_wal_record;

typedef struct ov_wal_options {
    const char *dir;     /* made when it is not there */
    uint64_t file_bytes; /* a new file is begun past this; 0: 64 MiB */
    uint64_t least_seq;  /* numbers of new records are greater than this, whatever the folder holds */
    void *self;
    /* Every record in order, during open. */
    ov_status (*replay)(void *self, const ov_wal_record *record, ov_error *err);
    /* These records, in order, are durable; called by one thread at a time, before their appends return. */
    void (*durable)(void *self, ov_wal_entry *const *entries, uint32_t count);
} ov_wal_options;

/* Errors   OV_CORRUPT: file and place of the damage, or the file that is missing; OV_IO. */
OV_CHECKED ov_status ov_wal_open(const ov_wal_options *options, ov_wal **out, ov_error *err);
void ov_wal_close(ov_wal *w); /* nobody may be inside; NULL is fine */

/* Waits until the record is durable. Errors: OV_LIMIT: the disk is full; OV_IO: other failures, also of an earlier sync. */
OV_CHECKED ov_status ov_wal_append(ov_wal *w, ov_wal_entry *entry, ov_error *err);
/* Records before `seq` are not needed any more: remove the files that hold no other. A file that cannot be removed is
 * logged and tried again next time. */
void ov_wal_trim(ov_wal *w, uint64_t seq);

typedef struct ov_wal_view {
    uint64_t next_seq;
    uint64_t bytes;             /* of all files */
    uint32_t files;
    uint64_t records, groups;   /* appended since open, and the syncs they took */
    uint64_t replayed, cut_bytes; /* at open */
    bool stopped;               /* takes nothing more */
} ov_wal_view;
void ov_wal_look(ov_wal *w, ov_wal_view *out);
