/*
 * Segments and time chunks of datasources as the coordinator lists them. Every segment is on this machine, so whatever is
 * published is loaded, by the one server there is.
 */
#include <stdlib.h>

#include "base/datetime.h"
#include "base/json.h"
#include "base/jsonw.h"
#include "server/endpoints/segment_json.h"
#include "server/handlers.h"
#include "server/reply.h"

/* A document about a snapshot under way. */
typedef struct page {
    ov_request *rq;
    ov_snapshot *snap;
    ovi_reply reply;
    ov_jsonw *w;
} page;

static void page_open(page *p, ov_app *app, ov_request *rq)
{
    p->rq = rq;
    p->snap = ov_catalog_snapshot(app->catalog);
    p->w = ovi_reply_open(&p->reply);
}

static void page_send(page *p)
{
    ov_snapshot_release(p->snap);
    ovi_reply_send(p->rq, 200, &p->reply);
}

static void page_nothing(page *p, int status)
{
    ov_snapshot_release(p->snap);
    ovi_reply_drop(&p->reply);
    ovi_reply_nothing(p->rq, status);
}

static void page_error(page *p, const ov_error *err)
{
    ov_snapshot_release(p->snap);
    ovi_reply_drop(&p->reply);
    ovi_reply_error(p->rq, err);
}

static ov_interval chunk_of(const ov_segment_entry *e)
{
    return (ov_interval){e->info.start_ms, e->info.end_ms};
}

static const ov_segment_entry *find_segment(const ov_datasource *ds, ov_slice id)
{
    for (uint32_t i = 0; ds && i < ds->segment_count; i++)
        if (ov_slice_eq(ds->segments[i]->id, id))
            return ds->segments[i];
    return NULL;
}

static void add_servers(ov_jsonw *w, const char *address)
{
    ov_jsonw_open_array(w, "servers");
    ov_jsonw_cstr(w, NULL, address);
    ov_jsonw_close_array(w);
}

static void add_interval_key(ov_jsonw *w, ov_interval i)
{
    ov_buf text;
    ov_buf_init(&text);
    ov_interval_add(&text, i);
    ov_jsonw_key(w, ov_buf_slice(&text));
    ov_buf_fini(&text);
}

/* ---- segments ---- */

static void list_segments(page *p, const ov_datasource *ds)
{
    bool full = ovi_has_param(p->rq, "full");
    ov_jsonw_open_array(p->w, NULL);
    for (uint32_t i = 0; i < ds->segment_count; i++) {
        if (full)
            ovi_segment_json(p->w, NULL, ds->segments[i], false);
        else
            ov_jsonw_str(p->w, NULL, ds->segments[i]->id);
    }
    ov_jsonw_close_array(p->w);
}

static void segments_or(ov_app *app, ov_request *rq, ov_slice name, int unknown)
{
    page p;
    page_open(&p, app, rq);
    const ov_datasource *ds = ov_snapshot_find(p.snap, name);
    if (!ds) {
        page_nothing(&p, unknown);
        return;
    }
    list_segments(&p, ds);
    page_send(&p);
}

void ov_h_segments(ov_app *app, ov_request *rq, const ov_captures *at)
{
    segments_or(app, rq, at->s[0], 204);
}

void ov_h_metadata_segments_of(ov_app *app, ov_request *rq, const ov_captures *at)
{
    segments_or(app, rq, at->s[0], 404);
}

void ov_h_segment(ov_app *app, ov_request *rq, const ov_captures *at)
{
    page p;
    page_open(&p, app, rq);
    const ov_segment_entry *e = find_segment(ov_snapshot_find(p.snap, at->s[0]), at->s[1]);
    if (!e) {
        page_nothing(&p, 204);
        return;
    }
    ov_jsonw_open_object(p.w, NULL);
    ovi_segment_json(p.w, "metadata", e, false);
    add_servers(p.w, app->address);
    ov_jsonw_close_object(p.w);
    page_send(&p);
}

void ov_h_metadata_segment(ov_app *app, ov_request *rq, const ov_captures *at)
{
    page p;
    page_open(&p, app, rq);
    const ov_segment_entry *e = find_segment(ov_snapshot_find(p.snap, at->s[0]), at->s[1]);
    if (!e) {
        page_nothing(&p, 404);
        return;
    }
    ovi_segment_json(p.w, NULL, e, false);
    page_send(&p);
}

void ov_h_metadata_segments(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    page p;
    const ov_segment_entry *const *all;
    bool status = ovi_has_param(rq, "includeOvershadowedStatus"), some = ovi_has_param(rq, "datasources");
    if (!status && ovi_has_param(rq, "includeRealtimeSegments")) {
        ovi_reply_nothing(rq, 400);
        return;
    }
    page_open(&p, app, rq);
    uint32_t n = ov_snapshot_all(p.snap, &all);
    ov_jsonw_open_array(p.w, NULL);
    for (uint32_t i = 0; i < n; i++)
        if (!some || ov_request_param_has(rq, "datasources", all[i]->info.datasource))
            ovi_segment_json(p.w, NULL, ov_snapshot_shown(p.snap, all[i]), status);
    ov_jsonw_close_array(p.w);
    page_send(&p);
}

/* The body: a list of intervals. */
static ov_status read_intervals(ov_request *rq, ov_interval **out, uint32_t *count, ov_error *err)
{
    ov_json *list;
    ov_arena *a = ov_request_arena(rq);
    OV_TRY(ov_json_parse(ov_request_body(rq), NULL, a, &list, err));
    OV_TRY(ov_json_expect(list, OV_JSON_ARRAY, err));
    OV_TRY(ov_arena_alloc(a, (list->count + (size_t)1) * sizeof **out, out, err));
    *count = 0;
    for (const ov_json *v = list->first; v; v = v->next) {
        ov_slice text;
        OV_TRY(ov_json_as_str(v, &text, err));
        OV_TRY(ov_interval_parse(text, &(*out)[(*count)++], err));
    }
    return OV_OK;
}

static bool overlaps_any(const ov_interval *list, uint32_t count, ov_interval chunk)
{
    for (uint32_t i = 0; i < count; i++)
        if (ov_interval_overlaps(list[i], chunk))
            return true;
    return false;
}

void ov_h_metadata_segments_in(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    page p;
    ov_interval *wanted;
    uint32_t count;
    const ov_segment_entry *const *all;
    bool full = ovi_has_param(rq, "full");
    if (read_intervals(rq, &wanted, &count, &err) != OV_OK) {
        ovi_reply_error(rq, &err);
        return;
    }
    page_open(&p, app, rq);
    uint32_t n = ov_snapshot_all(p.snap, &all);
    ov_jsonw_open_array(p.w, NULL);
    for (uint32_t i = 0; i < n; i++) {
        if (!ov_slice_eq(all[i]->info.datasource, at->s[0]) || !overlaps_any(wanted, count, chunk_of(all[i])))
            continue;
        if (full)
            ovi_segment_json(p.w, NULL, ov_snapshot_shown(p.snap, all[i]), false);
        else
            ov_jsonw_str(p.w, NULL, all[i]->id);
    }
    ov_jsonw_close_array(p.w);
    page_send(&p);
}

/* ---- chunks ---- */

typedef enum chunk_form { NAMES, SIMPLE, FULL } chunk_form;

static chunk_form form_of(ov_request *rq)
{
    return ovi_has_param(rq, "simple") ? SIMPLE : ovi_has_param(rq, "full") ? FULL : NAMES;
}

static void add_chunk(page *p, const char *address, const ov_segment_entry *const *list, uint32_t n, chunk_form form)
{
    uint64_t bytes = 0;
    if (form == NAMES) {
        ov_buf text;
        ov_buf_init(&text);
        ov_interval_add(&text, chunk_of(list[0]));
        ov_jsonw_str(p->w, NULL, ov_buf_slice(&text));
        ov_buf_fini(&text);
        return;
    }
    add_interval_key(p->w, chunk_of(list[0]));
    ov_jsonw_open_object(p->w, NULL);
    for (uint32_t i = 0; i < n; i++) {
        bytes += list[i]->info.bytes;
        if (form == SIMPLE)
            continue;
        ov_jsonw_key(p->w, list[i]->id);
        ov_jsonw_open_object(p->w, NULL);
        ovi_segment_json(p->w, "metadata", list[i], false);
        add_servers(p->w, address);
        ov_jsonw_close_object(p->w);
    }
    if (form == SIMPLE) {
        ov_jsonw_u64(p->w, "size", bytes);
        ov_jsonw_u64(p->w, "count", n);
    }
    ov_jsonw_close_object(p->w);
}

/* Newest chunk first, as Druid lists them. */
static void add_chunks(page *p, const char *address, const ov_datasource *ds, ov_interval within, chunk_form form)
{
    for (uint32_t i = ds ? ds->segment_count : 0; i > 0;) {
        uint32_t end = i;
        ov_interval chunk = chunk_of(ds->segments[i - 1]);
        while (i > 0 && chunk_of(ds->segments[i - 1]).start == chunk.start &&
               chunk_of(ds->segments[i - 1]).end == chunk.end)
            i--;
        if (ov_interval_contains(within, chunk))
            add_chunk(p, address, ds->segments + i, end - i, form);
    }
}

static void respond_chunks(page *p, const char *address, const ov_datasource *ds, ov_interval within)
{
    chunk_form form = form_of(p->rq);
    if (form == NAMES)
        ov_jsonw_open_array(p->w, NULL);
    else
        ov_jsonw_open_object(p->w, NULL);
    add_chunks(p, address, ds, within, form);
    if (form == NAMES)
        ov_jsonw_close_array(p->w);
    else
        ov_jsonw_close_object(p->w);
    page_send(p);
}

void ov_h_intervals(ov_app *app, ov_request *rq, const ov_captures *at)
{
    page p;
    page_open(&p, app, rq);
    const ov_datasource *ds = ov_snapshot_find(p.snap, at->s[0]);
    if (!ds)
        page_nothing(&p, 204);
    else
        respond_chunks(&p, app->address, ds, OV_INTERVAL_ETERNITY);
}

/* What the tier holds: datasources; simple: their chunks. All is in one tier, in another there is nothing. */
void ov_h_tier(ov_app *app, ov_request *rq, const ov_captures *at)
{
    bool simple = ovi_has_param(rq, "simple"), mine = ov_slice_ieq(at->s[0], OV_SLICE_LIT("_default_tier"));
    page p;
    page_open(&p, app, rq);
    if (simple)
        ov_jsonw_open_object(p.w, NULL);
    else
        ov_jsonw_open_array(p.w, NULL);
    for (uint32_t i = 0; mine && i < ov_snapshot_datasources(p.snap); i++) {
        const ov_datasource *ds = ov_snapshot_datasource(p.snap, i);
        if (ds->segment_count == 0)
            continue;
        if (!simple) {
            ov_jsonw_str(p.w, NULL, ds->name);
            continue;
        }
        ov_jsonw_key(p.w, ds->name);
        ov_jsonw_open_object(p.w, NULL);
        add_chunks(&p, app->address, ds, OV_INTERVAL_ETERNITY, SIMPLE);
        ov_jsonw_close_object(p.w);
    }
    if (simple)
        ov_jsonw_close_object(p.w);
    else
        ov_jsonw_close_array(p.w);
    page_send(&p);
}

/* Plain: ids of the segments whose chunks lie in the interval. */
void ov_h_interval(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    ov_interval within;
    page p;
    page_open(&p, app, rq);
    const ov_datasource *ds = ov_snapshot_find(p.snap, at->s[0]);
    if (ovi_url_interval(rq, at->s[1], &within, &err) != OV_OK) {
        page_error(&p, &err);
    } else if (!ds) {
        page_nothing(&p, 204);
    } else if (form_of(rq) != NAMES) {
        respond_chunks(&p, app->address, ds, within);
    } else {
        ov_jsonw_open_array(p.w, NULL);
        for (uint32_t i = 0; i < ds->segment_count; i++)
            if (ov_interval_contains(within, chunk_of(ds->segments[i])))
                ov_jsonw_str(p.w, NULL, ds->segments[i]->id);
        ov_jsonw_close_array(p.w);
        page_send(&p);
    }
}

/* ---- chunks of all datasources ---- */

typedef struct piece {
    ov_interval chunk;
    uint32_t datasource;
    uint64_t bytes;
} piece;

/* Newest chunk first, then by datasource. */
static int by_chunk(const void *left, const void *right)
{
    const piece *a = left, *b = right;
    if (a->chunk.start != b->chunk.start)
        return a->chunk.start > b->chunk.start ? -1 : 1;
    if (a->chunk.end != b->chunk.end)
        return a->chunk.end > b->chunk.end ? -1 : 1;
    return a->datasource < b->datasource ? -1 : a->datasource > b->datasource;
}

static bool same_chunk(const piece *a, const piece *b)
{
    return a->chunk.start == b->chunk.start && a->chunk.end == b->chunk.end;
}

/* Those that lie within the interval. */
static ov_status collect(const ov_snapshot *snap, ov_interval within, ov_arena *a, piece **out, uint32_t *count, ov_error *err)
{
    size_t n = 0;
    for (uint32_t d = 0; d < ov_snapshot_datasources(snap); d++)
        n += ov_snapshot_datasource(snap, d)->segment_count;
    OV_TRY(ov_arena_alloc(a, (n + 1) * sizeof **out, out, err));
    *count = 0;
    for (uint32_t d = 0; d < ov_snapshot_datasources(snap); d++) {
        const ov_datasource *ds = ov_snapshot_datasource(snap, d);
        for (uint32_t i = 0; i < ds->segment_count; i++)
            if (ov_interval_contains(within, chunk_of(ds->segments[i])))
                (*out)[(*count)++] = (piece){chunk_of(ds->segments[i]), d, ds->segments[i]->info.bytes};
    }
    qsort(*out, *count, sizeof **out, by_chunk);
    return OV_OK;
}

static void add_sum(ov_jsonw *w, const piece *list, uint32_t n)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < n; i++)
        bytes += list[i].bytes;
    ov_jsonw_u64(w, "size", bytes);
    ov_jsonw_u64(w, "count", n);
}

/* {interval: {size, count}}, or by datasource: {interval: {datasource: {size, count}}} */
static void add_all_chunks(const page *p, const piece *list, uint32_t n, bool by_datasource)
{
    for (uint32_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && same_chunk(&list[i], &list[end]);)
            end++;
        add_interval_key(p->w, list[i].chunk);
        ov_jsonw_open_object(p->w, NULL);
        for (uint32_t from = i, to; by_datasource && from < end; from = to) {
            for (to = from + 1; to < end && list[to].datasource == list[from].datasource;)
                to++;
            ov_jsonw_key(p->w, ov_snapshot_datasource(p->snap, list[from].datasource)->name);
            ov_jsonw_open_object(p->w, NULL);
            add_sum(p->w, list + from, to - from);
            ov_jsonw_close_object(p->w);
        }
        if (!by_datasource)
            add_sum(p->w, list + i, end - i);
        ov_jsonw_close_object(p->w);
    }
}

static void respond_all_chunks(ov_app *app, ov_request *rq, ov_interval within, chunk_form what)
{
    ov_error err = OV_ERROR_INIT;
    piece *list;
    uint32_t n;
    page p;
    page_open(&p, app, rq);
    if (collect(p.snap, within, ov_request_arena(rq), &list, &n, &err) != OV_OK) {
        page_error(&p, &err);
        return;
    }
    ov_jsonw_open_object(p.w, NULL);
    if (what == NAMES)
        add_sum(p.w, list, n);
    else
        add_all_chunks(&p, list, n, what == FULL);
    ov_jsonw_close_object(p.w);
    page_send(&p);
}

void ov_h_all_intervals(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    respond_all_chunks(app, rq, OV_INTERVAL_ETERNITY, FULL);
}

/* Sums over everything in the interval; simple: by chunk; full: by chunk and datasource. */
void ov_h_all_intervals_in(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    ov_interval within;
    if (ovi_url_interval(rq, at->s[0], &within, &err) == OV_OK)
        respond_all_chunks(app, rq, within, form_of(rq));
    else
        ovi_reply_error(rq, &err);
}
