/*
 * A reader of JSON text in place: one walk, no tree, no memory. For values that live as text (rows' JSON
 * columns); documents of specs and requests are read by base/json.h.
 *
 *     ov_jsonr_value v, item;
 *     ov_jsonr in;
 *     if (ov_jsonr_read(text, &v, &why) && v.kind == OV_JSONR_OBJECT)
 *         for (in = ov_jsonr_open(&v); ov_jsonr_next(&in, &item);) ... item.key ... item.text ...
 *
 * The grammar is RFC 8259. Text may come from anywhere; nothing is read outside the slice. A value that was handed
 * out has been checked to its end, so opening it cannot fail.
 *
 * Threads: plain values.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

enum { OV_JSONR_DEPTH = 1000 };

typedef enum ov_jsonr_kind {
    OV_JSONR_NULL,
    OV_JSONR_TRUE,
    OV_JSONR_FALSE,
    OV_JSONR_INT,  /* -?digits, of any size */
    OV_JSONR_REAL, /* with point or exponent */
    OV_JSONR_STRING,
    OV_JSONR_ARRAY,
    OV_JSONR_OBJECT,
} ov_jsonr_kind;

typedef struct ov_jsonr_value {
    uint8_t kind;     /* ov_jsonr_kind */
    bool escaped;     /* STRING: the text holds escapes */
    bool key_escaped;
    ov_slice text;    /* as written; of a STRING what stands between the quotes */
    ov_slice key;     /* inside an object, as written between the quotes */
} ov_jsonr_value;

typedef struct ov_jsonr {
    const char *at, *end;
    bool object;
} ov_jsonr;

/* One value and nothing but blanks around it. *why (may be NULL): what was expected, a static text, and *pos the byte. */
bool ov_jsonr_read(ov_slice text, ov_jsonr_value *out, const char **why, size_t *pos);
/* The first value of the text, whatever stands behind it: Druid's PARSE_JSON reads so. */
bool ov_jsonr_first(ov_slice text, ov_jsonr_value *out, const char **why, size_t *pos);
/* The items of an ARRAY or OBJECT; of anything else there are none. */
ov_jsonr ov_jsonr_open(const ov_jsonr_value *v);
bool ov_jsonr_next(ov_jsonr *r, ov_jsonr_value *item);

/* The text of a string without its escapes; lone surrogates become U+FFFD. */
void ov_jsonr_unescape(ov_slice raw, ov_buf *out);
/* The same of a value: as it lies where nothing is escaped, else in the arena. What is no string is its text. */
OV_CHECKED ov_status ov_jsonr_text(const ov_jsonr_value *v, ov_arena *out, ov_slice *text, ov_error *err);
bool ov_jsonr_is(ov_slice raw, bool escaped, ov_slice text); /* is it this text */
/* The value in its one normal form: no blanks, strings with the fewest escapes, reals as Java prints them. */
void ov_jsonr_print(const ov_jsonr_value *v, ov_buf *out);
