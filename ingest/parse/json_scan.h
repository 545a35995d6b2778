/*
 * JSON text of rows: checking, skipping and opening values in place.
 *
 * The readers work on text that is followed by NULs (`end` below), so they need no length checks: a NUL
 * ends every token. The grammar is RFC 8259 as Jackson reads it: no comments, no raw control characters in
 * strings, no leading zeros; bytes that are not UTF-8 are let through here and repaired when stored.
 */
#pragma once

#include "ingest/parse/field.h"

enum { OVI_JSON_DEPTH = 1000 };

typedef struct ovi_json_text {
    const char *at;
    const char *end;  /* *end is NUL, and so are the bytes behind it */
    bool multi_line;  /* line breaks are blanks; else they end the text */
    const char *what; /* after a failure: what was expected, a static text; `at` is where */
} ovi_json_text;

/* Skip blanks; the character at the new place. */
OV_INLINE char ovi_json_peek(ovi_json_text *t)
{
    const char *p = t->at;
    while (*p == ' ' || *p == '\t' || *p == '\r' || (*p == '\n' && t->multi_line))
        p++;
    t->at = p;
    return *p;
}

/* False: t->what and t->at say why. */
bool ovi_json_fail(ovi_json_text *t, const char *what);

/* A string at `at`: its raw bytes between the quotes, and whether they hold escapes. */
bool ovi_json_string(ovi_json_text *t, ov_slice *raw, bool *escaped);
/* Any value at `at`, checked to its end. TEXT comes raw with *escaped set when it must be unescaped. */
bool ovi_json_value(ovi_json_text *t, ov_field *out, bool *escaped, unsigned depth);
/* The end of the value at `at`, checked. */
bool ovi_json_skip(ovi_json_text *t, unsigned depth);

/* Escapes resolved into scratch; lone surrogates become U+FFFD and count in *repaired. */
OV_CHECKED ov_status ovi_json_unescape(ov_slice raw, ov_arena *scratch, ov_slice *out,
                                       uint64_t *repaired, ov_error *err);
/* Checked JSON without blanks between tokens; the text itself when there are none. */
OV_CHECKED ov_status ovi_json_compact(ov_slice json, ov_arena *scratch, ov_slice *out, ov_error *err);
/* Elements of a checked JSON array, text decoded. */
OV_CHECKED ov_status ovi_json_items(ov_slice array, ov_arena *scratch, ov_field **items,
                                    uint32_t *count, uint64_t *repaired, ov_error *err);
/* Member of a checked JSON object (the last of that name), text decoded; MISSING when there is none. */
OV_CHECKED ov_status ovi_json_member(ov_slice object, ov_slice key, ov_arena *scratch, ov_field *out,
                                     uint64_t *repaired, ov_error *err);
