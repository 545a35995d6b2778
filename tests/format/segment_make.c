/*
 * Writes segment files and, beside each, the rows that went in as JSON lines (NAME.ovs,
 * NAME.ndjson):
 *
 *     segment_make golden DIR            the fixed set kept under tests/golden/segments
 *     segment_make random DIR SEED N     N files of random columns
 *     segment_make dump FILE             rows as the reader sees them
 *     segment_make verify FILE           "OV_OK", or the status and the sentence
 *
 * Text is printed from the input, never from the file, so a reader that agrees with it agrees with
 * the builder's caller.
 */
#include "tests/unit/segment_lib.h"

/* ---- rows as JSON ---- */

static void print_text(FILE *out, ov_slice s)
{
    fputc('"', out);
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 32 || c == '"' || c == '\\' || c == 127)
            fprintf(out, "\\u%04x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

static void print_real(FILE *out, double v)
{
    char text[64];
    if (!isfinite(v)) {
        fputs(isnan(v) ? "\"NaN\"" : v > 0 ? "\"Infinity\"" : "\"-Infinity\"", out);
        return;
    }
    snprintf(text, sizeof text, "%.17g", v);
    fprintf(out, "%s%s", text, strpbrk(text, ".e") ? "" : ".0");
}

static void print_scalar(FILE *out, ov_type t, const ov_vec *v, uint32_t row)
{
    if (ov_vec_is_null(v, row)) {
        fputs("null", out);
    } else if (ov_type_is_int(t)) {
        fprintf(out, "%lld", (long long)ov_vec_i64(v, row));
    } else if (ov_type_is_real(t)) {
        double x = ov_vec_f64(v, row);
        print_real(out, t.id == OV_TYPE_FLOAT ? (double)(float)x : x);
    } else if (t.id == OV_TYPE_COMPLEX) {
        ov_slice s = ov_vec_str(v, row);
        fputs("\"hex:", out);
        for (size_t i = 0; i < s.n; i++)
            fprintf(out, "%02x", (unsigned char)s.p[i]);
        fputc('"', out);
    } else {
        print_text(out, ov_vec_str(v, row));
    }
}

static void print_value(FILE *out, ov_type t, const ov_vec *v, uint32_t row)
{
    uint32_t first, end;
    if (!ov_type_is_list(t) || ov_vec_is_null(v, row)) {
        print_scalar(out, t, v, row);
        return;
    }
    const ov_vec *elems = ov_vec_list(v, row, &first, &end);
    fputc('[', out);
    for (uint32_t i = first; i < end; i++) {
        print_scalar(out, elem_type(t), elems, i);
        if (i + 1 < end)
            fputs(", ", out);
    }
    fputc(']', out);
}

static void print_batch(FILE *out, const ov_slice *names, const ov_vec *cols, uint32_t count,
                        uint32_t rows)
{
    for (uint32_t row = 0; row < rows; row++) {
        for (uint32_t c = 0; c < count; c++) {
            fputs(c ? ", " : "{", out);
            print_text(out, names[c]);
            fputs(": ", out);
            print_value(out, cols[c].type, &cols[c], row);
        }
        fputs("}\n", out);
    }
}

/* ---- one file ---- */

typedef struct file {
    ov_segment_builder *builder;
    ov_build_schema schema;
    FILE *rows;
    char path[512];
} file;

static void file_open(file *f, const char *dir, const char *name, const ov_build_column *columns,
                      uint32_t count)
{
    static const uint32_t by_time = 0;
    char rows[520];
    f->schema = (ov_build_schema){.datasource = OV_SLICE_LIT("golden"),
                                  .start_ms = INT64_C(1704067200000),
                                  .end_ms = INT64_C(1704153600000),
                                  .version = OV_SLICE_LIT("2024-01-02T00:00:00.000Z"),
                                  .columns = columns,
                                  .column_count = count,
                                  .sort = &by_time,
                                  .sort_count = 1,
                                  .extra_json = OV_SLICE_LIT("{}")};
    snprintf(f->path, sizeof f->path, "%s/%s.ovs", dir, name);
    snprintf(rows, sizeof rows, "%s/%s.ndjson", dir, name);
    f->rows = fopen(rows, "w");
    assert_non_null(f->rows);
    OK(ov_segment_builder_create(&f->schema, NULL, &f->builder, &err));
}

static void file_add(file *f, ov_vec *cols, uint32_t rows)
{
    ov_batch batch = {.rows = rows, .cols = f->schema.column_count, .col = cols, .sel_rows = rows};
    ov_slice names[MAX_COLUMNS];
    for (uint32_t c = 0; c < batch.cols; c++)
        names[c] = f->schema.columns[c].name;
    print_batch(f->rows, names, cols, batch.cols, rows);
    OK(ov_segment_builder_add(f->builder, &batch, &err));
}

static void file_close(file *f)
{
    OK(ov_segment_builder_seal(f->builder, f->path, NULL, NULL, &err));
    ov_segment_builder_destroy(f->builder);
    fclose(f->rows);
    OK(ov_segment_verify(f->path, &err));
}

static ov_build_column column(const char *name, uint8_t type)
{
    return (ov_build_column){.name = ov_slice_cstr(name),
                             .type = OV_T(type),
                             .role = OV_ROLE_DIMENSION,
                             .indexed = type == OV_TYPE_STRING};
}

static ov_build_column time_column(void)
{
    return (ov_build_column){
        .name = OV_SLICE_LIT("__time"), .type = OV_T(OV_TYPE_LONG), .role = OV_ROLE_TIME};
}

/* Times from the start of the chunk, `per_step` rows each second. */
static ov_vec time_vec(ov_arena *a, uint64_t first, uint32_t rows, uint32_t per_step)
{
    int64_t *to;
    OK(ov_arena_lanes(a, (rows + 64) * 8, &to, &err));
    for (uint32_t i = 0; i < rows; i++)
        to[i] = INT64_C(1704067200000) + (int64_t)((first + i) / per_step) * 1000;
    return ov_vec_flat(OV_T(OV_TYPE_LONG), to, NULL, rows);
}

/* ---- the golden set ---- */

static void make_empty(const char *dir)
{
    ov_build_column columns[] = {time_column(), column("s", OV_TYPE_STRING),
                                 column("l", OV_TYPE_LONG)};
    file f;
    file_open(&f, dir, "empty", columns, 3);
    file_close(&f);
}

/* The file of the annotated dump in docs/segment-format.md. */
static void make_tiny(const char *dir)
{
    ov_build_column columns[] = {time_column(), column("city", OV_TYPE_STRING),
                                 column("n", OV_TYPE_LONG)};
    ov_slice city[64] = {OV_SLICE_LIT("Seoul"), OV_SLICE_LIT("Oslo"), {0}, OV_SLICE_LIT("Seoul")};
    int64_t n[64] = {7, -2, 300, 7};
    uint64_t valid[1] = {0xb};
    ov_arena a;
    file f;
    ov_arena_init(&a, "make", NULL);
    ov_vec cols[] = {time_vec(&a, 0, 4, 2), ov_vec_flat(OV_T(OV_TYPE_STRING), city, valid, 4),
                     ov_vec_flat(OV_T(OV_TYPE_LONG), n, NULL, 4)};
    file_open(&f, dir, "tiny", columns, 3);
    file_add(&f, cols, 4);
    file_close(&f);
    ov_arena_fini(&a);
}

/* Sub-columns of every type, odd names, a name that occurs twice in an object, and texts that are no objects. */
static void make_paths(const char *dir)
{
    static const char *const texts[] = {
        "{\"n\": 7, \"d\": 1.5, \"s\": \"a\", \"m\": 1, \"o\": {\"x y\": 1, \"it's\": 2, \"\": 3, \"b\\\\c\": 4}, \"l\": [1, \"b\", null]}",
        "{\"n\": -9223372036854775808, \"d\": -0.0, \"s\": \"\\u00e9\\n\", \"m\": \"1\", \"o\": {\"deep\": {\"er\": true}}}",
        "{\"n\": null, \"s\": \"\", \"m\": [], \"l\": [[1], 2], \"twice\": 1}",
        "{\"n\": 7, \"twice\": {\"a\": 1}, \"twice\": {\"b\": 2}, \"m\": 12345678901234567890}",
        "[1, 2.5]",
        "no JSON",
        "\"text\"",
        "{\"n\": 8, \"d\": 1e300, \"s\": \"a\", \"m\": false}",
    };
    ov_build_column columns[] = {time_column(), column("j", OV_TYPE_COMPLEX)};
    uint64_t valid[2] = {0};
    ov_slice j[128] = {{0}};
    ov_arena a;
    file f;
    columns[1].type.complex = OV_COMPLEX_JSON;
    ov_arena_init(&a, "make", NULL);
    for (uint32_t i = 0; i < 70; i++)
        if (i % 9 < OV_COUNT_OF(texts)) {
            j[i] = ov_slice_cstr(texts[i % 9]);
            ov_bits_set(valid, i);
        }
    ov_vec cols[] = {time_vec(&a, 0, 70, 2), ov_vec_flat(columns[1].type, j, valid, 70)};
    file_open(&f, dir, "paths", columns, 2);
    file_add(&f, cols, 70);
    file_close(&f);
    ov_arena_fini(&a);
}

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
static const char *const type_names[] = {"long",  "double",  "float",   "string", "multi",
                                         "texts", "numbers", "doubles", "json",   "none"};

static uint32_t all_columns(ov_build_column *columns)
{
    columns[0] = time_column();
    for (uint32_t i = 0; i < OV_COUNT_OF(all_types); i++) {
        columns[i + 1] = column(type_names[i], all_types[i].id);
        columns[i + 1].type = all_types[i];
        columns[i + 1].indexed =
            all_types[i].id == OV_TYPE_STRING || all_types[i].id == OV_TYPE_ARRAY;
    }
    return 1 + OV_COUNT_OF(all_types);
}

static void make_types(const char *dir, const char *name, spread s, null_pattern n, uint32_t rows)
{
    ov_build_column columns[MAX_COLUMNS];
    uint32_t count = all_columns(columns);
    file f;
    ov_arena a;
    ov_arena_init(&a, "make", NULL);
    file_open(&f, dir, name, columns, count);
    for (uint32_t at = 0; at < rows;) {
        uint32_t some = OV_MIN(rows - at, (uint32_t)OV_BATCH_ROWS);
        ov_vec cols[MAX_COLUMNS];
        cols[0] = time_vec(&a, at, some, 40);
        for (uint32_t c = 1; c < count; c++)
            cols[c] = random_vec(&a, columns[c].type, s, n, at + 2, some);
        file_add(&f, cols, some);
        ov_arena_reset(&a);
        at += some;
    }
    file_close(&f);
    ov_arena_fini(&a);
}

/* Values whose rows are a range, a stride, a short list, and roaring sets of all three container
 * kinds. */
static ov_slice value_for(uint32_t row)
{
    static uint32_t noise = 9;
    noise = noise * 1664525 + 1013904223;
    if (row % 100 == 7)
        return OV_SLICE_LIT("stride");
    if (row % 100 == 9 && row % 10000 < 9000)
        return OV_SLICE_LIT("pieces");
    if (row >= 79910)
        return OV_SLICE_LIT("range");
    if (row > 60000 && row < 70000)
        return row % 3000 < 2900 ? OV_SLICE_LIT("runs") : OV_SLICE_LIT("dense");
    if (row == 17 || row == 5003 || row == 40961 || row == 52001)
        return OV_SLICE_LIT("rare");
    if (noise >> 30 == 0)
        return OV_SLICE_LIT("dense");
    return noise >> 29 == 3 ? OV_SLICE_LIT("some") : OV_SLICE_LIT("rest");
}

/* Numbers behind dictionaries: few distinct values that no narrow lane holds. */
static void make_numbers(const char *dir)
{
    ov_build_column columns[] = {time_column(), column("d", OV_TYPE_DOUBLE),
                                 column("l", OV_TYPE_LONG)};
    ov_arena a;
    file f;
    ov_arena_init(&a, "make", NULL);
    columns[2].indexed = true;
    double *d;
    int64_t *l;
    uint64_t *valid;
    OK(ov_arena_lanes(&a, 1024 * 8, &d, &err));
    OK(ov_arena_lanes(&a, 1024 * 8, &l, &err));
    OK(ov_arena_lanes(&a, 128, &valid, &err));
    ov_bits_fill(valid, 1000, true);
    for (uint32_t i = 0; i < 1000; i++) {
        d[i] = sin((double)(i * i % 37));
        l[i] = (int64_t)(i % 23 * UINT64_C(0x9E3779B97F4A7C15));
        ov_bits_put(valid, i, i % 19 != 3);
    }
    ov_vec cols[] = {time_vec(&a, 0, 1000, 10), ov_vec_flat(OV_T(OV_TYPE_DOUBLE), d, valid, 1000),
                     ov_vec_flat(OV_T(OV_TYPE_LONG), l, NULL, 1000)};
    file_open(&f, dir, "numbers", columns, 3);
    file_add(&f, cols, 1000);
    file_close(&f);
    ov_arena_fini(&a);
}

static void make_rowsets(const char *dir)
{
    ov_build_column columns[] = {time_column(), column("v", OV_TYPE_STRING)};
    ov_arena a;
    file f;
    ov_arena_init(&a, "make", NULL);
    file_open(&f, dir, "rowsets", columns, 2);
    for (uint32_t at = 0; at < 80000; at += 8000) {
        ov_slice *to;
        OK(ov_arena_lanes(&a, 8064 * sizeof *to, &to, &err));
        for (uint32_t i = 0; i < 8000; i++)
            to[i] = value_for(at + i);
        ov_vec cols[] = {time_vec(&a, at, 8000, 100),
                         ov_vec_flat(OV_T(OV_TYPE_STRING), to, NULL, 8000)};
        file_add(&f, cols, 8000);
        ov_arena_reset(&a);
    }
    file_close(&f);
    ov_arena_fini(&a);
}

static void make_golden(const char *dir)
{
    make_empty(dir);
    make_tiny(dir);
    rng_state = 21;
    make_types(dir, "types", SPREAD_FEW, NULLS_SOME, 70);
    make_types(dir, "odd", SPREAD_ODD, NULLS_NONE, 40);
    make_types(dir, "runs", SPREAD_RUNS, NULLS_RUNS, 8300);
    make_types(dir, "ramps", SPREAD_RAMPS, NULLS_NONE, 8300);
    make_numbers(dir);
    make_types(dir, "nulls", SPREAD_CONST, NULLS_ALL, 65);
    make_rowsets(dir);
    make_paths(dir);
}

static void make_random(const char *dir, uint64_t seed, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        char name[32];
        rng_state = seed * 7919 + i + 1;
        snprintf(name, sizeof name, "random%u", i);
        make_types(dir, name, (spread)(i % SPREAD_COUNT),
                   (null_pattern)(i / SPREAD_COUNT % NULLS_COUNT),
                   i % 11 == 10 ? 8192 + below(3000) : below(400));
    }
}

/* ---- reading back ---- */

static int dump(const char *path)
{
    ov_segment *seg;
    ov_arena a;
    ov_slice names[MAX_COLUMNS];
    OK(ov_segment_open(path, &seg, &err));
    ov_arena_init(&a, "dump", NULL);
    uint32_t count = ov_segment_columns(seg), rows = ov_segment_get_info(seg)->rows;
    for (uint32_t at = 0; at < rows; at += OV_BATCH_ROWS) {
        ov_vec cols[MAX_COLUMNS];
        for (uint32_t c = 0; c < count; c++) {
            names[c] = ov_column_get_info(ov_segment_column(seg, c))->name;
            OK(ov_column_read(ov_segment_column(seg, c), at / OV_BATCH_ROWS, &a, &cols[c], &err));
        }
        print_batch(stdout, names, cols, count, cols[0].rows);
        ov_arena_reset(&a);
    }
    ov_arena_fini(&a);
    ov_segment_release(seg);
    return 0;
}

static int verify(const char *path)
{
    ov_status st = ov_segment_verify(path, &err);
    printf("%s%s%s\n", ov_status_name(st), st == OV_OK ? "" : ": ", st == OV_OK ? "" : err.text);
    return st != OV_OK;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "dump") == 0)
        return dump(argv[2]);
    if (argc == 3 && strcmp(argv[1], "verify") == 0)
        return verify(argv[2]);
    if (argc == 3 && strcmp(argv[1], "golden") == 0) {
        make_golden(argv[2]);
    } else if (argc == 5 && strcmp(argv[1], "random") == 0) {
        make_random(argv[2], strtoull(argv[3], NULL, 10), (uint32_t)strtoul(argv[4], NULL, 10));
    } else {
        fprintf(
            stderr,
            "usage: segment_make golden DIR | random DIR SEED COUNT | dump FILE | verify FILE\n");
        return 2;
    }
    return 0;
}
