#include "tests/unit/harness.h"

#include "base/bits.h"
#include "base/bytes.h"
#include "base/cursor.h"
#include "base/hash.h"

enum { MAX_ROWS = 200 };
static uint64_t seed = 42;

static bool coin(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return seed >> 63;
}

static void check_same(const uint64_t *w, const bool *want, size_t rows)
{
    size_t count = 0;
    for (size_t i = 0; i < rows; i++) {
        assert_int_equal(ov_bits_test(w, i), want[i]);
        count += want[i];
    }
    assert_int_equal(ov_bits_count(w, rows), count);
    assert_int_equal(ov_bits_any(w, rows), count > 0);
    assert_int_equal(ov_bits_all(w, rows), count == rows);
    if (rows % 64)
        assert_int_equal(w[rows / 64] >> (rows % 64), 0);
}

/* Every length and every range, against bytes. */
static void test_masks(void **state)
{
    (void)state;
    for (size_t rows = 0; rows <= MAX_ROWS; rows++) {
        uint64_t w[4] = {0}, v[4] = {0}, x[4];
        bool a[MAX_ROWS] = {0}, b[MAX_ROWS] = {0}, c[MAX_ROWS];
        for (size_t i = 0; i < rows; i++) {
            a[i] = coin();
            b[i] = coin();
            ov_bits_put(w, i, a[i]);
            if (b[i])
                ov_bits_set(v, i);
            else
                ov_bits_clear(v, i);
        }
        check_same(w, a, rows);
        static void (*const combine[3])(uint64_t *, const uint64_t *,
                                        size_t) = {ov_bits_and, ov_bits_or, ov_bits_andnot};
        for (int k = 0; k < 3; k++) {
            ov_bits_copy(x, w, rows);
            combine[k](x, v, rows);
            for (size_t i = 0; i < rows; i++)
                c[i] = k == 0 ? a[i] && b[i] : k == 1 ? a[i] || b[i] : a[i] && !b[i];
            check_same(x, c, rows);
        }
        ov_bits_copy(x, w, rows);
        ov_bits_not(x, rows);
        for (size_t i = 0; i < rows; i++)
            c[i] = !a[i];
        check_same(x, c, rows);
        ov_bits_fill(x, rows, true);
        memset(c, 1, sizeof c);
        check_same(x, c, rows);
        uint32_t list[MAX_ROWS];
        size_t n = ov_bits_indices(w, rows, list), at = 0;
        for (size_t r = ov_bits_next(w, rows, 0); r < rows; r = ov_bits_next(w, rows, r + 1))
            assert_int_equal(list[at++], r);
        assert_int_equal(at, n);
        memset(c, 0, sizeof c);
        for (size_t end = 0, start; (start = ov_bits_next(w, rows, end)) < rows;) {
            end = ov_bits_next_clear(w, rows, start);
            assert_true(start < end && end <= rows && (start == 0 || !a[start - 1]) && (end == rows || !a[end]));
            memset(c + start, 1, end - start);
        }
        check_same(w, c, rows);
    }
}

static void test_ranges(void **state)
{
    (void)state;
    for (size_t from = 0; from <= MAX_ROWS; from++)
        for (size_t to = 0; to <= MAX_ROWS; to++) {
            uint64_t on[4] = {0}, off[4];
            bool a[MAX_ROWS], b[MAX_ROWS];
            ov_bits_fill(off, MAX_ROWS, true);
            ov_bits_set_range(on, from, to);
            ov_bits_clear_range(off, from, to);
            for (size_t i = 0; i < MAX_ROWS; i++) {
                a[i] = i >= from && i < to;
                b[i] = !a[i];
            }
            check_same(on, a, MAX_ROWS);
            check_same(off, b, MAX_ROWS);
        }
}

static void test_cursor(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    static const char bytes[] = "\x01\x02\x03\x04\x05\x06\x07\x08\x80\x01\x03"
                                "abc";
    ov_cursor c = ov_cursor_make(ov_slice_make(bytes, 14), "sample");
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    ov_slice s;
    check_ok(ov_cursor_u8(&c, &u8, &err), &err);
    check_ok(ov_cursor_u16(&c, &u16, &err), &err);
    check_ok(ov_cursor_be_u32(&c, &u32, &err), &err);
    assert_true(u8 == 1 && u16 == 0x0302 && u32 == 0x04050607);
    check_fails(ov_cursor_u64(&c, &u64, &err), &err, OV_CORRUPT,
                "sample: 8 bytes are needed at offset 7, but only 7");
    check_ok(ov_cursor_skip(&c, 1, &err), &err);
    check_ok(ov_cursor_varint(&c, &u64, &err), &err);
    assert_int_equal(u64, 128);
    check_ok(ov_cursor_text(&c, &s, &err), &err);
    check_slice(s, "abc");
    assert_int_equal(ov_cursor_left(&c), 0);
    check_fails(ov_cursor_seek(&c, 15, &err), &err, OV_CORRUPT, "past the end at 14");
    check_ok(ov_cursor_seek(&c, 0, &err), &err);
    check_ok(ov_cursor_u64(&c, &u64, &err), &err);
    assert_true(u64 == 0x0807060504030201);
    static const char *const bad[] = {"\x80", "\x80\x00",
                                      "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
                                      "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"};
    static const size_t sizes[] = {1, 2, 10, 11};
    for (size_t i = 0; i < 4; i++) {
        c = ov_cursor_make(ov_slice_make(bad[i], sizes[i]), "varint");
        assert_int_equal(ov_cursor_varint(&c, &u64, &err), OV_CORRUPT);
        assert_int_equal(ov_cursor_offset(&c), 0);
    }
    c = ov_cursor_make(OV_SLICE_LIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "varint");
    check_ok(ov_cursor_varint(&c, &u64, &err), &err);
    assert_true(u64 == UINT64_MAX);
    c = ov_cursor_make(OV_SLICE_LIT("\x05"
                                    "abc"),
                       "text");
    check_fails(ov_cursor_text(&c, &s, &err), &err, OV_CORRUPT, "a text of 5 bytes");
    assert_int_equal(ov_cursor_offset(&c), 0);
}

static void test_hash(void **state)
{
    (void)state;
    assert_true(ov_checksum("", 0) ==
                0x2D06800538D394C2ull); /* XXH3-64 of nothing: never changes */
    ov_checksum_stream *s = ov_checksum_begin();
    ov_checksum_add(s, "hello ", 6);
    ov_checksum_add(s, "world", 5);
    assert_true(ov_checksum_end(s) == ov_checksum("hello world", 11));
    assert_true(ov_hash_u64(1) != ov_hash_u64(2));
    ov_hash_force_zero(true);
    assert_true(ov_hash_u64(1) == 0 && ov_hash_bytes("x", 1) == 0 && ov_checksum("x", 1) != 0);
    ov_hash_force_zero(false);
    ov_hash_init();
    assert_true(ov_hash_bytes("x", 1) != 0);
    assert_true(ov_load_be_u32("\x01\x02\x03\x04") == 0x01020304);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_masks),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_cursor),
        cmocka_unit_test(test_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
