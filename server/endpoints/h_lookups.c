/*
 * /druid/coordinator/v1/lookups and /druid/v1/lookups: what is asked for, what is there, what is in it.
 */
#include "base/jsonw.h"
#include "server/http/error_http.h"
#include "server/handlers.h"
#include "server/reply.h"
#include "server/endpoints/lookups.h"

#define DEFAULT_TIER "__default"
enum { ACCEPTED = 202 };

static void fail(ov_request *rq, ov_error *err)
{
    ov_respond_error(rq, OV_ERROR_TASK, (ov_slice){NULL, 0}, err);
}

static void not_found(ov_request *rq, const char *sentence)
{
    ov_buf text;
    ov_jsonw w;
    ov_buf_init(&text);
    ov_jsonw_init(&w, &text);
    ov_jsonw_open_object(&w, NULL);
    ov_jsonw_cstr(&w, "error", sentence);
    ov_jsonw_close_object(&w);
    ov_respond(rq, 404, "application/json", text.failed ? (ov_slice){NULL, 0} : ov_buf_slice(&text));
    ov_buf_fini(&text);
}

/* The configuration; false when the request was answered with a failure. */
static bool config_of(ov_app *app, ov_request *rq, ov_json **out)
{
    ov_error err = OV_ERROR_INIT;
    if (ov_lookup_store_config(app->lookups, ov_request_arena(rq), out, &err) == OV_OK)
        return true;
    fail(rq, &err);
    return false;
}

static void respond_value(ov_request *rq, const ov_json *v, int status)
{
    ov_buf text;
    ov_error err = OV_ERROR_INIT;
    ov_buf_init(&text);
    ov_json_print(v, &text);
    if (ov_buf_check(&text, &err) != OV_OK)
        fail(rq, &err);
    else
        ov_respond(rq, status, "application/json", ov_buf_slice(&text));
    ov_buf_fini(&text);
}

static void respond_names(ov_request *rq, const ov_json *object)
{
    ovi_reply r;
    ov_jsonw *w = ovi_reply_open(&r);
    ov_jsonw_open_array(w, NULL);
    for (const ov_json *v = object ? object->first : NULL; v; v = v->next)
        ov_jsonw_str(w, NULL, v->key);
    ov_jsonw_close_array(w);
    ovi_reply_send(rq, 200, &r);
}

static const ov_json *member(const ov_json *object, ov_slice key)
{
    for (const ov_json *v = object ? object->first : NULL; v; v = v->next)
        if (ov_slice_eq(v->key, key))
            return v;
    return NULL;
}

/* ---- what is asked for ---- */

void ov_h_lookup_tiers(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    ov_json *config;
    bool discover;
    ov_request_param(rq, "discover", &discover);
    if (!config_of(app, rq, &config))
        return;
    if (discover && config->count == 0)
        ov_respond(rq, 200, "application/json", OV_SLICE_LIT("[\"" DEFAULT_TIER "\"]"));
    else if (config->count == 0)
        not_found(rq, "No lookups found");
    else
        respond_names(rq, config);
}

void ov_h_lookup_all(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    ov_json *config;
    if (!config_of(app, rq, &config))
        return;
    if (config->count == 0)
        not_found(rq, "No lookups found");
    else
        respond_value(rq, config, 200);
}

void ov_h_lookup_tier(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_json *config;
    bool detailed;
    ov_request_param(rq, "detailed", &detailed);
    if (!config_of(app, rq, &config))
        return;
    const ov_json *tier = member(config, at->s[0]);
    if (!tier)
        not_found(rq, "Tier not found");
    else if (detailed)
        respond_value(rq, tier, 200);
    else
        respond_names(rq, tier);
}

void ov_h_lookup_get(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_json *config;
    if (!config_of(app, rq, &config))
        return;
    const ov_json *spec = member(member(config, at->s[0]), at->s[1]);
    if (spec)
        respond_value(rq, spec, 200);
    else
        not_found(rq, "Lookup not found");
}

/* ---- changes ---- */

/* The body; NULL when the request was answered with a failure. */
static ov_json *body_of(ov_request *rq)
{
    ov_json *body;
    ov_error err = OV_ERROR_INIT;
    ov_status st = ov_json_parse(ov_request_body(rq), NULL, ov_request_arena(rq), &body, &err);
    if (st == OV_OK)
        st = ov_json_expect(body, OV_JSON_OBJECT, &err);
    if (st == OV_OK)
        return body;
    fail(rq, &err);
    return NULL;
}

/* {tier: {name: spec}} */
void ov_h_lookup_post_all(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    ov_error err = OV_ERROR_INIT;
    ov_json *body = body_of(rq);
    if (!body)
        return;
    if (ov_lookup_store_put_all(app->lookups, body, &err) == OV_OK)
        respond_value(rq, body, ACCEPTED);
    else
        fail(rq, &err);
}

void ov_h_lookup_post(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    ov_json *body = body_of(rq);
    if (!body)
        return;
    if (ov_lookup_store_put(app->lookups, at->s[0], at->s[1], body, &err) == OV_OK)
        respond_value(rq, body, ACCEPTED);
    else
        fail(rq, &err);
}

static void drop(ov_app *app, ov_request *rq, ov_slice tier, ov_slice name)
{
    ov_error err = OV_ERROR_INIT;
    bool found;
    if (ov_lookup_store_drop(app->lookups, tier, name, &found, &err) != OV_OK)
        fail(rq, &err);
    else if (found)
        ov_respond(rq, ACCEPTED, NULL, (ov_slice){NULL, 0});
    else
        not_found(rq, "Lookup not found");
}

void ov_h_lookup_delete(ov_app *app, ov_request *rq, const ov_captures *at)
{
    drop(app, rq, at->s[0], at->s[1]);
}

void ov_h_lookup_delete_tier(ov_app *app, ov_request *rq, const ov_captures *at)
{
    drop(app, rq, at->s[0], (ov_slice){NULL, 0});
}

/* ---- what is there ---- */

/* The parameter `detailed`, absent: dflt. */
static bool is_detailed(ov_request *rq, bool dflt)
{
    bool given;
    ov_slice text = ov_request_param(rq, "detailed", &given);
    return given ? !ov_slice_ieq(text, OV_SLICE_LIT("false")) : dflt;
}

/* No node waits: one that has it not could not read it. */
static void add_state(ov_jsonw *w, const ov_lookup_set *set, ov_slice name, bool detailed)
{
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_bool(w, "loaded", ov_lookup_set_find(set, name) != NULL);
    if (detailed) {
        ov_jsonw_open_array(w, "pendingNodes");
        ov_jsonw_close_array(w);
    }
    ov_jsonw_close_object(w);
}

static void add_states(ov_jsonw *w, const ov_lookup_set *set, const ov_json *tier, bool detailed)
{
    ov_jsonw_open_object(w, NULL);
    for (const ov_json *v = tier->first; v; v = v->next) {
        ov_jsonw_key(w, v->key);
        add_state(w, set, v->key, detailed);
    }
    ov_jsonw_close_object(w);
}

/* Of all tiers, of a tier, of a lookup of it. */
void ov_h_lookup_status(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_json *config;
    ov_buf text;
    ov_jsonw w;
    bool detailed = is_detailed(rq, false);
    if (!config_of(app, rq, &config))
        return;
    const ov_json *tier = at->n > 0 ? member(config, at->s[0]) : NULL;
    if (at->n > 0 && !tier) {
        not_found(rq, "No lookups found for that tier");
        return;
    }
    if (at->n > 1 && !member(tier, at->s[1])) {
        not_found(rq, "Lookup not found");
        return;
    }
    ov_lookup_set *set = ov_lookups_get(app->env.lookups);
    ov_buf_init(&text);
    ov_jsonw_init(&w, &text);
    if (at->n > 1) {
        add_state(&w, set, at->s[1], detailed);
    } else if (at->n > 0) {
        add_states(&w, set, tier, detailed);
    } else {
        ov_jsonw_open_object(&w, NULL);
        for (const ov_json *t = config->first; t; t = t->next) {
            ov_jsonw_key(&w, t->key);
            add_states(&w, set, t, detailed);
        }
        ov_jsonw_close_object(&w);
    }
    ov_lookup_set_release(set);
    ov_respond_json(rq, &text);
}

/* {"current", "toLoad", "toDrop"} of the only node, which has the tier's lookups, whole or by their versions. */
static void add_node(ov_jsonw *w, const ov_json *tier, bool detailed)
{
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_open_object(w, "current");
    for (const ov_json *v = tier ? tier->first : NULL; v; v = v->next) {
        ov_jsonw_key(w, v->key);
        ov_json_print(detailed ? v : ov_json_get(v, "version"), w->out);
        w->comma = true;
    }
    ov_jsonw_close_object(w);
    ov_jsonw_open_object(w, "toLoad");
    ov_jsonw_close_object(w);
    ov_jsonw_open_array(w, "toDrop");
    ov_jsonw_close_array(w);
    ov_jsonw_close_object(w);
}

static void add_nodes(ov_jsonw *w, const ov_app *app, const ov_json *tier, bool detailed)
{
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_key(w, ov_slice_cstr(app->address));
    add_node(w, tier, detailed);
    ov_jsonw_close_object(w);
}

/* Of all tiers, of a tier, of a node of it. */
void ov_h_lookup_nodes(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_json *config;
    ov_buf text;
    ov_jsonw w;
    bool detailed = is_detailed(rq, true);
    if (!config_of(app, rq, &config))
        return;
    if (at->n > 1 && !ov_slice_eq(at->s[1], ov_slice_cstr(app->address))) {
        not_found(rq, "There is no such node");
        return;
    }
    ov_buf_init(&text);
    ov_jsonw_init(&w, &text);
    if (at->n > 1) {
        add_node(&w, member(config, at->s[0]), true);
    } else if (at->n > 0) {
        add_nodes(&w, app, member(config, at->s[0]), true);
    } else {
        ov_jsonw_open_object(&w, NULL);
        for (const ov_json *t = config->first; t; t = t->next) {
            ov_jsonw_key(&w, t->key);
            add_nodes(&w, app, t, detailed);
        }
        ov_jsonw_close_object(&w);
    }
    ov_respond_json(rq, &text);
}

/* ---- what is in it ---- */

/* The map of the name, with its set retained; NULL when the request was answered: there is none. */
static const ov_lookup *map_of(ov_app *app, ov_request *rq, ov_slice name, ov_lookup_set **set)
{
    *set = ov_lookups_get(app->env.lookups);
    const ov_lookup *map = ov_lookup_set_find(*set, name);
    if (map)
        return map;
    ov_lookup_set_release(*set);
    not_found(rq, "lookup not found");
    return NULL;
}

void ov_h_lookup_entries(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_lookup_set *set;
    ov_buf text;
    ov_jsonw w;
    const ov_lookup *map = map_of(app, rq, at->s[0], &set);
    if (!map)
        return;
    ov_buf_init(&text);
    ov_jsonw_init(&w, &text);
    ov_jsonw_open_object(&w, NULL);
    for (uint32_t i = 0; i < ov_lookup_count(map); i++) {
        ov_slice key, value;
        ov_lookup_entry(map, i, &key, &value);
        ov_jsonw_key(&w, key);
        ov_jsonw_str(&w, NULL, value);
    }
    ov_jsonw_close_object(&w);
    ov_lookup_set_release(set);
    ov_respond_json(rq, &text);
}

static void respond_column(ov_app *app, ov_request *rq, const ov_captures *at, bool keys)
{
    ov_lookup_set *set;
    ov_buf text;
    ov_jsonw w;
    const ov_lookup *map = map_of(app, rq, at->s[0], &set);
    if (!map)
        return;
    ov_buf_init(&text);
    ov_jsonw_init(&w, &text);
    ov_jsonw_open_array(&w, NULL);
    for (uint32_t i = 0; i < ov_lookup_count(map); i++) {
        ov_slice key, value;
        ov_lookup_entry(map, i, &key, &value);
        ov_jsonw_str(&w, NULL, keys ? key : value);
    }
    ov_jsonw_close_array(&w);
    ov_lookup_set_release(set);
    ov_respond_json(rq, &text);
}

void ov_h_lookup_keys(ov_app *app, ov_request *rq, const ov_captures *at)
{
    respond_column(app, rq, at, true);
}

void ov_h_lookup_values(ov_app *app, ov_request *rq, const ov_captures *at)
{
    respond_column(app, rq, at, false);
}

void ov_h_lookup_version(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_lookup_set *set;
    ov_buf text;
    ov_jsonw w;
    const ov_lookup *map = map_of(app, rq, at->s[0], &set);
    if (!map)
        return;
    ov_buf_init(&text);
    ov_jsonw_init(&w, &text);
    ov_jsonw_open_object(&w, NULL);
    ov_jsonw_str(&w, "version", ov_lookup_version(map));
    ov_jsonw_close_object(&w);
    ov_lookup_set_release(set);
    ov_respond_json(rq, &text);
}
