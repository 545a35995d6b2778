/*
 * What goes into the builder comes out of the file: every type, spread of values, pattern of NULLs
 * and number of rows around block edges, read by every call of the reader.
 */
#include "segment_lib.h"

static ov_build_column column(const char *name, ov_type t, ov_column_role role)
{
    bool indexed = t.id == OV_TYPE_STRING || t.id == OV_TYPE_ARRAY;
    return (ov_build_column){
        .name = ov_slice_cstr(name), .type = t, .role = (uint8_t)role, .indexed = indexed};
}

static ov_build_schema schema_of(const table *t)
{
    return (ov_build_schema){.datasource = OV_SLICE_LIT("test"),
                             .start_ms = 0,
                             .end_ms = INT64_C(1) << 50,
                             .version = OV_SLICE_LIT("2024-01-01T00:00:00.000Z"),
                             .partition = 3,
                             .columns = t->columns,
                             .column_count = t->column_count,
                             .extra_json = OV_SLICE_LIT("{\"rollup\":false}")};
}

/* ---- checks of one column against the table ---- */

static void check_vec(const table *t, uint32_t c, const ov_vec *v, uint32_t first,
                      const uint32_t *rows)
{
    for (uint32_t i = 0; i < v->rows; i++) {
        uint32_t row = rows ? rows[i] : first + i;
        const char *got = value_text(t->columns[c].type, v, i);
        if (strcmp(got, t->text[c][row]) != 0)
            fail_msg("column %u, row %u is %s, not %s", c, row, got, t->text[c][row]);
    }
}

static bool is_null(const table *t, uint32_t c, uint32_t row)
{
    return strcmp(t->text[c][row], "~") == 0;
}

static void check_stats(const table *t, uint32_t c, const ov_block_stats *s, const ov_vec *v,
                        uint32_t first)
{
    ov_type type = t->columns[c].type;
    uint32_t nulls = 0, values = 0, nans = 0;
    int64_t min = INT64_MAX, max = INT64_MIN;
    double fmin = INFINITY, fmax = -INFINITY;
    __int128 sum = 0;
    for (uint32_t i = 0; i < s->rows; i++) {
        if (is_null(t, c, first + i)) {
            nulls++;
            continue;
        }
        if (ov_type_is_real(type)) {
            double x = ov_vec_f64(v, i);
            nans += isnan(x);
            values += !isnan(x);
            fmin = isnan(x) ? fmin : fmin < x ? fmin : x;
            fmax = isnan(x) ? fmax : fmax > x ? fmax : x;
            continue;
        }
        int64_t x = ov_type_is_int(type) ? ov_vec_i64(v, i) : ov_vec_code(v, i);
        values++;
        min = OV_MIN(min, x);
        max = OV_MAX(max, x);
        sum += x;
    }
    assert_int_equal(s->nulls, nulls);
    assert_int_equal(s->has_bounds, values > 0);
    if (values > 0 && ov_type_is_real(type)) {
        assert_true(s->fmin == fmin && s->fmax == fmax);
    } else if (values > 0) {
        assert_true(s->min == min && s->max == max);
    }
    assert_int_equal(s->has_nan, nans > 0);
    if (ov_type_is_int(type) && values > 0) {
        assert_int_equal(s->has_sum, sum == (int64_t)sum);
        assert_true(!s->has_sum || s->sum == (int64_t)sum);
    }
}

static void check_blocks(const table *t, uint32_t c, const ov_column *col)
{
    ov_arena a;
    ov_arena_init(&a, "test", NULL);
    const ov_column_info *info = ov_column_get_info(col);
    uint64_t nulls = 0;
    for (uint32_t b = 0; b < info->blocks; b++) {
        ov_vec v, flat;
        ov_block_stats s;
        uint32_t first = b * OV_BATCH_ROWS;
        OK(ov_column_read(col, b, &a, &v, &err));
        check_vec(t, c, &v, first, NULL);
        OK(ov_vec_flatten(&v, &a, &flat, &err));
        check_vec(t, c, &flat, first, NULL);
        OK(ov_column_block_stats(col, b, &s, &err));
        assert_int_equal(s.rows, v.rows);
        check_stats(t, c, &s, &v, first);
        nulls += s.nulls;
        ov_arena_reset(&a);
    }
    assert_int_equal(nulls, info->nulls);
    ov_arena_fini(&a);
}

static void check_gather(const table *t, uint32_t c, const ov_column *col)
{
    ov_arena a;
    static uint32_t rows[OV_BATCH_ROWS];
    ov_arena_init(&a, "test", NULL);
    for (uint32_t round = 0; round < 4; round++) {
        uint32_t step = 1 + below(round % 2 ? 3 : t->rows + 1), n = 0;
        for (uint32_t row = below(step); row < t->rows && n < OV_BATCH_ROWS; row += 1 + below(step))
            rows[n++] = row;
        ov_vec v;
        OK(ov_column_gather(col, rows, n, &a, &v, &err));
        assert_int_equal(v.rows, n);
        check_vec(t, c, &v, 0, rows);
        ov_arena_reset(&a);
    }
    ov_arena_fini(&a);
}

/* The rows of a code by both calls, against a scan with `has`. */
static void check_rows(const ov_column *col, uint32_t code, const uint32_t *want, uint32_t n)
{
    ov_rowset *set;
    uint32_t *got = malloc((n + 1) * sizeof *got), count;
    OK(ov_rowset_create(&set, &err));
    OK(ov_column_rows_of(col, code, set, &err));
    assert_int_equal(ov_rowset_count(set), n);
    assert_int_equal(ov_rowset_list(set, 0, got, n + 1), n);
    assert_memory_equal(got, want, n * sizeof *got);
    for (uint32_t skip = 0; skip < n; skip += n / 3 + 1) {
        OK(ov_column_row_list(col, code, skip, 5, got, &count, &err));
        assert_int_equal(count, n);
        assert_memory_equal(got, want + skip, OV_MIN(5u, n - skip) * sizeof *got);
    }
    uint32_t edges[] = {0, 1, n ? want[0] : 5, n ? want[n / 2] : 6, n ? want[n - 1] : 7, n ? want[n - 1] + 1 : 8, UINT32_MAX};
    for (size_t a = 0; a < OV_COUNT_OF(edges); a++)
        for (size_t b = 0; b < OV_COUNT_OF(edges); b++) {
            uint64_t in = 0, count_in;
            for (uint32_t i = 0; i < n; i++)
                in += want[i] >= edges[a] && want[i] < edges[b];
            OK(ov_column_count_of(col, code, edges[a], edges[b], &count_in, &err));
            assert_int_equal(count_in, in);
        }
    ov_rowset_destroy(set);
    free(got);
}

static void check_domain_order(const ov_domain *d)
{
    for (uint32_t i = 1; i < d->count; i++) {
        if (ov_domain_is_null(d, i - 1))
            continue;
        if (d->offsets)
            assert_true(ov_slice_cmp(ov_domain_str(d, i - 1), ov_domain_str(d, i)) < 0);
        else if (ov_type_is_int(d->type))
            assert_true(ov_domain_i64(d, i - 1) < ov_domain_i64(d, i));
        else if (ov_type_is_real(d->type) && !isnan(ov_domain_f64(d, i)))
            assert_true(ov_domain_f64(d, i - 1) <= ov_domain_f64(d, i));
    }
}

static void check_dictionary(const table *t, const ov_column *col)
{
    const ov_column_info *info = ov_column_get_info(col);
    const ov_domain *d, *e;
    uint32_t *codes = malloc((t->rows + 1) * 4), *rows = malloc((t->rows + 1) * 4);
    ov_arena a;
    ov_arena_init(&a, "test", NULL);
    OK(ov_column_domain(col, &d, &err));
    check_domain_order(d);
    for (uint32_t b = 0; b < info->blocks; b++) {
        ov_vec v;
        const uint32_t *block;
        OK(ov_column_read(col, b, &a, &v, &err));
        OK(ov_vec_codes32(&v, &a, &block, &err));
        memcpy(codes + b * OV_BATCH_ROWS, block, v.rows * 4);
        ov_arena_reset(&a);
    }
    for (uint32_t code = 0; code < d->count; code += 1 + d->count / 40) {
        uint32_t n = 0;
        for (uint32_t i = 0; i < t->rows; i++)
            if (codes[i] == code)
                rows[n++] = i;
        assert_int_equal(d->row_counts[code], n);
        if (info->indexed && !ov_type_is_list(info->type))
            check_rows(col, code, rows, n);
    }
    if (ov_type_is_list(info->type)) {
        OK(ov_column_elements(col, &e, &err));
        check_domain_order(e);
        for (uint32_t code = 0; code < e->count; code += 1 + e->count / 40) {
            uint32_t n = 0;
            for (uint32_t i = 0; i < t->rows; i++) {
                uint32_t first, end;
                bool has = false;
                const ov_vec *elems = ov_vec_list(d->values, codes[i], &first, &end);
                for (uint32_t k = first; k < end; k++)
                    has |= ov_vec_code(elems, k) == code;
                if (has)
                    rows[n++] = i;
            }
            assert_int_equal(e->row_counts[code], n);
            check_rows(col, code, rows, n);
        }
    }
    free(codes);
    free(rows);
    ov_arena_fini(&a);
}

static void check_file(const table *t, const char *path)
{
    ov_segment *seg;
    OK(ov_segment_open(path, &seg, &err));
    assert_int_equal(ov_segment_get_info(seg)->rows, t->rows);
    check_slice(ov_segment_get_info(seg)->datasource, "test");
    check_slice(ov_segment_extra_json(seg), "{\"rollup\":false}");
    assert_int_equal(ov_segment_columns(seg), t->column_count);
    for (uint32_t c = 0; c < t->column_count; c++) {
        const ov_column *col = ov_segment_find(seg, t->columns[c].name);
        assert_ptr_equal(col, ov_segment_column(seg, c));
        assert_int_equal(ov_column_get_info(col)->blocks,
                         (t->rows + OV_BATCH_ROWS - 1) / OV_BATCH_ROWS);
        if (c % 2)
            check_gather(t, c, col); /* first touch by either */
        check_blocks(t, c, col);
        if (t->rows)
            check_gather(t, c, col);
        if (ov_column_get_info(col)->dict)
            check_dictionary(t, col);
    }
    OK(ov_segment_verify(path, &err));
    ov_segment_release(seg);
}

/* ---- round trips ---- */

static const ov_type all_types[] = {
    {.id = OV_TYPE_LONG},
    {.id = OV_TYPE_DOUBLE},
    {.id = OV_TYPE_FLOAT},
    {.id = OV_TYPE_STRING},
    {.id = OV_TYPE_STRING, .multi = 1},
    {.id = OV_TYPE_ARRAY, .elem = OV_TYPE_STRING},
    {.id = OV_TYPE_ARRAY, .elem = OV_TYPE_LONG},
    {.id = OV_TYPE_ARRAY, .elem = OV_TYPE_DOUBLE},
    {.id = OV_TYPE_COMPLEX, .complex = OV_COMPLEX_JSON},
    {.id = OV_TYPE_NULL},
};

static void add_batches(table *t, ov_segment_builder *b, spread s, null_pattern n, uint64_t seed,
                        uint32_t rows)
{
    ov_arena a;
    ov_arena_init(&a, "test", NULL);
    for (uint32_t at = 0; at < rows;) {
        uint32_t some = 1 + below(below(2) ? 300 : OV_BATCH_ROWS);
        some = OV_MIN(some, rows - at);
        ov_vec cols[MAX_COLUMNS];
        int64_t *times;
        OK(ov_arena_lanes(&a, (some + 64) * 8, &times, &err));
        for (uint32_t i = 0; i < some; i++)
            times[i] = (at + i) / 7 * 1000;
        cols[0] = ov_vec_flat(OV_T(OV_TYPE_LONG), times, NULL, some);
        for (uint32_t c = 1; c < t->column_count; c++)
            cols[c] = random_vec(&a, t->columns[c].type, s, n, seed, some);
        ov_batch batch = {.rows = some, .cols = t->column_count, .col = cols, .sel_rows = some};
        uint64_t sel[OV_BATCH_WORDS];
        if (below(3) == 0) { /* add twice as much and select a part */
            for (size_t w = 0; w < ov_words(some); w++)
                sel[w] = rnd();
            ov_bits_trim(sel, some);
            batch.sel = sel;
            batch.sel_rows = (uint32_t)ov_bits_count(sel, some);
        }
        OK(ov_segment_builder_add(b, &batch, &err));
        table_add(t, &batch);
        at += some;
        ov_arena_reset(&a);
    }
    ov_arena_fini(&a);
}

static void round_trip(spread s, null_pattern n, uint64_t seed, uint32_t rows)
{
    table t = {.column_count = 1 + OV_COUNT_OF(all_types)};
    static const char *const names[] = {"l", "d", "f", "s", "m", "as", "al", "ad", "j", "none"};
    t.columns[0] = column("__time", OV_T(OV_TYPE_LONG), OV_ROLE_TIME);
    for (uint32_t c = 0; c < OV_COUNT_OF(all_types); c++)
        t.columns[c + 1] = column(names[c], all_types[c], OV_ROLE_DIMENSION);
    ov_build_schema schema = schema_of(&t);
    ov_segment_builder *b;
    ov_segment_info info;
    ov_arena a;
    ov_budget budget;
    const char *path = temp_path("round");
    ov_arena_init(&a, "test", NULL);
    ov_budget_init(&budget, "test", SIZE_MAX, NULL);
    OK(ov_segment_builder_create(&schema, &budget, &b, &err));
    add_batches(&t, b, s, n, seed, rows);
    assert_int_equal(ov_segment_builder_rows(b), t.rows);
    OK(ov_segment_builder_seal(b, path, &a, &info, &err));
    ov_segment_builder_destroy(b);
    assert_int_equal(budget.used, 0);
    assert_int_equal(info.rows, t.rows);
    check_file(&t, path);
    unlink(path);
    table_free(&t);
    ov_arena_fini(&a);
}

static void round_trips(void **state)
{
    (void)state;
    static const uint32_t rows[] = {0, 1, 2, 63, 64, 65, 300};
    for (uint64_t seed = 1; seed <= 3; seed++)
        for (int s = 0; s < SPREAD_COUNT; s++)
            for (int n = 0; n < NULLS_COUNT; n++) {
                rng_state = seed * 1000003 + (uint64_t)s * 100 + (uint64_t)n;
                round_trip((spread)s, (null_pattern)n, seed,
                           rows[(seed + s * NULLS_COUNT + n) % OV_COUNT_OF(rows)]);
            }
}

static void block_edges(void **state)
{
    (void)state;
    static const uint32_t rows[] = {OV_BATCH_ROWS - 1, OV_BATCH_ROWS, OV_BATCH_ROWS + 1,
                                    2 * OV_BATCH_ROWS, 30000};
    for (int s = 0; s < SPREAD_COUNT; s++) {
        rng_state = 77 + (uint64_t)s;
        round_trip((spread)s, (null_pattern)(s % NULLS_COUNT), (uint64_t)s,
                   rows[s % OV_COUNT_OF(rows)]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trips),
        cmocka_unit_test(block_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
