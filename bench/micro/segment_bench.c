/*
 * How fast segments are built, opened and read: station rows (2,700 stations, one row each a
 * minute, in time order; two names as codes, two coordinates, three counts) through the builder
 * into one file, then every block back.
 *
 *     build/release/bench/micro/segment_bench [ROWS] [FILE] [dims|sort|rollup]
 *
 * Times are processor seconds, so that a busy machine does not matter much. `sort` adds the rows in
 * reverse order of batches, so that sealing has to sort.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/mem.h"
#include "storage/build/segment_builder.h"

enum { STATIONS = 2700, COLUMNS = 8 };

static ov_error err;
#define OK(expr)                                                                                   \
    do {                                                                                           \
        if ((expr) != OV_OK) {                                                                     \
            fprintf(stderr, "%s\n", err.text);                                                     \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double seconds_since(double *start)
{
    double t = now(), d = t - *start;
    *start = t;
    return d;
}

/* Names of the stations as a domain, as a parser would keep it: in order of arrival. */
typedef struct names {
    ov_domain domain;
    uint32_t offsets[STATIONS + 1];
    char bytes[STATIONS * 24];
} names;

static void names_init(names *n, const char *prefix)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < STATIONS; i++) {
        n->offsets[i] = at;
        at += (uint32_t)sprintf(n->bytes + at, "%s%u", prefix, (i * 7919) % STATIONS);
    }
    n->offsets[STATIONS] = at;
    n->domain = (ov_domain){.id = ov_domain_next_id(),
                            .count = STATIONS,
                            .type = OV_T(OV_TYPE_STRING),
                            .unique = true,
                            .offsets = n->offsets,
                            .bytes = n->bytes};
}

/* One batch of columns, all owned. */
typedef struct rows {
    int64_t time[OV_BATCH_ROWS], rack[OV_BATCH_ROWS], parked[OV_BATCH_ROWS], shared[OV_BATCH_ROWS];
    double lat[OV_BATCH_ROWS], lon[OV_BATCH_ROWS];
    uint16_t code[OV_BATCH_ROWS];
    uint32_t n;
} rows;

static uint64_t state = 88172645463325252u;

static uint64_t rnd(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void fill(rows *r, uint64_t first, uint32_t n, int64_t *parked)
{
    r->n = n;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t row = first + i;
        uint32_t s = (uint32_t)(row % STATIONS);
        r->time[i] = INT64_C(1672531200000) + (int64_t)(row / STATIONS) * 60000;
        r->code[i] = (uint16_t)s;
        r->lat[i] = 37.4 + (double)(s * 104729 % 3000000) / 1e7;
        r->lon[i] = 126.8 + (double)(s * 1299709 % 4000000) / 1e7;
        r->rack[i] = 5 + s * 31 % 40;
        if (rnd() % 8 == 0)
            parked[s] = (int64_t)(rnd() % 45);
        r->parked[i] = parked[s];
        r->shared[i] = parked[s] * 100 / r->rack[i];
    }
}

static ov_batch batch_of(const rows *r, const names *ids, const names *texts, ov_vec *col)
{
    ov_type t_long = OV_T(OV_TYPE_LONG), t_double = OV_T(OV_TYPE_DOUBLE);
    ov_vec codes = {.type = OV_T(OV_TYPE_STRING),
                    .enc = OV_ENC_DICT,
                    .lane = 2,
                    .rows = r->n,
                    .divisor = 1,
                    .data = r->code,
                    .dict = &ids->domain};
    col[0] = ov_vec_flat(t_long, r->time, NULL, r->n);
    col[1] = codes;
    col[2] = codes;
    col[2].dict = &texts->domain;
    col[3] = ov_vec_flat(t_double, r->lat, NULL, r->n);
    col[4] = ov_vec_flat(t_double, r->lon, NULL, r->n);
    col[5] = ov_vec_flat(t_long, r->rack, NULL, r->n);
    col[6] = ov_vec_flat(t_long, r->parked, NULL, r->n);
    col[7] = ov_vec_flat(t_long, r->shared, NULL, r->n);
    return (ov_batch){.rows = r->n, .cols = COLUMNS, .col = col, .sel_rows = r->n};
}

static const ov_build_column columns[COLUMNS] = {
    {.name = {"__time", 6}, .type = {.id = OV_TYPE_LONG}, .role = OV_ROLE_TIME},
    {.name = {"stationId", 9},
     .type = {.id = OV_TYPE_STRING},
     .role = OV_ROLE_DIMENSION,
     .indexed = true},
    {.name = {"stationName", 11},
     .type = {.id = OV_TYPE_STRING},
     .role = OV_ROLE_DIMENSION,
     .indexed = true},
    {.name = {"stationLatitude", 15}, .type = {.id = OV_TYPE_DOUBLE}, .role = OV_ROLE_DIMENSION},
    {.name = {"stationLongitude", 16}, .type = {.id = OV_TYPE_DOUBLE}, .role = OV_ROLE_DIMENSION},
    {.name = {"rackTotCnt", 10},
     .type = {.id = OV_TYPE_LONG},
     .role = OV_ROLE_METRIC,
     .fold = OV_FOLD_SUM},
    {.name = {"parkingBikeTotCnt", 17},
     .type = {.id = OV_TYPE_LONG},
     .role = OV_ROLE_METRIC,
     .fold = OV_FOLD_SUM},
    {.name = {"shared", 6},
     .type = {.id = OV_TYPE_LONG},
     .role = OV_ROLE_METRIC,
     .fold = OV_FOLD_SUM},
};

static double build(const rows *all, uint32_t batches, uint64_t row_count, const char *path,
                    const char *mode, const names *ids, const names *texts)
{
    static const uint32_t sort[] = {0, 1, 2, 3, 4};
    bool reverse = strcmp(mode, "sort") == 0;
    ov_build_schema schema = {.datasource = OV_SLICE_LIT("stations"),
                              .start_ms = 0,
                              .end_ms = INT64_C(1) << 50,
                              .version = OV_SLICE_LIT("v"),
                              .columns = columns,
                              .column_count = COLUMNS,
                              .sort = sort,
                              .sort_count = reverse || strcmp(mode, "dims") == 0 ? 5 : 1,
                              .rollup = strcmp(mode, "rollup") == 0};
    ov_segment_builder *b;
    ov_budget budget;
    ov_budget_init(&budget, "bench", SIZE_MAX, NULL);
    double start = now(), begin = start;
    OK(ov_segment_builder_create(&schema, &budget, &b, &err));
    for (uint32_t i = 0; i < batches; i++) {
        ov_vec col[COLUMNS];
        ov_batch batch = batch_of(&all[reverse ? batches - 1 - i : i], ids, texts, col);
        OK(ov_segment_builder_add(b, &batch, &err));
    }
    double add = seconds_since(&start);
    size_t bytes = ov_segment_builder_bytes(b);
    ov_arena a;
    ov_segment_info info;
    ov_arena_init(&a, "bench", NULL);
    OK(ov_segment_builder_seal(b, path, &a, &info, &err));
    double seal = seconds_since(&start);
    printf("build: %.1f M rows/s (add %.3f s, seal %.3f s), %.1f B/row in memory, %.1f at the "
           "peak, %.1f in the file\n",
           (double)row_count / (start - begin) / 1e6, add, seal, (double)bytes / (double)row_count,
           (double)budget.peak / (double)row_count, (double)info.bytes / (double)row_count);
    ov_arena_fini(&a);
    ov_segment_builder_destroy(b);
    return start - begin;
}

/* Every block of every column: as it lies (touching only), then opened to plain values. */
static void scan(const char *path, uint64_t row_count)
{
    ov_segment *seg;
    ov_arena a;
    double start = now();
    OK(ov_segment_open(path, &seg, &err));
    printf("open: %.0f us\n", seconds_since(&start) * 1e6);
    ov_arena_init(&a, "bench", NULL);
    for (int round = 0; round < 3; round++) {
        uint64_t blocks = 0;
        for (uint32_t c = 0; c < ov_segment_columns(seg); c++) {
            const ov_column *col = ov_segment_column(seg, c);
            for (uint32_t b = 0; b < ov_column_get_info(col)->blocks; b++, blocks++) {
                ov_vec v, flat;
                OK(ov_column_read(col, b, &a, &v, &err));
                if (round == 2)
                    OK(ov_vec_flatten(&v, &a, &flat, &err));
                ov_arena_reset(&a);
            }
        }
        double t = seconds_since(&start);
        static const char *const what[] = {"first touch", "again", "flattened"};
        printf("read, %s: %.1f ns a block and column, %.0f M values/s\n", what[round],
               t / (double)blocks * 1e9, (double)row_count * COLUMNS / t / 1e6);
    }
    ov_arena_fini(&a);
    ov_segment_release(seg);
}

static void list_columns(const char *path)
{
    ov_segment *seg;
    OK(ov_segment_open(path, &seg, &err));
    for (uint32_t c = 0; c < ov_segment_columns(seg); c++) {
        const ov_column_info *info = ov_column_get_info(ov_segment_column(seg, c));
        ov_arena a;
        ov_vec v;
        static const char *const names_of[] = {"CONST", "FLAT", "DICT", "RUN", "LIST"};
        ov_arena_init(&a, "bench", NULL);
        OK(ov_column_read(ov_segment_column(seg, c), 0, &a, &v, &err));
        printf("  %-18.*s %s, lane %u\n", (int)info->name.n, info->name.p, names_of[v.enc],
               v.enc == OV_ENC_RUN ? v.child->lane : v.lane);
        ov_arena_fini(&a);
    }
    ov_segment_release(seg);
}

int main(int argc, char **argv)
{
    uint64_t row_count = argc > 1 ? strtoull(argv[1], NULL, 10) : 4000000;
    const char *path = argc > 2 ? argv[2] : "segment_bench.ovs", *mode = argc > 3 ? argv[3] : "";
    uint32_t batches = (uint32_t)((row_count + OV_BATCH_ROWS - 1) / OV_BATCH_ROWS);
    static names ids, texts;
    static int64_t parked[STATIONS];
    names_init(&ids, "ST-");
    names_init(&texts, "Station number ");
    rows *all = ov_malloc(batches * sizeof *all);
    if (!all)
        return 1;
    for (uint32_t i = 0; i < batches; i++) {
        uint64_t first = (uint64_t)i * OV_BATCH_ROWS;
        fill(&all[i], first, (uint32_t)OV_MIN((uint64_t)OV_BATCH_ROWS, row_count - first), parked);
    }
    for (int round = 0; round < 5; round++)
        build(all, batches, row_count, path, mode, &ids, &texts);
    list_columns(path);
    scan(path, row_count);
    ov_free(all);
    unlink(path);
    return 0;
}
