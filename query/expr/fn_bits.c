/*
 * Whole numbers as bits: BITWISE_*, what a DOUBLE is made of, and powers that wrap.
 */
#include "query/expr/expr_int.h"

#include "base/bytes.h"

static int64_t bit_operation(char op, int64_t x, int64_t y)
{
    switch (op) {
    case 'A':
        return x & y;
    case 'O':
        return x | y;
    case 'X':
        return x ^ y;
    case 'L': /* shifts use the low six bits, as Java's do */
        return (int64_t)((uint64_t)x << (y & 63));
    default:
        return x >> (y & 63);
    }
}

/* Wraps, as Java's LongMath does; a negative power of anything but 1 and -1 is 0. */
static int64_t power_long(int64_t base, int64_t power)
{
    uint64_t result = 1, square = (uint64_t)base;
    if (power < 0)
        return base == 1 ? 1 : base == -1 ? (power & 1 ? -1 : 1) : 0;
    for (; power > 0; power >>= 1) {
        if (power & 1)
            result *= square;
        square *= square;
    }
    return (int64_t)result;
}

ov_status ovi_eval_power_long(ovi_call *c, ov_vec *out, ov_error *err)
{
    ovi_result_lanes l;
    OV_TRY(ovi_lanes(c, &l, err));
    for (size_t r = 0; r < c->rows; r++)
        l.i[r] = power_long(ovi_i64(&c->arg[0], r), ovi_i64(&c->arg[1], r));
    ovi_finish(c, &l, out);
    return OV_OK;
}

/* BITWISE_AND, _OR, _XOR, _SHIFT_LEFT, _SHIFT_RIGHT */
ov_status ovi_eval_bitwise(ovi_call *c, ov_vec *out, ov_error *err)
{
    const char *name = c->e->fn->name + sizeof "BITWISE_" - 1;
    char op = name[0] == 'S' ? name[sizeof "SHIFT_" - 1] : name[0];
    ovi_result_lanes l;
    OV_TRY(ovi_lanes(c, &l, err));
    for (size_t r = 0; r < c->rows; r++)
        l.i[r] = bit_operation(op, ovi_i64(&c->arg[0], r), ovi_i64(&c->arg[1], r));
    ovi_finish(c, &l, out);
    return OV_OK;
}

ov_status ovi_eval_complement(ovi_call *c, ov_vec *out, ov_error *err)
{
    ovi_result_lanes l;
    OV_TRY(ovi_lanes(c, &l, err));
    for (size_t r = 0; r < c->rows; r++)
        l.i[r] = ~ovi_i64(&c->arg[0], r);
    ovi_finish(c, &l, out);
    return OV_OK;
}

ov_status ovi_eval_bits_of_double(ovi_call *c, ov_vec *out, ov_error *err)
{
    ovi_result_lanes l;
    OV_TRY(ovi_lanes(c, &l, err));
    for (size_t r = 0; r < c->rows; r++)
        l.i[r] = (int64_t)ov_f64_bits(ovi_f64(&c->arg[0], r));
    ovi_finish(c, &l, out);
    return OV_OK;
}

ov_status ovi_eval_double_of_bits(ovi_call *c, ov_vec *out, ov_error *err)
{
    ovi_result_lanes l;
    OV_TRY(ovi_lanes(c, &l, err));
    for (size_t r = 0; r < c->rows; r++)
        l.f[r] = ov_f64_from_bits((uint64_t)ovi_i64(&c->arg[0], r));
    ovi_finish(c, &l, out);
    return OV_OK;
}
