/*
 * Columns that follow from others: what the tables say is what stands in every row, they are there for all pairs that
 * hold and for no other, and files that lie are found out.
 */
#include "base/file.h"
#include "base/mem.h"
#include "tests/lib/segment_reseal.h"
#include "storage/segment/format.h"
#include "segment_lib.h"

enum { ROWS = 3 * OV_BATCH_ROWS + 100, TOWNS = 40, TIME = 0, TOWN, LAND, HEIGHT, NEARLY, SELF, TAGS, ALWAYS, COLUMNS };

static const ov_build_column columns[COLUMNS] = {
    [TIME] = {.name = {"__time", 6}, .type = {.id = OV_TYPE_LONG}, .role = OV_ROLE_TIME},
    [TOWN] = {.name = {"town", 4}, .type = {.id = OV_TYPE_STRING}, .role = OV_ROLE_DIMENSION, .indexed = true},
    [LAND] = {.name = {"land", 4}, .type = {.id = OV_TYPE_STRING}, .role = OV_ROLE_DIMENSION, .indexed = true},
    [HEIGHT] = {.name = {"height", 6}, .type = {.id = OV_TYPE_DOUBLE}, .role = OV_ROLE_DIMENSION},
    [NEARLY] = {.name = {"nearly", 6}, .type = {.id = OV_TYPE_STRING}, .role = OV_ROLE_DIMENSION, .indexed = true},
    [SELF] = {.name = {"self", 4}, .type = {.id = OV_TYPE_STRING}, .role = OV_ROLE_DIMENSION, .indexed = true},
    [TAGS] = {.name = {"tags", 4}, .type = {.id = OV_TYPE_STRING, .multi = 1}, .role = OV_ROLE_DIMENSION, .indexed = true},
    [ALWAYS] = {.name = {"always", 6}, .type = {.id = OV_TYPE_STRING}, .role = OV_ROLE_DIMENSION, .indexed = true},
};

/* Town t, some of them without a name, lies in land t % 7, some of which have none, at a height of its own; `nearly` is the
 * land but in the last row. */
static void build(const char *path, bool sorted)
{
    ov_segment_builder *b;
    ov_arena a;
    uint32_t sort[] = {LAND, TOWN, TIME};
    ov_build_schema schema = {.datasource = OV_SLICE_LIT("t"), .version = OV_SLICE_LIT("v"), .end_ms = INT64_C(1) << 40,
                              .columns = columns, .column_count = COLUMNS, .sort = sort, .sort_count = sorted ? 3 : 0};
    OK(ov_segment_builder_create(&schema, NULL, &b, &err));
    ov_arena_init(&a, "test", NULL);
    rng_state = 11;
    for (uint32_t done = 0; done < ROWS;) {
        uint32_t n = OV_MIN(ROWS - done, (uint32_t)OV_BATCH_ROWS), *offsets;
        void *lanes[COLUMNS];
        uint64_t *valid[COLUMNS];
        ov_vec col[COLUMNS];
        for (uint32_t c = 0; c < COLUMNS; c++) {
            OK(ov_arena_lanes(&a, (n + 64) * sizeof(ov_slice), &lanes[c], &err));
            OK(ov_arena_lanes(&a, (ov_words(n) + 1) * 8, &valid[c], &err));
            ov_bits_fill(valid[c], n, true);
        }
        OK(ov_arena_lanes(&a, (n + 64) * 4, &offsets, &err));
        for (uint32_t i = 0; i <= n; i++)
            offsets[i] = i;
        for (uint32_t i = 0; i < n; i++) {
            uint32_t row = done + i, town = below(TOWNS), land = town % 7;
            ((int64_t *)lanes[TIME])[i] = row;
            OK(ov_arena_printf(&a, &((ov_slice *)lanes[TOWN])[i], &err, "town %u", town * 31 % TOWNS));
            OK(ov_arena_printf(&a, &((ov_slice *)lanes[LAND])[i], &err, "land %u", land));
            ((ov_slice *)lanes[NEARLY])[i] = ((ov_slice *)lanes[LAND])[i];
            if (row == ROWS - 1)
                ((ov_slice *)lanes[NEARLY])[i] = OV_SLICE_LIT("another");
            ((double *)lanes[HEIGHT])[i] = sin(town) * 1000;
            OK(ov_arena_printf(&a, &((ov_slice *)lanes[SELF])[i], &err, "row %u", row));
            ((ov_slice *)lanes[TAGS])[i] = ((ov_slice *)lanes[TOWN])[i];
            ((ov_slice *)lanes[ALWAYS])[i] = OV_SLICE_LIT("always");
            ov_bits_put(valid[TOWN], i, town != 5);
            ov_bits_put(valid[LAND], i, land != 3);
            ov_bits_put(valid[HEIGHT], i, town != 5 && town != 6);
        }
        for (uint32_t c = 0; c < COLUMNS; c++)
            col[c] = ov_vec_flat(c == TAGS ? OV_T(OV_TYPE_STRING) : columns[c].type, lanes[c], valid[c], n);
        ov_vec child = col[TAGS];
        col[TAGS] = (ov_vec){.type = columns[TAGS].type, .enc = OV_ENC_LIST, .rows = n, .child = &child, .offsets = offsets};
        if (done == 0) { /* one row with two values, so that it stays a list */
            for (uint32_t i = 1; i < n; i++)
                offsets[i] = i + 1;
            offsets[n] = n;
        }
        ov_batch batch = {.rows = n, .cols = COLUMNS, .col = col, .sel_rows = n};
        OK(ov_segment_builder_add(b, &batch, &err));
        ov_arena_reset(&a);
        done += n;
    }
    OK(ov_segment_builder_seal(b, path, NULL, NULL, &err));
    ov_segment_builder_destroy(b);
    ov_arena_fini(&a);
}

/* Whether the file knows c by x; what it says is held against all rows. */
static bool knows(const ov_segment *seg, uint32_t c, uint32_t x)
{
    const ov_column *col = ov_segment_column(seg, c), *by = ov_segment_column(seg, x);
    ov_arena a;
    bool known = true, all_known;
    const ov_domain *d;
    uint32_t *codes;
    ov_arena_init(&a, "test", NULL);
    OK(ov_column_domain(by, &d, &err));
    codes = ov_calloc(d->count, sizeof(*codes));
    OK(ov_column_given_codes(col, by, codes, d->count, &all_known, &err));
    for (uint32_t b = 0; known && b < ov_column_get_info(col)->blocks; b++) {
        ov_vec v, of;
        OK(ov_column_read(col, b, &a, &v, &err));
        OK(ov_column_read(by, b, &a, &of, &err));
        for (uint32_t i = 0; known && i < v.rows; i++) {
            uint32_t code;
            OK(ov_column_given(col, by, ov_vec_code(&of, i), &known, &code, &err));
            assert_true(known == all_known);
            if (known)
                assert_int_equal(code, ov_vec_code(&v, i));
            if (known)
                assert_int_equal(code, codes[ov_vec_code(&of, i)]);
        }
        ov_arena_reset(&a);
    }
    ov_arena_fini(&a);
    ov_free(codes);
    return known;
}

static void pairs_that_hold_are_known(void **state)
{
    (void)state;
    const char *path = temp_path("given");
    for (int sorted = 0; sorted < 2; sorted++) {
        ov_segment *seg;
        build(path, sorted);
        OK(ov_segment_verify(path, &err));
        OK(ov_segment_open(path, &seg, &err));
        bool coded = ov_column_get_info(ov_segment_column(seg, HEIGHT))->dict;
        assert_true(coded == !sorted); /* in order it comes in runs, which need no dictionary */
        assert_true(ov_column_get_info(ov_segment_column(seg, TAGS))->type.multi);
        assert_true(knows(seg, LAND, TOWN));
        assert_true(knows(seg, HEIGHT, TOWN) == coded);
        assert_false(knows(seg, TOWN, LAND));
        assert_false(knows(seg, HEIGHT, LAND));
        assert_false(knows(seg, NEARLY, LAND));
        assert_false(knows(seg, NEARLY, TOWN));
        assert_true(knows(seg, LAND, NEARLY)); /* though not the other way round */
        assert_false(knows(seg, LAND, SELF)); /* unique values give everything and are worth nothing */
        assert_false(knows(seg, LAND, TAGS));
        assert_false(knows(seg, TAGS, TOWN));
        ov_segment_release(seg);
        unlink(path);
    }
}

/* Where the section of a column lies in the bytes: entry and table are told by their contents. */
static char *find_entry(char *bytes, size_t n, uint32_t column, uint32_t codes)
{
    for (size_t at = 0; at + OV_SEG_ALIGN + codes <= n; at += OV_SEG_ALIGN) {
        ov_given_entry e;
        memcpy(&e, bytes + at, sizeof e);
        if (e.column == column && e.codes == codes && e.lane == 1 && e.more == 0 && e.zero == 0 && e.offset == OV_SEG_ALIGN)
            return bytes + at;
    }
    fail_msg("no table of column %u with %u codes", column, codes);
    return NULL;
}

static void put_bytes(const char *path, char *bytes, size_t n)
{
    assert_true(segment_reseal(bytes, n));
    FILE *f = fopen(path, "wb");
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

static void lies_are_found_out(void **state)
{
    (void)state;
    const char *path = temp_path("lies");
    static const struct {
        size_t at;
        char value;
        const char *words;
    } lies[] = {
        {OV_SEG_ALIGN + 3, 0, "its code in column 1 gives 0"}, {OV_SEG_ALIGN + 3, 99, "gives code 99"},
        {0, 77, "does not lie in the file"},                   {0, LAND, "cannot give it"},
        {4, 7, "cannot give it"},                              {8, 3, "does not lie in the file"},
        {9, 1, "does not lie in the file"},                    {12, 1, "does not lie in the file"},
        {15, 127, "does not lie in the file"},
    };
    ov_buf b;
    build(path, false);
    ov_buf_init(&b);
    OK(ov_file_read(path, 0, &b, &err));
    char *entry = find_entry(b.p, b.n, TOWN, TOWNS);
    for (size_t i = 0; i < OV_COUNT_OF(lies); i++) {
        char was = entry[lies[i].at];
        assert_int_not_equal(was, lies[i].value);
        entry[lies[i].at] = lies[i].value;
        put_bytes(path, b.p, b.n);
        ov_status st = ov_segment_verify(path, &err);
        entry[lies[i].at] = was;
        if (st != OV_CORRUPT || !strstr(err.text, lies[i].words))
            fail_msg("lie %zu: %s: %s, instead of %s", i, ov_status_name(st), err.text, lies[i].words);
    }
    ov_buf_fini(&b);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_that_hold_are_known),
        cmocka_unit_test(lies_are_found_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
