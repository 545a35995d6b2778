/* Which files there are: a bucket, a folder, a page of links. */
#include "ingest/pull/pull_listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "base/file.h"
#include "base/os.h"

enum { MOST_FILES = 1000000 };

static int by_name(const void *a, const void *b)
{
    return ov_slice_cmp(((const ovi_listed *)a)->name, ((const ovi_listed *)b)->name);
}

/* ---- asking ---- */

static int64_t seconds_header(ov_slice value)
{
    int64_t v = 0;
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] < '0' || value.p[i] > '9' || i > 9)
            return -1;
        v = v * 10 + (value.p[i] - '0');
    }
    return value.n ? v * 1000 : -1;
}

static void on_header(void *arg, ov_slice name, ov_slice value)
{
    ovi_reply *r = arg;
    if (ov_slice_ieq(name, OV_SLICE_LIT("retry-after")))
        r->retry_after_ms = seconds_header(value);
}

static ov_status nap(const ovi_run *run, int64_t ms, ov_error *err)
{
    for (int64_t until = ov_monotonic_ms() + ms; ov_monotonic_ms() < until;) {
        if (run->cancel && atomic_load_explicit(run->cancel, memory_order_relaxed))
            return ov_fail(err, OV_CANCELLED, "cancelled");
        ov_sleep_ms(OV_MIN(ms, INT64_C(50)));
    }
    return OV_OK;
}

/* One page of a list, with the patience of the source's limits. */
static ov_status ask(ovi_run *run, const char *url, ov_buf *body, ov_error *err)
{
    const ovi_pull_limits *l = &run->spec->source.limits;
    for (uint32_t attempt = 0;; attempt++) {
        ovi_series none = {0};
        ovi_reply reply = {.retry_after_ms = -1, .remaining = -1, .reset_wall_ms = -1, .date_wall_ms = -1};
        ov_http_response answer = {0};
        const char **headers;
        int64_t wait;
        OV_TRY(ovi_series_headers(run, &none, run->token_count ? &run->tokens[0] : NULL, url, &run->group, &headers, err));
        ov_http_request req = {.url = url, .headers = headers, .max_bytes = 64 << 20, .total_timeout_ms = l->timeout_ms,
                               .stall_timeout_ms = l->stall_ms, .guard_redirects = true, .own_host = ovi_headers_tell_secrets(run, headers),
                               .decode = true, .header = on_header, .header_arg = &reply, .cancel = run->cancel};
        ov_buf_clear(body);
        reply.transfer = ov_http_fetch(&req, body, &answer, err);
        reply.status = answer.status;
        run->requests++;
        ovi_verdict v = ovi_reply_judge(&reply, &run->spec->source, l, attempt, attempt, ov_now_ms(), (uint64_t)ov_monotonic_ns(), &wait);
        if (v == OVI_ACCEPT)
            return OV_OK;
        if (v != OVI_RETRY && v != OVI_LIMITED && reply.transfer != OV_OK)
            return reply.transfer;
        if (v != OVI_RETRY && v != OVI_LIMITED)
            return ov_fail(err, answer.status == 404 ? OV_NOT_FOUND : answer.status == 403 ? OV_DENIED : OV_IO,
                           "listing " OV_SLICE_FMT ": the server answered %d", OV_SLICE_ARG(run->spec->base_url), answer.status);
        *err = (ov_error)OV_ERROR_INIT;
        OV_TRY(nap(run, wait, err));
    }
}

/* ---- buckets ---- */

static ov_status list_page(ovi_run *run, ov_slice prefix, ov_slice token, ov_buf *body, ov_error *err)
{
    ov_buf url; /* in the order of names, as the signature wants it */
    ov_buf_init(&url);
    ov_buf_add_slice(&url, run->spec->base_url);
    ov_buf_add_str(&url, "/?");
    if (token.n) {
        ov_buf_add_str(&url, "continuation-token=");
        ov_url_encode(&url, token);
        ov_buf_add_char(&url, '&');
    }
    ov_buf_add_str(&url, "encoding-type=url&list-type=2&max-keys=1000&prefix=");
    ov_url_encode(&url, prefix);
    const char *text = ov_buf_cstr(&url);
    ov_status st = text ? ask(run, text, body, err) : ov_buf_check(&url, err);
    ov_buf_fini(&url);
    return st;
}

static ov_status list_s3(ovi_run *run, ov_slice prefix, ovi_listed **out, uint32_t *count, ov_error *err)
{
    ov_buf body;
    ov_slice token = {0};
    uint32_t cap = 0;
    ov_buf_init(&body);
    ov_status st;
    do {
        st = list_page(run, prefix, token, &body, err);
        if (st == OV_OK)
            st = ovi_s3_list_parse(ov_buf_slice(&body), run->arena, out, count, &cap, &token, err);
        if (st == OV_OK && *count > MOST_FILES)
            st = ov_fail(err, OV_LIMIT, "more than %d objects; use a longer prefix", MOST_FILES);
    } while (st == OV_OK && token.n);
    ov_buf_fini(&body);
    return st;
}

/* ---- folders ---- */

static bool climbs(ov_slice path)
{
    return ov_slice_starts(path, OV_SLICE_LIT("../")) || ov_slice_eq(path, OV_SLICE_LIT("..")) ||
           (path.n && path.p[0] == '/') || memmem(path.p ? path.p : "", path.n, "/../", 4) || ov_slice_ends(path, OV_SLICE_LIT("/.."));
}

static ov_status list_local(ovi_run *run, ov_slice prefix, ov_slice glob, ovi_listed **out, uint32_t *count, ov_error *err)
{
    ov_slice base, *paths;
    size_t n;
    if (climbs(prefix))
        return ov_fail(err, OV_DENIED, "listing.prefix: '" OV_SLICE_FMT "' leads out of the folder", OV_SLICE_ARG(prefix));
    OV_TRY(ov_path_join(run->arena, run->spec->base_url, prefix, &base, err));
    if (!ov_dir_exists(base.p))
        return prefix.n ? OV_OK : ov_fail(err, OV_NOT_FOUND, "the folder %s does not exist", base.p);
    OV_TRY(ov_glob_files(base.p, glob, MOST_FILES, run->arena, &paths, &n, err));
    OV_TRY(ov_arena_zalloc(run->arena, (n + 1) * sizeof(**out), out, err));
    ov_slice root = run->spec->base_url;
    for (size_t i = 0; i < n; i++) {
        ovi_listed *to = &(*out)[(*count)++];
        to->name = ov_slice_make(paths[i].p + root.n, paths[i].n - root.n);
        while (to->name.n && to->name.p[0] == '/')
            to->name = ov_slice_make(to->name.p + 1, to->name.n - 1);
        OV_TRY(ov_file_size(paths[i].p, &to->bytes, err));
        struct stat info;
        if (ov_os_now->stat(paths[i].p, &info) != 0)
            return ov_fail(err, OV_IO, "%s vanished while the folder was listed", paths[i].p);
        OV_TRY(ov_arena_printf(run->arena, &to->etag, err, "%llu-%lld", (unsigned long long)to->bytes,
                               (long long)info.st_mtim.tv_sec * 1000 + info.st_mtim.tv_nsec / 1000000));
    }
    return OV_OK;
}

/* ---- pages of links ---- */

/* href="..." of an HTML page; names below the page only. */
static ov_status list_links(ovi_run *run, ov_slice prefix, ovi_listed **out, uint32_t *count, ov_error *err)
{
    ov_buf url, body;
    uint32_t cap = 0;
    ov_buf_init(&url);
    ov_buf_init(&body);
    ov_buf_add_slice(&url, run->spec->base_url);
    ov_buf_add_char(&url, '/');
    ov_buf_add_slice(&url, prefix);
    const char *text = ov_buf_cstr(&url);
    ov_status st = text ? ask(run, text, &body, err) : ov_buf_check(&url, err);
    for (size_t at = 0; st == OV_OK && at < body.n;) {
        const char *p = memmem(body.p + at, body.n - at, "href=\"", 6);
        const char *end = p ? memchr(p + 6, '"', body.n - (size_t)(p + 6 - body.p)) : NULL;
        if (!end)
            break;
        ov_slice name = ov_slice_make(p + 6, (size_t)(end - p) - 6);
        at = (size_t)(end - body.p) + 1;
        if (name.n == 0 || name.p[0] == '?' || name.p[0] == '#' || climbs(name) || name.p[name.n - 1] == '/' ||
            memmem(name.p, name.n, "://", 3))
            continue;
        st = ov_arena_room(run->arena, out, *count, &cap, 1, sizeof **out, err);
        if (st != OV_OK)
            break;
        (*out)[*count] = (ovi_listed){0};
        st = ov_arena_printf(run->arena, &(*out)[(*count)++].name, err, OV_SLICE_FMT OV_SLICE_FMT, OV_SLICE_ARG(prefix), OV_SLICE_ARG(name));
    }
    ov_buf_fini(&url);
    ov_buf_fini(&body);
    return st;
}

/* ---- the whole ---- */

ov_status ovi_listing_read(ovi_run *run, ov_slice prefix, ov_slice glob, ovi_listed **out, uint32_t *count, ov_error *err)
{
    uint32_t kept = 0;
    *out = NULL;
    *count = 0;
    switch (run->spec->source.listing) {
    case OVI_LISTING_NONE:
        break;
    case OVI_LISTING_S3:
        OV_TRY(list_s3(run, prefix, out, count, err));
        break;
    case OVI_LISTING_LOCAL:
        OV_TRY(list_local(run, prefix, glob, out, count, err));
        break;
    case OVI_LISTING_INDEX:
        OV_TRY(list_links(run, prefix, out, count, err));
        break;
    }
    for (uint32_t i = 0; i < *count; i++)
        if (ov_glob_match(glob, (*out)[i].name))
            (*out)[kept++] = (*out)[i];
    *count = kept;
    if (kept)
        qsort(*out, kept, sizeof(**out), by_name);
    return OV_OK;
}
