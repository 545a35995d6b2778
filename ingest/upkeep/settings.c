#include "ingest/upkeep/settings.h"

#include "base/datetime.h"
#include "base/jsonw.h"
#include "base/os.h"

enum { HISTORY_ENTRIES = 500 };

static ov_status key_of(const char *subject, const char *what, ov_arena *a, ov_slice *out, ov_error *err)
{
    return ov_arena_printf(a, out, err, "settings/%s%s", subject, what);
}

ov_status ov_settings_read(ov_catalog *cat, const char *subject, ov_arena *out, ov_settings *s, ov_error *err)
{
    ov_slice key;
    OV_TRY(key_of(subject, "", out, &key, err));
    OV_TRY(ov_catalog_cursor_get(cat, key, out, &s->stored, err));
    OV_TRY(ov_json_parse(s->stored.n ? s->stored : OV_SLICE_LIT("{}"), NULL, out, &s->object, err));
    return ov_json_expect(s->object, OV_JSON_OBJECT, err);
}

/* The entry of this change, then those that were there. */
static ov_status history_text(const char *subject, const ov_audit *audit, ov_slice before, ov_arena *a, ov_buf *out,
                              ov_error *err)
{
    ov_jsonw w;
    ov_json *old;
    ov_buf one;
    uint32_t n = 1;
    OV_TRY(ov_json_parse(before.n ? before : OV_SLICE_LIT("[]"), NULL, a, &old, err));
    ov_jsonw_init(&w, out);
    ov_jsonw_open_array(&w, NULL);
    ov_jsonw_open_object(&w, NULL);
    ov_jsonw_str(&w, "key", audit->key);
    ov_jsonw_cstr(&w, "type", subject);
    ov_jsonw_open_object(&w, "auditInfo");
    ov_jsonw_str(&w, "author", audit->author);
    ov_jsonw_cstr(&w, "identity", NULL);
    ov_jsonw_str(&w, "comment", audit->comment);
    ov_jsonw_cstr(&w, "ip", "");
    ov_jsonw_close_object(&w);
    ov_jsonw_str(&w, "payload", audit->payload);
    ov_jsonw_time(&w, "auditTime", ov_now_ms());
    ov_jsonw_close_object(&w);
    ov_buf_init(&one);
    for (const ov_json *e = old->first; e && n < HISTORY_ENTRIES; e = e->next, n++) {
        ov_buf_clear(&one);
        ov_json_print(e, &one);
        ov_jsonw_raw(&w, NULL, ov_buf_slice(&one));
    }
    ov_jsonw_close_array(&w);
    ov_status st = ov_buf_check(&one, err);
    ov_buf_fini(&one);
    return st == OV_OK ? ov_buf_check(out, err) : st;
}

ov_status ov_settings_write(ov_catalog *cat, const char *subject, const ov_settings *s, const ov_audit *audit,
                            ov_arena *scratch, ov_error *err)
{
    enum { OBJECT, HISTORY, KEYS };
    ov_slice keys[KEYS], values[KEYS], before[KEYS];
    ov_buf text, history;
    ov_buf_init(&text);
    ov_buf_init(&history);
    ov_json_print(s->object, &text);
    ov_status st = ov_buf_check(&text, err);
    if (st == OV_OK)
        st = key_of(subject, "", scratch, &keys[OBJECT], err);
    if (st == OV_OK)
        st = key_of(subject, "/history", scratch, &keys[HISTORY], err);
    if (st == OV_OK)
        st = ov_catalog_cursor_get(cat, keys[HISTORY], scratch, &before[HISTORY], err);
    if (st == OV_OK)
        st = history_text(subject, audit, before[HISTORY], scratch, &history, err);
    if (st == OV_OK) {
        before[OBJECT] = s->stored;
        values[OBJECT] = ov_buf_slice(&text);
        values[HISTORY] = ov_buf_slice(&history);
        ov_commit commit = {.mode = OV_PUBLISH_APPEND,
                            .cursor_keys = keys,
                            .cursor_values = values,
                            .cursor_before = before,
                            .cursor_count = KEYS};
        st = ov_catalog_commit(cat, &commit, scratch, err);
    }
    ov_buf_fini(&text);
    ov_buf_fini(&history);
    return st;
}

ov_status ov_settings_history(ov_catalog *cat, const char *subject, ov_slice key, uint32_t max, ov_interval within,
                              ov_arena *scratch, ov_buf *json, ov_error *err)
{
    ov_slice at, text;
    ov_json *list;
    ov_jsonw w;
    ov_buf one;
    uint32_t n = 0;
    OV_TRY(key_of(subject, "/history", scratch, &at, err));
    OV_TRY(ov_catalog_cursor_get(cat, at, scratch, &text, err));
    OV_TRY(ov_json_parse(text.n ? text : OV_SLICE_LIT("[]"), NULL, scratch, &list, err));
    ov_buf_init(&one);
    ov_jsonw_init(&w, json);
    ov_jsonw_open_array(&w, NULL);
    ov_status st = OV_OK;
    for (const ov_json *e = list->first; e && n < max && st == OV_OK; e = e->next) {
        ov_slice name, made;
        int64_t ms;
        st = ov_json_need_str(e, "key", &name, err);
        if (st == OV_OK)
            st = ov_json_need_str(e, "auditTime", &made, err);
        if (st == OV_OK)
            st = ov_iso_parse(made, NULL, &ms, err);
        if (st != OV_OK || (key.n && !ov_slice_eq(key, name)) || !ov_interval_has(within, ms))
            continue;
        ov_buf_clear(&one);
        ov_json_print(e, &one);
        ov_jsonw_raw(&w, NULL, ov_buf_slice(&one));
        n++;
    }
    ov_jsonw_close_array(&w);
    if (st == OV_OK)
        st = ov_buf_check(&one, err);
    ov_buf_fini(&one);
    return st;
}

ov_status ov_settings_merge(ov_arena *a, ov_json *base, const ov_json *over, ov_error *err)
{
    for (const ov_json *v = over->first; v; v = v->next) {
        ov_json *copy;
        ov_slice key;
        OV_TRY(ov_json_copy(a, v, &copy, err));
        OV_TRY(ov_arena_copy(a, v->key, &key, err));
        OV_TRY(ov_json_set(a, base, key.p, copy, err));
    }
    return OV_OK;
}

ov_status ov_settings_print(const char *defaults, const ov_json *o, ov_buf *out, ov_error *err)
{
    ov_arena a;
    ov_json *all;
    ov_arena_init(&a, "settings", NULL);
    ov_status st = ov_json_parse(ov_slice_cstr(defaults), NULL, &a, &all, err);
    if (st == OV_OK)
        st = ov_settings_merge(&a, all, o, err);
    if (st == OV_OK)
        ov_json_print(all, out);
    ov_arena_fini(&a);
    return st == OV_OK ? ov_buf_check(out, err) : st;
}
