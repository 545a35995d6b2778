/*
 * How long queries take inside the process, without HTTP and without printing: the best of some runs, as wall
 * clock and as processor time (all threads).
 *
 *     build/release/bench/micro/query_bench DATA [-t THREADS] [-n RUNS] [SQL ...]
 *
 * Without SQL the eight station queries of bench/workloads/stations.py run over a data folder that `bench/run --keep` or the
 * demo has loaded (datasource seoulbike).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/hash.h"
#include "base/pool.h"
#include "query/query.h"

static const char *const stations[] = {
    "SELECT stationId, stationLatitude, stationLongitude, stationName FROM seoulbike WHERE __time >= TIMESTAMP "
    "'2023-03-08 00:00:00' AND stationId = 'ST-292'",
    "SELECT COUNT(*) FROM seoulbike WHERE __time >= TIMESTAMP '2023-03-08 00:00:00' AND stationId = 'ST-292'",
    "SELECT stationId, COUNT(*) FROM seoulbike GROUP BY stationId",
    "SELECT stationId, COUNT(*) FROM seoulbike GROUP BY stationId ORDER BY COUNT(*) DESC LIMIT 20",
    "SELECT stationId, SUM(parkingBikeTotCnt), MAX(shared), AVG(parkingBikeTotCnt) FROM seoulbike GROUP BY stationId",
    "SELECT TIME_FLOOR(__time, 'PT1H'), SUM(parkingBikeTotCnt) FROM seoulbike GROUP BY 1",
    "SELECT stationName, COUNT(*) FROM seoulbike WHERE parkingBikeTotCnt = 0 GROUP BY stationName ORDER BY COUNT(*) "
    "DESC LIMIT 10",
    "SELECT stationId, TIME_FLOOR(__time, 'P1D'), AVG(parkingBikeTotCnt) FROM seoulbike GROUP BY 1, 2 ORDER BY 3 DESC "
    "LIMIT 10",
};

static double clock_ms(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static ov_status begin(void *self, const ov_field *fields, uint32_t count, ov_error *err)
{
    (void)self, (void)fields, (void)count, (void)err;
    return OV_OK;
}

static ov_status rows(void *self, const ov_batch *b, ov_error *err)
{
    (void)err;
    *(uint64_t *)self += b->sel_rows;
    return OV_OK;
}

static void run(const ov_query_env *env, const char *sql, int runs)
{
    ov_error err = OV_ERROR_INIT;
    double best = 1e30, best_cpu = 1e30, best_open = 1e30;
    uint64_t count = 0;
    for (int i = 0; i < runs; i++) {
        ov_query *q;
        ov_query_request request = {.sql = ov_slice_cstr(sql), .outer_limit = OV_NO_LIMIT};
        ov_result_sink sink = {begin, rows, &count};
        count = 0;
        double wall = clock_ms(CLOCK_MONOTONIC), cpu = clock_ms(CLOCK_PROCESS_CPUTIME_ID);
        if (ov_query_open(env, &request, &q, &err) != OV_OK) {
            fprintf(stderr, "%s\n", err.text);
            exit(1);
        }
        double open = clock_ms(CLOCK_MONOTONIC) - wall;
        if (ov_query_run(q, &sink, &err) != OV_OK) {
            fprintf(stderr, "%s\n", err.text);
            exit(1);
        }
        ov_query_close(q);
        wall = clock_ms(CLOCK_MONOTONIC) - wall;
        cpu = clock_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu;
        best = wall < best ? wall : best;
        best_cpu = cpu < best_cpu ? cpu : best_cpu;
        best_open = open < best_open ? open : best_open;
    }
    printf("%9.3f ms  cpu %9.3f ms  plan %6.3f ms  %9llu rows  %.90s\n", best, best_cpu, best_open,
           (unsigned long long)count, sql);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    ov_error err = OV_ERROR_INIT;
    ov_budget budget;
    unsigned threads = 1;
    int runs = 20, at = 2, asked = 0;
    if (argc < 2) {
        fprintf(stderr, "query_bench DATA [-t THREADS] [-n RUNS] [SQL ...]\n");
        return 2;
    }
    ov_hash_init();
    ov_budget_init(&budget, "bench", SIZE_MAX, NULL);
    ov_query_env env = {.budget = &budget, .address = ""};
    for (; at + 1 < argc && argv[at][0] == '-'; at += 2) {
        if (strcmp(argv[at], "-t") == 0)
            threads = (unsigned)atoi(argv[at + 1]);
        else if (strcmp(argv[at], "-n") == 0)
            runs = atoi(argv[at + 1]);
    }
    if (ov_catalog_open(argv[1], false, &env.catalog, &err) != OV_OK ||
        ov_pool_create(threads, "query", &env.pool, &err) != OV_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    for (; at < argc; at++, asked++)
        run(&env, argv[at], runs);
    for (size_t i = 0; i < OV_COUNT_OF(stations) && !asked; i++)
        run(&env, stations[i], runs);
    ov_pool_destroy(env.pool);
    ov_catalog_close(env.catalog);
    return 0;
}
