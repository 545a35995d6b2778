/*
 * What files a source has: objects of an S3 bucket, files of a folder, links of a page. Each becomes a series of its own.
 *
 * Threads: one at a time.
 */
#pragma once

#include "ingest/pull/pull_int.h"

typedef struct ovi_listed {
    ov_slice name; /* key, path or address below baseUrl */
    ov_slice etag; /* or size and time: what changes when the file does */
    uint64_t bytes;
} ovi_listed;

/* All files of the prefix (template already filled in) that match the glob, sorted by name. Any failure is an error:
 * a short list would look like a complete one. */
OV_CHECKED ov_status ovi_listing_read(ovi_run *run, ov_slice prefix, ov_slice glob, ovi_listed **out, uint32_t *count,
                                      ov_error *err);

/* ---- pull_s3.c ---- */
typedef struct ovi_s3_keys {
    ov_slice access, secret, session, region;
} ovi_s3_keys;
/* The headers that sign a GET of `url` at an instant (Signature Version 4), as lines; no body. */
OV_CHECKED ov_status ovi_s3_sign(const ovi_s3_keys *keys, const char *url, int64_t now_ms, ov_buf *authorization,
                                 ov_buf *date, ov_error *err);
/* One answer of ListObjectsV2. *token: of the next one, empty at the end. */
OV_CHECKED ov_status ovi_s3_list_parse(ov_slice xml, ov_arena *out, ovi_listed **list, uint32_t *count, uint32_t *cap,
                                       ov_slice *token, ov_error *err);
