/*
 * A JSON writer on an ov_buf that keeps track of commas. Compact form, raw UTF-8. For status
 * documents, reports and errors; query results have faster writers of their own.
 *
 *     ov_jsonw w;
 *     ov_jsonw_init(&w, &buf);
 *     ov_jsonw_open_object(&w, NULL);
 *     ov_jsonw_str(&w, "id", id);
 *     ov_jsonw_open_array(&w, "rows");
 *     ov_jsonw_i64(&w, NULL, 12);
 *     ov_jsonw_close_array(&w);
 *     ov_jsonw_close_object(&w);
 *
 * `key` is NULL inside arrays and for the outermost value. Failure is the buffer's: ask
 * ov_buf_check at the end.
 */
#pragma once

#include "base/buf.h"

typedef struct ov_jsonw {
    ov_buf *out;
    bool comma; /* the next value needs one in front */
} ov_jsonw;

/* Writes to `out`, which is the caller's and must outlive the writer. */
void ov_jsonw_init(ov_jsonw *w, ov_buf *out);
void ov_jsonw_open_object(ov_jsonw *w, const char *key);
void ov_jsonw_close_object(ov_jsonw *w);
void ov_jsonw_open_array(ov_jsonw *w, const char *key);
void ov_jsonw_close_array(ov_jsonw *w);

void ov_jsonw_str(ov_jsonw *w, const char *key, ov_slice text);
void ov_jsonw_cstr(ov_jsonw *w, const char *key, const char *text); /* NULL: null */
void ov_jsonw_i64(ov_jsonw *w, const char *key, int64_t v);
void ov_jsonw_u64(ov_jsonw *w, const char *key, uint64_t v);
void ov_jsonw_f64(ov_jsonw *w, const char *key,
                  double v); /* "NaN", "Infinity" as strings, as Druid writes them */
void ov_jsonw_bool(ov_jsonw *w, const char *key, bool v);
void ov_jsonw_null(ov_jsonw *w, const char *key);
void ov_jsonw_time(ov_jsonw *w, const char *key, int64_t ms); /* ISO text, UTC */
/* A finished JSON value as it is. */
void ov_jsonw_raw(ov_jsonw *w, const char *key, ov_slice json);
/* A member whose name is not a C string. The next call, with key NULL, is its value. */
void ov_jsonw_key(ov_jsonw *w, ov_slice key);
