/* server/encode: Druid's five result formats, byte for byte, over every vector encoding. */
#include "tests/unit/harness.h"

#include <math.h>

#include "server/encode.h"

/* Three rows: a string, a long, a double, a time. */
static const ov_slice texts[] = {{"a\"b", 3}, {"", 0}, {"C:\\", 3}};
static const int64_t longs[] = {1, -9007199254740993, 0};
static const double doubles[] = {1, NAN, 0.1};
static const int64_t times[] = {1442018818771, 0, 0};
static const uint64_t valid[] = {3}; /* the third long is NULL */

static const ov_field fields[] = {
    {{"s", 1}, {.id = OV_TYPE_STRING}, OV_SQL_VARCHAR, true, 0},
    {{"n", 1}, {.id = OV_TYPE_LONG}, OV_SQL_BIGINT, true, 0},
    {{"d", 1}, {.id = OV_TYPE_DOUBLE}, OV_SQL_DOUBLE, true, 0},
    {{"t", 1}, {.id = OV_TYPE_LONG}, OV_SQL_TIMESTAMP, false, 0},
};

static void encode(const ov_encode_options *o, const ov_batch *batch, ov_buf *out)
{
    ov_error err = OV_ERROR_INIT;
    ov_encoder *e;
    check_ok(ov_encoder_create(o, fields, batch ? batch->cols : 4, &e, &err), &err);
    ov_encode_begin(e, out);
    if (batch)
        check_ok(ov_encode_rows(e, batch, out, &err), &err);
    ov_encode_end(e, out);
    ov_encoder_destroy(e);
}

static void flat_batch(ov_vec col[4], ov_batch *b)
{
    col[0] = ov_vec_flat(fields[0].type, texts, NULL, 3);
    col[1] = ov_vec_flat(fields[1].type, longs, valid, 3);
    col[2] = ov_vec_flat(fields[2].type, doubles, NULL, 3);
    col[3] = ov_vec_flat(fields[3].type, times, NULL, 3);
    *b = (ov_batch){.rows = 3, .cols = 4, .col = col, .sel_rows = 3};
}

static void expect(const ov_encode_options *o, const ov_batch *b, const char *text)
{
    ov_buf out;
    ov_buf_init(&out);
    encode(o, b, &out);
    check_slice(ov_buf_slice(&out), text);
    ov_buf_fini(&out);
}

static void formats_are_druids(void **state)
{
    (void)state;
    ov_vec col[4];
    ov_batch b;
    flat_batch(col, &b);
    expect(&(ov_encode_options){.format = OV_FORMAT_OBJECT}, &b,
           "[{\"s\":\"a\\\"b\",\"n\":1,\"d\":1.0,\"t\":\"2015-09-12T00:46:58.771Z\"},"
           "{\"s\":\"\",\"n\":-9007199254740993,\"d\":\"NaN\",\"t\":\"1970-01-01T00:00:00.000Z\"},"
           "{\"s\":\"C:\\u005c\",\"n\":null,\"d\":0.1,\"t\":\"1970-01-01T00:00:00.000Z\"}]\n");
    expect(&(ov_encode_options){.format = OV_FORMAT_ARRAY_LINES}, &b,
           "[\"a\\\"b\",1,1.0,\"2015-09-12T00:46:58.771Z\"]\n"
           "[\"\",-9007199254740993,\"NaN\",\"1970-01-01T00:00:00.000Z\"]\n"
           "[\"C:\\u005c\",null,0.1,\"1970-01-01T00:00:00.000Z\"]\n\n");
    expect(&(ov_encode_options){.format = OV_FORMAT_CSV}, &b,
           "\"a\"\"b\",1,1.0,2015-09-12T00:46:58.771Z\n"
           ",-9007199254740993,NaN,1970-01-01T00:00:00.000Z\n"
           "C:\\,,0.1,1970-01-01T00:00:00.000Z\n\n");
}

static void headers_and_empty_results(void **state)
{
    (void)state;
    ov_encode_options all = {.header = true, .types_header = true, .sql_types_header = true};
    expect(&(ov_encode_options){.format = OV_FORMAT_ARRAY}, NULL, "[]\n");
    expect(&(ov_encode_options){.format = OV_FORMAT_OBJECT_LINES}, NULL, "\n\n");
    expect(&(ov_encode_options){.format = OV_FORMAT_CSV}, NULL, "\n");
    all.format = OV_FORMAT_ARRAY;
    expect(&all, NULL,
           "[[\"s\",\"n\",\"d\",\"t\"],[\"STRING\",\"LONG\",\"DOUBLE\",\"LONG\"],"
           "[\"VARCHAR\",\"BIGINT\",\"DOUBLE\",\"TIMESTAMP\"]]\n");
    all.format = OV_FORMAT_CSV;
    expect(&all, NULL, "s,n,d,t\nSTRING,LONG,DOUBLE,LONG\nVARCHAR,BIGINT,DOUBLE,TIMESTAMP\n\n");
    expect(&(ov_encode_options){.format = OV_FORMAT_OBJECT, .header = true}, NULL,
           "[{\"s\":null,\"n\":null,\"d\":null,\"t\":null}]\n");
    all.format = OV_FORMAT_OBJECT;
    ov_buf out;
    ov_buf_init(&out);
    encode(&all, NULL, &out);
    assert_true(
        ov_slice_starts(ov_buf_slice(&out),
                        OV_SLICE_LIT("[{\"s\":{\"type\":\"STRING\",\"sqlType\":\"VARCHAR\"},")));
    ov_buf_fini(&out);
}

static void one_empty_csv_field_is_quoted(void **state)
{
    (void)state;
    ov_vec col[1] = {ov_vec_flat(fields[0].type, texts, NULL, 3)};
    uint64_t sel[] = {2}; /* only the empty string */
    ov_batch b = {.rows = 3, .cols = 1, .col = col, .sel = sel, .sel_rows = 1};
    expect(&(ov_encode_options){.format = OV_FORMAT_CSV}, &b, "\"\"\n\n");
}

/* The same rows as CONST, DICT, RUN and FLAT must give the same bytes. */
static void encodings_agree(void **state)
{
    (void)state;
    static const ov_slice few[] = {{"x", 1}, {"y", 1}};
    static const uint8_t codes[] = {1, 1, 0};
    static const uint16_t ends[] = {2, 3};
    static const ov_slice run_texts[] = {{"y", 1}, {"x", 1}};
    static const ov_slice flat_texts[] = {{"y", 1}, {"y", 1}, {"x", 1}};
    ov_type str = fields[0].type;
    ov_vec values = ov_vec_flat(str, few, NULL, 2), runs = ov_vec_flat(str, run_texts, NULL, 2);
    ov_domain domain = {
        .id = ov_domain_next_id(), .count = 2, .type = str, .unique = true, .values = &values};
    ov_vec forms[] = {
        ov_vec_flat(str, flat_texts, NULL, 3),
        {.type = str, .enc = OV_ENC_DICT, .lane = 1, .rows = 3, .data = codes, .dict = &domain},
        {.type = str, .enc = OV_ENC_RUN, .rows = 3, .run_end = ends, .runs = 2, .child = &runs},
    };
    for (size_t i = 0; i < OV_COUNT_OF(forms); i++) {
        ov_batch b = {.rows = 3, .cols = 1, .col = &forms[i], .sel_rows = 3};
        expect(&(ov_encode_options){.format = OV_FORMAT_ARRAY}, &b, "[[\"y\"],[\"y\"],[\"x\"]]\n");
    }
    ov_vec one = ov_vec_const_str(str, OV_SLICE_LIT("z"), 3);
    ov_batch b = {.rows = 3, .cols = 1, .col = &one, .sel_rows = 3};
    expect(&(ov_encode_options){.format = OV_FORMAT_ARRAY}, &b, "[[\"z\"],[\"z\"],[\"z\"]]\n");
}

/* Jackson, which writes Druid's JSON, escapes what lies beyond the BMP and nothing else beyond ASCII. */
static void characters_beyond_the_bmp_are_escaped(void **state)
{
    (void)state;
    static const ov_slice odd[] = {{"\xF0\x9F\x98\x80 \xED\x95\x9C\"\xF0\x9F\x98\x80\\", 14}};
    ov_vec col[1] = {ov_vec_flat(fields[0].type, odd, NULL, 1)};
    ov_batch b = {.rows = 1, .cols = 1, .col = col, .sel_rows = 1};
    expect(&(ov_encode_options){.format = OV_FORMAT_ARRAY}, &b,
           "[[\"\\uD83D\\uDE00 \xED\x95\x9C\\\"\\uD83D\\uDE00\\u005c\"]]\n");
}

/* Two batches with dictionaries of their own: texts of the first must not show in the second. */
static void dictionaries_may_change_between_batches(void **state)
{
    (void)state;
    static const ov_slice first[] = {{"a", 1}}, second[] = {{"b", 1}};
    static const uint8_t codes[64] = {0};
    ov_type str = fields[0].type;
    ov_vec v1 = ov_vec_flat(str, first, NULL, 1), v2 = ov_vec_flat(str, second, NULL, 1);
    ov_domain d1 = {.id = ov_domain_next_id(), .count = 1, .type = str, .values = &v1};
    ov_domain d2 = {.id = ov_domain_next_id(), .count = 1, .type = str, .values = &v2};
    ov_vec c1 = {.type = str, .enc = OV_ENC_DICT, .lane = 1, .rows = 2, .data = codes, .dict = &d1},
           c2 = c1;
    c2.dict = &d2;
    ov_error err = OV_ERROR_INIT;
    ov_encoder *e;
    ov_buf out;
    ov_buf_init(&out);
    check_ok(
        ov_encoder_create(&(ov_encode_options){.format = OV_FORMAT_ARRAY}, fields, 1, &e, &err),
        &err);
    ov_encode_begin(e, &out);
    check_ok(
        ov_encode_rows(e, &(ov_batch){.rows = 2, .cols = 1, .col = &c1, .sel_rows = 2}, &out, &err),
        &err);
    check_ok(
        ov_encode_rows(e, &(ov_batch){.rows = 2, .cols = 1, .col = &c2, .sel_rows = 2}, &out, &err),
        &err);
    ov_encode_end(e, &out);
    check_slice(ov_buf_slice(&out), "[[\"a\"],[\"a\"],[\"b\"],[\"b\"]]\n");
    ov_encoder_destroy(e);
    ov_buf_fini(&out);
}

/* ---- long batches ---- */

typedef struct taken {
    ov_buf whole, *out;
    uint32_t pieces;
} taken;

static ov_status take_piece(void *self, ov_error *err)
{
    taken *t = self;
    (void)err;
    ov_buf_add_slice(&t->whole, ov_buf_slice(t->out));
    memset(t->out->p, '?', t->out->n); /* sent bytes are not read again */
    ov_buf_clear(t->out);
    t->pieces++;
    return OV_OK;
}

static void check_pieces(const ov_batch *b)
{
    ov_buf out, all;
    taken t = {.out = &out};
    ov_buf_init(&out);
    ov_buf_init(&all);
    ov_buf_init(&t.whole);
    encode(&(ov_encode_options){.format = OV_FORMAT_ARRAY}, b, &all);
    encode(&(ov_encode_options){.format = OV_FORMAT_ARRAY, .full = take_piece, .full_self = &t, .full_bytes = 1000}, b, &out);
    assert_true(t.pieces > 3);
    ov_buf_add_slice(&t.whole, ov_buf_slice(&out));
    check_slice(ov_buf_slice(&t.whole), ov_buf_cstr(&all));
    ov_buf_fini(&out);
    ov_buf_fini(&all);
    ov_buf_fini(&t.whole);
}

/* Also rows that repeat, which are copied from the row before: that may have been sent. */
static void long_batches_come_in_pieces(void **state)
{
    enum { ROWS = 1000 };
    static int64_t numbers[ROWS + 64];
    (void)state;
    ov_vec col[2] = {ov_vec_const_str(fields[0].type, OV_SLICE_LIT("x repeated"), ROWS),
                     ov_vec_flat(fields[1].type, numbers, NULL, ROWS)};
    ov_batch b = {.rows = ROWS, .cols = 2, .col = col, .sel_rows = ROWS};
    for (int64_t i = 0; i < ROWS; i++)
        numbers[i] = i * i;
    check_pieces(&b);
    b.cols = 1;
    check_pieces(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_are_druids),
        cmocka_unit_test(headers_and_empty_results),
        cmocka_unit_test(one_empty_csv_field_is_quoted),
        cmocka_unit_test(encodings_agree),
        cmocka_unit_test(characters_beyond_the_bmp_are_escaped),
        cmocka_unit_test(dictionaries_may_change_between_batches),
        cmocka_unit_test(long_batches_come_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
