/*
 * Numbers to text. Doubles by Schubfach: the shortest decimal inside the rounding interval is found
 * with three 64 x 128 bit multiplications by a power of ten from a table; no loops, no big numbers,
 * always right.
 *
 * Source: Raffaello Giulietti, "The Schubfach way to render doubles" (2020); the two-digit rule for
 * results such as 4.9E-324 is that of Java's Double.toString.
 */
#include "base/numfmt_int.h"

#include "base/bytes.h"

typedef struct pow10_bits {
    uint64_t high, low;
} pow10_bits;

enum { POW10_MIN = -292 };

static const pow10_bits pow10_table[] = {
#define OV_POW10(high, low) {high, low},
#include "base/pow10.def"
#undef OV_POW10
};

static const char digit_pairs[201] = "0001020304050607080910111213141516171819202122232425262728293"
                                     "031323334353637383940414243444546474849"
                                     "5051525354555657585960616263646566676869707172737475767778798"
                                     "081828384858687888990919293949596979899";

typedef struct decimal {
    uint64_t digits;
    int exponent; /* value = digits x 10^exponent */
} decimal;

/* floor(log2(10^e)), floor(log10(2^e)), floor(log10(3/4 x 2^e)); exact over all exponents of
 * doubles. */
static int32_t floor_log2_pow10(int32_t e)
{
    return (e * 1741647) >> 19;
}

static int32_t floor_log10_pow2(int32_t e)
{
    return (e * 1262611) >> 22;
}

static int32_t floor_log10_three_quarters_pow2(int32_t e)
{
    return (e * 1262611 - 524031) >> 22;
}

/* High 64 bits of g x c, with the lowest bit set when anything below is lost. */
static uint64_t round_to_odd(pow10_bits g, uint64_t c)
{
    __uint128_t low = (__uint128_t)g.low * c;
    __uint128_t high = (__uint128_t)g.high * c + (uint64_t)(low >> 64);
    return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

/* Of the candidates around v (in quarters of the last place), the one to print. */
static decimal choose(uint64_t lower, uint64_t v, uint64_t upper, int k)
{
    uint64_t s = v / 4;
    if (s >= 100) { /* one digit less, but two at least */
        uint64_t tens = s / 10;
        bool down = lower <= 40 * tens, up = 40 * tens + 40 <= upper;
        if (down != up)
            return (decimal){tens + up, k + 1};
    }
    bool down = lower <= 4 * s, up = 4 * s + 4 <= upper;
    if (down != up)
        return (decimal){s + up, k};
    uint64_t middle = 4 * s + 2;
    return (decimal){s + (v > middle || (v == middle && (s & 1))), k};
}

/* bits: a finite double above zero. */
static decimal shortest_double(uint64_t bits)
{
    uint64_t fraction = bits & ((1ull << 52) - 1);
    int32_t biased = (int32_t)(bits >> 52);
    uint64_t c = biased ? fraction | 1ull << 52 : fraction;
    int32_t q = (biased ? biased : 1) - 1075;
    if (q <= 0 && q > -53 && (c & ((1ull << -q) - 1)) == 0)
        return (decimal){c >> -q, 0}; /* a whole number below 2^53 */
    int shift = 0;
    if (c < 3) { /* the two smallest: a tenth more to see the second digit */
        c *= 10;
        shift = -1;
    }
    bool closer = fraction == 0 && biased > 1; /* the lower neighbour is half as far */
    int32_t k = closer ? floor_log10_three_quarters_pow2(q) : floor_log10_pow2(q);
    int32_t h = q + floor_log2_pow10(-k) + 1;
    pow10_bits g = pow10_table[-k - POW10_MIN];
    uint64_t odd = c & 1; /* bounds belong to even numbers */
    uint64_t lower = round_to_odd(g, (4 * c - 2 + closer) << h) + odd;
    uint64_t upper = round_to_odd(g, (4 * c + 2) << h) - odd;
    decimal d = choose(lower, round_to_odd(g, 4 * c << h), upper, k);
    d.exponent += shift;
    return d;
}

static void strip_zeros(decimal *d)
{
    while (d->digits >= 100000000 && d->digits % 100000000 == 0) {
        d->digits /= 100000000;
        d->exponent += 8;
    }
    while (d->digits % 10 == 0) {
        d->digits /= 10;
        d->exponent++;
    }
}

/* Digits of v, right-aligned to end at `end`; where they start. */
static char *put_back(uint64_t v, char *end)
{
    while (v >= 100) {
        end -= 2;
        memcpy(end, digit_pairs + 2 * (v % 100), 2);
        v /= 100;
    }
    if (v < 10) {
        *--end = (char)('0' + v);
        return end;
    }
    end -= 2;
    memcpy(end, digit_pairs + 2 * v, 2);
    return end;
}

/* Java's layout; p after the sign. */
static char *put_decimal(decimal d, char *p)
{
    char text[20];
    strip_zeros(&d);
    char *digits = put_back(d.digits, text + sizeof text);
    int n = (int)(text + sizeof text - digits);
    int point = n + d.exponent; /* digits before the point */
    if (point > 7 || point < -2) {
        *p++ = digits[0];
        *p++ = '.';
        if (n == 1)
            *p++ = '0';
        memcpy(p, digits + 1, (size_t)n - 1);
        p += n - 1;
        *p++ = 'E';
        int e = point - 1;
        if (e < 0) {
            *p++ = '-';
            e = -e;
        }
        char back[4], *at = put_back((uint64_t)e, back + 4);
        memcpy(p, at, (size_t)(back + 4 - at));
        return p + (back + 4 - at);
    }
    if (point <= 0) {
        memcpy(p, "0.000", 5);
        p += 2 - point;
        memcpy(p, digits, (size_t)n);
        return p + n;
    }
    if (point >= n) {
        memcpy(p, digits, (size_t)n);
        memset(p + n, '0', (size_t)(point - n));
        p += point;
        memcpy(p, ".0", 2);
        return p + 2;
    }
    memcpy(p, digits, (size_t)point);
    p[point] = '.';
    memcpy(p + point + 1, digits + point, (size_t)(n - point));
    return p + n + 1;
}

static size_t put_word(char *text, const char *word)
{
    size_t n = strlen(word);
    memcpy(text, word, n);
    return n;
}

size_t ov_fmt_double(double v, char text[OV_FMT_DOUBLE_BYTES])
{
    uint64_t bits = ov_f64_bits(v), size = bits & ~(1ull << 63);
    if (size > 0x7FF0000000000000ull)
        return put_word(text, "NaN");
    char *p = text;
    if (bits >> 63)
        *p++ = '-';
    if (size == 0x7FF0000000000000ull)
        p += put_word(p, "Infinity");
    else if (size == 0)
        p += put_word(p, "0.0");
    else
        p = put_decimal(shortest_double(size), p);
    return (size_t)(p - text);
}

size_t ov_fmt_float(float v, char text[OV_FMT_FLOAT_BYTES])
{
    uint32_t bits = ov_f32_bits(v), size = bits & ~(1u << 31);
    if (size > 0x7F800000u)
        return put_word(text, "NaN");
    char *p = text;
    if (bits >> 31)
        *p++ = '-';
    if (size == 0x7F800000u)
        p += put_word(p, "Infinity");
    else if (size == 0)
        p += put_word(p, "0.0");
    else {
        decimal d;
        ovi_java_float_digits(size, &d.digits, &d.exponent);
        p = put_decimal(d, p);
    }
    return (size_t)(p - text);
}

size_t ov_fmt_u64(uint64_t v, char text[OV_FMT_INT_BYTES])
{
    char back[20], *at = put_back(v, back + sizeof back);
    size_t n = (size_t)(back + sizeof back - at);
    memcpy(text, at, n);
    return n;
}

size_t ov_fmt_i64(int64_t v, char text[OV_FMT_INT_BYTES])
{
    if (v >= 0)
        return ov_fmt_u64((uint64_t)v, text);
    text[0] = '-';
    char back[20], *at = put_back(0 - (uint64_t)v, back + sizeof back);
    size_t n = (size_t)(back + sizeof back - at); /* 19 at most: room for the sign */
    memcpy(text + 1, at, n);
    return n + 1;
}

void ov_buf_add_double(ov_buf *b, double v)
{
    if (ov_buf_reserve(b, OV_FMT_DOUBLE_BYTES))
        b->n += ov_fmt_double(v, b->p + b->n);
}

void ov_buf_add_float(ov_buf *b, float v)
{
    if (ov_buf_reserve(b, OV_FMT_FLOAT_BYTES))
        b->n += ov_fmt_float(v, b->p + b->n);
}

void ov_double_shortest(double v, uint64_t *digits, int *exponent)
{
    decimal d = shortest_double(ov_f64_bits(v) & ~(1ull << 63));
    strip_zeros(&d);
    *digits = d.digits;
    *exponent = d.exponent;
}
