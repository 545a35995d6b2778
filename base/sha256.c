#include "base/sha256.h"

#include <nettle/hmac.h>

void ov_sha256_init(ov_sha256 *s)
{
    sha256_init(&s->state);
}

void ov_sha256_add(ov_sha256 *s, const void *bytes, size_t n)
{
    sha256_update(&s->state, n, bytes);
}

void ov_sha256_end(ov_sha256 *s, uint8_t out[OV_SHA256_BYTES])
{
    sha256_digest(&s->state, SHA256_DIGEST_SIZE, out);
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
    struct hmac_sha256_ctx h;
    hmac_sha256_set_key(&h, key.n, (const uint8_t *)key.p);
    hmac_sha256_update(&h, text.n, (const uint8_t *)text.p);
    hmac_sha256_digest(&h, SHA256_DIGEST_SIZE, out);
}

void ov_sha256_hex(const uint8_t digest[OV_SHA256_BYTES], char text[OV_SHA256_HEX + 1])
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < OV_SHA256_BYTES; i++) {
        text[2 * i] = digits[digest[i] >> 4];
        text[2 * i + 1] = digits[digest[i] & 15];
    }
    text[OV_SHA256_HEX] = 0;
}
