/*
 * A batch of messages into the stream: one push with the offsets behind them as marks.
 *
 * A push that finds no room is tried again until it goes in; meanwhile nothing is taken from the client, whose own
 * queue is bounded, so lag grows on the broker. Dead letters go within the push they belong to, and its room. A batch that cannot be read as a whole is halved until the message at fault stands alone.
 */
#include <librdkafka/rdkafka.h>

#include <stdio.h>
#include "base/fault.h"
#include "base/jsonw.h"
#include "base/os.h"
#include "ingest/kafka/kafka_int.h"
#include "ingest/parse/rows.h"

enum { RETRY_MS = 200 };

/* A message that is no row. */
typedef struct dead {
    uint32_t message; /* of the batch */
    ov_slice reason;
} dead;

typedef struct batch {
    ovi_kafka_task *t;
    rd_kafka_message_t **messages;
    uint32_t count;
    ov_arena arena; /* of one push */
    ov_arena told;  /* of one try of it */
    ovi_kafka_body body;
    int64_t *behind; /* by partition of the reader: one past its last message; -1: it has none */
    ov_stream_mark *marks; /* that, as marks of the push */
    uint32_t mark_count;
    const char *whole_reason; /* its one message cannot be pushed at all; NULL otherwise */
    dead *dead;               /* in the arena */
    uint32_t dead_count;
} batch;

/* ---- marks ---- */

static size_t part_no(const batch *b, uint32_t message)
{
    return (size_t)(ovi_kafka_part_of(b->t, b->messages[message]->partition) - b->t->parts);
}

/* Places of the partitions of which there is one, as marks. */
static ov_status make_marks(batch *b, const int64_t *places, ov_arena *a, ov_stream_mark **marks, uint32_t *count, ov_error *err)
{
    ovi_kafka_task *t = b->t;
    *count = 0;
    OV_TRY(ov_arena_zalloc(a, t->part_count * sizeof **marks, marks, err));
    for (uint32_t i = 0; i < t->part_count; i++) {
        if (places[i] < 0)
            continue;
        ov_stream_mark *m = &(*marks)[(*count)++];
        OV_TRY(ovi_kafka_mark_key(&t->sup->spec, t->parts[i].id, a, &m->key, err));
        OV_TRY(ov_arena_printf(a, &m->value, err, "%lld", (long long)places[i]));
    }
    return OV_OK;
}

static ov_status find_places(batch *b, ov_error *err)
{
    OV_TRY(ov_arena_alloc(&b->arena, b->t->part_count * sizeof *b->behind, &b->behind, err));
    for (uint32_t i = 0; i < b->t->part_count; i++)
        b->behind[i] = -1;
    for (uint32_t i = 0; i < b->count; i++)
        b->behind[part_no(b, i)] = b->messages[i]->offset + 1;
    return make_marks(b, b->behind, &b->arena, &b->marks, &b->mark_count, err);
}

/* ---- messages that are no rows ---- */

/* The message a line belongs to. */
static uint32_t message_of(const batch *b, uint64_t line)
{
    uint32_t low = 0, high = b->count;
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;
        if (b->body.lines[mid] <= line)
            low = mid;
        else
            high = mid;
    }
    return low;
}

static uint64_t count_spoiled(const batch *b)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < b->count; i++)
        n += b->body.spoiled[i];
    return n;
}

/* Which messages of the batch are none, each once. */
static ov_status find_dead(batch *b, const ov_push_result *r, ov_error *err)
{
    b->dead_count = 0;
    OV_TRY(ov_arena_alloc(&b->told, (count_spoiled(b) + r->reject_count + 1) * sizeof *b->dead, &b->dead, err));
    if (b->whole_reason) {
        b->dead[b->dead_count++] = (dead){0, ov_slice_cstr(b->whole_reason)};
        return OV_OK;
    }
    for (uint32_t i = 0; i < r->reject_count; i++) {
        uint32_t message = message_of(b, r->rejects[i].line);
        bool again = b->dead_count && b->dead[b->dead_count - 1].message == message;
        if (!again)
            b->dead[b->dead_count++] = (dead){message, r->rejects[i].reason};
    }
    for (uint32_t i = 0; i < b->count; i++)
        if (b->body.spoiled[i])
            b->dead[b->dead_count++] = (dead){i, OV_SLICE_LIT("a quote that opens a cell is never closed")};
    return OV_OK;
}

static void write_dead(const ovi_kafka_spec *spec, const rd_kafka_message_t *m, ov_slice reason, ov_buf *out)
{
    rd_kafka_timestamp_type_t kind;
    ov_jsonw w;
    int64_t ms = rd_kafka_message_timestamp(m, &kind);
    ov_jsonw_init(&w, out);
    ov_jsonw_open_object(&w, NULL);
    ov_jsonw_i64(&w, "__time", kind == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? ov_now_ms() : ms);
    ov_jsonw_str(&w, "topic", spec->topic);
    ov_jsonw_i64(&w, "partition", m->partition);
    ov_jsonw_i64(&w, "offset", m->offset);
    ov_jsonw_str(&w, "reason", reason);
    if (m->key)
        ov_jsonw_str(&w, "key", ov_slice_make(m->key, m->key_len));
    ov_jsonw_str(&w, "value", ov_slice_make(m->payload, m->len));
    ov_jsonw_close_object(&w);
    ov_buf_add_char(out, '\n');
}

/* Up to where dead letters of the batch's partitions are kept: one that is pushed again after a crash finds some of its messages there. */
static ov_status find_kept(batch *b, int64_t **kept, ov_error *err)
{
    ovi_kafka_sup *s = b->t->sup;
    OV_TRY(ov_arena_alloc(&b->told, b->t->part_count * sizeof **kept, kept, err));
    for (uint32_t i = 0; i < b->t->part_count; i++)
        if (b->behind[i] >= 0)
            OV_TRY(ovi_kafka_mark_get(s, s->spec.dead_letters, b->t->parts[i].id, &(*kept)[i], err));
        else
            (*kept)[i] = -1;
    return OV_OK;
}

static ov_status write_all_dead(const batch *b, const int64_t *kept, ov_buf *out, ov_error *err)
{
    for (uint32_t i = 0; i < b->dead_count; i++) {
        const rd_kafka_message_t *m = b->messages[b->dead[i].message];
        if (m->offset >= kept[part_no(b, b->dead[i].message)])
            write_dead(&b->t->sup->spec, m, b->dead[i].reason, out);
    }
    return ov_buf_check(out, err);
}

/* A batch after a crash may end before the one whose dead letters were kept: their marks never go back. */
static ov_status push_dead(batch *b, int64_t *kept, ov_slice rows, ov_error *err)
{
    ovi_kafka_sup *s = b->t->sup;
    ov_push_result result;
    ov_stream_mark *marks;
    uint32_t count;
    for (uint32_t i = 0; i < b->t->part_count; i++)
        kept[i] = OV_MAX(kept[i], b->behind[i]);
    OV_TRY(make_marks(b, kept, &b->told, &marks, &count, err));
    ov_push push = {.datasource = s->spec.dead_letters, .body = rows, .format = OV_PUSH_JSON, .marks = marks, .mark_count = count,
                    .line_each = true, .within = true};
    return ov_streams_push(s->owner->config.streams, &push, &b->told, &result, err);
}

/* Before the batch's rows and offsets are durable, so that a crash between the two loses none; offsets as marks of the
 * dead letters' own stream keep it from doubling them. */
static ov_status keep_dead(void *self, const ov_push_result *r, ov_error *err)
{
    batch *b = self;
    ovi_kafka_sup *s = b->t->sup;
    int64_t *kept;
    ov_buf rows;
    OV_TRY(find_dead(b, r, err));
    if (!s->spec.dead_letters.n || !b->dead_count)
        return OV_OK;
    if (r->rejected > r->reject_count && b->count > 1) /* messages of many rows */
        return ov_fail(err, OV_LIMIT, "%llu rows are rejected, and only %u of them are told of", (unsigned long long)r->rejected,
                       r->reject_count);
    OV_TRY(find_kept(b, &kept, err));
    ov_buf_init(&rows);
    ov_status st = write_all_dead(b, kept, &rows, err);
    if (st == OV_OK && rows.n)
        st = push_dead(b, kept, ov_buf_slice(&rows), err);
    ov_buf_fini(&rows);
    if (st == OV_OK)
        OV_FAULT(OV_FAULT_KAFKA_DEAD, err);
    if (st == OV_OK || st == OV_BUSY || st == OV_IO || st == OV_NOMEM)
        return st;
    ovi_kafka_trouble_add(s, false, "%u messages could not be kept in '" OV_SLICE_FMT "': %s", b->dead_count,
                          OV_SLICE_ARG(s->spec.dead_letters), err->text);
    *err = (ov_error)OV_ERROR_INIT;
    return OV_OK;
}

static void note_dead(batch *b)
{
    ovi_kafka_sup *s = b->t->sup;
    ov_mutex_lock(&s->owner->lock);
    for (uint32_t i = 0; i < b->dead_count; i++) {
        const rd_kafka_message_t *m = b->messages[b->dead[i].message];
        ovi_kafka_poison *p = &s->poison[s->poison_count++ % OVI_KAFKA_KEPT];
        *p = (ovi_kafka_poison){.partition = m->partition, .offset = m->offset, .ms = ov_now_ms()};
        snprintf(p->reason, sizeof p->reason, OV_SLICE_FMT, OV_SLICE_ARG(b->dead[i].reason));
    }
    if (s->spec.dead_letters.n)
        s->dead_letters += b->dead_count;
    ov_mutex_unlock(&s->owner->lock);
}

/* ---- what is durable ---- */

static void move_on(batch *b, const ov_push_result *r, uint64_t rejected)
{
    ovi_kafka_sup *s = b->t->sup;
    ov_mutex_lock(&s->owner->lock);
    s->rows += r->rows;
    s->filtered += r->filtered;
    s->with_errors += r->with_errors;
    s->rejected += rejected;
    s->empty += b->body.empty;
    for (uint32_t i = 0; i < b->count; i++) {
        const rd_kafka_message_t *m = b->messages[i];
        ovi_kafka_part *p = ovi_kafka_part_of(b->t, m->partition);
        rd_kafka_timestamp_type_t kind;
        p->next = m->offset + 1;
        int64_t ms = rd_kafka_message_timestamp(m, &kind);
        if (kind != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE)
            p->last_ms = ms;
        p->high = OV_MAX(p->high, p->next);
        s->bytes += m->len;
    }
    s->stopped_by_poison |= s->rejected > s->spec.max_parse_exceptions;
    ov_mutex_unlock(&s->owner->lock);
}

static void throttle(ovi_kafka_task *t, bool on)
{
    ov_mutex_lock(&t->sup->owner->lock);
    t->throttled = on;
    for (uint32_t i = 0; i < t->part_count; i++) /* what waits here is behind too, whoever looked when */
        t->parts[i].high = OV_MAX(t->parts[i].high, t->parts[i].read);
    ov_mutex_unlock(&t->sup->owner->lock);
}

/* Until there is room, the log takes rows again, or it is time to stop. */
static ov_status push_until(batch *b, const ov_push *push, ov_push_result *r, ov_error *err)
{
    ovi_kafka_task *t = b->t;
    for (;;) {
        *err = (ov_error)OV_ERROR_INIT;
        ov_arena_reset(&b->told);
        ov_status st = ov_streams_push(t->sup->owner->config.streams, push, &b->told, r, err);
        if (st != OV_BUSY && st != OV_IO && st != OV_NOMEM) {
            throttle(t, false);
            return st;
        }
        throttle(t, true);
        ovi_kafka_trouble_add(t->sup, false, "rows wait: %s", err->text);
        if (!ovi_kafka_sleep(t->sup, RETRY_MS))
            return ov_fail(err, OV_CANCELLED, "the supervisor stops");
        ovi_kafka_watch(t);
    }
}

static ov_status push_some(batch *b, ov_push_result *r, ov_error *err)
{
    const ovi_kafka_spec *spec = &b->t->sup->spec;
    OV_TRY(find_places(b, err));
    ov_buf_clear(&b->body.text);
    OV_TRY(ovi_kafka_body_make(spec, b->messages, b->count, &b->arena, &b->body, err));
    ov_push push = {.datasource = spec->datasource,
                    .body = b->whole_reason ? (ov_slice){"", 0} : ov_buf_slice(&b->body.text),
                    .format = spec->format,
                    .marks = b->marks,
                    .mark_count = b->mark_count,
                    .line_each = true,
                    .max_rejects = spec->dead_letters.n ? b->count : 0,
                    .no_notes = true,
                    .before = keep_dead,
                    .self = b};
    OV_TRY(push_until(b, &push, r, err));
    note_dead(b);
    move_on(b, r, b->whole_reason ? 1 : r->rejected + count_spoiled(b));
    return OV_OK;
}

static ov_status push_range(ovi_kafka_task *t, uint32_t from, uint32_t to, ov_error *err)
{
    batch b = {.t = t, .messages = t->messages + from, .count = to - from};
    char reason[sizeof err->text];
    ov_push_result r;
    ov_arena_init(&b.arena, "kafka batch", NULL);
    ov_arena_init(&b.told, "kafka rejects", NULL);
    ov_buf_init(&b.body.text);
    ov_status st = push_some(&b, &r, err);
    bool halve = st != OV_OK && st != OV_CANCELLED && b.count > 1;
    if (st != OV_OK && st != OV_CANCELLED && b.count == 1) { /* one message that a push cannot take is passed over, and told of */
        memcpy(reason, err->text, sizeof reason);
        b.whole_reason = reason;
        st = push_some(&b, &r, err);
    }
    ov_buf_fini(&b.body.text);
    ov_arena_fini(&b.told);
    ov_arena_fini(&b.arena);
    if (!halve)
        return st;
    OV_TRY(push_range(t, from, from + (to - from) / 2, err));
    return push_range(t, from + (to - from) / 2, to, err);
}

void ovi_kafka_push_batch(ovi_kafka_task *t)
{
    ov_error err = OV_ERROR_INIT;
    ov_status st = push_range(t, 0, t->message_count, &err);
    if (st != OV_OK) { /* not even the marks went in: read again from where rows are durable */
        for (uint32_t i = 0; i < t->part_count; i++)
            t->parts[i].read = t->parts[i].next;
        t->assign = true;
        t->looked_ms = 0;
    }
    if (st != OV_OK && st != OV_CANCELLED) {
        ovi_kafka_trouble_add(t->sup, false, "a batch of %u messages is not taken: %s", t->message_count, err.text);
        ovi_kafka_sleep(t->sup, RETRY_MS);
    }
    for (uint32_t i = 0; i < t->message_count; i++)
        rd_kafka_message_destroy(t->messages[i]);
    t->message_count = 0;
    t->message_bytes = 0;
}
