/*
 * `compact` (compact.h): read what answers, write it anew, publish it in place of what was read. When that changed meanwhile,
 * once more from the start.
 */
#include "ingest/task/task_int.h"
#include "ingest/upkeep/compact.h"

#include "base/fault.h"

enum { ATTEMPTS = 10 };

typedef struct compaction {
    ovi_task *t;
    const ovi_compact_plan *plan;
    ov_load_env env;
    ov_arena arena; /* of one attempt */
    ovi_compact_inputs in;
    ov_publish publish;
    ov_load_counters counters;
    uint32_t attempt;
} compaction;

static ov_status compact_check(ovi_task *t, const ov_json *doc, ov_error *err)
{
    ovi_compact_plan *plan;
    OV_TRY(ov_arena_alloc(&t->arena, sizeof(*plan), &plan, err));
    OV_TRY(ovi_compact_read(doc, ovi_tasks_config(t->runner)->transforms, &t->arena, plan, err));
    t->row.datasource = plan->datasource;
    t->plan = plan;
    return OV_OK;
}

/* ---- one group ---- */

static ov_status set_text(ov_arena *a, ov_json *doc, const char *key, ov_slice text, ov_error *err)
{
    ov_json *v;
    OV_TRY(ov_json_parse(text, NULL, a, &v, err));
    return ov_json_set(a, doc, key, v, err);
}

/* What the new segments say of their rows: what the first input says, where the document does not say otherwise. */
static ov_status describe(compaction *c, const ovi_compact_group *g, const ov_spec *spec, bool rollup, ov_slice *out, ov_error *err)
{
    ov_arena *a = &c->arena;
    ov_json *doc;
    ov_buf b;
    ov_slice first = ov_segment_extra_json(c->in.inputs[g->first].segment);
    OV_TRY(ov_json_parse(first.n ? first : OV_SLICE_LIT("{}"), NULL, a, &doc, err));
    OV_TRY(set_text(a, doc, "metricsSpec", spec->metrics_json, err));
    if (c->plan->has_query_gran)
        OV_TRY(set_text(a, doc, "queryGranularity", spec->granularity.query_json, err));
    if (c->plan->has_segment_gran)
        OV_TRY(set_text(a, doc, "segmentGranularity", spec->granularity.segment_json, err));
    OV_TRY(set_text(a, doc, "rollup", rollup ? OV_SLICE_LIT("true") : OV_SLICE_LIT("false"), err));
    ov_buf_init(&b);
    ov_json_print(doc, &b);
    ov_status st = ov_buf_check(&b, err);
    if (st == OV_OK)
        st = ov_arena_copy(a, ov_buf_slice(&b), out, err);
    ov_buf_fini(&b);
    return st;
}

static void count(compaction *c, const ov_load_result *r, const ovi_merge_filter *filter)
{
    c->counters.read += r->counters.read + filter->dropped;
    c->counters.loaded += r->counters.loaded;
    c->counters.filtered += filter->dropped;
}

static uint64_t rows_before(const compaction *c, const ovi_compact_group *g)
{
    uint64_t rows = 0;
    for (uint32_t i = 0; i < g->first; i++)
        rows += c->in.entries[i]->info.rows;
    return rows;
}

static ov_status write_group(compaction *c, const ovi_compact_group *g, uint32_t number, ov_error *err)
{
    const ovi_compact_plan *p = c->plan;
    ov_spec *spec = p->spec;
    ov_slice metrics, stem;
    ov_load_result *result;
    ovi_merge_filter filter = {0};
    uint32_t from = c->publish.segment_count;
    if (!p->has_metrics) {
        OV_TRY(ovi_compact_metrics(&c->in, g, &c->arena, &metrics, err));
        OV_TRY(ovi_compact_spec(p, metrics, &c->arena, &spec, err));
    }
    if (spec->transform_json.n)
        OV_TRY(ovi_merge_filter_open(&filter, ovi_tasks_config(c->t->runner)->transforms, spec->transform_json, &c->arena, err));
    OV_TRY(ov_arena_printf(&c->arena, &stem, err, "%s-%u-%u", c->env.file_stem, c->attempt, number));
    OV_TRY(ov_arena_zalloc(&c->arena, sizeof(*result), &result, err));
    ovi_merge_env env = {.catalog = ovi_tasks_config(c->t->runner)->catalog,
                         .budget = &c->t->budget,
                         .stem = stem,
                         .memory_bytes = c->env.memory_bytes,
                         .disk = c->env.disk,
                         .cancel = &c->t->cancel,
                         .progress = &c->t->progress};
    ovi_merge what = {.datasource = p->datasource,
                      .inputs = c->in.inputs + g->first,
                      .count = g->count,
                      .spec = spec,
                      .gran = &spec->granularity.segment,
                      .rollup = p->has_rollup ? spec->granularity.rollup : ovi_compact_folded(&c->in, g, spec),
                      .wanted = true,
                      .wanted_metrics = p->has_metrics,
                      .arrival_from = rows_before(c, g),
                      .filter = spec->transform_json.n ? &filter : NULL};
    OV_TRY(describe(c, g, spec, what.rollup, &what.extra_json, err));
    OV_TRY(ovi_merge_seal(&env, &what, &c->publish, result, err));
    for (uint32_t i = from; i < c->publish.segment_count && !p->has_segment_gran; i++) { /* sealed as of all time */
        c->publish.segments[i].info.start_ms = g->span.start;
        c->publish.segments[i].info.end_ms = g->span.end;
    }
    count(c, result, &filter);
    return OV_OK;
}

/* ---- all of them, and the commit ---- */

/* Where rows were and none are now: otherwise what lies below would show again. */
static ov_status empty_rest(compaction *c, ov_error *err)
{
    ov_interval *parts;
    size_t n = 0, most = 0;
    for (uint32_t i = 0; i < c->in.count; i++)
        most += c->in.entries[i]->part_count;
    OV_TRY(ov_arena_alloc(&c->arena, (most + 1) * sizeof(*parts), &parts, err));
    for (uint32_t i = 0; i < c->in.count; i++)
        for (uint32_t k = 0; k < c->in.entries[i]->part_count; k++)
            parts[n++] = c->in.entries[i]->parts[k];
    n = ov_interval_condense(parts, n);
    return ov_publish_empty(&c->publish, c->plan->datasource, parts, (uint32_t)n, err);
}

static ov_status write_all(compaction *c, ov_error *err)
{
    atomic_store(&c->t->progress.rows, 0);
    atomic_store(&c->t->progress.total_bytes, c->in.bytes);
    for (uint32_t i = 0; i < c->in.group_count; i++) {
        const ovi_compact_group *g = &c->in.groups[i];
        OV_TRY(write_group(c, g, i, err));
        for (uint32_t k = 0; k < g->count; k++)
            atomic_fetch_add(&c->t->progress.bytes, c->in.entries[g->first + k]->info.bytes);
    }
    OV_FAULT(OV_FAULT_COMPACT_SEALED, err);
    OV_TRY(empty_rest(c, err));
    c->publish.inputs = c->in.entries;
    c->publish.input_count = c->in.count;
    return ov_publish_record(&c->publish, &(ov_record){.kind = OV_SLICE_LIT(OVI_COMPACTION_KIND), .key = c->t->row.id,
                                                       .value = c->plan->state},
                             err);
}

static ov_status tell(compaction *c, ov_error *err)
{
    ov_load_result r = {.counters = c->counters};
    ovi_task_add_result(c->t, &r);
    OV_TRY(ovi_task_note_i64(c->t, "segmentsRead", c->in.count, err));
    return ovi_task_note_i64(c->t, "attempts", c->attempt + 1, err);
}

/* OV_BUSY: what was read changed. */
static ov_status try_once(compaction *c, ov_error *err)
{
    ov_catalog *catalog = ovi_tasks_config(c->t->runner)->catalog;
    c->counters = (ov_load_counters){0};
    OV_TRY(ovi_compact_open(catalog, c->plan, &c->arena, &c->in, err));
    ovi_task_log_line(&c->t->log, "INFO", "reading %u segments with %llu rows", c->in.count, (unsigned long long)c->in.rows);
    ov_publish_init(&c->publish, catalog, c->t->row.id, OV_PUBLISH_REPLACE, &c->arena);
    ov_status st = write_all(c, err);
    if (st == OV_OK) {
        ov_load_counters before = c->t->loaded.counters;
        ovi_task_note **tail = c->t->notes_tail;
        st = tell(c, err);
        if (st == OV_OK)
            st = ovi_task_publish(c->t, &c->publish, err); /* which removes the files when it fails */
        if (st != OV_OK) {
            c->t->loaded.counters = before;
            c->t->notes_tail = tail;
            *tail = NULL;
        }
    } else {
        ov_publish_abandon(&c->publish);
    }
    ovi_compact_close(&c->in);
    return st;
}

static ov_status compact_run(ovi_task *t, ov_error *err)
{
    compaction c = {.t = t, .plan = t->plan};
    ov_status st = OV_BUSY;
    OV_TRY(ovi_task_load_env(t, 1, &c.env, err));
    ovi_task_limit_memory(t, c.plan->spec, &c.env);
    for (; st == OV_BUSY && c.attempt < ATTEMPTS; c.attempt++) {
        if (c.attempt) {
            ovi_task_log_line(&t->log, "INFO", "once more: %s", err->text);
            *err = (ov_error)OV_ERROR_INIT;
        }
        ov_arena_init(&c.arena, "compaction", &t->budget);
        st = try_once(&c, err);
        ov_arena_fini(&c.arena);
    }
    return st == OV_CANCELLED ? ovi_task_fail_cancelled(t, err) : st;
}

const ovi_task_type ovi_task_compact = {"compact", compact_check, compact_run, false, true};
