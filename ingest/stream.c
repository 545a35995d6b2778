/* Streams: life, replay, and what happens at the moment rows are durable. See ingest/stream.h. */
#include "ingest/stream_int.h"

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
    *stream->last = p;
    stream->last = &p->next;
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

/* ---- durable ---- */

/* Into the catalog first, then into the list: merges and hand-overs only take away what they find in the list, so what
 * they take away is there. */
static ov_status show_piece(ov_streams *s, ov_slice name, ovi_piece *p, ov_error *err)
{
    ov_live_change change = {.datasource = name, .add = &p->live, .add_count = p->live ? 1 : 0, .logged = p->last_seq};
    OV_TRY(ov_catalog_live_change(s->config.catalog, &change, 1, err));
    p->shown = true;
    return OV_OK;
}

void ovi_streams_show(ov_streams *s)
{
    ov_mutex_lock(&s->lock);
    for (ovi_stream *st = s->streams; st; st = st->next)
        for (ovi_piece *p = st->first; p; p = p->next) {
            ov_error err = OV_ERROR_INIT;
            if (!p->shown && !p->busy && show_piece(s, st->name, p, &err) != OV_OK)
                ov_log_warn("rows are durable, and not visible for want of memory", ov_kv_err(&err));
        }
    ov_mutex_unlock(&s->lock);
}

/* One snapshot for all pieces of a group that belong to one datasource. */
static void show_group(ov_streams *s, ov_wal_entry *const *entries, uint32_t count)
{
    ov_live *few[64], **add = count <= OV_COUNT_OF(few) ? few : ov_calloc(count, sizeof *add);
    for (uint32_t i = 0; add && i < count; i++) {
        ovi_pushed *first = entries[i]->owner;
        uint32_t n = 0;
        if (first->piece->shown)
            continue;
        for (uint32_t k = i; k < count; k++) {
            ovi_pushed *one = entries[k]->owner;
            if (ov_slice_eq(one->datasource, first->datasource) && one->piece->live)
                add[n++] = one->piece->live;
        }
        ov_error err = OV_ERROR_INIT;
        ov_live_change change = {
            .datasource = first->datasource, .add = add, .add_count = n, .logged = entries[count - 1]->seq};
        if (ov_catalog_live_change(s->config.catalog, &change, 1, &err) != OV_OK) {
            ov_log_warn("rows are durable, and not visible for want of memory", ov_kv_err(&err));
            continue; /* ovi_streams_show tries again */
        }
        for (uint32_t k = i; k < count; k++) {
            ovi_pushed *one = entries[k]->owner;
            if (ov_slice_eq(one->datasource, first->datasource))
                one->piece->shown = true;
        }
    }
    if (add != few)
        ov_free(add);
}

static void durable(void *self, ov_wal_entry *const *entries, uint32_t count)
{
    ov_streams *s = self;
    for (uint32_t i = 0; i < count; i++) {
        ovi_pushed *one = entries[i]->owner;
        one->piece->first_seq = one->piece->last_seq = entries[i]->seq;
    }
    show_group(s, entries, count);
    ov_mutex_lock(&s->lock);
    for (uint32_t i = 0; i < count; i++) {
        ovi_pushed *one = entries[i]->owner;
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
    p->born_ms = ov_now_ms();
    p->at_ms = r->at_ms ? r->at_ms : p->born_ms;
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
    ov_budget_init(&s->budget, "the memory of streams", SIZE_MAX, NULL);
    ov_mutex_init(&s->lock);
    ov_cond_init(&s->changed);
    s->batches = ov_calloc(OVI_BATCH_SLOTS, sizeof *s->batches);
    ov_status st = s->batches ? open_log(s, err) : ov_fail_nomem(err, OVI_BATCH_SLOTS * sizeof *s->batches);
    if (st == OV_OK && !s->config.paused)
        st = ov_thread_start(&s->merger, "ov-stream-merge", ovi_merger, s, err);
    if (st == OV_OK && !s->config.paused)
        st = ov_thread_start(&s->publisher, "ov-stream-out", ovi_publisher, s, err);
    if (st != OV_OK) {
        ov_streams_destroy(s);
        return st;
    }
    *out = s;
    return OV_OK;
}

void ov_streams_destroy(ov_streams *s)
{
    if (!s)
        return;
    ov_mutex_lock(&s->lock);
    s->stop = true;
    ov_cond_broadcast(&s->changed);
    ov_mutex_unlock(&s->lock);
    ov_thread_join(&s->merger);
    ov_thread_join(&s->publisher);
    ov_wal_close(s->wal);
    for (ovi_stream *st = s->streams, *next; st; st = next) {
        next = st->next;
        free_stream(st);
    }
    ov_free(s->batches);
    ov_mutex_fini(&s->lock);
    ov_cond_fini(&s->changed);
    ov_free(s);
}
