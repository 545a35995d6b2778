/*
 * Multi-value strings: conditions hold when they hold for some element, texts are made element by element; as LIST, as a
 * dictionary of lists, in runs and as plain strings.
 */
#include "tests/unit/expr_lib.h"

#include "base/bits.h"

enum { ROWS = 6, COPIES = 200 };

static const lib_column columns[] = {{{.id = OV_TYPE_STRING, .multi = 1}, OV_SQL_VARCHAR}};

/* ["a","b"]  ["b"]  NULL  []  ["a",NULL]  ["c","c","d"] */
static const char *const elements[] = {"a", "b", "b", "a", NULL, "c", "c", "d"};
static const uint32_t starts[ROWS + 1] = {0, 2, 3, 3, 3, 5, 8};

static const struct {
    const char *expr, *truth; /* per row: 1, 0, u */
} cases[] = {
    {"`=`($0, 'a')", "10uu10"},          {"`<>`($0, 'a')", "01uu01"},
    {"NOT(`=`($0, 'a'))", "01uu01"},     {"`=`($0, 'b')", "11uuu0"},
    {"IN($0, 'c', 'x')", "00uuu1"},      {"NOT(IN($0, 'c', 'x'))", "11uuu0"},
    {"LIKE($0, 'a%')", "10uu10"},        {"`NOT LIKE`($0, 'a%')", "01uu01"},
    {"`>`($0, 'b')", "00uuu1"},          {"BETWEEN($0, 'bb', 'cc')", "00uuu1"},
    {"`NOT BETWEEN`($0, 'bb', 'cc')", "11uuu0"},
    {"`=`(UPPER($0), 'A')", "10uu10"},   {"CONTAINS_STRING($0, 'd')", "00uuu1"},
    {"`IS NULL`($0)", "001000"},         {"`IS NOT NULL`($0)", "110111"},
    {"`>`(LENGTH(UPPER($0)), 0)", "u1uuuu"}, /* numbers are the row's when there is one */
    {"`=`(`||`($0, 'x'), `||`(UPPER($0), 'x'))", "00uuu0"}, /* each value beside itself */
    {"`=`(`||`(LOWER($0), 'x'), `||`($0, 'x'))", "11uu11"},
    {"ARRAY_LENGTH(STRING_TO_ARRAY($0, 'x'))", NULL}, /* a list of arrays */
    {"OR(`=`($0, 'd'), `=`($0, 'b'))", "11uuu1"},
};

static ov_arena arena;
static ov_error err;

static ov_vec lists(void)
{
    static ov_slice text[64];
    static uint64_t present = 0, valid = 0x3B; /* row 2 is NULL */
    static ov_vec child;
    for (size_t i = 0; i < OV_COUNT_OF(elements); i++) {
        text[i] = ov_slice_cstr(elements[i]);
        present |= (uint64_t)(elements[i] != NULL) << i;
    }
    child = ov_vec_flat(OV_T(OV_TYPE_STRING), text, &present, OV_COUNT_OF(elements));
    return (ov_vec){.type = columns[0].type, .enc = OV_ENC_LIST, .rows = ROWS, .divisor = 1, .valid = &valid,
                    .offsets = starts, .child = &child};
}

static void check(const ov_vec *v, const char *what)
{
    ov_expr_ctx cx = {.arena = &arena, .next_id = 1};
    ov_vec col = *v;
    for (int general = 0; general < 2; general++) {
        ov_eval *ev;
        check_ok(ov_eval_create(NULL, &(ov_eval_options){.general_only = general}, &ev, &err), &err);
        for (size_t i = 0; i < OV_COUNT_OF(cases); i++) {
            const ov_expr *e;
            ov_status st = lib_parse(cases[i].expr, &cx, columns, &e, &err);
            if (!cases[i].truth) {
                check_fails(st, &err, OV_UNSUPPORTED, "not supported yet");
                continue;
            }
            check_ok(st, &err);
            uint64_t yes[COPIES * ROWS / 64 + 1], maybe[COPIES * ROWS / 64 + 1];
            ov_batch batch = {.rows = v->rows, .cols = 1, .col = &col, .sel_rows = v->rows};
            check_ok(ov_eval_filter(ev, e, &batch, yes, maybe, NULL, &err), &err);
            for (uint32_t r = 0; r < v->rows; r++) {
                char got = ov_bits_test(yes, r) ? '1' : ov_bits_test(maybe, r) ? 'u' : '0';
                if (got != cases[i].truth[r % ROWS])
                    fail_msg("%s as %s, row %u: %c", cases[i].expr, what, r, got);
            }
            ov_eval_next_batch(ev);
        }
        ov_eval_destroy(ev);
    }
}

static void test_conditions(void **state)
{
    (void)state;
    ov_arena_init(&arena, "test", NULL);
    ov_vec list = lists();
    check(&list, "lists");
    ov_domain domain = {.id = ov_domain_next_id(), .count = ROWS, .type = list.type, .unique = true, .values = &list};
    static uint8_t codes[COPIES * ROWS + 64];
    for (uint32_t i = 0; i < COPIES * ROWS; i++)
        codes[i] = (uint8_t)(i % ROWS);
    ov_vec dict = {.type = list.type, .enc = OV_ENC_DICT, .lane = 1, .rows = COPIES * ROWS, .divisor = 1, .data = codes,
                   .dict = &domain};
    check(&dict, "a dictionary");
    static const uint16_t ends[ROWS] = {1, 2, 3, 4, 5, 6};
    ov_vec child = dict;
    child.rows = ROWS;
    ov_vec run = {.type = list.type, .enc = OV_ENC_RUN, .rows = ROWS, .divisor = 1, .run_end = ends, .runs = ROWS,
                  .child = &child};
    check(&run, "runs");
    ov_arena_fini(&arena);
}

/* A segment without several values in a row gives plain strings. */
static void test_plain(void **state)
{
    (void)state;
    ov_arena_init(&arena, "test", NULL);
    ov_expr_ctx cx = {.arena = &arena, .next_id = 1};
    static ov_slice text[64];
    uint64_t valid = 5;
    text[0] = OV_SLICE_LIT("a");
    text[2] = OV_SLICE_LIT("b");
    ov_vec col = ov_vec_flat(OV_T(OV_TYPE_STRING), text, &valid, 3), v;
    ov_batch batch = {.rows = 3, .cols = 1, .col = &col, .sel_rows = 3};
    const ov_expr *e;
    ov_eval *ev;
    uint64_t yes, maybe;
    check_ok(ov_eval_create(NULL, NULL, &ev, &err), &err);
    check_ok(lib_parse("`<>`($0, 'a')", &cx, columns, &e, &err), &err);
    check_ok(ov_eval_filter(ev, e, &batch, &yes, &maybe, NULL, &err), &err);
    assert_int_equal(yes, 4);
    assert_int_equal(maybe, 2);
    check_ok(lib_parse("UPPER($0)", &cx, columns, &e, &err), &err);
    check_ok(ov_eval_expr(ev, e, &batch, &v, &err), &err);
    check_slice(ov_vec_str(&v, 2), "B");
    ov_eval_destroy(ev);
    ov_arena_fini(&arena);
}

static void test_texts(void **state)
{
    (void)state;
    ov_arena_init(&arena, "test", NULL);
    ov_expr_ctx cx = {.arena = &arena, .next_id = 1};
    ov_vec col = lists(), v;
    ov_batch batch = {.rows = ROWS, .cols = 1, .col = &col, .sel_rows = ROWS};
    const ov_expr *e, *same, *other;
    ov_eval *ev;
    uint32_t first, end;
    check_ok(ov_eval_create(NULL, NULL, &ev, &err), &err);
    check_ok(lib_parse("`||`(UPPER($0), '!')", &cx, columns, &e, &err), &err);
    assert_true(e->type.multi);
    check_ok(ov_eval_expr(ev, e, &batch, &v, &err), &err);
    const ov_vec *child = ov_vec_list(&v, 0, &first, &end);
    assert_int_equal(end - first, 2);
    check_slice(ov_vec_str(child, first + 1), "B!");
    assert_true(ov_vec_is_null(&v, 2));
    child = ov_vec_list(&v, 4, &first, &end);
    assert_true(ov_vec_is_null(child, first + 1));

    check_ok(lib_parse("`=`($0, 'a')", &cx, columns, &e, &err), &err);
    check_ok(lib_parse("`=`($0, 'a')", &cx, columns, &same, &err), &err);
    check_ok(lib_parse("`=`($0, 'b')", &cx, columns, &other, &err), &err);
    assert_true(ov_expr_equal(e, same));
    assert_false(ov_expr_equal(e, other));
    ov_buf text;
    ov_buf_init(&text);
    check_ok(ov_expr_print(e, &text, &err), &err);
    check_slice(ov_buf_slice(&text), "$ANY($0: ($0 = 'a'))");
    ov_buf_fini(&text);
    ov_eval_destroy(ev);
    ov_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
