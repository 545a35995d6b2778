/* Conversions of fields; see ingest/parse/convert.h. */
#include "ingest/parse/convert.h"

#include <stdlib.h>
#include "base/bits.h"
#include "base/json.h"
#include "base/numfmt.h"
#include "ingest/parse/json_scan.h"

const double ovi_pow10[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                              1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* A real number in a long column loses its fraction, as Java's Number.longValue does; one that no long can hold is
 * refused rather than clamped. */
static bool truncate(double d, int64_t *out)
{
    if (!(d > -9223372036854775809.0 && d < 9223372036854775808.0))
        return false;
    *out = (int64_t)d;
    return true;
}

bool ovi_field_long_slow(const ov_field *f, int64_t *out)
{
    double d;
    switch ((ov_field_kind)f->kind) {
    case OV_FIELD_TEXT:
        return ov_parse_i64_lenient(f->text, out);
    case OV_FIELD_INT:
        return ov_parse_i64(f->text, out);
    case OV_FIELD_REAL:
        return ov_parse_double(f->text, &d) && truncate(d, out);
    case OV_FIELD_TRUE:
    case OV_FIELD_FALSE:
        *out = f->kind == OV_FIELD_TRUE;
        return true;
    case OV_FIELD_MISSING:
    case OV_FIELD_NULL:
    case OV_FIELD_ARRAY:
    case OV_FIELD_OBJECT:
    case OV_FIELD_LIST:
        break;
    }
    return false;
}

bool ovi_field_double_slow(const ov_field *f, double *out)
{
    switch ((ov_field_kind)f->kind) {
    case OV_FIELD_TEXT:
        return ov_parse_double_java(f->text, out);
    case OV_FIELD_INT:
    case OV_FIELD_REAL:
        return ov_parse_double(f->text, out);
    case OV_FIELD_TRUE:
    case OV_FIELD_FALSE:
        *out = f->kind == OV_FIELD_TRUE ? 1 : 0;
        return true;
    case OV_FIELD_MISSING:
    case OV_FIELD_NULL:
    case OV_FIELD_ARRAY:
    case OV_FIELD_OBJECT:
    case OV_FIELD_LIST:
        break;
    }
    return false;
}

/* Java's Double.toString of a literal. */
static ov_status real_text(ov_slice literal, ov_arena *scratch, ov_slice *out, ov_error *err)
{
    char text[OV_FMT_DOUBLE_BYTES];
    double d = 0;
    if (!ov_parse_double(literal, &d))
        return ov_fail(err, OV_INTERNAL, "'" OV_SLICE_FMT "' was taken for a number",
                       OV_SLICE_ARG(literal));
    return ov_arena_copy(scratch, ov_slice_make(text, ov_fmt_double(d, text)), out, err);
}

ov_status ovi_field_string(const ov_field *f, ov_arena *scratch, ov_slice *out, ov_error *err)
{
    *out = (ov_slice){NULL, 0};
    switch ((ov_field_kind)f->kind) {
    case OV_FIELD_MISSING:
    case OV_FIELD_NULL:
        return OV_OK;
    case OV_FIELD_TEXT:
    case OV_FIELD_LIST:
        *out = f->text.p ? f->text : (ov_slice){"", 0};
        return OV_OK;
    case OV_FIELD_INT: /* digits stay as they are, however many there are */
        *out = ov_slice_eq(f->text, OV_SLICE_LIT("-0")) ? OV_SLICE_LIT("0") : f->text;
        return OV_OK;
    case OV_FIELD_REAL:
        return real_text(f->text, scratch, out, err);
    case OV_FIELD_TRUE:
        *out = OV_SLICE_LIT("true");
        return OV_OK;
    case OV_FIELD_FALSE:
        *out = OV_SLICE_LIT("false");
        return OV_OK;
    case OV_FIELD_ARRAY:
    case OV_FIELD_OBJECT:
        break;
    }
    return ovi_json_compact(f->text, scratch, out, err);
}

/* An array inside an array, in the form of Java's List.toString, which is what Druid stores: [3, [4, 5]]. */
static ov_status add_list_text(const ov_field *f, ov_arena *scratch, ov_buf *out, uint64_t *repaired,
                               ov_error *err)
{
    ov_field *items;
    ov_slice s;
    uint32_t n;
    OV_TRY(ovi_json_items(f->text, scratch, &items, &n, repaired, err));
    ov_buf_add_char(out, '[');
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            ov_buf_add_str(out, ", ");
        if (items[i].kind == OV_FIELD_ARRAY) {
            OV_TRY(add_list_text(&items[i], scratch, out, repaired, err)); /* as deep as the reader let through */
            continue;
        }
        OV_TRY(ovi_field_string(&items[i], scratch, &s, err));
        ov_buf_add_slice(out, s.p ? s : OV_SLICE_LIT("null"));
    }
    ov_buf_add_char(out, ']');
    return ov_buf_check(out, err);
}

static ov_status list_text(const ov_field *f, ov_arena *scratch, ov_slice *out, uint64_t *repaired,
                           ov_error *err)
{
    ov_buf text;
    ov_buf_init(&text);
    ov_status st = add_list_text(f, scratch, &text, repaired, err);
    if (st == OV_OK)
        st = ov_arena_copy(scratch, ov_buf_slice(&text), out, err);
    ov_buf_fini(&text);
    return st;
}

/* The parts of a text between delimiters. */
static ov_status split_list(ov_slice text, ov_slice delimiter, ov_arena *scratch, ov_slice **items,
                            uint32_t *count, ov_error *err)
{
    uint32_t n = 1;
    for (const char *p = text.p; (p = memmem(p, (size_t)(text.p + text.n - p), delimiter.p, delimiter.n));)
        n++, p += delimiter.n;
    OV_TRY(ov_arena_alloc(scratch, n * sizeof **items, items, err));
    const char *from = text.p, *end = text.p + text.n;
    for (uint32_t i = 0; i < n; i++) {
        const char *to = i + 1 < n ? memmem(from, (size_t)(end - from), delimiter.p, delimiter.n) : end;
        (*items)[i] = ov_slice_make(from, (size_t)(to - from));
        from = to + delimiter.n;
    }
    *count = n;
    return OV_OK;
}

ov_status ovi_field_strings(const ov_field *f, ov_slice list_delimiter, ov_arena *scratch,
                            ov_slice **items, uint32_t *n, uint64_t *repaired, ov_error *err)
{
    ov_field *values;
    if (f->kind == OV_FIELD_LIST)
        return split_list(f->text, list_delimiter, scratch, items, n, err);
    OV_TRY(ovi_json_items(f->text, scratch, &values, n, repaired, err));
    OV_TRY(ov_arena_alloc(scratch, (*n + 1) * sizeof **items, items, err));
    for (uint32_t i = 0; i < *n; i++)
        OV_TRY(values[i].kind == OV_FIELD_ARRAY
                   ? list_text(&values[i], scratch, &(*items)[i], repaired, err)
                   : ovi_field_string(&values[i], scratch, &(*items)[i], err));
    return OV_OK;
}

static int by_text(const void *a, const void *b)
{
    const ov_slice *x = a, *y = b;
    if (!x->p || !y->p) /* NULL first */
        return (x->p != NULL) - (y->p != NULL);
    return ov_slice_cmp(*x, *y);
}

uint32_t ovi_order_strings(ov_slice *items, uint32_t n, ov_multi_order order)
{
    uint32_t kept = 0;
    if (order == OV_MULTI_ARRAY || n < 2)
        return n;
    qsort(items, n, sizeof *items, by_text);
    if (order == OV_MULTI_SORTED_ARRAY)
        return n;
    for (uint32_t i = 0; i < n; i++)
        if (i == 0 || by_text(&items[i], &items[kept - 1]) != 0)
            items[kept++] = items[i];
    return kept;
}

ov_status ovi_field_json(const ov_field *f, ov_slice list_delimiter, ov_arena *scratch, ov_slice *out,
                         ov_error *err)
{
    ov_buf text;
    ov_slice *items;
    uint32_t n;
    if (f->kind != OV_FIELD_TEXT && f->kind != OV_FIELD_LIST)
        return ovi_json_compact(f->text, scratch, out, err);
    ov_buf_init(&text);
    ov_status st = OV_OK;
    if (f->kind == OV_FIELD_TEXT) {
        ov_json_quote(&text, f->text);
    } else {
        st = split_list(f->text, list_delimiter, scratch, &items, &n, err);
        ov_buf_add_char(&text, '[');
        for (uint32_t i = 0; st == OV_OK && i < n; i++) {
            if (i)
                ov_buf_add_char(&text, ',');
            ov_json_quote(&text, items[i]);
        }
        ov_buf_add_char(&text, ']');
    }
    if (st == OV_OK)
        st = ov_buf_check(&text, err);
    if (st == OV_OK)
        st = ov_arena_copy(scratch, ov_buf_slice(&text), out, err);
    ov_buf_fini(&text);
    return st;
}

/* The elements of any field, still as fields. */
static ov_status open_list(const ov_field *f, ov_slice list_delimiter, ov_arena *scratch,
                           ov_field **items, uint32_t *n, uint64_t *repaired, ov_error *err)
{
    ov_slice *parts;
    if (f->kind == OV_FIELD_ARRAY)
        return ovi_json_items(f->text, scratch, items, n, repaired, err);
    if (f->kind != OV_FIELD_LIST) {
        *n = 1;
        OV_TRY(ov_arena_alloc(scratch, sizeof **items, items, err));
        **items = *f;
        return OV_OK;
    }
    OV_TRY(split_list(f->text, list_delimiter, scratch, &parts, n, err));
    OV_TRY(ov_arena_alloc(scratch, *n * sizeof **items, items, err));
    for (uint32_t i = 0; i < *n; i++)
        (*items)[i] = (ov_field){.kind = OV_FIELD_TEXT, .text = parts[i]};
    return OV_OK;
}

ov_status ovi_field_array(const ov_field *f, ov_type_id elem, ov_slice list_delimiter,
                          ov_arena *scratch, ovi_array *out, uint64_t *repaired, ov_error *err)
{
    ov_field *items;
    *out = (ovi_array){0};
    OV_TRY(open_list(f, list_delimiter, scratch, &items, &out->n, repaired, err));
    if (elem == OV_TYPE_STRING) {
        OV_TRY(ov_arena_alloc(scratch, (out->n + 1) * sizeof *out->strings, &out->strings, err));
        for (uint32_t i = 0; i < out->n; i++)
            OV_TRY(ovi_field_string(&items[i], scratch, &out->strings[i], err));
        return OV_OK;
    }
    OV_TRY(ov_arena_zalloc(scratch, (out->n + 1) * sizeof(int64_t), &out->longs, err));
    OV_TRY(ov_arena_zalloc(scratch, (ov_words(out->n) + 1) * 8, &out->valid, err));
    out->doubles = (double *)(void *)out->longs;
    for (uint32_t i = 0; i < out->n; i++) {
        if (ov_field_absent(&items[i]))
            continue;
        bool ok = elem == OV_TYPE_LONG ? ovi_field_long(&items[i], &out->longs[i])
                                       : ovi_field_double(&items[i], &out->doubles[i]);
        if (ok && elem == OV_TYPE_FLOAT)
            out->doubles[i] = (double)(float)out->doubles[i];
        if (ok)
            ov_bits_set(out->valid, i);
        else
            out->bad = true;
    }
    return OV_OK;
}
