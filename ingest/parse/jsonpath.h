/*
 * JSONPath as flattenSpec uses it: $, .name, ['name'], [n] (from the end when negative), [*] and .* for all.
 * Filters, slices, unions and `..` are refused with a clear error.
 *
 * Threads: a compiled path is read-only.
 */
#pragma once

#include "base/buf.h"
#include "ingest/parse/field.h"

typedef enum ov_jsonpath_step_kind {
    OV_JSONPATH_NAME,
    OV_JSONPATH_INDEX,
    OV_JSONPATH_ALL,
} ov_jsonpath_step_kind;

typedef struct ov_jsonpath_step {
    ov_jsonpath_step_kind kind;
    ov_slice name;
    int64_t index;
} ov_jsonpath_step;

typedef struct ov_jsonpath {
    const ov_jsonpath_step *steps;
    uint32_t count;
} ov_jsonpath;

/* `$.a.b[0][*]` and the like into steps; OV_INVALID says where the text goes wrong. Borrows nothing of text. */
OV_CHECKED ov_status ov_jsonpath_compile(ov_slice text, ov_arena *out, ov_jsonpath *path, ov_error *err);

/* Paths of jq (`.a.b[0]`, `."a b"`, `.["a"]`, `.[0]`) as JSONPath. Everything else of jq is OV_UNSUPPORTED, with the place. */
OV_CHECKED ov_status ov_jsonpath_of_jq(ov_slice jq, ov_arena *out, ov_slice *path, ov_error *err);
/* ['name'], with what needs it escaped. */
void ov_jsonpath_add_name(ov_buf *path, ov_slice name);

/*
 * The value that steps [from, count) lead to, starting at `value`. With [*] the result is an ARRAY of what was
 * found (JSON text in scratch). MISSING when a step leads nowhere.
 */
OV_CHECKED ov_status ov_jsonpath_eval(const ov_jsonpath *path, uint32_t from, const ov_field *value,
                                       ov_arena *scratch, ov_field *out, uint64_t *repaired,
                                       ov_error *err);
