/* JSON text of rows; see ingest/parse/json_scan.h. */
#include "ingest/parse/json_scan.h"

#include "base/buf.h"
#include "base/utf8.h"
#include "ingest/parse/byte_scan.h"

bool ovi_json_fail(ovi_json_text *t, const char *what)
{
    t->what = what;
    return false;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* p at the backslash; the byte behind the escape, or NULL. */
static const char *skip_escape(const char *p)
{
    static const char simple[] = "\"\\/bfnrt";
    if (p[1] == 'u') {
        for (int i = 2; i < 6; i++)
            if (hex_digit(p[i]) < 0)
                return NULL;
        return p + 6;
    }
    return p[1] && strchr(simple, p[1]) ? p + 2 : NULL;
}

bool ovi_json_string(ovi_json_text *t, ov_slice *raw, bool *escaped)
{
    const char *start = t->at + 1, *p = start;
    *escaped = false;
    for (;;) {
        p = ovi_scan_string(p);
        if (OV_LIKELY(*p == '"')) {
            *raw = ov_slice_make(start, (size_t)(p - start));
            t->at = p + 1;
            return true;
        }
        t->at = p;
        if (*p != '\\')
            return ovi_json_fail(t, p >= t->end || *p == '\n'
                                        ? "the string is not closed"
                                        : "a control character in a string must be escaped");
        *escaped = true;
        p = skip_escape(p);
        if (!p)
            return ovi_json_fail(t, "no JSON escape");
    }
}

OV_INLINE bool is_digit(char c)
{
    return (unsigned)(uint8_t)c - '0' <= 9;
}

static bool read_number(ovi_json_text *t, ov_field *out)
{
    const char *p = t->at;
    out->kind = OV_FIELD_INT;
    if (*p == '-')
        p++;
    if (*p == '0') {
        p++;
        if (is_digit(*p))
            return ovi_json_fail(t, "a number must not start with 0");
    } else {
        if (!is_digit(*p))
            return ovi_json_fail(t, "expected a value");
        while (is_digit(*p))
            p++;
    }
    if (*p == '.') {
        out->kind = OV_FIELD_REAL;
        if (!is_digit(*++p)) {
            t->at = p;
            return ovi_json_fail(t, "expected a digit behind the decimal point");
        }
        while (is_digit(*p))
            p++;
    }
    if (*p == 'e' || *p == 'E') {
        out->kind = OV_FIELD_REAL;
        p++;
        if (*p == '+' || *p == '-')
            p++;
        if (!is_digit(*p)) {
            t->at = p;
            return ovi_json_fail(t, "expected digits in the exponent");
        }
        while (is_digit(*p))
            p++;
    }
    out->text = ov_slice_make(t->at, (size_t)(p - t->at));
    t->at = p;
    return true;
}

static bool skip_object(ovi_json_text *t, unsigned depth);
static bool skip_array(ovi_json_text *t, unsigned depth);

static bool read_word(ovi_json_text *t, const char *word, ov_field_kind kind, ov_field *out)
{
    size_t n = strlen(word);
    if (strncmp(t->at, word, n) != 0)
        return ovi_json_fail(t, "expected a value");
    out->kind = (uint8_t)kind;
    out->text = ov_slice_make(t->at, n);
    t->at += n;
    return true;
}

bool ovi_json_value(ovi_json_text *t, ov_field *out, bool *escaped, unsigned depth)
{
    const char *start = t->at;
    *escaped = false;
    switch (*start) {
    case '"':
        out->kind = OV_FIELD_TEXT;
        return ovi_json_string(t, &out->text, escaped);
    case '{':
        out->kind = OV_FIELD_OBJECT;
        if (!skip_object(t, depth))
            return false;
        out->text = ov_slice_make(start, (size_t)(t->at - start));
        return true;
    case '[':
        out->kind = OV_FIELD_ARRAY;
        if (!skip_array(t, depth))
            return false;
        out->text = ov_slice_make(start, (size_t)(t->at - start));
        return true;
    case 't':
        return read_word(t, "true", OV_FIELD_TRUE, out);
    case 'f':
        return read_word(t, "false", OV_FIELD_FALSE, out);
    case 'n':
        return read_word(t, "null", OV_FIELD_NULL, out);
    default:
        return read_number(t, out);
    }
}

bool ovi_json_skip(ovi_json_text *t, unsigned depth)
{
    ov_field ignored;
    bool escaped;
    return ovi_json_value(t, &ignored, &escaped, depth);
}

static bool skip_object(ovi_json_text *t, unsigned depth)
{
    ov_slice key;
    bool escaped;
    if (depth >= OVI_JSON_DEPTH)
        return ovi_json_fail(t, "nested deeper than 1000 levels");
    t->at++;
    if (ovi_json_peek(t) == '}') {
        t->at++;
        return true;
    }
    for (;;) {
        if (ovi_json_peek(t) != '"')
            return ovi_json_fail(t, "expected a name in quotes");
        if (!ovi_json_string(t, &key, &escaped))
            return false;
        if (ovi_json_peek(t) != ':')
            return ovi_json_fail(t, "expected ':'");
        t->at++;
        ovi_json_peek(t);
        if (!ovi_json_skip(t, depth + 1))
            return false;
        char c = ovi_json_peek(t);
        if (c == '}') {
            t->at++;
            return true;
        }
        if (c != ',')
            return ovi_json_fail(t, "expected ',' or '}'");
        t->at++;
    }
}

static bool skip_array(ovi_json_text *t, unsigned depth)
{
    if (depth >= OVI_JSON_DEPTH)
        return ovi_json_fail(t, "nested deeper than 1000 levels");
    t->at++;
    if (ovi_json_peek(t) == ']') {
        t->at++;
        return true;
    }
    for (;;) {
        ovi_json_peek(t);
        if (!ovi_json_skip(t, depth + 1))
            return false;
        char c = ovi_json_peek(t);
        if (c == ']') {
            t->at++;
            return true;
        }
        if (c != ',')
            return ovi_json_fail(t, "expected ',' or ']'");
        t->at++;
    }
}

/* ---- opening ---- */

static unsigned read_hex4(const char *p)
{
    unsigned v = 0;
    for (int i = 0; i < 4; i++)
        v = v << 4 | (unsigned)hex_digit(p[i]);
    return v;
}

/* p behind "\u"; the code point, with *p moved over a second half. */
static uint32_t read_code_point(const char **p, const char *end, uint64_t *repaired)
{
    uint32_t c = read_hex4(*p);
    *p += 4;
    if (c < 0xD800 || c > 0xDFFF)
        return c;
    if (c < 0xDC00 && end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u') {
        uint32_t low = read_hex4(*p + 2);
        if (low >= 0xDC00 && low <= 0xDFFF) {
            *p += 6;
            return 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
        }
    }
    ++*repaired;
    return 0xFFFD;
}

ov_status ovi_json_unescape(ov_slice raw, ov_arena *scratch, ov_slice *out, uint64_t *repaired,
                            ov_error *err)
{
    char *to; /* no escape is shorter than what it stands for */
    OV_TRY(ov_arena_alloc(scratch, raw.n + 4, &to, err));
    char *w = to;
    for (const char *p = raw.p, *end = raw.p + raw.n; p < end;) {
        if (*p != '\\') {
            *w++ = *p++;
            continue;
        }
        char c = p[1];
        p += 2;
        switch (c) {
        case 'u':
            w += ov_utf8_put(read_code_point(&p, end, repaired), w);
            break;
        case 'b':
            *w++ = '\b';
            break;
        case 'f':
            *w++ = '\f';
            break;
        case 'n':
            *w++ = '\n';
            break;
        case 'r':
            *w++ = '\r';
            break;
        case 't':
            *w++ = '\t';
            break;
        default:
            *w++ = c;
        }
    }
    *out = ov_slice_make(to, (size_t)(w - to));
    return OV_OK;
}

ov_status ovi_json_compact(ov_slice json, ov_arena *scratch, ov_slice *out, ov_error *err)
{
    char *to = NULL, *w = NULL;
    bool in_string = false;
    for (size_t i = 0; i < json.n; i++) {
        char c = json.p[i];
        if (in_string) {
            if (c == '\\') {
                if (w)
                    *w++ = c;
                c = json.p[++i];
            } else if (c == '"') {
                in_string = false;
            }
        } else if (c == '"') {
            in_string = true;
        } else if ((uint8_t)c <= ' ') {
            if (!to) {
                OV_TRY(ov_arena_alloc(scratch, json.n, &to, err));
                memcpy(to, json.p, i);
                w = to + i;
            }
            continue;
        }
        if (w)
            *w++ = c;
    }
    *out = to ? ov_slice_make(to, (size_t)(w - to)) : json;
    return OV_OK;
}

/* A checked value from inside a container: cannot fail but for memory. */
static ov_status open_value(ovi_json_text *t, ov_arena *scratch, ov_field *out, uint64_t *repaired,
                            ov_error *err)
{
    bool escaped;
    ovi_json_peek(t);
    if (!ovi_json_value(t, out, &escaped, 0))
        return ov_fail(err, OV_INTERNAL, "checked JSON does not read again: %s", t->what);
    if (out->kind == OV_FIELD_TEXT && escaped)
        return ovi_json_unescape(out->text, scratch, &out->text, repaired, err);
    return OV_OK;
}

ov_status ovi_json_items(ov_slice array, ov_arena *scratch, ov_field **items, uint32_t *count,
                         uint64_t *repaired, ov_error *err)
{
    ovi_json_text t = {.at = array.p + 1, .end = array.p + array.n, .multi_line = true};
    uint32_t cap = 0, n = 0;
    ov_field *list = NULL;
    while (ovi_json_peek(&t) != ']') {
        OV_TRY(ov_arena_room(scratch, &list, n, &cap, 1, sizeof *list, err));
        OV_TRY(open_value(&t, scratch, &list[n++], repaired, err));
        if (ovi_json_peek(&t) == ',')
            t.at++;
    }
    *items = list;
    *count = n;
    return OV_OK;
}

ov_status ovi_json_member(ov_slice object, ov_slice key, ov_arena *scratch, ov_field *out,
                          uint64_t *repaired, ov_error *err)
{
    ovi_json_text t = {.at = object.p + 1, .end = object.p + object.n, .multi_line = true};
    *out = (ov_field){0};
    while (ovi_json_peek(&t) == '"') {
        ov_slice name;
        bool escaped;
        if (!ovi_json_string(&t, &name, &escaped))
            return ov_fail(err, OV_INTERNAL, "checked JSON does not read again: %s", t.what);
        if (escaped)
            OV_TRY(ovi_json_unescape(name, scratch, &name, repaired, err));
        ovi_json_peek(&t);
        t.at++;
        ovi_json_peek(&t);
        if (ov_slice_eq(name, key)) {
            OV_TRY(open_value(&t, scratch, out, repaired, err));
        } else if (!ovi_json_skip(&t, 0)) {
            return ov_fail(err, OV_INTERNAL, "checked JSON does not read again: %s", t.what);
        }
        if (ovi_json_peek(&t) == ',')
            t.at++;
    }
    return OV_OK;
}
