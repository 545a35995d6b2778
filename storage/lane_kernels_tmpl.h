/*
 * The loops of lane_kernels.h, included once per instruction set. Parameter: LK_TABLE, the name of
 * the table. Plain C that the compiler vectorises under the flags of the including file.
 */
#include <string.h>
#include "storage/lane_kernels.h"

static void scan_i64(const int64_t *v, size_t n, ovi_scan *out)
{
    int64_t min = v[0], max = v[0];
    uint64_t sum = (uint64_t)v[0], changes = 0;
    for (size_t i = 1; i < n; i++) {
        min = v[i] < min ? v[i] : min;
        max = v[i] > max ? v[i] : max;
        sum += (uint64_t)v[i];
        changes += v[i] != v[i - 1];
    }
    *out = (ovi_scan){.min = min, .max = max, .sum = sum, .changes = (uint32_t)changes};
}

/* Bits of doubles as integers of the same order, and back: negative ones count the other way. */
static int64_t real_order(int64_t bits)
{
    return bits ^ (int64_t)((uint64_t)(bits >> 63) >> 1);
}

static void real_bounds(const int64_t *bits, size_t n, int64_t *min, int64_t *max)
{
    int64_t low = real_order(bits[0]), high = low;
    for (size_t i = 1; i < n; i++) {
        int64_t v = real_order(bits[i]);
        low = v < low ? v : low;
        high = v > high ? v : high;
    }
    *min = real_order(low);
    *max = real_order(high);
}

static uint32_t changes(const int64_t *v, size_t n)
{
    uint64_t count = 0;
    for (size_t i = 1; i < n; i++)
        count += v[i] != v[i - 1];
    return (uint32_t)count;
}

static void pack(const int64_t *restrict v, int64_t base, uint8_t lane, size_t n,
                 void *restrict out)
{
    uint64_t b = (uint64_t)base;
    switch (lane) {
    case 1: {
        uint8_t *to = out;
        for (size_t i = 0; i < n; i++)
            to[i] = (uint8_t)((uint64_t)v[i] - b);
        break;
    }
    case 2: {
        uint16_t *to = out;
        for (size_t i = 0; i < n; i++)
            to[i] = (uint16_t)((uint64_t)v[i] - b);
        break;
    }
    case 4: {
        uint32_t *to = out;
        for (size_t i = 0; i < n; i++)
            to[i] = (uint32_t)((uint64_t)v[i] - b);
        break;
    }
    default: {
        uint64_t *to = out;
        for (size_t i = 0; i < n; i++)
            to[i] = (uint64_t)v[i] - b;
        break;
    }
    }
}

static void unpack(const void *restrict lanes, int64_t base, uint8_t lane, size_t n,
                   int64_t *restrict out)
{
    uint64_t b = (uint64_t)base;
    switch (lane) {
    case 1: {
        const uint8_t *from = lanes;
        for (size_t i = 0; i < n; i++)
            out[i] = (int64_t)(b + from[i]);
        break;
    }
    case 2: {
        const uint16_t *from = lanes;
        for (size_t i = 0; i < n; i++)
            out[i] = (int64_t)(b + from[i]);
        break;
    }
    case 4: {
        const uint32_t *from = lanes;
        for (size_t i = 0; i < n; i++)
            out[i] = (int64_t)(b + from[i]);
        break;
    }
    default: {
        const uint64_t *from = lanes;
        for (size_t i = 0; i < n; i++)
            out[i] = (int64_t)(b + from[i]);
        break;
    }
    }
}

#define RAMP(type)                                                                                 \
    do {                                                                                           \
        type *to = out, at = (type)first, by = (type)step;                                         \
        for (size_t i = 0; i < n; i++, at = (type)(at + by))                                       \
            to[i] = at;                                                                            \
    } while (0)

static void ramp(uint64_t first, uint64_t step, uint8_t lane, size_t n, void *restrict out)
{
    switch (lane) {
    case 1:
        RAMP(uint8_t);
        break;
    case 2:
        RAMP(uint16_t);
        break;
    case 4:
        RAMP(uint32_t);
        break;
    default:
        RAMP(uint64_t);
        break;
    }
}
#undef RAMP

#define BOUNDS(type)                                                                               \
    do {                                                                                           \
        const type *from = lanes;                                                                  \
        type low = from[0], high = from[0];                                                        \
        for (size_t i = 1; i < n; i++) {                                                           \
            low = from[i] < low ? from[i] : low;                                                   \
            high = from[i] > high ? from[i] : high;                                                \
        }                                                                                          \
        *min = low;                                                                                \
        *max = high;                                                                               \
    } while (0)

static void lane_bounds(const void *lanes, uint8_t lane, size_t n, uint64_t *min, uint64_t *max)
{
    switch (lane) {
    case 1:
        BOUNDS(uint8_t);
        break;
    case 2:
        BOUNDS(uint16_t);
        break;
    case 4:
        BOUNDS(uint32_t);
        break;
    default:
        BOUNDS(uint64_t);
        break;
    }
}
#undef BOUNDS

/*
 * Adding 1.5 * 2^52 rounds to an integer that then lies in the low bits of the double, as long as
 * it is within 2^51; both steps are exact there and vectorise, which a conversion to int64_t does
 * not before AVX-512.
 */
static bool scale(const double *restrict v, double power, size_t n, int64_t *restrict scaled)
{
    const double magic = 0x1.8p52, limit = 0x1p51;
    uint64_t magic_bits, wrong = 0;
    memcpy(&magic_bits, &magic, 8);
    for (size_t i = 0; i < n; i++) {
        double shifted = v[i] * power + magic;
        double whole = shifted - magic;
        double back = whole / power;
        uint64_t bits, back_bits, value_bits;
        memcpy(&bits, &shifted, 8);
        memcpy(&back_bits, &back, 8);
        memcpy(&value_bits, &v[i], 8);
        wrong |=
            (back_bits ^ value_bits) | (uint64_t) !(whole < limit) | (uint64_t) !(whole > -limit);
        scaled[i] = (int64_t)(bits - magic_bits);
    }
    return wrong == 0;
}

static void unscale(const int64_t *restrict scaled, double power, size_t n, double *restrict v)
{
    for (size_t i = 0; i < n; i++)
        v[i] = (double)scaled[i] / power;
}

const ovi_lane_kernels LK_TABLE = {
    .scan_i64 = scan_i64,
    .real_bounds = real_bounds,
    .changes = changes,
    .pack = pack,
    .unpack = unpack,
    .ramp = ramp,
    .lane_bounds = lane_bounds,
    .scale = scale,
    .unscale = unscale,
};
