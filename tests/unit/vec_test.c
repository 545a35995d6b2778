/*
 * Vectors: every encoding of the same values must read, flatten and gather alike. The reference is
 * an array of values in the test; each case is built in all encodings that can hold it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "storage/vec.h"

enum { MAX_ROWS = 200 };

static ov_error err;
#define OK(expr)                                                                                   \
    do {                                                                                           \
        if ((expr) != OV_OK)                                                                       \
            fail_msg("%s", err.text);                                                              \
    } while (0)

/* Reference rows: NULL or a number, printed for string columns. */
typedef struct rows {
    uint32_t n;
    bool null[MAX_ROWS];
    int64_t v[MAX_ROWS];
} rows;

static const ov_slice words_of_number[] = {
    {"", 0},   {"a", 1},   {"aa", 2},       {"b", 1},
    {"zz", 2}, {"zzz", 3}, {"\xc3\xa4", 2}, {"\xf0\x9f\x9a\xb2", 4}};

static ov_slice str_of(int64_t v)
{
    return words_of_number[v & 7];
}

static void check_same(const rows *r, const uint32_t *idx, const ov_vec *v)
{
    for (uint32_t i = 0; i < v->rows; i++) {
        uint32_t at = idx ? idx[i] : i;
        assert_int_equal(ov_vec_is_null(v, i), r->null[at]);
        if (r->null[at])
            continue;
        if (v->type.id == OV_TYPE_LONG)
            assert_true(ov_vec_i64(v, i) == r->v[at]);
        else if (v->type.id == OV_TYPE_STRING)
            assert_true(ov_slice_eq(ov_vec_str(v, i), str_of(r->v[at])));
        else
            assert_true(ov_vec_f64(v, i) == (double)r->v[at] / 4);
    }
}

/* One encoding of r: reads, flatten and gather all agree with r. */
static void check_vec(const rows *r, const ov_vec *v, ov_arena *a)
{
    ov_vec flat, picked, again;
    uint32_t idx[MAX_ROWS * 2], n = 0;
    assert_int_equal(v->rows, r->n);
    check_same(r, NULL, v);
    OK(ov_vec_flatten(v, a, &flat, &err));
    assert_int_equal(flat.enc, OV_ENC_FLAT);
    assert_true(flat.raw);
    assert_int_equal(flat.rows, r->n);
    check_same(r, NULL, &flat);
    for (uint32_t i = 0; i < r->n; i += 3)
        idx[n++] = i;
    for (uint32_t i = r->n; i-- > 0;) /* descending and repeated rows are legal */
        idx[n++] = i;
    OK(ov_vec_gather(v, idx, n, a, &picked, &err));
    assert_int_equal(picked.rows, n);
    check_same(r, idx, &picked);
    OK(ov_vec_flatten(&picked, a, &again, &err));
    check_same(r, idx, &again);
    OK(ov_vec_gather(v, idx, 0, a, &picked, &err));
    assert_int_equal(picked.rows, 0);
}

static const uint64_t *valid_of(const rows *r, ov_arena *a)
{
    uint64_t *words;
    OK(ov_arena_zalloc(a, MAX_ROWS / 8 + 64, &words, &err));
    for (uint32_t i = 0; i < r->n; i++)
        words[i / 64] |= (uint64_t)!r->null[i] << (i % 64);
    return words;
}

/* Lanes of `lane` bytes with value minus base; NULL rows hold junk. */
static void *lanes_of(const rows *r, uint8_t lane, int64_t base, ov_arena *a)
{
    char *p;
    OK(ov_arena_lanes(a, MAX_ROWS * 8 + 64, &p, &err));
    for (uint32_t i = 0; i < r->n; i++) {
        uint64_t x = r->null[i] ? 0xa5a5a5a5a5a5a5a5u : (uint64_t)r->v[i] - (uint64_t)base;
        memcpy(p + (size_t)i * lane, &x, lane); /* little-endian */
    }
    return p;
}

static ov_vec raw_of(const rows *r, ov_type t, ov_arena *a)
{
    char *p;
    OK(ov_arena_lanes(a, MAX_ROWS * 16, &p, &err));
    for (uint32_t i = 0; i < r->n; i++) {
        if (t.id == OV_TYPE_LONG)
            ((int64_t *)(void *)p)[i] = r->v[i];
        else if (t.id == OV_TYPE_STRING)
            ((ov_slice *)(void *)p)[i] = str_of(r->v[i]);
        else
            ((double *)(void *)p)[i] = (double)r->v[i] / 4;
    }
    return ov_vec_flat(t, p, valid_of(r, a), r->n);
}

static void check_flat_lanes(const rows *r, ov_arena *a)
{
    static const int64_t bases[] = {0, -3, INT64_MIN, INT64_MAX};
    for (uint8_t lane = 1; lane <= 8; lane = (uint8_t)(lane * 2)) {
        for (size_t b = 0; b < OV_COUNT_OF(bases); b++) {
            int64_t base = lane == 8 ? bases[b] : b == 1 ? -3 : 0;
            ov_vec v = {.type = OV_T(OV_TYPE_LONG),
                        .enc = OV_ENC_FLAT,
                        .lane = lane,
                        .rows = r->n,
                        .base = base,
                        .divisor = 1,
                        .valid = valid_of(r, a),
                        .data = lanes_of(r, lane, base, a)};
            check_vec(r, &v, a);
            v.type = OV_T(OV_TYPE_DOUBLE);
            v.divisor = 4;
            check_vec(r, &v, a);
        }
    }
    float *f;
    OK(ov_arena_lanes(a, MAX_ROWS * 4, &f, &err));
    for (uint32_t i = 0; i < r->n; i++)
        f[i] = (float)r->v[i] / 4;
    ov_vec v = {.type = OV_T(OV_TYPE_FLOAT),
                .enc = OV_ENC_FLAT,
                .lane = 4,
                .raw = true,
                .rows = r->n,
                .divisor = 1,
                .data = f,
                .valid = valid_of(r, a)};
    check_vec(r, &v, a);
}

/* Codes 0 = NULL, 1 + (v & 7): the domain of the eight words, in place or in a vector. */
static ov_domain *domain_of(ov_type t, bool in_place, ov_arena *a)
{
    static const char bytes[] = "aaabzzzzz\xc3\xa4\xf0\x9f\x9a\xb2";
    static const uint32_t offsets[] = {0, 0, 0, 1, 3, 4, 6, 9, 11, 15};
    rows all = {.n = 9};
    ov_domain *d;
    ov_vec *values;
    all.null[0] = true;
    for (uint32_t i = 1; i < 9; i++)
        all.v[i] = i - 1;
    OK(ov_arena_zalloc(a, sizeof *d, &d, &err));
    OK(ov_arena_alloc(a, sizeof *values, &values, &err));
    *d = (ov_domain){.id = ov_domain_next_id(),
                     .count = 9,
                     .type = t,
                     .sorted = true,
                     .unique = true,
                     .has_null = true};
    if (in_place) {
        d->offsets = offsets;
        d->bytes = bytes;
    } else {
        *values = raw_of(&all, t, a);
        d->values = values;
    }
    return d;
}

static ov_vec dict_of(const rows *r, const ov_domain *d, uint8_t lane, int64_t base, ov_arena *a)
{
    rows codes = {.n = r->n};
    for (uint32_t i = 0; i < r->n; i++)
        codes.v[i] = r->null[i] ? 0 : 1 + r->v[i];
    return (ov_vec){.type = d->type,
                    .enc = OV_ENC_DICT,
                    .lane = lane,
                    .rows = r->n,
                    .base = base,
                    .divisor = 1,
                    .dict = d,
                    .data = lanes_of(&codes, lane, base, a)};
}

static void check_dicts(const rows *r, ov_arena *a)
{
    static const uint8_t types[] = {OV_TYPE_STRING, OV_TYPE_LONG, OV_TYPE_DOUBLE};
    for (size_t t = 0; t < OV_COUNT_OF(types); t++) {
        for (int in_place = 0; in_place <= (types[t] == OV_TYPE_STRING); in_place++) {
            const ov_domain *d = domain_of(OV_T(types[t]), in_place, a);
            for (uint8_t lane = 1; lane <= 4; lane = (uint8_t)(lane * 2)) {
                const uint32_t *codes;
                ov_vec v = dict_of(r, d, lane, 0, a);
                check_vec(r, &v, a);
                OK(ov_vec_codes32(&v, a, &codes, &err));
                for (uint32_t i = 0; i < r->n; i++)
                    assert_int_equal(codes[i], r->null[i] ? 0 : 1 + r->v[i]);
            }
        }
    }
}

/* r as runs over a dictionary or plain values. */
static void check_runs(const rows *r, ov_arena *a)
{
    rows heads = {0};
    uint16_t *ends;
    OK(ov_arena_alloc(a, sizeof *ends * MAX_ROWS, &ends, &err));
    for (uint32_t i = 0; i < r->n; i++) {
        bool same = i > 0 && r->null[i] == r->null[i - 1] && (r->null[i] || r->v[i] == r->v[i - 1]);
        if (!same) {
            heads.null[heads.n] = r->null[i];
            heads.v[heads.n++] = r->v[i];
        }
        ends[heads.n - 1] = (uint16_t)(i + 1);
    }
    ov_vec child = raw_of(&heads, OV_T(OV_TYPE_LONG), a);
    ov_vec v = {.type = OV_T(OV_TYPE_LONG),
                .enc = OV_ENC_RUN,
                .rows = r->n,
                .divisor = 1,
                .run_end = ends,
                .runs = heads.n,
                .child = &child};
    check_vec(r, &v, a);
    ov_vec coded = dict_of(&heads, domain_of(OV_T(OV_TYPE_STRING), true, a), 1, 0, a);
    v.type = OV_T(OV_TYPE_STRING);
    v.child = &coded;
    check_vec(r, &v, a);
    const uint32_t *codes;
    OK(ov_vec_codes32(&v, a, &codes, &err));
    for (uint32_t i = 0; i < r->n; i++)
        assert_int_equal(codes[i], ov_vec_code(&v, i));
}

static void encodings_agree(void **state)
{
    (void)state;
    ov_arena a;
    ov_arena_init(&a, "test", NULL);
    srand(7);
    for (uint32_t n = 1; n <= 130; n++) {
        rows r = {.n = n};
        for (uint32_t i = 0; i < n; i++) {
            bool repeat = i > 0 && rand() % 3;
            r.null[i] = repeat ? r.null[i - 1] : n % 3 && rand() % 4 == 0;
            r.v[i] = repeat ? r.v[i - 1] : rand() % 8;
        }
        ov_vec raw = raw_of(&r, OV_T(OV_TYPE_LONG), &a);
        check_vec(&r, &raw, &a);
        raw = raw_of(&r, OV_T(OV_TYPE_STRING), &a);
        check_vec(&r, &raw, &a);
        raw = raw_of(&r, OV_T(OV_TYPE_DOUBLE), &a);
        check_vec(&r, &raw, &a);
        check_flat_lanes(&r, &a);
        check_dicts(&r, &a);
        check_runs(&r, &a);
        ov_arena_reset(&a);
    }
    ov_arena_fini(&a);
}

static void constants(void **state)
{
    (void)state;
    static const int64_t extremes[] = {0, INT64_MIN, INT64_MAX};
    ov_arena a;
    ov_arena_init(&a, "test", NULL);
    for (size_t e = 0; e < OV_COUNT_OF(extremes); e++) {
        rows r = {.n = 70};
        for (uint32_t i = 0; i < r.n; i++)
            r.v[i] = extremes[e];
        ov_vec v = ov_vec_const_i64(OV_T(OV_TYPE_LONG), extremes[e], 70);
        check_vec(&r, &v, &a);
    }
    rows none = {.n = 70};
    for (uint32_t i = 0; i < none.n; i++)
        none.null[i] = true;
    static const uint8_t types[] = {OV_TYPE_NULL, OV_TYPE_LONG, OV_TYPE_DOUBLE, OV_TYPE_STRING};
    for (size_t t = 0; t < OV_COUNT_OF(types); t++) {
        ov_vec v = ov_vec_null(OV_T(types[t]), 70);
        check_vec(&none, &v, &a);
    }
    rows text = {.n = 70};
    ov_vec v = ov_vec_const_str(OV_T(OV_TYPE_STRING), str_of(0), 70);
    check_vec(&text, &v, &a);
    ov_arena_fini(&a);
}

/* Lists of numbers: list k holds k % 4 elements k, k + 1, ...; every fifth is NULL. */
static void check_lists(const ov_vec *v, const uint32_t *idx)
{
    for (uint32_t i = 0; i < v->rows; i++) {
        uint32_t k = idx ? idx[i] : i, first, end;
        assert_int_equal(ov_vec_is_null(v, i), k % 5 == 4);
        const ov_vec *child = ov_vec_list(v, i, &first, &end);
        assert_int_equal(end - first, k % 5 == 4 ? 0 : k % 4);
        for (uint32_t e = first; e < end; e++)
            assert_int_equal(ov_vec_i64(child, e), k + (e - first));
    }
}

static void lists(void **state)
{
    (void)state;
    ov_arena a;
    ov_arena_init(&a, "test", NULL);
    int64_t elems[MAX_ROWS];
    uint32_t offsets[42], codes[80];
    uint64_t valid[1] = {0};
    offsets[0] = 0;
    for (uint32_t k = 0; k < 40; k++) {
        offsets[k + 1] = offsets[k] + (k % 5 == 4 ? 0 : k % 4);
        valid[0] |= (uint64_t)(k % 5 != 4) << k;
        for (uint32_t e = offsets[k]; e < offsets[k + 1]; e++)
            elems[e] = k + (e - offsets[k]);
    }
    ov_type array = {.id = OV_TYPE_ARRAY, .elem = OV_TYPE_LONG};
    ov_vec child = ov_vec_flat(OV_T(OV_TYPE_LONG), elems, NULL, offsets[40]);
    ov_vec v = {.type = array,
                .enc = OV_ENC_LIST,
                .rows = 40,
                .divisor = 1,
                .valid = valid,
                .offsets = offsets,
                .child = &child};
    ov_vec flat, picked;
    check_lists(&v, NULL);
    for (uint32_t i = 0; i < 80; i++)
        codes[i] = (i * 7) % 40;
    OK(ov_vec_gather(&v, codes, 80, &a, &picked, &err));
    check_lists(&picked, codes);
    ov_domain d = {.id = ov_domain_next_id(), .count = 40, .type = array, .values = &v};
    ov_vec dict = {.type = array,
                   .enc = OV_ENC_DICT,
                   .lane = 4,
                   .rows = 80,
                   .divisor = 1,
                   .dict = &d,
                   .data = codes};
    check_lists(&dict, codes);
    OK(ov_vec_flatten(&dict, &a, &flat, &err));
    assert_int_equal(flat.enc, OV_ENC_LIST);
    check_lists(&flat, codes);
    ov_vec none = ov_vec_null(array, 9);
    OK(ov_vec_flatten(&none, &a, &flat, &err));
    for (uint32_t i = 0; i < 9; i++)
        assert_true(ov_vec_is_null(&flat, i));
    int64_t two[] = {5, 6};
    ov_vec pair = ov_vec_flat(OV_T(OV_TYPE_LONG), two, NULL, 2);
    ov_vec repeated = {
        .type = array, .enc = OV_ENC_CONST, .rows = 9, .divisor = 1, .c.list = &pair};
    OK(ov_vec_flatten(&repeated, &a, &flat, &err));
    for (uint32_t i = 0; i < 9; i++) {
        uint32_t first, end;
        const ov_vec *e = ov_vec_list(&flat, i, &first, &end);
        assert_int_equal(end - first, 2);
        assert_int_equal(ov_vec_i64(e, first), 5);
        assert_int_equal(ov_vec_i64(e, first + 1), 6);
    }
    ov_arena_fini(&a);
}

static void lower_bound(void **state)
{
    (void)state;
    ov_arena a;
    ov_arena_init(&a, "test", NULL);
    for (int in_place = 0; in_place < 2; in_place++) {
        const ov_domain *d = domain_of(OV_T(OV_TYPE_STRING), in_place, &a);
        bool exact;
        for (uint32_t i = 0; i < 8; i++) {
            assert_int_equal(ov_domain_lower_bound(d, words_of_number[i], &exact), i + 1);
            assert_true(exact);
        }
        assert_int_equal(ov_domain_lower_bound(d, OV_SLICE_LIT("ab"), &exact), 4);
        assert_false(exact);
        assert_int_equal(ov_domain_lower_bound(d, OV_SLICE_LIT("zzzz"), &exact), 7);
        assert_false(exact);
        assert_int_equal(ov_domain_lower_bound(d, OV_SLICE_LIT("\xff"), &exact), 9);
        ov_vec values;
        OK(ov_domain_values(d, &a, &values, &err));
        assert_int_equal(values.rows, 9);
        assert_true(ov_vec_is_null(&values, 0));
        for (uint32_t i = 1; i < 9; i++)
            assert_true(ov_slice_eq(ov_vec_str(&values, i), words_of_number[i - 1]));
    }
    ov_arena_fini(&a);
}

/* What is touched by reading every row, in each encoding. */
static void bytes(void **state)
{
    (void)state;
    static const int64_t wide[100];
    static const uint8_t narrow[100];
    static const uint16_t ends[2] = {40, 100};
    static const uint32_t offsets[3] = {0, 10, 30};
    static const uint64_t valid[2];
    ov_type type = {.id = OV_TYPE_LONG};
    assert_int_equal(ov_vec_bytes(&(ov_vec){.type = type, .enc = OV_ENC_CONST, .rows = 100}), 0);
    ov_vec flat = ov_vec_flat(type, wide, NULL, 100);
    assert_int_equal(ov_vec_bytes(&flat), 800);
    flat = ov_vec_flat(type, wide, valid, 100);
    assert_int_equal(ov_vec_bytes(&flat), 816);
    ov_vec lanes = {.type = type, .enc = OV_ENC_FLAT, .lane = 1, .rows = 100, .data = narrow};
    assert_int_equal(ov_vec_bytes(&lanes), 100);
    ov_vec pair = {.type = type, .enc = OV_ENC_FLAT, .lane = 1, .rows = 2, .data = narrow};
    ov_vec runs = {.type = type, .enc = OV_ENC_RUN, .rows = 100, .runs = 2, .run_end = ends, .child = &pair};
    assert_int_equal(ov_vec_bytes(&runs), 6);
    ov_vec lists = {.type = type, .enc = OV_ENC_LIST, .rows = 2, .offsets = offsets, .child = &lanes};
    assert_int_equal(ov_vec_bytes(&lists), 12 + 30);
}

static void type_names(void **state)
{
    (void)state;
    static const ov_type types[] = {{.id = OV_TYPE_LONG},
                                    {.id = OV_TYPE_DOUBLE},
                                    {.id = OV_TYPE_FLOAT},
                                    {.id = OV_TYPE_STRING},
                                    {.id = OV_TYPE_ARRAY, .elem = OV_TYPE_LONG},
                                    {.id = OV_TYPE_ARRAY, .elem = OV_TYPE_STRING},
                                    {.id = OV_TYPE_COMPLEX, .complex = OV_COMPLEX_JSON},
                                    {.id = OV_TYPE_NULL}};
    static const char *const names[] = {"LONG",        "DOUBLE",        "FLOAT",         "STRING",
                                        "ARRAY<LONG>", "ARRAY<STRING>", "COMPLEX<json>", "NULL"};
    static const char *const wrong[] = {"",          "LONGS",         "ARRAY",
                                        "ARRAY<>",   "ARRAY<NULL>",   "ARRAY<LONG",
                                        "COMPLEX<>", "COMPLEX<what>", "ARRAY<ARRAY<LONG>>"};
    char buf[48];
    for (size_t i = 0; i < OV_COUNT_OF(types); i++) {
        ov_type back;
        assert_string_equal(ov_type_name(types[i], buf), names[i]);
        assert_true(ov_type_parse(ov_slice_cstr(names[i]), &back));
        assert_true(ov_type_eq(back, types[i]));
    }
    ov_type back;
    assert_true(ov_type_parse(OV_SLICE_LIT("array<string>"), &back));
    assert_int_equal(back.elem, OV_TYPE_STRING);
    for (size_t i = 0; i < OV_COUNT_OF(wrong); i++)
        assert_false(ov_type_parse(ov_slice_cstr(wrong[i]), &back));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodings_agree), cmocka_unit_test(constants),  cmocka_unit_test(lists),
        cmocka_unit_test(lower_bound),     cmocka_unit_test(bytes),
        cmocka_unit_test(type_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
