/*
 * IP addresses: IPv4 as text or as its 32-bit number, IPv6 as text, and CIDR blocks.
 */
#include "query/expr/expr_int.h"

#include <arpa/inet.h>
#include "base/numparse.h"

/* Four decimal numbers of one to three digits. */
static bool parse_ipv4(ov_slice s, uint32_t *out)
{
    uint32_t v = 0;
    size_t at = 0;
    for (int part = 0; part < 4; part++) {
        uint32_t n = 0;
        size_t start = at;
        while (at < s.n && at - start < 3 && s.p[at] >= '0' && s.p[at] <= '9')
            n = n * 10 + (uint32_t)(s.p[at++] - '0');
        if (at == start || n > 255 || (part < 3 && (at >= s.n || s.p[at++] != '.')))
            return false;
        v = v << 8 | n;
    }
    *out = v;
    return at == s.n;
}

static bool parse_ipv6(ov_slice s, uint8_t out[16])
{
    char text[64];
    if (s.n == 0 || s.n >= sizeof text)
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = 0;
    return inet_pton(AF_INET6, text, out) == 1;
}

/* ---- CIDR blocks ---- */

typedef struct cidr {
    uint8_t net[16];
    unsigned bits;
} cidr;

static bool read_cidr(ov_slice s, bool v6, cidr *out)
{
    const char *slash = s.n ? memchr(s.p, '/', s.n) : NULL;
    ov_slice address = {s.p, slash ? (size_t)(slash - s.p) : s.n};
    unsigned most = v6 ? 128 : 32;
    int64_t bits = most;
    uint32_t v4;
    if (slash && !ov_parse_i64(ov_slice_make(slash + 1, s.n - address.n - 1), &bits))
        return false;
    out->bits = (unsigned)bits;
    if (bits < 0 || bits > most)
        return false;
    if (v6)
        return parse_ipv6(address, out->net);
    if (!parse_ipv4(address, &v4))
        return false;
    for (int i = 0; i < 4; i++)
        out->net[i] = (uint8_t)(v4 >> (24 - 8 * i));
    return true;
}

static bool inside(const cidr *c, const uint8_t *address)
{
    unsigned whole = c->bits / 8, rest = c->bits % 8;
    if (memcmp(c->net, address, whole) != 0)
        return false;
    return rest == 0 || (c->net[whole] ^ address[whole]) >> (8 - rest) == 0;
}

/* IPV4_MATCH, IPV6_MATCH(address, 'block') */
ov_status ovi_bind_ip_match(ovi_bind *b, ov_error *err)
{
    ov_slice text;
    bool is_null, v6 = b->fn->name[3] == '6';
    cidr *block;
    OV_TRY(ovi_const_text(b, 1, &text, &is_null, err));
    OV_TRY(ovi_prepare(b, sizeof *block, &block, err));
    if (is_null || !read_cidr(text, v6, block))
        return ov_fail_at(err, OV_INVALID, b->pos, b->end_pos,
                          "Argument 2 of %s: '" OV_SLICE_FMT "' is no IPv%c address or CIDR block, such as %s",
                          b->fn->name, OV_SLICE_ARG(text), v6 ? '6' : '4',
                          v6 ? "2001:db8::/32" : "10.0.0.0/8");
    if (v6 || !ov_sqltype_is_integer((ov_sqltype)b->args[0]->sql))
        OV_TRY(ovi_want_text(b, 0, err));
    b->nullable = false;
    ovi_result(b, OV_SQL_BOOLEAN);
    return OV_OK;
}

static bool ipv4_of(const ovi_call *c, size_t row, uint32_t *out)
{
    if (c->arg[0].vec.type.id == OV_TYPE_STRING)
        return parse_ipv4(ovi_str(&c->arg[0], row), out);
    int64_t v = ovi_i64(&c->arg[0], row);
    *out = (uint32_t)v;
    return v >= 0 && v <= UINT32_MAX;
}

/* What is NULL or no address is in no block. */
ov_status ovi_test_ipv4_match(ovi_call *c, uint64_t *is_true, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    for (uint32_t k = 0; k < n; k++) {
        uint32_t v4;
        if (ovi_arg_null(&c->arg[0], rows[k]) || !ipv4_of(c, rows[k], &v4))
            continue;
        uint8_t bytes[4] = {(uint8_t)(v4 >> 24), (uint8_t)(v4 >> 16), (uint8_t)(v4 >> 8), (uint8_t)v4};
        if (inside(c->e->prepared, bytes))
            ov_bits_set(is_true, rows[k]);
    }
    return OV_OK;
}

ov_status ovi_test_ipv6_match(ovi_call *c, uint64_t *is_true, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    for (uint32_t k = 0; k < n; k++) {
        uint8_t bytes[16];
        if (!ovi_arg_null(&c->arg[0], rows[k]) && parse_ipv6(ovi_str(&c->arg[0], rows[k]), bytes) &&
            inside(c->e->prepared, bytes))
            ov_bits_set(is_true, rows[k]);
    }
    return OV_OK;
}

/* ---- IPV4_PARSE, IPV4_STRINGIFY ---- */

/* Text or a whole number; fractions and truths are no addresses. */
static ov_status bind_ipv4(ovi_bind *b, ov_sqltype to, ov_error *err)
{
    ov_sqltype t = (ov_sqltype)b->args[0]->sql;
    if (!ov_sqltype_is_integer(t) && !ov_sqltype_is_text(t))
        return ov_expr_null(b->cx, to, &b->replace, err);
    if (ov_sqltype_is_text(t))
        OV_TRY(ovi_want_text(b, 0, err));
    b->nullable = true;
    ovi_result(b, to);
    return OV_OK;
}

ov_status ovi_bind_ipv4_parse(ovi_bind *b, ov_error *err)
{
    return bind_ipv4(b, OV_SQL_BIGINT, err);
}

ov_status ovi_bind_ipv4_stringify(ovi_bind *b, ov_error *err)
{
    return bind_ipv4(b, OV_SQL_VARCHAR, err);
}

ov_status ovi_eval_ipv4_parse(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n, v4;
    ovi_result_lanes l;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes_nullable(c, &l, err));
    for (uint32_t k = 0; k < n; k++) {
        if (ipv4_of(c, rows[k], &v4))
            l.i[rows[k]] = v4;
        else
            ovi_null_row(&l, rows[k]);
    }
    ovi_finish(c, &l, out);
    return OV_OK;
}

ov_status ovi_eval_ipv4_stringify(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n, v4;
    ovi_result_lanes l;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes_nullable(c, &l, err));
    for (uint32_t k = 0; k < n; k++) {
        if (ipv4_of(c, rows[k], &v4))
            OV_TRY(ov_arena_printf(c->mem, &l.s[rows[k]], err, "%u.%u.%u.%u", v4 >> 24, v4 >> 16 & 255,
                                   v4 >> 8 & 255, v4 & 255));
        else
            ovi_null_row(&l, rows[k]);
    }
    ovi_finish(c, &l, out);
    return OV_OK;
}
