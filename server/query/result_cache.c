#include "server/query/result_cache.h"

static void add_state(ov_buf *out, uint64_t version, const ov_lookup_set *lookups)
{
    ov_buf_add(out, &version, sizeof version);
    for (uint32_t i = 0; i < ov_lookup_set_count(lookups); i++) {
        uint64_t serial = ov_lookup_serial(ov_lookup_set_at(lookups, i));
        ov_buf_add(out, &serial, sizeof serial);
    }
}

static uint64_t catalog_version(ov_app *app)
{
    ov_snapshot *snapshot = ov_catalog_snapshot(app->catalog);
    uint64_t version = ov_snapshot_version(snapshot);
    ov_snapshot_release(snapshot);
    return version;
}

/* The state of the data, looked at once for key and ETag. */
static void look(ov_result_use *u, ov_app *app)
{
    if (u->looked)
        return;
    u->looked = true;
    u->version = catalog_version(app);
    u->lookups = ov_lookups_get(app->env.lookups);
}

void ov_result_use_state(ov_result_use *u, ov_app *app, ov_buf *out)
{
    look(u, app);
    add_state(out, u->version, u->lookups);
}

void ov_result_use_begin(ov_result_use *u, ov_app *app, char kind, const ov_json *context)
{
    *u = (ov_result_use){.cache = app->results};
    ov_buf_init(&u->key);
    u->reads = u->cache && !ov_query_context_denies(context, "useCache") && !ov_query_context_denies(context, "useResultLevelCache");
    u->keeps = u->cache && !ov_query_context_denies(context, "populateCache") && !ov_query_context_denies(context, "populateResultLevelCache");
    if (!u->reads && !u->keeps)
        return;
    ov_buf_add_char(&u->key, kind);
    ov_result_use_state(u, app, &u->key);
}

void ov_result_use_end(ov_result_use *u)
{
    ov_lookup_set_release(u->lookups);
    ov_buf_fini(&u->key);
}

void ov_result_use_add(ov_result_use *u, ov_slice text)
{
    if (u->reads || u->keeps)
        ov_key_add(&u->key, text);
}

void ov_result_use_add_context(ov_result_use *u, const ov_json *context)
{
    if (u->reads || u->keeps)
        ov_query_context_key(context, &u->key);
}

ov_blob *ov_result_use_find(ov_result_use *u)
{
    return u->reads && !u->key.failed ? ov_blob_cache_get(u->cache, ov_buf_slice(&u->key)) : NULL;
}

void ov_result_use_keep(ov_result_use *u, const ov_query *q, ov_slice body)
{
    if (u->keeps && !u->key.failed && ov_query_is_repeatable(q) && ov_query_saw(q, u->version, u->lookups))
        ov_blob_cache_put(u->cache, ov_buf_slice(&u->key), body);
}
