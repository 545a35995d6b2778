/*
 * Sub-queries that join the rows they are asked for.
 */
#pragma once

#include "query/sql/decorrelate.h"

typedef struct ovi_sql_attaching {
    ovi_sql_binder *b;
    const ovi_sql_subs *subs;
    ovi_sql_mover mover;
    void *self;
    const ov_plan *around;
} ovi_sql_attaching;

/* EXISTS or IN as a join that asks for a partner. */
OV_CHECKED ov_status ovi_sql_attach_test(const ovi_sql_attaching *a, ovi_sql_sub *sub, ov_join_kind kind, const ov_plan **out, ov_error *err);
