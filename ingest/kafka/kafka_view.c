/* What supervisors tell about themselves, in Druid's shapes, and Prometheus text. */
#include <stdio.h>
#include "base/jsonw.h"
#include "base/os.h"
#include "base/prom.h"
#include "ingest/kafka/kafka_int.h"

/* ---- state; all under the lock ---- */

ovi_kafka_state ovi_kafka_state_of(const ovi_kafka_sup *s)
{
    bool connected = true, was = false, halted = s->stopped_by_poison;
    if (s->spec.suspended)
        return (ovi_kafka_state){"SUSPENDED", "SUSPENDED", true};
    for (uint32_t i = 0; i < s->spec.tasks; i++) {
        const ovi_kafka_task *t = &s->tasks[i];
        connected &= t->connected;
        was |= t->was_connected;
        for (uint32_t j = 0; j < t->part_count; j++)
            halted |= t->parts[j].halted;
    }
    if (halted)
        return (ovi_kafka_state){"UNHEALTHY_TASKS", "UNHEALTHY_TASKS", false};
    if (connected)
        return (ovi_kafka_state){"RUNNING", "RUNNING", true};
    if (was)
        return (ovi_kafka_state){"UNHEALTHY_SUPERVISOR", "LOST_CONTACT_WITH_STREAM", false};
    if (s->trouble_count)
        return (ovi_kafka_state){"UNHEALTHY_SUPERVISOR", "UNABLE_TO_CONNECT_TO_STREAM", false};
    return (ovi_kafka_state){"RUNNING", "CONNECTING_TO_STREAM", true};
}

typedef enum offset_kind {
    CURRENT, /* rows before it are durable */
    LATEST,
    LAG,
} offset_kind;

static int64_t lag_of(const ovi_kafka_part *p)
{
    return p->placed && p->high >= 0 ? OV_MAX(p->high - p->next, 0) : 0;
}

/* How old what is not read may be: the time since the last message that was read, or since somebody looked for the first one. */
static double lag_seconds(const ovi_kafka_part *p, int64_t now)
{
    return lag_of(p) ? OV_MAX((double)(now - (p->last_ms ? p->last_ms : p->placed_ms)) / 1000, 0) : 0;
}

static void offsets_of(const ovi_kafka_task *t, offset_kind kind, ov_jsonw *w)
{
    for (uint32_t j = 0; j < t->part_count; j++) {
        const ovi_kafka_part *p = &t->parts[j];
        char key[16];
        snprintf(key, sizeof key, "%d", (int)p->id);
        if (p->placed)
            ov_jsonw_i64(w, key, kind == LAG ? lag_of(p) : kind == LATEST ? p->high : p->next);
    }
}

static void add_offsets(const ovi_kafka_sup *s, const char *name, offset_kind kind, ov_jsonw *w)
{
    ov_jsonw_open_object(w, name);
    for (uint32_t i = 0; i < s->spec.tasks; i++)
        offsets_of(&s->tasks[i], kind, w);
    ov_jsonw_close_object(w);
}

static void task_id(const ovi_kafka_sup *s, uint32_t i, ov_buf *id)
{
    ov_buf_clear(id);
    ov_buf_addf(id, "index_kafka_" OV_SLICE_FMT "_%u", OV_SLICE_ARG(s->spec.id), i);
}

static void add_task(const ovi_kafka_sup *s, uint32_t i, ov_jsonw *w)
{
    const ovi_kafka_task *t = &s->tasks[i];
    ov_buf id;
    ov_buf_init(&id);
    task_id(s, i, &id);
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_str(w, "id", ov_buf_slice(&id));
    ov_jsonw_time(w, "startTime", t->started_ms);
    ov_jsonw_cstr(w, "type", "ACTIVE");
    ov_jsonw_open_object(w, "currentOffsets");
    offsets_of(t, CURRENT, w);
    ov_jsonw_close_object(w);
    ov_jsonw_open_object(w, "lag");
    offsets_of(t, LAG, w);
    ov_jsonw_close_object(w);
    ov_jsonw_bool(w, "throttled", t->throttled);
    ov_jsonw_close_object(w);
    ov_buf_fini(&id);
}

static void add_troubles(const ovi_kafka_sup *s, ov_jsonw *w)
{
    static const char stream_class[] = "org.apache.druid.indexing.seekablestream.common.StreamException";
    static const char other_class[] = "org.apache.druid.java.util.common.ISE";
    uint64_t from = s->trouble_count > OVI_KAFKA_KEPT ? s->trouble_count - OVI_KAFKA_KEPT : 0;
    ov_jsonw_open_array(w, "recentErrors");
    for (uint64_t i = from; i < s->trouble_count; i++) {
        const ovi_kafka_trouble *t = &s->troubles[i % OVI_KAFKA_KEPT];
        ov_jsonw_open_object(w, NULL);
        ov_jsonw_time(w, "timestamp", t->ms);
        ov_jsonw_cstr(w, "exceptionClass", t->stream ? stream_class : other_class);
        ov_jsonw_cstr(w, "message", t->text);
        ov_jsonw_bool(w, "streamException", t->stream);
        ov_jsonw_close_object(w);
    }
    ov_jsonw_close_array(w);
}

/* Ours. */
static void add_gaps(const ovi_kafka_sup *s, ov_jsonw *w)
{
    uint64_t from = s->gap_count > OVI_KAFKA_KEPT ? s->gap_count - OVI_KAFKA_KEPT : 0;
    ov_jsonw_open_array(w, "gaps");
    for (uint64_t i = from; i < s->gap_count; i++) {
        const ovi_kafka_gap *g = &s->gaps[i % OVI_KAFKA_KEPT];
        ov_jsonw_open_object(w, NULL);
        ov_jsonw_time(w, "timestamp", g->ms);
        ov_jsonw_i64(w, "partition", g->partition);
        ov_jsonw_i64(w, "wanted", g->wanted);
        ov_jsonw_i64(w, "low", g->low);
        ov_jsonw_i64(w, "high", g->high);
        if (g->resumed >= 0)
            ov_jsonw_i64(w, "resumedAt", g->resumed);
        ov_jsonw_close_object(w);
    }
    ov_jsonw_close_array(w);
}

typedef struct lags {
    int64_t records;
    double seconds; /* of the partition that is most behind */
    uint32_t parts;
} lags;

static lags lags_of(const ovi_kafka_sup *s)
{
    lags all = {0};
    int64_t now = ov_now_ms();
    for (uint32_t i = 0; i < s->spec.tasks; i++)
        for (uint32_t j = 0; j < s->tasks[i].part_count; j++) {
            all.records += lag_of(&s->tasks[i].parts[j]);
            all.seconds = OV_MAX(all.seconds, lag_seconds(&s->tasks[i].parts[j], now));
            all.parts++;
        }
    return all;
}

static void add_lags(const ovi_kafka_sup *s, ov_jsonw *w)
{
    lags all = lags_of(s);
    ov_jsonw_i64(w, "partitions", all.parts);
    add_offsets(s, "latestOffsets", LATEST, w);
    add_offsets(s, "minimumLag", LAG, w);
    ov_jsonw_i64(w, "aggregateLag", all.records);
    ov_jsonw_f64(w, "lagSeconds", all.seconds);
}

static void add_status(const ovi_kafka_sup *s, ov_jsonw *w)
{
    ovi_kafka_state state = ovi_kafka_state_of(s);
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_str(w, "id", s->spec.id);
    ov_jsonw_time(w, "generationTime", ov_now_ms());
    ov_jsonw_open_object(w, "payload");
    ov_jsonw_str(w, "dataSource", s->spec.datasource);
    ov_jsonw_str(w, "stream", s->spec.topic);
    add_lags(s, w);
    ov_jsonw_i64(w, "replicas", 1);
    ov_jsonw_i64(w, "durationSeconds", 3600);
    ov_jsonw_open_array(w, "activeTasks");
    for (uint32_t i = 0; i < s->spec.tasks; i++)
        if (s->tasks[i].started_ms)
            add_task(s, i, w);
    ov_jsonw_close_array(w);
    ov_jsonw_open_array(w, "publishingTasks");
    ov_jsonw_close_array(w);
    if (s->offsets_ms)
        ov_jsonw_time(w, "offsetsLastUpdated", s->offsets_ms);
    else
        ov_jsonw_null(w, "offsetsLastUpdated");
    ov_jsonw_bool(w, "suspended", s->spec.suspended);
    ov_jsonw_bool(w, "healthy", state.healthy);
    ov_jsonw_cstr(w, "state", state.state);
    ov_jsonw_cstr(w, "detailedState", state.detail);
    add_troubles(s, w);
    add_gaps(s, w);
    ov_jsonw_close_object(w);
    ov_jsonw_close_object(w);
}

/* Counts are of the supervisor; they stand with its first task. */
static void add_stats(const ovi_kafka_sup *s, ov_jsonw *w)
{
    ov_buf id;
    ov_buf_init(&id);
    task_id(s, 0, &id);
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_open_object(w, "0");
    ov_jsonw_open_object(w, ov_buf_cstr(&id));
    ov_jsonw_open_object(w, "totals");
    ov_jsonw_open_object(w, "buildSegments");
    ov_jsonw_u64(w, "processed", s->rows);
    ov_jsonw_u64(w, "processedBytes", s->bytes);
    ov_jsonw_u64(w, "processedWithError", s->with_errors);
    ov_jsonw_u64(w, "thrownAway", s->filtered + s->empty);
    ov_jsonw_u64(w, "unparseable", s->rejected);
    ov_jsonw_u64(w, "deadLetters", s->dead_letters);
    for (int i = 0; i < 4; i++)
        ov_jsonw_close_object(w);
    ov_jsonw_close_object(w);
    ov_buf_fini(&id);
}

static void add_poison(const ovi_kafka_sup *s, ov_jsonw *w)
{
    uint64_t from = s->poison_count > OVI_KAFKA_KEPT ? s->poison_count - OVI_KAFKA_KEPT : 0;
    ov_jsonw_open_array(w, NULL);
    for (uint64_t i = from; i < s->poison_count; i++) {
        const ovi_kafka_poison *p = &s->poison[i % OVI_KAFKA_KEPT];
        ov_jsonw_open_object(w, NULL);
        ov_jsonw_cstr(w, "errorType", "PARSE_EXCEPTION");
        ov_jsonw_time(w, "timeOfException", p->ms);
        ov_jsonw_i64(w, "partition", p->partition);
        ov_jsonw_i64(w, "offset", p->offset);
        ov_jsonw_open_array(w, "details");
        ov_jsonw_cstr(w, NULL, p->reason);
        ov_jsonw_close_array(w);
        ov_jsonw_close_object(w);
    }
    ov_jsonw_close_array(w);
}

/* ---- one ---- */

static ov_status print_history(ov_kafka *k, ov_slice id, ov_buf *json, ov_error *err)
{
    ov_arena a;
    const ov_json *history;
    bool active;
    ov_arena_init(&a, "supervisor", NULL);
    ov_status st = ovi_kafka_kept(k, id, &a, &history, &active, err);
    if (st == OV_OK)
        ov_json_print(history, json);
    ov_arena_fini(&a);
    return st;
}

static void add_state(const ovi_kafka_sup *s, ov_jsonw *w)
{
    ovi_kafka_state state = ovi_kafka_state_of(s);
    lags all = lags_of(s);
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_cstr(w, "state", state.state);
    ov_jsonw_cstr(w, "detailedState", state.detail);
    ov_jsonw_bool(w, "healthy", state.healthy);
    ov_jsonw_i64(w, "lag", all.records);
    ov_jsonw_f64(w, "lagSeconds", all.seconds);
    ov_jsonw_close_object(w);
}

static void print_one(const ovi_kafka_sup *s, ov_kafka_view view, ov_jsonw *w)
{
    switch (view) {
    case OV_KAFKA_STATUS:
        add_status(s, w);
        break;
    case OV_KAFKA_STATE:
        add_state(s, w);
        break;
    case OV_KAFKA_STATS:
        add_stats(s, w);
        break;
    case OV_KAFKA_PARSE_ERRORS:
        add_poison(s, w);
        break;
    case OV_KAFKA_HEALTH:
        ov_jsonw_open_object(w, NULL);
        ov_jsonw_bool(w, "healthy", ovi_kafka_state_of(s).healthy);
        ov_jsonw_close_object(w);
        break;
    case OV_KAFKA_SPEC:
    case OV_KAFKA_HISTORY:
        ov_json_print(s->spec.doc, w->out);
        break;
    }
}

ov_status ov_kafka_print(ov_kafka *k, ov_slice id, ov_kafka_view view, ov_buf *json, bool *healthy, ov_error *err)
{
    ov_jsonw w;
    if (view == OV_KAFKA_HISTORY)
        return print_history(k, id, json, err);
    ov_jsonw_init(&w, json);
    ov_mutex_lock(&k->lock);
    const ovi_kafka_sup *s = k->sups;
    while (s && !ov_slice_eq(s->spec.id, id))
        s = s->next;
    if (s) {
        print_one(s, view, &w);
        if (healthy)
            *healthy = ovi_kafka_state_of(s).healthy;
    }
    ov_mutex_unlock(&k->lock);
    if (!s)
        return ov_fail(err, OV_NOT_FOUND, "Cannot find any supervisor with id: [" OV_SLICE_FMT "]", OV_SLICE_ARG(id));
    return ov_buf_check(json, err);
}

/* ---- all ---- */

static void add_short(const ovi_kafka_sup *s, bool full, ov_jsonw *w)
{
    ovi_kafka_state state = ovi_kafka_state_of(s);
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_str(w, "id", s->spec.id);
    ov_jsonw_cstr(w, "state", state.state);
    ov_jsonw_cstr(w, "detailedState", state.detail);
    ov_jsonw_bool(w, "healthy", state.healthy);
    ov_jsonw_str(w, "dataSource", s->spec.datasource);
    ov_jsonw_str(w, "source", s->spec.topic);
    ov_jsonw_cstr(w, "type", "kafka");
    ov_jsonw_bool(w, "suspended", s->spec.suspended);
    if (full) {
        ov_buf text;
        ov_buf_init(&text);
        ov_json_print(s->spec.doc, &text);
        ov_jsonw_raw(w, "spec", ov_buf_slice(&text));
        ov_buf_fini(&text);
    }
    ov_jsonw_close_object(w);
}

static ov_status print_histories(ov_kafka *k, ov_buf *json, ov_error *err)
{
    static const size_t prefix = sizeof "supervisor/" - 1;
    ov_arena a;
    ov_cursor_row *rows;
    uint32_t count = 0;
    ov_jsonw w;
    ov_buf one;
    ov_arena_init(&a, "supervisors", NULL);
    ov_buf_init(&one);
    ov_jsonw_init(&w, json);
    ov_status st = ov_catalog_cursor_list(k->config.catalog, OV_SLICE_LIT("supervisor/"), &a, &rows, &count, err);
    ov_jsonw_open_object(&w, NULL);
    for (uint32_t i = 0; i < count && st == OV_OK; i++) {
        ov_slice id = ov_slice_make(rows[i].key.p + prefix, rows[i].key.n - prefix);
        ov_buf_clear(&one);
        st = print_history(k, id, &one, err);
        ov_jsonw_key(&w, id);
        ov_jsonw_raw(&w, NULL, ov_buf_slice(&one));
    }
    ov_jsonw_close_object(&w);
    ov_buf_fini(&one);
    ov_arena_fini(&a);
    return st == OV_OK ? ov_buf_check(json, err) : st;
}

ov_status ov_kafka_print_all(ov_kafka *k, ov_kafka_list what, ov_buf *json, ov_error *err)
{
    ov_jsonw w;
    if (what == OV_KAFKA_HISTORIES)
        return print_histories(k, json, err);
    ov_jsonw_init(&w, json);
    ov_jsonw_open_array(&w, NULL);
    ov_mutex_lock(&k->lock);
    for (const ovi_kafka_sup *s = k->sups; s; s = s->next)
        if (what == OV_KAFKA_IDS)
            ov_jsonw_str(&w, NULL, s->spec.id);
        else
            add_short(s, what == OV_KAFKA_FULL, &w);
    ov_mutex_unlock(&k->lock);
    ov_jsonw_close_array(&w);
    return ov_buf_check(json, err);
}

/* ---- metrics ---- */

static void part_lines(const ov_kafka *k, const char *name, bool seconds, ov_buf *out)
{
    int64_t now = ov_now_ms();
    for (const ovi_kafka_sup *s = k->sups; s; s = s->next)
        for (uint32_t i = 0; i < s->spec.tasks; i++)
            for (uint32_t j = 0; j < s->tasks[i].part_count; j++) {
                const ovi_kafka_part *p = &s->tasks[i].parts[j];
                ov_buf_addf(out, "%s{", name);
                ov_prom_label(out, "supervisor", s->spec.id);
                ov_buf_add_char(out, ',');
                ov_prom_label(out, "topic", s->spec.topic);
                ov_buf_addf(out, ",partition=\"%d\"} %.17g\n", (int)p->id, seconds ? lag_seconds(p, now) : (double)lag_of(p));
            }
}

static void sup_lines(const ov_kafka *k, const char *name, double (*value)(const ovi_kafka_sup *s), ov_buf *out)
{
    for (const ovi_kafka_sup *s = k->sups; s; s = s->next) {
        ov_buf_addf(out, "%s{", name);
        ov_prom_label(out, "supervisor", s->spec.id);
        ov_buf_addf(out, "} %.17g\n", value(s));
    }
}

static double rows_of(const ovi_kafka_sup *s)
{
    return (double)s->rows;
}

static double rejected_of(const ovi_kafka_sup *s)
{
    return (double)s->rejected;
}

static double gap_records_of(const ovi_kafka_sup *s)
{
    return (double)s->gap_records;
}

static double healthy_of(const ovi_kafka_sup *s)
{
    return ovi_kafka_state_of(s).healthy;
}

static double throttled_of(const ovi_kafka_sup *s)
{
    double n = 0;
    for (uint32_t i = 0; i < s->spec.tasks; i++)
        n += s->tasks[i].throttled;
    return n;
}

void ov_kafka_metrics(ov_kafka *k, ov_buf *out)
{
    static const struct {
        const char *name, *type, *help;
        double (*value)(const ovi_kafka_sup *s);
    } figures[] = {
        {"ovate_kafka_rows_total", "counter", "Rows read from Kafka that are durable, since the start.", rows_of},
        {"ovate_kafka_rejected_total", "counter", "Messages that are no rows, since the start.", rejected_of},
        {"ovate_kafka_gap_records_total", "counter", "Records that the cluster dropped before they were read.", gap_records_of},
        {"ovate_kafka_healthy", "gauge", "1 when the supervisor reads what it should.", healthy_of},
        {"ovate_kafka_throttled", "gauge", "Readers that wait for room in memory or on disk.", throttled_of},
    };
    ov_mutex_lock(&k->lock);
    ov_prom_head(out, "ovate_kafka_lag", "gauge", "Records of the partition that are not durable here.");
    part_lines(k, "ovate_kafka_lag", false, out);
    ov_prom_head(out, "ovate_kafka_lag_seconds", "gauge", "Age of the last record that is, while there are others.");
    part_lines(k, "ovate_kafka_lag_seconds", true, out);
    for (size_t i = 0; i < OV_COUNT_OF(figures); i++) {
        ov_prom_head(out, figures[i].name, figures[i].type, figures[i].help);
        sup_lines(k, figures[i].name, figures[i].value, out);
    }
    ov_mutex_unlock(&k->lock);
}
