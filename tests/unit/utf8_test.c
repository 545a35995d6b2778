#include "tests/unit/harness.h"

#include "base/suggest.h"
#include "base/utf8.h"

static ov_buf buf;

static int set_up(void **state)
{
    (void)state;
    ov_buf_init(&buf);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ov_buf_fini(&buf);
    return 0;
}

static void check_map(void (*map)(ov_slice, ov_buf *), const char *text, const char *want)
{
    ov_buf_clear(&buf);
    map(ov_slice_cstr(text), &buf);
    check_slice(ov_buf_slice(&buf), want);
}

static void test_every_code_point(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        char text[4];
        size_t n = ov_utf8_put(c, text);
        const char *at = text;
        bool scalar = c < 0xD800 || c > 0xDFFF;
        assert_true(ov_utf8_valid(ov_slice_make(text, n)));
        assert_int_equal(ov_utf8_next(&at, text + n), scalar ? c : 0xFFFD);
        assert_ptr_equal(at, text + n);
        assert_int_equal(ov_utf16_count(ov_slice_make(text, n)), scalar && c > 0xFFFF ? 2 : 1);
    }
}

/* Against a reference that follows the table of well-formed sequences (Unicode 3.9, table 3-7)
 * literally. */
static bool reference_valid(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t left = n - i;
        const unsigned char *s = p + i;
#define TAIL(k) (left > (k) && s[k] >= 0x80 && s[k] <= 0xBF)
        if (s[0] <= 0x7F)
            i += 1;
        else if (s[0] >= 0xC2 && s[0] <= 0xDF && TAIL(1))
            i += 2;
        else if (left > 2 && TAIL(1) && TAIL(2) &&
                 ((s[0] == 0xE0 && s[1] >= 0xA0) || (s[0] >= 0xE1 && s[0] <= 0xEC) ||
                  (s[0] == 0xED && s[1] <= 0x9F) || s[0] == 0xEE || s[0] == 0xEF))
            i += 3;
        else if (left > 3 && TAIL(1) && TAIL(2) && TAIL(3) &&
                 ((s[0] == 0xF0 && s[1] >= 0x90) || (s[0] >= 0xF1 && s[0] <= 0xF3) ||
                  (s[0] == 0xF4 && s[1] <= 0x8F)))
            i += 4;
        else
            return false;
#undef TAIL
    }
    return true;
}

static void test_validity(void **state)
{
    (void)state;
    static const unsigned char edge[] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF,
                                         0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE,
                                         0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF};
    enum { E = sizeof edge };
    unsigned char text[4];
    for (size_t a = 0; a < E; a++)
        for (size_t b = 0; b < E; b++)
            for (size_t c = 0; c < E; c++)
                for (size_t d = 0; d < E; d++) {
                    text[0] = edge[a];
                    text[1] = edge[b];
                    text[2] = edge[c];
                    text[3] = edge[d];
                    ov_slice s = ov_slice_make(text, 4);
                    assert_int_equal(ov_utf8_valid(s), reference_valid(text, 4));
                    size_t good = ov_utf8_valid_prefix(s);
                    assert_true(reference_valid(text, good));
                    ov_buf_clear(&buf);
                    ov_utf8_repair(s, &buf);
                    assert_true(ov_utf8_valid(ov_buf_slice(&buf)));
                }
}

static void test_repair(void **state)
{
    (void)state;
    check_map(ov_utf8_repair, "plain é😀", "plain é😀");
    check_map(ov_utf8_repair,
              "a\xff"
              "b",
              "a\uFFFDb");
    check_map(ov_utf8_repair, "\xe2\x82", "\uFFFD");
    check_map(ov_utf8_repair, "\xf0\x9f\x98z", "\uFFFDz");
    check_map(ov_utf8_repair, "\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD");
    check_map(ov_utf8_repair, "\xc0\xaf", "\uFFFD\uFFFD");
}

/* Counts of stretches of bytes are those of their bytes, wherever words begin and end. */
static void test_counts(void **state)
{
    (void)state;
    static const char *const pieces[] = {"a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "0123456789abcdefghijklmnopqrstuvwxyz"};
    static const size_t units[] = {1, 1, 1, 2, 36}, points[] = {1, 1, 1, 1, 36};
    char text[1024];
    uint32_t state32 = 7;
    for (int round = 0; round < 2000; round++) {
        size_t n = 0, want = 0, want_points = 0;
        for (uint32_t i = 0, parts = state32 % 40; i < parts; i++) {
            state32 = state32 * 1664525u + 1013904223u;
            uint32_t which = state32 >> 24 & 7;
            which = which > 4 ? 0 : which;
            if (n + strlen(pieces[which]) > sizeof(text))
                break;
            memcpy(text + n, pieces[which], strlen(pieces[which]));
            n += strlen(pieces[which]);
            want += units[which];
            want_points += points[which];
        }
        state32 = state32 * 1664525u + 1013904223u;
        assert_int_equal(ov_utf16_count(ov_slice_make(text, n)), want);
        assert_int_equal(ov_utf8_count(ov_slice_make(text, n)), want_points);
    }
}

static void test_units(void **state)
{
    (void)state;
    ov_slice s = OV_SLICE_LIT("aé€😀z");
    assert_int_equal(ov_utf8_count(s), 5);
    assert_int_equal(ov_utf16_count(s), 6);
    check_slice(ov_utf16_sub(s, 0, 2), "aé");
    check_slice(ov_utf16_sub(s, 2, 3), "€😀");
    check_slice(ov_utf16_sub(s, 2, 2), "€"); /* half of the pair stays out */
    check_slice(ov_utf16_sub(s, 4, 2), "z");
    check_slice(ov_utf16_sub(s, 3, SIZE_MAX), "😀z");
    check_slice(ov_utf16_sub(s, 6, 1), "");
    check_slice(ov_utf16_sub(s, 100, 1), "");
    check_slice(ov_utf16_sub(s, 1, 0), "");
    assert_int_equal(ov_utf16_offset(s, 3), 6);
    assert_int_equal(ov_utf16_offset(s, 5), 10);
    assert_int_equal(ov_utf16_offset(s, 99), s.n);
    assert_int_equal(ov_utf16_index(s, 6), 3);
    assert_int_equal(ov_utf16_index(s, 99), 6);
}

static void test_case_and_width(void **state)
{
    (void)state;
    check_map(ov_utf8_upper, "straße éÿǆ ﬁ ı", "STRASSE ÉŸǄ FI I");
    check_map(ov_utf8_lower, "ÀÉ ΣΑΣ İ ABC", "àé σασ i̇ abc");
    check_map(ov_utf8_reverse, "aé😀", "😀éa");
    assert_int_equal(ov_utf8_width(OV_SLICE_LIT("abc")), 3);
    assert_int_equal(ov_utf8_width(OV_SLICE_LIT("한국é")), 5);
    assert_int_equal(ov_utf8_width(OV_SLICE_LIT("e\u0301\n")), 1);
}

static void test_suggestions(void **state)
{
    (void)state;
    assert_int_equal(ov_edit_distance(OV_SLICE_LIT("kitten"), OV_SLICE_LIT("sitting"), 9), 3);
    assert_int_equal(ov_edit_distance(OV_SLICE_LIT("ab"), OV_SLICE_LIT("ba"), 9), 1);
    assert_int_equal(ov_edit_distance(OV_SLICE_LIT("ABC"), OV_SLICE_LIT("abc"), 9), 0);
    assert_int_equal(ov_edit_distance(OV_SLICE_LIT(""), OV_SLICE_LIT("abc"), 9), 3);
    assert_int_equal(ov_edit_distance(OV_SLICE_LIT("abcdef"), OV_SLICE_LIT("uvwxyz"), 2), 3);
    static const char *const names[] = {"timestampSpec", "dimensionsSpec", "metricsSpec"};
    check_slice(ov_suggest_of(OV_SLICE_LIT("timestampSepc"), names, 3), "timestampSpec");
    check_slice(ov_suggest_of(OV_SLICE_LIT("DIMENSIONSSPEC"), names, 3), "dimensionsSpec");
    check_slice(ov_suggest_of(OV_SLICE_LIT("granularity"), names, 3), "");
    check_slice(ov_suggest_of(OV_SLICE_LIT(""), names, 3), "");
    static const char *const columns[] = {"countryIsoCode", "cityName", "countryName", "regionName", "id", "COUNTRIES"};
    check_slice(ov_suggest_of(OV_SLICE_LIT("country"), columns, 5), "countryName");
    check_slice(ov_suggest_of(OV_SLICE_LIT("country"), columns, 6), "countryName"); /* three edits are too many for seven letters */
    check_slice(ov_suggest_of(OV_SLICE_LIT("COUNTRYISO"), columns, 5), "countryIsoCode");
    check_slice(ov_suggest_of(OV_SLICE_LIT("isoCode"), columns, 6), "countryIsoCode");
    check_slice(ov_suggest_of(OV_SLICE_LIT("user_regionName"), columns, 6), "regionName");
    check_slice(ov_suggest_of(OV_SLICE_LIT("Name"), columns, 6), "cityName");
    check_slice(ov_suggest_of(OV_SLICE_LIT("channel_id"), columns, 6), ""); /* two letters say nothing */
    check_slice(ov_suggest_of(OV_SLICE_LIT("countryNam"), columns, 6), "countryName");
    char long_word[200];
    memset(long_word, 'x', sizeof long_word);
    check_slice(ov_suggest_of((ov_slice){long_word, sizeof long_word}, names, 3), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_point), cmocka_unit_test(test_validity),
        cmocka_unit_test(test_repair),           cmocka_unit_test(test_counts),
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_case_and_width),   cmocka_unit_test(test_suggestions),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
