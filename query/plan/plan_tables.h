/*
 * The datasources that a plan names, with a life of their own: columns and estimates are copied into the plan's arena, so that a plan
 * can outlive the snapshot it was made from, and serve queries over later ones while the columns stay.
 *
 *   find    while the plan is made: a copy that still shows the snapshot's segments
 *   detach  when it is complete: from then on the scans' segments are those of the snapshot that each query sees
 *   fit     may the plan serve this snapshot?
 *
 * Threads: find and detach by the one that makes the plan, the others any.
 */
#pragma once

#include "query/plan/plan.h"

typedef struct ov_plan_table {
    struct ov_plan_table *next;
    ov_datasource *copy;
} ov_plan_table;

typedef struct ov_plan_tables {
    const ov_snapshot *snapshot; /* NULL once it is detached */
    ov_arena *arena;
    ov_plan_table *list;
    bool failed; /* memory was out: the plan points into the snapshot and cannot outlive it */
} ov_plan_tables;

/* For ov_sql_tables.find; `tables` is an ov_plan_tables. */
const ov_datasource *ov_plan_tables_find(const void *tables, ov_slice name);
void ov_plan_tables_detach(ov_plan_tables *t);
/* The same columns, and about as many rows: orders of joins are chosen by them. */
bool ov_plan_tables_fit(const ov_plan_tables *t, const ov_snapshot *snapshot);
/* What a scan reads: the plan's own segments while it has them, else the snapshot's. */
const ov_datasource *ov_plan_datasource(const ov_plan *scan, const ov_snapshot *snapshot);
