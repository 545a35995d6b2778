/*
 * Accumulators: the columns of states behind aggregates.
 *
 * One accumulator serves every aggregate that needs the same sums (SUM, AVG and COUNT of one argument). States
 * are indexed by group number and lie in typed arrays:
 *
 *   n        rows that took part (not NULL, in the mask); 0 = no value yet
 *   v        sum, smallest, largest, mean, or the kept value
 *   m2       sum of squared distances from the mean (VARIANCE)
 *   t        time of the kept value (EARLIEST, LATEST)
 *   at       where it came in the order of the input (ANY, EARLIEST, LATEST): what decides ties
 *   packed   count and sum of small values in one word, unpacked before they can overflow
 *   narrow   smallest or largest as 32 bits over a base, or as codes of one sorted domain
 *
 *   ramp_*, tiny  the same for pieces that are ramps
 *
 * These are caches in front of n and v; ov_acc_settle empties them. Rows come with a piece list that
 * says which group they belong to (ov_agg_rows).
 *
 * Threads: one at a time.
 */
#pragma once

#include "query/agg/agg.h"
#include "query/agg/agg_kernels.h"
#include "query/agg/distinct.h"
#include "query/agg/object.h"
#include "query/agg/agg_rows.h"

typedef enum ov_acc_kind {
    OV_ACC_COUNT,
    OV_ACC_SUM_LONG,
    OV_ACC_SUM_REAL,
    OV_ACC_MIN,
    OV_ACC_MAX,
    OV_ACC_DISTINCT,
    OV_ACC_ANY,
    OV_ACC_EARLIEST,
    OV_ACC_LATEST,
    OV_ACC_BIT_AND,
    OV_ACC_BIT_OR,
    OV_ACC_BIT_XOR,
    OV_ACC_VARIANCE,
    OV_ACC_OBJECT, /* states of any size: object.h */
} ov_acc_kind;

/* Which accumulator a call needs. Calls of equal arguments and filter with equal specs share one. */
typedef struct ov_acc_spec {
    uint8_t kind; /* ov_acc_kind */
    ov_type type; /* of the first argument; LONG without one */
    const ov_agg_call *call; /* of OBJECT */
} ov_acc_spec;

/* What the values of one set come to; whole numbers have a sum and bits, others the rest. */
typedef struct ov_set_totals {
    uint64_t n;
    int64_t sum, bits; /* bits: all of them by XOR */
    double real, mean, m2; /* sum, mean, squared distances from the mean */
} ov_set_totals;

typedef struct ov_acc {
    uint8_t kind; /* ov_acc_kind */
    bool general; /* tests: row by row only */
    bool sparse;  /* few rows a group: caches in front of sums would not pay */
    ov_type type; /* of the argument */
    ov_budget *budget;
    const ov_agg_kernels *k;
    uint32_t groups, cap;
    uint64_t *n;
    union {
        int64_t *i;
        double *f;
        ov_slice *s;
        void *any;
    } v;
    int64_t *t;
    uint64_t *at;
    double *m2;

    uint64_t *packed;
    uint32_t packed_cap;   /* words */
    uint32_t packed_ways;  /* 4 tables while there are few groups */
    uint64_t packed_rows;  /* added since the last settle */
    int64_t packed_base;
    double packed_divisor;

    /* rows of whole ramps: their counts as differences (+1 at the first group, -1 behind the last) and small sums
     * over packed_base; COUNT keeps counts of masked ramps in `ramp_sum` when there are too many groups for bytes */
    uint32_t *ramp_sum, *ramp_step;
    uint32_t ramp_cap;
    uint32_t ramp_pieces; /* since the last settle; each adds at most once to a group */

    uint8_t *tiny; /* smallest or largest of values 0 .. 253 of ramps, as they are or plus one; COUNT: rows of masked ramps */
    uint32_t tiny_cap;
    uint8_t tiny_pieces; /* COUNT: since they were emptied */
    bool tiny_used;

    uint32_t *narrow;
    uint32_t narrow_cap;
    bool narrow_used;
    int64_t narrow_base;
    double narrow_divisor;
    const ov_domain *narrow_domain;

    ov_distinct set;
    ov_set_totals *totals; /* of sets whose values were forgotten; NULL while there is none */
    uint32_t totals_cap;
    ov_arena bytes; /* of kept strings */
    ov_object object; /* OBJECT: everything above is unused */
} ov_acc;

ov_acc_spec ov_acc_spec_of(const ov_agg_call *call);
/* An accumulator of `have` also gives what `want` asks for, arguments and filters being equal: COUNT(x) lives in the
 * sum of x. */
bool ov_acc_serves(const ov_acc_spec *have, const ov_acc_spec *want);
/* A row may stand for as many equal rows as its weight says. */
bool ov_acc_by_weight(const ov_acc_spec *spec);
/* Its result depends on the order of rows; sums of doubles do to the last bit. */
bool ov_acc_by_order(const ov_acc_spec *spec);
/* Merging one group touches nothing that merging another one does, so several threads may merge stretches of groups. */
bool ov_acc_merges_apart(const ov_acc_spec *spec);
/* It must be given the rows one after the other, in the order of the input. */
bool ov_acc_in_turn(const ov_acc_spec *spec);

/* general: tests, row by row only. What spec points to outlives a. */
OV_CHECKED ov_status ov_acc_init(ov_acc *a, const ov_acc_spec *spec, bool general, ov_budget *budget, ov_error *err);
/* a and `with` are of one spec and one thread, and a, which is empty, will be merged into `with` again and again: what both know of
 * texts is known once. */
void ov_acc_share(ov_acc *a, ov_acc *with);
void ov_acc_fini(ov_acc *a);
/* States for groups [0, groups) exist and new ones are empty. */
OV_CHECKED ov_status ov_acc_reserve(ov_acc *a, uint32_t groups, ov_error *err);
/* All groups empty again. */
void ov_acc_reset(ov_acc *a);
/* Adds the rows of `mask` (NULL: all) that lie in pieces. args: the arguments of the call (none for COUNT(*)). Work is that of
 * the rows from the first piece to the end of the last: window frames add a piece at a time. */
OV_CHECKED ov_status ov_acc_update(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask,
                                   const ov_vec *const *args, ov_arena *scratch, ov_error *err);
/* Brings n and v up to date. */
void ov_acc_settle(ov_acc *a);
void ov_accs_settle(ov_acc *list, uint32_t count);
/* Group to[i] of dst takes in group from[i] of src, for all i < n; both are settled. map: the same as a table
 * over all groups of src (used by sets; OV_NO_PARTNER: none of them). */
OV_CHECKED ov_status ov_acc_merge(ov_acc *dst, ov_acc *src, const uint32_t *from, const uint32_t *to, size_t n,
                                  const uint32_t *map, ov_error *err);
/* The result of `call` for groups order[0..n) as a vector; settled. States stay as they are: adding may go on. */
OV_CHECKED ov_status ov_acc_emit(const ov_acc *a, const ov_agg_call *call, const uint32_t *order, uint32_t n,
                                 ov_arena *out, ov_vec *vec, ov_error *err);
/* States of groups group[0..n) as bytes, one behind the other; settled. Sets are searched once a call: save many groups
 * at a time. */
OV_CHECKED ov_status ov_acc_save(const ov_acc *a, const uint32_t *group, uint32_t n, uint64_t origin, ov_buf *out, ov_error *err);
/* Group to[i] takes in the i-th of n saved states of an accumulator of the same spec; a is settled. */
OV_CHECKED ov_status ov_acc_load(ov_acc *a, const uint32_t *to, uint32_t n, uint64_t origin, ov_cursor *in, ov_error *err);

/* DISTINCT, when a set is cut into parts that share no value: what the values of all groups come to is added to their totals, and
 * the values are forgotten. ov_acc_emit then goes by the totals. */
OV_CHECKED ov_status ov_acc_total_sets(ov_acc *a, ov_error *err);
/* Totals as bytes, and back, added to those that are there. */
OV_CHECKED ov_status ov_acc_save_totals(const ov_acc *a, const uint32_t *group, uint32_t n, ov_buf *out, ov_error *err);
OV_CHECKED ov_status ov_acc_load_totals(ov_acc *a, const uint32_t *to, uint32_t n, ov_cursor *in, ov_error *err);

/* ---- within query/agg ---- */

/* Empties `tiny` into n and v. */
void ovi_acc_settle_tiny(ov_acc *a);
void ovi_totals_add(ov_set_totals *t, bool real, uint64_t value);

/* Row by row, any encoding: the oracle of the fast paths and the way of rare shapes. */
OV_CHECKED ov_status ovi_acc_update_rows(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask,
                                         const ov_vec *x, const ov_vec *time, ov_arena *scratch,
                                         ov_error *err);
/* mask and the rows where v is not NULL, right for the rows of the pieces; NULL when that is all rows. */
OV_CHECKED ov_status ovi_present(const ov_vec *v, const ov_agg_rows *rows, const uint64_t *mask, ov_arena *scratch,
                                 const uint64_t **out, ov_error *err);
OV_CHECKED ov_status ovi_acc_update_bits(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x,
                                         ov_arena *scratch, ov_error *err);
OV_CHECKED ov_status ovi_acc_update_placed(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x,
                                           const ov_vec *time, ov_arena *scratch, ov_error *err);
OV_CHECKED ov_status ovi_acc_update_variance(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask,
                                             const ov_vec *x, ov_arena *scratch, ov_error *err);
/* Group g takes in n values of this mean and sum of squared distances from it: Chan, Golub and LeVeque's pairwise rule,
 * which adds no distances of far-off numbers. */
static inline void ovi_acc_take_moments(ov_acc *a, uint32_t g, uint64_t n, double mean, double m2)
{
    if (n == 0)
        return;
    double all = (double)(a->n[g] + n), off = mean - a->v.f[g];
    a->m2[g] += m2 + off * off * ((double)a->n[g] / all * (double)n);
    a->v.f[g] = a->n[g] ? a->v.f[g] + off * ((double)n / all) : mean;
    a->n[g] += n;
}
/* The same of one value: Welford's rule. */
static inline void ovi_acc_add_moment(ov_acc *a, uint32_t g, double x)
{
    double off = x - a->v.f[g];
    a->v.f[g] += off / (double)++a->n[g];
    a->m2[g] += off * (x - a->v.f[g]);
}
/* Group g takes in the bits of one value, or of many. */
static inline void ovi_acc_take_bits(ov_acc *a, uint32_t g, int64_t bits, uint64_t n)
{
    if (a->kind == OV_ACC_BIT_AND)
        a->v.i[g] &= bits;
    else if (a->kind == OV_ACC_BIT_OR)
        a->v.i[g] |= bits;
    else
        a->v.i[g] ^= bits;
    a->n[g] += n;
}
/* Rows of the mask (NULL: all) in a piece. */
uint64_t ovi_rows_in(const ov_agg_piece *p, const uint64_t *mask);
/* The statistics of the block that the whole batch is, when they say all there is to know; else NULL. */
const struct ov_block_stats *ovi_whole_block(const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x);
OV_CHECKED ov_status ovi_acc_update_bounds(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x,
                                           ov_arena *scratch, ov_error *err);
/* MIN and MAX of texts of a sorted dictionary where rows have weights: of rows in a row that go to one group one text is compared. */
bool ovi_acc_text_by_codes(const ov_acc *a, const ov_vec *x);
OV_CHECKED ov_status ovi_acc_update_text_bounds(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x, ov_arena *scratch,
                                                ov_error *err);
/* A text that outlives the run, as those of dictionaries do, into a MIN or MAX. */
void ovi_acc_take_text(ov_acc *a, uint32_t g, ov_slice s);
/* SUM, MIN and MAX of runs of whole numbers, when all pieces are of one group each; false, and nothing done, for anything else. */
bool ovi_acc_add_runs(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x);
OV_CHECKED ov_status ovi_acc_update_distinct(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask,
                                             const ov_vec *x, ov_arena *scratch, ov_error *err);
/* No lane of a FLAT vector, or of codes, is larger. */
static inline uint64_t ovi_lane_max(const ov_vec *x)
{
    if (x->has_bounds)
        return (uint64_t)x->max - (uint64_t)x->base;
    return x->lane >= 8 ? UINT64_MAX : (UINT64_C(1) << 8 * x->lane) - 1;
}

static inline bool ovi_acc_keeps_time(const ov_acc *a)
{
    return a->kind == OV_ACC_EARLIEST || a->kind == OV_ACC_LATEST;
}

/* A row of this time and place takes the place of the one group g keeps (ANY, EARLIEST, LATEST; it keeps one). */
static inline bool ovi_acc_prefers(const ov_acc *a, uint32_t g, int64_t time, uint64_t place)
{
    if (a->kind == OV_ACC_ANY)
        return place < a->at[g];
    if (time != a->t[g])
        return a->kind == OV_ACC_EARLIEST ? time < a->t[g] : time > a->t[g];
    return a->kind == OV_ACC_EARLIEST ? place < a->at[g] : place >= a->at[g];
}

/* b replaces a as the smallest / largest. */
static inline bool ovi_real_less(double b, double a)
{
    return b < a || (a != a && b == b);
}
static inline bool ovi_real_more(double b, double a)
{
    return ovi_real_above(b, a);
}
