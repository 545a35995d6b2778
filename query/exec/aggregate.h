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
 * At the end every state empties its dense level, and the tables become one result (aggregate_merge.c): joined and sorted by key, or matched
 * with each other where groups may come in any order.
 */
#pragma once

#include "query/agg/acc.h"
#include "query/exec/exec_int.h"
#include "query/exec/groups.h"

enum { OVI_NONE = UINT32_MAX };

typedef struct agg_acc_spec {
    ov_acc_spec acc;
    uint32_t *args; /* numbers in agg_spec's list */
    uint32_t argc;
    uint32_t filter; /* number in agg_spec's list, or OVI_NONE */
    bool sized;      /* a set of which only the size is asked for */
} agg_acc_spec;

static inline bool ovi_is_set(const agg_acc_spec *a)
{
    return a->acc.kind == OV_ACC_DISTINCT;
}

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
    uint32_t most_args;   /* of one accumulator */
    bool has_sets;        /* some COUNT(DISTINCT) */
    uint64_t dense_limit; /* groups of a dense level */
    bool by_order;        /* some aggregate depends on the order of rows */
} agg_spec;

/* GIVEN: it follows from another key. */
typedef enum dense_how { DENSE_SLOW, DENSE_GIVEN, DENSE_DICT, DENSE_RANGE } dense_how;

typedef struct dense_key {
    uint8_t how;
    bool null_slot;          /* RANGE: code 0 is NULL */
    const ov_domain *domain; /* DICT, GIVEN */
    uint32_t by;             /* GIVEN: the key, a DICT, that */
    const uint32_t *table;   /* gives this code for each of its own */
    int64_t low;             /* RANGE: value of the first code behind the null slot */
    uint32_t card, stride;
} dense_key;

/* It has a part in the numbers of groups that rows have. */
static inline bool ovi_key_is_fast(const dense_key *k)
{
    return k->how == DENSE_DICT || k->how == DENSE_RANGE;
}

/* What is known of a key in the segment that rows come from now. */
typedef struct dense_given {
    const ov_vec_origin *origin; /* NULL: nothing */
    uint32_t by;                 /* the key it follows from, or OVI_NONE */
    const uint32_t *table;
    uint32_t *buffer[2], cap[2]; /* of tables: a layout may still need the one before */
} dense_given;

/*
 * The order in which codes come again and again: in sensor data every tick has the same sensors in the same order.
 * While a pattern is on, dense groups lie in that order (place[code] instead of code), and rows that follow it are
 * added as ramps, without looking at a code.
 */
typedef struct agg_pattern {
    bool on;
    bool identity;      /* the order is that of the codes: place and code_of change nothing */
    uint8_t tries;      /* batches that were looked at in vain since the layout was set */
    uint32_t card;      /* codes, all of which have a place */
    uint32_t cap;
    uint32_t *code_of;  /* by place */
    uint32_t *place;    /* by code */
    uint8_t *lanes;     /* code_of as 1, 2 and 4 byte lanes, one behind the other */
    /* Stored lanes that are known to follow it round and round, the first of them at sure_place. Blocks that share the
     * lanes of one turn (docs/segment-format.md) are compared once. */
    const char *sure, *sure_end;
    uint32_t sure_place;
    uint8_t sure_lane;
} agg_pattern;

/* Codes of the rows of a batch: offset + lane. */
typedef struct agg_codes {
    const void *data; /* NULL: no key gives codes */
    uint8_t lane;
    bool direct;      /* they are lanes of a single key */
    bool stored;      /* and lie in a segment, where they stay as they are until the run ends */
    uint32_t offset;
} agg_codes;

typedef struct agg_dense {
    bool on;      /* a layout is set */
    bool given_up; /* layouts changed too often to pay */
    dense_key *keys;
    dense_given *given; /* per key */
    uint32_t fast_size;
    ovi_groups slow;  /* key rows with only the slow keys filled in */
    uint32_t groups;  /* slow.count * fast_size */
    ov_acc *accs;
    uint8_t *mark; /* group exists; only when rows_acc is OVI_NONE */
    uint32_t mark_cap;
    uint64_t rows;    /* since the layout was set */
    uint32_t thrash;  /* layouts in a row that saw too few rows */
    agg_pattern pattern;
} agg_dense;

typedef struct agg_state {
    bool ready;
    ov_budget budget; /* what it holds; part of the query's */
    ov_arena arena;
    ovi_groups groups;
    ov_strtab *strings; /* per key; only string keys are initialised */
    ov_strmap *maps;
    ov_acc *accs;
    agg_dense dense;
    uint64_t rows; /* added so far */
    struct {
        bool *stay;       /* by accumulator: its set is that of the dense level, by dense groups */
        uint32_t ids;     /* dense groups */
        uint32_t groups;  /* of the table, when that was */
        uint32_t *group;  /* the table's group of each that exists, */
        uint32_t *id;     /* and back; OVI_NONE: it has no dense one */
    } dense_sets; /* after ovi_dense_end */
    struct agg_lots *lots; /* NULL: all rows go to the table (aggregate_lots.h) */
    struct {
        uint64_t rows;   /* that the table took */
        uint32_t groups; /* that were there before */
        bool settled;    /* lots were tried in vain */
    } window;
} agg_state;

/* The values of one batch, evaluated. */
typedef struct agg_batch {
    const ov_batch *b;
    uint64_t ordinal; /* of its first row */
    ov_vec *keys, *args;
    const uint64_t **masks; /* per filter */
} agg_batch;

OV_CHECKED ov_status ovi_agg_spec_make(ovi_exec *x, const ov_plan *node, agg_spec *spec, ov_error *err);
OV_CHECKED ov_status ovi_agg_state_init(agg_state *s, const agg_spec *spec, ov_error *err);
void ovi_agg_state_fini(agg_state *s, const agg_spec *spec);
/* All but its texts, which are lent on; fini comes later. */
void ovi_agg_state_drop(agg_state *s, const agg_spec *spec);

/* Adds the rows to `accs` as `rows` says. */
OV_CHECKED ov_status ovi_agg_update(const agg_spec *spec, ov_acc *accs, const agg_batch *in,
                                    const ov_agg_rows *rows, ov_arena *scratch, ov_error *err);
/* Dense level: *taken is false when the keys of this batch do not fit it. */
OV_CHECKED ov_status ovi_dense_add(agg_state *s, const agg_spec *spec, const agg_batch *in, ov_arena *scratch,
                                   bool *taken, ov_error *err);
OV_CHECKED ov_status ovi_dense_flush(agg_state *s, const agg_spec *spec, ov_error *err);
/* The last time, before two tables are joined or matched: sets of which only the size is asked for stay in the dense level where more of them
 * is there than in the table (agg_state.dense_sets). */
OV_CHECKED ov_status ovi_dense_end(agg_state *s, const agg_spec *spec, ov_error *err);
/* ---- aggregate_given.c ---- */
/* Brings s->dense.given up to date for a batch with these keys. */
OV_CHECKED ov_status ovi_given_keys(agg_state *s, const agg_spec *spec, const ov_vec *keys, ov_error *err);
void ovi_given_free(agg_state *s, uint32_t count);
/* ---- aggregate_stretches.c ---- */
/* Rows up to `end` that have the same slow keys. */
typedef struct agg_stretch {
    uint32_t end;
    uint32_t slow; /* number of the tuple */
} agg_stretch;
/* The batch cut into them; stretches that no row is selected of join the one before, or are left out. */
OV_CHECKED ov_status ovi_stretches(agg_state *s, const agg_spec *spec, const agg_batch *in, ov_arena *scratch,
                                   agg_stretch **out, uint32_t *count, ov_error *err);
/* ---- aggregate_pattern.c ---- */
/* Looks for an order in the codes of a batch; *found tells whether there is a new one, in d->pattern but not yet on. */
OV_CHECKED ov_status ovi_pattern_learn(agg_dense *d, const agg_codes *c, const ov_batch *b, ov_budget *budget,
                                       ov_arena *scratch, bool *found, ov_error *err);
/* How many rows from `from` on follow the pattern, and the place of the first. */
uint32_t ovi_pattern_follow(agg_pattern *p, const agg_codes *c, uint32_t from, uint32_t to, uint32_t *place);
void ovi_pattern_free(agg_pattern *p, ov_budget *budget);
uint32_t ovi_code_at(const agg_codes *c, uint32_t row);
/* Table level. */
OV_CHECKED ov_status ovi_table_add(agg_state *s, const agg_spec *spec, const agg_batch *in, ov_arena *scratch,
                                   ov_error *err);
/* Key rows of the selected rows, in scratch; *idx: which rows these are, NULL for all. */
OV_CHECKED ov_status ovi_table_keys(agg_state *s, const agg_spec *spec, const agg_batch *in, ov_arena *scratch, uint64_t **keys,
                                    uint32_t **idx, ov_error *err);
/* Row i of the batch goes to group[i], which is there. */
OV_CHECKED ov_status ovi_table_update(agg_state *s, const agg_spec *spec, const agg_batch *in, const uint32_t *group, ov_arena *scratch,
                                      ov_error *err);
/* rows[i * width ...] |= key k of row i; rows start as zeros. */
OV_CHECKED ov_status ovi_key_words(agg_state *s, const agg_spec *spec, uint32_t k, const ov_vec *v,
                                   uint64_t *rows, ov_arena *scratch, ov_error *err);
/* ---- aggregate_merge.c ---- */
/* dst takes in the groups of src, which lives as long: its texts are lent. Both dense levels are empty. */
OV_CHECKED ov_status ovi_table_merge(agg_state *dst, agg_state *src, const agg_spec *spec, ov_error *err);
/* Tables of `count` workers until `most`, 1 or 2, are left, at the front; dense levels are empty then but for sets (ovi_dense_end), and sets of
 * which only the size is asked for (agg_acc_spec) have their sizes in the accumulators. */
OV_CHECKED ov_status ovi_tables_join(const agg_spec *spec, agg_state **tables, uint32_t count, uint32_t most, uint32_t *left,
                                     ov_error *err);
/* dst's groups take in those of src that have the same keys; the others are rest[0 .. rest_count), and stay src's. Sets of which only the
 * size is asked for (agg_acc_spec) are counted, not joined. */
OV_CHECKED ov_status ovi_table_match(agg_state *dst, agg_state *src, const agg_spec *spec, uint32_t **rest, uint32_t *rest_count,
                                     ov_error *err);
/* n key rows get the numbers that texts have elsewhere: numbers[k], NULL for keys that stay. live (or NULL) loses rows with a text
 * that has none there. */
void ovi_keys_renumber(const ovi_key_layout *l, uint32_t *const *numbers, uint64_t *keys, uint32_t n, uint64_t *live);
/* ---- aggregate_bytes.c ---- */
/* All groups behind `out`: keys by value, then states as ov_acc_save writes them. Their dense level is empty. Places of rows count from
 * `origin`, here and there. */
OV_CHECKED ov_status ovi_agg_write(agg_state *s, const agg_spec *spec, uint64_t origin, ov_arena *scratch, ov_buf *out, ov_error *err);
/* Takes in what was written, once or several times in a row, of a state of an equal spec. */
OV_CHECKED ov_status ovi_agg_read(agg_state *s, const agg_spec *spec, ov_slice bytes, uint64_t origin, ov_arena *scratch, ov_error *err);
/* Groups into the sink, sorted unless it takes any order. lent: the state goes right afterwards, so texts are lent for
 * the length of a push only; otherwise they live until the run ends. */
OV_CHECKED ov_status ovi_agg_emit(agg_state *s, const agg_spec *spec, bool lent, ovi_sink *sink, ov_error *err);
/* The groups of tables[0], and of tables[1] those of rest, in any order. */
OV_CHECKED ov_status ovi_agg_emit_apart(agg_state *const *tables, const uint32_t *rest, uint32_t rest_count, const agg_spec *spec,
                                        ovi_sink *sink, ov_error *err);
/* emit(self, ...) hands groups on in any order; the sink gets them in that which it wants. */
typedef ov_status (*ovi_emit_fn)(void *self, ovi_sink *sink, ov_error *err);
OV_CHECKED ov_status ovi_agg_in_order(const agg_spec *spec, ovi_sink *sink, ovi_emit_fn emit, void *self, ov_error *err);
/* The texts of a key as a domain whose codes are their numbers. */
OV_CHECKED ov_status ovi_text_domain(ov_type type, const ov_slice *text, uint32_t count, ov_arena *arena, ov_domain *domain, ov_error *err);
/* The state's groups into the sink, in any order, by one worker of many; domains: by key, as above. The state is settled. */
OV_CHECKED ov_status ovi_agg_emit_part(agg_state *s, const agg_spec *spec, ov_domain *domains, uint64_t ordinal, ovi_worker *w, ovi_sink *sink,
                                       ov_error *err);
/* Key k of groups order[0..n) by value; texts are borrowed from the state. */
OV_CHECKED ov_status ovi_key_column(const agg_state *s, const agg_spec *spec, uint32_t k, const uint32_t *order,
                                    uint32_t n, ov_arena *out, ov_vec *vec, ov_error *err);

/* Sets one key of a key row. */
static inline void ovi_key_set(const ovi_key_layout *l, uint32_t k, uint64_t *row, uint64_t bits)
{
    row[l->fields[k].word] |= bits << l->fields[k].shift;
}
static inline void ovi_key_set_null(const ovi_key_layout *l, uint32_t k, uint64_t *row)
{
    const ovi_key_field *f = &l->fields[k];
    if (f->null_bit) /* strings: NULL is number 0, nothing to set */
        row[l->null_word + (f->null_bit - 1) / 64] |= UINT64_C(1) << (f->null_bit - 1) % 64;
}
static inline bool ovi_key_is_text(const ovi_key_layout *l, uint32_t k)
{
    return !ov_type_is_int(l->fields[k].type) && !ov_type_is_real(l->fields[k].type);
}
/* Such a key row is the number that the table of texts gave. */
static inline bool ovi_is_one_text(const ovi_key_layout *l)
{
    return l->count == 1 && ovi_key_is_text(l, 0);
}
static inline bool ovi_key_is_null(const ovi_key_layout *l, uint32_t k, const uint64_t *row)
{
    const ovi_key_field *f = &l->fields[k];
    if (ovi_key_is_text(l, k))
        return (uint32_t)(row[f->word] >> f->shift) == 0;
    return f->null_bit && (row[l->null_word + (f->null_bit - 1) / 64] >> (f->null_bit - 1) % 64 & 1);
}
