/*
 * Secrets of a pull: read when it runs, known by name, and taken out of every text that is kept.
 *
 *   "env:NAME"    a variable of the environment
 *   "file:PATH"   the first line of a file that only its owner (us) may read
 *
 * Threads: filled by one thread, then read-only.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

enum { OVI_SECRETS_MAX = 32 };

typedef struct ovi_secrets {
    ov_slice at[OVI_SECRETS_MAX];
    uint32_t n;
} ovi_secrets;

/* Does the text say where a secret is? OV_INVALID for one that seems to be the secret itself. */
OV_CHECKED ov_status ovi_secret_check(ov_slice where, ov_error *err);
/* The value, which `secrets` knows from then on. */
OV_CHECKED ov_status ovi_secret_read(ovi_secrets *secrets, ov_slice where, ov_arena *out, ov_slice *value, ov_error *err);
/* Another text to hide. Short ones (below 4 bytes) are left: they would blank half of every sentence. */
void ovi_secrets_add(ovi_secrets *secrets, ov_slice value);
/* The text with *** for each secret, also where it is percent-encoded. */
void ovi_secrets_hide(const ovi_secrets *secrets, ov_slice text, ov_buf *out);
void ovi_secrets_hide_error(const ovi_secrets *secrets, ov_error *err);
