/* Runs without a network: answers out of an archive, taken in as if they had just come, and files of a folder. */
#include "ingest/pull/pull_answer.h"

#include <fcntl.h>
#include <stdio.h>
#include "base/file.h"
#include "base/reader.h"

/* ---- replay ---- */

static ov_status spool_body(ovi_flight *f, ov_error *err)
{
    ov_slice path;
    OV_TRY(ovi_spool_path(f->run, &path, err));
    f->path = path.p;
    ov_sha256_init(&f->sum);
    ov_sha256_add(&f->sum, f->body.p, f->body.n);
    f->bytes = f->body.n;
    OV_TRY(ov_file_open(path.p, O_WRONLY | O_CREAT | O_TRUNC, 0600, &f->fd, err));
    return ov_file_write_all(f->fd, f->path, ov_buf_slice(&f->body), err);
}

static ov_status replay_one(ovi_flight *f, ov_error *err)
{
    ovi_run *run = f->run;
    ov_http_done done = {.err = OV_ERROR_INIT};
    OV_TRY(ovi_series_url(run, f->series, NULL, false, &f->shown, err));
    const ovi_archived *a = ovi_archive_next(run->archive, ov_buf_slice(&f->shown));
    if (!a) {
        f->series->phase = OVI_FAILED;
        f->series->code = OV_NOT_FOUND;
        snprintf(f->series->why, sizeof f->series->why, OV_SLICE_FMT ": the archive has no (further) answer to this",
                 OV_SLICE_ARG(ov_buf_slice(&f->shown)));
        return OV_OK;
    }
    OV_TRY(ovi_archive_read(run->archive, a, &f->body, err));
    snprintf(f->etag, sizeof f->etag, OV_SLICE_FMT, OV_SLICE_ARG(a->etag));
    snprintf(f->modified, sizeof f->modified, OV_SLICE_FMT, OV_SLICE_ARG(a->modified));
    ov_buf_add_slice(&f->link, a->link);
    done.response.status = a->status;
    if (run->spec->source.kind == OVI_PULL_FILES)
        OV_TRY(spool_body(f, err));
    return ovi_flight_land(f, &done, err);
}

static ov_status replay(ovi_run *run, ovi_series *s, ov_error *err)
{
    ov_status st = OV_OK;
    while (st == OV_OK && s->phase == OVI_WAITS) {
        ovi_flight *f;
        OV_TRY(ovi_flight_create(run, s, NULL, &f, err));
        st = replay_one(f, err);
        ovi_flight_destroy(f);
    }
    return st;
}

/* ---- files of a folder ---- */

static ov_status feed_file(ovi_run *run, ovi_series *s, ov_error *err)
{
    ov_slice path;
    ov_sha256 sum;
    uint8_t digest[OV_SHA256_BYTES];
    char chunk[32 << 10];
    size_t got = 1;
    ovi_fetched *x;
    ov_reader *r;
    uint64_t lines = 0;
    OV_TRY(ov_path_join(run->arena, run->spec->base_url, s->file, &path, err));
    ov_status whole = ovi_file_check(path.p, path, &lines, run->spec->source.limits.max_bytes, err);
    if (whole == OV_CORRUPT) { /* as one that came over the network */
        s->phase = OVI_GAP;
        s->code = whole;
        snprintf(s->why, sizeof s->why, OV_SLICE_FMT ": %.600s", OV_SLICE_ARG(path), err->text);
        *err = (ov_error)OV_ERROR_INIT;
        return OV_OK;
    }
    OV_TRY(whole);
    OV_TRY(ov_reader_open_file(path.p, &r, err));
    ov_sha256_init(&sum);
    ov_status st = OV_OK;
    while (st == OV_OK && got > 0) {
        st = ov_reader_read(r, chunk, sizeof chunk, &got, err);
        ov_sha256_add(&sum, chunk, got);
    }
    ov_reader_close(r);
    OV_TRY(st);
    ov_sha256_end(&sum, digest);
    OV_TRY(ov_arena_zalloc(&run->group, sizeof(*x), &x, err));
    *x = (ovi_fetched){.series = s, .url = path, .etag = s->file_etag, .bytes = s->file_bytes, .rows = lines, .at_ms = run->collected_ms};
    ov_sha256_hex(digest, x->sha256);
    *run->fetched_tail = x;
    run->fetched_tail = &x->next;
    ovi_known_page page = {.url = path, .etag = s->file_etag};
    OV_TRY(ovi_state_add_page(&s->now, run->arena, &page, err));
    s->now.done = s->changed = true;
    s->new_rows += lines;
    s->now.rows += lines;
    s->spool = path;
    s->phase = OVI_COMPLETE;
    run->bytes += s->file_bytes;
    return OV_OK;
}

ov_status ovi_run_feed(ovi_run *run, uint32_t from, uint32_t to, ov_error *err)
{
    for (uint32_t i = from; i < to; i++) {
        if (run->cancel && atomic_load_explicit(run->cancel, memory_order_relaxed))
            return ov_fail(err, OV_CANCELLED, "cancelled");
        if (run->series[i].phase == OVI_WAITS)
            OV_TRY(run->replays ? replay(run, &run->series[i], err) : feed_file(run, &run->series[i], err));
    }
    return OV_OK;
}
