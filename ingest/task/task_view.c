/* Looking at tasks: progress, waiting for the end, counts. */
#include "ingest/task/task_int.h"

#include "base/os.h"

static void fill_view(const ovi_task *t, ov_task_view *v)
{
    v->phase = (ov_task_phase)atomic_load(&t->phase);
    bool ended = v->phase == OV_TASK_SUCCESS || v->phase == OV_TASK_FAILED;
    v->rows = atomic_load(&t->progress.rows);
    v->rejected = atomic_load(&t->progress.rejected);
    v->bytes = atomic_load(&t->progress.bytes);
    v->total_bytes = atomic_load(&t->progress.total_bytes);
    v->segments = atomic_load(&t->progress.segments);
    v->duration_ms = ended ? atomic_load(&t->duration_ms) : ovi_task_elapsed_ms(t);
    if (v->phase == OV_TASK_FAILED)
        memcpy(v->error, t->error, sizeof(v->error));
}

static void view_of_row(const ov_task_row *row, ov_task_view *v)
{
    v->phase = ov_slice_eq(row->state, OV_SLICE_LIT("SUCCESS")) ? OV_TASK_SUCCESS
               : ov_slice_eq(row->state, OV_SLICE_LIT("FAILED")) ? OV_TASK_FAILED
                                                                 : OV_TASK_RUNNING;
    v->duration_ms = row->duration_ms;
    size_t n = OV_MIN(row->error_msg.n, sizeof(v->error) - 1);
    if (n)
        memcpy(v->error, row->error_msg.p, n);
}

ov_status ov_tasks_view(ov_tasks *r, ov_slice id, ov_task_view *out, ov_error *err)
{
    *out = (ov_task_view){0};
    ovi_task *t = ovi_tasks_find(r, id);
    if (t) {
        fill_view(t, out);
        ovi_task_release(t);
        return OV_OK;
    }
    ov_arena a;
    ov_task_row row;
    ov_arena_init(&a, "task", NULL);
    ov_status st = ov_catalog_task_get(r->config.catalog, id, &a, &row, err);
    if (st == OV_OK)
        view_of_row(&row, out);
    ov_arena_fini(&a);
    return st;
}

ov_status ov_tasks_wait(ov_tasks *r, ov_slice id, int64_t timeout_ms, ov_task_view *view, ov_error *err)
{
    ovi_task *t = ovi_tasks_find(r, id);
    if (!t)
        return ov_tasks_view(r, id, view, err);
    int64_t until = ov_monotonic_ms() + timeout_ms;
    ov_mutex_lock(&r->lock);
    for (;;) {
        int phase = atomic_load(&t->phase);
        if (phase == OV_TASK_SUCCESS || phase == OV_TASK_FAILED)
            break;
        int64_t left = until - ov_monotonic_ms();
        if (timeout_ms >= 0 && left <= 0)
            break;
        if (timeout_ms < 0)
            ov_cond_wait(&r->ended, &r->lock);
        else
            ov_cond_wait_ms(&r->ended, &r->lock, left);
    }
    ov_mutex_unlock(&r->lock);
    *view = (ov_task_view){0};
    fill_view(t, view);
    ovi_task_release(t);
    return OV_OK;
}

static const char *runner_word(ov_task_phase phase)
{
    return phase == OV_TASK_PENDING ? "PENDING" : phase == OV_TASK_RUNNING ? "RUNNING" : "NONE";
}

const char *ov_tasks_runner_status(ov_tasks *r, ov_slice id)
{
    ovi_task *t = ovi_tasks_find(r, id);
    const char *word = t ? runner_word((ov_task_phase)atomic_load(&t->phase)) : "NONE";
    ovi_task_release(t);
    return word;
}

void ov_tasks_counts(ov_tasks *r, ov_task_counts *out)
{
    ov_mutex_lock(&r->lock);
    *out = (ov_task_counts){r->thread_count, r->running, r->pending};
    ov_mutex_unlock(&r->lock);
}

ov_status ovi_tasks_row(ov_tasks *r, ov_slice id, ov_arena *out, ov_task_row *row, const char **runner_status,
                        ov_error *err)
{
    ovi_task *t = ovi_tasks_find(r, id);
    ov_status st = ov_catalog_task_get(r->config.catalog, id, out, row, err);
    *runner_status = "NONE";
    if (t && st == OV_OK && ov_slice_eq(row->state, OV_SLICE_LIT("RUNNING"))) {
        ov_task_phase phase = (ov_task_phase)atomic_load(&t->phase);
        *runner_status = runner_word(phase);
        if (phase == OV_TASK_FAILED) { /* the catalog could not take its end */
            row->state = OV_SLICE_LIT("FAILED");
            row->duration_ms = atomic_load(&t->duration_ms);
            st = ov_arena_copy(out, ov_slice_cstr(t->error), &row->error_msg, err);
        }
    }
    ovi_task_release(t);
    return st;
}

uint32_t ov_tasks_live(ov_tasks *r, ov_slice type)
{
    uint32_t n = 0;
    ov_mutex_lock(&r->lock);
    for (const ovi_task *t = r->live; t; t = t->next)
        n += ov_slice_eq(t->row.type, type);
    ov_mutex_unlock(&r->lock);
    return n;
}
