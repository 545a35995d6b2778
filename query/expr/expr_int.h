/*
 * What the files of this folder share: the function table's row, the binder's view of a call, the
 * evaluator's view of a call, and the state of one evaluator.
 *
 * A function is one row of functions.def. It has a binder, which checks and casts the arguments and names the result
 * type, and one of three evaluators:
 *
 *   eval   values from prepared arguments: FLAT raw or CONST, NULL rows already known
 *   test   truth from prepared arguments, as mask words
 *   lazy   the function walks its own arguments (AND, CASE, comparisons on encoded vectors)
 *
 * Functions flagged OVI_OWN see NULL arguments; for the others a NULL argument makes the row NULL before they run.
 */
#pragma once

#include "base/bits.h"
#include "query/expr/expr.h"
#include "query/expr/kernels/kernels.h"

typedef struct ovi_bind ovi_bind;
typedef struct ovi_call ovi_call;
typedef struct ovi_truth ovi_truth;

enum {
    OVI_VOLATILE = 1, /* never folded, never evaluated per distinct value */
    OVI_OWN = 2,      /* handles NULL arguments itself */
    OVI_HIDDEN = 4,   /* an operator: not listed as a function */
    OVI_LISTS = 8,    /* takes multi-value strings and arrays as they are */
    OVI_LIFTED = 16,  /* `prepared` is an expression over one element: part of the identity */
};

typedef ov_status (*ovi_bind_fn)(ovi_bind *b, ov_error *err);
typedef ov_status (*ovi_eval_fn)(ovi_call *c, ov_vec *out, ov_error *err);
typedef ov_status (*ovi_test_fn)(ovi_call *c, uint64_t *is_true, ov_error *err);
typedef ov_status (*ovi_lazy_fn)(ov_eval *ev, const ov_expr *e, const ov_batch *batch, ov_vec *out,
                                 ov_error *err);
typedef ov_status (*ovi_lazy_test_fn)(ov_eval *ev, const ov_expr *e, const ov_batch *batch,
                                      const ovi_truth *t, ov_error *err);

struct ov_function {
    const char *name;
    int8_t min_args, max_args; /* max -1: any number */
    uint8_t flags;
    uint8_t op; /* ov_op */
    ovi_bind_fn bind;
    ovi_eval_fn eval;
    ovi_test_fn test;
    ovi_lazy_fn lazy;
    ovi_lazy_test_fn lazy_test;
    const char *signatures; /* newline-separated */
};

const ov_function *ovi_function_find(ov_slice name); /* without case; NULL */
/* All of them, sorted by name: for tests. */
uint32_t ovi_function_count(void);
const ov_function *ovi_function_at(uint32_t i);

/* ---- binding ---- */

struct ovi_bind {
    ov_expr_ctx *cx;
    const ov_function *fn;
    const ov_expr **args; /* may be replaced by casts */
    uint32_t argc;
    uint32_t pos, end_pos;
    /* what the binder fills in */
    ov_sqltype sql;
    ov_type type;
    ov_sqltype elem_sql; /* of an ARRAY */
    bool nullable; /* preset: some argument is */
    const void *prepared;
    const ov_expr *replace; /* the call means this expression instead */
};

/* A node with the context's next id. */
ov_status ovi_node(ov_expr_ctx *cx, ov_expr_kind kind, ov_sqltype sql, ov_type type, ov_expr **out,
                   ov_error *err);
/* expr.c: a copy of a call, or of IN, with other arguments. */
ov_status ovi_with_args(ov_expr_ctx *cx, const ov_expr *e, const ov_expr **args, ov_expr **out, ov_error *err);
ov_status ovi_call_fn(ov_expr_ctx *cx, const char *name, const ov_expr **args, uint32_t argc,
                      uint32_t pos, uint32_t end_pos, const ov_expr **out, ov_error *err);
ov_status ovi_bool(ov_expr_ctx *cx, bool v, const ov_expr **out, ov_error *err);
/* A fresh copy of a call node with other arguments (same count), evaluated to a constant when it can be. */
ov_status ovi_fold(ov_expr_ctx *cx, const ov_expr *e, const ov_expr **out, ov_error *err);
/* Logical identities that need no evaluation (AND with FALSE, COALESCE of a constant ...). */
ov_status ovi_simplify(ov_expr_ctx *cx, const ov_expr *e, const ov_expr **out, ov_error *err);

/* A NULL of any type, lists and complex ones too. */
ov_status ovi_null_of(ov_expr_ctx *cx, ov_sqltype sql, ov_type type, const ov_expr **out, ov_error *err);
/* multi.c: the list with every element cast. */
ov_status ovi_each_cast(ov_expr_ctx *cx, const ov_expr *list, ov_sqltype to, uint32_t pos, uint32_t end_pos,
                        const ov_expr **out, ov_error *err);
/* list.c: the elements of row 0 with all they need, in the arena; are two lists equal. */
ov_status ovi_keep_list(ov_arena *a, const ov_vec *v, const ov_vec **out, ov_error *err);
bool ovi_same_list(const ov_vec *a, const ov_vec *b);

static inline bool ovi_is_const(const ov_expr *e)
{
    return e->kind == OV_EXPR_CONST;
}

static inline bool ovi_is_null(const ov_expr *e)
{
    return e->kind == OV_EXPR_CONST && e->constant.is_null;
}

/* multi.c: a node around a list with the element's expression, which reads column 0, in it; it has the element's type. */
ov_status ovi_lift(ov_expr_ctx *cx, const char *name, const ov_expr *list, const ov_expr *element, uint32_t pos,
                   uint32_t end_pos, ov_expr **out, ov_error *err);
/* multi_single.c: a call with arguments that have several values. *single: the call over single ones, NULL when it takes the lists as
 * they are; b->replace: what it comes to for a row, unset when binding the arguments as they are says it. */
ov_status ovi_bind_multi(ovi_bind *b, bool each, const ov_expr **single, ov_error *err);
ov_status ovi_multi_cast(ovi_bind *b, const ov_expr **single, ov_error *err);
ov_status ovi_multi_in(ov_expr_ctx *cx, const ov_expr *arg, const ov_expr *const *items, uint32_t count,
                       uint32_t pos, uint32_t end_pos, const ov_expr **out, ov_error *err);
/* e over single values; NULL: it has one value. */
ov_status ovi_single(ov_expr_ctx *cx, const ov_expr *e, const ov_expr **out, ov_error *err);
ov_status ovi_with_single(ov_expr_ctx *cx, const ov_expr *e, const ov_expr *single, const ov_expr **out, ov_error *err);
bool ovi_is_element(const ov_expr *e);
bool ovi_has_element(const ov_expr *e);
/* multi_reduce.c: what an expression over single values comes to for a row: texts, numbers and conditions have that. */
bool ovi_can_reduce(const ov_expr *single);
ov_status ovi_reduce(ov_expr_ctx *cx, const ov_expr *single, uint32_t pos, uint32_t end_pos, const ov_expr **out, ov_error *err);

/* expr_call.c: the call that a binder has filled in. */
ov_status ovi_bound_call(const ovi_bind *b, const ov_expr **out, ov_error *err);

static inline uint32_t ovi_parts(const ov_expr *e)
{
    return e->parts ? e->parts : 1;
}

/* bind_help.c */
void ovi_result(ovi_bind *b, ov_sqltype sql);
ov_status ovi_want(ovi_bind *b, uint32_t i, ov_sqltype sql, ov_error *err); /* cast argument i */
ov_status ovi_want_text(ovi_bind *b, uint32_t i, ov_error *err);
ov_status ovi_want_double(ovi_bind *b, uint32_t i, ov_error *err);
ov_status ovi_want_long(ovi_bind *b, uint32_t i, ov_error *err);
ov_status ovi_want_number(ovi_bind *b, uint32_t i, ov_error *err); /* text becomes DOUBLE */
ov_status ovi_want_time(ovi_bind *b, uint32_t i, ov_error *err);
ov_status ovi_want_bool(ovi_bind *b, uint32_t i, ov_error *err);
/* Argument i must be a constant of text; *is_null tells of NULL. */
ov_status ovi_const_text(ovi_bind *b, uint32_t i, ov_slice *out, bool *is_null, ov_error *err);
ov_status ovi_const_long(ovi_bind *b, uint32_t i, int64_t *out, bool *is_null, ov_error *err);
/* "; JSON_VALUE ...", what to write instead when one of the arguments is JSON; else "". */
const char *ovi_json_hint(const ov_expr *const *args, uint32_t n);
/* "Cannot apply 'F' to arguments of type ..." */
ov_status ovi_wrong_types(ovi_bind *b, const char *forms, ov_error *err);
/* The type two numbers meet in, as the standard and Calcite say. */
ov_sqltype ovi_meet_numbers(ov_sqltype a, ov_sqltype b);
/* The type CASE, COALESCE and UNION branches meet in. */
ov_status ovi_meet(ovi_bind *b, const ov_expr *const *items, uint32_t n, ov_sqltype *out,
                   ov_error *err);
ov_status ovi_prepare(ovi_bind *b, size_t bytes, void *out, ov_error *err); /* zeroed, in the query arena */

/* ---- evaluation ---- */

/* One prepared argument. Row r's value is i[r * step]; step is 0 for constants. */
typedef struct ovi_arg {
    union {
        const int64_t *i;
        const double *f;
        const ov_slice *s;
    };
    size_t step;
    const uint64_t *valid; /* NULL: no row is NULL */
    bool all_null;
    ov_vec vec; /* FLAT raw, LIST or CONST */
} ovi_arg;

struct ovi_call {
    ov_eval *ev;
    const ov_expr *e;
    ov_arena *mem; /* receives the result */
    ovi_arg *arg;
    uint32_t argc;
    uint32_t rows;
    const uint64_t *live; /* rows to compute: selected, and not NULL by the strict rule; NULL = all */
};

/* Masks of truth. `out` rows outside batch->sel are false in both. */
struct ovi_truth {
    uint64_t *is_true;
    uint64_t *is_unknown; /* NULL: the caller treats unknown as false */
};

OV_INLINE int64_t ovi_i64(const ovi_arg *a, size_t r)
{
    return a->i[r * a->step];
}

OV_INLINE double ovi_f64(const ovi_arg *a, size_t r)
{
    return a->f[r * a->step];
}

OV_INLINE ov_slice ovi_str(const ovi_arg *a, size_t r)
{
    return a->s[r * a->step];
}

OV_INLINE bool ovi_arg_null(const ovi_arg *a, size_t r)
{
    return a->all_null || (a->valid && !ov_bits_test(a->valid, a->step ? r : 0));
}

/* The rows to compute as a list. */
ov_status ovi_rows(ovi_call *c, const uint32_t **rows, uint32_t *n, ov_error *err);
/* Results: lanes for c->rows values (slices zeroed, numbers not), and validity = live rows (or NULL when all rows
 * are live). ovi_null_row clears one; the lanes of NULL rows are never looked at. */
typedef struct ovi_result_lanes {
    union {
        int64_t *i;
        double *f;
        ov_slice *s;
    };
    uint64_t *valid;
    uint32_t rows;
} ovi_result_lanes;
ov_status ovi_lanes(ovi_call *c, ovi_result_lanes *out, ov_error *err);
/* The same with validity always there, so that ovi_null_row may be called. */
ov_status ovi_lanes_nullable(ovi_call *c, ovi_result_lanes *out, ov_error *err);
static inline void ovi_null_row(ovi_result_lanes *l, size_t r)
{
    ov_bits_clear(l->valid, r);
}
void ovi_finish(const ovi_call *c, const ovi_result_lanes *l, ov_vec *out);
/* Copies text made in a buffer to where results live. */
ov_status ovi_keep_text(ovi_call *c, const ov_buf *text, ov_slice *out, ov_error *err);

/* One row's text as a function makes it: it puts bytes in `made`, which comes empty, or names in `part` bytes that live as long as
 * the result (.p not NULL, also when they are none), or says that there is none. */
typedef struct ovi_text {
    ov_buf made;
    ov_slice part;
    bool is_null;
} ovi_text;
typedef ov_status (*ovi_text_fn)(ovi_call *c, uint32_t row, ovi_text *t, ov_error *err);
/* fn's text of every row that is live. */
ov_status ovi_map_text(ovi_call *c, ovi_text_fn fn, ov_vec *out, ov_error *err);

ov_status ovi_words(ov_arena *a, size_t rows, uint64_t **out, ov_error *err); /* all zero */
ov_status ovi_fill(ov_eval *ev, const ov_batch *batch, uint64_t **all, ov_error *err); /* selected rows */
/* 0/1 bytes from masks. */
ov_status ovi_truth_vec(ov_eval *ev, const ov_batch *batch, const ovi_truth *t, ov_vec *out,
                        ov_error *err);
/* masks from a vector of a boolean or number: > 0 is true. */
ov_status ovi_vec_truth(ov_eval *ev, const ov_vec *v, const ov_batch *batch, const ovi_truth *t,
                        ov_error *err);
/* Evaluates e for batch's rows; what ov_eval_expr does without resetting anything. */
ov_status ovi_eval(ov_eval *ev, const ov_expr *e, const ov_batch *batch, ov_vec *out, ov_error *err);
/* One level down (OV_LIMIT when that is too deep); the caller lowers ev->depth again. */
ov_status ovi_descend(ov_eval *ev, const ov_expr *e, ov_error *err);
/* Truth of e; masks are written in full. */
ov_status ovi_test(ov_eval *ev, const ov_expr *e, const ov_batch *batch, const ovi_truth *t,
                   ov_error *err);
/* Evaluates and prepares the arguments of e for a strict or own function. */
ov_status ovi_call_prepare(ov_eval *ev, const ov_expr *e, const ov_batch *batch, ovi_call *c,
                           uint64_t **unknown, ov_error *err);
ov_status ovi_arg_of(ov_eval *ev, const ov_vec *v, ovi_arg *out, ov_error *err);
/* batch with another selection, whose rows are counted. */
ov_batch ovi_narrow(const ov_batch *batch, const uint64_t *sel);

/* What is known of one expression over one domain. */
typedef struct ovi_known {
    uint64_t domain_id;
    uint32_t expr_id;
    uint64_t rows_seen;      /* evaluated row by row so far: the table pays once this nears the domain */
    bool failed;             /* some value gives an error: evaluate rows instead */
    const ov_domain *mapped; /* values of e, code by code */
    const uint8_t *truth;    /* 0 false, 1 true, 2 unknown */
    bool is_range;           /* the true codes are exactly [first, end), and no other code is unknown */
    bool has_unknown;
    uint32_t first, end;
    struct ovi_known *next;
} ovi_known;

typedef struct ovi_buckets ovi_buckets; /* time_buckets.c: of one TIME_FLOOR */
typedef struct ovi_ranks ovi_ranks;     /* code_ranks.c: of two dictionaries */

struct ov_eval {
    ov_budget *budget;
    ov_budget batch; /* part of it: of `mem` */
    bool general_only;
    const ovi_kernels *k;
    ov_arena mem;   /* vectors of this batch */
    ov_arena keep;  /* results per domain */
    size_t batch_most; /* bytes `mem` may hold, but for single rows */
    size_t keep_most; /* bytes it may hold; past that rows are evaluated one by one */
    ovi_known **table;
    uint32_t table_size, table_used;
    ovi_buckets *buckets; /* in keep */
    ovi_ranks *ranks;     /* in keep */
    uint32_t *identity; /* 0, 1, 2 ... for calls without a selection */
    uint64_t expected; /* rows that are still to come; 0: not known */
    int depth;
    ov_status (*alive)(void *cx, ov_error *err);
    void *alive_cx;
};

/* May the evaluation go on? For functions whose single values take long. */
static inline ov_status ovi_alive(ov_eval *ev, ov_error *err)
{
    return ev->alive ? ev->alive(ev->alive_cx, err) : OV_OK;
}

void ovi_eval_init(ov_eval *ev, ov_budget *budget, bool general_only);
void ovi_eval_fini(ov_eval *ev);
/* map.c: e over the distinct values of the one column it reads. *done is false when that does not pay. */
ov_status ovi_map_eval(ov_eval *ev, const ov_expr *e, const ov_batch *batch, ov_vec *out, bool *done,
                       ov_error *err);
ov_status ovi_map_test(ov_eval *ev, const ov_expr *e, const ov_batch *batch, const ovi_truth *t,
                       bool *done, ov_error *err);

/* Numbers in place of the texts of two vectors, in the order of the texts; those of NULL rows mean nothing. */
typedef struct ovi_coded {
    const int64_t *a, *b;
    uint64_t *valid_a, *valid_b; /* NULL: no row is NULL */
} ovi_coded;
/* code_ranks.c: *done is false when they are no dictionary columns whose dictionaries are small and in order. */
ov_status ovi_code_ranks(ov_eval *ev, const ov_vec *v, const ov_vec *w, uint32_t rows, ovi_coded *out, bool *done,
                         ov_error *err);

/* ---- comparisons: fn_compare.c, compare_run.c ---- */

/* A comparison with a constant, rewritten as a range of the left side's values. */
typedef struct ovi_cmp {
    uint8_t op;       /* ov_op of the comparison */
    bool has_const;   /* the fields below hold */
    bool negate;      /* true outside the range */
    bool never;       /* the range is empty */
    int64_t lo, hi;   /* LONG, inclusive */
    double flo, fhi;  /* DOUBLE, inclusive */
} ovi_cmp;

/* Rows whose int64 (or scaled real) lanes lie in a range, over any FLAT vector; out trimmed, NULL rows not removed. */
ov_status ovi_range_flat(ov_eval *ev, const ov_vec *v, const ovi_cmp *cmp, uint64_t *out,
                         ov_error *err);
/* Is e's value in the IN set. */
bool ovi_inset_has_i64(const ov_inset *set, int64_t v);
bool ovi_inset_has_f64(const ov_inset *set, double v);
bool ovi_inset_has_str(const ov_inset *set, ov_slice v);
ov_status ovi_in_test(ov_eval *ev, const ov_expr *e, const ov_batch *batch, const ovi_truth *t,
                      ov_error *err);

/* ---- pieces shared by function files ---- */

/* Codes for the text constants among the branches of a CASE; *out NULL when they are not all constants. */
ov_status ovi_case_labels(ov_expr_ctx *cx, const ov_expr *const *args, uint32_t argc, ov_sqltype sql,
                          const void **out, ov_error *err);

int64_t ovi_double_to_long(double v); /* as Java: NaN is 0, saturates */
/* Text to a number, a truth and a time, as a cast does; false for NULL. */
bool ovi_text_to_long(ov_slice s, int64_t *out);
bool ovi_text_to_double(ov_slice s, double *out);
bool ovi_text_to_bool(ov_slice s, int64_t *out);
bool ovi_text_to_time(ov_slice s, const ov_tz *tz, int64_t *out);
/* A zone argument: unknown names are errors with a suggestion. */
ov_status ovi_zone_arg(ovi_bind *b, uint32_t i, const ov_tz **tz, ov_error *err);

typedef struct ovi_like ovi_like;
ov_status ovi_like_compile(ov_arena *a, ov_slice pattern, int32_t escape, const ovi_like **out,
                           ov_error *err);
bool ovi_like_match(const ovi_like *like, ov_slice s);
/* The text every match starts with. *exact: nothing may follow; *any: anything may. */
ov_slice ovi_like_prefix(const ovi_like *like, bool *exact, bool *any);
/* The longest text without gaps that every match holds; empty when there is none. */
ov_slice ovi_like_longest(const ovi_like *like);
/* Does each text of the rows begin where the one before ends? Those of a dictionary do. */
bool ovi_side_by_side(const ov_slice *text, const uint32_t *rows, uint32_t n);
/* Where rows of v are many texts side by side: sets the bits of those that match. false: they are not, and nothing is done. */
bool ovi_like_stretch(const ovi_like *like, const ovi_arg *v, const uint32_t *rows, uint32_t n, uint64_t *is_true);
const ovi_like *ovi_like_of(const ov_expr *e); /* of an OV_OP_LIKE with a constant pattern; NULL */

/* functions.def names them; each is defined in one fn_*.c. */
#define FN_EVAL(name, min, max, flags, op, bind, fn, sig)                                          \
    ov_status bind(ovi_bind *b, ov_error *err);                                                    \
    ov_status fn(ovi_call *c, ov_vec *out, ov_error *err);
#define FN_TEST(name, min, max, flags, op, bind, fn, sig)                                          \
    ov_status bind(ovi_bind *b, ov_error *err);                                                    \
    ov_status fn(ovi_call *c, uint64_t *is_true, ov_error *err);
#define FN_LAZY(name, min, max, flags, op, bind, fn, sig)                                          \
    ov_status bind(ovi_bind *b, ov_error *err);                                                    \
    ov_status fn(ov_eval *ev, const ov_expr *e, const ov_batch *batch, ov_vec *out, ov_error *err);
#define FN_TRUTH(name, min, max, flags, op, bind, fn, sig)                                         \
    ov_status bind(ovi_bind *b, ov_error *err);                                                    \
    ov_status fn(ov_eval *ev, const ov_expr *e, const ov_batch *batch, const ovi_truth *t,         \
                 ov_error *err);
#define FN_BIND(name, min, max, flags, op, bind, sig)                                              \
    ov_status bind(ovi_bind *b, ov_error *err);
#include "query/expr/functions.def"
#undef FN_EVAL
#undef FN_TEST
#undef FN_LAZY
#undef FN_TRUTH
#undef FN_BIND
