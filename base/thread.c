#include "base/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include "base/mem.h"

/* None of these can fail unless we misuse them. */
#define MUST(call)                                                                                 \
    do {                                                                                           \
        int must_ = (call);                                                                        \
        OV_ASSERT(must_ == 0);                                                                     \
        (void)must_;                                                                               \
    } while (0)

void ov_mutex_init(ov_mutex *m)
{
    MUST(pthread_mutex_init(&m->m, NULL));
}

void ov_mutex_fini(ov_mutex *m)
{
    MUST(pthread_mutex_destroy(&m->m));
}

void ov_mutex_lock(ov_mutex *m)
{
    MUST(pthread_mutex_lock(&m->m));
}

bool ov_mutex_try(ov_mutex *m)
{
    return pthread_mutex_trylock(&m->m) == 0;
}

void ov_mutex_unlock(ov_mutex *m)
{
    MUST(pthread_mutex_unlock(&m->m));
}

void ov_cond_init(ov_cond *c)
{
    pthread_condattr_t attr;
    MUST(pthread_condattr_init(&attr));
    MUST(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC));
    MUST(pthread_cond_init(&c->c, &attr));
    MUST(pthread_condattr_destroy(&attr));
}

void ov_cond_fini(ov_cond *c)
{
    MUST(pthread_cond_destroy(&c->c));
}

void ov_cond_wait(ov_cond *c, ov_mutex *m)
{
    MUST(pthread_cond_wait(&c->c, &m->m));
}

bool ov_cond_wait_ms(ov_cond *c, ov_mutex *m, int64_t timeout_ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    if (timeout_ms < 0)
        timeout_ms = 0;
    int64_t ns = t.tv_nsec + timeout_ms % 1000 * 1000000;
    t.tv_sec += (time_t)(timeout_ms / 1000 + ns / 1000000000);
    t.tv_nsec = (long)(ns % 1000000000);
    return pthread_cond_timedwait(&c->c, &m->m, &t) != ETIMEDOUT;
}

void ov_cond_signal(ov_cond *c)
{
    MUST(pthread_cond_signal(&c->c));
}

void ov_cond_broadcast(ov_cond *c)
{
    MUST(pthread_cond_broadcast(&c->c));
}

typedef struct start {
    char name[16];
    void (*fn)(void *);
    void *arg;
} start;

static void *run(void *arg)
{
    start s = *(start *)arg;
    ov_free(arg);
    pthread_setname_np(pthread_self(), s.name);
    s.fn(s.arg);
    return NULL;
}

ov_status ov_thread_start(ov_thread *t, const char *name, void (*fn)(void *), void *arg,
                          ov_error *err)
{
    start *s = ov_malloc(sizeof *s);
    t->started = false;
    if (!s)
        return ov_fail_nomem(err, sizeof *s);
    *s = (start){.fn = fn, .arg = arg};
    snprintf(s->name, sizeof s->name, "%s", name);
    /* signals are the main thread's business */
    sigset_t all, before;
    sigfillset(&all);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&t->t, NULL, run, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        ov_free(s);
        return ov_fail_errno(err, rc, "cannot start the thread '%s'", name);
    }
    t->started = true;
    return OV_OK;
}

void ov_thread_join(ov_thread *t)
{
    if (t->started)
        MUST(pthread_join(t->t, NULL));
    t->started = false;
}
