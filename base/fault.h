/*
 * Named fault points, for failures no system call reaches (a hand-over between threads that fails,
 * a crash between two steps). Every point is a row of base/fault.def; release builds (NDEBUG)
 * contain none of this.
 *
 *     OV_FAULT(OV_FAULT_PUBLISH_BEFORE_RENAME, err);
 *
 * returns OV_IO from the function when a test armed that point. OVATE_FAULT=name:n:crash in the
 * environment kills the process at the n-th pass instead, for crash tests of the whole program.
 */
#pragma once

#include "base/status.h"

typedef enum ov_fault_point {
#define OV_FAULT_POINT(name, text) name,
#include "base/fault.def"
#undef OV_FAULT_POINT
    OV_FAULT_COUNT
} ov_fault_point;

#ifdef NDEBUG
#define OV_FAULT(point, err) ((void)0)
#else
/* For tests. The n-th pass (1 is the next one) fails with `code`; n = 0 disarms. */
void ov_fault_arm(ov_fault_point point, unsigned n, ov_status code);
/* For tests. The n-th pass ends the process as OVATE_FAULT does, also where the environment was read before. */
void ov_fault_arm_crash(ov_fault_point point, unsigned n);
void ov_fault_disarm_all(void); /* for tests */
/* OV_OK, or the armed failure. */
ov_status ov_fault_pass(ov_fault_point point, ov_error *err);
#define OV_FAULT(point, err) OV_TRY(ov_fault_pass((point), (err)))
#endif
