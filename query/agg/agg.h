/*
 * Aggregate functions: binding, and columns of states.
 *
 * States lie in typed columns indexed by group number (never structs behind pointers), so that adding a
 * batch is one tight loop per aggregate. An aggregate knows how to add rows to groups, to merge another
 * column of states, and to emit results. COUNT(DISTINCT x) is exact.
 *
 * Names: agg_registry.c. EARLIEST and LATEST need the row's time: the binder passes it as an
 * argument behind the value, EARLIEST(x) as EARLIEST(x, __time).
 */
#pragma once

#include "query/expr/expr.h"

typedef enum ov_agg_kind {
    OV_AGG_COUNT,    /* no argument: rows; one: rows where it is not NULL */
    OV_AGG_SUM,
    OV_AGG_SUM0,     /* 0 over no rows */
    OV_AGG_MIN,
    OV_AGG_MAX,
    OV_AGG_AVG,      /* DOUBLE */
    OV_AGG_DISTINCT, /* how many different values, NULL not counted; exact */
    OV_AGG_ANY,      /* the first row's value, NULL or not */
    OV_AGG_EARLIEST, /* value, time */
    OV_AGG_LATEST,
    OV_AGG_BIT_AND,
    OV_AGG_BIT_OR,
    OV_AGG_BIT_XOR,
    OV_AGG_VAR_POP,
    OV_AGG_VAR_SAMP,
    OV_AGG_STDDEV_POP,
    OV_AGG_STDDEV_SAMP,
    OV_AGG_OBJECT,   /* states of its own: `ops` */
} ov_agg_kind;

typedef struct ov_agg_binding ov_agg_binding;

/* One row of the table of names. */
typedef struct ov_aggregate {
    const char *name;
    uint8_t kind; /* ov_agg_kind */
    uint8_t values; /* arguments that are values, one a row; constants stand behind them. OV_AGG_ANY_ARGS: all */
    uint8_t min_args, max_args; /* constants and EARLIEST's time counted; OV_AGG_ANY_ARGS: any number */
    bool takes_distinct;
    const struct ov_object_ops *ops; /* OV_AGG_OBJECT: see object.h */
    /* Checks and casts the values, reads the constants, names the result's type. */
    ov_status (*bind)(ov_agg_binding *b, ov_error *err);
    const char *signatures; /* newline-separated forms, as INFORMATION_SCHEMA.ROUTINES shows them */
} ov_aggregate;

enum { OV_AGG_ANY_ARGS = 255 };

typedef struct ov_agg_call {
    const ov_aggregate *fn;
    const ov_expr **args; /* over the input of the AGGREGATE node; none for COUNT(*) */
    uint32_t argc;
    const ov_expr **params; /* constants behind them (sizes, separators, fractions) */
    uint32_t param_count;
    const void *prepared; /* what the aggregate made of the constants; read-only, lives as long as the plan */
    uint64_t most_bytes;  /* ANY_VALUE, EARLIEST, LATEST: text is cut there; 0: never */
    bool distinct;
    bool packed; /* the value is an array: args[0] is it as bytes ($PACK_LIST), and so are states */
    const ov_expr *filter; /* FILTER (WHERE ...), NULL when absent */
    ov_type type;          /* of the result */
    uint8_t sql;           /* ov_sqltype */
    bool nullable;
    uint32_t pos, end_pos;
} ov_agg_call;

/* What a row's bind function sees. It may replace call->args and sets call->type, sql, prepared. */
struct ov_agg_binding {
    ov_expr_ctx *cx;
    ov_agg_call *call;
};

bool ov_agg_exists(ov_slice name);
/* Resolves name and argument types. Unknown names OV_NOT_FOUND, wrong types OV_INVALID in Druid's words. */
OV_CHECKED ov_status ov_agg_bind(ov_expr_ctx *cx, ov_slice name, const ov_expr **args, uint32_t argc,
                                 bool distinct, const ov_expr *filter, uint32_t pos, uint32_t end_pos,
                                 ov_agg_call *out, ov_error *err);
const char *ov_agg_name(const ov_agg_call *call);
/* Both give the same value over any rows. */
bool ov_agg_call_equal(const ov_agg_call *a, const ov_agg_call *b);
uint64_t ov_agg_call_hash(const ov_agg_call *call); /* equal calls have equal hashes */
uint32_t ov_agg_docs(const ov_function_doc **out); /* sorted by name */
