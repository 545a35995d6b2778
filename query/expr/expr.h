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

#include <float.h>
#include "base/buf.h"
#include "base/period.h"
#include "base/places.h"
#include "query/sqltype.h"
#include "storage/vec.h"

typedef struct ov_expr ov_expr;
typedef struct ov_function ov_function;
typedef struct ov_eval ov_eval;

typedef enum ov_expr_kind {
    OV_EXPR_CONST,
    OV_EXPR_COLUMN, /* column of the input batch */
    OV_EXPR_CALL,   /* fn over args; AND, OR, NOT, CASE, COALESCE, CAST, comparisons are calls too */
    OV_EXPR_IN,     /* args[0] in a constant set */
} ov_expr_kind;

/* What planner and executor recognise in a tree; everything else is OV_OP_OTHER. A comparison with a constant has
 * it at args[1]; BETWEEN is an AND of GE and LE. */
typedef enum ov_op {
    OV_OP_OTHER,
    OV_OP_AND, /* two or more args, never AND of AND; OR likewise */
    OV_OP_OR,
    OV_OP_NOT,
    OV_OP_EQ,
    OV_OP_NE,
    OV_OP_LT,
    OV_OP_LE,
    OV_OP_GT,
    OV_OP_GE,
    OV_OP_IS_NULL,
    OV_OP_IS_NOT_NULL,
    OV_OP_IS_TRUE,
    OV_OP_LIKE,
    OV_OP_CASE,
    OV_OP_COALESCE,
    OV_OP_CAST,
    OV_OP_TIME_FLOOR, /* also FLOOR(t TO unit), DATE_TRUNC: see ov_expr_time_floor */
    OV_OP_IN,         /* kind OV_EXPR_IN */
} ov_op;

enum {
    OV_EXPR_NO_COLUMN = -1,    /* reads none: constant or volatile */
    OV_EXPR_MANY_COLUMNS = -2, /* reads several */
    OV_EXPR_UNBOUND = 1 << 30, /* see ov_expr_rebase */
};

/* Constants of an IN list: sorted, distinct, no NULL; million-entry lists are ordinary. */
typedef struct ov_inset {
    ov_type type;
    uint32_t count;
    bool has_null;          /* NULL was in the list: a miss is then unknown */
    uint32_t slots;         /* of `hash`, a power of two; 0 when there is none */
    const uint64_t *hash;   /* bits of the numbers of long lists by open addressing; an empty slot holds `hole` */
    uint64_t hole;          /* bits no item has */
    const int64_t *i64;     /* LONG */
    const double *f64;      /* DOUBLE, FLOAT */
    const ov_slice *str;    /* STRING */
} ov_inset;

struct ov_expr {
    uint8_t kind; /* ov_expr_kind */
    uint8_t sql;  /* ov_sqltype */
    ov_type type;
    uint8_t elem_sql; /* of an ARRAY: ov_sqltype of its elements; OV_SQL_NULL: what the native type says */
    bool nullable;
    bool deterministic;
    uint32_t pos, end_pos; /* where it stood in the SQL text */
    uint32_t id;           /* same id in one query = same value; keys caches of distinct-value results */
    int32_t only_column;   /* the one column it reads, or one of the two above */
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
    /* Over single values of multi-value strings, when it is made of some: what functions around it are bound over. No part of its
     * identity, and only there while the expression is bound: copies and rewritten trees have none. */
    const ov_expr *single;
    uint32_t parts; /* nodes of the tree, shared ones as often as they are there; 0: a leaf */
    uint64_t hash; /* what ov_expr_hash found; 0: not asked yet */
};

/* What the constructors need to know; one per query being bound. */
typedef struct ov_expr_ctx {
    ov_arena *arena;   /* the query's; receives every node */
    const ov_tz *tz;   /* sqlTimeZone */
    int64_t now_ms;    /* CURRENT_TIMESTAMP, fixed per statement; ask ov_expr_now */
    bool asked_now;    /* so what is bound holds for this moment only */
    bool made_volatile; /* something bound gives another value each time */
    uint32_t next_id;
    const struct ov_snapshot *snapshot; /* what the planner's estimates come from; NULL: from nothing */
    const struct ov_lookup_set *lookups; /* what LOOKUP finds; outlives the query. NULL: none */
} ov_expr_ctx;

static inline int64_t ov_expr_now(ov_expr_ctx *cx)
{
    cx->asked_now = true;
    return cx->now_ms;
}

/* ---- constructors; `pos` range is for error messages ---- */
OV_CHECKED ov_status ov_expr_null(ov_expr_ctx *cx, ov_sqltype sql, const ov_expr **out, ov_error *err);
/* The same where the native type does not follow from the SQL type: arrays, multi-value strings. */
OV_CHECKED ov_status ov_expr_null_of(ov_expr_ctx *cx, ov_sqltype sql, ov_type type, const ov_expr **out,
                                     ov_error *err);
OV_CHECKED ov_status ov_expr_i64(ov_expr_ctx *cx, ov_sqltype sql, int64_t v, const ov_expr **out,
                                 ov_error *err);
OV_CHECKED ov_status ov_expr_f64(ov_expr_ctx *cx, ov_sqltype sql, double v, const ov_expr **out,
                                 ov_error *err);
/* The FLOAT nearest to v; v itself where that would be infinite. */
static inline double ov_float_near(double v)
{
    return v >= -(double)FLT_MAX && v <= (double)FLT_MAX ? (double)(float)v : v;
}

OV_CHECKED ov_status ov_expr_str(ov_expr_ctx *cx, ov_sqltype sql, ov_slice v, const ov_expr **out,
                                 ov_error *err);
OV_CHECKED ov_status ov_expr_column(ov_expr_ctx *cx, uint32_t column, ov_type type, ov_sqltype sql,
                                    bool nullable, const ov_expr **out, ov_error *err);
/* A column of arrays whose elements have a name of their own (BOOLEAN, TIMESTAMP ...). */
OV_CHECKED ov_status ov_expr_array_column(ov_expr_ctx *cx, uint32_t column, ov_type type, ov_sqltype elem,
                                          bool nullable, const ov_expr **out, ov_error *err);
/* A value as the type that holds it and those of other segments or tables (ov_type_wider): as CAST, and lists and documents of it. */
OV_CHECKED ov_status ov_expr_widen(ov_expr_ctx *cx, const ov_expr *x, ov_sqltype sql, ov_type type, const ov_expr **out, ov_error *err);
/* The type's name in sentences: SQL's, or COMPLEX<json>, for which `buf` has room. */
enum { OV_EXPR_TYPE_NAME = 48 };
const char *ov_expr_type_name(const ov_expr *e, char *buf);
/* What an element of e is, read as a list: of an array, of a multi-value string, or the plain value itself. */
void ov_expr_element(const ov_expr *e, ov_type *type, ov_sqltype *sql);
/* A condition: of some element of `list` it is true that `test`, which reads column `element` and nothing else. */
OV_CHECKED ov_status ov_expr_any(ov_expr_ctx *cx, const ov_expr *list, const ov_expr *test, uint32_t element,
                                 const ov_expr **out, ov_error *err);
/* A multi-value string: `text`, which reads column `element` and nothing else, of each element of the multi-value string `list`. */
OV_CHECKED ov_status ov_expr_each(ov_expr_ctx *cx, const ov_expr *list, const ov_expr *text, uint32_t element, const ov_expr **out,
                                  ov_error *err);
/* An expression over the elements of lists: what MAP makes of each, those that FILTER finds it above zero for, FOLD's value after the last.
 * Of several lists every combination of elements counts, the last list's fastest. A NULL list gives NULL, and FILTER gives NULL where
 * nothing is left. `body` reads columns: one a list, FOLD's value so far (of the type of `initial`, no list), those of `outer`. */
typedef enum ov_lambda_kind {
    OV_LAMBDA_MAP,
    OV_LAMBDA_FILTER, /* one list; the body is a BIGINT */
    OV_LAMBDA_FOLD,   /* the body has the type of `initial` */
} ov_lambda_kind;
typedef struct ov_lambda {
    ov_lambda_kind kind;
    const ov_expr *const *lists;
    uint32_t list_count;
    const ov_expr *initial;
    const ov_expr *const *outer;
    uint32_t outer_count;
    const ov_expr *body;
} ov_lambda;
OV_CHECKED ov_status ov_expr_lambda(ov_expr_ctx *cx, const ov_lambda *lambda, const ov_expr **out, ov_error *err);
/* A scalar function or operator by name: "+", "=", "AND", "NOT", "IS NULL", "LIKE", "CASE" (when, then, ...,
 * else), "COALESCE", "UPPER", "TIME_FLOOR" ... Unknown names and wrong argument types are OV_INVALID in Druid's
 * words with a hint, at pos. Folds constants. */
OV_CHECKED ov_status ov_expr_call(ov_expr_ctx *cx, ov_slice name, const ov_expr **args, uint32_t argc,
                                  uint32_t pos, uint32_t end_pos, const ov_expr **out, ov_error *err);
/* The same as written in a query: CASE, COALESCE, NULLIF and IF then choose for each value of a multi-value string, like all other functions. */
OV_CHECKED ov_status ov_expr_call_each(ov_expr_ctx *cx, ov_slice name, const ov_expr **args, uint32_t argc,
                                       uint32_t pos, uint32_t end_pos, const ov_expr **out, ov_error *err);
/* Of what is made of single values of multi-value strings: only the row's value, as a column has it; */
OV_CHECKED ov_status ov_expr_settled(ov_expr_ctx *cx, const ov_expr *e, const ov_expr **out, ov_error *err);
/* a condition that holds when all of it does for some value (parts of AND may otherwise hold for different ones); */
OV_CHECKED ov_status ov_expr_any_single(ov_expr_ctx *cx, const ov_expr *e, const ov_expr **out, ov_error *err);
/* the list whose single value e stands for within such an expression, NULL: e is something else; */
const ov_expr *ov_expr_element_of(const ov_expr *e);
/* a number that fails in rows with several values, where it is NULL otherwise. Other expressions stay. */
OV_CHECKED ov_status ov_expr_one_value(ov_expr_ctx *cx, const ov_expr *e, const ov_expr **out, ov_error *err);
/* Such a number as an array of all of them, of which one is written bare; `other` when e is no such number. */
OV_CHECKED ov_status ov_expr_all_values(ov_expr_ctx *cx, const ov_expr *e, const ov_expr *other, const ov_expr **out, ov_error *err);
OV_CHECKED ov_status ov_expr_cast(ov_expr_ctx *cx, const ov_expr *arg, ov_sqltype to, ov_type to_native,
                                  uint32_t pos, uint32_t end_pos, const ov_expr **out, ov_error *err);
/* Bare type change for the binder: the value of a BIGINT read as a TIMESTAMP and the like; native types are equal. */
OV_CHECKED ov_status ov_expr_retype(ov_expr_ctx *cx, const ov_expr *arg, ov_sqltype to,
                                    const ov_expr **out, ov_error *err);
/* arg IN (constants): casts the constants to a common type with arg as comparisons do. Items must be CONST. */
OV_CHECKED ov_status ov_expr_in(ov_expr_ctx *cx, const ov_expr *arg, const ov_expr *const *items,
                                uint32_t count, uint32_t pos, uint32_t end_pos, const ov_expr **out,
                                ov_error *err);
/* The same tree with column i replaced by map[i] (an expression over another input). Columns from OV_EXPR_UNBOUND on
 * stay: while a query is bound they stand for values that are no columns of its input yet. */
OV_CHECKED ov_status ov_expr_rebase(ov_expr_ctx *cx, const ov_expr *e, const ov_expr *const *map,
                                    const ov_expr **out, ov_error *err);
/* The same tree with each column replaced by what `leaf` makes of it; *out NULL: it stays. */
typedef ov_status (*ov_expr_leaf)(void *self, const ov_expr *column, const ov_expr **out, ov_error *err);
OV_CHECKED ov_status ov_expr_rewrite(ov_expr_ctx *cx, const ov_expr *e, ov_expr_leaf leaf, void *self,
                                     const ov_expr **out, ov_error *err);
/* Canonical upper-case name of the function of a CALL ("AND", "=", "TIME_FLOOR"); "" for other kinds. */
const char *ov_expr_function(const ov_expr *e);
ov_op ov_expr_op(const ov_expr *e);
/* The granularity of an OV_OP_TIME_FLOOR whose period is constant (args[0] is the time); NULL otherwise. */
const ov_gran *ov_expr_time_floor(const ov_expr *e);
bool ov_expr_equal(const ov_expr *a, const ov_expr *b); /* structure and constants */
/* Equal expressions have equal hashes. Computed once a node. */
uint64_t ov_expr_hash(const ov_expr *e);
uint64_t ov_expr_hash_all(const ov_expr *const *list, uint32_t count, uint64_t hash); /* combined with `hash` */
/* The first expression of `list` that is equal; OV_NO_PLACE: none. `places` has had each of them noted, in order. */
uint32_t ov_expr_find(const ov_places *places, const ov_expr *const *list, const ov_expr *e);
OV_CHECKED ov_status ov_expr_note(ov_places *places, ov_arena *arena, const ov_expr *e, ov_error *err);
/* A copy that may be changed until somebody else sees it. */
OV_CHECKED ov_status ov_expr_copy(ov_arena *arena, const ov_expr *e, ov_expr **out, ov_error *err);
bool ov_expr_is_true(const ov_expr *e);                 /* the constant TRUE */
/* Marks in `used` (bit per column) every column the tree reads. */
void ov_expr_columns(const ov_expr *e, uint64_t *used, uint32_t columns);
OV_CHECKED ov_status ov_expr_print(const ov_expr *e, ov_buf *out, ov_error *err); /* for plans and tests */

/* ---- JSON_VALUE over stored paths (json_column.c) ---- */
/* *is: e is JSON_VALUE of a COMPLEX<json> column along names alone; which column, and what storage/segment/path_name.h calls it. */
OV_CHECKED ov_status ov_expr_json_path(const ov_expr *e, ov_arena *out, bool *is, uint32_t *column, ov_slice *name,
                                       ov_error *err);
/* Such a call over column 0 of a batch that holds the texts, */
OV_CHECKED ov_status ov_expr_json_text(ov_expr_ctx *cx, const ov_expr *e, const ov_expr **out, ov_error *err);
/* or the values at the path: *out NULL where they are the answer as they stand. */
OV_CHECKED ov_status ov_expr_json_stored(ov_expr_ctx *cx, const ov_expr *e, ov_type stored, const ov_expr **out,
                                         ov_error *err);

/* ---- evaluation ----
 * One ov_eval per worker and query: scratch memory and the caches of distinct-value results.
 */
typedef struct ov_eval_options {
    bool general_only; /* tests: no distinct-value evaluation, flatten everything first */
    /* Asked now and then while expressions are evaluated; what it returns but OV_OK ends that. NULL: never. */
    ov_status (*alive)(void *cx, ov_error *err);
    void *alive_cx;
    uint32_t sharers; /* evaluators that share the budget, this one included; 0: one */
} ov_eval_options;

OV_CHECKED ov_status ov_eval_create(ov_budget *budget, const ov_eval_options *options, ov_eval **out,
                                    ov_error *err);
void ov_eval_destroy(ov_eval *ev);
/* Forget the vectors of earlier batches (cached distinct-value results stay). */
void ov_eval_next_batch(ov_eval *ev);

/* About so many rows come from where this and the next batches are from, 0: nobody knows. What few of them need a dictionary's values is
 * evaluated by rows for long, what all of them need over the dictionary soon. */
void ov_eval_expect(ov_eval *ev, uint64_t rows);

/* Values of one batch may take a share of the query's memory; past it evaluation fails with OV_LIMIT. Whoever can do
 * with fewer rows goes back to a mark, dropping what was made since, and selects fewer. `unbound`: a single row may
 * take what the query has. */
ov_arena_mark ov_eval_mark(const ov_eval *ev);
void ov_eval_rewind(ov_eval *ev, ov_arena_mark mark);
void ov_eval_unbound(ov_eval *ev, bool unbound);
/* The selected rows of b in two halves; the masks are allocated from `scratch`. b has two rows at least. */
OV_CHECKED ov_status ov_batch_halves(const ov_batch *b, ov_arena *scratch, ov_batch halves[2], ov_error *err);

/* The value of e for each row; the vector lives until the next ov_eval_next_batch, the domain of a DICT vector
 * (and its strings) until the end of ev, so that consumers may remember codes by domain id. Errors
 * (division by zero) are
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

/* ov_eval_codes takes a few look-ups in the dictionary, not a look at each of its values. */
bool ov_eval_codes_is_cheap(const ov_expr *e, uint32_t column, const ov_domain *domain);
/* Rows of a vector of whole numbers with values in [low, high], and NULLs when asked for; out has room for v->rows bits. */
OV_CHECKED ov_status ov_eval_range(ov_eval *ev, const ov_vec *v, int64_t low, int64_t high, bool nulls, uint64_t *out,
                                   ov_error *err);
/* What ov_eval_codes of another ev has found; it must outlive ev. */
OV_CHECKED ov_status ov_eval_teach(ov_eval *ev, const ov_expr *e, const ov_domain *domain, const uint8_t *truth, ov_error *err);

/* Codes [*first, *end) of a sorted domain that satisfy e, found by binary search without visiting the others, when e
 * is a comparison, LIKE 'prefix%' or IS [NOT] NULL of `column` itself; false when it is not of that kind. NULL codes
 * are never inside unless e is IS NULL. */
bool ov_eval_code_range(const ov_expr *e, uint32_t column, const ov_domain *domain, uint32_t *first,
                        uint32_t *end);

/* ---- the function table ---- */
bool ov_function_exists(ov_slice name);
typedef struct ov_function_doc {
    const char *name;       /* as INFORMATION_SCHEMA.ROUTINES shows it */
    const char *signatures; /* newline-separated forms */
    bool aggregate;
} ov_function_doc;
uint32_t ov_function_docs(const ov_function_doc **out); /* scalar functions, sorted by name */
uint32_t ov_operator_docs(const ov_function_doc **out); /* operators, sorted by name */
