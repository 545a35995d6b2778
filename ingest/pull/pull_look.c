/* Looks at a spec without running it: what it would cost, what its first page gives, which sources there are. */
#include "ingest/pull/pull_int.h"

#include "base/file.h"
#include "base/jsonw.h"
#include "base/os.h"
#include "ingest/load/sample.h"

/* ---- a run that publishes nothing ---- */

static ov_status begin(const ov_pull_look *look, ov_slice text, bool dry, ov_arena *a, ovi_pull_spec *spec, ovi_run *run,
                       ov_error *err)
{
    ov_json *doc;
    OV_TRY(ov_json_parse(text, NULL, a, &doc, err));
    OV_TRY(ovi_pull_spec_read(doc, a, spec, err));
    *run = (ovi_run){.spec = spec,
                     .catalog = look->catalog,
                     .ops = look->ops,
                     .arena = a,
                     .tmp_dir = look->tmp_dir,
                     .stem = "look",
                     .cancel = look->cancel,
                     .collected_ms = ov_now_ms(),
                     .dry = dry};
    ov_status st = ovi_run_prepare(run, err);
    ovi_secrets_hide_error(&run->secrets, err);
    return st;
}

/* ---- plan ---- */

typedef struct forecast {
    uint64_t asked, done, resumed, conditional, requests;
    double seconds;
    const char *bound; /* what decides on the time */
} forecast;

static void foresee(const ovi_run *run, forecast *f)
{
    const ovi_pull_limits *l = &run->spec->source.limits;
    static const double SECONDS_EACH = 0.3; /* of one request; a guess that the limits usually outweigh */
    for (uint32_t i = 0; i < run->series_count; i++) {
        const ovi_series *s = &run->series[i];
        if (s->phase == OVI_SAME) {
            f->done++;
            continue;
        }
        uint64_t pages = s->was.page_count ? s->was.page_count : 1;
        f->asked++;
        f->resumed += s->was.resume.n != 0;
        f->conditional += s->was.page_count > 0;
        f->requests += run->spec->source.cursor.text.n ? 1 : pages;
    }
    f->seconds = (double)f->requests * SECONDS_EACH / l->slots;
    f->bound = "slots";
    double tokens = OV_MAX(run->token_count, 1u);
    double by_rate = l->rate_count ? (double)f->requests / l->rate_count * (double)l->rate_ms / 1000 : 0;
    double windows = l->budget_count ? (double)((f->requests - 1) / (uint64_t)(l->budget_count * tokens)) : 0;
    double by_budget = f->requests ? windows * (double)l->budget_ms / 1000 : 0;
    if (by_rate > f->seconds) {
        f->seconds = by_rate;
        f->bound = "rate";
    }
    if (by_budget > f->seconds) {
        f->seconds = by_budget;
        f->bound = "budget";
    }
}

static void print_plan(const ovi_run *run, const forecast *f, ov_jsonw *w)
{
    const ovi_pull_limits *l = &run->spec->source.limits;
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_str(w, "source", run->spec->source.name);
    ov_jsonw_str(w, "dataSource", run->spec->datasource);
    ov_jsonw_u64(w, "series", run->series_count);
    ov_jsonw_u64(w, "toAsk", f->asked);
    ov_jsonw_u64(w, "done", f->done);
    ov_jsonw_u64(w, "resumed", f->resumed);
    ov_jsonw_u64(w, "requestsAtLeast", f->requests);
    ov_jsonw_u64(w, "conditional", f->conditional);
    ov_jsonw_u64(w, "listings", run->listings);
    ov_jsonw_u64(w, "tokens", run->token_count);
    ov_jsonw_str(w, "pool", l->pool.n ? l->pool : run->spec->origin);
    ov_jsonw_u64(w, "slots", l->slots);
    if (l->rate_count) {
        ov_jsonw_u64(w, "rateRequests", l->rate_count);
        ov_jsonw_i64(w, "ratePerMs", l->rate_ms);
    }
    if (l->budget_count) {
        ov_jsonw_u64(w, "budgetPerToken", l->budget_count);
        ov_jsonw_i64(w, "budgetPerMs", l->budget_ms);
    }
    ov_jsonw_f64(w, "seconds", f->seconds);
    ov_jsonw_cstr(w, "boundBy", f->bound);
    ov_jsonw_open_array(w, "first");
    for (uint32_t i = 0, shown = 0; i < run->series_count && shown < 5; i++) {
        ov_buf url;
        ov_error ignored = OV_ERROR_INIT;
        if (run->series[i].phase == OVI_SAME)
            continue;
        ov_buf_init(&url);
        if (ovi_series_url(run, &run->series[i], NULL, false, &url, &ignored) == OV_OK)
            ov_jsonw_str(w, NULL, ov_buf_slice(&url));
        ov_buf_fini(&url);
        shown++;
    }
    ov_jsonw_close_array(w);
    ov_jsonw_close_object(w);
}

ov_status ov_pull_plan(const ov_pull_look *look, ov_slice text, ov_buf *json, ov_error *err)
{
    ov_arena a;
    ovi_pull_spec spec;
    ovi_run run = {0};
    forecast f = {0};
    ov_jsonw w;
    ov_arena_init(&a, "plan", NULL);
    ov_status st = begin(look, text, true, &a, &spec, &run, err);
    if (st == OV_OK) {
        foresee(&run, &f);
        ov_jsonw_init(&w, json);
        print_plan(&run, &f, &w);
        st = ov_buf_check(json, err);
    }
    ovi_run_fini(&run);
    ov_arena_fini(&a);
    return st;
}

/* ---- test ---- */

static ov_status sample(const ov_pull_look *look, ovi_run *run, ov_buf *json, ov_error *err)
{
    const ovi_series *s = &run->series[0];
    ov_sample_options few = {.max_rows = 20};
    ov_spec *load;
    if (s->phase == OVI_GAP || s->phase == OVI_FAILED)
        return ov_fail(err, s->code, "%s", s->why);
    if (s->spool.n == 0)
        return ov_fail(err, OV_NOT_FOUND, "the first page has no rows");
    OV_TRY(ovi_pull_load_spec(run->spec, &s->spool, 1, run->arena, &load, err));
    ov_load_env env = {.tmp_dir = look->tmp_dir, .file_stem = "look-sample", .version = OV_SLICE_LIT("look"), .workers = 1,
                       .cancel = look->cancel, .transforms = look->transforms};
    return ov_sample_run(load, &env, &few, json, err);
}

ov_status ov_pull_test(const ov_pull_look *look, ov_slice text, ov_buf *json, ov_error *err)
{
    ov_arena a;
    ovi_pull_spec spec;
    ovi_run run = {0};
    ov_pull_look blank = *look;
    blank.catalog = NULL; /* as if nothing had been read */
    ov_arena_init(&a, "test", NULL);
    ov_status st = begin(&blank, text, false, &a, &spec, &run, err);
    if (st == OV_OK && run.series_count == 0)
        st = ov_fail(err, OV_NOT_FOUND, "the spec gives no series: nothing would be asked");
    run.max_pages = 1;
    if (st == OV_OK)
        st = ovi_run_fetch(&run, 0, 1, err);
    if (st == OV_OK)
        st = sample(look, &run, json, err);
    if (run.series_count && run.series[0].spool.n && spec.source.listing != OVI_LISTING_LOCAL) {
        ov_error ignored = OV_ERROR_INIT;
        (void)!ov_file_remove(run.series[0].spool.p, &ignored);
    }
    ovi_secrets_hide_error(&run.secrets, err);
    ovi_run_fini(&run);
    ov_arena_fini(&a);
    return st;
}

/* ---- sources ---- */

ov_status ov_pull_sources(ov_buf *json, ov_error *err)
{
    size_t n;
    const ovi_pull_builtin *all = ovi_pull_builtins(&n);
    ov_jsonw w;
    ov_jsonw_init(&w, json);
    ov_jsonw_open_array(&w, NULL);
    for (size_t i = 0; i < n; i++) {
        ov_arena a;
        ov_json *doc;
        ovi_pull_source s;
        ov_arena_init(&a, "source", NULL);
        ov_status st = ov_json_parse(ov_slice_cstr(all[i].json), NULL, &a, &doc, err);
        if (st == OV_OK)
            st = ovi_pull_source_read(doc, &a, &s, err);
        if (st != OV_OK) {
            ov_error_context(err, "source %s", all[i].name);
            ov_arena_fini(&a);
            return st;
        }
        ov_jsonw_open_object(&w, NULL);
        ov_jsonw_cstr(&w, "name", all[i].name);
        ov_jsonw_str(&w, "about", s.about);
        ov_jsonw_str(&w, "dataSource", s.datasource);
        ov_jsonw_open_object(&w, "params");
        for (uint32_t k = 0; k < s.params.n; k++) {
            ov_jsonw_key(&w, s.params.at[k].name);
            if (s.params.at[k].value.p)
                ov_jsonw_str(&w, NULL, s.params.at[k].value);
            else
                ov_jsonw_null(&w, NULL);
        }
        ov_jsonw_close_object(&w);
        ov_jsonw_close_object(&w);
        ov_arena_fini(&a);
    }
    ov_jsonw_close_array(&w);
    return ov_buf_check(json, err);
}
