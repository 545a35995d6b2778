/*
 * JSON documents (specs, request bodies, settings) and the door to cJSON.
 *
 * A document is a tree of ov_json in an arena. Parsing is strict RFC 8259: UTF-8 only, no comments,
 * no trailing commas, nothing behind the value, no duplicate keys, no NUL in strings; size and
 * depth are limited. Integers keep all 64 bits. Every node knows its place in the text, so errors
 * carry a position and the JSON path: "spec.ioConfig.inputSource.files[2]: expected a string, found
 * 12".
 *
 * Not for rows or results: those have readers and writers of their own.
 *
 * Threads: a parsed document is read-only.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

typedef enum ov_json_kind {
    OV_JSON_NULL,
    OV_JSON_BOOL,
    OV_JSON_INT,    /* fits int64 and has neither point nor exponent */
    OV_JSON_DOUBLE, /* every other number */
    OV_JSON_STRING,
    OV_JSON_ARRAY,
    OV_JSON_OBJECT,
} ov_json_kind;

typedef struct ov_json {
    ov_json_kind kind;
    uint32_t pos, end_pos; /* bytes of the text; both 0 for built nodes */
    uint32_t count;        /* children */
    ov_slice key;          /* name inside an object; p is NULL elsewhere */
    struct ov_json *parent, *next;
    struct ov_json *first, *last; /* children: for (c = v->first; c; c = c->next) */
    union {
        bool boolean;
        int64_t i;
        double d;
        ov_slice s; /* NUL-terminated too */
    };
    ov_slice raw; /* of numbers as they were written, NUL-terminated; empty for built nodes */
} ov_json;

enum { OV_JSON_DEFAULT_DEPTH = 100, OV_JSON_DEFAULT_BYTES = 64 << 20 };

typedef struct ov_json_limits {
    size_t max_bytes;   /* 0: OV_JSON_DEFAULT_BYTES; never above 2 GiB */
    uint32_t max_depth; /* 0: OV_JSON_DEFAULT_DEPTH; at most 900 */
    bool lenient;       /* as Druid reads a query's body: of a key that is there twice the last counts, and what stands behind
                           the value is not looked at */
} ov_json_limits;

/* limits may be NULL. Errors: OV_INVALID with pos and line:column in the sentence; OV_LIMIT. */
OV_CHECKED ov_status ov_json_parse(ov_slice text, const ov_json_limits *limits, ov_arena *out_arena,
                                   ov_json **out, ov_error *err);

/* ---- looking ---- */

/* Member by name; NULL when absent or obj is NULL or no object. A JSON null is returned as such. */
const ov_json *ov_json_get(const ov_json *obj, const char *key);
/* The same, but NULL for a JSON null: Druid treats both alike. */
const ov_json *ov_json_find(const ov_json *obj, const char *key);
const ov_json *ov_json_at(const ov_json *array, size_t index);
const char *ov_json_kind_name(ov_json_kind kind); /* "a string", "an object" */
/* `spec.ioConfig.files[2]`; "the document" for the root. Cut when long; returns text. */
const char *ov_json_path(const ov_json *v, char *text, size_t cap);

/* Fail with "path: sentence" and v's position. */
ov_status ov_json_fail(const ov_json *v, ov_error *err, ov_status code, const char *fmt, ...)
    OV_PRINTF(4, 5);

/* ---- typed members ----
 * Absent and null give `dflt`; ov_json_need_* fail instead: "spec: 'dataSchema' is missing (an
 * object is expected)". As Jackson does for Druid, a string that holds a number or true/false
 * passes where one is expected, a whole double ("5.0") passes as an integer, and a number or
 * boolean passes as a string.
 */
OV_CHECKED ov_status ov_json_bool(const ov_json *obj, const char *key, bool dflt, bool *out,
                                  ov_error *err);
OV_CHECKED ov_status ov_json_i64(const ov_json *obj, const char *key, int64_t dflt, int64_t *out,
                                 ov_error *err);
/* With bounds, both inclusive; the sentence names them. */
OV_CHECKED ov_status ov_json_i64_in(const ov_json *obj, const char *key, int64_t dflt, int64_t min,
                                    int64_t max, int64_t *out, ov_error *err);
OV_CHECKED ov_status ov_json_f64(const ov_json *obj, const char *key, double dflt, double *out,
                                 ov_error *err);
/* Borrows from the document's arena. */
OV_CHECKED ov_status ov_json_str(const ov_json *obj, const char *key, ov_slice dflt, ov_slice *out,
                                 ov_error *err);
/* *out NULL when absent. */
OV_CHECKED ov_status ov_json_obj(const ov_json *obj, const char *key, const ov_json **out,
                                 ov_error *err);
OV_CHECKED ov_status ov_json_arr(const ov_json *obj, const char *key, const ov_json **out,
                                 ov_error *err);

/* Members that must be there and of that type; OV_INVALID names the path, what was expected and what was found. */
OV_CHECKED ov_status ov_json_need(const ov_json *obj, const char *key, const ov_json **out,
                                  ov_error *err);
OV_CHECKED ov_status ov_json_need_i64(const ov_json *obj, const char *key, int64_t *out,
                                      ov_error *err);
OV_CHECKED ov_status ov_json_need_f64(const ov_json *obj, const char *key, double *out,
                                      ov_error *err);
OV_CHECKED ov_status ov_json_need_str(const ov_json *obj, const char *key, ov_slice *out,
                                      ov_error *err);
OV_CHECKED ov_status ov_json_need_obj(const ov_json *obj, const char *key, const ov_json **out,
                                      ov_error *err);
OV_CHECKED ov_status ov_json_need_arr(const ov_json *obj, const char *key, const ov_json **out,
                                      ov_error *err);

/* The node itself as a value, for array elements; same conversions. */
OV_CHECKED ov_status ov_json_as_bool(const ov_json *v, bool *out, ov_error *err);
OV_CHECKED ov_status ov_json_as_i64(const ov_json *v, int64_t *out, ov_error *err);
OV_CHECKED ov_status ov_json_as_f64(const ov_json *v, double *out, ov_error *err);
OV_CHECKED ov_status ov_json_as_str(const ov_json *v, ov_slice *out, ov_error *err);
/* Fails unless v (not NULL) is of this kind. */
OV_CHECKED ov_status ov_json_expect(const ov_json *v, ov_json_kind kind, ov_error *err);

/* Every key of obj must be in names: "spec.ioConfig: unknown key 'inputSorce'; did you mean
 * 'inputSource'?" */
OV_CHECKED ov_status ov_json_only(const ov_json *obj, const char *const *names, size_t n,
                                  ov_error *err);

/* ---- building; keys and strings are copied ---- */

OV_CHECKED ov_status ov_json_new(ov_arena *a, ov_json_kind kind, ov_json **out, ov_error *err);
OV_CHECKED ov_status ov_json_new_str(ov_arena *a, ov_slice text, ov_json **out, ov_error *err);
/* Append to an array, or add or replace a member (same place). child must have no parent. */
void ov_json_append(ov_json *array, ov_json *child);
OV_CHECKED ov_status ov_json_set(ov_arena *a, ov_json *obj, const char *key, ov_json *child,
                                 ov_error *err);
/* Deep copy, without positions. */
OV_CHECKED ov_status ov_json_copy(ov_arena *a, const ov_json *v, ov_json **out, ov_error *err);

/* ---- text ---- */

void ov_json_print(const ov_json *v, ov_buf *out); /* compact */

/* "text" with quotes; escapes only what RFC 8259 demands, raw UTF-8 otherwise; malformed bytes
 * become U+FFFD. */
void ov_json_quote(ov_buf *out, ov_slice text);
/* The same without the quotes, for texts that are written in pieces (cut in front of a character). */
void ov_json_add_quoted(ov_buf *out, ov_slice text);
/* A double as a JSON value: Java's shortest form; NaN and the infinities in quotes, as Druid writes
 * them. */
void ov_json_add_double(ov_buf *out, double v);
