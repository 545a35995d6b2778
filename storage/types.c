#include "storage/types.h"

#include <stdio.h>

static const char *const id_names[] = {
    [OV_TYPE_NULL] = "NULL",       [OV_TYPE_LONG] = "LONG",     [OV_TYPE_DOUBLE] = "DOUBLE",
    [OV_TYPE_FLOAT] = "FLOAT",     [OV_TYPE_STRING] = "STRING", [OV_TYPE_ARRAY] = "ARRAY",
    [OV_TYPE_COMPLEX] = "COMPLEX",
};

static const char *const complex_names[] = {
    [OV_COMPLEX_NONE] = "none",
    [OV_COMPLEX_JSON] = "json",
    [OV_COMPLEX_OTHER] = "other",
    [OV_COMPLEX_HLL] = "HLLSketch",
    [OV_COMPLEX_THETA] = "thetaSketch",
    [OV_COMPLEX_TUPLE] = "arrayOfDoublesSketch",
    [OV_COMPLEX_QUANTILES] = "quantilesDoublesSketch",
    [OV_COMPLEX_KLL_DOUBLES] = "KllDoublesSketch",
    [OV_COMPLEX_KLL_FLOATS] = "KllFloatsSketch",
    [OV_COMPLEX_TDIGEST] = "tDigestSketch",
    [OV_COMPLEX_HYPER_UNIQUE] = "hyperUnique",
    [OV_COMPLEX_APPROX_HISTOGRAM] = "approximateHistogram",
    [OV_COMPLEX_FIXED_HISTOGRAM] = "fixedBucketsHistogram",
    [OV_COMPLEX_BLOOM] = "bloom",
    [OV_COMPLEX_MOMENTS] = "momentSketch",
    [OV_COMPLEX_VARIANCE] = "variance",
    [OV_COMPLEX_LONG_PAIR] = "serializablePairLongLong",
    [OV_COMPLEX_FLOAT_PAIR] = "serializablePairLongFloat",
    [OV_COMPLEX_DOUBLE_PAIR] = "serializablePairLongDouble",
    [OV_COMPLEX_TEXT_PAIR] = "serializablePairLongString",
};

/* Druid tells how a sketch came to be in some names: the bytes are the same. */
static ov_slice plain_name(ov_slice name)
{
    static const char *const tails[] = {"Build", "Merge"};
    for (size_t i = 0; i < OV_COUNT_OF(tails); i++) {
        ov_slice tail = ov_slice_cstr(tails[i]);
        if (name.n > tail.n && ov_slice_ieq(ov_slice_make(name.p + name.n - tail.n, tail.n), tail))
            return ov_slice_make(name.p, name.n - tail.n);
    }
    return name;
}

const char *ov_type_name(ov_type t, char *buf)
{
    if (t.id >= OV_COUNT_OF(id_names))
        return "UNKNOWN";
    if (t.id == OV_TYPE_ARRAY) {
        char inner[48];
        ov_type elem = {.id = t.elem == OV_TYPE_ARRAY ? UINT8_MAX : t.elem, .complex = t.complex};
        snprintf(buf, 48, "ARRAY<%s>", ov_type_name(elem, inner));
        return buf;
    }
    if (t.id == OV_TYPE_COMPLEX) {
        snprintf(buf, 48, "COMPLEX<%s>",
                 t.complex < OV_COUNT_OF(complex_names) ? complex_names[t.complex] : "unknown");
        return buf;
    }
    return id_names[t.id];
}

/* The plain types, LONG to STRING (and NULL). */
static bool parse_scalar(ov_slice name, uint8_t *id)
{
    for (uint8_t i = OV_TYPE_NULL; i <= OV_TYPE_STRING; i++)
        if (ov_slice_ieq(name, ov_slice_cstr(id_names[i]))) {
            *id = i;
            return true;
        }
    return false;
}

/* The text between `word`< and the closing >, when `name` has that shape. */
static bool bracketed(ov_slice name, ov_slice word, ov_slice *inner)
{
    if (name.n < word.n + 2 || name.p[word.n] != '<' || name.p[name.n - 1] != '>')
        return false;
    if (!ov_slice_ieq(ov_slice_make(name.p, word.n), word))
        return false;
    *inner = ov_slice_make(name.p + word.n + 1, name.n - word.n - 2);
    return true;
}

bool ov_type_parse(ov_slice name, ov_type *out)
{
    ov_type t = OV_T(OV_TYPE_NULL);
    ov_slice inner;
    if (parse_scalar(name, &t.id)) {
        *out = t;
        return true;
    }
    if (bracketed(name, OV_SLICE_LIT("ARRAY"), &inner)) {
        t.id = OV_TYPE_ARRAY;
        if (!parse_scalar(inner, &t.elem) || t.elem == OV_TYPE_NULL)
            return false;
        *out = t;
        return true;
    }
    if (bracketed(name, OV_SLICE_LIT("COMPLEX"), &inner)) {
        t.id = OV_TYPE_COMPLEX;
        inner = plain_name(inner);
        for (uint8_t i = OV_COMPLEX_JSON; i < OV_COUNT_OF(complex_names); i++)
            if (ov_slice_ieq(inner, ov_slice_cstr(complex_names[i]))) {
                t.complex = i;
                *out = t;
                return true;
            }
    }
    return false;
}

static bool is_number(ov_type t)
{
    return ov_type_is_int(t) || ov_type_is_real(t);
}

static bool is_json(ov_type t)
{
    return t.id == OV_TYPE_COMPLEX && t.complex == OV_COMPLEX_JSON;
}

static bool is_array_of_plain(ov_type t)
{
    return t.id == OV_TYPE_ARRAY && (ov_type_id)t.elem <= OV_TYPE_STRING;
}

/* An array beside a plain value or a multi-value string is an array of what holds both; beside anything else the newer one counts. */
static ov_type wider_array(ov_type older, ov_type newer)
{
    bool arrays = is_array_of_plain(older) && is_array_of_plain(newer);
    const ov_type *other = is_array_of_plain(older) ? &newer : &older;
    if (!arrays && !is_number(*other) && other->id != OV_TYPE_STRING)
        return newer;
    ov_type a = is_array_of_plain(older) ? OV_T(older.elem) : older, b = is_array_of_plain(newer) ? OV_T(newer.elem) : newer;
    ov_type made = newer.id == OV_TYPE_ARRAY ? newer : older;
    made.elem = ov_type_wider(a, b).id;
    return made;
}

ov_type ov_type_wider(ov_type older, ov_type newer)
{
    if (older.id == OV_TYPE_NULL || ov_type_eq(older, newer))
        return newer;
    if (newer.id == OV_TYPE_NULL)
        return older;
    if (is_number(older) && is_number(newer))
        return OV_T(OV_TYPE_DOUBLE);
    if (is_json(older) || is_json(newer))
        return is_json(older) ? older : newer;
    if (is_array_of_plain(older) || is_array_of_plain(newer))
        return wider_array(older, newer);
    bool plain = (is_number(older) || older.id == OV_TYPE_STRING) && (is_number(newer) || newer.id == OV_TYPE_STRING);
    if (!plain)
        return newer;
    ov_type text = OV_T(OV_TYPE_STRING);
    text.multi = older.multi | newer.multi;
    return text;
}
