/* What the two files of windowOperator share: the rows so far and how they lie. */
#pragma once

#include "query/native/native_plan_int.h"

enum { OVI_NWINDOW_STEPS = 200 }; /* operators and processors: each makes nodes of the plan, one above the other */

typedef struct ovi_nwindow {
    ovi_nplanner *p;
    uint32_t steps;
    ov_error *err;
    const ov_plan *plan;
    ov_slice *sort; /* columns that the rows are sorted by */
    bool *down;
    uint32_t sort_count;
    ov_slice *partition;
    uint32_t partition_count;
} ovi_nwindow;

OV_CHECKED ov_status ovi_nwindow_column(const ovi_nwindow *w, const ov_json *at, ov_slice name, uint32_t *out);
/* The keys of sort[from, from + count). */
OV_CHECKED ov_status ovi_nwindow_keys(ovi_nwindow *w, const ov_json *at, uint32_t from, uint32_t count, ov_sort_key **out);
OV_CHECKED ov_status ovi_nwindow_names(ovi_nwindow *w, const ov_json *list, ov_slice **out, uint32_t *count);
/* A result takes the place of the column that had its name. */
void ovi_nwindow_shadow(ov_slice *names, uint32_t count, ov_slice name);
OV_CHECKED ov_status ovi_nwindow_step(ovi_nwindow *w, const ov_json *at);

/* native_window_calls.c: what a `window` operator computes, as columns behind those of the rows. */
OV_CHECKED ov_status ovi_nwindow_process(ovi_nwindow *w, const ov_json *processor);
