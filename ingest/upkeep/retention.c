/* Which used segments become unused, and which unused ones go for good: one look over the catalog each. */
#include "base/log.h"
#include "ingest/upkeep/rules.h"
#include "ingest/upkeep/settings.h"
#include "ingest/upkeep/upkeep.h"

/* ---- ids to mark ---- */

typedef struct id_list {
    ov_slice *ids;
    uint32_t n;
} id_list;

static ov_status mark_ids(ov_catalog *catalog, ov_slice datasource, const id_list *l, uint32_t *total, ov_error *err)
{
    uint32_t n;
    ov_segment_choice which = {.datasource = datasource, .span = {INT64_MIN, INT64_MAX}, .ids = l->ids, .id_count = l->n};
    if (l->n == 0)
        return OV_OK;
    OV_TRY(ov_catalog_mark(catalog, &which, false, &n, err));
    *total += n;
    return OV_OK;
}

static ov_interval span_of(const ov_segment_entry *e)
{
    return (ov_interval){e->info.start_ms, e->info.end_ms};
}

/* How many entries from `from` on are of the same datasource. */
static uint32_t same_datasource(const ov_segment_entry *const *all, uint32_t count, uint32_t from)
{
    uint32_t n = 1;
    while (from + n < count && ov_slice_eq(all[from + n]->info.datasource, all[from]->info.datasource))
        n++;
    return n;
}

/* ---- rules ---- */

typedef struct rule_set {
    ov_rule *own, *shared;
    uint32_t own_count, shared_count;
} rule_set;

static ov_status read_rules(const ov_json *object, ov_slice datasource, ov_arena *a, rule_set *out, ov_error *err)
{
    ov_json *fallback;
    const ov_json *shared = NULL, *own = NULL;
    *out = (rule_set){0};
    for (const ov_json *v = object->first; v; v = v->next) {
        if (ov_slice_eq(v->key, OV_SLICE_LIT(OV_RULES_DEFAULT)))
            shared = v;
        else if (ov_slice_eq(v->key, datasource))
            own = v;
    }
    if (!shared) {
        OV_TRY(ov_json_parse(OV_SLICE_LIT(OV_RULES_DEFAULT_JSON), NULL, a, &fallback, err));
        shared = fallback;
    }
    if (own)
        OV_TRY(ov_rules_read(own, a, &out->own, &out->own_count, err));
    return ov_rules_read(shared, a, &out->shared, &out->shared_count, err);
}

static bool drops(const rule_set *r, ov_interval span, int64_t now_ms)
{
    for (uint32_t i = 0; i < r->own_count; i++)
        if (ov_rule_applies(&r->own[i], span, now_ms))
            return r->own[i].drops;
    return ov_rules_drop(r->shared, r->shared_count, span, now_ms);
}

/* What stays and is hidden by newer segments, wholly or in part. */
typedef struct below {
    const ov_segment_entry **list;
    uint32_t n;
} below;

/* Without the dropped segment an older chunk would show its replaced rows again. */
static bool hides_something(const ov_segment_entry *e, const below *b)
{
    for (uint32_t i = 0; i < b->n; i++)
        if (ov_interval_overlaps(span_of(b->list[i]), span_of(e)) && ov_slice_cmp(b->list[i]->info.version, e->info.version) < 0)
            return true;
    return false;
}

static ov_status apply_to(ov_catalog *catalog, const rule_set *rules, const ov_segment_entry *const *all, uint32_t n,
                          int64_t now_ms, ov_arena *a, uint32_t *dropped, ov_error *err)
{
    const ov_segment_entry **goes;
    below stays = {0};
    id_list l = {0};
    uint32_t going = 0, before = *dropped;
    OV_TRY(ov_arena_alloc(a, n * sizeof(*goes), &goes, err));
    OV_TRY(ov_arena_alloc(a, n * sizeof(*stays.list), &stays.list, err));
    OV_TRY(ov_arena_alloc(a, n * sizeof(*l.ids), &l.ids, err));
    for (uint32_t i = 0; i < n; i++) {
        if (drops(rules, span_of(all[i]), now_ms))
            goes[going++] = all[i];
        else if (!all[i]->visible || all[i]->partial)
            stays.list[stays.n++] = all[i];
    }
    for (uint32_t i = 0; i < going; i++)
        if (!hides_something(goes[i], &stays))
            l.ids[l.n++] = goes[i]->id;
    OV_TRY(mark_ids(catalog, all[0]->info.datasource, &l, dropped, err));
    if (*dropped > before)
        ov_log_info("segments dropped by rule", ov_kv_slice("datasource", all[0]->info.datasource),
                    ov_kv_i64("segments", *dropped - before));
    return OV_OK;
}

ov_status ov_upkeep_apply_rules(ov_catalog *catalog, int64_t now_ms, uint32_t *dropped, ov_error *err)
{
    ov_arena a;
    ov_settings s;
    const ov_segment_entry *const *all;
    *dropped = 0;
    ov_arena_init(&a, "rules", NULL);
    ov_snapshot *snap = ov_catalog_snapshot(catalog);
    uint32_t count = ov_snapshot_all(snap, &all);
    ov_status st = ov_settings_read(catalog, OV_RULES_SUBJECT, &a, &s, err);
    for (uint32_t i = 0, n; i < count && st == OV_OK; i += n) {
        rule_set rules;
        n = same_datasource(all, count, i);
        st = read_rules(s.object, all[i]->info.datasource, &a, &rules, err);
        if (st == OV_OK)
            st = apply_to(catalog, &rules, all + i, n, now_ms, &a, dropped, err);
    }
    ov_snapshot_release(snap);
    ov_arena_fini(&a);
    return st;
}

/* ---- hidden segments ---- */

static bool same_chunk(const ov_segment_entry *a, const ov_segment_entry *b)
{
    return a->info.start_ms == b->info.start_ms && a->info.end_ms == b->info.end_ms &&
           ov_slice_eq(a->info.version, b->info.version);
}

/* The segments of a chunk stand together. One that lacks core partitions is not hidden: it waits for them. */
static uint32_t chunk_length(const ov_segment_entry *const *all, uint32_t count, uint32_t from, bool *complete)
{
    uint32_t n = 0, cores = 0, want = 0;
    for (; from + n < count && same_chunk(all[from], all[from + n]); n++) {
        cores += !all[from + n]->appended;
        want = OV_MAX(want, all[from + n]->core);
    }
    *complete = cores >= want;
    return n;
}

static ov_status mark_hidden_of(ov_catalog *catalog, const ov_segment_entry *const *all, uint32_t n, ov_arena *a,
                                uint32_t *marked, ov_error *err)
{
    id_list l = {0};
    bool complete;
    OV_TRY(ov_arena_alloc(a, n * sizeof(*l.ids), &l.ids, err));
    for (uint32_t i = 0, len; i < n; i += len) {
        len = chunk_length(all, n, i, &complete);
        for (uint32_t k = i; k < i + len; k++)
            if (complete && !all[k]->visible)
                l.ids[l.n++] = all[k]->id;
    }
    return mark_ids(catalog, all[0]->info.datasource, &l, marked, err);
}

ov_status ov_upkeep_mark_hidden(ov_catalog *catalog, uint32_t *marked, ov_error *err)
{
    ov_arena a;
    const ov_segment_entry *const *all;
    ov_status st = OV_OK;
    *marked = 0;
    ov_arena_init(&a, "hidden segments", NULL);
    ov_snapshot *snap = ov_catalog_snapshot(catalog);
    uint32_t count = ov_snapshot_all(snap, &all);
    for (uint32_t i = 0, n; i < count && st == OV_OK; i += n) {
        n = same_datasource(all, count, i);
        st = mark_hidden_of(catalog, all + i, n, &a, marked, err);
    }
    ov_snapshot_release(snap);
    ov_arena_fini(&a);
    return st;
}

/* ---- kill ---- */

static ov_status submit_kill(ov_tasks *tasks, const ov_segment_choice *which, uint32_t count, ov_interval around, ov_arena *a,
                             ov_error *err)
{
    ov_buf b;
    ov_slice id;
    ov_buf_init(&b);
    ov_buf_add_str(&b, "{\"type\":\"kill\",\"dataSource\":");
    ov_json_quote(&b, which->datasource);
    ov_buf_add_str(&b, ",\"interval\":\"");
    ov_interval_add(&b, around);
    ov_buf_addf(&b, "\",\"limit\":%u,\"maxUsedStatusLastUpdatedTime\":\"", count);
    ov_iso_add(&b, which->unused_until, NULL);
    ov_buf_add_str(&b, "\"}");
    ov_status st = ov_buf_check(&b, err);
    if (st == OV_OK)
        st = ov_tasks_submit(tasks, ov_buf_slice(&b), a, &id, err);
    ov_buf_fini(&b);
    return st;
}

/* Empty list: every datasource. */
static bool is_listed(const ov_json *list, ov_slice name)
{
    bool found = !list || list->count == 0;
    for (const ov_json *v = list ? list->first : NULL; v && !found; v = v->next)
        found = v->kind == OV_JSON_STRING && ov_slice_eq(v->s, name);
    return found;
}

static ov_status before(int64_t now_ms, const ov_period *p, int64_t *at, ov_error *err)
{
    return ov_period_shift(now_ms, p, -1, NULL, at, err);
}

static ov_status kill_all(ov_catalog *catalog, ov_tasks *tasks, const ov_upkeep_settings *s, int64_t now_ms, ov_arena *a,
                          uint32_t *made, ov_error *err)
{
    ov_slice *names;
    ov_settings dynamic;
    const ov_json *list;
    uint32_t count;
    ov_segment_choice which = {.span = {INT64_MIN, INT64_MAX}, .has_unused_until = true, .most = s->kill_most};
    OV_TRY(ov_settings_read(catalog, "coordinator.config", a, &dynamic, err));
    OV_TRY(ov_json_arr(dynamic.object, "killDataSourceWhitelist", &list, err));
    if (!s->kill_ignore_retain)
        OV_TRY(before(now_ms, &s->kill_retain, &which.span.end, err));
    OV_TRY(before(now_ms, &s->kill_buffer, &which.unused_until, err));
    OV_TRY(ov_catalog_datasource_names(catalog, a, &names, &count, err));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t n;
        ov_interval around;
        which.datasource = names[i];
        if (!is_listed(list, names[i]))
            continue;
        OV_TRY(ov_catalog_unused(catalog, &which, &n, &around, err));
        if (n == 0)
            continue;
        OV_TRY(submit_kill(tasks, &which, n, around, a, err));
        ++*made;
    }
    return OV_OK;
}

ov_status ov_upkeep_kill(ov_catalog *catalog, ov_tasks *tasks, const ov_upkeep_settings *s, int64_t now_ms, uint32_t *tasks_made,
                         ov_error *err)
{
    ov_arena a;
    *tasks_made = 0;
    ov_arena_init(&a, "kill", NULL);
    ov_status st = kill_all(catalog, tasks, s, now_ms, &a, tasks_made, err);
    ov_arena_fini(&a);
    return st;
}
