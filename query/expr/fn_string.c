/*
 * Text functions. Lengths and places count UTF-16 units, as Druid does. Results that are part of an argument borrow its
 * bytes; others are copied next to the batch.
 */
#include "query/expr/expr_int.h"

#include "base/numparse.h"
#include "base/utf8.h"

/* ---- binding ---- */

/* Text in, text out. UPPER and LOWER keep CHAR, as Calcite has it. */
ov_status ovi_bind_text_same(ovi_bind *b, ov_error *err)
{
    if (b->args[0]->sql == OV_SQL_NULL) {
        b->replace = b->args[0];
        return OV_OK;
    }
    OV_TRY(ovi_want_text(b, 0, err));
    ovi_result(b, (ov_sqltype)b->args[0]->sql);
    return OV_OK;
}

ov_status ovi_bind_text(ovi_bind *b, ov_error *err)
{
    for (uint32_t i = 0; i < b->argc; i++)
        OV_TRY(ovi_want_text(b, i, err));
    ovi_result(b, OV_SQL_VARCHAR);
    return OV_OK;
}

ov_status ovi_bind_text_to_long(ovi_bind *b, ov_error *err)
{
    for (uint32_t i = 0; i < b->argc; i++)
        OV_TRY(ovi_want_text(b, i, err));
    ovi_result(b, OV_SQL_BIGINT);
    return OV_OK;
}

/* text, long, long ... */
static ov_status text_then_longs(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_text(b, 0, err));
    for (uint32_t i = 1; i < b->argc; i++)
        OV_TRY(ovi_want_long(b, i, err));
    ovi_result(b, OV_SQL_VARCHAR);
    return OV_OK;
}

ov_status ovi_bind_left(ovi_bind *b, ov_error *err)
{
    return text_then_longs(b, err);
}

ov_status ovi_bind_substring(ovi_bind *b, ov_error *err)
{
    OV_TRY(text_then_longs(b, err));
    b->nullable = true; /* from behind the end on there is nothing */
    return OV_OK;
}

ov_status ovi_bind_repeat(ovi_bind *b, ov_error *err)
{
    OV_TRY(text_then_longs(b, err));
    b->nullable = true; /* fewer than one time is NULL */
    return OV_OK;
}

/* (text, length[, with]) */
ov_status ovi_bind_pad(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_text(b, 0, err));
    OV_TRY(ovi_want_long(b, 1, err));
    if (b->argc == 3)
        OV_TRY(ovi_want_text(b, 2, err));
    ovi_result(b, OV_SQL_VARCHAR);
    return OV_OK;
}

/* (text[, characters]); missing or NULL characters mean a space */
ov_status ovi_bind_trim(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_text(b, 0, err));
    if (b->argc == 2 && (b->args[1]->sql == OV_SQL_NULL || ovi_is_null(b->args[1])))
        b->argc = 1;
    if (b->argc == 2)
        OV_TRY(ovi_want_text(b, 1, err));
    b->nullable = b->args[0]->nullable || (b->argc == 2 && b->args[1]->nullable);
    ovi_result(b, OV_SQL_VARCHAR);
    return OV_OK;
}

/* (text[, base]) */
ov_status ovi_bind_parse_long(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_text(b, 0, err));
    if (b->argc == 2)
        OV_TRY(ovi_want_long(b, 1, err));
    b->nullable = true;
    ovi_result(b, OV_SQL_BIGINT);
    return OV_OK;
}

/* ---- one text to one text ---- */

static ov_status upper(ovi_call *c, uint32_t row, ovi_text *t, ov_error *err)
{
    (void)err;
    ov_utf8_upper(ovi_str(&c->arg[0], row), &t->made);
    return OV_OK;
}

static ov_status lower(ovi_call *c, uint32_t row, ovi_text *t, ov_error *err)
{
    (void)err;
    ov_utf8_lower(ovi_str(&c->arg[0], row), &t->made);
    return OV_OK;
}

static ov_status reverse(ovi_call *c, uint32_t row, ovi_text *t, ov_error *err)
{
    (void)err;
    ov_utf8_reverse(ovi_str(&c->arg[0], row), &t->made);
    return OV_OK;
}

/* First letter of each word large, the others small. */
static ov_status initcap(ovi_call *c, uint32_t row, ovi_text *t, ov_error *err)
{
    (void)err;
    ov_slice s = ovi_str(&c->arg[0], row);
    const char *at = s.p, *end = s.p + s.n;
    bool inside = false;
    while (at < end) {
        const char *from = at;
        uint32_t cp = ov_utf8_next(&at, end);
        bool letter = cp > 127 || (cp >= '0' && cp <= '9') || ((cp | 32) >= 'a' && (cp | 32) <= 'z');
        ov_slice one = {from, (size_t)(at - from)};
        if (inside)
            ov_utf8_lower(one, &t->made);
        else
            ov_utf8_upper(one, &t->made);
        inside = letter;
    }
    return OV_OK;
}

static ov_status concat(ovi_call *c, uint32_t row, ovi_text *t, ov_error *err)
{
    (void)err;
    for (uint32_t i = 0; i < c->argc; i++)
        ov_buf_add_slice(&t->made, ovi_str(&c->arg[i], row));
    return OV_OK;
}

/* An empty slice with a pointer, so that it is taken for the text. */
static const ov_slice empty = {"", 0};

/* Units [start, start + count), clipped; places before the text count against the length. */
static ov_slice part(ov_slice s, int64_t start, int64_t count)
{
    if (start < 0) {
        count = count == INT64_MAX ? count : count + start; /* INT64_MAX: to the end */
        start = 0;
    }
    if (count <= 0 || s.n == 0 || start > (int64_t)s.n)
        return empty;
    ov_slice p = ov_utf16_sub(s, (size_t)start, (size_t)OV_MIN(count, (int64_t)s.n));
    return p.n ? p : empty;
}

/* NULL where the text ends before the first place, also of an empty text: Druid's way, not the standard's. */
static ov_status substring(ovi_call *c, uint32_t row, ovi_text *t, ov_error *err)
{
    int64_t start = ovi_i64(&c->arg[1], row), count = INT64_MAX;
    if (c->argc == 3) {
        count = ovi_i64(&c->arg[2], row);
        if (count < 0)
            return ov_fail_at(err, OV_INVALID, c->e->pos, c->e->end_pos,
                              "SUBSTRING: the length %lld is negative", (long long)count);
    }
    ov_slice s = ovi_str(&c->arg[0], row);
    start = start > INT64_MIN ? start - 1 : start;
    t->part = part(s, start, count);
    t->is_null = t->part.n == 0 && OV_MAX(start, 0) >= (int64_t)ov_utf16_count(s);
    return OV_OK;
}

static ov_status left(ovi_call *c, uint32_t row, ovi_text *t, ov_error *err)
{
    int64_t n = ovi_i64(&c->arg[1], row);
    if (n < 0)
        return ov_fail_at(err, OV_INVALID, c->e->pos, c->e->end_pos,
                          "Function[left] needs a positive integer as second argument");
    t->part = part(ovi_str(&c->arg[0], row), 0, n);
    return OV_OK;
}

static ov_status right(ovi_call *c, uint32_t row, ovi_text *t, ov_error *err)
{
    ov_slice s = ovi_str(&c->arg[0], row);
    int64_t n = ovi_i64(&c->arg[1], row), length = (int64_t)ov_utf16_count(s);
    if (n < 0)
        return ov_fail_at(err, OV_INVALID, c->e->pos, c->e->end_pos,
                          "Function[right] needs a positive integer as second argument");
    t->part = n >= length ? (s.n ? s : empty) : part(s, length - n, n);
    return OV_OK;
}

enum { MAX_TEXT = 64 * 1024 * 1024 };

static ov_status too_long(const ovi_call *c, ov_error *err)
{
    return ov_fail_at(err, OV_LIMIT, c->e->pos, c->e->end_pos,
                      "%s would make a text of more than 64 MiB", c->e->fn->name);
}

/* Cut to `length` units, or filled with the pad text on the left or the right. */
static ov_status pad(ovi_call *c, uint32_t row, ovi_text *t, ov_error *err)
{
    ov_slice s = ovi_str(&c->arg[0], row), with = {" ", 1};
    if (c->argc == 3)
        with = ovi_str(&c->arg[2], row);
    int64_t length = ovi_i64(&c->arg[1], row), have = (int64_t)ov_utf16_count(s);
    if (length <= have || with.n == 0) {
        t->part = part(s, 0, length <= 0 ? 0 : length);
        return OV_OK;
    }
    if (length > MAX_TEXT)
        return too_long(c, err);
    bool on_left = c->e->fn->name[0] == 'L';
    if (!on_left)
        ov_buf_add_slice(&t->made, s);
    int64_t unit = (int64_t)ov_utf16_count(with), missing = length - have;
    for (; missing >= unit; missing -= unit)
        ov_buf_add_slice(&t->made, with);
    ov_buf_add_slice(&t->made, part(with, 0, missing));
    if (on_left)
        ov_buf_add_slice(&t->made, s);
    return OV_OK;
}

static bool in_set(ov_slice set, const char *from, const char *to)
{
    for (const char *at = set.p, *end = set.p + set.n; at < end;) {
        const char *start = at;
        ov_utf8_next(&at, end);
        if (at - start == to - from && memcmp(start, from, (size_t)(to - from)) == 0)
            return true;
    }
    return false;
}

/* TRIM and BTRIM both ends, LTRIM and RTRIM one. */
static ov_status trim(ovi_call *c, uint32_t row, ovi_text *t, ov_error *err)
{
    (void)err;
    ov_slice s = ovi_str(&c->arg[0], row), set = {" ", 1};
    if (c->argc == 2)
        set = ovi_str(&c->arg[1], row);
    const char *at = s.p, *end = s.p + s.n;
    char kind = c->e->fn->name[0];
    while (kind != 'R' && at < end) {
        const char *next = at;
        ov_utf8_next(&next, end);
        if (!in_set(set, at, next))
            break;
        at = next;
    }
    while (kind != 'L' && at < end) {
        const char *last = end - 1;
        while (last > at && ((unsigned char)*last & 0xC0) == 0x80)
            last--;
        if (!in_set(set, last, end))
            break;
        end = last;
    }
    t->part = at < end ? ov_slice_make(at, (size_t)(end - at)) : empty;
    return OV_OK;
}

static ov_status replace(ovi_call *c, uint32_t row, ovi_text *t, ov_error *err)
{
    ov_slice s = ovi_str(&c->arg[0], row), from = ovi_str(&c->arg[1], row), to = ovi_str(&c->arg[2], row);
    const char *at = s.p, *end = s.p + s.n;
    if (from.n == 0) { /* before every character and at the end, as Java does */
        while (at < end) {
            const char *start = at;
            ov_utf8_next(&at, end);
            ov_buf_add_slice(&t->made, to);
            ov_buf_add(&t->made, start, (size_t)(at - start));
        }
        ov_buf_add_slice(&t->made, to);
        return t->made.n > MAX_TEXT ? too_long(c, err) : OV_OK;
    }
    const char *hit = s.n ? memmem(at, s.n, from.p, from.n) : NULL;
    if (!hit) {
        t->part = s.n ? s : empty;
        return OV_OK;
    }
    for (; hit; hit = memmem(at, (size_t)(end - at), from.p, from.n)) {
        ov_buf_add(&t->made, at, (size_t)(hit - at));
        ov_buf_add_slice(&t->made, to);
        at = hit + from.n;
        if (t->made.n > MAX_TEXT)
            return too_long(c, err);
    }
    ov_buf_add(&t->made, at, (size_t)(end - at));
    return OV_OK;
}

/* REPEAT fewer than one time is NULL. */
static ov_status repeat(ovi_call *c, uint32_t row, ovi_text *t, ov_error *err)
{
    ov_slice s = ovi_str(&c->arg[0], row);
    int64_t times = ovi_i64(&c->arg[1], row);
    t->is_null = times < 1;
    if (s.n && times > (int64_t)(MAX_TEXT / s.n))
        return too_long(c, err);
    for (int64_t i = 0; s.n && i < times; i++)
        ov_buf_add_slice(&t->made, s);
    return OV_OK;
}

#define TEXT_FUNCTION(name)                                                                        \
    ov_status ovi_eval_##name(ovi_call *c, ov_vec *out, ov_error *err)                             \
    {                                                                                              \
        return ovi_map_text(c, name, out, err);                                                        \
    }
TEXT_FUNCTION(upper)
TEXT_FUNCTION(lower)
TEXT_FUNCTION(reverse)
TEXT_FUNCTION(initcap)
TEXT_FUNCTION(concat)
TEXT_FUNCTION(substring)
TEXT_FUNCTION(left)
TEXT_FUNCTION(right)
TEXT_FUNCTION(pad)
TEXT_FUNCTION(trim)
TEXT_FUNCTION(replace)
TEXT_FUNCTION(repeat)
#undef TEXT_FUNCTION

/* ---- others ---- */

/* Texts that lie side by side: what is not ASCII is looked for in the bytes of all of them, and only where it is found units are not bytes. */
static void lengths_of_stretch(const ov_slice *text, const uint32_t *rows, uint32_t n, int64_t *length)
{
    const char *end = text[rows[n - 1]].p + text[rows[n - 1]].n, *at = text[rows[0]].p;
    for (uint32_t k = 0; k < n; k++)
        length[rows[k]] = (int64_t)text[rows[k]].n;
    for (uint32_t k = 0; (at = ov_utf8_past_ascii(at, end)) < end; at = text[rows[k]].p + text[rows[k]].n) {
        while (at >= text[rows[k]].p + text[rows[k]].n)
            k++;
        length[rows[k]] = (int64_t)ov_utf16_count(text[rows[k]]);
    }
}

ov_status ovi_eval_length(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes(c, &l, err));
    if (n > 1 && c->arg[0].step == 1 && ovi_side_by_side(c->arg[0].s, rows, n))
        lengths_of_stretch(c->arg[0].s, rows, n, l.i);
    else
        for (uint32_t k = 0; k < n; k++)
            l.i[rows[k]] = (int64_t)ov_utf16_count(ovi_str(&c->arg[0], rows[k]));
    ovi_finish(c, &l, out);
    return OV_OK;
}

ov_status ovi_eval_ascii(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes(c, &l, err));
    for (uint32_t k = 0; k < n; k++) {
        ov_slice s = ovi_str(&c->arg[0], rows[k]);
        const char *at = s.p;
        l.i[rows[k]] = s.n ? (int64_t)ov_utf8_next(&at, s.p + s.n) : 0;
    }
    ovi_finish(c, &l, out);
    return OV_OK;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = ov_ascii_lower(c);
    return c >= 'a' && c <= 'z' ? c - 'a' + 10 : 99;
}

static bool parse_in_base(ov_slice s, int64_t base, int64_t *out)
{
    size_t i = 0;
    bool minus = s.n > 0 && s.p[0] == '-';
    i += minus || (s.n > 0 && s.p[0] == '+');
    if (base == 16 && s.n > i + 2 && s.p[i] == '0' && (s.p[i + 1] | 32) == 'x')
        i += 2; /* 0x is read over, as Druid does */
    if (i >= s.n || base < 2 || base > 36)
        return false;
    __int128 v = 0;
    for (; i < s.n; i++) {
        int d = digit_of(s.p[i]);
        if (d >= base)
            return false;
        v = v * base + d;
        if (v > (__int128)INT64_MAX + 1)
            return false;
    }
    v = minus ? -v : v;
    *out = (int64_t)v;
    return v <= INT64_MAX;
}

ov_status ovi_eval_parse_long(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes_nullable(c, &l, err));
    for (uint32_t k = 0; k < n; k++) {
        uint32_t r = rows[k];
        int64_t base = c->argc == 2 ? ovi_i64(&c->arg[1], r) : 10;
        if (!parse_in_base(ovi_str(&c->arg[0], r), base, &l.i[r]))
            ovi_null_row(&l, r);
    }
    ovi_finish(c, &l, out);
    return OV_OK;
}
