/*
 * Ids of batches are kept so that a repeat adds nothing; without an end they would fill the catalog. Those that were published long ago are
 * forgotten, and of very many the oldest: a first pass counts them by the hour, which gives the time before which they go.
 */
#include "base/log.h"
#include "base/os.h"
#include "ingest/stream/stream_int.h"

enum { HOURS = 24 * 366, SWEEP_MS = 3600 * 1000 };

typedef struct ages {
    int64_t now;
    int64_t before;  /* those published earlier go */
    uint32_t *hours; /* how many were published so many hours ago; the last one holds all that are older */
} ages;

static bool published(const ages *a, ov_slice value, int64_t *ms)
{
    ovi_batch_fate fate;
    ov_error ignored = OV_ERROR_INIT;
    return ovi_fate_read(value, &fate, ms, &ignored) == OV_OK && *ms > 0 && *ms <= a->now;
}

static bool count(void *self, ov_slice key, ov_slice value)
{
    ages *a = self;
    int64_t ms;
    (void)key;
    if (published(a, value, &ms))
        a->hours[OV_MIN((a->now - ms) / SWEEP_MS, (int64_t)HOURS - 1)]++;
    return false;
}

static bool is_old(void *self, ov_slice key, ov_slice value)
{
    const ages *a = self;
    int64_t ms;
    (void)key;
    return published(a, value, &ms) && ms < a->before;
}

/* The age at which there are too many; never within the last hour. */
static int64_t too_many(const ages *a, uint64_t most)
{
    uint64_t sum = 0;
    for (int64_t h = 0; h < HOURS; h++) {
        sum += a->hours[h];
        if (sum > most)
            return OV_MAX(h, (int64_t)1) * SWEEP_MS;
    }
    return INT64_MAX;
}

static ov_status sweep(ov_streams *s, ov_slice prefix, ages *a, ov_error *err)
{
    bool more = false;
    OV_TRY(ov_catalog_cursor_prune(s->config.catalog, prefix, count, a, &more, err));
    int64_t age = OV_MIN(s->config.batch_age_ms, too_many(a, s->config.batch_count));
    a->before = a->now - OV_MIN(age, a->now);
    do
        OV_TRY(ov_catalog_cursor_prune(s->config.catalog, prefix, is_old, a, &more, err));
    while (more);
    return OV_OK;
}

static bool is_due(ov_streams *s, ovi_stream *stream, int64_t now)
{
    ov_mutex_lock(&s->lock);
    bool due = !stream->swept_ms || now - stream->swept_ms >= SWEEP_MS;
    if (due)
        stream->swept_ms = now;
    ov_mutex_unlock(&s->lock);
    return due;
}

void ovi_batches_forget(ov_streams *s, ovi_stream *stream)
{
    ov_arena arena;
    ov_slice prefix;
    ov_error err = OV_ERROR_INIT;
    ages a = {.now = ovi_streams_now(s)};
    if (!is_due(s, stream, ovi_steady_ms()))
        return;
    ov_arena_init(&arena, "batches", NULL);
    ov_status st = ov_arena_printf(&arena, &prefix, &err, "stream/batch/" OV_SLICE_FMT "/", OV_SLICE_ARG(stream->name));
    if (st == OV_OK)
        st = ov_arena_zalloc(&arena, HOURS * sizeof *a.hours, &a.hours, &err);
    if (st == OV_OK)
        st = sweep(s, prefix, &a, &err);
    if (st != OV_OK)
        ov_log_warn("old ids of batches could not be forgotten", ov_kv_slice("datasource", stream->name), ov_kv_err(&err));
    ov_arena_fini(&arena);
}
