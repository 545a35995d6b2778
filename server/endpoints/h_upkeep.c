/* The settings of upkeep (ingest/upkeep/upkeep.h) and what it has done: GET and POST /ovate/v1/upkeep. */
#include "ingest/upkeep/upkeep.h"

#include "base/jsonw.h"
#include "base/log.h"
#include "ingest/upkeep/settings.h"
#include "server/handlers.h"
#include "server/reply.h"

static ov_status print(ov_app *app, ov_arena *a, ov_buf *out, ov_error *err)
{
    ov_settings s;
    ov_buf settings;
    ov_jsonw w;
    ov_upkeep_counts counts;
    ov_buf_init(&settings);
    ov_status st = ov_settings_read(app->catalog, OV_UPKEEP_SUBJECT, a, &s, err);
    if (st == OV_OK)
        st = ov_upkeep_settings_print(s.object, &settings, err);
    ov_upkeep_count(app->upkeep, &counts);
    ov_jsonw_init(&w, out);
    ov_jsonw_open_object(&w, NULL);
    ov_jsonw_raw(&w, "settings", ov_buf_slice(&settings));
    ov_jsonw_time(&w, "lastLook", ov_upkeep_last_tick(app->upkeep));
    ov_jsonw_u64(&w, "segmentsDropped", counts.dropped);
    ov_jsonw_u64(&w, "segmentsHidden", counts.hidden);
    ov_jsonw_u64(&w, "killTasks", counts.kill_tasks);
    ov_jsonw_u64(&w, "compactTasks", counts.compact_tasks);
    ov_jsonw_open_object(&w, "disk");
    ov_jsonw_cstr(&w, "state", ov_disk_state_name(ov_disk_guard_state(&app->disk)));
    ov_jsonw_f64(&w, "percent", ov_disk_guard_percent(&app->disk));
    ov_jsonw_close_object(&w);
    ov_jsonw_close_object(&w);
    ov_buf_fini(&settings);
    return st == OV_OK ? ov_buf_check(out, err) : st;
}

void ov_h_upkeep(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    ov_error err = OV_ERROR_INIT;
    ov_buf b;
    ov_buf_init(&b);
    ov_status st = print(app, ov_request_arena(rq), &b, &err);
    ovi_reply_made(rq, st, &b, &err);
}

static ov_status check(const ov_json *settings, ov_error *err)
{
    ov_upkeep_settings read;
    return ov_upkeep_settings_read(settings, &read, err);
}

/* The members given; the others stay as they are. */
void ov_h_upkeep_set(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    if (ovi_settings_change(app, rq, OV_UPKEEP_SUBJECT, check, &err) != OV_OK) {
        ovi_reply_error(rq, &err);
        return;
    }
    ov_log_info("settings of upkeep changed");
    ov_upkeep_wake(app->upkeep);
    ov_h_upkeep(app, rq, at);
}
