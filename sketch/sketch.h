/*
 * What all sketches share: where their memory comes from, and the values they are fed.
 *
 * Sketches are pure algorithms over bytes. They hold at most a few blocks of memory, which they ask of their owner: a group of an
 * aggregate (query/agg/object.h) or an arena. They never free one by one except to hand a block back for reuse.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "sketch/murmur.h"

typedef struct ov_sketch_mem {
    void *owner;
    /* Makes *block (a pointer, NULL at first) hold `need` bytes, old contents kept; *cap is what it holds. */
    ov_status (*grow)(void *owner, void *block, size_t *cap, size_t need, ov_error *err);
    /* The block may be used for others; *block is NULL afterwards. */
    void (*give)(void *owner, void *block, size_t cap);
} ov_sketch_mem;

/* What an image may say of how many values it stands for: so many images can be put together that no sum wraps. */
#define OV_SKETCH_MOST_COUNT (INT64_MAX >> 24)

/* Blocks from an arena; those given back stay until it is rewound. */
ov_sketch_mem ov_sketch_mem_arena(ov_arena *a);

/* The hash of text as Druid's HLL sketches take it, in UTF-16; empty text is no value (false). */
bool ov_sketch_hash_utf16(ov_slice utf8, ov_hash128 *out);
/* Appends text as UTF-16, little-endian. */
void ov_sketch_add_utf16(ov_slice utf8, ov_buf *out);
