/*
 * REGEXP_LIKE, REGEXP_EXTRACT, REGEXP_REPLACE, and lists by pattern (STRING_TO_ARRAY, MV_FILTER_REGEX): the door to PCRE2.
 *
 * Druid's patterns are Java's. PCRE2 reads nearly all of them alike; the rest is translated (java_pattern.h) or refused,
 * never misread. A match that needs too many steps is an error, not a hang. Compiled
 * patterns are shared by all workers; match data are each call's own.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "query/expr/java_pattern.h"
#include "query/expr/list_int.h"

#include <pcre2.h>

enum {
    MAX_STEPS = 1000000,     /* backtracks of one match */
    ASK_EVERY = 4,           /* matches between questions whether the query still lives: the worst take 20 ms each */
    MAX_HEAP_KIB = 64 * 1024,
    MAX_TEXT = 64 * 1024 * 1024,
    MAX_PATTERN = 64 * 1024,
};

typedef struct regex {
    pcre2_code *code;
    pcre2_match_context *limits;
    uint32_t groups;
    uint32_t group; /* REGEXP_EXTRACT's index */
    bool once;      /* it matches at the beginning or nowhere */
} regex;

static void regex_free(void *arg)
{
    regex *re = arg;
    pcre2_code_free(re->code);
    pcre2_match_context_free(re->limits);
}

/* ---- binding ---- */

static ov_status compile_translated(ovi_bind *b, ov_slice pattern, ov_slice text, regex *re, ov_error *err)
{
    int code;
    PCRE2_SIZE offset;
    pcre2_compile_context *cx = pcre2_compile_context_create(NULL);
    if (!cx)
        return ov_fail_nomem(err, 0);
    pcre2_set_newline(cx, PCRE2_NEWLINE_ANY);
    re->code = pcre2_compile((PCRE2_SPTR)(text.p ? text.p : ""), text.n, PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C,
                             &code, &offset, cx);
    pcre2_compile_context_free(cx);
    if (!re->code) {
        PCRE2_UCHAR why[200];
        pcre2_get_error_message(code, why, sizeof why);
        return ov_fail_at(err, OV_INVALID, b->pos, b->end_pos,
                          "An invalid pattern [" OV_SLICE_FMT "] was provided for the %s function, error: [%s near "
                          "index %zu]",
                          OV_SLICE_ARG(pattern), b->fn->name, (const char *)why, (size_t)offset);
    }
    re->limits = pcre2_match_context_create(NULL);
    if (!re->limits) {
        pcre2_code_free(re->code);
        return ov_fail_nomem(err, 0);
    }
    pcre2_set_match_limit(re->limits, MAX_STEPS);
    pcre2_set_heap_limit(re->limits, MAX_HEAP_KIB);
    pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE); /* without it matching is only slower */
    pcre2_pattern_info(re->code, PCRE2_INFO_CAPTURECOUNT, &re->groups);
    uint32_t options = 0; /* anchored are also \G and, where dots take line ends, a leading .*, so the text is looked at, too */
    pcre2_pattern_info(re->code, PCRE2_INFO_ALLOPTIONS, &options);
    re->once = options & PCRE2_ANCHORED && text.n && text.p[0] == '^' && !memchr(text.p, '|', text.n);
    return ov_arena_on_exit(b->cx->arena, regex_free, re, err);
}

static ov_status compile_pattern(ovi_bind *b, regex **out, ov_error *err)
{
    ov_slice pattern;
    bool is_null;
    OV_TRY(ovi_const_text(b, 1, &pattern, &is_null, err));
    OV_TRY(ovi_prepare(b, sizeof **out, out, err));
    if (is_null)
        return OV_OK; /* the call is NULL without looking */
    if (pattern.n > MAX_PATTERN)
        return ov_fail_at(err, OV_LIMIT, b->pos, b->end_pos, "%s: the pattern is longer than 64 KiB", b->fn->name);
    ov_buf text;
    ov_buf_init(&text);
    const char *refused = ovi_java_pattern(pattern, &text);
    ov_status st = OV_OK;
    if (refused)
        st = ov_fail_at(err, OV_UNSUPPORTED, b->pos, b->end_pos, "%s: %s is not supported in patterns", b->fn->name,
                        refused);
    if (st == OV_OK)
        st = ov_buf_check(&text, err);
    if (st == OV_OK)
        st = compile_translated(b, pattern, ov_buf_slice(&text), *out, err);
    ov_buf_fini(&text);
    return st;
}

static ov_status bind_pattern(ovi_bind *b, regex **out, ov_error *err)
{
    OV_TRY(ovi_want_text(b, 0, err));
    return compile_pattern(b, out, err);
}

ov_status ovi_bind_regexp_like(ovi_bind *b, ov_error *err)
{
    regex *re;
    OV_TRY(bind_pattern(b, &re, err));
    ovi_result(b, OV_SQL_BOOLEAN);
    return OV_OK;
}

/* (text, pattern[, group]) */
ov_status ovi_bind_regexp_extract(ovi_bind *b, ov_error *err)
{
    regex *re;
    int64_t group = 0;
    bool is_null = false;
    OV_TRY(bind_pattern(b, &re, err));
    if (b->argc == 3)
        OV_TRY(ovi_const_long(b, 2, &group, &is_null, err));
    if (group < 0 || (re->code && group > re->groups))
        return ov_fail_at(err, OV_INVALID, b->pos, b->end_pos,
                          "REGEXP_EXTRACT: there is no group %lld, the pattern has %u", (long long)group, re->groups);
    re->group = (uint32_t)group;
    b->nullable = true;
    ovi_result(b, OV_SQL_VARCHAR);
    return OV_OK;
}

/* (text, pattern, replacement) */
ov_status ovi_bind_regexp_replace(ovi_bind *b, ov_error *err)
{
    regex *re;
    OV_TRY(bind_pattern(b, &re, err));
    OV_TRY(ovi_want_text(b, 2, err));
    ovi_result(b, OV_SQL_VARCHAR);
    return OV_OK;
}

/* ---- matching ---- */

typedef struct matcher {
    const regex *re;
    pcre2_match_data *data;
    const ovi_call *call;
    uint32_t matches;
} matcher;

static ov_status matcher_init(matcher *m, const ovi_call *c, ov_error *err)
{
    *m = (matcher){.re = c->e->prepared, .call = c};
    m->data = pcre2_match_data_create_from_pattern(m->re->code, NULL);
    return m->data ? OV_OK : ov_fail_nomem(err, 0);
}

/* *found tells; the error is a match that went on for too long. */
static ov_status find(matcher *m, ov_slice s, size_t from, uint32_t options, bool *found, ov_error *err)
{
    if (m->call->ev && m->matches++ % ASK_EVERY == 0)
        OV_TRY(ovi_alive(m->call->ev, err));
    int rc = pcre2_match(m->re->code, (PCRE2_SPTR)(s.p ? s.p : ""), s.n, from, options, m->data, m->re->limits);
    *found = rc >= 0;
    if (rc >= 0 || rc == PCRE2_ERROR_NOMATCH)
        return OV_OK;
    const ov_expr *e = m->call->e;
    if (rc == PCRE2_ERROR_MATCHLIMIT || rc == PCRE2_ERROR_HEAPLIMIT || rc == PCRE2_ERROR_DEPTHLIMIT ||
        rc == PCRE2_ERROR_JIT_STACKLIMIT)
        return ov_fail_at(err, OV_LIMIT, e->pos, e->end_pos,
                          "%s: matching a text of %zu bytes took more than %d steps: the pattern backtracks too much",
                          e->fn->name, s.n, MAX_STEPS);
    PCRE2_UCHAR why[200];
    pcre2_get_error_message(rc, why, sizeof why);
    return ov_fail_at(err, OV_INTERNAL, e->pos, e->end_pos, "%s: %s", e->fn->name, (const char *)why);
}

ov_status ovi_test_regexp_like(ovi_call *c, uint64_t *is_true, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    matcher m;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    if (n == 0)
        return OV_OK;
    OV_TRY(matcher_init(&m, c, err));
    ov_status st = OV_OK;
    for (uint32_t k = 0; k < n && st == OV_OK; k++) {
        bool found;
        st = find(&m, ovi_str(&c->arg[0], rows[k]), 0, 0, &found, err);
        if (st == OV_OK && found)
            ov_bits_set(is_true, rows[k]);
    }
    pcre2_match_data_free(m.data);
    return st;
}

static ov_slice group_text(const matcher *m, ov_slice s, uint32_t group)
{
    const PCRE2_SIZE *v = pcre2_get_ovector_pointer(m->data);
    if (group >= pcre2_get_ovector_count(m->data) || v[2 * group] == PCRE2_UNSET)
        return (ov_slice){0};
    size_t from = v[2 * group], to = v[2 * group + 1];
    return to > from ? ov_slice_make(s.p + from, to - from) : (ov_slice){"", 0};
}

ov_status ovi_eval_regexp_extract(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    matcher m = {0};
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes_nullable(c, &l, err));
    if (n)
        OV_TRY(matcher_init(&m, c, err));
    ov_status st = OV_OK;
    for (uint32_t k = 0; k < n && st == OV_OK; k++) {
        uint32_t r = rows[k];
        bool found;
        ov_slice s = ovi_str(&c->arg[0], r);
        st = find(&m, s, 0, 0, &found, err);
        if (st == OV_OK && found)
            l.s[r] = group_text(&m, s, m.re->group);
        if (st == OV_OK && (!found || !l.s[r].p))
            ovi_null_row(&l, r);
    }
    pcre2_match_data_free(m.data);
    ovi_finish(c, &l, out);
    return st;
}

/* ---- replacing ---- */

static ov_status bad_replacement(const matcher *m, const char *why, ov_error *err)
{
    const ov_expr *e = m->call->e;
    return ov_fail_at(err, OV_INVALID, e->pos, e->end_pos, "REGEXP_REPLACE: %s in the replacement", why);
}

/* $n (as many digits as make a group there is) or ${name}; *at points behind the $. */
static ov_status add_group(matcher *m, ov_slice s, const char **at, const char *end, ov_buf *out, ov_error *err)
{
    if (*at < end && **at == '{') {
        char name[64];
        const char *close = memchr(*at, '}', (size_t)(end - *at));
        size_t n = close ? (size_t)(close - *at) - 1 : 0;
        if (!close || n == 0 || n >= sizeof name)
            return bad_replacement(m, "an unfinished ${name}", err);
        memcpy(name, *at + 1, n);
        name[n] = 0;
        int group = pcre2_substring_number_from_name(m->re->code, (PCRE2_SPTR)name);
        if (group < 0)
            return bad_replacement(m, "a ${name} that is no group of the pattern", err);
        ov_buf_add_slice(out, group_text(m, s, (uint32_t)group));
        *at = close + 1;
        return OV_OK;
    }
    if (*at >= end || **at < '0' || **at > '9')
        return bad_replacement(m, "a $ that no group number follows (write \\$ for the sign itself)", err);
    uint32_t group = (uint32_t)(*(*at)++ - '0');
    if (group > m->re->groups)
        return bad_replacement(m, "a $n that is no group of the pattern", err);
    while (*at < end && **at >= '0' && **at <= '9' && group * 10 + (uint32_t)(**at - '0') <= m->re->groups)
        group = group * 10 + (uint32_t)(*(*at)++ - '0');
    ov_buf_add_slice(out, group_text(m, s, group));
    return OV_OK;
}

static ov_status add_replacement(matcher *m, ov_slice s, ov_slice with, ov_buf *out, ov_error *err)
{
    for (const char *at = with.p, *end = with.p + with.n; at < end;) {
        char c = *at++;
        if (c == '$') {
            OV_TRY(add_group(m, s, &at, end, out, err));
            continue;
        }
        if (c == '\\') {
            if (at == end)
                return bad_replacement(m, "a \\ that nothing follows", err);
            c = *at++;
        }
        ov_buf_add_char(out, c);
    }
    return OV_OK;
}

/* All matches, as Java's replaceAll: an empty match moves on by one character. */
static ov_status replace_all(matcher *m, ov_slice s, ov_slice with, ov_buf *out, bool *changed, ov_error *err)
{
    size_t at = 0, copied = 0;
    *changed = false;
    while (at <= s.n) {
        bool found;
        OV_TRY(find(m, s, at, 0, &found, err));
        if (!found)
            break;
        const PCRE2_SIZE *v = pcre2_get_ovector_pointer(m->data);
        size_t from = v[0], to = v[1];
        if (from < copied)
            break; /* \K-like oddities are refused above; be safe */
        *changed = true;
        ov_buf_add(out, s.p + copied, from - copied);
        OV_TRY(add_replacement(m, s, with, out, err));
        copied = to;
        at = to;
        if (m->re->once)
            break;
        if (to == from) {
            at++;
            while (at < s.n && ((unsigned char)s.p[at] & 0xC0) == 0x80)
                at++;
        }
        if (out->n > MAX_TEXT)
            return ov_fail_at(err, OV_LIMIT, m->call->e->pos, m->call->e->end_pos,
                              "REGEXP_REPLACE would make a text of more than 64 MiB");
    }
    if (*changed)
        ov_buf_add(out, s.p + copied, s.n - copied);
    return OV_OK;
}

ov_status ovi_eval_regexp_replace(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    matcher m = {0};
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes(c, &l, err));
    if (n)
        OV_TRY(matcher_init(&m, c, err));
    ov_buf buf;
    ov_buf_init(&buf);
    ov_status st = OV_OK;
    for (uint32_t k = 0; k < n && st == OV_OK; k++) {
        uint32_t r = rows[k];
        bool changed;
        ov_slice s = ovi_str(&c->arg[0], r);
        if (!s.p)
            s.p = "";
        ov_buf_clear(&buf);
        st = replace_all(&m, s, ovi_str(&c->arg[2], r), &buf, &changed, err);
        l.s[r] = s;
        if (st == OV_OK && changed)
            st = ovi_keep_text(c, &buf, &l.s[r], err);
    }
    ov_buf_fini(&buf);
    pcre2_match_data_free(m.data);
    ovi_finish(c, &l, out);
    return st;
}

/* ---- lists ---- */

ov_status ovi_bind_string_to_list(ovi_bind *b, ov_error *err)
{
    regex *re;
    OV_TRY(bind_pattern(b, &re, err));
    if (strcmp(b->fn->name, "STRING_TO_MV") == 0)
        ovi_result_multi(b);
    else
        ovi_result_array(b, OV_T(OV_TYPE_STRING), OV_SQL_VARCHAR);
    return OV_OK;
}

static ov_status add_part(ovi_list *l, ov_slice s, size_t from, size_t to, ov_error *err)
{
    uint32_t at;
    OV_TRY(ovi_list_add(l, &at, err));
    l->lanes.s[at] = to > from ? ov_slice_make(s.p + from, to - from) : (ov_slice){"", 0};
    return OV_OK;
}

/* The parts between the matches, as Java's String.split: an empty match at the beginning and empty parts at the end do not
 * count. */
static ov_status split(matcher *m, ov_slice s, ovi_list *l, ov_error *err)
{
    uint32_t before = l->lanes.rows;
    size_t part = 0;
    for (size_t from = 0; from <= s.n;) {
        bool found;
        OV_TRY(find(m, s, from, 0, &found, err));
        if (!found)
            break;
        const PCRE2_SIZE *v = pcre2_get_ovector_pointer(m->data);
        size_t start = v[0], end = v[1];
        from = end;
        if (end == start)
            for (from++; from < s.n && ((unsigned char)s.p[from] & 0xC0) == 0x80;)
                from++;
        if (end == 0)
            continue;
        OV_TRY(add_part(l, s, part, start, err));
        part = end;
    }
    OV_TRY(add_part(l, s, part, s.n, err));
    while (part > 0 && l->lanes.rows > before && l->lanes.s[l->lanes.rows - 1].n == 0)
        l->lanes.rows--;
    return OV_OK;
}

/* A list for each selected row, which `fill` puts its items into. */
static ov_status lists_by_row(ovi_call *c, ov_status (*fill)(matcher *m, uint32_t row, ovi_list *l, ov_error *err), ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    matcher m = {0};
    ovi_list l;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_list_init(&l, c, OV_T(OV_TYPE_STRING), err));
    if (n)
        OV_TRY(matcher_init(&m, c, err));
    ov_status st = OV_OK;
    for (uint32_t k = 0; k < n && st == OV_OK; k++)
        st = fill(&m, rows[k], &l, err);
    pcre2_match_data_free(m.data);
    return st == OV_OK ? ovi_list_finish(&l, out, err) : st;
}

static ov_status split_row(matcher *m, uint32_t row, ovi_list *l, ov_error *err)
{
    ovi_list_row(l, row);
    return split(m, ovi_str(&m->call->arg[0], row), l, err);
}

ov_status ovi_eval_string_to_list(ovi_call *c, ov_vec *out, ov_error *err)
{
    return lists_by_row(c, split_row, out, err);
}

ov_status ovi_bind_mv_filter_regex(ovi_bind *b, ov_error *err)
{
    regex *re;
    OV_TRY(ovi_want_list_of(b, 0, OV_SQL_VARCHAR, err));
    OV_TRY(compile_pattern(b, &re, err));
    ovi_result_multi(b);
    b->nullable = true;
    return OV_OK;
}

static ov_status keep_matching(matcher *m, uint32_t row, ovi_list *l, ov_error *err)
{
    ovi_items items = ovi_items_of(&m->call->arg[0], row);
    for (uint32_t i = items.first; i < items.end; i++) {
        bool found = false;
        if (!ov_vec_is_null(items.vec, i))
            OV_TRY(find(m, ov_vec_str(items.vec, i), 0, 0, &found, err));
        if (!found)
            continue;
        ovi_list_row(l, row); /* a row without values stays NULL */
        OV_TRY(ovi_list_put(l, items.vec, i, err));
    }
    return OV_OK;
}

ov_status ovi_eval_mv_filter_regex(ovi_call *c, ov_vec *out, ov_error *err)
{
    return lists_by_row(c, keep_matching, out, err);
}
