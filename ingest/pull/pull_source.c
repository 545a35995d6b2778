/* Descriptions of sources: JSON to struct, everything checked before anything is asked. */
#include "ingest/pull/pull_source.h"


typedef struct reader {
    ov_arena *out;
    ovi_pull_source *s;
} reader;

/* ---- small parts ---- */

static ov_status word(const ov_json *obj, const char *key, const char *const *words, size_t n, int dflt, int *out,
                      ov_error *err)
{
    ov_slice text;
    OV_TRY(ov_json_str(obj, key, (ov_slice){0}, &text, err));
    *out = dflt;
    if (text.n == 0)
        return OV_OK;
    for (size_t i = 0; i < n; i++)
        if (ov_slice_eq(text, ov_slice_cstr(words[i]))) {
            *out = (int)i;
            return OV_OK;
        }
    char known[256] = "";
    for (size_t i = 0, at = 0; i < n && at + strlen(words[i]) + 3 < sizeof known; i++, at = strlen(known)) {
        strcat(known, i ? ", " : "");
        strcat(known, words[i]);
    }
    return ov_json_fail(ov_json_get(obj, key), err, OV_INVALID, "'" OV_SLICE_FMT "' is not known; there are %s",
                        OV_SLICE_ARG(text), known);
}

static ov_status read_pairs(reader *r, const ov_json *obj, const char *key, ovi_pairs *out, ov_error *err)
{
    const ov_json *m;
    OV_TRY(ov_json_obj(obj, key, &m, err));
    if (!m)
        return OV_OK;
    OV_TRY(ov_arena_zalloc(r->out, (m->count + 1) * sizeof(*out->at), &out->at, err));
    for (const ov_json *v = m->first; v; v = v->next) {
        out->at[out->n].name = v->key;
        if (v->kind != OV_JSON_NULL)
            OV_TRY(ov_json_as_str(v, &out->at[out->n].value, err));
        out->n++;
    }
    return OV_OK;
}

static ov_status read_texts(reader *r, const ov_json *obj, const char *key, ovi_text_list *out, ov_error *err)
{
    const ov_json *list;
    OV_TRY(ov_json_arr(obj, key, &list, err));
    if (!list)
        return OV_OK;
    OV_TRY(ov_arena_alloc(r->out, (list->count + 1) * sizeof(*out->at), &out->at, err));
    for (const ov_json *v = list->first; v; v = v->next)
        OV_TRY(ov_json_as_str(v, &out->at[out->n++], err));
    return OV_OK;
}

static ov_status read_ints(reader *r, const ov_json *obj, const char *key, ovi_int_list *out, ov_error *err)
{
    const ov_json *list;
    OV_TRY(ov_json_arr(obj, key, &list, err));
    if (!list)
        return OV_OK;
    OV_TRY(ov_arena_alloc(r->out, (list->count + 1) * sizeof(*out->at), &out->at, err));
    out->n = 0;
    for (const ov_json *v = list->first; v; v = v->next)
        OV_TRY(ov_json_as_i64(v, &out->at[out->n++], err));
    return OV_OK;
}

static ov_status compile(reader *r, const ov_json *v, ovi_pull_path *out, ov_error *err)
{
    OV_TRY(ov_json_as_str(v, &out->text, err));
    ov_status st = ov_jsonpath_compile(out->text, r->out, &out->path, err);
    if (st != OV_OK) {
        char path[128];
        ov_error_context(err, "%s", ov_json_path(v, path, sizeof path));
    }
    return st;
}

static ov_status read_path(reader *r, const ov_json *obj, const char *key, ovi_pull_path *out, ov_error *err)
{
    const ov_json *v = ov_json_find(obj, key);
    return v ? compile(r, v, out, err) : OV_OK;
}

static ov_status read_ms(const ov_json *obj, const char *key, int64_t *out, ov_error *err)
{
    ov_slice text;
    ov_period p;
    OV_TRY(ov_json_str(obj, key, (ov_slice){0}, &text, err));
    if (text.n == 0)
        return OV_OK;
    ov_status st = ov_period_parse(text, &p, err);
    if (st == OV_OK && (!ov_period_fixed_ms(&p, out) || *out < 0))
        return ov_json_fail(ov_json_get(obj, key), err, OV_INVALID, "'" OV_SLICE_FMT "' has no fixed length; write days "
                            "or smaller units", OV_SLICE_ARG(text));
    if (st != OV_OK)
        ov_error_context(err, "%s", key);
    return st;
}

/* "30/PT1M": so many in any such stretch of time. */
static ov_status read_rate(const ov_json *obj, const char *key, uint32_t *per, int64_t *ms, ov_error *err)
{
    ov_slice text;
    ov_period p;
    int64_t count = 0;
    enum { MAX_RATE = 100000 };
    OV_TRY(ov_json_str(obj, key, (ov_slice){0}, &text, err));
    if (text.n == 0)
        return OV_OK;
    const char *slash = memchr(text.p, '/', text.n);
    size_t digits = slash ? (size_t)(slash - text.p) : 0;
    for (size_t i = 0; i < digits && count <= MAX_RATE; i++)
        count = text.p[i] >= '0' && text.p[i] <= '9' ? count * 10 + (text.p[i] - '0') : MAX_RATE + 1;
    ov_error why = OV_ERROR_INIT;
    if (digits == 0 || count < 1 || count > MAX_RATE ||
        ov_period_parse(ov_slice_make(slash + 1, text.n - digits - 1), &p, &why) != OV_OK ||
        !ov_period_fixed_ms(&p, ms) || *ms < 1)
        return ov_json_fail(ov_json_get(obj, key), err, OV_INVALID,
                            "'" OV_SLICE_FMT "' is no rate; write a number up to %d, '/' and a period: 30/PT1M",
                            OV_SLICE_ARG(text), MAX_RATE);
    *per = (uint32_t)count;
    return OV_OK;
}

static ov_status read_u32(const ov_json *obj, const char *key, int64_t min, int64_t max, uint32_t *out, ov_error *err)
{
    int64_t v;
    OV_TRY(ov_json_i64_in(obj, key, *out, min, max, &v, err));
    *out = (uint32_t)v;
    return OV_OK;
}

ov_status ovi_pull_limits_read(const ov_json *obj, ovi_pull_limits *l, ov_error *err)
{
    static const char *const keys[] = {"pool", "slots", "rate", "budget", "retries", "polls", "poll", "backoff", "maxBackoff",
                                       "maxWait", "timeout", "stall", "maxBytes", "maxPages"};
    int64_t bytes;
    if (!obj)
        return OV_OK;
    OV_TRY(ov_json_only(obj, keys, OV_COUNT_OF(keys), err));
    OV_TRY(ov_json_str(obj, "pool", l->pool, &l->pool, err));
    OV_TRY(read_u32(obj, "slots", 1, 100, &l->slots, err));
    OV_TRY(read_rate(obj, "rate", &l->rate_count, &l->rate_ms, err));
    OV_TRY(read_rate(obj, "budget", &l->budget_count, &l->budget_ms, err));
    OV_TRY(read_u32(obj, "retries", 0, 100, &l->retries, err));
    OV_TRY(read_u32(obj, "polls", 0, 100, &l->polls, err));
    OV_TRY(read_u32(obj, "maxPages", 0, 100000000, &l->max_pages, err));
    OV_TRY(read_ms(obj, "poll", &l->poll_ms, err));
    OV_TRY(read_ms(obj, "backoff", &l->backoff_ms, err));
    OV_TRY(read_ms(obj, "maxBackoff", &l->max_backoff_ms, err));
    OV_TRY(read_ms(obj, "maxWait", &l->max_wait_ms, err));
    OV_TRY(read_ms(obj, "timeout", &l->timeout_ms, err));
    OV_TRY(read_ms(obj, "stall", &l->stall_ms, err));
    OV_TRY(ov_json_i64_in(obj, "maxBytes", (int64_t)l->max_bytes, 1, INT64_C(1) << 40, &bytes, err));
    l->max_bytes = (uint64_t)bytes;
    return OV_OK;
}

/* ---- sections ---- */

static ov_status read_request(reader *r, const ov_json *doc, ov_error *err)
{
    static const char *const auth_keys[] = {"header", "value", "query", "required"};
    ovi_pull_source *s = r->s;
    const ov_json *auth;
    OV_TRY(ov_json_str(doc, "baseUrl", (ov_slice){0}, &s->base_url, err));
    OV_TRY(ov_json_str(doc, "path", OV_SLICE_LIT(""), &s->path, err));
    OV_TRY(read_pairs(r, doc, "query", &s->query, err));
    OV_TRY(read_pairs(r, doc, "headers", &s->headers, err));
    OV_TRY(read_pairs(r, doc, "params", &s->params, err));
    OV_TRY(ov_json_obj(doc, "auth", &auth, err));
    if (!auth)
        return OV_OK;
    OV_TRY(ov_json_only(auth, auth_keys, OV_COUNT_OF(auth_keys), err));
    OV_TRY(ov_json_str(auth, "header", (ov_slice){0}, &s->auth_header, err));
    OV_TRY(ov_json_str(auth, "value", OV_SLICE_LIT("Bearer {token}"), &s->auth_value, err));
    OV_TRY(ov_json_str(auth, "query", (ov_slice){0}, &s->auth_query, err));
    return ov_json_bool(auth, "required", false, &s->auth_required, err);
}

static ov_status read_paging(reader *r, const ov_json *doc, ov_error *err)
{
    static const char *const kinds[] = {"none", "link", "page", "offset", "cursor"};
    static const char *const keys[] = {"kind", "param", "first", "size", "more", "next"};
    ovi_pull_source *s = r->s;
    const ov_json *p;
    int kind;
    OV_TRY(ov_json_obj(doc, "paging", &p, err));
    if (!p)
        return OV_OK;
    OV_TRY(ov_json_only(p, keys, OV_COUNT_OF(keys), err));
    OV_TRY(word(p, "kind", kinds, OV_COUNT_OF(kinds), 0, &kind, err));
    s->paging = (ovi_paging)kind;
    OV_TRY(ov_json_str(p, "param", (ov_slice){0}, &s->page_param, err));
    OV_TRY(ov_json_i64_in(p, "first", s->paging == OVI_PAGING_PAGE, 0, INT32_MAX, &s->page_first, err));
    OV_TRY(ov_json_i64_in(p, "size", 0, 0, INT32_MAX, &s->page_size, err));
    OV_TRY(read_path(r, p, "more", &s->more, err));
    OV_TRY(read_path(r, p, "next", &s->next, err));
    if (s->paging == OVI_PAGING_CURSOR && s->next.text.n == 0)
        return ov_json_fail(p, err, OV_INVALID, "'next' is missing: the path of the value that leads to the next page");
    if (s->paging == OVI_PAGING_CURSOR && s->page_param.n == 0)
        return ov_json_fail(p, err, OV_INVALID, "'param' is missing: the query parameter that takes the value");
    if (s->paging == OVI_PAGING_OFFSET && s->page_size == 0)
        return ov_json_fail(p, err, OV_INVALID, "'size' is missing: how many rows a page has");
    if (s->paging == OVI_PAGING_PAGE && s->page_size == 0 && s->more.text.n == 0)
        return ov_json_fail(p, err, OV_INVALID, "'size' or 'more' is missing: what tells the last page");
    return OV_OK;
}

static ov_status read_rows(reader *r, const ov_json *doc, ov_error *err)
{
    static const char *const shapes[] = {"array", "object", "map"};
    static const char *const keys[] = {"path", "shape", "explode", "number", "add", "optional"};
    ovi_pull_source *s = r->s;
    const ov_json *rows;
    int shape;
    s->rows.text = OV_SLICE_LIT("$");
    OV_TRY(ov_json_obj(doc, "rows", &rows, err));
    if (rows) {
        OV_TRY(ov_json_only(rows, keys, OV_COUNT_OF(keys), err));
        OV_TRY(word(rows, "shape", shapes, OV_COUNT_OF(shapes), 0, &shape, err));
        s->shape = (ovi_shape)shape;
        OV_TRY(read_path(r, rows, "path", &s->rows, err));
        OV_TRY(ov_json_str(rows, "explode", (ov_slice){0}, &s->explode, err));
        OV_TRY(ov_json_str(rows, "number", (ov_slice){0}, &s->number, err));
        OV_TRY(read_pairs(r, rows, "add", &s->add, err));
        OV_TRY(ov_json_bool(rows, "optional", false, &s->allow_missing_rows, err));
    }
    if (!s->rows.path.steps)
        OV_TRY(ov_jsonpath_compile(s->rows.text, r->out, &s->rows.path, err));
    return OV_OK;
}

static ov_status read_answers(reader *r, const ov_json *doc, ov_error *err)
{
    static const char *const keys[] = {"code", "ok", "empty", "retry", "message", "backoff", "incomplete"};
    static const char *const status_keys[] = {"empty", "missing"};
    ovi_pull_source *s = r->s;
    const ov_json *a, *st;
    static int64_t empty[] = {204}, missing[] = {404, 410, 451};
    s->status_empty = (ovi_int_list){empty, OV_COUNT_OF(empty)};
    s->status_missing = (ovi_int_list){missing, OV_COUNT_OF(missing)};
    OV_TRY(ov_json_obj(doc, "status", &st, err));
    if (st) {
        OV_TRY(ov_json_only(st, status_keys, OV_COUNT_OF(status_keys), err));
        OV_TRY(read_ints(r, st, "empty", &s->status_empty, err));
        OV_TRY(read_ints(r, st, "missing", &s->status_missing, err));
    }
    OV_TRY(ov_json_obj(doc, "answer", &a, err));
    if (!a)
        return OV_OK;
    OV_TRY(ov_json_only(a, keys, OV_COUNT_OF(keys), err));
    OV_TRY(read_path(r, a, "code", &s->code, err));
    OV_TRY(read_texts(r, a, "ok", &s->code_ok, err));
    OV_TRY(read_texts(r, a, "empty", &s->code_empty, err));
    OV_TRY(read_texts(r, a, "retry", &s->code_retry, err));
    OV_TRY(read_path(r, a, "message", &s->message, err));
    OV_TRY(read_path(r, a, "backoff", &s->backoff, err));
    return read_path(r, a, "incomplete", &s->incomplete, err);
}

static ov_status read_cursor(reader *r, const ov_json *doc, ov_error *err)
{
    static const char *const keys[] = {"path", "overlap", "order", "format"};
    static const char *const orders[] = {"ascending", "descending", "unsorted"};
    static const char *const formats[] = {"iso", "posix"};
    ovi_pull_source *s = r->s;
    const ov_json *c, *k;
    int order, format;
    OV_TRY(ov_json_obj(doc, "cursor", &c, err));
    if (c) {
        OV_TRY(ov_json_only(c, keys, OV_COUNT_OF(keys), err));
        OV_TRY(read_path(r, c, "path", &s->cursor, err));
        OV_TRY(read_ms(c, "overlap", &s->cursor_overlap_ms, err));
        OV_TRY(word(c, "order", orders, OV_COUNT_OF(orders), 0, &order, err));
        OV_TRY(word(c, "format", formats, OV_COUNT_OF(formats), 0, &format, err));
        s->cursor_descending = order == 1;
        s->cursor_unsorted = order == 2;
        s->cursor_format = ov_slice_cstr(formats[format]);
        if (s->cursor.text.n == 0)
            return ov_json_fail(c, err, OV_INVALID, "'path' is missing: where a row says when it changed");
    }
    OV_TRY(ov_json_arr(doc, "key", &k, err));
    if (!k)
        return OV_OK;
    OV_TRY(ov_arena_zalloc(r->out, (k->count + 1) * sizeof(*s->key), &s->key, err));
    for (const ov_json *v = k->first; v; v = v->next)
        OV_TRY(compile(r, v, &s->key[s->key_count++], err));
    return OV_OK;
}

static ov_status read_listing(reader *r, const ov_json *doc, ov_error *err)
{
    static const char *const kinds[] = {"none", "s3", "local", "index"};
    static const char *const keys[] = {"kind", "prefix", "glob"};
    ovi_pull_source *s = r->s;
    const ov_json *l;
    int kind;
    OV_TRY(ov_json_obj(doc, "listing", &l, err));
    if (!l)
        return OV_OK;
    OV_TRY(ov_json_only(l, keys, OV_COUNT_OF(keys), err));
    OV_TRY(word(l, "kind", kinds, OV_COUNT_OF(kinds), 0, &kind, err));
    s->listing = (ovi_listing)kind;
    OV_TRY(ov_json_str(l, "prefix", (ov_slice){0}, &s->list_prefix, err));
    return ov_json_str(l, "glob", OV_SLICE_LIT("**"), &s->list_glob, err);
}

static ov_status read_steps(reader *r, const ov_json *doc, ov_error *err)
{
    ovi_pull_source *s = r->s;
    ov_slice step;
    OV_TRY(ov_json_str(doc, "step", (ov_slice){0}, &step, err));
    OV_TRY(read_ms(doc, "lag", &s->lag_ms, err));
    if (step.n == 0)
        return OV_OK;
    s->has_step = s->needs_interval = true;
    ov_status st = ov_gran_init_name(&s->step, step, err);
    if (st == OV_OK && (s->step.kind == OV_GRAN_ALL || s->step.kind == OV_GRAN_NONE))
        return ov_fail(err, OV_INVALID, "step: '" OV_SLICE_FMT "' is no stretch of time", OV_SLICE_ARG(step));
    return st;
}

static ov_status read_load(reader *r, const ov_json *doc, ov_error *err)
{
    ovi_pull_source *s = r->s;
    OV_TRY(ov_json_str(doc, "dataSource", (ov_slice){0}, &s->datasource, err));
    OV_TRY(ov_json_obj(doc, "dataSchema", &s->data_schema, err));
    OV_TRY(ov_json_obj(doc, "flattenSpec", &s->flatten, err));
    OV_TRY(ov_json_obj(doc, "inputFormat", &s->format, err));
    OV_TRY(ov_json_obj(doc, "tuningConfig", &s->tuning, err));
    if (s->format && s->kind == OVI_PULL_REST)
        return ov_json_fail(s->format, err, OV_INVALID, "pages are JSON; name their rows by 'rows' and 'flattenSpec'");
    return OV_OK;
}

const ovi_pull_builtin *ovi_pull_builtin_find(ov_slice name)
{
    size_t n;
    const ovi_pull_builtin *all = ovi_pull_builtins(&n);
    for (size_t i = 0; i < n; i++)
        if (ov_slice_eq(name, ov_slice_cstr(all[i].name)))
            return &all[i];
    return NULL;
}

/* ---- the whole ---- */

static bool known_name(void *arg, ov_slice name)
{
    static const char *const builtin[] = {"cursor", "page", "offset", "end", "token", "now", "interval.start",
                                          "interval.end", "file"};
    const ovi_pull_source *s = arg;
    for (size_t i = 0; i < OV_COUNT_OF(builtin); i++)
        if (ov_slice_eq(name, ov_slice_cstr(builtin[i])))
            return true;
    return ovi_pairs_find(&s->params, name) != NULL;
}

static ov_status check_pairs(ovi_pull_source *s, const ovi_pairs *pairs, const char *where, ov_error *err)
{
    for (uint32_t i = 0; i < pairs->n; i++)
        if (ovi_template_check(pairs->at[i].value, known_name, s, err) != OV_OK) {
            ov_error_context(err, "%s." OV_SLICE_FMT, where, OV_SLICE_ARG(pairs->at[i].name));
            return err->code;
        }
    return OV_OK;
}

static ov_status check_secrets_outside(const ovi_pull_source *s, ov_error *err)
{
    static const char *const names[] = {"authorization", "x-api-key", "cookie", "proxy-authorization"};
    for (uint32_t i = 0; i < s->headers.n; i++)
        for (size_t k = 0; k < OV_COUNT_OF(names); k++)
            if (ov_slice_ieq(s->headers.at[i].name, ov_slice_cstr(names[k])))
                return ov_fail(err, OV_INVALID, "headers." OV_SLICE_FMT ": secrets do not stand in descriptions; say "
                               "\"auth\": {\"header\": \"" OV_SLICE_FMT "\", \"value\": \"{token}\"} and name the token in the spec",
                               OV_SLICE_ARG(s->headers.at[i].name), OV_SLICE_ARG(s->headers.at[i].name));
    return OV_OK;
}

static ov_status check_whole(ovi_pull_source *s, ov_error *err)
{
    OV_TRY(check_secrets_outside(s, err));
    OV_TRY(ovi_template_check(s->path, known_name, s, err));
    OV_TRY(ovi_template_check(s->list_prefix, known_name, s, err));
    OV_TRY(check_pairs(s, &s->query, "query", err));
    OV_TRY(check_pairs(s, &s->headers, "headers", err));
    OV_TRY(check_pairs(s, &s->add, "rows.add", err));
    if (s->paging == OVI_PAGING_PAGE && s->page_param.n == 0 && !memmem(s->path.p, s->path.n, "{page}", 6))
        return ov_fail(err, OV_INVALID, "paging.param: name the query parameter that takes the page's number, or write {page} into the path");
    if (s->kind == OVI_PULL_FILES && s->paging != OVI_PAGING_NONE)
        return ov_fail(err, OV_INVALID, "paging: files have no pages");
    if (s->kind == OVI_PULL_REST && s->listing != OVI_LISTING_NONE)
        return ov_fail(err, OV_INVALID, "listing: only sources of kind 'files' are listed");
    return OV_OK;
}

static void set_defaults(ovi_pull_source *s)
{
    s->limits = (ovi_pull_limits){
        .slots = 4,
        .retries = 5,
        .polls = 6,
        .poll_ms = 3000,
        .backoff_ms = 1000,
        .max_backoff_ms = 60000,
        .max_wait_ms = 2 * OV_MS_PER_HOUR,
        .timeout_ms = s->kind == OVI_PULL_FILES ? OV_MS_PER_HOUR : 120000,
        .stall_ms = 60000,
        .max_bytes = s->kind == OVI_PULL_FILES ? UINT64_C(16) << 30 : UINT64_C(64) << 20,
    };
}

ov_status ovi_pull_source_read(const ov_json *doc, ov_arena *out, ovi_pull_source *s, ov_error *err)
{
    static const char *const kinds[] = {"rest", "files"};
    static const char *const keys[] = {
        "name",   "about", "kind",       "baseUrl", "path",  "query",      "headers",    "params",      "auth",        "paging",
        "rows",   "answer", "status",    "cursor",  "key",   "conditional", "step",      "lag",         "listing",     "limits",
        "dataSource", "dataSchema", "flattenSpec", "inputFormat", "tuningConfig"};
    reader r = {out, s};
    const ov_json *limits;
    int kind;
    *s = (ovi_pull_source){0};
    OV_TRY(ov_json_expect(doc, OV_JSON_OBJECT, err));
    OV_TRY(ov_json_only(doc, keys, OV_COUNT_OF(keys), err));
    OV_TRY(ov_json_str(doc, "name", OV_SLICE_LIT("custom"), &s->name, err));
    OV_TRY(ov_json_str(doc, "about", (ov_slice){0}, &s->about, err));
    OV_TRY(word(doc, "kind", kinds, OV_COUNT_OF(kinds), 0, &kind, err));
    s->kind = (ovi_pull_kind)kind;
    set_defaults(s);
    OV_TRY(read_request(&r, doc, err));
    OV_TRY(read_paging(&r, doc, err));
    OV_TRY(read_rows(&r, doc, err));
    OV_TRY(read_answers(&r, doc, err));
    OV_TRY(read_cursor(&r, doc, err));
    OV_TRY(ov_json_bool(doc, "conditional", true, &s->conditional, err));
    OV_TRY(read_listing(&r, doc, err));
    OV_TRY(read_steps(&r, doc, err));
    OV_TRY(ov_json_obj(doc, "limits", &limits, err));
    OV_TRY(ovi_pull_limits_read(limits, &s->limits, err));
    OV_TRY(read_load(&r, doc, err));
    return check_whole(s, err);
}
