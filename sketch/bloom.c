#include "sketch/bloom.h"

enum { BLOCK = 8, HEADER = 5, SEED = 104729, MOST_WORDS = 1 << 24, MOST_K = 64 };

/* ---- hashes ---- */

static uint64_t mix_word(uint64_t hash, uint64_t word)
{
    return ovi_murmur_turn(hash ^ ovi_murmur_low(word), 27) * 5 + 0x52dce729;
}

uint64_t ov_bloom_hash_bytes(ov_slice bytes)
{
    uint64_t hash = SEED, tail = 0;
    size_t whole = bytes.n & ~(size_t)7;
    for (size_t i = 0; i < whole; i += 8)
        hash = mix_word(hash, ov_load_u64(bytes.p + i));
    for (size_t i = bytes.n; i > whole; i--)
        tail = tail << 8 | (uint8_t)bytes.p[i - 1];
    if (whole < bytes.n)
        hash ^= ovi_murmur_low(tail);
    return ovi_murmur_finish(hash ^ bytes.n);
}

uint64_t ov_bloom_hash_i64(int64_t v)
{
    return ovi_murmur_finish(mix_word(SEED, __builtin_bswap64((uint64_t)v)) ^ sizeof(v));
}

uint64_t ov_bloom_hash_f64(double v)
{
    return ov_bloom_hash_i64((int64_t)(isnan(v) ? UINT64_C(0x7ff8000000000000) : ov_f64_bits(v)));
}

uint64_t ov_bloom_hash_f32(float v)
{
    char bytes[4];
    uint32_t bits = UINT32_C(0x7fc00000);
    if (!isnan(v))
        memcpy(&bits, &v, sizeof(bits));
    ov_store_u32(bytes, bits);
    return ov_bloom_hash_bytes(ov_slice_make(bytes, sizeof(bytes)));
}

/* ---- bits ---- */

/* Java's sums of 32 bits wrap, and what is negative is turned round. */
static uint32_t positive(uint32_t v)
{
    return v >> 31 ? ~v : v;
}

typedef struct place {
    uint64_t *word;
    uint64_t bit;
} place;

static place place_of(const ov_bloom *s, uint64_t hash, uint32_t i)
{
    uint32_t low = (uint32_t)hash, high = (uint32_t)(hash >> 32);
    uint32_t block = positive(low + high) % (s->count / BLOCK), mixed = positive(low + (i + 1) * high);
    return (place){s->words + (size_t)block * BLOCK + (mixed & (BLOCK - 1)), UINT64_C(1) << (mixed >> 3 & 63)};
}

void ov_bloom_add(ov_bloom *s, uint64_t hash)
{
    for (uint32_t i = 1; i <= s->k; i++) {
        place p = place_of(s, hash, i);
        *p.word |= p.bit;
    }
}

bool ov_bloom_test(const ov_bloom *s, uint64_t hash)
{
    for (uint32_t i = 1; i <= s->k; i++) {
        place p = place_of(s, hash, i);
        if (!(*p.word & p.bit))
            return false;
    }
    return true;
}

ov_status ov_bloom_init(ov_bloom *s, uint64_t values, const ov_sketch_mem *mem, ov_error *err)
{
    double n = (double)values, ln2 = log(2);
    int64_t bits = (int64_t)(-n * log((double)0.05f) / (ln2 * ln2));
    uint32_t words = (uint32_t)((bits + 63) / 64);
    *s = (ov_bloom){0};
    s->count = words + (BLOCK - words % BLOCK);
    s->k = (uint8_t)OV_MAX(1, (int)floor((double)bits / n * ln2 + 0.5));
    OV_TRY(mem->grow(mem->owner, &s->words, &s->cap, (size_t)s->count * sizeof(uint64_t), err));
    memset(s->words, 0, (size_t)s->count * sizeof(uint64_t));
    return OV_OK;
}

ov_status ov_bloom_merge(ov_bloom *s, const ov_bloom *from, ov_error *err)
{
    if (s->count != from->count || s->k != from->k)
        return ov_fail(err, OV_INVALID,
                       "bloom filters of %u words with %u hashes and of %u words with %u hashes do not fit together: make them "
                       "for the same number of values",
                       s->count, s->k, from->count, from->k);
    for (uint32_t i = 0; i < s->count; i++)
        s->words[i] |= from->words[i];
    return OV_OK;
}

/* ---- images ---- */

void ov_bloom_write(const ov_bloom *s, ov_buf *out)
{
    char word[8];
    ov_buf_add_char(out, (char)s->k);
    ov_store_be_u32(word, s->count);
    ov_buf_add(out, word, 4);
    for (uint32_t i = 0; i < s->count; i++) {
        ov_store_be_u64(word, s->words[i]);
        ov_buf_add(out, word, sizeof(word));
    }
}

ov_status ov_bloom_read(ov_slice image, ov_bloom *s, const ov_sketch_mem *mem, ov_error *err)
{
    *s = (ov_bloom){0};
    if (image.n < HEADER)
        return ov_fail(err, OV_CORRUPT, "a bloom filter has %zu bytes; its header has %d", image.n, HEADER);
    uint32_t words = ov_load_be_u32(image.p + 1), k = (uint8_t)image.p[0];
    if (k == 0 || k > MOST_K || words == 0 || words % BLOCK || words > MOST_WORDS || image.n - HEADER != (size_t)words * 8)
        return ov_fail(err, OV_CORRUPT, "a bloom filter of %zu bytes says it has %u words and %u hashes", image.n, words, k);
    OV_TRY(mem->grow(mem->owner, &s->words, &s->cap, (size_t)words * sizeof(uint64_t), err));
    for (uint32_t i = 0; i < words; i++)
        s->words[i] = ov_load_be_u64(image.p + HEADER + (size_t)i * 8);
    s->count = words;
    s->k = (uint8_t)k;
    return OV_OK;
}
