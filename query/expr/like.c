/*
 * LIKE patterns: % any text, _ one UTF-16 unit (Java's char, as Druid matches), an optional escape. A pattern becomes
 * pieces of plain text and single-character gaps between runs of %; the common shapes (text, text%, %text, %text%) are
 * memcmp and memmem.
 */
#include "query/expr/expr_int.h"

#include "base/utf8.h"

/* Text between two %: literal bytes and `_`. */
typedef struct like_piece {
    ov_slice text;     /* bytes; one NUL-free code point per `_`, marked in `any` */
    const uint8_t *any; /* per byte: 1 where a `_` stands (its byte is a placeholder); NULL when there is none */
} like_piece;

struct ovi_like {
    uint32_t count;
    bool open_start, open_end; /* a % before the first piece, after the last */
    like_piece piece[];
};

static void add_code_point(char *text, size_t *n, const char *from, const char *to)
{
    memcpy(text + *n, from, (size_t)(to - from));
    *n += (size_t)(to - from);
}

ov_status ovi_like_compile(ov_arena *a, ov_slice pattern, int32_t escape, const ovi_like **out,
                           ov_error *err)
{
    ovi_like *like;
    char *text;
    uint8_t *any;
    OV_TRY(ov_arena_zalloc(a, sizeof *like + (pattern.n + 1) * sizeof *like->piece, &like, err));
    OV_TRY(ov_arena_alloc(a, pattern.n + 1, &text, err));
    OV_TRY(ov_arena_zalloc(a, pattern.n + 1, &any, err));
    size_t n = 0, start = 0;
    bool gaps = false, percent = false;
    const char *at = pattern.p, *end = pattern.p + pattern.n;
    while (at < end) {
        const char *from = at;
        uint32_t c = ov_utf8_next(&at, end);
        if (escape >= 0 && c == (uint32_t)escape) {
            if (at == end)
                return ov_fail(err, OV_INVALID,
                               "the LIKE pattern '" OV_SLICE_FMT
                               "' ends in its escape character: write it twice to mean itself",
                               OV_SLICE_ARG(pattern));
            from = at;
            ov_utf8_next(&at, end);
            add_code_point(text, &n, from, at);
            percent = false;
            continue;
        }
        if (c != '%') {
            gaps = gaps || c == '_';
            any[n] = c == '_';
            add_code_point(text, &n, from, at);
            percent = false;
            continue;
        }
        if (!percent && n > start) {
            like->piece[like->count++] =
                (like_piece){ov_slice_make(text + start, n - start), gaps ? any + start : NULL};
            start = n;
            gaps = false;
        } else if (n == 0 && like->count == 0) {
            like->open_start = true;
        }
        percent = true;
    }
    if (n > start)
        like->piece[like->count++] =
            (like_piece){ov_slice_make(text + start, n - start), gaps ? any + start : NULL};
    like->open_end = percent;
    *out = like;
    return OV_OK;
}

/* Does p match at the start of [at, end)? Returns where it stops, NULL when not. `half` tells that the first unit of a
 * surrogate pair is already taken. */
static const char *match_piece(const like_piece *p, const char *at, const char *end)
{
    if (!p->any)
        return (size_t)(end - at) >= p->text.n && memcmp(at, p->text.p, p->text.n) == 0
                   ? at + p->text.n
                   : NULL;
    for (size_t i = 0; i < p->text.n; i++) {
        if (at == end)
            return NULL;
        if (!p->any[i]) {
            if (*at++ != p->text.p[i])
                return NULL;
            continue;
        }
        uint32_t c = ov_utf8_next(&at, end);
        if (c > 0xFFFF) { /* two units: the next `_` takes the second */
            if (i + 1 >= p->text.n || !p->any[i + 1])
                return NULL;
            i++;
        }
    }
    return at;
}

static const char *find_piece(const like_piece *p, const char *at, const char *end)
{
    if (!p->any) {
        const char *hit = memmem(at, (size_t)(end - at), p->text.p, p->text.n);
        return hit ? hit + p->text.n : NULL;
    }
    for (;; ov_utf8_next(&at, end)) {
        const char *stop = match_piece(p, at, end);
        if (stop || at == end)
            return stop;
    }
}

/* p must match exactly up to the end of [at, end): try the only start that fits, or all starts when `_` makes the
 * length of text vary. */
static bool match_tail(const like_piece *p, const char *at, const char *end)
{
    if (!p->any)
        return (size_t)(end - at) >= p->text.n &&
               memcmp(end - p->text.n, p->text.p, p->text.n) == 0;
    for (;; ov_utf8_next(&at, end)) {
        if (match_piece(p, at, end) == end)
            return true;
        if (at == end)
            return false;
    }
}

bool ovi_like_match(const ovi_like *like, ov_slice s)
{
    const char *at = s.p, *end = s.p + s.n;
    uint32_t i = 0, n = like->count;
    if (n == 0)
        return like->open_start || like->open_end || s.n == 0;
    if (!like->open_start) {
        at = match_piece(&like->piece[i++], at, end);
        if (!at || (i == n && !like->open_end))
            return at == end;
    }
    uint32_t last = like->open_end ? n : n - 1;
    for (; i < last; i++) {
        at = find_piece(&like->piece[i], at, end);
        if (!at)
            return false;
    }
    return i == n || match_tail(&like->piece[i], at, end);
}

ov_slice ovi_like_prefix(const ovi_like *like, bool *exact, bool *any)
{
    *exact = *any = false;
    if (like->count == 0) {
        *exact = !like->open_start && !like->open_end;
        *any = !*exact;
        return (ov_slice){"", 0};
    }
    if (like->count == 1 && !like->open_start && !like->piece[0].any) {
        *exact = !like->open_end;
        *any = like->open_end;
        return like->piece[0].text;
    }
    return (ov_slice){"", 0};
}

ov_slice ovi_like_longest(const ovi_like *like)
{
    ov_slice longest = {0};
    for (uint32_t i = 0; i < like->count; i++)
        if (!like->piece[i].any && like->piece[i].text.n > longest.n)
            longest = like->piece[i].text;
    return longest;
}

const ovi_like *ovi_like_of(const ov_expr *e)
{
    return ov_expr_op(e) == OV_OP_LIKE ? e->prepared : NULL;
}

/* ---- the operator ---- */

static ov_status escape_of(ovi_bind *b, int32_t *escape, ov_error *err)
{
    ov_slice s;
    bool is_null;
    *escape = -1;
    if (b->argc < 3)
        return OV_OK;
    OV_TRY(ovi_const_text(b, 2, &s, &is_null, err));
    const char *at = s.p;
    if (!is_null && s.n > 0)
        *escape = (int32_t)ov_utf8_next(&at, s.p + s.n);
    if (is_null || s.n == 0 || at != s.p + s.n)
        return ov_fail_at(err, OV_INVALID, b->pos, b->end_pos,
                          "Invalid escape character '" OV_SLICE_FMT "': it must be one character",
                          OV_SLICE_ARG(s));
    return OV_OK;
}

/* value LIKE pattern [ESCAPE c] */
ov_status ovi_bind_like(ovi_bind *b, ov_error *err)
{
    int32_t escape;
    OV_TRY(ovi_want_text(b, 0, err));
    OV_TRY(ovi_want_text(b, 1, err));
    OV_TRY(escape_of(b, &escape, err));
    if (strncmp(b->fn->name, "NOT", 3) == 0) {
        const ov_expr *like;
        OV_TRY(ovi_call_fn(b->cx, "LIKE", b->args, b->argc, b->pos, b->end_pos, &like, err));
        return ovi_call_fn(b->cx, "NOT", &like, 1, b->pos, b->end_pos, &b->replace, err);
    }
    ovi_result(b, OV_SQL_BOOLEAN);
    if (ovi_is_const(b->args[1]) && !ovi_is_null(b->args[1])) {
        const ovi_like *like;
        OV_TRY(ovi_like_compile(b->cx->arena, b->args[1]->constant.s, escape, &like, err));
        b->prepared = like;
    }
    return OV_OK;
}

ov_status ovi_test_like(ovi_call *c, uint64_t *is_true, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    const ovi_like *like = c->e->prepared;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    if (like && ovi_like_stretch(like, &c->arg[0], rows, n, is_true))
        return OV_OK;
    int32_t escape = -1;
    if (!like && c->argc == 3 && n > 0) {
        ov_slice s = ovi_str(&c->arg[2], rows[0]);
        const char *at = s.p;
        escape = (int32_t)ov_utf8_next(&at, s.p + s.n);
    }
    for (uint32_t k = 0; k < n; k++) {
        uint32_t r = rows[k];
        const ovi_like *one = like;
        if (!one)
            OV_TRY(ovi_like_compile(&c->ev->mem, ovi_str(&c->arg[1], r), escape, &one, err));
        if (ovi_like_match(one, ovi_str(&c->arg[0], r)))
            ov_bits_set(is_true, r);
    }
    return OV_OK;
}
