/*
 * Automatic compaction over HTTP: configurations, status, progress, in the coordinator's and the overlord's forms.
 * What it does is in ingest/upkeep/compact_auto.h.
 */
#include "ingest/upkeep/compact_auto.h"

#include <stdio.h>
#include "base/jsonw.h"
#include "base/log.h"
#include "ingest/upkeep/settings.h"
#include "ingest/upkeep/upkeep.h"
#include "server/handlers.h"
#include "server/http/error_http.h"
#include "server/reply.h"
#include "server/task_transform.h"

#define CLUSTER_DEFAULTS                                                                                                      \
    "{\"compactionTaskSlotRatio\":0.1,\"maxCompactionTaskSlots\":2147483647,\"compactionPolicy\":{\"type\":"                  \
    "\"newestSegmentFirst\",\"priorityDatasource\":null},\"useSupervisors\":false,\"engine\":\"native\"}"

static const ov_json *find_config(const ov_settings *s, ov_slice name)
{
    const ov_json *all = ov_json_find(s->object, "datasources");
    for (const ov_json *v = all ? all->first : NULL; v; v = v->next)
        if (ov_slice_eq(v->key, name))
            return v;
    return NULL;
}

/* ---- showing ---- */

static ov_status add_cluster(const ov_settings *s, ov_arena *a, ov_json **out, ov_error *err)
{
    const ov_json *set = ov_json_find(s->object, "cluster");
    OV_TRY(ov_json_parse(OV_SLICE_LIT(CLUSTER_DEFAULTS), NULL, a, out, err));
    return set ? ov_settings_merge(a, *out, set, err) : OV_OK;
}

static ov_status add_configs(const ov_settings *s, ov_buf *out, ov_error *err)
{
    const ov_json *all = ov_json_find(s->object, "datasources");
    ov_buf_add_str(out, "{\"compactionConfigs\":[");
    for (const ov_json *v = all ? all->first : NULL; v; v = v->next) {
        if (v != all->first)
            ov_buf_add_char(out, ',');
        OV_TRY(ov_compaction_print(v, out, err));
    }
    ov_buf_add_char(out, ']');
    return OV_OK;
}

static ov_status print_all(ov_app *app, ov_arena *a, bool cluster, ov_buf *out, ov_error *err)
{
    ov_settings s;
    ov_json *c;
    OV_TRY(ov_settings_read(app->catalog, OV_COMPACTION_SUBJECT, a, &s, err));
    OV_TRY(add_configs(&s, out, err));
    OV_TRY(add_cluster(&s, a, &c, err));
    for (const ov_json *v = cluster ? c->first : NULL; v; v = v->next) {
        ov_buf_add_char(out, ',');
        ov_json_quote(out, v->key);
        ov_buf_add_char(out, ':');
        ov_json_print(v, out);
    }
    ov_buf_add_char(out, '}');
    return ov_buf_check(out, err);
}

void ov_h_compaction_config(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    ov_error err = OV_ERROR_INIT;
    ov_buf b;
    ov_buf_init(&b);
    ovi_reply_made(rq, print_all(app, ov_request_arena(rq), true, &b, &err), &b, &err);
}

void ov_h_compaction_datasources(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    ov_error err = OV_ERROR_INIT;
    ov_buf b;
    ov_buf_init(&b);
    ovi_reply_made(rq, print_all(app, ov_request_arena(rq), false, &b, &err), &b, &err);
}

void ov_h_compaction_cluster(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    ov_error err = OV_ERROR_INIT;
    ov_settings s;
    ov_json *c;
    ov_buf b;
    ov_buf_init(&b);
    ov_status st = ov_settings_read(app->catalog, OV_COMPACTION_SUBJECT, ov_request_arena(rq), &s, &err);
    if (st == OV_OK)
        st = add_cluster(&s, ov_request_arena(rq), &c, &err);
    if (st == OV_OK)
        ov_json_print(c, &b);
    ovi_reply_made(rq, st, &b, &err);
}

void ov_h_compaction_of(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    ov_settings s;
    ov_buf b;
    ov_buf_init(&b);
    ov_status st = ov_settings_read(app->catalog, OV_COMPACTION_SUBJECT, ov_request_arena(rq), &s, &err);
    const ov_json *config = st == OV_OK ? find_config(&s, at->s[0]) : NULL;
    if (st == OV_OK && !config) {
        ov_buf_fini(&b);
        ovi_reply_nothing(rq, 404);
        return;
    }
    ovi_reply_made(rq, st == OV_OK ? ov_compaction_print(config, &b, &err) : st, &b, &err);
}

/* ---- setting ---- */

static ov_status write_setting(ov_app *app, ov_request *rq, ov_slice key, const ov_settings *s, ov_slice payload, ov_error *err)
{
    return ovi_settings_save(app, rq, OV_COMPACTION_SUBJECT, key, payload, s, err);
}

/* The member of the settings, made when it is not there. */
static ov_status member(ov_arena *a, ov_json *object, const char *key, ov_json **out, ov_error *err)
{
    const ov_json *there = ov_json_find(object, key);
    if (there) {
        *out = (ov_json *)(uintptr_t)there;
        return OV_OK;
    }
    OV_TRY(ov_json_new(a, OV_JSON_OBJECT, out, err));
    return ov_json_set(a, object, key, *out, err);
}

/* name empty: of the configuration itself. */
static ov_status set_config(ov_app *app, ov_request *rq, ov_slice name, ov_error *err)
{
    ov_arena *a = ov_request_arena(rq);
    ov_settings s;
    ov_json *config, *all;
    ov_slice given, key;
    OV_TRY(ov_json_parse(ov_request_body(rq), NULL, a, &config, err));
    OV_TRY(ov_compaction_check(config, &ov_transforms, err));
    OV_TRY(ov_json_need_str(config, "dataSource", &given, err));
    if (name.n && !ov_slice_eq(name, given))
        return ov_json_fail(ov_json_get(config, "dataSource"), err, OV_INVALID,
                            "the address says '" OV_SLICE_FMT "'", OV_SLICE_ARG(name));
    OV_TRY(ov_settings_read(app->catalog, OV_COMPACTION_SUBJECT, a, &s, err));
    OV_TRY(member(a, s.object, "datasources", &all, err));
    OV_TRY(ov_arena_copy(a, given, &key, err));
    OV_TRY(ov_json_set(a, all, key.p, config, err));
    return write_setting(app, rq, given, &s, ov_request_body(rq), err);
}

static void respond_set(ov_app *app, ov_request *rq, ov_status st, const ov_error *err)
{
    if (st != OV_OK) {
        ovi_reply_error(rq, err);
        return;
    }
    ov_log_info("configuration of compaction changed");
    ov_upkeep_wake(app->upkeep);
    ovi_reply_nothing(rq, 200);
}

void ov_h_compaction_set(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    ov_status st = set_config(app, rq, at->n ? at->s[0] : (ov_slice){NULL, 0}, &err);
    respond_set(app, rq, st, &err);
}

static ov_status remove_config(ov_app *app, ov_request *rq, ov_slice name, bool *found, ov_error *err)
{
    ov_arena *a = ov_request_arena(rq);
    ov_settings s;
    ov_json *kept;
    OV_TRY(ov_settings_read(app->catalog, OV_COMPACTION_SUBJECT, a, &s, err));
    *found = find_config(&s, name) != NULL;
    if (!*found)
        return OV_OK;
    OV_TRY(ov_json_new(a, OV_JSON_OBJECT, &kept, err));
    for (const ov_json *v = ov_json_find(s.object, "datasources")->first; v; v = v->next) {
        ov_json *copy;
        ov_slice key;
        if (ov_slice_eq(v->key, name))
            continue;
        OV_TRY(ov_json_copy(a, v, &copy, err));
        OV_TRY(ov_arena_copy(a, v->key, &key, err));
        OV_TRY(ov_json_set(a, kept, key.p, copy, err));
    }
    OV_TRY(ov_json_set(a, s.object, "datasources", kept, err));
    return write_setting(app, rq, name, &s, OV_SLICE_LIT("null"), err);
}

void ov_h_compaction_remove(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    bool found = false;
    ov_status st = remove_config(app, rq, at->s[0], &found, &err);
    if (st == OV_OK && !found)
        ovi_reply_nothing(rq, 404);
    else
        respond_set(app, rq, st, &err);
}

static ov_status merge_cluster(ov_app *app, ov_request *rq, const ov_json *wanted, ov_slice payload, ov_error *err)
{
    ov_arena *a = ov_request_arena(rq);
    ov_settings s;
    ov_json *cluster;
    double ratio;
    int64_t most;
    OV_TRY(ov_json_expect(wanted, OV_JSON_OBJECT, err));
    OV_TRY(ov_json_f64(wanted, "compactionTaskSlotRatio", 0.1, &ratio, err));
    OV_TRY(ov_json_i64_in(wanted, "maxCompactionTaskSlots", 0, 0, INT32_MAX, &most, err));
    if (!(ratio >= 0 && ratio <= 1))
        return ov_json_fail(ov_json_get(wanted, "compactionTaskSlotRatio"), err, OV_INVALID, "expected 0 to 1");
    OV_TRY(ov_settings_read(app->catalog, OV_COMPACTION_SUBJECT, a, &s, err));
    OV_TRY(member(a, s.object, "cluster", &cluster, err));
    OV_TRY(ov_settings_merge(a, cluster, wanted, err));
    return write_setting(app, rq, OV_SLICE_LIT("cluster"), &s, payload, err);
}

void ov_h_compaction_cluster_set(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    ov_error err = OV_ERROR_INIT;
    ov_json *wanted;
    ov_status st = ov_json_parse(ov_request_body(rq), NULL, ov_request_arena(rq), &wanted, &err);
    if (st == OV_OK)
        st = merge_cluster(app, rq, wanted, ov_request_body(rq), &err);
    respond_set(app, rq, st, &err);
}

/* ?ratio=0.2&max=3 */
void ov_h_compaction_slots(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    ov_error err = OV_ERROR_INIT;
    bool has_ratio, has_max;
    ov_slice ratio = ov_request_param(rq, "ratio", &has_ratio), most = ov_request_param(rq, "max", &has_max), text;
    ov_json *wanted;
    ov_arena *a = ov_request_arena(rq);
    ov_status st = ov_arena_printf(a, &text, &err, "{%s" OV_SLICE_FMT "%s%s" OV_SLICE_FMT "}",
                                   has_ratio ? "\"compactionTaskSlotRatio\":" : "", OV_SLICE_WHOLE(ratio),
                                   has_ratio && has_max ? "," : "", has_max ? "\"maxCompactionTaskSlots\":" : "", OV_SLICE_WHOLE(most));
    if (st == OV_OK)
        st = ov_json_parse(text, NULL, a, &wanted, &err);
    if (st == OV_OK)
        st = merge_cluster(app, rq, wanted, text, &err);
    respond_set(app, rq, st, &err);
}

/* ---- status ---- */

static void add_sum(ov_jsonw *w, const char *what, const char *key, uint64_t n)
{
    char name[64];
    snprintf(name, sizeof name, "%s%s", what, key);
    ov_jsonw_u64(w, name, n);
}

static void add_status(ov_jsonw *w, const ov_compaction_status *s)
{
    const struct {
        const char *name;
        const ov_compaction_sum *sum;
    } sums[] = {{"AwaitingCompaction", &s->awaiting}, {"Compacted", &s->compacted}, {"Skipped", &s->skipped}};
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_str(w, "dataSource", s->datasource);
    ov_jsonw_cstr(w, "scheduleStatus", "RUNNING");
    ov_jsonw_null(w, "message");
    for (size_t i = 0; i < OV_COUNT_OF(sums); i++)
        add_sum(w, "bytes", sums[i].name, sums[i].sum->bytes);
    for (size_t i = 0; i < OV_COUNT_OF(sums); i++)
        add_sum(w, "segmentCount", sums[i].name, sums[i].sum->segments);
    for (size_t i = 0; i < OV_COUNT_OF(sums); i++)
        add_sum(w, "intervalCount", sums[i].name, sums[i].sum->intervals);
    ov_jsonw_close_object(w);
}

static void unknown_datasource(ov_request *rq)
{
    ov_error err = OV_ERROR_INIT;
    ov_fail(&err, OV_NOT_FOUND, "Unknown DataSource");
    ov_respond_error(rq, OV_ERROR_STATEMENT, (ov_slice){NULL, 0}, &err);
}

/* alone: the object itself, not the list. */
static void respond_status(ov_app *app, ov_request *rq, ov_slice name, bool alone)
{
    ov_error err = OV_ERROR_INIT;
    ov_compaction_status *list;
    uint32_t n;
    ov_buf b;
    ov_jsonw w;
    if (ov_compaction_look(app->catalog, name, ov_request_arena(rq), &list, &n, &err) != OV_OK) {
        ovi_reply_error(rq, &err);
        return;
    }
    if (name.n && n == 0) {
        unknown_datasource(rq);
        return;
    }
    ov_buf_init(&b);
    ov_jsonw_init(&w, &b);
    if (alone) {
        add_status(&w, &list[0]);
        ov_respond_json(rq, &b);
        return;
    }
    ov_jsonw_open_object(&w, NULL);
    ov_jsonw_open_array(&w, "latestStatus");
    for (uint32_t i = 0; i < n; i++)
        add_status(&w, &list[i]);
    ov_jsonw_close_array(&w);
    ov_jsonw_close_object(&w);
    ov_respond_json(rq, &b);
}

void ov_h_compaction_status(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    bool found;
    ov_slice name = ov_request_param(rq, "dataSource", &found);
    respond_status(app, rq, name, false);
}

void ov_h_compaction_status_of(ov_app *app, ov_request *rq, const ov_captures *at)
{
    respond_status(app, rq, at->s[0], true);
}

void ov_h_compaction_progress(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    ov_error err = OV_ERROR_INIT;
    ov_compaction_status *list;
    uint32_t n;
    bool found;
    ov_slice name = ov_request_param(rq, "dataSource", &found);
    if (!found || name.n == 0) {
        ov_respond(rq, 400, "application/json", OV_SLICE_LIT("{\"error\":\"No DataSource specified\"}"));
        return;
    }
    if (ov_compaction_look(app->catalog, name, ov_request_arena(rq), &list, &n, &err) != OV_OK) {
        ovi_reply_error(rq, &err);
        return;
    }
    if (n == 0) {
        unknown_datasource(rq);
        return;
    }
    ovi_reply r;
    ov_jsonw *w = ovi_reply_open(&r);
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_u64(w, "remainingSegmentSize", list[0].awaiting.bytes);
    ov_jsonw_close_object(w);
    ovi_reply_send(rq, 200, &r);
}

/* Look for work now. */
void ov_h_compaction_run(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    ov_upkeep_wake(app->upkeep);
    ovi_reply_nothing(rq, 200);
}

/* ---- history: what was set, and when ---- */

void ov_h_compaction_history(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    ov_buf b, out;
    ov_json *list;
    ov_arena *a = ov_request_arena(rq);
    ov_buf_init(&b);
    ov_buf_init(&out);
    ov_status st = ov_settings_history(app->catalog, OV_COMPACTION_SUBJECT, at->s[0], UINT32_MAX, OV_INTERVAL_ETERNITY, a, &b, &err);
    if (st == OV_OK)
        st = ov_json_parse(ov_buf_slice(&b), NULL, a, &list, &err);
    ov_buf_add_char(&out, '[');
    for (const ov_json *e = st == OV_OK ? list->first : NULL; e; e = e->next) {
        const ov_json *payload = ov_json_find(e, "payload");
        ov_buf_add_str(&out, e == list->first ? "{\"globalConfig\":null,\"compactionConfig\":" : ",{\"globalConfig\":null,\"compactionConfig\":");
        ov_buf_add_slice(&out, payload ? payload->s : OV_SLICE_LIT("null"));
        ov_buf_add_str(&out, ",\"auditInfo\":");
        ov_json_print(ov_json_get(e, "auditInfo"), &out);
        ov_buf_add_str(&out, ",\"auditTime\":");
        ov_json_print(ov_json_get(e, "auditTime"), &out);
        ov_buf_add_char(&out, '}');
    }
    ov_buf_add_char(&out, ']');
    ov_buf_fini(&b);
    ovi_reply_made(rq, st, &out, &err);
}
