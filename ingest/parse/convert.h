/*
 * One field as one column type, the way Druid converts it: see README.md, "Values".
 *
 * Threads: pure; results live in scratch or in the field's text.
 */
#pragma once

#include "base/numparse.h"
#include "ingest/parse/field.h"
#include "ingest/spec/spec.h"

bool ovi_field_long_slow(const ov_field *f, int64_t *out);
bool ovi_field_double_slow(const ov_field *f, double *out);
extern const double ovi_pow10[23];

/* Up to 18 digits with a sign, which is what nearly all whole numbers are. */
OV_INLINE bool ovi_read_long(ov_slice s, int64_t *out)
{
    const char *p = s.p, *end = s.p + s.n;
    bool minus = s.n && *p == '-';
    p += minus;
    if (OV_UNLIKELY(p == end || end - p > 18))
        return false;
    int64_t v = 0;
    for (; p < end; p++) {
        unsigned d = (unsigned)(uint8_t)*p - '0';
        if (OV_UNLIKELY(d > 9))
            return false;
        v = v * 10 + d;
    }
    *out = minus ? -v : v;
    return true;
}

/* Decimals of up to 15 digits: one exact division gives the correctly rounded double. */
OV_INLINE bool ovi_read_double(ov_slice s, double *out)
{
    const char *p = s.p, *end = s.p + s.n;
    bool minus = s.n && *p == '-';
    p += minus;
    if (OV_UNLIKELY(p == end || end - p > 16))
        return false;
    uint64_t m = 0;
    const char *first = p, *point = NULL;
    for (; p < end; p++) {
        unsigned d = (unsigned)(uint8_t)*p - '0';
        if (d <= 9) {
            m = m * 10 + d;
        } else if (*p == '.' && !point) {
            point = p;
        } else {
            return false;
        }
    }
    size_t digits = (size_t)(end - first) - (point != NULL);
    if (OV_UNLIKELY(digits == 0 || digits > 15))
        return false;
    double v = (double)m / ovi_pow10[point ? end - point - 1 : 0];
    *out = minus ? -v : v;
    return true;
}

/* False when the field is no number of this kind; absent fields must not come here. */
OV_INLINE bool ovi_field_long(const ov_field *f, int64_t *out)
{
    if (OV_LIKELY(f->kind == OV_FIELD_TEXT || f->kind == OV_FIELD_INT) && ovi_read_long(f->text, out))
        return true;
    return ovi_field_long_slow(f, out);
}

OV_INLINE bool ovi_field_double(const ov_field *f, double *out)
{
    if (OV_LIKELY(f->kind >= OV_FIELD_TEXT && f->kind <= OV_FIELD_REAL) && ovi_read_double(f->text, out))
        return true;
    return ovi_field_double_slow(f, out);
}

/* The text Druid gives a scalar; p NULL for NULL. Objects become their JSON text. */
OV_CHECKED ov_status ovi_field_string(const ov_field *f, ov_arena *scratch, ov_slice *out, ov_error *err);
/* The values of an ARRAY or LIST as text; NULL elements have p NULL, arrays in them are printed as Java does. */
OV_CHECKED ov_status ovi_field_strings(const ov_field *f, ov_slice list_delimiter, ov_arena *scratch,
                                       ov_slice **items, uint32_t *n, uint64_t *repaired, ov_error *err);
/* Sort, or sort and drop repeats; the new count. */
uint32_t ovi_order_strings(ov_slice *items, uint32_t n, ov_multi_order order);
/* The value as compact JSON. */
OV_CHECKED ov_status ovi_field_json(const ov_field *f, ov_slice list_delimiter, ov_arena *scratch,
                                    ov_slice *out, ov_error *err);

/* A list of one element type; a scalar is a list of one. */
typedef struct ovi_array {
    uint32_t n;
    bool bad; /* some element could not be read and is NULL */
    ov_slice *strings;
    int64_t *longs;
    double *doubles;
    uint64_t *valid;
} ovi_array;
OV_CHECKED ov_status ovi_field_array(const ov_field *f, ov_type_id elem, ov_slice list_delimiter,
                                     ov_arena *scratch, ovi_array *out, uint64_t *repaired, ov_error *err);
