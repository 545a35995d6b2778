/*
 * The aggregate operator, private to the aggregate_*.c files.
 *
 * Each worker has a state with two levels:
 *
 *   dense   arrays indexed by slow * fast_size + code. Keys that are constant over stretches of a batch
 *           (time buckets, sorted columns) form the slow part: one number per distinct tuple. Other keys give a
 *           code per row: dictionary codes, or value minus minimum. Accumulators take codes as they lie in the
 *           segment, without a group number per row.
 *   table   a hash table by value, where dense groups go when their dictionaries change, and where batches go
 *           whose keys have no small domain.
 *
 * At the end every state empties its dense level, the tables merge into that of worker 0, and groups are sorted by
 * key and handed on.
 */
#pragma once

#include "query/agg/acc.h"
#include "query/exec/exec_int.h"
#include "query/exec/groups.h"

enum { OVI_NONE = UINT32_MAX };

typedef struct agg_acc_spec {
    uint8_t kind; /* ov_acc_kind */
    ov_type type;
    uint32_t arg, time, filter; /* numbers of agg_spec's lists, or OVI_NONE */
} agg_acc_spec;

/* What all workers share; read-only while rows come. */
typedef struct agg_spec {
    ovi_exec *exec;
    const ov_plan *node;
    const ov_expr **args;
    uint32_t arg_count;
    const ov_expr **filters;
    uint32_t filter_count;
    agg_acc_spec *accs;
    uint32_t acc_count;
    uint32_t *acc_of_call;
    uint32_t rows_acc; /* counts every row, or OVI_NONE */
    ovi_key_layout layout;
    bool general;
    bool has_sets;        /* some COUNT(DISTINCT) */
    uint64_t dense_limit; /* groups of a dense level */
} agg_spec;

typedef enum dense_how { DENSE_SLOW, DENSE_DICT, DENSE_RANGE } dense_how;

typedef struct dense_key {
    uint8_t how;
    bool null_slot;          /* RANGE: code 0 is NULL */
    const ov_domain *domain; /* DICT */
    int64_t low;             /* RANGE: value of the first code behind the null slot */
    uint32_t card, stride;
} dense_key;

typedef struct agg_dense {
    bool on;      /* a layout is set */
    bool given_up; /* layouts changed too often to pay */
    dense_key *keys;
    uint32_t fast_size;
    ovi_groups slow;  /* key rows with only the slow keys filled in */
    uint32_t groups;  /* slow.count * fast_size */
    ov_acc *accs;
    uint8_t *mark; /* group exists; only when rows_acc is OVI_NONE */
    uint32_t mark_cap;
    uint64_t rows;    /* since the layout was set */
    uint32_t thrash;  /* layouts in a row that saw too few rows */
} agg_dense;

typedef struct agg_state {
    bool ready;
    ov_arena arena;
    ovi_groups groups;
    ov_strtab *strings; /* per key; only string keys are initialised */
    ov_strmap *maps;
    ov_acc *accs;
    agg_dense dense;
} agg_state;

/* The values of one batch, evaluated. */
typedef struct agg_batch {
    const ov_batch *b;
    ov_vec *keys, *args;
    const uint64_t **masks; /* per filter */
} agg_batch;

OV_CHECKED ov_status ovi_agg_state_init(agg_state *s, const agg_spec *spec, ov_error *err);
void ovi_agg_state_fini(agg_state *s, const agg_spec *spec);

/* Adds the rows to `accs` as `rows` says. */
OV_CHECKED ov_status ovi_agg_update(const agg_spec *spec, ov_acc *accs, const agg_batch *in,
                                    const ov_agg_rows *rows, ov_arena *scratch, ov_error *err);
/* Dense level: *taken is false when the keys of this batch do not fit it. */
OV_CHECKED ov_status ovi_dense_add(agg_state *s, const agg_spec *spec, const agg_batch *in, ov_arena *scratch,
                                   bool *taken, ov_error *err);
OV_CHECKED ov_status ovi_dense_flush(agg_state *s, const agg_spec *spec, ov_error *err);
/* Table level. */
OV_CHECKED ov_status ovi_table_add(agg_state *s, const agg_spec *spec, const agg_batch *in, ov_arena *scratch,
                                   ov_error *err);
OV_CHECKED ov_status ovi_table_merge(agg_state *dst, agg_state *src, const agg_spec *spec, ov_error *err);
/* rows[i * width ...] |= key k of row i; rows start as zeros. */
OV_CHECKED ov_status ovi_key_words(agg_state *s, const agg_spec *spec, uint32_t k, const ov_vec *v,
                                   uint64_t *rows, ov_arena *scratch, ov_error *err);
/* Sorted groups into the sink. */
OV_CHECKED ov_status ovi_agg_emit(agg_state *s, const agg_spec *spec, ovi_sink *sink, ov_error *err);

/* Sets one key of a key row. */
static inline void ovi_key_set(const ovi_key_layout *l, uint32_t k, uint64_t *row, uint64_t bits)
{
    row[l->fields[k].word] |= bits << l->fields[k].shift;
}
static inline void ovi_key_set_null(const ovi_key_layout *l, uint32_t k, uint64_t *row)
{
    const ovi_key_field *f = &l->fields[k];
    if (f->null_bit) /* strings: NULL is number 0, nothing to set */
        row[l->null_word] |= UINT64_C(1) << (l->null_shift + f->null_bit - 1);
}
static inline bool ovi_key_is_null(const ovi_key_layout *l, uint32_t k, const uint64_t *row)
{
    const ovi_key_field *f = &l->fields[k];
    if (!ov_type_is_int(f->type) && !ov_type_is_real(f->type))
        return (uint32_t)(row[f->word] >> f->shift) == 0;
    return f->null_bit && (row[l->null_word] >> (l->null_shift + f->null_bit - 1) & 1);
}
