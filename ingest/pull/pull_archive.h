/*
 * The raw archive: answers as they came, and a run that is fed from it instead of the network.
 *
 *   DIR/raw/<source>/YYYY/MM/DD/<task>.ndjson   a line an answer: url, status, headers, when, where its bytes are
 *   DIR/raw/<source>/YYYY/MM/DD/<task>.bin      the bytes, one answer behind the other
 *
 * The index is written behind the bytes and synced before each commit: what a commit names is in the archive.
 * Threads: one at a time.
 */
#pragma once

#include "ingest/pull/pull_int.h"

typedef struct ovi_archive ovi_archive;

/* One answer. */
typedef struct ovi_archived {
    ov_slice url; /* without secrets */
    int status;
    int64_t at_ms;
    ov_slice link, etag, modified;
    int64_t offset;
    uint64_t bytes;
    char sha256[OV_SHA256_HEX + 1];
} ovi_archived;

OV_CHECKED ov_status ovi_archive_create(const char *dir, ov_slice source, ov_slice task, int64_t at_ms, ov_arena *out,
                                        ovi_archive **archive, ov_error *err);
/* a->offset is set. `body` is the path of a file, or NULL with the bytes in `bytes`. */
OV_CHECKED ov_status ovi_archive_add(ovi_archive *archive, ovi_archived *a, const char *body, ov_slice bytes, ov_error *err);
/* All of the file `from` behind what fd has. */
OV_CHECKED ov_status ovi_append_file(int fd, const char *path, const char *from, ov_error *err);
OV_CHECKED ov_status ovi_archive_sync(ovi_archive *archive, ov_error *err);
ov_slice ovi_archive_name(const ovi_archive *archive); /* path below DIR of the bytes */

/* For replay. *collected_ms: the instant of the run that made it. */
OV_CHECKED ov_status ovi_archive_open(const char *index, ov_arena *out, ovi_archive **archive, int64_t *collected_ms,
                                      ov_error *err);
/* The next answer to this address, in the order they came; NULL when there is none (left). */
const ovi_archived *ovi_archive_next(ovi_archive *archive, ov_slice url);
OV_CHECKED ov_status ovi_archive_read(ovi_archive *archive, const ovi_archived *a, ov_buf *out, ov_error *err);
void ovi_archive_close(ovi_archive *archive); /* NULL is fine */
