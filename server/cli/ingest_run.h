/* One task, run to its end for the command line. */
#pragma once

#include <stdatomic.h>
#include "base/slice.h"
#include "server/cli/progress.h"

typedef struct ov_ingest_run_options {
    const char *dir;
    int64_t max_rejects; /* more end with OV_EXIT_REJECTS; -1: any number */
    int64_t threads;
    uint64_t memory;
    bool verbose;
    ov_progress_mode mode;
    const _Atomic bool *stop; /* set: the task is shut down */
} ov_ingest_run_options;

/* Run the task `json` here, or in the server that holds the folder. Returns an exit code. */
int ov_ingest_run(const ov_ingest_run_options *o, ov_slice json);
