/*
 * CAST. Most casts between names of one native type are only a new name on the same value; the rest convert value by
 * value. A text that does not say what is wanted becomes NULL; a literal that is no time is refused when the
 * query is bound.
 */
#include "query/expr/expr_int.h"

#include "base/numfmt.h"
#include "base/numparse.h"

#include <math.h>

/* ---- conversions of one value ---- */

int64_t ovi_double_to_long(double v)
{
    if (isnan(v))
        return 0;
    if (v >= 0x1p63)
        return INT64_MAX;
    if (v < -0x1p63)
        return INT64_MIN;
    return (int64_t)v;
}

bool ovi_text_to_double(ov_slice s, double *out)
{
    bool truth;
    if (ov_parse_double_java(s, out))
        return true;
    if (!ov_parse_bool(s, &truth))
        return false;
    *out = truth;
    return true;
}

bool ovi_text_to_long(ov_slice s, int64_t *out)
{
    double f;
    if (ov_parse_i64(s, out))
        return true;
    if (!ovi_text_to_double(s, &f))
        return false;
    *out = ovi_double_to_long(f);
    return true;
}

bool ovi_text_to_bool(ov_slice s, int64_t *out)
{
    double f;
    if (!ovi_text_to_double(s, &f))
        return false;
    *out = f > 0;
    return true;
}

bool ovi_text_to_time(ov_slice s, const ov_tz *tz, int64_t *out)
{
    return ov_iso_try(s, tz, out);
}

/* ---- binding ---- */

typedef struct cast_info {
    ov_sqltype from;
    const ov_tz *tz;
} cast_info;

static ov_status to_date(ovi_bind *b, const ov_expr *time, ov_error *err)
{
    const ov_expr *period, *day;
    OV_TRY(ov_expr_str(b->cx, OV_SQL_VARCHAR, OV_SLICE_LIT("P1D"), &period, err));
    OV_TRY(ovi_call_fn(b->cx, "TIME_FLOOR", (const ov_expr *[]){time, period}, 2, b->pos, b->end_pos,
                       &day, err));
    return ov_expr_retype(b->cx, day, OV_SQL_DATE, &b->replace, err);
}

static ov_status to_bool(ovi_bind *b, const ov_expr *number, ov_error *err)
{
    const ov_expr *zero;
    OV_TRY(ov_expr_i64(b->cx, OV_SQL_BIGINT, 0, &zero, err));
    return ovi_call_fn(b->cx, ">", (const ov_expr *[]){number, zero}, 2, b->pos, b->end_pos,
                       &b->replace, err);
}

/* A literal must be a time. */
static ov_status check_literal(const ovi_bind *b, const ov_expr *e, ov_error *err)
{
    int64_t ms;
    if (!ovi_is_const(e) || ovi_text_to_time(e->constant.s, b->cx->tz, &ms))
        return OV_OK;
    return ov_fail_at(err, OV_INVALID, b->pos, b->end_pos,
                      "Illegal %s constant [CAST('" OV_SLICE_FMT "'):%s NOT NULL]; write %s",
                      ov_sqltype_name(b->sql), OV_SLICE_ARG(e->constant.s),
                      b->sql == OV_SQL_DATE ? "DATE" : "TIMESTAMP(3)",
                      b->sql == OV_SQL_DATE ? "'2000-01-02'" : "'2000-01-02 03:04:05' or '2000-01-02T03:04:05Z'");
}

static ov_status bind_from_text(ovi_bind *b, const ov_expr *e, ov_error *err)
{
    if (!ov_sqltype_is_datetime(b->sql))
        return OV_OK;
    OV_TRY(check_literal(b, e, err));
    if (b->sql == OV_SQL_DATE) {
        const ov_expr *time;
        OV_TRY(ov_expr_cast(b->cx, e, OV_SQL_TIMESTAMP, OV_T(OV_TYPE_LONG), b->pos, b->end_pos,
                            &time, err));
        return to_date(b, time, err);
    }
    return OV_OK;
}

static bool is_interval(ov_sqltype t)
{
    return t == OV_SQL_INTERVAL_MS || t == OV_SQL_INTERVAL_MONTH;
}

/* Element by element. The new element type is known by its native name only. */
static ov_status cast_array(ovi_bind *b, const ov_expr *e, ov_error *err)
{
    static const uint8_t sql[] = {[OV_TYPE_LONG] = OV_SQL_BIGINT,
                                  [OV_TYPE_DOUBLE] = OV_SQL_DOUBLE,
                                  [OV_TYPE_FLOAT] = OV_SQL_FLOAT,
                                  [OV_TYPE_STRING] = OV_SQL_VARCHAR};
    if (b->type.elem > OV_TYPE_STRING || b->type.elem == OV_TYPE_NULL)
        return ov_fail_at(err, OV_UNSUPPORTED, b->pos, b->end_pos, "CAST to arrays of this type is not supported");
    if (ovi_is_null(e))
        return ovi_null_of(b->cx, OV_SQL_ARRAY, b->type, &b->replace, err);
    return ovi_each_cast(b->cx, e, (ov_sqltype)sql[b->type.elem], b->pos, b->end_pos, &b->replace, err);
}

ov_status ovi_bind_cast(ovi_bind *b, ov_error *err)
{
    const ov_expr *e = b->args[0];
    ov_sqltype from = (ov_sqltype)e->sql, to = b->sql;
    if (from == to && ov_type_eq(e->type, b->type)) {
        b->replace = e;
        return OV_OK;
    }
    if (to == OV_SQL_ARRAY && ov_type_is_list(b->type) && (e->type.id == OV_TYPE_ARRAY || ovi_is_null(e)))
        return cast_array(b, e, err);
    if (e->type.multi && ov_sqltype_is_text(to)) /* lists have no width */
        return ov_expr_retype(b->cx, e, OV_SQL_VARCHAR, &b->replace, err);
    if (e->type.id == OV_TYPE_COMPLEX)
        return ov_fail_at(err, OV_INVALID, b->pos, b->end_pos, "Cast function cannot convert value of type %s to type %s%s",
                          ov_expr_type_name(e, (char[OV_EXPR_TYPE_NAME]){0}), ov_sqltype_name(to), ovi_json_hint(&e, 1));
    if (ov_type_is_list(e->type) || ov_type_is_list(b->type) ||
        to == OV_SQL_OTHER || to == OV_SQL_NULL)
        return ov_fail_at(err, OV_UNSUPPORTED, b->pos, b->end_pos,
                          "CAST from %s to %s is not supported", ov_sqltype_name(from),
                          ov_sqltype_name(to));
    if (ovi_is_null(e) || from == OV_SQL_NULL)
        return ov_expr_null(b->cx, to, &b->replace, err);
    if (is_interval(from) != is_interval(to) && !ov_sqltype_is_integer(from) &&
        !ov_sqltype_is_integer(to))
        return ov_fail_at(err, OV_INVALID, b->pos, b->end_pos,
                          "Cast function cannot convert value of type %s to type %s",
                          ov_sqltype_name(from), ov_sqltype_name(to));
    bool text = ov_sqltype_is_text(from);
    if (to == OV_SQL_BOOLEAN && !text)
        return to_bool(b, e, err);
    if (to == OV_SQL_DATE && !text) {
        OV_TRY(ov_expr_cast(b->cx, e, OV_SQL_TIMESTAMP, OV_T(OV_TYPE_LONG), b->pos, b->end_pos, &e,
                            err));
        return to_date(b, e, err);
    }
    bool spelled = from == OV_SQL_BOOLEAN || ov_sqltype_is_datetime(from); /* matters for text only */
    if (ov_type_eq(e->type, b->type) && (text || !spelled || !ov_sqltype_is_text(to)))
        return ov_expr_retype(b->cx, e, to, &b->replace, err);
    if (text)
        OV_TRY(bind_from_text(b, e, err));
    b->nullable = b->nullable || text;
    cast_info *info;
    OV_TRY(ovi_prepare(b, sizeof *info, &info, err));
    info->from = from;
    info->tz = b->cx->tz;
    return OV_OK;
}


/* ---- evaluation ---- */

static ov_status from_text(ovi_call *c, const cast_info *info, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes_nullable(c, &l, err));
    ov_sqltype to = (ov_sqltype)c->e->sql;
    bool real = ov_type_is_real(c->e->type), narrow = c->e->type.id == OV_TYPE_FLOAT;
    for (uint32_t k = 0; k < n; k++) {
        uint32_t r = rows[k];
        ov_slice s = ovi_str(&c->arg[0], r);
        bool ok;
        if (real) {
            ok = ovi_text_to_double(s, &l.f[r]);
            if (narrow)
                l.f[r] = (double)(float)l.f[r];
        } else if (to == OV_SQL_BOOLEAN) {
            ok = ovi_text_to_bool(s, &l.i[r]);
        } else if (to == OV_SQL_TIMESTAMP) {
            ok = ovi_text_to_time(s, info->tz, &l.i[r]);
        } else {
            ok = ovi_text_to_long(s, &l.i[r]);
        }
        if (!ok)
            ovi_null_row(&l, r);
    }
    ovi_finish(c, &l, out);
    return OV_OK;
}

/* Druid prints neither fraction nor zone here. */
static void time_text(ov_buf *buf, int64_t ms, const ov_tz *tz, bool date)
{
    char iso[OV_ISO_BYTES];
    size_t n = ov_iso_format(ms, tz, iso);
    const char *t = memchr(iso, 'T', n);
    ov_buf_add(buf, iso, (size_t)(t - iso));
    if (date)
        return;
    ov_buf_add_char(buf, ' ');
    ov_buf_add(buf, t + 1, 8);
}

static ov_status real_text(ovi_call *c, uint32_t row, ovi_text *t, ov_error *err)
{
    (void)err;
    ov_buf_add_double(&t->made, ovi_f64(&c->arg[0], row));
    return OV_OK;
}

static ov_status time_as_text(ovi_call *c, uint32_t row, ovi_text *t, ov_error *err)
{
    const cast_info *info = c->e->prepared;
    (void)err;
    time_text(&t->made, ovi_i64(&c->arg[0], row), info->tz, info->from == OV_SQL_DATE);
    return OV_OK;
}

static ov_status long_text(ovi_call *c, uint32_t row, ovi_text *t, ov_error *err)
{
    (void)err;
    ov_buf_add_i64(&t->made, ovi_i64(&c->arg[0], row));
    return OV_OK;
}

static ov_status to_text(ovi_call *c, const cast_info *info, ov_vec *out, ov_error *err)
{
    bool real = ov_type_is_real(c->arg[0].vec.type), time = ov_sqltype_is_datetime(info->from);
    return ovi_map_text(c, real ? real_text : time ? time_as_text : long_text, out, err);
}

static ov_status number_to_number(ovi_call *c, ov_vec *out, ov_error *err)
{
    ovi_result_lanes l;
    const ovi_arg *a = &c->arg[0];
    OV_TRY(ovi_lanes(c, &l, err));
    size_t n = c->rows;
    bool from_real = ov_type_is_real(a->vec.type);
    if (!ov_type_is_real(c->e->type)) {
        for (size_t r = 0; r < n; r++)
            l.i[r] = ovi_double_to_long(ovi_f64(a, r));
    } else if (from_real) {
        for (size_t r = 0; r < n; r++)
            l.f[r] = ovi_f64(a, r);
    } else if (a->step) {
        c->ev->k->long_to_double(a->i, n, l.f);
    } else {
        for (size_t r = 0; r < n; r++)
            l.f[r] = (double)ovi_i64(a, r);
    }
    if (c->e->type.id == OV_TYPE_FLOAT)
        for (size_t r = 0; r < n; r++)
            l.f[r] = (double)(float)l.f[r];
    ovi_finish(c, &l, out);
    return OV_OK;
}

ov_status ovi_eval_cast(ovi_call *c, ov_vec *out, ov_error *err)
{
    const cast_info *info = c->e->prepared;
    if (c->e->type.id == OV_TYPE_STRING)
        return to_text(c, info, out, err);
    if (ov_sqltype_is_text(info->from))
        return from_text(c, info, out, err);
    return number_to_number(c, out, err);
}
