/*
 * Who is in the cluster: one process that plays all parts. See also sys.servers.
 */
#include <stdio.h>

#include "base/jsonw.h"
#include "server/endpoints/segment_json.h"
#include "server/handlers.h"
#include "server/http/error_http.h"
#include "server/reply.h"

static const char *const roles[] = {"coordinator", "overlord", "broker", "historical", "indexer", "router"};

static void add_role(ov_jsonw *w, const char *key, const ov_app *app, const char *role)
{
    char service[40];
    snprintf(service, sizeof service, "druid/%s", role);
    ov_jsonw_open_array(w, key);
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_cstr(w, "host", app->host);
    ov_jsonw_cstr(w, "service", service);
    ov_jsonw_i64(w, "plaintextPort", app->port);
    ov_jsonw_close_object(w);
    ov_jsonw_close_array(w);
}

void ov_h_cluster(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    ovi_reply r;
    ov_jsonw *w = ovi_reply_open(&r);
    ov_jsonw_open_object(w, NULL);
    for (size_t i = 0; i < OV_COUNT_OF(roles); i++)
        add_role(w, roles[i], app, roles[i]);
    ov_jsonw_close_object(w);
    ovi_reply_send(rq, 200, &r);
}

void ov_h_cluster_role(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_buf b;
    ov_jsonw w;
    size_t i = 0;
    while (i < OV_COUNT_OF(roles) && !ov_slice_ieq(at->s[0], ov_slice_cstr(roles[i])))
        i++;
    if (i == OV_COUNT_OF(roles)) {
        ovi_reply_nothing(rq, 404);
        return;
    }
    ov_buf_init(&b);
    ov_jsonw_init(&w, &b);
    add_role(&w, NULL, app, roles[i]);
    ov_respond_json(rq, &b);
}

static uint64_t all_bytes(const ov_snapshot *snap)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < ov_snapshot_datasources(snap); i++)
        bytes += ov_snapshot_datasource(snap, i)->bytes;
    return bytes;
}

static void respond_tier_name(ov_request *rq)
{
    ovi_reply_fixed(rq, "[\"_default_tier\"]");
}

/* Names; simple: how much they hold. */
void ov_h_tiers(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    ovi_reply r;
    if (!ovi_has_param(rq, "simple")) {
        respond_tier_name(rq);
        return;
    }
    ov_snapshot *snap = ov_catalog_snapshot(app->catalog);
    ov_jsonw *w = ovi_reply_open(&r);
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_open_object(w, "_default_tier");
    ov_jsonw_u64(w, "currSize", all_bytes(snap));
    ov_jsonw_u64(w, "maxSize", INT64_MAX);
    ov_jsonw_close_object(w);
    ov_jsonw_close_object(w);
    ov_snapshot_release(snap);
    ovi_reply_send(rq, 200, &r);
}

void ov_h_datasource_tiers(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_snapshot *snap = ov_catalog_snapshot(app->catalog);
    bool known = ov_snapshot_find(snap, at->s[0]) != NULL;
    ov_snapshot_release(snap);
    if (known)
        respond_tier_name(rq);
    else
        ovi_reply_nothing(rq, 204);
}

/* ---- servers that hold data ---- */

static void add_segments(ov_jsonw *w, const char *key, const ov_snapshot *snap)
{
    ov_jsonw_open_object(w, key);
    for (uint32_t d = 0; d < ov_snapshot_datasources(snap); d++) {
        const ov_datasource *ds = ov_snapshot_datasource(snap, d);
        for (uint32_t i = 0; i < ds->segment_count; i++) {
            ov_jsonw_key(w, ds->segments[i]->id);
            ovi_segment_json(w, NULL, ds->segments[i], false);
        }
    }
    ov_jsonw_close_object(w);
}

/* The part that reads segments holds them all; the part that writes them none. */
static void add_server(ov_jsonw *w, const ov_app *app, const ov_snapshot *snap, bool holds, bool full)
{
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_cstr(w, "host", app->address);
    ov_jsonw_cstr(w, "tier", "_default_tier");
    ov_jsonw_cstr(w, "type", holds ? "historical" : "indexer-executor");
    ov_jsonw_i64(w, "priority", 0);
    ov_jsonw_u64(w, "currSize", holds ? all_bytes(snap) : 0);
    ov_jsonw_u64(w, "maxSize", holds ? INT64_MAX : 0);
    if (full && holds)
        add_segments(w, "segments", snap);
    else if (full)
        ov_jsonw_raw(w, "segments", OV_SLICE_LIT("{}"));
    ov_jsonw_close_object(w);
}

void ov_h_servers(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    ovi_reply r;
    ov_jsonw *w = ovi_reply_open(&r);
    bool full = ovi_has_param(rq, "full"), simple = ovi_has_param(rq, "simple");
    ov_snapshot *snap = ov_catalog_snapshot(app->catalog);
    ov_jsonw_open_array(w, NULL);
    for (int holds = 0; holds < 2 && (full || simple); holds++)
        add_server(w, app, snap, holds, full);
    if (!full && !simple)
        ov_jsonw_cstr(w, NULL, app->address);
    ov_jsonw_close_array(w);
    ov_snapshot_release(snap);
    ovi_reply_send(rq, 200, &r);
}

static bool is_me(const ov_app *app, ov_slice name)
{
    return ov_slice_eq(name, ov_slice_cstr(app->address));
}

void ov_h_server(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_buf b;
    ov_jsonw w;
    if (!is_me(app, at->s[0])) {
        ovi_reply_nothing(rq, 404);
        return;
    }
    ov_buf_init(&b);
    ov_jsonw_init(&w, &b);
    ov_snapshot *snap = ov_catalog_snapshot(app->catalog);
    add_server(&w, app, snap, true, !ovi_has_param(rq, "simple"));
    ov_snapshot_release(snap);
    ov_respond_json(rq, &b);
}

void ov_h_server_segments(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_buf b;
    ov_jsonw w;
    if (!is_me(app, at->s[0])) {
        ovi_reply_nothing(rq, 404);
        return;
    }
    ov_buf_init(&b);
    ov_jsonw_init(&w, &b);
    bool full = ovi_has_param(rq, "full");
    ov_snapshot *snap = ov_catalog_snapshot(app->catalog);
    ov_jsonw_open_array(&w, NULL);
    for (uint32_t d = 0; d < ov_snapshot_datasources(snap); d++) {
        const ov_datasource *ds = ov_snapshot_datasource(snap, d);
        for (uint32_t i = 0; i < ds->segment_count; i++) {
            if (full)
                ovi_segment_json(&w, NULL, ds->segments[i], false);
            else
                ov_jsonw_str(&w, NULL, ds->segments[i]->id);
        }
    }
    ov_jsonw_close_array(&w);
    ov_snapshot_release(snap);
    ov_respond_json(rq, &b);
}
