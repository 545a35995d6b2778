/*
 * Groups of which only the first ones are looked at, private to the aggregate*.c files.
 *
 * GROUP BY a, b ORDER BY a LIMIT 10, or the same without ORDER BY (groups come in the order of their keys): once some worker has ten
 * groups, no row whose `a` comes behind theirs is of use. Such rows are dropped before keys are made of them, and whole blocks and
 * segments before they are read. Rows of groups that do come first are never dropped, since the bound only moves towards the front.
 *
 * Only for keys that are columns of whole numbers; and only groups in tables are asked, since those of the dense level are few.
 */
#pragma once

#include "query/exec/aggregate.h"

typedef struct agg_first {
    bool on;
    uint32_t key, column; /* the key, and the column of the input that it is */
    bool descending, nulls_first;
    uint64_t most;          /* groups that are looked at */
    _Atomic uint64_t worst; /* order-preserving bits (sort_refs.h) past which rows are of no use */
    uint32_t *looked;       /* per worker: groups when it last looked */
} agg_first;

/* What the sink above lets us leave out; f->on stays false when that is nothing. */
OV_CHECKED ov_status ovi_first_open(agg_first *f, const agg_spec *spec, const ovi_sink *sink, ov_error *err);
/* For ovi_sink.best. */
bool ovi_first_best(const agg_first *f, ovi_best *out);
/* Rows of b that may be of use; *out is b, or a copy of it with another selection in the worker's scratch memory. */
OV_CHECKED ov_status ovi_first_cut(const agg_first *f, ovi_worker *w, const ov_batch *b, ov_batch *out, ov_error *err);
/* Looks at the worker's groups when there are many more than last time. */
OV_CHECKED ov_status ovi_first_learn(agg_first *f, const agg_spec *spec, const agg_state *s, ovi_worker *w, ov_error *err);
