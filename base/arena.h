/*
 * Named arenas: many small allocations that die together.
 *
 * An arena is shaped like a lifetime (query, batch, task) and passed explicitly; the parameter name says
 * which: `out` receives results, `scratch` may be rewound by the caller at any batch boundary. Memory comes
 * in chunks charged to a budget (NULL: none). Marks undo trial work; clean-up callbacks run, newest
 * first, when the arena is rewound past them or destroyed, for things that are not memory.
 * Every chunk asks the budget whether the work may go on: whoever builds something in an arena can be
 * stopped without asking itself.
 * Under ASan unused space is poisoned.
 *
 * Threads: one at a time per arena.
 */
#pragma once

#include "base/mem.h"
#include "base/slice.h"

typedef struct ov_arena_chunk ov_arena_chunk;
typedef struct ov_arena_cleanup ov_arena_cleanup;

typedef struct ov_arena {
    const char *name;
    ov_budget *budget;
    ov_arena_chunk *chunk; /* newest first */
    char *at, *end;        /* free space of the newest chunk */
    size_t chunk_bytes;    /* size of the next ordinary chunk; doubles up to 1 MiB */
    size_t total_bytes;    /* charged to the budget */
    ov_arena_cleanup *cleanups;
} ov_arena;

typedef struct ov_arena_mark {
    ov_arena_chunk *chunk;
    char *at;
    ov_arena_cleanup *cleanups;
} ov_arena_mark;

void ov_arena_init(ov_arena *a, const char *name, ov_budget *budget);
void ov_arena_fini(ov_arena *a);  /* frees everything; the arena may be used again */
void ov_arena_reset(ov_arena *a); /* forgets everything, keeps the largest chunk */

/* 16-byte aligned, contents undefined; NULL only when budget or system refuse. */
void *ov_arena_try(ov_arena *a, size_t bytes, size_t alignment, ov_error *err);

/* The usual forms: the pointer through *out, contents zeroed where the name says so. */
OV_CHECKED ov_status ov_arena_alloc(ov_arena *a, size_t bytes, void *out, ov_error *err);
OV_CHECKED ov_status ov_arena_zalloc(ov_arena *a, size_t bytes, void *out, ov_error *err);
/* 64-byte aligned with 64 readable bytes past the end, for kernels. */
OV_CHECKED ov_status ov_arena_lanes(ov_arena *a, size_t bytes, void *out, ov_error *err);
/* A copy with a NUL behind it (not counted in out->n). */
OV_CHECKED ov_status ov_arena_copy(ov_arena *a, ov_slice s, ov_slice *out, ov_error *err);
OV_CHECKED ov_status ov_arena_printf(ov_arena *a, ov_slice *out, ov_error *err, const char *fmt, ...)
    OV_PRINTF(4, 5);

/* Room for `more` items behind the first `count` of a list in the arena: *list, of *cap places (none yet: NULL and 0), moves to at least
 * twice as many when they do not suffice. What is behind `count` is undefined. */
OV_CHECKED ov_status ov_arena_room(ov_arena *a, void *list, uint32_t count, uint32_t *cap, uint32_t more, size_t item_bytes, ov_error *err);

/* fn(arg) runs when the arena is rewound past this point or finished. */
OV_CHECKED ov_status ov_arena_on_exit(ov_arena *a, void (*fn)(void *), void *arg, ov_error *err);

/* Where the arena stands, and back to there: what was allocated since is gone, its on_exit calls made. */
ov_arena_mark ov_arena_mark_get(const ov_arena *a);
void ov_arena_rewind(ov_arena *a, ov_arena_mark mark);
