/* What the catalog keeps of supervisors: documents with their history, and the state for whoever has only the catalog. */
#include <stdio.h>
#include "base/datetime.h"
#include "base/jsonw.h"
#include "base/log.h"
#include "base/os.h"
#include "ingest/kafka/kafka_int.h"

enum { HISTORY_ENTRIES = 100 };

static ov_status put(ov_catalog *cat, const char *what, ov_slice id, ov_slice value, ov_error *err)
{
    ov_arena a;
    ov_slice key;
    ov_arena_init(&a, "supervisor", NULL);
    ov_status st = ov_arena_printf(&a, &key, err, "%s/" OV_SLICE_FMT, what, OV_SLICE_ARG(id));
    if (st == OV_OK) {
        ov_commit c = {.mode = OV_PUBLISH_APPEND, .cursor_keys = &key, .cursor_values = &value, .cursor_count = 1};
        st = ov_catalog_commit(cat, &c, &a, err);
    }
    ov_arena_fini(&a);
    return st;
}

ov_status ovi_kafka_kept(ov_kafka *k, ov_slice id, ov_arena *a, const ov_json **history, bool *active, ov_error *err)
{
    ov_slice key, text;
    ov_json *doc;
    OV_TRY(ov_arena_printf(a, &key, err, "supervisor/" OV_SLICE_FMT, OV_SLICE_ARG(id)));
    OV_TRY(ov_catalog_cursor_get(k->config.catalog, key, a, &text, err));
    if (text.n == 0)
        return ov_fail(err, OV_NOT_FOUND, "Cannot find any supervisor with id: [" OV_SLICE_FMT "]", OV_SLICE_ARG(id));
    OV_TRY(ov_json_parse(text, NULL, a, &doc, err));
    OV_TRY(ov_json_bool(doc, "active", false, active, err));
    return ov_json_need_arr(doc, "history", history, err);
}

static void write_entry(const ov_json *spec, ov_jsonw *w)
{
    ov_buf text;
    ov_buf_init(&text);
    ov_json_print(spec, &text);
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_raw(w, "spec", ov_buf_slice(&text));
    ov_jsonw_time(w, "version", ov_now_ms());
    ov_jsonw_close_object(w);
    ov_buf_fini(&text);
}

static void write_old(const ov_json *history, ov_jsonw *w)
{
    ov_buf text;
    uint32_t n = 1;
    ov_buf_init(&text);
    for (const ov_json *e = history ? history->first : NULL; e && n < HISTORY_ENTRIES; e = e->next, n++) {
        ov_buf_clear(&text);
        ov_json_print(e, &text);
        ov_jsonw_raw(w, NULL, ov_buf_slice(&text));
    }
    ov_buf_fini(&text);
}

ov_status ovi_kafka_keep(ov_kafka *k, ov_slice id, const ov_json *spec, bool active, ov_error *err)
{
    ov_arena a;
    ov_buf text;
    ov_jsonw w;
    bool before;
    const ov_json *history = NULL;
    ov_arena_init(&a, "supervisor", NULL);
    ov_buf_init(&text);
    ov_status st = ovi_kafka_kept(k, id, &a, &history, &before, err);
    if (st == OV_OK || st == OV_NOT_FOUND) {
        *err = (ov_error)OV_ERROR_INIT;
        ov_jsonw_init(&w, &text);
        ov_jsonw_open_object(&w, NULL);
        ov_jsonw_bool(&w, "active", active);
        ov_jsonw_open_array(&w, "history");
        write_entry(spec, &w);
        write_old(history, &w);
        ov_jsonw_close_array(&w);
        ov_jsonw_close_object(&w);
        st = ov_buf_check(&text, err);
    }
    if (st == OV_OK)
        st = put(k->config.catalog, "supervisor", id, ov_buf_slice(&text), err);
    ov_buf_fini(&text);
    ov_arena_fini(&a);
    return st;
}

void ovi_kafka_keep_state(ovi_kafka_sup *s)
{
    char text[sizeof s->kept_state];
    ov_error err = OV_ERROR_INIT;
    ov_mutex_lock(&s->owner->lock);
    ovi_kafka_state now = ovi_kafka_state_of(s);
    snprintf(text, sizeof text, "{\"state\":\"%s\",\"detailedState\":\"%s\",\"healthy\":%s}", now.state, now.detail,
             now.healthy ? "true" : "false");
    bool same = strcmp(text, s->kept_state) == 0;
    memcpy(s->kept_state, text, sizeof text);
    ov_mutex_unlock(&s->owner->lock);
    if (!same && put(s->owner->config.catalog, "supervisor-state", s->spec.id, ov_slice_cstr(text), &err) != OV_OK)
        ov_log_warn("a supervisor's state could not be kept", ov_kv_slice("supervisor", s->spec.id), ov_kv_err(&err));
}
