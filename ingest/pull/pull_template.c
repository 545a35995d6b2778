/* Texts with names in them; see pull_template.h. */
#include "ingest/pull/pull_template.h"

#include "base/httpc.h"
#include "base/joda.h"
#include "base/sha256.h"

typedef struct hole {
    bool raw;      /* {+name} */
    ov_slice name, pattern;
} hole;

const ovi_pair *ovi_pairs_find(const ovi_pairs *pairs, ov_slice name)
{
    for (uint32_t i = 0; pairs && i < pairs->n; i++)
        if (ov_slice_eq(pairs->at[i].name, name))
            return &pairs->at[i];
    return NULL;
}

/* The hole that starts at text[*at] ('{'); *at moves behind it. */
static ov_status read_hole(ov_slice text, size_t *at, hole *h, ov_error *err)
{
    const char *open = text.p + *at;
    const char *close = memchr(open, '}', text.n - *at);
    if (!close)
        return ov_fail(err, OV_INVALID, "'" OV_SLICE_FMT "': the '{' at %zu has no '}'", OV_SLICE_ARG(text), *at + 1);
    *h = (hole){.name = ov_slice_make(open + 1, (size_t)(close - open) - 1)};
    if (h->name.n && h->name.p[0] == '+') {
        h->raw = true;
        h->name.p++;
        h->name.n--;
    }
    const char *bar = h->name.n ? memchr(h->name.p, '|', h->name.n) : NULL;
    if (bar) {
        h->pattern = ov_slice_make(bar + 1, h->name.n - (size_t)(bar - h->name.p) - 1);
        h->name.n = (size_t)(bar - h->name.p);
    }
    if (h->name.n == 0)
        return ov_fail(err, OV_INVALID, "'" OV_SLICE_FMT "': the name in {} is empty", OV_SLICE_ARG(text));
    *at += (size_t)(close - open) + 1;
    return OV_OK;
}

ov_status ovi_template_check(ov_slice text, bool (*known)(void *arg, ov_slice name), void *arg, ov_error *err)
{
    for (size_t i = 0; i < text.n;) {
        hole h;
        if (text.p[i] != '{') {
            i++;
            continue;
        }
        OV_TRY(read_hole(text, &i, &h, err));
        if (!known(arg, h.name))
            return ov_fail(err, OV_INVALID, "'" OV_SLICE_FMT "': nothing gives a value to {" OV_SLICE_FMT "}",
                           OV_SLICE_ARG(text), OV_SLICE_ARG(h.name));
    }
    return OV_OK;
}

static ov_status add_time(int64_t ms, ov_slice pattern, ov_buf *out, ov_error *err)
{
    const ov_joda *joda;
    ov_arena a;
    if (pattern.n == 0) {
        ov_iso_add(out, ms, NULL);
        return OV_OK;
    }
    if (ov_slice_eq(pattern, OV_SLICE_LIT("posix")) || ov_slice_eq(pattern, OV_SLICE_LIT("millis"))) {
        ov_buf_add_i64(out, pattern.p[0] == 'p' ? ov_floor_div(ms, 1000) : ms);
        return OV_OK;
    }
    ov_arena_init(&a, "pattern", NULL);
    ov_status st = ov_joda_compile(pattern, &a, &joda, err);
    if (st == OV_OK)
        ov_joda_format(joda, ms, NULL, out);
    ov_arena_fini(&a);
    return st;
}

/* Is it a time, and is there one? */
static bool time_of(ov_slice name, const ovi_names *names, bool *known, int64_t *ms)
{
    bool start = ov_slice_eq(name, OV_SLICE_LIT("interval.start")), end = ov_slice_eq(name, OV_SLICE_LIT("interval.end"));
    *known = names->has_interval;
    *ms = start ? names->interval.start : names->interval.end;
    if (ov_slice_eq(name, OV_SLICE_LIT("now"))) {
        *known = true;
        *ms = names->now_ms;
        return true;
    }
    return start || end;
}

static void add_value(ov_slice value, bool encode, bool raw, ov_buf *out)
{
    if (!encode) {
        ov_buf_add_slice(out, value);
        return;
    }
    while (raw && value.n) { /* each stretch between slashes by itself */
        const char *slash = memchr(value.p, '/', value.n);
        size_t n = slash ? (size_t)(slash - value.p) : value.n;
        ov_url_encode(out, ov_slice_make(value.p, n));
        if (slash)
            ov_buf_add_char(out, '/');
        n += slash != NULL;
        value = ov_slice_make(value.p + n, value.n - n);
    }
    if (!raw)
        ov_url_encode(out, value);
}

/* Who it was stays unknown, that it was the same one does not. */
static ov_status add_hash(ov_slice value, ov_slice pattern, ov_buf *out, ov_error *err)
{
    enum { SHOWN = 16 };
    uint8_t digest[OV_SHA256_BYTES];
    char hex[OV_SHA256_HEX + 1];
    if (!ov_slice_eq(pattern, OV_SLICE_LIT("sha256")))
        return ov_fail(err, OV_INVALID, "'|" OV_SLICE_FMT "' is for times; of other values there is |sha256", OV_SLICE_ARG(pattern));
    ov_sha256_of(value, digest);
    ov_sha256_hex(digest, hex);
    ov_buf_add(out, hex, SHOWN);
    return OV_OK;
}

static ov_status fill(const hole *h, const ovi_names *names, bool encode, ov_buf *out, bool *missing, ov_error *err)
{
    bool known;
    int64_t ms;
    if (time_of(h->name, names, &known, &ms)) {
        ov_buf text;
        *missing |= !known;
        ov_buf_init(&text);
        ov_status st = known ? add_time(ms, h->pattern, &text, err) : OV_OK;
        if (st == OV_OK)
            add_value(ov_buf_slice(&text), encode, h->raw, out);
        ov_buf_fini(&text);
        return st;
    }
    for (uint32_t i = 0; i < names->set_count; i++) {
        const ovi_pair *p = ovi_pairs_find(names->sets[i], h->name);
        if (!p)
            continue;
        if (h->pattern.n)
            return add_hash(p->value, h->pattern, out, err);
        add_value(p->value, encode, h->raw, out);
        return OV_OK;
    }
    *missing = true;
    return OV_OK;
}

ov_status ovi_template_expand(ov_slice text, const ovi_names *names, bool encode, ov_buf *out, bool *missing, ov_error *err)
{
    *missing = false;
    for (size_t i = 0; i < text.n;) {
        hole h;
        if (text.p[i] != '{') {
            ov_buf_add_char(out, text.p[i++]);
            continue;
        }
        OV_TRY(read_hole(text, &i, &h, err));
        OV_TRY(fill(&h, names, encode, out, missing, err));
    }
    return ov_buf_check(out, err);
}
