/*
 * The hand-over: the oldest pieces of a stream become published segments.
 *
 *   pieces from the first on -> builders of their time chunks -> sealed, synced files
 *   -> one commit: segments, batch ids, marks, "records up to n are published"; its snapshot has no such pieces any more
 *   -> the log's files that nobody needs go
 *
 * A crash before the commit leaves files that the next start removes, and the log brings the rows back. A crash after it
 * finds records up to n in the log and passes them over. So a row is in the log or in a segment for
 * good, and in one snapshot it is either in a piece or in a segment.
 */
#include <stdio.h>
#include "base/fault.h"
#include "base/log.h"
#include "base/os.h"
#include "ingest/load/publish.h"
#include "ingest/stream/stream_int.h"

enum { TICK_MS = 250, FIRST_RETRY_MS = 1000, LAST_RETRY_MS = 60 * 1000 };
#define LEAST_MEMORY ((size_t)16 << 20) /* of open builders */

typedef struct handing {
    ov_streams *s;
    ovi_stream *stream;
    ov_arena arena;
    ovi_piece **pieces;
    uint32_t count;
    uint64_t rows;
    ov_spec *spec;
    ov_slice before, after; /* of the cursor */
    ov_publish publish;
    ov_snapshot *snapshot; /* of the inputs' entries */
    const ov_segment_entry **inputs;
    ov_moved moved;    /* them */
    uint64_t numbered; /* their rows */
} handing;

/* ---- rows to files ---- */

static const ov_segment_entry *entry_in(const ov_datasource *ds, const ov_segment *live)
{
    for (uint32_t i = 0; ds && i < ds->segment_count; i++)
        if (ds->segments[i]->live == live)
            return ds->segments[i];
    return NULL;
}

uint32_t ovi_stream_inputs(const ov_snapshot *snap, ov_slice datasource, ovi_piece *const *pieces, uint32_t count,
                           ovi_merge_input *out)
{
    const ov_datasource *ds = ov_snapshot_find(snap, datasource);
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++)
        if (pieces[i]->live) {
            const ov_segment_entry *own = ov_live_entry(pieces[i]->live), *e = entry_in(ds, own->live);
            out[n++] = (ovi_merge_input){.entry = e ? e : own, .segment = own->live};
        }
    return n;
}

ov_status ovi_stream_seal(ov_streams *s, const ovi_merge *what, size_t memory, const _Atomic bool *cancel, ov_publish *to,
                          ov_error *err)
{
    ovi_merge_env env = {.catalog = s->config.catalog, .budget = &s->budget, .memory_bytes = OV_MAX(memory, LEAST_MEMORY),
                         .cancel = cancel};
    OV_TRY(ov_arena_printf(to->arena, &env.stem, err, "stream-%llu", (unsigned long long)atomic_fetch_add(&s->file_no, 1)));
    return ovi_merge_seal(&env, what, to, NULL, err);
}

/* Pieces from..to as sealed files; gran: of their time chunks. */
static ov_status load_some(handing *h, uint32_t from, uint32_t to, const ov_gran *gran, ov_error *err)
{
    ovi_merge_input *inputs;
    OV_TRY(ov_arena_alloc(&h->arena, (to - from) * sizeof *inputs, &inputs, err));
    ovi_merge what = {.datasource = h->stream->name,
                      .inputs = inputs,
                      .count = ovi_stream_inputs(h->snapshot, h->stream->name, h->pieces + from, to - from, inputs),
                      .spec = h->spec,
                      .gran = gran,
                      .rollup = h->spec->granularity.rollup,
                      .arrival_from = h->numbered};
    for (uint32_t i = 0; i < what.count; i++) {
        h->numbered += inputs[i].entry->info.rows;
        h->inputs[h->moved.count++] = inputs[i].entry;
    }
    return what.count ? ovi_stream_seal(h->s, &what, h->s->config.memory_bytes, NULL, &h->publish, err) : OV_OK;
}

static bool fits_all(const handing *h, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to && h->pieces[to]->live; i++)
        if (h->pieces[i]->live && h->pieces[i]->shape != h->pieces[to]->shape &&
            !ovi_union_fits(ov_live_entry(h->pieces[i]->live)->live, ov_live_entry(h->pieces[to]->live)->live))
            return false;
    return true;
}

/* A column whose type changed makes segments of its own from there on. */
static ov_status load_all(handing *h, const ov_gran *gran, ov_error *err)
{
    h->numbered = 0;
    h->moved.count = 0;
    for (uint32_t from = 0, to = 0; from < h->count; from = to) {
        for (to = from + 1; to < h->count && fits_all(h, from, to);)
            to++;
        OV_TRY(load_some(h, from, to, gran, err));
    }
    OV_FAULT(OV_FAULT_STREAM_SEALED, err);
    return OV_OK;
}

/* ---- the commit ---- */

static ov_status add_cursors(handing *h, ov_error *err)
{
    ov_slice key, log_before, log_after;
    OV_TRY(ovi_stream_key(&h->arena, "handed", h->stream->name, (ov_slice){0}, &key, err));
    OV_TRY(ov_publish_cursor(&h->publish, key, h->before, h->after, err));
    OV_TRY(ov_catalog_cursor_get(h->s->config.catalog, OV_SLICE_LIT("stream/log"), &h->arena, &log_before, err));
    ov_mutex_lock(&h->s->lock);
    uint64_t listed = h->s->listed_seq;
    ov_mutex_unlock(&h->s->lock);
    OV_TRY(ov_arena_printf(&h->arena, &log_after, err, "%llu", (unsigned long long)listed));
    OV_TRY(ov_publish_cursor(&h->publish, OV_SLICE_LIT("stream/log"), log_before, log_after, err));
    return ovi_notes_publish(h->s, h->stream, h->pieces, h->count, &h->publish, err);
}

static ov_status commit(handing *h, ov_error *err)
{
    ov_live **remove;
    uint32_t n = 0;
    OV_TRY(ov_arena_alloc(&h->arena, (h->count + 1u) * sizeof *remove, &remove, err));
    for (uint32_t i = 0; i < h->count; i++)
        if (h->pieces[i]->live)
            remove[n++] = h->pieces[i]->live;
    ov_live_change change = {.datasource = h->stream->name, .remove = remove, .remove_count = n};
    h->moved.inputs = h->inputs;
    h->publish.moved = &h->moved;
    h->publish.live = &change;
    h->publish.live_count = 1;
    OV_TRY(add_cursors(h, err));
    return ov_publish_run(&h->publish, NULL, err);
}

/* With one granularity. The files are gone afterwards, renamed or removed. */
static ov_status try_gran(handing *h, const ov_gran *gran, ov_error *err)
{
    ov_slice task;
    OV_TRY(ov_arena_printf(&h->arena, &task, err, "stream_" OV_SLICE_FMT, OV_SLICE_ARG(h->stream->name)));
    ov_publish_init(&h->publish, h->s->config.catalog, task, OV_PUBLISH_APPEND, &h->arena);
    ov_status st = load_all(h, gran, err);
    if (st != OV_OK) {
        ov_publish_abandon(&h->publish);
        return st;
    }
    return commit(h, err); /* which removes the files when it fails */
}

/* Where segments of another granularity are there already, rows of one bucket may belong to several of their time chunks:
 * then finer buckets, down to one per instant, each of which lies in one chunk for sure. */
static ov_status hand_over_all(handing *h, ov_error *err)
{
    static const char *const finer[] = {"hour", "minute", "second", "none"};
    ov_status st = try_gran(h, &h->spec->granularity.segment, err);
    for (size_t i = 0; st == OV_INVALID && i < OV_COUNT_OF(finer); i++) {
        ov_gran gran;
        *err = (ov_error)OV_ERROR_INIT;
        OV_TRY(ov_gran_init_name(&gran, ov_slice_cstr(finer[i]), err));
        st = try_gran(h, &gran, err);
    }
    return st;
}

static ov_status hand_over(handing *h, ov_error *err)
{
    OV_TRY(ov_arena_alloc(&h->arena, (h->count + 1u) * sizeof *h->inputs, &h->inputs, err));
    h->snapshot = ov_catalog_snapshot(h->s->config.catalog);
    ov_status st = hand_over_all(h, err);
    ov_snapshot_release(h->snapshot);
    return st;
}

/* ---- taking pieces, letting go of them ---- */

/* Under the lock: those from the first on that nobody else has. */
static ov_status take_pieces(handing *h, ov_error *err)
{
    ovi_stream *st = h->stream;
    uint64_t last = st->handed;
    OV_TRY(ov_arena_alloc(&h->arena, (st->pieces + 1u) * sizeof(ovi_piece *), &h->pieces, err));
    OV_TRY(ov_arena_copy(&h->arena, st->handed_text, &h->before, err));
    for (ovi_piece *p = st->first; p && !p->busy && p->shown; p = p->next) {
        h->pieces[h->count++] = p;
        h->rows += p->rows;
        last = OV_MAX(last, p->last_seq);
    }
    OV_TRY(ov_arena_printf(&h->arena, &h->after, err, "%llu", (unsigned long long)last));
    ov_slice spec = {0};
    if (st->spec.n)
        OV_TRY(ov_arena_copy(&h->arena, st->spec, &spec, err));
    OV_TRY(ovi_stream_spec(st->name, spec, OV_PUSH_JSON, &h->arena, &h->spec, err));
    for (uint32_t i = 0; i < h->count; i++)
        h->pieces[i]->busy = true;
    st->publishing = h->count > 0;
    return OV_OK;
}

/* Under the lock, after the commit. */
static void drop_pieces(handing *h, char *handed_text)
{
    ovi_stream *st = h->stream;
    ovi_piece *rest = h->pieces[h->count - 1]->next;
    for (uint32_t i = 0; i < h->count; i++) {
        ovi_piece *p = h->pieces[i];
        ovi_batches_leave(h->s, st, p);
        st->rows -= p->rows;
        st->bytes -= p->bytes;
        h->s->bytes -= p->bytes;
        st->handed = OV_MAX(st->handed, p->last_seq);
        ovi_piece_destroy(p);
    }
    st->pieces -= h->count;
    st->first = rest;
    if (!rest)
        st->last = &st->first;
    ov_free((void *)(uintptr_t)st->handed_text.p);
    st->handed_text = ov_slice_make(handed_text, h->after.n);
    st->rows_published += h->rows;
    st->hand_overs++;
    st->failures = 0;
    st->retry_ms = 0;
    st->compact = true;
    ov_cond_broadcast(&h->s->published);
    st->last_publish_ms = ov_now_ms();
}

static void keep_pieces(handing *h, const ov_error *why)
{
    ovi_stream *st = h->stream;
    for (uint32_t i = 0; i < h->count; i++)
        h->pieces[i]->busy = false;
    int64_t wait = FIRST_RETRY_MS << OV_MIN(st->failures, (uint64_t)6);
    st->failures++;
    st->retry_ms = ovi_steady_ms() + OV_MIN(wait, (int64_t)LAST_RETRY_MS);
    st->last_error = *why;
    ov_log_warn("rows in memory cannot be published; they stay in the log", ov_kv_err(why));
}

/* Records before the first one that somebody still holds. */
static void trim_log(ov_streams *s)
{
    ov_mutex_lock(&s->lock);
    uint64_t needed = s->listed_seq + 1;
    for (const ovi_stream *st = s->streams; st; st = st->next)
        if (st->first)
            needed = OV_MIN(needed, st->first->first_seq);
    ov_mutex_unlock(&s->lock);
    ov_wal_trim(s->wal, needed);
}

static ov_status run(handing *h, ov_error *err)
{
    ov_streams *s = h->s;
    char *text = ov_strndup(h->after.p, h->after.n);
    ov_status st = text ? hand_over(h, err) : ov_fail_nomem(err, h->after.n);
    ov_mutex_lock(&s->lock);
    if (st == OV_OK)
        drop_pieces(h, text);
    else
        keep_pieces(h, err);
    h->stream->publishing = false;
    ov_cond_broadcast(&s->changed);
    ov_mutex_unlock(&s->lock);
    if (st != OV_OK) {
        ov_free(text);
        return st;
    }
    OV_FAULT(OV_FAULT_STREAM_PUBLISHED, err);
    trim_log(s);
    return OV_OK;
}

ov_status ovi_stream_hand_over(ov_streams *s, ovi_stream *stream, bool *done, ov_error *err)
{
    handing h = {.s = s, .stream = stream};
    ov_arena_init(&h.arena, "hand-over", NULL);
    ov_mutex_lock(&s->lock);
    while (stream->publishing)
        ov_cond_wait(&s->changed, &s->lock);
    ov_status st = take_pieces(&h, err);
    ov_mutex_unlock(&s->lock);
    *done = st == OV_OK && h.count > 0;
    if (*done)
        st = run(&h, err);
    if (*done && st == OV_OK)
        ovi_batches_forget(s, stream);
    ov_arena_fini(&h.arena);
    return st;
}

/* ---- when ---- */

/* Under the lock. */
static bool is_due(const ov_streams *s, const ovi_stream *st, int64_t now)
{
    const ov_streams_config *c = &s->config;
    if (!st->first || st->publishing || now < st->retry_ms)
        return false;
    if (st->flush_to >= st->first->first_seq || st->pieces >= OVI_MOST_PIECES / 2)
        return true;
    return st->rows >= c->max_rows || st->bytes >= c->memory_bytes / 4 || now - st->first->born_ms >= c->age_ms;
}

/* The stream that is due, or for want of room the largest one: a refused push may need more than is free though little is in
 * memory. Under the lock. */
static ovi_stream *next_stream(ov_streams *s)
{
    ovi_stream *largest = NULL;
    int64_t now = ovi_steady_ms();
    bool any = false;
    for (ovi_stream *st = s->streams; st; st = st->next) {
        any |= st->first != NULL;
        if (is_due(s, st, now))
            return st;
        if (st->first && !st->publishing && now >= st->retry_ms && (!largest || st->bytes > largest->bytes))
            largest = st;
    }
    if (!any)
        s->answered = s->refused; /* it finds room now */
    return s->bytes >= s->config.memory_bytes / 2 || s->refused > s->answered ? largest : NULL;
}

/* Refusals up to this one have been followed by a hand-over. */
static void answer(ov_streams *s, uint64_t refused)
{
    ov_mutex_lock(&s->lock);
    s->answered = OV_MAX(s->answered, refused);
    ov_mutex_unlock(&s->lock);
}

void ovi_publisher(void *streams)
{
    ov_streams *s = streams;
    for (;;) {
        ov_error err = OV_ERROR_INIT;
        bool done = false;
        ov_mutex_lock(&s->lock);
        uint64_t refused = s->refused; /* a refusal after this asks for a hand-over of its own */
        ovi_stream *st = s->stop ? NULL : next_stream(s);
        if (!s->stop && !st)
            (void)ov_cond_wait_ms(&s->changed, &s->lock, TICK_MS);
        bool stop = s->stop;
        ov_mutex_unlock(&s->lock);
        if (stop)
            return;
        if (!st)
            continue;
        ov_status ended = ovi_stream_hand_over(s, st, &done, &err);
        if (ended == OV_OK && done)
            answer(s, refused);
        else if (ended == OV_OK)
            ov_sleep_ms(TICK_MS / 10); /* the merger has its first piece, or nobody sees it yet */
    }
}

/* ---- on demand ---- */

static bool flushed(const ovi_stream *st)
{
    return !st->first || st->first->first_seq > st->flush_to;
}

ov_status ov_streams_flush(ov_streams *s, ov_slice datasource, ov_error *err)
{
    bool done = true;
    ov_status st = OV_OK;
    ov_mutex_lock(&s->lock);
    ovi_stream *stream = ovi_stream_known(s, datasource);
    if (!stream || !stream->first) {
        ov_mutex_unlock(&s->lock);
        return OV_OK;
    }
    stream->flush_to = s->listed_seq;
    while (s->config.paused && !flushed(stream) && done && st == OV_OK) {
        ov_mutex_unlock(&s->lock);
        st = ovi_stream_hand_over(s, stream, &done, err);
        ov_mutex_lock(&s->lock);
    }
    stream->retry_ms = 0;
    uint64_t failures = stream->failures;
    ov_cond_broadcast(&s->changed);
    while (st == OV_OK && !flushed(stream) && !s->stop) {
        ov_cond_wait(&s->changed, &s->lock);
        if (stream->failures > failures) {
            *err = stream->last_error;
            st = err->code;
        }
    }
    if (st == OV_OK && !flushed(stream))
        st = ov_fail(err, OV_CANCELLED, "the server was stopped before the rows were published; they are in the log");
    ov_mutex_unlock(&s->lock);
    return st;
}
