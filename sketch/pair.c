/* Pairs of a value and its time (sketch/pair.h), and how the first and the last of them stay, behind the table of functions of sketch/ops.h. */
#include "sketch/pair.h"

#include <math.h>

#include "base/bytes.h"
#include "base/cursor.h"
#include "base/json.h"
#include "base/numfmt.h"
#include "base/utf8.h"
#include "sketch/ops.h"

/* ---- bytes ---- */

static ov_status read_number(ov_cursor *in, ov_pair_kind kind, ov_pair *out, ov_error *err)
{
    uint8_t null;
    uint32_t low;
    uint64_t bits;
    OV_TRY(ov_cursor_u8(in, &null, err));
    OV_CHECK_DATA(null <= 1, err, "a pair whose value is neither there nor NULL (%u)", null);
    out->null = null;
    if (null)
        return OV_OK;
    if (kind == OV_PAIR_LONG)
        return ov_cursor_i64(in, &out->i, err);
    if (kind == OV_PAIR_FLOAT) {
        OV_TRY(ov_cursor_u32(in, &low, err));
        out->f = (double)ov_f32_from_bits(low);
        return OV_OK;
    }
    OV_TRY(ov_cursor_u64(in, &bits, err));
    out->f = ov_f64_from_bits(bits);
    return OV_OK;
}

static ov_status read_text(ov_cursor *in, ov_pair *out, ov_error *err)
{
    uint32_t n;
    OV_TRY(ov_cursor_u32(in, &n, err));
    out->null = n == UINT32_MAX;
    if (out->null)
        return OV_OK;
    OV_CHECK_DATA(n <= INT32_MAX, err, "a pair whose text has %u bytes", n);
    OV_TRY(ov_cursor_bytes(in, n, &out->s, err));
    OV_CHECK_DATA(ov_utf8_valid(out->s), err, "a pair whose text is not UTF-8");
    return OV_OK;
}

ov_status ov_pair_read(ov_slice image, ov_pair_kind kind, ov_pair *out, ov_error *err)
{
    ov_cursor in = ov_cursor_make(image, "pair");
    *out = (ov_pair){0};
    OV_TRY(ov_cursor_i64(&in, &out->time, err));
    OV_TRY(kind == OV_PAIR_TEXT ? read_text(&in, out, err) : read_number(&in, kind, out, err));
    OV_CHECK_DATA(ov_cursor_left(&in) == 0, err, "%zu bytes behind a pair", ov_cursor_left(&in));
    return OV_OK;
}

static void add_u32(ov_buf *out, uint32_t v)
{
    char bytes[sizeof v];
    ov_store_u32(bytes, v);
    ov_buf_add(out, bytes, sizeof bytes);
}

static void add_u64(ov_buf *out, uint64_t v)
{
    char bytes[sizeof v];
    ov_store_u64(bytes, v);
    ov_buf_add(out, bytes, sizeof bytes);
}

void ov_pair_write(const ov_pair *pair, ov_pair_kind kind, ov_buf *out)
{
    add_u64(out, (uint64_t)pair->time);
    if (kind == OV_PAIR_TEXT) {
        add_u32(out, pair->null ? UINT32_MAX : (uint32_t)pair->s.n);
        if (!pair->null)
            ov_buf_add_slice(out, pair->s);
        return;
    }
    ov_buf_add_char(out, pair->null);
    if (pair->null)
        return;
    if (kind == OV_PAIR_LONG)
        add_u64(out, (uint64_t)pair->i);
    else if (kind == OV_PAIR_FLOAT)
        add_u32(out, ov_f32_bits((float)pair->f));
    else
        add_u64(out, ov_f64_bits(pair->f));
}

void ov_pair_print(const ov_pair *pair, ov_pair_kind kind, ov_buf *out)
{
    ov_buf_add_str(out, "{\"lhs\":");
    ov_buf_add_i64(out, pair->time);
    ov_buf_add_str(out, ",\"rhs\":");
    if (pair->null)
        ov_buf_add_str(out, "null");
    else if (kind == OV_PAIR_LONG)
        ov_buf_add_i64(out, pair->i);
    else if (kind == OV_PAIR_TEXT)
        ov_json_quote(out, pair->s);
    else if (kind == OV_PAIR_FLOAT && isfinite(pair->f))
        ov_buf_add_float(out, (float)pair->f);
    else
        ov_json_add_double(out, pair->f);
    ov_buf_add_char(out, '}');
}

/* ---- the one that stays ---- */

typedef struct state {
    ov_pair pair; /* its text lies in the block */
    bool begun;
    char *text;
    size_t cap;
} state;

static ov_pair_kind kind_of(const ov_sketch_args *p)
{
    return (ov_pair_kind)p->at[OV_PAIR_KIND_PARAM];
}

static bool prefers(const state *s, const ov_sketch_args *p, int64_t time)
{
    if (!s->begun)
        return true;
    return p->at[OV_PAIR_LAST_PARAM] == 0 ? time < s->pair.time : time >= s->pair.time;
}

/* The pair came behind all that came before: equal times are in the order in which they come. */
static ov_status offer(state *s, const ov_sketch_args *p, const ov_pair *pair, const ov_sketch_mem *mem, ov_error *err)
{
    if (!prefers(s, p, pair->time))
        return OV_OK;
    ov_slice text = {0};
    if (kind_of(p) == OV_PAIR_TEXT && !pair->null) {
        text = ov_utf8_cut(pair->s, (size_t)p->at[OV_PAIR_BYTES_PARAM]);
        OV_TRY(mem->grow(mem->owner, &s->text, &s->cap, text.n + 1, err));
        memcpy(s->text, text.n ? text.p : "", text.n);
        text.p = s->text;
    }
    s->pair = *pair;
    if (kind_of(p) == OV_PAIR_TEXT)
        s->pair.s = text;
    s->begun = true;
    return OV_OK;
}

/* v: the time and the value, or the time alone. A number that is NULL has its place in time; a text that is NULL is passed over, as when Druid ingests. */
static ov_status add(void *head, const ov_sketch_args *p, const ov_sketch_value *v, uint32_t n, const ov_sketch_mem *mem,
                     ov_error *err)
{
    ov_pair_kind kind = kind_of(p);
    if (n == 0 || v[0].kind != OV_SKETCH_INT || (n == 1 && kind == OV_PAIR_TEXT))
        return OV_OK;
    ov_pair pair = {.time = v[0].i, .null = n == 1};
    if (n > 1 && kind == OV_PAIR_TEXT)
        pair.s = v[1].s;
    else if (n > 1 && kind == OV_PAIR_LONG)
        pair.i = v[1].i;
    else if (n > 1)
        pair.f = kind == OV_PAIR_FLOAT ? (double)(float)v[1].f : v[1].f;
    return offer(head, p, &pair, mem, err);
}

static ov_status put(void *head, const ov_sketch_args *p, ov_slice image, bool several, const ov_sketch_mem *mem,
                     ov_arena *scratch, ov_error *err)
{
    ov_pair pair;
    (void)several, (void)scratch;
    if (image.n == 0)
        return OV_OK;
    OV_TRY(ov_pair_read(image, kind_of(p), &pair, err));
    return offer(head, p, &pair, mem, err);
}

static ov_status merge(void *head, const ov_sketch_args *p, const void *from, const ov_sketch_mem *mem, ov_error *err)
{
    return offer(head, p, &((const state *)from)->pair, mem, err);
}

/* Where nothing came: NULL at the end of time that any other pair is on this side of, which is what Druid stores. */
static ov_status write(const void *head, const ov_sketch_args *p, bool result, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    const state *s = head;
    bool last = p->at[OV_PAIR_LAST_PARAM] != 0;
    int64_t end = last ? INT64_MIN : INT64_MAX;
    ov_pair none = {.time = kind_of(p) == OV_PAIR_TEXT ? end / 2 : end, .null = true};
    (void)result, (void)scratch;
    ov_pair_write(s->begun ? &s->pair : &none, kind_of(p), out);
    return ov_buf_check(out, err);
}

static void print(ov_slice image, ov_pair_kind kind, ov_buf *out)
{
    ov_pair pair;
    ov_error err = OV_ERROR_INIT;
    if (ov_pair_read(image, kind, &pair, &err) == OV_OK)
        ov_pair_print(&pair, kind, out);
    else
        ov_buf_fail(out, &err);
}

static void print_long(ov_slice image, ov_buf *out)
{
    print(image, OV_PAIR_LONG, out);
}

static void print_float(ov_slice image, ov_buf *out)
{
    print(image, OV_PAIR_FLOAT, out);
}

static void print_double(ov_slice image, ov_buf *out)
{
    print(image, OV_PAIR_DOUBLE, out);
}

static void print_text(ov_slice image, ov_buf *out)
{
    print(image, OV_PAIR_TEXT, out);
}

#define PAIR_PARAMS(of) {.most = 1}, {.least = of, .most = of, .dflt = of}

static const ov_sketch_param long_params[] = {PAIR_PARAMS(OV_PAIR_LONG)};
static const ov_sketch_param float_params[] = {PAIR_PARAMS(OV_PAIR_FLOAT)};
static const ov_sketch_param double_params[] = {PAIR_PARAMS(OV_PAIR_DOUBLE)};
static const ov_sketch_param text_params[] = {
    PAIR_PARAMS(OV_PAIR_TEXT),
    {.name = "maxStringBytes", .least = 1, .most = INT32_MAX, .dflt = OV_PAIR_DEFAULT_BYTES, .whole = true},
};

#define PAIR_OPS(type, list, show)                                                                                      \
    {                                                                                                                   \
        .name = type, .head_bytes = sizeof(state), .takes = OV_SKETCH_OF_TIMED, .params = list,                         \
        .param_count = OV_COUNT_OF(list), .add = add, .put = put, .merge = merge, .write = write, .print = show         \
    }

const ov_sketch_ops ov_long_pair_ops = PAIR_OPS("serializablePairLongLong", long_params, print_long);
const ov_sketch_ops ov_float_pair_ops = PAIR_OPS("serializablePairLongFloat", float_params, print_float);
const ov_sketch_ops ov_double_pair_ops = PAIR_OPS("serializablePairLongDouble", double_params, print_double);
const ov_sketch_ops ov_text_pair_ops = PAIR_OPS("serializablePairLongString", text_params, print_text);
