#include "server/jdbc/avatica_cursor.h"

#include "base/bits.h"
#include "base/mem.h"
#include "base/os.h"
#include "base/thread.h"
#include "server/query/place.h"

enum { AHEAD_BYTES = 4 << 20 }; /* made and not fetched before the query waits */

struct ov_cursor {
    ov_app *app;
    ov_query *query;
    ov_running_entry *running; /* its flag is what the query asks */
    bool listed;               /* among the queries that run: until its thread is through */
    char uuid[OV_UUID_BYTES]; /* its id when the client gave none */
    ov_av_wire wire;
    size_t most_ahead;
    ov_arena names;   /* the id */
    ov_arena scratch; /* of the thread */
    ov_thread thread;
    ov_place place; /* the thread's own */

    ov_mutex lock; /* of what follows */
    ov_cond changed;
    ov_buf rows;
    size_t *ends; /* of each row in `rows` */
    size_t count, taken, ends_cap;
    uint64_t at; /* number of the first row that was not fetched */
    bool finished;
    ov_status status;
    ov_error err;
};

/* ---- the query's thread ---- */

static size_t ahead(const ov_cursor *c)
{
    return c->rows.n - (c->taken ? c->ends[c->taken - 1] : 0);
}

/* Until the client has taken what is there. Under the lock, which it gives up while it waits. */
static OV_CHECKED ov_status wait_for_client(ov_cursor *c, ov_error *err)
{
    int64_t since = ov_monotonic_ms();
    bool left = false;
    while (ahead(c) > c->most_ahead && !atomic_load(&c->running->cancelled)) {
        int64_t waited = ov_monotonic_ms() - since;
        if (waited > OV_CURSOR_IDLE_MS) {
            return ov_fail(err, OV_TIMEOUT, "nobody fetched rows of this statement for %d seconds",
                           OV_CURSOR_IDLE_MS / 1000);
        }
        if (waited > OV_PLACE_PATIENCE_MS && c->place.held) {
            ov_place_leave(&c->place);
            left = true;
        }
        ov_cond_wait_ms(&c->changed, &c->lock, OV_PLACE_PATIENCE_MS);
    }
    if (atomic_load(&c->running->cancelled))
        return ov_fail(err, OV_CANCELLED, "Query cancelled");
    if (!left)
        return OV_OK;
    ov_mutex_unlock(&c->lock);
    ov_status st = ov_place_take(&c->place, err);
    ov_mutex_lock(&c->lock);
    return st;
}

/* Fetched rows make room. Under the lock. */
static void drop_taken(ov_cursor *c)
{
    if (c->taken == 0)
        return;
    size_t bytes = c->ends[c->taken - 1], left = c->count - c->taken;
    memmove(c->rows.p, c->rows.p + bytes, c->rows.n - bytes);
    c->rows.n -= bytes;
    for (size_t i = 0; i < left; i++)
        c->ends[i] = c->ends[c->taken + i] - bytes;
    c->count = left;
    c->taken = 0;
}

static OV_CHECKED ov_status room_for_ends(ov_cursor *c, size_t more, ov_error *err)
{
    if (c->count + more <= c->ends_cap)
        return OV_OK;
    size_t cap = OV_MAX(c->ends_cap * 2, c->count + more);
    size_t *grown = ov_realloc(c->ends, cap * sizeof *grown);
    if (!grown)
        return ov_fail_nomem(err, cap * sizeof *grown);
    c->ends = grown;
    c->ends_cap = cap;
    return OV_OK;
}

static OV_CHECKED ov_status add_rows(ov_cursor *c, const ov_batch *batch, ov_error *err)
{
    const ov_field *fields;
    uint32_t count = ov_query_fields(c->query, &fields);
    OV_TRY(wait_for_client(c, err));
    drop_taken(c);
    OV_TRY(room_for_ends(c, batch->sel_rows, err));
    for (uint32_t i = 0; i < batch->rows; i++) {
        if (batch->sel && !ov_bits_test(batch->sel, i))
            continue;
        OV_TRY(ov_av_row(c->wire, ov_query_tz(c->query), fields, count, batch, i, &c->scratch,
                         &c->rows, err));
        c->ends[c->count++] = c->rows.n;
    }
    ov_cond_broadcast(&c->changed);
    return OV_OK;
}

static ov_status sink_begin(void *self, const ov_field *fields, uint32_t count, ov_error *err)
{
    (void)self, (void)fields, (void)count, (void)err;
    return OV_OK;
}

static ov_status sink_rows(void *self, const ov_batch *batch, ov_error *err)
{
    ov_cursor *c = self;
    ov_mutex_lock(&c->lock);
    ov_status st = add_rows(c, batch, err);
    ov_mutex_unlock(&c->lock);
    ov_arena_reset(&c->scratch);
    return st;
}

static void unlist(ov_cursor *c)
{
    if (c->listed)
        ov_running_remove(c->app->running, c->running);
    c->listed = false;
}

static void run(void *arg)
{
    ov_cursor *c = arg;
    ov_error err = OV_ERROR_INIT;
    ov_result_sink sink = {.begin = sink_begin, .rows = sink_rows, .self = c};
    ov_status st = ov_place_take(&c->place, &err);
    if (st == OV_OK)
        st = ov_query_run(c->query, &sink, &err);
    ov_place_leave(&c->place);
    unlist(c);
    ov_mutex_lock(&c->lock);
    c->finished = true;
    c->status = st;
    c->err = err;
    ov_cond_broadcast(&c->changed);
    ov_mutex_unlock(&c->lock);
}

/* ---- the client's side ---- */

/* Sub-queries run while a query opens: it has an id that can be cancelled before that. The request's text goes before
 * the cursor does, so the id is a copy. */
static OV_CHECKED ov_status name_query(ov_cursor *c, ov_query_request *query, ov_error *err)
{
    c->running->started_ms = ov_now_ms();
    if (query->query_id.n == 0) {
        ov_uuid_make(c->uuid);
        query->query_id = ov_slice_cstr(c->uuid);
    }
    return ov_arena_copy(&c->names, query->query_id, &c->running->id, err);
}

ov_status ov_cursor_open(ov_app *app, const ov_cursor_request *rq, ov_cursor **out, ov_error *err)
{
    ov_cursor *c = ov_calloc(1, sizeof *c);
    if (!c)
        return ov_fail_nomem(err, sizeof *c);
    c->app = app;
    c->running = rq->running;
    c->wire = rq->wire;
    c->most_ahead = rq->whole ? SIZE_MAX : AHEAD_BYTES;
    ov_arena_init(&c->names, "cursor", NULL);
    ov_arena_init(&c->scratch, "cursor", NULL);
    ov_buf_init(&c->rows);
    ov_mutex_init(&c->lock);
    ov_cond_init(&c->changed);
    ov_query_request query = *rq->query;
    query.cancel = &c->running->cancelled;
    ov_status st = name_query(c, &query, err);
    ov_running_add(app->running, c->running);
    c->listed = true;
    if (st == OV_OK)
        st = ov_query_open(&app->env, &query, &c->query, err);
    if (st == OV_OK) {
        c->place = ov_place_of(app, c->query, rq->priority, query.cancel);
        st = ov_thread_start(&c->thread, "ov-cursor", run, c, err);
    }
    if (st != OV_OK) {
        ov_cursor_close(c);
        return st;
    }
    *out = c;
    return OV_OK;
}

ov_av_wire ov_cursor_wire(const ov_cursor *c)
{
    return c->wire;
}

const ov_field *ov_cursor_fields(const ov_cursor *c, uint32_t *count)
{
    const ov_field *fields;
    *count = ov_query_fields(c->query, &fields);
    return fields;
}

uint64_t ov_cursor_at(const ov_cursor *c)
{
    return c->at;
}

static OV_CHECKED ov_status take_rows(ov_cursor *c, uint64_t want, ov_arena *a, ov_av_frame *out,
                                      ov_error *err)
{
    size_t n = (size_t)OV_MIN(want, (uint64_t)(c->count - c->taken));
    size_t from = c->taken ? c->ends[c->taken - 1] : 0, end = n ? c->ends[c->taken + n - 1] : from;
    char *text;
    *out = (ov_av_frame){.offset = c->at};
    OV_TRY(ov_arena_alloc(a, end - from + n + 1, &text, err));
    char *to = text;
    for (size_t i = 0, start = from; i < n; i++) { /* JSON wants commas between rows */
        size_t bytes = c->ends[c->taken + i] - start;
        if (i > 0 && c->wire == OV_AV_JSON)
            *to++ = ',';
        memcpy(to, c->rows.p + start, bytes);
        to += bytes;
        start += bytes;
    }
    out->rows = ov_slice_make(text, (size_t)(to - text));
    c->taken += n;
    c->at += n;
    out->done = c->finished && c->status == OV_OK && c->taken == c->count;
    return OV_OK;
}

ov_status ov_cursor_fetch(ov_cursor *c, uint64_t rows, int64_t wait_ms, ov_arena *a,
                          ov_av_frame *out, ov_error *err)
{
    int64_t until = ov_monotonic_ms() + wait_ms;
    ov_mutex_lock(&c->lock);
    while (!c->finished && c->count - c->taken < rows && ahead(c) <= c->most_ahead) {
        int64_t left = until - ov_monotonic_ms();
        if (left <= 0)
            break;
        ov_cond_wait_ms(&c->changed, &c->lock, left);
    }
    ov_status st = OV_OK;
    if (c->finished && c->status != OV_OK) {
        *err = c->err;
        st = c->status;
    } else {
        st = take_rows(c, rows, a, out, err);
        ov_cond_broadcast(&c->changed);
    }
    ov_mutex_unlock(&c->lock);
    return st;
}

void ov_cursor_close(ov_cursor *c)
{
    if (!c)
        return;
    atomic_store(&c->running->cancelled, true);
    ov_mutex_lock(&c->lock);
    ov_cond_broadcast(&c->changed);
    ov_mutex_unlock(&c->lock);
    ov_thread_join(&c->thread);
    unlist(c);
    ov_query_close(c->query);
    ov_cond_fini(&c->changed);
    ov_mutex_fini(&c->lock);
    ov_buf_fini(&c->rows);
    ov_free(c->ends);
    ov_arena_fini(&c->scratch);
    ov_arena_fini(&c->names);
    ov_free(c);
}
