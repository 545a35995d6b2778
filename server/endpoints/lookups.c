#include "server/endpoints/lookups.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/os.h"
#include "base/ticker.h"
#include "server/endpoints/lookup_load.h"

#define CONFIG_KEY OV_SLICE_LIT("lookups") /* of the catalog's cursors */
enum { TICK_MS = 1000, RETRY_MS = 60 * 1000 };

/* When a lookup is due again. */
typedef struct due {
    ov_slice name; /* in the config's arena */
    int64_t at_ms; /* monotonic; 0: never */
} due;

struct ov_lookup_store {
    ov_query_env *env;
    ov_mutex changing; /* one change at a time; held while a map is read */
    ov_mutex lock;     /* of what follows */
    ov_arena arena;
    ov_json *config;
    due *dues;
    uint32_t due_count;
    ov_ticker ticker;
};

/* ---- the configuration ---- */

/* The config becomes `text`; dues are made anew. Under both locks. */
static OV_CHECKED ov_status install(ov_lookup_store *s, ov_slice text, ov_error *err)
{
    ov_arena a;
    ov_json *config;
    due *dues;
    uint32_t n = 0;
    ov_arena_init(&a, "lookups", NULL);
    ov_status st = ov_json_parse(text, NULL, &a, &config, err);
    for (const ov_json *tier = st == OV_OK ? config->first : NULL; tier; tier = tier->next)
        n += tier->count;
    if (st == OV_OK)
        st = ov_arena_zalloc(&a, (n + (size_t)1) * sizeof *dues, &dues, err);
    if (st != OV_OK) {
        ov_arena_fini(&a);
        return st;
    }
    n = 0;
    for (const ov_json *tier = config->first; tier; tier = tier->next)
        for (const ov_json *v = tier->first; v; v = v->next) {
            int64_t poll = 0;
            ov_error ignored = OV_ERROR_INIT; /* it was read before it was kept */
            if (ov_lookup_poll_ms(ov_json_find(v, "lookupExtractorFactory"), &poll, &ignored) !=
                OV_OK)
                poll = 0;
            dues[n++] = (due){v->key, poll ? ov_monotonic_ms() + poll : 0};
        }
    ov_arena_fini(&s->arena);
    s->arena = a;
    s->config = config;
    s->dues = dues;
    s->due_count = n;
    return OV_OK;
}

/* Keeps the config in the catalog, then makes it the current one. */
static OV_CHECKED ov_status keep(ov_lookup_store *s, const ov_json *config, ov_error *err)
{
    ov_buf text;
    ov_arena a;
    ov_buf_init(&text);
    ov_arena_init(&a, "lookups", NULL);
    ov_json_print(config, &text);
    ov_status st = ov_buf_check(&text, err);
    ov_slice key = CONFIG_KEY, value = ov_buf_slice(&text);
    ov_commit commit = {.task_id = OV_SLICE_LIT("lookups"),
                        .cursor_keys = &key,
                        .cursor_values = &value,
                        .cursor_count = 1};
    if (st == OV_OK)
        st = ov_catalog_commit(s->env->catalog, &commit, &a, err);
    if (st == OV_OK) {
        ov_mutex_lock(&s->lock);
        st = install(s, value, err);
        ov_mutex_unlock(&s->lock);
    }
    ov_arena_fini(&a);
    ov_buf_fini(&text);
    return st;
}

ov_status ov_lookup_store_config(ov_lookup_store *s, ov_arena *a, ov_json **out, ov_error *err)
{
    ov_mutex_lock(&s->lock);
    ov_status st = ov_json_copy(a, s->config, out, err);
    ov_mutex_unlock(&s->lock);
    return st;
}

/* ---- reading maps ---- */

static OV_CHECKED ov_status load_map(ov_lookup_store *s, ov_slice name, const ov_json *spec, ov_lookup **out, ov_error *err)
{
    ov_slice version;
    const ov_json *factory;
    int64_t poll;
    OV_TRY(ov_json_str(spec, "version", OV_SLICE_LIT(""), &version, err));
    OV_TRY(ov_json_need_obj(spec, "lookupExtractorFactory", &factory, err));
    OV_TRY(ov_lookup_poll_ms(factory, &poll, err));
    return ov_lookup_load(s->env, name, version, factory, out, err);
}

static OV_CHECKED ov_status read_map(ov_lookup_store *s, ov_slice name, const ov_json *spec,
                                     ov_error *err)
{
    ov_lookup *map;
    OV_TRY(load_map(s, name, spec, &map, err));
    ov_status st = ov_lookups_put(s->env->lookups, map, err);
    ov_lookup_release(map);
    return st;
}

static void set_due(ov_lookup_store *s, ov_slice name, int64_t at)
{
    ov_mutex_lock(&s->lock);
    for (uint32_t i = 0; i < s->due_count; i++)
        if (ov_slice_eq(s->dues[i].name, name))
            s->dues[i].at_ms = at;
    ov_mutex_unlock(&s->lock);
}

/* Reads a lookup that is kept; what fails is logged and tried again. */
static void refresh(ov_lookup_store *s, ov_slice name, const ov_json *spec)
{
    ov_error err = OV_ERROR_INIT;
    int64_t poll = 0;
    ov_status st = read_map(s, name, spec, &err);
    if (st != OV_OK)
        ov_log_warn("a lookup could not be read; it is tried again in a minute",
                    ov_kv_str("error", err.text));
    else if (ov_lookup_poll_ms(ov_json_find(spec, "lookupExtractorFactory"), &poll, &err) != OV_OK)
        poll = 0;
    set_due(s, name, st != OV_OK ? ov_monotonic_ms() + RETRY_MS : poll ? ov_monotonic_ms() + poll : 0);
}

static bool is_due(ov_lookup_store *s, ov_slice name)
{
    bool due_now = false;
    ov_mutex_lock(&s->lock);
    for (uint32_t i = 0; i < s->due_count && !due_now; i++)
        due_now =
            ov_slice_eq(s->dues[i].name, name) && s->dues[i].at_ms && s->dues[i].at_ms <= ov_monotonic_ms();
    ov_mutex_unlock(&s->lock);
    return due_now;
}

/* all: whether due or not. */
static void refresh_due(ov_lookup_store *s, bool all)
{
    ov_arena a;
    ov_json *config;
    ov_error err = OV_ERROR_INIT;
    ov_arena_init(&a, "lookups", NULL);
    ov_mutex_lock(&s->changing);
    if (ov_lookup_store_config(s, &a, &config, &err) != OV_OK)
        ov_log_warn("lookups could not be listed", ov_kv_err(&err));
    else
        for (const ov_json *tier = config->first; tier; tier = tier->next)
            for (const ov_json *v = tier->first; v; v = v->next)
                if (all || is_due(s, v->key))
                    refresh(s, v->key, v);
    ov_mutex_unlock(&s->changing);
    ov_arena_fini(&a);
}

static void poll_lookups(void *arg, bool asked)
{
    ov_lookup_store *s = arg;
    bool any = false;
    (void)asked;
    ov_mutex_lock(&s->lock);
    for (uint32_t i = 0; i < s->due_count; i++)
        any |= s->dues[i].at_ms != 0 && s->dues[i].at_ms <= ov_monotonic_ms();
    ov_mutex_unlock(&s->lock);
    if (any)
        refresh_due(s, false);
}

/* ---- life ---- */

static OV_CHECKED ov_status open_store(ov_lookup_store *s, ov_error *err)
{
    ov_arena a;
    ov_slice text;
    ov_arena_init(&a, "lookups", NULL);
    ov_status st = ov_lookups_create(&s->env->lookups, err);
    if (st == OV_OK)
        st = ov_catalog_cursor_get(s->env->catalog, CONFIG_KEY, &a, &text, err);
    if (st == OV_OK)
        st = install(s, text.n ? text : OV_SLICE_LIT("{}"), err);
    ov_arena_fini(&a);
    OV_TRY(st);
    refresh_due(s, true);
    return ov_ticker_start(&s->ticker, "ov-lookups", TICK_MS, poll_lookups, s, err);
}

ov_status ov_lookup_store_open(ov_query_env *env, ov_lookup_store **out, ov_error *err)
{
    ov_lookup_store *s = ov_calloc(1, sizeof *s);
    if (!s)
        return ov_fail_nomem(err, sizeof *s);
    s->env = env;
    ov_mutex_init(&s->changing);
    ov_mutex_init(&s->lock);
    ov_arena_init(&s->arena, "lookups", NULL);
    ov_status st = open_store(s, err);
    if (st != OV_OK) {
        ov_lookup_store_close(s);
        return st;
    }
    *out = s;
    return OV_OK;
}

void ov_lookup_store_close(ov_lookup_store *s)
{
    if (!s)
        return;
    ov_ticker_stop(&s->ticker);
    ov_lookups_destroy(s->env->lookups);
    s->env->lookups = NULL;
    ov_mutex_fini(&s->lock);
    ov_mutex_fini(&s->changing);
    ov_arena_fini(&s->arena);
    ov_free(s);
}

/* ---- changes ---- */

static OV_CHECKED ov_status check_place(const ov_json *config, ov_slice tier, ov_slice name,
                                        const ov_json *spec, ov_error *err)
{
    ov_slice version, before;
    OV_TRY(ov_json_str(spec, "version", OV_SLICE_LIT(""), &version, err));
    for (const ov_json *t = config->first; t; t = t->next)
        for (const ov_json *v = t->first; v; v = v->next) {
            if (!ov_slice_eq(v->key, name))
                continue;
            if (!ov_slice_eq(t->key, tier))
                return ov_fail(err, OV_INVALID,
                               "tier '" OV_SLICE_FMT
                               "' has a lookup of that name; one server holds all tiers",
                               OV_SLICE_ARG(t->key));
            OV_TRY(ov_json_str(v, "version", OV_SLICE_LIT(""), &before, err));
            if (ov_slice_cmp(version, before) <= 0)
                return ov_fail(err, OV_INVALID,
                               "version '" OV_SLICE_FMT "' of lookup '" OV_SLICE_FMT
                               "' does not come after '" OV_SLICE_FMT "', which is there",
                               OV_SLICE_ARG(version), OV_SLICE_ARG(name), OV_SLICE_ARG(before));
        }
    return OV_OK;
}

/* config[tier][name] = spec */
static OV_CHECKED ov_status set_spec(ov_json *config, ov_slice tier, ov_slice name,
                                     const ov_json *spec, ov_arena *a, ov_error *err)
{
    ov_slice tier_key, name_key;
    ov_json *copy, *place = NULL;
    OV_TRY(ov_arena_copy(a, tier, &tier_key, err));
    OV_TRY(ov_arena_copy(a, name, &name_key, err));
    OV_TRY(ov_json_copy(a, spec, &copy, err));
    for (ov_json *t = config->first; t; t = t->next)
        if (ov_slice_eq(t->key, tier))
            place = t;
    if (!place) {
        OV_TRY(ov_json_new(a, OV_JSON_OBJECT, &place, err));
        OV_TRY(ov_json_set(a, config, tier_key.p, place, err));
    }
    return ov_json_set(a, place, name_key.p, copy, err);
}

/* Into the config, and its map read. */
static OV_CHECKED ov_status add_spec(ov_lookup_store *s, ov_json *config, ov_slice tier, ov_slice name,
                                     const ov_json *spec, ov_lookup **map, ov_arena *a, ov_error *err)
{
    OV_TRY(ov_json_expect(spec, OV_JSON_OBJECT, err));
    if (name.n == 0 || memchr(name.p, 0, name.n) || memchr(name.p, '/', name.n))
        return ov_fail(err, OV_INVALID, "a lookup needs a name without '/'");
    OV_TRY(check_place(config, tier, name, spec, err));
    OV_TRY(set_spec(config, tier, name, spec, a, err));
    return load_map(s, name, spec, map, err);
}

static OV_CHECKED ov_status put_locked(ov_lookup_store *s, ov_slice tier, ov_slice name,
                                       const ov_json *spec, ov_arena *a, ov_error *err)
{
    ov_json *config;
    ov_lookup *map;
    OV_TRY(ov_lookup_store_config(s, a, &config, err));
    OV_TRY(add_spec(s, config, tier, name, spec, &map, a, err));
    ov_status st = keep(s, config, err);
    if (st == OV_OK)
        st = ov_lookups_put(s->env->lookups, map, err);
    ov_lookup_release(map);
    return st;
}

ov_status ov_lookup_store_put(ov_lookup_store *s, ov_slice tier, ov_slice name, const ov_json *spec,
                              ov_error *err)
{
    ov_arena a;
    ov_arena_init(&a, "lookups", NULL);
    ov_mutex_lock(&s->changing);
    ov_status st = put_locked(s, tier, name, spec, &a, err);
    ov_mutex_unlock(&s->changing);
    ov_arena_fini(&a);
    return st;
}

static OV_CHECKED ov_status put_all_locked(ov_lookup_store *s, const ov_json *tiers, ov_arena *a, ov_error *err)
{
    ov_json *config;
    ov_lookup **maps;
    uint32_t n = 0, room = 0;
    for (const ov_json *t = tiers->first; t; t = t->next) {
        OV_TRY(ov_json_expect(t, OV_JSON_OBJECT, err));
        room += t->count;
    }
    OV_TRY(ov_lookup_store_config(s, a, &config, err));
    OV_TRY(ov_arena_alloc(a, (room + (size_t)1) * sizeof *maps, &maps, err));
    ov_status st = OV_OK;
    for (const ov_json *t = tiers->first; t && st == OV_OK; t = t->next)
        for (const ov_json *v = t->first; v && st == OV_OK; v = v->next) {
            st = add_spec(s, config, t->key, v->key, v, &maps[n], a, err);
            n += st == OV_OK;
        }
    if (st == OV_OK && n)
        st = keep(s, config, err);
    if (st == OV_OK && n)
        st = ov_lookups_put_all(s->env->lookups, maps, n, err);
    for (uint32_t i = 0; i < n; i++)
        ov_lookup_release(maps[i]);
    return st;
}

ov_status ov_lookup_store_put_all(ov_lookup_store *s, const ov_json *tiers, ov_error *err)
{
    ov_arena a;
    ov_arena_init(&a, "lookups", NULL);
    ov_mutex_lock(&s->changing);
    ov_status st = put_all_locked(s, tiers, &a, err);
    ov_mutex_unlock(&s->changing);
    ov_arena_fini(&a);
    return st;
}

/* The config without what is dropped; those maps go. */
static OV_CHECKED ov_status drop_locked(ov_lookup_store *s, ov_slice tier, ov_slice name,
                                        bool *found, ov_arena *a, ov_error *err)
{
    ov_json *config, *left;
    OV_TRY(ov_lookup_store_config(s, a, &config, err));
    OV_TRY(ov_json_new(a, OV_JSON_OBJECT, &left, err));
    *found = false;
    for (const ov_json *t = config->first; t; t = t->next)
        for (const ov_json *v = t->first; v; v = v->next) {
            bool goes = ov_slice_eq(t->key, tier) && (!name.p || ov_slice_eq(v->key, name));
            if (!goes)
                OV_TRY(set_spec(left, t->key, v->key, v, a, err));
            *found |= goes;
        }
    if (!*found)
        return OV_OK;
    OV_TRY(keep(s, left, err));
    for (const ov_json *t = config->first; t; t = t->next)
        for (const ov_json *v = t->first; v; v = v->next) {
            bool there;
            if (ov_slice_eq(t->key, tier) && (!name.p || ov_slice_eq(v->key, name)))
                OV_TRY(ov_lookups_drop(s->env->lookups, v->key, &there, err));
        }
    return OV_OK;
}

ov_status ov_lookup_store_drop(ov_lookup_store *s, ov_slice tier, ov_slice name, bool *found,
                               ov_error *err)
{
    ov_arena a;
    ov_arena_init(&a, "lookups", NULL);
    ov_mutex_lock(&s->changing);
    ov_status st = drop_locked(s, tier, name, found, &a, err);
    ov_mutex_unlock(&s->changing);
    ov_arena_fini(&a);
    return st;
}
