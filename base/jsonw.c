#include "base/jsonw.h"

#include "base/datetime.h"
#include "base/json.h"

void ov_jsonw_init(ov_jsonw *w, ov_buf *out)
{
    *w = (ov_jsonw){.out = out};
}

void ov_jsonw_key(ov_jsonw *w, ov_slice key)
{
    if (w->comma)
        ov_buf_add_char(w->out, ',');
    ov_json_quote(w->out, key);
    ov_buf_add_char(w->out, ':');
    w->comma = false;
}

/* Comma and key, if any; afterwards a value follows. */
static void begin(ov_jsonw *w, const char *key)
{
    if (key)
        ov_jsonw_key(w, ov_slice_cstr(key));
    else if (w->comma)
        ov_buf_add_char(w->out, ',');
    w->comma = true;
}

static void open_with(ov_jsonw *w, const char *key, char bracket)
{
    begin(w, key);
    ov_buf_add_char(w->out, bracket);
    w->comma = false;
}

static void close_with(ov_jsonw *w, char bracket)
{
    ov_buf_add_char(w->out, bracket);
    w->comma = true;
}

void ov_jsonw_open_object(ov_jsonw *w, const char *key)
{
    open_with(w, key, '{');
}

void ov_jsonw_close_object(ov_jsonw *w)
{
    close_with(w, '}');
}

void ov_jsonw_open_array(ov_jsonw *w, const char *key)
{
    open_with(w, key, '[');
}

void ov_jsonw_close_array(ov_jsonw *w)
{
    close_with(w, ']');
}

void ov_jsonw_str(ov_jsonw *w, const char *key, ov_slice text)
{
    begin(w, key);
    ov_json_quote(w->out, text);
}

void ov_jsonw_cstr(ov_jsonw *w, const char *key, const char *text)
{
    if (text)
        ov_jsonw_str(w, key, ov_slice_cstr(text));
    else
        ov_jsonw_null(w, key);
}

void ov_jsonw_i64(ov_jsonw *w, const char *key, int64_t v)
{
    begin(w, key);
    ov_buf_add_i64(w->out, v);
}

void ov_jsonw_u64(ov_jsonw *w, const char *key, uint64_t v)
{
    begin(w, key);
    ov_buf_add_u64(w->out, v);
}

void ov_jsonw_f64(ov_jsonw *w, const char *key, double v)
{
    begin(w, key);
    ov_json_add_double(w->out, v);
}

void ov_jsonw_bool(ov_jsonw *w, const char *key, bool v)
{
    begin(w, key);
    ov_buf_add_str(w->out, v ? "true" : "false");
}

void ov_jsonw_null(ov_jsonw *w, const char *key)
{
    begin(w, key);
    ov_buf_add_str(w->out, "null");
}

void ov_jsonw_time(ov_jsonw *w, const char *key, int64_t ms)
{
    begin(w, key);
    ov_buf_add_char(w->out, '"');
    ov_iso_add(w->out, ms, NULL);
    ov_buf_add_char(w->out, '"');
}

void ov_jsonw_raw(ov_jsonw *w, const char *key, ov_slice json)
{
    begin(w, key);
    ov_buf_add_slice(w->out, json);
}
