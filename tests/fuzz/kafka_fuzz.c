/*
 * Kafka messages as lines of a push: the first byte picks the format, 0xff bytes divide what follows into messages. A message never
 * reaches into the lines of another one, and an object stays one with the members that the format `kafka` adds. Seeds in
 * tests/fuzz/kafka_corpus.
 */
#include <librdkafka/rdkafka.h>

#include <stdlib.h>
#include "ingest/kafka/kafka_int.h"

enum { MOST = 64 };

static void demand(bool true_thing)
{
    if (!true_thing)
        abort();
}

static uint64_t count_breaks(const char *p, size_t n)
{
    uint64_t breaks = 0;
    for (size_t i = 0; i < n; i++)
        breaks += p[i] == '\n';
    return breaks;
}

static bool is_object(ov_slice text, const char *member)
{
    ov_arena a;
    ov_json *doc;
    ov_error err = OV_ERROR_INIT;
    ov_arena_init(&a, "fuzz", NULL);
    bool ok = ov_json_parse(text, NULL, &a, &doc, &err) == OV_OK && doc->kind == OV_JSON_OBJECT;
    ok = ok && (!member || ov_json_find(doc, member));
    ov_arena_fini(&a);
    return ok;
}

static void one_value(const ovi_kafka_spec *spec, ov_slice value)
{
    static const char added[] = "added by the envelope";
    ov_slice extra = OV_SLICE_LIT("\"added by the envelope\":\"t\",");
    ov_buf out;
    ov_buf_init(&out);
    ovi_kafka_value_lines(spec, value, spec->format == OV_PUSH_JSON ? extra : (ov_slice){"", 0}, &out);
    demand(out.n > 0 && out.p[out.n - 1] == '\n');
    if (spec->format == OV_PUSH_JSON) {
        demand(count_breaks(out.p, out.n) == 1);
        if (value.n && is_object(value, NULL) && !memmem(value.p, value.n, added, sizeof added - 1))
            demand(is_object(ov_buf_slice(&out), added));
    }
    ov_buf_fini(&out);
}

static void all_values(const ovi_kafka_spec *spec, rd_kafka_message_t **messages, uint32_t count)
{
    ov_arena a;
    ovi_kafka_body body = {.empty = 0};
    ov_error err = OV_ERROR_INIT;
    uint64_t empty = 0;
    ov_arena_init(&a, "fuzz", NULL);
    ov_buf_init(&body.text);
    demand(ovi_kafka_body_make(spec, messages, count, &a, &body, &err) == OV_OK);
    demand(body.lines[0] == 1 && body.lines[count] == 1 + count_breaks(body.text.p, body.text.n));
    for (uint32_t i = 0; i < count; i++) {
        empty += messages[i]->len == 0;
        demand(body.lines[i + 1] - body.lines[i] >= (messages[i]->len && !body.spoiled[i]));
        if (spec->format == OV_PUSH_JSON)
            demand(body.lines[i + 1] - body.lines[i] <= 1);
    }
    demand(body.empty == empty);
    ov_buf_fini(&body.text);
    ov_arena_fini(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const ov_push_format formats[] = {OV_PUSH_JSON, OV_PUSH_CSV, OV_PUSH_TSV};
    rd_kafka_message_t messages[MOST], *list[MOST];
    uint32_t count = 0;
    if (size == 0)
        return 0;
    ovi_kafka_spec spec = {.format = formats[data[0] % OV_COUNT_OF(formats)], .delimiter = data[0] % 2 ? ',' : '|'};
    for (size_t from = 1, at = 1; at <= size && count < MOST; at++) {
        if (at < size && data[at] != 0xff)
            continue;
        messages[count] = (rd_kafka_message_t){.payload = (void *)(uintptr_t)(data + from), .len = at - from};
        list[count] = &messages[count];
        one_value(&spec, ov_slice_make((const char *)data + from, at - from));
        count++;
        from = at + 1;
    }
    all_values(&spec, list, count);
    return 0;
}
