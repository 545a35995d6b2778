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
        cmocka_unit_test(test_url_encode),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
