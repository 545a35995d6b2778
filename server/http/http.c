/*
 * The loop and its life: listening, waking, ticking, stopping; the workers and their queue. What a connection does is in
 * http_conn.c.
 */
#include "server/http/http_int.h"

#include <errno.h>
#include <arpa/inet.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "base/log.h"
#include "base/os.h"

enum {
    TICK_MS = 200,
    ACCEPT_TELL_MS = 60 * 1000,
    LAST_WORDS_MS = 1000, /* of the grace, for telling clients that their queries were ended */
};

/* ---- workers ---- */

/* A worker without work, on its stack. The last one to become idle is called first: its memory is still warm, where taking turns
 * would have the first large answers pay for the fresh pages of every thread's heap. */
struct ovi_idle_worker {
    ovi_idle_worker *under;
    ov_cond called;
    bool is_called;
};

/* Under the lock: the top one of the idle looks at the queue. */
static void call_worker(ov_http *h)
{
    ovi_idle_worker *top = h->idle;
    if (!top)
        return; /* the next to become idle looks at the queue first */
    h->idle = top->under;
    top->is_called = true;
    ov_cond_signal(&top->called);
}

/* Under the lock, until there may be work. */
static void be_idle(ov_http *h, ovi_idle_worker *self)
{
    self->is_called = false;
    self->under = h->idle;
    h->idle = self;
    while (!self->is_called)
        ov_cond_wait(&self->called, &h->lock);
}

static void worker_main(void *arg)
{
    ov_http *h = arg;
    ovi_idle_worker self = {0};
    ov_cond_init(&self.called);
    for (;;) {
        ov_mutex_lock(&h->lock);
        while (!h->wait_first && !h->workers_quit)
            be_idle(h, &self);
        ov_request *rq = h->wait_first;
        if (!rq) {
            ov_mutex_unlock(&h->lock);
            ov_cond_fini(&self.called);
            return;
        }
        h->wait_first = rq->next_waiting;
        if (!h->wait_first)
            h->wait_last = NULL;
        h->waiting--;
        ov_mutex_unlock(&h->lock);

        if (ov_request_gone(rq)) {
            ov_respond_abort(rq);
        } else {
            h->opt.handler(h->opt.self, rq);
            if (rq->phase != OVI_FINISHED)
                ov_respond_abort(rq); /* a handler that forgot to answer must not hang its client */
        }
        atomic_fetch_sub(&h->active, 1);
        ovi_request_release(rq);
    }
}

bool ovi_http_enqueue(ov_http *h, ov_request *rq)
{
    ov_mutex_lock(&h->lock);
    bool room = h->waiting < h->opt.queue;
    if (room) {
        ovi_request_retain(rq);
        rq->next_waiting = NULL;
        if (h->wait_last)
            h->wait_last->next_waiting = rq;
        else
            h->wait_first = rq;
        h->wait_last = rq;
        h->waiting++;
        atomic_fetch_add(&h->active, 1);
        call_worker(h);
    }
    ov_mutex_unlock(&h->lock);
    return room;
}

static void wake_loop(ov_http *h)
{
    uint64_t one = 1;
    ssize_t n = write(h->wake_fd, &one, sizeof one);
    (void)n; /* EAGAIN means a wake-up is pending already */
}

void ovi_http_notify(ov_http *h, ov_request *rq)
{
    ovi_request_retain(rq);
    ov_mutex_lock(&h->lock);
    rq->next_ready = NULL;
    if (h->ready_last)
        h->ready_last->next_ready = rq;
    else
        h->ready_first = rq;
    h->ready_last = rq;
    ov_mutex_unlock(&h->lock);
    wake_loop(h);
}

/* ---- the loop ---- */

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa, int len, void *arg)
{
    (void)l, (void)sa, (void)len;
    ovi_conn_accept(arg, fd);
}

/* Mostly too many open files. Asking again at once would go round until one is closed; the next tick asks again. */
static void on_accept_error(struct evconnlistener *l, void *arg)
{
    ov_http *h = arg;
    int e = errno;
    evconnlistener_disable(l);
    h->accept_paused = true;
    int64_t now = ov_monotonic_ms();
    if (now - h->accept_told_ms > ACCEPT_TELL_MS || h->accept_told_ms == 0)
        ov_log_warn("connections cannot be accepted", ov_kv_str("reason", strerror(e)),
                    ov_kv_i64("open", atomic_load(&h->n_open)));
    h->accept_told_ms = now;
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    ov_http *h = arg;
    uint64_t n;
    ssize_t got = read(fd, &n, sizeof n);
    (void)got;
    ov_mutex_lock(&h->lock);
    ov_request *rq = h->ready_first;
    h->ready_first = h->ready_last = NULL;
    ov_mutex_unlock(&h->lock);
    while (rq) {
        ov_request *next = rq->next_ready; /* before rq can be listed again */
        ovi_conn_send(rq);
        ovi_request_release(rq);
        rq = next;
    }
    if (atomic_load(&h->stop) && !h->stopping) {
        h->stopping = true;
        h->stop_deadline_ms = ov_monotonic_ms() + h->grace_ms;
        ov_log_info("server stopping", ov_kv_i64("requests", atomic_load(&h->active)),
                    ov_kv_i64("grace_ms", h->grace_ms));
        evconnlistener_disable(h->listener);
    }
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    ov_http *h = arg;
    int64_t now = ov_monotonic_ms();
    ovi_conn *next;
    if (h->accept_paused && !h->stopping) {
        h->accept_paused = false;
        evconnlistener_enable(h->listener);
    }
    for (ovi_conn *c = h->conns; c; c = next) {
        next = ovi_conn_next(c);
        if (h->stopping && ovi_conn_is_idle(c))
            ovi_conn_close(c);
        else
            ovi_conn_check(c, now);
    }
    if (!h->stopping)
        return;
    if (!h->interrupted && now >= h->stop_deadline_ms - LAST_WORDS_MS) {
        h->interrupted = true;
        for (ovi_conn *c = h->conns; c; c = ovi_conn_next(c))
            ovi_conn_interrupt(c);
    }
    if (now >= h->stop_deadline_ms)
        while (h->conns)
            ovi_conn_close(h->conns);
    if (!h->conns && atomic_load(&h->active) == 0)
        event_base_loopbreak(h->base);
}

/* ---- life ---- */

static ov_status listen_on(ov_http *h, ov_error *err)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)h->opt.port)};
    if (h->opt.port < 0 || h->opt.port > 65535)
        return ov_fail(err, OV_INVALID, "port %d is not between 0 and 65535", h->opt.port);
    if (inet_pton(AF_INET, h->opt.host, &a.sin_addr) != 1)
        return ov_fail(err, OV_INVALID, "'%s' is not an IPv4 address to listen on", h->opt.host);
    h->listener =
        evconnlistener_new_bind(h->base, on_accept, h, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE,
                                512, (struct sockaddr *)&a, sizeof a);
    if (!h->listener) {
        int e = errno;
        return ov_fail_errno(err, e, "cannot listen on %s:%d%s", h->opt.host, h->opt.port,
                             e == EADDRINUSE ? " (another server runs there; choose --port)" : "");
    }
    evconnlistener_set_error_cb(h->listener, on_accept_error);
    socklen_t n = sizeof a;
    getsockname(evconnlistener_get_fd(h->listener), (struct sockaddr *)&a, &n);
    h->port = ntohs(a.sin_port);
    return OV_OK;
}

ov_status ov_http_create(const ov_http_options *options, ov_http **out, ov_error *err)
{
    ov_http *h = ov_calloc(1, sizeof *h);
    if (!h)
        return ov_fail_nomem(err, sizeof *h);
    h->opt = *options;
    ov_budget_init(&h->bodies, "the bodies of all requests", (size_t)options->all_bodies_bytes, NULL);
    h->wake_fd = -1;
    ov_mutex_init(&h->lock);
    ov_status st = OV_OK;
    struct timeval every = {.tv_usec = TICK_MS * 1000};
    h->base = event_base_new();
    h->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (h->base && h->wake_fd >= 0) {
        h->wake = event_new(h->base, h->wake_fd, EV_READ | EV_PERSIST, on_wake, h);
        h->tick = event_new(h->base, -1, EV_PERSIST, on_tick, h);
    }
    h->threads = ov_calloc(h->opt.workers, sizeof *h->threads);
    if (!h->wake || !h->tick || !h->threads || event_add(h->wake, NULL) != 0 ||
        event_add(h->tick, &every) != 0)
        OV_TRY_OUT(st, ov_fail(err, OV_IO, "cannot set up the event loop"));
    OV_TRY_OUT(st, listen_on(h, err));
    *out = h;
    return OV_OK;
out:
    ov_http_destroy(h);
    return st;
}

int ov_http_port(const ov_http *h)
{
    return h->port;
}

ov_status ov_http_run(ov_http *h, int grace_ms, ov_error *err)
{
    h->grace_ms = grace_ms;
    ov_status st = OV_OK;
    for (; h->thread_count < h->opt.workers && st == OV_OK; h->thread_count++)
        st = ov_thread_start(&h->threads[h->thread_count], "ov-request", worker_main, h, err);
    if (st == OV_OK)
        event_base_dispatch(h->base);
    ov_mutex_lock(&h->lock);
    h->workers_quit = true;
    while (h->idle)
        call_worker(h);
    ov_mutex_unlock(&h->lock);
    for (uint32_t i = 0; i < h->thread_count; i++)
        ov_thread_join(&h->threads[i]);
    return st;
}

void ov_http_stop(ov_http *h)
{
    atomic_store(&h->stop, true);
    wake_loop(h);
}

void ov_http_counters_get(ov_http *h, ov_http_counters *out)
{
    *out = (ov_http_counters){
        .connections = atomic_load(&h->n_connections),
        .requests = atomic_load(&h->n_requests),
        .refused = atomic_load(&h->n_refused),
        .open_connections = atomic_load(&h->n_open),
        .bytes_out = atomic_load(&h->n_out),
    };
}

void ov_http_destroy(ov_http *h)
{
    if (!h)
        return;
    while (h->conns)
        ovi_conn_close(h->conns);
    while (h->ready_first) {
        ov_request *rq = h->ready_first;
        h->ready_first = rq->next_ready;
        ovi_request_release(rq);
    }
    if (h->listener)
        evconnlistener_free(h->listener);
    if (h->wake)
        event_free(h->wake);
    if (h->tick)
        event_free(h->tick);
    if (h->base)
        event_base_free(h->base);
    if (h->wake_fd >= 0)
        close(h->wake_fd);
    ov_free(h->threads);
    ov_mutex_fini(&h->lock);
    ov_free(h);
}
