#include "server/query/sql_task.h"

#include <stdio.h>

#include "base/jsonw.h"
#include "base/os.h"
#include "ingest/task/task.h"
#include "server/query/place.h"
#include "server/query/sql_export.h"
#include "server/query/sql_select.h"
#include "server/query/sql_settings.h"
#include "server/query/sql_write.h"

/* ---- the document ---- */

static void add_json(ov_jsonw *w, const char *key, const ov_json *v, const char *dflt, ov_buf *scratch)
{
    ov_buf_clear(scratch);
    if (v)
        ov_json_print(v, scratch);
    else
        ov_buf_add_str(scratch, dflt);
    ov_jsonw_raw(w, key, ov_buf_slice(scratch));
}

static void add_destination(ov_jsonw *w, const ov_query_write *what)
{
    ov_jsonw_open_object(w, "destination");
    if (what && what->export_path.n) {
        ov_jsonw_cstr(w, "type", "export");
        ov_jsonw_open_object(w, "exportStorageProvider");
        ov_jsonw_cstr(w, "type", "local");
        ov_jsonw_str(w, "exportPath", what->export_path);
        ov_jsonw_close_object(w);
        ov_jsonw_cstr(w, "resultFormat", "csv");
        ov_jsonw_close_object(w);
        return;
    }
    ov_jsonw_cstr(w, "type", what ? "dataSource" : "durableStorage");
    if (what) {
        ov_jsonw_str(w, "dataSource", what->datasource);
        ov_jsonw_raw(w, "segmentGranularity", what->segment_json);
    }
    if (what && what->replace) {
        ov_buf text;
        ov_buf_init(&text);
        ov_jsonw_open_array(w, "replaceTimeChunks");
        for (uint32_t i = 0; i < (what->replace_all ? 1 : what->interval_count); i++) {
            ov_buf_clear(&text);
            ov_interval_add(&text, what->replace_all ? OV_INTERVAL_ETERNITY : what->intervals[i]);
            ov_jsonw_str(w, NULL, ov_buf_slice(&text));
        }
        ov_jsonw_close_array(w);
        ov_buf_fini(&text);
    }
    ov_jsonw_close_object(w);
}

static void add_types(ov_jsonw *w, const ov_field *fields, uint32_t count)
{
    char name[48];
    ov_jsonw_open_array(w, "columnMappings");
    for (uint32_t i = 0; i < count; i++) {
        ov_jsonw_open_object(w, NULL);
        ov_jsonw_str(w, "queryColumn", fields[i].name);
        ov_jsonw_str(w, "outputColumn", fields[i].name);
        ov_jsonw_close_object(w);
    }
    ov_jsonw_close_array(w);
    ov_jsonw_close_object(w); /* spec */
    ov_jsonw_open_array(w, "sqlTypeNames");
    for (uint32_t i = 0; i < count; i++)
        ov_jsonw_cstr(w, NULL, ov_sqltype_name((ov_sqltype)fields[i].sql));
    ov_jsonw_close_array(w);
    ov_jsonw_open_array(w, "nativeTypeNames");
    for (uint32_t i = 0; i < count; i++)
        ov_jsonw_cstr(w, NULL, ov_type_name(fields[i].type, name));
    ov_jsonw_close_array(w);
}

static void print_document(const ov_query *q, const ov_sql_request *in, ov_slice id, ov_buf *out)
{
    const ov_field *fields;
    uint32_t count = ov_query_fields(q, &fields);
    ov_jsonw w;
    ov_buf scratch;
    ov_buf_init(&scratch);
    ov_jsonw_init(&w, out);
    ov_jsonw_open_object(&w, NULL);
    ov_jsonw_cstr(&w, "type", "query_controller");
    ov_jsonw_str(&w, "id", id);
    ov_jsonw_str(&w, "sqlQuery", in->query.sql);
    ov_jsonw_cstr(&w, "resultFormat", ov_result_format_name(in->format));
    add_json(&w, "sqlQueryContext", in->context, "{}", &scratch);
    add_json(&w, "sqlParameters", in->parameters, "[]", &scratch);
    ov_jsonw_open_object(&w, "spec");
    add_destination(&w, ov_query_write_of(q));
    add_types(&w, fields, count);
    ov_jsonw_close_object(&w);
    ov_buf_fini(&scratch);
}

static ov_status make_id(const ov_sql_request *in, ov_arena *a, ov_slice *id, ov_error *err)
{
    char uuid[OV_UUID_BYTES];
    if (in->query.query_id.n)
        return ov_arena_printf(a, id, err, "query-" OV_SLICE_FMT, OV_SLICE_WHOLE(in->query.query_id));
    ov_uuid_make(uuid);
    return ov_arena_printf(a, id, err, "query-%s", uuid);
}

ov_status ov_sql_task_submit(ov_app *app, const ov_sql_request *in, ov_sql_task_check check, ov_arena *a, ov_slice *id, ov_error *err)
{
    ov_query_request rq = in->query;
    ov_query *q;
    ov_buf doc;
    rq.writes = true;
    OV_TRY(make_id(in, a, id, err));
    OV_TRY(ov_query_open(&app->env, &rq, &q, err));
    ov_status st = check ? check(q, in->context, a, err) : OV_OK;
    if (st == OV_OK && ov_query_is_explain(q)) {
        ov_query_close(q);
        *id = (ov_slice){NULL, 0};
        return OV_OK;
    }
    ov_buf_init(&doc);
    if (st == OV_OK)
        st = ov_sql_settings_read(q, in->context, a, NULL, err);
    if (st == OV_OK) {
        print_document(q, in, *id, &doc);
        st = ov_buf_check(&doc, err);
    }
    ov_query_close(q);
    if (st == OV_OK)
        st = ov_tasks_submit(app->tasks, ov_buf_slice(&doc), a, id, err);
    ov_buf_fini(&doc);
    return st;
}

/* ---- running ---- */

typedef struct statement {
    ov_sql_request rq;
} statement;

/* A statement that ran for minutes is nothing unusual: only a timeout that was asked for counts. */
static ov_status read_document(const ov_json *doc, ov_arena *a, statement *s, ov_error *err)
{
    s->rq.query = (ov_query_request){.outer_limit = OV_NO_LIMIT, .stringify_arrays = true, .writes = true};
    OV_TRY(ov_json_need_str(doc, "sqlQuery", &s->rq.query.sql, err));
    OV_TRY(ov_json_obj(doc, "sqlQueryContext", &s->rq.context, err));
    OV_TRY(ov_json_arr(doc, "sqlParameters", &s->rq.parameters, err));
    return ov_sql_request_settings(&s->rq, a, err);
}

static ov_status check_document(void *ctx, const ov_json *doc, ov_arena *out, ov_slice *datasource, bool *alone, void **plan,
                       ov_error *err)
{
    ov_app *app = ctx;
    statement *s;
    ov_query *q;
    OV_TRY(ov_arena_zalloc(out, sizeof *s, &s, err));
    OV_TRY(read_document(doc, out, s, err));
    OV_TRY(ov_query_open(&app->env, &s->rq.query, &q, err));
    const ov_query_write *w = ov_query_write_of(q);
    ov_status st = ov_arena_copy(out, w ? w->datasource : OV_SLICE_LIT("__query_select"), datasource, err);
    *alone = w && w->replace;
    ov_slice folder;
    if (st == OV_OK && w && w->export_path.n)
        st = ov_sql_export_folder(app->export_dir, w->export_path, out, &folder, err);
    ov_query_close(q);
    *plan = s;
    return st;
}

/* One stage that makes rows, and for writing one that builds segments. */
static ov_status write_report(const statement *s, bool replaces, ov_sql_work *work, int64_t started_ms, ov_error *err)
{
    ov_buf b;
    ov_jsonw w;
    uint64_t rows = work->loaded.counters.loaded, bytes = 0;
    int64_t took = ov_now_ms() - started_ms;
    ov_buf_init(&b);
    ov_jsonw_init(&w, &b);
    bool ranges = replaces; /* what is appended joins a set and is numbered */
    for (uint32_t i = 0; i < work->loaded.segment_count; i++) {
        bytes += work->loaded.segments[i].info.bytes;
        ranges = ranges && work->loaded.segments[i].shard.n > 0;
    }
    ranges = ranges && work->loaded.segment_count > 0;
    ov_jsonw_open_array(&w, "stages");
    for (int i = 0; i < 2; i++) {
        char id[300];
        snprintf(id, sizeof id, OV_SLICE_FMT "_%d", OV_SLICE_ARG(work->task_id), i);
        ov_jsonw_open_object(&w, NULL);
        ov_jsonw_i64(&w, "stageNumber", i);
        ov_jsonw_open_object(&w, "definition");
        ov_jsonw_cstr(&w, "id", id);
        ov_jsonw_open_array(&w, "input");
        if (i)
            ov_jsonw_raw(&w, NULL, OV_SLICE_LIT("{\"type\":\"stage\",\"stage\":0}"));
        ov_jsonw_close_array(&w);
        ov_jsonw_open_object(&w, "processor");
        ov_jsonw_cstr(&w, "type", i ? "segmentGenerator" : "scan");
        if (!i)
            ov_jsonw_str(&w, "sql", s->rq.query.sql);
        ov_jsonw_close_object(&w);
        ov_jsonw_i64(&w, "maxWorkerCount", 1);
        ov_jsonw_close_object(&w);
        ov_jsonw_cstr(&w, "phase", "FINISHED");
        ov_jsonw_i64(&w, "workerCount", 1);
        ov_jsonw_i64(&w, "partitionCount", i ? (int64_t)work->loaded.segment_count : 1);
        ov_jsonw_time(&w, "startTime", started_ms);
        ov_jsonw_i64(&w, "duration", took);
        ov_jsonw_close_object(&w);
    }
    ov_jsonw_close_array(&w);
    ov_buf_addf(&b,
                ",\"counters\":{\"0\":{\"0\":{\"output\":{\"type\":\"channel\",\"rows\":[%llu],\"bytes\":[%llu],\"frames\":[1]}}},"
                "\"1\":{\"0\":{\"input0\":{\"type\":\"channel\",\"rows\":[%llu]},\"segmentGenerationProgress\":{\"type\":"
                "\"segmentGenerationProgress\",\"rowsProcessed\":%llu,\"rowsPersisted\":%llu,\"rowsMerged\":%llu,"
                "\"rowsPushed\":%llu}}}},\"segmentLoadWaiterStatus\":null,\"segmentReport\":{\"shardSpec\":\"%s\","
                "\"details\":\"%u segments, %llu bytes\"}",
                (unsigned long long)rows, (unsigned long long)bytes, (unsigned long long)rows, (unsigned long long)rows,
                (unsigned long long)rows, (unsigned long long)rows, (unsigned long long)rows,
                ranges ? "DimensionRangeShardSpec" : "NumberedShardSpec", work->loaded.segment_count, (unsigned long long)bytes);
    ov_status st = ov_buf_check(&b, err);
    if (st == OV_OK)
        st = ov_arena_copy(work->arena, ov_buf_slice(&b), &work->report, err);
    ov_buf_fini(&b);
    return st;
}

static ov_status run(void *ctx, void *plan, ov_sql_work *work, ov_error *err)
{
    ov_app *app = ctx;
    statement *s = plan;
    ov_query *q;
    int64_t started = ov_now_ms();
    ov_query_request rq = s->rq.query;
    rq.cancel = work->cancel;
    rq.query_id = work->task_id;
    OV_TRY(ov_query_open(&app->env, &rq, &q, err));
    ov_place place = ov_place_of(app, q, s->rq.priority, work->cancel);
    place.request.accepted = true;
    ov_status st = ov_place_take(&place, err);
    if (st != OV_OK) {
        /* it was cancelled in the queue */
    } else if (!ov_query_write_of(q)) {
        st = ov_sql_select_run(q, s->rq.context, work, err);
    } else if (ov_query_write_of(q)->export_path.n) {
        st = ov_sql_export_run(q, s->rq.context, app->export_dir, work, err);
    } else {
        st = ov_sql_write_run(q, s->rq.context, work, err);
        if (st == OV_OK)
            st = write_report(s, ov_query_write_of(q)->replace, work, started, err);
    }
    ov_place_leave(&place);
    ov_query_close(q);
    return st;
}

ov_sql_task_ops ov_sql_task_ops_of(ov_app *app)
{
    return (ov_sql_task_ops){.ctx = app, .check = check_document, .run = run};
}
