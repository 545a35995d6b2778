#include "tests/unit/harness.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/httpc.h"
#include "base/os.h"
#include "base/thread.h"

static ov_error err;
static int listener;
static unsigned port;
static char last_request[4096];
static ov_thread server;

/* A server of one connection at a time that answers by path. */
static void answer(int fd)
{
    size_t n = 0;
    ssize_t got;
    last_request[0] = '\0';
    while (n + 1 < sizeof last_request && !strstr(last_request, "\r\n\r\n") &&
           (got = read(fd, last_request + n, sizeof last_request - 1 - n)) > 0) {
        n += (size_t)got;
        last_request[n] = '\0';
    }
    char out[1024];
    int len = 0;
    if (strstr(last_request, " /ok"))
        len = snprintf(out, sizeof out,
                       "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nETag: \"x1\"\r\n"
                       "Content-Length: 5\r\nConnection: close\r\n\r\nhello");
    else if (strstr(last_request, " /missing"))
        len = snprintf(
            out, sizeof out,
            "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnope");
    else if (strstr(last_request, " /once"))
        len = snprintf(out, sizeof out,
                       "HTTP/1.1 302 Found\r\nLocation: /ok\r\nETag: \"old\"\r\n"
                       "Content-Length: 0\r\nConnection: close\r\n\r\n");
    else if (strstr(last_request, " /loop"))
        len = snprintf(out, sizeof out,
                       "HTTP/1.1 302 Found\r\nLocation: /loop\r\nContent-Length: 0\r\nConnection: "
                       "close\r\n\r\n");
    else if (strstr(last_request, " /inside"))
        len = snprintf(out, sizeof out,
                       "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.2:9/secret\r\nContent-Length: 0\r\nConnection: "
                       "close\r\n\r\n");
    else if (strstr(last_request, " /away"))
        len = snprintf(out, sizeof out,
                       "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://localhost:%u/ok\r\nContent-Length: 0\r\nConnection: "
                       "close\r\n\r\n", port);
    else if (strstr(last_request, " /file"))
        len = snprintf(out, sizeof out,
                       "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n"
                       "Content-Length: 0\r\nConnection: close\r\n\r\n");
    else if (strstr(last_request, " /short"))
        len = snprintf(out, sizeof out,
                       "HTTP/1.1 200 OK\r\nContent-Length: 500\r\nConnection: close\r\n\r\nhello");
    else if (strstr(last_request, " /slow"))
        ov_sleep_ms(1500);
    ssize_t ignored = write(fd, out, (size_t)len);
    (void)ignored;
    close(fd);
}

static void serve(void *arg)
{
    (void)arg;
    int fd;
    while ((fd = accept(listener, NULL, NULL)) >= 0)
        answer(fd);
}

static int set_up(void **state)
{
    (void)state;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    setenv("no_proxy", "127.0.0.1", 1);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&a, sizeof a) != 0 || listen(listener, 16) != 0 ||
        getsockname(listener, (struct sockaddr *)&a, &size) != 0)
        return -1;
    port = ntohs(a.sin_port);
    return ov_thread_start(&server, "http", serve, NULL, &err) == OV_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    shutdown(listener, SHUT_RDWR);
    ov_thread_join(&server);
    close(listener);
    return 0;
}

static ov_http_request to(const char *path)
{
    static char url[200];
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", port, path);
    return (ov_http_request){.url = url};
}

static ov_status fetch(const ov_http_request *req, ov_buf *body, ov_http_response *out)
{
    ov_buf_clear(body);
    return ov_http_fetch(req, body, out, &err);
}

static void test_answers(void **state)
{
    (void)state;
    ov_buf b;
    ov_http_response r;
    ov_buf_init(&b);
    ov_http_request req = to("/ok");
    check_ok(fetch(&req, &b, &r), &err);
    check_slice(ov_buf_slice(&b), "hello");
    assert_int_equal(r.status, 200);
    assert_int_equal(r.bytes, 5);
    assert_string_equal(r.content_type, "text/plain");
    assert_string_equal(r.etag, "\"x1\"");
    req = to("/missing");
    check_ok(fetch(&req, &b, &r), &err);
    assert_int_equal(r.status, 404);
    check_slice(ov_buf_slice(&b), "nope");
    req = to("/once");
    check_ok(fetch(&req, &b, &r), &err);
    assert_int_equal(r.status, 200);
    assert_string_equal(r.etag, "\"x1\"");
    req.max_redirects = -1;
    check_ok(fetch(&req, &b, &r), &err);
    assert_int_equal(r.status, 302);
    const char *headers[] = {"X-Test: yes", NULL};
    req = to("/ok");
    req.headers = headers;
    req.user = "me";
    req.password = "secret";
    req.body = OV_SLICE_LIT("{}");
    check_ok(fetch(&req, &b, &r), &err);
    assert_non_null(strstr(last_request, "POST /ok"));
    assert_non_null(strstr(last_request, "X-Test: yes"));
    assert_non_null(strstr(last_request, "Authorization: Basic bWU6c2VjcmV0"));
    ov_buf_fini(&b);
}

static void test_failures(void **state)
{
    (void)state;
    ov_buf b;
    ov_http_response r;
    ov_buf_init(&b);
    ov_http_request req = to("/ok");
    req.max_bytes = 4;
    check_fails(fetch(&req, &b, &r), &err, OV_LIMIT, "limit of 4 bytes");
    req = to("/loop");
    check_fails(fetch(&req, &b, &r), &err, OV_LIMIT, "too many redirects");
    req = to("/file");
    check_fails(fetch(&req, &b, &r), &err, OV_INVALID, "only http and https");
    req = to("/short");
    check_fails(fetch(&req, &b, &r), &err, OV_IO, "127.0.0.1");
    req = to("/slow");
    req.total_timeout_ms = 200;
    check_fails(fetch(&req, &b, &r), &err, OV_TIMEOUT, "127.0.0.1");
    req = to("/ok");
    req.forbid_private = true;
    check_fails(fetch(&req, &b, &r), &err, OV_DENIED, "private or local");
    _Atomic bool cancel = true;
    req = to("/slow");
    req.cancel = &cancel;
    check_fails(fetch(&req, &b, &r), &err, OV_CANCELLED, "cancelled");
    req = (ov_http_request){.url = "file:///etc/passwd"};
    check_fails(fetch(&req, &b, &r), &err, OV_INVALID, "only http and https");
    req = (ov_http_request){.url = "http://user:secret@127.0.0.1:1/x"};
    check_fails(fetch(&req, &b, &r), &err, OV_IO, "http://127.0.0.1:1/x");
    assert_null(strstr(err.text, "secret"));
    const char *headers[] = {"X: a\r\nY: b", NULL};
    req = to("/ok");
    req.headers = headers;
    check_fails(fetch(&req, &b, &r), &err, OV_INVALID, "one line");
    ov_buf_fini(&b);
}

/* ---- many at once ---- */

static void note_header(void *arg, ov_slice name, ov_slice value)
{
    char *text = arg;
    if (name.n == 0)
        text[0] = '\0';
    else if (ov_slice_ieq(name, OV_SLICE_LIT("etag")))
        snprintf(text, 64, OV_SLICE_FMT, OV_SLICE_ARG(value));
}

static ov_status add_body(void *arg, ov_slice bytes, ov_error *e)
{
    ov_buf_add_slice(arg, bytes);
    return ov_buf_check(arg, e);
}

static void test_multi(void **state)
{
    static const char *const paths[] = {"/ok", "/missing", "/once", "/short", "/ok", "/loop"};
    enum { N = 6 };
    char urls[N][200], etags[N][64] = {{0}};
    ov_http_request reqs[N];
    ov_buf bodies[N];
    ov_http_multi *m;
    ov_http_done done;
    bool any;
    unsigned ended = 0, failed = 0;
    (void)state;
    check_ok(ov_http_multi_create(&m, &err), &err);
    check_ok(ov_http_multi_next(m, 10, &any, &done, &err), &err);
    assert_false(any);
    for (int i = 0; i < N; i++) {
        snprintf(urls[i], sizeof urls[i], "http://127.0.0.1:%u%s", port, paths[i]);
        reqs[i] = (ov_http_request){.url = urls[i], .header = note_header, .header_arg = etags[i], .guard_redirects = true};
        ov_buf_init(&bodies[i]);
        check_ok(ov_http_multi_start(m, &reqs[i], add_body, &bodies[i], &err), &err);
    }
    assert_int_equal(ov_http_multi_running(m), N);
    while (ov_http_multi_running(m) > 0) {
        check_ok(ov_http_multi_next(m, 5000, &any, &done, &err), &err);
        assert_true(any);
        ended++;
        failed += done.status != OV_OK;
        size_t i = (size_t)((ov_buf *)done.arg - bodies);
        if (strcmp(paths[i], "/ok") == 0)
            check_slice(ov_buf_slice(done.arg), "hello");
        if (strcmp(paths[i], "/missing") == 0)
            assert_int_equal(done.response.status, 404);
    }
    assert_int_equal(ended, N);
    assert_int_equal(failed, 2); /* a body cut short, and the loop */
    assert_string_equal(etags[0], "\"x1\"");
    assert_string_equal(etags[2], "\"x1\""); /* not the redirect's */
    assert_string_equal(etags[1], "");
    ov_http_request slow = to("/slow");
    check_ok(ov_http_multi_start(m, &slow, add_body, &bodies[0], &err), &err);
    check_ok(ov_http_multi_next(m, 20, &any, &done, &err), &err);
    assert_false(any);
    ov_http_multi_destroy(m); /* with one under way */
    for (int i = 0; i < N; i++)
        ov_buf_fini(&bodies[i]);
}

static void test_guarded_redirect(void **state)
{
    ov_buf b;
    ov_http_response r;
    (void)state;
    ov_buf_init(&b);
    ov_http_request req = to("/once");
    req.guard_redirects = true;
    check_ok(fetch(&req, &b, &r), &err); /* back to where it came from */
    assert_int_equal(r.status, 200);
    req = to("/inside");
    req.guard_redirects = true;
    check_fails(fetch(&req, &b, &r), &err, OV_DENIED, "private or local");
    ov_buf_fini(&b);
}

static void test_secrets_stay_home(void **state)
{
    ov_buf b;
    ov_http_response r;
    const char *headers[] = {"X-Api-Key: hush-hush", NULL};
    (void)state;
    ov_buf_init(&b);
    ov_http_request req = to("/away");
    req.headers = headers;
    req.own_host = true;
    check_fails(fetch(&req, &b, &r), &err, OV_DENIED, "another host");
    assert_non_null(strstr(last_request, "GET /away"));
    req = to("/once");
    req.headers = headers;
    req.own_host = true;
    check_ok(fetch(&req, &b, &r), &err);
    assert_int_equal(r.status, 200);
    req = to("/away");
    req.own_host = true;
    req.max_redirects = -1; /* nobody follows it */
    check_ok(fetch(&req, &b, &r), &err);
    assert_int_equal(r.status, 307);
    ov_buf_fini(&b);
}

static void test_url_encode(void **state)
{
    (void)state;
    ov_buf b;
    ov_buf_init(&b);
    ov_url_encode(&b, OV_SLICE_LIT("a b/é~"));
    check_slice(ov_buf_slice(&b), "a%20b%2F%C3%A9~");
    ov_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_multi),
        cmocka_unit_test(test_guarded_redirect),
        cmocka_unit_test(test_secrets_stay_home),
        cmocka_unit_test(test_url_encode),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
