/*
 * One value as text: JSON, CSV, or as a person reads it. The slow, general writer behind the encoder's ready texts.
 */
#include "server/query/encode_int.h"

#include <math.h>

#include "base/json.h"
#include "base/numfmt.h"
#include "base/utf8.h"
#include "storage/metric.h"

/* Characters beyond the BMP as Druid's JSON library writes them: two escaped surrogates. */
static void add_surrogates(ov_buf *out, ov_slice s)
{
    const char *at = s.p, *end = s.p + s.n, *plain = at;
    while (at < end) {
        const char *from = at;
        if ((unsigned char)*at < 0xF0) {
            at++;
            continue;
        }
        uint32_t cp = ov_utf8_next(&at, end);
        ov_json_add_quoted(out, ov_slice_make(plain, (size_t)(from - plain)));
        if (cp >= 0x10000)
            ov_buf_addf(out, "\\u%04X\\u%04X", 0xD800 + ((cp - 0x10000) >> 10),
                        0xDC00 + ((cp - 0x10000) & 0x3FF));
        else
            ov_buf_add_str(out, "\\uFFFD");
        plain = at;
    }
    ov_json_add_quoted(out, ov_slice_make(plain, (size_t)(end - plain)));
}

static bool beyond_bmp(ov_slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0xF0)
            return true;
    return false;
}

/* Take a piece off a text: a long one is written with looks at whether it is still wanted. Cut in front of a character. */
static bool next_piece(const ov_encode_options *o, ov_slice *rest, ov_slice *piece, ov_buf *out)
{
    enum { PIECE = 1 << 20 };
    ov_error err;
    size_t n = OV_MIN(rest->n, PIECE);
    if (!n || out->failed)
        return false;
    while (n < rest->n && (rest->p[n] & 0xC0) == 0x80)
        n++;
    *piece = ov_slice_make(rest->p, n);
    *rest = ov_slice_make(rest->p + n, rest->n - n);
    if (rest->n && ov_budget_alive(o->budget, &err) != OV_OK)
        ov_buf_fail(out, &err);
    return !out->failed;
}

/* A JSON string. A final backslash is written \u005c: pydruid's incremental reader takes \" after it for an
 * escaped quote and loses the rest of the result (same JSON value either way). */
static void add_json_string(const ov_encode_options *o, ov_buf *out, ov_slice s)
{
    size_t before = out->n;
    ov_slice rest = s, piece;
    ov_buf_add_char(out, '"');
    while (next_piece(o, &rest, &piece, out)) {
        if (OV_UNLIKELY(beyond_bmp(piece)))
            add_surrogates(out, piece);
        else
            ov_json_add_quoted(out, piece);
    }
    ov_buf_add_char(out, '"');
    if (s.n && s.p[s.n - 1] == '\\' && !out->failed && out->n - before >= 3) {
        out->n -= 3; /* \\" */
        ov_buf_add_str(out, "\\u005c\"");
    }
}

void ov_encode_csv_text(ov_buf *out, ov_slice s)
{
    bool quote = s.n && (memchr(s.p, ',', s.n) || memchr(s.p, '"', s.n) || memchr(s.p, '\n', s.n) || memchr(s.p, '\r', s.n));
    if (!quote) {
        ov_buf_add_slice(out, s);
        return;
    }
    const char *at = s.p, *end = s.p + s.n;
    ov_buf_add_char(out, '"');
    for (const char *found; (found = memchr(at, '"', (size_t)(end - at))); at = found + 1) {
        ov_buf_add(out, at, (size_t)(found + 1 - at));
        ov_buf_add_char(out, '"');
    }
    ov_buf_add(out, at, (size_t)(end - at));
    ov_buf_add_char(out, '"');
}

static void add_text(const ov_encode_options *o, ov_buf *out, ov_slice s, bool plain, bool csv)
{
    if (plain && !csv)
        ov_buf_add_slice(out, s);
    else if (csv)
        ov_encode_csv_text(out, s);
    else
        add_json_string(o, out, s);
}

static void add_real(ov_buf *out, ov_type type, double v, bool quote_odd)
{
    bool quote = quote_odd && !isfinite(v);
    if (quote)
        ov_buf_add_char(out, '"');
    if (type.id == OV_TYPE_FLOAT)
        ov_buf_add_float(out, (float)v);
    else
        ov_buf_add_double(out, v);
    if (quote)
        ov_buf_add_char(out, '"');
}

/* A look at whether a long list is still wanted. */
static bool wanted(const ov_encode_options *o, uint32_t step, ov_buf *out)
{
    ov_error err;
    if (ov_budget_alive_at(o->budget, step, &err) != OV_OK)
        ov_buf_fail(out, &err);
    return !out->failed;
}

/* Arrays that are not to be text have no form of their own in csv: Druid prints Java's. */
static void add_java_list(const ov_encode_options *o, ov_buf *out, ov_type type, const ov_vec *list, uint32_t first, uint32_t end)
{
    ov_buf_add_char(out, '[');
    for (uint32_t i = first; i < end && wanted(o, i - first, out); i++) {
        ov_buf_add_str(out, i > first ? ", " : "");
        if (ov_vec_is_null(list, i))
            ov_buf_add_str(out, "null");
        else if (type.elem == OV_TYPE_LONG)
            ov_buf_add_i64(out, ov_vec_i64(list, i));
        else if (type.elem == OV_TYPE_DOUBLE || type.elem == OV_TYPE_FLOAT)
            add_real(out, OV_T(type.elem), ov_vec_f64(list, i), false);
        else
            ov_buf_add_slice(out, ov_vec_str(list, i));
    }
    ov_buf_add_char(out, ']');
}

static void add_item(ov_buf *out, ov_type type, const ov_vec *list, uint32_t i)
{
    if (ov_vec_is_null(list, i))
        ov_buf_add_str(out, "null");
    else if (type.id == OV_TYPE_STRING || type.elem == OV_TYPE_STRING)
        ov_json_quote(out, ov_vec_str(list, i));
    else if (type.elem == OV_TYPE_LONG)
        ov_buf_add_i64(out, ov_vec_i64(list, i));
    else if (type.elem == OV_TYPE_DOUBLE || type.elem == OV_TYPE_FLOAT)
        add_real(out, OV_T(type.elem), ov_vec_f64(list, i), true);
    else /* JSON is its own text */
        ov_buf_add_slice(out, ov_vec_str(list, i));
}

static void add_list(const ov_encode_options *o, ov_buf *out, ov_type type, const ov_vec *list, uint32_t first, uint32_t end)
{
    ov_buf_add_char(out, '[');
    for (uint32_t i = first; i < end && wanted(o, i - first, out); i++) {
        if (i > first)
            ov_buf_add_char(out, ',');
        add_item(out, type, list, i);
    }
    ov_buf_add_char(out, ']');
}

/* A multi-value string whose only value is NULL prints as NULL. */
static bool is_one_null(const ov_vec *v, uint32_t row)
{
    uint32_t first, end;
    if (v->type.id != OV_TYPE_STRING || !v->type.multi)
        return false;
    const ov_vec *list = ov_vec_list(v, row, &first, &end);
    return end - first == 1 && ov_vec_is_null(list, first);
}

static void add_list_cell(const ov_encode_options *o, ov_type type, const ov_vec *v, uint32_t row,
                          bool plain, ov_buf *out)
{
    uint32_t first, end;
    const ov_vec *list = ov_vec_list(v, row, &first, &end);
    bool multi = type.id == OV_TYPE_STRING;
    if (type.id == OV_TYPE_ARRAY && type.multi && end - first == 1) { /* of numbers one is a number */
        add_item(out, type, list, first);
        return;
    }
    if (multi && end - first == 1 && !ov_vec_is_null(list, first)) {
        add_text(o, out, ov_vec_str(list, first), plain,
                 ovi_is_csv(o)); /* one value prints as a plain string */
        return;
    }
    bool as_json = (!multi || o->lists) && !o->stringify_arrays && !ovi_is_csv(o);
    if (as_json || (plain && !ovi_is_csv(o))) {
        add_list(o, out, type, list, first, end);
        return;
    }
    ov_buf text;
    ov_buf_init(&text);
    if (!multi && !o->stringify_arrays)
        add_java_list(o, &text, type, list, first, end);
    else
        add_list(o, &text, type, list, first, end);
    add_text(o, out, ov_buf_slice(&text), false, ovi_is_csv(o));
    ov_buf_fini(&text);
}

/* The JSON of a sketch is the text that is printed: Druid makes JSON of complex values first. */
static void add_sketch(const ov_encode_options *o, ov_type type, ov_slice bytes, bool plain, bool csv, ov_buf *out)
{
    ov_buf text;
    ov_buf_init(&text);
    ov_metric_print((ov_complex_id)type.complex, bytes, &text);
    add_text(o, out, ov_buf_slice(&text), plain, csv);
    if (text.failed)
        ov_buf_fail(out, &text.err);
    ov_buf_fini(&text);
}

void ovi_add_cell(const ov_encode_options *o, const ov_field *f, const ov_vec *v, uint32_t row,
                  bool plain, ov_buf *out)
{
    bool csv = ovi_is_csv(o);
    if (ov_vec_is_null(v, row) || is_one_null(v, row)) {
        if (!csv && !plain)
            ov_buf_add_str(out, "null");
        return;
    }
    if (ov_type_is_list(f->type)) {
        add_list_cell(o, f->type, v, row, plain, out);
        return;
    }
    switch ((ov_sqltype)f->sql) {
    case OV_SQL_BOOLEAN:
        ov_buf_add_str(out, ov_vec_i64(v, row) > 0 ? "true" : "false");
        return;
    case OV_SQL_TIMESTAMP:
    case OV_SQL_DATE:
        if (!csv && !plain)
            ov_buf_add_char(out, '"');
        ov_iso_add(out, ov_vec_i64(v, row), o->tz);
        if (!csv && !plain)
            ov_buf_add_char(out, '"');
        return;
    default:
        break;
    }
    if (ov_type_is_int(f->type))
        ov_buf_add_i64(out, ov_vec_i64(v, row));
    else if (ov_type_is_real(f->type))
        add_real(out, f->type, ov_vec_f64(v, row), !csv && !plain);
    else if (ov_type_is_sketch(f->type))
        add_sketch(o, f->type, ov_vec_str(v, row), plain, csv, out);
    else
        add_text(o, out, ov_vec_str(v, row), plain, csv);
}

ov_status ov_encode_cell(const ov_encode_options *options, const ov_field *field, const ov_vec *v,
                         uint32_t row, bool as_text, ov_buf *out, ov_error *err)
{
    ovi_add_cell(options, field, v, row, as_text, out);
    return ov_buf_check(out, err);
}
