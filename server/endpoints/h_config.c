/*
 * The coordinator's dynamic configuration.
 *
 * What a cluster's balancing is configured by means nothing to one process; it is kept and shown again, so that a console's
 * form and a deployment's script go through. What upkeep reads of it is listed in ingest/upkeep/upkeep.h.
 */
#include "base/json.h"
#include "base/log.h"
#include "ingest/upkeep/settings.h"
#include "ingest/upkeep/upkeep.h"
#include "server/handlers.h"
#include "server/reply.h"

#define SUBJECT "coordinator.config"
/* Druid's defaults. */
static const char config_defaults[] =
    "{\"millisToWaitBeforeDeleting\":900000,\"maxSegmentsToMove\":100,\"replicantLifetime\":15,"
    "\"replicationThrottleLimit\":500,\"balancerComputeThreads\":1,\"killDataSourceWhitelist\":[],"
    "\"killTaskSlotRatio\":0.1,\"maxKillTaskSlots\":2147483647,\"killPendingSegmentsSkipList\":[],"
    "\"maxSegmentsInNodeLoadingQueue\":500,\"decommissioningNodes\":[],\"pauseCoordination\":false,"
    "\"replicateAfterLoadTimeout\":false,\"useRoundRobinSegmentAssignment\":true,\"smartSegmentLoading\":true,"
    "\"debugDimensions\":null,\"turboLoadingNodes\":[]}";

static ov_status print_config(ov_app *app, ov_arena *a, ov_buf *out, ov_error *err)
{
    ov_settings s;
    ov_json *config;
    OV_TRY(ov_json_parse(ov_slice_cstr(config_defaults), NULL, a, &config, err));
    OV_TRY(ov_settings_read(app->catalog, SUBJECT, a, &s, err));
    OV_TRY(ov_settings_merge(a, config, s.object, err));
    ov_json_print(config, out);
    return ov_buf_check(out, err);
}

void ov_h_config(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    ov_error err = OV_ERROR_INIT;
    ov_buf b;
    ov_buf_init(&b);
    ov_status st = print_config(app, ov_request_arena(rq), &b, &err);
    ovi_reply_made(rq, st, &b, &err);
}

void ov_h_config_set(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    ov_error err = OV_ERROR_INIT;
    if (ovi_settings_change(app, rq, SUBJECT, NULL, &err) != OV_OK) {
        ovi_reply_error(rq, &err);
        return;
    }
    ov_log_info("the coordinator's configuration was kept");
    ov_upkeep_wake(app->upkeep);
    ovi_reply_nothing(rq, 200);
}
