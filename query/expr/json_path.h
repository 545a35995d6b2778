/*
 * Paths into JSON values as Druid's JSON functions write them: `$`, `.name`, `['name']`, `[n]` (from the end when
 * negative). A path is walked over the text of a value; nothing is built.
 *
 * Threads: a parsed path is read-only.
 */
#pragma once

#include "base/arena.h"
#include "base/jsonr.h"

typedef struct ovi_json_step {
    bool is_index;
    int32_t index;
    ov_slice name;
} ovi_json_step;

typedef struct ovi_json_path {
    uint32_t count;
    ovi_json_step *steps;
} ovi_json_path;

/* OV_INVALID in Druid's words. */
OV_CHECKED ov_status ovi_json_path_parse(ov_slice text, ov_arena *out, ovi_json_path *path, ov_error *err);
/* The value the path leads to; false when there is none or the text is no JSON. */
bool ovi_json_path_find(const ovi_json_path *path, ov_slice json, ov_jsonr_value *out);
/* One step further: of names that occur twice the last counts. */
bool ovi_json_step_find(const ovi_json_step *step, const ov_jsonr_value *in, ov_jsonr_value *out);
