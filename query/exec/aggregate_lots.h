/*
 * Groupings with more groups than caches hold, private to the aggregate*.c files.
 *
 * A table that has grown past the cache costs a miss for every row, several for every new group, and memory that is touched for the first
 * time. Once a worker's table has many groups and still gets new ones, further rows are written to lots (lots.h) by a hash of their keys' values: keys,
 * arguments, masks. At the end all workers take lot after lot: what the tables have of it and then its rows go into a table that
 * stays in the cache and is used again for the next lot, and whose groups go out at once.
 *
 *      worker 0   table | lots 0 1 2 ...  \     lot 0 of all workers -> small table -> sink
 *      worker 1   table | lots 0 1 2 ...  /     lot 1 of all workers -> ...
 *
 * Where groups turn out to be few after all, lots are emptied into the table, which then takes all rows. A state that must go to disk goes there
 * lot by lot.
 */
#pragma once

#include "query/exec/aggregate_spill.h"
#include "query/exec/lots.h"

/* What a state has besides its table. */
typedef struct agg_lots {
    ovi_lots rows;
    struct lot_texts {
        uint32_t *hash; /* by number of the key's string table, as far as it was asked for */
        uint32_t count, cap;
    } *texts;         /* per key */
    uint64_t checked; /* rows when it was last asked whether groups are few */
} agg_lots;

/* Could groups of this spec go through lots? */
bool ovi_lots_serve(const agg_spec *spec);
/* After a batch went to the table: opens lots when that pays. */
OV_CHECKED ov_status ovi_lots_consider(agg_state *s, const agg_spec *spec, uint32_t rows, ov_error *err);
OV_CHECKED ov_status ovi_lots_open(agg_state *s, const agg_spec *spec, ov_error *err);
void ovi_lots_close(agg_state *s, const agg_spec *spec);
/* A batch without weights. */
OV_CHECKED ov_status ovi_lots_take(agg_state *s, const agg_spec *spec, const agg_batch *in, ovi_worker *w, ov_error *err);
/* What it takes to hand all groups out, about. */
size_t ovi_lots_finish_bytes(const agg_state *s, const agg_spec *spec);
/* The lots of n key rows. Equal keys of other workers have the same: texts count by value. Lots are open. */
OV_CHECKED ov_status ovi_lots_find(agg_state *s, const agg_spec *spec, const uint64_t *keys, uint32_t n, ov_arena *scratch, uint16_t *lot,
                                   ov_error *err);

/* Rows on their way from lots into a table: columns of some rows of several chunks. */
typedef struct lot_rows {
    uint32_t rows;
    uint64_t *keys;   /* rows x width */
    uint64_t **value; /* by argument, which is NULL, mask: as lots have them */
    bool *varies;     /* the same: some is not 0 */
} lot_rows;
OV_CHECKED ov_status ovi_lot_rows_make(const agg_spec *spec, ov_arena *arena, lot_rows *r, ov_error *err);
/* The rows of a list of chunks, through r, which may be full in between: some rows are left there. numbers: by key, of texts in the table
 * (NULL: as they are). */
OV_CHECKED ov_status ovi_lots_add_chunks(agg_state *to, const agg_spec *spec, const ovi_lot_chunk *list, uint32_t *const *numbers, lot_rows *r,
                                         ov_arena *scratch, ov_error *err);
/* Those that are left in r. */
OV_CHECKED ov_status ovi_lots_add_rest(agg_state *to, const agg_spec *spec, lot_rows *r, ov_arena *scratch, ov_error *err);
/* The rows of one lot into the state's own table. */
OV_CHECKED ov_status ovi_lots_empty(agg_state *s, const agg_spec *spec, uint32_t lot, ov_arena *scratch, ov_error *err);
/* All groups of all states (aggregate_lots_end.c). */
OV_CHECKED ov_status ovi_lots_emit(const agg_spec *spec, agg_state **states, uint32_t count, ovi_sink *sink, ov_error *err);
