/*
 * Object states: accumulators whose states have no fixed width (collected arrays, joined text, sketches), beside
 * the typed columns of acc.h.
 *
 * A kind is a table of functions, ov_object_ops. Each group has a *head* of ops->state_bytes bytes in one array, all
 * zero while nothing came; what does not fit the head is allocated from the object's heap, is charged to the query's
 * budget and dies with the object or at reset: kinds free nothing one by one, except to reuse it. What all groups
 * share (tables of strings, parsed constants) hangs on `shared`.
 *
 *        heads   [group 0][group 1][group 2] ...      move when groups are added: no pointers into them
 *        heap    blocks of powers of two, reused      stay where they are
 *        shared  the kind's own                       made by open, ended by close
 *
 * Aggregates made of one: a row of agg_registry.c with kind OV_AGG_OBJECT, its ops, and a bind function that checks
 * arguments and constants and leaves what it parsed in call->prepared. ov_acc does the rest; operators see only ov_acc.
 *
 * Rules for kinds. Rows come in any piece, any encoding, any mask, from one row to a whole batch; look only at rows of
 * pieces. NULL arguments are the kind's business. Merging must give what adding all rows to one state would
 * have given; kinds that depend on the order of rows go by the rows' ordinal. emit changes nothing that can be seen:
 * a running window frame emits, adds and emits again. Bytes are for spilling and for sketches: what write wrote, read of
 * another object of the same call takes in, also into a state that holds something already; they are little-endian and
 * checked like bytes of strangers.
 *
 * Threads: one at a time.
 */
#pragma once

#include "base/buf.h"
#include "base/cursor.h"
#include "query/agg/agg.h"
#include "query/agg/agg_rows.h"

typedef struct ov_object ov_object;
typedef struct ov_object_ops ov_object_ops;

struct ov_object_ops {
    const char *name;
    uint32_t state_bytes;
    bool by_weight; /* a row with a weight may stand for equal rows */
    bool by_order;  /* results depend on the order of rows */
    bool in_turn;   /* rows must come in the order of the input, all of them to one object */
    bool is_set;    /* with DISTINCT neither order nor the number of equal rows matters, whatever stands above */

    /* Makes o->shared; everything else of o is ready. NULL: nothing is shared. */
    ov_status (*open)(ov_object *o, ov_error *err);
    void (*close)(ov_object *o);
    /* Heads and heap are already empty again; what is shared must forget the groups too. NULL: nothing to do. */
    void (*reset)(ov_object *o);
    /* Adds the rows of the mask (NULL: all); args: one vector an argument of the call. */
    ov_status (*add)(ov_object *o, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *const *args,
                     ov_arena *scratch, ov_error *err);
    /* Group to[i] of dst takes in group from[i] of src, an object of the same call, for all i < n. */
    ov_status (*merge)(ov_object *dst, ov_object *src, const uint32_t *from, const uint32_t *to, size_t n,
                       ov_error *err);
    /* Results of groups order[0..n) as a vector of call->type; text may lie in o, which lends it until it changes. */
    ov_status (*emit)(const ov_object *o, const ov_agg_call *call, const uint32_t *order, uint32_t n, ov_arena *out,
                      ov_vec *vec, ov_error *err);
    /* One state as bytes that end where it knows, and back (added to what the group holds). */
    ov_status (*write)(const ov_object *o, uint32_t group, ov_buf *out, ov_error *err);
    ov_status (*read)(ov_object *o, uint32_t group, ov_cursor *in, ov_error *err);
};

struct ov_object {
    const ov_object_ops *ops;
    const ov_agg_call *call; /* argument types, constants and call->prepared; outlives the object */
    bool general;            /* tests: no fast paths */
    ov_budget *budget;
    uint32_t groups, cap;
    char *heads;
    ov_arena heap;
    void *free_list[48]; /* blocks of 2^k bytes given back */
    void *shared;
};

/* An object without groups; reserve makes those below `groups` exist, empty; reset empties all. fini also after a failed
 * init. */
OV_CHECKED ov_status ov_object_init(ov_object *o, const ov_agg_call *call, bool general, ov_budget *budget,
                                    ov_error *err);
void ov_object_fini(ov_object *o);
OV_CHECKED ov_status ov_object_reserve(ov_object *o, uint32_t groups, ov_error *err);
void ov_object_reset(ov_object *o);

static inline void *ov_object_at(const ov_object *o, uint32_t group)
{
    return o->heads + (size_t)group * o->ops->state_bytes;
}

/*
 * Makes *block (NULL at first) hold `need` bytes; *cap is what it holds. Old contents are kept, the rest is undefined,
 * and the old block is reused for others.
 */
OV_CHECKED ov_status ov_object_grow(ov_object *o, void *block, size_t *cap, size_t need, ov_error *err);
/* The block goes back; *block is NULL. */
void ov_object_free(ov_object *o, void *block, size_t cap);
