/*
 * Attributes and the three kinds of check.
 *
 * OV_ASSERT      our bug: abort in debug builds, nothing in release.
 * OV_CHECK_DATA  their bytes (files, network, requests): returns OV_CORRUPT with a sentence.
 * OV_CHECKED     the compiler complains when a caller drops the status.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OV_CHECKED __attribute__((warn_unused_result))
#define OV_PRINTF(fmt_at, args_at) __attribute__((format(printf, fmt_at, args_at)))
#define OV_NOINLINE __attribute__((noinline))
#define OV_INLINE static inline __attribute__((always_inline))
#define OV_LIKELY(x) __builtin_expect(!!(x), 1)
#define OV_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define OV_ALIGNED(n) __attribute__((aligned(n)))
#define OV_NORETURN __attribute__((noreturn))

#define OV_ASSERT(x) assert(x)
#define OV_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define OV_MIN(a, b) ((a) < (b) ? (a) : (b))
#define OV_MAX(a, b) ((a) > (b) ? (a) : (b))
