/*
 * Row masks: one bit per row in 64-bit words, row 0 in the lowest bit of word 0.
 *
 * `rows` is always the number of rows, not of words; a mask has ov_words(rows) words. Bits past
 * `rows` in the last word are called the tail. Every function here that writes leaves the tail 0 if
 * it was 0, and every function that reads relies on a 0 tail (ov_bits_trim makes it so).
 */
#pragma once

#include <string.h>
#include "base/compiler.h"

static inline size_t ov_words(size_t rows)
{
    return (rows + 63) / 64;
}

/* Bits [0, n) set, n in 0..64. */
static inline uint64_t ov_low_bits(size_t n)
{
    return n >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << n) - 1;
}

static inline bool ov_bits_test(const uint64_t *w, size_t row)
{
    return w[row / 64] >> (row % 64) & 1;
}

static inline void ov_bits_set(uint64_t *w, size_t row)
{
    w[row / 64] |= (uint64_t)1 << (row % 64);
}

static inline void ov_bits_clear(uint64_t *w, size_t row)
{
    w[row / 64] &= ~((uint64_t)1 << (row % 64));
}

static inline void ov_bits_put(uint64_t *w, size_t row, bool on)
{
    w[row / 64] = (w[row / 64] & ~((uint64_t)1 << (row % 64))) | (uint64_t)on << (row % 64);
}

/* Clear the tail. */
static inline void ov_bits_trim(uint64_t *w, size_t rows)
{
    if (rows % 64)
        w[rows / 64] &= ov_low_bits(rows % 64);
}

/* All rows on, or all off; tail 0. */
static inline void ov_bits_fill(uint64_t *w, size_t rows, bool on)
{
    memset(w, on ? 0xFF : 0, ov_words(rows) * 8);
    ov_bits_trim(w, rows);
}

/* Bits that are set in whole words, by the processor's own instruction where there is one (bits.c). */
size_t ov_words_count(const uint64_t *w, size_t words);

static inline size_t ov_bits_count(const uint64_t *w, size_t rows)
{
    return ov_words_count(w, ov_words(rows));
}

static inline bool ov_bits_any(const uint64_t *w, size_t rows)
{
    for (size_t i = 0; i < ov_words(rows); i++)
        if (w[i])
            return true;
    return false;
}

static inline bool ov_bits_all(const uint64_t *w, size_t rows)
{
    for (size_t i = 0; i < rows / 64; i++)
        if (w[i] != ~(uint64_t)0)
            return false;
    return rows % 64 == 0 || w[rows / 64] == ov_low_bits(rows % 64);
}

static inline void ov_bits_copy(uint64_t *dst, const uint64_t *src, size_t rows)
{
    if (rows)
        memcpy(dst, src, ov_words(rows) * 8);
}

static inline void ov_bits_and(uint64_t *dst, const uint64_t *src, size_t rows)
{
    for (size_t i = 0; i < ov_words(rows); i++)
        dst[i] &= src[i];
}

static inline void ov_bits_or(uint64_t *dst, const uint64_t *src, size_t rows)
{
    for (size_t i = 0; i < ov_words(rows); i++)
        dst[i] |= src[i];
}

/* dst and not src. */
static inline void ov_bits_andnot(uint64_t *dst, const uint64_t *src, size_t rows)
{
    for (size_t i = 0; i < ov_words(rows); i++)
        dst[i] &= ~src[i];
}

static inline void ov_bits_not(uint64_t *dst, size_t rows)
{
    for (size_t i = 0; i < ov_words(rows); i++)
        dst[i] = ~dst[i];
    ov_bits_trim(dst, rows);
}

/* Rows [from, to) on. */
static inline void ov_bits_set_range(uint64_t *w, size_t from, size_t to)
{
    if (from >= to)
        return;
    size_t a = from / 64, b = (to - 1) / 64;
    uint64_t head = ~ov_low_bits(from % 64), last = ov_low_bits((to - 1) % 64 + 1);
    if (a == b) {
        w[a] |= head & last;
        return;
    }
    w[a] |= head;
    memset(w + a + 1, 0xFF, (b - a - 1) * 8);
    w[b] |= last;
}

/* Rows [from, to) off. */
static inline void ov_bits_clear_range(uint64_t *w, size_t from, size_t to)
{
    if (from >= to)
        return;
    size_t a = from / 64, b = (to - 1) / 64;
    uint64_t head = ~ov_low_bits(from % 64), last = ov_low_bits((to - 1) % 64 + 1);
    if (a == b) {
        w[a] &= ~(head & last);
        return;
    }
    w[a] &= ~head;
    memset(w + a + 1, 0, (b - a - 1) * 8);
    w[b] &= ~last;
}

/* First row at or after `from` that is on; `rows` when there is none.
 * The loop: for (size_t r = ov_bits_next(w, rows, 0); r < rows; r = ov_bits_next(w, rows, r + 1))
 */
static inline size_t ov_bits_next(const uint64_t *w, size_t rows, size_t from)
{
    if (from >= rows)
        return rows;
    size_t i = from / 64;
    uint64_t word = w[i] & ~ov_low_bits(from % 64);
    while (word == 0) {
        if (++i >= ov_words(rows))
            return rows;
        word = w[i];
    }
    return i * 64 + (size_t)__builtin_ctzll(word);
}

/* First row at or after `from` that is off; `rows` when there is none. */
static inline size_t ov_bits_next_clear(const uint64_t *w, size_t rows, size_t from)
{
    if (from >= rows)
        return rows;
    size_t i = from / 64;
    uint64_t word = ~w[i] & ~ov_low_bits(from % 64);
    while (word == 0) {
        if (++i >= ov_words(rows))
            return rows;
        word = ~w[i];
    }
    size_t row = i * 64 + (size_t)__builtin_ctzll(word);
    return row < rows ? row : rows;
}

/* Row numbers that are on, ascending, into out (room for all of them); how many. */
static inline size_t ov_bits_indices(const uint64_t *w, size_t rows, uint32_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < ov_words(rows); i++)
        for (uint64_t word = w[i]; word; word &= word - 1)
            out[n++] = (uint32_t)(i * 64 + (size_t)__builtin_ctzll(word));
    return n;
}
