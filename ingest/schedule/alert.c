/* Alerts; see alert.h. */
#include "ingest/schedule/alert.h"

#include <stdio.h>
#include "base/httpc.h"
#include "base/json.h"
#include "base/log.h"
#include "base/os.h"
#include "base/thread.h"
#include "ingest/pull/pull_secret.h"

enum { WAITING = 100, WHERE_BYTES = 512, TEXT_BYTES = 3000, EACH_MS = 1000, TRIES = 4, LINGER_MS = 2000 };

typedef struct message {
    char where[WHERE_BYTES], text[TEXT_BYTES];
} message;

struct ov_alerts {
    ov_mutex lock;
    ov_cond work;
    message *queue; /* ring */
    uint32_t first, count, dropped;
    bool stop;
    int64_t stop_at; /* monotonic ms */
    _Atomic bool cancel, done;
    ov_thread thread;
};

static void on_header(void *arg, ov_slice name, ov_slice value)
{
    int64_t *wait = arg;
    if (!ov_slice_ieq(name, OV_SLICE_LIT("retry-after")))
        return;
    *wait = 0;
    for (size_t i = 0; i < value.n && i < 5 && value.p[i] >= '0' && value.p[i] <= '9'; i++)
        *wait = *wait * 10 + (value.p[i] - '0');
    *wait *= 1000;
}

/* One attempt; *again: the webhook asks to wait *wait_ms. */
static ov_status post(ov_alerts *a, const char *url, const message *m, int64_t *wait_ms, int *status, ov_error *err)
{
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    enum { ANSWER_BYTES = 64 << 10, TIMEOUT_MS = 10000 };
    ov_buf body, answer;
    ov_http_response got = {0};
    ov_buf_init(&body);
    ov_buf_init(&answer);
    ov_buf_add_str(&body, "{\"text\":");
    ov_json_quote(&body, ov_slice_cstr(m->text));
    ov_buf_add_char(&body, '}');
    ov_http_request req = {.url = url,
                           .shown = m->where,
                           .headers = m->text[0] ? headers : NULL,
                           .body = m->text[0] ? ov_buf_slice(&body) : (ov_slice){0},
                           .max_bytes = ANSWER_BYTES,
                           .total_timeout_ms = TIMEOUT_MS,
                           .max_redirects = -1,
                           .cancel = &a->cancel,
                           .header = on_header,
                           .header_arg = wait_ms};
    ov_status st = ov_http_fetch(&req, &answer, &got, err);
    *status = got.status;
    ov_buf_fini(&body);
    ov_buf_fini(&answer);
    return st;
}

/* Sleep that a stop cuts short; false when the time to stop has come. */
static bool rest(ov_alerts *a, int64_t ms)
{
    int64_t until = ov_monotonic_ms() + ms;
    ov_mutex_lock(&a->lock);
    while (ov_monotonic_ms() < until && !(a->stop && ov_monotonic_ms() >= a->stop_at)) {
        int64_t left = until - ov_monotonic_ms();
        if (a->stop)
            left = OV_MIN(left, a->stop_at - ov_monotonic_ms());
        ov_cond_wait_ms(&a->work, &a->lock, OV_MAX(left, INT64_C(1)));
    }
    bool go = !(a->stop && ov_monotonic_ms() >= a->stop_at);
    ov_mutex_unlock(&a->lock);
    return go;
}

static void deliver(ov_alerts *a, const message *m)
{
    ovi_secrets secrets = {.n = 0};
    ov_arena arena;
    ov_slice url;
    ov_error err = OV_ERROR_INIT;
    ov_arena_init(&arena, "alert", NULL);
    ov_status st = ovi_secret_read(&secrets, ov_slice_cstr(m->where), &arena, &url, &err);
    for (int i = 0; st == OV_OK && i < TRIES; i++) {
        int64_t wait = EACH_MS << i;
        int status = 0;
        ov_error why = OV_ERROR_INIT;
        st = post(a, url.p, m, &wait, &status, &why);
        if (st == OV_OK && status >= 200 && status < 300)
            break;
        if (st == OV_OK)
            ov_fail(&why, OV_IO, "it answered %d", status);
        err = why;
        if (i + 1 == TRIES || (status >= 400 && status < 500 && status != 429) || !rest(a, wait)) {
            st = OV_IO;
            break;
        }
        st = OV_OK;
    }
    ovi_secrets_hide_error(&secrets, &err);
    if (st != OV_OK)
        ov_log_warn("an alert could not be sent", ov_kv_err(&err));
    ov_arena_fini(&arena);
}

static void work(void *arg)
{
    ov_alerts *a = arg;
    message *m = ov_malloc(sizeof(*m));
    if (!m)
        return;
    for (;;) {
        ov_mutex_lock(&a->lock);
        while (a->count == 0 && !a->stop)
            ov_cond_wait(&a->work, &a->lock);
        bool any = a->count > 0 && !(a->stop && ov_monotonic_ms() >= a->stop_at);
        if (any) {
            *m = a->queue[a->first];
            a->first = (a->first + 1) % WAITING;
            a->count--;
            size_t n = strlen(m->text);
            if (a->dropped && n + 80 < sizeof m->text)
                snprintf(m->text + n, sizeof m->text - n, "\n(%u earlier messages were dropped)", a->dropped);
            a->dropped = 0;
        }
        ov_mutex_unlock(&a->lock);
        if (!any)
            break;
        deliver(a, m);
        if (!rest(a, m->text[0] ? EACH_MS : 0))
            break;
    }
    ov_free(m);
    atomic_store(&a->done, true);
}

ov_status ov_alerts_create(ov_alerts **out, ov_error *err)
{
    ov_alerts *a = ov_calloc(1, sizeof(*a));
    if (a)
        a->queue = ov_calloc(WAITING, sizeof(*a->queue));
    if (!a || !a->queue) {
        ov_free(a);
        return ov_fail_nomem(err, WAITING * sizeof(message));
    }
    ov_mutex_init(&a->lock);
    ov_cond_init(&a->work);
    ov_status st = ov_thread_start(&a->thread, "alerts", work, a, err);
    if (st == OV_OK)
        *out = a;
    else
        ov_alerts_destroy(a);
    return st;
}

void ov_alerts_destroy(ov_alerts *a)
{
    if (!a)
        return;
    ov_mutex_lock(&a->lock);
    a->stop = true;
    a->stop_at = ov_monotonic_ms() + (a->count ? LINGER_MS : 0);
    ov_cond_broadcast(&a->work);
    ov_mutex_unlock(&a->lock);
    while (a->thread.started && !atomic_load(&a->done) && ov_monotonic_ms() < a->stop_at)
        ov_sleep_ms(10);
    atomic_store(&a->cancel, true);
    ov_thread_join(&a->thread);
    ov_mutex_fini(&a->lock);
    ov_cond_fini(&a->work);
    ov_free(a->queue);
    ov_free(a);
}

void ov_alerts_send(ov_alerts *a, ov_slice where, ov_slice text)
{
    if (where.n == 0 || where.n >= WHERE_BYTES)
        return;
    ov_mutex_lock(&a->lock);
    if (a->count == WAITING) {
        a->first = (a->first + 1) % WAITING;
        a->count--;
        a->dropped++;
    }
    message *m = &a->queue[(a->first + a->count++) % WAITING];
    snprintf(m->where, sizeof m->where, OV_SLICE_FMT, OV_SLICE_ARG(where));
    snprintf(m->text, sizeof m->text, OV_SLICE_FMT, OV_SLICE_ARG(text));
    ov_cond_signal(&a->work);
    ov_mutex_unlock(&a->lock);
}
