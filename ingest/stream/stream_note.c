/*
 * Batch ids and marks: found in memory while their rows are there, in the catalog's cursors afterwards.
 *
 * An id is looked for in memory first. It leaves memory only after the commit that writes its cursor, so it is in
 * one of the two places at any time.
 */
#include <stdio.h>
#include "base/hash.h"
#include "ingest/load/publish.h"
#include "base/os.h"
#include "ingest/stream/stream_int.h"

/* ---- notes of a piece ---- */

static ov_status add_note(ovi_piece *p, ovi_note_kind kind, ov_slice key, ov_slice value, ovi_note **out, ov_error *err)
{
    ovi_note *n = ov_calloc(1, sizeof *n + key.n + value.n + 1);
    if (!n)
        return ov_fail_nomem(err, sizeof *n + key.n + value.n);
    char *at = (char *)(n + 1);
    if (key.n)
        memcpy(at, key.p, key.n);
    if (value.n)
        memcpy(at + key.n, value.p, value.n);
    n->kind = (uint8_t)kind;
    n->key = ov_slice_make(at, key.n);
    n->value = ov_slice_make(at + key.n, value.n);
    n->hash = ov_checksum(key.p, key.n);
    *p->notes_last = n;
    p->notes_last = &n->next;
    *out = n;
    return OV_OK;
}

ov_status ovi_notes_add(ovi_piece *p, const ovi_record *r, ov_error *err)
{
    ovi_note *n;
    if (r->batch.n) {
        OV_TRY(add_note(p, OVI_NOTE_BATCH, r->batch, (ov_slice){"", 0}, &n, err));
        n->body_hash = r->body_hash;
        n->rows = r->rows;
        n->rejected = r->rejected;
    }
    for (uint32_t i = 0; i < r->mark_count; i++)
        OV_TRY(add_note(p, OVI_NOTE_MARK, r->marks[i].key, r->marks[i].value, &n, err));
    return OV_OK;
}

/* ---- the table of batches; under the lock ---- */

static ovi_note **slot_of(ov_streams *s, const ovi_stream *stream, uint64_t hash)
{
    uint64_t mixed = hash ^ ov_checksum(stream->name.p, stream->name.n);
    return &s->batches[mixed % OVI_BATCH_SLOTS];
}

void ovi_batches_enter(ov_streams *s, ovi_stream *stream, ovi_piece *p)
{
    for (ovi_note *n = p->notes; n; n = n->next) {
        if (n->kind != OVI_NOTE_BATCH)
            continue;
        ovi_note **slot = slot_of(s, stream, n->hash);
        n->stream = stream;
        n->chain = *slot;
        *slot = n;
    }
}

void ovi_batches_leave(ov_streams *s, ovi_stream *stream, ovi_piece *p)
{
    for (ovi_note *n = p->notes; n; n = n->next) {
        if (n->kind != OVI_NOTE_BATCH)
            continue;
        ovi_note **at = slot_of(s, stream, n->hash);
        while (*at && *at != n)
            at = &(*at)->chain;
        if (*at)
            *at = n->chain;
    }
}

/* Batches of all streams share the table. */
static const ovi_note *find_batch(ov_streams *s, const ovi_stream *stream, ov_slice batch)
{
    uint64_t hash = ov_checksum(batch.p, batch.n);
    for (const ovi_note *n = *slot_of(s, stream, hash); n; n = n->chain)
        if (n->hash == hash && ov_slice_eq(n->key, batch) && n->stream == stream)
            return n;
    return NULL;
}

/* ---- fates ---- */

ov_status ovi_fate_read(ov_slice text, ovi_batch_fate *fate, int64_t *published_ms, ov_error *err)
{
    unsigned long long hash, rows, rejected;
    long long ms = 0;
    char copy[100];
    if (text.n >= sizeof copy)
        return ov_fail(err, OV_CORRUPT, "the catalog's entry of a batch is malformed");
    memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    if (sscanf(copy, "%llx %llu %llu %lld", &hash, &rows, &rejected, &ms) < 3)
        return ov_fail(err, OV_CORRUPT, "the catalog's entry of a batch is malformed: '%s'", copy);
    *fate = (ovi_batch_fate){true, hash, rows, rejected};
    *published_ms = ms;
    return OV_OK;
}

static ov_status print_fate(const ovi_note *n, int64_t now, ov_arena *a, ov_slice *out, ov_error *err)
{
    return ov_arena_printf(a, out, err, "%016llx %llu %llu %lld", (unsigned long long)n->body_hash, (unsigned long long)n->rows,
                           (unsigned long long)n->rejected, (long long)now);
}

static ov_status look_in_catalog(ov_streams *s, ov_slice datasource, ov_slice batch, ovi_batch_fate *fate, ov_error *err)
{
    ov_arena a;
    ov_slice key, value = {0};
    int64_t published_ms;
    ov_arena_init(&a, "batch", NULL);
    ov_status st = ovi_stream_key(&a, "batch", datasource, batch, &key, err);
    if (st == OV_OK)
        st = ov_catalog_cursor_get(s->config.catalog, key, &a, &value, err);
    if (st == OV_OK && value.n)
        st = ovi_fate_read(value, fate, &published_ms, err);
    ov_arena_fini(&a);
    return st;
}

static bool under_way(const ov_streams *s, const ovi_flight *f)
{
    for (const ovi_flight *o = s->flights; o; o = o->next)
        if (ov_slice_eq(o->batch, f->batch) && ov_slice_eq(o->datasource, f->datasource))
            return true;
    return false;
}

ov_status ovi_batch_begin(ov_streams *s, ov_slice datasource, ov_slice batch, ovi_flight *flight, ovi_batch_fate *fate,
                          ov_error *err)
{
    *flight = (ovi_flight){.datasource = datasource, .batch = batch};
    *fate = (ovi_batch_fate){0};
    ov_mutex_lock(&s->lock);
    while (under_way(s, flight))
        ov_cond_wait(&s->changed, &s->lock);
    const ovi_stream *stream = ovi_stream_known(s, datasource);
    const ovi_note *n = stream ? find_batch(s, stream, batch) : NULL;
    if (n) {
        *fate = (ovi_batch_fate){true, n->body_hash, n->rows, n->rejected};
    } else {
        flight->next = s->flights;
        s->flights = flight;
    }
    ov_mutex_unlock(&s->lock);
    if (n)
        return OV_OK;
    ov_status st = look_in_catalog(s, datasource, batch, fate, err);
    if (st != OV_OK || fate->known)
        ovi_batch_land(s, flight);
    return st;
}

void ovi_batch_land(ov_streams *s, ovi_flight *flight)
{
    ov_mutex_lock(&s->lock);
    ovi_flight **at = &s->flights;
    while (*at && *at != flight)
        at = &(*at)->next;
    if (*at)
        *at = flight->next;
    ov_cond_broadcast(&s->changed);
    ov_mutex_unlock(&s->lock);
}

/* ---- into the commit ---- */

static ov_status publish_batch(ov_streams *s, const ovi_stream *stream, const ovi_note *n, ov_publish *to, ov_error *err)
{
    ov_slice key, value;
    OV_TRY(ovi_stream_key(to->arena, "batch", stream->name, n->key, &key, err));
    OV_TRY(print_fate(n, ovi_streams_now(s), to->arena, &value, err));
    return ov_publish_cursor(to, key, (ov_slice){NULL, 0}, value, err);
}

/* The last value of each mark counts. */
static ov_status publish_mark(ov_streams *s, const ovi_stream *stream, const ovi_note *n, ov_publish *to, ov_error *err)
{
    ov_slice key, before;
    OV_TRY(ovi_stream_key(to->arena, "mark", stream->name, n->key, &key, err));
    for (uint32_t i = 0; i < to->cursor_count; i++)
        if (ov_slice_eq(to->keys[i], key)) {
            to->values[i] = n->value;
            return OV_OK;
        }
    OV_TRY(ov_catalog_cursor_get(s->config.catalog, key, to->arena, &before, err));
    return ov_publish_cursor(to, key, before, n->value, err);
}

ov_status ovi_notes_publish(ov_streams *s, const ovi_stream *stream, ovi_piece *const *pieces, uint32_t count,
                            ov_publish *to, ov_error *err)
{
    for (uint32_t i = 0; i < count; i++)
        for (const ovi_note *n = pieces[i]->notes; n; n = n->next)
            OV_TRY(n->kind == OVI_NOTE_BATCH ? publish_batch(s, stream, n, to, err) : publish_mark(s, stream, n, to, err));
    return OV_OK;
}

static const ovi_note *last_mark(const ovi_stream *stream, ov_slice key)
{
    const ovi_note *found = NULL;
    for (const ovi_piece *p = stream ? stream->first : NULL; p; p = p->next)
        for (const ovi_note *n = p->notes; n; n = n->next)
            if (n->kind == OVI_NOTE_MARK && ov_slice_eq(n->key, key))
                found = n;
    return found;
}

ov_status ov_streams_mark(ov_streams *s, ov_slice datasource, ov_slice key, ov_arena *out, ov_slice *value, ov_error *err)
{
    ov_slice full;
    *value = (ov_slice){0};
    ov_mutex_lock(&s->lock);
    const ovi_note *n = last_mark(ovi_stream_known(s, datasource), key);
    ov_status st = n ? ov_arena_copy(out, n->value, value, err) : OV_OK;
    ov_mutex_unlock(&s->lock);
    if (n || st != OV_OK)
        return st;
    OV_TRY(ovi_stream_key(out, "mark", datasource, key, &full, err));
    return ov_catalog_cursor_get(s->config.catalog, full, out, value, err);
}
