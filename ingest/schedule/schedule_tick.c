/*
 * One look at all schedules: times that have come get their run, runs that may go get their task, tasks that ended end their run.
 *
 * A run is written down with its task's id before the task is submitted; after a crash in between the same id is submitted again,
 * and one that is there already is simply followed.
 */
#include "ingest/schedule/schedule_int.h"

#include <stdio.h>
#include "base/file.h"
#include "base/log.h"
#include "base/os.h"
#include "ingest/pull/pull_limit.h"

typedef struct look {
    ov_schedules *all;
    ov_arena *a;
    const ovi_schedule *s;
    ovi_sched_state *state;
    int64_t now;
    bool changed;
} look;

/* ---- telling ---- */

static void add_count(ov_buf *b, const char *between, const ov_json *ours, const char *key, const char *word)
{
    int64_t n = 0;
    ov_error ignored = OV_ERROR_INIT;
    if (ov_json_i64(ours, key, 0, &n, &ignored) == OV_OK)
        ov_buf_addf(b, "%s%lld %s", between, (long long)n, word);
}

/* Rows, as the task's report has them: the task itself may be gone from memory. */
static void add_rows(look *k, ov_slice task, ov_buf *out)
{
    ov_buf report;
    ov_json *doc;
    ov_error ignored = OV_ERROR_INIT;
    ov_buf_init(&report);
    if (ov_tasks_report(k->all->config.tasks, task, &report, &ignored) == OV_OK &&
        ov_json_parse(ov_buf_slice(&report), NULL, k->a, &doc, &ignored) == OV_OK) {
        const ov_json *ours = ov_json_find(ov_json_find(ov_json_find(doc, "ingestionStatsAndErrors"), "payload"), "ovate");
        if (ours) {
            add_count(out, "\nRows: ", ours, "read", "read");
            add_count(out, ", ", ours, "loaded", "loaded");
            add_count(out, ", ", ours, "rejected", "rejected");
            if (ov_json_find(ours, "gaps"))
                add_count(out, ", ", ours, "gaps", "gaps");
        }
    }
    ov_buf_fini(&report);
}

static void tell(look *k, const ovi_sched_run *r, const char *result)
{
    ov_buf b;
    if (k->s->notify_url.n == 0)
        return;
    ov_buf_init(&b);
    ov_buf_addf(&b, "Result: %s\nSchedule: " OV_SLICE_FMT "\nTask: " OV_SLICE_FMT "\nInterval: ", result, OV_SLICE_ARG(k->s->name),
                OV_SLICE_ARG(r->task));
    ov_interval_add(&b, r->stretch);
    ov_buf_addf(&b, "\nAttempt: %u of %u", r->attempt + 1, k->s->retries + 1);
    ov_task_view v;
    ov_error ignored = OV_ERROR_INIT;
    if (r->task.n)
        add_rows(k, r->task, &b);
    if (r->task.n && ov_tasks_view(k->all->config.tasks, r->task, &v, &ignored) == OV_OK)
        ov_buf_addf(&b, "\nDuration: %.1f s\nLog: /druid/indexer/v1/task/" OV_SLICE_FMT "/log", (double)v.duration_ms / 1000,
                    OV_SLICE_ARG(r->task));
    if (r->why.n)
        ov_buf_addf(&b, "\nError: " OV_SLICE_FMT, OV_SLICE_ARG(r->why));
    ov_alerts_send(k->all->alerts, k->s->notify_url, ov_buf_slice(&b));
    ov_buf_fini(&b);
}

static void tell_lag(look *k)
{
    char text[400];
    if (k->s->notify_lag_ms == 0 || k->state->lag_told || k->state->last_success_ms == 0 ||
        k->now - k->state->last_success_ms < k->s->notify_lag_ms)
        return;
    k->state->lag_told = k->changed = true;
    snprintf(text, sizeof text, "Result: late\nSchedule: " OV_SLICE_FMT "\nNo run has succeeded for %lld s", OV_SLICE_ARG(k->s->name),
             (long long)((k->now - k->state->last_success_ms) / 1000));
    ov_alerts_send(k->all->alerts, k->s->notify_url, ov_slice_cstr(text));
}

/* ---- the clock ---- */

static ov_status say_why(look *k, ovi_sched_run *r, const char *text, ov_error *err)
{
    if (ov_slice_eq(r->why, ov_slice_cstr(text)))
        return OV_OK;
    k->changed = true;
    return ov_arena_copy(k->a, ov_slice_cstr(text), &r->why, err);
}

static ov_status make_run(look *k, int64_t at, ovi_sched_run *r, ov_error *err)
{
    int64_t before;
    OV_TRY(ovi_schedule_before(k->s, at, &before, err));
    *r = (ovi_sched_run){.stretch = {before, at}, .due_ms = k->now, .since_ms = k->now};
    r->attempt = ovi_sched_state_attempt(k->state, at);
    return OV_OK;
}

/* The newest stretch alone, however many were missed. */
static ov_status add_newest(look *k, int64_t limit, ov_error *err)
{
    enum { COUNTED = 1000 };
    ovi_sched_state *st = k->state;
    int64_t at;
    ovi_sched_run r;
    ov_error none = OV_ERROR_INIT;
    if (ovi_schedule_newest(k->s, limit, &at, &none) != OV_OK || at <= st->last_fire)
        return OV_OK;
    uint32_t missed = ovi_schedule_count(k->s, st->last_fire, at - 1, COUNTED);
    if (missed)
        ov_log_info("times of a schedule were missed; the newest runs", ov_kv_slice("schedule", k->s->name),
                    ov_kv_i64(missed == COUNTED ? "missedAtLeast" : "missed", missed));
    OV_TRY(make_run(k, at, &r, err));
    if (!ovi_sched_state_add(st, &r))
        ov_log_warn("a schedule has too many runs under way; one is left out", ov_kv_slice("schedule", k->s->name));
    st->last_fire = at;
    k->changed = true;
    return OV_OK;
}

/* More stretches than may be caught up: the oldest are left out, and a SKIPPED run over all of them says so. */
static ov_status drop_oldest(look *k, int64_t limit, ov_error *err)
{
    ovi_sched_state *st = k->state;
    uint32_t left_out = 0;
    int64_t first = 0, ahead = st->last_fire, at = st->last_fire;
    ov_error none = OV_ERROR_INIT;
    if (limit >= st->bound_checked && limit - st->bound_checked < OV_MS_PER_HOUR)
        return OV_OK; /* what is left is less by every run that was made */
    st->bound_checked = limit;
    k->changed = true;
    if (ovi_schedule_count(k->s, st->last_fire, limit, k->s->max_catchup) < k->s->max_catchup)
        return OV_OK;
    for (uint32_t i = 0; i < k->s->max_catchup; i++) /* `ahead` is so many before what may be left out */
        OV_TRY(ovi_schedule_fire(k->s, ahead, &ahead, err));
    while (ovi_schedule_fire(k->s, ahead, &ahead, &none) == OV_OK && ahead <= limit) {
        OV_TRY(ovi_schedule_fire(k->s, at, &at, err));
        if (left_out++ == 0)
            OV_TRY(ovi_schedule_before(k->s, at, &first, err));
    }
    if (left_out == 0)
        return OV_OK;
    ovi_sched_run r = {.stretch = {first, at}, .state = OVI_RUN_SKIPPED, .due_ms = k->now, .since_ms = k->now};
    OV_TRY(ov_arena_printf(k->a, &r.why, err, "%u stretches are left out: more than maxCatchup, %u, were missed", left_out, k->s->max_catchup));
    ov_log_warn("a schedule missed more than it may catch up", ov_kv_slice("schedule", k->s->name), ov_kv_i64("leftOut", left_out));
    (void)ovi_sched_state_add(st, &r);
    st->last_fire = at;
    k->changed = true;
    return OV_OK;
}

/* All stretches that have ended, as many at a time as can be kept; the rest when those have ended. */
static ov_status add_missed(look *k, int64_t limit, ov_error *err)
{
    ovi_sched_state *st = k->state;
    OV_TRY(drop_oldest(k, limit, err));
    for (int i = 0; i < OVI_RUNS_KEPT; i++) {
        int64_t at;
        ovi_sched_run r;
        ov_error why = OV_ERROR_INIT;
        if (ovi_schedule_fire(k->s, st->last_fire, &at, &why) != OV_OK || at > limit)
            break;
        OV_TRY(make_run(k, at, &r, err));
        if (!ovi_sched_state_add(st, &r))
            break;
        st->last_fire = at;
        k->changed = true;
    }
    return OV_OK;
}

/* Stretches that have ended become runs. */
static ov_status add_due(look *k, ov_error *err)
{
    ovi_sched_state *st = k->state;
    int64_t limit = k->now - k->s->lag_ms, at;
    ov_error none = OV_ERROR_INIT;
    if (st->last_fire == INT64_MIN) { /* new: from the start given, or from the time of its clock before now */
        st->last_fire = k->s->catchup && k->s->has_start ? k->s->start_ms - 1 : limit;
        st->last_success_ms = k->now;
        k->changed = true;
    }
    if (st->last_fire - k->now > OV_MS_PER_HOUR && ovi_schedule_newest(k->s, limit, &at, &none) == OV_OK) {
        ov_log_warn("the clock was put back; a schedule goes on from now", ov_kv_slice("schedule", k->s->name),
                    ov_kv_i64("hours", (st->last_fire - k->now) / OV_MS_PER_HOUR));
        st->last_fire = at;
        k->changed = true;
    }
    return k->s->catchup ? add_missed(k, limit, err) : add_newest(k, limit, err);
}

/* ---- what a run waits for ---- */

static ov_status other_succeeded(look *k, ov_slice name, int64_t end, bool *yes, ov_error *err)
{
    ov_slice key, text;
    ovi_sched_state *other;
    *yes = false;
    OV_TRY(ov_arena_zalloc(k->a, sizeof(*other), &other, err));
    OV_TRY(ov_arena_printf(k->a, &key, err, "schedule-state:" OV_SLICE_FMT, OV_SLICE_ARG(name)));
    OV_TRY(ov_catalog_cursor_get(k->all->config.catalog, key, k->a, &text, err));
    OV_TRY(ovi_sched_state_read(text, k->a, other, err));
    for (uint32_t i = 0; i < other->run_count; i++)
        *yes |= other->runs[i].state == OVI_RUN_SUCCESS && other->runs[i].stretch.end >= end;
    return OV_OK;
}

static ov_status file_is_there(look *k, ov_slice pattern, ov_interval stretch, bool *yes, ov_error *err)
{
    ov_buf b;
    ov_slice path, *found;
    size_t n = 0;
    ov_buf_init(&b);
    ov_status st = ovi_schedule_fill(pattern, stretch, &b, err);
    if (st == OV_OK)
        st = ov_arena_copy(k->a, ov_buf_slice(&b), &path, err);
    ov_buf_fini(&b);
    OV_TRY(st);
    *yes = ov_file_exists(path.p);
    if (*yes || !(memchr(path.p, '*', path.n) || memchr(path.p, '?', path.n) || memchr(path.p, '[', path.n)))
        return OV_OK;
    ov_slice folder, dir = ov_path_dir(path);
    OV_TRY(ov_arena_copy(k->a, dir, &folder, err));
    ov_error ignored = OV_ERROR_INIT;
    enum { MOST = 100000 };
    *yes = ov_dir_exists(folder.p) && ov_glob_files(folder.p, ov_path_base(path), MOST, k->a, &found, &n, &ignored) == OV_OK && n > 0;
    return OV_OK;
}

static ov_status has_what_it_needs(look *k, ovi_sched_run *r, bool *yes, ov_error *err)
{
    *yes = true;
    for (uint32_t i = 0; i < k->s->wait_count && *yes; i++) {
        const ovi_wait *w = &k->s->waits[i];
        OV_TRY(w->schedule.n ? other_succeeded(k, w->schedule, r->stretch.end, yes, err)
                             : file_is_there(k, w->file, r->stretch, yes, err));
        if (*yes)
            continue;
        char why[300];
        snprintf(why, sizeof why, "waits for %s " OV_SLICE_FMT, w->schedule.n ? "the schedule" : "the file",
                 OV_SLICE_ARG(w->schedule.n ? w->schedule : w->file));
        OV_TRY(say_why(k, r, why, err));
        if (k->now - r->since_ms < k->s->wait_timeout_ms)
            continue;
        r->state = OVI_RUN_FAILED;
        snprintf(why, sizeof why, "%s " OV_SLICE_FMT " did not come in time", w->schedule.n ? "the schedule" : "the file",
                 OV_SLICE_ARG(w->schedule.n ? w->schedule : w->file));
        OV_TRY(say_why(k, r, why, err));
        if (k->s->on_failure)
            tell(k, r, "fail");
    }
    return OV_OK;
}

/* ---- tasks ---- */

static ov_status save(look *k, ov_error *err)
{
    ov_slice text;
    if (!k->changed)
        return OV_OK;
    OV_TRY(ovi_sched_state_print(k->state, k->a, &text, err));
    k->changed = false;
    return ovi_schedule_save(k->all->config.catalog, k->s->name, NULL, &text, k->a, err);
}

static void end_attempt(look *k, ovi_sched_run *r, bool success)
{
    k->changed = true;
    if (success) {
        r->state = OVI_RUN_SUCCESS;
        k->state->last_success_ms = k->now;
        k->state->lag_told = false;
        if (k->s->on_success)
            tell(k, r, "success");
        return;
    }
    if (r->attempt < k->s->retries) {
        r->state = OVI_RUN_WAITING;
        r->due_ms = k->now + ovi_backoff_ms(k->s->retry_ms, k->s->max_retry_ms, r->attempt, (uint64_t)ov_monotonic_ns());
        r->attempt++;
        return;
    }
    r->state = OVI_RUN_FAILED;
    if (k->s->on_failure)
        tell(k, r, "fail");
}

/* The task with the run's id; one that is there already is fine. */
static ov_status submit(look *k, ovi_sched_run *r, ov_error *err)
{
    ov_slice json, id;
    ov_error why = OV_ERROR_INIT;
    ov_status st = ovi_schedule_task(k->s, r->stretch, r->task, k->a, &json, &why);
    if (st == OV_OK)
        st = ov_tasks_submit(k->all->config.tasks, json, k->a, &id, &why);
    if (st == OV_OK || st == OV_EXISTS)
        return OV_OK;
    OV_TRY(say_why(k, r, why.text, err));
    end_attempt(k, r, false);
    return OV_OK;
}

static ov_status start(look *k, ovi_sched_run *r, ov_error *err)
{
    char when[OV_ISO_BYTES];
    int n = (int)ov_iso_format(r->stretch.end, NULL, when);
    OV_TRY(ov_arena_printf(k->a, &r->task, err, OV_SLICE_FMT "_%.*s_%u", OV_SLICE_ARG(k->s->name), n, when, r->attempt));
    r->state = OVI_RUN_RUNNING;
    r->why = (ov_slice){0};
    k->changed = true;
    OV_TRY(save(k, err)); /* before anyone else knows */
    return submit(k, r, err);
}

static ov_status follow(look *k, ovi_sched_run *r, ov_error *err)
{
    ov_task_view v;
    ov_error why = OV_ERROR_INIT;
    ov_status st = ov_tasks_view(k->all->config.tasks, r->task, &v, &why);
    if (st == OV_NOT_FOUND)
        return submit(k, r, err); /* the process ended between writing down and submitting */
    if (st != OV_OK || (v.phase != OV_TASK_SUCCESS && v.phase != OV_TASK_FAILED))
        return OV_OK;
    if (v.phase == OV_TASK_FAILED)
        OV_TRY(say_why(k, r, v.error, err));
    end_attempt(k, r, v.phase == OV_TASK_SUCCESS);
    return OV_OK;
}

/* ---- one schedule ---- */

static uint32_t count_active(const ovi_sched_state *s)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->run_count; i++)
        n += s->runs[i].state == OVI_RUN_RUNNING || (s->runs[i].state == OVI_RUN_WAITING && s->runs[i].attempt > 0);
    return n;
}

static void cancel_active(look *k)
{
    for (uint32_t i = 0; i < k->state->run_count; i++) {
        ov_error ignored = OV_ERROR_INIT;
        if (k->state->runs[i].state == OVI_RUN_RUNNING)
            (void)!ov_tasks_shutdown(k->all->config.tasks, k->state->runs[i].task, &ignored);
    }
}

static ov_status start_waiting(look *k, ovi_sched_run *r, ov_error *err)
{
    bool ready;
    bool again = r->attempt > 0; /* counted as active already */
    if (r->due_ms > k->now && r->due_ms - k->now <= k->s->max_retry_ms) /* else the clock was put back */
        return OV_OK;
    if (!again && count_active(k->state) >= k->s->max_active) {
        if (k->s->overlap == OVI_OVERLAP_CANCEL)
            cancel_active(k);
        if (k->s->overlap != OVI_OVERLAP_SKIP)
            return say_why(k, r, "waits for the run before", err);
        r->state = OVI_RUN_SKIPPED;
        return say_why(k, r, "the run before is still under way", err);
    }
    OV_TRY(has_what_it_needs(k, r, &ready, err));
    return ready ? start(k, r, err) : OV_OK;
}

static ov_status look_at(look *k, ov_error *err)
{
    for (uint32_t i = 0; i < k->state->run_count; i++)
        if (k->state->runs[i].state == OVI_RUN_RUNNING)
            OV_TRY(follow(k, &k->state->runs[i], err));
    if (!k->s->paused)
        OV_TRY(add_due(k, err));
    for (uint32_t i = 0; i < k->state->run_count; i++)
        if (k->state->runs[i].state == OVI_RUN_WAITING)
            OV_TRY(start_waiting(k, &k->state->runs[i], err));
    if (!k->s->paused)
        tell_lag(k);
    return save(k, err);
}

ov_status ovi_schedules_tick(ov_schedules *all, int64_t now_ms, ov_error *err)
{
    ov_arena a;
    ov_cursor_row *rows;
    uint32_t n;
    ov_arena_init(&a, "schedules", NULL);
    ov_status st = ov_catalog_cursor_list(all->config.catalog, OV_SLICE_LIT("schedule:"), &a, &rows, &n, err);
    for (uint32_t i = 0; i < n && st == OV_OK; i++) {
        ovi_schedule s;
        ov_json *doc;
        ov_slice key, text;
        ovi_sched_state *state;
        ov_error why = OV_ERROR_INIT;
        if (rows[i].value.n == 0) /* removed */
            continue;
        ov_status one = ov_json_parse(rows[i].value, NULL, &a, &doc, &why);
        if (one == OV_OK)
            one = ovi_schedule_read(doc, &a, &s, &why);
        if (one == OV_OK)
            one = ov_arena_zalloc(&a, sizeof(*state), &state, &why);
        if (one == OV_OK)
            one = ov_arena_printf(&a, &key, &why, "schedule-state:" OV_SLICE_FMT, OV_SLICE_ARG(s.name));
        if (one == OV_OK)
            one = ov_catalog_cursor_get(all->config.catalog, key, &a, &text, &why);
        if (one == OV_OK)
            one = ovi_sched_state_read(text, &a, state, &why);
        look k = {.all = all, .a = &a, .s = &s, .state = state, .now = now_ms};
        if (one == OV_OK)
            one = look_at(&k, &why);
        if (one != OV_OK)
            ov_log_warn("a schedule could not be looked after", ov_kv_slice("key", rows[i].key), ov_kv_err(&why));
    }
    ov_arena_fini(&a);
    return st;
}
