/*
 * SHA-256 and HMAC-SHA-256: fingerprints of what was fetched, and request signatures. Not for tables (base/hash.h).
 *
 * Source   FIPS 180-4, RFC 2104. Threads: a stream belongs to one thread.
 */
#pragma once

#include "base/slice.h"

enum { OV_SHA256_BYTES = 32, OV_SHA256_HEX = 64 };

typedef struct ov_sha256 {
    uint32_t h[8];
    uint64_t bytes;
    uint8_t block[64];
} ov_sha256;

/* The same over bytes that come in parts: init, add, ..., end. */
void ov_sha256_init(ov_sha256 *s);
void ov_sha256_add(ov_sha256 *s, const void *bytes, size_t n);
void ov_sha256_end(ov_sha256 *s, uint8_t out[OV_SHA256_BYTES]);

void ov_sha256_of(ov_slice bytes, uint8_t out[OV_SHA256_BYTES]);
void ov_hmac_sha256(ov_slice key, ov_slice text, uint8_t out[OV_SHA256_BYTES]);
/* Lower-case digits and a NUL. */
void ov_sha256_hex(const uint8_t digest[OV_SHA256_BYTES], char text[OV_SHA256_HEX + 1]);
