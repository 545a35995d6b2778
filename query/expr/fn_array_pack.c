/*
 * $PACK_LIST and $UNPACK_LIST: an array as bytes and back, for operators that know plain values only (grouping, sorting). The bytes are
 * equal when the arrays are, and their order is that of the arrays: each element starts with 1 (NULL) or 2, the end is 0;
 * numbers are big-endian with the sign turned, texts end with two zeros and write their own zeros as 0, 255.
 */
#include "query/expr/list_pack.h"

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

static ov_status pack_list(ovi_call *c, uint32_t row, ovi_text *t, ov_error *err)
{
    (void)err;
    ovi_items items = ovi_items_of(&c->arg[0], row);
    pack(&t->made, &items);
    return OV_OK;
}

ov_status ovi_eval_pack_list(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_map_text(c, pack_list, out, err);
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

/* The text at p without its marks into `copy` (NULL: only measured); returns the bytes it takes with its end. */
static size_t unpack_text(const unsigned char *p, size_t n, char *copy, size_t *length)
{
    size_t at = 0, len = 0;
    for (; at + 1 < n && !(p[at] == 0 && p[at + 1] == 0); at++) {
        if (copy)
            copy[len] = (char)p[at];
        len++;
        if (p[at] == 0)
            at++;
    }
    *length = len;
    return OV_MIN(at + 2, n);
}

static bool is_text(ov_type elem)
{
    return !ov_type_is_int(elem) && !ov_type_is_real(elem);
}

static ov_status count_items(ov_slice bytes, bool text, uint64_t *count, ov_error *err)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    for (size_t at = 0, length; at < bytes.n && p[at] != END; ++*count) {
        size_t left = bytes.n - at - 1;
        if (p[at++] == ELEMENT_NULL)
            continue;
        if (!text && left < 8)
            return ov_fail(err, OV_INTERNAL, "the bytes of an array end too early");
        at += text ? unpack_text(p + at, left, NULL, &length) : 8;
    }
    return OV_OK;
}

/* The elements of one array from lane `i` on; returns the lane behind them. */
static ov_status unpack_items(ov_slice bytes, ov_type elem, ovi_result_lanes *l, uint32_t *i, ov_arena *out,
                              ov_error *err)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    char *copy = NULL; /* the texts, one behind the other */
    if (is_text(elem))
        OV_TRY(ov_arena_alloc(out, bytes.n + 1, &copy, err));
    for (size_t at = 0; at < bytes.n && p[at] != END; ++*i) {
        size_t left = bytes.n - at - 1, length;
        if (p[at++] == ELEMENT_NULL) {
            ov_bits_clear(l->valid, *i);
            continue;
        }
        if (copy) {
            at += unpack_text(p + at, left, copy, &length);
            l->s[*i] = ov_slice_make(copy, length);
            copy += length;
            continue;
        }
        if (ov_type_is_int(elem))
            l->i[*i] = (int64_t)(unpack_bits(p + at) ^ UINT64_C(1) << 63);
        else
            l->f[*i] = unpack_double(unpack_bits(p + at));
        at += 8;
    }
    return OV_OK;
}

ov_status ov_list_unpack(const ov_slice *packed, const uint64_t *valid, uint32_t rows, ov_type type, ov_arena *out,
                         ov_vec *vec, ov_error *err)
{
    ov_type elem = type.id == OV_TYPE_ARRAY ? (ov_type){.id = type.elem, .complex = type.complex} : OV_T(OV_TYPE_STRING);
    uint64_t total = 0;
    uint32_t *offsets, at = 0;
    ovi_result_lanes l = {0};
    ov_vec *child;
    for (uint32_t r = 0; r < rows; r++)
        if (!valid || ov_bits_test(valid, r))
            OV_TRY(count_items(packed[r], is_text(elem), &total, err));
    if (total > INT32_MAX)
        return ov_fail(err, OV_LIMIT, "a batch of arrays has more than %d elements", INT32_MAX);
    size_t words = ov_words(total) + 1, bytes = words * 64 * (is_text(elem) ? sizeof(ov_slice) : 8);
    OV_TRY(ov_arena_lanes(out, ((size_t)rows + 1) * 4, &offsets, err));
    OV_TRY(ov_arena_alloc(out, words * 8, &l.valid, err));
    OV_TRY(ov_arena_lanes(out, bytes, &l.i, err));
    OV_TRY(ov_arena_alloc(out, sizeof *child, &child, err));
    memset(l.i, 0, bytes);
    ov_bits_fill(l.valid, total, true);
    offsets[0] = 0;
    for (uint32_t r = 0; r < rows; r++) {
        if (!valid || ov_bits_test(valid, r))
            OV_TRY(unpack_items(packed[r], elem, &l, &at, out, err));
        offsets[r + 1] = at;
    }
    *child = ov_vec_flat(elem, l.i, ov_bits_all(l.valid, total) ? NULL : l.valid, (uint32_t)total);
    *vec = (ov_vec){.type = type,
                    .enc = OV_ENC_LIST,
                    .rows = rows,
                    .divisor = 1,
                    .offsets = offsets,
                    .valid = valid,
                    .child = child};
    return OV_OK;
}

ov_status ovi_eval_unpack_list(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    OV_TRY(ovi_call_strict(c, 0, err));
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes(c, &l, err));
    for (uint32_t k = 0; k < n; k++)
        l.s[rows[k]] = ovi_str(&c->arg[0], rows[k]);
    const uint64_t *valid = l.valid && ov_bits_all(l.valid, c->rows) ? NULL : l.valid;
    return ov_list_unpack(l.s, valid, c->rows, c->e->type, c->mem, out, err);
}
