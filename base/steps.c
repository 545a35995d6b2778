#include "base/steps.h"

#ifdef OV_COUNT_STEPS

#include <execinfo.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define UNCOUNTED __attribute__((no_sanitize_coverage))

enum { MOST_FRAMES = 24 };

typedef struct counter {
    uint64_t steps;
    unsigned depth; /* of begins */
    int frames;     /* where the limit was passed */
    void *stack[MOST_FRAMES];
} counter;

static _Thread_local counter mine;
static _Atomic uint64_t longest;
static uint64_t limit = UINT64_MAX;

UNCOUNTED __attribute__((constructor)) static void read_limit(void)
{
    const char *text = getenv("OVATE_STEPS");
    if (text && *text)
        limit = strtoull(text, NULL, 10);
}

void __sanitizer_cov_trace_pc(void);
UNCOUNTED void __sanitizer_cov_trace_pc(void)
{
    counter *c = &mine;
    if (c->depth && ++c->steps == limit)
        c->frames = backtrace(c->stack, MOST_FRAMES);
}

UNCOUNTED static void print_gap(const counter *c)
{
    char line[80];
    int n = snprintf(line, sizeof line, "steps: %llu without a look, at\n", (unsigned long long)c->steps);
    if (write(STDERR_FILENO, line, (size_t)n) == n)
        backtrace_symbols_fd(c->stack, c->frames, STDERR_FILENO);
}

UNCOUNTED void ov_steps_look(void)
{
    counter *c = &mine;
    uint64_t most = atomic_load_explicit(&longest, memory_order_relaxed);
    if (!c->depth)
        return;
    if (c->steps > limit)
        print_gap(c);
    while (c->steps > most && !atomic_compare_exchange_weak(&longest, &most, c->steps)) {
    }
    c->steps = 0;
}

UNCOUNTED void ov_steps_begin(void)
{
    if (mine.depth++ == 0)
        mine.steps = 0;
}

UNCOUNTED void ov_steps_end(void)
{
    ov_steps_look();
    mine.depth--;
}

UNCOUNTED bool ov_steps_on(void)
{
    return mine.depth > 0;
}

UNCOUNTED uint64_t ov_steps_longest(void)
{
    return atomic_exchange(&longest, 0);
}

#endif
