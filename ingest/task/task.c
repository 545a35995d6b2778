/*
 * The runner: a list of live tasks, a queue, a few threads. The catalog's rows are the truth; the list only knows what is
 * going on now.
 */
#include "ingest/stream/stream.h"
#include "ingest/task/task_int.h"
#include "ingest/upkeep/disk_guard.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/os.h"

enum { DEFAULT_THREADS = 2, LOOK_MS = 100, IDLE_MS = 10000 };

const ov_tasks_config *ovi_tasks_config(const ov_tasks *runner)
{
    return &runner->config;
}

/* ---- one task ---- */

ovi_task *ovi_task_create(ov_tasks *r)
{
    ovi_task *t = ov_calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    size_t limit = r->config.task_memory_bytes ? r->config.task_memory_bytes : OV_TASK_MEMORY_BYTES;
    t->runner = r;
    t->log.fd = -1;
    t->notes_tail = &t->notes;
    t->context_json = OV_SLICE_LIT("{}");
    atomic_init(&t->refs, 1);
    ov_budget_init(&t->budget, "task", limit, r->config.budget);
    ov_arena_init(&t->arena, "task", NULL);
    return t;
}

void ovi_task_release(ovi_task *t)
{
    if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
        return;
    ovi_task_log_close(&t->log);
    ov_arena_fini(&t->arena);
    ov_free(t);
}

bool ovi_task_cancelled(const ovi_task *t)
{
    return atomic_load_explicit(&t->cancel, memory_order_relaxed);
}

ov_status ovi_task_fail_cancelled(ovi_task *t, ov_error *err)
{
    ov_mutex_lock(&t->runner->lock);
    bool stop = t->runner->stop;
    ov_mutex_unlock(&t->runner->lock);
    return ov_fail(err, OV_CANCELLED, "%s",
                   stop ? "the server was stopped; nothing was published"
                        : "a shutdown was requested; nothing was published");
}

int64_t ovi_task_elapsed_ms(const ovi_task *t)
{
    int64_t started = atomic_load(&t->started_ns);
    return started ? (ov_monotonic_ns() - started) / 1000000 : 0;
}

/* ---- the live list, under lock ---- */

static ovi_task **place_of(ov_tasks *r, ov_slice id)
{
    return &r->by_id[ov_hash_slice(id) % OVI_TASK_PLACES];
}

ovi_task *ovi_tasks_find(ov_tasks *r, ov_slice id)
{
    ov_mutex_lock(&r->lock);
    ovi_task *t = *place_of(r, id);
    while (t && !ov_slice_eq(t->row.id, id))
        t = t->same_hash;
    if (t)
        atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    ov_mutex_unlock(&r->lock);
    return t;
}

static void enter_live(ov_tasks *r, ovi_task *t)
{
    t->at = &r->live;
    t->next = r->live;
    if (t->next)
        t->next->at = &t->next;
    *t->at = t;
    t->same_at = place_of(r, t->row.id);
    t->same_hash = *t->same_at;
    if (t->same_hash)
        t->same_hash->same_at = &t->same_hash;
    *t->same_at = t;
}

static void leave_live(ovi_task *t)
{
    *t->at = t->next;
    if (t->next)
        t->next->at = t->at;
    *t->same_at = t->same_hash;
    if (t->same_hash)
        t->same_hash->same_at = t->same_at;
}

void ovi_tasks_enqueue(ov_tasks *r, ovi_task *t)
{
    ov_mutex_lock(&r->lock);
    enter_live(r, t);
    t->queued = true;
    t->waiting_at = r->last;
    *r->last = t;
    r->last = &t->waiting;
    r->pending++;
    r->queued[t->type->waits]++;
    ov_cond_broadcast(&r->work[t->type->waits]);
    ov_mutex_unlock(&r->lock);
}

/* REPLACE ... SELECT reads what it replaces: rows that came meanwhile would be lost. */
static bool in_each_others_way(const ovi_task *a, const ovi_task *b)
{
    return (a->alone || b->alone) && ov_slice_eq(a->row.datasource, b->row.datasource);
}

/* The first of the greatest priority of its sort in the queue that may run beside those that run, and overtakes none that it
 * would hold up; under lock. */
static ovi_task *next_task(ov_tasks *r, bool waits)
{
    ovi_task *best = NULL;
    if (!r->queued[waits])
        return NULL; /* the other sort's queue may be long */
    for (ovi_task *t = r->first; t; t = t->waiting) {
        bool free = true;
        if (t->type->waits != waits)
            continue;
        if (r->stop)
            return t; /* each ends at once, with its row */
        if (best && t->priority <= best->priority)
            continue; /* before what follows, which looks at all others: queues may be long */
        if (t->type->writes && ov_disk_paused(r->config.disk))
            continue;
        for (const ovi_task *o = r->live; o && free; o = o->next)
            free = !o->running || !in_each_others_way(t, o);
        for (const ovi_task *o = r->first; o != t && free; o = o->waiting)
            free = !in_each_others_way(t, o);
        if (free)
            best = t;
    }
    return best;
}

/* Out of the queue; under lock. */
static void unqueue(ov_tasks *r, ovi_task *t)
{
    *t->waiting_at = t->waiting;
    if (t->waiting)
        t->waiting->waiting_at = t->waiting_at;
    else
        r->last = t->waiting_at;
    t->waiting = NULL;
    t->queued = false;
    t->running = true;
    r->pending--;
    r->queued[t->type->waits]--;
    r->running++;
}

/* The next task to run, or NULL to end the thread. */
static ovi_task *dequeue(ov_tasks *r, bool waits)
{
    ovi_task *t;
    ov_mutex_lock(&r->lock);
    while ((t = next_task(r, waits)) == NULL && !r->stop)
        ov_cond_wait_ms(&r->work[waits], &r->lock, r->queued[waits] ? LOOK_MS : IDLE_MS); /* nobody tells when the disk has room again */
    if (t)
        unqueue(r, t);
    ov_mutex_unlock(&r->lock);
    return t;
}

/* Out of the queue, as if dequeued; false when a thread has it already or it has ended. */
static bool take_queued(ov_tasks *r, ovi_task *t)
{
    ov_mutex_lock(&r->lock);
    bool queued = t->queued;
    if (queued)
        unqueue(r, t);
    ov_mutex_unlock(&r->lock);
    return queued;
}

static void wake_all(ov_tasks *r)
{
    ov_cond_broadcast(&r->work[0]);
    ov_cond_broadcast(&r->work[1]);
}

static void leave(ov_tasks *r, ovi_task *t, bool forget)
{
    ov_mutex_lock(&r->lock);
    if (forget)
        leave_live(t);
    r->running--;
    t->running = false;
    wake_all(r); /* some task may have waited for this one */
    ov_cond_broadcast(&r->ended);
    ov_mutex_unlock(&r->lock);
    if (forget)
        ovi_task_release(t);
}

/* ---- running ---- */

/* The row of a task that ends now; report and texts live in the task's arena. */
static ov_status final_row(ovi_task *t, ov_task_phase phase, const char *error, ov_task_row *row, ov_error *err)
{
    ov_buf report;
    ov_buf_init(&report);
    ovi_report_print(t, phase == OV_TASK_SUCCESS ? "COMPLETED" : "BUILD_SEGMENTS", error, &report);
    ov_status st = ov_buf_check(&report, err);
    *row = t->row;
    row->state = ov_slice_cstr(ovi_phase_state(phase));
    row->duration_ms = ovi_task_elapsed_ms(t);
    if (st == OV_OK)
        st = ov_arena_copy(&t->arena, ov_buf_slice(&report), &row->report, err);
    if (st == OV_OK)
        st = ov_arena_copy(&t->arena, ov_slice_cstr(error ? error : ""), &row->error_msg, err);
    ov_buf_fini(&report);
    return st;
}

ov_status ovi_task_publish(ovi_task *t, ov_publish *p, ov_error *err)
{
    ov_task_row row;
    t->published = p->segment_count;
    ov_status st = ovi_task_cancelled(t) ? ovi_task_fail_cancelled(t, err)
                                         : final_row(t, OV_TASK_SUCCESS, NULL, &row, err);
    if (st != OV_OK) {
        t->published = 0;
        ov_publish_abandon(p);
        return st;
    }
    ovi_task_log_line(&t->log, "INFO", "publishing %u segments", p->segment_count);
    st = ov_publish_run(p, &row, err);
    t->committed = st == OV_OK;
    if (st != OV_OK)
        t->published = 0;
    return st;
}

/* Write the end of the task down. false: the catalog would not take it. */
static bool record_end(ovi_task *t, ov_task_phase phase, const char *error)
{
    ov_error err = OV_ERROR_INIT;
    ov_task_row row;
    if (t->committed)
        return true;
    ov_status st = final_row(t, phase, error, &row, &err);
    if (st == OV_OK)
        st = ov_catalog_task_update(t->runner->config.catalog, &row, &err);
    if (st != OV_OK)
        ov_log_error("the end of a task could not be written down", ov_kv_slice("task", t->row.id),
                     ov_kv_err(&err));
    return st == OV_OK;
}

static void log_end(ovi_task *t, ov_task_phase phase)
{
    const ov_load_counters *c = &t->loaded.counters;
    ovi_task_log_line(&t->log, phase == OV_TASK_SUCCESS ? "INFO" : "ERROR",
                      "%s after %lld ms: %llu rows read, %llu loaded, %llu rejected, %llu filtered, %u segments "
                      "published%s%s",
                      ovi_phase_state(phase), (long long)ovi_task_elapsed_ms(t), (unsigned long long)c->read,
                      (unsigned long long)c->loaded, (unsigned long long)c->rejected,
                      (unsigned long long)c->filtered, t->published, t->error[0] ? ": " : "", t->error);
    ov_log_info("task ended", ov_kv_str("state", ovi_phase_state(phase)), ov_kv_i64("ms", ovi_task_elapsed_ms(t)),
                ov_kv_i64("rows", (int64_t)c->loaded), ov_kv_str("error", t->error));
}

static bool stopped_for_restart(ovi_task *t)
{
    ov_mutex_lock(&t->runner->lock);
    bool stop = t->runner->stop;
    ov_mutex_unlock(&t->runner->lock);
    return stop && t->row.restart;
}

static void run_task(ovi_task *t)
{
    ov_error err = OV_ERROR_INIT;
    ov_log_scope scope = ov_log_scope_set("task", t->row.id);
    atomic_store(&t->started_ns, ov_monotonic_ns());
    atomic_store(&t->phase, OV_TASK_RUNNING);
    ovi_task_log_line(&t->log, "INFO", "task " OV_SLICE_FMT " starts", OV_SLICE_ARG(t->row.id));
    ov_log_info("task starts", ov_kv_slice("type", t->row.type), ov_kv_slice("datasource", t->row.datasource));
    ov_status st = ovi_task_cancelled(t) ? ovi_task_fail_cancelled(t, &err) : OV_OK;
    ov_streams *streams = t->runner->config.streams;
    if (st == OV_OK && streams && t->row.datasource.n)
        st = ov_streams_flush(streams, t->row.datasource, &err);
    if (st == OV_OK) {
        ov_mem_spare(true);
        st = t->type->run(t, &err);
        ov_mem_spare(false);
    }
    ov_task_phase phase = st == OV_OK ? OV_TASK_SUCCESS : OV_TASK_FAILED;
    bool recorded = true;
    if (st != OV_OK)
        memcpy(t->error, err.text, sizeof(t->error));
    if (st == OV_CANCELLED && stopped_for_restart(t))
        ovi_task_log_line(&t->log, "INFO", "interrupted; runs again after the next start");
    else
        recorded = record_end(t, phase, st == OV_OK ? NULL : t->error);
    log_end(t, phase);
    atomic_store(&t->duration_ms, ovi_task_elapsed_ms(t));
    atomic_store(&t->phase, phase);
    /* What the catalog could not keep stays visible at least while this process lives. */
    leave(t->runner, t, recorded);
    ov_log_scope_restore(&scope);
}

static void work(void *arg)
{
    ov_tasks *r = arg;
    for (ovi_task *t; (t = dequeue(r, false)) != NULL;)
        run_task(t);
}

static void work_waiting(void *arg)
{
    ov_tasks *r = arg;
    for (ovi_task *t; (t = dequeue(r, true)) != NULL;)
        run_task(t);
}

ov_status ovi_task_turn_take(ovi_task *t, ov_error *err)
{
    ov_tasks *r = t->runner;
    ov_mutex_lock(&r->lock);
    while ((r->loading >= OV_MAX(r->thread_count, 1u) || ov_disk_paused(r->config.disk)) && !ovi_task_cancelled(t))
        ov_cond_wait_ms(&r->turn, &r->lock, LOOK_MS);
    bool cancelled = ovi_task_cancelled(t);
    r->loading += !cancelled;
    ov_mutex_unlock(&r->lock);
    return cancelled ? ovi_task_fail_cancelled(t, err) : OV_OK;
}

void ovi_task_turn_give(ovi_task *t)
{
    ov_mutex_lock(&t->runner->lock);
    t->runner->loading--;
    ov_cond_signal(&t->runner->turn);
    ov_mutex_unlock(&t->runner->lock);
}

/* ---- stopping ---- */

/* A task still in the queue ends here and now, on the caller's thread, however busy the runner is. */
static void cancel_task(ov_tasks *r, ovi_task *t)
{
    ovi_task_log_line(&t->log, "INFO", "shutdown requested");
    atomic_store(&t->cancel, true);
    if (take_queued(r, t))
        run_task(t);
}

ov_status ov_tasks_shutdown(ov_tasks *r, ov_slice id, ov_error *err)
{
    ovi_task *t = ovi_tasks_find(r, id);
    if (t) {
        cancel_task(r, t);
        ovi_task_release(t);
        return OV_OK;
    }
    ov_arena a;
    ov_task_row row;
    ov_arena_init(&a, "task", NULL);
    ov_status st = ov_catalog_task_get(r->config.catalog, id, &a, &row, err);
    ov_arena_fini(&a);
    return st;
}

ov_status ov_tasks_shutdown_datasource(ov_tasks *r, ov_slice datasource, uint32_t *count, ov_error *err)
{
    ovi_task **list;
    uint32_t n = 0, most = 0;
    *count = 0;
    ov_mutex_lock(&r->lock);
    for (const ovi_task *t = r->live; t; t = t->next)
        most++;
    list = ov_calloc(most + 1u, sizeof(ovi_task *));
    for (ovi_task *t = r->live; list && t; t = t->next) {
        if (!ov_slice_eq(t->row.datasource, datasource))
            continue;
        atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
        list[n++] = t;
    }
    ov_mutex_unlock(&r->lock);
    if (!list)
        return ov_fail_nomem(err, most * sizeof(ovi_task *));
    for (uint32_t i = 0; i < n; i++) {
        cancel_task(r, list[i]);
        ovi_task_release(list[i]);
    }
    ov_free(list);
    *count = n;
    return OV_OK;
}

/* ---- create, destroy ---- */

ov_status ov_tasks_create(const ov_tasks_config *config, ov_tasks **out, ov_error *err)
{
    ov_tasks *r = ov_calloc(1, sizeof(*r));
    if (!r)
        return ov_fail_nomem(err, sizeof(*r));
    r->config = *config;
    if (!r->config.host)
        r->config.host = "localhost";
    if (!r->config.port)
        r->config.port = -1;
    ov_mutex_init(&r->lock);
    ov_cond_init(&r->work[0]);
    ov_cond_init(&r->work[1]);
    ov_cond_init(&r->ended);
    ov_cond_init(&r->turn);
    r->last = &r->first;
    uint32_t threads = OV_MIN(config->threads ? config->threads : DEFAULT_THREADS, (uint32_t)OV_TASK_MOST_THREADS);
    ov_status st = ovi_tasks_take_up(r, err);
    for (; st == OV_OK && r->thread_count < threads; r->thread_count++)
        st = ov_thread_start(&r->threads[r->thread_count], "task", work, r, err);
    for (; st == OV_OK && r->wait_thread_count < OVI_WAIT_THREADS; r->wait_thread_count++)
        st = ov_thread_start(&r->wait_threads[r->wait_thread_count], "waiting task", work_waiting, r, err);
    if (st != OV_OK) {
        ov_tasks_destroy(r);
        return st;
    }
    *out = r;
    return OV_OK;
}

void ov_tasks_destroy(ov_tasks *r)
{
    if (!r)
        return;
    ov_mutex_lock(&r->lock);
    r->stop = true;
    for (ovi_task *t = r->live; t; t = t->next)
        atomic_store(&t->cancel, true);
    wake_all(r);
    ov_mutex_unlock(&r->lock);
    for (uint32_t i = 0; i < r->thread_count; i++)
        ov_thread_join(&r->threads[i]);
    for (uint32_t i = 0; i < r->wait_thread_count; i++)
        ov_thread_join(&r->wait_threads[i]);
    while (r->live) {
        ovi_task *t = r->live;
        r->live = t->next;
        ovi_task_release(t);
    }
    ov_mutex_fini(&r->lock);
    ov_cond_fini(&r->work[0]);
    ov_cond_fini(&r->work[1]);
    ov_cond_fini(&r->ended);
    ov_cond_fini(&r->turn);
    ov_free(r);
}
