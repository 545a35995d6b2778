/* A push, from the body to the answer. */
#include "base/compress.h"
#include "base/hash.h"
#include "base/os.h"
#include "ingest/load/push_build.h"
#include "ingest/stream/stream_int.h"
#include "ingest/upkeep/disk_guard.h"
#include "storage/segment/segment_id.h"

enum { MAX_BATCH_BYTES = 512 };

typedef struct pushing {
    ov_streams *s;
    const ov_push *push;
    ov_arena *out;
    ov_push_result *result;
    ov_arena arena;
    size_t room;  /* taken in the streams' memory */
    ov_buf plain; /* the decompressed body, when it was compressed */
    ov_slice body;
    uint64_t body_hash;
    ovi_pushed pushed;
} pushing;

/* ---- may it come in ---- */

static ov_status check_names(const ov_push *p, ov_error *err)
{
    for (size_t i = 0; i < p->batch.n; i++)
        if ((uint8_t)p->batch.p[i] < ' ')
            return ov_fail(err, OV_INVALID, "the batch id holds a control character");
    if (p->batch.n > MAX_BATCH_BYTES)
        return ov_fail(err, OV_INVALID, "the batch id has %zu bytes; %d are allowed", p->batch.n, MAX_BATCH_BYTES);
    return ov_datasource_name_check(p->datasource, err);
}

size_t ov_streams_body_bytes(const ov_streams *s)
{
    return OV_MAX(OV_MIN(s->config.memory_bytes / 8, (size_t)s->config.max_body_bytes), (size_t)1);
}

/* Bodies on their way count with twice their size: text, and what is made of it. One that is larger than all there is goes in
 * when nothing else is there. A body of nothing needs no room: places of sources move on when memory is full. */
static ov_status take_room(pushing *p, size_t body, ov_error *err)
{
    ov_streams *s = p->s;
    size_t limit = s->config.memory_bytes, need = p->push->within ? 0 : 2 * body;
    uint32_t pieces = 0;
    ov_mutex_lock(&s->lock);
    size_t held = s->bytes + s->incoming;
    for (const ovi_stream *st = s->streams; st; st = st->next)
        pieces = OV_MAX(pieces, st->pieces);
    bool full = (need && held > p->room && held + need > limit) || (pieces > OVI_MOST_PIECES && !p->push->within);
    if (full) {
        s->refused++;
        ov_cond_broadcast(&s->changed); /* time to publish */
    } else {
        s->incoming += need;
        p->room += need;
    }
    ov_mutex_unlock(&s->lock);
    if (!full)
        return OV_OK;
    return ov_fail(err, OV_BUSY,
                   "rows come faster than they are published: %.1f MiB are in memory and on their way, these need %.1f MiB more, "
                   "%.1f MiB are allowed; try again in a moment",
                   (double)held / (1 << 20), (double)need / (1 << 20), (double)limit / (1 << 20));
}

static void give_room(pushing *p)
{
    ov_mutex_lock(&p->s->lock);
    p->s->incoming -= p->room;
    ov_mutex_unlock(&p->s->lock);
}

/* Room is taken as it grows: a small body may be a large one. Without `keep` it takes none, and only the checksum is left. */
static ov_status unpack(pushing *p, ov_reader *in, bool keep, ov_checksum_stream *sum, ov_error *err)
{
    enum { STEP = 64 << 10 };
    uint64_t most = p->s->config.max_body_bytes, total = 0;
    for (size_t got = STEP; got == STEP;) {
        if (!ov_buf_reserve(&p->plain, STEP))
            return ov_buf_check(&p->plain, err);
        OV_TRY(ov_reader_fill(in, p->plain.p + p->plain.n, STEP, &got, err));
        if (keep)
            OV_TRY(take_room(p, got, err));
        ov_checksum_add(sum, p->plain.p + p->plain.n, got);
        p->plain.n += keep ? got : 0;
        total += got;
        if (total > most)
            return ov_fail(err, OV_LIMIT, "the body has more than %llu bytes when decompressed; push it in smaller pieces",
                           (unsigned long long)most);
    }
    return OV_OK;
}

static ov_status take_packed(pushing *p, bool keep, ov_error *err)
{
    ov_reader *packed, *reader = NULL;
    ov_checksum_stream *sum = ov_checksum_begin();
    if (!sum)
        return ov_fail_nomem(err, sizeof(void *));
    ov_status st = ov_reader_open_mem(p->push->body, &packed, err);
    if (st == OV_OK)
        st = ov_reader_open_auto(packed, "the body", &reader, err);
    if (st == OV_OK)
        st = unpack(p, reader, keep, sum, err);
    ov_reader_close(reader);
    p->body_hash = ov_checksum_end(sum);
    if (st == OV_CORRUPT)
        st = err->code = OV_INVALID; /* theirs, not ours */
    p->body = ov_buf_slice(&p->plain);
    return st;
}

/* The body as it will be read, and its checksum; without `keep` the checksum alone. */
static ov_status take_body(pushing *p, bool keep, ov_error *err)
{
    if (ov_compression_detect(p->push->body) != OV_COMPRESSION_NONE) {
        OV_TRY(take_packed(p, keep, err));
    } else {
        p->body = p->push->body;
        if (keep)
            OV_TRY(take_room(p, p->body.n, err));
        p->body_hash = ov_checksum(p->body.p, p->body.n);
    }
    p->body_hash += (uint64_t)p->push->format;
    return OV_OK;
}

/* ---- the piece ---- */

static ov_status declared_spec(pushing *p, ov_slice *declared, ov_error *err)
{
    ov_status st = OV_OK;
    ov_mutex_lock(&p->s->lock);
    if (p->pushed.stream->spec.n)
        st = ov_arena_copy(&p->arena, p->pushed.stream->spec, declared, err);
    ov_mutex_unlock(&p->s->lock);
    return st;
}

static ov_status build(pushing *p, ovi_push_out *built, ov_error *err)
{
    ov_slice declared = {0};
    ov_spec *spec;
    OV_TRY(declared_spec(p, &declared, err));
    OV_TRY(ovi_stream_spec(p->push->datasource, declared, p->push->format, &p->arena, &spec, err));
    spec->input.data = p->body;
    spec->format.newline_delimited |= p->push->line_each;
    ov_snapshot *snap = ov_catalog_snapshot(p->s->config.catalog);
    const ov_datasource *ds = ov_snapshot_find(snap, p->push->datasource);
    ovi_push_in in = {.spec = spec,
                      .discover = declared.n == 0,
                      .known = ds ? ds->columns : NULL,
                      .known_count = ds ? ds->column_count : 0,
                      .transforms = p->s->config.transforms,
                      .max_rejects = p->push->max_rejects,
                      .no_notes = p->push->no_notes,
                      .keys = ov_keys_horizon(p->s->config.catalog, p->push->datasource) != OV_DEAD_LONG_AGO
                                  ? p->s->config.catalog
                                  : NULL,
                      .budget = &p->s->budget};
    ov_status st = ovi_push_build(&in, p->out, built, err);
    ov_snapshot_release(snap);
    return st;
}

static uint32_t next_serial(ov_streams *s, ovi_stream *stream)
{
    ov_mutex_lock(&s->lock);
    uint32_t serial = stream->serial++;
    ov_mutex_unlock(&s->lock);
    return serial;
}

/* The image stays readable for the log until the push is over: the piece may be merged and gone before. */
static ov_status make_piece(pushing *p, ovi_push_out *built, ov_segment **hold, ov_error *err)
{
    ovi_piece *piece = ovi_piece_create();
    if (!piece) {
        ov_free(built->image);
        return ov_fail_nomem(err, sizeof *piece);
    }
    p->pushed.piece = piece;
    piece->born_ms = ovi_steady_ms();
    piece->at_ms = ov_keys_instant(p->s->config.catalog, p->push->datasource);
    OV_TRY(ovi_piece_fill(piece, p->pushed.stream->name, next_serial(p->s, p->pushed.stream), built->image, built->bytes,
                          err));
    if (piece->live)
        *hold = ov_segment_retain(ov_live_entry(piece->live)->live);
    return OV_OK;
}

static ov_status append(pushing *p, const ovi_push_out *built, ov_error *err)
{
    ovi_record r = {.datasource = p->push->datasource,
                    .batch = p->push->batch,
                    .body_hash = p->body_hash,
                    .rows = built->rows,
                    .rejected = built->rejected,
                    .marks = p->push->marks,
                    .mark_count = p->push->mark_count,
                    .at_ms = p->pushed.piece->at_ms,
                    .image = {built->image, built->bytes}};
    ov_buf meta;
    ov_buf_init(&meta);
    ov_status st = ovi_notes_add(p->pushed.piece, &r, err);
    if (st == OV_OK)
        st = ovi_record_write(&r, &meta, err);
    if (st == OV_OK) {
        ov_wal_entry e = {.parts = {ov_buf_slice(&meta), r.image}, .part_count = r.image.n ? 2 : 1,
                          .kind = OVI_RECORD_ROWS, .owner = &p->pushed};
        st = ov_wal_append(p->s->wal, &e, err);
        if (st == OV_OK)
            ovi_stream_show(p->s, p->pushed.stream, e.seq);
        else if (st != OV_NOMEM)
            st = err->code = OV_IO;
    }
    ov_buf_fini(&meta);
    return st;
}

static void count(pushing *p)
{
    ov_mutex_lock(&p->s->lock);
    ovi_stream *st = p->pushed.stream;
    st->pushes++;
    st->rows_in += p->result->rows;
    st->rejected += p->result->rejected;
    st->filtered += p->result->filtered;
    st->bytes_in += p->push->body.n;
    st->last_push_ms = ov_now_ms();
    ov_mutex_unlock(&p->s->lock);
}

static ov_status take(pushing *p, ov_error *err)
{
    ovi_push_out built;
    ov_segment *hold = NULL;
    OV_TRY(build(p, &built, err));
    *p->result = (ov_push_result){.rows = built.rows,
                                  .rejected = built.rejected,
                                  .filtered = built.filtered,
                                  .with_errors = built.with_errors,
                                  .rejects = built.rejects,
                                  .reject_count = built.reject_count};
    ov_status st = p->push->before ? p->push->before(p->push->self, p->result, err) : OV_OK;
    if (st == OV_OK)
        st = make_piece(p, &built, &hold, err);
    else
        ov_free(built.image);
    if (st == OV_OK && (built.image || p->push->batch.n || p->push->mark_count))
        st = append(p, &built, err);
    ovi_piece_destroy(p->pushed.piece); /* still here: nothing to keep, or it failed */
    ov_segment_release(hold);
    if (st == OV_OK)
        count(p);
    return st;
}

static ov_status take_inside(pushing *p, ov_error *err)
{
    OV_TRY(ov_disk_guard_check(p->s->config.disk, err));
    OV_TRY(take_body(p, true, err));
    OV_TRY(ovi_stream_enter(p->s, p->push->datasource, p->push->within, &p->pushed.stream, err));
    ov_status st = take(p, err);
    ovi_stream_leave(p->s, p->pushed.stream);
    return st;
}

/* ---- batches ---- */

/* A repeated batch adds nothing, so it is answered also when nothing can come in. */
static ov_status answer_again(pushing *p, const ovi_batch_fate *fate, ov_error *err)
{
    OV_TRY(take_body(p, false, err));
    if (fate->body_hash != p->body_hash)
        return ov_fail(err, OV_EXISTS,
                       "the batch '" OV_SLICE_FMT "' of '" OV_SLICE_FMT "' was pushed before with other rows; nothing was "
                       "added: give every batch an id of its own, and repeat one only with the same body",
                       OV_SLICE_ARG(p->push->batch), OV_SLICE_ARG(p->push->datasource));
    *p->result = (ov_push_result){.rows = fate->rows, .rejected = fate->rejected, .duplicate = true};
    ov_mutex_lock(&p->s->lock);
    ovi_stream *st = ovi_stream_known(p->s, p->push->datasource);
    if (st)
        st->duplicates++;
    ov_mutex_unlock(&p->s->lock);
    return OV_OK;
}

static ov_status take_once(pushing *p, ov_error *err)
{
    ovi_flight flight;
    ovi_batch_fate fate;
    if (p->push->batch.n == 0)
        return take_inside(p, err);
    OV_TRY(ovi_batch_begin(p->s, p->push->datasource, p->push->batch, &flight, &fate, err));
    if (fate.known)
        return answer_again(p, &fate, err);
    ov_status st = take_inside(p, err);
    ovi_batch_land(p->s, &flight);
    return st;
}

ov_status ov_streams_push(ov_streams *s, const ov_push *push, ov_arena *out, ov_push_result *result, ov_error *err)
{
    pushing p = {.s = s, .push = push, .out = out, .result = result};
    *result = (ov_push_result){0};
    OV_TRY(check_names(push, err));
    ov_buf_init(&p.plain);
    ov_arena_init(&p.arena, "push", NULL);
    ov_status st = take_once(&p, err);
    give_room(&p);
    ov_arena_fini(&p.arena);
    ov_buf_fini(&p.plain);
    return st;
}
