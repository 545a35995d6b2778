#include "server/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/blob_cache.h"
#include "base/cpu.h"
#include "base/later.h"
#include "base/os.h"
#include "base/pool.h"
#include "server/query/external.h"
#include "storage/catalog/keys.h"

/* The cgroup's memory limit, or SIZE_MAX. */
static uint64_t cgroup_limit(void)
{
    static const char *const files[] = {"/sys/fs/cgroup/memory.max",
                                        "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
    for (size_t i = 0; i < OV_COUNT_OF(files); i++) {
        FILE *f = fopen(files[i], "re");
        if (!f)
            continue;
        unsigned long long v = 0;
        int n = fscanf(f, "%llu", &v);
        fclose(f);
        if (n == 1 && v > 0)
            return v;
    }
    return UINT64_MAX;
}

static uint64_t machine_memory(void)
{
    uint64_t ram = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    return OV_MIN(ram, cgroup_limit());
}

static ov_status env_number(const char *name, uint32_t max, uint32_t *out, ov_error *err)
{
    const char *text = getenv(name);
    if (!text || !*text)
        return OV_OK;
    char *end;
    unsigned long v = strtoul(text, &end, 10);
    if (*end || v > max)
        return ov_fail(err, OV_INVALID, "%s is '%s', not a whole number up to %u", name, text, max);
    *out = (uint32_t)v;
    return OV_OK;
}

ov_status ov_host_test_options(ov_exec_options *out, ov_error *err)
{
    uint32_t general = 0, keep = 0;
    *out = (ov_exec_options){0};
    OV_TRY(env_number("OVATE_TEST_BATCH_ROWS", OV_BATCH_ROWS, &out->batch_rows, err));
    OV_TRY(env_number("OVATE_TEST_WORKERS", 1024, &out->workers, err));
    OV_TRY(env_number("OVATE_TEST_DENSE_LIMIT", UINT32_MAX, &out->dense_limit, err));
    OV_TRY(env_number("OVATE_TEST_GENERAL_ONLY", 1, &general, err));
    OV_TRY(env_number("OVATE_TEST_SPILL_ROWS", UINT32_MAX, &out->spill_rows, err));
    OV_TRY(env_number("OVATE_TEST_LOT_GROUPS", UINT32_MAX, &out->lot_groups, err));
    OV_TRY(env_number("OVATE_TEST_KEEP_STATES", 1, &keep, err));
    out->general_only = general != 0;
    out->keep_states = keep != 0;
    return OV_OK;
}

/* Readers without a place to write go without: their queries fail where others go to disk. */
static ov_status open_spill(ov_app *app, const ov_host_options *options, ov_error *err)
{
    char dir[4096];
    const char *temporary = getenv("TMPDIR");
    int n = options->spill_dir ? snprintf(dir, sizeof dir, "%s", options->spill_dir)
            : options->writer  ? snprintf(dir, sizeof dir, "%s/tmp", options->dir)
                               : snprintf(dir, sizeof dir, "%s",
                                          temporary && *temporary ? temporary : "/tmp");
    if (n < 0 || (size_t)n >= sizeof dir)
        return ov_fail(err, OV_INVALID, "the name of the folder for intermediate rows is too long");
    ov_status st = ov_spill_area_open(&app->spill, dir, options->spill_bytes, err);
    app->spill.later = app->later;
    if (st == OV_OK)
        app->env.spill = &app->spill;
    else if (!options->spill_dir && !options->writer)
        st = OV_OK;
    else
        ov_error_context(err, "the folder for intermediate rows");
    return st;
}

enum {
    PLANS_SHARE = 32, /* of all memory, for plans that are kept */
    MOST_PLANS_BYTES = 32 << 20,
    FREED_SHARE = 128, /* the same for freed memory that the next query finds */
};

ov_status ov_host_open(ov_app *app, const ov_host_options *options, ov_error *err)
{
    ov_status st;
    app->started_ms = ov_now_ms();
    size_t limit = (size_t)(options->memory_bytes ? options->memory_bytes : machine_memory() / 2);
    ov_budget_init(&app->memory, "the memory of all queries", limit, NULL);
    ov_mem_keep(limit / FREED_SHARE);
    OV_TRY_OUT(st, ov_later_create(&app->later, err));
    app->memory.later = app->later;
    int64_t cores = options->threads > 0 ? options->threads : ov_cpu_count();
    cores = OV_MIN(cores, (int64_t)OV_POOL_MOST_WORKERS);
    OV_TRY_OUT(st, ov_host_test_options(&app->env.options, err));
    OV_TRY_OUT(st, ov_running_create(&app->running, err));
    /* A query's caller works too, so one thread less than cores keeps every core busy. */
    OV_TRY_OUT(st,
               ov_pool_create(cores > 1 ? (unsigned)cores - 1 : 0, "ov-query", &app->pool, err));
    OV_TRY_OUT(st, ov_catalog_open(options->dir, options->writer, &app->catalog, err));
    ov_catalog_keys_memory(app->catalog, (size_t)(options->keys_bytes ? options->keys_bytes : machine_memory() / 4));
    OV_TRY_OUT(st, open_spill(app, options, err));
    app->env.query_budget_bytes = options->query_bytes ? (size_t)options->query_bytes : limit / 2;
    app->env.catalog = app->catalog;
    app->externs = ov_extern_ops_of(app->catalog);
    app->env.externs = &app->externs;
    app->env.pool = app->pool;
    app->env.budget = &app->memory;
    OV_TRY_OUT(st, ov_plan_cache_create(&app->memory, OV_MIN(limit / PLANS_SHARE, (size_t)MOST_PLANS_BYTES), &app->env.plans, err));
    OV_TRY_OUT(st, ov_blob_cache_create((size_t)options->results_bytes, &app->results, err));
    OV_TRY_OUT(st, ov_blob_cache_create((size_t)options->states_bytes, &app->env.states, err));
    app->env.address = app->address;
    app->env.started_ms = app->started_ms;
    return OV_OK;
out:
    ov_host_close(app);
    return st;
}

void ov_host_close(ov_app *app)
{
    ov_blob_cache_destroy(app->results);
    app->results = NULL;
    ov_blob_cache_destroy(app->env.states);
    app->env.states = NULL;
    ov_plan_cache_destroy(app->env.plans);
    app->env.plans = NULL;
    if (app->catalog)
        ov_catalog_close(app->catalog);
    if (app->pool)
        ov_pool_destroy(app->pool);
    ov_running_destroy(app->running);
    ov_later_destroy(app->later);
    app->memory.later = app->spill.later = app->later = NULL;
    ov_spill_area_close(&app->spill);
    app->catalog = NULL;
    app->pool = NULL;
    app->running = NULL;
}
