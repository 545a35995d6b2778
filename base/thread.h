/*
 * Threads, mutexes and condition variables: pthreads with names and without return codes that
 * nobody can act on.
 */
#pragma once

#include <pthread.h>
#include "base/status.h"

typedef struct ov_mutex {
    pthread_mutex_t m;
} ov_mutex;
#define OV_MUTEX_INIT                                                                              \
    {                                                                                              \
        PTHREAD_MUTEX_INITIALIZER                                                                  \
    }

/* Not recursive; `try` says whether it was taken. */
void ov_mutex_init(ov_mutex *m);
void ov_mutex_fini(ov_mutex *m);
void ov_mutex_lock(ov_mutex *m);
bool ov_mutex_try(ov_mutex *m);
void ov_mutex_unlock(ov_mutex *m);

typedef struct ov_cond {
    pthread_cond_t c; /* on the monotonic clock */
} ov_cond;

void ov_cond_init(ov_cond *c);
void ov_cond_fini(ov_cond *c);
void ov_cond_wait(ov_cond *c, ov_mutex *m);
/* false after timeout_ms; wakes without cause are possible in both forms. */
bool ov_cond_wait_ms(ov_cond *c, ov_mutex *m, int64_t timeout_ms);
void ov_cond_signal(ov_cond *c);
void ov_cond_broadcast(ov_cond *c);

typedef struct ov_thread {
    pthread_t t;
    bool started;
} ov_thread;

/* name shows in top and gdb, 15 bytes at most. Signals are blocked in the new thread, but for those
 * that a thread brings on itself (SIGBUS: see map_guard.h). */
OV_CHECKED ov_status ov_thread_start(ov_thread *t, const char *name, void (*fn)(void *), void *arg,
                                     ov_error *err);
void ov_thread_join(ov_thread *t); /* nothing when not started */
