/*
 * Functions of one or two fractions that only the native language has, behind two hidden entries that take the function's
 * name last: $MATH(x, 'sinh'), $MATH2(x, y, 'hypot'). Meanings are those of java.lang.Math; erfc is for the post-aggregator
 * pvalue2tailedZtest.
 */
#include "query/expr/expr_int.h"

#include <math.h>

typedef struct math_fn {
    double (*one)(double x);
    double (*two)(double x, double y);
} math_fn;

/* Exponent of the value's bits: -1023 for zero and the smallest, 1024 for what is no finite number. */
static double exponent(double x)
{
    if (!isfinite(x))
        return 1024;
    int e = x == 0 ? -1023 : ilogb(x);
    return e < -1022 ? -1023 : e;
}

static double next_up(double x)
{
    return nextafter(x, INFINITY);
}

/* Distance to the next larger absolute value. */
static double ulp(double x)
{
    x = fabs(x);
    if (!isfinite(x))
        return x;
    return nextafter(x, INFINITY) == INFINITY ? x - nextafter(x, 0) : nextafter(x, INFINITY) - x;
}

static double scale(double x, double by)
{
    return isnan(by) ? x : scalbn(x, (int)fmax(fmin(by, 5000), -5000));
}

static const struct {
    const char *name;
    math_fn fn;
} functions[] = {
    {"copysign", {.two = copysign}},   {"cosh", {.one = cosh}},       {"erfc", {.one = erfc}},
    {"expm1", {.one = expm1}},
    {"getexponent", {.one = exponent}}, {"hypot", {.two = hypot}},     {"log1p", {.one = log1p}},
    {"nextafter", {.two = nextafter}}, {"nextup", {.one = next_up}},  {"remainder", {.two = remainder}},
    {"rint", {.one = rint}},           {"scalb", {.two = scale}},     {"sinh", {.one = sinh}},
    {"tanh", {.one = tanh}},           {"ulp", {.one = ulp}},
};

/* (x[, y], name) */
ov_status ovi_bind_math_native(ovi_bind *b, ov_error *err)
{
    ov_slice name;
    bool is_null;
    math_fn *fn;
    for (uint32_t i = 0; i + 1 < b->argc; i++)
        OV_TRY(ovi_want_double(b, i, err));
    OV_TRY(ovi_const_text(b, b->argc - 1, &name, &is_null, err));
    OV_TRY(ovi_prepare(b, sizeof *fn, &fn, err));
    *fn = functions[0].fn;
    for (size_t i = 0; i < OV_COUNT_OF(functions); i++)
        if (ov_slice_ieq(name, ov_slice_cstr(functions[i].name)))
            *fn = functions[i].fn;
    ovi_result(b, OV_SQL_DOUBLE);
    return OV_OK;
}

ov_status ovi_eval_math_native(ovi_call *c, ov_vec *out, ov_error *err)
{
    const math_fn *fn = c->e->prepared;
    ovi_result_lanes l;
    OV_TRY(ovi_lanes(c, &l, err));
    for (size_t r = 0; r < c->rows; r++)
        l.f[r] = fn->one ? fn->one(ovi_f64(&c->arg[0], r)) : fn->two(ovi_f64(&c->arg[0], r), ovi_f64(&c->arg[1], r));
    ovi_finish(c, &l, out);
    return OV_OK;
}
