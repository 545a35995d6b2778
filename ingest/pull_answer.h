/* Private to pull_fetch.c and pull_answer.c: a request under way, and what its answer does to its series. */
#pragma once

#include "ingest/pull_archive.h"

typedef struct ovi_flight {
    ovi_run *run;
    ovi_series *series;
    const ovi_token *token; /* NULL: none */
    ov_arena arena;         /* headers; while a page is read its scratch */
    ov_http_request req;
    ov_buf url, shown;      /* with and without secrets */
    ov_buf body;
    int fd;                 /* FILES: where the body goes; else -1 */
    const char *path;
    ov_sha256 sum;
    uint64_t bytes;
    _Atomic uint64_t uncounted;
    ovi_reply reply;
    ov_buf link;
    char etag[256], modified[64];
} ovi_flight;

OV_CHECKED ov_status ovi_flight_create(ovi_run *run, ovi_series *s, const ovi_token *token, ovi_flight **out, ov_error *err);
void ovi_flight_destroy(ovi_flight *f); /* removes the file of one that came to nothing */
void ovi_answer_header(ovi_flight *f, ov_slice name, ov_slice value);
/* The answer is here: the series' next state. Only what stops the whole run is an error. */
OV_CHECKED ov_status ovi_flight_land(ovi_flight *f, ov_http_done *done, ov_error *err);

/* A fresh name for a file below the temporary folder. */
OV_CHECKED ov_status ovi_spool_path(ovi_run *run, ov_slice *path, ov_error *err);
void ovi_run_log(const ovi_run *run, const char *level, const char *text);

/* ---- pull_feed.c ---- */
/* The same without a network: answers out of an archive, files of a folder. */
OV_CHECKED ov_status ovi_run_feed(ovi_run *run, uint32_t from, uint32_t to, ov_error *err);
