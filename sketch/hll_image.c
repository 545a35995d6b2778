/*
 * HLL sketches as bytes.
 *
 *   0 words before the data (2 LIST, 3 SET, 10 ARRAY)   4 lg of the coupon or exception table   6 LIST: coupons; ARRAY: least register
 *   1 version 1                                         5 flags                                 7 mode, and target type << 2
 *   2 family 7                                          8 LIST: coupons; SET: how many, then coupons
 *   3 lg_k
 *   ARRAY: 8 HIP, 16 and 24 sum of 2^-register, 32 registers at the least, 36 exceptions, 40 registers, exceptions behind
 *
 * HLL_8 has a byte a register, HLL_6 six bits, HLL_4 a nibble over the least register; 15 says that the value stands among the
 * exceptions, a hash table of (value << 26 | slot).
 *
 * Source: the preamble table in DataSketches' documentation of HLL, checked against images of its Java and C++ (tests/sketch).
 */
#include "sketch/hll.h"

#include "base/numfmt.h"

enum {
    LIST_INTS = 2,
    SET_INTS = 3,
    ARRAY_INTS = 10,
    VERSION = 1,
    FAMILY = 7,
    ARRAY_START = 40,
    IS_EMPTY = 4,
    IS_COMPACT = 8,
    IS_MERGED = 16,
    EXCEPTION = 15,
};

static size_t array_bytes(ov_hll_type type, unsigned lg_k)
{
    size_t k = (size_t)1 << lg_k;
    return type == OV_HLL_8 ? k : type == OV_HLL_6 ? k * 3 / 4 + 1 : k / 2;
}

/* lg of the table for so many exceptions: it starts by lg_k and stays three quarters full at most. */
static unsigned exception_lg(unsigned lg_k, uint32_t count)
{
    static const uint8_t first[] = {2, 2, 2, 3, 3, 3, 4, 4, 5, 5, 6, 7, 8, 9, 10, 11, 12, 13};
    unsigned lg = first[lg_k - OV_HLL_LEAST_LG_K];
    while (4 * (uint64_t)count > (uint64_t)3 << lg)
        lg++;
    return lg;
}

/* ---- writing ---- */

static void write_head(const ov_hll *s, ov_hll_type type, bool compact, char head[8])
{
    static const uint8_t ints[] = {LIST_INTS, SET_INTS, ARRAY_INTS};
    memset(head, 0, 8);
    head[0] = (char)ints[s->mode];
    head[1] = VERSION;
    head[2] = FAMILY;
    head[3] = (char)s->lg_k;
    head[4] = (char)(s->mode == OV_HLL_ARRAY ? 0 : s->lg_slots);
    /* registers of 6 and 8 bits have one form; Java, and so Druid, does not call it compact */
    bool marked = compact && (s->mode != OV_HLL_ARRAY || type == OV_HLL_4);
    head[5] = (char)((ov_hll_is_empty(s) ? IS_EMPTY : 0) | (marked ? IS_COMPACT : 0) |
                     (s->mode == OV_HLL_ARRAY && s->merged ? IS_MERGED : 0));
    head[6] = (char)(s->mode == OV_HLL_LIST ? s->count : 0);
    head[7] = (char)(s->mode | (int)type << 2);
}

static void write_coupons(const ov_hll *s, bool compact, ov_buf *out)
{
    char word[4];
    if (s->mode == OV_HLL_SET) {
        ov_store_u32(word, s->count);
        ov_buf_add_slice(out, ov_slice_make(word, 4));
    }
    for (uint32_t i = 0; i < UINT32_C(1) << s->lg_slots; i++) {
        uint32_t coupon = s->coupons ? s->coupons[i] : 0;
        ov_store_u32(word, coupon);
        if (coupon || !compact)
            ov_buf_add_slice(out, ov_slice_make(word, 4));
    }
}

/* Registers of 4 or 6 bits, packed into zeroed bytes. */
static void pack(const ov_hll *s, unsigned bits, unsigned least, uint8_t *to)
{
    for (size_t i = 0; i < (size_t)1 << s->lg_k; i++) {
        unsigned v = s->regs[i] - least, at = (unsigned)(i * bits % 8);
        v = bits == 4 ? OV_MIN(v, (unsigned)EXCEPTION) : v;
        to[i * bits / 8] |= (uint8_t)(v << at);
        if (at + bits > 8)
            to[i * bits / 8 + 1] |= (uint8_t)(v >> (8 - at));
    }
}

static void add_exception(uint32_t *table, unsigned lg, uint32_t slot, uint32_t run)
{
    uint32_t mask = (UINT32_C(1) << lg) - 1, at = slot & mask, step = slot >> lg | 1;
    while (table[at])
        at = (at + step) & mask;
    table[at] = run << 26 | slot;
}

/* The table as it stands when slots are added in order and it doubles when it is three quarters full. */
static ov_status write_exceptions(const ov_hll *s, unsigned least, unsigned lg, bool compact, ov_buf *out, ov_error *err)
{
    ov_buf tables;
    unsigned now = exception_lg(s->lg_k, 0);
    uint32_t n = 0;
    size_t bytes = sizeof(uint32_t) << lg;
    ov_buf_init(&tables);
    if (!ov_buf_reserve(&tables, bytes * 2)) {
        ov_status st = ov_buf_check(&tables, err);
        ov_buf_fini(&tables);
        return st;
    }
    uint32_t *table = (uint32_t *)(void *)tables.p, *fresh = (uint32_t *)(void *)(tables.p + bytes);
    memset(table, 0, bytes);
    for (uint32_t slot = 0; slot < UINT32_C(1) << s->lg_k; slot++) {
        if (s->regs[slot] - least < EXCEPTION)
            continue;
        add_exception(table, now, slot, s->regs[slot]);
        if (4 * (uint64_t)++n <= (uint64_t)3 << now)
            continue;
        memset(fresh, 0, bytes);
        for (uint32_t i = 0; i < UINT32_C(1) << now; i++)
            if (table[i])
                add_exception(fresh, now + 1, table[i] & 0x3ffffff, table[i] >> 26);
        uint32_t *old = table;
        table = fresh, fresh = old;
        now++;
    }
    for (uint32_t i = 0; i < UINT32_C(1) << lg; i++) {
        char word[4];
        ov_store_u32(word, table[i]);
        if (table[i] || !compact)
            ov_buf_add_slice(out, ov_slice_make(word, 4));
    }
    ov_buf_fini(&tables);
    return OV_OK;
}

static ov_status write_array(const ov_hll *s, ov_hll_type type, bool compact, char head[8], ov_buf *out, ov_error *err)
{
    uint32_t count[64], least = 0, exceptions = 0;
    double low = 0, high = 0;
    ovi_hll_histogram(s, count);
    for (int j = 63; j >= 0; j--)
        *(j < 32 ? &low : &high) += count[j] * ldexp(1, -j);
    if (type == OV_HLL_4) {
        while (!count[least])
            least++;
        for (uint32_t j = least + EXCEPTION; j < 64; j++)
            exceptions += count[j];
    }
    unsigned lg = exception_lg(s->lg_k, exceptions);
    size_t bytes = array_bytes(type, s->lg_k);
    char rest[ARRAY_START - 8];
    head[4] = (char)(exceptions ? lg : 0);
    head[6] = (char)least;
    ov_store_f64(rest, s->merged ? 0 : s->hip);
    ov_store_f64(rest + 8, low);
    ov_store_f64(rest + 16, high);
    ov_store_u32(rest + 24, count[least]);
    ov_store_u32(rest + 28, exceptions);
    ov_buf_add_slice(out, ov_slice_make(head, 8));
    ov_buf_add_slice(out, ov_slice_make(rest, sizeof(rest)));
    if (!ov_buf_reserve(out, bytes))
        return ov_buf_check(out, err);
    char *to = out->p + out->n;
    memset(to, 0, bytes);
    if (type == OV_HLL_8)
        memcpy(to, s->regs, bytes);
    else
        pack(s, type == OV_HLL_6 ? 6 : 4, least, (uint8_t *)to);
    out->n += bytes;
    if (type == OV_HLL_4 && (exceptions || !compact))
        return write_exceptions(s, least, lg, compact, out, err);
    return OV_OK;
}

ov_status ov_hll_write(const ov_hll *s, ov_hll_type type, bool compact, ov_buf *out, ov_error *err)
{
    char head[8];
    write_head(s, type, compact, head);
    if (s->mode == OV_HLL_ARRAY) {
        OV_TRY(write_array(s, type, compact, head, out, err));
    } else {
        ov_buf_add_slice(out, ov_slice_make(head, sizeof(head)));
        write_coupons(s, compact, out);
    }
    return ov_buf_check(out, err);
}

/* ---- reading ---- */

typedef struct image {
    ov_slice bytes;
    unsigned lg_k, lg, flags;
    ov_hll_mode mode;
    ov_hll_type type;
} image;

static ov_status too_short(const image *in, size_t need, ov_error *err)
{
    return ov_fail(err, OV_CORRUPT, "HLL sketch: %zu bytes are needed, %zu are there", need, in->bytes.n);
}

static ov_status read_head(ov_slice bytes, image *in, ov_error *err)
{
    static const uint8_t ints[] = {LIST_INTS, SET_INTS, ARRAY_INTS};
    *in = (image){.bytes = bytes};
    if (bytes.n < 8)
        return too_short(in, 8, err);
    const uint8_t *p = (const uint8_t *)bytes.p;
    if (p[2] != FAMILY)
        return ov_fail(err, OV_CORRUPT, "HLL sketch: the family is %u, %d is right; this is no HLL sketch", p[2], FAMILY);
    if (p[1] != VERSION)
        return ov_fail(err, OV_CORRUPT, "HLL sketch: the version is %u, %d is right", p[1], VERSION);
    if (p[3] < OV_HLL_LEAST_LG_K || p[3] > OV_HLL_MOST_LG_K)
        return ov_fail(err, OV_CORRUPT, "HLL sketch: lgK is %u, %d to %d is right", p[3], OV_HLL_LEAST_LG_K,
                       OV_HLL_MOST_LG_K);
    if ((p[7] & 3) > 2 || (p[7] >> 2 & 3) > 2 || p[0] != ints[p[7] & 3])
        return ov_fail(err, OV_CORRUPT, "HLL sketch: mode byte %u does not go with %u words before the data", p[7], p[0]);
    in->lg_k = p[3];
    in->lg = p[4];
    in->flags = p[5];
    in->mode = (ov_hll_mode)(p[7] & 3);
    in->type = (ov_hll_type)(p[7] >> 2 & 3);
    return OV_OK;
}

static ov_status read_coupons(const image *in, ov_hll *s, const ov_sketch_mem *mem, ov_error *err)
{
    size_t start = in->mode == OV_HLL_LIST ? 8 : 12;
    bool compact = in->flags & IS_COMPACT;
    if (in->bytes.n < start)
        return too_short(in, start, err);
    uint32_t count = in->mode == OV_HLL_LIST ? (uint8_t)in->bytes.p[6] : ov_load_u32(in->bytes.p + 8);
    uint32_t most = in->mode == OV_HLL_LIST ? 7 : in->lg_k < 8 ? 0 : 3 * (UINT32_C(1) << (in->lg_k - 3)) / 4;
    if (count > most)
        return ov_fail(err, OV_CORRUPT, "HLL sketch: %u coupons, at most %u can be with lgK %u", count, most, in->lg_k);
    if (!compact && in->lg > (in->mode == OV_HLL_LIST ? 3u : 18u))
        return ov_fail(err, OV_CORRUPT, "HLL sketch: a table of 2^%u coupons is too large", in->lg);
    size_t n = compact ? count : (size_t)1 << in->lg;
    if (in->mode == OV_HLL_LIST && (in->flags & IS_EMPTY))
        n = 0;
    if (in->bytes.n < start + n * 4)
        return too_short(in, start + n * 4, err);
    uint32_t before = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t coupon = ov_load_u32(in->bytes.p + start + i * 4);
        if (coupon && !(coupon >> 26))
            return ov_fail(err, OV_CORRUPT, "HLL sketch: coupon %zu has no run length", i);
        OV_TRY(ov_hll_add(s, coupon, mem, err));
        before += coupon != 0;
    }
    if (before != count || s->mode == OV_HLL_ARRAY || s->count != count)
        return ov_fail(err, OV_CORRUPT, "HLL sketch: %u different coupons, %u are announced", s->count, count);
    return OV_OK;
}

static ov_status read_exceptions(const image *in, size_t start, uint32_t count, ov_hll *s, ov_error *err)
{
    bool compact = in->flags & IS_COMPACT;
    if (!compact && count && in->lg > in->lg_k + 1) /* all registers, three quarters full */
        return ov_fail(err, OV_CORRUPT, "HLL sketch: a table of 2^%u exceptions is too large", in->lg);
    size_t n = compact || !count ? count : (size_t)1 << in->lg;
    if ((in->bytes.n - start) / 4 < n)
        return too_short(in, start + n * 4, err);
    uint32_t seen = 0, mask = (UINT32_C(1) << in->lg_k) - 1;
    for (size_t i = 0; i < n; i++) {
        uint32_t pair = ov_load_u32(in->bytes.p + start + i * 4), slot = pair & mask;
        if (!pair)
            continue;
        if (s->regs[slot] != 255)
            return ov_fail(err, OV_CORRUPT, "HLL sketch: slot %u is no exception, or one twice", slot);
        s->regs[slot] = (uint8_t)(pair >> 26);
        seen++;
    }
    if (seen != count)
        return ov_fail(err, OV_CORRUPT, "HLL sketch: %u exceptions, %u are announced", seen, count);
    return OV_OK;
}

/* Registers as bytes; 255 where the value stands among the exceptions, *exceptions of them. */
static ov_status unpack(const image *in, ov_hll *s, uint32_t *exceptions, ov_error *err)
{
    const uint8_t *p = (const uint8_t *)in->bytes.p + ARRAY_START;
    unsigned least = in->type == OV_HLL_4 ? (uint8_t)in->bytes.p[6] : 0;
    *exceptions = 0;
    for (size_t i = 0; i < (size_t)1 << in->lg_k; i++) {
        unsigned v;
        if (in->type == OV_HLL_8)
            v = p[i];
        else if (in->type == OV_HLL_6)
            v = (p[i * 3 / 4] | (unsigned)p[i * 3 / 4 + 1] << 8) >> (i * 6 % 8) & 63;
        else
            v = p[i / 2] >> (i % 2 * 4) & 15;
        if (in->type == OV_HLL_4 && v == EXCEPTION) {
            s->regs[i] = 255;
            ++*exceptions;
            continue;
        }
        if (v + least > 63)
            return ov_fail(err, OV_CORRUPT, "HLL sketch: register %zu is %u, more than 63", i, v + least);
        s->regs[i] = (uint8_t)(v + least);
    }
    return OV_OK;
}

static ov_status read_array(const image *in, ov_hll *s, const ov_sketch_mem *mem, ov_error *err)
{
    size_t end = ARRAY_START + array_bytes(in->type, in->lg_k);
    if (in->bytes.n < end)
        return too_short(in, end, err);
    uint32_t exceptions, announced = ov_load_u32(in->bytes.p + 36), count[64];
    OV_TRY(ovi_hll_make_array(s, in->lg_k, mem, err));
    OV_TRY(unpack(in, s, &exceptions, err));
    if (exceptions != announced)
        return ov_fail(err, OV_CORRUPT, "HLL sketch: %u registers are exceptions, %u are announced", exceptions, announced);
    OV_TRY(read_exceptions(in, end, announced, s, err));
    ovi_hll_histogram(s, count);
    s->merged = in->flags & IS_MERGED;
    s->hip = s->merged ? 0 : ov_load_f64(in->bytes.p + 8);
    s->kxq0 = s->kxq1 = 0;
    for (int j = 63; j >= 0; j--)
        *(j < 32 ? &s->kxq0 : &s->kxq1) += count[j] * ldexp(1, -j);
    if (!(s->hip >= 0) || isinf(s->hip))
        return ov_fail(err, OV_CORRUPT, "HLL sketch: the running estimate is no number that can be");
    return OV_OK;
}

ov_status ov_hll_read(ov_slice bytes, ov_hll *s, const ov_sketch_mem *mem, ov_error *err)
{
    image in;
    OV_TRY(read_head(bytes, &in, err));
    ov_hll_init(s, in.lg_k, in.type);
    return in.mode == OV_HLL_ARRAY ? read_array(&in, s, mem, err) : read_coupons(&in, s, mem, err);
}

/* ---- as text ---- */

static void add_line(ov_buf *out, const char *label, double v)
{
    ov_buf_addf(out, "  %-15s: ", label);
    ov_buf_add_double(out, v);
    ov_buf_add_char(out, '\n');
}

void ov_hll_describe(const ov_hll *s, ov_buf *out)
{
    static const char *const modes[] = {"LIST", "SET", "HLL"};
    uint32_t count[64], least = 0;
    double low = 0, high = 0;
    bool merged = s->mode == OV_HLL_ARRAY && s->merged;
    ov_buf_addf(out, "### HLL SKETCH SUMMARY: \n  Log Config K   : %u\n  Hll Target     : HLL_%d\n  Current Mode   : %s\n",
                s->lg_k, s->type == OV_HLL_4 ? 4 : s->type == OV_HLL_6 ? 6 : 8, modes[s->mode]);
    ov_buf_add_str(out, "  Memory         : false\n");
    add_line(out, "LB", ov_hll_bound(s, 1, false));
    add_line(out, "Estimate", ov_hll_estimate(s));
    add_line(out, "UB", ov_hll_bound(s, 1, true));
    ov_buf_addf(out, "  OutOfOrder Flag: %s\n", merged ? "true" : "false");
    if (s->mode != OV_HLL_ARRAY) {
        ov_buf_addf(out, "  Coupon Count   : %u\n", s->count);
        return;
    }
    ovi_hll_histogram(s, count);
    for (int j = 63; j >= 0; j--)
        *(j < 32 ? &low : &high) += count[j] * ldexp(1, -j);
    while (s->type == OV_HLL_4 && !count[least])
        least++;
    ov_buf_addf(out, "  CurMin         : %u\n  NumAtCurMin    : %u\n", least, count[least]);
    add_line(out, "HipAccum", merged ? 0 : s->hip);
    add_line(out, "KxQ0", low);
    add_line(out, "KxQ1", high);
}
