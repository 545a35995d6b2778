/* Rows that tie in many keys (query/exec/sort_ties.c): their order beside that of comparing in full, and how often parts are come to. */
#include "tests/unit/harness.h"

#include "base/bits.h"
#include "query/exec/sort_int.h"

enum { PARTS = 40, ROWS = 50 /* of a part */, ALL = PARTS * ROWS, KEYS = 300, LEVELS = 10 /* rows of one first key */ };

typedef struct world {
    ov_query_ctx cx;
    ovi_exec exec;
    ov_arena arena;
    sort_part parts[PARTS];
    ov_sort_key keys[KEYS];
    sort_sink sink;
    ovi_ref refs[ALL], tmp[ALL], wanted[ALL];
} world;

static world w;
static uint64_t seed;

static uint32_t some(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

static void *lanes(size_t bytes)
{
    ov_error err = OV_ERROR_INIT;
    void *p;
    check_ok(ov_arena_zalloc(&w.arena, bytes, &p, &err), &err);
    return p;
}

/* A row's value of key k, among few: most rows tie. Texts are longer than what their bits tell. */
static ov_vec column_of(uint32_t k, bool text, uint32_t variety)
{
    static const int64_t number[] = {7, 8, INT64_MIN, INT64_MIN + 1, INT64_MAX, INT64_MAX - 1};
    static const char *const texts[] = {"a text of some length", "a text of some other length", "", "a text\0", "a text of"};
    uint64_t *valid = k % 3 ? lanes(ov_words(ROWS) * 8 + 8) : NULL;
    ov_slice *s = lanes((ROWS + 64) * sizeof *s);
    int64_t *n = lanes((ROWS + 64) * sizeof *n);
    for (uint32_t r = 0; r < ROWS; r++) {
        uint32_t which = some(200) ? 0 : some(variety);
        n[r] = number[which % 6];
        s[r] = (ov_slice){texts[which % 5], strlen(texts[which % 5]) + (which % 5 == 3)};
        if (valid && some(300))
            ov_bits_set(valid, r);
    }
    return text ? ov_vec_flat(OV_T(OV_TYPE_STRING), s, valid, ROWS) : ov_vec_flat(OV_T(OV_TYPE_LONG), n, valid, ROWS);
}

/* The first key has as many rows of each value, in parts far from each other. */
static void make_rows(uint32_t variety)
{
    for (uint32_t p = 0; p < PARTS; p++) {
        ov_vec *col = lanes(KEYS * sizeof *col);
        int64_t *first = lanes((ROWS + 64) * sizeof *first);
        for (uint32_t r = 0; r < ROWS; r++)
            first[r] = (p * ROWS + r) % (ALL / LEVELS);
        for (uint32_t k = 0; k < KEYS; k++)
            col[k] = column_of(k, k % 5 == 4, k < 20 ? 1 : variety);
        col[0] = ov_vec_flat(OV_T(OV_TYPE_LONG), first, NULL, ROWS);
        w.parts[p] = (sort_part){.batch = {.rows = ROWS, .cols = KEYS, .col = col, .sel_rows = ROWS}, .ordinal = (uint64_t)p * ROWS};
    }
    for (uint32_t k = 0; k < KEYS; k++)
        w.keys[k] = (ov_sort_key){.column = k, .descending = k % 2, .nulls_first = k % 7 < 4};
}

static int by_all_keys(const void *x, const void *y)
{
    const ovi_ref *a = x, *b = y;
    if (a->part == b->part && a->item == b->item)
        return 0;
    return ovi_sort_before(&w.sink, &w.parts[a->part], a->item, &w.parts[b->part], b->item) ? -1 : 1;
}

static uint64_t check_order(uint64_t keep)
{
    uint64_t worst = 0, visits;
    for (uint32_t i = 0; i < ALL; i++)
        w.refs[i] = w.wanted[i] = (ovi_ref){.part = i / ROWS, .item = i % ROWS};
    qsort(w.wanted, ALL, sizeof *w.wanted, by_all_keys);
    size_t kept = ovi_sort_order(&w.sink, w.parts, w.refs, w.tmp, ALL, keep, NULL, &worst, &visits);
    assert_int_equal(kept, OV_MIN(keep, (uint64_t)ALL));
    for (size_t i = 0; i < kept; i++)
        if (w.refs[i].part != w.wanted[i].part || w.refs[i].item != w.wanted[i].item)
            fail_msg("row %zu is %u/%u, not %u/%u", i, w.refs[i].part, w.refs[i].item, w.wanted[i].part, w.wanted[i].item);
    assert_int_equal(atomic_load(&w.cx.budget.used), w.arena.total_bytes);
    return visits;
}

static int set_up(void **state)
{
    (void)state;
    seed = 1;
    ov_budget_init(&w.cx.budget, "query", (size_t)1 << 30, NULL);
    ov_arena_init(&w.arena, "rows", &w.cx.budget);
    w.exec = (ovi_exec){.cx = &w.cx};
    w.sink = (sort_sink){.exec = &w.exec, .cols = KEYS, .keys = w.keys, .key_count = KEYS, .keep = OV_NO_LIMIT};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ov_arena_fini(&w.arena);
    return 0;
}

static void order_is_that_of_comparing(void **state)
{
    (void)state;
    for (uint32_t variety = 1; variety < 8; variety++) {
        make_rows(variety);
        for (uint32_t keys = 3; keys <= KEYS; keys = keys * 3 / 2 + 1) {
            w.sink.key_count = keys;
            check_order(OV_NO_LIMIT);
            check_order(77);
        }
    }
}

static void order_without_memory(void **state)
{
    (void)state;
    make_rows(7);
    w.cx.budget.limit = atomic_load(&w.cx.budget.used) + 100;
    check_order(OV_NO_LIMIT);
}

/* Ten rows of each first key lie in parts of their own: looked up one by one, each key of each row would be a visit. */
static void parts_are_come_to_seldom(void **state)
{
    (void)state;
    make_rows(1);
    uint64_t visits = check_order(OV_NO_LIMIT);
    assert_in_range(visits, 1, PARTS * KEYS);
}

/* Rows that have their place are not read for the keys behind. */
static void places_end_the_reading(void **state)
{
    (void)state;
    make_rows(1);
    for (uint32_t p = 0; p < PARTS; p++) {
        int64_t *n = lanes((ROWS + 64) * sizeof *n);
        for (uint32_t r = 0; r < ROWS; r++)
            n[r] = p; /* the fourth key tells all rows of one first key from each other */
        w.parts[p].batch.col[3] = ov_vec_flat(OV_T(OV_TYPE_LONG), n, NULL, ROWS);
    }
    uint64_t visits = check_order(OV_NO_LIMIT);
    assert_in_range(visits, 1, PARTS * 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(order_is_that_of_comparing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(order_without_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(parts_are_come_to_seldom, set_up, tear_down),
        cmocka_unit_test_setup_teardown(places_end_the_reading, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
