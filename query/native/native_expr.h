/*
 * Druid's native expression language (transformSpec, virtual columns, expression filters) and its JSON filters, bound
 * onto the same ov_expr trees and function table as SQL.
 *
 *   ov_native_parse   text to a tree that knows no columns and no types
 *   ov_native_check   are all functions known, with as many arguments as they take
 *   ov_native_bind    the tree over columns of known types to an ov_expr
 *   ov_native_filter  a JSON filter to a BOOLEAN ov_expr
 *
 * Values have Druid's native types: LONG, DOUBLE, STRING, COMPLEX<json>; truth is LONG 0/1 wherever it is used as a
 * value. Errors carry the byte range in the expression's text.
 *
 * Threads: a parsed tree is read-only.
 */
#pragma once

#include "base/json.h"
#include "query/expr/expr.h"

typedef enum ov_native_kind {
    OV_NATIVE_NULL,
    OV_NATIVE_LONG,
    OV_NATIVE_DOUBLE,
    OV_NATIVE_STRING, /* text: without escapes */
    OV_NATIVE_NAME,   /* text: identifier */
    OV_NATIVE_CALL,   /* text: function as written; args */
    OV_NATIVE_UNARY,  /* text: operator; one arg */
    OV_NATIVE_BINARY, /* text: operator; two args */
    OV_NATIVE_ARRAY,  /* args: elements; text: element type when written, as in ARRAY<LONG>[1] */
    OV_NATIVE_LAMBDA, /* args: NAME parameters, then the body */
} ov_native_kind;

typedef struct ov_native {
    ov_native_kind kind;
    uint32_t pos, end_pos;
    ov_slice text;
    int64_t i;
    double f;
    const struct ov_native **args;
    uint32_t argc;
    uint32_t height; /* longest way down */
} ov_native;

/* Errors: OV_INVALID with a position; OV_LIMIT when nested too deeply. Borrows nothing of text. */
OV_CHECKED ov_status ov_native_parse(ov_slice text, ov_arena *out, const ov_native **tree, ov_error *err);
OV_CHECKED ov_status ov_native_check(const ov_native *tree, ov_error *err);
/* fn for every node, parents first; stops at a failure. */
OV_CHECKED ov_status ov_native_walk(const ov_native *tree, ov_status (*fn)(void *ctx, const ov_native *node, ov_error *err),
                                    void *ctx, ov_error *err);

/* What names mean. */
typedef struct ov_native_scope {
    void *ctx;
    /* The column of that name; *out stays NULL when there is none, and then the name is NULL, as in Druid. */
    ov_status (*column)(void *ctx, ov_expr_ctx *cx, ov_slice name, const ov_expr **out, ov_error *err);
    /* May be NULL. A node the caller has a value for; *out stays NULL for all others. */
    ov_status (*node)(void *ctx, ov_expr_ctx *cx, const ov_native *node, const ov_expr **out, ov_error *err);
} ov_native_scope;

/* The value, never BOOLEAN or a time: those are BIGINT. */
OV_CHECKED ov_status ov_native_bind(const ov_native *tree, const ov_native_scope *scope, ov_expr_ctx *cx,
                                    const ov_expr **out, ov_error *err);
/* The same as a condition: Druid takes numbers above zero and the text 'true' as true. */
OV_CHECKED ov_status ov_native_bind_truth(const ov_native *tree, const ov_native_scope *scope, ov_expr_ctx *cx,
                                          const ov_expr **out, ov_error *err);

/* Errors name the JSON path of the part that cannot be done; OV_UNSUPPORTED for filters of Druid that are not there. */
OV_CHECKED ov_status ov_native_filter(const ov_json *filter, const ov_native_scope *scope, ov_expr_ctx *cx,
                                      const ov_expr **out, ov_error *err);
/* fn for the name of every column that the filter reads, repeats included. */
OV_CHECKED ov_status ov_native_filter_columns(const ov_json *filter,
                                              ov_status (*fn)(void *ctx, ov_slice name, ov_error *err), void *ctx,
                                              ov_error *err);
