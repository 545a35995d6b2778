/*
 * The body of a push as one segment image: the parsers of batch loads over bytes that are at hand.
 *
 * Threads: any; one call uses its caller's thread alone.
 */
#pragma once

#include "ingest/load/load.h"
#include "storage/catalog/catalog.h"

typedef struct ovi_push_in {
    const ov_spec *spec; /* its input is `text` */
    bool discover;       /* nobody declared the stream: the time field and all columns come from the rows */
    const ov_schema_column *known; /* with `discover`: columns that are there; their types are kept where they hold the values */
    uint32_t known_count;
    const struct ov_transform_ops *transforms;
    ov_budget *budget;
    uint32_t max_rejects; /* told of; 0: OVI_PUSH_REJECTS */
    bool no_notes;        /* as in ov_push */
    ov_catalog *keys;    /* the datasource has keys, and this catalog knows them: one row a key is left. NULL: none */
} ovi_push_in;

typedef struct ovi_push_out {
    void *image; /* NULL when no row is left; belongs to the caller (ov_free) */
    size_t bytes;
    uint64_t rows, rejected, filtered, with_errors;
    ov_reject *rejects; /* the first of them, in the arena */
    uint32_t reject_count;
} ovi_push_out;

enum { OVI_PUSH_REJECTS = 10 };

/* Errors: OV_INVALID: the body as a whole; OV_LIMIT: memory. */
OV_CHECKED ov_status ovi_push_build(const ovi_push_in *in, ov_arena *out, ovi_push_out *result, ov_error *err);
