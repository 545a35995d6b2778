#include "base/bits.h"

#include "base/cpu.h"

/* The baseline has no instruction for it, and the compiler's function is a call and table look-ups for every word. */
static size_t count_words(const uint64_t *w, size_t words)
{
    size_t n = 0;
    for (size_t i = 0; i < words; i++) {
        uint64_t x = w[i] - (w[i] >> 1 & 0x5555555555555555);
        x = (x & 0x3333333333333333) + (x >> 2 & 0x3333333333333333);
        n += ((x + (x >> 4)) & 0x0F0F0F0F0F0F0F0F) * 0x0101010101010101 >> 56;
    }
    return n;
}

#if defined(__x86_64__)
__attribute__((target("popcnt"))) static size_t count_words_v3(const uint64_t *w, size_t words)
{
    size_t n = 0;
    for (size_t i = 0; i < words; i++)
        n += (size_t)__builtin_popcountll(w[i]);
    return n;
}
#else
#define count_words_v3 count_words
#endif

size_t ov_words_count(const uint64_t *w, size_t words)
{
    return ov_cpu_isa() >= OV_ISA_V3 ? count_words_v3(w, words) : count_words(w, words);
}
