/*
 * Small neighbours become one piece, so that a query meets few pieces however rows arrive.
 *
 * Pieces have sizes 1, 8, 64, ... units; when eight neighbours of one size or less stand together they are merged into
 * one of the next size. A row is rewritten once per size, about five times until it is published, and there are never
 * more than some eight pieces of each size. Merging rolls up and sorts as building does, so a merged piece is what
 * one large push would have made.
 */
#include "base/fault.h"
#include "base/log.h"
#include "base/os.h"
#include "ingest/stream/stream_int.h"

enum { FAN = 8, MAX_RUN = 64, UNIT_ROWS = 512, LARGEST_ROWS = 2 << 20, TICK_MS = 20, IDLE_MS = 1000 };

typedef struct run {
    ovi_stream *stream;
    ovi_piece *pieces[MAX_RUN];
    uint32_t count;
    ov_slice spec; /* a copy */
    ov_snapshot *snapshot; /* of the entries of `inputs` */
    const ov_segment_entry *inputs[MAX_RUN];
    ov_moved moved;
    uint64_t *arrival; /* of the merged rows; with keys */
} run;

/* ---- which ones; under the lock ---- */

static bool joins(const run *r, const ovi_piece *p, uint64_t limit)
{
    if (p->busy || !p->shown || p->rows > limit || r->count == MAX_RUN)
        return false;
    for (uint32_t i = 0; p->live && i < r->count; i++)
        if (r->pieces[i]->live && r->pieces[i]->shape != p->shape &&
            !ovi_union_fits(ov_live_entry(r->pieces[i]->live)->live, ov_live_entry(p->live)->live))
            return false;
    return true;
}

static bool find_run(ovi_stream *stream, uint64_t limit, run *r)
{
    r->stream = stream;
    r->count = 0;
    for (ovi_piece *p = stream->first; p; p = p->next) {
        if (joins(r, p, limit)) {
            r->pieces[r->count++] = p;
            continue;
        }
        if (r->count >= FAN)
            return true;
        r->count = 0;
        if (joins(r, p, limit))
            r->pieces[r->count++] = p;
    }
    return r->count >= FAN;
}

static bool find_work(ov_streams *s, run *r)
{
    for (uint64_t limit = UNIT_ROWS; limit <= LARGEST_ROWS / FAN; limit *= FAN)
        for (ovi_stream *st = s->streams; st; st = st->next)
            if (st->pieces >= FAN && find_run(st, limit, r))
                return true;
    return false;
}

/* ---- the merge ---- */

static ov_status add_batch(void *builder, const ov_batch *batch, ov_error *err)
{
    return ov_segment_builder_add(builder, batch, err);
}

static ov_status build(ov_streams *s, run *r, ov_arena *a, void **image, size_t *bytes, ov_error *err)
{
    ovi_union u;
    ov_spec *spec;
    ov_segment_builder *b;
    OV_TRY(ovi_stream_spec(r->stream->name, r->spec, OV_PUSH_JSON, a, &spec, err));
    ovi_merge_input inputs[MAX_RUN];
    uint32_t count = ovi_stream_inputs(r->snapshot, r->stream->name, r->pieces, r->count, inputs);
    for (uint32_t i = 0; i < count; i++)
        r->inputs[i] = inputs[i].entry;
    r->moved = (ov_moved){r->inputs, count};
    if (count == 0)
        return OV_OK; /* notes only */
    OV_TRY(ovi_union_make(inputs, count, spec, a, &u, err));
    u.horizon = ov_keys_horizon(s->config.catalog, r->stream->name);
    ov_build_schema schema = {.datasource = r->stream->name,
                              .start_ms = OV_TIME_MIN,
                              .end_ms = OV_TIME_MAX,
                              .version = OV_SLICE_LIT("memory"),
                              .columns = u.columns,
                              .column_count = u.column_count,
                              .sort = u.sort,
                              .sort_count = u.sort_count,
                              .rollup = spec->granularity.rollup,
                              .arrival = u.horizon != OV_DEAD_LONG_AGO && !spec->granularity.rollup,
                              .extra_json = u.extra_json};
    OV_TRY(ov_segment_builder_create(&schema, &s->budget, &b, err));
    ov_status st = ovi_union_read(&u, inputs, count, NULL, add_batch, b, err);
    if (st == OV_OK && ov_segment_builder_rows(b)) /* none: all of them were superseded long ago */
        st = ov_segment_builder_seal_image(b, image, bytes, err);
    r->arrival = ov_segment_builder_take_arrival(b);
    ov_segment_builder_destroy(b);
    return st;
}

static ov_status make_piece(ov_streams *s, run *r, uint32_t serial, ovi_piece **out, ov_error *err)
{
    ov_arena a;
    void *image = NULL;
    size_t bytes = 0;
    ovi_piece *p = ovi_piece_create();
    if (!p)
        return ov_fail_nomem(err, sizeof *p);
    *out = p;
    p->first_seq = r->pieces[0]->first_seq;
    p->last_seq = r->pieces[r->count - 1]->last_seq;
    p->born_ms = r->pieces[0]->born_ms;
    p->at_ms = r->pieces[r->count - 1]->at_ms;
    p->shown = true;
    ov_arena_init(&a, "merge", NULL);
    ov_status st = build(s, r, &a, &image, &bytes, err);
    ov_arena_fini(&a);
    OV_TRY(st);
    OV_TRY(ovi_piece_fill(p, r->stream->name, serial, image, bytes, err));
    if (p->live)
        ov_live_set_place(p->live, p->first_seq); /* where the run stood */
    return OV_OK;
}

static ov_status swap(ov_streams *s, const run *r, ovi_piece *with, ov_error *err)
{
    ov_live *remove[MAX_RUN];
    OV_FAULT(OV_FAULT_STREAM_MERGED, err);
    ov_live_change change = {.datasource = r->stream->name, .remove = remove, .add = &with->live,
                             .add_count = with->live ? 1 : 0, .moved = &r->moved, .arrival = r->arrival};
    for (uint32_t i = 0; i < r->count; i++)
        if (r->pieces[i]->live)
            remove[change.remove_count++] = r->pieces[i]->live;
    return ov_catalog_live_change(s->config.catalog, &change, 1, err);
}

/* Under the lock: `with` stands where the run stood, and has its notes. */
static void replace(ov_streams *s, const run *r, ovi_piece *with)
{
    ovi_stream *stream = r->stream;
    ovi_piece **at = &stream->first, *after = r->pieces[r->count - 1]->next;
    while (*at != r->pieces[0])
        at = &(*at)->next;
    with->next = after;
    *at = with;
    if (!after)
        stream->last = &with->next;
    for (uint32_t i = 0; i < r->count; i++) {
        ovi_piece *old = r->pieces[i];
        *with->notes_last = old->notes;
        if (old->notes)
            with->notes_last = old->notes_last;
        old->notes = NULL; /* the table of batches knows them by address: they only change their piece */
        stream->rows -= old->rows;
        stream->bytes -= old->bytes;
        s->bytes -= old->bytes;
    }
    stream->pieces -= r->count - 1;
    stream->rows += with->rows;
    stream->bytes += with->bytes;
    s->bytes += with->bytes;
    s->merges++;
}

static ov_status merge_run(ov_streams *s, run *r, uint32_t serial, ov_error *err)
{
    ovi_piece *with = NULL;
    r->snapshot = ov_catalog_snapshot(s->config.catalog);
    ov_status st = make_piece(s, r, serial, &with, err);
    if (st == OV_OK)
        st = swap(s, r, with, err);
    ov_snapshot_release(r->snapshot);
    ov_free(r->arrival);
    ov_mutex_lock(&s->lock);
    if (st == OV_OK)
        replace(s, r, with);
    else
        for (uint32_t i = 0; i < r->count; i++)
            r->pieces[i]->busy = false;
    ov_cond_broadcast(&s->changed);
    ov_mutex_unlock(&s->lock);
    if (st != OV_OK) {
        ovi_piece_destroy(with);
        return st;
    }
    for (uint32_t i = 0; i < r->count; i++)
        ovi_piece_destroy(r->pieces[i]);
    return OV_OK;
}

/* One merge, if one is due. */
static ov_status merge_once(ov_streams *s, bool *done, ov_error *err)
{
    run r = {0};
    ov_arena a;
    uint32_t serial = 0;
    ov_arena_init(&a, "merge", NULL);
    ov_mutex_lock(&s->lock);
    *done = find_work(s, &r);
    ov_status st = *done && r.stream->spec.n ? ov_arena_copy(&a, r.stream->spec, &r.spec, err) : OV_OK;
    if (*done && st == OV_OK) {
        serial = r.stream->serial++;
        for (uint32_t i = 0; i < r.count; i++)
            r.pieces[i]->busy = true;
    }
    ov_mutex_unlock(&s->lock);
    if (*done && st == OV_OK)
        st = merge_run(s, &r, serial, err);
    ov_arena_fini(&a);
    return st;
}

ov_status ov_streams_merge(ov_streams *s, ov_error *err)
{
    bool done = true;
    while (done)
        OV_TRY(merge_once(s, &done, err));
    return OV_OK;
}

static bool wait_for_work(ov_streams *s, int64_t ms)
{
    ov_mutex_lock(&s->lock);
    if (!s->stop)
        (void)ov_cond_wait_ms(&s->changed, &s->lock, ms);
    bool stop = s->stop;
    ov_mutex_unlock(&s->lock);
    return !stop;
}

void ovi_merger(void *streams)
{
    ov_streams *s = streams;
    int64_t pause = TICK_MS;
    while (wait_for_work(s, pause)) {
        ov_error err = OV_ERROR_INIT;
        bool done = false;
        ovi_streams_show(s);
        if (merge_once(s, &done, &err) != OV_OK) {
            ov_log_warn("rows in memory cannot be merged", ov_kv_err(&err));
            ov_sleep_ms(IDLE_MS); /* for want of memory, most likely */
        }
        pause = done ? 0 : IDLE_MS;
    }
}
