/* Patterns over paths and the walk that finds files by them. */
#include <errno.h>
#include <stdlib.h>
#include "base/file.h"
#include "base/file_int.h"
#include "base/os.h"

enum { MAX_DEPTH = 64, MAX_BRACES = 8 };

/* One name character against [a-z]; *used is the length of the class. false when it has no end. */
static bool match_class(const char *p, const char *end, unsigned char c, size_t *used, bool *hit)
{
    const char *at = p + 1;
    bool negate = at < end && (*at == '!' || *at == '^');
    if (negate)
        at++;
    bool found = false;
    for (bool first = true; at < end && (first || *at != ']'); first = false) {
        unsigned char low = (unsigned char)*at++, high = low;
        if (low == '\\' && at < end)
            low = high = (unsigned char)*at++;
        if (at + 1 < end && *at == '-' && at[1] != ']') {
            high = (unsigned char)at[1];
            at += 2;
        }
        found |= c >= low && c <= high;
    }
    if (at >= end)
        return false;
    *used = (size_t)(at + 1 - p);
    *hit = found != negate;
    return true;
}

/* The step of one pattern element over one character; 0 when it does not match. */
static size_t step(const char *p, const char *pend, char c)
{
    size_t used;
    bool hit;
    if (*p == '?')
        return c != '/';
    if (*p == '[' && match_class(p, pend, (unsigned char)c, &used, &hit))
        return hit && c != '/' ? used : 0;
    if (*p == '\\' && p + 1 < pend)
        return p[1] == c ? 2 : 0;
    return *p == c;
}

/*
 * Matching without braces. Of all stars passed so far only the last * and the last ** can still
 * need to take more, so two places to go back to are enough and the time is bounded by pattern x
 * path.
 */
static bool match_plain(const char *p, const char *pend, const char *s, const char *send)
{
    const char *star_p = NULL, *star_s = NULL, *deep_p = NULL, *deep_s = NULL;
    for (;;) {
        if (p < pend && *p == '*') {
            if (p + 1 < pend && p[1] == '*') {
                p += 2;
                if (p < pend && *p == '/')
                    p++; /* also no folder at all */
                deep_p = p;
                deep_s = s;
                star_p = NULL;
            } else {
                star_p = ++p;
                star_s = s;
            }
            continue;
        }
        if (s == send && p == pend)
            return true;
        size_t used = s < send && p < pend ? step(p, pend, *s) : 0;
        if (used) {
            p += used;
            s++;
        } else if (star_p && star_s < send && *star_s != '/') {
            p = star_p;
            s = ++star_s;
        } else if (deep_p && deep_s < send) {
            p = deep_p;
            s = ++deep_s;
            /* after a slash pattern "**" + "/" the rest starts at a name */
            if (deep_p[-1] == '/')
                while (s < send && s[-1] != '/')
                    s = ++deep_s;
            star_p = NULL;
        } else {
            return false;
        }
    }
}

/* End of the brace group that opens at p; NULL when it has none. */
static const char *brace_end(const char *p, const char *end)
{
    int depth = 0;
    for (; p < end; p++) {
        if (*p == '\\')
            p++;
        else if (*p == '{')
            depth++;
        else if (*p == '}' && --depth == 0)
            return p;
    }
    return NULL;
}

static bool match_braces(ov_slice pattern, ov_slice path, int budget)
{
    const char *end = pattern.p + pattern.n, *open = pattern.p, *close = NULL;
    for (; open < end; open++) {
        if (*open == '\\')
            open++;
        else if (*open == '{' && (close = brace_end(open, end)) != NULL)
            break;
    }
    char text[4096];
    if (!close || budget == 0 || pattern.n > sizeof text)
        return match_plain(pattern.p, end, path.p, path.p + path.n);
    size_t before = (size_t)(open - pattern.p), after = (size_t)(end - close - 1);
    const char *part = open + 1;
    int depth = 0;
    for (const char *at = part; at <= close; at++) {
        if (at < close && *at == '\\') {
            at++;
            continue;
        }
        depth += (at < close && *at == '{') - (at < close && *at == '}');
        if (at < close && (*at != ',' || depth))
            continue;
        size_t n = (size_t)(at - part);
        memcpy(text, pattern.p, before);
        memcpy(text + before, part, n);
        memcpy(text + before + n, close + 1, after);
        if (match_braces(ov_slice_make(text, before + n + after), path, budget - 1))
            return true;
        part = at + 1;
    }
    return false;
}

bool ov_glob_match(ov_slice pattern, ov_slice path)
{
    if (!pattern.n)
        return !path.n;
    if (!memchr(pattern.p, '/', pattern.n) && !ov_slice_starts(pattern, OV_SLICE_LIT("**")))
        path = ov_path_base(path);
    return match_braces(pattern, path, MAX_BRACES);
}

typedef struct walk {
    ov_slice pattern;
    size_t base_bytes; /* of the full path, up to where the relative one starts */
    size_t max_files, count, cap;
    ov_slice *list;
    ov_arena *arena;
} walk;

static ov_status add_file(walk *w, ov_slice full, ov_error *err)
{
    if (w->count == w->max_files)
        return ov_fail(err, OV_LIMIT, "more than %zu files match '" OV_SLICE_FMT "'", w->max_files,
                       OV_SLICE_ARG(w->pattern));
    if (w->count == w->cap) {
        ov_slice *more;
        w->cap = w->cap ? 2 * w->cap : 64;
        OV_TRY(ov_arena_alloc(w->arena, w->cap * sizeof *more, &more, err));
        if (w->count)
            memcpy(more, w->list, w->count * sizeof *more);
        w->list = more;
    }
    w->list[w->count++] = full;
    return OV_OK;
}

static bool is_link_to_folder(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

static ov_status walk_folder(walk *w, const char *path, int depth, ov_error *err)
{
    if (depth > MAX_DEPTH)
        return ov_fail(err, OV_LIMIT, "%s: folders nest deeper than %d", path, MAX_DEPTH);
    ov_dir_entry *entries;
    size_t n;
    OV_TRY(ov_dir_list(path, w->arena, &entries, &n, err));
    for (size_t i = 0; i < n; i++) {
        ov_slice full;
        OV_TRY(ov_path_join(w->arena, ov_slice_cstr(path), entries[i].name, &full, err));
        if (entries[i].is_dir) {
            if (!is_link_to_folder(full.p))
                OV_TRY(walk_folder(w, full.p, depth + 1, err));
            continue;
        }
        ov_slice relative = {full.p + w->base_bytes, full.n - w->base_bytes};
        if (ov_glob_match(w->pattern, relative))
            OV_TRY(add_file(w, full, err));
    }
    return OV_OK;
}

static int by_bytes(const void *a, const void *b)
{
    return ov_slice_cmp(*(const ov_slice *)a, *(const ov_slice *)b);
}

ov_status ov_glob_files(const char *base, ov_slice pattern, size_t max_files, ov_arena *out_arena,
                        ov_slice **out, size_t *count, ov_error *err)
{
    struct stat st;
    if (ov_os_now->stat(base, &st) != 0)
        return ovi_file_fail(err, errno, "cannot look at", base);
    walk w = {.pattern = pattern, .max_files = max_files, .arena = out_arena};
    ov_slice full;
    OV_TRY(ov_arena_copy(out_arena, ov_slice_cstr(base), &full, err));
    if (!S_ISDIR(st.st_mode)) {
        if (ov_glob_match(pattern, ov_path_base(full)))
            OV_TRY(add_file(&w, full, err));
    } else {
        OV_TRY(ov_path_join(out_arena, full, OV_SLICE_LIT(""), &full, err));
        w.base_bytes = full.n;
        OV_TRY(walk_folder(&w, full.p, 0, err));
        if (w.count)
            qsort(w.list, w.count, sizeof *w.list, by_bytes);
    }
    *out = w.list;
    *count = w.count;
    return OV_OK;
}
