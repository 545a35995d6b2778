#include "base/fault.h"

#ifndef NDEBUG

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name, *text;
} points[] = {
#define OV_FAULT_POINT(name, text) {#name, text},
#include "base/fault.def"
#undef OV_FAULT_POINT
};

static _Atomic unsigned passes_left[OV_FAULT_COUNT]; /* 0: not armed */
static ov_status codes[OV_FAULT_COUNT];
static bool crash[OV_FAULT_COUNT];

/* OVATE_FAULT=NAME:n:crash; NAME without OV_FAULT_ also passes */
static void read_environment(void)
{
    const char *word = getenv("OVATE_FAULT");
    if (!word)
        return;
    char name[128];
    unsigned n;
    char how[16];
    if (sscanf(word, "%127[^:]:%u:%15s", name, &n, how) != 3 || strcmp(how, "crash") != 0) {
        fprintf(stderr, "OVATE_FAULT is ignored: expected NAME:n:crash\n");
        return;
    }
    for (size_t i = 0; i < OV_FAULT_COUNT; i++)
        if (strcmp(points[i].name, name) == 0 ||
            strcmp(points[i].name + strlen("OV_FAULT_"), name) == 0) {
            crash[i] = true;
            atomic_store(&passes_left[i], n);
        }
}

void ov_fault_arm(ov_fault_point point, unsigned n, ov_status code)
{
    codes[point] = code;
    crash[point] = false;
    atomic_store(&passes_left[point], n);
}

void ov_fault_arm_crash(ov_fault_point point, unsigned n)
{
    crash[point] = true;
    atomic_store(&passes_left[point], n);
}

void ov_fault_disarm_all(void)
{
    for (size_t i = 0; i < OV_FAULT_COUNT; i++)
        atomic_store(&passes_left[i], 0);
}

ov_status ov_fault_pass(ov_fault_point point, ov_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, read_environment);
    unsigned left = atomic_load_explicit(&passes_left[point], memory_order_relaxed);
    do {
        if (OV_LIKELY(left == 0))
            return OV_OK;
    } while (!atomic_compare_exchange_weak(&passes_left[point], &left, left - 1));
    if (left > 1)
        return OV_OK;
    if (crash[point])
        _exit(137); /* as after kill -9: no buffers flushed, nothing cleaned up */
    return ov_fail(err, codes[point], "injected failure: %s", points[point].text);
}

#else
typedef int ov_fault_nothing_here; /* ISO C wants a declaration */
#endif
