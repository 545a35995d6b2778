/*
 * What every unit test includes: cmocka with its mandatory headers in the right order, and checks for
 * ov_status. A test file defines static test functions and a main that calls cmocka_run_group_tests.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/slice.h"
#include "base/status.h"

/* OVATE_TEST='*part*' in the environment: only tests whose names match. */
__attribute__((constructor)) static void choose_tests(void)
{
    const char *pattern = getenv("OVATE_TEST");
    if (pattern && *pattern)
        cmocka_set_test_filter(pattern);
}

/* The call succeeds; otherwise the test fails with the sentence of `err`. */
#define check_ok(expr, err)                                                                        \
    do {                                                                                           \
        if ((expr) != OV_OK)                                                                       \
            fail_msg("%s failed: %s", #expr, (err)->text);                                         \
    } while (0)

/* The call fails with `status` and its sentence contains `part`. */
#define check_fails(expr, err, status, part)                                                       \
    do {                                                                                           \
        ov_status check_fails_ = (expr);                                                           \
        if (check_fails_ != (status))                                                              \
            fail_msg("%s gave %s, not %s", #expr, ov_status_name(check_fails_),                    \
                     ov_status_name(status));                                                      \
        if (!strstr((err)->text, (part)))                                                          \
            fail_msg("%s: \"%s\" does not contain \"%s\"", #expr, (err)->text, (part));            \
    } while (0)

#define check_slice(got, text)                                                                     \
    do {                                                                                           \
        ov_slice check_slice_ = (got);                                                             \
        if (!ov_slice_eq(check_slice_, ov_slice_cstr(text)))                                       \
            fail_msg("%s is \"" OV_SLICE_FMT "\", not \"%s\"", #got, OV_SLICE_ARG(check_slice_),   \
                     (text));                                                                      \
    } while (0)
