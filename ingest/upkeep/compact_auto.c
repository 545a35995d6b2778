/* Time chunks beside what their configuration wants: counted for the status, newest first for tasks. */
#include "ingest/upkeep/compact_int.h"

#include <stdlib.h>
#include "base/log.h"
#include "base/os.h"

typedef enum chunk_state {
    COMPACTED,
    SKIPPED,
    AWAITING,
} chunk_state;

/* Neighbouring segments that become chunks together. */
typedef struct chunk {
    ov_interval span;
    uint64_t bytes;
    uint32_t segments;
    chunk_state state;
    bool as_wanted;
} chunk;

typedef struct search {
    ov_catalog *catalog;
    const ovi_compaction_config *config;
    ov_arena *arena;
    chunk *chunks;
    uint32_t count;
    ov_slice last_task; /* whose record was looked at last */
    bool last_as_wanted;
} search;

/* ---- is it as wanted? ---- */

static ov_status written_as_wanted(search *s, ov_slice task, bool *yes, ov_error *err)
{
    ov_record *rows;
    uint32_t n;
    if (!s->last_task.n || !ov_slice_eq(s->last_task, task)) {
        OV_TRY(ov_catalog_record_list(s->catalog, OV_SLICE_LIT(OVI_COMPACTION_KIND), task, s->arena, &rows, &n, err));
        s->last_task = task;
        s->last_as_wanted = n > 0 && ov_slice_eq(rows[n - 1].value, s->config->plan.state);
    }
    *yes = s->last_as_wanted;
    return OV_OK;
}

/* The whole buckets that the segment touches. */
static ov_interval bucket_of(const search *s, const ov_segment_entry *e)
{
    const ov_gran *g = &s->config->plan.spec->granularity.segment;
    ov_interval span = {e->info.start_ms, e->info.end_ms};
    if (s->config->plan.has_segment_gran && g->kind != OV_GRAN_ALL) {
        span.start = ov_gran_floor(g, span.start);
        span.end = ov_gran_ceil(g, span.end);
    }
    return span;
}

static ov_status add_segment(search *s, const ov_segment_entry *e, ov_error *err)
{
    bool yes;
    ov_interval span = bucket_of(s, e);
    chunk *c = s->count ? &s->chunks[s->count - 1] : NULL;
    if (!c || !ov_interval_overlaps(c->span, span)) {
        c = &s->chunks[s->count++];
        *c = (chunk){.span = span, .as_wanted = true};
    }
    c->span.start = OV_MIN(c->span.start, span.start);
    c->span.end = OV_MAX(c->span.end, span.end);
    c->bytes += e->info.bytes;
    c->segments++;
    OV_TRY(written_as_wanted(s, e->task_id, &yes, err));
    c->as_wanted &= yes;
    return OV_OK;
}

static ov_status find_chunks(search *s, const ov_datasource *ds, ov_error *err)
{
    int64_t latest = OV_TIME_MIN, cut;
    OV_TRY(ov_arena_alloc(s->arena, (ds->segment_count + 1u) * sizeof(*s->chunks), &s->chunks, err));
    for (uint32_t i = 0; i < ds->segment_count; i++) {
        if (ds->segments[i]->live)
            continue;
        latest = OV_MAX(latest, ds->segments[i]->info.end_ms);
        OV_TRY(add_segment(s, ds->segments[i], err));
    }
    if (s->count == 0)
        return OV_OK;
    OV_TRY(ov_period_shift(latest, &s->config->skip, -1, NULL, &cut, err));
    for (uint32_t i = 0; i < s->count; i++) {
        chunk *c = &s->chunks[i];
        bool skip = c->span.end > cut || c->bytes > (uint64_t)s->config->most_bytes;
        c->state = c->as_wanted ? COMPACTED : skip ? SKIPPED : AWAITING;
    }
    return OV_OK;
}

/* ---- configurations ---- */

static ov_status read_configs(ov_catalog *catalog, ov_arena *a, const ov_json **datasources, const ov_json **cluster, ov_error *err)
{
    ov_settings s;
    OV_TRY(ov_settings_read(catalog, OV_COMPACTION_SUBJECT, a, &s, err));
    OV_TRY(ov_json_obj(s.object, "cluster", cluster, err));
    return ov_json_obj(s.object, "datasources", datasources, err);
}

static ov_status search_one(search *s, const ov_snapshot *snap, const ov_json *json, ovi_compaction_config *config, ov_error *err)
{
    OV_TRY(ovi_compaction_read(json, NULL, s->arena, config, err));
    s->config = config;
    const ov_datasource *ds = ov_snapshot_find(snap, config->datasource);
    return ds ? find_chunks(s, ds, err) : OV_OK;
}

/* ---- the status ---- */

static void add_to(ov_compaction_sum *to, const chunk *c)
{
    to->bytes += c->bytes;
    to->segments += c->segments;
    to->intervals++;
}

ov_status ov_compaction_look(ov_catalog *catalog, ov_slice datasource, ov_arena *out, ov_compaction_status **list, uint32_t *count,
                             ov_error *err)
{
    const ov_json *all, *cluster;
    *count = 0;
    OV_TRY(read_configs(catalog, out, &all, &cluster, err));
    OV_TRY(ov_arena_zalloc(out, ((all ? all->count : 0) + 1u) * sizeof(**list), list, err));
    ov_snapshot *snap = ov_catalog_snapshot(catalog);
    ov_status st = OV_OK;
    for (const ov_json *v = all ? all->first : NULL; v && st == OV_OK; v = v->next) {
        search s = {.catalog = catalog, .arena = out};
        ovi_compaction_config config;
        if (datasource.n && !ov_slice_eq(datasource, v->key))
            continue;
        st = search_one(&s, snap, v, &config, err);
        ov_compaction_status *to = &(*list)[(*count)++];
        to->datasource = v->key;
        for (uint32_t i = 0; i < s.count && st == OV_OK; i++)
            add_to(s.chunks[i].state == AWAITING    ? &to->awaiting
                   : s.chunks[i].state == COMPACTED ? &to->compacted
                                                    : &to->skipped,
                   &s.chunks[i]);
    }
    ov_snapshot_release(snap);
    return st;
}

/* ---- tasks ---- */

void ov_compaction_run_init(ov_compaction_run *run)
{
    *run = (ov_compaction_run){0};
    ov_arena_init(&run->arena, "compaction run", NULL);
}

void ov_compaction_run_fini(ov_compaction_run *run)
{
    ov_arena_fini(&run->arena);
    *run = (ov_compaction_run){0};
}

static ov_status key_of(const search *s, const chunk *c, ov_arena *a, ov_slice *key, ov_error *err)
{
    return ov_arena_printf(a, key, err, OV_SLICE_FMT "_%lld_%lld", OV_SLICE_ARG(s->config->datasource), (long long)c->span.start,
                           (long long)c->span.end);
}

static bool was_tried(const ov_compaction_run *run, ov_slice key)
{
    for (uint32_t i = 0; i < run->count; i++)
        if (ov_slice_eq(run->tried[i], key))
            return true;
    return false;
}

static ov_status note_tried(ov_compaction_run *run, ov_slice key, ov_error *err)
{
    OV_TRY(ov_arena_room(&run->arena, &run->tried, run->count, &run->cap, 1, sizeof *run->tried, err));
    return ov_arena_copy(&run->arena, key, &run->tried[run->count++], err);
}

static ov_status submit(const search *s, const chunk *c, ov_tasks *tasks, ov_error *err)
{
    ov_buf b;
    ov_slice id, got;
    char when[OV_ISO_BYTES];
    int n = (int)ov_iso_format(ov_now_ms(), NULL, when);
    OV_TRY(ov_arena_printf(s->arena, &id, err, "coordinator-issued_compact_" OV_SLICE_FMT "_%lld_%.*s",
                           OV_SLICE_ARG(s->config->datasource), (long long)c->span.start, n, when));
    ov_buf_init(&b);
    ov_status st = ovi_compaction_task(s->config, c->span, id, &b, err);
    if (st == OV_OK)
        st = ov_tasks_submit(tasks, ov_buf_slice(&b), s->arena, &got, err);
    ov_buf_fini(&b);
    return st;
}

/* The chunks of one datasource, from the newest on. */
static ov_status submit_chunks(ov_compaction_run *run, search *s, ov_tasks *tasks, uint32_t *slots, uint32_t *submitted, bool *more,
                               ov_error *err)
{
    for (uint32_t i = s->count; i-- > 0;) {
        const chunk *c = &s->chunks[i];
        ov_slice key;
        ov_error why = OV_ERROR_INIT;
        if (c->state != AWAITING)
            continue;
        OV_TRY(key_of(s, c, s->arena, &key, err));
        if (was_tried(run, key))
            continue;
        if (*slots == 0) {
            *more = true;
            return OV_OK;
        }
        OV_TRY(note_tried(run, key, err));
        if (submit(s, c, tasks, &why) != OV_OK) {
            ov_log_warn("a compaction could not be submitted", ov_kv_slice("datasource", s->config->datasource), ov_kv_err(&why));
            continue;
        }
        --*slots;
        ++*submitted;
    }
    return OV_OK;
}

/* As in Druid: a share of the tasks that may run at once, at least one. */
static ov_status count_slots(const ov_json *cluster, ov_tasks *tasks, uint32_t *slots, ov_error *err)
{
    double ratio;
    int64_t most;
    ov_task_counts counts;
    ov_tasks_counts(tasks, &counts);
    OV_TRY(ov_json_f64(cluster, "compactionTaskSlotRatio", 0.1, &ratio, err));
    OV_TRY(ov_json_i64(cluster, "maxCompactionTaskSlots", INT32_MAX, &most, err));
    int64_t all = OV_MAX((int64_t)((double)counts.threads * OV_MIN(OV_MAX(ratio, 0.0), 1.0)), INT64_C(1));
    all = OV_MIN(all, OV_MAX(most, INT64_C(0)));
    uint32_t live = ov_tasks_live(tasks, OV_SLICE_LIT("compact"));
    *slots = all > live ? (uint32_t)all - live : 0;
    return OV_OK;
}

static ov_status submit_all(ov_compaction_run *run, ov_catalog *catalog, ov_tasks *tasks, const ov_snapshot *snap, ov_arena *a,
                            uint32_t *submitted, bool *more, ov_error *err)
{
    const ov_json *all, *cluster;
    uint32_t slots;
    OV_TRY(read_configs(catalog, a, &all, &cluster, err));
    OV_TRY(count_slots(cluster, tasks, &slots, err));
    for (const ov_json *v = all ? all->first : NULL; v; v = v->next) {
        search s = {.catalog = catalog, .arena = a};
        ovi_compaction_config config;
        OV_TRY(search_one(&s, snap, v, &config, err));
        OV_TRY(submit_chunks(run, &s, tasks, &slots, submitted, more, err));
    }
    return OV_OK;
}

ov_status ov_compaction_submit(ov_compaction_run *run, ov_catalog *catalog, ov_tasks *tasks, uint32_t *submitted, bool *more,
                               ov_error *err)
{
    ov_arena a;
    *submitted = 0;
    *more = false;
    ov_arena_init(&a, "compaction", NULL);
    ov_snapshot *snap = ov_catalog_snapshot(catalog);
    ov_status st = submit_all(run, catalog, tasks, snap, &a, submitted, more, err);
    ov_snapshot_release(snap);
    ov_arena_fini(&a);
    return st;
}
