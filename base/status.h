/*
 * Status codes and the error that travels with them.
 *
 * A function that can fail returns ov_status and takes `ov_error *err` last. Whoever discovers the
 * failure writes the sentence with ov_fail (what was expected, what was found, what to do); callers
 * that know more put their words in front with ov_error_context. Reporting never allocates.
 * `err` is never NULL. On OV_OK its content is untouched.
 *
 * Threads: an ov_error belongs to one thread at a time; copy it by value to hand it over.
 */
#pragma once

#include <stdarg.h>
#include "base/compiler.h"

typedef enum ov_status {
#define OV_STATUS(name, text) name,
#include "base/status.def"
#undef OV_STATUS
    OV_STATUS_COUNT
} ov_status;

enum { OV_ERROR_TEXT_BYTES = 1024, OV_ERROR_TOKEN_BYTES = 64 };

typedef struct ov_error {
    ov_status code;
    int sys_errno;    /* errno of a failed system call, else 0 */
    bool has_pos;     /* the offsets below are set */
    uint32_t pos;     /* byte offset into the request text (SQL, JSON) where the trouble starts */
    uint32_t end_pos; /* one past its last byte */
    char code_hint[OV_ERROR_TOKEN_BYTES]; /* a finer word for programs, "" if none */
    char text[OV_ERROR_TEXT_BYTES];       /* one sentence, UTF-8, NUL-terminated */
} ov_error;

#define OV_ERROR_INIT                                                                              \
    {                                                                                              \
        .code = OV_OK                                                                              \
    }

/* Record the failure and return `code`, so that `return ov_fail(...)` reads well. */
ov_status ov_fail(ov_error *err, ov_status code, const char *fmt, ...) OV_PRINTF(3, 4);

/* The same with the byte range of the request text that is at fault. */
ov_status ov_fail_at(ov_error *err, ov_status code, uint32_t pos, uint32_t end_pos, const char *fmt,
                     ...) OV_PRINTF(5, 6);

/* OV_IO (or OV_NOMEM for ENOMEM) with ": <strerror>" added; sys_errno is kept. */
ov_status ov_fail_errno(ov_error *err, int sys_errno, const char *fmt, ...) OV_PRINTF(3, 4);

/* Put "words: " in front of the sentence already in err. */
void ov_error_context(ov_error *err, const char *fmt, ...) OV_PRINTF(2, 3);

const char *ov_status_name(ov_status code); /* "OV_INVALID" */

/* Leave the function with the status when it is not OV_OK. */
#define OV_TRY(expr)                                                                               \
    do {                                                                                           \
        ov_status ov_try_status_ = (expr);                                                         \
        if (OV_UNLIKELY(ov_try_status_ != OV_OK))                                                  \
            return ov_try_status_;                                                                 \
    } while (0)

/* The same for functions with clean-up: sets `st` and jumps to `out`. */
#define OV_TRY_OUT(st, expr)                                                                       \
    do {                                                                                           \
        (st) = (expr);                                                                             \
        if (OV_UNLIKELY((st) != OV_OK))                                                            \
            goto out;                                                                              \
    } while (0)

/* Stored or received bytes must satisfy `cond`, or the function returns OV_CORRUPT. */
#define OV_CHECK_DATA(cond, err, ...)                                                              \
    do {                                                                                           \
        if (OV_UNLIKELY(!(cond)))                                                                  \
            return ov_fail((err), OV_CORRUPT, __VA_ARGS__);                                        \
    } while (0)
