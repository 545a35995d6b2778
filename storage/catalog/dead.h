/*
 * Which rows of a segment are superseded, since when, and since when its rows are there.
 *
 * A row of a datasource with keys is superseded when a later one of the same key is committed. Segments are immutable, so
 * this lies beside them: one object per segment and state of the catalog. It shares what did not change with
 * the one before: the bits of a block of OV_BATCH_ROWS rows, and the history, a chain from the newest commit back.
 *
 *   bits      now: a set bit is a row that no query sees
 *   deaths    which rows went at which instant, for as long as somebody may ask for an instant
 *   births    which rows came at which instant, where a segment has rows of several commits
 *
 * An object without rows in it is legal; NULL stands for "all rows are there" everywhere.
 *
 * Threads: immutable; retain and release from any thread.
 */
#pragma once

#include "base/buf.h"
#include "storage/rowset.h"

typedef struct ov_dead ov_dead;

#define OV_DEAD_LONG_AGO INT64_MIN /* an instant before all that can be asked for */

ov_dead *ov_dead_retain(ov_dead *d); /* NULL is fine */
void ov_dead_release(ov_dead *d);    /* NULL is fine */

/* One per object, never given twice by a process. */
uint64_t ov_dead_serial(const ov_dead *d);
uint32_t ov_dead_count(const ov_dead *d); /* superseded rows; 0 for NULL */
bool ov_dead_has(const ov_dead *d, uint32_t row);
/* Superseded rows in [first, end). */
uint32_t ov_dead_count_in(const ov_dead *d, uint32_t first, uint32_t end);
/* Bits of block b (OV_BATCH_WORDS words); NULL when none of its rows is superseded. Lives as long as d. */
const uint64_t *ov_dead_block(const ov_dead *d, uint32_t b);
/* All of them into a set. */
OV_CHECKED ov_status ov_dead_rowset(const ov_dead *d, ov_rowset *to, ov_error *err);

/* Of rows [first, end): set the bits in words of those that went at `since` or later. first is a multiple of 64. */
void ov_dead_since(const ov_dead *d, int64_t since, uint32_t first, uint32_t end, uint64_t *words);

/* ---- making ---- */

/* base (may be NULL) with more rows superseded at `at`: ascending; those that are already are passed over. `total` is the
 * number of rows of the segment. at OV_DEAD_LONG_AGO: without history. */
OV_CHECKED ov_status ov_dead_add(const ov_dead *base, uint32_t total, int64_t at, const uint32_t *rows, uint32_t n,
                                 ov_dead **out, ov_error *err);
/* base with rows that came at `at`. Once a segment has births, rows in none of them came long ago. n 0 only says that. */
OV_CHECKED ov_status ov_dead_born(const ov_dead *base, uint32_t total, int64_t at, const uint32_t *rows, uint32_t n,
                                  ov_dead **out, ov_error *err);
/* What was there at instant t: not yet superseded, and come by then. `born`: of rows without births. *all: no row is
 * there, and *out is NULL. */
OV_CHECKED ov_status ov_dead_as_of(const ov_dead *d, uint32_t total, int64_t born, int64_t t, ov_dead **out, bool *all,
                                   ov_error *err);

/* ---- history ---- */

bool ov_dead_has_births(const ov_dead *d);
/* When each row came: total entries, `born` where there are no births. */
void ov_dead_birth_list(const ov_dead *d, uint32_t total, int64_t born, int64_t *out);
/* When each row went: OV_DEAD_LONG_AGO where that is not known, INT64_MAX where it is there. */
void ov_dead_death_list(const ov_dead *d, uint32_t total, int64_t *out);

/* ---- bytes: layers one after the other; what is read is checked ---- */

/* What d has and `since` (an earlier state of the same segment, may be NULL) lacks. */
OV_CHECKED ov_status ov_dead_write(const ov_dead *d, const ov_dead *since, ov_buf *out, ov_error *err);
/* All of d, with deaths before `died` and births before `born` folded into "long ago". */
OV_CHECKED ov_status ov_dead_write_all(const ov_dead *d, int64_t died, int64_t born, ov_buf *out, ov_error *err);
/* base with what the bytes say. */
OV_CHECKED ov_status ov_dead_read(const ov_dead *base, uint32_t total, ov_slice bytes, ov_dead **out, ov_error *err);
