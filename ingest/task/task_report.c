/*
 * Task reports: Druid's ingestionStatsAndErrors, and beside Druid's counters our own, which add up:
 * read = loaded + rejected + filtered.
 */
#include "ingest/task/task_int.h"

/* Druid's names for the same numbers. */
static void print_row_stats(ov_jsonw *w, const ov_load_counters *c)
{
    ov_jsonw_open_object(w, "rowStats");
    ov_jsonw_open_object(w, "buildSegments");
    ov_jsonw_u64(w, "processed", c->loaded - OV_MIN(c->with_errors, c->loaded));
    ov_jsonw_u64(w, "processedBytes", c->text_bytes);
    ov_jsonw_u64(w, "processedWithError", c->with_errors);
    ov_jsonw_u64(w, "thrownAway", c->filtered);
    ov_jsonw_u64(w, "unparseable", c->rejected);
    ov_jsonw_close_object(w);
    ov_jsonw_close_object(w);
}

static void add_place(ov_buf *b, const ov_reject *r)
{
    ov_buf_add_slice(b, r->file);
    if (r->line)
        ov_buf_addf(b, ":%llu", (unsigned long long)r->line);
    if (r->line && r->column)
        ov_buf_addf(b, ":%u", r->column);
}

/* Druid's list: what was read, and why it was refused. */
static void print_unparseable(ov_jsonw *w, const ov_load_result *loaded)
{
    ov_buf detail;
    ov_buf_init(&detail);
    ov_jsonw_open_object(w, "unparseableEvents");
    ov_jsonw_open_array(w, "buildSegments");
    for (uint32_t i = 0; i < loaded->reject_count; i++) {
        const ov_reject *r = &loaded->rejects[i];
        ov_buf_clear(&detail);
        add_place(&detail, r);
        ov_buf_add_str(&detail, ": ");
        ov_buf_add_slice(&detail, r->reason);
        ov_jsonw_open_object(w, NULL);
        ov_jsonw_str(w, "input", r->value);
        ov_jsonw_cstr(w, "errorType", r->loaded ? "processedWithError" : "unparseable");
        ov_jsonw_open_array(w, "details");
        ov_jsonw_str(w, NULL, ov_buf_slice(&detail));
        ov_jsonw_close_array(w);
        ov_jsonw_close_object(w);
    }
    ov_jsonw_close_array(w);
    ov_jsonw_close_object(w);
    ov_buf_fini(&detail);
}

static void print_reject(ov_jsonw *w, const ov_reject *r)
{
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_str(w, "file", r->file);
    ov_jsonw_u64(w, "line", r->line);
    ov_jsonw_u64(w, "column", r->column);
    ov_jsonw_str(w, "field", r->field);
    ov_jsonw_str(w, "reason", r->reason);
    ov_jsonw_str(w, "value", r->value);
    if (r->hint.n)
        ov_jsonw_str(w, "hint", r->hint);
    ov_jsonw_bool(w, "loaded", r->loaded);
    ov_jsonw_close_object(w);
}

static void print_counters(ov_jsonw *w, const ov_load_counters *c)
{
    ov_jsonw_u64(w, "read", c->read);
    ov_jsonw_u64(w, "loaded", c->loaded);
    ov_jsonw_u64(w, "rejected", c->rejected);
    ov_jsonw_u64(w, "filtered", c->filtered);
    ov_jsonw_u64(w, "loadedWithErrors", c->with_errors);
    ov_jsonw_u64(w, "repairedTexts", c->repaired);
    ov_jsonw_u64(w, "bytes", c->bytes);
    ov_jsonw_u64(w, "textBytes", c->text_bytes);
}

static void print_ours(ov_jsonw *w, const ovi_task *t)
{
    ov_jsonw_open_object(w, "ovate");
    print_counters(w, &t->loaded.counters);
    ov_jsonw_u64(w, "peakMemoryBytes", atomic_load(&t->budget.peak));
    for (const ovi_task_note *n = t->notes; n; n = n->next) {
        ov_jsonw_key(w, n->key);
        if (n->is_text)
            ov_jsonw_str(w, NULL, n->text);
        else
            ov_jsonw_i64(w, NULL, n->value);
    }
    ov_jsonw_open_array(w, "rejects");
    for (uint32_t i = 0; i < t->loaded.reject_count; i++)
        print_reject(w, &t->loaded.rejects[i]);
    ov_jsonw_close_array(w);
    ov_jsonw_close_object(w);
}

static void open_report(ov_jsonw *w, ov_slice task_id, const char *state)
{
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_open_object(w, "ingestionStatsAndErrors");
    ov_jsonw_str(w, "taskId", task_id);
    ov_jsonw_open_object(w, "payload");
    ov_jsonw_cstr(w, "ingestionState", state);
}

static void close_report(ov_jsonw *w, ov_slice task_id, ov_slice error, ov_slice context)
{
    if (error.n)
        ov_jsonw_str(w, "errorMsg", error);
    else
        ov_jsonw_null(w, "errorMsg");
    ov_jsonw_bool(w, "segmentAvailabilityConfirmed", false);
    ov_jsonw_i64(w, "segmentAvailabilityWaitTimeMs", 0);
    ov_jsonw_null(w, "recordsProcessed");
    ov_jsonw_close_object(w);
    ov_jsonw_cstr(w, "type", "ingestionStatsAndErrors");
    ov_jsonw_close_object(w);
    ov_jsonw_open_object(w, "taskContext");
    ov_jsonw_str(w, "taskId", task_id);
    ov_jsonw_raw(w, "payload", context);
    ov_jsonw_cstr(w, "type", "taskContext");
    ov_jsonw_close_object(w);
    ov_jsonw_close_object(w);
}

void ovi_report_print(const ovi_task *t, const char *state, const char *error, ov_buf *out)
{
    ov_jsonw w;
    if (t->type == &ovi_task_sql) {
        ovi_sql_report_print(t, error, out);
        return;
    }
    ov_jsonw_init(&w, out);
    open_report(&w, t->row.id, state);
    print_unparseable(&w, &t->loaded);
    print_row_stats(&w, &t->loaded.counters);
    ov_jsonw_u64(&w, "segmentsPublished", t->published);
    print_ours(&w, t);
    close_report(&w, t->row.id, ov_slice_cstr(error), t->context_json);
}

void ovi_report_print_lost(const ov_tasks *runner, const ov_task_row *row, const ov_load_progress *p, ov_buf *out)
{
    ov_load_counters c = {0};
    ov_load_result none = {0};
    ov_jsonw w;
    if (ov_slice_eq(row->type, ov_slice_cstr(ovi_task_sql.name))) {
        ovi_sql_report_print_lost(runner, row, p, out);
        return;
    }
    if (p) {
        c.read = atomic_load(&p->rows);
        c.rejected = atomic_load(&p->rejected);
        c.loaded = c.read - OV_MIN(c.rejected, c.read);
        c.bytes = atomic_load(&p->bytes);
    }
    bool running = ov_slice_eq(row->state, OV_SLICE_LIT("RUNNING"));
    ov_jsonw_init(&w, out);
    open_report(&w, row->id, running && c.read == 0 ? "NOT_STARTED" : "BUILD_SEGMENTS");
    print_unparseable(&w, &none);
    print_row_stats(&w, &c);
    close_report(&w, row->id, row->error_msg, OV_SLICE_LIT("{}"));
}
