/*
 * Opening a data folder with everything a process needs on top of it: catalog, worker pool, memory budget, query
 * environment. Shared by the server and by `ovate sql` on a folder.
 */
#pragma once

#include "server/app.h"

typedef struct ov_host_options {
    const char *dir;
    bool writer;           /* take the folder's lock */
    uint64_t memory_bytes; /* of all queries; 0 = half of what the machine (or its cgroup) has */
    uint64_t query_bytes;  /* of one query; 0 = half of that */
    const char *spill_dir; /* for what goes past it; NULL: DIR/tmp, without the lock the system's temporary folder */
    uint64_t spill_bytes;  /* most bytes there; 0 = half of what is free at the start */
    uint64_t results_bytes; /* of whole answers that are kept; 0: none */
    uint64_t states_bytes;  /* of partial results by segment; 0: none */
    uint64_t keys_bytes;    /* of tables of keys; 0 = a quarter of what the machine has */
    int64_t threads;       /* 0 = one per core */
} ov_host_options;

/* Fills the fields of app that both server and shell need; on failure nothing stays open. */
OV_CHECKED ov_status ov_host_open(ov_app *app, const ov_host_options *options, ov_error *err);
void ov_host_close(ov_app *app);

/* Settings that the tests force through the environment (OVATE_TEST_*); zero where unset. */
OV_CHECKED ov_status ov_host_test_options(ov_exec_options *out, ov_error *err);
