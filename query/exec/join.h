/*
 * Private to the join's files: the side that is kept, and where rows of the other side find their partners.
 */
#pragma once

#include "query/exec/exec_int.h"
#include "query/exec/groups.h"

/* ---- the kept side as columns (join_build.c) ---- */

/* Rows 0 .. rows-1, and behind them one that is NULL in every column: the partner of rows that have none. */
typedef struct ovi_join_side {
    uint32_t rows;
    ov_vec *col;       /* FLAT or LIST of rows + 1; unused columns are NULL */
    ov_domain *domain; /* the same values behind codes that are row numbers */
    ov_vec *keys;      /* key expressions over it, key_count of `rows` */
} ovi_join_side;

/* Runs the plan and keeps the used columns of its rows in their order. Everything lives in the exec's arena. */
OV_CHECKED ov_status ovi_join_collect(ovi_exec *x, const ov_plan *node, const uint64_t *used,
                                      const ov_expr *const *keys, uint32_t key_count, ovi_join_side *out,
                                      ov_error *err);

/* ---- keys to rows (join_table.c) ---- */

typedef struct ovi_join_table {
    ov_budget *budget;
    uint32_t key_count, rows;
    bool single_text;   /* one key, of text: its number in `strings` is the group, from 1 */
    ov_strtab strings;  /* of all keys of text */
    ovi_groups groups;
    uint32_t group_count;
    uint32_t *start;    /* group g has row[start[g] .. start[g + 1]), ascending */
    uint32_t *row;
    uint32_t most;      /* rows of the largest group, at least 1 */
} ovi_join_table;

/* What one worker remembers while it looks keys up. */
typedef struct ovi_join_lookup {
    ov_strmap *maps; /* codes of each key of text to numbers + 1; NO_NUMBER for text nobody has */
} ovi_join_lookup;

void ovi_join_lookup_fini(ovi_join_lookup *l, const ovi_join_table *t);

OV_CHECKED ov_status ovi_join_table_build(ovi_join_table *t, const ovi_join_side *side, uint32_t key_count,
                                          ov_budget *budget, ov_arena *scratch, ov_error *err);
void ovi_join_table_fini(ovi_join_table *t);
/* The group of each selected row of keys, OVI_NO_GROUP for the others and where nothing is equal. */
OV_CHECKED ov_status ovi_join_table_find(ovi_join_table *t, ovi_join_lookup *l, const ov_vec *keys,
                                         const ov_batch *b, ov_arena *scratch, uint32_t *group, ov_error *err);
