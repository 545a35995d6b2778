/*
 * A set of row numbers of one segment: the door to CRoaring.
 *
 * CRoaring aborts the process when memory is out; sets are bounded by the rows of a segment (512
 * MiB at worst, usually kilobytes).
 *
 * Threads: a set belongs to one thread at a time.
 */
#pragma once

#include "base/status.h"

typedef struct ov_rowset ov_rowset;

OV_CHECKED ov_status ov_rowset_create(ov_rowset **out, ov_error *err);
void ov_rowset_destroy(ov_rowset *s); /* NULL is fine */
OV_CHECKED ov_status ov_rowset_add_range(ov_rowset *s, uint32_t first, uint32_t end, ov_error *err);
OV_CHECKED ov_status ov_rowset_add_list(ov_rowset *s, const uint32_t *rows, uint32_t n,
                                        ov_error *err);
void ov_rowset_and(ov_rowset *s, const ov_rowset *other);
void ov_rowset_andnot(ov_rowset *s, const ov_rowset *other);
void ov_rowset_clip(ov_rowset *s, uint32_t first, uint32_t end);
uint64_t ov_rowset_count(const ov_rowset *s);
/* Up to cap ascending rows >= from; returns how many. */
uint32_t ov_rowset_list(const ov_rowset *s, uint32_t from, uint32_t *rows, uint32_t cap);
/* The row of that rank (0 = the smallest); false when there are not so many. */
bool ov_rowset_select(const ov_rowset *s, uint32_t rank, uint32_t *row);
/* Portable serialised form (RoaringFormatSpec), checked before it is trusted; rows must be < limit.
 */
OV_CHECKED ov_status ov_rowset_add_portable(ov_rowset *s, const void *bytes, size_t n,
                                            uint32_t limit, ov_error *err);
size_t ov_rowset_portable_bytes(const ov_rowset *s);
void ov_rowset_write_portable(const ov_rowset *s, void *out);
