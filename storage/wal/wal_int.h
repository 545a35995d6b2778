/*
 * Private to storage/wal/wal*.c: the log's files and what both its halves share.
 *
 *   wal.c         append, group commit, trim      wal_open.c    scanning and replay
 *
 * One mutex guards everything but the file that the leading thread writes: its descriptor and end belong to
 * whoever leads.
 */
#pragma once

#include "base/arena.h"
#include "base/bytes.h"
#include "base/thread.h"
#include "storage/wal/wal.h"

#define OVI_WAL_FILE_MAGIC UINT64_C(0x31474F4C4156564F) /* "OVVALOG1" */
#define OVI_WAL_RECORD_MAGIC UINT32_C(0x5257564F)       /* "OVWR" */

typedef struct ovi_wal_file_head {
    uint64_t magic;
    uint64_t first_seq; /* of its first record, as in the name */
    uint64_t prev_seq;  /* first_seq of the file before; 0: there was none */
    uint64_t prev_bytes;
    uint64_t zero[3];
    uint64_t hash; /* of what is before */
} ovi_wal_file_head;
static_assert(sizeof(ovi_wal_file_head) == OV_WAL_ALIGN, "the header has its size");

typedef struct ovi_wal_head {
    uint32_t magic, kind;
    uint64_t seq;
    uint64_t bytes;   /* of the payload */
    uint64_t durable; /* of the file, when this record was written */
    uint64_t payload_hash;
    uint64_t zero[2];
    uint64_t hash; /* of what is before */
} ovi_wal_head;
static_assert(sizeof(ovi_wal_head) == OV_WAL_ALIGN, "the header has its size");

typedef struct ovi_wal_file {
    uint64_t first_seq, bytes;
} ovi_wal_file;

struct ov_wal {
    ov_wal_options options;
    char *dir;
    ov_mutex lock;
    ov_cond changed; /* a group ended */
    ov_wal_entry *first, **last; /* waiting */
    bool leading;
    bool stopped;
    ov_error stop_reason;
    uint64_t next_seq;
    ovi_wal_file *files; /* ascending; the last one is written */
    uint32_t file_count, file_cap;
    int fd;
    char *buffer; /* of the leading thread */
    ov_wal_entry **group;
    uint32_t group_cap;
    uint64_t records, groups, replayed, cut_bytes;
};

enum { OVI_WAL_PATH_BYTES = 4096 };
/* The path of a file; OV_LIMIT when the folder's name is too long. */
OV_CHECKED ov_status ovi_wal_path(const ov_wal *w, uint64_t first_seq, char path[OVI_WAL_PATH_BYTES], ov_error *err);
/* Make the next file: it and its name are durable afterwards, and w->fd is it. */
OV_CHECKED ov_status ovi_wal_next_file(ov_wal *w, ov_error *err);
OV_CHECKED ov_status ovi_wal_add_file(ov_wal *w, uint64_t first_seq, uint64_t bytes, ov_error *err);
/* Replay what is there, cut a torn end, leave w->fd at the last file. */
OV_CHECKED ov_status ovi_wal_recover(ov_wal *w, ov_error *err);
