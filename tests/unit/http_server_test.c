/* server/http over real sockets: keep-alive, pipelining, streaming, slow and vanishing clients, stopping. */
#include "tests/unit/harness.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/os.h"
#include "base/thread.h"
#include "server/http/http.h"

enum { PIECE = 1 << 20, PIECES = 32 };

typedef struct fixture {
    ov_http *http;
    ov_thread loop;
    _Atomic int gone_calls;
    _Atomic int pieces_written;
    _Atomic bool write_failed;
    _Atomic bool done;
} fixture;

static void count_gone(void *arg)
{
    atomic_fetch_add(&((fixture *)arg)->gone_calls, 1);
}

static void stream(fixture *f, ov_request *rq)
{
    ov_error err = OV_ERROR_INIT;
    ov_respond_begin(rq, 200, "text/plain");
    for (int i = 0; i < PIECES; i++) {
        ov_buf b;
        ov_buf_init(&b);
        ov_buf_reserve(&b, PIECE);
        memset(b.p, 'a' + i % 26, PIECE);
        b.n = PIECE;
        ov_status st = ov_respond_write(rq, &b, &err);
        ov_buf_fini(&b);
        if (st != OV_OK) {
            atomic_store(&f->write_failed, true);
            ov_respond_abort(rq);
            return;
        }
        atomic_fetch_add(&f->pieces_written, 1);
    }
    ov_respond_end(rq);
}

static void wait_for_gone(fixture *f, ov_request *rq)
{
    ov_request_on_gone(rq, count_gone, f);
    for (int i = 0; i < 500 && !ov_request_gone(rq); i++)
        ov_sleep_ms(10);
    ov_request_on_gone(rq, NULL, NULL);
    ov_respond(rq, 200, "text/plain", OV_SLICE_LIT("late"));
    atomic_store(&f->done, true);
}

static void handle(void *self, ov_request *rq)
{
    fixture *f = self;
    ov_slice path = ov_request_path(rq);
    if (ov_slice_eq(path, OV_SLICE_LIT("/stream")))
        stream(f, rq);
    else if (ov_slice_eq(path, OV_SLICE_LIT("/wait")))
        wait_for_gone(f, rq);
    else if (ov_slice_eq(path, OV_SLICE_LIT("/silent")))
        ; /* forgets to answer */
    else
        ov_respond(rq, 200, "text/plain", ov_request_body(rq).n ? ov_request_body(rq) : path);
}

/* On the loop: /quick and /quick-stream are answered there, all else is left to workers. */
static bool handle_quickly(void *self, ov_request *rq)
{
    fixture *f = self;
    ov_slice path = ov_request_path(rq);
    if (ov_slice_eq(path, OV_SLICE_LIT("/quick-stream"))) {
        stream(f, rq); /* far more than the window: it must not wait for what only the loop can send */
        return true;
    }
    if (ov_slice_eq(path, OV_SLICE_LIT("/quick-silent")))
        return true;
    if (!ov_slice_starts(path, OV_SLICE_LIT("/quick")))
        return false;
    ov_respond(rq, 200, "text/plain", ov_request_body(rq).n ? ov_request_body(rq) : path);
    return true;
}

static void loop_main(void *arg)
{
    fixture *f = arg;
    ov_error err = OV_ERROR_INIT;
    check_ok(ov_http_run(f->http, 2000, &err), &err);
}

static int setup(void **state)
{
    static fixture f;
    memset(&f, 0, sizeof f);
    ov_error err = OV_ERROR_INIT;
    ov_http_options o = {.host = "127.0.0.1",
                         .workers = 4,
                         .queue = 16,
                         .max_body_bytes = 1 << 20,
                         .all_bodies_bytes = 3 << 20,
                         .head_timeout_ms = 1000,
                         .idle_timeout_ms = 5000,
                         .max_connections = 100,
                         .handler = handle,
                         .quick = handle_quickly,
                         .self = &f};
    check_ok(ov_http_create(&o, &f.http, &err), &err);
    check_ok(ov_thread_start(&f.loop, "loop", loop_main, &f, &err), &err);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    ov_http_stop(f->http);
    ov_thread_join(&f->loop);
    ov_http_destroy(f->http);
    return 0;
}

static int dial(const fixture *f)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)ov_http_port(f->http))};
    inet_pton(AF_INET, "127.0.0.1", &a.sin_addr);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    struct timeval t = {.tv_sec = 10};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Read until `part` has been seen or the peer closes. */
static bool hear(int fd, const char *part, char *into, size_t cap)
{
    size_t n = 0;
    for (;;) {
        into[n] = '\0';
        if (part && strstr(into, part))
            return true;
        ssize_t got = recv(fd, into + n, cap - 1 - n, 0);
        if (got <= 0)
            return false;
        n += (size_t)got;
    }
}

static void a_kept_connection_answers_again_and_pipelined(void **state)
{
    fixture *f = *state;
    char text[4096];
    int fd = dial(f);
    say(fd, "GET /one HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(hear(fd, "\r\n\r\n/one", text, sizeof text));
    assert_non_null(strstr(text, "Content-Length: 4\r\n"));
    say(fd, "GET /two HTTP/1.1\r\nHost: a\r\n\r\nPOST /x HTTP/1.1\r\nHost: a\r\nContent-Length: "
            "5\r\n\r\nthree");
    assert_true(hear(fd, "\r\n\r\nthree", text, sizeof text));
    assert_non_null(strstr(text, "\r\n\r\n/two"));
    say(fd, "HEAD /four HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_false(hear(fd, NULL, text, sizeof text));
    assert_non_null(strstr(text, "Content-Length: 5\r\n"));
    assert_null(strstr(text, "/four"));
    close(fd);
}

static void refusals_are_answered_and_closed(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *text, *status;
    } cases[] = {
        {"nonsense\r\n\r\n", " 400 "},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n", " 413 "},
        {"GET /silent-timeout HTTP/1.1\r\nHost", " 408 "},
    };
    for (size_t i = 0; i < OV_COUNT_OF(cases); i++) {
        char text[4096];
        int fd = dial(f);
        say(fd, cases[i].text);
        assert_false(hear(fd, NULL, text, sizeof text));
        if (!strstr(text, cases[i].status))
            fail_msg("case %zu: %s", i, text);
        close(fd);
    }
}

static void a_slow_client_makes_the_handler_wait(void **state)
{
    fixture *f = *state;
    int fd = dial(f);
    say(fd, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    ov_sleep_ms(400);
    assert_true(atomic_load(&f->pieces_written) < PIECES); /* the window holds it back */
    static char chunk[1 << 16];
    uint64_t total = 0;
    char tail[5] = "";
    while (memcmp(tail, "0\r\n\r\n", 5) != 0) {
        ssize_t n = recv(fd, chunk, sizeof chunk, 0);
        assert_true(n > 0);
        total += (uint64_t)n;
        size_t keep = n >= 5 ? 0 : 5 - (size_t)n;
        memmove(tail, tail + 5 - keep, keep);
        memcpy(tail + keep, chunk + (size_t)n - (5 - keep), 5 - keep);
    }
    assert_true(total > (uint64_t)PIECES * PIECE);
    assert_int_equal(atomic_load(&f->pieces_written), PIECES);
    close(fd);
}

static void a_client_that_leaves_stops_its_stream(void **state)
{
    fixture *f = *state;
    char text[4096];
    int fd = dial(f);
    say(fd, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(hear(fd, "HTTP/1.1 200", text, 200));
    close(fd);
    for (int i = 0; i < 300 && !atomic_load(&f->write_failed); i++)
        ov_sleep_ms(10);
    assert_true(atomic_load(&f->write_failed));
}

static void a_client_that_leaves_is_told_to_the_handler(void **state)
{
    fixture *f = *state;
    int fd = dial(f);
    say(fd, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    ov_sleep_ms(100);
    close(fd);
    for (int i = 0; i < 300 && !atomic_load(&f->done); i++)
        ov_sleep_ms(10);
    assert_int_equal(atomic_load(&f->gone_calls), 1);
}

static void a_handler_that_forgets_to_answer_does_not_hang(void **state)
{
    fixture *f = *state;
    char text[4096];
    int fd = dial(f);
    say(fd, "GET /silent HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_false(hear(fd, NULL, text, sizeof text));
    close(fd);
}

static void many_connections_at_once(void **state)
{
    fixture *f = *state;
    int fd[50];
    char text[4096];
    for (size_t i = 0; i < OV_COUNT_OF(fd); i++)
        fd[i] = dial(f);
    for (int round = 0; round < 20; round++) {
        /* no more at once than workers and queue can take */
        for (size_t from = 0; from < OV_COUNT_OF(fd); from += 10) {
            for (size_t i = from; i < from + 10; i++)
                say(fd[i], "GET /ping HTTP/1.1\r\nHost: a\r\n\r\n");
            for (size_t i = from; i < from + 10; i++)
                assert_true(hear(fd[i], "\r\n\r\n/ping", text, sizeof text));
        }
    }
    for (size_t i = 0; i < OV_COUNT_OF(fd); i++)
        close(fd[i]);
}

/* Begin a POST of a MiB and send all of it but its last byte. */
static int upload(const fixture *f, const char *mib)
{
    int fd = dial(f);
    say(fd, "POST /big HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n");
    for (ssize_t at = 0, n; at < (1 << 20) - 1; at += n)
        if ((n = send(fd, mib + at, (size_t)((1 << 20) - 1 - at), MSG_NOSIGNAL)) <= 0)
            break; /* refused meanwhile */
    return fd;
}

static void bodies_together_have_a_bound(void **state)
{
    fixture *f = *state;
    enum { SENT = 6 };
    char *mib = ov_calloc(1, 1 << 20), text[4096];
    int fds[SENT], refused = 0;
    for (int i = 0; i < SENT; i++)
        fds[i] = upload(f, mib);
    int small = dial(f);
    say(small, "POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    assert_true(hear(small, "\r\n\r\nhello", text, sizeof text)); /* beside them */
    close(small);
    for (int turn = 0; turn < 200 && refused < 3; turn++, ov_sleep_ms(10)) /* until the loop has read what was sent */
        for (int i = 0; i < SENT; i++) {
            ssize_t n = recv(fds[i], text, sizeof text - 1, MSG_DONTWAIT);
            refused += n > 12 && memcmp(text, "HTTP/1.1 503", 12) == 0;
        }
    for (int i = 0; i < SENT; i++)
        close(fds[i]);
    assert_in_range(refused, 3, SENT - 1);
    bool fits = false;
    for (int i = 0; i < 100 && !fits; i++) { /* until the loop has seen that they left */
        int fd = upload(f, mib);
        fits = send(fd, "x", 1, MSG_NOSIGNAL) == 1 && hear(fd, "HTTP/1.1 200 OK", text, sizeof text);
        close(fd);
        ov_sleep_ms(10);
    }
    assert_true(fits);
    ov_free(mib);
}

static void quick_answers_come_from_the_loop(void **state)
{
    fixture *f = *state;
    char text[8192];
    int fd = dial(f);
    say(fd, "GET /quick1 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(hear(fd, "\r\n\r\n/quick1", text, sizeof text));
    say(fd, "POST /quick2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /slow HTTP/1.1\r\nHost: "
            "a\r\n\r\nGET /quick3 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(hear(fd, "\r\n\r\n/quick3", text, sizeof text));
    const char *two = strstr(text, "abc"), *slow = strstr(text, "/slow");
    assert_true(two && slow && two < slow);
    say(fd, "GET /quick4 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_false(hear(fd, NULL, text, sizeof text));
    assert_non_null(strstr(text, "\r\n\r\n/quick4"));
    close(fd);
    fd = dial(f);
    say(fd, "GET /quick-silent HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_false(hear(fd, NULL, text, sizeof text));
    close(fd);
}

/* Many in one go: the loop answers some, workers the rest, in order. */
static void pipelined_quick_requests_keep_their_order(void **state)
{
    enum { COUNT = 100 };
    fixture *f = *state;
    static char text[COUNT * 256];
    char rq[COUNT * 64] = "", last[32];
    int fd = dial(f);
    for (int i = 0; i < COUNT; i++)
        snprintf(rq + strlen(rq), sizeof rq - strlen(rq), "GET /quick-%03d HTTP/1.1\r\nHost: a\r\n\r\n", i);
    say(fd, rq);
    snprintf(last, sizeof last, "/quick-%03d", COUNT - 1);
    assert_true(hear(fd, last, text, sizeof text));
    const char *at = text;
    for (int i = 0; i < COUNT; i++) {
        snprintf(last, sizeof last, "\r\n\r\n/quick-%03d", i);
        at = strstr(at, last);
        assert_non_null(at);
    }
    close(fd);
}

static void a_long_quick_answer_waits_for_a_slow_client(void **state)
{
    fixture *f = *state;
    static char chunk[1 << 16];
    int fd = dial(f), other = dial(f);
    say(fd, "GET /quick-stream HTTP/1.0\r\n\r\n");
    ov_sleep_ms(200);
    say(other, "GET /quick HTTP/1.1\r\nHost: a\r\n\r\n"); /* the loop is free meanwhile */
    char text[4096];
    assert_true(hear(other, "\r\n\r\n/quick", text, sizeof text));
    uint64_t total = 0;
    for (ssize_t n; (n = recv(fd, chunk, sizeof chunk, 0)) > 0;)
        total += (uint64_t)n;
    assert_true(total > (uint64_t)PIECES * PIECE);
    close(fd);
    close(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_kept_connection_answers_again_and_pipelined, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(refusals_are_answered_and_closed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_slow_client_makes_the_handler_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(a_client_that_leaves_stops_its_stream, setup, teardown),
        cmocka_unit_test_setup_teardown(a_client_that_leaves_is_told_to_the_handler, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_handler_that_forgets_to_answer_does_not_hang, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(many_connections_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(bodies_together_have_a_bound, setup, teardown),
        cmocka_unit_test_setup_teardown(quick_answers_come_from_the_loop, setup, teardown),
        cmocka_unit_test_setup_teardown(pipelined_quick_requests_keep_their_order, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_quick_answer_waits_for_a_slow_client, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
