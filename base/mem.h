/*
 * The only callers of malloc, and budgets.
 *
 * A budget is a byte limit with a name, shared by any number of arenas and threads; passing it is
 * OV_LIMIT with a sentence, never an out-of-memory kill. Budgets nest: a charge goes to the budget and to
 * every parent, or to none. A budget also knows whether the work it pays for must stop (`alive`), so that whoever
 * fills or walks large structures can ask without knowing what a query or a task is.
 *
 * Threads: everything here may be called from any thread.
 */
#pragma once

#include <stdatomic.h>
#include "base/status.h"

typedef struct ov_budget {
    const char *name;         /* "query", "task index_parallel_x": appears in the sentence */
    struct ov_budget *parent; /* NULL at the top; must outlive this one */
    size_t limit;             /* bytes; SIZE_MAX for none */
    _Atomic size_t used;      /* bytes charged now */
    _Atomic size_t peak;      /* highest `used` seen */
    ov_status (*alive)(void *cx, ov_error *err); /* fails once its owner's work must stop; NULL: never */
    void *alive_cx;
    struct ov_later *later; /* gives back what work below held when it was told to stop (later.h); NULL: it does so itself */
} ov_budget;

/* charge adds to this budget and all above it, or to none of them and fails with OV_LIMIT naming the full one. */
void ov_budget_init(ov_budget *b, const char *name, size_t limit, ov_budget *parent);
OV_CHECKED ov_status ov_budget_charge(ov_budget *b, size_t bytes, ov_error *err);
void ov_budget_release(ov_budget *b, size_t bytes);
/* What `alive` of the nearest budget upwards says; OV_OK when there is none. b may be NULL. */
OV_CHECKED ov_status ov_budget_alive(const ov_budget *b, ov_error *err);
/* The same in a loop that may run long: asks at every so manieth step. */
enum { OV_ALIVE_STEPS = 1 << 14 };
static inline OV_CHECKED ov_status ov_budget_alive_at(const ov_budget *b, size_t step, ov_error *err)
{
    return OV_LIKELY(step % OV_ALIVE_STEPS) ? OV_OK : ov_budget_alive(b, err);
}

/* Once, before any thread starts: freed memory goes back to the system soon, so that what the process holds follows
 * its budgets. */
void ov_mem_setup(void);
/* Heaps may keep so much freed memory together, for who comes next: pages that come new from the system are cleared, one fault each. A few
 * megabytes a heap are kept in any case. */
void ov_mem_keep(size_t bytes);
/* Between on and off, which may be several at a time, heaps keep no more than without ov_mem_keep: who loads rows within a small memory
 * has to stay within it as a process. Any thread. */
void ov_mem_spare(bool on);

/* malloc family; NULL when memory is out. Freed with ov_free. Sizes of 0 give a valid pointer. */
void *ov_malloc(size_t bytes);
void *ov_calloc(size_t count, size_t size);
void *ov_realloc(void *p, size_t bytes);
void *ov_aligned_malloc(size_t alignment, size_t bytes);
char *ov_strdup(const char *text);
char *ov_strndup(const char *text, size_t n);
void ov_free(void *p);
/* A block that was charged to budget (NULL: to none). A large one of work that must stop is freed, and no longer charged to the
 * budget that knows how, a little later. */
void ov_free_charged(ov_budget *budget, void *p, size_t bytes);

/* OV_NOMEM with the size in the sentence. */
ov_status ov_fail_nomem(ov_error *err, size_t bytes);

/* Grow (or make) a zeroed array charged to budget: *array from old_bytes to new_bytes. A large one asks the budget while it
 * is zeroed whether its owner must stop; then, too, it has old_bytes, but may lie elsewhere. */
OV_CHECKED ov_status ov_array_grow(ov_budget *budget, void *array, size_t old_bytes, size_t new_bytes,
                                   ov_error *err);
/* How many places a list gets that grows from `cap` so that `more` items fit behind its first `count`. */
OV_CHECKED ov_status ov_list_places(uint32_t count, uint32_t cap, uint32_t more, uint32_t *out, ov_error *err);
/* Room for `more` items behind the first `count` of *list, which has *cap places (none yet: NULL and 0): it grows as above, to at least
 * twice as many, when they do not suffice. */
OV_CHECKED ov_status ov_list_room(ov_budget *budget, void *list, uint32_t count, uint32_t *cap, uint32_t more, size_t item_bytes,
                                  ov_error *err);
void ov_array_free(ov_budget *budget, void *array, size_t bytes);
/* A new zeroed array that will be read and written all over, as tables of hashes are: its pages come at once. One by one they would
 * come twice, read and then written, and the second time every processor would be told. */
OV_CHECKED ov_status ov_array_table(ov_budget *budget, void *array, size_t bytes, ov_error *err);
