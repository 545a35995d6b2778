/*
 * The sampler: the first rows of an input through ingestion's own readers, for the console's load-data steps and for people
 * who try a spec before they submit it. Nothing is stored.
 */
#include <stdatomic.h>

#include "base/file.h"
#include "base/json.h"
#include "ingest/load/sample.h"
#include "server/handlers.h"
#include "server/http/error_http.h"
#include "server/task_transform.h"

enum { DEFAULT_TIMEOUT_MS = 10000, MOST_TIMEOUT_MS = 600000 };

static ov_status read_options(ov_slice body, ov_arena *a, ov_sample_options *o, ov_error *err)
{
    const ov_json *config;
    ov_json *doc;
    int64_t rows;
    OV_TRY(ov_json_parse(body, NULL, a, &doc, err));
    OV_TRY(ov_json_expect(doc, OV_JSON_OBJECT, err));
    OV_TRY(ov_json_obj(doc, "samplerConfig", &config, err));
    OV_TRY(ov_json_i64_in(config, "numRows", OV_SAMPLE_ROWS, 0, INT32_MAX, &rows, err));
    OV_TRY(ov_json_i64_in(config, "timeoutMs", DEFAULT_TIMEOUT_MS, 0, INT32_MAX, &o->timeout_ms, err));
    o->max_rows = (uint32_t)OV_MIN(rows, (int64_t)OV_SAMPLE_MOST_ROWS);
    o->timeout_ms = OV_MIN(o->timeout_ms ? o->timeout_ms : MOST_TIMEOUT_MS, (int64_t)MOST_TIMEOUT_MS);
    return OV_OK;
}

/* Where transfers go. */
static ov_status place_transfers(ov_app *app, ov_arena *a, ov_load_env *env, ov_error *err)
{
    ov_slice path, dir;
    OV_TRY(ov_catalog_tmp_path(app->catalog, a, &path, err));
    OV_TRY(ov_arena_copy(a, ov_path_dir(path), &dir, err));
    OV_TRY(ov_arena_copy(a, ov_path_base(path), &path, err));
    env->tmp_dir = dir.p;
    env->file_stem = path.p;
    return OV_OK;
}

static ov_status sample(ov_app *app, ov_request *rq, _Atomic bool *gone, ov_buf *out, ov_error *err)
{
    ov_arena *a = ov_request_arena(rq);
    ov_sample_options options;
    ov_spec *spec;
    ov_load_env env = {.budget = &app->memory, .cancel = gone, .transforms = &ov_transforms};
    OV_TRY(read_options(ov_request_body(rq), a, &options, err));
    OV_TRY(ov_spec_parse(ov_request_body(rq), a, &spec, err));
    OV_TRY(place_transfers(app, a, &env, err));
    return ov_sample_run(spec, &env, &options, out, err);
}

void ov_h_sampler(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    ov_error err = OV_ERROR_INIT;
    _Atomic bool gone;
    ov_buf out;
    atomic_init(&gone, false);
    ov_buf_init(&out);
    ov_request_flag_on_gone(rq, &gone);
    ov_status st = sample(app, rq, &gone, &out, &err);
    ov_request_on_gone(rq, NULL, NULL);
    if (st == OV_OK) {
        ov_respond_json(rq, &out);
        return;
    }
    ov_buf_fini(&out);
    if (err.code == OV_UNSUPPORTED || err.code == OV_NOT_FOUND)
        err.code = OV_INVALID; /* the document asks for what is not there */
    ov_respond_error(rq, OV_ERROR_TASK, (ov_slice){NULL, 0}, &err);
}
