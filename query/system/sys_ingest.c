/*
 * What ingestion tells for good: sys.lineage (which bytes a segment came from), sys.completeness (what a source gave and what it
 * did not), sys.rejects (rows that were not loaded, of recent tasks).
 */
#include "query/system/system_int.h"

#include <stdlib.h>
#include "base/json.h"

/* ---- records ---- */

/* What a walk over records hands to the function that makes rows of each. */
typedef struct record_walk {
    ovi_table_writer w;
    const ov_segment_entry **segments; /* by task; of sys.lineage alone */
    uint32_t segment_count;
} record_walk;

typedef void record_fn(record_walk *k, const ov_record *r, const ov_json *doc);

/* All records of a kind, each as the rows that `fn` writes. */
static ov_status walk_records(const ov_systable *table, ov_query_ctx *cx, const char *kind, ov_arena *a, record_walk *k, record_fn *fn,
                              const ov_result_sink *emit, ov_error *err)
{
    const ovi_system *system = table->self;
    ov_record *rows;
    uint32_t count;
    OV_TRY(ov_catalog_record_list(system->env->catalog, ov_slice_cstr(kind), (ov_slice){NULL, 0}, a, &rows, &count, err));
    ovi_syswriter_open(&k->w, table, cx, emit, err);
    for (uint32_t i = 0; i < count && k->w.st == OV_OK; i++) {
        ov_json *doc;
        k->w.st = ov_json_parse(rows[i].value, NULL, a, &doc, err);
        if (k->w.st == OV_OK)
            fn(k, &rows[i], doc);
    }
    return ovi_syswriter_close(&k->w);
}

static void text_of(ovi_table_writer *w, const ov_json *doc, const char *key)
{
    const ov_json *v = ov_json_find(doc, key);
    if (v && v->kind == OV_JSON_STRING)
        ovi_cell_text(w, v->s);
    else
        ovi_cell_null(w);
}

static void number_of(ovi_table_writer *w, const ov_json *doc, const char *key)
{
    const ov_json *v = ov_json_find(doc, key);
    if (v && v->kind == OV_JSON_INT)
        ovi_cell_i64(w, v->i);
    else
        ovi_cell_null(w);
}

/* ---- sys.lineage ---- */

static const ov_field lineage_fields[] = {
    OVI_TEXT("segment_id"), OVI_TEXT("task_id"), OVI_TEXT("datasource"), OVI_TEXT("source"),        OVI_TEXT("series"),
    OVI_TEXT("url"),        OVI_TEXT("range"),   OVI_TEXT("fetched_at"), OVI_LONG("status"),        OVI_LONG("rows"),
    OVI_LONG("bytes"),      OVI_TEXT("sha256"),  OVI_TEXT("etag"),       OVI_TEXT("last_modified"),
};

static void lineage_row(ovi_table_writer *w, const ov_record *r, const ov_json *doc, const ov_segment_entry *e)
{
    if (e)
        ovi_cell_text(w, e->id);
    else
        ovi_cell_null(w);
    ovi_cell_text(w, r->task_id);
    text_of(w, doc, "datasource");
    text_of(w, doc, "source");
    text_of(w, doc, "series");
    ovi_cell_text(w, r->key);
    text_of(w, doc, "range");
    ovi_cell_time(w, r->at_ms);
    number_of(w, doc, "status");
    number_of(w, doc, "rows");
    number_of(w, doc, "bytes");
    text_of(w, doc, "sha256");
    text_of(w, doc, "etag");
    text_of(w, doc, "modified");
}

static int by_task(const void *a, const void *b)
{
    const ov_segment_entry *const *x = a, *const *y = b;
    return ov_slice_cmp((*x)->task_id, (*y)->task_id);
}

static int task_cmp(const void *key, const void *entry)
{
    const ov_segment_entry *const *e = entry;
    return ov_slice_cmp(*(const ov_slice *)key, (*e)->task_id);
}

/* Every segment of the record's task, or one row without a segment when none is left. */
static void lineage_rows_of(record_walk *k, const ov_record *r, const ov_json *doc)
{
    const ov_segment_entry **by = k->segments;
    uint32_t n = k->segment_count;
    const ov_segment_entry **hit = n ? bsearch(&r->task_id, by, n, sizeof *by, task_cmp) : NULL;
    if (!hit) {
        lineage_row(&k->w, r, doc, NULL);
        return;
    }
    while (hit > by && ov_slice_eq(hit[-1]->task_id, r->task_id))
        hit--;
    for (; hit < by + n && ov_slice_eq((*hit)->task_id, r->task_id); hit++)
        lineage_row(&k->w, r, doc, *hit);
}

static ov_status sorted_segments(const ov_snapshot *snap, ov_arena *a, const ov_segment_entry ***out, uint32_t *n, ov_error *err)
{
    const ov_segment_entry *const *all;
    uint32_t count = ov_snapshot_all(snap, &all);
    *n = 0;
    OV_TRY(ov_arena_alloc(a, (count + 1) * sizeof(**out), out, err));
    for (uint32_t i = 0; i < count; i++)
        if (!all[i]->tombstone)
            (*out)[(*n)++] = all[i];
    if (*n)
        qsort(*out, *n, sizeof(**out), by_task);
    return OV_OK;
}

static ov_status lineage_rows(const ov_systable *table, ov_query_ctx *cx, const ov_result_sink *emit, ov_error *err)
{
    const ovi_system *system = table->self;
    record_walk k = {0};
    ov_arena a;
    ov_snapshot *snap = ov_catalog_snapshot(system->env->catalog);
    ov_arena_init(&a, "sys.lineage", &cx->budget);
    ov_status st = sorted_segments(snap, &a, &k.segments, &k.segment_count, err);
    if (st == OV_OK)
        st = walk_records(table, cx, "lineage", &a, &k, lineage_rows_of, emit, err);
    ov_arena_fini(&a);
    ov_snapshot_release(snap);
    return st;
}

const ov_systable ovi_lineage = {.schema = "sys",
                                 .name = "lineage",
                                 .fields = lineage_fields,
                                 .field_count = OV_COUNT_OF(lineage_fields),
                                 .is_unlisted = true,
                                 .rows = lineage_rows};

/* ---- sys.completeness ---- */

static const ov_field completeness_fields[] = {
    OVI_TEXT("source"),   OVI_TEXT("datasource"), OVI_TEXT("start"), OVI_TEXT("end"),    OVI_TEXT("status"),
    OVI_LONG("expected"), OVI_LONG("received"),   OVI_LONG("rows"),  OVI_TEXT("reason"), OVI_TEXT("task_id"),
};

static void completeness_row(record_walk *k, const ov_record *r, const ov_json *doc)
{
    ovi_table_writer *w = &k->w;
    const ov_json *end = ov_json_find(doc, "end");
    ovi_cell_text(w, r->key);
    text_of(w, doc, "datasource");
    ovi_cell_time(w, r->at_ms);
    ovi_cell_time(w, end && end->kind == OV_JSON_INT ? end->i : r->at_ms);
    text_of(w, doc, "status");
    number_of(w, doc, "expected");
    number_of(w, doc, "received");
    number_of(w, doc, "rows");
    text_of(w, doc, "reason");
    ovi_cell_text(w, r->task_id);
}

static ov_status completeness_rows(const ov_systable *table, ov_query_ctx *cx, const ov_result_sink *emit, ov_error *err)
{
    record_walk k = {0};
    ov_arena a;
    ov_arena_init(&a, "sys.completeness", &cx->budget);
    ov_status st = walk_records(table, cx, "completeness", &a, &k, completeness_row, emit, err);
    ov_arena_fini(&a);
    return st;
}

const ov_systable ovi_completeness = {.schema = "sys",
                                      .name = "completeness",
                                      .fields = completeness_fields,
                                      .field_count = OV_COUNT_OF(completeness_fields),
                                      .is_unlisted = true,
                                      .rows = completeness_rows};

/* ---- sys.rejects ---- */

enum { RECENT_TASKS = 1000 };

static const ov_field rejects_fields[] = {
    OVI_TEXT("task_id"), OVI_TEXT("datasource"), OVI_TEXT("created_time"), OVI_TEXT("file"),  OVI_LONG("line"),
    OVI_LONG("column"),  OVI_TEXT("field"),      OVI_TEXT("reason"),       OVI_TEXT("value"), OVI_LONG("loaded"),
};

/* The samples in a task's report. */
static void reject_rows_of(ovi_table_writer *w, const ov_task_row *t, const ov_json *report)
{
    const ov_json *payload = ov_json_find(ov_json_find(report, "ingestionStatsAndErrors"), "payload");
    const ov_json *list = ov_json_find(ov_json_find(payload, "ovate"), "rejects");
    for (const ov_json *v = list && list->kind == OV_JSON_ARRAY ? list->first : NULL; v; v = v->next) {
        const ov_json *loaded = ov_json_find(v, "loaded");
        ovi_cell_text(w, t->id);
        ovi_cell_text(w, t->datasource);
        ovi_cell_text(w, t->created);
        text_of(w, v, "file");
        number_of(w, v, "line");
        number_of(w, v, "column");
        text_of(w, v, "field");
        text_of(w, v, "reason");
        text_of(w, v, "value");
        ovi_cell_i64(w, loaded && loaded->kind == OV_JSON_BOOL && loaded->boolean);
    }
}

static ov_status rejects_rows(const ov_systable *table, ov_query_ctx *cx, const ov_result_sink *emit, ov_error *err)
{
    const ovi_system *system = table->self;
    ov_slice any = {NULL, 0};
    ov_task_row *rows, row;
    uint32_t count;
    ov_arena a;
    ov_arena_init(&a, "sys.rejects", &cx->budget);
    ov_status st = ov_catalog_task_list(system->env->catalog, any, any, RECENT_TASKS, &a, &rows, &count, err);
    if (st == OV_OK) {
        ovi_table_writer w;
        ovi_syswriter_open(&w, table, cx, emit, err);
        for (uint32_t i = 0; i < count && w.st == OV_OK; i++) {
            ov_json *doc;
            ov_error why = OV_ERROR_INIT;
            w.st = ov_catalog_task_get(system->env->catalog, rows[i].id, &a, &row, err);
            if (w.st == OV_OK && row.report.n && ov_json_parse(row.report, NULL, &a, &doc, &why) == OV_OK)
                reject_rows_of(&w, &row, doc);
        }
        st = ovi_syswriter_close(&w);
    }
    ov_arena_fini(&a);
    return st;
}

const ov_systable ovi_rejects = {.schema = "sys",
                                 .name = "rejects",
                                 .fields = rejects_fields,
                                 .field_count = OV_COUNT_OF(rejects_fields),
                                 .is_unlisted = true,
                                 .rows = rejects_rows};
