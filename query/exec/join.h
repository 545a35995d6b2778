/*
 * Private to the join's files: the side that is kept, where rows of the other side find their partners, and a join
 * while it runs.
 */
#pragma once

#include "query/exec/exec_int.h"
#include "query/exec/groups.h"
#include "query/exec/keyset.h"

/* ---- the kept side as columns (join_build.c) ---- */

/* Rows 0 .. rows-1, and behind them one that is NULL in every column: the partner of rows that have none. */
typedef struct ovi_join_side {
    uint32_t rows;
    ov_vec *col;       /* FLAT or LIST of rows + 1; unused columns are NULL */
    ov_domain *domain; /* the same values behind codes that are row numbers */
    ov_vec *keys;      /* key expressions over it, key_count of `rows` */
    bool spooled;      /* it did not fit: all of it is in the spool instead */
} ovi_join_side;

typedef struct ovi_join_spool ovi_join_spool; /* join_spill.h */
typedef struct ovi_join ovi_join;

/* Runs the kept side's plan and keeps the used columns of its rows in their order. Everything lives in the exec's arena. What
 * does not fit goes to spool, when there is one. */
OV_CHECKED ov_status ovi_join_collect(const ovi_join *j, const ov_plan *node, const uint64_t *used,
                                      const ov_expr *const *keys, uint32_t key_count, ovi_join_spool *spool,
                                      ovi_join_side *out, ov_error *err);

/* ---- keys to rows (join_table.c) ---- */

/* One key among those that are packed into a word: word * span + (key - min). */
typedef struct ovi_key_pack {
    uint64_t min, span; /* span 0: it has no range */
    bool number;        /* no text */
} ovi_key_pack;

typedef struct ovi_join_table {
    ov_query_ctx *cx;
    ov_budget *budget;
    uint32_t key_count, rows;
    ov_strtab strings;  /* of all keys of text */
    bool packed;        /* all keys of a row are one word */
    ovi_key_pack *pack; /* of each key */
    ovi_keyset *each;   /* numbers of each key, where they lie close together and `set` is not the same */
    ovi_keyset set;     /* the words, when they lie close together; else */
    ovi_groups groups;
    uint32_t group_count;
    uint32_t *start;    /* group g has row[start[g] .. start[g + 1]), ascending */
    uint32_t *row;
    uint32_t most;      /* rows of the largest group, at least 1; when 1, start[g] is g */
} ovi_join_table;

/* What one worker remembers while it looks keys up. */
typedef struct ovi_join_lookup {
    ov_strmap *maps; /* codes of each key of text to numbers + 1; NO_NUMBER for text nobody has */
} ovi_join_lookup;

void ovi_join_lookup_fini(ovi_join_lookup *l, const ovi_join_table *t);

OV_CHECKED ov_status ovi_join_table_build(ovi_join_table *t, const ovi_join_side *side, uint32_t key_count,
                                          ov_query_ctx *cx, ov_arena *scratch, ov_error *err);
void ovi_join_table_fini(ovi_join_table *t);
/* The group of each selected row of keys, OVI_NO_GROUP for the others and where nothing is equal. */
OV_CHECKED ov_status ovi_join_table_find(ovi_join_table *t, ovi_join_lookup *l, const ov_vec *keys,
                                         const ov_batch *b, ov_arena *scratch, uint32_t *group, ov_error *err);

/* The numbers of key k; NULL when they are texts or fractions, or lie too far apart. */
const ovi_keyset *ovi_join_table_keys(const ovi_join_table *t, uint32_t k);

/* ---- a join while it runs (join.c, join_semi.c) ---- */

/* One worker's share. */
typedef struct ovi_probe {
    ovi_worker *check; /* evaluates keys and the residual */
    ovi_worker *down;  /* makes batches of pairs */
    ovi_join_lookup lookup;
    ov_vec *keys;
    uint32_t *group;   /* of each row of the batch */
    uint32_t *ours, *theirs, count; /* candidates: row of the batch, kept row; side.rows = "that was all for this row" */
    bool hit;          /* the row at hand has a partner */
    bool twice, matched_twice; /* some row had two; some kept row had */
    uint64_t made;     /* rows out of the batch at hand */
    uint64_t base;     /* ordinal of its first row out */
    uint64_t *matched; /* kept rows that found a partner, when they matter */
} ovi_probe;

struct ovi_join {
    ovi_sink base;
    ovi_exec *exec;
    const ov_plan *node;
    ovi_sink *next;
    uint32_t cols, our_first, their_first, our_cols, their_cols; /* of both sides together */
    bool keep_ours, keep_theirs; /* rows without partner */
    bool tests;                  /* SEMI, ANTI, MARK: no pairs come out, keep_theirs: the left side is kept */
    bool general;
    const ov_expr *const *keys;  /* over the streaming side */
    const uint64_t *wanted;      /* columns of the result that are read above */
    const uint64_t *checked;     /* those the residual reads */
    ovi_join_side side;
    ovi_join_table table;
    uint32_t *all;               /* without keys: every kept row */
    uint32_t most;               /* rows of the kept side that one row may go with */
    ovi_probe *probes;
};

/* What the streaming side, and the kept side, may leave out (join_wish.c). */
uint32_t ovi_join_wishes(const ovi_sink *s, ovi_key_wish *list);
uint32_t ovi_join_kept_wishes(const ovi_join *j, ovi_key_wish *list);

/* A batch of pairs with these columns; b NULL: rows of the kept side alone. */
OV_CHECKED ov_status ovi_join_pair_batch(const ovi_join *j, const uint64_t *columns, const ov_batch *b,
                                         const uint32_t *ours, const uint32_t *theirs, uint32_t n,
                                         ov_arena *scratch, ov_batch *out, ov_error *err);
/* Where the residual is true. */
OV_CHECKED ov_status ovi_join_truth(const ovi_join *j, ovi_probe *p, const ov_batch *b, uint64_t **truth,
                                    ov_error *err);
/* The kept rows that a row of this group may go with. */
const uint32_t *ovi_join_candidates(const ovi_join *j, uint32_t group, uint32_t *count);

/* SEMI, ANTI, MARK. Batches of the left side go on as they are; with the left side kept, batches of the right leave
 * marks on it, and it goes on at the end. p->group is set. */
OV_CHECKED ov_status ovi_join_test(ovi_join *j, ovi_probe *p, ovi_worker *w, const ov_batch *b, ov_error *err);
OV_CHECKED ov_status ovi_join_mark_kept(ovi_join *j, ovi_probe *p, const ov_batch *b, ov_error *err);
OV_CHECKED ov_status ovi_join_emit_tested(ovi_join *j, ov_error *err);
/* Batches go through unchanged but for rows that are left out. */
bool ovi_join_passes(const ovi_join *j);
