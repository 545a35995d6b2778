/*
 * Sets of COUNT(DISTINCT): every way of adding, merging and listing pairs against a plain table of bits.
 */
#include "tests/unit/harness.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bits.h"
#include "base/hash.h"
#include "query/agg/distinct.h"

enum { GROUPS = 40, VALUES = 900, ROWS = 6000 };

static ov_error err = OV_ERROR_INIT;
static ov_budget budget;
static uint64_t seed = 1234567;

static uint32_t rnd(uint32_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % below;
}

/* What the sets must hold. */
typedef struct truth {
    uint8_t has[GROUPS][VALUES];
    uint64_t n[GROUPS];
} truth;

static void note(truth *t, uint32_t group, uint32_t value)
{
    t->n[group] += !t->has[group][value];
    t->has[group][value] = 1;
}

/* A dictionary whose codes are some of the values, in an order of its own. Code 0 is NULL. */
typedef struct dictionary {
    ov_domain domain;
    uint32_t value[VALUES + 1];
    uint32_t offsets[VALUES + 2];
    char bytes[VALUES * 8];
} dictionary;

static void make(dictionary *d, uint32_t first, uint32_t step)
{
    uint32_t count = 1, at = 0;
    d->offsets[0] = d->offsets[1] = 0;
    for (uint32_t v = first; v < VALUES; v += step, count++) {
        d->value[count] = v;
        at += (uint32_t)snprintf(d->bytes + at, 8, "v%u", v);
        d->offsets[count + 1] = at;
    }
    d->domain = (ov_domain){.id = ov_domain_next_id(), .count = count, .type = OV_T(OV_TYPE_STRING), .unique = true, .has_null = true,
                            .offsets = d->offsets, .bytes = d->bytes};
}

/* Values of a few groups each, or of all. */
static uint32_t group_of(uint32_t value, bool owned)
{
    return owned && rnd(20) ? value % GROUPS : rnd(GROUPS);
}

static void add_texts(ov_distinct *d, const dictionary *dict, bool owned, const uint32_t *map, uint64_t *n, truth *t)
{
    uint32_t group[ROWS], code[ROWS];
    for (uint32_t i = 0; i < ROWS; i++) {
        code[i] = i && rnd(3) ? code[i - 1] : rnd(dict->domain.count);
        group[i] = group_of(code[i], owned);
        if (code[i])
            note(t, map ? map[group[i]] : group[i], dict->value[code[i]]);
    }
    check_ok(ov_distinct_add_texts(d, GROUPS, group, &dict->domain, code, ROWS, n, &err), &err);
}

static void check_set(const ov_distinct *d, const uint64_t *n, const truth *t)
{
    ov_arena arena;
    uint32_t all[GROUPS], used = 0, group;
    size_t *offsets, total = 0;
    uint64_t *values, value;
    ov_arena_init(&arena, "test", &budget);
    for (uint32_t g = 0; g < GROUPS; g++) {
        all[g] = g;
        assert_int_equal(n[g], t->n[g]);
        total += t->n[g];
    }
    assert_int_equal(ov_distinct_used(d), total);
    for (ov_distinct_at at = {0}; ov_distinct_next(d, &at, &group, &value); used++)
        ;
    assert_int_equal(used, total);
    check_ok(ov_distinct_list(d, GROUPS, all, GROUPS, &arena, &offsets, &values, &err), &err);
    for (uint32_t g = 0; g < GROUPS; g++) {
        assert_int_equal(offsets[g + 1] - offsets[g], t->n[g]);
        for (size_t i = offsets[g]; i < offsets[g + 1]; i++) {
            uint32_t v = (uint32_t)values[i];
            if (ov_distinct_of_text(d))
                sscanf(d->strings->text[values[i]].p, "v%u", &v);
            assert_true(t->has[g][v]);
        }
    }
    ov_arena_fini(&arena);
}

/* What d lacks of src is counted, in pieces, and is what taking src in adds. Some groups have no partner. */
static void count_then_merge(ov_distinct *d, const ov_distinct *src, uint32_t *map, uint64_t *n)
{
    uint64_t counted[GROUPS] = {0}, before[GROUPS];
    uint32_t *numbers = NULL;
    if (ov_distinct_of_text(src)) {
        numbers = calloc(src->strings->count, sizeof(*numbers));
        for (size_t at = 0; at < src->strings->slot_count; at += 100)
            ov_strtab_find_slots(d->strings, src->strings, at, OV_MIN(at + 100, (size_t)src->strings->slot_count), numbers);
    }
    map[3] = OV_NO_PARTNER;
    memcpy(before, n, sizeof(before));
    for (size_t at = 0, end = ov_distinct_places(src); at < end; at += 77)
        ov_distinct_count_missing(d, src, map, numbers, at, OV_MIN(at + 77, end), counted);
    free(numbers);
    check_ok(ov_distinct_merge(d, src, map, n, &err), &err);
    for (uint32_t g = 0; g < GROUPS; g++)
        assert_int_equal(n[g] - before[g], counted[g]);
}

/* As a worker does: a set of dense groups is emptied into that of the table again and again, then workers' are joined. */
static void texts(bool owned)
{
    static truth t[2];
    static dictionary dict[6];
    ov_distinct dense[2], table[2];
    uint64_t dense_n[GROUPS], n[2][GROUPS] = {{0}};
    uint32_t map[GROUPS];
    memset(t, 0, sizeof(t));
    for (uint32_t i = 0; i < 6; i++)
        make(&dict[i], i % 4, 1 + i);
    for (uint32_t w = 0; w < 2; w++) {
        check_ok(ov_distinct_init(&table[w], OV_T(OV_TYPE_STRING), &budget, &err), &err);
        check_ok(ov_distinct_init(&dense[w], OV_T(OV_TYPE_STRING), &budget, &err), &err);
        ov_distinct_share(&dense[w], &table[w]);
        for (uint32_t i = 0; i < 6; i++) {
            memset(dense_n, 0, sizeof(dense_n));
            for (uint32_t g = 0; g < GROUPS; g++)
                map[g] = (g * 7 + i) % GROUPS;
            add_texts(&dense[w], &dict[i], owned, map, dense_n, &t[w]);
            check_ok(ov_distinct_merge(&table[w], &dense[w], map, n[w], &err), &err);
            ov_distinct_reset(&dense[w]);
            add_texts(&table[w], &dict[(i + w) % 6], owned, NULL, n[w], &t[w]);
        }
        check_set(&table[w], n[w], &t[w]);
    }
    for (uint32_t g = 0; g < GROUPS; g++)
        map[g] = GROUPS - 1 - g;
    for (uint32_t g = 0; g < GROUPS; g++)
        for (uint32_t v = 0; v < VALUES; v++)
            if (t[1].has[g][v] && g != 3)
                note(&t[0], map[g], v);
    count_then_merge(&table[0], &table[1], map, n[0]);
    check_set(&table[0], n[0], &t[0]);
    for (uint32_t w = 0; w < 2; w++) {
        ov_distinct_fini(&dense[w]);
        ov_distinct_fini(&table[w]);
    }
}

static void add_numbers(ov_distinct *d, uint32_t groups, uint32_t values, uint64_t *n, truth *t)
{
    uint64_t value[ROWS];
    uint32_t group[ROWS];
    for (uint32_t i = 0; i < ROWS; i++) {
        group[i] = rnd(groups);
        value[i] = rnd(values);
        note(t, group[i], (uint32_t)value[i]);
    }
    check_ok(ov_distinct_add_pairs(d, group, value, ROWS, n, &err), &err);
}

/* Sets of group 0 alone have slots of another form, until another group comes: all ways between the forms. */
static void numbers(void)
{
    static truth t[2];
    for (uint32_t round = 0; round < 24; round++) {
        uint64_t n[2][GROUPS] = {{0}};
        uint32_t map[GROUPS];
        ov_distinct d[2];
        memset(t, 0, sizeof(t));
        for (uint32_t i = 0; i < 2; i++) {
            bool fresh, had;
            uint32_t values = round % 3 == 0 ? 1 : round % 3 == 1 ? 30 : VALUES;
            check_ok(ov_distinct_init(&d[i], OV_T(OV_TYPE_LONG), &budget, &err), &err);
            add_numbers(&d[i], 1, values, n[i], &t[i]);
            had = t[i].has[0][0];
            check_ok(ov_distinct_put(&d[i], 0, 0, &fresh, &err), &err);
            assert_int_equal(fresh, !had);
            n[i][0] += fresh;
            note(&t[i], 0, 0);
            if (round >> (2 + i) & 1)
                add_numbers(&d[i], GROUPS, VALUES, n[i], &t[i]);
            check_set(&d[i], n[i], &t[i]);
        }
        for (uint32_t g = 0; g < GROUPS; g++)
            map[g] = (g + round / 12) % GROUPS;
        for (uint32_t g = 0; g < GROUPS; g++)
            for (uint32_t v = 0; v < VALUES; v++)
                if (t[1].has[g][v] && g != 3)
                    note(&t[0], map[g], v);
        count_then_merge(&d[0], &d[1], map, n[0]);
        check_set(&d[0], n[0], &t[0]);
        ov_distinct_reset(&d[0]);
        assert_int_equal(ov_distinct_used(&d[0]), 0);
        ov_distinct_fini(&d[0]);
        ov_distinct_fini(&d[1]);
    }
}

/* Groups around the one from which on the first value of each has a place of its own. Value 0 stands for one that such a place cannot hold. */
enum { LOW = 1004, FAR = LOW + GROUPS };

static uint64_t far_value(uint32_t v)
{
    return v ? v : 0x9E3779B97F4A7C15u;
}

static void add_far(ov_distinct *d, uint32_t values, uint64_t *n, truth *t)
{
    uint64_t value[ROWS];
    uint32_t group[ROWS];
    for (uint32_t i = 0; i < ROWS; i++) {
        uint32_t g = rnd(GROUPS), v = rnd(3) ? g % values : rnd(values);
        bool fresh = false;
        group[i] = LOW + g;
        value[i] = far_value(v);
        if (rnd(10) == 0) { /* in front of the others */
            check_ok(ov_distinct_put(d, group[i], value[i], &fresh, &err), &err);
            n[group[i]] += fresh;
        }
        note(t, g, v);
    }
    check_ok(ov_distinct_add_pairs(d, group, value, ROWS, n, &err), &err);
}

static void check_far(const ov_distinct *d, const uint64_t *n, const truth *t)
{
    uint32_t group, used = 0;
    uint64_t value, total = 0;
    for (uint32_t g = 0; g < GROUPS; g++) {
        assert_int_equal(n[LOW + g], t->n[g]);
        total += t->n[g];
    }
    assert_int_equal(ov_distinct_used(d), total);
    for (ov_distinct_at at = {0}; ov_distinct_next(d, &at, &group, &value); used++)
        assert_true(t->has[group - LOW][value == far_value(0) ? 0 : value]);
    assert_int_equal(used, total);
}

static void far_groups(void)
{
    static truth t[2];
    static const uint32_t kinds[] = {2, 30, VALUES};
    for (uint32_t round = 0; round < 9; round++) {
        uint64_t n[2][FAR] = {{0}}, counted[FAR] = {0}, before[FAR];
        uint32_t map[FAR];
        ov_distinct d[2];
        memset(t, 0, sizeof(t));
        for (uint32_t i = 0; i < 2; i++) {
            check_ok(ov_distinct_init(&d[i], OV_T(OV_TYPE_LONG), &budget, &err), &err);
            add_far(&d[i], kinds[(round + i * (round / 3)) % 3], n[i], &t[i]);
            check_far(&d[i], n[i], &t[i]);
        }
        for (uint32_t g = 0; g < GROUPS; g++) {
            uint32_t to = (g * 7 + round) % GROUPS;
            map[LOW + g] = g == 30 ? OV_NO_PARTNER : LOW + to;
            for (uint32_t v = 0; v < VALUES && g != 30; v++)
                if (t[1].has[g][v])
                    note(&t[0], to, v);
        }
        memcpy(before, n[0], sizeof(before));
        for (size_t at = 0, end = ov_distinct_places(&d[1]); at < end; at += 77)
            ov_distinct_count_missing(&d[0], &d[1], map, NULL, at, OV_MIN(at + 77, end), counted);
        check_ok(ov_distinct_merge(&d[0], &d[1], map, n[0], &err), &err);
        for (uint32_t g = LOW; g < FAR; g++)
            assert_int_equal(n[0][g] - before[g], counted[g]);
        check_far(&d[0], n[0], &t[0]);
        ov_distinct_reset(&d[0]);
        assert_int_equal(ov_distinct_used(&d[0]), 0);
        ov_distinct_fini(&d[0]);
        ov_distinct_fini(&d[1]);
    }
}

/* A table that has strings already, some of them equal, takes in another's. */
static void strings(void)
{
    ov_strtab a, b;
    uint32_t number[VALUES + 1], again;
    char text[8];
    check_ok(ov_strtab_init(&a, &budget, &err), &err);
    check_ok(ov_strtab_init(&b, &budget, &err), &err);
    for (uint32_t v = 0; v < VALUES; v++) {
        size_t len = (size_t)snprintf(text, sizeof(text), "v%u", v);
        if (v % 3 == 0)
            check_ok(ov_strtab_add(&a, ov_slice_make(text, len), true, &again, &err), &err);
        check_ok(ov_strtab_add(&b, ov_slice_make(text, len), true, &again, &err), &err);
    }
    check_ok(ov_strtab_take(&a, &b, false, number, &err), &err);
    assert_int_equal(a.count, b.count);
    assert_int_equal(number[0], 0);
    for (uint32_t i = 1; i < b.count; i++) {
        assert_true(ov_slice_eq(a.text[number[i]], b.text[i]));
        assert_ptr_not_equal(a.text[number[i]].p, b.text[i].p);
    }
    ov_strtab_fini(&a);
    ov_strtab_fini(&b);
}

/* Many strings at once are numbered as one by one: some repeat the one before, some are NULL, some are there already. */
static void many_strings(void)
{
    enum { MANY = 3 * VALUES };
    ov_strtab a, b;
    static char text[MANY][8];
    ov_slice s[MANY];
    uint64_t valid[MANY / 64 + 1];
    uint32_t number[MANY], one;
    check_ok(ov_strtab_init(&a, &budget, &err), &err);
    check_ok(ov_strtab_init(&b, &budget, &err), &err);
    memset(valid, 0xff, sizeof(valid));
    for (uint32_t i = 0; i < MANY; i++) {
        s[i] = ov_slice_make(text[i], (size_t)snprintf(text[i], sizeof(text[i]), "v%u", i % 5 == 0 ? i * 7 % 50 : i / 4));
        if (i % 11 == 3)
            valid[i / 64] &= ~(UINT64_C(1) << i % 64);
    }
    for (int round = 0; round < 2; round++) {
        const uint64_t *some = round ? NULL : valid;
        check_ok(ov_strtab_add_all(&a, s, some, MANY, true, number, &err), &err);
        for (uint32_t i = 0; i < MANY; i++) {
            bool null = some && !(some[i / 64] >> i % 64 & 1);
            one = 0;
            if (!null)
                check_ok(ov_strtab_add(&b, s[i], true, &one, &err), &err);
            assert_int_equal(number[i], one);
        }
        assert_int_equal(a.count, b.count);
    }
    ov_strtab_fini(&a);
    ov_strtab_fini(&b);
}

static void test_all(void **state)
{
    (void)state;
    ov_budget_init(&budget, "test", SIZE_MAX, NULL);
    texts(false);
    texts(true);
    numbers();
    far_groups();
    strings();
    many_strings();
    assert_int_equal(atomic_load(&budget.used), 0);
}

/* Every hash is equal: slow, and right. */
static void test_zero(void **state)
{
    (void)state;
    ov_budget_init(&budget, "test", SIZE_MAX, NULL);
    ov_hash_force_zero(true);
    texts(true);
    numbers();
    far_groups();
    strings();
    many_strings();
    ov_hash_force_zero(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all), cmocka_unit_test(test_zero)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
