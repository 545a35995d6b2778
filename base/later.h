/*
 * A thread that gives back what takes its time: gigabytes of memory, files of intermediate rows. Whoever holds them hands
 * them over and goes on; a query that was cancelled has answered before its pages are with the system again.
 *
 * Items lie in what is given back, so handing over allocates nothing and cannot fail. What is handed over still counts
 * where it counted (budget, limit of an area) until it is gone.
 *
 * Threads: put and wait from any; create and destroy by the owner.
 */
#pragma once

#include "base/status.h"

typedef struct ov_later ov_later;

typedef struct ov_later_item {
    struct ov_later_item *next;
    void (*run)(struct ov_later_item *item); /* the item is gone afterwards; hands nothing over itself */
} ov_later_item;

OV_CHECKED ov_status ov_later_create(ov_later **out, ov_error *err);
void ov_later_destroy(ov_later *l); /* when all that was put is done; NULL is fine */
/* run is called soon, or at once where there can be no thread. */
void ov_later_put(ov_later *l, ov_later_item *item);
/* Until all that was put before is done. */
void ov_later_wait(ov_later *l);
