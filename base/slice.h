/*
 * Borrowed bytes: a pointer and a length. A slice never owns; whoever made it says how long the bytes
 * live. Text slices are UTF-8 unless a header says otherwise and are not NUL-terminated.
 */
#pragma once

#include <string.h>
#include "base/compiler.h"

typedef struct ov_slice {
    const char *p; /* may be NULL when n is 0 */
    size_t n;      /* bytes */
} ov_slice;

#define OV_SLICE_LIT(text) ((ov_slice){(text), sizeof(text) - 1})
#define OV_SLICE_FMT "%.*s"
#define OV_SLICE_ARG(s) (int)((s).n > 2000 ? 2000 : (s).n), ((s).p ? (s).p : "")
/* The same for what must not be cut: no sentences, but names, statements, secrets. */
#define OV_SLICE_WHOLE(s) (int)(s).n, ((s).p ? (s).p : "")

static inline ov_slice ov_slice_make(const void *p, size_t n)
{
    return (ov_slice){(const char *)p, n};
}

static inline ov_slice ov_slice_cstr(const char *text)
{
    return (ov_slice){text, text ? strlen(text) : 0};
}

static inline bool ov_slice_eq(ov_slice a, ov_slice b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Unsigned byte order, shorter first on a tie: the order of dictionaries and of ORDER BY. */
static inline int ov_slice_cmp(ov_slice a, ov_slice b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    return c ? c : (a.n > b.n) - (a.n < b.n);
}

static inline bool ov_slice_starts(ov_slice s, ov_slice prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static inline bool ov_slice_ends(ov_slice s, ov_slice suffix)
{
    return s.n >= suffix.n && (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

static inline char ov_ascii_lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

/* ASCII letters compare without case; for keywords, function names and header names. */
static inline bool ov_slice_ieq(ov_slice a, ov_slice b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (ov_ascii_lower(a.p[i]) != ov_ascii_lower(b.p[i]))
            return false;
    return true;
}
