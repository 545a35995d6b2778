/*
 * Looking for text in text, and taking it apart.
 */
#include "query/expr/expr_int.h"

#include "base/base64.h"

#include "base/utf8.h"

/* ---- tests ---- */

ov_status ovi_bind_text_pair_test(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_text(b, 0, err));
    OV_TRY(ovi_want_text(b, 1, err));
    ovi_result(b, OV_SQL_BOOLEAN);
    return OV_OK;
}

static bool contains(ov_slice s, ov_slice part)
{
    return part.n == 0 || (s.n >= part.n && memmem(s.p, s.n, part.p, part.n));
}

static ov_status test_pairs(ovi_call *c, bool (*f)(ov_slice, ov_slice), uint64_t *is_true, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    for (uint32_t k = 0; k < n; k++)
        if (f(ovi_str(&c->arg[0], rows[k]), ovi_str(&c->arg[1], rows[k])))
            ov_bits_set(is_true, rows[k]);
    return OV_OK;
}

ov_status ovi_test_contains(ovi_call *c, uint64_t *is_true, ov_error *err)
{
    return test_pairs(c, contains, is_true, err);
}

ov_status ovi_test_starts(ovi_call *c, uint64_t *is_true, ov_error *err)
{
    return test_pairs(c, ov_slice_starts, is_true, err);
}

ov_status ovi_test_ends(ovi_call *c, uint64_t *is_true, ov_error *err)
{
    return test_pairs(c, ov_slice_ends, is_true, err);
}

/* Without case: both sides in small letters. */
ov_status ovi_test_icontains(ovi_call *c, uint64_t *is_true, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    ov_buf text, part;
    ov_buf_init(&text);
    ov_buf_init(&part);
    for (uint32_t k = 0; k < n; k++) {
        ov_buf_clear(&text);
        ov_utf8_lower(ovi_str(&c->arg[0], rows[k]), &text);
        if (k == 0 || c->arg[1].step) {
            ov_buf_clear(&part);
            ov_utf8_lower(ovi_str(&c->arg[1], rows[k]), &part);
        }
        if (contains(ov_buf_slice(&text), ov_buf_slice(&part)))
            ov_bits_set(is_true, rows[k]);
    }
    ov_status st = ov_buf_check(&text, err);
    if (st == OV_OK)
        st = ov_buf_check(&part, err);
    ov_buf_fini(&text);
    ov_buf_fini(&part);
    return st;
}

/* ---- places ---- */

/* POSITION(part IN text [FROM n]) and STRPOS(text, part) */
ov_status ovi_bind_position(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_text(b, 0, err));
    OV_TRY(ovi_want_text(b, 1, err));
    if (b->argc == 3)
        OV_TRY(ovi_want_long(b, 2, err));
    ovi_result(b, OV_SQL_INTEGER);
    if (b->fn->name[0] == 'S') /* STRPOS is a function of Druid's own: BIGINT */
        ovi_result(b, OV_SQL_BIGINT);
    return OV_OK;
}

static int64_t position(ov_slice text, ov_slice part, int64_t from)
{
    size_t start = from <= 1 ? 0 : ov_utf16_offset(text, (size_t)OV_MIN(from - 1, (int64_t)text.n + 1));
    if (from > 1 && from - 1 > (int64_t)ov_utf16_count(text))
        return 0;
    if (part.n == 0)
        return from <= 1 ? 1 : from;
    const char *hit = text.n > start ? memmem(text.p + start, text.n - start, part.p, part.n) : NULL;
    return hit ? (int64_t)ov_utf16_index(text, (size_t)(hit - text.p)) + 1 : 0;
}

ov_status ovi_eval_position(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes(c, &l, err));
    uint32_t text = c->e->fn->name[0] == 'S' ? 0 : 1;
    for (uint32_t k = 0; k < n; k++) {
        uint32_t r = rows[k];
        int64_t from = c->argc == 3 ? ovi_i64(&c->arg[2], r) : 1;
        l.i[r] = position(ovi_str(&c->arg[text], r), ovi_str(&c->arg[1 - text], r), from);
    }
    ovi_finish(c, &l, out);
    return OV_OK;
}

/* ---- SPLIT_PART(text, delimiter, n): n counts from 1, or from the end when negative ---- */

ov_status ovi_bind_split_part(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_text(b, 0, err));
    OV_TRY(ovi_want_text(b, 1, err));
    OV_TRY(ovi_want_long(b, 2, err));
    ovi_result(b, OV_SQL_VARCHAR);
    return OV_OK;
}

static int64_t count_parts(ov_slice s, ov_slice by)
{
    int64_t n = 1;
    const char *at = s.p, *end = s.p + s.n;
    for (; by.n && at < end && (at = memmem(at, (size_t)(end - at), by.p, by.n)); at += by.n)
        n++;
    return n;
}

static ov_slice split_part(ov_slice s, ov_slice by, int64_t n)
{
    if (n < 0)
        n = count_parts(s, by) + n + 1;
    const char *at = s.p, *end = s.p + s.n;
    for (int64_t i = 1; n >= 1; i++) {
        const char *stop = by.n && at < end ? memmem(at, (size_t)(end - at), by.p, by.n) : NULL;
        if (i == n)
            return ov_slice_make(at, (size_t)((stop ? stop : end) - at));
        if (!stop)
            break;
        at = stop + by.n;
    }
    return (ov_slice){"", 0};
}

ov_status ovi_eval_split_part(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes(c, &l, err));
    for (uint32_t k = 0; k < n; k++) {
        uint32_t r = rows[k];
        int64_t at = ovi_i64(&c->arg[2], r);
        if (at == 0)
            return ov_fail_at(err, OV_INVALID, c->e->pos, c->e->end_pos,
                              "SPLIT_PART: the field position must not be zero");
        l.s[r] = split_part(ovi_str(&c->arg[0], r), ovi_str(&c->arg[1], r), at);
    }
    ovi_finish(c, &l, out);
    return OV_OK;
}

/* ---- CHR, DECODE_BASE64_UTF8 ---- */

ov_status ovi_bind_chr(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_long(b, 0, err));
    b->nullable = true;
    ovi_result(b, OV_SQL_VARCHAR);
    return OV_OK;
}

/* No such character is NULL. */
ov_status ovi_eval_chr(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes_nullable(c, &l, err));
    for (uint32_t k = 0; k < n; k++) {
        uint32_t r = rows[k];
        int64_t cp = ovi_i64(&c->arg[0], r);
        char text[4];
        if (cp < 1 || cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF))
            ovi_null_row(&l, r);
        else
            OV_TRY(ov_arena_copy(c->mem, ov_slice_make(text, ov_utf8_put((uint32_t)cp, text)), &l.s[r], err));
    }
    ovi_finish(c, &l, out);
    return OV_OK;
}

ov_status ovi_bind_decode_base64(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_text(b, 0, err));
    b->nullable = true;
    ovi_result(b, OV_SQL_VARCHAR);
    return OV_OK;
}

/* What is not Base64 is NULL; bytes that are not UTF-8 are repaired. */
static ov_status decode_base64(ovi_call *c, uint32_t row, ovi_text *t, ov_error *err)
{
    ov_buf raw;
    ov_buf_init(&raw);
    t->is_null = !ov_base64_decode(ovi_str(&c->arg[0], row), &raw);
    if (!t->is_null)
        ov_utf8_repair(ov_buf_slice(&raw), &t->made);
    ov_status st = ov_buf_check(&raw, err);
    ov_buf_fini(&raw);
    return st;
}

ov_status ovi_eval_decode_base64(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_map_text(c, decode_base64, out, err);
}
