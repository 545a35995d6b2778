/*
 * Private to ingest/task/task*.c and the task types: a task while it lives, its log, and the table of types.
 *
 * A task belongs to the thread that submits it, then to the runner's queue, then to the thread that runs it. Other threads
 * only touch what is atomic or says "under lock" (the runner's).
 */
#pragma once

#include <stdatomic.h>
#include "base/json.h"
#include "base/jsonw.h"
#include "base/thread.h"
#include "ingest/load/load.h"
#include "ingest/load/publish.h"
#include "ingest/task/task.h"

typedef struct ovi_task ovi_task;

typedef struct ovi_task_type {
    const char *name;
    /* Read the document into t->plan and set t->row.datasource; no effect outside the task. Its errors answer the
     * submit. */
    ov_status (*check)(ovi_task *t, const ov_json *doc, ov_error *err);
    /* Do it. What it publishes goes through ovi_task_publish; without that a success is written by the runner. */
    ov_status (*run)(ovi_task *t, ov_error *err);
    bool waits; /* most of its time for others: it runs on threads of their own, and takes a turn to load */
    bool writes; /* it brings rows: it stays in the queue while the disk guard has paused ingestion */
} ovi_task_type;

/* The type that a task's document names; OV_INVALID where there is none. */
OV_CHECKED ov_status ovi_task_type_of(const ov_json *doc, const ovi_task_type **out, ov_error *err);

/* The log of one task: DIR/tasks/<id>.log. Lines that cannot be written are lost, the task goes on. */
typedef struct ovi_task_log {
    int fd; /* -1: none */
    ov_mutex lock;
} ovi_task_log;
OV_CHECKED ov_status ovi_task_log_open(ovi_task_log *log, const char *dir, ov_slice id, ov_error *err);
void ovi_task_log_line(ovi_task_log *log, const char *level, const char *fmt, ...) OV_PRINTF(3, 4);
void ovi_task_log_close(ovi_task_log *log);
OV_CHECKED ov_status ovi_task_log_path(const char *dir, ov_slice id, ov_buf *out, ov_error *err);

/* What a task tells about itself besides the load's counters. */
typedef struct ovi_task_note {
    ov_slice key;
    int64_t value;
    ov_slice text;
    bool is_text;
    struct ovi_task_note *next;
} ovi_task_note;

struct ovi_task {
    ov_tasks *runner;
    const ovi_task_type *type;
    ov_arena arena; /* plan, row, results: lives as long as the task */
    ov_budget budget;
    ov_task_row row;
    ov_slice context_json; /* "{}" when there is none */
    void *plan;            /* the type's own */
    int64_t priority;      /* of the context, or Druid's for the type: greater ones leave the queue first */
    bool alone;            /* while it runs no other task of its datasource does, and in the queue none overtakes it */
    ovi_task_log log;

    _Atomic uint32_t refs;
    _Atomic bool cancel;      /* asked to stop */
    _Atomic int phase;        /* ov_task_phase */
    _Atomic int64_t started_ns, duration_ms;
    ov_load_progress progress;

    /* Of the running thread, then read-only once it has ended. */
    ov_load_result loaded;    /* counters and rejects of all loads together */
    uint32_t published;       /* segments */
    bool committed;           /* the row was ended inside the commit */
    ovi_task_note *notes, **notes_tail;
    char error[OV_ERROR_TEXT_BYTES];

    bool queued;       /* under lock */
    bool running;      /* under lock */
    /* Under lock; each list is taken apart from where a task stands, for it may be long. */
    ovi_task *next, **at;               /* all live tasks, newest first, and what points to this one */
    ovi_task *waiting, **waiting_at;    /* the next in the queue */
    ovi_task *same_hash, **same_at;     /* the next of the same place of by_id */
};

enum { OVI_WAIT_THREADS = 16, OVI_TASK_PLACES = 4096 };

struct ov_tasks {
    ov_tasks_config config;
    ov_mutex lock; /* everything below */
    ov_cond work[2]; /* something was queued, or stop; [1] for tasks that wait for others */
    ov_cond ended; /* some task ended */
    bool stop;
    ovi_task *live;             /* newest first */
    ovi_task *by_id[OVI_TASK_PLACES]; /* the same by the hash of their ids */
    ovi_task *first, **last;    /* the queue */
    uint32_t running, pending;
    uint32_t queued[2];         /* pending, by sort as in `work` */
    uint32_t thread_count;
    ov_thread threads[OV_TASK_MOST_THREADS];
    uint32_t wait_thread_count;
    ov_thread wait_threads[OVI_WAIT_THREADS];
    ov_cond turn;     /* a task that waits has loaded */
    uint32_t loading; /* such tasks that load now: at most thread_count */
};

const char *ovi_phase_state(ov_task_phase phase); /* RUNNING, SUCCESS, FAILED */
bool ovi_task_cancelled(const ovi_task *t);
/* OV_CANCELLED with the reason. */
ov_status ovi_task_fail_cancelled(ovi_task *t, ov_error *err);
/* Before a load begins: the keys that its spec declares hold from here on; a spec that contradicts those of its datasource
 * is refused. */
OV_CHECKED ov_status ovi_task_declare_keys(ovi_task *t, const ov_spec *spec, ov_error *err);
/* The environment of one of `loads` loads of this task that share its memory. */
OV_CHECKED ov_status ovi_task_load_env(ovi_task *t, unsigned loads, ov_load_env *env, ov_error *err);
/* The spec's own wish for open segments, within half of the task's memory. */
void ovi_task_limit_memory(const ovi_task *t, const ov_spec *spec, ov_load_env *env);
/* For types that wait: load only between these; OV_CANCELLED instead of a turn. */
OV_CHECKED ov_status ovi_task_turn_take(ovi_task *t, ov_error *err);
void ovi_task_turn_give(ovi_task *t);
/* Counters and rejects of one load join the task's. */
void ovi_task_add_result(ovi_task *t, const ov_load_result *r);
OV_CHECKED ov_status ovi_task_note_i64(ovi_task *t, const char *key, int64_t value, ov_error *err);
OV_CHECKED ov_status ovi_task_note_text(ovi_task *t, const char *key, ov_slice text, ov_error *err);
/* Commit p together with the task's end. */
OV_CHECKED ov_status ovi_task_publish(ovi_task *t, ov_publish *p, ov_error *err);

/* ---- task_doc.c ---- */
/* The status object of a row. */
void ovi_status_print(const ov_tasks *runner, const ov_task_row *row, const char *runner_status, ov_jsonw *w,
                      const char *key);

/* ---- task_report.c ---- */
/* The whole report; `state` is Druid's ingestionState. */
void ovi_report_print(const ovi_task *t, const char *state, const char *error, ov_buf *out);
/* The report of a task that runs (progress not NULL) or died without leaving one. */
void ovi_report_print_lost(const ov_tasks *runner, const ov_task_row *row, const ov_load_progress *progress, ov_buf *out);

/* ---- task_sql.c: the same for statements ---- */
void ovi_sql_report_print(const ovi_task *t, const char *error, ov_buf *out);
void ovi_sql_report_print_lost(const ov_tasks *runner, const ov_task_row *row, const ov_load_progress *progress,
                               ov_buf *out);

/* ---- task.c ---- */
ovi_task *ovi_task_create(ov_tasks *runner); /* NULL when memory is out */
void ovi_tasks_enqueue(ov_tasks *runner, ovi_task *t);
int64_t ovi_task_elapsed_ms(const ovi_task *t); /* since it began to run */
/* ---- task_submit.c ---- */
/* Queue the tasks that a stop interrupted and that want another run. */
OV_CHECKED ov_status ovi_tasks_take_up(ov_tasks *runner, ov_error *err);
/* ---- task.c and task_view.c: for the document functions ---- */
const ov_tasks_config *ovi_tasks_config(const ov_tasks *runner);
/* The live task, retained; NULL when it is history or unknown. */
ovi_task *ovi_tasks_find(ov_tasks *runner, ov_slice id);
void ovi_task_release(ovi_task *t);
/* The row as of now: of the live task, or from the catalog. */
OV_CHECKED ov_status ovi_tasks_row(ov_tasks *runner, ov_slice id, ov_arena *out, ov_task_row *row,
                                   const char **runner_status, ov_error *err);

/* ---- the types ---- */
extern const ovi_task_type ovi_task_index_parallel, ovi_task_index, ovi_task_git, ovi_task_kill, ovi_task_noop,
    ovi_task_sql, ovi_task_pull, ovi_task_compact;
