/*
 * A thread with a name that does something at once, every so often and whenever it is woken, until it is stopped.
 *
 * Threads: wake and last from any; start and stop by the owner.
 */
#pragma once

#include <stdatomic.h>
#include "base/thread.h"

typedef struct ov_ticker {
    void (*tick)(void *self, bool asked);
    void *self;
    int64_t every_ms;
    ov_thread thread;
    ov_mutex lock;
    ov_cond wake;
    bool made, stop, asked;  /* under lock */
    _Atomic int64_t last_ms; /* wall clock */
} ov_ticker;

/* A zeroed one. `asked` tells a tick that somebody woke it since the last one began. */
OV_CHECKED ov_status ov_ticker_start(ov_ticker *t, const char *name, int64_t every_ms, void (*tick)(void *self, bool asked),
                                     void *self, ov_error *err);
void ov_ticker_wake(ov_ticker *t); /* nothing when it is not started, as all of these */
/* Waits for the tick that is under way. */
void ov_ticker_stop(ov_ticker *t);
/* When a tick ended last; before the first one, when it was started. */
int64_t ov_ticker_last(const ov_ticker *t);
