/*
 * Random inputs: LIKE against a slow matcher, three-valued logic against its definition, rounding against long
 * arithmetic, and patterns and formats made of noise, which must give a value or a sentence and never more.
 */
#include "tests/unit/expr_lib.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/bits.h"
#include "base/utf8.h"

static uint64_t seed = 42;

static uint32_t below(uint32_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((seed >> 33) % n);
}

typedef struct bench {
    ov_arena arena;
    ov_expr_ctx cx;
    ov_eval *ev;
    ov_error err;
} bench;

static void set_up(bench *b)
{
    memset(b, 0, sizeof *b);
    ov_arena_init(&b->arena, "test", NULL);
    b->cx = (ov_expr_ctx){.arena = &b->arena, .next_id = 1};
    check_ok(ov_eval_create(NULL, NULL, &b->ev, &b->err), &b->err);
}

static void tear_down(bench *b)
{
    ov_eval_destroy(b->ev);
    ov_arena_fini(&b->arena);
}

static ov_slice random_text(bench *b, const char *const *pieces, uint32_t n, uint32_t most)
{
    char text[256] = "";
    for (uint32_t i = below(most + 1); i > 0; i--)
        strncat(text, pieces[below(n)], sizeof text - strlen(text) - 1);
    ov_slice s;
    check_ok(ov_arena_copy(&b->arena, ov_slice_cstr(text), &s, &b->err), &b->err);
    return s;
}

/* % any text, _ one UTF-16 unit (a character outside the BMP takes two). */
static bool slow_like(ov_slice p, ov_slice s, bool half)
{
    const char *pa = p.p, *pe = p.p + p.n, *sa = s.p, *se = s.p + s.n;
    if (pa == pe)
        return sa == se && !half;
    uint32_t c = ov_utf8_next(&pa, pe);
    ov_slice rest = ov_slice_make(pa, (size_t)(pe - pa));
    if (half) /* inside a surrogate pair: only another _ fits */
        return c == '_' && slow_like(rest, s, false);
    if (c == '%') {
        for (;; ov_utf8_next(&sa, se)) {
            if (slow_like(rest, ov_slice_make(sa, (size_t)(se - sa)), false))
                return true;
            if (sa == se)
                return false;
        }
    }
    if (sa == se)
        return false;
    uint32_t d = ov_utf8_next(&sa, se);
    ov_slice tail = ov_slice_make(sa, (size_t)(se - sa));
    if (c == '_')
        return slow_like(rest, tail, d > 0xFFFF);
    return c == d && slow_like(rest, tail, false);
}

static void test_like(void **state)
{
    (void)state;
    static const char *const letters[] = {"a", "b", "é", "😀"};
    static const char *const wild[] = {"a", "b", "é", "😀", "%", "_", "%", "_"};
    bench b;
    set_up(&b);
    for (int i = 0; i < 30000; i++) {
        ov_slice s = random_text(&b, letters, OV_COUNT_OF(letters), 8);
        ov_slice p = random_text(&b, wild, OV_COUNT_OF(wild), 6);
        const ov_expr *args[2], *e;
        check_ok(ov_expr_str(&b.cx, OV_SQL_VARCHAR, s, &args[0], &b.err), &b.err);
        check_ok(ov_expr_str(&b.cx, OV_SQL_VARCHAR, p, &args[1], &b.err), &b.err);
        check_ok(ov_expr_call(&b.cx, OV_SLICE_LIT("LIKE"), args, 2, 0, 0, &e, &b.err), &b.err);
        assert_int_equal(e->kind, OV_EXPR_CONST);
        if ((e->constant.i > 0) != slow_like(p, s, false))
            fail_msg("'%.*s' LIKE '%.*s' is %d", OV_SLICE_ARG(s), OV_SLICE_ARG(p), e->constant.i > 0);
        if (i % 500 == 0)
            ov_arena_reset(&b.arena);
    }
    tear_down(&b);
}

/* 0 false, 1 true, 2 unknown */
static int slow_truth(const char **at, const uint8_t *leaf)
{
    char op = *(*at)++;
    int x, y;
    switch (op) {
    case 'n':
        x = slow_truth(at, leaf);
        return x == 2 ? 2 : !x;
    case '&':
        x = slow_truth(at, leaf);
        y = slow_truth(at, leaf);
        return x == 0 || y == 0 ? 0 : x == 2 || y == 2 ? 2 : 1;
    case '|':
        x = slow_truth(at, leaf);
        y = slow_truth(at, leaf);
        return x == 1 || y == 1 ? 1 : x == 2 || y == 2 ? 2 : 0;
    case 't':
        return slow_truth(at, leaf) == 1;
    case 'f':
        return slow_truth(at, leaf) == 0;
    case 'u':
        return slow_truth(at, leaf) == 2;
    default:
        return leaf[op - '0'];
    }
}

static void random_tree(char *out, size_t *n, int depth)
{
    char op = depth == 0 || below(4) == 0 ? (char)('0' + below(3)) : "n&|tfu&|"[below(8)];
    out[(*n)++] = op;
    if (strchr("&|ntfu", op))
        random_tree(out, n, depth - 1);
    if (op == '&' || op == '|')
        random_tree(out, n, depth - 1);
    out[*n] = 0;
}

static ov_status build_tree(bench *b, const char **at, const ov_expr **out)
{
    static const char *const names[] = {['n'] = "NOT", ['t'] = "IS TRUE", ['f'] = "IS FALSE", ['u'] = "IS NULL",
                                        ['&'] = "AND", ['|'] = "OR"};
    char op = *(*at)++;
    const ov_expr *args[2], *zero;
    if (op >= '0' && op <= '2') { /* $op > 0 */
        OV_TRY(ov_expr_column(&b->cx, (uint32_t)(op - '0'), OV_T(OV_TYPE_LONG), OV_SQL_BIGINT, true, &args[0], &b->err));
        OV_TRY(ov_expr_i64(&b->cx, OV_SQL_BIGINT, 0, &zero, &b->err));
        args[1] = zero;
        return ov_expr_call(&b->cx, OV_SLICE_LIT(">"), args, 2, 0, 0, out, &b->err);
    }
    uint32_t argc = op == '&' || op == '|' ? 2 : 1;
    for (uint32_t i = 0; i < argc; i++)
        OV_TRY(build_tree(b, at, &args[i]));
    return ov_expr_call(&b->cx, ov_slice_cstr(names[(int)op]), args, argc, 0, 0, out, &b->err);
}

/* Random trees over three leaves that take all 27 combinations of truth. */
static void test_logic(void **state)
{
    (void)state;
    bench b;
    set_up(&b);
    int64_t value[3][64] = {0};
    uint64_t valid[3] = {0};
    ov_vec col[3];
    for (int r = 0; r < 27; r++)
        for (int c = 0, x = r; c < 3; c++, x /= 3) {
            value[c][r] = x % 3 == 1;
            valid[c] |= (uint64_t)(x % 3 != 2) << r;
        }
    for (int c = 0; c < 3; c++)
        col[c] = ov_vec_flat(OV_T(OV_TYPE_LONG), value[c], &valid[c], 27);
    for (int i = 0; i < 3000; i++) {
        char tree[512];
        size_t n = 0;
        random_tree(tree, &n, 5);
        const char *at = tree;
        const ov_expr *e;
        check_ok(build_tree(&b, &at, &e), &b.err);
        uint64_t sel = i % 3 ? UINT64_C(0x7FFFFFF) : seed & 0x7FFFFFF, yes, maybe;
        ov_batch batch = {.rows = 27, .cols = 3, .col = col, .sel = &sel,
                          .sel_rows = (uint32_t)__builtin_popcountll(sel)};
        check_ok(ov_eval_filter(b.ev, e, &batch, &yes, &maybe, NULL, &b.err), &b.err);
        for (int r = 0; r < 27; r++) {
            uint8_t leaf[3];
            for (int c = 0, x = r; c < 3; c++, x /= 3)
                leaf[c] = (uint8_t)(x % 3);
            at = tree;
            int want = sel >> r & 1 ? slow_truth(&at, leaf) : 0;
            if ((yes >> r & 1) != (want == 1) || (maybe >> r & 1) != (want == 2))
                fail_msg("%s, row %d: true %d unknown %d, not %d", tree, r, (int)(yes >> r & 1), (int)(maybe >> r & 1), want);
        }
        ov_eval_next_batch(b.ev);
        if (i % 100 == 0)
            ov_arena_reset(&b.arena);
    }
    tear_down(&b);
}

/* Decimals of four places, rounded to two by integers. */
static void test_round(void **state)
{
    (void)state;
    bench b;
    set_up(&b);
    for (int i = 0; i < 20000; i++) {
        int64_t v = (int64_t)below(2000000) - 1000000;
        int64_t up = (OV_MAX(v, -v) + 50) / 100, down = OV_MAX(v, -v) / 100;
        const ov_expr *args[2], *e;
        for (int how = 0; how < 2; how++) {
            check_ok(ov_expr_f64(&b.cx, OV_SQL_DOUBLE, (double)v / 10000, &args[0], &b.err), &b.err);
            check_ok(ov_expr_i64(&b.cx, OV_SQL_INTEGER, 2, &args[1], &b.err), &b.err);
            check_ok(ov_expr_call(&b.cx, how ? OV_SLICE_LIT("TRUNCATE") : OV_SLICE_LIT("ROUND"), args, 2, 0, 0, &e,
                                  &b.err), &b.err);
            double want = (double)(how ? down : up) / 100 * (v < 0 ? -1 : 1);
            if (e->constant.f != want)
                fail_msg("%s of %lld/10000 is %.17g, not %.17g", how ? "TRUNCATE" : "ROUND", (long long)v, e->constant.f,
                         want);
        }
        if (i % 500 == 0)
            ov_arena_reset(&b.arena);
    }
    tear_down(&b);
}

/* Noise in patterns and formats. */
static void test_noise(void **state)
{
    (void)state;
    static const char *const noise[] = {"(", ")", "[", "]", "*", "+", "?", "\\", "p", "P", "{", "}", "a", "b", "^", "$",
                                        "|", ".", "0", "9", "-", "&&", "\\p{Alpha}", "\\Q", "\\E", "(?<n>", "é", "😀",
                                        "%", "s", "d", "f", "e", "x", "g", "1$", ",", " ", "#", "%s", "%.3f", "{1,3}",
                                        "${n}", "$1", "\\1", ":", "(?i)", "/", "::", "10.0.0.1", "T", "P1D", "yyyy", "'"};
    static const char *const calls[] = {"REGEXP_LIKE", "REGEXP_EXTRACT", "STRING_FORMAT", "LIKE", "TIME_PARSE",
                                        "IPV4_MATCH", "IPV6_MATCH", "CONTAINS_STRING", "TIME_SHIFT", "TIME_FLOOR",
                                        "REGEXP_REPLACE", "PARSE_LONG", "SPLIT_PART", "TIME_FORMAT", "CAST"};
    bench b;
    set_up(&b);
    for (int i = 0; i < 20000; i++) {
        const ov_expr *args[3], *e;
        const char *name = calls[below(OV_COUNT_OF(calls))];
        for (int k = 0; k < 3; k++) {
            ov_slice s = random_text(&b, noise, OV_COUNT_OF(noise), 6);
            check_ok(ov_expr_str(&b.cx, OV_SQL_VARCHAR, s, &args[k], &b.err), &b.err);
        }
        if (strncmp(name, "TIME_", 5) == 0 && strcmp(name, "TIME_PARSE") != 0)
            check_ok(ov_expr_i64(&b.cx, OV_SQL_TIMESTAMP, (int64_t)seed, &args[0], &b.err), &b.err);
        if (strcmp(name, "TIME_SHIFT") == 0 || strcmp(name, "SPLIT_PART") == 0)
            check_ok(ov_expr_i64(&b.cx, OV_SQL_BIGINT, (int64_t)below(9) - 4, &args[2], &b.err), &b.err);
        b.err = (ov_error)OV_ERROR_INIT;
        ov_status st;
        if (strcmp(name, "CAST") == 0) {
            ov_sqltype to = (ov_sqltype)(OV_SQL_BOOLEAN + below(OV_SQL_DATE - OV_SQL_BOOLEAN + 1));
            st = ov_expr_cast(&b.cx, args[0], to, ov_sqltype_native(to), 0, 0, &e, &b.err);
        } else {
            bool three = strstr(name, "REPLACE") || strstr(name, "SHIFT") || strstr(name, "SPLIT");
            st = ov_expr_call(&b.cx, ov_slice_cstr(name), args, three ? 3 : 2, 0, 0, &e, &b.err);
        }
        if (st == OV_OK) { /* what could not be folded fails when it runs */
            ov_vec v;
            ov_batch one = {.rows = 1, .sel_rows = 1};
            st = ov_eval_expr(b.ev, e, &one, &v, &b.err);
            ov_eval_next_batch(b.ev);
        }
        if (st != OV_OK && (b.err.text[0] == 0 || st == OV_INTERNAL))
            fail_msg("%s: %s, \"%s\"", name, ov_status_name(st), b.err.text);
        if (i % 200 == 0) {
            ov_arena_fini(&b.arena);
            ov_arena_init(&b.arena, "test", NULL);
        }
    }
    tear_down(&b);
}

/* Columns replaced by expressions: equal trees, constants folded, what is decided simplified. */
static void test_rebase(void **state)
{
    (void)state;
    static const lib_column columns[] = {{{.id = OV_TYPE_LONG}, OV_SQL_BIGINT}, {{.id = OV_TYPE_LONG}, OV_SQL_BIGINT}};
    static const struct {
        const char *tree, *zero, *one, *printed;
    } cases[] = {
        {"`+`($0, $1)", "`*`($1, 2)", "$0", "(($1 * 2) + $0)"},
        {"AND(`>`($0, 5), `>`($1, 5))", "7", "$0", "($0 > 5)"},
        {"AND(`>`($0, 5), `>`($1, 5))", "3", "$0", "FALSE"},
        {"CASE(`>`($0, 5), $1, 0)", "7", "`+`($1, 1)", "($1 + 1)"},
        {"`/`($0, $1)", "1", "0", "(1 / 0)"},
        {"IN($0, 1, 2, 3)", "2", "$0", "TRUE"},
        {"COALESCE($0, $1)", "CAST:BIGINT(NULL)", "$1", "$1"},
    };
    bench b;
    set_up(&b);
    for (size_t i = 0; i < OV_COUNT_OF(cases); i++) {
        const ov_expr *e, *map[2], *out, *again;
        check_ok(lib_parse(cases[i].tree, &b.cx, columns, &e, &b.err), &b.err);
        check_ok(lib_parse(cases[i].zero, &b.cx, columns, &map[0], &b.err), &b.err);
        check_ok(lib_parse(cases[i].one, &b.cx, columns, &map[1], &b.err), &b.err);
        check_ok(ov_expr_rebase(&b.cx, e, map, &out, &b.err), &b.err);
        check_ok(ov_expr_rebase(&b.cx, e, map, &again, &b.err), &b.err);
        assert_true(ov_expr_equal(out, again));
        assert_true(ov_expr_hash(out) == ov_expr_hash(again));
        assert_false(ov_expr_equal(out, e));
        ov_buf text;
        ov_buf_init(&text);
        check_ok(ov_expr_print(out, &text, &b.err), &b.err);
        check_slice(ov_buf_slice(&text), cases[i].printed);
        ov_buf_fini(&text);
    }
    tear_down(&b);
}

/* The ends of the number line, and zeros of both signs, in a list long enough for a hash. */
static void test_set_edges(void **state)
{
    (void)state;
    bench b;
    set_up(&b);
    const ov_expr *items[100], *reals[100], *x, *e;
    static const int64_t edge[] = {INT64_MIN, INT64_MIN + 1, INT64_MAX, 0, -1};
    for (int i = 0; i < 100; i++) {
        int64_t v = i < 5 ? edge[i] : 1000 + i;
        check_ok(ov_expr_i64(&b.cx, OV_SQL_BIGINT, v, &items[i], &b.err), &b.err);
        check_ok(ov_expr_f64(&b.cx, OV_SQL_DOUBLE, i ? i + 0.5 : -0.0, &reals[i], &b.err), &b.err);
    }
    static const struct {
        int64_t v;
        bool in;
    } longs[] = {{INT64_MIN, true}, {INT64_MIN + 1, true}, {INT64_MIN + 2, false}, {INT64_MAX, true}, {0, true},
                 {-1, true},        {-2, false},           {1005, true},           {1004, false}};
    for (size_t i = 0; i < OV_COUNT_OF(longs); i++) {
        check_ok(ov_expr_i64(&b.cx, OV_SQL_BIGINT, longs[i].v, &x, &b.err), &b.err);
        check_ok(ov_expr_in(&b.cx, x, items, 100, 0, 0, &e, &b.err), &b.err);
        assert_int_equal(ov_expr_is_true(e), longs[i].in);
    }
    static const struct {
        double v;
        bool in;
    } doubles[] = {{0.0, true}, {-0.0, true}, {1.5, true}, {2, false}, {99.5, true}, {100.5, false}, {-1, false}};
    for (size_t i = 0; i < OV_COUNT_OF(doubles); i++) {
        check_ok(ov_expr_f64(&b.cx, OV_SQL_DOUBLE, doubles[i].v, &x, &b.err), &b.err);
        check_ok(ov_expr_in(&b.cx, x, reals, 100, 0, 0, &e, &b.err), &b.err);
        assert_int_equal(ov_expr_is_true(e), doubles[i].in);
    }
    check_ok(ov_expr_f64(&b.cx, OV_SQL_DOUBLE, (double)NAN, &x, &b.err), &b.err);
    check_ok(ov_expr_in(&b.cx, x, reals, 100, 0, 0, &e, &b.err), &b.err);
    assert_false(ov_expr_is_true(e));
    tear_down(&b);
}

/* Lists of any length, in any order, with repeats. */
static void test_sets(void **state)
{
    (void)state;
    bench b;
    set_up(&b);
    static const uint32_t sizes[] = {2, 3, 8, 9, 100, 5000};
    for (size_t k = 0; k < OV_COUNT_OF(sizes); k++) {
        const ov_expr **items, *e, *x;
        bool in[20000] = {0};
        int64_t value[1000];
        check_ok(ov_arena_alloc(&b.arena, sizes[k] * sizeof *items, &items, &b.err), &b.err);
        for (uint32_t i = 0; i < sizes[k]; i++) {
            uint32_t v = below(20000);
            in[v] = true;
            check_ok(ov_expr_i64(&b.cx, OV_SQL_BIGINT, (int64_t)v - 10000, &items[i], &b.err), &b.err);
        }
        check_ok(ov_expr_column(&b.cx, 0, OV_T(OV_TYPE_LONG), OV_SQL_BIGINT, true, &x, &b.err), &b.err);
        check_ok(ov_expr_in(&b.cx, x, items, sizes[k], 0, 0, &e, &b.err), &b.err);
        for (int i = 0; i < 1000; i++)
            value[i] = (int64_t)below(20000) - 10000;
        for (int i = 0; i < 1000; i += 3)
            value[i] = items[below(sizes[k])]->constant.i;
        int64_t *lanes;
        check_ok(ov_arena_lanes(&b.arena, 1024 * 8, &lanes, &b.err), &b.err);
        memcpy(lanes, value, sizeof value);
        ov_vec col = ov_vec_flat(OV_T(OV_TYPE_LONG), lanes, NULL, 1000);
        ov_batch batch = {.rows = 1000, .cols = 1, .col = &col, .sel_rows = 1000};
        uint64_t yes[16];
        check_ok(ov_eval_filter(b.ev, e, &batch, yes, NULL, NULL, &b.err), &b.err);
        for (size_t i = 0; i < 1000; i++)
            assert_int_equal(ov_bits_test(yes, i), in[value[i] + 10000]);
    }
    tear_down(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_like),  cmocka_unit_test(test_logic), cmocka_unit_test(test_round),
        cmocka_unit_test(test_noise), cmocka_unit_test(test_sets),  cmocka_unit_test(test_set_edges),
        cmocka_unit_test(test_rebase),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
