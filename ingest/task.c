/*
 * The runner: a list of live tasks, a queue, a few threads. The catalog's rows are the truth; the list only knows what is
 * going on now.
 */
#include "ingest/task_int.h"

#include "base/log.h"
#include "base/os.h"

enum { DEFAULT_THREADS = 2, MAX_THREADS = 64 };

struct ov_tasks {
    ov_tasks_config config;
    ov_mutex lock; /* everything below */
    ov_cond work;  /* something was queued, or stop */
    ov_cond ended; /* some task ended */
    bool stop;
    ovi_task *live;             /* newest first */
    ovi_task *first, **last;    /* the queue */
    uint32_t running, pending;
    uint32_t thread_count;
    ov_thread threads[MAX_THREADS];
};

const ov_tasks_config *ovi_tasks_config(const ov_tasks *runner)
{
    return &runner->config;
}

/* ---- one task ---- */

static ovi_task *task_create(ov_tasks *r)
{
    ovi_task *t = ov_calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    size_t limit = r->config.task_memory_bytes ? r->config.task_memory_bytes : OV_LOAD_MEMORY_BYTES;
    t->runner = r;
    t->log.fd = -1;
    t->notes_tail = &t->notes;
    t->context_json = OV_SLICE_LIT("{}");
    atomic_init(&t->refs, 1);
    /* Twice the limit of open builders: parsing and sealing need room beside them. */
    ov_budget_init(&t->budget, "task", limit > SIZE_MAX / 2 ? SIZE_MAX : 2 * limit, r->config.budget);
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

static int64_t elapsed_ms(const ovi_task *t)
{
    int64_t started = atomic_load(&t->started_ns);
    return started ? (ov_monotonic_ns() - started) / 1000000 : 0;
}

/* ---- the live list, under lock ---- */

ovi_task *ovi_tasks_find(ov_tasks *r, ov_slice id)
{
    ov_mutex_lock(&r->lock);
    ovi_task *t = r->live;
    while (t && !ov_slice_eq(t->row.id, id))
        t = t->next;
    if (t)
        atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    ov_mutex_unlock(&r->lock);
    return t;
}

static void enqueue(ov_tasks *r, ovi_task *t)
{
    ov_mutex_lock(&r->lock);
    t->next = r->live;
    r->live = t;
    t->queued = true;
    *r->last = t;
    r->last = &t->waiting;
    r->pending++;
    ov_cond_signal(&r->work);
    ov_mutex_unlock(&r->lock);
}

/* The next task to run, or NULL to end the thread. */
static ovi_task *dequeue(ov_tasks *r)
{
    ov_mutex_lock(&r->lock);
    while (!r->first && !r->stop)
        ov_cond_wait(&r->work, &r->lock);
    ovi_task *t = r->first; /* after stop too: each ends at once, with its row */
    if (t) {
        r->first = t->waiting;
        if (!r->first)
            r->last = &r->first;
        t->waiting = NULL;
        t->queued = false;
        r->pending--;
        r->running++;
    }
    ov_mutex_unlock(&r->lock);
    return t;
}

static void leave(ov_tasks *r, ovi_task *t, bool forget)
{
    ov_mutex_lock(&r->lock);
    ovi_task **at = &r->live;
    while (forget && *at != t)
        at = &(*at)->next;
    if (forget)
        *at = t->next;
    r->running--;
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
    row->duration_ms = elapsed_ms(t);
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
                      ovi_phase_state(phase), (long long)elapsed_ms(t), (unsigned long long)c->read,
                      (unsigned long long)c->loaded, (unsigned long long)c->rejected,
                      (unsigned long long)c->filtered, t->published, t->error[0] ? ": " : "", t->error);
    ov_log_info("task ended", ov_kv_str("state", ovi_phase_state(phase)), ov_kv_i64("ms", elapsed_ms(t)),
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
    ov_status st = ovi_task_cancelled(t) ? ovi_task_fail_cancelled(t, &err) : t->type->run(t, &err);
    ov_task_phase phase = st == OV_OK ? OV_TASK_SUCCESS : OV_TASK_FAILED;
    bool recorded = true;
    if (st != OV_OK)
        memcpy(t->error, err.text, sizeof(t->error));
    if (st == OV_CANCELLED && stopped_for_restart(t))
        ovi_task_log_line(&t->log, "INFO", "interrupted; runs again after the next start");
    else
        recorded = record_end(t, phase, st == OV_OK ? NULL : t->error);
    log_end(t, phase);
    atomic_store(&t->duration_ms, elapsed_ms(t));
    atomic_store(&t->phase, phase);
    /* What the catalog could not keep stays visible at least while this process lives. */
    leave(t->runner, t, recorded);
    ov_log_scope_restore(&scope);
}

static void work(void *arg)
{
    ov_tasks *r = arg;
    for (ovi_task *t; (t = dequeue(r)) != NULL;)
        run_task(t);
}

/* ---- submitting ---- */

static ov_status make_id(ovi_task *t, int64_t now, ov_error *err)
{
    unsigned char random[8];
    char letters[9] = {0}, when[OV_ISO_BYTES];
    if (ov_os_now->random(random, sizeof(random)) != 0)
        return ov_fail(err, OV_IO, "the system gave no random bytes");
    for (size_t i = 0; i < sizeof(random); i++)
        letters[i] = (char)('a' + random[i] % 16); /* a to p, as Druid's ids */
    int n = (int)ov_iso_format(now, NULL, when);
    return ov_arena_printf(&t->arena, &t->row.id, err, OV_SLICE_FMT "_" OV_SLICE_FMT "_%s_%.*s",
                           OV_SLICE_ARG(t->row.type), OV_SLICE_ARG(t->row.datasource), letters, n, when);
}

/* An id becomes a file name and part of URLs. */
static ov_status check_id(ov_slice id, ov_error *err)
{
    enum { MAX_ID = 240 };
    bool ok = id.n > 0 && id.n <= MAX_ID && id.p[0] != '.';
    for (size_t i = 0; i < id.n && ok; i++)
        ok = (unsigned char)id.p[i] > 32 && id.p[i] != '/' && id.p[i] != 127;
    if (!ok)
        return ov_fail(err, OV_INVALID,
                       "id: '" OV_SLICE_FMT "' cannot be a task id: 1 to 240 bytes without blanks, control "
                       "characters and '/', not starting with '.'",
                       OV_SLICE_ARG(id));
    return OV_OK;
}

static ov_status print_json(ov_arena *a, const ov_json *v, ov_slice *out, ov_error *err)
{
    ov_buf b;
    ov_buf_init(&b);
    ov_json_print(v, &b);
    ov_status st = ov_buf_check(&b, err);
    if (st == OV_OK)
        st = ov_arena_copy(a, ov_buf_slice(&b), out, err);
    ov_buf_fini(&b);
    return st;
}

static ov_status read_envelope(ovi_task *t, const ov_json *doc, ov_error *err)
{
    ov_slice type;
    const ov_json *context;
    OV_TRY(ov_json_expect(doc, OV_JSON_OBJECT, err));
    OV_TRY(ov_json_need_str(doc, "type", &type, err));
    t->type = ovi_task_type_find(type);
    if (!t->type)
        return ov_json_fail(ov_json_get(doc, "type"), err, OV_INVALID,
                            "there is no task type '" OV_SLICE_FMT "'; known are %s", OV_SLICE_ARG(type),
                            ovi_task_type_names());
    t->row.type = type;
    OV_TRY(ov_json_str(doc, "id", (ov_slice){0}, &t->row.id, err));
    OV_TRY(ov_json_str(doc, "groupId", (ov_slice){0}, &t->row.group_id, err));
    OV_TRY(ov_json_obj(doc, "context", &context, err));
    if (!context)
        return OV_OK;
    OV_TRY(ov_json_bool(context, "restart", false, &t->row.restart, err));
    return print_json(&t->arena, context, &t->context_json, err);
}

/* From text to a task that could run; nothing outside it has changed. */
static ov_status read_document(ovi_task *t, ov_slice text, ov_error *err)
{
    ov_json *doc, *id;
    int64_t now = ov_now_ms();
    char when[OV_ISO_BYTES];
    OV_TRY(ov_json_parse(text, NULL, &t->arena, &doc, err));
    OV_TRY(read_envelope(t, doc, err));
    if (t->row.id.n)
        OV_TRY(check_id(t->row.id, err));
    t->row.spec = text; /* check may want the text itself */
    OV_TRY(t->type->check(t, doc, err));
    if (t->row.id.n == 0) {
        OV_TRY(make_id(t, now, err));
        OV_TRY(ov_json_new_str(&t->arena, t->row.id, &id, err));
        OV_TRY(ov_json_set(&t->arena, doc, "id", id, err));
    }
    if (t->row.group_id.n == 0)
        t->row.group_id = t->row.id;
    t->row.created_ms = now;
    t->row.duration_ms = -1;
    t->row.state = OV_SLICE_LIT("RUNNING");
    OV_TRY(ov_arena_copy(&t->arena, ov_slice_make(when, ov_iso_format(now, NULL, when)), &t->row.created, err));
    OV_TRY(ov_arena_printf(&t->arena, &t->row.status, err, "{\"host\":\"%s\",\"port\":%d,\"tlsPort\":-1}",
                           t->runner->config.host, t->runner->config.port));
    return print_json(&t->arena, doc, &t->row.spec, err);
}

static ov_status admit(ov_tasks *r, ovi_task *t, ov_slice text, ov_error *err)
{
    OV_TRY(read_document(t, text, err));
    OV_TRY(ov_catalog_task_insert(r->config.catalog, &t->row, err));
    ov_error log_err = OV_ERROR_INIT;
    if (ovi_task_log_open(&t->log, ov_catalog_dir(r->config.catalog), t->row.id, &log_err) != OV_OK)
        ov_log_warn("a task runs without its log", ov_kv_slice("task", t->row.id), ov_kv_err(&log_err));
    return OV_OK;
}

ov_status ov_tasks_submit(ov_tasks *r, ov_slice json, ov_arena *out, ov_slice *id, ov_error *err)
{
    ovi_task *t = task_create(r);
    if (!t)
        return ov_fail_nomem(err, sizeof(*t));
    ov_status st = admit(r, t, json, err);
    if (st == OV_OK)
        st = ov_arena_copy(out, t->row.id, id, err);
    if (st != OV_OK) {
        ovi_task_release(t);
        return st;
    }
    enqueue(r, t);
    return OV_OK;
}

/* ---- stopping ---- */

ov_status ov_tasks_shutdown(ov_tasks *r, ov_slice id, ov_error *err)
{
    ovi_task *t = ovi_tasks_find(r, id);
    if (t) {
        ovi_task_log_line(&t->log, "INFO", "shutdown requested");
        atomic_store(&t->cancel, true);
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
    (void)err;
    *count = 0;
    ov_mutex_lock(&r->lock);
    for (ovi_task *t = r->live; t; t = t->next) {
        if (!ov_slice_eq(t->row.datasource, datasource))
            continue;
        atomic_store(&t->cancel, true);
        ++*count;
    }
    ov_mutex_unlock(&r->lock);
    return OV_OK;
}

/* ---- create, destroy ---- */

/* A row that was RUNNING when the last process ended and wants another run. */
static ov_status take_up(ov_tasks *r, const ov_task_row *row, ov_error *err)
{
    ovi_task *t = task_create(r);
    ov_json *doc;
    ov_slice text;
    if (!t)
        return ov_fail_nomem(err, sizeof(*t));
    ov_status st = ov_arena_copy(&t->arena, row->spec, &text, err);
    if (st == OV_OK)
        st = ov_json_parse(text, NULL, &t->arena, &doc, err);
    if (st == OV_OK)
        st = read_envelope(t, doc, err);
    if (st == OV_OK) {
        t->row.spec = text;
        st = t->type->check(t, doc, err);
    }
    if (st == OV_OK)
        st = ov_arena_copy(&t->arena, row->group_id, &t->row.group_id, err);
    if (st == OV_OK)
        st = ov_arena_copy(&t->arena, row->created, &t->row.created, err);
    if (st == OV_OK)
        st = ov_arena_copy(&t->arena, row->status, &t->row.status, err);
    if (st != OV_OK) {
        ovi_task_release(t);
        return st;
    }
    t->row.state = OV_SLICE_LIT("RUNNING");
    t->row.created_ms = row->created_ms;
    t->row.duration_ms = -1;
    ov_error log_err = OV_ERROR_INIT;
    if (ovi_task_log_open(&t->log, ov_catalog_dir(r->config.catalog), t->row.id, &log_err) == OV_OK)
        ovi_task_log_line(&t->log, "INFO", "the server had stopped; the task runs again");
    enqueue(r, t);
    return OV_OK;
}

static ov_status take_up_all(ov_tasks *r, ov_error *err)
{
    ov_arena a;
    ov_task_row *rows, row;
    uint32_t n;
    ov_arena_init(&a, "tasks", NULL);
    ov_status st =
        ov_catalog_task_list(r->config.catalog, (ov_slice){0}, OV_SLICE_LIT("RUNNING"), 0, &a, &rows, &n, err);
    for (uint32_t i = n; st == OV_OK && i > 0; i--) { /* oldest first */
        ov_error why = OV_ERROR_INIT;
        st = ov_catalog_task_get(r->config.catalog, rows[i - 1].id, &a, &row, err);
        if (st != OV_OK || take_up(r, &row, &why) == OV_OK)
            continue;
        row.state = OV_SLICE_LIT("FAILED");
        row.duration_ms = 0;
        row.error_msg = ov_slice_cstr(why.text);
        st = ov_catalog_task_update(r->config.catalog, &row, err);
    }
    ov_arena_fini(&a);
    return st;
}

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
    ov_cond_init(&r->work);
    ov_cond_init(&r->ended);
    r->last = &r->first;
    uint32_t threads = OV_MIN(config->threads ? config->threads : DEFAULT_THREADS, (uint32_t)MAX_THREADS);
    ov_status st = take_up_all(r, err);
    for (; st == OV_OK && r->thread_count < threads; r->thread_count++)
        st = ov_thread_start(&r->threads[r->thread_count], "task", work, r, err);
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
    ov_cond_broadcast(&r->work);
    ov_mutex_unlock(&r->lock);
    for (uint32_t i = 0; i < r->thread_count; i++)
        ov_thread_join(&r->threads[i]);
    while (r->live) {
        ovi_task *t = r->live;
        r->live = t->next;
        ovi_task_release(t);
    }
    ov_mutex_fini(&r->lock);
    ov_cond_fini(&r->work);
    ov_cond_fini(&r->ended);
    ov_free(r);
}

/* ---- looking ---- */

static void fill_view(const ovi_task *t, ov_task_view *v)
{
    v->phase = (ov_task_phase)atomic_load(&t->phase);
    bool ended = v->phase == OV_TASK_SUCCESS || v->phase == OV_TASK_FAILED;
    v->rows = atomic_load(&t->progress.rows);
    v->rejected = atomic_load(&t->progress.rejected);
    v->bytes = atomic_load(&t->progress.bytes);
    v->total_bytes = atomic_load(&t->progress.total_bytes);
    v->segments = atomic_load(&t->progress.segments);
    v->duration_ms = ended ? atomic_load(&t->duration_ms) : elapsed_ms(t);
    if (v->phase == OV_TASK_FAILED)
        memcpy(v->error, t->error, sizeof(v->error));
}

static void view_of_row(const ov_task_row *row, ov_task_view *v)
{
    v->phase = ov_slice_eq(row->state, OV_SLICE_LIT("SUCCESS")) ? OV_TASK_SUCCESS
               : ov_slice_eq(row->state, OV_SLICE_LIT("FAILED")) ? OV_TASK_FAILED
                                                                 : OV_TASK_RUNNING;
    v->duration_ms = row->duration_ms;
    size_t n = OV_MIN(row->error_msg.n, sizeof(v->error) - 1);
    if (n)
        memcpy(v->error, row->error_msg.p, n);
}

ov_status ov_tasks_view(ov_tasks *r, ov_slice id, ov_task_view *out, ov_error *err)
{
    *out = (ov_task_view){0};
    ovi_task *t = ovi_tasks_find(r, id);
    if (t) {
        fill_view(t, out);
        ovi_task_release(t);
        return OV_OK;
    }
    ov_arena a;
    ov_task_row row;
    ov_arena_init(&a, "task", NULL);
    ov_status st = ov_catalog_task_get(r->config.catalog, id, &a, &row, err);
    if (st == OV_OK)
        view_of_row(&row, out);
    ov_arena_fini(&a);
    return st;
}

ov_status ov_tasks_wait(ov_tasks *r, ov_slice id, int64_t timeout_ms, ov_task_view *view, ov_error *err)
{
    ovi_task *t = ovi_tasks_find(r, id);
    if (!t)
        return ov_tasks_view(r, id, view, err);
    int64_t until = ov_monotonic_ns() / 1000000 + timeout_ms;
    ov_mutex_lock(&r->lock);
    for (;;) {
        int phase = atomic_load(&t->phase);
        if (phase == OV_TASK_SUCCESS || phase == OV_TASK_FAILED)
            break;
        int64_t left = until - ov_monotonic_ns() / 1000000;
        if (timeout_ms >= 0 && left <= 0)
            break;
        if (timeout_ms < 0)
            ov_cond_wait(&r->ended, &r->lock);
        else
            ov_cond_wait_ms(&r->ended, &r->lock, left);
    }
    ov_mutex_unlock(&r->lock);
    *view = (ov_task_view){0};
    fill_view(t, view);
    ovi_task_release(t);
    return OV_OK;
}

static const char *runner_word(ov_task_phase phase)
{
    return phase == OV_TASK_PENDING ? "PENDING" : phase == OV_TASK_RUNNING ? "RUNNING" : "NONE";
}

const char *ov_tasks_runner_status(ov_tasks *r, ov_slice id)
{
    ovi_task *t = ovi_tasks_find(r, id);
    const char *word = t ? runner_word((ov_task_phase)atomic_load(&t->phase)) : "NONE";
    ovi_task_release(t);
    return word;
}

void ov_tasks_counts(ov_tasks *r, ov_task_counts *out)
{
    ov_mutex_lock(&r->lock);
    *out = (ov_task_counts){r->thread_count, r->running, r->pending};
    ov_mutex_unlock(&r->lock);
}

ov_status ovi_tasks_row(ov_tasks *r, ov_slice id, ov_arena *out, ov_task_row *row, const char **runner_status,
                        ov_error *err)
{
    ovi_task *t = ovi_tasks_find(r, id);
    ov_status st = ov_catalog_task_get(r->config.catalog, id, out, row, err);
    *runner_status = "NONE";
    if (t && st == OV_OK && ov_slice_eq(row->state, OV_SLICE_LIT("RUNNING"))) {
        ov_task_phase phase = (ov_task_phase)atomic_load(&t->phase);
        *runner_status = runner_word(phase);
        if (phase == OV_TASK_FAILED) { /* the catalog could not take its end */
            row->state = OV_SLICE_LIT("FAILED");
            row->duration_ms = atomic_load(&t->duration_ms);
            st = ov_arena_copy(out, ov_slice_cstr(t->error), &row->error_msg, err);
        }
    }
    ovi_task_release(t);
    return st;
}
