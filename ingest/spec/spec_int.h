/*
 * Parts of the spec reader shared by spec.c, spec_schema.c, spec_metrics.c and spec_io.c.
 */
#pragma once

#include "base/json.h"
#include "ingest/spec/spec.h"

typedef struct ovi_spec_reader {
    ov_arena *out; /* receives the result */
    ov_spec *spec;
} ovi_spec_reader;

/* dataSchema */
OV_CHECKED ov_status ovi_spec_schema(ovi_spec_reader *r, const ov_json *schema, ov_error *err);
/* metricsSpec, behind the dimensions (spec_metrics.c) */
OV_CHECKED ov_status ovi_spec_metrics(ovi_spec_reader *r, const ov_json *schema, ov_error *err);
/* ioConfig without its flags */
OV_CHECKED ov_status ovi_spec_input(ovi_spec_reader *r, const ov_json *io, ov_error *err);
OV_CHECKED ov_status ovi_spec_format(ovi_spec_reader *r, const ov_json *io, ov_error *err);

/* A member's text, copied; `dflt` (borrowed) when absent. */
OV_CHECKED ov_status ovi_spec_text(ovi_spec_reader *r, const ov_json *obj, const char *key,
                                   const char *dflt, ov_slice *out, ov_error *err);
/* An array of strings; a null or absent one is empty. */
OV_CHECKED ov_status ovi_spec_texts(ovi_spec_reader *r, const ov_json *obj, const char *key,
                                    ov_slice **out, uint32_t *count, ov_error *err);
/* The member as JSON text; `dflt` when absent or null. */
OV_CHECKED ov_status ovi_spec_json(ovi_spec_reader *r, const ov_json *obj, const char *key,
                                   const char *dflt, ov_slice *out, ov_error *err);
/* OV_INVALID: "path: 'word' is no <what>; known are ..., did you mean ...". */
ov_status ovi_spec_unknown(const ov_json *at, ov_slice word, const char *what,
                           const char *const *known, size_t n, ov_error *err);
