/* Streams: life, replay, and what happens at the moment rows are durable. See ingest/stream/stream.h. */
#include "ingest/stream/stream_int.h"

#include <stdio.h>
#include <stdlib.h>
#include "base/hash.h"
#include "base/log.h"
#include "base/os.h"

#define DEFAULT_MEMORY_BYTES ((size_t)512 << 20)
#define DEFAULT_BODY_BYTES (UINT64_C(256) << 20)
#define DEFAULT_AGE_MS (INT64_C(10) * 60 * 1000)
#define DEFAULT_BATCH_AGE_MS (INT64_C(30) * 24 * 3600 * 1000)
#define DEFAULT_BATCH_COUNT UINT64_C(1000000)
enum { DEFAULT_ROWS = 5000000 };

ov_status ovi_stream_key(ov_arena *a, const char *what, ov_slice datasource, ov_slice rest, ov_slice *out, ov_error *err)
{
    return ov_arena_printf(a, out, err, "stream/%s/" OV_SLICE_FMT "%s" OV_SLICE_FMT, what, OV_SLICE_ARG(datasource),
                           rest.n ? "/" : "", OV_SLICE_ARG(rest));
}

/* ---- pieces ---- */

ovi_piece *ovi_piece_create(void)
{
    ovi_piece *p = ov_calloc(1, sizeof *p);
    if (p)
        p->notes_last = &p->notes;
    return p;
}

static uint64_t shape_of(const ov_segment_entry *e)
{
    uint64_t h = 0;
    for (uint32_t i = 0; i < e->column_count; i++) {
        const ov_schema_column *c = &e->columns[i];
        uint64_t parts[] = {h, ov_checksum(c->name.p, c->name.n), (uint64_t)c->role << 8 | c->type.id,
                            (uint64_t)c->type.elem << 16 | (uint64_t)c->type.complex << 8 | c->type.multi};
        h = ov_checksum(parts, sizeof parts);
    }
    return h;
}

ov_status ovi_piece_fill(ovi_piece *p, ov_slice datasource, uint32_t serial, void *image, size_t bytes, ov_error *err)
{
    ov_segment *seg;
    if (!image)
        return OV_OK;
    OV_TRY(ov_segment_open_image("rows in memory", image, bytes, &seg, err));
    p->rows = ov_segment_get_info(seg)->rows;
    p->bytes = bytes;
    OV_TRY(ov_live_create(datasource, seg, serial, p->at_ms, &p->live, err));
    p->shape = shape_of(ov_live_entry(p->live));
    return OV_OK;
}

void ovi_piece_destroy(ovi_piece *p)
{
    if (!p)
        return;
    for (ovi_note *n = p->notes, *next; n; n = next) {
        next = n->next;
        ov_free(n);
    }
    ov_live_release(p->live);
    ov_free(p);
}

void ovi_stream_append(ov_streams *s, ovi_stream *stream, ovi_piece *p)
{
    if (p->live)
        ov_live_set_place(p->live, p->first_seq);
    *stream->last = p;
    stream->last = &p->next;
    stream->unseen = stream->unseen ? stream->unseen : p;
    stream->pieces++;
    stream->rows += p->rows;
    stream->bytes += p->bytes;
    s->bytes += p->bytes;
    s->listed_seq = OV_MAX(s->listed_seq, p->last_seq);
    ovi_batches_enter(s, stream, p);
}

/* ---- streams, by name ---- */

ovi_stream *ovi_stream_known(ov_streams *s, ov_slice name)
{
    for (ovi_stream *st = s->streams; st; st = st->next)
        if (ov_slice_eq(st->name, name))
            return st;
    return NULL;
}

/* What the catalog knows of it: how far it is published, how it is declared. */
static ov_status load_cursors(ov_streams *s, ovi_stream *stream, ov_error *err)
{
    ov_arena a;
    ov_slice key, value = {0}, spec = {0};
    ov_arena_init(&a, "stream", NULL);
    ov_status st = ovi_stream_key(&a, "handed", stream->name, (ov_slice){0}, &key, err);
    if (st == OV_OK)
        st = ov_catalog_cursor_get(s->config.catalog, key, &a, &value, err);
    if (st == OV_OK)
        st = ovi_stream_key(&a, "spec", stream->name, (ov_slice){0}, &key, err);
    if (st == OV_OK)
        st = ov_catalog_cursor_get(s->config.catalog, key, &a, &spec, err);
    if (st == OV_OK && value.n) {
        char *copy = ov_strndup(value.p, value.n);
        stream->handed = copy ? strtoull(copy, NULL, 10) : 0;
        stream->handed_text = ov_slice_make(copy, value.n);
        if (!copy)
            st = ov_fail_nomem(err, value.n);
    }
    if (st == OV_OK && spec.n) {
        stream->spec = ov_slice_make(ov_strndup(spec.p, spec.n), spec.n);
        if (!stream->spec.p)
            st = ov_fail_nomem(err, spec.n);
    }
    ov_arena_fini(&a);
    return st;
}

static void free_stream(ovi_stream *st)
{
    for (ovi_piece *p = st->first, *next; p; p = next) {
        next = p->next;
        ovi_piece_destroy(p);
    }
    ov_free((void *)(uintptr_t)st->spec.p);
    ov_free((void *)(uintptr_t)st->handed_text.p);
    ov_free(st);
}

ov_status ovi_stream_find(ov_streams *s, ov_slice name, ovi_stream **out, ov_error *err)
{
    *out = ovi_stream_known(s, name);
    if (*out)
        return OV_OK;
    ovi_stream *st = ov_calloc(1, sizeof *st + name.n + 1);
    if (!st)
        return ov_fail_nomem(err, sizeof *st + name.n);
    memcpy(st + 1, name.p, name.n);
    st->name = ov_slice_make((const char *)(st + 1), name.n);
    st->last = &st->first;
    if (load_cursors(s, st, err) != OV_OK) {
        free_stream(st);
        return err->code;
    }
    ovi_stream **at = &s->streams;
    while (*at && ov_slice_cmp((*at)->name, name) < 0)
        at = &(*at)->next;
    st->next = *at;
    *at = st;
    s->stream_count++;
    *out = st;
    return OV_OK;
}

/* ---- held; see ov_live_keeper ---- */

ov_status ovi_stream_enter(ov_streams *s, ov_slice name, bool within, ovi_stream **out, ov_error *err)
{
    ov_mutex_lock(&s->lock);
    ov_status st = ovi_stream_find(s, name, out, err);
    while (st == OV_OK && (*out)->held && !within) /* the push around it may be what a hold waits for */
        ov_cond_wait(&s->changed, &s->lock);
    if (st == OV_OK)
        (*out)->inside++;
    ov_mutex_unlock(&s->lock);
    return st;
}

void ovi_stream_leave(ov_streams *s, ovi_stream *stream)
{
    ov_mutex_lock(&s->lock);
    stream->inside--;
    if (stream->held)
        ov_cond_broadcast(&s->changed);
    ov_mutex_unlock(&s->lock);
}

static void let_go(void *streams, ov_slice name)
{
    ov_streams *s = streams;
    ov_mutex_lock(&s->lock);
    ovi_stream_known(s, name)->held--;
    ov_cond_broadcast(&s->changed);
    ov_mutex_unlock(&s->lock);
}

static ov_status hold(void *streams, ov_slice name, ov_error *err)
{
    ov_streams *s = streams;
    ovi_stream *stream;
    ov_mutex_lock(&s->lock);
    ov_status st = ovi_stream_find(s, name, &stream, err);
    if (st == OV_OK)
        stream->held++;
    while (st == OV_OK && stream->inside)
        ov_cond_wait(&s->changed, &s->lock);
    ov_mutex_unlock(&s->lock);
    OV_TRY(st);
    st = ov_streams_flush(s, name, err);
    if (st != OV_OK)
        let_go(s, name);
    return st;
}

/* ---- seen ---- */

/*
 * Into the catalog outside the log's order of things: a datasource whose keys somebody else holds for a while keeps nobody waiting but
 * its own pushes. Whoever finds pieces unseen shows all of them at once, so that many pushes share one snapshot.
 * Merges and hand-overs leave what is not seen alone, so what they take away from the catalog is there.
 */

static ov_status show_pieces(ov_streams *s, ov_slice name, ov_live *const *add, uint32_t n, uint64_t last_seq, ov_error *err)
{
    ov_live_change change = {.datasource = name, .add = add, .add_count = n, .logged = last_seq};
    return n ? ov_catalog_live_change(s->config.catalog, &change, 1, err) : OV_OK;
}

/* Under the lock, which it lets go of for a while. */
static void show_unseen(ov_streams *s, ovi_stream *stream)
{
    ov_error err = OV_ERROR_INIT;
    ovi_piece *first = stream->unseen, *last = first;
    uint32_t n = 0, count = 1;
    while (last->next) {
        last = last->next;
        count++;
    }
    ov_live *few[64], **add = count <= OV_COUNT_OF(few) ? few : ov_calloc(count, sizeof *add);
    for (ovi_piece *p = first; add && p; p = p->next)
        if (p->live)
            add[n++] = p->live;
    stream->showing = true;
    ov_mutex_unlock(&s->lock);
    ov_status st = add ? show_pieces(s, stream->name, add, n, last->last_seq, &err) : ov_fail_nomem(&err, count * sizeof *add);
    if (add != few)
        ov_free(add);
    if (st != OV_OK)
        ov_log_warn("rows are durable, and not visible for want of memory", ov_kv_err(&err));
    ov_mutex_lock(&s->lock);
    stream->showing = false;
    stream->show_failed = st != OV_OK;
    if (st == OV_OK) {
        for (ovi_piece *p = first; p != last->next; p = p->next)
            p->shown = true;
        stream->unseen = last->next;
    }
    ov_cond_broadcast(&s->changed);
}

void ovi_stream_show(ov_streams *s, ovi_stream *stream, uint64_t seq)
{
    ov_mutex_lock(&s->lock);
    while (stream->showing && stream->unseen && stream->unseen->first_seq <= seq)
        ov_cond_wait(&s->changed, &s->lock);
    if (stream->unseen && stream->unseen->first_seq <= seq)
        show_unseen(s, stream);
    ov_mutex_unlock(&s->lock);
}

void ovi_streams_show(ov_streams *s)
{
    ov_mutex_lock(&s->lock);
    for (ovi_stream *st = s->streams; st; st = st->next)
        if (st->show_failed && !st->showing && st->unseen)
            show_unseen(s, st);
    ov_mutex_unlock(&s->lock);
}

/* ---- durable ---- */

static void durable(void *self, ov_wal_entry *const *entries, uint32_t count)
{
    ov_streams *s = self;
    ov_mutex_lock(&s->lock);
    for (uint32_t i = 0; i < count; i++) {
        ovi_pushed *one = entries[i]->owner;
        one->piece->first_seq = one->piece->last_seq = entries[i]->seq;
        ovi_stream_append(s, one->stream, one->piece);
        one->piece = NULL;
    }
    ov_cond_broadcast(&s->changed);
    ov_mutex_unlock(&s->lock);
}

/* ---- replay ---- */

static ov_status piece_of_record(ovi_stream *stream, const ovi_record *r, uint64_t seq, ovi_piece **out, ov_error *err)
{
    ovi_piece *p = ovi_piece_create();
    if (!p)
        return ov_fail_nomem(err, sizeof *p);
    *out = p;
    p->first_seq = p->last_seq = seq;
    p->born_ms = ovi_steady_ms();
    p->at_ms = r->at_ms ? r->at_ms : ov_now_ms();
    OV_TRY(ovi_notes_add(p, r, err));
    if (r->image.n == 0)
        return OV_OK;
    void *image = ov_aligned_malloc(OV_WAL_ALIGN, r->image.n);
    if (!image)
        return ov_fail_nomem(err, r->image.n);
    memcpy(image, r->image.p, r->image.n);
    return ovi_piece_fill(p, stream->name, stream->serial++, image, r->image.n, err);
}

static ov_status replay_rows(ov_streams *s, const ovi_record *r, uint64_t seq, ov_error *err)
{
    ovi_stream *stream;
    ovi_piece *p = NULL;
    OV_CHECK_DATA(r->datasource.n > 0, err, "a record names no datasource");
    OV_TRY(ovi_stream_find(s, r->datasource, &stream, err));
    s->listed_seq = OV_MAX(s->listed_seq, seq);
    if (seq <= stream->handed)
        return OV_OK; /* published before the file could go */
    ov_status st = piece_of_record(stream, r, seq, &p, err);
    if (st == OV_OK)
        ovi_stream_append(s, stream, p);
    else
        ovi_piece_destroy(p);
    return st;
}

static ov_status replay(void *self, const ov_wal_record *record, ov_error *err)
{
    ov_streams *s = self;
    ovi_record r;
    ov_arena a;
    if (record->kind != OVI_RECORD_ROWS)
        return ov_fail(err, OV_UNSUPPORTED, "the log has a record of kind %u, which a newer Ovate wrote", record->kind);
    ov_arena_init(&a, "record", NULL);
    ov_status st = ovi_record_read(record->payload, &a, &r, err);
    if (st == OV_OK)
        st = replay_rows(s, &r, record->seq, err);
    if (st != OV_OK)
        ov_error_context(err, "record %llu of the log", (unsigned long long)record->seq);
    ov_arena_fini(&a);
    return st;
}

/* Everything that came out of the log at once. */
static ov_status show_all(ov_streams *s, ov_error *err)
{
    ov_wal_view log;
    ov_wal_look(s->wal, &log);
    ov_live_change none = {.datasource = {"", 0}, .logged = log.next_seq - 1};
    OV_TRY(ov_catalog_live_change(s->config.catalog, &none, 1, err));
    for (ovi_stream *st = s->streams; st; st = st->next) {
        uint32_t n = 0;
        ov_live **add = ov_calloc(st->pieces + 1u, sizeof *add);
        if (!add)
            return ov_fail_nomem(err, st->pieces * sizeof *add);
        for (ovi_piece *p = st->first; p; p = p->next) {
            p->shown = true;
            if (p->live)
                add[n++] = p->live;
        }
        st->unseen = NULL;
        ov_live_change change = {.datasource = st->name, .add = add, .add_count = n};
        ov_status done = n ? ov_catalog_live_change(s->config.catalog, &change, 1, err) : OV_OK;
        ov_free(add);
        OV_TRY(done);
    }
    return OV_OK;
}

/* Numbers of records never come again, even when the log's folder was moved away. */
static ov_status least_seq(ov_streams *s, uint64_t *out, ov_error *err)
{
    ov_arena a;
    ov_slice value = {0};
    ov_arena_init(&a, "stream", NULL);
    ov_status st = ov_catalog_cursor_get(s->config.catalog, OV_SLICE_LIT("stream/log"), &a, &value, err);
    *out = 0;
    if (st == OV_OK && value.n) {
        char *copy = ov_strndup(value.p, value.n);
        st = copy ? OV_OK : ov_fail_nomem(err, value.n);
        *out = copy ? strtoull(copy, NULL, 10) : 0;
        ov_free(copy);
    }
    ov_arena_fini(&a);
    return st;
}

static ov_status open_log(ov_streams *s, ov_error *err)
{
    char dir[4096];
    uint64_t least;
    int64_t t0 = ov_monotonic_ns();
    ov_wal_view log;
    int n = snprintf(dir, sizeof dir, "%s/wal", ov_catalog_dir(s->config.catalog));
    if (n < 0 || (size_t)n >= sizeof dir)
        return ov_fail(err, OV_LIMIT, "the name of the data folder is too long");
    OV_TRY(least_seq(s, &least, err));
    ov_wal_options options = {.dir = dir, .file_bytes = s->config.log_file_bytes, .least_seq = least, .self = s,
                              .replay = replay, .durable = durable};
    OV_TRY(ov_wal_open(&options, &s->wal, err));
    OV_TRY(show_all(s, err));
    ov_wal_look(s->wal, &log);
    if (log.replayed)
        ov_log_info("log of new rows replayed", ov_kv_i64("records", (int64_t)log.replayed),
                    ov_kv_i64("bytes", (int64_t)log.bytes), ov_kv_i64("ms", (ov_monotonic_ns() - t0) / 1000000));
    return OV_OK;
}

/* ---- life ---- */

static void set_defaults(ov_streams_config *c)
{
    c->memory_bytes = c->memory_bytes ? c->memory_bytes : DEFAULT_MEMORY_BYTES;
    c->max_body_bytes = c->max_body_bytes ? c->max_body_bytes : DEFAULT_BODY_BYTES;
    c->age_ms = c->age_ms ? c->age_ms : DEFAULT_AGE_MS;
    c->batch_age_ms = c->batch_age_ms ? c->batch_age_ms : DEFAULT_BATCH_AGE_MS;
    c->batch_count = c->batch_count ? c->batch_count : DEFAULT_BATCH_COUNT;
    c->max_rows = c->max_rows ? c->max_rows : DEFAULT_ROWS;
}

ov_status ov_streams_create(const ov_streams_config *config, ov_streams **out, ov_error *err)
{
    ov_streams *s = ov_calloc(1, sizeof *s);
    if (!s)
        return ov_fail_nomem(err, sizeof *s);
    s->config = *config;
    set_defaults(&s->config);
    s->began_ms = ov_now_ms();
    s->began_steady_ms = ovi_steady_ms();
    ov_budget_init(&s->budget, "the memory of streams", SIZE_MAX, NULL);
    ov_mutex_init(&s->lock);
    ov_cond_init(&s->changed);
    ov_cond_init(&s->published);
    s->batches = ov_calloc(OVI_BATCH_SLOTS, sizeof *s->batches);
    ov_status st = s->batches ? open_log(s, err) : ov_fail_nomem(err, OVI_BATCH_SLOTS * sizeof *s->batches);
    if (st == OV_OK && !s->config.paused)
        st = ov_thread_start(&s->merger, "ov-stream-merge", ovi_merger, s, err);
    if (st == OV_OK && !s->config.paused)
        st = ov_thread_start(&s->publisher, "ov-stream-out", ovi_publisher, s, err);
    if (st == OV_OK && !s->config.paused)
        st = ov_thread_start(&s->compactor, "ov-stream-small", ovi_compactor, s, err);
    if (st != OV_OK) {
        ov_streams_destroy(s);
        return st;
    }
    ov_catalog_set_keeper(s->config.catalog, (ov_live_keeper){.self = s, .hold = hold, .let_go = let_go});
    *out = s;
    return OV_OK;
}

void ov_streams_destroy(ov_streams *s)
{
    if (!s)
        return;
    ov_catalog_set_keeper(s->config.catalog, (ov_live_keeper){0});
    ov_mutex_lock(&s->lock);
    s->stop = true;
    atomic_store(&s->ending, true);
    ov_cond_broadcast(&s->changed);
    ov_cond_broadcast(&s->published);
    ov_mutex_unlock(&s->lock);
    ov_thread_join(&s->merger);
    ov_thread_join(&s->publisher);
    ov_thread_join(&s->compactor);
    ov_wal_close(s->wal);
    for (ovi_stream *st = s->streams, *next; st; st = next) {
        next = st->next;
        free_stream(st);
    }
    ov_free(s->batches);
    ov_mutex_fini(&s->lock);
    ov_cond_fini(&s->changed);
    ov_cond_fini(&s->published);
    ov_free(s);
}
