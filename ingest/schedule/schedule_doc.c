/* A schedule's document: reading it, its clock, the task of one run. */
#include "ingest/schedule/schedule_int.h"

#include "ingest/pull/pull_secret.h"
#include "ingest/pull/pull_template.h"
#include "ingest/task/task.h"

/* ---- reading ---- */

static ov_status read_ms(const ov_json *doc, const char *key, int64_t dflt, int64_t *out, ov_error *err)
{
    ov_slice text;
    ov_period p;
    *out = dflt;
    OV_TRY(ov_json_str(doc, key, (ov_slice){0}, &text, err));
    if (text.n == 0)
        return OV_OK;
    ov_error why = OV_ERROR_INIT;
    if (ov_period_parse(text, &p, &why) != OV_OK || !ov_period_fixed_ms(&p, out) || *out < 0)
        return ov_json_fail(ov_json_get(doc, key), err, OV_INVALID, "'" OV_SLICE_FMT "' is no length of time such as PT10M or P1D",
                            OV_SLICE_ARG(text));
    return OV_OK;
}

static ov_status read_time(const ov_json *doc, const char *key, const ov_tz *zone, bool *has, int64_t *out, ov_error *err)
{
    ov_slice text;
    OV_TRY(ov_json_str(doc, key, (ov_slice){0}, &text, err));
    *has = text.n > 0;
    if (!*has || ov_iso_parse(text, zone, out, err) == OV_OK)
        return OV_OK;
    ov_error_context(err, "%s", key);
    return err->code;
}

static ov_status read_clock(const ov_json *doc, ovi_schedule *s, ov_error *err)
{
    ov_slice cron, every, zone;
    ov_period p;
    OV_TRY(ov_json_str(doc, "timeZone", OV_SLICE_LIT("UTC"), &zone, err));
    OV_TRY(ov_json_str(doc, "cron", (ov_slice){0}, &cron, err));
    OV_TRY(ov_json_str(doc, "every", (ov_slice){0}, &every, err));
    ov_status st = ov_tz_get(zone, &s->zone, err);
    if (st != OV_OK) {
        ov_error_context(err, "timeZone");
        return st;
    }
    if ((cron.n > 0) == (every.n > 0))
        return ov_json_fail(doc, err, OV_INVALID, "either \"cron\" or \"every\" says when it runs");
    s->has_cron = cron.n > 0;
    if (s->has_cron) {
        int64_t ignored;
        st = ov_cron_parse(cron, &s->cron, err);
        if (st == OV_OK)
            st = ov_cron_next(&s->cron, 0, s->zone, &ignored, err);
    } else {
        st = ov_period_parse(every, &p, err);
        if (st == OV_OK)
            st = ov_gran_init(&s->every, &p, s->zone, NULL, err);
    }
    if (st != OV_OK) {
        ov_error_context(err, "%s", s->has_cron ? "cron" : "every");
        return OV_INVALID;
    }
    OV_TRY(read_time(doc, "start", s->zone, &s->has_start, &s->start_ms, err));
    OV_TRY(read_time(doc, "end", s->zone, &s->has_end, &s->end_ms, err));
    return read_ms(doc, "lag", 0, &s->lag_ms, err);
}

/* A year of hours and more; a run for each is nothing one starts by accident. */
enum { DEFAULT_CATCHUP = 10000, MOST_CATCHUP = 100000 };

static ov_status read_policy(const ov_json *doc, ovi_schedule *s, ov_error *err)
{
    ov_slice overlap;
    int64_t n;
    OV_TRY(ov_json_bool(doc, "catchup", false, &s->catchup, err));
    OV_TRY(ov_json_str(doc, "onOverlap", s->catchup ? OV_SLICE_LIT("queue") : OV_SLICE_LIT("skip"), &overlap, err));
    s->overlap = ov_slice_eq(overlap, OV_SLICE_LIT("queue"))    ? OVI_OVERLAP_QUEUE
                 : ov_slice_eq(overlap, OV_SLICE_LIT("cancel")) ? OVI_OVERLAP_CANCEL
                                                                : OVI_OVERLAP_SKIP;
    if (s->overlap == OVI_OVERLAP_SKIP && !ov_slice_eq(overlap, OV_SLICE_LIT("skip")))
        return ov_json_fail(ov_json_get(doc, "onOverlap"), err, OV_INVALID, "'" OV_SLICE_FMT "' is not known; there are skip, queue and "
                            "cancel", OV_SLICE_ARG(overlap));
    if (s->catchup && s->overlap != OVI_OVERLAP_QUEUE)
        return ov_json_fail(ov_json_get(doc, "onOverlap"), err, OV_INVALID,
                            "with catchup runs are queued; '" OV_SLICE_FMT "' would leave out what is caught up", OV_SLICE_ARG(overlap));
    OV_TRY(ov_json_bool(doc, "paused", false, &s->paused, err));
    OV_TRY(ov_json_i64_in(doc, "maxActiveRuns", 1, 1, OVI_RUNS_KEPT / 2, &n, err));
    s->max_active = (uint32_t)n;
    OV_TRY(ov_json_i64_in(doc, "maxCatchup", DEFAULT_CATCHUP, 1, MOST_CATCHUP, &n, err));
    s->max_catchup = (uint32_t)n;
    OV_TRY(ov_json_i64_in(doc, "retries", 0, 0, 100, &n, err));
    s->retries = (uint32_t)n;
    OV_TRY(read_ms(doc, "retryDelay", OV_MS_PER_MINUTE, &s->retry_ms, err));
    OV_TRY(read_ms(doc, "maxRetryDelay", OV_MS_PER_HOUR, &s->max_retry_ms, err));
    return read_ms(doc, "waitTimeout", 2 * OV_MS_PER_HOUR, &s->wait_timeout_ms, err);
}

static bool interval_name(void *arg, ov_slice name)
{
    (void)arg;
    return ov_slice_eq(name, OV_SLICE_LIT("interval.start")) || ov_slice_eq(name, OV_SLICE_LIT("interval.end"));
}

static ov_status read_wait(const ov_json *v, ovi_wait *w, ov_error *err)
{
    static const char *const keys[] = {"schedule", "file"};
    OV_TRY(ov_json_expect(v, OV_JSON_OBJECT, err));
    OV_TRY(ov_json_only(v, keys, OV_COUNT_OF(keys), err));
    OV_TRY(ov_json_str(v, "schedule", (ov_slice){0}, &w->schedule, err));
    OV_TRY(ov_json_str(v, "file", (ov_slice){0}, &w->file, err));
    if ((w->schedule.n > 0) == (w->file.n > 0))
        return ov_json_fail(v, err, OV_INVALID, "either \"schedule\" or \"file\" says what is waited for");
    if (w->file.n && w->file.p[0] != '/')
        return ov_json_fail(v, err, OV_INVALID, "a file is named by its whole path");
    return ovi_template_check(w->file, interval_name, NULL, err);
}

/* One thing, or a list of them. */
static ov_status read_waits(const ov_json *doc, ov_arena *out, ovi_schedule *s, ov_error *err)
{
    const ov_json *one = ov_json_find(doc, "waitFor"), *list = NULL;
    bool alone = one && one->kind == OV_JSON_OBJECT;
    if (!alone)
        OV_TRY(ov_json_arr(doc, "waitFor", &list, err));
    OV_TRY(ov_arena_zalloc(out, ((list ? list->count : 0) + 1) * sizeof(*s->waits), &s->waits, err));
    if (alone)
        return read_wait(one, &s->waits[s->wait_count++], err);
    for (const ov_json *v = list ? list->first : NULL; v; v = v->next)
        OV_TRY(read_wait(v, &s->waits[s->wait_count++], err));
    return OV_OK;
}

static ov_status read_notify(const ov_json *doc, ovi_schedule *s, ov_error *err)
{
    static const char *const keys[] = {"url", "on", "lag"};
    const ov_json *n, *on;
    OV_TRY(ov_json_obj(doc, "notify", &n, err));
    if (!n)
        return OV_OK;
    OV_TRY(ov_json_only(n, keys, OV_COUNT_OF(keys), err));
    OV_TRY(ov_json_need_str(n, "url", &s->notify_url, err));
    if (ovi_secret_check(s->notify_url, err) != OV_OK) {
        ov_error_context(err, "notify.url");
        return err->code;
    }
    OV_TRY(read_ms(n, "lag", 0, &s->notify_lag_ms, err));
    OV_TRY(ov_json_arr(n, "on", &on, err));
    s->on_failure = !on;
    for (const ov_json *v = on ? on->first : NULL; v; v = v->next) {
        ov_slice word;
        OV_TRY(ov_json_as_str(v, &word, err));
        bool failure = ov_slice_eq(word, OV_SLICE_LIT("failure")), success = ov_slice_eq(word, OV_SLICE_LIT("success"));
        if (!failure && !success)
            return ov_json_fail(v, err, OV_INVALID, "'" OV_SLICE_FMT "' is not known; there are failure and success", OV_SLICE_ARG(word));
        s->on_failure |= failure;
        s->on_success |= success;
    }
    return OV_OK;
}

static ov_status check_name(const ov_json *doc, ov_slice name, ov_error *err)
{
    enum { MAX_NAME = 100 };
    bool ok = name.n > 0 && name.n <= MAX_NAME && name.p[0] != '.';
    for (size_t i = 0; i < name.n && ok; i++) {
        char c = name.p[i];
        ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    }
    if (ok)
        return OV_OK;
    return ov_json_fail(ov_json_get(doc, "name"), err, OV_INVALID, "a schedule's name is 1 to %d letters, digits, '-', '_' and '.'", MAX_NAME);
}

ov_status ovi_schedule_read(const ov_json *doc, ov_arena *out, ovi_schedule *s, ov_error *err)
{
    static const char *const keys[] = {"name", "task", "cron", "every", "timeZone", "start", "end", "lag", "catchup", "maxCatchup", "onOverlap",
                                       "maxActiveRuns", "retries", "retryDelay", "maxRetryDelay", "waitFor", "waitTimeout", "notify",
                                       "paused", "description"};
    *s = (ovi_schedule){0};
    OV_TRY(ov_json_expect(doc, OV_JSON_OBJECT, err));
    OV_TRY(ov_json_only(doc, keys, OV_COUNT_OF(keys), err));
    OV_TRY(ov_json_need_str(doc, "name", &s->name, err));
    OV_TRY(check_name(doc, s->name, err));
    OV_TRY(ov_json_need_obj(doc, "task", &s->task, err));
    OV_TRY(ov_task_check_type(s->task, err));
    OV_TRY(ov_json_need_str(s->task, "type", &s->task_type, err));
    OV_TRY(read_clock(doc, s, err));
    OV_TRY(read_policy(doc, s, err));
    OV_TRY(read_waits(doc, out, s, err));
    return read_notify(doc, s, err);
}

/* ---- the clock ---- */

ov_status ovi_schedule_fire(const ovi_schedule *s, int64_t after, int64_t *at, ov_error *err)
{
    if (s->has_start && after < s->start_ms - 1)
        after = s->start_ms - 1;
    if (s->has_cron)
        OV_TRY(ov_cron_next(&s->cron, after, s->zone, at, err));
    else
        *at = ov_gran_next(&s->every, after);
    if (s->has_end && *at > s->end_ms)
        return ov_fail(err, OV_NOT_FOUND, "the schedule has ended");
    return OV_OK;
}

/* ---- the task of a run ---- */

ov_status ovi_schedule_fill(ov_slice text, ov_interval stretch, ov_buf *out, ov_error *err)
{
    static const ov_slice open = {"{interval", 9};
    ovi_names names = {.has_interval = true, .interval = stretch};
    for (size_t i = 0; i < text.n;) { /* other braces are not ours */
        ov_slice rest = ov_slice_make(text.p + i, text.n - i);
        const char *close = ov_slice_starts(rest, open) ? memchr(rest.p, '}', rest.n) : NULL;
        char behind = close ? rest.p[open.n] : '\0';
        if (!close || (behind != '.' && behind != '}')) {
            ov_buf_add_char(out, text.p[i++]);
            continue;
        }
        ov_slice hole = ov_slice_make(rest.p, (size_t)(close - rest.p) + 1);
        bool missing = false;
        if (behind == '}')
            ov_interval_add(out, stretch);
        else
            OV_TRY(ovi_template_expand(hole, &names, false, out, &missing, err));
        if (missing)
            return ov_fail(err, OV_INVALID, "'" OV_SLICE_FMT "' is not known; there are {interval}, {interval.start} and {interval.end}",
                           OV_SLICE_ARG(hole));
        i += hole.n;
    }
    return ov_buf_check(out, err);
}

/* All strings of a copied document. */
static ov_status fill_strings(ov_json *v, ov_interval stretch, ov_arena *a, ov_error *err)
{
    if (v->kind == OV_JSON_STRING) {
        ov_buf b;
        ov_buf_init(&b);
        ov_status st = ovi_schedule_fill(v->s, stretch, &b, err);
        if (st == OV_OK)
            st = ov_arena_copy(a, ov_buf_slice(&b), &v->s, err);
        ov_buf_fini(&b);
        return st;
    }
    for (ov_json *c = v->first; c; c = c->next)
        OV_TRY(fill_strings(c, stretch, a, err));
    return OV_OK;
}

static ov_status set_text(ov_arena *a, ov_json *doc, const char *key, ov_slice text, ov_error *err)
{
    ov_json *v;
    OV_TRY(ov_json_new_str(a, text, &v, err));
    return ov_json_set(a, doc, key, v, err);
}

/* A run that a stop of the server ends goes on with the next start, unless its task says otherwise. */
static ov_status set_restart(ov_arena *a, ov_json *doc, ov_error *err)
{
    const ov_json *had = ov_json_find(doc, "context");
    ov_json *context, *yes;
    if (had && (had->kind != OV_JSON_OBJECT || ov_json_find(had, "restart")))
        return OV_OK;
    OV_TRY(had ? ov_json_copy(a, had, &context, err) : ov_json_new(a, OV_JSON_OBJECT, &context, err));
    OV_TRY(ov_json_new(a, OV_JSON_BOOL, &yes, err));
    yes->boolean = true;
    OV_TRY(ov_json_set(a, context, "restart", yes, err));
    return ov_json_set(a, doc, "context", context, err);
}

ov_status ovi_schedule_task(const ovi_schedule *s, ov_interval stretch, ov_slice id, ov_arena *out, ov_slice *json, ov_error *err)
{
    ov_json *doc;
    ov_buf b;
    OV_TRY(ov_json_copy(out, s->task, &doc, err));
    OV_TRY(fill_strings(doc, stretch, out, err));
    OV_TRY(set_text(out, doc, "id", id, err));
    OV_TRY(set_restart(out, doc, err));
    ov_buf_init(&b);
    ov_status st = OV_OK;
    if (ov_slice_eq(s->task_type, OV_SLICE_LIT("pull")) && !ov_json_find(doc, "interval")) {
        ov_interval_add(&b, stretch);
        st = set_text(out, doc, "interval", ov_buf_slice(&b), err);
    }
    ov_buf_clear(&b);
    if (st == OV_OK) {
        ov_json_print(doc, &b);
        st = ov_buf_check(&b, err);
    }
    if (st == OV_OK)
        st = ov_arena_copy(out, ov_buf_slice(&b), json, err);
    ov_buf_fini(&b);
    return st;
}
