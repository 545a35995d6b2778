/*
 * Sorting of many values that can be told to stop: the C library's sort, piece by piece, and merges between. Memory
 * comes from the budget, which is asked whether the work is still wanted.
 */
#pragma once

#include <stddef.h>

#include "base/mem.h"

/* n values of `size` bytes, in place, smallest first. order: as for qsort. On an error the values are in no useful order. */
OV_CHECKED ov_status ov_sort(ov_budget *budget, void *values, size_t n, size_t size,
                             int (*order)(const void *, const void *), ov_error *err);

/*
 * The same where values have numbers by which they are ordered as far as these go; order settles ties. Values that are in order
 * already cost one look at each.
 *
 * key  of a value; cx is handed on to it
 */
OV_CHECKED ov_status ov_sort_by_key(ov_budget *budget, void *values, size_t n, size_t size,
                                    uint64_t (*key)(const void *value, const void *cx), const void *cx,
                                    int (*order)(const void *, const void *), ov_error *err);
