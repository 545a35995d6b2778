/*
 * The one entry to the query layer: SQL text in, batches out. Used by the HTTP server, by `ovate sql` on a
 * data folder and by tests.
 *
 *   ov_query_open(env, request) -> fields known, errors of the text raised -> ov_query_run(sink) -> close
 *
 * Threads: a query belongs to one thread at a time, except ov_query_cancel (any thread).
 */
#pragma once

#include "query/exec/exec.h"
#include "query/native/native_query.h"
#include "query/plan_cache.h"

/* External data that FROM TABLE(EXTERN(...)) and its kin name. */
typedef struct ov_extern_request {
    ov_slice source, format;     /* JSON: inputSource, inputFormat */
    const ov_field *fields;      /* the declared columns */
    uint32_t field_count;
    int64_t max_parse_exceptions; /* -1: no limit */
} ov_extern_request;

/* How they are read; the server's (ingestion is none of the query layer's business). */
typedef struct ov_extern_ops {
    void *ctx;
    /* A table of these columns, read when it runs; lives in the arena. OV_INVALID, OV_UNSUPPORTED for what the texts say. */
    ov_status (*open)(void *ctx, const ov_extern_request *request, ov_arena *arena, const ov_systable **out,
                      ov_error *err);
} ov_extern_ops;

/* What a supervisor that runs in this process says of itself, as JSON: state, detailedState, healthy, lag, lagSeconds; empty
 * when it does not run here. */
typedef ov_status ov_supervisor_look(void *self, ov_slice id, ov_arena *out, ov_slice *json, ov_error *err);

/* What the runner does with a task whose row says RUNNING: "RUNNING", "PENDING", or "NONE" when it has just ended. */
typedef const char *ov_task_look(void *self, ov_slice id);

/* What all queries of a process share. */
typedef struct ov_query_env {
    ov_catalog *catalog;
    ov_pool *pool;
    ov_budget *budget;            /* of all queries together */
    size_t query_budget_bytes;    /* of one query; 0 = budget's limit */
    ov_spill_area *spill;         /* for what does not fit into it; NULL: the query fails */
    ov_exec_options options;      /* tests; zero for defaults */
    const ov_systable *const *systables; /* the server's own beside those of query/system */
    uint32_t systable_count;
    const ov_extern_ops *externs; /* NULL: no external data */
    struct ov_lookups *lookups;   /* NULL: none */
    ov_plan_cache *plans;         /* NULL: each query makes its own */
    ov_blob_cache *states;        /* partial results by segment; NULL: none are kept */
    ov_supervisor_look *supervisor; /* for sys.supervisors; NULL: as the catalog has them */
    void *supervisor_self;
    ov_task_look *task;           /* for sys.tasks; NULL: all that have not ended run */
    void *task_self;
    const char *address;          /* "127.0.0.1:8888", for sys.servers; "" when there is no server */
    int64_t started_ms;
} ov_query_env;

typedef struct ov_param {
    ov_sqltype sql;
    bool is_null;
    int64_t i;   /* integers, BOOLEAN, TIMESTAMP and DATE as milliseconds */
    bool local;  /* TIMESTAMP, DATE: i is the clock in the session's zone, as of a literal */
    double f;    /* FLOAT, DOUBLE, DECIMAL */
    ov_slice s;  /* CHAR, VARCHAR */
    const struct ov_param *items; /* ARRAY: values of one type, NULLs among them */
    uint32_t item_count;
} ov_param;

/* What an INSERT or REPLACE statement does with its rows; see query/sql/bind_insert.c, bind_export.c. The query's fields are the stored
 * columns: __time first, then those of CLUSTERED BY. */
typedef struct ov_query_write {
    ov_slice datasource;          /* "__query_select" for an export */
    ov_slice export_path;         /* INSERT INTO EXTERN: the folder for files of CSV, as written; nothing but this is said
                                     then, and the fields are the query's. Empty: rows go to the datasource */
    bool replace;
    bool replace_all;             /* OVERWRITE ALL; otherwise REPLACE empties these: */
    const ov_interval *intervals; /* ascending, disjoint, aligned with `segment` */
    uint32_t interval_count;
    ov_gran segment;              /* PARTITIONED BY */
    ov_slice segment_json;        /* the same as JSON: "DAY" in quotes, {"type":"all"} */
    uint32_t sorted_count;        /* fields 1 .. sorted_count are plain columns of CLUSTERED BY */
    uint32_t cluster_count;       /* the same when CLUSTERED BY names nothing else, or 0: within a time chunk rows come
                                     ordered by these fields */
} ov_query_write;

typedef struct ov_query_request {
    ov_slice sql;
    const ov_json *native;   /* a native query instead of sql; must live as long as the query */
    const ov_param *params;
    uint32_t param_count;
    ov_slice query_id;       /* empty: one is made */
    const ov_json *context;  /* as posted, for EXPLAIN; NULL for none */
    ov_slice time_zone;      /* sqlTimeZone; empty: UTC */
    int64_t timeout_ms;      /* 0 = none */
    uint64_t outer_limit;    /* sqlOuterLimit; OV_NO_LIMIT when absent */
    bool describe;           /* parameters have no values yet: ov_query_params tells their types; not to be run */
    bool stringify_arrays;
    int64_t max_parse_exceptions; /* rows of EXTERN that may be unreadable; -1: any number */
    bool writes;                 /* INSERT and REPLACE are welcome; refused otherwise */
    uint64_t memory_bytes;       /* less than a query may use otherwise; 0 = as much as that */
    const _Atomic bool *cancel;  /* stops the query as ov_query_cancel does, also while it is opened: sub-queries run
                                    then; outlives the query; NULL for none */
} ov_query_request;

typedef struct ov_query ov_query;

OV_CHECKED ov_status ov_query_open(const ov_query_env *env, const ov_query_request *request,
                                   ov_query **out, ov_error *err);
/* The same for a thread that must not be held up: *out stays NULL, and nothing has happened, unless a plan of this very
 * statement is kept and its runs were quick. */
OV_CHECKED ov_status ov_query_open_quick(const ov_query_env *env, const ov_query_request *request, ov_query **out,
                                         ov_error *err);
/* Runs of its plan take less than half a millisecond of one thread, as far as is known. */
bool ov_query_is_quick(const ov_query *q);
/* The same request over the same catalog and lookups has the same answer: it depends on neither time, chance nor tables made
 * on the spot. */
bool ov_query_is_repeatable(const ov_query *q);
/* It sees this state of the catalog (ov_snapshot_version) and these lookups. */
bool ov_query_saw(const ov_query *q, uint64_t version, const struct ov_lookup_set *lookups);
/* Adds the members of the context that plans and answers depend on to a key; ids, priority and their like concern only the one
 * run. NULL: there is none. */
void ov_query_context_key(const ov_json *context, ov_buf *key);
/* The context says no to it: false, or the text. Anything else counts as not said. */
bool ov_query_context_denies(const ov_json *context, const char *name);
/* It says yes: true, or the text. */
bool ov_query_context_affirms(const ov_json *context, const char *name);
ov_budget *ov_query_budget(ov_query *q); /* for what is kept of its answer while it runs */
uint32_t ov_query_fields(const ov_query *q, const ov_field **out);
/* Of a query opened to be described: the SQL type each "?" is used as, VARCHAR where nothing tells. */
uint32_t ov_query_params(const ov_query *q, const ov_sqltype **out);
/* Of INSERT and REPLACE; NULL for anything else. ov_query_run then only makes the rows. */
const ov_query_write *ov_query_write_of(const ov_query *q);
/* EXPLAIN PLAN FOR: the result is a text about the statement, made without running it. */
bool ov_query_is_explain(const ov_query *q);
/* The value of the last SET of that name in front of the statement, as text; false when there is none. */
bool ov_query_setting(const ov_query *q, const char *name, ov_slice *value);
const ov_tz *ov_query_tz(const ov_query *q); /* results print TIMESTAMP in it */
OV_CHECKED ov_status ov_query_run(ov_query *q, const ov_result_sink *sink, ov_error *err);
const ov_native_query *ov_query_native(const ov_query *q); /* what a native query's answer looks like */
/* One of a native query's plans. */
OV_CHECKED ov_status ov_query_run_part(ov_query *q, const ov_plan *part, const ov_result_sink *sink,
                                       ov_error *err);
/* OV_CANCELLED or OV_TIMEOUT when the query must stop, for work around its runs. */
OV_CHECKED ov_status ov_query_still_alive(ov_query *q, ov_error *err);
void ov_query_cancel(ov_query *q);
int64_t ov_query_deadline(const ov_query *q); /* ms of the monotonic clock; 0 = none */
/* About so many rows are read, or pairs of them tried, as far as the plan tells: which queries are large. */
uint64_t ov_query_rows(const ov_query *q);
const ov_exec_stats *ov_query_stats(const ov_query *q);
void ov_query_close(ov_query *q); /* NULL is fine */
