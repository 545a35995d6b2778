/*
 * Partitions: which there are, where reading goes on, and what the broker does not have any more.
 *
 * Where a partition starts is made durable before its first message is taken: a start at the end of the topic must not move on
 * when the process ends before that message's rows are durable.
 */
#include <librdkafka/rdkafka.h>

#include "base/log.h"
#include "base/os.h"
#include "ingest/kafka/kafka_int.h"

enum {
    ASK_MS = 2000,
    LOOK_MS = 2000,
    SOON_MS = 300,
    SURE_MS = 3 * LOOK_MS / 2, /* two looks */
    MOST_SILENT = 2,           /* partitions that a look waits for in vain */
};

/* ---- marks ---- */

ov_status ovi_kafka_mark_key(const ovi_kafka_spec *spec, int32_t partition, ov_arena *a, ov_slice *key, ov_error *err)
{
    return ov_arena_printf(a, key, err, "kafka/" OV_SLICE_FMT "/" OV_SLICE_FMT "/%d", OV_SLICE_ARG(spec->id),
                           OV_SLICE_ARG(spec->topic), (int)partition);
}

static ov_status read_mark(ov_slice text, int64_t *offset, ov_error *err)
{
    int64_t v = 0;
    *offset = -1;
    if (text.n == 0 || ov_slice_eq(text, OV_SLICE_LIT("-")))
        return OV_OK;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9' || text.n > 18)
            return ov_fail(err, OV_CORRUPT, "the mark of a partition is no offset: '" OV_SLICE_FMT "'", OV_SLICE_ARG(text));
        v = v * 10 + (text.p[i] - '0');
    }
    *offset = v;
    return OV_OK;
}

ov_status ovi_kafka_mark_get(ovi_kafka_sup *s, ov_slice datasource, int32_t partition, int64_t *offset, ov_error *err)
{
    ov_arena a;
    ov_slice key, value = {0};
    ov_arena_init(&a, "kafka mark", NULL);
    ov_status st = ovi_kafka_mark_key(&s->spec, partition, &a, &key, err);
    if (st == OV_OK)
        st = ov_streams_mark(s->owner->config.streams, datasource, key, &a, &value, err);
    if (st == OV_OK)
        st = read_mark(value, offset, err);
    ov_arena_fini(&a);
    return st;
}

static ov_status put_mark(ovi_kafka_sup *s, ov_slice datasource, int32_t partition, int64_t offset, ov_error *err)
{
    ov_arena a;
    ov_stream_mark mark = {.value = OV_SLICE_LIT("-")};
    ov_push_result result;
    ov_arena_init(&a, "kafka mark", NULL);
    ov_status st = ovi_kafka_mark_key(&s->spec, partition, &a, &mark.key, err);
    if (st == OV_OK && offset >= 0)
        st = ov_arena_printf(&a, &mark.value, err, "%lld", (long long)offset);
    if (st == OV_OK) {
        ov_push push = {.datasource = datasource, .body = {"", 0}, .format = s->spec.format, .marks = &mark, .mark_count = 1};
        st = ov_streams_push(s->owner->config.streams, &push, &a, &result, err);
    }
    ov_arena_fini(&a);
    return st;
}

ov_status ovi_kafka_mark_put(ovi_kafka_sup *s, int32_t partition, int64_t offset, ov_error *err)
{
    int64_t dead = -1;
    if (s->spec.dead_letters.n)
        OV_TRY(ovi_kafka_mark_get(s, s->spec.dead_letters, partition, &dead, err));
    if (dead >= 0)
        OV_TRY(put_mark(s, s->spec.dead_letters, partition, offset, err));
    return put_mark(s, s->spec.datasource, partition, offset, err);
}

/* ---- partitions ---- */

ovi_kafka_part *ovi_kafka_part_of(ovi_kafka_task *t, int32_t id)
{
    for (uint32_t i = 0; i < t->part_count; i++)
        if (t->parts[i].id == id)
            return &t->parts[i];
    return NULL;
}

static ov_status add_part(ovi_kafka_task *t, int32_t id, ov_error *err)
{
    ov_mutex *lock = &t->sup->owner->lock;
    if (ovi_kafka_part_of(t, id))
        return OV_OK;
    if (t->part_count == t->part_cap) {
        uint32_t cap = t->part_cap ? 2 * t->part_cap : 8;
        ovi_kafka_part *more = ov_calloc(cap, sizeof *more);
        if (!more)
            return ov_fail_nomem(err, cap * sizeof *more);
        ov_mutex_lock(lock);
        if (t->part_count)
            memcpy(more, t->parts, t->part_count * sizeof *more);
        ovi_kafka_part *old = t->parts;
        t->parts = more;
        t->part_cap = cap;
        ov_mutex_unlock(lock);
        ov_free(old);
    }
    ov_mutex_lock(lock);
    t->parts[t->part_count++] = (ovi_kafka_part){.id = id, .low = -1, .high = -1};
    ov_mutex_unlock(lock);
    return OV_OK;
}

static ov_status find_part(ovi_kafka_task *t, const struct rd_kafka_metadata_partition *p, ov_error *err)
{
    if ((uint32_t)p->id % t->sup->spec.tasks != t->number)
        return OV_OK;
    OV_TRY(add_part(t, p->id, err));
    ovi_kafka_part_of(t, p->id)->led = p->leader >= 0;
    return OV_OK;
}

/* The broker's list; partitions are dealt out by their number. */
static ov_status find_parts(ovi_kafka_task *t, ov_error *err)
{
    const struct rd_kafka_metadata *all;
    rd_kafka_resp_err_t e = rd_kafka_metadata(t->rk, 0, t->topic, &all, ASK_MS);
    if (e != RD_KAFKA_RESP_ERR_NO_ERROR)
        return ov_fail(err, OV_IO, "the cluster does not answer: %s", rd_kafka_err2str(e));
    ov_status st = OV_OK;
    const struct rd_kafka_metadata_topic *topic = all->topic_cnt ? &all->topics[0] : NULL;
    if (!topic || topic->err != RD_KAFKA_RESP_ERR_NO_ERROR || topic->partition_cnt == 0)
        st = ov_fail(err, OV_NOT_FOUND, "the topic '" OV_SLICE_FMT "' cannot be read: %s", OV_SLICE_ARG(t->sup->spec.topic),
                     topic && topic->err ? rd_kafka_err2str(topic->err) : "the cluster has no such topic");
    for (int i = 0; st == OV_OK && i < topic->partition_cnt; i++)
        st = find_part(t, &topic->partitions[i], err);
    rd_kafka_metadata_destroy(all);
    return st;
}

/* ---- gaps ---- */

static void note_gap(ovi_kafka_sup *s, const ovi_kafka_part *p, int64_t resumed)
{
    ov_mutex_lock(&s->owner->lock);
    s->gaps[s->gap_count++ % OVI_KAFKA_KEPT] = (ovi_kafka_gap){.partition = p->id, .wanted = p->next, .low = p->low, .high = p->high,
                                                               .ms = ov_now_ms(), .resumed = resumed};
    if (p->low > p->next)
        s->gap_records += (uint64_t)(p->low - p->next);
    ov_mutex_unlock(&s->owner->lock);
    ov_log_error("offsets of a Kafka partition are gone", ov_kv_slice("supervisor", s->spec.id), ov_kv_i64("partition", p->id),
                 ov_kv_i64("wanted", p->next), ov_kv_i64("low", p->low), ov_kv_i64("high", p->high));
}

static ov_status settle_gap(ovi_kafka_task *t, ovi_kafka_part *p, ov_error *err)
{
    ovi_kafka_sup *s = t->sup;
    int64_t to = s->spec.earliest ? p->low : p->high;
    bool go_on = s->spec.reset_automatically;
    if (go_on)
        OV_TRY(ovi_kafka_mark_put(s, p->id, to, err)); /* first: a look that fails here comes again, a gap is told once */
    note_gap(s, p, go_on ? to : -1);
    if (!go_on)
        ovi_kafka_trouble_add(s, true,
                              "partition %d: offset %lld is asked for, the broker has %lld to %lld; the partition is not read until "
                              "offsets are reset",
                              (int)p->id, (long long)p->next, (long long)p->low, (long long)p->high);
    ov_mutex_lock(&s->owner->lock);
    p->lost = false;
    p->halted = !go_on;
    if (go_on)
        p->next = p->read = to;
    ov_mutex_unlock(&s->owner->lock);
    t->assign = true;
    return OV_OK;
}

/* ---- where reading goes on ---- */

/* While a partition moves, a broker may name offsets that are not the partition's, its end as its beginning for one. So what
 * would cost rows is believed when two looks agree on it. */
static bool is_sure(ovi_kafka_part *p, bool odd)
{
    int64_t now = ov_monotonic_ms();
    if (!odd || !p->odd_ms)
        p->odd_ms = odd ? now : 0;
    return odd && now - p->odd_ms >= SURE_MS;
}

static ov_status place(ovi_kafka_task *t, ovi_kafka_part *p, ov_error *err)
{
    ovi_kafka_sup *s = t->sup;
    int64_t next;
    OV_TRY(ovi_kafka_mark_get(s, s->spec.datasource, p->id, &next, err));
    if (next < 0) {
        if (s->spec.earliest && p->low == p->high && p->low > 0 && !is_sure(p, true))
            return OV_OK; /* all its messages are gone? */
        next = s->spec.earliest ? p->low : p->high;
        OV_TRY(ovi_kafka_mark_put(s, p->id, next, err));
    }
    ov_mutex_lock(&s->owner->lock);
    p->next = p->read = next;
    p->placed_ms = ov_now_ms();
    p->placed = true;
    ov_mutex_unlock(&s->owner->lock);
    t->assign = true;
    return OV_OK;
}

static ov_status ask_offsets(ovi_kafka_task *t, ovi_kafka_part *p, ov_error *err)
{
    const char *topic = rd_kafka_topic_name(t->topic);
    int64_t low, high;
    rd_kafka_resp_err_t e = rd_kafka_query_watermark_offsets(t->rk, topic, p->id, &low, &high, ASK_MS);
    if (e != RD_KAFKA_RESP_ERR_NO_ERROR)
        return ov_fail(err, OV_IO, "partition %d: the broker does not tell its offsets: %s", (int)p->id, rd_kafka_err2str(e));
    ov_mutex_lock(&t->sup->owner->lock);
    p->low = low;
    p->high = high;
    t->sup->offsets_ms = ov_now_ms();
    ov_mutex_unlock(&t->sup->owner->lock);
    return OV_OK;
}

static ov_status look_at(ovi_kafka_task *t, ovi_kafka_part *p, ov_error *err)
{
    if (!p->led)
        return ov_fail(err, OV_IO, "partition %d: no broker answers for it", (int)p->id);
    OV_TRY(ask_offsets(t, p, err));
    if (!p->placed)
        OV_TRY(place(t, p, err));
    if (!p->placed)
        return OV_OK;
    if (p->lost && p->read >= p->low && p->read <= p->high) { /* it was refused by one that led no longer, or not quite yet */
        ov_mutex_lock(&t->sup->owner->lock);
        p->lost = false;
        ov_mutex_unlock(&t->sup->owner->lock);
        p->odd_ms = 0;
        t->assign = true;
        return OV_OK;
    }
    /* That the end stands before `next` is believed when the broker refuses to read there: a new leader may be behind for a
     * moment. */
    return is_sure(p, !p->halted && (p->next < p->low || p->lost)) ? settle_gap(t, p, err) : OV_OK;
}

static void assign(ovi_kafka_task *t, const char *topic)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)t->part_count);
    for (uint32_t i = 0; i < t->part_count; i++)
        if (t->parts[i].placed && !t->parts[i].halted)
            rd_kafka_topic_partition_list_add(list, topic, t->parts[i].id)->offset = t->parts[i].read;
    rd_kafka_resp_err_t e = rd_kafka_assign(t->rk, list);
    if (e != RD_KAFKA_RESP_ERR_NO_ERROR)
        ovi_kafka_trouble_add(t->sup, true, "partitions cannot be read: %s", rd_kafka_err2str(e));
    else
        t->assign = false;
    rd_kafka_topic_partition_list_destroy(list);
}

/* A partition that cannot be looked at keeps the others from nothing; but a look that waits for many of them would keep all
 * waiting, so the next one begins behind those. */
static ov_status look_at_all(ovi_kafka_task *t, ov_error *err)
{
    ov_status st = find_parts(t, err);
    uint32_t silent = 0, from = t->look_from, n = st == OV_OK ? t->part_count : 0;
    for (uint32_t i = 0; i < n && silent < MOST_SILENT && !atomic_load(&t->sup->stop); i++) {
        ov_error why = OV_ERROR_INIT;
        ovi_kafka_part *p = &t->parts[(from + i) % n];
        if (look_at(t, p, &why) == OV_OK)
            continue;
        silent += p->led;
        t->look_from = (from + i + 1) % n;
        if (st == OV_OK) {
            *err = why;
            st = why.code;
        }
    }
    return st;
}

void ovi_kafka_watch(ovi_kafka_task *t)
{
    ov_error err = OV_ERROR_INIT;
    if (ov_monotonic_ms() - t->looked_ms < LOOK_MS)
        return;
    for (uint32_t i = 0; i < t->part_count && !atomic_load(&t->sup->stop); i++)
        if (t->parts[i].led && ask_offsets(t, &t->parts[i], &err) != OV_OK)
            break; /* the next look tells of it */
    t->looked_ms = ov_monotonic_ms();
}

void ovi_kafka_look(ovi_kafka_task *t)
{
    ovi_kafka_sup *s = t->sup;
    ov_error err = OV_ERROR_INIT;
    int64_t now = ov_monotonic_ms();
    if (now - t->looked_ms < (t->part_count && t->connected ? LOOK_MS : SOON_MS) && t->looked_ms)
        return;
    ov_status st = look_at_all(t, &err);
    ov_mutex_lock(&s->owner->lock);
    t->connected = st == OV_OK;
    t->was_connected |= t->connected;
    ov_mutex_unlock(&s->owner->lock);
    if (st != OV_OK)
        ovi_kafka_trouble_add(s, st == OV_IO || st == OV_NOT_FOUND, "%s", err.text);
    if (t->assign)
        assign(t, rd_kafka_topic_name(t->topic));
    t->looked_ms = ov_monotonic_ms();
    if (t->number == 0)
        ovi_kafka_keep_state(s);
}
