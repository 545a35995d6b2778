#include "base/cpu.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include "base/log.h"
#include "base/numparse.h"

static const char *const names[OV_ISA_COUNT] = {"base", "v3", "v4"};
static ov_isa detected, chosen;
static pthread_once_t once = PTHREAD_ONCE_INIT;

#if defined(__x86_64__)
/* lzcnt, movbe and f16c belong to x86-64-v3 too, and not every compiler can be asked for them. */
static bool has_small_ones(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid(0x80000001u, &a, &b, &c, &d) || !(c >> 5 & 1))
        return false;
    return __get_cpuid(1, &a, &b, &c, &d) && (c >> 22 & 1) && (c >> 29 & 1);
}

static ov_isa detect(void)
{
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi") ||
        !__builtin_cpu_supports("bmi2") || !__builtin_cpu_supports("fma") || !has_small_ones())
        return OV_ISA_BASE;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512cd") || !__builtin_cpu_supports("avx512dq") ||
        !__builtin_cpu_supports("avx512vl"))
        return OV_ISA_V3;
    return OV_ISA_V4;
}
#else
static ov_isa detect(void)
{
    return OV_ISA_BASE;
}
#endif

static void choose(void)
{
    chosen = detected = detect();
    const char *word = getenv("OVATE_ISA");
    if (!word || !*word)
        return;
    for (int i = 0; i < OV_ISA_COUNT; i++)
        if (strcmp(word, names[i]) == 0 && (ov_isa)i <= detected) {
            chosen = (ov_isa)i;
            return;
        }
    ov_log_warn("OVATE_ISA is ignored: expected base, v3 or v4, at most what the machine has",
                ov_kv_str("value", word), ov_kv_str("using", names[detected]));
}

ov_isa ov_cpu_isa(void)
{
    pthread_once(&once, choose);
    return chosen;
}

ov_isa ov_cpu_isa_detected(void)
{
    pthread_once(&once, choose);
    return detected;
}

const char *ov_isa_name(ov_isa isa)
{
    return names[isa];
}

unsigned ov_cpu_count(void)
{
    const char *word = getenv("OVATE_CPUS");
    int64_t n;
    if (word && ov_parse_i64(ov_slice_cstr(word), &n) && n >= 1 && n <= 1024)
        return (unsigned)n;
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return (unsigned)CPU_COUNT(&set);
    return 1;
}
