/*
 * The order of rows by texts that begin alike, end within each other, or hold zeros, beside NULLs and a second key: references sorted step by
 * step against all rows compared in full.
 */
#include "query/exec/sort_int.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/bits.h"

enum { PARTS = 3, PART_ROWS = 200, ALL = PARTS * PART_ROWS, TEXTS = 120, MOST_BYTES = 1400 };

typedef struct sample {
    char bytes[TEXTS][MOST_BYTES];
    ov_slice text[TEXTS];
    ov_slice value[PARTS][PART_ROWS];
    uint64_t valid[PARTS][PART_ROWS / 64 + 1];
    int64_t number[PARTS][PART_ROWS];
    ov_vec col[PARTS][2];
    sort_part part[PARTS];
} sample;

static uint32_t random_below(uint64_t *seed, uint32_t n)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33) % n;
}

/* Each text goes on from an earlier one, with few different bytes, zero among them; some beginnings are long. */
static void make_texts(sample *s, uint64_t *seed)
{
    for (uint32_t t = 0; t < TEXTS; t++) {
        ov_slice from = t ? s->text[random_below(seed, t)] : (ov_slice){"", 0};
        size_t n = OV_MIN(from.n, (size_t)MOST_BYTES / 2), more = random_below(seed, random_below(seed, 8) == 0 ? MOST_BYTES / 2 : 12);
        uint32_t kinds = 1 + random_below(seed, 3);
        if (n)
            memcpy(s->bytes[t], from.p, n);
        for (size_t i = 0; i < more; i++)
            s->bytes[t][n + i] = "a\0\xff"[random_below(seed, kinds)];
        s->text[t] = (ov_slice){s->bytes[t], n + more};
    }
}

static void make_rows(sample *s, uint64_t *seed)
{
    for (uint32_t p = 0; p < PARTS; p++) {
        memset(s->valid[p], 0, sizeof(s->valid[p]));
        for (uint32_t i = 0; i < PART_ROWS; i++) {
            s->value[p][i] = s->text[random_below(seed, TEXTS)];
            s->number[p][i] = random_below(seed, 3);
            if (random_below(seed, 20))
                ov_bits_set(s->valid[p], i);
        }
        s->col[p][0] = ov_vec_flat((ov_type){.id = OV_TYPE_STRING}, s->value[p], s->valid[p], PART_ROWS);
        s->col[p][1] = ov_vec_flat((ov_type){.id = OV_TYPE_LONG}, s->number[p], NULL, PART_ROWS);
        s->part[p] = (sort_part){.batch = {.rows = PART_ROWS, .cols = 2, .col = s->col[p], .sel_rows = PART_ROWS}, .ordinal = p * PART_ROWS};
    }
}

static void check_order(const sample *s, const sort_sink *sink, uint64_t keep)
{
    static ovi_ref refs[ALL], tmp[ALL], want[ALL];
    for (uint32_t i = 0; i < ALL; i++) {
        ovi_ref x = {.item = i % PART_ROWS, .part = i / PART_ROWS};
        uint32_t at = i;
        refs[i] = x;
        for (; at > 0 && ovi_sort_before(sink, &s->part[x.part], x.item, &s->part[want[at - 1].part], want[at - 1].item); at--)
            want[at] = want[at - 1];
        want[at] = x;
    }
    size_t n = ovi_sort_order(sink, s->part, refs, tmp, ALL, keep, NULL, NULL, NULL);
    assert_int_equal(n, OV_MIN(keep, (uint64_t)ALL));
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(refs[i].part, want[i].part);
        assert_int_equal(refs[i].item, want[i].item);
    }
}

static void test_texts(void **state)
{
    (void)state;
    static sample s;
    static const uint64_t keeps[] = {1, 7, 100, ALL - 1, OV_NO_LIMIT};
    uint64_t seed = 11;
    for (int round = 0; round < 12; round++) {
        make_texts(&s, &seed);
        make_rows(&s, &seed);
        for (uint32_t way = 0; way < 8; way++) {
            const bool text_first = way & 1, descending = way & 2, nulls_first = way & 4;
            const ov_sort_key keys[] = {{.column = !text_first, .descending = descending, .nulls_first = nulls_first},
                                        {.column = text_first, .descending = !descending, .nulls_first = nulls_first}};
            const sort_sink sink = {.keys = keys, .key_count = 2, .cols = 2};
            for (size_t k = 0; k < OV_COUNT_OF(keeps); k++)
                check_order(&s, &sink, keeps[k]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_texts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
