/* What a run asks: every combination of parameters, every step of the interval, every file of a listing. */
#include "ingest/pull/pull_int.h"

#include <stdio.h>
#include "base/hash.h"
#include "ingest/pull/pull_listing.h"

enum { MOST_SERIES = 1000000 };

/* ---- bindings ---- */

typedef struct bindings {
    ovi_run *run;
    ovi_pairs *rows; /* one set of values each */
    uint32_t count, cap;
} bindings;

static ov_status add_binding(bindings *b, const ovi_pairs *values, ov_error *err)
{
    if (b->count >= MOST_SERIES)
        return ov_fail(err, OV_LIMIT, "the parameters give more than %d series", MOST_SERIES);
    OV_TRY(ov_arena_room(b->run->arena, &b->rows, b->count, &b->cap, 1, sizeof *b->rows, err));
    b->rows[b->count++] = *values;
    return OV_OK;
}

/* Every combination of the parameters from `at` on, over what `chosen` holds already. */
static ov_status combine(bindings *b, uint32_t at, const ovi_pairs *chosen, ov_error *err)
{
    const ovi_pull_spec *p = b->run->spec;
    if (at == p->param_count)
        return add_binding(b, chosen, err);
    for (uint32_t i = 0; i < p->params[at].values.n; i++) {
        ovi_pairs more = {.n = chosen->n + 1};
        OV_TRY(ov_arena_alloc(b->run->arena, more.n * sizeof(*more.at), &more.at, err));
        if (chosen->n)
            memcpy(more.at, chosen->at, chosen->n * sizeof(*more.at));
        more.at[chosen->n] = (ovi_pair){p->params[at].name, p->params[at].values.at[i]};
        OV_TRY(combine(b, at + 1, &more, err));
    }
    return OV_OK;
}

static ov_status on_sql_row(void *arg, const ov_slice *names, const ov_slice *cells, uint32_t n, ov_error *err)
{
    bindings *b = arg;
    ovi_pairs values = {0};
    OV_TRY(ov_arena_alloc(b->run->arena, (n + 1) * sizeof(*values.at), &values.at, err));
    for (uint32_t i = 0; i < n; i++) {
        if (!ovi_pairs_find(&b->run->spec->source.params, names[i]))
            return ov_fail(err, OV_INVALID, "forEach.sql: the column '" OV_SLICE_FMT "' is no parameter of the source "
                           OV_SLICE_FMT, OV_SLICE_ARG(names[i]), OV_SLICE_ARG(b->run->spec->source.name));
        if (!cells[i].p)
            return OV_OK; /* NULL: nothing to ask for */
        OV_TRY(ov_arena_copy(b->run->arena, names[i], &values.at[values.n].name, err));
        OV_TRY(ov_arena_copy(b->run->arena, cells[i], &values.at[values.n++].value, err));
    }
    return combine(b, 0, &values, err);
}

/* A parameter that ends up in a path must not climb out of it. */
static ov_status check_binding(const ovi_pull_source *src, const ovi_pairs *values, ov_error *err)
{
    for (uint32_t i = 0; i < src->params.n; i++)
        if (!src->params.at[i].value.p && !ovi_pairs_find(values, src->params.at[i].name))
            return ov_fail(err, OV_INVALID, "forEach.sql gives no column '" OV_SLICE_FMT "', which the source needs",
                           OV_SLICE_ARG(src->params.at[i].name));
    for (uint32_t i = 0; i < values->n; i++) {
        ov_slice v = values->at[i].value;
        bool bad = v.n > 1000;
        for (size_t at = 0; at < v.n; at++) {
            bool starts = at == 0 || v.p[at - 1] == '/';
            bad |= (unsigned char)v.p[at] < 32;
            bad |= starts && v.n - at >= 2 && v.p[at] == '.' && v.p[at + 1] == '.' && (v.n - at == 2 || v.p[at + 2] == '/');
        }
        if (bad)
            return ov_fail(err, OV_INVALID, "params." OV_SLICE_FMT ": '" OV_SLICE_FMT "' cannot be part of an address: no '..', "
                           "no control characters, at most 1000 bytes", OV_SLICE_ARG(values->at[i].name), OV_SLICE_ARG(v));
    }
    return OV_OK;
}

/* ---- series ---- */

static ov_status series_key(ovi_run *run, ovi_series *s, bool stepped, ov_error *err)
{
    ov_buf b;
    ov_buf_init(&b);
    for (uint32_t i = 0; i < s->values.n; i++) {
        ov_buf_add_str(&b, b.n ? "&" : "");
        ov_buf_add_slice(&b, s->values.at[i].name);
        ov_buf_add_char(&b, '=');
        ov_url_encode(&b, s->values.at[i].value);
    }
    if (stepped) {
        ov_buf_add_str(&b, b.n ? "&" : "");
        ov_iso_add(&b, s->interval.start, NULL);
    }
    if (s->file.n) {
        ov_buf_add_str(&b, b.n ? "&file=" : "file=");
        ov_buf_add_slice(&b, s->file);
    }
    ov_status st = ov_buf_check(&b, err);
    if (st == OV_OK)
        st = ov_arena_copy(run->arena, ov_buf_slice(&b), &s->key, err);
    ov_buf_fini(&b);
    return st;
}

static ov_status load_state(ovi_run *run, ovi_series *s, ov_error *err)
{
    uint32_t before;
    OV_TRY(ov_arena_printf(run->arena, &s->state_key, err, "pull:" OV_SLICE_FMT ":" OV_SLICE_FMT,
                           OV_SLICE_ARG(run->spec->name), OV_SLICE_ARG(s->key)));
    if (run->catalog)
        OV_TRY(ov_catalog_cursor_get(run->catalog, s->state_key, run->arena, &s->before, err));
    if (!run->spec->reset)
        OV_TRY(ovi_state_read(s->before, run->arena, &s->was, err));
    s->now = s->was;
    s->now.pages = NULL; /* told anew by this run */
    s->now.page_count = s->now.page_cap = 0;
    s->now.edge_cap = s->now.edge_count; /* the list is shared until it grows */
    s->next_url = s->was.resume;
    s->page = s->was.resume_page;
    for (uint32_t i = 0; i < s->was.edge_count; i++)
        OV_TRY(ovi_seen_add(&s->seen, s->was.edge[i].hash, &before, err));
    if (!s->was.done)
        return OV_OK;
    bool other = s->file_etag.n && s->was.page_count && !ov_slice_eq(s->was.pages[0].etag, s->file_etag);
    if (!other || run->spec->on_change == OVI_CHANGE_IGNORE) {
        s->phase = OVI_SAME;
    } else if (run->spec->on_change == OVI_CHANGE_FAIL) {
        s->phase = OVI_FAILED;
        s->code = OV_INVALID;
        snprintf(s->why, sizeof s->why, OV_SLICE_FMT " has changed since it was loaded; \"onChange\": \"append\" loads it once more, "
                 "\"ignore\" leaves it", OV_SLICE_ARG(s->file));
    }
    return OV_OK;
}

typedef struct series_list {
    ovi_run *run;
    uint32_t cap;
} series_list;

static ov_status add_series(series_list *l, const ovi_series *s, bool stepped, ov_error *err)
{
    ovi_run *run = l->run;
    if (run->series_count >= MOST_SERIES)
        return ov_fail(err, OV_LIMIT, "the spec gives more than %d series; use a shorter interval or fewer parameters", MOST_SERIES);
    OV_TRY(ov_arena_room(run->arena, &run->series, run->series_count, &l->cap, 1, sizeof *run->series, err));
    ovi_series *to = &run->series[run->series_count];
    *to = *s;
    to->index = run->series_count++;
    OV_TRY(series_key(run, to, stepped, err));
    return load_state(run, to, err);
}

/* The files of a listing for one binding and step. */
static ov_status add_listed(series_list *l, const ovi_series *base, ov_error *err)
{
    ovi_run *run = l->run;
    const ovi_pull_source *src = &run->spec->source;
    ovi_own_names own;
    ovi_names names;
    ovi_listed *files;
    uint32_t n;
    bool missing;
    ov_buf prefix, glob;
    if (run->dry && src->listing != OVI_LISTING_LOCAL) {
        run->listings++;
        return OV_OK;
    }
    ov_buf_init(&prefix);
    ov_buf_init(&glob);
    ovi_series_names(run, base, &own, &names);
    ov_status st = ovi_template_expand(src->list_prefix, &names, false, &prefix, &missing, err);
    if (st == OV_OK && missing)
        st = ov_fail(err, OV_INVALID, "listing.prefix: a name in it has no value");
    if (st == OV_OK)
        st = ovi_template_expand(src->list_glob, &names, false, &glob, &missing, err);
    if (st == OV_OK)
        st = ovi_listing_read(run, ov_buf_slice(&prefix), ov_buf_slice(&glob), &files, &n, err);
    for (uint32_t i = 0; i < n && st == OV_OK; i++) {
        ovi_series s = *base;
        s.file = files[i].name;
        s.file_etag = files[i].etag;
        s.file_bytes = files[i].bytes;
        st = add_series(l, &s, false, err);
    }
    ov_buf_fini(&prefix);
    ov_buf_fini(&glob);
    return st;
}

static ov_status add_one(series_list *l, const ovi_series *s, bool stepped, ov_error *err)
{
    return l->run->spec->source.listing ? add_listed(l, s, err) : add_series(l, s, stepped, err);
}

static ov_status add_steps(series_list *l, const ovi_pairs *values, ov_error *err)
{
    const ovi_pull_spec *p = l->run->spec;
    ovi_series s = {.values = *values, .has_interval = p->has_interval, .interval = p->interval};
    if (!p->source.has_step)
        return add_one(l, &s, false, err);
    for (int64_t at = p->interval.start; at < p->interval.end;) {
        s.interval = ov_gran_bucket(&p->source.step, at);
        at = s.interval.end;
        if (at > l->run->collected_ms - p->source.lag_ms)
            break; /* not there yet; a later run asks */
        OV_TRY(add_one(l, &s, true, err));
    }
    return OV_OK;
}

static ov_status make_series(ovi_run *run, ov_error *err)
{
    bindings b = {.run = run};
    series_list l = {.run = run};
    ovi_pairs none = {0};
    if (run->spec->for_each_sql.n) {
        if (!run->ops)
            return ov_fail(err, OV_UNSUPPORTED, "forEach needs a query engine, which this program part has not");
        OV_TRY(run->ops->query(run->ops->ctx, run->spec->for_each_sql, on_sql_row, &b, err));
    } else {
        OV_TRY(combine(&b, 0, &none, err));
    }
    for (uint32_t i = 0; i < b.count; i++) {
        OV_TRY(check_binding(&run->spec->source, &b.rows[i], err));
        OV_TRY(add_steps(&l, &b.rows[i], err));
    }
    return OV_OK;
}

/* ---- the run ---- */

static ov_status read_tokens(ovi_run *run, ov_error *err)
{
    const ovi_pull_spec *p = run->spec;
    OV_TRY(ov_arena_zalloc(run->arena, (p->tokens.n + 1) * sizeof(*run->tokens), &run->tokens, err));
    for (uint32_t i = 0; i < p->tokens.n && !run->replays; i++) {
        ovi_token *t = &run->tokens[run->token_count++];
        OV_TRY(ovi_secret_read(&run->secrets, p->tokens.at[i], run->arena, &t->value, err));
        t->id = ov_checksum(t->value.p, t->value.n) | 1;
        snprintf(t->name, sizeof t->name, "%016llx", (unsigned long long)t->id);
    }
    return OV_OK;
}

ov_status ovi_run_prepare(ovi_run *run, ov_error *err)
{
    const ovi_pull_spec *p = run->spec;
    ov_arena_init(&run->group, "pull", NULL);
    run->fetched_tail = &run->fetched;
    OV_TRY(read_tokens(run, err));
    OV_TRY(ov_arena_zalloc(run->arena, (p->secrets.n + 1) * sizeof(*run->keys.at), &run->keys.at, err));
    for (uint32_t i = 0; i < p->secrets.n && !run->replays; i++) {
        ovi_pair *to = &run->keys.at[run->keys.n++];
        to->name = p->secrets.at[i].name;
        OV_TRY(ovi_secret_read(&run->secrets, p->secrets.at[i].value, run->arena, &to->value, err));
    }
    ov_slice pool = p->source.limits.pool.n ? p->source.limits.pool : p->origin.n ? p->origin : OV_SLICE_LIT("local");
    OV_TRY(ovi_pool_get(pool, &p->source.limits, &run->pool, err));
    return make_series(run, err);
}

void ovi_run_fini(ovi_run *run)
{
    for (uint32_t i = 0; i < run->series_count; i++)
        ovi_seen_fini(&run->series[i].seen);
    ov_arena_fini(&run->group);
}
