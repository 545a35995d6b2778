/* Retention rules as they are set and shown; ingest/upkeep/retention.c enforces them. */
#include "base/datetime.h"
#include "base/json.h"
#include "base/jsonw.h"
#include "base/log.h"
#include "base/os.h"
#include "ingest/upkeep/rules.h"
#include "ingest/upkeep/settings.h"
#include "ingest/upkeep/upkeep.h"
#include "server/handlers.h"
#include "server/http/error_http.h"
#include "server/reply.h"

#define SUBJECT OV_RULES_SUBJECT
#define DEFAULT_NAME OV_RULES_DEFAULT
#define DEFAULT_RULES OV_RULES_DEFAULT_JSON

enum { DEFAULT_HISTORY = 25 };

static void add_rules(ov_jsonw *w, const ov_json *rules, const char *none)
{
    ov_buf text;
    ov_buf_init(&text);
    if (rules)
        ov_json_print(rules, &text);
    else
        ov_buf_add_str(&text, none);
    ov_jsonw_raw(w, NULL, ov_buf_slice(&text));
    ov_buf_fini(&text);
}

static const ov_json *rules_of(const ov_settings *s, ov_slice name)
{
    for (const ov_json *v = s->object->first; v; v = v->next)
        if (ov_slice_eq(v->key, name))
            return v;
    return NULL;
}

void ov_h_rules(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    ov_error err = OV_ERROR_INIT;
    ov_settings s;
    ov_buf b;
    ov_jsonw w;
    if (ov_settings_read(app->catalog, SUBJECT, ov_request_arena(rq), &s, &err) != OV_OK) {
        ovi_reply_error(rq, &err);
        return;
    }
    ov_buf_init(&b);
    ov_jsonw_init(&w, &b);
    ov_jsonw_open_object(&w, NULL);
    ov_jsonw_key(&w, OV_SLICE_LIT(DEFAULT_NAME));
    add_rules(&w, rules_of(&s, OV_SLICE_LIT(DEFAULT_NAME)), DEFAULT_RULES);
    for (const ov_json *v = s.object->first; v; v = v->next) {
        if (ov_slice_eq(v->key, OV_SLICE_LIT(DEFAULT_NAME)))
            continue;
        ov_jsonw_key(&w, v->key);
        add_rules(&w, v, "[]");
    }
    ov_jsonw_close_object(&w);
    ov_respond_json(rq, &b);
}

/* full: followed by the rules of all. */
void ov_h_rules_of(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    ov_settings s;
    ov_json *all = NULL;
    ov_arena *a = ov_request_arena(rq);
    ov_status st = ov_settings_read(app->catalog, SUBJECT, a, &s, &err);
    bool is_default = ov_slice_eq(at->s[0], OV_SLICE_LIT(DEFAULT_NAME));
    const ov_json *own = st == OV_OK && !is_default ? rules_of(&s, at->s[0]) : NULL;
    const ov_json *shared = st == OV_OK ? rules_of(&s, OV_SLICE_LIT(DEFAULT_NAME)) : NULL;
    if (st == OV_OK && !shared) {
        st = ov_json_parse(OV_SLICE_LIT(DEFAULT_RULES), NULL, a, &all, &err);
        shared = all;
    }
    if (st != OV_OK) {
        ovi_reply_error(rq, &err);
        return;
    }
    ovi_reply reply;
    ov_jsonw *w = ovi_reply_open(&reply);
    ov_jsonw_open_array(w, NULL);
    for (const ov_json *r = own ? own->first : NULL; r; r = r->next)
        add_rules(w, r, "");
    for (const ov_json *r = is_default || ovi_has_param(rq, "full") ? shared->first : NULL; r; r = r->next)
        add_rules(w, r, "");
    ov_jsonw_close_array(w);
    ovi_reply_send(rq, 200, &reply);
}

/* ---- setting them ---- */

static ov_status set_rules(ov_app *app, ov_request *rq, ov_slice name, ov_error *err)
{
    ov_arena *a = ov_request_arena(rq);
    ov_settings s;
    ov_json *rules;
    ov_rule *read;
    uint32_t count;
    ov_slice key;
    OV_TRY(ov_json_parse(ov_request_body(rq), NULL, a, &rules, err));
    OV_TRY(ov_rules_read(rules, a, &read, &count, err));
    OV_TRY(ov_rules_check(rules, read, count, ov_now_ms(), err));
    OV_TRY(ov_settings_read(app->catalog, SUBJECT, a, &s, err));
    OV_TRY(ov_arena_copy(a, name, &key, err));
    OV_TRY(ov_json_set(a, s.object, key.p, rules, err));
    return ovi_settings_save(app, rq, SUBJECT, name, ov_request_body(rq), &s, err);
}

void ov_h_rules_set(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    if (set_rules(app, rq, at->s[0], &err) != OV_OK) {
        ovi_reply_error(rq, &err);
        return;
    }
    ov_log_info("rules set", ov_kv_slice("datasource", at->s[0]));
    ov_upkeep_wake(app->upkeep);
    ovi_reply_nothing(rq, 200);
}

/* ---- history, of this subject and of others ---- */

static void respond_history(ov_app *app, ov_request *rq, const char *subject, ov_slice key)
{
    ov_error err = OV_ERROR_INIT;
    ov_interval within = OV_INTERVAL_ETERNITY;
    uint32_t count = DEFAULT_HISTORY;
    ov_buf b;
    bool found;
    ov_buf_init(&b);
    ov_slice text = ov_request_param(rq, "interval", &found);
    if (found)
        count = UINT32_MAX;
    ov_status st = found ? ovi_url_interval(rq, text, &within, &err) : OV_OK;
    if (st == OV_OK)
        st = ovi_number_param(rq, "count", &count, &err);
    if (st == OV_OK)
        st = ov_settings_history(app->catalog, subject, key, count, within, ov_request_arena(rq), &b, &err);
    ovi_reply_made(rq, st, &b, &err);
}

void ov_h_rules_history(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    respond_history(app, rq, SUBJECT, (ov_slice){NULL, 0});
}

void ov_h_rules_history_of(ov_app *app, ov_request *rq, const ov_captures *at)
{
    respond_history(app, rq, SUBJECT, at->s[0]);
}

void ov_h_config_history(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    respond_history(app, rq, "coordinator.config", (ov_slice){NULL, 0});
}

void ov_h_upkeep_history(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    respond_history(app, rq, OV_UPKEEP_SUBJECT, (ov_slice){NULL, 0});
}
