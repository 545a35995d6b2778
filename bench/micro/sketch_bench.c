/*
 * What building sketches costs: nanoseconds of a processor per number, best of a few turns, of 10 million different ones. Of sketches of distinct
 * values, hash included, also the estimate; of sketches of numbers, which come in a muddled order, the middle.
 *
 *   build/release/bench/micro/sketch_bench
 *
 * The same loop over DataSketches' C++ (-O2): hll_sketch(12) 10 to 18 ns, update_theta_sketch of lg_k 14 10 to 15; in one run beside this
 * program on a busy machine quantiles_sketch(128) 43 ns (43 here), kll_sketch(200) of doubles 27 (22), of floats 27 (24), tdigest(100) 56 (75).
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sketch/hll.h"
#include "sketch/kll.h"
#include "sketch/powers.h"
#include "sketch/quantiles.h"
#include "sketch/tdigest.h"
#include "sketch/theta.h"

enum { VALUES = 10000000, TURNS = 5 };

static ov_arena arena;
static ov_sketch_mem mem;
static ov_error err;

static void must(ov_status st)
{
    if (st != OV_OK) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double hll_of(bool merged)
{
    ov_hll s;
    ov_hll_init(&s, OV_HLL_DEFAULT_LG_K, OV_HLL_4);
    s.merged = merged;
    for (uint64_t i = 0; i < VALUES; i++)
        must(ov_hll_add(&s, ov_hll_coupon(ov_murmur3_u64(i, OV_SKETCH_SEED)), &mem, &err));
    return ov_hll_estimate(&s);
}

static double hll_in_order(void)
{
    return hll_of(false);
}

static double hll(void)
{
    return hll_of(true);
}

static double theta(void)
{
    ov_theta s;
    ov_theta_set set;
    ov_theta_init(&s, OV_THETA_DEFAULT_LG_K);
    for (uint64_t i = 0; i < VALUES; i++)
        must(ov_theta_add(&s, ov_theta_hash(ov_murmur3_u64(i, OV_SKETCH_SEED)), &mem, &err));
    must(ov_theta_finish(&s, &arena, &set, &err));
    return ov_theta_estimate(&set);
}

/* Different ones below 2^24. */
static double number(uint64_t i)
{
    return (double)((i * 2654435761u) & ((1u << 24) - 1));
}

static double quantiles(void)
{
    ov_quantiles s;
    ov_ranks ranks;
    ov_quantiles_init(&s, OV_QUANTILES_DEFAULT_K);
    for (uint64_t i = 0; i < VALUES; i++)
        must(ov_quantiles_add(&s, number(i), &mem, &err));
    must(ov_quantiles_ranks(&s, &ranks, &arena, &err));
    return ov_ranks_quantile(&ranks, 0.5);
}

static double kll_of(bool floats)
{
    ov_kll s;
    ov_ranks ranks;
    ov_kll_init(&s, OV_KLL_DEFAULT_K, floats);
    for (uint64_t i = 0; i < VALUES; i++)
        must(ov_kll_add(&s, number(i), &mem, &err));
    must(ov_kll_ranks(&s, &ranks, &arena, &err));
    return ov_ranks_quantile(&ranks, 0.5);
}

static double kll_doubles(void)
{
    return kll_of(false);
}

static double kll_floats(void)
{
    return kll_of(true);
}

static double tdigest(void)
{
    ov_tdigest s;
    ov_tdigest_init(&s, OV_TDIGEST_DEFAULT_COMPRESSION);
    for (uint64_t i = 0; i < VALUES; i++)
        must(ov_tdigest_add(&s, number(i), &mem, &err));
    ov_tdigest_compress(&s);
    return ov_tdigest_quantile(&s, 0.5);
}

static double moments(void)
{
    ov_powers s;
    ov_powers_solved d;
    ov_powers_init(&s, OV_POWERS_DEFAULT_K, true);
    for (uint64_t i = 0; i < VALUES; i++)
        must(ov_powers_add(&s, number(i), &mem, &err));
    must(ov_powers_solve(&s, &d, &arena, &err));
    return ov_powers_quantile(&d, 0.5);
}

int main(void)
{
    static const struct {
        const char *name;
        double (*build)(void);
    } kinds[] = {
        {"HLL, order known", hll_in_order}, {"HLL, any order", hll}, {"theta", theta},     {"quantiles", quantiles},
        {"KLL of doubles", kll_doubles},    {"KLL of floats", kll_floats}, {"t-digest", tdigest}, {"moments", moments},
    };
    ov_arena_init(&arena, "bench", NULL);
    mem = ov_sketch_mem_arena(&arena);
    for (size_t k = 0; k < OV_COUNT_OF(kinds); k++) {
        double best = 1e18, answer = 0;
        for (int turn = 0; turn < TURNS; turn++) {
            double start = now_ns();
            answer = kinds[k].build();
            best = OV_MIN(best, now_ns() - start);
        }
        printf("%-18s %6.2f ns a value, answer %.0f\n", kinds[k].name, best / VALUES, answer);
    }
    ov_arena_fini(&arena);
    return 0;
}
