/*
 * Order and roll-up: rows arrive at random and leave sorted by the declared columns, stable, equal
 * ones folded; held against a plain sort of structs.
 */
#include "segment_lib.h"

enum { COLUMNS = 10, TIME = 0, TEXT, NUMBER, REAL, LIST, SUM, LOW, HIGH, SOME, WORD };

typedef struct row {
    int64_t time, number, sum, some;
    double real, low, high;
    uint32_t text, list, word, id; /* 0 = NULL */
    bool no_number, no_real, no_sum, no_low, no_some;
} row;

static const char *const texts[] = {NULL, "", "a", "aaaaaaaaa", "aaaaaaaab", "b", "\xc3\xa4"};
/* Lists in their order: element by element, shorter first. */
static const uint32_t lists[][3] = {{0}, {0}, {1, 2}, {2, 2, 3}, {1, 5}, {2, 5, 1}};
static const uint32_t list_rank[] = {0, 1, 2, 3, 4, 5};

static row random_row(uint32_t id, bool dups)
{
    static const double reals[] = {-INFINITY, -2.5, -0.0, 0.0, 1e-300, 7, INFINITY, NAN};
    uint32_t reach = dups ? 3 : 100000;
    return (row){.time = (int64_t)below(reach) * 1000,
                 .number = (int64_t)(below(8) ? below(dups ? 2 : 50) : rnd()),
                 .no_number = below(5) == 0,
                 .real = reals[below(dups ? 3 : 8)],
                 .no_real = below(6) == 0,
                 .text = below(7),
                 .list = below(6),
                 .sum = below(4) ? (int64_t)below(100) : INT64_MAX - 3,
                 .no_sum = below(3) == 0,
                 .low = (double)below(1000) / 8,
                 .no_low = below(2),
                 .high = reals[below(8)],
                 .some = (int64_t)id,
                 .no_some = below(2),
                 .word = below(3) ? below(7) : 0,
                 .id = id};
}

/* ---- the reference order ---- */

static int cmp_u(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static uint64_t real_rank(double x)
{
    uint64_t bits = isnan(x) ? UINT64_C(0x7FF8000000000000) : ov_f64_bits(x);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static int cmp_column(uint32_t c, const row *a, const row *b)
{
    switch (c) {
    case TIME:
        return (a->time > b->time) - (a->time < b->time);
    case TEXT:
        return cmp_u(a->text, b->text);
    case NUMBER:
        if (a->no_number || b->no_number)
            return b->no_number - a->no_number;
        return (a->number > b->number) - (a->number < b->number);
    case REAL:
        if (a->no_real || b->no_real)
            return b->no_real - a->no_real;
        return cmp_u(real_rank(a->real), real_rank(b->real));
    default:
        return cmp_u(list_rank[a->list], list_rank[b->list]);
    }
}

static const uint32_t *sort_by;
static uint32_t sort_count;

static int cmp_rows(const void *x, const void *y)
{
    const row *a = x, *b = y;
    for (uint32_t i = 0; i < sort_count; i++) {
        int r = cmp_column(sort_by[i], a, b);
        if (r)
            return r;
    }
    return cmp_u(a->id, b->id); /* stable */
}

/* ---- through the builder ---- */

static ov_vec text_vec(ov_arena *a, const row *r, uint32_t n, bool words)
{
    ov_slice *to;
    uint64_t *valid;
    OK(ov_arena_lanes(a, (n + 64) * sizeof *to, &to, &err));
    OK(ov_arena_zalloc(a, ov_words(n) * 8 + 8, &valid, &err));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t text = words ? r[i].word : r[i].text;
        to[i] = ov_slice_cstr(texts[text]);
        ov_bits_put(valid, i, text != 0);
    }
    return ov_vec_flat(OV_T(OV_TYPE_STRING), to, valid, n);
}

static ov_vec list_vec(ov_arena *a, const row *r, uint32_t n)
{
    uint32_t *offsets, at = 0;
    uint64_t *valid;
    ov_slice *elems;
    OK(ov_arena_zalloc(a, (n + 1) * 4, &offsets, &err));
    OK(ov_arena_zalloc(a, ov_words(n) * 8 + 8, &valid, &err));
    OK(ov_arena_lanes(a, (3 * n + 64) * sizeof *elems, &elems, &err));
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t e = 0; e < lists[r[i].list][0]; e++)
            elems[at++] = ov_slice_cstr(texts[lists[r[i].list][e + 1]]);
        offsets[i + 1] = at;
        ov_bits_put(valid, i, r[i].list != 0);
    }
    return (ov_vec){.type = {.id = OV_TYPE_STRING, .multi = 1},
                    .enc = OV_ENC_LIST,
                    .rows = n,
                    .divisor = 1,
                    .valid = valid,
                    .offsets = offsets,
                    .child = vec_copy(a, ov_vec_flat(OV_T(OV_TYPE_STRING), elems, NULL, at))};
}

#define NUMBERS(type_id, ctype, field, absent)                                                     \
    do {                                                                                           \
        ctype *to;                                                                                 \
        uint64_t *valid;                                                                           \
        OK(ov_arena_lanes(a, (n + 64) * 8, &to, &err));                                            \
        OK(ov_arena_zalloc(a, ov_words(n) * 8 + 8, &valid, &err));                                 \
        for (uint32_t i = 0; i < n; i++) {                                                         \
            to[i] = r[i].field;                                                                    \
            ov_bits_put(valid, i, !(absent));                                                      \
        }                                                                                          \
        return ov_vec_flat(OV_T(type_id), to, valid, n);                                           \
    } while (0)

static ov_vec vec_of(ov_arena *a, uint32_t c, const row *r, uint32_t n)
{
    switch (c) {
    case TIME:
        NUMBERS(OV_TYPE_LONG, int64_t, time, false);
    case TEXT:
    case WORD:
        return text_vec(a, r, n, c == WORD);
    case NUMBER:
        NUMBERS(OV_TYPE_LONG, int64_t, number, r[i].no_number);
    case REAL:
        NUMBERS(OV_TYPE_DOUBLE, double, real, r[i].no_real);
    case LIST:
        return list_vec(a, r, n);
    case SUM:
        NUMBERS(OV_TYPE_LONG, int64_t, sum, r[i].no_sum);
    case LOW:
        NUMBERS(OV_TYPE_DOUBLE, double, low, r[i].no_low);
    case SOME:
        NUMBERS(OV_TYPE_LONG, int64_t, some, r[i].no_some);
    default:
        NUMBERS(OV_TYPE_DOUBLE, double, high, false);
    }
}

static const ov_build_column columns[COLUMNS] = {
    {.name = {"__time", 6}, .type = {.id = OV_TYPE_LONG}, .role = OV_ROLE_TIME},
    {.name = {"text", 4},
     .type = {.id = OV_TYPE_STRING},
     .role = OV_ROLE_DIMENSION,
     .indexed = true},
    {.name = {"number", 6}, .type = {.id = OV_TYPE_LONG}, .role = OV_ROLE_DIMENSION},
    {.name = {"real", 4}, .type = {.id = OV_TYPE_DOUBLE}, .role = OV_ROLE_DIMENSION},
    {.name = {"list", 4},
     .type = {.id = OV_TYPE_STRING, .multi = 1},
     .role = OV_ROLE_DIMENSION,
     .indexed = true},
    {.name = {"sum", 3}, .type = {.id = OV_TYPE_LONG}, .role = OV_ROLE_METRIC, .fold = OV_FOLD_SUM},
    {.name = {"low", 3},
     .type = {.id = OV_TYPE_DOUBLE},
     .role = OV_ROLE_METRIC,
     .fold = OV_FOLD_MIN},
    {.name = {"high", 4},
     .type = {.id = OV_TYPE_DOUBLE},
     .role = OV_ROLE_METRIC,
     .fold = OV_FOLD_MAX},
    {.name = {"some", 4}, .type = {.id = OV_TYPE_LONG}, .role = OV_ROLE_METRIC, .fold = OV_FOLD_ANY},
    {.name = {"word", 4}, .type = {.id = OV_TYPE_STRING}, .role = OV_ROLE_METRIC, .fold = OV_FOLD_ANY},
};

static void build(const row *rows, uint32_t n, const uint32_t *sort, uint32_t sort_n, bool rollup,
                  const char *path)
{
    ov_build_schema schema = {.datasource = OV_SLICE_LIT("test"),
                              .end_ms = INT64_C(1) << 50,
                              .version = OV_SLICE_LIT("v"),
                              .columns = columns,
                              .column_count = COLUMNS,
                              .sort = sort,
                              .sort_count = sort_n,
                              .rollup = rollup};
    ov_segment_builder *b;
    ov_arena a;
    ov_budget budget;
    ov_budget_init(&budget, "test", SIZE_MAX, NULL);
    ov_arena_init(&a, "test", NULL);
    OK(ov_segment_builder_create(&schema, &budget, &b, &err));
    for (uint32_t at = 0; at < n;) {
        uint32_t some = 1 + below(OV_BATCH_ROWS);
        some = OV_MIN(some, n - at);
        ov_vec col[COLUMNS];
        for (uint32_t c = 0; c < COLUMNS; c++)
            col[c] = vec_of(&a, c, rows + at, some);
        ov_batch batch = {.rows = some, .cols = COLUMNS, .col = col, .sel_rows = some};
        OK(ov_segment_builder_add(b, &batch, &err));
        ov_arena_reset(&a);
        at += some;
    }
    OK(ov_segment_builder_seal(b, path, NULL, NULL, &err));
    ov_segment_builder_destroy(b);
    assert_int_equal(budget.used, 0);
    ov_arena_fini(&a);
}

static void check_rows(const row *want, uint32_t n, const char *path)
{
    ov_segment *seg;
    ov_arena a;
    OK(ov_segment_verify(path, &err));
    OK(ov_segment_open(path, &seg, &err));
    ov_arena_init(&a, "test", NULL);
    assert_int_equal(ov_segment_get_info(seg)->rows, n);
    for (uint32_t c = 0; c < COLUMNS; c++) {
        const ov_column *col = ov_segment_column(seg, c);
        for (uint32_t b = 0; b < ov_column_get_info(col)->blocks; b++) {
            ov_vec v;
            OK(ov_column_read(col, b, &a, &v, &err));
            ov_vec expect = vec_of(&a, c, want + b * OV_BATCH_ROWS, v.rows);
            for (uint32_t i = 0; i < v.rows; i++) {
                char *text = strdup(value_text(expect.type, &expect, i));
                if (strcmp(value_text(expect.type, &v, i), text) != 0)
                    fail_msg("column %u, row %u is %s, not %s", c, b * OV_BATCH_ROWS + i,
                             value_text(expect.type, &v, i), text);
                free(text);
            }
            ov_arena_reset(&a);
        }
    }
    ov_segment_release(seg);
    ov_arena_fini(&a);
}

static const uint32_t orders[][5] = {{TIME, TEXT, NUMBER, REAL, LIST},
                                     {LIST, REAL, NUMBER, TEXT, TIME},
                                     {NUMBER, TIME, REAL, TEXT, LIST},
                                     {TEXT, TIME, LIST, NUMBER, REAL}};

static void sorts(void **state)
{
    (void)state;
    const char *path = temp_path("sort");
    for (uint32_t round = 0; round < 24; round++) {
        rng_state = 100 + round;
        uint32_t n = round < 12 ? below(300) : 9000 + below(9000), keys = round % 6;
        row *rows = malloc((n + 1) * sizeof *rows);
        for (uint32_t i = 0; i < n; i++)
            rows[i] = random_row(i, round % 2);
        build(rows, n, orders[round % 4], keys, false, path);
        sort_by = orders[round % 4];
        sort_count = keys;
        if (keys > 0)
            qsort(rows, n, sizeof *rows, cmp_rows);
        check_rows(rows, n, path);
        build(rows, n, orders[round % 4], keys, false, path); /* now they arrive in order */
        check_rows(rows, n, path);
        free(rows);
    }
    unlink(path);
}

/* Math.min and Math.max of Java. */
static double java_max(double a, double b)
{
    if (isnan(a) || isnan(b))
        return NAN;
    if (a == b)
        return signbit(a) ? b : a;
    return a > b ? a : b;
}

static void fold_into(row *to, const row *r)
{
    if (!r->no_sum)
        to->sum = to->no_sum ? r->sum : (int64_t)((uint64_t)to->sum + (uint64_t)r->sum);
    to->no_sum &= r->no_sum;
    if (!r->no_low)
        to->low = to->no_low ? r->low : OV_MIN(to->low, r->low);
    to->no_low &= r->no_low;
    to->high = java_max(to->high, r->high);
    to->some = to->no_some ? r->some : to->some; /* the first one stays */
    to->no_some &= r->no_some;
    to->word = to->word ? to->word : r->word;
}

static void rollups(void **state)
{
    (void)state;
    const char *path = temp_path("rollup");
    for (uint32_t round = 0; round < 24; round++) {
        rng_state = 900 + round;
        uint32_t n = round < 12 ? below(200) : 9000 + below(9000), groups = 0, keys = round % 6;
        row *rows = malloc((n + 1) * sizeof *rows);
        for (uint32_t i = 0; i < n; i++)
            rows[i] = random_row(i, true);
        build(rows, n, orders[round % 4], keys, true, path);
        /* Declared columns first, then the dimensions that are left in column order. */
        uint32_t by[5];
        bool used[COLUMNS] = {false};
        for (sort_count = 0; sort_count < keys; sort_count++) {
            by[sort_count] = orders[round % 4][sort_count];
            used[by[sort_count]] = true;
        }
        for (uint32_t c = TIME; c <= LIST; c++)
            if (!used[c])
                by[sort_count++] = c;
        sort_by = by;
        qsort(rows, n, sizeof *rows, cmp_rows);
        for (uint32_t i = 0; i < n; i++) {
            row r = rows[i];
            bool same = groups > 0;
            for (uint32_t c = TIME; c <= LIST; c++)
                same = same && cmp_column(c, &rows[groups - 1], &r) == 0;
            if (same)
                fold_into(&rows[groups - 1], &r);
            else
                rows[groups++] = r;
        }
        check_rows(rows, groups, path);
        free(rows);
    }
    unlink(path);
}

static void time_ranges(void **state)
{
    (void)state;
    const char *path = temp_path("times");
    uint32_t n = 3 * OV_BATCH_ROWS + 11, sort = TIME;
    row *rows = malloc(n * sizeof *rows);
    rng_state = 5;
    for (uint32_t i = 0; i < n; i++) {
        rows[i] = random_row(i, false);
        rows[i].time = 1000 + (int64_t)(i / 2000) * 10 + (i % 2000 > 1500);
    }
    build(rows, n, &sort, 1, false, path);
    ov_segment *seg;
    OK(ov_segment_open(path, &seg, &err));
    for (int64_t start = 990; start < 1140; start++)
        for (int64_t end = start - 1; end < 1140; end += 1 + (int64_t)below(9)) {
            uint32_t first, last, want_first = 0, want_last = 0;
            bool sorted;
            OK(ov_segment_time_range(seg, start, end, &first, &last, &sorted, &err));
            assert_true(sorted);
            for (uint32_t i = 0; i < n; i++) {
                want_first += rows[i].time < start;
                want_last += rows[i].time < end;
            }
            if (want_last <= want_first)
                assert_int_equal(first, last);
            else {
                assert_int_equal(first, want_first);
                assert_int_equal(last, want_last);
            }
            if (start % 16)
                break;
        }
    ov_segment_release(seg);
    free(rows);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorts),
        cmocka_unit_test(rollups),
        cmocka_unit_test(time_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
