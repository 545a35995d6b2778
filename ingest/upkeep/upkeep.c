/* The settings of upkeep, and the thread that does it; what it does is in retention.c and the files that upkeep.h names. */
#include "ingest/upkeep/upkeep.h"

#include <stdatomic.h>
#include "base/log.h"
#include "base/os.h"
#include "base/ticker.h"
#include "ingest/pull/pull_secret.h"
#include "ingest/schedule/alert.h"
#include "ingest/upkeep/compact_auto.h"
#include "ingest/upkeep/settings.h"

enum { TICK_MS = 1000 };

/* ---- settings ---- */

static const char defaults[] = "{\"period\":\"PT60S\",\"killOn\":false,\"killPeriod\":\"P1D\",\"killDurationToRetain\":\"P90D\","
                               "\"killIgnoreDurationToRetain\":false,\"killBufferPeriod\":\"P30D\",\"killMaxSegments\":1000,"
                               "\"compactionPeriod\":\"PT30M\",\"diskWarn\":85,\"diskPause\":92,\"diskResume\":90,\"notify\":null}";

static ov_status read_period(const ov_json *o, const char *key, const char *dflt, ov_period *out, ov_error *err)
{
    ov_slice text;
    OV_TRY(ov_json_str(o, key, ov_slice_cstr(dflt), &text, err));
    return ov_period_parse(text, out, err);
}

/* Of a length that needs no calendar, at least one millisecond. */
static ov_status read_stretch(const ov_json *o, const char *key, const char *dflt, int64_t *ms, ov_error *err)
{
    ov_period p;
    OV_TRY(read_period(o, key, dflt, &p, err));
    if (!ov_period_fixed_ms(&p, ms) || *ms <= 0)
        return ov_json_fail(ov_json_get(o, key), err, OV_INVALID, "a period without months and years is expected, longer than zero");
    return OV_OK;
}

static ov_status read_disk(const ov_json *o, ov_disk_limits *l, ov_error *err)
{
    const ov_disk_limits dflt = OV_DISK_LIMITS;
    OV_TRY(ov_json_f64(o, "diskWarn", dflt.warn, &l->warn, err));
    OV_TRY(ov_json_f64(o, "diskPause", dflt.pause, &l->pause, err));
    OV_TRY(ov_json_f64(o, "diskResume", OV_MIN(dflt.resume, l->pause), &l->resume, err));
    if (l->warn > 0 && l->resume > 0 && l->warn <= l->pause && l->resume <= l->pause && l->pause <= 100)
        return OV_OK;
    return ov_json_fail(o, err, OV_INVALID,
                        "diskWarn, diskPause and diskResume are percents above 0: warn and resume not above pause, pause at most 100");
}

ov_status ov_upkeep_settings_read(const ov_json *o, ov_upkeep_settings *s, ov_error *err)
{
    enum { MOST = 1000000000 };
    static const char *const known[] = {"period",           "killOn",         "killPeriod", "killDurationToRetain", "killIgnoreDurationToRetain",
                                        "killBufferPeriod", "killMaxSegments", "compactionPeriod", "diskWarn", "diskPause", "diskResume", "notify"};
    int64_t most;
    OV_TRY(ov_json_only(o, known, OV_COUNT_OF(known), err));
    OV_TRY(read_stretch(o, "period", "PT60S", &s->period_ms, err));
    OV_TRY(ov_json_bool(o, "killOn", false, &s->kill_on, err));
    OV_TRY(read_stretch(o, "killPeriod", "P1D", &s->kill_period_ms, err));
    OV_TRY(read_period(o, "killDurationToRetain", "P90D", &s->kill_retain, err));
    OV_TRY(ov_json_bool(o, "killIgnoreDurationToRetain", false, &s->kill_ignore_retain, err));
    OV_TRY(read_period(o, "killBufferPeriod", "P30D", &s->kill_buffer, err));
    OV_TRY(ov_json_i64_in(o, "killMaxSegments", 1000, 1, MOST, &most, err));
    s->kill_most = (uint32_t)most;
    OV_TRY(read_stretch(o, "compactionPeriod", "PT30M", &s->compact_period_ms, err));
    OV_TRY(ov_json_str(o, "notify", (ov_slice){0}, &s->notify, err));
    if (s->notify.n)
        OV_TRY(ovi_secret_check(s->notify, err));
    return read_disk(o, &s->disk, err);
}

ov_status ov_upkeep_settings_print(const ov_json *o, ov_buf *out, ov_error *err)
{
    return ov_settings_print(defaults, o, out, err);
}

/* ---- the thread ---- */

struct ov_upkeep {
    ov_upkeep_config config;
    ov_ticker ticker;
    int64_t started_ms;
    int64_t looked_ms, killed_ms, compacted_ms; /* of the thread */
    ov_compaction_run compaction;               /* of the thread: the run at hand, while compacting */
    bool compacting;
    ov_alerts *alerts;
    _Atomic uint64_t dropped, hidden, kill_tasks, compact_tasks;
};

/* Druid's dynamic configuration. */
typedef struct dynamic {
    bool paused;
    int64_t hidden_wait_ms;
} dynamic;

static ov_status read_dynamic(ov_upkeep *u, ov_arena *a, dynamic *d, ov_error *err)
{
    enum { WAIT_MS = 900000 };
    ov_settings s;
    OV_TRY(ov_settings_read(u->config.catalog, "coordinator.config", a, &s, err));
    OV_TRY(ov_json_bool(s.object, "pauseCoordination", false, &d->paused, err));
    return ov_json_i64(s.object, "millisToWaitBeforeDeleting", WAIT_MS, &d->hidden_wait_ms, err);
}

static void warn(ov_status st, const char *what, const ov_error *err)
{
    if (st != OV_OK)
        ov_log_warn(what, ov_kv_err(err));
}

static void look(ov_upkeep *u, const dynamic *d, int64_t now)
{
    uint32_t n = 0;
    ov_error err = OV_ERROR_INIT;
    warn(ov_upkeep_apply_rules(u->config.catalog, now, &n, &err), "rules could not be applied", &err);
    atomic_fetch_add(&u->dropped, n);
    if (now - u->started_ms < d->hidden_wait_ms)
        return;
    err = (ov_error)OV_ERROR_INIT;
    n = 0;
    warn(ov_upkeep_mark_hidden(u->config.catalog, &n, &err), "hidden segments could not be marked", &err);
    atomic_fetch_add(&u->hidden, n);
}

static void kill_some(ov_upkeep *u, const ov_upkeep_settings *s, int64_t now)
{
    uint32_t n = 0;
    ov_error err = OV_ERROR_INIT;
    warn(ov_upkeep_kill(u->config.catalog, u->config.tasks, s, now, &n, &err), "unused segments could not be killed", &err);
    atomic_fetch_add(&u->kill_tasks, n);
}

/* A run goes on from look to look until every chunk that waits was tried once. */
static void compact_some(ov_upkeep *u, bool begin, int64_t now)
{
    uint32_t n = 0;
    bool more = false;
    ov_error err = OV_ERROR_INIT;
    if (begin) {
        u->compacted_ms = now;
        if (u->compacting)
            ov_compaction_run_fini(&u->compaction);
        ov_compaction_run_init(&u->compaction);
        u->compacting = true;
    }
    if (!u->compacting)
        return;
    ov_status st = ov_compaction_submit(&u->compaction, u->config.catalog, u->config.tasks, &n, &more, &err);
    warn(st, "compaction could not look for work", &err);
    atomic_fetch_add(&u->compact_tasks, n);
    if (st == OV_OK && more)
        return;
    ov_compaction_run_fini(&u->compaction);
    u->compacting = false;
}

/* Also when the clock was put back. */
static bool due(int64_t last, int64_t period, int64_t now)
{
    return now - last >= period || now < last;
}

/* ---- the disk ---- */

static void tell_disk(ov_upkeep *u, const ov_upkeep_settings *s, int64_t now)
{
    ov_buf b;
    const ov_disk_guard *g = u->config.disk;
    ov_disk_state state = ov_disk_guard_state(g);
    int64_t left = ov_disk_guard_left_ms(g, now);
    ov_buf_init(&b);
    ov_buf_addf(&b, "Disk: %.1f %% of the disk of %s is used", ov_disk_guard_percent(g), ov_catalog_dir(u->config.catalog));
    if (state == OV_DISK_PAUSED)
        ov_buf_addf(&b, "; ingestion is paused until it is below %.1f %%, queries go on", s->disk.resume);
    else if (state == OV_DISK_WARN)
        ov_buf_addf(&b, "; ingestion pauses at %.1f %%", s->disk.pause);
    else
        ov_buf_add_str(&b, "; all is well again");
    if (left >= 0 && state != OV_DISK_OK)
        ov_buf_addf(&b, "; full in %.1f hours at this rate", (double)left / 3600000);
    ov_log_warn("disk", ov_kv_slice("alert", ov_buf_slice(&b)));
    if (s->notify.n)
        ov_alerts_send(u->alerts, s->notify, ov_buf_slice(&b));
    ov_buf_fini(&b);
}

static void look_at_disk(ov_upkeep *u, const ov_upkeep_settings *s, int64_t now)
{
    bool changed = false;
    ov_error err = OV_ERROR_INIT;
    if (!u->config.disk)
        return;
    warn(ov_disk_guard_look(u->config.disk, ov_catalog_dir(u->config.catalog), &s->disk, now, &changed, &err), "disk guard", &err);
    if (changed)
        tell_disk(u, s, now);
}

static ov_status look_around(ov_upkeep *u, bool asked, ov_arena *a, ov_error *err)
{
    ov_settings stored;
    ov_upkeep_settings s;
    dynamic d;
    int64_t now = ov_now_ms();
    OV_TRY(ov_settings_read(u->config.catalog, OV_UPKEEP_SUBJECT, a, &stored, err));
    OV_TRY(ov_upkeep_settings_read(stored.object, &s, err));
    look_at_disk(u, &s, now);
    OV_TRY(read_dynamic(u, a, &d, err));
    if (d.paused)
        return OV_OK;
    if (asked || due(u->looked_ms, s.period_ms, now)) {
        u->looked_ms = now;
        look(u, &d, now);
    }
    if (s.kill_on && (asked || due(u->killed_ms, s.kill_period_ms, now))) {
        u->killed_ms = now;
        kill_some(u, &s, now);
    }
    compact_some(u, asked || due(u->compacted_ms, s.compact_period_ms, now), now);
    return OV_OK;
}

static void tick(void *arg, bool asked)
{
    ov_upkeep *u = arg;
    ov_arena a;
    ov_error err = OV_ERROR_INIT;
    ov_arena_init(&a, "upkeep", NULL);
    warn(look_around(u, asked, &a, &err), "upkeep could not read its settings", &err);
    ov_arena_fini(&a);
}

ov_status ov_upkeep_create(const ov_upkeep_config *config, ov_upkeep **out, ov_error *err)
{
    ov_upkeep *u = ov_calloc(1, sizeof(*u));
    if (!u)
        return ov_fail_nomem(err, sizeof(*u));
    u->config = *config;
    u->started_ms = ov_now_ms();
    ov_status st = ov_alerts_create(&u->alerts, err);
    if (st == OV_OK)
        st = ov_ticker_start(&u->ticker, "upkeep", u->config.tick_ms ? u->config.tick_ms : TICK_MS, tick, u, err);
    if (st == OV_OK)
        *out = u;
    else
        ov_upkeep_destroy(u);
    return st;
}

void ov_upkeep_destroy(ov_upkeep *u)
{
    if (!u)
        return;
    ov_ticker_stop(&u->ticker);
    if (u->compacting)
        ov_compaction_run_fini(&u->compaction);
    ov_alerts_destroy(u->alerts);
    ov_free(u);
}

void ov_upkeep_wake(ov_upkeep *u)
{
    if (u)
        ov_ticker_wake(&u->ticker);
}

int64_t ov_upkeep_last_tick(const ov_upkeep *u)
{
    return ov_ticker_last(&u->ticker);
}

void ov_upkeep_count(const ov_upkeep *u, ov_upkeep_counts *out)
{
    *out = (ov_upkeep_counts){atomic_load(&u->dropped), atomic_load(&u->hidden), atomic_load(&u->kill_tasks),
                              atomic_load(&u->compact_tasks)};
}
