/* What the files of this folder share: the table of native functions and the binder's state. */
#pragma once

#include "query/native/native_expr.h"

enum { OVI_NATIVE_BYTES = 1 << 20 };

typedef struct ovi_nbind {
    const ov_native_scope *scope;
    ov_expr_ctx *cx;
} ovi_nbind;

typedef ov_status (*ovi_nbind_fn)(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err);

/* One function of the language: another name for an entry of query/expr/functions.def, or a binder of its own. */
typedef struct ovi_native_fn {
    const char *name; /* lower case */
    int8_t min, max;  /* arguments; max -1: any number */
    const char *sql;  /* NULL: bind does it all */
    ovi_nbind_fn bind;
} ovi_native_fn;

const ovi_native_fn *ovi_native_fn_find(ov_slice name); /* without case; NULL */
const ovi_native_fn *ovi_native_fns(uint32_t *count);   /* sorted by name */

/* native_bind.c */
ov_status ovi_native_any(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err);
ov_status ovi_native_value(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err);
ov_status ovi_native_truth(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err);
ov_status ovi_native_values(ovi_nbind *b, const ov_native *n, const ov_expr ***out, ov_error *err);
/* A bound expression as a value, and as a condition. */
ov_status ovi_as_value(ovi_nbind *b, const ov_expr *e, const ov_expr **out, ov_error *err);
ov_status ovi_as_truth(ovi_nbind *b, const ov_expr *e, const ov_expr **out, ov_error *err);
ov_status ovi_as_text(ovi_nbind *b, const ov_expr *e, const ov_expr **out, ov_error *err);
/* A function of the table over bound arguments, at n's place. */
ov_status ovi_native_apply(ovi_nbind *b, const ov_native *n, const char *name, const ov_expr **args, uint32_t argc,
                           const ov_expr **out, ov_error *err);
/* native_lambda.c: binders */
ov_status ovi_native_filter(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err);
ov_status ovi_native_fold(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err);
ov_status ovi_native_map(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err);
ov_status ovi_native_quantified(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err);
/* Accumulators are kept as plain values, arrays as bytes; `like` is a NULL of the accumulator's type. The accumulator in a column, as what
 * it is; and an expression as what is kept. */
ov_status ovi_native_accumulator(ov_expr_ctx *cx, const ov_expr *like, uint32_t column, const ov_expr **out, ov_error *err);
ov_status ovi_native_keep(ov_expr_ctx *cx, const ov_expr *like, const ov_expr *e, const ov_expr **out, ov_error *err);
/* The accumulator's type (the initial value's; DOUBLE when that is whole and the step makes DOUBLEs; the step's when it is NULL), and the step
 * as what is kept. */
typedef ov_status (*ovi_native_step)(void *self, const ov_expr *like, const ov_expr **out, ov_error *err);
ov_status ovi_native_settle(ov_expr_ctx *cx, const ov_expr *initial, ovi_native_step step, void *self, const ov_expr **like,
                            const ov_expr **out, ov_error *err);
/* native_lists.c: binders */
ov_status ovi_native_set_add(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err);
ov_status ovi_native_list_call(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err);
ov_status ovi_native_list(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err);
/* A value or list as that array type; *out stays NULL when it is no array type. */
ov_status ovi_native_cast_list(ovi_nbind *b, const ov_native *n, const ov_expr *e, ov_slice type, const ov_expr **out, ov_error *err);
ov_status ovi_native_same(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err);
ov_status ovi_native_long(ovi_nbind *b, int64_t v, const ov_expr **out, ov_error *err);
