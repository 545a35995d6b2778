/* What streams tell about themselves: JSON for people, Prometheus text. */
#include "base/jsonw.h"
#include "base/os.h"
#include "base/prom.h"
#include "ingest/stream/stream_int.h"

static void print_stream(const ovi_stream *st, ov_jsonw *w)
{
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_str(w, "datasource", st->name);
    ov_jsonw_u64(w, "rowsInMemory", st->rows);
    ov_jsonw_u64(w, "bytesInMemory", st->bytes);
    ov_jsonw_u64(w, "pieces", st->pieces);
    ov_jsonw_u64(w, "pushes", st->pushes);
    ov_jsonw_u64(w, "duplicates", st->duplicates);
    ov_jsonw_u64(w, "rows", st->rows_in);
    ov_jsonw_u64(w, "rejected", st->rejected);
    ov_jsonw_u64(w, "filtered", st->filtered);
    ov_jsonw_u64(w, "rowsPublished", st->rows_published);
    ov_jsonw_u64(w, "handOvers", st->hand_overs);
    if (st->last_push_ms)
        ov_jsonw_time(w, "lastPush", st->last_push_ms);
    if (st->last_publish_ms)
        ov_jsonw_time(w, "lastPublish", st->last_publish_ms);
    if (st->failures) {
        ov_jsonw_u64(w, "failures", st->failures);
        ov_jsonw_cstr(w, "error", st->last_error.text);
    }
    if (st->spec.n)
        ov_jsonw_raw(w, "spec", st->spec);
    ov_jsonw_close_object(w);
}

ov_status ov_streams_print(ov_streams *s, ov_slice datasource, ov_buf *json, ov_error *err)
{
    ov_jsonw w;
    ov_status st = OV_OK;
    ov_jsonw_init(&w, json);
    ov_mutex_lock(&s->lock);
    const ovi_stream *one = datasource.n ? ovi_stream_known(s, datasource) : NULL;
    if (one)
        print_stream(one, &w);
    else if (datasource.n)
        st = ov_fail(err, OV_NOT_FOUND, "no rows were pushed to '" OV_SLICE_FMT "' since the start, and no spec is declared",
                     OV_SLICE_ARG(datasource));
    if (!datasource.n) {
        ov_jsonw_open_array(&w, NULL);
        for (const ovi_stream *each = s->streams; each; each = each->next)
            print_stream(each, &w);
        ov_jsonw_close_array(&w);
    }
    ov_mutex_unlock(&s->lock);
    return st == OV_OK ? ov_buf_check(json, err) : st;
}

/* ---- metrics ---- */

typedef enum figure {
    ROWS_IN,
    REJECTED,
    DUPLICATES,
    PUBLISHED,
    IN_MEMORY,
    BYTES,
    PIECES,
    LAG,
    FIGURES,
} figure;

static const struct {
    const char *name, *type, *help;
} figures[FIGURES] = {
    [ROWS_IN] = {"ovate_stream_rows_total", "counter", "Rows that were pushed and are durable, since the start."},
    [REJECTED] = {"ovate_stream_rejected_rows_total", "counter", "Rows that could not be read, since the start."},
    [DUPLICATES] = {"ovate_stream_duplicate_batches_total", "counter", "Batches that were there already."},
    [PUBLISHED] = {"ovate_stream_published_rows_total", "counter", "Rows handed over to published segments, as stored."},
    [IN_MEMORY] = {"ovate_stream_memory_rows", "gauge", "Rows in memory, as stored."},
    [BYTES] = {"ovate_stream_memory_bytes", "gauge", "Bytes of the rows in memory."},
    [PIECES] = {"ovate_stream_pieces", "gauge", "Pieces that the rows in memory lie in."},
    [LAG] = {"ovate_stream_unpublished_seconds", "gauge", "Age of the oldest row that is not published."},
};

static double value_of(const ovi_stream *st, figure f, int64_t now)
{
    switch (f) {
    case ROWS_IN:
        return (double)st->rows_in;
    case REJECTED:
        return (double)st->rejected;
    case DUPLICATES:
        return (double)st->duplicates;
    case PUBLISHED:
        return (double)st->rows_published;
    case IN_MEMORY:
        return (double)st->rows;
    case BYTES:
        return (double)st->bytes;
    case PIECES:
        return (double)st->pieces;
    case LAG:
        return st->first ? (double)(now - st->first->born_ms) / 1000 : 0;
    case FIGURES:
        break;
    }
    return 0;
}

void ov_streams_metrics(ov_streams *s, ov_buf *out)
{
    ov_wal_view log;
    int64_t now = ovi_steady_ms();
    ov_wal_look(s->wal, &log);
    ov_mutex_lock(&s->lock);
    for (int f = 0; f < FIGURES; f++) {
        ov_prom_head(out, figures[f].name, figures[f].type, figures[f].help);
        for (const ovi_stream *st = s->streams; st; st = st->next) {
            ov_buf_addf(out, "%s{", figures[f].name);
            ov_prom_label(out, "datasource", st->name);
            ov_buf_addf(out, "} %.17g\n", value_of(st, (figure)f, now));
        }
    }
    uint64_t refused = s->refused, merges = s->merges;
    ov_mutex_unlock(&s->lock);
    ov_prom_counter(out, "ovate_push_refused_total", "Pushes answered 429 for want of room.", refused);
    ov_prom_counter(out, "ovate_stream_merges_total", "Merges of pieces in memory.", merges);
    ov_prom_gauge(out, "ovate_wal_bytes", "Bytes of the log of new rows.", (double)log.bytes);
    ov_prom_gauge(out, "ovate_wal_files", "Files of the log of new rows.", log.files);
    ov_prom_counter(out, "ovate_wal_records_total", "Records written to the log.", log.records);
    ov_prom_counter(out, "ovate_wal_syncs_total", "Syncs they took.", log.groups);
    ov_prom_gauge(out, "ovate_wal_stopped", "1 when a sync failed and nothing is taken until the next start.",
                  log.stopped);
}
