/*
 * How much work lies between two looks at whether it is still wanted.
 *
 * Work is counted in steps: basic blocks of the program that ran, so the count is the same on a busy machine and on a
 * quiet one, and no loop is left out because somebody forgot to count it. Only builds with OVATE_STEPS count (preset
 * `steps`; the compiler calls __sanitizer_cov_trace_pc at every block); in all others these are empty.
 *
 * A thread counts between begin and end; both may nest. Threads of a pool count for a caller that does.
 * With OVATE_STEPS=N in the environment, gaps of more than N steps are printed with the place where they passed N.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifdef OV_COUNT_STEPS
void ov_steps_begin(void);
void ov_steps_end(void); /* looks, too */
void ov_steps_look(void);
bool ov_steps_on(void); /* this thread counts */
/* The longest gap of any thread since this was asked last. */
uint64_t ov_steps_longest(void);
#else
static inline void ov_steps_begin(void)
{
}
static inline void ov_steps_end(void)
{
}
static inline void ov_steps_look(void)
{
}
static inline bool ov_steps_on(void)
{
    return false;
}
static inline uint64_t ov_steps_longest(void)
{
    return 0;
}
#endif
