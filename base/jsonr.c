/*
 * See jsonr.h. Skipping a nested value keeps one bit per level (array or object) instead of recursing, so depth costs
 * no stack; printing recurses, bounded by the depth that skipping has checked.
 */
#include "base/jsonr.h"

#include "base/json.h"
#include "base/numparse.h"

typedef struct scan {
    const char *at, *end;
    const char *why;
} scan;

static bool bad(scan *s, const char *why)
{
    s->why = why;
    return false;
}

static void blanks(scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
        s->at++;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f');
}

static bool escape(scan *s)
{
    s->at++;
    if (s->at == s->end)
        return bad(s, "expected the rest of an escape");
    if (*s->at == 'u') {
        if (s->end - s->at < 5 || !is_hex(s->at[1]) || !is_hex(s->at[2]) || !is_hex(s->at[3]) ||
            !is_hex(s->at[4]))
            return bad(s, "expected four hexadecimal digits");
        s->at += 5;
        return true;
    }
    if (!memchr("\"\\/bfnrt", *s->at, 8))
        return bad(s, "expected one of \"\\/bfnrtu behind the backslash");
    s->at++;
    return true;
}

/* With `at` at the opening quote. */
static bool string(scan *s, ov_slice *raw, bool *escaped)
{
    const char *start = ++s->at;
    *escaped = false;
    while (s->at < s->end && *s->at != '"') {
        if ((unsigned char)*s->at < 0x20)
            return bad(s, "expected no control character in a string");
        if (*s->at != '\\') {
            s->at++;
            continue;
        }
        *escaped = true;
        if (!escape(s))
            return false;
    }
    if (s->at == s->end)
        return bad(s, "expected the closing quote");
    *raw = ov_slice_make(start, (size_t)(s->at - start));
    s->at++;
    return true;
}

static bool digits(scan *s)
{
    const char *start = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
        s->at++;
    return s->at > start || bad(s, "expected a digit");
}

static bool number(scan *s, ov_jsonr_value *out)
{
    const char *start = s->at;
    out->kind = OV_JSONR_INT;
    s->at += *s->at == '-';
    if (s->at < s->end && *s->at == '0')
        s->at++;
    else if (!digits(s))
        return false;
    if (s->at < s->end && *s->at == '.') {
        s->at++;
        out->kind = OV_JSONR_REAL;
        if (!digits(s))
            return false;
    }
    if (s->at < s->end && (*s->at | 32) == 'e') {
        s->at++;
        out->kind = OV_JSONR_REAL;
        if (s->at < s->end && (*s->at == '+' || *s->at == '-'))
            s->at++;
        if (!digits(s))
            return false;
    }
    out->text = ov_slice_make(start, (size_t)(s->at - start));
    return true;
}

static bool word(scan *s, ov_slice want, ov_jsonr_kind kind, ov_jsonr_value *out)
{
    if (!ov_slice_starts(ov_slice_make(s->at, (size_t)(s->end - s->at)), want))
        return bad(s, "expected a value");
    out->kind = (uint8_t)kind;
    out->text = ov_slice_make(s->at, want.n);
    s->at += want.n;
    return true;
}

static bool scalar(scan *s, ov_jsonr_value *out)
{
    switch (*s->at) {
    case '"':
        out->kind = OV_JSONR_STRING;
        return string(s, &out->text, &out->escaped);
    case 't':
        return word(s, OV_SLICE_LIT("true"), OV_JSONR_TRUE, out);
    case 'f':
        return word(s, OV_SLICE_LIT("false"), OV_JSONR_FALSE, out);
    case 'n':
        return word(s, OV_SLICE_LIT("null"), OV_JSONR_NULL, out);
    default:
        if (*s->at == '-' || (*s->at >= '0' && *s->at <= '9'))
            return number(s, out);
        return bad(s, "expected a value");
    }
}

static bool key(scan *s, ov_slice *raw, bool *escaped)
{
    blanks(s);
    if (s->at == s->end || *s->at != '"')
        return bad(s, "expected a key in quotes");
    if (!string(s, raw, escaped))
        return false;
    blanks(s);
    if (s->at == s->end || *s->at != ':')
        return bad(s, "expected ':'");
    s->at++;
    return true;
}

/* Behind a value: commas and closing brackets. *deeper: another value follows. */
static bool behind(scan *s, const uint64_t *objects, unsigned *depth, bool *deeper)
{
    ov_slice raw;
    bool escaped;
    *deeper = false;
    while (*depth > 0) {
        bool object = objects[(*depth - 1) / 64] >> ((*depth - 1) % 64) & 1;
        blanks(s);
        if (s->at < s->end && *s->at == ',') {
            s->at++;
            *deeper = true;
            return !object || key(s, &raw, &escaped);
        }
        if (s->at == s->end || *s->at != (object ? '}' : ']'))
            return bad(s, object ? "expected ',' or '}'" : "expected ',' or ']'");
        s->at++;
        --*depth;
    }
    return true;
}

/* The value at `at`, checked to its end. */
static bool value(scan *s, ov_jsonr_value *out)
{
    uint64_t objects[(OV_JSONR_DEPTH + 63) / 64] = {0};
    unsigned depth = 0;
    ov_slice raw;
    bool escaped, deeper = true;
    blanks(s);
    *out = (ov_jsonr_value){0};
    const char *start = s->at;
    while (deeper) {
        blanks(s);
        if (s->at == s->end)
            return bad(s, "expected a value");
        if (*s->at != '[' && *s->at != '{') {
            ov_jsonr_value inner = {0};
            if (!scalar(s, depth ? &inner : out))
                return false;
            if (depth == 0)
                return true;
        } else {
            bool object = *s->at == '{';
            if (depth == OV_JSONR_DEPTH)
                return bad(s, "expected at most 1000 levels");
            if (depth == 0)
                out->kind = object ? OV_JSONR_OBJECT : OV_JSONR_ARRAY;
            uint64_t bit = (uint64_t)1 << (depth % 64);
            objects[depth / 64] = (objects[depth / 64] & ~bit) | (object ? bit : 0);
            depth++;
            s->at++;
            blanks(s);
            if (s->at < s->end && *s->at == (object ? '}' : ']')) {
                s->at++;
                depth--;
            } else {
                if (object && !key(s, &raw, &escaped))
                    return false;
                continue;
            }
        }
        if (!behind(s, objects, &depth, &deeper))
            return false;
    }
    out->text = ov_slice_make(start, (size_t)(s->at - start));
    return true;
}

static bool read_text(ov_slice text, bool whole, ov_jsonr_value *out, const char **why, size_t *pos)
{
    scan s = {.at = text.p, .end = text.p + text.n};
    bool ok = text.n ? value(&s, out) : bad(&s, "expected a value");
    if (ok && whole) {
        blanks(&s);
        if (s.at < s.end)
            ok = bad(&s, "expected nothing behind the value");
    }
    if (!ok && why) {
        *why = s.why;
        *pos = (size_t)(s.at - text.p);
    }
    return ok;
}

bool ov_jsonr_read(ov_slice text, ov_jsonr_value *out, const char **why, size_t *pos)
{
    return read_text(text, true, out, why, pos);
}

bool ov_jsonr_first(ov_slice text, ov_jsonr_value *out, const char **why, size_t *pos)
{
    return read_text(text, false, out, why, pos);
}

ov_jsonr ov_jsonr_open(const ov_jsonr_value *v)
{
    if (v->kind < OV_JSONR_ARRAY)
        return (ov_jsonr){0};
    return (ov_jsonr){.at = v->text.p + 1,
                      .end = v->text.p + v->text.n,
                      .object = v->kind == OV_JSONR_OBJECT};
}

bool ov_jsonr_next(ov_jsonr *r, ov_jsonr_value *item)
{
    scan s = {.at = r->at, .end = r->end};
    ov_slice name = {0};
    bool escaped = false;
    if (!r->at)
        return false;
    blanks(&s);
    if (s.at < s.end && *s.at == ',')
        s.at++;
    blanks(&s);
    if (s.at >= s.end || *s.at == ']' || *s.at == '}')
        return false;
    if (r->object && !key(&s, &name, &escaped))
        return false;
    if (!value(&s, item))
        return false;
    item->key = name;
    item->key_escaped = escaped;
    r->at = s.at;
    return true;
}

/* ---- texts ---- */

static uint32_t hex4(const char *p)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++)
        v = v << 4 | (uint32_t)(p[i] <= '9' ? p[i] - '0' : (p[i] | 32) - 'a' + 10);
    return v;
}

static void add_utf8(ov_buf *out, uint32_t c)
{
    if (c < 0x80) {
        ov_buf_add_char(out, (char)c);
        return;
    }
    if (c < 0x800) {
        ov_buf_add_char(out, (char)(0xC0 | c >> 6));
    } else if (c < 0x10000) {
        ov_buf_add_char(out, (char)(0xE0 | c >> 12));
        ov_buf_add_char(out, (char)(0x80 | (c >> 6 & 63)));
    } else {
        ov_buf_add_char(out, (char)(0xF0 | c >> 18));
        ov_buf_add_char(out, (char)(0x80 | (c >> 12 & 63)));
        ov_buf_add_char(out, (char)(0x80 | (c >> 6 & 63)));
    }
    ov_buf_add_char(out, (char)(0x80 | (c & 63)));
}

/* \uXXXX at p, two of them when they are a pair; the bytes it took. */
static size_t unicode(const char *p, const char *end, ov_buf *out)
{
    uint32_t c = hex4(p + 2);
    if (c >= 0xD800 && c < 0xDC00 && end - p >= 12 && p[6] == '\\' && p[7] == 'u') {
        uint32_t low = hex4(p + 8);
        if (low >= 0xDC00 && low < 0xE000) {
            add_utf8(out, 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00));
            return 12;
        }
    }
    add_utf8(out, c >= 0xD800 && c < 0xE000 ? 0xFFFD : c);
    return 6;
}

void ov_jsonr_unescape(ov_slice raw, ov_buf *out)
{
    static const char names[] = "bfnrt", codes[] = "\b\f\n\r\t";
    const char *p = raw.p, *end = raw.p + raw.n;
    while (p < end) {
        const char *slash = memchr(p, '\\', (size_t)(end - p));
        const char *to = slash ? slash : end;
        ov_buf_add(out, p, (size_t)(to - p));
        p = to;
        if (!slash)
            break;
        if (p[1] == 'u') {
            p += unicode(p, end, out);
            continue;
        }
        const char *name = strchr(names, p[1]);
        ov_buf_add_char(out, name && *name ? codes[name - names] : p[1]);
        p += 2;
    }
}

ov_status ov_jsonr_text(const ov_jsonr_value *v, ov_arena *out, ov_slice *text, ov_error *err)
{
    *text = v->text;
    if (v->kind != OV_JSONR_STRING || !v->escaped)
        return OV_OK;
    ov_buf buf;
    ov_buf_init(&buf);
    ov_jsonr_unescape(v->text, &buf);
    ov_status st = ov_buf_check(&buf, err);
    if (st == OV_OK)
        st = ov_arena_copy(out, ov_buf_slice(&buf), text, err);
    ov_buf_fini(&buf);
    return st;
}

bool ov_jsonr_is(ov_slice raw, bool escaped, ov_slice text)
{
    if (!escaped)
        return ov_slice_eq(raw, text);
    if (raw.n < text.n)
        return false; /* escapes are never shorter than what they stand for */
    ov_buf buf;
    ov_buf_init(&buf);
    ov_jsonr_unescape(raw, &buf);
    bool same = !buf.failed && ov_slice_eq(ov_buf_slice(&buf), text);
    ov_buf_fini(&buf);
    return same;
}

static void print_string(ov_slice raw, bool escaped, ov_buf *out)
{
    if (!escaped) {
        ov_json_quote(out, raw);
        return;
    }
    ov_buf text;
    ov_buf_init(&text);
    ov_jsonr_unescape(raw, &text);
    ov_json_quote(out, ov_buf_slice(&text));
    if (text.failed && !out->failed) { /* the caller asks `out` */
        out->failed = true;
        out->err = text.err;
    }
    ov_buf_fini(&text);
}

void ov_jsonr_print(const ov_jsonr_value *v, ov_buf *out)
{
    double d;
    switch ((ov_jsonr_kind)v->kind) {
    case OV_JSONR_NULL:
    case OV_JSONR_TRUE:
    case OV_JSONR_FALSE:
        ov_buf_add_slice(out, v->text);
        return;
    case OV_JSONR_INT:
        ov_buf_add_slice(out, ov_slice_eq(v->text, OV_SLICE_LIT("-0")) ? OV_SLICE_LIT("0") : v->text);
        return;
    case OV_JSONR_REAL:
        if (ov_parse_double(v->text, &d))
            ov_json_add_double(out, d);
        return;
    case OV_JSONR_STRING:
        print_string(v->text, v->escaped, out);
        return;
    case OV_JSONR_ARRAY:
    case OV_JSONR_OBJECT:
        break;
    }
    bool object = v->kind == OV_JSONR_OBJECT, first = true;
    ov_jsonr in = ov_jsonr_open(v);
    ov_jsonr_value item;
    ov_buf_add_char(out, object ? '{' : '[');
    while (ov_jsonr_next(&in, &item)) {
        if (!first)
            ov_buf_add_char(out, ',');
        first = false;
        if (object) {
            print_string(item.key, item.key_escaped, out);
            ov_buf_add_char(out, ':');
        }
        ov_jsonr_print(&item, out);
    }
    ov_buf_add_char(out, object ? '}' : ']');
}
