/* Private to pull_fetch.c, pull_answer.c and pull_accept.c: a request under way, and what its answer does to its series. */
#pragma once

#include "ingest/pull/pull_archive.h"

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

/* The series is at an end for this run, and why; secrets are taken out of the sentence. */
void ovi_flight_end_badly(ovi_flight *f, ovi_phase phase, ov_status code, const char *why);
void ovi_series_wait(ovi_series *s, int64_t ms);

/* ---- pull_accept.c ---- */
/* A page or file is here: its rows are kept, the series moves on. */
OV_CHECKED ov_status ovi_flight_accept(ovi_flight *f, ov_error *err);
/* 304. */
OV_CHECKED ov_status ovi_flight_unchanged(ovi_flight *f, ov_error *err);
/* Lines of a whole file: a compressed one that was cut or damaged is found before a row of it is loaded (OV_CORRUPT). */
OV_CHECKED ov_status ovi_file_check(const char *path, ov_slice shown, uint64_t *lines, uint64_t most, ov_error *err);
/* On to the page behind this one, or to the end of the series. */
OV_CHECKED ov_status ovi_flight_next_page(ovi_flight *f, const ovi_page *page, ov_error *err);

/* ---- pull_feed.c ---- */
/* The same without a network: answers out of an archive, files of a folder. */
OV_CHECKED ov_status ovi_run_feed(ovi_run *run, uint32_t from, uint32_t to, ov_error *err);
