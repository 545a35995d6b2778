/*
 * Time and text: TIME_PARSE, TIME_FORMAT, TIME_IN_INTERVAL, and the extraction function `time`. Without a pattern text is ISO-8601; with one the letters are
 * Joda's. A text that does not parse is NULL.
 */
#include "query/expr/expr_int.h"

#include "base/icu_time.h"
#include "base/joda.h"

typedef struct pattern_info {
    const ov_joda *joda; /* NULL: ISO-8601 */
    const ov_tz *tz;
} pattern_info;

static ov_status bind_pattern(ovi_bind *b, const char *missing, ov_error *err)
{
    pattern_info *info;
    ov_slice pattern = ov_slice_cstr(missing ? missing : "");
    bool is_null = !missing;
    OV_TRY(ovi_prepare(b, sizeof *info, &info, err));
    if (b->argc >= 2) {
        ov_slice given;
        bool none;
        OV_TRY(ovi_const_text(b, 1, &given, &none, err));
        if (!none) {
            pattern = given;
            is_null = false;
        }
    }
    OV_TRY(ovi_zone_arg(b, 2, &info->tz, err));
    if (is_null)
        return OV_OK;
    ov_status st = ov_joda_compile(pattern, b->cx->arena, &info->joda, err);
    if (st == OV_INVALID) {
        err->has_pos = true;
        err->pos = b->pos;
        err->end_pos = b->end_pos;
    }
    return st;
}

/* (text[, pattern[, zone]]) */
ov_status ovi_bind_time_parse(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_text(b, 0, err));
    OV_TRY(bind_pattern(b, NULL, err));
    b->nullable = true;
    ovi_result(b, OV_SQL_TIMESTAMP);
    return OV_OK;
}

ov_status ovi_eval_time_parse(ovi_call *c, ov_vec *out, ov_error *err)
{
    const pattern_info *info = c->e->prepared;
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes_nullable(c, &l, err));
    for (uint32_t k = 0; k < n; k++) {
        uint32_t r = rows[k];
        bool ok = !ovi_arg_null(&c->arg[0], r);
        if (ok && info->joda)
            ok = ov_joda_try(info->joda, ovi_str(&c->arg[0], r), info->tz, &l.i[r]);
        else if (ok)
            ok = ov_iso_try(ovi_str(&c->arg[0], r), info->tz, &l.i[r]);
        if (!ok)
            ovi_null_row(&l, r);
    }
    ovi_finish(c, &l, out);
    return OV_OK;
}

/* (time[, pattern[, zone]]). Without a pattern SQL writes UTC as +00:00, the native timestamp_format as Z. */
ov_status ovi_bind_time_format(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_time(b, 0, err));
    bool native = b->fn->name[0] == '$';
    OV_TRY(bind_pattern(b, native ? NULL : "yyyy-MM-dd'T'HH:mm:ss.SSSZZ", err));
    b->nullable = b->args[0]->nullable;
    ovi_result(b, OV_SQL_VARCHAR);
    return OV_OK;
}

static ov_status time_format(ovi_call *c, uint32_t row, ovi_text *t, ov_error *err)
{
    const pattern_info *info = c->e->prepared;
    (void)err;
    t->is_null = ovi_arg_null(&c->arg[0], row);
    if (t->is_null)
        return OV_OK;
    if (info->joda)
        ov_joda_format(info->joda, ovi_i64(&c->arg[0], row), info->tz, &t->made);
    else
        ov_iso_add(&t->made, ovi_i64(&c->arg[0], row), info->tz);
    return OV_OK;
}

ov_status ovi_eval_time_format(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_map_text(c, time_format, out, err);
}

/* ---- one pattern for another ---- */

typedef struct rewrite_info {
    const ov_icu_time *from, *to;
} rewrite_info;

/* (text, pattern, pattern): the time that the first of ICU's patterns reads, as the second writes it; a text that it does not
 * read stays as it is. */
ov_status ovi_bind_time_rewrite(ovi_bind *b, ov_error *err)
{
    rewrite_info *info;
    ov_slice from, to;
    bool none;
    OV_TRY(ovi_want_text(b, 0, err));
    OV_TRY(ovi_const_text(b, 1, &from, &none, err));
    OV_TRY(ovi_const_text(b, 2, &to, &none, err));
    OV_TRY(ovi_prepare(b, sizeof *info, &info, err));
    OV_TRY(ov_icu_time_compile(from, true, b->cx->arena, &info->from, err));
    OV_TRY(ov_icu_time_compile(to, false, b->cx->arena, &info->to, err));
    b->nullable = b->args[0]->nullable;
    ovi_result(b, OV_SQL_VARCHAR);
    return OV_OK;
}

static ov_status time_rewrite(ovi_call *c, uint32_t row, ovi_text *t, ov_error *err)
{
    const rewrite_info *info = c->e->prepared;
    ov_icu_moment at;
    (void)err;
    t->is_null = ovi_arg_null(&c->arg[0], row);
    if (t->is_null)
        return OV_OK;
    if (ov_icu_time_read(info->from, ovi_str(&c->arg[0], row), &at))
        ov_icu_time_write(info->to, at, &t->made);
    else
        ov_buf_add_slice(&t->made, ovi_str(&c->arg[0], row));
    return OV_OK;
}

ov_status ovi_eval_time_rewrite(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_map_text(c, time_rewrite, out, err);
}

/* ---- TIME_IN_INTERVAL ---- */

/* a/b with times in the session's zone; either side may be a period. */
static ov_status read_interval(ov_slice text, const ov_tz *tz, int64_t *start, int64_t *end,
                               ov_error *err)
{
    const char *slash = text.n ? memchr(text.p, '/', text.n) : NULL;
    if (!slash)
        return ov_fail(err, OV_INVALID, "'" OV_SLICE_FMT "' is not an interval: it needs a '/'",
                       OV_SLICE_ARG(text));
    ov_slice a = {text.p, (size_t)(slash - text.p)};
    ov_slice b = {slash + 1, text.n - a.n - 1};
    ov_period period;
    bool first_is_period = a.n > 0 && a.p[0] == 'P', second_is_period = b.n > 0 && b.p[0] == 'P';
    if (first_is_period && second_is_period)
        return ov_fail(err, OV_INVALID, "'" OV_SLICE_FMT "' is not an interval: one side must be a time",
                       OV_SLICE_ARG(text));
    if (!first_is_period)
        OV_TRY(ov_iso_parse(a, tz, start, err));
    if (!second_is_period)
        OV_TRY(ov_iso_parse(b, tz, end, err));
    if (first_is_period || second_is_period)
        OV_TRY(ov_period_parse(first_is_period ? a : b, &period, err));
    if (first_is_period)
        OV_TRY(ov_period_shift(*end, &period, -1, tz, start, err));
    if (second_is_period)
        OV_TRY(ov_period_shift(*start, &period, 1, tz, end, err));
    if (*start > *end)
        return ov_fail(err, OV_INVALID, "'" OV_SLICE_FMT "' is not an interval: it ends before it starts",
                       OV_SLICE_ARG(text));
    return OV_OK;
}

/* time >= start AND time < end, so that the planner sees plain bounds. */
ov_status ovi_bind_time_in_interval(ovi_bind *b, ov_error *err)
{
    ov_slice text;
    bool is_null;
    int64_t start, end;
    const ov_expr *edge, *both[2];
    OV_TRY(ovi_want_time(b, 0, err));
    OV_TRY(ovi_const_text(b, 1, &text, &is_null, err));
    ov_status st = read_interval(text, b->cx->tz, &start, &end, err);
    if (st != OV_OK) {
        err->has_pos = true;
        err->pos = b->pos;
        err->end_pos = b->end_pos;
        return st;
    }
    OV_TRY(ov_expr_i64(b->cx, OV_SQL_TIMESTAMP, start, &edge, err));
    OV_TRY(ovi_call_fn(b->cx, ">=", (const ov_expr *[]){b->args[0], edge}, 2, b->pos, b->end_pos,
                       &both[0], err));
    OV_TRY(ov_expr_i64(b->cx, OV_SQL_TIMESTAMP, end, &edge, err));
    OV_TRY(ovi_call_fn(b->cx, "<", (const ov_expr *[]){b->args[0], edge}, 2, b->pos, b->end_pos,
                       &both[1], err));
    return ovi_call_fn(b->cx, "AND", both, 2, b->pos, b->end_pos, &b->replace, err);
}
