#include "ingest/load/extern.h"

#include "ingest/load/load_int.h"

enum { WAIT_MS = 20, BATCH_ROWS = OV_BATCH_ROWS };

typedef struct puller {
    ovi_load *load;
    const ov_extern_sink *sink;
    ov_arena tables, scratch;
    _Atomic bool stop; /* tells the workers and their transfers */
} puller;

/* ---- one split ---- */

static ov_status push_rows(puller *p, ovi_rows_view *view, ov_error *err)
{
    uint32_t total = ov_rows_count(view->rows);
    for (uint32_t from = 0; from < total && !p->sink->enough(p->sink->self); from += BATCH_ROWS) {
        uint32_t n = OV_MIN(total - from, (uint32_t)BATCH_ROWS);
        ov_arena_reset(&p->scratch);
        OV_TRY(ovi_rows_view_batch(view, from, n, true, err));
        ov_batch b = {.rows = n, .cols = view->rows->col_count - 1, .col = view->vecs + 1, .sel_rows = n};
        OV_TRY(p->sink->rows(p->sink->self, &b, err));
    }
    return OV_OK;
}

static ov_status push_split(puller *p, const ov_rows *rows, ov_error *err)
{
    ovi_rows_view view;
    ov_arena_reset(&p->tables);
    OV_TRY(ovi_rows_view_open(&view, rows, &p->tables, &p->scratch, err));
    return push_rows(p, &view, err);
}

/* ---- all of them ---- */

static ov_status pull(puller *p, ov_error *err)
{
    ov_loader *loader = p->load->loader;
    while (!p->sink->enough(p->sink->self)) {
        ov_rows *rows;
        bool waiting;
        OV_TRY(p->sink->alive(p->sink->self, err));
        OV_TRY(ovi_loader_pull(loader, WAIT_MS, &rows, &waiting, err));
        if (waiting)
            continue;
        if (!rows)
            break;
        ov_status st = push_split(p, rows, err);
        ovi_loader_give_back(loader, rows);
        OV_TRY(st);
    }
    return OV_OK;
}

/* The last worker to end says that nothing will come. */
typedef struct crew {
    ovi_load *load;
    _Atomic uint32_t working;
} crew;

static void work(void *arg)
{
    crew *c = arg;
    ovi_load_worker(c->load);
    ov_mutex_lock(&c->load->turn);
    ov_error err = c->load->err;
    bool failed = c->load->status != OV_OK;
    ov_mutex_unlock(&c->load->turn);
    if (failed)
        ovi_loader_set_failed(c->load->loader, &err);
    if (atomic_fetch_sub(&c->working, 1) == 1)
        ovi_loader_end(c->load->loader);
}

static ov_status run_crew(puller *p, ov_error *err)
{
    ovi_load *l = p->load;
    ov_thread threads[OVI_LOAD_WORKERS] = {0};
    uint32_t started = 0;
    crew c = {.load = l};
    ov_status st = OV_OK;
    atomic_init(&c.working, 1);
    while (started < l->workers && st == OV_OK) {
        atomic_fetch_add(&c.working, 1);
        st = ov_thread_start(&threads[started], "ov-extern", work, &c, err);
        if (st == OV_OK)
            started++;
        else
            atomic_fetch_sub(&c.working, 1);
    }
    if (atomic_fetch_sub(&c.working, 1) == 1)
        ovi_loader_end(l->loader);
    if (started)
        st = pull(p, err);
    atomic_store(&p->stop, true);
    for (uint32_t i = 0; i < started; i++)
        ov_thread_join(&threads[i]);
    return st;
}

static ov_status run(puller *p, const ov_build_column *columns, uint32_t count, ov_error *err)
{
    ovi_load *l = p->load;
    ovi_plan *plan;
    OV_TRY(ov_inputs_open(&l->spec->input, l->env, &l->arena, &l->inputs, err));
    OV_TRY(ovi_plan_columns(l->spec, columns, count, &l->arena, &plan, err));
    l->plan = plan;
    OV_TRY(ov_loader_create(&plan->schema, l->env, &l->loader, err));
    ovi_splitter_init(&l->splitter, &l->inputs, &l->spec->format, &l->arena);
    ov_status st = run_crew(p, err);
    ovi_splitter_fini(&l->splitter);
    return st;
}

ov_status ov_extern_run(const ov_spec *spec, const ov_build_column *columns, uint32_t count,
                        const ov_load_env *env, const ov_extern_sink *sink, ov_error *err)
{
    ovi_load load;
    ov_load_env own = *env;
    puller p = {.load = &load, .sink = sink};
    own.cancel = &p.stop;
    ovi_load_init(&load, spec, &own);
    ov_arena_init(&p.tables, "extern", env->budget);
    ov_arena_init(&p.scratch, "extern batch", env->budget);
    ov_status st = run(&p, columns, count, err);
    ovi_load_fini(&load);
    ov_arena_fini(&p.scratch);
    ov_arena_fini(&p.tables);
    return st;
}
