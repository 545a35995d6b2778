/*
 * Arithmetic and numeric functions. Integers wrap as Java's do; dividing one by zero is an error, dividing a fraction
 * is IEEE. FLOATs are computed as doubles and not rounded in between, as in Druid. Times and intervals meet here too.
 */
#include "query/expr/expr_int.h"

#include "base/bytes.h"

#include <math.h>
#include <stdio.h>

/* ---- binding ---- */

static bool is_interval(const ov_expr *e)
{
    return e->sql == OV_SQL_INTERVAL_MS || e->sql == OV_SQL_INTERVAL_MONTH;
}

static ov_status wrong(ovi_bind *b, ov_error *err)
{
    char forms[160];
    const char *n = b->fn->name;
    snprintf(forms, sizeof forms, "<NUMERIC> %s <NUMERIC>'\n'<DATETIME_INTERVAL> %s <NUMERIC>", n, n);
    return ovi_wrong_types(b, b->argc == 2 ? forms : "-<NUMERIC>", err);
}

/* time +- interval, in that order; a DATE stays a DATE. */
static ov_status bind_time_shift(ovi_bind *b, ov_error *err)
{
    const ov_expr *time = b->args[0], *by = b->args[1], *sum;
    ov_sqltype to = (ov_sqltype)time->sql;
    if (b->fn->name[0] == '-')
        OV_TRY(ovi_call_fn(b->cx, "-", &by, 1, b->pos, b->end_pos, &by, err));
    const char *how = by->sql == OV_SQL_INTERVAL_MONTH ? "$ADD_MONTHS" : "$ADD_MILLIS";
    OV_TRY(ov_expr_retype(b->cx, time, OV_SQL_TIMESTAMP, &time, err));
    OV_TRY(ovi_call_fn(b->cx, how, (const ov_expr *[]){time, by}, 2, b->pos, b->end_pos, &sum, err));
    return ov_expr_cast(b->cx, sum, to, OV_T(OV_TYPE_LONG), b->pos, b->end_pos, &b->replace, err);
}

static ov_status bind_interval(ovi_bind *b, ov_error *err)
{
    char op = b->fn->name[0];
    if (is_interval(b->args[1]) && (op == '+' || op == '*') && !is_interval(b->args[0])) {
        const ov_expr *first = b->args[0]; /* 3 * interval, interval + time */
        b->args[0] = b->args[1];
        b->args[1] = first;
    }
    const ov_expr *l = b->args[0], *r = b->args[1];
    if (ov_sqltype_is_datetime((ov_sqltype)r->sql) && op == '+') {
        b->args[0] = r;
        b->args[1] = l;
        return bind_time_shift(b, err);
    }
    bool scale = (op == '*' || op == '/') && ov_sqltype_is_number((ov_sqltype)r->sql);
    bool same = (op == '+' || op == '-') && l->sql == r->sql;
    if (!is_interval(l) || (!scale && !same))
        return wrong(b, err);
    OV_TRY(ovi_want_long(b, 1, err));
    ovi_result(b, (ov_sqltype)l->sql);
    return OV_OK;
}

static ov_status meet_operands(ovi_bind *b, ov_error *err)
{
    for (uint32_t i = 0; i < 2; i++) {
        const ov_expr *e = b->args[i], *other = b->args[1 - i];
        ov_sqltype t = (ov_sqltype)e->sql, u = (ov_sqltype)other->sql;
        bool null_other = u == OV_SQL_NULL;
        if (t == OV_SQL_NULL && !null_other)
            OV_TRY(ov_expr_null(b->cx, ov_sqltype_is_number(u) ? u : OV_SQL_BIGINT, &b->args[i], err));
        else if (t == OV_SQL_NULL)
            OV_TRY(ov_expr_null(b->cx, OV_SQL_BIGINT, &b->args[i], err));
        else if (ov_sqltype_is_text(t) && (ov_sqltype_is_number(u) || null_other || ov_sqltype_is_text(u)))
            OV_TRY(ovi_want(b, i, ov_sqltype_is_number(u) ? u : OV_SQL_DOUBLE, err));
        else if (!ov_sqltype_is_number(t))
            return wrong(b, err);
    }
    return OV_OK;
}

ov_status ovi_bind_arith(ovi_bind *b, ov_error *err)
{
    if (b->argc == 1) {
        if (is_interval(b->args[0])) {
            ovi_result(b, (ov_sqltype)b->args[0]->sql);
        } else {
            OV_TRY(ovi_want_number(b, 0, err));
            ovi_result(b, (ov_sqltype)b->args[0]->sql);
        }
        if (b->fn->name[0] == '+')
            b->replace = b->args[0];
        return OV_OK;
    }
    const ov_expr *l = b->args[0], *r = b->args[1];
    char op = b->fn->name[0];
    if (ov_sqltype_is_datetime((ov_sqltype)l->sql) && is_interval(r) && (op == '+' || op == '-'))
        return bind_time_shift(b, err);
    if (is_interval(l) || is_interval(r))
        return bind_interval(b, err);
    if (l->type.multi || r->type.multi)
        return ov_fail_at(err, OV_UNSUPPORTED, b->pos, b->end_pos,
                          "'%s' does not take multi-value strings", b->fn->name);
    OV_TRY(meet_operands(b, err));
    ov_sqltype to = ovi_meet_numbers((ov_sqltype)b->args[0]->sql, (ov_sqltype)b->args[1]->sql);
    ovi_result(b, to);
    for (uint32_t i = 0; i < 2; i++)
        if (ov_type_is_real(b->type) && ov_type_is_int(b->args[i]->type))
            OV_TRY(ovi_want(b, i, OV_SQL_DOUBLE, err));
    return OV_OK;
}

/* MOD(a, b): the type of b when both are whole, as Calcite has it. */
ov_status ovi_bind_mod(ovi_bind *b, ov_error *err)
{
    OV_TRY(meet_operands(b, err));
    ov_sqltype l = (ov_sqltype)b->args[0]->sql, r = (ov_sqltype)b->args[1]->sql;
    ovi_result(b, ov_sqltype_is_integer(l) && ov_sqltype_is_integer(r) ? r : ovi_meet_numbers(l, r));
    for (uint32_t i = 0; i < 2; i++)
        if (ov_type_is_real(b->type) && ov_type_is_int(b->args[i]->type))
            OV_TRY(ovi_want(b, i, OV_SQL_DOUBLE, err));
    return OV_OK;
}

/* DIV: whole numbers out whatever goes in. */
ov_status ovi_bind_div(ovi_bind *b, ov_error *err)
{
    OV_TRY(meet_operands(b, err));
    bool real = ov_type_is_real(b->args[0]->type) || ov_type_is_real(b->args[1]->type);
    for (uint32_t i = 0; i < 2 && real; i++)
        OV_TRY(ovi_want_double(b, i, err));
    ovi_result(b, OV_SQL_BIGINT);
    return OV_OK;
}

ov_status ovi_bind_safe_divide(ovi_bind *b, ov_error *err)
{
    OV_TRY(meet_operands(b, err));
    ovi_result(b, ovi_meet_numbers((ov_sqltype)b->args[0]->sql, (ov_sqltype)b->args[1]->sql));
    for (uint32_t i = 0; i < 2 && ov_type_is_real(b->type); i++)
        OV_TRY(ovi_want_double(b, i, err));
    b->nullable = true;
    return OV_OK;
}

/* ABS, FLOOR, CEIL, SIGN keep the type of their number. */
ov_status ovi_bind_same_number(ovi_bind *b, ov_error *err)
{
    if (b->args[0]->sql == OV_SQL_NULL) {
        b->replace = b->args[0];
        return OV_OK;
    }
    OV_TRY(ovi_want_number(b, 0, err));
    ovi_result(b, (ov_sqltype)b->args[0]->sql);
    return OV_OK;
}

ov_status ovi_bind_doubles(ovi_bind *b, ov_error *err)
{
    for (uint32_t i = 0; i < b->argc; i++)
        OV_TRY(ovi_want_double(b, i, err));
    ovi_result(b, OV_SQL_DOUBLE);
    return OV_OK;
}

ov_status ovi_bind_longs(ovi_bind *b, ov_error *err)
{
    for (uint32_t i = 0; i < b->argc; i++)
        OV_TRY(ovi_want_long(b, i, err));
    ovi_result(b, OV_SQL_BIGINT);
    return OV_OK;
}

ov_status ovi_bind_bits_of_double(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_double(b, 0, err));
    ovi_result(b, OV_SQL_BIGINT);
    return OV_OK;
}

ov_status ovi_bind_double_of_bits(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_long(b, 0, err));
    ovi_result(b, OV_SQL_DOUBLE);
    return OV_OK;
}

ov_status ovi_bind_pi(ovi_bind *b, ov_error *err)
{
    return ov_expr_f64(b->cx, OV_SQL_DOUBLE, 3.14159265358979323846, &b->replace, err);
}

/* ---- arithmetic ---- */

static ov_status divide_longs(ovi_call *c, ovi_result_lanes *l, bool remainder, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    const ovi_arg *a = &c->arg[0], *b = &c->arg[1];
    if (!remainder && a->step && !b->step && b->i[0] != 0 && !c->live &&
        c->ev->k->div_i64_const(a->i, b->i[0], c->rows, l->i))
        return OV_OK;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    for (uint32_t k = 0; k < n; k++) {
        uint32_t r = rows[k];
        int64_t x = ovi_i64(a, r), y = ovi_i64(b, r);
        if (y == 0)
            return ov_fail_at(err, OV_INVALID, c->e->pos, c->e->end_pos, "/ by zero; write NULLIF(divisor, 0) to get NULL there");
        if (y == -1)
            l->i[r] = remainder ? 0 : (int64_t)(0 - (uint64_t)x);
        else
            l->i[r] = remainder ? x % y : x / y;
    }
    return OV_OK;
}

static ov_status one_row_arith(ovi_call *c, char op, ovi_result_lanes *l)
{
    const ovi_arg *a = &c->arg[0], *b = &c->arg[1];
    if (ov_type_is_real(c->e->type)) {
        double x = ovi_f64(a, 0), y = ovi_f64(b, 0);
        l->f[0] = op == '+' ? x + y : op == '-' ? x - y : op == '*' ? x * y : x / y;
    } else {
        uint64_t x = (uint64_t)ovi_i64(a, 0), y = (uint64_t)ovi_i64(b, 0);
        l->i[0] = (int64_t)(op == '+' ? x + y : op == '-' ? x - y : x * y);
    }
    return OV_OK;
}

static ov_status negate(ovi_call *c, ov_vec *out, ov_error *err)
{
    ovi_result_lanes l;
    OV_TRY(ovi_lanes(c, &l, err));
    const ovi_arg *a = &c->arg[0];
    bool real = ov_type_is_real(c->e->type);
    for (size_t r = 0; r < c->rows; r++)
        if (real)
            l.f[r] = -ovi_f64(a, r);
        else
            l.i[r] = (int64_t)(0 - (uint64_t)ovi_i64(a, r));
    ovi_finish(c, &l, out);
    return OV_OK;
}

ov_status ovi_eval_arith(ovi_call *c, ov_vec *out, ov_error *err)
{
    const ovi_kernels *k = c->ev->k;
    char op = c->e->fn->name[0];
    if (c->argc == 1)
        return negate(c, out, err);
    ovi_result_lanes l;
    OV_TRY(ovi_lanes(c, &l, err));
    const ovi_arg *a = &c->arg[0], *b = &c->arg[1];
    size_t n = c->rows;
    if (op == '/' && !ov_type_is_real(c->e->type)) {
        OV_TRY(divide_longs(c, &l, false, err));
    } else if (a->step == 0 && b->step == 0) {
        OV_TRY(one_row_arith(c, op, &l));
    } else if (ov_type_is_real(c->e->type)) {
        void (*f)(const double *, size_t, const double *, size_t, size_t, double *) =
            op == '+' ? k->add_f64 : op == '-' ? k->sub_f64 : op == '*' ? k->mul_f64 : k->div_f64;
        f(a->f, a->step, b->f, b->step, n, l.f);
    } else {
        void (*f)(const int64_t *, size_t, const int64_t *, size_t, size_t, int64_t *) =
            op == '+' ? k->add_i64 : op == '-' ? k->sub_i64 : k->mul_i64;
        f(a->i, a->step, b->i, b->step, n, l.i);
    }
    ovi_finish(c, &l, out);
    return OV_OK;
}

ov_status ovi_eval_mod(ovi_call *c, ov_vec *out, ov_error *err)
{
    ovi_result_lanes l;
    OV_TRY(ovi_lanes(c, &l, err));
    if (!ov_type_is_real(c->e->type)) {
        OV_TRY(divide_longs(c, &l, true, err));
    } else {
        for (size_t r = 0; r < c->rows; r++)
            l.f[r] = fmod(ovi_f64(&c->arg[0], r), ovi_f64(&c->arg[1], r));
    }
    ovi_finish(c, &l, out);
    return OV_OK;
}

ov_status ovi_eval_div(ovi_call *c, ov_vec *out, ov_error *err)
{
    ovi_result_lanes l;
    OV_TRY(ovi_lanes(c, &l, err));
    if (!ov_type_is_real(c->arg[0].vec.type))
        OV_TRY(divide_longs(c, &l, false, err));
    else
        for (size_t r = 0; r < c->rows; r++)
            l.i[r] = ovi_double_to_long(ovi_f64(&c->arg[0], r) / ovi_f64(&c->arg[1], r));
    ovi_finish(c, &l, out);
    return OV_OK;
}

/* NULL when the divisor is zero; but a fraction 0.0 / 0.0 is 0.0. */
ov_status ovi_eval_safe_divide(ovi_call *c, ov_vec *out, ov_error *err)
{
    ovi_result_lanes l;
    const uint32_t *rows;
    uint32_t n;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes_nullable(c, &l, err));
    bool real = ov_type_is_real(c->e->type);
    for (uint32_t k = 0; k < n; k++) {
        uint32_t r = rows[k];
        if (real) {
            double x = ovi_f64(&c->arg[0], r), y = ovi_f64(&c->arg[1], r);
            if (y == 0 && x != 0)
                ovi_null_row(&l, r);
            else
                l.f[r] = y == 0 ? 0 : x / y;
        } else {
            int64_t x = ovi_i64(&c->arg[0], r), y = ovi_i64(&c->arg[1], r);
            if (y == 0)
                ovi_null_row(&l, r);
            else
                l.i[r] = y == -1 ? (int64_t)(0 - (uint64_t)x) : x / y;
        }
    }
    ovi_finish(c, &l, out);
    return OV_OK;
}

/* ---- one number to one number ---- */

static ov_status map_doubles(ovi_call *c, double (*f)(double), ov_vec *out, ov_error *err)
{
    ovi_result_lanes l;
    OV_TRY(ovi_lanes(c, &l, err));
    const ovi_arg *a = &c->arg[0];
    for (size_t r = 0; r < c->rows; r++)
        l.f[r] = f(ovi_f64(a, r));
    ovi_finish(c, &l, out);
    return OV_OK;
}

/* The type may be whole: then integers stay as they are unless `whole` says otherwise. */
static ov_status map_numbers(ovi_call *c, double (*f)(double), int64_t (*whole)(int64_t), ov_vec *out,
                             ov_error *err)
{
    if (ov_type_is_real(c->e->type))
        return map_doubles(c, f, out, err);
    ovi_result_lanes l;
    OV_TRY(ovi_lanes(c, &l, err));
    for (size_t r = 0; r < c->rows; r++) {
        int64_t x = ovi_i64(&c->arg[0], r);
        l.i[r] = whole ? whole(x) : x;
    }
    ovi_finish(c, &l, out);
    return OV_OK;
}

static int64_t abs_long(int64_t x)
{
    return x < 0 ? (int64_t)(0 - (uint64_t)x) : x;
}

static int64_t sign_long(int64_t x)
{
    return (x > 0) - (x < 0);
}

static double sign_double(double x)
{
    return x > 0 ? 1 : x < 0 ? -1 : x;
}

/* A DECIMAL has no -0.0. */
static double decimal_floor(double x)
{
    return floor(x) + 0.0;
}

static double decimal_ceil(double x)
{
    return ceil(x) + 0.0;
}

static double cotangent(double x)
{
    return cos(x) / sin(x);
}

/* The library's is off by one digit for some cubes; one Newton step mends that. */
static double cube_root(double x)
{
    double r = cbrt(x);
    return r == 0 || !isfinite(r) ? r : r - (r * r * r - x) / (3 * r * r);
}

static double degrees(double x)
{
    return x * (180.0 / 3.14159265358979323846);
}

static double radians(double x)
{
    return x * (3.14159265358979323846 / 180.0);
}

ov_status ovi_eval_abs(ovi_call *c, ov_vec *out, ov_error *err)
{
    return map_numbers(c, fabs, abs_long, out, err);
}

ov_status ovi_eval_sign(ovi_call *c, ov_vec *out, ov_error *err)
{
    return map_numbers(c, sign_double, sign_long, out, err);
}

ov_status ovi_eval_floor(ovi_call *c, ov_vec *out, ov_error *err)
{
    return map_numbers(c, c->e->sql == OV_SQL_DECIMAL ? decimal_floor : floor, NULL, out, err);
}

ov_status ovi_eval_ceil(ovi_call *c, ov_vec *out, ov_error *err)
{
    return map_numbers(c, c->e->sql == OV_SQL_DECIMAL ? decimal_ceil : ceil, NULL, out, err);
}

#define DOUBLE_FUNCTION(name, f)                                                                   \
    ov_status ovi_eval_##name(ovi_call *c, ov_vec *out, ov_error *err)                             \
    {                                                                                              \
        return map_doubles(c, f, out, err);                                                        \
    }
DOUBLE_FUNCTION(exp, exp)
DOUBLE_FUNCTION(ln, log)
DOUBLE_FUNCTION(log10, log10)
DOUBLE_FUNCTION(sqrt, sqrt)
DOUBLE_FUNCTION(cbrt, cube_root)
DOUBLE_FUNCTION(sin, sin)
DOUBLE_FUNCTION(cos, cos)
DOUBLE_FUNCTION(tan, tan)
DOUBLE_FUNCTION(cot, cotangent)
DOUBLE_FUNCTION(asin, asin)
DOUBLE_FUNCTION(acos, acos)
DOUBLE_FUNCTION(atan, atan)
DOUBLE_FUNCTION(degrees, degrees)
DOUBLE_FUNCTION(radians, radians)
#undef DOUBLE_FUNCTION

static ov_status map_pairs(ovi_call *c, double (*f)(double, double), ov_vec *out, ov_error *err)
{
    ovi_result_lanes l;
    OV_TRY(ovi_lanes(c, &l, err));
    for (size_t r = 0; r < c->rows; r++)
        l.f[r] = f(ovi_f64(&c->arg[0], r), ovi_f64(&c->arg[1], r));
    ovi_finish(c, &l, out);
    return OV_OK;
}

ov_status ovi_eval_power(ovi_call *c, ov_vec *out, ov_error *err)
{
    return map_pairs(c, pow, out, err);
}

ov_status ovi_eval_atan2(ovi_call *c, ov_vec *out, ov_error *err)
{
    return map_pairs(c, atan2, out, err);
}

static double log_base(double base, double x)
{
    return log(x) / log(base);
}

/* LOG(x) is natural, LOG(base, x) as elsewhere. */
ov_status ovi_eval_log(ovi_call *c, ov_vec *out, ov_error *err)
{
    return c->argc == 1 ? map_doubles(c, log, out, err) : map_pairs(c, log_base, out, err);
}
