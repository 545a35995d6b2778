/*
 * `kill`: unused segments of an interval for good, a batch a transaction.
 *
 *   {"type": "kill", "dataSource", "interval", "versions"?, "batchSize": 100, "limit"?, "maxUsedStatusLastUpdatedTime"?,
 *    "markAsUnused": false}
 */
#include "ingest/task/task_int.h"

#include "storage/segment/segment_id.h"

typedef struct kill_plan {
    ov_segment_choice which;
    uint32_t batch, limit; /* limit 0: none */
    bool mark_first;       /* markAsUnused */
} kill_plan;

static ov_status read_versions(ovi_task *t, const ov_json *doc, ov_segment_choice *which, ov_error *err)
{
    const ov_json *list;
    ov_slice *versions;
    OV_TRY(ov_json_arr(doc, "versions", &list, err));
    if (!list)
        return OV_OK;
    OV_TRY(ov_arena_alloc(&t->arena, (list->count + 1) * sizeof(*versions), &versions, err));
    for (const ov_json *v = list->first; v; v = v->next)
        OV_TRY(ov_json_as_str(v, &versions[which->version_count++], err));
    which->versions = versions;
    return OV_OK;
}

static ov_status kill_check(ovi_task *t, const ov_json *doc, ov_error *err)
{
    enum { BATCH = 100, MOST = 1000000000 };
    kill_plan *plan;
    ov_slice interval, until;
    int64_t n;
    OV_TRY(ov_arena_zalloc(&t->arena, sizeof(*plan), &plan, err));
    OV_TRY(ov_json_need_str(doc, "dataSource", &t->row.datasource, err));
    OV_TRY(ov_datasource_name_check(t->row.datasource, err));
    OV_TRY(ov_json_need_str(doc, "interval", &interval, err));
    OV_TRY(ov_interval_parse(interval, &plan->which.span, err));
    OV_TRY(read_versions(t, doc, &plan->which, err));
    OV_TRY(ov_json_i64_in(doc, "batchSize", BATCH, 1, MOST, &n, err));
    plan->batch = (uint32_t)n;
    n = 0;
    if (ov_json_find(doc, "limit"))
        OV_TRY(ov_json_i64_in(doc, "limit", 1, 1, MOST, &n, err));
    plan->limit = (uint32_t)n;
    OV_TRY(ov_json_str(doc, "maxUsedStatusLastUpdatedTime", (ov_slice){0}, &until, err));
    if (until.n) {
        OV_TRY(ov_iso_parse(until, NULL, &plan->which.unused_until, err));
        plan->which.has_unused_until = true;
    }
    OV_TRY(ov_json_bool(doc, "markAsUnused", false, &plan->mark_first, err));
    if (plan->mark_first && plan->limit)
        return ov_json_fail(ov_json_get(doc, "limit"), err, OV_INVALID,
                            "a kill task that marks segments as unused first cannot have a limit");
    plan->which.datasource = t->row.datasource;
    t->plan = plan;
    return OV_OK;
}

static ov_status kill_run(ovi_task *t, ov_error *err)
{
    const kill_plan *plan = t->plan;
    ov_catalog *catalog = ovi_tasks_config(t->runner)->catalog;
    ov_segment_choice which = plan->which;
    uint32_t n = 0, killed = 0, batches = 0;
    if (plan->mark_first) {
        which.has_unused_until = false;
        OV_TRY(ov_catalog_mark(catalog, &which, false, &n, err));
        OV_TRY(ovi_task_note_i64(t, "segmentsMarkedUnused", n, err));
        which = plan->which;
    }
    do {
        if (ovi_task_cancelled(t)) /* what went is gone; the rest stays */
            return ov_fail(err, OV_CANCELLED, "a shutdown was requested after %u segments were deleted", killed);
        which.most = plan->limit ? OV_MIN(plan->batch, plan->limit - killed) : plan->batch;
        OV_TRY(ov_catalog_kill(catalog, &which, &n, err));
        killed += n;
        batches += n > 0;
    } while (n == which.most && (!plan->limit || killed < plan->limit));
    ovi_task_log_line(&t->log, "INFO", "%u unused segments of '" OV_SLICE_FMT "' deleted in %u batches", killed,
                      OV_SLICE_ARG(t->row.datasource), batches);
    OV_TRY(ovi_task_note_i64(t, "batches", batches, err));
    return ovi_task_note_i64(t, "segmentsKilled", killed, err);
}

const ovi_task_type ovi_task_kill = {"kill", kill_check, kill_run, false, false};
