/*
 * Queries that run now, by id: what DELETE /druid/v2/sql/{id} and a lost client reach for.
 *
 * Several queries may share an id (Druid allows it); cancelling the id cancels them all.
 *
 * Threads: any.
 */
#pragma once

#include "query/query.h"

typedef struct ov_running ov_running;

/* Lives on the stack of the thread that opens and runs the query, between add and remove. */
typedef struct ov_running_entry {
    ov_slice id;
    _Atomic bool cancelled; /* what the query's request points to */
    int64_t started_ms;
    ov_slice sql; /* the statement; empty: a native query */
    struct ov_running_entry *next, **link;
} ov_running_entry;

OV_CHECKED ov_status ov_running_create(ov_running **out, ov_error *err);
void ov_running_destroy(ov_running *r);
void ov_running_add(ov_running *r, ov_running_entry *entry);
void ov_running_remove(ov_running *r, ov_running_entry *entry);
/* How many queries of that id were told to stop. */
uint32_t ov_running_cancel(ov_running *r, ov_slice id);
uint32_t ov_running_count(ov_running *r);
/* Calls fn for each, which is quick: nobody begins or ends meanwhile. */
void ov_running_each(ov_running *r, void (*fn)(void *self, const ov_running_entry *entry), void *self);
