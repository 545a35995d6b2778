/*
 * From the fields of one row to columns: the part all row formats share.
 *
 * A reader fills e->fields for a row and calls ovi_emit_row; what it cannot read goes to ovi_emit_reject. Both keep
 * the books of the split. In the discovery pass nothing is stored, the kinds of the values are noted instead.
 *
 * Threads: one worker per ovi_emit.
 */
#pragma once

#include "ingest/parse/load_plan.h"
#include "ingest/parse/rows_layout.h"

typedef struct ovi_emit {
    const ovi_plan *plan;
    ov_rows *rows;             /* of the split at hand */
    ovi_discovery *discovery;  /* NULL in the load itself */
    ov_field *fields;          /* field_count of them */
    uint32_t field_count;      /* the plan's and OVI_OWN_FIELDS; in discovery also roots nobody named, behind these */
    uint32_t *discovery_idx;   /* per field: its number in discovery */
    ov_arena scratch;          /* reset after each row */
    ov_error err;              /* of the row at hand; clearing one per row would cost more than the row */
    ov_timestamp_memo memo, raw_memo;
    uint32_t interval;         /* the interval the last row was in */
    const char *text, *text_end; /* of the split: places are told relative to it */
    uint64_t lines_before;       /* of the file, just before the text */
    const char *counted;         /* the start of a line of the text, and how many breaks lie before it; NULL: nobody asked yet */
    uint64_t counted_lines;
    ov_slice file;
    bool at_time;                /* the row's time is being read */
    /* Told of every row when it is done, while its fields are still there; NULL: nobody. */
    void (*tap)(void *self, struct ovi_emit *e);
    void *tap_self;
} ovi_emit;

OV_CHECKED ov_status ovi_emit_init(ovi_emit *e, const ovi_plan *plan, ovi_discovery *discovery,
                                   ov_error *err);
void ovi_emit_fini(ovi_emit *e);

/* Discovery: a root that the spec does not name. *field is its place in e->fields. */
OV_CHECKED ov_status ovi_emit_add_root(ovi_emit *e, ov_slice name, uint32_t *field, ov_error *err);
/* The fields of the row that starts at `row` are complete. */
void ovi_emit_row(ovi_emit *e, const char *row);
/* A piece of input that is no row. `at`: where the trouble is, inside the split's text; value: the text at fault. */
void ovi_emit_reject(ovi_emit *e, const char *at, ov_slice value, const char *hint, const char *reason, ...)
    OV_PRINTF(5, 6);
/* Memory or a bug: the split fails as a whole. */
void ovi_emit_fail(ovi_emit *e, const ov_error *err);
