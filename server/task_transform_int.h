/* The compiled form of a transformSpec: task_transform.c makes it, task_transform_run.c takes rows through it. */
#pragma once

#include <stdatomic.h>

#include "base/jsonr.h"
#include "base/thread.h"
#include "ingest/parse/field.h"
#include "query/native/native_expr.h"

enum { MAX_USES = 256 };
#define NO_SLOT UINT32_MAX

typedef enum value_kind {
    VALUE_NULL,
    VALUE_LONG,
    VALUE_DOUBLE,
    VALUE_STRING,
    VALUE_JSON,
    VALUE_LONGS, /* arrays */
    VALUE_DOUBLES,
    VALUE_STRINGS,
    VALUE_SEVERAL, /* what a filter sees of an array: a string of several values, of which one may fit */
} value_kind;

typedef enum slot_kind {
    SLOT_INPUT,  /* from: number of the raw field */
    SLOT_OUTPUT, /* from: number of the transform; for the filter and the fields of metrics */
    SLOT_JSON,   /* from: the unit whose result it is */
} slot_kind;

typedef struct slot {
    slot_kind kind;
    uint32_t from;
} slot;

typedef struct use {
    uint32_t slot;
    ov_slice name;         /* what the expression calls it */
    const ov_native *node; /* SLOT_JSON: the call it stands for */
} use;

/* An expression bound to one combination of kinds. */
typedef struct form {
    struct form *next;
    const ov_expr *expr;
    ov_status status; /* not OV_OK: these kinds cannot be bound, and why */
    ov_error why;
    uint8_t kinds[]; /* one per use */
} form;

typedef struct unit {
    const ov_native *tree; /* NULL: the filter, or the condition of a metric, which has an output */
    const ov_json *filter;
    bool scalar_only;    /* json_value: what is nested is NULL */
    uint32_t output;     /* 1 + the transform's number; 0: only slots read it */
    uint32_t whole_slot; /* the expression is a name alone: its slot; else NO_SLOT */
    use *uses;
    uint32_t use_count, form_count;
    _Atomic(form *) forms;
} unit;

typedef struct runner {
    ov_eval *ev;
    struct runner *next;
} runner;

typedef struct program {
    struct program *self; /* runs are handed a const pointer; forms and runners are added behind the lock */
    ov_slice *inputs, *outputs;
    ov_slice *of_metrics; /* names that expressions of metrics read */
    uint32_t input_count, output_count, of_metrics_count;
    slot *slots;
    uint32_t slot_count;
    unit **units;
    uint32_t unit_count;
    ov_mutex lock;
    ov_arena forms;  /* under the lock */
    ov_expr_ctx cx;  /* under the lock */
    runner *idle;    /* under the lock */
} program;

/* The run of ov_transform_ops (ingest/parse/transform.h). */
OV_CHECKED ov_status ovi_transform_run(const void *prog, const ov_field *in, ov_arena *scratch, ov_field *out, bool *keep,
                                       ov_error *err);

/* The value and its kind of a JSON array; both stay as they are when it has arrays or objects in it. several: VALUE_SEVERAL, for filters. */
OV_CHECKED ov_status ovi_transform_list(ov_slice json, bool several, ov_arena *scratch, ov_vec *out, uint8_t *kind, ov_error *err);
