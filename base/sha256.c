/* SHA-256 as FIPS 180-4 writes it; speed is that of plain C, which is far above any network. */
#include "base/sha256.h"

static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotr(uint32_t v, unsigned n)
{
    return v >> n | v << (32 - n);
}

static uint32_t load_be(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void store_be(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

static void compress(uint32_t h[8], const uint8_t *block)
{
    uint32_t w[64], v[8];
    for (int i = 0; i < 16; i++)
        w[i] = load_be(block + (ptrdiff_t)i * 4);
    for (int i = 16; i < 64; i++) {
        uint32_t s0 = rotr(w[i - 15], 7) ^ rotr(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = rotr(w[i - 2], 17) ^ rotr(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    memcpy(v, h, sizeof v);
    for (int i = 0; i < 64; i++) {
        uint32_t s1 = rotr(v[4], 6) ^ rotr(v[4], 11) ^ rotr(v[4], 25);
        uint32_t t1 = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + K[i] + w[i];
        uint32_t s0 = rotr(v[0], 2) ^ rotr(v[0], 13) ^ rotr(v[0], 22);
        uint32_t t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof v[0]);
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++)
        h[i] += v[i];
}

void ov_sha256_init(ov_sha256 *s)
{
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(s->h, start, sizeof start);
    s->bytes = 0;
}

void ov_sha256_add(ov_sha256 *s, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    size_t held = s->bytes % 64;
    s->bytes += n;
    if (held) {
        size_t take = OV_MIN(n, 64 - held);
        memcpy(s->block + held, p, take);
        p += take;
        n -= take;
        if (held + take < 64)
            return;
        compress(s->h, s->block);
    }
    for (; n >= 64; p += 64, n -= 64)
        compress(s->h, p);
    if (n)
        memcpy(s->block, p, n);
}

void ov_sha256_end(ov_sha256 *s, uint8_t out[OV_SHA256_BYTES])
{
    uint8_t pad[72] = {0x80};
    uint64_t bits = s->bytes * 8;
    size_t n = 64 - (s->bytes + 8) % 64; /* 1..64 bytes of padding, then the length */
    store_be(pad + n, (uint32_t)(bits >> 32));
    store_be(pad + n + 4, (uint32_t)bits);
    ov_sha256_add(s, pad, n + 8);
    for (size_t i = 0; i < 8; i++)
        store_be(out + i * 4, s->h[i]);
}

void ov_sha256_of(ov_slice bytes, uint8_t out[OV_SHA256_BYTES])
{
    ov_sha256 s;
    ov_sha256_init(&s);
    ov_sha256_add(&s, bytes.p, bytes.n);
    ov_sha256_end(&s, out);
}

void ov_hmac_sha256(ov_slice key, ov_slice text, uint8_t out[OV_SHA256_BYTES])
{
    uint8_t pad[64] = {0}, inner[OV_SHA256_BYTES];
    ov_sha256 s;
    if (key.n > sizeof pad)
        ov_sha256_of(key, pad);
    else if (key.n)
        memcpy(pad, key.p, key.n);
    for (size_t i = 0; i < sizeof pad; i++)
        pad[i] ^= 0x36;
    ov_sha256_init(&s);
    ov_sha256_add(&s, pad, sizeof pad);
    ov_sha256_add(&s, text.p, text.n);
    ov_sha256_end(&s, inner);
    for (size_t i = 0; i < sizeof pad; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    ov_sha256_init(&s);
    ov_sha256_add(&s, pad, sizeof pad);
    ov_sha256_add(&s, inner, sizeof inner);
    ov_sha256_end(&s, out);
}

void ov_sha256_hex(const uint8_t digest[OV_SHA256_BYTES], char text[OV_SHA256_HEX + 1])
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < OV_SHA256_BYTES; i++) {
        text[2 * i] = hex[digest[i] >> 4];
        text[2 * i + 1] = hex[digest[i] & 15];
    }
    text[OV_SHA256_HEX] = '\0';
}
