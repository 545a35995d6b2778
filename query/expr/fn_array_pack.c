/*
 * $PACK_LIST and $UNPACK_LIST: an array as bytes and back, for operators that know plain values only (grouping, sorting). The bytes are
 * equal when the arrays are, and their order is that of the arrays: each element starts with 1 (NULL) or 2, the end is 0;
 * numbers are big-endian with the sign turned, texts end with two zeros and write their own zeros as 0, 255.
 */
#include "query/expr/list_int.h"

#include <math.h>

enum { END = 0, ELEMENT_NULL = 1, ELEMENT = 2, ZERO_INSIDE = 255 };

ov_status ovi_bind_pack_list(ovi_bind *b, ov_error *err)
{
    if (!ov_type_is_list(b->args[0]->type))
        return ovi_wrong_types(b, "<ARRAY>", err);
    ovi_result(b, OV_SQL_VARCHAR);
    return OV_OK;
}

static void pack_bits(ov_buf *out, uint64_t bits)
{
    for (int shift = 56; shift >= 0; shift -= 8)
        ov_buf_add_char(out, (char)(bits >> shift & 255));
}

static void pack_double(ov_buf *out, double v)
{
    uint64_t bits;
    v = isnan(v) ? (double)NAN : v + 0.0; /* one NaN, one zero */
    memcpy(&bits, &v, sizeof bits);
    pack_bits(out, isnan(v) ? UINT64_MAX : bits >> 63 ? ~bits : bits | UINT64_C(1) << 63);
}

static void pack_text(ov_buf *out, ov_slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        ov_buf_add_char(out, s.p[i]);
        if (s.p[i] == 0)
            ov_buf_add_char(out, (char)ZERO_INSIDE);
    }
    ov_buf_add_char(out, 0);
    ov_buf_add_char(out, 0);
}

static void pack(ov_buf *out, const ovi_items *items)
{
    for (uint32_t i = items->first; i < items->end; i++) {
        bool null = ov_vec_is_null(items->vec, i);
        ov_buf_add_char(out, null ? ELEMENT_NULL : ELEMENT);
        if (null)
            continue;
        if (ov_type_is_int(items->vec->type))
            pack_bits(out, (uint64_t)ov_vec_i64(items->vec, i) ^ UINT64_C(1) << 63);
        else if (ov_type_is_real(items->vec->type))
            pack_double(out, ov_vec_f64(items->vec, i));
        else
            pack_text(out, ov_vec_str(items->vec, i));
    }
    ov_buf_add_char(out, END);
}

ov_status ovi_eval_pack_list(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes(c, &l, err));
    ov_buf bytes;
    ov_buf_init(&bytes);
    ov_status st = OV_OK;
    for (uint32_t k = 0; k < n && st == OV_OK; k++) {
        ovi_items items = ovi_items_of(&c->arg[0], rows[k]);
        ov_buf_clear(&bytes);
        pack(&bytes, &items);
        st = ovi_keep_text(c, &bytes, &l.s[rows[k]], err);
    }
    ov_buf_fini(&bytes);
    ovi_finish(c, &l, out);
    return st;
}

/* (bytes, NULL of the array's type) */
ov_status ovi_bind_unpack_list(ovi_bind *b, ov_error *err)
{
    const ov_expr *like = b->args[1];
    if (b->args[0]->type.id != OV_TYPE_STRING || !ovi_is_null(like) || like->type.id != OV_TYPE_ARRAY)
        return ovi_wrong_types(b, "<CHARACTER>, <ARRAY>", err);
    b->sql = OV_SQL_ARRAY;
    b->type = like->type;
    b->elem_sql = (ov_sqltype)like->elem_sql;
    b->nullable = b->args[0]->nullable;
    return OV_OK;
}

static uint64_t unpack_bits(const unsigned char *p)
{
    uint64_t bits = 0;
    for (int i = 0; i < 8; i++)
        bits = bits << 8 | p[i];
    return bits;
}

static double unpack_double(uint64_t bits)
{
    double v;
    if (bits == UINT64_MAX)
        return (double)NAN;
    bits = bits >> 63 ? bits & ~(UINT64_C(1) << 63) : ~bits;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* The text at p; *used counts its bytes with the end. */
static ov_status unpack_text(ovi_call *c, const unsigned char *p, size_t n, ov_slice *text, size_t *used, ov_error *err)
{
    char *copy;
    size_t at = 0, len = 0;
    OV_TRY(ov_arena_alloc(c->mem, n + 1, &copy, err));
    for (; at + 1 < n && !(p[at] == 0 && p[at + 1] == 0); at++) {
        copy[len++] = (char)p[at];
        if (p[at] == 0)
            at++;
    }
    *text = ov_slice_make(copy, len);
    *used = at + 2;
    return OV_OK;
}

static ov_status unpack(ovi_call *c, ovi_list *l, ov_slice bytes, ov_error *err)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    for (size_t at = 0; at < bytes.n && p[at] != END;) {
        uint32_t place;
        size_t used = 8, left = bytes.n - at - 1;
        bool null = p[at++] == ELEMENT_NULL, text = !ov_type_is_int(l->elem) && !ov_type_is_real(l->elem);
        OV_TRY(ovi_list_add(l, &place, err));
        if (null) {
            ov_bits_clear(l->lanes.valid, place);
            continue;
        }
        if (!text && left < 8)
            return ov_fail(err, OV_INTERNAL, "the bytes of an array end too early");
        if (text)
            OV_TRY(unpack_text(c, p + at, left, &l->lanes.s[place], &used, err));
        else if (ov_type_is_int(l->elem))
            l->lanes.i[place] = (int64_t)(unpack_bits(p + at) ^ UINT64_C(1) << 63);
        else
            l->lanes.f[place] = unpack_double(unpack_bits(p + at));
        at += used;
    }
    return OV_OK;
}

ov_status ovi_eval_unpack_list(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_list l;
    OV_TRY(ovi_call_strict(c, 0, err));
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_list_init(&l, c, ovi_elem_type(c->e), err));
    for (uint32_t k = 0; k < n; k++) {
        ovi_list_row(&l, rows[k]);
        OV_TRY(unpack(c, &l, ovi_str(&c->arg[0], rows[k]), err));
    }
    return ovi_list_finish(&l, out, err);
}
