/*
 * Patterns of Java as PCRE2 reads them.
 */
#pragma once

#include "base/buf.h"
#include "base/slice.h"

/* Writes the pattern with what differs rewritten; NULL, or what PCRE2 has not, for a sentence "... is not supported". */
const char *ovi_java_pattern(ov_slice p, ov_buf *out);
