#include "base/hash.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include "base/mem.h"
#include "base/os.h"

enum { SEED_WITHOUT_INIT = 0x5EED };

ov_hash_setting ov_hash_config = {.seed = SEED_WITHOUT_INIT, .mask = ~(uint64_t)0};

struct ov_checksum_stream {
    XXH3_state_t *state;
};

uint64_t ov_checksum(const void *bytes, size_t n)
{
    return XXH3_64bits(bytes, n);
}

ov_checksum_stream *ov_checksum_begin(void)
{
    ov_checksum_stream *s = ov_malloc(sizeof *s);
    if (!s)
        return NULL;
    s->state = XXH3_createState();
    if (!s->state || XXH3_64bits_reset(s->state) != XXH_OK) {
        XXH3_freeState(s->state);
        ov_free(s);
        return NULL;
    }
    return s;
}

void ov_checksum_add(ov_checksum_stream *s, const void *bytes, size_t n)
{
    if (n)
        XXH3_64bits_update(s->state, bytes, n);
}

uint64_t ov_checksum_end(ov_checksum_stream *s)
{
    if (!s)
        return 0;
    uint64_t sum = XXH3_64bits_digest(s->state);
    XXH3_freeState(s->state);
    ov_free(s);
    return sum;
}

/* 16 bits in each half: tables of texts, which keep the upper one, see many keys of one hash, and still spread them. */
#define FEW UINT64_C(0x0000FFFF0000FFFF)

void ov_hash_init(void)
{
    const char *word = getenv("OVATE_HASH");
    if (word && strcmp(word, "zero") == 0)
        ov_hash_force_zero(true);
    else if (word && strcmp(word, "few") == 0)
        ov_hash_config.mask = FEW;
    uint64_t seed;
    if (ov_os_now->random(&seed, sizeof seed) == 0)
        ov_hash_config.seed = seed;
}

void ov_hash_force_zero(bool on)
{
    ov_hash_config.mask = on ? 0 : ~(uint64_t)0;
}

uint64_t ov_hash_bytes(const void *bytes, size_t n)
{
    return XXH3_64bits_withSeed(bytes, n, ov_hash_config.seed) & ov_hash_config.mask;
}
