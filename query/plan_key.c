#include "query/plan_key.h"

#include "base/blob_cache.h"
#include "base/tz.h"

bool ov_query_context_denies(const ov_json *context, const char *name)
{
    const ov_json *v = ov_json_find(context, name);
    return v && ((v->kind == OV_JSON_BOOL && !v->boolean) || (v->kind == OV_JSON_STRING && ov_slice_ieq(v->s, OV_SLICE_LIT("false"))));
}

bool ov_query_context_affirms(const ov_json *context, const char *name)
{
    const ov_json *v = ov_json_find(context, name);
    return v && ((v->kind == OV_JSON_BOOL && v->boolean) || (v->kind == OV_JSON_STRING && ov_slice_ieq(v->s, OV_SLICE_LIT("true"))));
}

static bool is_of_run(ov_slice name)
{
    static const char *const names[] = {"sqlQueryId", "queryId", "timeout", "priority", "maxMemoryBytes",
                                        "useCache", "populateCache", "useResultLevelCache", "populateResultLevelCache"};
    for (size_t i = 0; i < OV_COUNT_OF(names); i++)
        if (ov_slice_eq(name, ov_slice_cstr(names[i])))
            return true;
    return false;
}

void ov_query_context_key(const ov_json *context, ov_buf *key)
{
    for (const ov_json *v = context ? context->first : NULL; v; v = v->next) {
        if (is_of_run(v->key))
            continue;
        ov_key_add(key, v->key);
        ov_json_print(v, key);
    }
}

bool ovi_plan_key(const ov_query_request *rq, ov_buf *key)
{
    enum { LONGEST = 64 << 10 };
    if (rq->native || rq->describe || rq->writes || rq->sql.n > LONGEST)
        return false;
    ov_buf_reserve(key, rq->sql.n + 64);
    ov_key_add(key, rq->sql);
    ov_key_add(key, rq->time_zone);
    ov_buf_add(key, &rq->outer_limit, sizeof rq->outer_limit);
    ov_buf_add(key, &rq->max_parse_exceptions, sizeof rq->max_parse_exceptions);
    for (uint32_t i = 0; i < rq->param_count; i++) {
        const ov_param *p = &rq->params[i];
        uint8_t head[] = {(uint8_t)p->sql, p->is_null, p->local};
        if (p->items)
            return false;
        ov_buf_add(key, head, sizeof head);
        ov_buf_add(key, &p->i, sizeof p->i);
        ov_buf_add(key, &p->f, sizeof p->f);
        ov_key_add(key, p->s);
    }
    ov_query_context_key(rq->context, key);
    return !key->failed;
}

ov_status ovi_plan_own_texts(const ov_query_request *rq, ov_arena *arena, ov_query_request *own, ov_error *err)
{
    ov_param *params = NULL;
    *own = *rq;
    OV_TRY(ov_arena_copy(arena, rq->sql, &own->sql, err));
    if (rq->param_count)
        OV_TRY(ov_arena_alloc(arena, rq->param_count * sizeof *params, &params, err));
    for (uint32_t i = 0; i < rq->param_count; i++) {
        params[i] = rq->params[i];
        OV_TRY(ov_arena_copy(arena, rq->params[i].s, &params[i].s, err));
    }
    own->params = params;
    return OV_OK;
}

ov_status ovi_states_of(const ov_query_env *env, const ov_query_request *rq, const ov_planned *p, ov_arena *arena,
                        ov_kept_states *out, ov_error *err)
{
    const ov_json *context = rq->native ? ov_json_find(rq->native, "context") : rq->context;
    if (!env->states || !p || !ov_blob_cache_takes(env->states, 1))
        return OV_OK;
    *out = (ov_kept_states){.cache = env->states,
                            .reads = !ov_query_context_denies(context, "useCache"),
                            .keeps = !ov_query_context_denies(context, "populateCache")};
    ov_buf session;
    ov_buf_init(&session);
    ov_buf_add_str(&session, ov_tz_name(p->expr.tz));
    ov_buf_add_char(&session, '\0');
    for (uint32_t i = 0; i < ov_lookup_set_count(p->lookups); i++) {
        uint64_t serial = ov_lookup_serial(ov_lookup_set_at(p->lookups, i));
        ov_buf_add(&session, &serial, sizeof serial);
    }
    ov_status st = ov_buf_check(&session, err);
    if (st == OV_OK)
        st = ov_arena_copy(arena, ov_buf_slice(&session), &out->session, err);
    ov_buf_fini(&session);
    return st;
}
