/* server/query/encode: Druid's five result formats, byte for byte, over every vector encoding. */
#include "tests/unit/harness.h"

#include <math.h>

#include "server/query/encode.h"

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

/* Stretches of equal rows in every encoding that has slots are what plain values are, row by row; with gaps, and in pieces. */
static void rows_that_repeat(void **state)
{
    enum { ROWS = 5000, WORDS = ROWS / 64 + 1 };
    static ov_slice flat[2][ROWS + 64], values[] = {{"", 0}, {"a", 1}, {"b,c", 3}, {"\"q\"", 3}};
    static char lanes[(ROWS + 64) * 4];
    static uint16_t ends[ROWS];
    static uint64_t sel[WORDS];
    (void)state;
    ov_vec distinct = ov_vec_flat(fields[0].type, values, NULL, 4), child = ov_vec_flat(fields[0].type, NULL, NULL, 0);
    static ov_slice of_run[ROWS];
    uint64_t r = 88172645463325252u;
    for (unsigned k = 0; k < 90; k++) {
        uint32_t runs = 0, most = k % 3 == 0 ? 1 : k % 3 == 1 ? 30 : 3000;
        ov_domain d = {.id = 1000 + k, .count = 4, .type = fields[0].type, .values = &distinct};
        uint8_t lane = (uint8_t)(1 << k % 3);
        for (uint32_t i = 0, left = 0, code = 0; i < ROWS; i++, left--) {
            r ^= r << 13, r ^= r >> 7, r ^= r << 17;
            if (left == 0) {
                left = 1 + (uint32_t)(r >> 8) % most;
                code = (uint32_t)(r >> 40) % 4;
            }
            memcpy(lanes + (size_t)i * lane, &code, lane);
            flat[0][i] = values[code];
            if (i == 0 || r % (most * 2) == 0)
                of_run[runs++] = values[r >> 20 & 3];
            flat[1][i] = of_run[runs - 1];
            ends[runs - 1] = (uint16_t)(i + 1);
            sel[i / 64] = k % 4 == 0 ? r | r << 9 | ~(r >> 7) : r & 1 ? ~UINT64_C(0) : UINT64_C(0xFFFF0000FFFFFFFF);
        }
        sel[WORDS - 1] &= (UINT64_C(1) << ROWS % 64) - 1;
        child.data = of_run;
        child.rows = runs;
        uint32_t chosen = 0;
        for (unsigned w = 0; w < WORDS; w++)
            chosen += (uint32_t)__builtin_popcountll(sel[w]);
        ov_vec plain[3] = {ov_vec_flat(fields[0].type, flat[0], NULL, ROWS), ov_vec_flat(fields[0].type, flat[1], NULL, ROWS),
                           ov_vec_const_str(fields[0].type, OV_SLICE_LIT("same"), ROWS)};
        ov_vec kept[3] = {{.type = fields[0].type, .enc = OV_ENC_DICT, .lane = lane, .rows = ROWS, .data = lanes, .dict = &d},
                          {.type = fields[0].type, .enc = OV_ENC_RUN, .rows = ROWS, .run_end = ends, .runs = runs, .child = &child},
                          plain[2]};
        const ov_field same[3] = {fields[0], fields[0], fields[0]};
        ov_buf want, got;
        ov_buf_init(&want);
        ov_buf_init(&got);
        for (unsigned way = 0; way < 2; way++) {
            ov_error err = OV_ERROR_INIT;
            ov_encoder *e;
            ov_buf *out = way ? &got : &want;
            ov_buf piece;
            taken t = {.out = &piece};
            ov_buf_init(&piece);
            ov_buf_init(&t.whole);
            ov_encode_options o = {.format = (ov_result_format)(k % 5), .full = take_piece, .full_self = &t, .full_bytes = 3000};
            check_ok(ov_encoder_create(&o, same, 1 + k % 3, &e, &err), &err);
            ov_batch b = {.rows = ROWS, .cols = 1 + k % 3, .col = way ? kept : plain, .sel = k % 2 ? sel : NULL,
                          .sel_rows = k % 2 ? chosen : ROWS};
            ov_encode_begin(e, &piece);
            check_ok(ov_encode_rows(e, &b, &piece, &err), &err);
            ov_encode_end(e, &piece);
            ov_buf_add_slice(&t.whole, ov_buf_slice(&piece));
            ov_buf_add_slice(out, ov_buf_slice(&t.whole));
            ov_encoder_destroy(e);
            ov_buf_fini(&piece);
            ov_buf_fini(&t.whole);
        }
        check_slice(ov_buf_slice(&got), ov_buf_cstr(&want));
        ov_buf_fini(&want);
        ov_buf_fini(&got);
    }
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
        cmocka_unit_test(rows_that_repeat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
