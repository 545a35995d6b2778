/* server/http/browser: which requests pages may make browsers send. */
#include "tests/unit/harness.h"

#include <stdio.h>

#include "server/http/browser.h"

static const char *asked(const ov_browser_rules *rules, const char *method, const char *headers)
{
    static char text[1024];
    ov_http_head head;
    ov_http_refusal bad = {0};
    size_t scan = 0, used = 0;
    snprintf(text, sizeof text, "%s /druid/v2/sql HTTP/1.1\r\n%s\r\n", method, headers);
    assert_int_equal(ov_http_parse_head(ov_slice_cstr(text), &scan, &head, &used, &bad), OV_HTTP_DONE);
    return ov_browser_refuses(rules, &head);
}

typedef struct browser_case {
    const char *method, *headers;
    bool refused;
} browser_case;

static void check_all(const ov_browser_rules *rules, const browser_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((asked(rules, cases[i].method, cases[i].headers) != NULL) != cases[i].refused)
            fail_msg("case %zu should %sbe refused: %s %s", i, cases[i].refused ? "" : "not ", cases[i].method,
                     cases[i].headers);
}

static void names_of_the_internet(void **state)
{
    (void)state;
    static const ov_browser_rules here = {.loopback = true}, named = {true, "proxy.example.org, other.example.org"};
    static const ov_browser_rules open = {.loopback = false};
    static const browser_case cases[] = {
        {"GET", "Host: 127.0.0.1:8888\r\n", false},      {"GET", "Host: localhost:8888\r\n", false},
        {"GET", "Host: LOCALHOST\r\n", false},           {"GET", "Host: [::1]:8888\r\n", false},
        {"GET", "Host: x\r\n", false},                   {"GET", "Host: ovate.localhost:1\r\n", false},
        {"GET", "Host: host.docker.internal:8888\r\n", false}, {"GET", "Host: internal.example.org\r\n", true},
        {"GET", "Host: 192.0.2.1\r\n", false},            {"GET", "Host: evil.example:8888\r\n", true},
        {"POST", "Host: evil.example\r\n", true},        {"GET", "Host: 127.0.0.1.evil.example\r\n", true},
        {"GET", "Host: proxy.example.org:80\r\n", true}, {"GET", "Host: .\r\n", false},
        {"GET", "Host: localhost.\r\n", true},
    };
    check_all(&here, cases, OV_COUNT_OF(cases));
    assert_null(asked(&named, "GET", "Host: Proxy.example.org:80\r\n"));
    assert_null(asked(&named, "GET", "Host: other.example.org\r\n"));
    assert_non_null(asked(&named, "GET", "Host: example.org\r\n"));
    assert_null(asked(&open, "GET", "Host: evil.example:8888\r\n"));
}

static void pages_of_other_sites(void **state)
{
    (void)state;
    static const ov_browser_rules here = {.loopback = true}, named = {true, "page.example.org"};
    static const browser_case cases[] = {
        {"POST", "Host: 127.0.0.1:8888\r\n", false},
        {"POST", "Host: 127.0.0.1:8888\r\nSec-Fetch-Site: same-origin\r\nOrigin: http://127.0.0.1:8888\r\n", false},
        {"POST", "Host: 127.0.0.1:8888\r\nSec-Fetch-Site: same-site\r\nOrigin: http://127.0.0.1:3000\r\n", false},
        {"POST", "Host: 127.0.0.1:8888\r\nSec-Fetch-Site: same-origin\r\nOrigin: https://proxy.example.org\r\n", false},
        {"POST", "Host: 127.0.0.1:8888\r\nSec-Fetch-Site: cross-site\r\nOrigin: https://page.example.org\r\n", true},
        {"DELETE", "Host: 127.0.0.1:8888\r\nSec-Fetch-Site: cross-site\r\nOrigin: null\r\n", true},
        {"GET", "Host: 127.0.0.1:8888\r\nSec-Fetch-Site: cross-site\r\n", false},
        {"POST", "Host: 127.0.0.1:8888\r\nOrigin: https://page.example.org\r\n", true},
        {"POST", "Host: 127.0.0.1:8888\r\nOrigin: null\r\n", true},
        {"POST", "Host: 127.0.0.1:8888\r\nOrigin: http://127.0.0.1.evil.example\r\n", true},
        {"POST", "Host: 127.0.0.1:8888\r\nOrigin: http://127.0.0.1:8888\r\n", false},
        {"POST", "Host: localhost:8888\r\nOrigin: http://127.0.0.1:3000\r\n", false},
        {"POST", "Host: 192.0.2.1:8888\r\nOrigin: http://127.0.0.1:3000\r\n", true},
    };
    check_all(&here, cases, OV_COUNT_OF(cases));
    assert_null(asked(&named, "POST", "Host: 127.0.0.1\r\nSec-Fetch-Site: cross-site\r\nOrigin: https://page.example.org\r\n"));
    assert_null(asked(&named, "POST", "Host: 127.0.0.1\r\nOrigin: https://page.example.org:444\r\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_the_internet),
        cmocka_unit_test(pages_of_other_sites),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
