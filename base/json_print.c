/* Building JSON documents and writing them as text. */
#include <math.h>
#include "base/json.h"
#include "base/numfmt.h"
#include "base/utf8.h"

/* ---- building ---- */

ov_status ov_json_new(ov_arena *a, ov_json_kind kind, ov_json **out, ov_error *err)
{
    OV_TRY(ov_arena_zalloc(a, sizeof **out, out, err));
    (*out)->kind = kind;
    if (kind == OV_JSON_STRING)
        (*out)->s = OV_SLICE_LIT("");
    return OV_OK;
}

ov_status ov_json_new_str(ov_arena *a, ov_slice text, ov_json **out, ov_error *err)
{
    OV_TRY(ov_json_new(a, OV_JSON_STRING, out, err));
    return ov_arena_copy(a, text, &(*out)->s, err);
}

void ov_json_append(ov_json *array, ov_json *child)
{
    OV_ASSERT(!child->parent);
    child->parent = array;
    child->next = NULL;
    if (array->last)
        array->last->next = child;
    else
        array->first = child;
    array->last = child;
    array->count++;
}

ov_status ov_json_set(ov_arena *a, ov_json *obj, const char *key, ov_json *child, ov_error *err)
{
    OV_ASSERT(obj->kind == OV_JSON_OBJECT && !child->parent);
    OV_TRY(ov_arena_copy(a, ov_slice_cstr(key), &child->key, err));
    ov_json *before = NULL, *old = obj->first;
    while (old && !ov_slice_eq(old->key, child->key)) {
        before = old;
        old = old->next;
    }
    if (!old) {
        ov_json_append(obj, child);
        return OV_OK;
    }
    child->parent = obj;
    child->next = old->next;
    if (before)
        before->next = child;
    else
        obj->first = child;
    if (obj->last == old)
        obj->last = child;
    old->parent = old->next = NULL;
    return OV_OK;
}

ov_status ov_json_copy(ov_arena *a, const ov_json *v, ov_json **out, ov_error *err)
{
    ov_json *mine;
    OV_TRY(ov_json_new(a, v->kind, &mine, err));
    switch (v->kind) {
    case OV_JSON_STRING:
        OV_TRY(ov_arena_copy(a, v->s, &mine->s, err));
        break;
    case OV_JSON_BOOL:
        mine->boolean = v->boolean;
        break;
    case OV_JSON_INT:
        mine->i = v->i;
        OV_TRY(ov_arena_copy(a, v->raw, &mine->raw, err));
        break;
    case OV_JSON_DOUBLE:
        mine->d = v->d;
        OV_TRY(ov_arena_copy(a, v->raw, &mine->raw, err));
        break;
    default:
        break;
    }
    for (const ov_json *c = v->first; c; c = c->next) {
        ov_json *child;
        OV_TRY(ov_json_copy(a, c, &child, err));
        if (c->key.p)
            OV_TRY(ov_arena_copy(a, c->key, &child->key, err));
        ov_json_append(mine, child);
    }
    *out = mine;
    return OV_OK;
}

/* ---- strings ---- */

/* What a byte becomes: 0 itself, u an \u escape, else the letter behind the backslash. Bytes from
 * 0x80 are checked. */
static const char escapes[256] = {
    'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'b',         't',           'n', 'u',
    'f', 'r', 'u', 'u', 'u', 'u', 'u', 'u', 'u',         'u',           'u', 'u',
    'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', ['"'] = '"', ['\\'] = '\\',
};

static void quote_valid(ov_buf *out, ov_slice text)
{
    if (text.n == 0)
        return;
    const char *p = text.p, *end = text.p + text.n, *from = p;
    for (; p < end; p++) {
        char e = escapes[(unsigned char)*p];
        if (OV_LIKELY(!e))
            continue;
        ov_buf_add(out, from, (size_t)(p - from));
        from = p + 1;
        if (!ov_buf_reserve(out, 6))
            return;
        char *to = out->p + out->n;
        to[0] = '\\';
        to[1] = e;
        if (e != 'u') {
            out->n += 2;
            continue;
        }
        static const char hex[] = "0123456789abcdef";
        to[2] = to[3] = '0';
        to[4] = hex[(unsigned char)*p >> 4];
        to[5] = hex[*p & 15];
        out->n += 6;
    }
    ov_buf_add(out, from, (size_t)(p - from));
}

void ov_json_add_quoted(ov_buf *out, ov_slice text)
{
    for (;;) {
        size_t good = ov_utf8_valid_prefix(text);
        quote_valid(out, (ov_slice){text.p, good});
        if (good == text.n)
            break;
        ov_buf_add_str(out, "\xEF\xBF\xBD");
        text.p += good + 1;
        text.n -= good + 1;
        while (text.n && (text.p[0] & 0xC0) == 0x80) { /* the rest of a broken sequence */
            text.p++;
            text.n--;
        }
    }
}

void ov_json_quote(ov_buf *out, ov_slice text)
{
    ov_buf_add_char(out, '"');
    ov_json_add_quoted(out, text);
    ov_buf_add_char(out, '"');
}

/* ---- printing ---- */

void ov_json_add_double(ov_buf *out, double v)
{
    if (isfinite(v)) {
        ov_buf_add_double(out, v);
        return;
    }
    ov_buf_add_char(out, '"');
    ov_buf_add_double(out, v);
    ov_buf_add_char(out, '"');
}

void ov_json_print(const ov_json *v, ov_buf *out)
{
    switch (v->kind) {
    case OV_JSON_NULL:
        ov_buf_add_str(out, "null");
        return;
    case OV_JSON_BOOL:
        ov_buf_add_str(out, v->boolean ? "true" : "false");
        return;
    case OV_JSON_INT:
        ov_buf_add_i64(out, v->i);
        return;
    case OV_JSON_DOUBLE:
        if (v->raw.n)
            ov_buf_add_slice(out, v->raw);
        else
            ov_json_add_double(out, v->d);
        return;
    case OV_JSON_STRING:
        ov_json_quote(out, v->s);
        return;
    case OV_JSON_ARRAY:
    case OV_JSON_OBJECT:
        break;
    }
    bool object = v->kind == OV_JSON_OBJECT;
    ov_buf_add_char(out, object ? '{' : '[');
    for (const ov_json *c = v->first; c; c = c->next) {
        if (object) {
            ov_json_quote(out, c->key);
            ov_buf_add_char(out, ':');
        }
        ov_json_print(c, out);
        if (c->next)
            ov_buf_add_char(out, ',');
    }
    ov_buf_add_char(out, object ? '}' : ']');
}
