#include "server/query/answered.h"

#include "base/log.h"
#include "base/os.h"
#include "server/query/place.h"

static ov_outcome outcome_of(ov_status st)
{
    switch (st) {
    case OV_OK:
        return OV_OUTCOME_OK;
    case OV_INVALID:
    case OV_NOT_FOUND:
    case OV_UNSUPPORTED:
    case OV_LIMIT:
    case OV_BUSY:
        return OV_OUTCOME_REFUSED;
    case OV_CANCELLED:
    case OV_TIMEOUT:
        return OV_OUTCOME_CANCELLED;
    default:
        return OV_OUTCOME_FAILED;
    }
}

static void add_stats(ov_metrics *m, const ov_exec_stats *s)
{
    atomic_fetch_add(&m->rows_scanned, atomic_load(&s->rows_scanned));
    atomic_fetch_add(&m->blocks_scanned, atomic_load(&s->blocks_scanned));
    atomic_fetch_add(&m->blocks_skipped, atomic_load(&s->blocks_skipped));
    atomic_fetch_add(&m->segments_pruned, atomic_load(&s->segments_pruned));
    atomic_fetch_add(&m->spilled_bytes, atomic_load(&s->spilled_bytes));
    atomic_fetch_add(&m->segments_indexed, atomic_load(&s->segments_indexed));
}

static void log_query(ov_status st, const ov_error *err, const ov_request *rq, int64_t micros)
{
    if (st == OV_OK)
        ov_log_debug("query", ov_kv_f64("ms", (double)micros / 1000),
                     ov_kv_i64("bytes", (int64_t)ov_request_bytes_sent(rq)));
    else if (outcome_of(st) == OV_OUTCOME_FAILED)
        ov_log_error("query failed", ov_kv_str("status", ov_status_name(st)), ov_kv_err(err),
                     ov_kv_f64("ms", (double)micros / 1000));
    else
        ov_log_info("query not answered", ov_kv_str("status", ov_status_name(st)), ov_kv_err(err),
                    ov_kv_f64("ms", (double)micros / 1000));
}

void ov_answered(ov_app *app, const ov_request *rq, const ov_query *q, ov_status st,
                 const ov_error *err, int64_t t0_ns)
{
    int64_t micros = (ov_monotonic_ns() - t0_ns) / 1000;
    if (q)
        add_stats(&app->metrics, ov_query_stats(q));
    ov_metrics_query(&app->metrics, outcome_of(st), micros);
    log_query(st, err, rq, micros);
}

void ov_answer_begin(ov_app *app, ov_request *rq, ov_running_entry *entry)
{
    ov_running_add(app->running, entry);
    ov_request_flag_on_gone(rq, &entry->cancelled);
}

void ov_answer_end(ov_app *app, ov_request *rq, ov_running_entry *entry)
{
    ov_request_on_gone(rq, NULL, NULL);
    ov_running_remove(app->running, entry);
}

/* A query and its place, for the time it waits for its client. */
typedef struct turn {
    ov_query *query;
    ov_place place;
} turn;

static ov_status still_alive(void *self, ov_error *err)
{
    return ov_query_still_alive(((turn *)self)->query, err);
}

static void lend_place(void *self)
{
    ov_place_leave(&((turn *)self)->place);
}

static ov_status take_place_back(void *self, ov_error *err)
{
    return ov_place_take(&((turn *)self)->place, err);
}

ov_status ov_answer_in_turn(ov_app *app, ov_request *rq, ov_query *q, int64_t priority, const _Atomic bool *cancelled,
                            ov_status (*run)(ov_query *q, void *self, ov_error *err), void *self, ov_error *err)
{
    turn t = {.query = q, .place = ov_place_of(app, q, priority, cancelled)};
    ov_slow_client slow = {.patience_ms = OV_PLACE_PATIENCE_MS,
                           .alive = still_alive,
                           .begins = lend_place,
                           .ends = take_place_back,
                           .self = &t};
    OV_TRY(ov_place_take(&t.place, err));
    ov_request_on_slow(rq, &slow);
    ov_status st = run(q, self, err);
    ov_request_on_slow(rq, NULL);
    ov_place_leave(&t.place);
    return st;
}
