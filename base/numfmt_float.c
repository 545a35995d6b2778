/*
 * The digits of a FLOAT as Java 17 prints them.
 *
 * Java before 19 does not always print the shortest digits that read back: 1.17549435E-38 where 1.1754944E-38 would do, 1.11111117E9
 * for 1.1111112E9. Druid runs on it, and clients compare texts. Digits are generated one at a time (Steele and White 1990, free-format
 * algorithm) with B the value, S the scale and M half the distance to the neighbours, all as integers; what Java does
 * different is kept on purpose: integers print through a cut after the digits that 24 bits do not carry, a power of two gets
 * one more bit of distance, and numbers that need an exponent print two digits at least. 128 bits hold every number of a float.
 */
#include "base/numfmt_int.h"

#include <math.h>

#include "base/bytes.h"

__extension__ typedef unsigned __int128 wide;

enum {
    SIGNIFICAND_BITS = 24, /* with the leading one */
    FRACTION = 52          /* Java works on the significand of a double */
};

/* How many bits 5^i has. */
static int bits_of_pow5(int i)
{
    static const uint8_t bits[] = {0,  3,  5,  7,  10, 12, 14, 17, 19, 21, 24, 26, 28, 31,
                                   33, 35, 38, 40, 42, 45, 47, 49, 52, 54, 56, 59, 61};
    return i < (int)OV_COUNT_OF(bits) ? bits[i] : i * 3;
}

static wide pow5(int n)
{
    wide v = 1;
    while (n-- > 0)
        v *= 5;
    return v;
}

/* An integer below 2^63: digits that lie below what 24 bits can tell are rounded away. */
static void integer_digits(uint64_t v, int insignificant, uint64_t *digits, int *exponent)
{
    *exponent = insignificant;
    uint64_t cut = 1;
    for (int i = 0; i < insignificant; i++)
        cut *= 10;
    uint64_t rest = v % cut;
    *digits = v / cut + (insignificant && rest >= cut / 2);
}

/* Java's guess of the decimal exponent, from the first terms of the logarithm's series. */
static int guess_exponent(uint64_t fraction, int binary)
{
    double d = ov_f64_from_bits(UINT64_C(0x3FF0000000000000) | (fraction & ((UINT64_C(1) << FRACTION) - 1)));
    return (int)floor((d - 1.5) * 0.289529654 + 0.176091259 + binary * 0.301029995663981);
}

typedef struct generator {
    wide b, s, m, tens; /* m is ten times half the distance, as b is after the first digit */
    int bits;           /* of the integers Java computes this number with: 32, 64, or 0 for big ones */
    bool low, high;     /* the digits so far are near enough from below; rounded up they would be */
} generator;

/* The number as Java's int or long holds it: wrapped. */
static int64_t wrapped(const generator *g, wide v)
{
    return g->bits == 32 ? (int32_t)(uint32_t)v : (int64_t)(uint64_t)v;
}

static unsigned next_digit(generator *g)
{
    unsigned q = (unsigned)(g->b / g->s);
    g->b = 10 * (g->b % g->s);
    if (!g->bits) {
        g->low = g->b < g->m;
        g->high = g->b + g->m >= g->tens;
    } else if (wrapped(g, g->m) <= 0) { /* Java sees that m went over, but not that b + m did */
        g->low = g->high = true;
    } else {
        g->low = g->b < g->m;
        g->high = wrapped(g, g->b + g->m) > wrapped(g, g->tens);
    }
    return q;
}

static void generate(generator *g, int decimal, uint64_t *digits, int *exponent)
{
    int count = 1;
    unsigned q = next_digit(g);
    *digits = q;
    if (q == 0 && !g->high) {
        decimal--;
        count = 0;
    }
    if (decimal < -3 || decimal >= 8)
        g->high = g->low = false;
    while (!g->low && !g->high) {
        g->m *= 10;
        q = next_digit(g);
        *digits = *digits * 10 + q;
        count++;
    }
    bool up = g->high;
    if (g->high && g->low) {
        bool tie = 2 * g->b == g->tens;
        bool more = g->bits ? wrapped(g, 2 * g->b - g->tens) > 0 : 2 * g->b > g->tens;
        up = tie ? *digits % 2 == 1 : more;
    }
    *digits += up;
    *exponent = decimal + 1 - count;
}

void ovi_java_float_digits(uint32_t bits, uint64_t *digits, int *exponent)
{
    int binary = (int)(bits >> 23), significant = SIGNIFICAND_BITS;
    uint32_t fraction32 = bits & 0x7FFFFF;
    if (binary == 0) { /* subnormal */
        int shift = __builtin_clz(fraction32) - 8;
        fraction32 <<= shift;
        binary = 1 - shift;
        significant = SIGNIFICAND_BITS - shift;
    } else {
        fraction32 |= 0x800000;
    }
    binary -= 127;
    uint64_t fraction = (uint64_t)fraction32 << (FRACTION - 23);
    int zeros = __builtin_ctzll(fraction), used = FRACTION + 1 - zeros;
    int tiny = OV_MAX(0, used - binary - 1); /* bits behind the point */
    if (tiny == 0 && binary <= 62) {
        int over = binary - significant - 1;
        integer_digits(binary >= FRACTION ? fraction << (binary - FRACTION) : fraction >> (FRACTION - binary),
                       binary > significant && over > 1 ? (int)(over * 0.30103) : 0, digits, exponent);
        return;
    }
    int decimal = guess_exponent(fraction, binary);
    int b5 = OV_MAX(0, -decimal), b2 = b5 + tiny + binary;
    int s5 = OV_MAX(0, decimal), s2 = s5 + tiny;
    int m2 = b2 - significant;
    fraction >>= zeros;
    b2 -= used - 1;
    int common = OV_MIN(b2, s2);
    b2 -= common;
    s2 -= common;
    m2 -= common;
    if (used == 1)
        m2--;
    if (m2 < 0) {
        b2 -= m2;
        s2 -= m2;
        m2 = 0;
    }
    int most = OV_MAX(used + b2 + bits_of_pow5(b5), s2 + 1 + bits_of_pow5(s5 + 1));
    generator g = {.b = (wide)fraction * pow5(b5) << b2,
                   .s = pow5(s5) << s2,
                   .m = pow5(b5) * 10 << m2,
                   .tens = pow5(s5) * 10 << s2,
                   .bits = most < 32 ? 32 : most < 64 ? 64 : 0};
    generate(&g, decimal, digits, exponent);
}
