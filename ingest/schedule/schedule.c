/* Schedules: the calls, and the thread that looks after them; what it does is in schedule_tick.c. */
#include "ingest/schedule/schedule_int.h"

#include "base/jsonw.h"
#include "base/log.h"
#include "base/os.h"
#include "ingest/pull/pull_secret.h"

enum { TICK_MS = 500, HEARTBEAT_MS = 60000 };

/* ---- saving ---- */

ov_status ovi_schedule_save(ov_catalog *catalog, ov_slice name, const ov_slice *doc, const ov_slice *state, ov_arena *a, ov_error *err)
{
    ov_slice keys[2], values[2];
    uint32_t n = 0;
    if (doc) {
        OV_TRY(ov_arena_printf(a, &keys[n], err, "schedule:" OV_SLICE_FMT, OV_SLICE_ARG(name)));
        values[n++] = *doc;
    }
    if (state) {
        OV_TRY(ov_arena_printf(a, &keys[n], err, "schedule-state:" OV_SLICE_FMT, OV_SLICE_ARG(name)));
        values[n++] = *state;
    }
    ov_commit c = {.cursor_keys = keys, .cursor_values = values, .cursor_count = n};
    return ov_catalog_commit(catalog, &c, a, err);
}

static ov_status load(ov_catalog *catalog, ov_slice name, ov_arena *a, ov_json **doc, ov_error *err)
{
    ov_slice key, text;
    OV_TRY(ov_arena_printf(a, &key, err, "schedule:" OV_SLICE_FMT, OV_SLICE_ARG(name)));
    OV_TRY(ov_catalog_cursor_get(catalog, key, a, &text, err));
    if (text.n == 0)
        return ov_fail(err, OV_NOT_FOUND, "there is no schedule '" OV_SLICE_FMT "'", OV_SLICE_ARG(name));
    return ov_json_parse(text, NULL, a, doc, err);
}

static ov_status print_doc(const ov_json *doc, ov_arena *a, ov_slice *text, ov_error *err)
{
    ov_buf b;
    ov_buf_init(&b);
    ov_json_print(doc, &b);
    ov_status st = ov_buf_check(&b, err);
    if (st == OV_OK)
        st = ov_arena_copy(a, ov_buf_slice(&b), text, err);
    ov_buf_fini(&b);
    return st;
}

/* ---- times of the clock ---- */

ov_status ovi_schedule_before(const ovi_schedule *s, int64_t at, int64_t *before, ov_error *err)
{
    if (!s->has_cron) {
        *before = ov_gran_floor(&s->every, at - 1);
        return OV_OK;
    }
    for (int64_t back = OV_MS_PER_HOUR;; back *= 4) { /* the last time before it that a search from further back meets */
        int64_t t = at - back, next;
        bool found = false;
        ov_error why = OV_ERROR_INIT;
        while (ov_cron_next(&s->cron, t, s->zone, &next, &why) == OV_OK && next < at) {
            found = true;
            t = next;
        }
        if (found) {
            *before = t;
            return OV_OK;
        }
        if (back > INT64_C(3700) * OV_MS_PER_DAY) { /* the first ever */
            *before = at - OV_MS_PER_DAY;
            return OV_OK;
        }
    }
    (void)err;
}

ov_status ovi_schedule_newest(const ovi_schedule *s, int64_t limit, int64_t *at, ov_error *err)
{
    int64_t check;
    ov_error why = OV_ERROR_INIT;
    if (s->has_end && limit > s->end_ms)
        limit = s->end_ms;
    OV_TRY(ovi_schedule_before(s, limit + 1, at, err));
    if ((s->has_start && *at < s->start_ms) || ovi_schedule_fire(s, *at - 1, &check, &why) != OV_OK || check != *at)
        return ov_fail(err, OV_NOT_FOUND, "no time of the schedule's clock has come");
    return OV_OK;
}

uint32_t ovi_schedule_count(const ovi_schedule *s, int64_t after, int64_t limit, uint32_t most)
{
    uint32_t n = 0;
    ov_error why = OV_ERROR_INIT;
    while (n < most && ovi_schedule_fire(s, after, &after, &why) == OV_OK && after <= limit)
        n++;
    return n;
}

/* ---- the thread ---- */

static void beat(ov_schedules *s)
{
    int64_t now = ov_monotonic_ms();
    if (!s->config.heartbeat || now - s->last_heartbeat < HEARTBEAT_MS)
        return;
    s->last_heartbeat = now;
    ov_alerts_send(s->alerts, ov_slice_cstr(s->config.heartbeat), (ov_slice){0});
}

static void tick(void *arg, bool asked)
{
    ov_schedules *s = arg;
    ov_error err = OV_ERROR_INIT;
    (void)asked;
    ov_mutex_lock(&s->lock);
    if (ovi_schedules_tick(s, ov_now_ms(), &err) != OV_OK)
        ov_log_warn("schedules could not be read", ov_kv_err(&err));
    else
        beat(s);
    ov_mutex_unlock(&s->lock);
}

ov_status ov_schedules_create(const ov_schedules_config *config, ov_schedules **out, ov_error *err)
{
    if (config->heartbeat)
        OV_TRY(ovi_secret_check(ov_slice_cstr(config->heartbeat), err));
    ov_schedules *s = ov_calloc(1, sizeof(*s));
    if (!s)
        return ov_fail_nomem(err, sizeof(*s));
    s->config = *config;
    s->last_heartbeat = ov_monotonic_ms() - HEARTBEAT_MS;
    ov_mutex_init(&s->lock);
    ov_status st = ov_alerts_create(&s->alerts, err);
    if (st == OV_OK)
        st = ov_ticker_start(&s->ticker, "schedules", s->config.tick_ms ? s->config.tick_ms : TICK_MS, tick, s, err);
    if (st == OV_OK)
        *out = s;
    else
        ov_schedules_destroy(s);
    return st;
}

void ov_schedules_destroy(ov_schedules *s)
{
    if (!s)
        return;
    ov_ticker_stop(&s->ticker);
    ov_alerts_destroy(s->alerts);
    ov_mutex_fini(&s->lock);
    ov_free(s);
}

int64_t ov_schedules_last_tick(const ov_schedules *s)
{
    return ov_ticker_last(&s->ticker);
}

/* ---- calls ---- */

/* The task as the run of the stretch that ended last would submit it, so that what is wrong with it is said now and not at night. */
static ov_status check_task(ov_schedules *s, const ovi_schedule *read, ov_arena *a, ov_error *err)
{
    int64_t end, start;
    ov_slice json;
    OV_TRY(ovi_schedule_before(read, ov_now_ms() + 1, &end, err));
    OV_TRY(ovi_schedule_before(read, end, &start, err));
    ov_status st = ovi_schedule_task(read, (ov_interval){start, end}, OV_SLICE_LIT("check"), a, &json, err);
    if (st == OV_OK)
        st = ov_tasks_check(s->config.tasks, json, err);
    if (st != OV_OK)
        ov_error_context(err, "task");
    return st;
}

/* What cannot be as it is asked for, now that the clock and the other schedules are at hand. */
static ov_status check_plan(ov_schedules *s, const ovi_schedule *read, ov_arena *a, ov_error *err)
{
    for (uint32_t i = 0; i < read->wait_count; i++) {
        ov_json *other;
        ov_slice name = read->waits[i].schedule;
        if (name.n == 0)
            continue;
        if (ov_slice_eq(name, read->name))
            return ov_fail(err, OV_INVALID, "waitFor[%u]: the schedule waits for itself", i);
        if (load(s->config.catalog, name, a, &other, err) != OV_OK) {
            ov_error_context(err, "waitFor[%u]", i);
            return OV_INVALID;
        }
    }
    if (read->catchup && read->has_start &&
        ovi_schedule_count(read, read->start_ms - 1, ov_now_ms() - read->lag_ms, read->max_catchup + 1) > read->max_catchup)
        return ov_fail(err, OV_INVALID,
                       "start: catching up from there would make more than %u runs; begin later, or set maxCatchup", read->max_catchup);
    return check_task(s, read, a, err);
}

ov_status ov_schedules_put(ov_schedules *s, ov_slice json, ov_arena *out, ov_slice *name, ov_error *err)
{
    ov_json *doc;
    ovi_schedule read;
    ov_slice text;
    OV_TRY(ov_json_parse(json, NULL, out, &doc, err));
    OV_TRY(ovi_schedule_read(doc, out, &read, err));
    *name = read.name;
    OV_TRY(check_plan(s, &read, out, err));
    OV_TRY(print_doc(doc, out, &text, err));
    ov_mutex_lock(&s->lock);
    ov_status st = ovi_schedule_save(s->config.catalog, read.name, &text, NULL, out, err);
    ov_ticker_wake(&s->ticker);
    ov_mutex_unlock(&s->lock);
    return st;
}

/* A change to one schedule under the lock. */
typedef ov_status change_fn(ov_schedules *s, ov_json *doc, ov_slice name, bool flag, ov_arena *a, ov_error *err);

static ov_status change(ov_schedules *s, ov_slice name, change_fn *fn, bool flag, ov_error *err)
{
    ov_arena a;
    ov_json *doc;
    ov_arena_init(&a, "schedule", NULL);
    ov_mutex_lock(&s->lock);
    ov_status st = load(s->config.catalog, name, &a, &doc, err);
    if (st == OV_OK)
        st = fn(s, doc, name, flag, &a, err);
    ov_ticker_wake(&s->ticker);
    ov_mutex_unlock(&s->lock);
    ov_arena_fini(&a);
    return st;
}

static ov_status remove_it(ov_schedules *s, ov_json *doc, ov_slice name, bool flag, ov_arena *a, ov_error *err)
{
    ov_slice none = {0};
    (void)doc, (void)flag;
    return ovi_schedule_save(s->config.catalog, name, &none, &none, a, err);
}

ov_status ov_schedules_remove(ov_schedules *s, ov_slice name, ov_error *err)
{
    return change(s, name, remove_it, false, err);
}

static ov_status pause_it(ov_schedules *s, ov_json *doc, ov_slice name, bool paused, ov_arena *a, ov_error *err)
{
    ov_json *v;
    ov_slice text;
    OV_TRY(ov_json_new(a, OV_JSON_BOOL, &v, err));
    v->boolean = paused;
    OV_TRY(ov_json_set(a, doc, "paused", v, err));
    OV_TRY(print_doc(doc, a, &text, err));
    return ovi_schedule_save(s->config.catalog, name, &text, NULL, a, err);
}

ov_status ov_schedules_pause(ov_schedules *s, ov_slice name, bool paused, ov_error *err)
{
    return change(s, name, pause_it, paused, err);
}

static ov_status trigger_it(ov_schedules *s, ov_json *doc, ov_slice name, bool flag, ov_arena *a, ov_error *err)
{
    ovi_schedule read;
    ovi_sched_state *state;
    ov_slice key, text;
    int64_t now = ov_now_ms(), end = now, start;
    (void)flag;
    OV_TRY(ovi_schedule_read(doc, a, &read, err));
    OV_TRY(ov_arena_zalloc(a, sizeof(*state), &state, err));
    OV_TRY(ov_arena_printf(a, &key, err, "schedule-state:" OV_SLICE_FMT, OV_SLICE_ARG(name)));
    OV_TRY(ov_catalog_cursor_get(s->config.catalog, key, a, &text, err));
    OV_TRY(ovi_sched_state_read(text, a, state, err));
    OV_TRY(ovi_schedule_before(&read, now + 1, &end, err));
    OV_TRY(ovi_schedule_before(&read, end, &start, err));
    ovi_sched_run r = {.stretch = {start, end}, .due_ms = now, .since_ms = now};
    r.attempt = ovi_sched_state_attempt(state, end);
    if (!ovi_sched_state_add(state, &r))
        return ov_fail(err, OV_BUSY, "the schedule has %d runs under way", OVI_RUNS_KEPT);
    OV_TRY(ovi_sched_state_print(state, a, &text, err));
    return ovi_schedule_save(s->config.catalog, name, NULL, &text, a, err);
}

ov_status ov_schedules_trigger(ov_schedules *s, ov_slice name, ov_error *err)
{
    return change(s, name, trigger_it, false, err);
}

/* ---- looking ---- */

static void print_next(ov_jsonw *w, const ovi_schedule *s, int64_t after, uint32_t count)
{
    ov_jsonw_open_array(w, "next");
    for (uint32_t i = 0; i < count; i++) {
        char text[OV_ISO_BYTES];
        ov_error why = OV_ERROR_INIT;
        if (ovi_schedule_fire(s, after, &after, &why) != OV_OK)
            break;
        ov_jsonw_str(w, NULL, ov_slice_make(text, ov_iso_format(after + s->lag_ms, s->zone, text)));
    }
    ov_jsonw_close_array(w);
}

/* Stretches that have ended and have no run yet: those are made before the times of `next`. */
static void print_behind(ov_jsonw *w, const ovi_schedule *s, const ovi_sched_state *state)
{
    uint32_t behind = 0;
    if (s->catchup && state->last_fire != INT64_MIN)
        behind = ovi_schedule_count(s, state->last_fire, ov_now_ms() - s->lag_ms, s->max_catchup);
    for (uint32_t i = 0; i < state->run_count; i++)
        behind += state->runs[i].state == OVI_RUN_WAITING;
    ov_jsonw_i64(w, "behind", behind);
}

static void print_runs(ov_jsonw *w, const ovi_sched_state *state)
{
    ov_jsonw_open_array(w, "runs");
    for (uint32_t i = state->run_count; i > 0; i--) {
        const ovi_sched_run *r = &state->runs[i - 1];
        ov_jsonw_open_object(w, NULL);
        ov_jsonw_time(w, "start", r->stretch.start);
        ov_jsonw_time(w, "end", r->stretch.end);
        ov_jsonw_cstr(w, "state", ovi_run_state_name(r->state));
        ov_jsonw_i64(w, "attempt", r->attempt + 1);
        ov_jsonw_str(w, "task", r->task);
        ov_jsonw_str(w, "why", r->why);
        ov_jsonw_close_object(w);
    }
    ov_jsonw_close_array(w);
}

static ov_status print_one(ov_catalog *catalog, ov_slice text, uint32_t next_count, ov_jsonw *w, ov_error *err)
{
    ov_arena a;
    ov_json *doc;
    ovi_schedule s;
    ovi_sched_state *state;
    ov_slice key, value = {0};
    ov_arena_init(&a, "schedule", NULL);
    ov_status st = ov_json_parse(text, NULL, &a, &doc, err);
    if (st == OV_OK)
        st = ovi_schedule_read(doc, &a, &s, err);
    if (st == OV_OK)
        st = ov_arena_zalloc(&a, sizeof(*state), &state, err);
    if (st == OV_OK)
        st = ov_arena_printf(&a, &key, err, "schedule-state:" OV_SLICE_FMT, OV_SLICE_ARG(s.name));
    if (st == OV_OK && catalog)
        st = ov_catalog_cursor_get(catalog, key, &a, &value, err);
    if (st == OV_OK)
        st = ovi_sched_state_read(value, &a, state, err);
    if (st == OV_OK) {
        ov_jsonw_open_object(w, NULL);
        ov_jsonw_str(w, "name", s.name);
        ov_jsonw_bool(w, "paused", s.paused);
        print_next(w, &s, ov_now_ms() - s.lag_ms, s.paused ? 0 : next_count);
        print_behind(w, &s, state);
        print_runs(w, state);
        ov_jsonw_raw(w, "schedule", text);
        ov_jsonw_close_object(w);
    }
    ov_arena_fini(&a);
    return st;
}

ov_status ov_schedules_print(ov_catalog *catalog, ov_slice name, uint32_t next_count, ov_buf *json, ov_error *err)
{
    ov_arena a;
    ov_cursor_row *rows;
    uint32_t n, shown = 0;
    ov_jsonw w;
    ov_arena_init(&a, "schedules", NULL);
    ov_jsonw_init(&w, json);
    ov_status st = ov_catalog_cursor_list(catalog, OV_SLICE_LIT("schedule:"), &a, &rows, &n, err);
    if (!name.n)
        ov_jsonw_open_array(&w, NULL);
    for (uint32_t i = 0; i < n && st == OV_OK; i++) {
        ov_slice own = ov_slice_make(rows[i].key.p + 9, rows[i].key.n - 9);
        if (rows[i].value.n == 0 || (name.n && !ov_slice_eq(own, name)))
            continue;
        st = print_one(catalog, rows[i].value, next_count, &w, err);
        shown++;
    }
    if (!name.n)
        ov_jsonw_close_array(&w);
    ov_arena_fini(&a);
    if (st == OV_OK && name.n && !shown)
        return ov_fail(err, OV_NOT_FOUND, "there is no schedule '" OV_SLICE_FMT "'", OV_SLICE_ARG(name));
    return st == OV_OK ? ov_buf_check(json, err) : st;
}

ov_status ov_schedule_next(ov_slice json, uint32_t count, ov_buf *out, ov_error *err)
{
    ov_jsonw w;
    ov_jsonw_init(&w, out);
    return print_one(NULL, json, count, &w, err);
}
