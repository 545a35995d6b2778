/*
 * Rows on disk: when an operator should go there, and batches as blocks of a spill file.
 *
 * A block is one batch, column by column, with its checksum; texts and lists are written by value, domains of DICT
 * vectors stay in memory (they live until the run ends) and are named by number. What is read back lies in one piece
 * of an arena.
 *
 * Threads: a spill may be written and read by any number of workers at once.
 */
#pragma once

#include "base/spill.h"
#include "query/agg/strtab.h"
#include "query/exec/exec_int.h"

typedef struct ovi_spill {
    ovi_exec *exec;
    ov_mutex lock; /* of what follows */
    bool open;
    ov_spill_file file;
    const ov_domain **domains;
    uint32_t domain_count, domain_cap;
} ovi_spill;

/* One batch in a spill. */
typedef struct ovi_block {
    uint64_t offset;
    uint32_t bytes, rows;
} ovi_block;

/* Blocks in order. */
typedef struct ovi_blocks {
    ovi_block *at;
    uint32_t count, cap;
    uint64_t rows, bytes;
} ovi_blocks;

/* No file is made before the first write. */
void ovi_spill_init(ovi_spill *f, ovi_exec *x);
void ovi_spill_fini(ovi_spill *f);
/* Writes the selected rows of b behind `list`. scratch is used and given back. */
OV_CHECKED ov_status ovi_spill_write(ovi_spill *f, const ov_batch *b, ovi_blocks *list, ov_arena *scratch,
                                     ov_error *err);
OV_CHECKED ov_status ovi_spill_read(ovi_spill *f, const ovi_block *block, ov_arena *out, ov_batch *b,
                                    ov_error *err);
void ovi_blocks_free(ovi_blocks *list, ov_budget *budget);

/*
 * Should a worker's state of `own` bytes and `rows` rows go to disk before it grows by about `need` bytes? Asked by
 * every worker for itself: the answer counts on each of them to grow as much. A quarter of the query's memory stays
 * free for what cannot go to disk. Never for small states, which would help little.
 */
bool ovi_spill_due(const ovi_exec *x, size_t own, uint64_t rows, size_t need);
/* Bytes the query may use now and does not. */
size_t ovi_memory_left(const ovi_exec *x);
/* Bytes one block should have, so that a merge can hold many of them. */
size_t ovi_block_bytes(const ovi_exec *x);
