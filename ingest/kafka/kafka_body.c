/*
 * Messages as the body of a push, each on lines of its own, so that a message that is no row spoils no other and a rejected
 * line names its message.
 *
 * JSON: line breaks between tokens become carriage returns, which are blanks there too; inside a string both are
 * errors. The members that the format `kafka` adds go to the front of each object: of two members of one name the last counts, so the
 * value's own win, as in Druid.
 */
#include <librdkafka/rdkafka.h>

#include "ingest/kafka/kafka_int.h"
#include "ingest/parse/split.h"

static ov_slice trim(ov_slice s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\n' || s.p[0] == '\r' || s.p[0] == '\t'))
        s = ov_slice_make(s.p + 1, s.n - 1);
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

static void add_flat(ov_buf *out, ov_slice s)
{
    size_t from = out->n;
    if (s.n == 0)
        return; /* there may be no bytes at all, and so no place of them */
    ov_buf_add_slice(out, s);
    for (char *p = out->p + from, *end = out->p + out->n; p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
        *p = '\r';
}

/* One object with `extra` ("\"a\":1,") in front of its members. */
static void add_object(ov_buf *out, ov_slice object, ov_slice extra)
{
    ov_slice rest = trim(ov_slice_make(object.p + 1, object.n - 1));
    ov_buf_add_char(out, '{');
    if (rest.n && rest.p[0] == '}' && extra.n)
        extra.n--; /* the comma */
    ov_buf_add_slice(out, extra);
    add_flat(out, rest);
}

/* Objects one after the other, or the elements of an array. What is neither is left as it is, for the parser to refuse. */
static void add_json(ov_buf *out, ov_slice value, ov_slice extra)
{
    if (ov_slice_starts(value, OV_SLICE_LIT("\xEF\xBB\xBF"))) /* the mark that some producers put in front of UTF-8 */
        value = ov_slice_make(value.p + 3, value.n - 3);
    ov_slice at = trim(value);
    bool array = at.n && at.p[0] == '[';
    if (!array && !extra.n) {
        add_flat(out, at);
        return;
    }
    while (at.n) {
        bool between = array && (at.p[0] == '[' || at.p[0] == ']' || at.p[0] == ',');
        size_t end = between ? 1 : at.p[0] == '{' ? ovi_object_end(at.p, 0, at.n) : 0;
        if (!end) {
            add_flat(out, at);
            return;
        }
        if (!between)
            add_object(out, ov_slice_make(at.p, end), extra);
        at = trim(ov_slice_make(at.p + end, at.n - end));
    }
}

void ovi_kafka_value_lines(const ovi_kafka_spec *spec, ov_slice value, ov_slice extra, ov_buf *out)
{
    if (spec->format == OV_PUSH_JSON) {
        add_json(out, value, extra);
    } else {
        while (value.n && (value.p[value.n - 1] == '\n' || value.p[value.n - 1] == '\r'))
            value.n--;
        ov_buf_add_slice(out, value);
    }
    ov_buf_add_char(out, '\n');
}

/* ---- the envelope ---- */

static void add_text(ov_buf *out, ov_slice name, ov_slice prefix, ov_slice value)
{
    ov_buf joined;
    ov_buf_init(&joined);
    ov_buf_add_slice(&joined, prefix);
    ov_buf_add_slice(&joined, name);
    ov_json_quote(out, ov_buf_slice(&joined));
    ov_buf_fini(&joined);
    ov_buf_add_char(out, ':');
    ov_json_quote(out, value);
    ov_buf_add_char(out, ',');
}

/* The first member of an object; a key that cannot be read is no key. */
static void add_json_key(ov_buf *out, const ovi_kafka_envelope *e, ov_slice key)
{
    ov_arena a;
    ov_json *doc;
    ov_error err = OV_ERROR_INIT;
    ov_arena_init(&a, "message key", NULL);
    if (ov_json_parse(key, NULL, &a, &doc, &err) == OV_OK) {
        const ov_json *v = doc->kind == OV_JSON_OBJECT ? doc->first : doc;
        if (v) {
            ov_json_quote(out, e->key);
            ov_buf_add_char(out, ':');
            ov_json_print(v, out);
            ov_buf_add_char(out, ',');
        }
    }
    ov_arena_fini(&a);
}

static void add_key(ov_buf *out, const ovi_kafka_envelope *e, const rd_kafka_message_t *m)
{
    ov_slice key = ov_slice_make(m->key, m->key_len);
    if (!m->key || e->key_kind == OVI_KAFKA_KEY_NONE)
        return;
    if (e->key_kind == OVI_KAFKA_KEY_JSON) {
        add_json_key(out, e, key);
        return;
    }
    const char *stop = e->key_kind == OVI_KAFKA_KEY_CELL && key.n ? memchr(key.p, e->key_delimiter, key.n) : NULL;
    if (stop)
        key.n = (size_t)(stop - key.p);
    add_text(out, e->key, (ov_slice){"", 0}, key);
}

static void add_headers(ov_buf *out, const ovi_kafka_envelope *e, const rd_kafka_message_t *m)
{
    rd_kafka_headers_t *headers;
    const char *name;
    const void *value;
    size_t n;
    if (!e->headers || rd_kafka_message_headers(m, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &n) == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
        if (value)
            add_text(out, ov_slice_cstr(name), e->header_prefix, ov_slice_make(value, n));
}

static void add_envelope(ov_buf *out, const ovi_kafka_spec *spec, const rd_kafka_message_t *m)
{
    const ovi_kafka_envelope *e = &spec->envelope;
    rd_kafka_timestamp_type_t kind;
    int64_t ms = rd_kafka_message_timestamp(m, &kind);
    if (kind != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE) {
        ov_json_quote(out, e->timestamp);
        ov_buf_addf(out, ":%lld,", (long long)ms);
    }
    add_text(out, e->topic, (ov_slice){"", 0}, spec->topic);
    add_headers(out, e, m);
    add_key(out, e, m);
}

/* ---- the body ---- */

/* A quoted cell that does not end would swallow the messages behind it. A quote opens a cell only at the cell's start. */
static bool left_open(ov_slice csv, char delimiter)
{
    bool inside = false, start = true;
    for (size_t i = 0; i < csv.n; i++) {
        char c = csv.p[i];
        if (c == '"' && (inside || start))
            inside = !inside;
        start = !inside && (c == delimiter || c == '\n' || (c == '"' && i + 1 < csv.n && csv.p[i + 1] == '"'));
    }
    return inside;
}

static uint64_t count_lines(const ov_buf *b, size_t from)
{
    uint64_t n = 0;
    for (const char *p = b->p + from, *end = b->p + b->n; p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
        n++;
    return n;
}

ov_status ovi_kafka_body_make(const ovi_kafka_spec *spec, rd_kafka_message_t *const *messages, uint32_t count, ov_arena *a,
                              ovi_kafka_body *body, ov_error *err)
{
    ov_buf extra;
    uint64_t line = 1;
    body->empty = 0;
    OV_TRY(ov_arena_alloc(a, (count + 1) * sizeof *body->lines, &body->lines, err));
    OV_TRY(ov_arena_zalloc(a, (count + 1) * sizeof *body->spoiled, &body->spoiled, err));
    ov_buf_init(&extra);
    for (uint32_t i = 0; i < count; i++) {
        const rd_kafka_message_t *m = messages[i];
        body->lines[i] = line;
        if (m->len == 0) {
            body->empty++;
            continue;
        }
        ov_slice value = ov_slice_make(m->payload, m->len);
        body->spoiled[i] = spec->format == OV_PUSH_CSV && left_open(value, spec->delimiter);
        if (body->spoiled[i])
            continue;
        ov_buf_clear(&extra);
        if (spec->envelope.on)
            add_envelope(&extra, spec, m);
        size_t from = body->text.n;
        ovi_kafka_value_lines(spec, value, ov_buf_slice(&extra), &body->text);
        line += spec->format == OV_PUSH_JSON ? 1 : count_lines(&body->text, from);
    }
    body->lines[count] = line;
    ov_status st = ov_buf_check(&extra, err);
    ov_buf_fini(&extra);
    return st == OV_OK ? ov_buf_check(&body->text, err) : st;
}
