/*
 * Time: floors, shifts, parts and differences. Times are UTC milliseconds; the session's zone (or the zone argument) says
 * where days and months begin.
 */
#include "query/expr/expr_int.h"


static const char *const unit_periods[] = {
    [OV_UNIT_SECOND] = "PT1S", [OV_UNIT_MINUTE] = "PT1M", [OV_UNIT_HOUR] = "PT1H",
    [OV_UNIT_DAY] = "P1D",     [OV_UNIT_WEEK] = "P1W",    [OV_UNIT_MONTH] = "P1M",
    [OV_UNIT_QUARTER] = "P3M", [OV_UNIT_YEAR] = "P1Y",
};

/* ---- units ---- */

static ov_status unit_arg(ovi_bind *b, uint32_t i, ov_time_unit *unit, ov_error *err)
{
    ov_slice name;
    bool is_null;
    OV_TRY(ovi_const_text(b, i, &name, &is_null, err));
    if (!is_null && ov_time_unit_find(name, unit))
        return OV_OK;
    if (strcmp(b->fn->name, "DATE_TRUNC") == 0)
        return ov_fail_at(err, OV_INVALID, b->pos, b->end_pos,
                          "Operator[DATE_TRUNC] cannot truncate to[" OV_SLICE_FMT
                          "]; units are millisecond, second, minute, hour, day, week, month, quarter, year, decade, "
                          "century and millennium",
                          OV_SLICE_ARG(name));
    bool part = strstr(b->fn->name, "EXTRACT");
    return ov_fail_at(err, OV_INVALID, b->pos, b->end_pos,
                      "'" OV_SLICE_FMT "' is not a valid time frame in %s; units are %sSECOND, MINUTE, HOUR, "
                      "DAY, %sWEEK, MONTH, QUARTER and YEAR",
                      OV_SLICE_ARG(name), b->fn->name, part ? "EPOCH, MILLISECOND, " : "", part ? "DOW, DOY, " : "");
}

typedef struct unit_info {
    ov_time_unit unit;
    const ov_tz *tz;
} unit_info;

static ov_status prepare_unit(ovi_bind *b, ov_time_unit unit, const ov_tz *tz, ov_error *err)
{
    unit_info *info;
    OV_TRY(ovi_prepare(b, sizeof *info, &info, err));
    info->unit = unit;
    info->tz = tz;
    return OV_OK;
}

/* Floors to a unit are TIME_FLOOR by the unit's period; larger units have none. */
static ov_status floor_to_unit(ovi_bind *b, const ov_expr *time, ov_time_unit unit, bool ceil,
                               ov_error *err)
{
    ov_sqltype type = time->sql == OV_SQL_DATE ? OV_SQL_DATE : OV_SQL_TIMESTAMP;
    if (unit == OV_UNIT_MILLISECOND) {
        b->replace = time;
        return OV_OK;
    }
    if (!ov_time_unit_can_floor(unit))
        return ov_fail_at(err, OV_INVALID, b->pos, b->end_pos,
                          "%s cannot round to %s: use SECOND, MINUTE, HOUR, DAY, WEEK, MONTH, QUARTER, "
                          "YEAR, DECADE, CENTURY or MILLENNIUM",
                          b->fn->name, ov_time_unit_name(unit));
    if (unit < OV_COUNT_OF(unit_periods) && unit_periods[unit]) {
        const ov_expr *period;
        OV_TRY(ov_expr_str(b->cx, OV_SQL_VARCHAR, ov_slice_cstr(unit_periods[unit]), &period, err));
        OV_TRY(ovi_call_fn(b->cx, ceil ? "TIME_CEIL" : "TIME_FLOOR",
                           (const ov_expr *[]){time, period}, 2, b->pos, b->end_pos, &b->replace, err));
        return ov_expr_retype(b->cx, b->replace, type, &b->replace, err);
    }
    const ov_expr *word = b->args[0] == time ? b->args[1] : b->args[0];
    b->fn = ovi_function_find(ceil ? OV_SLICE_LIT("$CEIL_UNIT") : OV_SLICE_LIT("$FLOOR_UNIT"));
    b->args[0] = time;
    b->args[1] = word;
    ovi_result(b, OV_SQL_TIMESTAMP);
    return prepare_unit(b, unit, b->cx->tz, err);
}

/* FLOOR(x), CEIL(x) of numbers; FLOOR(t TO unit) comes with the unit as text. */
ov_status ovi_bind_floor(ovi_bind *b, ov_error *err)
{
    ov_time_unit unit;
    if (b->argc == 1) {
        if (ov_sqltype_is_datetime((ov_sqltype)b->args[0]->sql))
            return ovi_wrong_types(b, "FLOOR(<NUMERIC>)'\n'FLOOR(<DATETIME_INTERVAL> TO <TIME_UNIT>)", err);
        return ovi_bind_same_number(b, err);
    }
    OV_TRY(unit_arg(b, 1, &unit, err));
    OV_TRY(ovi_want_time(b, 0, err));
    return floor_to_unit(b, b->args[0], unit, b->fn->name[0] == 'C', err);
}

/* DATE_TRUNC('unit', t) */
ov_status ovi_bind_date_trunc(ovi_bind *b, ov_error *err)
{
    ov_time_unit unit;
    OV_TRY(unit_arg(b, 0, &unit, err));
    OV_TRY(ovi_want_time(b, 1, err));
    return floor_to_unit(b, b->args[1], unit, false, err);
}

ov_status ovi_eval_unit_floor(ovi_call *c, ov_vec *out, ov_error *err)
{
    const unit_info *info = c->e->prepared;
    bool ceil = c->e->fn->name[1] == 'C';
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes(c, &l, err));
    for (uint32_t k = 0; k < n; k++) {
        int64_t ms = ovi_i64(&c->arg[0], rows[k]);
        l.i[rows[k]] = ceil ? ov_time_ceil_unit(info->unit, ms, info->tz)
                            : ov_time_floor_unit(info->unit, ms, info->tz);
    }
    ovi_finish(c, &l, out);
    return OV_OK;
}

/* ---- TIME_FLOOR, TIME_CEIL ---- */

static ov_status period_arg(ovi_bind *b, uint32_t i, ov_period *period, ov_error *err)
{
    ov_slice text;
    bool is_null;
    OV_TRY(ovi_const_text(b, i, &text, &is_null, err));
    ov_error why = OV_ERROR_INIT;
    if (!is_null && ov_period_parse(text, period, &why) == OV_OK)
        return OV_OK;
    return ov_fail_at(err, OV_INVALID, b->pos, b->end_pos,
                      "Invalid period['" OV_SLICE_FMT "'] specified for %s: [%s]", OV_SLICE_ARG(text),
                      b->fn->name, is_null ? "it is NULL" : why.text);
}

/* (time, period[, origin[, zone]]) */
ov_status ovi_bind_time_floor(ovi_bind *b, ov_error *err)
{
    ov_period period;
    ov_gran *gran;
    const ov_tz *tz;
    const int64_t *origin = NULL;
    OV_TRY(ovi_want_time(b, 0, err));
    OV_TRY(period_arg(b, 1, &period, err));
    if (b->argc >= 3) {
        OV_TRY(ovi_want_time(b, 2, err));
        if (!ovi_is_const(b->args[2]))
            return ov_fail_at(err, OV_INVALID, b->pos, b->end_pos,
                              "the origin of %s must be a literal", b->fn->name);
        if (!ovi_is_null(b->args[2]))
            origin = &b->args[2]->constant.i;
    }
    OV_TRY(ovi_zone_arg(b, 3, &tz, err));
    OV_TRY(ovi_prepare(b, sizeof *gran, &gran, err));
    ov_status st = ov_gran_init(gran, &period, tz, origin, err);
    if (st != OV_OK) {
        err->has_pos = true;
        err->pos = b->pos;
        err->end_pos = b->end_pos;
        return st;
    }
    b->nullable = b->args[0]->nullable;
    ovi_result(b, OV_SQL_TIMESTAMP);
    return OV_OK;
}

const ov_gran *ov_expr_time_floor(const ov_expr *e)
{
    return ov_expr_op(e) == OV_OP_TIME_FLOOR ? e->prepared : NULL;
}

ov_status ovi_eval_time_floor(ovi_call *c, ov_vec *out, ov_error *err)
{
    const ov_gran *gran = c->e->prepared;
    bool ceil = strcmp(c->e->fn->name, "TIME_CEIL") == 0;
    ovi_result_lanes l;
    const ovi_arg *a = &c->arg[0];
    if (a->all_null) {
        *out = ov_vec_null(c->e->type, c->rows);
        return OV_OK;
    }
    const uint64_t *valid = a->valid;
    if (valid) { /* the other arguments may be NULL: only the time decides */
        c->live = valid;
    } else {
        c->live = NULL;
    }
    OV_TRY(ovi_lanes(c, &l, err));
    const int64_t *in = a->i;
    if (valid) { /* NULL rows hold anything: give them the first row's neighbourhood */
        int64_t last = 0;
        for (size_t r = 0; r < c->rows; r++) {
            if (ov_bits_test(valid, r))
                last = in[r];
            l.i[r] = last;
        }
        in = l.i;
    }
    if (ceil)
        ov_gran_ceil_n(gran, in, l.i, c->rows);
    else
        ov_gran_floor_n(gran, in, l.i, c->rows);
    ovi_finish(c, &l, out);
    return OV_OK;
}

/* ---- TIME_SHIFT, TIMESTAMPADD and time + interval ---- */

typedef struct shift_info {
    ov_period period;
    const ov_tz *tz;
} shift_info;

/* (time, period, step[, zone]) */
ov_status ovi_bind_time_shift(ovi_bind *b, ov_error *err)
{
    shift_info *info;
    OV_TRY(ovi_want_time(b, 0, err));
    OV_TRY(ovi_prepare(b, sizeof *info, &info, err));
    OV_TRY(period_arg(b, 1, &info->period, err));
    OV_TRY(ovi_want_long(b, 2, err));
    OV_TRY(ovi_zone_arg(b, 3, &info->tz, err));
    const ov_expr *period = b->args[1]; /* (time, step, period[, zone]) from here on */
    b->args[1] = b->args[2];
    b->args[2] = period;
    if (b->argc == 4 && ovi_is_null(b->args[3]))
        b->argc = 3;
    b->nullable = b->args[0]->nullable || b->args[1]->nullable;
    ovi_result(b, OV_SQL_TIMESTAMP);
    return OV_OK;
}

ov_status ovi_eval_time_shift(ovi_call *c, ov_vec *out, ov_error *err)
{
    const shift_info *info = c->e->prepared;
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes(c, &l, err));
    for (uint32_t k = 0; k < n; k++) {
        uint32_t r = rows[k];
        OV_TRY(ov_period_shift(ovi_i64(&c->arg[0], r), &info->period, ovi_i64(&c->arg[1], r), info->tz,
                               &l.i[r], err));
    }
    ovi_finish(c, &l, out);
    return OV_OK;
}

/* $ADD_MONTHS(time, months), $ADD_MILLIS(time, ms): what an interval does. */
ov_status ovi_bind_add_interval(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_long(b, 1, err));
    ovi_result(b, OV_SQL_TIMESTAMP);
    return prepare_unit(b, OV_UNIT_MONTH, b->cx->tz, err);
}

ov_status ovi_eval_add_months(ovi_call *c, ov_vec *out, ov_error *err)
{
    const unit_info *info = c->e->prepared;
    enum { MOST = 6 * 300000000 }; /* half of what the calendar holds */
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes(c, &l, err));
    for (uint32_t k = 0; k < n; k++) {
        uint32_t r = rows[k];
        int64_t months = ovi_i64(&c->arg[1], r);
        if (months > MOST || months < -(int64_t)MOST)
            return ov_fail_at(err, OV_INVALID, c->e->pos, c->e->end_pos,
                              "%lld months lead out of the calendar", (long long)months);
        l.i[r] = ov_time_add_months(ovi_i64(&c->arg[0], r), months, info->tz);
    }
    ovi_finish(c, &l, out);
    return OV_OK;
}

ov_status ovi_eval_add_millis(ovi_call *c, ov_vec *out, ov_error *err)
{
    ovi_result_lanes l;
    OV_TRY(ovi_lanes(c, &l, err));
    for (size_t r = 0; r < c->rows; r++)
        l.i[r] = (int64_t)((uint64_t)ovi_i64(&c->arg[0], r) + (uint64_t)ovi_i64(&c->arg[1], r));
    ovi_finish(c, &l, out);
    return OV_OK;
}

/* ms per unit, or months per unit (negative) */
static int64_t unit_length(ov_time_unit unit)
{
    switch (unit) {
    case OV_UNIT_MILLISECOND:
        return 1;
    case OV_UNIT_SECOND:
        return OV_MS_PER_SECOND;
    case OV_UNIT_MINUTE:
        return OV_MS_PER_MINUTE;
    case OV_UNIT_HOUR:
        return OV_MS_PER_HOUR;
    case OV_UNIT_DAY:
        return OV_MS_PER_DAY;
    case OV_UNIT_WEEK:
        return 7 * (int64_t)OV_MS_PER_DAY;
    case OV_UNIT_MONTH:
        return -1;
    case OV_UNIT_QUARTER:
        return -3;
    case OV_UNIT_YEAR:
        return -12;
    case OV_UNIT_DECADE:
        return -120;
    case OV_UNIT_CENTURY:
        return -1200;
    case OV_UNIT_MILLENNIUM:
        return -12000;
    default:
        return 0;
    }
}

/* TIMESTAMPADD(unit, n, time) */
ov_status ovi_bind_timestampadd(ovi_bind *b, ov_error *err)
{
    ov_time_unit unit;
    OV_TRY(unit_arg(b, 0, &unit, err));
    OV_TRY(ovi_want_long(b, 1, err));
    OV_TRY(ovi_want_time(b, 2, err));
    int64_t length = unit_length(unit);
    if (length == 0)
        return ov_fail_at(err, OV_INVALID, b->pos, b->end_pos, "TIMESTAMPADD cannot add %s",
                          ov_time_unit_name(unit));
    ov_sqltype interval = length < 0 ? OV_SQL_INTERVAL_MONTH : OV_SQL_INTERVAL_MS;
    const ov_expr *one, *amount;
    if (length > 0 && length < OV_MS_PER_DAY) /* a day plus some hours is no day */
        OV_TRY(ovi_want(b, 2, OV_SQL_TIMESTAMP, err));
    OV_TRY(ov_expr_i64(b->cx, OV_SQL_BIGINT, length < 0 ? -length : length, &one, err));
    OV_TRY(ovi_call_fn(b->cx, "*", (const ov_expr *[]){b->args[1], one}, 2, b->pos, b->end_pos,
                       &amount, err));
    OV_TRY(ov_expr_retype(b->cx, amount, interval, &amount, err));
    return ovi_call_fn(b->cx, "+", (const ov_expr *[]){b->args[2], amount}, 2, b->pos, b->end_pos,
                       &b->replace, err);
}

typedef struct diff_info {
    int64_t length;
    const ov_tz *tz;
} diff_info;

/* TIMESTAMPDIFF(unit, a, b): whole units from a to b */
ov_status ovi_bind_timestampdiff(ovi_bind *b, ov_error *err)
{
    ov_time_unit unit;
    diff_info *info;
    OV_TRY(unit_arg(b, 0, &unit, err));
    OV_TRY(ovi_want_time(b, 1, err));
    OV_TRY(ovi_want_time(b, 2, err));
    OV_TRY(ovi_prepare(b, sizeof *info, &info, err));
    info->length = unit_length(unit);
    info->tz = b->cx->tz;
    if (info->length == 0)
        return ov_fail_at(err, OV_INVALID, b->pos, b->end_pos, "TIMESTAMPDIFF cannot count %s",
                          ov_time_unit_name(unit));
    const ov_expr *word = b->args[0];
    b->args[0] = b->args[1];
    b->args[1] = b->args[2];
    b->args[2] = word;
    ovi_result(b, OV_SQL_INTEGER);
    return OV_OK;
}

ov_status ovi_eval_timestampdiff(ovi_call *c, ov_vec *out, ov_error *err)
{
    const diff_info *info = c->e->prepared;
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes(c, &l, err));
    for (uint32_t k = 0; k < n; k++) {
        uint32_t r = rows[k];
        int64_t a = ovi_i64(&c->arg[0], r), b = ovi_i64(&c->arg[1], r);
        if (info->length > 0)
            l.i[r] = (int64_t)((uint64_t)b - (uint64_t)a) / info->length;
        else
            l.i[r] = ov_time_months_between(a, b, info->tz) / -info->length;
    }
    ovi_finish(c, &l, out);
    return OV_OK;
}

/* ---- parts ---- */

static ov_status bind_part(ovi_bind *b, uint32_t time, uint32_t unit_at, const ov_tz *tz, ov_error *err)
{
    ov_time_unit unit;
    OV_TRY(unit_arg(b, unit_at, &unit, err));
    OV_TRY(ovi_want_time(b, time, err));
    const ov_expr *word = b->args[unit_at], *at = b->args[time];
    b->args[0] = at;
    b->args[1] = word;
    if (b->argc == 3 && ovi_is_null(b->args[2]))
        b->argc = 2;
    b->nullable = b->args[0]->nullable;
    ovi_result(b, OV_SQL_BIGINT);
    return prepare_unit(b, unit, tz, err);
}

/* EXTRACT(unit FROM time) arrives as (unit, time). */
ov_status ovi_bind_extract(ovi_bind *b, ov_error *err)
{
    return bind_part(b, 1, 0, b->cx->tz, err);
}

/* TIME_EXTRACT(time, unit[, zone]) */
ov_status ovi_bind_time_extract(ovi_bind *b, ov_error *err)
{
    const ov_tz *tz;
    OV_TRY(ovi_zone_arg(b, 2, &tz, err));
    return bind_part(b, 0, 1, tz, err);
}

/* YEAR(t), MONTH(t) ... */
ov_status ovi_bind_named_part(ovi_bind *b, ov_error *err)
{
    static const struct {
        const char *function, *unit;
    } names[] = {{"DAYOFMONTH", "DAY"}, {"DAYOFWEEK", "DOW"}, {"DAYOFYEAR", "DOY"}};
    const char *unit = b->fn->name;
    for (size_t i = 0; i < OV_COUNT_OF(names); i++)
        if (strcmp(names[i].function, unit) == 0)
            unit = names[i].unit;
    const ov_expr *word;
    OV_TRY(ov_expr_str(b->cx, OV_SQL_CHAR, ov_slice_cstr(unit), &word, err));
    return ovi_call_fn(b->cx, "EXTRACT", (const ov_expr *[]){word, b->args[0]}, 2, b->pos, b->end_pos,
                       &b->replace, err);
}

ov_status ovi_eval_extract(ovi_call *c, ov_vec *out, ov_error *err)
{
    const unit_info *info = c->e->prepared;
    const ovi_arg *a = &c->arg[0];
    ovi_result_lanes l;
    OV_TRY(ovi_lanes(c, &l, err));
    if (!c->live && a->step) {
        ov_time_extract_n(info->unit, info->tz, a->i, l.i, c->rows);
    } else {
        const uint32_t *rows;
        uint32_t n;
        OV_TRY(ovi_rows(c, &rows, &n, err));
        for (uint32_t k = 0; k < n; k++)
            l.i[rows[k]] = ov_time_extract(info->unit, ovi_i64(a, rows[k]), info->tz);
    }
    ovi_finish(c, &l, out);
    return OV_OK;
}

/* ---- now, and plain conversions ---- */

ov_status ovi_bind_now(ovi_bind *b, ov_error *err)
{
    return ov_expr_i64(b->cx, OV_SQL_TIMESTAMP, ov_expr_now(b->cx), &b->replace, err);
}

ov_status ovi_bind_today(ovi_bind *b, ov_error *err)
{
    const ov_expr *now;
    OV_TRY(ov_expr_i64(b->cx, OV_SQL_TIMESTAMP, ov_expr_now(b->cx), &now, err));
    return ov_expr_cast(b->cx, now, OV_SQL_DATE, OV_T(OV_TYPE_LONG), b->pos, b->end_pos, &b->replace, err);
}

ov_status ovi_bind_millis_to_timestamp(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_long(b, 0, err));
    return ov_expr_retype(b->cx, b->args[0], OV_SQL_TIMESTAMP, &b->replace, err);
}

ov_status ovi_bind_timestamp_to_millis(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_time(b, 0, err));
    return ov_expr_retype(b->cx, b->args[0], OV_SQL_BIGINT, &b->replace, err);
}

/* The last day of the month. */
ov_status ovi_bind_last_day(ovi_bind *b, ov_error *err)
{
    const ov_expr *e = b->args[0], *month, *one, *day;
    OV_TRY(ov_expr_str(b->cx, OV_SQL_CHAR, OV_SLICE_LIT("MONTH"), &month, err));
    OV_TRY(ovi_call_fn(b->cx, "FLOOR", (const ov_expr *[]){e, month}, 2, b->pos, b->end_pos, &e, err));
    OV_TRY(ov_expr_i64(b->cx, OV_SQL_INTERVAL_MONTH, 1, &one, err));
    OV_TRY(ovi_call_fn(b->cx, "+", (const ov_expr *[]){e, one}, 2, b->pos, b->end_pos, &e, err));
    OV_TRY(ov_expr_i64(b->cx, OV_SQL_INTERVAL_MS, OV_MS_PER_DAY / 2, &day, err)); /* any DST shift is less */
    OV_TRY(ovi_call_fn(b->cx, "-", (const ov_expr *[]){e, day}, 2, b->pos, b->end_pos, &e, err));
    return ov_expr_cast(b->cx, e, OV_SQL_DATE, OV_T(OV_TYPE_LONG), b->pos, b->end_pos, &b->replace, err);
}
