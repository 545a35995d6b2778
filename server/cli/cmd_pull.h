/* The words of `ovate ingest` that look at a pull spec: plan, test, sources; and what backfill makes of one. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

/* An exit code. */
int ov_pull_cmd_plan(const char *dir, ov_slice spec);
int ov_pull_cmd_test(const char *dir, ov_slice spec);
int ov_pull_cmd_sources(void);
/* The spec with its interval set. */
OV_CHECKED ov_status ov_pull_with_interval(ov_slice spec, int64_t start_ms, int64_t end_ms, ov_arena *out, ov_slice *text,
                                           ov_error *err);
