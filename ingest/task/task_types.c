/* The table of task types, what they share, and the smallest: noop. */
#include "ingest/task/task_int.h"

#include "base/file.h"
#include "base/os.h"
#include "storage/segment/segment_id.h"

static const ovi_task_type *const types[] = {
    &ovi_task_index_parallel, &ovi_task_index, &ovi_task_git, &ovi_task_kill, &ovi_task_noop,
    &ovi_task_sql, &ovi_task_pull, &ovi_task_compact,
};

ov_status ovi_task_type_of(const ov_json *doc, const ovi_task_type **out, ov_error *err)
{
    ov_slice name;
    OV_TRY(ov_json_need_str(doc, "type", &name, err));
    for (size_t i = 0; i < OV_COUNT_OF(types); i++)
        if (ov_slice_eq(name, ov_slice_cstr(types[i]->name))) {
            *out = types[i];
            return OV_OK;
        }
    return ov_json_fail(ov_json_get(doc, "type"), err, OV_INVALID,
                        "there is no task type '" OV_SLICE_FMT
                        "'; known are index_parallel, index, compact, git, pull, kill, noop, query_controller",
                        OV_SLICE_ARG(name));
}

ov_status ov_task_check_type(const ov_json *doc, ov_error *err)
{
    const ovi_task_type *type;
    return ovi_task_type_of(doc, &type, err);
}

/* ---- shared ---- */

static ov_status has_keys(ovi_task *t, bool *has, ov_error *err)
{
    ov_key_spec keys;
    OV_TRY(ov_catalog_keys_get(ovi_tasks_config(t->runner)->catalog, t->row.datasource, &t->arena, &keys, err));
    *has = keys.count > 0;
    return OV_OK;
}

ov_status ovi_task_declare_keys(ovi_task *t, const ov_spec *spec, ov_error *err)
{
    ov_catalog *catalog = ovi_tasks_config(t->runner)->catalog;
    bool has;
    if (spec->keys.count)
        return ov_catalog_keys_declare(catalog, spec->datasource, &spec->keys, err);
    OV_TRY(has_keys(t, &has, err));
    if (!has || !spec->granularity.rollup)
        return OV_OK;
    return ov_fail(err, OV_INVALID,
                   "datasource '" OV_SLICE_FMT "' has keys, and rows that are rolled up have none: set \"rollup\": false in the "
                   "granularitySpec",
                   OV_SLICE_ARG(spec->datasource));
}

ov_status ovi_task_load_env(ovi_task *t, unsigned loads, ov_load_env *env, ov_error *err)
{
    const ov_tasks_config *config = ovi_tasks_config(t->runner);
    ov_slice path, tmp;
    size_t memory = (config->task_memory_bytes ? config->task_memory_bytes : OV_TASK_MEMORY_BYTES) / 4;
    OV_TRY(ov_catalog_tmp_path(config->catalog, &t->arena, &path, err));
    OV_TRY(ov_arena_copy(&t->arena, ov_path_dir(path), &tmp, err));
    ov_slice stem = ov_path_base(path);
    if (ov_slice_ends(stem, OV_SLICE_LIT(".ovs")))
        stem.n -= 4;
    OV_TRY(ov_arena_copy(&t->arena, stem, &stem, err));
    *env = (ov_load_env){
        .tmp_dir = tmp.p,
        .file_stem = stem.p,
        .version = t->row.created,
        .base_dir = config->base_dir,
        .budget = &t->budget,
        .memory_bytes = memory / loads,
        .workers = config->workers,
        .cancel = &t->cancel,
        .disk = config->disk,
        .progress = &t->progress,
        .transforms = config->transforms,
    };
    return has_keys(t, &env->arrival, err);
}

void ovi_task_limit_memory(const ovi_task *t, const ov_spec *spec, ov_load_env *env)
{
    if (spec->max_bytes_in_memory)
        env->memory_bytes = (size_t)OV_MIN(spec->max_bytes_in_memory, (uint64_t)t->budget.limit / 2);
}

void ovi_task_add_result(ovi_task *t, const ov_load_result *r)
{
    ov_load_counters *to = &t->loaded.counters;
    const ov_load_counters *c = &r->counters;
    to->read += c->read;
    to->loaded += c->loaded;
    to->rejected += c->rejected;
    to->filtered += c->filtered;
    to->with_errors += c->with_errors;
    to->repaired += c->repaired;
    to->bytes += c->bytes;
    to->text_bytes += c->text_bytes;
    if (t->loaded.reject_count == 0) { /* samples of the first load that has any */
        t->loaded.rejects = r->rejects;
        t->loaded.reject_count = r->reject_count;
    }
}

static ov_status add_note(ovi_task *t, const char *key, ovi_task_note note, ov_error *err)
{
    ovi_task_note *n;
    OV_TRY(ov_arena_alloc(&t->arena, sizeof(*n), &n, err));
    *n = note;
    n->key = ov_slice_cstr(key);
    *t->notes_tail = n;
    t->notes_tail = &n->next;
    return OV_OK;
}

ov_status ovi_task_note_i64(ovi_task *t, const char *key, int64_t value, ov_error *err)
{
    return add_note(t, key, (ovi_task_note){.value = value}, err);
}

ov_status ovi_task_note_text(ovi_task *t, const char *key, ov_slice text, ov_error *err)
{
    ovi_task_note note = {.is_text = true};
    OV_TRY(ov_arena_copy(&t->arena, text, &note.text, err));
    return add_note(t, key, note, err);
}

/* ---- noop ---- */

static ov_status noop_check(ovi_task *t, const ov_json *doc, ov_error *err)
{
    int64_t *run_ms;
    enum { DEFAULT_RUN_MS = 2500, MAX_RUN_MS = 86400000 };
    OV_TRY(ov_arena_alloc(&t->arena, sizeof(*run_ms), &run_ms, err));
    OV_TRY(ov_json_str(doc, "dataSource", OV_SLICE_LIT("none"), &t->row.datasource, err));
    OV_TRY(ov_datasource_name_check(t->row.datasource, err));
    OV_TRY(ov_json_i64_in(doc, "runTime", DEFAULT_RUN_MS, 0, MAX_RUN_MS, run_ms, err));
    t->plan = run_ms;
    return OV_OK;
}

static ov_status noop_run(ovi_task *t, ov_error *err)
{
    enum { NAP_MS = 20 };
    int64_t until = ov_monotonic_ns() + *(const int64_t *)t->plan * 1000000;
    while (ov_monotonic_ns() < until) {
        if (ovi_task_cancelled(t))
            return ovi_task_fail_cancelled(t, err);
        ov_sleep_ms(NAP_MS);
    }
    return OV_OK;
}

const ovi_task_type ovi_task_noop = {"noop", noop_check, noop_run, false, false};
