/*
 * A reader: one thread with one client, its share of the partitions, and a batch of messages at a time.
 *
 * The client takes no part in a consumer group and commits nothing to the broker: where it reads is said by hand
 * (kafka_place.c), where it goes on is a mark of the stream (kafka_push.c).
 */
#include <librdkafka/rdkafka.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include "base/log.h"
#include "base/os.h"
#include "ingest/kafka/kafka_int.h"

enum {
    BATCH_MESSAGES = 50000,
    BATCH_BYTES = 8 << 20,
    TAKE_MESSAGES = 5000, /* at once from the client */
    FIRST_MESSAGES = 100, /* before their size is known */
    TAKE_MS = 100,
    LINGER_MS = 200, /* a message waits no longer for others */
    RETRY_MS = 2000,
};

/* ---- troubles ---- */

void ovi_kafka_trouble_add(ovi_kafka_sup *s, bool stream, const char *fmt, ...)
{
    char text[sizeof s->troubles[0].text];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    ov_mutex_lock(&s->owner->lock);
    ovi_kafka_trouble *last = s->trouble_count ? &s->troubles[(s->trouble_count - 1) % OVI_KAFKA_KEPT] : NULL;
    bool again = last && strcmp(last->text, text) == 0;
    if (!again) {
        last = &s->troubles[s->trouble_count++ % OVI_KAFKA_KEPT];
        last->stream = stream;
        memcpy(last->text, text, sizeof text);
    }
    last->ms = ov_now_ms();
    ov_mutex_unlock(&s->owner->lock);
    if (!again)
        ov_log_warn("a Kafka supervisor is in trouble", ov_kv_slice("supervisor", s->spec.id), ov_kv_str("error", text));
}

bool ovi_kafka_sleep(const ovi_kafka_sup *s, int64_t ms)
{
    for (; ms > 0 && !atomic_load(&s->stop); ms -= 20)
        ov_sleep_ms(20);
    return !atomic_load(&s->stop);
}

/* ---- the client ---- */

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *task)
{
    ovi_kafka_task *t = task;
    (void)rk;
    ovi_kafka_trouble_add(t->sup, true, "%s: %s", rd_kafka_err2name((rd_kafka_resp_err_t)code), reason);
    if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        return;
    ov_mutex_lock(&t->sup->owner->lock);
    t->connected = false;
    ov_mutex_unlock(&t->sup->owner->lock);
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk, (void)level;
    ov_log_debug("librdkafka", ov_kv_str("facility", facility), ov_kv_str("text", text));
}

/* Java's names that mean nothing here, and what decides about exactly-once and is ours. */
static bool passed_over(ov_slice name)
{
    static const char *const names[] = {"key.deserializer",   "value.deserializer",       "max.poll.records", "auto.offset.reset",
                                        "enable.auto.commit", "enable.auto.offset.store", "group.id",         "enable.partition.eof"};
    for (size_t i = 0; i < OV_COUNT_OF(names); i++)
        if (ov_slice_eq(name, ov_slice_cstr(names[i])))
            return true;
    return false;
}

static ov_status set(rd_kafka_conf_t *conf, const char *name, const char *value, const ov_json *at, ov_error *err)
{
    char why[300];
    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) == RD_KAFKA_CONF_OK)
        return OV_OK;
    return at ? ov_json_fail(at, err, OV_INVALID, "%s", why) : ov_fail(err, OV_INVALID, "%s", why);
}

static ov_status set_theirs(rd_kafka_conf_t *conf, const ovi_kafka_spec *spec, ov_error *err)
{
    for (const ov_json *p = spec->properties->first; p; p = p->next) {
        ov_slice value;
        char name[128];
        if (p->kind == OV_JSON_NULL || passed_over(p->key))
            continue;
        if (ov_slice_eq(p->key, OV_SLICE_LIT("plugin.library.paths")) || p->key.n >= sizeof name)
            return ov_json_fail(p, err, OV_INVALID, "this property may not be set");
        OV_TRY(ov_json_as_str(p, &value, err));
        snprintf(name, sizeof name, OV_SLICE_FMT, OV_SLICE_ARG(p->key));
        OV_TRY(set(conf, name, value.p, p, err));
    }
    return OV_OK;
}

ov_status ovi_kafka_conf(const ovi_kafka_spec *spec, rd_kafka_conf_t **out, ov_error *err)
{
    static const char *const before[][2] = {{"queued.max.messages.kbytes", "16384"}, {"fetch.wait.max.ms", "100"},
                                            {"fetch.error.backoff.ms", "100"},       {"client.id", "ovate"}};
    static const char *const after[][2] = {{"enable.auto.commit", "false"}, {"enable.auto.offset.store", "false"},
                                           {"auto.offset.reset", "error"},  {"enable.partition.eof", "true"},
                                           {"group.id", "ovate"}};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    ov_status st = OV_OK;
    for (size_t i = 0; i < OV_COUNT_OF(before) && st == OV_OK; i++)
        st = set(conf, before[i][0], before[i][1], NULL, err);
    if (st == OV_OK)
        st = set_theirs(conf, spec, err);
    for (size_t i = 0; i < OV_COUNT_OF(after) && st == OV_OK; i++)
        st = set(conf, after[i][0], after[i][1], NULL, err);
    if (st != OV_OK) {
        rd_kafka_conf_destroy(conf);
        return st;
    }
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_log_cb(conf, on_log);
    *out = conf;
    return OV_OK;
}

static ov_status open_client(ovi_kafka_task *t, ov_error *err)
{
    char why[300], name[256];
    rd_kafka_conf_t *conf;
    OV_TRY(ovi_kafka_conf(&t->sup->spec, &conf, err));
    rd_kafka_conf_set_opaque(conf, t);
    t->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    if (!t->rk) {
        rd_kafka_conf_destroy(conf);
        return ov_fail(err, OV_IO, "no client of the cluster can be made: %s", why);
    }
    rd_kafka_poll_set_consumer(t->rk);
    t->queue = rd_kafka_queue_get_consumer(t->rk);
    snprintf(name, sizeof name, OV_SLICE_FMT, OV_SLICE_ARG(t->sup->spec.topic));
    t->topic = rd_kafka_topic_new(t->rk, name, NULL);
    if (!t->topic)
        return ov_fail(err, OV_INVALID, "the topic '%s' cannot be read: %s", name, rd_kafka_err2str(rd_kafka_last_error()));
    return OV_OK;
}

static void close_client(ovi_kafka_task *t)
{
    if (t->topic)
        rd_kafka_topic_destroy(t->topic);
    if (t->queue)
        rd_kafka_queue_destroy(t->queue);
    if (t->rk) {
        rd_kafka_consumer_close(t->rk);
        rd_kafka_destroy(t->rk);
    }
    t->topic = NULL;
    t->queue = NULL;
    t->rk = NULL;
}

/* ---- messages ---- */

static void take_error(ovi_kafka_task *t, const rd_kafka_message_t *m)
{
    ovi_kafka_part *p = ovi_kafka_part_of(t, m->partition);
    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) { /* what lies before it and was no message will never be one */
        if (p && p->placed && !p->halted)
            p->read = OV_MAX(p->read, m->offset);
        return;
    }
    if (m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || m->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
        if (p && !p->halted)
            p->lost = true;
        t->looked_ms = 0; /* at once */
        return;
    }
    ovi_kafka_trouble_add(t->sup, true, "partition %d: %s", (int)m->partition, rd_kafka_message_errstr(m));
}

/* False: it was taken before, or belongs to a partition that is not read. */
static bool take(ovi_kafka_task *t, rd_kafka_message_t *m)
{
    ovi_kafka_part *p = ovi_kafka_part_of(t, m->partition);
    if (m->err) {
        take_error(t, m);
        return false;
    }
    if (!p || !p->placed || p->halted || m->offset < p->read)
        return false;
    p->read = m->offset + 1;
    t->messages[t->message_count++] = m;
    t->message_bytes += m->len + m->key_len;
    return true;
}

/* How many messages to ask for, so that a batch is not much larger than it should be: as many as have room by their size so far. */
static size_t messages_wanted(const ovi_kafka_task *t, size_t limit)
{
    size_t most = OV_MIN((size_t)TAKE_MESSAGES, (size_t)(BATCH_MESSAGES - t->message_count));
    size_t each = t->message_count ? t->message_bytes / t->message_count : t->typical_bytes;
    return each ? OV_MIN(most, (limit - t->message_bytes) / each + 1) : OV_MIN(most, (size_t)FIRST_MESSAGES);
}

static void fill(ovi_kafka_task *t)
{
    int64_t first_ms = 0;
    size_t limit = OV_MIN((size_t)BATCH_BYTES, ov_streams_body_bytes(t->sup->owner->config.streams));
    while (t->message_count < BATCH_MESSAGES && t->message_bytes < limit && !atomic_load(&t->sup->stop)) {
        rd_kafka_message_t *some[TAKE_MESSAGES];
        size_t room = messages_wanted(t, limit);
        ssize_t n = rd_kafka_consume_batch_queue(t->queue, TAKE_MS, some, room);
        for (ssize_t i = 0; i < n; i++)
            if (!take(t, some[i]))
                rd_kafka_message_destroy(some[i]);
        int64_t now = ov_monotonic_ms();
        if (t->message_count && !first_ms)
            first_ms = now;
        if (!t->message_count || now - first_ms >= LINGER_MS - TAKE_MS)
            break;
    }
    if (t->message_count)
        t->typical_bytes = t->message_bytes / t->message_count;
}

/* Offsets that are no messages, such as ends of transactions, are behind us too once all that was read is durable. */
static void pass_marks(ovi_kafka_task *t)
{
    ov_mutex_lock(&t->sup->owner->lock);
    for (uint32_t i = 0; i < t->part_count; i++)
        t->parts[i].next = t->parts[i].read;
    ov_mutex_unlock(&t->sup->owner->lock);
}

/* ---- the thread ---- */

static void read_on(ovi_kafka_task *t)
{
    while (!atomic_load(&t->sup->stop)) {
        ov_mutex_lock(&t->sup->owner->lock);
        bool idle = t->sup->stopped_by_poison;
        ov_mutex_unlock(&t->sup->owner->lock);
        ovi_kafka_look(t);
        if (idle || t->assign) { /* what the client has is not what is to be read next */
            ovi_kafka_sleep(t->sup, TAKE_MS);
            continue;
        }
        fill(t);
        if (t->message_count)
            ovi_kafka_push_batch(t);
        pass_marks(t);
    }
}

static void work(void *arg)
{
    ovi_kafka_task *t = arg;
    ov_error err = OV_ERROR_INIT;
    t->messages = ov_calloc(BATCH_MESSAGES, sizeof *t->messages);
    while (t->messages && !atomic_load(&t->sup->stop)) {
        if (open_client(t, &err) == OV_OK) {
            read_on(t);
        } else {
            ovi_kafka_trouble_add(t->sup, false, "%s", err.text);
            ovi_kafka_sleep(t->sup, RETRY_MS);
        }
        close_client(t);
    }
    if (!t->messages)
        ovi_kafka_trouble_add(t->sup, false, "no memory for a batch of messages");
    ov_free(t->messages);
    t->messages = NULL;
}

ov_status ovi_kafka_tasks_start(ovi_kafka_sup *s, ov_error *err)
{
    ov_status st = OV_OK;
    atomic_store(&s->stop, false);
    for (uint32_t i = 0; i < s->spec.tasks && st == OV_OK; i++) {
        ovi_kafka_task *t = &s->tasks[i];
        t->sup = s;
        t->number = i;
        ov_mutex_lock(&s->owner->lock);
        t->started_ms = ov_now_ms();
        t->looked_ms = 0;
        ov_mutex_unlock(&s->owner->lock);
        st = ov_thread_start(&t->thread, "kafka", work, t, err);
    }
    if (st != OV_OK)
        ovi_kafka_tasks_stop(s);
    return st;
}

void ovi_kafka_tasks_stop(ovi_kafka_sup *s)
{
    atomic_store(&s->stop, true);
    for (uint32_t i = 0; i < s->spec.tasks; i++) {
        ovi_kafka_task *t = &s->tasks[i];
        ov_thread_join(&t->thread);
        ov_mutex_lock(&s->owner->lock);
        ovi_kafka_part *parts = t->parts;
        t->parts = NULL;
        t->part_count = t->part_cap = 0;
        t->started_ms = 0;
        t->connected = t->was_connected = t->throttled = false;
        ov_mutex_unlock(&s->owner->lock);
        ov_free(parts);
    }
}
