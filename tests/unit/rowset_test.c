/*
 * Row sets against a plain array of bits, and the portable form both ways: ours read by the
 * library, the library's read by us, every damaged image refused or the same set.
 */
#include <stdlib.h>
#include "base/bits.h"
#include "harness.h"
#include "storage/rowset.h"
#include "storage/rowset_portable.h"

enum { ROWS = 300000 };

static ov_error err;
#define OK(expr) check_ok(expr, &err)

static uint64_t state = 3;

static uint32_t below(uint32_t n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % n;
}

/* Rows of one density in each stretch: runs, dense noise, sparse noise, nothing. */
static uint32_t random_rows(uint32_t *rows, uint32_t limit)
{
    uint32_t n = 0, kind = below(4);
    for (uint32_t row = 0; row < limit; row++) {
        if (row % 40000 == 0)
            kind = below(5);
        bool on = kind == 0   ? row % 1000 < 700
                  : kind == 1 ? below(2)
                  : kind == 2 ? below(300) == 0
                              : kind == 3;
        if (on)
            rows[n++] = row;
    }
    return n;
}

static ov_rowset *set_of(const uint32_t *rows, uint32_t n)
{
    ov_rowset *s;
    OK(ov_rowset_create(&s, &err));
    OK(ov_rowset_add_list(s, rows, n, &err));
    return s;
}

static void check_set(const ov_rowset *s, const uint64_t *want)
{
    static uint32_t got[ROWS + 1], rows[ROWS];
    uint32_t n = (uint32_t)ov_bits_indices(want, ROWS, rows);
    assert_int_equal(ov_rowset_count(s), n);
    assert_int_equal(ov_rowset_list(s, 0, got, ROWS + 1), n);
    assert_memory_equal(got, rows, n * sizeof *rows);
    for (uint32_t i = 0; n > 0 && i < 200; i++) {
        uint32_t rank = below(n), row;
        assert_true(ov_rowset_select(s, rank, &row));
        assert_int_equal(row, rows[rank]);
    }
    uint32_t row;
    assert_false(ov_rowset_select(s, n, &row));
}

static void to_bits(uint64_t *bits, const uint32_t *rows, uint32_t n)
{
    ov_bits_fill(bits, ROWS, false);
    for (uint32_t i = 0; i < n; i++)
        ov_bits_set(bits, rows[i]);
}

static void operations(void **unused)
{
    (void)unused;
    static uint32_t a[ROWS], b[ROWS];
    static uint64_t x[ROWS / 64 + 1], y[ROWS / 64 + 1];
    for (uint32_t round = 0; round < 12; round++) {
        uint32_t an = random_rows(a, ROWS), bn = random_rows(b, ROWS), first = below(ROWS),
                 end = below(ROWS);
        ov_rowset *s = set_of(a, an), *t = set_of(b, bn);
        to_bits(x, a, an);
        to_bits(y, b, bn);
        check_set(s, x);
        switch (round % 4) {
        case 0:
            ov_rowset_and(s, t);
            ov_bits_and(x, y, ROWS);
            break;
        case 1:
            ov_rowset_andnot(s, t);
            ov_bits_andnot(x, y, ROWS);
            break;
        case 2:
            ov_rowset_clip(s, first, end);
            ov_bits_clear_range(x, 0, OV_MIN(first, ROWS));
            if (first < end)
                ov_bits_clear_range(x, end, ROWS);
            else
                ov_bits_fill(x, ROWS, false);
            break;
        default:
            OK(ov_rowset_add_range(s, first, end, &err));
            ov_bits_set_range(x, first, end);
            break;
        }
        check_set(s, x);
        ov_rowset_destroy(s);
        ov_rowset_destroy(t);
    }
    ov_rowset_destroy(NULL);
}

/* Our writer's image: what the library would write after optimising runs, read back as the same
 * set. */
static void portable(void **unused)
{
    (void)unused;
    static uint32_t rows[ROWS];
    static uint64_t bits[ROWS / 64 + 1];
    for (uint32_t round = 0; round < 20; round++) {
        uint32_t n = random_rows(rows, round < 4 ? 1 + below(70000) : ROWS);
        if (n == 0)
            rows[n++] = below(ROWS);
        size_t bytes = ovi_portable_size(rows, n);
        char *image = malloc(bytes);
        uint64_t count;
        ovi_portable_write(rows, n, image);
        OK(ovi_portable_check(image, bytes, rows[n - 1] + 1, &count, &err));
        assert_int_equal(count, n);
        check_fails(ovi_portable_check(image, bytes, rows[n - 1], &count, &err), &err, OV_CORRUPT,
                    "holds row");
        ov_rowset *s;
        OK(ov_rowset_create(&s, &err));
        OK(ov_rowset_add_portable(s, image, bytes, ROWS, &err));
        to_bits(bits, rows, n);
        check_set(s, bits);
        /* the library's own image (without run containers) passes our check too */
        size_t theirs = ov_rowset_portable_bytes(s);
        char *other = malloc(theirs);
        ov_rowset_write_portable(s, other);
        OK(ovi_portable_check(other, theirs, ROWS, &count, &err));
        assert_int_equal(count, n);
        ov_rowset_destroy(s);
        free(image);
        free(other);
    }
}

/* Every bit flipped and every length: refused, or a set whose rows stay below the limit. */
static void damaged_images(void **unused)
{
    (void)unused;
    uint32_t rows[6000], n = 0;
    for (uint32_t i = 0; i < 50; i++)
        rows[n++] = i * 7;
    for (uint32_t i = 0; i < 300; i++)
        rows[n++] = 70000 + i;
    for (uint32_t i = 0; i < 5000; i++)
        rows[n++] = 140000 + i * 2;
    size_t bytes = ovi_portable_size(rows, n);
    char *image = malloc(bytes), *exact;
    uint64_t count;
    ovi_portable_write(rows, n, image);
    for (size_t cut = 0; cut < bytes; cut += cut < 200 ? 1 : 97) {
        exact = malloc(cut ? cut : 1);
        memcpy(exact, image, cut);
        check_fails(ovi_portable_check(exact, cut, ROWS, &count, &err), &err, OV_CORRUPT,
                    "row set");
        free(exact);
    }
    for (size_t bit = 0; bit < bytes * 8; bit += bit < 1500 ? 1 : 13) {
        image[bit / 8] = (char)(image[bit / 8] ^ 1 << bit % 8);
        ov_rowset *s;
        OK(ov_rowset_create(&s, &err));
        if (ov_rowset_add_portable(s, image, bytes, ROWS, &err) == OV_OK) {
            uint32_t row;
            assert_true(ov_rowset_select(s, (uint32_t)ov_rowset_count(s) - 1, &row));
            assert_true(row < ROWS);
        }
        ov_rowset_destroy(s);
        image[bit / 8] = (char)(image[bit / 8] ^ 1 << bit % 8);
    }
    free(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations),
        cmocka_unit_test(portable),
        cmocka_unit_test(damaged_images),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
