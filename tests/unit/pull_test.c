/* Parts of pulling that need no server: templates, verdicts on answers, waits, links, signatures, secrets, cursors. */
#include <stdio.h>
#include <stdlib.h>

#include "ingest/pull/pull_listing.h"
#include "tests/unit/harness.h"

static ov_error err;

static void check_text(ov_buf *b, const char *want)
{
    check_slice(ov_buf_slice(b), want);
    ov_buf_clear(b);
}

static void test_templates(void **state)
{
    ovi_pair at[] = {{OV_SLICE_LIT("repo"), OV_SLICE_LIT("a b/c&d")}, {OV_SLICE_LIT("n"), OV_SLICE_LIT("5")}};
    ovi_pairs set = {at, 2};
    ovi_names names = {.sets = {&set}, .set_count = 1, .has_interval = true, .interval = {INT64_C(1420117200000), INT64_C(1420120800000)}};
    bool missing;
    ov_buf b;
    (void)state;
    ov_buf_init(&b);
    check_ok(ovi_template_expand(OV_SLICE_LIT("/{repo}/{+repo}?{n}"), &names, true, &b, &missing, &err), &err);
    assert_false(missing);
    check_text(&b, "/a%20b%2Fc%26d/a%20b/c%26d?5");
    check_ok(ovi_template_expand(OV_SLICE_LIT("{repo}"), &names, false, &b, &missing, &err), &err);
    check_text(&b, "a b/c&d");
    check_ok(ovi_template_expand(OV_SLICE_LIT("{interval.start|yyyy-MM-dd-H}.gz {interval.end|posix}"), &names, false, &b, &missing, &err), &err);
    check_text(&b, "2015-01-01-13.gz 1420120800");
    check_ok(ovi_template_expand(OV_SLICE_LIT("{repo|sha256}"), &names, false, &b, &missing, &err), &err);
    assert_int_equal(b.n, 16);
    ov_buf_clear(&b);
    check_ok(ovi_template_expand(OV_SLICE_LIT("{none}"), &names, false, &b, &missing, &err), &err);
    assert_true(missing);
    check_fails(ovi_template_expand(OV_SLICE_LIT("{open"), &names, false, &b, &missing, &err), &err, OV_INVALID, "no '}'");
    check_fails(ovi_template_expand(OV_SLICE_LIT("{}"), &names, false, &b, &missing, &err), &err, OV_INVALID, "empty");
    check_fails(ovi_template_expand(OV_SLICE_LIT("{n|md5}"), &names, false, &b, &missing, &err), &err, OV_INVALID, "sha256");
    ov_buf_fini(&b);
}

static ovi_reply answered(int status)
{
    return (ovi_reply){.status = status, .retry_after_ms = -1, .remaining = -1, .reset_wall_ms = -1, .date_wall_ms = -1};
}

static void test_verdicts(void **state)
{
    static int64_t empty[] = {204, 409}, missing[] = {404, 410};
    ovi_pull_source s = {.status_empty = {empty, 2}, .status_missing = {missing, 2}};
    ovi_pull_limits l = {.retries = 2, .polls = 2, .poll_ms = 3000, .backoff_ms = 1000, .max_backoff_ms = 60000, .max_wait_ms = 3600000};
    const struct {
        int status;
        ovi_verdict want;
    } plain[] = {{200, OVI_ACCEPT}, {304, OVI_UNCHANGED}, {204, OVI_EMPTY}, {409, OVI_EMPTY}, {404, OVI_MISSING}, {202, OVI_POLL},
                 {500, OVI_RETRY},  {503, OVI_RETRY},     {408, OVI_RETRY}, {429, OVI_LIMITED}, {403, OVI_FAIL},  {401, OVI_FAIL},
                 {400, OVI_FAIL},   {501, OVI_FAIL},      {302, OVI_FAIL}};
    int64_t wait;
    (void)state;
    for (size_t i = 0; i < OV_COUNT_OF(plain); i++) {
        ovi_reply r = answered(plain[i].status);
        assert_int_equal(ovi_reply_judge(&r, &s, &l, 0, 0, 0, 7, &wait), plain[i].want);
    }
    ovi_reply r = answered(503);
    assert_int_equal(ovi_reply_judge(&r, &s, &l, 2, 0, 0, 7, &wait), OVI_FAIL);
    r.retry_after_ms = 9000;
    assert_int_equal(ovi_reply_judge(&r, &s, &l, 0, 0, 0, 7, &wait), OVI_RETRY);
    assert_int_equal(wait, 9001);
    r = answered(202);
    assert_int_equal(ovi_reply_judge(&r, &s, &l, 1, 0, 0, 7, &wait), OVI_POLL);
    assert_int_equal(wait, 9000);
    assert_int_equal(ovi_reply_judge(&r, &s, &l, 2, 0, 0, 7, &wait), OVI_FAIL);
    /* GitHub's order: Retry-After, then the reset by the server's own clock, then a minute that doubles */
    r = answered(403);
    r.remaining = 0;
    r.reset_wall_ms = 1000000;
    r.date_wall_ms = 990000;
    assert_int_equal(ovi_reply_judge(&r, &s, &l, 0, 0, 5, 7, &wait), OVI_LIMITED);
    assert_int_equal(wait, 11000);
    r.reset_wall_ms = 900000; /* past: as if nothing were said */
    assert_int_equal(ovi_reply_judge(&r, &s, &l, 0, 2, 5, 7, &wait), OVI_LIMITED);
    assert_int_equal(wait, 240000);
    r.reset_wall_ms = 990000 + 2 * l.max_wait_ms;
    assert_int_equal(ovi_reply_judge(&r, &s, &l, 0, 0, 5, 7, &wait), OVI_FAIL);
    r = answered(403);
    r.secondary = true;
    assert_int_equal(ovi_reply_judge(&r, &s, &l, 0, 0, 5, 7, &wait), OVI_LIMITED);
    assert_int_equal(wait, 60000);
    r = answered(0);
    r.transfer = OV_IO;
    assert_int_equal(ovi_reply_judge(&r, &s, &l, 0, 0, 5, 7, &wait), OVI_RETRY);
    r.transfer = OV_DENIED;
    assert_int_equal(ovi_reply_judge(&r, &s, &l, 0, 0, 5, 7, &wait), OVI_FAIL);
}

static void test_backoff(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < 70; n++)
        for (uint64_t random = 0; random < 50000; random += 997) {
            int64_t ms = ovi_backoff_ms(1000, 60000, n, random);
            assert_true(ms >= 125 && ms <= (n < 6 ? 1000 << n : 60000));
        }
}

static void test_pools(void **state)
{
    ovi_pull_limits l = {.slots = 2, .rate_count = 3, .rate_ms = 1000};
    ovi_pool *p, *same;
    (void)state;
    check_ok(ovi_pool_get(OV_SLICE_LIT("unit"), &l, &p, &err), &err);
    check_ok(ovi_pool_get(OV_SLICE_LIT("unit"), &l, &same, &err), &err);
    assert_ptr_equal(p, same);
    assert_int_equal(ovi_pool_take(p, 0, 100), 0);
    assert_int_equal(ovi_pool_take(p, 0, 110), 0);
    assert_true(ovi_pool_take(p, 0, 120) > 0); /* no slot */
    ovi_pool_give(p, 0, true);
    assert_int_equal(ovi_pool_take(p, 0, 130), 0);
    ovi_pool_give(p, 0, true);
    assert_int_equal(ovi_pool_take(p, 0, 140), 960); /* three in any second */
    assert_int_equal(ovi_pool_take(p, 0, 1100), 0);
    ovi_pool_give(p, 0, true);
    ovi_pool_park_token(p, 7, 5000);
    assert_int_equal(ovi_pool_token_wait(p, 7, 2000), 3000);
    assert_int_equal(ovi_pool_token_wait(p, 8, 2000), 0);
    assert_int_equal(ovi_pool_take(p, 7, 4000), 1000);
    ovi_pool_park(p, 9000);
    assert_int_equal(ovi_pool_take(p, 8, 8000), 1000);
    ovi_pool_give(p, 0, true);
}

/* What is left of a token's budget is taken before a request is sent. */
static void test_budgets(void **state)
{
    ovi_pull_limits l = {.slots = 9, .budget_count = 100, .budget_ms = 1000};
    ovi_pool *p;
    (void)state;
    check_ok(ovi_pool_get(OV_SLICE_LIT("unit budgets"), &l, &p, &err), &err);
    assert_int_equal(ovi_pool_take(p, 1, 100), 0);
    assert_true(ovi_pool_take(p, 1, 100) > 0); /* nobody knows: one goes ahead */
    assert_int_equal(ovi_pool_token_wait(p, 2, 100), 0);
    ovi_pool_tell(p, 1, 2, 50, 5000);
    ovi_pool_give(p, 1, true);
    assert_int_equal(ovi_pool_take(p, 1, 200), 0);
    assert_int_equal(ovi_pool_take(p, 1, 200), 0);
    assert_in_range(ovi_pool_token_wait(p, 1, 200), 1, 100); /* both may be counted, or neither */
    ovi_pool_tell(p, 1, 1, 50, 5000); /* the first answer */
    ovi_pool_give(p, 1, true);
    assert_in_range(ovi_pool_token_wait(p, 1, 200), 1, 100); /* one left, one under way */
    ovi_pool_tell(p, 1, 1, 50, 5000); /* the second one: 304, not counted */
    ovi_pool_give(p, 1, true);
    assert_int_equal(ovi_pool_take(p, 1, 300), 0);
    ovi_pool_give(p, 1, false); /* no answer: perhaps counted */
    assert_int_equal(ovi_pool_token_wait(p, 1, 1000), 4000); /* until the reset */
    assert_int_equal(ovi_pool_take(p, 1, 5000), 0);
    ovi_pool_tell(p, 1, 0, 40, 4000); /* of the window before */
    ovi_pool_tell(p, 1, 9, 90, 9000);
    ovi_pool_give(p, 1, true);
    assert_int_equal(ovi_pool_token_wait(p, 1, 5100), 0);
    assert_int_equal(ovi_pool_take(p, 3, 100), 0);
    ovi_pool_tell(p, 3, -1, -1, 0); /* a server without budgets */
    assert_int_equal(ovi_pool_take(p, 3, 100), 0);
    ovi_pool_give(p, 3, true);
    ovi_pool_give(p, 3, true);
}

static void test_links(void **state)
{
    (void)state;
    check_slice(ovi_link_next(OV_SLICE_LIT("<https://h/a?page=2>; rel=\"next\", <https://h/a?page=9>; rel=\"last\"")), "https://h/a?page=2");
    check_slice(ovi_link_next(OV_SLICE_LIT("<https://h/a?page=1>; rel=\"prev\",<https://h/a,b>;rel=\"next\"")), "https://h/a,b");
    check_slice(ovi_link_next(OV_SLICE_LIT("<https://h/x>; rel=\"last\"")), "");
    check_slice(ovi_link_next(OV_SLICE_LIT("<https://h/x")), "");
    check_slice(ovi_link_next(OV_SLICE_LIT("")), "");
}

/* The two examples of the documentation without further headers. */
static void test_signature(void **state)
{
    ovi_s3_keys k = {OV_SLICE_LIT("AKIAIOSFODNN7EXAMPLE"), OV_SLICE_LIT("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), {0}, OV_SLICE_LIT("us-east-1")};
    const struct {
        const char *url, *signature;
    } known[] = {
        {"http://examplebucket.s3.amazonaws.com/?lifecycle=", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
        {"http://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
    };
    ov_buf auth, date;
    (void)state;
    ov_buf_init(&auth);
    ov_buf_init(&date);
    for (size_t i = 0; i < OV_COUNT_OF(known); i++) {
        check_ok(ovi_s3_sign(&k, known[i].url, INT64_C(1369353600000), &auth, &date, &err), &err);
        check_text(&date, "20130524T000000Z");
        const char *text = ov_buf_cstr(&auth);
        if (!strstr(text, known[i].signature))
            fail_msg("%s: %s", known[i].url, text);
        ov_buf_clear(&auth);
    }
    check_fails(ovi_s3_sign(&k, "no address", 0, &auth, &date, &err), &err, OV_INVALID, "no address");
    ov_buf_fini(&auth);
    ov_buf_fini(&date);
}

static void test_secrets(void **state)
{
    ovi_secrets s = {.n = 0};
    ov_arena a;
    ov_slice v;
    ov_buf b;
    (void)state;
    ov_arena_init(&a, "test", NULL);
    ov_buf_init(&b);
    setenv("OVATE_UNIT_SECRET", "pass/word+1", 1);
    check_ok(ovi_secret_read(&s, OV_SLICE_LIT("env:OVATE_UNIT_SECRET"), &a, &v, &err), &err);
    check_slice(v, "pass/word+1");
    ovi_secrets_hide(&s, OV_SLICE_LIT("x pass/word+1 y ?key=pass%2Fword%2B1&z"), &b);
    check_text(&b, "x *** y ?key=***&z");
    ov_buf_add_str(&b, "[\"pass\\/word+1\", \"pass%2fword%2b1\", \"pass/word\"]");
    assert_true(ovi_secrets_scrub(&s, &b));
    assert_false(ovi_secrets_scrub(&s, &b));
    check_text(&b, "[\"***\", \"***\", \"pass/word\"]");
    memset(err.text, 'x', sizeof err.text - 1);
    memcpy(err.text + sizeof err.text - 1 - 9, "pass/word", 10);
    ovi_secrets_hide_error(&s, &err); /* a sentence that was cut within a secret */
    assert_null(strstr(err.text, "pass"));
    ov_error ends = {.text = "no pass/word"};
    ovi_secrets_hide_error(&s, &ends);
    assert_string_equal(ends.text, "no pass/word");
    for (int i = 0; i < 100; i++) {
        char name[40], value[40];
        snprintf(name, sizeof name, "env:OVATE_UNIT_SECRET%d", i);
        snprintf(value, sizeof value, "many-%d-secrets", i);
        setenv(name + 4, value, 1);
        check_ok(ovi_secret_read(&s, ov_slice_cstr(name), &a, &v, &err), &err);
    }
    ovi_secrets_hide(&s, OV_SLICE_LIT("many-0-secrets many-99-secrets pass/word+1"), &b);
    check_text(&b, "*** *** ***");
    setenv("OVATE_UNIT_SECRET", "abc", 1);
    check_fails(ovi_secret_read(&s, OV_SLICE_LIT("env:OVATE_UNIT_SECRET"), &a, &v, &err), &err, OV_INVALID, "fewer than 4 bytes");
    check_fails(ovi_secret_check(OV_SLICE_LIT("pass/word+1"), &err), &err, OV_INVALID, "env:NAME");
    assert_null(strstr(err.text, "pass"));
    ov_buf_fini(&b);
    ov_arena_fini(&a);
}

static void test_cursors(void **state)
{
    ov_arena a;
    ov_slice text;
    (void)state;
    ov_arena_init(&a, "test", NULL);
    assert_true(ovi_cursor_cmp(OV_SLICE_LIT("9"), OV_SLICE_LIT("10")) < 0);
    assert_true(ovi_cursor_cmp(OV_SLICE_LIT("2024-01-01T01:00:00+01:00"), OV_SLICE_LIT("2024-01-01T00:00:00Z")) == 0);
    assert_true(ovi_cursor_cmp(OV_SLICE_LIT("abc"), OV_SLICE_LIT("abd")) < 0);
    check_ok(ovi_cursor_shift(OV_SLICE_LIT("2024-01-08T00:00:00Z"), 7 * OV_MS_PER_DAY, OV_SLICE_LIT("iso"), &a, &text, &err), &err);
    check_slice(text, "2024-01-01T00:00:00Z");
    check_ok(ovi_cursor_shift(OV_SLICE_LIT("1700000000"), 1000, OV_SLICE_LIT("posix"), &a, &text, &err), &err);
    check_slice(text, "1699999999");
    ovi_seen seen = {0};
    uint32_t before;
    for (uint64_t i = 0; i < 3000; i++) {
        check_ok(ovi_seen_add(&seen, i % 1000 * 0x10001, &before, &err), &err);
        assert_int_equal(before, i / 1000);
    }
    ovi_seen_fini(&seen);
    ov_arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_templates), cmocka_unit_test(test_verdicts), cmocka_unit_test(test_backoff),   cmocka_unit_test(test_pools), cmocka_unit_test(test_budgets),
        cmocka_unit_test(test_links),     cmocka_unit_test(test_signature), cmocka_unit_test(test_secrets), cmocka_unit_test(test_cursors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
