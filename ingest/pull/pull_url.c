/* The addresses and headers of a series' requests: templates filled in, conditions, signatures. */
#include "ingest/pull/pull_int.h"

#include <stdio.h>
#include "base/os.h"
#include "ingest/pull/pull_listing.h"

/* ---- names ---- */

static void own_pair(ovi_own_names *own, const char *name, ov_slice value)
{
    own->at[own->pairs.n++] = (ovi_pair){ov_slice_cstr(name), value};
}

static void own_number(ovi_own_names *own, const char *name, char text[24], int64_t v)
{
    int n = snprintf(text, 24, "%lld", (long long)v);
    own_pair(own, name, ov_slice_make(text, (size_t)n));
}

void ovi_series_names(const ovi_run *run, const ovi_series *s, ovi_own_names *own, ovi_names *names)
{
    const ovi_pull_source *src = &run->spec->source;
    int64_t first = src->page_first + (src->paging == OVI_PAGING_OFFSET ? (int64_t)s->page * src->page_size : (int64_t)s->page);
    own->pairs = (ovi_pairs){own->at, 0};
    if (src->paging == OVI_PAGING_PAGE)
        own_number(own, "page", own->page, first);
    if (src->paging == OVI_PAGING_OFFSET) {
        own_number(own, "offset", own->offset, first);
        own_number(own, "end", own->end, first + src->page_size - 1);
    }
    if (s->file.n)
        own_pair(own, "file", s->file);
    *names = (ovi_names){.sets = {&own->pairs, &s->values, &src->params},
                         .set_count = 3,
                         .has_interval = s->has_interval,
                         .interval = s->interval,
                         .now_ms = run->collected_ms};
}

/* ---- addresses ---- */

static void add_query(ov_buf *out, ov_slice name, ov_slice encoded)
{
    ov_buf_add_char(out, out->n && memchr(out->p, '?', out->n) ? '&' : '?');
    ov_url_encode(out, name);
    ov_buf_add_char(out, '=');
    ov_buf_add_slice(out, encoded);
}

static ov_status add_queries(const ovi_run *run, const ovi_series *s, const ovi_own_names *own, const ovi_names *names,
                             ov_buf *out, ov_error *err)
{
    const ovi_pull_source *src = &run->spec->source;
    ov_buf value;
    bool missing;
    ov_status st = OV_OK;
    ov_buf_init(&value);
    for (uint32_t i = 0; i < src->query.n && st == OV_OK; i++) {
        ov_buf_clear(&value);
        st = ovi_template_expand(src->query.at[i].value, names, true, &value, &missing, err);
        if (st == OV_OK && !missing && value.n)
            add_query(out, src->query.at[i].name, ov_buf_slice(&value));
    }
    ov_buf_fini(&value);
    OV_TRY(st);
    if (src->paging == OVI_PAGING_PAGE && src->page_param.n)
        add_query(out, src->page_param, ov_slice_cstr(own->page));
    if (src->paging == OVI_PAGING_CURSOR && s->page_cursor.n) {
        ov_buf_init(&value);
        ov_url_encode(&value, s->page_cursor);
        add_query(out, src->page_param, ov_buf_slice(&value));
        ov_buf_fini(&value);
    }
    return OV_OK;
}

/* The cursor as the source wants to see it, in `text`'s arena. */
static ov_status cursor_name(const ovi_run *run, const ovi_series *s, ov_arena *a, ovi_own_names *own, ov_error *err)
{
    ov_slice text;
    if (s->was.cursor.n == 0)
        return OV_OK;
    OV_TRY(ovi_cursor_shift(s->was.cursor, run->spec->source.cursor_overlap_ms, run->spec->source.cursor_format, a, &text, err));
    own_pair(own, "cursor", text);
    return OV_OK;
}

static ov_status build_url(const ovi_run *run, const ovi_series *s, ov_slice token, ov_arena *a, ov_buf *out, ov_error *err)
{
    const ovi_pull_source *src = &run->spec->source;
    ovi_own_names own;
    ovi_names names;
    bool missing;
    ovi_series_names(run, s, &own, &names);
    own_pair(&own, "token", token);
    OV_TRY(cursor_name(run, s, a, &own, err));
    ov_buf_add_slice(out, run->spec->base_url);
    if (s->file.n) {
        ovi_pair file = {OV_SLICE_LIT("file"), s->file};
        ovi_pairs only = {&file, 1};
        ovi_names just = {.sets = {&only}, .set_count = 1};
        ov_buf_add_char(out, '/');
        OV_TRY(ovi_template_expand(OV_SLICE_LIT("{+file}"), &just, true, out, &missing, err));
        return ov_buf_check(out, err);
    }
    if (src->path.n && src->path.p[0] != '/')
        ov_buf_add_char(out, '/');
    OV_TRY(ovi_template_expand(src->path, &names, true, out, &missing, err));
    if (missing)
        return ov_fail(err, OV_INVALID, "path '" OV_SLICE_FMT "': a name in it has no value", OV_SLICE_ARG(src->path));
    return add_queries(run, s, &own, &names, out, err);
}

/* The address an answer gave. Where the token is part of the path it gave that, too, and *** stands for it. */
static void add_next(const ovi_pull_source *src, const ovi_series *s, const ovi_token *token, ov_buf *out)
{
    static const ov_slice hidden = OV_SLICE_LIT(OVI_SECRET_HIDDEN);
    ov_slice url = s->next_url;
    const char *at = token && memmem(src->path.p, src->path.n, "{token}", 7) ? memmem(url.p, url.n, hidden.p, hidden.n) : NULL;
    if (!at) {
        ov_buf_add_slice(out, url);
        return;
    }
    ov_buf_add(out, url.p, (size_t)(at - url.p));
    ov_url_encode(out, token->value);
    ov_buf_add(out, at + hidden.n, url.n - (size_t)(at - url.p) - hidden.n);
}

ov_status ovi_series_url(const ovi_run *run, const ovi_series *s, const ovi_token *token, bool real, ov_buf *out, ov_error *err)
{
    const ovi_pull_source *src = &run->spec->source;
    ov_slice secret = real && token ? token->value : OV_SLICE_LIT("TOKEN");
    ov_buf encoded;
    if (s->next_url.n) {
        add_next(src, s, real ? token : NULL, out);
    } else {
        ov_arena a;
        ov_arena_init(&a, "address", NULL);
        ov_status st = build_url(run, s, secret, &a, out, err);
        ov_arena_fini(&a);
        OV_TRY(st);
    }
    if (real && src->auth_query.n && token) {
        ov_buf_init(&encoded);
        ov_url_encode(&encoded, token->value);
        add_query(out, src->auth_query, ov_buf_slice(&encoded));
        ov_buf_fini(&encoded);
    }
    return ov_buf_check(out, err);
}

/* ---- headers ---- */

static ov_slice secret_of(const ovi_run *run, const char *name)
{
    const ovi_pair *p = ovi_pairs_find(&run->keys, ov_slice_cstr(name));
    return p ? p->value : (ov_slice){0};
}

static ov_status sign(const ovi_run *run, const char *url, ov_arena *out, const char **headers, uint32_t *n, ov_error *err)
{
    ovi_s3_keys keys = {secret_of(run, "accessKey"), secret_of(run, "secretKey"), secret_of(run, "sessionToken"),
                        run->spec->region};
    ov_buf auth, date;
    ov_slice line;
    if (keys.access.n == 0 || keys.secret.n == 0)
        return OV_OK; /* a public bucket */
    ov_buf_init(&auth);
    ov_buf_init(&date);
    ov_status st = ovi_s3_sign(&keys, url, ov_now_ms(), &auth, &date, err);
    if (st == OV_OK)
        st = ov_arena_printf(out, &line, err, "Authorization: " OV_SLICE_FMT, OV_SLICE_ARG(ov_buf_slice(&auth)));
    if (st == OV_OK) {
        headers[(*n)++] = line.p;
        st = ov_arena_printf(out, &line, err, "x-amz-date: " OV_SLICE_FMT, OV_SLICE_ARG(ov_buf_slice(&date)));
    }
    if (st == OV_OK) {
        headers[(*n)++] = line.p;
        headers[(*n)++] = "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        if (keys.session.n)
            st = ov_arena_printf(out, &line, err, "x-amz-security-token: " OV_SLICE_FMT, OV_SLICE_WHOLE(keys.session));
    }
    if (st == OV_OK && keys.session.n)
        headers[(*n)++] = line.p;
    ov_buf_fini(&auth);
    ov_buf_fini(&date);
    return st;
}

static ov_status conditions(const ovi_run *run, const ovi_series *s, const ovi_token *token, ov_arena *out,
                            const char **headers, uint32_t *n, ov_error *err)
{
    ov_buf url;
    ov_slice line;
    ov_slice whose = token ? ov_slice_cstr(token->name) : OV_SLICE_LIT("none");
    if (!run->spec->source.conditional || !ov_slice_eq(s->was.token, whose))
        return OV_OK;
    ov_buf_init(&url);
    ov_status st = ovi_series_url(run, s, token, false, &url, err);
    const ovi_known_page *p = st == OV_OK ? ovi_state_page(&s->was, ov_buf_slice(&url)) : NULL;
    ov_buf_fini(&url);
    OV_TRY(st);
    if (p && p->etag.n) {
        OV_TRY(ov_arena_printf(out, &line, err, "If-None-Match: " OV_SLICE_FMT, OV_SLICE_ARG(p->etag)));
        headers[(*n)++] = line.p;
    } else if (p && p->modified.n) {
        OV_TRY(ov_arena_printf(out, &line, err, "If-Modified-Since: " OV_SLICE_FMT, OV_SLICE_ARG(p->modified)));
        headers[(*n)++] = line.p;
    }
    return OV_OK;
}

bool ovi_headers_tell_secrets(const ovi_run *run, const char *const *headers)
{
    bool tell = false;
    ov_buf hidden;
    ov_buf_init(&hidden);
    for (; *headers && !tell; headers++) {
        ov_slice line = ov_slice_cstr(*headers);
        if (ov_slice_ieq(ov_slice_make(line.p, OV_MIN(line.n, (size_t)14)), OV_SLICE_LIT("authorization:")))
            continue;
        ov_buf_clear(&hidden);
        ovi_secrets_hide(&run->secrets, line, &hidden);
        tell = hidden.failed || !ov_slice_eq(ov_buf_slice(&hidden), line);
    }
    ov_buf_fini(&hidden);
    return tell;
}

ov_status ovi_series_headers(const ovi_run *run, const ovi_series *s, const ovi_token *token, const char *url, ov_arena *out,
                             const char ***headers, ov_error *err)
{
    const ovi_pull_source *src = &run->spec->source;
    ovi_own_names own;
    ovi_names names;
    uint32_t n = 0;
    ov_status st = OV_OK;
    OV_TRY(ov_arena_zalloc(out, (src->headers.n + 10) * sizeof(**headers), headers, err));
    ovi_series_names(run, s, &own, &names);
    for (uint32_t i = 0; i <= src->headers.n && st == OV_OK; i++) {
        bool auth = i == src->headers.n, missing = false;
        ov_buf b;
        ov_slice line;
        if (auth && (src->auth_header.n == 0 || !token))
            break;
        if (auth)
            own_pair(&own, "token", token->value);
        ov_buf_init(&b);
        ov_buf_add_slice(&b, auth ? src->auth_header : src->headers.at[i].name);
        ov_buf_add_str(&b, ": ");
        st = ovi_template_expand(auth ? src->auth_value : src->headers.at[i].value, &names, false, &b, &missing, err);
        if (st == OV_OK)
            st = ov_arena_copy(out, ov_buf_slice(&b), &line, err);
        ov_buf_fini(&b);
        if (st == OV_OK && !missing)
            (*headers)[n++] = line.p;
    }
    OV_TRY(st);
    OV_TRY(conditions(run, s, token, out, *headers, &n, err));
    return src->listing == OVI_LISTING_S3 ? sign(run, url, out, *headers, &n, err) : OV_OK;
}
