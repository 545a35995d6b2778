/*
 * Private to query/exec: sinks, workers, and how a batch travels.
 *
 * A plan runs from its top: ovi_run(node, sink) makes `node` push its batches into `sink`. FILTER and PROJECT wrap
 * the sink in a stage; SCAN, VALUES, SYSTEM are sources; AGGREGATE, SORT and LIMIT are a sink for their input and
 * then a source for what is above. So a pipeline is what lies between a source and the nearest real sink.
 *
 * Batches are lent: what is in a batch lives until the source makes the next one. Domains of DICT vectors
 * live until the query's run ends.
 */
#pragma once

#include "base/thread.h"
#include "query/exec/exec.h"
#include "query/exec/sort_refs.h"

typedef struct ovi_exec ovi_exec;
typedef struct ovi_sink ovi_sink;
typedef struct ovi_slot ovi_slot;

/* One thread's share of a run. Worker 0 is the calling thread. */
typedef struct ovi_worker {
    unsigned number;
    ovi_exec *exec;
    ov_eval *eval;
    ov_arena scratch; /* of one batch */
    ov_arena kept;    /* of one morsel */
    uint64_t ordinal; /* place of the current batch's first row in the order of the input */
    uint32_t looked;  /* batches since it last looked at the clock */
    ovi_slot *slot;   /* where an ordered sink keeps batches that are not yet due; NULL: they are due now */
    struct ovi_worker *next_extra;
} ovi_worker;

/*
 * What receives batches.
 *
 * push      any worker; for ordered sinks see ovi_ordered_push
 * done      it wants no more rows (LIMIT reached); sources then stop early
 * used      sets bits of the input columns it reads
 * weights   it can take batches with weights
 * unordered the order of rows makes no difference to it
 * most      rows of the input it looks at, the first ones; 0: all
 * through   where a stage hands rows on, in order and on the same thread; NULL: it is no stage
 */
/* What a sink that keeps only the best rows looks for: rows whose value of `column` comes late are of no use. */
typedef struct ovi_best {
    uint32_t column; /* of its input; a LONG */
    bool descending, nulls_first;
    bool has_worst;
    uint64_t worst;  /* order-preserving bits (sort_refs.h) past which this worker drops rows */
    /* Rows that tie with the worst one are dropped by another column, a LONG too, when has_next. */
    bool has_next, next_descending, next_nulls_first;
    uint32_t next_column;
    uint64_t worst_next;
    uint64_t keep;   /* every row that comes is one of so many, or comes too late; 0: some may be dropped for other reasons */
} ovi_best;

/* Rows whose `column` (of the input, whole numbers) is NULL or not in the set are of no use: a join has no partner for them.
 * The set stays as it is while rows flow. */
typedef struct ovi_key_wish {
    uint32_t column;
    const struct ovi_keyset *set;
} ovi_key_wish;
enum { OVI_MOST_WISHES = 16 };

/* For sinks that know what comes of one segment apart from the rest (aggregate_kept.c). */
typedef struct ovi_by_segment {
    /* Before anyone reads the i-th segment of the scan, whose rows' places begin at `ordinal`: *known says that nobody needs to. */
    ov_status (*look)(ovi_sink *s, ovi_worker *w, uint32_t i, uint64_t ordinal, bool *known, ov_error *err);
    /* Around morsels of it that a worker takes in a row, `rows` in all of them; `chunks` of all `of` were taken. */
    ov_status (*enter)(ovi_sink *s, ovi_worker *w, uint32_t i, uint64_t rows, ov_error *err);
    ov_status (*leave)(ovi_sink *s, ovi_worker *w, uint32_t i, uint64_t ordinal, uint32_t chunks, uint32_t of, ov_error *err);
} ovi_by_segment;

struct ovi_sink {
    ov_status (*push)(ovi_sink *s, ovi_worker *w, const ov_batch *b, ov_error *err);
    bool (*done)(const ovi_sink *s);
    void (*used)(const ovi_sink *s, uint64_t *columns, uint32_t count);
    bool (*weights)(const ovi_sink *s);
    bool (*best)(const ovi_sink *s, const ovi_worker *w, ovi_best *out); /* NULL, or false: it wants all rows */
    uint32_t (*wishes)(const ovi_sink *s, ovi_key_wish *list); /* up to OVI_MOST_WISHES; NULL: none */
    bool ordered;   /* push must happen in input order on the calling thread */
    bool unordered;
    uint64_t most;
    ovi_sink *through;
    const ovi_by_segment *by_segment; /* NULL: it does not care where rows come from */
};

/* Counters of one plan node, for EXPLAIN ANALYZE. */
typedef struct ovi_node_stats {
    const ov_plan *node;
    _Atomic uint64_t rows, batches;
    _Atomic int64_t ns;
} ovi_node_stats;

struct ovi_exec {
    ov_query_ctx *cx;
    ov_arena arena; /* what must outlive its operator: dictionaries of results, open segments */
    ovi_worker *workers;
    unsigned worker_count;
    ovi_worker *extra; /* see ovi_extra_worker */
    uint32_t batch_rows;
    uint64_t ordinal; /* grows from source to source of a UNION */
    uint32_t join_level; /* how often the rows of a join on disk were cut into partitions */
    bool join_rest;      /* of the join only kept rows without partner are wanted */
    uint32_t rivals;     /* execs that run at the same time and share the memory; 0: it is alone */
    ov_mutex lock;    /* of failed and err */
    _Atomic bool failed;
    ov_error err;     /* the first failure of a helper */
    ovi_node_stats *stats;
    uint32_t stats_count;
};

/* For sorts: the query must stop. Ask ov_query_alive afterwards. */
ovi_stop ovi_stop_of(ov_query_ctx *cx);
/* Rows of a batch, so few that what the plan computes of them fits into the memory of the query (batch_rows.c). */
uint32_t ovi_batch_rows(const ov_plan *plan, const ov_query_ctx *cx);
OV_CHECKED ov_status ovi_run(ovi_exec *x, const ov_plan *node, ovi_sink *sink, ov_error *err);
ovi_node_stats *ovi_stats_of(ovi_exec *x, const ov_plan *node); /* NULL when not counted */
void ovi_count_rows(ovi_exec *x, const ov_plan *node, const ov_batch *b);

/* The source starts a new batch: scratch and expression results of the last one are gone. */
OV_CHECKED ov_status ovi_next_batch(ovi_worker *w, ov_error *err);
/* push when the batch has rows. */
OV_CHECKED ov_status ovi_push(ovi_sink *s, ovi_worker *w, const ov_batch *b, ov_error *err);
static inline bool ovi_wants_best(const ovi_sink *s, const ovi_worker *w, ovi_best *out)
{
    return s->best && s->best(s, w, out);
}
static inline uint32_t ovi_wishes(const ovi_sink *s, ovi_key_wish *list)
{
    return s->wishes ? s->wishes(s, list) : 0;
}
static inline bool ovi_done(const ovi_sink *s)
{
    return s->done && s->done(s);
}
/* The eval of a worker, made at first use. */
OV_CHECKED ov_status ovi_worker_ready(ovi_worker *w, ov_error *err);

/* Scratch memory and an eval of their own for a stage that makes several batches of one, under the number of the
 * worker whose thread it is. Lives until the run ends, since domains of its results may. Calling thread only. */
OV_CHECKED ov_status ovi_extra_worker(ovi_exec *x, unsigned number, ovi_worker **out, ov_error *err);
/* All of them are through. */
void ovi_drop_extra(ovi_exec *x);

/* ---- pieces of work (share.c) ---- */
/* fn(self, worker, piece) once for each piece, on all workers; each starts as a batch does, with empty scratch memory. The first failure
 * ends it. Called by worker 0, who does all of them when `alone`. */
typedef ov_status (*ovi_piece_fn)(void *self, ovi_worker *w, size_t piece, ov_error *err);
OV_CHECKED ov_status ovi_share(ovi_exec *x, size_t pieces, bool alone, ovi_piece_fn fn, void *self,
                               ov_error *err);

/* ---- sources (source.c, scan.c) ---- */
OV_CHECKED ov_status ovi_run_scan(ovi_exec *x, const ov_plan *node, ovi_sink *sink, ov_error *err);
OV_CHECKED ov_status ovi_run_values(ovi_exec *x, const ov_plan *node, ovi_sink *sink, ov_error *err);
OV_CHECKED ov_status ovi_run_system(ovi_exec *x, const ov_plan *node, ovi_sink *sink, ov_error *err);

/* ---- stages (stage.c) ---- */
/* `compute` evaluates what is needed of the rows of b and changes nothing else; `use` takes it. Where the values of all
 * rows are too large to be there at once, both do one half of the rows after the other. */
typedef ov_status (*ovi_rows_fn)(void *self, ovi_worker *w, const ov_batch *b, ov_error *err);
OV_CHECKED ov_status ovi_in_parts(ovi_worker *w, const ov_batch *b, ovi_rows_fn compute, ovi_rows_fn use, void *self,
                                  ov_error *err);
OV_CHECKED ov_status ovi_run_filter(ovi_exec *x, const ov_plan *node, ovi_sink *sink, ov_error *err);
OV_CHECKED ov_status ovi_run_project(ovi_exec *x, const ov_plan *node, ovi_sink *sink, ov_error *err);

/* ---- a stage that makes more rows (unnest.c) ---- */
OV_CHECKED ov_status ovi_run_unnest(ovi_exec *x, const ov_plan *node, ovi_sink *sink, ov_error *err);

/* ---- a breaker for one side, a stage for the other ---- */
OV_CHECKED ov_status ovi_run_join(ovi_exec *x, const ov_plan *node, ovi_sink *sink, ov_error *err);

/* ---- breakers ---- */
OV_CHECKED ov_status ovi_run_aggregate(ovi_exec *x, const ov_plan *node, ovi_sink *sink, ov_error *err);
OV_CHECKED ov_status ovi_run_sort(ovi_exec *x, const ov_plan *node, ovi_sink *sink, ov_error *err);
OV_CHECKED ov_status ovi_run_limit(ovi_exec *x, const ov_plan *node, ovi_sink *sink, ov_error *err);
OV_CHECKED ov_status ovi_run_window(ovi_exec *x, const ov_plan *node, ovi_sink *sink, ov_error *err);

/* ---- ordered delivery (ordered.c) ---- */

/* Batches of one morsel that came before their turn. */
struct ovi_slot {
    ov_arena arena;
    struct ovi_kept {
        struct ovi_kept *next;
        ov_batch batch;
    } *first, **last;
};
typedef struct ovi_ordered {
    ovi_sink base;
    /* On the calling thread, in order. */
    ov_status (*deliver)(struct ovi_ordered *o, ovi_worker *w, const ov_batch *b, ov_error *err);
} ovi_ordered;
ov_status ovi_ordered_push(ovi_sink *s, ovi_worker *w, const ov_batch *b, ov_error *err);
void ovi_slot_init(ovi_slot *slot, ov_budget *budget);
/* Hands the kept batches on through `terminal` and empties the slot. */
OV_CHECKED ov_status ovi_slot_deliver(ovi_slot *slot, ovi_sink *terminal, ovi_worker *w, ov_error *err);
/* The sink at the end of a chain of stages. */
ovi_sink *ovi_terminal(ovi_sink *s);
bool ovi_is_stage(const ovi_sink *s);

/* A copy of the selected rows that lives in `out` (domains of DICT vectors are shared). */
OV_CHECKED ov_status ovi_batch_copy(const ov_batch *b, ov_arena *out, ov_batch *copy, ov_error *err);
/* Rows [from, from + n) of a vector without copying where the encoding allows. */
OV_CHECKED ov_status ovi_vec_slice(const ov_vec *v, uint32_t from, uint32_t n, ov_arena *scratch, ov_vec *out,
                                   ov_error *err);
