/*
 * Values with their times (sketch/pair.h): their bytes, which of several stays, and images that are none.
 */
#include <math.h>

#include "sketch/ops.h"
#include "sketch/pair.h"

#include "tests/unit/sketch_lib.h"

static const ov_sketch_ops *const all[] = {&ov_long_pair_ops, &ov_float_pair_ops, &ov_double_pair_ops, &ov_text_pair_ops};

/* ---- bytes ---- */

static void same_json(const ov_sketch_ops *ops, ov_slice image, const char *want)
{
    ov_buf out;
    ov_buf_init(&out);
    ops->print(image, &out);
    check_ok(ov_buf_check(&out, &err), &err);
    assert_string_equal(ov_buf_cstr(&out), want);
    ov_buf_fini(&out);
}

static void test_bytes(void **state)
{
    static const struct {
        ov_pair pair;
        ov_pair_kind kind;
        const char *image;
        size_t n;
        const char *json;
    } cases[] = {
        {{.time = 258, .i = -2}, OV_PAIR_LONG, "\2\1\0\0\0\0\0\0\0\xfe\xff\xff\xff\xff\xff\xff\xff", 17, "{\"lhs\":258,\"rhs\":-2}"},
        {{.time = -1, .null = true}, OV_PAIR_LONG, "\xff\xff\xff\xff\xff\xff\xff\xff\1", 9, "{\"lhs\":-1,\"rhs\":null}"},
        {{.time = 1, .f = 1.5}, OV_PAIR_FLOAT, "\1\0\0\0\0\0\0\0\0\0\0\xc0\x3f", 13, "{\"lhs\":1,\"rhs\":1.5}"},
        {{.time = 1, .f = 1.5}, OV_PAIR_DOUBLE, "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xf8\x3f", 17, "{\"lhs\":1,\"rhs\":1.5}"},
        {{.time = 1, .f = NAN}, OV_PAIR_FLOAT, "\1\0\0\0\0\0\0\0\0\0\0\xc0\x7f", 13, "{\"lhs\":1,\"rhs\":\"NaN\"}"},
        {{.time = 1, .s = {"a\"b", 3}}, OV_PAIR_TEXT, "\1\0\0\0\0\0\0\0\3\0\0\0a\"b", 15, "{\"lhs\":1,\"rhs\":\"a\\\"b\"}"},
        {{.time = 1, .s = {"", 0}}, OV_PAIR_TEXT, "\1\0\0\0\0\0\0\0\0\0\0\0", 12, "{\"lhs\":1,\"rhs\":\"\"}"},
        {{.time = 1, .null = true}, OV_PAIR_TEXT, "\1\0\0\0\0\0\0\0\xff\xff\xff\xff", 12, "{\"lhs\":1,\"rhs\":null}"},
    };
    (void)state;
    for (size_t i = 0; i < OV_COUNT_OF(cases); i++) {
        ov_buf out;
        ov_pair back;
        ov_buf_init(&out);
        ov_pair_write(&cases[i].pair, cases[i].kind, &out);
        assert_int_equal(out.n, cases[i].n);
        assert_memory_equal(out.p, cases[i].image, out.n);
        check_ok(ov_pair_read(ov_buf_slice(&out), cases[i].kind, &back, &err), &err);
        assert_int_equal(back.time, cases[i].pair.time);
        assert_int_equal(back.null, cases[i].pair.null);
        same_json(all[cases[i].kind], ov_buf_slice(&out), cases[i].json);
        ov_buf_fini(&out);
    }
}

/* Every shorter and longer image, texts that reach beyond it, bytes that are no UTF-8. */
static void test_damaged(void **state)
{
    static const ov_slice broken[] = {
        {"\1\0\0\0\0\0\0\0\4\0\0\0abc", 15}, {"\1\0\0\0\0\0\0\0\xfe\xff\xff\xff", 12}, {"\1\0\0\0\0\0\0\0\1\0\0\0\xff", 13}};
    static const ov_slice whole[] = {{"\1\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0", 17},
                                     {"\1\0\0\0\0\0\0\0\0\0\0\xc0\x3f", 13},
                                     {"\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xf8\x3f", 17},
                                     {"\1\0\0\0\0\0\0\0\3\0\0\0abc", 15}};
    ov_pair pair;
    (void)state;
    for (unsigned kind = 0; kind < 4; kind++) {
        char longer[20] = {0};
        memcpy(longer, whole[kind].p, whole[kind].n);
        check_ok(ov_pair_read(whole[kind], (ov_pair_kind)kind, &pair, &err), &err);
        for (size_t n = 0; n <= whole[kind].n + 1; n++)
            if (n != whole[kind].n)
                assert_int_equal(ov_pair_read(ov_slice_make(longer, n), (ov_pair_kind)kind, &pair, &err), OV_CORRUPT);
    }
    for (size_t i = 0; i < OV_COUNT_OF(broken); i++) {
        ov_buf out;
        assert_int_equal(ov_pair_read(broken[i], OV_PAIR_TEXT, &pair, &err), OV_CORRUPT);
        ov_buf_init(&out); /* what shows them fails, too */
        ov_text_pair_ops.print(broken[i], &out);
        assert_int_equal(ov_buf_check(&out, &err), OV_CORRUPT);
        ov_buf_fini(&out);
    }
    assert_int_equal(ov_pair_read(OV_SLICE_LIT("\1\0\0\0\0\0\0\0\2"), OV_PAIR_LONG, &pair, &err), OV_CORRUPT);
}

/* ---- which one stays ---- */

static void add_text(void *head, const ov_sketch_args *args, int64_t time, const char *text)
{
    ov_sketch_value v[2] = {{.kind = OV_SKETCH_INT, .i = time}, {.kind = OV_SKETCH_TEXT}};
    if (text)
        v[1].s = ov_slice_cstr(text);
    check_ok(ov_text_pair_ops.add(head, args, v, text ? 2 : 1, &mem, &err), &err);
}

static void same_state(const ov_sketch_ops *ops, const void *head, const ov_sketch_args *args, const char *want)
{
    ov_buf image;
    ov_buf_init(&image);
    check_ok(ops->write(head, args, true, &arena, &image, &err), &err);
    same_json(ops, ov_buf_slice(&image), want);
    ov_buf_fini(&image);
}

static void test_texts(void **state)
{
    ov_sketch_args args;
    (void)state;
    ov_sketch_defaults(&ov_text_pair_ops, &args);
    args.at[OV_PAIR_BYTES_PARAM] = 3;
    for (int last = 0; last < 2; last++) {
        char first_head[128] = {0}, other[128] = {0};
        args.at[OV_PAIR_LAST_PARAM] = last;
        assert_true(ov_text_pair_ops.head_bytes <= sizeof(first_head));
        same_state(&ov_text_pair_ops, first_head, &args,
                   last ? "{\"lhs\":-4611686018427387904,\"rhs\":null}" : "{\"lhs\":4611686018427387903,\"rhs\":null}");
        add_text(first_head, &args, 5, "abcdef");
        add_text(first_head, &args, 5, "xy\xc3\xa9z"); /* the same time: later in order; no character is cut */
        add_text(first_head, &args, last ? 9 : 1, NULL);   /* a text that is NULL is passed over */
        same_state(&ov_text_pair_ops, first_head, &args, last ? "{\"lhs\":5,\"rhs\":\"xy\"}" : "{\"lhs\":5,\"rhs\":\"abc\"}");
        add_text(other, &args, 7, "late");
        check_ok(ov_text_pair_ops.merge(first_head, &args, other, &mem, &err), &err);
        same_state(&ov_text_pair_ops, first_head, &args, last ? "{\"lhs\":7,\"rhs\":\"lat\"}" : "{\"lhs\":5,\"rhs\":\"abc\"}");
    }
}

/* A number that is NULL has its place in time; images are put like values. */
static void test_numbers(void **state)
{
    (void)state;
    for (unsigned kind = OV_PAIR_LONG; kind <= OV_PAIR_DOUBLE; kind++) {
        ov_sketch_args args;
        ov_sketch_value v[2] = {{.kind = OV_SKETCH_INT, .i = 4}, {.kind = kind == OV_PAIR_LONG ? OV_SKETCH_INT : OV_SKETCH_REAL}};
        char head[128] = {0};
        ov_buf image;
        if (kind == OV_PAIR_LONG)
            v[1].i = 3;
        else
            v[1].f = 3;
        ov_sketch_defaults(all[kind], &args);
        check_ok(all[kind]->add(head, &args, v, 2, &mem, &err), &err);
        same_state(all[kind], head, &args, kind == OV_PAIR_LONG ? "{\"lhs\":4,\"rhs\":3}" : "{\"lhs\":4,\"rhs\":3.0}");
        v[0].i = 2;
        check_ok(all[kind]->add(head, &args, v, 1, &mem, &err), &err);
        same_state(all[kind], head, &args, "{\"lhs\":2,\"rhs\":null}");
        ov_buf_init(&image);
        ov_pair_write(&(ov_pair){.time = 1, .null = true}, (ov_pair_kind)kind, &image);
        check_ok(all[kind]->put(head, &args, ov_buf_slice(&image), false, &mem, &arena, &err), &err);
        same_state(all[kind], head, &args, "{\"lhs\":1,\"rhs\":null}");
        check_ok(all[kind]->put(head, &args, OV_SLICE_LIT(""), false, &mem, &arena, &err), &err);
        assert_int_equal(all[kind]->put(head, &args, OV_SLICE_LIT("no"), false, &mem, &arena, &err), OV_CORRUPT);
        ov_buf_fini(&image);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damaged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_texts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_numbers, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
