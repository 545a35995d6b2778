/* Supervisors: life, and what people ask of them. */
#include <librdkafka/rdkafka.h>

#include "base/log.h"
#include "ingest/kafka/kafka_int.h"

/* ---- one ---- */

static ovi_kafka_sup *find(ov_kafka *k, ov_slice id)
{
    for (ovi_kafka_sup *s = k->sups; s; s = s->next)
        if (ov_slice_eq(s->spec.id, id))
            return s;
    return NULL;
}

static ov_status unknown(ov_slice id, ov_error *err)
{
    return ov_fail(err, OV_NOT_FOUND, "Cannot find any supervisor with id: [" OV_SLICE_FMT "]", OV_SLICE_ARG(id));
}

static void sup_destroy(ovi_kafka_sup *s)
{
    if (!s)
        return;
    ov_free(s->tasks);
    ov_arena_fini(&s->arena);
    ov_free(s);
}

static ov_status check_client(const ovi_kafka_spec *spec, ov_error *err)
{
    rd_kafka_conf_t *conf;
    OV_TRY(ovi_kafka_conf(spec, &conf, err));
    rd_kafka_conf_destroy(conf);
    return OV_OK;
}

static ov_status sup_create(ov_kafka *k, ov_slice json, ovi_kafka_sup **out, ov_error *err)
{
    ovi_kafka_sup *s = ov_calloc(1, sizeof *s);
    if (!s)
        return ov_fail_nomem(err, sizeof *s);
    s->owner = k;
    ov_arena_init(&s->arena, "supervisor", NULL);
    ov_status st = ovi_kafka_spec_read(json, &s->arena, &s->spec, err);
    if (st == OV_OK)
        st = check_client(&s->spec, err);
    if (st == OV_OK && !(s->tasks = ov_calloc(s->spec.tasks, sizeof *s->tasks)))
        st = ov_fail_nomem(err, sizeof *s->tasks);
    if (st != OV_OK) {
        sup_destroy(s);
        return st;
    }
    *out = s;
    return OV_OK;
}

/* ---- in the list ---- */

static void enter(ov_kafka *k, ovi_kafka_sup *s)
{
    ov_mutex_lock(&k->lock);
    ovi_kafka_sup **at = &k->sups;
    while (*at && ov_slice_cmp((*at)->spec.id, s->spec.id) < 0)
        at = &(*at)->next;
    s->next = *at;
    *at = s;
    ov_mutex_unlock(&k->lock);
}

/* Its readers stop, and it is gone. */
static void leave(ov_kafka *k, ovi_kafka_sup *s)
{
    ovi_kafka_tasks_stop(s);
    ov_mutex_lock(&k->lock);
    ovi_kafka_sup **at = &k->sups;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    ov_mutex_unlock(&k->lock);
    sup_destroy(s);
}

static ov_status start(ovi_kafka_sup *s, ov_error *err)
{
    ov_status st = s->spec.suspended ? OV_OK : ovi_kafka_tasks_start(s, err);
    ovi_kafka_keep_state(s);
    return st;
}

/* ---- put ---- */

static bool same_document(ov_kafka *k, const ovi_kafka_sup *s, ov_arena *a)
{
    const ov_json *history;
    bool active, same = false;
    ov_error err = OV_ERROR_INIT;
    ov_buf is, was;
    ov_buf_init(&is);
    ov_buf_init(&was);
    if (ovi_kafka_kept(k, s->spec.id, a, &history, &active, &err) == OV_OK && active && history->first) {
        ov_json_print(s->spec.doc, &is);
        ov_json_print(ov_json_get(history->first, "spec"), &was);
        same = ov_slice_eq(ov_buf_slice(&is), ov_buf_slice(&was));
    }
    ov_buf_fini(&is);
    ov_buf_fini(&was);
    return same;
}

static ov_status check_alone(ov_kafka *k, const ovi_kafka_sup *s, ov_error *err)
{
    for (const ovi_kafka_sup *o = k->sups; o; o = o->next)
        if (ov_slice_eq(o->spec.datasource, s->spec.datasource) && !ov_slice_eq(o->spec.id, s->spec.id))
            return ov_fail(err, OV_UNSUPPORTED,
                           "the supervisor '" OV_SLICE_FMT "' writes to '" OV_SLICE_FMT "' already; two of one datasource are "
                           "not there yet",
                           OV_SLICE_ARG(o->spec.id), OV_SLICE_ARG(s->spec.datasource));
    return OV_OK;
}

static ov_status replace(ov_kafka *k, ovi_kafka_sup *s, ov_error *err)
{
    ovi_kafka_sup *old = find(k, s->spec.id);
    OV_TRY(check_alone(k, s, err));
    if (old)
        ovi_kafka_tasks_stop(old);
    ov_status st = ov_streams_declare(k->config.streams, s->spec.datasource, s->spec.stream, err);
    if (st == OV_OK)
        st = ovi_kafka_keep(k, s->spec.id, s->spec.doc, true, err);
    if (st != OV_OK) { /* the old one goes on */
        ov_error ignored = OV_ERROR_INIT;
        if (old && start(old, &ignored) != OV_OK)
            ov_log_error("a supervisor does not start again", ov_kv_slice("supervisor", old->spec.id), ov_kv_err(&ignored));
        return st;
    }
    if (old)
        leave(k, old);
    enter(k, s);
    return OV_OK;
}

ov_status ov_kafka_put(ov_kafka *k, ov_slice json, bool only_changed, ov_arena *out, ov_slice *id, ov_error *err)
{
    ovi_kafka_sup *s;
    OV_TRY(sup_create(k, json, &s, err));
    ov_status st = ov_arena_copy(out, s->spec.id, id, err);
    ov_mutex_lock(&k->change);
    bool same = st == OV_OK && only_changed && same_document(k, s, out);
    if (st == OV_OK && !same)
        st = replace(k, s, err);
    bool taken = st == OV_OK && !same;
    if (taken)
        st = start(s, err);
    ov_mutex_unlock(&k->change);
    if (!taken)
        sup_destroy(s);
    return st;
}

/* ---- acts ---- */

/* The document with "suspended" as it is now. */
static ov_status suspend(ov_kafka *k, ovi_kafka_sup *s, bool suspended, ov_error *err)
{
    ov_json *flag;
    OV_TRY(ov_json_new(&s->arena, OV_JSON_BOOL, &flag, err));
    flag->boolean = suspended;
    ovi_kafka_tasks_stop(s);
    ov_mutex_lock(&k->lock); /* views print the document */
    ov_status st = ov_json_set(&s->arena, (ov_json *)(uintptr_t)s->spec.doc, "suspended", flag, err);
    if (st == OV_OK) {
        s->spec.suspended = suspended;
        s->stopped_by_poison = false;
        s->rejected = suspended ? s->rejected : 0;
    }
    ov_mutex_unlock(&k->lock);
    if (st == OV_OK)
        st = ovi_kafka_keep(k, s->spec.id, s->spec.doc, true, err);
    ov_error later = OV_ERROR_INIT;
    ov_status begun = start(s, &later);
    if (st == OV_OK && begun != OV_OK) {
        *err = later;
        st = begun;
    }
    return st;
}

/* What Druid keeps of one that was terminated. */
static ov_status tombstone(const ovi_kafka_sup *s, ov_arena *a, ov_json **out, ov_error *err)
{
    ov_buf b;
    ov_buf_init(&b);
    ov_buf_add_str(&b, "{\"type\":\"NoopSupervisorSpec\",\"id\":");
    ov_json_quote(&b, s->spec.id);
    ov_buf_add_str(&b, ",\"dataSources\":[");
    ov_json_quote(&b, s->spec.datasource);
    ov_buf_add_str(&b, "],\"suspended\":false,\"source\":null}");
    ov_status st = ov_buf_check(&b, err);
    if (st == OV_OK)
        st = ov_json_parse(ov_buf_slice(&b), NULL, a, out, err);
    ov_buf_fini(&b);
    return st;
}

static ov_status terminate(ov_kafka *k, ovi_kafka_sup *s, ov_error *err)
{
    ov_json *grave;
    ov_arena a;
    ov_arena_init(&a, "supervisor", NULL);
    ov_status st = tombstone(s, &a, &grave, err);
    if (st == OV_OK)
        st = ovi_kafka_keep(k, s->spec.id, grave, false, err);
    ov_arena_fini(&a);
    if (st == OV_OK)
        leave(k, s);
    return st;
}

/* Marks of this topic are forgotten: of the partitions at hand, and where nothing is read now, of a first thousand. */
static ov_status reset(ovi_kafka_sup *s, ov_error *err)
{
    enum { FIRST = 1000 };
    ov_status st = OV_OK;
    int32_t most = FIRST;
    ov_mutex_lock(&s->owner->lock);
    for (uint32_t i = 0; i < s->spec.tasks; i++)
        for (uint32_t j = 0; j < s->tasks[i].part_count; j++)
            most = OV_MAX(most, s->tasks[i].parts[j].id);
    ov_mutex_unlock(&s->owner->lock);
    ovi_kafka_tasks_stop(s);
    for (int32_t p = 0; st == OV_OK; p++) {
        int64_t offset;
        st = ovi_kafka_mark_get(s, s->spec.datasource, p, &offset, err);
        if (st == OV_OK && offset < 0 && p > most)
            break;
        if (st == OV_OK && offset >= 0)
            st = ovi_kafka_mark_put(s, p, -1, err);
    }
    return st;
}

static ov_status read_partition(const ov_json *v, int32_t *id, ov_error *err)
{
    int64_t n = 0;
    bool ok = v->key.n > 0 && v->key.n < 10;
    for (size_t i = 0; ok && i < v->key.n; i++) {
        ok = v->key.p[i] >= '0' && v->key.p[i] <= '9';
        n = n * 10 + (v->key.p[i] - '0');
    }
    *id = (int32_t)n;
    return ok ? OV_OK : ov_json_fail(v, err, OV_INVALID, "partitions are numbers");
}

/* {"type": "kafka", "partitions": {"type": "end", "stream": topic, "partitionOffsetMap": {"0": 100}}} */
static ov_status set_offsets(ovi_kafka_sup *s, ov_slice body, ov_arena *a, ov_error *err)
{
    const ov_json *partitions, *map;
    ov_json *doc;
    ov_slice topic;
    int32_t id;
    int64_t offset;
    OV_TRY(ov_json_parse(body, NULL, a, &doc, err));
    OV_TRY(ov_json_need_obj(doc, "partitions", &partitions, err));
    OV_TRY(ov_json_str(partitions, "stream", s->spec.topic, &topic, err));
    if (!ov_slice_eq(topic, s->spec.topic))
        return ov_json_fail(partitions, err, OV_INVALID, "the supervisor reads '" OV_SLICE_FMT "', not '" OV_SLICE_FMT "'",
                            OV_SLICE_ARG(s->spec.topic), OV_SLICE_ARG(topic));
    OV_TRY(ov_json_need_obj(partitions, "partitionOffsetMap", &map, err));
    for (const ov_json *v = map->first; v; v = v->next) { /* all, before one is changed */
        OV_TRY(read_partition(v, &id, err));
        OV_TRY(ov_json_as_i64(v, &offset, err));
        if (offset < 0 || offset > INT64_C(99999999999999999))
            return ov_json_fail(v, err, OV_INVALID, "an offset is a number from 0 on");
    }
    ovi_kafka_tasks_stop(s);
    for (const ov_json *v = map->first; v; v = v->next) {
        OV_TRY(read_partition(v, &id, err));
        OV_TRY(ov_json_as_i64(v, &offset, err));
        OV_TRY(ovi_kafka_mark_put(s, id, offset, err));
    }
    return OV_OK;
}

static ov_status change_offsets(ov_kafka *k, ovi_kafka_sup *s, ov_kafka_act act, ov_slice body, ov_error *err)
{
    ov_arena a;
    ov_error later = OV_ERROR_INIT;
    ov_arena_init(&a, "offsets", NULL);
    ov_status st = act == OV_KAFKA_RESET ? reset(s, err) : set_offsets(s, body, &a, err);
    ov_arena_fini(&a);
    ov_mutex_lock(&k->lock);
    if (st == OV_OK)
        s->stopped_by_poison = false;
    ov_mutex_unlock(&k->lock);
    ovi_kafka_tasks_stop(s); /* fine when they stand still */
    ov_status begun = start(s, &later);
    if (st == OV_OK && begun != OV_OK) {
        *err = later;
        return begun;
    }
    return st;
}

static ov_status act_on(ov_kafka *k, ovi_kafka_sup *s, ov_kafka_act act, ov_slice body, ov_error *err)
{
    switch (act) {
    case OV_KAFKA_SUSPEND:
    case OV_KAFKA_RESUME:
        return suspend(k, s, act == OV_KAFKA_SUSPEND, err);
    case OV_KAFKA_TERMINATE:
        return terminate(k, s, err);
    case OV_KAFKA_RESET:
    case OV_KAFKA_OFFSETS:
        break;
    }
    return change_offsets(k, s, act, body, err);
}

ov_status ov_kafka_do(ov_kafka *k, ov_slice id, ov_kafka_act act, ov_slice body, ov_error *err)
{
    ov_mutex_lock(&k->change);
    ovi_kafka_sup *s = find(k, id);
    ov_status st = s ? act_on(k, s, act, body, err) : unknown(id, err);
    ov_mutex_unlock(&k->change);
    return st;
}

ov_status ov_kafka_do_all(ov_kafka *k, ov_kafka_act act, ov_error *err)
{
    ov_status st = OV_OK;
    ov_mutex_lock(&k->change);
    for (ovi_kafka_sup *s = k->sups, *next; s && st == OV_OK; s = next) {
        next = s->next;
        st = act_on(k, s, act, (ov_slice){NULL, 0}, err);
    }
    ov_mutex_unlock(&k->change);
    return st;
}

/* ---- all ---- */

static void revive(ov_kafka *k, ov_slice text, ov_slice key, ov_arena *a)
{
    ov_error err = OV_ERROR_INIT;
    ov_json *doc;
    const ov_json *history;
    ovi_kafka_sup *s;
    bool active;
    ov_buf spec;
    ov_buf_init(&spec);
    ov_status st = ov_json_parse(text, NULL, a, &doc, &err);
    if (st == OV_OK)
        st = ov_json_bool(doc, "active", false, &active, &err);
    if (st == OV_OK && !active)
        goto out;
    if (st == OV_OK)
        st = ov_json_need_arr(doc, "history", &history, &err);
    if (st == OV_OK && history->first) {
        ov_json_print(ov_json_get(history->first, "spec"), &spec);
        st = sup_create(k, ov_buf_slice(&spec), &s, &err);
    }
    if (st == OV_OK && history->first) {
        enter(k, s);
        st = start(s, &err);
    }
    if (st != OV_OK)
        ov_log_error("a supervisor does not start", ov_kv_slice("supervisor", key), ov_kv_err(&err));
out:
    ov_buf_fini(&spec);
}

ov_status ov_kafka_create(const ov_kafka_config *config, ov_kafka **out, ov_error *err)
{
    ov_cursor_row *rows;
    uint32_t count;
    ov_arena a;
    ov_kafka *k = ov_calloc(1, sizeof *k);
    if (!k)
        return ov_fail_nomem(err, sizeof *k);
    k->config = *config;
    ov_mutex_init(&k->change);
    ov_mutex_init(&k->lock);
    ov_arena_init(&a, "supervisors", NULL);
    ov_status st = ov_catalog_cursor_list(config->catalog, OV_SLICE_LIT("supervisor/"), &a, &rows, &count, err);
    for (uint32_t i = 0; st == OV_OK && i < count; i++)
        revive(k, rows[i].value, rows[i].key, &a);
    ov_arena_fini(&a);
    if (st != OV_OK) {
        ov_kafka_destroy(k);
        return st;
    }
    *out = k;
    return OV_OK;
}

void ov_kafka_destroy(ov_kafka *k)
{
    if (!k)
        return;
    for (ovi_kafka_sup *s = k->sups; s; s = s->next)
        atomic_store(&s->stop, true); /* all at once, then one by one */
    while (k->sups)
        leave(k, k->sups);
    ov_mutex_fini(&k->change);
    ov_mutex_fini(&k->lock);
    ov_free(k);
}
