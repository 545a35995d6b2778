/*
 * ov_load_run: a spec's input through splitter, parsers and loader; see ingest/load/load.h.
 *
 * All workers run the same loop: take the next block (one at a time), parse it, submit it. Where fields or types must
 * be discovered the same loop runs once before, with parsers that only look.
 */
#include "ingest/load/load.h"

#include "base/cpu.h"
#include "ingest/load/load_int.h"

static void set_failed(ovi_load *l, const ov_error *err)
{
    ov_mutex_lock(&l->turn);
    l->stop = true;
    if (l->status == OV_OK) {
        l->status = err->code;
        l->err = *err;
    }
    ov_mutex_unlock(&l->turn);
}

static bool cancelled(const ovi_load *l)
{
    return l->env->cancel && atomic_load_explicit(l->env->cancel, memory_order_relaxed);
}

/* The next block and, in the load itself, its rows. False: nothing more to do, or failed (err). */
static bool take_block(ovi_load *l, ovi_block *b, ov_rows **rows, uint64_t *split, ov_error *err)
{
    bool more = false;
    ov_mutex_lock(&l->turn);
    ov_status st = OV_OK;
    if (!l->stop) {
        if (cancelled(l))
            st = ov_fail(err, OV_CANCELLED, "the load was cancelled");
        if (st == OV_OK)
            st = ovi_splitter_next(&l->splitter, b, &more, err);
        if (st == OV_OK && more && l->loader)
            st = ov_loader_begin(l->loader, rows, err);
        if (st == OV_OK && more) {
            *split = l->splits++;
            l->text_bytes += b->text_bytes;
        }
        l->stop |= st != OV_OK; /* before anyone else tries the same input again */
    }
    ov_mutex_unlock(&l->turn);
    return st == OV_OK && more;
}

static void work(ovi_load *l, ovi_parser *p, ovi_discovery *d, ov_rows *own, ov_error *err)
{
    ovi_block block = {0};
    ov_rows *rows = own;
    uint64_t split = 0;
    while (err->code == OV_OK && take_block(l, &block, &rows, &split, err)) {
        if (d) {
            ovi_rows_clear(own);
            d->split = split;
            d->place = 0;
        }
        ovi_parse_block(p, &block, l->inputs.list[block.file].name, rows);
        if (l->env->progress)
            atomic_fetch_add(&l->env->progress->bytes, block.raw_bytes);
        if (!d && ov_loader_submit(l->loader, rows, err) != OV_OK)
            break;
        if (d && rows->failed)
            *err = rows->err;
    }
    ovi_block_fini(&block);
}

static ov_status work_discovery(ovi_load *l, ov_error *err)
{
    ov_type time = OV_T(OV_TYPE_LONG);
    ov_arena names;
    ovi_discovery d;
    ovi_parser *p = NULL;
    ov_rows *own = NULL;
    ov_arena_init(&names, "fields", NULL);
    ovi_discovery_init(&d, &names);
    ov_status st = ovi_rows_create(&time, 1, 0, &own, err);
    if (st == OV_OK)
        st = ovi_parser_create(l->plan, &d, &p, err);
    if (st == OV_OK) {
        work(l, p, &d, own, err);
        st = err->code;
    }
    if (st == OV_OK) {
        ov_mutex_lock(&l->turn);
        st = ovi_discovery_merge(&l->found, &d, err);
        ov_mutex_unlock(&l->turn);
    }
    ovi_parser_destroy(p);
    ovi_rows_destroy(own);
    ov_arena_fini(&names);
    return st;
}

static ov_status work_load(ovi_load *l, ov_error *err)
{
    ovi_parser *p;
    OV_TRY(ovi_parser_create(l->plan, NULL, &p, err));
    work(l, p, NULL, NULL, err);
    ovi_parser_destroy(p);
    return err->code;
}

void ovi_load_worker(void *arg)
{
    ovi_load *l = arg;
    ov_error err = OV_ERROR_INIT;
    if ((l->loader ? work_load(l, &err) : work_discovery(l, &err)) != OV_OK)
        set_failed(l, &err);
}

/* All blocks of all inputs, on all workers. */
static ov_status run_pass(ovi_load *l, ov_error *err)
{
    ov_thread threads[OVI_LOAD_WORKERS] = {0};
    uint32_t started = 0;
    ovi_splitter_init(&l->splitter, &l->inputs, &l->spec->format, &l->arena);
    l->text_bytes = l->splits = 0;
    while (started + 1 < l->workers && ov_thread_start(&threads[started], "ov-load", ovi_load_worker, l, err) == OV_OK)
        started++;
    ovi_load_worker(l);
    for (uint32_t i = 0; i < started; i++)
        ov_thread_join(&threads[i]);
    ovi_splitter_fini(&l->splitter);
    if (l->status != OV_OK)
        *err = l->err;
    return l->status;
}

static ov_status discover(ovi_load *l, ov_error *err)
{
    ovi_plan *plan;
    OV_TRY(ovi_plan_discovery(l->spec, l->env, &l->arena, &plan, err));
    l->plan = plan;
    OV_TRY(run_pass(l, err));
    ovi_discovery_sort(&l->found);
    return OV_OK;
}

/* A pass that only counts rows and samples keys. */
static ov_status survey(ovi_load *l, const ovi_plan *plan, ov_arena *out, ov_load_result *result, ov_error *err)
{
    ov_load_schema schema = plan->schema;
    ov_load_env env = *l->env;
    schema.survey = true;
    schema.partitioner = &l->partitioner;
    env.progress = NULL;
    OV_TRY(ov_loader_create(&schema, &env, &l->loader, err));
    ov_status st = run_pass(l, err);
    if (st != OV_OK) { /* counters and rejects so far are of use to people */
        ov_error ignored = OV_ERROR_INIT;
        ovi_loader_set_failed(l->loader, err);
        (void)!ov_loader_finish(l->loader, out, result, &ignored);
    }
    ov_loader_destroy(l->loader);
    l->loader = NULL;
    OV_TRY(st);
    return ovi_partitioner_settle(&l->partitioner, err);
}

static void set_total(ovi_load *l, unsigned passes)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < l->inputs.count; i++) {
        if (l->inputs.list[i].bytes == 0 && l->spec->input.kind == OV_INPUT_HTTP)
            return; /* not fetched yet: nobody knows */
        total += l->inputs.list[i].bytes;
    }
    if (l->env->progress)
        atomic_store(&l->env->progress->total_bytes, total * passes);
}

static ov_status run(ovi_load *l, ov_arena *out, ov_load_result *result, ov_error *err)
{
    bool twice = ovi_plan_needs_discovery(l->spec);
    ovi_plan *plan;
    OV_TRY(ov_inputs_open(&l->spec->input, l->env, &l->arena, &l->inputs, err));
    set_total(l, 1 + twice + (l->spec->partitions != OV_SHARD_NUMBERED));
    if (twice)
        OV_TRY(discover(l, err));
    uint64_t seen_bytes = l->text_bytes;
    OV_TRY(ovi_plan_build(l->spec, l->env, l->found.list, l->found.count, &l->arena, &plan, err));
    l->plan = plan;
    bool divided;
    OV_TRY(ovi_partitioner_choose(&l->partitioner, l->spec, &plan->schema.segment_gran, plan->schema.columns,
                                  plan->schema.column_count, &divided, err));
    if (divided) {
        OV_TRY(survey(l, plan, out, result, err));
        plan->schema.partitioner = &l->partitioner;
    }
    OV_TRY(ov_loader_create(&plan->schema, l->env, &l->loader, err));
    ov_status st = run_pass(l, err);
    if (st == OV_OK && twice && seen_bytes != l->text_bytes)
        st = ov_fail(err, OV_INVALID, "the input changed while it was read: its fields were looked up in %llu "
                     "bytes, then there were %llu; load it again",
                     (unsigned long long)seen_bytes, (unsigned long long)l->text_bytes);
    if (st != OV_OK)
        ovi_loader_set_failed(l->loader, err);
    return ov_loader_finish(l->loader, out, result, err);
}

void ovi_load_init(ovi_load *l, const ov_spec *spec, const ov_load_env *env)
{
    *l = (ovi_load){.spec = spec, .env = env};
    l->workers = env->workers ? env->workers : ov_cpu_count();
    l->workers = OV_MIN(l->workers, (uint32_t)OVI_LOAD_WORKERS);
    ov_mutex_init(&l->turn);
    ov_arena_init(&l->arena, "load", NULL);
    ov_arena_init(&l->found_arena, "fields", NULL);
    ovi_discovery_init(&l->found, &l->found_arena);
    ovi_partitioner_init(&l->partitioner, &spec->granularity.segment);
}

void ovi_load_fini(ovi_load *l)
{
    ov_loader_destroy(l->loader);
    ovi_partitioner_fini(&l->partitioner);
    ov_inputs_close(&l->inputs);
    ov_arena_fini(&l->found_arena);
    ov_arena_fini(&l->arena);
    ov_mutex_fini(&l->turn);
}

ov_status ov_load_check(const ov_spec *spec, const struct ov_transform_ops *transforms, ov_error *err)
{
    ov_load_env env = {.transforms = transforms};
    ov_arena arena;
    ovi_plan *plan;
    ov_arena_init(&arena, "check", NULL);
    ov_status st = ovi_plan_discovery(spec, &env, &arena, &plan, err);
    ov_arena_fini(&arena);
    return st;
}

ov_status ov_load_run(const ov_spec *spec, const ov_load_env *env, ov_arena *out, ov_load_result *result,
                      ov_error *err)
{
    ovi_load l;
    *result = (ov_load_result){0};
    ovi_load_init(&l, spec, env);
    ov_status st = run(&l, out, result, err);
    ovi_load_fini(&l);
    return st;
}
