/*
 * Large blocks of memory, each a mapping of its own that begins where a large page does.
 *
 * Blocks of the C library begin a few bytes behind a page. To grow one means to move its pages elsewhere, and where the places do not
 * agree in the large page every one of these is first broken into 512 small ones: half a second a gigabyte, in one call that nobody can
 * stop, and an array that lies in small pages from then on. Moved from the beginning of a large page to another one, a gigabyte takes a
 * fraction of a millisecond.
 *
 * base/mem.h is the only user: its blocks may be either kind, and are told apart by where they begin.
 *
 * Threads: any.
 */
#pragma once

#include <stdint.h>

#include "base/compiler.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { OV_LARGE_BLOCKS = 0 }; /* sanitizers know what the C library hands out */
#else
enum { OV_LARGE_BLOCKS = 1 };
#endif

enum { OV_LARGE_PAGE = 2 << 20, OV_LARGE_LEAST = 4 << 20 /* bytes; smaller ones are the C library's */ };

/* Zeros. NULL when there is no memory. */
void *ov_large_alloc(size_t bytes);
/* More of it, zeros, wherever it lies then. NULL when there is no memory: the block stays as it was. */
void *ov_large_grow(void *p, size_t bytes);
/* false: it is no block of these. */
bool ov_large_is(const void *p);
bool ov_large_free(void *p);
