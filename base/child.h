/*
 * A child process whose standard output we read (git log, for one).
 *
 * No shell: argv goes to execvp as it is. stdin is /dev/null; the last 4 KiB of stderr are kept for
 * the sentence of a failure. Signals of ours are reset in the child, which dies with its parent.
 *
 * Threads: one at a time per child.
 */
#pragma once

#include "base/slice.h"
#include "base/status.h"

typedef struct ov_child ov_child;

/* argv ends with NULL; dir NULL: ours. OV_NOT_FOUND when the program is not installed. */
OV_CHECKED ov_status ov_child_start(const char *const *argv, const char *dir, ov_child **out,
                                    ov_error *err);
/* Up to cap bytes; *got = 0 at the end of its output. */
OV_CHECKED ov_status ov_child_read(ov_child *c, void *to, size_t cap, size_t *got, ov_error *err);
/* Is there something to read, or the end, within timeout_ms? */
bool ov_child_ready(ov_child *c, int64_t timeout_ms);
/* Wait; a non-zero exit or a signal is OV_IO with what it wrote to stderr. Frees c in any case. */
OV_CHECKED ov_status ov_child_finish(ov_child *c, ov_error *err);
/* Kill, wait, free. NULL is fine. */
void ov_child_kill(ov_child *c);
