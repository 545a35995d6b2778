/*
 * Private to ingest/pull/pull*.c: the spec of a pull, its series, their states, and one run of it. See docs/decisions/0002-pull.md.
 */
#pragma once

#include "base/httpc.h"
#include "base/sha256.h"
#include "ingest/pull/pull.h"
#include "ingest/pull/pull_limit.h"
#include "ingest/pull/pull_secret.h"
#include "ingest/load/publish.h"
#include "ingest/spec/spec.h"

/* ---- pull_spec.c: the document ---- */

typedef struct ovi_pull_param {
    ov_slice name;
    ovi_text_list values;
} ovi_pull_param;

typedef struct ovi_pull_spec {
    ov_slice name; /* of the states: two specs of one name share what they know */
    ov_slice datasource;
    ovi_pull_source source;
    ov_slice base_url, origin; /* origin: scheme, host and port of base_url */
    ovi_pull_param *params;
    uint32_t param_count;
    ov_slice for_each_sql; /* its columns are parameters */
    bool has_interval;
    ov_interval interval;
    ovi_text_list tokens; /* where they are */
    ovi_pairs secrets;    /* others by name: accessKey, secretKey, sessionToken */
    ov_slice region;      /* s3 */
    bool gaps_recorded;   /* else a gap fails the task */
    uint32_t max_failures;
    bool reset;           /* forget states */
    enum { OVI_CHANGE_FAIL, OVI_CHANGE_IGNORE, OVI_CHANGE_APPEND } on_change; /* a listed file that is another one now */
    bool archive;
    ov_slice replay;      /* path of an archive's index */
    uint32_t commit_series, commit_pages;
    const ov_json *data_schema, *tuning;
} ovi_pull_spec;

OV_CHECKED ov_status ovi_pull_spec_read(const ov_json *doc, ov_arena *out, ovi_pull_spec *spec, ov_error *err);
/* The batch loader's spec over some files. */
OV_CHECKED ov_status ovi_pull_load_spec(const ovi_pull_spec *spec, const ov_slice *files, uint32_t count, ov_arena *out,
                                        ov_spec **load, ov_error *err);

/* ---- pull_state.c: what is kept of a series ---- */

typedef struct ovi_known_page {
    ov_slice url, etag, modified, next; /* next: of the page that is unchanged */
} ovi_known_page;

typedef struct ovi_edge {
    uint64_t hash; /* of the row's key */
    ov_slice value; /* of its cursor */
} ovi_edge;

typedef struct ovi_pull_state {
    bool done;       /* a file or step that is read for good */
    ov_slice cursor; /* rows up to here are loaded */
    ov_slice high;   /* newest first: what the cursor becomes at the end of the series */
    ov_slice resume; /* address to go on at; empty: from the start */
    uint64_t resume_page;
    ov_slice token;  /* id of the token the pages' ETags belong to */
    ovi_known_page *pages;
    uint32_t page_count, page_cap;
    ovi_edge *edge;
    uint32_t edge_count, edge_cap;
    uint64_t rows, requests; /* ever; for plans */
} ovi_pull_state;

OV_CHECKED ov_status ovi_state_read(ov_slice text, ov_arena *out, ovi_pull_state *state, ov_error *err);
OV_CHECKED ov_status ovi_state_print(const ovi_pull_state *state, ov_arena *out, ov_slice *text, ov_error *err);
OV_CHECKED ov_status ovi_state_add_page(ovi_pull_state *s, ov_arena *out, const ovi_known_page *page, ov_error *err);
OV_CHECKED ov_status ovi_state_add_edge(ovi_pull_state *s, ov_arena *out, uint64_t hash, ov_slice value, ov_error *err);
const ovi_known_page *ovi_state_page(const ovi_pull_state *s, ov_slice url); /* NULL when unknown */
/* Drop what lies more than `overlap` before the cursor. */
void ovi_state_trim(ovi_pull_state *s, ov_slice cursor, int64_t overlap_ms);
/* Cursors are whole numbers, instants or texts. */
int ovi_cursor_cmp(ov_slice a, ov_slice b);
/* The cursor minus the overlap, in the source's format. */
OV_CHECKED ov_status ovi_cursor_shift(ov_slice cursor, int64_t overlap_ms, ov_slice format, ov_arena *out, ov_slice *text,
                                      ov_error *err);

/* Hashes that were seen, and how often; zeroed at first. */
typedef struct ovi_seen {
    uint64_t *at;
    uint32_t *times;
    size_t count, cap;
} ovi_seen;
/* *before: how often it was added already. */
OV_CHECKED ov_status ovi_seen_add(ovi_seen *s, uint64_t hash, uint32_t *before, ov_error *err);
void ovi_seen_fini(ovi_seen *s);

/* ---- series ---- */

typedef enum ovi_phase {
    OVI_WAITS,    /* for its turn, a slot or a time */
    OVI_FLIES,    /* a request is under way */
    OVI_PAUSED,   /* enough pages for this commit */
    OVI_COMPLETE,
    OVI_SAME,     /* nothing new */
    OVI_GAP,
    OVI_FAILED,
} ovi_phase;

typedef struct ovi_run ovi_run;

typedef struct ovi_series {
    uint32_t index;
    ov_slice key; /* "repo=a/b" */
    ovi_pairs values;
    bool has_interval;
    ov_interval interval;
    ov_slice file;       /* FILES from a listing: its key or path */
    ov_slice file_etag;  /* as listed */
    uint64_t file_bytes;
    ov_slice state_key, before; /* the catalog's cursor as it was at the start */
    ovi_pull_state was, now;

    ovi_phase phase;
    int64_t not_before; /* monotonic ms */
    uint64_t page;      /* number of the next one, from 0 */
    uint32_t pages_now; /* in this commit */
    uint32_t attempts, limited;
    ov_slice next_url;  /* empty: made from the description */
    ov_slice page_cursor; /* paging by a value of the page */
    bool changed;       /* the state differs from what the catalog has */
    uint64_t new_rows, repeated;
    ovi_seen seen;
    ov_slice spool;     /* file with its rows; empty: none */
    char why[OV_ERROR_TEXT_BYTES]; /* of a gap or failure */
    ov_status code;

    struct ovi_flight *flight;
} ovi_series;

typedef struct ovi_fetched { /* an answer whose rows are kept: a line of lineage */
    const ovi_series *series;
    ov_slice url, etag, modified, range;
    int status;
    uint64_t bytes, rows;
    char sha256[OV_SHA256_HEX + 1];
    int64_t at_ms;
    struct ovi_fetched *next;
} ovi_fetched;

typedef struct ovi_token {
    ov_slice value;
    uint64_t id;
    char name[17]; /* the id in digits: what states hold */
} ovi_token;

struct ovi_archive;

/* One run of a spec. `arena` lives as long as it, `group` until the next commit. */
struct ovi_run {
    const ovi_pull_spec *spec;
    ov_catalog *catalog; /* NULL: no states (test) */
    const ov_pull_ops *ops;
    ov_arena *arena;
    ov_arena group;
    const char *tmp_dir, *stem;
    const _Atomic bool *cancel;
    void (*log)(void *arg, const char *level, const char *text);
    void *log_arg;
    int64_t collected_ms; /* one instant for all rows */
    uint32_t max_pages;   /* of a series in all; 0: the source's own limit */

    ovi_secrets secrets;
    ovi_token *tokens;
    uint32_t token_count;
    ovi_pairs keys; /* secrets by name */
    bool echo_told; /* an answer held a secret, and the log says so */
    ovi_pool *pool;
    ovi_series *series;
    uint32_t series_count;
    struct ovi_archive *archive; /* written, or replayed */
    bool replays;
    bool dry;          /* nothing is asked, not even a listing */
    uint32_t listings; /* that a dry run left out */

    /* Of the group under way. */
    uint32_t spooled; /* files so far, for their names */
    ov_slice joined;  /* the file that the loader reads instead of the series' own */
    ovi_fetched *fetched, **fetched_tail;
    uint64_t group_bytes;

    /* Ever. */
    uint64_t requests, unchanged, bytes, repeated, waits_ms;
    uint64_t kept; /* rows of groups that are committed */
    uint32_t gaps, failures;
    char first_gap[OV_ERROR_TEXT_BYTES], first_failure[OV_ERROR_TEXT_BYTES];
    ov_load_progress *progress; /* may be NULL */
};

/* ---- pull_series.c ---- */
/* Secrets, pool, all series with their states. */
OV_CHECKED ov_status ovi_run_prepare(ovi_run *run, ov_error *err);
void ovi_run_fini(ovi_run *run);

/* ---- pull_url.c ---- */
/* The address of the series' next page. real: with secrets in it. */
OV_CHECKED ov_status ovi_series_url(const ovi_run *run, const ovi_series *s, const ovi_token *token, bool real, ov_buf *out,
                                    ov_error *err);
/* "Name: value" lines, ended by NULL, in `out`. */
OV_CHECKED ov_status ovi_series_headers(const ovi_run *run, const ovi_series *s, const ovi_token *token, const char *url,
                                        ov_arena *out, const char ***headers, ov_error *err);
/* Is a secret in one of them that redirects to other hosts would take along? Authorization stays behind anyway. */
bool ovi_headers_tell_secrets(const ovi_run *run, const char *const *headers);
/* The names that templates see. `own` is room for those that change from page to page. */
typedef struct ovi_own_names {
    ovi_pair at[8];
    ovi_pairs pairs;
    char page[24], offset[24], end[24];
} ovi_own_names;
void ovi_series_names(const ovi_run *run, const ovi_series *s, ovi_own_names *own, ovi_names *names);

/* ---- pull_fetch.c ---- */
/* Fetch the next pages of series [from, to) until each is complete, paused, the same, a gap or failed. */
OV_CHECKED ov_status ovi_run_fetch(ovi_run *run, uint32_t from, uint32_t to, ov_error *err);

/* ---- pull_page.c ---- */
typedef struct ovi_page {
    uint64_t read, repeated; /* rows of the page; of them loaded before */
    bool last;               /* no further page, as far as the body tells */
    bool retry;              /* the body asks to try again */
    bool empty;              /* the body says that nothing is there */
    int64_t backoff_ms;
    ov_slice cursor;         /* for paging by a value of the page */
} ovi_page;
/* A body (with OVI_SCAN_PAD NULs behind it) into lines, one JSON object each. OV_INVALID: not what the description says. */
OV_CHECKED ov_status ovi_page_read(ovi_run *run, ovi_series *s, ov_slice body, ov_arena *scratch, ov_buf *lines,
                                   ovi_page *page, ov_error *err);
/* What the body says about its failure, shortened; empty when it says nothing. */
void ovi_page_message(const ovi_pull_source *s, ov_slice body, ov_buf *out);
/* The target of rel="next"; empty when there is none. */
ov_slice ovi_link_next(ov_slice link);

/* ---- pull_commit.c ---- */
/* States, lineage and completeness of the group's series into `p`. */
OV_CHECKED ov_status ovi_run_settle(ovi_run *run, uint32_t from, uint32_t to, ov_publish *p, ov_error *err);
