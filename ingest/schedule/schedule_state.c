/* What is kept of a schedule: its runs, and up to when its clock was looked at. */
#include "ingest/schedule/schedule_int.h"

#include "base/jsonw.h"

static const char *const names[] = {"WAITING", "RUNNING", "SUCCESS", "FAILED", "SKIPPED"};

const char *ovi_run_state_name(ovi_run_state state)
{
    return names[state];
}

static bool at_end(const ovi_sched_run *r)
{
    return r->state != OVI_RUN_WAITING && r->state != OVI_RUN_RUNNING;
}

bool ovi_sched_state_add(ovi_sched_state *s, const ovi_sched_run *run)
{
    uint32_t drop = 0;
    if (s->run_count == OVI_RUNS_KEPT) {
        while (drop < s->run_count && !at_end(&s->runs[drop]))
            drop++;
        if (drop == s->run_count)
            return false;
        memmove(&s->runs[drop], &s->runs[drop + 1], (s->run_count - drop - 1) * sizeof(*s->runs));
        s->run_count--;
    }
    s->runs[s->run_count++] = *run;
    return true;
}

uint32_t ovi_sched_state_attempt(const ovi_sched_state *s, int64_t end)
{
    uint32_t attempt = 0;
    for (uint32_t i = 0; i < s->run_count; i++)
        if (s->runs[i].stretch.end == end && s->runs[i].task.n && s->runs[i].attempt + 1 > attempt)
            attempt = s->runs[i].attempt + 1;
    return attempt;
}

static ov_status read_run(const ov_json *v, ovi_sched_run *r, ov_error *err)
{
    ov_slice state;
    int64_t attempt;
    OV_TRY(ov_json_need_i64(v, "start", &r->stretch.start, err));
    OV_TRY(ov_json_need_i64(v, "end", &r->stretch.end, err));
    OV_TRY(ov_json_need_str(v, "state", &state, err));
    OV_TRY(ov_json_i64_in(v, "attempt", 0, 0, 1000, &attempt, err));
    OV_TRY(ov_json_i64(v, "due", 0, &r->due_ms, err));
    OV_TRY(ov_json_i64(v, "since", 0, &r->since_ms, err));
    OV_TRY(ov_json_str(v, "task", (ov_slice){0}, &r->task, err));
    OV_TRY(ov_json_str(v, "why", (ov_slice){0}, &r->why, err));
    r->attempt = (uint32_t)attempt;
    for (size_t i = 0; i < OV_COUNT_OF(names); i++)
        if (ov_slice_eq(state, ov_slice_cstr(names[i]))) {
            r->state = (ovi_run_state)i;
            return OV_OK;
        }
    return ov_json_fail(v, err, OV_CORRUPT, "a run's state is unknown");
}

ov_status ovi_sched_state_read(ov_slice text, ov_arena *out, ovi_sched_state *s, ov_error *err)
{
    ov_json *doc;
    const ov_json *runs;
    s->last_fire = INT64_MIN;
    s->bound_checked = INT64_MIN / 2;
    s->last_success_ms = 0;
    s->lag_told = false;
    s->run_count = 0;
    if (text.n == 0)
        return OV_OK;
    OV_TRY(ov_json_parse(text, NULL, out, &doc, err));
    OV_TRY(ov_json_i64(doc, "lastFire", INT64_MIN, &s->last_fire, err));
    OV_TRY(ov_json_i64(doc, "boundChecked", INT64_MIN / 2, &s->bound_checked, err));
    OV_TRY(ov_json_i64(doc, "lastSuccess", 0, &s->last_success_ms, err));
    OV_TRY(ov_json_bool(doc, "lagTold", false, &s->lag_told, err));
    OV_TRY(ov_json_arr(doc, "runs", &runs, err));
    for (const ov_json *v = runs ? runs->first : NULL; v && s->run_count < OVI_RUNS_KEPT; v = v->next) {
        ovi_sched_run r = {0};
        OV_TRY(read_run(v, &r, err));
        s->runs[s->run_count++] = r;
    }
    return OV_OK;
}

ov_status ovi_sched_state_print(const ovi_sched_state *s, ov_arena *out, ov_slice *text, ov_error *err)
{
    ov_buf b;
    ov_jsonw w;
    ov_buf_init(&b);
    ov_jsonw_init(&w, &b);
    ov_jsonw_open_object(&w, NULL);
    if (s->last_fire != INT64_MIN)
        ov_jsonw_i64(&w, "lastFire", s->last_fire);
    ov_jsonw_i64(&w, "boundChecked", s->bound_checked);
    ov_jsonw_i64(&w, "lastSuccess", s->last_success_ms);
    ov_jsonw_bool(&w, "lagTold", s->lag_told);
    ov_jsonw_open_array(&w, "runs");
    for (uint32_t i = 0; i < s->run_count; i++) {
        const ovi_sched_run *r = &s->runs[i];
        ov_jsonw_open_object(&w, NULL);
        ov_jsonw_i64(&w, "start", r->stretch.start);
        ov_jsonw_i64(&w, "end", r->stretch.end);
        ov_jsonw_cstr(&w, "state", names[r->state]);
        ov_jsonw_i64(&w, "attempt", r->attempt);
        ov_jsonw_i64(&w, "due", r->due_ms);
        ov_jsonw_i64(&w, "since", r->since_ms);
        ov_jsonw_str(&w, "task", r->task);
        ov_jsonw_str(&w, "why", r->why);
        ov_jsonw_close_object(&w);
    }
    ov_jsonw_close_array(&w);
    ov_jsonw_close_object(&w);
    ov_status st = ov_buf_check(&b, err);
    if (st == OV_OK)
        st = ov_arena_copy(out, ov_buf_slice(&b), text, err);
    ov_buf_fini(&b);
    return st;
}
