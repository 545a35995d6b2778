/*
 * Pulling from sources: task type `pull`, and looks at a spec without running it.
 *
 * A source is a description (pull_source.h) of pages or files and their rows; a spec names one, gives it parameters, secrets and
 * limits, and says where rows go. docs/pull.md has the reference, docs/decisions/0002-pull.md the reasons.
 */
#pragma once

#include "ingest/load/load.h"
#include "storage/catalog/catalog.h"

/* What pulling needs from layers that ingestion does not know. */
typedef struct ov_pull_ops {
    void *ctx;
    /* Run a SQL query and hand each row's cells as text (p NULL: NULL) to `row`. */
    ov_status (*query)(void *ctx, ov_slice sql,
                       ov_status (*row)(void *arg, const ov_slice *names, const ov_slice *cells, uint32_t n, ov_error *err),
                       void *arg, ov_error *err);
} ov_pull_ops;

typedef struct ov_pull_look {
    ov_catalog *catalog;           /* for what earlier runs left; NULL: as if there were none */
    const ov_pull_ops *ops;        /* NULL: specs with forEach are refused */
    const struct ov_transform_ops *transforms;
    const char *tmp_dir;           /* existing folder for files of the look */
    const _Atomic bool *cancel;    /* may be NULL */
} ov_pull_look;

/* How many requests, tokens and how much time a run would take, as a JSON document. Asks nothing. */
OV_CHECKED ov_status ov_pull_plan(const ov_pull_look *look, ov_slice spec, ov_buf *json, ov_error *err);
/* One page of the first series, and the first rows as they would be stored (the sampler's document). */
OV_CHECKED ov_status ov_pull_test(const ov_pull_look *look, ov_slice spec, ov_buf *json, ov_error *err);
/* [{"name","about","params",...}] of the descriptions that come with the program. */
OV_CHECKED ov_status ov_pull_sources(ov_buf *json, ov_error *err);
