/* Looking into JSON documents: typed values, and sentences that name the path. */
#include <inttypes.h>
#include <stdio.h>
#include "base/json.h"
#include "base/numfmt.h"
#include "base/numparse.h"
#include "base/suggest.h"

enum { PATH_BYTES = 256 };

const char *ov_json_kind_name(ov_json_kind kind)
{
    static const char *const names[] = {"null",     "true or false", "an integer", "a number",
                                        "a string", "an array",      "an object"};
    return names[kind];
}

const ov_json *ov_json_get(const ov_json *obj, const char *key)
{
    if (!obj || obj->kind != OV_JSON_OBJECT)
        return NULL;
    ov_slice wanted = ov_slice_cstr(key);
    for (const ov_json *c = obj->first; c; c = c->next)
        if (ov_slice_eq(c->key, wanted))
            return c;
    return NULL;
}

const ov_json *ov_json_find(const ov_json *obj, const char *key)
{
    const ov_json *v = ov_json_get(obj, key);
    return v && v->kind != OV_JSON_NULL ? v : NULL;
}

const ov_json *ov_json_at(const ov_json *array, size_t index)
{
    if (!array || array->kind != OV_JSON_ARRAY)
        return NULL;
    const ov_json *c = array->first;
    while (c && index--)
        c = c->next;
    return c;
}

/* ---- paths and failures ---- */

static bool plain_key(ov_slice key)
{
    for (size_t i = 0; i < key.n; i++) {
        char c = key.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '-'))
            return false;
    }
    return key.n > 0;
}

static void add_text(char *text, size_t cap, size_t *n, const char *more, size_t bytes)
{
    size_t room = cap - 1 - *n;
    bytes = OV_MIN(bytes, room);
    memcpy(text + *n, more, bytes);
    *n += bytes;
    text[*n] = '\0';
}

static void add_path(const ov_json *v, char *text, size_t cap, size_t *n)
{
    if (!v->parent)
        return;
    add_path(v->parent, text, cap, n);
    if (v->parent->kind == OV_JSON_ARRAY) {
        size_t index = 0;
        for (const ov_json *c = v->parent->first; c && c != v; c = c->next)
            index++;
        char number[32];
        int len = snprintf(number, sizeof number, "[%zu]", index);
        add_text(text, cap, n, number, (size_t)len);
    } else if (plain_key(v->key)) {
        if (*n)
            add_text(text, cap, n, ".", 1);
        add_text(text, cap, n, v->key.p, v->key.n);
    } else {
        add_text(text, cap, n, "['", 2);
        add_text(text, cap, n, v->key.p, v->key.n);
        add_text(text, cap, n, "']", 2);
    }
}

const char *ov_json_path(const ov_json *v, char *text, size_t cap)
{
    size_t n = 0;
    text[0] = '\0';
    add_path(v, text, cap, &n);
    if (!n)
        snprintf(text, cap, "the document");
    return text;
}

ov_status ov_json_fail(const ov_json *v, ov_error *err, ov_status code, const char *fmt, ...)
{
    char sentence[OV_ERROR_TEXT_BYTES / 2], path[PATH_BYTES];
    va_list args;
    va_start(args, fmt);
    vsnprintf(sentence, sizeof sentence, fmt, args);
    va_end(args);
    ov_json_path(v, path, sizeof path);
    if (v->end_pos)
        return ov_fail_at(err, code, v->pos, v->end_pos, "%s: %s", path, sentence);
    return ov_fail(err, code, "%s: %s", path, sentence);
}

/* What a node shows itself as in a sentence. */
static const char *found_text(const ov_json *v, char *text, size_t cap)
{
    switch (v->kind) {
    case OV_JSON_BOOL:
        return v->boolean ? "true" : "false";
    case OV_JSON_INT:
        snprintf(text, cap, "%" PRId64, v->i);
        return text;
    case OV_JSON_DOUBLE: {
        char number[OV_FMT_DOUBLE_BYTES];
        snprintf(text, cap, "%.*s", (int)ov_fmt_double(v->d, number), number);
        return text;
    }
    case OV_JSON_STRING:
        snprintf(text, cap, "\"%.*s\"%s", (int)OV_MIN(v->s.n, (size_t)60), v->s.p,
                 v->s.n > 60 ? "..." : "");
        return text;
    default:
        return ov_json_kind_name(v->kind);
    }
}

static ov_status wrong_kind(const ov_json *v, const char *wanted, ov_error *err)
{
    char found[96];
    return ov_json_fail(v, err, OV_INVALID, "expected %s, found %s", wanted,
                        found_text(v, found, sizeof found));
}

static ov_status missing(const ov_json *obj, const char *key, const char *wanted, ov_error *err)
{
    if (obj->kind != OV_JSON_OBJECT)
        return wrong_kind(obj, "an object", err);
    return ov_json_fail(obj, err, OV_INVALID, "'%s' is missing (expected %s)", key, wanted);
}

/* ---- values ---- */

ov_status ov_json_expect(const ov_json *v, ov_json_kind kind, ov_error *err)
{
    return v->kind == kind ? OV_OK : wrong_kind(v, ov_json_kind_name(kind), err);
}

ov_status ov_json_as_bool(const ov_json *v, bool *out, ov_error *err)
{
    if (v->kind == OV_JSON_BOOL)
        *out = v->boolean;
    else if (v->kind != OV_JSON_STRING || !ov_parse_bool(v->s, out))
        return wrong_kind(v, "true or false", err);
    return OV_OK;
}

ov_status ov_json_as_i64(const ov_json *v, int64_t *out, ov_error *err)
{
    if (v->kind == OV_JSON_INT) {
        *out = v->i;
        return OV_OK;
    }
    if (v->kind == OV_JSON_STRING && ov_parse_i64(v->s, out))
        return OV_OK;
    /* below 2^63 in size, so that the conversion is defined */
    if (v->kind == OV_JSON_DOUBLE && v->d > -9.2e18 && v->d < 9.2e18 &&
        (double)(int64_t)v->d == v->d) {
        *out = (int64_t)v->d;
        return OV_OK;
    }
    return wrong_kind(v, "an integer", err);
}

ov_status ov_json_as_f64(const ov_json *v, double *out, ov_error *err)
{
    if (v->kind == OV_JSON_DOUBLE)
        *out = v->d;
    else if (v->kind == OV_JSON_INT)
        *out = (double)v->i;
    else if (v->kind != OV_JSON_STRING || !ov_parse_double_java(v->s, out))
        return wrong_kind(v, "a number", err);
    return OV_OK;
}

ov_status ov_json_as_str(const ov_json *v, ov_slice *out, ov_error *err)
{
    if (v->kind == OV_JSON_STRING)
        *out = v->s;
    else if (v->kind == OV_JSON_BOOL)
        *out = v->boolean ? OV_SLICE_LIT("true") : OV_SLICE_LIT("false");
    else if ((v->kind == OV_JSON_INT || v->kind == OV_JSON_DOUBLE) && v->raw.n)
        *out = v->raw;
    else
        return wrong_kind(v, "a string", err);
    return OV_OK;
}

/* ---- members ---- */

ov_status ov_json_bool(const ov_json *obj, const char *key, bool dflt, bool *out, ov_error *err)
{
    const ov_json *v = ov_json_find(obj, key);
    *out = dflt;
    return v ? ov_json_as_bool(v, out, err) : OV_OK;
}

ov_status ov_json_i64(const ov_json *obj, const char *key, int64_t dflt, int64_t *out,
                      ov_error *err)
{
    const ov_json *v = ov_json_find(obj, key);
    *out = dflt;
    return v ? ov_json_as_i64(v, out, err) : OV_OK;
}

ov_status ov_json_i64_in(const ov_json *obj, const char *key, int64_t dflt, int64_t min,
                         int64_t max, int64_t *out, ov_error *err)
{
    const ov_json *v = ov_json_find(obj, key);
    *out = dflt;
    if (!v)
        return OV_OK;
    OV_TRY(ov_json_as_i64(v, out, err));
    if (*out < min || *out > max)
        return ov_json_fail(v, err, OV_INVALID,
                            "%" PRId64 " is not between %" PRId64 " and %" PRId64, *out, min, max);
    return OV_OK;
}

ov_status ov_json_f64(const ov_json *obj, const char *key, double dflt, double *out, ov_error *err)
{
    const ov_json *v = ov_json_find(obj, key);
    *out = dflt;
    return v ? ov_json_as_f64(v, out, err) : OV_OK;
}

ov_status ov_json_str(const ov_json *obj, const char *key, ov_slice dflt, ov_slice *out,
                      ov_error *err)
{
    const ov_json *v = ov_json_find(obj, key);
    *out = dflt;
    return v ? ov_json_as_str(v, out, err) : OV_OK;
}

static ov_status child(const ov_json *obj, const char *key, ov_json_kind kind, const ov_json **out,
                       ov_error *err)
{
    *out = ov_json_find(obj, key);
    return *out ? ov_json_expect(*out, kind, err) : OV_OK;
}

ov_status ov_json_obj(const ov_json *obj, const char *key, const ov_json **out, ov_error *err)
{
    return child(obj, key, OV_JSON_OBJECT, out, err);
}

ov_status ov_json_arr(const ov_json *obj, const char *key, const ov_json **out, ov_error *err)
{
    return child(obj, key, OV_JSON_ARRAY, out, err);
}

static ov_status need(const ov_json *obj, const char *key, const char *wanted, const ov_json **out,
                      ov_error *err)
{
    *out = ov_json_find(obj, key);
    return *out ? OV_OK : missing(obj, key, wanted, err);
}

ov_status ov_json_need(const ov_json *obj, const char *key, const ov_json **out, ov_error *err)
{
    return need(obj, key, "a value", out, err);
}

ov_status ov_json_need_i64(const ov_json *obj, const char *key, int64_t *out, ov_error *err)
{
    const ov_json *v;
    OV_TRY(need(obj, key, "an integer", &v, err));
    return ov_json_as_i64(v, out, err);
}

ov_status ov_json_need_f64(const ov_json *obj, const char *key, double *out, ov_error *err)
{
    const ov_json *v;
    OV_TRY(need(obj, key, "a number", &v, err));
    return ov_json_as_f64(v, out, err);
}

ov_status ov_json_need_str(const ov_json *obj, const char *key, ov_slice *out, ov_error *err)
{
    const ov_json *v;
    OV_TRY(need(obj, key, "a string", &v, err));
    return ov_json_as_str(v, out, err);
}

ov_status ov_json_need_obj(const ov_json *obj, const char *key, const ov_json **out, ov_error *err)
{
    OV_TRY(need(obj, key, "an object", out, err));
    return ov_json_expect(*out, OV_JSON_OBJECT, err);
}

ov_status ov_json_need_arr(const ov_json *obj, const char *key, const ov_json **out, ov_error *err)
{
    OV_TRY(need(obj, key, "an array", out, err));
    return ov_json_expect(*out, OV_JSON_ARRAY, err);
}

ov_status ov_json_only(const ov_json *obj, const char *const *names, size_t n, ov_error *err)
{
    OV_TRY(ov_json_expect(obj, OV_JSON_OBJECT, err));
    for (const ov_json *c = obj->first; c; c = c->next) {
        ov_suggest near;
        bool known = false;
        ov_suggest_init(&near, c->key);
        for (size_t i = 0; i < n && !known; i++) {
            ov_slice name = ov_slice_cstr(names[i]);
            known = ov_slice_eq(name, c->key);
            ov_suggest_offer(&near, name);
        }
        if (known)
            continue;
        char hint[OV_SUGGEST_BYTES];
        ov_json_fail(obj, err, OV_INVALID, "unknown key '" OV_SLICE_FMT "'%s", OV_SLICE_ARG(c->key),
                     ov_suggest_text(&near, hint));
        err->pos = c->pos;
        err->end_pos = c->end_pos;
        return OV_INVALID;
    }
    return OV_OK;
}
