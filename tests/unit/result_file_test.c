/* Results on disk: every type comes back as it went in, pages are cut where they should be, and no damage goes unnoticed. */
#include "tests/unit/harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/bits.h"
#include "server/query/result_file.h"

enum { ROWS = 300, COLUMNS = 6, PAGE = 70 };

static const ov_field fields[COLUMNS] = {
    {{"l", 1}, {.id = OV_TYPE_LONG}, OV_SQL_BIGINT, true, OV_SQL_NULL},
    {{"d", 1}, {.id = OV_TYPE_DOUBLE}, OV_SQL_DOUBLE, true, OV_SQL_NULL},
    {{"s", 1}, {.id = OV_TYPE_STRING}, OV_SQL_VARCHAR, true, OV_SQL_NULL},
    {{"a", 1}, {.id = OV_TYPE_ARRAY, .elem = OV_TYPE_STRING}, OV_SQL_ARRAY, true, OV_SQL_NULL},
    {{"n", 1}, {.id = OV_TYPE_ARRAY, .elem = OV_TYPE_LONG}, OV_SQL_ARRAY, true, OV_SQL_NULL},
    {{"x", 1}, {.id = OV_TYPE_NULL}, OV_SQL_NULL, true, OV_SQL_NULL},
};

typedef struct rows {
    int64_t longs[ROWS];
    double doubles[ROWS];
    ov_slice texts[ROWS];
    uint32_t offsets[ROWS + 1];
    uint64_t valid[ROWS / 64 + 2], sel[ROWS / 64 + 2];
    ov_vec items[2], col[COLUMNS];
    ov_batch batch;
} rows;

/* Row i: every seventh is NULL, every third is not selected, lists have i % 4 elements. */
static void make_rows(rows *r)
{
    static const char *const words[] = {"", "a", "two words", "\xC3\xA9"};
    memset(r, 0, sizeof *r);
    for (uint32_t i = 0; i < ROWS; i++) {
        r->longs[i] = (int64_t)i * i - 100;
        r->doubles[i] = i / 7.0;
        r->texts[i] = ov_slice_cstr(words[i % 4]);
        r->offsets[i + 1] = OV_MIN(r->offsets[i] + i % 4, (uint32_t)ROWS);
        ov_bits_put(r->valid, i, i % 7 != 0);
        ov_bits_put(r->sel, i, i % 3 != 0);
    }
    r->items[0] = ov_vec_flat(OV_T(OV_TYPE_STRING), r->texts, r->valid, ROWS);
    r->items[1] = ov_vec_flat(OV_T(OV_TYPE_LONG), r->longs, r->valid, ROWS);
    r->col[0] = ov_vec_flat(fields[0].type, r->longs, r->valid, ROWS);
    r->col[1] = ov_vec_flat(fields[1].type, r->doubles, r->valid, ROWS);
    r->col[2] = ov_vec_flat(fields[2].type, r->texts, r->valid, ROWS);
    for (uint32_t i = 0; i < 2; i++)
        r->col[3 + i] = (ov_vec){.type = fields[3 + i].type, .enc = OV_ENC_LIST, .rows = ROWS, .valid = r->valid,
                                 .offsets = r->offsets, .child = &r->items[i]};
    r->col[5] = ov_vec_null(fields[5].type, ROWS);
    r->batch = (ov_batch){.rows = ROWS, .cols = COLUMNS, .col = r->col, .sel = r->sel,
                          .sel_rows = (uint32_t)ov_bits_count(r->sel, ROWS)};
}

static const char *write_file(const rows *r, uint32_t *pages)
{
    static char path[64];
    ov_error err = OV_ERROR_INIT;
    ov_arena a;
    ov_result_writer *w;
    ov_result_page *list;
    snprintf(path, sizeof path, "/tmp/ovate-result-%d.ovr", (int)getpid());
    ov_arena_init(&a, "test", NULL);
    check_ok(ov_result_writer_open(path, fields, COLUMNS, "UTC", PAGE, UINT64_MAX, &w, &err), &err);
    check_ok(ov_result_writer_add(w, &r->batch, &err), &err);
    check_ok(ov_result_writer_finish(w, &a, &list, pages, &err), &err);
    ov_result_writer_close(w);
    ov_arena_fini(&a);
    return path;
}

/* What is read is compared with the next selected rows of the source. */
typedef struct reader {
    const rows *from;
    uint32_t next, seen;
    bool compare;
} reader;

static void same_list(const ov_vec *a, uint32_t i, const ov_vec *b, uint32_t j, bool text)
{
    uint32_t first, end, first2, end2;
    const ov_vec *x = ov_vec_list(a, i, &first, &end), *y = ov_vec_list(b, j, &first2, &end2);
    assert_int_equal(end - first, end2 - first2);
    for (uint32_t k = 0; k < end - first; k++) {
        bool null = ov_vec_is_null(x, first + k);
        assert_int_equal(null, ov_vec_is_null(y, first2 + k));
        if (!null && text)
            assert_true(ov_slice_eq(ov_vec_str(x, first + k), ov_vec_str(y, first2 + k)));
        else if (!null)
            assert_int_equal(ov_vec_i64(x, first + k), ov_vec_i64(y, first2 + k));
    }
}

static ov_status compare(void *self, const ov_batch *b, ov_error *err)
{
    reader *r = self;
    (void)err;
    r->seen += b->rows;
    for (uint32_t i = 0; i < b->rows && r->compare; i++, r->next++) {
        while (!ov_bits_test(r->from->sel, r->next))
            r->next++;
        for (uint32_t c = 0; c < COLUMNS; c++) {
            const ov_vec *want = &r->from->col[c], *got = &b->col[c];
            bool null = ov_vec_is_null(want, r->next);
            assert_int_equal(null, ov_vec_is_null(got, i));
            if (null)
                continue;
            if (c == 0)
                assert_int_equal(ov_vec_i64(got, i), ov_vec_i64(want, r->next));
            else if (c == 1)
                assert_true(ov_vec_f64(got, i) == ov_vec_f64(want, r->next));
            else if (c == 2)
                assert_true(ov_slice_eq(ov_vec_str(got, i), ov_vec_str(want, r->next)));
            else
                same_list(got, i, want, r->next, c == 3);
        }
    }
    return OV_OK;
}

static void test_round_trip(void **state)
{
    rows r;
    uint32_t pages;
    ov_error err = OV_ERROR_INIT;
    ov_result_file f;
    (void)state;
    make_rows(&r);
    const char *path = write_file(&r, &pages);
    assert_int_equal(pages, (r.batch.sel_rows + PAGE - 1) / PAGE);
    check_ok(ov_result_open(path, &f, &err), &err);
    assert_int_equal(f.field_count, COLUMNS);
    assert_int_equal(f.page_count, pages);
    reader in = {.from = &r, .compare = true};
    ov_result_sink sink = {.rows = compare, .self = &in};
    for (uint32_t p = 0; p < pages; p++)
        check_ok(ov_result_read(&f, p, &sink, &err), &err);
    assert_int_equal(in.seen, r.batch.sel_rows);
    ov_result_close(&f);
    unlink(path);
}

/* Each byte in turn is changed, then the file is cut at each length: the answer is an error, or the very rows. */
static void read_damaged(const char *path)
{
    ov_error err = OV_ERROR_INIT;
    ov_result_file f;
    reader in = {0};
    ov_result_sink sink = {.rows = compare, .self = &in};
    ov_status st = ov_result_open(path, &f, &err);
    for (uint32_t p = 0; st == OV_OK && p < f.page_count; p++)
        st = ov_result_read(&f, p, &sink, &err);
    assert_int_not_equal(st, OV_OK);
    ov_result_close(&f);
}

static void test_damage(void **state)
{
    rows r;
    uint32_t pages;
    ov_buf bytes;
    ov_error err = OV_ERROR_INIT;
    (void)state;
    make_rows(&r);
    const char *path = write_file(&r, &pages);
    ov_buf_init(&bytes);
    check_ok(ov_file_read(path, 0, &bytes, &err), &err);
    for (size_t i = 0; i < bytes.n; i += 1 + i % 13) {
        bytes.p[i] ^= 0x41;
        check_ok(ov_file_write_atomic(path, ov_buf_slice(&bytes), &err), &err);
        read_damaged(path);
        bytes.p[i] ^= 0x41;
    }
    for (size_t n = 0; n < bytes.n; n += 97) {
        check_ok(ov_file_write_atomic(path, ov_slice_make(bytes.p, n), &err), &err);
        read_damaged(path);
    }
    ov_buf_fini(&bytes);
    unlink(path);
}

static void test_limit(void **state)
{
    rows r;
    ov_error err = OV_ERROR_INIT;
    ov_result_writer *w;
    (void)state;
    make_rows(&r);
    check_ok(ov_result_writer_open("/tmp/ovate-result-limit.ovr", fields, COLUMNS, "UTC", PAGE, 2000, &w, &err), &err);
    check_fails(ov_result_writer_add(w, &r.batch, &err), &err, OV_LIMIT, "larger than the 2000 bytes");
    ov_result_writer_close(w);
    assert_false(ov_file_exists("/tmp/ovate-result-limit.ovr.part"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
