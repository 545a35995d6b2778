/*
 * SHA-256 and HMAC-SHA-256: what archives are named by and S3 requests are signed with. Nettle does the work.
 *
 * Threads: plain values.
 */
#pragma once

#include <nettle/sha2.h>
#include "base/slice.h"

enum { OV_SHA256_BYTES = SHA256_DIGEST_SIZE, OV_SHA256_HEX = 2 * SHA256_DIGEST_SIZE };

/* A digest in the making; nothing to free, copies go on by themselves. */
typedef struct ov_sha256 {
    struct sha256_ctx state;
} ov_sha256;

/* Start, add bytes as they come, take the digest; it may be started again then. */
void ov_sha256_init(ov_sha256 *s);
void ov_sha256_add(ov_sha256 *s, const void *bytes, size_t n);
void ov_sha256_end(ov_sha256 *s, uint8_t out[OV_SHA256_BYTES]);

/* All at once. */
void ov_sha256_of(ov_slice bytes, uint8_t out[OV_SHA256_BYTES]);
void ov_hmac_sha256(ov_slice key, ov_slice text, uint8_t out[OV_SHA256_BYTES]);
/* Lower-case digits and a NUL. */
void ov_sha256_hex(const uint8_t digest[OV_SHA256_BYTES], char text[OV_SHA256_HEX + 1]);
