/*
 * Shared by the segment tests: values as text (so that any two encodings can be compared), random
 * columns in random encodings, and a table that remembers what it gave to the builder.
 */
#pragma once

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/bits.h"
#include "base/bytes.h"
#include "storage/build/segment_builder.h"
#include "harness.h"

static ov_error err;
#define OK(expr) check_ok(expr, &err)

/* ---- a small generator, so that failures repeat ---- */

static uint64_t rng_state = 1;

static inline uint64_t rnd(void)
{
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 7;
    rng_state ^= rng_state << 17;
    return rng_state * 0x2545F4914F6CDD1Dull;
}

static inline uint32_t below(uint32_t n)
{
    return (uint32_t)((rnd() >> 32) % n);
}

/* ---- values as text ---- */

enum { TEXT_MAX = 256 };

static inline size_t scalar_text(ov_type t, const ov_vec *v, uint32_t row, char *out)
{
    if (ov_vec_is_null(v, row))
        return (size_t)snprintf(out, TEXT_MAX, "~");
    if (ov_type_is_int(t))
        return (size_t)snprintf(out, TEXT_MAX, "%lld", (long long)ov_vec_i64(v, row));
    if (ov_type_is_real(t)) {
        double x = ov_vec_f64(v, row);
        if (t.id == OV_TYPE_FLOAT)
            x = (double)(float)x;
        return (size_t)(isnan(x) ? snprintf(out, TEXT_MAX, "nan")
                                 : snprintf(out, TEXT_MAX, "%a", x));
    }
    ov_slice s = ov_vec_str(v, row);
    size_t n = (size_t)snprintf(out, TEXT_MAX, "'%zu:", s.n), some = s.n < 40 ? s.n : 40;
    if (some)
        memcpy(out + n, s.p, some);
    out[n + some] = 0;
    return n + some;
}

static inline ov_type elem_type(ov_type t)
{
    return OV_T(t.id == OV_TYPE_ARRAY ? t.elem : OV_TYPE_STRING);
}

/* The value of a column of type t at a row of v. */
static inline char *value_text(ov_type t, const ov_vec *v, uint32_t row)
{
    static char out[TEXT_MAX * 12];
    size_t n = 0;
    uint32_t first, end;
    if (!ov_type_is_list(t) || ov_vec_is_null(v, row)) {
        scalar_text(t, v, row, out);
        return out;
    }
    out[n++] = '[';
    if (!ov_type_is_list(v->type)) { /* a multi-value column that was settled as a plain one */
        n += scalar_text(elem_type(t), v, row, out + n);
        memcpy(out + n, ",]", 3);
        return out;
    }
    const ov_vec *elems = ov_vec_list(v, row, &first, &end);
    for (uint32_t i = first; i < end; i++) {
        n += scalar_text(elem_type(t), elems, i, out + n);
        out[n++] = ',';
    }
    out[n++] = ']';
    out[n] = 0;
    return out;
}

/* ---- random columns ---- */

/* How the values of a column are spread. */
typedef enum spread {
    SPREAD_CONST,
    SPREAD_RUNS,
    SPREAD_RAMPS, /* whole numbers step by step, up or down; others as in runs */
    SPREAD_FEW,
    SPREAD_NARROW,
    SPREAD_WIDE,
    SPREAD_ODD, /* extremes, NaN, -0.0, infinities */
    SPREAD_COUNT,
} spread;

typedef enum null_pattern {
    NULLS_NONE,
    NULLS_SOME,
    NULLS_MOST,
    NULLS_RUNS,
    NULLS_ALL,
    NULLS_COUNT,
} null_pattern;

static inline int64_t random_int(spread s, uint64_t seed)
{
    static const int64_t odd[] = {INT64_MIN, INT64_MAX,     0,         -1,
                                  1,         INT64_MIN + 1, 1LL << 53, -(1LL << 31)};
    switch (s) {
    case SPREAD_CONST:
        return (int64_t)seed - 5;
    case SPREAD_RUNS:
    case SPREAD_RAMPS:
    case SPREAD_FEW:
        return (int64_t)(seed * 1000) + below(9) * 77;
    case SPREAD_NARROW:
        return (int64_t)below(seed % 2 ? 200 : 60000) - 100;
    case SPREAD_WIDE:
        return (int64_t)rnd() >> (seed % 3 ? 0 : 30);
    default:
        return odd[below(OV_COUNT_OF(odd))];
    }
}

static inline double random_real(spread s, uint64_t seed)
{
    static const double odd[] = {-0.0, 0.0, INFINITY, -INFINITY, NAN, 1e308, 5e-324, -1.5};
    static const double scale[] = {1, 10, 100, 1e6};
    switch (s) {
    case SPREAD_CONST:
        return (double)seed / 7;
    case SPREAD_RUNS:
    case SPREAD_RAMPS:
        return below(5) / 8.0;
    case SPREAD_FEW:
        return sin((double)below(50)) * 100;
    case SPREAD_NARROW:
        return ((double)below(100000) - 50000) / scale[seed % 4];
    case SPREAD_WIDE:
        return sin((double)below(1u << 31)) * pow(10, (double)below(20));
    default:
        return odd[below(OV_COUNT_OF(odd))];
    }
}

static inline ov_slice random_text(ov_arena *a, spread s, uint64_t seed)
{
    static const char *const odd[] = {"",
                                      "\x00",
                                      "\xc3\xa4\xe2\x82\xac",
                                      "\xf0\x9f\x9a\xb2",
                                      "\x7f",
                                      "null",
                                      "aaaaaaaa",
                                      "aaaaaaaaa",
                                      "aaaaaaaab"};
    static const uint32_t reach[] = {1, 4, 4, 30, 300, 1u << 20, 9};
    ov_slice out;
    uint32_t k = below(reach[s]);
    if (s == SPREAD_ODD)
        return k == 1 ? ov_slice_make("\0", 1) : ov_slice_cstr(odd[k]);
    OK(ov_arena_printf(a, &out, &err, "%s%u%s", k % 3 ? "value-" : "", k,
                       seed % 2 ? "" : "-with a longer tail"));
    return out;
}

/* `rows` values of type t as FLAT raw, or LIST. */
static inline ov_vec random_flat(ov_arena *a, ov_type t, spread s, null_pattern n, uint64_t seed,
                                 uint32_t rows)
{
    char *data;
    uint64_t *valid;
    bool real = ov_type_is_real(t), number = real || ov_type_is_int(t), null = false;
    OK(ov_arena_lanes(a, (rows + 64) * sizeof(ov_slice), &data, &err));
    OK(ov_arena_lanes(a, (ov_words(rows) + 1) * 8, &valid, &err));
    ov_bits_fill(valid, rows, true);
    uint64_t step = 0;
    for (uint32_t i = 0; i < rows; i++) {
        bool again = (s == SPREAD_RUNS || s == SPREAD_RAMPS) && i > 0 && below(50);
        if (s == SPREAD_RAMPS && !again && !real)
            step = (uint64_t)random_int(below(8) ? SPREAD_NARROW : SPREAD_WIDE, seed);
        if (number) {
            int64_t *to = (int64_t *)(void *)data;
            double x = random_real(s, seed);
            to[i] = again  ? (int64_t)((uint64_t)to[i - 1] + step)
                    : real ? (int64_t)ov_f64_bits(t.id == OV_TYPE_FLOAT ? (double)(float)x : x)
                           : random_int(s, seed);
        } else {
            ov_slice *to = (ov_slice *)(void *)data;
            to[i] = again ? to[i - 1] : random_text(a, s, seed);
        }
        if (n == NULLS_RUNS && below(60) == 0)
            null = !null;
        if (n == NULLS_ALL || (n == NULLS_SOME && below(10) == 0) ||
            (n == NULLS_MOST && below(10)) || (n == NULLS_RUNS && null))
            ov_bits_clear(valid, i);
    }
    return ov_vec_flat(t, data, n == NULLS_NONE ? NULL : valid, rows);
}

static inline ov_vec random_lists(ov_arena *a, ov_type t, spread s, null_pattern n, uint64_t seed,
                                  uint32_t rows)
{
    uint32_t *offsets;
    uint64_t *valid;
    ov_vec *child;
    OK(ov_arena_alloc(a, (rows + 1) * 4, &offsets, &err));
    OK(ov_arena_lanes(a, (ov_words(rows) + 1) * 8, &valid, &err));
    OK(ov_arena_alloc(a, sizeof *child, &child, &err));
    ov_bits_fill(valid, rows, true);
    offsets[0] = 0;
    for (uint32_t i = 0; i < rows; i++) {
        bool null = n == NULLS_ALL || (n != NULLS_NONE && below(8) == 0);
        offsets[i + 1] = offsets[i] + (null ? 0 : s == SPREAD_CONST ? 2 : below(4));
        ov_bits_put(valid, i, !null);
    }
    *child = random_flat(a, elem_type(t), s, n == NULLS_ALL ? NULLS_NONE : n, seed, offsets[rows]);
    return (ov_vec){.type = t,
                    .enc = OV_ENC_LIST,
                    .rows = rows,
                    .divisor = 1,
                    .valid = valid,
                    .offsets = offsets,
                    .child = child};
}

static inline ov_vec *vec_copy(ov_arena *a, ov_vec v)
{
    ov_vec *p;
    OK(ov_arena_alloc(a, sizeof *p, &p, &err));
    *p = v;
    return p;
}

/* The same values behind codes: a domain that is neither sorted nor unique, as parsers and
 * operators make them. */
static inline ov_vec as_dict(ov_arena *a, ov_vec v)
{
    ov_domain *d;
    uint32_t *codes;
    OK(ov_arena_alloc(a, sizeof *d, &d, &err));
    OK(ov_arena_lanes(a, (v.rows + 64) * 4, &codes, &err));
    *d = (ov_domain){
        .id = ov_domain_next_id(), .count = v.rows, .type = v.type, .values = vec_copy(a, v)};
    for (uint32_t i = 0; i < v.rows; i++)
        codes[i] = i;
    return (ov_vec){.type = v.type,
                    .enc = OV_ENC_DICT,
                    .lane = 4,
                    .rows = v.rows,
                    .divisor = 1,
                    .data = codes,
                    .dict = d};
}

static inline ov_vec as_runs(ov_arena *a, ov_vec v)
{
    uint16_t *ends;
    uint32_t *heads, runs = 0;
    ov_vec picked;
    char *last = NULL;
    OK(ov_arena_alloc(a, v.rows * 2 + 2, &ends, &err));
    OK(ov_arena_alloc(a, v.rows * 4 + 4, &heads, &err));
    for (uint32_t i = 0; i < v.rows; i++) {
        char *text = value_text(v.type, &v, i);
        if (!last || strcmp(last, text) != 0) {
            heads[runs++] = i;
            free(last);
            last = strdup(text);
        }
        ends[runs - 1] = (uint16_t)(i + 1);
    }
    free(last);
    OK(ov_vec_gather(&v, heads, runs, a, &picked, &err));
    return (ov_vec){.type = v.type,
                    .enc = OV_ENC_RUN,
                    .rows = v.rows,
                    .divisor = 1,
                    .run_end = ends,
                    .runs = runs,
                    .child = vec_copy(a, picked)};
}

static inline ov_vec random_vec(ov_arena *a, ov_type t, spread s, null_pattern n, uint64_t seed,
                                uint32_t rows)
{
    if (t.id == OV_TYPE_NULL)
        return ov_vec_null(t, rows);
    ov_vec v = ov_type_is_list(t) ? random_lists(a, t, s, n, seed, rows)
                                  : random_flat(a, t, s, n, seed, rows);
    uint32_t form = rows ? below(4) : 0;
    if (form == 1)
        return as_dict(a, v);
    if (form == 2)
        return as_runs(a, v);
    if (form == 3 && n == NULLS_NONE && s == SPREAD_CONST && ov_type_is_int(t))
        return ov_vec_const_i64(t, ov_vec_i64(&v, 0), rows);
    return v;
}

/* ---- what was given to the builder ---- */

enum { MAX_COLUMNS = 16 };

typedef struct table {
    ov_build_column columns[MAX_COLUMNS];
    uint32_t column_count, rows, cap;
    char **text[MAX_COLUMNS];
} table;

static inline void table_free(table *t)
{
    for (uint32_t c = 0; c < t->column_count; c++) {
        for (uint32_t i = 0; i < t->rows; i++)
            free(t->text[c][i]);
        free(t->text[c]);
    }
}

/* Remembers the selected rows of a batch. */
static inline void table_add(table *t, const ov_batch *b)
{
    for (uint32_t i = 0; i < b->rows; i++) {
        if (b->sel && !ov_bits_test(b->sel, i))
            continue;
        if (t->rows == t->cap) {
            t->cap = t->cap ? t->cap * 2 : 1024;
            for (uint32_t c = 0; c < t->column_count; c++)
                t->text[c] = realloc(t->text[c], t->cap * sizeof(char *));
        }
        for (uint32_t c = 0; c < t->column_count; c++)
            t->text[c][t->rows] = strdup(value_text(t->columns[c].type, &b->col[c], i));
        t->rows++;
    }
}

static inline char *temp_path(const char *name)
{
    static char path[256];
    const char *dir = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/ovate-%d-%s.ovs", dir ? dir : "/tmp", (int)getpid(), name);
    return path;
}
