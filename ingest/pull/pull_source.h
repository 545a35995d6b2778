/*
 * A source as a description: where its pages are, how one leads to the next, which part of a page is rows, what its answers
 * mean. Everything a REST API or a store of files needs, and nothing about how it is fetched.
 *
 * Descriptions are JSON: those that come with the program (ingest/pull/sources, ovi_pull_builtins) or the object that a
 * spec gives. Threads: a parsed description is read-only.
 */
#pragma once

#include "base/json.h"
#include "base/period.h"
#include "ingest/parse/jsonpath.h"
#include "ingest/pull/pull_template.h"

typedef enum ovi_pull_kind {
    OVI_PULL_REST,  /* pages of JSON that hold rows */
    OVI_PULL_FILES, /* whole files of rows, maybe compressed; their names from the path or from a listing */
} ovi_pull_kind;

typedef enum ovi_paging {
    OVI_PAGING_NONE,
    OVI_PAGING_LINK,   /* the Link header's rel="next", taken as it is */
    OVI_PAGING_PAGE,   /* a number that counts up */
    OVI_PAGING_OFFSET, /* {offset} and {end} count rows */
    OVI_PAGING_CURSOR, /* a value out of the page goes into the next request */
} ovi_paging;

typedef enum ovi_shape {
    OVI_SHAPE_ARRAY,  /* the path leads to an array of rows */
    OVI_SHAPE_OBJECT, /* ... to one row */
    OVI_SHAPE_MAP,    /* ... to an object whose members are rows: {"key":...,"value":...} */
} ovi_shape;

typedef enum ovi_listing {
    OVI_LISTING_NONE,
    OVI_LISTING_S3,    /* ListObjectsV2 below baseUrl */
    OVI_LISTING_LOCAL, /* files below a folder */
    OVI_LISTING_INDEX, /* links of an HTML page */
} ovi_listing;

typedef struct ovi_pull_path {
    ov_slice text; /* empty: not given */
    ov_jsonpath path;
} ovi_pull_path;

typedef struct ovi_int_list {
    int64_t *at;
    uint32_t n;
} ovi_int_list;

typedef struct ovi_text_list {
    ov_slice *at;
    uint32_t n;
} ovi_text_list;

/* Limits of a description; a spec overrides them one by one. Times in milliseconds. */
typedef struct ovi_pull_limits {
    ov_slice pool;          /* empty: the host */
    uint32_t slots;         /* requests at once */
    uint32_t rate_count;    /* requests per rate_ms; 0: no limit */
    int64_t rate_ms;
    uint32_t budget_count;  /* requests a token has per budget_ms, for plans; 0: not known */
    int64_t budget_ms;
    uint32_t retries;       /* of one request that failed for a passing reason */
    uint32_t polls;         /* of one that answers 202 */
    int64_t poll_ms;        /* before the first; grows threefold */
    int64_t backoff_ms, max_backoff_ms;
    int64_t max_wait_ms;    /* longest wait a server may ask for */
    int64_t timeout_ms;     /* of one request */
    int64_t stall_ms;
    uint64_t max_bytes;     /* of one answer, decompressed */
    uint32_t max_pages;     /* of one series in one run; 0: no limit */
} ovi_pull_limits;

typedef struct ovi_pull_source {
    ov_slice name, about;
    ovi_pull_kind kind;
    ov_slice base_url;
    ov_slice path; /* template */
    ovi_pairs query, headers; /* values are templates */
    ov_slice auth_header, auth_value, auth_query; /* {token} in auth_value */
    bool auth_required;
    ovi_pairs params; /* name and default; p NULL: must be given */

    ovi_paging paging;
    ov_slice page_param; /* PAGE, CURSOR */
    int64_t page_first;
    int64_t page_size;     /* a shorter page is the last one; 0: not so */
    ovi_pull_path more;    /* true: there is another page */
    ovi_pull_path next;    /* CURSOR */

    ovi_pull_path rows;
    ovi_shape shape;
    ov_slice number;  /* member that numbers rows of one key in one answer, which then are different ones */
    ov_slice explode; /* member of each row that is an array: one row for each of its elements */
    ovi_pairs add;    /* members added to each row; values are templates */
    bool allow_missing_rows; /* a page without the path holds no rows (else it is an error) */

    ovi_pull_path code; /* an answer's own word for success */
    ovi_text_list code_ok, code_empty, code_retry;
    ovi_pull_path message, backoff; /* sentence of an error; seconds to wait before the next request */
    ovi_pull_path incomplete; /* true: the answer is not whole */
    ovi_int_list status_empty, status_missing;

    ovi_pull_path cursor;      /* of a row */
    int64_t cursor_overlap_ms; /* read again before the cursor */
    bool cursor_descending;    /* newest first: stop below the cursor */
    bool cursor_unsorted;      /* in any order: all pages are read, rows before the cursor are known */
    ov_slice cursor_format;    /* "iso" or "posix": how {cursor} is written */
    ovi_pull_path *key;        /* of a row */
    uint32_t key_count;
    bool conditional;

    bool has_step;
    ov_gran step;           /* one series for each stretch of the interval */
    bool needs_interval;
    int64_t lag_ms;         /* a step is asked so long after its end */

    ovi_listing listing;
    ov_slice list_prefix, list_glob; /* templates */

    ovi_pull_limits limits;
    ov_slice datasource;
    const ov_json *data_schema, *flatten, *format, *tuning; /* NULL when not given */
} ovi_pull_source;

/* Parse and check a description. `path` inside the spec is part of errors. */
OV_CHECKED ov_status ovi_pull_source_read(const ov_json *doc, ov_arena *out, ovi_pull_source *source, ov_error *err);
/* {"pool":..., "slots":...} over what `limits` holds. */
OV_CHECKED ov_status ovi_pull_limits_read(const ov_json *obj, ovi_pull_limits *limits, ov_error *err);

/* Descriptions that come with the program. */
typedef struct ovi_pull_builtin {
    const char *name;
    const char *json;
} ovi_pull_builtin;
const ovi_pull_builtin *ovi_pull_builtins(size_t *count);
/* NULL when there is none of that name. */
const ovi_pull_builtin *ovi_pull_builtin_find(ov_slice name);
