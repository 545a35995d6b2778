/*
 * Folds: an aggregate that is an expression. A group begins with a value; each of its rows, in the order of the input, makes the next one.
 *
 *     fold     over column 0, the value so far, and columns 1 .., the arguments of the call in this row
 *     combine  over column 0, the value of the rows before, and column 1, that of the rows behind them
 *
 * Values are of fold->type: a number, a text, or an array as bytes ($PACK_LIST). The executor hands rows to a fold one batch after the
 * other, in order and on one thread (ov_acc_in_turn), so combine is only for what was on disk meanwhile.
 */
#pragma once

#include "query/agg/agg.h"

typedef struct ov_fold {
    const ov_expr *initial; /* a constant */
    const ov_expr *fold, *combine; /* of the initial value's type */
    /* Of a fold that only puts elements behind an array or into a set: those, as bytes, from columns 1 ..; and, of a set, what makes
     * one again of column 0 with elements behind it. NULL: other folds. */
    const ov_expr *tail, *settle;
    bool skip_nulls;   /* rows with a NULL argument do not take part */
    bool initial_of_nothing; /* a group without rows has the initial value, not NULL */
    uint64_t most_bytes; /* longer texts and arrays fail */
} ov_fold;

/* The call of a fold, which has no name in the table of aggregates. `fold` lives as long as the plan. */
OV_CHECKED ov_status ov_fold_bind(ov_expr_ctx *cx, const ov_fold *fold, const ov_expr *const *args, uint32_t argc,
                                  const ov_expr *filter, ov_agg_call *out, ov_error *err);
