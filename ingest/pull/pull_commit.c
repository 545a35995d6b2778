/* What a group of series leaves behind: their states, where the bytes came from, what was not there. */
#include "ingest/pull/pull_int.h"

#include <stdio.h>
#include "base/jsonw.h"

static ov_status finish_json(ov_buf *b, ov_arena *out, ov_slice *text, ov_error *err)
{
    ov_status st = ov_buf_check(b, err);
    if (st == OV_OK)
        st = ov_arena_copy(out, ov_buf_slice(b), text, err);
    ov_buf_fini(b);
    return st;
}

static void text_member(ov_jsonw *w, const char *key, ov_slice text)
{
    if (text.n)
        ov_jsonw_str(w, key, text);
}

static ov_status add_lineage(ovi_run *run, const ovi_fetched *x, ov_publish *p, ov_error *err)
{
    ov_buf b;
    ov_jsonw w;
    ov_record r = {.kind = OV_SLICE_LIT("lineage"), .key = x->url, .at_ms = x->at_ms};
    ov_buf_init(&b);
    ov_jsonw_init(&w, &b);
    ov_jsonw_open_object(&w, NULL);
    ov_jsonw_str(&w, "datasource", run->spec->datasource);
    ov_jsonw_str(&w, "source", run->spec->source.name);
    ov_jsonw_str(&w, "series", x->series->key);
    ov_jsonw_i64(&w, "status", x->status);
    ov_jsonw_u64(&w, "bytes", x->bytes);
    ov_jsonw_u64(&w, "rows", x->rows);
    ov_jsonw_cstr(&w, "sha256", x->sha256);
    text_member(&w, "etag", x->etag);
    text_member(&w, "modified", x->modified);
    text_member(&w, "range", x->range);
    ov_jsonw_close_object(&w);
    OV_TRY(finish_json(&b, p->arena, &r.value, err));
    OV_TRY(ov_arena_copy(p->arena, x->url, &r.key, err));
    return ov_publish_record(p, &r, err);
}

/* Stretches of an interval one by one; other series only when something is missing. */
static ov_status add_completeness(ovi_run *run, const ovi_series *s, ov_publish *p, ov_error *err)
{
    bool bad = s->phase == OVI_GAP || s->phase == OVI_FAILED, step = run->spec->source.has_step;
    ov_buf b;
    ov_jsonw w;
    ov_record r = {.kind = OV_SLICE_LIT("completeness"),
                   .at_ms = step ? s->interval.start : ov_floor_div(run->collected_ms, OV_MS_PER_HOUR) * OV_MS_PER_HOUR};
    if (!bad && (!step || s->phase != OVI_COMPLETE))
        return OV_OK;
    ov_buf_init(&b);
    ov_jsonw_init(&w, &b);
    ov_jsonw_open_object(&w, NULL);
    ov_jsonw_str(&w, "datasource", run->spec->datasource);
    ov_jsonw_i64(&w, "end", step ? s->interval.end : r.at_ms + OV_MS_PER_HOUR);
    ov_jsonw_cstr(&w, "status", s->phase == OVI_GAP ? "missing" : s->phase == OVI_FAILED ? "failed" : "complete");
    ov_jsonw_u64(&w, "expected", 1);
    ov_jsonw_u64(&w, "received", !bad);
    ov_jsonw_u64(&w, "rows", s->new_rows);
    if (bad)
        ov_jsonw_cstr(&w, "reason", s->why);
    ov_jsonw_close_object(&w);
    OV_TRY(finish_json(&b, p->arena, &r.value, err));
    if (step && s->values.n == 0)
        r.key = run->spec->name;
    else
        OV_TRY(ov_arena_printf(p->arena, &r.key, err, OV_SLICE_FMT ":" OV_SLICE_FMT, OV_SLICE_ARG(run->spec->name),
                               OV_SLICE_ARG(s->key)));
    return ov_publish_record(p, &r, err);
}

/* A series that failed keeps what it has and goes on at the page that failed; where that was the first thing asked and it is an
 * address of an earlier run, the address is given up. */
static void settle_failed(ovi_run *run, ovi_series *s)
{
    if (s->new_rows + s->repeated == 0) {
        s->changed = s->was.resume.n != 0;
        s->now.resume = (ov_slice){0};
        s->now.resume_page = 0;
        return;
    }
    s->changed = true;
    s->now.resume = s->next_url;
    s->now.resume_page = s->page;
    if (!run->spec->source.cursor_descending && !run->spec->source.cursor_unsorted && s->now.high.n)
        s->now.cursor = s->now.high;
}

static void count_end(ovi_run *run, const ovi_series *s)
{
    if (s->phase == OVI_GAP && run->gaps++ == 0)
        snprintf(run->first_gap, sizeof run->first_gap, "%s", s->why);
    if (s->phase == OVI_FAILED && run->failures++ == 0)
        snprintf(run->first_failure, sizeof run->first_failure, "%s", s->why);
}

static ov_status settle_series(ovi_run *run, ovi_series *s, ov_publish *p, ov_error *err)
{
    ov_slice value;
    count_end(run, s);
    OV_TRY(add_completeness(run, s, p, err));
    if (s->phase == OVI_FAILED || s->phase == OVI_GAP)
        settle_failed(run, s);
    if (!s->changed)
        return OV_OK;
    OV_TRY(ovi_state_print(&s->now, run->arena, &value, err));
    if (!ov_slice_eq(value, s->before))
        OV_TRY(ov_publish_cursor(p, s->state_key, s->before, value, err));
    s->before = value;
    return OV_OK;
}

ov_status ovi_run_settle(ovi_run *run, uint32_t from, uint32_t to, ov_publish *p, ov_error *err)
{
    for (const ovi_fetched *x = run->fetched; x; x = x->next)
        OV_TRY(add_lineage(run, x, p, err));
    for (uint32_t i = from; i < to; i++)
        if (run->series[i].phase != OVI_SAME)
            OV_TRY(settle_series(run, &run->series[i], p, err));
    return OV_OK;
}
