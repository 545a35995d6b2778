#include "server/endpoints/segment_json.h"

#include "base/datetime.h"

static void add_columns(ov_jsonw *w, const char *key, const ov_segment_entry *e, uint8_t role)
{
    ov_buf names;
    ov_buf_init(&names);
    for (uint32_t i = 0; i < e->column_count; i++) {
        if (e->columns[i].role != role)
            continue;
        if (names.n)
            ov_buf_add_char(&names, ',');
        ov_buf_add_slice(&names, e->columns[i].name);
    }
    ov_jsonw_str(w, key, ov_buf_slice(&names));
    ov_buf_fini(&names);
}

static void add_interval(ov_jsonw *w, const char *key, ov_interval i)
{
    ov_buf text;
    ov_buf_init(&text);
    ov_interval_add(&text, i);
    ov_jsonw_str(w, key, ov_buf_slice(&text));
    ov_buf_fini(&text);
}

void ovi_segment_json(ov_jsonw *w, const char *key, const ov_segment_entry *e, bool status)
{
    ov_jsonw_open_object(w, key);
    ov_jsonw_str(w, "dataSource", e->info.datasource);
    add_interval(w, "interval", (ov_interval){e->info.start_ms, e->info.end_ms});
    ov_jsonw_str(w, "version", e->info.version);
    ov_jsonw_raw(w, "loadSpec", e->tombstone ? OV_SLICE_LIT("{\"type\":\"tombstone\",\"path\":null}")
                                             : OV_SLICE_LIT("{\"type\":\"ovate\"}"));
    add_columns(w, "dimensions", e, OV_ROLE_DIMENSION);
    add_columns(w, "metrics", e, OV_ROLE_METRIC);
    ov_jsonw_raw(w, "shardSpec", e->shard_spec.n ? e->shard_spec : OV_SLICE_LIT("null"));
    ov_jsonw_i64(w, "binaryVersion", 9);
    ov_jsonw_u64(w, "size", e->info.bytes);
    ov_jsonw_str(w, "identifier", e->id);
    if (status) {
        ov_jsonw_bool(w, "overshadowed", !e->visible);
        ov_jsonw_i64(w, "replicationFactor", e->visible ? 1 : 0);
        ov_jsonw_u64(w, "numRows", e->info.rows - ov_dead_count(e->dead));
        ov_jsonw_bool(w, "realtime", false);
    }
    ov_jsonw_close_object(w);
}

void ovi_datasource_json(ov_jsonw *w, const ov_datasource *ds)
{
    ov_slice created = {"", 0};
    for (uint32_t i = 0; i < ds->segment_count; i++)
        if (created.n == 0 || ov_slice_cmp(ds->segments[i]->created, created) < 0)
            created = ds->segments[i]->created;
    ov_jsonw_str(w, "name", ds->name);
    ov_jsonw_open_object(w, "properties");
    ov_jsonw_str(w, "created", created);
    ov_jsonw_close_object(w);
    ov_jsonw_open_array(w, "segments");
    for (uint32_t i = 0; i < ds->segment_count; i++)
        ovi_segment_json(w, NULL, ds->segments[i], false);
    ov_jsonw_close_array(w);
}
