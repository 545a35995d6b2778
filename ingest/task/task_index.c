/* `index_parallel` and `index`: Druid's batch spec, loaded by ov_load_run, published in one commit. */
#include "ingest/task/task_int.h"

#include "storage/segment/segment_id.h"

static ov_status index_check(ovi_task *t, const ov_json *doc, ov_error *err)
{
    ov_spec *spec;
    ov_slice ignored;
    OV_TRY(ov_spec_parse(t->row.spec, &t->arena, &spec, err));
    OV_TRY(ov_datasource_name_check(spec->datasource, err));
    OV_TRY(ov_load_check(spec, ovi_tasks_config(t->runner)->transforms, err));
    t->row.datasource = spec->datasource;
    t->plan = spec;
    OV_TRY(ov_spec_ignored(doc, &t->arena, &ignored, err));
    return ignored.n ? ovi_task_note_text(t, "ignoredMembers", ignored, err) : OV_OK;
}

static void log_rejects(ovi_task *t, const ov_load_result *r)
{
    for (uint32_t i = 0; i < r->reject_count; i++) {
        const ov_reject *why = &r->rejects[i];
        ovi_task_log_line(&t->log, "WARN", "%s " OV_SLICE_FMT ":%llu:%u: " OV_SLICE_FMT,
                          why->loaded ? "loaded with NULL" : "rejected", OV_SLICE_ARG(why->file),
                          (unsigned long long)why->line, why->column, OV_SLICE_ARG(why->reason));
    }
}

static ov_status publish_load(ovi_task *t, const ov_spec *spec, const ov_load_result *result, ov_error *err)
{
    ov_publish p;
    ov_publish_init(&p, ovi_tasks_config(t->runner)->catalog, t->row.id,
                    spec->append ? OV_PUBLISH_APPEND : OV_PUBLISH_REPLACE, &t->arena);
    ov_status st = ov_publish_add(&p, result, err);
    if (st == OV_OK && spec->drop)
        st = ov_publish_drop(&p, spec->datasource, spec->granularity.intervals, spec->granularity.interval_count,
                             &spec->granularity.segment, err);
    if (st == OV_OK)
        return ovi_task_publish(t, &p, err);
    ov_publish_abandon(&p);
    return st;
}

static ov_status index_run(ovi_task *t, ov_error *err)
{
    const ov_spec *spec = t->plan;
    ov_load_env env;
    ov_load_result result = {0};
    OV_TRY(ovi_task_declare_keys(t, spec, err));
    OV_TRY(ovi_task_load_env(t, 1, &env, err));
    ovi_task_limit_memory(t, spec, &env);
    ov_status st = ov_load_run(spec, &env, &t->arena, &result, err);
    ovi_task_add_result(t, &result);
    log_rejects(t, &result);
    if (st == OV_CANCELLED)
        return ovi_task_fail_cancelled(t, err);
    OV_TRY(st);
    return publish_load(t, spec, &result, err);
}

const ovi_task_type ovi_task_index_parallel = {"index_parallel", index_check, index_run, false, true};
const ovi_task_type ovi_task_index = {"index", index_check, index_run, false, true};
