/* Rows of a merge to the builders of their time chunks, once, or twice where a first look must say how to divide them. */
#include "ingest/load/merge.h"

#include "ingest/load/loader_int.h"

static ov_status add_batch(void *loader, const ov_batch *batch, ov_error *err)
{
    return ov_loader_add(loader, batch, err);
}

/* ---- dividing by hash or range ---- */

typedef struct survey {
    ovi_partitioner *p;
    const ovi_merge_env *env;
    ov_arena scratch;
} survey;

static ov_status see_batch(void *self, const ov_batch *batch, ov_error *err)
{
    survey *s = self;
    if (s->env->cancel && atomic_load(s->env->cancel))
        return ov_fail(err, OV_CANCELLED, "cancelled");
    ov_arena_reset(&s->scratch);
    if (batch->sel_rows == 0)
        return OV_OK;
    return ovi_partitioner_see_batch(s->p, batch, &s->scratch, err);
}

/* False: the rows are divided by number alone. */
static ov_status divide(const ovi_merge_env *env, const ovi_merge *what, const ovi_union *u, ovi_partitioner *p, bool *divided,
                        ov_error *err)
{
    survey s = {.p = p, .env = env};
    OV_TRY(ovi_partitioner_choose(p, what->spec, what->gran, u->columns, u->column_count, divided, err));
    if (!*divided)
        return OV_OK;
    ov_arena_init(&s.scratch, "survey", NULL);
    ov_status st = ovi_union_read(u, what->inputs, what->count, what->filter, see_batch, &s, err);
    ov_arena_fini(&s.scratch);
    if (what->filter)
        what->filter->dropped = 0;
    return st == OV_OK ? ovi_partitioner_settle(p, err) : st;
}

/* ---- the whole ---- */

bool ovi_merge_folds(const ov_segment *seg, const ov_spec *spec)
{
    bool known = ov_segment_is_rolled_up(seg);
    for (uint32_t k = 0; k < ov_segment_columns(seg) && known; k++) {
        const ov_column_info *info = ov_column_get_info(ov_segment_column(seg, k));
        known = info->role != OV_ROLE_METRIC;
        for (uint32_t m = 0; m < spec->metric_count && !known; m++)
            known = ov_slice_eq(spec->metrics[m].name, info->name);
    }
    return known;
}

static ov_status check_folds(const ovi_union *u, ov_error *err)
{
    for (uint32_t i = 0; i < u->column_count; i++)
        if (u->columns[i].role == OV_ROLE_METRIC && u->columns[i].fold == OV_FOLD_NONE)
            return ov_fail(err, OV_INVALID, "metricsSpec: it does not say how values of '" OV_SLICE_FMT "' are put together",
                           OV_SLICE_ARG(u->columns[i].name));
    return OV_OK;
}

static ov_status load(const ovi_merge_env *env, const ovi_merge *what, const ovi_union *u, ovi_partitioner *p, ov_arena *out,
                      ov_load_result *result, ov_error *err)
{
    ov_loader *loader;
    ov_slice tmp, version;
    OV_TRY(ov_arena_printf(out, &tmp, err, "%s/tmp", ov_catalog_dir(env->catalog)));
    OV_TRY(ov_catalog_next_version(env->catalog, out, &version, err));
    ov_load_env load_env = {.tmp_dir = tmp.p,
                            .file_stem = env->stem.p,
                            .version = version,
                            .budget = env->budget,
                            .memory_bytes = env->memory_bytes,
                            .disk = env->disk,
                            .cancel = env->cancel,
                            .progress = env->progress,
                            .arrival = ov_keys_horizon(env->catalog, what->datasource) != OV_DEAD_LONG_AGO,
                            .arrival_from = what->arrival_from};
    ov_load_schema schema = {.datasource = what->datasource,
                             .columns = u->columns,
                             .column_count = u->column_count,
                             .sort = u->sort,
                             .sort_count = u->sort_count,
                             .segment_gran = *what->gran,
                             .query_gran = what->spec->granularity.query,
                             .rollup = what->rollup,
                             .extra_json = what->extra_json.n ? what->extra_json : u->extra_json,
                             .max_rows_per_segment = what->spec->max_rows_per_segment,
                             .max_parse_exceptions = UINT64_MAX,
                             .partitioner = p};
    OV_TRY(ov_loader_create(&schema, &load_env, &loader, err));
    ov_status st = ovi_union_read(u, what->inputs, what->count, what->filter, add_batch, loader, err);
    if (st == OV_OK)
        st = ov_loader_finish(loader, out, result, err);
    ov_loader_destroy(loader);
    return st;
}

ov_status ovi_merge_seal(const ovi_merge_env *env, const ovi_merge *what, ov_publish *to, ov_load_result *result, ov_error *err)
{
    ovi_union u;
    ovi_partitioner p;
    bool divided = false;
    ov_load_result own = {0};
    if (!result)
        result = &own;
    OV_TRY(what->wanted ? ovi_union_want(what->inputs, what->count, what->spec, what->wanted_metrics, to->arena, &u, err)
                        : ovi_union_make(what->inputs, what->count, what->spec, to->arena, &u, err));
    u.horizon = ov_keys_horizon(env->catalog, what->datasource);
    ovi_partitioner_init(&p, what->gran);
    ov_status st = what->rollup ? check_folds(&u, err) : OV_OK;
    if (st == OV_OK && what->wanted)
        st = divide(env, what, &u, &p, &divided, err);
    if (st == OV_OK)
        st = load(env, what, &u, divided ? &p : NULL, to->arena, result, err);
    ovi_partitioner_fini(&p);
    return st == OV_OK ? ov_publish_add(to, result, err) : st;
}
