/* sys.segments and sys.server_segments: all used segments of the snapshot, those that are
 * overshadowed too, then the pieces of rows in memory, which Druid calls realtime segments. */
#include "query/system/system_int.h"

static const ov_field segments_fields[] = {
    OVI_TEXT("segment_id"),
    OVI_TEXT("datasource"),
    OVI_TEXT("start"),
    OVI_TEXT("end"),
    OVI_LONG("size"),
    OVI_TEXT("version"),
    OVI_LONG("partition_num"),
    OVI_LONG("num_replicas"),
    OVI_LONG("num_rows"),
    OVI_LONG("is_active"),
    OVI_LONG("is_published"),
    OVI_LONG("is_available"),
    OVI_LONG("is_realtime"),
    OVI_LONG("is_overshadowed"),
    OVI_TEXT("shard_spec"),
    OVI_TEXT("dimensions"),
    OVI_TEXT("metrics"),
    OVI_TEXT("last_compaction_state"),
    OVI_LONG("replication_factor"),
    OVI_TEXT("projections"), /* unlisted */
};

/* Names of the columns in this role, as a JSON list. */
static void column_names(const ov_segment_entry *e, ov_column_role role, ov_buf *out)
{
    const char *comma = "";
    ov_buf_add_char(out, '[');
    for (uint32_t i = 0; i < e->column_count; i++) {
        if (e->columns[i].role != role)
            continue;
        ov_buf_add_str(out, comma);
        ovi_json_text(out, e->columns[i].name);
        comma = ",";
    }
    ov_buf_add_char(out, ']');
}

static void segment_row(ovi_table_writer *w, const ov_segment_entry *e, void *arg)
{
    ov_buf *text = arg;
    const ov_segment_info *info = &e->info;
    bool live = e->visible && e->used;
    ovi_cell_text(w, e->id);
    ovi_cell_text(w, info->datasource);
    ovi_cell_time(w, info->start_ms);
    ovi_cell_time(w, info->end_ms);
    ovi_cell_i64(w, (int64_t)info->bytes);
    ovi_cell_text(w, info->version);
    ovi_cell_i64(w, info->partition);
    ovi_cell_i64(w, live); /* replicas */
    ovi_cell_i64(w, info->rows - ov_dead_count(e->dead));
    ovi_cell_i64(w, live); /* active */
    ovi_cell_i64(w, !e->live); /* published */
    ovi_cell_i64(w, live);     /* available */
    ovi_cell_i64(w, e->live != NULL); /* realtime */
    ovi_cell_i64(w, !e->visible);
    ovi_cell_text(w, e->shard_spec);
    column_names(e, OV_ROLE_DIMENSION, text);
    ovi_cell_buf(w, text);
    column_names(e, OV_ROLE_METRIC, text);
    ovi_cell_buf(w, text);
    ovi_cell_null(w); /* never compacted by Druid */
    ovi_cell_i64(w, 1);
    ovi_cell_null(w);
}

typedef void row_fn(ovi_table_writer *w, const ov_segment_entry *e, void *arg);

/* Everything that has an entry, in memory or not. */
static void each_segment(const ov_snapshot *snap, ovi_table_writer *w, row_fn *fn, void *arg)
{
    const ov_segment_entry *const *entries;
    uint32_t count = ov_snapshot_all(snap, &entries);
    for (uint32_t i = 0; i < count; i++)
        fn(w, ov_snapshot_shown(snap, entries[i]), arg);
    for (uint32_t d = 0; d < ov_snapshot_datasources(snap); d++) {
        const ov_datasource *ds = ov_snapshot_datasource(snap, d);
        for (uint32_t i = 0; i < ds->segment_count; i++)
            if (ds->segments[i]->live)
                fn(w, ds->segments[i], arg);
    }
}

static ov_status segments_rows(const ov_systable *table, ov_query_ctx *cx,
                               const ov_result_sink *emit, ov_error *err)
{
    ovi_table_writer w;
    ov_buf text;
    ov_buf_init(&text);
    ovi_syswriter_open(&w, table, cx, emit, err);
    each_segment(cx->snapshot, &w, segment_row, &text);
    ov_buf_fini(&text);
    return ovi_syswriter_close(&w);
}

const ov_systable ovi_segments = {.schema = "sys",
                                  .name = "segments",
                                  .fields = segments_fields,
                                  .field_count = OV_COUNT_OF(segments_fields),
                                  .unlisted = 1,
                                  .rows = segments_rows};

static const ov_field server_segments_fields[] = {OVI_TEXT("server"), OVI_TEXT("segment_id")};

static void server_segment_row(ovi_table_writer *w, const ov_segment_entry *e, void *arg)
{
    const ovi_system *system = arg;
    if (!e->visible || !e->used)
        return;
    ovi_cell_str(w, system->env->address ? system->env->address : "");
    ovi_cell_text(w, e->id);
}

static ov_status server_segments_rows(const ov_systable *table, ov_query_ctx *cx,
                                      const ov_result_sink *emit, ov_error *err)
{
    ovi_table_writer w;
    ovi_syswriter_open(&w, table, cx, emit, err);
    each_segment(cx->snapshot, &w, server_segment_row, table->self);
    return ovi_syswriter_close(&w);
}

const ov_systable ovi_server_segments = {.schema = "sys",
                                         .name = "server_segments",
                                         .fields = server_segments_fields,
                                         .field_count = OV_COUNT_OF(server_segments_fields),
                                         .rows = server_segments_rows};
