/*
 * Steps over a JSON text that base/jsonr.h has taken before: each byte is looked at once, and nothing is verified again. Only
 * for such texts. Inline, for the walk over paths (build_paths.c) spends most of its time here.
 */
#pragma once

#include <string.h>

#include "base/jsonr.h"

typedef struct ovi_path_scan {
    const char *at, *end;
} ovi_path_scan;

static inline void ovi_path_scan_blanks(ovi_path_scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
        s->at++;
}

/* At the opening quote; ends behind the closing one. */
static inline ov_slice ovi_path_scan_quoted(ovi_path_scan *s, bool *escaped)
{
    const char *from = ++s->at;
    *escaped = false;
    while (s->at < s->end && *s->at != '"') {
        *escaped = *escaped || *s->at == '\\';
        s->at += *s->at == '\\' ? 2 : 1;
    }
    ov_slice text = ov_slice_make(from, (size_t)(OV_MIN(s->at, s->end) - from));
    s->at = OV_MIN(s->at + 1, s->end);
    return text;
}

/* A whole object or array; *nested: it holds another one. */
static inline ov_slice ovi_path_scan_container(ovi_path_scan *s, bool *nested)
{
    const char *from = s->at;
    unsigned depth = 0;
    bool escaped;
    *nested = false;
    while (s->at < s->end) {
        char c = *s->at;
        if (c == '"') {
            ovi_path_scan_quoted(s, &escaped);
            continue;
        }
        s->at++;
        if (c == '[' || c == '{') {
            *nested = *nested || depth > 0;
            depth++;
        } else if ((c == ']' || c == '}') && --depth == 0) {
            break;
        }
    }
    return ov_slice_make(from, (size_t)(s->at - from));
}

/* A number or a word, up to what ends it; its ov_jsonr_kind. */
static inline uint8_t ovi_path_scan_bare(ovi_path_scan *s, ov_slice *text)
{
    const char *from = s->at;
    bool real = false;
    for (; s->at < s->end && !strchr(",]} \t\n\r", *s->at); s->at++)
        real = real || *s->at == '.' || *s->at == 'e' || *s->at == 'E';
    *text = ov_slice_make(from, (size_t)(s->at - from));
    switch (*from) {
    case 'n':
        return OV_JSONR_NULL;
    case 't':
        return OV_JSONR_TRUE;
    case 'f':
        return OV_JSONR_FALSE;
    default:
        return real ? OV_JSONR_REAL : OV_JSONR_INT;
    }
}
