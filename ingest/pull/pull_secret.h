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

/* What stands in the place of one. */
#define OVI_SECRET_HIDDEN "***"

/* A text to hide: a secret, or one of the ways in which it is written in addresses and JSON. */
typedef struct ovi_secrets {
    ov_slice *at;
    uint32_t n, cap;
} ovi_secrets;

/* Does the text say where a secret is? OV_INVALID for one that seems to be the secret itself. */
OV_CHECKED ov_status ovi_secret_check(ov_slice where, ov_error *err);
/* The value, which `secrets` knows from then on; both live in `out`. OV_INVALID for one that is too short to be told from other
 * words. */
OV_CHECKED ov_status ovi_secret_read(ovi_secrets *secrets, ov_slice where, ov_arena *out, ov_slice *value, ov_error *err);
/* The text with *** for each secret, also where it is percent-encoded or quoted as JSON. */
void ovi_secrets_hide(const ovi_secrets *secrets, ov_slice text, ov_buf *out);
/* The same in place, of secrets that are long enough not to stand in data by chance; true: there was one. */
bool ovi_secrets_scrub(const ovi_secrets *secrets, ov_buf *text);
/* The same; sentences are cut where they are too long, so the beginning of a secret at the end goes as well. */
void ovi_secrets_hide_error(const ovi_secrets *secrets, ov_error *err);
