#include "query/exec/keyset.h"

#include "base/cpu.h"

static size_t bit_bytes(const ovi_keyset *s)
{
    return (ov_words(s->span) + 1) * sizeof(*s->bits);
}

static size_t before_bytes(const ovi_keyset *s)
{
    return (ov_words(s->span) + 1) * sizeof(*s->before);
}

ov_status ovi_keyset_init(ovi_keyset *s, uint64_t min, uint64_t span, ov_budget *budget, ov_error *err)
{
    *s = (ovi_keyset){.budget = budget, .min = min, .span = span};
    OV_TRY(ov_array_grow(budget, &s->bits, 0, bit_bytes(s), err));
    return ov_array_grow(budget, &s->before, 0, before_bytes(s), err);
}

void ovi_keyset_fini(ovi_keyset *s)
{
    if (s->bits)
        ov_array_free(s->budget, &s->bits, bit_bytes(s));
    if (s->before)
        ov_array_free(s->budget, &s->before, before_bytes(s));
    *s = (ovi_keyset){0};
}

void ovi_keyset_rank(ovi_keyset *s)
{
    size_t words = ov_words(s->span);
    s->count = 0;
    for (size_t w = 0; w < words; w++) {
        s->before[w] = s->count;
        s->count += (uint32_t)ov_words_count(&s->bits[w], 1);
    }
}

/* ---- asking: written once, compiled for processors with and without an instruction that counts bits ---- */

typedef uint32_t count_fn(uint64_t word);

OV_INLINE uint32_t number_of(const ovi_keyset *s, uint64_t at, count_fn *count)
{
    uint64_t word = s->bits[at / 64];
    if (!(word >> (at % 64) & 1))
        return OVI_NO_MEMBER;
    return s->before[at / 64] + count(word & ov_low_bits(at % 64));
}

OV_INLINE void find(const ovi_keyset *s, const uint64_t *at, const uint64_t *live, uint32_t rows, uint32_t *number,
                    count_fn *count)
{
    for (uint32_t from = 0; from < rows; from += 64) {
        uint64_t left = live[from / 64];
        if (left == ~(uint64_t)0) {
            for (uint32_t i = from; i < from + 64; i++)
                number[i] = number_of(s, at[i], count);
            continue;
        }
        for (uint32_t i = from; i < OV_MIN(from + 64, rows); i++)
            number[i] = OVI_NO_MEMBER;
        for (; left; left &= left - 1) {
            uint32_t i = from + (uint32_t)__builtin_ctzll(left);
            number[i] = number_of(s, at[i], count);
        }
    }
}

OV_INLINE uint32_t count_slowly(uint64_t word)
{
    uint64_t x = word - (word >> 1 & 0x5555555555555555);
    x = (x & 0x3333333333333333) + (x >> 2 & 0x3333333333333333);
    return (uint32_t)(((x + (x >> 4)) & 0x0F0F0F0F0F0F0F0F) * 0x0101010101010101 >> 56);
}

static void find_base(const ovi_keyset *s, const uint64_t *at, const uint64_t *live, uint32_t rows, uint32_t *number)
{
    find(s, at, live, rows, number, count_slowly);
}

#if defined(__x86_64__)
__attribute__((target("popcnt"))) OV_INLINE uint32_t count_fast(uint64_t word)
{
    return (uint32_t)__builtin_popcountll(word);
}

__attribute__((target("popcnt"))) static void find_v3(const ovi_keyset *s, const uint64_t *at, const uint64_t *live,
                                                      uint32_t rows, uint32_t *number)
{
    find(s, at, live, rows, number, count_fast);
}
#else
#define find_v3 find_base
#endif

void ovi_keyset_find(const ovi_keyset *s, const uint64_t *at, const uint64_t *live, uint32_t rows, uint32_t *number)
{
    (ov_cpu_isa() >= OV_ISA_V3 ? find_v3 : find_base)(s, at, live, rows, number);
}

bool ovi_keyset_meets(const ovi_keyset *s, int64_t low, int64_t high)
{
    int64_t least = (int64_t)s->min, greatest = (int64_t)(s->min + (s->span - 1));
    low = OV_MAX(low, least);
    high = OV_MIN(high, greatest);
    if (low > high)
        return false;
    uint64_t from = (uint64_t)low - s->min, to = (uint64_t)high - s->min;
    for (uint64_t w = from / 64; w <= to / 64; w++) {
        uint64_t word = s->bits[w];
        if (w == from / 64)
            word &= ~ov_low_bits(from % 64);
        if (w == to / 64)
            word &= ov_low_bits(to % 64 + 1);
        if (word)
            return true;
    }
    return false;
}

void ovi_keyset_keep(const ovi_keyset *s, const int64_t *values, uint32_t rows, uint64_t *sel)
{
    for (uint32_t from = 0; from < rows; from += 64) {
        uint64_t left = sel[from / 64], kept = 0;
        for (; left; left &= left - 1) {
            uint32_t bit = (uint32_t)__builtin_ctzll(left);
            uint64_t at = (uint64_t)values[from + bit] - s->min;
            kept |= (uint64_t)(at < s->span && ov_bits_test(s->bits, at)) << bit;
        }
        sel[from / 64] = kept;
    }
}
