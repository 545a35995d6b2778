/* server/http/http_parse: what is accepted, what is refused, and that pieces of any size give the same result. */
#include "tests/unit/harness.h"

#include "server/http/http_parse.h"

static ov_http_step parse(const char *text, ov_http_head *head, ov_http_refusal *bad)
{
    size_t scan = 0, used = 0;
    return ov_http_parse_head(ov_slice_cstr(text), &scan, head, &used, bad);
}

static void accepts_a_plain_request(void **state)
{
    (void)state;
    ov_http_head h;
    ov_http_refusal bad = {0};
    assert_int_equal(
        parse("POST /druid/v2/sql?a=b HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n", &h, &bad),
        OV_HTTP_DONE);
    assert_int_equal(h.method, OV_HTTP_POST);
    assert_true(ov_slice_eq(h.path, OV_SLICE_LIT("/druid/v2/sql")));
    assert_true(ov_slice_eq(h.query, OV_SLICE_LIT("a=b")));
    assert_true(h.has_length && h.length == 12 && h.keep_alive && !h.chunked);
    bool found;
    assert_true(ov_slice_eq(ov_http_header_get(&h, "HOST", &found), OV_SLICE_LIT("x")) && found);
}

static void refuses_what_is_ambiguous(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int status;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", 400}, /* no Host */
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
        {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400}, /* two spaces */
        {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400}, /* space before the colon */
        {"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400},
        {"GET / HTTP/1.1\nHost: a\r\n\r\n", 400}, /* bare LF */
        {"GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n", 400},
        {"GET nothing HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"G<T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
         400},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
        {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: a\r\nExpect: cake\r\n\r\n", 417},
    };
    for (size_t i = 0; i < OV_COUNT_OF(cases); i++) {
        ov_http_head h;
        ov_http_refusal bad = {0};
        if (parse(cases[i].text, &h, &bad) != OV_HTTP_BAD || bad.status != cases[i].status)
            fail_msg("case %zu: status %d, not %d", i, bad.status, cases[i].status);
        assert_non_null(bad.reason);
    }
}

static void keep_alive_follows_version_and_header(void **state)
{
    (void)state;
    ov_http_head h;
    ov_http_refusal bad;
    parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", &h, &bad);
    assert_false(h.keep_alive);
    parse("GET / HTTP/1.0\r\n\r\n", &h, &bad);
    assert_false(h.keep_alive);
    parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", &h, &bad);
    assert_true(h.keep_alive);
}

static void a_head_may_come_byte_by_byte(void **state)
{
    (void)state;
    static const char text[] = "GET /x HTTP/1.1\r\nHost: a\r\nA: b\r\n\r\nrest";
    size_t scan = 0, used = 0, end = strlen(text) - 4;
    ov_http_head h;
    ov_http_refusal bad;
    for (size_t n = 0; n < end; n++)
        assert_int_equal(ov_http_parse_head(ov_slice_make(text, n), &scan, &h, &used, &bad),
                         OV_HTTP_MORE);
    assert_int_equal(ov_http_parse_head(ov_slice_make(text, end), &scan, &h, &used, &bad),
                     OV_HTTP_DONE);
    assert_int_equal(used, end);
    assert_int_equal(h.header_count, 2);
}

/* Feed `text` in pieces of `piece` bytes; what was decoded goes to body. */
static ov_http_step feed(const char *text, size_t n, size_t piece, uint64_t limit, ov_buf *body,
                         ov_http_refusal *bad)
{
    ov_http_head h = {.chunked = true};
    ov_http_body b;
    ov_http_body_init(&b, &h, limit);
    size_t from = 0, end = 0;
    ov_http_step step = OV_HTTP_MORE;
    while (step == OV_HTTP_MORE && end < n) {
        end = OV_MIN(end + piece, n);
        size_t used;
        do {
            step = ov_http_body_feed(&b, ov_slice_make(text + from, end - from), &used, body, bad);
            from += used;
        } while (step == OV_HTTP_MORE && used);
    }
    return step;
}

static void chunks_are_decoded_whatever_the_pieces(void **state)
{
    (void)state;
    static const char text[] = "3\r\nabc\r\nA;ext=1\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n";
    for (size_t piece = 1; piece < sizeof text; piece++) {
        ov_buf body;
        ov_http_refusal bad;
        ov_buf_init(&body);
        assert_int_equal(feed(text, sizeof text - 1, piece, 100, &body, &bad), OV_HTTP_DONE);
        assert_true(ov_slice_eq(ov_buf_slice(&body), OV_SLICE_LIT("abc0123456789")));
        ov_buf_fini(&body);
    }
}

static void malformed_chunks_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int status;
    } cases[] = {
        {"zz\r\n", 400},        {"\r\n", 400},    {"3\nabc", 400},
        {"3\r\nabcd\r\n", 400}, {"-1\r\n", 400},  {"FFFFFFFFFFFFFFFFF\r\n", 400},
        {"65\r\n", 413},        {"0x3\r\n", 400},
    };
    for (size_t i = 0; i < OV_COUNT_OF(cases); i++) {
        ov_buf body;
        ov_http_refusal bad = {0};
        ov_buf_init(&body);
        if (feed(cases[i].text, strlen(cases[i].text), 1000, 100, &body, &bad) != OV_HTTP_BAD ||
            bad.status != cases[i].status)
            fail_msg("case %zu: status %d, not %d", i, bad.status, cases[i].status);
        ov_buf_fini(&body);
    }
}

static void percent_escapes_are_checked(void **state)
{
    (void)state;
    char out[32];
    size_t n;
    assert_true(ov_http_percent_decode(OV_SLICE_LIT("a%20b+c"), true, out, &n));
    assert_true(ov_slice_eq(ov_slice_make(out, n), OV_SLICE_LIT("a b c")));
    assert_false(ov_http_percent_decode(OV_SLICE_LIT("a%2"), true, out, &n));
    assert_false(ov_http_percent_decode(OV_SLICE_LIT("%zz"), true, out, &n));
    assert_false(ov_http_percent_decode(OV_SLICE_LIT("%00"), true, out, &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_a_plain_request),
        cmocka_unit_test(refuses_what_is_ambiguous),
        cmocka_unit_test(keep_alive_follows_version_and_header),
        cmocka_unit_test(a_head_may_come_byte_by_byte),
        cmocka_unit_test(chunks_are_decoded_whatever_the_pieces),
        cmocka_unit_test(malformed_chunks_are_refused),
        cmocka_unit_test(percent_escapes_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
