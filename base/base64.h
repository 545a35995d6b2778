/*
 * Base64 (RFC 4648, the alphabet with + and /): bytes as text and back.
 */
#pragma once

#include "base/buf.h"

/* Appends the bytes; padding may be absent. false when a character or the length cannot be. */
bool ov_base64_decode(ov_slice text, ov_buf *out);
/* Appends the text, padded. */
void ov_base64_encode(ov_slice bytes, ov_buf *out);
