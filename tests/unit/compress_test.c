#include "tests/unit/harness.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include "base/compress.h"
#include "base/fault.h"

static ov_error err;

/* Text that compresses, but not to nothing. */
static void make_text(ov_buf *b, size_t lines)
{
    uint64_t seed = 7;
    for (size_t i = 0; i < lines; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        ov_buf_addf(b, "{\"id\":%zu,\"value\":%llu}\n", i, (unsigned long long)(seed >> 40));
    }
}

static void gzip(ov_slice s, ov_buf *out)
{
    check_ok(ov_gzip_all(s, 6, out, &err), &err);
}

static void zstd(ov_slice s, int window_log, ov_buf *out)
{
    ZSTD_CCtx *c = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, window_log);
    ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
    ZSTD_CCtx_setParameter(c, ZSTD_c_contentSizeFlag, 0);
    assert_true(ov_buf_reserve(out, ZSTD_compressBound(s.n)));
    ZSTD_inBuffer in = {s.p, s.n, 0};
    ZSTD_outBuffer o = {out->p + out->n, out->cap - out->n, 0};
    /* in two steps: with everything at hand zstd would choose a smaller window */
    assert_false(ZSTD_isError(ZSTD_compressStream2(c, &o, &in, ZSTD_e_continue)));
    while (ZSTD_compressStream2(c, &o, &in, ZSTD_e_end) != 0) {
    }
    out->n += o.pos;
    ZSTD_freeCCtx(c);
}

static ov_status read_all(ov_slice bytes, ov_buf *out, size_t step)
{
    ov_reader *r = NULL, *top = NULL;
    check_ok(ov_reader_open_mem(bytes, &r, &err), &err);
    ov_status st = ov_reader_open_auto(r, "sample", &top, &err);
    while (st == OV_OK) {
        size_t got;
        char part[1000];
        st = ov_reader_read(top, part, step, &got, &err);
        if (st != OV_OK || got == 0)
            break;
        ov_buf_add(out, part, got);
    }
    if (st == OV_OK) {
        assert_int_equal(top->offset, out->n);
        assert_int_equal(top->raw_offset, bytes.n);
    }
    ov_reader_close(top);
    return st;
}

static void check_reads(ov_slice packed, ov_slice want)
{
    static const size_t steps[] = {1, 7, 1000};
    for (size_t i = 0; i < OV_COUNT_OF(steps); i++) {
        ov_buf b;
        ov_buf_init(&b);
        check_ok(read_all(packed, &b, steps[i]), &err);
        assert_true(ov_slice_eq(ov_buf_slice(&b), want));
        ov_buf_fini(&b);
    }
}

static void test_formats(void **state)
{
    (void)state;
    ov_buf text, packed;
    ov_buf_init(&text);
    ov_buf_init(&packed);
    make_text(&text, 20000);
    ov_slice all = ov_buf_slice(&text);
    ov_slice half = {all.p, all.n / 2}, rest = {all.p + all.n / 2, all.n - all.n / 2};
    check_reads(all, all);
    gzip(half, &packed);
    gzip(OV_SLICE_LIT(""), &packed);
    gzip(rest, &packed);
    ov_buf_add(&packed, "\0\0\0", 3);
    check_reads(ov_buf_slice(&packed), all);
    ov_buf_clear(&packed);
    zstd(half, 20, &packed);
    zstd(rest, 27, &packed);
    check_reads(ov_buf_slice(&packed), all);
    ov_buf_clear(&packed);
    ov_buf_add(&packed, "\x50\x2a\x4d\x18\x03\0\0\0abc", 11); /* a skippable frame */
    zstd(all, 27, &packed);
    check_reads(ov_buf_slice(&packed), all);
    ov_buf_clear(&packed);
    gzip(OV_SLICE_LIT(""), &packed);
    check_reads(ov_buf_slice(&packed), OV_SLICE_LIT(""));
    check_reads(OV_SLICE_LIT(""), OV_SLICE_LIT(""));
    check_reads(OV_SLICE_LIT("a"), OV_SLICE_LIT("a"));
    check_reads(OV_SLICE_LIT("abcdef"), OV_SLICE_LIT("abcdef"));
    ov_buf_fini(&text);
    ov_buf_fini(&packed);
}

static void test_a_window_too_large(void **state)
{
    (void)state;
    ov_buf packed, out;
    ov_buf_init(&packed);
    ov_buf_init(&out);
    zstd(OV_SLICE_LIT("x"), 28, &packed);
    check_fails(read_all(ov_buf_slice(&packed), &out, 100), &err, OV_CORRUPT,
                "sample: zstd data is damaged");
    ov_buf_fini(&packed);
    ov_buf_fini(&out);
}

/* Every cut is an error with an offset; every changed byte is an error or gives what gave the
 * original. */
static void damage(void (*pack)(ov_slice, ov_buf *))
{
    ov_buf text, packed, out;
    ov_buf_init(&text);
    ov_buf_init(&packed);
    ov_buf_init(&out);
    make_text(&text, 30);
    pack(ov_buf_slice(&text), &packed);
    for (size_t n = 4; n < packed.n; n++) {
        char *cut = malloc(n);
        memcpy(cut, packed.p, n);
        ov_buf_clear(&out);
        check_fails(read_all(ov_slice_make(cut, n), &out, 1000), &err, OV_CORRUPT,
                    "ends too early");
        free(cut);
    }
    for (size_t i = 4; i < packed.n; i++)
        for (int bit = 0; bit < 8; bit++) {
            packed.p[i] ^= (char)(1 << bit);
            ov_buf_clear(&out);
            if (read_all(ov_buf_slice(&packed), &out, 1000) == OV_OK)
                assert_true(ov_slice_eq(ov_buf_slice(&out), ov_buf_slice(&text)));
            else
                assert_non_null(strstr(err.text, "sample: "));
            packed.p[i] ^= (char)(1 << bit);
        }
    ov_buf_add_str(&packed, "garbage");
    ov_buf_clear(&out);
    check_fails(read_all(ov_buf_slice(&packed), &out, 1000), &err, OV_CORRUPT, "sample: ");
    ov_buf_fini(&text);
    ov_buf_fini(&packed);
    ov_buf_fini(&out);
}

static void zstd_usual(ov_slice s, ov_buf *out)
{
    zstd(s, 20, out);
}

static void test_damage(void **state)
{
    (void)state;
    damage(gzip);
    damage(zstd_usual);
}

static void test_no_file(void **state)
{
    (void)state;
    ov_reader *r;
    check_fails(ov_reader_open_path("/no/such/file", &r, &err), &err, OV_NOT_FOUND,
                "/no/such/file");
}

/* What was added can be read before more is there; the whole is one member. */
static void test_gzip_in_pieces(void **state)
{
    (void)state;
    ov_buf text, packed, back;
    ov_gzip *g;
    ov_buf_init(&text);
    ov_buf_init(&packed);
    ov_buf_init(&back);
    make_text(&text, 100000);
    check_ok(ov_gzip_open(1, &g, &err), &err);
    z_stream z = {0};
    assert_int_equal(inflateInit2(&z, 31), Z_OK);
    assert_true(ov_buf_reserve(&back, text.n + 1));
    int rc = Z_OK;
    static const size_t cuts[] = {0, 1, 1, 70000, 70001, 2000000, SIZE_MAX};
    for (size_t i = 0, from = 0; i < OV_COUNT_OF(cuts); i++) {
        size_t to = OV_MIN(cuts[i], text.n), was = packed.n;
        check_ok(ov_gzip_add(g, ov_slice_make(text.p + from, to - from), to == text.n, &packed, &err), &err);
        z.next_in = (Bytef *)packed.p + was;
        z.avail_in = (uInt)(packed.n - was);
        z.next_out = (Bytef *)back.p + from;
        z.avail_out = (uInt)(text.n + 1 - from);
        rc = inflate(&z, Z_SYNC_FLUSH);
        from = to;
        assert_int_equal(z.total_out, from);
    }
    assert_int_equal(rc, Z_STREAM_END);
    assert_memory_equal(back.p, text.p, text.n);
    inflateEnd(&z);
    ov_gzip_close(g);
    ov_gzip_close(NULL);
    ov_buf_fini(&text);
    ov_buf_fini(&packed);
    ov_buf_fini(&back);
}

static void test_fault_points(void **state)
{
    (void)state;
#ifndef NDEBUG
    check_ok(ov_fault_pass(OV_FAULT_TEST_ONLY, &err), &err);
    ov_fault_arm(OV_FAULT_TEST_ONLY, 2, OV_BUSY);
    check_ok(ov_fault_pass(OV_FAULT_TEST_ONLY, &err), &err);
    check_fails(ov_fault_pass(OV_FAULT_TEST_ONLY, &err), &err, OV_BUSY,
                "injected failure: nowhere");
    check_ok(ov_fault_pass(OV_FAULT_TEST_ONLY, &err), &err);
    ov_fault_arm(OV_FAULT_TEST_ONLY, 1, OV_IO);
    ov_fault_disarm_all();
    check_ok(ov_fault_pass(OV_FAULT_TEST_ONLY, &err), &err);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),      cmocka_unit_test(test_a_window_too_large),
        cmocka_unit_test(test_damage),       cmocka_unit_test(test_no_file),
        cmocka_unit_test(test_fault_points), cmocka_unit_test(test_gzip_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
