/*
 * Typed expressions: trees built once by the binder, read-only afterwards, evaluated over batches by any
 * number of workers at once.
 *
 * The binder calls the constructors below; they resolve overloads, insert casts, derive types, fold
 * constants and prepare what can be prepared (compiled patterns, periods, zones). Evaluation is one walk per
 * batch. Above all functions stands one rule (docs/engine.md, "distinct values"): a deterministic
 * sub-tree over a single DICT, RUN or CONST column is evaluated over the distinct values only and keeps the
 * encoding; the result per (domain, sub-tree) is kept while the query runs. No function knows about it.
 */
#pragma once

#include "base/buf.h"
#include "query/sqltype.h"
#include "storage/vec.h"

typedef struct ov_expr ov_expr;
typedef struct ov_function ov_function;
typedef struct ov_eval ov_eval;
typedef struct ov_tz ov_tz; /* base/datetime */

typedef enum ov_expr_kind {
    OV_EXPR_CONST,
    OV_EXPR_COLUMN, /* column of the input batch */
    OV_EXPR_CALL,   /* fn over args; AND, OR, NOT, CASE, COALESCE, CAST, comparisons are calls too */
    OV_EXPR_IN,     /* args[0] in a constant set */
} ov_expr_kind;

/* Constants of an IN list: sorted, distinct, no NULL; million-entry lists are ordinary. */
typedef struct ov_inset {
    ov_type type;
    uint32_t count;
    bool has_null;          /* NULL was in the list: a miss is then unknown */
    const int64_t *i64;     /* LONG */
    const double *f64;      /* DOUBLE, FLOAT */
    const ov_slice *str;    /* STRING */
} ov_inset;

struct ov_expr {
    uint8_t kind; /* ov_expr_kind */
    uint8_t sql;  /* ov_sqltype */
    ov_type type;
    bool nullable;
    bool deterministic;
    uint32_t pos, end_pos; /* where it stood in the SQL text */
    uint32_t id;           /* unique within the query; keys caches of distinct-value results */
    union {
        struct {
            bool is_null;
            union {
                int64_t i;
                double f;
                ov_slice s;
                const ov_vec *list;
            };
        } constant;
        uint32_t column;
    };
    const ov_function *fn;
    uint32_t argc;
    const ov_expr **args;
    const ov_inset *set;
    const void *prepared; /* the function's own, made at bind time, immutable */
};

/* What the constructors need to know; one per query being bound. */
typedef struct ov_expr_ctx {
    ov_arena *arena;   /* the query's; receives every node */
    const ov_tz *tz;   /* sqlTimeZone */
    int64_t now_ms;    /* CURRENT_TIMESTAMP, fixed per statement */
    uint32_t next_id;
    /* LOOKUP and other services of the server are injected here by later work */
    void *services;
} ov_expr_ctx;

/* ---- constructors; `pos` range is for error messages ---- */
OV_CHECKED ov_status ov_expr_null(ov_expr_ctx *cx, ov_sqltype sql, const ov_expr **out, ov_error *err);
OV_CHECKED ov_status ov_expr_i64(ov_expr_ctx *cx, ov_sqltype sql, int64_t v, const ov_expr **out,
                                 ov_error *err);
OV_CHECKED ov_status ov_expr_f64(ov_expr_ctx *cx, ov_sqltype sql, double v, const ov_expr **out,
                                 ov_error *err);
OV_CHECKED ov_status ov_expr_str(ov_expr_ctx *cx, ov_sqltype sql, ov_slice v, const ov_expr **out,
                                 ov_error *err);
OV_CHECKED ov_status ov_expr_column(ov_expr_ctx *cx, uint32_t column, ov_type type, ov_sqltype sql,
                                    bool nullable, const ov_expr **out, ov_error *err);
/* A scalar function or operator by name: "+", "=", "AND", "NOT", "IS NULL", "LIKE", "CASE" (when, then, ...,
 * else), "COALESCE", "UPPER", "TIME_FLOOR" ... Unknown names and wrong argument types are OV_INVALID in Druid's
 * words with a hint, at pos. Folds constants. */
OV_CHECKED ov_status ov_expr_call(ov_expr_ctx *cx, ov_slice name, const ov_expr **args, uint32_t argc,
                                  uint32_t pos, uint32_t end_pos, const ov_expr **out, ov_error *err);
OV_CHECKED ov_status ov_expr_cast(ov_expr_ctx *cx, const ov_expr *arg, ov_sqltype to, ov_type to_native,
                                  uint32_t pos, uint32_t end_pos, const ov_expr **out, ov_error *err);
/* arg IN (constants): casts the constants to a common type with arg as comparisons do. Items must be CONST. */
OV_CHECKED ov_status ov_expr_in(ov_expr_ctx *cx, const ov_expr *arg, const ov_expr *const *items,
                                uint32_t count, uint32_t pos, uint32_t end_pos, const ov_expr **out,
                                ov_error *err);
/* The same tree with column i replaced by map[i] (an expression over another input). */
OV_CHECKED ov_status ov_expr_rebase(ov_expr_ctx *cx, const ov_expr *e, const ov_expr *const *map,
                                    const ov_expr **out, ov_error *err);
/* Canonical upper-case name of the function of a CALL ("AND", "=", "TIME_FLOOR"); "" for other kinds. */
const char *ov_expr_function(const ov_expr *e);
bool ov_expr_equal(const ov_expr *a, const ov_expr *b); /* structure and constants */
bool ov_expr_is_true(const ov_expr *e);                 /* the constant TRUE */
/* Marks in `used` (bit per column) every column the tree reads. */
void ov_expr_columns(const ov_expr *e, uint64_t *used, uint32_t columns);
OV_CHECKED ov_status ov_expr_print(const ov_expr *e, ov_buf *out, ov_error *err); /* for plans and tests */

/* ---- evaluation ----
 * One ov_eval per worker and query: scratch memory and the caches of distinct-value results.
 */
typedef struct ov_eval_options {
    bool general_only; /* tests: no distinct-value evaluation, flatten everything first */
} ov_eval_options;

OV_CHECKED ov_status ov_eval_create(ov_budget *budget, const ov_eval_options *options, ov_eval **out,
                                    ov_error *err);
void ov_eval_destroy(ov_eval *ev);
/* Forget the vectors of earlier batches (cached distinct-value results stay). */
void ov_eval_next_batch(ov_eval *ev);

/* The value of e for each row; the vector lives until the next ov_eval_next_batch. Errors (division by zero) are
 * raised only for rows that are selected. */
OV_CHECKED ov_status ov_eval_expr(ov_eval *ev, const ov_expr *e, const ov_batch *batch, ov_vec *out,
                                  ov_error *err);

/* Three-valued truth of a BOOLEAN expression as masks: rows where it is true, and where it is unknown.
 * Both have ov_words(rows) words, bits past rows are zero; rows outside batch->sel are false in both. unknown
 * may be NULL when not wanted. Returns the number of true rows. */
OV_CHECKED ov_status ov_eval_filter(ov_eval *ev, const ov_expr *e, const ov_batch *batch,
                                    uint64_t *is_true, uint64_t *is_unknown, uint32_t *true_rows,
                                    ov_error *err);

/* e over the distinct values of one domain, for filters by index: truth[code] = 0 false, 1 true, 2 unknown.
 * e must read no column but `column`. The array has domain->count bytes and lives as long as ev. */
OV_CHECKED ov_status ov_eval_codes(ov_eval *ev, const ov_expr *e, uint32_t column,
                                   const ov_domain *domain, const uint8_t **truth, ov_error *err);

/* ---- the function table ---- */
typedef struct ov_function_doc {
    const char *name;       /* as INFORMATION_SCHEMA.ROUTINES shows it */
    const char *signatures; /* newline-separated forms */
    bool aggregate;
} ov_function_doc;
uint32_t ov_function_docs(const ov_function_doc **out); /* scalar functions, sorted by name */
