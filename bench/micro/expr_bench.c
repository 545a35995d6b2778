/*
 * What expressions cost: nanoseconds per batch of 8,192 rows and per row, best of many, over the encodings blocks come in.
 *
 *   build/release/bench/micro/expr_bench
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/bits.h"
#include "base/cpu.h"
#include "query/expr/expr.h"

enum { ROWS = OV_BATCH_ROWS, CITIES = 2700, TURNS = 400 };

static ov_arena arena;
static ov_error err;
static ov_expr_ctx cx = {.arena = &arena, .next_id = 1};

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
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void *lanes(size_t bytes)
{
    void *p;
    must(ov_arena_lanes(&arena, bytes, &p, &err));
    return p;
}

static const ov_expr *column(uint32_t i, ov_type_id type, ov_sqltype sql)
{
    const ov_expr *e;
    must(ov_expr_column(&cx, i, OV_T(type), sql, true, &e, &err));
    return e;
}

static const ov_expr *number(int64_t v)
{
    const ov_expr *e;
    must(ov_expr_i64(&cx, OV_SQL_BIGINT, v, &e, &err));
    return e;
}

static const ov_expr *text(const char *s)
{
    const ov_expr *e;
    must(ov_expr_str(&cx, OV_SQL_VARCHAR, ov_slice_cstr(s), &e, &err));
    return e;
}

static const ov_expr *call(const char *name, const ov_expr *a, const ov_expr *b, const ov_expr *c)
{
    const ov_expr *args[3] = {a, b, c}, *e;
    must(ov_expr_call(&cx, ov_slice_cstr(name), args, c ? 3 : b ? 2 : 1, 0, 0, &e, &err));
    return e;
}

static ov_vec narrow(uint8_t lane)
{
    uint8_t *data = lanes(ROWS * (size_t)lane + 64);
    for (size_t i = 0; i < ROWS * (size_t)lane; i++)
        data[i] = (uint8_t)rand();
    return (ov_vec){.type = OV_T(OV_TYPE_LONG), .enc = OV_ENC_FLAT, .lane = lane, .raw = lane == 8, .rows = ROWS,
                    .divisor = 1, .data = data};
}

static ov_vec cities(void)
{
    static char bytes[CITIES * 8];
    static uint32_t offsets[CITIES + 1];
    static ov_domain domain;
    for (uint32_t i = 0; i < CITIES; i++)
        offsets[i + 1] = offsets[i] + (uint32_t)snprintf(bytes + offsets[i], 8, "ST-%04u", i);
    domain = (ov_domain){.id = ov_domain_next_id(), .count = CITIES, .type = OV_T(OV_TYPE_STRING), .sorted = true,
                         .unique = true, .offsets = offsets, .bytes = bytes};
    uint16_t *codes = lanes(ROWS * 2);
    for (int i = 0; i < ROWS; i++)
        codes[i] = (uint16_t)(rand() % CITIES);
    return (ov_vec){.type = OV_T(OV_TYPE_STRING), .enc = OV_ENC_DICT, .lane = 2, .rows = ROWS, .divisor = 1,
                    .data = codes, .dict = &domain};
}

static ov_vec runs(void)
{
    static uint16_t ends[4];
    static int64_t at[64];
    static ov_vec child;
    for (int i = 0; i < 4; i++) {
        ends[i] = (uint16_t)(ROWS / 4 * (i + 1));
        at[i] = 1442018818771 + i * 60000;
    }
    child = ov_vec_flat(OV_T(OV_TYPE_LONG), at, NULL, 4);
    return (ov_vec){.type = OV_T(OV_TYPE_LONG), .enc = OV_ENC_RUN, .rows = ROWS, .divisor = 1, .run_end = ends,
                    .runs = 4, .child = &child};
}

static void measure(ov_eval *ev, const char *what, const ov_expr *e, const ov_batch *batch)
{
    double best = 1e18;
    bool filter = e->sql == OV_SQL_BOOLEAN;
    for (int t = 0; t < TURNS; t++) {
        double start = now_ns();
        if (filter) {
            uint64_t yes[OV_BATCH_WORDS];
            uint32_t n;
            must(ov_eval_filter(ev, e, batch, yes, NULL, &n, &err));
        } else {
            ov_vec v;
            must(ov_eval_expr(ev, e, batch, &v, &err));
        }
        ov_eval_next_batch(ev);
        double took = now_ns() - start;
        best = took < best ? took : best;
    }
    printf("%-52s %10.0f ns/batch %8.3f ns/row\n", what, best, best / batch->rows);
}

int main(void)
{
    ov_arena_init(&arena, "bench", NULL);
    srand(1);
    enum { U8, U16, U32, I64, F64, CITY, TIME_FLAT, TIME_RUN, COLS };
    ov_vec col[COLS] = {narrow(1), narrow(2), narrow(4), narrow(8)};
    double *reals = lanes(ROWS * 8);
    int64_t *times = lanes(ROWS * 8);
    for (int i = 0; i < ROWS; i++) {
        reals[i] = rand() / 1e6;
        times[i] = 1442018818771 + i * 137;
    }
    col[F64] = ov_vec_flat(OV_T(OV_TYPE_DOUBLE), reals, NULL, ROWS);
    col[CITY] = cities();
    col[TIME_FLAT] = ov_vec_flat(OV_T(OV_TYPE_LONG), times, NULL, ROWS);
    col[TIME_RUN] = runs();
    ov_batch full = {.rows = ROWS, .cols = COLS, .col = col, .sel_rows = ROWS};
    ov_eval *ev;
    must(ov_eval_create(NULL, NULL, &ev, &err));
    const ov_expr *a8 = column(U8, OV_TYPE_LONG, OV_SQL_BIGINT), *a16 = column(U16, OV_TYPE_LONG, OV_SQL_BIGINT);
    const ov_expr *a32 = column(U32, OV_TYPE_LONG, OV_SQL_BIGINT), *a64 = column(I64, OV_TYPE_LONG, OV_SQL_BIGINT);
    const ov_expr *f = column(F64, OV_TYPE_DOUBLE, OV_SQL_DOUBLE), *city = column(CITY, OV_TYPE_STRING, OV_SQL_VARCHAR);
    const ov_expr *flat = column(TIME_FLAT, OV_TYPE_LONG, OV_SQL_TIMESTAMP);
    const ov_expr *run = column(TIME_RUN, OV_TYPE_LONG, OV_SQL_TIMESTAMP);
    const ov_expr *half;
    must(ov_expr_f64(&cx, OV_SQL_DOUBLE, 1000.5, &half, &err));
    printf("instruction set %s\n", ov_isa_name(ov_cpu_isa()));

    measure(ev, "u8 = 7", call("=", a8, number(7), NULL), &full);
    measure(ev, "u16 < 1000", call("<", a16, number(1000), NULL), &full);
    measure(ev, "u32 > 1000000", call(">", a32, number(1000000), NULL), &full);
    measure(ev, "i64 <> 5", call("<>", a64, number(5), NULL), &full);
    measure(ev, "double > 1000.5", call(">", f, half, NULL), &full);
    measure(ev, "u8 = 7 AND u16 < 1000", call("AND", call("=", a8, number(7), NULL), call("<", a16, number(1000), NULL), NULL), &full);
    measure(ev, "city = 'ST-0292'", call("=", city, text("ST-0292"), NULL), &full);
    measure(ev, "city LIKE '%9%'", call("LIKE", city, text("%9%"), NULL), &full);
    measure(ev, "UPPER(city)", call("UPPER", city, NULL, NULL), &full);
    measure(ev, "i64 + 1", call("+", a64, number(1), NULL), &full);
    measure(ev, "u16 + u8", call("+", a16, a8, NULL), &full);
    measure(ev, "i64 * double", call("*", a64, f, NULL), &full);
    measure(ev, "i64 / 7", call("/", a64, number(7), NULL), &full);
    measure(ev, "TIME_FLOOR(flat, PT1H)", call("TIME_FLOOR", flat, text("PT1H"), NULL), &full);
    measure(ev, "TIME_FLOOR(run, P1D)", call("TIME_FLOOR", run, text("P1D"), NULL), &full);
    measure(ev, "run >= t", call(">=", run, number(1442018818771 + 60000), NULL), &full);
    measure(ev, "CASE WHEN u16 > 100 THEN 'big' ELSE 'small' END",
            call("CASE", call(">", a16, number(100), NULL), text("big"), text("small")), &full);
    measure(ev, "COALESCE(u16, 0)", call("COALESCE", a16, number(0), NULL), &full);
    col[U8].rows = col[U16].rows = 1;
    ov_batch one = {.rows = 1, .cols = 2, .col = col, .sel_rows = 1};
    measure(ev, "one row: u16 + u8", call("+", a16, a8, NULL), &one);
    measure(ev, "one row: u8 = 7", call("=", a8, number(7), NULL), &one);
    ov_eval_destroy(ev);
    ov_arena_fini(&arena);
    return 0;
}
